//! One chunk to its partial, or to its values where quantiles are asked for.
//!
//! Nothing here knows another chunk, and nothing is fetched or decoded.

pub(crate) mod absent;
pub(crate) mod anomaly;
mod blocks;
mod deviations;
pub(crate) mod elsewhere;
mod kernel;
mod line;
pub(crate) mod partial;
mod population;
mod rank;
pub(crate) mod reduce;
pub(crate) mod reduce_error;
pub(crate) mod sift;
mod texts;
mod walk;
