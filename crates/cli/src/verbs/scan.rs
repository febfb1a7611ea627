//! `rangefold scan`: netCDF-4/HDF5 files to references.

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use rangefold::refs::json;
use rangefold::scan::{Scan, ScanOptions, Select, scan};
use serde_json::{Value, json};

use crate::args;
use crate::context::Context;
use crate::names::Choice;
use crate::{Done, WrongArguments, inputs, output, progress};

/// Files scanned at the same time; each has its own requests in flight.
const FILES_IN_FLIGHT: usize = 16;

pub(crate) async fn run(context: &Context, args: &args::Scan) -> Result<Done> {
    if args.files.len() > 1 && args.final_url.is_some() {
        let many = anyhow!("--final-url is for one input, and there are {}", args.files.len());
        return Err(WrongArguments::of(many));
    }
    outputs(args, &args.files).map_err(WrongArguments::of)?;
    if let Some(output) = &args.output {
        context.check_url(output)?;
    }
    let files = inputs::of_scan(context, &args.files).await?;
    if files.len() > 1 && args.final_url.is_some() {
        bail!("--final-url is for one input, and {} match", files.len());
    }
    let outputs = outputs(args, &files)?;
    // Each file has a choice of its own, which knows what it matched.
    let choose = || Choice::new(&args.include, &args.exclude).map(Arc::new).map_err(WrongArguments::of);
    choose()?;
    let options = ScanOptions {
        select: None,
        inline_threshold: args.inline_threshold,
        strict: args.strict,
        final_url: args.final_url.clone(),
    };
    let bar = progress::bar(&context.shared, files.len() as u64, "files");
    let mut scans = stream::iter(files.iter().zip(&outputs))
        .map(|(file, output)| {
            let (options, choose) = (&options, &choose);
            async move {
                let choice = choose()?;
                let chosen = Arc::clone(&choice);
                let select = Arc::new(move |path: &str| chosen.contains(path)) as Select;
                let select = (!choice.is_everything()).then_some(select);
                tracing::info!("scanning {file}");
                let scanned = scan_file(context, file, &ScanOptions { select, ..options.clone() }).await?;
                let trace = &scanned.trace;
                let (rounds, requests, bytes) = (trace.rounds(), trace.requests.len(), trace.bytes());
                tracing::info!(
                    "scanned {file}: {} variables in {rounds} rounds, {requests} requests, {bytes} bytes",
                    scanned.references.arrays.len(),
                );
                choice.check(file)?;
                write(context, output.as_deref(), &scanned).await?;
                anyhow::Ok((file, scanned))
            }
        })
        .buffered(FILES_IN_FLIGHT.min(context.shared.concurrency));
    let mut report = Vec::new();
    let mut complete = true;
    while let Some((file, scanned)) = scans.try_next().await? {
        bar.inc(1);
        bar.suspend(|| tell(file, &scanned, args.trace));
        complete &= scanned.skipped.is_empty();
        report.push(file_report(file, &scanned));
    }
    bar.finish_and_clear();
    if let Some(path) = &args.report {
        let text = serde_json::to_vec_pretty(&Value::Array(report))?;
        std::fs::write(path, text).with_context(|| format!("cannot write the report {}", path.display()))?;
    }
    Ok(if complete || !args.strict { Done::All } else { Done::Partly })
}

/// Where each file's references go; `None` is stdout.
fn outputs(args: &args::Scan, files: &[String]) -> Result<Vec<Option<String>>> {
    let Some(output) = &args.output else {
        if files.len() > 1 {
            bail!("{} inputs need an output folder: -o FOLDER/", files.len());
        }
        return Ok(vec![None]);
    };
    let is_folder = output.ends_with('/') || std::path::Path::new(output).is_dir();
    if !is_folder {
        if files.len() > 1 {
            bail!("{} inputs cannot be written to one file {output}; a folder ends in a slash", files.len());
        }
        return Ok(vec![Some(output.clone())]);
    }
    let mut outputs: Vec<String> =
        files.iter().map(|file| format!("{}/{}.json", output.trim_end_matches('/'), stem(file))).collect();
    let all = outputs.clone();
    outputs.sort();
    if let Some(twice) =
        outputs.windows(2).find(|pair| pair.first() == pair.last()).and_then(|pair| pair.first())
    {
        bail!("two inputs would both be written to {twice}; scan them to different folders");
    }
    Ok(all.into_iter().map(Some).collect())
}

/// The last segment of a path or URL, without its ending.
fn stem(file: &str) -> &str {
    let name = file.trim_end_matches('/').rsplit('/').next().unwrap_or(file);
    name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem })
}

async fn scan_file(context: &Context, file: &str, options: &ScanOptions) -> Result<Scan> {
    if std::path::Path::new(file).is_dir() {
        bail!("{file} is a folder; name the files in it, as in {}/*.nc", file.trim_end_matches('/'));
    }
    let (store, path) = context.resolve(file)?;
    let url = context.canonical(file)?;
    Ok(scan(store, &path, &url, options).await?)
}

async fn write(context: &Context, output: Option<&str>, scanned: &Scan) -> Result<()> {
    let bytes = json::write(&scanned.references)?;
    match output {
        Some(url) => context.write(url, bytes).await,
        None => Ok(output::print(&(String::from_utf8_lossy(&bytes) + "\n"))?),
    }
}

/// The path of an object; `/` for the root, whose path is empty.
fn named(path: &str) -> &str {
    if path.is_empty() { "/" } else { path }
}

/// What was left out, what to know, and the requests if they are wanted.
fn tell(file: &str, scanned: &Scan, trace: bool) {
    for skipped in &scanned.skipped {
        output::complain(&format!("{file}: skipped {}: {}", named(&skipped.path), skipped.reason));
    }
    for warning in &scanned.warnings {
        output::complain(&format!("{file}: {}: {}", named(&warning.path), warning.message));
    }
    if trace {
        output::complain(&format!("{file}:\n{}", scanned.trace));
    }
}

fn file_report(file: &str, scanned: &Scan) -> Value {
    let skipped: Vec<Value> =
        scanned.skipped.iter().map(|s| json!({ "variable": named(&s.path), "reason": s.reason })).collect();
    let warnings: Vec<Value> =
        scanned.warnings.iter().map(|w| json!({ "variable": w.path, "message": w.message })).collect();
    json!({
        "file": file,
        "variables": scanned.references.arrays.len(),
        "references": scanned.references.reference_count(),
        "skipped": skipped,
        "warnings": warnings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_named_after_inputs() {
        assert_eq!(stem("s3://b/a.b/tas_2001.v1.nc"), "tas_2001.v1");
        assert_eq!(stem("folder/.hidden"), ".hidden");
        assert_eq!(stem("plain"), "plain");
    }
}
