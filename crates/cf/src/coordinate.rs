//! Which variable is the coordinate of which axis, and what its elements are: labels, times, bounds.
//!
//! ```text
//! variable ocean/tas(time, lat)          coordinate of "time":  ocean/time, else time
//!                                        its length must be that of the axis
//! ```
//! Spec: CF conventions 1.11, sections 1.2 "coordinate variable", 2.7 "Groups" and 7.1 "Cell Boundaries".

use rangefold_array::{ElementType, TimeUnit, Value, Values, node_path};
use rangefold_refs::{AttributeValue, ManifestArray, ReferenceSet};

use crate::meaning::Column;
use crate::role::{Role, RoleAttributes};
use crate::{Instant, TimeUnits, UnitsError};

/// The variable that labels an axis, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AxisVariable {
    /// This variable, which has the length of the axis.
    Found {
        /// Its path.
        path: String,
    },
    /// The nearest variable of the name has another length: it belongs to another dimension of the same name.
    OtherLength {
        /// Its path.
        path: String,
        /// Its length.
        found: u64,
        /// The length of the axis.
        wanted: u64,
    },
    /// The nearest variable of the name cannot be read.
    Unreadable {
        /// Its path.
        path: String,
        /// Why not.
        reason: String,
    },
    /// No variable has the name.
    Absent,
}

impl AxisVariable {
    /// The path, if the variable can be used.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Found { path } => Some(path),
            Self::OtherLength { .. } | Self::Unreadable { .. } | Self::Absent => None,
        }
    }

    /// Why the dimension has no coordinate: `it has no coordinate variable`.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Found { .. } => String::new(),
            Self::OtherLength { path, found, wanted } => format!(
                "the variable {path:?} has {found} values and the dimension {wanted}, so that it is not its coordinate"
            ),
            Self::Unreadable { path, reason } => format!("the variable {path:?} cannot be read: {reason}"),
            Self::Absent => "it has no coordinate variable".to_owned(),
        }
    }
}

/// The coordinate variable of `dimension`, of `length` positions, as the variable at `variable` sees it: in its own group,
/// or in the nearest group above that has a variable of the name.
///
/// A group that has a dimension of its own hides the coordinates of the groups above, also where it has no coordinate.
#[must_use]
pub fn axis_variable(set: &ReferenceSet, variable: &str, dimension: &str, length: u64) -> AxisVariable {
    let found = in_scope(variable, dimension, |group, path| {
        if let Some(found) = set.arrays.get(path).and_then(|array| labelled_length(array, dimension)) {
            let path = path.to_owned();
            return Some(if found == length {
                AxisVariable::Found { path }
            } else {
                AxisVariable::OtherLength { path, found, wanted: length }
            });
        }
        if let Some(error) = set.unreadable.get(path) {
            return Some(AxisVariable::Unreadable { path: path.to_owned(), reason: error.to_string() });
        }
        let own = set.groups.get(group).is_some_and(|group| group.dimensions.contains(dimension));
        own.then_some(AxisVariable::Absent)
    });
    found.unwrap_or(AxisVariable::Absent)
}

/// The variable called `name` as the one at `variable` sees it, along one of its axes: an auxiliary coordinate such as
/// `XTIME(Time)`, with the number of the axis. `name` may be a path.
#[must_use]
pub fn auxiliary_variable(set: &ReferenceSet, variable: &str, name: &str) -> Option<(String, usize)> {
    let axes = &set.arrays.get(variable)?.meta;
    let along = |path: &str| {
        let array = set.arrays.get(path)?;
        let [own, ..] = array.meta.dimension_names.as_slice() else { return None };
        let length = labelled_length(array, own)?;
        let axis = axes.dimension_names.iter().position(|dimension| dimension == own)?;
        (axes.shape().get(axis) == Some(&length)).then_some((path.to_owned(), axis))
    };
    let name = name.trim_matches('/');
    in_scope(variable, name, |_, path| along(path)).or_else(|| along(name))
}

/// The one-dimensional variables that `coordinates` of the variable at `variable` names, along the axis number `axis`.
#[must_use]
pub fn auxiliaries_along(set: &ReferenceSet, variable: &str, axis: usize) -> Vec<String> {
    let Some(array) = set.arrays.get(variable) else { return Vec::new() };
    let names = array.attributes.get("coordinates").and_then(AttributeValue::as_text).unwrap_or_default();
    let found = names.split_whitespace().filter_map(|name| auxiliary_variable(set, variable, name));
    found.filter(|(_, along)| *along == axis).map(|(path, _)| path).collect()
}

/// The coordinate, and the number of its axis, whose bounds are called `name` as the variable at `variable` sees it.
#[must_use]
pub fn bounded_variable(set: &ReferenceSet, variable: &str, name: &str) -> Option<(String, usize)> {
    let meta = &set.arrays.get(variable)?.meta;
    let axes = meta.dimension_names.iter().zip(meta.shape()).enumerate();
    let coordinates = axes.flat_map(|(axis, (dimension, &length))| {
        let own = axis_variable(set, variable, dimension, length).path().map(str::to_owned);
        own.into_iter().chain(auxiliaries_along(set, variable, axis)).map(move |path| (path, axis))
    });
    let name = name.trim_matches('/');
    let is_it = |path: &str| {
        let bounds = set.arrays.get(path).and_then(|array| bounds_path(path, array));
        bounds.is_some_and(|bounds| {
            set.arrays.contains_key(&bounds) && (bounds == name || node_path::leaf(&bounds) == name)
        })
    };
    coordinates.into_iter().find(|(path, _)| is_it(path))
}

/// Visits `name` in the group of `variable` and in each group above, until `visit`, given the
/// group and the path in it, finds what it wants.
fn in_scope<T>(variable: &str, name: &str, mut visit: impl FnMut(&str, &str) -> Option<T>) -> Option<T> {
    let mut group = variable;
    loop {
        group = node_path::parent(group);
        let path = if group.is_empty() { name.to_owned() } else { format!("{group}/{name}") };
        if let Some(found) = visit(group, &path) {
            return Some(found);
        }
        if group.is_empty() {
            return None;
        }
    }
}

/// How many positions of `dimension` the array labels, one label each: a list, or a table of characters.
fn labelled_length(array: &ManifestArray, dimension: &str) -> Option<u64> {
    let characters = array.meta.data_type.element == ElementType::FixedBytes(1);
    match (array.meta.dimension_names.as_slice(), array.meta.shape()) {
        ([own], &[length]) if own == dimension => Some(length),
        ([own, other], &[length, _]) if own == dimension && other != dimension && characters => Some(length),
        _ => None,
    }
}

/// The path of the bounds that the coordinate at `path` names.
#[must_use]
pub fn bounds_path(path: &str, coordinate: &ManifestArray) -> Option<String> {
    let name = coordinate.attributes.get("bounds").and_then(AttributeValue::as_text)?;
    Some(sibling(path, name))
}

/// `name` as the array at `path` means it.
#[must_use]
pub fn sibling(path: &str, name: &str) -> String {
    match (name.strip_prefix('/'), path.rsplit_once('/')) {
        (Some(absolute), _) => absolute.to_owned(),
        (None, Some((group, _))) => format!("{group}/{name}"),
        (None, None) => name.to_owned(),
    }
}

/// The attributes by which CF tells what a coordinate is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoordinateAttributes {
    /// `units`.
    pub units: Option<String>,
    /// `calendar`.
    pub calendar: Option<String>,
    /// `standard_name`.
    pub standard_name: Option<String>,
    /// `long_name`.
    pub long_name: Option<String>,
    /// `axis`.
    pub axis: Option<String>,
    /// `positive`.
    pub positive: Option<String>,
    /// `bounds`: the name of another variable.
    pub bounds: Option<String>,
}

/// A coordinate, read: its elements as values, and what they mean.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coordinate {
    /// The values, unpacked, and which are there.
    pub column: Column,
    /// What turns the values into instants, if they are times; or why not, where `units` says that they are.
    pub time: Option<Result<TimeUnits, UnitsError>>,
    /// Lower and upper bound of each cell, in the order they are written in; NaN where missing.
    pub bounds: Option<Vec<(f64, f64)>>,
    /// What it is.
    pub role: Role,
    /// How the variable describes itself.
    pub attributes: CoordinateAttributes,
}

impl Coordinate {
    /// The coordinate variable `array`, whose elements are `column`.
    #[must_use]
    pub fn new(array: &ManifestArray, column: Column) -> Self {
        let text =
            |name: &str| array.attributes.get(name).and_then(AttributeValue::as_text).map(str::to_owned);
        let time = time_units(array);
        let role = match &time {
            Some(_) => Role::Time,
            None => Role::of_attributes(RoleAttributes::of(array)),
        };
        Self {
            column,
            time,
            bounds: None,
            role,
            attributes: CoordinateAttributes {
                units: text("units"),
                calendar: text("calendar"),
                standard_name: text("standard_name"),
                long_name: text("long_name"),
                axis: text("axis"),
                positive: text("positive"),
                bounds: text("bounds"),
            },
        }
    }

    /// Number of labels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.column.values.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The units and calendar of its times; `None` if it is no coordinate of times that can be told.
    #[must_use]
    pub fn units_of_time(&self) -> Option<&TimeUnits> {
        self.time.as_ref().and_then(|time| time.as_ref().ok())
    }

    /// Value number `i`; `None` where it is missing.
    #[must_use]
    pub fn value(&self, i: usize) -> Option<Value<'_>> {
        self.column.valid.get(i).copied().unwrap_or(false).then(|| self.column.values.get(i)).flatten()
    }

    /// Value number `i` as the nearest float; NaN where it is missing or no number.
    #[must_use]
    pub fn number(&self, i: usize) -> f64 {
        self.value(i).and_then(Value::to_f64).unwrap_or(f64::NAN)
    }

    /// Whether the values are numbers that lie on a line.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        matches!(self.column.values, Values::Signed(_) | Values::Unsigned(_) | Values::Float(_))
    }

    /// The instant of value number `i`: exact for integers. `None` where it is missing or no instant.
    #[must_use]
    pub fn instant(&self, i: usize) -> Option<Instant> {
        instant(self.units_of_time()?, self.value(i)?)
    }

    /// The date of value number `i`: `2001-01-31T12:00:00`.
    #[must_use]
    pub fn date(&self, i: usize) -> Option<String> {
        let units = self.units_of_time()?;
        Some(self.instant(i)?.date(units.calendar()).ok()?.to_string())
    }

    /// The cells of the coordinate: its bounds, on a longitude axis moved by whole turns to where the value lies, so that
    /// a cell across the meridian does not reach around the Earth. `None` without bounds.
    #[must_use]
    pub fn cells(&self) -> Option<Vec<(f64, f64)>> {
        let bounds = self.bounds.as_ref()?;
        if self.role != Role::Longitude {
            return Some(bounds.clone());
        }
        let cell = |(i, &(a, b)): (usize, &(f64, f64))| {
            let centre = self.number(i);
            let (low, high) = (a.min(b), a.max(b));
            let inside = low < centre && centre < high;
            // On the border of a cell of more than half a turn the value may as well lie in the rest of the circle.
            let on_border = (centre == low || centre == high) && high - low <= 180.0;
            if !centre.is_finite() || inside || on_border {
                return (a, b);
            }
            let moved = |bound: f64| bound + ((centre - bound) / 360.0).round() * 360.0;
            let (from, to) = (moved(a), moved(b));
            if from == to { (a, b) } else { (from, to) }
        };
        Some(bounds.iter().enumerate().map(cell).collect())
    }

    /// The middles of the cells that its bounds make, as a coordinate; `None` without bounds.
    #[must_use]
    pub fn middles(&self) -> Option<Self> {
        let middles: Vec<f64> = self.cells()?.into_iter().map(|(a, b)| a / 2.0 + b / 2.0).collect();
        let valid = middles.iter().map(|x| !x.is_nan()).collect();
        let column = Column { values: Values::Float(middles), valid, element: Some(ElementType::Float64) };
        Some(Self { column, ..self.clone() })
    }

    /// Whether value number `i` is the end of its cell: what a date there says is then true of the next cell.
    #[must_use]
    pub fn is_at_end(&self, i: usize) -> bool {
        let cell = self.bounds.as_ref().and_then(|bounds| bounds.get(i));
        cell.is_some_and(|(a, b)| a < b && self.number(i) >= *b || b < a && self.number(i) >= *a)
    }

    /// The labels at `positions`, in that order.
    #[must_use]
    pub fn picked(&self, positions: &[u64]) -> Self {
        let at = |p: &u64| usize::try_from(*p).ok();
        let column = Column {
            values: self.column.values.picked(positions),
            valid: positions.iter().filter_map(|p| self.column.valid.get(at(p)?).copied()).collect(),
            element: self.column.element.clone(),
        };
        let bounds = self.bounds.as_ref();
        let bounds = bounds.map(|all| positions.iter().filter_map(|p| all.get(at(p)?).copied()).collect());
        Self { column, bounds, ..self.clone() }
    }
}

/// The instant of a value in `units`: exact for integers.
#[must_use]
pub fn instant(units: &TimeUnits, value: Value<'_>) -> Option<Instant> {
    match value.to_integer() {
        Some(value) => units.instant_of_integer(value),
        None => units.instant(value.to_f64()?).ok(),
    }
}

/// What turns the values of a variable into instants: its attributes, or its type where that is a date of NumPy. `None`
/// if they are no times.
///
/// The error is that of units that look like those of a time: a month has no length, a calendar is unknown.
#[must_use]
pub fn time_units(array: &ManifestArray) -> Option<Result<TimeUnits, UnitsError>> {
    if let ElementType::DateTime64(unit) = array.meta.data_type.element {
        let unit = match unit {
            TimeUnit::Week => "weeks",
            TimeUnit::Day => "days",
            TimeUnit::Hour => "hours",
            TimeUnit::Minute => "minutes",
            TimeUnit::Second => "seconds",
            TimeUnit::Millisecond => "milliseconds",
            TimeUnit::Microsecond => "microseconds",
            TimeUnit::Nanosecond => "nanoseconds",
            TimeUnit::Year | TimeUnit::Month => return None,
        };
        let units = format!("{unit} since 1970-01-01");
        return Some(TimeUnits::parse(&units, Some("proleptic_gregorian")));
    }
    let text = |name: &str| array.attributes.get(name).and_then(AttributeValue::as_text);
    let units = text("units").filter(|units| TimeUnits::is_time(units))?;
    Some(TimeUnits::parse(units, text("calendar")))
}
