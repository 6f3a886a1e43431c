//! The [`Storage`] trait: what a place must offer to hold a bundle.

use std::fmt;
use std::io::Write;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use datafolio_core::RelPath;

use crate::error::{StorageError, StorageResult};

/// A place that holds one bundle: a local directory, or a prefix of an object store.
///
/// The contract:
/// * Paths are [`RelPath`]s; an implementation resolves them beneath its root and follows no link on the way.
/// * Files other than the catalogue and the derived pages are immutable: [`create`](Storage::create) makes a new one and
///   fails when the name is taken; nothing here changes an existing payload.
/// * A file has its name only when it is whole, also when its writer dies.
/// * What [`publish`](Storage::publish) has acknowledged survives a crash of the machine, and so does every file whose
///   [`Staged::finish`] was acknowledged before by the same storage. The order is kept: no crash leaves what was published
///   without the files that were finished before it.
/// * The catalogue changes only through [`publish`](Storage::publish), which either replaces exactly the state that the
///   caller names or changes nothing.
/// * A reader sees a whole file or none: readers take no lock.
pub trait Storage: Send + Sync + fmt::Debug {
    /// The place as a person would write it: a path or URL without credentials.
    fn location(&self) -> String;

    /// What does not hold at this place although it holds elsewhere, for a person who opens the bundle; `None` where all
    /// does. It has no default, so that no storage that wraps another can forget to pass it on.
    fn caveat(&self) -> Option<String>;

    /// Whether every access is a request over a network: then what can do without one does.
    fn is_remote(&self) -> bool;

    /// The absolute path of a file for other programs, `None` where there is no file system.
    fn local_path(&self, path: &RelPath) -> Option<PathBuf>;

    /// Size and time of a file, `None` when it is not there.
    fn stat(&self, path: &RelPath) -> StorageResult<Option<FileInfo>>;

    /// A whole file in memory; refused when it is larger than `limit` bytes.
    fn read(&self, path: &RelPath, limit: u64) -> StorageResult<Vec<u8>>;

    /// Opens a file for reading at any position.
    fn open(&self, path: &RelPath) -> StorageResult<Arc<dyn Source>>;

    /// Opens a file that is known to have so many bytes, without asking for its size where that would be a request of its own.
    /// That the file is not there, or has another size, is then found by the first read.
    fn open_sized(&self, path: &RelPath, size: u64) -> StorageResult<Arc<dyn Source>>;

    /// Waits for a file that was [finished for later](Staged::finish_later), so that it is there; of all others nothing is known here.
    ///
    /// # Errors
    /// Why it is not there. That is told once.
    fn arrived(&self, path: &RelPath) -> StorageResult<()>;

    /// Starts a new file, with the directories above it. A name that is taken is
    /// [`StorageError::AlreadyExists`](crate::StorageError::AlreadyExists), here or, where asking would be a request of its own,
    /// when the file is [finished](Staged::finish), as it is for whoever comes second of two that write it at once.
    fn create(&self, path: &RelPath) -> StorageResult<Box<dyn Staged>>;

    /// All regular files below a directory (the whole bundle for `None`), at any depth, in the order of their paths.
    /// Links and special files are left out; a directory that is not there has no files.
    fn list(&self, dir: Option<&RelPath>) -> StorageResult<Vec<FileInfo>>;

    /// Removes a file, if it is there. It may be back after a crash of the machine until the removal is
    /// [settled](Storage::settle).
    fn delete(&self, path: &RelPath) -> StorageResult<()>;

    /// The time by the clock that files have their times from.
    fn now(&self) -> StorageResult<SystemTime>;

    /// Makes durable which names are there: those of files that were finished, and that those which were deleted are gone.
    /// A [`publish`](Storage::publish) does so first; others need it where the order of what they do matters in a crash.
    /// Nothing is to be done where every change is durable at once.
    fn settle(&self) -> StorageResult<()>;

    /// Gives a file a second name, which it keeps when the first one is deleted. No byte is copied where the place has names for
    /// that. The rules for the new name are those of [`create`](Self::create).
    fn duplicate(&self, from: &RelPath, to: &RelPath) -> StorageResult<()>;

    /// Replaces a derived file (README.md, CONTENTS.md) as a whole. Readers see the old or the new text; the new text may
    /// be lost in a crash of the machine. On a local disk the caller holds the lock.
    fn replace(&self, path: &RelPath, bytes: &[u8]) -> StorageResult<()>;

    /// Takes the lock that excludes other writers, Python DataFolio 2.x among them; a no-op where commits are conditional
    /// requests. Waits at most `timeout`, then [`StorageError::Locked`](crate::StorageError::Locked).
    fn lock(&self, timeout: Duration) -> StorageResult<Box<dyn WriteLock>>;

    /// Reads a mutable file together with the tag of the state that was read; `None` when it is not there.
    fn read_tagged(&self, path: &RelPath, limit: u64) -> StorageResult<Option<(Vec<u8>, VersionTag)>>;

    /// Whether the file still is in the state that the tag was given for. Costs no read of the file.
    fn is_unchanged(&self, path: &RelPath, tag: &VersionTag) -> StorageResult<bool>;

    /// The same, and what is there now if it is not, in one request where each is one.
    fn read_if_changed(&self, path: &RelPath, limit: u64, tag: &VersionTag) -> StorageResult<Reread>;

    /// Replaces a file atomically and durably if it still is in the expected state (`None`: is not there).
    /// Losing the race is an answer, not an error. On a local disk the caller holds the lock.
    fn publish(&self, path: &RelPath, bytes: &[u8], expected: Option<&VersionTag>) -> StorageResult<Publish>;

    /// The directories that a new bundle starts with; nothing where directories do not exist.
    fn make_dir(&self, path: &RelPath) -> StorageResult<()>;
}

/// Facts about a file in a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// Where it lies.
    pub path: RelPath,
    /// Size in bytes.
    pub size: u64,
    /// When it was last written, by the clock of the place that holds it.
    pub modified: SystemTime,
    /// When it was last written, or got or lost a name, by the same clock; where the place does not tell of names, `modified`.
    pub changed: SystemTime,
    /// Equal for two names of one file; `None` where the place does not tell.
    pub id: Option<FileId>,
}

/// What tells one file of a place from another, whatever its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileId {
    pub(crate) device: i128,
    pub(crate) inode: u64,
}

/// A file open for reading at any position.
pub trait Source: Send + Sync + fmt::Debug {
    /// Size in bytes, as it was when the file was opened.
    fn size(&self) -> u64;

    /// Fills the buffer from this offset; a file that ends before is an error, never a short answer.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> StorageResult<()>;

    /// Says that these bytes will be read soon. Where reading is a request, it may be made now; nothing fails here.
    fn prefetch(&self, offset: u64, length: u64) {
        let _ = (offset, length);
    }

    /// Says which stretches of the file will be read, each from its front to its end, one after the other or several at once. Where
    /// reading is a request, the next bytes of a stretch may be asked for before they are read; elsewhere nobody asks which they are.
    fn will_read(&self, stretches: &dyn Fn() -> Vec<Range<u64>>) {
        let _ = stretches;
    }

    /// What identifies these bytes on this machine, for remembering that they were verified; `None` where nothing does.
    fn identity(&self) -> Option<FileIdentity>;

    /// A second handle to the same open file, for code that reads through `std::fs::File` or maps it.
    fn try_clone_file(&self) -> Option<std::io::Result<std::fs::File>>;
}

/// Identity of a local file's bytes: the same identity means that nobody wrote to it in between.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    /// Absolute path.
    pub path: PathBuf,
    /// Size in bytes.
    pub size: u64,
    /// Time of the last write, in nanoseconds since 1970.
    pub modified_ns: i128,
    /// Inode number (0 where there is none).
    pub inode: u64,
}

/// A new file being written. Dropped without [`finish`](Staged::finish), it is removed again.
pub trait Staged: Write + Send {
    /// Makes the content durable and gives the file its name. The name is durable once a later
    /// [`publish`](Storage::publish) of the same storage is acknowledged.
    ///
    /// # Errors
    /// [`StorageError::AlreadyExists`](crate::StorageError::AlreadyExists) when another file has the name by now; when
    /// writing fails. Then nothing is left.
    fn finish(self: Box<Self>) -> StorageResult<()>;

    /// The same where each file is a request: it may be on its way when this returns, so that the next one can be written. Whoever
    /// relies on the file asks [`Storage::arrived`]. Reading it waits for it.
    ///
    /// # Errors
    /// As [`finish`](Staged::finish), or those come from [`Storage::arrived`].
    fn finish_later(self: Box<Self>) -> StorageResult<()>;
}

/// Holds the writers' lock until it is dropped.
pub trait WriteLock: Send + fmt::Debug {}

/// The state of a mutable file: an e-tag, or on a local disk inode, times and size of a file that is kept open so that its
/// inode number cannot come back.
#[derive(Clone)]
pub struct VersionTag {
    pub(crate) token: String,
    pub(crate) keep_open: Option<Arc<std::fs::File>>,
}

impl VersionTag {
    /// A tag made of text alone.
    pub fn from_token(token: impl Into<String>) -> Self {
        Self { token: token.into(), keep_open: None }
    }

    /// The tag as text, for comparison.
    pub fn token(&self) -> &str {
        &self.token
    }
}

impl PartialEq for VersionTag {
    fn eq(&self, other: &Self) -> bool {
        self.token == other.token
    }
}

impl fmt::Debug for VersionTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VersionTag({}{})", self.token, if self.keep_open.is_some() { ", open" } else { "" })
    }
}

/// What a mutable file is by now.
#[derive(Debug)]
pub enum Reread {
    /// In the state that is known.
    Unchanged,
    /// In another one: its bytes, and the tag of the state.
    Changed(Vec<u8>, VersionTag),
    /// Not there.
    Gone,
}

/// What became of a [`Storage::publish`].
#[derive(Debug)]
#[must_use]
pub enum Publish {
    /// The new bytes are the file, durably; this is the tag of that state.
    Done(VersionTag),
    /// Someone else changed the file first; nothing was written.
    Lost,
    /// The answer does not tell, or there was none. The new bytes may be the file by now, may have been and be replaced
    /// already, or may become it yet: who wrote them looks for them in what is there.
    Unclear(StorageError),
}
