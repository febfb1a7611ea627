//! `rangefold scan`: netCDF-4/HDF5 files to references.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use rangefold::refs::{Choice, json, parquet};
use rangefold::scan::{Scan, ScanFile, ScanLimits, ScanOptions, Scanned, Select, scan_many};
use rangefold::storage::{HDF5_ENDINGS, Location};
use rangefold::store::Form;
use serde_json::{Value, json};

use crate::args;
use crate::context::{Context, unlisted};
use crate::{Done, WrongArguments, names, output, progress, refs_output};

pub(crate) async fn run(context: &Context, args: &args::Scan) -> Result<Done> {
    if args.files.len() > 1 && args.final_url.is_some() {
        let many = anyhow!("--final-url is for one input, and there are {}", args.files.len());
        return Err(WrongArguments::of(many));
    }
    outputs(args, &args.files).map_err(WrongArguments::of)?;
    if let Some(output) = &args.output {
        context.check_url(output)?;
    }
    let files = context.storage.files(&args.files, &HDF5_ENDINGS).await.map_err(unlisted)?;
    if files.len() > 1 && args.final_url.is_some() {
        bail!("--final-url is for one input, and {} match", files.len());
    }
    let outputs = outputs(args, &files)?;
    check_outputs(context, args, &files, &outputs).await?;
    let choices: Vec<Arc<Choice>> = files
        .iter()
        // Each file has a choice of its own, which knows what it matched.
        .map(|_| Choice::new(&args.include, &args.exclude).map(Arc::new).map_err(WrongArguments::of))
        .collect::<Result<_>>()?;
    let wanted: Vec<ScanFile> = files
        .iter()
        .zip(&choices)
        .map(|(file, choice)| scan_file(context, args, file, choice))
        .collect::<Result<_>>()?;
    let limits = ScanLimits::default();
    let limits = ScanLimits { files: limits.files.min(context.shared.concurrency), ..limits };
    let bar = progress::bar(&context.shared, files.len() as u64, "files");
    let mut scans = scan_many(wanted, limits)
        .zip(stream::iter(files.iter().zip(&outputs).zip(&choices)))
        .map(|(Scanned { outcome, .. }, ((file, output), choice))| async move {
            let mut scanned = outcome?;
            let (trace, arrays) = (&scanned.trace, scanned.references.arrays.len());
            let (rounds, requests, bytes) = (trace.rounds(), trace.requests.len(), trace.bytes());
            tracing::info!(
                "scanned {file}: {arrays} variables in {rounds} rounds, {requests} requests, {bytes} bytes"
            );
            if !args.allow_damaged {
                whole(file, &scanned)?;
            }
            names::tell_unmatched(choice, file)?;
            write(context, output.as_deref(), &mut scanned).await?;
            anyhow::Ok((file, scanned))
        })
        .buffered(limits.files.max(1))
        .boxed();
    let mut report = Vec::new();
    let mut complete = true;
    while let Some((file, scanned)) = scans.try_next().await? {
        bar.inc(1);
        bar.suspend(|| tell(file, &scanned, args.trace));
        complete &= scanned.skipped.is_empty() && scanned.references.lost.is_empty();
        report.push(file_report(file, &scanned));
    }
    bar.finish_and_clear();
    if let Some(path) = &args.report {
        let text = serde_json::to_vec_pretty(&Value::Array(report))?;
        if is_special(path) {
            std::fs::write(path, text).with_context(|| format!("cannot write the report {path}"))?;
        } else {
            context.write(path, text).await?;
        }
    }
    Ok(if complete || !args.strict { Done::All } else { Done::Partly })
}

/// Refuses a file of which something is lost.
fn whole(file: &str, scanned: &Scan) -> Result<()> {
    const TOLD: usize = 10;
    let lost = &scanned.references.lost;
    if lost.is_empty() {
        return Ok(());
    }
    let more = lost.len().saturating_sub(TOLD);
    let mut reasons: Vec<String> = scanned.references.lost_lines().take(TOLD).collect();
    if more > 0 {
        reasons.push(format!("and {more} more"));
    }
    Err(anyhow!("{}", reasons.join("; "))
        .context(format!("{file} is damaged; --allow-damaged writes references to the rest of it")))
}

/// Where each file's references go; `None` is stdout.
fn outputs(args: &args::Scan, files: &[String]) -> Result<Vec<Option<String>>> {
    let Some(output) = &args.output else {
        if files.len() > 1 {
            bail!("{} inputs need an output folder: -o FOLDER/", files.len());
        }
        return Ok(vec![None]);
    };
    // A Parquet store is a folder itself.
    let is_store = matches!(Form::of(output), Ok(Form::Parquet));
    let is_folder = !is_store && (output.ends_with('/') || std::path::Path::new(output).is_dir());
    if !is_folder {
        if files.len() > 1 {
            bail!(
                "{} inputs cannot be written to one output {output}; a folder ends in a slash",
                files.len()
            );
        }
        Form::of(output)?;
        return Ok(vec![Some(output.clone())]);
    }
    let outputs: Vec<String> =
        files.iter().map(|file| format!("{}/{}.json", output.trim_end_matches('/'), stem(file))).collect();
    let mut seen = HashSet::new();
    if let Some(twice) = outputs.iter().find(|output| !seen.insert(output.as_str())) {
        bail!("two inputs would both be written to {twice}; scan them to different folders");
    }
    Ok(outputs.into_iter().map(Some).collect())
}

/// Checks outputs and report before anything is scanned.
async fn check_outputs(
    context: &Context,
    args: &args::Scan,
    files: &[String],
    outputs: &[Option<String>],
) -> Result<()> {
    let inputs = || files.iter().map(String::as_str);
    let written = || outputs.iter().flatten().map(String::as_str);
    for output in written() {
        refs_output::check(context, output, inputs()).await?;
    }
    for output in written() {
        refs_output::check(context, output, inputs()).await?;
    }
    if let Some(report) = &args.report {
        context.check_distinct(report, inputs())?;
        if let Some(output) = written().find(|output| context.check_distinct(report, [*output]).is_err()) {
            return Err(WrongArguments::of(anyhow!(
                "the report and the references would both be written to {output}"
            )));
        }
        if !is_special(report) {
            context.check_writable(report).await?;
        }
    }
    Ok(())
}

/// Whether this is a device or a pipe, such as `/dev/stderr`, which a report may be written to as it is.
fn is_special(path: &str) -> bool {
    std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// The last segment of a path or URL, without its ending.
fn stem(file: &str) -> &str {
    let name = file.trim_end_matches('/').rsplit('/').next().unwrap_or(file);
    name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem })
}

/// Where a file is, and how it is scanned.
fn scan_file(context: &Context, args: &args::Scan, file: &str, choice: &Arc<Choice>) -> Result<ScanFile> {
    if std::path::Path::new(file).is_dir() {
        bail!("{file} is a folder; name the files in it, as in {}/*.nc", file.trim_end_matches('/'));
    }
    let chosen = Arc::clone(choice);
    let select = Arc::new(move |path: &str| chosen.contains(path)) as Select;
    let options = ScanOptions {
        select: (!choice.is_everything()).then_some(select),
        inline_threshold: args.inline_threshold,
        // What is skipped is told, and by the exit code; the rest is written all the same.
        strict: false,
        final_url: args.final_url.clone(),
    };
    let (store, path) = context.resolve(file)?;
    Ok(ScanFile { store, path, url: Location::reference_url(file)?, options })
}

async fn write(context: &Context, output: Option<&str>, scanned: &mut Scan) -> Result<()> {
    let Some(output) = output else {
        let bytes = json::write(&scanned.references)?;
        return Ok(output::print(&(String::from_utf8_lossy(&bytes) + "\n"))?);
    };
    let references = Arc::new(std::mem::take(&mut scanned.references));
    let written = refs_output::write(context, output, Arc::clone(&references), parquet::RECORD_SIZE).await;
    scanned.references = Arc::unwrap_or_clone(references);
    written
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
    for line in scanned.references.lost_lines() {
        output::complain(&format!("{file}: lost: {line}"));
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
    let lost: Vec<Value> = (scanned.references.lost.iter())
        .map(|(path, reason)| json!({ "variable": path, "reason": reason }))
        .collect();
    json!({
        "file": file,
        "variables": scanned.references.arrays.len(),
        "references": scanned.references.reference_count(),
        "skipped": skipped,
        "lost": lost,
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
