//! The references in the bundles of DataFolio 1.3 and 2.3 read with the values that are recorded beside them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use datafolio_core::ItemRecord;
use datafolio_handlers::{Data, Item, Registry};
use datafolio_storage::{LocalStorage, Storage, Verification, VerifiedCache};
use datafolio_testkit::value_hash::table_sha256;
use serde_json::Value;

#[test]
fn values_are_those_that_python_read() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/fixtures");
    let json = |path: &Path| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let registry = Registry::with_builtin();
    let cache = VerifiedCache::disabled();
    let mut compared = Vec::new();
    for (bundle, reader) in [
        ("bundle-v1", "as_read_by_1_3_0"),
        ("bundle-v2", "as_read_by_2_3_0"),
        ("bundle-v1-migrated", "as_read_by_2_3_0"),
    ] {
        let storage: Arc<dyn Storage> = Arc::new(LocalStorage::open(&fixtures.join(bundle)).unwrap());
        let expected = json(&fixtures.join(format!("{bundle}.expected.json")));
        for entry in json(&fixtures.join(bundle).join("items.json"))["items"].as_array().unwrap() {
            let record = ItemRecord::new(entry.as_object().unwrap().clone());
            if record.item_type() != "referenced_table" {
                continue;
            }
            let what = format!("{bundle}: {}", record.name());
            let handler = registry.for_type(record.item_type()).unwrap();
            let item = Item::new(&record, &storage, Verification::Full, &cache);
            if record.str("path").unwrap().contains("://") {
                assert_eq!(handler.read(&item).unwrap_err().code(), "unsupported", "{what}");
                continue;
            }
            handler.verify(&item).unwrap_or_else(|error| panic!("{what}: {error}"));
            let Data::Table(table) = handler.read(&item).unwrap() else { panic!("{what}: not a table") };
            let recorded = &expected[reader]["items"][record.name()]["values_sha256"];
            if recorded.is_string() {
                assert_eq!(table_sha256(table).unwrap(), *recorded, "{what}");
                compared.push(what);
            }
        }
    }
    assert!(compared.len() >= 5, "{compared:?}");
}
