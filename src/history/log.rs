//! Who changed what, and opening the bundle as it was.

use datafolio_core::history::{CommitKind, HistoryEntry};
use datafolio_core::{Catalogue, Difference, Layout, difference};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::bundle::state::State;
use crate::bundle::{DataFolio, Mode};
use crate::error::Result;
use crate::history::chain::Walk;
use crate::history::rebuild;

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

    /// Whether the commit changed this item.
    pub fn touches(&self, item: &str) -> bool {
        self.changes.items.iter().any(|change| change.name == item || change.renamed_from.as_deref() == Some(item))
    }
}

impl DataFolio {
    /// The commits that led to the state which the handle sees, newest first, as far as the history is kept.
    ///
    /// # Errors
    /// When an entry is damaged; what came before it is out of reach.
    pub fn log(&self, limit: usize) -> Result<Vec<LogEntry>> {
        let state = self.state();
        let mut entries: Vec<LogEntry> = self.unrecorded(&state)?.into_iter().collect();
        for entry in Walk::from_head(self.storage().as_ref(), &state)? {
            if entries.len() >= limit {
                break;
            }
            let entry = entry?;
            // The same state, recorded by a commit that then failed.
            if entries.first().is_some_and(|first| first.id.is_none() && first.revision == entry.revision) {
                entries.clear();
            }
            entries.push(LogEntry::of(entry));
        }
        entries.truncate(limit);
        Ok(entries)
    }

    /// What another program has written that no commit has recorded yet.
    fn unrecorded(&self, state: &State) -> Result<Option<LogEntry>> {
        let catalogue = state.catalogue();
        if catalogue.commit.is_some() || catalogue.layout == Layout::V1 || catalogue.revision == 0 {
            return Ok(None);
        }
        let last = Walk::from_head(self.storage().as_ref(), state)?.next().transpose()?;
        let before = match last {
            Some(entry) => rebuild::from_checkpoint(self.storage().as_ref(), &entry.commit_ref())
                .map(|published| (*published.catalogue).clone())
                .unwrap_or_else(|_| Catalogue::empty()),
            None => Catalogue::empty(),
        };
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
