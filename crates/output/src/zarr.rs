//! A Zarr v3 group: an array per field, per coordinate and per list of counts, with CF attributes, as xarray reads it.
//!
//! ```text
//! zarr.json        group; Conventions; every array's metadata once more, so that one request opens the store
//! lat/zarr.json    dimension_names ["lat"], units "degrees_north"
//! lat/c/0
//! tas/zarr.json    dimension_names ["lat", "lon"], fill_value NaN
//! tas/c/0/0
//! ```
//! Missing floats are NaN, which is the fill value; missing integers are named by the attribute `_FillValue`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{Result, Within as _, bail, refused};
use rangefold_array::ElementType;
use serde_json::{Map, Value as Json, json};
use zarrs::array::codec::ZstdCodec;
use zarrs::array::{ArrayBuilder, ArrayBytes, ArrayBytesOffsets, ArrayMetadataOptions, ArraySubset};
use zarrs::metadata::FillValueMetadata;
use zarrs::storage::store::MemoryStore;
use zarrs::storage::{ListableStorageTraits as _, ReadableStorageTraits as _, WritableStorageTraits as _};

use super::tree::Tree;
use super::{names, stored};
use rangefold_array::{Value, Values};
use rangefold_query::field::{Coordinate, Dim, Field};

/// Chunks hold about this many elements at the most.
const CHUNK_ELEMENTS: u64 = 1 << 22;
/// Zstandard's own default.
const COMPRESSION_LEVEL: i32 = 3;
const ROOT: &str = "zarr.json";

/// The fields as a group.
///
/// # Errors
///
/// Their dimensions contradict each other, or a type has no counterpart in Zarr.
pub(super) fn encode(fields: &[Field]) -> Result<Tree> {
    let names = names::of(fields)?;
    let dims = names::dims(fields, &names)?;
    let store = Arc::new(MemoryStore::new());
    coordinates(&store, &names, &dims)?;
    for (field, name) in fields.iter().zip(&names) {
        array(field, name).and_then(|array| array.store(&store, name)).within(|| field.title())?;
        if field.counts_apart() {
            counts(field).store(&store, &names::count(name))?;
        }
    }
    tree(&store)
}

/// Stores the coordinates of dimensions, and their bounds.
fn coordinates(store: &Arc<MemoryStore>, names: &[String], dims: &BTreeMap<&str, &Dim>) -> Result<()> {
    let two = names::two();
    for dim in dims.values().filter(|dim| !names.contains(&dim.name)) {
        if let Some(coordinate) = &dim.coordinate {
            let bounded = names::has_bounds(dim, names, dims);
            coordinate_array(dim, coordinate, bounded)?.store(store, &dim.name)?;
            if let Some(bounds) = coordinate.bounds.as_ref().filter(|_| bounded) {
                let mut array = labels(dim, bounds)?;
                array.dims.push(&two);
                array.store(store, &names::bounds(&dim.name))?;
            }
        }
    }
    Ok(())
}

/// All objects of a store, and the metadata of its root.
fn tree(store: &MemoryStore) -> Result<Tree> {
    let mut objects = BTreeMap::new();
    for key in store.list()? {
        let bytes = store.get(&key)?.ok_or_else(|| refused!("{key} is gone"))?;
        objects.insert(key.to_string(), bytes.to_vec());
    }
    let root = group(&objects)?;
    let mut objects: Vec<_> = objects.into_iter().collect();
    objects.push((ROOT.to_owned(), root));
    Ok(Tree { objects })
}

/// An array that is written chunk by chunk, with the coordinates of its dimensions.
pub struct ZarrArray {
    store: Arc<MemoryStore>,
    array: zarrs::array::Array<MemoryStore>,
}

impl ZarrArray {
    /// The array of a field whose values are still to come, of shape `shape`, in chunks of shape `chunk`.
    ///
    /// # Errors
    ///
    /// As [`encode`](crate::encode).
    pub fn new(field: &Field, stored: &stored::Stored, shape: &[u64], chunk: &[u64]) -> Result<Self> {
        let fields = std::slice::from_ref(field);
        let names = names::of(fields)?;
        let name = names.first().ok_or_else(|| refused!("there is no field"))?;
        let dims = names::dims(fields, &names)?;
        let store = Arc::new(MemoryStore::new());
        coordinates(&store, &names, &dims)?;
        let mut attributes = stored.attributes.clone();
        attributes.extend(names::attributes(field, name));
        let array = Array {
            dims: field.dims.iter().collect(),
            data_type: stored.element.name(),
            fill: fill_value(&stored.element),
            attributes,
            bytes: ArrayBytes::new_flen(Vec::new()),
        };
        let array = array.metadata(&store, name, shape, chunk)?;
        Ok(Self { store, array })
    }

    /// `length` bytes of elements that are not there.
    pub fn empty(&self, length: usize) -> Vec<u8> {
        let fill = self.array.fill_value().as_ne_bytes();
        fill.iter().copied().cycle().take(length).collect()
    }

    /// The objects of the chunk at `index`, whose elements are `bytes`; none if all of them are the fill value.
    ///
    /// # Errors
    ///
    /// There is no such chunk, or `bytes` is not one.
    pub fn chunk(&self, index: &[u64], bytes: Vec<u8>) -> Result<Vec<(String, Vec<u8>)>> {
        self.array.store_chunk(index, ArrayBytes::new_flen(bytes))?;
        let key = self.array.chunk_key(index);
        let content = self.store.get(&key)?;
        self.store.erase(&key)?;
        Ok(content.map(|content| (key.to_string(), content.to_vec())).into_iter().collect())
    }

    /// Everything but the chunks; the root's metadata is last.
    ///
    /// # Errors
    ///
    /// As [`encode`](crate::encode).
    pub fn finish(self) -> Result<Vec<(String, Vec<u8>)>> {
        Ok(tree(&self.store)?.objects)
    }
}

/// An array before it is stored.
struct Array<'a> {
    dims: Vec<&'a Dim>,
    data_type: String,
    fill: Json,
    attributes: Map<String, Json>,
    bytes: ArrayBytes<'a>,
}

impl Array<'_> {
    fn store(self, store: &Arc<MemoryStore>, name: &str) -> Result<()> {
        let shape: Vec<u64> = self.dims.iter().map(|dim| dim.length as u64).collect();
        let bytes = self.bytes.clone();
        let array = self.metadata(store, name, &shape, &chunk_shape(&shape))?;
        if !shape.contains(&0) {
            array.store_array_subset(&ArraySubset::new_with_shape(shape), bytes)?;
        }
        Ok(())
    }

    /// Stores all but the elements.
    fn metadata(
        self,
        store: &Arc<MemoryStore>,
        name: &str,
        shape: &[u64],
        chunk: &[u64],
    ) -> Result<zarrs::array::Array<MemoryStore>> {
        if name.is_empty() || name.starts_with("__") || name.contains('/') {
            bail!("{name:?} is no name of a Zarr array");
        }
        let fill: FillValueMetadata = serde_json::from_value(self.fill)?;
        let names: Vec<&str> = self.dims.iter().map(|dim| dim.name.as_str()).collect();
        let array = ArrayBuilder::new(shape.to_vec(), chunk, self.data_type.as_str(), fill)
            .bytes_to_bytes_codecs(vec![Arc::new(ZstdCodec::new(COMPRESSION_LEVEL, false))])
            .dimension_names(Some(names))
            .attributes(self.attributes)
            .build(Arc::clone(store), &format!("/{name}"))?;
        array.store_metadata_opt(&ArrayMetadataOptions::default().with_include_zarrs_metadata(false))?;
        Ok(array)
    }
}

/// The whole array, halved along its slowest dimensions until it is small enough.
fn chunk_shape(shape: &[u64]) -> Vec<u64> {
    let mut chunk: Vec<u64> = shape.iter().map(|&length| length.max(1)).collect();
    let elements =
        |chunk: &[u64]| chunk.iter().fold(1_u64, |product, &length| product.saturating_mul(length));
    while elements(&chunk) > CHUNK_ELEMENTS {
        let Some(slowest) = chunk.iter_mut().find(|length| **length > 1) else { break };
        *slowest = slowest.div_ceil(2);
    }
    chunk
}

fn array<'a>(field: &'a Field, name: &str) -> Result<Array<'a>> {
    let stored = stored::of(field)?;
    let mut attributes = stored.attributes;
    attributes.extend(names::attributes(field, name));
    let (data_type, fill, bytes) = match &stored.element {
        ElementType::VlenString | ElementType::FixedUtf32(_) | ElementType::FixedBytes(_) => {
            ("string".to_owned(), json!(""), texts(&field.values)?)
        }
        ElementType::Raw(_) | ElementType::Structured(_) => {
            bail!("values of type {} cannot be written", stored.element.name())
        }
        element => {
            let bytes = stored::native(field, element, stored.fill)?;
            (element.name(), fill_value(element), ArrayBytes::new_flen(bytes))
        }
    };
    Ok(Array { dims: field.dims.iter().collect(), data_type, fill, attributes, bytes })
}

fn counts(field: &Field) -> Array<'_> {
    let count = field.count.as_deref().unwrap_or_default();
    Array {
        dims: field.count_dims().iter().collect(),
        data_type: "uint64".to_owned(),
        fill: json!(0),
        attributes: names::count_attributes(field),
        bytes: ArrayBytes::new_flen(count.iter().flat_map(|n| n.to_ne_bytes()).collect::<Vec<u8>>()),
    }
}

fn coordinate_array<'a>(dim: &'a Dim, coordinate: &'a Coordinate, bounded: bool) -> Result<Array<'a>> {
    Ok(Array {
        attributes: names::coordinate_attributes(dim, coordinate, bounded),
        ..labels(dim, &coordinate.values)?
    })
}

/// Numbers or texts of a coordinate, without attributes.
fn labels<'a>(dim: &'a Dim, values: &'a Values) -> Result<Array<'a>> {
    let flen = |bytes: Vec<u8>| Ok(ArrayBytes::new_flen(bytes));
    let (data_type, fill, bytes) = match values {
        Values::Signed(values) => ("int64", json!(0), flen(flat(values, |x| x.to_ne_bytes()))),
        Values::Unsigned(values) => ("uint64", json!(0), flen(flat(values, |x| x.to_ne_bytes()))),
        Values::Float(values) => ("float64", json!("NaN"), flen(flat(values, |x| x.to_ne_bytes()))),
        Values::Bool(values) => ("bool", json!(false), flen(flat(values, |x| [u8::from(*x)]))),
        Values::Text(_) => ("string", json!(""), texts(values)),
        Values::Complex(_) => bail!("the coordinates of dimension {:?} are complex numbers", dim.name),
    };
    Ok(Array {
        dims: vec![dim],
        data_type: data_type.to_owned(),
        fill,
        attributes: Map::new(),
        bytes: bytes?,
    })
}

fn flat<T, B: IntoIterator<Item = u8>>(values: &[T], bytes: impl Fn(&T) -> B) -> Vec<u8> {
    values.iter().flat_map(bytes).collect()
}

/// Texts one after the other, and where each begins.
fn texts(values: &Values) -> Result<ArrayBytes<'static>> {
    let mut bytes = Vec::new();
    let mut offsets = vec![0];
    for i in 0..values.len() {
        let Some(Value::Text(text)) = values.get(i) else { bail!("value {i} is no text") };
        bytes.extend_from_slice(text.as_bytes());
        offsets.push(bytes.len());
    }
    Ok(ArrayBytes::new_vlen(bytes, ArrayBytesOffsets::new(offsets)?)?)
}

/// What a chunk that is not stored would hold.
fn fill_value(element: &ElementType) -> Json {
    match element {
        ElementType::Bool => json!(false),
        ElementType::Float16 | ElementType::Float32 | ElementType::Float64 => json!("NaN"),
        ElementType::Complex64 | ElementType::Complex128 => json!(["NaN", "NaN"]),
        _ => json!(0),
    }
}

/// Metadata of the group with that of its arrays in it, in the order of their names.
fn group(objects: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>> {
    let mut arrays = Map::new();
    for (key, bytes) in objects {
        if let Some(name) = key.strip_suffix("/zarr.json") {
            arrays.insert(name.to_owned(), serde_json::from_slice(bytes)?);
        }
    }
    let group = json!({
        "zarr_format": 3,
        "node_type": "group",
        "attributes": {"Conventions": "CF-1.11"},
        "consolidated_metadata": {"kind": "inline", "must_understand": false, "metadata": arrays},
    });
    Ok(serde_json::to_vec_pretty(&group)?)
}

#[cfg(test)]
mod tests {
    use zarrs::storage::WritableStorageTraits as _;

    use super::*;
    use rangefold_query::samples;

    /// Opens an array of an encoded store again.
    fn open(tree: &Tree, name: &str) -> zarrs::array::Array<MemoryStore> {
        let store = MemoryStore::new();
        for (key, bytes) in &tree.objects {
            store.set(&key.as_str().try_into().unwrap(), bytes.clone().into()).unwrap();
        }
        zarrs::array::Array::open(Arc::new(store), &format!("/{name}")).unwrap()
    }

    fn all(array: &zarrs::array::Array<MemoryStore>) -> ArraySubset {
        ArraySubset::new_with_shape(array.shape().to_vec())
    }

    #[test]
    fn an_answer_reads_back_with_its_coordinates_and_counts() {
        let tree = encode(&[samples::map()]).unwrap();
        assert_eq!(tree.objects.last().unwrap().0, "zarr.json");
        let tas = open(&tree, "tas_mean");
        let values: Vec<f64> = tas.retrieve_array_subset(&all(&tas)).unwrap();
        assert_eq!((values[0], values[5]), (280.1, 300.0));
        assert!(values[1].is_nan());
        assert_eq!(tas.attributes()["cell_methods"], "time: mean");
        let names: Vec<_> = tas.dimension_names().iter().flatten().flatten().cloned().collect();
        assert_eq!(names, ["lat", "lon"]);
        let lon = open(&tree, "lon");
        assert_eq!(lon.retrieve_array_subset::<Vec<f64>>(&all(&lon)).unwrap(), [0.0, 120.0, 240.0]);
        let count = open(&tree, "tas_mean_count");
        assert_eq!(
            count.retrieve_array_subset::<Vec<u64>>(&all(&count)).unwrap(),
            [365, 0, 365, 365, 364, 365]
        );
    }

    #[test]
    fn missing_integers_are_named_by_an_attribute() {
        let tree = encode(&[samples::integers(vec![7, 0], vec![true, false])]).unwrap();
        let n = open(&tree, "n");
        let fill = -9_223_372_036_854_775_806_i64;
        assert_eq!(n.retrieve_array_subset::<Vec<i64>>(&all(&n)).unwrap(), [7, fill]);
        assert_eq!(n.attributes()["_FillValue"], fill);
        let station = open(&tree, "station");
        assert_eq!(station.retrieve_array_subset::<Vec<String>>(&all(&station)).unwrap()[1], "St. \"1\", N");
    }

    #[test]
    fn the_same_fields_give_the_same_bytes() {
        let encode = || encode(&[samples::map()]).unwrap().objects;
        assert_eq!(encode(), encode());
    }

    #[test]
    fn scalars_and_empty_arrays_are_arrays_too() {
        let scalar = encode(&[samples::scalar()]).unwrap();
        let tas = open(&scalar, "tas_mean");
        assert_eq!(tas.retrieve_array_subset::<Vec<f64>>(&all(&tas)).unwrap(), [280.1]);
        let empty = samples::floats("x", vec![samples::dim("lat", &[], "1")], Vec::new());
        assert_eq!(open(&encode(&[empty]).unwrap(), "x").shape(), [0]);
    }

    #[test]
    fn large_arrays_are_cut_along_their_slowest_dimension() {
        assert_eq!(chunk_shape(&[1000, 180, 360]), [63, 180, 360]);
        assert_eq!(chunk_shape(&[5, 0]), [5, 1]);
    }
}
