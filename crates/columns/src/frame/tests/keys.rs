use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use proptest::prelude::*;

use crate::aggregate::agg;
use crate::expr::{Expr, col};
use crate::frame::Frame;

fn frame(columns: Vec<(&str, ArrayRef)>) -> Frame {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap();
    Frame::from_batches(batch.schema(), vec![batch]).unwrap()
}

/// What pandas 3.1 answers with `dropna=False`.
#[test]
fn missing_and_nan_are_keys() {
    let k = Arc::new(Float64Array::from(vec![
        Some(1.0),
        None,
        Some(f64::NAN),
        Some(-0.0),
        Some(0.0),
        Some(f64::NAN),
        None,
    ])) as ArrayRef;
    let v = Arc::new(Int32Array::from(vec![Some(1), Some(2), Some(3), Some(4), Some(5), None, Some(7)])) as ArrayRef;
    let frame = frame(vec![("k", k), ("v", v)]);
    let batch = frame
        .group_by([("k", col("k"))])
        .agg([
            ("n", agg::count_rows()),
            ("c", agg::count(col("v"))),
            ("s", agg::sum(col("v"))),
            ("m", agg::max(col("v"))),
        ])
        .unwrap();
    let keys = batch.column(0).as_primitive::<Float64Type>();
    assert_eq!((keys.value(0), keys.is_null(1), keys.value(2).is_nan(), keys.value(3)), (1.0, true, true, 0.0));
    assert_eq!(batch.column(1).as_primitive::<Int64Type>().values(), &[1, 2, 2, 2]);
    assert_eq!(batch.column(2).as_primitive::<Int64Type>().values(), &[1, 2, 1, 2]);
    assert_eq!(batch.column(3).as_primitive::<Int64Type>().values(), &[1, 9, 3, 9]);
    assert_eq!(batch.column(4).as_primitive::<Int32Type>().values(), &[1, 7, 3, 5]);
}

#[test]
fn a_large_mean_costs_no_digits() {
    let rows = 100_000;
    let k = Arc::new(Int32Array::from_iter_values((0..rows).map(|row| row % 3))) as ArrayRef;
    let v = Arc::new(Float64Array::from_iter_values((0..rows).map(|row| 1e15 + f64::from(row / 3 % 4)))) as ArrayRef;
    let batch = frame(vec![("k", k), ("v", v)])
        .group_by([("k", col("k"))])
        .sorted()
        .agg([("var", agg::var(col("v"), 0)), ("skew", agg::skew(col("v"))), ("median", agg::median(col("v")))])
        .unwrap();
    for (variance, skew) in batch
        .column(1)
        .as_primitive::<Float64Type>()
        .values()
        .iter()
        .zip(batch.column(2).as_primitive::<Float64Type>().values())
    {
        assert!((variance - 1.25).abs() < 1e-3 && skew.abs() < 1e-3, "{variance} {skew}");
    }
    assert_eq!(batch.column(3).as_primitive::<Float64Type>().value(0), 1e15 + 1.0);
}

#[test]
fn what_is_no_group_says_so() {
    let k = Arc::new(Int32Array::from_iter_values(0..100_000)) as ArrayRef;
    let frame = frame(vec![("k", k)]);
    let none: [(&str, Expr); 0] = [];
    let one = frame.group_by(none).agg([("n", agg::count_rows())]).unwrap();
    assert_eq!(one.column(0).as_primitive::<Int64Type>().values(), &[100_000]);
    let twice = frame.group_by([("k", col("k"))]).agg([("k", agg::count_rows())]).unwrap_err();
    assert!(twice.to_string().contains("`k`"), "{twice}");
    // Groups that do not fit are written to disk, and come out all the same.
    let options = crate::PassOptions { memory: Some(1 << 20), ..Default::default() };
    let full = frame.group_by([("k", col("k"))]).agg_with([("n", agg::count_rows())], &options).unwrap();
    assert_eq!(full.num_rows(), 100_000);
}

type Naive = BTreeMap<(Option<String>, Option<i32>), (i64, Vec<f64>)>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Against a map that is filled row by row: keys of texts short and long, and numbers near and far, with missing ones, over the edges
    /// of blocks.
    #[test]
    fn groups_are_those_of_a_map(
        rows in prop_oneof![Just(0_usize), Just(1), 4_095..4_098_usize, 9_000..9_100_usize],
        texts in 1..40_usize, numbers in 1..2_000_i32, seed in any::<u64>(),
    ) {
        let mut random = seed | 1;
        let mut next = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random
        };
        let s: Vec<Option<String>> = (0..rows)
            .map(|_| match next() as usize % (texts + 1) {
                0 => None,
                n if n % 2 == 0 => Some(format!("t{n}")),
                n => Some(format!("a text that is longer than a word {n}")),
            })
            .collect();
        let i: Vec<Option<i32>> = (0..rows).map(|_| (next() % 11 > 0).then(|| (next() as i32 % numbers).wrapping_mul(65_537))).collect();
        let v: Vec<Option<f64>> = (0..rows)
            .map(|_| match next() % 7 {
                0 => None,
                1 => Some(f64::NAN),
                _ => Some((next() % 1_000) as f64 / 8.0),
            })
            .collect();
        let frame = frame(vec![
            ("s", Arc::new(StringArray::from(s.clone())) as ArrayRef),
            ("i", Arc::new(Int32Array::from(i.clone()))),
            ("v", Arc::new(Float64Array::from(v.clone()))),
        ]).filter(Expr::parse("ismissing(v) | isnan(v) | (v > 3)").unwrap()).unwrap();
        let mut naive = Naive::new();
        for row in 0..rows {
            if v[row].is_some_and(|value| value <= 3.0) {
                continue;
            }
            let group = naive.entry((s[row].clone(), i[row])).or_default();
            group.0 += 1;
            group.1.extend(v[row].filter(|value| !value.is_nan()));
        }
        let batch = frame
            .group_by([("s", col("s")), ("i", col("i"))])
            .agg([
                ("n", agg::count_rows()), ("sum", agg::sum(col("v"))), ("std", agg::std(col("v"), 0)),
                ("least", agg::min(col("v"))), ("median", agg::median(col("v"))), ("high", agg::count(col("v")).selection(col("v").greater(60))),
            ])
            .unwrap();
        prop_assert_eq!(batch.num_rows(), naive.len());
        let (found_s, found_i) = (batch.column(0).as_string::<i64>(), batch.column(1).as_primitive::<Int32Type>());
        for row in 0..batch.num_rows() {
            let key = (
                found_s.is_valid(row).then(|| found_s.value(row).to_owned()),
                found_i.is_valid(row).then(|| found_i.value(row)),
            );
            let (count, values) = &naive[&key];
            let float = |column: usize| batch.column(column).as_primitive::<Float64Type>().value(row);
            prop_assert_eq!(batch.column(2).as_primitive::<Int64Type>().value(row), *count);
            let sum: f64 = values.iter().sum();
            prop_assert!((float(3) - sum).abs() < 1e-9 * sum.abs().max(1.0));
            let n = values.len() as f64;
            let variance = values.iter().map(|value| (value - sum / n).powi(2)).sum::<f64>() / n;
            prop_assert!(values.is_empty() || (float(4) - variance.sqrt()).abs() < 1e-6);
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let same = if values.is_empty() { batch.column(5).is_null(row) } else { float(5) == least };
            prop_assert!(same);
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let median = (sorted.get((sorted.len().max(1) - 1) / 2).copied().unwrap_or(0.0) + sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)) / 2.0;
            prop_assert!(values.is_empty() || float(6) == median);
            prop_assert_eq!(batch.column(7).as_primitive::<Int64Type>().value(row) as usize, values.iter().filter(|value| **value > 60.0).count());
        }
    }
}
