//! SQL over the tables of a bundle, views and derived tables.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatchReader;
use datafolio::{DataFolio, QueryOptions, Result};
use pyo3::prelude::*;
#[cfg(feature = "sql")]
use pyo3::types::PyDict;

use super::Bundle;
#[cfg(feature = "sql")]
use super::changes::add_options;
use crate::error::{Outcome, WRONG_VALUE, argument_error, python};
use crate::frame::Frame;
use crate::interrupt::Watch;
#[cfg(feature = "sql")]
use crate::interrupt::interruptible;
use crate::rows::RowStream;
#[cfg(feature = "sql")]
use crate::value::facts_to_python;

/// What a query is given besides its text.
#[derive(FromPyObject)]
struct Asked<'py> {
    #[pyo3(item)]
    params: Option<Bound<'py, PyAny>>,
    #[pyo3(item)]
    threads: Option<usize>,
    #[pyo3(item)]
    memory: Option<u64>,
    #[pyo3(item)]
    timeout: Option<f64>,
    /// Frames that it reads by name.
    #[pyo3(item)]
    frames: Option<Vec<(String, Py<Frame>)>>,
    /// Called with a fraction; where it answers `False`, the query stops.
    #[pyo3(item)]
    progress: Option<Py<PyAny>>,
}

impl Asked<'_> {
    /// The options, and what looks after the query.
    fn options(&self, py: Python<'_>) -> PyResult<(QueryOptions, Arc<Watch>)> {
        let mut options = QueryOptions::new();
        (options.threads, options.memory) = (self.threads, self.memory);
        options.timeout = time_of(py, self.timeout)?;
        #[cfg(feature = "sql")]
        {
            let control = datafolio::QueryControl::new();
            options.control = Some(control.clone());
            if let Some(params) = &self.params {
                options.params = crate::params::of(params)?;
            }
            for (name, frame) in self.frames.iter().flatten() {
                options = options.frame(name, frame.get().columns());
            }
            let mut watch = Watch::new({
                let control = control.clone();
                move || control.cancel()
            });
            if let Some(call) = &self.progress {
                watch = watch.progress(call.clone_ref(py), move || Some(control.progress()? / 100.0));
            }
            Ok((options, Arc::new(watch)))
        }
        #[cfg(not(feature = "sql"))]
        {
            let _ = (py, &self.params, &self.frames, &self.progress);
            Ok((options, Arc::new(Watch::new(|| {}))))
        }
    }
}

#[pymethods]
impl Bundle {
    /// Runs SQL on one table, which goes by the name `table`.
    fn query_table(&self, py: Python<'_>, name: &str, sql: &str, asked: Asked<'_>) -> Outcome<RowStream> {
        self.rows(py, &asked, |folio, options| Ok(boxed(folio.query_table(name, sql, options)?)))
    }

    /// Runs SQL on all tables.
    fn query(&self, py: Python<'_>, sql: &str, asked: Asked<'_>) -> Outcome<RowStream> {
        self.rows(py, &asked, |folio, options| Ok(boxed(folio.query(sql, options)?)))
    }

    /// Runs any SQL that DuckDB knows.
    #[cfg(feature = "sql")]
    fn query_unrestricted(&self, py: Python<'_>, sql: &str, asked: Asked<'_>) -> Outcome<RowStream> {
        self.rows(py, &asked, |folio, options| Ok(boxed(folio.query_unrestricted(sql, options)?)))
    }

    /// Runs SQL on all tables, and gives the result as a frame.
    #[cfg(feature = "sql")]
    fn query_frame(&self, py: Python<'_>, sql: &str, asked: Asked<'_>) -> Outcome<Frame> {
        let (options, watch) = asked.options(py).map_err(python)?;
        let made = self.read_watched(py, &watch, |folio| folio.query_frame(sql, &options))?;
        watch.done(py).map_err(python)?;
        Ok(self.frame_here(made))
    }

    /// Keeps a query by a name.
    #[cfg(feature = "sql")]
    #[pyo3(signature = (name, sql, options=None))]
    fn add_view(&self, py: Python<'_>, name: String, sql: String, options: Option<&Bound<'_, PyDict>>) -> Outcome<()> {
        let options = add_options(options)?;
        self.change(py, move |batch| batch.add_view(&name, &sql, options))
    }

    /// The text of a view.
    #[cfg(feature = "sql")]
    fn view<'py>(&self, py: Python<'py>, name: &str) -> Outcome<Bound<'py, PyAny>> {
        facts_to_python(py, &self.read(py, |folio| folio.view(name))?).map_err(python)
    }

    /// Stores the result of a query, with the query.
    #[cfg(feature = "sql")]
    #[pyo3(signature = (name, sql, asked, options=None))]
    fn derive(
        &self,
        py: Python<'_>,
        name: &str,
        sql: &str,
        asked: Asked<'_>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> Outcome<()> {
        let (query, watch) = asked.options(py).map_err(python)?;
        let options = add_options(options)?;
        interruptible(py, &watch, || self.folio.derive(name, sql, &query, options)).map_err(python)??;
        watch.done(py).map_err(python)
    }

    /// Derived tables that are out of date, and why.
    #[cfg(feature = "sql")]
    fn stale<'py>(&self, py: Python<'py>) -> Outcome<Bound<'py, PyAny>> {
        facts_to_python(py, &self.read(py, |folio| folio.stale())?).map_err(python)
    }

    /// Makes derived tables again, in the order of what they are made from.
    #[cfg(feature = "sql")]
    #[pyo3(signature = (names, force, timeout=None, memory=None, threads=None))]
    fn rerun<'py>(
        &self,
        py: Python<'py>,
        names: Vec<String>,
        force: bool,
        timeout: Option<f64>,
        memory: Option<u64>,
        threads: Option<usize>,
    ) -> Outcome<Bound<'py, PyAny>> {
        let mut options = datafolio::RerunOptions::new();
        if force {
            options = options.force();
        }
        (options.memory, options.threads) = (memory, threads);
        options.timeout = time_of(py, timeout).map_err(python)?;
        let rerun = py.detach(|| self.folio.rerun(&names, options).map_err(|error| self.told(error)))?;
        facts_to_python(py, &rerun).map_err(python)
    }

    /// How an item was made.
    #[cfg(feature = "sql")]
    fn explain<'py>(&self, py: Python<'py>, name: &str) -> Outcome<Bound<'py, PyAny>> {
        facts_to_python(py, &self.read(py, |folio| folio.explain(name))?).map_err(python)
    }
}

impl Bundle {
    fn rows(
        &self,
        py: Python<'_>,
        asked: &Asked<'_>,
        run: impl FnOnce(&DataFolio, &QueryOptions) -> Result<Box<dyn RecordBatchReader + Send>> + Send,
    ) -> Outcome<RowStream> {
        let (options, watch) = asked.options(py).map_err(python)?;
        let reader = self.read_watched(py, &watch, |folio| run(folio, &options))?;
        Ok(RowStream::watched(reader, watch))
    }
}

/// The time that a query may take, of seconds.
fn time_of(py: Python<'_>, seconds: Option<f64>) -> PyResult<Option<Duration>> {
    seconds
        .map(Duration::try_from_secs_f64)
        .transpose()
        .map_err(|error| argument_error(py, WRONG_VALUE, &format!("timeout: {error}; give a number of seconds")))
}

fn boxed(reader: impl RecordBatchReader + Send + 'static) -> Box<dyn RecordBatchReader + Send> {
    Box::new(reader)
}
