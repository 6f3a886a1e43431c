//! `derive`: the result of a query as a table that remembers it.

use serde_json::{Value, json};

use super::sql::{from_input, value_of};
use super::view;
use crate::QueryOptions;
use crate::cli::completion;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::cli::words::count;
use crate::text::printable;

/// Store the result of a query as a table that remembers how it was made
///
/// The table records the SQL, its values and the versions that it read: `stale` tells when it is out of date, `rerun` makes it
/// again, `explain` tells how it came to be.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio derive monthly 'SELECT month, avg(dep_delay) AS delay FROM flights GROUP BY month'
  datafolio derive very_late 'SELECT * FROM flights WHERE dep_delay > $minutes' --param minutes=120
  datafolio derive late_now --from late")]
pub(in crate::cli) struct Args {
    /// The name of the table
    name: String,
    /// The SQL; without it, it is read from standard input
    sql: Option<String>,
    /// Take all rows of this view or table
    #[arg(add = completion::items(), long, value_name = "ITEM", conflicts_with_all = ["sql", "value", "param"])]
    from: Option<String>,
    /// A value for a `?`, in order; JSON, or a text
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true, conflicts_with = "param")]
    value: Vec<String>,
    /// A value for a `$name`; JSON, or a text
    #[arg(long, value_name = "NAME=VALUE")]
    param: Vec<String>,
    /// What it is
    #[arg(short, long, value_name = "TEXT")]
    description: Option<String>,
    /// Replace an item of that name
    #[arg(long)]
    overwrite: bool,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let mut query = QueryOptions::new();
    if !args.value.is_empty() {
        query = query.params(args.value.iter().map(|text| value_of(text)));
    }
    for param in &args.param {
        let (name, value) = param
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("--param {param}: a name, '=' and a value are needed")))?;
        query = query.param(name.trim_start_matches('$'), value_of(value));
    }
    let sql = match (&args.from, &args.sql) {
        (Some(_), _) => String::new(),
        (None, Some(sql)) => sql.clone(),
        (None, None) => from_input()?,
    };
    let options = view::options(args.description.as_deref(), args.overwrite);
    let folio = session.writer()?;
    let progress = Progress::start(&session.out, "deriving");
    let info = match &args.from {
        Some(source) => folio.derive_from(&args.name, source, options)?,
        None => folio.derive(&args.name, &sql, &query, options)?,
    };
    drop(progress);
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&json!(info));
    }
    let rows = info.record.get("num_rows").and_then(Value::as_u64).unwrap_or_default();
    let rows = count(usize::try_from(rows).unwrap_or(usize::MAX), "row");
    out.done(format_args!("Derived {} ({rows})", printable(&args.name)))
}
