//! The `rangefold` command.
fn main() {}
