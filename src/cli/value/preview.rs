//! The first rows of a table, for people and as JSON.

use std::fmt::Write;

use arrow::array::{RecordBatch, RecordBatchIterator};
use arrow::datatypes::Schema;
use arrow::json::writer::{JsonArray, WriterBuilder};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafolio_handlers::{HandlerError, arrow_field_type_name};
use serde_json::{Value, json};

use super::super::failure::Outcome;
use super::super::output::Output;
use super::super::table::Table;
use super::rows::{self, Part, Rows};
use super::times::{WITHOUT_TEXT, refuse_without_text};
use crate::error::Error;

/// Longest text of a cell.
const CELL: usize = 60;

/// The columns of a table: names and types.
pub(in crate::cli) fn columns(schema: &Schema) -> Vec<(String, String)> {
    schema.fields().iter().map(|field| (field.name().clone(), arrow_field_type_name(field))).collect()
}

/// What is left of a table below the rows that were shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Rest {
    /// Nothing.
    None,
    /// At least one row.
    Some,
}

/// Shows the first rows, at most so many, as a list with columns. One more is read than is shown, to know whether there
/// are more: what an entry says of that may be wrong.
pub(in crate::cli) fn show_first(rows: Rows, limit: usize, out: &mut Output) -> Outcome<(usize, Rest)> {
    let part = Part { limit: Some(limit.saturating_add(1)), ..Part::default() };
    let rows = rows::part(rows, &part)?;
    let schema = rows.schema();
    let mut batches = Vec::new();
    let mut left = limit;
    let mut rest = Rest::None;
    for batch in rows {
        let batch = batch.map_err(Error::from)?;
        if batch.num_rows() > left {
            rest = Rest::Some;
        }
        let shown = batch.num_rows().min(left);
        left -= shown;
        batches.push(Ok(batch.slice(0, shown)));
    }
    let shown = show(Box::new(RecordBatchIterator::new(batches, schema)), out)?;
    Ok((shown, rest))
}

/// Shows rows as a list with columns.
pub(in crate::cli) fn show(rows: Rows, out: &mut Output) -> Outcome<usize> {
    let schema = rows.schema();
    let header: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mut table = Table::rows(out, &header);
    let mut count = 0;
    for batch in rows {
        let batch = batch.map_err(Error::from)?;
        count += batch.num_rows();
        for cells in cells(&batch)? {
            table.row(cells);
        }
    }
    table.print(out)?;
    Ok(count)
}

fn cells(batch: &RecordBatch) -> Outcome<Vec<Vec<String>>> {
    let options = FormatOptions::default().with_null("null").with_display_error(false);
    let formatters = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
        .collect::<Result<Vec<_>, _>>()
        .map_err(HandlerError::from)?;
    let mut rows = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        rows.push(formatters.iter().map(|formatter| shortened(&formatter.value(row))).collect());
    }
    Ok(rows)
}

fn shortened(value: &impl std::fmt::Display) -> String {
    let mut text = String::new();
    // Writing to a string fails only when the value itself cannot be shown.
    if write!(text, "{value}").is_err() {
        return WITHOUT_TEXT.to_owned();
    }
    match text.char_indices().nth(CELL) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Rows as a JSON array of objects.
pub(in crate::cli) fn json(rows: Rows) -> Outcome<Value> {
    let columns: Vec<Value> =
        columns(&rows.schema()).into_iter().map(|(name, of)| json!({"name": name, "type": of})).collect();
    let mut bytes = Vec::new();
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(&mut bytes);
    let mut count = 0;
    for batch in rows {
        let batch = batch.map_err(Error::from)?;
        refuse_without_text(&batch, count)?;
        count += batch.num_rows();
        writer.write(&batch).map_err(HandlerError::from)?;
    }
    writer.finish().map_err(HandlerError::from)?;
    let rows: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Ok(json!({"columns": columns, "rows": if rows.is_null() { json!([]) } else { rows }}))
}
