//! Catalogues that are damaged, odd or hostile: an error that says what is wrong, and never a panic.

use std::sync::Arc;
use std::time::Instant;

use datafolio_core::{CatalogueFiles, CoreError, ItemRecord, SealCheck, parse_catalogue};
use serde_json::{Value, json};

use crate::support::{entry, parse};

/// Reads it, and then everything in it that is read later.
fn look_at_all(text: &str) -> Result<(), CoreError> {
    let read = parse(text)?;
    let catalogue = &read.catalogue;
    let mut result = Ok(());
    for entry in catalogue.entries() {
        let _ = (entry.files(), entry.token(), catalogue.is_pinned(entry));
        if let Err(error) = entry.record() {
            result = Err(error);
        }
    }
    for name in catalogue.snapshots.keys() {
        if let Err(error) = catalogue.snapshot_entries(name) {
            result = Err(error);
        }
    }
    let _ = (catalogue.orphans(), catalogue.metadata_object(), catalogue.is_damaged_by_1x(), read.fingerprint());
    // And it can be written again.
    let _ = datafolio_core::encode((**catalogue).clone());
    result
}

fn top(items: &str) -> String {
    format!(r#"{{"schema_version": 2, "revision": 3, "metadata": {{}}, "items": [{items}], "snapshots": {{}}}}"#)
}

#[test]
fn a_truncated_catalogue_is_an_error_wherever_it_ends() {
    let text = json!({
        "schema_version": 2,
        "revision": 3,
        "metadata": {"k": "größe", "n": [1, 2.5, null, true]},
        "items": [entry("x", 1, true, &["y"]), entry("y", 0, false, &[])],
        "snapshots": {"s": {"item_versions": {"y": "y--r0"}}},
    })
    .to_string();
    look_at_all(&text).unwrap();
    for length in (0..text.len()).filter(|length| text.is_char_boundary(*length)) {
        let error = look_at_all(&text[..length]).unwrap_err();
        assert_eq!(error.code(), "damaged-catalogue", "{length}: {error}");
        assert!(error.to_string().contains("items.json"), "{error}");
    }
}

#[test]
fn deep_nesting_is_an_error_or_is_kept_as_text_wherever_it_stands() {
    const DEEP: usize = 10_000;
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(DEEP), close.repeat(DEEP));
        let in_entry = |field: &str| top(&format!(r#"{{"name": "deep", "{field}": {deep}}}"#));
        for text in [
            deep.clone(),
            format!(r#"{{"schema_version": 2, "items": {deep}}}"#),
            format!(r#"{{"schema_version": {deep}, "items": []}}"#),
            format!(r#"{{"schema_version": 2, "revision": {deep}, "items": []}}"#),
            format!(r#"{{"schema_version": 2, "commit": {deep}, "items": []}}"#),
            format!(r#"{{"schema_version": 2, "metadata": {deep}, "items": []}}"#),
            format!(r#"{{"schema_version": 2, "metadata": {{"k": {deep}}}, "items": []}}"#),
            format!(r#"{{"schema_version": 2, "snapshots": {deep}, "items": []}}"#),
            format!(r#"{{"schema_version": 2, "snapshots": {{"s": {deep}}}, "items": []}}"#),
            format!(r#"{{"schema_version": 2, "snapshots": {{"s": {{"item_versions": {deep}}}}}, "items": []}}"#),
            format!(r#"{{"schema_version": 2, "novel": {deep}, "items": []}}"#),
            top(&deep),
            in_entry("name"),
            in_entry("item_type"),
            in_entry("filename"),
            in_entry("in_snapshots"),
            in_entry("novel"),
            in_entry("inputs"),
            format!("[{deep}]"),
        ] {
            match look_at_all(&text) {
                Ok(()) => {}
                Err(error)
                    if matches!(
                        error.code(),
                        "damaged-catalogue" | "damaged-entry" | "damaged-snapshot" | "broken-seal"
                    ) => {}
                Err(other) => panic!("{other}"),
            }
        }
        // It names the item, where it stands in one.
        assert!(look_at_all(&in_entry("novel")).unwrap_err().to_string().contains("item 'deep'"));
    }
}

#[test]
fn wrong_types_in_known_fields_are_errors_that_name_the_field_or_the_item() {
    let wrong = [json!(7), json!(-1), json!(1.5), json!("text"), json!(true), json!([1]), json!({"a": 1}), Value::Null];
    for value in &wrong {
        for field in ["schema_version", "revision", "commit", "metadata", "items", "snapshots"] {
            let mut whole = json!({"schema_version": 2, "revision": 3, "metadata": {}, "items": [], "snapshots": {}});
            whole[field] = value.clone();
            match look_at_all(&whole.to_string()) {
                Ok(()) => {}
                Err(error) => assert!(
                    matches!(
                        error.code(),
                        "damaged-catalogue" | "damaged-entry" | "damaged-snapshot" | "unknown-schema" | "broken-seal"
                    ),
                    "{field} {value}: {error}"
                ),
            }
        }
        for field in [
            "name",
            "item_type",
            "version_id",
            "filename",
            "is_current",
            "archived",
            "in_snapshots",
            "description",
            "inputs",
            "input_versions",
            "created_at",
            "checksum",
            "sha256",
            "size_bytes",
            "blocks",
            "models",
        ] {
            let mut item = entry("victim", 1, true, &[]);
            item[field] = value.clone();
            if let Err(error) = look_at_all(&top(&item.to_string())) {
                assert_eq!(error.code(), "damaged-entry", "{field} {value}: {error}");
                assert!(field == "name" || error.to_string().contains("victim"), "{field} {value}: {error}");
            }
        }
        for field in ["item_versions", "metadata_snapshot", "tags", "timestamp", "description"] {
            let text = json!({"schema_version": 2, "items": [], "snapshots": {"victim": {field: value}}}).to_string();
            if let Err(error) = look_at_all(&text) {
                assert!(error.to_string().contains("victim"), "{field} {value}: {error}");
            }
        }
    }
}

#[test]
fn numbers_out_of_range_are_errors() {
    for revision in ["-1", "1.5", "1e3", "18446744073709551616", "1e400", "\"3\"", "NaN", "0x10"] {
        let text = format!(r#"{{"schema_version": 2, "revision": {revision}, "items": []}}"#);
        assert_eq!(look_at_all(&text).unwrap_err().code(), "damaged-catalogue", "{revision}");
    }
    for schema in ["3", "99999999999999999999999", "-1", "\"17\""] {
        let text = format!(r#"{{"schema_version": {schema}, "revision": 1, "items": []}}"#);
        let error = look_at_all(&text).unwrap_err();
        assert_eq!(error.code(), "unknown-schema", "{schema}: {error}");
        assert!(error.to_string().contains('2'), "{error}");
    }
    // The next commit must have a revision that is one higher.
    let text = format!(r#"{{"schema_version": 2, "revision": {}, "items": []}}"#, u64::MAX);
    assert_eq!(look_at_all(&text).unwrap_err().code(), "damaged-catalogue");
    let name = format!("{}-abc.json", u64::MAX);
    assert_eq!(datafolio_core::history::CommitRef::from_file_name(&name), None);
    // Sizes are only ever looked at as what they are.
    for size in ["-5", "1e300", "18446744073709551616"] {
        look_at_all(&top(&format!(r#"{{"name": "x", "size_bytes": {size}}}"#))).unwrap();
    }
}

#[test]
fn duplicates_are_read_as_python_reads_them() {
    // Of two fields of one name the last counts.
    let read = parse(r#"{"schema_version": 2, "revision": 1, "revision": 2, "items": [], "items": [{"name": "a"}]}"#);
    let read = read.unwrap();
    assert_eq!((read.catalogue.revision, read.catalogue.current.len()), (2, 1));
    // Of two current versions of one item the later is, and the other is not lost.
    let twice = format!("{}, {}", entry("x", 1, true, &[]), entry("x", 2, true, &[]));
    let read = parse(&top(&twice)).unwrap();
    assert_eq!(read.catalogue.item("x").unwrap().version_id(), Some("x--r2"));
    assert_eq!(read.catalogue.retired.len(), 1);
    assert_eq!(read.catalogue.problems.len(), 1);
    for text in [
        top(r#"{"name": "x", "name": "y"}"#),
        top(r#"{"name": "x", "filename": "a", "filename": "b"}"#),
        r#"{"schema_version": 2, "items": [], "snapshots": {"s": {}, "s": {"item_versions": {}}}}"#.to_owned(),
        r#"{"schema_version": 2, "items": [], "metadata": {"k": 1, "k": 2}}"#.to_owned(),
    ] {
        let _ = look_at_all(&text);
    }
}

/// What is no entry at all hides no item; an object may be one, and is damage.
#[test]
fn elements_that_are_no_entries_are_named_and_left_out() {
    let items = format!("\"a string\", {}, [1], null, 7", entry("x", 1, true, &[]));
    let read = parse(&top(&items)).unwrap();
    assert_eq!((read.catalogue.current.len(), read.catalogue.problems.len()), (1, 4));
    assert!(read.catalogue.problems[0].contains("element 1") && read.catalogue.problems[0].contains("a string"));
    assert!(read.catalogue.problems[1].contains("element 3"));
    let text = datafolio_core::encode((*read.catalogue).clone()).text;
    let again = parse(&text).unwrap();
    assert_eq!((again.catalogue.current.len(), again.catalogue.problems.len()), (1, 0));
    assert_eq!(parse(&top("{\"no\": \"name\"}")).unwrap_err().code(), "damaged-entry");
    // The same in the layout of 1.x.
    let read = parse(&format!("[{items}]")).unwrap();
    assert_eq!((read.catalogue.current.len(), read.catalogue.problems.len()), (1, 4));
}

#[test]
fn texts_that_are_hardly_text() {
    for name in [r"\ud800", r"\udc00\ud800", r"\u0000", r"a\/..\/b", r"\r\n", r"\u202e", "../../etc/passwd", "", " "] {
        for text in [
            top(&format!(r#"{{"name": "{name}", "filename": "{name}", "version_id": "{name}"}}"#)),
            format!(r#"{{"schema_version": 2, "items": [], "metadata": {{"{name}": "{name}"}}}}"#),
            format!(r#"{{"schema_version": 2, "items": [], "{name}": 1}}"#),
            format!(
                r#"{{"schema_version": 2, "items": [], "snapshots": {{"{name}": {{"item_versions": {{"{name}": "{name}"}}}}}}}}"#
            ),
        ] {
            let _ = look_at_all(&text);
            // None of it ever becomes a path that leads out.
            if let Ok(read) = parse(&text) {
                for file in read.catalogue.entries().flat_map(|entry| entry.files()) {
                    assert!(file.segments().all(|segment| segment != ".."), "{file}");
                }
            }
        }
    }
    for text in ["", " ", "\u{feff}", "null", "7", "\"x\"", "[", "{", "[1]", "[null]", "{}", "\u{feff}[]x", "nul", "\0"]
    {
        assert_eq!(look_at_all(text).unwrap_err().category().as_str(), "corrupt", "{text:?}");
    }
    look_at_all("\u{feff}[]").unwrap();
}

#[test]
fn other_files_of_1x_may_be_damaged_too() {
    for other in ["", "[", "[]", "7", "{\"snapshots\": 7}", "{\"snapshots\": {\"s\": 7}}", "{\"snapshots\": []}"] {
        for metadata in [true, false] {
            let files = CatalogueFiles {
                items: Arc::new("[]".to_owned()),
                metadata: metadata.then(|| other.to_owned()),
                snapshots: (!metadata).then(|| other.to_owned()),
            };
            if let Err(error) = parse_catalogue(&files, SealCheck::Required) {
                let file = if metadata { "metadata.json" } else { "snapshots.json" };
                assert!(error.to_string().contains(file), "{other:?}: {error}");
            }
        }
    }
}

/// A hundred thousand entries, each held by a snapshot, in bounded time.
#[test]
fn a_large_catalogue_is_read_quickly() {
    const COUNT: usize = 100_000;
    let items: Vec<Value> = (0..COUNT).map(|n| entry(&format!("item{n}"), 1, n % 2 == 0, &[])).collect();
    let versions: serde_json::Map<String, Value> =
        (0..COUNT).map(|n| (format!("item{n}"), format!("item{n}--r1").into())).collect();
    let text =
        json!({"schema_version": 2, "revision": 1, "items": items, "snapshots": {"s": {"item_versions": versions}}});
    let text = text.to_string();
    let start = Instant::now();
    let read = parse(&text).unwrap();
    assert_eq!((read.catalogue.current.len(), read.catalogue.retired.len()), (COUNT / 2, COUNT / 2));
    assert!(read.catalogue.orphans().is_empty());
    assert_eq!(read.catalogue.snapshot_entries("s").unwrap().len(), COUNT);
    // Far above what it takes, far below what anything quadratic would.
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn a_hundred_thousand_versions_of_one_item_are_read_quickly() {
    let items: Vec<Value> = (0..100_000).map(|n| entry("x", n, true, &[])).collect();
    let text = json!({"schema_version": 2, "revision": 1, "items": items}).to_string();
    let start = Instant::now();
    let read = parse(&text).unwrap();
    assert_eq!(read.catalogue.orphans().len(), 99_999);
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn a_record_reads_wrong_types_as_absent() {
    let record = ItemRecord::new(json!({"inputs": [1, "a", null], "description": 7}).as_object().unwrap().clone());
    assert_eq!((record.inputs(), record.description()), (vec!["a"], None));
}
