//! What is asked of a dataset, what will be read for it, and what the answer is called.
//!
//! ```text
//!  Query + variable ─prepare─► Prepared: an Execution, and the dimensions of its answer ─run─► Outcomes
//! ```
//!
//! | module | does |
//! |---|---|
//! | [`select`] | reads selections as people write them |
//! | [`group`], [`period`] | reads groupings: by parts of dates, in periods, by the values of a variable |
//! | [`rolling`] | reads windows that move along a dimension |
//! | [`coordinate`] | reads the coordinates that values and dates are looked up in |
//! | `lookup`, `selected` | positions that are selected |
//! | `axis`, `outline`, `spread` | what becomes of each axis of the variable |
//! | `grouping`, `labelling`, `weigh` | groups, labels and weights, read through the store |
//! | `checks` | what is refused before anything is planned |
//! | `prepare` | from a query to what will be run |
//! | `beside` | what is read beside the variable |

mod axis;
mod beside;
mod checks;
pub mod coordinate;
pub mod group;
mod group_error;
mod grouping;
mod labelling;
mod labels;
mod lookup;
mod outline;
pub mod period;
mod positions;
mod prepare;
mod query;
mod query_error;
pub mod rolling;
pub mod select;
mod selected;
mod spread;
mod weigh;
mod weight_source;

pub use beside::read_beside;
pub use group::{DatePart, GroupBy};
pub use group_error::GroupError;
pub use labels::{GroupLabels, KeptDimension};
pub use period::Period;
pub use positions::Positions;
pub use prepare::{Prepared, prepare};
pub use query::Query;
pub use query_error::QueryError;
pub use rangefold_active::Interpretation;
pub use rolling::Rolling;
pub use selected::{Selected, selected};
pub use weight_source::WeightSource;
