//! What another program wrote: how it gets into the history, and which commit of ours came before it.
//!
//! Other programs leave no commit in the head. What the last commit was is told from the entries in `history/`, among which
//! may be those of writers that died before they published.

use std::collections::HashSet;
use std::sync::Arc;

use datafolio_core::history::{CommitKind, CommitRef, EntryStamp, HISTORY_FORMAT, HistoryEntry, released};
use datafolio_core::patch::{Splice, diff_texts, revert};
use datafolio_core::{
    Assumed, Catalogue, CatalogueFiles, Entry, Published, RelPath, SealCheck, counted, difference, parse_catalogue,
    time,
};
use datafolio_storage::Storage;
use serde_json::Map;

use crate::bundle::commit::CHECKPOINT_EVERY;
use crate::bundle::state::State;
use crate::error::Result;
use crate::history::chain::{Parent, list, new_commit_id, noted_as_published, read_entry, revision_of, write};
use crate::history::overwritten::{beyond, problem};
use crate::history::rebuild;

/// Writes down what another program did since the last commit that is known.
pub(crate) fn record(storage: &dyn Storage, known: &Arc<State>, head: &Arc<State>) -> Result<Parent> {
    let revision = head.catalogue().revision;
    // What this handle saw last is only the commit before if nobody has committed since.
    let before = match (known.commit_ref(), list(storage)?) {
        // Where it takes no lock, it may not have seen that commit.
        (Some(commit), commits)
            if !storage.is_remote()
                && commit.revision < revision
                && !commits.iter().any(|other| (commit.revision + 1..revision).contains(&other.revision)) =>
        {
            Some((commit, Arc::clone(known)))
        }
        _ => last_before(storage, head, revision)?,
    };
    let nothing = Arc::new(Catalogue::empty());
    let catalogue_before = before.as_ref().map_or(&nothing, |(_, state)| state.catalogue());
    let (patch, since_checkpoint) = text_of(storage, before.as_ref(), head);
    let overwritten = beyond(storage, before.as_ref().map(|(commit, _)| commit));
    let operation = match overwritten.is_empty() {
        true => "written by another program".to_owned(),
        false => {
            tracing::warn!("{}: `datafolio repair` brings their changes back", problem(&overwritten));
            format!("written by another program, over {}", counted(overwritten.len(), "commit"))
        }
    };
    let updated_at = head.catalogue().metadata_value("updated_at");
    let entry = HistoryEntry {
        format: HISTORY_FORMAT,
        revision,
        commit: EntryStamp { id: new_commit_id()?, seal: String::new() },
        parent: before.as_ref().map(|(commit, _)| commit.clone()),
        kind: CommitKind::External,
        timestamp: updated_at
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_else(|| time::to_iso(time::now())),
        writer: Map::new(),
        operation,
        catalogue: head.published.fingerprint(),
        changes: difference(catalogue_before, head.catalogue()),
        released: released(catalogue_before, &head.published),
        condemned: Vec::new(),
        overwritten,
        recovered: Vec::new(),
        patch,
        since_checkpoint,
    };
    write(storage, &entry, (since_checkpoint == 0).then_some(&*head.published.text))?;
    // A history that begins here has one copy of the catalogue, which can be damaged: the commit that follows brings another.
    let since_checkpoint = entry.parent.is_some().then_some(since_checkpoint);
    Ok(Parent { commit: Some(entry.commit_ref()), since_checkpoint })
}

/// A text up to this size is kept as a full copy each time, and its difference whatever that takes.
const SMALL: usize = 64 * 1024;

/// How the text of the head is kept: as its difference from the commit before, unless that is hardly smaller than a full copy;
/// and as a copy (0) where there is no difference, one is due, or it costs little.
fn text_of(
    storage: &dyn Storage,
    before: Option<&(CommitRef, Arc<State>)>,
    head: &State,
) -> (Option<Vec<Splice>>, u32) {
    let Some((commit, state)) = before else { return (None, 0) };
    let patch = diff_texts(&state.published, &head.published);
    let size: usize = patch.iter().map(|splice| splice.remove.len() + splice.insert.len()).sum();
    let whole = head.published.text.len();
    if size > SMALL.max(whole / 2) {
        return (None, 0);
    }
    let count = state.since_checkpoint.or_else(|| read_entry(storage, commit).ok().map(|entry| entry.since_checkpoint));
    match count {
        Some(count) if whole > SMALL && count + 1 < CHECKPOINT_EVERY => (Some(patch), count + 1),
        _ => (Some(patch), 0),
    }
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
    let noted = noted_as_published(storage);
    // What was written over is in no line, also after its changes were made again.
    let overwritten: HashSet<CommitRef> = entries.iter().flat_map(|entry| entry.overwritten.clone()).collect();
    for entry in entries.into_iter().filter(|entry| !overwritten.contains(&entry.commit_ref())) {
        let Ok(published) = rebuild::from_checkpoint(storage, &entry.commit_ref()) else { continue };
        if was_published(storage, &entry, &published, head, noted.as_ref())? {
            return Ok(Some((entry.commit_ref(), Arc::new(State::new(published, None)))));
        }
    }
    Ok(None)
}

/// Whether a commit was published, as far as a head tells that another program wrote.
///
/// One revision has one author. If the commit has the head's revision, it must have made the head. If it is older, what
/// the head has from that revision (version ids say so, ours and those of Python DataFolio) must be from the commit; and the
/// commit must be the one that is noted as the last one published, or not look as if its writer had died.
fn was_published(
    storage: &dyn Storage,
    entry: &HistoryEntry,
    published: &Published,
    head: &State,
    noted: Option<&CommitRef>,
) -> Result<bool> {
    let catalogue = head.catalogue();
    if entry.revision == catalogue.revision {
        return Ok(entry.catalogue == head.published.fingerprint());
    }
    let of_that_revision =
        |found: &&Arc<Entry>| found.version_id().is_some_and(|id| revision_of(id) == Some(entry.revision));
    let is_contradicted = catalogue.current.values().filter(of_that_revision).any(|found| {
        let mut versions = published.catalogue.versions_of(found.name());
        !versions.any(|known| known.version_id() == found.version_id() && known.filename() == found.filename())
    });
    if is_contradicted {
        return Ok(false);
    }
    // Where it takes no lock, it may have overwritten what was published.
    if noted == Some(&entry.commit_ref()) && !storage.is_remote() {
        return Ok(true);
    }
    // What another program wrote was there when it was recorded.
    Ok(entry.kind == CommitKind::External || !is_left_behind(storage, entry, published, catalogue)?)
}

/// Whether an entry looks like that of a writer that died before it published.
///
/// Such a writer leaves the files of its new versions, and nothing names them. Had the versions been there for Python
/// DataFolio to remove, it would have deleted the files with them. A commit without new files was never there when each of
/// the things that it changed still is what it was before.
fn is_left_behind(
    storage: &dyn Storage,
    entry: &HistoryEntry,
    published: &Published,
    head: &Catalogue,
) -> Result<bool> {
    let Some(before) = parent_of(storage, entry, published) else { return Ok(false) };
    let files_of = |catalogue: &Catalogue| -> HashSet<RelPath> {
        catalogue.entries().filter(|entry| entry.filename().is_some()).flat_map(|entry| entry.files()).collect()
    };
    let known = files_of(&before);
    let new: Vec<RelPath> = files_of(&published.catalogue).into_iter().filter(|path| !known.contains(path)).collect();
    if !new.is_empty() {
        let named = files_of(head);
        if new.iter().any(|path| named.contains(path)) {
            return Ok(false);
        }
        for path in &new {
            if storage.stat(path)?.is_some() {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    let keys = entry.changes.keys();
    let is_as_before = |key| Assumed::of(&before, key).same_as(&Assumed::of(head, key));
    Ok(!keys.is_empty() && keys.iter().all(is_as_before))
}

/// The catalogue that a commit was made upon.
fn parent_of(storage: &dyn Storage, entry: &HistoryEntry, published: &Published) -> Option<Arc<Catalogue>> {
    let parent = entry.parent.as_ref()?;
    if let Some(patch) = &entry.patch
        && let Ok(text) = revert(&published.text, patch)
    {
        let files = CatalogueFiles { items: Arc::new(text), ..CatalogueFiles::default() };
        return parse_catalogue(&files, SealCheck::Required).ok().map(|published| published.catalogue);
    }
    rebuild::from_checkpoint(storage, parent).ok().map(|published| published.catalogue)
}
