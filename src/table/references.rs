//! Tables that lie elsewhere, and whether they still are what was referenced.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use datafolio_core::{ItemRecord, item_type};
use datafolio_handlers::{ReferenceCheck, check_reference};
use serde::Serialize;

use crate::bundle::DataFolio;
use crate::error::{Error, Result};
use crate::settings::ChangedReferences;
use crate::view::is_view;

impl DataFolio {
    /// Looks at the targets of references: all of them, or those of the named items. Each tells whether its files are those
    /// that were referenced, by their sizes, times and both ends of their content: which came, went and changed, and
    /// what that did to the columns. No rows are read of Parquet and Arrow files.
    ///
    /// # Errors
    /// When an item is not there, or is no reference; a target that cannot be looked at is a state, no error.
    pub fn check_references<S: AsRef<str>>(&self, names: Option<&[S]>) -> Result<Vec<ReferenceCheck>> {
        let records = match names {
            Some(names) => names.iter().map(|name| self.record(name.as_ref())).collect::<Result<Vec<_>>>()?,
            None => {
                let state = self.state();
                let all = state.catalogue().current.values();
                let references = all.filter(|entry| entry.item_type() == item_type::REFERENCED_TABLE);
                references.map(|entry| Ok(entry.record()?)).collect::<Result<Vec<_>>>()?
            }
        };
        let checks = records.iter().map(|record| {
            if record.item_type() != item_type::REFERENCED_TABLE {
                let (item, found) = (record.name().to_owned(), record.item_type().to_owned());
                return Err(Error::WrongType { item, expected: "a referenced table", found });
            }
            Ok(check_reference(&self.handler_item(record)))
        });
        checks.collect()
    }
}

/// A reference whose files are not those that were referenced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedReference {
    /// The reference.
    pub name: String,
    /// What has become of its files.
    pub change: String,
}

impl fmt::Display for ChangedReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' is a reference, and {}", self.name, self.change)
    }
}

impl DataFolio {
    /// The references among what a table is read from (itself, or what a view reads) whose files are not those that were referenced,
    /// by a look at sizes and times. They are read as they are now, unless the settings refuse that: whoever shows their rows should say
    /// so. References on stores are not looked at here, but by [`DataFolio::check_references`].
    ///
    /// # Errors
    /// When there is no such item.
    pub fn changed_inputs(&self, name: &str) -> Result<Vec<ChangedReference>> {
        Ok(self.changed_among(vec![self.record(name)?]))
    }

    /// The same of the tables that an SQL query reads; `table` is the one that it calls `table`. A query that cannot run reads none.
    #[cfg(feature = "sql")]
    pub fn changed_inputs_of_query(&self, sql: &str, table: Option<&str>) -> Vec<ChangedReference> {
        let state = self.state();
        if !state.catalogue().entries().any(|entry| entry.item_type() == item_type::REFERENCED_TABLE) {
            return Vec::new();
        }
        let Ok(checked) = datafolio_sql::check(&datafolio_sql::quote_table(sql)) else { return Vec::new() };
        let records = checked.tables.iter().filter_map(|named| match table.filter(|_| named.is_table()) {
            Some(table) => self.record(table).ok(),
            None => self.resolve(named).ok().map(|(_, record)| record),
        });
        self.changed_among(records.collect())
    }

    /// Sees to it that a table that is about to be read is what was referenced, where the settings want that.
    pub(crate) fn refuse_changed(&self, record: &Arc<ItemRecord>) -> Result<()> {
        if self.settings().changed_references == ChangedReferences::Refuse
            && record.item_type() == item_type::REFERENCED_TABLE
            && let Some(changed) = self.changed_among(vec![Arc::clone(record)]).into_iter().next()
        {
            return Err(Error::ReferenceChanged(changed));
        }
        Ok(())
    }

    fn changed_among(&self, mut records: Vec<Arc<ItemRecord>>) -> Vec<ChangedReference> {
        let mut seen = HashSet::new();
        let mut changed = Vec::new();
        while let Some(record) = records.pop() {
            if !seen.insert(record.name().to_owned()) {
                continue;
            }
            if is_view(&record) {
                records.extend(record.inputs().into_iter().filter_map(|input| self.record(input).ok()));
            } else if record.item_type() == item_type::REFERENCED_TABLE
                && let Some(handler) = self.registry().for_type(record.item_type())
            {
                let notes = handler.notes(&self.handler_item(&record));
                let change = |(_, change)| ChangedReference { name: record.name().to_owned(), change };
                changed.extend(notes.into_iter().map(change));
            }
        }
        changed
    }
}
