//! The queries of the fixtures that are aggregations of all rows, against what Vaex answered.

use arrow::array::{Array, AsArray};
use serde_json::Value as Json;

use super::{assert_near, fixture, floats, one, text};
use crate::frame::ValueCounts;
use crate::{Aggregate, Frame, Keep, Value, agg, col};

fn queries() -> Vec<Json> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests-data/vaex/expected.json");
    let expected: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    expected["queries"].as_array().unwrap().clone()
}

fn query(id: &str) -> Json {
    queries().into_iter().find(|query| query["id"] == id).unwrap_or_else(|| panic!("there is no query {id}"))
}

fn same(found: &Value, wanted: &Json, id: &str) {
    let near = |found: f64, wanted: f64| (found - wanted).abs() <= 1e-11 * wanted.abs().max(1e-3);
    let same = match (found, wanted) {
        (Value::Null, Json::Null) => true,
        (Value::Bool(found), Json::Bool(wanted)) => found == wanted,
        (Value::Text(found), Json::String(wanted)) => **found == **wanted,
        (Value::Int(found), wanted) if wanted.is_i64() => *found == i128::from(wanted.as_i64().unwrap()),
        (Value::Instant(ticks, ..), wanted) => Some(*ticks) == wanted.as_i64(),
        (Value::List(found), Json::Array(wanted)) => {
            assert_eq!(found.len(), wanted.len(), "{id}");
            found.iter().zip(wanted).for_each(|(found, wanted)| same(found, wanted, id));
            true
        }
        (Value::Float(found), wanted) => near(*found, wanted.as_f64().unwrap()),
        _ => false,
    };
    assert!(same, "{id}: {found:?} is not {wanted}");
}

#[test]
fn moments_and_extremes_are_those_of_vaex() {
    let frame = fixture("table.hdf5");
    type Make = fn(&str) -> Aggregate;
    let make: [(&str, Make); 10] = [
        ("count", |name| agg::count(col(name))),
        ("sum", |name| agg::sum(col(name))),
        ("mean", |name| agg::mean(col(name))),
        ("std", |name| agg::std(col(name), 0)),
        ("var", |name| agg::var(col(name), 0)),
        ("min", |name| agg::min(col(name))),
        ("max", |name| agg::max(col(name))),
        ("minmax", |name| agg::minmax(col(name))),
        ("skew", |name| agg::skew(col(name))),
        ("kurtosis", |name| agg::kurtosis(col(name))),
    ];
    let columns = ["x", "y", "vx", "id", "cat", "u1", "flag", "fn", "ms", "ai", "ts"];
    let mut asked = Vec::new();
    for query in queries() {
        let id = query["id"].as_str().unwrap().to_owned();
        let Some((name, column)) = id.split_once('_') else { continue };
        let Some((_, make)) = make.iter().find(|(known, _)| *known == name) else { continue };
        if columns.contains(&column) {
            let wanted = query["result"].get("value").unwrap_or(&query["result"]["values"]).clone();
            asked.push((id.clone(), make(column), wanted));
        }
    }
    assert_eq!(asked.len(), 88);
    let aggregates: Vec<Aggregate> = asked.iter().map(|(_, aggregate, _)| aggregate.clone()).collect();
    // All of them in one pass.
    for (found, (id, _, wanted)) in frame.aggregate(&aggregates).unwrap().iter().zip(&asked) {
        same(found, wanted, id);
    }
}

#[test]
fn counts_sums_and_filters_are_those_of_vaex() {
    let frame = fixture("table.hdf5");
    let wanted = |id: &str| query(id)["result"]["value"].clone();
    same(&one(&frame, agg::count_rows()), &wanted("count_rows"), "count_rows");
    same(&one(&frame, agg::count(col("skey"))), &wanted("count_key"), "count_key");
    same(&one(&frame, agg::mean(text("(x*y)**2"))), &wanted("mean_xy2"), "mean_xy2");
    let filtered = frame.filter(text("(x > 0) & (cat == 7)")).unwrap();
    same(&one(&filtered, agg::sum(col("vx"))), &wanted("sum_filtered"), "sum_filtered");
    let selected = agg::sum(col("vx")).selection(text("(x > 0) & (cat == 7)"));
    same(&one(&frame, selected), &wanted("sum_filtered"), "sum_filtered by selection");
}

#[test]
fn quantiles_are_exact_where_vaex_is_near() {
    let frame = fixture("table.hdf5");
    for name in ["x", "fn", "ms"] {
        let median = one(&frame, agg::median(col(name)));
        assert_near(&median, query(&format!("median_{name}"))["exact"].as_f64().unwrap(), 1e-12);
        let found = floats(&one(&frame, agg::quantiles(col(name), &[0.05, 0.25, 0.75, 0.95])));
        let exact = query(&format!("pct_{name}"))["exact"].clone();
        for (found, wanted) in found.iter().zip(exact.as_array().unwrap()) {
            // Vaex's fixtures interpolate columns of float32 in float32.
            assert_near(&Value::Float(*found), wanted.as_f64().unwrap(), 1e-7);
        }
    }
}

#[test]
fn different_values_are_those_of_vaex() {
    let frame = fixture("table.hdf5");
    for name in ["id", "cat", "key", "skey", "flag", "ms", "ai", "fn"] {
        for (id, keep) in [(format!("nunique_{name}"), Keep::BOTH), (format!("nunique_dropna_{name}"), Keep::NEITHER)] {
            same(&one(&frame, agg::nunique(col(name), keep)), &query(&id)["result"]["value"], &id);
        }
    }
    let unique = |name: &str, keep: Keep| one(&frame, agg::unique(col(name), keep));
    same(&unique("cat", Keep::BOTH), &query("unique_cat")["result"]["values"], "unique_cat");
    same(&unique("ms", Keep::NEITHER), &query("unique_ms_dropmissing")["result"]["values"], "unique_ms");
    let Value::List(texts) = unique("skey", Keep::BOTH) else { panic!() };
    let mut wanted: Vec<Value> = query("unique_skey")["result"]["values"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Json::as_str)
        .map(Value::from)
        .collect();
    wanted.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    wanted.push(Value::Null);
    assert_eq!(texts, wanted);
}

/// Values and counts, as text, in the order of the table.
fn counted(frame: &Frame, name: &str, options: &ValueCounts) -> Vec<(String, i64)> {
    let table = frame.value_counts(col(name), options).unwrap();
    let values = arrow::compute::cast(table.column(0), &arrow::datatypes::DataType::Utf8).unwrap();
    let values = values.as_string::<i32>().iter().map(|value| value.unwrap_or("missing").to_owned());
    values.zip(table.column(1).as_primitive::<arrow::datatypes::Int64Type>().values().iter().copied()).collect()
}

#[test]
fn value_counts_are_those_of_vaex() {
    let frame = fixture("table.hdf5");
    let all = ValueCounts::default();
    let values = ValueCounts { keep: Keep::NEITHER, ..all.clone() };
    let ascending = ValueCounts { ascending: true, ..all.clone() };
    for (id, name, options) in [
        ("value_counts_cat", "cat", &all),
        ("value_counts_key", "key", &all),
        ("value_counts_skey", "skey", &all),
        ("value_counts_flag", "flag", &all),
        ("value_counts_ms", "ms", &all),
        ("value_counts_dropna_skey", "skey", &values),
        ("value_counts_asc_cat", "cat", &ascending),
    ] {
        let result = &query(id)["result"];
        let label = |value: &Json| match value {
            Json::String(text) => text.clone(),
            Json::Bool(value) => value.to_string(),
            other => other.to_string(),
        };
        let index = result["index"].as_array().unwrap().iter().map(label);
        let mut wanted: Vec<(String, i64)> =
            index.zip(result["values"].as_array().unwrap().iter().map(|count| count.as_i64().unwrap())).collect();
        let mut found = counted(&frame, name, options);
        let order = |a: &i64, b: &i64| if options.ascending { a <= b } else { a >= b };
        assert!(found.windows(2).all(|pair| order(&pair[0].1, &pair[1].1)), "{id}: {found:?}");
        // Vaex puts missing values first and equal counts in any order.
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted, "{id}");
    }
}

#[test]
fn texts_of_dictionaries_are_counted_as_texts() {
    let frame = fixture("dictionary.hdf5");
    let texts = |name: &String| frame.type_of(col(&**name)).unwrap() == crate::Type::Text;
    let names: Vec<String> = frame.columns().map(str::to_owned).filter(texts).collect();
    assert!(names.len() > 1, "{names:?}");
    for name in names {
        let table = frame.value_counts(col(&*name), &ValueCounts::default()).unwrap();
        let total: i64 = table.column(1).as_primitive::<arrow::datatypes::Int64Type>().values().iter().sum();
        assert_eq!(Value::Int(total.into()), one(&frame, agg::count_rows()), "{name}");
        let distinct = one(&frame, agg::nunique(col(&*name), Keep::BOTH));
        assert_eq!(distinct, Value::Int(table.num_rows() as i128), "{name}");
        assert_eq!(table.column(0).null_count(), table.num_rows() - one_len(&frame, &name), "{name}");
    }
}

fn one_len(frame: &Frame, name: &str) -> usize {
    match one(frame, agg::unique(col(name), Keep { missing: false, nan: true })) {
        Value::List(values) => values.len(),
        other => panic!("{other:?} is no list"),
    }
}

#[test]
fn pairs_are_those_of_vaex() {
    let frame = fixture("table.hdf5");
    same(&one(&frame, agg::correlation(col("x"), col("vx"))), &query("corr")["result"]["value"], "corr");
    let matrix = one(&frame, agg::covariance_matrix([col("x"), col("y")], 0));
    same(&matrix, &query("cov")["result"]["values"], "cov");
    // Where `fn` is NaN, Vaex leaves the row out of the mean of the product but not out of the mean of `x`. NumPy 2.4, of the rows in
    // which both are numbers: 0.04465819266686456; pandas 3.1, DataFrame.corr: as below.
    assert_near(&one(&frame, agg::covar(col("x"), col("fn"), 0)), 0.04465819266686456, 1e-12);
    let Value::List(rows) = one(&frame, agg::correlation_matrix([col("x"), col("y"), col("fn")])) else { panic!() };
    let wanted = [
        [1.0, 0.009394142705148103, 0.014906204002571014],
        [0.009394142705148103, 1.0, -0.006736519573561108],
        [0.014906204002571014, -0.006736519573561108, 1.0],
    ];
    for (row, wanted) in rows.iter().zip(wanted) {
        for (found, wanted) in floats(row).iter().zip(wanted) {
            assert_near(&Value::Float(*found), wanted, 1e-11);
        }
    }
    let vaex = &query("corr_matrix")["result"]["values"];
    assert_near(&Value::Float(floats(&rows[0])[2]), vaex[0][2].as_f64().unwrap(), 1e-3);
    assert_near(&Value::Float(floats(&rows[0])[1]), vaex[0][1].as_f64().unwrap(), 1e-11);
}

#[test]
fn the_least_and_greatest_rows_are_those_that_vaex_sorts_first() {
    let frame = fixture("table.hdf5");
    for (id, name, descending) in [("sort_x", "x", false), ("sort_desc", "vx", true)] {
        let table = frame.top_k(col(name), 20, descending, &["id"]).unwrap();
        let found: Vec<i64> = table.column(2).as_primitive::<arrow::datatypes::Int64Type>().values().to_vec();
        let wanted: Vec<i64> =
            query(id)["result"]["values"].as_array().unwrap().iter().map(|id| id.as_i64().unwrap()).collect();
        assert_eq!(found, wanted, "{id}");
    }
}
