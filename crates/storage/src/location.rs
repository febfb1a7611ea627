//! A URL taken apart without losing a character.
//!
//! ```text
//! s3://bucket/a/b c?d#e%20f        key of an object: everything behind the first slash, as it is
//! https://host:8080/a/b%20c?sig=x  path of a URL: percent-decoded; the query is kept apart
//! /data/a b.nc  data/a.nc          local paths, made absolute
//! ```

use std::fmt;
use std::path::{Component, PathBuf};

use object_store::path::Path;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::error::StorageError;

/// What has to be encoded in the path of an HTTP URL for it to be read back as the same path.
const PATH_ENCODE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'%');

/// What kind of store a URL names. Several spellings (`s3a`, `gcs`, `abfs`, ...) are one kind.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Scheme {
    /// A local file.
    File,
    /// Kept in the memory of this process.
    Memory,
    /// Amazon S3, or a server that speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Gs,
    /// Azure Blob Storage.
    Azure,
    /// A plain web server, unencrypted.
    Http,
    /// A plain web server.
    Https,
}

impl Scheme {
    fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "file" | "local" => Self::File,
            "memory" => Self::Memory,
            "s3" | "s3a" | "s3n" => Self::S3,
            "gs" | "gcs" => Self::Gs,
            "az" | "azure" | "adl" | "abfs" | "abfss" => Self::Azure,
            "http" => Self::Http,
            "https" => Self::Https,
            _ => return None,
        })
    }

    /// Whether the store is a plain web server.
    #[must_use]
    pub fn is_web(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Memory => "memory",
            Self::S3 => "s3",
            Self::Gs => "gs",
            Self::Azure => "az",
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

/// Where something is: a scheme, a bucket or host, and a key in it. `Display` writes it as a URL, without its query.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct Location {
    scheme: Scheme,
    authority: String,
    key: String,
    query: Option<String>,
}

impl Location {
    /// Takes a URL or a local path apart.
    ///
    /// Keys of S3, Google and Azure are taken as they stand, `?`, `#` and `%` included. The path of an HTTP URL is percent-decoded, and
    /// what follows its first `?` is the query. `file://` URLs are not decoded, as `fsspec` does not. A relative path is resolved against
    /// the current folder.
    ///
    /// # Errors
    ///
    /// [`StorageError::Url`] for an unknown scheme, a missing bucket, a user name in the URL, or a chain (`simplecache::...`);
    /// [`StorageError::Local`] if a path leads back (`..`) out of a folder that is not there.
    pub fn parse(url: &str) -> Result<Self, StorageError> {
        let refused = |reason: &str| Err(StorageError::url(url, reason));
        if url.is_empty() {
            return refused("it is empty");
        }
        let Some((scheme, rest)) = split_scheme(url) else {
            if url.split("://").next().is_some_and(|before| before.len() < url.len() && before.contains("::"))
            {
                return refused("chained URLs are not supported; name the file itself");
            }
            return Self::local(url);
        };
        let Some(scheme) = Scheme::parse(scheme) else {
            let known = "file, memory, s3, gs, az, http and https";
            return refused(&format!("the scheme {scheme:?} is not known; known are {known}"));
        };
        match scheme {
            Scheme::File => match rest.strip_prefix("localhost").unwrap_or(rest) {
                path if path.starts_with('/') => Self::local(path),
                _ => refused("a file URL has three slashes and an absolute path: file:///folder/file"),
            },
            Scheme::Memory => Ok(Self::new(scheme, "", rest.trim_start_matches('/'))),
            Scheme::S3 | Scheme::Gs | Scheme::Azure => {
                let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
                check_authority(scheme, bucket).map_err(|reason| StorageError::url(url, reason))?;
                Ok(Self::new(scheme, bucket, key))
            }
            Scheme::Http | Scheme::Https => {
                let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
                check_authority(scheme, host).map_err(|reason| StorageError::url(url, reason))?;
                let (path, query) = match path.split_once('?') {
                    Some((path, query)) => (path, Some(query.to_owned())),
                    None => (path, None),
                };
                let path = path.strip_prefix('/').unwrap_or(path);
                if path.to_ascii_lowercase().contains("%2f") {
                    return refused("an encoded slash (%2F) in a path cannot be told from a slash");
                }
                let Ok(key) = percent_decode_str(path).decode_utf8() else {
                    return refused("its path is not UTF-8 when percent-decoded");
                };
                Ok(Self { query, ..Self::new(scheme, host, &key) })
            }
        }
    }

    /// The place a rule speaks of: a URL or path, or `scheme://*` for all of them.
    pub(crate) fn pattern(text: &str) -> Result<Self, StorageError> {
        match split_scheme(text) {
            Some((scheme, "*" | "*/")) => match Scheme::parse(scheme) {
                Some(scheme) => Ok(Self::new(scheme, "*", "")),
                None => Self::parse(text),
            },
            _ => Self::parse(text),
        }
    }

    /// The URL of a server.
    ///
    /// # Errors
    ///
    /// [`StorageError::Url`] unless it begins with `http://` or `https://` and names a host.
    pub fn endpoint(url: &str) -> Result<Self, StorageError> {
        // A host with a port and no scheme would pass for a local path.
        match split_scheme(url).and_then(|(scheme, _)| Scheme::parse(scheme)) {
            Some(scheme) if scheme.is_web() => Self::parse(url),
            _ => Err(StorageError::url(url, "an endpoint begins with https:// or http://")),
        }
    }

    /// How references name the object at `url`: as it was given, but a local path absolute, and the query of a web address,
    /// which often holds a signature, left out as `?...`.
    ///
    /// # Errors
    ///
    /// As [`Location::parse`].
    pub fn reference_url(url: &str) -> Result<String, StorageError> {
        let location = Self::parse(url)?;
        Ok(match location.scheme() {
            Scheme::File => location.key().to_owned(),
            Scheme::Http | Scheme::Https => location.to_string(),
            Scheme::Memory | Scheme::S3 | Scheme::Gs | Scheme::Azure => url.to_owned(),
        })
    }

    /// Whether two URLs lead to one place, however they are spelt: local links are followed, and a slash at the end makes
    /// no difference. A URL that cannot be understood leads nowhere.
    #[must_use]
    pub fn is_same_place(a: &str, b: &str) -> bool {
        let place = |url: &str| {
            let trimmed = if url.len() > 1 { url.trim_end_matches('/') } else { url };
            let Self { scheme, authority, key, query: _ } = Self::parse(trimmed).ok()?;
            let real = (scheme == Scheme::File).then(|| std::fs::canonicalize(&key).ok()).flatten();
            let key = real.and_then(|path| path.to_str().map(str::to_owned)).unwrap_or(key);
            Some((scheme, authority, key))
        };
        place(a).is_some_and(|place_of_a| place(b).is_some_and(|place_of_b| place_of_b == place_of_a))
    }

    fn new(scheme: Scheme, authority: &str, key: &str) -> Self {
        Self { scheme, authority: authority.to_owned(), key: key.to_owned(), query: None }
    }

    fn local(path: &str) -> Result<Self, StorageError> {
        let not_found = |source| StorageError::Local { path: PathBuf::from(path), source };
        let mut absolute = std::path::absolute(path).map_err(not_found)?;
        // What `..` means behind a symbolic link is known to the file system alone.
        let components: Vec<Component> = absolute.components().collect();
        if let Some(last) = components.iter().rposition(|component| *component == Component::ParentDir) {
            let leading: PathBuf = components.iter().take(last + 1).collect();
            let trailing: PathBuf = components.iter().skip(last + 1).collect();
            absolute = leading.canonicalize().map_err(not_found)?.join(trailing);
        }
        match absolute.to_str() {
            Some(key) => Ok(Self::new(Scheme::File, "", key)),
            None => Err(StorageError::url(path, "it leads through a folder whose name is not Unicode")),
        }
    }

    /// What kind of store.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The bucket, the container (`container@account` for some Azure URLs), or the host with its port. Empty for local files and memory.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The key in the bucket, the decoded path on the host without its first slash, or the absolute local path.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The query of an HTTP URL; it often holds a signature, so do not print it.
    pub(crate) fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// The same place with another beginning: `key` without `from`'s key, below `to`.
    pub(crate) fn moved(&self, from: &Self, to: &Self) -> Self {
        let rest = self
            .key
            .strip_prefix(from.key.trim_end_matches('/'))
            .unwrap_or(&self.key)
            .trim_start_matches('/');
        let base = to.key.trim_end_matches('/');
        let key = match (base.is_empty(), rest.is_empty()) {
            (true, _) if to.scheme != Scheme::File => rest.to_owned(),
            (_, true) => base.to_owned(),
            _ => format!("{base}/{rest}"),
        };
        Self { scheme: to.scheme, authority: to.authority.clone(), key, query: self.query.clone() }
    }

    /// Whether this is `prefix` or lies below it; whole path segments count, so `a/bc` is not below `a/b`.
    pub(crate) fn is_below(&self, prefix: &Self) -> bool {
        let key = prefix.key.trim_end_matches('/');
        self.scheme == prefix.scheme
            && (self.authority == prefix.authority || prefix.authority == "*")
            && self
                .key
                .strip_prefix(key)
                .is_some_and(|rest| key.is_empty() || rest.is_empty() || rest.starts_with('/'))
    }

    /// The key as [`object_store`] addresses it. A slash at the end is dropped: it marks a folder.
    ///
    /// # Errors
    ///
    /// [`StorageError::Url`] if the key cannot be addressed: an empty segment (`//`), a `.` or `..` segment, a control character, or a
    /// local file whose name ends in `#` and digits. Another object would be read in its place.
    pub fn path(&self) -> Result<Path, StorageError> {
        let refused = |reason: String| StorageError::url(&self.to_string(), reason);
        if self.scheme == Scheme::File {
            let path = Path::from_absolute_path(&self.key).map_err(|error| refused(error.to_string()))?;
            if let Some((_, digits)) = path.filename().and_then(|name| name.split_once('#'))
                && !digits.is_empty()
                && digits.bytes().all(|byte| byte.is_ascii_digit())
            {
                return Err(refused(
                    "names ending in # and digits are used for files being written; rename it".to_owned(),
                ));
            }
            return Ok(path);
        }
        if self.key.starts_with('/') {
            return Err(refused("its key begins with a slash, which cannot be addressed".to_owned()));
        }
        let path = Path::parse(&self.key).map_err(|error| match error {
            object_store::path::Error::EmptySegment { .. } => {
                refused("its key has an empty segment (//), which cannot be addressed".to_owned())
            }
            object_store::path::Error::BadSegment { source, .. } => {
                refused(format!("its key has a segment that cannot be addressed: {source}"))
            }
            other => refused(other.to_string()),
        })?;
        Ok(path)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, authority, key, query } = self;
        match scheme {
            Scheme::File => f.write_str(key),
            Scheme::Memory => write!(f, "memory://{key}"),
            Scheme::Http | Scheme::Https => {
                write!(f, "{scheme}://{authority}/{}", utf8_percent_encode(key, PATH_ENCODE))?;
                if query.is_some() { f.write_str("?...") } else { Ok(()) }
            }
            Scheme::S3 | Scheme::Gs | Scheme::Azure => write!(f, "{scheme}://{authority}/{key}"),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

/// Splits `scheme://rest` if what stands before `://` can be a scheme at all.
fn split_scheme(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let mut characters = scheme.chars();
    let starts = characters.next().is_some_and(|first| first.is_ascii_alphabetic());
    (starts && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')))
        .then_some((scheme, rest))
}

fn check_authority(scheme: Scheme, authority: &str) -> Result<(), String> {
    let what = if scheme.is_web() { "host" } else { "bucket" };
    if authority.is_empty() {
        return Err(format!("it names no {what}"));
    }
    if authority.contains('@') && scheme != Scheme::Azure {
        return Err(
            "it holds a user name or password; credentials belong into rules or the environment".to_owned()
        );
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_:@[]".contains(c);
    match authority.chars().find(|&c| !allowed(c)) {
        Some(c) => Err(format!("a {what} name cannot hold {c:?}")),
        None => Ok(()),
    }
}
