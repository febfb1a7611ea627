//! Quantiles of values in ascending order.

use rangefold_array::Number;

/// The place of a quantile among `count` values in ascending order, and how far it lies towards the next value, between 0
/// and 1, as in NumPy's default method `linear`.
#[must_use]
pub fn quantile_place(fraction: f64, count: u64) -> (u64, f64) {
    let last = count.saturating_sub(1);
    let exact = fraction * last as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the count")]
    let place = exact.floor() as u64;
    (place.min(last), exact - exact.floor())
}

/// The number at `part` of the way from `low` to `high`, as NumPy rounds it.
///
/// At a value, and between equal ones, it is that value; between a finite number and an infinite one it is infinite, as
/// in `numpy.median`, where `numpy.quantile` gives NaN; between the two infinities it is NaN.
#[must_use]
pub fn interpolate(low: Number, high: Number, part: f64) -> f64 {
    let (a, b) = (low.to_f64(), high.to_f64());
    if part == 0.0 || low == high {
        return a + 0.0;
    }
    if !(a.is_finite() && b.is_finite()) {
        return a + b;
    }
    let distance = match (low, high) {
        (Number::Integer(low), Number::Integer(high)) => (high - low) as f64,
        _ => b - a,
    };
    if !distance.is_finite() {
        return a * (1.0 - part) + b * part;
    }
    // From the nearer end, so that the ends themselves are exact.
    let value = if part >= 0.5 { b - distance * (1.0 - part) } else { a + distance * part };
    value + 0.0
}

/// The integer nearest to `part` of the way from `low` to `high`: a date between dates.
#[must_use]
pub fn interpolate_integer(low: i64, high: i64, part: f64) -> i64 {
    let distance = high.abs_diff(low);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most the distance")]
    let step = ((distance as f64 * part).round() as u64).min(distance);
    low.saturating_add_unsigned(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_numpys() {
        assert_eq!(quantile_place(0.5, 4), (1, 0.5));
        assert_eq!(quantile_place(1.0, 4), (3, 0.0));
        assert_eq!(quantile_place(0.0, 1), (0, 0.0));
    }

    #[test]
    fn infinities_are_reached_and_not_multiplied() {
        let float = Number::Float;
        assert_eq!(interpolate(float(2.0), float(f64::INFINITY), 0.0), 2.0);
        assert_eq!(interpolate(float(2.0), float(f64::INFINITY), 0.5), f64::INFINITY);
        assert_eq!(interpolate(float(f64::NEG_INFINITY), float(1.0), 0.25), f64::NEG_INFINITY);
        assert_eq!(interpolate(float(f64::INFINITY), float(f64::INFINITY), 0.9), f64::INFINITY);
        assert!(interpolate(float(f64::NEG_INFINITY), float(f64::INFINITY), 0.5).is_nan());
    }

    #[test]
    fn the_distance_of_integers_is_exact() {
        let big = i128::from(i64::MAX);
        assert_eq!(interpolate(Number::Integer(-big), Number::Integer(big), 0.5), 0.0);
        assert_eq!(interpolate(Number::Float(-1e308), Number::Float(1e308), 0.5), 0.0);
        assert_eq!(interpolate_integer(i64::MIN, i64::MAX, 1.0), i64::MAX);
        assert_eq!(interpolate_integer(10, 13, 0.5), 12);
    }
}
