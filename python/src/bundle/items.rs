//! Items: what there is, and reading what is no table.

use chrono::{DateTime, Utc};
use datafolio::{Data, Error, ItemInfo};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::Bundle;
use crate::error::{Outcome, python};
use crate::value::{facts_to_python, object_to_python, to_python};

#[pymethods]
impl Bundle {
    fn __contains__(&self, py: Python<'_>, name: &str) -> Outcome<bool> {
        self.read(py, |folio| Ok(folio.contains(name)))
    }

    /// The entries of all current items, by name, in their order.
    fn items<'py>(&self, py: Python<'py>) -> Outcome<Bound<'py, PyDict>> {
        let found = PyDict::new(py);
        for item in self.read(py, |folio| Ok(folio.items(true)))? {
            let item = item?;
            found.set_item(&item.name, object_to_python(py, &item.record).map_err(python)?).map_err(python)?;
        }
        Ok(found)
    }

    /// The names of all items by category.
    fn contents<'py>(&self, py: Python<'py>, include_archived: bool) -> Outcome<Bound<'py, PyAny>> {
        let contents = self.read(py, |folio| Ok(folio.list(include_archived)))?;
        facts_to_python(py, &contents).map_err(python)
    }

    /// The entry of an item, with its category.
    fn item<'py>(&self, py: Python<'py>, name: &str) -> Outcome<Bound<'py, PyDict>> {
        item_to_python(py, &self.read(py, |folio| folio.item_info(name))?).map_err(python)
    }

    /// The JSON value of an item.
    #[pyo3(signature = (name, version=None))]
    fn get_json<'py>(&self, py: Python<'py>, name: &str, version: Option<&str>) -> Outcome<Bound<'py, PyAny>> {
        let value = self.read(py, |folio| match version {
            None => folio.get_json(name),
            Some(version) => match folio.get_version(name, version)? {
                Data::Json(value) => Ok(value),
                other => Err(wrong_type(name, "JSON data", other.kind())),
            },
        })?;
        to_python(py, &value).map_err(python)
    }

    /// An instant, as microseconds since 1970-01-01 in UTC.
    #[pyo3(signature = (name, version=None))]
    fn get_timestamp(&self, py: Python<'_>, name: &str, version: Option<&str>) -> Outcome<i64> {
        let instant: DateTime<Utc> = self.read(py, |folio| match version {
            None => folio.get_timestamp(name),
            Some(version) => match folio.get_version(name, version)? {
                Data::Timestamp(instant) => Ok(instant),
                other => Err(wrong_type(name, "a timestamp", other.kind())),
            },
        })?;
        Ok(instant.timestamp_micros())
    }

    /// Where the file of an item is, for a reader that checks nothing: it is checked before, once.
    #[pyo3(signature = (name, version=None))]
    fn verified_path(&self, py: Python<'_>, name: &str, version: Option<&str>) -> Outcome<String> {
        let path = self.read(py, |folio| folio.verified_path(name, version))?;
        Ok(path.to_string_lossy().into_owned())
    }

    /// Where the file of an item is.
    fn item_path(&self, py: Python<'_>, name: &str) -> Outcome<String> {
        Ok(self.read(py, |folio| folio.item_path(name))?.to_string_lossy().into_owned())
    }
}

/// The entry of an item as a dict, with what the catalogue does not say in it under keys that no entry has.
pub(super) fn item_to_python<'py>(py: Python<'py>, item: &ItemInfo) -> PyResult<Bound<'py, PyDict>> {
    let fields = object_to_python(py, &item.record)?;
    fields.set_item("@category", item.category)?;
    fields.set_item("@version", &item.version)?;
    Ok(fields)
}

fn wrong_type(item: &str, expected: &'static str, found: &str) -> Error {
    Error::WrongType { item: item.to_owned(), expected, found: found.to_owned() }
}
