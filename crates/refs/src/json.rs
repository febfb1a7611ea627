//! kerchunk references as JSON, versions 0 and 1: read and written.
//!
//! ```json
//! {"version":1,"refs":{
//!   ".zgroup":"{\"zarr_format\":2}",
//!   "tas/.zarray":"{\"shape\":[…",
//!   "tas/0.0":["s3://bucket/a.nc",16384,2048],
//!   "tas/0.1":["s3://bucket/whole-object"],
//!   "crs/0":"base64:AAAAAA=="}}
//! ```
//! What is wrong with the document is an error; what is wrong with one array makes that array
//! [unreadable](ReferenceSet::unreadable) and leaves the others alone.
//!
//! Written are version 1 without templates, groups first, then each array with its metadata before its chunks in
//! ascending order; inlined data is always base64, so that no data can be taken for anything else. A set with an
//! array that Zarr v2 cannot describe (a rectilinear grid) is written as Zarr v3 as a whole, because readers open a
//! store in one version and would pass over the nodes of the other.
//!
//! Compatible implementations: fsspec `ReferenceFileSystem`, kerchunk, VirtualiZarr. Differs from fsspec: `gen` and
//! templates with arguments are always expanded, and without Jinja: names, numbers, texts, `+ - * / // %`, brackets
//! and calls mean what they mean in Python, all else (filters, statements) is refused. A key that stands twice is an
//! error.
//!
//! Spec: <https://fsspec.github.io/kerchunk/spec.html>

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use base64::Engine as _;
use bytes::Bytes;
use rangefold_array::{ByteRange, ChunkKey};

use crate::assemble::{ChunkEntry, Metadata, is_metadata, reference_set};
use crate::element::BASE64;
use crate::json_text::{JsonError, Kind, Reader, write_display, write_text, write_value};
use crate::template::Templates;
use crate::zarr_v2::{self, key};
use crate::zarr_v3;
use crate::{AttributeValue, ManifestArray, NodePath, Reference, ReferenceSet, RefsError, sources};

/// What marks an inlined text as base64.
const BASE64_PREFIX: &str = "base64:";

/// What a document leaves open.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions<'a> {
    /// The object that references without a URL mean.
    pub target: Option<&'a str>,
}

impl From<JsonError> for RefsError {
    fn from(error: JsonError) -> Self {
        Self::Syntax { expected: "JSON", problem: error.to_string() }
    }
}

/// Reads a document of version 0 or 1.
///
/// # Errors
///
/// [`RefsError`] if the document cannot be read: it is no JSON, of another version, has a key twice, or a template
/// or generator that cannot be expanded. What is wrong with one array stands in [`ReferenceSet::unreadable`].
pub fn read(bytes: &[u8]) -> Result<ReferenceSet, RefsError> {
    read_with(bytes, &ReadOptions::default())
}

/// As [`read`], with what the document leaves open.
///
/// # Errors
///
/// As [`read`].
pub fn read_with(bytes: &[u8], options: &ReadOptions<'_>) -> Result<ReferenceSet, RefsError> {
    read_stored(bytes, options).map(|stored| stored.set)
}

/// What a document holds, and how much it held when it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The set.
    pub set: ReferenceSet,
    /// References of each array when it was written; `None` if nothing says so, as with documents of others.
    pub references: Option<BTreeMap<NodePath, u64>>,
}

/// As [`read_with`], with what the document says of itself.
///
/// # Errors
///
/// As [`read`].
pub fn read_stored(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Stored, RefsError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| RefsError::Syntax { expected: "JSON", problem: error.to_string() })?;
    let document = Document::parse(text)?;
    let generated = document.templates.generate(&document.generators)?;
    let generated = generated.into_iter().map(|(key, reference)| (Cow::Owned(key), Ok(reference)));
    let mut resolver =
        Resolver { templates: &document.templates, target: options.target, urls: HashMap::new(), last: None };
    let chunks = document.entries.chunks.into_iter();
    let chunks = chunks.map(|(key, entry)| -> ChunkEntry<'_> { (key, resolver.reference(entry)) });
    let foreign = document.own.is_none();
    let mut set = reference_set(document.entries.metadata, chunks.chain(generated), foreign)?;
    let mut references = None;
    if let Some(mut own) = document.own {
        references = own.references.take();
        own.apply(&mut set);
    }
    Ok(Stored { set, references })
}

/// A value of `refs`, before templates are applied.
#[derive(Debug)]
enum Entry<'a> {
    Text(Cow<'a, str>),
    Value(AttributeValue),
    /// `[url]`.
    Whole(Option<Cow<'a, str>>),
    /// `[url, offset, length]`.
    Range(Option<Cow<'a, str>>, ByteRange),
    /// None of these, and why.
    Wrong(String),
}

/// A value that is none of those that may stand in `refs`.
fn no_entry<'a>() -> Entry<'a> {
    Entry::Wrong("is neither a text, an object, [url] nor [url, offset, length]".to_owned())
}

#[derive(Debug, Default)]
struct Entries<'a> {
    metadata: BTreeMap<Cow<'a, str>, Metadata<'a>>,
    chunks: Vec<(Cow<'a, str>, Entry<'a>)>,
}

#[derive(Debug, Default)]
struct Document<'a> {
    entries: Entries<'a>,
    templates: Templates,
    generators: AttributeValue,
    own: Option<sources::Own>,
}

impl<'a> Document<'a> {
    fn parse(text: &'a str) -> Result<Self, RefsError> {
        let mut reader = Reader::new(text);
        let mut document = Self::default();
        let mut flat = Entries::default();
        let mut version = None;
        let mut has_refs = false;
        reader.object::<RefsError>(|reader, name| {
            match &*name {
                "version" => version = Some(reader.value()?),
                "refs" if reader.kind() == Kind::Object => {
                    has_refs = true;
                    reader.object::<RefsError>(|reader, key| document.entries.read(reader, key))?;
                }
                "templates" => document.templates = Templates::from_value(&reader.value()?)?,
                "gen" => document.generators = reader.value()?,
                sources::MEMBER if reader.kind() == Kind::Object => {
                    document.own = Some(sources::from_value(&reader.value()?)?);
                }
                _ => flat.read(reader, name)?,
            }
            Ok(())
        })?;
        reader.end()?;
        match version {
            Some(AttributeValue::Integer(1)) => Ok(document),
            // Any JSON object would pass for references of version 0 that are of no array.
            None if !has_refs && flat.metadata.is_empty() => Err(RefsError::Syntax {
                expected: "references",
                problem: "a JSON object without a version and without .zgroup, .zarray or zarr.json"
                    .to_owned(),
            }),
            None if !has_refs => Ok(Self { entries: flat, ..document }),
            None => Err(RefsError::key("version", "is missing though there are \"refs\"")),
            Some(other) => {
                let mut text = String::new();
                write_value(&mut text, &other);
                Err(RefsError::Unsupported { key: "version".to_owned(), what: format!("version {text}") })
            }
        }
    }
}

impl<'a> Entries<'a> {
    fn read(&mut self, reader: &mut Reader<'a>, key: Cow<'a, str>) -> Result<(), RefsError> {
        let entry = match reader.kind() {
            Kind::Text => Entry::Text(reader.string()?),
            Kind::List => list_entry(reader)?,
            Kind::Object => Entry::Value(reader.value()?),
            Kind::Other => {
                reader.value()?;
                no_entry()
            }
        };
        if !is_metadata(&key) {
            self.chunks.push((key, entry));
            return Ok(());
        }
        let value = match entry {
            Entry::Text(text) => match text.strip_prefix(BASE64_PREFIX) {
                None => Metadata::Text(text),
                Some(code) => {
                    match BASE64.decode(code).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
                        Some(text) => Metadata::Text(Cow::Owned(text)),
                        None => Metadata::Unusable("is not base64 of a text".to_owned()),
                    }
                }
            },
            Entry::Value(value) => Metadata::Value(value),
            Entry::Whole(_) | Entry::Range(..) => {
                Metadata::Unusable("refers to metadata instead of holding them".to_owned())
            }
            Entry::Wrong(_) => Metadata::Unusable("is neither a text nor an object".to_owned()),
        };
        match self.metadata.insert(key.clone(), value) {
            None => Ok(()),
            Some(_) => Err(RefsError::key(key, "stands twice")),
        }
    }
}

/// Reads `[url]` or `[url, offset, length]`.
fn list_entry<'a>(reader: &mut Reader<'a>) -> Result<Entry<'a>, RefsError> {
    let mut url = None;
    let mut numbers = [0; 2];
    let mut count = 0_usize;
    let mut wrong = false;
    reader.list::<JsonError>(|reader| {
        if count == 0 && reader.kind() == Kind::Text {
            url = Some(reader.string()?);
        } else {
            match (count, reader.value()?, &mut numbers) {
                (0, AttributeValue::Null, _) => {}
                (1, AttributeValue::Integer(number), [slot, _])
                | (2, AttributeValue::Integer(number), [_, slot]) => {
                    *slot = number;
                }
                _ => wrong = true,
            }
        }
        count += 1;
        Ok(())
    })?;
    Ok(match (count, numbers) {
        (1, _) if !wrong => Entry::Whole(url),
        (3, [offset, length]) if !wrong => {
            let range = u64::try_from(offset).ok().zip(u64::try_from(length).ok());
            match range.and_then(|(offset, length)| ByteRange::new(offset, length)) {
                Some(range) => Entry::Range(url, range),
                None => Entry::Wrong(format!(
                    "refers to {length} bytes from {offset}, which is no range of bytes"
                )),
            }
        }
        _ => no_entry(),
    })
}

/// Turns entries into references; every URL is rendered and kept once.
struct Resolver<'t, 'a> {
    templates: &'t Templates,
    target: Option<&'t str>,
    urls: HashMap<Cow<'a, str>, Rendered>,
    /// The last one again: neighbours in a document mostly refer to the same object.
    last: Option<(Cow<'a, str>, Rendered)>,
}

/// A URL after templates, or why there is none.
type Rendered = Result<Arc<str>, String>;

impl<'a> Resolver<'_, 'a> {
    fn reference(&mut self, entry: Entry<'a>) -> Result<Reference, String> {
        match entry {
            Entry::Text(text) => match text.strip_prefix(BASE64_PREFIX) {
                Some(code) => {
                    let bytes = BASE64.decode(code).map_err(|error| format!("is not base64: {error}"))?;
                    Ok(Reference::Inline(bytes.into()))
                }
                None => Ok(Reference::Inline(Bytes::copy_from_slice(text.as_bytes()))),
            },
            Entry::Value(value) => {
                let mut text = String::new();
                write_value(&mut text, &value);
                Ok(Reference::Inline(text.into()))
            }
            Entry::Whole(url) => Ok(Reference::Whole { url: self.url(url)? }),
            Entry::Range(url, range) => Ok(Reference::Range { url: self.url(url)?, range }),
            Entry::Wrong(problem) => Err(problem),
        }
    }

    fn url(&mut self, url: Option<Cow<'a, str>>) -> Rendered {
        let Some(url) = url else {
            return self.target.map(Arc::from).ok_or_else(|| "has no URL, and no target is given".to_owned());
        };
        if let Some((last, rendered)) = &self.last
            && *last == url
        {
            return rendered.clone();
        }
        let rendered = match self.urls.get(&url) {
            Some(known) => known.clone(),
            None => {
                let rendered = self.templates.url(&url).map(Arc::from);
                self.urls.insert(url.clone(), rendered.clone());
                rendered
            }
        };
        self.last = Some((url, rendered.clone()));
        rendered
    }
}

/// Writes a document of version 1.
///
/// The same set gives the same bytes.
///
/// # Errors
///
/// The reason of the first unreadable array, if there is any: leaving it out must be the caller's decision.
pub fn write(set: &ReferenceSet) -> Result<Vec<u8>, RefsError> {
    set.check_readable()?;
    let v3 = zarr_v3::is_needed(set);
    let mut out = String::with_capacity(set.reference_count().saturating_mul(64));
    out.push_str(r#"{"version":1,"#);
    write_text(&mut out, sources::MEMBER);
    out.push(':');
    write_value(&mut out, &sources::to_value(set, &sources::Extent::Manifests));
    out.push(',');
    out.push_str(r#""refs":{"#);
    let mut first = true;
    let mut metadata = |out: &mut String, key: &str, text: &str| {
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        write_text(out, key);
        out.push(':');
        write_text(out, text);
    };
    for (path, group) in &set.groups {
        if v3 {
            metadata(&mut out, &key(path, "zarr.json"), &zarr_v3::group_json(&group.attributes));
        } else {
            metadata(&mut out, &key(path, ".zgroup"), zarr_v2::ZGROUP);
            metadata(&mut out, &key(path, ".zattrs"), &zarr_v2::group_zattrs(&group.attributes));
        }
    }
    for (path, array) in &set.arrays {
        match zarr_v2::zarray(&array.meta, &array.attributes) {
            Some(zarray) if !v3 => {
                metadata(&mut out, &key(path, ".zarray"), &zarray);
                metadata(
                    &mut out,
                    &key(path, ".zattrs"),
                    &zarr_v2::array_zattrs(&array.meta, &array.attributes),
                );
            }
            _ => {
                let text = zarr_v3::array_json(&array.meta, &array.attributes).ok_or_else(|| {
                    RefsError::Unsupported {
                        key: key(path, "zarr.json"),
                        what: "a structure whose fields differ in byte order".to_owned(),
                    }
                })?;
                metadata(&mut out, &key(path, "zarr.json"), &text);
            }
        }
        write_chunks(&mut out, path, array, v3);
    }
    out.push_str("}}");
    Ok(out.into_bytes())
}

/// Appends the references of one array, each with a comma before it.
fn write_chunks(out: &mut String, path: &str, array: &ManifestArray, v3: bool) {
    let mut quoted_path = String::new();
    write_text(&mut quoted_path, &key(path, ""));
    // Without the closing quote: the chunk's own part of the key follows.
    quoted_path.pop();
    let mut quoted_url: (Option<Arc<str>>, String) = (None, String::new());
    for (number, reference) in array.manifest.iter() {
        let index = ChunkKey::new(array.meta.grid.index(number).unwrap_or_default());
        out.push(',');
        out.push_str(&quoted_path);
        if v3 {
            out.push_str(&zarr_v3::chunk_key(&index));
        } else {
            write_display(out, &index);
        }
        out.push_str("\":");
        let (url, range) = match reference {
            Reference::Inline(bytes) => {
                out.push('"');
                out.push_str(BASE64_PREFIX);
                BASE64.encode_string(&bytes, out);
                out.push('"');
                continue;
            }
            Reference::Whole { url } => (url, None),
            Reference::Range { url, range } => (url, Some(range)),
        };
        if quoted_url.0.as_ref().is_none_or(|known| !Arc::ptr_eq(known, &url)) {
            quoted_url.1.clear();
            write_text(&mut quoted_url.1, &url);
            quoted_url.0 = Some(url);
        }
        out.push('[');
        out.push_str(&quoted_url.1);
        if let Some(range) = range {
            write_display(out, format_args!(",{},{}", range.offset(), range.length()));
        }
        out.push(']');
    }
}
