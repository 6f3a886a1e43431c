//! The rows of a table that a condition holds for.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, RecordBatchReader, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use datafolio_core::ItemRecord;
use datafolio_handlers::{DictionaryValues, OrderedCategories, TableReadOptions};
use datafolio_sql::{Filter, QueryReader, Relation, TableName, check_condition};

use super::Conditional;
use super::exact::{refuse_folded, refuse_inexact, refuse_unnamed};
use super::numbered::{Numbered, Numbers, refuse_numbered};
use super::scan::Scanned;
use crate::bundle::DataFolio;
use crate::error::Result;
use crate::query::{Exposer, QueryOptions};
use crate::view::is_view;

impl DataFolio {
    /// The rows that a condition holds for, in the order of the table and with its types.
    ///
    /// Rows that what the files record of their values rules out are not looked at: DuckDB is given what lies between the others,
    /// and skips row groups itself; where few rows of large row groups are left, their pages are read here. Of a Delta table the files
    /// are read that are left. Only the columns that are asked for are read.
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
        let options = QueryOptions { control: wanted.condition.control.clone(), ..QueryOptions::default() };
        let settings = self.query_settings(&options);
        let categories = self.categories_of(record, &schema)?;
        let (offset, limit) = (wanted.offset, wanted.limit);
        let scanned = Scanned { table: "table", columns: &schema, rows: &wanted.rows, offset, limit };
        // Rows without a column are still so many.
        if !schema.fields().is_empty()
            && let Some(mut scan) = self.scanned(record, &condition, &scanned, &settings)
        {
            scan.is_numbered = true;
            let rows = datafolio_sql::scan(&settings, scan)?;
            return Ok(Filtered { rows, schema, categories, left: u64::MAX });
        }
        refuse_unnamed(record.name(), &names)?;
        refuse_inexact(record.name(), schema.fields().iter().map(|field| &**field))?;
        refuse_numbered(record.name(), &facts.schema)?;
        let in_question = match is_view(record) {
            true => None,
            false => self.in_question(record, &facts.schema, &condition, &wanted.rows),
        };
        let of_files = in_question.as_ref().map(|found| self.numbered_in_question(record, found)).transpose()?;
        let table = match (of_files.flatten(), &in_question) {
            (Some(table), _) => table,
            (None, Some(found)) if found.is_streamed => {
                let rows: Arc<[u64]> = found.rows.iter().cloned().flatten().collect();
                let stream = self.stream(record)?.picked(Arc::clone(&rows));
                Relation::Stream(Arc::new(Numbered::new(Arc::new(stream), Numbers::Picked(rows))))
            }
            _ => self.numbered(record, &facts.schema)?,
        };
        let mut exposer = Exposer::new(self, Some(("table", record)));
        if condition.reads_table {
            exposer.add(&TableName::new("table"))?;
        }
        condition.tables.iter().try_for_each(|table| exposer.add(table))?;
        let others = exposer.exposed;
        // Rows that are counted come from one query.
        let threads = if offset == 0 && limit.is_none() { settings.threads.unwrap_or(1) } else { 1 };
        let mut shares = self.shares_of(record, &table, &wanted.rows, threads)?;
        if let (Relation::Parquet(_), Some(found)) = (&table, &in_question) {
            found.narrow(&mut shares.rows);
        }
        let filter = Filter {
            condition: &condition,
            name: "table",
            columns: &names,
            is_numbered: true,
            fetch: self.fetched(record, &table, SchemaRef::clone(&schema)),
            shares: &shares,
            offset,
            limit: limit.map(|rows| rows.max(FEWEST)),
        };
        // What is wrong with the condition shows before the first row is asked for.
        let rows = datafolio_sql::filter(&settings, table, &others, &filter)?;
        Ok(Filtered { rows, schema, categories, left: limit.unwrap_or(u64::MAX) })
    }

    /// For each column the categories that it is known to have, before its first row.
    fn categories_of(&self, record: &ItemRecord, schema: &SchemaRef) -> Result<Vec<Option<DictionaryValues>>> {
        let ordered = match is_view(record) {
            true => OrderedCategories::default(),
            false => OrderedCategories::of(&self.handler_item(record), schema)?,
        };
        let known = schema.fields().iter().map(|field| ordered.values(field.name()).cloned());
        Ok(known.map(|values| values.map(DictionaryValues::new).transpose()).collect::<std::result::Result<_, _>>()?)
    }
}

/// The rows that a condition holds for.
pub(super) struct Filtered {
    rows: QueryReader,
    schema: SchemaRef,
    /// For each column the categories of all batches so far: SQL has texts, and batches that number them by themselves would have them
    /// in another order each.
    categories: Vec<Option<DictionaryValues>>,
    /// How many are still to be given.
    left: u64,
}

/// DuckDB is asked for so many rows at least. With a limit of up to fifty it looks for the rows first and reads their columns afterwards, and
/// fails where it finds out on the way that there are none (an internal error of 2.0).
const FEWEST: u64 = 64;

impl Filtered {
    /// The next rows, and the numbers that they have in the table.
    pub(super) fn next_numbered(&mut self) -> Option<std::result::Result<(RecordBatch, ArrayRef), ArrowError>> {
        if self.left == 0 {
            return None;
        }
        let batch = match self.rows.next()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(error)),
        };
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(batch.num_rows());
        self.left -= wanted as u64;
        Some(self.conform(&batch.slice(0, wanted)))
    }

    /// The columns as the table has them.
    fn conform(&mut self, batch: &RecordBatch) -> std::result::Result<(RecordBatch, ArrayRef), ArrowError> {
        let (rows, columns) =
            batch.columns().split_last().ok_or_else(|| ArrowError::SchemaError("rows without numbers".to_owned()))?;
        let columns = columns.iter().zip(self.schema.fields()).zip(&mut self.categories);
        let columns = columns.map(|((column, field), categories)| {
            let column = match field.data_type() {
                of if of == column.data_type() => Arc::clone(column),
                // SQL has numbers in the place of what has no type.
                DataType::Null => new_null_array(&DataType::Null, column.len()),
                of => cast(column, of)?,
            };
            numbered_alike(&column, categories)
        });
        let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let batch = RecordBatch::try_new_with_options(SchemaRef::clone(&self.schema), columns, &options)?;
        Ok((batch, cast(rows, &DataType::Int64)?))
    }
}

/// A column of categories with the numbers that those have in all batches.
fn numbered_alike(
    column: &ArrayRef,
    categories: &mut Option<DictionaryValues>,
) -> std::result::Result<ArrayRef, ArrowError> {
    let Some(dictionary) = column.as_any_dictionary_opt() else { return Ok(Arc::clone(column)) };
    let known = match categories {
        Some(known) => known,
        None => categories.insert(DictionaryValues::new(Arc::clone(dictionary.values()))?),
    };
    known.extend(dictionary.values())?;
    known.apply(column)?.ok_or_else(|| {
        ArrowError::ComputeError("the rows have more categories than the keys of the column can number".to_owned())
    })
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
