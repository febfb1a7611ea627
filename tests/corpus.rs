//! Every file of the corpus of real files, read and reduced through its references, against h5py and netCDF4-python.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a helper that fails fails the test"
)]

mod judge;

use judge::{Verdict, judge};
use rangefold_testkit::files_below;

#[tokio::test(flavor = "multi_thread")]
async fn real_files_read_and_reduce_to_what_h5py_and_netcdf4_find_in_them() {
    let Some(corpus) = rangefold_testkit::corpus() else { return };
    let mut total = Verdict::default();
    let root = corpus.join("files");
    let files = files_below(&root);
    for file in &files {
        let oracle =
            corpus.join("oracle").join(format!("{}.json", file.strip_prefix(&root).unwrap().display()));
        let Ok(oracle) = std::fs::read(&oracle) else { continue };
        total.add(judge(file, &serde_json::from_slice(&oracle).unwrap()).await);
    }
    total.print(&format!("{} real files", files.len()));
    assert!(total.wrong.is_empty(), "{} variables are wrong", total.wrong.len());
    let (right, skipped) = total.read;
    assert!(
        right * 100 >= (right + skipped) * 95,
        "only {right} of {} datasets can be read",
        right + skipped
    );
}
