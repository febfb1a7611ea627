//! `rangefold check`: whether references hold.

use anyhow::Result;
use rangefold::store::Sample;
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
    let store = context.reference_store(context.references(&args.refs).await?);
    let report = store.check(sample).await;
    if context.shared.json {
        let findings: Vec<Value> =
            report.findings.iter().map(|f| json!({ "subject": f.subject, "problem": f.problem })).collect();
        let document = json!({
            "references": report.references,
            "objects": report.objects,
            "decoded": report.decoded,
            "findings": findings,
        });
        output::print(&format!("{document}\n"))?;
    } else {
        for finding in &report.findings {
            output::print(&format!("{}: {}\n", finding.subject, finding.problem))?;
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
