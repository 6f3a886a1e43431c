//! States that Vaex has written.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::Frame;
use super::state::{object, text, wrong};
use crate::error::ColumnsResult;
use crate::expr::Expr;
use crate::value::Value;

/// The frame with what a state of Vaex says. Its functions are pickled Python, which is not read: what calls them is an error, unless a
/// function of that name is registered.
pub(super) fn apply(frame: &Frame, state: &Map<String, Json>) -> ColumnsResult<Frame> {
    let mut next = frame.clone();
    for pair in state.get("renamed_columns").and_then(Json::as_array).into_iter().flatten() {
        match pair.as_array().map(Vec::as_slice) {
            Some([Json::String(old), Json::String(new)]) => next = next.rename(old, new.as_str())?,
            _ => return Err(wrong("its `renamed_columns` are no pairs of names")),
        }
    }
    let scope = Arc::make_mut(&mut next.scope);
    for (name, value) in object(state, "variables")? {
        let value = match value {
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => match number.as_i64() {
                Some(whole) => Value::Int(whole.into()),
                None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(written) => Value::from(written.as_str()),
            // Arrays and the like are encoded as objects; nothing needs them unless an expression names them.
            _ => continue,
        };
        scope.variables.insert(name.as_str().into(), value);
    }
    for (name, expr) in object(state, "virtual_columns")? {
        scope.virtuals.insert(name.as_str().into(), Expr::parse(text(expr, "virtual_columns")?)?);
    }
    for (name, selection) in object(state, "selections")? {
        let Some(condition) = condition(selection)? else { continue };
        if name == "__filter__" {
            next.filter = Some(condition);
        } else {
            scope.selections.insert(name.as_str().into(), condition);
        }
    }
    if let Some([from, to]) = state.get("active_range").and_then(Json::as_array).map(Vec::as_slice) {
        let (Some(from), Some(to)) = (from.as_u64(), to.as_u64()) else {
            return Err(wrong("its `active_range` is no pair of rows"));
        };
        // A state may be applied to a table of another length, all rows of which are meant where all of the first were.
        if from > 0 {
            let start = (next.rows.start + from).min(next.rows.end);
            next.rows = start..(next.rows.start + to).min(next.rows.end).max(start);
        }
    }
    let shown =
        state.get("column_names").and_then(Json::as_array).ok_or_else(|| wrong("its `column_names` are no list"))?;
    let shown: Vec<Arc<str>> = shown
        .iter()
        .map(|name| text(name, "column_names").map(Arc::from))
        .filter(|name| !name.as_ref().is_ok_and(|name: &Arc<str>| name.starts_with("__")))
        .collect::<ColumnsResult<_>>()?;
    next.names = Arc::new(shown);
    next.checked()
}

/// The condition that a selection of Vaex is, with those before it.
fn condition(selection: &Json) -> ColumnsResult<Option<Expr>> {
    let Some(members) = selection.as_object() else { return Ok(None) };
    let kind = members.get("type").map(|kind| text(kind, "selections")).transpose()?.unwrap_or_default();
    let own = match kind {
        "expression" => {
            let written = members.get("boolean_expression").ok_or_else(|| wrong("a selection has no expression"))?;
            Expr::parse(text(written, "selections")?)?
        }
        other => return Err(wrong(format!("a selection of type '{other}' is known to Vaex only"))),
    };
    let before = members.get("previous_selection").map(condition).transpose()?.flatten();
    let mode = members.get("mode").map(|mode| text(mode, "selections")).transpose()?.unwrap_or("replace");
    Ok(Some(match (before, mode) {
        (None, _) | (_, "replace") => own,
        (Some(before), "and") => before.and(own),
        (Some(before), "or") => before.or(own),
        (Some(before), "xor") => before.xor(own),
        (Some(before), "subtract") => before.and(own.not()),
        (_, other) => return Err(wrong(format!("a selection is combined by '{other}', which is unknown"))),
    }))
}
