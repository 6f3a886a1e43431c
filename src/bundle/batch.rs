//! Changes that are committed together: all or nothing.

mod adding;
mod editing;

use std::collections::HashSet;
use std::sync::Arc;

use datafolio_core::history::CommitKind;
use datafolio_core::{Catalogue, Change, ChangeSet, RelPath, Working};
use datafolio_storage::discard_payload;

use crate::bundle::DataFolio;
use crate::bundle::commit::{Committed, Follows, Intent, commit};
use crate::bundle::state::{State, reload};
use crate::error::Result;
use crate::history::chain;
pub(crate) use adding::{Own, RESERVED_FIELDS, payload_fields};
pub(crate) use editing::{check_depth, check_metadata};

/// Changes to a bundle that become one commit.
///
/// Nothing is visible to anyone before [`commit`](Batch::commit); a batch that is dropped has changed nothing, and the
/// files it had staged are removed.
///
/// ```
/// # fn main() -> datafolio::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let folio = datafolio::DataFolio::create(dir.path().join("b"))?;
/// use datafolio::AddOptions;
///
/// let mut batch = folio.batch()?;
/// batch.add("raw", serde_json::json!([1, 2]), AddOptions::new())?;
/// batch.add("sum", serde_json::json!(3), AddOptions::new().inputs(["raw"]))?;
/// batch.commit()?;
/// assert_eq!(folio.revision(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Batch<'a> {
    folio: &'a DataFolio,
    base: Arc<State>,
    set: ChangeSet,
    working: Working,
    staged: Vec<RelPath>,
    /// The revision that the first of them was staged upon.
    staged_since: u64,
    done: Vec<String>,
}

impl DataFolio {
    /// Begins a batch. A bundle of 1.x is changed to the layout of 2.x first, which is a commit of its own.
    ///
    /// # Errors
    /// [`Error::ReadOnly`](crate::Error::ReadOnly); [`Error::DamagedBy1x`](crate::Error::DamagedBy1x).
    pub fn batch(&self) -> Result<Batch<'_>> {
        self.require_writable("change the bundle")?;
        self.migrate_if_needed()?;
        let base = self.state();
        let set = ChangeSet::new(Arc::clone(base.catalogue()));
        let working = Working::new(base.catalogue(), &chain::new_commit_id()?);
        let staged_since = base.catalogue().revision;
        Ok(Batch { folio: self, base, set, working, staged: Vec::new(), staged_since, done: Vec::new() })
    }

    /// A batch of one step.
    pub(crate) fn once<T>(&self, step: impl FnOnce(&mut Batch<'_>) -> Result<T>) -> Result<T> {
        Ok(self.once_seen(step)?.0)
    }

    /// A batch of one step, with the state that it made. The handle itself may be at a later one by the time of the
    /// answer: another thread may have committed through it.
    pub(crate) fn once_seen<T>(&self, step: impl FnOnce(&mut Batch<'_>) -> Result<T>) -> Result<(T, Arc<State>)> {
        let mut batch = self.batch()?;
        let result = step(&mut batch)?;
        Ok((result, batch.commit_state()?))
    }
}

impl Batch<'_> {
    /// The state with the changes of this batch.
    pub fn catalogue(&self) -> &Catalogue {
        self.working.catalogue()
    }

    /// A handle to the state with the changes of this batch, for reading: what was added can be read before it is committed. It
    /// does not see what the batch changes afterwards, and is of no use once the batch is given up.
    ///
    /// ```
    /// # fn main() -> datafolio::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let folio = datafolio::DataFolio::create(dir.path().join("b"))?;
    /// let mut batch = folio.batch()?;
    /// batch.add("rate", serde_json::json!(3), datafolio::AddOptions::new())?;
    /// assert_eq!(batch.seen().get_json("rate")?, 3);
    /// assert!(!folio.contains("rate"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn seen(&self) -> DataFolio {
        let state = match self.set.is_empty() {
            true => State::clone(&self.base),
            false => State::detached(self.working.catalogue().clone(), self.base.lost.clone()),
        };
        self.folio.detached(state, crate::bundle::Mode::ReadOnly)
    }

    /// The bundle.
    pub(crate) fn folio(&self) -> &DataFolio {
        self.folio
    }

    /// Notes a file that no entry names before the batch is committed.
    pub(crate) fn keep_staged(&mut self, path: RelPath) {
        self.staged.push(path);
    }

    /// Takes over what another batch has staged and could not commit.
    pub(crate) fn take_staged(&mut self, other: &mut Self) {
        self.staged.append(&mut other.staged);
        self.staged_since = self.staged_since.min(other.staged_since);
    }

    /// The state that the batch was begun on.
    pub(crate) fn base(&self) -> &Arc<State> {
        &self.base
    }

    /// Makes a change here first, so that what is wrong with it is said at once, and in order.
    pub(crate) fn change(&mut self, change: Change, operation: String) -> Result<()> {
        if let Err(error) = self.working.apply(&change) {
            // It may have got half-way, and the caller may go on without it: back to what the changes before had made.
            self.back_to(self.set.changes().len())?;
            return Err(error.into());
        }
        self.set.push(change);
        self.done.push(operation);
        Ok(())
    }

    /// A step of several changes: when one fails, none of them was made.
    fn all_or_nothing(&mut self, step: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let (changes, done) = (self.set.changes().len(), self.done.len());
        let result = step(self);
        if result.is_err() {
            self.back_to(changes)?;
            self.done.truncate(done);
        }
        result
    }

    /// Forgets all but the first changes.
    fn back_to(&mut self, count: usize) -> Result<()> {
        let mut set = ChangeSet::new(Arc::clone(self.base.catalogue()));
        let mut working = Working::new(self.base.catalogue(), self.working.commit_id());
        for made in &self.set.changes()[..count] {
            working.apply(made)?;
            set.push(made.clone());
        }
        (self.set, self.working) = (set, working);
        Ok(())
    }

    /// Says in one line what all changes so far are.
    pub(crate) fn name(&mut self, operation: String) {
        self.done = vec![operation];
    }

    /// Commits all changes as one revision, and returns it. Without changes nothing is written.
    ///
    /// # Errors
    /// [`Conflict`](datafolio_core::CoreError::Conflict) when another writer has changed one of the same things since the handle last looked; then,
    /// as with every error, nothing of the batch is published.
    pub fn commit(self) -> Result<u64> {
        Ok(self.commit_state()?.catalogue().revision)
    }

    /// Commits, and returns the state that this made.
    fn commit_state(mut self) -> Result<Arc<State>> {
        self.try_commit()
    }

    /// The same, for who still needs what was staged when it fails. Nothing more can be added.
    pub(crate) fn try_commit(&mut self) -> Result<Arc<State>> {
        if self.changes_nothing()? {
            return Ok(Arc::clone(&self.base));
        }
        let intent = Intent {
            operation: summary(&self.done),
            kind: CommitKind::Commit,
            follows: Follows::Head,
            writer: self.folio.writer(),
            staged: &self.staged,
            staged_since: self.staged_since,
            condemned: &[],
            recovered: &[],
        };
        let done = std::mem::replace(&mut self.working, Working::new(&Catalogue::empty(), ""));
        match commit(self.folio, &self.set, &intent, Some(done)) {
            Ok(Committed { state, is_it }) => {
                // What is left here is removed when the batch goes: payloads that the batch itself replaced or deleted. A later head does
                // not tell which these are: the revision that was made may name what it no longer does.
                self.staged = if is_it { self.superseded(state.catalogue()) } else { Vec::new() };
                self.folio.give_room(std::mem::replace(&mut self.base, Arc::clone(&state)));
                Ok(state)
            }
            Err(error) => {
                if error.may_be_committed() {
                    // The commit is visible, or may be, so its payloads have to stay.
                    self.staged.clear();
                }
                Err(error)
            }
        }
    }
}

impl Batch<'_> {
    /// Whether the changes add up to nothing, such as a description set to what it was, and nobody else has changed
    /// anything meanwhile that they would be in conflict with.
    fn changes_nothing(&self) -> Result<bool> {
        if self.set.is_empty() {
            return Ok(true);
        }
        let (base, now) = (self.base.catalogue(), self.working.catalogue());
        let same_lists = base.current.len() == now.current.len() && base.retired.len() == now.retired.len();
        if !same_lists || base.metadata != now.metadata {
            return Ok(false);
        }
        let same_entries = base.current.differing(&now.current).is_empty()
            && base.retired.iter().zip(&now.retired).all(|(a, b)| Arc::ptr_eq(a, b));
        let same_snapshots = base.snapshots.len() == now.snapshots.len()
            && base.snapshots.values().zip(now.snapshots.values()).all(|(a, b)| Arc::ptr_eq(a, b));
        if !same_entries || !same_snapshots {
            return Ok(false);
        }
        Ok(Arc::ptr_eq(&reload(self.folio.storage().as_ref(), &self.base)?, &self.base))
    }

    /// Staged payloads that the published catalogue does not name.
    fn superseded(&mut self, published: &Catalogue) -> Vec<RelPath> {
        let staged = std::mem::take(&mut self.staged);
        if staged.len() == self.set.changes().len() && staged.len() < 2 {
            return Vec::new();
        }
        let named: HashSet<RelPath> = published.entries().flat_map(|entry| entry.files()).collect();
        staged.into_iter().filter(|path| !named.contains(path)).collect()
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        for path in &self.staged {
            discard_payload(self.folio.storage().as_ref(), path);
        }
    }
}

/// One line for all that a batch did.
fn summary(done: &[String]) -> String {
    const SHOWN: usize = 5;
    match done.len() {
        0..=SHOWN => done.join(", "),
        n => format!("{}, and {} more", done[..SHOWN].join(", "), n - SHOWN),
    }
}
