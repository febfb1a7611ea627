//! CF time coordinates: calendars, units such as `days since 1850-01-01`, and dates.
//!
//! Pure arithmetic on exact integers: an [`Instant`] is a whole number of nanoseconds on a calendar's own time
//! line, so that values of different units compare and convert without rounding wherever that is possible.
//!
//! Years are counted astronomically: the year before 1 is 0. Leap seconds do not exist. In the `standard` calendar
//! 1582-10-04 is followed by 1582-10-15.
//!
//! Source: CF conventions 1.11, section 4.4 "Time Coordinate".

mod calendar;
mod date;
mod units;

pub use calendar::{Calendar, CalendarError};
pub use date::{Date, DateError, Instant};
pub use units::{Step, TimeUnits, UnitsError};
