//! Why inputs cannot be combined.

use rangefold_array::GridError;
use rangefold_refs::ManifestError;

/// One input that disagrees with most of the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offender {
    /// Name of the input.
    pub input: String,
    /// Its value.
    pub value: String,
}

/// Inputs cannot be combined without being wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CombineError {
    /// Nothing to combine.
    #[error("there are no inputs to combine")]
    NoInputs,
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
        labels: usize,
        /// The variable.
        variable: String,
        /// Its length.
        length: u64,
    },
    /// A property differs between inputs.
    #[error("variable {variable:?} has {property} {expected} in {agreeing} {} but {}", inputs_word(*agreeing), offenders_text(offenders))]
    Mismatch {
        /// The variable; `/` for the root group.
        variable: String,
        /// The property.
        property: &'static str,
        /// What most inputs have.
        expected: String,
        /// How many inputs have it.
        agreeing: usize,
        /// The others.
        offenders: Vec<Offender>,
    },
    /// A variable is not in every input.
    #[error("variable {variable:?} is missing in {missing} of {inputs} inputs, first in {first}")]
    MissingVariable {
        /// The variable.
        variable: String,
        /// How many inputs lack it.
        missing: usize,
        /// Number of inputs.
        inputs: usize,
        /// The first input that lacks it.
        first: String,
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
        "variable {variable:?} has data at {label} in both {first} and {second}, and they are not the same bytes"
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
    /// Decoded values that the comparison needs were not provided.
    #[error("the values of variable {variable:?} of {input} are needed but were not read")]
    MissingContent {
        /// The variable.
        variable: String,
        /// Name of the input.
        input: String,
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
    #[error("variable {variable:?}: {source}")]
    Grid {
        /// The variable.
        variable: String,
        /// Why.
        source: GridError,
    },
    /// The joined array's references contradict one another.
    #[error("variable {variable:?}: {source}")]
    Manifest {
        /// The variable.
        variable: String,
        /// Why.
        source: ManifestError,
    },
}

fn inputs_word(count: usize) -> &'static str {
    if count == 1 { "input" } else { "inputs" }
}

/// The first three offenders and how many more there are.
fn offenders_text(offenders: &[Offender]) -> String {
    let shown: Vec<String> =
        offenders.iter().take(3).map(|o| format!("{} in {}", o.value, o.input)).collect();
    let more = offenders.len().saturating_sub(3);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}
