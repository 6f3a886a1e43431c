//! Functions of instants and durations against Vaex, pandas and NumPy, and against arithmetic that is plain and slow.

mod fixtures;
mod pandas;
mod properties;
mod refusals;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, DurationNanosecondArray, Int64Array, RecordBatch, TimestampNanosecondArray, TimestampSecondArray,
};

use crate::block::{BLOCK, Chunk};
use crate::error::ColumnsResult;
use crate::expr::Expr;
use crate::plan::{Column, Evaluator, Planner, Scope};
use crate::types::Type;
use crate::value::Value;

/// The type and the values of an expression over a batch, block by block.
fn compute(batch: &RecordBatch, text: &str) -> ColumnsResult<(Type, Vec<Value>)> {
    let mut scope = Scope::default();
    for (place, field) in batch.schema().fields().iter().enumerate() {
        let type_ = Type::of_arrow(field.data_type());
        scope.columns.insert(field.name().as_str().into(), Column { place, type_ });
    }
    let mut planner = Planner::new(&scope);
    let node = planner.bind(&Expr::parse(text)?)?;
    let type_ = planner.type_of(node);
    let plan = planner.finish();
    let arrays: Vec<ArrayRef> = plan.columns.iter().map(|place| batch.column(*place).clone()).collect();
    let chunk = Chunk::new(&arrays, batch.num_rows())?;
    let mut evaluator = Evaluator::new(&plan, &chunk);
    let mut values = Vec::new();
    for start in (0..batch.num_rows()).step_by(BLOCK) {
        let end = (start + BLOCK).min(batch.num_rows());
        evaluator.block(start..end);
        let lane = evaluator.lane(node)?;
        evaluator.check(&lane, None, start as u64)?;
        values.extend((0..end - start).map(|row| lane.value(row, &type_)));
    }
    Ok((type_, values))
}

fn values(batch: &RecordBatch, text: &str) -> Vec<Value> {
    compute(batch, text).unwrap_or_else(|error| panic!("{text}: {error}")).1
}

fn message(batch: &RecordBatch, text: &str) -> String {
    match compute(batch, text) {
        Err(error) => error.to_string(),
        Ok((type_, values)) => panic!("{text} is {type_}: {values:?}"),
    }
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

/// Instants `t` of nanoseconds.
fn nanoseconds(ticks: Vec<Option<i64>>, zone: Option<&str>) -> RecordBatch {
    let zone = zone.map(Arc::<str>::from);
    batch(vec![("t", Arc::new(TimestampNanosecondArray::from(ticks).with_timezone_opt(zone)))])
}

/// Instants `t` of seconds.
fn seconds(ticks: Vec<Option<i64>>, zone: Option<&str>) -> RecordBatch {
    let zone = zone.map(Arc::<str>::from);
    batch(vec![("t", Arc::new(TimestampSecondArray::from(ticks).with_timezone_opt(zone)))])
}

/// Durations `d` of nanoseconds.
fn durations(ticks: Vec<Option<i64>>) -> RecordBatch {
    batch(vec![("d", Arc::new(DurationNanosecondArray::from(ticks)))])
}

/// Whole numbers `n`.
fn numbers(numbers: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(Int64Array::from(numbers))
}
