//! The columns of a frame: computed ones, other names, fewer of them.

use std::sync::Arc;

use super::{Frame, Origin};
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::Expr;
use crate::functions::UserKernel;
use crate::plan::{Planner, nearest};
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

    /// Adds a column that is computed of others whenever it is asked for. It may have the name of one that there is, and be computed of it:
    /// what was computed of the old one still is.
    ///
    /// ```
    /// # use datafolio_columns::{Frame, ColumnsError, agg, col};
    /// # fn demo(frame: &Frame) -> Result<(), ColumnsError> {
    /// let kelvin = frame.with_column("temperature", col("temperature") + 273.15);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_column(&self, name: impl Into<Arc<str>>, expr: impl Into<Expr>) -> Self {
        let (name, mut expr) = (name.into(), expr.into());
        let mut frame = self.clone();
        if frame.names.contains(&name) {
            let hidden = frame.scope.hidden_name(&name);
            expr = expr.renamed(&|other| (*other == *name).then(|| hidden.clone()));
            frame.rename_everywhere(&name, &hidden);
        } else {
            Arc::make_mut(&mut frame.names).push(name.clone());
        }
        Arc::make_mut(&mut frame.scope).virtuals.insert(name, expr);
        frame
    }

    /// Gives a value a name for expressions. In them it is as if the value were written out.
    #[must_use]
    pub fn with_variable(&self, name: impl Into<Arc<str>>, value: impl Into<Value>) -> Self {
        let mut frame = self.clone();
        Arc::make_mut(&mut frame.scope).variables.insert(name.into(), value.into());
        frame
    }

    /// Gives a condition a name, by which it is used in expressions and as the selection of aggregations.
    ///
    /// # Errors
    /// Those of an expression that is no condition.
    pub fn with_selection(&self, name: impl Into<Arc<str>>, condition: impl Into<Expr>) -> ColumnsResult<Self> {
        let condition = condition.into();
        Planner::new(&self.scope).bind_condition(&condition)?;
        let mut frame = self.clone();
        Arc::make_mut(&mut frame.scope).selections.insert(name.into(), condition);
        Ok(frame)
    }

    /// Adds a function of the caller's own for expressions. It is given an array for each argument, all of the length of a block, and
    /// returns one of that length and of the type that is told here. Blocks come from several threads at once.
    ///
    /// A function that fails, panics or returns something else is an error of the question that used it.
    #[must_use]
    pub fn register_function(
        &self,
        name: impl Into<Arc<str>>,
        returns: Type,
        function: impl Fn(&[arrow::array::ArrayRef]) -> Result<arrow::array::ArrayRef, String> + Send + Sync + 'static,
    ) -> Self {
        let mut frame = self.clone();
        let function: Arc<UserKernel> = Arc::new(function);
        Arc::make_mut(&mut frame.scope).functions.add(name.into(), returns, function);
        frame
    }

    /// What the rows come from, as whoever made the frame has said: the tables of a bundle.
    pub fn origins(&self) -> &[Origin] {
        &self.origins
    }

    /// The frame with what its rows come from.
    #[must_use]
    pub fn with_origins(&self, origins: impl IntoIterator<Item = Origin>) -> Self {
        Self { origins: origins.into_iter().collect(), ..self.clone() }
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

    /// All rows again.
    #[must_use]
    pub fn without_filter(&self) -> Self {
        Self { filter: None, ..self.clone() }
    }

    /// Only these columns, in this order.
    ///
    /// # Errors
    /// [`UnknownColumn`](ColumnsError::UnknownColumn) where there is no such column.
    pub fn select<S: AsRef<str>>(&self, names: &[S]) -> ColumnsResult<Self> {
        let kept: Vec<Arc<str>> =
            names.iter().map(|name| self.existing(name.as_ref())).collect::<ColumnsResult<_>>()?;
        let left: Vec<Arc<str>> = self.names.iter().filter(|name| !kept.contains(name)).cloned().collect();
        let mut frame = self.drop(&left)?;
        frame.names = Arc::new(kept);
        Ok(frame)
    }

    /// All columns but these. What is computed of them still is.
    ///
    /// # Errors
    /// [`UnknownColumn`](ColumnsError::UnknownColumn) where there is no such column.
    pub fn drop<S: AsRef<str>>(&self, names: &[S]) -> ColumnsResult<Self> {
        let mut frame = self.clone();
        for name in names {
            let name = frame.existing(name.as_ref())?;
            let hidden = frame.scope.hidden_name(&name);
            frame.rename_everywhere(&name, &hidden);
            Arc::make_mut(&mut frame.names).retain(|kept| *kept != name);
        }
        Ok(frame)
    }

    /// Gives a column another name, in every expression too.
    ///
    /// # Errors
    /// [`UnknownColumn`](ColumnsError::UnknownColumn) where there is no such column,
    /// [`InvalidOption`](ColumnsError::InvalidOption) where the new name is taken.
    pub fn rename(&self, old: &str, new: impl Into<Arc<str>>) -> ColumnsResult<Self> {
        let (old, new) = (self.existing(old)?, new.into());
        if old == new {
            return Ok(self.clone());
        }
        if self.scope.columns.contains_key(&new) || self.scope.virtuals.contains_key(&new) {
            return Err(ColumnsError::option(format!(
                "there is a column `{new}` already; drop or rename that one first"
            )));
        }
        let mut frame = self.clone();
        frame.rename_everywhere(&old, &new);
        for name in Arc::make_mut(&mut frame.names).iter_mut().filter(|name| **name == old) {
            *name = new.clone();
        }
        Ok(frame)
    }

    /// In all expressions of the frame, but not in what is shown.
    fn rename_everywhere(&mut self, old: &Arc<str>, new: &Arc<str>) {
        Arc::make_mut(&mut self.scope).rename(old, new);
        self.filter = self.filter.as_ref().map(|filter| filter.renamed(&|name| (*name == **old).then(|| new.clone())));
    }

    /// The name as it stands among those that are shown.
    pub(super) fn existing(&self, name: &str) -> ColumnsResult<Arc<str>> {
        if let Some(found) = self.names.iter().find(|known| &***known == name) {
            return Ok(found.clone());
        }
        let hint = nearest(name, self.columns()).map(|near| format!("; did you mean `{near}`?"));
        Err(ColumnsError::UnknownColumn {
            place: crate::error::Place { text: name.into(), span: None },
            name: name.to_owned(),
            hint: hint.unwrap_or_default(),
        })
    }
}
