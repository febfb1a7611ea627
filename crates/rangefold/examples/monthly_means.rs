//! The mean of each month over the globe, weighted by area, printed and written as netCDF JSON.
//!
//! ```sh
//! cargo run --example monthly_means -- stack.json monthly.nc.json
//! ```
#![allow(clippy::print_stdout, reason = "an example prints what it finds")]

use rangefold::{Dataset, Save as _, Storage};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let references = arguments.next().ok_or("give the references: a path or a URL")?;
    let output = arguments.next().ok_or("give an output: monthly.nc.json, .csv, .zarr, .png, …")?;
    let storage = Storage::of_process()?;
    let dataset = Dataset::open(&storage, &references).await?;

    let tas = dataset.variable("tas")?;
    let answer = tas.mean().over(["lat", "lon"]).weights("coslat").by("time.month").run().await?;
    println!("{answer}: {:.2}", answer.values()?);
    answer.save(&storage, &output).await?;
    Ok(())
}
