//! A local file open for reading at any position.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use datafolio_core::RelPath;

use super::directory::Facts;
use super::place::Place;
use super::read_at::read_exact_at;
use crate::error::{StorageError, StorageResult};
use crate::observe::IoOp;
use crate::storage::{FileIdentity, Source};

/// An open file.
#[derive(Debug)]
pub(super) struct LocalSource {
    place: Arc<Place>,
    path: RelPath,
    file: File,
    facts: Facts,
}

impl LocalSource {
    pub(super) fn open(place: &Arc<Place>, path: &RelPath) -> StorageResult<Self> {
        let (file, facts) = open_file(place, path)?;
        Ok(Self { place: Arc::clone(place), path: path.clone(), file, facts })
    }
}

/// Opens a regular file.
pub(super) fn open_file(place: &Place, path: &RelPath) -> StorageResult<(File, Facts)> {
    place.step(IoOp::Open, path.as_str(), || place.dir.open_file(path.as_str())).map_err(|error| match error.kind() {
        // A segment on the way is a file: what was asked for is not there.
        ErrorKind::NotADirectory => place.error("open", path.as_str(), ErrorKind::NotFound.into()),
        _ => place.error("open", path.as_str(), error),
    })
}

impl Source for LocalSource {
    fn size(&self) -> u64 {
        self.facts.size
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> StorageResult<()> {
        let path = self.path.as_str();
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > self.facts.size) {
            let reason = format!("{} bytes from {offset} reach beyond its {} bytes", buffer.len(), self.facts.size);
            return Err(self.place.error("read", path, io::Error::new(ErrorKind::UnexpectedEof, reason)));
        }
        self.place.step(IoOp::Read, path, || read_exact_at(&self.file, buffer, offset)).map_err(|error| {
            match error.kind() {
                ErrorKind::UnexpectedEof => StorageError::Damaged {
                    path: path.to_owned(),
                    location: self.place.location.clone(),
                    reason: format!("it was cut short while it was open; it had {} bytes", self.facts.size),
                },
                _ => self.place.error("read", path, error),
            }
        })
    }

    fn identity(&self) -> Option<FileIdentity> {
        Some(FileIdentity {
            path: self.place.root.join(self.path.as_str()),
            size: self.facts.size,
            modified_ns: self.facts.modified_ns,
            inode: self.facts.inode.map_or(0, |inode| inode.number),
        })
    }

    fn try_clone_file(&self) -> Option<io::Result<File>> {
        Some(self.file.try_clone())
    }
}
