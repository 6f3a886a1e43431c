//! Aggregations of a frame: all that are asked for together take one pass.

use std::sync::Arc;

use super::Frame;
use crate::aggregate::{Aggregate, names, plan, take_out};
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::{Expr, Kind};
use crate::functions;
use crate::pass::{Output, PassOptions, Request, SinkPlan, run};
use crate::plan::{Planner, Scope, nearest};
use crate::results::{ResultCache, decode, encode};
use crate::value::Value;

impl Frame {
    /// Computes aggregations, all in one pass over the rows; exact quantiles take a few more.
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
        match &self.results {
            Some(results) => self.answered(aggregates, results.as_ref(), options),
            None => self.computed(aggregates, options),
        }
    }

    /// The frame with a place where answers are kept, those of aggregations, groups, grids, counts of values and first rows: who asks again
    /// gets them without a pass, also from other frames of the same content. An answer of more than 1 MiB is not kept. Where the source does not know its content, and of functions of one's own, nothing is kept.
    #[must_use]
    pub fn with_results(&self, results: Arc<dyn ResultCache>) -> Self {
        Self { results: Some(results), ..self.clone() }
    }

    /// The frame without such a place.
    #[must_use]
    pub fn without_results(&self) -> Self {
        Self { results: None, ..self.clone() }
    }

    fn computed(&self, aggregates: &[Aggregate], options: &PassOptions) -> ColumnsResult<Vec<Value>> {
        let mut planner = Planner::new(&self.scope);
        let planned = plan(aggregates, &mut planner, options)?;
        planned.answers(&self.pass(planner, planned.sinks.clone(), options)?)
    }

    /// Computes what is not known.
    fn answered(
        &self,
        aggregates: &[Aggregate],
        results: &dyn ResultCache,
        options: &PassOptions,
    ) -> ColumnsResult<Vec<Value>> {
        let keys: Vec<Option<String>> =
            aggregates.iter().map(|aggregate| self.key_of_one(aggregate, options)).collect();
        let known = |key: &Option<String>| results.get(key.as_deref()?).and_then(|bytes| decode(&bytes));
        let mut answers: Vec<Option<Value>> = keys.iter().map(known).collect();
        let open: Vec<usize> = (0..answers.len()).filter(|at| answers.get(*at).is_some_and(Option::is_none)).collect();
        if !open.is_empty() {
            let asked: Vec<Aggregate> = open.iter().filter_map(|at| aggregates.get(*at).cloned()).collect();
            for (at, answer) in open.into_iter().zip(self.computed(&asked, options)?) {
                if let (Some(key), Some(bytes)) = (keys.get(at).and_then(Option::as_ref), encode(&answer)) {
                    results.put(key, &bytes);
                }
                if let Some(place) = answers.get_mut(at) {
                    *place = Some(answer);
                }
            }
        }
        Ok(answers.into_iter().map(|answer| answer.unwrap_or(Value::Null)).collect())
    }

    /// What the answer to an aggregation is kept under. None where that cannot be told, or where it is wrong: computing says why.
    fn key_of_one(&self, aggregate: &Aggregate, options: &PassOptions) -> Option<String> {
        let mut planner = Planner::new(&self.scope);
        let planned = plan(std::slice::from_ref(aggregate), &mut planner, options).ok()?;
        let filter = self.filter.as_ref().map(|filter| planner.bind_condition(filter)).transpose().ok()?;
        self.key_of(&planner, &planned.sinks, filter, &format!("{:?}", aggregate.kind()))
    }

    /// Runs sinks over the rows that pass the filter.
    pub(super) fn pass(
        &self,
        mut planner: Planner<'_>,
        sinks: Vec<SinkPlan>,
        options: &PassOptions,
    ) -> ColumnsResult<Vec<Output>> {
        let filter = self.filter.as_ref().map(|filter| planner.bind_condition(filter)).transpose()?;
        let plan = planner.finish();
        let rows = self.rows.clone();
        run(Request { plan: &plan, source: self.source.as_ref(), filter, rows, sinks, options })
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
        let exprs = texts.iter().map(|text| Expr::parse(text.as_ref())).collect::<ColumnsResult<Vec<_>>>()?;
        let results = self.results(&exprs)?;
        let answers = self.aggregate_with(&results.aggregates, options)?;
        let mut scope = Scope { variables: self.scope.variables.clone(), ..Scope::default() };
        for (name, answer) in results.names.iter().zip(answers) {
            scope.variables.insert(name.clone(), answer);
        }
        results.exprs.iter().map(|expr| evaluated(expr, &scope)).collect()
    }

    /// Takes the aggregations out of expressions.
    pub(super) fn results(&self, exprs: &[Expr]) -> ColumnsResult<Results> {
        let mut results = Results::default();
        // No column that is written in an expression has such a name.
        let name = |at: usize| -> Arc<str> { format!("\u{1}{at}").into() };
        for expr in exprs {
            let before = results.aggregates.len();
            let rest = take_out(expr, &mut results.aggregates, &name)?;
            let mut inside = Vec::new();
            rest.names(&mut inside);
            if matches!(&*rest.kind, Kind::Call(name, _) if functions::find(name).is_none()) {
                return Err(self.no_aggregation(expr));
            }
            if let Some(column) = inside.iter().find(|name| self.has(name)) {
                return Err(ColumnsError::mismatch(
                    expr,
                    format!(
                        "`{column}` has a value for each row; say what is wanted of all of them, as in mean({column})"
                    ),
                ));
            }
            if results.aggregates.len() == before && inside.is_empty() {
                return Err(self.no_aggregation(expr));
            }
            results.exprs.push(rest);
        }
        results.names = (0..results.aggregates.len()).map(name).collect();
        Ok(results)
    }

    fn has(&self, name: &Arc<str>) -> bool {
        self.scope.columns.contains_key(name) || self.scope.virtuals.contains_key(name)
    }

    fn no_aggregation(&self, expr: &Expr) -> ColumnsError {
        let hint = match &*expr.kind {
            Kind::Call(name, _) => nearest(name, names()),
            _ => None,
        };
        let hint = hint.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        ColumnsError::mismatch(expr, format!("nothing is computed of the rows here{hint}"))
    }
}

/// Expressions whose aggregations are taken out.
#[derive(Debug, Default)]
pub(super) struct Results {
    pub(super) aggregates: Vec<Aggregate>,
    /// What stands for the result of each in the expressions.
    pub(super) names: Vec<Arc<str>>,
    pub(super) exprs: Vec<Expr>,
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
