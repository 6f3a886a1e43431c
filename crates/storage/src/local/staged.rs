//! A new file being written in place, under a name that nobody knows yet.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use datafolio_core::RelPath;

use super::directory::Directory;
use super::place::Place;
use crate::error::StorageResult;
use crate::observe::IoOp;
use crate::storage::Staged;

/// A file that is removed again unless it is finished.
#[derive(Debug)]
pub(super) struct LocalStaged {
    place: Arc<Place>,
    dir: Arc<dyn Directory>,
    path: RelPath,
    file: File,
    failed: bool,
    kept: bool,
}

impl LocalStaged {
    pub(super) fn create(place: &Arc<Place>, path: &RelPath) -> StorageResult<Self> {
        let dir = place.parent_of(path)?;
        let file = place
            .step(IoOp::Create, path.as_str(), || dir.create_file(path.file_name()))
            .map_err(|error| place.error("create", path.as_str(), error))?;
        Ok(Self { place: Arc::clone(place), dir, path: path.clone(), file, failed: false, kept: false })
    }
}

impl Write for LocalStaged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.place.watch.write(self.path.as_str(), &mut self.file, bytes);
        if result.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::Interrupted) {
            self.failed = true;
        }
        result.map_err(|error| self.place.error("write", self.path.as_str(), error).into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for LocalStaged {
    fn finish(mut self: Box<Self>) -> StorageResult<()> {
        let path = self.path.as_str();
        let error = |error| self.place.error("write", path, error);
        if self.failed {
            // Whoever wrote may have overlooked the error; the file has a hole where those bytes should be.
            return Err(error(io::Error::other("an earlier write to it failed")));
        }
        self.place.step(IoOp::Fsync, path, || self.file.sync_all()).map_err(error)?;
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        self.place.step(IoOp::FsyncDir, parent, || self.dir.sync()).map_err(error)?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for LocalStaged {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        let path = self.path.as_str();
        if let Err(error) = self.place.step(IoOp::Unlink, path, || self.dir.remove_file(self.path.file_name())) {
            // No catalogue names the file; collecting garbage takes it later.
            tracing::warn!(path, %error, "an unfinished file could not be removed");
        }
    }
}
