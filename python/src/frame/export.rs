//! Rows as files.

use std::path::PathBuf;

use datafolio::columns::{ExportFormat, ExportOptions, PartitionOptions};
use datafolio::{ByteOrder, Hdf5Mode, Hdf5WriteOptions};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::Frame;
use super::options::Asked;
use crate::error::{Outcome, python};

/// The format that a word stands for; none where it is the ending of the name that says so.
fn format_of(word: Option<&str>) -> Outcome<Option<ExportFormat>> {
    Ok(Some(match word {
        None => return Ok(None),
        Some("arrow") => ExportFormat::Arrow,
        Some("stream") => ExportFormat::ArrowStream,
        Some("parquet") => ExportFormat::Parquet,
        Some("csv") => ExportFormat::Csv,
        Some("json") => ExportFormat::JsonLines,
        Some("npy") => ExportFormat::Npy,
        Some(other) => return Err(python(PyValueError::new_err(format!("there is no format '{other}'")))),
    }))
}

/// How an HDF5 file is written, in the words of h5py and Vaex.
pub(super) fn hdf5_options(group: String, mode: &str, byteorder: &str) -> Outcome<Hdf5WriteOptions> {
    let wrong = |reason: String| Err(python(PyValueError::new_err(reason)));
    let mode = match mode {
        "w" => Hdf5Mode::Write,
        "a" => Hdf5Mode::Append,
        other => return wrong(format!("mode: there is no '{other}'; \"w\" writes a file, \"a\" adds a table to one")),
    };
    let byte_order = match byteorder {
        "=" => ByteOrder::Native,
        "<" => ByteOrder::Little,
        ">" => ByteOrder::Big,
        other => return wrong(format!("byteorder: there is no '{other}'; give \"=\", \"<\" or \">\"")),
    };
    Ok(Hdf5WriteOptions { group, mode, byte_order })
}

#[pymethods]
impl Frame {
    /// Writes the rows to a file, and says how many there were.
    #[pyo3(signature = (path, format=None, options=None))]
    fn export(&self, py: Python<'_>, path: PathBuf, format: Option<&str>, options: Option<Asked>) -> Outcome<u64> {
        let format = format_of(format)?;
        self.pass(py, options, |frame, pass| frame.export_with(path, &ExportOptions { format, pass: pass.clone() }))
    }

    /// Writes the rows to an HDF5 file.
    #[pyo3(signature = (path, group, mode, byteorder, options=None))]
    fn export_hdf5(
        &self,
        py: Python<'_>,
        path: PathBuf,
        group: String,
        mode: &str,
        byteorder: &str,
        options: Option<Asked>,
    ) -> Outcome<u64> {
        let format = Some(ExportFormat::Hdf5(hdf5_options(group, mode, byteorder)?));
        self.pass(py, options, |frame, pass| frame.export_with(path, &ExportOptions { format, pass: pass.clone() }))
    }

    /// Writes the rows to a directory of files.
    #[pyo3(signature = (path, by, rows_per_file=None, format=None, options=None))]
    fn export_partitioned(
        &self,
        py: Python<'_>,
        path: PathBuf,
        by: Vec<String>,
        rows_per_file: Option<u64>,
        format: Option<&str>,
        options: Option<Asked>,
    ) -> Outcome<Vec<PathBuf>> {
        let format = format_of(format)?.unwrap_or(ExportFormat::Parquet);
        let parts = self.pass(py, options, |frame, pass| {
            let default = PartitionOptions::default();
            let rows_per_file = rows_per_file.unwrap_or(default.rows_per_file);
            frame.export_partitioned(path, &PartitionOptions { by, rows_per_file, format, pass: pass.clone() })
        })?;
        Ok(parts.files)
    }
}
