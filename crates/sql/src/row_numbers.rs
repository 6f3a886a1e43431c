//! The rows of a table for which a condition holds, with their numbers.

use std::sync::Arc;

use crate::check::check;
use crate::condition::Condition;
use crate::database::Opening;
use crate::error::SqlResult;
use crate::fetch::{ByNumber, Fetch, Fetched};
use crate::places::Expressions;
use crate::reader::{QueryReader, start};
use crate::session::{Exposed, Relation, Settings, Shares, Views, quote, shut_in, within};
use crate::words::quote_table;

/// The column with the number of each row, counted from 0.
pub const ROW: &str = "datafolio_row";

/// The name of the table that has this column. A condition knows it as `table`; where a subquery reads all of `table`, it is to have its
/// own columns only. No item has such a name.
const NUMBERED: &str = "rows of the table";

/// Which rows and columns of a table are wanted.
#[derive(Debug, Clone)]
pub struct Filter<'a> {
    /// The condition on its rows.
    pub condition: &'a Condition,
    /// The name that the table has in it.
    pub name: &'a str,
    /// The columns, in this order.
    pub columns: &'a [String],
    /// Whether [`ROW`] is to follow them.
    pub is_numbered: bool,
    /// Where the columns come from where few rows are found; `None` for DuckDB everywhere.
    pub fetch: Option<Arc<dyn ByNumber>>,
    /// The rows among which those are that the condition holds for, in parts that are looked through side by side and given in
    /// turn.
    pub shares: &'a Shares,
    /// Of those that it holds for, leave out so many, and give at most so many.
    pub offset: u64,
    /// `None` for all.
    pub limit: Option<u64>,
}

/// The rows of a table that a condition holds for, in the order of the table; behind all columns the number of each, where that is asked
/// for: [`ROW`]. Where rows are fetched, columns have the types there, and else those of SQL. `table` is Parquet files, or a stream that
/// has this column; `others` are the tables that the condition looks into, which may be the table itself.
///
/// # Errors
/// As [`run`](crate::run).
pub fn filter(settings: &Settings, table: Relation, others: &[Exposed], wanted: &Filter<'_>) -> SqlResult<QueryReader> {
    let condition = wanted.condition;
    condition.params.check(&condition.places)?;
    let number = (wanted.is_numbered || wanted.columns.is_empty()).then(|| ROW.to_owned());
    let columns: Vec<String> = wanted.columns.iter().map(|name| quote(name)).chain(number).collect();
    let before = |columns: &str| format!("SELECT {columns} FROM \"{NUMBERED}\" AS {} WHERE (", quote(wanted.name));
    let mut after = "\n)".to_owned();
    if !wanted.shares.rows.is_empty() {
        after.push_str(&format!(" AND {}", within(ROW)));
    }
    if condition.may_join {
        after.push_str(IN_ORDER);
    }
    if wanted.offset > 0 || wanted.limit.is_some() {
        let most = i64::MAX.unsigned_abs();
        after.push_str(&format!(
            " LIMIT {} OFFSET {}",
            wanted.limit.unwrap_or(most).min(most),
            wanted.offset.min(most)
        ));
    }
    let text = |columns: &str| condition.text.clone().between(&before(columns), &after);
    // What DuckDB has looked at already need not be read once more.
    let is_known = |name: &String| condition.columns.iter().any(|known| known.eq_ignore_ascii_case(name));
    let is_fetched = !wanted.columns.iter().all(is_known);
    let fetch = wanted.fetch.as_ref().filter(|_| is_fetched).map(|columns| {
        let given = Fetched { columns: Arc::clone(columns), is_numbered: wanted.is_numbered };
        Fetch { given, text: text(ROW) }
    });
    let rows = wanted.shares.rows.clone();
    let opening = Opening::of(settings, &rows);
    let tables = with_numbered(others, table);
    let session = shut_in(settings, &opening, &tables, Views::Numbered(NUMBERED, &wanted.shares.starts))?;
    start(settings, session, text(&columns.join(", ")), condition.params.named_as(&condition.places), rows, fetch)
}

/// Whatever joins a subquery, or a list, with the table may give its rows as it likes.
const IN_ORDER: &str = " ORDER BY datafolio_row";

/// Values for the rows of a table that a condition holds for.
#[derive(Debug, Clone)]
pub struct Picked<'a> {
    /// The condition, and behind it what gives the values.
    pub expressions: &'a Expressions,
    /// For each Parquet file of the table, the number of its first row.
    pub starts: &'a [u64],
}

/// The numbers of the rows of a table that a condition holds for, which ascend, and behind each the values that expressions have in it.
/// The tables are as those of [`filter`].
///
/// # Errors
/// As [`run`](crate::run).
pub fn pick(settings: &Settings, table: Relation, others: &[Exposed], wanted: &Picked<'_>) -> SqlResult<QueryReader> {
    let Expressions { texts, all_params, may_join, .. } = wanted.expressions;
    let (condition, values) = texts.split_first().map_or(("true", &[][..]), |(first, rest)| (first.as_str(), rest));
    let values: String = values.iter().map(|value| format!(", ({value}\n)")).collect();
    let order = if *may_join { IN_ORDER } else { "" };
    let text = format!("SELECT {ROW}::BIGINT{values} FROM \"{NUMBERED}\" AS \"table\" WHERE ({condition}\n){order}");
    let checked = check(&quote_table(&text))?;
    let opening = Opening::of(settings, &[]);
    let tables = with_numbered(others, table);
    let session = shut_in(settings, &opening, &tables, Views::Numbered(NUMBERED, wanted.starts))?;
    start(settings, session, checked.text, all_params.named_as(&checked.places), Vec::new(), None)
}

fn with_numbered(others: &[Exposed], table: Relation) -> Vec<Exposed> {
    let mut tables = others.to_vec();
    tables.push(Exposed { schema: None, name: NUMBERED.to_owned(), relation: table });
    tables
}
