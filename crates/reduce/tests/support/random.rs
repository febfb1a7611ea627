//! Random elements, conditions, selections and questions.

use proptest::prelude::*;
use rangefold_array::{ElementType, Slice};
use rangefold_reduce::{Comparison, Condition, Number, Reduction};

/// Any type of real numbers.
pub(crate) fn element() -> impl Strategy<Value = ElementType> {
    use ElementType::{
        Bool, Float16, Float32, Float64, Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64,
    };
    prop::sample::select(vec![
        Bool, Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64, Float16, Float32, Float64,
    ])
}

/// Numbers of a type: small ones that often meet, and the extremes.
pub(crate) fn number(element: &ElementType) -> BoxedStrategy<Number> {
    let float = |narrow: fn(f64) -> f64| {
        prop_oneof![
            6 => (-20_i32..20).prop_map(|n| Number::Float(f64::from(n) / 4.0)),
            2 => (-1e4_f64..1e4).prop_map(move |x| Number::Float(narrow(x))),
            1 => prop::sample::select(vec![f64::NAN, 0.0, -0.0, 1.0, -9.0]).prop_map(Number::Float),
        ]
        .boxed()
    };
    let (low, high): (i128, i128) = match element {
        ElementType::Bool => (0, 1),
        ElementType::Int8 => (i8::MIN.into(), i8::MAX.into()),
        ElementType::Int16 => (i16::MIN.into(), i16::MAX.into()),
        ElementType::Int32 => (i32::MIN.into(), i32::MAX.into()),
        ElementType::Int64 => (i64::MIN.into(), i64::MAX.into()),
        ElementType::UInt8 => (0, u8::MAX.into()),
        ElementType::UInt16 => (0, u16::MAX.into()),
        ElementType::UInt32 => (0, u32::MAX.into()),
        ElementType::UInt64 => (0, u64::MAX.into()),
        ElementType::Float16 => return float(|x| half::f16::from_f64(x).to_f64()),
        ElementType::Float32 => return float(|x| f64::from(x as f32)),
        _ => return float(|x| x),
    };
    prop_oneof![
        8 => (-9_i128..10).prop_map(move |n| Number::Integer(n.clamp(low, high))),
        2 => (low..=high).prop_map(Number::Integer),
        1 => prop::sample::select(vec![low, high]).prop_map(Number::Integer),
    ]
    .boxed()
}

fn comparison() -> impl Strategy<Value = Comparison> {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    prop::sample::select(vec![Less, LessOrEqual, Greater, GreaterOrEqual, Equal, NotEqual])
}

/// A comparison with a constant that values often are.
pub(crate) fn condition() -> impl Strategy<Value = Condition> {
    let threshold = prop_oneof![
        (-9_i128..10).prop_map(Number::Integer),
        (-40_i32..40).prop_map(|n| Number::Float(f64::from(n) / 4.0)),
        prop::sample::select(vec![f64::NAN, f64::INFINITY, 0.1, 1e30]).prop_map(Number::Float),
    ];
    (comparison(), threshold).prop_map(|(comparison, threshold)| Condition { comparison, threshold })
}

/// Everything, or some positions of it.
pub(crate) fn slice() -> impl Strategy<Value = Slice> {
    prop_oneof![
        3 => Just(Slice::All),
        1 => (-7_i64..7, -9_i64..9, 1_i64..4)
            .prop_map(|(start, stop, step)| Slice::Range { start: Some(start), stop: Some(stop), step: Some(step) }),
    ]
}

/// A few of all reductions.
pub(crate) fn reductions() -> impl Strategy<Value = Vec<Reduction>> {
    let one = prop_oneof![
        Just(Reduction::Min),
        Just(Reduction::Max),
        Just(Reduction::Range),
        Just(Reduction::Sum),
        Just(Reduction::Count),
        Just(Reduction::Mean),
        (0_u64..2).prop_map(|ddof| Reduction::Var { ddof }),
        (0_u64..2).prop_map(|ddof| Reduction::Std { ddof }),
        Just(Reduction::ArgMin),
        Just(Reduction::ArgMax),
        Just(Reduction::First),
        Just(Reduction::Last),
        condition().prop_map(Reduction::Any),
        condition().prop_map(Reduction::All),
        condition().prop_map(Reduction::CountWhere),
        Just(Reduction::Histogram([-5.0, 0.0, 0.25, 3.0, 9.0].into())),
    ];
    prop::collection::vec(one, 1..5)
}
