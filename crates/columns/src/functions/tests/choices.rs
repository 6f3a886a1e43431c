//! What is missing, choices, lists and pairs.

use std::sync::Arc;

use arrow::array::{
    BooleanArray, DictionaryArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampNanosecondArray,
};
use arrow::datatypes::Int32Type;

use super::{batch, text, try_text, written};

fn values() -> RecordBatch {
    let codes: DictionaryArray<Int32Type> =
        vec![Some("a"), Some("b"), None, Some("a"), Some("c")].into_iter().collect();
    batch(vec![
        ("x", Arc::new(Float64Array::from(vec![Some(1.0), Some(f64::NAN), None, Some(4.0), Some(-0.0)]))),
        ("i", Arc::new(Int32Array::from(vec![Some(1), None, Some(3), Some(4), Some(0)]))),
        ("n", Arc::new(Int64Array::from(vec![1, 2, 3, 4, 0]))),
        ("s", Arc::new(StringArray::from(vec![Some("a"), Some("b"), None, Some("a"), Some("c")]))),
        ("d", Arc::new(codes)),
        ("c", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(true), Some(false)]))),
        (
            "t",
            Arc::new(TimestampNanosecondArray::from(vec![Some(0), Some(86_400_000_000_000), None, Some(1), Some(2)])),
        ),
    ])
}

#[test]
fn missing_and_nan_are_two_things() {
    let batch = values();
    for (expr, answers) in [
        ("ismissing(x)", "False False True False False"),
        ("isnan(x)", "False True False False False"),
        ("isna(x)", "False True True False False"),
        ("notmissing(x)", "True True False True True"),
        ("notnan(x)", "True False True True True"),
        ("notna(x)", "True False False True True"),
        ("isnan(i)", "False False False False False"),
        ("ismissing(s)", "False False True False False"),
        ("isna(d)", "False False True False False"),
        ("ismissing(None)", "True True True True True"),
        ("isna(1)", "False False False False False"),
        ("fillna(x, 0)", "1.0 0.0 0.0 4.0 -0.0"),
        ("fillna(x, 0, fill_nan=False)", "1.0 nan 0.0 4.0 -0.0"),
        ("fillna(x, 0, fill_masked=False)", "1.0 0.0 None 4.0 -0.0"),
        ("fillmissing(x, n)", "1.0 nan 3.0 4.0 -0.0"),
        ("fillnan(x, n)", "1.0 2.0 None 4.0 -0.0"),
        ("fillna(i, 0.5)", "1.0 0.5 3.0 4.0 0.0"),
        ("fillmissing(d, '?')", "\"a\" \"b\" \"?\" \"a\" \"c\""),
        (
            "fillna(t, datetime64(5, 'ns'))",
            "datetime64(0, 'ns') datetime64(86400000000000, 'ns') datetime64(5, 'ns') datetime64(1, 'ns') datetime64(2, 'ns')",
        ),
        ("coalesce(i, x, 7)", "1.0 nan 3.0 4.0 0.0"),
        ("coalesce(x, i, 7)", "1.0 nan 3.0 4.0 -0.0"),
        ("coalesce(None, i)", "1 None 3 4 0"),
    ] {
        assert_eq!(written(&batch, expr), answers, "{expr}");
    }
    assert_eq!(text(&batch, "fillna(i, 5)").0.to_string(), "int32");
    assert!(try_text(&batch, "fillna(i, 'a')").unwrap_err().to_string().contains("no type in common"));
}

#[test]
fn choices_take_what_is_chosen() {
    let batch = values();
    for (expr, answers) in [
        ("where(c, n, -1)", "1 -1 -1 4 -1"),
        ("where(n > 2, s, 'z')", "\"z\" \"z\" None \"a\" \"z\""),
        ("where(n > 2, d, d)", "\"a\" \"b\" None \"a\" \"c\""),
        ("where(n > 2, 'x', None)", "None None \"x\" \"x\" None"),
        ("where(True, n, x)", "1.0 2.0 3.0 4.0 0.0"),
        ("where(n > 2, 1, 0, dtype='uint8')", "0 0 1 1 0"),
        ("where(n > 2, n, 0.5)", "0.5 0.5 3.0 4.0 0.5"),
        ("where(n > 2, c, True)", "True True None True True"),
        ("case(c, 'yes', n == 3, 'three', 'no')", "\"yes\" \"no\" \"three\" \"yes\" \"no\""),
        ("case(c, 1, n == 3, 2)", "1 None 2 1 None"),
        ("between(n, 1, 3)", "True True True False False"),
        ("between(x, 0, 2)", "True False None False True"),
        ("between(s, 'a', 'b')", "True True None True False"),
    ] {
        assert_eq!(written(&batch, expr), answers, "{expr}");
    }
    assert_eq!(text(&batch, "where(n > 2, 1, 0, dtype='uint8')").0.to_string(), "uint8");
    assert!(try_text(&batch, "where(n, 1, 2)").unwrap_err().to_string().contains("a condition"));
}

#[test]
fn what_is_not_chosen_need_not_have_a_result() {
    let batch = values();
    assert_eq!(written(&batch, "where(n == 0, -1, 12 // n)"), "12 6 4 3 -1");
    assert_eq!(written(&batch, "case(n == 0, -1, 12 // n > 5, 1, 0)"), "1 1 0 0 -1");
    assert_eq!(written(&batch, "coalesce(i, 12 // (n - 1))"), "1 12 3 4 0");
    assert_eq!(written(&batch, "fillna(i, 12 // (n - 1))"), "1 12 3 4 0");
    // Where it is chosen, it needs one; and a condition does, unless one before it is true.
    for expr in [
        "where(n == 1, -1, 12 // n)",
        "case(n == 1, -1, 12 // n > 5, 1, 0)",
        "where(12 // n > 5, 1, 0)",
        "fillna(i, 12 // (n - 2))",
    ] {
        let error = try_text(&batch, expr).unwrap_err().to_string();
        assert!(error.contains("has no result of type int64, in row"), "{expr}: {error}");
    }
}

#[test]
fn lists_have_missing_values_and_nan() {
    let batch = values();
    for (expr, answers) in [
        ("n in [1, 3, 100000000000000000000.0]", "True False True False False"),
        ("isin(i, [1, 3.0, 2.5, True])", "True False True False False"),
        ("isin(i, [None, 4])", "False True False True False"),
        ("x in [nan, 0]", "False True False False True"),
        ("isin(x, [1, None])", "True False True False False"),
        ("isin(s, ['a', 'z'], use_hashmap=True)", "True False False True False"),
        ("isin(d, ['a', None])", "True False True True False"),
        ("isin(c, [True])", "True False False True False"),
        ("isin(t, ['1970-01-02', datetime64(2, 'ns')])", "False True False False True"),
        ("isin(n, [])", "False False False False False"),
        ("n not in [1, 2]", "False False True True True"),
        ("isin(n, [1, 2, 3, 100, 200, 300, 400, 500, 4])", "True True True True False"),
        (
            "isin(n, [1, 2, 3, 10000000000, 20000000000, -30000000000000, 40000000000, 50000000000])",
            "True True True False False",
        ),
        ("isin(x, [1, 2, 3, 1e300, 1e200, -1e100, nan, 7, 0])", "True True False False True"),
    ] {
        assert_eq!(written(&batch, expr), answers, "{expr}");
    }
    assert!(
        try_text(&batch, "isin(n, ['a'])").unwrap_err().to_string().contains("\"a\" is no value that goes with int64")
    );
    assert!(try_text(&batch, "isin(s, [1])").unwrap_err().to_string().contains("1 is no value that goes with string"));
    assert!(
        try_text(&batch, "isin(n, [i])").unwrap_err().to_string().contains("needs a value here that is written out")
    );
}

#[test]
fn pairs_give_what_values_are_keys_of() {
    let batch = values();
    for (expr, answers) in [
        ("map(n, {1: 'one', 2: 'two'}, default_value='?')", "\"one\" \"two\" \"?\" \"?\" \"?\""),
        ("map(n, {1: 10, 2: 2.5}, default_value=0)", "10.0 2.5 0.0 0.0 0.0"),
        ("i.map({1: 'a', 3: 'b', 4: 'c', 0: 'd'})", "\"a\" None \"b\" \"c\" \"d\""),
        ("i.map({1: 'a', 3: 'b', 4: 'c', 0: 'd'}, missing_value='m')", "\"a\" \"m\" \"b\" \"c\" \"d\""),
        ("i.map({1: 'a', None: 'm'}, default_value='?')", "\"a\" \"m\" \"?\" \"?\" \"?\""),
        ("i.map({1: 10}, allow_missing=True)", "10 None None None None"),
        ("x.map({1: 'a', 0: 'z'}, nan_value='n', default_value='?')", "\"a\" \"n\" None \"?\" \"z\""),
        ("x.map({1: 1, nan: 2}, default_value=3)", "1 2 None 3 3"),
        ("s.map({'a': 1, 'b': 2}, default_value=-1)", "1 2 None 1 -1"),
        ("d.map({'a': None, 'b': 2}, default_value=-1)", "None 2 None None -1"),
        ("c.map({True: 'yes', False: 'no'})", "\"yes\" \"no\" None \"yes\" \"no\""),
    ] {
        assert_eq!(written(&batch, expr), answers, "{expr}");
    }
    let error = try_text(&batch, "map(n, {1: 'one', 2: 'two'})").unwrap_err().to_string();
    assert!(error.starts_with("3 is no key of `map`; give it a default_value, in row 2"), "{error}");
    assert_eq!(
        written(&batch, "where((n > 0) & (n < 3), map(n, {1: 'one', 2: 'two'}), '-')"),
        "\"one\" \"two\" \"-\" \"-\" \"-\""
    );
    assert!(try_text(&batch, "map(n, {1: 'one', 2: 2})").unwrap_err().to_string().contains("of different types"));
}
