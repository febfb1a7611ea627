//! Files that a file names: those with its raw data and the sources of its virtual datasets.
//!
//! A name counts from the folder of the file that names it. So does HDF5 for virtual datasets, after other places that it
//! can be told of. For raw data it does if its prefix is `${ORIGIN}`; if it is told nothing, it looks in the folder that the reading
//! program happens to run in, which means nothing here. Absolute names mean a place on the writer's machine and are refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use object_store::path::{Path, PathPart};
use object_store::{ObjectStore, ObjectStoreExt as _};
use rangefold_refs::Source;

use crate::ScanError;
use crate::time::rfc3339;

/// Files with raw data that are looked at. HDF5 writers use a handful.
const EXTERNAL_FILES_MAX: usize = 256;

/// Characters that names in URLs or object stores cannot have as they are.
const RESERVED: &[char] =
    &['%', '?', '#', '*', '[', ']', '{', '}', '"', '<', '>', '|', '~', '\\', '^', '`', ':'];

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// What references to it say.
    pub(crate) url: String,
    /// Its path in the store.
    pub(crate) path: Path,
}

impl Place {
    /// Where the file is that this one calls `name`.
    ///
    /// # Errors
    ///
    /// The reason, if that cannot be said.
    pub(crate) fn beside(&self, name: &str) -> Result<Self, String> {
        if name.starts_with('/') {
            return Err("its name is an absolute path".to_owned());
        }
        let remote = self.url.contains("://");
        let unusual =
            |c: char| c.is_control() || RESERVED.contains(&c) || (remote && (c == ' ' || !c.is_ascii()));
        if name.contains(unusual) || name.is_empty() || (remote && self.url.contains('?')) {
            return Err("its name cannot be made part of a URL".to_owned());
        }
        let mut url: Vec<&str> = self.url.split('/').collect();
        let mut path: Vec<PathPart<'_>> = self.path.parts().collect();
        // The scheme, nothing, and the host or bucket.
        let fixed = if remote { 3 } else { 0 };
        url.pop();
        path.pop();
        for segment in name.split('/') {
            match segment {
                "" | "." => {}
                ".." => {
                    if path.pop().is_none() || url.len() <= fixed || url.pop().is_none() {
                        return Err("its name leads out of the store".to_owned());
                    }
                }
                _ => {
                    url.push(segment);
                    path.push(PathPart::from(segment));
                }
            }
        }
        Ok(Self { url: url.join("/"), path: path.into_iter().collect() })
    }

    /// Where the file is that an external link of this one calls `name`.
    ///
    /// An absolute name means a place on the writer's machine. HDF5 then looks for the last part of the name beside the
    /// file.
    ///
    /// # Errors
    ///
    /// The reason, if that cannot be said.
    pub(crate) fn linked(&self, name: &str) -> Result<Self, String> {
        let drive = name.get(1..3).is_some_and(|start| start == ":\\" || start == ":/");
        let absolute = drive || name.starts_with(['/', '\\']);
        let last = || name.rsplit(['/', '\\']).next().unwrap_or(name);
        self.beside(if absolute { last() } else { name })
    }
}

/// A file with raw data.
#[derive(Clone, Debug)]
pub(crate) struct External {
    /// What references to it say.
    pub(crate) url: Arc<str>,
    /// Its length in bytes.
    pub(crate) size: u64,
    /// What else is known of it.
    pub(crate) source: Source,
}

/// Files with raw data by the names they are called, or why there is none.
pub(crate) type Externals = BTreeMap<String, Result<External, String>>;

/// Looks at the files that `place` calls `names`, one request each.
///
/// # Errors
///
/// [`ScanError::Neighbour`] if the store fails other than by not having a file.
pub(crate) async fn externals(
    store: &dyn ObjectStore,
    place: &Place,
    names: BTreeSet<String>,
) -> Result<Externals, ScanError> {
    let mut found = Externals::new();
    for (count, name) in names.into_iter().enumerate() {
        let file = if count < EXTERNAL_FILES_MAX {
            external(store, place, &name).await?
        } else {
            Err(format!("more than {EXTERNAL_FILES_MAX} files hold raw data"))
        };
        found.insert(name, file);
    }
    Ok(found)
}

async fn external(
    store: &dyn ObjectStore,
    place: &Place,
    name: &str,
) -> Result<Result<External, String>, ScanError> {
    let there = match place.beside(name) {
        Ok(there) => there,
        Err(reason) => return Ok(Err(reason)),
    };
    let meta = match store.head(&there.path).await {
        Ok(meta) => meta,
        Err(object_store::Error::NotFound { .. }) => return Ok(Err(format!("{} is not there", there.url))),
        Err(source) => {
            return Err(ScanError::Neighbour { url: place.url.clone(), neighbour: there.url, source });
        }
    };
    let source = Source {
        size: Some(meta.size),
        etag: meta.e_tag,
        last_modified: Some(rfc3339(meta.last_modified.into())),
    };
    Ok(Ok(External { url: there.url.into(), size: meta.size, source }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beside(url: &str, path: &str, name: &str) -> Result<(String, String), String> {
        let place = Place { url: url.to_owned(), path: Path::parse(path).unwrap() };
        place.beside(name).map(|place| (place.url, place.path.to_string()))
    }

    #[test]
    fn names_count_from_the_folder_of_the_file() {
        let found = |url: &str, path: &str| Ok((url.to_owned(), path.to_owned()));
        assert_eq!(beside("s3://b/x/a.h5", "x/a.h5", "./c.bin"), found("s3://b/x/c.bin", "x/c.bin"));
        assert_eq!(beside("s3://b/x/a.h5", "x/a.h5", "../y/c.bin"), found("s3://b/y/c.bin", "y/c.bin"));
        assert_eq!(beside("/data/a.h5", "data/a.h5", "c d.bin"), found("/data/c d.bin", "data/c d.bin"));
        assert_eq!(beside("a.h5", "a.h5", "c.bin"), found("c.bin", "c.bin"));
    }

    #[test]
    fn absolute_names_of_links_mean_files_beside() {
        let place = Place { url: "s3://b/x/a.h5".to_owned(), path: Path::parse("x/a.h5").unwrap() };
        for name in ["/gpfs/run 1/c.h5", "C:\\data\\c.h5", "c.h5", "./c.h5"] {
            assert_eq!(place.linked(name).map(|place| place.url), Ok("s3://b/x/c.h5".to_owned()), "{name}");
        }
        assert!(place.linked("..\\c.h5").is_err() && place.linked("/data/").is_err());
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["/etc/passwd", "../../c.bin", "c?.bin", "http://h/c", "", "c d.bin", "..\\c.bin"] {
            assert!(beside("s3://b/x/a.h5", "x/a.h5", name).is_err(), "{name}");
        }
        // The references shall point at a bucket of less depth than the store has.
        assert!(beside("s3://b/a.h5", "x/a.h5", "../c.bin").is_err());
        assert!(beside("https://h/x/a.h5?key=1", "x/a.h5", "c.bin").is_err());
    }
}
