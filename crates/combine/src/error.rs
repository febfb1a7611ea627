//! Why inputs cannot be combined.

use rangefold_array::GridError;
use rangefold_codec::DecodeError;
use rangefold_refs::ManifestError;
use rangefold_store::{FetchError, Stopped};

/// One input that disagrees with most of the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offender {
    /// Name of the input.
    pub input: String,
    /// Its value.
    pub value: String,
}

/// Combining failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Inputs cannot be combined without being wrong.
    #[error(transparent)]
    Combine(Box<CombineError>),
    /// A chunk cannot be read.
    #[error("cannot read chunk {number} of variable {variable:?} of {input}")]
    Fetch {
        /// The variable.
        variable: String,
        /// Name of the input.
        input: String,
        /// Row-major number of the chunk.
        number: u64,
        /// Why.
        #[source]
        source: FetchError,
    },
    /// A chunk cannot be decoded.
    #[error("cannot decode chunk {number} of variable {variable:?} of {input}")]
    Decode {
        /// The variable.
        variable: String,
        /// Name of the input.
        input: String,
        /// Row-major number of the chunk.
        number: u64,
        /// Why.
        #[source]
        source: DecodeError,
    },
    /// The runtime was shut down.
    #[error("combining was stopped before it was done")]
    Stopped(#[source] Stopped),
}

impl From<Stopped> for Error {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

impl From<CombineError> for Error {
    fn from(error: CombineError) -> Self {
        Self::Combine(Box::new(error))
    }
}

/// Inputs cannot be combined without being wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CombineError {
    /// Nothing to combine.
    #[error("there are no inputs to combine")]
    NoInputs,
    /// An input that holds no array, so that it would disappear.
    #[error("{input} has no variables to combine")]
    NoVariables {
        /// Name of the input.
        input: String,
    },
    /// A variable that must be the same in every input, and is in none.
    #[error("there is no variable {variable:?} in any input, so it cannot be found to be identical")]
    NoSuchVariable {
        /// The variable.
        variable: String,
    },
    /// An input that was scanned from a damaged file.
    #[error("{input} was scanned from a damaged file: {lost}")]
    Damaged {
        /// Name of the input.
        input: String,
        /// What was lost, and why.
        lost: String,
    },
    /// A dimension to join that no input has and for which no selector says the labels.
    #[error("no labels are known for dimension {dimension:?} of {input}: {reason}")]
    NoLabels {
        /// The dimension.
        dimension: String,
        /// Name of the input.
        input: String,
        /// What was looked for.
        reason: String,
    },
    /// Labels of different kinds.
    #[error("dimension {dimension:?} has {first_kind} as labels in {first} but {second_kind} in {second}")]
    LabelKinds {
        /// The dimension.
        dimension: String,
        /// One input.
        first: String,
        /// Its kind of label.
        first_kind: String,
        /// Another input.
        second: String,
        /// Its kind of label.
        second_kind: String,
    },
    /// A NaN among the labels.
    #[error("dimension {dimension:?} has NaN as a label in {input}, which has no place on an axis")]
    NanLabel {
        /// The dimension.
        dimension: String,
        /// Name of the input.
        input: String,
    },
    /// A label twice in one input.
    #[error("dimension {dimension:?} has the label {label} twice in {input}")]
    RepeatedLabel {
        /// The dimension.
        dimension: String,
        /// Name of the input.
        input: String,
        /// The label.
        label: String,
    },
    /// As many labels as positions are needed.
    #[error(
        "dimension {dimension:?} of {input} has {labels} labels but variable {variable:?} has length {length} along it"
    )]
    LabelCount {
        /// The dimension.
        dimension: String,
        /// Name of the input.
        input: String,
        /// Number of labels.
        labels: u64,
        /// The variable.
        variable: String,
        /// Its length.
        length: u64,
    },
    /// A property differs between inputs.
    #[error("variable {variable:?} has {property} {} in {} but {}", shortened(expected), inputs_text(*agreeing, expected_in), offenders_text(offenders))]
    Mismatch {
        /// The variable; `/` for the root group.
        variable: String,
        /// The property.
        property: Box<str>,
        /// What most inputs have.
        expected: String,
        /// How many inputs have it.
        agreeing: usize,
        /// The first of them.
        expected_in: String,
        /// The others.
        offenders: Vec<Offender>,
    },
    /// A variable that is not joined is missing where others that it belongs to are not.
    #[error(
        "variable {variable:?} is in {present} of {inputs} inputs, but {missing} holds {other:?} without it"
    )]
    MissingVariable {
        /// The variable.
        variable: String,
        /// How many inputs have it.
        present: usize,
        /// Number of inputs.
        inputs: usize,
        /// An input that lacks it.
        missing: String,
        /// A variable that inputs with it and this one hold.
        other: String,
    },
    /// A joined variable that no input holds at some labels.
    #[error("variable {variable:?}, which is in {present} of {inputs} inputs, is in none of them at {label}{}", fill_text(*no_fill_value))]
    Hole {
        /// The variable.
        variable: String,
        /// The first labels without data.
        label: String,
        /// How many inputs have the variable.
        present: usize,
        /// Number of inputs.
        inputs: usize,
        /// Whether it is refused only because there is no fill value that could stand there.
        no_fill_value: bool,
    },
    /// A variable that must say what stands where it has no data, and cannot.
    #[error("variable {variable:?} {problem}")]
    NoMark {
        /// The variable.
        variable: String,
        /// What is missing.
        problem: String,
    },
    /// An object that two inputs know in different states.
    #[error(
        "{url} has changed between the scans of {first} and {second} ({states}): scan what is older again, or put the new \
         in place of the old with overlap last"
    )]
    Changed {
        /// The object.
        url: String,
        /// One input.
        first: String,
        /// Another input.
        second: String,
        /// What it was and is.
        states: String,
    },
    /// Data of an object from before it changed that nothing takes the place of.
    #[error(
        "variable {variable:?} has data at {label} that {input} takes from {url} as it was before it changed, and nothing takes their place"
    )]
    NotReplaced {
        /// The variable.
        variable: String,
        /// The first labels of them.
        label: String,
        /// Name of the input.
        input: String,
        /// The object.
        url: String,
    },
    /// Values that must be the same in every input are not.
    #[error("variable {variable:?} is not the same in {first} and {second}: {difference}")]
    Values {
        /// The variable.
        variable: String,
        /// One input.
        first: String,
        /// The other.
        second: String,
        /// What differs.
        difference: String,
    },
    /// Chunks would not meet at chunk borders.
    #[error("variable {variable:?} cannot be joined along {dimension:?} at {input}: {reason}")]
    Uneven {
        /// The variable.
        variable: String,
        /// The dimension.
        dimension: String,
        /// Name of the input.
        input: String,
        /// What does not fit.
        reason: String,
    },
    /// Two inputs hold different data for the same labels.
    #[error(
        "variable {variable:?} has data at {label} in both {first} and {second}, and they are not the same"
    )]
    Overlap {
        /// The variable.
        variable: String,
        /// Labels of the first chunk in question.
        label: String,
        /// One input.
        first: String,
        /// The other.
        second: String,
    },
    /// A value cannot be written exactly in the units of the joined coordinate.
    #[error("label {label} of dimension {dimension:?} cannot be written exactly in {units:?} as {data_type}")]
    InexactLabel {
        /// The dimension.
        dimension: String,
        /// The label.
        label: String,
        /// Units of the joined coordinate.
        units: String,
        /// Its element type.
        data_type: String,
    },
    /// A variable whose values cannot be handled here.
    #[error("variable {variable:?} of {input}: {reason}")]
    Variable {
        /// The variable.
        variable: String,
        /// Name of the input.
        input: String,
        /// Why.
        reason: String,
    },
    /// The joined array cannot be cut into chunks.
    #[error("variable {variable:?}: {}", rangefold_array::chain(.problem))]
    Grid {
        /// The variable.
        variable: String,
        /// Why.
        problem: GridError,
    },
    /// The joined array's references contradict one another.
    #[error("variable {variable:?}: {}", rangefold_array::chain(.problem))]
    Manifest {
        /// The variable.
        variable: String,
        /// Why.
        problem: ManifestError,
    },
}

fn inputs_text(count: usize, first: &str) -> String {
    if count == 1 { first.to_owned() } else { format!("{count} inputs ({first}, ...)") }
}

fn fill_text(no_fill_value: bool) -> &'static str {
    if no_fill_value { ", and it has no fill value to stand there" } else { "" }
}

/// Values of more characters are cut short.
const VALUE_LEN_MAX: usize = 200;

/// A value that fits in a message.
fn shortened(value: &str) -> std::borrow::Cow<'_, str> {
    match value.char_indices().nth(VALUE_LEN_MAX) {
        Some((end, _)) => format!("{}...", value.get(..end).unwrap_or(value)).into(),
        None => value.into(),
    }
}

/// The first three offenders and how many more there are.
fn offenders_text(offenders: &[Offender]) -> String {
    let shown: Vec<String> =
        offenders.iter().take(3).map(|o| format!("{} in {}", shortened(&o.value), o.input)).collect();
    let more = offenders.len().saturating_sub(3);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}
