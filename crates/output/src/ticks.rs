//! Where an axis is marked, and what the marks say.

use super::axes::Axis;
use super::numerals::{index_position, superscript};

/// What is written along an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Marks {
    /// `30°E`.
    East,
    /// `30°N`.
    North,
    /// Numbers.
    Numbers(Scale),
    /// Dates, one per index.
    Dates(Vec<String>),
    /// Texts, one per index.
    Names(Vec<String>),
    /// Indexes.
    Indexes,
}

/// How numbers are spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// Evenly.
    Linear,
    /// By their logarithms.
    Logarithmic,
}

impl Axis {
    /// At most about `most` marks, from `begin` to `end`: positions and texts.
    pub(super) fn ticks(&self, most: usize) -> Vec<(f64, String)> {
        let (low, high) = (self.begin.min(self.end), self.begin.max(self.end));
        match &self.marks {
            Marks::East => degrees(low, high, most, longitude),
            Marks::North => degrees(low, high, most, |x| with_side(x, 'N', 'S')),
            Marks::Numbers(Scale::Linear) => numbers(low, high, most),
            Marks::Numbers(Scale::Logarithmic) => logarithms(low, high, most),
            Marks::Dates(dates) => self.at(date_marks(dates, most)),
            Marks::Names(names) => self.at(names
                .iter()
                .cloned()
                .enumerate()
                .step_by(names.len().div_ceil(most.max(1)).max(1))
                .collect()),
            Marks::Indexes => {
                let whole = numbers(low, high, most).into_iter();
                whole.filter(|(x, _)| x.fract() == 0.0 && *x >= 0.0).collect()
            }
        }
    }

    fn at(&self, marks: Vec<(usize, String)>) -> Vec<(f64, String)> {
        marks.into_iter().filter_map(|(i, text)| Some((*self.centres.get(i)?, text))).collect()
    }
}

/// Round numbers in a range: steps of 1, 2 or 5 times a power of ten.
pub(super) fn numbers(low: f64, high: f64, most: usize) -> Vec<(f64, String)> {
    let span = high - low;
    if !(span.is_finite() && span > 0.0) {
        return vec![(low, number(low, 0.0, low.abs()))];
    }
    let rough = span / index_position(most.max(1));
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| *step >= rough * 0.999);
    let step = step.unwrap_or(power);
    let largest = low.abs().max(high.abs());
    multiples(low, high, step).into_iter().map(|x| (x, number(x, step, largest))).collect()
}

/// Multiples of `step` in a range, without the noise of adding.
fn multiples(low: f64, high: f64, step: f64) -> Vec<f64> {
    let slack = step * 1e-6;
    let first = ((low - slack) / step).ceil();
    (0..1000)
        .map(|i| (first + f64::from(i)) * step)
        .take_while(|x| *x <= high + slack)
        // Not -0.
        .map(|x| if x.abs() < slack { 0.0 } else { x })
        .collect()
}

/// A mark with as many digits as tell it from its neighbours, all marks of an axis in the same notation.
fn number(x: f64, step: f64, largest: f64) -> String {
    let digits_after = |unit: f64| if unit > 0.0 { (-unit.log10().floor()).clamp(0.0, 12.0) } else { 3.0 };
    if x == 0.0 {
        return "0".to_owned();
    }
    if (1e-3..1e6).contains(&largest) || largest == 0.0 {
        // 2.5 has a digit more than its power of ten says.
        let places = places(digits_after(step * 1.000_001));
        return minus(format!("{x:.places$}"));
    }
    let exponent = largest.log10().floor();
    let places = places(digits_after(step / 10_f64.powf(exponent) * 1.000_001));
    minus(format!("{:.places$}×10{}", x / 10_f64.powf(exponent), superscript(&format!("{exponent:.0}"))))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=12")]
fn places(digits: f64) -> usize {
    digits as usize
}

/// With a minus sign instead of a hyphen.
fn minus(text: String) -> String {
    text.replace('-', "−")
}

fn logarithms(low: f64, high: f64, most: usize) -> Vec<(f64, String)> {
    let marks = |mantissas: &[f64]| -> Vec<(f64, String)> {
        let powers = multiples(low.floor(), high.ceil(), 1.0);
        let values = powers.iter().flat_map(|power| mantissas.iter().map(move |m| m * 10_f64.powf(*power)));
        let marks = values.map(|value| (value.log10(), minus(super::numerals::short(value))));
        marks.filter(|(x, _)| (low..=high).contains(x)).collect()
    };
    let fits = |marks: &Vec<(f64, String)>| marks.len() <= most;
    let dense = [marks(&[1.0, 2.0, 3.0, 5.0, 7.0]), marks(&[1.0, 2.0, 5.0]), marks(&[1.0, 3.0])];
    dense.into_iter().find(fits).unwrap_or_else(|| marks(&[1.0]))
}

/// Marks of a compass: steps that divide a circle.
fn degrees(low: f64, high: f64, most: usize, text: impl Fn(f64) -> String) -> Vec<(f64, String)> {
    const STEPS: [f64; 8] = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 90.0];
    let rough = (high - low) / index_position(most.max(1));
    if rough < 1.0 {
        return numbers(low, high, most).into_iter().map(|(x, _)| (x, text(x))).collect();
    }
    let step = STEPS.into_iter().find(|step| *step >= rough).unwrap_or(90.0);
    multiples(low, high, step).into_iter().map(|x| (x, text(x))).collect()
}

fn longitude(x: f64) -> String {
    let wrapped = (x + 180.0).rem_euclid(360.0) - 180.0;
    if wrapped.abs() > 179.999_999 { "180°".to_owned() } else { with_side(wrapped, 'E', 'W') }
}

fn with_side(x: f64, positive: char, negative: char) -> String {
    let rounded = super::numerals::short((x * 1e6).round() / 1e6);
    match rounded.strip_prefix('-') {
        Some(size) => format!("{size}°{negative}"),
        None if rounded == "0" => "0°".to_owned(),
        None => format!("{rounded}°{positive}"),
    }
}

/// Ways to thin out dates: how much of the text is kept, and of what its last number must be a multiple.
const THINNINGS: [(usize, u32); 22] = [
    (16, 1),
    (16, 10),
    (16, 30),
    (13, 1),
    (13, 3),
    (13, 6),
    (13, 12),
    (10, 1),
    (10, 5),
    (10, 10),
    (7, 1),
    (7, 3),
    (7, 6),
    (4, 1),
    (4, 2),
    (4, 5),
    (4, 10),
    (4, 20),
    (4, 50),
    (4, 100),
    (4, 500),
    (4, 1000),
];

/// The first date of each minute, hour, day, month, year … of the finest kind that gives few enough marks.
fn date_marks(dates: &[String], most: usize) -> Vec<(usize, String)> {
    if dates.len() <= most {
        return dates.iter().map(|date| readable(date)).enumerate().collect();
    }
    for (kept, multiple) in THINNINGS {
        let marks = first_of_each(dates, kept, multiple);
        let gaps = marks.windows(2).map(|pair| pair[1].0 - pair[0].0);
        let even = gaps.clone().max() < gaps.min().map(|gap| 2 * gap);
        if (2..=most).contains(&marks.len()) && even {
            return marks;
        }
    }
    dates
        .iter()
        .map(|date| readable(date))
        .enumerate()
        .step_by(dates.len().div_ceil(most.max(1)).max(1))
        .collect()
}

fn first_of_each(dates: &[String], kept: usize, multiple: u32) -> Vec<(usize, String)> {
    // Years may have more than four digits, or a sign.
    let year = dates.first().and_then(|date| date.get(1..)?.find('-')).map_or(4, |digits| digits + 1);
    let kept = (kept + year).saturating_sub(4);
    // Months and days count from one.
    let one = u32::from(multiple > 1 && (kept == year + 3 || kept == year + 6));
    // The 31st is too close to the first that follows it.
    let last_day = if kept == year + 6 && multiple > 1 { 28 } else { u32::MAX };
    let mut marks = Vec::new();
    let mut before = None;
    for (i, date) in dates.iter().enumerate() {
        let Some(part) = date.get(..kept) else { return Vec::new() };
        let last = part.rsplit(['-', 'T', ':', ' ']).next().and_then(|digits| digits.parse::<u32>().ok());
        let round = last.is_some_and(|last| last <= last_day && last.saturating_sub(one) % multiple == 0);
        if before != Some(part) && round && (i > 0 || starts(date, part)) {
            let hour = if part.contains('T') && !part.contains(':') { ":00" } else { "" };
            marks.push((i, part.replace('T', " ") + hour));
        }
        before = Some(part);
    }
    marks
}

/// Whether `date` is the beginning of the period `part`: nothing but first days and zeros follow.
fn starts(date: &str, part: &str) -> bool {
    let rest = date.get(part.len()..).unwrap_or_default();
    rest.split(['-', 'T', ':', ' ', 'Z'])
        .all(|number| matches!(number.trim_end_matches('0'), "" | "." | "01"))
}

/// A date without a midnight.
fn readable(date: &str) -> String {
    date.strip_suffix("T00:00:00").unwrap_or(date).replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rangefold_query::samples::{dim, months};

    fn texts(marks: Vec<(f64, String)>) -> Vec<String> {
        marks.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn numbers_are_round_and_of_one_notation() {
        assert_eq!(texts(numbers(0.0, 1.0, 5)), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(numbers(-7.0, 12.0, 4)), ["−5", "0", "5", "10"]);
        assert_eq!(texts(numbers(0.0, 3.1e-5, 3)), ["0", "2×10⁻⁵"]);
        assert_eq!(texts(numbers(1e6, 3e6, 4)), ["1.0×10⁶", "1.5×10⁶", "2.0×10⁶", "2.5×10⁶", "3.0×10⁶"]);
    }

    #[test]
    fn degrees_name_their_side() {
        let lon: Vec<f64> = (0..36).map(|i| 5.0 + 10.0 * f64::from(i)).collect();
        let marks = texts(Axis::new(&dim("lon", &lon, "degrees_east")).ticks(7));
        assert_eq!(marks, ["0°", "60°E", "120°E", "180°", "120°W", "60°W", "0°"]);
        let lat = [-75.0, -25.0, 25.0, 75.0];
        let marks = texts(Axis::new(&dim("lat", &lat, "degrees_north")).ticks(7));
        assert_eq!(marks, ["90°S", "60°S", "30°S", "0°", "30°N", "60°N", "90°N"]);
    }

    #[test]
    fn dates_are_marked_at_the_start_of_a_period() {
        let year = Axis::new(&months(12));
        assert_eq!(texts(year.ticks(8)), ["2001-01", "2001-04", "2001-07", "2001-10"]);
        let decades = Axis::new(&months(360));
        assert_eq!(texts(decades.ticks(8)), ["2005", "2010", "2015", "2020", "2025", "2030"]);
        assert_eq!(texts(Axis::new(&months(2)).ticks(8)), ["2001-01-01", "2001-02-01"]);
    }

    #[test]
    fn pressures_are_marked_by_decade() {
        let axis = Axis::new(&dim("plev", &[1000.0, 100.0, 10.0, 1.0], "hPa"));
        assert_eq!(axis.ticks(4).len(), 4);
        assert!(texts(axis.ticks(8)).contains(&"300".to_owned()));
    }
}
