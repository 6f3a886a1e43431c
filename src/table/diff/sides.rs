//! The two versions that are compared.

use std::collections::HashSet;
use std::sync::Arc;

use datafolio_core::ItemRecord;
use datafolio_handlers::{TableReadOptions, read_table};

use super::options::{DiffOptions, TableState};
use super::schema::Columns;
use crate::bundle::DataFolio;
use crate::error::{Error, Result};
use crate::table::content::{FileContent, files_of};

/// One version of a table.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) record: Arc<ItemRecord>,
    pub(super) version: String,
}

/// Both versions.
#[derive(Debug)]
pub(super) struct Sides {
    pub(super) from: Side,
    pub(super) to: Side,
    pub(super) columns: Columns,
    /// Whether the rows of both lie in the same files.
    pub(super) is_same: bool,
}

impl DataFolio {
    pub(super) fn sides(&self, name: &str, options: &DiffOptions) -> Result<Sides> {
        let to = match &options.to {
            Some(state) => self.side(name, state)?,
            None => Side { record: self.table_record(name, None)?, version: self.item_info(name)?.version },
        };
        let from = match &options.from {
            Some(state) => self.side(name, state)?,
            None => self.before(name, &to)?,
        };
        let (was, is) = (self.facts_of(&from.record)?, self.facts_of(&to.record)?);
        for (side, facts) in [(&from, &was), (&to, &is)] {
            let mut seen = HashSet::new();
            let is_wrong = |name: &String| facts.schema.column_with_name(name).is_none() || !seen.insert(name.clone());
            if options.key.iter().any(is_wrong) {
                // Reading such columns says what is wrong with them.
                let mut part = TableReadOptions::default();
                (part.columns, part.limit) = (Some(options.key.clone()), Some(0));
                read_table(&self.handler_item(&side.record), &part)?;
            }
        }
        let columns = Columns::of(name, &was.schema, &is.schema, &options.key)?;
        let is_same = match (files_of(&from.record), files_of(&to.record)) {
            (Some(from), Some(to)) => {
                let (from, to) = only_in_one(from, to);
                from.is_empty() && to.is_empty()
            }
            _ => false,
        };
        Ok(Sides { from, to, columns, is_same })
    }

    fn side(&self, name: &str, state: &TableState) -> Result<Side> {
        let current_in = |folio: &DataFolio| -> Result<Side> {
            Ok(Side { record: folio.table_record(name, None)?, version: folio.item_info(name)?.version })
        };
        match state {
            TableState::Version(id) => Ok(Side { record: self.table_record(name, Some(id))?, version: id.clone() }),
            TableState::Revision(revision) => current_in(&self.at_revision(*revision)?),
            TableState::Snapshot(snapshot) => current_in(&self.load_snapshot(snapshot)?),
        }
    }

    /// The version before another one.
    fn before(&self, name: &str, later: &Side) -> Result<Side> {
        let versions = self.versions(name)?;
        let mut older = versions.iter().skip_while(|version| version.version != later.version).skip(1);
        let version = older.next().map(|version| version.version.clone()).ok_or_else(|| {
            Error::Invalid(format!(
                "no version of table '{name}' before {} is known: name one to compare with",
                later.version
            ))
        })?;
        Ok(Side { record: self.table_record(name, Some(&version))?, version })
    }
}

/// The files that only one of two versions has: those of the same bytes cancel each other out, one for one.
fn only_in_one(from: Vec<FileContent>, mut to: Vec<FileContent>) -> (Vec<FileContent>, Vec<FileContent>) {
    let mut left = Vec::new();
    for file in from {
        match to.iter().position(|other| other.sha256 == file.sha256) {
            Some(place) => drop(to.swap_remove(place)),
            None => left.push(file),
        }
    }
    (left, to)
}
