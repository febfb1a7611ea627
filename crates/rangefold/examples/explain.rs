//! What a question will read, decode and hold, before anything of the variable is read.
//!
//! ```sh
//! cargo run --example explain -- stack.json tas 'quantile(0.9)' 'time=2001..2002'
//! ```
#![allow(clippy::print_stdout, reason = "an example prints what it finds")]

use rangefold::{Dataset, Limits, Resources, Storage};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [references, variable, operation, selection] = arguments.as_slice() else {
        return Err("give references, a variable, an operation and a selection".into());
    };
    // All datasets of a program share threads, memory and requests.
    let resources = Resources::new(Limits { memory: 256 << 20, ..Limits::default() });
    let dataset = Dataset::open_with(&Storage::of_process()?, references, &resources).await?;
    print!("{}", dataset.variable(variable)?.reduce(operation).select(selection).explain().await?);
    Ok(())
}
