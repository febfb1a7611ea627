//! Whole variables as weights, masks and labels of groups need them: each element by the rules of a reduction.

use rangefold_array::{AxisChunks, AxisRange, Hyperslab, chain};
use rangefold_reduce::{Answered, AxisMap, Outcome, ReduceSpec, Reduction};
use rangefold_refs::ManifestArray;
use rangefold_store::ReferenceStore;

use crate::budget::Budget;
use crate::fold::number;
use crate::interpretation::Interpretation;
use crate::limits::{Limits, Statistics};
use crate::plans::PlansByPart;
use crate::resources::Resources;
use crate::run::run_plans;
use crate::run_error::RunError;

/// Elements, or places of several axes, that are held at the most: a map of the Earth in cells of a hundredth of a degree.
const ELEMENTS_MAX: u64 = 1 << 30;

/// What `reduction` makes of every single element of the array at `path`, in row-major order: missing ones, whose count
/// is 0, are those that netCDF4-python masks, and packed ones are unpacked.
///
/// # Errors
///
/// Why not, with all causes.
pub async fn each(
    store: &ReferenceStore,
    path: &str,
    array: &ManifestArray,
    reduction: Reduction,
    resources: &Resources,
) -> Result<Outcome, String> {
    let shape = array.meta.shape();
    check_count(shape.iter().copied())?;
    let spec = ReduceSpec::new(vec![reduction], vec![AxisMap::Keep; shape.len()]);
    let plans = PlansByPart::new(array, &Hyperslab::all(shape), &spec, Interpretation::Unpacked)
        .map_err(|refusal| chain(&refusal))?;
    let answer = run_shared(store, path, &plans, resources.limits().memory, resources).await;
    let (outcomes, _) = answer.map_err(|error| chain(&error))?;
    let outcome = outcomes.into_iter().next().ok_or_else(|| "it has no values".to_owned())?;
    outcome.map_err(|error| chain(&error))
}

/// Runs `plans` with a share of the resources, of which no more than `memory` is used.
async fn run_shared(
    store: &ReferenceStore,
    path: &str,
    plans: &PlansByPart,
    memory: u64,
    resources: &Resources,
) -> Result<(Vec<Answered>, Statistics), RunError> {
    let limits = Limits { memory: memory.min(resources.limits().memory), ..resources.limits() };
    let needed = Budget::new(plans, true, limits, store.options()).memory;
    let share = resources.share(needed).await;
    let share = share.within(share.limits.memory.min(limits.memory));
    run_plans(store, path, plans, &share, &|_, _| {}).await
}

/// Cells of a part of [`numbers`], at the least.
const PART_CELLS: u64 = 1 << 18;

/// As [`each`], as real numbers: NaN where an element is missing. Read part by part, so that little more than the numbers is
/// held; `memory` bounds them.
///
/// # Errors
///
/// Why not, with all causes.
pub async fn numbers(
    store: &ReferenceStore,
    path: &str,
    array: &ManifestArray,
    reduction: Reduction,
    memory: u64,
    resources: &Resources,
) -> Result<Vec<f64>, String> {
    let shape = array.meta.shape();
    check_count(shape.iter().copied())?;
    let cells = shape.iter().fold(1_u64, |n, &length| n.saturating_mul(length));
    let needed = cells.saturating_mul(size_of::<f64>() as u64);
    if needed > memory {
        return Err(format!("its {cells} values take {needed} bytes of memory, and {memory} may be used"));
    }
    let spec = ReduceSpec::new(vec![reduction], vec![AxisMap::Keep; shape.len()]);
    let mut numbers = Vec::with_capacity(usize::try_from(cells).unwrap_or(0));
    for selection in parts(array, memory / PART_SHARE / PART_CELL_BYTES) {
        let plans = PlansByPart::new(array, &selection, &spec, Interpretation::Unpacked)
            .map_err(|refusal| chain(&refusal))?;
        let answer = run_shared(store, path, &plans, memory / PART_SHARE, resources).await;
        let (outcomes, _) = answer.map_err(|error| chain(&error))?;
        let outcome = outcomes.into_iter().next().ok_or_else(|| "it has no values".to_owned())?;
        let outcome = outcome.map_err(|error| chain(&error))?;
        let value = |i| if outcome.count.get(i) > Some(&0) { number(&outcome.values, i) } else { f64::NAN };
        numbers.extend((0..outcome.count.len()).map(value));
    }
    Ok(numbers)
}

/// The share of the memory that a part of [`numbers`] and the chunks it comes from may take.
const PART_SHARE: u64 = 2;
/// Bytes that a cell takes while it is read.
const PART_CELL_BYTES: u64 = 64;

/// The whole array in parts along its first axis that end where chunks do and have about `cells` cells, or a row of chunks.
fn parts(array: &ManifestArray, cells: u64) -> impl Iterator<Item = Hyperslab> {
    let shape = array.meta.shape().to_vec();
    let first = shape.first().copied().unwrap_or(1);
    let row = shape.iter().skip(1).fold(1_u64, |n, &length| n.saturating_mul(length)).max(1);
    let chunk = match array.meta.grid.axes().first() {
        Some(AxisChunks::Regular { length }) => *length,
        Some(AxisChunks::Listed { bounds }) => bounds.get(1).copied().unwrap_or(1),
        None => 1,
    };
    let rows = (cells.max(PART_CELLS) / row / chunk.max(1)).max(1).saturating_mul(chunk.max(1));
    (0..first.div_ceil(rows)).filter_map(move |part| {
        let start = part * rows;
        let axes = shape.iter().enumerate().map(|(axis, &length)| match axis {
            0 => AxisRange::new(start, 1, rows.min(length - start), length),
            _ => Some(AxisRange::all(length)),
        });
        Some(Hyperslab::from_axes(axes.collect::<Option<Vec<_>>>()?))
    })
}

/// Refuses more than 2^30 combinations of so many positions along each axis.
///
/// # Errors
///
/// Both numbers.
pub fn check_count(lengths: impl Iterator<Item = u64>) -> Result<(), String> {
    let count = lengths.map(u128::from).fold(1, u128::saturating_mul);
    match count <= ELEMENTS_MAX.into() {
        true => Ok(()),
        false => Err(format!("{count} values would be held, and at most {ELEMENTS_MAX} are")),
    }
}
