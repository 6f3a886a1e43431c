//! What can be wrong with a Delta table.

use std::fmt::Write as _;
use std::io;

use delta_kernel::KernelError;
use delta_kernel::history_manager::error::{LogHistoryError, NearestTimestamp};

use crate::time::iso;

/// Result of this crate.
pub type DeltaResult<T> = Result<T, DeltaError>;

/// An error with a Delta table. Files are named by their paths below the table; the caller names the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeltaError {
    /// Nothing is there.
    #[error("nothing is there")]
    NotFound,
    /// What is there is no Delta table.
    #[error("no Delta table is there: {0}")]
    NoTable(String),
    /// The log does not have the version that is asked for.
    #[error("{}", no_version(*.wanted, *.first, *.last))]
    NoVersion {
        /// The version.
        wanted: u64,
        /// The first that can be read; `None` where none before the wanted one can.
        first: Option<u64>,
        /// The last.
        last: u64,
    },
    /// The log has no version of that time.
    #[error("{0}")]
    NoVersionAt(String),
    /// A file that the version needs is gone.
    #[error(
        "version {version} of the table needs the file {file}, and it is gone (removed by VACUUM, or by hand): refer to a later version, or restore the file"
    )]
    FileGone {
        /// The version.
        version: u64,
        /// The file.
        file: String,
    },
    /// The table needs what is not supported.
    #[error("the table needs what is not supported: {0}")]
    Unsupported(String),
    /// There is no such column.
    #[error("no column {name:?}")]
    UnknownColumn {
        /// The name.
        name: String,
        /// The columns that there are.
        known: Vec<String>,
    },
    /// A file is not what it should be.
    #[error("{file} is damaged: {reason}")]
    Damaged {
        /// The file, or what else is damaged.
        file: String,
        /// In what way.
        reason: String,
    },
    /// A symbolic link leads back to a directory that leads to it.
    #[error("{link} is a link to a directory that it lies in: without it the log can be listed")]
    LinkLoop {
        /// The link.
        link: String,
    },
    /// Directories lie within each other so deep as those of no log do.
    #[error("{directory} lies deeper than {most} directories: a log has two or three")]
    TooDeep {
        /// The directory.
        directory: String,
        /// So many are looked into.
        most: usize,
    },
    /// A file cannot be read.
    #[error("{file} cannot be read: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why not.
        reason: String,
    },
}

impl DeltaError {
    pub(crate) fn damaged(file: impl Into<String>, reason: impl ToString) -> Self {
        Self::Damaged { file: file.into(), reason: reason.to_string() }
    }

    /// A file could not be read; that it is gone is for the caller to say.
    pub(crate) fn io(file: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::FileGone { version: 0, file: file.to_owned() },
            _ => Self::Unreadable { file: file.to_owned(), reason: error.to_string() },
        }
    }

    /// A directory could not be listed.
    pub(crate) fn listing(directory: &str, error: &io::Error) -> Self {
        let own = error.get_ref().and_then(|inner| inner.downcast_ref::<Self>());
        own.cloned().unwrap_or_else(|| Self::Unreadable { file: directory.to_owned(), reason: error.to_string() })
    }

    /// The same, of a version.
    pub(crate) fn in_version(self, version: u64) -> Self {
        match self {
            Self::FileGone { file, .. } => Self::FileGone { version, file },
            other => other,
        }
    }
}

fn no_version(wanted: u64, first: Option<u64>, last: u64) -> String {
    let mut text = format!("the table has no version {wanted}");
    // Writing into a string does not fail.
    let _ = match first {
        _ if wanted > last => write!(text, ": its last is {last}"),
        Some(first) => {
            write!(
                text,
                " any more: its log was cleaned up, and goes back to version {first}. Refer to a later version"
            )
        }
        None => write!(text, ": its log does not go back so far"),
    };
    text
}

/// The kernel hands on what our own engine has told it, wrapped; the rest is told in its words.
impl From<KernelError> for DeltaError {
    fn from(error: KernelError) -> Self {
        match error {
            KernelError::Backtraced { source, .. } => Self::from(*source),
            KernelError::GenericError { source } => match source.downcast::<Self>() {
                Ok(own) => *own,
                Err(other) => Self::damaged("its log", other),
            },
            KernelError::Unsupported(reason) => Self::Unsupported(reason),
            KernelError::FileNotFound(file) => Self::FileGone { version: 0, file },
            KernelError::LogHistory(error) => match *error {
                LogHistoryError::TimestampOutOfRange { timestamp, nearest_timestamp, .. } => {
                    let mut text = format!("the table has no version of {}", iso(timestamp));
                    if let NearestTimestamp::Earliest(first) = nearest_timestamp {
                        let _ = write!(text, ": the first that can be read is of {}", iso(first));
                    }
                    Self::NoVersionAt(text)
                }
                LogHistoryError::Internal { source: Some(source), .. } => Self::from(*source),
                other => Self::damaged("its log", other),
            },
            KernelError::DeletionVector(reason) => Self::damaged("a deletion vector", reason),
            other => Self::damaged("its log", other),
        }
    }
}

/// An error of our engine, on its way through the kernel.
impl From<DeltaError> for KernelError {
    fn from(error: DeltaError) -> Self {
        match error {
            // The kernel looks for files that need not be there, and knows by this that one is not.
            DeltaError::FileGone { file, .. } => Self::FileNotFound(file),
            other => Self::generic_err(other),
        }
    }
}
