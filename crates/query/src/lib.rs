//! What is asked of a dataset, what will be read for it, and what the answer is called.
//!
//! ```text
//!  Words ─► Query + Dataset ─plan─► Planned: an Execution, and the dimensions of its answer ─run─► Answer: Fields
//! ```
//!
//! | module | does |
//! |---|---|
//! | `dataset`, `variable` | a dataset opened, and questions to its variables built step by step |
//! | `words`, [`operations`] | reads questions as people write them: operations, conditions, weights, masks |
//! | [`select`] | reads selections as people write them |
//! | [`group`], [`period`] | reads groupings: by parts of dates, in periods, by the values of a variable |
//! | `along` | the coordinate that a trend is along |
//! | [`anomaly`] | reads anomalies, and plans the means that they are from |
//! | [`rolling`] | reads windows that move along a dimension |
//! | [`coordinate`] | reads the coordinates that values and dates are looked up in |
//! | `lookup`, `selected` | positions that are selected |
//! | `axis`, `outline`, `spread` | what becomes of each axis of the variable |
//! | `grouping`, `labelling`, `weigh` | groups, labels and weights, read through the store |
//! | `complete` | groups that have too few positions or values for an answer |
//! | `checks` | what is refused before anything is planned |
//! | `prepare` | from a query to what will be run |
//! | `beside` | what is read beside the variable |
//! | `view` | what a question sees of a dataset: references, resources, coordinates that were read |
//! | [`reductions`] | what an answer to each reduction is called, and what its values are |
//! | `answer`, [`field`], `label`, [`wording`] | labelled answers, and what they say of themselves |
//! | `explanation` | what a question will read |

mod along;
pub mod anomaly;
mod answer;
mod answer_error;
mod axis;
mod beside;
mod checks;
mod complete;
pub mod coordinate;
mod dataset;
mod explanation;
pub mod field;
pub mod group;
mod group_error;
mod grouping;
mod keep;
mod label;
mod labelling;
mod labels;
mod lookup;
pub mod number;
pub mod operations;
mod outline;
pub mod period;
mod positions;
mod prepare;
mod query;
mod query_error;
pub mod reductions;
pub mod rolling;
#[cfg(any(test, feature = "samples"))]
pub mod samples;
pub mod select;
mod selected;
mod spread;
mod variable;
mod view;
mod weigh;
mod weight_source;
pub mod wording;
mod words;

pub use anomaly::Anomaly;
pub use answer::{Answer, Reason, Unanswered};
pub use answer_error::AnswerError;
pub use beside::read_beside;
pub use dataset::{Dataset, NoVariable, Planned};
pub use explanation::{Explanation, MeansPass};
pub use field::Field;
pub use group::{DatePart, GroupBy, GroupKey};
pub use group_error::GroupError;
pub use keep::{AskedQuestion, Keep, KeepError, KeptQuestion, KeptShare};
pub use label::dimension;
pub use labels::{GroupLabels, KeptDimension};
pub use period::Period;
pub use positions::Positions;
pub use prepare::{Prepared, prepare};
pub use query::{Query, Written};
pub use query_error::QueryError;
pub use rangefold_active::{
    Interpretation, Limits, PARTS_MAX, PartError, PartHead, PartialAnswer, Progress, Resources, Statistics,
};
pub use rangefold_reduce::Reduction;
pub use rolling::Rolling;
pub use selected::{Selected, selected};
pub use variable::{Question, Variable};
pub use view::View;
pub use weight_source::WeightSource;
pub use words::{Words, WordsError};
