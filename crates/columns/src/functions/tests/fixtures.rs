//! What Vaex answers to the queries of its fixtures.

use std::path::Path;

use arrow::array::RecordBatch;
use serde_json::Value as Json;

use super::{near, text};
use crate::hdf5::{Hdf5Options, Hdf5Table};
use crate::value::Value;

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests-data/vaex").join(name)
}

fn table(name: &str, rows: Option<u64>) -> RecordBatch {
    let table = Hdf5Table::open(fixture(name), &Hdf5Options::default()).unwrap();
    let columns: Vec<usize> = (0..table.schema().fields().len()).collect();
    table.read(0..rows.unwrap_or(table.rows()), &columns).unwrap()
}

fn same(ours: &Value, theirs: &Json, relative: f64, absolute: f64) -> bool {
    match (ours, theirs) {
        (Value::Null, Json::Null) => true,
        (Value::Bool(a), Json::Bool(b)) => a == b,
        (Value::Text(a), Json::String(b)) => **a == **b,
        (Value::Float(a), Json::String(b)) if b == "NaN" => a.is_nan(),
        (Value::Float(a), Json::Number(b)) => {
            let b = b.as_f64().unwrap();
            near(*a, b, relative) || (a - b).abs() <= absolute
        }
        (Value::Int(a), Json::Number(b)) => b.as_i64().map(i128::from) == Some(*a),
        (Value::Instant(a, ..), Json::Number(b)) => b.as_i64() == Some(*a),
        _ => false,
    }
}

/// Python's code of a query as an expression: columns of the frame by their names.
fn expression(code: &str) -> String {
    code.replace("d.func.", "").replace("df.", "").replace("d.", "").replace("d[\"cat\"]", "cat").replace("np.", "")
}

#[test]
fn expressions_are_what_vaex_computes() {
    let expected: Json = serde_json::from_reader(std::fs::File::open(fixture("expected.json")).unwrap()).unwrap();
    let (rows, vectors) = (table("table.hdf5", Some(40)), table("vectors.hdf5", None));
    let mut seen = 0;
    for query in expected["queries"].as_array().unwrap() {
        let id = query["id"].as_str().unwrap();
        let column = query["result"]["kind"] == "column";
        if !(id.starts_with("ex_") || id.starts_with("v_")) || !column || id == "ex_u1_wrap" {
            continue;
        }
        let batch = if id.starts_with("ex_") { &rows } else { &vectors };
        let code = match id {
            // What users of Vaex have to write in Python is a function here.
            "v_dot" => {
                format!("dot(f4x24, {:?})", (0..24).map(|at| -1.0 + 2.0 * f64::from(at) / 23.0).collect::<Vec<_>>())
            }
            _ => expression(query["code"].as_str().unwrap()),
        };
        let (type_, values) = text(batch, &code);
        let dtype = query["result"]["dtype"].as_str().unwrap();
        match id {
            // A number that is written out takes the width of the column beside it.
            "ex_where_lit" => assert_eq!(type_.to_string(), "int32"),
            _ => assert_eq!(type_.to_string(), dtype.trim_start_matches("large_"), "{id}"),
        }
        // Vaex computes logarithms of float32 with 24 bits, and adds components of float32 in that width.
        let absolute = if id == "v_sum_axis1" { 1e-6 } else { 0.0 };
        let relative = if dtype == "float32" { 5e-6 } else { 1e-12 };
        let theirs = query.get("exact").unwrap_or(&query["result"]["values"]).as_array().unwrap();
        assert_eq!(values.len(), theirs.len(), "{id}");
        for (row, (ours, theirs)) in values.iter().zip(theirs).enumerate() {
            assert!(same(ours, theirs, relative, absolute), "{id}: {code}, row {row}: {ours}, and Vaex has {theirs}");
        }
        seen += 1;
    }
    assert_eq!(seen, 43);
}
