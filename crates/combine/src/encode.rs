//! Writing joined labels, and variables read for joining, as inline arrays.

use bytes::Bytes;
use rangefold_array::{
    ArrayMeta, ByteOrder, ChunkGrid, CodecSpec, DataType, ElementType, FillValue, MemoryOrder,
};
use rangefold_refs::{Attributes, ManifestArray, ManifestBuilder, Reference};

use crate::CombineError;
use crate::content::Content;
use crate::labels::Labels;

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
        Labels::Times { .. } => times(dimension, labels, wanted)?,
    };
    let fill_value = template.fill_value.clone().filter(|_| template.data_type.as_ref() == Some(&data_type));
    let shape = [labels.len() as u64];
    let names = vec![dimension.to_owned()];
    inline(path, &shape, names, data_type, fill_value, template.attributes.clone(), &content)
}

/// Times in the wanted type, else as whole numbers, else as floats: the first that says all of them exactly.
pub(crate) fn times(
    dimension: &str,
    labels: &Labels,
    wanted: Option<DataType>,
) -> Result<(DataType, Content), CombineError> {
    let Labels::Times { instants, units } = labels else { return Err(CombineError::NoInputs) };
    let whole: Option<Vec<i128>> = instants.iter().map(|&t| units.integer_value(t)).collect();
    let values: Vec<f64> = instants.iter().map(|&t| units.value(t)).collect();
    // A float says an instant if it leads back to it.
    let inexact_float = values.iter().zip(instants).position(|(&v, &t)| units.instant(v) != Ok(t));
    let text = units.to_string();
    let floats = |data_type: &DataType| match inexact_float {
        None => floats(dimension, labels, &values, data_type, &text),
        Some(position) => Err(inexact(dimension, labels, position, data_type, &text)),
    };
    let whole = |data_type: &DataType| match &whole {
        Some(whole) => integers(dimension, labels, whole, data_type, &text),
        None => Err(inexact(dimension, labels, 0, data_type, &text)),
    };
    let exact = |data_type: &DataType| {
        if data_type.element.is_integer() { whole(data_type) } else { floats(data_type) }
    };
    let fallbacks = [DataType::little(ElementType::Int64), DataType::little(ElementType::Float64)];
    for data_type in wanted.into_iter().chain(fallbacks) {
        if let Ok(bytes) = exact(&data_type) {
            return Ok((data_type, Content::Bytes(bytes)));
        }
    }
    floats(&DataType::little(ElementType::Float64))
        .map(|bytes| (DataType::little(ElementType::Float64), Content::Bytes(bytes)))
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
        .map_err(|source| CombineError::Grid { variable: path.to_owned(), source })?;
    let manifest_error = |source| CombineError::Manifest { variable: path.to_owned(), source };
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
