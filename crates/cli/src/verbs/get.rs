//! `rangefold get`: decoded values of a selection.

use std::time::Instant;

use anyhow::{Context as _, Result};
use rangefold::active::{Limits, Query, query::Values, select};
use rangefold::reduce::Reduction;

use crate::args::Get;
use crate::context::Context;
use crate::fields::Asked;
use crate::result::{self, Field, Format, Terminal};
use crate::source::Source;
use crate::{Done, WrongArguments, fields, names, output};

pub(crate) async fn run(context: &Context, args: &Get) -> Result<Done> {
    let format = args.output.as_deref().map(Format::of).transpose().map_err(anyhow::Error::msg)?;
    if let Some(output) = &args.output {
        context.check_url(output)?;
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
        values: if args.raw { Values::Raw } else { Values::Unpacked },
        ..Query::default()
    };
    let started = Instant::now();
    let (store, prepared) = source.prepare(context, variable, &query).await?;
    let limits = Limits { memory: context.shared.memory, ..Limits::default() };
    let answer =
        prepared.run(&store, limits, &|_, _| {}).await.with_context(|| format!("cannot read {variable}"))?;
    let asked = Asked { selection: args.select.as_deref(), raw: args.raw, ..Asked::default() };
    let fields: Vec<Field> =
        fields::of_answer(&store, variable, &prepared, asked, &answer, started.elapsed())
            .await?
            .into_iter()
            .map(|answered| {
                Ok(Field {
                    operation: None,
                    count: None,
                    effort: None,
                    ..answered.map_err(|unanswered| unanswered.error)?
                })
            })
            .collect::<Result<_>>()?;
    match (&args.output, format) {
        (Some(url), Some(format)) => context.write_fields(url, &fields, format).await?,
        _ if context.shared.json => output::print(&result::json_lines(&fields))?,
        _ => output::print(&result::text(&fields, Terminal::of_stdout().width))?,
    }
    Ok(Done::All)
}
