//! Drawing the references of a joined array from the manifests of its inputs, in ascending order of chunk number.

use std::cmp::Ordering;
use std::sync::Arc;

use rangefold_array::ChunkGrid;
use rangefold_refs::{Manifest, NodePath, Reference};

use crate::Overlap;
use crate::input::Input;
use crate::input_array::InputArray;
use crate::objects::{Stale, url_of};
use crate::places::Places;

/// Where the chunks of one array go.
#[derive(Clone, Debug)]
struct Renumbering {
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

impl Renumbering {
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

/// The chunks of one array, and the objects of them that have changed since.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'m> {
    pub(crate) manifest: &'m Manifest,
    pub(crate) stale: Option<&'m Stale>,
}

/// A chunk of the result: its number, and the array and number of the chunk it is.
type Entry = (u64, usize, u64);

/// Which chunks of the arrays of a variable are which chunks of the result.
#[derive(Clone, Debug)]
pub(crate) struct ChunkOrder {
    renumberings: Vec<Renumbering>,
    /// Arrays whose numbers lie among one another, in ascending order of number.
    pub(crate) clusters: Vec<Vec<usize>>,
    pub(crate) overlap: Overlap,
}

impl ChunkOrder {
    /// `targets` says which axis of `grid` each joined axis is, and `places` where each array's chunks lie on it.
    pub(crate) fn new(
        arrays: &[InputArray<'_>],
        grid: &ChunkGrid,
        targets: &[usize],
        places: Vec<Vec<Places>>,
        overlap: Overlap,
    ) -> Self {
        let renumberings = renumberings(arrays, grid, targets, places);
        let clusters = clusters(&renumberings);
        Self { renumberings, clusters, overlap }
    }

    /// References in ascending order of chunk number. Where several arrays fill a chunk, the policy decides; that it
    /// can has been found before.
    pub(crate) fn references<'m>(
        &'m self,
        rows: Vec<Row<'m>>,
    ) -> impl Iterator<Item = (u64, Reference)> + 'm {
        let rows: Arc<[Row<'m>]> = rows.into();
        self.clusters.iter().flat_map(move |cluster| self.cluster_references(&rows, cluster))
    }

    fn cluster_references<'m>(
        &'m self,
        rows: &Arc<[Row<'m>]>,
        cluster: &'m [usize],
    ) -> Box<dyn Iterator<Item = (u64, Reference)> + 'm> {
        if let [row] = *cluster
            && let (Some(array), Some(map)) = (rows.get(row), self.renumberings.get(row))
            && map.ascending
            && array.stale.is_none()
        {
            let chunks = array.manifest.iter();
            return Box::new(chunks.filter_map(|(number, reference)| Some((map.number(number)?, reference))));
        }
        let rows = Arc::clone(rows);
        let entries = self.entries(&rows, cluster);
        let mut next = 0;
        Box::new(
            std::iter::from_fn(move || {
                let rest = entries.get(next..)?;
                let number = rest.first()?.0;
                let same = rest.iter().take_while(|entry| entry.0 == number).count();
                next += same;
                let claims = rest.get(..same)?.iter().filter_map(|entry| claim(&rows, entry));
                Some((number, claims.reduce(|best, claim| self.better(best, claim))))
            })
            .filter_map(|(number, claim)| Some((number, claim?.1))),
        )
    }

    /// The chunks of a cluster, sorted by number and then by array.
    pub(crate) fn entries(&self, rows: &[Row<'_>], cluster: &[usize]) -> Vec<Entry> {
        let mut entries = Vec::new();
        for &row in cluster {
            if let (Some(array), Some(map)) = (rows.get(row), self.renumberings.get(row)) {
                let numbers = array.manifest.iter().map(|(number, _)| number);
                entries.extend(numbers.filter_map(|number| Some((map.number(number)?, row, number))));
            }
        }
        entries.sort_unstable();
        entries
    }

    /// Which of two references for one chunk is taken.
    pub(crate) fn better(&self, best: (usize, Reference), claim: (usize, Reference)) -> (usize, Reference) {
        let replaces = match self.overlap {
            Overlap::First => false,
            Overlap::Last => true,
            // They are the same, or decode to the same; which is taken must not depend on the order of the inputs.
            Overlap::Error | Overlap::Identical => compare_references(&claim.1, &best.1).is_lt(),
        };
        if replaces { claim } else { best }
    }
}

/// The reference of an entry with the number of its array; `None` if its object has changed since.
pub(crate) fn claim(rows: &[Row<'_>], &(_, row, number): &Entry) -> Option<(usize, Reference)> {
    let array = rows.get(row)?;
    let reference = array.manifest.get(number)?;
    // What has changed since is replaced, be it by a chunk that is absent.
    let is_stale = |stale: &Stale| url_of(&reference).is_some_and(|url| stale.contains_key(url));
    (!array.stale.is_some_and(is_stale)).then_some((row, reference))
}

/// An array whose references still stand in the inputs.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    inputs: Arc<[Input]>,
    path: NodePath,
    /// Number of the input of each row, and its objects that have changed since.
    rows: Vec<(usize, Option<Stale>)>,
    order: ChunkOrder,
}

impl Drawn {
    /// The array at `path` of some of the inputs; `rows` are in the order of the arrays that `order` knows.
    pub(crate) fn new(
        inputs: &Arc<[Input]>,
        path: &str,
        rows: Vec<(usize, Option<Stale>)>,
        order: ChunkOrder,
    ) -> Self {
        Self { inputs: Arc::clone(inputs), path: path.to_owned(), rows, order }
    }

    /// References in ascending order of chunk number.
    pub(crate) fn references(&self) -> impl Iterator<Item = (u64, Reference)> + '_ {
        let rows = self.rows.iter().filter_map(|(input, stale)| {
            let array = self.inputs.get(*input)?.references.arrays.get(&self.path)?;
            Some(Row { manifest: &array.manifest, stale: stale.as_ref() })
        });
        self.order.references(rows.collect())
    }
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

fn renumberings(
    arrays: &[InputArray<'_>],
    grid: &ChunkGrid,
    targets: &[usize],
    mut places: Vec<Vec<Places>>,
) -> Vec<Renumbering> {
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
        Renumbering { base, axes, bounds, ascending }
    });
    maps.collect()
}

/// Sorts arrays by number and puts those together whose numbers may lie among one another.
fn clusters(maps: &[Renumbering]) -> Vec<Vec<usize>> {
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
