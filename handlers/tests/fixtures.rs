//! Every item in the bundles of DataFolio 1.3 and 2.3 reads with the values that are recorded beside them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafolio_core::ItemRecord;
use datafolio_handlers::{Data, Item, Registry, arrow_field_type_name};
use datafolio_storage::{LocalStorage, Storage, Verification, VerifiedCache};
use datafolio_testkit::handler_suite::canonical;
use datafolio_testkit::value_hash::{array_sha256, bytes_sha256, table_sha256};
use serde_json::Value;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/fixtures")
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// What is recorded of the value of a payload, wherever in the expectations it is.
fn recorded(expected: &Value, payload: &str) -> Option<Value> {
    let readers = ["as_read_by_2_3_0", "as_read_by_1_3_0"];
    let current =
        readers.iter().filter_map(|reader| expected[reader]["items"].as_object()).flat_map(|items| items.values());
    let pins = expected["pins"].as_object().into_iter().flat_map(|pins| pins.values());
    let pinned = pins.filter_map(Value::as_object).flat_map(|items| items.values());
    current
        .filter(|item| item["path"] == payload && item.get("error").is_none())
        .chain(pinned.filter(|item| item["payload"] == payload && item["checksum_ok"] == true))
        .next()
        .cloned()
}

#[test]
fn values_are_those_that_python_read() {
    let registry = Registry::with_builtin();
    let cache = VerifiedCache::disabled();
    let mut compared = 0;
    for bundle in ["bundle-v1", "bundle-v2", "bundle-v1-migrated"] {
        let storage: Arc<dyn Storage> = Arc::new(LocalStorage::open(&fixtures().join(bundle)).unwrap());
        let expected = json(&fixtures().join(format!("{bundle}.expected.json")));
        for entry in json(&fixtures().join(bundle).join("items.json"))["items"].as_array().unwrap() {
            let record = ItemRecord::new(entry.as_object().unwrap().clone());
            if record.item_type() == "referenced_table" {
                continue;
            }
            let what = format!("{bundle}: {} ({})", record.name(), record.filename().unwrap());
            let handler = registry.for_type(record.item_type()).unwrap();
            let payload = datafolio_handlers::payload_path(&record).unwrap();
            let recorded = recorded(&expected, payload.as_str());
            for verification in [Verification::Full, Verification::Touched, Verification::Off] {
                let item = Item::new(&record, &storage, verification, &cache);
                handler.verify(&item).unwrap_or_else(|error| panic!("{what}: {error}"));
                let data = handler.read(&item).unwrap_or_else(|error| panic!("{what}: {error}"));
                let Some(recorded) = &recorded else { continue };
                compared += 1;
                match data {
                    Data::Table(reader) => {
                        assert_eq!(table_sha256(reader).unwrap(), recorded["values_sha256"], "{what}");
                    }
                    Data::Array(array) => assert_eq!(array_sha256(&array), recorded["values_sha256"], "{what}"),
                    Data::Json(value) => {
                        if let Some(recorded) = recorded.get("value") {
                            assert_eq!(&value, recorded, "{what}");
                        }
                    }
                    Data::Timestamp(instant) => {
                        if let Some(iso) = recorded.get("iso") {
                            assert_eq!(datafolio_core::time::to_iso(instant), *iso, "{what}");
                        }
                    }
                    payload => {
                        let sha256 = bytes_sha256(&canonical(payload).unwrap());
                        let files = &expected["files"];
                        let path = datafolio_handlers::payload_path(&record).unwrap();
                        let file = files.get(path.as_str()).unwrap_or(recorded);
                        assert_eq!(sha256, file["sha256"], "{what}");
                    }
                }
            }
        }
    }
    assert!(compared > 200, "only {compared} values were compared");
}

/// The types of columns are written as pyarrow wrote them. DataFolio records the types in memory, which can differ from
/// what the file says in the ways listed here.
#[test]
fn types_are_written_as_pyarrow_writes_them() {
    let registry = Registry::with_builtin();
    let cache = VerifiedCache::disabled();
    let mut compared = 0;
    for bundle in ["bundle-v1", "bundle-v2", "bundle-v1-migrated"] {
        let storage: Arc<dyn Storage> = Arc::new(LocalStorage::open(&fixtures().join(bundle)).unwrap());
        for entry in json(&fixtures().join(bundle).join("items.json"))["items"].as_array().unwrap() {
            let record = ItemRecord::new(entry.as_object().unwrap().clone());
            if record.item_type() != "included_table" {
                continue;
            }
            let item = Item::new(&record, &storage, Verification::Touched, &cache);
            let Data::Table(reader) = registry.for_type("included_table").unwrap().read(&item).unwrap() else {
                panic!()
            };
            for field in reader.schema().fields() {
                let recorded = entry["dtypes"][field.name()].as_str().unwrap();
                let found = arrow_field_type_name(field).replace("element: ", "item: ");
                // Polars wrote categories as large strings and recorded them so; the file names the column's list items
                // differently.
                let same = found == recorded || found == recorded.replace("values=large_string", "values=string");
                assert!(same, "{bundle}: {}.{}: {found} is recorded as {recorded}", record.name(), field.name());
                compared += 1;
            }
        }
    }
    assert!(compared > 100, "only {compared} types were compared");
}
