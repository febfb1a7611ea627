//! Folding: axes whose positions are taken together, as masks and groups over several dimensions need.
//!
//! A mask over latitude and longitude belongs to pairs of positions, not to one axis. A plan first keeps such axes. Each
//! combination of their positions is a place, and a table gives the group of each place. The cells of every chunk are then
//! folded to the cells of the answer, so nothing larger than a chunk is held:
//!
//! ```text
//!  cells of a chunk                table                     cells of the answer
//!  time, lat, lon      ──►   lat, lon ─► region or none   ──►   time, region
//! ```

use std::{iter, ops::Range, sync::Arc};

use super::region::Region;

/// How the cells that a plan keeps are folded to the cells of the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    /// Shape of the cells that are folded.
    cells: Vec<u64>,
    shape: Vec<u64>,
    steps: Vec<Step>,
    table: Table,
    kept: Vec<Option<usize>>,
}

/// What each place adds to the number of the cell of the answer.
#[derive(Clone, Debug, PartialEq)]
enum Table {
    /// Nothing: the place takes part, or does not. One byte for each place, because masks have many.
    Taken(Arc<[bool]>),
    /// The offset of its groups; `None` if the place takes no part.
    Grouped(Arc<[Option<u64>]>),
}

impl Table {
    fn len(&self) -> usize {
        match self {
            Self::Taken(taken) => taken.len(),
            Self::Grouped(cells) => cells.len(),
        }
    }

    fn get(&self, place: usize) -> Option<u64> {
        match self {
            Self::Taken(taken) => taken.get(place)?.then_some(0),
            Self::Grouped(cells) => *cells.get(place)?,
        }
    }
}

/// What a step along one axis of the cells adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// To the number of the cell of the answer.
    pub cell: u64,
    /// To the number of the place.
    pub place: u64,
}

/// Groups of the places of folded axes.
#[derive(Clone, Debug, PartialEq)]
pub struct FoldedGroups {
    /// The folded axis that the axis of groups replaces.
    pub axis: usize,
    /// The group of each place, in row-major order and below `count`; places with `None` are left out.
    pub labels: Vec<Option<u32>>,
    /// Number of groups.
    pub count: usize,
}

/// Places that fit no axes, or groups that fit no places.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// An axis past the rank, or axes that are not ascending.
    #[error("axes {axes:?} cannot be folded together among {rank}")]
    Axes {
        /// The axes given.
        axes: Vec<usize>,
        /// Number of axes.
        rank: usize,
    },
    /// The number of places is not the product of the lengths of the folded axes.
    #[error("{given} places were given for axes of lengths {lengths:?}")]
    Places {
        /// Places given.
        given: usize,
        /// Lengths of the folded axes.
        lengths: Vec<u64>,
    },
    /// A label that is no group.
    #[error("label {label} is outside the {groups} groups")]
    Label {
        /// The label.
        label: u32,
        /// Number of groups.
        groups: usize,
    },
}

impl Fold {
    /// Folds nothing: the cells, of this shape, are those of the answer.
    #[must_use]
    pub fn same(shape: &[u64]) -> Self {
        Self {
            cells: shape.to_vec(),
            shape: shape.to_vec(),
            steps: strides(shape).into_iter().map(|cell| Step { cell, place: 0 }).collect(),
            table: Table::Taken(Arc::new([true])),
            kept: (0..shape.len()).map(Some).collect(),
        }
    }

    /// Folds `axes`, which are ascending, of cells of shape `cells`.
    ///
    /// `taken` tells for each place, in row-major order of the folded axes, whether it takes part. Each of `groups` becomes
    /// one axis of the answer, in the order of the axes that they replace; without groups all places go to one cell.
    ///
    /// # Errors
    ///
    /// [`FoldError`] if an axis is out of order, or places or labels do not fit.
    pub fn new(
        cells: &[u64],
        axes: &[usize],
        taken: &[bool],
        groups: &[FoldedGroups],
    ) -> Result<Self, FoldError> {
        let rank = cells.len();
        if !axes.is_sorted_by(|a, b| a < b)
            || axes.iter().chain(groups.iter().map(|by| &by.axis)).any(|&axis| axis >= rank)
        {
            return Err(FoldError::Axes { axes: axes.to_vec(), rank });
        }
        let lengths: Vec<u64> = axes.iter().filter_map(|&axis| cells.get(axis)).copied().collect();
        let places = lengths.iter().fold(1, |n: u64, &length| n.saturating_mul(length));
        let given = iter::once(taken.len()).chain(groups.iter().map(|by| by.labels.len()));
        if let Some(given) = given.into_iter().find(|&given| given as u64 != places) {
            return Err(FoldError::Places { given, lengths });
        }
        let mut shape = Vec::new();
        let mut kept = Vec::new();
        let mut of_group = vec![0; groups.len()];
        for (axis, &length) in cells.iter().enumerate() {
            if !axes.contains(&axis) {
                shape.push(length);
                kept.push(Some(axis));
            }
            for (by, answer) in groups.iter().zip(&mut of_group).filter(|(by, _)| by.axis == axis) {
                *answer = shape.len();
                shape.push(by.count as u64);
                kept.push(None);
            }
        }
        let strides_of_answer = strides(&shape);
        let mut place_strides = strides(&lengths).into_iter();
        let step = |axis: usize| match kept.iter().position(|&kept| kept == Some(axis)) {
            Some(answer) => Step { cell: strides_of_answer.get(answer).copied().unwrap_or(0), place: 0 },
            None => Step { cell: 0, place: place_strides.next().unwrap_or(0) },
        };
        let steps = (0..rank).map(step).collect();
        if groups.is_empty() {
            let table = Table::Taken(taken.into());
            return Ok(Self { cells: cells.to_vec(), shape, steps, table, kept });
        }
        let mut table = vec![None; taken.len()];
        for (place, slot) in table.iter_mut().enumerate().filter(|(place, _)| taken[*place]) {
            let mut cell = Some(0_u64);
            for (by, &answer) in groups.iter().zip(&of_group) {
                let Some(label) = by.labels[place] else {
                    cell = None;
                    break;
                };
                if label as usize >= by.count {
                    return Err(FoldError::Label { label, groups: by.count });
                }
                let stride = strides_of_answer.get(answer).copied().unwrap_or(0);
                cell = cell.map(|cell| cell.saturating_add(stride.saturating_mul(label.into())));
            }
            *slot = cell;
        }
        let table = Table::Grouped(table.into());
        Ok(Self { cells: cells.to_vec(), shape, steps, table, kept })
    }

    /// Shape of the cells that are folded.
    #[must_use]
    pub fn cells(&self) -> &[u64] {
        &self.cells
    }

    /// Shape of the answer.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// What a step along each axis of the cells adds.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Number of places.
    #[must_use]
    pub fn place_count(&self) -> usize {
        self.table.len()
    }

    /// What each place that takes part adds to the number of the cell of the answer.
    pub fn added(&self) -> impl Iterator<Item = u64> + '_ {
        (0..self.table.len()).filter_map(|place| self.table.get(place))
    }

    /// For each axis of the answer, the axis of the cells that it was; `None` for an axis of groups.
    #[must_use]
    pub fn kept(&self) -> &[Option<usize>] {
        &self.kept
    }

    /// For each cell, in row-major order: the number of its cell of the answer, `None` if it takes no part, and its place.
    pub fn folded(&self) -> impl Iterator<Item = (Option<u64>, u64)> + Clone {
        self.folded_within(0, 0..self.cells.first().copied().unwrap_or(0))
    }

    /// As [`Fold::folded`], for the cells with `positions` along `axis` only.
    pub fn folded_within(
        &self,
        axis: usize,
        positions: Range<u64>,
    ) -> impl Iterator<Item = (Option<u64>, u64)> + Clone {
        let of_axis =
            move |(other, &length): (usize, &u64)| if other == axis { positions.clone() } else { 0..length };
        let ranges = self.cells.iter().enumerate().map(of_axis);
        numbers(ranges.zip(self.steps.iter().copied()), CellAndPlace::default())
            .map(|number| (self.cell(number), number.place))
    }

    /// Bytes that the iterator of [`Fold::folded`] holds: the numbers along all axes but the last.
    #[must_use]
    pub fn folded_len(&self) -> u64 {
        let outer = self.cells.split_last().map_or(&[][..], |(_, outer)| outer);
        outer.iter().fold(size_of::<CellAndPlace>() as u64, |n, &length| n.saturating_mul(length))
    }

    /// The cell of the answer that each cell of a region goes to, if the region's numbers begin at `origin`.
    pub(crate) fn of_region(&self, region: &Region, origin: u64) -> impl Iterator<Item = Option<u64>> {
        let first = CellAndPlace { cell: origin, place: 0 };
        numbers(ranges(region).zip(self.steps.iter().copied()), first).map(|number| self.cell(number))
    }

    fn cell(&self, number: CellAndPlace) -> Option<u64> {
        let added = self.table.get(usize::try_from(number.place).ok()?)?;
        number.cell.checked_add(added)
    }

    /// The region of the answer that a region of cells makes, and which cell of it each of them goes to.
    pub(crate) fn fold_region(&self, region: &Region) -> (Region, Vec<Option<usize>>) {
        // The table, cut to the region.
        let folded = ranges(region).zip(&self.steps).zip(0..).filter(|(_, axis)| self.is_folded(*axis));
        let folded = folded.map(|((range, &step), _)| (range, step));
        let table: Vec<Option<u64>> =
            numbers(folded, CellAndPlace::default()).map(|n| self.cell(n)).collect();
        let place_lengths: Vec<u64> = (0..)
            .zip(&region.shape)
            .filter(|(axis, _)| self.is_folded(*axis))
            .map(|(_, &n)| n as u64)
            .collect();
        let mut place_strides = strides(&place_lengths).into_iter();

        let strides_of_answer = strides(&self.shape);
        let position =
            |cell: u64, axis: usize| cell / strides_of_answer[axis].max(1) % self.shape[axis].max(1);
        let mut within = Region::default();
        for (axis, kept) in self.kept.iter().enumerate() {
            let (start, len) = match kept {
                Some(kept) => (region.start[*kept], region.shape[*kept]),
                None => {
                    let positions = || table.iter().flatten().map(|&cell| position(cell, axis));
                    let (low, high) = (positions().min(), positions().max());
                    let span = low.zip(high).and_then(|(low, high)| usize::try_from(high - low + 1).ok());
                    (low.unwrap_or(0), span.unwrap_or(0))
                }
            };
            within.start.push(start);
            within.shape.push(len);
        }
        let lengths: Vec<u64> = within.shape.iter().map(|&length| length as u64).collect();
        let strides_within = strides(&lengths);
        let groups = || self.kept.iter().enumerate().filter(|(_, kept)| kept.is_none()).map(|(axis, _)| axis);
        let moved = |cell: u64| -> u64 {
            groups().map(|axis| (position(cell, axis) - within.start[axis]) * strides_within[axis]).sum()
        };
        let table: Vec<Option<u64>> = table.into_iter().map(|cell| cell.map(moved)).collect();
        let step = |axis: usize| match self.kept.iter().position(|&kept| kept == Some(axis)) {
            Some(answer) => Step { cell: strides_within[answer], place: 0 },
            None => Step { cell: 0, place: place_strides.next().unwrap_or(0) },
        };
        let steps: Vec<Step> = (0..region.shape.len()).map(step).collect();
        let own = region.shape.iter().map(|&length| 0..length as u64).zip(steps);
        let cell = |number: CellAndPlace| {
            let added = (*table.get(usize::try_from(number.place).ok()?)?)?;
            usize::try_from(number.cell + added).ok()
        };
        let to = numbers(own, CellAndPlace::default()).map(cell).collect();
        (within, to)
    }

    /// What the fold does but for the length of the first axis of the cells, which is axis `grown` of the answer; all that it
    /// does if that axis is folded itself.
    pub(crate) fn without_first(&self, grown: Option<usize>) -> impl std::fmt::Debug + '_ {
        let Self { cells, shape, steps, table, kept } = self;
        let skipped = usize::from(grown.is_some());
        let shape: Vec<_> = shape.iter().enumerate().filter(|(axis, _)| Some(*axis) != grown).collect();
        (cells.get(skipped..), shape, steps, table, kept)
    }

    /// Whether an axis of the cells is folded.
    pub(crate) fn is_folded(&self, axis: usize) -> bool {
        self.answer_axis(axis).is_none()
    }

    /// The axis of the answer that an axis of the cells is; `None` if it is folded.
    pub(crate) fn answer_axis(&self, axis: usize) -> Option<usize> {
        self.kept.iter().position(|&kept| kept == Some(axis))
    }

    /// Number of places that take part.
    pub(crate) fn taken_count(&self) -> u64 {
        self.added().count() as u64
    }

    /// For each position of a folded axis, whether any place there takes part.
    pub(crate) fn taken(&self, axis: usize) -> Vec<bool> {
        let length = self.cells[axis].max(1);
        let mut taken = vec![false; usize::try_from(self.cells[axis]).unwrap_or(0)];
        for place in (0..self.table.len()).filter(|&place| self.table.get(place).is_some()) {
            let position = place as u64 / self.steps[axis].place.max(1) % length;
            if let Some(taken) = usize::try_from(position).ok().and_then(|position| taken.get_mut(position)) {
                *taken = true;
            }
        }
        taken
    }
}

/// Row-major strides; saturating.
#[must_use]
pub fn strides(shape: &[u64]) -> Vec<u64> {
    let mut stride = 1_u64;
    let mut strides: Vec<u64> = shape
        .iter()
        .rev()
        .map(|&length| {
            let own = stride;
            stride = stride.saturating_mul(length);
            own
        })
        .collect();
    strides.reverse();
    strides
}

/// The number of a cell of the answer without the offset that its place adds, and the number of the place.
#[derive(Clone, Copy, Debug, Default)]
struct CellAndPlace {
    cell: u64,
    place: u64,
}

impl CellAndPlace {
    fn moved(self, position: u64, step: Step) -> Self {
        Self { cell: self.cell + position * step.cell, place: self.place + position * step.place }
    }
}

fn ranges(region: &Region) -> impl Iterator<Item = Range<u64>> {
    region.start.iter().zip(&region.shape).map(|(&start, &length)| start..start + length as u64)
}

/// The numbers of all positions of some axes, row-major.
fn numbers(
    axes: impl Iterator<Item = (Range<u64>, Step)>,
    first: CellAndPlace,
) -> impl Iterator<Item = CellAndPlace> + Clone {
    let mut axes: Vec<(Range<u64>, Step)> = axes.collect();
    let (last, step) = axes.pop().unwrap_or((0..1, Step::default()));
    let is_empty = last.is_empty() || axes.iter().any(|(range, _)| range.is_empty());
    let mut rows = if is_empty { Vec::new() } else { vec![first] };
    for (range, step) in axes {
        let along = |&row: &CellAndPlace| range.clone().map(move |position| row.moved(position, step));
        rows = rows.iter().flat_map(along).collect();
    }
    rows.into_iter().flat_map(move |row| last.clone().map(move |position| row.moved(position, step)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two times, and on a grid of 2 × 3 the groups `0 0 -` and `- 2 2`, of which the last place is masked.
    fn fold() -> Fold {
        let labels = vec![Some(0), Some(0), None, None, Some(2), Some(2)];
        let groups = FoldedGroups { axis: 1, labels, count: 3 };
        Fold::new(&[2, 2, 3], &[1, 2], &[true, true, true, true, true, false], &[groups]).unwrap()
    }

    #[test]
    fn places_go_to_the_cell_of_their_groups() {
        let fold = fold();
        assert_eq!((fold.shape(), fold.kept()), (&[2, 3][..], &[Some(0), None][..]));
        let cells: Vec<Option<u64>> = fold.folded().map(|(cell, _)| cell).collect();
        let first = [Some(0), Some(0), None, None, Some(2), None];
        let second = first.map(|cell| cell.map(|cell| cell + 3));
        assert_eq!(cells, [first, second].concat());
        assert_eq!((fold.taken(1), fold.taken(2)), (vec![true, true], vec![true, true, false]));
        assert_eq!(fold.taken_count(), 3);
    }

    #[test]
    fn a_region_is_folded_to_no_more_of_the_answer_than_it_touches() {
        let region = Region { start: vec![1, 1, 0], shape: vec![1, 1, 2] };
        let within = Region { start: vec![1, 2], shape: vec![1, 1] };
        assert_eq!(fold().fold_region(&region), (within, vec![None, Some(0)]));
        let nothing = Region { start: vec![0, 0, 2], shape: vec![2, 2, 1] };
        assert_eq!(fold().fold_region(&nothing).1, [None; 4]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let groups = |label, count| FoldedGroups { axis: 0, labels: vec![Some(label)], count };
        assert_eq!(
            Fold::new(&[1], &[0], &[true], &[groups(2, 2)]),
            Err(FoldError::Label { label: 2, groups: 2 })
        );
        let places = FoldError::Places { given: 1, lengths: vec![2] };
        assert_eq!(Fold::new(&[2], &[0], &[true], &[]), Err(places));
        assert!(Fold::new(&[2], &[1], &[], &[]).is_err());
        assert!(Fold::new(&[2, 1], &[1, 0], &[true, true], &[]).is_err());
    }
}
