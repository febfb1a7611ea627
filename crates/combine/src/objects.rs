//! What is known of the objects of all inputs, and which inputs refer to one as it was before it changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use rangefold_refs::{Reference, Source};

use crate::input::Input;
use crate::{CombineError, Overlap};

/// The objects of all inputs.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    /// The state of each.
    pub(crate) known: BTreeMap<Arc<str>, Source>,
    /// For each input, the objects that it refers to in a state from before they changed, with the number of the input
    /// that knows them as they are.
    stale: BTreeMap<usize, Stale>,
}

/// Objects that have changed, with the number of the input that knows each as it is.
pub(crate) type Stale = BTreeMap<Arc<str>, usize>;

impl Objects {
    /// Objects have one state, unless the input given last is to win.
    ///
    /// # Errors
    ///
    /// [`CombineError::Changed`] for an object that two inputs know in different states.
    pub(crate) fn new(inputs: &[&Input], overlap: Overlap) -> Result<Self, CombineError> {
        let mut objects = Self::default();
        let mut holders: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (number, input) in inputs.iter().enumerate() {
            for (url, source) in &input.references.sources {
                let before = objects.known.get(url).filter(|before| *before != source);
                if let Some(before) = before {
                    let earlier = holders.get(url.as_ref()).cloned().unwrap_or_default();
                    if overlap != Overlap::Last {
                        let first = earlier.first().and_then(|&first| inputs.get(first));
                        return Err(CombineError::Changed {
                            url: url.to_string(),
                            first: first.map_or("", |input| &input.name).to_owned(),
                            second: input.name.clone(),
                            states: difference(before, source),
                        });
                    }
                    for holder in earlier {
                        objects.stale.entry(holder).or_default().insert(Arc::clone(url), number);
                    }
                    holders.remove(url.as_ref());
                }
                objects.known.insert(Arc::clone(url), source.clone());
                holders.entry(url).or_default().push(number);
            }
        }
        Ok(objects)
    }

    /// The changed objects that an input refers to, if an array of it does.
    pub(crate) fn stale(&self, input: usize, urls: &[Arc<str>]) -> Option<&Stale> {
        self.stale.get(&input).filter(|stale| urls.iter().any(|url| stale.contains_key(url)))
    }
}

/// What is different in two states of an object.
fn difference(before: &Source, after: &Source) -> String {
    let text = |value: Option<&String>| value.cloned().unwrap_or_else(|| "not known".to_owned());
    let size =
        |source: &Source| source.size.map_or_else(|| "of unknown size".to_owned(), |n| format!("{n} bytes"));
    let mut differences = Vec::new();
    if before.size != after.size {
        differences.push(format!("{} and then {}", size(before), size(after)));
    }
    let (old, new) = (before.last_modified.as_ref(), after.last_modified.as_ref());
    if old != new {
        differences.push(format!("last changed {} and then {}", text(old), text(new)));
    }
    let (old, new) = (before.etag.as_ref(), after.etag.as_ref());
    if old != new && differences.is_empty() {
        differences.push(format!("entity tag {} and then {}", text(old), text(new)));
    }
    differences.join(", ")
}

/// The object of a reference.
pub(crate) fn url_of(reference: &Reference) -> Option<&Arc<str>> {
    match reference {
        Reference::Inline(_) => None,
        Reference::Whole { url } | Reference::Range { url, .. } => Some(url),
    }
}
