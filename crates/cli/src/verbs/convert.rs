//! `rangefold convert`: references from one form to another.

use std::sync::Arc;

use anyhow::{Result, anyhow, bail};

use crate::args::Convert;
use crate::context::Context;
use crate::{Done, WrongArguments, refs_output};

pub(crate) async fn run(context: &Context, args: &Convert) -> Result<Done> {
    let rules = args
        .rewrite
        .iter()
        .map(|rule| parse(rule))
        .collect::<Result<Vec<_>>>()
        .map_err(WrongArguments::of)?;
    refs_output::check(context, &args.output, [args.refs.as_str()]).await?;
    let opened = context.open(&args.refs).await?;
    let opened = if args.absent_records_empty { opened.with_absent_records_empty() } else { opened };
    let mut set = opened.into_set().await?;
    for (from, to) in rules {
        if set.rewrite_urls(from, to) == 0 {
            bail!("no URL of {} begins with {from:?}", args.refs);
        }
    }
    refs_output::write(context, &args.output, Arc::new(set), args.record_size).await?;
    Ok(Done::All)
}

fn parse(rule: &str) -> Result<(&str, &str)> {
    rule.split_once('=')
        .filter(|(from, _)| !from.is_empty())
        .ok_or_else(|| anyhow!("{rule:?} is not FROM=TO, such as s3://staging/=s3://final/"))
}
