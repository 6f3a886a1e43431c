//! Entries that say what cannot be: told with item, field and reason, and never shown as if it were so.

use std::fs;

use serde_json::{Value, json};

use super::hostile::{edit, item};
use super::{Home, has};

#[test]
fn no_invalid_name_goes_unmentioned_and_many_are_counted() {
    let home = Home::with_bundle();
    edit(&home, |catalogue| {
        item(catalogue, "raw")["name"] = json!("/etc/x");
        item(catalogue, "notes")["name"] = json!("");
        item(catalogue, "params")["name"] = json!("a b");
    });
    for arguments in [&["ls"][..], &["meta"], &["verify", "--quick"]] {
        has(
            &home.run(arguments).err,
            &[
                "item '/etc/x' has no valid name: it looks like an absolute path",
                "item '' has no valid name: it is empty",
                "item 'a b' has no valid name: ' ' is not allowed",
                "`datafolio rename`",
            ],
        );
    }
    has(&home.ok(&["verify", "--quick"]), &["Warnings: 3", "warn    item '/etc/x'"]);
    home.ok(&["rename", "", "fine"]);
    assert!(!home.run(&["ls"]).err.contains("item ''"));
    edit(&home, |catalogue| {
        let items = catalogue["items"].as_array_mut().unwrap();
        for n in 0..20 {
            items.push(json!({"name": format!("no {n}"), "item_type": "json_data", "filename": "x.json"}));
        }
    });
    let err = home.run(&["ls"]).err;
    assert_eq!(err.matches("has no valid name").count(), 8, "{err}");
    has(&err, &["14 more items have no valid name: `datafolio verify` lists them"]);
}

/// Python DataFolio takes any inputs, so that a bundle of its may have a cycle that nobody meant.
#[test]
fn verify_warns_of_a_cycle_and_names_its_items() {
    let home = Home::with_bundle();
    edit(&home, |catalogue| item(catalogue, "raw")["inputs"] = json!(["params"]));
    has(&home.ok(&["verify"]), &["Warnings: 1", "warn    item 'params': made from itself", "params <- raw <- params"]);
    let report = home.json(&["verify"]);
    let finding = &report["findings"][0];
    assert_eq!(
        (&report["clean"], &finding["severity"], &finding["item"]),
        (&json!(true), &json!("warning"), &json!("params"))
    );
    // Also where only warnings and worse are printed.
    has(&home.ok(&["verify", "-q"]), &["params <- raw <- params"]);
    has(&home.ok(&["lineage", "raw", "--up"]), &["  params\n    raw (a cycle)\n"]);
}

#[test]
fn inputs_that_are_no_names_are_damage() {
    for inputs in [json!("raw"), json!(["raw", 7]), json!({"raw": 1}), json!(7)] {
        let home = Home::with_bundle();
        edit(&home, |catalogue| item(catalogue, "params")["inputs"] = inputs.clone());
        let told = "item 'params': inputs is";
        let ran = home.run(&["verify"]);
        assert_eq!(ran.code, 1, "{inputs}");
        has(&ran.out, &[told, "which is no list of names"]);
        for arguments in [&["info", "params"][..], &["ls"], &["lineage"]] {
            has(&home.run(arguments).err, &[told]);
        }
    }
}

#[test]
fn numbers_that_cannot_be_are_never_shown_as_if_they_were() {
    let home = Home::with_bundle();
    edit(&home, |catalogue| {
        item(catalogue, "raw")["num_rows"] = json!(-1);
        item(catalogue, "params")["size_bytes"] = json!(-5);
        item(catalogue, "notes")["file_size"] = json!(-7);
        item(catalogue, "notes")["size_bytes"] = Value::Null;
    });
    let (rows, size) = ("item 'raw': num_rows is -1, which is no number of rows", "item 'notes': file_size is -7");
    for arguments in [&["ls"][..], &["describe"], &["copy", "../copy"]] {
        let ran = home.run(arguments);
        assert_eq!(ran.code, 0, "{}", ran.err);
        has(&ran.err, &[rows, "item 'params': size_bytes is -5", size]);
        assert!(!ran.out.contains("-1") && !ran.out.contains("-5") && !ran.out.contains("TB"), "{}", ran.out);
    }
    for arguments in [&["get", "raw"][..], &["info", "raw"]] {
        let ran = home.run(arguments);
        assert_eq!(ran.err.trim_end(), format!("⚠ {rows}"));
        assert!(!ran.out.contains("rows: -1"), "{}", ran.out);
    }
    assert_eq!(home.json(&["info", "notes"])["size_bytes"], 23);
    // Numbers of which the one cannot be, and the other could.
    for (size, told) in
        [(u64::MAX, "which is no number of bytes"), (1_000_000_000_000_000, "and its file has 23 bytes")]
    {
        edit(&home, |catalogue| item(catalogue, "notes")["size_bytes"] = json!(size));
        for arguments in [&["ls"][..], &["info", "notes"]] {
            let ran = home.run(arguments);
            has(&ran.err, &[&format!("item 'notes': size_bytes is {size}, {told}")]);
            has(&ran.out, &["23 B"]);
        }
    }
}

#[test]
fn a_field_that_no_reader_can_read_is_named_on_opening_and_kept() {
    let home = Home::with_bundle();
    edit(&home, |catalogue| catalogue["novel"] = json!("@@"));
    let text = fs::read_to_string(home.path("items.json")).unwrap();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    home.write("items.json", text.replace("\"@@\"", &deep));
    let told = "items.json: the field 'novel' is not known here and cannot be read (recursion limit";
    has(&home.run(&["ls"]).err, &[told]);
    let ran = home.run(&["verify"]);
    assert_eq!(ran.code, 1);
    has(&ran.out, &[&format!("damage  {told}")]);
    home.ok(&["meta", "k", "1"]);
    assert!(fs::read_to_string(home.path("items.json")).unwrap().contains(&deep));
    has(&home.run(&["ls"]).err, &[told]);
}

#[test]
fn a_value_of_the_metadata_that_cannot_be_read_is_not_called_absent() {
    let home = Home::with_bundle();
    edit(&home, |catalogue| catalogue["metadata"]["deep"] = json!("@@"));
    let text = fs::read_to_string(home.path("items.json")).unwrap();
    home.write("items.json", text.replace("\"@@\"", &format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))));
    has(
        &home.fails(&["meta", "deep"], 1),
        &["'deep' cannot be read: recursion limit", "`datafolio meta --unset deep`"],
    );
    home.ok(&["meta", "--unset", "deep"]);
    has(&home.fails(&["meta", "deep"], 1), &["has no key 'deep'"]);
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_files_is_refused_with_the_item() {
    let home = Home::with_bundle();
    let payload = std::path::PathBuf::from(home.ok(&["path", "notes"]).trim_end());
    home.write("notes.txt", "other\n");
    home.ok(&["add", "notes.txt", "--overwrite"]);
    fs::remove_file(&payload).unwrap();
    std::os::unix::fs::symlink(home.root().join("elsewhere"), &payload).unwrap();
    has(&home.fails(&["undo"], 1), &["item 'notes': artifacts/", "it is a symbolic link"]);

    fs::rename(home.path("tables"), home.root().join("moved")).unwrap();
    std::os::unix::fs::symlink(home.root().join("moved"), home.path("tables")).unwrap();
    for arguments in [&["get", "raw"][..], &["snapshot", "create", "s", "--no-git"], &["copy", "../copy"]] {
        has(&home.fails(arguments, 1), &["item 'raw': tables/", "it is a symbolic link"]);
    }
    has(&home.fails(&["import", "raw.csv", "-n", "more"], 1), &["item 'more': tables/", "it is a symbolic link"]);
    has(&home.run(&["verify"]).out, &["item 'raw': tables/"]);
}

#[test]
fn a_version_that_no_release_gives_is_damage_and_not_the_future() {
    for version in ["-1", "\"-3\"", "-12345678901234567890123"] {
        let home = Home::with_bundle();
        edit(&home, |catalogue| catalogue["schema_version"] = json!("@@"));
        let text = fs::read_to_string(home.path("items.json")).unwrap();
        home.write("items.json", text.replace("\"@@\"", version));
        let err = home.fails(&["ls"], 1);
        has(&err, &["which is none that any release writes", "it is damaged", "`datafolio repair`"]);
        assert!(!err.contains("newer"), "{err}");
        home.ok(&["repair"]);
        assert_eq!(home.ok(&["cat", "notes"]), "first line\nsecond line\n");
    }
}

#[test]
fn an_entry_without_a_name_is_told_by_its_place() {
    let home = Home::with_bundle();
    edit(&home, |catalogue| item(catalogue, "notes")["name"] = json!(7));
    has(&home.fails(&["ls"], 1), &["element 3 of items", "expected a string", "`datafolio repair`"]);
    has(&home.ok(&["repair"]), &["element 3 of items", "went back to revision 4"]);
    home.ok(&["get", "notes"]);
}

/// 1.x gives every entry a type, so that this is not what it makes of a bundle.
#[test]
fn a_bare_list_without_types_beside_a_history_is_damage() {
    let home = Home::with_bundle();
    let catalogue: Value = serde_json::from_slice(&fs::read(home.path("items.json")).unwrap()).unwrap();
    let mut list = catalogue["items"].clone();
    for entry in list.as_array_mut().unwrap() {
        entry.as_object_mut().unwrap().shift_remove("item_type");
    }
    home.write("items.json", list.to_string());
    has(&home.fails(&["ls"], 1), &["items.json is damaged", "item 'raw' has no item_type", "`datafolio repair`"]);
    has(&home.ok(&["repair"]), &["went back to revision 4"]);
    assert_eq!(home.ok(&["cat", "raw", "-n", "1"]), "id,name\n1,one\n");
}

#[test]
fn a_lost_version_of_a_snapshot_is_found_with_its_item() {
    let home = Home::with_bundle();
    home.ok(&["snapshot", "create", "s", "--no-git"]);
    edit(&home, |catalogue| catalogue["snapshots"]["s"]["item_versions"]["raw"] = json!("raw--r99"));
    let finding = &home.json_of(&["verify"])["findings"][0];
    let of = |key: &str| finding[key].clone();
    assert_eq!(
        (of("code"), of("item"), of("version"), of("snapshots")),
        (json!("lost-version"), json!("raw"), json!("raw--r99"), json!(["s"]))
    );
}

#[test]
fn a_snapshot_that_cannot_be_read_is_named_and_can_be_deleted() {
    let home = Home::with_bundle();
    home.ok(&["snapshot", "create", "s", "--no-git"]);
    home.ok(&["snapshot", "create", "t", "--no-git"]);
    edit(&home, |catalogue| catalogue["snapshots"]["s"]["item_versions"] = json!(7));
    let err = home.fails(&["at", "s", "ls"], 1);
    has(&err, &["snapshot \"s\": its entry in items.json is damaged", "`datafolio snapshot delete`"]);
    let finding = &home.json_of(&["verify"])["findings"][0];
    assert_eq!((&finding["code"], &finding["snapshots"]), (&json!("damaged-snapshot"), &json!(["s"])));
    home.ok(&["at", "t", "ls"]);
    home.ok(&["snapshot", "delete", "s", "-y"]);
    home.ok(&["verify"]);
}

#[test]
fn the_lineage_of_a_long_cycle_grows_no_faster_than_the_cycle() {
    let home = Home::with_bundle();
    let count = 3000;
    edit(&home, |catalogue| {
        let items = catalogue["items"].as_array_mut().unwrap();
        items.extend((0..count).map(|n| {
            json!({"name": format!("c{n}"), "item_type": "json_data", "filename": "x", "inputs": [format!("c{}", (n + 1) % count)]})
        }));
    });
    let out = home.ok(&["lineage", "c5", "--up"]);
    assert_eq!(out.lines().count(), 1 + count);
    assert!(out.len() < 100 * count, "{} bytes", out.len());
    has(&out, &["[25] c30\n", "[3000] c5 (a cycle)\n"]);
}

#[test]
fn how_many_is_a_number_that_is_not_negative() {
    let home = Home::with_bundle();
    for arguments in [
        &["head", "raw", "-n", "-1"][..],
        &["cat", "raw", "-n", "-1"],
        &["sample", "raw", "-n", "x"],
        &["log", "-n", "-1"],
    ] {
        let err = home.fails(arguments, 2);
        has(&err, &["give a whole number that is not negative, such as 10"]);
        assert!(!err.contains("-- -"), "{err}");
    }
    let err = home.fails(&["get", "raw", "-n", "3"], 2);
    has(&err, &["`datafolio head ITEM -n 5`"]);
    assert!(!err.contains("-- -n"), "{err}");
}

/// A hash that cannot be one would otherwise count as none, and the bytes as unchecked.
#[test]
fn hashes_that_are_no_texts_are_damage() {
    let home = Home::with_bundle();
    edit(&home, |catalogue| {
        item(catalogue, "notes")["sha256"] = json!(7);
        item(catalogue, "notes")["checksum"] = json!(["x"]);
    });
    let told = ["item 'notes': sha256 is 7, which is no text", "item 'notes': checksum is [\"x\"], which is no text"];
    has(&home.run(&["get", "notes"]).err, &told);
    let ran = home.run(&["verify"]);
    assert_eq!(ran.code, 1);
    has(&ran.out, &told);
}
