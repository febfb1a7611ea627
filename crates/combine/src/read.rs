//! Reading what joining needs, and comparing what must be the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use rangefold_array::{Hyperslab, Values};
use rangefold_cf::Instant;
use rangefold_codec::Decoder;
use rangefold_refs::{ManifestArray, NodePath, Reference, ReferenceSet};
use rangefold_store::{ChunkProblem, FetchOptions, ReferenceStore, Resolve, STRINGS_MAX};

use crate::content::Content;
use crate::content::Contents;
use crate::input_array::InputArray;
use crate::join_plan::{JoinPlan, Method, kept};
use crate::meaning::{same_meaning, times_of};
use crate::numbers;
use crate::objects::{Stale, url_of};
use crate::roles::Roles;
use crate::room;
use crate::{CombineError, Error, Tolerance};

/// A variable of one input, to be read as a whole.
struct Wanted<'a> {
    input: usize,
    name: &'a str,
    path: &'a str,
    array: &'a ManifestArray,
    /// The objects it refers to that have changed since.
    stale: Option<&'a Stale>,
}

/// Reads variables one after the other, as many requests at once as the store allows, and gives each to `visit` with
/// its place in the order.
async fn read_each(
    store: &ReferenceStore,
    wanted: &[Wanted<'_>],
    mut visit: impl FnMut(usize, Content) -> Result<(), Error>,
) -> Result<(), Error> {
    // The stream owns what it fetches, so the references are drawn once more for their numbers.
    let references: Vec<Reference> =
        wanted.iter().flat_map(|wanted| wanted.chunks().map(|(_, reference)| reference)).collect();
    let mut fetched = store.fetch(references);
    let mut decoder = Decoder::new();
    for (place, wanted) in wanted.iter().enumerate() {
        let whole = Hyperslab::all(wanted.array.meta.shape());
        let touching = wanted.array.meta.grid.touching(&whole);
        let mut assembler = room::assembler(wanted.array, &whole).map_err(|reason| wanted.refused(reason))?;
        for (number, _) in wanted.chunks() {
            let outcome = fetched.next().await.map(|(_, outcome)| outcome);
            let bytes = match outcome {
                Some(Ok(bytes)) => bytes,
                Some(Err(source)) => {
                    return Err(Error::Fetch {
                        variable: wanted.path.to_owned(),
                        input: wanted.name.to_owned(),
                        number,
                        source,
                    });
                }
                None => return Err(wanted.refused(format!("chunk {number} was not fetched")).into()),
            };
            if let Some((_, chunk)) = touching.find(number) {
                assembler
                    .put(&chunk, &bytes, &mut decoder)
                    .map_err(|problem| wanted.failed(number, problem))?;
            }
        }
        visit(place, Content::of(assembler.finish(), &wanted.array.meta.data_type))?;
    }
    Ok(())
}

impl Wanted<'_> {
    /// The chunks that can be read. Those of objects that have changed since are replaced, as has been found, and hold
    /// nothing.
    fn chunks(&self) -> impl Iterator<Item = (u64, Reference)> + '_ {
        let is_stale = |reference: &Reference| {
            self.stale.is_some_and(|stale| url_of(reference).is_some_and(|url| stale.contains_key(url)))
        };
        self.array.manifest.iter().filter(move |(_, reference)| !is_stale(reference))
    }

    fn refused(&self, reason: String) -> CombineError {
        CombineError::Variable { variable: self.path.to_owned(), input: self.name.to_owned(), reason }
    }

    fn failed(&self, number: u64, problem: ChunkProblem) -> Error {
        match problem {
            ChunkProblem::Decode(source) => {
                Error::Decode { variable: self.path.to_owned(), input: self.name.to_owned(), number, source }
            }
            ChunkProblem::Strings(reason) => self.refused(format!("chunk {number}: {reason}")).into(),
        }
    }
}

/// Reads variables of inputs that are not in `contents` yet.
pub(crate) async fn read(
    store: &ReferenceStore,
    roles: &Roles<'_>,
    reads: &BTreeSet<(usize, NodePath)>,
    contents: &mut Contents,
) -> Result<(), Error> {
    let wanted: Vec<Wanted<'_>> = reads
        .iter()
        .filter(|key| !contents.contains_key(*key))
        .filter_map(|(input, path)| {
            let from = roles.inputs.get(*input)?;
            let array = from.references.arrays.get(path)?;
            let stale = roles.objects.stale(*input, array.manifest.urls());
            Some(Wanted { input: *input, name: &from.name, path, array, stale })
        })
        .collect();
    read_each(store, &wanted, |place, content| {
        if let Some(wanted) = wanted.get(place) {
            contents.insert((wanted.input, wanted.path.to_owned()), content);
        }
        Ok(())
    })
    .await
}

/// Compares the values of every variable that must be the same in every input.
pub(crate) async fn compare_shared(
    store: &ReferenceStore,
    roles: &Roles<'_>,
    plan: &JoinPlan<'_>,
) -> Result<(), Error> {
    for (path, method) in &plan.methods {
        let Method::Shared { arrays, .. } = method else { continue };
        let Some(first) = kept(arrays).next() else { continue };
        let tolerance = roles.spec.identical.get(*path).copied().unwrap_or_default();
        let units = |array: &InputArray<'_>| array.times.as_ref().map(|times| times.units);
        let alike =
            |array: &InputArray<'_>| same_bytes(array.stored, first.stored) && units(array) == units(first);
        let others = arrays.iter().filter(|array| array.input != first.input && !alike(array));
        let compared: Vec<&InputArray<'_>> = std::iter::once(first).chain(others).collect();
        let wanted: Vec<Wanted<'_>> = compared
            .iter()
            .map(|array| Wanted {
                input: array.input,
                name: array.name,
                path,
                array: array.stored,
                stale: None,
            })
            .collect();
        if wanted.len() < 2 {
            continue;
        }
        let mut expected = None;
        read_each(store, &wanted, |place, content| {
            let Some(expected) = &expected else {
                expected = Some(content);
                return Ok(());
            };
            let (Some(wanted), Some(array)) = (wanted.get(place), compared.get(place)) else { return Ok(()) };
            if same_meaning((first, Some(expected)), (array, Some(&content))) {
                return Ok(());
            }
            let difference = if units(first) == units(array) {
                compare(first, expected, &content, tolerance)
            } else {
                other_dates(first, expected, array, &content)
            };
            match difference {
                None => Ok(()),
                Some(difference) => Err(Error::from(CombineError::Values {
                    variable: wanted.path.to_owned(),
                    first: first.name.to_owned(),
                    second: wanted.name.to_owned(),
                    difference,
                })),
            }
        })
        .await?;
    }
    Ok(())
}

/// Whether the references alone tell that two arrays hold the same.
fn same_bytes(a: &ManifestArray, b: &ManifestArray) -> bool {
    a.meta.codecs == b.meta.codecs
        && a.meta.grid == b.meta.grid
        && a.meta.order == b.meta.order
        && a.manifest.len() == b.manifest.len()
        && a.manifest.iter().zip(b.manifest.iter()).all(|(a, b)| a == b)
}

impl Tolerance {
    /// Whether integers that differ by so much count as the same.
    fn covers(self, difference: u64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "a tolerance is a float")]
        let difference = difference as f64;
        match self {
            Self::Exact => difference == 0.0,
            Self::Absolute(limit) => difference <= limit,
        }
    }
}

fn compare(
    first: &InputArray<'_>,
    expected: &Content,
    found: &Content,
    tolerance: Tolerance,
) -> Option<String> {
    let data_type = &first.stored.meta.data_type;
    let numbers = |content: &Content| match content {
        Content::Bytes(bytes) => numbers::numbers(data_type, bytes),
        Content::Texts(_) => None,
    };
    match (numbers(expected), numbers(found)) {
        (Some(Values::Float(expected)), Some(Values::Float(found))) => {
            let limit = match tolerance {
                Tolerance::Exact => None,
                Tolerance::Absolute(limit) => Some(limit),
            };
            differing(&expected, &found, |a, b| {
                a.to_bits() == b.to_bits()
                    || limit
                        .is_some_and(|limit| (a - b).abs() <= limit || a == b || (a.is_nan() && b.is_nan()))
            })
        }
        (Some(Values::Signed(expected)), Some(Values::Signed(found))) => {
            differing(&expected, &found, |a, b| tolerance.covers(a.abs_diff(*b)))
        }
        (Some(Values::Unsigned(expected)), Some(Values::Unsigned(found))) => {
            differing(&expected, &found, |a, b| tolerance.covers(a.abs_diff(*b)))
        }
        _ => Some("their values differ".to_owned()),
    }
}

/// How two variables of times in different units differ.
fn other_dates(
    first: &InputArray<'_>,
    expected: &Content,
    array: &InputArray<'_>,
    found: &Content,
) -> Option<String> {
    let told = |array: &InputArray<'_>, content: &Content| -> Result<Vec<String>, String> {
        let calendar = array.times.as_ref().map(|times| times.units.calendar());
        let date = |instant: Option<Instant>| {
            let date = instant.zip(calendar).and_then(|(instant, calendar)| instant.date(calendar).ok());
            date.map_or_else(|| "missing".to_owned(), |date| date.to_string())
        };
        Ok(times_of(array, content)?.into_iter().map(date).collect())
    };
    match (told(first, expected), told(array, found)) {
        (Ok(expected), Ok(found)) => {
            let difference = differing(&expected, &found, |a, b| a == b);
            // The same dates are other days in another calendar.
            difference.or_else(|| Some("their calendars are not the same".to_owned()))
        }
        (Err(reason), _) | (_, Err(reason)) => Some(reason),
    }
}

/// The first element that is not the same.
fn differing<T: std::fmt::Display>(
    expected: &[T],
    found: &[T],
    same: impl Fn(&T, &T) -> bool,
) -> Option<String> {
    let element = expected.iter().zip(found).position(|(a, b)| !same(a, b))?;
    let (a, b) = (expected.get(element)?, found.get(element)?);
    Some(format!("element {element} is {a} in the one and {b} in the other"))
}

/// Decodes chunks that two inputs hold in different bytes, and refuses what differs.
pub(crate) async fn verify(store: &ReferenceStore, plan: &JoinPlan<'_>) -> Result<(), Error> {
    let mut decoder = Decoder::new();
    for (placement, all) in plan.collisions()? {
        let references: Vec<Reference> =
            all.iter().flat_map(|verify| [verify.kept.1.clone(), verify.other.1.clone()]).collect();
        let mut fetched = store.fetch(references);
        for verify in &all {
            let index = placement.meta.grid.index(verify.number).unwrap_or_default();
            let mut decoded: Vec<Vec<u8>> = Vec::with_capacity(2);
            for (row, _) in [&verify.kept, &verify.other] {
                let name = placement.arrays.get(*row).map_or("", |array| array.name);
                let bytes: Bytes = match fetched.next().await {
                    Some((_, Ok(bytes))) => bytes,
                    Some((_, Err(source))) => {
                        return Err(Error::Fetch {
                            variable: placement.variable.to_owned(),
                            input: name.to_owned(),
                            number: verify.number,
                            source,
                        });
                    }
                    None => return Err(plan.overlapping(placement, verify).into()),
                };
                let codecs = &placement.meta.codecs;
                let outcome = match placement.meta.decoded_chunk_len(&index) {
                    Some(length) => {
                        decoder.decode(codecs, &bytes, usize::try_from(length).unwrap_or(usize::MAX))
                    }
                    None => decoder.decode_strings(codecs, &bytes, STRINGS_MAX),
                };
                let chunk = outcome.map_err(|source| Error::Decode {
                    variable: placement.variable.to_owned(),
                    input: name.to_owned(),
                    number: verify.number,
                    source,
                })?;
                decoded.push(chunk.to_vec());
            }
            if !matches!(decoded.as_slice(), [kept, other] if kept == other) {
                return Err(plan.overlapping(placement, verify).into());
            }
        }
    }
    Ok(())
}

/// A store over the objects of all inputs, which refuses those that changed since they were scanned.
pub(crate) fn objects_of(
    roles: &Roles<'_>,
    resolver: impl Resolve + 'static,
    options: FetchOptions,
) -> ReferenceStore {
    let set = ReferenceSet { sources: roles.objects.known.clone(), ..ReferenceSet::default() };
    ReferenceStore::with_options(Arc::new(set), resolver, options)
}
