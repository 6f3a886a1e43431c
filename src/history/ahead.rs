//! Commits that the head does not follow from, though they were made: an older catalogue of ours was put in its place.
//!
//! Such a catalogue matches its seal, and the next commit builds upon it like upon any other: nothing that is done every day
//! looks further. What gives it away lies in the history. The entry of a commit is written when the commit before it is the
//! head, so that one which is two revisions above the head was written when the head was further. One that is right above
//! it is that of a writer that died before it published, if it was to follow this head.

use datafolio_core::history::{CommitRef, HistoryEntry};
use datafolio_storage::Storage;

use crate::bundle::state::{State, file};
use crate::error::{Error, Result};
use crate::history::chain::{list, read_entry};

/// How many entries above the head are looked at for one that can be read.
const LOOKED_AT: usize = 16;

/// What the history has beyond the head.
#[derive(Debug)]
pub(crate) struct Ahead {
    /// The revision of the head.
    head: u64,
    /// The revisions that the head does not follow from, in ascending order.
    pub(crate) revisions: Vec<u64>,
    /// Whether they build upon the head, so that going to the last of them gives nothing up. Where entries between are
    /// missing, nobody can tell.
    pub(crate) follows: bool,
}

impl Ahead {
    /// Looks for commits beyond the head. `None` also when the head has been replaced meanwhile, so that what lies in the
    /// history may belong to a later one; and for a head that another program wrote, which names no commit.
    ///
    /// # Errors
    /// When the storage cannot be read.
    pub(crate) fn of(storage: &dyn Storage, head: &State) -> Result<Option<Self>> {
        let (Some(head_commit), Some(tag)) = (head.commit_ref(), &head.tag) else { return Ok(None) };
        let above: Vec<CommitRef> =
            list(storage)?.into_iter().filter(|commit| commit.revision > head_commit.revision).collect();
        let was_later = |entry: &HistoryEntry| {
            let parent = entry.parent.as_ref();
            entry.revision > head_commit.revision + 1
                || parent.is_some_and(|parent| parent.revision >= head_commit.revision && *parent != head_commit)
        };
        let entries = above.iter().rev().take(LOOKED_AT).filter_map(|commit| read_entry(storage, commit).ok());
        let newest =
            entries.filter(was_later).max_by(|a, b| (a.revision, &a.timestamp).cmp(&(b.revision, &b.timestamp)));
        let Some(newest) = newest else { return Ok(None) };
        if !storage.is_unchanged(&file("items.json")?, tag)? {
            return Ok(None);
        }
        let mut ahead = Self { head: head_commit.revision, revisions: Vec::new(), follows: false };
        ahead.walk(storage, newest, head_commit);
        ahead.revisions.reverse();
        Ok(Some(ahead))
    }

    /// Goes back from the newest commit and from the head to the commit that both follow from.
    fn walk(&mut self, storage: &dyn Storage, newest: HistoryEntry, head: CommitRef) {
        let mut ours = head.clone();
        let mut theirs = newest;
        loop {
            self.revisions.push(theirs.revision);
            let Some(parent) = parent_of(&theirs) else { return };
            while ours.revision > parent.revision {
                let before = read_entry(storage, &ours).ok().as_ref().and_then(parent_of);
                let Some(before) = before else { return };
                ours = before;
            }
            if ours == parent {
                self.follows = ours == head;
                return;
            }
            let Ok(entry) = read_entry(storage, &parent) else { return };
            theirs = entry;
        }
    }

    /// What is wrong, in words.
    pub(crate) fn problem(&self) -> String {
        if !self.follows {
            return self.conflict().to_string();
        }
        let (head, later) = (self.head, self.later());
        format!(
            "items.json is of revision {head}, and the history has {later}: an older catalogue was put in its place"
        )
    }

    /// What to do about it.
    pub(crate) fn advice(&self) -> String {
        match self.follows {
            true => format!(
                "`datafolio repair` brings revision {} back; `datafolio repair --accept` stays with items.json as it is",
                self.newest()
            ),
            false => self.conflict().hint().map(String::from).unwrap_or_default(),
        }
    }

    /// Why nobody but the user can say which state is to count.
    pub(crate) fn conflict(&self) -> Error {
        Error::OlderCatalogue { revision: self.head, later: self.later() }
    }

    fn newest(&self) -> u64 {
        self.revisions.last().copied().unwrap_or(self.head)
    }

    fn later(&self) -> String {
        match (self.revisions.first(), self.newest()) {
            (Some(first), last) if *first != last => format!("revisions {first} to {last}"),
            (_, last) => format!("revision {last}"),
        }
    }
}

/// The commit before, as far as it is an older one.
fn parent_of(entry: &HistoryEntry) -> Option<CommitRef> {
    entry.parent.clone().filter(|parent| parent.revision < entry.revision)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafolio_storage::LocalStorage;

    use super::*;
    use crate::DataFolio;

    /// A check takes no lock: others may commit between its look at the catalogue and its look at the history.
    #[test]
    fn a_head_that_was_replaced_meanwhile_is_not_taken_for_older() {
        let dir = tempfile::tempdir().unwrap();
        let folio = DataFolio::create(dir.path().join("bundle")).unwrap();
        let seen = folio.state();
        let text = std::fs::read(dir.path().join("bundle/items.json")).unwrap();
        for n in 0..3 {
            folio.set_metadata("n", n).unwrap();
        }
        let storage = LocalStorage::open(&dir.path().join("bundle")).unwrap();
        assert!(Ahead::of(&storage, &seen).unwrap().is_none());
        // The same state, put back by hand.
        std::fs::write(dir.path().join("bundle/items.json"), text).unwrap();
        let put_back = crate::bundle::state::reload(&storage, &Arc::clone(&seen)).unwrap();
        let ahead = Ahead::of(&storage, &put_back).unwrap().unwrap();
        assert_eq!((ahead.revisions.as_slice(), ahead.follows), (&[2, 3, 4][..], true));
    }
}
