//! The paths of a file: every group and dataset under every name by which a netCDF reader shows it.
//!
//! Hard links and soft links to one object are variables of their own, as in netCDF. A path that leads back into a
//! group it came from ends there.

use rangefold_array::node_path;
use rangefold_hdf5::model::{Dataset, File, Group, Link, LinkTarget, Object};

use crate::external_link::ExternalLink;
use crate::report::Skipped;
use crate::scale::is_dimension_only;
use crate::shown::NON_COORDINATE;

/// Groups nested deeper than this are not entered. netCDF writers nest a handful.
const DEPTH_MAX: usize = 64;

/// Paths that are listed. Hard links between groups can multiply paths without end; a real file has thousands.
const PATHS_MAX: usize = 1_000_000;

/// Names that stand for metadata in a Zarr store.
const RESERVED_NAMES: [&str; 4] = [".zarray", ".zattrs", ".zgroup", ".zmetadata"];

/// What is reached from the root group.
#[derive(Debug, Default)]
pub(crate) struct Tree<'a> {
    /// Groups, parents first, members in the order of the file's links.
    pub(crate) groups: Vec<Node<'a>>,
    /// Links that lead to nothing that can be shown.
    pub(crate) skipped: Vec<Skipped>,
    /// Links into other files.
    pub(crate) external: Vec<ExternalLink>,
    paths: usize,
}

/// A group under one of its paths.
#[derive(Debug)]
pub(crate) struct Node<'a> {
    /// Path without leading or trailing slash; the root is empty.
    pub(crate) path: String,
    /// The group.
    pub(crate) group: &'a Group,
    /// Datasets by name, in the order of the links.
    pub(crate) datasets: Vec<(&'a str, &'a Dataset)>,
}

impl<'a> Tree<'a> {
    /// Follows every link of `file`.
    pub(crate) fn new(file: &'a File) -> Self {
        let mut tree = Self::default();
        if let Some(root) = file.root() {
            tree.enter(file, root, String::new(), &mut Vec::new());
        }
        tree
    }

    /// Every variable: the path of its group, its own path as netCDF shows it, the dataset.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&str, String, &'a Dataset)> {
        self.groups.iter().flat_map(|node| {
            let variables = node.datasets.iter().filter(|(_, dataset)| !is_dimension_only(dataset));
            variables.map(|(name, dataset)| {
                (node.path.as_str(), node_path::join(&node.path, shown_name(name, &node.datasets)), *dataset)
            })
        })
    }

    fn enter(&mut self, file: &'a File, group: &'a Group, path: String, above: &mut Vec<u64>) {
        above.push(group.address);
        let at = self.groups.len();
        self.groups.push(Node { path: path.clone(), group, datasets: Vec::new() });
        for link in &group.links {
            let child = node_path::join(&path, &link.name);
            if RESERVED_NAMES.contains(&link.name.as_str()) {
                self.skip(child, "the name is reserved in a Zarr store".to_owned());
                continue;
            }
            let object = match follow(file, group, link) {
                Ok(Followed::Object(object)) => Some(object),
                Ok(Followed::Unread) => None,
                Ok(Followed::Outside { file, path }) => {
                    self.external.push(ExternalLink::new(child, &file, &path));
                    continue;
                }
                Err(reason) => {
                    self.skip(child, reason);
                    continue;
                }
            };
            if self.paths >= PATHS_MAX {
                self.skip(child, format!("the file has more than {PATHS_MAX} paths"));
                break;
            }
            self.paths += 1;
            match object {
                Some(Object::Dataset(dataset)) => {
                    if let Some(node) = self.groups.get_mut(at) {
                        node.datasets.push((&link.name, dataset));
                    }
                }
                Some(Object::Group(inner)) if above.contains(&inner.address) => {}
                Some(Object::Group(_)) if above.len() >= DEPTH_MAX => {
                    self.skip(child, format!("groups are nested deeper than {DEPTH_MAX}"));
                }
                Some(Object::Group(inner)) => self.enter(file, inner, child, above),
                Some(Object::Datatype(_)) | None => {}
            }
        }
        above.pop();
    }

    fn skip(&mut self, path: String, reason: String) {
        self.skipped.push(Skipped { path, reason });
    }
}

/// The name of a variable as netCDF shows it.
fn shown_name<'a>(name: &'a str, siblings: &[(&str, &Dataset)]) -> &'a str {
    match name.strip_prefix(NON_COORDINATE) {
        Some(shown)
            if !shown.is_empty()
                && siblings.iter().all(|(other, dataset)| *other != shown || is_dimension_only(dataset)) =>
        {
            shown
        }
        _ => name,
    }
}

/// What a link leads to.
enum Followed<'a> {
    /// An object of the file.
    Object(&'a Object),
    /// An object that could not be read: it is in [`File::errors`] already.
    Unread,
    /// An object of another file.
    Outside { file: String, path: String },
}

fn follow<'a>(file: &'a File, group: &Group, link: &Link) -> Result<Followed<'a>, String> {
    match &link.target {
        LinkTarget::Hard { address } => Ok(file.object(*address).map_or(Followed::Unread, Followed::Object)),
        LinkTarget::Soft { path } => {
            let absolute = absolute(group, path);
            let inside = file.get(&absolute).map(Followed::Object);
            inside
                .or_else(|| outside(file, &absolute, SOFT_LINK_HOPS_MAX))
                .ok_or_else(|| format!("a soft link to {path:?}, which leads nowhere"))
        }
        LinkTarget::External { file, path } => {
            Ok(Followed::Outside { file: file.clone(), path: path.clone() })
        }
        LinkTarget::UserDefined { class, .. } => Err(format!("a user-defined link of class {class}")),
    }
}

/// Soft links followed on the way to an external one. The library stops at 16 by default as well.
const SOFT_LINK_HOPS_MAX: usize = 16;

fn absolute(group: &Group, path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", group.path) }
}

/// Where the first external link on the way along `path` leads.
fn outside<'a>(file: &File, path: &str, hops: usize) -> Option<Followed<'a>> {
    let hops = hops.checked_sub(1)?;
    let mut group = file.root()?;
    let mut rest = path;
    loop {
        rest = rest.trim_start_matches('/');
        let name;
        (name, rest) = rest.split_once('/').unwrap_or((rest, ""));
        match &group.link(name)?.target {
            LinkTarget::Hard { address } => group = file.object(*address)?.as_group()?,
            LinkTarget::Soft { path } => {
                return outside(file, &format!("{}/{rest}", absolute(group, path)), hops);
            }
            LinkTarget::External { file, path } => {
                return Some(Followed::Outside { file: file.clone(), path: format!("{path}/{rest}") });
            }
            LinkTarget::UserDefined { .. } => return None,
        }
    }
}
