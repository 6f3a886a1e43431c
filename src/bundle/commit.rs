//! The one place that commits.
//!
//! A commit replays its change set onto the head of the bundle: read the head, check what the changes assumed, apply them,
//! write the history entry, then replace the catalogue if it still is the head that was read. Version ids and the revision
//! are given inside this loop. On a local disk the writers' lock is held throughout; on an object store losing the race is
//! an answer of [`Storage::publish`], and the loop begins again. An answer there may also be lost, or wrong ([`unclear`]): then
//! the head is read and the commit's own id looked for before anything is declared.

use std::sync::Arc;
use std::time::Duration;

use datafolio_core::history::{CommitKind, CommitRef, EntryStamp, HISTORY_FORMAT, HistoryEntry, released};
use datafolio_core::{
    Catalogue, Change, ChangeSet, CommitStamp, Entry, Layout, RelPath, SealCheck, Working, difference, encode_after,
    replay, time,
};
use datafolio_handlers::HandlerError;
use datafolio_storage::{Publish, Storage, StorageError, VersionTag, payload_arrived};
use serde_json::{Map, Value};

use crate::bundle::lease::{Lease, check_returning};
use crate::bundle::state::{State, file, load, reload};
use crate::bundle::unclear::{Unclear, pause};
use crate::bundle::{DataFolio, migrate};
use crate::error::{Error, Result, readable};
use crate::history::chain::{self, Parent};
use crate::history::rebuild;
use crate::history::walk::Walk;

/// After how many commits a full copy of the catalogue is kept, from which it can be recovered.
pub(crate) const CHECKPOINT_EVERY: u32 = 128;
/// How often a commit is tried on a storage where others can win the race.
const MAX_TRIES: u32 = 100;

/// What one commit is, beside its changes.
#[derive(Debug)]
pub(crate) struct Intent<'a> {
    /// What was done, in a few words.
    pub(crate) operation: String,
    /// Kind of the history entry.
    pub(crate) kind: CommitKind,
    /// The commit that this one follows.
    pub(crate) follows: Follows,
    /// Who makes it.
    pub(crate) writer: Map<String, Value>,
    /// Files staged for it, which must still be there.
    pub(crate) staged: &'a [RelPath],
    /// The revision that the first of them was staged upon.
    pub(crate) staged_since: u64,
    /// Files that are removed after it, which no later commit may name.
    pub(crate) condemned: &'a [String],
    /// Commits that another program had overwritten, whose changes it makes again.
    pub(crate) recovered: &'a [CommitRef],
}

/// The commit before.
#[derive(Debug, Clone)]
pub(crate) enum Follows {
    /// The one that made the head.
    Head,
    /// This one, whose catalogue the head was repaired from; the text between is nobody's, so that a full copy is kept.
    Repaired(Option<CommitRef>),
}

/// What became of one round of the loop.
#[derive(Debug)]
pub(crate) enum Round {
    /// The commit is there.
    Made(Made),
    /// Someone else was first; nothing was written.
    Lost,
    /// The answer of the storage does not tell. The history entry of the commit is kept.
    Unclear(CommitRef, StorageError),
}

/// A commit that is there for all to see.
#[derive(Debug)]
pub(crate) struct Made {
    /// The new head.
    pub(crate) state: Arc<State>,
    /// Why it may not survive a crash of the machine.
    pub(crate) doubt: Option<Error>,
}

impl Made {
    /// The new head.
    ///
    /// # Errors
    /// [`Error::NotDurable`].
    pub(crate) fn into_state(self) -> Result<Arc<State>> {
        match self.doubt {
            None => Ok(self.state),
            Some(doubt) => Err(doubt),
        }
    }
}

/// A commit that was made.
pub(crate) struct Committed {
    /// The head.
    pub(crate) state: Arc<State>,
    /// Whether that is what this commit has published. It may be a later one, of somebody else, where the commit was found by looking for it.
    pub(crate) is_it: bool,
}

/// Commits a change set; the handle then sees the new head. `done` is the base of the set with its changes, where it is at
/// hand.
pub(crate) fn commit(
    folio: &DataFolio,
    set: &ChangeSet,
    intent: &Intent<'_>,
    mut done: Option<Working>,
) -> Result<Committed> {
    let storage = folio.storage();
    // What is on its way has to be there before anything names it.
    intent.staged.iter().try_for_each(|path| payload_arrived(storage.as_ref(), path))?;
    let mut unclear = Unclear::default();
    let mut lease = Lease::new(intent.staged, intent.staged_since);
    for attempt in 1..=MAX_TRIES {
        let lock = storage.lock(folio.settings().lock_timeout)?;
        let known = folio.state();
        let head = match reread(storage.as_ref(), &known, attempt) {
            Err(_) if !unclear.is_empty() => return Err(unclear.unknown(folio)),
            head => head?,
        };
        match unclear.is_made(storage.as_ref(), &head) {
            Ok(false) => {}
            Ok(true) => {
                folio.see(Arc::clone(&head));
                folio.derived().committed(storage.as_ref(), &head, lock);
                return Ok(Committed { state: head, is_it: false });
            }
            Err(_) if unclear.may_look_again() => {
                drop(lock);
                std::thread::sleep(backoff(attempt));
                continue;
            }
            Err(_) => return Err(unclear.unknown(folio)),
        }
        lease.renew(storage.as_ref(), &head).map_err(|error| unclear.or(error, folio))?;
        if head.catalogue().is_damaged_by_1x() {
            return Err(Error::DamagedBy1x { location: storage.location() });
        }
        // Nobody has committed since: what was done here to the same state need not be done again.
        let done = done.take().filter(|_| Arc::ptr_eq(set.base(), head.catalogue()));
        let room = folio.take_room();
        let round = attempt_once(storage.as_ref(), set, intent, &known, &head, (done, room));
        if let Err(Error::CommitUnknown { .. }) = &round {
            // Whatever the storage says of that file by its tag, the next call is to read it.
            folio.see(Arc::new(State { tag: None, ..State::clone(&known) }));
        }
        match round.map_err(|error| unclear.or(error, folio))? {
            Round::Made(made) => {
                unclear.forget(storage.as_ref());
                // Also when it is not durable: everyone else sees the commit by now, and a handle that did not would be in
                // conflict with itself.
                folio.see(Arc::clone(&made.state));
                if known.since_checkpoint.is_none() && !storage.is_remote() {
                    // This handle has not committed before: what an interrupted change of layout left behind goes now.
                    migrate::forget_old_layout(storage.as_ref());
                }
                folio.derived().committed(storage.as_ref(), &made.state, lock);
                return Ok(Committed { state: made.into_state()?, is_it: true });
            }
            Round::Lost => {
                drop(lock);
                std::thread::sleep(backoff(attempt));
            }
            Round::Unclear(commit, source) => {
                drop(lock);
                unclear.note(commit, source);
                match unclear.patience() {
                    Some(wait) => std::thread::sleep(wait.unwrap_or_else(|| backoff(attempt))),
                    None => return Err(unclear.unknown(folio)),
                }
            }
        }
    }
    match unclear.is_empty() {
        true => Err(Error::TooBusy { location: storage.location(), tries: MAX_TRIES }),
        false => Err(unclear.too_busy(folio, MAX_TRIES)),
    }
}

/// The head to commit upon. Where reading it is a request, the first try does without: if it has moved, the write fails.
fn reread(storage: &dyn Storage, known: &Arc<State>, attempt: u32) -> Result<Arc<State>> {
    match attempt == 1 && is_good_enough(storage, known) {
        true => Ok(Arc::clone(known)),
        false => reload(storage, known),
    }
}

/// Whether a commit upon the state that a handle knows fails if that is no longer the head.
fn is_good_enough(storage: &dyn Storage, known: &State) -> bool {
    storage.is_remote() && known.tag.is_some() && known.catalogue().layout == Layout::V2
}

/// Commits in the place of exactly the file that a state was read from, or where there is none; `None` when that is no longer
/// what is there.
pub(crate) fn commit_in_place(
    storage: &dyn Storage,
    set: &ChangeSet,
    intent: &Intent<'_>,
    head: &Arc<State>,
) -> Result<Option<Arc<State>>> {
    let mut unclear = Unclear::default();
    loop {
        let round = match attempt_once(storage, set, intent, head, head, Default::default()) {
            Err(_) if !unclear.is_empty() => return Err(unclear.into_error(storage)),
            round => round?,
        };
        match round {
            Round::Made(made) => {
                unclear.forget(storage);
                return made.into_state().map(Some);
            }
            Round::Lost => return Ok(None),
            Round::Unclear(commit, source) => unclear.note(commit, source),
        }
        // The file may be one that cannot be read as a catalogue: that is what a repair is for.
        if let Ok(found) = load(storage, SealCheck::Required)
            && unclear.is_made(storage, &found).unwrap_or(false)
        {
            return Ok(Some(Arc::new(found)));
        }
        let path = file("items.json")?;
        let is_as_before = match &head.tag {
            Some(tag) => storage.is_unchanged(&path, tag),
            None => storage.stat(&path).map(|found| found.is_none()),
        };
        match (is_as_before, unclear.patience()) {
            (Ok(true), Some(wait)) => std::thread::sleep(wait.unwrap_or_else(|| pause(1))),
            (Ok(false), _) => return Ok(None),
            (Err(error), _) if unclear.is_empty() => return Err(error.into()),
            _ => return Err(unclear.into_error(storage)),
        }
    }
}

/// One round of the loop, under the lock.
///
/// `done` is the head with the changes, where that is known; `room` is memory for the text of the new catalogue. `known` is
/// what the handle saw last: when another program has written since, the difference goes into the history.
pub(crate) fn attempt_once(
    storage: &dyn Storage,
    set: &ChangeSet,
    intent: &Intent<'_>,
    known: &Arc<State>,
    head: &Arc<State>,
    (done, room): (Option<Working>, String),
) -> Result<Round> {
    let now = time::to_iso(time::now());
    // Version ids carry the commit's id, so what was done before was done under that of its own.
    let id = match &done {
        Some(working) => working.commit_id().to_owned(),
        None => chain::new_commit_id()?,
    };
    // The parent's id is needed to replay, and the parent is only written down for changes that hold.
    set.check(head.catalogue())?;
    // On a store nothing is removed before it was condemned, which was looked for.
    if !storage.is_remote() {
        check_staged(storage, intent.staged)?;
    }
    for entry in becoming_current(set, head.catalogue()) {
        check_payload(storage, entry, head.catalogue())?;
    }
    let (parent, repaired) = match &intent.follows {
        Follows::Head => (chain::ensure_parent(storage, known, head)?, None),
        Follows::Repaired(commit) => {
            let before = commit.as_ref().map(|commit| readable(rebuild::from_checkpoint(storage, commit)));
            let before = before.transpose()?.flatten();
            let before = before.map_or_else(|| Arc::clone(head.catalogue()), |published| published.catalogue);
            (Parent { commit: commit.clone(), since_checkpoint: None }, Some(before))
        }
    };
    let is_repair = repaired.is_some();
    // A repair changes what the commit before had published, which is not the head that it was given.
    let before = repaired.unwrap_or_else(|| Arc::clone(head.catalogue()));
    let follows = parent.commit.as_ref().map(|commit| commit.id.clone());
    let applied = match done {
        Some(working) => working.finish(follows, &now),
        None => replay(set, head.catalogue(), CommitStamp { id: id.clone(), parent: follows }, &now)?,
    };
    for entry in &applied.reinserted {
        check_payload(storage, entry, head.catalogue())?;
    }
    let returning = becoming_current(set, head.catalogue()).chain(&applied.reinserted);
    check_returning(storage, head, intent.staged, returning)?;
    let (new, patch) = encode_after(&head.published, applied.catalogue, room);
    let since_checkpoint = match parent.since_checkpoint {
        Some(count) if count + 1 < CHECKPOINT_EVERY => count + 1,
        _ => 0,
    };
    let entry = HistoryEntry {
        format: HISTORY_FORMAT,
        revision: new.catalogue.revision,
        commit: EntryStamp { id, seal: String::new() },
        parent: parent.commit,
        kind: intent.kind,
        timestamp: now,
        writer: intent.writer.clone(),
        operation: intent.operation.clone(),
        catalogue: new.fingerprint(),
        changes: difference(&before, &new.catalogue),
        released: released(&before, &new),
        condemned: intent.condemned.to_vec(),
        overwritten: Vec::new(),
        recovered: intent.recovered.to_vec(),
        patch: (head.catalogue().layout == Layout::V2 && head.catalogue().revision > 0 && !is_repair).then_some(patch),
        since_checkpoint,
    };
    let commit = entry.commit_ref();
    let written = chain::write(storage, &entry, (since_checkpoint == 0).then_some(&*new.text));
    let (tag, doubt) = match written.and_then(|()| publish(storage, &new.text, head.tag.as_ref(), &commit)) {
        Ok(Publish::Done(tag)) => (Some(tag), None),
        Ok(Publish::Unclear(source)) => return Ok(Round::Unclear(commit, source)),
        // The commit is there, and its history entry has to stay.
        Err(doubt @ Error::NotDurable { .. }) => (None, Some(doubt)),
        // It may be there: what is deleted now could be what the head names.
        Err(unknown @ Error::CommitUnknown { .. }) => return Err(unknown),
        Ok(Publish::Lost) => {
            chain::forget(storage, &commit);
            return Ok(Round::Lost);
        }
        Err(error) => {
            chain::forget(storage, &commit);
            return Err(error);
        }
    };
    let noted = chain::note_published(storage, &commit, head.noted.as_ref());
    let mut state = State { noted, ..State::new(new, tag) };
    state.since_checkpoint = Some(since_checkpoint);
    Ok(Round::Made(Made { state: Arc::new(state), doubt }))
}

/// Replaces the catalogue.
///
/// An error of a local disk does not say whether the new catalogue is there. So it is read again and the commit's own id
/// looked for, before anything is declared. A store says so itself ([`Publish::Unclear`]), and its errors mean that nothing was
/// written.
///
/// # Errors
/// [`Error::NotDurable`] when the commit is there, [`Error::CommitUnknown`] when nobody can tell; every other error means
/// that it is not.
pub(crate) fn publish(
    storage: &dyn Storage,
    text: &str,
    expected: Option<&VersionTag>,
    commit: &CommitRef,
) -> Result<Publish> {
    match storage.publish(&file("items.json")?, text.as_bytes(), expected) {
        Ok(published) => Ok(published),
        Err(source) if storage.is_remote() => Err(source.into()),
        // The storage knows, and need not be asked again: it may be out of reach by now.
        Err(source @ StorageError::NotDurable { .. }) => Err(Error::NotDurable { revision: commit.revision, source }),
        Err(source) => match is_made(storage, expected, commit) {
            Some(true) => Err(Error::NotDurable { revision: commit.revision, source }),
            Some(false) => Err(source.into()),
            None => Err(Error::CommitUnknown { revision: commit.revision, commit: commit.id.clone(), source }),
        },
    }
}

/// Whether a commit is the head, or one that the head builds upon; `None` when that cannot be found out.
fn is_made(storage: &dyn Storage, expected: Option<&VersionTag>, commit: &CommitRef) -> Option<bool> {
    let head = match load(storage, SealCheck::Required) {
        Ok(head) => head,
        // Nothing was there before, and nothing is now.
        Err(Error::NotABundle { .. }) if expected.is_none() => return Some(false),
        Err(_) => return None,
    };
    is_in_line(storage, &head, commit).ok().flatten()
}

/// Whether a commit is the one that made a head, or one that the head builds upon; `None` where the history does not tell.
///
/// # Errors
/// When the history cannot be read.
pub(crate) fn is_in_line(storage: &dyn Storage, head: &State, commit: &CommitRef) -> Result<Option<bool>> {
    if head.catalogue().revision <= commit.revision {
        return Ok(Some(head.commit_ref().as_ref() == Some(commit)));
    }
    // Others have gone on since; where no lock excludes them, perhaps from this very commit.
    for entry in Walk::from_head(storage, head)? {
        let entry = entry?;
        if entry.revision <= commit.revision {
            return Ok(Some(entry.commit_ref() == *commit));
        }
    }
    Ok(None)
}

/// A catalogue must not name payloads that were staged so long ago that they were collected.
pub(crate) fn check_staged(storage: &dyn Storage, staged: &[RelPath]) -> Result<()> {
    for path in staged {
        if storage.stat(path)?.is_none() {
            return Err(Error::StagedGone { path: path.to_string() });
        }
    }
    Ok(())
}

/// The versions with another payload than the current ones that these changes make current.
fn becoming_current<'a>(set: &'a ChangeSet, head: &'a Catalogue) -> impl Iterator<Item = &'a Arc<Entry>> {
    set.changes().iter().filter_map(|change| match change {
        Change::Repoint { name, entry: Some(entry) } => {
            let current = head.current.get(name.as_str());
            let is_current = current.is_some_and(|current| current.filename() == entry.filename());
            (!is_current).then_some(entry)
        }
        _ => None,
    })
}

/// Nor must it name those of old versions that are gone: another program may have deleted them, or given their file's name
/// to another content.
fn check_payload(storage: &dyn Storage, entry: &Entry, head: &Catalogue) -> Result<()> {
    // Of an item type that nobody here knows, nobody knows where its file would be.
    let gone = |path: &RelPath| {
        Err(Error::PayloadGone { item: entry.name().to_owned(), version: entry.token(), path: path.to_string() })
    };
    let payloads = entry.payloads();
    for path in &payloads {
        let found =
            storage.stat(path).map_err(|source| HandlerError::Payload { item: entry.name().to_owned(), source })?;
        if found.is_none() {
            return gone(path);
        }
    }
    match payloads.first() {
        Some(path) if head.versions_of(entry.name()).any(|other| other.contradicts(entry)) => gone(path),
        _ => Ok(()),
    }
}

/// A random wait that grows with the number of tries, up to a fifth of a second.
fn backoff(attempt: u32) -> Duration {
    let most = 1u64 << attempt.min(7);
    let mut random = [0u8; 2];
    // Without randomness the wait is merely less even.
    let _ = getrandom::fill(&mut random);
    Duration::from_micros(most * 1000 * u64::from(u16::from_le_bytes(random)) / 65536 + 500)
}
