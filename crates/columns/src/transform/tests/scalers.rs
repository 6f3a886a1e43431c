//! Numbers that are moved and scaled.

use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::Float32Array;

use super::*;
use crate::types::Type;

const COLUMNS: [&str; 4] = ["x", "y", "c", "i"];
const NAN: f64 = f64::NAN;

/// That each new column of [`numbers`] is this one, and missing where the first of them is.
fn expect(scaled: &Frame, prefix: &str, expected: [[f64; 7]; 4]) {
    for (name, mut expected) in COLUMNS.into_iter().zip(expected) {
        let found = optional(scaled, &format!("{prefix}{name}"));
        if name == "x" {
            assert_eq!(found[2], None, "a missing value stays missing");
            assert!(found[6].is_some_and(f64::is_nan), "NaN stays NaN");
            expected[2] = NAN;
        }
        let found: Vec<f64> = found.into_iter().map(|value| value.unwrap_or(NAN)).collect();
        assert!(close(&found, &expected), "{prefix}{name}: {found:?}, and not {expected:?}");
    }
}

#[test]
fn standard_scalers_answer_as_scikit_learn() {
    let frame = numbers();
    let scaled =
        |options: &StandardOptions| StandardScaler::fit(&frame, &COLUMNS, options).unwrap().transform(&frame).unwrap();
    expect(
        &scaled(&StandardOptions::default()),
        "standard_scaled_",
        [
            [
                -0.8765230646861664,
                -0.2504351613389047,
                NAN,
                0.1669567742259364,
                -0.8765230646861664,
                1.836524516485301,
                NAN,
            ],
            [
                -0.4107442881910239,
                -0.39505613829483893,
                -0.4036133109654853,
                -0.4036133109654853,
                -0.37508940206333086,
                -0.46066112876979415,
                2.4487775792499584,
            ],
            [0.0; 7],
            [
                -0.41541345808195906,
                -0.41254571231610726,
                -0.40967796655025546,
                -0.4068102207844037,
                -0.4039424750185519,
                -0.4010747292527001,
                2.4494645620039774,
            ],
        ],
    );
    expect(
        &scaled(&StandardOptions { with_mean: false, prefix: "z ".to_owned(), ..StandardOptions::default() }),
        "z ",
        [
            [
                0.4173919355648411,
                1.0434798389121027,
                NAN,
                1.460871774476944,
                0.4173919355648411,
                3.1304395167363084,
                NAN,
            ],
            [
                -0.00713097722553861,
                0.008557172670646332,
                0.0,
                0.0,
                0.02852390890215444,
                -0.05704781780430888,
                2.852390890215444,
            ],
            [0.1; 7],
            [
                0.0028677457658517883,
                0.005735491531703577,
                0.008603237297555365,
                0.011470983063407153,
                0.014338728829258941,
                0.01720647459511073,
                2.8677457658517884,
            ],
        ],
    );
    expect(
        &scaled(&StandardOptions { with_std: false, ..StandardOptions::default() }),
        "standard_scaled_",
        [
            [-4.2, -1.2, NAN, 0.8, -4.2, 8.8, NAN],
            [-144.0, -138.5, -141.5, -141.5, -131.5, -161.5, 858.5],
            [0.0; 7],
            [
                -144.85714285714286,
                -143.85714285714286,
                -142.85714285714286,
                -141.85714285714286,
                -140.85714285714286,
                -139.85714285714286,
                854.1428571428571,
            ],
        ],
    );
}

#[test]
fn min_max_scalers_answer_as_scikit_learn() {
    let frame = numbers();
    let fitted = |options: &MinMaxOptions| MinMaxScaler::fit(&frame, &COLUMNS, options).unwrap();
    let unit = [
        [0.0, 0.23076923076923078, NAN, 0.3846153846153847, 0.0, 1.0, NAN],
        [
            0.01715686274509804,
            0.022549019607843137,
            0.0196078431372549,
            0.0196078431372549,
            0.029411764705882353,
            0.0,
            1.0,
        ],
        [0.0; 7],
        [
            0.0,
            0.001001001001001001,
            0.002002002002002002,
            0.003003003003003003,
            0.004004004004004004,
            0.005005005005005005,
            1.0,
        ],
    ];
    expect(&fitted(&MinMaxOptions::default()).transform(&frame).unwrap(), "minmax_scaled_", unit);
    let wide = MinMaxOptions { feature_range: (-1.0, 3.0), ..MinMaxOptions::default() };
    let scaled = fitted(&wide).transform(&frame).unwrap();
    expect(&scaled, "minmax_scaled_", unit.map(|column| column.map(|value| value * 4.0 - 1.0)));
    // The ends are met exactly.
    assert_eq!(all(&scaled, "minmax_scaled_i")[0], -1.0);
    assert_eq!(all(&scaled, "minmax_scaled_i")[6], 3.0);

    let other = super::frame(vec![
        ("x", floats(&[Some(1.0)])),
        ("y", floats(&[Some(2000.0)])),
        ("c", floats(&[Some(0.2)])),
        ("i", floats(&[Some(3.0)])),
    ]);
    let beyond = fitted(&MinMaxOptions::default()).transform(&other).unwrap();
    let clipped = fitted(&MinMaxOptions { clip: true, ..MinMaxOptions::default() }).transform(&other).unwrap();
    let found = |frame: &Frame| COLUMNS.map(|name| all(frame, &format!("minmax_scaled_{name}"))[0]);
    assert!(close(&found(&beyond), &[-1.0 / 13.0, 2020.0 / 1020.0, 0.1, 2.0 / 999.0]));
    assert!(close(&found(&clipped), &[0.0, 1.0, 0.1, 2.0 / 999.0]));
    let low = MinMaxOptions { clip: true, feature_range: (5.0, 6.0), ..MinMaxOptions::default() };
    assert_eq!(found(&fitted(&low).transform(&other).unwrap())[..2], [5.0, 6.0]);
}

#[test]
fn max_abs_and_robust_scalers_answer_as_scikit_learn() {
    let frame = numbers();
    let scaler = MaxAbsScaler::fit(&frame, &COLUMNS, &MaxAbsOptions::default()).unwrap();
    expect(
        &scaler.transform(&frame).unwrap(),
        "absmax_scaled_",
        [
            [0.13333333333333333, 0.3333333333333333, NAN, 0.4666666666666667, 0.13333333333333333, 1.0, NAN],
            [-0.0025, 0.003, 0.0, 0.0, 0.01, -0.02, 1.0],
            [1.0; 7],
            [0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 1.0],
        ],
    );
    let scaled =
        |options: &RobustOptions| RobustScaler::fit(&frame, &COLUMNS, options).unwrap().transform(&frame).unwrap();
    expect(
        &scaled(&RobustOptions::default()),
        "robust_scaled_",
        [
            [-0.6, 0.0, NAN, 0.4, -0.6, 2.0, NAN],
            [
                -0.3225806451612903,
                0.3870967741935484,
                0.0,
                0.0,
                1.2903225806451613,
                -2.5806451612903225,
                129.03225806451613,
            ],
            [0.0; 7],
            [-1.0, -0.6666666666666666, -0.3333333333333333, 0.0, 0.3333333333333333, 0.6666666666666666, 332.0],
        ],
    );
    let options = RobustOptions { quantile_range: (10.0, 90.0), with_centering: false, ..RobustOptions::default() };
    expect(
        &scaled(&options),
        "robust_scaled_",
        [
            [
                0.2040816326530612,
                0.5102040816326531,
                NAN,
                0.7142857142857142,
                0.2040816326530612,
                1.530612244897959,
                NAN,
            ],
            [
                -0.006016847172081824,
                0.007220216606498189,
                0.0,
                0.0,
                0.024067388688327297,
                -0.04813477737665459,
                2.4067388688327296,
            ],
            [0.1; 7],
            [
                0.002487562189054724,
                0.004975124378109448,
                0.007462686567164173,
                0.009950248756218897,
                0.012437810945273622,
                0.014925373134328346,
                2.4875621890547244,
            ],
        ],
    );
    let plain = scaled(&RobustOptions { with_scaling: false, ..RobustOptions::default() });
    assert_eq!(all(&plain, "robust_scaled_i"), [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 996.0]);
}

#[test]
fn one_value_is_not_divided_by_nothing() {
    // One row, zeros, and many equal values, whose mean is rounded.
    for (values, scaled) in [
        (vec![3.5], [0.0, 2.0, 1.0, 0.0]),
        (vec![0.0; 2], [0.0, 2.0, 0.0, 0.0]),
        (vec![0.1; 10_000], [0.0, 2.0, 1.0, 0.0]),
    ] {
        let frame = frame(vec![("x", Arc::new(Float64Array::from(values.clone())) as ArrayRef)]);
        let options = MinMaxOptions { feature_range: (2.0, 3.0), ..MinMaxOptions::default() };
        let transforms: [Transform; 4] = [
            StandardScaler::fit(&frame, &["x"], &StandardOptions::default()).unwrap().into(),
            MinMaxScaler::fit(&frame, &["x"], &options).unwrap().into(),
            MaxAbsScaler::fit(&frame, &["x"], &MaxAbsOptions::default()).unwrap().into(),
            RobustScaler::fit(&frame, &["x"], &RobustOptions::default()).unwrap().into(),
        ];
        for (transform, expected) in transforms.iter().zip(scaled) {
            let found = all(&transform.transform(&frame).unwrap(), &transform.outputs()[0]);
            assert_eq!(found, vec![expected; values.len()], "{} of {}", transform.name(), values[0]);
        }
    }
    // Small numbers are no constant ones: scikit-learn leaves these undivided.
    let tiny = frame(vec![("x", floats(&[Some(1e-20), Some(3e-20)]))]);
    let scaled = MinMaxScaler::fit(&tiny, &["x"], &MinMaxOptions::default()).unwrap().transform(&tiny).unwrap();
    assert_eq!(all(&scaled, "minmax_scaled_x"), [0.0, 1.0]);
}

#[test]
fn numbers_of_other_types_are_scaled() {
    let frame = frame(vec![
        ("b", Arc::new(BooleanArray::from(vec![true, false, true, true])) as ArrayRef),
        ("f", Arc::new(Float32Array::from(vec![1.5, 2.25, 1e7, 3.0]))),
        ("u", Arc::new(arrow::array::UInt8Array::from(vec![0, 255, 0, 255]))),
        ("i", Arc::new(arrow::array::Int64Array::from(vec![i64::MIN, i64::MAX, 0, 0]))),
    ]);
    let names = ["b", "f", "u", "i"];
    let scaled = StandardScaler::fit(&frame, &names, &StandardOptions::default()).unwrap().transform(&frame).unwrap();
    let found = |name: &str| all(&scaled, &format!("standard_scaled_{name}"));
    assert!(close(&found("b"), &[0.5773502691896258, -1.7320508075688774, 0.5773502691896258, 0.5773502691896258]));
    assert_eq!(found("u"), [-1.0, 1.0, -1.0, 1.0]);
    assert_eq!(scaled.type_of(col("standard_scaled_f")).unwrap(), Type::Float32);
    for (found, expected) in found("f").iter().zip([-0.57735044, -0.5773503, 1.7320508, -0.57735014]) {
        assert!((found - expected).abs() < 2e-7, "{found} {expected}");
    }
    let max_abs = MaxAbsScaler::fit(&frame, &["i", "b"], &MaxAbsOptions::default()).unwrap();
    let scaled = max_abs.transform(&frame).unwrap();
    assert_eq!(all(&scaled, "absmax_scaled_i"), [-1.0, 1.0, 0.0, 0.0]);
    assert_eq!(all(&scaled, "absmax_scaled_b"), [1.0, 0.0, 1.0, 1.0]);
}

#[test]
fn scalers_tell_what_they_cannot_be_fitted_to() {
    let frame = frame(vec![
        ("none", floats(&[None, Some(f64::NAN)])),
        ("inf", floats(&[Some(1.0), Some(f64::INFINITY)])),
        ("far", floats(&[Some(-1.7e308), Some(1.7e308)])),
        ("s", texts(&[Some("a"), None])),
        ("x", floats(&[Some(1.0), Some(2.0)])),
    ]);
    let standard = |names: &[&str]| message(StandardScaler::fit(&frame, names, &StandardOptions::default()));
    let min_max = |names: &[&str]| message(MinMaxScaler::fit(&frame, names, &MinMaxOptions::default()));
    assert!(standard(&["x", "none"]).contains("column `none`, which has no mean"), "{}", standard(&["none"]));
    assert!(min_max(&["none"]).contains("column `none`, which has no minimum"), "{}", min_max(&["none"]));
    assert!(standard(&["inf"]).contains("infinite"), "{}", standard(&["inf"]));
    assert!(min_max(&["inf"]).contains("whose maximum is inf"), "{}", min_max(&["inf"]));
    assert!(min_max(&["far"]).contains("too far"), "{}", min_max(&["far"]));
    assert!(standard(&["s"]).contains("`s` is string; an encoder"), "{}", standard(&["s"]));
    assert!(standard(&["xx"]).contains("no column or variable `xx`"), "{}", standard(&["xx"]));
    assert!(standard(&["x", "x"]).contains("`x` is named twice"));
    assert!(standard(&[]).contains("at least one column"));
    for limits in [(1.0, 1.0), (2.0, 1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY), (-1.7e308, 1.7e308)] {
        let options = MinMaxOptions { feature_range: limits, ..MinMaxOptions::default() };
        assert!(message(MinMaxScaler::fit(&frame, &["x"], &options)).contains("feature_range"), "{limits:?}");
    }
    for range in [(75.0, 25.0), (-1.0, 50.0), (0.0, 101.0), (f64::NAN, 1.0)] {
        let options = RobustOptions { quantile_range: range, ..RobustOptions::default() };
        assert!(message(RobustScaler::fit(&frame, &["x"], &options)).contains("quantile_range"), "{range:?}");
    }
    let empty = frame.filter(col("x").greater(9)).unwrap();
    assert!(message(StandardScaler::fit(&empty, &["x"], &StandardOptions::default())).contains("no mean"));
    // What was fitted to numbers is applied to texts, or to nothing.
    let scaler = StandardScaler::fit(&frame, &["x"], &StandardOptions::default()).unwrap();
    let other = super::frame(vec![("x", texts(&[Some("a")]))]);
    assert!(matches!(scaler.transform(&other), Err(ColumnsError::TypeMismatch { .. })));
    let other = super::frame(vec![("y", texts(&[Some("a")]))]);
    assert!(matches!(scaler.transform(&other), Err(ColumnsError::UnknownColumn { .. })));
}

#[test]
fn all_columns_are_fitted_in_one_pass_over_rows_that_pass() {
    let rows = 100_000;
    let seen = Arc::new(AtomicU64::new(0));
    let counting = seen.clone();
    let frame = frame(vec![("x", Arc::new(Int32Array::from_iter_values(0..rows)) as ArrayRef)])
        .register_function("seen", Type::INT64, move |arrays| {
            let values = arrays.first().ok_or("no argument")?;
            counting.fetch_add(values.len() as u64, Ordering::Relaxed);
            Ok(values.clone())
        })
        .with_column("v", crate::call("seen", [col("x").cast("int64")]))
        .with_column("w", col("v") % 10);
    let passes = || seen.swap(0, Ordering::Relaxed) as f64 / f64::from(rows);
    let names = ["v", "w"];
    let scaler = StandardScaler::fit(&frame, &names, &StandardOptions::default()).unwrap();
    assert_eq!(passes(), 1.0);
    MinMaxScaler::fit(&frame, &names, &MinMaxOptions::default()).unwrap();
    assert_eq!(passes(), 1.0);
    LabelEncoder::fit(&frame, &names, &LabelOptions::default()).unwrap();
    assert_eq!(passes(), 1.0);
    FrequencyEncoder::fit(&frame, &names, &FrequencyOptions::default()).unwrap();
    assert_eq!(passes(), 1.0);
    assert_eq!(scaler.columns()[1].offset, 4.5);
    let part = frame.filter(col("x").less(3)).unwrap();
    assert_eq!(StandardScaler::fit(&part, &["v"], &StandardOptions::default()).unwrap().columns()[0].offset, 1.0);
}

#[test]
fn new_columns_keep_to_their_names() {
    let frame = frame(vec![("x", floats(&[Some(1.0), Some(3.0)])), ("_x", floats(&[Some(0.0), Some(4.0)]))]);
    // Without a prefix, a column takes the place of its own.
    let bare = StandardOptions { prefix: String::new(), ..StandardOptions::default() };
    let scaler = StandardScaler::fit(&frame, &["x", "_x"], &bare).unwrap();
    let scaled = scaler.transform(&frame).unwrap();
    assert_eq!(scaled.columns().collect::<Vec<_>>(), ["x", "_x"]);
    assert_eq!((all(&scaled, "x"), all(&scaled, "_x")), (vec![-1.0, 1.0], vec![-1.0, 1.0]));
    // The place of another one that is still needed is not free.
    let odd = StandardOptions { prefix: "_".to_owned(), ..StandardOptions::default() };
    let scaler = StandardScaler::fit(&frame, &["x", "_x"], &odd).unwrap();
    assert!(message(scaler.transform(&frame)).contains("a column `_x` in the place of one"));
    let scaled = StandardScaler::fit(&frame, &["x"], &odd).unwrap().transform(&frame).unwrap();
    assert_eq!(all(&scaled, "_x"), [-1.0, 1.0]);
}
