//! The file under a temporary name, until it is whole.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{ColumnsError, ColumnsResult};

use super::stream::write_at;

/// A file in the making. What is dropped without [`Target::commit`] is removed.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) file: File,
    /// Its name until it is whole; none where it has no name at all.
    temporary: Option<PathBuf>,
    path: PathBuf,
}

impl Target {
    /// Makes the file, in the directory where it will be.
    pub(crate) fn create(path: &Path) -> ColumnsResult<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let Some(name) = path.file_name() else {
            return Err(ColumnsError::option(format!("'{}' is not the name of a file", path.display())));
        };
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let mut hidden = std::ffi::OsString::from(".");
            hidden.push(name);
            hidden.push(format!(".{}-{count}.tmp", std::process::id()));
            let temporary = path.with_file_name(hidden);
            match OpenOptions::new().read(true).write(true).create_new(true).open(&temporary) {
                Ok(file) => return Ok(Self { file, temporary: Some(temporary), path: path.to_owned() }),
                // Left by a process of the same number that was killed.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(ColumnsError::io("create", path, error)),
            }
        }
    }

    /// Makes a file without a name in a directory.
    pub(super) fn unnamed(dir: &Path) -> ColumnsResult<Self> {
        let file = tempfile::tempfile_in(dir).map_err(|error| ColumnsError::io("make a file in", dir, error))?;
        Ok(Self { file, temporary: None, path: dir.to_owned() })
    }

    /// The file without a name.
    pub(super) fn into_file(self) -> ColumnsResult<File> {
        self.file.try_clone().map_err(|error| ColumnsError::io("open", &self.path, error))
    }

    /// Copies what another file holds to the beginning.
    pub(super) fn copy(&mut self, from: &mut File, length: u64) -> ColumnsResult<()> {
        let copied = (|| {
            use io::{Read, Seek};
            from.rewind()?;
            self.file.rewind()?;
            io::copy(&mut from.take(length), &mut self.file)
        })();
        match copied {
            Ok(copied) if copied == length => Ok(()),
            Ok(_) => Err(ColumnsError::damaged(&self.path, "became shorter while it was copied")),
            Err(error) => Err(ColumnsError::io("copy", &self.path, error)),
        }
    }

    pub(super) fn set_length(&self, length: u64) -> ColumnsResult<()> {
        self.file.set_len(length).map_err(|error| ColumnsError::io("make room for", &self.path, error))
    }

    pub(super) fn write(&self, bytes: &[u8], at: u64) -> ColumnsResult<()> {
        write_at(&self.file, bytes, at).map_err(|error| ColumnsError::io("write", &self.path, error))
    }

    /// Brings the file to the disk, and then under its name.
    pub(crate) fn commit(mut self) -> ColumnsResult<()> {
        self.file.sync_all().map_err(|error| ColumnsError::io("write", &self.path, error))?;
        if let Some(temporary) = &self.temporary {
            fs::rename(temporary, &self.path).map_err(|error| ColumnsError::io("rename to", &self.path, error))?;
        }
        self.temporary = None;
        sync_directory(&self.path).map_err(|error| ColumnsError::io("write the directory of", &self.path, error))
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary
            && let Err(error) = fs::remove_file(temporary)
        {
            tracing::warn!(file = %temporary.display(), %error, "cannot remove a temporary file");
        }
    }
}

/// So that the new name outlives a loss of power.
fn sync_directory(path: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        // Elsewhere directories cannot be opened.
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
