//! The reductions there are, and all that depends on which one is asked for.
//!
//! To add one, give it a variant of [`Reduction`] and a line in `names!`, and follow the compiler: it asks for the
//! facts and the words here, for the arithmetic in `answer/numbers.rs` and for texts in `answer/texts.rs`. A reduction that
//! needs a statistic that is not kept yet also asks for one in `statistic`.

use std::{fmt, sync::Arc};

use super::condition::Condition;

/// One question about the values of each cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Reduction {
    /// Smallest value.
    Min,
    /// Largest value.
    Max,
    /// Largest minus smallest value.
    Range,
    /// Sum.
    Sum,
    /// Number of values.
    Count,
    /// Sum divided by count.
    Mean,
    /// Mean squared deviation from the mean: the sum of squares over `count - ddof`.
    Var {
        /// Degrees of freedom to take off the count; 0 in NumPy unless told otherwise.
        ddof: u64,
    },
    /// Square root of the variance.
    Std {
        /// As for the variance.
        ddof: u64,
    },
    /// Place of the smallest value; of equal ones the first.
    ArgMin,
    /// Place of the largest value; of equal ones the first.
    ArgMax,
    /// First value, in row-major order of the selection.
    First,
    /// Last value, in row-major order of the selection.
    Last,
    /// Whether any value meets the condition.
    Any(Condition),
    /// Whether every value meets the condition.
    All(Condition),
    /// How many values meet the condition.
    CountWhere(Condition),
    /// How many values lie between each pair of neighbouring edges; as in NumPy, only the last bin holds its upper edge.
    Histogram(Arc<[f64]>),
    /// How much the values grow with the coordinate of the one reduced axis: the slope of the straight line that fits them by
    /// least squares.
    Trend,
    /// The standard error of the trend, as SciPy's `linregress` gives it.
    TrendError,
    /// The value in the middle, or the mean of the two there. Like every quantile it is made from the values themselves:
    /// the partials of a plan do not answer it.
    Median,
    /// The value below which this fraction of the others lies, between 0 and 1; linear between two values, as in NumPy.
    Quantile(f64),
}

macro_rules! names {
    ($($name:ident $word:literal,)*) => {
        /// The name of a reduction, without its argument.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ReductionName {
            $(#[doc = concat!("`", $word, "`")] $name,)*
        }

        impl ReductionName {
            /// All names, in the order in which they are listed.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// As it is typed: `min`, `argmax`, `count_where`.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

names! {
    Min "min",
    Max "max",
    Range "range",
    Sum "sum",
    Count "count",
    Mean "mean",
    Var "var",
    Std "std",
    ArgMin "argmin",
    ArgMax "argmax",
    First "first",
    Last "last",
    Any "any",
    All "all",
    CountWhere "count_where",
    Histogram "histogram",
    Trend "trend",
    TrendError "trend_error",
    Median "median",
    Quantile "quantile",
}

/// An argument that does not make a reduction.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ArgumentError {
    /// No argument where one is needed.
    #[error("{word} needs {what}: {word}({example})")]
    Missing {
        /// The name of the reduction.
        word: &'static str,
        /// What is needed.
        what: &'static str,
        /// An argument.
        example: &'static str,
    },
    /// An argument where none is taken.
    #[error("{word} takes no argument")]
    Extra {
        /// The name of the reduction.
        word: &'static str,
    },
    /// Not a fraction between 0 and 1.
    #[error("{text:?} is not a fraction between 0 and 1")]
    Fraction {
        /// The argument.
        text: String,
    },
    /// Edges that are not numbers.
    #[error("\"histogram({text})\": edges are numbers")]
    EdgeNumber {
        /// The argument.
        text: String,
    },
    /// Edges that bound no bins.
    #[error("\"histogram({text})\": a histogram needs at least two edges in ascending order")]
    Edges {
        /// The argument.
        text: String,
    },
    /// Not a condition.
    #[error(transparent)]
    Condition(#[from] super::condition::ConditionError),
}

impl ReductionName {
    /// The name that is typed as `word`.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|name| name.word() == word)
    }

    /// What other programs call it, in lower case.
    #[must_use]
    pub fn other_words(self) -> &'static [&'static str] {
        match self {
            Self::Min => &["minimum", "nanmin", "lowest"],
            Self::Max => &["maximum", "nanmax", "highest"],
            Self::Range => &["ptp", "spread", "span", "minmax", "extent"],
            Self::Sum => &["total", "nansum", "add"],
            Self::Count => &["n", "num", "number", "size", "len", "length", "counts"],
            Self::Mean => &["average", "avg", "nanmean", "ave"],
            Self::Var => &["variance", "nanvar"],
            Self::Std => &["stddev", "stdev", "standard_deviation", "nanstd", "sd", "sigma"],
            Self::ArgMin => &["idxmin", "nanargmin"],
            Self::ArgMax => &["idxmax", "nanargmax"],
            Self::CountWhere => &["countif", "count_if", "exceedance"],
            Self::Histogram => &["hist", "bins"],
            Self::Trend => &["slope", "linregress", "polyfit", "regression"],
            Self::TrendError => &["stderr", "trend_stderr"],
            Self::Median => &["med", "nanmedian", "p50"],
            Self::First | Self::Last | Self::Any | Self::All | Self::Quantile => &[],
        }
    }

    /// The reduction of this name with this argument, as in `quantile(0.9)`. Variances are those of the population.
    ///
    /// # Errors
    ///
    /// [`ArgumentError`] if an argument is missing, not taken, or not of the kind that is needed.
    pub fn with(self, argument: Option<&str>) -> Result<Reduction, ArgumentError> {
        let word = self.word();
        let needed = |what, example| argument.ok_or(ArgumentError::Missing { word, what, example });
        let condition =
            || -> Result<Condition, ArgumentError> { Ok(needed("a condition", "> 273.15")?.parse()?) };
        let alone = |reduction| match argument {
            None => Ok(reduction),
            Some(_) => Err(ArgumentError::Extra { word }),
        };
        match self {
            Self::Min => alone(Reduction::Min),
            Self::Max => alone(Reduction::Max),
            Self::Range => alone(Reduction::Range),
            Self::Sum => alone(Reduction::Sum),
            Self::Count => alone(Reduction::Count),
            Self::Mean => alone(Reduction::Mean),
            Self::Var => alone(Reduction::Var { ddof: 0 }),
            Self::Std => alone(Reduction::Std { ddof: 0 }),
            Self::ArgMin => alone(Reduction::ArgMin),
            Self::ArgMax => alone(Reduction::ArgMax),
            Self::First => alone(Reduction::First),
            Self::Last => alone(Reduction::Last),
            Self::Any => Ok(Reduction::Any(condition()?)),
            Self::All => Ok(Reduction::All(condition()?)),
            Self::CountWhere => Ok(Reduction::CountWhere(condition()?)),
            Self::Histogram => edges(needed("edges", "250,260,270")?).map(Reduction::Histogram),
            Self::Trend => alone(Reduction::Trend),
            Self::TrendError => alone(Reduction::TrendError),
            Self::Median => alone(Reduction::Median),
            Self::Quantile => fraction(needed("a fraction", "0.9")?).map(Reduction::Quantile),
        }
    }

    /// The name with an argument that it could have: `quantile(0.9)`, `mean`.
    #[must_use]
    pub fn example(self) -> String {
        match self.with(None) {
            Err(ArgumentError::Missing { word, example, .. }) => format!("{word}({example})"),
            _ => self.word().to_owned(),
        }
    }
}

fn fraction(text: &str) -> Result<f64, ArgumentError> {
    let fraction = text.trim().parse().ok().filter(|fraction| (0.0..=1.0).contains(fraction));
    fraction.ok_or_else(|| ArgumentError::Fraction { text: text.to_owned() })
}

fn edges(text: &str) -> Result<Arc<[f64]>, ArgumentError> {
    let edges = text.split(',').map(|edge| edge.trim().parse::<f64>());
    let edges: Vec<f64> =
        edges.collect::<Result<_, _>>().map_err(|_| ArgumentError::EdgeNumber { text: text.to_owned() })?;
    if !are_edges(&edges) || edges.iter().any(|edge| !edge.is_finite()) {
        return Err(ArgumentError::Edges { text: text.to_owned() });
    }
    Ok(edges.into())
}

/// Whether numbers bound bins: at least two, ascending, and none of them NaN.
pub(crate) fn are_edges(edges: &[f64]) -> bool {
    edges.len() >= 2 && edges.is_sorted_by(|a, b| a < b)
}

/// What is typed in parentheses behind the name of a reduction, or told to it otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Argument<'a> {
    /// Nothing.
    Nothing,
    /// Degrees of freedom.
    Ddof(u64),
    /// A condition on values.
    Condition(&'a Condition),
    /// A fraction between 0 and 1.
    Fraction(f64),
    /// Edges of bins, ascending.
    Edges(&'a [f64]),
}

/// A statistic that is kept of each cell; the count is always kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Statistic {
    Min,
    Max,
    Sum,
    /// Squared deviations from the mean. They need the sum too.
    Deviations,
    /// Co-moments with a coordinate. They need the sum and the deviations too.
    Line,
    ArgMin,
    ArgMax,
    First,
    Last,
    /// Values that meet the condition.
    Hits,
    /// Values in each bin.
    Bins,
}

/// What a reduction is made from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Made {
    /// Statistics of each cell, which chunks have and which merge.
    Of(&'static [Statistic]),
    /// All values of a cell: it lies this far along them in ascending order.
    Quantile(f64),
}

/// What values can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueKind {
    /// Integers, floats and truth values.
    Real,
    /// Dates and durations.
    Time,
    Complex,
    Text,
}

/// The type of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerElement {
    /// That of the values: the answer is one of them.
    OfValues,
    /// int64 for signed integers and truth values, uint64, float64, complex128.
    OfSums,
    /// uint64 for integers, float64.
    OfDifferences,
    /// float64, or complex128.
    Float64,
    /// int64.
    Int64,
    /// Truth values.
    Bool,
}

/// How the units of an answer follow from those of the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerUnits {
    /// The same; an answer of times is a time.
    OfValues,
    /// The same, but an answer of times is not a time: it is a sum of numbers since a date.
    OfAmounts,
    /// Those of a difference of two values: a duration if the values are times.
    OfDifferences,
    /// The square of those of a difference.
    Squared,
    /// Those of a difference, for each unit of the coordinate that values were held against.
    PerCoordinate,
    /// None: a place in the row-major order of the reduced axes.
    Place,
    /// None: a number of values, or a truth value.
    Nothing,
}

/// What a reduction is with weights. It needs the answers of [`Weighted::needs`], one for each position of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weighted {
    /// Number of values, whatever their weights.
    Count,
    /// Sum of the weighted values.
    Sum,
    /// Weighted sum divided by the sum of the weights.
    Mean,
    /// Weighted mean of the squared deviations from the weighted mean.
    Var,
    /// Square root of the variance.
    Std,
}

impl Weighted {
    /// The reductions without weights that it is made from, beside the count.
    #[must_use]
    pub fn needs(self) -> &'static [Reduction] {
        match self {
            Self::Count => &[],
            // Means fit where the sum of integers may not.
            Self::Sum | Self::Mean => &[Reduction::Mean],
            Self::Var | Self::Std => &[Reduction::Mean, Reduction::Var { ddof: 0 }],
        }
    }
}

/// What is true of a reduction, beside its arithmetic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Facts {
    pub(crate) made: Made,
    /// The values that it is defined for.
    pub(crate) defined: &'static [ValueKind],
    pub(crate) element: AnswerElement,
    pub(crate) units: AnswerUnits,
    /// Whether the answer for no values is 0; else there is none.
    pub(crate) zero_of_nothing: bool,
    /// Whether one NaN that counts as a value makes the answer NaN.
    pub(crate) nan_of_nan: bool,
    pub(crate) weighted: Option<Weighted>,
    /// What CF calls it.
    pub(crate) cell_method: Option<&'static str>,
    /// Whether reducing the answers for equal parts once more gives the answer for all of them.
    pub(crate) joins_parts: bool,
}

impl Reduction {
    /// Which reduction it is, without its argument.
    #[must_use]
    pub fn which(&self) -> ReductionName {
        match self {
            Self::Min => ReductionName::Min,
            Self::Max => ReductionName::Max,
            Self::Range => ReductionName::Range,
            Self::Sum => ReductionName::Sum,
            Self::Count => ReductionName::Count,
            Self::Mean => ReductionName::Mean,
            Self::Var { .. } => ReductionName::Var,
            Self::Std { .. } => ReductionName::Std,
            Self::ArgMin => ReductionName::ArgMin,
            Self::ArgMax => ReductionName::ArgMax,
            Self::First => ReductionName::First,
            Self::Last => ReductionName::Last,
            Self::Any(_) => ReductionName::Any,
            Self::All(_) => ReductionName::All,
            Self::CountWhere(_) => ReductionName::CountWhere,
            Self::Histogram(_) => ReductionName::Histogram,
            Self::Trend => ReductionName::Trend,
            Self::TrendError => ReductionName::TrendError,
            Self::Median => ReductionName::Median,
            Self::Quantile(_) => ReductionName::Quantile,
        }
    }

    /// What it was asked with.
    #[must_use]
    pub fn argument(&self) -> Argument<'_> {
        match self {
            Self::Min | Self::Max | Self::Range | Self::Sum | Self::Count | Self::Mean | Self::ArgMin => {
                Argument::Nothing
            }
            Self::ArgMax | Self::First | Self::Last | Self::Median | Self::Trend | Self::TrendError => {
                Argument::Nothing
            }
            Self::Var { ddof } | Self::Std { ddof } => Argument::Ddof(*ddof),
            Self::Any(condition) | Self::All(condition) | Self::CountWhere(condition) => {
                Argument::Condition(condition)
            }
            Self::Histogram(edges) => Argument::Edges(edges),
            Self::Quantile(fraction) => Argument::Fraction(*fraction),
        }
    }

    /// All that depends on which reduction it is, beside its arithmetic.
    pub(crate) fn facts(&self) -> Facts {
        use ValueKind::{Complex, Real, Text, Time};
        let place = |statistics| Facts {
            made: Made::Of(statistics),
            defined: &[Real, Time],
            element: AnswerElement::Int64,
            units: AnswerUnits::Place,
            zero_of_nothing: false,
            nan_of_nan: false,
            weighted: None,
            cell_method: None,
            joins_parts: false,
        };
        let value_at = |statistics| Facts {
            made: Made::Of(statistics),
            defined: &[Real, Time, Complex, Text],
            element: AnswerElement::OfValues,
            units: AnswerUnits::OfValues,
            zero_of_nothing: false,
            nan_of_nan: false,
            weighted: None,
            cell_method: None,
            joins_parts: false,
        };
        match self {
            Self::Min => Facts {
                made: Made::Of(&[Statistic::Min]),
                defined: &[Real, Time, Text],
                element: AnswerElement::OfValues,
                units: AnswerUnits::OfValues,
                zero_of_nothing: false,
                nan_of_nan: true,
                weighted: None,
                cell_method: Some("minimum"),
                joins_parts: true,
            },
            Self::Max => Facts {
                made: Made::Of(&[Statistic::Max]),
                defined: &[Real, Time, Text],
                element: AnswerElement::OfValues,
                units: AnswerUnits::OfValues,
                zero_of_nothing: false,
                nan_of_nan: true,
                weighted: None,
                cell_method: Some("maximum"),
                joins_parts: true,
            },
            Self::Range => Facts {
                made: Made::Of(&[Statistic::Min, Statistic::Max]),
                defined: &[Real],
                element: AnswerElement::OfDifferences,
                units: AnswerUnits::OfDifferences,
                zero_of_nothing: false,
                nan_of_nan: true,
                weighted: None,
                cell_method: Some("range"),
                joins_parts: false,
            },
            Self::Sum => Facts {
                made: Made::Of(&[Statistic::Sum]),
                defined: &[Real, Complex],
                element: AnswerElement::OfSums,
                units: AnswerUnits::OfAmounts,
                zero_of_nothing: false,
                nan_of_nan: true,
                weighted: Some(Weighted::Sum),
                cell_method: Some("sum"),
                joins_parts: true,
            },
            Self::Count => Facts {
                made: Made::Of(&[]),
                defined: &[Real, Time, Complex, Text],
                element: AnswerElement::Int64,
                units: AnswerUnits::Nothing,
                zero_of_nothing: true,
                nan_of_nan: false,
                weighted: Some(Weighted::Count),
                cell_method: None,
                joins_parts: false,
            },
            Self::Mean => Facts {
                made: Made::Of(&[Statistic::Sum]),
                defined: &[Real, Complex],
                element: AnswerElement::Float64,
                units: AnswerUnits::OfValues,
                zero_of_nothing: false,
                nan_of_nan: true,
                weighted: Some(Weighted::Mean),
                cell_method: Some("mean"),
                joins_parts: true,
            },
            Self::Var { ddof } => Facts {
                made: Made::Of(&[Statistic::Sum, Statistic::Deviations]),
                defined: &[Real],
                element: AnswerElement::Float64,
                units: AnswerUnits::Squared,
                zero_of_nothing: false,
                nan_of_nan: true,
                weighted: (*ddof == 0).then_some(Weighted::Var),
                cell_method: Some("variance"),
                joins_parts: false,
            },
            Self::Std { ddof } => Facts {
                made: Made::Of(&[Statistic::Sum, Statistic::Deviations]),
                defined: &[Real],
                element: AnswerElement::Float64,
                units: AnswerUnits::OfDifferences,
                zero_of_nothing: false,
                nan_of_nan: true,
                weighted: (*ddof == 0).then_some(Weighted::Std),
                cell_method: Some("standard_deviation"),
                joins_parts: false,
            },
            Self::ArgMin => place(&[Statistic::ArgMin]),
            Self::ArgMax => place(&[Statistic::ArgMax]),
            Self::First => value_at(&[Statistic::First]),
            Self::Last => value_at(&[Statistic::Last]),
            Self::Any(_) | Self::All(_) => Facts {
                made: Made::Of(&[Statistic::Hits]),
                defined: &[Real, Time],
                element: AnswerElement::Bool,
                units: AnswerUnits::Nothing,
                zero_of_nothing: false,
                nan_of_nan: false,
                weighted: None,
                cell_method: None,
                joins_parts: false,
            },
            Self::CountWhere(_) => Facts {
                made: Made::Of(&[Statistic::Hits]),
                defined: &[Real, Time],
                element: AnswerElement::Int64,
                units: AnswerUnits::Nothing,
                zero_of_nothing: true,
                nan_of_nan: false,
                weighted: None,
                cell_method: None,
                joins_parts: false,
            },
            Self::Histogram(_) => Facts {
                made: Made::Of(&[Statistic::Bins]),
                defined: &[Real],
                element: AnswerElement::Int64,
                units: AnswerUnits::Nothing,
                zero_of_nothing: true,
                nan_of_nan: false,
                weighted: None,
                cell_method: None,
                joins_parts: false,
            },
            Self::Trend | Self::TrendError => Facts {
                made: Made::Of(&[Statistic::Sum, Statistic::Deviations, Statistic::Line]),
                defined: &[Real],
                element: AnswerElement::Float64,
                units: AnswerUnits::PerCoordinate,
                zero_of_nothing: false,
                nan_of_nan: true,
                weighted: None,
                cell_method: None,
                joins_parts: false,
            },
            Self::Median => Facts {
                made: Made::Quantile(0.5),
                defined: &[Real, Time],
                element: AnswerElement::Float64,
                units: AnswerUnits::OfValues,
                zero_of_nothing: false,
                nan_of_nan: false,
                weighted: None,
                cell_method: Some("median"),
                joins_parts: false,
            },
            Self::Quantile(fraction) => Facts {
                made: Made::Quantile(*fraction),
                defined: &[Real, Time],
                element: AnswerElement::Float64,
                units: AnswerUnits::OfValues,
                zero_of_nothing: false,
                nan_of_nan: false,
                weighted: None,
                cell_method: None,
                joins_parts: false,
            },
        }
    }

    /// The word for it: `min`, `argmax`, `count_where`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.which().word()
    }

    /// The reduction of this name, if it needs nothing but its name; variances are those of the population.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        ReductionName::of(name)?.with(None).ok()
    }

    /// Whether it is made from all values at a time ([`sift_chunk`](crate::ReductionPlan::sift_chunk)), not from partials.
    #[must_use]
    pub fn is_gathered(&self) -> bool {
        self.fraction().is_some()
    }

    /// The fraction of a quantile; 0.5 for the median.
    #[must_use]
    pub fn fraction(&self) -> Option<f64> {
        match self.facts().made {
            Made::Quantile(fraction) => Some(fraction),
            Made::Of(_) => None,
        }
    }

    /// Values that an answer takes for itself: it needs more than these.
    #[must_use]
    pub fn freedom(&self) -> u64 {
        match self {
            Self::Var { ddof } | Self::Std { ddof } => *ddof,
            Self::Trend => 1,
            Self::TrendError => 2,
            Self::Min | Self::Max | Self::Range | Self::Sum | Self::Count | Self::Mean | Self::ArgMin => 0,
            Self::ArgMax | Self::First | Self::Last | Self::Any(_) | Self::All(_) | Self::CountWhere(_) => 0,
            Self::Histogram(_) | Self::Median | Self::Quantile(_) => 0,
        }
    }

    /// Whether the values are held against a coordinate.
    #[must_use]
    pub fn is_along(&self) -> bool {
        self.units() == AnswerUnits::PerCoordinate
    }

    /// The condition that values are held against.
    #[must_use]
    pub fn condition(&self) -> Option<&Condition> {
        if let Argument::Condition(condition) = self.argument() { Some(condition) } else { None }
    }

    /// Edges of the bins that a cell of the answer has one number each for.
    #[must_use]
    pub fn edges(&self) -> Option<&[f64]> {
        if let Argument::Edges(edges) = self.argument() { Some(edges) } else { None }
    }

    /// Type of the answer.
    #[must_use]
    pub fn element(&self) -> AnswerElement {
        self.facts().element
    }

    /// How the units of the answer follow from those of the values.
    #[must_use]
    pub fn units(&self) -> AnswerUnits {
        self.facts().units
    }

    /// What it is with weights; `None` if weights do not define it.
    #[must_use]
    pub fn weighted(&self) -> Option<Weighted> {
        self.facts().weighted
    }

    /// What CF calls it in `cell_methods`; some have no word there.
    ///
    /// Spec: CF conventions 1.11, appendix E "Cell Methods".
    #[must_use]
    pub fn cell_method(&self) -> Option<&'static str> {
        self.facts().cell_method
    }

    /// Whether reducing the answers for equal parts once more gives the answer for all of them, as a mean of means does.
    #[must_use]
    pub fn joins_parts(&self) -> bool {
        self.facts().joins_parts
    }

    /// Whether the answer for no values is 0; else there is none.
    #[must_use]
    pub fn is_zero_of_nothing(&self) -> bool {
        self.facts().zero_of_nothing
    }
}

/// As it is typed, with its argument: `count_where(> 273.15)`, `histogram(250,260)`. Degrees of freedom are not typed.
impl fmt::Display for Reduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self.argument() {
            Argument::Nothing | Argument::Ddof(_) => f.write_str(name),
            Argument::Condition(condition) => write!(f, "{name}({condition})"),
            Argument::Fraction(fraction) => write!(f, "{name}({fraction})"),
            Argument::Edges(edges) => {
                let edges: Vec<String> = edges.iter().map(f64::to_string).collect();
                write!(f, "{name}({})", edges.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reduction_is_read_from_what_it_is_printed_as() {
        for name in ReductionName::ALL {
            let example = name.example();
            let argument = example.split_once('(').map(|(_, rest)| rest.trim_end_matches(')'));
            let reduction = name.with(argument).unwrap();
            assert_eq!((reduction.which(), reduction.to_string()), (*name, example.clone()));
            assert_eq!(ReductionName::of(reduction.name()), Some(*name));
        }
    }

    #[test]
    fn words_of_other_programs_are_nobodys_own() {
        let others: Vec<&str> =
            ReductionName::ALL.iter().flat_map(|name| name.other_words()).copied().collect();
        for (i, word) in others.iter().enumerate() {
            assert!(ReductionName::of(word).is_none() && !others[..i].contains(word), "{word}");
        }
    }

    #[test]
    fn arguments_that_do_not_fit_are_refused() {
        let refused =
            |word, argument| ReductionName::of(word).unwrap().with(argument).unwrap_err().to_string();
        assert_eq!(refused("any", None), "any needs a condition: any(> 273.15)");
        assert_eq!(refused("mean", Some("3")), "mean takes no argument");
        assert_eq!(refused("quantile", Some("90")), "\"90\" is not a fraction between 0 and 1");
        assert_eq!(refused("all", Some("> x")), "\"x\" in the condition \"> x\" is not a number");
        for edges in ["3,2,1", "1", "1,1", "0,inf"] {
            assert!(refused("histogram", Some(edges)).contains("ascending"), "{edges}");
        }
    }
}
