//! What can go wrong with a query.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use datafolio_core::ErrorCategory;

use crate::refusal::Refusal;
use crate::session::ROW;

/// The result of what this crate does.
pub type SqlResult<T> = Result<T, SqlError>;

/// A place in the text of a query, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character in it.
    pub column: usize,
}

impl Place {
    /// The place of a byte of a text.
    pub fn of(text: &str, byte: usize) -> Self {
        let before = text.get(..byte.min(text.len())).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
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
    /// A column or another name that is not there, or types that do not fit.
    #[error("the SQL does not fit its tables: {message}")]
    Unfit {
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

    /// The error that DuckDB tells in words: `Binder Error: ...`.
    pub(crate) fn of_duckdb(error: &duckdb::Error) -> Self {
        let text = match error {
            duckdb::Error::DuckDBFailure(_, Some(text)) => text.clone(),
            duckdb::Error::InvalidParameterName(_) | duckdb::Error::InvalidParameterCount(..) => {
                return Self::Parameters { message: error.to_string() };
            }
            other => other.to_string(),
        };
        Self::of_text(&text)
    }

    pub(crate) fn of_text(text: &str) -> Self {
        let text = text.trim();
        // The text of the query with a mark below it: positions are those of the text after it was rewritten. And every
        // function of that name, which fills a page.
        let told = text.split("\n\nLINE ").next().unwrap_or(text);
        let told = told.split("Candidate functions:").next().unwrap_or(told).trim_end_matches("\\t").trim();
        let (kind, message) = told.split_once(" Error: ").unwrap_or(("", told));
        // What follows advises to change settings, which a query cannot.
        let message = if kind == "Out of Memory" { message.lines().next().unwrap_or_default() } else { message };
        let message = without_row(&message.replace('\n', " "));
        if let Some(message) = time_zones(&message) {
            return Self::NoTimeZones { message };
        }
        match kind {
            "Binder" if message.starts_with("Cannot deduce template type") && message.contains("[]") => {
                let message = "a list without a value has no type: write CAST(? AS BIGINT[]), or VARCHAR[]".to_owned();
                Self::Parameters { message }
            }
            "Parser" if message.starts_with("PIVOT statements with pivot elements extracted from the data") => {
                let reason = "PIVOT in a view names its values: PIVOT ... ON column IN (...)".to_owned();
                Self::Refused { place: None, refusal: Refusal::PivotValues, reason }
            }
            "Parser" => Self::Syntax { place: None, message },
            "Binder" | "Catalog" => Self::Unfit { message },
            "Out of Memory" => Self::OutOfMemory { message },
            "INTERRUPT" => Self::Cancelled,
            "Permission" => Self::Refused { place: None, refusal: Refusal::Other, reason: message },
            _ => Self::Failed { message },
        }
    }
}

/// A message that offers columns, without the one that rows of a condition are numbered under.
fn without_row(message: &str) -> String {
    let alone = format!(" Candidate bindings: \"{ROW}\"");
    let (first, later) = (format!("\"{ROW}\", "), format!(", \"{ROW}\""));
    message.replace(&first, "").replace(&later, "").replace(&alone, "")
}

/// Why a query needs time zones, where that is what DuckDB says. Its own words advise to install an extension, which a query
/// cannot.
fn time_zones(message: &str) -> Option<String> {
    const ZONED: &str = "TIMESTAMP WITH TIME ZONE";
    let of_a_zone = ["No function matches", "Unimplemented type for cast"];
    if of_a_zone.iter().any(|start| message.starts_with(start)) && message.contains(ZONED) {
        return Some(message.to_owned());
    }
    if let Some(rest) = message.strip_prefix("Scalar Function with name \"")
        && rest.contains("exists in the icu extension")
    {
        return Some(format!("{} depends on one", rest.split('"').next().unwrap_or_default()));
    }
    let is_of_icu = message.contains("required extension 'icu") || message.ends_with("handle non-UTC timestamps.");
    is_of_icu.then(|| "a function or cast in it depends on one".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_row_is_no_column_that_is_offered() {
        for (offered, left) in [
            ("\nCandidate bindings: \"datafolio_row\"", ""),
            ("\nCandidate bindings: \"x\", \"datafolio_row\"", " Candidate bindings: \"x\""),
            ("\nCandidate bindings: \"datafolio_row\", \"x\"", " Candidate bindings: \"x\""),
        ] {
            let told = "Binder Error: Referenced column \"y\" not found in FROM clause!";
            let error = SqlError::of_text(&format!("{told}{offered}")).to_string();
            assert!(error.ends_with(&format!("FROM clause!{left}")), "{error}");
        }
    }

    /// As DuckDB 2.0 says it.
    #[test]
    fn what_needs_time_zones_is_told_from_what_does_not() {
        for (text, code) in [
            (
                "Catalog Error: Scalar Function with name \"current_date\" is not in the catalog, but it exists in the icu extension.",
                "sql-no-time-zones",
            ),
            (
                "Conversion Error: Unimplemented type for cast (TIMESTAMP WITH TIME ZONE -> DATE) when casting",
                "sql-no-time-zones",
            ),
            (
                "Binder Error: Referenced column \"curriculum\" not found in FROM clause!\nCandidate bindings: \"TimeZone\"",
                "sql-unfit",
            ),
            ("Conversion Error: Could not convert string 'time zone of the icu' to INT32", "sql-failed"),
            ("INTERRUPT Error: Interrupted!", "sql-cancelled"),
        ] {
            assert_eq!(SqlError::of_text(text).code(), code, "{text}");
        }
        let wall = "Binder Error: No function matches the given name and argument types '-(BIGINT, INTEGER[])'. You might need \
                    to add explicit type casts.\n\\tCandidate functions:\n\\t\"-\"(TIME WITH TIME ZONE) -> INTERVAL";
        let error = SqlError::of_text(wall);
        assert_eq!(error.code(), "sql-unfit");
        assert!(error.to_string().ends_with("explicit type casts."), "{error}");
    }
}
