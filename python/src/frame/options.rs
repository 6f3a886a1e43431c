//! How a pass is run, as Python says it.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use datafolio::Settings;
use datafolio::columns::{ColumnsResult, PassOptions, Progress};
use pyo3::prelude::*;

use crate::ending::in_python;
use crate::error::{Outcome, python};
use crate::interrupt::Watch;

/// A callable is told of the progress at most so often: it holds up a thread that computes.
const TOLD_EVERY: Duration = Duration::from_millis(50);

/// Set to `off`, every question is computed anew, for measuring.
const RESULT_CACHE: &str = "DATAFOLIO_RESULT_CACHE";

/// Whether answers that are kept count.
pub(super) fn keeps_results() -> bool {
    let off = |value: std::ffi::OsString| ["off", "0", "no", "false"].iter().any(|word| value == *word);
    !std::env::var_os(RESULT_CACHE).is_some_and(off)
}

/// What the facade says of a pass.
#[derive(FromPyObject)]
pub(crate) struct Asked {
    #[pyo3(item)]
    threads: Option<usize>,
    #[pyo3(item)]
    memory: Option<u64>,
    #[pyo3(item)]
    spill: Option<PathBuf>,
    /// Called with a fraction; where it answers `False`, the pass stops.
    #[pyo3(item)]
    progress: Option<Py<PyAny>>,
}

/// What a pass may take where nothing else is said.
#[derive(Clone)]
pub(crate) struct Limits {
    threads: Option<NonZeroUsize>,
    memory: u64,
    spill: Option<PathBuf>,
}

impl Limits {
    /// Those of settings.
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            threads: NonZeroUsize::new(settings.threads),
            memory: settings.memory_bytes(),
            spill: settings.spill_dir.clone(),
        }
    }

    /// As plain values.
    pub(super) fn told(&self) -> (Option<usize>, u64, Option<String>) {
        let spill = self.spill.as_ref().map(|path| path.to_string_lossy().into_owned());
        (self.threads.map(NonZeroUsize::get), self.memory, spill)
    }

    /// Those of the user, whose settings are read once.
    pub(super) fn of_user() -> Outcome<Self> {
        static LIMITS: OnceLock<Limits> = OnceLock::new();
        if let Some(limits) = LIMITS.get() {
            return Ok(limits.clone());
        }
        let limits = Self::of(&Settings::load()?);
        Ok(LIMITS.get_or_init(|| limits).clone())
    }
}

/// A pass that is about to run.
pub(super) struct Running {
    pub(super) options: PassOptions,
    pub(super) watch: Arc<Watch>,
    told: Option<Arc<Told>>,
}

/// The callable for the progress.
struct Told {
    call: Py<PyAny>,
    state: Mutex<Telling>,
}

#[derive(Default)]
struct Telling {
    last: Option<(Instant, f64)>,
    raised: Option<PyErr>,
}

impl Running {
    /// With these limits, where nothing else is said.
    pub(super) fn within(limits: &Limits, asked: Option<Asked>) -> Self {
        let cancel = Arc::new(AtomicBool::new(false));
        let mut options = PassOptions {
            threads: limits.threads,
            memory: Some(limits.memory),
            spill: limits.spill.clone(),
            progress: None,
            cancel: Some(cancel.clone()),
        };
        let mut told = None;
        if let Some(asked) = asked {
            options.threads = asked.threads.and_then(NonZeroUsize::new).or(options.threads);
            options.memory = asked.memory.or(options.memory);
            options.spill = asked.spill.or(options.spill);
            told = asked.progress.map(|call| Arc::new(Told { call, state: Mutex::default() }));
            options.progress =
                told.clone().map(|told| -> Progress { Arc::new(move |done, total| told.tell(done, total)) });
        }
        let watch = Arc::new(Watch::new(move || cancel.store(true, Ordering::Relaxed)));
        Self { options, watch, told }
    }

    /// What came of the pass. What the callable raised goes before the cancellation that it caused.
    pub(super) fn finish<T>(&self, done: ColumnsResult<T>) -> Outcome<T> {
        if let Some(told) = &self.told {
            // The thread that tells is seldom the one that ends last.
            if done.is_ok() {
                told.end();
            }
        }
        self.checked(done)
    }

    /// The same of a part of what is asked for.
    pub(super) fn checked<T>(&self, done: ColumnsResult<T>) -> Outcome<T> {
        match self.told.as_ref().and_then(|told| told.locked().raised.take()) {
            Some(raised) => Err(python(raised)),
            None => Ok(done?),
        }
    }
}

impl Told {
    fn locked(&self) -> MutexGuard<'_, Telling> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, done: u64, total: u64) -> bool {
        let fraction = if total == 0 { 0.0 } else { done as f64 / total as f64 };
        {
            let mut state = self.locked();
            if done < total && state.last.is_some_and(|(told, _)| told.elapsed() < TOLD_EVERY) {
                return true;
            }
            state.last = Some((Instant::now(), fraction));
        }
        self.called(fraction)
    }

    /// Tells that all is done, where something was told before: a kept answer tells nothing.
    fn end(&self) {
        let unfinished = self.locked().last.is_some_and(|(_, fraction)| fraction < 1.0);
        if unfinished {
            self.called(1.0);
        }
    }

    fn called(&self, fraction: f64) -> bool {
        let answer = in_python(|py| {
            let answer = self.call.bind(py).call1((fraction,))?;
            // Vaex's rule: what returns nothing goes on.
            Ok(answer.is_none() || answer.is_truthy()?)
        });
        answer.unwrap_or(Ok(false)).unwrap_or_else(|error: PyErr| {
            self.locked().raised = Some(error);
            false
        })
    }
}
