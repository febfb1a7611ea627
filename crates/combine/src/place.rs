//! Placing the chunks of many inputs in one array, by reference.
//!
//! A chunk of an input becomes one chunk of the result: along joined axes where its labels say, along the others where
//! it was. Nothing is held but where each input's chunks go, so that the references of the result can be drawn in
//! ascending order without being in memory all at once.

use rangefold_array::{ArrayMeta, AxisChunks, ChunkGrid};
use rangefold_refs::{Attributes, Manifest, ManifestArray, Reference, by_part};

use crate::compare::representative;
use crate::cut::cut;
use crate::draw::{ChunkOrder, Row, claim};
use crate::holes::check_holes;
use crate::input_array::InputArray;
use crate::joined_axis::JoinedAxis;
use crate::mark::{Mark, common_fill, needed};
use crate::packing::parts_of;
use crate::places::Places;
use crate::replaced::check_replaced;
use crate::{CombineError, CombineSpec, Overlap, PackingRule};

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

/// A variable joined by reference.
#[derive(Clone, Debug)]
pub(crate) struct Placement<'a> {
    pub(crate) variable: &'a str,
    pub(crate) arrays: Vec<InputArray<'a>>,
    pub(crate) meta: ArrayMeta,
    /// Which chunks of the arrays are which chunks of the result.
    pub(crate) order: ChunkOrder,
    /// The axis along which the meaning of stored numbers changes, and the parts of it.
    packing: Option<(usize, Vec<by_part::Part>)>,
    /// What stands where there are no data, if the inputs do not all declare it.
    mark: Option<Mark>,
}

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
            .map_err(|problem| CombineError::Grid { variable: variable.to_owned(), problem })?;
        let has_holes = check_holes(variable, &arrays, axes, &targets, &grid, &places, input_count, spec)?;
        check_replaced(variable, &arrays, axes)?;
        let order = ChunkOrder::new(&arrays, &grid, &targets, places, spec.overlap);
        let may_change = spec.packing == PackingRule::ByPart
            || arrays.iter().any(|array| array.stored.meta.parted_axis().is_some());
        let packing = if may_change { parts_of(variable, &arrays, axes, input_count)? } else { None };
        let packing = packing.and_then(|(number, parts)| Some((targets.get(number).copied()?, parts)));
        let mark = if packing.is_some() { None } else { needed_mark(variable, &arrays, has_holes)? };
        let fill_value = mark.as_ref().map_or_else(|| common_fill(&arrays), |mark| Some(mark.fill.clone()));
        let codecs = template.meta.element_codecs().to_vec();
        let meta = ArrayMeta { grid, dimension_names: names, codecs, fill_value, ..template.meta.clone() };
        Ok(Self { variable, arrays, meta, order, packing, mark })
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

    /// Where the chunks of each array are, in the order of the arrays.
    fn rows(&self) -> Vec<Row<'_>> {
        let row = |array: &InputArray<'a>| Row { manifest: &array.stored.manifest, stale: array.stale };
        self.arrays.iter().map(row).collect()
    }

    /// Chunks for which two arrays have different references: an error, or what must be found to decode alike.
    pub(crate) fn collisions(&self, axes: &[&JoinedAxis]) -> Result<Vec<Verify>, CombineError> {
        let mut verify = Vec::new();
        if matches!(self.order.overlap, Overlap::First | Overlap::Last) {
            return Ok(verify);
        }
        let rows = self.rows();
        for cluster in self.order.clusters.iter().filter(|cluster| cluster.len() > 1) {
            let entries = self.order.entries(&rows, cluster);
            for same in entries.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
                let claims: Vec<(usize, Reference)> =
                    same.iter().filter_map(|entry| claim(&rows, entry)).collect();
                let mut others = claims.iter().cloned();
                let Some(first) = others.next() else { continue };
                let kept = others.fold(first, |best, claim| self.order.better(best, claim));
                let number = same.first().map_or(0, |entry| entry.0);
                for other in claims.into_iter().filter(|claim| claim.1 != kept.1) {
                    if self.order.overlap == Overlap::Error {
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

/// The mark that a variable must declare, see [`needed`].
pub(crate) fn needed_mark(
    variable: &str,
    arrays: &[InputArray<'_>],
    has_holes: bool,
) -> Result<Option<Mark>, CombineError> {
    needed(arrays, has_holes)
        .map_err(|problem| CombineError::NoMark { variable: variable.to_owned(), problem })
}
