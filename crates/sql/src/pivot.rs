//! `PIVOT` without a list of values: DuckDB takes them from the data, and cannot give the tree of such a statement.

use serde_json::Value;

use crate::words::{Quoted, words};

/// A PIVOT and how far it was looked at.
struct Pivot {
    /// How many brackets it stands in.
    depth: usize,
    expression: Expression,
}

/// What stands behind ON.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expression {
    /// It has not begun.
    Before,
    /// It has no list of values.
    Open,
    WithValues,
    Over,
}

impl Pivot {
    fn lacks_values(&self) -> bool {
        self.expression == Expression::Open
    }
}

/// The same statement with a list of values, so that it has a tree. What it reads and calls is the same. `None` for all others.
pub(crate) fn with_values(quoted: &Quoted) -> Option<Quoted> {
    const ENDS: [&str; 7] = ["using", "group", "order", "limit", "union", "except", "intersect"];
    let text = quoted.text.as_str();
    let all = words(text);
    // Such a statement is refused in any case: without a list it is told what it lacks.
    let has_names = all.iter().any(|word| word.is(text, "with"));
    let mut depth = 0_usize;
    let mut inserts = Vec::new();
    // Those that are not over, the innermost last.
    let mut pivots: Vec<Pivot> = Vec::new();
    for word in &all {
        let is_sign = |signs: [&str; 3]| signs.iter().any(|sign| word.is_sign(text, sign));
        if is_sign(["(", "[", "{"]) {
            depth += 1;
            continue;
        }
        if is_sign([")", "]", "}"]) {
            while let Some(pivot) = pivots.pop_if(|pivot| pivot.depth == depth) {
                inserts.extend(pivot.lacks_values().then_some(word.range.start));
            }
            depth = depth.checked_sub(1)?;
            continue;
        }
        if (word.is(text, "pivot") || word.is(text, "pivot_wider")) && !(has_names && depth > 0) {
            pivots.push(Pivot { depth, expression: Expression::Before });
            continue;
        }
        let Some(pivot) = pivots.last_mut().filter(|pivot| pivot.depth == depth) else { continue };
        match pivot.expression {
            Expression::Before if word.is(text, "on") => pivot.expression = Expression::Open,
            Expression::Open if word.is(text, "in") => pivot.expression = Expression::WithValues,
            Expression::Open | Expression::WithValues => {
                let goes_on = word.is_sign(text, ",");
                if goes_on || word.is_sign(text, ";") || ENDS.iter().any(|end| word.is(text, end)) {
                    inserts.extend(pivot.lacks_values().then_some(word.range.start));
                    pivot.expression = if goes_on { Expression::Open } else { Expression::Over };
                }
            }
            Expression::Before | Expression::Over => {}
        }
    }
    let end = all.last().map_or(0, |word| word.range.end);
    inserts.extend(pivots.iter().rev().filter(|pivot| pivot.lacks_values()).map(|_| end));
    (!inserts.is_empty()).then(|| quoted.with_inserted(&inserts, " IN ('') "))
}

/// Whether a statement that was given a list may run without it. DuckDB collects the values by a query of their own: for a PIVOT that
/// stands within another query it does not know the names that WITH gives, and would look for tables of these names, its own catalogue
/// among them.
pub(crate) fn may_run(tree: &Value) -> bool {
    let node = tree.get("statements").and_then(|statements| statements.get(0)?.get("node"));
    let from = node.and_then(|node| node.get("from_table")?.get("type"));
    let (mut pivots, mut has_names) = (0, false);
    count(tree, &mut pivots, &mut has_names);
    !has_names || (pivots == 1 && from.is_some_and(|kind| kind == "PIVOT"))
}

fn count(value: &Value, pivots: &mut usize, has_names: &mut bool) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| count(value, pivots, has_names)),
        Value::Object(object) => {
            *pivots += usize::from(object.get("type").is_some_and(|kind| kind == "PIVOT"));
            let named = object.get("cte_map").and_then(|map| map.get("map")?.as_array());
            *has_names |= named.is_some_and(|named| !named.is_empty());
            object.values().for_each(|value| count(value, pivots, has_names));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_expression_gets_a_list() {
        for (text, expected) in [
            ("PIVOT t ON a USING sum(b)", "PIVOT t ON a  IN ('') USING sum(b)"),
            ("PIVOT t ON a, f(b, c) GROUP BY d", "PIVOT t ON a IN ('') , f(b, c)  IN ('') GROUP BY d"),
            ("WITH x AS (SELECT 1) PIVOT x ON a;", "WITH x AS (SELECT 1) PIVOT x ON a IN ('') ;"),
            ("PIVOT t ON a", "PIVOT t ON a IN ('') "),
            (
                "SELECT * FROM (PIVOT t ON f(a) USING sum(b)) x",
                "SELECT * FROM (PIVOT t ON f(a)  IN ('') USING sum(b)) x",
            ),
            (
                "FROM (PIVOT (PIVOT t ON a) ON b, c IN (1)) x, y WHERE c IN (1)",
                "FROM (PIVOT (PIVOT t ON a IN ('') ) ON b IN ('') , c IN (1)) x, y WHERE c IN (1)",
            ),
        ] {
            let changed = with_values(&Quoted::unchanged(text)).map(|changed| changed.text);
            assert_eq!(changed.as_deref(), Some(expected));
        }
        for text in [
            "WITH x AS (SELECT 1) SELECT * FROM (PIVOT x ON a)",
            "WITH x AS (SELECT 1), y AS (PIVOT x ON a) FROM y",
            "SELECT 1",
            "PIVOT t ON a IN (1, 2) USING sum(b)",
            "SELECT * FROM t JOIN u ON a = b",
            "",
        ] {
            assert_eq!(with_values(&Quoted::unchanged(text)), None);
        }
    }
}
