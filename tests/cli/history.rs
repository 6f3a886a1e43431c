//! Revisions: `log`, `at`, `undo`, `du`, `gc`.

use serde_json::json;

use datafolio::core::history::HistoryFile;

use super::{Home, has};
use crate::support::{flip_a_bit, history_file};

#[test]
fn the_log_tells_who_changed_what() {
    let home = Home::with_bundle().with("USER", "ada");
    home.write("params.json", "1");
    home.ok(&["add", "params.json", "--overwrite"]);
    let versions = home.json(&["log", "params", "--versions"]);
    let ids: Vec<&str> = versions.as_array().unwrap().iter().map(|v| v["version"].as_str().unwrap()).collect();
    let [new, old] = ids[..] else { panic!("{ids:?}") };
    // An id tells the item and the revision that made it.
    assert!(new.starts_with("params--r5") && old.starts_with("params--r3"), "{ids:?}");
    let log = home.json(&["log"]);
    let revisions: Vec<u64> = log.as_array().unwrap().iter().map(|entry| entry["revision"].as_u64().unwrap()).collect();
    assert_eq!(revisions, [5, 4, 3, 2, 1]);
    assert_eq!(log[0]["writer"]["user"], "ada");
    let change = &log[0]["changes"]["items"][0];
    let versions = home.json(&["log", "params", "--versions"]);
    let ids: Vec<&str> = versions.as_array().unwrap().iter().map(|v| v["version"].as_str().unwrap()).collect();
    assert!(ids.len() == 2 && ids[0].starts_with("params--r5-") && ids[1].starts_with("params--r3-"), "{ids:?}");
    assert_eq!(
        (&change["name"], &change["change"], &change["from"]),
        (&json!("params"), &json!("replaced"), &json!(ids[1]))
    );
    let out = home.ok(&["log", "-n", "1"]);
    has(&out, &["r5", "ada@", "replaced", &format!("{} → {}", ids[1], ids[0])]);
    assert_eq!(home.json(&["log", "params"]).as_array().unwrap().len(), 2);
    assert_eq!(home.json(&["get", "params", "--version", ids[1]])["rate"], 0.1);
    let mistyped = ids[0].replacen("--r5", "-r5", 1);
    has(&home.fails(&["get", "params", "--version", &mistyped], 1), &[&format!("did you mean '{}'?", ids[0])]);
    home.fails(&["log", "nothing"], 1);
}

#[test]
fn every_reading_command_runs_on_an_earlier_state() {
    let home = Home::with_bundle();
    home.ok(&["snapshot", "create", "v1"]);
    home.ok(&["rm", "raw", "-y"]);
    for state in ["3", "r3", "revision:3", "v1", "snapshot:v1"] {
        assert_eq!(home.ok(&["at", state, "cat", "raw", "-n", "1"]), "id,name\n1,one\n", "{state}");
    }
    assert_eq!(home.json(&["at", "2", "ls"]).as_array().unwrap().len(), 1);
    home.ok(&["at", "v1", "export", "raw", "then.csv"]);
    home.ok(&["at", "v1", "copy", "../then"]);
    has(&home.ok(&["at", "v1", "describe"]), &["Snapshot: v1", "raw"]);
    has(&home.fails(&["at", "2", "meta", "x", "1"], 1), &["read-only", "revision 2"]);
    has(&home.fails(&["at", "99", "ls"], 1), &["revision 99"]);
    has(&home.fails(&["at", "v11", "ls"], 1), &["did you mean 'v1'?"]);
    home.fails(&["at", "v1", "rm", "raw"], 2);

    home.ok(&["snapshot", "create", "2024"]);
    has(&home.fails(&["at", "2024", "ls"], 2), &["revision:2024", "snapshot:2024"]);
    home.ok(&["at", "snapshot:2024", "ls"]);
}

#[test]
fn undo_and_undo_of_undo() {
    let home = Home::with_bundle();
    home.write("params.json", "1");
    home.ok(&["add", "params.json", "--overwrite"]);
    assert_eq!(home.json(&["undo"])["undone"], 5);
    assert_eq!(home.json(&["get", "params"])["rate"], 0.1);
    home.ok(&["undo"]);
    assert_eq!(home.json(&["get", "params"]), 1);
    home.ok(&["undo", "r4"]);
    home.fails(&["info", "notes"], 1);
    has(&home.fails(&["undo", "3"], 1), &["undo"]);
    home.fails(&["undo", "1"], 1);
    home.fails(&["undo", "x"], 2);
}

#[test]
fn space_is_counted_and_freed() {
    let home = Home::with_bundle();
    home.write("params.json", "1");
    home.ok(&["add", "params.json", "--overwrite"]);
    let usage = home.json(&["du"]);
    assert_eq!(usage["reclaimable_bytes"], 0);
    assert_eq!(usage["items"].as_array().unwrap().len(), 3);
    has(&home.ok(&["du", "--versions"]), &["params--r3-", "Total:"]);

    let keep_one = ["gc", "--grace", "0", "--keep-days", "0", "--keep-revisions", "1"];
    let found = home.json(&keep_one);
    assert_eq!((&found["applied"], found["payloads"].as_array().unwrap().len()), (&json!(false), 1));
    has(&home.ok(&keep_one), &["would be removed", "--apply"]);
    home.ok(&["at", "3", "get", "params"]);
    let mut apply = keep_one.to_vec();
    apply.push("--apply");
    has(&home.ok(&apply), &["Removed"]);
    has(&home.fails(&["at", "3", "get", "params"], 1), &["revision 3"]);
    has(&home.ok(&["gc"]), &["Nothing to remove"]);
    home.ok(&["verify"]);
    home.fails(&["gc", "--grace", "soon"], 2);
}

#[test]
fn a_broken_history_is_shown_as_far_as_it_goes() {
    let home = Home::with_bundle();
    let folio = datafolio::DataFolio::open(home.path("")).unwrap();
    flip_a_bit(&history_file(&folio, 3, HistoryFile::Entry));
    let ran = home.run(&["log"]);
    assert_eq!(ran.code, 1);
    has(&ran.out, &["r4", "r3  the history is broken here", "does not match its own seal", "r2", "r1"]);
    let ran = home.run(&["log", "--json"]);
    let lines: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, lines.as_array().unwrap().len()), (1, 4));
    assert_eq!((&lines[0]["revision"], &lines[1]["break"]["revision"]), (&json!(4), &json!(3)));
    assert_eq!(lines[1]["break"]["code"], "damaged-history");
    // What it shows is whole.
    home.ok(&["log", "-n", "1"]);
    let ran = home.run(&["du"]);
    assert_eq!(ran.code, 0);
    has(&ran.err, &["revision 3"]);
    home.ok(&["at", "2", "ls"]);
    has(&home.fails(&["gc"], 1), &["does not match its own seal"]);
}

#[test]
fn undo_tells_what_names_an_item_that_is_gone() {
    let home = Home::with_bundle();
    let ran = home.run(&["undo", "2", "--json"]);
    assert_eq!(ran.code, 0);
    let undone: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&undone["removed"], &undone["dependents"]), (&json!(["raw"]), &json!({"raw": ["params"]})));
    has(&ran.err, &["'raw' is gone, and is an input of params"]);
}

/// Each version that was listed cost the memory of a whole catalogue.
#[cfg(target_os = "linux")]
#[test]
fn listing_versions_takes_no_more_memory_with_each_version() {
    use datafolio::AddOptions;
    let home = Home::new();
    let folio = datafolio::DataFolio::create(home.path("b")).unwrap();
    let mut batch = folio.batch().unwrap();
    for n in 0..20 {
        batch.add(&format!("large{n}"), json!(n), AddOptions::new().description("d".repeat(150_000))).unwrap();
    }
    batch.commit().unwrap();
    for n in 0..60 {
        folio.add("x", json!(n), AddOptions::new().overwrite()).unwrap();
    }
    let program = env!("CARGO_BIN_EXE_datafolio");
    // 60 catalogues of 3 MB, as text and as entries, would be 360 MB.
    let script = format!("ulimit -v 262144; exec '{program}' -f b log x --versions --json");
    let output = std::process::Command::new("sh").args(["-c", &script]).current_dir(home.path("")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let versions: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(versions.as_array().unwrap().len(), 60);
}

/// Every entry is written anew when the layout changes, and none of them says anything else.
#[test]
fn the_log_tells_a_migration_once_and_no_item_as_edited() {
    let home = Home::new();
    crate::support::copy_dir(&crate::support::fixtures().join("bundle-v1"), &home.path("old"));
    home.ok(&["-f", "old", "meta", "k", "1"]);
    let out = home.ok(&["-f", "old", "log"]);
    has(&out, &["r1 ", "migrate from DataFolio 1.x (layout 1 to 2)", "[new layout]", "metadata  k"]);
    assert!(!out.contains("edited") && !out.contains("replaced"), "{out}");
    assert_eq!(home.json(&["-f", "old", "log"])[1]["changes"], json!({}));
    has(
        &home.fails(&["-f", "old", "undo", "r1"], 1),
        &["changed the layout", "hint: the files of 1.x are kept in history/v1"],
    );
}
