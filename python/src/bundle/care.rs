//! Time, and care for what lies on disk.

use std::path::PathBuf;

use datafolio::{DescribeOptions, GcOptions, TransferControl, TransferOptions, VerifyOptions};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::Bundle;
use crate::error::{Outcome, python};
use crate::interrupt::{Watch, interruptible};
use crate::value::facts_to_python;

#[pymethods]
impl Bundle {
    /// The last commits, newest first.
    #[pyo3(signature = (limit, item=None))]
    fn log<'py>(&self, py: Python<'py>, limit: usize, item: Option<&str>) -> Outcome<Bound<'py, PyAny>> {
        let mut log = self.read(py, |folio| folio.log(limit))?;
        if let Some(item) = item {
            log = log.of_item(item);
        }
        facts_to_python(py, &log.entries).map_err(python)
    }

    /// The versions of an item, newest first.
    fn versions<'py>(&self, py: Python<'py>, name: &str) -> Outcome<Bound<'py, PyAny>> {
        facts_to_python(py, &self.read(py, |folio| folio.versions(name))?).map_err(python)
    }

    /// A handle to an earlier revision.
    fn at_revision(&self, py: Python<'_>, revision: u64) -> Outcome<Self> {
        let folio = self.read(py, |folio| folio.at_revision(revision))?;
        Ok(Self { is_revision: true, ..self.beside(folio) })
    }

    /// Takes a commit back, and says which.
    #[pyo3(signature = (revision=None))]
    fn undo(&self, py: Python<'_>, revision: Option<u64>) -> Outcome<u64> {
        Ok(py.detach(|| self.folio.undo(revision))?.revision)
    }

    /// Whether the payload of each item is there and is what was recorded.
    fn validate<'py>(&self, py: Python<'py>) -> Outcome<Bound<'py, PyDict>> {
        let valid = self.read(py, |folio| folio.validate())?;
        let found = PyDict::new(py);
        for (name, is_valid) in valid {
            found.set_item(name, is_valid).map_err(python)?;
        }
        Ok(found)
    }

    #[pyo3(signature = (items=None, *, read_data=true, percent=100))]
    fn verify<'py>(
        &self,
        py: Python<'py>,
        items: Option<Vec<String>>,
        read_data: bool,
        percent: u8,
    ) -> Outcome<Bound<'py, PyAny>> {
        let options = VerifyOptions { read_data, items, percent };
        facts_to_python(py, &self.read(py, |folio| folio.verify(&options))?).map_err(python)
    }

    fn gc<'py>(&self, py: Python<'py>, apply: bool) -> Outcome<Bound<'py, PyAny>> {
        let options = GcOptions { apply, ..GcOptions::default() };
        facts_to_python(py, &py.detach(|| self.folio.gc(&options))?).map_err(python)
    }

    /// Brings the bundle at another place to the state of this one, or sends items. The callable is told how far it is, and stops it with
    /// `False`.
    #[pyo3(signature = (target, *, include=None, snapshots=None, overwrite=false, progress=None))]
    fn push<'py>(
        &self,
        py: Python<'py>,
        target: PathBuf,
        include: Option<Vec<String>>,
        snapshots: Option<Vec<String>>,
        overwrite: bool,
        progress: Option<Py<PyAny>>,
    ) -> Outcome<Bound<'py, PyAny>> {
        let control = TransferControl::new();
        let options = TransferOptions { include, snapshots, overwrite, control: Some(control.clone()) };
        let watch = transfer_watch(control, progress);
        let done = interruptible(py, &watch, || self.folio.push(target, &options)).map_err(python)??;
        watch.done(py).map_err(python)?;
        facts_to_python(py, &done).map_err(python)
    }

    /// Brings this bundle to the state of the one at another place, or fetches items, watched as `push` is.
    #[pyo3(signature = (source, *, include=None, snapshots=None, overwrite=false, progress=None))]
    fn pull<'py>(
        &self,
        py: Python<'py>,
        source: PathBuf,
        include: Option<Vec<String>>,
        snapshots: Option<Vec<String>>,
        overwrite: bool,
        progress: Option<Py<PyAny>>,
    ) -> Outcome<Bound<'py, PyAny>> {
        let control = TransferControl::new();
        let options = TransferOptions { include, snapshots, overwrite, control: Some(control.clone()) };
        let watch = transfer_watch(control, progress);
        let done = interruptible(py, &watch, || self.folio.pull(source, &options)).map_err(python)??;
        watch.done(py).map_err(python)?;
        facts_to_python(py, &done).map_err(python)
    }

    /// Fetches items of a bundle on a store into the cache.
    fn prefetch<'py>(&self, py: Python<'py>, items: Vec<String>) -> Outcome<Bound<'py, PyAny>> {
        let names: Vec<&str> = items.iter().map(String::as_str).collect();
        facts_to_python(py, &self.read(py, |folio| folio.prefetch(&names))?).map_err(python)
    }

    fn disk_usage<'py>(&self, py: Python<'py>) -> Outcome<Bound<'py, PyAny>> {
        facts_to_python(py, &self.read(py, |folio| folio.disk_usage())?).map_err(python)
    }

    /// The bundle as text.
    #[pyo3(signature = (*, pattern=None, show_empty=false, max_metadata_fields=10, include_archived=false, show_paths=false))]
    fn describe(
        &self,
        py: Python<'_>,
        pattern: Option<String>,
        show_empty: bool,
        max_metadata_fields: usize,
        include_archived: bool,
        show_paths: bool,
    ) -> Outcome<String> {
        let options = DescribeOptions { show_empty, max_metadata_fields, include_archived, show_paths, pattern };
        self.read(py, |folio| folio.describe(&options))
    }
}

/// What looks after a push or a pull.
fn transfer_watch(control: TransferControl, progress: Option<Py<PyAny>>) -> Watch {
    let stopped = control.clone();
    let watch = Watch::new(move || stopped.cancel());
    match progress {
        Some(call) => watch.progress(call, move || control.progress()),
        None => watch,
    }
}
