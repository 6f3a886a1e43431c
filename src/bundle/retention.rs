//! Which revisions are kept, and what they need.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use datafolio_core::history::{CommitRef, Released, released};
use datafolio_core::{RelPath, time};
use datafolio_storage::{BLOCKS_SUFFIX, Storage};

use crate::bundle::gc::Lost;
use crate::bundle::state::State;
use crate::error::{Error, Result};
use crate::history::external;
use crate::history::walk::{Break, Walk};

/// What has to stay.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Payloads of the head and its snapshots, and what lies beside them.
    files: HashSet<RelPath>,
    /// Versions that only old revisions name.
    released: Vec<Released>,
    /// Commits whose entries stay.
    commits: HashSet<CommitRef>,
    /// The revision that the head has, for a bundle whose history has nothing.
    head: u64,
    newest_commit: Option<CommitRef>,
    oldest_commit: Option<CommitRef>,
    /// Whether what came before the oldest is no longer kept, and not merely not there.
    is_cut: bool,
}

/// What counts of an entry.
struct Link {
    commit: CommitRef,
    has_parent: bool,
    timestamp: Option<DateTime<Utc>>,
    released: Vec<Released>,
}

impl Kept {
    /// # Errors
    /// When an entry that may have to be kept is missing or damaged.
    pub(crate) fn of(storage: &dyn Storage, head: &State, days: u32, revisions: u32) -> Result<Self> {
        let mut kept = Self {
            files: head.catalogue().entries().flat_map(|entry| entry.files()).collect(),
            released: Vec::new(),
            commits: HashSet::new(),
            head: head.catalogue().revision,
            newest_commit: None,
            oldest_commit: None,
            is_cut: false,
        };
        let now = time::now();
        let links = chain(storage, head)?;
        let times = times(&links, now);
        let since = now - chrono::Duration::days(i64::from(days));
        // An entry records what its parent still named: it counts as long as the parent is kept.
        let mut of_parent: Vec<Released> = Vec::new();
        if head.commit_ref().is_none()
            && let Some((_, before)) = external::last_before(storage, head, head.catalogue().revision + 1)?
        {
            // Another program wrote the head, and no commit has recorded yet what that released.
            of_parent = released(before.catalogue(), &head.published);
        }
        for (count, (link, time)) in (1u32..).zip(links.into_iter().zip(times)) {
            let link = link?;
            // The parent is there, so that what its successor released of it is still promised.
            kept.released.append(&mut of_parent);
            kept.commits.insert(link.commit.clone());
            kept.newest_commit.get_or_insert_with(|| link.commit.clone());
            kept.oldest_commit = Some(link.commit);
            if link.has_parent && count >= revisions && time.is_some_and(|time| time < since) {
                // What is behind the last kept entry is garbage, whole or not.
                kept.is_cut = true;
                break;
            }
            of_parent = link.released;
        }
        Ok(kept)
    }

    /// The oldest revision that can be opened.
    pub(crate) fn oldest(&self) -> u64 {
        self.oldest_commit.as_ref().map_or(self.head, |commit| commit.revision)
    }

    /// Whether a commit is older than all that are kept.
    pub(crate) fn is_past(&self, commit: &CommitRef) -> bool {
        self.is_cut && commit.revision < self.oldest()
    }

    /// The commit that made the oldest kept revision.
    pub(crate) fn oldest_commit(&self) -> Option<&CommitRef> {
        self.oldest_commit.as_ref()
    }

    /// The latest commit that has an entry.
    pub(crate) fn newest_commit(&self) -> Option<&CommitRef> {
        self.newest_commit.as_ref()
    }

    /// Commits whose entries stay.
    pub(crate) fn commits(&self) -> &HashSet<CommitRef> {
        &self.commits
    }

    /// All that has to stay of the files that are there.
    ///
    /// DataFolio 2.x deletes payloads that our history still names, and does not know the block checksums beside them.
    /// These serve nothing then: should the payload be put back, the hash of the whole is in its entry.
    pub(crate) fn needed(&self, there: &HashSet<RelPath>) -> HashSet<RelPath> {
        let mut needed = self.files.clone();
        for released in &self.released {
            let serves = |path: &&String| payload_beside(released, path).is_none_or(|payload| is_in(there, payload));
            needed.extend(released.files.iter().filter(serves).filter_map(|path| RelPath::parse(path).ok()));
        }
        needed
    }

    /// Versions that only old revisions name and whose payloads are not among the files that are there.
    pub(crate) fn lost(&self, there: &HashSet<RelPath>) -> Vec<Lost> {
        let is_gone = |released: &&Released| {
            let mut payloads = released.files.iter().filter(|path| payload_beside(released, path).is_none());
            payloads.any(|path| !is_in(there, path))
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

/// The payload whose block checksums a file of a version holds; `None` for a payload, whatever it is called.
fn payload_beside<'a>(released: &'a Released, path: &str) -> Option<&'a String> {
    let payload = path.strip_suffix(BLOCKS_SUFFIX)?;
    released.files.iter().find(|other| *other == payload)
}

/// Whether a file is among those. A path that leads nowhere says nothing of a file.
fn is_in(there: &HashSet<RelPath>, path: &str) -> bool {
    RelPath::parse(path).map_or(true, |path| there.contains(&path))
}

/// The chain from the head backwards. An entry that could not be read may well be whole: that ends everything. One that is
/// damaged counts where it is reached.
fn chain(storage: &dyn Storage, head: &State) -> Result<Vec<std::result::Result<Link, Break>>> {
    let mut links = Vec::new();
    for step in Walk::from_head(storage, head)? {
        links.push(match step {
            Ok(entry) => Ok(Link {
                commit: entry.commit_ref(),
                has_parent: entry.parent.is_some(),
                timestamp: time::from_iso(&entry.timestamp),
                released: entry.released,
            }),
            Err(found) if matches!(*found.error, Error::Core(_)) => Err(found),
            Err(found) => return Err(found.into()),
        });
    }
    Ok(links)
}

/// When each commit was made at the earliest: by its own clock, and not before any that it follows, so that one machine whose
/// clock is slow does not make what was replaced today look old. A time that is still to come says nothing.
fn times(links: &[std::result::Result<Link, Break>], now: DateTime<Utc>) -> Vec<Option<DateTime<Utc>>> {
    let mut latest: Option<DateTime<Utc>> = None;
    let mut times: Vec<Option<DateTime<Utc>>> = links
        .iter()
        .rev()
        .map(|link| {
            let own = link.as_ref().ok().and_then(|link| link.timestamp).filter(|time| *time <= now);
            latest = latest.max(own);
            own.and(latest)
        })
        .collect();
    times.reverse();
    times
}
