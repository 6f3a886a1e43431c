//! How a pass is run, as Python says it.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use datafolio::Settings;
use datafolio::columns::{ColumnsResult, PassOptions, Progress};
use pyo3::prelude::*;

use crate::error::{Outcome, python};
use crate::interrupt::Stop;

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

/// A pass that is about to run.
pub(super) struct Running {
    pub(super) options: PassOptions,
    pub(super) stop: Stop,
    /// What the callable for the progress has raised.
    raised: Arc<Mutex<Option<PyErr>>>,
}

impl Running {
    /// With the settings of the user, where nothing else is said.
    pub(super) fn of(asked: Option<Asked>) -> Outcome<Self> {
        let settings = settings()?;
        let raised: Arc<Mutex<Option<PyErr>>> = Arc::default();
        let cancel = Arc::new(AtomicBool::new(false));
        let mut options = PassOptions {
            threads: NonZeroUsize::new(settings.threads),
            memory: Some(settings.memory_bytes()),
            spill: settings.spill_dir.clone(),
            progress: None,
            cancel: Some(cancel.clone()),
        };
        if let Some(asked) = asked {
            options.threads = asked.threads.and_then(NonZeroUsize::new).or(options.threads);
            options.memory = asked.memory.or(options.memory);
            options.spill = asked.spill.or(options.spill);
            options.progress = asked.progress.map(|call| progress(call, raised.clone()));
        }
        let stop: Stop = Arc::new(move || cancel.store(true, Ordering::Relaxed));
        Ok(Self { options, stop, raised })
    }

    /// What came of the pass. What the callable raised goes before the cancellation that it caused.
    pub(super) fn finish<T>(&self, done: ColumnsResult<T>) -> Outcome<T> {
        if let Some(raised) = self.raised.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(python(raised));
        }
        Ok(done?)
    }
}

/// The settings of the user, which are read once.
fn settings() -> Outcome<&'static Settings> {
    static SETTINGS: OnceLock<Settings> = OnceLock::new();
    if let Some(settings) = SETTINGS.get() {
        return Ok(settings);
    }
    let settings = Settings::load()?;
    Ok(SETTINGS.get_or_init(|| settings))
}

/// Calls a callable of Python with how much is done.
fn progress(call: Py<PyAny>, raised: Arc<Mutex<Option<PyErr>>>) -> Progress {
    let told: Mutex<Option<Instant>> = Mutex::default();
    Arc::new(move |done, total| {
        {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if done < total && told.is_some_and(|told| told.elapsed() < TOLD_EVERY) {
                return true;
            }
            *told = Some(Instant::now());
        }
        let fraction = if total == 0 { 0.0 } else { done as f64 / total as f64 };
        let answer = Python::attach(|py| {
            let answer = call.bind(py).call1((fraction,))?;
            // Vaex's rule: what returns nothing goes on.
            Ok(answer.is_none() || answer.is_truthy()?)
        });
        answer.unwrap_or_else(|error: PyErr| {
            *raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            false
        })
    })
}
