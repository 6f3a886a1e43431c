//! Grids against what Vaex answered for the same file, and what is right where it was not.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, StringArray};
use arrow::datatypes::Int64Type;
use proptest::prelude::*;
use serde_json::Value as Json;

use super::groups::{close, expected, json, table};
use super::{frame, text};
use crate::{Axis, Limits, agg, col};

/// The numbers of a nested answer, the last axis fastest.
fn flat(values: &Json) -> Vec<Json> {
    match values {
        Json::Array(values) => values.iter().flat_map(flat).collect(),
        value => vec![value.clone()],
    }
}

fn axis(expr: &str, low: f64, high: f64, bins: usize) -> Axis {
    Axis::new(text(expr), Limits::Given(low, high), bins)
}

fn same(found: &ArrayRef, shape: &[usize], id: &str) {
    let expected = expected(id);
    let wanted = if expected["exact"].is_null() { &expected["result"]["values"] } else { &expected["exact"] };
    let found = Json::Array(json(found).iter().map(|value| value.as_i64().map_or(value.clone(), Json::from)).collect());
    let wanted = Json::Array(flat(wanted));
    assert!(close(&found, &wanted), "{id}: {found} instead of {wanted}");
    let known: Vec<usize> = expected["result"]["shape"]
        .as_array()
        .unwrap()
        .iter()
        .map(|length| length.as_u64().unwrap() as usize)
        .collect();
    assert_eq!(shape, known, "{id}");
}

#[test]
fn grids_are_those_of_vaex() {
    let frame = table();
    let one = |axes: Vec<Axis>, text: &str, id: &str| {
        let grid = frame.bin_by(axes).agg_text(&[("a", text)]).unwrap();
        same(&grid.columns[0].1, &grid.shape, id);
    };
    one(vec![axis("x", -8.0, 8.0, 16)], "count()", "hist1d");
    one(vec![axis("x", -8.0, 8.0, 8), axis("y", -3.0, 5.0, 4)], "count()", "hist2d");
    one(vec![axis("x", -8.0, 8.0, 8), axis("y", -3.0, 5.0, 4)], "mean(vx)", "hist2d_mean");
    one(vec![axis("cat", -0.5, 9.5, 10)], "sum(id)", "hist_sum_cat");
    one(vec![axis("u1", 0.0, 200.0, 40)], "count()", "hist_int_edges");
    one(vec![axis("cat", 0.0, 7.0, 7)], "count()", "hist_int_edges7");
    one(vec![axis("z", 0.0, 1.0, 4)], "std(vx)", "hist_std");
    let outer = frame.bin_by([axis("fn", -2.0, 2.0, 8)]).outer_cells().agg([("a", agg::count_rows())]).unwrap();
    same(&outer.columns[0].1, &outer.shape, "hist1d_edges");
    let selected = frame.bin_by([axis("x", -4.0, 4.0, 8)]).selections([text("flag"), text("cat == 3")]);
    let selected = selected.agg([("a", agg::count_rows())]).unwrap();
    same(&selected.columns[0].1, &selected.shape, "hist_sel");
    assert_eq!(&*selected.axes[0].name, "selection");
}

#[test]
fn limits_that_are_found_include_the_greatest_value() {
    let grid = table().bin_by([Axis::new(col("u1"), Limits::MinMax, 10)]).agg([("n", agg::count_rows())]).unwrap();
    let counts = grid.columns[0].1.as_primitive::<Int64Type>().values().to_vec();
    assert_eq!(counts.iter().sum::<i64>(), 5000);
    // Vaex leaves the greatest values, of which there are these many, out of the last bin.
    let lost = 5000
        - flat(&expected("hist_minmax")["result"]["values"]).iter().map(|count| count.as_i64().unwrap()).sum::<i64>();
    assert_eq!(counts[9], 484 + lost);
    let frame = frame(vec![
        ("x", Arc::new(Float64Array::from((0..=100).map(f64::from).collect::<Vec<_>>()))),
        (
            "s",
            Arc::new(StringArray::from((0..=100).map(|row| ["b", "a", "c"].get(row % 4).copied()).collect::<Vec<_>>())),
        ),
        ("i", Arc::new(Int64Array::from((0..=100).map(|row| row % 5 - 2).collect::<Vec<_>>()))),
    ]);
    // The middle 90 % of 0 to 100 are those from 5 to 95, as `np.quantile` has them.
    let middle = frame.bin_by([Axis::new(col("x"), Limits::Percent(90.0), 9)]).agg([("n", agg::count_rows())]).unwrap();
    assert_eq!(json(&middle.columns[0].1), [10, 10, 10, 10, 10, 10, 10, 10, 11].map(Json::from));
    let axes = [Axis::values(col("s")).named("s"), Axis::whole(col("i"))];
    let grid = frame.bin_by(axes).outer_cells().agg_text(&[("n", "count()"), ("m", "max(x) - min(x)")]).unwrap();
    assert_eq!(grid.shape, [6, 8]);
    assert_eq!(json(grid.axes[0].values.as_ref().unwrap()), ["a", "b", "c"].map(Json::from));
    assert_eq!(json(&grid.columns[0].1).iter().map(|count| count.as_i64().unwrap()).sum::<i64>(), 101);
    let cell = |s: usize, i: usize| json(grid.column("n").unwrap())[s * 8 + i].as_i64().unwrap();
    let count = |s: usize, i: usize| (0..=100).filter(|row| row % 4 == s && row % 5 == i).count() as i64;
    for i in 0..5 {
        // Rows whose text is missing, then "a", "b" and "c".
        assert_eq!(
            [cell(0, i + 2), cell(2, i + 2), cell(3, i + 2), cell(4, i + 2)],
            [count(3, i), count(1, i), count(0, i), count(2, i)]
        );
    }
    let logs = frame
        .bin_by([Axis::logarithmic(col("x"), Limits::Given(1.0, 100.0), 2)])
        .agg([("n", agg::count_rows())])
        .unwrap();
    assert_eq!(json(&logs.columns[0].1), [9, 90].map(Json::from));
}

#[test]
fn limits_that_are_none_are_refused() {
    let frame = table();
    let message = |axis: Axis| frame.bin_by([axis]).agg([("n", agg::count_rows())]).unwrap_err().to_string();
    assert!(message(axis("x", 1.0, 1.0, 4)).contains("the first is less than the second"));
    assert!(message(axis("x", f64::NEG_INFINITY, 1.0, 4)).contains("finite"));
    assert!(message(axis("x", 0.0, 1.0, 0)).contains("at least one"));
    assert!(message(axis("skey", 0.0, 1.0, 3)).contains("`Axis::values`"));
    assert!(message(Axis::whole(col("x"))).contains("needs whole numbers"));
    let cells =
        frame.bin_by([axis("x", 0.0, 1.0, 1 << 20), axis("y", 0.0, 1.0, 1 << 20)]).agg([("n", agg::count_rows())]);
    assert!(cells.unwrap_err().to_string().contains("beyond the memory budget"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Every value is in the bin between whose edges it lies, edges themselves too.
    #[test]
    fn values_are_between_the_edges_of_their_bins(
        low in -100..100_i32, width in 1..50_u32, bins in 1..40_usize, tenths in any::<bool>(), closed in any::<bool>(),
        others in prop::collection::vec(-150.0..150.0_f64, 0..50),
    ) {
        let scale = if tenths { 0.1 } else { 1.0 };
        let (low, high) = (f64::from(low) * scale, (f64::from(low) + f64::from(width)) * scale);
        let axis = axis("x", low, high, bins).closed(closed);
        let edges: Vec<f64> = (0..=bins).map(|at| if at == bins { high } else { low + at as f64 * (high - low) / bins as f64 }).collect();
        let mut values = edges.clone();
        values.extend(edges.iter().flat_map(|edge| [edge.next_up(), edge.next_down()]));
        values.extend(others);
        let frame = frame(vec![("x", Arc::new(Float64Array::from(values.clone())))]);
        let grid = frame.bin_by([axis]).agg([("n", agg::count_rows())]).unwrap();
        let known = grid.axes[0].edges.clone().unwrap();
        let wanted: Vec<i64> = (0..bins)
            .map(|bin| {
                let last = closed && bin + 1 == bins;
                values.iter().filter(|value| **value >= known[bin] && (**value < known[bin + 1] || last && **value == high)).count() as i64
            })
            .collect();
        prop_assert_eq!(grid.columns[0].1.as_primitive::<Int64Type>().values().to_vec(), wanted);
    }
}
