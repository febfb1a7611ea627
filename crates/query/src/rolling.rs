//! Windows that move along a dimension: running means and their like.
//!
//! | written | windows |
//! |---|---|
//! | `time=30` | a position and the 29 before it |
//! | `time=30:center` | a position, the 15 before it and the 14 after it |
//! | `time=30:min=20` | as `time=30`, with an answer where at least 20 of the positions have a value |
//!
//! Windows are counted in positions of the selection, as those of xarray's `rolling`; at both ends of the dimension they
//! are cut short. A window has an answer if all its positions have a value, or as many as `min` says. It is reduced like a
//! group: all its values together, over the other reduced dimensions too, and each with its weight. Where every position
//! has as many values, or as much weight, that is the mean of the means of its positions; where values come and go it is
//! not.

use std::fmt;

use rangefold_reduce::Windows;

/// Windows along one dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rolling {
    /// The dimension.
    pub dimension: String,
    /// Positions of a window.
    pub length: u32,
    /// Whether the position that answers is in the middle; else it is the last. Of an even number of positions, one more
    /// stands before it than after it.
    pub center: bool,
    /// Positions with a value that a window needs; all of them if `None`.
    pub min_periods: Option<u32>,
}

/// Windows that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} are no windows like time=30, time=30:center or time=30:min=20: {reason}")]
pub struct RollingError {
    /// The text.
    pub text: String,
    /// What is wrong.
    pub reason: String,
}

impl Rolling {
    /// Reads `dimension=length`, with `:center` and `:min=positions` behind it or not.
    ///
    /// # Errors
    ///
    /// [`RollingError`], also for windows of no positions and for more positions with a value than there are.
    pub fn parse(text: &str) -> Result<Self, RollingError> {
        let refused = |reason: String| RollingError { text: text.to_owned(), reason };
        let number = |text: &str| {
            let number = text.trim().parse::<u32>().ok().filter(|&number| number > 0);
            number
                .ok_or_else(|| refused(format!("{text:?} is no number of positions from 1 to {}", u32::MAX)))
        };
        let (dimension, rest) =
            text.split_once('=').ok_or_else(|| refused("it lacks a dimension and =".to_owned()))?;
        let mut options = rest.split(':').map(str::trim);
        let length = number(options.next().unwrap_or_default())?;
        let dimension = dimension.trim().to_owned();
        let mut rolling = Self { dimension, length, center: false, min_periods: None };
        for option in options {
            match option.split_once('=') {
                None if option == "center" => rolling.center = true,
                Some(("min" | "min_periods", least)) => rolling.min_periods = Some(number(least)?),
                _ => return Err(refused(format!("{option:?} is neither center nor min=positions"))),
            }
        }
        match rolling.min_periods {
            Some(least) if least > length => {
                Err(refused(format!("{least} of {length} positions cannot have a value")))
            }
            _ if rolling.dimension.is_empty() => Err(refused("it names no dimension".to_owned())),
            _ => Ok(rolling),
        }
    }

    /// The windows along `axis` of an answer.
    pub(crate) fn along(&self, axis: usize) -> Windows {
        let before = if self.center { self.length / 2 } else { self.length.saturating_sub(1) };
        Windows { axis, length: self.length, before, least: self.min_periods.unwrap_or(self.length) }
    }
}

impl fmt::Display for Rolling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.dimension, self.length)?;
        if self.center {
            f.write_str(":center")?;
        }
        self.min_periods.map_or(Ok(()), |least| write!(f, ":min={least}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read_as_they_are_printed() {
        for text in ["time=30", "lat=3:center", "time=4:min=1", "time=12:center:min=6"] {
            assert_eq!(Rolling::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Rolling::parse(" time = 4 : min_periods=2").unwrap().min_periods, Some(2));
    }

    #[test]
    fn the_answering_position_is_the_last_or_the_middle_one() {
        let windows = |text: &str| {
            let Windows { length, before, least, .. } = Rolling::parse(text).unwrap().along(0);
            (length, before, least)
        };
        assert_eq!(windows("time=5"), (5, 4, 5));
        assert_eq!(windows("time=5:center"), (5, 2, 5));
        assert_eq!(windows("time=4:center:min=2"), (4, 2, 2));
        assert_eq!(windows("time=1:center"), (1, 0, 1));
    }

    #[test]
    fn what_is_no_window_is_refused_with_the_reason() {
        for (text, reason) in [
            ("30", "it lacks a dimension and ="),
            ("=30", "it names no dimension"),
            ("time=0", "\"0\" is no number of positions from 1 to 4294967295"),
            ("time=6h", "\"6h\" is no number of positions"),
            ("time=5:centre", "\"centre\" is neither center nor min=positions"),
            ("time=5:min=6", "6 of 5 positions cannot have a value"),
        ] {
            let error = Rolling::parse(text).unwrap_err().to_string();
            assert!(
                error.contains(reason) && error.starts_with(&format!("{text:?} are no windows")),
                "{error}"
            );
        }
    }
}
