//! The values at one place: a selection by coordinates, as an array with dates.
//!
//! ```sh
//! cargo run --example series -- stack.json
//! ```
#![allow(clippy::print_stdout, reason = "an example prints what it finds")]

use rangefold::{Dataset, Storage};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let references = std::env::args().nth(1).ok_or("give the references: a path or a URL")?;
    let dataset = Dataset::open(&Storage::of_process()?, &references).await?;
    let place = dataset.variable("tas")?.get().select("lat=45.0,lon=10.0,time=2001-06..2001-08").nearest();
    let answer = place.run().await?;
    let series = answer.field()?;
    for (time, value) in series.array()?.iter().enumerate() {
        println!("{} {value}", series.dims.first().map_or_else(String::new, |dim| dim.label(time)));
    }
    Ok(())
}
