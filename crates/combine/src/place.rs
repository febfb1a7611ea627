//! Placing the chunks of many inputs in one array, by reference.
//!
//! A chunk of an input becomes one chunk of the result: along joined axes where its labels say, along the others where
//! it was. Nothing is held but where each input's chunks go, so that the references of the result can be drawn in
//! ascending order without being in memory all at once.

use std::cmp::Ordering;

use rangefold_array::{ArrayMeta, AxisChunks, ChunkGrid};
use rangefold_refs::{Attributes, Manifest, ManifestArray, Reference, by_part};

use crate::compare::representative;
use crate::cut::cut;
use crate::holes::check_holes;
use crate::joined_axis::JoinedAxis;
use crate::mark::{Mark, common_fill, needed};
use crate::objects::{Stale, check_replaced, url_of};
use crate::packing::parts_of;
use crate::places::Places;
use crate::times::Spelling;
use crate::{CombineError, CombineSpec, Overlap, PackingRule};

/// One input's array of a variable, and which of its axes are joined.
#[derive(Clone, Debug)]
pub(crate) struct InputArray<'a> {
    /// Number of the input.
    pub(crate) input: usize,
    /// Name of the input.
    pub(crate) name: &'a str,
    /// Its array.
    pub(crate) stored: &'a ManifestArray,
    /// For each joined axis of the variable, which axis of the array it is; `None` if the array lacks it.
    pub(crate) own_axes: Vec<Option<usize>>,
    /// How its times are spelled; `None` if its numbers are no times.
    pub(crate) times: Option<Spelling>,
    /// The objects it refers to that have changed since.
    pub(crate) stale: Option<&'a Stale>,
    /// Dimensions that the array gains, in front of its own.
    pub(crate) stretched: Vec<&'a str>,
}

impl InputArray<'_> {
    /// Names of all dimensions, those it gains included.
    pub(crate) fn dimensions(&self) -> Vec<&str> {
        let own = self.stored.meta.dimension_names.iter().map(String::as_str);
        self.stretched.iter().copied().chain(own).collect()
    }

    /// Whether a dimension stands twice among its own.
    pub(crate) fn has_twice(&self, dimension: &str) -> bool {
        self.stored.meta.dimension_names.iter().filter(|name| *name == dimension).count() > 1
    }

    /// Lengths along the axes that are not joined.
    pub(crate) fn other_lengths(&self) -> Vec<u64> {
        let lengths = self.stored.meta.shape().iter().enumerate();
        lengths.filter(|(axis, _)| !self.own_axes.contains(&Some(*axis))).map(|(_, &length)| length).collect()
    }
}

/// Two references of different bytes for one chunk, to be accepted only if they decode to the same.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verify {
    /// Row-major number of the chunk in the result.
    pub(crate) number: u64,
    /// The reference that is taken, and the number of its array.
    pub(crate) kept: (usize, Reference),
    /// Another, and the number of its array.
    pub(crate) other: (usize, Reference),
}

/// Where the chunks of one array go.
#[derive(Clone, Debug)]
struct PartMap {
    /// What the axes that the array lacks add to the number of each chunk.
    base: u64,
    /// One for each of the array's own axes.
    axes: Vec<AxisMap>,
    /// Smallest and largest number in the result; `None` if the array has no chunks.
    bounds: Option<(u64, u64)>,
    /// Whether its chunks stay in order.
    ascending: bool,
}

#[derive(Clone, Debug)]
struct AxisMap {
    /// Chunks of the array along this axis.
    count: u64,
    /// What one chunk along this axis adds to the number in the result.
    stride: u64,
    /// Index in the result of each chunk.
    places: Places,
}

impl PartMap {
    /// The number in the result of the array's chunk `number`.
    fn number(&self, number: u64) -> Option<u64> {
        let mut rest = number;
        let mut target = self.base;
        for axis in self.axes.iter().rev() {
            target += axis.places.get(rest.checked_rem(axis.count)?)? * axis.stride;
            rest /= axis.count;
        }
        Some(target)
    }
}

/// A variable joined by reference.
#[derive(Clone, Debug)]
pub(crate) struct Placement<'a> {
    pub(crate) variable: &'a str,
    pub(crate) arrays: Vec<InputArray<'a>>,
    pub(crate) meta: ArrayMeta,
    maps: Vec<PartMap>,
    /// Parts whose numbers lie among one another, in ascending order of number.
    clusters: Vec<Vec<usize>>,
    overlap: Overlap,
    /// The axis along which the meaning of stored numbers changes, and the parts of it.
    packing: Option<(usize, Vec<by_part::Part>)>,
    /// What stands where there are no data, if the inputs do not all declare it.
    mark: Option<Mark>,
}

/// A chunk of the result: its number, and the array and number of the chunk it is.
type Entry = (u64, usize, u64);

impl<'a> Placement<'a> {
    /// Places the arrays of a variable along the given joined axes, in the order of [`InputArray::own_axes`].
    ///
    /// # Errors
    ///
    /// Chunks that do not meet, places that no array fills, as far as `spec` does not allow them.
    pub(crate) fn new(
        variable: &'a str,
        arrays: Vec<InputArray<'a>>,
        axes: &[&JoinedAxis],
        input_count: usize,
        spec: &CombineSpec,
    ) -> Result<Self, CombineError> {
        let (Some(first), Some(template)) = (arrays.first(), representative(&arrays)) else {
            return Err(CombineError::NoInputs);
        };
        let names: Vec<String> = first.dimensions().into_iter().map(str::to_owned).collect();
        let stretched = first.stretched.len();
        // The axis of the result that each joined axis is.
        let targets: Vec<usize> = axes
            .iter()
            .zip(&first.own_axes)
            .map(|(axis, source)| match source {
                Some(own) => stretched + own,
                None => names.iter().position(|name| *name == axis.dimension).unwrap_or(0),
            })
            .collect();
        let mut shape = vec![0; stretched];
        shape.extend_from_slice(first.stored.meta.shape());
        let mut chunks = vec![AxisChunks::Regular { length: 1 }; stretched];
        chunks.extend_from_slice(first.stored.meta.grid.axes());
        let mut places: Vec<Vec<Places>> = Vec::with_capacity(axes.len());
        for (number, (axis, &target)) in axes.iter().zip(&targets).enumerate() {
            let cut = cut(variable, &arrays, axis, number, spec.chunks)?;
            if let (Some(length), Some(slot)) = (shape.get_mut(target), chunks.get_mut(target)) {
                *length = axis.len();
                *slot = cut.chunks;
            }
            places.push(cut.targets);
        }
        let grid = ChunkGrid::new(&shape, chunks)
            .map_err(|source| CombineError::Grid { variable: variable.to_owned(), source })?;
        let has_holes = check_holes(variable, &arrays, axes, &targets, &grid, &places, input_count, spec)?;
        check_replaced(variable, &arrays, axes)?;
        let maps = part_maps(&arrays, &grid, &targets, places);
        let clusters = clusters(&maps);
        let may_change = spec.packing == PackingRule::ByPart
            || arrays.iter().any(|array| array.stored.meta.parted_axis().is_some());
        let packing = if may_change { parts_of(variable, &arrays, axes, input_count)? } else { None };
        let packing = packing.and_then(|(number, parts)| Some((targets.get(number).copied()?, parts)));
        let mark = if packing.is_some() { None } else { needed_mark(variable, &arrays, has_holes)? };
        let fill_value = mark.as_ref().map_or_else(|| common_fill(&arrays), |mark| Some(mark.fill.clone()));
        let codecs = template.meta.element_codecs().to_vec();
        let meta = ArrayMeta { grid, dimension_names: names, codecs, fill_value, ..template.meta.clone() };
        Ok(Self { variable, arrays, meta, maps, clusters, overlap: spec.overlap, packing, mark })
    }

    /// The array's description, with `attributes` that hold by parts where numbers mean something else in each.
    pub(crate) fn described(&self, attributes: Attributes) -> (ArrayMeta, Attributes) {
        let meta = self.meta.clone();
        let mut array = ManifestArray { meta, attributes, manifest: Manifest::default() };
        if let Some(mark) = &self.mark {
            mark.declare(&mut array.attributes);
        }
        if let Some((axis, parts)) = &self.packing {
            by_part::set_parts(&mut array, *axis, parts);
        }
        (array.meta, array.attributes)
    }

    /// References in ascending order of chunk number. Where several arrays fill a chunk, the policy decides; that it
    /// can has been found by [`Placement::collisions`].
    pub(crate) fn references(&self) -> impl Iterator<Item = (u64, Reference)> + '_ {
        self.clusters.iter().flat_map(move |cluster| self.cluster_references(cluster))
    }

    fn cluster_references<'s>(
        &'s self,
        cluster: &'s [usize],
    ) -> Box<dyn Iterator<Item = (u64, Reference)> + 's> {
        if let [row] = *cluster
            && let (Some(array), Some(map)) = (self.arrays.get(row), self.maps.get(row))
            && map.ascending
            && array.stale.is_none()
        {
            let rows = array.stored.manifest.iter();
            return Box::new(rows.filter_map(|(number, reference)| Some((map.number(number)?, reference))));
        }
        let entries = self.entries(cluster);
        let mut next = 0;
        Box::new(
            std::iter::from_fn(move || {
                let rest = entries.get(next..)?;
                let number = rest.first()?.0;
                let same = rest.iter().take_while(|entry| entry.0 == number).count();
                next += same;
                let claims = rest.get(..same)?.iter().filter_map(|entry| self.claim(entry));
                Some((number, claims.reduce(|best, claim| self.better(best, claim))))
            })
            .filter_map(|(number, claim)| Some((number, claim?.1))),
        )
    }

    /// The chunks of a cluster, sorted by number and then by array.
    fn entries(&self, cluster: &[usize]) -> Vec<Entry> {
        let mut entries = Vec::new();
        for &row in cluster {
            if let (Some(array), Some(map)) = (self.arrays.get(row), self.maps.get(row)) {
                let numbers = array.stored.manifest.iter().map(|(number, _)| number);
                entries.extend(numbers.filter_map(|number| Some((map.number(number)?, row, number))));
            }
        }
        entries.sort_unstable();
        entries
    }

    fn claim(&self, &(_, row, number): &Entry) -> Option<(usize, Reference)> {
        let array = self.arrays.get(row)?;
        let reference = array.stored.manifest.get(number)?;
        // What has changed since is replaced, be it by a chunk that is absent.
        let is_stale = |stale: &Stale| url_of(&reference).is_some_and(|url| stale.contains_key(url));
        (!array.stale.is_some_and(is_stale)).then_some((row, reference))
    }

    /// Which of two references for one chunk is taken.
    fn better(&self, best: (usize, Reference), claim: (usize, Reference)) -> (usize, Reference) {
        let replaces = match self.overlap {
            Overlap::First => false,
            Overlap::Last => true,
            // They are the same, or decode to the same; which is taken must not depend on the order of the inputs.
            Overlap::Error | Overlap::Identical => compare_references(&claim.1, &best.1).is_lt(),
        };
        if replaces { claim } else { best }
    }

    /// Chunks for which two arrays have different references: an error, or what must be found to decode alike.
    pub(crate) fn collisions(&self, axes: &[&JoinedAxis]) -> Result<Vec<Verify>, CombineError> {
        let mut verify = Vec::new();
        if matches!(self.overlap, Overlap::First | Overlap::Last) {
            return Ok(verify);
        }
        for cluster in self.clusters.iter().filter(|cluster| cluster.len() > 1) {
            let entries = self.entries(cluster);
            for same in entries.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
                let claims: Vec<(usize, Reference)> =
                    same.iter().filter_map(|entry| self.claim(entry)).collect();
                let mut others = claims.iter().cloned();
                let Some(first) = others.next() else { continue };
                let kept = others.fold(first, |best, claim| self.better(best, claim));
                let number = same.first().map_or(0, |entry| entry.0);
                for other in claims.into_iter().filter(|claim| claim.1 != kept.1) {
                    if self.overlap == Overlap::Error {
                        return Err(self.overlapping(number, kept.0, other.0, axes));
                    }
                    verify.push(Verify { number, kept: kept.clone(), other });
                }
            }
        }
        Ok(verify)
    }

    /// The error of two arrays that hold different data in one chunk.
    pub(crate) fn overlapping(
        &self,
        number: u64,
        first: usize,
        second: usize,
        axes: &[&JoinedAxis],
    ) -> CombineError {
        let name = |row: usize| self.arrays.get(row).map_or("", |array| array.name).to_owned();
        let (first, second) = (first.min(second), first.max(second));
        let index = self.meta.grid.index(number).unwrap_or_default();
        let origin = self.meta.grid.chunk_origin(&index);
        let labels = axes.iter().filter_map(|axis| {
            let target = self.meta.dimension_names.iter().position(|name| *name == axis.dimension)?;
            printed_label(axis, *origin.get(target)?)
        });
        CombineError::Overlap {
            variable: self.variable.to_owned(),
            label: labels.collect::<Vec<_>>().join(", "),
            first: name(first),
            second: name(second),
        }
    }
}

pub(crate) fn printed_label(axis: &JoinedAxis, place: u64) -> Option<String> {
    Some(axis.printed(u32::try_from(place).ok()?))
}

/// An order among references that says nothing but is always the same.
pub(crate) fn compare_references(a: &Reference, b: &Reference) -> Ordering {
    fn rank(reference: &Reference) -> (u8, &str, u64, u64, &[u8]) {
        match reference {
            Reference::Inline(bytes) => (0, "", 0, 0, bytes),
            Reference::Whole { url } => (1, url, 0, 0, &[]),
            Reference::Range { url, range } => (1, url, range.offset(), range.length(), &[]),
        }
    }
    rank(a).cmp(&rank(b))
}

/// The mark that a variable must declare, see [`needed`].
pub(crate) fn needed_mark(
    variable: &str,
    arrays: &[InputArray<'_>],
    has_holes: bool,
) -> Result<Option<Mark>, CombineError> {
    needed(arrays, has_holes)
        .map_err(|problem| CombineError::NoMark { variable: variable.to_owned(), problem })
}

fn part_maps(
    arrays: &[InputArray<'_>],
    grid: &ChunkGrid,
    targets: &[usize],
    mut places: Vec<Vec<Places>>,
) -> Vec<PartMap> {
    let mut strides = vec![1_u64; grid.rank()];
    let mut stride = 1_u64;
    for (slot, &count) in strides.iter_mut().zip(grid.chunk_counts()).rev() {
        *slot = stride;
        // Fits: the grid counts its chunks in 64 bits. With an axis of length 0 there is nothing to place.
        stride = stride.saturating_mul(count);
    }
    let stride_of = |axis: usize| strides.get(axis).copied().unwrap_or(0);
    let maps = arrays.iter().enumerate().map(|(row, array)| {
        let mut base = 0;
        let counts = array.stored.meta.grid.chunk_counts();
        let mut axes: Vec<AxisMap> = counts
            .iter()
            .enumerate()
            .map(|(own, &count)| AxisMap {
                count,
                stride: stride_of(array.stretched.len() + own),
                places: Places::Run { first: 0, count },
            })
            .collect();
        for ((source, &target), places) in array.own_axes.iter().zip(targets).zip(&mut places) {
            let Some(places) = places.get_mut(row) else { continue };
            let places = std::mem::replace(places, Places::Run { first: 0, count: 0 });
            match source.and_then(|own| axes.get_mut(own)) {
                Some(axis) => axis.places = places,
                None => base += places.get(0).unwrap_or(0) * stride_of(target),
            }
        }
        let bounds = axes.iter().try_fold((base, base), |(low, high), axis| {
            let (first, last) = axis.places.bounds()?;
            Some((low + first * axis.stride, high + last * axis.stride))
        });
        let ascending = axes.iter().all(|axis| axis.places.is_ascending());
        PartMap { base, axes, bounds, ascending }
    });
    maps.collect()
}

/// Sorts arrays by number and puts those together whose numbers may lie among one another.
fn clusters(maps: &[PartMap]) -> Vec<Vec<usize>> {
    let mut bounds: Vec<(u64, u64, usize)> = maps
        .iter()
        .enumerate()
        .filter_map(|(row, map)| map.bounds.map(|(low, high)| (low, high, row)))
        .collect();
    bounds.sort_unstable();
    let mut clusters: Vec<Vec<usize>> = Vec::new();
    let mut end = None;
    for (low, high, row) in bounds {
        match clusters.last_mut() {
            Some(cluster) if end.is_some_and(|end| low <= end) => cluster.push(row),
            _ => clusters.push(vec![row]),
        }
        end = end.max(Some(high));
    }
    clusters
}
