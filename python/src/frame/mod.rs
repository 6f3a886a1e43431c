//! Frames: rows of files, of tables in memory and of bundles, with what is computed of them lazily.
//!
//! The facade of Python writes expressions as text, which is read here: `datafolio/frame` has the operators and the names. A frame never
//! changes; what the facade changes in place is which frame it holds. Every call that computes lets go of the interpreter, and Ctrl-C
//! stops it.

mod aggregates;
mod arrays;
mod beside;
mod chunks;
mod columns;
mod export;
mod functions;
mod grids;
mod hdf5;
mod of_bundle;
mod open;
mod options;
mod rows;
mod values;

use datafolio::columns::{ColumnsResult, Expr, Frame as Columns, PassOptions};
use pyo3::prelude::*;

pub(crate) use self::chunks::{Chunk, Chunks};
pub(crate) use self::columns::frame_functions;
pub(crate) use self::hdf5::Hdf5Writer;
pub(crate) use self::open::{frame_of_arrays, frame_of_arrow, open_frame};
use self::options::{Asked, Limits, Running, keeps_results};
use crate::error::{Outcome, python};
use crate::interrupt::interruptible;

/// A frame.
#[pyclass(frozen, module = "datafolio._native")]
pub(crate) struct Frame {
    columns: Columns,
    limits: Limits,
}

impl Frame {
    /// A frame whose passes go by the settings of the user.
    fn new(columns: Columns) -> Outcome<Self> {
        Ok(Self::within(columns, Limits::of_user()?))
    }

    /// A frame whose passes have limits of their own.
    fn within(columns: Columns, limits: Limits) -> Self {
        Self { columns, limits }
    }

    /// A frame that this one has become, or a part of it.
    fn with(&self, columns: Columns) -> Self {
        Self::within(columns, self.limits.clone())
    }

    /// The frame of the library.
    #[cfg(feature = "sql")]
    pub(crate) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The frame to ask: kept answers count unless somebody wants to measure.
    fn asked(&self) -> Columns {
        if keeps_results() { self.columns.clone() } else { self.columns.without_results() }
    }

    /// Computes something, so that Ctrl-C and the callable for the progress can stop it.
    fn pass<T: Send>(
        &self,
        py: Python<'_>,
        asked: Option<Asked>,
        work: impl FnOnce(&Columns, &PassOptions) -> ColumnsResult<T> + Send,
    ) -> Outcome<T> {
        let frame = self.asked();
        let running = Running::within(&self.limits, asked);
        let done = interruptible(py, &running.watch, || work(&frame, &running.options));
        running.finish(done.map_err(python)?)
    }
}

/// An expression that is given as text.
fn parsed(text: &str) -> ColumnsResult<Expr> {
    Expr::parse(text)
}

/// Expressions with their names.
fn named(columns: &[(String, String)]) -> ColumnsResult<Vec<(String, Expr)>> {
    columns.iter().map(|(name, text)| Ok((name.clone(), parsed(text)?))).collect()
}
