//! A database in memory that is shut in to what it is given.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use duckdb::Connection;

use crate::check::Checked;
use crate::control::QueryControl;
use crate::database::{Database, Databases, Given, Opening, Stamped};
use crate::error::{Spot, SqlError, SqlResult};
use crate::params::Params;
use crate::reader::{QueryReader, start};
use crate::row_numbers::ROW;
use crate::stream::{Registered, StreamFunction, Streamed, selected};
use crate::words::Quoted;

/// What a query may use.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// How many threads; `None` for one per processor.
    pub threads: Option<usize>,
    /// Bytes of memory; `None` for what DuckDB takes, 80 % of the machine's.
    pub memory: Option<u64>,
    /// Where joins, sorts and aggregations go that need more; `None` for nowhere. A directory of its own is made there for as
    /// long as the query runs.
    pub spill_dir: Option<PathBuf>,
    /// Most bytes that may go there.
    pub spill_cap: Option<u64>,
    /// How long a query may take; `None` for as long as it wants.
    pub timeout: Option<Duration>,
    /// What watches the query and stops it.
    pub control: QueryControl,
    /// Databases of earlier queries, and for later ones.
    pub databases: Databases,
}

/// A table that a query can read.
#[derive(Debug, Clone)]
pub struct Exposed {
    /// The schema that it lies in; `None` for none.
    pub schema: Option<String>,
    /// Its name.
    pub name: String,
    /// What it is.
    pub relation: Relation,
}

/// What a name stands for.
#[derive(Debug, Clone)]
pub enum Relation {
    /// Parquet files that DuckDB reads by itself, in this order.
    Parquet(Vec<PathBuf>),
    /// Rows that are streamed into the query.
    Stream(Arc<dyn Streamed>),
    /// A query over others, which were exposed before it.
    View(Checked),
}

/// Runs a query that was checked over these tables. One that looks at each row by itself ([`Checked::is_separable`]) may be
/// run over `shares` of the rows of its one table, which is Parquet files, side by side: DuckDB runs a query whose rows are
/// to come in order in one thread. Without shares it runs once, over all rows.
///
/// # Errors
/// As [`SqlError`] tells, as far as it shows before the first row.
pub fn run(
    settings: &Settings,
    tables: &[Exposed],
    query: &Checked,
    params: &Params,
    shares: &Shares,
) -> SqlResult<QueryReader> {
    let (views, rows) = match query.is_separable() && !shares.rows.is_empty() {
        true => (Views::Shared(&shares.starts), shares.rows.clone()),
        false => (Views::Plain, Vec::new()),
    };
    params.check(&query.places)?;
    let opening = Opening::of(settings, &rows);
    start(
        settings,
        shut_in(settings, &opening, tables, views)?,
        query.text.clone(),
        params.named_as(&query.places),
        rows,
        None,
    )
}

/// The rows of a table in parts that queries are run over side by side.
#[derive(Debug, Clone, Default)]
pub struct Shares {
    /// Which rows; empty for all of them at once.
    pub rows: Vec<Range<u64>>,
    /// For each Parquet file of the table, the number of its first row.
    pub starts: Vec<u64>,
}

/// Runs any SQL, with all that DuckDB can do: it reads and writes whatever the user of this process may. For the owner of the
/// machine.
///
/// # Errors
/// As [`run`].
pub fn run_unrestricted(settings: &Settings, tables: &[Exposed], sql: &str, params: &Params) -> SqlResult<QueryReader> {
    let database = settings.databases.fresh(&Opening::of(settings, &[]))?;
    let failure = Arc::default();
    register(&database.connection, tables, &failure)?;
    for statement in views(tables, Views::Plain) {
        make(&database.connection, &statement, tables)?;
    }
    let session = Session { database, failure, given: None, watched: Vec::new() };
    start(settings, session, Quoted::unchanged(sql), params.clone(), Vec::new(), None)
}

/// A database that is ready for a query.
pub(crate) struct Session {
    pub(crate) database: Database,
    /// The first error of a table that is streamed into the query.
    pub(crate) failure: Arc<Mutex<Option<Failure>>>,
    /// What the database was given, where it may serve the same query again.
    pub(crate) given: Option<Given>,
    /// The files that must not change while they are read.
    pub(crate) watched: Stamped,
}

/// A database that can read nothing but these tables. The list of files lets DuckDB write them as well: that no query writes is
/// seen to by [`check`](crate::check()).
pub(crate) fn shut_in(
    settings: &Settings,
    opening: &Opening,
    tables: &[Exposed],
    kind: Views<'_>,
) -> SqlResult<Session> {
    let files = || {
        let parquet = tables.iter().filter_map(|table| match &table.relation {
            Relation::Parquet(paths) => Some(paths),
            _ => None,
        });
        parquet.flatten()
    };
    let mut script = Vec::new();
    let allowed: Vec<String> = files().map(|path| literal(&path.to_string_lossy())).collect();
    if !allowed.is_empty() {
        script.push(format!("SET allowed_paths = [{}]", allowed.join(", ")));
    }
    script.push("SET enable_external_access = false".to_owned());
    script.extend(views(tables, kind));
    script.push("SET lock_configuration = true".to_owned());
    let given = Given::new(opening.clone(), script, files());
    let (failure, watched) = (Arc::default(), given.files().clone());
    // A stream is of one query.
    let is_lasting = !tables.iter().any(|table| matches!(table.relation, Relation::Stream(_)));
    if let Some(database) = settings.databases.same(&given).filter(|_| is_lasting) {
        return Ok(Session { database, failure, given: Some(given), watched });
    }
    let database = settings.databases.fresh(opening)?;
    register(&database.connection, tables, &failure)?;
    for statement in given.script() {
        make(&database.connection, statement, tables)?;
    }
    Ok(Session { database, failure, given: Some(given).filter(|_| is_lasting), watched })
}

/// What the views of tables show.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Views<'a> {
    /// All rows.
    Plain,
    /// The rows of the share that a connection has in hand. The files of the table begin with these rows.
    Shared(&'a [u64]),
    /// All rows, those of the table of this name numbered. Its files begin with these rows.
    Numbered(&'a str, &'a [u64]),
}

/// What DuckDB calls the number of a row within a file: a column of that name would be in its way.
pub const OF_THE_FILE: &str = "file_row_number";

/// That a number of a row lies in the share that a connection has in hand: [`share_of`].
pub(crate) fn within(number: &str) -> String {
    format!("{number} >= getvariable('datafolio_from') AND {number} < getvariable('datafolio_to')")
}

/// What a connection is told before it runs over a share.
pub(crate) fn share_of(rows: &Range<u64>) -> String {
    // Row numbers are BIGINT.
    let end = rows.end.min(i64::MAX.unsigned_abs());
    let start = rows.start.min(end);
    format!("SET VARIABLE datafolio_from = {start}::BIGINT; SET VARIABLE datafolio_to = {end}::BIGINT")
}

/// The name of the function that gives the rows of a streamed table.
fn stream_name(index: usize) -> String {
    format!("datafolio_stream_{index}")
}

/// Makes the functions known that give the rows of streamed tables.
fn register(connection: &Connection, tables: &[Exposed], failure: &Arc<Mutex<Option<Failure>>>) -> SqlResult<()> {
    for (index, table) in tables.iter().enumerate() {
        if let Relation::Stream(stream) = &table.relation {
            let registered = Registered::new(Arc::clone(stream), Arc::clone(failure)).map_err(|message| {
                SqlError::Unfit { spot: Spot::default(), message: format!("table {:?}: {message}", table.name) }
            })?;
            connection
                .register_table_function_with_extra_info::<StreamFunction, _>(&stream_name(index), &registered)
                .map_err(|error| SqlError::of_duckdb(&error))?;
        }
    }
    Ok(())
}

/// The statements that make the tables known.
fn views(tables: &[Exposed], kind: Views<'_>) -> Vec<String> {
    let mut statements = Vec::new();
    for (index, table) in tables.iter().enumerate() {
        let body = match &table.relation {
            Relation::Parquet(paths) => {
                let paths: Vec<String> = paths.iter().map(|path| literal(&path.to_string_lossy())).collect();
                // A directory of the path that looks like a partition is no column, and files of one table have the same ones.
                let files = format!("[{}], hive_partitioning = false", paths.join(", "));
                match kind {
                    Views::Numbered(name, starts) if table.schema.is_none() && name == table.name => {
                        numbered(&paths, starts, |number| format!(", {number} AS {ROW}"), |_| String::new())
                    }
                    Views::Shared(starts) => {
                        numbered(&paths, starts, |_| String::new(), |number| format!(" WHERE {}", within(number)))
                    }
                    _ => format!("SELECT * FROM read_parquet({files})"),
                }
            }
            Relation::Stream(stream) => {
                format!("SELECT {} FROM {}()", selected(stream.as_ref()), stream_name(index))
            }
            Relation::View(checked) => checked.text.text.trim_end().trim_end_matches(';').to_owned(),
        };
        if let Some(schema) = &table.schema {
            statements.push(format!("CREATE SCHEMA IF NOT EXISTS {}", quote(schema)));
        }
        statements.push(format!("{}{body}", begin_view(table)));
    }
    statements
}

/// What stands before the text of a view.
fn begin_view(table: &Exposed) -> String {
    let schema = table.schema.as_ref().map_or_else(String::new, |schema| format!("{}.", quote(schema)));
    format!("CREATE VIEW {schema}{} AS ", quote(&table.name))
}

/// Runs a statement that makes a table known: what is wrong with the text of a view is told with its place there.
fn make(connection: &Connection, statement: &str, tables: &[Exposed]) -> SqlResult<()> {
    connection.execute_batch(statement).map_err(|error| {
        SqlError::of_statement(&error, (connection, statement), |byte| {
            let view = tables.iter().find_map(|table| match &table.relation {
                Relation::View(checked) => statement.starts_with(&begin_view(table)).then_some((table, checked)),
                _ => None,
            });
            let Some((table, checked)) = view else { return Spot::default() };
            let schema = table.schema.as_ref().map_or_else(String::new, |schema| format!("{schema}."));
            let place = byte.checked_sub(begin_view(table).len()).and_then(|byte| checked.text.place(byte));
            Spot { view: Some(format!("{schema}{}", table.name)), place }
        })
    })
}

/// Files whose rows are numbered throughout. Each is read by itself, so that DuckDB skips row groups by the number of a row
/// within its file.
fn numbered(
    paths: &[String],
    starts: &[u64],
    column: impl Fn(&str) -> String,
    condition: impl Fn(&str) -> String,
) -> String {
    let files = paths.iter().enumerate().map(|(index, path)| {
        let number = match starts.get(index) {
            None | Some(0) => OF_THE_FILE.to_owned(),
            Some(start) => format!("({OF_THE_FILE} + {start})"),
        };
        format!(
            "SELECT * EXCLUDE ({OF_THE_FILE}){} FROM read_parquet({path}, hive_partitioning = false, {OF_THE_FILE} = true){}",
            column(&number),
            condition(&number)
        )
    });
    files.collect::<Vec<_>>().join(" UNION ALL BY NAME ")
}

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

pub(crate) fn execute(connection: &Connection, sql: &str) -> SqlResult<()> {
    connection.execute_batch(sql).map_err(|error| SqlError::of_duckdb(&error))
}

/// A text as SQL writes it.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as SQL writes it.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests;
