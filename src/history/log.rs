//! Who changed what, and opening the bundle as it was.

use std::ops::Deref;
use std::sync::Arc;

use datafolio_core::history::{CommitKind, HistoryEntry};
use datafolio_core::{Catalogue, Difference, Layout, difference};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::bundle::state::State;
use crate::bundle::{DataFolio, Mode};
use crate::error::Result;
use crate::history::names::Names;
use crate::history::walk::{Break, Walk};
use crate::history::{external, rebuild};

/// One commit.
#[derive(Debug, Clone, Serialize)]
pub struct LogEntry {
    /// The revision it made.
    pub revision: u64,
    /// Its random id; `None` for what another program wrote and no commit has recorded yet.
    pub id: Option<String>,
    /// What made it.
    pub kind: CommitKind,
    /// When.
    pub timestamp: String,
    /// Who and where.
    pub writer: Map<String, Value>,
    /// What was done, in a few words.
    pub operation: String,
    /// What changed, by name.
    pub changes: Difference,
}

impl LogEntry {
    fn of(entry: HistoryEntry) -> Self {
        if entry.kind == CommitKind::Migration {
            // Every entry is written anew, and says what it said before.
            return Self { changes: Difference::default(), ..Self::plain(entry) };
        }
        Self::plain(entry)
    }

    fn plain(entry: HistoryEntry) -> Self {
        Self {
            revision: entry.revision,
            id: Some(entry.commit.id),
            kind: entry.kind,
            timestamp: entry.timestamp,
            writer: entry.writer,
            operation: entry.operation,
            changes: entry.changes,
        }
    }

    /// Whether the commit left this snapshot as one that was not there before, or another than before.
    fn made_snapshot(&self, snapshot: &str) -> bool {
        self.changes.snapshots.iter().any(|change| !change.starts_with('-') && change.get(1..) == Some(snapshot))
    }

    /// Whether the commit changed this item.
    pub fn touches(&self, item: &str) -> bool {
        self.changes.items.iter().any(|change| change.name == item || change.renamed_from.as_deref() == Some(item))
    }
}

/// A commit of which nothing is known but that there was one: its entry in the history is missing or damaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogBreak {
    /// The revision it made.
    pub revision: u64,
    /// Its id.
    pub id: String,
    /// A stable kebab-case code.
    pub code: String,
    /// What is wrong.
    pub reason: String,
}

impl LogBreak {
    pub(crate) fn of(found: Break) -> Self {
        Self {
            revision: found.commit.revision,
            id: found.commit.id,
            code: found.error.code().to_owned(),
            reason: found.error.to_string(),
        }
    }
}

/// The commits that led to a state, newest first, and where the history is broken. Reads as the list of its entries.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// The commits that are on record.
    pub entries: Vec<LogEntry>,
    /// Those among them whose entries cannot be read. Where the chain goes on behind one may be a guess.
    pub breaks: Vec<LogBreak>,
}

impl Log {
    /// The commits that changed an item, also under the names it had before it was renamed.
    #[must_use]
    pub fn of_item(mut self, item: &str) -> Self {
        let mut names = Names::of(item);
        self.entries.retain(|entry| {
            let touched = names.touched_by(&entry.changes);
            names.before(&entry.changes);
            touched
        });
        self
    }
}

impl Deref for Log {
    type Target = [LogEntry];

    fn deref(&self) -> &[LogEntry] {
        &self.entries
    }
}

impl IntoIterator for Log {
    type Item = LogEntry;
    type IntoIter = std::vec::IntoIter<LogEntry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<'a> IntoIterator for &'a Log {
    type Item = &'a LogEntry;
    type IntoIter = std::slice::Iter<'a, LogEntry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter()
    }
}

impl DataFolio {
    /// The commits that led to the state which the handle sees, newest first, as far as the history is kept, and at most so
    /// many. For a snapshot that is the state in which it was made. Damage in the history does not end the log: it is marked,
    /// and what is behind it follows as far as it can be told.
    ///
    /// # Errors
    /// When the storage cannot be listed.
    pub fn log(&self, limit: usize) -> Result<Log> {
        let head = self.head();
        let mut walk = Walk::from_head(self.storage().as_ref(), &head)?.peekable();
        let unrecorded = self.unrecorded(&head, walk.peek().and_then(|step| step.as_ref().ok()))?;
        // The head comes before an earlier state; its commits are passed over.
        let mut is_reached = matches!(self.mode(), Mode::ReadWrite | Mode::ReadOnly);
        let mut log = Log::default();
        for step in unrecorded.into_iter().map(Ok).chain(walk.map(|step| step.map(LogEntry::of))) {
            if log.entries.len() >= limit {
                break;
            }
            let revision = step.as_ref().map_or_else(|found| found.commit.revision, |entry| entry.revision);
            is_reached = is_reached
                || match self.mode() {
                    Mode::Revision(wanted) => revision <= *wanted,
                    Mode::Snapshot(snapshot) => step.as_ref().is_ok_and(|entry| entry.made_snapshot(snapshot.name())),
                    Mode::ReadWrite | Mode::ReadOnly => true,
                };
            match step {
                _ if !is_reached => {}
                Ok(entry) => log.entries.push(entry),
                Err(found) => log.breaks.push(LogBreak::of(found)),
            }
        }
        Ok(log)
    }

    /// What another program has written that no commit has recorded yet; `last` is the latest commit.
    fn unrecorded(&self, state: &State, last: Option<&HistoryEntry>) -> Result<Option<LogEntry>> {
        let catalogue = state.catalogue();
        if catalogue.commit.is_some() || catalogue.layout == Layout::V1 || catalogue.revision == 0 {
            return Ok(None);
        }
        // The same state, recorded by a commit that then failed.
        if last.is_some_and(|last| last.revision == catalogue.revision) {
            return Ok(None);
        }
        let before = external::last_before(self.storage().as_ref(), state, catalogue.revision)?;
        let before = before.map_or_else(|| Arc::new(Catalogue::empty()), |(_, before)| Arc::clone(before.catalogue()));
        let timestamp = catalogue.metadata_value("updated_at").and_then(|value| value.as_str().map(str::to_owned));
        Ok(Some(LogEntry {
            revision: catalogue.revision,
            id: None,
            kind: CommitKind::External,
            timestamp: timestamp.unwrap_or_default(),
            writer: Map::new(),
            operation: "written by another program".to_owned(),
            changes: difference(&before, catalogue),
        }))
    }

    /// Opens the bundle as it was at a revision, for reading.
    ///
    /// # Errors
    /// [`Error::RevisionNotFound`](crate::Error::RevisionNotFound) when the revision never was, or is no longer kept.
    pub fn at_revision(&self, revision: u64) -> Result<DataFolio> {
        let published = rebuild::at_revision(self.storage().as_ref(), &self.state(), revision)?;
        Ok(self.detached(State::new(published, None), Mode::Revision(revision)))
    }
}
