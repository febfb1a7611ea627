//! `rangefold convert`: references from one form to another.

use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use rangefold::refs::ReferenceSet;

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
        if rewrite(&mut set, from, to) == 0 {
            bail!("no URL of {} begins with {from:?}", args.refs);
        }
    }
    refs_output::write(context, &args.output, &set, args.record_size).await?;
    Ok(Done::All)
}

fn parse(rule: &str) -> Result<(&str, &str)> {
    rule.split_once('=')
        .filter(|(from, _)| !from.is_empty())
        .ok_or_else(|| anyhow!("{rule:?} is not FROM=TO, such as s3://staging/=s3://final/"))
}

/// Replaces the beginning of URLs, and returns of how many.
fn rewrite(set: &mut ReferenceSet, from: &str, to: &str) -> usize {
    let mut changed = 0;
    let mut renamed = |url: &str| -> Arc<str> {
        match url.strip_prefix(from) {
            Some(rest) => {
                changed += 1;
                format!("{to}{rest}").into()
            }
            None => url.into(),
        }
    };
    for array in set.arrays.values_mut() {
        array.manifest = std::mem::take(&mut array.manifest).with_urls(&mut renamed);
    }
    // What was known of an object need not be so of its copy but for the size.
    set.sources = std::mem::take(&mut set.sources)
        .into_iter()
        .map(|(url, mut source)| {
            let new = renamed(&url);
            if new != url {
                (source.etag, source.last_modified) = (None, None);
            }
            (new, source)
        })
        .collect();
    changed
}
