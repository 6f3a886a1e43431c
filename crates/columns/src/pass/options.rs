//! How a pass is run.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

/// Called with the rows that are done and all of them. Where it answers `false`, the pass stops.
pub type Progress = Arc<dyn Fn(u64, u64) -> bool + Send + Sync>;

/// Threads, progress and cancellation of a pass.
#[derive(Clone, Default)]
pub struct PassOptions {
    /// How many threads compute; none for one for each processor.
    pub threads: Option<NonZeroUsize>,
    /// Bytes that groups, sets of values and the like may take before they are written to disk or refused; none for a quarter of
    /// the machine's memory.
    pub memory: Option<u64>,
    /// The directory in which one is made for what is written because it passes `memory`, and taken away at the end; none for that of the
    /// system for temporary files.
    pub spill: Option<PathBuf>,
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

    /// Bytes that all threads together may take.
    pub(crate) fn memory(&self) -> u64 {
        self.memory.unwrap_or_else(|| machine_memory() / 4)
    }

    /// Bytes that each thread may take.
    pub(crate) fn memory_of_thread(&self) -> u64 {
        self.memory() / self.threads().max(1) as u64
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

/// Bytes of memory that the machine has; 4 GiB where that cannot be told.
fn machine_memory() -> u64 {
    static MEMORY: LazyLock<u64> = LazyLock::new(|| {
        let told = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()?.checked_mul(1024)
        });
        told.unwrap_or(4 << 30)
    });
    *MEMORY
}
