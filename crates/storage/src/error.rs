//! What can go wrong with the place that holds a bundle.

use std::io;

use datafolio_core::{CoreError, ErrorCategory};

/// Errors of storage.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The file is not there.
    #[error("{path} is not there ({location})")]
    NotFound {
        /// Path inside the bundle.
        path: String,
        /// The bundle.
        location: String,
    },
    /// The name is taken.
    #[error("{path} exists already ({location})")]
    AlreadyExists {
        /// Path inside the bundle.
        path: String,
        /// The bundle.
        location: String,
    },
    /// A link, device, pipe or directory stands where a file should be.
    #[error(
        "{path} is refused: it is {found}, and only regular files inside the bundle are read or written ({location})"
    )]
    NotRegular {
        /// Path inside the bundle.
        path: String,
        /// The bundle.
        location: String,
        /// What stands there.
        found: &'static str,
    },
    /// The file is larger than what may be read into memory.
    #[error("{path} has {size} bytes, more than the {limit} that are read at once ({location})")]
    TooLarge {
        /// Path inside the bundle.
        path: String,
        /// The bundle.
        location: String,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The lock is held by another writer.
    #[error(
        "another writer held the lock of {location} for longer than {seconds} s; try again, or look for a process that hangs"
    )]
    Locked {
        /// The bundle.
        location: String,
        /// How long was waited.
        seconds: f64,
    },
    /// The bytes are not those that were recorded.
    #[error("{path} is damaged: {reason} ({location})")]
    Damaged {
        /// Path inside the bundle.
        path: String,
        /// The bundle.
        location: String,
        /// What differs.
        reason: String,
    },
    /// The new state of a file is in place and readers see it, but the last step that makes it survive a crash of the
    /// machine failed. It was *not* undone: another process may have read it already. A writer that sees this must not
    /// take its change for lost and make it again; it looks for its own commit in the file.
    #[error("{path} was replaced, but may not survive a crash of the machine ({location}): {source}")]
    NotDurable {
        /// Path inside the bundle.
        path: String,
        /// The bundle.
        location: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// An option of a store that is not acceptable, or lacking.
    #[error("{location}: {reason}")]
    BadOption {
        /// The bundle.
        location: String,
        /// What is wrong.
        reason: String,
    },
    /// The store does not let these credentials do that.
    #[error("cannot {action} {path} ({location}): access is denied: {source}")]
    AccessDenied {
        /// What was being done: read, write, ...
        action: &'static str,
        /// Path inside the bundle.
        path: String,
        /// The bundle.
        location: String,
        /// What the store says, and which credentials were used.
        #[source]
        source: io::Error,
    },
    /// The store answers that it has no such bucket or container.
    #[error("the store has no bucket or container of this name ({location})")]
    NoSuchBucket {
        /// The bundle.
        location: String,
    },
    /// The store cannot be reached, or does not answer, or only with errors of its own.
    #[error("cannot {action} {path}: no good answer from the store ({location}): {source}")]
    Unreachable {
        /// What was being done: read, write, ...
        action: &'static str,
        /// Path inside the bundle.
        path: String,
        /// The bundle.
        location: String,
        /// What happened, after how many tries.
        #[source]
        source: io::Error,
    },
    /// The store writes whatever the condition of a request says. Of two writers one would lose its commit.
    #[error(
        "{location} cannot be written to: the store ignores conditions of requests (it {ignored}), so that of two writers one \
         would lose its commit without a word"
    )]
    ConditionsIgnored {
        /// The bundle.
        location: String,
        /// What the probe found.
        ignored: &'static str,
    },
    /// Places of this kind can only be read.
    #[error("cannot {action} {path}: {location} can only be read")]
    ReadOnlyPlace {
        /// What was to be done.
        action: &'static str,
        /// Path inside the bundle.
        path: String,
        /// The bundle.
        location: String,
    },
    /// The file system or store failed.
    #[error("cannot {action} {path} ({location}): {source}")]
    Io {
        /// What was being done: read, write, ...
        action: &'static str,
        /// Path inside the bundle.
        path: String,
        /// The bundle.
        location: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A path that is not allowed, and other errors of the model.
    #[error(transparent)]
    Core(#[from] CoreError),
}

impl StorageError {
    /// What a caller can do about it.
    pub fn category(&self) -> ErrorCategory {
        match self {
            Self::NotFound { .. } | Self::NoSuchBucket { .. } => ErrorCategory::NotFound,
            Self::ReadOnlyPlace { .. } => ErrorCategory::ReadOnly,
            Self::ConditionsIgnored { .. } => ErrorCategory::Unsupported,
            Self::AccessDenied { .. } | Self::Unreachable { .. } => ErrorCategory::Storage,
            Self::AlreadyExists { .. } => ErrorCategory::Exists,
            Self::NotRegular { .. } | Self::Damaged { .. } => ErrorCategory::Corrupt,
            Self::TooLarge { .. } | Self::BadOption { .. } => ErrorCategory::InvalidInput,
            Self::Locked { .. } => ErrorCategory::Conflict,
            Self::Io { .. } | Self::NotDurable { .. } => ErrorCategory::Storage,
            Self::Core(error) => error.category(),
        }
    }

    /// A stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "file-not-found",
            Self::BadOption { .. } => "invalid-store-option",
            Self::AccessDenied { .. } => "access-denied",
            Self::NoSuchBucket { .. } => "no-such-bucket",
            Self::Unreachable { .. } => "store-unreachable",
            Self::ConditionsIgnored { .. } => "conditions-ignored",
            Self::ReadOnlyPlace { .. } => "read-only-place",
            Self::AlreadyExists { .. } => "file-exists",
            Self::NotRegular { .. } => "not-a-regular-file",
            Self::TooLarge { .. } => "too-large",
            Self::Locked { .. } => "locked",
            Self::Damaged { .. } => "damaged-payload",
            Self::NotDurable { .. } => "not-durable",
            Self::Io { .. } => "io",
            Self::Core(error) => error.code(),
        }
    }

    /// Takes an error of reading or writing through [`std::io`] apart: a storage error that was carried in it comes out
    /// again, anything else becomes [`StorageError::Io`].
    pub fn from_io(action: &'static str, path: &str, location: &str, error: io::Error) -> Self {
        match error.downcast::<StorageError>() {
            Ok(carried) => carried,
            Err(source) => Self::Io { action, path: path.to_owned(), location: location.to_owned(), source },
        }
    }
}

/// Carries a storage error through [`std::io::Read`] and [`std::io::Write`]; [`StorageError::from_io`] takes it out again.
impl From<StorageError> for io::Error {
    fn from(error: StorageError) -> Self {
        let kind = match &error {
            StorageError::NotFound { .. } | StorageError::NoSuchBucket { .. } => io::ErrorKind::NotFound,
            StorageError::AccessDenied { .. } => io::ErrorKind::PermissionDenied,
            StorageError::Unreachable { .. } => io::ErrorKind::NotConnected,
            StorageError::ReadOnlyPlace { .. } => io::ErrorKind::ReadOnlyFilesystem,
            StorageError::ConditionsIgnored { .. } => io::ErrorKind::Unsupported,
            StorageError::AlreadyExists { .. } => io::ErrorKind::AlreadyExists,
            StorageError::TooLarge { .. } | StorageError::NotRegular { .. } | StorageError::BadOption { .. } => {
                io::ErrorKind::InvalidInput
            }
            StorageError::Damaged { .. } => io::ErrorKind::InvalidData,
            StorageError::Io { source, .. } | StorageError::NotDurable { source, .. } => source.kind(),
            StorageError::Locked { .. } | StorageError::Core(_) => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

/// Result of this crate.
pub type StorageResult<T> = Result<T, StorageError>;
