//! What can go wrong with the values of items.

use std::path::PathBuf;

use arrow::error::ArrowError;
use datafolio_core::{CoreError, ErrorCategory, did_you_mean, no_column, quoted};
use datafolio_storage::StorageError;
use parquet::errors::ParquetError;

/// In what way a column does not fit a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misfit {
    /// The table has it, and the new rows do not.
    Missing,
    /// The new rows have it, and the table does not.
    New,
    /// The table and the new rows have it under names that differ in case alone.
    Case,
    /// It is of another type, or of none.
    OtherType,
    /// It must have a value in every row.
    Null,
    /// Its ordered categories contradict those of the table.
    Order,
    /// What it is set to is no value of its type, or none where it must have one.
    NewValue,
}

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
    /// A table has no such column.
    #[error("{table}: {}", no_column(column, meant(column, known), "it has", known))]
    UnknownColumn {
        /// The item or the file.
        table: String,
        /// The name that was asked for.
        column: String,
        /// The names of its columns.
        known: Vec<String>,
    },
    /// Rows that are added to a table do not fit its columns.
    #[error("table '{item}', column {}: {reason}", quoted(column))]
    SchemaMismatch {
        /// The table.
        item: String,
        /// The column that does not fit.
        column: String,
        /// In what way.
        misfit: Misfit,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A file outside the bundle can only be read when the caller says more about it.
    #[error("{path}: {reason}")]
    NeedsOption {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what would have to be given.
        reason: String,
        /// The import option that is missing: `format` or `delimiter`.
        option: &'static str,
        /// The value that the file suggests.
        value: Option<String>,
    },
    /// An import option was given that files of this format have no use for.
    #[error("{path}: {option} cannot be given for a {format} file")]
    OptionNotTaken {
        /// The file.
        path: PathBuf,
        /// The field of the import options.
        option: &'static str,
        /// Format of the file.
        format: &'static str,
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
    /// A reference names a version of a table that is not there, or no longer all of it.
    #[error("item '{item}' refers to the table {path}: {reason}")]
    MissingTableVersion {
        /// The item.
        item: String,
        /// Where the table is.
        path: PathBuf,
        /// Which version is not there, and which are.
        reason: String,
    },
    /// What a reference names is there and cannot be read as what it should be.
    #[error("item '{item}' refers to a table that cannot be read: {source}")]
    Reference {
        /// The item.
        item: String,
        /// The cause, which names the file.
        #[source]
        source: Box<HandlerError>,
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
    /// The payload is what was recorded, and its value is one that cannot be held here: its file can be had.
    #[error("item '{item}': {reason}, and cannot be read as a value; its file is whole")]
    FileAlone {
        /// The item.
        item: String,
        /// What the value has.
        reason: String,
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
    /// A handler started a second payload for one version, and an entry names one.
    #[error(
        "item '{item}': the handler of type {item_type:?} starts a second payload, and a version has one: put both into one file"
    )]
    SecondPayload {
        /// The item.
        item: String,
        /// Its type.
        item_type: String,
    },
    /// An error of a handler that is not part of this crate.
    #[error("item '{item}': {source}")]
    Other {
        /// The item.
        item: String,
        /// What a caller can do about it.
        category: ErrorCategory,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
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
            | Self::SchemaMismatch { .. }
            | Self::NeedsOption { .. }
            | Self::OptionNotTaken { .. }
            | Self::Arrow(_)
            | Self::Parquet(_) => ErrorCategory::InvalidInput,
            Self::UnknownType { .. } | Self::Unsupported { .. } | Self::FileAlone { .. } => ErrorCategory::Unsupported,
            Self::TypeTaken { .. } => ErrorCategory::Exists,
            Self::FileNotFound { .. }
            | Self::MissingReference { .. }
            | Self::MissingTableVersion { .. }
            | Self::UnknownColumn { .. } => ErrorCategory::NotFound,
            Self::Damaged { .. } => ErrorCategory::Corrupt,
            Self::Payload { source, .. } => match source.category() {
                // A payload that its catalogue names and that is gone is damage, not a wrong question.
                ErrorCategory::NotFound => ErrorCategory::Corrupt,
                category => category,
            },
            // Not an argument of whoever reads the item, but bytes that are not what they should be.
            Self::Reference { source, .. } => match source.category() {
                ErrorCategory::InvalidInput => ErrorCategory::Corrupt,
                category => category,
            },
            Self::SecondPayload { .. } => ErrorCategory::Internal,
            Self::Other { category, .. } => *category,
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
            Self::UnknownColumn { .. } => "column-not-found",
            Self::SchemaMismatch { .. } => "schema-mismatch",
            Self::NeedsOption { .. } => "needs-option",
            Self::OptionNotTaken { .. } => "option-not-taken",
            Self::FileNotFound { .. } => "file-not-found",
            Self::MissingReference { .. } => "missing-reference",
            Self::MissingTableVersion { .. } => "missing-table-version",
            Self::Reference { .. } => "unreadable-reference",
            Self::Damaged { .. } => "damaged-item",
            Self::Payload { source, .. } => match source {
                StorageError::NotFound { .. } => "missing-payload",
                source => source.code(),
            },
            Self::Unsupported { .. } | Self::FileAlone { .. } => "unsupported",
            Self::Ambiguous { .. } => "ambiguous-data",
            Self::TypeTaken { .. } => "item-type-taken",
            Self::SecondPayload { .. } => "second-payload",
            Self::Other { .. } => "handler-failed",
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

/// The column that was perhaps meant.
fn meant<'a>(column: &str, known: &'a [String]) -> Option<&'a str> {
    did_you_mean(column, known.iter().map(String::as_str))
}

/// Result of this crate.
pub type HandlerResult<T> = Result<T, HandlerError>;
