//! Commits of which an answer of the store did not tell what became of them.
//!
//! A request may time out and be carried out later, be answered with an error after it was carried out, or be sent twice on its
//! way, so that the second one finds the condition broken by the first. So the head is read again after any such answer, and the
//! ids of all that were tried looked for in it and in the history that it builds upon. A later try is made upon the head that is
//! there then: if it succeeds, none of the earlier ones can any more, since each was bound to a head that is gone.

use std::sync::Arc;
use std::time::Duration;

use datafolio_core::history::CommitRef;
use datafolio_storage::{Storage, StorageError};

use crate::bundle::DataFolio;
use crate::bundle::commit::is_in_line;
use crate::bundle::state::State;
use crate::error::{Error, Result};
use crate::history::chain;

/// How often a store may leave open what became of a commit, other than by saying that someone else was first.
const MOST_DOUBTS: u32 = 10;

/// The tries of one commit whose fate is not known.
#[derive(Debug, Default)]
pub(crate) struct Unclear {
    tried: Vec<Tried>,
    doubts: u32,
    /// How often the history could not be read that would have told.
    misses: u32,
}

#[derive(Debug)]
struct Tried {
    commit: CommitRef,
    source: StorageError,
}

impl Tried {
    /// Whether the store answered that the condition does not hold: then the request was carried out, or never will be.
    fn was_answered(&self) -> bool {
        matches!(self.source, StorageError::AlreadyExists { .. })
    }
}

impl Unclear {
    pub(crate) fn is_empty(&self) -> bool {
        self.tried.is_empty()
    }

    /// Notes one more.
    pub(crate) fn note(&mut self, commit: CommitRef, source: StorageError) {
        let tried = Tried { commit, source };
        self.doubts += u32::from(!tried.was_answered());
        tracing::debug!(revision = tried.commit.revision, error = %tried.source, "it is not known yet whether a commit was made");
        self.tried.push(tried);
    }

    /// Whether one of them made the head, or is one that the head builds upon. Those that cannot be any more are forgotten.
    ///
    /// # Errors
    /// When the history that would tell cannot be read.
    pub(crate) fn is_made(&mut self, storage: &dyn Storage, head: &State) -> Result<bool> {
        let mut made = None;
        for (at, tried) in self.tried.iter().enumerate() {
            match is_in_line(storage, head, &tried.commit).inspect_err(|_| self.misses += 1)? {
                Some(true) => made = Some(at),
                Some(false) => {}
                // A collection has removed what would tell. Made again, it could be there twice.
                None => {
                    self.misses += 1;
                    return Err(chain::damaged(&tried.commit.entry_path()?, "the history does not reach back to it"));
                }
            }
        }
        if let Some(made) = made {
            self.tried.remove(made);
            self.forget(storage);
            return Ok(true);
        }
        // What timed out may be carried out yet, as long as the head is the one that it was bound to: one that has come as far is another.
        self.tried.retain(|tried| {
            let may_come = !tried.was_answered() && head.catalogue().revision < tried.commit.revision;
            if !may_come {
                chain::forget(storage, &tried.commit);
            }
            may_come
        });
        Ok(false)
    }

    /// Removes what they have left in the history.
    pub(crate) fn forget(&mut self, storage: &dyn Storage) {
        for tried in self.tried.drain(..) {
            chain::forget(storage, &tried.commit);
        }
    }

    /// Whether to look once more, where the history could not be read: a collection may have removed some of it just then, behind a
    /// later head.
    pub(crate) fn may_look_again(&self) -> bool {
        const MOST: u32 = 5;
        self.misses < MOST
    }

    /// How long to wait before the next try; `Some(None)` where others were faster, and `None` when it has been tried enough.
    pub(crate) fn patience(&self) -> Option<Option<Duration>> {
        match self.tried.last() {
            Some(last) if last.was_answered() => Some(None),
            _ => (self.doubts < MOST_DOUBTS).then(|| Some(pause(self.doubts))),
        }
    }

    /// What a try that failed is told as: where an earlier one may be made yet, nobody can tell.
    pub(crate) fn or(&mut self, error: Error, folio: &DataFolio) -> Error {
        match self.is_empty() {
            true => error,
            false => std::mem::take(self).unknown(folio),
        }
    }

    /// The error where nobody can tell. The handle reads the head again before it does anything else.
    pub(crate) fn unknown(self, folio: &DataFolio) -> Error {
        folio.see(Arc::new(State { tag: None, ..State::clone(&folio.state()) }));
        self.into_error(folio.storage().as_ref())
    }

    /// The error after so many tries in which others were faster.
    pub(crate) fn too_busy(self, folio: &DataFolio, tries: u32) -> Error {
        match self.tried.iter().all(Tried::was_answered) {
            true => Error::TooBusy { location: folio.location(), tries },
            false => self.unknown(folio),
        }
    }

    /// The same without a handle. Where each of the tries is known not to have been made, others were faster.
    pub(crate) fn into_error(mut self, storage: &dyn Storage) -> Error {
        match self.tried.pop() {
            Some(Tried { commit, source }) => {
                Error::CommitUnknown { revision: commit.revision, commit: commit.id, source }
            }
            None => Error::TooBusy { location: storage.location(), tries: self.doubts.max(1) },
        }
    }
}

/// A wait that doubles with each doubt, from a tenth of a second up to five.
pub(crate) fn pause(doubts: u32) -> Duration {
    Duration::from_millis((50u64 << doubts.min(7)).min(5000))
}
