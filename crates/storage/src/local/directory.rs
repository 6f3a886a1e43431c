//! What the rest of `local` asks of the operating system: one trait, with an implementation for Unix and a portable one.

use std::any::Any;
use std::fmt;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use datafolio_core::RelPath;

use crate::storage::{FileId, FileInfo};

/// What stands under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(unix), allow(dead_code))] // Filled on Unix alone.
pub(super) enum Kind {
    File,
    Directory,
    Link,
    Fifo,
    Socket,
    Device,
    Other,
}

impl Kind {
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::File => "a regular file",
            Self::Directory => "a directory",
            Self::Link => "a symbolic link",
            Self::Fifo => "a named pipe",
            Self::Socket => "a socket",
            Self::Device => "a device",
            Self::Other => "a special file",
        }
    }
}

/// Travels as the payload of an [`io::Error`], so that every call here has one error type.
#[derive(Debug)]
pub(super) struct Irregular(pub(super) Kind);

impl Irregular {
    pub(super) fn error(kind: Kind) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidInput, Self(kind))
    }
}

impl fmt::Display for Irregular {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it is {}", self.0.describe())
    }
}

impl std::error::Error for Irregular {}

/// What tells one file from another, and a changed file from an unchanged one, where the system says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(unix), allow(dead_code))] // Filled on Unix alone.
pub(super) struct Inode {
    pub(super) device: i128,
    pub(super) number: u64,
    /// Time of the last change to the file or its inode, in nanoseconds since 1970. No program can set it.
    pub(super) changed_ns: i128,
}

/// Facts about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(unix), allow(dead_code))] // Filled on Unix alone.
pub(super) struct Facts {
    pub(super) kind: Kind,
    pub(super) size: u64,
    pub(super) modified_ns: i128,
    /// Permission bits; 0 where the system has none.
    pub(super) mode: u64,
    pub(super) inode: Option<Inode>,
}

impl Facts {
    /// The facts, if they are those of a regular file.
    pub(super) fn of_file(self) -> io::Result<Self> {
        if self.kind == Kind::File { Ok(self) } else { Err(Irregular::error(self.kind)) }
    }

    /// The state of the file as text; `None` where the system does not identify files.
    pub(super) fn token(&self) -> Option<String> {
        let Inode { device, number, changed_ns } = self.inode?;
        Some(format!("{device}:{number}:{}:{}:{changed_ns}", self.size, self.modified_ns))
    }

    /// Whether both are facts of one and the same file, in whatever state.
    pub(super) fn same_file(&self, other: &Self) -> bool {
        match (self.inode, other.inode) {
            (Some(a), Some(b)) => (a.device, a.number) == (b.device, b.number),
            _ => true,
        }
    }

    /// The facts as the storage gives them.
    pub(super) fn info(&self, path: RelPath) -> FileInfo {
        // A time that a program has set does not hide that a file has just got another name.
        let changed_ns = self.inode.map_or(self.modified_ns, |inode| inode.changed_ns.max(self.modified_ns));
        FileInfo {
            path,
            size: self.size,
            modified: time(self.modified_ns),
            changed: time(changed_ns),
            id: self.inode.map(|inode| FileId { device: inode.device, inode: inode.number }),
        }
    }
}

/// An instant in nanoseconds since 1970.
fn time(nanoseconds: i128) -> SystemTime {
    let (seconds, nanos) = (nanoseconds.div_euclid(1_000_000_000), nanoseconds.rem_euclid(1_000_000_000));
    let nanos = Duration::from_nanos(u64::try_from(nanos).unwrap_or(0));
    let whole = Duration::from_secs(u64::try_from(seconds.unsigned_abs()).unwrap_or(0));
    let base =
        if seconds < 0 { SystemTime::UNIX_EPOCH.checked_sub(whole) } else { SystemTime::UNIX_EPOCH.checked_add(whole) };
    base.and_then(|time| time.checked_add(nanos)).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// An open directory.
///
/// A `path` is `/`-separated and was checked as a [`RelPath`](datafolio_core::RelPath); a `name` is one segment of such
/// a path. No call follows a symbolic link, neither at the end nor on the way: it reports [`Irregular`] instead.
pub(super) trait Directory: Send + Sync + fmt::Debug {
    /// Opens a directory below this one.
    fn enter(&self, path: &str) -> io::Result<Arc<dyn Directory>>;

    /// Opens a regular file for reading. Does not block and does not succeed for anything else.
    fn open_file(&self, path: &str) -> io::Result<(File, Facts)>;

    /// Facts about what stands at a path, whatever it is.
    fn facts(&self, path: &str) -> io::Result<Facts>;

    /// Facts about an open file.
    fn facts_of(&self, file: &File) -> io::Result<Facts>;

    /// The names in this directory that are UTF-8, in no order.
    fn entries(&self) -> io::Result<Vec<(String, Kind)>>;

    /// Creates a file that was not there and opens it for reading and writing.
    fn create_file(&self, name: &str) -> io::Result<File>;

    /// Opens the lock file, creating it if it is not there.
    fn open_lock_file(&self, name: &str) -> io::Result<File>;

    /// Makes a directory that was not there.
    fn create_dir(&self, name: &str) -> io::Result<()>;

    /// Renames, replacing what has the new name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Renames; fails when the new name is taken, as far as the file system can.
    fn rename_new(&self, from: &str, to: &str) -> io::Result<()>;

    /// Gives a file of this directory a second name in another one, if that is free.
    fn link(&self, name: &str, target: &dyn Directory, new: &str) -> io::Result<()>;

    /// The directory as what it is: [`link`](Self::link) takes two of one kind.
    fn as_any(&self) -> &dyn Any;

    /// Removes a file, never a directory.
    fn remove_file(&self, name: &str) -> io::Result<()>;

    /// Gives a file the permission bits of another.
    fn set_mode(&self, file: &File, of: &Facts) -> io::Result<()>;

    /// The name of the file system that holds this directory, if it is one that machines share over a network without
    /// seeing each other's changes at once.
    fn network_file_system(&self) -> Option<&'static str> {
        None
    }

    /// Makes the entries of this directory durable.
    fn sync(&self) -> io::Result<()>;
}
