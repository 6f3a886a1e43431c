//! Vectors, against plain loops in 64 bits.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, FixedSizeListArray, Float32Array, Float64Array, Int64Array, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::Field;
use proptest::prelude::*;

use super::{batch, near, text, try_text, written};
use crate::value::Value;

fn list(values: ArrayRef, width: usize, missing: Option<Vec<bool>>) -> ArrayRef {
    let field = Arc::new(Field::new("item", values.data_type().clone(), true));
    Arc::new(FixedSizeListArray::new(field, width as i32, values, missing.map(NullBuffer::from)))
}

fn small() -> RecordBatch {
    let v = vec![1.0, 2.0, 2.0, -3.0, 0.0, 4.0, 9.0, 9.0, 9.0, 0.0, f32::NAN, 1.0];
    let i = vec![1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -2, i64::MAX];
    batch(vec![
        ("v", list(Arc::new(Float32Array::from(v)), 3, Some(vec![true, true, false, true]))),
        ("i", list(Arc::new(Int64Array::from(i)), 3, None)),
        ("x", Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0, 4.0]))),
    ])
}

#[test]
fn components_are_taken_and_added_up() {
    let batch = small();
    for (expr, answers) in [
        ("v[:, 0]", "1.0 -3.0 None 0.0"),
        ("v[:, -1]", "2.0 4.0 None 1.0"),
        ("v[:, 1:]", "[2.0, 2.0] [0.0, 4.0] None [nan, 1.0]"),
        ("i[:, -2:3]", "[2, 3] [5, 6] [8, 9] [-2, 9223372036854775807]"),
        ("i[:, :1]", "[1] [4] [7] [-1]"),
        ("getitem(i, 1)", "2 5 8 -2"),
        ("v.sum(axis=1)", "5.0 1.0 None nan"),
        ("sum(i[:, :2], axis=-1)", "3 9 15 -3"),
        ("array_sum(v)", "5.0 1.0 None nan"),
        ("min(v, axis=1)", "1.0 -3.0 None nan"),
        ("max(v, axis=1)", "2.0 4.0 None nan"),
        ("max(i, axis=1)", "3 6 9 9223372036854775807"),
        ("mean(i[:, :2], axis=1)", "1.5 4.5 7.5 -1.5"),
        ("std(i[:, :2], axis=1)", "0.5 0.5 0.5 0.5"),
        ("std(i[:, :2], axis=1, ddof=2)", "inf inf inf inf"),
        ("dot(v, [1, 0, -1])", "-1.0 -7.0 None nan"),
        ("dot([1, 0.5, 0], i)", "2.0 6.5 11.0 -2.0"),
        ("dot_product([x, x + 1], [2, 3])", "8.0 13.0 18.0 23.0"),
        ("l2(v, v)", "0.0 0.0 None nan"),
        ("l2(v, [1, 2, 0])", "2.0 6.0 None nan"),
        ("norm(v)", "3.0 5.0 None nan"),
        ("norm(v, ord=1)", "5.0 7.0 None nan"),
        ("norm(v, inf)", "2.0 4.0 None nan"),
        ("cosine(v, v)", "1.0 1.0 None nan"),
        ("cosine(v, [0, 0, 0])", "nan nan None nan"),
        ("stack([x, 2, x * x])", "[1.0, 2.0, 1.0] [2.0, 2.0, 4.0] [3.0, 2.0, 9.0] [4.0, 2.0, 16.0]"),
        ("stack([x, v[:, 0]])[:, 1]", "1.0 -3.0 None 0.0"),
        ("isnan(v)", "False False False True"),
        ("isna(v)", "False False True True"),
        ("abs(v)[:, 0]", "1.0 3.0 None 0.0"),
        ("sqrt(i)[:, 0]", "1.0 2.0 2.6457513110645907 nan"),
        ("clip(i, 2, 5)", "[2, 2, 3] [4, 5, 5] [5, 5, 5] [2, 2, 5]"),
        ("v.astype('int64', errors='null')", "[1, 2, 2] [-3, 0, 4] None None"),
        ("where(x > 2, i[:, :2], i[:, 1:])", "[2, 3] [5, 6] [7, 8] [-1, -2]"),
        ("fillna(v, v)", "[1.0, 2.0, 2.0] [-3.0, 0.0, 4.0] None [0.0, nan, 1.0]"),
    ] {
        assert_eq!(written(&batch, expr).replace("NaN", "nan"), answers, "{expr}");
    }
    assert_eq!(text(&batch, "v.sum(axis=1)").0.to_string(), "float32");
    assert_eq!(text(&batch, "v[:, 1:]").0.to_string(), "float32[2]");
    for (expr, reason) in [
        ("v[:, 3]", "there is no component 3 of 3"),
        ("v[:, -4]", "there is no component -4 of 3"),
        ("v[:, 2:1]", "the slice takes no component of 3"),
        ("v[:, 0, 0]", "has 1 axes beside the rows, and 2 are taken"),
        ("x[:, 0]", "float64 has no components"),
        ("sum(v)", "argument `axis` of `sum`: is missing; axis=1 is for each row"),
        ("sum(v, axis=2)", "has no axis 2"),
        ("sum(v, axis=0)", "axis 0 is the rows"),
        ("max(x, x)", "of several columns it is maximum(a, b)"),
        ("dot(v, [1, 2])", "vectors of the same width are expected, and these are float32[3] and float64[2]"),
        ("dot(v, x)", "takes vectors and lists of numbers, and this is float64"),
        ("dot(v, ['a'])", "a list of numbers is expected"),
        ("norm(v, 3)", "1, 2 or inf is expected"),
        ("sum(i, axis=1)", ""),
    ] {
        let result = try_text(&batch, expr);
        match reason {
            // -3 + the greatest int64 fits.
            "" => assert_eq!(result.unwrap().1[3], Value::Int(i128::from(i64::MAX) - 3)),
            reason => {
                let error = result.unwrap_err().to_string();
                assert!(error.contains(reason), "{expr}: {error}");
            }
        }
    }
    let large = super::batch(vec![("i", list(Arc::new(Int64Array::from(vec![1, 2, i64::MAX, 1])), 2, None))]);
    assert!(try_text(&large, "sum(i, axis=1)").unwrap_err().to_string().contains("too large for 64 bits, in row 1"));
    let holes = super::batch(vec![("v", list(Arc::new(Float64Array::from(vec![Some(1.0), None])), 2, None))]);
    assert!(try_text(&holes, "norm(v)").unwrap_err().to_string().contains("missing components"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Widths around the number of sums that are kept side by side, and rows around those of a block.
    #[test]
    fn products_are_those_of_a_plain_loop(width in 1_usize..70, rows in 1_usize..40, seed in any::<u64>()) {
        let mut state = seed | 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f32 / 8_388_608.0) - 1.0
        };
        let a: Vec<f32> = (0..rows * width).map(|_| next()).collect();
        let b: Vec<f32> = (0..rows * width).map(|_| next()).collect();
        let q: Vec<f32> = (0..width).map(|_| next()).collect();
        // Slices that begin in the middle of memory.
        let pad = |values: &[f32]| -> ArrayRef {
            let padded: Vec<f32> = std::iter::repeat_n(7.0, width).chain(values.iter().copied()).collect();
            list(Arc::new(Float32Array::from(padded)), width, None).slice(1, rows)
        };
        let wide = Arc::new(Float64Array::from(b.iter().map(|value| f64::from(*value)).collect::<Vec<_>>()));
        let batch = batch(vec![("a", pad(&a)), ("b", pad(&b)), ("w", list(wide, width, None))]);
        let list = format!("{:?}", q.iter().map(|value| f64::from(*value)).collect::<Vec<_>>());
        let q: Vec<f32> = q.iter().cycle().take(rows * width).copied().collect();
        let naive = |a: &[f32], b: &[f32]| -> Vec<[f64; 5]> {
            a.chunks(width).zip(b.chunks(width)).map(|(a, b)| {
                let pairs = || a.iter().zip(b).map(|(a, b)| (f64::from(*a), f64::from(*b)));
                let dot: f64 = pairs().map(|(a, b)| a * b).sum();
                let (aa, bb): (f64, f64) = (pairs().map(|(a, _)| a * a).sum(), pairs().map(|(_, b)| b * b).sum());
                let distance = pairs().map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
                [dot, dot / (aa.sqrt() * bb.sqrt()), distance, aa.sqrt(), pairs().map(|(a, _)| a).sum()]
            }).collect()
        };
        for (other, b) in [("b", &b), ("w", &b), (list.as_str(), &q)] {
            let ours: Vec<Vec<Value>> = ["dot", "cosine", "l2"].iter().map(|name| text(&batch, &format!("{name}(a, {other})")).1).collect();
            for (row, expected) in naive(&a, b).iter().enumerate() {
                for (ours, expected) in ours.iter().zip(expected) {
                    let value = ours[row].as_f64().unwrap();
                    prop_assert!((value - expected).abs() < 1e-12 * width as f64, "{} {}", value, expected);
                }
            }
        }
        let (norms, sums) = (text(&batch, "norm(a)").1, text(&batch, "a.sum(axis=1)").1);
        let (least, deviations) = (text(&batch, "a.min(axis=1)").1, text(&batch, "w.std(axis=1)").1);
        for (row, expected) in naive(&a, &b).iter().enumerate() {
            prop_assert!(near(norms[row].as_f64().unwrap(), expected[3], 1e-13));
            prop_assert!((sums[row].as_f64().unwrap() - expected[4]).abs() < 1e-5);
            let run = &a[row * width..(row + 1) * width];
            prop_assert_eq!(least[row].as_f64().unwrap(), f64::from(run.iter().copied().fold(f32::INFINITY, f32::min)));
            let run: Vec<f64> = b[row * width..(row + 1) * width].iter().map(|value| f64::from(*value)).collect();
            let mean = run.iter().sum::<f64>() / width as f64;
            let deviation = (run.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / width as f64).sqrt();
            prop_assert!((deviations[row].as_f64().unwrap() - deviation).abs() < 1e-13);
        }
    }
}

/// NumPy: `m = np.arange(12.0).reshape(2, 2, 3)`, and `m.sum(axis=1)`, `m.max(axis=2)`, `m[:, 1, :2]` and so on.
#[test]
fn vectors_have_any_number_of_axes() {
    let numbers: Vec<f64> = (0..12).map(f64::from).collect();
    let inner = list(Arc::new(Float64Array::from(numbers)), 3, None);
    let batch = batch(vec![("m", list(inner, 2, None))]);
    assert_eq!(text(&batch, "m").0.to_string(), "float64[2, 3]");
    for (expr, answers) in [
        ("m", "[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]] [[6.0, 7.0, 8.0], [9.0, 10.0, 11.0]]"),
        ("m.sum(axis=1)", "[3.0, 5.0, 7.0] [15.0, 17.0, 19.0]"),
        ("m.sum(axis=2)", "[3.0, 12.0] [21.0, 30.0]"),
        ("m.max(axis=-1)", "[2.0, 5.0] [8.0, 11.0]"),
        ("array_sum(m)", "15.0 51.0"),
        ("m[:, 1, :2]", "[3.0, 4.0] [9.0, 10.0]"),
        ("m[:, 1]", "[3.0, 4.0, 5.0] [9.0, 10.0, 11.0]"),
        ("m[:, :, 0]", "[0.0, 3.0] [6.0, 9.0]"),
        ("m[:, -1, -1]", "5.0 11.0"),
        ("(m * 2)[:, 0, 1]", "2.0 14.0"),
    ] {
        assert_eq!(written(&batch, expr), answers, "{expr}");
    }
    assert!(try_text(&batch, "dot(m, [1, 2])").unwrap_err().to_string().contains("vectors of the same width"));
}

#[test]
fn what_is_in_a_missing_vector_may_be_missing() {
    let inner = Arc::new(Float64Array::from(vec![Some(1.0), Some(2.0), None, None]));
    let batch = batch(vec![("v", list(inner, 2, Some(vec![true, false])))]);
    assert_eq!(written(&batch, "v.sum(axis=1)"), "3.0 None");
}
