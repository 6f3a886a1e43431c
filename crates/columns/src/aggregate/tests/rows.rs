//! What is told of single rows: the first and the last, the greatest, all of them; and pairs.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Float64Type, Int64Type, UInt64Type};

use super::{assert_near, frame, one, text, threads};
use crate::{Frame, Value, agg, col};

fn table() -> Frame {
    frame(vec![
        (
            "x",
            Arc::new(Float64Array::from(vec![None, Some(3.0), Some(f64::NAN), Some(1.0), Some(3.0), Some(2.0)]))
                as ArrayRef,
        ),
        ("n", Arc::new(Int32Array::from(vec![10, 11, 12, 13, 14, 15]))),
        ("s", Arc::new(StringArray::from(vec![Some("c"), Some("b"), None, Some("z"), Some("a"), Some("z")]))),
    ])
}

#[test]
fn the_first_and_last_rows_are_found_by_any_order() {
    let table = table();
    assert_eq!(one(&table, agg::first(col("x"))), Value::Null);
    assert_eq!(one(&table, agg::first(col("n"))), Value::Int(10));
    assert_eq!(one(&table, agg::last(col("n")).selection(text("n < 13"))), Value::Int(12));
    assert_eq!(one(&table, agg::first_by(col("n"), col("x"))), Value::Int(13));
    assert_eq!(one(&table, agg::last_by(col("n"), col("x"))), Value::Int(14));
    assert_eq!(one(&table, agg::first_by(col("n"), col("s"))), Value::Int(14));
    assert_eq!(one(&table, agg::last_by(col("n"), col("s"))), Value::Int(15));
    assert_eq!(one(&table, agg::first_by(col("s"), text("-n")).selection(text("x == 3"))), "a".into());
    let rows = 900_000;
    let many = frame(vec![("i", Arc::new(Int64Array::from_iter_values((0..rows).map(|row| row % 1000))))]);
    let numbered = frame(vec![
        ("i", Arc::new(Int64Array::from_iter_values((0..rows).map(|row| row % 1000))) as ArrayRef),
        ("row", Arc::new(Int64Array::from_iter_values(0..rows))),
    ]);
    assert_eq!(one(&many, agg::last(col("i"))), Value::Int(999));
    for count in [1, 2, 5] {
        let asked = [agg::first_by(col("row"), col("i")), agg::last_by(col("row"), col("i")), agg::last(col("row"))];
        let found = numbered.aggregate_with(&asked, &threads(count)).unwrap();
        assert_eq!(found, [Value::Int(0), Value::Int(899_999), Value::Int(899_999)]);
    }
}

#[test]
fn conditions_hold_for_any_or_for_all() {
    let table = table();
    assert_eq!(one(&table, agg::any(text("x > 2"))), true.into());
    assert_eq!(one(&table, agg::any(text("x > 3"))), false.into());
    assert_eq!(one(&table, agg::all(text("n >= 10"))), true.into());
    assert_eq!(one(&table, agg::all(text("s >= 'b'"))), false.into());
    assert_eq!(one(&table, agg::all(text("s >= 'a'"))), true.into());
    assert_eq!(one(&table, agg::any(text("n > 0")).selection(text("n > 99"))), false.into());
    assert!(table.aggregate(&[agg::any(col("n"))]).unwrap_err().to_string().contains("a condition is true or false"));
}

#[test]
fn lists_are_in_the_order_of_the_rows() {
    let table = table();
    let list = one(&table, agg::list(col("s")).selection(text("n > 11")));
    assert_eq!(list, Value::List(vec![Value::Null, "z".into(), "a".into(), "z".into()]));
    let many = frame(vec![("i", Arc::new(Int64Array::from_iter_values(0..600_000)))]);
    let Value::List(values) = &many.aggregate_with(&[agg::list(col("i"))], &threads(4)).unwrap()[0] else { panic!() };
    assert!(values.iter().enumerate().all(|(row, value)| *value == Value::Int(row as i128)) && values.len() == 600_000);
}

#[test]
fn pairs_are_those_of_numpy() {
    // np.cov(x, y, ddof=0), np.cov(x, y) and np.corrcoef(x, y) of NumPy 2.4, with rows that lack one of the two added here.
    let x =
        vec![Some(1.0), Some(2.0), Some(4.0), Some(8.0), None, Some(16.5), Some(-3.0), Some(7.0), Some(9.0), Some(7.0)];
    let nan = f64::NAN;
    let y = vec![
        Some(2.0),
        Some(1.0),
        Some(0.0),
        Some(4.0),
        Some(5.0),
        Some(9.0),
        Some(-1.0),
        Some(3.0),
        Some(nan),
        Some(2.5),
    ];
    let both = frame(vec![("x", Arc::new(Float64Array::from(x)) as ArrayRef), ("y", Arc::new(Float64Array::from(y)))]);
    assert_near(&one(&both, agg::covar(col("x"), col("y"), 0)), 14.63671875, 1e-14);
    assert_near(&one(&both, agg::covar(col("x"), col("y"), 1)), 16.72767857142857, 1e-14);
    assert_near(&one(&both, agg::correlation(col("x"), col("y"))), 0.9353482326435754, 1e-14);
    assert_near(&one(&both, agg::correlation(text("x + 1e9"), text("-y * 3"))), -0.9353482326435754, 1e-7);
    assert_near(&one(&both, agg::covar(col("x"), text("2"), 0)), 0.0, 0.0);
    assert_near(&one(&both, agg::correlation(col("x"), text("2"))), f64::NAN, 0.0);
    let Value::List(rows) = one(&both, agg::correlation_matrix([col("x"), col("y")])) else { panic!() };
    let Value::List(first) = &rows[0] else { panic!() };
    assert_eq!(first[0], Value::Float(1.0));
    assert_near(&first[1], 0.9353482326435754, 1e-14);
}

#[test]
fn the_greatest_rows_are_found_without_sorting() {
    let table = table();
    let top = table.top_k(col("x"), 3, true, &["n", "s"]).unwrap();
    assert_eq!(top.column(0).as_primitive::<UInt64Type>().values(), &[1, 4, 5]);
    assert_eq!(top.column(1).as_primitive::<Float64Type>().values(), &[3.0, 3.0, 2.0]);
    assert_eq!(top.column(3).as_string::<i64>().iter().collect::<Vec<_>>(), [Some("b"), Some("a"), Some("z")]);
    let least = table.top_k(col("x"), 10, false, &[]).unwrap();
    assert_eq!(least.column(0).as_primitive::<UInt64Type>().values(), &[3, 5, 1, 4]);
    let texts = table.filter(text("n != 15")).unwrap().top_k(col("s"), 2, true, &["x"]).unwrap();
    assert_eq!(texts.column(0).as_primitive::<UInt64Type>().values(), &[3, 0]);
    assert!(texts.column(2).is_null(1));
    assert_eq!(table.top_k(col("x"), 0, true, &["n"]).unwrap().num_rows(), 0);
    assert_eq!(table.filter(text("n > 99")).unwrap().top_k(col("x"), 3, true, &["s"]).unwrap().num_rows(), 0);
}

#[test]
fn rows_that_rise_are_kept_as_few() {
    // Every block is better than all before.
    let rows = 400_000_i64;
    let batch = |from: i64| {
        let values = Arc::new(Int64Array::from_iter_values(from..from + 100_000)) as ArrayRef;
        RecordBatch::try_from_iter([("i", values)]).unwrap()
    };
    let batches: Vec<RecordBatch> = (0..rows / 100_000).map(|part| batch(part * 100_000)).collect();
    let rising = Frame::from_batches(batches[0].schema(), batches).unwrap();
    for count in [1, 3] {
        let top = rising.top_k_with(text("i % 399999"), 2500, true, &["i"], &threads(count)).unwrap();
        let found: Vec<i64> = top.column(2).as_primitive::<Int64Type>().values().to_vec();
        assert_eq!(found, (0..2500).map(|at| 399_998 - at).collect::<Vec<_>>());
    }
}
