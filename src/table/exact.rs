//! Tables whose columns SQL would confuse or change: refused where wrong values would come of it.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field, SchemaRef};
use datafolio_core::{ItemRecord, PARTS, item_type};
use datafolio_handlers::formats::types_within;
use datafolio_handlers::{HandlerError, TableReadOptions, read_table};

use crate::bundle::DataFolio;
use crate::error::Result;

/// Digits of the longest decimals that DuckDB has; those of others become floating-point numbers.
const DIGITS: u8 = 38;

/// Refuses columns whose names differ in case alone: SQL takes one for the other.
///
/// # Errors
/// [`HandlerError::Invalid`] with the names of two.
pub(crate) fn refuse_folded<'a>(item: &str, names: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let mut seen = HashMap::new();
    for name in names {
        if let Some(other) = seen.insert(name.to_lowercase(), name) {
            let reason = format!(
                "its columns '{other}' and '{name}' differ in case alone, and SQL does not tell them apart: rename one of them in a frame of the table, and store that"
            );
            return Err(HandlerError::Invalid { item: item.to_owned(), reason }.into());
        }
    }
    Ok(())
}

/// Refuses a column without a name: SQL has no word for it.
///
/// # Errors
/// [`HandlerError::Invalid`] with its place.
pub(super) fn refuse_unnamed(item: &str, names: &[String]) -> std::result::Result<(), HandlerError> {
    match names.iter().position(String::is_empty) {
        None => Ok(()),
        Some(at) => {
            let reason = format!(
                "its column {} has an empty name, and SQL has no word for it: name the others as `columns`",
                at + 1
            );
            Err(HandlerError::Invalid { item: item.to_owned(), reason })
        }
    }
}

/// Refuses columns whose values do not come back from SQL as they were.
///
/// # Errors
/// [`HandlerError::Invalid`] with the name of one.
pub(crate) fn refuse_inexact<'a>(
    item: &str,
    fields: impl IntoIterator<Item = &'a Field>,
) -> std::result::Result<(), HandlerError> {
    match fields.into_iter().find(|field| is_inexact(field.data_type())) {
        None => Ok(()),
        Some(field) => {
            let (column, of) = (field.name(), field.data_type());
            let reason =
                format!("its column '{column}' is {of}, and SQL has no more than {DIGITS} digits: leave it out");
            Err(HandlerError::Invalid { item: item.to_owned(), reason })
        }
    }
}

/// Whether a type has numbers, perhaps within others, that are longer than those of SQL.
fn is_inexact(of: &DataType) -> bool {
    match of {
        DataType::Decimal256(digits, _) => *digits > DIGITS,
        other => types_within(other).into_iter().any(is_inexact),
    }
}

impl DataFolio {
    /// Whether a table has columns that [`refuse_inexact`] refuses.
    pub(crate) fn has_inexact(&self, record: &ItemRecord) -> Result<bool> {
        // What the footers of a table say is known by the time that it is asked again; that of references is not kept.
        let is_kept = record.get(PARTS).is_none() && record.item_type() != item_type::REFERENCED_TABLE;
        let schema = match is_kept {
            true => SchemaRef::clone(&self.facts_of(record)?.schema),
            false => read_table(&self.handler_item(record), &TableReadOptions::default())?.schema(),
        };
        Ok(schema.fields().iter().any(|field| is_inexact(field.data_type())))
    }
}
