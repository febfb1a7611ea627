//! Combining to several sets where the inputs do not fit together in one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rangefold_store::{FetchOptions, ReferenceStore, Resolve, aside_async};

use crate::combine::{check_whole, finish};
use crate::compare::{FILL_VALUE, Scope, properties};
use crate::content::Contents;
use crate::input::Input;
use crate::join_plan::{JoinPlan, is_small, values_scope};
use crate::read::{objects_of, read};
use crate::roles::{Role, Roles};
use crate::{CombineError, CombineSpec, Combined, Error, mark};

/// One of several combined sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// Numbers of the inputs it is made of, ascending.
    pub inputs: Vec<usize>,
    /// The set.
    pub combined: Combined,
}

/// As [`combine`](crate::combine()), but inputs that differ in data types, codecs, packing, units or chunk shapes, or
/// whose chunks do not meet, end in sets of their own: as few as taking one input after the other finds.
///
/// Values that must be the same and are not, overlaps and missing variables remain errors.
///
/// # Errors
///
/// As [`combine`](crate::combine()).
pub async fn combine_split(
    inputs: impl Into<Arc<[Input]>>,
    spec: &CombineSpec,
    resolver: impl Resolve + 'static,
    options: FetchOptions,
) -> Result<Vec<Piece>, Error> {
    let (inputs, spec) = (inputs.into(), spec.clone());
    aside_async(move || async move { split(&inputs, &spec, resolver, options).await }).await?
}

async fn split(
    inputs: &Arc<[Input]>,
    spec: &CombineSpec,
    resolver: impl Resolve + 'static,
    options: FetchOptions,
) -> Result<Vec<Piece>, Error> {
    check_whole(inputs, spec)?;
    let mut roles = Roles::new(inputs, (0..inputs.len()).collect(), spec)?;
    let store = objects_of(&roles, resolver, options);
    let mut contents = Contents::new();
    read(&store, &roles, &roles.label_reads(), &mut contents).await?;
    roles.settle(&contents);
    let mut pieces = Vec::new();
    let mut waiting: VecDeque<Vec<usize>> = alike(&roles).into();
    while let Some(members) = waiting.pop_front() {
        let (fitting, rest) = fitting(&roles, &contents, members)?;
        if !rest.is_empty() {
            waiting.push_back(rest);
        }
        pieces.push(piece(&store, &roles, &contents, fitting).await?);
    }
    pieces.sort_by(|a, b| a.inputs.cmp(&b.inputs));
    Ok(pieces)
}

async fn piece(
    store: &ReferenceStore,
    roles: &Roles<'_>,
    contents: &Contents,
    members: Vec<usize>,
) -> Result<Piece, Error> {
    let contents = subset(contents, &members);
    let mut roles = Roles::new(roles.all, members.clone(), roles.spec)?;
    roles.settle(&contents);
    let combined = finish(store, &roles, contents).await?.try_into()?;
    Ok(Piece { inputs: members, combined })
}

/// Groups inputs that have the same properties in every variable they share.
fn alike(roles: &Roles<'_>) -> Vec<Vec<usize>> {
    type Properties = Vec<(&'static str, String)>;
    let mut of_input: Vec<BTreeMap<&str, Properties>> = vec![BTreeMap::new(); roles.inputs.len()];
    for (&path, role) in &roles.variables {
        let (axes, scope) = match role {
            Role::Coordinate(_) => continue,
            Role::Shared => (&[][..], Scope::Values),
            Role::Joined(axes) => {
                let (lengths, packing) = (roles.spec.chunks, roles.spec.packing);
                (axes.as_slice(), Scope::Chunks { lengths, packing })
            }
        };
        let arrays = roles.arrays(path, axes);
        let of_values = values_scope(&arrays);
        for array in arrays {
            // Small variables are joined by value, whatever their chunks.
            let scope = if is_small(&array) { of_values } else { scope };
            if let Some(slot) = of_input.get_mut(array.input) {
                let mut properties = properties(&array, scope);
                // Zeros that some inputs are filled with stand beside what others have stored.
                let fill = properties
                    .iter_mut()
                    .filter(|(name, _)| *name == FILL_VALUE && mark::is_zero(array.stored));
                fill.for_each(|(_, value)| "none".clone_into(value));
                slot.insert(path, properties);
            }
        }
    }
    let mut groups: Vec<(Vec<usize>, BTreeMap<&str, Properties>)> = Vec::new();
    for (number, own) in of_input.into_iter().enumerate() {
        let fits = |known: &BTreeMap<&str, Properties>| {
            own.iter().all(|(path, properties)| known.get(path).is_none_or(|known| known == properties))
        };
        match groups.iter_mut().find(|(_, known)| fits(known)) {
            Some((members, known)) => {
                members.push(number);
                known.extend(own);
            }
            None => groups.push((vec![number], own)),
        }
    }
    groups.into_iter().map(|(members, _)| members).collect()
}

/// The members whose chunks meet, and those that were left out for it.
fn fitting(
    roles: &Roles<'_>,
    contents: &Contents,
    mut members: Vec<usize>,
) -> Result<(Vec<usize>, Vec<usize>), CombineError> {
    let mut rest = Vec::new();
    loop {
        let contents = subset(contents, &members);
        let mut subroles = Roles::new(roles.all, members.clone(), roles.spec)?;
        subroles.settle(&contents);
        let outcome = JoinPlan::new(&subroles, &contents).map(|_| ());
        match outcome {
            Ok(()) => break,
            Err(CombineError::Uneven { input, .. }) if members.len() > 1 => {
                let place = subroles.inputs.iter().position(|member| member.name == input).unwrap_or(0);
                rest.push(members.remove(place));
            }
            Err(error) => return Err(error),
        }
    }
    rest.sort_unstable();
    Ok((members, rest))
}

/// The values of some of the inputs, under their new numbers.
fn subset(contents: &Contents, members: &[usize]) -> Contents {
    let places: BTreeMap<usize, usize> = members.iter().copied().zip(0..).collect();
    contents
        .iter()
        .filter_map(|((input, path), content)| Some(((*places.get(input)?, path.clone()), content.clone())))
        .collect()
}
