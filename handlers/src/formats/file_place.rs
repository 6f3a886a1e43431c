//! Where a file outside of the bundle lies: on this machine, or on a store.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use datafolio_core::RelPath;
use datafolio_storage::{FileInfo, OutsideSource, Source, Storage};

use super::bad;
use crate::error::{HandlerError, HandlerResult};
use crate::file_state::FileState;
use crate::outside_file::open_regular;
use crate::referenced_table::is_web;

/// A file that may be read, found but not opened.
#[derive(Debug, Clone)]
pub(crate) struct FilePlace {
    /// Its path, or its address.
    path: PathBuf,
    object: Option<Arc<Object>>,
}

/// A file on a store, as it was listed.
#[derive(Debug)]
struct Object {
    place: Arc<dyn Storage>,
    name: RelPath,
    size: u64,
    modified: SystemTime,
}

impl FilePlace {
    /// A file of this machine.
    pub(crate) fn here(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), object: None }
    }

    /// A file of a store.
    pub(crate) fn on_store(place: &Arc<dyn Storage>, listed: &FileInfo) -> Self {
        let path = PathBuf::from(format!("{}/{}", place.location(), listed.path));
        let (place, name) = (Arc::clone(place), listed.path.clone());
        let object = Object { place, name, size: listed.size, modified: listed.modified };
        Self { path, object: Some(Arc::new(object)) }
    }

    /// Its path, or its address.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is a file of this machine.
    pub(crate) fn is_here(&self) -> bool {
        self.object.is_none()
    }

    /// Whether it is there. One of a store was, when it was listed.
    pub(crate) fn exists(&self) -> bool {
        self.object.is_some() || self.path.exists()
    }

    /// Its size in bytes, and when it was last written.
    ///
    /// # Errors
    /// When it is gone or cannot be looked at.
    pub(crate) fn size_and_time(&self) -> HandlerResult<(u64, Option<SystemTime>)> {
        if let Some(object) = &self.object {
            return Ok((object.size, Some(object.modified)));
        }
        let seen = fs::metadata(&self.path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => HandlerError::FileNotFound { path: self.path.clone() },
            _ => bad(&self.path, format!("cannot be read: {error}")),
        })?;
        Ok((seen.len(), seen.modified().ok()))
    }

    /// Its state; `None` where it cannot be told from others.
    pub(crate) fn state(&self) -> Option<FileState> {
        match &self.object {
            // A web server need not tell when a file was written, and files keep the times that they are given.
            Some(_) if is_web(&self.path.to_string_lossy()) => None,
            Some(object) => Some(FileState::of_object(&self.path, object.size, object.modified)),
            None => FileState::now(&self.path),
        }
    }

    /// Opens it for reading at any position. Of a store nothing is asked yet: that the file is gone, or another one by now, is told by
    /// the first read.
    ///
    /// # Errors
    /// As [`open_regular`].
    pub(super) fn open(&self) -> HandlerResult<Opened> {
        match &self.object {
            Some(object) => Ok(Opened {
                source: object.place.open_sized(&object.name, object.size)?,
                file: None,
                modified: Some(object.modified),
                state: self.state(),
            }),
            None => {
                let (file, seen) = open_regular(&self.path)?;
                let again = file.try_clone().map_err(|error| bad(&self.path, format!("cannot be read: {error}")))?;
                Ok(Opened {
                    source: Arc::new(OutsideSource::new(&self.path, again, seen.len())),
                    file: Some(file),
                    modified: seen.modified().ok(),
                    state: FileState::of(&self.path, &seen),
                })
            }
        }
    }
}

/// A file that was opened.
pub(super) struct Opened {
    pub(super) source: Arc<dyn Source>,
    /// The file itself, where it is one of this machine.
    pub(super) file: Option<File>,
    pub(super) modified: Option<SystemTime>,
    /// Its state when it was opened; `None` where it cannot be told from others.
    pub(super) state: Option<FileState>,
}
