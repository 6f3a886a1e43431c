//! The keys that the reference documents for `--json` are those that the commands print.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::Home;

/// What the reference says of a command.
#[derive(Debug)]
struct Row {
    /// Of what kind the value is.
    prints: String,
    /// Its keys, and whether each is always there.
    keys: BTreeMap<String, bool>,
}

fn documented() -> Vec<(String, Row)> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/cli.md")).unwrap();
    let table = page.split("## JSON\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let keys = cells[2]
            .split(", ")
            .map(|cell| (cell.split('`').nth(1).unwrap().to_owned(), !cell.ends_with("(where there are any)")));
        (cells[0].trim_matches('`').to_owned(), Row { prints: cells[1].to_owned(), keys: keys.collect() })
    })
    .collect()
}

fn compare(what: &str, row: &Row, objects: &[&Value]) {
    assert!(!objects.is_empty(), "{what} printed nothing to compare");
    for object in objects {
        let found: BTreeSet<&String> =
            object.as_object().unwrap_or_else(|| panic!("{what}: {object}")).keys().collect();
        for key in &found {
            assert!(row.keys.contains_key(*key), "{what} prints {key:?}, which the reference does not have");
        }
        for key in row.keys.iter().filter(|(_, always)| **always).map(|(key, _)| key) {
            assert!(found.contains(key), "{what} does not print {key:?}, which the reference has: {object}");
        }
    }
}

#[test]
fn the_documented_keys_are_those_that_are_printed() {
    let home = Home::with_bundle();
    home.ok(&["snapshot", "create", "v1", "--env"]);
    let reference = home.root().join("outside.csv");
    fs::write(&reference, "a\n1\n").unwrap();
    home.ok(&["add", reference.to_str().unwrap(), "--reference", "-n", "ref"]);
    home.ok(&["folios", "alias", "here"]);
    home.ok(&["init", "../gone"]);
    // A copy in the cache, as of something that lies on a store.
    let copies = home.root().join(".cache/datafolio/payloads/ab");
    fs::create_dir_all(&copies).unwrap();
    fs::write(copies.join("ab".repeat(32)), "x").unwrap();
    // Two stages, and a file that a worker has written to one.
    let stage = |name: &str| home.json_of(&["stage", "begin", name]);
    let (staged, aborted) = (stage("staged"), stage("aborted"));
    let text = |stage: &Value, key: &str| stage[key].as_str().unwrap().to_owned();
    home.ok(&["export", "raw", &format!("{}/part.0.parquet", text(&staged, "path"))]);
    let (staged, aborted) = (text(&staged, "id"), text(&aborted, "id"));
    let runs: &[(&str, &[&str])] = &[
        ("init", &["init", "../new"]),
        ("add", &["add", "params.json", "--overwrite"]),
        ("reference", &["reference", "raw.csv", "-n", "there"]),
        ("import", &["import", "raw.csv", "--overwrite"]),
        ("append", &["append", "raw", "raw.csv"]),
        ("compact", &["compact", "raw"]),
        ("convert", &["convert", "raw.csv", "raw.arrow"]),
        ("verify --references", &["verify", "--references"]),
        ("ls", &["ls"]),
        ("describe", &["describe"]),
        ("info", &["info", "raw", "--statistics"]),
        ("get TABLE", &["get", "raw"]),
        ("get FILE", &["get", "notes"]),
        ("compute", &["compute", "raw", "count()"]),
        ("compute --by KEY", &["compute", "raw", "count()", "--by", "id"]),
        ("hist", &["hist", "raw", "id"]),
        ("hist --output FILE", &["hist", "raw", "id", "--output", "h.svg"]),
        ("heatmap", &["heatmap", "raw", "id", "id * 2"]),
        ("heatmap --output FILE", &["heatmap", "raw", "id", "id * 2", "--output", "h.png"]),
        ("head", &["head", "raw"]),
        ("sample", &["sample", "raw", "-n", "2"]),
        ("iter", &["iter", "raw", "--into", "chunks"]),
        ("sql", &["sql", "SELECT * FROM raw"]),
        ("sql --output FILE", &["sql", "SELECT * FROM raw", "--output", "sql.csv"]),
        ("diff", &["diff", "raw", "--full"]),
        ("view NAME SQL", &["view", "seen", "SELECT * FROM raw"]),
        ("derive NAME SQL", &["derive", "kept", "SELECT * FROM seen"]),
        ("rerun", &["rerun", "--all", "--force"]),
        ("explain", &["explain", "kept"]),
        ("view NAME SQL", &["view", "seen", "SELECT * FROM raw LIMIT 1", "--overwrite"]),
        ("stale", &["stale"]),
        ("export", &["export", "raw", "out.csv"]),
        ("path", &["path", "raw"]),
        ("meta KEY VALUE", &["meta", "k", "1"]),
        ("meta --unset KEY", &["meta", "--unset", "k"]),
        ("lineage", &["lineage"]),
        ("lineage ITEM", &["lineage", "params"]),
        ("log", &["log"]),
        ("log ITEM --versions", &["log", "raw", "--versions"]),
        ("du", &["du"]),
        ("copy", &["copy", "../copied"]),
        ("set", &["set", "raw", "-d", "x"]),
        ("rename", &["rename", "notes", "remarks"]),
        ("rm", &["rm", "remarks"]),
        ("undo", &["undo"]),
        ("snapshot create", &["snapshot", "create", "v2"]),
        ("snapshot list", &["snapshot", "list"]),
        ("snapshot show", &["snapshot", "show", "v2"]),
        ("snapshot compare", &["snapshot", "compare", "v1", "v2"]),
        ("snapshot diff", &["snapshot", "diff"]),
        ("snapshot status", &["snapshot", "status"]),
        ("snapshot restore", &["snapshot", "restore", "v1", "-y"]),
        ("snapshot export", &["snapshot", "export", "v1", "../exported"]),
        ("snapshot reproduce", &["snapshot", "reproduce"]),
        ("snapshot delete", &["snapshot", "delete", "v2", "-y"]),
        ("snapshot gc", &["snapshot", "gc"]),
        ("gc", &["gc"]),
        ("repair", &["repair"]),
        ("find", &["find", "raw"]),
        ("find --metadata", &["find", "created_at", "--metadata"]),
        ("push", &["push", "../mirror"]),
        ("pull", &["pull", "../mirror"]),
        ("stage begin", &["stage", "begin", "another"]),
        ("stage list", &["stage", "list"]),
        ("stage commit", &["stage", "commit", &staged]),
        ("stage abort", &["stage", "abort", &aborted]),
        ("cache info", &["cache", "info"]),
        ("cache list", &["cache", "list"]),
        ("cache clear", &["cache", "clear"]),
        ("cache prefetch", &["cache", "prefetch"]),
        ("access", &["access"]),
        ("folios alias", &["folios", "alias", "again"]),
        ("folios list", &["folios", "list"]),
        ("folios unalias", &["folios", "unalias", "again"]),
        ("folios forget", &["folios", "forget", "../gone"]),
        ("folios prune", &["folios", "prune"]),
        ("completions", &["completions", "bash"]),
        ("--version", &["--version"]),
        // The last, since it damages the bundle to have something to report.
        ("verify", &["verify"]),
    ];
    let documented = documented();
    assert!(documented.len() > 40, "{documented:?}");
    let mut compared = BTreeSet::new();
    for (command, arguments) in runs {
        if *command == "verify" {
            let path = home.ok(&["path", "params"]);
            fs::write(path.trim_end(), "something else").unwrap();
        }
        let value = home.json_of(arguments);
        for (_, row) in documented.iter().filter(|(documented, _)| documented == command) {
            let of_list = |value: &Value| value.as_array().unwrap_or_else(|| panic!("{command}: {value}")).clone();
            let objects = match row.prints.strip_prefix("each of its ") {
                Some(key) => of_list(&value[key.trim_matches('`')]),
                None if row.prints == "an object" => vec![value.clone()],
                None => of_list(&value),
            };
            compare(command, row, &objects.iter().collect::<Vec<_>>());
            compared.insert(*command);
        }
    }
    for (command, _) in &documented {
        assert!(compared.contains(command.as_str()), "{command} is documented and was not run");
    }
    for (command, _) in runs {
        assert!(compared.contains(command), "{command} is not documented");
    }
}
