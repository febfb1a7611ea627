//! Runs planned reductions over a reference store: fetch, decode, reduce, merge in task order.
//!
//! ```text
//!  Question + array ─► Execution ─run─► Outcomes
//!                         │ for each chunk
//!                         ChunkRequest ─fetch─► encoded bytes ─decode, reduce─► Partial ─► merged in task order
//! ```
//!
//! What is asked, and what answers are called, is known to `rangefold-query`, which makes the [`Question`]s.
//!
//! | module | does |
//! |---|---|
//! | `execution` | a planned question: plans, weights, what was asked |
//! | `plans` | one plan, or one for each packing of an array whose files are packed differently |
//! | `tasks`, `chunk_request` | the chunks to visit, each with its reference and all that is needed to reduce it |
//! | `budget` | how a run shares out its memory |
//! | `resources`, `threads` | what runs share: threads, memory, requests in flight |
//! | `run` | visits the chunks of one pass |
//! | `canvas` | answers that are written in place, where much is kept |
//! | `blocks`, `quantile` | passes over parts: weights that do not fit in memory, exact quantiles |
//! | `anomaly` | values less the means of their groups |
//! | `answer` | all passes of an execution, and what they will take |
//! | `part` | an execution split by hand: cut, run one part, merge |
//! | `keep` | partial answers that outlive a run |
//! | `relay`, `fingerprint` | nodes in the place of chunks and nodes handed on; what they depend on |
//! | `elements` | every element of a variable, as weights, masks and labels need them |
//! | [`weights`] | weights that fold what a plan has kept |

mod anomaly;
mod answer;
mod blocks;
mod budget;
mod canvas;
mod chunk_request;
mod elements;
mod execution;
mod fingerprint;
mod fold;
mod interpretation;
mod keep;
mod limits;
mod part;
mod plans;
mod quantile;
mod relay;
mod resources;
mod run;
mod run_error;
mod tasks;
mod threads;
pub mod weights;

pub use anomaly::{Anomaly, Means};
pub use answer::Outcomes;
pub use chunk_request::{ChunkError, ChunkRequest, Reduced};
pub use elements::{check_count, each, numbers};
pub use execution::{Execution, Question};
pub use interpretation::Interpretation;
pub use keep::{Keeping, KeptNode};
pub use limits::{Limits, Progress, Statistics};
pub use part::{PARTS_MAX, PartError, PartHead, PartialAnswer};
pub use plans::{PlansByPart, Refusal};
pub use quantile::Passes;
pub use resources::{Resources, Totals};
pub use run_error::RunError;
