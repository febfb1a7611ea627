//! Run reductions over a reference store: ask, plan, fetch, decode, reduce, merge in task order.
//!
//! ```text
//!  Query ─prepare─► ReductionPlan ─run─► Answer
//! ```
//!
//! | module | does |
//! |---|---|
//! | [`select`] | reads selections as people write them, and finds their positions |
//! | [`coordinate`] | reads the coordinates that values and dates are looked up in |
//! | [`group`] | groups positions by parts of their dates, or by the values of a variable |
//! | [`period`] | groups positions in periods that follow one another: resampling |
//! | [`rolling`] | reads windows that move along a dimension |
//! | [`weigh`], [`weights`] | read weights and masks, and fold what a plan gives by weights |
//! | [`quantile`] | exact quantiles, of gathered values |
//! | [`query`] | makes a plan of what is asked of a variable |
//! | [`run`](mod@run) | runs the plan |

mod axis;
mod blocks;
mod budget;
mod canvas;
pub mod coordinate;
mod fold;
pub mod group;
mod kept;
mod lookup;
pub mod period;
mod place;
mod plans;
pub mod quantile;
pub mod query;
mod query_error;
pub mod rolling;
pub mod run;
pub mod select;
mod selected;
mod tasks;
mod threads;
pub mod weigh;
pub mod weights;
mod whole;

pub use group::{DatePart, GroupBy};
pub use kept::KeptDimension;
pub use period::Period;
pub use quantile::Passes;
pub use query::{Prepared, Query, Selected, prepare, read_beside, selected};
pub use query_error::QueryError;
pub use rolling::Rolling;
pub use run::{Answer, Limits, RunError, Statistics, run};
pub use weigh::WeightSource;
