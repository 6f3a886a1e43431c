mod answers;
mod grids;
mod group_values;
mod groups;
#[cfg(target_os = "linux")] // `ulimit` limits memory there.
mod hostile;
mod keys;
mod not_text;
mod rows;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, UInt8Array,
};

use super::*;
use crate::aggregate::{Aggregate, Keep, agg};
use crate::pass::PassOptions;
use crate::value::Value;
use crate::{ColumnsError, Expr, col};

fn frame(columns: Vec<(&str, ArrayRef)>) -> Frame {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap();
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
    assert_eq!(
        message("xx + 1"),
        "there is no column or variable `xx` (in 'xx + 1', at character 1); did you mean `x`?"
    );
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

/// What `np.nanquantile` of NumPy 2.4 and `len(set(...))` answer.
#[test]
fn quantiles_and_distinct_values_are_exact() {
    let frame = small();
    assert_eq!(one(&frame, agg::median(col("f"))), Value::Float(3.0));
    assert_eq!(one(&frame, agg::median(col("x"))), Value::Float(2.5));
    assert_eq!(one(&frame, agg::quantile(col("u"), 0.1)), Value::Float(30.700000000000003));
    assert_eq!(one(&frame, agg::quantile(col("f"), 1.0)), Value::Float(4.5));
    assert!(one(&frame.filter(text("f > 9")).unwrap(), agg::median(col("f"))).as_f64().unwrap().is_nan());
    assert_eq!(one(&frame, agg::nunique(col("s"), Keep::BOTH)), Value::Int(3));
    assert_eq!(one(&frame, agg::nunique(col("s"), Keep::NEITHER)), Value::Int(2));
    assert_eq!(one(&frame, agg::nunique(col("x"), Keep::BOTH)), Value::Int(4));
    assert_eq!(one(&frame, agg::nunique(col("x"), Keep::NEITHER)), Value::Int(2));
    assert_eq!(one(&frame, agg::nunique(text("u > 100"), Keep::BOTH)), Value::Int(2));
    assert_eq!(one(&frame, agg::minmax(col("x"))), Value::List(vec![Value::Float(1.0), Value::Float(4.0)]));
    assert_eq!(one(&frame, agg::max(col("s"))), Value::from("b"));
    assert_eq!(one(&frame, agg::min(col("t"))), Value::Bool(false));
    assert_eq!(one(&frame, agg::max(col("i"))), Value::Int(i64::MAX.into()));
}

#[test]
fn many_distinct_values_are_counted_by_parts() {
    let rows = 300_000_i64;
    let x = Arc::new(Int64Array::from_iter_values((0..rows).map(|row| (row % 200_000) - 100_000))) as ArrayRef;
    let s = Arc::new(StringArray::from_iter_values((0..rows).map(|row| format!("{}", row % 150_001)))) as ArrayRef;
    let long = Arc::new(StringArray::from_iter_values((0..rows).map(|row| format!("a long text {}", row % 1_001))))
        as ArrayRef;
    let frame = frame(vec![("x", x), ("s", s), ("long", long)]);
    assert_eq!(one(&frame, agg::nunique(col("x"), Keep::BOTH)), Value::Int(200_000));
    assert_eq!(one(&frame, agg::nunique(col("s"), Keep::BOTH)), Value::Int(150_001));
    assert_eq!(one(&frame, agg::nunique(col("long"), Keep::BOTH)), Value::Int(1_001));
    assert_eq!(one(&frame, agg::median(col("x"))), {
        let mut sorted: Vec<i64> = (0..rows).map(|row| (row % 200_000) - 100_000).collect();
        sorted.sort_unstable();
        Value::Float((sorted[149_999] + sorted[150_000]) as f64 / 2.0)
    });
    let little = PassOptions { memory: Some(1 << 20), ..PassOptions::default() };
    let both = [agg::nunique(col("x"), Keep::BOTH), agg::list(col("x"))];
    assert_eq!(frame.aggregate_with(&both[..1], &little).unwrap(), [Value::Int(200_000)]);
    let error = frame.aggregate_with(&both, &little).unwrap_err();
    assert!(error.to_string().contains("allow more"), "{error}");
}

#[test]
fn aggregations_are_read_from_text() {
    let frame = small();
    let answers =
        frame.compute(&["sum(f) / count()", "max(u) - min(u)", "count(selection=u > 50)", "std(f, ddof=1)"]).unwrap();
    assert_eq!(answers[..3], [Value::Float(3.0), Value::Int(254), Value::Int(3)]);
    assert!((answers[3].as_f64().unwrap() - 1.2909944487358056).abs() < 1e-15);
    let message = |text: &str| frame.compute(&[text]).unwrap_err().to_string();
    assert!(message("f + 1").contains("mean(f)"), "{}", message("f + 1"));
    assert!(message("quantile(f)").contains("`q` is missing"), "{}", message("quantile(f)"));
    assert!(message("maen(f)").contains("did you mean `mean`?"), "{}", message("maen(f)"));
    assert!(
        message("sum(s)").contains("takes numbers, truth values, durations and instants, and this is string"),
        "{}",
        message("sum(s)")
    );
}

#[test]
fn names_follow_what_they_name() {
    let frame = small().filter(text("f > 2")).unwrap().with_column("f", text("f * 10")).with_column("g", text("f + 1"));
    assert_eq!(frame.compute(&["sum(f)", "sum(g)"]).unwrap(), [Value::Float(105.0), Value::Float(108.0)]);
    let renamed = frame.rename("f", "ten f").unwrap().drop(&["x"]).unwrap();
    assert_eq!(renamed.compute(&["sum(`ten f`)", "sum(g)"]).unwrap(), [Value::Float(105.0), Value::Float(108.0)]);
    assert!(matches!(renamed.compute(&["sum(x)"]), Err(ColumnsError::UnknownColumn { .. })));
    assert_eq!(renamed.columns().collect::<Vec<_>>(), ["ten f", "i", "u", "s", "t", "g"]);
    let again = small().with_state(&renamed.state()).unwrap();
    assert_eq!(again.columns().collect::<Vec<_>>(), ["ten f", "i", "u", "s", "t", "g"]);
    assert_eq!(again.compute(&["sum(`ten f`)"]).unwrap(), [Value::Float(105.0)]);
}

#[test]
fn functions_of_ones_own_are_called_with_blocks() {
    let half = |arrays: &[ArrayRef]| -> Result<ArrayRef, String> {
        use arrow::array::AsArray;
        let values = arrays.first().ok_or("no argument")?.as_primitive::<arrow::datatypes::Float32Type>();
        Ok(Arc::new(values.unary::<_, arrow::datatypes::Float32Type>(|value| value / 2.0)))
    };
    let frame = small().register_function("half", Type::Float32, half);
    assert_eq!(frame.compute(&["sum(half(f) + 1)"]).unwrap(), [Value::Float(10.0)]);
    let broken = frame.register_function("half", Type::Float32, |_| panic!("on purpose"));
    assert!(broken.compute(&["sum(half(f))"]).unwrap_err().to_string().contains("on purpose"));
    let short = frame.register_function("half", Type::Float32, |arrays| Ok(arrays[0].slice(0, 1)));
    assert!(short.compute(&["sum(half(f))"]).unwrap_err().to_string().contains("4 rows and returned 1"));
}

/// The queries over all rows that Vaex answered, where it was right, and its state.
#[test]
fn answers_are_those_of_vaex() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests-data");
    let expected: serde_json::Value =
        serde_json::from_slice(&std::fs::read(format!("{root}/vaex/queries.json")).unwrap()).unwrap();
    let table = crate::hdf5::Hdf5Table::open(format!("{root}/vaex/table.hdf5"), &Default::default()).unwrap();
    let frame = Frame::new(Arc::new(crate::source::Hdf5Source::new(table, None)));
    let mut checked = 0;
    for query in expected.as_array().unwrap() {
        let code = query["code"].as_str().unwrap();
        // `df.mean("x")` is `mean(x)`, `df.min("x")` is `min(x)`.
        let Some((name, rest)) = code.strip_prefix("df.").and_then(|rest| rest.split_once('(')) else { continue };
        let Some(of) = rest.strip_suffix(')').map(|of| of.trim_matches(['"', '\''])) else { continue };
        let known = ["count", "sum", "mean", "std", "var", "min", "max", "minmax", "skew", "kurtosis"];
        if !known.contains(&name) || query["compat"] != "match" || of.contains(['"', '=', '[']) {
            continue;
        }
        let answer = frame.compute(&[format!("{name}({of})")]).unwrap().remove(0);
        let result = &query["result"];
        let wanted: Vec<f64> = match result["values"].as_array() {
            Some(values) => values.iter().map(number).collect(),
            None => vec![number(&result["value"])],
        };
        let found: Vec<f64> = match &answer {
            Value::List(values) => values.iter().map(|value| value.as_f64().unwrap()).collect(),
            value => vec![value.as_f64().unwrap()],
        };
        assert_eq!(found.len(), wanted.len(), "{code}");
        for (found, wanted) in found.iter().zip(&wanted) {
            assert!((found - wanted).abs() <= 1e-9 * wanted.abs().max(1e-3), "{code}: {found}, and Vaex says {wanted}");
        }
        checked += 1;
    }
    assert!(checked > 80, "{checked}");
}

fn number(value: &serde_json::Value) -> f64 {
    match value {
        serde_json::Value::Bool(value) => f64::from(u8::from(*value)),
        value => value.as_f64().unwrap(),
    }
}
