//! Watching a query, and stopping it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use duckdb::{Connection, InterruptHandle, ProgressHandle};

use crate::error::{SqlError, SqlResult};
use crate::lanes::Lanes;
use crate::reader::spawn;

/// How often a query that is to stop is told so.
pub(crate) const AGAIN: Duration = Duration::from_millis(50);

/// Watches a query, and stops it. One that is made before the query and given to it works from the start, also while the query
/// has no row yet.
#[derive(Clone, Default)]
pub struct QueryControl {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    running: Mutex<Option<Running>>,
    is_cancelled: AtomicBool,
    is_timed_out: AtomicBool,
    rows: AtomicU64,
}

/// A query that runs.
struct Running {
    lanes: Arc<Lanes>,
    connections: Vec<(Arc<InterruptHandle>, Option<ProgressHandle>)>,
}

impl QueryControl {
    /// For a query to come.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops the query: its rows end with [`SqlError::Cancelled`].
    pub fn cancel(&self) {
        self.shared.is_cancelled.store(true, Ordering::SeqCst);
        self.interrupt();
    }

    /// How much of the query is done, in percent, where DuckDB can tell.
    pub fn progress(&self) -> Option<f64> {
        let running = self.running();
        let Running { lanes, connections } = running.as_ref()?;
        let mut percent = connections.iter().map(|(_, progress)| progress.as_ref()?.query_progress().percentage());
        match lanes.complete() {
            (0, 1) => percent.next()?,
            (complete, parts) => {
                let under_way: f64 = percent.flatten().sum();
                Some(((complete as f64 * 100.0 + under_way) / parts as f64).min(100.0))
            }
        }
    }

    /// How many rows the query has given.
    pub fn rows(&self) -> u64 {
        self.shared.rows.load(Ordering::Relaxed)
    }

    /// The query gives so many rows more.
    pub(crate) fn count(&self, rows: usize) {
        self.shared.rows.fetch_add(rows as u64, Ordering::Relaxed);
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.shared.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What runs from here on.
    pub(crate) fn attach(&self, lanes: &Arc<Lanes>, connections: &[Connection]) {
        let connections = connections.iter().map(|connection| {
            let progress = connection.set_query_progress_tracking(true).is_ok().then(|| connection.progress_handle());
            (connection.interrupt_handle(), progress)
        });
        self.shared.rows.store(0, Ordering::Relaxed);
        *self.running() = Some(Running { lanes: Arc::clone(lanes), connections: connections.collect() });
    }

    /// Nothing runs any more.
    pub(crate) fn detach(&self) {
        *self.running() = None;
    }

    pub(crate) fn interrupt(&self) {
        if let Some(running) = self.running().as_ref() {
            running.connections.iter().for_each(|(handle, _)| handle.interrupt());
        }
    }

    pub(crate) fn was_stopped(&self) -> bool {
        self.shared.is_cancelled.load(Ordering::SeqCst) || self.shared.is_timed_out.load(Ordering::SeqCst)
    }

    /// The error to tell, where an interruption was asked for.
    pub(crate) fn why(&self, error: SqlError, timeout: Option<Duration>) -> SqlError {
        if self.shared.is_timed_out.load(Ordering::SeqCst) {
            return SqlError::TimedOut { after: timeout.unwrap_or_default() };
        }
        if self.shared.is_cancelled.load(Ordering::SeqCst) {
            return SqlError::Cancelled;
        }
        error
    }

    /// Stops the query when its time is over, unless the sender is dropped before.
    pub(crate) fn clock(&self, timeout: Duration) -> SqlResult<Sender<()>> {
        let (sender, ended) = channel::<()>();
        let control = self.clone();
        spawn("query clock", move || {
            // DuckDB forgets an interruption that comes between two steps of a query, so it is told until it has ended.
            let mut wait = timeout;
            while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                control.shared.is_timed_out.store(true, Ordering::SeqCst);
                control.interrupt();
                wait = AGAIN;
            }
        })?;
        Ok(sender)
    }
}

/// Two are the same when they watch the same query.
impl PartialEq for QueryControl {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl fmt::Debug for QueryControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryControl").field("progress", &self.progress()).finish_non_exhaustive()
    }
}
