//! Groups against what Vaex answered for the same file, against pandas, and against a plain reading of the rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, Float32Array, Float64Array, Int8Array, Int32Array,
    Int64Array, RecordBatch, StringArray, UInt64Array,
};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use proptest::prelude::*;
use serde_json::Value as Json;

use super::{frame, text};
use crate::hdf5::{Hdf5Options, Hdf5Table};
use crate::source::Hdf5Source;
use crate::value::Value;
use crate::{Expr, Frame, Key, PassOptions, agg, col};

fn data(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests-data/vaex").join(name)
}

pub(super) fn table() -> Frame {
    let table = Hdf5Table::open(data("table.hdf5"), &Hdf5Options::default()).unwrap();
    let frame = Frame::new(Arc::new(Hdf5Source::new(table, None)));
    // What Vaex knows of the file beside its columns: none of them is missing here.
    frame
}

pub(super) fn expected(id: &str) -> Json {
    let all: Json = serde_json::from_slice(&std::fs::read(data("expected.json")).unwrap()).unwrap();
    all["queries"].as_array().unwrap().iter().find(|query| query["id"] == id).unwrap().clone()
}

/// Values as the expected answers are written.
pub(super) fn json(array: &ArrayRef) -> Vec<Json> {
    if let Some(list) = array.as_list_opt::<i64>() {
        return list.iter().map(|list| Json::Array(json(&list.unwrap()))).collect();
    }
    if let Some(list) = array.as_fixed_size_list_opt() {
        return list.iter().map(|list| list.map_or(Json::Null, |list| Json::Array(json(&list)))).collect();
    }
    let type_ = crate::Type::of_arrow(array.data_type());
    let lane = crate::block::lane_of_array(array).unwrap();
    (0..array.len())
        .map(|row| match lane.value(row, &type_) {
            Value::Null => Json::Null,
            Value::Bool(value) => value.into(),
            Value::Int(value) => serde_json::Number::from_i128(value).unwrap().into(),
            Value::Float(value) if value.is_nan() => "NaN".into(),
            Value::Float(value) => value.into(),
            Value::Text(value) => (*value).into(),
            Value::Instant(ticks, ..) | Value::Duration(ticks, _) => ticks.into(),
            Value::List(_) => unreachable!(),
        })
        .collect()
}

pub(super) fn close(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) if a.is_f64() || b.is_f64() => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-3)
        }
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| close(a, b)),
        (a, b) => a == b,
    }
}

/// That a batch has the columns and rows of an expected answer, in the order of their keys.
fn same(batch: &RecordBatch, id: &str) {
    let expected = expected(id);
    let columns = expected["result"]["columns"].as_array().unwrap();
    assert_eq!(batch.num_columns(), columns.len(), "{id}");
    for (array, column) in batch.columns().iter().zip(columns) {
        let (found, wanted) = (Json::Array(json(array)), &column["values"]);
        assert!(close(&found, wanted), "{id}, {}: {found} instead of {wanted}", column["name"]);
    }
}

fn by(keys: &[&str], columns: &[(&str, &str)]) -> RecordBatch {
    let keys: Vec<Key> = keys.iter().map(|key| Key::from(text(key))).collect();
    table().group_by(keys).sorted().agg_text(columns).unwrap()
}

#[test]
fn groups_are_those_of_vaex() {
    same(&by(&["cat"], &[("m", "mean(vx)"), ("s", "std(vx)"), ("c", "count()")]), "gb_cat");
    same(&by(&["key"], &[("c", "count()"), ("m", "mean(x)")]), "gb_key");
    same(&by(&["ms"], &[("c", "count()")]), "gb_ms");
    same(&by(&["flag", "cat"], &[("c", "count()"), ("mn", "min(x)"), ("mx", "max(x)")]), "gb_flag_cat");
    same(&by(&["cat"], &[("f", "first(vx, id)"), ("l", "last(vx, order=id)")]), "gb_first_last");
    same(&by(&["cat"], &[("v", "var(vx)"), ("sk", "skew(vx)"), ("ku", "kurtosis(vx)")]), "gb_var_skew");
    same(&by(&["cat"], &[("a", "any(flag)"), ("b", "all(flag)")]), "gb_any_all");
    same(&by(&["cat"], &[("c", "count(where=x > 0)"), ("s", "sum(vx, selection=flag)")]), "gb_selection");
    same(&by(&["cat"], &[("r", "sum(vx) / count(fn)")]), "gb_arith");
    same(&by(&["id % 3"], &[("c", "count()")]), "gb_expr");
    let descending = table().group_by([col("cat")]).sorted_descending().agg([("count", agg::count_rows())]).unwrap();
    same(&descending, "gb_desc");
    let filtered = table().filter(text("x > 2")).unwrap();
    let filtered = filtered.group_by([col("cat")]).sorted();
    same(&filtered.agg([("c", agg::count_rows()), ("m", agg::mean(col("fn")))]).unwrap(), "gb_filtered");
    // What Vaex answers with numbers below zero is 8 in each group: there are eight texts beside the missing one.
    let distinct =
        by(&["cat"], &[("n", "nunique(key)"), ("nn", "nunique(skey, dropna=True)"), ("all", "nunique(skey)")]);
    assert_eq!(
        json(distinct.column(1)),
        expected("gb_key_cat_nunique")["result"]["columns"][1]["values"].as_array().unwrap()[..]
    );
    assert_eq!(json(distinct.column(2)), vec![Json::from(8); 10]);
    assert_eq!(json(distinct.column(3)), vec![Json::from(9); 10]);
}

#[test]
fn a_missing_key_is_a_group() {
    let groups = table().group_by([col("skey")]).agg_text(&[("c", "count()"), ("s", "sum(id)")]).unwrap();
    let rows = |columns: Vec<Vec<Json>>| -> BTreeMap<String, (Json, Json)> {
        (0..columns[0].len())
            .map(|at| (columns[0][at].to_string(), (columns[1][at].clone(), columns[2][at].clone())))
            .collect()
    };
    let wanted = expected("gb_skey_nulls");
    let wanted = wanted["result"]["columns"].as_array().unwrap();
    let wanted = wanted.iter().map(|column| column["values"].as_array().unwrap().clone()).collect();
    assert_eq!(rows(groups.columns().iter().map(json).collect()), rows(wanted));
}

/// The answers of pandas 3.1: `df.groupby("k", dropna=False)[["x", "y"]]` with `median`, `quantile(0.3)`, `nunique`, `cov`,
/// `corr(ddof=0)`, and the mode of each group by `Series.mode()[0]`.
#[test]
fn groups_are_those_of_pandas() {
    let frame = frame(vec![
        (
            "k",
            Arc::new(StringArray::from(vec![
                Some("b"),
                Some("a"),
                None,
                Some("b"),
                Some("a"),
                Some("b"),
                None,
                Some("a"),
            ])),
        ),
        (
            "x",
            Arc::new(Float64Array::from(vec![
                Some(1.0),
                Some(2.0),
                Some(7.0),
                Some(4.0),
                None,
                Some(8.0),
                Some(7.0),
                Some(f64::NAN),
            ])),
        ),
        ("y", Arc::new(Int64Array::from(vec![5, 3, 2, 1, 1, 9, 4, 3]))),
    ]);
    let groups = frame
        .group_by([col("k")])
        .agg_text(&[
            ("median", "median(x)"),
            ("q", "quantile(y, 0.3)"),
            ("n", "nunique(x, dropna=True)"),
            ("mode", "mode(y)"),
            ("covar", "covar(x, y)"),
            ("corr", "correlation(x, y)"),
            ("list", "list(y)"),
            ("minmax", "minmax(y)"),
            ("least", "min(k)"),
            ("span", "max(y) - min(y) + 1"),
        ])
        .unwrap();
    let column = |name: &str| Json::Array(json(groups.column_by_name(name).unwrap()));
    let near = |name: &str, wanted: Json| {
        assert!(close(&column(name), &wanted), "{name}: {} instead of {wanted}", column(name))
    };
    near("k", serde_json::json!(["b", "a", null]));
    near("median", serde_json::json!([4.0, 2.0, 7.0]));
    near("q", serde_json::json!([3.4, 2.2, 2.6]));
    near("n", serde_json::json!([3, 1, 1]));
    near("mode", serde_json::json!([1, 3, 2]));
    near("covar", serde_json::json!([5.333333333333333, 0.0, 0.0]));
    near("corr", serde_json::json!([0.5694947974514994, "NaN", "NaN"]));
    near("list", serde_json::json!([[5, 1, 9], [3, 1, 3], [2, 4]]));
    near("minmax", serde_json::json!([[1, 9], [1, 3], [2, 4]]));
    near("least", serde_json::json!(["b", "a", null]));
    near("span", serde_json::json!([9, 3, 3]));
}

#[test]
fn arithmetic_of_aggregations_is_computed_of_all_rows_too() {
    let answers =
        table().compute(&["mean((x * y) ** 2)", "sum(vx) / count(fn) + 1", "nunique(skey)", "covar(x, fn)"]).unwrap();
    let frame = table();
    let mean = frame.aggregate(&[agg::mean(text("(x * y) ** 2"))]).unwrap()[0].as_f64().unwrap();
    assert!((answers[0].as_f64().unwrap() / mean - 1.0).abs() < 1e-12);
    let parts = frame.aggregate(&[agg::sum(col("vx")), agg::count(col("fn"))]).unwrap();
    let ratio = parts[0].as_f64().unwrap() / parts[1].as_f64().unwrap() + 1.0;
    assert!((answers[1].as_f64().unwrap() / ratio - 1.0).abs() < 1e-12);
    assert_eq!(answers[2], Value::Int(9));
    // NumPy 2.4, of the rows in which both are numbers.
    assert!((answers[3].as_f64().unwrap() / 0.04465819266686456 - 1.0).abs() < 1e-9);
    assert_eq!(frame.compute(&["list(id)"]).unwrap().len(), 1);
    let none = frame.filter(text("x > 1e9")).unwrap();
    assert_eq!(none.compute(&["count()", "sum(id)"]).unwrap(), [Value::Int(0), Value::Int(0)]);
    assert_eq!(none.group_by([col("cat")]).agg_text(&[("c", "count()")]).unwrap().num_rows(), 0);
}

#[test]
fn errors_say_what_is_wrong() {
    let frame = table();
    let message = |text: &str| frame.compute(&[text]).unwrap_err().to_string();
    assert!(message("x + 1").contains("has a value for each row"), "{}", message("x + 1"));
    assert!(message("sum(mean(x))").contains("within another"), "{}", message("sum(mean(x))"));
    assert!(message("mean(x, 3)").contains("too many arguments: mean(x, where?)"), "{}", message("mean(x, 3)"));
    assert!(message("quantile(x, 2)").contains("a number from 0 to 1"), "{}", message("quantile(x, 2)"));
    assert!(message("quantile(x)").contains("`q` is missing"), "{}", message("quantile(x)"));
    assert!(message("mean(key)").contains("takes numbers"), "{}", message("mean(key)"));
    assert!(message("sum(x) + y").contains("has a value for each row"), "{}", message("sum(x) + y"));
    let twice = frame.group_by([col("cat")]).agg([("cat", agg::count_rows())]).unwrap_err();
    assert!(twice.to_string().contains("called `cat`"), "{twice}");
}

#[test]
fn rows_without_result_matter_only_where_they_are_selected() {
    let frame =
        frame(vec![("k", Arc::new(Int32Array::from(vec![1, 1, 2]))), ("i", Arc::new(Int64Array::from(vec![0, 2, 4])))]);
    let groups = frame.group_by([col("k")]);
    let selected = groups.agg([("s", agg::sum(text("8 // i")).selection(text("i > 0")))]).unwrap();
    assert_eq!(selected.column(1).as_primitive::<Int64Type>().values(), &[4, 2]);
    assert!(groups.agg([("s", agg::sum(text("8 // i")))]).is_err());
    let large = super::frame(vec![("i", Arc::new(Int64Array::from(vec![i64::MAX, 1])))]);
    let sum = large.group_by(Vec::<Key>::new()).agg([("s", agg::sum(col("i")))]).unwrap_err();
    assert!(sum.to_string().contains("9223372036854775808, which is beyond 64 bits"), "{sum}");
}

#[test]
fn a_large_mean_costs_a_variance_no_digits() {
    // Values near 2^53, of which sums of squares know nothing: the variance of 0, 1, 2 is 2/3.
    let base = 9_007_199_254_740_000_i64;
    let rows = 30_000_i64;
    let x = Arc::new(Float64Array::from_iter_values((0..rows).map(|row| (base + row % 3) as f64))) as ArrayRef;
    let i = Arc::new(Int64Array::from_iter_values((0..rows).map(|row| base + row % 3))) as ArrayRef;
    let k = Arc::new(Int64Array::from_iter_values((0..rows).map(|row| row / 3 % 7))) as ArrayRef;
    let groups = frame(vec![("x", x), ("i", i), ("k", k)]);
    let groups = groups.group_by([col("k")]).agg([
        ("v", agg::var(col("x"), 0)),
        ("w", agg::var(col("i"), 0)),
        ("m", agg::mean(col("x"))),
    ]);
    let groups = groups.unwrap();
    for column in [1, 2] {
        for value in groups.column(column).as_primitive::<Float64Type>().values() {
            assert!((value - 2.0 / 3.0).abs() < 1e-9, "{value}");
        }
    }
    assert!(
        groups
            .column(3)
            .as_primitive::<Float64Type>()
            .values()
            .iter()
            .all(|mean| (mean - (base + 1) as f64).abs() <= 1.0)
    );
}

#[test]
fn keys_of_every_type_are_told_apart() {
    let nan = f64::from_bits(0x7FF8_0000_0000_0001);
    let long = "a text that is longer than a word";
    let frame = frame(vec![
        (
            "f",
            Arc::new(Float64Array::from(vec![
                Some(0.0),
                Some(-0.0),
                Some(f64::NAN),
                Some(nan),
                None,
                Some(f64::INFINITY),
            ])),
        ),
        ("g", Arc::new(Float32Array::from(vec![0.5, 0.5, -1.5, 0.5, 0.5, 0.5]))),
        ("b", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(true), None, Some(false)]))),
        ("i", Arc::new(Int64Array::from(vec![i64::MIN, i64::MAX, 0, i64::MIN, -1, 0]))),
        ("u", Arc::new(UInt64Array::from(vec![u64::MAX, 0, u64::MAX, u64::MAX - 1, 0, 1]))),
        ("w", Arc::new(Int8Array::from(vec![-128, 127, 0, -128, 0, 1]))),
        ("s", Arc::new(StringArray::from(vec![Some("a"), Some("a\0"), Some(""), None, Some(long), Some(long)]))),
        (
            "d",
            Arc::new(
                vec![Some("x"), None, Some("y"), Some("x"), Some("x"), None]
                    .into_iter()
                    .collect::<DictionaryArray<Int32Type>>(),
            ),
        ),
    ]);
    let sorted = |key: &str| {
        let groups = frame.group_by([col(key)]).sorted().agg([("n", agg::count_rows())]).unwrap();
        (json(groups.column(0)), groups.column(1).as_primitive::<Int64Type>().values().to_vec())
    };
    let counts = |key: &str| sorted(key).1;
    assert_eq!(counts("f"), [2, 1, 2, 1]);
    assert_eq!(sorted("g"), (vec![(-1.5).into(), 0.5.into()], vec![1, 5]));
    assert_eq!(sorted("b"), (vec![false.into(), true.into(), Json::Null], vec![2, 2, 2]));
    assert_eq!(counts("i"), [2, 1, 2, 1]);
    assert_eq!(counts("u"), [2, 1, 1, 2]);
    assert_eq!(sorted("w").0, [Json::from(-128), 0.into(), 1.into(), 127.into()]);
    assert_eq!(sorted("s"), (vec!["".into(), "a".into(), "a\0".into(), long.into(), Json::Null], vec![1, 1, 1, 2, 1]));
    assert_eq!(sorted("d"), (vec!["x".into(), "y".into(), Json::Null], vec![3, 1, 2]));
    let first_seen = frame.group_by([col("i")]).agg([("n", agg::count_rows())]).unwrap();
    assert_eq!(first_seen.column(0).as_primitive::<Int64Type>().values(), &[i64::MIN, i64::MAX, 0, -1]);
}

/// A plain reading of the rows: for each key, in the order of the keys, what is in its rows.
fn naive(keys: &[Option<i64>], values: &[Option<f64>]) -> BTreeMap<(bool, i64), Vec<Option<f64>>> {
    let mut groups: BTreeMap<(bool, i64), Vec<Option<f64>>> = BTreeMap::new();
    for (key, value) in keys.iter().zip(values) {
        groups.entry((key.is_none(), key.unwrap_or(0))).or_default().push(*value);
    }
    groups
}

fn value() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        1 => Just(None),
        1 => Just(Some(f64::NAN)),
        8 => (-1e3..1e3_f64).prop_map(Some),
        2 => (-3..3_i32).prop_map(|value| Some(f64::from(value))),
    ]
}

fn check(keys: &[Option<i64>], values: &[Option<f64>], threads: usize) -> Result<(), TestCaseError> {
    let frame = frame(vec![
        ("k", Arc::new(Int64Array::from(keys.to_vec()))),
        ("t", Arc::new(keys.iter().map(|key| key.map(|key| format!("key {key}"))).collect::<StringArray>())),
        ("x", Arc::new(Float64Array::from(values.to_vec()))),
    ]);
    let options = PassOptions { threads: std::num::NonZeroUsize::new(threads), ..PassOptions::default() };
    let texts = [
        "count()",
        "count(x)",
        "sum(x)",
        "var(x)",
        "min(x)",
        "max(x)",
        "median(x)",
        "nunique(x)",
        "list(x)",
        "first(x)",
        "last(x)",
        "mode(x)",
    ];
    let columns: Vec<(&str, Expr)> = texts.iter().map(|name| (*name, text(name))).collect();
    let groups = frame.group_by([col("k")]).sorted().agg_expr(&columns, &options).unwrap();
    let by_text = frame.group_by([col("k"), col("t")]).sorted().agg_expr(&columns, &options).unwrap();
    prop_assert_eq!(by_text.column(2), groups.column(1));
    prop_assert_eq!(by_text.column(3), groups.column(2));
    let naive = naive(keys, values);
    prop_assert_eq!(groups.num_rows(), naive.len());
    let columns: Vec<Vec<Json>> = groups.columns().iter().map(json).collect();
    let number =
        |value: Option<f64>| value.map_or(Json::Null, |value| if value.is_nan() { "NaN".into() } else { value.into() });
    for (at, ((_, key), rows)) in naive.iter().enumerate() {
        let mut there: Vec<f64> = rows.iter().flatten().copied().filter(|value| !value.is_nan()).collect();
        let (first, last) = (there.first().copied(), there.last().copied());
        there.sort_by(f64::total_cmp);
        let n = there.len() as f64;
        let sum: f64 = there.iter().sum();
        let mean = sum / n;
        let var =
            if there.is_empty() { f64::NAN } else { there.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n };
        let middle = |at: usize| there.get(at).copied().unwrap_or(f64::NAN);
        let median =
            if there.is_empty() { f64::NAN } else { (middle((there.len() - 1) / 2) + middle(there.len() / 2)) / 2.0 };
        let mut different: Vec<u64> =
            rows.iter().map(|value| value.map_or(1, |value| if value == 0.0 { 0 } else { value.to_bits() })).collect();
        different.sort_unstable();
        different.dedup();
        let mut runs: Vec<(i64, f64)> =
            there.chunk_by(|a, b| a == b).map(|run| (-(run.len() as i64), run[0])).collect();
        runs.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let wanted: Vec<Json> = vec![
            (rows.len() as i64).into(),
            (there.len() as i64).into(),
            number(Some(sum)),
            number(Some(var)),
            number(there.first().copied()),
            number(there.last().copied()),
            number(Some(median)),
            (different.len() as i64).into(),
            Json::Array(rows.iter().map(|value| number(*value)).collect()),
            number(first),
            number(last),
            number(runs.first().map(|run| run.1)),
        ];
        let _ = key;
        for (wanted, (column, name)) in wanted.iter().zip(columns.iter().skip(1).zip(texts)) {
            prop_assert!(close(&column[at], wanted), "{}, group {}: {} instead of {}", name, at, column[at], wanted);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn groups_are_those_of_a_plain_reading(
        rows in prop::collection::vec((prop_oneof![1 => Just(None), 9 => (-3..40_i64).prop_map(Some)], value()), 0..300),
        wide in any::<bool>(),
    ) {
        let keys: Vec<Option<i64>> = rows.iter().map(|row| row.0.map(|key| if wide { key * 1_000_000_007 } else { key })).collect();
        let values: Vec<Option<f64>> = rows.iter().map(|row| row.1).collect();
        check(&keys, &values, 1)?;
    }
}

#[test]
fn groups_of_many_blocks_and_threads_are_those_of_a_plain_reading() {
    for (rows, groups) in [(4_095, 3), (4_096, 3), (4_097, 5), (700_000, 900), (600_000, 50_000)] {
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        let keys: Vec<Option<i64>> = (0..rows).map(|_| Some(next() as i64 % groups).filter(|key| *key != 2)).collect();
        let values: Vec<Option<f64>> =
            (0..rows).map(|_| Some(next() as f64 / 1e6).filter(|value| *value > 10.0)).collect();
        check(&keys, &values, 2).unwrap();
    }
}

/// Blocks whose keys lie in a short range are grouped by their places in it, and others otherwise: both make one set of groups.
#[test]
fn keys_of_a_short_range_are_in_one_set_of_groups_with_all_others() {
    let rows = 60_000_i64;
    let key = |row: i64| match (row / 4_096 % 5, row % 1_000) {
        (2, 7) => Some(100_000 + row),
        (3, 7) => None,
        (4, 7) => Some(-300),
        // Further keys that have a place.
        (1, 9) => Some(row % 400),
        _ => Some(row * 7 % 90 + row / 30_000),
    };
    let value = |row: i64| match row % 11 {
        3 => None,
        5 => Some(f64::NAN),
        _ => Some((row * row % 1_009) as f64 / 7.0),
    };
    let keys: Vec<Option<i64>> = (0..rows).map(key).collect();
    let values: Vec<Option<f64>> = (0..rows).map(value).collect();
    let all_there: Vec<Option<f64>> = values.iter().map(|value| Some(value.unwrap_or(f64::NAN))).collect();
    for threads in [1, 2] {
        check(&keys, &values, threads).unwrap();
        check(&keys, &all_there, threads).unwrap();
    }
}

#[test]
fn groups_by_places_come_in_the_order_of_their_first_rows() {
    let keys: Vec<i32> = (0..30_000).map(|row| (row * 37 + row / 10_000) % 150 - 70).collect();
    let mut expected: Vec<i32> = Vec::new();
    for key in &keys {
        if !expected.contains(key) {
            expected.push(*key);
        }
    }
    let frame = frame(vec![("k", Arc::new(Int32Array::from(keys)))]);
    let groups = frame.group_by([col("k")]).agg([("n", agg::count_rows())]).unwrap();
    assert_eq!(groups.column(0).as_primitive::<Int32Type>().values(), expected.as_slice());
}

/// Groups that pass the memory budget are finished part by part, and the answers are the same.
#[test]
fn groups_that_do_not_fit_are_written_and_taken_away() {
    let rows = 400_000_i64;
    let key = |row: i64| row.wrapping_mul(2_654_435_761) % 60_000;
    let frame = frame(vec![
        ("k", Arc::new(Int64Array::from_iter_values((0..rows).map(key)))),
        (
            "t",
            Arc::new(StringArray::from_iter(
                (0..rows).map(|row| (row % 11 != 3).then(|| format!("text number {}", key(row) % 300))),
            )),
        ),
        ("x", Arc::new(Float64Array::from_iter_values((0..rows).map(|row| (row % 1_000) as f64 / 8.0)))),
    ]);
    let texts = ["count()", "sum(x)", "median(x)", "first(x)", "last(t)", "nunique(t)", "list(x)", "var(x)", "max(t)"];
    let columns: Vec<(&str, Expr)> = texts.iter().map(|name| (*name, text(name))).collect();
    let directory = tempfile::tempdir().unwrap();
    let options = |memory: u64| PassOptions {
        memory: Some(memory),
        spill: Some(directory.path().to_owned()),
        threads: std::num::NonZeroUsize::new(2),
        ..PassOptions::default()
    };
    let left = || std::fs::read_dir(directory.path()).unwrap().count();
    for groups in [
        frame.group_by([col("k"), col("t")]),
        frame.group_by([col("t"), col("k")]).sorted(),
        frame.group_by([col("k")]).sorted_descending(),
    ] {
        let whole = groups.agg_expr(&columns, &options(4 << 30)).unwrap();
        let parts = groups.agg_expr(&columns, &options(40 << 20)).unwrap();
        assert_eq!(left(), 0);
        for (at, (whole, parts)) in whole.columns().iter().zip(parts.columns()).enumerate() {
            assert!(close(&Json::Array(json(whole)), &Json::Array(json(parts))), "column {at}");
        }
    }
    // A single group cannot be cut, and what was written is taken away after an error too.
    let error = frame.group_by(Vec::<Key>::new()).agg_expr(&columns[6..7], &options(1 << 20)).unwrap_err();
    assert!(error.to_string().contains("beyond the memory budget"), "{error}");
    let failing = frame
        .group_by([col("k")])
        .agg_expr(&[("s", text("list(t)")), ("e", text("sum(8 // (k - 59999))"))], &options(4 << 20));
    assert!(failing.is_err());
    assert_eq!(left(), 0);
    let missing = PassOptions { spill: Some("/there/is/no/such/directory".into()), ..options(1 << 20) };
    let error = frame.group_by([col("k")]).agg_expr(&columns, &missing).unwrap_err();
    assert!(error.to_string().contains("cannot make a directory for groups in"), "{error}");
}

#[test]
fn of_no_rows_there_are_no_groups_of_any_aggregation() {
    let none = table().filter(text("x > 1e9")).unwrap();
    let columns =
        [("l", "list(x)"), ("m", "minmax(x)"), ("q", "median(x)"), ("t", "max(key)"), ("s", "sum(id) / count()")];
    let groups = none.group_by([col("cat")]).agg_text(&columns).unwrap();
    assert_eq!((groups.num_rows(), groups.num_columns()), (0, 6));
    assert!(matches!(groups.column(1).data_type(), arrow::datatypes::DataType::LargeList(_)));
}

/// As of all rows, vectors are aggregated by component: here against the components as columns of their own.
#[test]
fn vectors_are_aggregated_by_component() {
    let values = (0..60).map(|at| if at % 11 == 5 { f64::NAN } else { f64::from(at * at % 17) });
    let item = Arc::new(arrow::datatypes::Field::new_list_field(arrow::datatypes::DataType::Float64, true));
    let items = Arc::new(Float64Array::from_iter_values(values));
    let there: arrow::buffer::NullBuffer = (0..20).map(|row| row % 7 != 3).collect();
    let vectors = arrow::array::FixedSizeListArray::try_new(item, 3, items, Some(there)).unwrap();
    let keys: Int64Array = (0..20).map(|row| Some(row % 4)).collect();
    let frame = frame(vec![("k", Arc::new(keys) as ArrayRef), ("v", Arc::new(vectors) as ArrayRef)]);
    type Make = fn(Expr) -> crate::Aggregate;
    let kinds: [Make; 8] = [
        |v| agg::count(v),
        |v| agg::sum(v),
        |v| agg::mean(v).selection(text("k != 2")),
        |v| agg::std(v, 1),
        |v| agg::kurtosis(v),
        |v| agg::min(v),
        |v| agg::max(v),
        |v| agg::minmax(v),
    ];
    let grid = |expr: Expr, make: Make| {
        let axis = crate::Axis::new(col("k"), crate::Limits::Given(0.0, 4.0), 4);
        frame.bin_by([axis]).agg([("a", make(expr))]).unwrap().column("a").unwrap().clone()
    };
    for make in kinds {
        let whole = frame.group_by([col("k")]).agg([("n", agg::count_rows()), ("a", make(col("v")))]).unwrap();
        assert_eq!(whole.num_columns(), 3);
        let parts: Vec<[ArrayRef; 2]> = (0..3)
            .map(|at| {
                let part = text(&format!("v[:, {at}]"));
                let groups = frame.group_by([col("k")]).agg([("a", make(part.clone()))]).unwrap();
                [groups.column(1).clone(), grid(part, make)]
            })
            .collect();
        for (which, found) in [whole.column(2).clone(), grid(col("v"), make)].into_iter().enumerate() {
            let found = json(&found);
            assert_eq!(found.len(), 4);
            for (row, found) in found.iter().enumerate() {
                let expected: Vec<Json> = parts.iter().map(|part| json(&part[which])[row].clone()).collect();
                assert_eq!(found, &Json::Array(expected), "{row}");
            }
        }
    }
    // What is not told of all rows by component is not told of groups either.
    let error = frame.group_by([col("k")]).agg([("a", agg::median(col("v")))]).unwrap_err();
    assert!(error.to_string().contains("v"), "{error}");
    // Arithmetic between aggregations of vectors.
    let quotients = frame.group_by([col("k")]).agg_text(&[("a", "sum(v) / count(v)")]).unwrap();
    let means = frame.group_by([col("k")]).agg([("a", agg::mean(col("v")))]).unwrap();
    assert_eq!(json(quotients.column(1)), json(means.column(1)));
}
