//! Tables whose columns SQL would confuse or change: refused where wrong values would come of it.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field};
use datafolio_handlers::HandlerError;

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
                "its columns '{other}' and '{name}' differ in case alone, and SQL does not tell them apart: rename one of them"
            );
            return Err(HandlerError::Invalid { item: item.to_owned(), reason }.into());
        }
    }
    Ok(())
}

/// Refuses columns whose values do not come back from SQL as they were.
///
/// # Errors
/// [`HandlerError::Invalid`] with the name of one.
pub(crate) fn refuse_inexact<'a>(item: &str, fields: impl IntoIterator<Item = &'a Field>) -> Result<()> {
    let is_long = |field: &&Field| matches!(field.data_type(), DataType::Decimal256(digits, _) if *digits > DIGITS);
    match fields.into_iter().find(is_long) {
        None => Ok(()),
        Some(field) => {
            let (column, of) = (field.name(), field.data_type());
            let reason =
                format!("its column '{column}' is {of}, and SQL has no more than {DIGITS} digits: leave it out");
            Err(HandlerError::Invalid { item: item.to_owned(), reason }.into())
        }
    }
}
