//! Comparing what must be the same in every input.

use std::collections::{BTreeMap, BTreeSet};

use rangefold_array::{AxisChunks, CodecSpec};
use rangefold_refs::fill_mark::{NO_FILL, UNKNOWN};
use rangefold_refs::{AttributeValue, ManifestArray, by_part};

use crate::attributes::{MEANING, printed};
use crate::error::Offender;
use crate::input_array::InputArray;
use crate::{AttributeRule, ChunkRule, CombineError, PackingRule, mark};

/// The property that is what missing and absent data are.
pub(crate) const FILL_VALUE: &str = "fill value";

/// How much of a variable must be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Its chunks are placed as they are: all that decoding them depends on.
    Chunks {
        /// Whether chunks may be of different lengths along joined axes.
        lengths: ChunkRule,
        /// Whether stored numbers may mean something else in each input.
        packing: PackingRule,
    },
    /// Its values are compared or joined: what gives them their meaning.
    Values,
    /// As [`Scope::Values`], where numbers of all inputs are converted to times.
    TimeValues,
}

/// Checks that a variable is the same in all inputs, as far as joining it needs.
pub(crate) fn require_same(
    variable: &str,
    arrays: &[InputArray<'_>],
    scope: Scope,
) -> Result<(), CombineError> {
    let Some((first, others)) = arrays.split_first() else { return Ok(()) };
    if others.iter().all(|array| alike(first, array, scope)) {
        return Ok(());
    }
    let all: Vec<(&str, Vec<(&'static str, String)>)> =
        arrays.iter().map(|array| (array.name, properties(array, scope))).collect();
    let Some((_, names)) = all.first() else { return Ok(()) };
    let are_zero = arrays.iter().all(|array| mark::is_zero(array.stored));
    for (row, (property, _)) in names.iter().enumerate() {
        if *property == FILL_VALUE && are_zero {
            continue;
        }
        // What is not known gives way to what is.
        if *property == NO_FILL && arrays.iter().any(is_fill_unknown) {
            continue;
        }
        let values: Vec<(&str, &str)> =
            all.iter().filter_map(|(name, p)| Some((*name, p.get(row)?.1.as_str()))).collect();
        if let Some(error) = disagreement(variable, property, &values) {
            return Err(error);
        }
    }
    Ok(())
}

/// Whether nobody knows if the default fill value is a value: the input was written by another program.
fn is_fill_unknown(array: &InputArray<'_>) -> bool {
    array.stored.attributes.get(NO_FILL).and_then(AttributeValue::as_text) == Some(UNKNOWN)
}

/// Attributes that say what a variable is, which no arithmetic depends on.
const DESCRIPTION: [&str; 5] = ["positive", "standard_name", "cell_methods", "formula_terms", "grid_mapping"];

/// Whether an attribute says what a variable is, so that leaving it out must not pass in silence.
#[must_use]
pub fn is_description(name: &str) -> bool {
    DESCRIPTION.contains(&name)
}

/// Attributes of a grid mapping that are no parameters of it: words, and what belongs to one tile.
const NOT_PARAMETERS: [&str; 5] = ["long_name", "comment", "description", "history", "GeoTransform"];

/// Checks that no two inputs describe a variable as different things. What only some inputs say may be left out; so may
/// whatever has a rule.
pub(crate) fn require_same_description(
    variable: &str,
    arrays: &[InputArray<'_>],
    rules: &BTreeMap<String, AttributeRule>,
) -> Result<(), CombineError> {
    let Some((first, others)) = arrays.split_first() else { return Ok(()) };
    if others.iter().all(|array| array.stored.attributes == first.stored.attributes) {
        return Ok(());
    }
    let is_mapping = arrays.iter().any(|array| array.stored.attributes.get("grid_mapping_name").is_some());
    let names: BTreeSet<&str> = if is_mapping {
        let all = arrays.iter().flat_map(|array| array.stored.attributes.iter());
        all.map(|(name, _)| name).filter(|name| !NOT_PARAMETERS.contains(name)).collect()
    } else {
        DESCRIPTION.into()
    };
    for name in names.into_iter().filter(|name| !rules.contains_key(*name)) {
        let values: Vec<(&str, String)> = arrays
            .iter()
            .filter_map(|array| {
                let value = array.stored.attributes.get(name).map(worded);
                // A parameter that is not said has a value too.
                let value = value.or_else(|| is_mapping.then(|| "none".to_owned()))?;
                Some((array.name, value))
            })
            .collect();
        let values: Vec<(&str, &str)> =
            values.iter().map(|(input, value)| (*input, value.as_str())).collect();
        if let Some(error) = disagreement(variable, name, &values) {
            return Err(error);
        }
    }
    Ok(())
}

/// A value in one line, with single spaces between its words.
fn worded(value: &AttributeValue) -> String {
    match value.as_text() {
        Some(text) => printed(&AttributeValue::Text(text.split_whitespace().collect::<Vec<_>>().join(" "))),
        None => printed(value),
    }
}

/// The quick answer for what is nearly always so: nothing differs but the lengths of joined axes.
fn alike(a: &InputArray<'_>, b: &InputArray<'_>, scope: Scope) -> bool {
    let (left, right) = (&a.stored.meta, &b.stored.meta);
    a.stretched == b.stretched
        && a.own_axes == b.own_axes
        && left.data_type == right.data_type
        && left.dimension_names == right.dimension_names
        && left.fill_value == right.fill_value
        && a.stored.attributes == b.stored.attributes
        && a.times == b.times
        && mark::has_absent(a.stored) == mark::has_absent(b.stored)
        && a.other_lengths() == b.other_lengths()
        && (!matches!(scope, Scope::Chunks { .. })
            || (left.order == right.order
                && left.codecs == right.codecs
                && left.grid.axes() == right.grid.axes()))
}

/// The properties that must not differ, by name, printed.
pub(crate) fn properties(array: &InputArray<'_>, scope: Scope) -> Vec<(&'static str, String)> {
    let meta = &array.stored.meta;
    let mut properties = vec![
        ("dimensions", format!("({})", array.dimensions().join(", "))),
        ("lengths of the other dimensions", format!("{:?}", array.other_lengths())),
    ];
    if scope != Scope::TimeValues {
        properties.insert(1, ("data type", meta.data_type.to_string()));
    }
    let by_part = matches!(scope, Scope::Chunks { packing: PackingRule::ByPart, .. });
    let attribute = |name: &str| array.stored.attributes.get(name).map_or_else(|| "none".to_owned(), printed);
    if !by_part {
        // First, because it explains the others.
        properties.push((by_part::TABLE, attribute(by_part::TABLE)));
        if scope != Scope::TimeValues {
            properties.push((FILL_VALUE, mark::identity(array.stored)));
        }
    }
    if let Scope::Chunks { lengths, .. } = scope {
        properties.push(("chunk shape", chunk_shape(array, lengths)));
        properties.push(("element order", format!("{:?}", meta.order)));
        let codecs: Vec<String> = meta.element_codecs().iter().map(CodecSpec::identity).collect();
        properties.push(("codecs", if codecs.is_empty() { "none".to_owned() } else { codecs.join(" + ") }));
    }
    for name in MEANING {
        let is_compared = !matches!(name, by_part::TABLE | "_FillValue");
        if !is_compared || (by_part && by_part::NAMES.contains(&name)) {
            continue;
        }
        // Times are converted by what each input says of them.
        let is_converted = matches!(name, "units" | "calendar") || by_part::NAMES.contains(&name);
        if scope == Scope::TimeValues && is_converted {
            continue;
        }
        let value = match (name, &array.times) {
            ("units", Some(times)) => times.units.to_string(),
            ("calendar", Some(times)) => times.units.calendar().to_string(),
            _ => attribute(name),
        };
        properties.push((name, value));
    }
    properties
}

/// The chunk shape, with 1 for axes that are new. Joined axes are left out where chunks may be of any length.
fn chunk_shape(array: &InputArray<'_>, lengths: ChunkRule) -> String {
    let joined = |axis: usize| array.own_axes.contains(&Some(axis));
    let stretched = array.stretched.iter().map(|_| "1".to_owned());
    let own = array.stored.meta.grid.axes().iter().enumerate().map(|(axis, chunks)| match chunks {
        _ if lengths == ChunkRule::Rectilinear && joined(axis) => "any".to_owned(),
        AxisChunks::Regular { length } => length.to_string(),
        AxisChunks::Listed { .. } => "uneven".to_owned(),
    });
    format!("[{}]", stretched.chain(own).collect::<Vec<_>>().join(", "))
}

/// The array of which the result takes over what does not matter, such as compression levels: not the first, but one
/// that is the same whatever the order of the inputs.
pub(crate) fn representative<'a>(arrays: &[InputArray<'a>]) -> Option<&'a ManifestArray> {
    let first = arrays.first()?.stored;
    if arrays.iter().all(|array| array.stored.meta.codecs == first.meta.codecs) {
        return Some(first);
    }
    arrays.iter().map(|array| array.stored).min_by_key(|array| format!("{:?}", array.meta.element_codecs()))
}

/// An error with the majority and the others, if the values are not all the same.
pub(crate) fn disagreement(variable: &str, property: &str, values: &[(&str, &str)]) -> Option<CombineError> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, value) in values {
        *counts.entry(value).or_default() += 1;
    }
    if counts.len() < 2 {
        return None;
    }
    // The value that most inputs have; of equally many, the one that stands first.
    let most = counts.values().max().copied().unwrap_or(0);
    let (expected_in, expected) = values.iter().find(|(_, value)| counts.get(value) == Some(&most))?;
    let offenders = values
        .iter()
        .filter(|(_, value)| value != expected)
        .map(|(name, value)| Offender { input: (*name).to_owned(), value: (*value).to_owned() })
        .collect();
    Some(CombineError::Mismatch {
        variable: variable.to_owned(),
        property: property.into(),
        expected: (*expected).to_owned(),
        agreeing: most,
        expected_in: (*expected_in).to_owned(),
        offenders,
    })
}
