//! `cargo xtask layers`: the dependencies between crates, checked against `cargo metadata`.
//!
//! What matters is less which arrows there are than which must never be: nothing on the read side reaches the HDF5
//! parser, and no C HDF5 or netCDF library is anywhere in the build. Development dependencies are free.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::workspace::{Outcome, metadata, report};

/// Each crate (by folder) and the crates of the workspace it may depend on directly. `crates/README.md` repeats this
/// table with a line about each; `cargo xtask tidy` compares the two.
pub(crate) const ARROWS: &[(&str, &[&str])] = &[
    ("array", &[]),
    ("cf", &["array", "refs"]),
    ("refs", &["array"]),
    ("hdf5", &[]),
    ("scan", &["array", "cf", "refs", "hdf5", "codec"]),
    ("codec", &["array"]),
    ("storage", &[]),
    ("store", &["array", "refs", "storage", "codec"]),
    ("combine", &["array", "cf", "refs", "codec", "store"]),
    ("reduce", &["array"]),
    ("active", &["array", "cf", "refs", "codec", "store", "reduce"]),
    ("query", &["array", "cf", "refs", "storage", "store", "reduce", "active"]),
    ("output", &["array", "cf", "query"]),
    ("pipeline", &["refs", "scan", "combine", "store", "storage"]),
    ("server", &["array", "refs", "storage", "store", "reduce", "active"]),
    (
        "rangefold",
        &[
            "array", "cf", "refs", "hdf5", "scan", "codec", "storage", "store", "combine", "reduce",
            "active", "query", "output", "pipeline",
        ],
    ),
    ("cli", &["rangefold", "server"]),
    ("testkit", &[]),
];

/// Crates that answer reads: they follow references and must not be able to parse HDF5.
const READ_SIDE: &[&str] = &[
    "array", "cf", "refs", "codec", "storage", "store", "combine", "reduce", "active", "query", "output",
    "server",
];

/// Direct dependencies a crate must not have, and why.
const DIRECT_BANS: &[(&[&str], &[&str], &str)] = &[
    (
        &["array", "cf", "refs", "codec", "reduce", "output"],
        &["object_store", "tokio"],
        "is pure: no I/O and no async",
    ),
    (&["hdf5"], &["serde", "serde_json"], "returns plain values; others serialise them"),
    (
        &[
            "array",
            "cf",
            "refs",
            "hdf5",
            "scan",
            "codec",
            "storage",
            "store",
            "combine",
            "reduce",
            "active",
            "query",
            "output",
            "pipeline",
            "rangefold",
        ],
        &["tracing-subscriber"],
        "is a library: the program chooses where logs go",
    ),
];

/// Packages that bring the C libraries, or wrap them.
const FORBIDDEN: &[&str] = &["hdf5", "hdf5-sys", "hdf5-src", "hdf5-derive", "hdf5-types", "hidefix"];
const FORBIDDEN_PREFIXES: &[&str] = &["hdf5-metno", "netcdf", "libhdf5", "libnetcdf"];

/// Checks every rule of this module.
///
/// # Errors
///
/// If one is broken.
pub(crate) fn check() -> Outcome {
    report("layers", &problems(&Graph::new(&metadata()?)))
}

/// The resolved packages and who depends on whom, development dependencies left out.
struct Graph {
    /// Package name by package id.
    names: BTreeMap<String, String>,
    /// Ids of what a package needs to be built and to run, by package id.
    needs: BTreeMap<String, Vec<String>>,
    /// Name and id of the members of the workspace.
    members: BTreeMap<String, String>,
}

impl Graph {
    fn new(metadata: &Value) -> Self {
        let names: BTreeMap<String, String> = list(&metadata["packages"])
            .map(|package| (text(&package["id"]), text(&package["name"])))
            .collect();
        let needs = list(&metadata["resolve"]["nodes"])
            .map(|node| {
                (
                    text(&node["id"]),
                    list(&node["deps"]).filter(|dep| needed(dep)).map(|dep| text(&dep["pkg"])).collect(),
                )
            })
            .collect();
        let members = list(&metadata["workspace_members"])
            .filter_map(|id| Some((names.get(id.as_str()?)?.clone(), text(id))))
            .collect();
        Self { names, needs, members }
    }

    /// The names of what `id` depends on directly.
    fn direct(&self, id: &str) -> impl Iterator<Item = &str> {
        self.needs.get(id).into_iter().flatten().filter_map(|id| self.names.get(id)).map(String::as_str)
    }

    /// The way from `id` to the package called `target`, both included, if there is one.
    fn path(&self, id: &str, target: &str) -> Option<Vec<&str>> {
        let mut seen = BTreeSet::from([id]);
        let mut waiting = vec![(id, Vec::new())];
        while let Some((id, mut path)) = waiting.pop() {
            let name = self.names.get(id)?.as_str();
            path.push(name);
            if name == target {
                return Some(path);
            }
            for next in self.needs.get(id).into_iter().flatten() {
                if seen.insert(next) {
                    waiting.push((next, path.clone()));
                }
            }
        }
        None
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Whether a dependency is more than a development dependency.
fn needed(dependency: &Value) -> bool {
    list(&dependency["dep_kinds"]).any(|kind| kind["kind"].as_str() != Some("dev"))
}

/// The folder of a crate of ours, from its package name.
fn folder(package: &str) -> &str {
    package.strip_prefix("rangefold-").unwrap_or(package)
}

/// The package name of a crate of ours, from its folder.
fn package(folder: &str) -> String {
    if folder == "rangefold" { folder.to_owned() } else { format!("rangefold-{folder}") }
}

fn problems(graph: &Graph) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, id) in &graph.members {
        let ours: Vec<&str> =
            graph.direct(id).filter(|name| graph.members.contains_key(*name)).map(folder).collect();
        let allowed = match ARROWS.iter().find(|(folder, _)| package(folder) == *name) {
            Some((_, allowed)) => *allowed,
            None if name == "xtask" => &[],
            None => {
                problems.push(format!("crate {name} is not in the table of xtask/src/layers.rs"));
                continue;
            }
        };
        for unexpected in ours.iter().filter(|name| !allowed.contains(name)) {
            problems.push(format!("{} must not depend on {unexpected}", folder(name)));
        }
    }
    for folder in READ_SIDE {
        let id = graph.members.get(&package(folder));
        if let Some(path) = id.and_then(|id| graph.path(id, "rangefold-hdf5")) {
            problems.push(format!(
                "{folder} is on the read side but reaches the HDF5 parser: {}",
                path.join(" -> ")
            ));
        }
    }
    for (folders, banned, why) in DIRECT_BANS {
        for (folder, id) in
            folders.iter().filter_map(|folder| Some((folder, graph.members.get(&package(folder))?)))
        {
            for found in graph.direct(id).filter(|name| banned.contains(name)) {
                problems.push(format!("{folder} depends on {found}, but it {why}"));
            }
        }
    }
    for name in graph.names.values() {
        if FORBIDDEN.contains(&name.as_str())
            || FORBIDDEN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        {
            problems.push(format!("{name} is in the build: no C HDF5 or netCDF library may be"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A workspace from `(package, is member, normal dependencies, development dependencies)`.
    fn found(packages: &[(&str, bool, &[&str], &[&str])]) -> Vec<String> {
        let dependency =
            |kind: Value| move |name: &&str| json!({"pkg": name, "dep_kinds": [{"kind": kind.clone()}]});
        let nodes: Vec<Value> = packages
            .iter()
            .map(|(name, _, normal, dev)| {
                let normal = normal.iter().map(dependency(Value::Null));
                json!({"id": name, "deps": normal.chain(dev.iter().map(dependency(json!("dev")))).collect::<Vec<_>>()})
            })
            .collect();
        let listed: Vec<Value> =
            packages.iter().map(|(name, ..)| json!({"id": name, "name": name})).collect();
        let members: Vec<&str> =
            packages.iter().filter(|package| package.1).map(|package| package.0).collect();
        problems(&Graph::new(
            &json!({"packages": listed, "resolve": {"nodes": nodes}, "workspace_members": members}),
        ))
    }

    #[test]
    fn allowed_arrows_and_development_dependencies_pass() {
        assert_eq!(
            found(&[
                ("rangefold-array", true, &[], &[]),
                ("rangefold-hdf5", true, &[], &["rangefold-testkit"]),
                ("rangefold-codec", true, &["rangefold-array"], &["rangefold-hdf5", "tokio"]),
                ("rangefold-testkit", true, &[], &[]),
                ("tokio", false, &[], &[]),
            ]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn an_arrow_that_is_not_in_the_table_is_named() {
        let problems = found(&[
            ("rangefold-array", true, &[], &[]),
            ("rangefold-hdf5", true, &["rangefold-array"], &[]),
        ]);
        assert_eq!(problems, ["hdf5 must not depend on array"]);
    }

    #[test]
    fn an_unknown_crate_is_an_error() {
        assert_eq!(
            found(&[("rangefold-new", true, &[], &[])]),
            ["crate rangefold-new is not in the table of xtask/src/layers.rs"]
        );
    }

    #[test]
    fn reaching_the_parser_through_a_third_crate_is_found() {
        let problems = found(&[
            ("rangefold-reduce", true, &["third"], &[]),
            ("third", false, &["rangefold-hdf5"], &[]),
            ("rangefold-hdf5", true, &[], &[]),
        ]);
        assert_eq!(
            problems,
            [
                "reduce is on the read side but reaches the HDF5 parser: rangefold-reduce -> third -> rangefold-hdf5"
            ]
        );
    }

    #[test]
    fn io_in_a_pure_crate_and_a_c_library_anywhere_are_found() {
        let problems = found(&[
            ("rangefold-reduce", true, &["tokio"], &[]),
            ("tokio", false, &[], &[]),
            ("hdf5-metno-sys", false, &[], &[]),
        ]);
        assert_eq!(
            problems,
            [
                "reduce depends on tokio, but it is pure: no I/O and no async",
                "hdf5-metno-sys is in the build: no C HDF5 or netCDF library may be"
            ]
        );
    }
}
