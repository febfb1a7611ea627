//! Work that would keep a runtime's worker busy for long, on a thread where nobody waits for it.

use std::future::Future;
use std::pin::pin;

use futures::channel::oneshot;
use futures::future::{Either, select};
use tokio::runtime::Handle;

/// The work ended before it was done: it panicked, or its runtime was shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the work was stopped before it was done")]
pub struct Stopped;

/// Does `work` on a blocking thread of the runtime, whatever its flavour, or on a thread of its own where there is none.
///
/// # Errors
///
/// [`Stopped`].
pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Stopped> {
    let (sender, done) = oneshot::channel();
    let work = move || {
        // Whoever asked may have gone.
        let _ = sender.send(work());
    };
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(work)),
        Err(_) => drop(std::thread::spawn(work)),
    }
    done.await.map_err(|_| Stopped)
}

/// Does asynchronous `work` that computes for long between its requests, as [`aside`] does. It is dropped at its next
/// request when the returned future is.
///
/// # Errors
///
/// [`Stopped`].
pub async fn aside_async<T, F>(work: impl FnOnce() -> F + Send + 'static) -> Result<T, Stopped>
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    let runtime = Handle::try_current().ok();
    let (wanted, dropped) = oneshot::channel::<()>();
    let done = aside(move || {
        let work = pin!(work());
        let either = select(work, dropped);
        let either = match runtime {
            Some(runtime) => runtime.block_on(either),
            None => futures::executor::block_on(either),
        };
        match either {
            Either::Left((value, _)) => Some(value),
            Either::Right(_) => None,
        }
    });
    let done = done.await;
    drop(wanted);
    done?.ok_or(Stopped)
}
