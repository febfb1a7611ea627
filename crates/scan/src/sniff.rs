//! What a file that is not HDF5 looks like, so that the error can say it.

/// Bytes of the beginning that [`looks_like`] wants to see.
pub(crate) const PREFIX_LEN: u64 = 512;

/// Names the format whose beginning `prefix` is.
///
/// `prefix` is the beginning of a file without an HDF5 signature; 512 bytes are enough.
#[must_use]
pub fn looks_like(prefix: &[u8]) -> &'static str {
    /// Signatures at the first byte.
    const SIGNATURES: [(&[u8], &str); 16] = [
        (b"CDF\x01", "a netCDF-3 classic file"),
        (b"CDF\x02", "a netCDF-3 file with 64-bit offsets"),
        (b"CDF\x05", "a netCDF-3 file with 64-bit data (CDF-5)"),
        (b"GRIB", "a GRIB file"),
        (b"BUFR", "a BUFR file"),
        (b"\x0e\x03\x13\x01", "an HDF4 file"),
        (b"\x89HDF", "an HDF5 file whose signature is damaged, perhaps by a text-mode transfer"),
        (b"version https://git-lfs", "a Git LFS pointer: the file itself was not fetched"),
        (b"\x1f\x8b", "a gzip-compressed file"),
        (b"BZh", "a bzip2-compressed file"),
        (b"\xfd7zXZ", "an xz-compressed file"),
        (b"\x28\xb5\x2f\xfd", "a Zstandard-compressed file"),
        (b"PK\x03\x04", "a zip archive"),
        (b"II\x2a\x00", "a TIFF file"),
        (b"MM\x00\x2a", "a TIFF file"),
        (b"PAR1", "a Parquet file"),
    ];
    if prefix.is_empty() {
        return "an empty file";
    }
    if let Some((_, name)) = SIGNATURES.iter().find(|(signature, _)| prefix.starts_with(signature)) {
        return name;
    }
    let text = prefix.trim_ascii_start();
    let begins =
        |word: &str| text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()));
    if begins("<!doctype html") || begins("<html") {
        return "an HTML page, perhaps a login or error page";
    }
    if begins("<?xml") {
        return "an XML document, perhaps an error answer of the store";
    }
    if begins("{") {
        return "a JSON document";
    }
    if prefix.iter().all(|byte| *byte == 0) {
        return "zero bytes, perhaps a file whose transfer was cut off";
    }
    // The prefix may end inside a character.
    let text = match std::str::from_utf8(prefix) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => prefix
            .get(..error.valid_up_to())
            .and_then(|whole| std::str::from_utf8(whole).ok())
            .unwrap_or("\0"),
        Err(_) => "\0",
    };
    let printable = |c: char| !c.is_control() || c.is_whitespace();
    if text.chars().all(printable) { "a text file" } else { "a file of an unknown format" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formats_that_are_taken_for_hdf5_most_often_are_named() {
        for (bytes, name) in [
            (&b""[..], "an empty file"),
            (b"CDF\x01\0\0\0\0", "a netCDF-3 classic file"),
            (b"GRIB\0\0\0\x02", "a GRIB file"),
            (
                b"version https://git-lfs.github.com/spec/v1\n",
                "a Git LFS pointer: the file itself was not fetched",
            ),
            (b"\n <!DOCTYPE HTML PUBLIC", "an HTML page, perhaps a login or error page"),
            (b"netcdf foo {\n", "a text file"),
            (b"\0\0\0\0", "zero bytes, perhaps a file whose transfer was cut off"),
            (b"\x01\x02\x03", "a file of an unknown format"),
        ] {
            assert_eq!(looks_like(bytes), name);
        }
    }
}
