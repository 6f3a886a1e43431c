//! Results of tasks in the order of the tasks, computed ahead by several threads.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// What a task came to, or why its thread panicked.
type Finished<T> = Result<T, Box<dyn Any + Send>>;

/// Computes tasks ahead of whoever takes the results, but no further than so many tasks, which bounds the memory.
pub(crate) struct Ordered<T> {
    shared: Arc<Shared<T>>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared<T> {
    job: Box<dyn Fn(usize) -> T + Send + Sync>,
    tasks: usize,
    /// How many results wait at most.
    ahead: usize,
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    /// The task that a thread takes next.
    next: usize,
    /// The task whose result is handed out next.
    taken: usize,
    finished: HashMap<usize, Finished<T>>,
    stopped: bool,
}

impl<T> fmt::Debug for Ordered<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ordered").field("tasks", &self.shared.tasks).field("threads", &self.threads.len()).finish()
    }
}

impl<T: Send + 'static> Ordered<T> {
    /// Runs a job for each of so many tasks.
    pub(crate) fn new(tasks: usize, threads: usize, job: impl Fn(usize) -> T + Send + Sync + 'static) -> Self {
        let threads = threads.min(tasks);
        let state = State { next: 0, taken: 0, finished: HashMap::new(), stopped: false };
        let shared = Arc::new(Shared {
            job: Box::new(job),
            tasks,
            ahead: threads * 2,
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        let spawned = (0..threads).filter_map(|_| {
            let shared = shared.clone();
            std::thread::Builder::new().name("datafolio-rows".to_owned()).spawn(move || shared.work()).ok()
        });
        // Where the system has no more threads, whoever takes the results computes them.
        let threads = spawned.collect();
        Self { shared, threads }
    }
}

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        loop {
            let mut state = self.state();
            while !state.stopped && state.next < self.tasks && state.next >= state.taken + self.ahead {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.stopped || state.next >= self.tasks {
                return;
            }
            let task = state.next;
            state.next += 1;
            drop(state);
            let result = self.run(task);
            self.state().finished.insert(task, result);
            self.changed.notify_all();
        }
    }

    fn run(&self, task: usize) -> Finished<T> {
        catch_unwind(AssertUnwindSafe(|| (self.job)(task)))
    }

    fn stop(&self) {
        self.state().stopped = true;
        self.changed.notify_all();
    }
}

impl<T> Iterator for Ordered<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let shared = &self.shared;
        let mut state = shared.state();
        let task = state.taken;
        if task >= shared.tasks || state.stopped {
            return None;
        }
        let result = if self.threads.is_empty() {
            state.taken += 1;
            drop(state);
            shared.run(task)
        } else {
            loop {
                if let Some(result) = state.finished.remove(&task) {
                    state.taken += 1;
                    drop(state);
                    shared.changed.notify_all();
                    break result;
                }
                state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        };
        match result {
            Ok(value) => Some(value),
            Err(panic) => {
                shared.stop();
                resume_unwind(panic)
            }
        }
    }
}

impl<T> Drop for Ordered<T> {
    fn drop(&mut self) {
        self.shared.stop();
        for thread in self.threads.drain(..) {
            // A panic of a job is caught within the thread.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn results_come_in_order_and_threads_wait() {
        for threads in [0, 1, 3] {
            let begun = Arc::new(AtomicUsize::new(0));
            let counter = begun.clone();
            let mut ordered = Ordered::new(1000, threads, move |task| {
                counter.fetch_add(1, Ordering::Relaxed);
                if task % 7 == 0 {
                    std::thread::yield_now();
                }
                task * 2
            });
            assert_eq!(ordered.next(), Some(0));
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(begun.load(Ordering::Relaxed) <= 1 + 2 * threads.max(1), "{threads}");
            assert_eq!(ordered.collect::<Vec<_>>(), (1..1000).map(|task| task * 2).collect::<Vec<_>>());
        }
        assert_eq!(Ordered::new(0, 2, |task| task).next(), None);
    }

    #[test]
    fn what_is_dropped_early_leaves_no_thread() {
        let alive = Arc::new(());
        let held = alive.clone();
        let mut ordered = Ordered::new(usize::MAX, 2, move |task| {
            let _held = &held;
            task
        });
        assert_eq!(ordered.next(), Some(0));
        drop(ordered);
        assert_eq!(Arc::strong_count(&alive), 1);
    }

    #[test]
    fn a_panic_reaches_whoever_takes_the_results() {
        let ordered = Ordered::new(10, 2, |task| assert!(task < 5));
        assert!(catch_unwind(AssertUnwindSafe(|| ordered.count())).is_err());
    }
}
