//! What was made of a source, as JSON: names, virtual columns, variables, selections, the filter and the rows. It holds no data, and can be
//! applied to any frame that has the columns.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::Frame;
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::{Expr, Kind, Unary};
use crate::plan::Planner;
use crate::value::Value;

/// The version of the form that is written.
const VERSION: u64 = 1;

impl Frame {
    /// Everything that was made of the source, to be applied to another one. Functions of the caller's own are named in expressions, and
    /// have to be registered there again. Rows that were drawn or put in another order are those of a source of its own, of which a state
    /// says nothing.
    pub fn state(&self) -> Json {
        let texts = |expressions: &indexmap::IndexMap<Arc<str>, Expr>| -> Map<String, Json> {
            expressions.iter().map(|(name, expr)| (name.to_string(), json!(expr.to_string()))).collect()
        };
        let source = self.source.schema();
        let columns: Map<String, Json> = self
            .scope
            .columns
            .iter()
            .filter_map(|(name, column)| Some((name.to_string(), json!(source.fields().get(column.place)?.name()))))
            .collect();
        let variables: Map<String, Json> =
            self.scope.variables.iter().map(|(name, value)| (name.to_string(), json!(value.to_string()))).collect();
        let is_whole = self.rows == (0..self.source.rows());
        json!({
            "frame_state": VERSION,
            "names": self.names.iter().map(|name| name.to_string()).collect::<Vec<_>>(),
            "columns": columns,
            "virtual_columns": texts(&self.scope.virtuals),
            "variables": variables,
            "selections": texts(&self.scope.selections),
            "filter": self.filter.as_ref().map(|filter| filter.to_string()),
            "rows": (!is_whole).then_some([self.rows.start, self.rows.end]),
        })
    }

    /// The rows of this frame with what a state says: one of [`state`](Self::state), or a state file of Vaex.
    ///
    /// # Errors
    /// [`InvalidOption`](ColumnsError::InvalidOption) where it is no state, and errors of expressions that name columns which this frame
    /// lacks, or functions that there are not.
    pub fn with_state(&self, state: &Json) -> ColumnsResult<Self> {
        let Some(members) = state.as_object() else {
            return Err(wrong("a state is a JSON object"));
        };
        match members.get("frame_state").map(Json::as_u64) {
            Some(Some(VERSION)) => self.with_own_state(members),
            Some(_) => {
                Err(wrong(format!("its `frame_state` is {}, and this release reads {VERSION}", state["frame_state"])))
            }
            None if members.contains_key("column_names") => super::vaex_state::apply(self, members),
            None => Err(wrong("it has neither `frame_state` nor, as states of Vaex have, `column_names`")),
        }
    }

    fn with_own_state(&self, members: &Map<String, Json>) -> ColumnsResult<Self> {
        let mut frame = Self::new(self.source.clone());
        frame.rows = match members.get("rows") {
            None | Some(Json::Null) => self.rows.clone(),
            Some(rows) => {
                let pair = rows.as_array().and_then(|rows| Some((rows.first()?.as_u64()?, rows.get(1)?.as_u64()?)));
                let (start, end) = pair.ok_or_else(|| wrong("its `rows` are no pair of numbers"))?;
                // Another table may have fewer.
                let start = self.rows.start.saturating_add(start).min(self.rows.end);
                start..self.rows.start.saturating_add(end).clamp(start, self.rows.end)
            }
        };
        frame.results = self.results.clone();
        frame.origins = self.origins.clone();
        let scope = Arc::make_mut(&mut frame.scope);
        scope.functions = self.scope.functions.clone();
        let known = std::mem::take(&mut scope.columns);
        for (name, column) in object(members, "columns")? {
            let column = text(column, "columns")?;
            let Some(found) = known.get(column) else {
                return Err(wrong(format!("it needs a column '{column}', which is not here")));
            };
            scope.columns.insert(name.as_str().into(), found.clone());
        }
        for (name, value) in object(members, "variables")? {
            scope.variables.insert(name.as_str().into(), value_of(text(value, "variables")?)?);
        }
        for (name, expr) in object(members, "virtual_columns")? {
            scope.virtuals.insert(name.as_str().into(), Expr::parse(text(expr, "virtual_columns")?)?);
        }
        for (name, expr) in object(members, "selections")? {
            scope.selections.insert(name.as_str().into(), Expr::parse(text(expr, "selections")?)?);
        }
        frame.filter = match members.get("filter") {
            None | Some(Json::Null) => None,
            Some(filter) => Some(Expr::parse(text(filter, "filter")?)?),
        };
        let names = members.get("names").and_then(Json::as_array).ok_or_else(|| wrong("its `names` are no list"))?;
        let names: Vec<Arc<str>> =
            names.iter().map(|name| text(name, "names").map(Arc::from)).collect::<ColumnsResult<_>>()?;
        frame.names = Arc::new(names);
        frame.checked()
    }

    /// The frame, if all of its expressions can be bound.
    pub(super) fn checked(self) -> ColumnsResult<Self> {
        let mut planner = Planner::new(&self.scope);
        for name in self.names.iter() {
            planner.bind(&crate::expr::col(name.clone()))?;
        }
        for condition in self.scope.selections.values().chain(&self.filter) {
            planner.bind_condition(condition)?;
        }
        Ok(self)
    }
}

/// A value that is written out.
pub(super) fn value_of(written: &str) -> ColumnsResult<Value> {
    let not_a_value = || wrong(format!("'{written}' is no value of a variable"));
    fn of(expr: &Expr) -> Option<Value> {
        match &*expr.kind {
            Kind::Literal(value) => Some(value.clone()),
            Kind::Unary(Unary::Minus, operand) => match of(operand)? {
                Value::Int(value) => Some(Value::Int(-value)),
                Value::Float(value) => Some(Value::Float(-value)),
                _ => None,
            },
            Kind::List(items) => items.iter().map(of).collect::<Option<_>>().map(Value::List),
            _ => None,
        }
    }
    of(&Expr::parse(written)?).ok_or_else(not_a_value)
}

pub(super) fn object<'m>(
    members: &'m Map<String, Json>,
    key: &str,
) -> ColumnsResult<impl Iterator<Item = (&'m String, &'m Json)>> {
    match members.get(key) {
        None | Some(Json::Null) => Ok(None.into_iter().flatten()),
        Some(Json::Object(found)) => Ok(Some(found.iter()).into_iter().flatten()),
        Some(_) => Err(wrong(format!("its `{key}` are no JSON object"))),
    }
}

pub(super) fn text<'j>(value: &'j Json, key: &str) -> ColumnsResult<&'j str> {
    value.as_str().ok_or_else(|| wrong(format!("among its `{key}` is {value}, where text is expected")))
}

/// The error of a state that is none.
pub(super) fn wrong(reason: impl std::fmt::Display) -> ColumnsError {
    ColumnsError::option(format!("the state of a frame cannot be applied: {reason}"))
}
