//! Which queries give the same rows when they run over parts of a table one after the other.

use serde_json::{Map, Value};

use crate::tree::query_of;

/// Functions whose value for a row depends on nothing but their arguments: no aggregates, no random numbers, nothing that
/// tells the time.
const FUNCTIONS: &str = include_str!("row_functions.txt");

/// What an expression of such a query can be made of.
const EXPRESSIONS: [&str; 12] = [
    "BETWEEN",
    "CASE",
    "CAST",
    "COLUMN_REF",
    "COMPARISON",
    "CONJUNCTION",
    "CONSTANT",
    "FUNCTION",
    "OPERATOR",
    "PARAMETER",
    "STAR",
    "TYPE",
];

/// Names without brackets that DuckDB takes for functions where there is no column of that name; those that begin with
/// `current_` are as well.
const HIDDEN_FUNCTIONS: [&str; 4] = ["localtime", "localtimestamp", "session_user", "user"];

/// Parts of a query that may be there; all others have to be empty.
const PARTS: [&str; 5] = ["type", "select_list", "from_table", "where_clause", "aggregate_handling"];
const TABLE_PARTS: [&str; 8] = [
    "type",
    "alias",
    "query_location",
    "query_location_length",
    "schema_name",
    "table_name",
    "column_name_alias",
    "qualified_name",
];

/// Whether a tree is one SELECT that looks at each row of one table by itself: its rows over the whole table are its rows over
/// the parts of the table, in turn. What is not known is not separable.
pub(crate) fn is_separable(tree: &Value) -> bool {
    reads_row_by_row(tree) && query_of(tree).and_then(|node| node.get("select_list")).is_none_or(is_of_one_row)
}

/// The same but for what is made of the rows.
pub(crate) fn reads_row_by_row(tree: &Value) -> bool {
    let Some(node) = query_of(tree).and_then(Value::as_object) else { return false };
    let text = |name: &str| node.get(name).and_then(Value::as_str);
    let Some(table) = node.get("from_table").and_then(Value::as_object) else { return false };
    text("type") == Some("SELECT_NODE")
        && text("aggregate_handling") == Some("STANDARD_HANDLING")
        && has_only(node, &PARTS)
        && table.get("type").is_some_and(|kind| kind == "BASE_TABLE")
        && has_only(table, &TABLE_PARTS)
        && node.get("where_clause").is_none_or(is_of_one_row)
}

fn has_only(object: &Map<String, Value>, parts: &[&str]) -> bool {
    object.iter().all(|(name, value)| parts.contains(&name.as_str()) || is_empty(value))
}

pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(map) => map.iter().all(|(name, value)| name == "type" || is_empty(value)),
        _ => false,
    }
}

fn is_of_one_row(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().all(is_of_one_row),
        Value::Object(object) => is_known(object) && object.values().all(is_of_one_row),
        _ => true,
    }
}

fn is_known(object: &Map<String, Value>) -> bool {
    let Some(class) = object.get("class").and_then(Value::as_str) else {
        // What is no expression: the branches of CASE, arguments, constants, types.
        return true;
    };
    if !EXPRESSIONS.contains(&class) {
        return false;
    }
    match class {
        "FUNCTION" => {
            let name = object.get("function_name").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
            let plain = ["filter", "order_bys", "distinct", "export_state", "schema", "catalog"];
            FUNCTIONS.lines().any(|known| known == name)
                && plain.into_iter().all(|part| object.get(part).is_none_or(is_empty))
        }
        "COLUMN_REF" => {
            let names = object.get("column_names").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let name = names.last().and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
            !name.starts_with("current_") && !HIDDEN_FUNCTIONS.contains(&name.as_str())
        }
        _ => true,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::check::check;
    use crate::words::quote_table;

    #[test]
    fn each_row_by_itself_is_separable_and_nothing_else() {
        let is_separable = |sql: &str| check(&quote_table(sql)).unwrap().is_separable();
        for sql in [
            "SELECT * FROM table WHERE k < 10",
            "SELECT a, t.*, lower(b) AS low FROM \"v1.0\".x AS t WHERE k IN (1, 2) AND b LIKE 'a%' OR c IS NULL",
            "FROM table",
            "SELECT * EXCLUDE (a) REPLACE (a + 1 AS b) FROM table WHERE a BETWEEN ? AND ?",
            "SELECT CASE WHEN a > 1 THEN 'x' ELSE b END, a::VARCHAR, CAST(b AS DATE) FROM t WHERE NOT a",
            "SELECT year(d), date_trunc('month', d), s.a.b, l[1] FROM t",
        ] {
            assert!(is_separable(sql), "{sql}");
        }
        for sql in [
            "SELECT 1",
            "SELECT count(*) FROM table",
            "SELECT sum(a) FROM table",
            "SELECT a FROM table ORDER BY a",
            "SELECT a FROM table LIMIT 5",
            "SELECT DISTINCT a FROM table",
            "SELECT a FROM table GROUP BY a",
            "SELECT a FROM table GROUP BY ALL",
            "SELECT a FROM table HAVING a > 1",
            "SELECT a FROM table QUALIFY row_number() OVER () = 1",
            "SELECT row_number() OVER () FROM table",
            "SELECT random() FROM table",
            "SELECT uuid(), a FROM table",
            "SELECT now() FROM table",
            "SELECT current_date FROM table",
            "SELECT a FROM table WHERE d < current_timestamp",
            "SELECT a FROM table, other",
            "SELECT a FROM table JOIN other USING (a)",
            "SELECT a FROM table WHERE a IN (SELECT a FROM other)",
            "SELECT (SELECT max(a) FROM other) FROM table",
            "WITH w AS (SELECT 1) SELECT a FROM table",
            "WITH w AS (SELECT 1) SELECT a FROM w",
            "SELECT a FROM table USING SAMPLE 5 ROWS",
            "SELECT a FROM table TABLESAMPLE 10%",
            "SELECT a FROM (SELECT * FROM table)",
            "SELECT a FROM table UNION ALL SELECT a FROM table",
            "SELECT unnest(l) FROM table",
            "SELECT COLUMNS(c -> c LIKE 'a%') FROM table",
            "SELECT list_transform(l, x -> x + 1) FROM table",
            "SELECT min(a) FILTER (WHERE a > 1) FROM table",
            "SELECT * FROM range(5)",
            "SELECT max(COLUMNS(*)) FROM table",
        ] {
            assert!(!is_separable(sql), "{sql}");
        }
    }
}
