//! Undoing a commit with another one.

use std::sync::Arc;

use datafolio_core::history::CommitKind;
use datafolio_core::{Assumed, Catalogue, Change, Key, difference};

use crate::bundle::DataFolio;
use crate::error::{Error, Result};
use crate::history::chain::Walk;
use crate::history::rebuild;

impl DataFolio {
    /// Undoes a commit, the latest one when no revision is given: what it changed becomes again what it was before. That is
    /// a commit of its own; undoing it brings the change back.
    ///
    /// # Errors
    /// [`Error::CannotUndo`] when a later commit has changed one of the same things, or nothing is known of the state
    /// before; [`Error::PayloadGone`] when the file of an old version is no longer there.
    pub fn undo(&self, revision: Option<u64>) -> Result<u64> {
        self.require_writable("undo")?;
        let mut undone = self.revision();
        self.once(|batch| {
            let head = Arc::clone(batch.base());
            let storage = self.storage().as_ref();
            let revision = revision.unwrap_or(head.catalogue().revision);
            undone = revision;
            let refuse = |reason: String| Error::CannotUndo { revision, reason };
            let entry = Walk::from_head(storage, &head)?
                .find(|entry| entry.as_ref().map_or(true, |entry| entry.revision <= revision))
                .transpose()?
                .filter(|entry| entry.revision == revision)
                .ok_or_else(|| refuse("the history has no entry for it".to_owned()))?;
            if entry.kind == CommitKind::Migration {
                return Err(refuse("it changed the layout of the bundle".to_owned()));
            }
            let parent = entry.parent.as_ref().ok_or_else(|| refuse("it created the bundle".to_owned()))?;
            let before = rebuild::at_revision(storage, &head, parent.revision)?.catalogue;
            let after = rebuild::at_revision(storage, &head, revision)?.catalogue;
            for change in inverse(&before, &after, head.catalogue()).map_err(refuse)? {
                batch.change(change, String::new())?;
            }
            batch.name(format!("undo revision {revision} ({})", entry.operation));
            Ok(())
        })?;
        Ok(undone)
    }
}

/// The changes that take each key which differs between two states back to the earlier one, if the head still has the
/// later one.
fn inverse(before: &Catalogue, after: &Catalogue, head: &Catalogue) -> std::result::Result<Vec<Change>, String> {
    let mut changes = Vec::new();
    for key in difference(before, after).keys() {
        if !Assumed::of(after, &key).same_as(&Assumed::of(head, &key)) {
            return Err(format!("a later commit has changed {key}; undo that one first"));
        }
        match key {
            Key::Item(name) => {
                let entry = before.current.get(name.as_str()).cloned();
                changes.push(Change::Repoint { name, entry });
            }
            Key::Metadata(key) => {
                let value = before.metadata.get(&key).cloned();
                changes.push(Change::SetMetadata { key, value });
            }
            Key::Snapshot(name) => match before.snapshots.get(&name) {
                None => changes.push(Change::DeleteSnapshot { name }),
                Some(snapshot) => {
                    let entries = before.snapshot_entries(&name).map_err(|error| error.to_string())?;
                    changes.push(Change::RevertSnapshot {
                        snapshot: Arc::clone(snapshot),
                        // What was lost before the snapshot was deleted stays lost.
                        entries: entries.into_values().filter_map(Result::ok).collect(),
                    });
                }
            },
        }
    }
    if changes.is_empty() {
        return Err("it changed nothing that could be changed back".to_owned());
    }
    Ok(changes)
}
