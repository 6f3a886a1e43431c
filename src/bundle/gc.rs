//! Removing what nothing kept needs.
//!
//! Kept for ever: current versions and those of snapshots. Kept for a time: the revisions of the last days, or the last
//! few, whichever are more, with every version they name. Everything else in the payload directories is garbage once it is
//! older than the grace period, which protects files that a writer has staged and not yet committed.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use datafolio_core::history::{CommitRef, Released, released};
use datafolio_core::{RelPath, time};
use datafolio_storage::{FileInfo, Storage};
use serde::Serialize;

use crate::bundle::DataFolio;
use crate::bundle::state::{State, file, reload};
use crate::error::{Error, Result};
use crate::history::chain::{self, Walk, write_whole};
use crate::history::rebuild;

/// Directories whose files are payloads.
pub(crate) const PAYLOAD_DIRS: [&str; 4] = ["tables", "models", "artifacts", "parts"];

/// What is collected.
#[derive(Debug, Clone, Default)]
pub struct GcOptions {
    /// Removes what was found; otherwise it is only listed.
    pub apply: bool,
    /// Files younger than this are left alone; by default the setting `gc_grace`.
    pub grace: Option<Duration>,
    /// Revisions of the last so many days are kept; by default the setting `retention_days`.
    pub retention_days: Option<u32>,
    /// At least so many of the last revisions are kept; by default the setting `retention_revisions`.
    pub retention_revisions: Option<u32>,
}

/// What was found, and with `apply` removed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct GcReport {
    /// Whether it was removed.
    pub applied: bool,
    /// The oldest revision that can be opened afterwards.
    pub oldest_kept_revision: u64,
    /// Payload files that nothing kept needs.
    pub payloads: Vec<String>,
    /// Files of the history that are older than what is kept, or were never published.
    pub history: Vec<String>,
    /// Bytes of all these.
    pub bytes: u64,
    /// Files that nothing needs and that are younger than the grace period.
    pub too_young: usize,
    /// Versions of kept revisions whose files are gone: another program deleted them.
    pub lost_versions: Vec<Lost>,
}

/// A version that a kept revision names and whose file is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// The item.
    pub item: String,
    /// The version.
    pub version: String,
}

impl DataFolio {
    /// Finds what nothing kept needs, and removes it when the options say so.
    ///
    /// # Errors
    /// When the history that is to be kept cannot be read: nothing is removed on a guess.
    pub fn gc(&self, options: &GcOptions) -> Result<GcReport> {
        if options.apply {
            self.require_writable("collect garbage")?;
        }
        let storage = self.storage().as_ref();
        // Under the lock no commit can name a file between our look and its removal.
        let _lock = match options.apply {
            true => Some(storage.lock(self.settings().lock_timeout)?),
            false => None,
        };
        let head = reload(storage, &self.state())?;
        if head.catalogue().is_damaged_by_1x() {
            // The history is what it can be repaired from.
            return Err(Error::DamagedBy1x { location: storage.location() });
        }
        let (mut report, kept) = self.find_garbage(&head, options)?;
        if options.apply {
            if let Some(oldest) = kept.oldest_commit.filter(|_| !report.history.is_empty()) {
                keep_copy(storage, &head, &oldest)?;
            }
            // The history first, and of it the newest first: interrupted, it must not promise versions whose files are gone,
            // and the chain must end at the copy that was just kept.
            for path in report.history.iter().rev().chain(&report.payloads) {
                storage.delete(&file(path)?)?;
            }
            report.applied = true;
        }
        Ok(report)
    }

    pub(crate) fn find_garbage(&self, head: &State, options: &GcOptions) -> Result<(GcReport, Kept)> {
        let storage = self.storage().as_ref();
        let settings = self.settings();
        let grace = options.grace.unwrap_or(settings.gc_grace);
        let kept = Kept::of(
            storage,
            head,
            options.retention_days.unwrap_or(settings.retention_days),
            options.retention_revisions.unwrap_or(settings.retention_revisions),
        )?;
        let mut report = GcReport { oldest_kept_revision: kept.oldest, ..GcReport::default() };
        let young = |info: &FileInfo| SystemTime::now().duration_since(info.modified).map_or(true, |age| age < grace);
        let mut there: HashSet<RelPath> = HashSet::new();
        for dir in PAYLOAD_DIRS {
            for info in storage.list(Some(&file(dir)?))? {
                if kept.files.contains(&info.path) {
                    there.insert(info.path);
                } else if young(&info) {
                    report.too_young += 1;
                } else {
                    report.bytes += info.size;
                    report.payloads.push(info.path.to_string());
                }
            }
        }
        for info in storage.list(Some(&file(datafolio_core::history::HISTORY_DIR)?))? {
            let Some((commit, _)) = CommitRef::from_file_name(info.path.file_name()) else {
                // A copy that was being written when its writer died.
                let name = info.path.file_name();
                if name.starts_with('.') && name.ends_with(".tmp") && !young(&info) {
                    report.bytes += info.size;
                    report.history.push(info.path.to_string());
                }
                continue;
            };
            if kept.commits.contains(&commit) {
                continue;
            }
            // An entry that no catalogue follows from may belong to a commit that is being made right now.
            if !kept.expired.contains(&commit) && young(&info) {
                report.too_young += 1;
            } else {
                report.bytes += info.size;
                report.history.push(info.path.to_string());
            }
        }
        report.lost_versions = kept.lost(&there);
        Ok((report, kept))
    }
}

/// Keeps a full copy of the oldest kept catalogue, which the later ones can be rebuilt from.
fn keep_copy(storage: &dyn Storage, head: &Arc<State>, oldest: &CommitRef) -> Result<()> {
    // Where what came before it is damaged, there still is the way back from the head.
    let published =
        rebuild::from_checkpoint(storage, oldest).or_else(|_| rebuild::at_revision(storage, head, oldest.revision))?;
    write_whole(storage, &oldest.checkpoint_path()?, &published.text)
}

/// What has to stay.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Payloads and what lies beside them.
    files: HashSet<RelPath>,
    /// Versions that only old revisions name.
    released: Vec<Released>,
    /// Commits whose entries stay.
    commits: HashSet<CommitRef>,
    /// The oldest revision that can be opened.
    oldest: u64,
    /// The commit that made it.
    oldest_commit: Option<CommitRef>,
    /// Commits whose time is over.
    expired: HashSet<CommitRef>,
}

impl Kept {
    fn of(storage: &dyn Storage, head: &State, days: u32, revisions: u32) -> Result<Self> {
        let mut kept = Self {
            files: head.catalogue().entries().flat_map(|entry| entry.files()).collect(),
            released: Vec::new(),
            commits: HashSet::new(),
            oldest: head.catalogue().revision,
            oldest_commit: None,
            expired: HashSet::new(),
        };
        let since = time::now() - chrono::Duration::days(i64::from(days));
        let is_recent = |timestamp: &str| time::from_iso(timestamp).is_none_or(|at: DateTime<Utc>| at >= since);
        // An entry records what its parent still named: it counts as long as the parent is kept.
        let mut count = 0u32;
        let mut past_retention = false;
        let mut of_parent: Vec<Released> = Vec::new();
        if head.commit_ref().is_none()
            && let Some((_, before)) = chain::last_before(storage, head, head.catalogue().revision + 1)?
        {
            // Another program wrote the head, and no commit has recorded yet what that released.
            of_parent = released(before.catalogue(), head.catalogue());
        }
        for entry in Walk::from_head(storage, head)? {
            if past_retention {
                // What is behind the last kept entry is garbage, whole or not.
                match entry {
                    Ok(entry) => drop(kept.expired.insert(entry.commit_ref())),
                    Err(Error::Core(_)) => break,
                    // Whole it may well be: it could not be read.
                    Err(error) => return Err(error),
                }
                continue;
            }
            let entry = entry?;
            let commit = entry.commit_ref();
            // The parent is there, so that what its successor released of it is still promised.
            for released in of_parent.drain(..) {
                kept.files.extend(released.files.iter().filter_map(|path| RelPath::parse(path).ok()));
                kept.released.push(released);
            }
            count += 1;
            kept.oldest = entry.revision;
            kept.commits.insert(commit.clone());
            kept.oldest_commit = Some(commit);
            let parent_is_kept = entry.parent.is_some() && (count < revisions || is_recent(&entry.timestamp));
            match parent_is_kept {
                true => of_parent = entry.released,
                false => past_retention = true,
            }
        }
        Ok(kept)
    }

    fn lost(&self, there: &HashSet<RelPath>) -> Vec<Lost> {
        let is_gone = |released: &&Released| {
            released.files.iter().any(|path| RelPath::parse(path).is_ok_and(|path| !there.contains(&path)))
        };
        let mut lost: Vec<Lost> = Vec::new();
        for released in self.released.iter().filter(is_gone) {
            let version = Lost { item: released.item.clone(), version: released.version.clone() };
            if !lost.contains(&version) {
                lost.push(version);
            }
        }
        lost
    }
}

/// Size of the history.
pub(crate) fn history_bytes(storage: &dyn Storage) -> Result<u64> {
    let dir = file(datafolio_core::history::HISTORY_DIR)?;
    Ok(storage.list(Some(&dir))?.iter().map(|info| info.size).sum())
}
