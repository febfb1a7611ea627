//! `rangefold get`: decoded values of a selection.

use std::time::Instant;

use anyhow::{Context as _, Result};
use rangefold::active::Limits;
use rangefold::array::AxisRange;
use rangefold::query::{Interpretation, Query, select};
use rangefold::reduce::Reduction;

use crate::args::Get;
use crate::context::Context;
use crate::fields::Asked;
use crate::result::{self, Field, Format, Terminal};
use crate::source::Source;
use crate::{Done, WrongArguments, fields, names, output, stream};

pub(crate) async fn run(context: &Context, args: &Get) -> Result<Done> {
    let format = args.output.as_deref().map(Format::of).transpose().map_err(anyhow::Error::msg)?;
    if let (Some(url), Some(format)) = (&args.output, format) {
        context.check_fields_output(url, format, &args.refs).await?;
    }
    let mut source = Source::open(context, &args.refs).await?;
    let variable = args.variable.trim_matches('/');
    if !source.set().arrays.contains_key(variable) {
        return Err(names::no_variable(source.set(), &args.refs, variable));
    }
    // A value is the first of itself: reducing nothing masks and unpacks each element by the same rules as a reduction.
    let query = Query {
        reductions: vec![Reduction::First],
        over: Some(Vec::new()),
        select: args.select.as_deref().map_or(Ok(Vec::new()), select::parse).map_err(WrongArguments::of)?,
        nearest: args.nearest,
        interpretation: if args.raw { Interpretation::Raw } else { Interpretation::Unpacked },
        memory: Some(context.shared.memory),
        ..Query::default()
    };
    let asked = Asked { selection: args.select.as_deref(), raw: args.raw, ..Asked::default() };
    if let (Some(url), Some(format)) = (&args.output, format)
        && source.set().arrays.get(variable).is_some_and(|array| stream::can(array, format, args.raw))
    {
        let (_, selected) = source.select(context, variable, &query).await?;
        let is_empty = |runs: &Vec<AxisRange>| runs.iter().all(|run| run.count() == 0);
        for warning in &selected.warnings {
            output::complain(&format!("warning: {variable}: {warning}"));
        }
        if !selected.runs.iter().any(is_empty) {
            stream::write(context, &mut source, variable, (&query, asked), url, format).await?;
            return Ok(Done::All);
        }
    }
    let started = Instant::now();
    let (store, prepared) = source.prepare(context, variable, &query).await?;
    let limits = Limits { memory: context.shared.memory, ..Limits::default() };
    let answer =
        prepared.run(&store, limits, &|_, _| {}).await.with_context(|| format!("cannot read {variable}"))?;
    let fields: Vec<Field> =
        fields::of_answer(&store, variable, &prepared, asked, &answer, started.elapsed())
            .await?
            .into_iter()
            .map(|answered| {
                let field = answered.map_err(|unanswered| unanswered.error)?;
                // What is raw is a number, also of a time.
                let dates = field.dates.filter(|_| !args.raw);
                Ok(Field { operation: None, count: None, effort: None, dates, ..field })
            })
            .collect::<Result<_>>()?;
    match (&args.output, format) {
        (Some(url), Some(format)) => context.write_fields(url, &fields, format).await?,
        _ if context.shared.json => output::print(&result::json_lines(&fields))?,
        _ => output::print(&result::text(&fields, Terminal::of_stdout().width))?,
    }
    Ok(Done::All)
}
