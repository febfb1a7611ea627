//! The bits of an answer depend neither on how its chunks were split nor on how long the array was when they were reduced.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test that cannot go on must stop, and its numbers are small"
)]

use proptest::prelude::*;
use rangefold_array::{
    ArrayMeta, ChunkGrid, DataType, ElementType, FillValue, Hyperslab, MemoryOrder, Number, Slice,
};
use rangefold_reduce::{
    AxisMap, ChunkTask, Comparison, Condition, Fold, Grouping, Handing, Node, Outcome, ReduceSpec, Reduction,
    ReductionPlan, Windows,
};

/// Positions selected along the second and third axis, which are cut in chunks of half of them.
const WIDTH: u64 = 4;

/// Rows of so many elements that a block has 1 of them, or 4.
fn meta(times: u64, chunk: u64, block_rows: u64) -> ArrayMeta {
    let width = (1 << 14) / (block_rows * chunk).isqrt();
    ArrayMeta {
        data_type: DataType::little(ElementType::Float64),
        grid: ChunkGrid::regular(&[times, width, width], &[chunk, WIDTH / 2, WIDTH / 2]).unwrap(),
        order: MemoryOrder::RowMajor,
        codecs: Vec::new(),
        fill_value: Some(FillValue(0.1_f64.to_le_bytes().to_vec())),
        dimension_names: ["time", "y", "x"].map(str::to_owned).to_vec(),
    }
}

/// Numbers of very different magnitude, so that each order of additions has bits of its own; NaN here and there.
fn decoded(meta: &ArrayMeta, task: &ChunkTask) -> Option<Vec<u8>> {
    let index = task.selection.index();
    let seed = index.iter().fold(7_u64, |n, &i| n.wrapping_mul(1_000_003).wrapping_add(i + 1));
    if seed % 5 == 0 {
        return None;
    }
    let count = meta.grid.chunk_len(&index).unwrap();
    let number = |i: u64| {
        let mut n = (seed ^ i).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        n = (n ^ (n >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        match n % 11 {
            0 => f64::NAN,
            k => ((n >> 16) as f64 / 1e12 - 100.0) * 10_f64.powi(3 * k as i32 - 12),
        }
    };
    Some((0..count).flat_map(|i| number(i).to_le_bytes()).collect())
}

fn reductions() -> Vec<Reduction> {
    vec![
        Reduction::Sum,
        Reduction::Mean,
        Reduction::Var { ddof: 1 },
        Reduction::Min,
        Reduction::Max,
        Reduction::ArgMin,
        Reduction::ArgMax,
        Reduction::First,
        Reduction::Last,
        Reduction::Count,
        Reduction::CountWhere(Condition { comparison: Comparison::Greater, threshold: Number::Integer(1) }),
        Reduction::Histogram([-1e6, -1.0, 0.0, 1.0, 1e9].into()),
    ]
}

/// Questions of every shape about `times` positions from `start` on.
fn spec(kind: usize, times: u64) -> ReduceSpec {
    use AxisMap::{Keep, Reduce};
    let group = |width: u64| {
        let labels = (0..times).map(|t| (t % 7 != 3).then_some((t / width) as u32)).collect();
        AxisMap::Group(Grouping { labels, groups: times.div_ceil(width) as u32, places: None })
    };
    let axes = |first| vec![first, Keep, Keep];
    let folded = |cells: &[u64], axes: &[usize]| {
        let places = axes.iter().map(|&axis| cells[axis]).product::<u64>();
        let taken: Vec<bool> = (0..places).map(|place| place % 3 != 1).collect();
        Some(Fold::new(cells, axes, &taken, &[]).unwrap())
    };
    let new = |axes| ReduceSpec::new(reductions(), axes);
    match kind {
        0 => new(AxisMap::reduce_all(3)),
        1 => new(axes(Reduce)),
        2 => new(vec![Reduce, Reduce, Keep]),
        3 => new(axes(group(1000))),
        4 => new(vec![group(5), Reduce, Reduce]),
        5 => new(vec![Keep, Reduce, Reduce]),
        6 => new(vec![Keep; 3]),
        7 => ReduceSpec { fold: folded(&[WIDTH, WIDTH], &[0, 1]), ..new(vec![Reduce, Keep, Keep]) },
        8 => ReduceSpec { fold: folded(&[times, WIDTH, WIDTH], &[0, 2]), ..new(vec![Keep; 3]) },
        9 => {
            let windows = Some(Windows { axis: 0, length: 4, before: 1, least: 1 });
            ReduceSpec { windows, ..new(vec![Keep, Reduce, Keep]) }
        }
        10 => {
            let windows = Some(Windows { axis: 0, length: 2, before: 1, least: 2 });
            ReduceSpec { windows, ..new(vec![Reduce, Keep, Reduce]) }
        }
        _ => {
            let condition = Some(Condition { comparison: Comparison::Less, threshold: Number::Float(1e7) });
            ReduceSpec { condition, ..new(vec![Reduce, Keep, Reduce]) }
        }
    }
}
const KINDS: usize = 12;

fn selection(meta: &ArrayMeta, start: u64) -> Hyperslab {
    let part = Slice::Range { start: Some(0), stop: Some(WIDTH as i64), step: None };
    let times = Slice::Range { start: Some(start as i64), stop: None, step: None };
    Hyperslab::resolve(&[times, part, part], meta.shape()).unwrap()
}

struct Case {
    meta: ArrayMeta,
    plan: ReductionPlan,
}

impl Case {
    fn new(times: u64, chunk: u64, block_rows: u64, start: u64, kind: usize) -> Self {
        let meta = meta(times, chunk, block_rows);
        let selection = selection(&meta, start);
        let plan = ReductionPlan::new(&meta, &selection, &spec(kind, times - start)).unwrap();
        Self { meta, plan }
    }

    /// The partials of tasks, several of chunks that are not stored together.
    fn each(&self, ordinals: std::ops::Range<u64>, mut take: impl FnMut(ChunkTask, Option<Vec<u8>>)) {
        let mut absent = ordinals.start;
        for task in self.plan.tasks().filter(|task| ordinals.contains(&task.ordinal)) {
            if let Some(bytes) = decoded(&self.meta, &task) {
                self.plan.absent_tasks(absent..task.ordinal).for_each(|task| take(task, None));
                absent = task.ordinal + 1;
                take(task, Some(bytes));
            }
        }
        self.plan.absent_tasks(absent..ordinals.end).for_each(|task| take(task, None));
    }

    fn nodes_and_answers(
        &self,
        handing: Handing,
        ordinals: std::ops::Range<u64>,
        known: &[Node],
    ) -> (Vec<Node>, Option<Vec<Outcome>>) {
        let parts = matches!(handing, Handing::Largest(_));
        let mut accumulator = self.plan.accumulator().handing_on(handing);
        let mut nodes = Vec::new();
        let mut at = ordinals.start;
        let mut merge = |accumulator: &mut rangefold_reduce::Accumulator<'_>, ordinals| {
            self.each(ordinals, |task, bytes| {
                let partial = match bytes {
                    Some(bytes) => self.plan.reduce_chunk(&task, &bytes).unwrap(),
                    None => self.plan.absent_chunk(&task).unwrap(),
                };
                accumulator.merge(&partial).unwrap();
                nodes.extend(accumulator.take_nodes().unwrap());
            });
        };
        for node in known {
            merge(&mut accumulator, at..node.ordinals().start);
            accumulator.merge_node(node).unwrap();
            at = node.ordinals().end;
        }
        merge(&mut accumulator, at..ordinals.end);
        if parts {
            nodes.extend(accumulator.into_nodes().unwrap());
            return (self.sent(nodes), None);
        }
        nodes.extend(accumulator.open_nodes());
        let nodes = self.sent(nodes);
        (nodes, Some(accumulator.finish().unwrap().into_iter().map(Result::unwrap).collect()))
    }

    /// The nodes, as bytes and back.
    fn sent(&self, nodes: Vec<Node>) -> Vec<Node> {
        let fingerprint = self.plan.fingerprint();
        let sent = |node: Node| {
            let bytes = node.to_bytes(&fingerprint);
            let read = self.plan.node_from_bytes(&fingerprint, &bytes).unwrap();
            assert_eq!(read.to_bytes(&fingerprint), bytes);
            read
        };
        nodes.into_iter().map(sent).collect()
    }

    fn all(&self) -> std::ops::Range<u64> {
        0..self.plan.chunk_count()
    }

    fn answers(&self) -> Vec<Outcome> {
        self.nodes_and_answers(Handing::Nothing, self.all(), &[]).1.unwrap()
    }

    /// The answers when slabs take the chunks, with nodes in the place of some; and the nodes that the slabs hand on.
    fn in_slabs(&self, handing: &Handing, known: &[Node]) -> Option<(Vec<Node>, Vec<Outcome>)> {
        let mut slabs: Vec<_> =
            self.plan.slabs(3).into_iter().map(|slab| slab.handing_on(handing.clone())).collect();
        let mut pieces = Vec::new();
        let mut at = 0;
        let mut add = |slabs: &mut Vec<rangefold_reduce::Slab>, ordinals: std::ops::Range<u64>| {
            self.each(ordinals, |task, bytes| {
                for slab in slabs.iter_mut() {
                    self.plan.add_chunk(slab, &task, bytes.as_deref()).unwrap();
                }
                for slab in slabs.iter_mut() {
                    pieces.extend(slab.take_nodes(&self.plan, task.ordinal + task.chunks).unwrap());
                }
            });
        };
        for node in known {
            add(&mut slabs, at..node.ordinals().start);
            slabs.iter_mut().for_each(|slab| self.plan.add_node(slab, node).unwrap());
            at = node.ordinals().end;
        }
        add(&mut slabs, at..self.plan.chunk_count());
        let end = self.plan.chunk_count();
        slabs.iter().for_each(|slab| pieces.extend(slab.open_nodes(&self.plan, end)));
        let mut nodes = Vec::new();
        while let Some(first) = pieces.first().map(|node| (node.level(), node.ordinals().clone())) {
            let (same, others) =
                pieces.into_iter().partition(|node| (node.level(), node.ordinals().clone()) == first);
            nodes.push(self.plan.join_nodes(same).unwrap());
            pieces = others;
        }
        if slabs.is_empty() {
            return None;
        }
        Some((nodes, self.plan.answers(slabs).unwrap().into_iter().map(Result::unwrap).collect()))
    }

    /// Nodes that follow one another from the first task on: always the longest.
    fn cover(&self, nodes: &[Node]) -> Vec<Node> {
        let mut cover: Vec<Node> = Vec::new();
        let mut at = 0;
        let end = self.plan.chunk_count();
        let fits = |node: &&Node, at| node.ordinals().start == at && node.ordinals().end <= end;
        while let Some(node) = nodes.iter().filter(|n| fits(n, at)).max_by_key(|n| n.ordinals().end) {
            at = node.ordinals().end;
            cover.push(node.clone());
        }
        cover
    }
}

/// Numbers as they are in memory: NaN equals itself, and zeros have signs.
fn bits(outcomes: &[Outcome]) -> Vec<String> {
    outcomes.iter().map(|o| format!("{:?} {:?} {:?} {:?}", o.shape, o.values, o.count, o.lacking)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_split_at_blocks_has_the_bits_of_one_run(
        times in 1_u64..60, chunk in 1_u64..4, four in any::<bool>(), start in 0_u64..20, kind in 0..KINDS,
        cuts in prop::collection::vec(0_u64..64, 0..6),
    ) {
        let case = Case::new(times + start, chunk, if four { 4 } else { 1 }, start, kind);
        let blocks = case.plan.blocks();
        let mut bounds: Vec<u64> = cuts.into_iter().map(|cut| cut.clamp(blocks.start, blocks.end)).collect();
        bounds.extend([blocks.start, blocks.end]);
        bounds.sort_unstable();
        let mut nodes = Vec::new();
        for pair in bounds.windows(2).filter(|pair| pair[0] < pair[1]) {
            let part = pair[0]..pair[1];
            let ordinals = case.plan.tasks_of_blocks(&part);
            nodes.extend(case.nodes_and_answers(Handing::Largest(part), ordinals, &[]).0);
        }
        let (_, merged) = case.nodes_and_answers(Handing::Nothing, case.all(), &nodes);
        prop_assert_eq!(bits(&merged.unwrap()), bits(&case.answers()));
        if let Some((_, merged)) = case.in_slabs(&Handing::Nothing, &nodes) {
            // Slabs add elements, not partials, to the answer: counts, extremes and places are the same.
            for (merged, alone) in merged.iter().zip(case.answers()).skip(3) {
                prop_assert_eq!(bits(std::slice::from_ref(merged)), bits(&[alone]));
            }
        }
    }

    #[test]
    fn what_was_kept_of_a_shorter_array_has_the_bits_of_one_run(
        lengths in prop::collection::vec(1_u64..30, 1..4), chunk in 1_u64..4, four in any::<bool>(),
        start in 0_u64..20, kind in 0..KINDS, least in 0_u32..3,
    ) {
        // Groups and folds of the first axis are made anew with each length: kinds whose answer grows are left to callers
        // that compare what the positions are.
        prop_assume!(![3, 4, 8].contains(&kind));
        let block_rows = if four { 4 } else { 1 };
        let (mut nodes, mut in_slabs) = (Vec::new(), Vec::new());
        let mut times = start;
        for length in lengths {
            // Whole chunks are appended.
            times += length * chunk;
            let case = Case::new(times.next_multiple_of(chunk), chunk, block_rows, start, kind);
            let handing = Handing::Copies(least);
            let (more, answers) = case.nodes_and_answers(handing.clone(), case.all(), &case.cover(&nodes));
            prop_assert_eq!(bits(&answers.unwrap()), bits(&case.answers()));
            nodes.extend(more);
            let alone = case.in_slabs(&Handing::Nothing, &[]);
            let kept = case.in_slabs(&handing, &case.cover(&in_slabs));
            prop_assert_eq!(alone.is_some(), kept.is_some());
            if let Some(((_, alone), (more, answers))) = alone.zip(kept) {
                prop_assert_eq!(bits(&answers), bits(&alone));
                in_slabs.extend(more);
            }
        }
    }
}

#[test]
fn a_block_follows_from_the_grid_and_not_from_the_length_of_the_first_axis() {
    let blocks = |times: u64, chunk: u64, width: u64| {
        let meta = ArrayMeta {
            grid: ChunkGrid::regular(&[times, width, width], &[chunk, 100, 100]).unwrap(),
            ..meta(times, chunk, 1)
        };
        let spec = ReduceSpec::new(vec![Reduction::Sum], AxisMap::reduce_all(3));
        ReductionPlan::new(&meta, &Hyperslab::all(meta.shape()), &spec).unwrap().blocks()
    };
    // A million elements a step: 16 steps have 2^24.
    assert_eq!((blocks(16, 1, 1000), blocks(17, 1, 1000), blocks(1600, 1, 1000)), (0..1, 0..2, 0..100));
    assert_eq!((blocks(24, 12, 1000), blocks(36, 12, 1000)), (0..1, 0..2));
    // More where a step is large, up to 2^28 elements.
    assert_eq!((blocks(160, 1, 4000), blocks(160, 1, 8000), blocks(160, 1, 20_000)), (0..10, 0..40, 0..160));
    // Small ones by the thousand.
    assert_eq!(blocks(1 << 20, 1, 100), 0..1024);
}

#[test]
fn bytes_of_a_node_are_little_endian_and_told_in_full() {
    let case = Case::new(3, 1, 1, 0, 0);
    let handing = Handing::Largest(0..2);
    let (nodes, _) = case.nodes_and_answers(handing, case.plan.tasks_of_blocks(&(0..2)), &[]);
    let [first, _] = nodes.as_slice() else { panic!("two blocks are not all of their parent") };
    let bytes = first.to_bytes(&[9; 32]);
    assert_eq!(bytes[..16], *b"RFNODE\r\n\x01\0\0\0\0\0\0\0");
    assert_eq!(bytes[16..48], [9; 32]);
    assert_eq!(
        bytes[48..72],
        [0, 4]
            .map(u64::to_le_bytes)
            .concat()
            .into_iter()
            .chain([3, 0, 0, 0, 0, 0, 0, 0])
            .collect::<Vec<u8>>()
    );
    // A count, two extremes, a sum and deviations in two parts each, four located values, a condition and four bins.
    assert_eq!(bytes.len(), 72 + 8 * (1 + 2 + 4 + 8 + 1 + 4) + 32);
}

#[test]
fn bytes_that_are_damaged_cut_short_or_of_something_else_are_refused() {
    let case = Case::new(3, 1, 1, 0, 1);
    let (nodes, _) = case.nodes_and_answers(Handing::Copies(0), case.all(), &[]);
    let fingerprint = case.plan.fingerprint();
    let bytes = nodes[0].to_bytes(&fingerprint);
    let read = |bytes: &[u8]| case.plan.node_from_bytes(&fingerprint, bytes).unwrap_err().to_string();
    for end in [0, 8, 31, 32, 104, bytes.len() - 1] {
        assert!(read(&bytes[..end]).starts_with("a partial answer") || end < 44, "{}", read(&bytes[..end]));
    }
    let mut damaged = bytes.clone();
    damaged[200] ^= 1;
    assert_eq!(read(&damaged), "a partial answer is damaged: its checksum does not fit its bytes");
    assert_eq!(
        read(&[&bytes[..], b"x"].concat()),
        "a partial answer is damaged: its checksum does not fit its bytes"
    );
    assert_eq!(read(b"{}"), "a partial answer cannot have 2 bytes");
    assert_eq!(read(&[0; 99]), "these bytes are not a partial answer of version 1");
    let other = nodes[0].to_bytes(&[0; 32]);
    assert_eq!(read(&other), "a partial answer belongs to another question, or to other data");
}

#[test]
fn a_fingerprint_is_of_all_that_is_asked_but_for_how_far_the_first_axis_goes() {
    let prints = |times: u64| -> Vec<_> {
        (0..KINDS).map(|kind| Case::new(times, 1, 1, 2, kind).plan.fingerprint()).collect()
    };
    let (short, long) = (prints(30), prints(40));
    for (kind, (one, other)) in short.iter().zip(&long).enumerate() {
        // A mask over the first axis is another mask where that is longer.
        assert_eq!(one == other, kind != 8, "{kind}");
    }
    let all: std::collections::BTreeSet<_> = short.iter().collect();
    assert_eq!(all.len(), KINDS);
    let plan = |start, kind| Case::new(30, 1, 1, start, kind).plan;
    assert_ne!(plan(2, 0).fingerprint(), plan(3, 0).fingerprint());
    assert_eq!(plan(2, 4).row_fingerprint(3), Case::new(40, 1, 1, 2, 4).plan.row_fingerprint(3));
    assert_ne!(plan(2, 4).row_fingerprint(3), plan(2, 4).row_fingerprint(4));
}
