//! Threads that runs share, and the lanes in which each run hands its jobs to them.
//!
//! ```text
//!  run A: lane ─ job job job ─┐                 ┌─ thread
//!                             ├─ turns, in order┤
//!  run B: lane ─ job ─────────┘                 └─ thread
//! ```
//! A lane has at most so many jobs at work at a time, and takes one job in each of its turns, so that no run waits until
//! another has ended.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::{mpsc, oneshot};

/// A turn of a lane: takes one of its jobs and does it.
type Turn = Box<dyn FnOnce() + Send>;

/// Threads that take turn after turn. They begin when they are needed and end with the last clone.
#[derive(Clone)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
    /// Tells the threads to end when the last clone is dropped.
    _open: Arc<Open>,
}

struct Shared {
    count: usize,
    turns: Mutex<Turns>,
    ready: Condvar,
}

#[derive(Default)]
struct Turns {
    waiting: VecDeque<Turn>,
    /// Threads there are, and those of them that wait for a turn.
    threads: usize,
    idle: usize,
    is_closed: bool,
}

struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.0.turns).is_closed = true;
        self.0.ready.notify_all();
    }
}

impl Pool {
    /// At most `count` threads, at least one.
    pub(crate) fn new(count: usize) -> Self {
        let shared = Arc::new(Shared { count: count.max(1), turns: Mutex::default(), ready: Condvar::new() });
        Self { _open: Arc::new(Open(Arc::clone(&shared))), shared }
    }

    /// Queues a turn. Without any thread it is taken here and now.
    fn take_turn(&self, turn: Turn) {
        let mut turns = lock(&self.shared.turns);
        turns.waiting.push_back(turn);
        if turns.idle < turns.waiting.len() && turns.threads < self.shared.count {
            let shared = Arc::clone(&self.shared);
            let thread = thread::Builder::new().name("rangefold".to_owned());
            if thread.spawn(move || work(&shared)).is_ok() {
                turns.threads += 1;
            }
        }
        if turns.threads == 0
            && let Some(turn) = turns.waiting.pop_back()
        {
            drop(turns);
            turn();
            return;
        }
        drop(turns);
        self.shared.ready.notify_one();
    }
}

/// What a thread does: turn after turn, until the pool is closed.
fn work(shared: &Shared) {
    let mut turns = lock(&shared.turns);
    loop {
        if let Some(turn) = turns.waiting.pop_front() {
            drop(turns);
            turn();
            turns = lock(&shared.turns);
        } else if turns.is_closed {
            return;
        } else {
            turns.idle += 1;
            turns = shared.ready.wait(turns).unwrap_or_else(PoisonError::into_inner);
            turns.idle -= 1;
        }
    }
}

/// A job, and who waits for what becomes of it.
type Handed<J, A> = (J, oneshot::Sender<A>);

/// The jobs of one run. They are taken in the order in which they were handed over; one that nobody waits for any more is
/// left undone.
pub(crate) struct Lane<J, A> {
    pool: Pool,
    jobs: Arc<Jobs<J, A>>,
    /// Never sends; closed once nothing of the lane is at work any more.
    running: mpsc::Receiver<Infallible>,
    end: mpsc::Sender<Infallible>,
}

struct Jobs<J, A> {
    /// Jobs at work at a time.
    most: usize,
    queue: Mutex<Queue<J, A>>,
    work: Box<dyn Fn(J) -> A + Send + Sync>,
}

struct Queue<J, A> {
    waiting: VecDeque<Handed<J, A>>,
    turns: usize,
}

impl<J: Send + 'static, A: Send + 'static> Lane<J, A> {
    /// A lane whose jobs `work` does, at most `most` of them at a time.
    pub(crate) fn new(pool: &Pool, most: usize, work: impl Fn(J) -> A + Send + Sync + 'static) -> Self {
        let (end, running) = mpsc::channel(1);
        let queue = Mutex::new(Queue { waiting: VecDeque::new(), turns: 0 });
        let jobs = Arc::new(Jobs { most: most.max(1), queue, work: Box::new(work) });
        Self { pool: pool.clone(), jobs, running, end }
    }

    /// Queues a job. What it gives never comes if it panics.
    pub(crate) fn hand(&self, job: J) -> oneshot::Receiver<A> {
        let (waiting, answer) = oneshot::channel();
        let mut queue = lock(&self.jobs.queue);
        queue.waiting.push_back((job, waiting));
        let begins = queue.turns < self.jobs.most;
        queue.turns += usize::from(begins);
        drop(queue);
        if begins {
            take_turns(&self.pool, Arc::clone(&self.jobs), self.end.clone());
        }
        answer
    }

    /// Waits until the threads have let go of all that the lane uses.
    pub(crate) async fn end(mut self) {
        drop((self.jobs, self.end));
        self.running.recv().await;
    }
}

/// Queues a turn, which takes one job and queues the next turn, until there are no jobs.
fn take_turns<J: Send + 'static, A: Send + 'static>(
    pool: &Pool,
    jobs: Arc<Jobs<J, A>>,
    end: mpsc::Sender<Infallible>,
) {
    let next = pool.clone();
    pool.take_turn(Box::new(move || {
        let taken = lock(&jobs.queue).waiting.pop_front();
        // One that nobody waits for any more is left undone. A panic is told by the channel, which closes.
        if let Some((job, waiting)) = taken
            && !waiting.is_closed()
            && let Ok(done) = catch_unwind(AssertUnwindSafe(|| (jobs.work)(job)))
        {
            let _ = waiting.send(done);
        }
        let mut queue = lock(&jobs.queue);
        if queue.waiting.is_empty() {
            queue.turns -= 1;
            drop(queue);
            drop(jobs);
            drop(end);
        } else {
            drop(queue);
            take_turns(&next, jobs, end);
        }
    }));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_lane_has_so_many_jobs_at_work_and_a_panic_is_told() {
        let pool = Pool::new(4);
        let (at_work, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let seen = Arc::clone(&most);
        let lane = Lane::new(&pool, 2, move |job: usize| {
            let now = at_work.fetch_add(1, Ordering::SeqCst) + 1;
            seen.fetch_max(now, Ordering::SeqCst);
            at_work.fetch_sub(1, Ordering::SeqCst);
            assert!(job != 7, "job 7 fails");
            job * 2
        });
        let jobs: Vec<_> = (0..100).map(|job| lane.hand(job)).collect();
        for (job, answer) in jobs.into_iter().enumerate() {
            assert_eq!(answer.await.ok(), (job != 7).then_some(job * 2));
        }
        lane.end().await;
        assert!(most.load(Ordering::SeqCst) <= 2);
        // The thread that met the panic serves others.
        let other = Lane::new(&pool, 4, |job: usize| job + 1);
        assert_eq!(other.hand(1).await.ok(), Some(2));
    }

    #[tokio::test]
    async fn a_job_that_nobody_waits_for_is_left_undone() {
        let pool = Pool::new(1);
        let done = Arc::new(AtomicUsize::new(0));
        let (begun, begins) = oneshot::channel();
        let (go, goes) = std::sync::mpsc::channel::<()>();
        let (begun, goes) = (Mutex::new(Some(begun)), Mutex::new(goes));
        let counted = Arc::clone(&done);
        let lane = Lane::new(&pool, 1, move |_: usize| {
            if let Some(begun) = lock(&begun).take() {
                let _ = begun.send(());
            }
            let _ = lock(&goes).recv();
            counted.fetch_add(1, Ordering::SeqCst);
        });
        let first = lane.hand(0);
        drop(lane.hand(1));
        assert!(begins.await.is_ok());
        drop(go);
        assert!(first.await.is_ok());
        lane.end().await;
        assert_eq!(done.load(Ordering::SeqCst), 1);
    }
}
