//! The state of a file that others may write: another one means that what was found in it may be so no more.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What was changed more recently than this may change again without a trace: the clock of a file system may be coarse.
const SETTLED_AFTER: Duration = Duration::from_secs(2);
/// The same of an object on a store, whose times are whole seconds of another clock.
const OBJECT_SETTLED_AFTER: Duration = Duration::from_secs(600);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FileState {
    path: PathBuf,
    size: u64,
    modified: SystemTime,
    /// What tells of changes that its time does not.
    kept: Kept,
}

/// How the place that a file lies in keeps track of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kept {
    /// A file system tells the inode and when that was changed: a time that was set back does not hide a change.
    Inode(u64, i64, i64),
    /// This system does not.
    #[cfg(not(unix))]
    Time,
    /// A store has a clock of its own, and objects whose times nobody sets.
    Object,
}

impl FileState {
    /// `None` for a file whose state cannot be told from others.
    pub(crate) fn of(path: &Path, facts: &Metadata) -> Option<Self> {
        let modified = facts.modified().ok().filter(|_| path.is_absolute())?;
        Some(Self { path: path.to_owned(), size: facts.len(), modified, kept: inode(facts) })
    }

    /// The state of an object of a store, as it was listed.
    pub(crate) fn of_object(address: &Path, size: u64, modified: SystemTime) -> Self {
        Self { path: address.to_owned(), size, modified, kept: Kept::Object }
    }

    /// The state of what lies there now.
    pub(crate) fn now(path: &Path) -> Option<Self> {
        Self::of(path, &fs::metadata(path).ok()?)
    }

    /// Its size in bytes.
    #[cfg(feature = "delta")]
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Whether it was last written long enough ago for its time to tell a later change.
    pub(crate) fn is_settled(&self) -> bool {
        match self.kept {
            // The clock of a store may be another than ours.
            Kept::Object => is_past(self.modified, OBJECT_SETTLED_AFTER),
            _ => is_past(self.modified, SETTLED_AFTER),
        }
    }

    /// The same of all that is known of it, also of when its time was set: for what is kept longer than the process runs.
    pub(crate) fn is_settled_for_good(&self) -> bool {
        let changed = |seconds: i64, nanoseconds: i64| {
            let nanoseconds = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0));
            SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0)) + nanoseconds
        };
        let is_kept = match self.kept {
            Kept::Inode(_, seconds, nanoseconds) => is_past(changed(seconds, nanoseconds), SETTLED_AFTER),
            #[cfg(not(unix))]
            Kept::Time => false,
            Kept::Object => true,
        };
        is_kept && self.is_settled()
    }
}

fn is_past(time: SystemTime, settled_after: Duration) -> bool {
    time.elapsed().is_ok_and(|age| age >= settled_after)
}

#[cfg(unix)]
fn inode(facts: &Metadata) -> Kept {
    use std::os::unix::fs::MetadataExt;
    Kept::Inode(facts.ino(), facts.ctime(), facts.ctime_nsec())
}

#[cfg(not(unix))]
fn inode(_facts: &Metadata) -> Kept {
    Kept::Time
}
