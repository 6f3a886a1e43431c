//! A copy that is being fetched: a file that one process or thread at a time has to itself.

use std::fs::{self, File, FileTimes, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Place;

/// So much older than it is a new copy says to be. Whoever writes into it later leaves another time, however coarse the
/// clock of the file system is, and so it can be remembered at once to be verified.
const BACK: Duration = Duration::from_secs(1);

/// How often the file may be gone by the time that it is locked.
const TRIES: u32 = 100;

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
        for _ in 0..TRIES {
            if let Some(taken) = Self::claim(open_shared(&place.part)?, &place.part)? {
                return Ok(taken);
            }
        }
        // As on a file system whose inode numbers do not last.
        Err(io::Error::other("each time that it is opened there is another file in its place"))
    }

    /// Takes the file that was open under this name; `None` when whoever had it has finished or given up in between.
    /// Then it is the copy by now, or gone.
    fn claim(file: File, path: &Path) -> io::Result<Option<Taken>> {
        if !try_lock(&file)? {
            return Ok(Some(Taken::Busy { length: file.metadata()?.len() }));
        }
        if !is_current(&file, path)? {
            file.unlock()?;
            return Ok(None);
        }
        let part = Self { file, path: path.to_owned(), is_kept: false };
        part.file.set_len(0)?;
        Ok(Some(Taken::Mine(part)))
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
        // Not before: nobody could take over a file that a process which died has left so. What the umask denies to
        // others is not given to them here.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Between opening the file and locking it, another may have finished it, given up, or begun anew.
    #[test]
    fn what_is_not_there_under_its_name_any_more_is_not_taken() {
        let dir = tempfile::TempDir::new().unwrap();
        let (path, copy) = (dir.path().join("a.part"), dir.path().join("a"));
        let open = || open_shared(&path).unwrap();
        for begun_anew in [false, true] {
            fs::write(&path, "whole").unwrap();
            let late = open();
            fs::rename(&path, &copy).unwrap();
            if begun_anew {
                fs::write(&path, "another").unwrap();
            }
            assert!(Part::claim(late, &path).unwrap().is_none());
            assert_eq!((fs::read(&copy).unwrap(), path.exists()), (b"whole".to_vec(), begun_anew));
        }
        let late = open();
        fs::remove_file(&path).unwrap();
        assert!(Part::claim(late, &path).unwrap().is_none());
        // Nor is it removed as abandoned while somebody has it.
        let Some(Taken::Mine(part)) = Part::claim(open(), &path).unwrap() else { panic!("nobody has it") };
        assert!(matches!(Part::claim(open(), &path).unwrap(), Some(Taken::Busy { length: 0 })));
        remove_abandoned(&path).unwrap();
        assert!(path.exists());
        drop(part);
        assert!(!path.exists());
        remove_abandoned(&path).unwrap();
    }
}
