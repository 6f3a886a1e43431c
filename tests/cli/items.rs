//! Listing, showing, exporting and changing items.

use serde_json::json;

use super::{Home, has, hostile};

#[test]
fn ls_lists_and_filters() {
    let home = Home::with_bundle();
    let out = home.ok(&["ls"]);
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("NAME"), "{out}");
    assert_eq!(lines[1].split_whitespace().take(5).collect::<Vec<_>>(), ["raw", "table", "3", "x", "2"]);
    assert!(lines[1].ends_with("Raw rows"));
    assert_eq!(lines.len(), 4);
    let names = |arguments: &[&str]| -> Vec<String> {
        let list = home.json(arguments);
        list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&["ls", "--type", "json"]), ["params"]);
    assert_eq!(names(&["ls", "--type", "table", "--type", "artifact"]), ["raw", "notes"]);
    assert_eq!(names(&["ls", "r*"]), ["raw"]);
    assert_eq!(names(&["ls", "a"]), ["raw", "params"]);
    home.ok(&["set", "n*", "--archive"]);
    assert_eq!(names(&["ls"]), ["raw", "params"]);
    assert_eq!(names(&["ls", "--archived"]), ["raw", "params", "notes"]);
    has(&home.ok(&["ls", "--archived"]), &["notes [archived]"]);
    home.ok(&["set", "notes", "--unarchive"]);
    assert_eq!(names(&["ls"]).len(), 3);
    has(&home.ok(&["ls", "-l"]), &["VERSION", "raw--r2-", "INPUTS"]);
}

#[test]
fn info_tells_all() {
    let home = Home::with_bundle();
    home.ok(&["snapshot", "create", "v1"]);
    let version = home.json(&["ls", "raw"])[0]["version"].as_str().unwrap().to_owned();
    has(
        &home.ok(&["info", "raw"]),
        &["Raw rows", "3 x 2", &version, "Dependents:  params", "Snapshots:   v1", "id", "int64"],
    );
    let info = home.json(&["info", "params"]);
    assert_eq!((&info["inputs"], &info["snapshots"]), (&json!(["raw"]), &json!(["v1"])));
    assert_eq!(info["record"]["input_versions"], json!({"raw": version}));
    let path = info["path"].as_str().unwrap();
    assert_eq!(home.ok(&["path", "params"]).trim_end(), path);
    assert_eq!(info["size_bytes"], std::fs::metadata(path).unwrap().len());
}

#[test]
fn get_shows_values_for_people() {
    let home = Home::with_bundle();
    home.write("long.csv", format!("n\n{}", "7\n".repeat(12)));
    home.ok(&["import", "long.csv"]);
    let ran = home.run(&["get", "long"]);
    assert_eq!((ran.out, ran.err.as_str()), (format!("n\n{}", "7\n".repeat(10)), "(2 more rows)\n"));
    home.write("eleven.csv", format!("n\n{}", "7\n".repeat(11)));
    home.ok(&["import", "eleven.csv"]);
    assert_eq!(home.run(&["get", "eleven"]).err, "(1 more row)\n");
    assert_eq!(home.json(&["get", "params"]), json!({"rate": 0.1, "steps": [1, 2, 3]}));
    assert_eq!(home.ok(&["get", "notes"]), "first line\nsecond line\n");
    let table = home.json(&["get", "raw"]);
    assert_eq!(table["columns"][0], json!({"name": "id", "type": "int64"}));
    assert_eq!(table["rows"][2], json!({"id": 3, "name": null}));
    home.write("binary.bin", [0u8, 1, 2, 255]);
    home.ok(&["add", "binary.bin"]);
    has(&home.ok(&["get", "binary"]), &["4 B of bytes that are no text"]);
    home.write("evil.txt", "a\u{1b}[2Jb\n");
    home.ok(&["add", "evil.txt"]);
    assert_eq!(home.ok(&["get", "evil"]), "a\\u{1b}[2Jb\n");
}

#[test]
fn cat_writes_whole_values_for_programs() {
    let home = Home::with_bundle();
    assert_eq!(home.ok(&["cat", "raw"]), "id,name\n1,one\n2,two\n3,\n");
    assert_eq!(home.ok(&["cat", "raw", "--format", "tsv", "-n", "1"]), "id\tname\n1\tone\n");
    assert_eq!(home.ok(&["cat", "raw", "--columns", "name,id", "-n", "1"]), "name,id\none,1\n");
    assert_eq!(home.ok(&["cat", "raw", "-n", "0"]), "id,name\n");
    let lines = home.ok(&["cat", "raw", "--format", "jsonl"]);
    assert_eq!(lines.lines().nth(2), Some(r#"{"id":3,"name":null}"#));
    assert_eq!(home.json(&["cat", "raw"]).as_array().unwrap().len(), 3);
    assert_eq!(home.ok(&["cat", "raw", "--format", "table", "-n", "1"]), "id  name\n1   one\n");
    home.write("binary.bin", [0u8, 1, 2, 255]);
    home.ok(&["add", "binary.bin"]);
    assert_eq!(home.run(&["cat", "binary"]).bytes, [0, 1, 2, 255]);
    home.fails(&["cat", "notes", "--format", "csv"], 2);
    home.fails(&["cat", "params", "--limit", "1"], 2);
}

#[test]
fn export_writes_what_import_reads() {
    let home = Home::with_bundle();
    for file in ["out.parquet", "out.csv", "out.tsv", "out.jsonl", "out.arrow"] {
        home.ok(&["export", "raw", file]);
        home.ok(&["import", file, "-n", "again", "--overwrite"]);
        assert_eq!(home.ok(&["cat", "again"]), home.ok(&["cat", "raw"]), "{file}");
    }
    home.ok(&["export", "params", "params-out.json"]);
    let text = std::fs::read_to_string(home.path("params-out.json")).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), json!({"rate": 0.1, "steps": [1, 2, 3]}));
    home.ok(&["export", "notes", "copy.txt"]);
    assert_eq!(std::fs::read(home.path("copy.txt")).unwrap(), std::fs::read(home.path("notes.txt")).unwrap());
    has(&home.fails(&["export", "raw", "out.csv"], 1), &["exists already", "--overwrite"]);
    home.ok(&["export", "raw", "out.csv", "--overwrite"]);
    has(&home.fails(&["export", "raw", "out.xyz"], 1), &["*.parquet"]);
    has(&home.fails(&["export", "raw", "no/such/dir.csv"], 1), &["no/such/dir.csv"]);
    // Not over the bundle's own files, nor among them.
    for own in ["items.json", "../work/CONTENTS.md", "history/raw.csv", "tables/x/raw.csv"] {
        has(&home.fails(&["export", "raw", own, "--overwrite"], 1), &["belongs to the bundle", "another file"]);
    }
    home.ok(&["verify"]);
    // Nothing half-written is left.
    let left = std::fs::read_dir(home.path(""))
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".tmp"));
    assert_eq!(left.count(), 0);
}

#[test]
fn items_are_renamed_changed_and_removed() {
    let home = Home::with_bundle();
    home.ok(&["rename", "raw", "rows"]);
    assert_eq!(home.json(&["info", "params"])["inputs"], json!(["rows"]));
    home.ok(&["set", "rows", "-d", "New text"]);
    assert_eq!(home.json(&["info", "rows"])["record"]["description"], "New text");
    home.ok(&["set", "notes", "--input", "rows", "--input", "params"]);
    assert_eq!(home.json(&["info", "notes"])["inputs"], json!(["rows", "params"]));
    home.ok(&["set", "notes", "--no-inputs"]);
    assert_eq!(home.json(&["info", "notes"])["inputs"], json!([]));
    home.fails(&["set", "notes"], 2);

    let ran = home.answer(&["rm", "rows"], "n\n");
    has(&(ran.out + &ran.err), &["'rows' is an input of params", "Cancelled"]);
    has(&home.fails(&["rm", "rows"], 1), &["nobody answered", "-y"]);
    let removed = home.json(&["rm", "rows", "notes", "-y"]);
    assert_eq!((&removed["items"], &removed["dependents"]), (&json!(["rows", "notes"]), &json!({"rows": ["params"]})));
    assert_eq!(home.json(&["ls"]).as_array().unwrap().len(), 1);
    home.ok(&["undo"]);
    assert_eq!(home.json(&["ls"]).as_array().unwrap().len(), 3);
}

#[test]
fn metadata_is_json_where_it_can_be() {
    let home = Home::with_bundle();
    for (text, value) in
        [("0.5", json!(0.5)), ("-3", json!(-3)), ("[1, \"a\"]", json!([1, "a"])), ("plain text", json!("plain text"))]
    {
        home.ok(&["meta", "key", text]);
        assert_eq!(home.json(&["meta", "key"]), value);
    }
    assert_eq!(home.ok(&["meta", "key"]), "plain text\n");
    assert_eq!(home.json(&["meta"])["key"], "plain text");
    has(&home.fails(&["meta", "kye"], 1), &["did you mean 'key'?"]);
    home.ok(&["meta", "--unset", "key"]);
    home.fails(&["meta", "key"], 1);
    home.fails(&["meta", "--unset", "key"], 1);
}

#[test]
fn lineage_is_drawn() {
    let home = Home::with_bundle();
    home.ok(&["add", "notes.txt", "-n", "report", "--input", "params", "--input", "elsewhere"]);
    has(&home.ok(&["lineage"]), &["params ← raw", "report ← params, elsewhere", "elsewhere (not in the bundle)"]);
    let out = home.ok(&["lineage", "params"]);
    assert_eq!(out, "params was made from\n  raw\nparams is an input of\n  report\n");
    assert_eq!(
        home.ok(&["lineage", "report", "--up"]),
        "report was made from\n  params\n    raw\n  elsewhere (not in the bundle)\n"
    );
    // What two items were made from is shown once.
    home.ok(&["add", "notes.txt", "-n", "last", "--input", "report", "--input", "params"]);
    has(&home.ok(&["lineage", "last", "--up"]), &["  report\n    params\n      raw\n", "\n  params (see above)\n"]);
    home.ok(&["rm", "last", "-y"]);
    has(&home.ok(&["lineage", "--format", "dot"]), &["digraph", "\"raw\"", "->"]);
    has(&home.ok(&["lineage", "--format", "mermaid", "raw"]), &["flowchart", "-->"]);
    assert_eq!(home.json(&["lineage"])["items"]["params"], json!(["raw"]));
    assert_eq!(home.json(&["lineage", "raw", "--down"])["downstream"], json!(["params", "report"]));
}

#[test]
fn copies_follow_lineage() {
    let home = Home::with_bundle();
    let copied = home.json(&["copy", "../small", "--include", "params", "--follow-lineage"]);
    assert_eq!(copied["items"], 2);
    assert_eq!(home.ok(&["-f", "../small", "cat", "raw"]), home.ok(&["cat", "raw"]));
    assert_eq!(home.json(&["copy", "../rest", "--exclude", "raw"])["items"], 2);
    assert!(home.json(&["copy", "../run", "--random-suffix"])["location"].as_str().unwrap().contains("run-"));
    home.fails(&["copy", "../small"], 1);
    // A bundle in a bundle would be copied with it the next time.
    std::fs::create_dir(home.path("tables/deep")).unwrap();
    for inside in ["inner", "tables/deep/inner", "../work/inner"] {
        has(&home.fails(&["copy", inside], 1), &["lies in the bundle"]);
        assert!(!home.path(inside).exists());
    }
}

/// What was named and stays behind is told.
#[test]
fn a_copy_leaves_archived_items_behind() {
    let home = Home::with_bundle();
    home.ok(&["set", "notes", "--archive"]);
    let ran = home.run(&["copy", "../without", "--include", "notes", "--include", "raw"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    has(&ran.err, &["'notes' is archived and was not copied", "--archived"]);
    has(&ran.out, &["Copied 1 item"]);
    let ran = home.run(&["copy", "../with", "--include", "notes", "--archived"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    has(&ran.out, &["Copied 1 item"]);
}

/// It said that the file was not there.
#[cfg(unix)]
#[test]
fn describe_says_what_is_in_the_place_of_a_file() {
    let home = Home::with_bundle();
    let path = home.json(&["info", "notes"])["path"].as_str().unwrap().to_owned();
    std::fs::remove_file(&path).unwrap();
    has(&home.ok(&["describe"]), &["MISSING: its file is not there"]);
    std::fs::create_dir(&path).unwrap();
    let text = home.ok(&["describe"]);
    has(&text, &["UNREADABLE: ", "it is a directory"]);
    assert!(!text.contains("MISSING"), "{text}");
}

/// Nothing else stores a category, so that the label was lost without a word.
#[test]
fn add_takes_a_category_for_files_alone() {
    let home = Home::with_bundle();
    home.write("x.json", "1");
    home.write("t.csv", "a\n1\n");
    home.write("m.pkl", "x");
    for more in [&["x.json"][..], &["t.csv"], &["m.pkl"], &["t.csv", "--reference"], &["x.json", "--model"]] {
        has(&home.fails(&[&["add", "--category", "c"], more].concat(), 2), &["--category", "--as-file"]);
    }
    home.ok(&["add", "x.json", "--category", "c", "--as-file"]);
    assert_eq!(home.json(&["info", "x"])["record"]["category"], "c");
}

/// JSON that is nested more deeply than is read here, or has a number beyond 64 bits, as Python writes both.
#[test]
fn json_that_cannot_be_read_as_a_value_is_exported_byte_for_byte() {
    let home = Home::with_bundle();
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    for text in [deep.as_str(), "[123456789012345678901234567890]"] {
        std::fs::write(home.ok(&["path", "params"]).trim_end(), text).unwrap();
        hostile::edit(&home, |catalogue| {
            let fields = hostile::item(catalogue, "params").as_object_mut().unwrap();
            fields.retain(|field, _| !["sha256", "checksum", "size_bytes", "blocks"].contains(&field.as_str()));
        });
        has(&home.ok(&["verify"]), &["✓ Valid"]);
        let error = home.fails(&["get", "params"], 1);
        has(&error, &["cannot be read as a value; its file is whole", "hint: `datafolio export params FILE`"]);
        assert!(!error.contains("damage"), "{error}");
        for arguments in [&["cat", "params"][..], &["cat", "params", "--json"], &["cat", "params", "--format", "json"]]
        {
            assert_eq!(home.ok(arguments), text);
        }
        home.fails(&["cat", "params", "--format", "csv"], 2);
        home.ok(&["export", "params", "copy.json", "--overwrite"]);
        assert_eq!(std::fs::read_to_string(home.path("copy.json")).unwrap(), text);
        has(&home.fails(&["export", "params", "copy.csv"], 1), &["copy.csv", "hint: call it *.json"]);
    }
}
