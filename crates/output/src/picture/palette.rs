//! Values to colours.

use rangefold_query::field::Field;

/// No data.
const GREY: [u8; 3] = [176, 176, 176];

/// Words that name a field whose zero means "as usual".
const DIFFERENCES: [&str; 7] =
    ["anomal", "difference", "departure", "deviation", "bias", "trend", "tendency"];

/// Colours between two values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Palette {
    /// Value of the first colour.
    pub(crate) low: f64,
    /// Value of the last colour.
    pub(crate) high: f64,
    gradient: colorous::Gradient,
    reversed: bool,
}

impl Palette {
    /// Colours for a field whose finite values reach from `low` to `high`.
    pub(crate) fn new(field: &Field, low: f64, high: f64) -> Self {
        let words = format!("{} {}", field.variable, field.long_name.as_deref().unwrap_or_default());
        let words = words.to_lowercase();
        if low < 0.0 && high > 0.0 && DIFFERENCES.iter().any(|word| words.contains(word)) {
            let bound = high.max(-low);
            return Self { low: -bound, high: bound, gradient: colorous::RED_BLUE, reversed: true };
        }
        Self { low, high, gradient: colorous::VIRIDIS, reversed: false }
    }

    /// The colour of a value; infinities have those of the ends.
    pub(crate) fn colour(&self, value: Option<f64>) -> [u8; 3] {
        let Some(value) = value else { return GREY };
        // Halves, so that the span of the largest floats is finite; a span of nothing has one colour.
        let part = ((value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0)).clamp(0.0, 1.0);
        let part = if part.is_nan() || self.low == self.high { 0.5 } else { part };
        let colour = self.gradient.eval_continuous(if self.reversed { 1.0 - part } else { part });
        [colour.r, colour.g, colour.b]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rangefold_query::samples;

    #[test]
    fn the_ends_of_viridis_are_violet_and_yellow() {
        let palette = Palette::new(&samples::map(), 0.0, 1.0);
        assert_eq!(palette.colour(Some(0.0)), [68, 1, 84]);
        assert_eq!(palette.colour(Some(f64::INFINITY)), palette.colour(Some(1.0)));
        assert_eq!(palette.colour(None), GREY);
    }

    #[test]
    fn anomalies_are_red_and_blue_about_zero() {
        let mut field = samples::map();
        field.long_name = Some("Temperature anomaly".into());
        let palette = Palette::new(&field, -1.0, 3.0);
        assert_eq!((palette.low, palette.high), (-3.0, 3.0));
        let ([red, _, blue], [cold, _, warm]) = (palette.colour(Some(3.0)), palette.colour(Some(-3.0)));
        assert!(red > blue && warm > cold);
        assert_eq!(Palette::new(&field, 1.0, 3.0).low, 1.0);
    }
}
