//! What may be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use rangefold::combine::{Mismatch, MissingVariable, Overlap, PackingRule, Sort, Word};

/// Scan netCDF-4/HDF5 files into kerchunk references and reduce over their byte ranges.
#[derive(Debug, Parser)]
#[command(name = "rangefold", version, about, max_term_width = 110, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    #[command(flatten)]
    pub(crate) shared: Shared,
}

/// Options every verb takes.
#[derive(Debug, Args)]
pub(crate) struct Shared {
    /// Rules per URL prefix: credentials, endpoints, rewriting (YAML)
    #[arg(long, global = true, value_name = "FILE", env = "RANGEFOLD_STORAGE", help_heading = "Storage")]
    pub(crate) storage: Option<PathBuf>,
    /// Endpoint of an S3-compatible service
    #[arg(long, global = true, value_name = "URL", help_heading = "Storage")]
    pub(crate) endpoint_url: Option<String>,
    /// Region of the bucket
    #[arg(long, global = true, help_heading = "Storage")]
    pub(crate) region: Option<String>,
    /// Send no credentials
    #[arg(long, global = true, conflicts_with = "profile", help_heading = "Storage")]
    pub(crate) anonymous: bool,
    /// Profile of the AWS configuration files
    #[arg(long, global = true, help_heading = "Storage")]
    pub(crate) profile: Option<String>,
    /// How long a server may be silent before a request is tried again: 20s, 2m [default: what the rules say, or 20s]
    #[arg(long, global = true, value_name = "TIME", value_parser = span, help_heading = "Storage")]
    pub(crate) timeout: Option<Duration>,
    /// Requests in flight
    #[arg(long, global = true, value_name = "N", default_value_t = 32, value_parser = positive, help_heading = "Resources")]
    pub(crate) concurrency: usize,
    /// Memory for fetched and decoded bytes and the answer, such as 512MiB. An answer larger than that is still given
    #[arg(long, global = true, value_name = "SIZE", default_value = "1GiB", value_parser = size, help_heading = "Resources")]
    pub(crate) memory: u64,
    /// Threads that decode and reduce [default: one per core]
    #[arg(long, global = true, value_name = "N", value_parser = positive, help_heading = "Resources")]
    pub(crate) threads: Option<usize>,
    /// Print results as JSON
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,
    /// No progress bar
    #[arg(short, long, global = true, help_heading = "Output")]
    pub(crate) quiet: bool,
    /// Say what is being done on stderr; twice for every request
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Output")]
    pub(crate) verbose: u8,
    /// Replace outputs that exist
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) overwrite: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// netCDF-4/HDF5 files to references
    #[command(after_help = "Example:\n  rangefold scan s3://bucket/tas_2001.nc -o tas_2001.json")]
    Scan(Scan),
    /// Groups, variables, dimensions, types, chunks, codecs and attributes, like ncdump -h
    #[command(after_help = "Example:\n  rangefold info tas_2001.json tas")]
    Info(Info),
    /// Reduce a variable over the referenced byte ranges
    #[command(
        after_help = "Example:\n  rangefold reduce tas_2001.json tas --op mean,max --over time --select 'lat=-30.0..30.0'"
    )]
    Reduce(Reduce),
    /// The answer of all parts that reduce --part made
    #[command(
        after_help = "Example:\n  rangefold reduce stack.json tas --op mean --part 3/16 -o p3.part   # and the others, anywhere\n  rangefold merge p*.part -o answer.json"
    )]
    Merge(Merge),
    /// Partial answers that reduce --keep keeps
    #[command(subcommand)]
    Keep(KeepVerb),
    /// Many reference sets to one
    #[command(after_help = "Example:\n  rangefold combine refs/*.json -o stack.json --concat time")]
    Combine(Combine),
    /// Decoded values of a selection
    #[command(after_help = "Example:\n  rangefold get stack.json tas --select 'time=2001-07' -o july.npy")]
    Get(Get),
    /// Whether every reference resolves, lies in its object and decodes, and sources are unchanged
    #[command(after_help = "Example:\n  rangefold check stack.json --all")]
    Check(Check),
    /// References from one form to another: JSON, Parquet, compressed, other URLs
    #[command(
        after_help = "Example:\n  rangefold convert stack.json -o stack.parq --rewrite s3://staging/=s3://final/"
    )]
    Convert(Convert),
    /// What is known of storage
    #[command(subcommand)]
    Storage(StorageVerb),
    /// The HDF5 structures of a file, with their addresses
    #[command(after_help = "Example:\n  rangefold dump tas_2001.nc")]
    Dump(Dump),
    /// Write a completion script for a shell
    #[command(
        after_help = "Example:\n  rangefold completions bash > ~/.local/share/bash-completion/completions/rangefold"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Scan {
    /// Paths or URLs (file, s3, gs, az, http, https) of netCDF-4/HDF5 files
    #[arg(required = true)]
    pub(crate) files: Vec<String>,
    /// Output: .json, .json.gz, .json.zst or .parq for one input, a folder (ending in /) for many; stdout if absent and
    /// there is one input
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: Option<String>,
    /// Only variables whose path matches; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub(crate) include: Vec<String>,
    /// No variables whose path matches; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,
    /// Chunks of fewer encoded bytes are put into the references
    #[arg(long, value_name = "BYTES", default_value_t = 300)]
    pub(crate) inline_threshold: u64,
    /// End with exit code 3 if a variable cannot be referenced
    #[arg(long)]
    pub(crate) strict: bool,
    /// Write what can be read of a damaged or cut-off file; the references then say what was lost
    #[arg(long)]
    pub(crate) allow_damaged: bool,
    /// What references point at instead of the input (for one input)
    #[arg(long, value_name = "URL")]
    pub(crate) final_url: Option<String>,
    /// Write what was skipped and why, as JSON, to a path or URL
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<String>,
    /// Print requests and rounds to stderr
    #[arg(long)]
    pub(crate) trace: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Info {
    /// Reference store (JSON or Parquet), path or URL
    pub(crate) refs: String,
    /// Only this variable
    pub(crate) variable: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Reduce {
    /// Reference store (JSON or Parquet), path or URL
    pub(crate) refs: String,
    /// Path of a variable, or a glob; '**' is every numeric variable
    pub(crate) variable: String,
    /// Operations, comma-separated: they share one pass. min max range sum count mean var std first last, argmin argmax
    /// (where the smallest and largest value first stand, by number and by coordinates), any(>0) all(>0) count_where(>0),
    /// histogram(250,260,270), trend and trend_error (slope along the one reduced dimension, per unit of its coordinate, and
    /// its standard error), and in a pass of their own, or several where --memory is short, median, quantile(0.9)
    #[arg(long, required = true, value_name = "OPS")]
    pub(crate) op: String,
    /// Dimensions to reduce [default: all]
    #[arg(long, value_delimiter = ',', value_name = "DIM")]
    pub(crate) over: Option<Vec<String>>,
    /// Part of the variable: 'time=0:120,lat=-30.0..30.0'; integers and a:b:s are indexes, decimal points, .. and dates are coordinates
    #[arg(long, value_name = "SELECTION")]
    pub(crate) select: Option<String>,
    /// A single coordinate value takes the nearest cell, however far away
    #[arg(long)]
    pub(crate) nearest: bool,
    /// Only values that meet a condition: '> 273.15'
    #[arg(long = "where", value_name = "CONDITION")]
    pub(crate) condition: Option<String>,
    /// What values weigh, comma-separated: coslat, or a variable such as the areas of cells or time_bnds
    #[arg(long, value_name = "coslat|VAR", value_delimiter = ',')]
    pub(crate) weights: Vec<String>,
    /// Only cells where another variable meets a condition: 'sftlf > 50'
    #[arg(long, value_name = "VAR CONDITION")]
    pub(crate) mask: Option<String>,
    /// Means of groups that are taken from the values before anything else: time.month for those over all years, or
    /// time.month:1981..2010 over a base period; groups as for --by. They take a pass of their own
    #[arg(long, value_name = "GROUPS[:BASE]")]
    pub(crate) anomaly: Option<String>,
    /// Groups in place of dimensions: time.year, month, season, day, dayofyear, hour, yearmonth or date; periods one after
    /// the other, as resampling makes them: time.6h, time.5d, time.week, time.3months, time.QS-DEC, time.2years; or the
    /// values of a variable such as a map of basins; may be repeated. time.season=DJF is one group alone, and nothing else
    /// is read; time.month:min=28 answers for groups of at least 28 positions, and for cells of at least 28 values
    #[arg(long, value_name = "DIM.PART|DIM.PERIOD|VAR")]
    pub(crate) by: Vec<String>,
    /// Windows that move along a dimension, reduced all at once: time=30 for a position and the 29 before it,
    /// time=30:center around it, time=30:min=20 to answer where 20 positions have a value. The dimension stays
    #[arg(long, value_name = "DIM=LENGTH")]
    pub(crate) rolling: Option<String>,
    /// No unpacking, no masking
    #[arg(long)]
    pub(crate) raw: bool,
    /// Say what would be read, and read nothing
    #[arg(long)]
    pub(crate) explain: bool,
    /// Sketch the answer in the terminal
    #[arg(long)]
    pub(crate) plot: bool,
    /// Keep partial answers at a path or URL and use them again: what is asked again reads only chunks that are new or have
    /// changed
    #[arg(long, value_name = "URL", env = "RANGEFOLD_KEEP", hide_env_values = true)]
    pub(crate) keep: Option<String>,
    #[command(flatten)]
    pub(crate) keep_size: KeepSize,
    /// Only a part of the work, 3/16: what it gives goes to -o, and merge makes the answer of all parts
    #[arg(long, value_name = "I/N", requires = "output", conflicts_with_all = ["explain", "plot"], value_parser = part)]
    pub(crate) part: Option<(u32, u32)>,
    /// Output: .json, .npy, .csv, .nc.json, .zarr or .png, and .part with --part; stdout if absent
    #[arg(short, long, value_name = "OUT", value_parser = answer_output)]
    pub(crate) output: Option<String>,
}

/// How much is kept.
#[derive(Debug, Args)]
pub(crate) struct KeepSize {
    /// Bytes of what is kept at the most; questions that were not asked for the longest time are removed
    #[arg(long, value_name = "SIZE", default_value = "10GiB", value_parser = size, env = "RANGEFOLD_KEEP_SIZE")]
    pub(crate) keep_size: u64,
}

/// What is kept.
#[derive(Debug, Args)]
pub(crate) struct Kept {
    /// Where it is kept, as for reduce
    #[arg(long, value_name = "URL", env = "RANGEFOLD_KEEP", hide_env_values = true)]
    pub(crate) keep: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeepVerb {
    /// The questions of which partial answers are kept, those that were asked last first
    #[command(after_help = "Example:\n  rangefold keep list --keep s3://bucket/kept")]
    List(Kept),
    /// Remove what was not used for the longest time, until no more is kept than --keep-size
    #[command(after_help = "Example:\n  rangefold keep prune --keep s3://bucket/kept --keep-size 2GiB")]
    Prune {
        #[command(flatten)]
        kept: Kept,
        #[command(flatten)]
        keep_size: KeepSize,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Merge {
    /// All parts that reduce --part made, paths or URLs
    #[arg(required = true)]
    pub(crate) parts: Vec<String>,
    /// The reference store, if it is elsewhere than it was when the parts were made
    #[arg(long, value_name = "REFS")]
    pub(crate) refs: Option<String>,
    /// Sketch the answer in the terminal
    #[arg(long)]
    pub(crate) plot: bool,
    /// Output: .json, .npy, .csv, .nc.json, .zarr or .png; stdout if absent
    #[arg(short, long, value_name = "OUT", value_parser = field_output)]
    pub(crate) output: Option<String>,
}

/// The ending of parts of answers.
pub(crate) const PART_ENDING: &str = ".part";

/// An output of an answer, or of a part of one.
fn answer_output(text: &str) -> Result<String, String> {
    if text.ends_with(PART_ENDING) { Ok(text.to_owned()) } else { field_output(text) }
}

/// A part of several: `3/16`.
fn part(text: &str) -> Result<(u32, u32), String> {
    let numbers = text.split_once('/').and_then(|(part, of)| Some((part.parse().ok()?, of.parse().ok()?)));
    match numbers {
        Some((part, of)) if (1..=of).contains(&part) && of <= rangefold::query::PARTS_MAX => Ok((part, of)),
        _ => Err(format!("a part is I/N, from 1/N to N/N, with N at most {}", rangefold::query::PARTS_MAX)),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Combine {
    /// Reference stores (JSON or Parquet), paths or URLs
    #[arg(required = true)]
    pub(crate) refs: Vec<String>,
    /// Output: .json, .json.gz, .json.zst or .parq
    #[arg(short, long, value_name = "OUT", required = true)]
    pub(crate) output: String,
    /// Dimension to join; may be repeated, outermost first
    #[arg(long, value_name = "DIM", required = true)]
    pub(crate) concat: Vec<String>,
    /// Where the labels of a dimension come from: data:v, cf:v, attr:a, vattr:v:a, regex:PATTERN, list:FILE, index, varname, size, url, name
    #[arg(long, value_name = "DIM=SELECTOR")]
    pub(crate) coord: Vec<String>,
    /// Variable that must be the same in every input, NAME or NAME=TOLERANCE; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) identical: Vec<String>,
    /// Order of the joined labels
    #[arg(long, value_parser = words::<Sort>(), default_value_t)]
    pub(crate) sort: Sort,
    /// Two inputs with data at the same labels
    #[arg(long, value_parser = words::<Overlap>(), default_value_t)]
    pub(crate) overlap: Overlap,
    /// A variable that some inputs lack
    #[arg(long, value_parser = words::<MissingVariable>(), default_value_t)]
    pub(crate) missing_var: MissingVariable,
    /// Chunks that do not fit one regular grid, and with split any property that differs
    #[arg(long, value_parser = words::<Mismatch>(), default_value_t)]
    pub(crate) mismatch: Mismatch,
    /// Files that are packed differently: scale_factor, add_offset, _FillValue, missing_value, valid range, _Unsigned
    #[arg(long, value_parser = words::<PackingRule>(), default_value_t)]
    pub(crate) packing: PackingRule,
    /// Only variables whose path matches; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub(crate) include: Vec<String>,
    /// No variables whose path matches; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,
    /// Put coordinates that are not joined into the references too
    #[arg(long)]
    pub(crate) inline_coords: bool,
    /// Attribute rule: NAME=keep|drop|min|max; may be repeated
    #[arg(long, value_name = "NAME=RULE")]
    pub(crate) attr: Vec<String>,
    /// Join inputs that were scanned from damaged files too, without what was lost
    #[arg(long)]
    pub(crate) allow_damaged: bool,
    /// A combined store to add to
    #[arg(long, value_name = "EXISTING")]
    pub(crate) append: Option<String>,
    /// Rows of a Parquet record
    #[arg(long, value_name = "N", default_value_t = rangefold::refs::parquet::RECORD_SIZE, value_parser = clap::value_parser!(u64).range(1..=rangefold::refs::parquet::RECORD_SIZE_MAX))]
    pub(crate) record_size: u64,
}

/// The values of an option that is said by one word of a few.
fn words<T: Word + Send + Sync>() -> impl TypedValueParser<Value = T> {
    let values = T::ALL.iter().map(|value| PossibleValue::new(value.word()).help(value.meaning()));
    PossibleValuesParser::new(values).try_map(|word| word.parse::<T>())
}

#[derive(Debug, Args)]
pub(crate) struct Get {
    /// Reference store (JSON or Parquet), path or URL
    pub(crate) refs: String,
    /// Path of a variable
    pub(crate) variable: String,
    /// Part of the variable, as for reduce
    #[arg(long, value_name = "SELECTION")]
    pub(crate) select: Option<String>,
    /// A single coordinate value takes the nearest cell, however far away
    #[arg(long)]
    pub(crate) nearest: bool,
    /// Means of groups that are taken from the values before anything else: time.month for those over all years, or
    /// time.month:1981..2010 over a base period; groups as for --by of reduce. They take a pass of their own
    #[arg(long, value_name = "GROUPS[:BASE]")]
    pub(crate) anomaly: Option<String>,
    /// No unpacking, no masking
    #[arg(long)]
    pub(crate) raw: bool,
    /// Output: .json, .npy, .csv, .nc.json, .zarr or .png; stdout if absent
    #[arg(short, long, value_name = "OUT", value_parser = field_output)]
    pub(crate) output: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Reference store (JSON or Parquet), path or URL
    pub(crate) refs: String,
    /// Fetch and decode every chunk, not just three of each variable
    #[arg(long, conflicts_with = "metadata_only")]
    pub(crate) all: bool,
    /// Fetch no chunk: look only at objects and ranges
    #[arg(long)]
    pub(crate) metadata_only: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Convert {
    /// Reference store (JSON or Parquet), path or URL
    pub(crate) refs: String,
    /// Output: .json, .json.gz, .json.zst or .parq
    #[arg(short, long, value_name = "OUT", required = true)]
    pub(crate) output: String,
    /// Replace the beginning of URLs; may be repeated
    #[arg(long, value_name = "FROM=TO")]
    pub(crate) rewrite: Vec<String>,
    /// Take record files that a Parquet store of kerchunk lacks for records without references. kerchunk leaves such files
    /// out, and an interrupted copy does too; the output says which there are
    #[arg(long)]
    pub(crate) absent_records_empty: bool,
    /// Rows of a Parquet record
    #[arg(long, value_name = "N", default_value_t = rangefold::refs::parquet::RECORD_SIZE, value_parser = clap::value_parser!(u64).range(1..=rangefold::refs::parquet::RECORD_SIZE_MAX))]
    pub(crate) record_size: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StorageVerb {
    /// Which rule, endpoint and credential a URL gets; then HEAD, LIST and a one-byte GET
    #[command(after_help = "Example:\n  rangefold storage check s3://bucket/tas_2001.nc")]
    Check {
        /// URL of an object, or of a folder ending in a slash
        url: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Dump {
    /// Path or URL of an HDF5 file
    pub(crate) file: String,
}

/// An output whose ending is known.
fn field_output(text: &str) -> Result<String, String> {
    rangefold::Format::of(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

/// A time: `20`, `20s`, `500ms`, `2m`.
fn span(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "" | "s" => 1.0,
        "ms" => 1e-3,
        "m" | "min" => 60.0,
        other => return Err(format!("{other:?} is not a unit of time: use ms, s or m")),
    };
    let seconds = number.parse::<f64>().ok().map(|number| number * factor);
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.filter(|time| !time.is_zero()).ok_or_else(|| format!("{text:?} is not a time such as 20s"))
}

/// At least 1.
fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(n) => Ok(n),
        Err(error) => Err(format!("{error}")),
    }
}

/// Bytes: `4096`, `64KiB`, `512MiB`, `2GiB`, `1.5GB`.
fn size(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        other => {
            return Err(format!("{other:?} is no unit of size: use KiB, MiB, GiB, TiB, kB, MB, GB or TB"));
        }
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor).ok_or_else(|| format!("{text} is more than 64 bits can count"));
    }
    let value: f64 = number.parse().map_err(|_| format!("{text:?} is not a size"))?;
    #[expect(clippy::cast_precision_loss, reason = "factors are small powers")]
    let bytes = value * factor as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "digits and a point make no negative number, and the bound is checked"
    )]
    if bytes < 1e18 { Ok(bytes as u64) } else { Err(format!("{text} is more than 64 bits can count")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_are_read_with_their_units() {
        assert_eq!(span("20"), Ok(Duration::from_secs(20)));
        assert_eq!(span("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(span("500ms"), Ok(Duration::from_millis(500)));
        for text in ["0", "s", "2 parsecs", "-1"] {
            assert!(span(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_read_with_their_units() {
        assert_eq!(size("4096"), Ok(4096));
        assert_eq!(size("64KiB"), Ok(65_536));
        assert_eq!(size("1.5GB"), Ok(1_500_000_000));
        assert!(size("12 parsecs").is_err());
        assert!(size("99999999999TiB").is_err());
    }
}
