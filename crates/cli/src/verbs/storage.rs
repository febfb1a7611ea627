//! `rangefold storage check`: how a URL is reached, and whether it can be.

use std::fmt::Write as _;

use anyhow::Result;
use futures::StreamExt as _;
use object_store::ObjectStoreExt as _;
use rangefold::storage::explain;

use crate::context::Context;
use crate::{Done, output};

pub(crate) async fn check(context: &Context, url: &str) -> Result<Done> {
    context.check_url(url)?;
    let mut out = format!("{}\n", context.storage.connection(url)?);
    let (store, path) = context.resolve(url)?;
    let mut failed = false;
    let mut say = |what: &str, outcome: Result<String, object_store::Error>| {
        failed |= outcome.is_err();
        let text = outcome.unwrap_or_else(|error| explain(&error));
        let _ = writeln!(out, "{what}: {text}");
    };
    if url.ends_with('/') {
        let first = store.list(Some(&path)).next().await.transpose();
        say(
            "LIST",
            first.map(|meta| {
                meta.map_or_else(|| "nothing there".to_owned(), |meta| format!("{} and so on", meta.location))
            }),
        );
    } else {
        let head = store.head(&path).await;
        // The answer to a HEAD has no body that could say why it failed; that to a GET has.
        let try_get = head.as_ref().map_or(true, |meta| meta.size > 0);
        say(
            "HEAD",
            head.map(|meta| format!("{} bytes, ETag {}", meta.size, meta.e_tag.as_deref().unwrap_or("none"))),
        );
        if try_get {
            say(
                "GET of one byte",
                store.get_range(&path, 0..1).await.map(|bytes| format!("{} byte came", bytes.len())),
            );
        }
    }
    output::print(&out)?;
    Ok(if failed { Done::Failed } else { Done::All })
}
