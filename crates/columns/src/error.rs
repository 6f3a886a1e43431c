//! What can go wrong with columns, expressions and passes.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::error::ArrowError;
use datafolio_core::ErrorCategory;

/// The result of what this crate does.
pub type ColumnsResult<T> = Result<T, ColumnsError>;

/// A stretch of the text of an expression, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub start: usize,
    /// Where it ends, exclusive.
    pub end: usize,
}

/// Where in an expression something is wrong: its text, and the stretch that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The whole expression.
    pub text: Arc<str>,
    /// The stretch, where the expression was given as text.
    pub span: Option<Span>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "in '{}'", self.text)?;
        // Positions are counted as an editor does: characters, from 1.
        if let Some(before) = self.span.and_then(|span| self.text.get(..span.start)) {
            write!(f, ", at character {}", before.chars().count() + 1)?;
        }
        Ok(())
    }
}

/// Why a question to columns has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ColumnsError {
    /// The text is no expression.
    #[error("{reason} ({place})")]
    Syntax {
        /// Where.
        place: Place,
        /// What is wrong, and what to write instead.
        reason: String,
    },
    /// There is no column, virtual column or variable of that name.
    #[error("there is no column '{name}'{}{}", suggested(similar), at(place))]
    UnknownColumn {
        /// The name.
        name: String,
        /// Where.
        place: Option<Place>,
        /// Names that are nearly the same, or some of those that there are.
        similar: Vec<String>,
    },
    /// There is no function of that name.
    #[error("there is no function '{name}'{}{}", suggested(similar), at(place))]
    UnknownFunction {
        /// The name.
        name: String,
        /// Where.
        place: Option<Place>,
        /// Names that are nearly the same.
        similar: Vec<String>,
    },
    /// An operation does not have values of these types, or not so many arguments.
    #[error("{reason} ({place})")]
    Types {
        /// Where.
        place: Place,
        /// The operation, the types, and what to do.
        reason: String,
    },
    /// A value has no result: it overflows, is divided by zero, or cannot be cast.
    #[error("{reason} in row {row} ({place})")]
    Value {
        /// Where.
        place: Place,
        /// The row of the table, counted from 0.
        row: u64,
        /// The operation, the values, and what to do.
        reason: String,
    },
    /// Virtual columns that are made of each other.
    #[error("virtual column '{}' is made of itself: {}", chain.first().map_or("", String::as_str), chain.join(" <- "))]
    Recursive {
        /// The columns, each made of the next.
        chain: Vec<String>,
    },
    /// A function of the user's failed.
    #[error("function '{name}' {reason} ({place})")]
    UserFunction {
        /// Its name.
        name: String,
        /// What it did.
        reason: String,
        /// Where it is called.
        place: Place,
    },
    /// A call with an option that makes no sense.
    #[error("{reason}")]
    InvalidOption {
        /// Which, why, and what would do.
        reason: String,
    },
    /// A file is not what its name says, or is damaged.
    #[error("'{}' {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file holds something that this release does not read.
    #[error("'{}' {reason}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it is, and what to do.
        reason: String,
    },
    /// The file system failed.
    #[error("cannot {action} '{}': {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The caller stopped the pass.
    #[error("stopped before the end")]
    Cancelled,
    /// Arrow gave up.
    #[error(transparent)]
    Arrow(#[from] ArrowError),
    /// What the rows come from failed.
    #[error(transparent)]
    Source(Box<dyn std::error::Error + Send + Sync>),
}

impl ColumnsError {
    /// What a caller can do about it.
    pub fn category(&self) -> ErrorCategory {
        match self {
            Self::Syntax { .. }
            | Self::UnknownFunction { .. }
            | Self::Types { .. }
            | Self::Value { .. }
            | Self::Recursive { .. }
            | Self::UserFunction { .. }
            | Self::InvalidOption { .. }
            | Self::Arrow(_) => ErrorCategory::InvalidInput,
            Self::UnknownColumn { .. } => ErrorCategory::NotFound,
            Self::Damaged { .. } => ErrorCategory::Corrupt,
            Self::Unsupported { .. } => ErrorCategory::Unsupported,
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => ErrorCategory::NotFound,
            Self::Io { .. } | Self::Source(_) => ErrorCategory::Storage,
            Self::Cancelled => ErrorCategory::WrongState,
        }
    }

    /// A stable kebab-case code, one for each kind.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "expression-syntax",
            Self::UnknownColumn { .. } => "unknown-column",
            Self::UnknownFunction { .. } => "unknown-function",
            Self::Types { .. } => "expression-types",
            Self::Value { .. } => "expression-value",
            Self::Recursive { .. } => "recursive-column",
            Self::UserFunction { .. } => "user-function",
            Self::InvalidOption { .. } => "invalid-option",
            Self::Damaged { .. } => "damaged-columns",
            Self::Unsupported { .. } => "unsupported-columns",
            Self::Io { .. } => "columns-io",
            Self::Cancelled => "cancelled",
            Self::Arrow(_) => "arrow",
            Self::Source(_) => "columns-source",
        }
    }

    pub(crate) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into() }
    }

    pub(crate) fn unsupported(path: &Path, reason: impl Into<String>) -> Self {
        Self::Unsupported { path: path.to_owned(), reason: reason.into() }
    }

    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    pub(crate) fn option(reason: impl Into<String>) -> Self {
        Self::InvalidOption { reason: reason.into() }
    }
}

fn at(place: &Option<Place>) -> String {
    place.as_ref().map_or_else(String::new, |place| format!(" ({place})"))
}

fn suggested(similar: &[String]) -> String {
    match similar {
        [] => String::new(),
        [one] => format!(", did you mean '{one}'?"),
        more => format!("; there are {}", more.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")),
    }
}
