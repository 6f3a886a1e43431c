//! What a query asks of the rows of its table: rows for which that is not true need not be read.

use serde_json::Value;

use crate::bounds::{Bound, bounds};
use crate::check::{Checked, with_tree};
use crate::error::SqlResult;
use crate::params::Params;
use crate::plain::{Plain, plain};
use crate::separable::{is_empty, reads_row_by_row};
use crate::tree::{name_of_table, query_of};
use crate::words::Quoted;

/// What a query over one table asks of single columns of each row that counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The name that the table has in the query.
    pub table: String,
    /// What its rows are compared with.
    pub bounds: Vec<Bound>,
}

/// A query that may run, and what is known of how it looks at its table.
#[derive(Debug, Clone)]
pub struct Looked {
    /// The query.
    pub checked: Checked,
    /// What is asked of the rows of the one table that it reads, once; of all other queries nothing is.
    pub asked: Option<Asked>,
    /// The query as one of columns and a condition, or of how many rows there are, where it is no more than that.
    pub plain: Option<Plain>,
}

/// Parses a text as [`check`](crate::check()) does, and looks at what it does with its table.
///
/// # Errors
/// As [`check`](crate::check()).
pub fn check_query(text: &Quoted, params: &Params) -> SqlResult<Looked> {
    let (checked, (asked, plain)) =
        with_tree(text, |tree| (asked(tree, params), reads_row_by_row(tree).then(|| plain(tree, text)).flatten()))?;
    Ok(Looked { checked, asked, plain })
}

fn asked(tree: &Value, params: &Params) -> Option<Asked> {
    let node = query_of(tree)?;
    let table = node.get("from_table")?;
    let is = |part: &Value, kind: &str| part.get("type").is_some_and(|of| of == kind);
    // WITH may give the name of the table to something else. A sample is taken of all rows. With other names for the columns nobody
    // knows which one is meant.
    let lacks = |part: &Value, name: &str| part.get(name).is_none_or(is_empty);
    let is_plain = is(node, "SELECT_NODE")
        && is(table, "BASE_TABLE")
        && lacks(node, "cte_map")
        && lacks(node, "sample")
        && lacks(table, "sample")
        && lacks(table, "column_name_alias");
    if !is_plain || tables(tree) != 1 {
        return None;
    }
    let name = name_of_table(table)?;
    let bounds = bounds(node.get("where_clause")?, name, params);
    (!bounds.is_empty()).then(|| Asked { table: name.to_owned(), bounds })
}

/// How many tables are read, each as often as it stands there.
fn tables(part: &Value) -> usize {
    match part {
        Value::Array(values) => values.iter().map(tables).sum(),
        Value::Object(object) => {
            let is_table = object.get("type").is_some_and(|kind| kind == "BASE_TABLE");
            usize::from(is_table) + object.values().map(tables).sum::<usize>()
        }
        _ => 0,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::words::quote_table;

    fn told(text: &str) -> Option<(String, Vec<String>)> {
        let looked = check_query(&quote_table(text), &Params::Positional(vec![5.into()])).unwrap();
        looked.asked.map(|asked| (asked.table, asked.bounds.into_iter().map(|bound| bound.column).collect()))
    }

    #[test]
    fn queries_over_one_table_ask_something_of_its_rows() {
        for (text, table, columns) in [
            ("SELECT * FROM table WHERE id < 5", "table", vec!["id"]),
            ("FROM table WHERE table.id < ? AND x > y", "table", vec!["id"]),
            ("SELECT count(*) FROM t WHERE t.id = 5 AND (x > 1.5 AND abs(y) = 1)", "t", vec!["id", "x"]),
            (
                "SELECT a, sum(x) FROM t AS u WHERE u.id IN (1, 2) GROUP BY a HAVING sum(x) > 3 ORDER BY a LIMIT 2",
                "u",
                vec!["id"],
            ),
            (
                "SELECT x AS id, row_number() OVER () FROM \"snapshot\".t WHERE id BETWEEN 1 AND 2",
                "t",
                vec!["id", "id"],
            ),
        ] {
            let columns = columns.into_iter().map(str::to_owned).collect();
            assert_eq!(told(text), Some((table.to_owned(), columns)), "{text}");
        }
    }

    #[test]
    fn all_others_ask_nothing() {
        for text in [
            "SELECT * FROM t",
            "SELECT * FROM t WHERE id < 5 OR x > 1",
            "SELECT * FROM t AS u WHERE t.id < 5 IS NULL",
            "SELECT * FROM t AS u(x, id) WHERE id < 5",
            "SELECT * FROM t TABLESAMPLE 10% WHERE id < 5",
            "SELECT * FROM t WHERE id < 5 USING SAMPLE 3",
            "SELECT * FROM t WHERE id < 5 AND x < (SELECT max(x) FROM t)",
            "SELECT * FROM t, u WHERE id < 5",
            "SELECT * FROM t JOIN u USING (id) WHERE id < 5",
            "SELECT * FROM (SELECT * FROM t) WHERE id < 5",
            "WITH t AS (SELECT id + 1 AS id FROM t) SELECT * FROM t WHERE id < 5",
            "SELECT * FROM t WHERE id < 5 UNION ALL SELECT * FROM t",
            "SELECT count(*) FILTER (WHERE id < 5) FROM t",
            "SELECT id FROM t GROUP BY id HAVING id < 5",
            "SELECT id FROM t QUALIFY row_number() OVER (ORDER BY id) < 5",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
    }
}
