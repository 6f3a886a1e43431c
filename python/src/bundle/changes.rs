//! Adding and changing items, in a commit of their own or in the batch that is open.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use datafolio::handlers::formats::TableFormat;
use datafolio::handlers::reference_format;
use datafolio::{AddOptions, Batch, Data, ImportOptions, Model, NpyArray, Reference, Result, core::item_type};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::Bundle;
use super::open_batch::Rows;
use crate::error::{Outcome, python};
use crate::interrupt::{Desk, Watch, attended};
use crate::rows::RowsToStore;
use crate::value::{to_json, to_object};

impl Bundle {
    /// Makes a change in the batch that is open, or else in a commit of its own.
    pub(crate) fn change<T: Send + 'static>(
        &self,
        py: Python<'_>,
        step: impl for<'b, 'f> FnOnce(&'b mut Batch<'f>) -> Result<T> + Send + 'static,
    ) -> Outcome<T> {
        py.detach(|| self.changed(step).map_err(|error| self.told(error)))
    }

    /// The same without the interpreter.
    pub(crate) fn changed<T: Send + 'static>(
        &self,
        step: impl for<'b, 'f> FnOnce(&'b mut Batch<'f>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.batch.change(&self.folio, Rows::Given, step)
    }

    /// Makes a change whose rows come from an object of Python.
    pub(crate) fn change_with_rows<T: Send + 'static>(
        &self,
        py: Python<'_>,
        (watch, desk): (&Watch, Desk),
        step: impl for<'b, 'f> FnOnce(&'b mut Batch<'f>) -> Result<T> + Send + 'static,
    ) -> Outcome<T> {
        let change = || self.batch.change(&self.folio, Rows::FromPython, step);
        Ok(attended(py, watch, desk, change).map_err(python)??)
    }

    fn add_data(
        &self,
        py: Python<'_>,
        item_type: &'static str,
        name: String,
        data: Data,
        options: AddOptions,
    ) -> Outcome<()> {
        self.change(py, move |batch| batch.add_typed(item_type, &name, data, options))
    }
}

/// An instant, of microseconds since 1970.
pub(super) fn instant(microseconds: i64) -> Outcome<DateTime<Utc>> {
    DateTime::from_timestamp_micros(microseconds)
        .ok_or_else(|| python(PyValueError::new_err("the instant lies too far away")))
}

#[pymethods]
impl Bundle {
    /// Adds a table: an object with `__arrow_c_stream__`, or with `chunks` an iterator of such.
    #[pyo3(signature = (name, rows, options=None, *, chunks=false))]
    fn add_table(
        &self,
        py: Python<'_>,
        name: String,
        rows: &Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
        chunks: bool,
    ) -> Outcome<()> {
        let options = add_options(options)?;
        let RowsToStore { reader, watch, desk } = RowsToStore::of(rows, chunks, "data").map_err(python)?;
        self.change_with_rows(py, (&watch, desk), move |batch| {
            batch.add_typed(item_type::INCLUDED_TABLE, &name, Data::Table(reader), options)
        })
    }

    /// Adds an array: its bytes, and what a `.npy` file says of it.
    #[pyo3(signature = (name, descr, shape, fortran_order, bytes, options=None))]
    #[allow(clippy::too_many_arguments)]
    fn add_array(
        &self,
        py: Python<'_>,
        name: String,
        descr: &str,
        shape: Vec<u64>,
        fortran_order: bool,
        bytes: &[u8],
        options: Option<&Bound<'_, PyDict>>,
    ) -> Outcome<()> {
        let options = add_options(options)?;
        let array = NpyArray::new(descr, &shape, fortran_order, bytes.to_vec())
            .map_err(|error| python(PyValueError::new_err(error.to_string())))?;
        self.add_data(py, item_type::NUMPY_ARRAY, name, Data::Array(array), options)
    }

    /// Adds an array that a `.npy` file holds.
    #[pyo3(signature = (name, path, options=None))]
    fn add_array_file(
        &self,
        py: Python<'_>,
        name: String,
        path: PathBuf,
        options: Option<&Bound<'_, PyDict>>,
    ) -> Outcome<()> {
        let options = add_options(options)?;
        self.add_data(py, item_type::NUMPY_ARRAY, name, Data::ArrayFile(path), options)
    }

    #[pyo3(signature = (name, value, options=None))]
    fn add_json(
        &self,
        py: Python<'_>,
        name: String,
        value: &Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> Outcome<()> {
        let (value, options) = (to_json(value).map_err(python)?, add_options(options)?);
        self.add_data(py, item_type::JSON_DATA, name, Data::Json(value), options)
    }

    /// Adds an instant, in microseconds since 1970-01-01 in UTC.
    #[pyo3(signature = (name, microseconds, options=None))]
    fn add_timestamp(
        &self,
        py: Python<'_>,
        name: String,
        microseconds: i64,
        options: Option<&Bound<'_, PyDict>>,
    ) -> Outcome<()> {
        self.add_data(py, item_type::TIMESTAMP, name, Data::Timestamp(instant(microseconds)?), add_options(options)?)
    }

    #[pyo3(signature = (name, path, options=None))]
    fn add_file(
        &self,
        py: Python<'_>,
        name: String,
        path: PathBuf,
        options: Option<&Bound<'_, PyDict>>,
    ) -> Outcome<()> {
        self.add_data(py, item_type::ARTIFACT, name, Data::File(path), add_options(options)?)
    }

    #[pyo3(signature = (name, path, format, model_type=None, options=None))]
    fn add_model(
        &self,
        py: Python<'_>,
        name: String,
        path: PathBuf,
        format: Option<String>,
        model_type: Option<String>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> Outcome<()> {
        let model = Model { file: path, format, model_type };
        self.add_data(py, item_type::MODEL, name, Data::Model(model), add_options(options)?)
    }

    #[pyo3(signature = (name, path, table_format=None, num_rows=None, version=None, timestamp=None, options=None))]
    #[allow(clippy::too_many_arguments)]
    fn reference_table(
        &self,
        py: Python<'_>,
        name: String,
        path: String,
        table_format: Option<String>,
        num_rows: Option<u64>,
        version: Option<i64>,
        timestamp: Option<i64>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> Outcome<()> {
        let timestamp = timestamp.map(instant).transpose()?;
        let table_format = table_format.unwrap_or_else(|| format_of(&path, version, timestamp).to_owned());
        let reference = Reference { path, table_format, num_rows, version, timestamp };
        self.add_data(py, item_type::REFERENCED_TABLE, name, Data::Reference(reference), add_options(options)?)
    }

    /// Adds a table from files.
    #[pyo3(signature = (name, paths, table_format=None, options=None))]
    fn import_files(
        &self,
        py: Python<'_>,
        name: String,
        paths: Vec<PathBuf>,
        table_format: Option<&str>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> Outcome<()> {
        let options = add_options(options)?;
        let mut import = ImportOptions::default();
        import.format = table_format
            .map(|word| {
                TableFormat::from_name(word)
                    .ok_or_else(|| python(PyValueError::new_err(format!("Unsupported table format: '{word}'"))))
            })
            .transpose()?;
        self.change(py, move |batch| batch.import_files(&name, &paths, &import, options))
    }

    /// Deletes items, and tells which others list them as an input.
    fn delete(&self, py: Python<'_>, names: Vec<String>) -> Outcome<Vec<(String, Vec<String>)>> {
        let deleted = self.change(py, move |batch| batch.delete(&names))?;
        Ok(deleted.dependents.into_iter().collect())
    }

    #[pyo3(signature = (name, description=None, inputs=None))]
    fn update_item(
        &self,
        py: Python<'_>,
        name: String,
        description: Option<String>,
        inputs: Option<Vec<String>>,
    ) -> Outcome<()> {
        self.change(py, move |batch| {
            let inputs: Option<Vec<&str>> = inputs.as_ref().map(|names| names.iter().map(String::as_str).collect());
            batch.update_item(&name, description.as_deref(), inputs.as_deref())
        })
    }

    fn set_archived(&self, py: Python<'_>, patterns: Vec<String>, archived: bool) -> Outcome<Vec<String>> {
        self.change(py, move |batch| batch.set_archived(&patterns, archived))
    }

    fn rename(&self, py: Python<'_>, old: String, new: String) -> Outcome<()> {
        self.change(py, move |batch| batch.rename(&old, &new))
    }

    /// Sets and removes keys of the metadata, in one commit.
    fn change_metadata(&self, py: Python<'_>, set: &Bound<'_, PyAny>, remove: Vec<String>) -> Outcome<()> {
        let set = to_object(set).map_err(python)?;
        self.change(py, move |batch| {
            for key in &remove {
                batch.remove_metadata(key)?;
            }
            set.iter().try_for_each(|(key, value)| batch.set_metadata(key, value))
        })
    }

    /// Opens a batch: what is changed from here on is committed together.
    fn begin_batch(&self, py: Python<'_>) -> Outcome<()> {
        self.batch.begin(py, &self.folio)
    }

    /// Commits the batch that is open, or gives it up.
    fn end_batch(&self, py: Python<'_>, commit: bool) -> Outcome<()> {
        self.batch.end(py, commit)
    }

    #[getter]
    fn in_batch(&self) -> bool {
        self.batch.is_open()
    }
}

/// The format of a table elsewhere that nobody tells. What its place does not tell either is taken for Parquet, as DataFolio 1.x and 2.x
/// do.
fn format_of(path: &str, version: Option<i64>, timestamp: Option<DateTime<Utc>>) -> &'static str {
    match reference_format(path) {
        _ if timestamp.is_some() => "delta",
        Some(format) => format,
        // DataFolio 1.x notes a version for any table. Of what lies on a store it alone tells that the table has some.
        None if version.is_some() && !Path::new(path).is_dir() => "delta",
        None => "parquet",
    }
}

/// What the facade says of an item that is added.
pub(crate) fn add_options(given: Option<&Bound<'_, PyDict>>) -> Outcome<AddOptions> {
    let mut options = AddOptions::new();
    let Some(given) = given else { return Ok(options) };
    for (key, value) in given.iter() {
        if value.is_none() {
            continue;
        }
        let key: String = key.extract().map_err(python)?;
        options = match key.as_str() {
            "description" => options.description(value.extract::<String>().map_err(python)?),
            "inputs" => match value.extract::<String>() {
                Ok(only) => options.inputs([only]),
                Err(_) => options.inputs(value.extract::<Vec<String>>().map_err(python)?),
            },
            "overwrite" => match value.is_truthy().map_err(python)? {
                true => options.overwrite(),
                false => options,
            },
            "table_format" => options.table_format(value.extract::<String>().map_err(python)?),
            "dataframe_library" => options.dataframe_library(value.extract::<String>().map_err(python)?),
            "category" => options.category(value.extract::<String>().map_err(python)?),
            "extra" => options.extra(to_object(&value).map_err(python)?),
            _ => return Err(python(PyValueError::new_err(format!("no such option: {key}")))),
        };
    }
    Ok(options)
}
