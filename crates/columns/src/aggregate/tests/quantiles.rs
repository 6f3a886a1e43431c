//! Quantiles.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, UInt8Array, UInt64Array,
};

use super::{assert_near, floats, frame, one, text, threads};
use crate::{Value, agg, col};

const SHARES: [f64; 7] = [0.0, 0.05, 0.25, 0.5, 0.9, 0.999, 1.0];

#[test]
fn quantiles_are_those_of_numpy() {
    // np.quantile of NumPy 2.4, of v = (np.arange(10007) * 7919 + 13) % 10007 - 5000 and of v / 7.
    let v = || (0..10007_i64).map(|row| (row * 7919 + 13) % 10007 - 5000);
    let whole = [-5000.0, -4499.7, -2498.5, 3.0, 4005.4, 4995.994, 5006.0];
    let broken = [
        -714.2857142857143,
        -642.8142857142857,
        -356.92857142857144,
        0.42857142857142855,
        572.1999999999999,
        713.7134285714286,
        715.1428571428571,
    ];
    let numbers = frame(vec![
        ("i", Arc::new(Int64Array::from_iter_values(v())) as ArrayRef),
        ("s", Arc::new(Int16Array::from_iter_values(v().map(|value| value as i16)))),
        ("w", Arc::new(Int32Array::from_iter_values(v().map(|value| value as i32)))),
        ("f", Arc::new(Float64Array::from_iter_values(v().map(|value| value as f64 / 7.0)))),
        ("g", Arc::new(Float32Array::from_iter_values(v().map(|value| value as f32)))),
    ]);
    for (name, wanted) in [("i", whole), ("s", whole), ("w", whole), ("g", whole), ("f", broken)] {
        let found = floats(&one(&numbers, agg::quantiles(col(name), &SHARES)));
        for (found, wanted) in found.iter().zip(wanted) {
            assert_near(&Value::Float(*found), wanted, 1e-14);
        }
    }
}

#[test]
fn medians_lie_between_the_two_in_the_middle() {
    let few = frame(vec![
        (
            "x",
            Arc::new(Float64Array::from(vec![Some(4.0), Some(f64::NAN), None, Some(1.0), Some(-0.0), Some(3.0)]))
                as ArrayRef,
        ),
        ("b", Arc::new(Int8Array::from(vec![-128, 127, 0, 1, -1, 2]))),
        ("u", Arc::new(UInt8Array::from(vec![255, 0, 255, 1, 255, 0]))),
        ("w", Arc::new(UInt64Array::from(vec![u64::MAX, u64::MAX - 1, 0, 1, 2, u64::MAX]))),
    ]);
    assert_eq!(one(&few, agg::median(col("x"))), Value::Float(2.0));
    assert_eq!(one(&few, agg::median(col("b"))), Value::Float(0.5));
    assert_eq!(one(&few, agg::median(col("u"))), Value::Float(128.0));
    assert_eq!(one(&few, agg::quantile(col("w"), 0.2)), Value::Float(1.0));
    assert_eq!(one(&few, agg::median(col("x")).selection(text("x > 2"))), Value::Float(3.5));
    assert_eq!(one(&few, agg::median(text("3"))), Value::Float(3.0));
    let error = few.aggregate(&[agg::quantile(col("x"), 50.0)]).unwrap_err().to_string();
    assert_eq!(error, "the share of a quantile lies between 0 and 1, and this is 50; the fifth percentile is 0.05");
}

#[test]
fn infinities_have_a_place_in_the_order() {
    let inf = f64::INFINITY;
    let far = frame(vec![("x", Arc::new(Float64Array::from(vec![inf, -inf, 1.0, inf, -inf])) as ArrayRef)]);
    assert_eq!(one(&far, agg::median(col("x"))), Value::Float(1.0));
    assert_eq!(floats(&one(&far, agg::quantiles(col("x"), &[0.0, 0.1, 0.9]))), [-inf, -inf, inf]);
}

#[test]
fn sketched_quantiles_are_near_and_the_same_for_any_number_of_threads() {
    let rows = 1_000_000_i64;
    // Log-uniform between e**-3 and e**3.
    let values = (0..rows).map(|row| ((row * 7919 % 1_000_003) as f64 / 1_000_003.0 * 6.0 - 3.0).exp());
    let long = frame(vec![("x", Arc::new(Float64Array::from_iter_values(values)))]);
    let shares = [0.0, 0.001, 0.01, 0.25, 0.5, 0.99, 0.999, 1.0];
    let near = |count: usize| {
        floats(&long.aggregate_with(&[agg::approx_quantiles(col("x"), &shares)], &threads(count)).unwrap()[0])
    };
    let found = near(1);
    assert_eq!(found, near(2));
    assert_eq!(found, near(3));
    let exact = floats(&one(&long, agg::quantiles(col("x"), &shares)));
    for ((share, found), exact) in shares.iter().zip(&found).zip(&exact) {
        // By how much the rank is off.
        let off = ((found.ln() - exact.ln()) / 6.0).abs();
        assert!(off <= 0.004 * (share * (1.0 - share)).sqrt() + 1e-6, "{share}: {found} is not {exact}");
    }
    assert_eq!((found[0], found[7]), (exact[0], exact[7]));
}
