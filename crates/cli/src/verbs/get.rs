//! `rangefold get`: decoded values of a selection.

use anyhow::Result;
use rangefold::Words;
use rangefold::output::{json_lines, text};

use crate::args::Get;
use crate::context::Context;
use crate::{Done, WrongArguments, names, output, terminal};

pub(crate) async fn run(context: &Context, args: &Get) -> Result<Done> {
    if let Some(url) = &args.output {
        context.check_fields_output(url, &args.refs).await?;
    }
    let dataset = context.dataset(&args.refs).await?;
    let variable = args.variable.trim_matches('/');
    if dataset.array(variable).is_err() {
        return Err(names::no_variable(dataset.metadata(), &args.refs, variable));
    }
    let words = Words {
        select: args.select.clone(),
        nearest: args.nearest,
        anomaly: args.anomaly.clone(),
        raw: args.raw,
        ..Words::default()
    };
    let query = words.selection().map_err(WrongArguments::of)?;
    if let Some(url) = &args.output {
        let warnings = context.write_selection(&dataset, variable, &query, url).await?;
        output::warn(variable, &warnings);
        return Ok(Done::All);
    }
    let answer = dataset.ask(variable, &query, &|_, _| {}).await;
    let answer = context.answered(answer, &format!("cannot read {variable}"))?;
    output::warn(variable, &answer.warnings);
    if let Some((_, without)) = answer.unanswered.into_iter().next() {
        return Err(without.reason.into());
    }
    let text = match context.shared.json {
        true => json_lines(&answer.fields),
        false => text(&answer.fields, terminal::of_stdout().width),
    };
    output::print(&text)?;
    Ok(Done::All)
}
