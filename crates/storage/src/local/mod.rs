//! A bundle in a directory of a local disk.

mod directory;
mod lock;
mod outside;
mod place;
#[cfg(any(not(unix), test))]
mod portable;
mod publish;
mod read_at;
mod source;
mod staged;
mod temporary;
#[cfg(unix)]
mod unix;

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use datafolio_core::RelPath;

pub use self::outside::OutsideSource;

use self::directory::{Directory, Kind};
use self::place::{Place, is_absent};
use crate::error::{StorageError, StorageResult};
use crate::observe::{IoObserver, IoOp, IoStep, Watch};
use crate::payload::copy_source;
use crate::storage::{FileInfo, Publish, Reread, Source, Staged, Storage, VersionTag, WriteLock};

/// A bundle in a directory of a local disk.
///
/// The directory is opened once, and everything is resolved beneath that open directory, following no symbolic link:
/// changing the working directory, or renaming the bundle, does not lead a handle elsewhere (only
/// [`local_path`](Storage::local_path) keeps naming the place where the bundle was opened). The bundle's own directory may
/// be reached through links.
///
/// Files that cannot be named by a [`RelPath`], because their names are not UTF-8 or hold a colon, a backslash or a
/// control character, are left alone and not listed.
#[derive(Debug)]
pub struct LocalStorage {
    place: Arc<Place>,
    /// Whether this handle has looked for temporary files left behind.
    swept: AtomicBool,
}

impl LocalStorage {
    /// Opens an existing directory.
    ///
    /// # Errors
    /// When it is not there, is not a directory, or cannot be read.
    pub fn open(root: &Path) -> StorageResult<Self> {
        Self::open_watched(root, Watch::default())
    }

    fn open_watched(root: &Path, watch: Watch) -> StorageResult<Self> {
        let attempt = || {
            let root = fs::canonicalize(root)?;
            let dir = open_directory(&root)?;
            Ok((root, dir))
        };
        let (root, dir) = attempt().map_err(|error| open_error("open", root, error))?;
        Ok(Self::new(Place::new(root, dir, watch)))
    }

    /// Opens a directory after making it, and those above it, if they are not there. They survive a crash.
    ///
    /// # Errors
    /// When it cannot be made, or something other than a directory is there.
    pub fn create(root: &Path) -> StorageResult<Self> {
        Self::create_watched(root, Watch::default())
    }

    /// [`LocalStorage::create`] and [`with_observer`](LocalStorage::with_observer) in one, so that making the directory is
    /// announced as well.
    ///
    /// # Errors
    /// As [`LocalStorage::create`].
    pub fn create_observed(root: &Path, observer: Arc<dyn IoObserver>) -> StorageResult<Self> {
        Self::create_watched(root, Watch::new(observer))
    }

    fn create_watched(root: &Path, watch: Watch) -> StorageResult<Self> {
        create_durably(root, &watch).map_err(|error| open_error("create", root, error))?;
        Self::open_watched(root, watch)
    }

    /// The same storage, each of whose I/O steps is announced to the observer.
    #[must_use]
    pub fn with_observer(self, observer: Arc<dyn IoObserver>) -> Self {
        Self::new(Place::new(self.place.root.clone(), Arc::clone(&self.place.dir), Watch::new(observer)))
    }

    /// The bundle's directory: absolute, links resolved.
    pub fn root(&self) -> &Path {
        &self.place.root
    }

    fn new(place: Place) -> Self {
        Self { place: Arc::new(place), swept: AtomicBool::new(false) }
    }
}

impl Storage for LocalStorage {
    fn location(&self) -> String {
        self.place.location.clone()
    }

    fn caveat(&self) -> Option<String> {
        let name = self.place.dir.network_file_system()?;
        Some(format!(
            "the bundle lies on a network file system ({name}): write from one machine at a time, since machines may not see \
             each other's locks and changes at once"
        ))
    }

    fn is_remote(&self) -> bool {
        false
    }

    fn local_path(&self, path: &RelPath) -> Option<PathBuf> {
        Some(self.place.root.join(path.as_str()))
    }

    fn stat(&self, path: &RelPath) -> StorageResult<Option<FileInfo>> {
        let facts = self.place.facts(path).and_then(|facts| facts.map(directory::Facts::of_file).transpose());
        let facts = facts.map_err(|error| self.place.error("look at", path.as_str(), error))?;
        Ok(facts.map(|facts| facts.info(path.clone())))
    }

    fn read(&self, path: &RelPath, limit: u64) -> StorageResult<Vec<u8>> {
        publish::read(&self.place, path, limit)
    }

    fn open(&self, path: &RelPath) -> StorageResult<Arc<dyn Source>> {
        Ok(Arc::new(source::LocalSource::open(&self.place, path)?))
    }

    fn open_sized(&self, path: &RelPath, _size: u64) -> StorageResult<Arc<dyn Source>> {
        self.open(path)
    }

    fn create(&self, path: &RelPath) -> StorageResult<Box<dyn Staged>> {
        Ok(Box::new(staged::LocalStaged::create(&self.place, path)?))
    }

    fn list(&self, dir: Option<&RelPath>) -> StorageResult<Vec<FileInfo>> {
        let mut files = Vec::new();
        // Paths, not open directories: a deep tree must not use up the descriptors.
        let mut pending = vec![dir.cloned()];
        while let Some(dir) = pending.pop() {
            let text = dir.as_ref().map_or("", RelPath::as_str);
            match self.list_one(dir.as_ref(), &mut files, &mut pending) {
                // Gone since its name was read, or not there in the first place.
                Err(error) if is_absent(&error) => {}
                other => other.map_err(|error| self.place.error("list", text, error))?,
            }
        }
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn delete(&self, path: &RelPath) -> StorageResult<()> {
        let place = &self.place;
        let attempt = || {
            let Some(facts) = place.facts(path)? else { return Ok(()) };
            facts.of_file()?;
            let dir = match path.parent() {
                None => Arc::clone(&place.dir),
                Some(parent) => place.step(IoOp::Open, parent.as_str(), || place.dir.enter(parent.as_str()))?,
            };
            // Removes a name. Should a link have taken it since the look, the link goes and what it points to stays.
            place.step(IoOp::Unlink, path.as_str(), || dir.remove_file(path.file_name()))?;
            place.name_changed(path.parent().as_ref(), &dir);
            Ok(())
        };
        match attempt() {
            Err(error) if is_absent(&error) => Ok(()),
            other => other.map_err(|error| place.error("delete", path.as_str(), error)),
        }
    }

    fn duplicate(&self, from: &RelPath, to: &RelPath) -> StorageResult<()> {
        let place = &self.place;
        let link = || {
            place.facts(from)?.ok_or(io::ErrorKind::NotFound)?.of_file()?;
            let source = match from.parent() {
                None => Arc::clone(&place.dir),
                Some(parent) => place.step(IoOp::Open, parent.as_str(), || place.dir.enter(parent.as_str()))?,
            };
            let target = place.parent_of(to).map_err(io::Error::from)?;
            let step = IoStep { to: Some(to.as_str()), ..IoStep::new(IoOp::Link, from.as_str()) };
            place.watch.step(step, || source.link(from.file_name(), target.as_ref(), to.file_name()))?;
            place.name_changed(to.parent().as_ref(), &target);
            Ok(())
        };
        match link() {
            Ok(()) => Ok(()),
            Err(error) if is_absent(&error) || error.kind() == io::ErrorKind::AlreadyExists => {
                let path = if is_absent(&error) { from } else { to };
                Err(place.error("link", path.as_str(), error))
            }
            // Not every file system has links, and some have only so many for each file.
            Err(error) if cannot_link(error.kind()) => copy_source(self.open(from)?.as_ref(), self, to),
            Err(error) => {
                // A network file system may have made it and lost the answer. The name is nobody else's.
                if let Err(error) = self.delete(to) {
                    tracing::debug!(path = %to, %error, "a second name stays behind");
                }
                Err(place.error("link", from.as_str(), error))
            }
        }
    }

    fn now(&self) -> StorageResult<std::time::SystemTime> {
        Ok(std::time::SystemTime::now())
    }

    fn arrived(&self, _path: &RelPath) -> StorageResult<()> {
        Ok(())
    }

    fn settle(&self) -> StorageResult<()> {
        self.place.sync_names()
    }

    fn replace(&self, path: &RelPath, bytes: &[u8]) -> StorageResult<()> {
        publish::replace(&self.place, path, bytes)
    }

    fn lock(&self, timeout: Duration) -> StorageResult<Box<dyn WriteLock>> {
        let lock = lock::acquire(&self.place, timeout)?;
        if !self.swept.swap(true, Ordering::Relaxed) {
            temporary::sweep(&self.place);
        }
        Ok(Box::new(lock))
    }

    fn read_tagged(&self, path: &RelPath, limit: u64) -> StorageResult<Option<(Vec<u8>, VersionTag)>> {
        publish::read_tagged(&self.place, path, limit)
    }

    fn is_unchanged(&self, path: &RelPath, tag: &VersionTag) -> StorageResult<bool> {
        publish::is_unchanged(&self.place, path, tag)
    }

    fn read_if_changed(&self, path: &RelPath, limit: u64, tag: &VersionTag) -> StorageResult<Reread> {
        if self.is_unchanged(path, tag)? {
            return Ok(Reread::Unchanged);
        }
        Ok(self.read_tagged(path, limit)?.map_or(Reread::Gone, |(bytes, tag)| Reread::Changed(bytes, tag)))
    }

    fn publish(&self, path: &RelPath, bytes: &[u8], expected: Option<&VersionTag>) -> StorageResult<Publish> {
        publish::publish(&self.place, path, bytes, expected)
    }

    fn make_dir(&self, path: &RelPath) -> StorageResult<()> {
        self.place.ensure_dir(path).map(drop)
    }
}

impl LocalStorage {
    /// Lists one directory: its files, and the directories in it that are still to be listed.
    fn list_one(
        &self,
        dir: Option<&RelPath>,
        files: &mut Vec<FileInfo>,
        pending: &mut Vec<Option<RelPath>>,
    ) -> io::Result<()> {
        let place = &self.place;
        let text = dir.map_or("", RelPath::as_str);
        let here = match dir {
            None => Arc::clone(&place.dir),
            Some(dir) => place.step(IoOp::Open, text, || place.dir.enter(dir.as_str()))?,
        };
        for (name, kind) in place.step(IoOp::List, text, || here.entries())? {
            let path = dir.map_or_else(|| RelPath::parse(&name), |dir| dir.join(&name));
            let Ok(path) = path else { continue };
            match kind {
                Kind::Directory => pending.push(Some(path)),
                Kind::File => match here.facts(&name).map(directory::Facts::of_file) {
                    Ok(Ok(facts)) => files.push(facts.info(path)),
                    Ok(Err(_)) => {}
                    Err(error) if is_absent(&error) => {}
                    Err(error) => return Err(error),
                },
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether an error says that there are no links here.
fn cannot_link(error: io::ErrorKind) -> bool {
    use io::ErrorKind::{CrossesDevices, PermissionDenied, TooManyLinks, Unsupported};
    matches!(error, CrossesDevices | PermissionDenied | TooManyLinks | Unsupported)
}

fn open_error(action: &'static str, root: &Path, error: io::Error) -> StorageError {
    let location = root.display().to_string();
    match error.kind() {
        io::ErrorKind::NotFound => StorageError::NotFound { path: "the bundle's directory".to_owned(), location },
        _ => StorageError::Io { action, path: "the bundle's directory".to_owned(), location, source: error },
    }
}

#[cfg(unix)]
fn open_directory(path: &Path) -> io::Result<Arc<dyn Directory>> {
    Ok(Arc::new(unix::UnixDirectory::open(path)?))
}

#[cfg(not(unix))]
fn open_directory(path: &Path) -> io::Result<Arc<dyn Directory>> {
    Ok(Arc::new(portable::PortableDirectory::open(path)?))
}

/// What a directory above that of the bundle is called when a step in it is announced.
const ABOVE: &str = "..";

/// Makes a directory and those above it, and makes each new entry durable.
fn create_durably(root: &Path, watch: &Watch) -> io::Result<()> {
    let root = std::path::absolute(root)?;
    let mut missing = Vec::new();
    let mut existing = root.as_path();
    while !existing.try_exists()? {
        missing.push(existing);
        match existing.parent() {
            Some(parent) => existing = parent,
            None => break,
        }
    }
    for dir in missing.into_iter().rev() {
        let name = if dir == root { "" } else { ABOVE };
        match watch.step(IoStep::new(IoOp::Mkdir, name), || fs::create_dir(dir)) {
            // Another process makes the same directory; ours to make durable all the same.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => {}
            other => other?,
        }
        if let Some(parent) = dir.parent() {
            watch.step(IoStep::new(IoOp::FsyncDir, ABOVE), || open_directory(parent)?.sync())?;
        }
    }
    Ok(())
}
