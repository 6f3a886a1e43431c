//! Adding, changing, removing, copying.

use datafolio::{AddOptions, CopyOptions, Data, DataFolio, Error, NpyArray, OpenOptions, Verification, VerifyOptions};
use serde_json::json;

use crate::support::{new_bundle, reopen, rows, table};

#[test]
fn every_kind_of_value_comes_back_as_it_went_in() {
    let (dir, folio) = new_bundle();
    let file = dir.path().join("notes.md");
    std::fs::write(&file, "hello").unwrap();
    let instant = "2024-01-15T10:30:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    folio.add("t", table(5), AddOptions::new().description("five rows")).unwrap();
    folio.add("j", json!({"a": [1, 2.5, null, "é"]}), AddOptions::new().inputs(["t"])).unwrap();
    folio
        .add("a", NpyArray::from_slice(&[2, 3], &[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap(), AddOptions::new())
        .unwrap();
    folio.add("when", instant, AddOptions::new()).unwrap();
    folio.add("f", file.as_path(), AddOptions::new().category("docs")).unwrap();

    let other = reopen(&folio);
    assert_eq!(rows(&other, "t"), 5);
    assert_eq!(other.get_json("j").unwrap(), json!({"a": [1, 2.5, null, "é"]}));
    assert_eq!(other.get_array("a").unwrap().to_vec::<f64>().unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(other.get_timestamp("when").unwrap(), instant);
    let bytes = std::fs::read(other.item_path("f").unwrap()).unwrap();
    assert_eq!(bytes, b"hello");
    assert!(other.item_path("f").unwrap().extension().is_some_and(|extension| extension == "md"));
    let info = other.item_info("j").unwrap();
    let of_input = other.item_info("t").unwrap().version;
    assert_eq!(info.record["input_versions"], json!({"t": of_input}));
    assert!(other.verify(&VerifyOptions::default()).unwrap().is_clean());
    assert!(other.validate().unwrap().values().all(|whole| *whole));
    assert!(matches!(other.get_json("t"), Err(Error::WrongType { .. })));
}

#[test]
fn a_taken_name_needs_overwrite_and_keeps_its_description() {
    let (_dir, folio) = new_bundle();
    folio.add("x", json!(1), AddOptions::new().description("first")).unwrap();
    assert_eq!(folio.add("x", json!(2), AddOptions::new()).unwrap_err().code(), "item-exists");
    folio.add("x", json!(2), AddOptions::new().overwrite()).unwrap();
    assert_eq!(folio.item_info("x").unwrap().description(), Some("first"));
    folio.add("x", json!(3), AddOptions::new().overwrite().description("")).unwrap();
    assert_eq!(folio.item_info("x").unwrap().description(), None);
    assert_eq!(folio.get_json("x").unwrap(), json!(3));
}

#[test]
fn what_fails_leaves_nothing_behind() {
    let (_dir, folio) = new_bundle();
    let before = files(&folio);
    assert!(folio.add("a b", json!(1), AddOptions::new()).is_err());
    assert!(folio.add("../x", json!(1), AddOptions::new()).is_err());
    let mut batch = folio.batch().unwrap();
    batch.add("one", json!(1), AddOptions::new()).unwrap();
    batch.add("two", table(3), AddOptions::new()).unwrap();
    assert!(batch.add("one", json!(1), AddOptions::new()).is_err());
    drop(batch);
    assert_eq!(files(&folio), before);
    assert_eq!(folio.revision(), 1);
}

fn files(folio: &DataFolio) -> Vec<String> {
    let storage = datafolio::storage::LocalStorage::open(folio.location().as_ref()).unwrap();
    let listed = datafolio::Storage::list(&storage, None).unwrap();
    listed.into_iter().map(|info| info.path.to_string()).collect()
}

#[test]
fn a_batch_is_one_revision() {
    let (_dir, folio) = new_bundle();
    let mut batch = folio.batch().unwrap();
    batch.add("a", json!(1), AddOptions::new()).unwrap();
    batch.add("b", json!(2), AddOptions::new().inputs(["a"])).unwrap();
    batch.set_metadata("state", &json!("raw")).unwrap();
    batch.rename("b", "c").unwrap();
    assert_eq!(batch.commit().unwrap(), 2);
    assert_eq!(folio.list(false).json_data, ["a", "c"]);
    let version_of_a = folio.item_info("a").unwrap().version;
    assert_eq!(folio.item_info("c").unwrap().record["input_versions"], json!({"a": version_of_a}));
    assert_eq!(folio.metadata()["state"], "raw");
}

#[test]
fn deleting_names_dependents_and_checks_all_names_first() {
    let (_dir, folio) = new_bundle();
    folio.add("a", json!(1), AddOptions::new()).unwrap();
    folio.add("b", json!(2), AddOptions::new().inputs(["a"])).unwrap();
    let error = folio.delete(&["a", "nope"]).unwrap_err();
    assert!(error.to_string().contains("nope"));
    assert!(folio.contains("a"));
    let deleted = folio.delete(&["a"]).unwrap();
    assert_eq!(deleted.dependents["a"], ["b"]);
    assert!(!folio.contains("a"));
}

#[test]
fn an_item_that_is_named_twice_is_deleted_once() {
    let (_dir, folio) = new_bundle();
    folio.add("a", json!(1), AddOptions::new()).unwrap();
    folio.add("b", json!(2), AddOptions::new().inputs(["a"])).unwrap();
    let deleted = folio.delete(&["a", "a"]).unwrap();
    assert_eq!((&deleted.names[..], &deleted.dependents["a"][..]), (&["a".to_owned()][..], &["b".to_owned()][..]));
    assert_eq!(folio.list(false).json_data, ["b"]);
}

#[test]
fn a_deletion_that_fails_leaves_nothing_of_it_in_its_batch() {
    let (_dir, folio) = new_bundle();
    for name in ["a", "b"] {
        folio.add(name, json!(1), AddOptions::new()).unwrap();
    }
    let mut batch = folio.batch().unwrap();
    batch.set_metadata("kept", &json!(true)).unwrap();
    batch.delete(&["a", "nope"]).unwrap_err();
    batch.commit().unwrap();
    assert_eq!(folio.list(false).json_data, ["a", "b"]);
    assert_eq!(folio.metadata()["kept"], true);
    assert_eq!(folio.log(1).unwrap()[0].operation, "set metadata kept");
}

#[test]
fn renaming_carries_dependents_along_and_leaves_snapshots_alone() {
    let (_dir, folio) = new_bundle();
    folio.add("a", json!(1), AddOptions::new()).unwrap();
    folio.add("b", json!(2), AddOptions::new().inputs(["a"])).unwrap();
    folio.create_snapshot("v1", Default::default()).unwrap();
    folio.rename("a", "z").unwrap();
    assert_eq!(folio.list(false).json_data, ["z", "b"]);
    assert_eq!(folio.lineage().inputs("b").unwrap(), ["z"]);
    assert_eq!(folio.get_json("z").unwrap(), json!(1));
    let past = folio.load_snapshot("v1").unwrap();
    assert_eq!(past.lineage().inputs("b").unwrap(), ["a"]);
    assert_eq!(past.get_json("a").unwrap(), json!(1));
}

#[test]
fn archived_items_stay_readable_and_leave_the_lists() {
    let (_dir, folio) = new_bundle();
    for name in ["tmp1", "tmp2", "keep"] {
        folio.add(name, json!(name), AddOptions::new()).unwrap();
    }
    assert_eq!(folio.archive(&["tmp*"]).unwrap(), ["tmp1", "tmp2"]);
    assert_eq!(folio.list(false).json_data, ["keep"]);
    assert_eq!(folio.list(true).json_data.len(), 3);
    assert_eq!(folio.get_json("tmp1").unwrap(), "tmp1");
    assert_eq!(folio.archive(&["nope"]).unwrap_err().code(), "item-not-found");
    assert!(folio.archive(&["nope*"]).unwrap().is_empty());
    folio.unarchive(&["tmp1"]).unwrap();
    assert_eq!(folio.list(false).json_data, ["tmp1", "keep"]);
}

#[test]
fn a_copy_follows_lineage_and_is_whole() {
    let (dir, folio) = new_bundle();
    folio.add("raw", table(300_000), AddOptions::new()).unwrap();
    folio.add("clean", json!(1), AddOptions::new().inputs(["raw", "gone"])).unwrap();
    folio.add("other", json!(2), AddOptions::new()).unwrap();
    let options = CopyOptions { include: Some(vec!["clean".to_owned()]), follow_lineage: true, ..Default::default() };
    let copy = folio.copy(dir.path().join("copy"), &options).unwrap();
    assert_eq!(copy.list(false).included_tables, ["raw"]);
    assert_eq!(copy.list(false).json_data, ["clean"]);
    assert_eq!(rows(&copy, "raw"), 300_000);
    assert!(copy.verify(&VerifyOptions::default()).unwrap().is_clean());
    let both = CopyOptions { include: Some(vec![]), exclude: Some(vec![]), ..Default::default() };
    assert!(folio.copy(dir.path().join("copy2"), &both).unwrap_err().to_string().contains("Cannot specify both"));
}

#[test]
fn a_read_only_handle_refuses_every_change() {
    let (_dir, folio) = new_bundle();
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    let reader = OpenOptions::new().read_only(true).open(folio.location()).unwrap();
    for error in [
        reader.add("y", json!(1), AddOptions::new()).unwrap_err(),
        reader.delete(&["x"]).unwrap_err(),
        reader.rename("x", "y").unwrap_err(),
        reader.set_metadata("k", 1).unwrap_err(),
        reader.create_snapshot("s", Default::default()).unwrap_err(),
        reader.undo(None).unwrap_err(),
    ] {
        assert_eq!(error.code(), "read-only");
    }
    assert!(matches!(reader.get("x").unwrap(), Data::Json(_)));
}

#[test]
fn two_handles_conflict_only_about_the_same_thing() {
    let (_dir, one) = new_bundle();
    one.add("x", json!(0), AddOptions::new()).unwrap();
    let two = reopen(&one);
    one.add("x", json!(1), AddOptions::new().overwrite()).unwrap();
    two.add("y", json!(1), AddOptions::new()).unwrap();
    // The commit of `two` has shown it what `one` did; from here on both see the same.
    two.add("x", json!(2), AddOptions::new().overwrite()).unwrap();
    let error = one.add("x", json!(3), AddOptions::new().overwrite()).unwrap_err();
    assert_eq!(error.code(), "conflict");
    assert!(error.to_string().contains("x--r3-") && error.to_string().contains("x--r5-"), "{error}");
    one.refresh().unwrap();
    one.add("x", json!(3), AddOptions::new().overwrite()).unwrap();
    assert_eq!(reopen(&one).get_json("x").unwrap(), 3);
}

#[test]
fn bundles_are_not_made_over_other_things() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "x").unwrap();
    assert_eq!(DataFolio::create(dir.path()).unwrap_err().code(), "not-empty");
    assert_eq!(DataFolio::open(dir.path()).unwrap_err().code(), "not-a-bundle");
    assert_eq!(DataFolio::open(dir.path().join("nowhere")).unwrap_err().code(), "not-a-bundle");
    let folio = OpenOptions::new().allow_existing(true).create(dir.path()).unwrap();
    assert_eq!(DataFolio::create(dir.path()).unwrap_err().code(), "bundle-exists");
    assert_eq!(DataFolio::open_or_create(folio.location()).unwrap().revision(), 1);
}

#[test]
fn a_change_that_changes_nothing_makes_no_revision() {
    let (_dir, folio) = new_bundle();
    folio.add("x", json!(1), AddOptions::new().description("d")).unwrap();
    folio.set_metadata("k", "v").unwrap();
    let revision = folio.revision();
    folio.set_metadata("k", "v").unwrap();
    folio.update_item("x", Some("d"), None).unwrap();
    folio.unarchive(&["x"]).unwrap();
    assert_eq!(reopen(&folio).revision(), revision);
    // Unless someone else has changed it meanwhile: that would be lost without a word.
    reopen(&folio).set_metadata("k", "w").unwrap();
    assert_eq!(folio.set_metadata("k", "v").unwrap_err().code(), "conflict");
}

#[test]
fn what_a_batch_adds_and_removes_again_leaves_no_file() {
    let (_dir, folio) = new_bundle();
    let before = files(&folio).into_iter().filter(|path| path.starts_with("artifacts/")).count();
    let mut batch = folio.batch().unwrap();
    batch.add("gone", json!(1), AddOptions::new()).unwrap();
    batch.add("kept", json!(1), AddOptions::new()).unwrap();
    batch.add("kept", json!(2), AddOptions::new().overwrite()).unwrap();
    batch.delete(&["gone"]).unwrap();
    batch.commit().unwrap();
    let after: Vec<String> = files(&folio).into_iter().filter(|path| path.starts_with("artifacts/")).collect();
    assert_eq!(after.len(), before + 1, "{after:?}");
    assert_eq!(folio.get_json("kept").unwrap(), 2);
}

#[test]
fn checking_can_be_turned_off_for_one_call() {
    let (_dir, folio) = new_bundle();
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    std::fs::write(folio.item_path("x").unwrap(), "0").unwrap();
    assert_eq!(folio.get("x").unwrap_err().code(), "damaged-payload");
    assert_eq!(folio.get_with("x", Verification::Full).unwrap_err().code(), "damaged-payload");
    let Data::Json(value) = folio.get_with("x", Verification::Off).unwrap() else { panic!() };
    assert_eq!(value, 0);
    assert_eq!(folio.get("x").unwrap_err().code(), "damaged-payload");
}

#[test]
fn checking_a_version_can_be_turned_off_for_one_call() {
    let (_dir, folio) = new_bundle();
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    let version = folio.item_info("x").unwrap().version;
    let path = folio.item_path("x").unwrap();
    folio.add("x", json!(2), AddOptions::new().overwrite()).unwrap();
    std::fs::write(path, "0").unwrap();
    assert_eq!(folio.get_version("x", &version).unwrap_err().code(), "damaged-payload");
    let full = folio.get_version_with("x", &version, Verification::Full);
    assert_eq!(full.unwrap_err().code(), "damaged-payload");
    let Data::Json(value) = folio.get_version_with("x", &version, Verification::Off).unwrap() else { panic!() };
    assert_eq!(value, 0);
    assert_eq!(folio.get_version("x", &version).unwrap_err().code(), "damaged-payload");
    let none = folio.get_version_with("x", "x--r9-000000", Verification::Off);
    assert_eq!(none.unwrap_err().code(), folio.get_version("x", "x--r9-000000").unwrap_err().code());
}

#[test]
fn checking_the_part_of_an_array_can_be_chosen_for_one_call() {
    let (_dir, folio) = new_bundle();
    let values: Vec<f64> = (0..400_000).map(f64::from).collect();
    folio.add("a", NpyArray::from_slice(&[400_000], &values).unwrap(), AddOptions::new()).unwrap();
    let path = folio.item_path("a").unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let read = |verification: Option<Verification>, places: std::ops::Range<u64>| {
        let array = match verification {
            None => folio.open_array("a")?,
            Some(verification) => folio.open_array_with("a", verification)?,
        };
        Ok::<_, Error>(array.elements::<f64>(places)?)
    };
    // The block with the damage is not touched.
    assert_eq!(read(None, 0..2).unwrap(), [0.0, 1.0]);
    assert_eq!(read(Some(Verification::Full), 0..2).unwrap_err().code(), "damaged-payload");
    assert_eq!(read(None, 399_999..400_000).unwrap_err().code(), "damaged-payload");
    assert_ne!(read(Some(Verification::Off), 399_999..400_000).unwrap(), [399_999.0]);
}

#[test]
fn fields_that_are_datafolios_own_cannot_be_given() {
    let (_dir, folio) = new_bundle();
    for field in ["name", "filename", "sha256", "version_id"] {
        let fields = serde_json::Map::from_iter([(field.to_owned(), json!("../../x"))]);
        let error = folio.add("x", json!(1), AddOptions::new().extra(fields)).unwrap_err();
        assert!(error.to_string().contains(field), "{error}");
    }
    let fields = serde_json::Map::from_iter([("unit".to_owned(), json!("m/s"))]);
    folio.add("x", json!(1), AddOptions::new().extra(fields)).unwrap();
    assert_eq!(reopen(&folio).item_info("x").unwrap().record["unit"], "m/s");
}

/// A renaming stops half-way at a dependent whose entry cannot be read; the batch goes on without any of it.
#[test]
fn a_change_that_fails_half_way_leaves_no_trace_in_its_batch() {
    let (_dir, folio) = new_bundle();
    folio.add("a", json!(1), AddOptions::new()).unwrap();
    folio.add("b", json!(2), AddOptions::new().inputs(["a"])).unwrap();
    let path = std::path::Path::new(&folio.location()).join("items.json");
    let mut catalogue: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    catalogue.as_object_mut().unwrap().shift_remove("commit");
    catalogue["revision"] = json!(4);
    let deep = format!("\"deep\": {}{}, \"inputs\"", "[".repeat(300), "]".repeat(300));
    std::fs::write(&path, catalogue.to_string().replace("\"inputs\"", &deep)).unwrap();

    let folio = reopen(&folio);
    let mut batch = folio.batch().unwrap();
    batch.add("before", json!(3), AddOptions::new()).unwrap();
    assert_eq!(batch.rename("a", "z").unwrap_err().code(), "damaged-entry");
    batch.add("after", json!(4), AddOptions::new()).unwrap();
    batch.commit().unwrap();
    let folio = reopen(&folio);
    assert!(folio.contains("a") && !folio.contains("z"));
    assert!(folio.contains("before") && folio.contains("after"));
}

/// A snapshot holds the metadata two levels deeper than the bundle does, and must stay readable.
#[test]
fn metadata_that_a_snapshot_could_not_hold_is_refused() {
    let (_dir, folio) = new_bundle();
    let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    let error = folio.set_metadata("k", nested(121)).unwrap_err();
    assert!(error.to_string().contains("\"k\"") && error.to_string().contains("120 levels"), "{error}");
    folio.set_metadata("k", nested(120)).unwrap();
    folio.create_snapshot("s", datafolio::SnapshotOptions::default()).unwrap();
    assert_eq!(folio.list_snapshots().unwrap().len(), 1);
    assert_eq!(folio.load_snapshot("s").unwrap().metadata()["k"], nested(120));
}
