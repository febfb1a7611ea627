//! A question about one array, checked: which chunks it needs, which statistics, and the shape of the answer.
//!
//! No element is looked at here.

pub(crate) mod check;
pub(crate) mod chunk_task;
pub(crate) mod extent;
pub(crate) mod fingerprint;
pub(crate) mod needs;
pub(crate) mod order;
pub(crate) mod plan_error;
pub(crate) mod reduction_plan;
