//! What a stored element is as a number or a text: byte order, missing elements, conditions, unpacking, and exact sums.
//!
//! Elements only: nothing here knows a cell, a place or a reduction.

pub(crate) mod block;
pub(crate) mod element;
pub(crate) mod kind;
pub(crate) mod layout;
pub(crate) mod load;
pub(crate) mod mask;
pub(crate) mod matches;
pub(crate) mod stage;
pub(crate) mod stored;
pub(crate) mod sum;
pub(crate) mod text;
