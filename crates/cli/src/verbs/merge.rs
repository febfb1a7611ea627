//! `rangefold merge`: the answer of all parts that `reduce --part` made.

use anyhow::{Context as _, Result, bail};
use rangefold::output::Format;
use rangefold::query::{PartHead, PartialAnswer};
use rangefold::{Planned, Words};
use serde::{Deserialize, Serialize};

use super::reduce::Shown;
use crate::args::Merge;
use crate::context::Context;
use crate::{Done, WrongArguments};

/// What was asked, kept in each part so that the answer can be labelled.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct About {
    /// The reference store.
    pub(crate) store: String,
    /// Path of the variable.
    pub(crate) variable: String,
    /// The question.
    pub(crate) words: Words,
}

pub(crate) async fn run(context: &Context, args: &Merge) -> Result<Done> {
    let format = args.output.as_deref().map(Format::of).transpose()?;
    let mut files = Vec::new();
    for url in &args.parts {
        let bytes = context.read(url).await?;
        let head = PartHead::read(&bytes).with_context(|| format!("cannot use {url}"))?;
        files.push((url, head, bytes));
    }
    let Some((_, first, _)) = files.first() else { bail!("there are no parts") };
    let About { store, variable, words } =
        serde_json::from_str(&first.about).context("the parts do not say what was asked")?;
    check_names(&files)?;
    let store = args.refs.as_ref().unwrap_or(&store);
    let query = words.query().map_err(WrongArguments::of)?;
    if let (Some(url), Some(format)) = (&args.output, format) {
        format.check_count(query.reductions.len()).map_err(WrongArguments::of)?;
        context.check_fields_output(url, store).await?;
    }
    let planned = context.dataset(store).await?.plan(&variable, &query).await?;
    let parts = files.iter().map(|(url, _, bytes)| read(&planned, url, bytes)).collect::<Result<_>>()?;
    let answer =
        context.answered(planned.merge(parts).await, &format!("cannot merge parts of {variable}"))?;
    let mut shown = Shown::default();
    let failed = shown.add(context, &query, format, answer)?;
    shown.write(context, args.plot, args.output.as_deref(), format).await?;
    Ok(if failed { Done::Failed } else { Done::All })
}

fn read(planned: &Planned, url: &str, bytes: &[u8]) -> Result<PartialAnswer> {
    planned.read_part(bytes).with_context(|| format!("cannot use {url}"))
}

/// Refuses parts of several questions, and one that is given twice, by the names of both files.
fn check_names(files: &[(&String, PartHead, bytes::Bytes)]) -> Result<()> {
    for (place, (url, head, _)) in files.iter().enumerate() {
        for (other_url, other, _) in files.iter().take(place) {
            let (part, of) = (head.part, head.of);
            if (&head.about, of) != (&other.about, other.of) {
                bail!("{other_url} and {url} are parts of different answers");
            }
            if part == other.part {
                bail!("{other_url} and {url} are both part {part} of {of}");
            }
        }
    }
    Ok(())
}

/// What `reduce --part` runs and writes.
pub(crate) async fn run_part(
    context: &Context,
    planned: &Planned,
    (part, of): (u32, u32),
    about: &About,
    url: &str,
) -> Result<()> {
    let cannot = || format!("cannot reduce {}", about.variable);
    let about = serde_json::to_string(about)?;
    let bar = crate::progress::bar(&context.shared, 0, "chunks");
    let advance = |done, took: &rangefold::query::Statistics| {
        bar.set_length(took.chunks);
        bar.set_position(done);
    };
    let ran = planned.run_part(part, of, about, &advance).await;
    bar.finish_and_clear();
    let (answer, _) = ran.map_err(|error| match error.is_about_the_question() {
        true => anyhow::Error::new(error),
        false => anyhow::Error::new(error).context(cannot()),
    })?;
    context.write(url, answer.to_bytes()).await
}
