//! A file of the caller's that is taken into a bundle.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use datafolio_storage::PayloadWriter;

use crate::error::{HandlerError, HandlerResult};

/// A regular file outside the bundle, open for reading.
#[derive(Debug)]
pub(crate) struct OutsideFile<'a> {
    path: &'a Path,
    file: File,
    opened: Metadata,
}

impl<'a> OutsideFile<'a> {
    /// Opens a regular file, or a link to one. Anything else is refused before it is opened: opening a pipe would wait
    /// for someone to write into it.
    ///
    /// # Errors
    /// [`HandlerError::FileNotFound`], or [`HandlerError::BadFile`] for what is not a regular file or cannot be opened.
    pub(crate) fn open(path: &'a Path) -> HandlerResult<Self> {
        let error = |error: io::Error| match error.kind() {
            ErrorKind::NotFound => HandlerError::FileNotFound { path: path.to_owned() },
            _ => bad(path, error.to_string()),
        };
        let facts = fs::metadata(path).map_err(error)?;
        if facts.is_dir() {
            return Err(bad(path, "it is a directory, and a file is needed"));
        }
        if !facts.is_file() {
            return Err(bad(path, "it is not a regular file"));
        }
        let file = File::open(path).map_err(error)?;
        let opened = file.metadata().map_err(error)?;
        if !opened.is_file() {
            return Err(bad(path, "it is not a regular file"));
        }
        Ok(Self { path, file, opened })
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// An error of this file.
    pub(crate) fn bad(&self, reason: impl Into<String>) -> HandlerError {
        bad(self.path, reason)
    }

    /// Copies all of it; returns its size.
    ///
    /// # Errors
    /// [`HandlerError::BadFile`] when it cannot be read, or is changed by someone while it is copied: what was stored
    /// would be neither the old content nor the new one. Errors of the bundle's storage.
    pub(crate) fn copy_to(&self, writer: &mut PayloadWriter) -> HandlerResult<u64> {
        let mut reader = Reader { file: &self.file, failure: None };
        let copied = writer.write_from(&mut reader);
        if let Some(error) = reader.failure {
            return Err(self.bad(format!("it cannot be read: {error}")));
        }
        let copied = copied?;
        let now = self.file.metadata().map_err(|error| self.bad(error.to_string()))?;
        let same_time = match (self.opened.modified(), now.modified()) {
            (Ok(before), Ok(after)) => before == after,
            // Without times of files the size must do.
            _ => true,
        };
        if copied == self.opened.len() && now.len() == self.opened.len() && same_time {
            Ok(copied)
        } else {
            Err(self.bad("it was changed while it was copied: try again when nobody writes to it"))
        }
    }
}

/// Keeps an error of reading apart from errors of writing.
struct Reader<'a> {
    file: &'a File,
    failure: Option<io::Error>,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer).map_err(|error| {
            let kind = error.kind();
            if kind != ErrorKind::Interrupted {
                self.failure = Some(error);
            }
            kind.into()
        })
    }
}

fn bad(path: &Path, reason: impl Into<String>) -> HandlerError {
    HandlerError::BadFile { path: path.to_owned(), reason: reason.into() }
}

/// The last suffix of a file name, with its dot: `.gz` of `x.tar.gz`, nothing of `Makefile` and `.profile`. Suffixes that
/// no path inside a bundle may have are left out.
pub(crate) fn suffix(path: &Path) -> String {
    let suffix = path.extension().and_then(|suffix| suffix.to_str()).unwrap_or_default();
    let usable = !suffix.is_empty()
        && suffix.len() <= 32
        && !suffix.contains(|c: char| c.is_control() || matches!(c, '/' | '\\' | ':'));
    if usable { format!(".{suffix}") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use datafolio_storage::{LocalStorage, Storage};

    use super::*;

    #[test]
    fn a_file_that_changes_while_it_is_copied_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let storage: Arc<dyn Storage> = Arc::new(LocalStorage::create(&dir.path().join("bundle")).unwrap());
        let path = dir.path().join("growing.log");
        let copy = |change: fn(&mut File)| {
            fs::write(&path, "one line\n").unwrap();
            // Long enough ago for the time of the file to tell.
            let past = std::time::SystemTime::now() - std::time::Duration::from_secs(10);
            File::options().write(true).open(&path).unwrap().set_modified(past).unwrap();
            let opened = OutsideFile::open(&path).unwrap();
            change(&mut fs::OpenOptions::new().write(true).open(&path).unwrap());
            opened.copy_to(&mut PayloadWriter::create(&storage, "artifacts", "log", ".log").unwrap())
        };
        assert_eq!(copy(|_| ()).unwrap(), 9);
        assert_eq!(copy(|file| file.set_len(20).unwrap()).unwrap_err().code(), "bad-file");
        assert_eq!(copy(|file| file.set_len(2).unwrap()).unwrap_err().code(), "bad-file");
        assert_eq!(copy(|file| file.write_all(b"ONE").unwrap()).unwrap_err().code(), "bad-file");
    }

    #[test]
    fn the_last_suffix_is_kept() {
        for (name, expected) in [
            ("plot.v1.png", ".png"),
            ("x.tar.gz", ".gz"),
            ("Makefile", ""),
            (".profile", ""),
            ("a.", ""),
            ("dir.d/file", ""),
            ("a.b:c", ""),
            ("a.b\nc", ""),
        ] {
            assert_eq!(suffix(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn only_regular_files_are_opened() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing");
        assert_eq!(OutsideFile::open(&missing).unwrap_err().code(), "file-not-found");
        assert_eq!(OutsideFile::open(dir.path()).unwrap_err().code(), "bad-file");
        #[cfg(unix)]
        assert_eq!(OutsideFile::open(Path::new("/dev/null")).unwrap_err().code(), "bad-file");
    }
}
