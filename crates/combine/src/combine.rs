//! Combining from beginning to end.

use std::collections::{BTreeMap, BTreeSet};

use rangefold_refs::{NodePath, ReferenceSet};
use rangefold_store::{FetchOptions, ReferenceStore, Resolve};

use crate::content::Contents;
use crate::join_plan::JoinPlan;
use crate::read::{compare_shared, objects_of, read, verify};
use crate::result::Joined;
use crate::roles::{Input, Roles};
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

impl TryFrom<Joined<'_>> for Combined {
    type Error = Error;

    fn try_from(joined: Joined<'_>) -> Result<Self, Error> {
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
/// [`Sort::Given`]: crate::Sort::Given
/// [`Overlap::First`]: crate::Overlap::First
/// [`Overlap::Last`]: crate::Overlap::Last
///
/// # Errors
///
/// [`Error::Combine`] wherever joining would be wrong, with the inputs at fault; [`Error::Fetch`] and
/// [`Error::Decode`] if what is needed cannot be read.
pub async fn combine(
    inputs: &[Input],
    spec: &CombineSpec,
    resolver: impl Resolve + 'static,
    options: FetchOptions,
) -> Result<Combined, Error> {
    combine_with(inputs, spec, resolver, options, |joined| joined.try_into()).await
}

/// As [`combine`], but gives the result to `write` while its references still stand in the inputs: for results that
/// should not be in memory as a whole.
///
/// # Errors
///
/// As [`combine`], and those of `write`.
pub async fn combine_with<T, E: From<Error>>(
    inputs: &[Input],
    spec: &CombineSpec,
    resolver: impl Resolve + 'static,
    options: FetchOptions,
    write: impl FnOnce(Joined<'_>) -> Result<T, E>,
) -> Result<T, E> {
    check_whole(inputs, spec).map_err(Error::from)?;
    let all: Vec<&Input> = inputs.iter().collect();
    let mut roles = Roles::new(all, spec).map_err(Error::from)?;
    let store = objects_of(&roles, resolver, options);
    let mut contents = Contents::new();
    read(&store, &roles, &roles.label_reads(), &mut contents).await?;
    roles.settle(&contents);
    let joined = finish(&store, &roles, contents).await?;
    write(joined)
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
) -> Result<Joined<'p>, Error> {
    let plan = JoinPlan::new(roles, &contents)?;
    compare_shared(store, roles, &plan).await?;
    verify(store, &plan).await?;
    read(store, roles, &plan.reads(), &mut contents).await?;
    Ok(plan.join(&contents)?)
}
