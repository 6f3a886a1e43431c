//! The two versions that are compared.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafolio_core::{ItemRecord, PARTS};
use datafolio_handlers::{TableReadOptions, read_table};

use super::options::{DiffOptions, TableState};
use super::schema::Columns;
use crate::bundle::DataFolio;
use crate::error::{Error, Result};
use crate::table::content::{FileContent, files_of};
use crate::table::parts::table_of;
use crate::view::is_view;

/// One version of a table.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) record: Arc<ItemRecord>,
    pub(super) version: String,
    /// The version without the files that both have.
    pub(super) rest: Arc<ItemRecord>,
}

impl Side {
    fn new(record: Arc<ItemRecord>, version: String) -> Self {
        Self { rest: Arc::clone(&record), record, version }
    }

    /// Leaves all files but these out.
    fn keep(&mut self, files: &[FileContent]) -> Result<()> {
        if let Some(parts) = self.record.parts()? {
            let kept: Vec<_> = files.iter().filter_map(|file| parts.get(file.place)).cloned().collect();
            self.rest = Arc::new(table_of(&self.record, &kept));
        }
        Ok(())
    }
}

/// Both versions.
#[derive(Debug)]
pub(super) struct Sides {
    pub(super) from: Side,
    pub(super) to: Side,
    pub(super) columns: Columns,
    /// Whether the rows of both lie in the same files.
    pub(super) is_same: bool,
    /// Rows of the files that both have, which are not read.
    pub(super) skipped_rows: u64,
}

impl DataFolio {
    pub(super) fn sides(&self, name: &str, options: &DiffOptions) -> Result<Sides> {
        let mut to = match &options.to {
            Some(state) => self.side(name, state)?,
            None => Side::new(self.table_record(name, None)?, self.item_info(name)?.version),
        };
        if is_view(&to.record) {
            let found = "a view: store its rows with derive to compare them".to_owned();
            return Err(Error::WrongType { item: name.to_owned(), expected: "a stored table", found });
        }
        let mut from = match &options.from {
            Some(state) => self.side(name, state)?,
            None => self.before(name, &to)?,
        };
        let (was, is) = (self.columns_of(&from.record)?, self.columns_of(&to.record)?);
        for (side, columns) in [(&from, &was), (&to, &is)] {
            let mut seen = HashSet::new();
            let is_wrong = |name: &String| columns.column_with_name(name).is_none() || !seen.insert(name.clone());
            if options.key.iter().any(is_wrong) {
                // Reading such columns says what is wrong with them.
                let mut part = TableReadOptions::default();
                (part.columns, part.limit) = (Some(options.key.clone()), Some(0));
                read_table(&self.handler_item(&side.record), &part)?;
            }
        }
        let columns = Columns::of(name, &was, &is, &options.key)?;
        let (mut is_same, mut skipped_rows) = (false, 0);
        if let (Some(was), Some(is)) = (files_of(&from.record), files_of(&to.record)) {
            let mut files = Compared::new(was, is);
            is_same = files.from.is_empty() && files.to.is_empty();
            if !is_same {
                files.leave_none_empty();
                from.keep(&files.from)?;
                to.keep(&files.to)?;
                skipped_rows = files.in_both.iter().filter_map(|(file, _)| file.rows).sum();
            }
        }
        Ok(Sides { from, to, columns, is_same, skipped_rows })
    }

    /// The columns of a version. Of a table of several parts one file tells them.
    pub(super) fn columns_of(&self, record: &ItemRecord) -> Result<SchemaRef> {
        match record.get(PARTS) {
            Some(_) => Ok(read_table(&self.handler_item(record), &TableReadOptions::default())?.schema()),
            None => Ok(SchemaRef::clone(&self.facts_of(record)?.schema)),
        }
    }

    fn side(&self, name: &str, state: &TableState) -> Result<Side> {
        let current_in = |folio: &DataFolio, state: String| -> Result<Side> {
            if !folio.contains(name) {
                return Err(Error::Invalid(format!(
                    "{state} has no item '{name}': name another state to compare with"
                )));
            }
            Ok(Side::new(folio.table_record(name, None)?, folio.item_info(name)?.version))
        };
        match state {
            TableState::Version(id) => Ok(Side::new(self.table_record(name, Some(id))?, id.clone())),
            TableState::Revision(revision) => current_in(&self.at_revision(*revision)?, format!("revision {revision}")),
            TableState::Snapshot(snapshot) => {
                current_in(&self.load_snapshot(snapshot)?, format!("snapshot '{snapshot}'"))
            }
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
        Ok(Side::new(self.table_record(name, Some(&version))?, version))
    }
}

/// The files of two versions: those of the same bytes cancel each other out, one for one.
struct Compared {
    from: Vec<FileContent>,
    to: Vec<FileContent>,
    in_both: Vec<(FileContent, FileContent)>,
}

impl Compared {
    fn new(from: Vec<FileContent>, mut to: Vec<FileContent>) -> Self {
        let (mut left, mut in_both) = (Vec::new(), Vec::new());
        for file in from {
            match to.iter().position(|other| other.sha256 == file.sha256) {
                Some(place) => in_both.push((file, to.remove(place))),
                None => left.push(file),
            }
        }
        Self { from: left, to, in_both }
    }

    /// A table has a file: where one side has none left, the smallest of those that both have is read on both.
    fn leave_none_empty(&mut self) {
        if !self.from.is_empty() && !self.to.is_empty() {
            return;
        }
        let smallest = (0..self.in_both.len()).min_by_key(|place| self.in_both[*place].0.rows.unwrap_or(u64::MAX));
        if let Some(place) = smallest {
            let (from, to) = self.in_both.swap_remove(place);
            self.from.push(from);
            self.to.push(to);
        }
    }
}
