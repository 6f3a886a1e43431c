//! Virtual columns, filters and variables of a frame.

use std::sync::Arc;

use super::Frame;
use crate::error::ColumnsResult;
use crate::expr::Expr;
use crate::plan::Planner;
use crate::types::Type;
use crate::value::Value;

impl Frame {
    /// The names of the columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// The type of the values of an expression.
    ///
    /// # Errors
    /// Those of an expression that names no column, or combines what cannot be combined.
    pub fn type_of(&self, expr: impl Into<Expr>) -> ColumnsResult<Type> {
        let mut planner = Planner::new(&self.scope);
        let node = planner.bind(&expr.into())?;
        Ok(planner.type_of(node))
    }

    /// Adds a column that is computed, or replaces the one of that name. What refers to a replaced one sees the new one.
    #[must_use]
    pub fn with_column(&self, name: impl Into<Arc<str>>, expr: impl Into<Expr>) -> Self {
        let mut frame = self.clone();
        let name = name.into();
        if !frame.names.contains(&name) {
            Arc::make_mut(&mut frame.names).push(name.clone());
        }
        Arc::make_mut(&mut frame.scope).virtuals.insert(name, expr.into());
        frame
    }

    /// Gives a value a name for expressions.
    #[must_use]
    pub fn with_variable(&self, name: impl Into<Arc<str>>, value: impl Into<Value>) -> Self {
        let mut frame = self.clone();
        Arc::make_mut(&mut frame.scope).variables.insert(name.into(), value.into());
        frame
    }

    /// Only the rows for which a condition is true. Rows for which it is unknown are left out.
    ///
    /// # Errors
    /// Those of an expression that is no condition.
    pub fn filter(&self, condition: impl Into<Expr>) -> ColumnsResult<Self> {
        let condition = condition.into();
        Planner::new(&self.scope).bind_condition(&condition)?;
        let mut frame = self.clone();
        frame.filter = Some(match &self.filter {
            None => condition,
            Some(before) => before.and(condition),
        });
        Ok(frame)
    }
}
