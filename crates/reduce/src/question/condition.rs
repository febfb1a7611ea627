//! Comparisons of values with a constant.

use std::{cmp::Ordering, fmt, str::FromStr};

use rangefold_array::{ElementType, Number};

/// A comparison of every value with a constant; NaN meets none.
///
/// Integers are compared exactly, also with fractions. The constant is rounded to the width of float16 and float32
/// values, as NumPy does, so that `== 0.1` can hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Condition {
    /// How values are compared with it.
    pub comparison: Comparison,
    /// The constant, in the units of unpacked values.
    pub threshold: Number,
}

/// As it is typed: `> 273.15`.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.comparison {
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
            Comparison::Equal => "==",
            Comparison::NotEqual => "!=",
        };
        match self.threshold {
            Number::Integer(integer) => write!(f, "{sign} {integer}"),
            Number::Float(float) => write!(f, "{sign} {float}"),
        }
    }
}

/// A relation of a value to a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

impl Condition {
    /// The condition with its constant rounded to the width of `element`.
    pub(crate) fn rounded_to(&self, element: &ElementType) -> Self {
        let threshold = self.threshold.rounded_to(element);
        Self { threshold, ..*self }
    }

    /// Whether a value that compares with the constant like this meets the condition.
    pub(crate) fn holds(self, ordering: Ordering) -> bool {
        match self.comparison {
            Comparison::Less => ordering.is_lt(),
            Comparison::LessOrEqual => ordering.is_le(),
            Comparison::Greater => ordering.is_gt(),
            Comparison::GreaterOrEqual => ordering.is_ge(),
            Comparison::Equal => ordering.is_eq(),
            Comparison::NotEqual => ordering.is_ne(),
        }
    }
}

/// A text that is not a condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// It begins with no comparison.
    #[error("{text:?} is not a condition such as '> 273.15'")]
    Comparison {
        /// The text.
        text: String,
    },
    /// What is compared with is not a number.
    #[error("{constant:?} in the condition {text:?} is not a number")]
    Constant {
        /// What is compared with.
        constant: String,
        /// The text.
        text: String,
    },
}

/// Reads what [`Display`](fmt::Display) prints: `> 273.15`, `==0`.
impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        const COMPARISONS: [(&str, Comparison); 6] = [
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        let text = text.trim();
        let found = COMPARISONS
            .iter()
            .find_map(|(sign, comparison)| Some((*comparison, text.strip_prefix(sign)?.trim())));
        let (comparison, constant) =
            found.ok_or_else(|| ConditionError::Comparison { text: text.to_owned() })?;
        let threshold = match constant.parse::<i128>() {
            Ok(integer) => Number::Integer(integer),
            Err(_) => match constant.parse::<f64>() {
                Ok(float) if !float.is_nan() => Number::Float(float),
                Ok(_) | Err(_) => {
                    let constant = constant.to_owned();
                    return Err(ConditionError::Constant { constant, text: text.to_owned() });
                }
            },
        };
        Ok(Self { comparison, threshold })
    }
}
