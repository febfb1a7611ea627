//! Bytes of a partial answer: reading them may fail, but must not panic, and what they give is merged or refused.
//!
//! The first byte chooses the question; the rest are the bytes after the fingerprint, whose checksum is made to fit.

use rangefold_array::{ArrayMeta, ChunkGrid, DataType, ElementType, Hyperslab, MemoryOrder};
use rangefold_reduce::{AxisMap, ReduceSpec, Reduction, ReductionPlan};
use sha2::{Digest as _, Sha256};

const FINGERPRINT: [u8; 32] = [7; 32];

pub(crate) fn run(bytes: &[u8]) {
    let Some((&choice, bytes)) = bytes.split_first() else { return };
    let plan = plan(choice);
    let mut whole = b"RFNODE\r\n\x01\0\0\0".to_vec();
    let (level, rest) = bytes.split_at(bytes.len().min(4));
    whole.extend_from_slice(level);
    whole.extend_from_slice(&FINGERPRINT);
    whole.extend_from_slice(rest);
    let checksum = Sha256::digest(&whole);
    whole.extend_from_slice(&checksum);
    let Ok(node) = plan.node_from_bytes(&FINGERPRINT, &whole) else { return };
    assert_eq!(node.to_bytes(&FINGERPRINT), whole);
    let mut accumulator = plan.accumulator();
    if accumulator.merge_node(&node).is_ok() {
        let _ = accumulator.finish();
    }
    for slab in &mut plan.slabs(2) {
        let _ = plan.add_node(slab, &node);
    }
}

/// A plan of two chunks.
fn plan(choice: u8) -> ReductionPlan {
    let element = match choice % 5 {
        0 => ElementType::Float64,
        1 => ElementType::Int16,
        2 => ElementType::UInt8,
        3 => ElementType::Complex64,
        _ => ElementType::VlenString,
    };
    let reductions = match choice % 5 {
        0..3 => vec![Reduction::Mean, Reduction::Std { ddof: 0 }, Reduction::ArgMax, Reduction::Min],
        3 => vec![Reduction::Sum],
        _ => vec![Reduction::Min, Reduction::Last],
    };
    let meta = ArrayMeta {
        data_type: DataType::little(element),
        grid: ChunkGrid::regular(&[4, 2], &[2, 2]).expect("a grid"),
        order: MemoryOrder::RowMajor,
        codecs: Vec::new(),
        fill_value: None,
        dimension_names: vec!["time".to_owned(), "lat".to_owned()],
    };
    let maps = if choice < 128 { AxisMap::reduce_all(2) } else { AxisMap::reduce_over(2, &[0]) };
    let spec = ReduceSpec::new(reductions, maps);
    ReductionPlan::new(&meta, &Hyperslab::all(meta.shape()), &spec).expect("a plan")
}

/// Bytes of partial answers of every kind, in the form that [`run`] takes.
#[allow(dead_code, reason = "the fuzzer finds seeds of its own")]
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let seed = |choice: u8| {
        let plan = plan(choice);
        let mut accumulator = plan.accumulator();
        for task in plan.tasks() {
            let texts: [&[u8]; 4] = [b"a", b"", b"ccc", b"dd"];
            let elements = vec![1; usize::try_from(plan.chunk_len(&task)).expect("a length")];
            let partial = match choice % 5 {
                4 => plan.reduce_texts(&task, &texts),
                _ => plan.reduce_chunk(&task, &elements),
            };
            accumulator.merge(&partial.expect("a partial")).expect("a merge");
        }
        let bytes = accumulator.open_nodes().first().expect("a node").to_bytes(&FINGERPRINT);
        let end = bytes.len() - 32;
        [&[choice], &bytes[12..16], &bytes[48..end]].concat()
    };
    (0..5).flat_map(|kind| [seed(kind), seed(130 + kind)]).collect()
}
