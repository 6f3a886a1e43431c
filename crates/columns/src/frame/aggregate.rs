//! Aggregations of a frame: all that are asked for together take one pass.

use super::Frame;
use crate::aggregate::{Moment, Moments};
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::Expr;
use crate::pass::{Output, PassOptions, Request, SinkPlan, erased, run};
use crate::plan::Planner;
use crate::types::Type;
use crate::value::Value;

/// What is to be computed of all rows together. Made by the functions of [`agg`].
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    kind: Kind,
    expr: Option<Expr>,
    selection: Option<Expr>,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Moment(Moment),
}

impl Aggregate {
    /// Only of the rows for which a condition is true too.
    #[must_use]
    pub fn selection(mut self, condition: impl Into<Expr>) -> Self {
        self.selection = Some(condition.into());
        self
    }
}

/// Aggregations.
pub mod agg {
    use super::{Aggregate, Kind};
    use crate::aggregate::Moment;
    use crate::expr::Expr;

    fn moment(expr: impl Into<Expr>, moment: Moment) -> Aggregate {
        Aggregate { kind: Kind::Moment(moment), expr: Some(expr.into()), selection: None }
    }

    /// How many rows there are.
    pub fn count_rows() -> Aggregate {
        Aggregate { kind: Kind::Moment(Moment::Count), expr: None, selection: None }
    }

    /// How many values there are that are neither missing nor NaN.
    pub fn count(expr: impl Into<Expr>) -> Aggregate {
        moment(expr, Moment::Count)
    }

    /// The sum: of whole numbers exact, of floating-point numbers compensated.
    pub fn sum(expr: impl Into<Expr>) -> Aggregate {
        moment(expr, Moment::Sum)
    }

    /// The arithmetic mean.
    pub fn mean(expr: impl Into<Expr>) -> Aggregate {
        moment(expr, Moment::Mean)
    }

    /// The variance of the values, with `ddof` degrees of freedom taken off their number.
    pub fn var(expr: impl Into<Expr>, ddof: u32) -> Aggregate {
        moment(expr, Moment::Variance(ddof.into()))
    }

    /// The standard deviation, with `ddof` degrees of freedom taken off the number of values.
    pub fn std(expr: impl Into<Expr>, ddof: u32) -> Aggregate {
        moment(expr, Moment::Deviation(ddof.into()))
    }

    /// The skewness of the values.
    pub fn skew(expr: impl Into<Expr>) -> Aggregate {
        moment(expr, Moment::Skew)
    }

    /// The excess kurtosis of the values.
    pub fn kurtosis(expr: impl Into<Expr>) -> Aggregate {
        moment(expr, Moment::Kurtosis)
    }
}

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
        let sinks = aggregates.iter().map(|aggregate| aggregate.plan(&mut planner)).collect::<ColumnsResult<_>>()?;
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

impl Aggregate {
    fn plan(&self, planner: &mut Planner<'_>) -> ColumnsResult<SinkPlan> {
        let selection = self.selection.as_ref().map(|condition| planner.bind_condition(condition)).transpose()?;
        let operand = self.expr.as_ref().map(|expr| planner.operand(expr)).transpose()?;
        let type_ = operand.as_ref().map_or(Type::Null, |operand| operand.type_.clone());
        let sink = match self.kind {
            Kind::Moment(moment) => erased(Moments { moment, type_ }),
        };
        Ok(SinkPlan { sink, inputs: operand.iter().map(|operand| operand.node).collect(), selection })
    }
}
