//! Tables: in part, in chunks, their facts and statistics, as paths, appending and changing rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use datafolio::{
    AppendOptions, DiffOptions, IterOptions, StatisticsOptions, TableChunks, TableOptions, TablePaths, TableState,
};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::Bundle;
use super::changes::instant;
use crate::condition::Where;
use crate::error::{Outcome, python};
use crate::interrupt::attended;
use crate::rows::{RowStream, Rows, RowsToStore};
use crate::value::{facts_to_python, to_python};

#[pymethods]
impl Bundle {
    /// The rows of a table, or of a part of it, one batch after another.
    #[pyo3(signature = (name, columns=None, filter=None, offset=0, limit=None, version=None))]
    #[allow(clippy::too_many_arguments)]
    fn read_table(
        &self,
        py: Python<'_>,
        name: &str,
        columns: Option<Vec<String>>,
        filter: Option<Where>,
        offset: u64,
        limit: Option<u64>,
        version: Option<String>,
    ) -> Outcome<RowStream> {
        let mut options = TableOptions::new().offset(offset);
        (options.columns, options.limit, options.version) = (columns, limit, version);
        let Some(Where { condition, watch }) = filter else {
            return Ok(RowStream::new(self.read(py, |folio| folio.read_table(name, &options))?));
        };
        options.filter = Some(condition);
        let rows = self.read_watched(py, &watch, |folio| folio.read_table(name, &options))?;
        Ok(RowStream::watched(rows, watch))
    }

    /// Chunks of exactly so many rows.
    #[pyo3(signature = (name, chunk_size, columns=None, filter=None, start_row=0, end_row=None, version=None))]
    #[allow(clippy::too_many_arguments)]
    fn iter_table(
        &self,
        py: Python<'_>,
        name: &str,
        chunk_size: usize,
        columns: Option<Vec<String>>,
        filter: Option<Where>,
        start_row: u64,
        end_row: Option<u64>,
        version: Option<String>,
    ) -> Outcome<RowStream> {
        let mut options = IterOptions::new().chunk_size(chunk_size).start_row(start_row);
        (options.columns, options.end_row, options.version) = (columns, end_row, version);
        let Some(Where { condition, watch }) = filter else {
            let (chunked, position) = Chunked::of(self.read(py, |folio| folio.iter_table(name, &options))?);
            return Ok(RowStream::new(chunked).with_position(position));
        };
        options.filter = Some(condition);
        let (chunked, position) = Chunked::of(self.read_watched(py, &watch, |folio| folio.iter_table(name, &options))?);
        Ok(RowStream::watched(chunked, watch).with_position(position))
    }

    /// Ranges of rows, one for each worker.
    fn split_table(&self, py: Python<'_>, name: &str, workers: usize) -> Outcome<Vec<(u64, u64)>> {
        let ranges = self.read(py, |folio| folio.split_table(name, workers))?;
        Ok(ranges.into_iter().map(|range| (range.start, range.end)).collect())
    }

    #[pyo3(signature = (name, rows, seed, columns=None, filter=None))]
    fn sample_table(
        &self,
        py: Python<'_>,
        name: &str,
        rows: usize,
        seed: u64,
        columns: Option<Vec<String>>,
        filter: Option<Where>,
    ) -> Outcome<Rows> {
        let mut options = TableOptions::new();
        options.columns = columns;
        let Some(Where { condition, watch }) = filter else {
            return Ok(Rows::of_batch(self.read(py, |folio| folio.sample_table(name, rows, seed, &options))?));
        };
        options.filter = Some(condition);
        Ok(Rows::of_batch(self.read_watched(py, &watch, |folio| folio.sample_table(name, rows, seed, &options))?))
    }

    /// What footers and the catalogue say, and the columns as rows that are none.
    fn table_info<'py>(&self, py: Python<'py>, name: &str) -> Outcome<(Bound<'py, PyAny>, Rows)> {
        let info = self.read(py, |folio| folio.table_info(name))?;
        Ok((facts_to_python(py, &info).map_err(python)?, Rows::new(info.schema.clone(), Vec::new())))
    }

    /// What is known of each column without reading it.
    #[pyo3(signature = (name, version=None))]
    fn column_facts<'py>(&self, py: Python<'py>, name: &str, version: Option<&str>) -> Outcome<Bound<'py, PyAny>> {
        facts_to_python(py, &self.read(py, |folio| folio.column_facts(name, version))?).map_err(python)
    }

    #[pyo3(signature = (name, columns=None, filter=None, quantiles=None, top=None, version=None))]
    #[allow(clippy::too_many_arguments)]
    fn describe_table<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        columns: Option<Vec<String>>,
        filter: Option<Where>,
        quantiles: Option<Vec<f64>>,
        top: Option<usize>,
        version: Option<String>,
    ) -> Outcome<Bound<'py, PyAny>> {
        let mut options = StatisticsOptions::new();
        (options.columns, options.version) = (columns, version);
        if let Some(quantiles) = quantiles {
            options = options.quantiles(quantiles);
        }
        if let Some(top) = top {
            options = options.top(top);
        }
        let statistics = match filter {
            None => self.read(py, |folio| folio.describe_table(name, &options))?,
            Some(Where { condition, watch }) => {
                options.filter = Some(condition);
                self.read_watched(py, &watch, |folio| folio.describe_table(name, &options))?
            }
        };
        facts_to_python(py, &statistics).map_err(python)
    }

    /// The version that the Delta table of a reference had at a time, in microseconds since 1970-01-01 in UTC.
    fn table_version_at(&self, py: Python<'_>, name: &str, microseconds: i64) -> Outcome<u64> {
        let moment = instant(microseconds)?;
        self.read(py, |folio| folio.table_version_at(name, moment))
    }

    /// The path of a table that lies in one file.
    fn get_table_path(&self, py: Python<'_>, name: &str) -> Outcome<String> {
        self.read(py, |folio| folio.get_table_path(name))
    }

    fn get_table_paths(&self, py: Python<'_>, name: &str) -> Outcome<Vec<String>> {
        self.read(py, |folio| folio.get_table_paths(name))
    }

    /// The same, of files that were checked.
    fn verified_table_paths(&self, py: Python<'_>, name: &str) -> Outcome<Vec<String>> {
        self.read(py, |folio| folio.verified_table_paths(name))
    }

    /// References that a table is read from and whose files have changed, in words.
    fn changed_inputs(&self, py: Python<'_>, name: &str) -> Outcome<Vec<String>> {
        let changed = self.read(py, |folio| folio.changed_inputs(name))?;
        Ok(changed.iter().map(ToString::to_string).collect())
    }

    /// The same of the tables that a query reads.
    #[cfg(feature = "sql")]
    #[pyo3(signature = (sql, table=None))]
    fn changed_inputs_of_query(&self, py: Python<'_>, sql: &str, table: Option<&str>) -> Outcome<Vec<String>> {
        let changed = self.read(py, |folio| Ok(folio.changed_inputs_of_query(sql, table)))?;
        Ok(changed.iter().map(ToString::to_string).collect())
    }

    fn get_all_table_paths<'py>(&self, py: Python<'py>) -> Outcome<Bound<'py, PyDict>> {
        let paths = self.read(py, |folio| folio.get_all_table_paths())?;
        let found = PyDict::new(py);
        for (name, paths) in paths {
            match paths {
                TablePaths::One(path) => found.set_item(name, path).map_err(python)?,
                TablePaths::Several(paths) => found.set_item(name, paths).map_err(python)?,
            }
        }
        Ok(found)
    }

    fn table_parts<'py>(&self, py: Python<'py>, name: &str) -> Outcome<Bound<'py, PyAny>> {
        facts_to_python(py, &self.read(py, |folio| folio.table_parts(name))?).map_err(python)
    }

    #[pyo3(signature = (name, rows, *, chunks=false, evolve=false, compact=true, description=None, inputs=None, table_format=None, dataframe_library=None))]
    #[allow(clippy::too_many_arguments)]
    fn append_table<'py>(
        &self,
        py: Python<'py>,
        name: String,
        rows: &Bound<'py, PyAny>,
        chunks: bool,
        evolve: bool,
        compact: bool,
        description: Option<String>,
        inputs: Option<Vec<String>>,
        table_format: Option<String>,
        dataframe_library: Option<String>,
    ) -> Outcome<Bound<'py, PyAny>> {
        let RowsToStore { reader: rows, watch, desk } = RowsToStore::of(rows, chunks, "rows").map_err(python)?;
        let mut options = AppendOptions::new();
        (options.evolve, options.compact) = (evolve, compact);
        if let Some(text) = description {
            options = options.description(text);
        }
        if let Some(names) = inputs {
            options = options.inputs(names);
        }
        if let Some(format) = table_format {
            options = options.table_format(format);
        }
        if let Some(library) = dataframe_library {
            options = options.dataframe_library(library);
        }
        // Outside a batch small parts are merged afterwards, which is a commit of its own.
        let appended = match self.batch.is_open() {
            true => self.change_with_rows(py, (&watch, desk), move |batch| batch.append_table(&name, rows, options))?,
            false => {
                let append = || self.folio.append_table(&name, rows, options);
                attended(py, &watch, desk, append).map_err(python)??
            }
        };
        facts_to_python(py, &appended).map_err(python)
    }

    fn compact<'py>(&self, py: Python<'py>, name: &str) -> Outcome<Bound<'py, PyAny>> {
        let compacted = py.detach(|| self.folio.compact(name).map_err(|error| self.told(error)))?;
        facts_to_python(py, &compacted).map_err(python)
    }

    #[cfg(feature = "sql")]
    fn delete_rows<'py>(&self, py: Python<'py>, name: String, condition: Where) -> Outcome<Bound<'py, PyAny>> {
        let Where { condition, .. } = condition;
        let changed = self.change(py, move |batch| batch.delete_rows(&name, condition))?;
        facts_to_python(py, &changed).map_err(python)
    }

    #[cfg(feature = "sql")]
    fn update_table<'py>(
        &self,
        py: Python<'py>,
        name: String,
        condition: Where,
        values: Vec<(String, String)>,
    ) -> Outcome<Bound<'py, PyAny>> {
        let Where { condition, .. } = condition;
        let changed = self.change(py, move |batch| {
            let values: Vec<(&str, &str)> = values.iter().map(|(column, value)| (&**column, &**value)).collect();
            batch.update_table(&name, condition, &values)
        })?;
        facts_to_python(py, &changed).map_err(python)
    }

    /// What differs between two states of a table, in numbers.
    #[pyo3(signature = (name, before=None, after=None, key=None))]
    fn diff_table<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        before: Option<&str>,
        after: Option<&str>,
        key: Option<Vec<String>>,
    ) -> Outcome<Bound<'py, PyAny>> {
        let options = self.diff_options(py, before, after, key)?;
        facts_to_python(py, &self.read(py, |folio| folio.diff_table(name, &options))?).map_err(python)
    }

    /// The rows that differ between two states of a table.
    #[pyo3(signature = (name, before=None, after=None, key=None))]
    fn diff_table_rows(
        &self,
        py: Python<'_>,
        name: &str,
        before: Option<&str>,
        after: Option<&str>,
        key: Option<Vec<String>>,
    ) -> Outcome<RowStream> {
        let options = self.diff_options(py, before, after, key)?;
        Ok(RowStream::new(self.read(py, |folio| folio.diff_table_rows(name, &options))?))
    }

    /// What has become of the files that references point to.
    #[pyo3(signature = (names=None))]
    fn check_references<'py>(&self, py: Python<'py>, names: Option<Vec<String>>) -> Outcome<Bound<'py, PyAny>> {
        let checks = self.read(py, |folio| folio.check_references(names.as_deref()))?;
        let values = checks.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>();
        let values = values.map_err(|error| python(pyo3::exceptions::PyValueError::new_err(error.to_string())))?;
        to_python(py, &values.into()).map_err(python)
    }
}

impl Bundle {
    fn diff_options(
        &self,
        py: Python<'_>,
        before: Option<&str>,
        after: Option<&str>,
        key: Option<Vec<String>>,
    ) -> Outcome<DiffOptions> {
        let catalogue = self.read(py, |folio| Ok(folio.catalogue()))?;
        let mut options = DiffOptions::new();
        if let Some(text) = before {
            options = options.from(TableState::parse(text, &catalogue)?);
        }
        if let Some(text) = after {
            options = options.to(TableState::parse(text, &catalogue)?);
        }
        if let Some(columns) = key {
            options = options.key(columns);
        }
        Ok(options)
    }
}

/// Chunks as batches: each chunk is one.
struct Chunked {
    schema: SchemaRef,
    chunks: TableChunks,
    /// The row behind the last one that was given.
    position: Arc<AtomicU64>,
}

impl Chunked {
    /// The chunks, and where they are in the table.
    fn of(chunks: TableChunks) -> (Box<Self>, Arc<AtomicU64>) {
        let position = Arc::new(AtomicU64::new(chunks.position()));
        (Box::new(Self { schema: chunks.schema(), chunks, position: Arc::clone(&position) }), position)
    }
}

impl Iterator for Chunked {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.chunks.next()?;
        self.position.store(self.chunks.position(), Ordering::Relaxed);
        Some(next.map_err(|error| ArrowError::ExternalError(Box::new(error))))
    }
}

impl RecordBatchReader for Chunked {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
