//! Aggregations of a frame: all that are asked for together take one pass.

use super::Frame;
use crate::aggregate::{Aggregate, plan};
use crate::error::ColumnsResult;
use crate::pass::{Output, PassOptions, Request, SinkPlan, run};
use crate::plan::Planner;
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
    /// Those of [`aggregate`](Self::aggregate), and [`Cancelled`](crate::ColumnsError::Cancelled).
    pub fn aggregate_with(&self, aggregates: &[Aggregate], options: &PassOptions) -> ColumnsResult<Vec<Value>> {
        let mut planner = Planner::new(&self.scope);
        let planned = plan(aggregates, &mut planner, options)?;
        planned.answers(&self.pass(planner, planned.sinks.clone(), options)?)
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
}
