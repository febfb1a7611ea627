//! Paths of groups and variables, without a leading slash: `ocean/thetao`.

/// `name` in `group`; the path of the root is empty.
///
/// ```
/// use rangefold_array::node_path;
///
/// assert_eq!((node_path::join("", "tas"), node_path::join("ocean", "thetao")), ("tas".into(), "ocean/thetao".into()));
/// ```
#[must_use]
pub fn join(group: &str, name: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{group}/{name}") }
}

/// The path of the group that holds what is at `path`.
///
/// ```
/// # use rangefold_array::node_path;
/// assert_eq!((node_path::parent("tas"), node_path::parent("a/b/tas")), ("", "a/b"));
/// ```
#[must_use]
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(group, _)| group)
}

/// The name of what is at `path` in its group.
///
/// ```
/// # use rangefold_array::node_path;
/// assert_eq!((node_path::leaf("tas"), node_path::leaf("a/b/tas")), ("tas", "tas"));
/// ```
#[must_use]
pub fn leaf(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// The rest of `path` after `top`; empty if they are the same, `None` if `path` is not at or below it.
#[must_use]
pub fn below<'a>(top: &str, path: &'a str) -> Option<&'a str> {
    if top.is_empty() {
        return Some(path);
    }
    let rest = path.strip_prefix(top)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}
