//! What the program tells people to do next is something that they can do.

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, ListArray, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::TimestampMicrosecondType;
use datafolio::{AddOptions, DataFolio};
use serde_json::{Value, json};

use super::{Home, has};

#[test]
fn hints_fit_the_command_that_was_run() {
    let home = Home::with_bundle();
    let err = home.fails(&["rename", "params", "raw"], 1);
    has(&err, &["Item 'raw' already exists\n", "hint: choose another name", "datafolio rm raw"]);
    assert!(!err.contains("overwrite"), "{err}");
    has(&home.fails(&["add", "params.json"], 1), &["Item 'params' already exists\n", "hint: pass --overwrite"]);

    let path = home.ok(&["path", "notes"]);
    fs::write(path.trim_end(), "something else").unwrap();
    has(&home.fails(&["cat", "notes"], 1), &["`datafolio log notes --versions`"]);

    // The command that puts catalogues right does not send people to itself.
    fs::remove_dir_all(home.path("history")).unwrap();
    home.write("items.json", "{broken");
    let err = home.fails(&["repair"], 1);
    has(&err, &["no revision to go back to", "hint: bring items.json back from a backup"]);
    assert!(!err.contains("`datafolio repair` goes back"), "{err}");
    fs::create_dir(home.path("no-bundle")).unwrap();
    has(&home.fails(&["-f", "no-bundle", "repair"], 1), &["Not a DataFolio bundle", "datafolio init"]);
}

#[test]
fn what_cannot_be_shown_is_said_before_anything_is_written() {
    let home = Home::with_bundle();
    has(&home.fails(&["cat", "raw", "--columns", "nope"], 1), &["raw: no column \"nope\"; it has \"id\", \"name\""]);
    has(&home.fails(&["cat", "raw", "--columns", "nane"], 1), &["did you mean \"name\"?"]);
    home.write("nested.jsonl", "{\"id\": 1, \"list\": [1, 2]}\n");
    home.ok(&["import", "nested.jsonl"]);
    let run = home.run(&["cat", "nested"]);
    has(&run.err, &["column 'list' have no CSV form", "hint: take JSON lines"]);
    assert_eq!(run.out, "");
}

/// Arrow writes the words of its error in the place of such a value.
#[test]
fn times_without_a_text_are_refused_and_never_written_as_something_else() {
    let home = Home::with_bundle();
    let id: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let at: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![Some(0), None, Some(i64::MAX)]));
    let times = RecordBatch::try_from_iter([("id", id), ("at", at)]).unwrap();
    let lists = ListArray::from_iter_primitive::<TimestampMicrosecondType, _, _>([Some(vec![Some(i64::MIN)])]);
    let lists = RecordBatch::try_from_iter([("list", Arc::new(lists) as ArrayRef)]).unwrap();
    let folio = DataFolio::open(home.path("")).unwrap();
    folio.add("times", times, AddOptions::new()).unwrap();
    folio.add("lists", lists, AddOptions::new()).unwrap();
    let told = ["row 3 of column 'at' (timestamp[us]) holds a date or time that has no text", "hint: write Parquet"];
    for format in ["csv", "tsv", "json", "jsonl"] {
        let ran = home.run(&["cat", "times", "--format", format]);
        assert_eq!(ran.code, 1, "{format}: {}", ran.out);
        has(&ran.err, &told);
        assert!(!ran.out.contains("ERROR"), "{format}: {}", ran.out);
        let file = format!("times.{format}");
        has(&home.fails(&["export", "times", &file], 1), &told);
        assert!(!home.path(&file).exists());
    }
    for command in ["get", "head"] {
        has(&home.fails(&[command, "times", "--json"], 1), &["row 3 of column 'at'", "\"unsupported\""]);
    }
    has(&home.fails(&["export", "lists", "lists.jsonl"], 1), &["row 1 of column 'list'"]);
    // What can be told of them is, and nothing is lost where no text is needed.
    assert_eq!(home.ok(&["head", "times"]), "id  at\n1   1970-01-01T00:00:00\n2   null\n3   (cannot be shown)\n");
    assert_eq!(home.ok(&["cat", "times", "-n", "2"]), "id,at\n1,1970-01-01T00:00:00\n2,\n");
    home.ok(&["export", "times", "times.parquet"]);
}

#[test]
fn tags_of_snapshots_are_kept_once_and_never_empty() {
    let home = Home::with_bundle();
    has(&home.fails(&["snapshot", "create", "s", "--tag", ""], 1), &["a tag of a snapshot must not be empty"]);
    home.ok(&["snapshot", "create", "s", "--tag", "b", "--tag", "a", "--tag", "b"]);
    assert_eq!(home.json(&["snapshot", "show", "s"])["tags"], json!(["b", "a"]));
}

#[test]
fn a_directory_without_tables_is_no_table() {
    let home = Home::with_bundle();
    has(&home.fails(&["import", "history"], 1), &["history: holds no table file"]);
}

#[test]
fn an_alias_is_checked_before_a_bundle_is_made() {
    let home = Home::new();
    home.ok(&["init", "one", "-a", "taken"]);
    let err = home.fails(&["init", "two", "-a", "taken"], 1);
    has(&err, &["alias 'taken' stands for", "datafolio folios alias NAME PATH --overwrite"]);
    assert!(!err.contains("pass --overwrite") && !home.path("two").exists(), "{err}");
    has(&home.fails(&["init", "two", "-a", "a b"], 1), &["can only contain"]);
    assert!(!home.path("two").exists());
    home.ok(&["init", "one", "-a", "taken", "-y"]);
}

#[test]
fn two_names_for_the_bundle_are_refused() {
    let home = Home::new();
    home.ok(&["init", "one", "-a", "first"]);
    home.write("x.json", "1");
    has(&home.fails(&["add", "--to", "one", "-a", "first", "x.json"], 2), &["--to and -a/--alias"]);
    has(&home.fails(&["add", "--to", "one", "-f", "one", "x.json"], 2), &["--to and -f/--folio"]);
    has(&home.fails(&["validate", "one", "-a", "first"], 2), &["PATH and -a/--alias"]);
    has(&home.fails(&["init", "two", "-f", "three"], 2), &["PATH and -f/--folio"]);
    home.ok(&["add", "--to", "one", "x.json"]);
    home.ok(&["validate", "one"]);
}

#[test]
fn inputs_that_are_slips_are_warned_of() {
    let home = Home::with_bundle();
    has(
        &home.run(&["set", "notes", "--input", "parms"]).err,
        &["⚠ input 'parms' of 'notes'", "did you mean 'params'?"],
    );
    has(&home.run(&["add", "notes.txt", "-n", "n2", "--input", "xyzzy"]).err, &["⚠ input 'xyzzy' of 'n2'"]);
    has(&home.run(&["import", "raw.csv", "-n", "r2", "--input", "rwa"]).err, &["did you mean 'raw'?"]);
    // Allowed, since the versions that were read are recorded.
    let ran = home.run(&["add", "params.json", "--overwrite", "--input", "params"]);
    assert_eq!(ran.code, 0);
    has(&ran.err, &["⚠ 'params' is made from itself: params ← params"]);
    home.ok(&["set", "params", "--input", "raw"]);
    let ran = home.run(&["set", "raw", "--input", "params"]);
    has(&ran.err, &["⚠ 'raw' is made from itself: raw ← params ← raw"]);
    assert_eq!(home.run(&["set", "notes", "--input", "raw"]).err, "");
}

#[test]
fn the_log_of_an_earlier_state_ends_there() {
    let home = Home::with_bundle();
    home.ok(&["snapshot", "create", "v1"]);
    home.ok(&["meta", "later", "1"]);
    let revisions = |arguments: &[&str]| -> Vec<u64> {
        home.json(arguments).as_array().unwrap().iter().map(|entry| entry["revision"].as_u64().unwrap()).collect()
    };
    assert_eq!(revisions(&["log"]), [6, 5, 4, 3, 2, 1]);
    assert_eq!(revisions(&["at", "v1", "log"]), [5, 4, 3, 2, 1]);
    assert_eq!(revisions(&["at", "3", "log", "-n", "2"]), [3, 2]);
    // Another program writes, and no commit has recorded it yet.
    let mut catalogue: Value = serde_json::from_slice(&fs::read(home.path("items.json")).unwrap()).unwrap();
    catalogue.as_object_mut().unwrap().shift_remove("commit");
    catalogue["revision"] = json!(7);
    catalogue["metadata"]["by"] = json!("another");
    home.write("items.json", catalogue.to_string());
    assert_eq!(revisions(&["log"]), [7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(revisions(&["at", "v1", "log"]), [5, 4, 3, 2, 1]);
    assert_eq!(revisions(&["at", "7", "log", "-n", "2"]), [7, 6]);
    assert_eq!(revisions(&["at", "5", "log", "-n", "1"]), [5]);
    home.ok(&["meta", "k", "1"]);
    assert_eq!(revisions(&["at", "7", "log"]), [7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(revisions(&["at", "v1", "log"]), [5, 4, 3, 2, 1]);
}

#[test]
fn every_error_says_what_to_do_next() {
    let home = Home::with_bundle();
    home.ok(&["init", "../study"]);
    home.ok(&["snapshot", "create", "v1"]);
    for (arguments, hint) in [
        (&["-f", "../studi", "ls"][..], "did you mean 'study'?"),
        (&["-f", "../xyzzy", "ls"], "datafolio init"),
        (&["at", "99", "ls"], "datafolio log"),
        (&["undo", "999"], "datafolio log"),
        (&["snapshot", "create", "v1"], "choose another name"),
        (&["snapshot", "create", "a b"], "use letters"),
        (&["at", "2", "meta", "k", "1"], "without `at`"),
    ] {
        let err = home.fails(arguments, 1);
        let found = err.lines().find_map(|line| line.strip_prefix("hint: "));
        has(found.unwrap_or_else(|| panic!("{arguments:?} gives no hint: {err}")), &[hint]);
    }
    has(&home.fails(&["meta", "", "v"], 2), &["empty"]);
}

/// Whoever typed no path cannot know which one is meant.
#[test]
fn a_place_that_the_environment_names_is_told_as_such() {
    let mut home = Home::new();
    home.ok(&["init", "study"]);
    fs::create_dir(home.path("empty")).unwrap();
    for place in ["empty", "xyzzy"] {
        home = home.with("DATAFOLIO_PATH", place);
        let err = home.fails(&["ls"], 1);
        has(&err, &["Not a DataFolio bundle", "hint: DATAFOLIO_PATH names this place: ", "-f", &format!("{place}`")]);
        assert!(!home.fails(&["-f", "other", "ls"], 1).contains("DATAFOLIO_PATH"));
    }
    home = home.with("DATAFOLIO_PATH", "studi");
    has(&home.fails(&["ls"], 1), &["hint: DATAFOLIO_PATH names this place; did you mean 'study'?"]);
}

#[cfg(unix)]
#[test]
fn a_directory_that_is_gone_is_named_as_what_it_is() {
    let home = Home::with_bundle();
    fs::create_dir(home.path("gone")).unwrap();
    let program = env!("CARGO_BIN_EXE_datafolio");
    let output = std::process::Command::new("sh")
        .args(["-c", &format!("cd gone && rmdir ../gone && '{program}' ls")])
        .current_dir(home.path(""))
        .env_remove("DATAFOLIO_PATH")
        .env("HOME", home.root())
        .output()
        .unwrap();
    has(
        &String::from_utf8_lossy(&output.stderr),
        &["cannot find the current directory", "hint: change to a directory"],
    );
}

#[test]
fn patterns_that_cannot_be_read_are_wrong_arguments() {
    let home = Home::with_bundle();
    for arguments in [&["ls", "a["][..], &["find", "a["], &["describe", "a["]] {
        has(&home.fails(arguments, 2), &["Invalid pattern 'a['"]);
    }
}

#[test]
fn with_json_nobody_is_asked_and_one_value_is_printed() {
    let home = Home::with_bundle();
    let error = |arguments: &[&str], code: i32| -> Value {
        let ran = home.answer(arguments, "y\n");
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{arguments:?}: {}", ran.err);
        let last = ran.err.lines().last().unwrap();
        serde_json::from_str::<Value>(last).unwrap_or_else(|_| panic!("{arguments:?}: {}", ran.err))["error"].clone()
    };
    home.ok(&["snapshot", "create", "v1"]);
    for arguments in [
        &["rm", "raw", "--json"][..],
        &["snapshot", "delete", "v1", "--json"],
        &["snapshot", "restore", "v1", "--json"],
        &["init", ".", "--json"],
    ] {
        let error = error(arguments, 1);
        assert_eq!(error["code"], "not-confirmed", "{arguments:?}");
        has(error["hint"].as_str().unwrap(), &["-y"]);
    }
    for form in ["csv", "tsv", "jsonl", "table"] {
        assert_eq!(error(&["cat", "raw", "--format", form, "--json"], 2)["code"], "usage");
    }
    assert_eq!(error(&["cat", "notes", "--json"], 2)["code"], "usage");
    assert_eq!(error(&["lineage", "--format", "dot", "--json"], 2)["code"], "usage");
    assert_eq!(error(&["--json"], 2)["code"], "usage");
    assert_eq!(home.json(&["--version"])["version"], env!("CARGO_PKG_VERSION"));
    let completions = home.json(&["completions", "bash"]);
    assert_eq!(completions["shell"], "bash");
    has(completions["script"].as_str().unwrap(), &["datafolio"]);

    // The whole message, and the tip as what it is.
    let wrong = error(&["ls", "--tpye", "json", "--json"], 2);
    assert_eq!(wrong["message"], "unexpected argument '--tpye' found");
    has(wrong["hint"].as_str().unwrap(), &["a similar argument exists: '--type'"]);
    let missing = error(&["rename", "--json"], 2);
    has(missing["message"].as_str().unwrap(), &["required arguments", "<OLD>", "<NEW>"]);
    has(missing["hint"].as_str().unwrap(), &["usage: datafolio rename"]);
    let value = error(&["ls", "--type", "tabel", "--json"], 2);
    has(value["message"].as_str().unwrap(), &["invalid value 'tabel'", "possible values", "table"]);
}

#[test]
fn remarks_do_not_get_among_the_data() {
    let home = Home::with_bundle();
    let ran = home.run(&["ls", "xyzzy"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", "No items found\n"));
    // Python DataFolio's scripts look for these on standard output.
    has(&home.ok(&["snapshot", "list"]), &["No snapshots found"]);
    has(&home.ok(&["add", "notes.txt", "-n", "more"]), &["✓ Added more"]);
}

#[test]
fn the_setting_of_colours_reaches_help_and_usage_errors() {
    let home = Home::new().with("DATAFOLIO_COLOR", "always");
    assert!(home.ok(&["--help"]).contains("\u{1b}["));
    assert!(home.fails(&["nonsense"], 2).contains("\u{1b}["));
    assert!(!home.fails(&["nonsense", "--color", "never"], 2).contains("\u{1b}["));
}
