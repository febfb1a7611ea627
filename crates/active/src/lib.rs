//! Run reductions: fetch, decode, reduce, merge in task order.
pub mod select;
