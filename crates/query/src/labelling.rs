//! Variables whose values label groups of positions: the basins of an ocean, flags, regions.

use rangefold_active::{check_count, each};
use rangefold_array::{ElementType, Value};
use rangefold_cf::flags;
use rangefold_reduce::{Outcome, Reduction};
use rangefold_refs::ManifestArray;

use crate::axis::Axis;
use crate::coordinate::{Texts, texts};
use crate::group_error::GroupError;
use crate::labels::{GroupLabels, numbered};
use crate::spread::picked;
use crate::view::View;

/// Labels of groups, one per position of some dimensions of a variable.
#[derive(Clone, Debug)]
pub(crate) struct Labelling {
    /// What the groups are groups of.
    pub(crate) name: String,
    /// The dimensions of the labels.
    pub(crate) dimensions: Vec<String>,
    /// Their lengths.
    pub(crate) shape: Vec<u64>,
    /// The group of each position, row-major.
    pub(crate) labels: Vec<Option<u32>>,
    /// The groups.
    pub(crate) groups: GroupLabels,
    /// Positions and values that an answer needs.
    pub(crate) least: Option<u64>,
}

impl Labelling {
    /// The labels at the selected positions of its `own` axes, in their order, and the groups that occur there.
    pub(crate) fn selected(self, own: &[&Axis<'_>]) -> Self {
        let (labels, occurring) = numbered(&picked(&self.labels, &self.dimensions, &self.shape, own));
        let groups = match self.groups {
            GroupLabels::Integers(groups) => GroupLabels::Integers(at(&groups, &occurring)),
            GroupLabels::Texts(groups) => GroupLabels::Texts(at(&groups, &occurring)),
            GroupLabels::Periods { starts, ends, units } => {
                GroupLabels::Periods { starts: at(&starts, &occurring), ends: at(&ends, &occurring), units }
            }
        };
        let dimensions = own.iter().map(|axis| axis.name.to_owned()).collect();
        let shape = own.iter().map(|axis| axis.count()).collect();
        Self { name: self.name, dimensions, shape, labels, groups, least: self.least }
    }
}

fn at<T: Clone>(all: &[T], places: &[u32]) -> Vec<T> {
    places.iter().filter_map(|&place| all.get(usize::try_from(place).ok()?)).cloned().collect()
}

/// Reads the variable at `path` as labels: integers and texts as they are, integers with `flag_meanings` as those, and
/// floats that are whole numbers.
///
/// # Errors
///
/// [`GroupError::Syntax`] if there is no such variable, [`GroupError::Label`] if its values cannot be read or label
/// nothing.
pub(crate) async fn labelling(view: &View, path: &str, axes: &[Axis<'_>]) -> Result<Labelling, GroupError> {
    let array =
        view.references().arrays.get(path).ok_or_else(|| GroupError::Syntax { text: path.to_owned() })?;
    let refused = |reason: String| GroupError::Label { label: path.to_owned(), reason };
    check_count(array.meta.shape().iter().copied()).map_err(refused)?;
    let name = rangefold_array::node_path::leaf(path).to_owned();
    if let Some(texts) = texts(view, path, array, axes).await.map_err(refused)? {
        let Texts { dimensions, shape, column } = texts;
        let key = |(text, valid): (Value<'_>, &bool)| match text {
            Value::Text(text) => Some(text.to_owned()).filter(|text| *valid && !text.is_empty()),
            _ => None,
        };
        let keys: Vec<Option<String>> = column.values.iter().zip(&column.valid).map(key).collect();
        let (labels, groups) = numbered(&keys);
        let groups = GroupLabels::Texts(groups);
        return Ok(Labelling { name, dimensions, shape, labels, groups, least: None });
    }
    let element = &array.meta.data_type.element;
    if !(element.is_integer() || element.is_float() || *element == ElementType::Bool) {
        return Err(refused(format!("its values are of type {}", element.name())));
    }
    let outcome = each(view.store(), path, array, Reduction::Min, view.resources()).await.map_err(refused)?;
    let (labels, groups) = numbered(&whole_numbers(&outcome).map_err(refused)?);
    let groups = flag_meanings(array, &groups).unwrap_or(GroupLabels::Integers(groups));
    let (dimensions, shape) = (array.meta.dimension_names.clone(), array.meta.shape().to_vec());
    Ok(Labelling { name, dimensions, shape, labels, groups, least: None })
}

/// Values as keys; `None` where they are missing.
#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and below 2^53")]
fn whole_numbers(outcome: &Outcome) -> Result<Vec<Option<i64>>, String> {
    let key = |value: Option<Value<'_>>| match value {
        None => Ok(None),
        Some(Value::Signed(n)) => Ok(Some(n)),
        Some(Value::Unsigned(n)) => {
            i64::try_from(n).map(Some).map_err(|_| format!("{n} is no whole number below 2^63"))
        }
        Some(Value::Bool(truth)) => Ok(Some(truth.into())),
        Some(Value::Float(x)) if x.fract() == 0.0 && x.abs() < 9_007_199_254_740_992.0 => Ok(Some(x as i64)),
        Some(Value::Float(x)) => Err(format!("{x} is no whole number below 2^53")),
        Some(Value::Complex([re, im])) => Err(format!("{re} + {im}i is no whole number")),
        Some(Value::Text(_)) => Err("a text is no whole number".to_owned()),
    };
    (0..outcome.count.len()).map(|i| key(outcome.value(i))).collect()
}

/// What `flag_meanings` calls the groups, if it names all of them.
fn flag_meanings(array: &ManifestArray, groups: &[i64]) -> Option<GroupLabels> {
    let flags = flags(array);
    let meaning = |&group: &i64| {
        let (_, meaning) = flags.iter().find(|(value, _)| *value == i128::from(group))?;
        Some((*meaning).to_owned())
    };
    groups.iter().map(meaning).collect::<Option<_>>().map(GroupLabels::Texts)
}
