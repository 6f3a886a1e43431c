use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int8Array, Int64Array, RecordBatch, StringArray,
};

use crate::expr::Expr;
use crate::frame::Frame;
use crate::value::Value;

fn frame() -> Frame {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("x", Arc::new(Float64Array::from(vec![Some(-2.5), Some(f64::NAN), None, Some(4.0)]))),
        ("f", Arc::new(Float32Array::from(vec![0.5, 1.5, 2.5, 100.0]))),
        ("i", Arc::new(Int64Array::from(vec![Some(1), Some(0), None, Some(-300)]))),
        ("b", Arc::new(Int8Array::from(vec![1, 2, 3, -128]))),
        ("s", Arc::new(StringArray::from(vec![Some("1"), Some("b"), None, Some("2.5")]))),
        ("t", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(true)]))),
    ];
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap();
    Frame::from_batches(batch.schema(), vec![batch]).unwrap()
}

/// How many rows an expression is true in.
fn rows_where(condition: &str) -> i128 {
    let counted = frame().filter(Expr::parse(condition).unwrap()).unwrap().compute(&["count()"]).unwrap();
    counted[0].as_i128().unwrap()
}

fn value(text: &str) -> Value {
    frame().compute(&[text]).unwrap_or_else(|error| panic!("{text}: {error}")).remove(0)
}

#[test]
fn missing_and_nan_are_told_apart() {
    for (condition, rows) in [
        ("ismissing(x)", 1),
        ("isnan(x)", 1),
        ("isna(x)", 2),
        ("notmissing(x)", 3),
        ("notnan(x)", 3),
        ("notna(x)", 2),
        ("ismissing(s)", 1),
        ("isnan(f)", 0),
        ("ismissing(x > 0)", 1),
        ("fillna(x, 7) == 7", 2),
        ("fillmissing(x, 7) == 7", 1),
        ("fillnan(x, 7) == 7", 1),
        ("fillna(s, 'none') == 'none'", 1),
        ("coalesce(x, i, f) == 2.5", 1),
    ] {
        assert_eq!(rows_where(condition), rows, "{condition}");
    }
}

/// What NumPy 2.4 answers.
#[test]
fn numbers_are_those_of_numpy() {
    for (text, wanted) in [
        ("sum(sqrt(f))", 0.5_f32.sqrt() as f64 + 1.5_f32.sqrt() as f64 + 2.5_f32.sqrt() as f64 + 10.0),
        ("sum(round(f))", 104.0),
        ("sum(round(x, 0))", 2.0),
        ("sum(abs(x))", 6.5),
        ("sum(sign(i))", 0.0),
        ("sum(clip(f, 1, 2))", 6.5),
        ("sum(minimum(f, 2))", 6.0),
        ("sum(maximum(f, i))", 102.5),
        ("max(log1p(f))", f64::from(100.0_f32.ln_1p())),
        ("sum(arctan2(f, f))", 4.0 * f64::from(std::f32::consts::FRAC_PI_4)),
        ("sum(sinc(f))", std::f64::consts::FRAC_2_PI * (1.0 - 1.0 / 3.0 + 1.0 / 5.0)),
        ("sum(hypot(i, 0))", 301.0),
    ] {
        let found = value(text).as_f64().unwrap();
        assert!((found - wanted).abs() < 1e-5 * wanted.abs().max(1.0), "{text}: {found}, and {wanted} is right");
    }
    let error = frame().compute(&["sum(abs(b))"]).unwrap_err().to_string();
    assert!(error.contains("-128") && error.contains("row 3"), "{error}");
}

#[test]
fn a_choice_does_not_compute_what_it_leaves_out() {
    assert_eq!(value("sum(where(i != 0, 300 // i, -1))"), Value::Int(300 - 1 - 1 - 1));
    assert_eq!(value("sum(case(i == 0, 0, i > 0, 300 // i, 300 // i))"), Value::Int(299));
    assert!(frame().compute(&["sum(300 // i)"]).is_err());
    assert_eq!(value("count(where(t, x, None))"), Value::Int(2));
    assert_eq!(value("max(where(t, 'yes', s))"), Value::from("yes"));
    assert_eq!(rows_where("between(f, 0.5, 2)"), 2);
}

#[test]
fn membership_is_by_value() {
    for (condition, rows) in [
        ("isin(i, [1, 5, -300])", 2),
        ("isin(i, [1.0, 0.5, None])", 2),
        ("isin(x, [nan, 4])", 2),
        ("isin(s, ['1', None])", 2),
        ("isin(t, [False])", 1),
        ("isin(b, [300, 2])", 1),
        ("isin(i, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])", 1),
        ("~isin(i, [1])", 3),
    ] {
        assert_eq!(rows_where(condition), rows, "{condition}");
    }
    assert!(frame().compute(&["count(isin(i, ['a']))"]).is_err());
}

#[test]
fn casts_are_checked_unless_it_is_said_otherwise() {
    assert_eq!(value("sum(astype(f, 'int32'))"), Value::Int(103));
    let error = frame().compute(&["sum(astype(i, 'int8'))"]).unwrap_err().to_string();
    assert!(error.contains("-300 is no value of int8") && error.contains("row 3"), "{error}");
    assert_eq!(value("min(astype(i, 'int8', errors='saturate'))"), Value::Int(-128));
    assert_eq!(value("count(astype(i, 'int8', errors='null'))"), Value::Int(2));
    assert!(frame().compute(&["sum(astype(x, 'int64'))"]).unwrap_err().to_string().contains("nan"));
    assert_eq!(value("sum(astype(s, 'float64', errors='null'))"), Value::Float(3.5));
    assert_eq!(value("max(astype(b, 'str'))"), Value::from("3"));
    assert_eq!(value("max(to_string(x))"), Value::from("nan"));
    assert_eq!(value("sum(astype(t, 'uint8'))"), Value::Int(2));
    assert_eq!(rows_where("astype(i, 'bool')"), 2);
    assert_eq!(value("max(astype(datetime64('2020-03-01T10:30'), 'str'))"), Value::from("2020-03-01T10:30"));
    assert_eq!(
        value("max(astype(datetime64('1969-12-31T23:59:59'), 'datetime64[D]'))").to_string(),
        "datetime64(-1, 'D')"
    );
}
