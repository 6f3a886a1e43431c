//! The batch of a handle, while one is open: changes go into it, and reads see what they have made.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafolio::{Batch, DataFolio, Result};
use pyo3::Python;
use pyo3::exceptions::PyRuntimeError;

use super::steps::Steps;
use crate::error::{Failure, Outcome, python};

/// Whether a change asks Python for its rows, which may read from the bundle meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// All that is needed is there.
    Given,
    /// They come from an object of Python.
    FromPython,
}

/// The batch of a handle.
#[derive(Default)]
pub(super) struct OpenBatch {
    /// Held while a change runs, which may take long: only without the interpreter may somebody wait for it.
    steps: Mutex<Option<Steps>>,
    /// What reads see, where it was asked for since the last change.
    seen: Mutex<Option<Arc<DataFolio>>>,
    /// The process in which it is open, 0 for none: one that is forked has nothing of it.
    open_in: AtomicU32,
}

impl OpenBatch {
    /// Whether one is open.
    pub(super) fn is_open(&self) -> bool {
        self.open_in.load(Ordering::SeqCst) == std::process::id()
    }

    /// Opens one.
    ///
    /// # Errors
    /// Where one is open; those of [`DataFolio::batch`].
    pub(super) fn begin(&self, py: Python<'_>, folio: &Arc<DataFolio>) -> Outcome<()> {
        if self.open_in.swap(std::process::id(), Ordering::SeqCst) == std::process::id() {
            return Err(python(PyRuntimeError::new_err("a batch is open already: batches do not lie in each other")));
        }
        match Steps::open(py, folio) {
            Ok(opened) => *locked(&self.steps) = Some(opened),
            Err(error) => {
                self.open_in.store(0, Ordering::SeqCst);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Commits the one that is open, or gives it up.
    ///
    /// # Errors
    /// Where none is open; those of the commit.
    pub(super) fn end(&self, py: Python<'_>, commit: bool) -> Outcome<()> {
        if !self.is_open() {
            return if commit { Err(python(PyRuntimeError::new_err("no batch is open"))) } else { Ok(()) };
        }
        py.detach(|| {
            let steps = locked(&self.steps).take();
            *locked(&self.seen) = None;
            self.open_in.store(0, Ordering::SeqCst);
            let Some(steps) = steps else {
                return Err(python(PyRuntimeError::new_err("no batch is open")));
            };
            match commit {
                true => steps.commit().map(drop).map_err(Failure::from),
                false => {
                    steps.abandon();
                    Ok(())
                }
            }
        })
    }

    /// Makes a change in the batch that is open, or else in a commit of its own. Not to be called with the interpreter.
    ///
    /// # Errors
    /// Those of the change.
    pub(super) fn change<T: Send + 'static>(
        &self,
        folio: &DataFolio,
        rows: Rows,
        step: impl for<'b, 'f> FnOnce(&'b mut Batch<'f>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let open = self.is_open().then(|| locked(&self.steps));
        let Some(steps) = open.as_ref().and_then(|steps| steps.as_ref()) else {
            drop(open);
            let mut batch = folio.batch()?;
            let done = step(&mut batch)?;
            batch.commit()?;
            return Ok(done);
        };
        if rows == Rows::FromPython {
            // Whoever makes the rows may read, and cannot wait for the change that waits for the rows.
            self.see(steps)?;
        }
        let done = steps.step(step);
        *locked(&self.seen) = None;
        done
    }

    /// The state that reads see: that of the handle, or with the changes of the batch. Not to be called with the interpreter.
    ///
    /// # Errors
    /// When the thread of the batch is gone.
    pub(super) fn seen(&self, folio: &Arc<DataFolio>) -> Result<Arc<DataFolio>> {
        if !self.is_open() {
            return Ok(Arc::clone(folio));
        }
        if let Some(seen) = locked(&self.seen).clone() {
            return Ok(seen);
        }
        match locked(&self.steps).as_ref() {
            Some(steps) => self.see(steps),
            None => Ok(Arc::clone(folio)),
        }
    }

    fn see(&self, steps: &Steps) -> Result<Arc<DataFolio>> {
        if let Some(seen) = locked(&self.seen).clone() {
            return Ok(seen);
        }
        let seen = Arc::new(steps.step(|batch| Ok(batch.seen()))?);
        *locked(&self.seen) = Some(Arc::clone(&seen));
        Ok(seen)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
