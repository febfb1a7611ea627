//! What attributes mean: the CF conventions, and netCDF's.
//!
//! | question | answered by |
//! |---|---|
//! | what an element means: missing, unsigned, packed, in which float type | [`Meaning`] |
//! | which variable labels an axis, and that its length fits | [`axis_variable`] |
//! | what its labels, times and bounds are | [`Coordinate`] |
//! | latitude, longitude, time, vertical | [`Role`] |
//! | what a number of time means | [`TimeUnits`], [`Instant`], [`Date`] |
//! | what netCDF writes where nothing was written | [`netcdf_default_fill`] |
//!
//! Pure arithmetic, on exact integers wherever there are some: an [`Instant`] is a whole number of nanoseconds on a
//! calendar's own time line, so that values of different units compare and convert without rounding wherever that is
//! possible.
//!
//! Years are counted astronomically: the year before 1 is 0. Leap seconds do not exist. In the `standard` calendar
//! 1582-10-04 is followed by 1582-10-15.
//!
//! Source: CF conventions 1.11; netCDF4-python 1.7 for missing and packed values.

mod calendar;
mod conflict;
mod coordinate;
mod date;
mod meaning;
mod missing;
mod role;
mod units;

pub use calendar::{Calendar, CalendarError};
pub use conflict::{Conflict, dimension_conflicts};
pub use coordinate::{
    AxisVariable, Coordinate, CoordinateAttributes, auxiliaries_along, auxiliary_variable, axis_variable,
    bounded_variable, bounds_path, instant, sibling, time_units,
};
pub use date::{Date, DateError, Instant};
pub use meaning::{Column, Meaning, MeaningError, flags};
pub use missing::{MissingAttributes, netcdf_default_fill};
pub use role::{Role, RoleAttributes};
pub use units::{Step, TimeUnits, UnitsError};
