//! Values, frequent values, quantiles and matrices of groups and cells against a plain reading of the rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int16Array, Int64Array, RecordBatch, StringArray};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::groups::{close, json};
use super::{frame, text};
use crate::aggregate::{Aggregate, Keep};
use crate::{Axis, Frame, Key, Limits, PassOptions, agg, col};

#[derive(Debug, Clone)]
struct Row {
    key: Option<i64>,
    x: Option<f64>,
    y: Option<f64>,
    small: Option<i16>,
    text: Option<String>,
}

const SHARES: [f64; 5] = [0.0, 0.25, 0.5, 0.9, 1.0];
/// A group of no more rows is answered exactly.
const SAMPLE: usize = 8_192;

fn random(rows: usize, groups: u64, texts: u64) -> Vec<Row> {
    let mut state = 11_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    (0..rows)
        .map(|_| {
            let x = match next(12) {
                0 => None,
                1 => Some(f64::NAN),
                2 => Some(-0.0),
                3 => Some(next(4) as f64),
                _ => Some(next(2_000_000) as f64 / 7.0 - 1e5),
            };
            let y = (next(9) > 0).then(|| x.unwrap_or(1.0) * 0.5 + next(1_000) as f64);
            let text = match next(texts + 2) {
                0 => None,
                1 => Some(String::new()),
                text if text % 3 == 0 => Some(format!("a text that is longer than a word {text}")),
                text => Some(format!("t{text}")),
            };
            let small = (next(20) > 0).then(|| next(300) as i16 - 150);
            Row { key: Some(next(groups) as i64).filter(|key| *key != 1), x, y, small, text }
        })
        .collect()
}

fn frame_of(rows: &[Row]) -> Frame {
    frame(vec![
        ("k", Arc::new(Int64Array::from_iter(rows.iter().map(|row| row.key))) as ArrayRef),
        ("x", Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.x)))),
        ("y", Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.y)))),
        ("i", Arc::new(Int16Array::from_iter(rows.iter().map(|row| row.small)))),
        ("t", Arc::new(StringArray::from_iter(rows.iter().map(|row| row.text.as_deref())))),
    ])
}

fn asked() -> Vec<(&'static str, Aggregate)> {
    let lanes = || ["x", "i", "y"].map(col);
    vec![
        ("unique x", agg::unique(col("x"), Keep::BOTH)),
        ("unique t", agg::unique(col("t"), Keep::BOTH)),
        ("unique i", agg::unique(col("i"), Keep::NEITHER)),
        ("selected", agg::unique(col("x"), Keep::NEITHER).selection(text("i > 20"))),
        ("top t", agg::top_values(col("t"), 3)),
        ("top i", agg::top_values(col("i"), 2).selection(text("y > 300"))),
        ("quantiles", agg::quantiles(col("x"), &SHARES)),
        ("near", agg::approx_quantiles(col("x"), &SHARES)),
        ("near one", agg::approx_quantile(col("i"), 0.5)),
        ("about x", agg::approx_nunique(col("x"))),
        ("about t", agg::approx_nunique(col("t"))),
        ("covariances", agg::covariance_matrix(lanes(), 1)),
        ("correlations", agg::correlation_matrix(lanes())),
        ("minmax t", agg::minmax(col("t"))),
    ]
}

/// Those whose answers are the same to the last bit, however many threads there are.
const EXACT: usize = 11;

fn options(threads: usize) -> PassOptions {
    PassOptions { threads: std::num::NonZeroUsize::new(threads), ..PassOptions::default() }
}

/// Lists and structures as JSON too.
fn deep(array: &ArrayRef) -> Vec<Json> {
    let lists = |lists: Vec<Option<ArrayRef>>| {
        lists.iter().map(|list| list.as_ref().map_or(Json::Null, |list| Json::Array(deep(list)))).collect()
    };
    if let Some(list) = array.as_list_opt::<i64>() {
        return lists(list.iter().collect());
    }
    if let Some(list) = array.as_fixed_size_list_opt() {
        return lists(list.iter().collect());
    }
    if let Some(fields) = array.as_struct_opt() {
        assert_eq!(fields.column_names(), ["value", "count"]);
        let (values, counts) = (deep(fields.column(0)), deep(fields.column(1)));
        return values.into_iter().zip(counts).map(|(value, count)| json!([value, count])).collect();
    }
    json(array)
}

fn number(value: f64) -> Json {
    if value.is_nan() { "NaN".into() } else { value.into() }
}

fn sorted(values: impl Iterator<Item = Option<f64>>) -> Vec<f64> {
    let mut values: Vec<f64> = values.flatten().filter(|value| !value.is_nan()).map(|value| value + 0.0).collect();
    values.sort_by(f64::total_cmp);
    values
}

fn different(values: &[f64]) -> Vec<Json> {
    let mut values = values.to_vec();
    values.dedup();
    values.into_iter().map(number).collect()
}

fn quantile(sorted: &[f64], share: f64) -> Json {
    let Some(last) = sorted.len().checked_sub(1) else { return "NaN".into() };
    let place = share * last as f64;
    let low = place.floor() as usize;
    number(sorted[low] + (sorted[(low + 1).min(last)] - sorted[low]) * (place - low as f64))
}

fn frequent<K: Ord + Into<Json> + Clone>(values: impl Iterator<Item = K>, most: usize) -> Json {
    let mut counts: BTreeMap<K, i64> = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    let mut counts: Vec<(K, i64)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| -count);
    counts.into_iter().take(most).map(|(value, count)| json!([value.into(), count])).collect()
}

/// Covariance and correlation, in two walks over the rows that have both.
fn pair(rows: &[&Row], of: [fn(&Row) -> Option<f64>; 2], same: bool) -> [Json; 2] {
    let both: Vec<(f64, f64)> =
        rows.iter().filter_map(|row| of[0](row).zip(of[1](row))).filter(|(a, b)| !a.is_nan() && !b.is_nan()).collect();
    let n = both.len() as f64;
    let (a, b) = (both.iter().map(|both| both.0).sum::<f64>() / n, both.iter().map(|both| both.1).sum::<f64>() / n);
    let sum = |f: &dyn Fn(f64, f64) -> f64| both.iter().map(|(x, y)| f(x - a, y - b)).sum::<f64>();
    let (product, aa, bb) = (sum(&|x, y| x * y), sum(&|x, _| x * x), sum(&|_, y| y * y));
    let correlation = product / (aa.sqrt() * bb.sqrt());
    [
        number(if n > 1.0 { product / (n - 1.0) } else { f64::NAN }),
        number(if same && aa > 0.0 { 1.0 } else { correlation }),
    ]
}

/// The answers to what is asked, of the rows of one group. Of what is asked by a sketch, the right answer.
fn naive(rows: &[&Row]) -> Vec<Json> {
    let xs = sorted(rows.iter().map(|row| row.x));
    let smalls = sorted(rows.iter().map(|row| row.small.map(f64::from)));
    let whole =
        |values: &[f64]| different(values).iter().map(|value| json!(value.as_f64().unwrap() as i64)).collect::<Json>();
    let mut all = different(&xs);
    all.extend(rows.iter().any(|row| row.x.is_some_and(f64::is_nan)).then(|| "NaN".into()));
    all.extend(rows.iter().any(|row| row.x.is_none()).then_some(Json::Null));
    let mut texts: Vec<&str> = rows.iter().filter_map(|row| row.text.as_deref()).collect();
    texts.sort_unstable();
    let ends = texts.first().map_or(Json::Null, |first| json!([first, texts.last()]));
    let counted = frequent(texts.iter().copied(), 3);
    texts.dedup();
    let about = [different(&xs).len(), texts.len()];
    let mut texts: Vec<Json> = texts.into_iter().map(Json::from).collect();
    texts.extend(rows.iter().any(|row| row.text.is_none()).then_some(Json::Null));
    let selected = sorted(rows.iter().filter(|row| row.small > Some(20)).map(|row| row.x));
    let chosen = rows.iter().filter(|row| row.y.is_some_and(|y| y > 300.0)).filter_map(|row| row.small);
    let quantiles: Json = SHARES.iter().map(|share| quantile(&xs, *share)).collect();
    let lanes: [fn(&Row) -> Option<f64>; 3] = [|row| row.x, |row| row.small.map(f64::from), |row| row.y];
    let matrix = |which: usize| -> Json {
        let row = |a: usize| (0..3).map(|b| pair(rows, [lanes[a], lanes[b]], a == b)[which].clone()).collect::<Json>();
        (0..3).map(row).collect()
    };
    vec![
        all.into(),
        texts.into(),
        whole(&smalls),
        different(&selected).into(),
        counted,
        frequent(chosen, 2),
        quantiles.clone(),
        quantiles,
        quantile(&smalls, 0.5),
        about[0].into(),
        about[1].into(),
        matrix(0),
        matrix(1),
        ends,
    ]
}

/// That an approximate quantile is at most 3 % of the ranks away.
fn near(found: &Json, share: f64, sorted: &[f64]) -> bool {
    let Some(value) = found.as_f64() else { return sorted.is_empty() };
    let below = sorted.partition_point(|known| *known < value) as f64 / sorted.len() as f64;
    let above = sorted.partition_point(|known| *known <= value) as f64 / sorted.len() as f64;
    below - 0.03 <= share && share <= above + 0.03
}

fn same(name: &str, found: &Json, wanted: &Json, rows: &[&Row]) {
    let fits = match name {
        "near" if rows.len() > SAMPLE => {
            let xs = sorted(rows.iter().map(|row| row.x));
            // The ends are no sample.
            let ends = close(&found[0], &number(xs[0])) && close(&found[4], &number(xs[xs.len() - 1]));
            ends && SHARES.iter().enumerate().all(|(at, share)| near(&found[at], *share, &xs))
        }
        "near one" if rows.len() > SAMPLE => near(found, 0.5, &sorted(rows.iter().map(|row| row.small.map(f64::from)))),
        "about x" | "about t" => {
            let (found, wanted) = (found.as_f64().unwrap(), wanted.as_f64().unwrap());
            (found - wanted).abs() <= (wanted * 0.02).max(0.5)
        }
        _ => close(found, wanted),
    };
    assert!(fits, "{name}, of {} rows: {found} instead of {wanted}", rows.len());
}

fn by_key(rows: &[Row]) -> BTreeMap<(bool, i64), Vec<&Row>> {
    let mut groups: BTreeMap<_, Vec<&Row>> = BTreeMap::new();
    rows.iter().for_each(|row| groups.entry((row.key.is_none(), row.key.unwrap_or(0))).or_default().push(row));
    groups
}

fn check(batch: &RecordBatch, rows: &[Row]) {
    let groups = by_key(rows);
    assert_eq!(batch.num_rows(), groups.len());
    let columns: Vec<Vec<Json>> = batch.columns().iter().skip(1).map(deep).collect();
    for (at, rows) in groups.values().enumerate() {
        for ((wanted, column), (name, _)) in naive(rows).iter().zip(&columns).zip(asked()) {
            same(name, &column[at], wanted, rows);
        }
    }
}

#[test]
fn values_of_groups_are_those_of_a_plain_reading() {
    for (rows, groups) in [(1, 1), (4_095, 3), (4_096, 1), (4_097, 700), (60_000, 9_000), (600_000, 4)] {
        let rows = random(rows, groups, 40);
        let grouped = frame_of(&rows).group_by([col("k")]).sorted();
        let answers = [1, 2, 3].map(|threads| grouped.agg_with(asked(), &options(threads)).unwrap());
        check(&answers[0], &rows);
        check(&answers[1], &rows);
        for other in &answers[1..] {
            for (at, (one, other)) in answers[0].columns().iter().zip(other.columns()).take(EXACT + 1).enumerate() {
                // Lists with NaN are not equal to themselves.
                assert_eq!(deep(one), deep(other), "column {at}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn values_of_few_rows_are_those_of_a_plain_reading(
        rows in prop::collection::vec((0..5_i64, prop_oneof![Just(None), Just(Some(f64::NAN)), (-3..3_i32).prop_map(|x| Some(f64::from(x)))],
            prop::option::of(-9.0..9.0_f64), prop::option::of(-30..30_i16), prop::option::of("[ab]{0,2}")), 0..60),
    ) {
        let row = |(key, x, y, small, text)| Row { key: Some(key).filter(|key| *key > 0), x, y, small, text };
        let rows: Vec<Row> = rows.into_iter().map(row).collect();
        check(&frame_of(&rows).group_by([col("k")]).sorted().agg(asked()).unwrap(), &rows);
    }
}

/// What passes the memory is written by the hash of the keys, and the answers are the same to the last bit.
#[test]
fn values_of_groups_that_do_not_fit_are_written() {
    let rows = random(300_000, 30_000, 400);
    let directory = tempfile::tempdir().unwrap();
    let options = |memory: u64, spill: &std::path::Path| PassOptions {
        memory: Some(memory),
        spill: Some(spill.to_owned()),
        ..options(2)
    };
    let grouped = frame_of(&rows).group_by([col("k")]).sorted();
    for (name, aggregate) in asked().into_iter().take(EXACT) {
        let asked = || [(name, aggregate.clone())];
        let whole = grouped.agg_with(asked(), &options(4 << 30, directory.path())).unwrap();
        let small = 6 << 20;
        let parts = grouped.agg_with(asked(), &options(small, directory.path())).unwrap();
        assert_eq!(deep(whole.column(1)), deep(parts.column(1)), "{name}");
        let nowhere = grouped.agg_with(asked(), &options(small, "/there/is/no/such/directory".as_ref()));
        assert!(nowhere.unwrap_err().to_string().contains("cannot make a directory for groups in"), "{name}");
    }
    let all = grouped.agg_with(asked(), &options(60 << 20, directory.path())).unwrap();
    check(&all, &rows);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    // A single group cannot be cut.
    let one = frame_of(&rows).group_by(Vec::<Key>::new());
    let error =
        one.agg_with([("u", agg::unique(col("x"), Keep::BOTH))], &options(1 << 20, directory.path())).unwrap_err();
    assert!(error.to_string().contains("beyond the memory budget"), "{error}");
}

#[test]
fn values_of_cells_are_those_of_a_plain_reading() {
    for count in [0, 4_097, 300_000] {
        let rows = random(count, 3, 40);
        let axis = || Axis::new(col("i"), Limits::Given(-150.0, 150.0), 5);
        let grid = frame_of(&rows).bin_by([axis()]).selections([text("y == y"), text("x > 0")]);
        let grid = grid.agg_with(asked(), &options(2)).unwrap();
        assert_eq!(grid.shape, [2, 5]);
        let columns: Vec<(&str, Vec<Json>)> = grid.columns.iter().map(|(name, array)| (&**name, deep(array))).collect();
        let selections: [fn(&Row) -> bool; 2] =
            [|row| row.y.is_some_and(|y| !y.is_nan()), |row| row.x.is_some_and(|x| x > 0.0)];
        for (selection, selected) in selections.iter().enumerate() {
            for cell in 0..5_i16 {
                let inside = |row: &&Row| row.small.is_some_and(|small| (small + 150) / 60 == cell) && selected(row);
                let rows: Vec<&Row> = rows.iter().filter(inside).collect();
                for (wanted, (name, found)) in naive(&rows).iter().zip(&columns) {
                    same(name, &found[selection * 5 + usize::from(cell.unsigned_abs())], wanted, &rows);
                }
            }
        }
    }
    let rows = random(100_000, 3, 40);
    let grid = frame_of(&rows).bin_by([Axis::new(col("i"), Limits::Given(-150.0, 150.0), 5)]);
    let small = PassOptions { memory: Some(1 << 20), ..options(2) };
    let error = grid.agg_with([("u", agg::unique(col("x"), Keep::BOTH))], &small).unwrap_err();
    assert!(error.to_string().contains("beyond the memory budget; raise the budget, group by bin numbers"), "{error}");
}

#[test]
fn what_makes_no_sense_of_groups_is_refused() {
    let frame = frame_of(&random(10, 2, 3));
    let message = |aggregate: Aggregate| frame.group_by([col("k")]).agg([("a", aggregate)]).unwrap_err().to_string();
    assert!(message(agg::quantiles(col("x"), &[0.5, 1.5])).contains("between 0 and 1, and 1.5 does not"));
    assert!(message(agg::approx_quantile(col("t"), 0.5)).contains("not of string"));
    assert!(message(agg::covariance_matrix([col("x"), col("t")], 0)).contains("take numbers"));
    assert!(message(agg::correlation_matrix(Vec::<crate::Expr>::new())).contains("needs something"));
}
