//! Watching, failing and interrupting single I/O steps: the seam that the crash and fault tests use.
//!
//! [`LocalStorage`](crate::LocalStorage) announces every step to an [`IoObserver`], when it has one. An observer can number
//! the steps, end the process before or after the n-th, return the error that the system call should have returned, or
//! shorten a write. Without an observer a step costs one test of an `Option`. The syncs of a long file while it is written are none: what
//! they do, the one at its end does again.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::Arc;

/// The kinds of I/O step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IoOp {
    /// Opening an existing file or directory.
    Open,
    /// Asking for the facts of a file.
    Stat,
    /// Reading the names in a directory.
    List,
    /// Reading from a file.
    Read,
    /// Creating a file exclusively.
    Create,
    /// Writing to a file; the only step that can be cut short.
    Write,
    /// Giving a new file the permissions of the one it replaces.
    SetMode,
    /// Making the content of a file durable.
    Fsync,
    /// Making the entries of a directory durable.
    FsyncDir,
    /// Giving a file another name.
    Rename,
    /// Giving a file a second name.
    Link,
    /// Removing a file.
    Unlink,
    /// Making a directory.
    Mkdir,
    /// Opening or trying to take the writers' lock.
    Lock,
}

/// One I/O step.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct IoStep<'a> {
    /// What is done.
    pub op: IoOp,
    /// To which file or directory: its path inside the bundle, empty for the bundle's own directory, `..` for those above it.
    pub path: &'a str,
    /// The new path, for [`IoOp::Rename`] and [`IoOp::Link`].
    pub to: Option<&'a str>,
    /// The bytes, for [`IoOp::Write`]. In [`IoObserver::after`] only those that were written.
    pub data: &'a [u8],
}

impl<'a> IoStep<'a> {
    pub(crate) fn new(op: IoOp, path: &'a str) -> Self {
        Self { op, path, to: None, data: &[] }
    }
}

/// Leave to carry out a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit {
    at_most: usize,
}

impl Permit {
    /// The whole step.
    pub fn all() -> Self {
        Self { at_most: usize::MAX }
    }

    /// A write of at most this many bytes, as a nearly full disk or a signal causes one. Other steps ignore it.
    pub fn at_most(bytes: usize) -> Self {
        Self { at_most: bytes }
    }
}

/// Sees every I/O step of a [`LocalStorage`](crate::LocalStorage).
pub trait IoObserver: Send + Sync + fmt::Debug {
    /// Called before a step. With an error the system call is not made, and storage behaves as if it had failed so.
    ///
    /// # Errors
    /// Whatever error the step is meant to have.
    fn before(&self, step: &IoStep<'_>) -> io::Result<Permit>;

    /// Called after a step that succeeded. With an error storage behaves as if the step had failed although it was carried
    /// out: an answer that was lost on its way.
    ///
    /// # Errors
    /// Whatever error the step is meant to have.
    fn after(&self, step: &IoStep<'_>) -> io::Result<()> {
        let _ = step;
        Ok(())
    }
}

/// The observer of a storage, if any.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch(Option<Arc<dyn IoObserver>>);

impl Watch {
    pub(crate) fn new(observer: Arc<dyn IoObserver>) -> Self {
        Self(Some(observer))
    }

    /// Carries out one step. A step that a signal interrupted is tried again.
    pub(crate) fn step<T>(&self, step: IoStep<'_>, mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        loop {
            let result = match &self.0 {
                None => call(),
                Some(observer) => observer.before(&step).and_then(|_| {
                    let done = call()?;
                    observer.after(&step)?;
                    Ok(done)
                }),
            };
            match result {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// One write, which may be short. A signal is reported as such: `write_all` tries again.
    pub(crate) fn write(&self, path: &str, file: &mut impl Write, bytes: &[u8]) -> io::Result<usize> {
        let Some(observer) = &self.0 else { return file.write(bytes) };
        let permit = observer.before(&IoStep { data: bytes, ..IoStep::new(IoOp::Write, path) })?;
        let written = file.write(&bytes[..bytes.len().min(permit.at_most)])?;
        observer.after(&IoStep { data: &bytes[..written], ..IoStep::new(IoOp::Write, path) })?;
        Ok(written)
    }

    /// Writes everything, in as many steps as it takes.
    pub(crate) fn write_all(&self, path: &str, file: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write(path, file, bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
