//! [`Directory`] on Unix: every call is relative to a descriptor, so that what was checked is what is used.
//!
//! On Linux the kernel resolves the whole path (`openat2`) and refuses links on the way. Elsewhere, on old kernels and
//! where a sandbox forbids that call, a path is walked segment by segment, each opened with `O_NOFOLLOW` relative to the
//! one before. That is as safe (no segment is `..`) and costs a call per segment.

use std::any::Any;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::directory::{Directory, Facts, Inode, Irregular, Kind};

/// Every file is opened so: closed on exec, and never blocking on a pipe or device.
const ALWAYS: OFlags = OFlags::CLOEXEC.union(OFlags::NONBLOCK);

/// A directory by descriptor.
#[derive(Debug)]
pub(super) struct UnixDirectory {
    fd: OwnedFd,
    /// Whether the kernel is asked to resolve paths.
    ask_kernel: bool,
}

impl UnixDirectory {
    /// Opens a directory by its path, which may lead through links: the bundle's own.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let fd = rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { fd, ask_kernel: true })
    }

    /// The same, as if the kernel could not resolve paths.
    #[cfg(test)]
    pub(super) fn open_walking(path: &Path) -> io::Result<Self> {
        Ok(Self { ask_kernel: false, ..Self::open(path)? })
    }

    /// Opens what is at a path, if no link is met.
    fn open_beneath(&self, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let flags = flags | ALWAYS;
        let mode = if flags.contains(OFlags::CREATE) { Mode::from_raw_mode(0o666) } else { Mode::empty() };
        let by_kernel = if self.ask_kernel { kernel::open_beneath(self.fd.as_fd(), path, flags, mode) } else { None };
        let opened = by_kernel.unwrap_or_else(|| walk(self.fd.as_fd(), path, flags, mode));
        opened.map_err(|errno| self.explain(errno, path))
    }

    /// Turns the errors by which links and special files show themselves into [`Irregular`].
    fn explain(&self, errno: Errno, path: &str) -> io::Error {
        match errno {
            Errno::LOOP => Irregular::error(Kind::Link),
            Errno::ISDIR => Irregular::error(Kind::Directory),
            // A socket cannot be opened, nor a device without a driver. Look what it is; if that fails too, the first
            // error is the better one.
            Errno::NXIO | Errno::NODEV | Errno::OPNOTSUPP => match self.facts(path) {
                Ok(facts) if facts.kind != Kind::File => Irregular::error(facts.kind),
                _ => errno.into(),
            },
            _ => errno.into(),
        }
    }

    /// The directory that holds a path, and the last segment. `None`: it is this directory.
    fn parent_of<'a>(&self, path: &'a str) -> io::Result<(Option<OwnedFd>, &'a str)> {
        match path.rsplit_once('/') {
            None => Ok((None, path)),
            Some((parent, name)) => Ok((Some(self.open_beneath(parent, OFlags::RDONLY | OFlags::DIRECTORY)?), name)),
        }
    }
}

impl Directory for UnixDirectory {
    fn enter(&self, path: &str) -> io::Result<Arc<dyn Directory>> {
        let fd = self.open_beneath(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        Ok(Arc::new(Self { fd, ask_kernel: self.ask_kernel }))
    }

    fn open_file(&self, path: &str) -> io::Result<(File, Facts)> {
        let file = File::from(self.open_beneath(path, OFlags::RDONLY)?);
        let facts = self.facts_of(&file)?.of_file()?;
        Ok((file, facts))
    }

    fn facts(&self, path: &str) -> io::Result<Facts> {
        let (parent, name) = self.parent_of(path)?;
        let dir = parent.as_ref().map_or(self.fd.as_fd(), AsFd::as_fd);
        Ok(facts(&rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?))
    }

    fn facts_of(&self, file: &File) -> io::Result<Facts> {
        Ok(facts(&rustix::fs::fstat(file)?))
    }

    fn entries(&self) -> io::Result<Vec<(String, Kind)>> {
        let mut found = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.fd)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            if name == "." || name == ".." {
                continue;
            }
            let kind = match entry.file_type() {
                // Some file systems do not tell.
                FileType::Unknown => match self.facts(name) {
                    Ok(facts) => facts.kind,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                },
                known => kind(known),
            };
            found.push((name.to_owned(), kind));
        }
        Ok(found)
    }

    fn create_file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | ALWAYS;
        Ok(File::from(rustix::fs::openat(&self.fd, name, flags, Mode::from_raw_mode(0o666))?))
    }

    fn open_lock_file(&self, name: &str) -> io::Result<File> {
        let opened = match self.open_beneath(name, OFlags::RDWR | OFlags::CREATE) {
            // The lock file of another user of a shared bundle. The lock needs no write access to it.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.open_beneath(name, OFlags::RDONLY).map_err(|_| error)?
            }
            other => other?,
        };
        let file = File::from(opened);
        self.facts_of(&file)?.of_file()?;
        Ok(file)
    }

    fn create_dir(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::mkdirat(&self.fd, name, Mode::from_raw_mode(0o777))?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.fd, from, &self.fd, to)?)
    }

    fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        if let Some(result) = kernel::rename_new(self.fd.as_fd(), from, to) {
            return Ok(result?);
        }
        match rustix::fs::linkat(&self.fd, from, &self.fd, to, AtFlags::empty()) {
            Ok(()) => self.remove_file(from),
            Err(Errno::EXIST) => Err(Errno::EXIST.into()),
            // A file system without hard links. A look is enough: new names are random, and who publishes the catalogue
            // holds the lock.
            Err(_) => match self.facts(to) {
                Ok(_) => Err(Errno::EXIST.into()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.rename(from, to),
                Err(error) => Err(error),
            },
        }
    }

    fn link(&self, name: &str, target: &dyn Directory, new: &str) -> io::Result<()> {
        let target = target.as_any().downcast_ref::<Self>().ok_or(io::ErrorKind::Unsupported)?;
        Ok(rustix::fs::linkat(&self.fd, name, &target.fd, new, AtFlags::empty())?)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn remove_file(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.fd, name, AtFlags::empty())?)
    }

    fn set_mode(&self, file: &File, of: &Facts) -> io::Result<()> {
        // Permission bits only: a set-user-id bit has no business on a data file.
        let mode = Mode::from_raw_mode((of.mode & 0o777) as rustix::fs::RawMode);
        Ok(rustix::fs::fchmod(file, mode)?)
    }

    fn network_file_system(&self) -> Option<&'static str> {
        kernel::network_file_system(self.fd.as_fd())
    }

    fn sync(&self) -> io::Result<()> {
        match rustix::fs::fsync(&self.fd) {
            // Some network file systems have no such call for directories; there is nothing more to be had from them.
            Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
            other => Ok(other?),
        }
    }
}

/// Opens a path segment by segment.
fn walk(root: BorrowedFd<'_>, path: &str, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    let (parents, name) = path.rsplit_once('/').map_or((None, path), |(parents, name)| (Some(parents), name));
    let mut current: Option<OwnedFd> = None;
    for segment in parents.into_iter().flat_map(|parents| parents.split('/')) {
        let at = current.as_ref().map_or(root, AsFd::as_fd);
        current = Some(open_at(at, segment, OFlags::RDONLY | OFlags::DIRECTORY | ALWAYS, Mode::empty())?);
    }
    open_at(current.as_ref().map_or(root, AsFd::as_fd), name, flags, mode)
}

/// Opens one segment. Linux reports a link as "not a directory" when a directory was asked for.
fn open_at(at: BorrowedFd<'_>, segment: &str, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(at, segment, flags | OFlags::NOFOLLOW, mode).map_err(|errno| {
        let is_link = errno == Errno::NOTDIR
            && rustix::fs::statat(at, segment, AtFlags::SYMLINK_NOFOLLOW)
                .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink);
        if is_link { Errno::LOOP } else { errno }
    })
}

fn kind(file_type: FileType) -> Kind {
    match file_type {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Link,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        FileType::CharacterDevice | FileType::BlockDevice => Kind::Device,
        FileType::Unknown => Kind::Other,
    }
}

fn facts(stat: &Stat) -> Facts {
    let nanoseconds = |seconds: i128, rest: i128| seconds * 1_000_000_000 + rest;
    Facts {
        kind: kind(FileType::from_raw_mode(stat.st_mode)),
        size: u64::try_from(stat.st_size).unwrap_or(0),
        modified_ns: nanoseconds(i128::from(stat.st_mtime), i128::from(stat.st_mtime_nsec)),
        mode: u64::from(Mode::from_raw_mode(stat.st_mode).bits()),
        inode: Some(Inode {
            device: i128::from(stat.st_dev),
            number: stat.st_ino,
            changed_ns: nanoseconds(i128::from(stat.st_ctime), i128::from(stat.st_ctime_nsec)),
        }),
    }
}

/// The calls that only Linux has. `None`: not available here, use the other way.
#[cfg(target_os = "linux")]
mod kernel {
    use std::os::fd::{BorrowedFd, OwnedFd};
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::fs::{Mode, OFlags, RenameFlags, ResolveFlags};
    use rustix::io::Errno;

    /// Set once the kernel has said that it does not know `openat2`.
    static NO_OPENAT2: AtomicBool = AtomicBool::new(false);

    pub(super) fn open_beneath(
        dir: BorrowedFd<'_>,
        path: &str,
        flags: OFlags,
        mode: Mode,
    ) -> Option<Result<OwnedFd, Errno>> {
        /// The kernel gives up, to be asked again, when a rename somewhere made it unsure of the path.
        const TRIES: usize = 32;
        if NO_OPENAT2.load(Ordering::Relaxed) {
            return None;
        }
        // A link at the end is refused by NO_SYMLINKS alone. O_NOFOLLOW would only make its error less clear.
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..TRIES {
            match rustix::fs::openat2(dir, path, flags, mode, resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(Errno::NOSYS) => {
                    NO_OPENAT2.store(true, Ordering::Relaxed);
                    return None;
                }
                // A sandbox may forbid the call, or the file system the access: the walk finds out which.
                Err(Errno::PERM) => return None,
                other => return Some(other),
            }
        }
        None
    }

    /// File systems by the numbers that `statfs` gives, those of `linux/magic.h`. FUSE is not among them: most of its file
    /// systems are local, and it does not say which one it is.
    const NETWORK: [(u32, &str); 5] =
        [(0x6969, "NFS"), (0x517b, "SMB"), (0xff53_4d42, "SMB"), (0xfe53_4d42, "SMB"), (0x5346_414f, "AFS")];

    pub(super) fn network_file_system(dir: BorrowedFd<'_>) -> Option<&'static str> {
        // The type of the field differs between processors; the number has 32 bits on all.
        network_name(rustix::fs::fstatfs(dir).ok()?.f_type as u32)
    }

    pub(super) fn network_name(number: u32) -> Option<&'static str> {
        NETWORK.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
    }

    pub(super) fn rename_new(dir: BorrowedFd<'_>, from: &str, to: &str) -> Option<Result<(), Errno>> {
        match rustix::fs::renameat_with(dir, from, dir, to, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::PERM | Errno::NOTSUP) => None,
            other => Some(other),
        }
    }
}

/// The calls that only Linux has, elsewhere.
#[cfg(not(target_os = "linux"))]
mod kernel {
    use std::os::fd::{BorrowedFd, OwnedFd};

    use rustix::fs::{Mode, OFlags};
    use rustix::io::Errno;

    pub(super) fn open_beneath(
        _dir: BorrowedFd<'_>,
        _path: &str,
        _flags: OFlags,
        _mode: Mode,
    ) -> Option<Result<OwnedFd, Errno>> {
        None
    }

    pub(super) fn network_file_system(_dir: BorrowedFd<'_>) -> Option<&'static str> {
        None
    }

    pub(super) fn rename_new(_dir: BorrowedFd<'_>, _from: &str, _to: &str) -> Option<Result<(), Errno>> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{UnixDirectory, kernel};
    use crate::local::directory::Directory;

    /// The numbers of the manual page statfs(2).
    #[test]
    fn network_file_systems_are_recognised_and_local_ones_are_not() {
        for (number, name) in [(0x6969, "NFS"), (0xff53_4d42, "SMB"), (0xfe53_4d42, "SMB"), (0x517b, "SMB")] {
            assert_eq!(kernel::network_name(number), Some(name));
        }
        // ext4, XFS, Btrfs, tmpfs, overlayfs, FUSE.
        for number in [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0x6573_5546] {
            assert_eq!(kernel::network_name(number), None);
        }
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        assert_eq!(UnixDirectory::open(dir.path()).unwrap().network_file_system(), None);
    }
}
