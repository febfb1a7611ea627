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
use proptest::sample::Index;
use rangefold_array::{ByteOrder, DataType, ElementType, Hyperslab, MemoryOrder, Slice};
use rangefold_reduce::{
    AxisMap, FoldedGroups, Grouping, MissingSpec, NanPolicy, Number, Packing, ReduceSpec, Windows,
};
use support::random::{condition, element, number, reductions, slice};
use support::{Case, FoldCase, naive, reduce, reduce_in_slabs, same};

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

/// Windows along an axis still to be chosen, or none.
fn windows() -> impl Strategy<Value = Option<(Index, Windows)>> {
    let one = (any::<Index>(), 1_u32..9, 0_u32..9, 1_u32..9).prop_map(|(axis, length, before, least)| {
        (axis, Windows { axis: 0, length, before: before % length, least: least.min(length) })
    });
    prop::option::weighted(0.33, one)
}

/// Some axes of cells of this shape, folded under a mask and in up to two groupings; or none.
fn fold(cells: Vec<u64>) -> impl Strategy<Value = Option<FoldCase>> {
    let taken = prop::collection::vec(prop::bool::weighted(0.7), 37);
    let labels = prop::collection::vec(prop::option::weighted(0.8, 0_u32..4), 41);
    let groups = prop::collection::vec((any::<Index>(), labels), 0..3);
    let axes = prop::sample::subsequence((0..cells.len()).collect::<Vec<_>>(), 0..=cells.len());
    let one = (axes, taken, groups).prop_map(move |(axes, taken, groups)| {
        let places = axes.iter().map(|&axis| cells[axis] as usize).product();
        let grouping = |(axis, labels): (Index, Vec<Option<u32>>)| {
            let labels = labels.into_iter().cycle().take(places).collect();
            Some(FoldedGroups { axis: *axes.get(axis.index(axes.len().max(1)))?, labels, count: 4 })
        };
        let groups = groups.into_iter().filter_map(grouping).collect();
        FoldCase { taken: taken.into_iter().cycle().take(places).collect(), groups, axes }
    });
    prop::option::weighted(0.3, one)
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
        let cells: Vec<u64> =
            maps.iter().zip(selection.axes()).filter_map(|(map, range)| map.cells(range.count())).collect();
        let spec = (spec, fold(cells.clone()), windows());
        (prop::collection::vec(number(&element), len), layout, spec, unsigned).prop_map(
            move |(
                data,
                (order, memory, absent, fill),
                ((reductions, missing, packing, condition), fold, windows),
                unsigned,
            )| {
                let built = fold.as_ref().map(|fold| fold.built(&cells));
                let rank = built.as_ref().map_or(cells.len(), |fold| fold.shape().len());
                let windows = windows.filter(|_| rank > 0);
                Case {
                    data_type: DataType { element: element.clone(), order },
                    memory,
                    shape: shape.clone(),
                    chunks: chunks.clone(),
                    data,
                    absent,
                    fill,
                    selection: selection.clone(),
                    spec: ReduceSpec {
                        fold: built,
                        reductions,
                        axes: maps.clone(),
                        missing,
                        packing,
                        unsigned,
                        condition,
                        along: None,
                        windows: windows.map(|(axis, windows)| Windows { axis: axis.index(rank), ..windows }),
                    },
                    fold,
                }
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
