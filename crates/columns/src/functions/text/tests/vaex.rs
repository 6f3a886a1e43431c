//! The queries of Vaex's fixtures.

use arrow::array::ArrayRef;
use serde_json::Value as Json;

use super::{evaluate_in_blocks, values};
use crate::hdf5::{Hdf5Options, Hdf5Table};

/// The first rows of a column of the table that the queries are about.
fn column(name: &str, rows: u64) -> ArrayRef {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests-data/vaex/table.hdf5");
    let table = Hdf5Table::open(path, &Hdf5Options::default()).unwrap();
    let place = table.schema().index_of(name).unwrap();
    table.read(0..rows, &[place]).unwrap().column(0).clone()
}

#[test]
fn queries_of_texts_have_their_answers() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests-data/vaex/expected.json");
    let expected: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let (skey, key) = (column("skey", 40), column("key", 40));
    let mut seen = 0;
    for query in expected["queries"].as_array().unwrap() {
        let id = query["id"].as_str().unwrap();
        if !id.starts_with("str_") {
            continue;
        }
        let code = query["code"].as_str().unwrap().replace("df[:40].", "");
        let answer = query.get("exact").unwrap_or(&query["result"]["values"]).as_array().unwrap();
        let columns = [("skey", skey.clone()), ("key", key.clone())];
        let found: Vec<Json> = evaluate_in_blocks(&columns, &code, 7).unwrap().iter().flat_map(values).collect();
        assert_eq!(&found, answer, "{id}: {code}");
        seen += 1;
    }
    assert_eq!(seen, 21);
}
