//! Snapshots.

use std::path::PathBuf;

use datafolio::facts::environment;
use datafolio::{CopyOptions, DataFolio, ExportOptions, OpenOptions, Settings, SnapshotOptions};
use pyo3::prelude::*;

use super::Bundle;
use crate::error::{Failure, Outcome, python};
use crate::value::{facts_to_python, object_to_python, to_object};

#[pymethods]
impl Bundle {
    #[pyo3(signature = (name, description=None, tags=None, capture_git=true, capture_environment=false, capture_execution=false, python=None))]
    #[allow(clippy::too_many_arguments)]
    fn create_snapshot(
        &self,
        py: Python<'_>,
        name: &str,
        description: Option<String>,
        tags: Option<Vec<String>>,
        capture_git: bool,
        capture_environment: bool,
        capture_execution: bool,
        python: Option<(String, String, Vec<String>)>,
    ) -> Outcome<()> {
        let mut options = SnapshotOptions::default();
        (options.description, options.tags) = (description, tags.unwrap_or_default());
        (options.capture_git, options.capture_environment, options.capture_execution) =
            (capture_git, capture_environment, capture_execution);
        options.python = python.map(|(version, platform, arguments)| environment::Python {
            version,
            platform: Some(platform),
            arguments,
        });
        Ok(py.detach(|| self.folio.create_snapshot(name, options))?)
    }

    /// All snapshots, newest first.
    fn list_snapshots<'py>(&self, py: Python<'py>) -> Outcome<Bound<'py, PyAny>> {
        facts_to_python(py, &self.read(py, DataFolio::list_snapshots)?).map_err(python)
    }

    /// The names of all snapshots, in the order of the catalogue.
    fn snapshot_names(&self) -> Vec<String> {
        self.folio.catalogue().snapshots.keys().cloned().collect()
    }

    /// What is known of a snapshot.
    fn snapshot_info<'py>(&self, py: Python<'py>, name: &str) -> Outcome<Bound<'py, PyAny>> {
        facts_to_python(py, &self.read(py, |folio| folio.snapshot_info(name))?).map_err(python)
    }

    /// A handle to the state that a snapshot holds.
    fn load_snapshot(&self, py: Python<'_>, name: &str) -> Outcome<Self> {
        Ok(self.beside(self.read(py, |folio| folio.load_snapshot(name))?))
    }

    fn compare_snapshots<'py>(&self, py: Python<'py>, before: &str, after: &str) -> Outcome<Bound<'py, PyAny>> {
        facts_to_python(py, &self.read(py, |folio| folio.compare_snapshots(before, after))?).map_err(python)
    }

    #[pyo3(signature = (name=None))]
    fn diff_from_snapshot<'py>(&self, py: Python<'py>, name: Option<&str>) -> Outcome<Bound<'py, PyAny>> {
        facts_to_python(py, &self.read(py, |folio| folio.diff_from_snapshot(name))?).map_err(python)
    }

    fn delete_snapshot(&self, py: Python<'_>, name: &str) -> Outcome<()> {
        py.detach(|| self.folio.delete_snapshot(name).map_err(|error| self.told(error)))
    }

    fn cleanup_orphaned_versions(&self, py: Python<'_>, dry_run: bool) -> Outcome<Vec<String>> {
        Ok(py.detach(|| self.folio.cleanup_orphaned_versions(dry_run))?)
    }

    fn restore_snapshot(&self, py: Python<'_>, name: &str) -> Outcome<()> {
        py.detach(|| self.folio.restore_snapshot(name).map_err(|error| self.told(error)))
    }

    fn export_snapshot(&self, py: Python<'_>, name: &str, target: PathBuf, include_metadata: bool) -> Outcome<Self> {
        let options = ExportOptions { include_snapshot_metadata: include_metadata };
        Ok(Self::of(self.read(py, |folio| folio.export_snapshot(name, target, &options))?))
    }

    #[pyo3(signature = (name=None))]
    fn reproduce_instructions(&self, py: Python<'_>, name: Option<&str>) -> Outcome<String> {
        self.read(py, |folio| folio.reproduce_instructions(name))
    }

    /// Copies current versions into a new bundle.
    #[pyo3(signature = (target, *, include=None, exclude=None, follow_lineage=false, include_archived=false, metadata=None, random_suffix=false))]
    #[allow(clippy::too_many_arguments)]
    fn copy(
        &self,
        py: Python<'_>,
        target: PathBuf,
        include: Option<Vec<String>>,
        exclude: Option<Vec<String>>,
        follow_lineage: bool,
        include_archived: bool,
        metadata: Option<&Bound<'_, PyAny>>,
        random_suffix: bool,
    ) -> Outcome<Self> {
        let metadata_updates = metadata.map(to_object).transpose().map_err(python)?.unwrap_or_default();
        let options =
            CopyOptions { include, exclude, follow_lineage, include_archived, metadata_updates, random_suffix };
        Ok(Self::of(self.read(py, |folio| folio.copy(target, &options))?))
    }

    /// The versions of items that are not current and that a snapshot holds: their entries, in the order of the catalogue.
    fn snapshot_versions<'py>(&self, py: Python<'py>) -> Outcome<Vec<Bound<'py, PyAny>>> {
        let catalogue = self.folio.catalogue();
        let mut entries = Vec::new();
        for entry in &catalogue.retired {
            let record = entry.record().map_err(datafolio::Error::from)?;
            entries.push(object_to_python(py, record.fields()).map_err(python)?.into_any());
        }
        Ok(entries)
    }
}

/// Opens the state that a snapshot of the bundle at a path holds.
#[pyfunction]
#[pyo3(signature = (path, name, storage_options=None))]
pub(crate) fn open_snapshot(
    py: Python<'_>,
    path: PathBuf,
    name: &str,
    storage_options: Option<Vec<(String, String)>>,
) -> Outcome<Bundle> {
    let options = storage_options.unwrap_or_default().into_iter().collect();
    let options = OpenOptions::new().settings(Settings::load()?).storage_options(options).read_only(true);
    let open = || -> Outcome<DataFolio> {
        let folio = options.open(path)?;
        folio.load_snapshot(name).map_err(|error| Failure::of(error, &folio.catalogue()))
    };
    Ok(Bundle::of(py.detach(open)?))
}
