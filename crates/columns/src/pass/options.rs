//! How a pass is run.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Called with the rows that are done and all of them. Where it answers `false`, the pass stops.
pub type Progress = Arc<dyn Fn(u64, u64) -> bool + Send + Sync>;

/// Threads, progress and cancellation of a pass.
#[derive(Clone, Default)]
pub struct PassOptions {
    /// How many threads compute; none for one for each processor.
    pub threads: Option<NonZeroUsize>,
    /// Bytes that groups, sets of values and the like may take before they are written to disk or refused; none for 4 GiB.
    pub memory: Option<u64>,
    /// Told how far the pass is.
    pub progress: Option<Progress>,
    /// Set from another thread to stop the pass.
    pub cancel: Option<Arc<AtomicBool>>,
}

impl PassOptions {
    pub(crate) fn threads(&self) -> usize {
        match self.threads {
            Some(threads) => threads.get(),
            None => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        }
    }

    pub(crate) fn memory(&self) -> u64 {
        self.memory.unwrap_or(4 << 30)
    }

    pub(crate) fn cancelled(&self) -> bool {
        self.cancel.as_ref().is_some_and(|cancel| cancel.load(Ordering::Relaxed))
    }
}

impl fmt::Debug for PassOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PassOptions")
            .field("threads", &self.threads)
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}
