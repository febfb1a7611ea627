//! Many reference sets to one, refusing what would be silently wrong.

mod attributes;
mod axis;
mod combine;
mod compare;
mod content;
mod cut;
mod encode;
mod error;
mod labels;
mod layout;
mod place;
mod places;
mod plan;
mod read;
mod result;
mod selector;
mod spec;
mod split;
mod values;

pub use combine::{Combined, combine, combine_with};
pub use error::{CombineError, Error, Offender};
pub use plan::Input;
pub use result::{Joined, JoinedArray};
pub use selector::{Selector, SelectorError};
pub use spec::{AttributeRule, Chunks, CombineSpec, MissingVariable, Overlap, Sort, Tolerance};
pub use split::{Piece, combine_split};
