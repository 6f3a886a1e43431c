//! What scripts around Python DataFolio's program rely on: its commands, options, texts and exit codes.

use super::{Home, has};

#[test]
fn version() {
    let out = Home::new().ok(&["--version"]);
    assert_eq!(out, format!("DataFolio version {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn init_makes_a_bundle_and_asks_before_it_takes_one_over() {
    let home = Home::new();
    let out = home.ok(&["init", "exp", "-d", "My experiment", "-n", "first"]);
    has(&out, &["Initialized DataFolio bundle: first", "Description: My experiment"]);
    assert!(home.path("exp/items.json").is_file());
    assert_eq!(home.json(&["-f", "exp", "meta", "description"]), "My experiment");

    let ran = home.answer(&["init", "exp"], "n\n");
    assert_eq!(ran.code, 0);
    has(&(ran.out + &ran.err), &["Bundle already exists", "Cancelled"]);
    let ran = home.answer(&["init", "exp", "-d", "Other"], "y\n");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(home.json(&["-f", "exp", "meta", "description"]), "Other");

    std::fs::create_dir(home.path("used")).unwrap();
    home.write("used/file", "x");
    let ran = home.answer(&["init", "used"], "n\n");
    has(&(ran.out + &ran.err), &["Cancelled"]);
    assert!(!home.path("used/items.json").exists());
    home.ok(&["init", "used", "-y"]);
    assert!(home.path("used/file").exists() && home.path("used/items.json").exists());
}

#[test]
fn commands_outside_a_bundle_name_the_missing_files() {
    let home = Home::new();
    for arguments in [&["describe"][..], &["snapshot", "list"], &["validate"], &["snapshot", "status"]] {
        has(&home.fails(arguments, 1), &["Not a DataFolio bundle", "items.json", "metadata.json"]);
    }
}

#[test]
fn validate_takes_a_path() {
    let home = Home::with_bundle();
    has(&home.ok(&["validate"]), &["Valid DataFolio bundle"]);
    let path = home.path("");
    has(&home.ok(&["validate", path.to_str().unwrap()]), &["Valid DataFolio bundle"]);
    has(&home.fails(&["validate", home.root().to_str().unwrap()], 1), &["Not a DataFolio bundle"]);
}

#[test]
fn the_bundle_comes_from_the_option_the_variable_or_the_directory() {
    let home = Home::new();
    home.ok(&["init", "a"]);
    home.ok(&["init", "b"]);
    home.ok(&["-f", "a", "meta", "who", "a"]);
    home.ok(&["-f", "b", "meta", "who", "b"]);
    assert_eq!(home.ok(&["-f", "a", "meta", "who"]), "a\n");
    // Also behind the command, as `add -a` has it.
    assert_eq!(home.ok(&["meta", "who", "-f", "b"]), "b\n");
    let home = home.with("DATAFOLIO_PATH", "a");
    assert_eq!(home.ok(&["meta", "who"]), "a\n");
    assert_eq!(home.ok(&["-f", "b", "meta", "who"]), "b\n");
    has(&home.fails(&["-f", "a", "-a", "x", "meta"], 2), &["--folio", "--alias"]);
}

#[test]
fn snapshot_texts() {
    let home = Home::with_bundle();
    has(&home.ok(&["snapshot", "list"]), &["No snapshots found"]);
    has(&home.ok(&["snapshot", "status"]), &["No snapshots yet"]);
    let out = home.ok(&["snapshot", "create", "v1.0", "-d", "First", "-t", "baseline", "-t", "paper", "--no-git"]);
    has(&out, &["Created snapshot 'v1.0'", "Items: 3", "Description: First", "Tags: baseline, paper"]);
    has(&home.fails(&["snapshot", "create", "bad name"], 1), &["Invalid snapshot name", "can only contain"]);
    has(&home.fails(&["snapshot", "create", "v1.0"], 1), &["Error", "already exists"]);
    has(&home.ok(&["snapshot", "list"]), &["v1.0", "First"]);
    has(&home.ok(&["snapshot", "list", "--tag", "paper"]), &["v1.0"]);
    has(&home.ok(&["snapshot", "list", "-t", "other"]), &["No snapshots found"]);
    has(&home.ok(&["snapshot", "show", "v1.0"]), &["Snapshot: v1.0", "First", "• params", "• raw"]);
    has(&home.fails(&["snapshot", "show", "v9"], 1), &["not found"]);
    has(&home.ok(&["snapshot", "status"]), &["Last snapshot: v1.0", "No changes since last snapshot"]);
    has(&home.ok(&["snapshot", "diff"]), &["Comparing current state", "No changes"]);

    home.write("params.json", "[]");
    home.ok(&["add", "params.json", "--overwrite"]);
    home.ok(&["add", "notes.txt", "-n", "more"]);
    let out = home.ok(&["snapshot", "status"]);
    has(
        &out,
        &["Changes since last snapshot", "Added (1)", "+ more", "Modified (1)", "~ params", "Unchanged: 2 items"],
    );
    has(&home.ok(&["snapshot", "diff", "v1.0"]), &["Comparing current state", "~ params", "= raw"]);
    has(&home.fails(&["snapshot", "diff", "v9"], 1), &["not found"]);
    home.ok(&["snapshot", "create", "v2.0"]);
    let out = home.ok(&["snapshot", "compare", "v1.0", "v2.0"]);
    has(&out, &["Comparing v1.0 → v2.0", "+ more", "~ params", "Added: 1", "Removed: 0", "Unchanged: 2"]);
    home.fails(&["snapshot", "compare", "v1.0", "v9"], 1);

    has(&home.ok(&["snapshot", "reproduce", "v1.0"]), &["To reproduce snapshot 'v1.0':"]);
    let ran = home.answer(&["snapshot", "delete", "v1.0"], "n\n");
    has(&ran.out, &["Cancelled"]);
    has(&home.ok(&["snapshot", "delete", "v1.0", "-y"]), &["Deleted snapshot 'v1.0'"]);
    home.ok(&["snapshot", "gc", "--dry-run"]);
    home.ok(&["snapshot", "gc"]);
}

#[test]
fn files_become_items_by_their_extension() {
    let home = Home::new();
    home.ok(&["init"]);
    home.write("t.csv", "a\n1\n");
    home.write("u.tsv", "a\tb\n1\t2\n");
    home.write("j.json", "{}");
    home.write("n.txt", "x");
    home.write("m.joblib", "opaque");
    home.write("k.pkl", "opaque");
    // A .npy file of one float64, as numpy 2 writes it.
    let mut npy = b"\x93NUMPY\x01\0\x76\0{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }".to_vec();
    npy.resize(127, b' ');
    npy.push(b'\n');
    npy.extend(2.5f64.to_le_bytes());
    home.write("a.npy", npy);
    for (file, item_type) in [
        ("t.csv", "included_table"),
        ("u.tsv", "included_table"),
        ("j.json", "json_data"),
        ("n.txt", "artifact"),
        ("m.joblib", "model"),
        ("k.pkl", "model"),
        ("a.npy", "numpy_array"),
    ] {
        let (name, _) = file.split_once('.').unwrap();
        assert!(home.ok(&["add", file]).starts_with(&format!("✓ Added {name} ({item_type}) to ")), "{file}");
        assert_eq!(home.json(&["info", name])["item_type"], item_type);
    }
    assert_eq!(home.ok(&["cat", "a", "--format", "json"]), "[2.5]\n");
    home.ok(&["add", "t.csv", "--as-file", "-n", "kept"]);
    assert_eq!(home.json(&["info", "kept"])["item_type"], "artifact");
    // One verb for one thing: this is how Python says `reference`.
    assert!(!home.ok(&["add", "--help"]).contains("--reference"));
    home.ok(&["add", "t.csv", "--reference", "-n", "linked"]);
    assert_eq!(home.json(&["info", "linked"])["item_type"], "referenced_table");
    assert_eq!(home.ok(&["cat", "linked"]), "a\n1\n");
    has(&home.fails(&["add", "t.csv"], 1), &["already exists", "--overwrite"]);
    home.ok(&["init", "other"]);
    home.ok(&["add", "t.csv", "--to", "other"]);
    assert_eq!(home.json(&["-f", "other", "ls"]).as_array().unwrap().len(), 1);
}

#[test]
fn describe_shows_what_python_shows() {
    let home = Home::with_bundle();
    home.ok(&["meta", "experiment", "café"]);
    home.ok(&["snapshot", "create", "v1", "-t", "baseline"]);
    let out = home.ok(&["describe"]);
    let parts = ["Created:", "Updated:", "Metadata (1 fields):", "  • experiment: café", "Snapshots (1):", "  • v1:"];
    has(&out, &parts);
    has(
        &out,
        &["Tables (1):", "  • raw: Raw rows", "JSON Data (1):", "inputs: raw", "Artifacts (1):", "• notes (docs)"],
    );
    assert!(!out.contains("READ-ONLY"));
    has(&home.ok(&["describe", "-s", "v1"]), &["Snapshot: v1", "[READ-ONLY MODE]"]);
    assert!(!home.ok(&["describe", "notes"]).contains("raw:"));
    has(&home.ok(&["describe", "--show-empty"]), &["Timestamps (0):", "(none)"]);
    assert!(home.ok(&["describe", "--max-metadata", "0"]).contains("(1 more fields)"));
}
