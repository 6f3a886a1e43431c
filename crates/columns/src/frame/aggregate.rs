//! Aggregations of a frame: all that are asked for together take one pass.

use std::sync::Arc;

use super::Frame;
use crate::aggregate::{ANSWER, Aggregate, Answers, aggregates_of};
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::{Expr, Kind};
use crate::functions;
use crate::pass::{Output, PassOptions, Request, run};
use crate::plan::{Planner, Scope, nearest};
use crate::value::Value;

impl Frame {
    /// Computes aggregations, all in one pass over the rows.
    ///
    /// # Errors
    /// Those of expressions, of rows without result that are used, and of the source.
    pub fn aggregate(&self, aggregates: &[Aggregate]) -> ColumnsResult<Vec<Value>> {
        self.aggregate_with(aggregates, &PassOptions::default())
    }

    /// Computes aggregations with options.
    ///
    /// # Errors
    /// Those of [`aggregate`](Self::aggregate), and [`Cancelled`](ColumnsError::Cancelled).
    pub fn aggregate_with(&self, aggregates: &[Aggregate], options: &PassOptions) -> ColumnsResult<Vec<Value>> {
        let mut planner = Planner::new(&self.scope);
        let filter = self.filter.as_ref().map(|filter| planner.bind_condition(filter)).transpose()?;
        let answers = Answers::plan(aggregates, &mut planner, options)?;
        let plan = planner.finish();
        let rows = self.rows.clone();
        let request =
            Request { plan: &plan, source: self.source.as_ref(), filter, rows, sinks: answers.sinks, options };
        let outputs = run(request)?;
        let answer = |(sink, place): &(usize, Option<usize>)| match (outputs.get(*sink), place) {
            (Some(Output::Value(Value::List(values))), Some(place)) => values.get(*place).cloned(),
            (Some(Output::Value(value)), None) => Some(value.clone()),
            _ => None,
        };
        let found: Option<Vec<Value>> = answers.places.iter().map(answer).collect();
        found.ok_or_else(|| ColumnsError::option("a pass gave fewer answers than it was asked for"))
    }

    /// Computes aggregations that are written as text, with arithmetic between them: all in one pass over the rows.
    ///
    /// ```
    /// # use datafolio_columns::{Frame, ColumnsError};
    /// # fn demo(frame: &Frame) -> Result<(), ColumnsError> {
    /// let answers = frame.compute(&["mean((x * y) ** 2)", "std(x) / mean(x)", "count(selection=x > 0)"])?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`aggregate`](Self::aggregate), and of texts that are no aggregations.
    pub fn compute<S: AsRef<str>>(&self, texts: &[S]) -> ColumnsResult<Vec<Value>> {
        self.compute_with(texts, &PassOptions::default())
    }

    /// Computes aggregations that are written as text, with options.
    ///
    /// # Errors
    /// Those of [`compute`](Self::compute), and [`Cancelled`](ColumnsError::Cancelled).
    pub fn compute_with<S: AsRef<str>>(&self, texts: &[S], options: &PassOptions) -> ColumnsResult<Vec<Value>> {
        let mut aggregates = Vec::new();
        let mut rests = Vec::new();
        for text in texts {
            let expr = Expr::parse(text.as_ref())?;
            let before = aggregates.len();
            let rest = aggregates_of(&expr, &mut aggregates)?;
            let mut names = Vec::new();
            rest.names(&mut names);
            if matches!(&*rest.kind, Kind::Call(name, _) if functions::find(name).is_none()) {
                return Err(self.no_aggregation(&expr));
            }
            if let Some(column) = names.iter().find(|name| !name.starts_with(ANSWER) && self.has(name)) {
                return Err(ColumnsError::mismatch(
                    &expr,
                    format!(
                        "`{column}` has a value for each row; say what is wanted of all of them, as in mean({column})"
                    ),
                ));
            }
            if aggregates.len() == before && names.is_empty() {
                return Err(self.no_aggregation(&expr));
            }
            rests.push((expr, rest));
        }
        let answers = self.aggregate_with(&aggregates, options)?;
        let mut scope = Scope { variables: self.scope.variables.clone(), ..Scope::default() };
        for (at, answer) in answers.iter().enumerate() {
            scope.variables.insert(format!("{ANSWER}{at}").into(), answer.clone());
        }
        rests.iter().map(|(_, rest)| evaluated(rest, &scope)).collect()
    }

    fn has(&self, name: &Arc<str>) -> bool {
        self.scope.columns.contains_key(name) || self.scope.virtuals.contains_key(name)
    }

    fn no_aggregation(&self, expr: &Expr) -> ColumnsError {
        let hint = match &*expr.kind {
            Kind::Call(name, _) => nearest(name, crate::aggregate::NAMES.iter().copied()),
            _ => None,
        };
        let hint = hint.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        ColumnsError::mismatch(expr, format!("nothing is computed of the rows here{hint}"))
    }
}

/// What an expression without columns stands for.
fn evaluated(expr: &Expr, scope: &Scope) -> ColumnsResult<Value> {
    if let Kind::Name(name) = &*expr.kind {
        // An answer by itself may be of a kind that expressions do not compute with, such as a list.
        if let Some(answer) = scope.variables.get(name) {
            return Ok(answer.clone());
        }
    }
    let mut planner = Planner::new(scope);
    let node = planner.bind(expr)?;
    planner.constant_value(node).ok_or_else(|| ColumnsError::mismatch(expr, "this has no single value".to_owned()))
}
