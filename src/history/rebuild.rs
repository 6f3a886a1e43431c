//! Rebuilding the catalogue of an earlier revision, exact to the byte.

use std::sync::Arc;

use datafolio_core::history::{CommitRef, HistoryEntry};
use datafolio_core::{CatalogueFiles, Published, SealCheck, fingerprint, parse_catalogue, patch};
use datafolio_storage::{Storage, StorageError};

use crate::bundle::state::State;
use crate::error::{Error, Result};
use crate::history::chain::{damaged, read_entry, read_text};
use crate::history::walk::{Break, Walk};

/// The catalogue that a commit published, from the last full copy before it and the differences since.
///
/// # Errors
/// When no full copy is left, an entry between is missing or damaged, or the result is not what was published.
pub(crate) fn from_checkpoint(storage: &dyn Storage, commit: &CommitRef) -> Result<Published> {
    let (mut text, mut entries) = last_copy(storage, commit)?;
    let Some(last) = entries.first().map(|entry| entry.catalogue.clone()) else { return checked_copy(text) };
    while let Some(entry) = entries.pop() {
        text = patch::apply(&text, entry.patch.as_deref().unwrap_or_default())?;
    }
    checked(commit, text, &last)
}

/// Checks each step of [`from_checkpoint`].
///
/// # Errors
/// As [`from_checkpoint`], naming the first entry that does not lead to what was published.
pub(crate) fn forward(storage: &dyn Storage, commit: &CommitRef) -> Result<()> {
    let (mut text, mut entries) = last_copy(storage, commit)?;
    while let Some(entry) = entries.pop() {
        text = patch::apply(&text, entry.patch.as_deref().unwrap_or_default())?;
        if fingerprint(&text) != entry.catalogue {
            return Err(not_as_published(&entry.commit_ref()));
        }
    }
    Ok(())
}

/// The last full copy before a commit that is whole, and the entries since, the latest first.
fn last_copy(storage: &dyn Storage, commit: &CommitRef) -> Result<(String, Vec<HistoryEntry>)> {
    let mut later: Vec<HistoryEntry> = Vec::new();
    let mut at = commit.clone();
    loop {
        let entry = match read_entry(storage, &at) {
            Err(Error::Storage(StorageError::NotFound { .. })) => {
                return Err(damaged(&at.entry_path()?, "it is missing"));
            }
            other => other?,
        };
        match read_text(storage, &at.checkpoint_path()?) {
            Ok(text) if fingerprint(&text) == entry.catalogue => return Ok((text, later)),
            // There is none, or it is damaged: an earlier one and the differences since lead to the same text.
            Ok(_) | Err(Error::Storage(StorageError::NotFound { .. }) | Error::Core(_)) => {}
            Err(error) => return Err(error),
        }
        let parent = entry.parent.clone().filter(|parent| parent.revision < entry.revision && entry.patch.is_some());
        let Some(parent) = parent else {
            return Err(damaged(&at.entry_path()?, "it names no earlier state to build upon"));
        };
        later.push(entry);
        at = parent;
    }
}

/// The state of the bundle at a revision: back from the head as long as the differences lead, else forward from a full copy.
///
/// # Errors
/// [`Error::RevisionNotFound`] when the revision is not on the chain of commits, or no longer kept; damage when the chain is
/// broken and nothing else leads there.
pub(crate) fn at_revision(storage: &dyn Storage, head: &State, revision: u64) -> Result<Published> {
    let missing = |reason: &str| Error::RevisionNotFound { revision, reason: reason.to_owned() };
    let newest = head.catalogue().revision;
    if revision == newest {
        return Ok(head.published.clone());
    }
    if revision > newest || revision == 0 {
        return Err(Error::RevisionNotFound { revision, reason: format!("the bundle has revisions 1 to {newest}") });
    }
    let mut text: Option<String> = head.commit_ref().map(|_| head.published.text.to_string());
    let mut broken: Option<Break> = None;
    for step in Walk::from_head(storage, head)? {
        let entry = match step {
            Ok(entry) => entry,
            Err(found) => {
                if found.commit.revision == revision {
                    return without_entry(storage, found, text);
                }
                (text, broken) = (None, Some(found));
                continue;
            }
        };
        if entry.revision == revision {
            let commit = entry.commit_ref();
            return match text.map(|text| checked(&commit, text, &entry.catalogue)) {
                Some(Ok(published)) => Ok(published),
                // Somewhere the way back is damaged.
                Some(Err(error)) => from_checkpoint(storage, &commit).map_err(|_| error),
                None => from_checkpoint(storage, &commit),
            };
        }
        if entry.revision < revision {
            return Err(match broken {
                Some(found) if found.commit.revision > revision => *found.error,
                _ => missing("another program made it, and only what it had become by the next commit is known"),
            });
        }
        text = match (text, &entry.patch) {
            (Some(text), Some(splices)) => patch::revert(&text, splices).ok(),
            _ => None,
        };
    }
    Err(broken.map_or_else(|| missing("it is older than what the history keeps"), Error::from))
}

/// The catalogue of a commit whose entry cannot be read: as the way back from the head has it, or its full copy. Its own
/// seal says whether it is whole.
fn without_entry(storage: &dyn Storage, found: Break, text: Option<String>) -> Result<Published> {
    let copy = found.commit.checkpoint_path().ok().and_then(|path| read_text(storage, &path).ok());
    for text in text.into_iter().chain(copy) {
        let files = CatalogueFiles { items: Arc::new(text), ..CatalogueFiles::default() };
        if let Ok(published) = parse_catalogue(&files, SealCheck::Required)
            && published.catalogue.revision == found.commit.revision
            && published.catalogue.commit.as_ref().is_some_and(|stamp| stamp.id == found.commit.id)
        {
            return Ok(published);
        }
    }
    Err(found.into())
}

/// Refuses a text that is not the catalogue which the commit published.
fn checked(commit: &CommitRef, text: String, expected: &str) -> Result<Published> {
    match fingerprint(&text) == expected {
        true => checked_copy(text),
        false => Err(not_as_published(commit)),
    }
}

fn checked_copy(text: String) -> Result<Published> {
    let files = CatalogueFiles { items: Arc::new(text), metadata: None, snapshots: None };
    Ok(parse_catalogue(&files, SealCheck::Required)?)
}

fn not_as_published(commit: &CommitRef) -> Error {
    let reason = "the catalogue rebuilt from it is not the one that was published";
    commit.entry_path().map_or_else(Error::from, |path| damaged(&path, reason))
}
