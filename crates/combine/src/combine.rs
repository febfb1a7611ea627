//! Combining from beginning to end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rangefold_refs::{NodePath, ReferenceSet};
use rangefold_store::{FetchOptions, ReferenceStore, Resolve, aside_async};

use crate::content::Contents;
use crate::input::Input;
use crate::join_plan::JoinPlan;
use crate::read::{compare_shared, objects_of, read, verify};
use crate::result::Joined;
use crate::roles::Roles;
use crate::{CombineError, CombineSpec, Error};

/// A combined set.
#[derive(Clone, Debug, PartialEq)]
pub struct Combined {
    /// The references.
    pub references: ReferenceSet,
    /// Attributes left out because inputs differ: path of the variable, or of the group with a slash after it, and
    /// name of the attribute.
    pub dropped_attributes: BTreeSet<(String, String)>,
}

impl TryFrom<Joined> for Combined {
    type Error = Error;

    fn try_from(joined: Joined) -> Result<Self, Error> {
        let dropped_attributes = joined.dropped_attributes.clone();
        Ok(Self { references: joined.into_set()?, dropped_attributes })
    }
}

/// Combines inputs to one reference set.
///
/// What joining needs of the data, mainly coordinates, is read through `resolver`; inputs that hold it inline cause no
/// request. The same inputs in any order give the same set, unless the order is asked for ([`Sort::Given`],
/// [`Overlap::First`], [`Overlap::Last`]); and so do inputs that are combined in batches whose results are then
/// combined. To add to a combined set, give it as an [`Input::combined`] among the others: what it holds already
/// changes nothing.
///
/// Joining takes place on a thread of its own ([`rangefold_store::aside_async`]), so that it keeps no worker of a runtime
/// busy, and ends at its next request when the future is dropped. Inputs given as a vector are moved; those in an `Arc`
/// are shared.
///
/// [`Sort::Given`]: crate::Sort::Given
/// [`Overlap::First`]: crate::Overlap::First
/// [`Overlap::Last`]: crate::Overlap::Last
///
/// # Errors
///
/// [`Error::Combine`] wherever joining would be wrong, with the inputs at fault; [`Error::Fetch`] and
/// [`Error::Decode`] if what is needed cannot be read; [`Error::Stopped`] if the runtime is shut down meanwhile.
pub async fn combine(
    inputs: impl Into<Arc<[Input]>>,
    spec: &CombineSpec,
    resolver: impl Resolve + 'static,
    options: FetchOptions,
) -> Result<Combined, Error> {
    let (inputs, spec) = (inputs.into(), spec.clone());
    aside_async(move || async move { join_all(&inputs, &spec, resolver, options).await?.try_into() }).await?
}

/// As [`combine`], but the references of the result still stand in the inputs: for results that should not be in memory as
/// a whole. [`rangefold_store::save`] draws them while it writes.
///
/// # Errors
///
/// As [`combine`].
pub async fn join(
    inputs: impl Into<Arc<[Input]>>,
    spec: &CombineSpec,
    resolver: impl Resolve + 'static,
    options: FetchOptions,
) -> Result<Joined, Error> {
    let (inputs, spec) = (inputs.into(), spec.clone());
    aside_async(move || async move { join_all(&inputs, &spec, resolver, options).await }).await?
}

async fn join_all(
    inputs: &Arc<[Input]>,
    spec: &CombineSpec,
    resolver: impl Resolve + 'static,
    options: FetchOptions,
) -> Result<Joined, Error> {
    check_whole(inputs, spec)?;
    let mut roles = Roles::new(inputs, (0..inputs.len()).collect(), spec)?;
    let store = objects_of(&roles, resolver, options);
    let mut contents = Contents::new();
    read(&store, &roles, &roles.label_reads(), &mut contents).await?;
    roles.settle(&contents);
    finish(&store, &roles, contents).await
}

/// Refuses inputs of which there is nothing, or not everything.
pub(crate) fn check_whole(inputs: &[Input], spec: &CombineSpec) -> Result<(), CombineError> {
    for input in inputs {
        let Input { name, references, combined: _ } = input;
        if references.arrays.is_empty() && references.unreadable.is_empty() {
            return Err(CombineError::NoVariables { input: name.clone() });
        }
        if !references.lost.is_empty() && !spec.allow_damaged {
            return Err(CombineError::Damaged {
                input: name.clone(),
                lost: references.lost_lines().collect::<Vec<_>>().join("; "),
            });
        }
    }
    Ok(())
}

/// What the inputs have lost, by path, with who has lost it.
pub(crate) fn lost(inputs: &[&Input]) -> BTreeMap<NodePath, String> {
    let mut lost: BTreeMap<NodePath, String> = BTreeMap::new();
    for input in inputs {
        for (path, reason) in &input.references.lost {
            // What was combined before names its inputs already.
            let told = if input.combined { reason.clone() } else { format!("{}: {reason}", input.name) };
            match lost.get_mut(path) {
                Some(before) => *before = format!("{before}; {told}"),
                None => {
                    lost.insert(path.clone(), told);
                }
            }
        }
    }
    lost
}

/// Joins once the labels have been read.
pub(crate) async fn finish<'p>(
    store: &ReferenceStore,
    roles: &'p Roles<'p>,
    mut contents: Contents,
) -> Result<Joined, Error> {
    let plan = JoinPlan::new(roles, &contents)?;
    compare_shared(store, roles, &plan).await?;
    verify(store, &plan).await?;
    read(store, roles, &plan.reads(), &mut contents).await?;
    Ok(plan.join(&contents)?)
}
