//! `rangefold keep`: partial answers that `reduce --keep` keeps.

use anyhow::Result;
use rangefold::array::size_text;
use rangefold::query::Keep;
use serde_json::json;

use crate::args::{KeepVerb, Kept};
use crate::context::Context;
use crate::{Done, output};

/// What is kept at `url`.
pub(crate) fn kept(context: &Context, url: &str, limit: u64) -> Result<Keep> {
    context.check_url(url)?;
    Ok(Keep::new(&context.storage, url, limit))
}

pub(crate) async fn run(context: &Context, verb: &KeepVerb) -> Result<Done> {
    match verb {
        KeepVerb::List(Kept { keep }) => {
            let questions = kept(context, keep, u64::MAX)?.list().await?;
            for question in questions {
                let line = if context.shared.json {
                    serde_json::to_string(&question)?
                } else {
                    question.to_string()
                };
                output::print(&format!("{line}\n"))?;
            }
        }
        KeepVerb::Prune { kept: Kept { keep }, keep_size } => {
            let (questions, bytes) = kept(context, keep, keep_size.keep_size)?.prune().await?;
            let text = match context.shared.json {
                true => format!("{}\n", json!({ "removed": { "questions": questions, "bytes": bytes } })),
                false => format!("{questions} questions removed, {}\n", size_text(bytes)),
            };
            output::print(&text)?;
        }
    }
    Ok(Done::All)
}
