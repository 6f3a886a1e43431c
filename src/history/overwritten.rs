//! Commits that were acknowledged, and that another program has written over: Python DataFolio asks a store for no conditions when it
//! replaces `items.json`, and takes no lock there.
//!
//! What gives it away is the note of the last commit that was published: a head that another program wrote follows from that commit,
//! or has overwritten it. Whoever commits next upon such a head writes down which commits these were.

use std::collections::HashSet;

use datafolio_core::counted;
use datafolio_core::history::CommitRef;
use datafolio_storage::Storage;

use crate::bundle::state::State;
use crate::error::Result;
use crate::history::chain::{noted_as_published, read_entry};
use crate::history::external::last_before;
use crate::history::walk::Walk;

/// How many commits are looked for, at most.
const MOST: usize = 10_000;

/// The commits that were overwritten and not brought back, in ascending order, as far as the history from a revision on tells; none where
/// writers take a lock.
///
/// # Errors
/// When the storage cannot be read.
pub(crate) fn overwritten(storage: &dyn Storage, head: &State, since: u64) -> Result<Vec<CommitRef>> {
    if !storage.is_remote() {
        return Ok(Vec::new());
    }
    let mut lost = match head.catalogue().commit {
        Some(_) => Vec::new(),
        None => {
            let before = last_before(storage, head, head.catalogue().revision.saturating_add(1))?;
            beyond(storage, before.as_ref().map(|(commit, _)| commit))
        }
    };
    let mut recovered: HashSet<CommitRef> = HashSet::new();
    for entry in Walk::from_head(storage, head)?.flatten().take_while(|entry| entry.revision >= since) {
        recovered.extend(entry.recovered);
        lost.extend(entry.overwritten.into_iter().filter(|commit| !recovered.contains(commit)));
    }
    lost.sort_unstable();
    lost.dedup();
    Ok(lost)
}

/// The commits up to the one that is noted as published last which do not lead to a commit: a head that follows from that one has
/// overwritten them.
pub(crate) fn beyond(storage: &dyn Storage, before: Option<&CommitRef>) -> Vec<CommitRef> {
    if !storage.is_remote() {
        return Vec::new();
    }
    let mut lost = Vec::new();
    let mut next = noted_as_published(storage);
    while let Some(commit) = next
        && before.is_none_or(|before| commit.revision > before.revision)
        && lost.len() < MOST
        && let Ok(entry) = read_entry(storage, &commit)
    {
        next = entry.parent;
        lost.push(commit);
    }
    lost.reverse();
    lost
}

/// What has happened to these commits, in words.
pub(crate) fn problem(lost: &[CommitRef]) -> String {
    let shown = match lost {
        [one] => format!("revision {}", one.revision),
        [first, .., last] => {
            format!("{} from revision {} to {}", counted(lost.len(), "commit"), first.revision, last.revision)
        }
        [] => "nothing".to_owned(),
    };
    format!("{shown}, which had been acknowledged, was overwritten by a program that asks the store for no conditions")
}
