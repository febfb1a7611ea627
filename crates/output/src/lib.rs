//! Answers and decoded selections, written: files by their ending, text and sketches for a terminal.
//!
//! ```text
//!  Field ─► encode(fields, Format) ─► Encoded::Object (json npy csv nc.json png)   bytes of one file
//!    │                                Encoded::Tree   (zarr)                      objects of one folder
//!    ├────► json_lines(fields)        one JSON document per line
//!    ├────► text(fields)              what a person reads
//!    └────► sketch(field, terminal)   what a person sees without leaving the terminal
//! ```
//! Every writer is a pure function of the fields. What a format cannot say is
//! refused with the reason and never written as something else.
//!
//! | format | missing values | several fields |
//! |---|---|---|
//! | `json` | `null` | one document per line |
//! | `csv` | empty | side by side, if on the same cells |
//! | `npy` | NaN, NaT; refused for integers, truth values and texts | refused |
//! | `nc.json` | `_FillValue` | variables of one document |
//! | `zarr` | NaN; `_FillValue` for integers | arrays of one group |
//! | `png` | grey, gaps | refused |
//!
//! Every form says what the answer is, see [`wording`](rangefold_query::wording). Variables of a `zarr` or `nc.json` are named after their
//! operation, `tas_mean`, so that none is taken for the variable itself; `group_tas_mean` where two variables share their
//! last name, and `tas_count_where_gt_5.5` where operations differ in nothing else. The number of values behind each cell
//! stands beside an answer as the CF ancillary variable `tas_mean_count`, the beginnings and ends of periods and the edges
//! of bins as the bounds `time_bnds` and `bin_bnds`.

mod axes;
mod csv;
mod error;
mod json;
mod names;
mod nco_json;
mod npy;
mod numerals;
mod picture;
mod sketch;
mod stored;
mod text;
mod ticks;
mod tree;
mod zarr;

use rangefold_query::Field;

use crate::error::{Result, Within as _, bail};

pub use error::OutputError;
pub use json::lines as json_lines;
pub use npy::ArrayFile;
pub use sketch::{Terminal, sketch};
pub use stored::Stored;
pub use text::text;
pub use tree::Tree;
pub use zarr::ZarrArray;

/// How an output is written; its ending says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `.json`: what `--json` prints.
    Json,
    /// `.npy`: one NumPy array.
    Npy,
    /// `.csv`: one row per cell.
    Csv,
    /// `.nc.json`: the netCDF data model in JSON, as `ncks --json` of NCO writes it.
    NcJson,
    /// `.zarr`: a Zarr v3 group in a folder.
    Zarr,
    /// `.png`: a map of two dimensions or a series of one.
    Png,
}

impl Format {
    /// Endings and their formats; an ending that ends in another one stands before it.
    const ENDINGS: [(&str, Self); 6] = [
        (".nc.json", Self::NcJson),
        (".json", Self::Json),
        (".npy", Self::Npy),
        (".csv", Self::Csv),
        (".zarr", Self::Zarr),
        (".png", Self::Png),
    ];

    /// The format of an output path or URL, by its ending in any case; a `.zarr` may end in a slash.
    ///
    /// # Errors
    ///
    /// The ending is none of the known ones, which the message lists.
    pub fn of(output: &str) -> Result<Self, UnknownEnding> {
        let name = output.to_ascii_lowercase();
        let folder = name.strip_suffix('/');
        let found = Self::ENDINGS.iter().find(|(ending, format)| match folder {
            Some(folder) => *format == Self::Zarr && folder.ends_with(ending),
            None => name.ends_with(ending),
        });
        found.map(|(_, format)| *format).ok_or_else(|| UnknownEnding { output: output.to_owned() })
    }
}

/// A format whose arrays can be written part by part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InParts {
    /// A `.npy` file, whose elements are put in their places: [`ArrayFile`].
    Npy,
    /// A Zarr store, whose chunks are the parts: [`ZarrArray`].
    Zarr,
}

/// An output whose ending is none of the known ones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot tell how to write {output:?}: the ending must be one of {}", Format::endings())]
pub struct UnknownEnding {
    /// The output.
    pub output: String,
}

impl Format {
    /// The known endings, as a list.
    fn endings() -> String {
        Self::ENDINGS.map(|(ending, _)| ending).join(", ")
    }
}

impl Format {
    /// Whether it is a folder of objects, and not one file.
    #[must_use]
    pub fn is_folder(self) -> bool {
        match self {
            Self::Zarr => true,
            Self::Json | Self::Npy | Self::Csv | Self::NcJson | Self::Png => false,
        }
    }

    /// How an array of this format can be written part by part; `None` if it is written whole.
    #[must_use]
    pub fn in_parts(self) -> Option<InParts> {
        match self {
            Self::Npy => Some(InParts::Npy),
            Self::Zarr => Some(InParts::Zarr),
            Self::Json | Self::Csv | Self::NcJson | Self::Png => None,
        }
    }

    /// Why several answers cannot be written, where the format holds one.
    ///
    /// # Errors
    ///
    /// The format holds one answer, and there are `count`.
    pub fn check_count(self, count: usize) -> Result<()> {
        let rule = match self {
            Self::Npy => "a .npy file holds one array",
            Self::Png => "a .png shows one answer",
            Self::Json | Self::Csv | Self::NcJson | Self::Zarr => return Ok(()),
        };
        match count {
            0 | 1 => Ok(()),
            _ => bail!("{rule}, and there are {count}; .zarr, .nc.json and .json hold many"),
        }
    }
}

/// An output before it is stored.
#[derive(Debug)]
pub enum Encoded {
    /// One file or object.
    Object(Vec<u8>),
    /// A folder, or objects under one prefix.
    Tree(Tree),
}

/// The fields in a format.
///
/// # Errors
///
/// A field contradicts itself, or the format cannot say it: see the table of this module.
pub fn encode(fields: &[Field], format: Format) -> Result<Encoded> {
    format.check_count(fields.len())?;
    for field in fields {
        field.check().map_err(|error| OutputError::from(error).of(field.title()))?;
    }
    Ok(match format {
        Format::Json => Encoded::Object(json::lines(fields).into_bytes()),
        Format::Npy => Encoded::Object(only(fields, npy::encode)?),
        Format::Csv => Encoded::Object(csv::encode(fields)?.into_bytes()),
        Format::NcJson => Encoded::Object(nco_json::encode(fields)?.into_bytes()),
        Format::Zarr => Encoded::Tree(zarr::encode(fields)?),
        Format::Png => Encoded::Object(only(fields, picture::png)?),
    })
}

/// Writes the one field there is.
fn only(fields: &[Field], write: fn(&Field) -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    match fields {
        [field] => write(field).within(|| field.title()),
        _ => bail!("there is nothing to write"),
    }
}

#[cfg(test)]
mod tests {
    use rangefold_query::samples;

    use super::*;

    #[test]
    fn the_ending_decides() {
        assert_eq!(Format::of("s3://b/out.nc.json"), Ok(Format::NcJson));
        assert_eq!(Format::of("OUT.JSON"), Ok(Format::Json));
        assert_eq!(Format::of("a/b.zarr/"), Ok(Format::Zarr));
        assert_eq!(Format::of("a.png"), Ok(Format::Png));
    }

    #[test]
    fn an_unknown_ending_is_refused_with_the_known_ones() {
        expect_test::expect![[
            r#"cannot tell how to write "out.tiff": the ending must be one of .nc.json, .json, .npy, .csv, .zarr, .png"#
        ]]
        .assert_eq(&Format::of("out.tiff").unwrap_err().to_string());
        assert!(Format::of("out.png/").is_err());
        assert!(Format::of("json").is_err());
    }

    #[test]
    fn one_array_formats_refuse_two_answers() {
        let two = [samples::map(), samples::map()];
        let error = encode(&two, Format::Npy).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a .npy file holds one array, and there are 2; .zarr, .nc.json and .json hold many"
        );
        assert!(encode(&two, Format::Png).is_err());
    }

    #[test]
    fn a_field_that_contradicts_itself_is_never_written() {
        let mut field = samples::map();
        field.valid.pop();
        let error = encode(&[field], Format::Json).unwrap_err();
        assert_eq!(rangefold_array::chain(&error), "tas mean: 5 validities for 6 cells");
    }
}
