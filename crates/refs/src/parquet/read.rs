//! Reading the Parquet layout, record by record.

use std::borrow::Cow;
use std::collections::HashMap;
use std::panic::catch_unwind;
use std::sync::Arc;

use ::parquet::basic::Type as PhysicalType;
use ::parquet::column::reader::get_typed_column_reader;
use ::parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use bytes::Bytes;
use rangefold_array::ByteRange;

use crate::assemble::{Metadata, Nodes, is_metadata, nodes};
use crate::json_text;
use crate::parquet::{RECORD_SIZE_MAX, RecordTable, record_path};
use crate::{AttributeValue, Manifest, ManifestBuilder, Reference, ReferenceSet, RefsError, sources};

/// More records in one array are refused when all of them are to be read.
const RECORDS_MAX: u64 = 1 << 20;

/// More decoded bytes in one record are refused.
const RECORD_LEN_MAX: u64 = 1 << 31;

/// What `.zmetadata` tells: everything but the references.
#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    /// Groups and arrays; manifests are empty.
    pub set: ReferenceSet,
    /// Rows of a record.
    pub record_size: u64,
    /// Which records there are, if the store says so; stores of kerchunk do not.
    pub records: Option<RecordTable>,
    /// Whether a record that is not there, of a store that does not say which there are, is taken for one without
    /// references. Not so unless a caller sets it.
    pub absent_is_empty: bool,
}

impl Index {
    /// The numbers of the records of an array of `chunk_count` chunks: those that the store tells of, or all that there may
    /// be.
    ///
    /// # Errors
    ///
    /// [`RefsError::Limit`] for more than can be read.
    pub fn record_numbers(&self, array: &str, chunk_count: u64) -> Result<Vec<u64>, RefsError> {
        let end = chunk_count.div_ceil(self.record_size);
        match &self.records {
            Some(table) => Ok(table.numbers(array).filter(|&number| number < end).collect()),
            None if end > RECORDS_MAX => {
                Err(RefsError::Limit { what: "the number of records of one array", limit: RECORDS_MAX })
            }
            None => Ok((0..end).collect()),
        }
    }

    /// Checks what was found of record `number` of an array against what the store tells of it, and returns it; `None` if
    /// the store says that the array has no such record.
    ///
    /// # Errors
    ///
    /// [`RefsError::Key`] naming the file, which is not there though nothing says so, or is another one.
    pub fn record(&self, array: &str, number: u64, found: Option<Bytes>) -> Result<Option<Bytes>, RefsError> {
        let problem = match (&self.records, found) {
            (None, Some(bytes)) => return Ok(Some(bytes)),
            (None, None) if self.absent_is_empty => return Ok(None),
            (None, None) => format!(
                "is not there, and the store does not say that {array:?} has no references in it: kerchunk leaves such files out, \
                 and so does an interrupted copy"
            ),
            (Some(table), found) => match (table.get(array, number), found) {
                (None, _) => return Ok(None),
                (Some(_), None) => "is not there, and .zmetadata tells of it: it was lost".to_owned(),
                (Some(info), Some(bytes)) => match info.mismatch(&bytes) {
                    None => return Ok(Some(bytes)),
                    Some(problem) => problem,
                },
            },
        };
        Err(RefsError::key(record_path(array, number), problem))
    }
}

/// Reads a `.zmetadata`.
///
/// # Errors
///
/// [`RefsError`] if it is no JSON, or holds no metadata or no usable record size. What is wrong with one array stands
/// in [`ReferenceSet::unreadable`].
pub fn parse_zmetadata(bytes: &[u8]) -> Result<Index, RefsError> {
    let wrong = |problem: &str| RefsError::key(".zmetadata", problem);
    let text = std::str::from_utf8(bytes).map_err(|error| wrong(&error.to_string()))?;
    let AttributeValue::Map(members) = json_text::parse(text)? else { return Err(wrong("is not an object")) };
    let (mut metadata, mut record_size, mut own) = (None, None, None);
    for (name, value) in members {
        match (name.as_str(), value) {
            ("metadata", AttributeValue::Map(entries)) => metadata = Some(entries),
            ("record_size", value) => {
                record_size = Some(value.as_integer().and_then(|n| u64::try_from(n).ok()))
            }
            (sources::MEMBER, value) => own = Some(sources::from_value(&value)?),
            _ => {}
        }
    }
    let metadata = metadata.ok_or_else(|| wrong("has no object \"metadata\""))?;
    let metadata = metadata
        .into_iter()
        .filter(|(key, _)| is_metadata(key))
        .map(|(key, value)| (Cow::Owned(key), Metadata::Value(value)))
        .collect();
    let record_size = record_size
        .ok_or_else(|| wrong("has no \"record_size\": it is that of a Zarr store, not of references"))?
        .filter(|size| (1..=RECORD_SIZE_MAX).contains(size))
        .ok_or_else(|| wrong(&format!("has no \"record_size\" between 1 and {RECORD_SIZE_MAX}")))?;
    let Nodes { groups, arrays, unreadable } = nodes(metadata, own.is_none())?;
    let arrays = arrays.into_iter().map(|(path, pending)| (path, pending.array)).collect();
    let mut set = ReferenceSet { groups, arrays, unreadable, ..ReferenceSet::default() };
    let mut records = None;
    if let Some(mut own) = own {
        records = own.records.take();
        own.apply(&mut set);
    }
    Ok(Index { set, record_size, records, absent_is_empty: false })
}

/// Reads all records of all arrays.
///
/// `fetch` gives the bytes of a file of the layout, `None` where there is none.
///
/// # Errors
///
/// Those of `fetch` and of [`parse_zmetadata`]. What is wrong with the records of one array, a lost one among them, stands
/// in [`ReferenceSet::unreadable`].
pub fn read<E: From<RefsError>>(
    zmetadata: &[u8],
    mut fetch: impl FnMut(&str) -> Result<Option<Bytes>, E>,
) -> Result<ReferenceSet, E> {
    let mut index = parse_zmetadata(zmetadata)?;
    for (path, mut array) in std::mem::take(&mut index.set.arrays) {
        match read_array(&index, &path, array.meta.grid.chunk_count(), &mut fetch)? {
            Ok(manifest) => {
                array.manifest = manifest;
                index.set.arrays.insert(path, array);
            }
            Err(error) => {
                index.set.unreadable.insert(path, error);
            }
        }
    }
    Ok(index.set)
}

/// Reads all records of one array; the inner error is what is wrong with them.
fn read_array<E: From<RefsError>>(
    index: &Index,
    path: &str,
    chunk_count: u64,
    fetch: &mut impl FnMut(&str) -> Result<Option<Bytes>, E>,
) -> Result<Result<Manifest, RefsError>, E> {
    let numbers = match index.record_numbers(path, chunk_count) {
        Ok(numbers) => numbers,
        Err(error) => return Ok(Err(error)),
    };
    let mut builder = ManifestBuilder::new();
    for number in numbers {
        let record_path = record_path(path, number);
        let bytes = match index.record(path, number, fetch(&record_path)?) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => continue,
            Err(error) => return Ok(Err(error)),
        };
        let first = number.saturating_mul(index.record_size);
        let rows = read_rows(bytes, first, |chunk, reference| push(&mut builder, chunk, reference));
        if let Err(wrong) = rows {
            return Ok(Err(RefsError::key(record_path, wrong)));
        }
    }
    Ok(builder.build(chunk_count).map_err(|error| RefsError::key(path, error.to_string())))
}

fn push(builder: &mut ManifestBuilder, number: u64, reference: Reference) -> Result<(), String> {
    builder.push(number, reference).map_err(|error| error.to_string())
}

/// Reads one record: the references of the chunks from number `first` on, as a part of the manifest of an array of
/// `chunk_count` chunks.
///
/// # Errors
///
/// [`RefsError::Syntax`] if it is not Parquet with the columns of this layout, or refers to chunks outside the grid.
pub fn parse_record(bytes: Bytes, first: u64, chunk_count: u64) -> Result<Manifest, RefsError> {
    let error = |problem: String| RefsError::Syntax { expected: "Parquet references", problem };
    let mut builder = ManifestBuilder::new();
    read_rows(bytes, first, |chunk, reference| push(&mut builder, chunk, reference)).map_err(error)?;
    builder.build(chunk_count).map_err(|problem| error(problem.to_string()))
}

/// Calls `each` with the chunk number and the reference of every row that has one; the first row is chunk `first`.
fn read_rows(
    bytes: Bytes,
    first: u64,
    mut each: impl FnMut(u64, Reference) -> Result<(), String>,
) -> Result<(), String> {
    // The `parquet` crate panics on some damaged pages. Nothing outlives the call, so nothing is left half done.
    let groups = catch_unwind(|| read_groups(bytes)).unwrap_or_else(|_| Err("a damaged page".to_owned()))?;
    let mut next = first;
    for columns in groups {
        let mut urls: HashMap<Vec<u8>, Arc<str>> = HashMap::new();
        for row in 0..columns.rows {
            if let Some(reference) = columns.reference(row, &mut urls)? {
                each(next, reference)?;
            }
            next = next.checked_add(1).ok_or("a record that goes past 64 bits")?;
        }
    }
    Ok(())
}

/// Reads all row groups; what this layout writes has one.
fn read_groups(bytes: Bytes) -> Result<Vec<Columns>, String> {
    let file = SerializedFileReader::new(bytes).map_err(|error| error.to_string())?;
    let group = |place| Columns::read(&*file.get_row_group(place).map_err(|error| error.to_string())?);
    (0..file.num_row_groups()).map(group).collect()
}

/// The columns of one row group.
struct Columns {
    rows: usize,
    path: Vec<Option<ByteArray>>,
    offset: Vec<Option<i64>>,
    size: Vec<Option<i64>>,
    /// Empty if there is no such column.
    raw: Vec<Option<ByteArray>>,
}

impl Columns {
    fn read(group: &dyn RowGroupReader) -> Result<Self, String> {
        let metadata = group.metadata();
        let rows = u64::try_from(metadata.num_rows()).ok().filter(|&rows| rows <= RECORD_SIZE_MAX);
        let rows = rows.and_then(|rows| usize::try_from(rows).ok());
        let rows =
            rows.ok_or_else(|| format!("{} rows are more than {RECORD_SIZE_MAX}", metadata.num_rows()))?;
        let len = metadata
            .columns()
            .iter()
            .try_fold(0_u64, |len, column| len.checked_add(u64::try_from(column.uncompressed_size()).ok()?));
        if len.is_none_or(|len| len > RECORD_LEN_MAX) {
            return Err(format!("the record is longer than {RECORD_LEN_MAX} bytes"));
        }
        let place =
            |name: &str| metadata.columns().iter().position(|column| column.column_path().string() == name);
        let texts = |name: &str| match place(name) {
            None => Ok(Vec::new()),
            Some(place) => {
                read_column::<ByteArrayType, _>(group, place, rows, PhysicalType::BYTE_ARRAY, |v| v)
                    .map_err(|error| format!("column {name:?}: {error}"))
            }
        };
        let integers = |name: &str| {
            let place = place(name).ok_or_else(|| format!("there is no column {name:?}"))?;
            let narrow = metadata.column(place).column_type() == PhysicalType::INT32;
            let column = if narrow {
                read_column::<Int32Type, _>(group, place, rows, PhysicalType::INT32, i64::from)
            } else {
                read_column::<Int64Type, _>(group, place, rows, PhysicalType::INT64, |v| v)
            };
            column.map_err(|error| format!("column {name:?}: {error}"))
        };
        Ok(Self {
            rows,
            path: texts("path")?,
            offset: integers("offset")?,
            size: integers("size")?,
            raw: texts("raw")?,
        })
    }

    /// The reference of `row`; `None` for an absent chunk.
    fn reference(
        &self,
        row: usize,
        urls: &mut HashMap<Vec<u8>, Arc<str>>,
    ) -> Result<Option<Reference>, String> {
        if let Some(Some(raw)) = self.raw.get(row) {
            return Ok(Some(Reference::Inline(Bytes::copy_from_slice(raw.data()))));
        }
        let Some(Some(path)) = self.path.get(row) else { return Ok(None) };
        let url = match urls.get(path.data()) {
            Some(url) => Arc::clone(url),
            None => {
                let text = path.as_utf8().map_err(|error| error.to_string())?;
                let url: Arc<str> = Arc::from(text);
                urls.insert(path.data().to_vec(), Arc::clone(&url));
                url
            }
        };
        let number = |column: &[Option<i64>]| column.get(row).copied().flatten();
        match (number(&self.offset), number(&self.size)) {
            (Some(0), Some(0)) => Ok(Some(Reference::Whole { url })),
            (Some(offset), Some(size)) => {
                let range = u64::try_from(offset).ok().zip(u64::try_from(size).ok());
                let range = range.and_then(|(offset, size)| ByteRange::new(offset, size));
                let range = range
                    .ok_or_else(|| format!("row {row}: {size} bytes from {offset} are no range of bytes"))?;
                Ok(Some(Reference::Range { url, range }))
            }
            _ => Err(format!("row {row} has a path but no offset or size")),
        }
    }
}

/// Reads a whole column, `None` for nulls.
fn read_column<T: DataType, V>(
    group: &dyn RowGroupReader,
    place: usize,
    rows: usize,
    expected: PhysicalType,
    convert: impl Fn(T::T) -> V,
) -> Result<Vec<Option<V>>, ParquetError> {
    let descriptor = group.metadata().column(place).column_descr();
    if descriptor.physical_type() != expected
        || descriptor.max_def_level() > 1
        || descriptor.max_rep_level() > 0
    {
        return Err(ParquetError::General(format!("is not a flat column of {expected}")));
    }
    let optional = descriptor.max_def_level() == 1;
    let mut reader = get_typed_column_reader::<T>(group.get_column_reader(place)?);
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    let mut total = 0;
    while total < rows {
        let levels = optional.then_some(&mut levels);
        let (records, ..) = reader.read_records(rows - total, levels, None, &mut values)?;
        if records == 0 {
            return Err(ParquetError::EOF(format!("has {total} rows instead of {rows}")));
        }
        total += records;
    }
    let mut values = values.into_iter().map(convert);
    if optional {
        Ok(levels.into_iter().map(|level| if level == 1 { values.next() } else { None }).collect())
    } else {
        Ok(values.map(Some).collect())
    }
}
