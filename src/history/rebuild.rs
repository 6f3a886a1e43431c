//! Rebuilding the catalogue of an earlier revision, exact to the byte.

use std::sync::Arc;

use datafolio_core::history::{CommitRef, HistoryEntry};
use datafolio_core::{CatalogueFiles, Published, SealCheck, json, parse_catalogue, patch};
use datafolio_storage::{Storage, StorageError};

use crate::bundle::state::State;
use crate::error::{Error, Result};
use crate::history::chain::{Walk, damaged, read_entry, read_text};

/// The catalogue that a commit published, from the last full copy before it and the differences since.
///
/// # Errors
/// When no full copy is left, an entry between is missing or damaged, or the result is not what was published.
pub(crate) fn from_checkpoint(storage: &dyn Storage, commit: &CommitRef) -> Result<Published> {
    let mut later: Vec<HistoryEntry> = Vec::new();
    let mut at = commit.clone();
    let mut text = loop {
        let entry = read_entry(storage, &at)?;
        match read_text(storage, &at.checkpoint_path()?) {
            Ok(text) if json::fingerprint(&text) == entry.catalogue => break text,
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
    };
    let expected = match later.first() {
        Some(entry) => entry.catalogue.clone(),
        None => read_entry(storage, commit)?.catalogue,
    };
    for entry in later.iter().rev() {
        text = patch::apply(&text, entry.patch.as_deref().unwrap_or_default())?;
    }
    checked(commit, text, &expected)
}

/// The state of the bundle at a revision.
///
/// # Errors
/// [`Error::RevisionNotFound`] when the revision is not on the chain of commits, or nothing is left to rebuild it from.
pub(crate) fn at_revision(storage: &dyn Storage, head: &Arc<State>, revision: u64) -> Result<Published> {
    let missing = |reason: &str| Error::RevisionNotFound { revision, reason: reason.to_owned() };
    let newest = head.catalogue().revision;
    if revision == newest {
        return Ok(head.published.clone());
    }
    if revision > newest || revision == 0 {
        return Err(Error::RevisionNotFound { revision, reason: format!("the bundle has revisions 1 to {newest}") });
    }
    // Back from the head as long as the differences lead, then forward from a full copy.
    let mut text: Option<String> = head.commit_ref().map(|_| head.published.text.to_string());
    for entry in Walk::from_head(storage, head)? {
        let entry = entry?;
        if entry.revision == revision {
            return match text {
                Some(text) => checked(&entry.commit_ref(), text, &entry.catalogue),
                None => from_checkpoint(storage, &entry.commit_ref()),
            };
        }
        if entry.revision < revision {
            return Err(missing("another program made it, and only what it had become by the next commit is known"));
        }
        text = match (text, &entry.patch) {
            (Some(text), Some(splices)) => Some(patch::revert(&text, splices)?),
            _ => None,
        };
    }
    Err(missing("it is older than what the history keeps"))
}

/// Refuses a text that is not the catalogue which the commit published.
fn checked(commit: &CommitRef, text: String, expected: &str) -> Result<Published> {
    if json::fingerprint(&text) != expected {
        return Err(damaged(&commit.entry_path()?, "the catalogue rebuilt from it is not the one that was published"));
    }
    let files = CatalogueFiles { items: text, metadata: None, snapshots: None };
    Ok(parse_catalogue(&files, SealCheck::Required)?)
}
