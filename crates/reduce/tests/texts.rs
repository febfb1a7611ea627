//! Texts: of fixed and any length, over axes, in groups and in windows.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use rangefold_array::{
    ArrayMeta, ByteOrder, ChunkGrid, DataType, ElementType, FillValue, Hyperslab, MemoryOrder,
};
use rangefold_reduce::{
    AxisMap, ChunkTask, Fold, FoldedGroups, Grouping, Outcome, Partial, ReduceError, ReduceSpec, Reduction,
    ReductionPlan, Value, Windows,
};

const ASKED: [Reduction; 5] =
    [Reduction::Count, Reduction::Min, Reduction::Max, Reduction::First, Reduction::Last];

/// Six texts in chunks of two, the last of which is not stored.
const STORED: [&str; 4] = ["pear", "Äpfel", "", "fig"];

fn meta(element: ElementType, order: ByteOrder, fill: Option<&[u8]>) -> ArrayMeta {
    ArrayMeta {
        data_type: DataType { element, order },
        grid: ChunkGrid::regular(&[6], &[2]).unwrap(),
        order: MemoryOrder::RowMajor,
        codecs: Vec::new(),
        fill_value: fill.map(|fill| FillValue(fill.to_vec())),
        dimension_names: Vec::new(),
    }
}

fn spec(axis: AxisMap) -> ReduceSpec {
    ReduceSpec::new(ASKED.to_vec(), vec![axis])
}

fn run(
    meta: &ArrayMeta,
    spec: &ReduceSpec,
    chunk: impl Fn(&ReductionPlan, &ChunkTask) -> Result<Partial, ReduceError>,
) -> Vec<Outcome> {
    let plan = ReductionPlan::new(meta, &Hyperslab::all(&[6]), spec).unwrap();
    let mut accumulator = plan.accumulator();
    for task in plan.tasks() {
        accumulator.merge(&chunk(&plan, &task).unwrap()).unwrap();
    }
    accumulator.finish().unwrap().into_iter().collect::<Result<_, _>>().unwrap()
}

/// Answers for texts of any length, whose last chunk is not stored.
fn any_length(spec: &ReduceSpec, fill: Option<&[u8]>) -> Vec<Outcome> {
    let meta = meta(ElementType::VlenString, ByteOrder::Little, fill);
    run(&meta, spec, |plan, task| match STORED.chunks(2).nth(task.ordinal.try_into().unwrap()) {
        Some(texts) => plan.reduce_texts(task, &texts.iter().map(|text| text.as_bytes()).collect::<Vec<_>>()),
        None => plan.absent_chunk(task),
    })
}

/// The texts of an answer; `None` where there is none.
fn texts(outcome: &Outcome) -> Vec<Option<&str>> {
    let text = |i| match outcome.value(i)? {
        Value::Text(text) => Some(text),
        _ => None,
    };
    (0..outcome.count.len()).map(text).collect()
}

#[test]
fn texts_of_any_length_are_compared_as_python_compares_them() {
    let outcomes = any_length(&spec(AxisMap::Reduce), Some(b"zoo"));
    assert_eq!(outcomes[0].value(0), Some(Value::Signed(6)));
    let answers: Vec<_> = outcomes[1..].iter().map(|outcome| texts(outcome)[0].unwrap()).collect();
    assert_eq!(answers, ["", "Äpfel", "pear", "zoo"]);
    assert!(outcomes[1..].iter().all(|outcome| outcome.element == ElementType::VlenString));
}

#[test]
fn texts_that_were_never_written_are_empty_and_a_fill_value_can_make_them_missing() {
    let outcomes = any_length(&spec(AxisMap::Reduce), None);
    assert_eq!((&outcomes[0].count[..], texts(&outcomes[4])), (&[6][..], vec![Some("")]));
    let mut missing = spec(AxisMap::Reduce);
    missing.missing.texts = vec![String::new(), "pear".to_owned()];
    let outcomes = any_length(&missing, None);
    assert_eq!(outcomes[0].count, [2]);
    let answers: Vec<_> = outcomes[1..].iter().map(|outcome| texts(outcome)[0].unwrap()).collect();
    assert_eq!(answers, ["fig", "Äpfel", "Äpfel", "fig"]);
}

#[test]
fn texts_are_gathered_in_groups_and_joined_in_windows() {
    let labels = [Some(1), Some(0), Some(1), None, Some(2), Some(2)];
    let groups = AxisMap::Group(Grouping { labels: labels.into(), groups: 4, places: None });
    let mut grouped = spec(groups);
    grouped.missing.texts = vec!["zoo".to_owned()];
    let outcomes = any_length(&grouped, Some(b"zoo"));
    assert_eq!(outcomes[0].count, [1, 2, 0, 0]);
    assert_eq!(texts(&outcomes[1]), [Some("Äpfel"), Some(""), None, None]);
    assert_eq!(texts(&outcomes[4]), [Some("Äpfel"), Some(""), None, None]);
    let by = [FoldedGroups { axis: 0, labels: labels.to_vec(), count: 4 }];
    let fold = Some(Fold::new(&[6], &[0], &[true; 6], &by).unwrap());
    let folded = ReduceSpec { fold, axes: vec![AxisMap::Keep], ..grouped };
    assert_eq!(any_length(&folded, Some(b"zoo")), outcomes);
    let windows = Some(Windows { axis: 0, length: 2, before: 1, least: 2 });
    let outcomes = any_length(&ReduceSpec { windows, ..spec(AxisMap::Keep) }, Some(b"zoo"));
    assert_eq!(
        texts(&outcomes[2]),
        [None, Some("Äpfel"), Some("Äpfel"), Some("fig"), Some("zoo"), Some("zoo")]
    );
    assert_eq!(texts(&outcomes[3]), [None, Some("pear"), Some("Äpfel"), Some(""), Some("fig"), Some("zoo")]);
}

#[test]
fn texts_of_fixed_length_lose_their_padding_in_every_byte_order() {
    let bytes = |text: &str| [text.as_bytes(), &[0; 8]].concat()[..8].to_vec();
    let wide = |text: &str, order| {
        let units = text.chars().map(u32::from).chain([0; 8]).take(6);
        let unit = |n: u32| if order == ByteOrder::Big { n.to_be_bytes() } else { n.to_le_bytes() };
        units.flat_map(unit).collect::<Vec<u8>>()
    };
    let (little, big) = (ByteOrder::Little, ByteOrder::Big);
    for (element, order) in [
        (ElementType::FixedBytes(8), little),
        (ElementType::FixedUtf32(6), little),
        (ElementType::FixedUtf32(6), big),
    ] {
        let encode = |text, order| match element {
            ElementType::FixedBytes(_) => bytes(text),
            _ => wide(text, order),
        };
        let meta = meta(element.clone(), order, Some(&encode("zoo", little)));
        let outcomes = run(&meta, &spec(AxisMap::Reduce), |plan, task| {
            match STORED.chunks(2).nth(task.ordinal.try_into().unwrap()) {
                Some(texts) => {
                    let decoded: Vec<u8> = texts.iter().flat_map(|text| encode(text, order)).collect();
                    plan.reduce_chunk(task, &decoded)
                }
                None => plan.absent_chunk(task),
            }
        });
        // The empty one is missing.
        assert_eq!(outcomes[0].value(0), Some(Value::Signed(5)), "{element:?} {order:?}");
        let answers: Vec<_> = outcomes[1..].iter().map(|outcome| texts(outcome)[0].unwrap()).collect();
        assert_eq!(answers, ["fig", "Äpfel", "pear", "zoo"], "{element:?} {order:?}");
        assert!(outcomes[1..].iter().all(|outcome| outcome.element == element));
    }
}

#[test]
fn what_is_no_text_is_refused_by_name() {
    let strings = meta(ElementType::VlenString, ByteOrder::Little, None);
    for reduction in
        [Reduction::Sum, Reduction::Mean, Reduction::Range, Reduction::ArgMin, Reduction::Std { ddof: 0 }]
    {
        let spec = ReduceSpec::new(vec![reduction.clone()], vec![AxisMap::Reduce]);
        let error = ReductionPlan::new(&strings, &Hyperslab::all(&[6]), &spec).unwrap_err().to_string();
        assert_eq!(error, format!("{} of string values is not defined", reduction.name()));
    }
    let plan =
        |meta: &ArrayMeta| ReductionPlan::new(meta, &Hyperslab::all(&[6]), &spec(AxisMap::Reduce)).unwrap();
    let of_strings = plan(&strings);
    let task = of_strings.tasks().next().unwrap();
    let error = of_strings.reduce_texts(&task, &[b"one"]).unwrap_err().to_string();
    assert_eq!(error, "chunk [0] has 1 texts but its shape needs 2");
    assert!(matches!(of_strings.reduce_chunk(&task, &[]), Err(ReduceError::Texts { len: 0, .. })));
    let of_characters = plan(&meta(ElementType::FixedUtf32(1), ByteOrder::Little, None));
    let error = of_characters.reduce_chunk(&task, &[0x61, 0, 0, 0, 0, 0xd8, 0, 0]).unwrap_err().to_string();
    assert_eq!(error, "chunk [0] holds a text with the number 0xd800, which is no Unicode character");
    assert!(of_characters.reduce_texts(&task, &[b"a", b"b"]).is_err());
}
