//! A file outside of any bundle.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::read_at::read_exact_at;
use crate::error::{StorageError, StorageResult};
use crate::storage::{FileIdentity, Source};

/// A file of the caller's that was opened for reading. Its errors name its path, and its directory as the location.
#[derive(Debug)]
pub struct OutsideSource {
    path: PathBuf,
    file: File,
    size: u64,
    identity: Option<FileIdentity>,
}

impl OutsideSource {
    /// An open file, with its size when it was opened.
    pub fn new(path: &Path, file: File, size: u64) -> Self {
        Self { path: path.to_owned(), file, size, identity: None }
    }

    /// The same, of a file that nobody but this program writes.
    pub(crate) fn with_identity(self, identity: FileIdentity) -> Self {
        Self { identity: Some(identity), ..self }
    }
}

impl Source for OutsideSource {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> StorageResult<()> {
        read_exact_at(&self.file, buffer, offset).map_err(|source| StorageError::Io {
            action: "read",
            path: self.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            location: self.path.parent().unwrap_or(Path::new("")).display().to_string(),
            source,
        })
    }

    /// None but for our own files: nobody vouches for what others write.
    fn identity(&self) -> Option<FileIdentity> {
        self.identity.clone()
    }

    fn try_clone_file(&self) -> Option<io::Result<File>> {
        Some(self.file.try_clone())
    }
}
