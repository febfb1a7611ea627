//! `rangefold combine`: many reference sets to one.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use futures::TryStreamExt as _;
use rangefold::combine::{
    CombineSpec, Combined, Input, Mismatch, Piece, SpecError, combine_split, is_description, join,
};
use rangefold::refs::Choice;
use rangefold::store::{numbered, read_sets};

use crate::args::Combine;
use crate::context::{Context, unlisted};
use crate::{Done, WrongArguments, names, output, progress, refs_output};

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
    let mut sets = pin!(read_sets(&context.storage, &refs));
    let mut inputs = Vec::with_capacity(refs.len());
    while let Some((url, mut set)) = sets.try_next().await? {
        set.keep(&choice);
        bar.inc(1);
        inputs.push(Input::new(url, set));
    }
    bar.finish_and_clear();
    names::tell_unmatched(&choice, "the inputs")?;
    for warning in spec.check_names(&inputs)? {
        output::complain(&format!("warning: {warning}"));
    }
    if let Some(existing) = &args.append {
        inputs.insert(0, Input::combined(existing.clone(), context.references(existing).await?));
    }
    tracing::info!("combining {} inputs", inputs.len());
    let cannot = format!("cannot combine {} inputs", inputs.len());
    let (storage, options) = (context.storage.clone(), context.fetch_options());
    if matches!(args.mismatch, Mismatch::Split) {
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

fn spec(args: &Combine) -> Result<CombineSpec, SpecError> {
    let mut spec = CombineSpec {
        sort: args.sort,
        overlap: args.overlap,
        missing_variable: args.missing_var,
        chunks: args.mismatch.chunks(),
        packing: args.packing,
        inline_coordinates: args.inline_coords,
        allow_damaged: args.allow_damaged,
        ..CombineSpec::along(&args.concat)?
    };
    args.coord.iter().try_for_each(|text| spec.add_selector(text, lines))?;
    args.identical.iter().try_for_each(|text| spec.add_identical(text))?;
    args.attr.iter().try_for_each(|text| spec.add_attribute_rule(text))?;
    Ok(spec)
}

/// The lines of a local file that are not empty.
fn lines(file: &str) -> Result<Vec<String>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}
