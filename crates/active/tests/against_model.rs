//! Queries over small variables against a model that looks at one element at a time.
//!
//! A failure prints the smallest case that shows it, and the seed that makes it again.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a test may fail, and its numbers are small"
)]

mod model;

use std::collections::{BTreeMap, BTreeSet};

use model::support::random::{condition, element, number, reductions, slice};
use model::support::{Expected, Near, fsum, joined, meets, one, same};
use model::{Marks, Variable, longitude, plain, positions, sliced, store};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use rangefold_active::Limits;
use rangefold_array::{ByteOrder, DataType, ElementType, MemoryOrder};
use rangefold_query::Query;
use rangefold_query::select::AxisSelector;
use rangefold_query::{GroupKey, Rolling, View, WeightSource, prepare};
use rangefold_reduce::{Comparison, Condition, Number, Outcome, Reduction, Value, Windows};
use rangefold_store::FetchOptions;

async fn answers(variables: &[Variable], query: &Query) -> Vec<Outcome> {
    let store = store(variables, FetchOptions::default());
    let prepared = prepare(&View::new(store.clone()), "v", query).await.unwrap();
    prepared
        .run(&View::within(store.clone(), Limits::default()), &|_, _| {})
        .await
        .unwrap()
        .complete()
        .unwrap()
}

/// Three weights of which the second is what netCDF writes where nothing was written, and the third too large.
fn marked(name: &'static str) -> Variable {
    let mut variable = plain(name, ElementType::Int16, &[("x", 4)], &[1.0, -32767.0, 900.0, 2.0]);
    variable.marks.valid_max = Some(Number::Integer(100));
    variable
}

#[tokio::test]
async fn what_netcdf_masks_in_weights_masks_and_labels_takes_no_part() {
    let v = plain("v", ElementType::Float64, &[("x", 4)], &[10.0, 20.0, 40.0, 70.0]);
    let variables = [v, marked("w")];
    let weighted = |weights: WeightSource| Query {
        reductions: vec![Reduction::Mean, Reduction::Count],
        weights: vec![weights],
        ..Query::default()
    };
    let answer = answers(&variables, &weighted(WeightSource::Variable("w".to_owned()))).await;
    assert_eq!((answer[0].value(0), answer[0].count[0]), (Some(Value::Float(50.0)), 2));
    let condition = Condition { comparison: Comparison::NotEqual, threshold: Number::Integer(1) };
    let answer =
        answers(&variables, &weighted(WeightSource::Mask { variable: "w".to_owned(), condition })).await;
    assert_eq!((answer[0].value(0), answer[0].count[0]), (Some(Value::Float(70.0)), 1));
    let by = Query {
        reductions: vec![Reduction::Sum],
        by: vec![GroupKey::Variable("w".to_owned()).into()],
        ..Query::default()
    };
    let answer = answers(&variables, &by).await;
    assert_eq!((answer[0].shape.as_slice(), answer[0].count.as_slice()), (&[2][..], &[1, 1][..]));
}

#[tokio::test]
async fn groups_along_a_dimension_and_over_it_and_another_are_combined() {
    let dims = [("t", 2), ("y", 2)];
    let v = plain("v", ElementType::Int32, &dims, &[1.0, 2.0, 3.0, 4.0]);
    let over_both = plain("g", ElementType::Int8, &dims, &[0.0, 1.0, 1.0, 1.0]);
    let along_t = plain("h", ElementType::Int8, &[("t", 2)], &[5.0, 6.0]);
    let by = ["g", "h"].map(|name| GroupKey::Variable(name.to_owned()).into()).to_vec();
    let reductions = vec![Reduction::Sum, Reduction::ArgMax];
    let query = Query { reductions, by, ..Query::default() };
    let answer = answers(&[v, over_both, along_t], &query).await;
    let values = |i: usize| (0..4).map(|cell| answer[i].value(cell)).collect::<Vec<_>>();
    let signed = |n: i64| Some(Value::Signed(n));
    assert_eq!(answer[0].shape, [2, 2]);
    assert_eq!(values(0), [signed(1), signed(2), None, signed(7)]);
    assert_eq!(values(1), [signed(0), signed(1), None, signed(3)]);
}

#[tokio::test]
async fn negative_weights_are_refused_also_where_their_product_is_positive() {
    let of = |name| plain(name, ElementType::Float64, &[("x", 1)], &[-1.0]);
    let weights = ["w", "u"].map(|name| WeightSource::Variable(name.to_owned())).to_vec();
    let query = Query { reductions: vec![Reduction::Mean], weights, ..Query::default() };
    let store = store(&[of("v"), of("w"), of("u")], FetchOptions::default());
    let refused = prepare(&View::new(store.clone()), "v", &query).await.unwrap_err();
    assert!(refused.to_string().contains("weights are finite and not negative"), "{refused}");
}

#[tokio::test]
async fn weights_and_masks_over_more_places_than_are_held_are_refused() {
    let data = vec![1.0; 40_000];
    let [w, m] = [("w", "t"), ("m", "x")]
        .map(|(name, dim)| plain(name, ElementType::Float64, &[(dim, 40_000)], &data));
    let mut v = plain("v", ElementType::Float64, &[("t", 40_000), ("x", 40_000)], &[]);
    v.absent = vec![true];
    let condition = Condition { comparison: Comparison::Greater, threshold: Number::Integer(0) };
    let mask = WeightSource::Mask { variable: "m".to_owned(), condition };
    let weight = WeightSource::Variable("w".to_owned());
    let by = |name: &str| vec![GroupKey::Variable(name.to_owned()).into()];
    let mean = Query { reductions: vec![Reduction::Mean], ..Query::default() };
    let store = store(&[v, w, m], FetchOptions::default());
    for query in [
        Query { weights: vec![weight.clone(), mask.clone()], ..mean.clone() },
        Query { weights: vec![weight], by: by("v"), ..mean.clone() },
    ] {
        let error = prepare(&View::new(store.clone()), "v", &query).await.unwrap_err().to_string();
        assert!(error.contains("1600000000 values would be held, and at most 1073741824 are"), "{error}");
    }
    assert!(prepare(&View::new(store.clone()), "v", &Query { weights: vec![mask], ..mean }).await.is_ok());
}

/// What is asked beside the reductions, and of which variables.
#[derive(Clone, Debug)]
struct Case {
    variables: Vec<Variable>,
    query: Query,
    /// The positions of each dimension of `v` that are selected.
    selected: Vec<Vec<u64>>,
}

const DIMS: [&str; 3] = ["t", "y", "x"];

/// What one variable looks like; `dims` are some of [`DIMS`], as long as `lengths` say.
fn variable(
    name: &'static str,
    dims: Vec<&'static str>,
    lengths: [u64; 3],
    element: ElementType,
) -> impl Strategy<Value = Variable> {
    let length = move |dim: &&str| DIMS.iter().position(|d| d == dim).map_or(0, |axis| lengths[axis]);
    let shape: Vec<u64> = dims.iter().map(length).collect();
    let count = shape.iter().product::<u64>() as usize;
    let one = || prop::option::weighted(0.3, number(&element));
    let bounds =
        (prop::option::weighted(0.15, number(&element)), prop::option::weighted(0.15, number(&element)));
    let packing = prop::sample::select(vec![(0.1, 273.15), (-0.3, 0.7), (1e-3, -1e-7)]);
    let marks = (one(), prop::collection::vec(number(&element), 0..3), bounds, prop::bool::weighted(0.2));
    let layout = (
        prop::collection::vec(1_u64..5, dims.len()),
        prop::sample::select(vec![ByteOrder::Little, ByteOrder::Big]),
        prop::sample::select(vec![MemoryOrder::RowMajor, MemoryOrder::ColumnMajor]),
        prop::collection::vec(prop::bool::weighted(0.2), 16),
        one(),
    );
    let packed = prop::option::weighted(0.25, packing);
    (prop::collection::vec(number(&element), count), layout, marks, packed).prop_map(
        move |(
            data,
            (chunks, bytes, order, absent, fill),
            (fill_value, missing_value, bounds, unsigned),
            packing,
        )| {
            let marks = Marks {
                fill_value,
                missing_value,
                valid_min: bounds.0,
                valid_max: bounds.1,
                unsigned: unsigned && element.is_integer(),
                packing: packing.filter(|_| element != ElementType::Bool),
                others: Vec::new(),
            };
            let data_type = DataType { element: element.clone(), order: bytes };
            let (dims, shape) = (dims.clone(), shape.clone());
            Variable { name, dims, shape, chunks, data_type, order, data, absent, fill, marks }
        },
    )
}

fn some_dims(min: usize) -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(DIMS.to_vec(), min..=3)
}

/// A selection along one dimension, and the positions it takes; that of `x` may go around the Earth.
fn picked(dim: &'static str, length: u64) -> BoxedStrategy<(Option<AxisSelector>, Vec<u64>)> {
    let by_place = slice().prop_map(move |slice| (Some(AxisSelector::Index(slice)), sliced(slice, length)));
    let all = Just((None, (0..length).collect::<Vec<u64>>()));
    if dim != "x" {
        return prop_oneof![all, by_place].boxed();
    }
    // From between two cells eastward to between two others.
    let around = (0..length, 1..=length).prop_map(move |(first, count)| {
        let cell = 360.0 / length as f64;
        let low = (first as f64 - 0.5) * cell;
        let positions = (0..count).map(|k| (first + k) % length).collect();
        (Some(AxisSelector::Values(Some(low), Some(low + (count as f64) * cell - 1e-6))), positions)
    });
    prop_oneof![all, by_place, around].boxed()
}

/// What makes a query more than a selection.
#[derive(Clone, Debug)]
enum Extra {
    Nothing,
    By,
    Weights,
    Mask(Condition),
    MaskBy(Condition),
}

fn extra() -> impl Strategy<Value = Extra> {
    prop_oneof![
        4 => Just(Extra::Nothing),
        2 => Just(Extra::By),
        1 => Just(Extra::Weights),
        1 => condition().prop_map(Extra::Mask),
        1 => condition().prop_map(Extra::MaskBy),
    ]
}

/// Windows along one of `dims`, if there are any.
fn rolling(dims: Vec<&'static str>) -> impl Strategy<Value = Option<Rolling>> {
    let windows = (any::<prop::sample::Index>(), 1_u32..5, any::<bool>(), prop::option::of(1_u32..5));
    windows.prop_map(move |(dim, length, center, least)| {
        let dimension = dims.get(dim.index(dims.len().max(1)))?;
        let min_periods = least.map(|least| least.min(length));
        Some(Rolling { dimension: (*dimension).to_owned(), length, center, min_periods })
    })
}

/// These windows along `axis` of the answer, as pandas makes them.
fn rolling_windows(rolling: &Rolling, axis: usize) -> Windows {
    let length = rolling.length;
    let before = if rolling.center { length / 2 } else { length - 1 };
    Windows { axis, length, before, least: rolling.min_periods.unwrap_or(length) }
}

fn case() -> impl Strategy<Value = Case> {
    let lengths = (0_u64..5, 1_u64..4, 2_u64..7).prop_map(|(t, y, x)| [t, y, x]);
    (lengths, some_dims(0), element(), extra()).prop_flat_map(|(lengths, dims, element, extra)| {
        let of = |axis: usize| picked(DIMS[axis], lengths[axis]);
        let picked = (of(0), of(1), of(2));
        let beside = prop::sample::subsequence(dims.clone(), 0..=dims.len());
        let v = variable("v", dims.clone(), lengths, element);
        let rolling = prop::option::weighted(0.2, rolling(dims.clone()));
        let condition = prop::option::weighted(0.2, condition());
        let query = (reductions(), prop::option::of(Just(())), condition, rolling);
        (v, picked, beside, query, Just((dims, lengths, extra))).prop_flat_map(
            |(v, picked, beside, (reductions, all, condition, rolling), (dims, lengths, extra))| {
                let kept = prop::sample::subsequence(dims.clone(), 0..=dims.len());
                let labels = variable("g", beside.clone(), lengths, ElementType::Int8);
                let weights = variable("w", beside.clone(), lengths, ElementType::Float64);
                (labels, weights, kept).prop_map(move |(mut labels, mut weights, kept)| {
                    labels.marks.packing = None;
                    labels.data.iter_mut().for_each(|n| *n = Number::Integer(n.to_f64() as i128 % 3));
                    weights.marks.packing = None;
                    weights.data.iter_mut().for_each(|n| *n = Number::Float(n.to_f64().abs()));
                    let selectors = [&picked.0, &picked.1, &picked.2];
                    let of_dim = |dim: &&str| selectors[DIMS.iter().position(|d| d == dim).unwrap_or(0)];
                    let select =
                        dims.iter().filter_map(|dim| Some(((*dim).to_owned(), of_dim(dim).0.clone()?)));
                    let over = dims.iter().filter(|dim| !kept.contains(dim)).map(|&dim| dim.to_owned());
                    let mut query = Query {
                        reductions: reductions.clone(),
                        over: all.is_none().then(|| over.collect()),
                        select: select.collect(),
                        condition,
                        rolling: rolling.clone().flatten(),
                        ..Query::default()
                    };
                    let by = GroupKey::Variable("g".to_owned()).into();
                    let mask = |condition| WeightSource::Mask { variable: "w".to_owned(), condition };
                    match extra {
                        Extra::Nothing => {}
                        Extra::By => query.by.push(by),
                        Extra::Weights => query.weights.push(WeightSource::Variable("w".to_owned())),
                        Extra::Mask(condition) => query.weights.push(mask(condition)),
                        Extra::MaskBy(condition) => {
                            query.by.push(by);
                            query.weights.push(mask(condition));
                        }
                    }
                    let selected = dims.iter().map(|dim| of_dim(dim).1.clone()).collect();
                    Case {
                        variables: vec![v.clone(), labels, weights, longitude("x", lengths[2])],
                        query,
                        selected,
                    }
                })
            },
        )
    })
}

/// The elements of one cell of an answer: their places among the reduced ones, values and weights.
type Cell = Vec<(u64, (Number, f64))>;

/// The answers, looked up one element at a time; an error if the query has none.
fn model(case: &Case) -> Result<Vec<Expected>, String> {
    let Case { variables, query, selected } = case;
    let [v, labels, weights, _] = variables.as_slice() else { return Err("four variables".to_owned()) };
    let by = if query.by.is_empty() { None } else { Some(labels) };
    let weigh = query.weights.first();
    let is_rolled = |dim: &str| query.rolling.as_ref().is_some_and(|rolling| rolling.dimension == dim);
    // What is reduced, or joined in windows.
    let is_reduced =
        |dim: &str| is_rolled(dim) || query.over.as_ref().is_none_or(|over| over.iter().any(|d| d == dim));
    let is_grouped = |dim: &str| by.is_some_and(|by| by.dims.contains(&dim));
    // What lies over several dimensions can only be gathered where all of them go.
    if by.is_some_and(|by| by.dims.is_empty() || by.dims.len() > 1 && !by.dims.iter().all(|d| is_reduced(d)))
    {
        return Err("cannot be grouped".to_owned());
    }
    if by.is_some_and(|by| by.dims.len() == 1 && is_rolled(by.dims[0])) {
        return Err("windows of groups".to_owned());
    }
    if weigh.is_some() && !weights.dims.iter().all(|d| is_reduced(d) || is_grouped(d)) {
        return Err("cannot be weighted".to_owned());
    }
    let shape: Vec<u64> = selected.iter().map(|positions| positions.len() as u64).collect();
    let of = |variable: &Variable, position: &[u64]| {
        let own = variable.dims.iter().map(|dim| v.dims.iter().position(|d| d == dim).unwrap());
        variable.value(&own.map(|axis| position[axis]).collect::<Vec<_>>())
    };
    // All that is selected of a variable along its own dimensions.
    let all_of = |variable: &Variable| -> Vec<Option<Number>> {
        let own = variable.dims.iter().map(|dim| v.dims.iter().position(|d| d == dim).unwrap());
        let own: Vec<&Vec<u64>> = own.map(|axis| &selected[axis]).collect();
        let lengths: Vec<u64> = own.iter().map(|positions| positions.len() as u64).collect();
        let at = |k: &Vec<u64>| -> Vec<u64> { k.iter().zip(&own).map(|(&k, own)| own[k as usize]).collect() };
        positions(&lengths).iter().map(|k| variable.value(&at(k))).collect()
    };
    let labelled: BTreeSet<i128> =
        by.iter().flat_map(|by| all_of(by)).flatten().map(|label| label.to_f64() as i128).collect();
    if matches!(weigh, Some(WeightSource::Variable(_)))
        && all_of(weights).iter().flatten().any(|w| !(w.to_f64().is_finite() && w.to_f64() >= 0.0))
    {
        return Err("negative or infinite weights".to_owned());
    }
    let mut elements = Vec::new();
    for k in positions(&shape) {
        let position: Vec<u64> = k.iter().zip(selected).map(|(&k, of_axis)| of_axis[k as usize]).collect();
        let label = by.map(|by| of(by, &position).map(|label| label.to_f64() as i128));
        let weight = match weigh {
            None => 1.0,
            Some(WeightSource::Mask { condition, .. }) => {
                let value = of(weights, &position);
                let hit = value.is_some_and(|x| meets(condition, x, &weights.data_type.element));
                f64::from(u8::from(hit))
            }
            Some(_) => of(weights, &position).map_or(0.0, Number::to_f64),
        };
        elements.push((k, label, weight, of(v, &position)));
    }
    let groups: Vec<i128> = labelled.into_iter().collect();
    let value_element = match v.marks.packing {
        Some(_) => ElementType::Float64,
        None => model::reinterpreted(v),
    };
    let begins = |dim: &str| by.is_some_and(|by| by.dims.first() == Some(&dim));
    let stays = |dim: &str| is_rolled(dim) || !(is_grouped(dim) || is_reduced(dim));
    let (mut answer_shape, mut rolled_axis) = (Vec::new(), None);
    for (axis, &dim) in v.dims.iter().enumerate() {
        if is_rolled(dim) {
            rolled_axis = Some(answer_shape.len());
        }
        answer_shape.extend(stays(dim).then_some(shape[axis]));
        answer_shape.extend(begins(dim).then_some(groups.len() as u64));
    }
    let mut cells: BTreeMap<Vec<u64>, Cell> = BTreeMap::new();
    for (k, label, weight, value) in elements {
        let (mut cell, mut place) = (Vec::new(), 0);
        for (axis, &dim) in v.dims.iter().enumerate() {
            if is_grouped(dim) || is_reduced(dim) {
                place = place * shape[axis] + k[axis];
            }
            cell.extend(stays(dim).then_some(k[axis]));
            if let (true, Some(Some(label))) = (begins(dim), label) {
                cell.push(groups.binary_search(&label).unwrap() as u64);
            }
        }
        let takes_part = |x: &Number| query.condition.is_none_or(|c| meets(&c, *x, &value_element));
        if let (Some(value), true) = (value.filter(takes_part), label != Some(None) && weight > 0.0) {
            cells.entry(cell).or_default().push((place, (value, weight)));
        }
    }
    let cells: Vec<Cell> =
        positions(&answer_shape).iter().map(|cell| cells.remove(cell).unwrap_or_default()).collect();
    let (cells, lacking) = match (&query.rolling, rolled_axis) {
        (Some(rolling), Some(axis)) => joined(&cells, &answer_shape, rolling_windows(rolling, axis)),
        _ => (cells, Vec::new()),
    };
    let is_weighted = matches!(weigh, Some(WeightSource::Variable(_)));
    let answers = query.reductions.iter().map(|reduction| {
        let mut expected = if is_weighted {
            weighted(reduction, &answer_shape, &cells, &value_element)?
        } else {
            let plain = |cell: &Cell| cell.iter().map(|&(place, (x, _))| (place, x)).collect();
            let cells: Vec<_> = cells.iter().map(plain).collect();
            model::support::expected(reduction, &answer_shape, &cells, &value_element)?
        };
        let per_cell = expected.values.len().checked_div(cells.len()).unwrap_or(1).max(1);
        let lacks = |i: usize| lacking.get(i / per_cell).copied().unwrap_or(false);
        expected
            .values
            .iter_mut()
            .enumerate()
            .filter(|(i, _)| lacks(*i))
            .for_each(|(_, value)| *value = None);
        Ok(expected)
    });
    answers.collect()
}

/// What weights make of the cells.
fn weighted(
    reduction: &Reduction,
    shape: &[u64],
    cells: &[Cell],
    element: &ElementType,
) -> Result<Expected, String> {
    let answer = |cell: &Cell| -> Result<Option<Near>, String> {
        let unweighted: Vec<(u64, Number)> = cell.iter().map(|&(place, (x, _))| (place, x)).collect();
        let sum = |of: &dyn Fn(f64, f64) -> f64| fsum(cell.iter().map(|&(_, (x, w))| of(x.to_f64(), w)));
        let near = |value: f64, tolerance: f64| Some(Near { value: Value::Float(value), tolerance });
        let (total, scale, weight) = (sum(&|x, w| w * x), sum(&|x, w| (w * x).abs()), sum(&|_, w| w));
        match reduction {
            Reduction::Count => one(reduction, &unweighted, element),
            Reduction::Sum | Reduction::Mean if cell.is_empty() => Ok(None),
            Reduction::Sum => Ok(near(total, 1e-14 * scale)),
            Reduction::Mean => Ok(near(total / weight, 1e-14 * scale / weight)),
            Reduction::Var { ddof: 0 } | Reduction::Std { ddof: 0 } => {
                if cell.is_empty() {
                    return Ok(None);
                }
                let mean = total / weight;
                let variance = sum(&|x, w| w * (x - mean) * (x - mean)) / weight;
                let largest = unweighted.iter().fold(0.0, |m: f64, (_, x)| m.max(x.to_f64().abs()));
                let tolerance =
                    1e-12 * variance + 1e-15 * largest * variance.sqrt() + 1e-28 * largest * largest;
                Ok(match reduction {
                    Reduction::Var { .. } => near(variance, tolerance),
                    _ => near(variance.sqrt(), tolerance.sqrt()),
                })
            }
            other => Err(format!("{other:?} with weights")),
        }
    };
    answer(&Cell::new())?;
    let values = cells.iter().map(answer).collect::<Result<_, _>>()?;
    Ok(Expected {
        shape: shape.to_vec(),
        values,
        count: cells.iter().map(|cell| cell.len() as u64).collect(),
    })
}

/// The answers of a query, or why it has none.
fn ask(
    runtime: &tokio::runtime::Runtime,
    case: &Case,
    options: FetchOptions,
    limits: Limits,
) -> Result<Vec<Outcome>, String> {
    runtime.block_on(async {
        let store = store(&case.variables, options);
        let prepared = prepare(&View::new(store.clone()), "v", &case.query)
            .await
            .map_err(|error| format!("{error:?}"))?;
        let answer = prepared
            .run(&View::within(store.clone(), limits), &|_, _| {})
            .await
            .map_err(|error| format!("{error:?}"))?;
        answer.complete().map_err(|error| format!("{error:?}"))
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap()
}

fn check(cases: u32, test: impl Fn(Case) -> Result<(), TestCaseError>) {
    let config = ProptestConfig {
        cases,
        max_shrink_iters: 4000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let checked = proptest::test_runner::TestRunner::new(config).run(&case(), test);
    checked.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn every_answer_is_that_of_the_elements_one_by_one() {
    let runtime = runtime();
    let limits = Limits { threads: 1, ..Limits::default() };
    check(7000, |case| {
        let answers = ask(&runtime, &case, FetchOptions::default(), limits);
        match (answers, model(&case)) {
            (Ok(answers), Ok(expected)) => {
                prop_assert_eq!(answers.len(), expected.len());
                for (answer, expected) in answers.iter().zip(&expected) {
                    same(answer, expected)
                        .map_err(|why| TestCaseError::fail(format!("{:?}: {why}", answer.reduction)))?;
                }
                Ok(())
            }
            (Err(_), Err(_)) => Ok(()),
            (answers, expected) => Err(TestCaseError::fail(format!("{answers:?} instead of {expected:?}"))),
        }
    });
}

#[test]
fn answers_have_the_same_bits_at_any_concurrency() {
    let runtime = runtime();
    check(500, |case| {
        // With hardly any memory each chunk is a job of its own.
        let answers = [(1, 1 << 30), (2, 1), (7, 1 << 30), (64, 1 << 12)].map(|(threads, memory)| {
            let options = FetchOptions { concurrency: threads, ..FetchOptions::default() };
            format!("{:?}", ask(&runtime, &case, options, Limits { threads, memory, ..Limits::default() }))
        });
        answers[1..].iter().for_each(|other| assert_eq!(*other, answers[0]));
        Ok(())
    });
}
