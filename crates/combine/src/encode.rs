//! Writing joined labels, and variables read for joining, as inline arrays.

use bytes::Bytes;
use rangefold_array::{
    ArrayMeta, ByteOrder, ChunkGrid, CodecSpec, DataType, ElementType, FillValue, MemoryOrder,
};
use rangefold_cf::{Instant, TimeUnits};
use rangefold_refs::{AttributeValue, Attributes, ManifestArray, ManifestBuilder, Reference};

use crate::CombineError;
use crate::content::Content;
use crate::labels::Labels;
use crate::numbers;

/// What a coordinate variable is written like.
pub(crate) struct Template<'a> {
    /// The element type that is taken if it can say every label exactly.
    pub(crate) data_type: Option<DataType>,
    /// Its fill value, if the element type is taken.
    pub(crate) fill_value: Option<FillValue>,
    /// Attributes.
    pub(crate) attributes: &'a Attributes,
}

/// The coordinate variable of a joined dimension, as one inline chunk.
pub(crate) fn coordinate(
    dimension: &str,
    path: &str,
    labels: &Labels,
    numbers: Option<&Times>,
    template: &Template<'_>,
) -> Result<ManifestArray, CombineError> {
    let wanted = template.data_type.clone();
    let (data_type, content) = match labels {
        Labels::Texts(texts) => (DataType::little(ElementType::VlenString), Content::Texts(texts.clone())),
        Labels::Integers(values) => {
            let data_type = wanted.unwrap_or(DataType::little(ElementType::Int64));
            let bytes = integers(dimension, labels, values, &data_type, "")?;
            (data_type, Content::Bytes(bytes))
        }
        Labels::Floats(values) => {
            let data_type = wanted.unwrap_or(DataType::little(ElementType::Float64));
            let bytes = floats(dimension, labels, values, &data_type, "")?;
            (data_type, Content::Bytes(bytes))
        }
        Labels::Times { .. } => match numbers {
            Some(numbers) => (numbers.data_type.clone(), Content::Bytes(numbers.bytes.clone())),
            None => return Err(CombineError::NoInputs),
        },
    };
    let fill_value = template.fill_value.clone().filter(|_| template.data_type.as_ref() == Some(&data_type));
    // No label may stand on what readers take for missing.
    let fill_value = fill_value.filter(|fill| !holds(&content, fill, &data_type));
    let shape = [labels.len() as u64];
    let names = vec![dimension.to_owned()];
    inline(path, &shape, names, data_type, fill_value, template.attributes.clone(), &content)
}

/// Whether an element is the fill value.
pub(crate) fn holds(content: &Content, fill: &FillValue, data_type: &DataType) -> bool {
    let mut element = fill.0.clone();
    numbers::from_little(&mut element, data_type);
    match content {
        Content::Bytes(bytes) => bytes.chunks_exact(element.len().max(1)).any(|other| other == element),
        Content::Texts(texts) => texts.iter().any(|text| text.as_bytes() == element),
    }
}

/// Times as numbers.
#[derive(Debug)]
pub(crate) struct Times {
    pub(crate) data_type: DataType,
    /// The numbers in that type.
    pub(crate) bytes: Vec<u8>,
    /// What the numbers mean.
    pub(crate) units: TimeUnits,
}

/// Times in the wanted type, else as whole numbers, else as floats, else as whole numbers of a finer unit: the first
/// that says all of them exactly. Floats come first where others are missing: xarray cannot tell missing integers of
/// calendars other than the standard one.
pub(crate) fn times(
    dimension: &str,
    instants: &[Instant],
    units: TimeUnits,
    wanted: Option<DataType>,
    has_missing: bool,
) -> Result<Times, CombineError> {
    let float64 = DataType::little(ElementType::Float64);
    let int64 = DataType::little(ElementType::Int64);
    // Dates of NumPy have a unit and no attributes.
    let wanted = wanted.filter(|wanted| wanted.element.is_integer() || wanted.element.is_float());
    let finer = |data_type: &DataType| {
        let data_type = data_type.clone();
        std::iter::once(units).chain(units.finer()).map(move |units| (data_type.clone(), units))
    };
    let candidates = wanted.into_iter().map(|data_type| (data_type, units));
    let candidates = candidates
        .chain(finer(&float64).filter(|_| has_missing))
        .chain([(int64.clone(), units), (float64.clone(), units)])
        .chain(finer(&int64));
    for (data_type, units) in candidates {
        if let Ok(bytes) = exact(dimension, instants, units, &data_type) {
            return Ok(Times { data_type, bytes, units });
        }
    }
    exact(dimension, instants, units, &float64).map(|bytes| Times { data_type: float64, bytes, units })
}

/// Times as numbers of one type that lead back to the same instants.
fn exact(
    dimension: &str,
    instants: &[Instant],
    units: TimeUnits,
    data_type: &DataType,
) -> Result<Vec<u8>, CombineError> {
    let text = units.to_string();
    let labels = || Labels::Times { instants: instants.to_vec(), units };
    let failed = |position| inexact(dimension, &labels(), position, data_type, &text);
    if data_type.element.is_integer() {
        let whole = instants.iter().enumerate();
        let whole = whole.map(|(position, &t)| units.integer_value(t).ok_or_else(|| failed(position)));
        let whole: Vec<i128> = whole.collect::<Result<_, _>>()?;
        return integers(dimension, &labels(), &whole, data_type, &text);
    }
    let values: Vec<f64> = instants.iter().map(|&t| units.value(t)).collect();
    // Other readers multiply without rounding to what the number can tell, so a float must be the instant and not only
    // lead to it.
    let says = |value: f64, t: Instant| units.instant(value) == Ok(t) && is_multiple(value, units, t);
    match values.iter().zip(instants).position(|(&v, &t)| !says(v, t)) {
        None => floats(dimension, &labels(), &values, data_type, &text),
        Some(position) => Err(failed(position)),
    }
}

/// Whether the number times the length of the unit is just the instant, which is finite.
fn is_multiple(value: f64, units: TimeUnits, instant: Instant) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "at most 366 days of nanoseconds, which floats can tell")]
    let step = units.step_nanoseconds() as f64;
    let fraction = value.fract();
    let product = fraction * step;
    // The rounding error of a product is itself a float.
    let is_exact = fraction.mul_add(step, -product) == 0.0 && product.fract() == 0.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole, and less than one unit")]
    let rest = product as i128;
    #[expect(clippy::cast_possible_truncation, reason = "it has led to an instant, so it is below 1e17")]
    let whole = units.instant_of_integer(value.trunc() as i128);
    is_exact && whole.and_then(|whole| whole.0.checked_add(rest)) == Some(instant.0)
}

fn inexact(
    dimension: &str,
    labels: &Labels,
    position: usize,
    data_type: &DataType,
    units: &str,
) -> CombineError {
    CombineError::InexactLabel {
        dimension: dimension.to_owned(),
        label: u32::try_from(position).map(|position| labels.printed(position)).unwrap_or_default(),
        units: units.to_owned(),
        data_type: data_type.element.name(),
    }
}

fn integers(
    dimension: &str,
    labels: &Labels,
    values: &[i128],
    data_type: &DataType,
    units: &str,
) -> Result<Vec<u8>, CombineError> {
    let mut out = Vec::with_capacity(values.len() * data_type.size().unwrap_or(8));
    for (position, &value) in values.iter().enumerate() {
        let fits = match data_type.element {
            ElementType::Int8 => i8::try_from(value).is_ok(),
            ElementType::Int16 => i16::try_from(value).is_ok(),
            ElementType::Int32 => i32::try_from(value).is_ok(),
            ElementType::Int64 | ElementType::DateTime64(_) | ElementType::TimeDelta64(_) => {
                i64::try_from(value).is_ok()
            }
            ElementType::UInt8 => u8::try_from(value).is_ok(),
            ElementType::UInt16 => u16::try_from(value).is_ok(),
            ElementType::UInt32 => u32::try_from(value).is_ok(),
            ElementType::UInt64 => u64::try_from(value).is_ok(),
            _ => false,
        };
        if !fits {
            return Err(inexact(dimension, labels, position, data_type, units));
        }
        push(&mut out, &value.to_le_bytes(), data_type);
    }
    Ok(out)
}

fn floats(
    dimension: &str,
    labels: &Labels,
    values: &[f64],
    data_type: &DataType,
    units: &str,
) -> Result<Vec<u8>, CombineError> {
    let mut out = Vec::with_capacity(values.len() * data_type.size().unwrap_or(8));
    for (position, &value) in values.iter().enumerate() {
        match data_type.element {
            ElementType::Float64 => push(&mut out, &value.to_le_bytes(), data_type),
            ElementType::Float32 => {
                #[expect(clippy::cast_possible_truncation, reason = "checked by widening it again")]
                let narrow = value as f32;
                if f64::from(narrow).to_bits() != value.to_bits() {
                    return Err(inexact(dimension, labels, position, data_type, units));
                }
                push(&mut out, &narrow.to_le_bytes(), data_type);
            }
            _ => return Err(inexact(dimension, labels, position, data_type, units)),
        }
    }
    Ok(out)
}

/// An attribute as one element of a type, in little-endian order; `None` if it does not fit. Floats are rounded.
pub(crate) fn element(value: &AttributeValue, element: &ElementType) -> Option<Vec<u8>> {
    let data_type = DataType::little(element.clone());
    if element.is_integer() {
        let value = value.as_integer()?;
        return integers("", &Labels::Integers(vec![value]), &[value], &data_type, "").ok();
    }
    if let (Some(text), ElementType::VlenString | ElementType::FixedBytes(_)) = (value.as_text(), element) {
        let length = element.size().unwrap_or(text.len());
        let padded = text.bytes().chain(std::iter::repeat(0)).take(length);
        return (text.len() <= length).then(|| padded.collect());
    }
    let value = value.as_f64()?;
    match element {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "readers round an attribute to the type of the data"
        )]
        ElementType::Float32 => Some((value as f32).to_le_bytes().to_vec()),
        ElementType::Float64 => Some(value.to_le_bytes().to_vec()),
        _ => None,
    }
}

/// Appends the low bytes of a little-endian number in the array's byte order.
fn push(out: &mut Vec<u8>, little: &[u8], data_type: &DataType) {
    let bytes = little.iter().take(data_type.size().unwrap_or(little.len()));
    match data_type.order {
        ByteOrder::Little => out.extend(bytes),
        ByteOrder::Big => out.extend(bytes.rev()),
    }
}

/// An array of one inline chunk without compression.
pub(crate) fn inline(
    path: &str,
    shape: &[u64],
    dimension_names: Vec<String>,
    data_type: DataType,
    fill_value: Option<FillValue>,
    attributes: Attributes,
    content: &Content,
) -> Result<ManifestArray, CombineError> {
    let (codecs, bytes) = match content {
        Content::Bytes(bytes) => (Vec::new(), Bytes::from(bytes.clone())),
        Content::Texts(texts) => (vec![CodecSpec::VlenUtf8], framed(path, texts)?),
    };
    let chunk_shape: Vec<u64> = shape.iter().map(|&length| length.max(1)).collect();
    let grid = ChunkGrid::regular(shape, &chunk_shape)
        .map_err(|problem| CombineError::Grid { variable: path.to_owned(), problem })?;
    let manifest_error = |problem| CombineError::Manifest { variable: path.to_owned(), problem };
    let mut builder = ManifestBuilder::new();
    if grid.chunk_count() > 0 {
        builder.push(0, Reference::Inline(bytes)).map_err(manifest_error)?;
    }
    let manifest = builder.build(grid.chunk_count()).map_err(manifest_error)?;
    let meta =
        ArrayMeta { data_type, grid, order: MemoryOrder::RowMajor, codecs, fill_value, dimension_names };
    Ok(ManifestArray { meta, attributes, manifest })
}

/// numcodecs' `vlen-utf8`: a count, then length and bytes of each text, all counts in four little-endian bytes.
fn framed(path: &str, texts: &[String]) -> Result<Bytes, CombineError> {
    let count = |n: usize| {
        u32::try_from(n).map(u32::to_le_bytes).map_err(|_| CombineError::Variable {
            variable: path.to_owned(),
            input: "the joined texts".to_owned(),
            reason: format!("{n} does not fit in 32 bits"),
        })
    };
    let mut out = count(texts.len())?.to_vec();
    for text in texts {
        out.extend(count(text.len())?);
        out.extend(text.as_bytes());
    }
    Ok(out.into())
}
