//! What Vaex says of its fixtures.

use std::path::PathBuf;

use serde_json::Value as Json;

use super::*;
use crate::hdf5::{Hdf5Options, Hdf5Table};

/// The text that Vaex's Python stands for, without the rows it takes.
fn expression(code: &str) -> String {
    code.replace("df[:30].", "").replace("[:30]", "").replace("df.ts", "ts").replace("d.ts", "ts").replace("np.", "")
}

fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => (*value as i64).into(),
        Value::Float(value) => (*value).into(),
        Value::Text(text) => text.to_string().into(),
        Value::Instant(ticks, ..) | Value::Duration(ticks, _) => (*ticks).into(),
        Value::List(_) => panic!("no list is expected"),
    }
}

#[test]
fn answers_are_those_of_vaex() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests-data/vaex");
    let said: Json = serde_json::from_slice(&std::fs::read(root.join("expected.json")).unwrap()).unwrap();
    let table = Hdf5Table::open(root.join("table.hdf5"), &Hdf5Options::default()).unwrap();
    let columns: Vec<usize> = (0..table.schema().fields().len()).collect();
    let mut checked = 0;
    for query in said["queries"].as_array().unwrap() {
        let id = query["id"].as_str().unwrap();
        if !(id.starts_with("dt_") || id.starts_with("td_") || id.starts_with("ex_ts")) {
            continue;
        }
        let expected = query["result"]["values"].as_array().unwrap();
        let batch = table.read(0..expected.len() as u64, &columns).unwrap();
        let text = expression(query["code"].as_str().unwrap());
        let (type_, found) = compute(&batch, &text).unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(type_.to_string(), query["result"]["dtype"].as_str().unwrap(), "{id}");
        assert_eq!(found.iter().map(json).collect::<Vec<_>>(), *expected, "{id}: {text}");
        checked += 1;
    }
    assert_eq!(checked, 21);
}
