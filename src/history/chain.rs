//! The chain of commits as it lies in `history/`: writing entries, finding the one before, reading them back.

use std::sync::Arc;

use datafolio_core::history::{CommitRef, HISTORY_DIR, HistoryEntry, HistoryFile};
use datafolio_core::{Layout, RelPath, json};
use datafolio_storage::{Publish, Storage, StorageError, VersionTag};

use crate::bundle::state::{State, file};
use crate::error::{Error, Result};
use crate::history::external;

/// Largest history entry that is read.
const MAX_ENTRY: u64 = 1 << 30;

/// The commit that a new one follows.
#[derive(Debug)]
pub(crate) struct Parent {
    /// `None` for the first commit of a bundle.
    pub(crate) commit: Option<CommitRef>,
    /// How many commits ago a full copy of the catalogue was kept; `None` when there is none to build upon.
    pub(crate) since_checkpoint: Option<u32>,
}

/// A random 128-bit id.
pub(crate) fn new_commit_id() -> Result<String> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::Invalid(format!("the system gives no random numbers: {error}")))?;
    Ok(json::hex(&bytes))
}

/// The commit that made the head. When another program wrote the head, that is written down first, as one external entry
/// however many writes it was.
pub(crate) fn ensure_parent(storage: &dyn Storage, known: &Arc<State>, head: &Arc<State>) -> Result<Parent> {
    let catalogue = head.catalogue();
    if catalogue.layout == Layout::V1 || (catalogue.revision == 0 && catalogue.commit.is_none()) {
        return Ok(Parent { commit: None, since_checkpoint: None });
    }
    if let Some(commit) = head.commit_ref() {
        let is_first = catalogue.commit.as_ref().is_some_and(|stamp| stamp.parent.is_none());
        let since_checkpoint = match head.since_checkpoint {
            // The copy of the first commit would be the only one for a long time, and a copy can be damaged.
            _ if is_first => None,
            Some(count) => Some(count),
            // Without its entry the next one brings a full copy.
            None => read_entry(storage, &commit).ok().map(|entry| entry.since_checkpoint),
        };
        return Ok(Parent { commit: Some(commit), since_checkpoint });
    }
    external::record(storage, known, head)
}

/// The revision in a version id of 2.x: `name--r12` or `name--r12-1`.
pub(crate) fn revision_of(version_id: &str) -> Option<u64> {
    let (_, rest) = version_id.rsplit_once("--r")?;
    rest.split('-').next()?.parse().ok()
}

/// All commits that have an entry, in ascending order. Entries whose catalogue was never published are among them.
pub(crate) fn list(storage: &dyn Storage) -> Result<Vec<CommitRef>> {
    let mut commits: Vec<CommitRef> = files(storage)?
        .into_iter()
        .filter_map(|(commit, kind)| (kind == HistoryFile::Entry).then_some(commit))
        .collect();
    commits.sort_unstable();
    Ok(commits)
}

/// The files of the history directory.
pub(crate) fn files(storage: &dyn Storage) -> Result<Vec<(CommitRef, HistoryFile)>> {
    let listed = storage.list(Some(&file(HISTORY_DIR)?))?;
    Ok(listed.iter().filter_map(|info| CommitRef::from_file_name(info.path.file_name())).collect())
}

/// Writes the full copy of a catalogue, where one is wanted, and the entry.
pub(crate) fn write(storage: &dyn Storage, entry: &HistoryEntry, checkpoint: Option<&str>) -> Result<()> {
    let commit = entry.commit_ref();
    if let Some(text) = checkpoint {
        write_new(storage, &commit.checkpoint_path()?, text)?;
    }
    write_new(storage, &commit.entry_path()?, &entry.encode())
}

/// Writes an immutable file of the bundle's own.
pub(crate) fn write_new(storage: &dyn Storage, path: &RelPath, text: &str) -> Result<()> {
    let mut staged = storage.create(path)?;
    staged.write_all(text.as_bytes()).map_err(|source| StorageError::Io {
        action: "write",
        path: path.to_string(),
        location: storage.location(),
        source,
    })?;
    Ok(staged.finish()?)
}

/// Writes a file of the bundle's own under a name that an interrupted attempt may have used already: as a whole or not at
/// all, in the place of whatever is there.
pub(crate) fn write_whole(storage: &dyn Storage, path: &RelPath, text: &str) -> Result<()> {
    const TRIES: u32 = 3;
    for _ in 0..TRIES {
        let found = storage.read_tagged(path, u64::MAX)?;
        if found.as_ref().is_some_and(|(bytes, _)| bytes == text.as_bytes()) {
            return Ok(());
        }
        if let Publish::Done(_) = storage.publish(path, text.as_bytes(), found.as_ref().map(|(_, tag)| tag))? {
            return Ok(());
        }
    }
    Err(Error::TooBusy { location: storage.location(), tries: TRIES })
}

/// The file that names the last commit that was published: `<revision, ten digits>-<commit id>`.
pub(crate) const PUBLISHED: &str = "history/published";

/// Notes that a commit was published. Another program that writes next leaves no trace of it in the catalogue, and what it
/// takes back at once would look as if it had never been there. Best effort: who finds no note goes by other signs. `before` is what
/// this gave for a commit that this one follows; where a lock does not tell, it gives what the storage calls the note now.
pub(crate) fn note_published(
    storage: &dyn Storage,
    commit: &CommitRef,
    before: Option<&VersionTag>,
) -> Option<VersionTag> {
    note(storage, commit, before).unwrap_or_else(|error| {
        tracing::warn!(%error, "{PUBLISHED} was not written");
        None
    })
}

fn note(storage: &dyn Storage, commit: &CommitRef, before: Option<&VersionTag>) -> Result<Option<VersionTag>> {
    const TRIES: u32 = 10;
    let path = file(PUBLISHED)?;
    let text = format!("{:010}-{}\n", commit.revision, commit.id);
    if !storage.is_remote() {
        storage.replace(&path, text.as_bytes())?;
        return Ok(None);
    }
    // Nobody has noted anything since: there is nothing to look at.
    if let Some(before) = before
        && let Publish::Done(tag) = storage.publish(&path, text.as_bytes(), Some(before))?
    {
        return Ok(Some(tag));
    }
    // Where writers take no lock, one that was faster may have noted a commit that follows from this one.
    for _ in 0..TRIES {
        let found = storage.read_tagged(&path, LONGEST_NOTE)?;
        if let Some(noted) = found.as_ref().and_then(|(bytes, _)| noted_in(bytes))
            && leads_to(storage, commit, noted)
        {
            return Ok(None);
        }
        let expected = found.as_ref().map(|(_, tag)| tag);
        if let Publish::Done(tag) = storage.publish(&path, text.as_bytes(), expected)? {
            return Ok(Some(tag));
        }
    }
    Err(Error::TooBusy { location: storage.location(), tries: TRIES })
}

/// Whether a commit is this one, or follows from it.
fn leads_to(storage: &dyn Storage, commit: &CommitRef, mut other: CommitRef) -> bool {
    /// Writers are not further behind each other.
    const MOST: usize = 100;
    for _ in 0..MOST {
        if other.revision <= commit.revision {
            break;
        }
        let parent = read_entry(storage, &other).ok().and_then(|entry| entry.parent);
        let Some(parent) = parent else { return false };
        other = parent;
    }
    other == *commit
}

/// The commit that is noted as published last.
pub(crate) fn noted_as_published(storage: &dyn Storage) -> Option<CommitRef> {
    noted_in(&storage.read(&file(PUBLISHED).ok()?, LONGEST_NOTE).ok()?)
}

const LONGEST_NOTE: u64 = 256;

fn noted_in(text: &[u8]) -> Option<CommitRef> {
    let (commit, _) = CommitRef::from_file_name(&format!("{}.json", std::str::from_utf8(text).ok()?.trim_end()))?;
    Some(commit)
}

/// Removes the entry of a commit that was not published. What stays behind because that fails means nothing, and gc
/// removes it.
pub(crate) fn forget(storage: &dyn Storage, commit: &CommitRef) {
    for path in [commit.entry_path(), commit.checkpoint_path()].into_iter().flatten() {
        if let Err(error) = storage.delete(&path) {
            tracing::debug!(%path, %error, "an unpublished history entry stays behind");
        }
    }
}

/// Reads one entry.
///
/// # Errors
/// When it is not there, or damaged.
pub(crate) fn read_entry(storage: &dyn Storage, commit: &CommitRef) -> Result<HistoryEntry> {
    let path = commit.entry_path()?;
    let entry = HistoryEntry::parse(path.as_str(), &read_text(storage, &path)?)?;
    if entry.commit_ref() != *commit {
        return Err(damaged(&path, "it is the entry of another commit"));
    }
    Ok(entry)
}

/// Reads a text file of the history.
pub(crate) fn read_text(storage: &dyn Storage, path: &RelPath) -> Result<String> {
    String::from_utf8(storage.read(path, MAX_ENTRY)?).map_err(|_| damaged(path, "it is no UTF-8 text"))
}

pub(crate) fn damaged(path: &RelPath, reason: &str) -> Error {
    datafolio_core::CoreError::DamagedHistory { file: path.to_string(), reason: reason.to_owned() }.into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use datafolio_testkit::simulated_store::SimulatedStore;

    use super::*;
    use crate::OpenOptions;

    /// Writers that take no lock may note their commits in another order than they made them in.
    #[test]
    fn a_note_does_not_go_back_to_an_earlier_commit() {
        let folio = OpenOptions::new().create_storage(Arc::new(SimulatedStore::new(1))).unwrap();
        let storage = folio.storage().as_ref();
        let commit = || folio.state().commit_ref().unwrap();
        let mut commits = vec![commit()];
        for n in 0..3 {
            folio.set_metadata("n", n).unwrap();
            commits.push(commit());
        }
        for earlier in &commits {
            note_published(storage, earlier, None);
            assert_eq!(noted_as_published(storage).as_ref(), commits.last());
        }
        // One that does not lead to what is noted, as after another program has written over that.
        let other = CommitRef { revision: 2, id: commits[0].id.clone() };
        let tag = note_published(storage, &other, None);
        assert_eq!(noted_as_published(storage), Some(other.clone()));
        let tag = note_published(storage, &commits[2], tag.as_ref());
        assert_eq!(noted_as_published(storage).as_ref(), Some(&commits[2]));
        // Something that is no note.
        storage.replace(&file(PUBLISHED).unwrap(), b"\xff").unwrap();
        note_published(storage, &other, tag.as_ref());
        assert_eq!(noted_as_published(storage), Some(other));
    }
}
