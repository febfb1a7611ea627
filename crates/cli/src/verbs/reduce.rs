//! `rangefold reduce`: active reductions.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use rangefold::active::weights::Weights;
use rangefold::active::{Limits, Statistics};
use rangefold::query::{GroupBy, Interpretation, Prepared, Query, Rolling, WeightSource, select};
use rangefold::reduce::Reduction;
use rangefold::refs::{Reference, ReferenceSet};
use rangefold::store::ReferenceStore;
use serde_json::json;

use crate::args::Reduce;
use crate::context::Context;
use crate::fields::{Asked, Unanswered};
use crate::result::{self, Field, Format, Terminal};
use crate::source::Source;
use crate::{Done, WrongArguments, fields, names, number, operations, output, progress};

pub(crate) async fn run(context: &Context, args: &Reduce) -> Result<Done> {
    let reductions = operations::parse(&args.op).map_err(WrongArguments::of)?;
    let query = query(args, reductions).map_err(WrongArguments::of)?;
    let query = Query { memory: Some(context.shared.memory), ..query };
    let format = args.output.as_deref().map(Format::of).transpose().map_err(anyhow::Error::msg)?;
    if let Some(format) = format {
        format.check_count(query.reductions.len()).map_err(WrongArguments::of)?;
    }
    if let (Some(url), Some(format)) = (&args.output, format) {
        context.check_fields_output(url, format, &args.refs).await?;
    }
    let mut source = Source::open(context, &args.refs).await?;
    let Variables { readable, unreadable } = variables(source.set(), args)?;
    let mut failed = false;
    let mut tell = |failure: &Failure<'_>| {
        failed = true;
        failure.tell(context.shared.json)
    };
    for (variable, error) in &unreadable {
        tell(&Failure { variable, operation: None, error })?;
    }
    let asked = Asked {
        selection: args.select.as_deref(),
        by: &args.by,
        weights: &args.weights,
        mask: args.mask.as_deref(),
        condition: args.condition.as_deref(),
        raw: args.raw,
    };
    let mut fields = Vec::new();
    for variable in &readable {
        let answered = if args.explain {
            let explained = explain(context, &mut source, variable, &query).await;
            explained.and_then(|text| Ok(output::print(&text)?)).map(|()| Vec::new())
        } else {
            reduce(context, &mut source, variable, &query, asked).await
        };
        let answered = match answered {
            Ok(answered) => answered,
            // An error that has nothing to do with this variable ends the command.
            Err(error) if error.is::<WrongArguments>() => return Err(error),
            Err(error) => {
                tell(&Failure { variable, operation: None, error: &error })?;
                continue;
            }
        };
        let mut answers = Vec::with_capacity(answered.len());
        for answer in answered {
            match answer {
                Ok(field) if format.is_none() && context.shared.json => {
                    output::print(&result::json_lines(std::slice::from_ref(&field)))?;
                }
                Ok(field) => answers.push(field),
                Err(Unanswered { operation, error }) => {
                    let error = &error.context(format!("cannot reduce {variable}"));
                    tell(&Failure { variable, operation: Some(&operation), error })?;
                }
            }
        }
        if format.is_some() {
            fields.extend(answers);
        } else {
            show(args, &answers)?;
        }
    }
    if let (Some(url), Some(format)) = (&args.output, format)
        && !fields.is_empty()
    {
        context.write_fields(url, &fields, format).await?;
    }
    Ok(if failed { Done::Failed } else { Done::All })
}

/// A variable, or one operation on it, that has no answer.
struct Failure<'a> {
    variable: &'a str,
    /// The operation; all of them if `None`.
    operation: Option<&'a str>,
    error: &'a anyhow::Error,
}

impl Failure<'_> {
    /// Tells it on stderr, and with `--json` as a line of stdout too.
    fn tell(&self, json: bool) -> Result<()> {
        let Self { variable, operation, error } = self;
        output::complain_of(error);
        if json {
            let mut line = json!({ "variable": variable, "error": output::causes(error).join(": ") });
            if let (Some(operation), Some(line)) = (operation, line.as_object_mut()) {
                line.insert("op".to_owned(), json!(operation));
            }
            output::print(&format!("{line}\n"))?;
        }
        Ok(())
    }
}

/// Prints answers to stdout, for a person.
fn show(args: &Reduce, fields: &[Field]) -> Result<()> {
    let terminal = Terminal::of_stdout();
    if !args.plot {
        return Ok(output::print(&result::text(fields, terminal.width))?);
    }
    for field in fields {
        output::print(&result::sketch(field, terminal)?)?;
    }
    Ok(())
}

fn query(args: &Reduce, reductions: Vec<Reduction>) -> Result<Query> {
    let mut weights: Vec<_> = args.weights.iter().map(|source| operations::weights(source)).collect();
    if let Some(mask) = &args.mask {
        weights.push(operations::mask(mask)?);
    }
    let by: Vec<GroupBy> = args.by.iter().map(|text| GroupBy::parse(text)).collect::<Result<_, _>>()?;
    let rolling = args.rolling.as_deref().map(Rolling::parse).transpose()?;
    let dimension = |by: &GroupBy| match by {
        GroupBy::Date { dimension, .. } | GroupBy::Period { dimension, .. } => Some(dimension.clone()),
        GroupBy::Variable(_) => None,
    };
    if weights.iter().any(|source| !matches!(source, WeightSource::Mask { .. })) {
        Weights::needed(&reductions)?;
    }
    if let (Some(rolling), Some(reduction)) = (&rolling, reductions.iter().find(|r| r.is_gathered())) {
        bail!("windows {rolling} cannot be made: {} is not made of windows that overlap", reduction.name());
    }
    if let Some(rolling) = &rolling
        && by.iter().any(|by| dimension(by).as_ref() == Some(&rolling.dimension))
    {
        bail!("windows {rolling} cannot be made: dimension {:?} is grouped by --by", rolling.dimension);
    }
    Ok(Query {
        reductions,
        over: args.over.clone(),
        select: args.select.as_deref().map_or(Ok(Vec::new()), select::parse)?,
        nearest: args.nearest,
        by,
        rolling,
        weights,
        interpretation: if args.raw { Interpretation::Raw } else { Interpretation::Unpacked },
        condition: args.condition.as_deref().map(operations::condition).transpose()?,
        memory: None,
    })
}

/// The variables that were asked for.
struct Variables {
    readable: Vec<String>,
    /// Those that a glob matches and whose metadata say what cannot be read, with what it is.
    unreadable: Vec<(String, anyhow::Error)>,
}

/// The variables that were asked for: one path, or every numeric variable that a glob matches.
fn variables(set: &ReferenceSet, args: &Reduce) -> Result<Variables> {
    let wanted = args.variable.trim_matches('/');
    if set.arrays.contains_key(wanted) {
        return Ok(Variables { readable: vec![wanted.to_owned()], unreadable: Vec::new() });
    }
    if names::is_glob(wanted) && !set.unreadable.contains_key(wanted) {
        let glob = names::glob(wanted).map_err(WrongArguments::of)?;
        let unreadable = set.unreadable.iter().filter(|(path, _)| glob.is_match(path));
        let unreadable: Vec<(String, anyhow::Error)> = unreadable
            .map(|(path, error)| {
                let cannot = format!("variable {path:?} of {} cannot be read", args.refs);
                (path.clone(), anyhow::Error::new(error.clone()).context(cannot))
            })
            .collect();
        let matching = set.arrays.iter().filter(|(path, _)| glob.is_match(path));
        let numeric: Vec<String> = matching
            .filter(|(_, array)| array.meta.data_type.element.is_numeric())
            .map(|(path, _)| path.clone())
            .collect();
        if numeric.is_empty() && unreadable.is_empty() {
            bail!("{} has no numeric variable that matches {wanted:?}", args.refs);
        }
        return Ok(Variables { readable: numeric, unreadable });
    }
    Err(names::no_variable(set, &args.refs, wanted))
}

/// The answers to all operations, or why one has none.
type Answers = Vec<Result<Field, Unanswered>>;

async fn reduce(
    context: &Context,
    source: &mut Source,
    variable: &str,
    query: &Query,
    asked: Asked<'_>,
) -> Result<Answers> {
    let started = Instant::now();
    let refused = match source.prepare(context, variable, query).await {
        Ok((store, prepared)) => return answer(context, &store, &prepared, asked, (variable, started)).await,
        Err(error) => error,
    };
    // Operations that are not defined for the variable leave the others theirs.
    let mut errors = BTreeMap::new();
    let mut defined = Vec::new();
    for (number, reduction) in query.reductions.iter().enumerate() {
        let alone = Query { reductions: vec![reduction.clone()], ..query.clone() };
        match source.plan(context, variable, &alone).await {
            Ok(_) => defined.push(reduction.clone()),
            Err(error) => {
                errors.insert(number, Unanswered { operation: fields::operation(reduction), error });
            }
        }
    }
    if defined.is_empty() || errors.is_empty() {
        return Err(refused);
    }
    let (store, prepared) =
        source.prepare(context, variable, &Query { reductions: defined, ..query.clone() }).await?;
    let mut answered = answer(context, &store, &prepared, asked, (variable, started)).await?.into_iter();
    let next = |number| errors.remove(&number).map_or_else(|| answered.next(), |error| Some(Err(error)));
    Ok((0..query.reductions.len()).filter_map(next).collect())
}

async fn answer(
    context: &Context,
    store: &ReferenceStore,
    prepared: &Prepared,
    asked: Asked<'_>,
    (variable, started): (&str, Instant),
) -> Result<Answers> {
    let bar = progress::bar(&context.shared, prepared.execution.plan().chunk_count(), "chunks");
    let advance = |done, took: &Statistics| {
        bar.set_length(took.chunks);
        bar.set_position(done);
        bar.set_message(format!("{} fetched, ", number::bytes(took.fetched)));
    };
    let answer = prepared
        .run(store, limits(context), &advance)
        .await
        .with_context(|| format!("cannot reduce {variable}"))?;
    bar.finish_and_clear();
    fields::of_answer(store, variable, prepared, asked, &answer, started.elapsed()).await
}

fn limits(context: &Context) -> Limits {
    let defaults = Limits::default();
    Limits { threads: context.shared.threads.unwrap_or(defaults.threads), memory: context.shared.memory }
}

/// What a reduction would read, before anything but coordinates is.
async fn explain(context: &Context, source: &mut Source, variable: &str, query: &Query) -> Result<String> {
    let (store, prepared) = source.prepare(context, variable, query).await?;
    let plan = prepared.execution.plan();
    let (chunks, stored) = prepared.execution.chunk_counts(&store);
    let (mut inline, mut encoded) = (0_u64, 0_u64);
    let mut objects = std::collections::BTreeSet::new();
    for reference in prepared.execution.stored(&store) {
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
    let passes = prepared.execution.passes(&store, limits(context));
    let memory = prepared.execution.memory(&store, limits(context));
    let reads = prepared.execution.reads(&store, limits(context));
    if context.shared.json {
        let document = json!({
            "variable": variable,
            "shape": plan.output_shape(),
            "elements": plan.selected_count(),
            "chunks": { "total": chunks, "stored": stored, "inline": inline },
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
        chunks,
        objects.len(),
        number::bytes(reads.bytes.unwrap_or(encoded)),
        reads.requests,
        number::bytes(plan.decoded_len()),
        number::bytes(memory),
        plan.output_shape(),
    ))
}
