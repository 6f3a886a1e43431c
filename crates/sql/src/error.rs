//! What can go wrong with a query.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use datafolio_core::{ErrorCategory, Place, no_column};
use duckdb::Connection;

use crate::refusal::Refusal;
use crate::told::Told;
use crate::words::Quoted;

/// The result of what this crate does.
pub type SqlResult<T> = Result<T, SqlError>;

/// Where something is wrong: a place in the text of the query, or in that of a view that it reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spot {
    /// The view; `None` for the query itself.
    pub view: Option<String>,
    /// Where, when that is known.
    pub place: Option<Place>,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.view, self.place) {
            (Some(view), Some(place)) => write!(f, " at {place} of view '{view}'"),
            (Some(view), None) => write!(f, " in view '{view}'"),
            (None, place) => f.write_str(&at(place)),
        }
    }
}

/// Why a query gives no result, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// The text is no SQL.
    #[error("the SQL does not parse{}: {message}", at(*.place))]
    Syntax {
        /// Where, when that is known.
        place: Option<Place>,
        /// What DuckDB says.
        message: String,
    },
    /// The text does something else than read the tables that it is given.
    #[error("the SQL is refused{}: {reason}", at(*.place))]
    Refused {
        /// Where, when that is known.
        place: Option<Place>,
        /// What it was to do.
        refusal: Refusal,
        /// What it does that is not allowed.
        reason: String,
    },
    /// A column that none of the tables has.
    #[error(
        "the SQL does not fit its tables{spot}: {}",
        no_column(column, suggestion.as_deref(), "its tables have", known)
    )]
    UnknownColumn {
        /// Where.
        spot: Spot,
        /// The name.
        column: String,
        /// The one that was perhaps meant.
        suggestion: Option<String>,
        /// The columns of all tables that the text reads.
        known: Vec<String>,
    },
    /// A table that is not there, in SQL that was run without a look at what it reads.
    #[error("there is no table '{name}'{}", at(*.place))]
    UnknownTable {
        /// Where, when that is known.
        place: Option<Place>,
        /// The name.
        name: String,
    },
    /// A function that is not there.
    #[error("there is no function '{name}'{}{}", at(*.place), meant(.suggestion.as_deref()))]
    UnknownFunction {
        /// Where, when that is known.
        place: Option<Place>,
        /// The name.
        name: String,
        /// The one that was perhaps meant.
        suggestion: Option<String>,
    },
    /// A name that is not there, or types that do not fit.
    #[error("the SQL does not fit its tables{spot}: {message}")]
    Unfit {
        /// Where.
        spot: Spot,
        /// What DuckDB says, with the names that were perhaps meant.
        message: String,
    },
    /// Parameters that do not fit the text.
    #[error("the parameters do not fit the SQL: {message}")]
    Parameters {
        /// What does not.
        message: String,
    },
    /// More memory was needed than the query may take, or more room in the spill directory.
    #[error("the query ran out of memory: {message}")]
    OutOfMemory {
        /// What DuckDB says.
        message: String,
    },
    /// Someone stopped the query.
    #[error("the query was cancelled")]
    Cancelled,
    /// The query took too long.
    #[error("the query was stopped after {}: it may take no longer", Seconds(*.after))]
    TimedOut {
        /// How long it was allowed to take.
        after: Duration,
    },
    /// A function that needs the rules of time zones, which this build of DuckDB does not have.
    #[error("the query needs time zones, which are not in this build: {message}")]
    NoTimeZones {
        /// What DuckDB says.
        message: String,
    },
    /// A file that the query reads was changed by someone while it ran: its rows may be some of the old file and some of the
    /// new one.
    #[error("{} was changed while the query read it", path.display())]
    FileChanged {
        /// The file.
        path: PathBuf,
    },
    /// A value stood in the way while the query ran.
    #[error("the query failed: {message}")]
    Failed {
        /// What DuckDB says.
        message: String,
    },
    /// A table that is streamed into the query could not be read.
    #[error("{0}")]
    Table(TableFailure),
}

/// The error of a table that is streamed into a query, as whoever gave the table knows it.
#[derive(Debug, Clone)]
pub struct TableFailure {
    text: String,
    error: Arc<Mutex<Option<Box<dyn Error + Send + Sync>>>>,
}

impl TableFailure {
    pub(crate) fn new(error: Box<dyn Error + Send + Sync>) -> Self {
        Self { text: error.to_string(), error: Arc::new(Mutex::new(Some(error))) }
    }

    /// The error itself, for the first who asks.
    pub fn take(&self) -> Option<Box<dyn Error + Send + Sync>> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Display for TableFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for TableFailure {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.error, &other.error)
    }
}

impl Eq for TableFailure {}

fn at(place: Option<Place>) -> String {
    place.map_or_else(String::new, |place| format!(" at {place}"))
}

fn meant(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!("; did you mean '{name}'?"))
}

struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0.as_secs_f64())
    }
}

impl SqlError {
    /// What a caller can do about it.
    pub fn category(&self) -> ErrorCategory {
        match self {
            Self::Syntax { .. }
            | Self::Refused { .. }
            | Self::Unfit { .. }
            | Self::Parameters { .. }
            | Self::Failed { .. }
            | Self::Table(_) => ErrorCategory::InvalidInput,
            Self::UnknownColumn { .. } | Self::UnknownTable { .. } | Self::UnknownFunction { .. } => {
                ErrorCategory::NotFound
            }
            Self::OutOfMemory { .. } | Self::Cancelled | Self::TimedOut { .. } | Self::FileChanged { .. } => {
                ErrorCategory::WrongState
            }
            Self::NoTimeZones { .. } => ErrorCategory::Unsupported,
        }
    }

    /// A stable kebab-case code, one for each kind.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "sql-syntax",
            Self::Refused { .. } => "sql-refused",
            Self::UnknownColumn { .. } => "column-not-found",
            Self::UnknownTable { .. } => "table-not-found",
            Self::UnknownFunction { .. } => "unknown-function",
            Self::Unfit { .. } => "sql-unfit",
            Self::Parameters { .. } => "sql-parameters",
            Self::OutOfMemory { .. } => "sql-out-of-memory",
            Self::Cancelled => "sql-cancelled",
            Self::TimedOut { .. } => "sql-timed-out",
            Self::NoTimeZones { .. } => "sql-no-time-zones",
            Self::FileChanged { .. } => "sql-file-changed",
            Self::Failed { .. } | Self::Table(_) => "sql-failed",
        }
    }

    /// The error that DuckDB tells of what it was to do, which is no text of a caller.
    pub(crate) fn of_duckdb(error: &duckdb::Error) -> Self {
        Told::of(error).map_or_else(|error| error, |told| told.into_error(Spot::default(), None))
    }

    /// The error that DuckDB tells of a text, which `connection` was to run.
    pub(crate) fn of_text(error: &duckdb::Error, text: &Quoted, connection: &Connection) -> Self {
        Self::of_statement(error, (connection, &text.text), |byte| Spot { view: None, place: text.place(byte) })
    }

    /// The error that DuckDB tells of a statement that it was to run; `spot` tells what a byte of it is to the caller.
    pub(crate) fn of_statement(
        error: &duckdb::Error,
        run: (&Connection, &str),
        spot: impl FnOnce(usize) -> Spot,
    ) -> Self {
        match Told::of(error) {
            Ok(told) => {
                // Beyond every text, where nothing is known of it.
                let spot = spot(told.byte.unwrap_or(usize::MAX));
                told.into_error(spot, Some(run))
            }
            Err(error) => error,
        }
    }

    /// The same of a view that goes by another name where it is read.
    pub fn with_view_named(mut self, read_as: &str, name: &str) -> Self {
        if let Self::Unfit { spot, .. } | Self::UnknownColumn { spot, .. } = &mut self
            && spot.view.as_deref() == Some(read_as)
        {
            spot.view = Some(name.to_owned());
        }
        self
    }

    /// The same of a text that its reader has not written in this form, so that a place in it says nothing.
    pub fn without_place(mut self) -> Self {
        match &mut self {
            Self::Unfit { spot, .. } | Self::UnknownColumn { spot, .. } if spot.view.is_none() => spot.place = None,
            Self::Syntax { place, .. }
            | Self::Refused { place, .. }
            | Self::UnknownTable { place, .. }
            | Self::UnknownFunction { place, .. } => *place = None,
            _ => {}
        }
        self
    }
}
