//! Samples, splits, frames one below the other, and what columns hold.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Float64Array, Int32Array, Int64Array, StringArray, TimestampSecondArray,
};
use arrow::datatypes::Int64Type;

use super::{frame, text};
use crate::value::Value;
use crate::{Frame, agg, col};

fn numbered(rows: i64) -> Frame {
    frame(vec![("n", Arc::new(Int64Array::from_iter_values(0..rows)) as ArrayRef)])
}

fn values(frame: &Frame) -> Vec<i64> {
    frame.collect().unwrap().column_by_name("n").unwrap().as_primitive::<Int64Type>().values().to_vec()
}

#[test]
fn samples_hold_rows_that_pass() {
    let even = numbered(10_000).filter(text("n % 2 == 0")).unwrap();
    let sample = values(&even.sample(500, 1).unwrap());
    assert!(sample.len() == 500 && sample.is_sorted_by(|a, b| a < b) && sample.iter().all(|n| n % 2 == 0));
    assert_eq!(sample, values(&even.sample(500, 1).unwrap()));
    assert_ne!(sample, values(&even.sample(500, 2).unwrap()));
    assert_eq!(values(&even.sample(6_000, 1).unwrap()).len(), 5_000);
    // Of 5,000 rows drawn from 10 with replacement, each comes some 500 times.
    let again = values(&numbered(10).resample(5_000, 3).unwrap());
    for n in 0..10 {
        let count = again.iter().filter(|other| **other == n).count();
        assert!((400..600).contains(&count), "{n}: {count}");
    }
    assert!(numbered(0).resample(1, 1).unwrap_err().to_string().contains("no rows"));
    let mut shuffled = values(&even.shuffle(9).unwrap());
    assert!(!shuffled.is_sorted());
    shuffled.sort_unstable();
    assert_eq!(shuffled, (0..5_000).map(|n| n * 2).collect::<Vec<_>>());
}

#[test]
fn splits_have_every_row_once() {
    let frame = numbered(1_001).filter(text("n > 0")).unwrap();
    let lengths =
        |shares: &[f64]| -> Vec<usize> { frame.split(shares).unwrap().iter().map(|part| values(part).len()).collect() };
    assert_eq!(lengths(&[0.8]), [800, 200]);
    assert_eq!(lengths(&[0.3, 0.3, 0.4]), [300, 300, 400]);
    assert_eq!(lengths(&[1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0]), [333, 334, 333]);
    assert_eq!(lengths(&[]), [1_000]);
    assert_eq!(values(&frame.split(&[0.8]).unwrap()[1])[0], 801);
    for shares in [&[0.6, 0.5][..], &[-0.1], &[f64::NAN]] {
        assert!(frame.split(shares).unwrap_err().to_string().contains("no parts of the whole"));
    }
    let parts = frame.split_random(&[0.25, 0.5], 5).unwrap();
    let mut all: Vec<i64> = parts.iter().flat_map(values).collect();
    assert_eq!(parts.iter().map(|part| values(part).len()).collect::<Vec<_>>(), [250, 500, 250]);
    assert!(values(&parts[0]).is_sorted() && values(&parts[0])[249] > 900);
    all.sort_unstable();
    assert_eq!(all, (1..=1_000).collect::<Vec<_>>());
}

#[test]
fn frames_are_put_below_each_other_by_name() {
    let first = numbered(3).with_column("double", text("n * 2"));
    let second = frame(vec![
        ("s", Arc::new(StringArray::from(vec!["a", "b", "c", "d"])) as ArrayRef),
        ("n", Arc::new(Int32Array::from(vec![10, 11, 12, 13]))),
    ]);
    let second = second.filter(text("n != 11")).unwrap();
    let tail = numbered(10).slice(7..10).unwrap();
    let all = Frame::concat(&[first, second, tail]).unwrap();
    assert_eq!(values(&all), [0, 1, 2, 10, 12, 13, 7, 8, 9]);
    assert_eq!(all.columns().collect::<Vec<_>>(), ["n", "double", "s"]);
    let answers = all.aggregate(&[agg::sum(col("double")), agg::count(col("s")), agg::sum(text("n + 1"))]).unwrap();
    assert_eq!(answers, [Value::Int(6), Value::Int(3), Value::Int(71)]);
    assert_eq!(values(&all.slice(2..5).unwrap()), [2, 10, 12]);
    let texts = frame(vec![("n", Arc::new(StringArray::from(vec!["a"])) as ArrayRef)]);
    assert!(Frame::concat(&[numbered(1), texts]).unwrap_err().to_string().contains("column 'n'"));
    // Many blocks, of which the edges lie within those of the parts.
    let many = Frame::concat(&[numbered(9_999), numbered(20_001).filter(text("n >= 1")).unwrap()]).unwrap();
    let sums = many.aggregate(&[agg::count_rows(), agg::sum(col("n"))]).unwrap();
    assert_eq!(sums, [Value::Int(29_999), Value::Int(9_999 * 9_998 / 2 + 20_001 * 20_000 / 2)]);
}

/// What pandas 3.0 answers by `describe`, `isna` and `nunique`, with `ddof=0`.
#[test]
fn columns_are_described_in_one_pass() {
    let frame = frame(vec![
        ("x", Arc::new(Float64Array::from(vec![Some(1.5), None, Some(f64::NAN), Some(4.5)])) as ArrayRef),
        ("s", Arc::new(StringArray::from(vec![Some("b"), Some("a"), None, Some("b")]))),
        ("b", Arc::new(BooleanArray::from(vec![true, false, true, true]))),
        ("t", Arc::new(TimestampSecondArray::from(vec![Some(10), Some(20), None, Some(60)]))),
    ]);
    let found = frame.with_column("y", text("x * 2")).describe().unwrap();
    let column = |name: &str| found.iter().find(|column| column.name == name).unwrap();
    let x = column("x");
    assert_eq!((x.rows, x.missing, x.distinct), (4, 2, Some(2)));
    assert_eq!([&x.mean, &x.std, &x.min, &x.max], [&3.0.into(), &1.5.into(), &1.5.into(), &4.5.into()]);
    assert_eq!(column("y").mean, Value::Float(6.0));
    let s = column("s");
    assert_eq!((s.missing, s.distinct, &s.min, &s.max), (1, Some(2), &"a".into(), &"b".into()));
    assert_eq!((&s.mean, &s.std), (&Value::Null, &Value::Null));
    assert_eq!((&column("b").mean, column("b").missing), (&Value::Float(0.75), 0));
    assert_eq!(column("t").mean.to_string(), "datetime64(30, 's')");
}
