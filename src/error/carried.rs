//! What comes out of the errors of the crates below: an error that another one carried is that error again.

use arrow::error::ArrowError;
use datafolio_columns::ColumnsError;
use datafolio_handlers::HandlerError;

use super::Error;

impl From<ColumnsError> for Error {
    /// The error of a source that is one of this library, or of a handler, is that error.
    fn from(error: ColumnsError) -> Self {
        match error {
            ColumnsError::Source(source) => source
                .downcast::<Self>()
                .map(|error| *error)
                .or_else(|source| source.downcast::<HandlerError>().map(|error| Self::Handler(*error)))
                .unwrap_or_else(|source| Self::Columns(ColumnsError::Source(source))),
            other => Self::Columns(other),
        }
    }
}

/// An error of a query whose rows a handler was writing comes out again as what it was.
impl From<HandlerError> for Error {
    fn from(error: HandlerError) -> Self {
        #[cfg(feature = "sql")]
        if let HandlerError::Arrow(ArrowError::ExternalError(carried)) = error {
            return match carried.downcast::<datafolio_sql::SqlError>() {
                Ok(error) => (*error).into(),
                Err(carried) => Self::Handler(HandlerError::Arrow(ArrowError::ExternalError(carried))),
            };
        }
        Self::Handler(error)
    }
}

/// The error of a table that could not be streamed into a query comes out again as what it was.
#[cfg(feature = "sql")]
impl From<datafolio_sql::SqlError> for Error {
    fn from(error: datafolio_sql::SqlError) -> Self {
        match &error {
            datafolio_sql::SqlError::Table(failure) => match failure.take() {
                Some(source) => ArrowError::ExternalError(source).into(),
                None => Self::Sql(error),
            },
            _ => Self::Sql(error),
        }
    }
}

/// The error that a stream of rows carries: of the query, or of the table.
impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Self {
        let ArrowError::ExternalError(carried) = error else { return HandlerError::from(error).into() };
        let carried = match carried.downcast::<Self>() {
            Ok(error) => return *error,
            Err(carried) => carried,
        };
        // A stream that reads another one.
        match carried.downcast::<ArrowError>() {
            Ok(error) => (*error).into(),
            Err(carried) => HandlerError::from(ArrowError::ExternalError(carried)).into(),
        }
    }
}

/// What Polars gave up with, or the error of this library that it carries.
#[cfg(feature = "polars")]
impl From<datafolio_frames::FramesError> for Error {
    fn from(error: datafolio_frames::FramesError) -> Self {
        use datafolio_frames::FramesError;
        let source = match error.into_source() {
            Ok(source) => source,
            Err(FramesError::Arrow(error)) => return error.into(),
            Err(error) => return Self::Frames(error),
        };
        let source = match source.downcast::<Self>() {
            Ok(error) => return *error,
            Err(source) => source,
        };
        let source = match source.downcast::<FramesError>() {
            Ok(error) => return (*error).into(),
            Err(source) => source,
        };
        match source.downcast::<ArrowError>() {
            Ok(error) => (*error).into(),
            Err(source) => ArrowError::ExternalError(source).into(),
        }
    }
}

/// What collecting a lazy frame failed with.
#[cfg(feature = "polars")]
impl From<datafolio_frames::polars::error::PolarsError> for Error {
    fn from(error: datafolio_frames::polars::error::PolarsError) -> Self {
        datafolio_frames::FramesError::from(error).into()
    }
}
