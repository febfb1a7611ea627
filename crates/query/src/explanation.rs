//! What a question will read, before anything but coordinates is read.

use std::collections::BTreeSet;
use std::fmt;

use rangefold_active::Passes;
use rangefold_array::size_text;
use rangefold_refs::Reference;
use serde_json::{Value, json};

use crate::prepare::Prepared;
use crate::view::View;

/// What a question will read, decode and hold. Printed as text, or as JSON with [`Explanation::to_json`].
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Path of the variable.
    pub variable: String,
    /// Shape of the answer before the bins of histograms.
    pub shape: Vec<u64>,
    /// Elements that take part.
    pub elements: u64,
    /// Chunks that the selection touches.
    pub chunks: u64,
    /// Of those, chunks that are stored.
    pub stored: u64,
    /// Of those, chunks whose bytes are in the references themselves.
    pub inline: u64,
    /// Objects that are read.
    pub objects: usize,
    /// Requests, in one pass over the selection.
    pub requests: u64,
    /// Encoded bytes of the chunks.
    pub referenced: u64,
    /// Bytes fetched, those between neighbours included; `None` where whole objects of unknown size are.
    pub fetched: Option<u64>,
    /// Bytes that those decode to.
    pub decoded: u64,
    /// Bytes held at one time, at the most.
    pub memory: u64,
    /// The pass over the means that anomalies are from, if they are asked for.
    pub means: Option<MeansPass>,
    /// What quantiles take, if some are asked for.
    pub quantiles: Option<Passes>,
}

/// A pass over means that is made before the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeansPass {
    /// Chunks that it touches.
    pub chunks: u64,
    /// Bytes that those decode to.
    pub decoded: u64,
    /// Bytes of the means, which are held afterwards.
    pub held: u64,
}

impl Explanation {
    pub(crate) fn new(view: &View, prepared: &Prepared) -> Self {
        let (store, limits) = (view.store(), view.resources().limits());
        let execution = &prepared.execution;
        let plan = execution.plan();
        let (chunks, stored) = execution.chunk_counts(store);
        let (mut inline, mut referenced) = (0_u64, 0_u64);
        let mut objects = BTreeSet::new();
        for reference in execution.stored(store) {
            match reference {
                Reference::Inline(_) => inline += 1,
                Reference::Range { url, range } => {
                    referenced += range.length();
                    objects.insert(url);
                }
                Reference::Whole { url } => {
                    objects.insert(url);
                }
            }
        }
        let reads = execution.reads(store, limits);
        Self {
            variable: prepared.variable.clone(),
            shape: plan.output_shape().to_vec(),
            elements: plan.selected_count(),
            chunks,
            stored,
            inline,
            objects: objects.len(),
            requests: reads.requests,
            referenced,
            fetched: reads.bytes,
            decoded: plan.decoded_len(),
            memory: execution.memory(store, limits),
            means: execution.means().map(|means| MeansPass {
                chunks: means.execution.plan().chunk_count(),
                decoded: means.execution.plan().decoded_len(),
                held: means.bytes(),
            }),
            quantiles: execution.passes(store, limits),
        }
    }

    /// As one JSON document.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "variable": self.variable,
            "shape": self.shape,
            "elements": self.elements,
            "chunks": { "total": self.chunks, "stored": self.stored, "inline": self.inline },
            "objects": self.objects,
            "requests": self.requests,
            "bytes": { "referenced": self.referenced, "fetched": self.fetched, "decoded": self.decoded },
            "memory": self.memory,
            "means": self.means.map(|MeansPass { chunks, decoded, held }| json!({
                "chunks": chunks, "decoded": decoded, "held": held,
            })),
            "quantiles": self.quantiles.map(|passes| json!({
                "passes": passes.passes, "narrowed": passes.narrowed, "decoded": passes.decoded, "memory": passes.memory,
            })),
        })
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, shape, elements, chunks, stored, inline, objects, requests, .. } = self;
        let between = match self.fetched {
            None => ", and whole objects of unknown size".to_owned(),
            Some(fetched) if fetched > self.referenced => {
                format!(" ({} between chunks)", size_text(fetched - self.referenced))
            }
            Some(_) => String::new(),
        };
        writeln!(
            f,
            "{variable}: {elements} elements in {chunks} chunks, {stored} of them stored ({inline} inline), in {objects} objects"
        )?;
        writeln!(
            f,
            "  {} to fetch in {requests} requests{between}, {} decoded, at most {} of memory; answer of shape {shape:?}",
            size_text(self.fetched.unwrap_or(self.referenced)),
            size_text(self.decoded),
            size_text(self.memory),
        )?;
        if let Some(MeansPass { chunks, decoded, held }) = self.means {
            writeln!(
                f,
                "  the means take a pass over {chunks} chunks before, {} decoded; {} are then held",
                size_text(decoded),
                size_text(held)
            )?;
        }
        let Some(Passes { passes, narrowed, decoded, memory: _ }) = self.quantiles else { return Ok(()) };
        let plural = if passes == 1 { "pass" } else { "passes" };
        let more = match narrowed {
            0 => String::new(),
            _ => format!(", and some more for {narrowed} of the cells, whose values do not fit in memory"),
        };
        writeln!(f, "  quantiles take {passes} {plural}, {} decoded in all{more}", size_text(decoded))
    }
}
