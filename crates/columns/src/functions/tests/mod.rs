//! Functions against answers of others, and against plain loops.

mod choices;
mod fixtures;
mod more;
mod numbers;
mod properties;
mod texts;
mod vectors;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};

use crate::block::{BLOCK, Chunk};
use crate::error::ColumnsResult;
use crate::expr::Expr;
use crate::plan::{Column, Evaluator, Planner, Scope};
use crate::types::Type;
use crate::value::Value;

/// Columns in memory.
pub(super) fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

pub(crate) fn scope_of(batch: &RecordBatch) -> Scope {
    let mut scope = Scope::default();
    for (place, field) in batch.schema().fields().iter().enumerate() {
        let column = Column { place, type_: Type::of_arrow(field.data_type()) };
        scope.columns.insert(Arc::from(field.name().as_str()), column);
    }
    scope
}

/// The type and the values of an expression, block by block.
pub(super) fn evaluated(batch: &RecordBatch, expr: &Expr) -> ColumnsResult<(Type, Vec<Value>)> {
    let scope = scope_of(batch);
    let mut planner = Planner::new(&scope);
    let node = planner.bind(expr)?;
    let type_ = planner.type_of(node);
    let plan = planner.finish();
    let columns: Vec<ArrayRef> = plan.columns.iter().map(|place| batch.column(*place).clone()).collect();
    let chunk = Chunk::new(&columns, batch.num_rows())?;
    let mut evaluator = Evaluator::new(&plan, &chunk);
    let mut values = Vec::new();
    let mut start = 0;
    while start < batch.num_rows() {
        let end = (start + BLOCK).min(batch.num_rows());
        evaluator.block(start..end);
        let lane = evaluator.lane(node)?;
        evaluator.check(&lane, None, start as u64)?;
        values.extend((0..end - start).map(|row| lane.value(row, &type_)));
        start = end;
    }
    Ok((type_, values))
}

pub(super) fn try_text(batch: &RecordBatch, text: &str) -> ColumnsResult<(Type, Vec<Value>)> {
    evaluated(batch, &Expr::parse(text)?)
}

pub(super) fn text(batch: &RecordBatch, text: &str) -> (Type, Vec<Value>) {
    try_text(batch, text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The values of an expression, as they are written.
pub(super) fn written(batch: &RecordBatch, expr: &str) -> String {
    text(batch, expr).1.iter().map(Value::to_string).collect::<Vec<_>>().join(" ")
}

/// Whether two floating-point numbers are the same but for some units in the last place.
pub(super) fn near(a: f64, b: f64, relative: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= relative * a.abs().max(b.abs())
}
