//! The rows with the greatest or least values of an expression, and the nearest ones.

use std::sync::Arc;

use arrow::array::RecordBatch;

use super::Frame;
use crate::aggregate::plan_top;
use crate::error::ColumnsResult;
use crate::expr::{Expr, call, lit};
use crate::pass::PassOptions;
use crate::plan::Planner;
use crate::value::Value;

/// How near two vectors are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Their dot product; the greatest is the nearest.
    Dot,
    /// The cosine of the angle between them; the greatest is the nearest.
    Cosine,
    /// Their Euclidean distance; the least is the nearest.
    L2,
}

impl Frame {
    /// The rows with the greatest values of an expression, or the least ones, in one pass and without sorting: a table with the number
    /// of the `row`, the `value`, and the columns that are asked for. Of the same value, the first row comes first; rows in which
    /// it is missing or NaN are left out.
    ///
    /// # Errors
    /// Those of [`aggregate`](Self::aggregate), and of values without order.
    pub fn top_k(
        &self,
        expr: impl Into<Expr>,
        k: usize,
        descending: bool,
        columns: &[&str],
    ) -> ColumnsResult<RecordBatch> {
        self.top_k_with(expr, k, descending, columns, &PassOptions::default())
    }

    /// The rows with the greatest or least values, with options.
    ///
    /// # Errors
    /// Those of [`top_k`](Self::top_k), and [`Cancelled`](crate::ColumnsError::Cancelled).
    pub fn top_k_with(
        &self,
        expr: impl Into<Expr>,
        k: usize,
        descending: bool,
        columns: &[&str],
        options: &PassOptions,
    ) -> ColumnsResult<RecordBatch> {
        let mut planner = Planner::new(&self.scope);
        let sink = plan_top(&expr.into(), k, descending, columns, &mut planner)?;
        self.table(planner, sink, &format!("top {k} {descending} {columns:?}"), options)
    }

    /// The rows whose vectors are nearest to a target, in one pass: a table with the number of the `row`, the `value` of the metric,
    /// and the columns that are asked for, the nearest first.
    ///
    /// # Errors
    /// Those of [`top_k`](Self::top_k), and of a target that has another width than the vectors.
    pub fn nearest(
        &self,
        vector: impl Into<Expr>,
        target: &[f64],
        k: usize,
        metric: Metric,
        columns: &[&str],
    ) -> ColumnsResult<RecordBatch> {
        let function: Arc<str> = match metric {
            Metric::Dot => "dot",
            Metric::Cosine => "cosine",
            Metric::L2 => "l2",
        }
        .into();
        let target = lit(Value::List(target.iter().map(|component| Value::Float(*component)).collect()));
        self.top_k(call(function, [vector.into(), target]), k, metric != Metric::L2, columns)
    }
}
