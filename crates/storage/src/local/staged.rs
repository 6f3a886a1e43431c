//! A new file being written under a temporary name.

use std::io::{self, Write};
use std::sync::Arc;

use datafolio_core::RelPath;

use super::place::Place;
use super::temporary::Temporary;
use crate::error::{StorageError, StorageResult};
use crate::observe::IoOp;
use crate::storage::Staged;

/// A file that gets its name when it is finished.
#[derive(Debug)]
pub(super) struct LocalStaged {
    place: Arc<Place>,
    path: RelPath,
    temporary: Temporary,
    failed: bool,
}

impl LocalStaged {
    pub(super) fn create(place: &Arc<Place>, path: &RelPath) -> StorageResult<Self> {
        let taken = place.facts(path).map_err(|error| place.error("create", path.as_str(), error))?.is_some();
        if taken {
            return Err(StorageError::AlreadyExists { path: path.to_string(), location: place.location.clone() });
        }
        let temporary = Temporary::create(place, path, "create")?;
        Ok(Self { place: Arc::clone(place), path: path.clone(), temporary, failed: false })
    }
}

impl Write for LocalStaged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.place.watch.write(&self.temporary.path, &mut &*self.temporary.file, bytes);
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
        let error = |error| self.place.error("write", self.path.as_str(), error);
        if self.failed {
            // Whoever wrote may have overlooked the error; the file has a hole where those bytes should be.
            return Err(error(io::Error::other("an earlier write to it failed")));
        }
        let temporary = &mut self.temporary;
        self.place.step(IoOp::Fsync, &temporary.path, || temporary.file.sync_all()).map_err(error)?;
        temporary.become_target().map_err(error)?;
        temporary.keep();
        self.place.name_changed(self.path.parent().as_ref(), &temporary.dir);
        Ok(())
    }
}
