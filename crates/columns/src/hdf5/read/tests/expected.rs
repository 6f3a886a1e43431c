//! Every fixture against what Vaex read from it.

use serde_json::Value;

use super::{all, fixture, unmapped};
use crate::expected::check_columns;
use crate::hdf5::{Hdf5Options, Hdf5Table};

fn check(options: &Hdf5Options) -> (usize, usize) {
    let text = std::fs::read_to_string(fixture("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let (mut files, mut columns) = (0, 0);
    for (key, entry) in expected["files"].as_object().unwrap() {
        let (file, group) = key.split_once('#').map_or((key.as_str(), None), |(file, group)| (file, Some(group)));
        let Some(list) = entry["columns"].as_array().filter(|list| file.ends_with(".hdf5") && !list.is_empty()) else {
            continue;
        };
        files += 1;
        let options = Hdf5Options { group: group.map(str::to_owned), ..options.clone() };
        let table = Hdf5Table::open(fixture(file), &options).unwrap_or_else(|error| panic!("{key}: {error}"));
        assert_eq!(table.rows(), entry["rows"].as_u64().unwrap(), "{key}");
        let schema = table.schema();
        let order: Vec<_> = list.iter().map(|column| column["name"].as_str().unwrap()).collect();
        assert_eq!(schema.fields().iter().map(|field| field.name()).collect::<Vec<_>>(), order, "{key}");
        let batch = all(&table, 0..table.rows()).unwrap_or_else(|error| panic!("{key}: {error}"));
        check_columns(key, list, &batch);
        columns += list.len();
    }
    (files, columns)
}

#[test]
fn every_fixture_reads_as_vaex_reads_it() {
    assert_eq!(check(&Hdf5Options::default()), (24, 167));
}

#[test]
fn every_fixture_reads_the_same_without_a_mapping() {
    assert_eq!(check(&unmapped()), (24, 167));
}
