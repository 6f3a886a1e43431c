//! `PIVOT` without a list of values: DuckDB takes them from the data, and cannot give the tree of such a statement.

use crate::words::{Kind, words};

/// The same statement with a list of values, so that it has a tree. What it reads and calls is the same. `None` for all others.
pub(crate) fn with_values(text: &str) -> Option<String> {
    let all = words(text);
    let mut depth = 0_usize;
    let mut inserts = Vec::new();
    // Inside of ON: whether its expression has a list already.
    let mut expression: Option<bool> = None;
    let mut is_pivot = false;
    for word in &all {
        if word.is_sign(text, "(") || word.is_sign(text, "[") || word.is_sign(text, "{") {
            depth += 1;
        } else if word.is_sign(text, ")") || word.is_sign(text, "]") || word.is_sign(text, "}") {
            depth = depth.checked_sub(1)?;
        }
        if depth > 0 {
            continue;
        }
        if word.is(text, "pivot") || word.is(text, "pivot_wider") {
            is_pivot = true;
        } else if is_pivot && expression.is_none() && word.is(text, "on") {
            expression = Some(false);
        } else if let Some(has_values) = expression {
            let ends = ["using", "group", "order", "limit", "union", "except", "intersect"];
            if word.is(text, "in") {
                expression = Some(true);
            } else if word.is_sign(text, ",") || word.is_sign(text, ";") || ends.iter().any(|end| word.is(text, end)) {
                if !has_values {
                    inserts.push(word.range.start);
                }
                let goes_on = word.kind == Kind::Sign && word.is_sign(text, ",");
                expression = goes_on.then_some(false);
                is_pivot = goes_on;
            }
        }
    }
    if expression == Some(false) {
        inserts.push(all.last()?.range.end);
    }
    if inserts.is_empty() {
        return None;
    }
    let mut changed = String::with_capacity(text.len() + 10 * inserts.len());
    let mut copied = 0;
    for at in inserts {
        changed.push_str(&text[copied..at]);
        changed.push_str(" IN ('') ");
        copied = at;
    }
    changed.push_str(&text[copied..]);
    Some(changed)
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
        ] {
            assert_eq!(with_values(text).as_deref(), Some(expected));
        }
        for text in ["SELECT 1", "PIVOT t ON a IN (1, 2) USING sum(b)", "SELECT * FROM t JOIN u ON a = b", ""] {
            assert_eq!(with_values(text), None);
        }
    }
}
