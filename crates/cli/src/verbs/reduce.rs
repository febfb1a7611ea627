//! `rangefold reduce`: active reductions.

use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use rangefold::active::{GroupBy, Limits, Query, Rolling, Statistics, query::Values, select};
use rangefold::reduce::Reduction;
use rangefold::refs::{Reference, ReferenceSet};
use serde_json::json;

use crate::args::Reduce;
use crate::context::Context;
use crate::result::{self, Field, Format, Terminal};
use crate::source::Source;
use crate::{Done, WrongArguments, fields, names, number, operations, output, progress};

pub(crate) async fn run(context: &Context, args: &Reduce) -> Result<Done> {
    let reductions = operations::parse(&args.op).map_err(WrongArguments::of)?;
    let query = query(args, reductions).map_err(WrongArguments::of)?;
    let format = args.output.as_deref().map(Format::of).transpose().map_err(anyhow::Error::msg)?;
    let mut source = Source::open(context, &args.refs).await?;
    let variables = variables(source.set(), args)?;
    let mut fields = Vec::new();
    let mut failed = false;
    for variable in &variables {
        let answered = if args.explain {
            explain(context, &mut source, variable, &query)
                .await
                .map(|text| output::print(&text))
                .map(|_| Vec::new())
        } else {
            reduce(context, &mut source, variable, &query).await
        };
        match answered {
            Ok(answered) if format.is_some() => fields.extend(answered),
            Ok(answered) => show(context, args, &answered)?,
            Err(error) if variables.len() > 1 => {
                failed = true;
                if context.shared.json {
                    output::print(&format!("{}\n", json!({ "variable": variable, "error": chain(&error) })))?;
                } else {
                    output::complain(&format!("error: {}", chain(&error)));
                }
            }
            Err(error) => return Err(error),
        }
    }
    if let (Some(url), Some(format)) = (&args.output, format) {
        context.write_fields(url, &fields, format).await?;
    }
    Ok(if failed { Done::Failed } else { Done::All })
}

/// Prints answers to stdout.
fn show(context: &Context, args: &Reduce, fields: &[Field]) -> Result<()> {
    if context.shared.json {
        return Ok(output::print(&result::json_lines(fields))?);
    }
    let terminal = Terminal::of_stdout();
    if !args.plot {
        return Ok(output::print(&result::text(fields, terminal.width))?);
    }
    for field in fields {
        output::print(&result::sketch(field, terminal)?)?;
    }
    Ok(())
}

/// An error and its causes in one line.
fn chain(error: &anyhow::Error) -> String {
    output::causes(error).join(": ")
}

fn query(args: &Reduce, reductions: Vec<Reduction>) -> Result<Query> {
    let mut weights: Vec<_> = args.weights.iter().map(|source| operations::weights(source)).collect();
    if let Some(mask) = &args.mask {
        weights.push(operations::mask(mask)?);
    }
    Ok(Query {
        reductions,
        over: args.over.clone(),
        select: args.select.as_deref().map_or(Ok(Vec::new()), select::parse)?,
        nearest: args.nearest,
        by: args.by.iter().map(|text| GroupBy::parse(text)).collect::<Result<_, _>>()?,
        rolling: args.rolling.as_deref().map(Rolling::parse).transpose()?,
        weights,
        values: if args.raw { Values::Raw } else { Values::Unpacked },
        condition: args.condition.as_deref().map(operations::condition).transpose()?,
    })
}

/// The variables that were asked for: one path, or every numeric variable that a glob matches.
fn variables(set: &ReferenceSet, args: &Reduce) -> Result<Vec<String>> {
    let wanted = args.variable.trim_matches('/');
    if set.arrays.contains_key(wanted) {
        return Ok(vec![wanted.to_owned()]);
    }
    if let Some(error) = set.unreadable.get(wanted) {
        bail!("variable {wanted:?} of {} cannot be read: {error}", args.refs);
    }
    if names::is_glob(wanted) {
        let glob = names::glob(wanted)?;
        let matching = set.arrays.iter().filter(|(path, _)| glob.is_match(path));
        let numeric: Vec<String> = matching
            .filter(|(_, array)| array.meta.data_type.element.is_numeric())
            .map(|(path, _)| path.clone())
            .collect();
        if numeric.is_empty() {
            bail!("{} has no numeric variable that matches {wanted:?}", args.refs);
        }
        return Ok(numeric);
    }
    let near = names::suggestions(wanted, set.arrays.keys().map(String::as_str));
    bail!("{} has no variable {wanted:?}{near}", args.refs)
}

async fn reduce(context: &Context, source: &mut Source, variable: &str, query: &Query) -> Result<Vec<Field>> {
    let started = Instant::now();
    let (store, prepared) = source.prepare(context, variable, query).await?;
    let bar = progress::bar(&context.shared, prepared.plan.chunk_count(), "chunks");
    let advance = |done, took: &Statistics| {
        bar.set_length(took.chunks);
        bar.set_position(done);
        bar.set_message(format!("{} fetched, ", number::bytes(took.fetched)));
    };
    let answer = prepared
        .run(&store, limits(context), &advance)
        .await
        .with_context(|| format!("cannot reduce {variable}"))?;
    bar.finish_and_clear();
    fields::of_answer(&store, variable, &prepared, &answer, started.elapsed()).await
}

fn limits(context: &Context) -> Limits {
    let defaults = Limits::default();
    Limits { threads: context.shared.threads.unwrap_or(defaults.threads), memory: context.shared.memory }
}

/// What a reduction would read, before anything but coordinates is.
async fn explain(context: &Context, source: &mut Source, variable: &str, query: &Query) -> Result<String> {
    let (store, prepared) = source.prepare(context, variable, query).await?;
    let plan = &prepared.plan;
    let manifest = store.references().arrays.get(variable).map(|array| &array.manifest);
    let (mut stored, mut inline, mut encoded) = (0_u64, 0_u64, 0_u64);
    let mut objects = std::collections::BTreeSet::new();
    for reference in plan.tasks().filter_map(|task| manifest?.get(task.selection.number)) {
        stored += 1;
        match reference {
            Reference::Inline(_) => inline += 1,
            Reference::Range { url, range } => {
                encoded += range.length();
                objects.insert(url);
            }
            Reference::Whole { url } => {
                objects.insert(url);
            }
        }
    }
    let passes = prepared.passes(&store, limits(context));
    let memory = prepared.memory(&store, limits(context));
    let reads = prepared.reads(&store, limits(context));
    if context.shared.json {
        let document = json!({
            "variable": variable,
            "shape": plan.output_shape(),
            "elements": plan.selected_count(),
            "chunks": { "total": plan.chunk_count(), "stored": stored, "inline": inline },
            "objects": objects.len(),
            "requests": reads.requests,
            "bytes": { "referenced": encoded, "fetched": reads.bytes, "decoded": plan.decoded_len() },
            "memory": memory,
            "quantiles": passes.map(|passes| json!({
                "passes": passes.passes, "narrowed": passes.narrowed, "decoded": passes.decoded, "memory": passes.memory,
            })),
        });
        return Ok(format!("{document}\n"));
    }
    let quantiles = passes.map_or_else(String::new, |passes| {
        let (count, narrowed) = (passes.passes, passes.narrowed);
        let plural = if count == 1 { "pass" } else { "passes" };
        let more = if narrowed == 0 {
            String::new()
        } else {
            format!(", and some more for {narrowed} of the cells, whose values do not fit in memory")
        };
        format!("  quantiles take {count} {plural}, {} decoded in all{more}\n", number::bytes(passes.decoded))
    });
    let between = match reads.bytes {
        None => ", and whole objects of unknown size".to_owned(),
        Some(fetched) if fetched > encoded => {
            format!(" ({} between chunks)", number::bytes(fetched - encoded))
        }
        Some(_) => String::new(),
    };
    Ok(format!(
        "{variable}: {} elements in {} chunks, {stored} of them stored ({inline} inline), in {} objects\n  \
         {} to fetch in {} requests{between}, {} decoded, at most {} of memory; answer of shape {:?}\n{quantiles}",
        plan.selected_count(),
        plan.chunk_count(),
        objects.len(),
        number::bytes(reads.bytes.unwrap_or(encoded)),
        reads.requests,
        number::bytes(plan.decoded_len()),
        number::bytes(memory),
        plan.output_shape(),
    ))
}
