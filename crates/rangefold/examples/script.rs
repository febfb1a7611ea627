//! A script without `async`: the hottest month of a year, and how many were above freezing.
//!
//! ```sh
//! cargo run --example script -- stack.json
//! ```
#![allow(clippy::print_stdout, reason = "an example prints what it finds")]

use rangefold::{Blocking, Dataset, Storage};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let references = std::env::args().nth(1).ok_or("give the references: a path or a URL")?;
    let (blocking, storage) = (Blocking::new()?, Storage::of_process()?);
    let dataset = blocking.wait(Dataset::open(&storage, &references))?;
    let tas = dataset.variable("tas")?;
    let hottest = blocking.wait(tas.reduce("max,argmax").select("time=2001..2001").run())?;
    println!("{hottest}");
    for at in hottest.get("argmax").ok_or("no argmax")?.at.iter() {
        println!(
            "at {} {}",
            at.dim.name,
            at.label(0).map_or_else(String::new, rangefold::query::field::text_of)
        );
    }
    let hot = blocking.wait(tas.reduce("count").over(["time"]).filter("> 273.15").run())?;
    println!("months above freezing, by place:\n{}", hot.values()?);
    Ok(())
}
