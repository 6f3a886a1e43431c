//! `view`: a query under a name, which is read like a table.

use serde_json::json;

use super::frame_args::Made;
use super::sql::from_input;
use crate::AddOptions;
use crate::cli::completion;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::text::printable;

/// Keep a query under a name, to be read like a table
///
/// No rows are stored: the query runs whenever the view is read, over the tables of the revision or snapshot that is open. Tables go
/// by their names, those of a snapshot by "snapshot"."table"; views can read views. Instead of SQL, a view may have a table
/// (--of), computed columns (--with) and a condition (--where), as `compute` has them: such a view can be computed over.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio view late 'SELECT * FROM flights WHERE dep_delay > 60'
  datafolio view by_carrier 'SELECT carrier, count(*) AS n FROM late GROUP BY carrier'
  datafolio head by_carrier
  datafolio view late --overwrite < late.sql
  datafolio view fast --of flights --with 'speed=distance / air_time * 60' --where 'speed > 500'")]
pub(in crate::cli) struct Args {
    /// The name of the view
    name: String,
    /// The SQL; without it, it is read from standard input
    #[arg(conflicts_with = "of")]
    sql: Option<String>,
    /// The table that a view without SQL is of
    #[arg(add = completion::items(), long, value_name = "TABLE")]
    of: Option<String>,
    #[command(flatten)]
    made: Made,
    /// What it is
    #[arg(short, long, value_name = "TEXT")]
    description: Option<String>,
    /// Replace an item of that name
    #[arg(long)]
    overwrite: bool,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let options = options(args.description.as_deref(), args.overwrite);
    let info = match &args.of {
        Some(table) => {
            let folio = session.writer()?;
            let state = args.made.of(folio.frame(table)?)?.state();
            folio.add_frame_view(&args.name, table, &state, options)?
        }
        None if args.made.is_any() => {
            return Err(Failure::usage("--with and --where are of a table: name it with --of, or write them as SQL"));
        }
        None => {
            let sql = match &args.sql {
                Some(sql) => sql.clone(),
                None => from_input()?,
            };
            let folio = session.writer()?;
            let _progress = Progress::start(&session.out, "looking at the tables that it reads");
            folio.add_view(&args.name, &sql, options).map_err(|error| without_values(Failure::from(error)))?
        }
    };
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&json!(info));
    }
    let inputs: Vec<&str> = info
        .record
        .get("inputs")
        .and_then(|names| names.as_array())
        .map_or_else(Vec::new, |names| names.iter().filter_map(|name| name.as_str()).collect());
    let reads = if inputs.is_empty() { "no tables".to_owned() } else { printable(&inputs.join(", ")) };
    out.done(format_args!("Added {} as a view; it reads {reads}", printable(&args.name)))
}

/// A view takes no values, which queries are told to give.
fn without_values(failure: Failure) -> Failure {
    match failure.code() {
        "sql-parameters" => {
            failure.hint("write the value into the SQL, or store the result: `datafolio derive NAME SQL --value VALUE`")
        }
        _ => failure,
    }
}

/// What an item is added with.
pub(super) fn options(description: Option<&str>, overwrite: bool) -> AddOptions {
    let mut options = AddOptions::new();
    if let Some(text) = description {
        options = options.description(text);
    }
    if overwrite { options.overwrite() } else { options }
}
