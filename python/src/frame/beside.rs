//! A column of values in memory beside the columns of a source.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafolio::columns::source::{Batches, Source};
use datafolio::columns::{ColumnsError, ColumnsResult, Frame as Columns};
use pyo3::prelude::*;

use super::Frame;
use super::arrays::array_of;
use crate::error::{Outcome, python};

/// Rows of a source with one column more, which is its last.
#[derive(Debug)]
struct Beside {
    source: Arc<dyn Source>,
    values: ArrayRef,
    schema: SchemaRef,
}

impl Beside {
    fn new(source: Arc<dyn Source>, name: &str, values: ArrayRef) -> ColumnsResult<Self> {
        let (rows, given) = (source.rows(), values.len() as u64);
        if rows != given {
            let reason = format!("column '{name}' has {given} values, and there are {rows} rows");
            return Err(ColumnsError::InvalidOption { reason });
        }
        let own = source.schema();
        let fields = own.fields().iter().cloned();
        let field = Arc::new(Field::new(name, values.data_type().clone(), true));
        let schema = Schema::new_with_metadata(fields.chain([field]).collect::<Vec<_>>(), own.metadata().clone());
        Ok(Self { source, values, schema: Arc::new(schema) })
    }
}

impl Source for Beside {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn rows(&self) -> u64 {
        self.source.rows()
    }

    fn name(&self) -> String {
        self.source.name()
    }

    fn tasks(&self, rows: Range<u64>, target: u64) -> Vec<Range<u64>> {
        self.source.tasks(rows, target)
    }

    fn read(&self, rows: Range<u64>, columns: &[usize]) -> ColumnsResult<Batches<'_>> {
        let last = self.schema.fields().len() - 1;
        let own: Vec<usize> = columns.iter().copied().filter(|column| *column != last).collect();
        let schema = Arc::new(self.schema.project(columns)?);
        let columns = columns.to_vec();
        let mut start = usize::try_from(rows.start).unwrap_or(usize::MAX);
        let batches = self.source.read(rows, &own)?;
        Ok(Box::new(batches.map(move |batch| {
            let batch = batch?;
            let count = batch.num_rows();
            let values = self.values.slice(start, count);
            start += count;
            let mut own = batch.columns().iter();
            let arrays = columns.iter().filter_map(|column| match *column == last {
                true => Some(values.clone()),
                false => own.next().cloned(),
            });
            let options = RecordBatchOptions::new().with_row_count(Some(count));
            Ok(RecordBatch::try_new_with_options(schema.clone(), arrays.collect(), &options)?)
        })))
    }

    fn check(&self) -> ColumnsResult<()> {
        self.source.check()
    }

    fn fingerprint(&self, columns: &[usize]) -> Option<String> {
        // What the values in memory are, nothing tells.
        let last = self.schema.fields().len() - 1;
        if columns.contains(&last) { None } else { self.source.fingerprint(columns) }
    }
}

#[pymethods]
impl Frame {
    /// With a column of values in memory, one for each row that passes the filter.
    fn with_values(&self, py: Python<'_>, name: &str, values: &Bound<'_, PyAny>) -> Outcome<Self> {
        let values = array_of(values).map_err(python)?;
        let columns = self.pass(py, None, |frame, _| {
            let kept: Vec<&str> = frame.columns().filter(|known| *known != name).collect();
            let place = frame.columns().position(|known| known == name);
            let mut order: Vec<&str> = kept.clone();
            order.insert(place.unwrap_or(kept.len()), name);
            let source = Beside::new(frame.select(&kept)?.to_source()?, name, values)?;
            Columns::new(Arc::new(source)).with_origins(frame.origins().iter().cloned()).select(&order)
        })?;
        Ok(self.with(columns))
    }
}
