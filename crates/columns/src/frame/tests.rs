use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, UInt8Array};

use super::*;
use crate::aggregate::{Aggregate, agg};
use crate::value::Value;
use crate::{ColumnsError, Expr, col};

fn frame(columns: Vec<(&str, ArrayRef)>) -> Frame {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap();
    Frame::from_batches(batch.schema(), vec![batch]).unwrap()
}

fn small() -> Frame {
    frame(vec![
        ("x", Arc::new(Float64Array::from(vec![Some(1.0), Some(f64::NAN), None, Some(4.0)]))),
        ("f", Arc::new(Float32Array::from(vec![1.5, 2.5, 3.5, 4.5]))),
        ("i", Arc::new(Int64Array::from(vec![1, 2, 0, i64::MAX]))),
        ("u", Arc::new(UInt8Array::from(vec![1, 100, 200, 255]))),
        ("s", Arc::new(StringArray::from(vec![Some("a"), Some("b"), None, Some("a")]))),
        ("t", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(true)]))),
    ])
}

fn one(frame: &Frame, aggregate: Aggregate) -> Value {
    frame.aggregate(&[aggregate]).unwrap().remove(0)
}

fn text(expr: &str) -> Expr {
    Expr::parse(expr).unwrap()
}

#[test]
fn sums_leave_out_what_is_missing_or_no_number() {
    let frame = small();
    assert_eq!(one(&frame, agg::count_rows()), Value::Int(4));
    assert_eq!(one(&frame, agg::count(col("x"))), Value::Int(2));
    assert_eq!(one(&frame, agg::sum(col("x"))), Value::Float(5.0));
    assert_eq!(one(&frame, agg::mean(text("x * 2"))), Value::Float(5.0));
    assert_eq!(one(&frame, agg::count(col("s"))), Value::Int(3));
    assert_eq!(one(&frame, agg::sum(col("t"))), Value::Int(2));
    assert_eq!(one(&frame, agg::var(col("f"), 0)), Value::Float(1.25));
    assert_eq!(one(&frame, agg::sum(text("f ** 2"))), Value::Float(41.0));
    assert_eq!(one(&frame.filter(text("s == 'a'")).unwrap(), agg::sum(col("f"))), Value::Float(6.0));
    assert_eq!(one(&frame, agg::sum(col("f")).selection(text("(x > 2) | (u == 200)"))), Value::Float(8.0));
}

#[test]
fn whole_numbers_never_wrap() {
    let frame = small();
    let error = frame.aggregate(&[agg::sum(text("i + 1"))]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "9223372036854775807 + 1 is too large for int64, in row 3 (in 'i + 1', at character 1)"
    );
    let kept = frame.filter(text("i < 5")).unwrap();
    assert_eq!(one(&kept, agg::sum(text("i + 1"))), Value::Int(6));
    assert_eq!(one(&kept, agg::sum(text("7 // i")).selection(text("i != 0"))), Value::Int(10));
    assert!(matches!(kept.aggregate(&[agg::sum(text("7 // i"))]), Err(ColumnsError::NoResult { row: Some(2), .. })));
    assert!(matches!(frame.aggregate(&[agg::sum(text("u + 100"))]), Err(ColumnsError::NoResult { row: Some(2), .. })));
    assert_eq!(one(&frame, agg::sum(text("u + 300"))), Value::Int(556 + 1200));
}

#[test]
fn unknown_truth_is_three_valued() {
    let frame = small();
    let count = |condition: &str| one(&frame.filter(text(condition)).unwrap(), agg::count_rows());
    assert_eq!(count("t | (u == 200)"), Value::Int(3));
    assert_eq!(count("~(t & (u == 1))"), Value::Int(3));
    assert_eq!(count("t"), Value::Int(2));
    assert_eq!(count("~t"), Value::Int(1));
}

#[test]
fn errors_name_what_is_meant() {
    let frame = small();
    let message = |expr: &str| frame.type_of(text(expr)).unwrap_err().to_string();
    assert_eq!(message("xx + 1"), "there is no column or variable `xx` (in 'xx + 1', at character 1); did you mean `x`?");
    assert!(message("s + 1").contains("`+` takes no string with int64"), "{}", message("s + 1"));
    assert!(message("t & u").contains("binds tighter"), "{}", message("t & u"));
    let looped = frame.with_column("a", text("b + 1")).with_column("b", text("a + 1"));
    assert_eq!(looped.type_of(col("a")).unwrap_err().to_string(), "column `a` is computed of itself: a -> b -> a");
}

#[test]
fn many_rows_are_summed_by_all_threads() {
    let rows = 1_000_003_i32;
    let x = Arc::new(Int32Array::from_iter_values(0..rows)) as ArrayRef;
    let f = Arc::new(Float32Array::from_iter_values((0..rows).map(|value| value as f32 / 7.0))) as ArrayRef;
    let frame = frame(vec![("x", x), ("f", f)]);
    let answers = frame.aggregate(&[agg::sum(col("x")), agg::mean(text("f * f")), agg::std(col("x"), 0)]).unwrap();
    let n = i128::from(rows);
    assert_eq!(answers[0], Value::Int(n * (n - 1) / 2));
    let mean = (0..rows).map(|value| f64::from((value as f32 / 7.0) * (value as f32 / 7.0))).sum::<f64>() / n as f64;
    assert!((answers[1].as_f64().unwrap() / mean - 1.0).abs() < 1e-12);
    let std = (((n * n - 1) as f64) / 12.0).sqrt();
    assert!((answers[2].as_f64().unwrap() / std - 1.0).abs() < 1e-14);
}
