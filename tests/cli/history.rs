//! Revisions: `log`, `at`, `undo`, `du`, `gc`.

use serde_json::json;

use super::{Home, has};

#[test]
fn the_log_tells_who_changed_what() {
    let home = Home::with_bundle().with("USER", "ada");
    home.write("params.json", "1");
    home.ok(&["add", "params.json", "--overwrite"]);
    let log = home.json(&["log"]);
    let revisions: Vec<u64> = log.as_array().unwrap().iter().map(|entry| entry["revision"].as_u64().unwrap()).collect();
    assert_eq!(revisions, [5, 4, 3, 2, 1]);
    assert_eq!(log[0]["writer"]["user"], "ada");
    let change = &log[0]["changes"]["items"][0];
    assert_eq!(
        (&change["name"], &change["change"], &change["from"]),
        (&json!("params"), &json!("replaced"), &json!("params--r3"))
    );
    let out = home.ok(&["log", "-n", "1"]);
    has(&out, &["r5", "ada@", "replaced", "params--r3 → params--r5"]);
    assert_eq!(home.json(&["log", "params"]).as_array().unwrap().len(), 2);
    let versions = home.json(&["log", "params", "--versions"]);
    let ids: Vec<&str> = versions.as_array().unwrap().iter().map(|v| v["version"].as_str().unwrap()).collect();
    assert_eq!(ids, ["params--r5", "params--r3"]);
    assert_eq!(home.json(&["get", "params", "--version", "params--r3"])["rate"], 0.1);
    has(&home.fails(&["get", "params", "--version", "params--r4"], 1), &["did you mean 'params--r5'?"]);
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
    home.ok(&["at", "v1", "copy", "then"]);
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
    has(&home.ok(&["du", "--versions"]), &["params--r3", "Total:"]);

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
