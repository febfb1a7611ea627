//! What the module documentation promises, one promise at a time.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test ends where something unexpected happens, and its numbers are small"
)]

mod support;

use proptest::prelude::*;
use rangefold_array::{
    ArrayMeta, ByteOrder, ChunkGrid, DataType, ElementType, FillValue, Hyperslab, MemoryOrder, TimeUnit,
};
use rangefold_reduce::{
    Accumulator, AxisMap, ChunkStatistics, Comparison, Condition, Fold, FoldedGroups, Grouping, NanPolicy,
    Number, Outcome, Packing, PlanError, ReduceError, ReduceSpec, Reduction, ReductionPlan, Value, Values,
};
use support::fsum;

fn meta(element: ElementType, shape: &[u64], chunks: &[u64]) -> ArrayMeta {
    ArrayMeta {
        data_type: DataType { element, order: ByteOrder::Little },
        grid: ChunkGrid::regular(shape, chunks).unwrap(),
        order: MemoryOrder::RowMajor,
        codecs: Vec::new(),
        fill_value: None,
        dimension_names: Vec::new(),
    }
}

/// Answers for a one-dimensional array in one chunk.
fn reduce(element: ElementType, bytes: &[u8], spec: &ReduceSpec) -> Result<Vec<Outcome>, ReduceError> {
    let len = (bytes.len() / element.size().unwrap()) as u64;
    let plan =
        ReductionPlan::new(&meta(element, &[len], &[len.max(1)]), &Hyperslab::all(&[len]), spec).unwrap();
    let mut accumulator = plan.accumulator();
    for task in plan.tasks() {
        accumulator.merge(&plan.reduce_chunk(&task, bytes)?)?;
    }
    accumulator.finish()?.into_iter().collect()
}

/// The answers, each of which there is.
fn all_of(accumulator: Accumulator<'_>) -> Vec<Outcome> {
    accumulator.finish().unwrap().into_iter().collect::<Result<_, _>>().unwrap()
}

fn all(reductions: &[Reduction]) -> ReduceSpec {
    ReduceSpec::new(reductions.to_vec(), AxisMap::reduce_all(1))
}

/// The answer of cell 0, which is no text.
fn number(outcome: &Outcome) -> Option<Value<'static>> {
    Some(match outcome.value(0)? {
        Value::Signed(x) => Value::Signed(x),
        Value::Unsigned(x) => Value::Unsigned(x),
        Value::Float(x) => Value::Float(x),
        Value::Bool(x) => Value::Bool(x),
        Value::Complex(x) => Value::Complex(x),
        Value::Text(text) => panic!("{text:?} is no number"),
    })
}

fn float64(values: &[f64], spec: &ReduceSpec) -> Vec<Option<Value<'static>>> {
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let outcomes = reduce(ElementType::Float64, &bytes, spec).unwrap();
    outcomes.iter().map(number).collect()
}

/// Floats of every size that sums can meet without overflowing, many of them cancelling.
fn hard() -> impl Strategy<Value = Vec<f64>> {
    let float = (any::<bool>(), -90_i32..90, 1.0..2.0_f64)
        .prop_map(|(negative, exponent, x)| x * 2.0_f64.powi(exponent) * if negative { -1.0 } else { 1.0 });
    (prop::collection::vec(float, 1..400), 1_usize..12, any::<bool>()).prop_map(
        |(mut values, repeat, cancel)| {
            if cancel {
                values.extend(values.clone().iter().map(|x| -x));
                values.push(1.0);
            }
            values.repeat(repeat)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn float_sums_are_within_1e_15_of_the_sum_of_absolute_values(
        values in hard(), narrow in any::<bool>(), chunk in 1_u64..5000, columns in any::<bool>(),
    ) {
        let values: Vec<f64> = values.iter().map(|&x| if narrow { f64::from(x as f32) } else { x }).collect();
        let (element, bytes): (_, Vec<u8>) = if narrow {
            (ElementType::Float32, values.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect())
        } else {
            (ElementType::Float64, values.iter().flat_map(|x| x.to_le_bytes()).collect())
        };
        // The same numbers down columns of width 3, or in one line.
        let width = if columns { 3 } else { 1 };
        let rows = values.len() as u64 / width;
        let values = &values[..(rows * width) as usize];
        let chunk = chunk.min(rows.max(1));
        let meta = meta(element.clone(), &[rows, width], &[chunk, width]);
        let maps = vec![AxisMap::Reduce, if columns { AxisMap::Keep } else { AxisMap::Reduce }];
        let spec = ReduceSpec::new(vec![Reduction::Sum, Reduction::Mean], maps);
        let plan = ReductionPlan::new(&meta, &Hyperslab::all(&[rows, width]), &spec).unwrap();
        let mut accumulator = plan.accumulator();
        let chunk_len = (chunk * width) as usize * element.size().unwrap();
        for (task, bytes) in plan.tasks().zip(bytes.chunks(chunk_len)) {
            let mut chunk = bytes.to_vec();
            chunk.resize(chunk_len, 0xff);
            accumulator.merge(&plan.reduce_chunk(&task, &chunk).unwrap()).unwrap();
        }
        let answers = all_of(accumulator);
        for column in 0..width as usize {
            let cell = || values.iter().copied().skip(column).step_by(width as usize);
            let (exact, scale) = (fsum(cell()), fsum(cell().map(f64::abs)));
            if cell().next().is_none() {
                prop_assert_eq!(answers[0].value(column), None);
                continue;
            }
            let Some(Value::Float(sum)) = answers[0].value(column) else { panic!("no sum") };
            let Some(Value::Float(mean)) = answers[1].value(column) else { panic!("no mean") };
            prop_assert!((sum - exact).abs() <= 1e-15 * scale, "{sum} instead of {exact}");
            let n = cell().count() as f64;
            prop_assert!((mean - exact / n).abs() <= 1e-15 * scale / n, "{mean} instead of {}", exact / n);
        }
    }

    #[test]
    fn integer_sums_are_exact_or_refused(values in prop::collection::vec(any::<i64>(), 1..3000)) {
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        let exact: i128 = values.iter().map(|&x| i128::from(x)).sum();
        match reduce(ElementType::Int64, &bytes, &all(&[Reduction::Sum])) {
            Ok(answers) => prop_assert_eq!(answers[0].value(0), Some(Value::Signed(i64::try_from(exact).unwrap()))),
            Err(error) => {
                prop_assert_eq!(error, ReduceError::Overflow { sum: exact, cell: 0, data_type: "int64" });
                prop_assert!(i64::try_from(exact).is_err());
            }
        }
    }

    #[test]
    fn a_chunk_reduced_elsewhere_counts_as_one_reduced_here(
        values in prop::collection::vec(-9_i16..9, 12), scale in prop::sample::select(vec![0.5, -0.5]),
    ) {
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        let meta = meta(ElementType::Int16, &[4, 3], &[4, 3]);
        let reductions = vec![Reduction::Min, Reduction::Max, Reduction::Sum, Reduction::Mean, Reduction::Count];
        let mut spec = ReduceSpec::new(reductions, AxisMap::reduce_over(2, &[0]));
        spec.packing = Some(Packing::linear(scale, 4.0).unwrap());
        spec.missing.fill_values = vec![Number::Integer(3)];
        let plan = ReductionPlan::new(&meta, &Hyperslab::all(&[4, 3]), &spec).unwrap();
        let task = plan.tasks().next().unwrap();
        spec.packing = None;
        let raw = ReductionPlan::new(&meta, &Hyperslab::all(&[4, 3]), &spec).unwrap();
        let finish = |plan: &ReductionPlan, partial| {
            let mut accumulator = plan.accumulator();
            accumulator.merge(&partial).unwrap();
            all_of(accumulator)
        };
        let wire = finish(&raw, raw.reduce_chunk(&task, &bytes).unwrap());
        let statistics = ChunkStatistics {
            count: wire[0].count.clone(),
            min: Some(wire[0].values.clone()),
            max: Some(wire[1].values.clone()),
            sum: Some(wire[2].values.clone()),
        };
        let here = finish(&plan, plan.reduce_chunk(&task, &bytes).unwrap());
        let there = finish(&plan, plan.partial_from(&task, &statistics).unwrap());
        for (here, there) in here.iter().zip(&there) {
            for cell in 0..3 {
                prop_assert_eq!(here.value(cell), there.value(cell), "{:?}", here.reduction);
            }
        }
    }
}

#[test]
fn what_cancels_does_not_take_the_rest_with_it() {
    let values = [1e16, 1.0, -1e16].repeat(1000);
    assert_eq!(float64(&values, &all(&[Reduction::Sum])), [Some(Value::Float(1000.0))]);
}

#[test]
fn a_small_variance_on_a_large_mean_is_not_lost() {
    let values: Vec<f64> = (0..100_000).map(|i| 1e9 + f64::from(i % 2)).collect();
    assert_eq!(float64(&values, &all(&[Reduction::Var { ddof: 0 }])), [Some(Value::Float(0.25))]);
}

#[test]
fn nothing_has_no_value_but_counts() {
    let hot = Condition { comparison: Comparison::Greater, threshold: Number::Float(0.0) };
    let reductions = [
        Reduction::Sum,
        Reduction::Min,
        Reduction::Mean,
        Reduction::Std { ddof: 0 },
        Reduction::ArgMax,
        Reduction::Any(hot),
        Reduction::Count,
        Reduction::CountWhere(hot),
        Reduction::Histogram([0.0, 1.0].into()),
    ];
    let zero = Some(Value::Signed(0));
    let nothing = [None, None, None, None, None, None, zero, zero, zero];
    assert_eq!(float64(&[], &all(&reductions)), nothing);
    assert_eq!(float64(&[f64::NAN; 3], &all(&reductions)), nothing);
}

#[test]
fn infinities_are_values() {
    let spec = all(&[Reduction::Min, Reduction::Max, Reduction::Sum, Reduction::Count]);
    let inf = f64::INFINITY;
    assert_eq!(
        float64(&[inf, inf], &spec),
        [Some(Value::Float(inf)), Some(Value::Float(inf)), Some(Value::Float(inf)), Some(Value::Signed(2))]
    );
    let Some(Value::Float(sum)) = float64(&[inf, 1.0, -inf], &spec)[2] else { panic!("no sum") };
    assert!(sum.is_nan());
}

#[test]
fn nan_can_be_a_value() {
    let mut spec = all(&[Reduction::Min, Reduction::Sum, Reduction::Count]);
    spec.missing.nan = NanPolicy::Value;
    spec.missing.fill_values = vec![Number::Integer(7)];
    let answers = float64(&[1.0, f64::NAN, 7.0, 2.0], &spec);
    assert!(
        matches!(answers[..2], [Some(Value::Float(a)), Some(Value::Float(b))] if a.is_nan() && b.is_nan())
    );
    assert_eq!(answers[2], Some(Value::Signed(3)));
    assert_eq!(float64(&[1.0, 7.0], &spec)[0], Some(Value::Float(1.0)));
    let places = ReduceSpec { reductions: vec![Reduction::ArgMin], ..spec };
    let meta = meta(ElementType::Float64, &[2], &[2]);
    assert_eq!(ReductionPlan::new(&meta, &Hyperslab::all(&[2]), &places).unwrap_err(), PlanError::NanPlace);
}

#[test]
fn nan_as_a_value_is_in_every_answer_or_the_question_is_refused() {
    let positive = Condition { comparison: Comparison::Greater, threshold: Number::Integer(0) };
    let histogram = Reduction::Histogram([0.0, 4.0].into());
    let nan = Value::Float(f64::NAN);
    let rows = [
        (Reduction::Count, Value::Signed(3)),
        (Reduction::CountWhere(positive), Value::Signed(2)),
        (histogram, Value::Signed(2)),
        (Reduction::Any(positive), Value::Bool(true)),
        (Reduction::All(positive), Value::Bool(false)),
        (Reduction::Min, nan),
        (Reduction::Max, nan),
        (Reduction::Range, nan),
        (Reduction::Sum, nan),
        (Reduction::Mean, nan),
        (Reduction::Var { ddof: 0 }, nan),
        (Reduction::Std { ddof: 0 }, nan),
    ];
    for (reduction, expected) in rows {
        let mut spec = all(&[reduction]);
        spec.missing.nan = NanPolicy::Value;
        let found = float64(&[1.0, f64::NAN, 2.0], &spec)[0].unwrap();
        // As texts, in which NaN equals NaN.
        assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{:?}", spec.reductions);
    }
    let mut spec = all(&[]);
    spec.missing.nan = NanPolicy::Value;
    let meta = meta(ElementType::Float64, &[2], &[2]);
    for reduction in [Reduction::First, Reduction::Last, Reduction::ArgMin, Reduction::ArgMax] {
        let spec = ReduceSpec { reductions: vec![reduction], ..spec.clone() };
        assert_eq!(ReductionPlan::new(&meta, &Hyperslab::all(&[2]), &spec).unwrap_err(), PlanError::NanPlace);
    }
    let plan = ReductionPlan::new(&meta, &Hyperslab::all(&[2]), &spec).unwrap();
    for reduction in [Reduction::Median, Reduction::Quantile(0.1)] {
        assert_eq!(plan.check_gathered(&[reduction]).unwrap_err(), PlanError::NanPlace);
    }
}

#[test]
fn zeros_have_no_sign() {
    let spec = all(&[Reduction::Min, Reduction::Max]);
    for values in [[0.0, -0.0], [-0.0, 0.0], [-0.0, -0.0]] {
        for answer in float64(&values, &spec) {
            assert!(matches!(answer, Some(Value::Float(x)) if x == 0.0 && x.is_sign_positive()));
        }
    }
}

#[test]
fn dates_have_extremes_and_not_a_time_is_missing() {
    let values: [i64; 4] = [5, i64::MIN, -3, 9];
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let date = ElementType::DateTime64(TimeUnit::Day);
    let spec = all(&[Reduction::Min, Reduction::ArgMax, Reduction::Count]);
    let answers = reduce(date.clone(), &bytes, &spec).unwrap();
    assert_eq!(answers[0].element, date);
    let values: Vec<_> = answers.iter().map(|answer| answer.value(0)).collect();
    assert_eq!(values, [-3, 3, 3].map(|n| Some(Value::Signed(n))));
    let error = ReductionPlan::new(&meta(date, &[4], &[4]), &Hyperslab::all(&[4]), &all(&[Reduction::Mean]));
    assert_eq!(error.unwrap_err().to_string(), "mean of datetime64[D] values is not defined");
}

#[test]
fn strings_that_are_not_empty_are_counted() {
    let answers =
        reduce(ElementType::FixedBytes(3), b"ab\0\0\0\0\0\0cabc", &all(&[Reduction::Count])).unwrap();
    assert_eq!(answers[0].value(0), Some(Value::Signed(3)));
}

#[test]
fn groups_are_reduced_in_one_pass() {
    let labels = [Some(1), Some(0), None, Some(1), Some(3)];
    let grouping = AxisMap::Group(Grouping { labels: labels.into(), groups: 4, places: None });
    let spec = ReduceSpec::new(vec![Reduction::Sum, Reduction::First], vec![grouping]);
    let bytes = [1_u8, 2, 4, 8, 16];
    let answers = reduce(ElementType::UInt8, &bytes, &spec).unwrap();
    assert_eq!(
        (answers[0].shape.as_slice(), answers[0].count.as_slice()),
        ([4].as_slice(), [1, 2, 0, 1].as_slice())
    );
    assert_eq!(answers[0].values, Values::Unsigned(vec![2, 9, 0, 16]));
    assert_eq!(answers[1].value(1), Some(Value::Unsigned(1)));
    assert_eq!(answers[1].value(2), None);
}

#[test]
fn an_absent_chunk_is_full_of_the_fill_value_or_missing() {
    let mut meta = meta(ElementType::Int32, &[1 << 40], &[1 << 20]);
    let mut spec = all(&[Reduction::Sum, Reduction::Count]);
    let selection = Hyperslab::all(&[1 << 40]);
    let answer = |meta: &ArrayMeta, spec: &ReduceSpec| {
        let plan = ReductionPlan::new(meta, &selection, spec).unwrap();
        let partial = plan.absent_chunk(&plan.tasks().next().unwrap()).unwrap();
        let small = ReductionPlan::new(
            &ArrayMeta { grid: ChunkGrid::regular(&[1 << 20], &[1 << 20]).unwrap(), ..meta.clone() },
            &Hyperslab::all(&[1 << 20]),
            spec,
        )
        .unwrap();
        let mut accumulator = small.accumulator();
        accumulator.merge(&partial).unwrap();
        let answers = all_of(accumulator);
        (number(&answers[0]), number(&answers[1]))
    };
    assert_eq!(answer(&meta, &spec), (None, Some(Value::Signed(0))));
    meta.fill_value = Some(FillValue(7_i32.to_le_bytes().to_vec()));
    assert_eq!(answer(&meta, &spec), (Some(Value::Signed(7 << 20)), Some(Value::Signed(1 << 20))));
    spec.missing.fill_values = vec![Number::Integer(7)];
    assert_eq!(answer(&meta, &spec), (None, Some(Value::Signed(0))));
    meta.fill_value = Some(FillValue(vec![7]));
    let plan = ReductionPlan::new(&meta, &selection, &spec).unwrap();
    let error = plan.absent_chunk(&plan.tasks().next().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "the fill value has 1 bytes but an element has 4");
}

#[test]
fn a_plan_says_what_it_will_take() {
    let meta = meta(ElementType::Float32, &[100, 50], &[30, 20]);
    let slices = [
        rangefold_array::Slice::Range { start: Some(31), stop: Some(95), step: Some(2) },
        rangefold_array::Slice::All,
    ];
    let selection = Hyperslab::resolve(&slices, meta.shape()).unwrap();
    let spec = ReduceSpec::new(vec![Reduction::Sum], AxisMap::reduce_over(2, &[0]));
    let plan = ReductionPlan::new(&meta, &selection, &spec).unwrap();
    assert_eq!((plan.chunk_count(), plan.tasks().count()), (9, 9));
    assert_eq!((plan.decoded_len(), plan.decoded_len_max()), (9 * 2400, 2400));
    assert_eq!((plan.output_shape(), plan.selected_count()), ([50].as_slice(), 32 * 50));
    assert_eq!((plan.accumulator_len(), plan.partial_len_max()), (50 * 24, 20 * 24));
}

#[test]
fn chunks_of_which_no_position_has_a_group_are_not_needed() {
    let meta = meta(ElementType::UInt8, &[8, 3], &[2, 3]);
    let labels = [Some(1), None, None, None, None, None, None, Some(0)];
    let by = AxisMap::Group(Grouping { labels: labels.into(), groups: 2, places: None });
    let spec = ReduceSpec::new(vec![Reduction::Sum], vec![by, AxisMap::Reduce]);
    let plan = ReductionPlan::new(&meta, &Hyperslab::all(&[8, 3]), &spec).unwrap();
    assert_eq!(plan.tasks().map(|task| task.selection.number).collect::<Vec<_>>(), [0, 3]);
    assert_eq!((plan.chunk_count(), plan.decoded_len(), plan.selected_count()), (2, 12, 6));
    assert_eq!(plan.task(3).map(|task| task.ordinal), Some(1));
    assert_eq!(plan.task(1), None);
    let mut accumulator = plan.accumulator();
    for task in plan.tasks() {
        accumulator.merge(&plan.reduce_chunk(&task, &[1, 2, 3, 10, 20, 30]).unwrap()).unwrap();
    }
    assert_eq!(all_of(accumulator)[0].values, Values::Unsigned(vec![60, 6]));
}

#[test]
fn a_mask_leaves_out_the_chunks_of_which_no_position_takes_part() {
    let meta = meta(ElementType::Int64, &[2, 4, 4], &[1, 2, 2]);
    // Of four quarters of a grid only the last has anything, in two groups.
    let mut taken = [false; 16];
    [10, 15].into_iter().for_each(|place| taken[place] = true);
    let labels = (0..16).map(|place| Some(u32::from(place > 12))).collect();
    let groups = [FoldedGroups { axis: 1, labels, count: 2 }];
    let fold = Fold::new(&[2, 4, 4], &[1, 2], &taken, &groups).unwrap();
    let reductions = vec![Reduction::Max, Reduction::ArgMax];
    let spec = ReduceSpec { fold: Some(fold), ..ReduceSpec::new(reductions, vec![AxisMap::Keep; 3]) };
    let plan = ReductionPlan::new(&meta, &Hyperslab::all(meta.shape()), &spec).unwrap();
    assert_eq!(plan.tasks().map(|task| task.selection.number).collect::<Vec<_>>(), [3, 7]);
    assert_eq!((plan.output_shape(), plan.selected_count()), ([2, 2].as_slice(), 4));
    // Count, largest value, value and place: 32 bytes a cell, and where each goes.
    let sizes = (plan.accumulator_len(), plan.partial_len_max(), plan.unfolded_len_max());
    assert_eq!(sizes, (4 * 32, 2 * 32, 4 * (32 + 16)));
    let mut accumulator = plan.accumulator();
    let large = (1_i64 << 53) + 1;
    for task in plan.tasks() {
        let bytes = [large, 99, 99, -large].map(i64::to_le_bytes).concat();
        accumulator.merge(&plan.reduce_chunk(&task, &bytes).unwrap()).unwrap();
    }
    let answers = all_of(accumulator);
    assert_eq!(answers[0].values, Values::Signed(vec![large, -large, large, -large]));
    assert_eq!(answers[1].values, Values::Signed(vec![10, 15, 10, 15]));
    let (first, all) = (rangefold_array::Slice::Index(0), rangefold_array::Slice::All);
    let other =
        ReductionPlan::new(&meta, &Hyperslab::resolve(&[first, all, all], meta.shape()).unwrap(), &spec);
    assert!(matches!(other, Err(PlanError::Fold { .. })));
}

#[test]
fn a_plan_over_a_billion_chunks_takes_no_more_memory_than_one_over_ten() {
    let meta = meta(ElementType::Float32, &[1 << 30, 64], &[1, 64]);
    let spec = ReduceSpec::new(vec![Reduction::Sum], AxisMap::reduce_all(2));
    let plan = ReductionPlan::new(&meta, &Hyperslab::all(meta.shape()), &spec).unwrap();
    assert_eq!((plan.chunk_count(), plan.decoded_len()), (1 << 30, 1 << 38));
    assert_eq!(plan.tasks().nth(9).map(|task| task.selection.number), Some(9));
    assert_eq!(plan.task(1 << 29).map(|task| task.ordinal), Some(1 << 29));
}

#[test]
fn partials_are_merged_in_order_and_all_of_them() {
    let meta = meta(ElementType::UInt8, &[4], &[2]);
    let spec = all(&[Reduction::Sum]);
    let plan = ReductionPlan::new(&meta, &Hyperslab::all(&[4]), &spec).unwrap();
    let partials: Vec<_> = plan.tasks().map(|task| plan.reduce_chunk(&task, &[1, 2]).unwrap()).collect();
    let mut accumulator = plan.accumulator();
    let error = accumulator.merge(&partials[1]).unwrap_err();
    assert_eq!(error, ReduceError::Order { expected: 0, ordinal: 1 });
    accumulator.merge(&partials[0]).unwrap();
    let error = accumulator.clone().finish().unwrap_err();
    assert_eq!(error.to_string(), "1 of 2 chunks were merged");
    let other = ReductionPlan::new(&meta, &Hyperslab::all(&[4]), &all(&[Reduction::Min])).unwrap();
    let foreign = other.reduce_chunk(&other.tasks().nth(1).unwrap(), &[1, 2]).unwrap();
    assert_eq!(accumulator.merge(&foreign).unwrap_err(), ReduceError::Foreign { ordinal: 1 });
    accumulator.merge(&partials[1]).unwrap();
    assert_eq!(all_of(accumulator)[0].value(0), Some(Value::Unsigned(6)));
}

#[test]
fn a_chunk_of_another_length_is_refused() {
    let meta = meta(ElementType::Int16, &[4], &[4]);
    let plan = ReductionPlan::new(&meta, &Hyperslab::all(&[4]), &all(&[Reduction::Sum])).unwrap();
    for len in [0, 7, 9] {
        let error = plan.reduce_chunk(&plan.tasks().next().unwrap(), &vec![0; len]).unwrap_err();
        assert_eq!(error, ReduceError::Length { chunk: vec![0], expected: 8, len: len as u64 });
    }
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_read() {
    let floats = meta(ElementType::Float32, &[4], &[4]);
    let plan = |meta: &ArrayMeta, selection: &[u64], spec: &ReduceSpec| {
        ReductionPlan::new(meta, &Hyperslab::all(selection), spec).unwrap_err().to_string()
    };
    let sum = all(&[Reduction::Sum]);
    let rank = ReduceSpec::new(vec![Reduction::Sum], AxisMap::reduce_all(2));
    assert_eq!(plan(&floats, &[4], &rank), "2 axes were given for an array of rank 1");
    assert_eq!(plan(&floats, &[5], &sum), "the selection [0:5] does not fit an array of shape [4]");
    let edges = all(&[Reduction::Histogram([1.0, 1.0].into())]);
    assert!(plan(&floats, &[4], &edges).contains("at least two edges in ascending order"));
    let grouped = |labels: &[Option<u32>]| {
        let grouping = Grouping { labels: labels.into(), groups: 2, places: None };
        ReduceSpec::new(vec![Reduction::Sum], vec![AxisMap::Group(grouping)])
    };
    assert_eq!(
        plan(&floats, &[4], &grouped(&[None])),
        "1 labels were given for the 4 selected positions of axis 0"
    );
    assert_eq!(plan(&floats, &[4], &grouped(&[Some(2); 4])), "label 2 on axis 0 is outside the 2 groups");
    let text = meta(ElementType::FixedBytes(3), &[4], &[4]);
    assert_eq!(plan(&text, &[4], &sum), "sum of S3 values is not defined");
    let raw = meta(ElementType::Raw(3), &[4], &[4]);
    assert_eq!(plan(&raw, &[4], &all(&[Reduction::Count])), "a reduction of V3 values is not defined");
    let huge = meta(ElementType::Float32, &[1 << 62], &[1 << 62]);
    assert_eq!(
        plan(&huge, &[1 << 62], &sum),
        "a chunk of shape [4611686018427387904] is too large to be held in memory"
    );
    let kept = ReduceSpec::new(vec![Reduction::Sum], vec![AxisMap::Keep]);
    let long = meta(ElementType::Float32, &[1 << 62], &[4]);
    assert!(plan(&long, &[1 << 62], &kept).starts_with("an answer of shape"));
}

#[test]
fn where_the_bytes_lie_in_memory_changes_no_bit() {
    let values: Vec<f64> = (0..5000).map(|i| f64::from(i).sin() * 1e3).collect();
    let spec = all(&[Reduction::Sum, Reduction::Min, Reduction::Std { ddof: 0 }]);
    let mut bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let answers = reduce(ElementType::Float64, &bytes, &spec).unwrap();
    for shift in 1..8 {
        bytes.insert(0, 0);
        assert_eq!(reduce(ElementType::Float64, &bytes[shift..], &spec).unwrap(), answers);
    }
}

/// Variances of float64 values in chunks of a length.
fn variance(values: &[f64], chunk: u64) -> f64 {
    let len = values.len() as u64;
    let spec = all(&[Reduction::Var { ddof: 0 }]);
    let plan =
        ReductionPlan::new(&meta(ElementType::Float64, &[len], &[chunk]), &Hyperslab::all(&[len]), &spec);
    let plan = plan.unwrap();
    let mut accumulator = plan.accumulator();
    for task in plan.tasks() {
        let start = usize::try_from(task.selection.number * chunk).unwrap();
        let part =
            (start..start + usize::try_from(chunk).unwrap()).map(|i| values.get(i).copied().unwrap_or(0.0));
        let bytes: Vec<u8> = part.flat_map(f64::to_le_bytes).collect();
        accumulator.merge(&plan.reduce_chunk(&task, &bytes).unwrap()).unwrap();
    }
    match number(&all_of(accumulator)[0]) {
        Some(Value::Float(x)) => x,
        other => panic!("{other:?}"),
    }
}

#[test]
fn variances_of_values_whose_sum_or_squares_overflow_are_infinite_as_in_numpy() {
    for chunk in [1, 2, 4] {
        assert_eq!(variance(&[1e308, 1e308, 1e308, 1e308], chunk), f64::INFINITY);
        assert_eq!(variance(&[1e308, 1e308, -1e308, -1e308], chunk), f64::INFINITY);
        assert_eq!(variance(&[1e200, -1e200], chunk), f64::INFINITY);
        assert_eq!(variance(&[1e308, 1.0, 2.0, 3.0], chunk), f64::INFINITY);
        assert!(variance(&[f64::INFINITY, 1.0, 2.0, 3.0], chunk).is_nan());
        assert!((variance(&[1e150, -1e150], chunk) / 1e300 - 1.0).abs() < 1e-15);
    }
}

#[test]
fn runs_of_absent_chunks_contribute_what_each_of_them_would() {
    let reductions = [
        Reduction::Min,
        Reduction::Max,
        Reduction::Sum,
        Reduction::Count,
        Reduction::Mean,
        Reduction::ArgMin,
        Reduction::First,
        Reduction::Last,
        Reduction::Var { ddof: 0 },
    ];
    let grouping =
        Grouping { labels: (0..9).map(|i| (i % 4 != 3).then_some(i % 2)).collect(), groups: 2, places: None };
    let by_axis = [AxisMap::Reduce, AxisMap::Keep, AxisMap::Group(grouping)];
    let shape = [9, 9];
    for (one, two) in by_axis.iter().flat_map(|one| by_axis.iter().map(move |two| (one, two))) {
        let spec = ReduceSpec::new(reductions.to_vec(), vec![one.clone(), two.clone()]);
        let fill = Some(FillValue(7_i32.to_le_bytes().to_vec()));
        let meta = ArrayMeta { fill_value: fill, ..meta(ElementType::Int32, &shape, &[2, 3]) };
        let plan = ReductionPlan::new(&meta, &Hyperslab::all(&shape), &spec).unwrap();
        let stored = |ordinal: u64| ordinal == 4 || ordinal == 11;
        let bytes: Vec<u8> = (0..6_i32).flat_map(|i| (3 * i - 5).to_le_bytes()).collect();
        let mut apart = plan.accumulator();
        let mut together = plan.accumulator();
        let mut next = 0;
        let mut absent = 0;
        for task in plan.tasks() {
            if stored(task.ordinal) {
                for run in plan.absent_tasks(next..task.ordinal) {
                    absent += 1;
                    together.merge(&plan.absent_chunk(&run).unwrap()).unwrap();
                }
                next = task.ordinal + 1;
                let partial = plan.reduce_chunk(&task, &bytes).unwrap();
                apart.merge(&partial).unwrap();
                together.merge(&partial).unwrap();
            } else {
                apart.merge(&plan.absent_chunk(&task).unwrap()).unwrap();
            }
        }
        for run in plan.absent_tasks(next..plan.chunk_count()) {
            absent += 1;
            together.merge(&plan.absent_chunk(&run).unwrap()).unwrap();
        }
        assert!(absent <= 8, "{absent}");
        for (apart, together) in all_of(apart).iter().zip(all_of(together)) {
            assert_eq!((&apart.values, &apart.count), (&together.values, &together.count), "{one:?} {two:?}");
        }
    }
}
