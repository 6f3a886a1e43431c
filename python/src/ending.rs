//! The end of the interpreter. A thread of the library that is inside it then, or comes to it later, would abort the process; so
//! nobody new is let in, and those inside are waited for.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use pyo3::exceptions::PySystemExit;
use pyo3::prelude::*;

use crate::fork::Here;

/// How long code of Python that a thread of the library runs is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The thread that ends it, once it ends.
static ENDS: OnceLock<ThreadId> = OnceLock::new();
static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// The process whose threads are counted.
static HERE: OnceLock<Here> = OnceLock::new();

/// One thread inside.
struct Inside;

impl Inside {
    fn enter() -> Self {
        INSIDE.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Runs code of Python in a thread of the library; `None` when the interpreter ends.
pub(crate) fn in_python<T>(work: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    let _inside = Inside::enter();
    ENDS.get().is_none().then(|| Python::attach(work))
}

/// Refuses to go on in a thread that the interpreter leaves behind.
///
/// # Errors
/// `SystemExit`, which threads end with in silence.
pub(crate) fn check() -> PyResult<()> {
    match ENDS.get() {
        Some(ending) if *ending != std::thread::current().id() => Err(PySystemExit::new_err(())),
        _ => Ok(()),
    }
}

/// Registers what the interpreter calls before it ends.
///
/// # Errors
/// When Python cannot.
pub(crate) fn watch(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let _ = HERE.set(Here::new());
    let end = pyo3::wrap_pyfunction!(end, module)?;
    module.py().import("atexit")?.call_method1("register", (end,)).map(drop)
}

/// Lets nobody in any more, and waits for those inside.
#[pyfunction]
fn end(py: Python<'_>) {
    let _ = ENDS.set(std::thread::current().id());
    if HERE.get().is_some_and(|here| here.check().is_err()) {
        // Those that were inside when this process was forked are in the other one.
        return;
    }
    py.detach(|| {
        let began = Instant::now();
        while INSIDE.load(Ordering::SeqCst) > 0 && began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
}
