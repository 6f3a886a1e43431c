//! Different values.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Float64Array, Int64Array, LargeStringArray, StringArray, UInt8Array,
};
use arrow::datatypes::{DataType, Int32Type, Int64Type};

use super::{frame, one, text, threads};
use crate::frame::ValueCounts;
use crate::pass::PassOptions;
use crate::{Keep, Value, agg, col};

#[test]
fn missing_values_and_nan_count_where_they_are_asked_for() {
    let mixed = frame(vec![
        (
            "x",
            Arc::new(Float64Array::from(vec![Some(0.0), Some(-0.0), Some(f64::NAN), None, Some(-f64::NAN), Some(1.0)]))
                as ArrayRef,
        ),
        ("u", Arc::new(UInt8Array::from(vec![Some(7), None, Some(7), Some(0), None, Some(255)]))),
    ]);
    let number = |name: &str, missing: bool, nan: bool| one(&mixed, agg::nunique(col(name), Keep { missing, nan }));
    assert_eq!(number("x", false, false), Value::Int(2));
    assert_eq!(number("x", true, false), Value::Int(3));
    assert_eq!(number("x", true, true), Value::Int(4));
    assert_eq!(number("u", true, true), Value::Int(4));
    let table = mixed.value_counts(col("x"), &ValueCounts::default()).unwrap();
    let values = table.column(0).as_primitive::<arrow::datatypes::Float64Type>();
    assert_eq!(table.column(1).as_primitive::<Int64Type>().values(), &[2, 2, 1, 1]);
    assert_eq!(values.value(0), 0.0);
    assert!(values.value(1).is_nan() && values.value(2) == 1.0 && values.is_null(3));
    let selected =
        ValueCounts { selection: Some(text("x == 0")), limit: Some(1), keep: Keep::NEITHER, ascending: true };
    let table = mixed.value_counts(col("u"), &selected).unwrap();
    assert_eq!((table.num_rows(), table.column(1).as_primitive::<Int64Type>().value(0)), (1, 1));
}

#[test]
fn equal_counts_follow_the_order_of_the_values() {
    // pandas 3.1: pd.Series([3, 1, 2, 3, None, 1, 3, None]).value_counts(dropna=False) is 3: 3, 1: 2, <NA>: 2, 2: 1.
    let i = Int64Array::from(vec![Some(3), Some(1), Some(2), Some(3), None, Some(1), Some(3), None]);
    let whole = frame(vec![("i", Arc::new(i))]);
    let table = whole.value_counts(col("i"), &ValueCounts::default()).unwrap();
    let values: Vec<Option<i64>> = table.column(0).as_primitive::<Int64Type>().iter().collect();
    assert_eq!(values, [Some(3), Some(1), None, Some(2)]);
    assert_eq!(table.column(1).as_primitive::<Int64Type>().values(), &[3, 2, 2, 1]);
    assert_eq!(one(&whole, agg::mode(col("i"))), Value::Int(3));
    let unique = whole.unique(col("i"), Keep::BOTH).unwrap();
    let values: Vec<Option<i64>> = unique.column(0).as_primitive::<Int64Type>().iter().collect();
    assert_eq!(values, [Some(1), Some(2), Some(3), None]);
}

#[test]
fn texts_are_told_apart_by_all_of_their_bytes() {
    let texts = [
        "",
        "a",
        "a\0",
        "a\0\0",
        "\0",
        "abcdefgh",
        "abcdefg",
        "abcdefg\0",
        "abcdefghi",
        "abcdefgh\0",
        "é",
        "日本日本",
        "a",
        "",
        "abcdefghi",
    ];
    let check = |array: ArrayRef| {
        let coded = frame(vec![("s", array)]);
        let table = coded.value_counts(col("s"), &ValueCounts::default()).unwrap();
        let values = table.column(0).as_string::<i64>();
        let counts = table.column(1).as_primitive::<Int64Type>();
        let found: HashMap<&str, i64> =
            (0..table.num_rows()).map(|row| (values.value(row), counts.value(row))).collect();
        let mut wanted: HashMap<&str, i64> = HashMap::new();
        texts.iter().for_each(|text| *wanted.entry(text).or_default() += 1);
        assert_eq!(found, wanted);
        assert_eq!(one(&coded, agg::nunique(col("s"), Keep::NEITHER)), Value::Int(12));
    };
    check(Arc::new(StringArray::from(texts.to_vec())));
    check(Arc::new(LargeStringArray::from(texts.to_vec())));
    check(Arc::new(texts.iter().map(|text| Some(*text)).collect::<DictionaryArray<Int32Type>>()));
}

#[test]
fn many_texts_are_counted_by_all_threads() {
    let rows = 600_000;
    let name = |row: usize| {
        let number = row * 7919 % 50_021;
        if number.is_multiple_of(3) { format!("{number}") } else { format!("a longer text, number {number}") }
    };
    let short = StringArray::from_iter_values((0..rows).map(name));
    let long = frame(vec![("s", Arc::new(short))]);
    assert_eq!(one(&long, agg::nunique(col("s"), Keep::BOTH)), Value::Int(50_021));
    let table = long.value_counts(col("s"), &ValueCounts::default()).unwrap();
    assert_eq!(table.num_rows(), 50_021);
    assert_eq!(table.column(1).as_primitive::<Int64Type>().values().iter().sum::<i64>(), rows as i64);
    let counted = long.filter(text("s == '6'")).unwrap();
    let table6 = counted.value_counts(col("s"), &ValueCounts::default()).unwrap();
    let at = (0..50_021).find(|row| table.column(0).as_string::<i64>().value(*row) == "6").unwrap();
    assert_eq!(
        table.column(1).as_primitive::<Int64Type>().value(at),
        table6.column(1).as_primitive::<Int64Type>().value(0)
    );
}

#[test]
fn many_numbers_are_counted_by_partitions() {
    let rows = 2_000_000_i64;
    // Each number twice, far apart; zero is one of them.
    let values = (0..rows).map(|row| (row % 1_000_003).wrapping_mul(0x5851_F42D_4C95_7F2D));
    let nulls = (0..rows).map(|row| row % 1_000_003 != 17);
    let array: Int64Array = values.zip(nulls).map(|(value, there)| there.then_some(value)).collect();
    let many = frame(vec![("i", Arc::new(array))]);
    assert_eq!(one(&many, agg::nunique(col("i"), Keep::BOTH)), Value::Int(1_000_003));
    assert_eq!(one(&many, agg::nunique(col("i"), Keep::NEITHER)), Value::Int(1_000_002));
    let near = one(&many, agg::approx_nunique(col("i"))).as_f64().unwrap();
    assert!((near / 1_000_002.0 - 1.0).abs() < 0.012, "{near}");
    let sketch = |count: usize| many.aggregate_with(&[agg::approx_nunique(col("i"))], &threads(count)).unwrap();
    assert_eq!(sketch(1), sketch(3));
    let floats = text("astype(i, 'float64')");
    if many.type_of(floats.clone()).is_ok() {
        assert!(one(&many, agg::nunique(floats, Keep::BOTH)).as_f64().unwrap() > 990_000.0);
    }
    // With little memory, it says so.
    let small = PassOptions { memory: Some(1 << 20), ..threads(1) };
    let error = many
        .aggregate_with(&[agg::nunique(col("i"), Keep::BOTH), agg::mode(col("i"))], &small)
        .unwrap_err()
        .to_string();
    assert!(error.contains("approx_nunique") && error.contains("`memory`"), "{error}");
}

#[test]
fn frequent_values_are_found_among_many() {
    let rows = 1_000_000_i64;
    // Zero in every second row, 1 in every fourth; all others are different.
    let value = |row: i64| match row % 4 {
        0 | 2 => 0,
        1 => 1,
        _ => row + 10,
    };
    let skewed = frame(vec![("i", Arc::new(Int64Array::from_iter_values((0..rows).map(value))))]);
    let pair = |value: i64, count: i64| Value::List(vec![value.into(), count.into()]);
    let Value::List(found) = one(&skewed, agg::top_values(col("i"), 2)) else { panic!() };
    let Value::List(first) = &found[0] else { panic!() };
    assert_eq!(first[0], Value::Int(0));
    let (count, error) = (first[1].as_f64().unwrap(), 20.0);
    assert!((count - 500_000.0).abs() <= error && count <= 500_000.0, "{count}");
    assert_eq!(one(&skewed, agg::mode(col("i"))), Value::Int(0));
    let few = skewed.filter(text("i < 12")).unwrap();
    assert_eq!(one(&few, agg::top_values(col("i"), 2)), Value::List(vec![pair(0, 500_000), pair(1, 250_000)]));
    let texts =
        frame(vec![("s", Arc::new(StringArray::from(vec![Some("b"), Some("a"), None, Some("b"), None, None])))]);
    let Value::List(found) = one(&texts, agg::top_values(col("s"), 5)) else { panic!() };
    assert_eq!(found.len(), 2);
    assert_eq!(found[0], Value::List(vec!["b".into(), 2.into()]));
}

#[test]
fn dictionaries_of_several_chunks_are_put_together() {
    let chunk = |texts: &[Option<&str>]| {
        let array = texts.iter().copied().collect::<DictionaryArray<Int32Type>>();
        arrow::array::RecordBatch::try_from_iter_with_nullable([("s", Arc::new(array) as ArrayRef, true)]).unwrap()
    };
    let batches =
        vec![chunk(&[Some("x"), Some("y"), None]), chunk(&[Some("y"), Some("a text that is long"), Some("y")])];
    assert!(matches!(batches[0].column(0).data_type(), DataType::Dictionary(..)));
    let coded = crate::Frame::from_batches(batches[0].schema(), batches).unwrap();
    let table = coded.value_counts(col("s"), &ValueCounts::default()).unwrap();
    let values: Vec<Option<&str>> = table.column(0).as_string::<i64>().iter().collect();
    assert_eq!(values, [Some("y"), Some("a text that is long"), Some("x"), None]);
    assert_eq!(table.column(1).as_primitive::<Int64Type>().values(), &[3, 1, 1, 1]);
}
