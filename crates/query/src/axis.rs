//! The axes of a variable, and what becomes of each: it stays, goes, or is gathered in groups.

use rangefold_array::AxisRange;
use rangefold_reduce::{AxisMap, Grouping};

use crate::labels::{GroupLabels, KeptDimension};
use crate::positions::Positions;

/// One axis of the variable, and what becomes of it.
pub(crate) struct Axis<'a> {
    pub(crate) name: &'a str,
    pub(crate) length: u64,
    pub(crate) positions: Positions,
    /// Neither kept nor grouped.
    pub(crate) reduced: bool,
    /// Kept, and reduced in windows.
    pub(crate) rolled: bool,
    /// What its positions are gathered by.
    pub(crate) groups: Vec<AxisGroups>,
}

/// Groups of the positions of one axis.
pub(crate) struct AxisGroups {
    pub(crate) name: String,
    /// The group of each selected position.
    pub(crate) labels: Vec<Option<u32>>,
    pub(crate) groups: GroupLabels,
    /// Positions and values that an answer needs.
    pub(crate) least: Option<u64>,
}

impl Axis<'_> {
    /// Selected positions, in order.
    pub(crate) fn positions(&self) -> Vec<u64> {
        self.positions.0.iter().flat_map(|range| range.positions()).collect()
    }

    /// Whether all positions of the `length` that the axis has are selected, in their order.
    pub(crate) fn is_whole(&self, length: u64) -> bool {
        self.positions.0 == [AxisRange::all(length)]
    }

    /// Number of selected positions.
    pub(crate) fn count(&self) -> u64 {
        self.positions.0.iter().fold(0, |sum, range| sum.saturating_add(range.count()))
    }

    /// Whether the positions are several runs, from both sides of a seam.
    pub(crate) fn is_in_runs(&self) -> bool {
        self.positions.0.len() != 1
    }

    /// Gathers its positions, beside what they are gathered by already.
    pub(crate) fn gather(&mut self, groups: AxisGroups) {
        self.reduced = false;
        self.groups.push(groups);
    }

    /// Whether its positions are gathered in groups.
    pub(crate) fn is_grouped(&self) -> bool {
        !self.groups.is_empty()
    }

    /// The axes of the answer, if it stays.
    pub(crate) fn dimensions(&self) -> Vec<KeptDimension> {
        let grouped =
            |by: &AxisGroups| KeptDimension::Grouped { name: by.name.clone(), labels: by.groups.clone() };
        match (self.is_grouped(), self.reduced) {
            (true, _) => self.groups.iter().map(grouped).collect(),
            (false, true) => Vec::new(),
            (false, false) => {
                vec![KeptDimension::Selected { name: self.name.to_owned(), positions: self.positions() }]
            }
        }
    }

    /// The group of each position and the number of groups: those of several groupings are all pairs of theirs.
    pub(crate) fn labels(&self) -> Option<(Vec<Option<u32>>, usize)> {
        let mut all = self.groups.iter().map(|by| (by.labels.clone(), by.groups.len()));
        let first = all.next()?;
        Some(all.fold(first, |(labels, count), (next, groups)| {
            let pair = |(a, b): (&Option<u32>, &Option<u32>)| {
                a.zip(*b).and_then(|(a, b)| a.checked_mul(u32::try_from(groups).ok()?)?.checked_add(b))
            };
            (labels.iter().zip(&next).map(pair).collect(), count.saturating_mul(groups))
        }))
    }

    /// The range that covers all positions, and where each of them goes.
    pub(crate) fn map(&self, folded: bool) -> (AxisRange, AxisMap) {
        let reduced = self.reduced && !folded;
        let groups = if folded { None } else { self.labels() };
        let single = match self.positions.0.as_slice() {
            [range] => Some(*range),
            _ => None,
        };
        if let (Some(range), None) = (single, &groups) {
            return (range, if reduced { AxisMap::Reduce } else { AxisMap::Keep });
        }
        // Groups, and positions in several runs, are picked by label. A reduced axis becomes a single group, which adds a
        // length of 1 to the plan's shape and nothing to the order of its values.
        let range = single.unwrap_or_else(|| AxisRange::all(self.length));
        let (labels, groups): (Vec<Option<u32>>, usize) = match groups {
            Some(groups) => groups,
            None if reduced => (vec![Some(0); self.positions().len()], 1),
            None => {
                let count = self.positions().len();
                ((0..count).map(|i| u32::try_from(i).ok()).collect(), count)
            }
        };
        let count = usize::try_from(range.count()).unwrap_or(0);
        let (mut of_position, mut places) = (vec![None; count], vec![0; count]);
        let is_kept = !self.reduced && !self.rolled && !self.is_grouped();
        for ((rank, position), label) in (0..).zip(self.positions()).zip(labels) {
            let place = position.saturating_sub(range.start()) / range.stride();
            let Ok(place) = usize::try_from(place) else { continue };
            if let (Some(slot), Some(place)) = (of_position.get_mut(place), places.get_mut(place)) {
                *slot = label;
                *place = if is_kept { 0 } else { rank };
            }
        }
        let groups = u32::try_from(groups).unwrap_or(u32::MAX);
        let places = single.is_none().then(|| places.into());
        (range, AxisMap::Group(Grouping { labels: of_position.into(), groups, places }))
    }
}
