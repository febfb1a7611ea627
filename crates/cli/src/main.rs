//! The `rangefold` command.
mod args;
mod names;

fn main() {
    let _ = <args::Cli as clap::Parser>::parse();
}
