//! Rows that give types to columns of a table which had no value yet.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafolio_core::{ItemRecord, counted};
use datafolio_handlers::formats::{ImportOptions, open_table};
use datafolio_handlers::{Data, OrderedCategories, TableReadOptions, fit_rows, read_merged, rows_behind, typed_by};

use super::append::{AppendOptions, Appended};
use super::parts::{Place, file_fields, number};
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
        let rows = number(&written, "num_rows").saturating_sub(record.u64("num_rows").unwrap_or_default());
        let appended = Appended::of(record, table, &written, rows, 1)?;
        if rows == 0 {
            return Ok(Typed::Done(appended));
        }
        let mut fields = file_fields(&written);
        fields.extend(written.fields);
        let inputs = (options.add.inputs.as_slice(), self.versions_read(&options.add.inputs));
        self.put_files(record, fields, inputs, format!("append {} to {name}", counted(rows, "row")))?;
        Ok(Typed::Done(appended))
    }
}
