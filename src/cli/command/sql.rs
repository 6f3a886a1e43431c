//! `sql`: queries over the tables of a bundle.

mod dots;
mod helper;
mod names;
mod prompt;

use std::io::{IsTerminal, Read, stdin};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Instant;

use arrow::array::RecordBatchReader;
use serde_json::json;

use super::limits::Limits;
use super::values::Values;
use crate::bundle::DataFolio;
use crate::cli::args::how_many;
use crate::cli::completion;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::inputs;
use crate::cli::output::Output;
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::cli::value::file::write_whole;
use crate::cli::value::first::{Cut, first};
use crate::cli::value::preview::{self, Rest};
use crate::cli::value::rows::{self, EXTENSIONS, Form, RowFormat, Rows};
use crate::cli::words::{self, grouped};
use crate::error::Error;
use crate::text::printable;
use crate::{QueryControl, QueryOptions, QueryReader};

/// How many rows a list for people has that was asked for no number.
const SHOWN: usize = 100;

/// Query the tables of the bundle with SQL
///
/// Tables go by their names, those of a snapshot by "snapshot"."table"; with --table, `table` is that one. The SQL is DuckDB's.
/// It reads the tables that it names and nothing else. On a terminal the first rows are shown as a list; otherwise all of them
/// are written as CSV, or as --format says, while the query runs. Without SQL a terminal gets a prompt; else statements that
/// end with ';' are read from standard input.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio sql 'SELECT carrier, avg(dep_delay) FROM flights GROUP BY carrier ORDER BY 2'
  datafolio sql --table flights 'SELECT count(*) FROM table WHERE dep_delay > ?' --value 60
  datafolio sql 'SELECT * FROM flights EXCEPT SELECT * FROM \"v1.0\".flights' --output new.parquet
  datafolio sql 'SELECT * FROM flights WHERE carrier = $c' --param c=UA --format jsonl
  datafolio sql < report.sql
  datafolio sql")]
pub(in crate::cli) struct Args {
    /// The SQL; without it a prompt opens, or it is read from standard input
    sql: Option<String>,
    /// The table that is called `table`
    #[arg(add = completion::items(), short, long, value_name = "ITEM")]
    table: Option<String>,
    #[command(flatten)]
    values: Values,
    /// Form of the result
    #[arg(long, value_enum)]
    format: Option<Form>,
    /// Write the result to a file, whose extension says how
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long, requires = "output")]
    overwrite: bool,
    /// At most so many rows [default: 100 of a list, else all]
    #[arg(short = 'n', long, value_name = "N", allow_negative_numbers = true, value_parser = how_many::<usize>)]
    limit: Option<usize>,
    #[command(flatten)]
    limits: Limits,
    /// Keep nothing of what is typed at the prompt
    #[arg(long, conflicts_with = "sql")]
    no_history: bool,
    /// Let the SQL read and write whatever you may: never for SQL of someone else
    #[arg(long, conflicts_with = "table")]
    unrestricted: bool,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let options = options(args)?;
    let form = args.format;
    let file = args.output.as_deref().map(|path| Ok::<_, Failure>((path, format_of(path, form)?))).transpose()?;
    let is_watched = session.out.is_terminal() && !session.out.is_json() && file.is_none();
    if args.sql.is_none() && stdin().is_terminal() && is_watched {
        return prompt::run(args, &options, session);
    }
    let given = match &args.sql {
        Some(sql) => sql.clone(),
        None => from_input()?,
    };
    let (complete, rest) = datafolio_sql::statements(&given);
    let several: Vec<Range<usize>> = complete.into_iter().chain(rest).collect();
    // An argument is one query, and DuckDB itself runs scripts where nothing is restricted.
    if args.sql.is_some() || args.unrestricted || several.len() < 2 {
        let folio = session.reader()?;
        return one(&folio, args, &given, &options, file, &mut session.out);
    }
    let is_binary = matches!(form, Some(Form::Parquet | Form::Arrow));
    if file.is_some() || is_binary || !args.values.is_empty() {
        let count = several.len();
        let message = format!("{count} statements were given: values, --output and binary formats go with one");
        return Err(Failure::usage(message).hint("run them one by one"));
    }
    // All of them read the same state, and keep DuckDB's database where they can.
    let folio = session.reader()?;
    several.into_iter().try_for_each(|range| {
        // Spaces instead of what stands before: places in messages are those of the script.
        let before = given[..range.start].chars().map(|c| if c == '\n' { '\n' } else { ' ' });
        let sql: String = before.chain(given[range.clone()].chars()).collect();
        one(&folio, args, &sql, &options, None, &mut session.out)
    })
}

/// Runs one statement, and shows or writes what it gives.
fn one(
    folio: &DataFolio,
    args: &Args,
    sql: &str,
    options: &QueryOptions,
    file: Option<(&Path, RowFormat)>,
    out: &mut Output,
) -> Outcome {
    inputs::warn_changed_in_query(folio, sql, args.table.as_deref(), out);
    let control = QueryControl::new();
    let options = options.clone().control(&control);
    let threads = options.threads.unwrap_or(folio.settings().threads);
    let progress = Progress::of_share(out, "querying", move || control.progress());
    let result = ask(folio, args, sql, &options)?;
    let form = args.format.unwrap_or(if out.is_terminal() { Form::Table } else { Form::Csv });
    if file.is_none() && !out.is_json() && form == Form::Table {
        return show(result, args, progress, None, out);
    }
    let (rows, cut) = first(Box::new(result), args.limit);
    if let Some((path, format)) = file {
        let (count, columns) = write_file(path, args.overwrite, format, threads, rows)?;
        drop(progress);
        if out.is_json() {
            return out.json(&json!({"path": path, "rows": count, "columns": columns}));
        }
        let shown = printable(&path.display().to_string());
        out.done(format_args!("Wrote {} to {shown}", words::count(count, "row")))?;
    } else if out.is_json() {
        let value = preview::json(rows)?;
        drop(progress);
        return out.json(&value);
    } else if let Some(format) = form.row_format() {
        // The rows themselves show that it goes on.
        rows::write(rows, format, threads, out.raw())?;
        drop(progress);
    }
    tell_cut(&cut, args, out)
}

/// Says that rows were left out, which whoever reads the others cannot see.
fn tell_cut(cut: &Cut, args: &Args, out: &mut Output) -> Outcome {
    match args.limit.filter(|_| cut.was_made()) {
        Some(limit) => out.aside(format_args!("(more rows than {}: see --limit)", grouped(limit as u64))),
        None => Ok(()),
    }
}

/// Runs a statement.
fn ask(folio: &DataFolio, args: &Args, sql: &str, options: &QueryOptions) -> Outcome<QueryReader> {
    Ok(match &args.table {
        Some(table) => folio.query_table(table, sql, options)?,
        None if args.unrestricted => folio.query_unrestricted(sql, options)?,
        None => folio.query(sql, options)?,
    })
}

/// Writes a result to a file; how many rows and columns it has.
fn write_file(
    path: &Path,
    overwrite: bool,
    format: RowFormat,
    threads: usize,
    result: Rows,
) -> Outcome<(usize, usize)> {
    let columns = result.schema().fields().len();
    let count = write_whole(path, overwrite, |file| rows::write(result, format, threads, file))?;
    Ok((count, columns))
}

/// Shows the first rows, and says how many there are, and how long it took where that is asked for.
fn show(result: QueryReader, args: &Args, progress: Progress, begun: Option<Instant>, out: &mut Output) -> Outcome {
    let limit = args.limit.unwrap_or(SHOWN);
    let (shown, rest) = preview::show_first(Box::new(result), limit, out)?;
    drop(progress);
    let rows = match (rest, shown) {
        (Rest::Some, _) if begun.is_some() => {
            format!("more rows than {}: .once FILE writes all", grouped(limit as u64))
        }
        (Rest::Some, _) => format!("more rows than {}: see --limit and --output", grouped(limit as u64)),
        (Rest::None, rows) => words::count(rows, "row"),
    };
    out.aside(format_args!("({rows}{})", time_since(begun)))
}

/// How long ago that was, behind something else.
fn time_since(begun: Option<Instant>) -> String {
    begun.map(|begun| format!(", {:.3} s", begun.elapsed().as_secs_f64())).unwrap_or_default()
}

fn options(args: &Args) -> Outcome<QueryOptions> {
    let mut options = QueryOptions::new();
    options.params = args.values.params()?;
    args.limits.of_query(options)
}

fn format_of(path: &Path, form: Option<Form>) -> Outcome<RowFormat> {
    if let Some(format) = form {
        return format.row_format().ok_or_else(|| Failure::usage("--format table is for people, not for a file"));
    }
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    RowFormat::of_extension(&extension).ok_or_else(|| {
        Failure::usage(format!("{}: its name does not say how rows are to be written", path.display()))
            .hint(format!("call it {EXTENSIONS}, or pass --format"))
    })
}

pub(super) fn from_input() -> Outcome<String> {
    if stdin().is_terminal() {
        return Err(Failure::usage("no SQL was given").hint("`datafolio sql 'SELECT ...'`, or `datafolio sql < FILE`"));
    }
    let mut sql = String::new();
    let failed = |source| Failure::from(Error::File { action: "read", path: PathBuf::from("standard input"), source });
    stdin().lock().read_to_string(&mut sql).map_err(failed)?;
    Ok(sql)
}
