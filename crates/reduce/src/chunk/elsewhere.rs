//! Partials from statistics that a server made.

use rangefold_array::{Packing, Values};

use super::{partial::Partial, reduce_error::ReduceError};
use crate::{
    meaning::{element::Wide, kind::Kind, sum::FloatSums},
    plan::{chunk_task::ChunkTask, reduction_plan::ReductionPlan},
    statistic::{cells::Cells, columns::Columns, wanted::Wanted},
};

/// The statistics of one chunk's cells, in row-major order, in terms of stored elements: not unpacked.
///
/// Statistics that no reduction of the plan needs may be left out. Values where `count` is 0 are ignored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChunkStatistics {
    /// Valid elements.
    pub count: Vec<u64>,
    /// Smallest elements.
    pub min: Option<Values>,
    /// Largest elements.
    pub max: Option<Values>,
    /// Sums.
    pub sum: Option<Values>,
}

impl ReductionPlan {
    /// The partial that a chunk reduced elsewhere contributes.
    ///
    /// Sums are unpacked as `sum * scale + count * offset` in float64: the elements were not at hand one by one.
    ///
    /// # Errors
    ///
    /// [`ReduceError::Statistic`] if one that is needed is absent, of another type, or not one per cell, and for
    /// reductions that need more than these four.
    pub fn partial_from(
        &self,
        task: &ChunkTask,
        statistics: &ChunkStatistics,
    ) -> Result<Partial, ReduceError> {
        let wanted = &self.wanted;
        let four = Wanted { min: wanted.min, max: wanted.max, sum: wanted.sum, ..Wanted::default() };
        if *wanted != four || self.condition.is_some() {
            return Err(ReduceError::Statistic { name: "more than count, min, max and sum" });
        }
        let region = self.walk(task, None)?.into_region();
        let cells = region.cells();
        let kind = Kind::of(&self.value_element());
        let filled = match (self.packing, kind) {
            (Some(packing), _) => statistics.unpacked(wanted, cells, &packing).map(Cells::Float),
            (None, Kind::Signed) => {
                statistics.columns(wanted, cells, signed, integer_sums).map(Cells::Signed)
            }
            (None, Kind::Unsigned) => {
                statistics.columns(wanted, cells, unsigned, integer_sums).map(Cells::Unsigned)
            }
            (None, Kind::Float) => statistics.columns(wanted, cells, floats, float_sums).map(Cells::Float),
            (None, Kind::Complex | Kind::Text) => Err("real values"),
        };
        let cells = filled.map_err(|name| ReduceError::Statistic { name })?;
        Ok(Partial::of_cells(self, task, region, cells))
    }
}

impl ChunkStatistics {
    /// The columns as they are; the name of the statistic that does not fit otherwise.
    fn columns<X: Wide>(
        &self,
        wanted: &Wanted,
        cells: usize,
        extremes: impl Fn(&Values) -> Option<Vec<X>>,
        sums: impl Fn(&Values) -> Option<X::Sums>,
    ) -> Result<Columns<X>, &'static str> {
        if self.count.len() != cells {
            return Err("count");
        }
        let given = |values: &Option<Values>| values.clone().filter(|values| values.len() == cells);
        let mut columns = Columns::new(wanted, cells);
        columns.count.clone_from(&self.count);
        // Cells without values keep what an empty cell has, whatever stands for nothing on the wire.
        for (column, name, values) in
            [(&mut columns.min, "min", &self.min), (&mut columns.max, "max", &self.max)]
        {
            if column.is_empty() {
                continue;
            }
            let values = given(values).and_then(|values| extremes(&values)).ok_or(name)?;
            let filled = column.iter_mut().zip(values).zip(&self.count).filter(|(_, count)| **count > 0);
            filled.for_each(|((column, value), _)| *column = value);
        }
        if wanted.sum {
            columns.sum = Some(given(&self.sum).and_then(|values| sums(&values)).ok_or("sum")?);
        }
        Ok(columns)
    }

    /// The columns of unpacked values: extremes change places where the scale is negative.
    fn unpacked(
        &self,
        wanted: &Wanted,
        cells: usize,
        packing: &Packing,
    ) -> Result<Columns<f64>, &'static str> {
        let unpack = |values: &Option<Values>| {
            let values = real(values.as_ref()?)?.into_iter().map(|x| packing.unpack(x)).collect();
            Some(Values::Float(values))
        };
        let (mut min, mut max) = (unpack(&self.min), unpack(&self.max));
        if packing.scale() < 0.0 {
            std::mem::swap(&mut min, &mut max);
        }
        let sum = self.sum.as_ref().and_then(real).map(|sums| {
            let pairs = sums.into_iter().zip(&self.count);
            pairs.map(|(sum, &count)| sum * packing.scale() + count as f64 * packing.offset()).collect()
        });
        let count = self.count.clone();
        Self { count, min, max, sum: sum.map(Values::Float) }.columns(wanted, cells, floats, float_sums)
    }
}

fn signed(values: &Values) -> Option<Vec<i64>> {
    if let Values::Signed(values) = values { Some(values.clone()) } else { None }
}

fn unsigned(values: &Values) -> Option<Vec<u64>> {
    match values {
        Values::Unsigned(values) => Some(values.clone()),
        Values::Bool(values) => Some(values.iter().map(|&truth| truth.into()).collect()),
        _ => None,
    }
}

fn floats(values: &Values) -> Option<Vec<f64>> {
    if let Values::Float(values) = values { Some(values.clone()) } else { None }
}

fn integer_sums(values: &Values) -> Option<Vec<i128>> {
    match values {
        Values::Signed(values) => Some(values.iter().map(|&x| x.into()).collect()),
        Values::Unsigned(values) => Some(values.iter().map(|&x| x.into()).collect()),
        _ => None,
    }
}

fn float_sums(values: &Values) -> Option<FloatSums> {
    floats(values).map(|hi| FloatSums { lo: vec![0.0; hi.len()], hi })
}

/// Real numbers of any type as floats.
fn real(values: &Values) -> Option<Vec<f64>> {
    match values {
        Values::Signed(values) => Some(values.iter().map(|&x| x as f64).collect()),
        Values::Unsigned(values) => Some(values.iter().map(|&x| x as f64).collect()),
        Values::Float(values) => Some(values.clone()),
        Values::Bool(_) | Values::Complex(_) | Values::Text(_) => None,
    }
}
