//! `rangefold combine`: many reference sets to one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use rangefold::combine::{
    AttributeRule, ChunkRule, CombineSpec, Combined, Input, MissingVariable, Overlap, PackingRule, Piece,
    Selector, Sort, Tolerance, combine_split, is_description, join,
};
use rangefold::refs::Choice;
use rangefold::store::numbered;

use crate::args::{self, Combine};
use crate::context::{Context, unlisted};
use crate::{Done, WrongArguments, names, output, progress, refs_output};

/// Reference stores read at the same time.
const INPUTS_IN_FLIGHT: usize = 16;

pub(crate) async fn run(context: &Context, args: &Combine) -> Result<Done> {
    refs_output::check(context, &args.output, args.refs.iter().map(String::as_str)).await?;
    // A file of labels that is not there is a missing input, like any other.
    for (_, file) in args.coord.iter().filter_map(|coord| coord.split_once("=list:")) {
        lines(file).map_err(anyhow::Error::msg)?;
    }
    let spec = spec(args).map_err(WrongArguments::of)?;
    let choice = Choice::new(&args.include, &args.exclude).map_err(WrongArguments::of)?;
    let refs = context.storage.matching(&args.refs).await.map_err(unlisted)?;
    context.check_distinct(&args.output, refs.iter().map(String::as_str))?;
    let bar = progress::bar(&context.shared, refs.len() as u64, "inputs");
    let mut inputs: Vec<Input> = stream::iter(&refs)
        .map(|url| {
            let (choice, bar) = (&choice, &bar);
            async move {
                tracing::info!("reading {url}");
                let mut set = context.references(url).await?;
                set.keep(choice);
                bar.inc(1);
                anyhow::Ok(Input::new(url.clone(), set))
            }
        })
        .buffered(INPUTS_IN_FLIGHT)
        .try_collect()
        .await?;
    bar.finish_and_clear();
    names::tell_unmatched(&choice, "the inputs")?;
    check_names(&spec, &inputs)?;
    if let Some(existing) = &args.append {
        inputs.insert(0, Input::combined(existing.clone(), context.references(existing).await?));
    }
    tracing::info!("combining {} inputs", inputs.len());
    let cannot = format!("cannot combine {} inputs", inputs.len());
    let (storage, options) = (context.storage.clone(), context.fetch_options());
    if matches!(args.mismatch, args::Mismatch::Split) {
        let names = inputs.iter().map(|input| input.name.clone()).collect();
        let pieces = combine_split(inputs, &spec, storage, options).await.context(cannot)?;
        return write_pieces(context, args, names, pieces).await;
    }
    let joined = join(inputs, &spec, storage, options).await.context(cannot.clone())?;
    let dropped = joined.dropped_attributes.clone();
    refs_output::write(context, &args.output, joined, args.record_size).await.context(cannot)?;
    report_dropped(context, &dropped);
    Ok(Done::All)
}

/// Whether the names that rules are for stand in any input: a rule for none would be a check switched off by a typo.
fn check_names(spec: &CombineSpec, inputs: &[Input]) -> Result<()> {
    let sets = || inputs.iter().map(|input| &input.references);
    let paths: BTreeSet<&str> = sets().flat_map(|set| set.arrays.keys()).map(String::as_str).collect();
    if let Some(name) = spec.identical.keys().find(|name| !paths.contains(name.as_str())) {
        let near = names::suggestions(name, paths.iter().copied());
        bail!("no input has the variable {name:?} of --identical{near}");
    }
    let attributes: BTreeSet<&str> = sets()
        .flat_map(|set| {
            let of_arrays = set.arrays.values().map(|array| &array.attributes);
            set.groups.values().map(|group| &group.attributes).chain(of_arrays)
        })
        .flat_map(|attributes| attributes.iter().map(|(name, _)| name))
        .collect();
    for name in spec.attributes.keys().filter(|name| !attributes.contains(name.as_str())) {
        let near = names::suggestions(name, attributes.iter().copied());
        output::complain(&format!("warning: no input has the attribute {name:?} of --attr{near}"));
    }
    Ok(())
}

/// Writes each piece to an output of its own; a single one to the output as it was named.
async fn write_pieces(
    context: &Context,
    args: &Combine,
    inputs: Vec<String>,
    pieces: Vec<Piece>,
) -> Result<Done> {
    let single = pieces.len() == 1;
    for (number, piece) in (1..).zip(pieces) {
        let output = if single { args.output.clone() } else { numbered(&args.output, number) };
        let Combined { references, dropped_attributes } = piece.combined;
        refs_output::write(context, &output, Arc::new(references), args.record_size).await?;
        let names: Vec<&str> =
            piece.inputs.iter().filter_map(|&input| inputs.get(input)).map(String::as_str).collect();
        output::complain(&format!("{output}: {}", names.join(", ")));
        report_dropped(context, &dropped_attributes);
    }
    Ok(Done::All)
}

/// Attributes left out because inputs differ: path, and name.
type Dropped = BTreeSet<(String, String)>;

fn report_dropped(context: &Context, dropped: &Dropped) {
    for (path, name) in dropped {
        if context.shared.verbose > 0 || is_description(name) {
            output::complain(&format!("attribute {name:?} of {path:?} is left out: inputs differ"));
        }
    }
}

fn spec(args: &Combine) -> Result<CombineSpec> {
    if let Some(dimension) = args
        .concat
        .iter()
        .enumerate()
        .find_map(|(i, name)| args.concat.get(..i)?.contains(name).then_some(name))
    {
        bail!("--concat names {dimension:?} twice");
    }
    let mut selectors = BTreeMap::new();
    for coord in &args.coord {
        let (dimension, selector) = pair(coord, "DIM=SELECTOR, such as time=cf:time")?;
        if !args.concat.iter().any(|joined| joined == dimension) {
            bail!(
                "--coord {coord:?}: {dimension:?} is not a dimension of --concat {}",
                args.concat.join(", ")
            );
        }
        if selectors.insert(dimension.to_owned(), Selector::parse(selector, lines)?).is_some() {
            bail!("--coord says twice where the labels of {dimension:?} come from");
        }
    }
    let mut identical = BTreeMap::new();
    for name in &args.identical {
        let (name, tolerance) = match name.split_once('=') {
            None => (name.as_str(), Tolerance::Exact),
            Some((name, text)) => match text.parse::<f64>() {
                Ok(tolerance) if tolerance >= 0.0 => (name, Tolerance::Absolute(tolerance)),
                _ => bail!("{text:?} is not a tolerance such as 1e-6"),
            },
        };
        identical.insert(name.trim_matches('/').to_owned(), tolerance);
    }
    let mut attributes = BTreeMap::new();
    for rule in &args.attr {
        let (name, rule) = pair(rule, "NAME=RULE, such as history=drop")?;
        let rule = match rule {
            "keep" => AttributeRule::KeepIfEqual,
            "drop" => AttributeRule::Drop,
            "min" => AttributeRule::Min,
            "max" => AttributeRule::Max,
            other => bail!("{other:?} is no rule for attributes: use keep, drop, min or max"),
        };
        if attributes.insert(name.to_owned(), rule).is_some() {
            bail!("--attr has two rules for {name:?}");
        }
    }
    Ok(CombineSpec {
        concat: args.concat.clone(),
        selectors,
        identical,
        sort: match args.sort {
            args::Sort::Asc => Sort::Ascending,
            args::Sort::Desc => Sort::Descending,
            args::Sort::Given => Sort::Given,
        },
        overlap: match args.overlap {
            args::Overlap::Error => Overlap::Error,
            args::Overlap::Identical => Overlap::Identical,
            args::Overlap::First => Overlap::First,
            args::Overlap::Last => Overlap::Last,
        },
        missing_variable: match args.missing_var {
            args::MissingVar::Error => MissingVariable::Error,
            args::MissingVar::Fill => MissingVariable::Fill,
            args::MissingVar::Drop => MissingVariable::Drop,
        },
        chunks: match args.mismatch {
            args::Mismatch::Error | args::Mismatch::Split => ChunkRule::Regular,
            args::Mismatch::Rectilinear => ChunkRule::Rectilinear,
        },
        packing: match args.packing {
            args::Packing::Error => PackingRule::Same,
            args::Packing::PerFile => PackingRule::ByPart,
        },
        inline_coordinates: args.inline_coords,
        attributes,
        allow_damaged: args.allow_damaged,
    })
}

fn pair<'a>(text: &'a str, form: &str) -> Result<(&'a str, &'a str)> {
    text.split_once('=')
        .filter(|(name, value)| !name.is_empty() && !value.is_empty())
        .ok_or_else(|| anyhow!("{text:?} is not {form}"))
}

/// The lines of a local file that are not empty.
fn lines(file: &str) -> Result<Vec<String>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}
