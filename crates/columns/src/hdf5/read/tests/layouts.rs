//! Where tables are, in what order their columns come, and what they are called.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, types};

use super::{Hdf5Options, Hdf5Table, all, fixture, in_group, names, open};
use crate::error::ColumnsError;

fn first_of(table: &Hdf5Table, column: usize) -> i64 {
    table.read(1..2, &[column]).unwrap().column(0).as_primitive::<types::Int64Type>().value(0)
}

#[test]
fn names_with_commas_and_slashes_are_read() {
    // column_order is "a,a,b" here: the second "a" and "b" are pieces of the name with a comma.
    let comma = open("names_comma.hdf5");
    assert_eq!(names(&comma), ["a", "a,b"]);
    let slash = open("names_slash.hdf5");
    assert_eq!(names(&slash), ["a", "x/y"]);
    assert_eq!(slash.rows(), 53);
    for table in [comma, slash] {
        for column in 0..2 {
            let array = table.read(0..53, &[column]).unwrap().column(0).clone();
            assert_eq!((array.len(), array.null_count()), (53, 0));
        }
        first_of(&table, 1);
    }
}

#[test]
fn tables_in_groups_are_named() {
    let error = Hdf5Table::open(fixture("groups.hdf5"), &Hdf5Options::default()).unwrap_err();
    assert!(matches!(error, ColumnsError::InvalidOption { .. }), "{error}");
    assert!(error.to_string().contains("'/deep/second', '/first'"), "{error}");
    assert_eq!(Hdf5Table::groups(fixture("groups.hdf5")).unwrap(), ["/deep/second", "/first"]);
    for (group, rows) in [("first", 53), ("/first/", 53), ("deep/second", 26), ("/deep/second", 26)] {
        assert_eq!(Hdf5Table::open(fixture("groups.hdf5"), &in_group(group)).unwrap().rows(), rows, "{group}");
    }
    let error = Hdf5Table::open(fixture("groups.hdf5"), &in_group("third")).unwrap_err();
    assert!(error.to_string().contains("no table in group 'third'"), "{error}");
    for (name, group) in [("legacy_data", "/data"), ("root", "/"), ("columns_root", "/columns"), ("numeric", "/table")]
    {
        let path = fixture(&format!("{name}.hdf5"));
        assert_eq!(Hdf5Table::groups(&path).unwrap(), [group]);
        let named = Hdf5Table::open(&path, &in_group(group)).unwrap();
        let searched = Hdf5Table::open(&path, &Hdf5Options::default()).unwrap();
        assert_eq!(all(&named, 0..9).unwrap(), all(&searched, 0..9).unwrap(), "{name}");
    }
}

#[test]
fn notes_are_kept() {
    let table = open("attrs.hdf5");
    let schema = table.schema();
    assert_eq!(names(&table), ["a", "renamed b"]);
    assert_eq!(schema.metadata(), &HashMap::from([("description".to_owned(), "the table".to_owned())]));
    let note = |column: usize, name: &str| schema.field(column).metadata().get(name).map(String::as_str);
    assert_eq!(
        (note(0, "unit"), note(0, "ucd"), note(0, "description")),
        (Some("km/s"), Some("ucd.a"), Some("about a"))
    );
    assert_eq!(note(1, "description"), Some("about b"));
    assert_eq!(note(1, "alias"), None);
    let legacy = open("legacy_data.hdf5").schema();
    let x = legacy.field_with_name("x").unwrap();
    assert_eq!(x.metadata().get("ucd").map(String::as_str), Some("phys.veloc"));
    assert_eq!(open("root.hdf5").schema().field(1).metadata().get("unit").map(String::as_str), Some("m"));
}

#[test]
fn what_is_no_table_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.hdf5");
    let missing = Hdf5Table::open(&path, &Hdf5Options::default()).unwrap_err();
    assert!(matches!(missing, ColumnsError::Io { .. }), "{missing}");
    for content in [&b""[..], b"no", b"a text that is longer than any signature\n", b"\x89HDF\r\n\x1a\n"] {
        std::fs::write(&path, content).unwrap();
        for mapped in [true, false] {
            let error = Hdf5Table::open(&path, &Hdf5Options { mapped, group: None }).unwrap_err();
            assert!(matches!(error, ColumnsError::Damaged { .. }), "{error}");
        }
    }
    let error = Hdf5Table::open(folder.path(), &Hdf5Options::default()).unwrap_err();
    assert!(matches!(error, ColumnsError::Unsupported { .. } | ColumnsError::Io { .. }), "{error}");
}

/// Two layouts in one file: their columns are added together, as Vaex does.
#[test]
fn layouts_are_added_together() {
    let table = open("../hdf5/added.hdf5");
    assert_eq!((names(&table), table.rows()), (vec!["x".to_owned(), "y".to_owned()], 3));
    assert_eq!((first_of(&table, 0), first_of(&table, 1)), (1, 2));
    assert_eq!(table.path(), fixture("../hdf5/added.hdf5"));
    let error = Hdf5Table::open(fixture("../hdf5/twice.hdf5"), &Hdf5Options::default()).unwrap_err();
    assert!(error.to_string().contains("two columns of the name 'x'"), "{error}");
}

/// The order is "c,b,nothing,c,,", and 'a' has the alias 'b', which is another column's name.
#[test]
fn repeated_and_unknown_pieces_of_the_order_are_passed_over() {
    let table = Hdf5Table::open(fixture("../hdf5/added.hdf5"), &in_group("order")).unwrap();
    assert_eq!(names(&table), ["c", "second", "a"]);
}
