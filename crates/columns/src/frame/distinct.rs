//! The different values of an expression, as tables.

use arrow::array::RecordBatch;

use super::Frame;
use crate::aggregate::{Keep, Report, plan_distinct};
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::Expr;
use crate::pass::{Output, PassOptions};
use crate::plan::Planner;
use crate::value::Value;

/// What [`Frame::value_counts`] counts, and in which order it tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueCounts {
    /// Which of missing values and NaN count as values of their own. By default both do.
    pub keep: Keep,
    /// Whether the least frequent values come first. By default the most frequent do.
    pub ascending: bool,
    /// At most so many values; by default all.
    pub limit: Option<usize>,
    /// Only rows for which this is true too.
    pub selection: Option<Expr>,
}

impl Default for ValueCounts {
    fn default() -> Self {
        Self { keep: Keep::BOTH, ascending: false, limit: None, selection: None }
    }
}

impl Frame {
    /// How often each value of an expression occurs: a table with the columns `value` and `count`. Of the same count, the least value
    /// comes first, NaN behind all numbers, and missing values last.
    ///
    /// # Errors
    /// Those of [`aggregate`](Self::aggregate), and of values that take more memory than they may.
    pub fn value_counts(&self, expr: impl Into<Expr>, options: &ValueCounts) -> ColumnsResult<RecordBatch> {
        self.value_counts_with(expr, options, &PassOptions::default())
    }

    /// How often each value occurs, with options of the pass.
    ///
    /// # Errors
    /// Those of [`value_counts`](Self::value_counts), and [`Cancelled`](ColumnsError::Cancelled).
    pub fn value_counts_with(
        &self,
        expr: impl Into<Expr>,
        options: &ValueCounts,
        pass: &PassOptions,
    ) -> ColumnsResult<RecordBatch> {
        let report = Report::Counts { keep: options.keep, ascending: options.ascending, limit: options.limit };
        self.distinct("value_counts", &expr.into(), options.selection.as_ref(), report, pass)
    }

    /// The different values of an expression: a table with the column `value`, which rises, NaN behind all numbers and a missing value
    /// last.
    ///
    /// # Errors
    /// Those of [`value_counts`](Self::value_counts).
    pub fn unique(&self, expr: impl Into<Expr>, keep: Keep) -> ColumnsResult<RecordBatch> {
        self.distinct("unique", &expr.into(), None, Report::Table(keep), &PassOptions::default())
    }

    /// The different values of several expressions with how often each occurs, in one pass. They rise, as those of
    /// [`unique`](Self::unique).
    pub(crate) fn counted(
        &self,
        name: &str,
        exprs: &[Expr],
        keep: Keep,
        options: &PassOptions,
    ) -> ColumnsResult<Vec<Vec<(Value, u64)>>> {
        let mut planner = Planner::new(&self.scope);
        let report = Report::Pairs(keep);
        let plan = |expr: &Expr| plan_distinct(name, expr, None, report, &mut planner, options);
        let sinks = exprs.iter().map(plan).collect::<ColumnsResult<Vec<_>>>()?;
        self.pass(planner, sinks, options)?.into_iter().map(pairs).collect()
    }

    fn distinct(
        &self,
        name: &str,
        expr: &Expr,
        selection: Option<&Expr>,
        report: Report,
        options: &PassOptions,
    ) -> ColumnsResult<RecordBatch> {
        let mut planner = Planner::new(&self.scope);
        let sink = plan_distinct(name, expr, selection, report, &mut planner, options)?;
        self.table(planner, sink, &format!("distinct {report:?}"), options)
    }
}

/// The values and counts that a sink gives.
fn pairs(output: Output) -> ColumnsResult<Vec<(Value, u64)>> {
    let pair = |pair: Value| match pair {
        Value::List(both) => {
            let count = both.get(1).and_then(Value::as_i128).and_then(|count| u64::try_from(count).ok())?;
            Some((both.into_iter().next()?, count))
        }
        _ => None,
    };
    match output {
        Output::Value(Value::List(found)) => found.into_iter().map(pair).collect::<Option<Vec<_>>>(),
        _ => None,
    }
    .ok_or_else(|| ColumnsError::option("values with their counts were expected, and something else came"))
}
