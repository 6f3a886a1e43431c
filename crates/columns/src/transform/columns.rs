//! The columns that transforms take and add.

use std::collections::HashSet;
use std::sync::Arc;

use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::{Expr, col};
use crate::frame::Frame;
use crate::types::Type;

/// A column that a transform adds.
pub(super) struct Output {
    /// The column that it is computed of.
    pub(super) input: Arc<str>,
    pub(super) name: String,
    pub(super) expr: Expr,
}

/// The names of the columns that something is fitted to: at least one, and none twice.
pub(super) fn named<S: AsRef<str>>(columns: &[S]) -> ColumnsResult<Vec<Arc<str>>> {
    let names: Vec<Arc<str>> = columns.iter().map(|name| Arc::from(name.as_ref())).collect();
    distinct(names.iter().map(|name| &**name))?;
    Ok(names)
}

/// Refuses no columns, and one that is named twice.
pub(super) fn distinct<'n>(names: impl Iterator<Item = &'n str>) -> ColumnsResult<()> {
    let mut known = HashSet::new();
    for name in names {
        if !known.insert(name) {
            return Err(ColumnsError::option(format!(
                "a transform takes each column once, and `{name}` is named twice"
            )));
        }
    }
    if known.is_empty() {
        return Err(ColumnsError::option("a transform takes at least one column"));
    }
    Ok(())
}

/// A column of numbers; truth values are taken as 0 and 1.
pub(super) fn number(frame: &Frame, name: &Arc<str>) -> ColumnsResult<Expr> {
    let expr = col(name.clone());
    match frame.type_of(&expr)? {
        type_ if type_.is_number() => Ok(expr),
        Type::Bool => Ok(expr.cast(Type::Float64)),
        other => Err(ColumnsError::mismatch(
            &expr,
            format!("a scaler takes numbers and truth values, and `{name}` is {other}; an encoder makes numbers of it"),
        )),
    }
}

/// The frame with these columns. Each is computed of what the frame has now, whichever is added first: so none may have the name of
/// a column that another one is computed of.
pub(super) fn add(frame: &Frame, outputs: Vec<Output>) -> ColumnsResult<Frame> {
    let inputs: HashSet<Arc<str>> = outputs.iter().map(|output| output.input.clone()).collect();
    let mut names = HashSet::new();
    for output in &outputs {
        let name = output.name.as_str();
        if !names.insert(name) {
            return Err(ColumnsError::option(format!(
                "two columns that this transform adds are called `{name}`; fit those columns by themselves, with a `prefix` each"
            )));
        }
        if inputs.contains(name) && *output.input != *name {
            return Err(ColumnsError::option(format!(
                "this transform would put a column `{name}` in the place of one that it is computed of; give it another `prefix`"
            )));
        }
    }
    let mut next = frame.clone();
    let mut added: Vec<Arc<str>> = Vec::with_capacity(outputs.len());
    for Output { name, expr, .. } in outputs {
        let name: Arc<str> = name.into();
        next = next.with_column(name.clone(), expr);
        added.push(name);
    }
    // What cannot be computed is told here, not by the question that first uses the column.
    for name in added {
        next.type_of(col(name))?;
    }
    Ok(next)
}
