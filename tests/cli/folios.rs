//! Aliases and recent bundles, and searching them.

use serde_json::{Value, json};

use super::{Home, has};

fn registry(home: &Home) -> Value {
    serde_json::from_str(&std::fs::read_to_string(home.root().join(".datafolio/registry.json")).unwrap()).unwrap()
}

#[test]
fn aliases_reach_bundles_from_anywhere() {
    let home = Home::new();
    has(&home.ok(&["init", "one", "-a", "first"]), &["Alias: first"]);
    home.ok(&["init", "two"]);
    has(&home.ok(&["folios", "alias", "second", "two"]), &["second → ", "two"]);
    home.ok(&["-a", "second", "meta", "who", "two"]);
    assert_eq!(home.ok(&["-f", "two", "meta", "who"]), "two\n");
    has(
        &home.fails(&["-a", "secnd", "ls"], 1),
        &["No folio registered as 'secnd'", "first, second", "did you mean 'second'?"],
    );
    has(&home.fails(&["folios", "alias", "second", "one"], 1), &["--overwrite"]);
    home.ok(&["folios", "alias", "second", "one", "--overwrite"]);
    has(&home.fails(&["folios", "alias", "a b", "one"], 1), &["can only contain"]);
    home.ok(&["folios", "unalias", "second"]);
    home.fails(&["folios", "unalias", "second"], 1);
}

/// The file has the form that Python DataFolio 2.3 reads, and what it does not explain stays.
#[test]
fn the_file_is_shared_with_python() {
    let home = Home::new();
    home.ok(&["init", "b"]);
    let path = std::fs::canonicalize(home.path("b")).unwrap().to_str().unwrap().to_owned();
    let written_by_python = json!({
        "version": 1,
        "aliases": {"al": {"path": path, "created_at": "2026-11-21T07:01:05.899094+00:00"}},
        "recent": [{"path": "/gone", "last_accessed": "2026-11-20T00:00:00+00:00"}],
        "later": {"kept": true},
    });
    let file = home.root().join(".datafolio/registry.json");
    std::fs::write(&file, written_by_python.to_string()).unwrap();
    home.ok(&["-a", "al", "ls"]);
    let now = registry(&home);
    assert_eq!(
        (&now["version"], &now["aliases"], &now["later"]),
        (&json!(1), &written_by_python["aliases"], &json!({"kept": true}))
    );
    assert_eq!(now["recent"][0]["path"], path.as_str());
    assert!(now["recent"][0]["last_accessed"].is_string());
    assert_eq!(now["recent"][1], written_by_python["recent"][0]);

    // A command that fails is no use of the bundle.
    home.fails(&["-f", "nowhere", "ls"], 1);
    assert_eq!(registry(&home)["recent"].as_array().unwrap().len(), 2);
    has(&home.ok(&["folios", "prune"]), &["/gone"]);
    has(&home.ok(&["folios", "prune"]), &["Nothing to prune."]);
    has(&home.ok(&["folios", "forget", "b"]), &["Forgot"]);
    has(&home.fails(&["folios", "forget", "b"], 1), &["Not in the recent list"]);
    assert_eq!(registry(&home)["recent"], json!([]));

    // A damaged file is not thrown away, and stops nothing that does not need it.
    std::fs::write(&file, "{broken").unwrap();
    home.ok(&["-f", "b", "ls"]);
    has(&home.fails(&["folios", "list"], 1), &["registry.json"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{broken");
}

#[test]
fn the_list_can_lie_elsewhere() {
    let home = Home::new();
    let elsewhere = home.root().join("elsewhere").to_str().unwrap().to_owned();
    let home = home.with("DATAFOLIO_HOME", &elsewhere);
    home.ok(&["init", "b", "-a", "x"]);
    assert!(!home.root().join(".datafolio").exists());
    assert_eq!(home.json(&["folios", "list"])[0]["alias"], "x");
}

#[test]
fn find_looks_into_all_known_bundles() {
    let home = Home::with_bundle();
    home.ok(&["folios", "alias", "main"]);
    home.ok(&["init", "other"]);
    home.ok(&["-f", "other", "add", "notes.txt", "-n", "Notes2", "-d", "about synapses"]);
    home.ok(&["-f", "other", "meta", "dataset", "minnie65"]);
    let names = |arguments: &[&str]| -> Vec<String> {
        let found = home.json(arguments);
        found.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&["find", "note*"]), ["notes", "Notes2"]);
    assert_eq!(names(&["find", "note*", "--case-sensitive"]), ["notes"]);
    assert_eq!(names(&["find", "raw|par", "--regex"]), ["raw", "params"]);
    assert_eq!(names(&["find", "--type", "table"]), ["raw"]);
    assert_eq!(names(&["find", "*", "--in", "main", "--type", "artifact"]), ["notes"]);
    assert_eq!(names(&["find", "*", "--in", "other"]), ["Notes2"]);
    assert_eq!(names(&["find", "*", "--aliases-only"]).len(), 3);
    assert_eq!(names(&["find", "SYNAPSE", "--desc"]), ["Notes2"]);
    assert_eq!(home.json(&["find", "data*=minnie*", "--metadata"])[0]["key"], "dataset");
    has(&home.ok(&["find", "raw"]), &["FOLIO", "main", " table ", "Raw rows"]);
    let ran = home.run(&["find", "nothing"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, "No matches for 'nothing'.\n"));
    has(&home.fails(&["find", "(", "--regex"], 2), &["Invalid pattern '('"]);
    // What cannot be opened is left out and said.
    std::fs::write(home.path("other/items.json"), "{").unwrap();
    let ran = home.run(&["find", "notes"]);
    assert_eq!(ran.code, 0);
    has(&ran.err, &["⚠", "other"]);
}
