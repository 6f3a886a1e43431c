//! A bundle, as the facade of Python works with it: plain arguments in, plain values out. Every call lets go of the interpreter
//! while it reads, writes or computes.

mod care;
pub(crate) mod changes;
mod items;
mod open_batch;
mod query;
mod snapshots;
mod stages;
mod steps;
mod tables;

use std::path::PathBuf;
use std::sync::Arc;

use datafolio::{DataFolio, Error, OpenOptions, Result, Settings};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{Failure, Outcome, python};
use crate::interrupt::{Watch, interruptible};
use crate::value::{object_to_python, to_object};
use open_batch::OpenBatch;
pub(crate) use snapshots::open_snapshot;

/// The handle of one bundle.
#[pyclass(frozen, module = "datafolio._native")]
pub(crate) struct Bundle {
    folio: Arc<DataFolio>,
    batch: OpenBatch,
    /// The settings that were chosen for this handle alone.
    chosen: Vec<(String, String)>,
    /// Whether it stands for an earlier revision.
    is_revision: bool,
}

impl Bundle {
    fn of(folio: DataFolio) -> Self {
        Self { folio: Arc::new(folio), batch: OpenBatch::default(), chosen: Vec::new(), is_revision: false }
    }

    /// A handle to another state of the bundle.
    fn beside(&self, folio: DataFolio) -> Self {
        Self { chosen: self.chosen.clone(), ..Self::of(folio) }
    }

    /// The settings of the handle.
    pub(crate) fn settings_here(&self) -> &Settings {
        self.folio.settings()
    }

    /// The state that reads see. Not to be called with the interpreter.
    pub(crate) fn seen(&self) -> Result<Arc<DataFolio>> {
        self.batch.seen(&self.folio)
    }

    /// Reads something, without the interpreter.
    pub(crate) fn read<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&DataFolio) -> Result<T> + Send,
    ) -> Outcome<T> {
        py.detach(|| self.seen_by(work))
    }

    /// Reads something that may take long: Ctrl-C stops it meanwhile.
    pub(crate) fn read_watched<T: Send>(
        &self,
        py: Python<'_>,
        watch: &Watch,
        work: impl FnOnce(&DataFolio) -> Result<T> + Send,
    ) -> Outcome<T> {
        interruptible(py, watch, || self.seen_by(work)).map_err(python)?
    }

    fn seen_by<T>(&self, work: impl FnOnce(&DataFolio) -> Result<T>) -> Outcome<T> {
        let folio = self.seen()?;
        work(folio.as_ref()).map_err(|error| Failure::of(error, &folio.catalogue()))
    }

    /// An error with the name that was perhaps meant. Not to be called with the interpreter.
    fn told(&self, error: Error) -> Failure {
        match self.seen() {
            Ok(folio) => Failure::of(error, &folio.catalogue()),
            Err(_) => error.into(),
        }
    }
}

/// How a bundle is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opening {
    Open,
    Create,
    OpenOrCreate,
}

impl Opening {
    fn parse(word: &str) -> PyResult<Self> {
        match word {
            "open" => Ok(Self::Open),
            "create" => Ok(Self::Create),
            "open_or_create" => Ok(Self::OpenOrCreate),
            _ => Err(pyo3::exceptions::PyValueError::new_err(format!("no such way to open a bundle: {word}"))),
        }
    }
}

#[pymethods]
impl Bundle {
    /// Opens or creates a bundle, with the settings of the user and of this call.
    #[new]
    #[pyo3(signature = (path, how="open_or_create", *, read_only=false, allow_existing=false, random_suffix=false, metadata=None, settings=None, storage_options=None))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        how: &str,
        read_only: bool,
        allow_existing: bool,
        random_suffix: bool,
        metadata: Option<&Bound<'_, PyAny>>,
        settings: Option<Vec<(String, String)>>,
        storage_options: Option<Vec<(String, String)>>,
    ) -> Outcome<Self> {
        let how = Opening::parse(how).map_err(python)?;
        let chosen = settings.unwrap_or_default();
        let mut settings = Settings::load()?;
        for (key, value) in &chosen {
            settings.set(key, value)?;
        }
        let metadata = metadata.map(to_object).transpose().map_err(python)?.unwrap_or_default();
        let options = OpenOptions::new()
            .read_only(read_only)
            .allow_existing(allow_existing)
            .random_suffix(random_suffix)
            .metadata(metadata)
            .settings(settings)
            .storage_options(storage_options.unwrap_or_default().into_iter().collect());
        let folio = py.detach(|| match how {
            Opening::Open => options.open(path),
            Opening::Create => options.create(path),
            Opening::OpenOrCreate => options.open_or_create(path),
        })?;
        Ok(Self { chosen, ..Self::of(folio) })
    }

    /// Sees what others have committed since; a batch goes on from where it began.
    fn refresh(&self, py: Python<'_>) -> Outcome<()> {
        if self.batch.is_open() {
            return Ok(());
        }
        Ok(py.detach(|| self.folio.refresh())?)
    }

    #[getter]
    fn location(&self) -> String {
        self.folio.location()
    }

    #[getter]
    fn revision(&self) -> u64 {
        self.folio.revision()
    }

    /// Whether it stands for an earlier revision.
    #[getter]
    fn is_revision(&self) -> bool {
        self.is_revision
    }

    #[getter]
    fn read_only(&self) -> bool {
        self.folio.is_read_only()
    }

    #[getter]
    fn loaded_snapshot(&self) -> Option<&str> {
        self.folio.loaded_snapshot()
    }

    /// What is wrong with the bundle and was read around.
    fn warnings(&self) -> Vec<String> {
        self.folio.warnings()
    }

    /// The settings that were chosen for this handle alone.
    #[getter]
    fn chosen_settings(&self) -> Vec<(String, String)> {
        self.chosen.clone()
    }

    /// What the store of the bundle is reached with, beyond what the environment says. It may hold secrets.
    #[getter]
    fn storage_options(&self) -> Vec<(String, String)> {
        let options = &self.folio.settings().storage_options;
        options.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The settings that hold: key to value, as text.
    fn settings(&self) -> Vec<(String, String)> {
        let described = self.folio.settings().describe();
        described.into_iter().map(|setting| (setting.key.to_owned(), setting.value)).collect()
    }

    fn metadata<'py>(&self, py: Python<'py>) -> Outcome<Bound<'py, PyDict>> {
        let metadata = self.read(py, |folio| Ok(folio.metadata()))?;
        object_to_python(py, &metadata).map_err(python)
    }
}
