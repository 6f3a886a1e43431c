//! The user's aliases and recently used bundles.

use std::path::PathBuf;

use datafolio::Settings;
use datafolio::cli::aliases;
use pyo3::prelude::*;

use crate::error::{Outcome, alias_error, python};
use crate::value::facts_to_python;

/// Alias, path, last use and presence of each bundle that the user's list has.
#[pyfunction]
#[allow(clippy::type_complexity)]
pub(crate) fn known_bundles(py: Python<'_>) -> PyResult<Vec<(Option<String>, String, Option<String>, Option<bool>)>> {
    let known = py.detach(aliases::known).map_err(|error| alias_error(py, &error))?;
    Ok(known.into_iter().map(|bundle| (bundle.alias, bundle.path, bundle.last_accessed, bundle.exists)).collect())
}

/// The path that an alias stands for.
#[pyfunction]
pub(crate) fn path_of_alias(py: Python<'_>, alias: &str) -> PyResult<String> {
    py.detach(|| aliases::path_of(alias)).map_err(|error| alias_error(py, &error))
}

/// Where the credentials for a store come from.
#[pyfunction]
pub(crate) fn store_access<'py>(
    py: Python<'py>,
    place: PathBuf,
    options: Vec<(String, String)>,
) -> Outcome<Bound<'py, PyAny>> {
    let mut settings = Settings::load().map_err(datafolio::Error::from)?;
    settings.storage_options = options.into_iter().collect();
    facts_to_python(py, &datafolio::store_access(place, &settings)?).map_err(python)
}

/// Gives a bundle an alias, and returns its path as the list keeps it.
#[pyfunction]
pub(crate) fn set_alias(py: Python<'_>, alias: &str, path: PathBuf, overwrite: bool) -> PyResult<String> {
    py.detach(|| aliases::set(alias, path, overwrite)).map_err(|error| alias_error(py, &error))
}

/// Takes an alias away.
#[pyfunction]
pub(crate) fn remove_alias(py: Python<'_>, alias: &str) -> PyResult<()> {
    py.detach(|| aliases::remove(alias)).map_err(|error| alias_error(py, &error))
}
