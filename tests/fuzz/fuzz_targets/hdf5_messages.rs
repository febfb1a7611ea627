//! Every parser of an object header message, on the same bytes: none may panic, loop for ever or allocate out of
//! proportion.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rangefold_hdf5::format::cursor::{Cursor, Sizes};
use rangefold_hdf5::format::external::ExternalFileList;
use rangefold_hdf5::format::layout::DataLayout;
use rangefold_hdf5::format::sohm::{SharedMessageTable, SharedMessageTableMessage};
use rangefold_hdf5::format::virtual_dataset;
use rangefold_hdf5::model::Selection;

fuzz_target!(|bytes: &[u8]| {
    for width in [2, 4, 8] {
        let Ok(sizes) = Sizes::new(width, width) else { continue };
        let _ = DataLayout::parse(bytes, sizes);
        if let Ok(list) = ExternalFileList::parse(bytes, sizes) {
            let _ = list.segments(bytes);
        }
        let _ = SharedMessageTableMessage::parse(bytes, sizes);
        let _ = SharedMessageTable::parse(bytes, 255, sizes).map(|table| table.heap(3));
        let _ = virtual_dataset::mappings(bytes, sizes);
    }
    let _ = Selection::read(&mut Cursor::new(bytes));
});
