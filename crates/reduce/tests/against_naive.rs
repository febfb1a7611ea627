//! Every reduction against a reference that looks at one element at a time.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may fail, and its numbers are small"
)]

mod support;

use proptest::prelude::*;
use rangefold_array::{ByteOrder, DataType, ElementType, Hyperslab, MemoryOrder, Slice};
use rangefold_reduce::{AxisMap, Grouping, MissingSpec, NanPolicy, Number, Packing, ReduceSpec, Windows};
use support::random::{condition, element, number, reductions, slice};
use support::{Case, naive, reduce, reduce_in_slabs, same};

/// What becomes of an axis, before the number of positions is known.
#[derive(Clone, Debug)]
enum Plan {
    Keep,
    Reduce,
    Group(Vec<Option<u32>>),
}

fn plan() -> impl Strategy<Value = Plan> {
    prop_oneof![
        2 => Just(Plan::Keep),
        3 => Just(Plan::Reduce),
        1 => prop::collection::vec(prop::option::weighted(0.8, 0_u32..4), 40).prop_map(Plan::Group),
    ]
}

fn packing(element: ElementType) -> impl Strategy<Value = Option<Packing>> {
    let width = || prop::sample::select(vec![ElementType::Float32, ElementType::Float64]);
    let attributes = (prop::sample::select(vec![0.25, -0.1, 3.0]), width(), -2.0..2.0_f64, width());
    prop::option::weighted(0.3, attributes).prop_map(move |attributes| {
        let (scale, scale_width, offset, offset_width) = attributes?;
        let narrow = |x: f64, width: &ElementType| {
            Number::Float(if *width == ElementType::Float32 { f64::from(x as f32) } else { x })
        };
        let scale = narrow(scale, &scale_width);
        let offset = narrow(offset, &offset_width);
        Packing::from_attributes(&element, Some((scale, &scale_width)), Some((offset, &offset_width)))
            .unwrap()
    })
}

/// Windows along one of the axes that stay, or none.
fn windows(stay: usize) -> impl Strategy<Value = Option<Windows>> {
    let one =
        (0..stay.max(1), 1_u32..9, 0_u32..9, 1_u32..9).prop_map(move |(axis, length, before, least)| {
            let (before, least) = (before % length, least.min(length));
            (stay > 0).then_some(Windows { axis, length, before, least })
        });
    prop_oneof![2 => Just(None), 1 => one]
}

fn case() -> impl Strategy<Value = Case> {
    let axis = || (1_u64..7, 1_u64..5, slice(), plan());
    // Long axes pass through the blocks of the kernels, short ones through the seams of the chunks.
    let long = (1_u64..4000, 500_u64..3000, Just(Slice::All), plan());
    let axes = prop_oneof![
        8 => prop::collection::vec(axis(), 0..4),
        1 => (long, prop::collection::vec(axis(), 0..2)).prop_map(|(long, mut axes)| {
            axes.push(long);
            axes
        }),
    ];
    (axes, element()).prop_flat_map(|(axes, element)| {
        let shape: Vec<u64> = axes.iter().map(|axis| axis.0).collect();
        let chunks: Vec<u64> = axes.iter().map(|axis| axis.1).collect();
        let slices: Vec<Slice> = axes.iter().map(|axis| axis.2).collect();
        let selection = Hyperslab::resolve(&slices, &shape).unwrap();
        let maps: Vec<AxisMap> = axes
            .iter()
            .zip(selection.axes())
            .map(|(axis, range)| match &axis.3 {
                Plan::Keep => AxisMap::Keep,
                Plan::Reduce => AxisMap::Reduce,
                Plan::Group(labels) => AxisMap::Group(Grouping {
                    labels: labels.iter().copied().cycle().take(range.count() as usize).collect(),
                    groups: 4,
                    places: None,
                }),
            })
            .collect();
        let len = shape.iter().product::<u64>() as usize;
        let missing = (
            prop::collection::vec(number(&element), 0..4),
            prop::option::weighted(0.2, number(&element)),
            prop::option::weighted(0.2, number(&element)),
        )
            .prop_map(|(fill_values, valid_min, valid_max)| MissingSpec {
                texts: Vec::new(),
                fill_values,
                valid_min,
                valid_max,
                nan: NanPolicy::Missing,
            });
        let layout = (
            prop::sample::select(vec![ByteOrder::Little, ByteOrder::Big]),
            prop::sample::select(vec![MemoryOrder::RowMajor, MemoryOrder::ColumnMajor]),
            prop::collection::vec(prop::bool::weighted(0.2), 64),
            prop::option::weighted(0.8, number(&element)),
        );
        let spec =
            (reductions(), missing, packing(element.clone()), prop::option::weighted(0.2, condition()));
        let unsigned = prop::bool::weighted(0.2);
        let stay = maps.iter().filter(|map| !matches!(map, AxisMap::Reduce)).count();
        let spec = (spec, windows(stay));
        (prop::collection::vec(number(&element), len), layout, spec, unsigned).prop_map(
            move |(
                data,
                (order, memory, absent, fill),
                ((reductions, missing, packing, condition), windows),
                unsigned,
            )| Case {
                data_type: DataType { element: element.clone(), order },
                memory,
                shape: shape.clone(),
                chunks: chunks.clone(),
                data,
                absent,
                fill,
                selection: selection.clone(),
                spec: ReduceSpec {
                    reductions,
                    axes: maps.clone(),
                    missing,
                    packing,
                    unsigned,
                    condition,
                    windows,
                },
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, max_shrink_iters: 4000, ..ProptestConfig::default() })]

    #[test]
    fn every_reduction_is_that_of_the_elements_one_by_one(case in case(), slabs in 1_u64..4) {
        let expected = naive(&case);
        let merged = reduce(&case);
        for answers in reduce_in_slabs(&case, slabs).into_iter().chain([merged]) {
            match (answers, &expected) {
                (Ok(answers), Ok(expected)) => {
                    prop_assert_eq!(answers.len(), expected.len());
                    for (answer, expected) in answers.iter().zip(expected) {
                        if let Err(difference) = same(answer, expected) {
                            prop_assert!(false, "{:?}: {}", answer.reduction, difference);
                        }
                    }
                }
                (answers, expected) => prop_assert_eq!(answers.is_err(), expected.is_err()),
            }
        }
    }
}
