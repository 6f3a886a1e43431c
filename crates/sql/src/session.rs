//! A database in memory that is shut in to what it is given.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use duckdb::{Config, Connection};

use crate::check::{Checked, Condition};
use crate::error::{SqlError, SqlResult};
use crate::params::Params;
use crate::reader::{QueryReader, start};
use crate::stream::{Registered, StreamFunction, Streamed};

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

/// Runs a query that was checked over these tables.
///
/// # Errors
/// As [`SqlError`] tells, as far as it shows before the first row.
pub fn run(settings: &Settings, tables: &[Exposed], query: &Checked, params: &Params) -> SqlResult<QueryReader> {
    start(settings, query.sql.clone(), params.clone(), |failure, spill| {
        let connection = open(settings, spill)?;
        shut_in(&connection, tables)?;
        expose(&connection, tables, failure, None)?;
        execute(&connection, "SET lock_configuration = true")?;
        Ok(connection)
    })
}

/// The column with the number of each row, counted from 0, that [`filter`] gives behind all others.
pub const ROW: &str = "datafolio_row";

/// Which rows and columns of a table are wanted.
#[derive(Debug, Clone)]
pub struct Filter<'a> {
    /// The condition on its rows.
    pub condition: &'a Condition,
    /// The columns, in this order.
    pub columns: &'a [String],
    /// The rows among which those are that the condition holds for.
    pub rows: Range<u64>,
    /// Of those that it holds for, leave out so many, and give at most so many.
    pub offset: u64,
    /// `None` for all.
    pub limit: Option<u64>,
    /// For each file of the table, the number of its first row.
    pub starts: &'a [u64],
}

/// The rows of a table that a condition holds for, in the order of the table. `table` is Parquet files, or a stream that
/// has the column [`ROW`]; `others` are the tables that the condition looks into.
///
/// # Errors
/// As [`run`].
pub fn filter(settings: &Settings, table: Relation, others: &[Exposed], wanted: &Filter<'_>) -> SqlResult<QueryReader> {
    let columns: Vec<String> = wanted.columns.iter().map(|name| quote(name)).collect();
    let mut sql = format!(
        "SELECT {}{}{ROW} FROM \"table\" WHERE ({}\n)",
        columns.join(", "),
        if columns.is_empty() { "" } else { ", " },
        wanted.condition.sql
    );
    let has_all_rows = wanted.rows.start == 0 && wanted.rows.end == u64::MAX;
    if !has_all_rows {
        // Row numbers are BIGINT.
        let end = wanted.rows.end.min(i64::MAX.unsigned_abs());
        sql.push_str(&format!(" AND {ROW} >= {} AND {ROW} < {end}", wanted.rows.start.min(end)));
    }
    if wanted.offset > 0 || wanted.limit.is_some() {
        let most = i64::MAX.unsigned_abs();
        sql.push_str(&format!(" LIMIT {} OFFSET {}", wanted.limit.unwrap_or(most).min(most), wanted.offset.min(most)));
    }
    let mut tables = others.to_vec();
    tables.push(Exposed { schema: None, name: "table".to_owned(), relation: table });
    start(settings, sql, Params::None, |failure, spill| {
        let connection = open(settings, spill)?;
        shut_in(&connection, &tables)?;
        expose(&connection, &tables, failure, Some(("table", wanted.starts)))?;
        execute(&connection, "SET lock_configuration = true")?;
        Ok(connection)
    })
}

/// Runs any SQL, with all that DuckDB can do: it reads and writes whatever the user of this process may. For the owner of the
/// machine.
///
/// # Errors
/// As [`run`].
pub fn run_unrestricted(settings: &Settings, tables: &[Exposed], sql: &str, params: &Params) -> SqlResult<QueryReader> {
    start(settings, sql.to_owned(), params.clone(), |failure, spill| {
        let connection = open(settings, spill)?;
        expose(&connection, tables, failure, None)?;
        Ok(connection)
    })
}

fn open(settings: &Settings, spill: Option<&Path>) -> SqlResult<Connection> {
    let failed = |error: duckdb::Error| SqlError::of_duckdb(&error);
    let mut config = Config::default();
    let mut set = |name: &str, value: String| -> SqlResult<()> {
        config = std::mem::take(&mut config).with(name, value).map_err(failed)?;
        Ok(())
    };
    set("allow_community_extensions", "false".to_owned())?;
    set("autoinstall_known_extensions", "false".to_owned())?;
    set("autoload_known_extensions", "false".to_owned())?;
    set("allow_persistent_secrets", "false".to_owned())?;
    if let Some(threads) = settings.threads {
        set("threads", threads.max(1).to_string())?;
    }
    if let Some(memory) = settings.memory {
        set("memory_limit", format!("{memory}B"))?;
    }
    // Without one, DuckDB would take the directory that the program happens to run in.
    set("temp_directory", spill.map_or_else(String::new, |dir| dir.to_string_lossy().into_owned()))?;
    if let Some(cap) = settings.spill_cap.filter(|_| spill.is_some()) {
        set("max_temp_directory_size", format!("{cap}B"))?;
    }
    Connection::open_in_memory_with_flags(config).map_err(failed)
}

/// Nothing outside of these files can be read from here on. The list lets DuckDB write them as well: that no query writes is
/// seen to by [`check`](crate::check()).
fn shut_in(connection: &Connection, tables: &[Exposed]) -> SqlResult<()> {
    let paths = tables.iter().filter_map(|table| match &table.relation {
        Relation::Parquet(paths) => Some(paths),
        _ => None,
    });
    let paths: Vec<String> = paths.flatten().map(|path| literal(&path.to_string_lossy())).collect();
    if !paths.is_empty() {
        execute(connection, &format!("SET allowed_paths = [{}]", paths.join(", ")))?;
    }
    execute(connection, "SET enable_external_access = false")
}

/// Makes the tables known; the one that is `numbered` has its rows numbered, from these numbers on in each file.
fn expose(
    connection: &Connection,
    tables: &[Exposed],
    failure: &Arc<Mutex<Option<Failure>>>,
    numbered: Option<(&str, &[u64])>,
) -> SqlResult<()> {
    for (index, table) in tables.iter().enumerate() {
        let body = match &table.relation {
            Relation::Parquet(paths) => {
                let paths: Vec<String> = paths.iter().map(|path| literal(&path.to_string_lossy())).collect();
                // A directory of the path that looks like a partition is no column, and files of one table have the same ones.
                let files = format!("[{}], hive_partitioning = false", paths.join(", "));
                match numbered.filter(|(name, _)| table.schema.is_none() && *name == table.name) {
                    Some((_, starts)) => {
                        let number = "file_row_number";
                        let of_table = row_of_table(number, starts);
                        format!(
                            "SELECT * EXCLUDE ({number}), {of_table} AS {ROW} FROM read_parquet({files}, {number} = true)"
                        )
                    }
                    None => format!("SELECT * FROM read_parquet({files})"),
                }
            }
            Relation::Stream(stream) => {
                let function = format!("datafolio_stream_{index}");
                let registered = Registered::new(Arc::clone(stream), Arc::clone(failure))
                    .map_err(|message| SqlError::Unfit { message: format!("table {:?}: {message}", table.name) })?;
                connection
                    .register_table_function_with_extra_info::<StreamFunction, _>(&function, &registered)
                    .map_err(|error| SqlError::of_duckdb(&error))?;
                format!("SELECT * FROM {function}()")
            }
            Relation::View(checked) => checked.sql.trim_end().trim_end_matches(';').to_owned(),
        };
        let name = match &table.schema {
            Some(schema) => {
                execute(connection, &format!("CREATE SCHEMA IF NOT EXISTS {}", quote(schema)))?;
                format!("{}.{}", quote(schema), quote(&table.name))
            }
            None => quote(&table.name),
        };
        execute(connection, &format!("CREATE VIEW {name} AS {body}"))?;
    }
    Ok(())
}

/// The number of a row within its table, from its number within its file. That of the only file is used as it is: DuckDB skips
/// row groups by it.
fn row_of_table(number: &str, starts: &[u64]) -> String {
    match starts {
        [] | [0] => number.to_owned(),
        [start] => format!("{number} + {start}"),
        _ => {
            let starts: Vec<String> = starts.iter().map(u64::to_string).collect();
            format!("{number} + ([{}]::BIGINT[])[file_index::BIGINT + 1]", starts.join(", "))
        }
    }
}

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

fn execute(connection: &Connection, sql: &str) -> SqlResult<()> {
    connection.execute_batch(sql).map_err(|error| SqlError::of_duckdb(&error))
}

/// A text as SQL writes it.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as SQL writes it.
fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
