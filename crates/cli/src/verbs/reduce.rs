//! `rangefold reduce`: active reductions.

use anyhow::{Result, bail};
use rangefold::output::{Format, json_lines, sketch, text};
use rangefold::query::{Statistics, reductions};
use rangefold::refs::ReferenceSet;
use rangefold::{Answer, Dataset, Field, Query, Words};
use serde_json::json;

use crate::args::Reduce;
use crate::context::Context;
use crate::{Done, WrongArguments, names, output, progress, terminal};

pub(crate) async fn run(context: &Context, args: &Reduce) -> Result<Done> {
    let query = words(args).query().map_err(WrongArguments::of)?;
    let format = args.output.as_deref().map(Format::of).transpose()?;
    if let (Some(url), Some(format)) = (&args.output, format) {
        format.check_count(query.reductions.len()).map_err(WrongArguments::of)?;
        context.check_fields_output(url, &args.refs).await?;
    }
    let dataset = context.dataset(&args.refs).await?;
    let Variables { readable, unreadable } = variables(dataset.metadata(), args)?;
    let mut failed = false;
    let mut tell = |failure: &Failure<'_>| {
        failed = true;
        failure.tell(context.shared.json)
    };
    for (variable, error) in &unreadable {
        tell(&Failure { variable, operation: None, error })?;
    }
    let mut fields = Vec::new();
    for variable in &readable {
        if args.explain {
            if let Err(error) = explain(context, &dataset, variable, &query).await {
                tell(&Failure { variable, operation: None, error: &error })?;
            }
            continue;
        }
        let answer = match ask(context, &dataset, variable, &query).await {
            Ok(answer) => answer,
            Err(error) => {
                tell(&Failure { variable, operation: None, error: &error })?;
                continue;
            }
        };
        let Answer { fields: answered, unanswered, warnings, .. } = answer;
        output::warn(variable, &warnings);
        let mut answered = answered.into_iter();
        let mut shown = Vec::new();
        let mut unanswered = unanswered.into_iter().peekable();
        for place in 0..query.reductions.len() {
            match unanswered.next_if(|(unanswered, _)| *unanswered == place) {
                Some((_, without)) => {
                    let error =
                        anyhow::Error::new(without.reason).context(format!("cannot reduce {variable}"));
                    let operation = reductions::name(&without.reduction);
                    tell(&Failure { variable, operation: Some(&operation), error: &error })?;
                }
                None => match answered.next() {
                    Some(field) if format.is_none() && context.shared.json => {
                        output::print(&json_lines(std::slice::from_ref(&field)))?;
                    }
                    Some(field) => shown.push(field),
                    None => {}
                },
            }
        }
        if format.is_some() {
            fields.extend(shown);
        } else {
            show(args, &shown)?;
        }
    }
    if let Some(url) = &args.output
        && !fields.is_empty()
    {
        context.write_fields(url, &fields).await?;
    }
    Ok(if failed { Done::Failed } else { Done::All })
}

/// What the options ask.
fn words(args: &Reduce) -> Words {
    Words {
        op: vec![args.op.clone()],
        over: args.over.clone(),
        select: args.select.clone(),
        nearest: args.nearest,
        by: args.by.clone(),
        rolling: args.rolling.clone(),
        weights: args.weights.clone(),
        mask: args.mask.clone(),
        condition: args.condition.clone(),
        raw: args.raw,
    }
}

async fn ask(context: &Context, dataset: &Dataset, variable: &str, query: &Query) -> Result<Answer> {
    let bar = progress::bar(&context.shared, 0, "chunks");
    let advance = |done, took: &Statistics| {
        bar.set_length(took.chunks);
        bar.set_position(done);
        bar.set_message(format!("{} fetched, ", rangefold::array::size_text(took.fetched)));
    };
    let answer = dataset.ask(variable, query, &advance).await;
    bar.finish_and_clear();
    context.answered(answer, &format!("cannot reduce {variable}"))
}

/// Prints what a reduction would read.
async fn explain(context: &Context, dataset: &Dataset, variable: &str, query: &Query) -> Result<()> {
    let planned = dataset.plan(variable, query).await?;
    output::warn(variable, planned.warnings());
    let explanation = planned.explain();
    let text =
        if context.shared.json { format!("{}\n", explanation.to_json()) } else { explanation.to_string() };
    Ok(output::print(&text)?)
}

/// Prints answers to stdout, for a person.
fn show(args: &Reduce, fields: &[Field]) -> Result<()> {
    let terminal = terminal::of_stdout();
    if !args.plot {
        return Ok(output::print(&text(fields, terminal.width))?);
    }
    for field in fields {
        output::print(&sketch(field, terminal)?)?;
    }
    Ok(())
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
