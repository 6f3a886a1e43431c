//! What was staged for a commit, and what it brings back, must not be condemned by a collection of garbage.
//!
//! On a local disk the lock keeps a commit and a collection apart. On a store a collection commits first what it is going to
//! remove ([`HistoryEntry::condemned`](datafolio_core::history::HistoryEntry::condemned)), and removes it then. A commit that was
//! begun before fails, as the head has moved, and is made again upon one whose history it has looked through; files that were
//! condemned meanwhile are gone, or about to be, however long the writer had paused.

use std::collections::HashMap;
use std::sync::Arc;

use datafolio_core::{Entry, RelPath};
use datafolio_storage::{BLOCKS_SUFFIX, Storage};

use crate::bundle::commit::check_staged;
use crate::bundle::state::State;
use crate::error::{Error, Result};
use crate::history::walk::Walk;

/// Up to which revision it is known that the staged files of a commit were not condemned.
#[derive(Debug)]
pub(crate) struct Lease<'a> {
    staged: &'a [RelPath],
    up_to: u64,
}

impl<'a> Lease<'a> {
    /// The files were staged upon this revision, or a later one.
    pub(crate) fn new(staged: &'a [RelPath], since: u64) -> Self {
        Self { staged, up_to: since }
    }

    /// Looks through the commits up to the head that were not looked at yet.
    ///
    /// # Errors
    /// [`Error::StagedGone`].
    pub(crate) fn renew(&mut self, storage: &dyn Storage, head: &State) -> Result<()> {
        let revision = head.catalogue().revision;
        if !storage.is_remote() || self.staged.is_empty() || revision <= self.up_to {
            return Ok(());
        }
        // The last revision that was looked at.
        let mut seen = revision + 1;
        let mut is_damaged = false;
        for entry in Walk::from_head(storage, head)? {
            let Ok(entry) = entry else {
                // Where the history is damaged, what is still there has to do.
                check_staged(storage, self.staged)?;
                is_damaged = true;
                continue;
            };
            seen = entry.revision;
            if entry.revision <= self.up_to {
                break;
            }
            let is_condemned = |path: &&RelPath| entry.condemned.iter().any(|condemned| condemned == path.as_str());
            if let Some(path) = self.staged.iter().find(is_condemned) {
                return Err(Error::StagedGone { path: path.to_string() });
            }
        }
        // History that told of what was condemned is removed after those files are gone.
        if seen > self.up_to + 1 && !is_damaged {
            check_staged(storage, self.staged)?;
        }
        self.up_to = revision;
        Ok(())
    }
}

/// Sees to it that files of versions which come back into the catalogue were not condemned since they left it: they may be there still, and
/// are about to go. What was staged has a lease.
///
/// # Errors
/// [`Error::PayloadGone`].
pub(crate) fn check_returning<'e>(
    storage: &dyn Storage,
    head: &State,
    staged: &[RelPath],
    entries: impl Iterator<Item = &'e Arc<Entry>>,
) -> Result<()> {
    if !storage.is_remote() {
        return Ok(());
    }
    let mut sought: HashMap<String, &Entry> = HashMap::new();
    for entry in entries {
        let files = entry.files().into_iter().filter(|path| !staged.contains(path));
        sought.extend(files.map(|path| (path.to_string(), &**entry)));
    }
    if sought.is_empty() {
        return Ok(());
    }
    // What the head names, under whatever name, was not condemned, or was written anew since.
    for path in head.catalogue().entries().flat_map(|entry| entry.files()) {
        sought.remove(path.as_str());
    }
    if sought.is_empty() {
        return Ok(());
    }
    let returning = sought.clone();
    let gone = |(path, entry): (&String, &&Entry)| {
        Err(Error::PayloadGone { item: entry.name().to_owned(), version: entry.token(), path: path.clone() })
    };
    // Where the history is damaged, what it tells has to do.
    for commit in Walk::from_head(storage, head)?.flatten() {
        if let Some(found) = commit.condemned.iter().find_map(|path| sought.get_key_value(path)) {
            return gone(found);
        }
        // Before it left nobody could condemn it.
        for path in commit.released.iter().flat_map(|released| &released.files) {
            sought.remove(path);
        }
        if sought.is_empty() {
            break;
        }
    }
    // What was condemned in a part of the history that is not there any more is gone by now: that is removed behind it. Block checksums
    // can be done without.
    for found in returning.iter().filter(|(path, _)| !path.ends_with(BLOCKS_SUFFIX)) {
        if storage.stat(&RelPath::parse(found.0)?)?.is_none() {
            return gone(found);
        }
    }
    Ok(())
}
