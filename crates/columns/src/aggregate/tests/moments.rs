//! Moments and extremes.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, DurationSecondArray, FixedSizeListArray, Float32Array, Float64Array, Int64Array,
    StringArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field};

use super::{assert_near, floats, frame, one, text, threads};
use crate::{Unit, Value, agg, col};

#[test]
fn large_means_cost_no_digits() {
    // np.var of the differences from 2**53: 0.5714285714285714, with ddof=1 0.6666666666666666.
    let near = [0, 1, 2, 1, 0, 2, 1].map(|step| (1_i64 << 53) + step);
    let wide = frame(vec![
        ("i", Arc::new(Int64Array::from(near.to_vec()))),
        ("u", Arc::new(UInt64Array::from(near.map(|value| value as u64 + (1 << 63)).to_vec()))),
        (
            "f",
            Arc::new(Float64Array::from(
                near.map(|value| ((value - (1 << 53)) * 2) as f64 + 9007199254740992.0).to_vec(),
            )),
        ),
    ]);
    assert_near(&one(&wide, agg::var(col("i"), 0)), 0.5714285714285714, 1e-15);
    assert_near(&one(&wide, agg::var(col("u"), 1)), 0.6666666666666666, 1e-15);
    assert_near(&one(&wide, agg::var(col("f"), 0)), 4.0 * 0.5714285714285714, 1e-15);
    // The same, where blocks and threads are joined.
    let rows = 700_000;
    let i = Int64Array::from_iter_values((0..rows).map(|row| near[row % 7]));
    let f = Float64Array::from_iter_values(
        (0..rows).map(|row| ((near[row % 7] - (1 << 53)) * 2) as f64 + 9007199254740992.0),
    );
    let many = frame(vec![("i", Arc::new(i)), ("f", Arc::new(f))]);
    assert_near(&one(&many, agg::var(col("i"), 0)), 0.5714285714285714, 1e-12);
    assert_near(&one(&many, agg::var(col("f"), 0)), 4.0 * 0.5714285714285714, 1e-12);
    assert_eq!(one(&many, agg::sum(text("i - 9007199254740992"))), Value::Int(700_000));
}

#[test]
fn skew_and_kurtosis_are_those_of_a_population() {
    // By their definitions with NumPy 2.4: (d**3).mean() / (d**2).mean()**1.5, and (d**4).mean() / (d**2).mean()**2 - 3.
    let x = Arc::new(Float64Array::from(vec![1.0, 2.0, 4.0, 8.0, 16.5, -3.0, 7.0, 7.0]));
    let small = frame(vec![("x", x)]);
    assert_near(&one(&small, agg::skew(col("x"))), 0.5653465910899046, 1e-14);
    assert_near(&one(&small, agg::kurtosis(col("x"))), -0.048967133471141455, 1e-13);
    assert_near(&one(&small, agg::kurtosis(text("x + 1000000"))), -0.048967133471141455, 1e-9);
    assert_near(&one(&small, agg::skew(text("x * 0"))), f64::NAN, 0.0);
}

#[test]
fn nothing_has_no_mean_and_no_extremes() {
    let none = frame(vec![
        ("x", Arc::new(Float64Array::from(vec![Some(f64::NAN), None]))),
        ("i", Arc::new(Int64Array::from(vec![None, None]))),
        ("s", Arc::new(StringArray::from(vec![None::<&str>, None]))),
    ]);
    for name in ["x", "i"] {
        assert_eq!(one(&none, agg::count(col(name))), Value::Int(0));
        assert_near(&one(&none, agg::mean(col(name))), f64::NAN, 0.0);
        assert_near(&one(&none, agg::std(col(name), 0)), f64::NAN, 0.0);
        assert_near(&one(&none, agg::sum(col(name))), 0.0, 0.0);
        assert_near(&one(&none, agg::median(col(name))), f64::NAN, 0.0);
        assert_near(&one(&none, agg::approx_quantile(col(name), 0.5)), f64::NAN, 0.0);
    }
    for name in ["x", "i", "s"] {
        assert_eq!(one(&none, agg::minmax(col(name))), Value::List(vec![Value::Null, Value::Null]));
        assert_eq!(one(&none, agg::mode(col(name))), Value::Null);
    }
    assert_near(&one(&none, agg::var(col("x"), 1)), f64::NAN, 0.0);
    let nowhere = none.filter(text("i > 5")).unwrap();
    assert_eq!(one(&nowhere, agg::count_rows()), Value::Int(0));
    assert_eq!(one(&nowhere, agg::min(col("s"))), Value::Null);
}

#[test]
fn infinities_are_numbers() {
    let far = frame(vec![("x", Arc::new(Float32Array::from(vec![1.0, f32::INFINITY, f32::NAN, -2.0])))]);
    assert_eq!(one(&far, agg::count(col("x"))), Value::Int(3));
    assert_eq!(one(&far, agg::sum(col("x"))), Value::Float(f64::INFINITY));
    assert_eq!(one(&far, agg::max(col("x"))), Value::Float(f64::INFINITY));
    assert_eq!(one(&far, agg::min(col("x"))), Value::Float(-2.0));
    assert_near(&one(&far, agg::std(col("x"), 0)), f64::NAN, 0.0);
    assert_near(&one(&far, agg::sum(text("x - x"))), 0.0, 0.0);
}

#[test]
fn sums_of_whole_numbers_are_exact_or_refused() {
    let wide = frame(vec![
        ("u", Arc::new(UInt64Array::from(vec![u64::MAX, 1]))),
        ("i", Arc::new(Int64Array::from(vec![i64::MIN, -1]))),
    ]);
    let error = wide.aggregate(&[agg::sum(col("u"))]).unwrap_err().to_string();
    assert!(error.contains("18446744073709551616"), "{error}");
    assert!(wide.aggregate(&[agg::sum(col("i"))]).is_err());
    assert_near(&one(&wide, agg::mean(col("u"))), 9223372036854775808.0, 0.0);
    assert_eq!(one(&wide, agg::minmax(col("u"))), Value::List(vec![Value::Int(1), Value::Int(u64::MAX.into())]));
    assert_eq!(one(&wide, agg::min(col("i"))), Value::Int(i64::MIN.into()));
}

#[test]
fn instants_and_durations_have_means_and_extremes() {
    // pandas 3.1: the mean is 2020-01-02T16:00:00, the standard deviation with ddof=0 1 days 16:47:31.761991.
    let days = [1577836800, 1578182400, 1577923200].map(|second: i64| second * 1_000_000_000);
    let times = frame(vec![
        (
            "t",
            Arc::new(TimestampNanosecondArray::from(vec![Some(days[0]), Some(days[1]), None, Some(days[2])]))
                as ArrayRef,
        ),
        ("d", Arc::new(DurationSecondArray::from(vec![Some(5), None, Some(-2), Some(4)]))),
    ]);
    assert_eq!(one(&times, agg::count(col("t"))), Value::Int(3));
    assert_eq!(one(&times, agg::mean(col("t"))), Value::Instant(1577980800000000000, Unit::Nano, None));
    assert_eq!(one(&times, agg::median(col("t"))), Value::Instant(days[2], Unit::Nano, None));
    assert_eq!(one(&times, agg::max(col("t"))), Value::Instant(days[1], Unit::Nano, None));
    let Value::Duration(deviation, Unit::Nano) = one(&times, agg::std(col("t"), 0)) else { panic!() };
    assert_eq!(deviation / 1000, ((24 + 16) * 3600 + 47 * 60 + 31) * 1_000_000 + 761_991);
    assert_eq!(one(&times, agg::sum(col("d"))), Value::Duration(7, Unit::Second));
    assert_eq!(one(&times, agg::mean(col("d"))), Value::Duration(2, Unit::Second));
    let message = |aggregate| times.aggregate(&[aggregate]).unwrap_err().to_string();
    assert!(message(agg::sum(col("t"))).starts_with("`sum` takes numbers"), "{}", message(agg::sum(col("t"))));
    assert!(message(agg::var(col("d"), 0)).contains("standard deviation"));
}

#[test]
fn texts_and_truth_values_have_extremes() {
    let texts = ["b", "été", "a", "", "zz"].map(Some).into_iter().chain([None]);
    let mixed = frame(vec![
        ("s", Arc::new(StringArray::from_iter(texts)) as ArrayRef),
        ("t", Arc::new(BooleanArray::from(vec![Some(true), None, None, Some(true), None, Some(false)]))),
    ]);
    assert_eq!(one(&mixed, agg::minmax(col("s"))), Value::List(vec!["".into(), "été".into()]));
    assert_eq!(one(&mixed, agg::min(col("s")).selection(text("s != ''"))), "a".into());
    assert_eq!(one(&mixed, agg::minmax(col("t"))), Value::List(vec![false.into(), true.into()]));
    assert_eq!(one(&mixed, agg::sum(col("t"))), Value::Int(2));
    assert_near(&one(&mixed, agg::mean(col("t"))), 2.0 / 3.0, 1e-15);
    let error = mixed.aggregate(&[agg::mean(col("s"))]).unwrap_err().to_string();
    assert_eq!(error, "`mean` takes numbers, truth values, durations and instants, and this is string (in 's')");
    let dictionary = arrow::compute::cast(
        &(Arc::new(StringArray::from(vec!["m", "c", "m", "x"])) as ArrayRef),
        &DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
    );
    let coded = frame(vec![("s", dictionary.unwrap())]);
    assert_eq!(one(&coded, agg::minmax(col("s"))), Value::List(vec!["c".into(), "x".into()]));
}

#[test]
fn vectors_are_taken_by_component() {
    // NumPy 2.4 of (np.arange(120).reshape(40, 3)**2 % 17).
    let values = Float32Array::from_iter_values((0..120_i32).map(|at| (at * at % 17) as f32));
    let field = Arc::new(Field::new("item", DataType::Float32, false));
    let vectors = frame(vec![("v", Arc::new(FixedSizeListArray::new(field, 3, Arc::new(values), None)))]);
    assert_eq!(floats(&one(&vectors, agg::sum(col("v")))), [308.0, 336.0, 308.0]);
    assert_eq!(floats(&one(&vectors, agg::count(col("v")))), [40.0, 40.0, 40.0]);
    assert_eq!(floats(&one(&vectors, agg::max(col("v")))), [16.0, 16.0, 16.0]);
    let deviations = floats(&one(&vectors, agg::std(col("v"), 0)));
    for (found, wanted) in deviations.iter().zip([5.537147279962851, 5.927900134111572, 5.537147279962852]) {
        assert_near(&Value::Float(*found), wanted, 1e-14);
    }
    assert!(vectors.aggregate(&[agg::median(col("v"))]).unwrap_err().to_string().contains("v[:, 0]"));
}

#[test]
fn wide_vectors_are_taken_by_component_too() {
    let (rows, width) = (5000_usize, 40_usize);
    let values = Int64Array::from_iter_values((0..rows * width).map(|at| (at * 31 % 1009) as i64));
    let field = Arc::new(Field::new("item", DataType::Int64, false));
    let lists = FixedSizeListArray::new(field, width as i32, Arc::new(values), None);
    let keep = Int64Array::from_iter_values((0..rows as i64).map(|row| row % 3));
    let vectors = frame(vec![("v", Arc::new(lists)), ("k", Arc::new(keep))]);
    let found = floats(&one(&vectors, agg::sum(col("v")).selection(text("k == 1"))));
    for (component, found) in found.iter().enumerate() {
        let of = |row: usize| (row * width + component) * 31 % 1009;
        let wanted: usize = (0..rows).filter(|row| row % 3 == 1).map(of).sum();
        assert_eq!(*found, wanted as f64);
    }
}

#[test]
fn what_is_asked_for_together_is_computed_once() {
    let x = frame(vec![("x", Arc::new(Float64Array::from(vec![1.0, 2.0, 6.0])))]);
    let asked = [
        agg::mean(col("x")),
        agg::std(col("x"), 0),
        agg::mean(col("x")).selection(text("x < 5")),
        agg::max(text("x * 1")),
        agg::mean(col("x")),
        agg::count(text("x")),
    ];
    let options = threads(1);
    let answers = x.aggregate_with(&asked, &options).unwrap();
    let numbers: Vec<f64> = answers.iter().map(|answer| answer.as_f64().unwrap()).collect();
    assert_eq!(numbers[0], 3.0);
    assert_near(&answers[1], (14.0_f64 / 3.0).sqrt(), 1e-15);
    assert_eq!(numbers[2..], [1.5, 6.0, 3.0, 3.0]);
}

#[test]
fn promises_are_kept() {
    let x = frame(vec![("x", Arc::new(Int64Array::from(vec![1, 2, 6])))]);
    let mut batch = x.batch();
    let sum = batch.add(agg::sum(col("x")));
    let max = batch.add(agg::max(col("x")));
    let stray = x.batch().add(agg::sum(col("x")));
    let answers = batch.execute().unwrap();
    assert_eq!(answers.get(sum), Some(&Value::Int(9)));
    assert_eq!(answers.get(max), Some(&Value::Int(6)));
    assert_eq!(answers.get(stray), None);
}
