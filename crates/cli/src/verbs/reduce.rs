//! `rangefold reduce`: active reductions.

use anyhow::{Result, anyhow, bail};
use rangefold::output::{Format, json_lines, sketch, text};
use rangefold::query::{KeptShare, Statistics, reductions};
use rangefold::refs::ReferenceSet;
use rangefold::{Answer, Dataset, Field, Query, Words};
use serde_json::json;

use super::keep;
use super::merge::{self, About};
use crate::args::{PART_ENDING, Reduce};
use crate::context::Context;
use crate::{Done, WrongArguments, names, output, progress, terminal};

pub(crate) async fn run(context: &Context, args: &Reduce) -> Result<Done> {
    let words = words(args);
    let query = words.query().map_err(WrongArguments::of)?;
    check_ending(args)?;
    let output = args.output.as_deref();
    let format = output.filter(|_| args.part.is_none()).map(Format::of).transpose()?;
    match (output, format) {
        (Some(url), Some(format)) => {
            format.check_count(query.reductions.len()).map_err(WrongArguments::of)?;
            context.check_fields_output(url, &args.refs).await?;
        }
        (Some(url), None) => {
            context.check_distinct(url, [args.refs.as_str()])?;
            context.check_writable(url).await?;
        }
        (None, _) => {}
    }
    let dataset = context.dataset(&args.refs).await?;
    let dataset = match &args.keep {
        Some(url) => dataset.keeping(keep::kept(context, url, args.keep_size.keep_size)?),
        None => dataset,
    };
    let Variables { readable, unreadable } = variables(dataset.metadata(), args)?;
    if let (Some(part), Some(url)) = (args.part, output) {
        let [variable] = readable.as_slice() else {
            return Err(WrongArguments::of(anyhow!(
                "a part is one of one variable; {:?} are several",
                args.variable
            )));
        };
        let planned = dataset.plan(variable, &query).await?;
        output::warn(variable, planned.warnings());
        let about = About { store: args.refs.clone(), variable: variable.clone(), words };
        merge::run_part(context, &planned, part, &about, url).await?;
        return Ok(Done::All);
    }
    let mut failed = false;
    for (variable, error) in &unreadable {
        failed = true;
        Failure { variable, operation: None, error }.tell(context.shared.json)?;
    }
    let mut shown = Shown::default();
    for variable in &readable {
        if args.explain {
            if let Err(error) = explain(context, &dataset, variable, &query).await {
                failed = true;
                Failure { variable, operation: None, error: &error }.tell(context.shared.json)?;
            }
            continue;
        }
        match ask(context, &dataset, variable, &query).await {
            Ok(answer) => {
                failed |= shown.add(context, &query, format, answer)?;
                if format.is_none() {
                    shown.show(args.plot)?;
                }
            }
            Err(error) => {
                failed = true;
                Failure { variable, operation: None, error: &error }.tell(context.shared.json)?;
            }
        }
    }
    shown.write(context, args.plot, output, format).await?;
    Ok(if failed { Done::Failed } else { Done::All })
}

/// Refuses a part that is not called one, and an answer that is.
fn check_ending(args: &Reduce) -> Result<()> {
    let Some(url) = &args.output else { return Ok(()) };
    match (args.part, url.ends_with(PART_ENDING)) {
        (Some(_), false) => Err(WrongArguments::of(anyhow!(
            "a part is written to a name that ends in {PART_ENDING}, not to {url}"
        ))),
        (None, true) => Err(WrongArguments::of(anyhow!("{url}: only --part writes parts of answers"))),
        (Some(_), true) | (None, false) => Ok(()),
    }
}

/// Answers that are printed, or written once all are there.
#[derive(Default)]
pub(crate) struct Shown(Vec<Field>);

impl Shown {
    /// Takes an answer: with `--json` and no output it is printed now. Tells what has none, and whether something has none.
    pub(crate) fn add(
        &mut self,
        context: &Context,
        query: &Query,
        format: Option<Format>,
        answer: Answer,
    ) -> Result<bool> {
        let Answer { variable, fields, unanswered, warnings, .. } = answer;
        output::warn(&variable, &warnings);
        let failed = !unanswered.is_empty();
        let mut answered = fields.into_iter();
        let mut unanswered = unanswered.into_iter().peekable();
        for place in 0..query.reductions.len() {
            match unanswered.next_if(|(unanswered, _)| *unanswered == place) {
                Some((_, without)) => {
                    let error =
                        anyhow::Error::new(without.reason).context(format!("cannot reduce {variable}"));
                    let operation = reductions::name(&without.reduction);
                    let failure = Failure { variable: &variable, operation: Some(&operation), error: &error };
                    failure.tell(context.shared.json)?;
                }
                None => match answered.next() {
                    Some(field) if format.is_none() && context.shared.json => {
                        output::print(&json_lines(std::slice::from_ref(&field)))?;
                    }
                    Some(field) => self.0.push(field),
                    None => {}
                },
            }
        }
        Ok(failed)
    }

    /// Prints what was taken to stdout, for a person.
    fn show(&mut self, plot: bool) -> Result<()> {
        show(plot, &std::mem::take(&mut self.0))
    }

    /// Writes what was taken to an output, or prints it.
    pub(crate) async fn write(
        mut self,
        context: &Context,
        plot: bool,
        output: Option<&str>,
        format: Option<Format>,
    ) -> Result<()> {
        match output.filter(|_| format.is_some() && !self.0.is_empty()) {
            Some(url) => context.write_fields(url, &self.0).await,
            None if self.0.is_empty() => Ok(()),
            None => self.show(plot),
        }
    }
}

/// What the options ask.
fn words(args: &Reduce) -> Words {
    Words {
        op: vec![args.op.clone()],
        over: args.over.clone(),
        select: args.select.clone(),
        nearest: args.nearest,
        anomaly: args.anomaly.clone(),
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
    let (explanation, kept) = (planned.explain(), planned.kept().await?);
    if context.shared.json {
        let mut document = explanation.to_json();
        if let (Some(KeptShare { nodes, kept, read }), Some(members)) = (kept, document.as_object_mut()) {
            members.insert("kept".to_owned(), json!({ "nodes": nodes, "chunks": kept, "read": read }));
        }
        return Ok(output::print(&format!("{document}\n"))?);
    }
    output::print(&explanation.to_string())?;
    if let Some(KeptShare { nodes, kept, read }) = kept {
        output::print(&format!(
            "  {kept} chunks are kept in {nodes} partial answers, {read} will be read\n"
        ))?;
    }
    Ok(())
}

/// Prints answers to stdout, for a person.
fn show(plot: bool, fields: &[Field]) -> Result<()> {
    let terminal = terminal::of_stdout();
    if !plot {
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
