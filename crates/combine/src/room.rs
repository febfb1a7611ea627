//! Room for the decoded values of a whole variable.

use rangefold_array::{ArrayMeta, Hyperslab};
use rangefold_refs::ManifestArray;
use rangefold_store::{Assembler, STRINGS_MAX};

use crate::mark::{Mark, is_lost};

/// Room for a whole variable, or why it cannot be held. Where nothing says what absent chunks hold, they hold what the
/// joined variable declares as missing.
pub(crate) fn assembler<'a>(array: &'a ManifestArray, whole: &Hyperslab) -> Result<Assembler<'a>, String> {
    let meta: &ArrayMeta = &array.meta;
    let default = is_lost(array).then(|| Mark::by_default(array));
    let default = default
        .map(|mark| {
            mark.ok_or("chunks of it are absent, and nothing says what they hold".to_owned())
                .map(|mark| mark.fill)
        })
        .transpose()?;
    let fill = meta.fill_value.as_ref().or(default.as_ref()).map(|fill| fill.0.as_slice());
    Assembler::new(meta, &meta.codecs, whole, fill).map_err(|_| {
        format!("its shape {:?} is too large to be read as a whole (limit {STRINGS_MAX})", meta.shape())
    })
}
