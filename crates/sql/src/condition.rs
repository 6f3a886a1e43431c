//! Conditions on rows, and values for them: parts of a query that are put into one later.

use datafolio_core::Place;
use serde_json::{Map, Value};

use crate::bounds::{Bound, bounds, column_of};
use crate::check::{TableName, with_tree};
use crate::error::{SqlError, SqlResult};
use crate::params::Params;
use crate::refusal::Refusal;
use crate::row_numbers::ROW;
use crate::scan::Predicate;
use crate::tree::{is_aggregate, query_of};
use crate::words::{Quoted, quote_table, words};

/// A condition on the rows of a table.
#[derive(Debug, Clone)]
pub struct Condition {
    pub(crate) text: Quoted,
    /// Other tables that it looks into.
    pub tables: Vec<TableName>,
    /// What it asks of single columns.
    pub bounds: Vec<Bound>,
    /// All of it, where that is comparisons with constants.
    pub predicate: Option<Predicate>,
    /// Whether it looks at other rows of the table as well, in a subquery.
    pub reads_table: bool,
    /// The columns that it names: DuckDB has their values at hand when it has looked at a row.
    pub(crate) columns: Vec<String>,
    /// Whether DuckDB may join the table with something for it, and give its rows in another order.
    pub(crate) may_join: bool,
    /// The names of its places for values.
    pub places: Vec<String>,
    /// The values.
    pub(crate) params: Params,
}

/// Parses a condition: what can stand behind WHERE, with the columns of the table, which is called `table`. Whether the values fit
/// its places shows when it is used.
///
/// # Errors
/// As [`check`](crate::check()); [`SqlError::Refused`] for what is more than a condition.
pub fn check_condition(text: &str, params: &Params) -> SqlResult<Condition> {
    check_condition_on("table", text, params)
}

/// The same of a table that goes by another name in it.
///
/// # Errors
/// As [`check_condition`].
pub fn check_condition_on(table: &str, text: &str, params: &Params) -> SqlResult<Condition> {
    refuse_statements(text, "condition")?;
    let quoted = quote_table(text);
    // It is used within brackets: it must be one condition there, and must not open or close any itself.
    let (mut tables, mut places, mut found, mut reads_table, mut may_join) =
        (Vec::new(), Vec::new(), (Vec::new(), None, Vec::new()), false, false);
    for (open, close) in [("", "\n"), ("(", "\n)")] {
        let select = quoted.clone().between(&format!("SELECT 1 FROM \"table\" WHERE {open}"), close);
        let look = |tree: &Value| {
            let condition = part(tree, "where_clause");
            let is_plain = is_plain_select(tree) && condition.is_object();
            let asked = (
                bounds(condition, table, params),
                Predicate::of(condition, table, params),
                columns_within(condition, table),
            );
            (is_plain, asked, has_table(condition), joins_within(condition))
        };
        let (checked, (is_plain, asked, has_table, joins)) = with_tree(&select, look)?;
        if !is_plain {
            let reason = format!("{text:?} is more than a condition on the rows of a table");
            return Err(SqlError::Refused { place: None, refusal: Refusal::NoExpression, reason });
        }
        (tables, places, found, reads_table) = (checked.tables, checked.places, asked, has_table);
        may_join = joins;
    }
    tables.retain(|table| !table.is_table());
    let (bounds, predicate, columns) = found;
    // Whoever is given values that do not fit says so.
    let predicate = predicate.filter(|_| params.check(&places).is_ok());
    let params = params.clone();
    Ok(Condition { text: quoted, tables, bounds, predicate, columns, reads_table, may_join, places, params })
}

/// Checks a text that gives a value for a row of the table that is called `table`: one expression, which looks at no other row
/// unless it says so in a subquery.
///
/// # Errors
/// As [`check`](crate::check()); [`SqlError::Refused`] for what is more than that, or gives several values.
pub fn check_value(text: &str) -> SqlResult<()> {
    refuse_statements(text, "value")?;
    let quoted = quote_table(text);
    for (open, close) in [("", "\n"), ("(", "\n)")] {
        let select = quoted.clone().between(&format!("SELECT {open}"), &format!("{close} FROM \"table\""));
        let is_value = |tree: &Value| {
            let values = part(tree, "select_list").as_array().map_or(&[][..], Vec::as_slice);
            let is_one = |value: &Value| {
                value.get("alias").is_none_or(|alias| alias == "")
                    && value.get("class").is_some_and(|class| class != "STAR")
            };
            is_plain_select(tree) && matches!(values, [value] if is_one(value) && !gives_other_rows(value))
        };
        if !with_tree(&select, is_value)?.1 {
            let reason = format!(
                "{text:?} is more than one value for a row, or is made of other rows: what is made of all rows stands in a \
                 subquery, as (SELECT max(x) FROM table)"
            );
            return Err(SqlError::Refused { place: None, refusal: Refusal::NoExpression, reason });
        }
    }
    Ok(())
}

/// Sees to it that there is something in a text that is to be a condition or a value, and that no statement ends in it.
fn refuse_statements(text: &str, what: &str) -> SqlResult<()> {
    let all = words(text);
    if let Some(word) = all.iter().find(|word| is_number_of_row(&text[word.range.clone()])) {
        let place = Some(Place::of(text, word.range.start));
        let reason = format!("{ROW} is no column: rows are numbered under that name while a {what} is looked at");
        return Err(SqlError::Refused { place, refusal: Refusal::NoExpression, reason });
    }
    if all.is_empty() {
        return Err(SqlError::Syntax { place: None, message: format!("there is no {what} in it") });
    }
    match all.iter().find(|word| word.is_sign(text, ";")) {
        Some(word) => {
            let place = Some(Place::of(text, word.range.start));
            let reason = format!("a {what} is one expression, without ';'");
            Err(SqlError::Refused { place, refusal: Refusal::NoExpression, reason })
        }
        None => Ok(()),
    }
}

fn is_number_of_row(word: &str) -> bool {
    word.trim_matches('"').eq_ignore_ascii_case(ROW)
}

/// A part of the query of a tree.
fn part<'a>(tree: &'a Value, name: &str) -> &'a Value {
    query_of(tree).and_then(|query| query.get(name)).unwrap_or(&Value::Null)
}

/// Whether a tree is that of a SELECT from one table, without GROUP BY, ORDER BY and the like.
fn is_plain_select(tree: &Value) -> bool {
    let is_empty = |name: &str| match part(tree, name) {
        Value::Array(values) => values.is_empty(),
        Value::Object(map) => map.values().all(|value| value.as_array().is_some_and(Vec::is_empty)),
        value => value.is_null(),
    };
    part(tree, "type") == "SELECT_NODE"
        && part(tree, "from_table").get("type").is_some_and(|kind| kind == "BASE_TABLE")
        && part(tree, "aggregate_handling") == "STANDARD_HANDLING"
        && ["modifiers", "cte_map", "group_expressions", "group_sets", "having", "qualify", "sample"]
            .into_iter()
            .all(is_empty)
}

/// Whether DuckDB may make a join of an expression: of a subquery, whatever it reads, and of a list.
pub(crate) fn joins_within(expression: &Value) -> bool {
    match expression {
        Value::Array(values) => values.iter().any(joins_within),
        Value::Object(object) => {
            object.get("class").is_some_and(|class| class == "SUBQUERY")
                || is_one_of("type", &LISTS, object)
                || is_one_of("function_name", &LIST_FUNCTIONS, object)
                || object.values().any(joins_within)
        }
        _ => false,
    }
}

/// Comparisons with lists, and functions that DuckDB takes for the same.
const LISTS: [&str; 2] = ["COMPARE_IN", "COMPARE_NOT_IN"];
const LIST_FUNCTIONS: [&str; 5] = ["contains", "list_contains", "list_has", "array_contains", "array_has"];

fn is_one_of(part: &str, known: &[&str], object: &Map<String, Value>) -> bool {
    let text = object.get(part).and_then(Value::as_str).unwrap_or_default();
    known.iter().any(|known| known.eq_ignore_ascii_case(text))
}

/// The columns of the table that an expression names.
fn columns_within(expression: &Value, table: &str) -> Vec<String> {
    match expression {
        Value::Array(values) => values.iter().flat_map(|value| columns_within(value, table)).collect(),
        Value::Object(object) => match column_of(expression, table) {
            Some(column) => vec![column],
            None => object.values().flat_map(|value| columns_within(value, table)).collect(),
        },
        _ => Vec::new(),
    }
}

/// Whether the table is named among the tables of an expression, or something of its name.
fn has_table(expression: &Value) -> bool {
    match expression {
        Value::Array(values) => values.iter().any(has_table),
        Value::Object(object) => {
            let name = object.get("table_name").and_then(Value::as_str).unwrap_or_default();
            name.eq_ignore_ascii_case("table") || object.values().any(has_table)
        }
        _ => false,
    }
}

fn is_of_rows(function: &str) -> bool {
    function == "unnest" || is_aggregate(function)
}

/// Whether an expression is over other rows than one, or gives more than one: what it does with whole tables of its own is its
/// own affair.
fn gives_other_rows(expression: &Value) -> bool {
    match expression {
        Value::Array(values) => values.iter().any(gives_other_rows),
        Value::Object(object) => match object.get("class").and_then(Value::as_str) {
            Some("SUBQUERY") => false,
            Some("WINDOW") => true,
            Some("FUNCTION") if is_of_rows(object.get("function_name").and_then(Value::as_str).unwrap_or_default()) => {
                true
            }
            _ => object.values().any(gives_other_rows),
        },
        _ => false,
    }
}
