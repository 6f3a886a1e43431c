//! `verify` and `repair`, with the exit codes that scripts look at.

use serde_json::json;

use super::{Home, has};

fn damage(home: &Home, item: &str) {
    let path = home.ok(&["path", item]);
    let mut bytes = std::fs::read(path.trim_end()).unwrap();
    let last = bytes.len() - 2;
    bytes[last] ^= 1;
    std::fs::write(path.trim_end(), bytes).unwrap();
}

#[test]
fn a_whole_bundle_is_valid() {
    let home = Home::with_bundle();
    has(&home.ok(&["verify"]), &["Valid DataFolio bundle", "Items: 3", "3 of them read"]);
    assert_eq!(home.json(&["verify"])["clean"], true);
    assert_eq!(home.json(&["verify", "--quick"])["read"], 0);
    assert_eq!(home.json(&["verify", "raw", "notes"])["versions"], 2);
    home.ok(&["verify", "--sample", "10"]);
    home.fails(&["verify", "--sample", "101"], 2);
    home.fails(&["verify", "--quick", "--sample", "5"], 2);
}

#[test]
fn a_flipped_bit_is_found_and_named() {
    let home = Home::with_bundle();
    home.ok(&["snapshot", "create", "v1"]);
    damage(&home, "notes");
    let ran = home.run(&["verify"]);
    assert_eq!(ran.code, 1);
    has(&ran.out, &["Invalid DataFolio bundle", "damage", "notes", "held by snapshots: v1"]);
    assert_eq!(ran.err, "");
    home.ok(&["verify", "raw"]);
    assert_eq!(home.run(&["validate"]).code, 1);
    let ran = home.run(&["verify", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&report["clean"], &report["findings"][0]["item"]), (&json!(false), &json!("notes")));
    // What is damaged is not served either, and says what to do.
    has(&home.fails(&["cat", "notes"], 1), &["notes", "hint:", "datafolio verify"]);
    home.fails(&["export", "notes", "out.txt"], 1);
    assert!(!home.path("out.txt").exists());
}

#[test]
fn exit_codes_of_verify() {
    let home = Home::new();
    home.fails(&["verify"], 3);
    home.fails(&["verify", "-f", "nowhere"], 3);
    home.fails(&["verify", "--no-such-option"], 2);
    let home = Home::with_bundle();
    has(&home.fails(&["verify", "rwa"], 2), &["did you mean 'raw'?"]);
}

#[test]
fn a_damaged_catalogue_is_repaired() {
    let home = Home::with_bundle();
    has(&home.ok(&["repair"]), &["Nothing to repair"]);
    let text = std::fs::read_to_string(home.path("items.json")).unwrap();
    home.write("items.json", &text[..text.len() / 2]);
    has(&home.fails(&["ls"], 1), &["items.json", "datafolio repair"]);
    home.fails(&["verify"], 3);
    assert_eq!(home.run(&["validate"]).code, 1);
    let report = home.json(&["repair"]);
    assert!(report["kept_aside"][0].is_string() && report["problem"].is_string());
    assert_eq!(home.ok(&["cat", "raw", "-n", "1"]), "id,name\n1,one\n");

    let text = std::fs::read_to_string(home.path("items.json")).unwrap();
    home.write("items.json", text.replace("Raw rows", "My rows"));
    has(&home.fails(&["ls"], 1), &["repair --accept"]);
    home.ok(&["repair", "--accept"]);
    assert_eq!(home.json(&["info", "raw"])["record"]["description"], "My rows");
}

/// A reference to an object store made the whole bundle invalid.
#[test]
fn a_reference_that_this_build_cannot_reach_is_a_note() {
    let home = Home::with_bundle();
    // Nothing answers there.
    let options = [("endpoint", "http://127.0.0.1:1"), ("access_key_id", "none"), ("secret_access_key", "none")];
    let options = options.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let open = datafolio::OpenOptions::new().storage_options(options.into_iter().collect());
    let folio = open.open(home.path("")).unwrap();
    for (name, path) in [("bucket", "s3://bucket/t.parquet"), ("site", "https://127.0.0.1:1/t.parquet")] {
        let reference = datafolio::Reference {
            path: path.to_owned(),
            table_format: "parquet".to_owned(),
            num_rows: None,
            version: None,
            timestamp: None,
        };
        folio.add(name, reference, datafolio::AddOptions::new()).unwrap();
    }
    let report = home.json(&["verify"]);
    let codes: Vec<&str> =
        report["findings"].as_array().unwrap().iter().map(|found| found["code"].as_str().unwrap()).collect();
    assert_eq!((&report["clean"], codes), (&json!(true), vec!["not-checked", "not-checked"]));
    assert_eq!(report["findings"][0]["severity"], "note");
    home.ok(&["validate"]);
    // For each item, what Python DataFolio says of one that it cannot reach.
    let whole = folio.validate().unwrap();
    assert_eq!((whole["bucket"], whole["site"], whole["raw"]), (false, false, true));
}

/// What was committed after a catalogue that somebody put back is told, and nothing of it is removed, until it comes back.
#[test]
fn an_older_catalogue_is_told_and_gives_way() {
    let home = Home::with_bundle();
    let older = std::fs::read(home.path("items.json")).unwrap();
    for name in ["a", "b"] {
        home.ok(&["meta", name, "1"]);
    }
    std::fs::write(home.path("items.json"), older).unwrap();
    let ran = home.run(&["verify"]);
    assert_eq!(ran.code, 1);
    has(
        &ran.out,
        &["Invalid", "of revision 4, and the history has revisions 5 to 6", "`datafolio repair` brings revision 6"],
    );
    let ran = home.run(&["gc", "--apply", "--grace", "0s"]);
    assert_eq!(ran.code, 0);
    has(&ran.err, &["nothing is removed", "revisions 5 to 6", "`datafolio verify`"]);
    assert_eq!(home.json(&["gc"])["later_revisions"], json!([5, 6]));
    has(&home.ok(&["repair"]), &["Found: items.json is of revision 4", "went forward to revision 6", "at revision 7"]);
    assert_eq!(home.ok(&["meta", "b"]), "1\n");
    home.ok(&["verify"]);
}

/// DataFolio 2.3 removes the file of the version before whenever it overwrites an item, and made every bundle that it writes to
/// invalid.
#[test]
fn versions_that_only_old_revisions_name_may_be_lost_in_a_valid_bundle() {
    let home = Home::with_bundle();
    for text in ["second", "third"] {
        let old = home.ok(&["path", "notes"]);
        home.write("notes.txt", text);
        home.ok(&["add", "notes.txt", "--overwrite"]);
        std::fs::remove_file(old.trim_end()).unwrap();
        if text == "second" {
            has(&home.ok(&["verify"]), &["✓ Valid DataFolio bundle", ", 1 old version is lost\n", "lost    version"]);
        }
    }
    for command in [&["verify"][..], &["validate"], &["verify", "--quick"]] {
        let out = home.ok(command);
        has(&out, &["✓ Valid DataFolio bundle", ", 2 old versions are lost\n"]);
        assert_eq!(out.matches("  lost    version").count(), 2, "{out}");
        let report = home.json(command);
        assert_eq!((&report["valid"], &report["clean"]), (&json!(true), &json!(false)));
        assert_eq!(report["findings"].as_array().unwrap().len(), 2, "{report}");
    }
    // Damage stays damage.
    damage(&home, "params");
    for command in ["verify", "validate"] {
        let ran = home.run(&[command]);
        assert_eq!(ran.code, 1);
        has(&ran.out, &["✗ Invalid DataFolio bundle", "damage", "lost"]);
    }
    assert_eq!(home.json_of(&["verify"])["valid"], false);
}
