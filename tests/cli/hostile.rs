//! Bundles that someone else made, with what no program of ours writes in them.

use std::fs;

use serde_json::{Value, json};

use super::{Home, has};

/// What would drive a terminal, if it came there as it is.
const ESCAPE: &str = "\u{1b}]0;PWNED\u{7}\u{1b}[31mRED\u{9b}2J\u{202e}";

/// Changes the catalogue as another program would: without the seal of a commit.
pub(super) fn edit(home: &Home, change: impl FnOnce(&mut Value)) {
    let mut catalogue: Value = serde_json::from_slice(&fs::read(home.path("items.json")).unwrap()).unwrap();
    catalogue.as_object_mut().unwrap().shift_remove("commit");
    change(&mut catalogue);
    home.write("items.json", catalogue.to_string());
}

pub(super) fn item<'a>(catalogue: &'a mut Value, name: &str) -> &'a mut Value {
    let items = catalogue["items"].as_array_mut().unwrap();
    items.iter_mut().find(|item| item["name"] == name).unwrap()
}

#[test]
fn repair_does_not_downgrade_a_bundle_of_a_later_release() {
    let home = Home::with_bundle();
    edit(&home, |catalogue| catalogue["schema_version"] = json!(3));
    let before = fs::read(home.path("items.json")).unwrap();
    for arguments in [&["repair"][..], &["repair", "--accept"]] {
        has(&home.fails(arguments, 1), &["schema_version 3", "newer datafolio", "hint: use a newer release"]);
        assert_eq!(fs::read(home.path("items.json")).unwrap(), before);
    }
}

#[test]
fn pages_for_people_cannot_drive_a_terminal() {
    let home = Home::with_bundle();
    edit(&home, |catalogue| {
        item(catalogue, "notes")["name"] = json!(format!("no{ESCAPE}"));
        item(catalogue, "params")["description"] = json!(format!("a|b\tc {ESCAPE}\nnext"));
    });
    home.ok(&["meta", "k", "1"]);
    let page = fs::read_to_string(home.path("CONTENTS.md")).unwrap();
    assert!(!page.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']), "{page}");
    has(&page, &["| no\\u{1b}]0;PWNED", "a\\|b\tc \\u{1b}", " next |"]);
}

#[cfg(unix)]
#[test]
fn the_command_in_a_bundles_readme_can_be_run_wherever_it_lies() {
    let home = Home::new();
    for directory in ["plain", "it's $(touch pwned) here", "red \u{1b}[31m'"] {
        home.ok(&["init", directory]);
        let page = fs::read_to_string(home.path(directory).join("README.md")).unwrap();
        assert!(!page.contains('\u{1b}'), "{page}");
        let command = page.lines().find_map(|line| line.trim().strip_prefix("datafolio -f ")).unwrap();
        let word = command.strip_suffix(" describe").unwrap();
        let printed =
            std::process::Command::new("bash").args(["-c", &format!("printf %s {word}")]).output().unwrap().stdout;
        assert_eq!(
            String::from_utf8_lossy(&printed),
            fs::canonicalize(home.path(directory)).unwrap().to_str().unwrap()
        );
    }
    assert!(!home.path("pwned").exists());
}

#[test]
fn numbers_that_count_nothing_are_damage() {
    let home = Home::with_bundle();
    edit(&home, |catalogue| {
        item(catalogue, "raw")["num_rows"] = json!(-1);
        item(catalogue, "raw")["num_cols"] = json!(2.5);
        item(catalogue, "notes")["size_bytes"] = json!(-5);
        item(catalogue, "params")["num_rows"] = Value::Null;
    });
    for arguments in [&["verify"][..], &["verify", "--quick"]] {
        let ran = home.run(arguments);
        assert_eq!(ran.code, 1);
        has(&ran.out, &["item 'raw': num_rows is -1", "item 'raw': num_cols is 2.5", "item 'notes': size_bytes is -5"]);
        assert!(!ran.out.contains("params"), "{}", ran.out);
    }
}

/// A pipe that nobody writes to would hold whoever opens it for ever.
#[cfg(unix)]
#[test]
fn a_quick_check_opens_nothing_that_references_name() {
    let home = Home::with_bundle();
    let table = home.root().join("outside.csv");
    fs::write(&table, "a\n1\n").unwrap();
    home.ok(&["add", table.to_str().unwrap(), "--reference", "-n", "ref"]);
    fs::write(&table, "not \"a table\n\u{0}").unwrap();
    let ran = home.run(&["verify"]);
    assert_eq!(ran.code, 1);
    // What is wrong with a file says whose file it is.
    has(&ran.out, &["damage  item 'ref' refers to", "outside.csv"]);
    fs::remove_file(&table).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&table).status().unwrap();
    assert!(made.success());
    home.ok(&["verify", "--quick"]);
    fs::remove_file(&table).unwrap();
    let ran = home.run(&["verify", "--quick"]);
    assert_eq!(ran.code, 1);
    has(&ran.out, &["item 'ref' refers to", "outside.csv"]);
}

#[test]
fn relative_references_stay_in_the_bundle() {
    let home = Home::with_bundle();
    fs::write(home.root().join("secret.csv"), "a\n1\n").unwrap();
    home.write("mine.csv", "a\n1\n2\n");
    edit(&home, |catalogue| {
        let reference = |name: &str, path: &str| {
            json!({"name": name, "item_type": "referenced_table", "path": path, "table_format": "csv",
                   "version_id": format!("{name}--r9"), "is_current": true})
        };
        let items = catalogue["items"].as_array_mut().unwrap();
        items.push(reference("out", "../secret.csv"));
        items.push(reference("round", "tables/../../secret.csv"));
        items.push(reference("in", "tables/../mine.csv"));
    });
    assert_eq!(home.ok(&["cat", "in"]), "a\n1\n2\n");
    for name in ["out", "round"] {
        has(&home.fails(&["cat", name], 1), &["leads out of the bundle"]);
    }
    for arguments in [&["verify"][..], &["verify", "--quick"]] {
        has(&home.run(arguments).out, &["'out'", "'round'", "leads out of the bundle"]);
    }
}

#[test]
fn what_is_left_of_a_reference_is_what_was_read() {
    let home = Home::with_bundle();
    let table = home.root().join("outside.csv");
    fs::write(&table, "a\n1\n2\n3\n").unwrap();
    home.ok(&["add", table.to_str().unwrap(), "--reference", "-n", "ref"]);
    edit(&home, |catalogue| item(catalogue, "ref")["num_rows"] = json!(1_000_000));
    let ran = home.run(&["get", "ref"]);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("a\n1\n2\n3\n", ""));
    fs::write(&table, format!("a\n{}", "1\n".repeat(11))).unwrap();
    let ran = home.run(&["get", "ref"]);
    assert_eq!(ran.out, format!("a\n{}", "1\n".repeat(10)));
    has(&ran.err, &["it had 8 bytes and has 24", "(more rows)\n"]);
}

#[test]
fn names_that_no_program_gives_are_warned_of_once() {
    let home = Home::with_bundle();
    edit(&home, |catalogue| {
        item(catalogue, "notes")["name"] = json!("no\u{1b}[31m");
        item(catalogue, "params")["name"] = json!("a/../b");
    });
    let ran = home.run(&["ls"]);
    let warnings: Vec<&str> = ran.err.lines().collect();
    assert_eq!(warnings.len(), 2, "{}", ran.err);
    has(
        &ran.err,
        &["⚠ item 'no\\u{1b}[31m' has no valid name: it has control characters", "'a/../b'", "datafolio rename"],
    );
    assert_eq!(home.run(&["rm", "a/../b"]).err.matches("'a/../b'").count(), 1);
}

#[test]
fn an_element_that_is_no_item_leaves_the_others_readable() {
    let home = Home::with_bundle();
    edit(&home, |catalogue| catalogue["items"].as_array_mut().unwrap().insert(1, json!("a string")));
    let ran = home.run(&["cat", "raw", "-n", "1"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "id,name\n1,one\n"));
    has(&ran.err, &["element 2 of items is no item but \"a string\""]);
    has(&home.ok(&["verify"]), &["element 2 of items"]);
    home.ok(&["meta", "k", "1"]);
    assert_eq!(home.run(&["ls"]).err, "");
    assert_eq!(home.json(&["ls"]).as_array().unwrap().len(), 3);
}

#[test]
fn a_bad_entry_is_told_in_plain_words() {
    let home = Home::with_bundle();
    edit(&home, |catalogue| item(catalogue, "notes")["filename"] = json!(7));
    let err = home.fails(&["ls"], 1);
    has(&err, &["item 'notes': its entry in items.json", "expected a string"]);
    edit(&home, |catalogue| item(catalogue, "notes")["filename"] = json!("/etc/passwd"));
    has(&home.fails(&["cat", "notes"], 1), &["it is absolute"]);
}

#[test]
fn damaged_items_are_named_in_every_list_for_programs() {
    let home = Home::with_bundle();
    home.ok(&["folios", "alias", "here"]);
    // Nested more deeply than any reader goes.
    edit(&home, |catalogue| item(catalogue, "notes")["x"] = json!("@@"));
    let text = fs::read_to_string(home.path("items.json")).unwrap();
    home.write("items.json", text.replace("\"@@\"", &format!("{}{}", "[".repeat(500), "]".repeat(500))));
    for arguments in [&["ls", "raw"][..], &["find", "raw"]] {
        let list = home.json(arguments);
        let list = list.as_array().unwrap();
        assert_eq!(list.len(), 2, "{arguments:?}: {list:?}");
        assert_eq!((&list[0]["name"], &list[1]["error"]["code"]), (&json!("raw"), &json!("damaged-entry")));
    }
    let described = home.json(&["describe", "r*"]);
    assert_eq!(described["contents"]["included_tables"], json!(["raw"]));
    assert_eq!((&described["contents"]["json_data"], described["items"].as_array().unwrap().len()), (&json!([]), 2));
    assert_eq!(described["items"][1]["error"]["code"], "damaged-entry");
    has(&home.run(&["find", "raw"]).err, &["⚠", "item 'notes'"]);
}

#[test]
fn a_file_of_an_unknown_type_is_exported_byte_for_byte() {
    let home = Home::with_bundle();
    edit(&home, |catalogue| item(catalogue, "notes")["item_type"] = json!("weird"));
    home.fails(&["get", "notes"], 1);
    home.ok(&["export", "notes", "copy.anything"]);
    assert_eq!(fs::read(home.path("copy.anything")).unwrap(), fs::read(home.path("notes.txt")).unwrap());
}

#[cfg(unix)]
#[test]
fn instructions_to_reproduce_can_be_pasted_into_a_shell() {
    let home = Home::with_bundle();
    home.ok(&["snapshot", "create", "v1", "--no-git", "--exec"]);
    edit(&home, |catalogue| {
        let snapshot = &mut catalogue["snapshots"]["v1"];
        snapshot["git"] = json!({"commit": "abc; rm -rf ~", "remote": "https://host/a b.git", "dirty": false});
        snapshot["execution"] = json!({"working_dir": "/tmp/my dir; touch x", "entry_point": "run.py"});
    });
    let text = home.ok(&["snapshot", "reproduce", "v1"]);
    has(
        &text,
        &["git clone 'https://host/a b.git'", "cd '/tmp/my dir; touch x'", "what was recorded as commit is none"],
    );
    assert!(!text.contains("git checkout"), "{text}");
    // Git and the shell would take these for options.
    edit(&home, |catalogue| {
        let snapshot = &mut catalogue["snapshots"]["v1"];
        snapshot["git"]["remote"] = json!("--upload-pack=touch pwned");
        snapshot["execution"]["working_dir"] = json!("-");
    });
    let text = home.ok(&["snapshot", "reproduce", "v1"]);
    has(&text, &["Note: what was recorded as remote is no address: --upload-pack", "as working directory is none: -"]);
    assert!(!text.contains("git clone") && !text.contains("cd "), "{text}");
    edit(&home, |catalogue| catalogue["snapshots"]["v1"]["git"]["commit"] = json!("0a1b2c"));
    has(&home.ok(&["snapshot", "reproduce", "v1"]), &["git checkout 0a1b2c\n"]);
}

/// What the system does not let us look at is neither whole nor damaged.
#[cfg(unix)]
#[test]
fn verify_tells_damage_from_what_it_could_not_read() {
    use std::os::unix::fs::PermissionsExt;

    let home = Home::with_bundle();
    let allow = |path: &std::path::Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let notes = std::path::PathBuf::from(home.ok(&["path", "notes"]).trim_end());
    allow(&notes, 0);
    // The administrator reads what he likes.
    if fs::read(&notes).is_err() {
        let ran = home.run(&["verify"]);
        assert_eq!(ran.code, 3, "{}", ran.out);
        has(&ran.out, &["unread", "notes"]);
        assert!(!ran.out.contains("damage"), "{}", ran.out);
        assert_eq!(home.json_of(&["verify"])["findings"][0]["severity"], "unread");
        has(&home.fails(&["cat", "notes"], 1), &["hint: look at the permissions"]);
        allow(&notes, 0o644);
        allow(&home.path("tables"), 0);
        let ran = home.run(&["verify"]);
        assert_eq!(ran.code, 3, "{}", ran.out);
        has(&ran.out, &["'raw'", "Versions: 3"]);
        allow(&home.path("tables"), 0o755);
    }
    allow(&notes, 0o644);
    home.ok(&["verify"]);
    fs::rename(home.path("artifacts"), home.root().join("moved")).unwrap();
    std::os::unix::fs::symlink(home.root().join("moved"), home.path("artifacts")).unwrap();
    let ran = home.run(&["verify"]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    has(&ran.out, &["'params'", "'notes'", "Versions: 3"]);
}

/// A name with a line break could add a line that looks like one of the program's own.
#[test]
fn names_cannot_forge_a_line_of_standard_error() {
    const NAME: &str = "x\n✓ Valid\r\u{202e}";
    let escaped = "x\\n✓ Valid\\r\\u{202e}";
    let home = Home::with_bundle();
    edit(&home, |catalogue| {
        item(catalogue, "notes")["name"] = json!(NAME);
        item(catalogue, "raw")["inputs"] = json!([NAME]);
        item(catalogue, "params")["inputs"] = json!([NAME]);
    });
    let warned = home.run(&["rm", NAME, "-y"]).err;
    has(&warned, &["⚠", escaped]);
    let failed = home.fails(&["get", NAME], 1);
    has(&failed, &["✗ Error:", escaped]);
    let failed_again = home.fails(&["rename", NAME, "y"], 1);
    for text in [&warned, &failed, &failed_again] {
        let marks = ["⚠ ", "✗ Error: ", "hint: "];
        assert!(text.lines().all(|line| marks.iter().any(|mark| line.starts_with(mark))), "{text:?}");
        assert!(!text.contains(['\r', '\u{202e}']), "{text:?}");
    }
    // For programs it is the same name, and nothing that drives a terminal.
    let text = home.fails(&["get", NAME, "--json"], 1);
    assert!(text.trim_end().lines().count() == 1 && !text.contains('\u{202e}'), "{text:?}");
    let error: Value = serde_json::from_str(&text).unwrap();
    assert!(error["error"]["message"].as_str().unwrap().contains(NAME), "{error}");
}

/// The lines of a message that points into a text stay below each other.
#[test]
fn what_points_into_a_pattern_keeps_its_lines() {
    let home = Home::with_bundle();
    let text = home.fails(&["find", "--regex", "a(b"], 2);
    has(&text, &["a(b\n", "^\n"]);
}
