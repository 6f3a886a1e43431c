//! What can go wrong with columns, expressions and passes.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::error::ArrowError;
use datafolio_core::ErrorCategory;

use crate::expr::Expr;

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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The whole expression.
    pub text: Arc<str>,
    /// The stretch, where the expression was given as text.
    pub span: Option<Span>,
}

impl Place {
    /// Where an expression stands: in the text that it was read from, or by itself.
    pub(crate) fn of(expr: &Expr) -> Self {
        match &expr.text {
            Some(text) => Self { text: text.clone(), span: expr.span },
            None => Self { text: shortened(&expr.to_string()).into(), span: None },
        }
    }
}

/// What operators have made can be as long as a book.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
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
    /// A name that stands for nothing.
    #[error("there is no column or variable `{name}` ({place}){hint}")]
    UnknownColumn {
        /// Where.
        place: Place,
        /// The name.
        name: String,
        /// What may have been meant.
        hint: String,
    },
    /// A function that there is not.
    #[error("there is no function `{name}` ({place}){hint}")]
    UnknownFunction {
        /// Where.
        place: Place,
        /// The name.
        name: String,
        /// What may have been meant.
        hint: String,
    },
    /// Operands of types that an operator or a function does not take.
    #[error("{reason} ({place})")]
    TypeMismatch {
        /// Where.
        place: Place,
        /// What was expected, what was found, and what to do.
        reason: String,
    },
    /// A virtual column that is computed of itself.
    #[error("column `{name}` is computed of itself: {chain}")]
    RecursiveColumn {
        /// The column.
        name: String,
        /// The columns between.
        chain: String,
    },
    /// A row without a result: an overflow, or a division of whole numbers by zero.
    #[error("{reason}{} ({place})", row.map(|row| format!(", in row {row}")).unwrap_or_default())]
    NoResult {
        /// Where.
        place: Place,
        /// The row, counted from 0; none where no row had part in it.
        row: Option<u64>,
        /// What happened.
        reason: String,
    },
    /// A function of the caller's own failed.
    #[error("function `{name}` failed: {reason}")]
    UserFunction {
        /// The function.
        name: String,
        /// What it said, or did.
        reason: String,
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
            | Self::TypeMismatch { .. }
            | Self::RecursiveColumn { .. }
            | Self::NoResult { .. }
            | Self::UserFunction { .. }
            | Self::InvalidOption { .. }
            | Self::Arrow(_) => ErrorCategory::InvalidInput,
            Self::UnknownColumn { .. } | Self::UnknownFunction { .. } => ErrorCategory::NotFound,
            Self::Damaged { .. } => ErrorCategory::Corrupt,
            Self::Unsupported { .. } => ErrorCategory::Unsupported,
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
            Self::TypeMismatch { .. } => "type-mismatch",
            Self::RecursiveColumn { .. } => "recursive-column",
            Self::NoResult { .. } => "no-result",
            Self::UserFunction { .. } => "user-function-failed",
            Self::InvalidOption { .. } => "invalid-option",
            Self::Damaged { .. } => "damaged-columns",
            Self::Unsupported { .. } => "unsupported-columns",
            Self::Io { .. } => "columns-io",
            Self::Cancelled => "cancelled",
            Self::Arrow(_) => "arrow",
            Self::Source(_) => "columns-source",
        }
    }

    pub(crate) fn mismatch(expr: &Expr, reason: String) -> Self {
        Self::TypeMismatch { place: Place::of(expr), reason }
    }

    /// The error of a kernel, which does not know what it computed.
    pub(crate) fn at_node(self, place: &Place) -> Self {
        match self {
            Self::InvalidOption { reason } => Self::NoResult { place: place.clone(), row: None, reason },
            other => other,
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
