//! Walking the chain of commits backwards, past breaks in it.

use std::collections::HashSet;
use std::sync::Arc;

use datafolio_core::history::{CommitKind, CommitRef, HistoryEntry, HistoryFile};
use datafolio_core::{CatalogueFiles, Layout, SealCheck, parse_catalogue, patch};
use datafolio_storage::{Storage, StorageError};

use crate::bundle::state::State;
use crate::error::{Error, Result};
use crate::history::chain::{damaged, files, list, read_entry};
use crate::history::{external, rebuild};

/// A commit of the chain whose entry is missing or cannot be read.
#[derive(Debug)]
pub(crate) struct Break {
    /// The commit.
    pub(crate) commit: CommitRef,
    /// Why.
    pub(crate) error: Box<Error>,
}

impl From<Break> for Error {
    fn from(found: Break) -> Self {
        *found.error
    }
}

/// Walks the chain from the head backwards: each entry, then the one that it names as its parent.
///
/// The chain ends at the first commit, or where garbage collection has ended it: where nothing older is left. It may end at
/// a repair too. Any other entry that is missing, and one that is damaged, is a [`Break`]; the walk goes on behind it, as far
/// as can be told where.
pub(crate) struct Walk<'a> {
    storage: &'a dyn Storage,
    head: &'a State,
    next: Option<CommitRef>,
    /// The last entry that was read, if nothing lies between it and the next one.
    last: Option<HistoryEntry>,
    /// Whether the way back from the head leads to the next one without a break.
    unbroken: bool,
}

impl<'a> Walk<'a> {
    /// Starts at the head. A head that another program wrote is not in the chain yet; then the walk starts at the last
    /// commit before it.
    pub(crate) fn from_head(storage: &'a dyn Storage, head: &'a State) -> Result<Self> {
        let next = match head.commit_ref() {
            Some(commit) => Some(commit),
            None if head.catalogue().layout == Layout::V1 => None,
            None => external::last_before(storage, head, head.catalogue().revision + 1)?.map(|(commit, _)| commit),
        };
        Ok(Self { storage, head, next, last: None, unbroken: true })
    }

    /// Whether the chain may end before this commit, whose entry is not there.
    fn may_end(&self, missing: &CommitRef) -> Result<bool> {
        if let Some(last) = self.last.as_ref().filter(|last| last.kind == CommitKind::Repair)
            && self.storage.stat(&last.commit_ref().checkpoint_path()?)?.is_some()
        {
            return Ok(true);
        }
        // Collecting garbage removes the oldest first, so that what it leaves has nothing before it, but for what a writer has left there whose
        // commit was not made: it follows from nothing that is there. A collection leaves a full copy of what it keeps; there may be one of
        // what was left, too.
        let (mut older, mut has_copy, mut is_cut) = (Vec::new(), HashSet::new(), false);
        for (commit, kind) in files(self.storage)? {
            match kind {
                HistoryFile::Checkpoint if commit.revision > missing.revision => is_cut = true,
                _ if commit.revision >= missing.revision => {}
                HistoryFile::Entry => older.push(commit),
                HistoryFile::Checkpoint => {
                    has_copy.insert(commit);
                }
            }
        }
        let is_stray = |commit: &CommitRef| {
            let parent = read_entry(self.storage, commit).ok().and_then(|entry| entry.parent);
            parent.is_some_and(|parent| !older.contains(&parent)) && (is_cut || !has_copy.contains(commit))
        };
        Ok(older.iter().all(is_stray))
    }

    /// Where the chain goes on behind a commit whose entry cannot be read: with the parent that its catalogue names, where
    /// that can be rebuilt from what came after, else with the latest entry that is older.
    fn behind(&self, broken: &CommitRef) -> Result<Option<CommitRef>> {
        let older: Vec<CommitRef> =
            list(self.storage)?.into_iter().filter(|commit| commit.revision < broken.revision).collect();
        if let Some(state) = self.state_of(broken) {
            let parent = state.catalogue().commit.as_ref().map(|stamp| stamp.parent.as_deref());
            match parent {
                None => {
                    let before = external::last_before(self.storage, &state, broken.revision)?;
                    return Ok(before.map(|(commit, _)| commit));
                }
                Some(None) => return Ok(None),
                Some(Some(id)) => {
                    if let Some(commit) = older.iter().find(|commit| commit.id == id) {
                        return Ok(Some(commit.clone()));
                    }
                }
            }
        }
        let entries = older.into_iter().rev().filter_map(|commit| read_entry(self.storage, &commit).ok());
        let mut latest: Option<HistoryEntry> = None;
        for entry in entries {
            match &latest {
                Some(found) if found.revision > entry.revision => break,
                // Of two entries of one revision the earlier is that of a writer that died.
                Some(found) if found.timestamp >= entry.timestamp => {}
                _ => latest = Some(entry),
            }
        }
        Ok(latest.map(|entry| entry.commit_ref()))
    }

    /// What a commit published, from what the entry after it says.
    fn state_of(&self, commit: &CommitRef) -> Option<State> {
        let Some(after) = &self.last else {
            return (self.head.commit_ref().as_ref() == Some(commit)).then(|| self.head.clone());
        };
        let after_it = match self.unbroken {
            true => rebuild::at_revision(self.storage, self.head, after.revision),
            false => rebuild::from_checkpoint(self.storage, &after.commit_ref()),
        };
        let text = patch::revert(&after_it.ok()?.text, after.patch.as_deref()?).ok()?;
        let files = CatalogueFiles { items: Arc::new(text), ..CatalogueFiles::default() };
        Some(State::new(parse_catalogue(&files, SealCheck::Required).ok()?, None))
    }

    fn step(&mut self, commit: CommitRef) -> Result<Option<HistoryEntry>> {
        match read_entry(self.storage, &commit) {
            Ok(entry) => Ok(Some(entry)),
            Err(Error::Storage(StorageError::NotFound { .. })) => match self.may_end(&commit)? {
                true => Ok(None),
                false => Err(damaged(&commit.entry_path()?, "it is missing")),
            },
            Err(error) => Err(error),
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = std::result::Result<HistoryEntry, Break>;

    fn next(&mut self) -> Option<Self::Item> {
        let commit = self.next.take()?;
        match self.step(commit.clone()) {
            Ok(Some(entry)) => {
                // A parent that is not older would make a chain without end.
                self.next = entry.parent.clone().filter(|parent| parent.revision < entry.revision);
                self.last = Some(entry.clone());
                Some(Ok(entry))
            }
            Ok(None) => None,
            Err(error) => {
                // Where that cannot be told either, the walk ends here.
                self.next = self.behind(&commit).unwrap_or(None);
                (self.last, self.unbroken) = (None, false);
                Some(Err(Break { commit, error: Box::new(error) }))
            }
        }
    }
}
