//! `rangefold check`: whether references hold.

use anyhow::{Result, bail};
use rangefold::cf::dimension_conflicts;
use rangefold::store::{Finding, Sample};
use serde_json::{Value, json};

use crate::args::Check;
use crate::context::Context;
use crate::{Done, output};

pub(crate) async fn run(context: &Context, args: &Check) -> Result<Done> {
    let sample = match (args.all, args.metadata_only) {
        (true, _) => Sample::All,
        (_, true) => Sample::Nothing,
        _ => Sample::Some,
    };
    let mut opened = context.open(&args.refs).await?;
    opened.load_arrays(|_| true).await?;
    let set = opened.known();
    if set.arrays.is_empty() && set.unreadable.is_empty() {
        bail!("{} holds no array: there is nothing to check", args.refs);
    }
    let store = context.reference_store(set);
    let mut report = store.check(sample, opened.extent()).await;
    // What readers cannot open is a finding; what is merely not used as a coordinate is not.
    let (refused, odd): (Vec<_>, Vec<_>) =
        dimension_conflicts(store.references()).into_iter().partition(|conflict| conflict.in_one_scope);
    let finding =
        |conflict: rangefold::cf::Conflict| Finding { subject: conflict.subject, problem: conflict.problem };
    report.findings.extend(refused.into_iter().map(finding));
    for conflict in &odd {
        output::complain(&format!("warning: {}: {}", conflict.subject, conflict.problem));
    }
    if context.shared.json {
        let findings: Vec<Value> =
            report.findings.iter().map(|f| json!({ "subject": f.subject, "problem": f.problem })).collect();
        let document = json!({
            "references": report.references,
            "objects": report.objects,
            "decoded": report.decoded,
            "unstored": report.unstored,
            "findings": findings,
            "warnings": odd.iter().map(|c| json!({ "subject": c.subject, "problem": c.problem })).collect::<Vec<_>>(),
        });
        output::print(&format!("{document}\n"))?;
    } else {
        for finding in &report.findings {
            output::print(&format!("{}: {}\n", finding.subject, finding.problem))?;
        }
        for path in &report.unstored {
            output::print(&format!("{path}: no chunk is stored, all of it is the fill value\n"))?;
        }
        let verdict = if report.findings.is_empty() {
            "all is well".to_owned()
        } else {
            format!("{} findings", report.findings.len())
        };
        output::print(&format!(
            "{} references to {} objects, {} chunks decoded: {verdict}\n",
            report.references, report.objects, report.decoded
        ))?;
    }
    Ok(if report.findings.is_empty() { Done::All } else { Done::Failed })
}
