//! From the root group along hard links to every object.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::future::poll_fn;
use std::sync::Mutex;
use std::task::Poll;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::{Context, header, lock, object};
use crate::error::{Error, Problem};
use crate::format::cursor::widen;
use crate::limits::GROUP_DEPTH_MAX;
use crate::model::{Attribute, Group, Link, LinkTarget, Object, ObjectError};
use crate::value::{Reference, Value};

/// Every object of a file.
pub(crate) struct Graph {
    /// By object header address.
    pub(crate) objects: BTreeMap<u64, Object>,
    /// What could not be read, in path order.
    pub(crate) errors: Vec<ObjectError>,
}

/// What was read so far.
#[derive(Default)]
struct Progress {
    objects: BTreeMap<u64, Object>,
    errors: Vec<(u64, Option<String>, Error)>,
    /// Objects whose chunk index was not wanted under the path they were met under.
    unwanted: Vec<u64>,
}

impl Progress {
    fn take_in(&mut self, address: u64, result: Result<object::Found, Error>) {
        match result {
            Ok(found) => {
                self.errors.extend(found.errors.into_iter().map(|(name, error)| (address, name, error)));
                self.objects.insert(address, found.object);
            }
            Err(error) => self.errors.push((address, None, error)),
        }
    }

    /// A group is listed whole or not at all, but its children are read as soon as they are met.
    fn forget_unreached(&mut self, paths: &HashMap<u64, Vec<String>>) {
        self.objects.retain(|address, _| paths.contains_key(address));
        self.errors.retain(|(address, _, _)| paths.contains_key(address));
    }
}

/// An object that a link leads to.
struct Child {
    path: String,
    address: u64,
    depth: usize,
}

/// Reads every object that hard links reach from the root.
pub(crate) async fn read(cx: &Context<'_>) -> Graph {
    let mut progress = Progress::default();
    let mut depth_errors = Vec::new();
    let mut known = HashSet::new();
    let children = Mutex::new(vec![Child { path: "/".to_owned(), address: cx.root, depth: 0 }]);
    let mut reading = FuturesUnordered::new();
    let read = async |Child { path, address, depth }| {
        let wanted = cx.options.includes(&path);
        let on_link = |link: &Link| {
            if let LinkTarget::Hard { address } = link.target {
                header::hint(cx, address);
                let path = join(&path, &link.name);
                lock(&children).push(Child { path, address, depth: depth.saturating_add(1) });
            }
        };
        let result = object::read(cx, address, wanted, &on_link).await;
        (address, wanted, result)
    };
    loop {
        for child in std::mem::take(&mut *lock(&children)) {
            if child.depth > GROUP_DEPTH_MAX {
                let error = too_deep(child.address);
                depth_errors.push(ObjectError { path: child.path, attribute: None, error });
            } else if known.insert(child.address) {
                reading.push(read(child));
            }
        }
        if reading.is_empty() {
            break;
        }
        // Ends without an object if a group that is still being read has named more children.
        let next = poll_fn(|task| match reading.poll_next_unpin(task) {
            Poll::Pending if !lock(&children).is_empty() => Poll::Ready(None),
            polled => polled,
        });
        if let Some((address, wanted, result)) = next.await {
            if !wanted {
                progress.unwanted.push(address);
            }
            progress.take_in(address, result);
        }
    }
    drop(reading);
    let paths = paths(cx.root, &progress.objects);
    progress.forget_unreached(&paths);
    read_aliased(cx, &mut progress, &paths).await;
    finish(progress, &paths, depth_errors)
}

fn hard_links(group: &Group) -> impl Iterator<Item = (&str, u64)> {
    group.links.iter().filter_map(|link| match link.target {
        LinkTarget::Hard { address } => Some((link.name.as_str(), address)),
        _ => None,
    })
}

fn too_deep(address: u64) -> Error {
    let limit = widen(GROUP_DEPTH_MAX);
    Problem::Limit { what: "the depth of groups", limit, found: limit.saturating_add(1) }.at("group", address)
}

fn join(group: &str, name: &str) -> String {
    if group == "/" { format!("/{name}") } else { format!("{group}/{name}") }
}

/// The paths of every object that a link reaches, the first one found breadth first in front.
fn paths(root: u64, objects: &BTreeMap<u64, Object>) -> HashMap<u64, Vec<String>> {
    let mut paths = HashMap::from([(root, vec!["/".to_owned()])]);
    let mut groups = VecDeque::from([(root, "/".to_owned())]);
    while let Some((address, path)) = groups.pop_front() {
        let Some(Object::Group(group)) = objects.get(&address) else { continue };
        let mut links: Vec<_> = hard_links(group).collect();
        links.sort_unstable();
        for (name, child) in links {
            let child_path = join(&path, name);
            let known = paths.entry(child).or_default();
            known.push(child_path.clone());
            if known.len() == 1 {
                groups.push_back((child, child_path));
            }
        }
    }
    paths
}

/// Reads the chunk indexes of datasets that are wanted under another path than the one they were first met under.
async fn read_aliased(cx: &Context<'_>, progress: &mut Progress, paths: &HashMap<u64, Vec<String>>) {
    let wanted = |address: &u64| {
        paths.get(address).is_some_and(|paths| paths.iter().any(|path| cx.options.includes(path)))
    };
    let unread: HashSet<u64> = progress.unwanted.drain(..).filter(wanted).collect();
    progress.errors.retain(|(address, _, _)| !unread.contains(address));
    let found =
        futures::future::join_all(unread.iter().map(|address| object::read(cx, *address, true, &|_| ())))
            .await;
    for (address, result) in unread.into_iter().zip(found) {
        progress.take_in(address, result);
    }
}

/// Writes paths into objects, references and errors.
fn finish(progress: Progress, paths: &HashMap<u64, Vec<String>>, mut errors: Vec<ObjectError>) -> Graph {
    let Progress { mut objects, errors: failed, .. } = progress;
    for (address, object) in &mut objects {
        let mut own = paths.get(address).cloned().unwrap_or_default().into_iter();
        let first = own.next().unwrap_or_default();
        let (path, aliases, attributes) = match object {
            Object::Group(group) => (&mut group.path, &mut group.aliases, &mut group.attributes),
            Object::Dataset(dataset) => (&mut dataset.path, &mut dataset.aliases, &mut dataset.attributes),
            Object::Datatype(datatype) => {
                (&mut datatype.path, &mut datatype.aliases, &mut datatype.attributes)
            }
        };
        *path = first;
        *aliases = own.collect();
        for Attribute { value, .. } in attributes {
            name_references(value, paths);
        }
    }
    errors.extend(failed.into_iter().map(|(address, attribute, error)| ObjectError {
        path: paths.get(&address).and_then(|paths| paths.first()).cloned().unwrap_or_default(),
        attribute,
        error,
    }));
    errors.sort_by(|a, b| {
        (&a.path, &a.attribute, a.error.address).cmp(&(&b.path, &b.attribute, b.error.address))
    });
    Graph { objects, errors }
}

/// Writes the paths of objects into references to them.
fn name_references(value: &mut Value, paths: &HashMap<u64, Vec<String>>) {
    match value {
        Value::References(references) => {
            for Reference { address, path, .. } in references.iter_mut().flatten() {
                *path = paths.get(address).and_then(|paths| paths.first()).cloned();
            }
        }
        Value::Sequences(values) => values.iter_mut().for_each(|value| name_references(value, paths)),
        Value::Compound(fields) => {
            fields.iter_mut().for_each(|field| name_references(&mut field.value, paths))
        }
        _ => {}
    }
}
