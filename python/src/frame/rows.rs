//! Some of the rows of a frame, and frames put together.

use datafolio::columns::Frame as Columns;
use pyo3::prelude::*;

use super::Frame;
use super::options::Asked;
use crate::error::{Outcome, python};

#[pymethods]
impl Frame {
    /// How many rows pass the filter.
    #[pyo3(signature = (options=None))]
    fn count_rows(&self, py: Python<'_>, options: Option<Asked>) -> Outcome<u64> {
        self.pass(py, options, |frame, options| frame.count_rows(options))
    }

    /// Rows from one position to another, of those that pass.
    fn slice(&self, py: Python<'_>, start: u64, end: u64) -> Outcome<Self> {
        Ok(self.with(self.pass(py, None, |frame, _| frame.slice(start..end))?))
    }

    /// The last rows.
    fn tail(&self, py: Python<'_>, rows: u64) -> Outcome<Self> {
        Ok(self.with(self.pass(py, None, |frame, _| frame.tail(rows))?))
    }

    /// The rows at positions, in their order.
    fn take(&self, py: Python<'_>, positions: Vec<u64>) -> Outcome<Self> {
        Ok(self.with(self.pass(py, None, |frame, _| frame.take(&positions))?))
    }

    /// So many rows at random.
    fn sample(&self, py: Python<'_>, rows: u64, replace: bool, seed: u64) -> Outcome<Self> {
        let drawn = self.pass(py, None, |frame, _| match replace {
            true => frame.resample(rows, seed),
            false => frame.sample(rows, seed),
        })?;
        Ok(self.with(drawn))
    }

    /// All rows in any order.
    fn shuffle(&self, py: Python<'_>, seed: u64) -> Outcome<Self> {
        Ok(self.with(self.pass(py, None, |frame, _| frame.shuffle(seed))?))
    }

    /// Frames of shares of the rows, one after the other, or drawn with a seed.
    #[pyo3(signature = (shares, seed=None))]
    fn split(&self, py: Python<'_>, shares: Vec<f64>, seed: Option<u64>) -> Outcome<Vec<Self>> {
        let parts = self.pass(py, None, |frame, _| match seed {
            Some(seed) => frame.split_random(&shares, seed),
            None => frame.split(&shares),
        })?;
        Ok(parts.into_iter().map(|part| self.with(part)).collect())
    }

    /// Frames one below the other.
    #[staticmethod]
    fn concat(py: Python<'_>, frames: Vec<Bound<'_, Self>>) -> Outcome<Self> {
        let first = frames
            .first()
            .map(Bound::get)
            .ok_or_else(|| python(pyo3::exceptions::PyValueError::new_err("concat: give at least one frame")))?;
        let frames: Vec<Columns> = frames.iter().map(|frame| frame.get().columns.clone()).collect();
        // The filters take passes, which Ctrl-C stops as any other.
        Ok(first.with(first.pass(py, None, |_, _| Columns::concat(&frames))?))
    }
}
