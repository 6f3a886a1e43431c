//! The rows of a table that a condition holds for.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, RecordBatchReader};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use datafolio_core::ItemRecord;
use datafolio_handlers::{HandlerError, TableReadOptions};
use datafolio_sql::{Filter, OF_THE_FILE, QueryReader, ROW, Relation, Streamed, check_condition};

use super::Conditional;
use super::exact::{refuse_folded, refuse_inexact};
use crate::bundle::DataFolio;
use crate::error::Result;
use crate::query::{Exposer, QueryOptions};
use crate::view::is_view;

impl DataFolio {
    /// The rows that a condition holds for, in the order of the table and with its types.
    ///
    /// Rows that what the files record of their values rules out are not looked at: DuckDB is given what lies between the others,
    /// and skips row groups itself; where few rows of large row groups are left, their pages are read here. Only the columns
    /// that are asked for are read.
    pub(super) fn filter_table(&self, record: &Arc<ItemRecord>, wanted: &Conditional<'_>) -> Result<Filtered> {
        let condition = check_condition(&wanted.condition.sql, &wanted.condition.params)?;
        let record = &self.pinned_record(Arc::clone(record))?;
        // Also the names: of columns that are not there, and of the same one twice.
        let mut part = TableReadOptions::default();
        part.columns = wanted.columns.map(<[String]>::to_vec);
        part.limit = Some(0);
        let schema = self.open_table(record, &part)?.schema();
        let facts = self.facts_of(record)?;
        let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        refuse_folded(record.name(), facts.schema.fields().iter().map(|field| field.name().as_str()))?;
        refuse_inexact(record.name(), schema.fields().iter().map(|field| &**field))?;
        let has_column = |name: &str| facts.schema.fields().iter().any(|field| field.name().eq_ignore_ascii_case(name));
        if has_column(ROW) {
            let reason = format!("its column '{ROW}' has the name that the rows of a condition are numbered under");
            return Err(HandlerError::Invalid { item: record.name().to_owned(), reason }.into());
        }
        let in_question = match is_view(record) {
            true => None,
            false => self.in_question(record, &facts.schema, &condition, &wanted.rows),
        };
        let table = match &in_question {
            _ if is_view(record) => {
                Relation::Stream(Arc::new(Numbered::new(Arc::new(self.view_stream(record)?), None)))
            }
            Some(found) if found.is_streamed => {
                let rows: Arc<[u64]> = found.rows.iter().cloned().flatten().collect();
                let stream = self.stream(record)?.picked(Arc::clone(&rows));
                Relation::Stream(Arc::new(Numbered::new(Arc::new(stream), Some(rows))))
            }
            _ => match self.relation(record)? {
                Relation::Parquet(paths) if !has_column(OF_THE_FILE) => Relation::Parquet(paths),
                _ => Relation::Stream(Arc::new(Numbered::new(Arc::new(self.stream(record)?), None))),
            },
        };
        let mut exposer = Exposer::new(self, Some(("table", record)));
        condition.tables.iter().try_for_each(|table| exposer.add(table))?;
        let others = exposer.exposed;
        let options = QueryOptions { control: wanted.condition.control.clone(), ..QueryOptions::default() };
        let settings = self.query_settings(&options);
        let (offset, limit) = (wanted.offset, wanted.limit);
        // Rows that are counted come from one query.
        let threads = if offset == 0 && limit.is_none() { settings.threads.unwrap_or(1) } else { 1 };
        let mut shares = self.shares_of(record, &table, &wanted.rows, threads)?;
        if let (Relation::Parquet(_), Some(found)) = (&table, &in_question) {
            found.narrow(&mut shares.rows);
        }
        let filter = Filter { condition: &condition, columns: &names, shares: &shares, offset, limit };
        // What is wrong with the condition shows before the first row is asked for.
        let rows = datafolio_sql::filter(&settings, table, &others, &filter)?;
        Ok(Filtered { rows, schema })
    }
}

/// The rows that a condition holds for.
pub(super) struct Filtered {
    rows: QueryReader,
    schema: SchemaRef,
}

impl Filtered {
    /// The next rows, and the numbers that they have in the table.
    pub(super) fn next_numbered(&mut self) -> Option<std::result::Result<(RecordBatch, ArrayRef), ArrowError>> {
        let batch = match self.rows.next()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(error)),
        };
        Some(self.conform(&batch))
    }

    /// The columns as the table has them.
    fn conform(&self, batch: &RecordBatch) -> std::result::Result<(RecordBatch, ArrayRef), ArrowError> {
        let (rows, columns) =
            batch.columns().split_last().ok_or_else(|| ArrowError::SchemaError("rows without numbers".to_owned()))?;
        let columns = columns.iter().zip(self.schema.fields()).map(|(column, field)| {
            if column.data_type() == field.data_type() {
                Ok(Arc::clone(column))
            } else {
                cast(column, field.data_type())
            }
        });
        let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let batch = RecordBatch::try_new_with_options(SchemaRef::clone(&self.schema), columns, &options)?;
        Ok((batch, cast(rows, &DataType::Int64)?))
    }
}

impl Iterator for Filtered {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.next_numbered()?.map(|(batch, _)| batch))
    }
}

impl RecordBatchReader for Filtered {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}

/// A table with its rows numbered.
#[derive(Debug)]
struct Numbered {
    table: Arc<dyn Streamed>,
    schema: SchemaRef,
    /// The numbers of its rows; `None` where it has all rows.
    rows: Option<Arc<[u64]>>,
}

impl Numbered {
    fn new(table: Arc<dyn Streamed>, rows: Option<Arc<[u64]>>) -> Self {
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
        Ok(Box::new(NumberedRows { reader, schema, rows: self.rows.clone(), next: 0 }))
    }
}

struct NumberedRows {
    reader: Box<dyn RecordBatchReader + Send>,
    schema: SchemaRef,
    rows: Option<Arc<[u64]>>,
    /// How many rows have come.
    next: usize,
}

impl NumberedRows {
    /// The numbers of so many rows more.
    fn numbers(&mut self, count: usize) -> ArrayRef {
        let come = self.next..self.next.saturating_add(count);
        self.next = come.end;
        let number = |row: u64| i64::try_from(row).unwrap_or(i64::MAX);
        Arc::new(match &self.rows {
            Some(rows) => {
                let rows = rows.get(come).unwrap_or_default();
                Int64Array::from_iter_values(rows.iter().map(|row| number(*row)))
            }
            None => Int64Array::from_iter_values(come.map(|row| number(row as u64))),
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
