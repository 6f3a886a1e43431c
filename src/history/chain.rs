//! The chain of commits as it lies in `history/`: writing entries, finding the one before, reading them back.

use std::sync::Arc;

use datafolio_core::history::{CommitKind, CommitRef, EntryStamp, HISTORY_DIR, HistoryEntry, HistoryFile, released};
use datafolio_core::patch::diff_texts;
use datafolio_core::{Catalogue, Entry, Layout, Published, RelPath, difference, json, time};
use datafolio_storage::{Publish, Storage, StorageError};
use serde_json::Map;

use crate::bundle::state::{State, file};
use crate::error::{Error, Result};
use crate::history::rebuild;

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
        let since_checkpoint = match head.since_checkpoint {
            Some(count) => Some(count),
            // Without its entry the history begins anew, with a full copy.
            None => read_entry(storage, &commit).ok().map(|entry| entry.since_checkpoint),
        };
        return Ok(Parent { commit: Some(commit), since_checkpoint });
    }
    record_external(storage, known, head)
}

/// Writes down what another program did since the last commit that is known.
fn record_external(storage: &dyn Storage, known: &Arc<State>, head: &Arc<State>) -> Result<Parent> {
    let revision = head.catalogue().revision;
    // What this handle saw last is only the commit before if nobody has committed since.
    let before = match (known.commit_ref(), list(storage)?) {
        (Some(commit), commits)
            if commit.revision < revision
                && !commits.iter().any(|other| (commit.revision + 1..revision).contains(&other.revision)) =>
        {
            Some((commit, Arc::clone(known)))
        }
        _ => last_before(storage, head, revision)?,
    };
    let known_before = before.as_ref().map(|(_, state)| state);
    let nothing = Arc::new(Catalogue::empty());
    let catalogue_before = known_before.map_or(&nothing, |state| state.catalogue());
    let updated_at = head.catalogue().metadata_value("updated_at");
    let entry = HistoryEntry {
        format: 1,
        revision,
        commit: EntryStamp { id: new_commit_id()?, seal: String::new() },
        parent: before.as_ref().map(|(commit, _)| commit.clone()),
        kind: CommitKind::External,
        timestamp: updated_at
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_else(|| time::to_iso(time::now())),
        writer: Map::new(),
        operation: "written by another program".to_owned(),
        catalogue: head.published.fingerprint(),
        changes: difference(catalogue_before, head.catalogue()),
        released: released(catalogue_before, head.catalogue()),
        patch: known_before.map(|state| diff_texts(&state.published, &head.published)),
        since_checkpoint: 0,
    };
    write(storage, &entry, Some(&head.published.text))?;
    Ok(Parent { commit: Some(entry.commit_ref()), since_checkpoint: Some(0) })
}

/// The latest commit before a revision of the head whose catalogue can be rebuilt and was, as far as can be told, published.
///
/// The head was written by another program and names no commit. The entry of a writer that died before it published looks
/// like any other; what gives it away is told at [`was_published`]. Of two entries of one revision the earlier is that of a
/// writer that died, or the second could not have begun.
pub(crate) fn last_before(
    storage: &dyn Storage,
    head: &State,
    revision: u64,
) -> Result<Option<(CommitRef, Arc<State>)>> {
    const LOOKED_AT: usize = 16;
    let commits = list(storage)?.into_iter().rev().filter(|commit| commit.revision < revision);
    let mut entries: Vec<HistoryEntry> =
        commits.take(LOOKED_AT).filter_map(|commit| read_entry(storage, &commit).ok()).collect();
    entries.sort_by(|a, b| (b.revision, &b.timestamp).cmp(&(a.revision, &a.timestamp)));
    Ok(entries.into_iter().find_map(|entry| {
        let commit = entry.commit_ref();
        let published = rebuild::from_checkpoint(storage, &commit).ok()?;
        was_published(&entry, &published, head).then(|| (commit, Arc::new(State::new(published, None))))
    }))
}

/// Whether nothing in a head that another program wrote says that a commit was never published.
///
/// One revision has one author. If the commit has the head's revision, it must have made the head. If it is older, what
/// the head has from that revision (version ids say so, ours and those of Python DataFolio) must be from the commit.
fn was_published(entry: &HistoryEntry, published: &Published, head: &State) -> bool {
    let catalogue = head.catalogue();
    if entry.revision == catalogue.revision {
        return entry.catalogue == head.published.fingerprint();
    }
    let of_that_revision =
        |found: &&Arc<Entry>| found.version_id().is_some_and(|id| revision_of(id) == Some(entry.revision));
    catalogue.current.values().filter(of_that_revision).all(|found| {
        let mut versions = published.catalogue.versions_of(found.name());
        versions.any(|known| known.version_id() == found.version_id() && known.filename() == found.filename())
    })
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

/// Walks the chain from the head backwards: each entry, then the one that it names as its parent.
///
/// The chain ends at the first commit, or where garbage collection has ended it: at an entry with a full copy of its
/// catalogue. Any other entry that is missing, and one that is damaged, is an error and ends it too.
pub(crate) struct Walk<'a> {
    storage: &'a dyn Storage,
    next: Option<CommitRef>,
    /// The entry before, which named the next one as its parent.
    last: Option<CommitRef>,
}

impl<'a> Walk<'a> {
    /// Starts at the head. A head that another program wrote is not in the chain yet; then the walk starts at the last
    /// commit before it.
    pub(crate) fn from_head(storage: &'a dyn Storage, head: &State) -> Result<Self> {
        let next = match head.commit_ref() {
            Some(commit) => Some(commit),
            None if head.catalogue().layout == Layout::V1 => None,
            None => last_before(storage, head, head.catalogue().revision + 1)?.map(|(commit, _)| commit),
        };
        Ok(Self { storage, next, last: None })
    }

    /// Whether the chain may end before this commit, whose entry is not there.
    fn may_end(&self, missing: &CommitRef) -> Result<()> {
        let is_end = match &self.last {
            Some(last) => self.storage.stat(&last.checkpoint_path()?)?.is_some(),
            // A bundle that was copied without its history.
            None => list(self.storage)?.is_empty(),
        };
        match is_end {
            true => Ok(()),
            false => Err(damaged(&missing.entry_path()?, "it is missing; what came before it is out of reach")),
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<HistoryEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        let commit = self.next.take()?;
        match read_entry(self.storage, &commit) {
            Ok(entry) => {
                // A parent that is not older would make a chain without end.
                self.next = entry.parent.clone().filter(|parent| parent.revision < entry.revision);
                self.last = Some(commit);
                Some(Ok(entry))
            }
            Err(Error::Storage(StorageError::NotFound { .. })) => self.may_end(&commit).err().map(Err),
            Err(error) => Some(Err(error)),
        }
    }
}
