//! Answers of netCDF4-python and NumPy, written by `data/make.py`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something unexpected happens")]

use rangefold_array::{ArrayMeta, ByteOrder, ChunkGrid, DataType, ElementType, Hyperslab, MemoryOrder};
use rangefold_reduce::{AxisMap, Number, Outcome, Packing, ReduceSpec, Reduction, ReductionPlan, Value};
use serde_json::Value as Json;

fn cases(text: &str) -> Vec<Json> {
    serde_json::from_str(text).unwrap()
}

fn number(json: &Json) -> Number {
    match json {
        Json::String(text) => Number::Float(match text.as_str() {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            other => panic!("{other:?} is no number"),
        }),
        Json::Bool(truth) => Number::Integer(i128::from(*truth)),
        json => match (json.as_i64(), json.as_u64()) {
            (Some(n), _) => Number::Integer(n.into()),
            (_, Some(n)) => Number::Integer(n.into()),
            _ => Number::Float(json.as_f64().unwrap()),
        },
    }
}

fn element(name: &str) -> ElementType {
    use ElementType::{Float32, Float64, Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64};
    [Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64, Float32, Float64]
        .into_iter()
        .find(|element| element.name() == name)
        .unwrap()
}

/// Numbers in the type's bytes, little-endian; floats are rounded to float32 where that is the type.
fn encode(element: &ElementType, numbers: &[Number]) -> Vec<u8> {
    let one = |&number: &Number| match (element, number) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the numbers were float32 before they were written"
        )]
        (ElementType::Float32, n) => (n.to_f64() as f32).to_le_bytes().to_vec(),
        (ElementType::Float64, n) => n.to_f64().to_le_bytes().to_vec(),
        (element, Number::Integer(n)) => n.to_le_bytes()[..element.size().unwrap()].to_vec(),
        (element, number) => panic!("{number:?} is no {}", element.name()),
    };
    numbers.iter().flat_map(one).collect()
}

fn reduce(
    data_type: DataType,
    shape: &[u64],
    chunks: &[u64],
    bytes: &[Vec<u8>],
    spec: &ReduceSpec,
) -> Vec<Outcome> {
    let meta = ArrayMeta {
        data_type,
        grid: ChunkGrid::regular(shape, chunks).unwrap(),
        order: MemoryOrder::RowMajor,
        codecs: Vec::new(),
        fill_value: None,
        dimension_names: Vec::new(),
    };
    let plan = ReductionPlan::new(&meta, &Hyperslab::all(shape), spec).unwrap();
    let mut accumulator = plan.accumulator();
    for (task, chunk) in plan.tasks().zip(bytes) {
        accumulator.merge(&plan.reduce_chunk(&task, chunk).unwrap()).unwrap();
    }
    accumulator.finish().unwrap().into_iter().collect::<Result<_, _>>().unwrap()
}

fn float(value: Value) -> f64 {
    match value {
        Value::Signed(n) => n as f64,
        Value::Unsigned(n) => n as f64,
        Value::Float(x) => x,
        Value::Bool(truth) => f64::from(u8::from(truth)),
        Value::Complex(_) | Value::Text(_) => panic!("{value:?} is no real number"),
    }
}

/// A value equals a number of JSON: integers exactly, floats to the last bit of what JSON says.
fn is(value: Option<Value>, json: &Json) -> bool {
    match (value, number(json)) {
        (Some(Value::Signed(n)), Number::Integer(m)) => i128::from(n) == m,
        (Some(Value::Unsigned(n)), Number::Integer(m)) => i128::from(n) == m,
        (Some(value), expected) => float(value) == expected.to_f64(),
        (None, _) => false,
    }
}

#[test]
fn missing_and_packed_values_are_those_of_netcdf4_python() {
    let cases = cases(include_str!("data/netcdf4.json"));
    assert!(cases.len() > 40);
    for case in &cases {
        let stored = element(case["dtype"].as_str().unwrap());
        let attributes = case["attributes"].as_object().unwrap();
        let list = |name: &str| -> Vec<Number> {
            let values = attributes.get(name).and_then(|a| a["values"].as_array());
            values.into_iter().flatten().map(number).collect()
        };
        let typed = |name: &str| {
            let attribute = attributes.get(name)?;
            Some((number(&attribute["values"][0]), element(attribute["dtype"].as_str().unwrap())))
        };
        let missing = |unsigned| {
            let attributes = rangefold_cf::MissingAttributes {
                texts: Vec::new(),
                fill_value: list("_FillValue").first().copied(),
                missing_value: list("missing_value"),
                valid_min: list("valid_min").first().copied(),
                valid_max: list("valid_max").first().copied(),
                valid_range: list("valid_range"),
                no_fill: false,
                unsigned,
            };
            attributes.spec(&stored)
        };
        let data: Vec<Number> = case["data"].as_array().unwrap().iter().map(number).collect();
        let unsigned = matches!(attributes.get("_Unsigned").and_then(Json::as_str), Some("true" | "True"));
        let (scale, offset) = (typed("scale_factor"), typed("add_offset"));
        let packing = Packing::from_attributes(
            &stored,
            scale.as_ref().map(|(n, t)| (*n, t)),
            offset.as_ref().map(|(n, t)| (*n, t)),
        )
        .unwrap();
        for (mode, unsigned, packing) in [("unscaled", false, None), ("scaled", unsigned, packing)] {
            let expected = &case[mode];
            let reductions = vec![Reduction::Min, Reduction::Max, Reduction::Sum, Reduction::Count];
            let mut spec = ReduceSpec::new(reductions, AxisMap::reduce_all(1));
            (spec.missing, spec.unsigned, spec.packing) = (missing(unsigned), unsigned, packing);
            let shape = [data.len() as u64];
            let bytes = encode(&stored, &data);
            let answers = reduce(DataType::little(stored.clone()), &shape, &shape, &[bytes], &spec);
            let context = format!("{mode} of {case}: {answers:?}");
            let [min, max, sum, count] = answers.as_slice() else { panic!("{context}") };
            assert_eq!(count.count, [expected["count"].as_u64().unwrap()], "{context}");
            assert_eq!(min.element.name(), expected["dtype"].as_str().unwrap(), "{context}");
            if count.count == [0] {
                assert_eq!((min.value(0), sum.value(0)), (None, None), "{context}");
                continue;
            }
            assert!(is(min.value(0), &expected["min"]) && is(max.value(0), &expected["max"]), "{context}");
            let (ours, theirs) = (float(sum.value(0).unwrap()), number(&expected["sum"]).to_f64());
            let scale = number(&expected["sum_abs"]).to_f64();
            assert!(ours == theirs || (ours - theirs).abs() <= 1e-15 * scale, "{context}");
        }
    }
}

/// The bytes of a C-ordered array cut into chunks of one position along the first axis.
fn slabs(bytes: &[u8], count: usize) -> Vec<Vec<u8>> {
    bytes.chunks(bytes.len() / count).map(<[u8]>::to_vec).collect()
}

#[test]
fn reductions_over_every_set_of_axes_are_those_of_numpy() {
    let cases = cases(include_str!("data/numpy.json"));
    assert!(cases.len() > 70);
    for case in &cases {
        let data_type = DataType::from_numpy(case["dtype"].as_str().unwrap()).unwrap();
        let complex = matches!(data_type.element, ElementType::Complex64 | ElementType::Complex128);
        let shape: Vec<u64> = case["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
        let axes: Vec<usize> = case["axes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| usize::try_from(n.as_u64().unwrap()).unwrap())
            .collect();
        let hex = case["bytes"].as_str().unwrap();
        let bytes: Vec<u8> =
            (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect();
        let answers = case["answers"].as_object().unwrap();
        let reductions = answers.keys().map(|name| Reduction::from_name(name).unwrap()).collect();
        let spec = ReduceSpec::new(reductions, AxisMap::reduce_over(3, &axes));
        let mut chunks = shape.clone();
        chunks[0] = 1;
        for order in [ByteOrder::Little, ByteOrder::Big] {
            let mut bytes = bytes.clone();
            if order == ByteOrder::Big {
                let size = data_type.size().unwrap() / if complex { 2 } else { 1 };
                bytes.chunks_mut(size).for_each(<[u8]>::reverse);
            }
            let data_type = DataType { order, ..data_type.clone() };
            let slabs = slabs(&bytes, usize::try_from(shape[0]).unwrap());
            let outcomes = reduce(data_type, &shape, &chunks, &slabs, &spec);
            for ((name, expected), outcome) in answers.iter().zip(&outcomes) {
                let context =
                    format!("{name} over {axes:?} of {}: {outcome:?} and {expected}", case["dtype"]);
                let shape: Vec<u64> =
                    expected["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
                assert_eq!(outcome.shape, shape, "{context}");
                assert_eq!(outcome.element.name(), expected["dtype"].as_str().unwrap(), "{context}");
                let ours: Vec<f64> = (0..outcome.values.len())
                    .flat_map(|i| match outcome.value(i).unwrap() {
                        Value::Complex(parts) => parts.to_vec(),
                        value => vec![float(value)],
                    })
                    .collect();
                let theirs = expected["values"].as_array().unwrap();
                assert_eq!(ours.len(), theirs.len(), "{context}");
                let exact = !matches!(name.as_str(), "sum" | "mean" | "var" | "std");
                for (x, y) in ours.iter().zip(theirs) {
                    let y = number(y).to_f64();
                    let tolerance = if exact { 0.0 } else { 1e-12 * y.abs().max(1e-3) };
                    assert!((x - y).abs() <= tolerance, "{x} instead of {y}: {context}");
                }
            }
        }
    }
}
