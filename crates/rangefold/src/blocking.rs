//! For scripts without a runtime.

use std::future::Future;

use tokio::runtime::{Builder, Handle, Runtime};

/// Waits for futures: with it a program needs no runtime of its own, and no `async`.
///
/// ```
/// use rangefold::{Blocking, Environment, Storage, StorageOptions};
///
/// let blocking = Blocking::new()?;
/// let storage = Storage::new(StorageOptions::default(), Environment::default())?;
/// let files = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/stack/*.nc");
/// assert_eq!(blocking.wait(rangefold::scan(&storage, [files]))?.inputs.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// One value serves a whole program: connections live as long as it does.
#[derive(Debug)]
pub struct Blocking {
    runtime: Runtime,
}

impl Blocking {
    /// Begins a runtime with one thread; reductions use the threads of their [`Resources`](crate::Resources).
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub fn new() -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self { runtime })
    }

    /// Waits for a future. Also from within another runtime, whose thread is blocked as long.
    pub fn wait<F: Future<Output: Send> + Send>(&self, future: F) -> F::Output {
        if Handle::try_current().is_err() {
            return self.runtime.block_on(future);
        }
        // A runtime refuses to be waited for on a thread of another one.
        std::thread::scope(|scope| match scope.spawn(|| self.runtime.block_on(future)).join() {
            Ok(output) => output,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    }
}
