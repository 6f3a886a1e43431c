//! Views: items that hold no rows, but a query that is run when they are read.

#[cfg(not(feature = "sql"))]
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
#[cfg(not(feature = "sql"))]
use arrow::datatypes::{DataType, Field, Schema};
use datafolio_core::{Entry, ItemRecord, item_type};
use datafolio_handlers::{HandlerError, column_places};
use serde::{Deserialize, Serialize};

use crate::error::Result;

#[cfg(feature = "sql")]
mod add;
mod frame;
#[cfg(feature = "sql")]
mod read;
#[cfg(not(feature = "sql"))]
#[path = "without.rs"]
mod read;

#[cfg(feature = "sql")]
pub(crate) use add::cycle_through;

/// The field of an entry that makes it a view.
pub(crate) const VIEW: &str = "view";
/// The language of queries.
#[cfg(feature = "sql")]
const SQL: &str = "sql";
/// The language of states of frames, which are JSON.
pub(crate) const FRAME: &str = "frame";

/// What a view is: its text, and the columns that it had when it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The language of the text: `sql`, or `frame` for the state of a frame.
    pub language: String,
    /// The query, or the state as JSON.
    pub text: String,
    /// Its columns, in order.
    pub columns: Vec<ViewColumn>,
}

/// A column of a view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewColumn {
    /// Its name.
    pub name: String,
    /// Its type, as Arrow names it.
    #[serde(rename = "type")]
    pub arrow_type: String,
}

impl View {
    /// The query, which is SQL.
    ///
    /// # Errors
    /// Another language.
    #[cfg(feature = "sql")]
    pub(crate) fn sql(&self, item: &str) -> Result<&str> {
        match self.language.as_str() {
            SQL => Ok(&self.text),
            other => Err(HandlerError::Unsupported {
                what: format!("view '{item}' in the language {other:?}"),
                needs: "the release that wrote it".to_owned(),
            }
            .into()),
        }
    }

    /// The columns that the view had when it was made.
    #[cfg(not(feature = "sql"))]
    pub(crate) fn schema(&self, item: &str) -> Result<SchemaRef> {
        let field = |column: &ViewColumn| match column.arrow_type.parse::<DataType>() {
            Ok(data_type) => Ok(Field::new(&column.name, data_type, true)),
            Err(error) => Err(damaged(item, format!("the type of its column {:?}: {error}", column.name))),
        };
        Ok(Arc::new(Schema::new(self.columns.iter().map(field).collect::<Result<Vec<_>, _>>()?)))
    }
}

fn damaged(item: &str, reason: impl std::fmt::Display) -> HandlerError {
    HandlerError::Damaged { item: item.to_owned(), reason: format!("as a view: {reason}") }
}

/// Sees to it that the columns of a view that are asked for are there, as those of a stored table have to be.
fn check_columns(view: &str, schema: &SchemaRef, wanted: &[String]) -> Result<()> {
    let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    column_places(view, &columns, wanted)?;
    Ok(())
}

/// Whether a version is a view.
pub(crate) fn is_view(record: &ItemRecord) -> bool {
    record.item_type() == item_type::JSON_DATA && record.get(VIEW).is_some_and(|view| !view.is_null())
}

/// Whether an entry is a view; most are none by their text alone, which is not parsed for that.
pub(crate) fn is_view_entry(entry: &Entry) -> bool {
    entry.item_type() == item_type::JSON_DATA
        && entry.text().contains("\"view\"")
        && entry.record().is_ok_and(|record| is_view(&record))
}

/// The view that a version is; `None` for other items.
///
/// # Errors
/// A field `view` that says no view.
pub(crate) fn view_of(record: &ItemRecord) -> Result<Option<View>> {
    match record.get(VIEW).filter(|_| is_view(record)) {
        None => Ok(None),
        Some(view) => Ok(Some(View::deserialize(view).map_err(|error| damaged(record.name(), error))?)),
    }
}

/// The name that an input has now which a view was written with under another: the list of inputs follows a rename, the text does
/// not.
#[cfg(feature = "sql")]
pub(crate) fn renamed_input(record: &ItemRecord, written: &str) -> Option<String> {
    let view = view_of(record).ok()??;
    let checked = datafolio_sql::check(&datafolio_sql::Quoted::unchanged(&view.text)).ok()?;
    let place = add::names_of(&checked).iter().position(|name| name.eq_ignore_ascii_case(written))?;
    let now = record.strings("inputs").get(place).map(|name| (*name).to_owned())?;
    (!now.eq_ignore_ascii_case(written)).then_some(now)
}
