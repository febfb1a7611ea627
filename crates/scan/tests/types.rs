//! What the type of a dataset decides: which dimensions netCDF makes up, and how the mark of texts is said.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rangefold_array::FillValue;
use rangefold_refs::{AttributeValue, zarr_v2};
use rangefold_scan::ScanOptions;
use support::scan_file;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/types")
}

#[tokio::test]
async fn made_up_dimensions_have_the_numbers_that_netcdf_gives_them() {
    let netcdf: BTreeMap<String, Vec<String>> =
        serde_json::from_slice(&std::fs::read(folder().join("phony.json")).unwrap()).unwrap();
    let scan = scan_file(&folder().join("phony.h5"), &ScanOptions::default()).await.unwrap();
    for (name, dimensions) in &netcdf {
        assert_eq!(scan.references.arrays[name].meta.dimension_names, *dimensions, "{name}");
    }
    // netCDF has no type for these; their names come after all others.
    let bits = &scan.references.arrays["b_bits"].meta.dimension_names;
    let arrays = &scan.references.arrays["d_arrays"].meta.dimension_names;
    assert_eq!((bits.as_slice(), arrays.len()), (["phony_dim_3".to_owned()].as_slice(), 2));
    assert!(bits.iter().chain(arrays).all(|name| !netcdf.values().flatten().any(|taken| taken == name)));
}

#[tokio::test]
async fn marks_of_texts_are_base64_fill_values_and_are_read_back() {
    let scan = scan_file(&folder().join("texts.nc"), &ScanOptions::default()).await.unwrap();
    let texts = |name: &str| {
        let array = &scan.references.arrays[name];
        let zarray = zarr_v2::zarray(&array.meta, &array.attributes).unwrap();
        let zattrs = zarr_v2::array_zattrs(&array.meta, &array.attributes);
        let again = zarr_v2::parse_array(name, &zarray, Some(&zattrs)).unwrap();
        let zeros = |fill: &FillValue| fill.0.iter().all(|byte| *byte == 0);
        assert_eq!(
            again.meta.fill_value,
            array.meta.fill_value.clone().filter(|fill| !zeros(fill)),
            "{name}"
        );
        assert_eq!(again.attributes.get("_FillValue"), array.attributes.get("_FillValue"), "{name}");
        let zarray: serde_json::Value = serde_json::from_str(&zarray).unwrap();
        (zarray["fill_value"].clone(), again.attributes.get("_FillValue").cloned())
    };
    let text = |text: &str| Some(AttributeValue::Text(text.to_owned()));
    // base64 of "-" and of "N/A": bytes that fill up to five are left out.
    assert_eq!(texts("letters"), ("LQ==".into(), text("-")));
    assert_eq!(texts("words"), ("Ti9B".into(), text("N/A")));
    // Zeros are said as null, which marks nothing.
    assert_eq!(texts("unmarked"), (serde_json::Value::Null, None));
}
