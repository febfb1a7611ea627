//! Writing the Parquet layout, record by record.

use std::sync::{Arc, LazyLock};

use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::data_type::{ByteArray, ByteArrayType, DataType, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::{EnabledStatistics, WriterProperties};
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::parser::parse_message_type;
use ::parquet::schema::types::{ColumnPath, Type};
use bytes::Bytes;

use crate::AttributeValue::{Integer, Map};
use crate::json_text::write_members;
use crate::parquet::{RECORD_SIZE_MAX, RecordTable, record_path};
use crate::zarr_v2::{array_attributes_value, key, zarray_value};
use crate::{Reference, ReferenceSet, RefsError, sources};

/// More bytes of distinct paths in one record are refused; they must fit into one dictionary page.
const PATHS_LEN_MAX: usize = 1 << 30;

/// One file of the layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it belongs, relative to the folder of `.zmetadata`.
    pub path: String,
    /// Its number among the records of its array.
    pub number: u64,
    /// References in it.
    pub references: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The bytes of `.zmetadata`. Manifests play no part, they may be empty: what there is says `table`, to which every record
/// of [`records`] was added.
///
/// # Errors
///
/// The reason of the first unreadable array; [`RefsError::Unsupported`] for an array that Zarr v2 cannot describe;
/// [`RefsError::Key`] for a record size that is 0 or too large.
pub fn zmetadata(set: &ReferenceSet, record_size: u64, table: &RecordTable) -> Result<Vec<u8>, RefsError> {
    set.check_readable()?;
    check_record_size(record_size)?;
    let mut metadata = Vec::new();
    let group_format = Map(vec![("zarr_format".to_owned(), Integer(2))]);
    for (path, group) in &set.groups {
        metadata.push((key(path, ".zgroup"), group_format.clone()));
        metadata.push((key(path, ".zattrs"), Map(group.attributes.clone().into_iter().collect())));
    }
    for (path, array) in &set.arrays {
        let zarray = zarray_value(&array.meta, &array.attributes).ok_or_else(|| RefsError::Unsupported {
            key: key(path, ".zarray"),
            what: "a rectilinear grid in Parquet references".to_owned(),
        })?;
        metadata.push((key(path, ".zarray"), zarray));
        metadata.push((key(path, ".zattrs"), array_attributes_value(&array.meta, &array.attributes)));
    }
    let members = [
        ("metadata", Map(metadata)),
        ("record_size", Integer(record_size.into())),
        (sources::MEMBER, sources::to_value(set, &sources::Extent::Records(table))),
    ];
    let mut out = String::new();
    write_members(&mut out, members.iter().map(|(name, value)| (*name, value)));
    Ok(out.into_bytes())
}

fn check_record_size(record_size: u64) -> Result<(), RefsError> {
    if (1..=RECORD_SIZE_MAX).contains(&record_size) {
        Ok(())
    } else {
        Err(RefsError::key("record_size", format!("is {record_size}, not between 1 and {RECORD_SIZE_MAX}")))
    }
}

/// The records of the array at `path`, made one after the other while `references` is drawn from.
///
/// `references` are chunk numbers and references in ascending order, as [`Manifest::iter`](crate::Manifest::iter)
/// gives them; `chunk_count` is the number of chunks of the grid.
///
/// # Errors
///
/// Items are errors if the record size is 0 or too large, a number is not ascending or outside the grid, an offset or
/// length does not fit in 63 bits, or the paths of one record are too long together.
pub fn records<I>(path: &str, chunk_count: u64, record_size: u64, references: I) -> Records<I::IntoIter>
where
    I: IntoIterator<Item = (u64, Reference)>,
{
    Records {
        path: path.to_owned(),
        chunk_count,
        record_size,
        next: 0,
        references: references.into_iter(),
        held: None,
    }
}

/// Iterator of [`records`].
#[derive(Debug)]
pub struct Records<I> {
    path: String,
    chunk_count: u64,
    record_size: u64,
    /// The smallest chunk number that may come next.
    next: u64,
    references: I,
    /// A reference that belongs to a later record than the one it was drawn for.
    held: Option<(u64, Reference)>,
}

impl<I: Iterator<Item = (u64, Reference)>> Iterator for Records<I> {
    type Item = Result<Record, RefsError>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = self.held.take().or_else(|| self.references.next())?;
        let record = self.record(first);
        if record.is_err() {
            // Nothing after an error can be trusted to be in its place.
            self.chunk_count = 0;
        }
        Some(record)
    }
}

impl<I: Iterator<Item = (u64, Reference)>> Records<I> {
    /// Draws all references of the record that `first` belongs to.
    fn record(&mut self, first: (u64, Reference)) -> Result<Record, RefsError> {
        check_record_size(self.record_size)?;
        let record = first.0 / self.record_size;
        let start = record.saturating_mul(self.record_size);
        let mut columns = Columns::default();
        let mut references = 0;
        let mut drawn = Some(first);
        while let Some((number, reference)) = drawn.take() {
            if number / self.record_size != record {
                self.held = Some((number, reference));
                break;
            }
            if number < self.next || number >= self.chunk_count {
                let problem = format!(
                    "chunk {number} is out of order or outside a grid of {} chunks",
                    self.chunk_count
                );
                return Err(RefsError::key(&*self.path, problem));
            }
            columns.pad_to(number - start);
            let pushed = columns.push(reference);
            pushed.map_err(|problem| RefsError::key(format!("{}, chunk {number}", self.path), problem))?;
            self.next = number + 1;
            references += 1;
            drawn = self.references.next();
        }
        columns.pad_to(self.record_size);
        if columns.paths_len > PATHS_LEN_MAX {
            return Err(RefsError::Limit {
                what: "the length of all paths in one record",
                limit: PATHS_LEN_MAX as u64,
            });
        }
        let path = record_path(&self.path, record);
        match columns.encode() {
            Ok(bytes) => Ok(Record { path, number: record, references, bytes }),
            Err(error) => Err(RefsError::key(path, error.to_string())),
        }
    }
}

/// The rows of one record. Levels tell which rows of an optional column have a value: 1 yes, 0 no.
#[derive(Default)]
struct Columns {
    path: Vec<ByteArray>,
    path_levels: Vec<i16>,
    offset: Vec<i64>,
    size: Vec<i64>,
    raw: Vec<ByteArray>,
    raw_levels: Vec<i16>,
    last_path: Option<(Arc<str>, ByteArray)>,
    /// At least the length of all distinct paths.
    paths_len: usize,
}

impl Columns {
    /// Adds absent chunks until there are `rows` rows.
    fn pad_to(&mut self, rows: u64) {
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        self.path_levels.resize(rows, 0);
        self.offset.resize(rows, 0);
        self.size.resize(rows, 0);
        self.raw_levels.resize(rows, 0);
    }

    fn push(&mut self, reference: Reference) -> Result<(), String> {
        let (path, offset, size, raw) = match reference {
            Reference::Inline(bytes) => (None, 0, 0, Some(bytes)),
            Reference::Whole { url } => (Some(url), 0, 0, None),
            // Offset and size 0 would mean the whole object.
            Reference::Range { range, .. } if range.is_empty() => (None, 0, 0, Some(Bytes::new())),
            Reference::Range { url, range } => {
                let fits = |number: u64| {
                    i64::try_from(number).map_err(|_| format!("{number} does not fit in 63 bits"))
                };
                (Some(url), fits(range.offset())?, fits(range.length())?, None)
            }
        };
        self.path_levels.push(i16::from(path.is_some()));
        self.offset.push(offset);
        self.size.push(size);
        self.raw_levels.push(i16::from(raw.is_some()));
        self.raw.extend(raw.map(ByteArray::from));
        if let Some(url) = path {
            let bytes = match &self.last_path {
                Some((last, bytes)) if Arc::ptr_eq(last, &url) => bytes.clone(),
                _ => {
                    self.paths_len = self.paths_len.saturating_add(url.len());
                    let bytes = ByteArray::from(url.as_bytes().to_vec());
                    self.last_path = Some((url, bytes.clone()));
                    bytes
                }
            };
            self.path.push(bytes);
        }
        Ok(())
    }

    fn encode(&self) -> Result<Vec<u8>, ParquetError> {
        let (schema, properties) = &*FORMAT;
        let mut writer = SerializedFileWriter::new(Vec::new(), Arc::clone(schema), Arc::clone(properties))?;
        let mut group = writer.next_row_group()?;
        write_column::<ByteArrayType>(&mut group, &self.path, Some(&self.path_levels))?;
        write_column::<Int64Type>(&mut group, &self.offset, None)?;
        write_column::<Int64Type>(&mut group, &self.size, None)?;
        write_column::<ByteArrayType>(&mut group, &self.raw, Some(&self.raw_levels))?;
        group.close()?;
        writer.into_inner()
    }
}

fn write_column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let mut column = group
        .next_column()?
        .ok_or_else(|| ParquetError::General("the schema has too few columns".to_owned()))?;
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()
}

/// The schema and how it is encoded.
static FORMAT: LazyLock<(Arc<Type>, Arc<WriterProperties>)> = LazyLock::new(|| {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_enabled(false)
        .set_column_dictionary_enabled(ColumnPath::from("path"), true)
        .set_dictionary_page_size_limit(PATHS_LEN_MAX)
        .set_max_row_group_row_count(None)
        .set_statistics_enabled(EnabledStatistics::None)
        // fastparquet reads integers as floats unless statistics promise that there is no null among them.
        .set_column_statistics_enabled(ColumnPath::from("offset"), EnabledStatistics::Chunk)
        .set_column_statistics_enabled(ColumnPath::from("size"), EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_created_by(concat!("rangefold version ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    (Arc::new(schema()), Arc::new(properties))
});

#[expect(clippy::expect_used, reason = "the text is fixed, and every test that writes a record parses it")]
fn schema() -> Type {
    const SCHEMA: &str = "message schema {
        optional binary path (STRING);
        required int64 offset;
        required int64 size;
        optional binary raw;
    }";
    parse_message_type(SCHEMA).expect("a fixed schema")
}
