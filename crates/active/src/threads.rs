//! Threads that take job after job, without waiting for anybody in between.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use tokio::sync::{mpsc as ended, oneshot};

/// A job, and who waits for what becomes of it.
type Handed<J, A> = (J, oneshot::Sender<A>);

/// Threads that work until this is dropped or ended. Jobs are taken in the order in which they were handed over; one that
/// nobody waits for any more is left undone.
pub(crate) struct Threads<J, A> {
    queue: mpsc::Sender<Handed<J, A>>,
    /// Never sends; closed once all threads have ended.
    running: ended::Receiver<Infallible>,
}

impl<J: Send + 'static, A: Send + 'static> Threads<J, A> {
    /// `count` threads, or as many as the machine allows, which do `work`.
    pub(crate) fn new(count: usize, work: impl Fn(J) -> A + Send + Sync + 'static) -> Self {
        let (queue, jobs) = mpsc::channel::<Handed<J, A>>();
        let (end, running) = ended::channel(1);
        let shared = Arc::new((Mutex::new(jobs), work));
        for _ in 0..count {
            let (shared, end) = (Arc::clone(&shared), end.clone());
            let thread = thread::Builder::new().name("rangefold".to_owned());
            // Fewer threads do the same work; without any, whoever waits is told.
            let _ = thread.spawn(move || {
                let (jobs, work) = &*shared;
                loop {
                    let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((job, waiting)) = next else { break };
                    if !waiting.is_closed() {
                        // Nobody may wait any more once the work is done.
                        let _ = waiting.send(work(job));
                    }
                }
                drop(shared);
                drop(end);
            });
        }
        Self { queue, running }
    }

    /// Queues a job. What it gives never comes if its thread fails.
    pub(crate) fn hand(&self, job: J) -> oneshot::Receiver<A> {
        let (waiting, answer) = oneshot::channel();
        // Without threads `waiting` is dropped with the job, which tells the receiver.
        let _ = self.queue.send((job, waiting));
        answer
    }

    /// Waits until the threads have let go of all they use.
    pub(crate) async fn end(mut self) {
        drop(self.queue);
        self.running.recv().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn jobs_are_done_and_a_failed_one_is_missed_by_who_waits_for_it() {
        let threads = Threads::new(2, |n: u32| 100_u32.checked_div(n).ok_or(n));
        let answers: Vec<_> = [5, 0, 4].map(|n| threads.hand(n)).into();
        let answers = futures::future::join_all(answers).await;
        assert_eq!(answers, [Ok(Ok(20)), Ok(Err(0)), Ok(Ok(25))]);
        threads.end().await;
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_left_undone_and_threads_end_with_what_hands_over() {
        let (begin, mut begun) = tokio::sync::mpsc::unbounded_channel();
        let (go, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let threads = Threads::new(1, move |n: u32| {
            begin.send(n).unwrap();
            gate.lock().unwrap().recv().unwrap();
        });
        let first = threads.hand(1);
        assert_eq!(begun.recv().await, Some(1));
        drop(threads.hand(2));
        let last = threads.hand(3);
        go.send(()).unwrap();
        go.send(()).unwrap();
        assert_eq!((first.await, last.await), (Ok(()), Ok(())));
        threads.end().await;
        assert_eq!((begun.recv().await, begun.recv().await), (Some(3), None));
        assert!(go.send(()).is_err());
    }
}
