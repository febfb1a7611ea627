//! How the coordinate variable of a joined axis is written: one choice, made once.

use rangefold_refs::ManifestArray;

use crate::CombineError;
use crate::attributes::printed;
use crate::compare::{Scope, require_same};
use crate::encode;
use crate::joined_axis::JoinedAxis;
use crate::labels::Labels;
use crate::planned_axis::{LabelSource, PlannedAxis};
use crate::roles::Roles;
use crate::times::Spelling;

/// How the coordinate variable of a joined axis is written.
#[derive(Debug)]
pub(crate) struct Written<'a> {
    /// The variable whose type and attributes it takes over; `None` if its labels come from no variable.
    pub(crate) like: Option<&'a ManifestArray>,
    /// Whether its values are gathered as they are stored, which keeps every bit of them.
    pub(crate) as_stored: bool,
    /// Units and calendar of labels that are times: what the numbers are written in and what the attributes say.
    pub(crate) spelling: Option<Spelling>,
    /// The numbers of labels that are times and not gathered as they are stored.
    pub(crate) times: Option<encode::Times>,
}

impl<'a> Written<'a> {
    /// Chooses for axis `number`, and sets the units of its labels to those that are written.
    pub(crate) fn new(
        roles: &'a Roles<'a>,
        number: usize,
        planned: &'a PlannedAxis,
        axis: &mut JoinedAxis,
        labels: &[Option<Labels>],
    ) -> Result<Self, CombineError> {
        let (like, spelling) = choice(roles, planned, axis, labels);
        let mut written = Self { like, as_stored: false, spelling, times: None };
        written.as_stored = is_as_stored(roles, number, planned, &axis.labels)?;
        if let (Labels::Times { instants, units }, Some(spelling)) = (&mut axis.labels, &mut written.spelling)
        {
            *units = spelling.units;
            if !written.as_stored {
                let wanted =
                    written.like.filter(|array| is_plain(array)).map(|array| array.meta.data_type.clone());
                let times = encode::times(&axis.dimension, instants, *units, wanted, false)?;
                *units = times.units;
                *spelling = spelling.in_units(times.units);
                written.times = Some(times);
            }
        }
        Ok(written)
    }

    /// The variable whose element type is taken over: packed numbers are unpacked to be labels, and not packed again.
    pub(crate) fn plain(&self) -> Option<&'a ManifestArray> {
        self.like.filter(|array| is_plain(array))
    }
}

/// Whether stored numbers are the values.
pub(crate) fn is_plain(array: &ManifestArray) -> bool {
    ["scale_factor", "add_offset", "_Unsigned"].iter().all(|name| array.attributes.get(name).is_none())
}

/// Of the inputs that hold the earliest label the one whose coordinate sorts first as it is spelled, so that the order
/// of the inputs makes no difference: its variable, and how times are spelled there.
fn choice<'a>(
    roles: &'a Roles<'a>,
    planned: &'a PlannedAxis,
    axis: &JoinedAxis,
    labels: &[Option<Labels>],
) -> (Option<&'a ManifestArray>, Option<Spelling>) {
    let candidates = axis.earliest.iter().filter_map(|&input| {
        let labels = labels.get(input)?.as_ref()?;
        let array = match planned.label_sources.get(input)? {
            LabelSource::Variable { path, .. } => roles.inputs.get(input)?.references.arrays.get(path),
            LabelSource::Given(_) | LabelSource::None => None,
        };
        let spelling = match labels {
            Labels::Times { units, .. } => {
                let own = array.and_then(|array| Spelling::of(array, None)).and_then(Result::ok);
                Some(own.unwrap_or_else(|| Spelling::plain(*units)))
            }
            _ => None,
        };
        let said = || array.and_then(|array| array.attributes.get("units")).map(printed).unwrap_or_default();
        let spelled = spelling.as_ref().map_or_else(said, ToString::to_string);
        let data_type = array.map(|array| array.meta.data_type.to_string()).unwrap_or_default();
        Some(((spelled, data_type), array, spelling))
    });
    candidates.min_by(|a, b| a.0.cmp(&b.0)).map(|(_, array, spelling)| (array, spelling)).unwrap_or_default()
}

/// Whether the stored values of all inputs can stand beside one another.
fn is_as_stored(
    roles: &Roles<'_>,
    number: usize,
    planned: &PlannedAxis,
    labels: &Labels,
) -> Result<bool, CombineError> {
    let path = planned.path.as_str();
    let arrays = roles.arrays(path, &[number]);
    if let Some(array) = arrays.iter().find(|array| array.stored.meta.grid.rank() > 1) {
        return Err(CombineError::Variable {
            variable: path.to_owned(),
            input: array.name.to_owned(),
            reason: "it has the name of a joined dimension but more axes than that one".to_owned(),
        });
    }
    let is_own = |source: &LabelSource| match source {
        LabelSource::None => true,
        LabelSource::Variable { path: own, .. } => own == path,
        LabelSource::Given(_) => false,
    };
    if arrays.is_empty() || !planned.label_sources.iter().all(is_own) {
        return Ok(false);
    }
    let same = require_same(path, &arrays, Scope::Values);
    match labels {
        Labels::Integers(_) | Labels::Floats(_) => same.map(|()| true),
        Labels::Times { .. } | Labels::Texts(_) => Ok(same.is_ok()),
    }
}
