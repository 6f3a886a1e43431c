//! `derive`: the result of a query as a table that remembers it.

use serde_json::{Value, json};

use super::limits::Limits;
use super::sql::from_input;
use super::values::Values;
use super::view;
use crate::cli::completion;
use crate::cli::failure::Outcome;
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::cli::words::{count, grouped};
use crate::derived_table::all_rows_of;
use crate::text::printable;
use crate::{QueryControl, QueryOptions};

/// Store the result of a query as a table that remembers how it was made
///
/// The table records the SQL, its values and the versions that it read: `stale` tells when it is out of date, `rerun` makes it
/// again, `explain` tells how it came to be.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio derive monthly 'SELECT month, avg(dep_delay) AS delay FROM flights GROUP BY month'
  datafolio derive very_late 'SELECT * FROM flights WHERE dep_delay > $minutes' --param minutes=120
  datafolio derive late_now --from late
  datafolio derive sums 'SELECT id, sum(x) AS x FROM cells GROUP BY id' --memory 2GB --timeout 10m")]
pub(in crate::cli) struct Args {
    /// The name of the table
    name: String,
    /// The SQL; without it, it is read from standard input
    sql: Option<String>,
    /// Take all rows of this view or table
    #[arg(add = completion::items(), long, value_name = "ITEM", conflicts_with_all = ["sql", "value", "param"])]
    from: Option<String>,
    #[command(flatten)]
    values: Values,
    #[command(flatten)]
    limits: Limits,
    /// What it is
    #[arg(short, long, value_name = "TEXT")]
    description: Option<String>,
    /// Replace an item of that name
    #[arg(long)]
    overwrite: bool,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let mut query = QueryOptions::new();
    query.params = args.values.params()?;
    let query = args.limits.of_query(query)?;
    let sql = match (&args.from, &args.sql) {
        (Some(source), _) => all_rows_of(source),
        (None, Some(sql)) => sql.clone(),
        (None, None) => from_input()?,
    };
    let options = view::options(args.description.as_deref(), args.overwrite);
    let folio = session.writer()?;
    let control = QueryControl::new();
    let query = query.control(&control);
    // How many rows a query gives is known where it gives those of a table.
    let total = args.from.as_deref().and_then(|source| folio.table_info(source).ok()?.rows);
    let name = printable(&args.name);
    let progress = Progress::of_words(&session.out, move || under_way(&name, None, Done::of(&control, total)));
    let info = folio.derive(&args.name, &sql, &query, options)?;
    drop(progress);
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&json!(info));
    }
    let rows = info.record.get("num_rows").and_then(Value::as_u64).unwrap_or_default();
    let rows = count(usize::try_from(rows).unwrap_or(usize::MAX), "row");
    out.done(format_args!("Derived {} ({rows})", printable(&args.name)))
}

/// How far a query is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Done {
    rows: u64,
    /// How many rows there will be.
    total: Option<u64>,
    percent: Option<f64>,
}

impl Done {
    pub(super) fn of(control: &QueryControl, total: Option<u64>) -> Self {
        Self { rows: control.rows(), total, percent: control.progress() }
    }
}

/// What is being derived, the how manieth of how many tables it is, and how far it is.
pub(super) fn under_way(name: &str, place: Option<(usize, usize)>, done: Done) -> String {
    let mut text = format!("deriving {name}");
    if let Some((number, of)) = place.filter(|(_, of)| *of > 1) {
        text.push_str(&format!(" (table {number} of {of})"));
    }
    let rows = |rows: u64| count(usize::try_from(rows).unwrap_or(usize::MAX), "row");
    let percent =
        done.percent.filter(|percent| *percent >= 1.0).map(|percent| format!("{} %", percent.min(100.0) as u64));
    let far = match (done.rows, done.total, percent) {
        (given, Some(total), _) => Some(format!("{} of {}", grouped(given), rows(total))),
        (0, None, percent) => percent,
        (given, None, None) => Some(rows(given)),
        (given, None, Some(percent)) => Some(format!("{}, {percent}", rows(given))),
    };
    if let Some(far) = far {
        text.push_str(&format!(": {far}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_way_is_told_as_far_as_it_is_known() {
        let told = |place, rows, total, percent| under_way("late", place, Done { rows, total, percent });
        assert_eq!(told(None, 0, None, None), "deriving late");
        assert_eq!(told(Some((1, 1)), 0, None, Some(0.4)), "deriving late");
        assert_eq!(told(Some((2, 5)), 0, None, Some(45.9)), "deriving late (table 2 of 5): 45 %");
        assert_eq!(told(Some((2, 5)), 1200, None, Some(100.0)), "deriving late (table 2 of 5): 1,200 rows, 100 %");
        assert_eq!(told(None, 1, None, None), "deriving late: 1 row");
        assert_eq!(told(None, 1200, Some(336_776), Some(3.0)), "deriving late: 1,200 of 336,776 rows");
    }
}
