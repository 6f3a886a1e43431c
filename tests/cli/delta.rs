//! Delta tables in the shell.

use std::path::Path;

use super::{Home, has};

#[test]
fn a_delta_table_is_referenced_and_read() {
    let home = Home::with_bundle();
    let lake = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/delta/tests-data/tables");
    let place = |name: &str| lake.join(name).to_str().unwrap().to_owned();
    // A directory with a log is no directory of Parquet files: some of them are of rows that were deleted.
    has(&home.ok(&["reference", &place("plain"), "--name", "newest"]), &["Added newest (referenced_table)"]);
    home.ok(&["reference", &place("plain"), "--name", "first", "--version", "0", "--format", "delta"]);
    for (name, rows, version) in [("newest", 11, None), ("first", 5, Some(0))] {
        let info = home.json(&["info", name]);
        assert_eq!(info["record"]["table_format"], "delta");
        assert_eq!(info["record"]["version"].as_u64(), version);
        assert_eq!(info["record"]["num_rows"], rows);
        assert_eq!(home.json(&["head", name, "-n", "100"])["rows"].as_array().map_or(0, Vec::len), rows);
    }
    has(&home.ok(&["verify", "--references"]), &["unchanged    first", "unchanged    newest"]);
    let failed = home.fails(&["reference", &place("plain"), "--name", "x", "--version", "7"], 1);
    has(&failed, &["'x'", "no version 7: its last is 3"]);
    let failed = home.fails(&["reference", &place("plain"), "--name", "x", "--timestamp", "1999-12-31"], 1);
    has(&failed, &["no version of 1999-12-31T00:00:00.000Z"]);
    let failed = home.fails(&["reference", &place("feature"), "--name", "x"], 1);
    has(&failed, &["timeMachine"]);
    home.fails(&["reference", &place("plain"), "--timestamp", "soon"], 2);
    home.fails(&["reference", &place("plain"), "--version", "1", "--timestamp", "2024-01-01"], 2);
}
