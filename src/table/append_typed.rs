//! Rows that give types to columns of a table which had no value yet.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafolio_core::{ItemRecord, counted};
use datafolio_handlers::formats::{ImportOptions, open_table};
use datafolio_handlers::{
    Data, OrderedCategories, TableReadOptions, fit_rows, read_merged, rows_behind, stored_files, typed_by,
};

use super::append::{AppendOptions, Appended};
use super::parts::{Place, column_types, file_fields, is_derived, number};
use crate::bundle::Batch;
use crate::error::Result;

/// What became of rows that perhaps give types.
pub(super) enum Typed {
    /// They did, and are there.
    Done(Appended),
    /// There is no type to be given.
    Not(Data),
}

impl Batch<'_> {
    /// Adds rows that give types to columns of a table: all of it is written anew, with these types.
    pub(super) fn append_typed(
        &mut self,
        record: &Arc<ItemRecord>,
        table: &SchemaRef,
        data: Data,
        options: &AppendOptions,
    ) -> Result<Typed> {
        if !table.fields().iter().any(|field| field.data_type().is_null()) {
            return Ok(Typed::Not(data));
        }
        let rows = match data {
            Data::ParquetFile(path) => open_table(&path, &ImportOptions::default())?,
            Data::Table(rows) => rows,
            // Text is read with the types of the table.
            other => return Ok(Typed::Not(other)),
        };
        let Some(typed) = typed_by(table, &rows.schema()) else { return Ok(Typed::Not(Data::Table(rows))) };
        let name = record.name();
        let item = self.folio().handler_item(record);
        let categories = OrderedCategories::of(&item, table)?;
        let further = fit_rows(name, &typed, rows, options.evolve, &categories)?;
        let before = read_merged(&item, &TableReadOptions::default())?;
        let written = self.stage_table(record, Place::Whole, |write| write(rows_behind(before, further)))?;
        let num_rows = number(&written, "num_rows");
        let rows = num_rows.saturating_sub(record.u64("num_rows").unwrap_or_default());
        let columns = column_types(&written.fields);
        let new_columns = columns.keys().filter(|name| table.fields().find(name).is_none()).cloned().collect();
        let appended = Appended {
            name: name.to_owned(),
            rows,
            size_bytes: written.payload.as_ref().map_or(0, |payload| payload.size),
            created: false,
            new_columns,
            num_rows,
            parts: 1,
            was_derived: rows > 0 && is_derived(record),
            compacted: None,
        };
        if rows == 0 {
            // Nothing comes, and nothing changes; the file goes with the batch.
            let parts = stored_files(record)?.len();
            return Ok(Typed::Done(Appended { parts, size_bytes: 0, new_columns: Vec::new(), ..appended }));
        }
        let mut fields = file_fields(&written);
        fields.extend(written.fields);
        let inputs = (options.add.inputs.as_slice(), self.versions_read(&options.add.inputs));
        self.put_files(record, fields, inputs, format!("append {} to {name}", counted(rows, "row")))?;
        Ok(Typed::Done(appended))
    }
}
