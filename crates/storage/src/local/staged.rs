//! A new file being written under a temporary name.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use datafolio_core::RelPath;

use super::place::Place;
use super::temporary::Temporary;
use crate::error::{StorageError, StorageResult};
use crate::observe::IoOp;
use crate::storage::Staged;

/// Written bytes after which the disk is given them, while others are written. Else it would have nothing to do until the end, and
/// everything then.
const STRETCH: u64 = 32 << 20;

/// A file that gets its name when it is finished.
#[derive(Debug)]
pub(super) struct LocalStaged {
    place: Arc<Place>,
    path: RelPath,
    temporary: Temporary,
    failed: bool,
    /// Bytes since the disk was given some.
    waiting: u64,
    /// Gives them.
    syncing: Option<JoinHandle<io::Result<()>>>,
}

impl LocalStaged {
    pub(super) fn create(place: &Arc<Place>, path: &RelPath) -> StorageResult<Self> {
        let taken = place.facts(path).map_err(|error| place.error("create", path.as_str(), error))?.is_some();
        if taken {
            return Err(StorageError::AlreadyExists { path: path.to_string(), location: place.location.clone() });
        }
        let temporary = Temporary::create(place, path, "create")?;
        let place = Arc::clone(place);
        Ok(Self { place, path: path.clone(), temporary, failed: false, waiting: 0, syncing: None })
    }

    /// Has the disk take what was written, where it is not busy with what came before.
    fn sync_ahead(&mut self) -> io::Result<()> {
        if self.waiting < STRETCH || self.syncing.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return Ok(());
        }
        self.synced()?;
        self.waiting = 0;
        let file = Arc::clone(&self.temporary.file);
        self.syncing = begin_sync(file);
        Ok(())
    }

    /// How that went. The system tells of an error once, so it must not be lost.
    fn synced(&mut self) -> io::Result<()> {
        let Some(thread) = self.syncing.take() else { return Ok(()) };
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that syncs the file has ended")))
    }
}

/// Only where a sync is no more than that: macOS empties the caches of the drive each time.
fn begin_sync(file: Arc<File>) -> Option<JoinHandle<io::Result<()>>> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    Builder::new().name("sync".to_owned()).spawn(move || file.sync_data()).ok()
}

impl Write for LocalStaged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.place.watch.write(&self.temporary.path, &mut &*self.temporary.file, bytes);
        if result.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::Interrupted) {
            self.failed = true;
        }
        let result = result.and_then(|written| {
            self.waiting += written as u64;
            self.sync_ahead().inspect_err(|_| self.failed = true).map(|()| written)
        });
        result.map_err(|error| self.place.error("write", self.path.as_str(), error).into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for LocalStaged {
    fn finish(mut self: Box<Self>) -> StorageResult<()> {
        let synced = self.synced();
        let error = |error| self.place.error("write", self.path.as_str(), error);
        if self.failed {
            // Whoever wrote may have overlooked the error; the file has a hole where those bytes should be.
            return Err(error(io::Error::other("an earlier write to it failed")));
        }
        synced.map_err(error)?;
        let temporary = &mut self.temporary;
        self.place.step(IoOp::Fsync, &temporary.path, || temporary.file.sync_all()).map_err(error)?;
        temporary.become_target().map_err(error)?;
        temporary.keep();
        self.place.name_changed(self.path.parent().as_ref(), &temporary.dir);
        Ok(())
    }

    fn finish_later(self: Box<Self>) -> StorageResult<()> {
        self.finish()
    }
}
