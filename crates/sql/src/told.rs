//! What DuckDB says of an error: told as JSON where a database was opened for it, and as words else.

use datafolio_core::did_you_mean;
use duckdb::Connection;
use serde::Deserialize;

use crate::error::{Spot, SqlError};
use crate::refusal::Refusal;
use crate::row_numbers::ROW;

/// An error of DuckDB.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// `Binder`, `Parser` and the like.
    kind: String,
    message: String,
    /// Where in the text that was run.
    pub(crate) byte: Option<usize>,
    missing: Option<Missing>,
}

/// What is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Missing {
    /// A column, and those that DuckDB finds like it: also columns of subqueries.
    Column {
        name: String,
        like: Vec<String>,
    },
    Table(String),
}

/// The fields that are of use here.
#[derive(Deserialize)]
struct Fields {
    exception_type: String,
    exception_message: String,
    error_subtype: Option<String>,
    #[serde(rename = "type")]
    of: Option<String>,
    name: Option<String>,
    candidates: Option<String>,
    position: Option<String>,
}

impl Told {
    /// An error of the interface, or one that DuckDB tells.
    pub(crate) fn of(error: &duckdb::Error) -> Result<Self, SqlError> {
        match error {
            duckdb::Error::DuckDBFailure(_, Some(text)) => Ok(Self::of_text(text)),
            duckdb::Error::InvalidParameterName(_) | duckdb::Error::InvalidParameterCount(..) => {
                Err(SqlError::Parameters { message: error.to_string() })
            }
            other => Ok(Self::of_text(&other.to_string())),
        }
    }

    pub(crate) fn of_text(text: &str) -> Self {
        let text = text.trim();
        let (kind, message) = text.split_once(" Error: ").unwrap_or(("", text));
        match serde_json::from_str::<Fields>(if message.starts_with('{') { message } else { text }) {
            Ok(fields) => Self::of_fields(fields),
            // The text of the query stands below, with a mark.
            Err(_) => {
                let message = message.split("\n\nLINE ").next().unwrap_or(message).to_owned();
                Self { kind: kind.to_owned(), message, ..Self::default() }
            }
        }
    }

    fn of_fields(fields: Fields) -> Self {
        let missing = match (fields.error_subtype.as_deref(), fields.name) {
            (Some("COLUMN_NOT_FOUND"), Some(name)) => {
                let like = fields.candidates.iter().flat_map(|names| names.split(',')).map(str::to_owned).collect();
                Some(Missing::Column { name, like })
            }
            (Some("MISSING_ENTRY"), Some(name)) if fields.of.as_deref() == Some("Table") => Some(Missing::Table(name)),
            // Of other kinds, values of the query may be quoted.
            _ if fields.exception_type == "Binder" => {
                column_of(&fields.exception_message).map(|name| Missing::Column { name, like: Vec::new() })
            }
            _ => None,
        };
        Self {
            kind: fields.exception_type,
            message: fields.exception_message,
            byte: fields.position.and_then(|byte| byte.parse().ok()),
            missing,
        }
    }

    /// As an error of this crate, of a text that a connection was to run.
    pub(crate) fn into_error(self, spot: Spot, run: Option<(&Connection, &str)>) -> SqlError {
        let Self { kind, message, missing, .. } = self;
        match missing {
            Some(Missing::Column { name, like }) => {
                let known = run.map(|(connection, text)| columns(connection, text)).unwrap_or_default();
                // One that is there is out of reach where it stands, and one of no table at all lacks more than its name.
                if !known.is_empty() && !known.iter().any(|column| column.eq_ignore_ascii_case(&name)) {
                    let candidates = like.iter().filter(|column| column.as_str() != ROW).chain(&known);
                    let suggestion = did_you_mean(&name, candidates.map(String::as_str)).map(str::to_owned);
                    return SqlError::UnknownColumn { spot, column: name, suggestion, known };
                }
            }
            Some(Missing::Table(name)) => {
                let place = spot.place.filter(|_| spot.view.is_none());
                return SqlError::UnknownTable { place, name };
            }
            None => {}
        }
        of_kind(&kind, &message, spot)
    }
}

/// The column that is not there, where DuckDB says so in words alone.
fn column_of(message: &str) -> Option<String> {
    let behind = |start: &str| message.split_once(start).map(|(_, rest)| rest);
    let up_to = |rest: &str, end: &str| rest.split_once(end).map(|(name, _)| name.to_owned());
    if let Some(rest) = behind(" does not have a column named \"") {
        return up_to(rest, "\"");
    }
    if let Some(rest) = message.strip_prefix("Referenced column ") {
        return up_to(rest, " not found in FROM clause and can't find in alias map");
    }
    let rest = message.strip_prefix("Column \"")?;
    let ends = [
        "\" does not exist on left side of join",
        "\" does not exist on right side of join",
        "\" in EXCLUDE list not found",
        "\" in REPLACE list not found",
        "\" in RENAME list not found",
        "\" referenced in UNPIVOT but",
    ];
    // Of UNPIVOT the name comes as it is written.
    ends.iter().find_map(|end| up_to(rest, end)).map(|name| name.trim_matches('"').to_owned())
}

/// The columns of the tables that a text names, each once. A database was given others as well: those that views read.
fn columns(connection: &Connection, text: &str) -> Vec<String> {
    const COLUMNS: &str =
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal ORDER BY table_oid, column_index";
    let read = || -> duckdb::Result<Vec<(String, String)>> {
        let mut statement = connection.prepare(COLUMNS)?;
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    };
    let text = text.to_lowercase();
    let mut known: Vec<String> = Vec::new();
    for (table, column) in read().unwrap_or_default() {
        let is_named = text.contains(&table.replace('"', "\"\"").to_lowercase());
        if is_named && column != ROW && !known.contains(&column) {
            known.push(column);
        }
    }
    known
}

fn of_kind(kind: &str, message: &str, spot: Spot) -> SqlError {
    // Every function of that name fills a page.
    let message = message.split("Candidate functions:").next().unwrap_or(message).trim_end_matches("\\t").trim();
    // What follows advises to change settings, which a query cannot.
    let message = if kind == "Out of Memory" { message.lines().next().unwrap_or_default() } else { message };
    let words = message.replace('\n', " ").replace("bindings: : ", "bindings: ");
    let message = without_row(&words);
    if let Some(message) = time_zones(&message) {
        return SqlError::NoTimeZones { message };
    }
    match kind {
        "Binder" if message.starts_with("Cannot deduce template type") && message.contains("[]") => {
            let message = "a list without a value has no type: write CAST(? AS BIGINT[]), or VARCHAR[]".to_owned();
            SqlError::Parameters { message }
        }
        "Parser" if message.starts_with("PIVOT statements with pivot elements extracted from the data") => {
            let reason = "PIVOT in a view names its values: PIVOT ... ON column IN (...)".to_owned();
            SqlError::Refused { place: None, refusal: Refusal::PivotValues, reason }
        }
        "Parser" => SqlError::Syntax { place: spot.place.filter(|_| spot.view.is_none()), message },
        "Binder" | "Catalog" => SqlError::Unfit { spot, message },
        "Out of Memory" => SqlError::OutOfMemory { message },
        "INTERRUPT" => SqlError::Cancelled,
        "Conversion" if message.starts_with("Could not convert Timestamp to higher precision") => {
            let message = "a time lies beyond the years 1677 to 2262, as far as nanoseconds reach: compare with \
                           column::TIMESTAMP, whose microseconds reach further"
                .to_owned();
            SqlError::Failed { message }
        }
        "Permission" => SqlError::Refused { place: None, refusal: Refusal::Other, reason: message },
        _ => SqlError::Failed { message },
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
    const ZONED: [&str; 2] = ["TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"];
    let of_a_zone = ["No function matches", "Unimplemented type for cast"];
    if of_a_zone.iter().any(|start| message.starts_with(start)) && ZONED.iter().any(|zoned| message.contains(zoned)) {
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

    fn error(text: &str) -> SqlError {
        Told::of_text(text).into_error(Spot::default(), None)
    }

    /// As DuckDB 2.0 says it.
    #[test]
    fn a_column_that_is_not_there_is_told_by_its_name_however_it_is_written() {
        let json = |message: &str, more: &str| {
            let message = serde_json::to_string(message).unwrap_or_default();
            format!("Binder Error: {{\"exception_type\":\"Binder\",\"exception_message\":{message}{more}}}")
        };
        let more = r#","name":"knid","position":"7","candidates":"kind,id","error_subtype":"COLUMN_NOT_FOUND""#;
        let told = Told::of_text(&json("Referenced column \"knid\" not found in FROM clause!", more));
        let like = vec!["kind".to_owned(), "id".to_owned()];
        assert_eq!(told.missing, Some(Missing::Column { name: "knid".to_owned(), like }));
        assert_eq!((told.byte, told.kind.as_str()), (Some(7), "Binder"));
        for message in [
            "Table \"n\" does not have a column named \"knid\"\n\nCandidate bindings: : \"id\"",
            "Values list \"nv\" does not have a column named \"knid\"",
            "Column \"knid\" does not exist on left side of join!",
            "Column \"knid\" in EXCLUDE list not found in FROM clause\nCandidate bindings: \"kind\"",
            "Column \"\"knid\"\" referenced in UNPIVOT but no matching entry was found in the table",
            "Referenced column knid not found in FROM clause and can't find in alias map.",
        ] {
            let told = Told::of_text(&json(message, ""));
            assert_eq!(told.missing, Some(Missing::Column { name: "knid".to_owned(), like: vec![] }), "{message}");
            assert_eq!(told.into_error(Spot::default(), None).code(), "sql-unfit", "nothing is known of the columns");
        }
        let other = "Ambiguous reference to column name \"kind\" (use: 'numbers.kind' or 'kinds.kind')";
        assert_eq!(Told::of_text(&json(other, "")).missing, None);
        let more = r#","type":"Table","name":"nope","position":"14","error_subtype":"MISSING_ENTRY""#;
        let told = json("Table with name nope does not exist!", more).replace("Binder", "Catalog");
        assert_eq!(error(&told).code(), "table-not-found");
    }

    #[test]
    fn the_number_of_a_row_is_no_column_that_is_offered() {
        for (offered, left) in [
            ("\nCandidate bindings: \"datafolio_row\"", ""),
            ("\nCandidate bindings: \"x\", \"datafolio_row\"", " Candidate bindings: \"x\""),
            ("\nCandidate bindings: \"datafolio_row\", \"x\"", " Candidate bindings: \"x\""),
        ] {
            let told = "Binder Error: Referenced column \"y\" not found in FROM clause!";
            let error = error(&format!("{told}{offered}")).to_string();
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
            assert_eq!(error(text).code(), code, "{text}");
        }
        let wall = "Binder Error: No function matches the given name and argument types '-(BIGINT, INTEGER[])'. You might need \
                    to add explicit type casts.\n\\tCandidate functions:\n\\t\"-\"(TIME WITH TIME ZONE) -> INTERVAL";
        let error = error(wall);
        assert_eq!(error.code(), "sql-unfit");
        assert!(error.to_string().ends_with("explicit type casts."), "{error}");
    }
}
