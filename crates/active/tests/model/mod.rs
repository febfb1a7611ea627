//! Stores of a few small variables whose chunks are in the references themselves, and what their elements mean, looked at
//! one by one.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a test may fail, and its numbers are small"
)]

#[path = "../../../reduce/tests/support/mod.rs"]
pub(crate) mod support;

use std::sync::Arc;

use rangefold_array::{ArrayMeta, ChunkGrid, DataType, ElementType, FillValue, MemoryOrder, Slice};
use rangefold_reduce::Number;
use rangefold_refs::{AttributeValue, Attributes, ManifestArray, ManifestBuilder, Reference, ReferenceSet};
use rangefold_store::{FetchOptions, ReferenceStore};
use support::{below, bytes, equal, flat, wrap};

/// A variable: its numbers, how they are stored, and what its attributes say of them.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    pub(crate) dims: Vec<&'static str>,
    pub(crate) shape: Vec<u64>,
    pub(crate) chunks: Vec<u64>,
    pub(crate) data_type: DataType,
    pub(crate) order: MemoryOrder,
    /// Row-major.
    pub(crate) data: Vec<Number>,
    /// Which chunks are not stored, again and again.
    pub(crate) absent: Vec<bool>,
    /// What fills those.
    pub(crate) fill: Option<Number>,
    pub(crate) marks: Marks,
}

/// The attributes that say what is missing and how numbers are packed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    pub(crate) fill_value: Option<Number>,
    pub(crate) missing_value: Vec<Number>,
    pub(crate) valid_min: Option<Number>,
    pub(crate) valid_max: Option<Number>,
    pub(crate) unsigned: bool,
    /// `scale_factor` and `add_offset`, neither of which a float32 holds.
    pub(crate) packing: Option<(f64, f64)>,
    pub(crate) others: Vec<(&'static str, &'static str)>,
}

/// A variable of some numbers, in one chunk, without attributes.
pub(crate) fn plain(
    name: &'static str,
    element: ElementType,
    dims: &[(&'static str, u64)],
    data: &[f64],
) -> Variable {
    let whole = |&x: &f64| if element.is_float() { Number::Float(x) } else { Number::Integer(x as i128) };
    let shape: Vec<u64> = dims.iter().map(|dim| dim.1).collect();
    Variable {
        name,
        dims: dims.iter().map(|dim| dim.0).collect(),
        chunks: shape.iter().map(|&length| length.max(1)).collect(),
        shape,
        data: data.iter().map(whole).collect(),
        data_type: DataType::little(element),
        order: MemoryOrder::RowMajor,
        absent: Vec::new(),
        fill: None,
        marks: Marks::default(),
    }
}

/// A longitude once around, in as many cells as `count`.
pub(crate) fn longitude(name: &'static str, count: u64) -> Variable {
    let degrees: Vec<f64> = (0..count).map(|i| i as f64 * 360.0 / count as f64).collect();
    let mut variable = plain(name, ElementType::Float64, &[(name, count)], &degrees);
    variable.marks.others = vec![("units", "degrees_east")];
    variable
}

/// A store of these variables.
pub(crate) fn store(variables: &[Variable], options: FetchOptions) -> ReferenceStore {
    let mut set = ReferenceSet::new();
    for variable in variables {
        set.arrays.insert(variable.name.to_owned(), variable.array());
    }
    ReferenceStore::with_options(
        Arc::new(set),
        |url: &str| Err(format!("{url} is not there").into()),
        options,
    )
}

impl Variable {
    fn array(&self) -> ManifestArray {
        let grid = ChunkGrid::regular(&self.shape, &self.chunks).unwrap();
        let count = grid.chunk_count();
        let mut builder = ManifestBuilder::new();
        for number in (0..count).filter(|&number| !self.is_absent(number)) {
            let index = grid.index(number).unwrap();
            builder.push(number, Reference::Inline(self.chunk(&index).into())).unwrap();
        }
        let little = DataType::little(self.data_type.element.clone());
        let meta = ArrayMeta {
            fill_value: self.fill.map(|fill| FillValue(bytes(&little, fill))),
            data_type: self.data_type.clone(),
            grid,
            order: self.order,
            codecs: Vec::new(),
            dimension_names: self.dims.iter().map(|&name| name.to_owned()).collect(),
        };
        ManifestArray { meta, attributes: self.marks.attributes(), manifest: builder.build(count).unwrap() }
    }

    fn is_absent(&self, chunk: u64) -> bool {
        self.absent.get(chunk as usize % self.absent.len().max(1)).copied().unwrap_or(false)
    }

    /// The bytes of a chunk; what lies outside the array is rubbish.
    fn chunk(&self, index: &[u64]) -> Vec<u8> {
        let size = self.data_type.size().unwrap();
        let axes: Vec<usize> = match self.order {
            MemoryOrder::RowMajor => (0..self.chunks.len()).collect(),
            MemoryOrder::ColumnMajor => (0..self.chunks.len()).rev().collect(),
        };
        let lengths: Vec<u64> = axes.iter().map(|&axis| self.chunks[axis]).collect();
        let mut out = Vec::new();
        for stored in positions(&lengths) {
            let mut position = vec![0; axes.len()];
            for (&axis, &within) in axes.iter().zip(&stored) {
                position[axis] = index[axis] * self.chunks[axis] + within;
            }
            if position.iter().zip(&self.shape).any(|(p, n)| p >= n) {
                out.extend(std::iter::repeat_n(0x5a, size));
                continue;
            }
            out.extend(bytes(&self.data_type, self.data[flat(&position, &self.shape)]));
        }
        out
    }

    /// The value at a position; `None` if it is missing.
    pub(crate) fn value(&self, position: &[u64]) -> Option<Number> {
        let chunk: Vec<u64> = position.iter().zip(&self.chunks).map(|(p, c)| p / c).collect();
        let grid = ChunkGrid::regular(&self.shape, &self.chunks).unwrap();
        let stored = match self.is_absent(grid.number(&chunk).unwrap()) {
            true => self.fill?,
            false => self.data[flat(position, &self.shape)],
        };
        self.marks.value(stored, &self.data_type.element)
    }
}

impl Marks {
    fn attributes(&self) -> Attributes {
        let number = |number: Number| match number {
            Number::Integer(n) => AttributeValue::Integer(n),
            Number::Float(x) => AttributeValue::Float(x),
        };
        let mut all: Vec<(&str, AttributeValue)> = Vec::new();
        let ones =
            [("_FillValue", self.fill_value), ("valid_min", self.valid_min), ("valid_max", self.valid_max)];
        all.extend(ones.into_iter().filter_map(|(name, n)| Some((name, number(n?)))));
        if !self.missing_value.is_empty() {
            let list = self.missing_value.iter().map(|&n| number(n)).collect();
            all.push(("missing_value", AttributeValue::List(list)));
        }
        if let Some((scale, offset)) = self.packing {
            all.push(("scale_factor", AttributeValue::Float(scale)));
            all.push(("add_offset", AttributeValue::Float(offset)));
        }
        if self.unsigned {
            all.push(("_Unsigned", AttributeValue::Text("true".to_owned())));
        }
        all.extend(self.others.iter().map(|&(name, text)| (name, AttributeValue::Text(text.to_owned()))));
        all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// What a stored number means, as netCDF4-python reads it; NaN is missing as well.
    fn value(&self, stored: Number, element: &ElementType) -> Option<Number> {
        let signed = matches!(
            element,
            ElementType::Int8 | ElementType::Int16 | ElementType::Int32 | ElementType::Int64
        );
        let unsigned = self.unsigned && signed;
        let read = |number: Number| wrap(element, number, unsigned);
        let default = match element {
            _ if unsigned => None,
            ElementType::Bool | ElementType::Float16 => None,
            ElementType::Float32 | ElementType::Float64 => Some(Number::Float(9.969_209_968_386_869e36)),
            ElementType::Int64 => Some(Number::Integer(i128::from(i64::MIN) + 2)),
            ElementType::UInt64 => Some(Number::Integer(i128::from(u64::MAX) - 1)),
            _ if signed => Some(Number::Integer(1 - (1 << (8 * element.size().unwrap() - 1)))),
            _ => Some(Number::Integer((1 << (8 * element.size().unwrap())) - 1)),
        };
        let x = read(stored);
        let mut fills = self.missing_value.iter().copied().chain(self.fill_value.or(default)).map(read);
        let is_nan = matches!(x, Number::Float(x) if x.is_nan());
        let is_low = self.valid_min.is_some_and(|min| below(x, read(min)));
        let is_high = self.valid_max.is_some_and(|max| below(read(max), x));
        if is_nan || is_low || is_high || fills.any(|fill| equal(fill, x)) {
            return None;
        }
        Some(self.packing.map_or(x, |(scale, offset)| Number::Float(x.to_f64() * scale + offset)))
    }
}

/// The type a variable's elements are taken for: `_Unsigned` makes signed integers unsigned ones.
pub(crate) fn reinterpreted(variable: &Variable) -> ElementType {
    match (&variable.data_type.element, variable.marks.unsigned) {
        (ElementType::Int8, true) => ElementType::UInt8,
        (ElementType::Int16, true) => ElementType::UInt16,
        (ElementType::Int32, true) => ElementType::UInt32,
        (ElementType::Int64, true) => ElementType::UInt64,
        (element, _) => element.clone(),
    }
}

/// All positions of an array of this shape, row-major.
pub(crate) fn positions(shape: &[u64]) -> Vec<Vec<u64>> {
    let mut all = vec![Vec::new()];
    for &length in shape {
        let longer = |position: &Vec<u64>| -> Vec<Vec<u64>> {
            (0..length).map(|k| position.iter().copied().chain([k]).collect()).collect()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// The positions that NumPy's `start:stop:step` selects of an axis.
pub(crate) fn sliced(slice: Slice, length: u64) -> Vec<u64> {
    let length = length as i64;
    let at = |index: i64| if index < 0 { index + length } else { index };
    match slice {
        Slice::All => (0..length as u64).collect(),
        Slice::Index(index) => vec![at(index).unsigned_abs()],
        Slice::Range { start, stop, step } => {
            let (start, stop) = (start.map_or(0, at).max(0), stop.map_or(length, at).min(length));
            (start..stop.max(start)).step_by(step.unwrap_or(1) as usize).map(i64::unsigned_abs).collect()
        }
    }
}
