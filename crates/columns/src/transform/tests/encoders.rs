//! Values that become numbers.

use super::*;
use crate::types::{Int, Type, Unit};

fn colors() -> Frame {
    frame(vec![("color", texts(&[Some("red"), Some("green"), Some("green"), Some("blue"), Some("red"), Some("Zo é")]))])
}

fn others() -> Frame {
    frame(vec![("color", texts(&[Some("red"), Some("purple"), Some("blue"), None]))])
}

fn labels(options: LabelOptions, fitted: &Frame, applied: &Frame, name: &str) -> Vec<Value> {
    let encoder = LabelEncoder::fit(fitted, &[name], &options).unwrap();
    list(&encoder.transform(applied).unwrap(), &format!("label_encoded_{name}"))
}

#[test]
fn labels_are_places_among_sorted_values() {
    let plain = LabelOptions::default;
    assert_eq!(labels(plain(), &colors(), &colors(), "color"), whole(&[3, 2, 2, 1, 3, 0]));
    let encoder = LabelEncoder::fit(&colors(), &["color"], &plain()).unwrap();
    assert_eq!(encoder.columns()[0].values, ["Zo é", "blue", "green", "red"].map(Value::from));
    let encoded = encoder.transform(&colors()).unwrap();
    assert_eq!(encoded.type_of(col("label_encoded_color")).unwrap(), Type::INT64);

    // An unseen value is an error of the question that uses its row, missing, or -1; a missing one stays missing.
    let encoded = encoder.transform(&others()).unwrap();
    let error = encoded.aggregate(&[agg::sum(col("label_encoded_color"))]).unwrap_err();
    assert!(matches!(error, ColumnsError::NoResult { row: Some(1), .. }), "{error}");
    let known = encoded.filter(col("color").not_equal("purple")).unwrap();
    assert_eq!(list(&known, "label_encoded_color"), whole(&[3, 1]));
    let minus = LabelOptions { unseen: Unseen::Label(-1), ..plain() };
    let mut expected = whole(&[3, -1, 1]);
    expected.push(Value::Null);
    assert_eq!(labels(minus, &colors(), &others(), "color"), expected);
    let missing = LabelOptions { unseen: Unseen::Missing, ..plain() };
    expected[1] = Value::Null;
    assert_eq!(labels(missing, &colors(), &others(), "color"), expected);

    // A label for unseen values that a value has.
    let taken = |label| LabelOptions { unseen: Unseen::Label(label), ..plain() };
    assert!(message(LabelEncoder::fit(&colors(), &["color"], &taken(3))).contains("the label 3"));
    assert!(LabelEncoder::fit(&colors(), &["color"], &taken(4)).is_ok());
}

#[test]
fn missing_values_and_nan_have_labels_if_they_are_to() {
    let frame = kinds();
    let with = |keep| LabelOptions { keep, ..LabelOptions::default() };
    let (null, int) = (|| Value::Null, |value: i64| Value::from(value));
    // As `OrdinalEncoder`, which keeps NaN.
    assert_eq!(labels(with(Keep::NEITHER), &frame, &frame, "v"), [int(2), null(), int(0), null(), int(1)]);
    // As `LabelEncoder`, which gives NaN the last label; what is missing has one behind it here.
    assert_eq!(labels(with(Keep::BOTH), &frame, &frame, "v"), whole(&[2, 3, 0, 4, 1]));
    let nan = Keep { nan: true, missing: false };
    assert_eq!(labels(with(nan), &frame, &frame, "v"), [int(2), int(3), int(0), null(), int(1)]);
    // NaN without a label is no unseen value, even where unseen ones have a label.
    let options = LabelOptions { unseen: Unseen::Label(9), ..LabelOptions::default() };
    assert_eq!(labels(options, &frame, &frame, "v"), [int(2), null(), int(0), null(), int(1)]);
}

#[test]
fn values_of_every_type_have_labels() {
    let frame = kinds();
    let of = |name: &str| labels(LabelOptions { keep: Keep::BOTH, ..LabelOptions::default() }, &frame, &frame, name);
    assert_eq!(of("a `b`, c"), whole(&[2, 1, 3, 2, 0]));
    assert_eq!(of("n"), whole(&[3, 1, 3, 2, 0]));
    assert_eq!(of("flag"), whole(&[1, 0, 2, 1, 1]));
    assert_eq!(of("day"), whole(&[1, 2, 3, 1, 0]));
    assert_eq!(of("zoned"), whole(&[0, 1, 0, 0, 0]));
    assert_eq!(of("took"), whole(&[2, 1, 2, 0, 2]));
    // What was fitted to whole numbers knows them in wider columns.
    let encoder = LabelEncoder::fit(&frame, &["n"], &LabelOptions::default()).unwrap();
    let wide = super::frame(vec![("n", floats(&[Some(7.0), Some(f64::NAN), Some(-7.0)]))]);
    assert_eq!(list(&encoder.transform(&wide).unwrap(), "label_encoded_n"), [3.into(), Value::Null, 1.into()]);
    let other = super::frame(vec![("n", texts(&[Some("7")]))]);
    assert!(matches!(encoder.transform(&other), Err(ColumnsError::TypeMismatch { .. })));
}

#[test]
fn encoders_tell_what_they_cannot_be_fitted_to() {
    let frame = frame(vec![
        ("none", texts(&[None, None])),
        ("nan", floats(&[Some(f64::NAN), None])),
        ("x", floats(&[Some(1.0), Some(2.0)])),
    ]);
    let label = |names: &[&str]| message(LabelEncoder::fit(&frame, names, &LabelOptions::default()));
    assert!(label(&["x", "none"]).contains("column `none`, which has no value"), "{}", label(&["none"]));
    assert!(label(&["nan"]).contains("column `nan`, which has no value"));
    assert!(label(&["y"]).contains("no column or variable `y`"));
    assert!(label(&["x", "x"]).contains("named twice"));
    let neither = FrequencyOptions { keep: Keep::NEITHER, ..FrequencyOptions::default() };
    assert!(message(FrequencyEncoder::fit(&frame, &["nan"], &neither)).contains("which has no value"));
    let neither = OneHotOptions { keep: Keep::NEITHER, ..OneHotOptions::default() };
    assert!(message(OneHotEncoder::fit(&frame, &["none"], &neither)).contains("which has no value"));
    let two = OneHotOptions { limit: 1, ..OneHotOptions::default() };
    assert!(message(OneHotEncoder::fit(&frame, &["x"], &two)).contains("`x` has 2 values"));
    let vectors = frame.with_column("e", crate::call("stack", [crate::Expr::parse("[x, x]").unwrap()]));
    let error = FrequencyEncoder::fit(&vectors, &["e"], &FrequencyOptions::default()).unwrap_err();
    assert!(matches!(error, ColumnsError::TypeMismatch { .. }), "{error}");
}

#[test]
fn one_hot_columns_are_named_by_values() {
    let frame = kinds();
    let names = |column: &str| OneHotEncoder::fit(&frame, &[column], &OneHotOptions::default()).unwrap().outputs();
    // As scikit-learn, but for what is missing, where Vaex is followed.
    assert_eq!(names("v"), ["v_-1.0", "v_0.0", "v_2.5", "v_nan", "v_missing"]);
    assert_eq!(names("flag"), ["flag_False", "flag_True", "flag_missing"]);
    assert_eq!(names("n"), ["n_-2147483648", "n_-7", "n_0", "n_7"]);
    assert_eq!(names("day"), ["day_1969-12-31", "day_1970-01-01", "day_2024-02-29", "day_missing"]);
    assert_eq!(names("a `b`, c"), ["a `b`, c_", "a `b`, c_gr\"een\\", "a `b`, c_red", "a `b`, c_missing"]);
    let bare = OneHotOptions { keep: Keep::NEITHER, prefix: "is ".to_owned(), ..OneHotOptions::default() };
    assert_eq!(OneHotEncoder::fit(&frame, &["v"], &bare).unwrap().outputs(), ["is v_-1.0", "is v_0.0", "is v_2.5"]);
}

#[test]
fn one_hot_columns_are_one_where_the_value_is() {
    let frame = kinds();
    let columns = ["a `b`, c", "v", "n", "flag", "day", "zoned", "took"];
    let encoder = OneHotEncoder::fit(&frame, &columns, &OneHotOptions::default()).unwrap();
    let encoded = encoder.transform(&frame).unwrap();
    let all_of = |name: &str| all(&encoded, name);
    assert_eq!(all_of("a `b`, c_red"), [1.0, 0.0, 0.0, 1.0, 0.0]);
    assert_eq!(all_of("a `b`, c_gr\"een\\"), [0.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(all_of("v_nan"), [0.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(all_of("v_missing"), [0.0, 0.0, 0.0, 1.0, 0.0]);
    assert_eq!(all_of("v_0.0"), [0.0, 0.0, 0.0, 0.0, 1.0]);
    assert_eq!(all_of("day_1970-01-01"), [1.0, 0.0, 0.0, 1.0, 0.0]);
    assert_eq!(encoded.type_of(col("v_nan")).unwrap(), Type::Int(Int::U8));
    // In each row, one of the columns of each column is 1.
    for column in encoder.columns() {
        let mut sums = [0.0; 5];
        for value in &column.values {
            let single = Categories { column: column.column.clone(), values: vec![value.clone()] };
            let state = serde_json::json!({"limit": 9, "version": 1, "transform": "one_hot_encoder"});
            let mut state = state.as_object().unwrap().clone();
            state.extend(super::super::categories::members(&[single], "", Keep::BOTH));
            let name = OneHotEncoder::from_json(&state.into()).unwrap().outputs().remove(0);
            for (sum, found) in sums.iter_mut().zip(all_of(&name)) {
                *sum += found;
            }
        }
        assert_eq!(sums, [1.0; 5], "{}", column.column);
    }
    // Unknown values are zeros, and missing ones where none was known.
    let encoder = OneHotEncoder::fit(&colors(), &["color"], &OneHotOptions::default()).unwrap();
    let encoded = encoder.transform(&others()).unwrap();
    assert_eq!(all(&encoded, "color_red"), [1.0, 0.0, 0.0, 0.0]);
    assert_eq!(all(&encoded, "color_blue"), [0.0, 0.0, 1.0, 0.0]);
    assert_eq!(all(&encoded, "color_green"), [0.0; 4]);
}

#[test]
fn columns_of_the_same_name_are_refused() {
    let frame = frame(vec![
        ("a", texts(&[Some("b_c"), Some("missing"), None])),
        ("a_b", texts(&[Some("c"), Some("d"), Some("e")])),
        ("s", texts(&[Some("a"), Some("b"), Some("s_a")])),
        ("s_a", texts(&[Some("a"), Some("b"), Some("c")])),
    ]);
    let both = OneHotEncoder::fit(&frame, &["a_b"], &OneHotOptions::default()).unwrap();
    assert!(both.transform(&frame).is_ok());
    let fit = |names: &[&str], keep| {
        let options = OneHotOptions { keep, ..OneHotOptions::default() };
        OneHotEncoder::fit(&frame, names, &options).unwrap().transform(&frame)
    };
    assert!(message(fit(&["a"], Keep::BOTH)).contains("called `a_missing`"));
    assert!(message(fit(&["a", "a_b"], Keep::NEITHER)).contains("called `a_b_c`"));
    assert!(message(fit(&["s", "s_a"], Keep::NEITHER)).contains("a column `s_a` in the place of"));
    assert!(fit(&["a"], Keep::NEITHER).is_ok());
}

/// What pandas 3.1.1 answers by `value_counts(normalize=True)`, with `dropna=False` where missing values count.
#[test]
fn frequencies_are_shares_of_rows() {
    let fitted = frame(vec![
        ("s", texts(&[Some("a"), Some("b"), Some("a"), None, Some("a"), None])),
        ("x", floats(&[Some(1.0), Some(f64::NAN), Some(1.0), None, Some(1.0), Some(2.0)])),
    ]);
    let shares = |keep, unseen, applied: &Frame, name: &str| {
        let options = FrequencyOptions { keep, unseen, ..FrequencyOptions::default() };
        let encoder = FrequencyEncoder::fit(&fitted, &["s", "x"], &options).unwrap();
        optional(&encoder.transform(applied).unwrap(), &format!("frequency_encoded_{name}"))
    };
    let third = 2.0 / 6.0;
    assert_eq!(shares(Keep::BOTH, UnseenShare::Nan, &fitted, "s"), [0.5, 1.0 / 6.0, 0.5, third, 0.5, third].map(Some));
    let found = shares(Keep::NEITHER, UnseenShare::Zero, &fitted, "s");
    assert_eq!(found, [Some(0.75), Some(0.25), Some(0.75), None, Some(0.75), None]);
    let sixth = Some(1.0 / 6.0);
    assert_eq!(
        shares(Keep::BOTH, UnseenShare::Nan, &fitted, "x"),
        [Some(0.5), sixth, Some(0.5), sixth, Some(0.5), sixth]
    );
    let found = shares(Keep::NEITHER, UnseenShare::Zero, &fitted, "x");
    assert!(found[1].is_some_and(f64::is_nan) && found[3].is_none(), "what does not count stays what it is: {found:?}");
    assert_eq!([found[0], found[5]], [Some(0.75), Some(0.25)]);

    // Values that are unseen, and kinds of values.
    let other = frame(vec![("s", texts(&[Some("z"), None])), ("x", floats(&[Some(f64::NAN), None]))]);
    assert_eq!(shares(Keep::NEITHER, UnseenShare::Zero, &other, "s"), [Some(0.0), None]);
    assert!(shares(Keep::BOTH, UnseenShare::Nan, &other, "s")[0].is_some_and(f64::is_nan));
    let known = fitted.filter(col("s").is_not_null()).unwrap().filter(col("x").equal(1)).unwrap();
    for (unseen, expected) in [(UnseenShare::Zero, "0.0"), (UnseenShare::Nan, "nan")] {
        let options = FrequencyOptions { unseen, ..FrequencyOptions::default() };
        let encoded = FrequencyEncoder::fit(&known, &["s", "x"], &options).unwrap().transform(&other).unwrap();
        for name in ["frequency_encoded_s", "frequency_encoded_x"] {
            let found: Vec<String> = list(&encoded, name).iter().map(Value::to_string).collect();
            assert_eq!(found, [expected; 2], "{name}");
        }
    }
}

#[test]
fn many_values_are_encoded() {
    let rows = 50_000_i64;
    let n =
        Arc::new(arrow::array::Int64Array::from_iter_values((0..rows).map(|row| (row * 7_919) % 20_011))) as ArrayRef;
    let s = Arc::new(StringArray::from_iter_values((0..rows).map(|row| format!("{:05}", row % 10_007)))) as ArrayRef;
    let frame = frame(vec![("n", n), ("s", s)]);
    let encoded = LabelEncoder::fit(&frame, &["n", "s"], &LabelOptions::default()).unwrap().transform(&frame).unwrap();
    let wrong = agg::count_rows().selection(col("label_encoded_n").not_equal(col("n")));
    let texts = agg::count_rows().selection(col("label_encoded_s").not_equal(col("s").cast("int64")));
    let highest = agg::max(col("label_encoded_n"));
    assert_eq!(encoded.aggregate(&[wrong, texts, highest]).unwrap(), whole(&[0, 0, 20_010]));
    assert!(encoded.type_of(col("label_encoded_s")).is_ok());
    assert_eq!(Value::Instant(0, Unit::Day, None).to_string(), "datetime64(0, 'D')");
}
