//! What a stranger does wrong, and what the program says to it.

use serde_json::Value;

use super::{Home, has};

#[test]
fn a_missing_item_is_named_with_the_one_that_was_meant() {
    let home = Home::with_bundle();
    for command in ["info", "get", "cat", "path"] {
        let text = home.fails(&[command, "parms"], 1);
        has(&text, &["✗ Error: Item 'parms' not found", "hint: did you mean 'params'?"]);
    }
    has(&home.fails(&["rename", "xyzzy", "b"], 1), &["hint: `datafolio ls` shows what there is"]);
    has(&home.fails(&["cat", "raw", "--columns", "nme"], 1), &["raw: no column \"nme\" (did you mean \"name\"?)"]);
}

#[test]
fn unknown_commands_and_options_are_usage_errors() {
    let home = Home::new();
    has(&home.fails(&["snapshot", "lst"], 2), &["'lst'", "list"]);
    has(&home.fails(&["ls", "--tpye", "json"], 2), &["--type"]);
    has(&home.fails(&["descrbe"], 2), &["describe"]);
}

#[test]
fn errors_are_json_for_programs() {
    let home = Home::with_bundle();
    let error = |arguments: &[&str], code: i32| -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        let ran = home.run(&all);
        assert_eq!((ran.code, ran.out.as_str()), (code, ""));
        serde_json::from_str::<Value>(&ran.err).unwrap()["error"].clone()
    };
    let missing = error(&["get", "parms"], 1);
    assert_eq!((&missing["code"], &missing["category"]), (&"item-not-found".into(), &"not-found".into()));
    assert_eq!(missing["hint"], "did you mean 'params'?");
    assert_eq!(error(&["nonsense"], 2)["code"], "usage");
    assert_eq!(error(&["-f", "nowhere", "ls"], 1)["code"], "not-a-bundle");
    assert_eq!(error(&["snapshot", "create", "a b"], 1)["code"], "invalid-snapshot-name");
}

#[test]
fn names_cannot_drive_the_terminal() {
    let home = Home::with_bundle();
    let text = home.fails(&["get", "x\u{1b}]0;title\u{7}"], 1);
    assert!(!text.contains('\u{1b}') && text.contains("\\u{1b}"), "{text}");
    home.ok(&["set", "raw", "-d", "red \u{1b}[31m and \u{202e}backwards\nnext line"]);
    for arguments in [&["ls"][..], &["describe"], &["info", "raw"]] {
        let out = home.ok(arguments);
        assert!(!out.contains('\u{1b}') && !out.contains('\u{202e}'), "{out}");
    }
    assert_eq!(home.ok(&["ls", "raw"]).lines().count(), 2);
}

#[test]
fn bad_settings_are_named() {
    let home = Home::with_bundle().with("DATAFOLIO_THREADS", "none");
    has(&home.fails(&["ls"], 1), &["DATAFOLIO_THREADS", "a number from 1 to 4096"]);
    // What needs no settings works.
    home.ok(&["--help"]);
    home.ok(&["completions", "bash"]);
}

#[test]
fn damaged_input_files_are_named() {
    let home = Home::with_bundle();
    home.write("bad.json", "{nope");
    has(&home.fails(&["add", "bad.json"], 1), &["bad.json", "is no JSON", "--as-file"]);
    home.write("deep.json", "[".repeat(10_000));
    home.fails(&["add", "deep.json"], 1);
    home.write("bad.npy", "not numpy");
    has(&home.fails(&["add", "bad.npy"], 1), &["bad.npy"]);
    home.write("bad.parquet", "PAR1 no PAR1");
    has(&home.fails(&["add", "bad.parquet"], 1), &["bad.parquet"]);
    std::fs::create_dir(home.path("dir.csv")).unwrap();
    has(&home.fails(&["add", "dir.csv"], 1), &["dir.csv"]);
    assert_eq!(home.json(&["ls"]).as_array().unwrap().len(), 3);
    home.ok(&["verify"]);
}

/// Without permission to write, reading goes on, and writing says why it does not.
#[cfg(unix)]
#[test]
fn a_read_only_directory_can_be_read() {
    use std::os::unix::fs::PermissionsExt;

    let home = Home::with_bundle();
    let allow = |mode: u32| {
        for dir in ["", "tables", "artifacts", "models", "history"] {
            std::fs::set_permissions(home.path(dir), std::fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    allow(0o555);
    // The administrator may write anyway.
    let is_enforced = std::fs::write(home.path("probe"), "").is_err();
    if is_enforced {
        home.ok(&["ls"]);
        home.ok(&["cat", "raw"]);
        home.ok(&["verify"]);
        has(&home.fails(&["meta", "x", "1"], 1), &["✗ Error:"]);
    }
    allow(0o755);
}

#[test]
fn a_bundle_without_its_catalogue_is_repaired_and_not_begun_anew() {
    let home = Home::with_bundle();
    let before = home.ok(&["ls"]);
    std::fs::remove_file(home.path("items.json")).unwrap();
    has(&home.fails(&["ls"], 1), &["datafolio repair"]);
    has(&home.fails(&["init", "-y"], 1), &["history", "datafolio repair"]);
    home.ok(&["repair"]);
    assert_eq!(home.ok(&["ls"]), before);
}

#[test]
fn two_files_of_one_name_are_not_imported_over_each_other() {
    let home = Home::with_bundle();
    for dir in ["a", "b"] {
        std::fs::create_dir(home.path(dir)).unwrap();
        home.write(&format!("{dir}/x.csv"), "n\n1\n");
    }
    for more in [&[][..], &["--overwrite"]] {
        let failed = home.fails(&[&["import", "a/x.csv", "b/x.csv"], more].concat(), 2);
        has(&failed, &["a/x.csv", "b/x.csv", "'x'", "--name"]);
    }
    home.fails(&["info", "x"], 1);
}

#[test]
fn metadata_keeps_numbers_as_they_are_and_reserved_keys_to_the_bundle() {
    let home = Home::with_bundle();
    for number in ["123456789012345678901234567890", "[1, 18446744073709551616]"] {
        has(&home.fails(&["meta", "k", number], 2), &["does not fit in 64 bits"]);
    }
    home.ok(&["meta", "k", "18446744073709551615"]);
    assert_eq!(home.ok(&["meta", "k"]).trim(), "18446744073709551615");
    for key in ["created_at", "updated_at", "_datafolio"] {
        has(&home.fails(&["meta", key, "5"], 1), &[key, "the bundle itself"]);
        has(&home.fails(&["meta", "--unset", key], 1), &[key, "the bundle itself"]);
    }
}
