//! The state of a file that others may write: another one means that what was found in it may be so no more.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What was changed more recently than this may change again without a trace: the clock of a file system may be coarse.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FileState {
    path: PathBuf,
    size: u64,
    modified: SystemTime,
    /// Its inode and when that was changed, where the system tells: a time that was set back does not hide a change.
    inode: Option<(u64, i64, i64)>,
}

impl FileState {
    /// `None` for a file whose state cannot be told from others.
    pub(crate) fn of(path: &Path, facts: &Metadata) -> Option<Self> {
        let modified = facts.modified().ok().filter(|_| path.is_absolute())?;
        Some(Self { path: path.to_owned(), size: facts.len(), modified, inode: inode(facts) })
    }

    /// The state of what lies there now.
    pub(crate) fn now(path: &Path) -> Option<Self> {
        Self::of(path, &fs::metadata(path).ok()?)
    }

    /// Whether it was last written long enough ago for its time to tell a later change.
    pub(crate) fn is_settled(&self) -> bool {
        is_past(self.modified)
    }

    /// The same of all that is known of it, also of when its time was set: for what is kept longer than the process runs.
    pub(crate) fn is_settled_for_good(&self) -> bool {
        let changed = |(_, seconds, nanoseconds): (u64, i64, i64)| {
            let nanoseconds = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0));
            SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0)) + nanoseconds
        };
        self.is_settled() && self.inode.is_some_and(|inode| is_past(changed(inode)))
    }
}

fn is_past(time: SystemTime) -> bool {
    time.elapsed().is_ok_and(|age| age >= SETTLED_AFTER)
}

#[cfg(unix)]
fn inode(facts: &Metadata) -> Option<(u64, i64, i64)> {
    use std::os::unix::fs::MetadataExt;
    Some((facts.ino(), facts.ctime(), facts.ctime_nsec()))
}

#[cfg(not(unix))]
fn inode(_facts: &Metadata) -> Option<(u64, i64, i64)> {
    None
}
