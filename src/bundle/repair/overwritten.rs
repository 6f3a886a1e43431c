//! Making the changes of commits again that another program has written over.

use std::sync::Arc;

use datafolio_core::history::{CommitKind, CommitRef};
use datafolio_core::{Assumed, Catalogue, Change, ChangeSet, Key, counted, difference};
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

/// Makes the changes again, as far as the other program has not changed the same things, or with `accept` gives them up; `None` when
/// nothing was overwritten.
///
/// # Errors
/// When the history of these commits cannot be read; when somebody commits at the same time.
pub(super) fn restore(storage: &dyn Storage, head: &Arc<State>, accept: bool) -> Result<Option<RepairReport>> {
    let lost = overwritten(storage, head, 0)?;
    if lost.is_empty() {
        return Ok(None);
    }
    let (mut changes, mut given_up): (Vec<(Key, u64, Change)>, Vec<String>) = Default::default();
    for line in lines(storage, &lost)? {
        for key in difference(&line.before, &line.after).keys() {
            if accept {
                given_up.push(named(&key, &line, "it was given up"));
                continue;
            }
            let Some(change) = again(storage, &key, &line, head.catalogue(), &mut given_up)? else { continue };
            // The later of two that were both written over.
            if let Some(at) = changes.iter().position(|(other, ..)| *other == key) {
                let (_, revision, _) = changes.remove(at);
                given_up.push(format!("{key} of revision {revision}: revision {} has changed it as well", line.last));
            }
            changes.push((key, line.last, change));
        }
    }
    let mut set = ChangeSet::new(Arc::clone(head.catalogue()));
    changes.into_iter().for_each(|(_, _, change)| set.push(change));
    let action = match accept {
        true => "items.json was taken as it is".to_owned(),
        false => format!("made {} again", counted(set.changes().len(), "change")),
    };
    let intent = Intent {
        operation: format!("repair: {action}"),
        kind: CommitKind::Commit,
        follows: Follows::Head,
        writer: Writer::capture().to_map(),
        staged: &[],
        staged_since: 0,
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

/// What has to be changed in the head for it to have what these commits made of a thing; nothing where it has that, or cannot get it.
fn again(
    storage: &dyn Storage,
    key: &Key,
    line: &Line,
    head: &Catalogue,
    given_up: &mut Vec<String>,
) -> Result<Option<Change>> {
    let now = Assumed::of(head, key);
    if now.same_as(&Assumed::of(&line.after, key)) {
        return Ok(None);
    }
    if !now.same_as(&Assumed::of(&line.before, key)) {
        given_up.push(named(key, line, "the other program has changed it as well"));
        return Ok(None);
    }
    if let Key::Item(name) = key
        && let Some(entry) = line.after.current.get(name.as_str())
    {
        for path in entry.payloads() {
            if storage.stat(&path)?.is_none() {
                given_up.push(named(key, line, &format!("its file {path} is gone")));
                return Ok(None);
            }
        }
    }
    Ok(Some(change_to(key.clone(), &line.after)?))
}

/// A thing as those commits had made it, and why it does not come back.
fn named(key: &Key, line: &Line, why: &str) -> String {
    let version = match key {
        Key::Item(name) => line.after.current.get(name.as_str()).map(|entry| format!(", version {}", entry.token())),
        _ => None,
    };
    format!("{key}{} of revision {}: {why}", version.unwrap_or_default(), line.last)
}
