//! What becomes of the axes of a variable, and the dimensions of the answer.

use rangefold_reduce::FoldedGroups;

use crate::axis::Axis;
use crate::complete::Complete;
use crate::labelling::Labelling;
use crate::labels::{GroupLabels, KeptDimension};
use crate::spread::spread;

/// What becomes of the axes of the variable.
pub(crate) struct Outline {
    /// The dimensions of the answer.
    pub(crate) dims: Vec<KeptDimension>,
    /// Axes of the plan's output that are folded.
    pub(crate) folded_places: Vec<usize>,
    /// Groups of their positions.
    pub(crate) groups: Vec<FoldedGroups>,
    /// The axis with windows: of the answer of the fold, which is that of the plan if nothing is folded.
    pub(crate) rolled: Option<usize>,
    /// What groups need for an answer.
    pub(crate) complete: Vec<Complete>,
}

impl Outline {
    pub(crate) fn of(axes: &[Axis<'_>], labellings: &[Labelling], folded: &[&Axis<'_>]) -> Self {
        let mut outline = Self {
            dims: Vec::new(),
            folded_places: Vec::new(),
            groups: Vec::new(),
            rolled: None,
            complete: Vec::new(),
        };
        let (mut kept, mut answered) = (0, 0);
        for axis in axes {
            if axis.rolled {
                outline.rolled = Some(answered);
            }
            outline.complete.extend(complete(axis, labellings, outline.dims.len()));
            if folded.iter().any(|other| other.name == axis.name) {
                outline.folded_places.push(kept);
                for (dim, labels) in folded_groups(axis, labellings, folded) {
                    outline.groups.push(FoldedGroups { axis: kept, labels, count: dim.len() });
                    outline.dims.push(dim);
                    answered += 1;
                }
                kept += 1;
            } else {
                outline.dims.extend(axis.dimensions());
                let stays = usize::from(!axis.reduced || axis.is_in_runs());
                (kept, answered) = (kept + stays, answered + stays);
            }
        }
        outline
    }
}

/// What the groups in the place of `axis` need for an answer; their dimensions begin at number `first` of the answer's.
fn complete(axis: &Axis<'_>, labellings: &[Labelling], first: usize) -> Vec<Complete> {
    let along = first + usize::from(axis.rolled)..first + usize::from(axis.rolled) + axis.groups.len();
    let least = axis.groups.iter().filter_map(|by| by.least).max();
    let own = least.and_then(|least| {
        let (labels, groups) = axis.labels()?;
        Some(Complete::new(along.clone(), &labels, groups, least))
    });
    let begins_here = |by: &&Labelling| by.dimensions.first().is_some_and(|d| d == axis.name);
    let over_axes =
        labellings.iter().filter(begins_here).zip(along.end..).filter_map(|(by, dim)| {
            Some(Complete::new(dim..dim + 1, &by.labels, by.groups.len(), by.least?))
        });
    own.into_iter().chain(over_axes).collect()
}

/// The dimensions that stand in the place of a folded axis, and the group of each combination of folded positions.
fn folded_groups(
    axis: &Axis<'_>,
    labellings: &[Labelling],
    folded: &[&Axis<'_>],
) -> Vec<(KeptDimension, Vec<Option<u32>>)> {
    let own = [axis.name.to_owned()];
    let itself = axis.rolled.then(|| {
        let positions = axis.positions();
        let labels: Vec<Option<u32>> = (0..positions.len()).map(|i| u32::try_from(i).ok()).collect();
        (KeptDimension::Selected { name: axis.name.to_owned(), positions }, spread(&labels, &own, folded))
    });
    let grouped = |name: &String, labels: &GroupLabels| KeptDimension::Grouped {
        name: name.clone(),
        labels: labels.clone(),
    };
    let along_axis =
        axis.groups.iter().map(|by| (grouped(&by.name, &by.groups), spread(&by.labels, &own, folded)));
    let begins_here = |by: &&Labelling| by.dimensions.first().is_some_and(|d| d == axis.name);
    let over_axes = labellings.iter().filter(begins_here);
    let over_axes =
        over_axes.map(|by| (grouped(&by.name, &by.groups), spread(&by.labels, &by.dimensions, folded)));
    itself.into_iter().chain(along_axis).chain(over_axes).collect()
}
