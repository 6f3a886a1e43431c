//! Changing and removing rows: a new version that has every part of the old one in which nothing changes.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, RecordBatchOptions, RecordBatchReader};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use arrow::error::ArrowError;
use datafolio_core::{Change, ItemRecord, PARTS, Part, PutItem, item_type, time};
use datafolio_handlers::{
    Data, Draft, Handler, HandlerError, IncludedTable, Sink, TableReadOptions, WriteOptions, read_table, stored_files,
};
use datafolio_sql::{QueryReader, check_condition, quote_table};
use serde_json::{Map, Value, json};

use super::RowsChanged;
use super::append::{part_of, require_own_table, standing, table_of};
use crate::bundle::{Batch, DataFolio};
use crate::error::Result;
use crate::query::QueryOptions;
use crate::text::did_you_mean;

/// What becomes of the rows.
enum Edit<'a> {
    /// Those that the condition holds for go.
    Delete,
    /// They get these values: column and SQL expression.
    Set(&'a [(&'a str, &'a str)]),
}

impl DataFolio {
    /// Removes the rows of a table for which an SQL condition holds. Where it is neither true nor false, as for a missing value,
    /// the row stays. The version before keeps them, as do snapshots; parts without such a row are shared with it.
    ///
    /// # Errors
    /// As [`DataFolio::query_table`]; what is no table of the bundle's own; [`CoreError::Conflict`](datafolio_core::CoreError::Conflict).
    pub fn delete_rows(&self, name: &str, condition: &str) -> Result<RowsChanged> {
        self.once(|batch| batch.delete_rows(name, condition))
    }

    /// Gives columns new values in the rows for which an SQL condition holds: each a column and an SQL expression, which sees the
    /// row as it was. Parts without such a row are shared with the version before.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// use datafolio::{AppendOptions, DataFolio};
    ///
    /// # fn main() -> datafolio::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let folio = DataFolio::create(dir.path().join("study"))?;
    /// # let column: ArrayRef = Arc::new(Float64Array::from(vec![20.5, 300.0]));
    /// # let measured = RecordBatch::try_from_iter_with_nullable([("celsius", column, true)]).unwrap();
    /// # folio.append_table("temperatures", measured, AppendOptions::new())?;
    /// let done = folio.update_table("temperatures", "celsius > 200", &[("celsius", "celsius - 273.15")])?;
    /// assert_eq!(done.rows, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`DataFolio::delete_rows`]; a column that is not there or is set twice; a value that is not of the column's type.
    pub fn update_table(&self, name: &str, condition: &str, values: &[(&str, &str)]) -> Result<RowsChanged> {
        self.once(|batch| batch.update_table(name, condition, values))
    }
}

impl Batch<'_> {
    /// Removes rows of a table.
    ///
    /// # Errors
    /// As [`DataFolio::delete_rows`].
    pub fn delete_rows(&mut self, name: &str, condition: &str) -> Result<RowsChanged> {
        self.change_rows(name, condition, &Edit::Delete)
    }

    /// Changes rows of a table.
    ///
    /// # Errors
    /// As [`DataFolio::update_table`].
    pub fn update_table(&mut self, name: &str, condition: &str, values: &[(&str, &str)]) -> Result<RowsChanged> {
        self.change_rows(name, condition, &Edit::Set(values))
    }

    fn change_rows(&mut self, name: &str, condition: &str, edit: &Edit<'_>) -> Result<RowsChanged> {
        let record = self.catalogue().item(name)?.record()?;
        require_own_table(&record)?;
        check_condition(condition)?;
        let table = read_table(&self.folio().handler_item(&record), &TableReadOptions::default())?.schema();
        let select = selection(name, condition, edit, &table)?;
        let count = format!("SELECT count(*) FROM \"table\" WHERE ({condition}\n)");
        let mut done = RowsChanged { name: name.to_owned(), rows: 0, parts_written: 0, parts_kept: 0, num_rows: 0 };
        let Some(parts) = record.parts()? else {
            let rows = self.count_in(&record, &count)?;
            let all = record.u64("num_rows").unwrap_or_default();
            if rows == 0 {
                return Ok(RowsChanged { parts_kept: 1, num_rows: all, ..done });
            }
            let written = self.write_changed(&record, &record, &select, &table, false)?;
            let fields = file_fields(&written)?;
            (done.rows, done.parts_written, done.num_rows) = (rows, 1, number(&written, "num_rows"));
            self.put_changed(&record, fields, edit, done.rows)?;
            return Ok(done);
        };
        let mut left: Vec<Part> = Vec::new();
        let mut new: Vec<Part> = Vec::new();
        for (part, file) in parts.iter().zip(stored_files(&record)?) {
            debug_assert_eq!(file.rows, Some(part.num_rows));
            let of_part = Arc::new(table_of(&record, std::slice::from_ref(part)));
            let rows = self.count_in(&of_part, &count)?;
            done.rows += rows;
            match edit {
                _ if rows == 0 => {
                    done.parts_kept += 1;
                    left.push(part.clone());
                }
                // Nothing is left of it.
                Edit::Delete if rows == part.num_rows => {}
                _ => {
                    let written = self.write_changed(&record, &of_part, &select, &table, true)?;
                    done.parts_written += 1;
                    let written = written.payload.as_ref().map(|payload| part_of(payload, &written));
                    new.extend(written.clone());
                    left.extend(written);
                }
            }
        }
        done.num_rows = left.iter().map(|part| part.num_rows).sum();
        if done.rows == 0 {
            return Ok(done);
        }
        let fields = if left.is_empty() {
            // A table without rows still has its columns.
            let written = self.write_changed(&record, &record, &select, &table, false)?;
            done.parts_written = 1;
            file_fields(&written)?
        } else {
            let mut fields = self.write_stub(name, &new)?;
            fields.insert("size_bytes".to_owned(), left.iter().map(|part| part.size_bytes).sum::<u64>().into());
            fields.insert("num_rows".to_owned(), done.num_rows.into());
            fields.insert(PARTS.to_owned(), serde_json::to_value(&left).unwrap_or_default());
            fields
        };
        self.put_changed(&record, fields, edit, done.rows)?;
        Ok(done)
    }

    /// How many rows of a table the condition holds for.
    fn count_in(&self, table: &Arc<ItemRecord>, sql: &str) -> Result<u64> {
        let mut counted = 0;
        for batch in self.folio().run_query(&quote_table(sql), Some(table), &QueryOptions::default())? {
            let batch = batch?;
            counted +=
                batch.column(0).as_primitive_opt::<Int64Type>().map_or(0, |column| column.value(0).unsigned_abs());
        }
        Ok(counted)
    }

    /// Writes the rows of a table, or of one part of it, as they are to be.
    fn write_changed(
        &mut self,
        record: &Arc<ItemRecord>,
        source: &Arc<ItemRecord>,
        select: &str,
        table: &SchemaRef,
        as_part: bool,
    ) -> Result<Draft> {
        let rows = self.folio().run_query(&quote_table(select), Some(source), &QueryOptions::default())?;
        if rows.schema().fields().len() != table.fields().len() {
            let reason = "the condition and the values do not stand for themselves: check their brackets".to_owned();
            return Err(HandlerError::Invalid { item: record.name().to_owned(), reason }.into());
        }
        let rows = Box::new(AsTable { item: record.name().to_owned(), rows, schema: SchemaRef::clone(table) });
        if as_part {
            return self.write_part(record, |write| write(rows));
        }
        let mut options = WriteOptions::default();
        options.table_format = record.str("table_format").map(str::to_owned);
        let folio = self.folio();
        let mut sink =
            Sink::new(folio.storage(), item_type::INCLUDED_TABLE, record.name()).with_threads(folio.settings().threads);
        let written = IncludedTable.write(Data::Table(rows), &options, &mut sink);
        if written.is_err() {
            sink.discard();
        }
        let written = written?;
        if let Some(payload) = &written.payload {
            self.keep_staged(payload.path.clone());
            self.folio().verified().remember_payload(self.folio().storage().as_ref(), payload)?;
        }
        Ok(written)
    }

    /// Replaces the version by one of the same item with other files.
    fn put_changed(
        &mut self,
        record: &ItemRecord,
        files: Map<String, Value>,
        edit: &Edit<'_>,
        rows: u64,
    ) -> Result<()> {
        /// What says which version it is, and what its files are.
        const OTHERS: [&str; 14] = [
            "name",
            "item_type",
            "filename",
            "checksum",
            "sha256",
            "size_bytes",
            "blocks",
            PARTS,
            "grown_from",
            "created_at",
            "version_id",
            "derived",
            "is_current",
            "description",
        ];
        let mut fields = files;
        for (field, value) in record.fields() {
            let is_of_item =
                !OTHERS.contains(&field.as_str()) && !matches!(field.as_str(), "inputs" | "input_versions");
            if is_of_item && !fields.contains_key(field) {
                fields.insert(field.clone(), value.clone());
            }
        }
        let versions = match record.get("input_versions") {
            Some(Value::Object(versions)) => {
                versions.iter().filter_map(|(name, id)| Some((name.clone(), id.as_str()?.to_owned()))).collect()
            }
            _ => indexmap::IndexMap::new(),
        };
        let put = PutItem {
            name: record.name().to_owned(),
            item_type: record.item_type().to_owned(),
            fields,
            description: None,
            inputs: record.inputs().into_iter().map(str::to_owned).collect(),
            input_versions: versions,
            overwrite: true,
            created_at: time::to_iso(time::now()),
        };
        let verb = match edit {
            Edit::Delete => "delete",
            Edit::Set(_) => "update",
        };
        self.change(Change::Put(put), format!("{verb} {rows} rows of {}", record.name()))
    }
}

/// The query that gives the rows as they are to be.
fn selection(name: &str, condition: &str, edit: &Edit<'_>, table: &SchemaRef) -> Result<String> {
    let quoted = |column: &str| format!("\"{}\"", column.replace('"', "\"\""));
    let Edit::Set(values) = edit else {
        return Ok(format!("SELECT * FROM \"table\" WHERE (({condition}\n) IS NOT TRUE)"));
    };
    let invalid = |reason: String| HandlerError::Invalid { item: name.to_owned(), reason };
    if values.is_empty() {
        return Err(invalid("no column is given a value".to_owned()).into());
    }
    for (index, (column, value)) in values.iter().enumerate() {
        if table.fields().find(column).is_none() {
            let known = table.fields().iter().map(|field| field.name().as_str());
            let meant = did_you_mean(column, known).map_or(String::new(), |name| format!("; did you mean {name:?}?"));
            return Err(invalid(format!("no column {column:?}{meant}")).into());
        }
        if values[..index].iter().any(|(other, _)| other == column) {
            return Err(invalid(format!("column {column:?} is given two values")).into());
        }
        // One expression, and no more than that.
        check_condition(&format!("({value}\n) IS NULL"))?;
    }
    let columns = table.fields().iter().map(|field| {
        let column = quoted(field.name());
        match values.iter().find(|(name, _)| name == field.name()) {
            Some((_, value)) => {
                format!("CASE WHEN ({condition}\n) THEN ({value}\n) ELSE \"table\".{column} END AS {column}")
            }
            None => format!("\"table\".{column}"),
        }
    });
    Ok(format!("SELECT {} FROM \"table\"", columns.collect::<Vec<_>>().join(", ")))
}

/// The fields of an entry for a table of one file.
fn file_fields(written: &Draft) -> Result<Map<String, Value>> {
    let mut fields = Map::new();
    if let Some(payload) = &written.payload {
        fields = standing(payload);
        fields.insert("size_bytes".to_owned(), payload.size.into());
        if let Some(blocks) = &payload.blocks {
            fields.insert("blocks".to_owned(), json!({"filename": blocks.filename, "sha256": blocks.sha256}));
        }
    }
    fields.insert("num_rows".to_owned(), number(written, "num_rows").into());
    Ok(fields)
}

fn number(written: &Draft, field: &str) -> u64 {
    written.fields.get(field).and_then(Value::as_u64).unwrap_or_default()
}

/// The rows of a query with the types of a table.
struct AsTable {
    item: String,
    rows: QueryReader,
    schema: SchemaRef,
}

impl AsTable {
    fn conform(&self, batch: &RecordBatch) -> std::result::Result<RecordBatch, ArrowError> {
        let exact = CastOptions { safe: false, ..CastOptions::default() };
        let mismatch = |column: &str, reason: String| {
            let (item, column) = (self.item.clone(), column.to_owned());
            ArrowError::ExternalError(Box::new(HandlerError::SchemaMismatch { item, column, reason }))
        };
        let columns = batch.columns().iter().zip(self.schema.fields()).map(|(column, field)| {
            let of_type = field.data_type();
            let column = match column.data_type() == of_type || column.data_type() == &DataType::Null {
                true if column.data_type() == of_type => Arc::clone(column),
                true => arrow::array::new_null_array(of_type, column.len()),
                false => cast_with_options(column, of_type, &exact)
                    .map_err(|error| mismatch(field.name(), format!("a new value is not of its type: {error}")))?,
            };
            match !field.is_nullable() && column.null_count() > 0 {
                true => {
                    Err(mismatch(field.name(), "it must have a value in every row, and a new value is null".to_owned()))
                }
                false => Ok(column),
            }
        });
        let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(SchemaRef::clone(&self.schema), columns, &options)
    }
}

impl Iterator for AsTable {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.rows.next()?.and_then(|batch| self.conform(&batch)))
    }
}

impl RecordBatchReader for AsTable {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}
