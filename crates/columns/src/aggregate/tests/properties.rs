//! Any values in any number, against naive answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, Float64Array, Int16Array, Int64Array, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use proptest::prelude::*;

use super::{assert_near, floats, threads};
use crate::frame::ValueCounts;
use crate::{Frame, Keep, Value, agg, col, lit};

/// Rows around the ends of a block too.
fn lengths() -> impl Strategy<Value = usize> {
    prop_oneof![0_usize..40, 4094_usize..4099, 8190_usize..8195]
}

fn numbers() -> impl Strategy<Value = Vec<Option<f64>>> {
    let number = prop_oneof![
        8 => (-50_i32..50).prop_map(|value| Some(f64::from(value) / 4.0)),
        1 => any::<f32>().prop_map(|value| Some(f64::from(value) / 1e25)),
        1 => Just(Some(f64::NAN)),
        1 => Just(None),
    ];
    lengths().prop_flat_map(move |rows| proptest::collection::vec(number.clone(), rows))
}

fn whole() -> impl Strategy<Value = Vec<Option<i64>>> {
    let number = prop_oneof![4 => (-9_i64..9).prop_map(Some), 2 => any::<i64>().prop_map(Some), 1 => Just(None)];
    lengths().prop_flat_map(move |rows| proptest::collection::vec(number.clone(), rows))
}

/// The array, as a slice that begins in the middle of another.
fn framed(name: &str, array: ArrayRef) -> Frame {
    let null = arrow::array::new_null_array(array.data_type(), 3);
    let longer = arrow::compute::concat(&[&*null, &*array]).unwrap().slice(3, array.len());
    let batch = RecordBatch::try_from_iter_with_nullable([(name, longer, true)]).unwrap();
    Frame::from_batches(batch.schema(), vec![batch]).unwrap()
}

/// As NumPy has it.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() as f64 - 1.0);
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    if low == high { low } else { low + (high - low) * (place - place.floor()) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn floats_have_the_naive_answers(values in numbers(), share in 0.0..=1.0_f64) {
        let there: Vec<f64> = values.iter().flatten().copied().filter(|value| !value.is_nan()).collect();
        let n = there.len() as f64;
        let mean = there.iter().sum::<f64>() / n;
        let variance = there.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / n;
        let mut sorted = there.clone();
        sorted.sort_by(f64::total_cmp);
        let scale = there.iter().fold(1.0_f64, |most, value| most.max(value.abs()));
        let arrays: [ArrayRef; 2] = [
            Arc::new(Float64Array::from(values.clone())),
            Arc::new(Float32Array::from(values.iter().map(|value| value.map(|value| value as f32)).collect::<Vec<_>>())),
        ];
        for (at, array) in arrays.into_iter().enumerate() {
            let tolerance = [1e-12, 1e-6][at];
            let frame = framed("x", array);
            let asked = [
                agg::count(col("x")), agg::mean(col("x")), agg::var(col("x"), 0), agg::min(col("x")), agg::max(col("x")),
                agg::quantile(col("x"), share), agg::median(col("x")),
            ];
            let found = frame.aggregate(&asked).unwrap();
            prop_assert_eq!(&found[0], &Value::Int(there.len() as i128));
            if there.is_empty() {
                prop_assert_eq!(&found[3], &Value::Null);
                prop_assert!(found[5].as_f64().unwrap().is_nan());
                continue;
            }
            let near = |found: &Value, wanted: f64, scale: f64| (found.as_f64().unwrap() - wanted).abs() <= tolerance * scale;
            prop_assert!(near(&found[1], mean, scale));
            prop_assert!(near(&found[2], variance, scale * scale), "{:?} is not {}", found[2], variance);
            prop_assert!(near(&found[3], sorted[0], scale) && near(&found[4], sorted[sorted.len() - 1], scale));
            prop_assert!(near(&found[5], quantile(&sorted, share), scale), "{:?}", found[5]);
            prop_assert!(near(&found[6], quantile(&sorted, 0.5), scale));
        }
    }

    #[test]
    fn whole_numbers_have_the_naive_answers(values in whole(), share in 0.0..=1.0_f64) {
        let there: Vec<i64> = values.iter().flatten().copied().collect();
        let frame = framed("i", Arc::new(Int64Array::from(values.clone())));
        let asked = [
            agg::count(col("i")), agg::min(col("i")), agg::max(col("i")), agg::nunique(col("i"), Keep::BOTH),
            agg::unique(col("i"), Keep::NEITHER), agg::first_by(col("i"), col("i")), agg::last(col("i")), agg::list(col("i")),
        ];
        let found = frame.aggregate(&asked).unwrap();
        let value = |value: Option<i64>| value.map_or(Value::Null, Value::from);
        let mut sorted = there.clone();
        sorted.sort_unstable();
        let mut distinct = sorted.clone();
        distinct.dedup();
        prop_assert_eq!(&found[0], &Value::Int(there.len() as i128));
        prop_assert_eq!(&found[1], &value(sorted.first().copied()));
        prop_assert_eq!(&found[2], &value(sorted.last().copied()));
        prop_assert_eq!(&found[3], &Value::Int((distinct.len() + usize::from(values.contains(&None))) as i128));
        prop_assert_eq!(&found[4], &Value::List(distinct.iter().map(|value| Value::from(*value)).collect()));
        prop_assert_eq!(&found[5], &value(sorted.first().copied()));
        prop_assert_eq!(&found[6], &value(values.last().copied().flatten()));
        prop_assert_eq!(&found[7], &Value::List(values.iter().map(|known| value(*known)).collect()));
        let sum: i128 = there.iter().map(|value| i128::from(*value)).sum();
        match frame.aggregate(&[agg::sum(col("i"))]) {
            Ok(found) => prop_assert_eq!(&found[0], &Value::Int(sum)),
            Err(_) => prop_assert!(i64::try_from(sum).is_err() && u64::try_from(sum).is_err()),
        }
        if !there.is_empty() {
            let floats: Vec<f64> = sorted.iter().map(|value| *value as f64).collect();
            let found = frame.aggregate(&[agg::quantile(col("i"), share)]).unwrap();
            let wanted = quantile(&floats, share);
            prop_assert!((found[0].as_f64().unwrap() - wanted).abs() <= 1e-12 * 1e19_f64.min(wanted.abs().max(1e7)), "{:?} {wanted}", found[0]);
        }
    }

    #[test]
    fn counts_are_the_naive_ones(values in whole(), ascending: bool) {
        let mut wanted: BTreeMap<(bool, Option<i64>), i64> = BTreeMap::new();
        // Missing values come last among the same counts.
        values.iter().for_each(|value| *wanted.entry((value.is_none(), *value)).or_default() += 1);
        let mut wanted: Vec<(Option<i64>, i64)> = wanted.into_iter().map(|((_, value), count)| (value, count)).collect();
        wanted.sort_by_key(|(_, count)| if ascending { *count } else { -*count });
        let narrow = values.iter().all(|value| value.is_none_or(|value| i16::try_from(value).is_ok()));
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(values.clone()))];
        if narrow {
            arrays.push(Arc::new(Int16Array::from(values.iter().map(|value| value.map(|value| value as i16)).collect::<Vec<_>>())));
        }
        for array in arrays {
            let frame = framed("i", array);
            let table = frame.value_counts(col("i"), &ValueCounts { ascending, ..ValueCounts::default() }).unwrap();
            let found = arrow::compute::cast(table.column(0), &arrow::datatypes::DataType::Int64).unwrap();
            let found: Vec<(Option<i64>, i64)> =
                found.as_primitive::<Int64Type>().iter().zip(table.column(1).as_primitive::<Int64Type>().values().iter().copied()).collect();
            prop_assert_eq!(&found, &wanted);
        }
    }

    #[test]
    fn the_best_rows_are_the_first_of_all_sorted(values in numbers(), k in 0_usize..30, descending: bool) {
        let mut rows: Vec<(usize, f64)> =
            values.iter().enumerate().filter_map(|(row, value)| Some((row, (*value)?))).filter(|(_, value)| !value.is_nan()).collect();
        rows.sort_by(|a, b| if descending { b.1.total_cmp(&a.1) } else { a.1.total_cmp(&b.1) });
        rows.truncate(k);
        let frame = framed("x", Arc::new(Float64Array::from(values)));
        let top = frame.top_k_with(col("x"), k, descending, &["x"], &threads(2)).unwrap();
        let found: Vec<f64> = top.column(1).as_primitive::<Float64Type>().values().to_vec();
        prop_assert_eq!(&found, &rows.iter().map(|(_, value)| *value).collect::<Vec<_>>());
        prop_assert_eq!(top.column(2).as_primitive::<Float64Type>().values(), &found[..]);
    }
}

#[test]
fn one_row_and_constants_are_rows_too() {
    let frame = framed("i", Arc::new(Int64Array::from(vec![5, 6, 7])));
    let asked = [
        agg::sum(lit(2)),
        agg::median(lit(2.5)),
        agg::nunique(lit("a"), Keep::BOTH),
        agg::min(lit("a")),
        agg::mode(lit(true)),
        agg::last(lit(4)),
        agg::std(lit(4), 0),
        agg::nunique(lit(4), Keep::BOTH),
    ];
    let found = frame.aggregate(&asked).unwrap();
    let wanted = [6.into(), 2.5.into(), 1.into(), "a".into(), true.into(), 4.into(), 0.0.into(), 1.into()];
    assert_eq!(found, wanted);
    let single = framed("x", Arc::new(Float64Array::from(vec![3.5])));
    let found = single
        .aggregate(&[agg::var(col("x"), 1), agg::var(col("x"), 0), agg::quantiles(col("x"), &[0.0, 0.3, 1.0])])
        .unwrap();
    assert_near(&found[0], f64::NAN, 0.0);
    assert_near(&found[1], 0.0, 0.0);
    assert_eq!(floats(&found[2]), [3.5, 3.5, 3.5]);
}
