//! A file of the caller's that is taken into a bundle.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read, Seek};
use std::path::Path;
use std::sync::Arc;

use datafolio_storage::{OutsideSource, PayloadWriter};

use crate::error::{HandlerError, HandlerResult};
use crate::table::SourceFile;

/// A regular file outside the bundle, open for reading.
#[derive(Debug)]
pub(crate) struct OutsideFile<'a> {
    path: &'a Path,
    file: File,
    opened: Metadata,
}

/// Opens a regular file, or a link to one. What is not a regular file is refused: reading a pipe would wait for someone to
/// write into it, and a device may do anything.
///
/// # Errors
/// [`HandlerError::FileNotFound`], or [`HandlerError::BadFile`] for what is not a regular file or cannot be opened.
pub(crate) fn open_regular(path: &Path) -> HandlerResult<(File, Metadata)> {
    let unreadable = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => HandlerError::FileNotFound { path: path.to_owned() },
        _ => bad(path, format!("cannot be opened: {error}")),
    };
    let regular = |facts: &Metadata| match (facts.is_dir(), facts.is_file()) {
        (true, _) => Err(bad(path, "is a directory, not a file")),
        (_, false) => Err(bad(path, "is not a regular file")),
        _ => Ok(()),
    };
    // Before it is opened, because opening a device can do something; and after, because another file may be there by then.
    regular(&fs::metadata(path).map_err(unreadable)?)?;
    let file = open_at_once(path).map_err(unreadable)?;
    let opened = file.metadata().map_err(unreadable)?;
    regular(&opened)?;
    Ok((file, opened))
}

/// Opens whatever is there, without waiting: a pipe that was put there meanwhile would wait for a writer.
fn open_at_once(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    options.open(path)
}

impl<'a> OutsideFile<'a> {
    /// Opens a file as [`open_regular`] does.
    ///
    /// # Errors
    /// As [`open_regular`].
    pub(crate) fn open(path: &'a Path) -> HandlerResult<Self> {
        let (file, opened) = open_regular(path)?;
        Ok(Self { path, file, opened })
    }

    /// Size when it was opened.
    pub(crate) fn size(&self) -> u64 {
        self.opened.len()
    }

    /// A handle at the start of the file. Handles share one position: only one may be in use at a time.
    ///
    /// # Errors
    /// [`HandlerError::BadFile`].
    pub(crate) fn handle(&self) -> HandlerResult<File> {
        let mut file = self.file.try_clone().map_err(|error| self.bad(format!("cannot be read: {error}")))?;
        file.rewind().map_err(|error| self.bad(format!("cannot be read: {error}")))?;
        Ok(file)
    }

    /// The file for readers that read at any position, several at a time.
    ///
    /// # Errors
    /// [`HandlerError::BadFile`].
    pub(crate) fn source(&self) -> HandlerResult<SourceFile> {
        let file = self.file.try_clone().map_err(|error| self.bad(format!("cannot be read: {error}")))?;
        Ok(SourceFile::new(Arc::new(OutsideSource::new(self.path, file, self.size()))))
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
        let mut reader = Reader { file: self.handle()?, failure: None };
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
struct Reader {
    file: File,
    failure: Option<io::Error>,
}

impl Read for Reader {
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

    /// Made by the program that every Unix has: macOS has no `mkfifoat`, and Windows no pipes among files.
    #[cfg(unix)]
    #[test]
    fn a_pipe_that_takes_the_place_of_a_file_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg("-m").arg("600").arg(&pipe).status().unwrap().success());
        assert_eq!(OutsideFile::open(&pipe).unwrap_err().code(), "bad-file");
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || tell.send(open_at_once(&pipe).unwrap().metadata().unwrap().is_file()));
        assert_eq!(told.recv_timeout(std::time::Duration::from_secs(20)), Ok(false));
    }
}
