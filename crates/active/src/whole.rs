//! Whole variables as weights, masks and labels of groups need them: each element by the rules of a reduction.

use rangefold_array::Hyperslab;
use rangefold_reduce::{AxisMap, Outcome, ReduceSpec, Reduction};
use rangefold_refs::ManifestArray;
use rangefold_store::ReferenceStore;

use crate::plans::{Plans, Refusal};
use crate::query::Values;
use crate::run::{Limits, run_plans};

/// Elements, or places of several axes, that are held at the most: a map of the Earth in cells of a hundredth of a degree.
pub(crate) const ELEMENTS_MAX: u64 = 1 << 30;

/// What `reduction` makes of every single element of the array at `path`, in row-major order: missing ones, whose count
/// is 0, are those that netCDF4-python masks, and packed ones are unpacked.
///
/// # Errors
///
/// Why not, with all causes.
pub(crate) async fn each(
    store: &ReferenceStore,
    path: &str,
    array: &ManifestArray,
    reduction: Reduction,
) -> Result<Outcome, String> {
    let shape = array.meta.shape();
    check_count(shape.iter().copied())?;
    let spec = ReduceSpec::new(vec![reduction], vec![AxisMap::Keep; shape.len()]);
    let plans =
        Plans::new(array, &Hyperslab::all(shape), &spec, Values::Unpacked).map_err(
            |refusal| match refusal {
                Refusal::Meaning(error) => error.to_string(),
                Refusal::Plan(error) => error.to_string(),
            },
        )?;
    let answer = run_plans(store, path, &plans, Limits::default(), &|_, _| {}).await;
    let outcomes = answer.map_err(|error| causes(&error))?.outcomes;
    let outcome = outcomes.into_iter().next().ok_or_else(|| "it has no values".to_owned())?;
    outcome.map_err(|error| causes(&error))
}

/// Refuses more than [`ELEMENTS_MAX`] combinations of so many positions along each axis.
pub(crate) fn check_count(lengths: impl Iterator<Item = u64>) -> Result<(), String> {
    let count = lengths.map(u128::from).fold(1, u128::saturating_mul);
    match count <= ELEMENTS_MAX.into() {
        true => Ok(()),
        false => Err(format!("{count} values would be held, and at most {ELEMENTS_MAX} are")),
    }
}

/// An error and what it stems from, in one line.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
