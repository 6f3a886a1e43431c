//! A bundle, as the facade of Python works with it: plain arguments in, plain values out. Every call lets go of the interpreter
//! while it reads, writes or computes.

mod care;
pub(crate) mod changes;
mod items;
mod query;
mod snapshots;
mod steps;
mod tables;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use datafolio::{DataFolio, OpenOptions, Settings};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{Outcome, python};
use crate::value::{object_to_python, to_object};
pub(crate) use snapshots::open_snapshot;
use steps::Steps;

/// The handle of one bundle.
#[pyclass(frozen, module = "datafolio._native")]
pub(crate) struct Bundle {
    folio: Arc<DataFolio>,
    /// The batch that is open, where one is.
    steps: Mutex<Option<Steps>>,
    /// Whether it stands for an earlier revision.
    is_revision: bool,
}

impl Bundle {
    fn of(folio: DataFolio) -> Self {
        Self { folio: Arc::new(folio), steps: Mutex::new(None), is_revision: false }
    }

    /// The bundle, for what is not of bundles alone.
    pub(crate) fn folio(&self) -> &Arc<DataFolio> {
        &self.folio
    }

    /// Whether a batch is open.
    pub(crate) fn has_batch(&self) -> bool {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).is_some()
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
    #[pyo3(signature = (path, how="open_or_create", *, read_only=false, allow_existing=false, random_suffix=false, metadata=None, settings=None))]
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
    ) -> Outcome<Self> {
        let how = Opening::parse(how).map_err(python)?;
        let mut chosen = Settings::load()?;
        for (key, value) in settings.unwrap_or_default() {
            chosen.set(&key, &value)?;
        }
        let metadata = metadata.map(to_object).transpose().map_err(python)?.unwrap_or_default();
        let options = OpenOptions::new()
            .read_only(read_only)
            .allow_existing(allow_existing)
            .random_suffix(random_suffix)
            .metadata(metadata)
            .settings(chosen);
        Ok(Self::of(py.detach(|| match how {
            Opening::Open => options.open(path),
            Opening::Create => options.create(path),
            Opening::OpenOrCreate => options.open_or_create(path),
        })?))
    }

    /// Sees what others have committed since.
    fn refresh(&self, py: Python<'_>) -> Outcome<()> {
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

    /// The settings that hold: key to value, as text.
    fn settings(&self) -> Vec<(String, String)> {
        let described = self.folio.settings().describe();
        described.into_iter().map(|setting| (setting.key.to_owned(), setting.value)).collect()
    }

    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        object_to_python(py, &self.folio.metadata())
    }
}
