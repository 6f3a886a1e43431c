//! Aggregations of a frame: all that are asked for together take one pass.

use super::Frame;
use crate::aggregate::{Aggregate, Kind, Moments};
use crate::error::{ColumnsError, ColumnsResult};
use crate::pass::{Output, PassOptions, Request, SinkPlan, erased, run};
use crate::plan::Planner;
use crate::types::Type;
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
        let sinks = aggregates.iter().map(|aggregate| plan(aggregate, &mut planner)).collect::<ColumnsResult<_>>()?;
        let plan = planner.finish();
        let rows = self.rows.clone();
        let request = Request { plan: &plan, source: self.source.as_ref(), filter, rows, sinks, options };
        let outputs = run(request)?;
        outputs
            .into_iter()
            .map(|output| match output {
                Output::Value(value) => Ok(value),
                other => Err(ColumnsError::option(format!("an aggregation gave {other:?}"))),
            })
            .collect()
    }
}

/// Plans an aggregation.
fn plan(aggregate: &Aggregate, planner: &mut Planner<'_>) -> ColumnsResult<SinkPlan> {
    let selection = aggregate.condition().map(|condition| planner.bind_condition(condition)).transpose()?;
    let operands = aggregate.exprs().iter().map(|expr| planner.operand(expr)).collect::<ColumnsResult<Vec<_>>>()?;
    let type_ = operands.first().map_or(Type::Null, |operand| operand.type_.clone());
    let sink = match aggregate.kind() {
        Kind::Moment(moment) => erased(Moments { moment: *moment, type_ }),
        other => return Err(ColumnsError::option(format!("{other:?} is not computed yet"))),
    };
    Ok(SinkPlan { sink, inputs: operands.iter().map(|operand| operand.node).collect(), selection })
}
