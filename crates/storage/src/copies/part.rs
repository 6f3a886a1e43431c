//! A copy that is being fetched: a file that one process or thread at a time has to itself.

use std::fs::{self, File, FileTimes, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Place;

/// So much older than it is a new copy says to be. Whoever writes into it later leaves another time, however coarse the clock of
/// the file system is, and so it can be remembered at once to be verified.
const BACK: Duration = Duration::from_secs(1);

/// The file, locked; removed again unless it is [finished](Part::finish).
pub(super) struct Part {
    file: File,
    path: PathBuf,
    is_kept: bool,
}

/// What became of [`Part::take`].
pub(super) enum Taken {
    /// It is here, and empty.
    Mine(Part),
    /// Another has it, and has written so much.
    Busy { length: u64 },
}

impl Part {
    /// Takes the file of a payload; also one that a process left when it died.
    pub(super) fn take(place: &Place) -> io::Result<Taken> {
        fs::create_dir_all(&place.shard)?;
        if !fs::symlink_metadata(&place.shard)?.is_dir() {
            return Err(ErrorKind::NotADirectory.into());
        }
        loop {
            let file = open_shared(&place.part)?;
            if !try_lock(&file)? {
                return Ok(Taken::Busy { length: file.metadata()?.len() });
            }
            // Whoever had it may have finished or given up in between: then this is the copy by now, or gone.
            if is_current(&file, &place.part)? {
                let part = Self { file, path: place.part.clone(), is_kept: false };
                part.file.set_len(0)?;
                return Ok(Taken::Mine(part));
            }
            let _ = file.unlock();
        }
    }

    pub(super) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Ends writing. The facts are those that the copy will have.
    pub(super) fn settle(&mut self, is_durable: bool) -> io::Result<Metadata> {
        let now = SystemTime::now();
        self.file.set_times(FileTimes::new().set_accessed(now).set_modified(now - BACK))?;
        if is_durable {
            self.file.sync_all()?;
        }
        self.file.metadata()
    }

    /// Makes it the copy.
    pub(super) fn finish(mut self, copy: &Path) -> io::Result<()> {
        fs::rename(&self.path, copy)?;
        self.is_kept = true;
        // Not before: nobody could take over a file that a process which died has left so. What the umask denies to others is not
        // given to them here.
        let read_only = || {
            let mut permissions = self.file.metadata()?.permissions();
            permissions.set_readonly(true);
            self.file.set_permissions(permissions)
        };
        if let Err(error) = read_only() {
            tracing::debug!(path = %copy.display(), %error, "a copy can be written to");
        }
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_kept
            && let Err(error) = fs::remove_file(&self.path)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::debug!(path = %self.path.display(), %error, "an unfinished copy stays for now");
        }
        // Closing does not do it where a process was forked meanwhile: that has the file open too.
        let _ = self.file.unlock();
    }
}

/// Removes an unfinished file, unless somebody has it.
pub(super) fn remove_abandoned(path: &Path) -> io::Result<()> {
    let attempt = || -> io::Result<()> {
        let file = open(path, File::options().read(true).write(true))?;
        if try_lock(&file)? {
            let removed = if is_current(&file, path)? { fs::remove_file(path) } else { Ok(()) };
            let _ = file.unlock();
            removed?;
        }
        Ok(())
    };
    match attempt() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Opens a file that others may have open too, for reading and writing; made if it is not there.
pub(super) fn open_shared(path: &Path) -> io::Result<File> {
    let file = open(path, File::options().read(true).write(true).create(true).truncate(false))?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "what has its name is not a regular file"));
    }
    Ok(file)
}

/// Opens a file without following a link in its place, and without waiting for the other end of a pipe.
pub(super) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags.bits().cast_signed());
    }
    #[cfg(not(unix))]
    if fs::symlink_metadata(path).is_ok_and(|facts| facts.is_symlink()) {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is a link"));
    }
    options.open(path)
}

/// How a file is opened whose times are to be set. It cannot be written to.
pub(super) fn for_times() -> OpenOptions {
    let mut options = File::options();
    options.read(true);
    #[cfg(windows)]
    {
        const FILE_WRITE_ATTRIBUTES: u32 = 0x100;
        std::os::windows::fs::OpenOptionsExt::access_mode(&mut options, FILE_WRITE_ATTRIBUTES);
    }
    options
}

/// Whether nobody else had it locked.
pub(super) fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether the open file is the one that others find under its name.
fn is_current(file: &File, path: &Path) -> io::Result<bool> {
    let held = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(is_same(&held, &found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn is_same(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn is_same(a: &Metadata, b: &Metadata) -> bool {
    b.is_file() && a.created().ok() == b.created().ok()
}
