//! What all parts of a local storage share: its directory, its observer, and how its errors are worded.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use datafolio_core::RelPath;

use super::directory::{Directory, Facts, Irregular};
use crate::error::{StorageError, StorageResult};
use crate::observe::{IoOp, IoStep, Watch};

/// A bundle's directory.
#[derive(Debug)]
pub(super) struct Place {
    /// Absolute, links resolved.
    pub(super) root: PathBuf,
    /// The root as text, for messages.
    pub(super) location: String,
    pub(super) dir: Arc<dyn Directory>,
    pub(super) watch: Watch,
    /// Directories that this handle has opened or made, so that their names are durable or will be with the next state.
    durable: Mutex<HashSet<String>>,
    /// Directories in which this handle has given or removed names, not durably yet.
    unsynced: Mutex<BTreeMap<String, Arc<dyn Directory>>>,
}

impl Place {
    pub(super) fn new(root: PathBuf, dir: Arc<dyn Directory>, watch: Watch) -> Self {
        Self {
            location: root.display().to_string(),
            root,
            dir,
            watch,
            durable: Mutex::default(),
            unsynced: Mutex::default(),
        }
    }

    /// Words an error of the system.
    pub(super) fn error(&self, action: &'static str, path: &str, error: io::Error) -> StorageError {
        let (path, location) = (path.to_owned(), self.location.clone());
        if let Some(Irregular(kind)) = error.get_ref().and_then(|inner| inner.downcast_ref::<Irregular>()) {
            return StorageError::NotRegular { path, location, found: kind.describe() };
        }
        match error.kind() {
            ErrorKind::NotFound => StorageError::NotFound { path, location },
            ErrorKind::AlreadyExists => StorageError::AlreadyExists { path, location },
            _ => StorageError::Io { action, path, location, source: error },
        }
    }

    /// Carries out one observed step.
    pub(super) fn step<T>(&self, op: IoOp, path: &str, call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        self.watch.step(IoStep::new(op, path), call)
    }

    /// Facts about what is at a path; `None` when nothing is, or when a segment on the way is a file.
    pub(super) fn facts(&self, path: &RelPath) -> io::Result<Option<Facts>> {
        match self.step(IoOp::Stat, path.as_str(), || self.dir.facts(path.as_str())) {
            Ok(facts) => Ok(Some(facts)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Notes that a file has got its name in a directory, or has lost it.
    pub(super) fn name_changed(&self, path: Option<&RelPath>, dir: &Arc<dyn Directory>) {
        self.note_unsynced(path.map_or("", RelPath::as_str), dir);
    }

    fn note_unsynced(&self, path: &str, dir: &Arc<dyn Directory>) {
        self.unsynced.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), Arc::clone(dir));
    }

    /// Makes durable which names there are by now. One call for many files costs less than one for each: on most file
    /// systems the first directory takes the others along. Who comes meanwhile waits, for it may count on the same names.
    pub(super) fn sync_names(&self) -> StorageResult<()> {
        let mut unsynced = self.unsynced.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(next) = unsynced.first_entry() {
            let synced = self.step(IoOp::FsyncDir, next.key(), || next.get().sync());
            synced.map_err(|error| self.error("write", next.key(), error))?;
            next.remove();
        }
        Ok(())
    }

    /// Opens the directory that holds a path, making it durably if it is not there.
    pub(super) fn parent_of(&self, path: &RelPath) -> StorageResult<Arc<dyn Directory>> {
        match path.parent() {
            None => Ok(Arc::clone(&self.dir)),
            Some(parent) => self.ensure_dir(&parent),
        }
    }

    /// Opens a directory, making it if it is not there. Its name, and that of each directory above it, becomes durable
    /// [with the names of files](Self::sync_names), whoever made them: another process may have made one and not come to
    /// the fsync yet, and a payload that is durable in a directory that is not would be lost with it. Each handle does so
    /// once for each directory.
    pub(super) fn ensure_dir(&self, path: &RelPath) -> StorageResult<Arc<dyn Directory>> {
        self.try_ensure_dir(path).map_err(|error| self.error("create the directory", path.as_str(), error))
    }

    fn try_ensure_dir(&self, path: &RelPath) -> io::Result<Arc<dyn Directory>> {
        let known = self.durable.lock().unwrap_or_else(PoisonError::into_inner).contains(path.as_str());
        if known {
            match self.step(IoOp::Open, path.as_str(), || self.dir.enter(path.as_str())) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                other => return other,
            }
        }
        let mut above = Arc::clone(&self.dir);
        let mut above_path = String::new();
        for segment in path.segments() {
            let here = if above_path.is_empty() { segment.to_owned() } else { format!("{above_path}/{segment}") };
            let next = match self.step(IoOp::Open, &here, || above.enter(segment)) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    match self.step(IoOp::Mkdir, &here, || above.create_dir(segment)) {
                        // Someone else was faster.
                        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                        other => other?,
                    }
                    self.step(IoOp::Open, &here, || above.enter(segment))?
                }
                other => other?,
            };
            self.note_unsynced(&above_path, &above);
            (above, above_path) = (next, here);
        }
        self.durable.lock().unwrap_or_else(PoisonError::into_inner).insert(path.as_str().to_owned());
        Ok(above)
    }
}

/// Whether an error says that nothing is at a path: it, or a directory above it, is not there.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
