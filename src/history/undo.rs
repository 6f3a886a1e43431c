//! Undoing a commit with another one.

use std::sync::Arc;

use datafolio_core::history::CommitKind;
use datafolio_core::{Assumed, Catalogue, Change, CoreError, Key, difference};
use datafolio_storage::Storage;
use indexmap::IndexMap;

use crate::bundle::state::State;
use crate::bundle::{DataFolio, Deleted, lineage_of};
use crate::error::{Error, Result};
use crate::history::walk::Walk;
use crate::history::{external, rebuild};

/// What was undone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undone {
    /// The revision that was taken back.
    pub revision: u64,
    /// Items that are gone with it, and those that list them as an input and are still there.
    pub removed: Deleted,
}

/// What is left where the state before a commit cannot be had.
const OLD_VERSIONS: &str =
    "`datafolio log` lists the commits that can be undone, `datafolio log ITEM --versions` what can be read of an item";

fn refusal(revision: u64, reason: &str, advice: &str) -> Error {
    Error::CannotUndo { revision, reason: reason.to_owned(), advice: advice.to_owned() }
}

/// Why the changes of a commit cannot be taken back.
enum Blocked {
    /// Something is not as the commit left it.
    Changed(Key),
    /// There is nothing to take back.
    Nothing,
    /// The snapshot that the commit deleted cannot be read.
    Snapshot { name: String, reason: String },
}

impl Blocked {
    fn refusal(self, storage: &dyn Storage, head: &State, revision: u64) -> Error {
        match self {
            Self::Changed(key) => {
                let (reason, advice) = match last_change(storage, head, revision, &key) {
                    Some(later) => (
                        format!("revision {later} has changed {key} since"),
                        format!("undo that one first: `datafolio undo r{later}`; it may be blocked by others in turn"),
                    ),
                    None => (
                        format!("a later commit has changed {key}"),
                        "undo that one first: `datafolio log` lists the commits".to_owned(),
                    ),
                };
                refusal(revision, &reason, &advice)
            }
            Self::Nothing => refusal(
                revision,
                "it changed nothing that could be changed back",
                "`datafolio log` shows what each commit changed: name another one",
            ),
            Self::Snapshot { name, reason } => refusal(
                revision,
                &format!("snapshot '{name}', which it deleted, cannot be read: {reason}"),
                OLD_VERSIONS,
            ),
        }
    }
}

/// The last commit after a revision that has changed something.
fn last_change(storage: &dyn Storage, head: &State, revision: u64, key: &Key) -> Option<u64> {
    let catalogue = head.catalogue();
    if catalogue.commit.is_none()
        && let Ok(Some((_, before))) = external::last_before(storage, head, catalogue.revision)
        && difference(before.catalogue(), catalogue).keys().contains(key)
    {
        return Some(catalogue.revision);
    }
    let later = Walk::from_head(storage, head).ok()?.flatten().take_while(|entry| entry.revision > revision);
    later.filter(|entry| entry.changes.keys().contains(key)).map(|entry| entry.revision).next()
}

/// A commit, and the states before and after it.
struct Commit {
    operation: String,
    before: Arc<Catalogue>,
    after: Arc<Catalogue>,
}

impl DataFolio {
    /// Undoes a commit, the latest one when no revision is given: what it changed becomes again what it was before. That is
    /// a commit of its own; undoing it brings the change back. Items that were made from one whose renaming is undone follow
    /// it.
    ///
    /// # Errors
    /// [`Error::CannotUndo`] when a later commit has changed one of the same things, or nothing is known of the state
    /// before; [`Error::PayloadGone`] when the file of an old version is no longer there.
    pub fn undo(&self, revision: Option<u64>) -> Result<Undone> {
        self.require_writable("undo")?;
        self.once(|batch| {
            let head = Arc::clone(batch.base());
            let revision = revision.unwrap_or(head.catalogue().revision);
            let storage = self.storage().as_ref();
            let commit = commit_at(storage, &head, revision)?;
            let changes = inverse(&commit.before, &commit.after, head.catalogue());
            for change in changes.map_err(|blocked| blocked.refusal(storage, &head, revision))? {
                batch.change(change, String::new())?;
            }
            batch.name(format!("undo revision {revision} ({})", commit.operation));
            Ok(Undone { revision, removed: removed(head.catalogue(), batch.catalogue()) })
        })
    }
}

/// What is known of the commit that made a revision.
fn commit_at(storage: &dyn Storage, head: &State, revision: u64) -> Result<Commit> {
    let catalogue = head.catalogue();
    let refuse = |reason: &str, advice: &str| refusal(revision, reason, advice);
    if revision > catalogue.revision {
        let latest = catalogue.revision;
        return Err(refuse(
            "there is no such revision yet",
            &format!("the latest is {latest}: `datafolio log` lists them"),
        ));
    }
    if catalogue.commit.is_none() && revision == catalogue.revision {
        // Another program wrote it, and no commit has recorded it yet.
        let Some((_, before)) = external::last_before(storage, head, revision)? else {
            return Err(refuse("another program made it, and nothing is known of the state before", OLD_VERSIONS));
        };
        return Ok(Commit {
            operation: "written by another program".to_owned(),
            before: Arc::clone(before.catalogue()),
            after: Arc::clone(catalogue),
        });
    }
    let mut broken = None;
    for step in Walk::from_head(storage, head)? {
        let entry = match step {
            Ok(entry) if entry.revision > revision => continue,
            Ok(entry) if entry.revision < revision => break,
            Ok(entry) => entry,
            Err(found) => {
                broken = (found.commit.revision >= revision).then_some(found);
                continue;
            }
        };
        if entry.kind == CommitKind::Migration {
            let advice = "the files of 1.x are kept in history/v1 of the bundle";
            return Err(refuse("it changed the layout of the bundle", advice));
        }
        let parent = entry.parent.as_ref().ok_or_else(|| match entry.revision {
            1 => refuse("it created the bundle", "what was added since is removed by `datafolio rm ITEM`"),
            _ => refuse("nothing is known of the state before", OLD_VERSIONS),
        })?;
        return Ok(Commit {
            before: rebuild::at_revision(storage, head, parent.revision)?.catalogue,
            after: rebuild::at_revision(storage, head, revision)?.catalogue,
            operation: entry.operation,
        });
    }
    Err(broken.map_or_else(|| refuse("the history has no entry for it", OLD_VERSIONS), Error::from))
}

/// The items that are gone, and those that list them and are still there.
fn removed(before: &Catalogue, after: &Catalogue) -> Deleted {
    let gone = before.current.keys().filter(|name| !after.current.contains_key(name));
    let names: Vec<String> = gone.map(ToString::to_string).collect();
    let lineage = lineage_of(after);
    let left = |name: &String| {
        let dependents: Vec<String> = lineage.dependents(name)?.into_iter().map(str::to_owned).collect();
        (!dependents.is_empty()).then(|| (name.clone(), dependents))
    };
    let dependents = if names.is_empty() { IndexMap::new() } else { names.iter().filter_map(left).collect() };
    Deleted { names, dependents }
}

/// The changes that take each key which differs between two states back to the earlier one, if the head still has the
/// later one.
fn inverse(before: &Catalogue, after: &Catalogue, head: &Catalogue) -> std::result::Result<Vec<Change>, Blocked> {
    let mut changes = Vec::new();
    let difference = difference(before, after);
    for key in difference.keys() {
        if !Assumed::of(after, &key).same_as(&Assumed::of(head, &key)) {
            return Err(Blocked::Changed(key));
        }
        let change = change_to(key.clone(), before).map_err(|error| match key {
            Key::Snapshot(name) => Blocked::Snapshot { name, reason: error.to_string() },
            key => Blocked::Changed(key),
        });
        changes.push(change?);
    }
    // Items that were made since from one that gets its old name back.
    changes.extend(difference.items.into_iter().filter_map(|change| {
        let name_before = change.renamed_from?;
        Some(Change::RenameInputs { from: change.name, to: name_before })
    }));
    if changes.is_empty() {
        return Err(Blocked::Nothing);
    }
    Ok(changes)
}

/// The change that makes of a thing what it is in a state.
///
/// # Errors
/// When it is a snapshot that cannot be read.
pub(crate) fn change_to(key: Key, state: &Catalogue) -> std::result::Result<Change, CoreError> {
    Ok(match key {
        Key::Item(name) => {
            let entry = state.current.get(name.as_str()).cloned();
            Change::Repoint { name, entry }
        }
        Key::Metadata(key) => {
            let value = state.metadata.get(&key).cloned();
            Change::SetMetadata { key, value }
        }
        Key::Snapshot(name) => match state.snapshots.get(&name) {
            None => Change::DeleteSnapshot { name },
            Some(snapshot) => Change::RevertSnapshot {
                snapshot: Arc::clone(snapshot),
                // What was lost before the snapshot was deleted stays lost.
                entries: state.snapshot_entries(&name)?.into_values().filter_map(Result::ok).collect(),
            },
        },
    })
}
