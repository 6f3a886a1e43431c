//! Tables with the numbers of their rows as a column, for SQL.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, RecordBatchReader};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use datafolio_core::ItemRecord;
use datafolio_handlers::HandlerError;
use datafolio_sql::{OF_THE_FILE, ROW, Relation, Streamed};

use crate::bundle::DataFolio;
use crate::error::Result;
use crate::view::is_view;

/// Refuses a table with a column of the name that its rows are numbered under.
///
/// # Errors
/// [`HandlerError::Invalid`].
pub(super) fn refuse_numbered(item: &str, schema: &Schema) -> std::result::Result<(), HandlerError> {
    match has_column(schema, ROW) {
        false => Ok(()),
        true => {
            let reason = format!("its column '{ROW}' has the name that the rows of a condition are numbered under");
            Err(HandlerError::Invalid { item: item.to_owned(), reason })
        }
    }
}

/// Whether SQL finds a column of this name.
fn has_column(schema: &Schema, name: &str) -> bool {
    schema.fields().iter().any(|field| field.name().eq_ignore_ascii_case(name))
}

impl DataFolio {
    /// A table with these columns whose rows are numbered: Parquet files, of which DuckDB knows the numbers, or a stream that has them as
    /// column [`ROW`].
    pub(super) fn numbered(&self, record: &Arc<ItemRecord>, schema: &Schema) -> Result<Relation> {
        if is_view(record) {
            return Ok(Relation::Stream(Arc::new(Numbered::new(Arc::new(self.view_stream(record)?), Numbers::All))));
        }
        Ok(match self.relation(record)? {
            Relation::Parquet(paths) if !has_column(schema, OF_THE_FILE) => Relation::Parquet(paths),
            _ => Relation::Stream(Arc::new(Numbered::new(Arc::new(self.stream(record)?), Numbers::All))),
        })
    }
}

/// The numbers of the rows that a stream has.
#[derive(Debug, Clone)]
pub(super) enum Numbers {
    /// It has all rows.
    All,
    /// These.
    Picked(Arc<[u64]>),
    /// Those of these ranges.
    Ranges(Arc<[Range<u64>]>),
}

/// A table with its rows numbered, in a last column.
#[derive(Debug)]
pub(super) struct Numbered {
    table: Arc<dyn Streamed>,
    schema: SchemaRef,
    rows: Numbers,
}

impl Numbered {
    pub(super) fn new(table: Arc<dyn Streamed>, rows: Numbers) -> Self {
        let mut fields: Vec<Arc<Field>> = table.schema().fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new(ROW, DataType::Int64, false)));
        Self { table, schema: Arc::new(Schema::new(fields)), rows }
    }
}

impl Streamed for Numbered {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn rows(&self) -> Option<u64> {
        self.table.rows()
    }

    fn open(
        &self,
        columns: &[String],
    ) -> std::result::Result<Box<dyn RecordBatchReader + Send>, Box<dyn std::error::Error + Send + Sync>> {
        let names: Vec<String> = columns.iter().filter(|name| name.as_str() != ROW).cloned().collect();
        let reader = self.table.open(&names)?;
        let fields = columns.iter().map(|name| self.schema.field_with_name(name).cloned());
        let schema = Arc::new(Schema::new(fields.collect::<std::result::Result<Vec<_>, _>>()?));
        Ok(Box::new(NumberedRows { reader, schema, rows: self.rows.clone(), next: 0, range: 0 }))
    }
}

struct NumberedRows {
    reader: Box<dyn RecordBatchReader + Send>,
    schema: SchemaRef,
    rows: Numbers,
    /// How many rows have come; of ranges how many of the one that is being read.
    next: usize,
    /// The range that is being read.
    range: usize,
}

impl NumberedRows {
    /// The numbers of so many rows more.
    fn numbers(&mut self, count: usize) -> ArrayRef {
        let number = |row: u64| i64::try_from(row).unwrap_or(i64::MAX);
        if let Numbers::Ranges(ranges) = &self.rows {
            let mut numbers = Vec::with_capacity(count);
            while numbers.len() < count
                && let Some(range) = ranges.get(self.range)
            {
                let start = range.start.saturating_add(self.next as u64);
                let end = start.saturating_add((count - numbers.len()) as u64).min(range.end);
                let before = numbers.len();
                numbers.extend((start..end).map(number));
                self.next += numbers.len() - before;
                if end >= range.end {
                    (self.range, self.next) = (self.range + 1, 0);
                }
            }
            return Arc::new(Int64Array::from(numbers));
        }
        let come = self.next..self.next.saturating_add(count);
        self.next = come.end;
        Arc::new(match &self.rows {
            Numbers::Picked(rows) => {
                let rows = rows.get(come).unwrap_or_default();
                Int64Array::from_iter_values(rows.iter().map(|row| number(*row)))
            }
            Numbers::All | Numbers::Ranges(_) => Int64Array::from_iter_values(come.map(|row| number(row as u64))),
        })
    }
}

impl Iterator for NumberedRows {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = match self.reader.next()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(error)),
        };
        let numbers = self.numbers(batch.num_rows());
        let mut given = batch.columns().iter();
        let columns = self.schema.fields().iter().filter_map(|field| match field.name() == ROW {
            true => Some(Arc::clone(&numbers)),
            false => given.next().cloned(),
        });
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Some(RecordBatch::try_new_with_options(SchemaRef::clone(&self.schema), columns.collect(), &options))
    }
}

impl RecordBatchReader for NumberedRows {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}
