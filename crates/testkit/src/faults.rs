//! Failing, shortening and interrupting single I/O steps of a [`LocalStorage`](datafolio_storage::LocalStorage).
//!
//! An [`Injector`] numbers the steps that storage announces, from 0. Arm it with a [`Fault`] and the number of a step, run
//! one operation, and look what became of the bundle:
//!
//! ```
//! use datafolio_core::RelPath;
//! use datafolio_storage::{LocalStorage, Storage};
//! use datafolio_testkit::faults::{Fault, Injector};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! let injector = Injector::new();
//! let storage = LocalStorage::open(dir.path())?.with_observer(injector.clone());
//! injector.arm(2, Fault::Once(Fault::EIO));
//! assert!(storage.create(&RelPath::parse("tables/t.parquet")?).is_err());
//! assert!(injector.fired().is_some());
//! # Ok(())
//! # }
//! ```

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafolio_storage::{IoObserver, IoOp, IoStep, Permit};

/// What happens to a step, or to it and all that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The step fails with this error of the operating system; the next one succeeds again.
    Once(i32),
    /// The step and all later ones fail: the disk is gone.
    From(i32),
    /// The step is carried out and reported as failed with this error; the next one is as ever: a lost answer.
    AfterApply(i32),
    /// The step is carried out and reported as failed, and all later ones fail: the connection breaks before the answer.
    AfterApplyThenFrom(i32),
    /// From this step on nothing new can be written, while reading, renaming and removing work: the disk is full.
    Full,
    /// Every write from this step on is cut to a third.
    Short,
    /// The write is cut short, and from then on the disk is full: how a disk really fills up.
    ShortThenFull,
    /// The process ends before the step.
    KillBefore,
    /// The process ends after the step.
    KillAfter,
    /// The process ends in the middle of the write; as [`Fault::KillAfter`] for steps that are no writes.
    Tear,
}

impl Fault {
    /// No space left on the device.
    pub const ENOSPC: i32 = 28;
    /// Input/output error.
    pub const EIO: i32 = 5;
    /// Quota exceeded (on Linux).
    pub const EDQUOT: i32 = 122;
    /// Interrupted by a signal.
    pub const EINTR: i32 = 4;
}

/// Numbers steps, and does something to one of them.
#[derive(Debug, Default)]
pub struct Injector(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    steps: Vec<String>,
    trap: Option<(usize, Fault)>,
    fired: Option<String>,
}

impl Injector {
    /// One that only counts.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Counts from 0 again; the step of this number will have the fault.
    pub fn arm(&self, step: usize, fault: Fault) {
        *self.state() = State { trap: Some((step, fault)), ..State::default() };
    }

    /// Counts from 0 again; nothing will fail.
    pub fn disarm(&self) {
        *self.state() = State::default();
    }

    /// What was done since, one line for each step.
    pub fn steps(&self) -> Vec<String> {
        self.state().steps.clone()
    }

    /// The step that the fault first befell, when it has.
    pub fn fired(&self) -> Option<String> {
        self.state().fired.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IoObserver for Injector {
    fn before(&self, step: &IoStep<'_>) -> io::Result<Permit> {
        let mut state = self.state();
        let number = state.steps.len();
        state.steps.push(describe(step));
        let Some((at, fault)) = state.trap.filter(|(at, _)| number >= *at) else { return Ok(Permit::all()) };
        let first = number == at;
        if first {
            state.fired = Some(format!("step {number}: {}", describe(step)));
        }
        drop(state);
        let third = Permit::at_most(1 + step.data.len() / 3);
        match fault {
            Fault::Once(errno) if first => Err(io::Error::from_raw_os_error(errno)),
            Fault::From(errno) => Err(io::Error::from_raw_os_error(errno)),
            Fault::AfterApplyThenFrom(errno) if !first => Err(io::Error::from_raw_os_error(errno)),
            Fault::ShortThenFull if first && step.op == IoOp::Write => Ok(third),
            Fault::Full | Fault::ShortThenFull if needs_space(step.op) => {
                Err(io::Error::from_raw_os_error(Fault::ENOSPC))
            }
            Fault::Short => Ok(third),
            Fault::KillBefore if first => end_process(),
            Fault::Tear if first => Ok(Permit::at_most(step.data.len().div_ceil(2))),
            _ => Ok(Permit::all()),
        }
    }

    fn after(&self, _step: &IoStep<'_>) -> io::Result<()> {
        let state = self.state();
        let done = state.steps.len() - 1;
        match state.trap.filter(|(at, _)| *at == done) {
            Some((_, Fault::KillAfter | Fault::Tear)) => end_process(),
            Some((_, Fault::AfterApply(errno) | Fault::AfterApplyThenFrom(errno))) => {
                Err(io::Error::from_raw_os_error(errno))
            }
            _ => Ok(()),
        }
    }
}

/// What a full disk refuses. Delayed allocation may put it off until the file is synced.
fn needs_space(op: IoOp) -> bool {
    matches!(op, IoOp::Create | IoOp::Write | IoOp::Mkdir | IoOp::Fsync)
}

fn describe(step: &IoStep<'_>) -> String {
    match step.to {
        Some(to) => format!("{:?} {:?} -> {to:?}", step.op, step.path),
        None => format!("{:?} {:?}", step.op, step.path),
    }
}

/// Ends the process at once, as `kill -9` does: no destructor runs, no buffer is flushed.
#[cfg(unix)]
fn end_process() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    // The signal may take a moment to arrive.
    loop {
        std::thread::park();
    }
}

#[cfg(not(unix))]
fn end_process() -> ! {
    std::process::abort()
}
