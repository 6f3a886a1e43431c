//! Aggregations of a frame by group.

use arrow::array::RecordBatch;

use super::Frame;
use crate::aggregate::Aggregate;
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::Expr;
use crate::group::{self, KeyColumn, Wanted};
use crate::pass::{Output, PassOptions, Request, SinkPlan, erased, run};
use crate::plan::Planner;
use crate::types::Type;

/// A frame with keys to group by. Made by [`Frame::group_by`].
#[derive(Debug, Clone)]
#[must_use = "nothing is computed before `agg`"]
pub struct GroupBy {
    frame: Frame,
    keys: Vec<(String, Expr)>,
    sorted: bool,
}

impl Frame {
    /// Groups rows by the values of expressions: a column with the name of each comes out, beside those of the aggregations. A missing value
    /// is a key like others, and all NaN are one.
    ///
    /// ```
    /// # use datafolio_columns::{Frame, ColumnsError, agg, col};
    /// # fn demo(frame: &Frame) -> Result<(), ColumnsError> {
    /// let by_carrier = frame
    ///     .group_by([("carrier", col("carrier"))])
    ///     .sorted()
    ///     .agg([("flights", agg::count_rows()), ("delay", agg::mean(col("arr_delay")))])?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn group_by<N: Into<String>>(&self, keys: impl IntoIterator<Item = (N, Expr)>) -> GroupBy {
        let keys = keys.into_iter().map(|(name, expr)| (name.into(), expr)).collect();
        GroupBy { frame: self.clone(), keys, sorted: false }
    }
}

impl GroupBy {
    /// Groups come out sorted by their keys, missing ones last. Otherwise they come in the order in which they occur.
    pub fn sorted(mut self) -> Self {
        self.sorted = true;
        self
    }

    /// Computes aggregations of each group, all in one pass over the rows. Within a group, floating-point numbers are summed as differences
    /// from its first value.
    ///
    /// # Errors
    /// Those of [`Frame::aggregate`]; [`InvalidOption`](ColumnsError::InvalidOption) for groups that take more memory than they may, and for
    /// names that occur twice.
    pub fn agg<N: Into<String>>(
        &self,
        aggregates: impl IntoIterator<Item = (N, Aggregate)>,
    ) -> ColumnsResult<RecordBatch> {
        self.agg_with(aggregates, &PassOptions::default())
    }

    /// Computes aggregations of each group with options.
    ///
    /// # Errors
    /// Those of [`agg`](Self::agg), and [`Cancelled`](ColumnsError::Cancelled).
    pub fn agg_with<N: Into<String>>(
        &self,
        aggregates: impl IntoIterator<Item = (N, Aggregate)>,
        options: &PassOptions,
    ) -> ColumnsResult<RecordBatch> {
        let frame = &self.frame;
        let mut planner = Planner::new(&frame.scope);
        let filter = frame.filter.as_ref().map(|filter| planner.bind_condition(filter)).transpose()?;
        let mut inputs = Vec::new();
        let mut keys = Vec::new();
        for (name, expr) in &self.keys {
            let operand = planner.operand(expr)?;
            if matches!(operand.type_, Type::Vector(..) | Type::Other(_)) {
                return Err(ColumnsError::mismatch(expr, format!("values of type {} are no keys", operand.type_)));
            }
            inputs.push(operand.node);
            keys.push(KeyColumn { name: name.clone(), type_: operand.type_ });
        }
        if keys.is_empty() {
            return Err(ColumnsError::option("there is no key to group by; `aggregate` is for all rows together"));
        }
        let mut wanted = Vec::new();
        for (name, aggregate) in aggregates {
            let operand = aggregate.operand(&mut planner)?;
            let type_ = operand.as_ref().map_or(Type::Null, |operand| operand.type_.clone());
            let input = operand.map(|operand| {
                inputs.push(operand.node);
                inputs.len() - 1
            });
            let condition =
                aggregate.selection.as_ref().map(|condition| planner.bind_condition(condition)).transpose()?;
            let selection = condition.map(|condition| {
                inputs.push(condition);
                inputs.len() - 1
            });
            wanted.push(Wanted { name: name.into(), kind: aggregate.kind, type_, input, selection });
        }
        let mut names: Vec<&str> =
            keys.iter().map(|key| key.name.as_str()).chain(wanted.iter().map(|wanted| wanted.name.as_str())).collect();
        names.sort_unstable();
        if let Some([twice, _]) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(ColumnsError::option(format!("two columns of the result would have the name '{twice}'")));
        }
        let sink = erased(group::GroupBy { keys, wanted, sorted: self.sorted, memory: options.memory() });
        let plan = planner.finish();
        let sinks = vec![SinkPlan { sink, inputs, selection: None }];
        let rows = frame.rows.clone();
        let request = Request { plan: &plan, source: frame.source.as_ref(), filter, rows, sinks, options };
        match run(request)?.pop() {
            Some(Output::Batch(batch)) => Ok(batch),
            _ => Err(ColumnsError::option("a pass over groups gave no table")),
        }
    }
}
