//! Inputs as they are typed: paths and URLs, globs of them, and prefixes, which stand for all files below them.

use anyhow::{Context as _, Result, anyhow, bail};
use futures::TryStreamExt as _;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use rangefold::storage::{Location, Scheme};

use crate::WrongArguments;
use crate::context::Context;
use crate::names;

/// What files that can be scanned are called.
const SCANNED: [&str; 7] = [".nc", ".nc4", ".cdf", ".h5", ".hdf5", ".he5", ".hdf"];

/// Globs and prefixes that match more than this are refused.
const INPUTS_MAX: usize = 1_000_000;

/// What `typed` names for a scan: globs by what they match, prefixes (`s3://bucket/daily/`) by the files below them.
///
/// # Errors
///
/// A glob or a prefix that matches nothing, or that cannot be listed.
pub(crate) async fn of_scan(context: &Context, typed: &[String]) -> Result<Vec<String>> {
    let mut inputs = Vec::new();
    for text in typed {
        let location = Location::parse(text).map_err(WrongArguments::of)?;
        let remote = !matches!(location.scheme(), Scheme::File | Scheme::Http | Scheme::Https);
        if remote && (location.key().is_empty() || text.ends_with('/')) {
            inputs.extend(below(context, text).await?);
        } else {
            inputs.extend(matching(context, text, &location).await?);
        }
    }
    Ok(inputs)
}

/// What `typed` names for a combination: globs by what they match.
///
/// # Errors
///
/// A glob that matches nothing, or that cannot be listed.
pub(crate) async fn of_combine(context: &Context, typed: &[String]) -> Result<Vec<String>> {
    let mut inputs = Vec::new();
    for text in typed {
        let location = Location::parse(text).map_err(WrongArguments::of)?;
        inputs.extend(matching(context, text, &location).await?);
    }
    Ok(inputs)
}

/// The files below a prefix that are called as files to scan are.
async fn below(context: &Context, prefix: &str) -> Result<Vec<String>> {
    let folder = format!("{}/", prefix.trim_end_matches('/'));
    let folder = if folder.ends_with(":/") { prefix.to_owned() } else { folder };
    let mut keys = listed(context, &folder, Depth::All).await?;
    let found = keys.len();
    keys.retain(|key| SCANNED.iter().any(|ending| key.to_ascii_lowercase().ends_with(ending)));
    if keys.is_empty() {
        let endings = SCANNED.join(", ");
        bail!(
            "{prefix} is a prefix, not a file, and none of the {found} objects below it ends in {endings}; a glob such as \
               '{folder}**' takes others"
        );
    }
    Ok(keys)
}

/// What a glob matches; anything else, and what is there under just that name, as it is.
async fn matching(context: &Context, text: &str, location: &Location) -> Result<Vec<String>> {
    // A web server tells nobody what it has, and a question mark begins a query there.
    if location.scheme().is_web() || !names::is_glob(text) || is_there(context, text).await {
        return Ok(vec![text.to_owned()]);
    }
    let special = |c: char| matches!(c, '*' | '?' | '[' | '{');
    let plain = text.find(special).and_then(|at| text.get(..at)).unwrap_or(text);
    let folder = plain.rfind('/').and_then(|slash| plain.get(..=slash)).unwrap_or_default();
    let glob = names::glob(text).map_err(WrongArguments::of)?;
    let folder = if folder.is_empty() { "./" } else { folder };
    let beyond = text.get(plain.rfind('/').map_or(0, |slash| slash + 1)..).unwrap_or_default();
    let deep = text.contains("**") || beyond.contains('/');
    let keys = listed(context, folder, if deep { Depth::All } else { Depth::One }).await?;
    let relative = text.starts_with("./") || folder != "./";
    let named = keys.iter().map(|key| match key.strip_prefix("./") {
        Some(name) if !relative => name.to_owned(),
        _ => key.clone(),
    });
    let matching: Vec<String> = named.filter(|key| glob.is_match(key.trim_start_matches('/'))).collect();
    if matching.is_empty() {
        bail!("nothing matches {text}: none of the {} objects below {folder} does", keys.len());
    }
    Ok(matching)
}

async fn is_there(context: &Context, url: &str) -> bool {
    match context.resolve(url) {
        Ok((store, path)) => store.head(&path).await.is_ok(),
        Err(_) => false,
    }
}

/// How far below a folder is looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    One,
    All,
}

/// What is below `folder`, which ends in a slash, in order, each as a URL that begins as `folder` does.
async fn listed(context: &Context, folder: &str, depth: Depth) -> Result<Vec<String>> {
    let cannot = || format!("cannot list {folder}");
    let (store, prefix) = context.resolve(folder).with_context(cannot)?;
    let below = |path: &Path| {
        let parts: Vec<_> = path.prefix_match(&prefix)?.map(|part| part.as_ref().to_owned()).collect();
        (!parts.is_empty()).then(|| format!("{folder}{}", parts.join("/")))
    };
    let mut keys = Vec::new();
    if depth == Depth::One {
        let found = store.list_with_delimiter(Some(&prefix)).await;
        let found = found.map_err(anyhow::Error::from).with_context(cannot)?;
        keys.extend(found.objects.iter().filter_map(|object| below(&object.location)));
        keys.sort_unstable();
        return Ok(keys);
    }
    let mut objects = store.list(Some(&prefix));
    while let Some(object) = objects.try_next().await.map_err(anyhow::Error::from).with_context(cannot)? {
        keys.extend(below(&object.location));
        if keys.len() > INPUTS_MAX {
            return Err(anyhow!("there are more than {INPUTS_MAX} objects below {folder}"));
        }
    }
    keys.sort_unstable();
    Ok(keys)
}
