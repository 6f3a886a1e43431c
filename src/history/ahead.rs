//! Commits that the head does not follow from, though they were made: an older catalogue of ours was put in its place.
//!
//! Such a catalogue matches its seal, and the next commit builds upon it like upon any other: nothing that is done every day
//! looks further. What gives it away lies in the history. The entry of a commit is written when the commit before it is the
//! head, so that one which is two revisions above the head was written when the head was further. One that is right above
//! it is that of a writer that died before it published, if it was to follow this head.

use std::collections::HashSet;

use datafolio_core::history::{CommitRef, HistoryEntry};
use datafolio_storage::Storage;

use crate::bundle::state::{State, file};
use crate::error::{Error, Result};
use crate::history::chain::{list, read_entry};
use crate::history::walk::Walk;

/// How many entries above the head are looked at for one that can be read.
const LOOKED_AT: usize = 16;

/// What the history has beyond the head.
#[derive(Debug)]
pub(crate) struct Ahead {
    /// The revision of the head.
    head: u64,
    /// The revisions that the head does not follow from, in ascending order.
    pub(crate) revisions: Vec<u64>,
    /// How they stand to the head.
    pub(crate) relation: Relation,
}

/// How later commits stand to the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// They build upon it, one upon the other: going to the last of them gives nothing up.
    Follow,
    /// There is more than one line of commits.
    Parted,
    /// Entries between are missing.
    Unknown,
}

impl Ahead {
    /// Looks for commits beyond the head. `None` also when the head has been replaced meanwhile, so that what lies in the
    /// history may belong to a later one; and for a head that another program wrote, which names no commit.
    ///
    /// # Errors
    /// When the storage cannot be read.
    pub(crate) fn of(storage: &dyn Storage, head: &State) -> Result<Option<Self>> {
        let (Some(head_commit), Some(tag)) = (head.commit_ref(), &head.tag) else { return Ok(None) };
        let mut above: Vec<CommitRef> =
            list(storage)?.into_iter().filter(|commit| commit.revision > head_commit.revision).collect();
        if !above.is_empty() {
            // What another program has overwritten is known, and the head does not lack it unawares.
            let overwritten = known_as_overwritten(storage, head)?;
            above.retain(|commit| !overwritten.contains(commit));
        }
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
        let mut line = vec![newest.commit_ref()];
        let mut relation = walk(storage, newest, &head_commit, &mut line);
        if relation == Relation::Follow && has_another_line(storage, &above, &line) {
            relation = Relation::Parted;
        }
        let revisions = line.iter().rev().map(|commit| commit.revision).collect();
        Ok(Some(Self { head: head_commit.revision, revisions, relation }))
    }

    /// What is wrong, in words.
    pub(crate) fn problem(&self) -> String {
        if self.relation != Relation::Follow {
            return self.conflict().to_string();
        }
        let (head, later) = (self.head, self.later());
        format!(
            "items.json is of revision {head}, and the history has {later}: an older catalogue was put in its place"
        )
    }

    /// What to do about it.
    pub(crate) fn advice(&self) -> String {
        match self.relation {
            Relation::Follow => format!(
                "`datafolio repair` brings revision {} back; `datafolio repair --accept` stays with items.json as it is",
                self.newest()
            ),
            Relation::Parted | Relation::Unknown => self.conflict().hint().map(String::from).unwrap_or_default(),
        }
    }

    /// Why nobody but the user can say which state is to count.
    pub(crate) fn conflict(&self) -> Error {
        let why = match self.relation {
            Relation::Unknown => "entries between are missing, so that nobody can tell what was committed to it",
            Relation::Follow | Relation::Parted => "what was committed since is in no state alone",
        };
        Error::OlderCatalogue { revision: self.head, later: self.later(), why }
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

/// Goes back from the newest commit and from the head to the commit that both follow from, and notes the line of the newest.
fn walk(storage: &dyn Storage, newest: HistoryEntry, head: &CommitRef, line: &mut Vec<CommitRef>) -> Relation {
    let mut ours = head.clone();
    let mut theirs = newest;
    loop {
        let Some(parent) = parent_of(&theirs) else { return Relation::Unknown };
        while ours.revision > parent.revision {
            let before = read_entry(storage, &ours).ok().as_ref().and_then(parent_of);
            let Some(before) = before else { return Relation::Unknown };
            ours = before;
        }
        if ours == parent {
            return if ours == *head { Relation::Follow } else { Relation::Parted };
        }
        let Ok(entry) = read_entry(storage, &parent) else { return Relation::Unknown };
        line.push(parent);
        theirs = entry;
    }
}

/// Whether commits above the head build upon each other beside this line. One alone may be that of a writer that died.
fn has_another_line(storage: &dyn Storage, above: &[CommitRef], line: &[CommitRef]) -> bool {
    let beside = |commit: &CommitRef| above.contains(commit) && !line.contains(commit);
    let others = above.iter().filter(|commit| beside(commit));
    others.filter_map(|commit| read_entry(storage, commit).ok()).any(|entry| entry.parent.as_ref().is_some_and(beside))
}

/// The commits that the head's own history says were overwritten, where that can be.
fn known_as_overwritten(storage: &dyn Storage, head: &State) -> Result<HashSet<CommitRef>> {
    if !storage.is_remote() {
        return Ok(HashSet::new());
    }
    Ok(Walk::from_head(storage, head)?.flatten().flat_map(|entry| entry.overwritten).collect())
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
        assert_eq!((ahead.revisions.as_slice(), ahead.relation), (&[2, 3, 4][..], Relation::Follow));
    }
}
