//! Small reference sets with their chunks inline, and the values that a combined one reads back as.

#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test that cannot go on must stop"
)]

use rangefold_array::{ArrayMeta, ChunkGrid, DataType, FillValue, MemoryOrder};
use rangefold_codec::Decoder;
use rangefold_combine::{CombineSpec, Combined, Error, Input, combine};
use rangefold_refs::{AttributeValue, ManifestArray, ManifestBuilder, Reference, ReferenceSet, zarr_v2};
use rangefold_store::FetchOptions;

/// A variable to be built.
pub(crate) struct Var {
    path: String,
    dims: Vec<String>,
    shape: Vec<u64>,
    chunks: Vec<u64>,
    dtype: String,
    values: Vec<f64>,
    fill: Option<f64>,
    attributes: String,
    url: Option<String>,
}

/// A variable named and shaped like `tas(time=2, lat=3)`, with the values 0, 1, 2 ...
pub(crate) fn var(signature: &str) -> Var {
    let (path, dims) = signature.split_once('(').unwrap_or((signature, ")"));
    let dims = dims.trim_end_matches(')');
    let pairs: Vec<(&str, u64)> = dims
        .split(',')
        .filter(|d| !d.trim().is_empty())
        .map(|d| d.split_once('=').map(|(n, l)| (n.trim(), l.trim().parse().unwrap())).unwrap())
        .collect();
    let shape: Vec<u64> = pairs.iter().map(|p| p.1).collect();
    let count: u64 = shape.iter().product();
    Var {
        path: path.to_owned(),
        dims: pairs.iter().map(|p| p.0.to_owned()).collect(),
        chunks: shape.iter().map(|&n| n.max(1)).collect(),
        shape,
        dtype: "<i4".to_owned(),
        values: (0..count).map(|n| n as f64).collect(),
        fill: None,
        attributes: "{}".to_owned(),
        url: None,
    }
}

impl Var {
    pub(crate) fn values(mut self, values: &[f64]) -> Self {
        assert_eq!(values.len() as u64, self.shape.iter().product::<u64>(), "{}", self.path);
        self.values = values.to_vec();
        self
    }
    /// All values are the same number.
    pub(crate) fn all(mut self, value: f64) -> Self {
        self.values.fill(value);
        self
    }
    pub(crate) fn chunks(mut self, chunks: &[u64]) -> Self {
        self.chunks = chunks.to_vec();
        self
    }
    pub(crate) fn dtype(mut self, dtype: &str) -> Self {
        self.dtype = dtype.to_owned();
        self
    }
    /// The Zarr fill value, and `_FillValue`.
    pub(crate) fn fill(mut self, fill: f64) -> Self {
        self.fill = Some(fill);
        self
    }
    pub(crate) fn attrs(mut self, attributes: &str) -> Self {
        self.attributes = attributes.to_owned();
        self
    }
    /// Chunks refer to a made-up object instead of being inline, so that their values cannot be read.
    pub(crate) fn at(mut self, url: &str) -> Self {
        self.url = Some(url.to_owned());
        self
    }

    fn encoded(&self, value: f64) -> Vec<u8> {
        let bytes = match self.dtype.trim_start_matches(['<', '>', '|']) {
            "i1" => (value as i8).to_le_bytes().to_vec(),
            "i2" => (value as i16).to_le_bytes().to_vec(),
            "u2" => (value as u16).to_le_bytes().to_vec(),
            "i4" => (value as i32).to_le_bytes().to_vec(),
            "i8" => (value as i64).to_le_bytes().to_vec(),
            "f4" => (value as f32).to_le_bytes().to_vec(),
            "f8" => value.to_le_bytes().to_vec(),
            other => panic!("no encoding of {other}"),
        };
        if self.dtype.starts_with('>') { bytes.into_iter().rev().collect() } else { bytes }
    }

    fn array(&self) -> ManifestArray {
        let grid = ChunkGrid::regular(&self.shape, &self.chunks).unwrap();
        let mut builder = ManifestBuilder::new();
        let mut offset = 0;
        for number in 0..grid.chunk_count() {
            let index = grid.index(number).unwrap();
            let (origin, shape) = (grid.chunk_origin(&index), grid.chunk_shape(&index));
            let local = ChunkGrid::regular(&shape, &vec![1; shape.len()]).unwrap();
            let whole = ChunkGrid::regular(&self.shape, &vec![1; shape.len()]).unwrap();
            let mut bytes = Vec::new();
            for element in 0..local.chunk_count() {
                let at: Vec<u64> =
                    local.index(element).unwrap().iter().zip(&origin).map(|(a, b)| a + b).collect();
                let value = whole.number(&at).map_or(-77.0, |n| self.values[usize::try_from(n).unwrap()]);
                bytes.extend(self.encoded(value));
            }
            let reference = match &self.url {
                None => Reference::Inline(bytes.into()),
                Some(url) => {
                    let range = rangefold_array::ByteRange::new(offset, bytes.len() as u64).unwrap();
                    offset += bytes.len() as u64;
                    Reference::Range { url: url.as_str().into(), range }
                }
            };
            builder.push(number, reference).unwrap();
        }
        let manifest = builder.build(grid.chunk_count()).unwrap();
        let little = Var { dtype: self.dtype.replace('>', "<"), ..var("x") };
        let mut attributes = zarr_v2::parse_attributes(&self.path, &self.attributes).unwrap();
        if let Some(fill) = self.fill.filter(|_| attributes.get("_FillValue").is_none()) {
            let is_float = self.dtype.contains('f');
            let value =
                if is_float { AttributeValue::Float(fill) } else { AttributeValue::Integer(fill as i128) };
            attributes.insert("_FillValue", value);
        }
        ManifestArray {
            meta: ArrayMeta {
                data_type: DataType::from_numpy(&self.dtype).unwrap(),
                grid,
                order: MemoryOrder::RowMajor,
                codecs: Vec::new(),
                fill_value: self.fill.map(|fill| FillValue(little.encoded(fill))),
                dimension_names: self.dims.clone(),
            },
            attributes,
            manifest,
        }
    }
}

/// A set of variables.
pub(crate) fn set(variables: impl IntoIterator<Item = Var>) -> ReferenceSet {
    let mut set = ReferenceSet::new();
    for variable in variables {
        if let Some((group, _)) = variable.path.rsplit_once('/') {
            set.groups.entry(group.to_owned()).or_default();
        }
        set.arrays.insert(variable.path.clone(), variable.array());
    }
    set
}

/// An input named `name`.
pub(crate) fn input(name: &str, variables: impl IntoIterator<Item = Var>) -> Input {
    Input::new(name, set(variables))
}

/// Joins along these dimensions, else as by default.
pub(crate) fn along(concat: &[&str]) -> CombineSpec {
    CombineSpec { concat: concat.iter().map(|&d| d.to_owned()).collect(), ..CombineSpec::default() }
}

/// Combines inputs all of whose values are inline.
pub(crate) fn try_join(inputs: &[Input], spec: &CombineSpec) -> Result<Combined, Error> {
    let nowhere = |url: &str| Err(format!("{url} must not be read").into());
    futures::executor::block_on(combine(inputs, spec, nowhere, FetchOptions::default()))
}

pub(crate) fn join(inputs: &[Input], spec: &CombineSpec) -> ReferenceSet {
    try_join(inputs, spec).unwrap().references
}

/// The message of the refusal, with those of its causes.
pub(crate) fn refusal(inputs: &[Input], spec: &CombineSpec) -> String {
    let error = match try_join(inputs, spec) {
        Err(error) => error,
        Ok(combined) => panic!("accepted: {:?}", combined.references.arrays.keys().collect::<Vec<_>>()),
    };
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}

/// Decoded bytes of a variable in row-major order, absent chunks as the fill value (zeros without one).
pub(crate) fn bytes_of(array: &ManifestArray, mut fetch: impl FnMut(&Reference) -> Vec<u8>) -> Vec<u8> {
    let meta = &array.meta;
    let size = meta.data_type.size().unwrap();
    let shape = meta.shape();
    let whole = ChunkGrid::regular(shape, &vec![1; shape.len()]).unwrap();
    let total: u64 = shape.iter().product();
    let mut fill = meta.fill_value.as_ref().map_or(vec![0; size], |f| f.0.clone());
    if meta.data_type.order == rangefold_array::ByteOrder::Big {
        fill.reverse();
    }
    let mut out = fill.repeat(usize::try_from(total).unwrap());
    let mut decoder = Decoder::new();
    for (number, reference) in array.manifest.iter() {
        let index = meta.grid.index(number).unwrap();
        let (origin, shape) = (meta.grid.chunk_origin(&index), meta.grid.chunk_shape(&index));
        let encoded = fetch(&reference);
        let length = usize::try_from(meta.decoded_chunk_len(&index).unwrap()).unwrap();
        let decoded = decoder.decode(&meta.codecs, &encoded, length).unwrap();
        let local = ChunkGrid::regular(&shape, &vec![1; shape.len()]).unwrap();
        for element in 0..local.chunk_count() {
            let at: Vec<u64> =
                local.index(element).unwrap().iter().zip(&origin).map(|(a, b)| a + b).collect();
            let Some(to) = whole.number(&at) else { continue };
            let (from, to) = (usize::try_from(element).unwrap() * size, usize::try_from(to).unwrap() * size);
            out[to..to + size].copy_from_slice(&decoded[from..from + size]);
        }
    }
    out
}

/// The values of a variable whose chunks are inline, as numbers.
pub(crate) fn numbers(set: &ReferenceSet, path: &str) -> Vec<f64> {
    let array = set.arrays.get(path).unwrap_or_else(|| panic!("no {path}"));
    let mut bytes = bytes_of(array, |reference| match reference {
        Reference::Inline(bytes) => bytes.to_vec(),
        other => panic!("{path} is not inline: {other:?}"),
    });
    let data_type = &array.meta.data_type;
    rangefold_codec::to_native(&mut bytes, data_type);
    let each = |size: usize, number: &dyn Fn(&[u8]) -> f64| bytes.chunks(size).map(number).collect();
    match data_type.element.name().as_str() {
        "int8" => each(1, &|b| f64::from(i8::from_ne_bytes(b.try_into().unwrap()))),
        "int16" => each(2, &|b| f64::from(i16::from_ne_bytes(b.try_into().unwrap()))),
        "int32" => each(4, &|b| f64::from(i32::from_ne_bytes(b.try_into().unwrap()))),
        "int64" => each(8, &|b| i64::from_ne_bytes(b.try_into().unwrap()) as f64),
        "float32" => each(4, &|b| f64::from(f32::from_ne_bytes(b.try_into().unwrap()))),
        "float64" => each(8, &|b| f64::from_ne_bytes(b.try_into().unwrap())),
        other => panic!("no numbers of {other}"),
    }
}

/// Shape and chunk shape of a variable.
pub(crate) fn shape(set: &ReferenceSet, path: &str) -> (Vec<u64>, Option<Vec<u64>>) {
    let meta = &set.arrays[path].meta;
    (meta.shape().to_vec(), meta.grid.regular_chunk_shape())
}

/// An attribute's text.
pub(crate) fn text_attribute(set: &ReferenceSet, path: &str, name: &str) -> Option<String> {
    set.arrays[path].attributes.get(name).and_then(|value| value.as_text()).map(str::to_owned)
}

/// The set as it is written.
pub(crate) fn json(set: &ReferenceSet) -> String {
    String::from_utf8(rangefold_refs::json::write(set).unwrap()).unwrap()
}
