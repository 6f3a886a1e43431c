//! What can go wrong with the values of items.

use std::path::PathBuf;

use arrow::error::ArrowError;
use datafolio_core::{CoreError, ErrorCategory};
use datafolio_storage::StorageError;
use parquet::errors::ParquetError;

/// Errors of handlers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandlerError {
    /// The value is not of the handler's type.
    #[error("Expected {expected}, got {found}")]
    WrongKind {
        /// What the handler takes.
        expected: &'static str,
        /// What it was given.
        found: String,
    },
    /// No handler takes the value.
    #[error("Unsupported data type: no handler takes {found}")]
    Unrecognised {
        /// What it was given.
        found: String,
    },
    /// No handler is registered for the item type.
    #[error(
        "item '{item}' has type {item_type:?}, which this program has no handler for: it is kept, but cannot be read here"
    )]
    UnknownType {
        /// The item.
        item: String,
        /// Its type.
        item_type: String,
    },
    /// An option or value that is not acceptable.
    #[error("{item}: {reason}")]
    Invalid {
        /// The item.
        item: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A file outside the bundle cannot be read.
    #[error("{path}: {reason}")]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, with the line where it has lines.
        reason: String,
    },
    /// A file outside the bundle is not there.
    #[error("file not found: {path}")]
    FileNotFound {
        /// The file.
        path: PathBuf,
    },
    /// What a reference names is not there.
    #[error("item '{item}' refers to {path}, and nothing is there")]
    MissingReference {
        /// The item.
        item: String,
        /// Where its table should be.
        path: PathBuf,
    },
    /// The item's bytes or its entry are damaged.
    #[error("item '{item}' is damaged: {reason}")]
    Damaged {
        /// The item.
        item: String,
        /// What is wrong.
        reason: String,
    },
    /// The item's payload cannot be opened or is not what was recorded.
    #[error("item '{item}': {source}")]
    Payload {
        /// The item.
        item: String,
        /// The cause.
        #[source]
        source: StorageError,
    },
    /// This build cannot do it.
    #[error("{what} needs {needs}")]
    Unsupported {
        /// What was asked for.
        what: String,
        /// The feature or release that has it.
        needs: String,
    },
    /// Two handlers take the value.
    #[error("{found} is taken by two handlers, '{first}' and '{second}': one of them must not recognise it")]
    Ambiguous {
        /// What was given.
        found: String,
        /// Item type of one handler.
        first: String,
        /// Item type of the other.
        second: String,
    },
    /// A handler for the item type is registered already.
    #[error("a handler for item type '{item_type}' is registered already")]
    TypeTaken {
        /// The item type.
        item_type: String,
    },
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The model refused.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// Arrow failed on the caller's data.
    #[error("{0}")]
    Arrow(#[source] ArrowError),
    /// Parquet failed on the caller's data.
    #[error("{0}")]
    Parquet(#[source] ParquetError),
    /// Reading or writing failed.
    #[error("{0}")]
    Io(#[source] std::io::Error),
}

impl HandlerError {
    /// What a caller can do about it.
    pub fn category(&self) -> ErrorCategory {
        match self {
            Self::WrongKind { .. }
            | Self::Unrecognised { .. }
            | Self::Ambiguous { .. }
            | Self::Invalid { .. }
            | Self::BadFile { .. }
            | Self::Arrow(_)
            | Self::Parquet(_) => ErrorCategory::InvalidInput,
            Self::UnknownType { .. } | Self::Unsupported { .. } => ErrorCategory::Unsupported,
            Self::TypeTaken { .. } => ErrorCategory::Exists,
            Self::FileNotFound { .. } | Self::MissingReference { .. } => ErrorCategory::NotFound,
            Self::Damaged { .. } => ErrorCategory::Corrupt,
            Self::Payload { source, .. } => match source.category() {
                // A payload that its catalogue names and that is gone is damage, not a wrong question.
                ErrorCategory::NotFound => ErrorCategory::Corrupt,
                category => category,
            },
            Self::Storage(error) => error.category(),
            Self::Core(error) => error.category(),
            Self::Io(_) => ErrorCategory::Storage,
        }
    }

    /// A stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::WrongKind { .. } => "wrong-kind",
            Self::Unrecognised { .. } => "unrecognised-data",
            Self::UnknownType { .. } => "unknown-item-type",
            Self::Invalid { .. } => "invalid-value",
            Self::BadFile { .. } => "bad-file",
            Self::FileNotFound { .. } => "file-not-found",
            Self::MissingReference { .. } => "missing-reference",
            Self::Damaged { .. } => "damaged-item",
            Self::Payload { source, .. } => match source {
                StorageError::NotFound { .. } => "missing-payload",
                source => source.code(),
            },
            Self::Unsupported { .. } => "unsupported",
            Self::Ambiguous { .. } => "ambiguous-data",
            Self::TypeTaken { .. } => "item-type-taken",
            Self::Storage(error) => error.code(),
            Self::Core(error) => error.code(),
            Self::Arrow(_) => "arrow",
            Self::Parquet(_) => "parquet",
            Self::Io(_) => "io",
        }
    }
}

/// A storage error that was carried through [`std::io`] comes out again as what it was: a full disk is not the caller's
/// data.
impl From<std::io::Error> for HandlerError {
    fn from(error: std::io::Error) -> Self {
        match error.downcast::<StorageError>() {
            Ok(error) => Self::Storage(error),
            Err(error) => Self::Io(error),
        }
    }
}

/// An error of this crate that a table's reader carried, and an error of writing, come out again as what they were.
impl From<ArrowError> for HandlerError {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::ExternalError(carried) => match carried.downcast::<Self>() {
                Ok(error) => *error,
                Err(carried) => Self::Arrow(ArrowError::ExternalError(carried)),
            },
            ArrowError::IoError(_, error) => error.into(),
            error => Self::Arrow(error),
        }
    }
}

/// As for [`ArrowError`].
impl From<ParquetError> for HandlerError {
    fn from(error: ParquetError) -> Self {
        let ParquetError::External(carried) = error else { return Self::Parquet(error) };
        let carried = match carried.downcast::<std::io::Error>() {
            Ok(error) => return (*error).into(),
            Err(carried) => carried,
        };
        match carried.downcast::<ArrowError>() {
            Ok(error) => (*error).into(),
            Err(carried) => Self::Parquet(ParquetError::External(carried)),
        }
    }
}

/// Result of this crate.
pub type HandlerResult<T> = Result<T, HandlerError>;
