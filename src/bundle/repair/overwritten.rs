//! Making the changes of commits again that another program has written over.

use std::sync::Arc;

use datafolio_core::history::{CommitKind, CommitRef};
use datafolio_core::{Assumed, Catalogue, Change, ChangeSet, Key, difference};
use datafolio_storage::Storage;

use crate::bundle::commit::{Follows, Intent, commit_in_place};
use crate::bundle::repair::RepairReport;
use crate::bundle::state::State;
use crate::error::{Error, Result};
use crate::facts::writer::Writer;
use crate::history::chain::read_entry;
use crate::history::overwritten::{overwritten, problem};
use crate::history::rebuild;
use crate::history::undo::change_to;

/// Makes the changes again, as far as the other program has not changed the same things; `None` when nothing was overwritten.
///
/// # Errors
/// When the history of these commits cannot be read; when somebody commits at the same time.
pub(super) fn restore(storage: &dyn Storage, head: &Arc<State>) -> Result<Option<RepairReport>> {
    let lost = overwritten(storage, head)?;
    if lost.is_empty() {
        return Ok(None);
    }
    let (mut set, mut given_up) = (ChangeSet::new(Arc::clone(head.catalogue())), Vec::new());
    for line in lines(storage, &lost)? {
        for change in changes(&line, head.catalogue(), &mut given_up)? {
            set.push(change);
        }
    }
    let action = format!("made {} again", what(set.changes().len()));
    let intent = Intent {
        operation: format!("repair: {action}"),
        kind: CommitKind::Commit,
        follows: Follows::Head,
        writer: Writer::capture().to_map(),
        staged: &[],
        condemned: &[],
        recovered: &lost,
    };
    let done = commit_in_place(storage, &set, &intent, head)?
        .ok_or_else(|| Error::TooBusy { location: storage.location(), tries: 1 })?;
    Ok(Some(RepairReport {
        problem: Some(problem(&lost)),
        action: Some(action),
        revision: done.catalogue().revision,
        given_up,
        ..RepairReport::default()
    }))
}

fn what(changes: usize) -> String {
    datafolio_core::counted(changes, "change")
}

/// Commits that build upon each other: what was before the first, and after the last.
struct Line {
    before: Arc<Catalogue>,
    after: Arc<Catalogue>,
    last: u64,
}

/// Several programs may have been written over, each by another write.
fn lines(storage: &dyn Storage, lost: &[CommitRef]) -> Result<Vec<Line>> {
    let mut lines: Vec<(CommitRef, CommitRef)> = Vec::new();
    let mut begins: Vec<Option<CommitRef>> = Vec::new();
    for commit in lost {
        let parent = read_entry(storage, commit)?.parent;
        match lines.iter_mut().find(|line| parent.as_ref() == Some(&line.1)) {
            Some((_, last)) => *last = commit.clone(),
            None => {
                lines.push((commit.clone(), commit.clone()));
                begins.push(parent);
            }
        }
    }
    let lines = lines.into_iter().zip(begins).map(|((_, last), parent)| {
        let before = match parent {
            Some(parent) => rebuild::from_checkpoint(storage, &parent)?.catalogue,
            None => Arc::new(Catalogue::empty()),
        };
        let after = rebuild::from_checkpoint(storage, &last)?.catalogue;
        Ok(Line { before, after, last: last.revision })
    });
    lines.collect()
}

/// What has to be changed in the head for it to have what these commits changed.
fn changes(line: &Line, head: &Catalogue, given_up: &mut Vec<String>) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for key in difference(&line.before, &line.after).keys() {
        let now = Assumed::of(head, &key);
        if now.same_as(&Assumed::of(&line.after, &key)) {
            continue;
        }
        if !now.same_as(&Assumed::of(&line.before, &key)) {
            given_up.push(lost_to_another(&key, line));
            continue;
        }
        changes.push(change_to(key, &line.after)?);
    }
    Ok(changes)
}

/// That the other program has changed the same thing.
fn lost_to_another(key: &Key, line: &Line) -> String {
    let version = match key {
        Key::Item(name) => line.after.current.get(name.as_str()).map(|entry| format!(", version {}", entry.token())),
        _ => None,
    };
    format!("{key}{} of revision {}: the other program has changed it as well", version.unwrap_or_default(), line.last)
}
