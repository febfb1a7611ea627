//! A reference document, JSON or the index of Parquet references: reading it may fail, but nothing may panic or
//! allocate out of proportion, and what was read must be read alike after it was written.

use rangefold_refs::{json, parquet};

pub(crate) fn run(bytes: &[u8]) {
    let _ = parquet::parse_zmetadata(bytes);
    let Ok(mut set) = json::read(bytes) else { return };
    set.unreadable.clear();
    let Ok(written) = json::write(&set) else { return };
    let again = json::read(&written).expect("what was written is read");
    assert!(again.unreadable.is_empty(), "{:?}", again.unreadable);
    assert_eq!(json::write(&again).expect("what was read is written"), written);
}
