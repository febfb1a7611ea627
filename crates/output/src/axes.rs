//! Dimensions as axes: which way they point by the CF conventions, and which cells lie under a pixel.

use std::ops::Range;

use rangefold_array::ElementType;
use rangefold_cf::{Role, RoleAttributes};

use super::numerals::{index_position, labelled};
use super::ticks::{Marks, Scale};
use rangefold_query::field::{Coordinate, Dim, Field};

/// What a dimension is: by dates and attributes of its coordinate; by its name if these tell nothing.
fn role_of(dim: &Dim) -> Role {
    let known = dim.coordinate.as_ref().map_or(Role::Other, |coordinate| {
        let text = |attribute: &Option<String>| attribute.clone().unwrap_or_default();
        if coordinate.dates.is_some() {
            return Role::Time;
        }
        Role::of_attributes(RoleAttributes {
            standard_name: &text(&coordinate.standard_name),
            units: &text(&coordinate.units),
            axis: &text(&coordinate.axis),
            positive: &text(&coordinate.positive),
        })
    });
    if known == Role::Other { Role::of_name(&dim.name) } else { known }
}

/// Of two dimensions the one with more lies across.
fn across(role: Role) -> u8 {
    match role {
        Role::Longitude | Role::X => 4,
        Role::Time => 3,
        Role::Latitude | Role::Y => 2,
        Role::Other => 1,
        Role::Vertical { .. } => 0,
    }
}

/// A dimension laid along a line.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// What it is.
    pub(super) role: Role,
    /// Its name, and units where the marks do not say them.
    pub(super) title: String,
    /// Where each index lies, in ascending or descending order; logarithms on a logarithmic scale.
    pub(super) centres: Vec<f64>,
    /// Borders of the cells: one more than there are centres, in the same order.
    edges: Vec<f64>,
    /// Position of the left or lower end.
    pub(super) begin: f64,
    /// Position of the right or upper end.
    pub(super) end: f64,
    /// What is written along it.
    pub(super) marks: Marks,
}

/// The largest pressure is this many times the smallest where a logarithm spaces levels better.
const LOGARITHMIC_RATIO: f64 = 20.0;

impl Axis {
    /// The axis of a dimension of at least one index.
    ///
    /// Labels that are no ascending or descending numbers are spaced evenly.
    pub(super) fn new(dim: &Dim) -> Self {
        let role = role_of(dim);
        let coordinate = dim.coordinate.as_ref();
        let dates = coordinate.and_then(|coordinate| coordinate.dates.clone());
        let numbers = coordinate.and_then(|coordinate| numbers(coordinate, role));
        let units = coordinate.and_then(|coordinate| coordinate.units.clone()).unwrap_or_default();
        let even = || (0..dim.length).map(index_position).collect();
        let (mut centres, marks): (Vec<f64>, Marks) = match (numbers, dates) {
            (numbers, Some(dates)) => (numbers.unwrap_or_else(even), Marks::Dates(dates)),
            (Some(numbers), None) => {
                let marks = match role {
                    Role::Longitude => Marks::East,
                    Role::Latitude => Marks::North,
                    _ if logarithmic(role, &units, &numbers) => Marks::Numbers(Scale::Logarithmic),
                    _ => Marks::Numbers(Scale::Linear),
                };
                (numbers, marks)
            }
            (None, None) if coordinate.is_some() => {
                (even(), Marks::Names((0..dim.length).map(|i| dim.label(i)).collect()))
            }
            (None, None) => (even(), Marks::Indexes),
        };
        if marks == Marks::Numbers(Scale::Logarithmic) {
            centres.iter_mut().for_each(|x| *x = x.log10());
        }
        let mut edges = edges(&centres);
        if role == Role::Latitude {
            edges.iter_mut().for_each(|edge| *edge = edge.clamp(-90.0, 90.0));
        }
        let ends = [edges.first().copied().unwrap_or(0.0), edges.last().copied().unwrap_or(1.0)];
        let (low, high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
        let (begin, end) = if role == (Role::Vertical { down: true }) { (high, low) } else { (low, high) };
        let said = matches!(marks, Marks::East | Marks::North | Marks::Dates(_) | Marks::Names(_));
        let title = labelled(&dim.name, if said { "" } else { &units });
        Self { role, title, centres, edges, begin, end, marks }
    }

    /// An axis of values, with some air at both ends.
    pub(super) fn of_values(low: f64, high: f64) -> Self {
        let air = if low < high { (high / 2.0 - low / 2.0) * 0.1 } else { (low.abs() * 0.05).max(0.5) };
        Self::between(low - air, high + air)
    }

    /// An axis of numbers from `begin` to `end`.
    pub(super) fn between(begin: f64, end: f64) -> Self {
        Self {
            role: Role::Other,
            title: String::new(),
            centres: Vec::new(),
            edges: Vec::new(),
            begin,
            end,
            marks: Marks::Numbers(Scale::Linear),
        }
    }

    /// For each of `pixels` equal steps from `begin` to `end`, the cells whose centres it holds, or the one it lies in.
    pub(super) fn cells(&self, pixels: usize) -> Vec<Range<usize>> {
        let step = (self.end - self.begin) / index_position(pixels.max(1));
        (0..pixels)
            .map(|pixel| {
                let from = self.begin + step * index_position(pixel);
                let (low, high) = (from.min(from + step), from.max(from + step));
                let inside = self.within(&self.centres, low, high);
                if !inside.is_empty() {
                    return inside;
                }
                let cell = self.within(&self.edges, f64::NEG_INFINITY, from + step / 2.0);
                let cell =
                    if self.ascending() { cell.end.saturating_sub(1) } else { cell.start.saturating_sub(1) };
                let cell = cell.min(self.centres.len().saturating_sub(1));
                cell..cell + 1
            })
            .collect()
    }

    fn ascending(&self) -> bool {
        self.edges.first() <= self.edges.last()
    }

    /// Indexes of the sorted `positions` in `low..high`.
    fn within(&self, positions: &[f64], low: f64, high: f64) -> Range<usize> {
        if self.ascending() {
            positions.partition_point(|&x| x < low)..positions.partition_point(|&x| x < high)
        } else {
            positions.partition_point(|&x| x >= high)..positions.partition_point(|&x| x >= low)
        }
    }
}

/// The coordinates as strictly ascending or descending numbers; longitudes may pass 360 once.
fn numbers(coordinate: &Coordinate, role: Role) -> Option<Vec<f64>> {
    let mut numbers: Vec<f64> =
        (0..coordinate.values.len()).map(|i| coordinate.values.get(i)?.to_f64()).collect::<Option<_>>()?;
    if role == Role::Longitude {
        for i in 1..numbers.len() {
            while numbers[i] < numbers[i - 1] && numbers[i] + 360.0 - numbers[0] < 360.0 {
                numbers[i] += 360.0;
            }
        }
    }
    let finite = numbers.iter().all(|x| x.is_finite());
    let ascending = numbers.windows(2).all(|pair| pair[0] < pair[1]);
    let descending = numbers.windows(2).all(|pair| pair[0] > pair[1]);
    (finite && (ascending || descending)).then_some(numbers)
}

fn logarithmic(role: Role, units: &str, numbers: &[f64]) -> bool {
    let (low, high) =
        numbers.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), &x| (low.min(x), high.max(x)));
    role == (Role::Vertical { down: true })
        && matches!(units, "Pa" | "hPa" | "mbar" | "millibar" | "mb")
        && low > 0.0
        && high > LOGARITHMIC_RATIO * low
}

/// Halfway between neighbours, and as far beyond the outermost.
fn edges(centres: &[f64]) -> Vec<f64> {
    let (Some(&first), Some(&last)) = (centres.first(), centres.last()) else { return Vec::new() };
    let (begin, end) = match centres {
        [_] => (first - 0.5, last + 0.5),
        [a, b, ..] => (first - (b - a) / 2.0, last + (last - centres[centres.len() - 2]) / 2.0),
        [] => return Vec::new(),
    };
    let inner = centres.windows(2).map(|pair| f64::midpoint(pair[0], pair[1]));
    std::iter::once(begin).chain(inner).chain(std::iter::once(end)).collect()
}

/// A field of two dimensions, laid out.
pub(super) struct MapLayout {
    /// Across.
    pub(super) x: Axis,
    /// Upwards.
    pub(super) y: Axis,
    /// Cells between neighbours along `x` and along `y` in row-major order.
    strides: (usize, usize),
}

impl MapLayout {
    /// `dims` are the field's, without those of one index.
    pub(super) fn new(dims: [&Dim; 2]) -> Self {
        let [outer, inner] = dims;
        let (x, y, strides) = if across(role_of(outer)) > across(role_of(inner)) {
            (outer, inner, (inner.length, 1))
        } else {
            (inner, outer, (1, inner.length))
        };
        Self { x: Axis::new(x), y: Axis::new(y), strides }
    }

    /// The picture in rows from the top, `None` where there is no data: each pixel is the mean of the cells under it, or of
    /// flags and places, which have no mean, the value of one of them.
    pub(super) fn sample(&self, field: &Field, width: usize, height: usize) -> Vec<Option<f64>> {
        let (columns, rows) = (self.x.cells(width), self.y.cells(height));
        let one = !field.flags.is_empty() || !field.at.is_empty() || field.element == ElementType::Bool;
        let middle = |range: &Range<usize>| {
            let middle = usize::midpoint(range.start, range.end.saturating_sub(1));
            if one { middle..middle + 1 } else { range.clone() }
        };
        let mut pixels = Vec::with_capacity(width * height);
        for row in rows.iter().rev() {
            for column in &columns {
                let mut sum = 0.0;
                let mut count = 0_u32;
                for y in middle(row) {
                    for x in middle(column) {
                        if let Some(value) = number(field, x * self.strides.0 + y * self.strides.1) {
                            sum += value;
                            count += 1;
                        }
                    }
                }
                // Infinities of both signs under one pixel have no mean.
                pixels.push((count > 0 && !sum.is_nan()).then(|| sum / f64::from(count)));
            }
        }
        pixels
    }
}

/// A cell as a number to draw; `None` where missing or NaN.
pub(super) fn number(field: &Field, cell: usize) -> Option<f64> {
    field.value(cell)?.to_f64().filter(|x| !x.is_nan())
}

/// Smallest and largest finite value of the cells.
pub(super) fn range(field: &Field) -> Option<(f64, f64)> {
    (0..field.cells()).filter_map(|cell| number(field, cell)).filter(|x| x.is_finite()).fold(
        None,
        |range, x| {
            let (low, high) = range.unwrap_or((x, x));
            Some((f64::min(low, x), f64::max(high, x)))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rangefold_query::samples::{dim, map, months};

    #[test]
    fn roles_follow_the_conventions() {
        assert_eq!(role_of(&dim("a", &[0.0], "degrees_north")), Role::Latitude);
        assert_eq!(role_of(&dim("a", &[0.0], "degreeE")), Role::Longitude);
        assert_eq!(role_of(&dim("a", &[0.0], "hPa")), Role::Vertical { down: true });
        assert_eq!(role_of(&months(1)), Role::Time);
        assert_eq!(role_of(&dim("member", &[0.0], "1")), Role::Other);
        let mut height = dim("z", &[0.0], "m");
        height.coordinate.as_mut().unwrap().positive = Some("up".into());
        assert_eq!(role_of(&height), Role::Vertical { down: false });
    }

    #[test]
    fn north_is_up_whichever_way_the_latitudes_run() {
        let mut field = map();
        let up = MapLayout::new([&field.dims[0], &field.dims[1]]).sample(&field, 3, 2);
        assert_eq!(up, [Some(279.4), Some(290.25), Some(300.0), Some(280.1), None, Some(281.0)]);
        field.dims[0] = dim("lat", &[30.0, -30.0], "degrees_north");
        let down = MapLayout::new([&field.dims[0], &field.dims[1]]).sample(&field, 3, 2);
        assert_eq!(down, [Some(280.1), None, Some(281.0), Some(279.4), Some(290.25), Some(300.0)]);
    }

    #[test]
    fn time_lies_across_and_pressure_falls_upwards() {
        let dims = [months(3), dim("plev", &[1000.0, 500.0], "hPa")];
        let field = rangefold_query::samples::floats("t", dims.to_vec(), vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let layout = MapLayout::new([&dims[0], &dims[1]]);
        assert_eq!(layout.x.role, Role::Time);
        let rows: Vec<f64> = layout.sample(&field, 3, 2).into_iter().flatten().collect();
        assert_eq!(rows, [2.0, 4.0, 6.0, 1.0, 3.0, 5.0]);
    }

    #[test]
    fn many_cells_under_a_pixel_are_averaged_and_a_few_are_repeated() {
        let dims =
            [dim("lat", &[0.0, 1.0], "degrees_north"), dim("lon", &[0.0, 1.0, 2.0, 3.0], "degrees_east")];
        let values = vec![1.0, 3.0, 5.0, f64::NAN, 1.0, 3.0, 5.0, f64::NAN];
        let field = rangefold_query::samples::floats("t", dims.to_vec(), values);
        let layout = MapLayout::new([&dims[0], &dims[1]]);
        assert_eq!(layout.sample(&field, 2, 1), [Some(2.0), Some(5.0)]);
        assert_eq!(layout.x.cells(8), [0..1, 0..1, 1..2, 1..2, 2..3, 2..3, 3..4, 3..4]);
    }

    #[test]
    fn longitudes_may_pass_the_meridian() {
        let axis = Axis::new(&dim("lon", &[350.0, 355.0, 0.0, 5.0], "degrees_east"));
        assert_eq!(axis.centres, [350.0, 355.0, 360.0, 365.0]);
        let axis = Axis::new(&dim("lon", &[350.0, 10.0, 5.0], "degrees_east"));
        assert_eq!(axis.marks, Marks::Names(vec!["350".into(), "10".into(), "5".into()]));
    }
}
