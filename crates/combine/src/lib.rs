//! Many reference sets to one, refusing what would be silently wrong.

mod axis;
mod combine;
mod compare;
mod encode;
mod error;
mod labels;
mod place;
mod spec;
mod values;

pub use combine::{Combined, Content, Input, Plan};
pub use error::{CombineError, Offender};
pub use labels::Labels;
pub use place::Verify;
pub use spec::{AttributeRule, Chunks, CombineSpec, MissingVariable, Overlap, Sort, Tolerance};
