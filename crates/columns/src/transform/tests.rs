//! Transforms against what scikit-learn 1.9.1 answers with NumPy 2.4.6, unless a test says otherwise. A missing value is NaN there.

mod encoders;
mod scalers;
mod states;

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int32Array, RecordBatch, StringArray};

use super::*;
use crate::error::ColumnsError;
use crate::value::Value;
use crate::{Keep, agg, col};

fn frame(columns: Vec<(&str, ArrayRef)>) -> Frame {
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    Frame::from_batches(batch.schema(), vec![batch]).unwrap()
}

fn floats(values: &[Option<f64>]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// Numbers of all sorts: with a missing value and NaN, of one value, whole.
fn numbers() -> Frame {
    frame(vec![
        ("x", floats(&[Some(2.0), Some(5.0), None, Some(7.0), Some(2.0), Some(15.0), Some(f64::NAN)])),
        ("y", floats(&[-2.5, 3.0, 0.0, 0.0, 10.0, -20.0, 1e3].map(Some))),
        ("c", floats(&[Some(0.1); 7])),
        ("i", Arc::new(Int32Array::from(vec![1, 2, 3, 4, 5, 6, 1000]))),
    ])
}

/// Values to be encoded, with names that no expression has without backticks.
fn kinds() -> Frame {
    frame(vec![
        ("a `b`, c", texts(&[Some("red"), Some("gr\"een\\"), None, Some("red"), Some("")])),
        ("v", floats(&[Some(2.5), Some(f64::NAN), Some(-1.0), None, Some(0.0)])),
        ("n", Arc::new(Int32Array::from(vec![7, -7, 7, 0, i32::MIN]))),
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(true), Some(true)]))),
        ("day", Arc::new(arrow::array::Date32Array::from(vec![Some(0), Some(19_782), None, Some(0), Some(-1)]))),
        (
            "zoned",
            Arc::new(arrow::array::TimestampMicrosecondArray::from(vec![5, 6, 5, 5, 5]).with_timezone("Europe/Berlin")),
        ),
        ("took", Arc::new(arrow::array::DurationSecondArray::from(vec![60, 0, 60, -1, 60]))),
    ])
}

/// All values of a column.
fn list(frame: &Frame, name: &str) -> Vec<Value> {
    match frame.aggregate(&[agg::list(col(name))]).unwrap().remove(0) {
        Value::List(values) => values,
        other => panic!("{other} is no list"),
    }
}

/// The numbers of a column; missing values are none.
fn optional(frame: &Frame, name: &str) -> Vec<Option<f64>> {
    list(frame, name).iter().map(Value::as_f64).collect()
}

/// As [`optional`] of columns without missing values.
fn all(frame: &Frame, name: &str) -> Vec<f64> {
    optional(frame, name).into_iter().map(Option::unwrap).collect()
}

fn whole(values: &[i64]) -> Vec<Value> {
    values.iter().copied().map(Value::from).collect()
}

/// Whether numbers are these, NaN being NaN, up to rounding.
fn close(found: &[f64], expected: &[f64]) -> bool {
    found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(a, b)| a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-14 * (1.0 + b.abs().max(a.abs())))
}

fn message<T: std::fmt::Debug>(result: ColumnsResult<T>) -> String {
    result.unwrap_err().to_string()
}
