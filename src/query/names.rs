//! What the names in a query stand for.

use std::sync::Arc;

use datafolio_core::{ItemRecord, did_you_mean};
use datafolio_sql::{Refusal, SqlError, TableName};

use crate::bundle::DataFolio;
use crate::error::{Error, ITEMS, Result};
use crate::table::is_table_entry;

/// Schemas and databases that DuckDB has of its own.
const RESERVED: [&str; 6] = ["main", "memory", "temp", "system", "information_schema", "pg_catalog"];

/// The one of several names that one in SQL stands for, where case does not count.
///
/// # Errors
/// Several that differ in case alone: which was meant is not guessed, even where one is written alike, since DuckDB would not
/// tell them apart.
pub(super) fn find<'a>(
    wanted: &str,
    names: impl Iterator<Item = &'a str>,
    what: &'static str,
) -> Result<Option<&'a str>> {
    let folded = wanted.to_lowercase();
    let mut found = names.filter(|name| name.to_lowercase() == folded);
    let Some(first) = found.next() else { return Ok(None) };
    let others: Vec<&str> = found.collect();
    if others.is_empty() {
        return Ok(Some(first));
    }
    let all: Vec<String> = std::iter::once(first).chain(others).map(|name| format!("'{name}'")).collect();
    Err(Error::AmbiguousName { name: wanted.to_owned(), what, candidates: all.join(" and ") })
}

impl DataFolio {
    /// The table that a name in SQL stands for, and the handle that sees it.
    pub(crate) fn resolve(&self, table: &TableName) -> Result<(Option<DataFolio>, Arc<ItemRecord>)> {
        match table.schema.as_deref() {
            None => Ok((None, self.named(table)?)),
            Some(schema) => {
                let state = self.state();
                let snapshots = || state.catalogue().snapshots.keys().map(String::as_str);
                let snapshot = find(schema, snapshots(), "snapshots")?;
                let is_reserved = RESERVED.iter().any(|name| schema.eq_ignore_ascii_case(name));
                match (snapshot, is_reserved) {
                    (Some(snapshot), true) => Err(Error::AmbiguousName {
                        name: schema.to_owned(),
                        what: "snapshots and schemas",
                        candidates: format!("snapshot '{snapshot}' and DuckDB's schema '{}'", schema.to_lowercase()),
                    }),
                    (Some(snapshot), false) => {
                        let folio = self.load_snapshot(snapshot)?;
                        let record = folio.named(table).map_err(|error| within(snapshot, error))?;
                        Ok((Some(folio), record))
                    }
                    (None, _) if schema.eq_ignore_ascii_case("main") => Ok((None, self.named(table)?)),
                    (None, true) => {
                        let reason = format!(
                            "{}.{} is a table of DuckDB's own: SHOW TABLES lists the tables of the bundle",
                            schema.to_lowercase(),
                            table.name
                        );
                        Err(SqlError::Refused { place: table.place, refusal: Refusal::Describe, reason }.into())
                    }
                    (None, _) => {
                        let suggestion = did_you_mean(schema, snapshots()).map(str::to_owned);
                        Err(Error::NoSuchSchema { name: schema.to_owned(), place: table.place, suggestion })
                    }
                }
            }
        }
    }

    fn named(&self, table: &TableName) -> Result<Arc<ItemRecord>> {
        let (state, name) = (self.state(), table.name.as_str());
        let names = || state.catalogue().current.keys();
        match find(name, names(), ITEMS)? {
            Some(name) => self.table_record(name, None),
            None => {
                let tables = state.catalogue().current.values().filter(|entry| is_table_entry(entry));
                let suggestion = did_you_mean(name, tables.map(|entry| entry.name())).map(str::to_owned);
                Err(Error::NoSuchTable { name: name.to_owned(), place: table.place, suggestion })
            }
        }
    }
}

/// A table that a snapshot does not have, by the name that it would have in SQL.
fn within(snapshot: &str, error: Error) -> Error {
    let full = |name: String| format!("{snapshot}.{name}");
    match error {
        Error::NoSuchTable { name, place, suggestion } => {
            Error::NoSuchTable { name: full(name), place, suggestion: suggestion.map(full) }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_count_and_is_never_guessed() {
        let names = ["flights", "Results", "results"];
        let found = |wanted| find(wanted, names.into_iter(), ITEMS);
        assert_eq!(found("FLIGHTS").unwrap(), Some("flights"));
        assert_eq!(found("none").unwrap(), None);
        let error = found("results").unwrap_err().to_string();
        assert!(error.contains("'Results' and 'results'"), "{error}");
    }
}
