//! Queries that give columns of the rows of one table as they are, where a condition holds, or count these.

use serde_json::{Map, Value};

use crate::separable::is_empty;
use crate::tree::{name_of_table, query_of};
use crate::words::{Quoted, words};

/// `SELECT columns FROM table WHERE condition`, or `SELECT count(*)` in its place, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    /// The name that the table has in the condition.
    pub table: String,
    /// What is wanted of its rows.
    pub wanted: Wanted,
    /// The text behind WHERE.
    pub condition: String,
}

/// What a query wants of the rows that a condition holds for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All columns.
    All,
    /// These, each as it is written.
    Columns(Vec<String>),
    /// How many there are, in a column of this name.
    Count(String),
}

/// Where something stands, and the one thing that it can be.
const OF_ANY: [&str; 5] = ["alias", "class", "query_location", "query_location_length", "type"];

/// What a text is whose tree says that it looks at each row of one table by itself.
pub(crate) fn plain(tree: &Value, text: &Quoted) -> Option<Plain> {
    let node = query_of(tree)?;
    let from = node.get("from_table")?;
    let table = name_of_table(from)?.to_owned();
    // With other names for the columns nobody knows which one is meant.
    if !node.get("where_clause")?.is_object() || !from.get("column_name_alias").is_none_or(is_empty) {
        return None;
    }
    let wanted = match node.get("select_list")?.as_array()?.as_slice() {
        [only] if is_all(only.as_object()?, &table) => Wanted::All,
        [only] if is_count(only.as_object()?) => Wanted::Count(name_of_count(only).to_owned()),
        several => {
            Wanted::Columns(several.iter().map(|column| name_of(column.as_object()?, &table)).collect::<Option<_>>()?)
        }
    };
    Some(Plain { table, wanted, condition: behind_where(&text.text)? })
}

/// Whether an expression is `*`, or `table.*`.
fn is_all(expression: &Map<String, Value>, table: &str) -> bool {
    let of = expression.get("relation_name").and_then(Value::as_str).unwrap_or_default();
    let is_plain = |(name, value): (&String, &Value)| {
        name == "relation_name" || OF_ANY.contains(&name.as_str()) || is_empty(value)
    };
    expression.get("class").is_some_and(|class| class == "STAR")
        && expression.get("alias").is_none_or(is_empty)
        && (of.is_empty() || of.eq_ignore_ascii_case(table))
        && expression.iter().all(is_plain)
}

/// Whether an expression is `count(*)`.
fn is_count(expression: &Map<String, Value>) -> bool {
    const NAMES: [&str; 3] = ["function_name", "qualified_name", "order_bys"];
    let is_plain = |(name, value): (&String, &Value)| {
        NAMES.contains(&name.as_str()) || OF_ANY.contains(&name.as_str()) || is_empty(value)
    };
    expression.get("class").is_some_and(|class| class == "FUNCTION")
        && expression.get("function_name").is_some_and(|name| name == "count_star")
        && expression.get("order_bys").is_none_or(is_empty)
        && expression.iter().all(is_plain)
}

/// The name of the column that it gives.
fn name_of_count(expression: &Value) -> &str {
    let alias = expression.get("alias").and_then(Value::as_str).filter(|alias| !alias.is_empty());
    alias.unwrap_or("count_star()")
}

/// The column that an expression is, under its own name.
fn name_of(expression: &Map<String, Value>, table: &str) -> Option<String> {
    if expression.get("class")? != "COLUMN_REF" {
        return None;
    }
    let names: Vec<&str> = expression.get("column_names")?.as_array()?.iter().filter_map(Value::as_str).collect();
    let name = match names.as_slice() {
        [name] => *name,
        [of, name] if of.eq_ignore_ascii_case(table) => *name,
        _ => return None,
    };
    let alias = expression.get("alias").and_then(Value::as_str).unwrap_or_default();
    (alias.is_empty() || alias == name).then(|| name.to_owned())
}

/// The condition of a text in which one stands last: what it looks at has no condition of its own.
fn behind_where(text: &str) -> Option<String> {
    let words = words(text);
    let mut all = words.iter().filter(|word| word.is(text, "where"));
    let (word, None) = (all.next()?, all.next()) else { return None };
    let mut rest = words.iter().filter(|other| other.range.start >= word.range.end);
    let first = rest.clone().next()?.range.start;
    let end = rest.find(|word| word.is_sign(text, ";")).map_or(text.len(), |word| word.range.start);
    text.get(first..end).map(str::to_owned)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::asked::check_query;
    use crate::params::Params;
    use crate::words::quote_table;

    use super::Wanted;

    fn told(text: &str) -> Option<(String, Wanted, String)> {
        let looked = check_query(&quote_table(text), &Params::None).unwrap();
        looked.plain.map(|plain| (plain.table, plain.wanted, plain.condition))
    }

    #[test]
    fn columns_and_a_condition_are_plain() {
        let columns = |names: &[&str]| Wanted::Columns(names.iter().map(|name| (*name).to_owned()).collect());
        for (text, table, wanted, condition) in [
            ("SELECT * FROM table WHERE id < 5", "table", Wanted::All, "id < 5"),
            ("from t select t.* where t.id = 5 ; -- that one", "t", Wanted::All, "t.id = 5 "),
            (
                "SELECT a, t.\"b c\" FROM \"v1\".x AS t WHERE a = 'where' /* or where */",
                "t",
                columns(&["a", "b c"]),
                "a = 'where' /* or where */",
            ),
            ("SELECT a AS a, B FROM t\nWHERE\n(a OR b) AND\nc", "t", columns(&["a", "B"]), "(a OR b) AND\nc"),
            ("SELECT count(*) FROM t WHERE a < 5", "t", Wanted::Count("count_star()".to_owned()), "a < 5"),
            ("SELECT count() AS \"n m\" FROM t WHERE a < 5", "t", Wanted::Count("n m".to_owned()), "a < 5"),
        ] {
            assert_eq!(told(text), Some((table.to_owned(), wanted, condition.to_owned())), "{text}");
        }
    }

    #[test]
    fn nothing_else_is() {
        for text in [
            "SELECT * FROM t",
            "SELECT a + 1 FROM t WHERE a < 5",
            "SELECT a AS b FROM t WHERE b < 5",
            "SELECT *, a FROM t WHERE a < 5",
            "SELECT * EXCLUDE (a) FROM t WHERE a < 5",
            "SELECT * REPLACE (a + 1 AS a) FROM t WHERE a < 5",
            "SELECT * RENAME (a AS b) FROM t WHERE a < 5",
            "SELECT COLUMNS('a.*') FROM t WHERE a < 5",
            "SELECT s.a.b FROM t WHERE a < 5",
            "SELECT x FROM t AS u(x, y) WHERE x < 5",
            "SELECT * FROM t WHERE a < 5 LIMIT 3",
            "SELECT * FROM t WHERE a < 5 ORDER BY a",
            "SELECT DISTINCT a FROM t WHERE a < 5",
            "SELECT * FROM t WHERE a < (SELECT max(a) FROM t WHERE b)",
            "SELECT a, count(*) FILTER (WHERE a > 1) FROM t WHERE a < 5 GROUP BY a",
            "SELECT * FROM t, u WHERE t.a < 5",
            "SELECT count(a) FROM t WHERE a < 5",
            "SELECT count(DISTINCT a) FROM t WHERE a < 5",
            "SELECT count(*) FILTER (WHERE a > 1) FROM t WHERE a < 5",
            "SELECT count(*) OVER () FROM t WHERE a < 5",
            "SELECT count(*), a FROM t WHERE a < 5",
            "SELECT count(*) + 1 FROM t WHERE a < 5",
            "SELECT count(*) FROM t WHERE a < 5 GROUP BY a",
            "SELECT count(*) FROM t WHERE a < 5 HAVING count(*) > 1",
            "SELECT count(*) FROM t WHERE a < 5 LIMIT 0",
            "SELECT count(*) FROM t WHERE a < (SELECT 5)",
            "SELECT * FROM t WHERE a < random()",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
    }
}
