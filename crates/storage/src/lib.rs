//! From a URL to the object store that holds it.
//!
//! ```text
//!  "s3://bucket/a/b.nc" ─ Location ─ rewrite ─ longest rule ─ Connection ─► Arc<dyn ObjectStore>, Path
//!                                                                └─ kept: one store per bucket and rule
//! ```
//!
//! [`Storage`] is what a program makes once and clones. Local paths and `file`, `memory`, `s3`, `gs`, `az`, `http` and `https` URLs are all
//! resolved the same way. Which credentials, endpoint and region belong to which URL is said by [`Rules`], read from a YAML file; what no
//! rule says is taken from [`StorageOptions`] (the command line), then from the [`Environment`], where only names beginning with `AWS_`,
//! `AZURE_` and `GOOGLE_` count.
//!
//! Secrets come from the environment, from files or from the machine, never from a rule, and are never printed.

mod access;
mod connection;
mod environment;
mod error;
mod explain;
mod guarded;
mod list;
mod location;
mod open;
mod options;
mod profile;
mod requests;
mod rules;
mod secret;
mod storage;
mod style;
mod write;

pub use access::Access;
pub use connection::Connection;
pub use environment::Environment;
pub use error::StorageError;
pub use explain::explain;
pub use list::{HDF5_ENDINGS, ListError};
pub use location::{Location, Scheme};
pub use options::StorageOptions;
pub use rules::Rules;
pub use storage::Storage;
pub use style::Style;
pub use write::{Existing, FileWriter, TreeKind, TreeWriter, WriteError, WriteProblem};
