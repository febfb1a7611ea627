//! A reduction of numbers in memory, by the crate and by a reference that knows nothing of blocks or chunks.

#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod random;

use std::collections::BTreeMap;

use rangefold_array::{
    ArrayMeta, ByteOrder, ChunkGrid, DataType, ElementType, FillValue, Hyperslab, MemoryOrder,
};
use rangefold_reduce::{
    AxisMap, ChunkTask, Comparison, Condition, Fold, FoldedGroups, Number, Outcome, Partial, ReduceError,
    ReduceSpec, Reduction, ReductionPlan, Value, Windows,
};

/// An array, how it is stored, and what is asked of it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) data_type: DataType,
    pub(crate) memory: MemoryOrder,
    pub(crate) shape: Vec<u64>,
    pub(crate) chunks: Vec<u64>,
    /// Elements in row-major order.
    pub(crate) data: Vec<Number>,
    /// Which chunks are not stored, again and again.
    pub(crate) absent: Vec<bool>,
    pub(crate) fill: Option<Number>,
    pub(crate) selection: Hyperslab,
    pub(crate) spec: ReduceSpec,
    /// What the fold of `spec` was made from.
    pub(crate) fold: Option<FoldCase>,
}

/// Axes of the cells that are folded.
#[derive(Clone, Debug)]
pub(crate) struct FoldCase {
    pub(crate) axes: Vec<usize>,
    pub(crate) taken: Vec<bool>,
    pub(crate) groups: Vec<FoldedGroups>,
}

impl FoldCase {
    pub(crate) fn built(&self, cells: &[u64]) -> Fold {
        Fold::new(cells, &self.axes, &self.taken, &self.groups).unwrap()
    }

    /// The axes of the answer: of the cells, or groups.
    fn answer(&self, rank: usize) -> Vec<Result<usize, &FoldedGroups>> {
        let of_axis = |axis: usize| {
            let kept = (!self.axes.contains(&axis)).then_some(Ok(axis));
            kept.into_iter().chain(self.groups.iter().filter(move |by| by.axis == axis).map(Err))
        };
        (0..rank).flat_map(of_axis).collect()
    }

    fn shape(&self, cells: &[u64]) -> Vec<u64> {
        let length =
            |axis: Result<usize, &FoldedGroups>| axis.map_or_else(|by| by.count as u64, |axis| cells[axis]);
        self.answer(cells.len()).into_iter().map(length).collect()
    }

    /// The cell of the answer that a cell goes to.
    fn cell(&self, cell: &[u64], cells: &[u64]) -> Option<Vec<u64>> {
        let [position, lengths] =
            [cell, cells].map(|of| self.axes.iter().map(|&a| of[a]).collect::<Vec<_>>());
        let place = flat(&position, &lengths);
        let along = |axis: Result<usize, &FoldedGroups>| match axis {
            Ok(axis) => Some(cell[axis]),
            Err(by) => by.labels[place].map(u64::from),
        };
        if self.taken[place] { self.answer(cells.len()).into_iter().map(along).collect() } else { None }
    }
}

/// An element in the type's bytes.
pub(crate) fn bytes(data_type: &DataType, number: Number) -> Vec<u8> {
    let mut bytes = match (&data_type.element, number) {
        (ElementType::Float16, n) => half::f16::from_f64(n.to_f64()).to_le_bytes().to_vec(),
        (ElementType::Float32, n) => (n.to_f64() as f32).to_le_bytes().to_vec(),
        (ElementType::Float64, n) => n.to_f64().to_le_bytes().to_vec(),
        (element, Number::Integer(n)) => n.to_le_bytes()[..element.size().unwrap()].to_vec(),
        (element, Number::Float(x)) => panic!("{x} is no {}", element.name()),
    };
    if data_type.order == ByteOrder::Big {
        bytes.reverse();
    }
    bytes
}

impl Case {
    pub(crate) fn meta(&self) -> ArrayMeta {
        let little = DataType::little(self.data_type.element.clone());
        ArrayMeta {
            data_type: self.data_type.clone(),
            grid: ChunkGrid::regular(&self.shape, &self.chunks).unwrap(),
            order: self.memory,
            codecs: Vec::new(),
            fill_value: self.fill.map(|fill| FillValue(bytes(&little, fill))),
            dimension_names: Vec::new(),
        }
    }

    fn is_absent(&self, chunk: u64) -> bool {
        self.absent.get(chunk as usize % self.absent.len().max(1)).copied().unwrap_or(false)
    }

    /// The bytes of a chunk; what lies outside the array is rubbish.
    fn chunk(&self, index: &[u64]) -> Vec<u8> {
        let len = self.chunks.iter().product::<u64>() as usize;
        let size = self.data_type.size().unwrap();
        let mut out = vec![0x5a; len * size];
        for place in 0..len {
            let mut rest = place as u64;
            let mut within = vec![0; self.chunks.len()];
            let axes: Vec<usize> = match self.memory {
                MemoryOrder::RowMajor => (0..self.chunks.len()).rev().collect(),
                MemoryOrder::ColumnMajor => (0..self.chunks.len()).collect(),
            };
            for axis in axes {
                within[axis] = rest % self.chunks[axis];
                rest /= self.chunks[axis];
            }
            let position: Vec<u64> =
                within.iter().zip(index).zip(&self.chunks).map(|((w, i), c)| i * c + w).collect();
            if position.iter().zip(&self.shape).all(|(p, n)| p < n) {
                let element = bytes(&self.data_type, self.data[flat(&position, &self.shape)]);
                out[place * size..(place + 1) * size].copy_from_slice(&element);
            }
        }
        out
    }
}

pub(crate) fn flat(position: &[u64], shape: &[u64]) -> usize {
    position.iter().zip(shape).fold(0, |n, (p, length)| n * length + p) as usize
}

/// The partials of a case, in task order.
pub(crate) fn partials(case: &Case, plan: &ReductionPlan) -> Result<Vec<Partial>, ReduceError> {
    plan.tasks()
        .map(|task| {
            if case.is_absent(task.selection.number) {
                plan.absent_chunk(&task)
            } else {
                plan.reduce_chunk(&task, &case.chunk(&task.selection.index()))
            }
        })
        .collect()
}

pub(crate) fn reduce(case: &Case) -> Result<Vec<Outcome>, ReduceError> {
    let plan = ReductionPlan::new(&case.meta(), &case.selection, &case.spec).unwrap();
    let mut accumulator = plan.accumulator();
    for partial in partials(case, &plan)? {
        accumulator.merge(&partial)?;
    }
    accumulator.finish()?.into_iter().collect()
}

/// The answers of a case whose chunks are added to slabs of the answer; `None` if it cannot be cut.
pub(crate) fn reduce_in_slabs(case: &Case, count: u64) -> Option<Result<Vec<Outcome>, ReduceError>> {
    let plan = ReductionPlan::new(&case.meta(), &case.selection, &case.spec).unwrap();
    let mut slabs = plan.slabs(count);
    if slabs.is_empty() {
        return None;
    }
    let mut add = |task: &ChunkTask| {
        let decoded = (!case.is_absent(task.selection.number)).then(|| case.chunk(&task.selection.index()));
        let mut touched = slabs.iter_mut().filter(|slab| slab.touches(task));
        touched.try_for_each(|slab| plan.add_chunk(slab, task, decoded.as_deref()))
    };
    Some(
        plan.tasks()
            .try_for_each(|task| add(&task))
            .and_then(|()| plan.answers(slabs)?.into_iter().collect()),
    )
}

/// What the reference expects: values that must be equal, or near on a scale.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) shape: Vec<u64>,
    pub(crate) values: Vec<Option<Near>>,
    pub(crate) count: Vec<u64>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Near {
    pub(crate) value: Value<'static>,
    pub(crate) tolerance: f64,
}

impl From<Value<'static>> for Near {
    fn from(value: Value<'static>) -> Self {
        Self { value, tolerance: 0.0 }
    }
}

fn near(value: f64, tolerance: f64) -> Near {
    Near { value: Value::Float(value), tolerance }
}

/// The correctly rounded sum (Shewchuk's growing expansions).
pub(crate) fn fsum(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut partials: Vec<f64> = Vec::new();
    let mut special = 0.0;
    for mut x in values {
        if !x.is_finite() {
            special += x;
            continue;
        }
        let mut kept = 0;
        for i in 0..partials.len() {
            let mut y = partials[i];
            if x.abs() < y.abs() {
                std::mem::swap(&mut x, &mut y);
            }
            let hi = x + y;
            let lo = y - (hi - x);
            if lo != 0.0 {
                partials[kept] = lo;
                kept += 1;
            }
            x = hi;
        }
        partials.truncate(kept);
        partials.push(x);
    }
    if special != 0.0 || f64::is_nan(special) {
        return special;
    }
    // Largest first; the rounding of the last addition is right to within one half unit and a little.
    partials.iter().rev().fold(0.0, |sum, x| sum + x)
}

pub(crate) fn meets(condition: &Condition, value: Number, element: &ElementType) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let threshold = match element {
        ElementType::Float16 => Number::Float(half::f16::from_f64(condition.threshold.to_f64()).to_f64()),
        ElementType::Float32 => Number::Float(f64::from(condition.threshold.to_f64() as f32)),
        _ => condition.threshold,
    };
    // The numbers of the tests are small or integers: their floats compare as they do.
    let ordering = match (value, threshold) {
        (Number::Integer(a), Number::Integer(b)) => Some(a.cmp(&b)),
        (a, b) => a.to_f64().partial_cmp(&b.to_f64()),
    };
    match (condition.comparison, ordering) {
        (Comparison::Less, o) => o == Some(Less),
        (Comparison::LessOrEqual, o) => matches!(o, Some(Less | Equal)),
        (Comparison::Greater, o) => o == Some(Greater),
        (Comparison::GreaterOrEqual, o) => matches!(o, Some(Greater | Equal)),
        (Comparison::Equal, o) => o == Some(Equal),
        (Comparison::NotEqual, o) => o != Some(Equal),
    }
}

pub(crate) fn wrap(element: &ElementType, number: Number, unsigned: bool) -> Number {
    let bits = 8 * element.size().unwrap();
    match number {
        Number::Integer(n) if n < 0 && unsigned => Number::Integer(n + (1_i128 << bits)),
        other => other,
    }
}

pub(crate) fn equal(a: Number, b: Number) -> bool {
    match (a, b) {
        (Number::Integer(a), Number::Integer(b)) => a == b,
        (a, b) => a.to_f64() == b.to_f64(),
    }
}

pub(crate) fn below(a: Number, b: Number) -> bool {
    match (a, b) {
        (Number::Integer(a), Number::Integer(b)) => a < b,
        (a, b) => a.to_f64() < b.to_f64(),
    }
}

pub(crate) fn naive(case: &Case) -> Result<Vec<Expected>, String> {
    let spec = &case.spec;
    let stored = &case.data_type.element;
    let unsigned = spec.unsigned;
    let value_element = ReductionPlan::new(&case.meta(), &case.selection, spec).unwrap().value_element();
    let value = |number: Number| -> Option<Number> {
        let is_nan = |n: Number| matches!(n, Number::Float(x) if x.is_nan());
        let limit = |n: &Option<Number>| n.filter(|&n| !is_nan(n)).map(|n| wrap(stored, n, unsigned));
        let number = wrap(stored, number, unsigned);
        let filled = spec.missing.fill_values.iter().any(|&fill| equal(wrap(stored, fill, unsigned), number));
        let low = limit(&spec.missing.valid_min).is_some_and(|min| below(number, min));
        let high = limit(&spec.missing.valid_max).is_some_and(|max| below(max, number));
        if is_nan(number) || filled || low || high {
            return None;
        }
        let number = spec.packing.map_or(number, |packing| Number::Float(packing.unpack(number.to_f64())));
        spec.condition.as_ref().is_none_or(|c| meets(c, number, &value_element)).then_some(number)
    };
    let selected: Vec<Vec<u64>> =
        case.selection.axes().iter().map(|range| range.positions().collect()).collect();
    let unfolded: Vec<u64> = case
        .selection
        .axes()
        .iter()
        .zip(&spec.axes)
        .filter_map(|(range, map)| match map {
            AxisMap::Keep => Some(range.count()),
            AxisMap::Reduce => None,
            AxisMap::Group(grouping) => Some(grouping.groups.into()),
        })
        .collect();
    let shape = case.fold.as_ref().map_or_else(|| unfolded.clone(), |fold| fold.shape(&unfolded));
    let counted = |cell_axis: usize| {
        let answer = match &case.fold {
            None => Some(cell_axis),
            Some(fold) => fold.answer(unfolded.len()).iter().position(|axis| *axis == Ok(cell_axis)),
        };
        answer.is_none() || spec.windows.map(|windows| windows.axis) == answer
    };
    let mut cells: BTreeMap<usize, Vec<(u64, Number)>> = BTreeMap::new();
    let grid = case.meta().grid;
    let places: Vec<u64> = case.selection.shape();
    for n in 0..case.selection.len() {
        let mut rest = n;
        let mut k = vec![0; places.len()];
        for axis in (0..places.len()).rev() {
            k[axis] = rest % places[axis];
            rest /= places[axis];
        }
        let (mut place, mut cell, mut grouped) = (0, Vec::new(), true);
        for (axis, map) in spec.axes.iter().enumerate() {
            if !matches!(map, AxisMap::Keep) || counted(cell.len()) {
                place = place * places[axis] + k[axis];
            }
            match map {
                AxisMap::Keep => cell.push(k[axis]),
                AxisMap::Reduce => {}
                AxisMap::Group(grouping) => match grouping.labels[k[axis] as usize] {
                    Some(label) => cell.push(label.into()),
                    None => grouped = false,
                },
            }
        }
        if !grouped {
            continue;
        }
        let cell = match &case.fold {
            None => Some(cell),
            Some(fold) => fold.cell(&cell, &unfolded),
        };
        let Some(cell) = cell else { continue };
        let position: Vec<u64> =
            k.iter().zip(&selected).map(|(&k, positions)| positions[k as usize]).collect();
        let chunk: Vec<u64> = position.iter().zip(&case.chunks).map(|(p, c)| p / c).collect();
        let number = if case.is_absent(grid.number(&chunk).unwrap()) {
            case.fill
        } else {
            Some(case.data[flat(&position, &case.shape)])
        };
        if let Some(number) = number.and_then(value) {
            cells.entry(flat(&cell, &shape)).or_default().push((place, number));
        }
    }
    let len = shape.iter().product::<u64>() as usize;
    let cells: Vec<Vec<(u64, Number)>> =
        (0..len).map(|cell| cells.remove(&cell).unwrap_or_default()).collect();
    let (cells, lacking) = match spec.windows {
        Some(windows) => joined(&cells, &shape, windows),
        None => (cells, vec![false; len]),
    };
    let answer = |reduction| expected(reduction, &shape, &cells, &value_element);
    let mut answers = spec.reductions.iter().map(answer).collect::<Result<Vec<_>, _>>()?;
    for answer in &mut answers {
        let per_cell = answer.values.len() / len.max(1);
        let values = answer.values.iter_mut().enumerate().filter(|(i, _)| lacking[i / per_cell]);
        values.for_each(|(_, value)| *value = None);
    }
    Ok(answers)
}

/// What lies in the window of each cell, in the order of its places, and whether too few positions of it have a value.
pub(crate) fn joined<T: Copy>(
    cells: &[Vec<(u64, T)>],
    shape: &[u64],
    windows: Windows,
) -> (Vec<Vec<(u64, T)>>, Vec<bool>) {
    let [inner, positions] = [&shape[windows.axis + 1..], &shape[windows.axis..=windows.axis]]
        .map(|lengths| lengths.iter().product::<u64>() as usize);
    let window = |cell: usize| {
        let own = cell / inner % positions;
        let first = own.saturating_sub(windows.before as usize);
        let last = own + windows.length as usize - 1 - windows.before as usize;
        let cell = move |position: usize| cell - own * inner + position * inner;
        (first..=last.min(positions - 1)).map(move |position| &cells[cell(position)])
    };
    let all = (0..cells.len()).map(|cell| {
        let mut all = window(cell).flatten().copied().collect::<Vec<_>>();
        all.sort_by_key(|(place, _)| *place);
        all
    });
    let filled = |cell| window(cell).filter(|values| !values.is_empty()).count();
    let lacking = (0..cells.len()).map(|cell| filled(cell) < windows.least as usize);
    (all.collect(), lacking.collect())
}

pub(crate) fn expected(
    reduction: &Reduction,
    shape: &[u64],
    cells: &[Vec<(u64, Number)>],
    element: &ElementType,
) -> Result<Expected, String> {
    let count = cells.iter().map(|cell| cell.len() as u64).collect();
    let mut shape = shape.to_vec();
    let values = if let Reduction::Histogram(edges) = reduction {
        shape.push(edges.len() as u64 - 1);
        let last = edges[edges.len() - 1];
        let bin = |cell: &Vec<(u64, Number)>, low: f64, high: f64| {
            let inside = |x: f64| low <= x && (x < high || (x == high && high == last));
            cell.iter().filter(|(_, x)| inside(x.to_f64())).count()
        };
        let bins = |cell| {
            edges.windows(2).map(|edge| integer(bin(cell, edge[0], edge[1]) as i128)).collect::<Vec<_>>()
        };
        cells.iter().flat_map(bins).map(|n| Some(n.into())).collect()
    } else {
        cells.iter().map(|cell| one(reduction, cell, element)).collect::<Result<_, _>>()?
    };
    Ok(Expected { shape, values, count })
}

fn integer(n: i128) -> Value<'static> {
    Value::Signed(i64::try_from(n).unwrap())
}

/// A value of the element type, as an answer holds it.
fn as_value(number: Number, element: &ElementType) -> Value<'static> {
    match number {
        Number::Float(x) => Value::Float(x),
        Number::Integer(n) if *element == ElementType::Bool => Value::Bool(n != 0),
        Number::Integer(n) if element.name().starts_with('u') => Value::Unsigned(u64::try_from(n).unwrap()),
        Number::Integer(n) => integer(n),
    }
}

pub(crate) fn one(
    reduction: &Reduction,
    cell: &[(u64, Number)],
    element: &ElementType,
) -> Result<Option<Near>, String> {
    let hits = |condition| cell.iter().filter(|(_, x)| meets(condition, *x, element)).count();
    match reduction {
        Reduction::Count => return Ok(Some(integer(cell.len() as i128).into())),
        Reduction::CountWhere(condition) => return Ok(Some(integer(hits(condition) as i128).into())),
        _ => {}
    }
    let Some(&first) = cell.first() else {
        return Ok(None);
    };
    let by = |better: fn(Number, Number) -> bool| {
        cell.iter().copied().fold(first, |best, x| if better(x.1, best.1) { x } else { best })
    };
    let (min, max) = (by(below), by(|a, b| below(b, a)));
    let values = || cell.iter().map(|(_, x)| x.to_f64());
    let n = cell.len() as f64;
    let integers: Option<i128> = cell
        .iter()
        .map(|(_, x)| match x {
            Number::Integer(n) => Some(*n),
            Number::Float(_) => None,
        })
        .sum();
    let (sum, scale) = (fsum(values()), fsum(values().map(f64::abs)));
    let mean = integers.map_or(sum / n, |sum| sum as f64 / n);
    let variance = |ddof: u64| {
        let squares = fsum(values().map(|x| (x - mean) * (x - mean)));
        let largest = values().fold(0.0, |m: f64, x| m.max(x.abs()));
        (squares / (n - ddof as f64), 1e-13 * squares / (n - ddof as f64) + 1e-26 * largest * largest)
    };
    Ok(Some(match reduction {
        Reduction::Min => as_value(min.1, element).into(),
        Reduction::Max => as_value(max.1, element).into(),
        Reduction::Range => match (min.1, max.1) {
            (Number::Integer(min), Number::Integer(max)) => {
                Value::Unsigned(u64::try_from(max - min).unwrap()).into()
            }
            (min, max) => Value::Float(max.to_f64() - min.to_f64()).into(),
        },
        Reduction::Sum => match integers {
            Some(sum) if element.name().starts_with('u') => {
                Value::Unsigned(u64::try_from(sum).map_err(|e| e.to_string())?).into()
            }
            Some(sum) => Value::Signed(i64::try_from(sum).map_err(|e| e.to_string())?).into(),
            None => near(sum, 1e-15 * scale),
        },
        Reduction::Mean => near(mean, integers.map_or(1e-15 * scale / n, |_| mean.abs() * 5e-16)),
        Reduction::Var { ddof } | Reduction::Std { ddof } if cell.len() as u64 <= *ddof => return Ok(None),
        Reduction::Var { ddof } => {
            let (variance, tolerance) = variance(*ddof);
            near(variance, tolerance)
        }
        Reduction::Std { ddof } => {
            let (variance, tolerance) = variance(*ddof);
            near(variance.sqrt(), tolerance.sqrt())
        }
        Reduction::ArgMin => integer(min.0.into()).into(),
        Reduction::ArgMax => integer(max.0.into()).into(),
        Reduction::First => as_value(first.1, element).into(),
        Reduction::Last => as_value(cell[cell.len() - 1].1, element).into(),
        Reduction::Any(condition) => Value::Bool(hits(condition) > 0).into(),
        Reduction::All(condition) => Value::Bool(hits(condition) == cell.len()).into(),
        other => return Err(format!("no reference for {other:?}")),
    }))
}

/// Whether an answer is what was expected.
pub(crate) fn same(answer: &Outcome, expected: &Expected) -> Result<(), String> {
    if answer.shape != expected.shape || answer.count != expected.count {
        return Err(format!(
            "shape {:?} count {:?} instead of {:?} {:?}",
            answer.shape, answer.count, expected.shape, expected.count
        ));
    }
    if answer.values.len() != expected.values.len() {
        return Err(format!("{} values instead of {}", answer.values.len(), expected.values.len()));
    }
    for (i, expected) in expected.values.iter().enumerate() {
        let value = answer.value(i);
        let equal = match (value, expected) {
            (None, None) => true,
            (Some(Value::Float(x)), Some(Near { value: Value::Float(y), tolerance })) => {
                x == *y || (x - y).abs() <= *tolerance || (x.is_nan() && y.is_nan())
            }
            (Some(x), Some(near)) => x == near.value,
            _ => false,
        };
        if !equal {
            return Err(format!("value {i} is {value:?} instead of {expected:?}"));
        }
    }
    Ok(())
}
