//! What the tests of the other crates stand on: object stores that record, delay and fail, an S3 server inside the test
//! process, and the way to the fixtures.
//!
//! | piece | use it to say |
//! |---|---|
//! | [`RecordingStore`] | this scan makes these requests, in this many rounds |
//! | [`throttled()`] | this many requests are waited for together (under paused tokio time: nothing really sleeps) |
//! | [`FaultyStore`] | this failure ends in an error that names the object, never in wrong values |
//! | [`S3Server`] | signing, listing, conditional requests and HTTP faults as a real client meets them |
//! | [`fixtures`], [`corpus`] | where the files are |
//!
//! A dev-dependency only: nothing here may be reached from a released binary.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test helper that cannot do its job must stop the test"
)]

mod faulty;
mod files;
mod recording;
mod s3;
mod throttled;

pub use faulty::{Fault, FaultyStore};
pub use files::{corpus, files_below, fixtures};
pub use recording::{Method, Outcome, RecordedRequest, RecordingStore};
pub use s3::{HttpFault, LoggedRequest, S3Server};
pub use throttled::throttled;
