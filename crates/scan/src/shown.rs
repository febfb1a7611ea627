//! What variables are called as netCDF shows them.

use rangefold_array::node_path;

/// What netCDF puts before the name of a variable that has the name of a dimension but does not lie on it.
pub(crate) const NON_COORDINATE: &str = "_nc4_non_coord_";

/// The path by which a caller knows the dataset at `path` of the file.
pub(crate) fn shown_path(path: &str) -> String {
    let path = path.trim_start_matches('/');
    let (group, name) = path.rsplit_once('/').unwrap_or(("", path));
    node_path::join(group, name.strip_prefix(NON_COORDINATE).unwrap_or(name))
}
