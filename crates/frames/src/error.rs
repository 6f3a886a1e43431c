//! What can go wrong between Polars and Arrow.

use std::error::Error;
use std::io;
use std::sync::Arc;

use arrow::error::ArrowError;
use datafolio_core::ErrorCategory;
use polars::error::PolarsError;

/// The result of what this crate does.
pub type FramesResult<T> = Result<T, FramesError>;

/// Why a frame cannot be made of a table, or a table of a frame.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FramesError {
    /// A column has a type, or a name, that the other side does not have.
    #[error("column '{column}' {reason}")]
    Column {
        /// The column.
        column: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// Polars gave up.
    #[error("Polars: {0}")]
    Polars(PolarsError),
    /// The rows could not be read, or not be converted.
    #[error(transparent)]
    Arrow(#[from] ArrowError),
}

impl FramesError {
    /// What a caller can do about it.
    pub fn category(&self) -> ErrorCategory {
        match self {
            Self::Column { .. } | Self::Polars(_) | Self::Arrow(_) => ErrorCategory::InvalidInput,
        }
    }

    /// A stable kebab-case code, one for each kind.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Column { .. } => "frame-column",
            Self::Polars(_) => "polars",
            Self::Arrow(_) => "arrow",
        }
    }

    pub(crate) fn column(column: &str, reason: impl Into<String>) -> Self {
        Self::Column { column: column.to_owned(), reason: reason.into() }
    }

    /// The error of the source of a lazy frame, if it is one: Polars carries it as it is.
    ///
    /// # Errors
    /// Gives the error back when it is another.
    pub fn into_source(self) -> Result<Box<dyn Error + Send + Sync>, Self> {
        match self {
            Self::Polars(error) => carried(error).map_err(Self::Polars),
            Self::Arrow(ArrowError::ExternalError(source)) => Ok(source),
            other => Err(other),
        }
    }
}

impl From<PolarsError> for FramesError {
    fn from(error: PolarsError) -> Self {
        Self::Polars(error)
    }
}

/// An error of a source as one that Polars hands on.
pub(crate) fn carry(error: impl Into<Box<dyn Error + Send + Sync>>) -> PolarsError {
    PolarsError::IO { error: Arc::new(io::Error::other(error)), msg: None }
}

/// The error that Polars was given to hand on.
fn carried(error: PolarsError) -> Result<Box<dyn Error + Send + Sync>, PolarsError> {
    match error {
        PolarsError::IO { error, msg } => match Arc::try_unwrap(error) {
            Ok(error) if error.get_ref().is_some() => {
                error.into_inner().ok_or_else(|| PolarsError::ComputeError("an error without a cause".into()))
            }
            Ok(error) => Err(PolarsError::IO { error: Arc::new(error), msg }),
            Err(error) => Err(PolarsError::IO { error, msg }),
        },
        PolarsError::Context { error, .. } | PolarsError::ExprContext { error, .. } => carried(*error),
        other => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_source_comes_out_as_it_was() {
        let source: Box<dyn Error + Send + Sync> = Box::new(ArrowError::DivideByZero);
        let wrapped = PolarsError::Context { error: Box::new(carry(source)), msg: "while reading".into() };
        let source = FramesError::from(wrapped).into_source().unwrap();
        assert!(matches!(*source.downcast::<ArrowError>().unwrap(), ArrowError::DivideByZero));
        let own = FramesError::from(PolarsError::ColumnNotFound("x".into())).into_source().unwrap_err();
        assert_eq!(own.code(), "polars");
    }
}
