//! Arrays as text, of which the program holds a part at a time.

use datafolio::handlers::npy::NpyArray;
use serde_json::{Value, json};

use super::{Home, has};

fn file_of(array: &NpyArray) -> Vec<u8> {
    let mut bytes = Vec::new();
    array.write(&mut bytes).unwrap();
    bytes
}

#[test]
fn an_array_has_the_same_elements_in_every_form() {
    let home = Home::new();
    home.ok(&["init"]);
    home.write(
        "a.npy",
        file_of(&NpyArray::from_slice(&[2, 2], &[1.5, f64::NAN, f64::NEG_INFINITY, f64::INFINITY]).unwrap()),
    );
    home.ok(&["add", "a.npy"]);
    let expected = json!([[1.5, null], [null, null]]);
    assert_eq!(home.json(&["get", "a"]), json!({"dtype": "float64", "shape": [2, 2], "data": expected}));
    has(&home.ok(&["get", "a"]), &["[1.5, nan]\n[-inf, inf]\n"]);
    has(&home.ok(&["get", "a", "--json"]), &["\"data\": [\n    [\n      1.5,\n      null\n    ],\n"]);
    assert_eq!(home.json(&["cat", "a"]), expected);
    assert_eq!(home.ok(&["cat", "a", "--format", "jsonl"]), "[1.5,null]\n[null,null]\n");
    assert_eq!(home.ok(&["cat", "a", "--format", "csv"]), "1.5,nan\n-inf,inf\n");
    home.ok(&["export", "a", "a.json"]);
    let exported: Value = serde_json::from_slice(&std::fs::read(home.path("a.json")).unwrap()).unwrap();
    assert_eq!(exported, expected);
    has(&home.fails(&["export", "a", "a.csv"], 1), &["an array", "*.npy or *.json"]);
    has(&home.fails(&["cat", "a", "--limit", "1"], 2), &["'a' is an array"]);
}

#[test]
fn elements_without_a_json_form_are_left_out_or_refused() {
    let home = Home::new();
    home.ok(&["init"]);
    home.write("c.npy", file_of(&NpyArray::new("<c8", &[1], false, vec![0; 8]).unwrap()));
    home.ok(&["add", "c.npy"]);
    assert_eq!(home.json(&["get", "c"]), json!({"dtype": "complex64", "shape": [1], "data": null}));
    has(&home.ok(&["get", "c"]), &["array of complex64", "not shown as text"]);
    has(&home.fails(&["export", "c", "c.json"], 1), &["complex64", "FILE.npy"]);
    assert!(!home.path("c.json").exists());
}

#[cfg(target_os = "linux")]
mod memory {
    use std::process::{Child, Stdio};
    use std::time::Duration;

    use super::*;

    /// The array alone has 32 MB.
    const LIMIT_KB: u64 = 20 << 10;
    const ROWS: u64 = 2000;
    const COLUMNS: u64 = 2000;

    /// The most memory of its own that the program is seen with until it ends: what it has of its files, and of itself, is the
    /// system's, and grows with the program.
    fn peak_kb(mut child: Child) -> u64 {
        let mut peak = 0;
        loop {
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
            peak = peak.max(line.map_or(0, |line| line.trim().trim_end_matches(" kB").parse().unwrap()));
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success());
                return peak;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// In its file it has 32 MB, and as JSON values in memory it would have twenty times that.
    #[test]
    fn a_large_array_is_never_held_in_memory() {
        let home = Home::new();
        home.ok(&["init"]);
        let values: Vec<f64> = (0..ROWS * COLUMNS).map(|number| number as f64).collect();
        let bytes = values.iter().flat_map(|number| number.to_le_bytes()).collect();
        let in_fortran = NpyArray::new("<f8", &[ROWS, COLUMNS], true, bytes).unwrap();
        let in_c = NpyArray::from_slice(&[ROWS, COLUMNS], &values).unwrap();
        for (name, array) in [("rows", in_c), ("columns", in_fortran)] {
            home.write(&format!("{name}.npy"), file_of(&array));
            home.ok(&["add", &format!("{name}.npy")]);
        }
        let run = |arguments: &[&str]| {
            let mut command = home.command(arguments);
            // What is freed goes back to the system at once: the peak is what was held, not what glibc kept.
            command.env("MALLOC_MMAP_THRESHOLD_", "131072").stdout(Stdio::null());
            peak_kb(command.spawn().unwrap())
        };
        for name in ["rows", "columns"] {
            let file = format!("{name}.json");
            for arguments in [
                &["get", name, "--json"][..],
                &["export", name, &file],
                &["cat", name, "--format", "csv"],
                &["cat", name, "--format", "jsonl"],
            ] {
                let held = run(arguments);
                println!("{arguments:?}: {held} kB");
                assert!(held < LIMIT_KB, "{arguments:?} held {held} kB");
            }
            let first: Vec<f64> = match name {
                "rows" => (0..COLUMNS).map(|column| column as f64).collect(),
                _ => (0..COLUMNS).map(|column| (column * ROWS) as f64).collect(),
            };
            let exported = std::fs::read(home.path(&file)).unwrap();
            let rows: Vec<Vec<f64>> = serde_json::from_slice(&exported).unwrap();
            assert!(rows.len() as u64 == ROWS && rows[0] == first, "{name}");
        }
    }
}
