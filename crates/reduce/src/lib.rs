//! Plan a reduction, reduce chunks, merge what they give.
//!
//! Pure and synchronous: bytes come in decoded, and nothing is fetched here.

mod accumulator;
mod chunk;
mod columns;
mod condition;
mod element;
mod kernel;
mod mask;
mod missing;
mod number;
mod outcome;
mod packing;
mod partial;
mod plan;
mod spec;
mod sum;
mod walk;

pub use accumulator::Accumulator;
pub use condition::{Comparison, Condition};
pub use missing::{MissingAttributes, MissingSpec, NanPolicy, netcdf_default_fill};
pub use number::Number;
pub use outcome::{Outcome, Value, Values};
pub use packing::{Packing, PackingError};
pub use partial::{Partial, ReduceError};
pub use plan::{ChunkTask, PlanError, ReductionPlan};
pub use spec::{AxisMap, Grouping, ReduceSpec, Reduction};
