//! External links: objects of other files under names of this one.
//!
//! ```text
//! master.h5                                data_1.h5
//! /entry/data/data_000001 ──external──►    /entry/data/data        its references, under the name of the link
//! ```
//! The other file is scanned for what the link leads to, and its arrays and groups are put in place of the link. Axes that
//! have no dimension there get their made-up names here, where those of other files mean something else.

use std::collections::{BTreeMap, BTreeSet};

use rangefold_array::node_path;

use crate::Scan;
use crate::dimensions::{phony_name, phony_number};
use crate::external_link::ExternalLink;
use crate::report::{Skipped, Warning};
use crate::virtual_dataset::{SourceFile, SourceFiles, merge_sources};

/// Puts what external links lead to in their places. `files` holds what became of each file that they name.
pub(crate) fn graft(scan: &mut Scan, links: &[ExternalLink], files: &SourceFiles) {
    let mut grafted = BTreeSet::new();
    for link in links {
        let reason = match files.get(&link.file) {
            None => "which was not followed: nothing is known of other files".to_owned(),
            Some(SourceFile::Missing(url)) => format!("which is missing: {url} is not there"),
            Some(SourceFile::Unusable(reason)) => format!("which was not followed: {reason}"),
            Some(SourceFile::Scanned(other)) => match place(scan, link, other, &mut grafted) {
                Ok(true) => continue,
                Ok(false) => "which has no group or dataset of that name".to_owned(),
                Err(reason) => format!("which {reason}"),
            },
        };
        if link.selected {
            scan.skipped.push(link.skipped(&reason));
        }
    }
    name_axes(scan, &grafted);
    scan.skipped.sort();
    scan.skipped.dedup();
    scan.warnings.sort();
    scan.warnings.dedup();
}

/// Puts in place what `link` leads to; says whether there is anything.
fn place(
    scan: &mut Scan,
    link: &ExternalLink,
    other: &Scan,
    grafted: &mut BTreeSet<String>,
) -> Result<bool, String> {
    let mut found = false;
    let references = &other.references;
    let arrays =
        references.arrays.iter().filter_map(|(path, array)| Some((link.name_of(path)?, path, array)));
    for (name, path, array) in arrays {
        found = true;
        if scan.references.arrays.contains_key(&name) {
            continue;
        }
        scan.references.arrays.insert(name.clone(), array.clone());
        if other.extended.contains(path) {
            scan.extended.insert(name.clone());
        }
        grafted.insert(name);
    }
    if found {
        merge_sources(references, &mut scan.references.sources)?;
    }
    for (path, group) in &references.groups {
        if let Some(name) = link.name_of(path) {
            found = true;
            scan.references.groups.entry(name).or_insert_with(|| group.clone());
        }
    }
    for Skipped { path, reason } in &other.skipped {
        if let Some(path) = link.name_of(path) {
            found = true;
            scan.skipped.push(Skipped { path, reason: reason.clone() });
        }
    }
    let warnings = other.warnings.iter().filter_map(|Warning { path, message }| {
        Some(Warning { path: link.name_of(path)?, message: message.clone() })
    });
    scan.warnings.extend(warnings);
    Ok(found)
}

/// Gives names of this file to the axes of `grafted` arrays whose own names are made up or mean another length here.
fn name_axes(scan: &mut Scan, grafted: &BTreeSet<String>) {
    let mut next = 0;
    let mut lengths: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for (path, array) in scan.references.arrays.iter().filter(|(path, _)| !grafted.contains(*path)) {
        let known = lengths.entry(node_path::parent(path).to_owned()).or_default();
        for (name, length) in array.meta.dimension_names.iter().zip(array.meta.shape()) {
            next = next.max(phony_number(name).map_or(0, |number| number.saturating_add(1)));
            known.insert(name.clone(), *length);
        }
    }
    for path in grafted {
        let Some(array) = scan.references.arrays.get_mut(path) else { continue };
        let known = lengths.entry(node_path::parent(path).to_owned()).or_default();
        let shape = array.meta.shape().to_vec();
        let mut names: Vec<String> = Vec::with_capacity(shape.len());
        for (axis, (name, length)) in array.meta.dimension_names.iter().zip(&shape).enumerate() {
            let made_up = phony_number(name).is_some();
            let other = known.get(name).filter(|known| *known != length);
            if let (false, Some(other)) = (made_up, other) {
                let message = format!(
                    "axis {axis} lies on {name:?} in its own file, with length {length}, which has length {other} here: the axis gets a name of its own"
                );
                scan.warnings.push(Warning { path: path.clone(), message });
            }
            let name = if made_up || other.is_some() {
                let same = known.iter().find(|(name, known)| {
                    *known == length && phony_number(name).is_some() && !names.contains(name)
                });
                same.map(|(name, _)| name.clone()).unwrap_or_else(|| {
                    next += 1;
                    phony_name(next - 1)
                })
            } else {
                name.clone()
            };
            known.insert(name.clone(), *length);
            names.push(name);
        }
        array.meta.dimension_names = names;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_link_leads_to_is_named_under_it() {
        let link = ExternalLink::new("entry/one".to_owned(), "a.h5", "/entry/data");
        assert_eq!(link.name_of("entry/data").as_deref(), Some("entry/one"));
        assert_eq!(link.name_of("entry/data/x").as_deref(), Some("entry/one/x"));
        assert_eq!(link.name_of("entry/data_2"), None);
        assert!(link.meets("entry") && link.meets("entry/data/x") && !link.meets("entry/other"));
        let root = ExternalLink::new("one".to_owned(), "a.h5", "/");
        assert_eq!(root.name_of("x").as_deref(), Some("one/x"));
        assert_eq!(root.name_of("").as_deref(), Some("one"));
    }
}
