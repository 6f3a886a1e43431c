//! Every cell of the merge table in `docs/design/002-merge-table.md`.

use std::sync::Arc;

use datafolio_core::{
    AppendParts, Applied, Catalogue, Change, ChangeSet, CompactParts, CoreError, CoreResult, Entry, ItemEdit, Part,
    Snapshot, replay,
};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::support::{NOW, describe, entry, parse, put, repoint, set, snapshot, stamp, through_text};

/// The names of one set of things: the writers use the same set, or two that are disjoint.
struct Names(&'static str);

impl Names {
    fn of(&self, name: &str) -> String {
        format!("{name}{}", self.0)
    }
}

/// What a writer does, and how that shows afterwards.
struct Action {
    word: &'static str,
    /// The changes of a writer who sees this catalogue. The number tells the two writers apart.
    change: fn(&Names, &Catalogue, u64) -> Change,
    /// Whether a catalogue shows the effect.
    shows: fn(&Names, &Catalogue, u64) -> bool,
}

fn current<'a>(catalogue: &'a Catalogue, name: &str) -> Option<&'a Arc<Entry>> {
    catalogue.current.get(name)
}

fn has_file(catalogue: &Catalogue, name: &str, file: &str) -> bool {
    current(catalogue, name).is_some_and(|entry| entry.filename() == Some(file))
}

fn old<'a>(catalogue: &'a Catalogue, name: &str) -> Option<&'a Arc<Entry>> {
    catalogue.retired.iter().find(|entry| entry.name() == name)
}

/// The deleted snapshot that is to come back: it held version 0 of `x`.
fn former(names: &Names) -> Arc<Snapshot> {
    let fields = json!({"name": names.of("u"), "item_versions": {names.of("x"): format!("{}--r0", names.of("x"))}});
    Arc::new(Snapshot::from_fields(&names.of("u"), fields.as_object().unwrap()))
}

fn held(catalogue: &Catalogue, snapshot: &str, item: &str) -> Option<String> {
    let entries = catalogue.snapshot_entries(snapshot).ok()?;
    entries.get(item)?.as_ref().ok()?.version_id().map(str::to_owned)
}

const ACTIONS: &[Action] = &[
    Action {
        word: "add",
        change: |n, _, who| put(&n.of("n"), &format!("new{who}"), &[], false),
        shows: |n, c, who| has_file(c, &n.of("n"), &format!("new{who}")),
    },
    Action {
        word: "over",
        change: |n, _, who| put(&n.of("x"), &format!("new{who}"), &[], true),
        shows: |n, c, who| has_file(c, &n.of("x"), &format!("new{who}")),
    },
    Action {
        word: "dep",
        change: |n, _, who| put(&n.of("y"), &format!("new{who}"), &[&n.of("x")], true),
        shows: |n, c, who| {
            let y = current(c, &n.of("y")).unwrap();
            let inputs = y.record().unwrap().inputs().join(",");
            // The item that it was made from may have been renamed since.
            y.filename() == Some(&format!("new{who}")) && (inputs == n.of("x") || inputs == n.of("w"))
        },
    },
    Action {
        word: "del",
        change: |n, _, _| Change::Delete { name: n.of("x") },
        shows: |n, c, _| current(c, &n.of("x")).is_none(),
    },
    Action {
        word: "edit",
        change: |n, _, who| describe(&n.of("x"), &format!("text {who}")),
        shows: |n, c, who| {
            let record = current(c, &n.of("x")).unwrap().record().unwrap();
            record.description() == Some(&format!("text {who}"))
        },
    },
    Action {
        word: "arch",
        change: |n, _, _| {
            let edit = ItemEdit { archived: Some(true), ..ItemEdit::default() };
            Change::Edit { name: n.of("x"), edit }
        },
        shows: |n, c, _| current(c, &n.of("x")).is_some_and(|entry| entry.is_archived()),
    },
    Action {
        word: "ren",
        change: |n, _, _| Change::Rename { from: n.of("x"), to: n.of("w") },
        shows: |n, c, _| {
            let y = current(c, &n.of("y")).unwrap().record().unwrap();
            current(c, &n.of("x")).is_none()
                && has_file(c, &n.of("w"), &format!("{}-1.json", n.of("x")))
                && y.inputs() == [n.of("w")]
        },
    },
    Action {
        word: "take",
        change: |n, _, _| Change::Rename { from: n.of("z"), to: n.of("n") },
        shows: |n, c, _| current(c, &n.of("z")).is_none() && has_file(c, &n.of("n"), &format!("{}-1.json", n.of("z"))),
    },
    Action {
        word: "rep",
        change: |n, c, _| repoint(&n.of("x"), old(c, &n.of("x"))),
        shows: |n, c, _| has_file(c, &n.of("x"), &format!("{}-0.json", n.of("x"))),
    },
    Action {
        word: "drop",
        change: |n, _, _| repoint(&n.of("x"), None),
        shows: |n, c, _| current(c, &n.of("x")).is_none(),
    },
    Action {
        word: "back",
        change: |n, c, _| repoint(&n.of("gone"), old(c, &n.of("gone"))),
        shows: |n, c, _| has_file(c, &n.of("gone"), &format!("{}-0.json", n.of("gone"))),
    },
    Action {
        word: "set",
        change: |n, _, who| set(&n.of("k"), Some(json!(who))),
        shows: |n, c, who| c.metadata_value(&n.of("k")) == Some(json!(who)),
    },
    Action {
        word: "unset",
        change: |n, _, _| set(&n.of("k"), None),
        shows: |n, c, _| !c.metadata.contains_key(&n.of("k")),
    },
    Action {
        word: "snap",
        change: |n, c, _| snapshot(&n.of("t"), c),
        // What its maker saw, whatever became of it.
        shows: |n, c, _| {
            let (t, x, y) = (n.of("t"), n.of("x"), n.of("y"));
            held(c, &t, &x) == Some(format!("{x}--r1")) && held(c, &t, &y) == Some(format!("{y}--r1"))
        },
    },
    Action {
        word: "unsnap",
        change: |n, _, _| Change::DeleteSnapshot { name: n.of("s") },
        shows: |n, c, _| !c.snapshots.contains_key(&n.of("s")) && c.orphans().is_empty(),
    },
    Action {
        word: "resnap",
        change: |n, c, _| Change::RevertSnapshot {
            snapshot: former(n),
            entries: old(c, &n.of("x")).cloned().into_iter().collect(),
        },
        shows: |n, c, _| held(c, &n.of("u"), &n.of("x")) == Some(format!("{}--r0", n.of("x"))),
    },
    Action {
        word: "orph",
        change: |_, _, _| Change::DropOrphans,
        shows: |n, c, _| old(c, &n.of("orphan")).is_none() && c.orphans().is_empty(),
    },
    Action {
        word: "follow",
        change: |n, _, _| Change::RenameInputs { from: n.of("x"), to: n.of("w") },
        shows: |n, c, _| current(c, &n.of("y")).unwrap().record().unwrap().inputs() == [n.of("w")],
    },
    Action {
        word: "app",
        change: |n, _, who| append(&n.of("x"), &format!("new{who}"), &[("a", "int64")]),
        shows: |n, c, who| part_names(c, &n.of("x")).contains(&format!("new{who}")),
    },
    Action {
        word: "comp",
        change: |n, _, who| compact(&n.of("x"), &["p1", "p2"], &format!("merged{who}")),
        shows: |n, c, who| part_names(c, &n.of("x"))[0] == format!("merged{who}"),
    },
];

fn stub(filename: &str) -> Map<String, Value> {
    json!({"filename": filename, "checksum": filename, "sha256": filename}).as_object().unwrap().clone()
}

fn part(filename: &str) -> Part {
    serde_json::from_value(json!({"filename": filename, "size_bytes": 10, "num_rows": 3, "num_cols": 1})).unwrap()
}

fn append(table: &str, file: &str, columns: &[(&str, &str)]) -> Change {
    Change::Append(Box::new(AppendParts {
        name: table.to_owned(),
        stub: stub(&format!("{file}.stub")),
        base: None,
        parts: vec![part(file)],
        after: None,
        columns: columns.iter().map(|(name, of_type)| (name.to_string(), Value::from(*of_type))).collect(),
        stage: None,
        inputs: Vec::new(),
        input_versions: IndexMap::new(),
        created_at: NOW.to_owned(),
    }))
}

fn compact(table: &str, from: &[&str], into: &str) -> Change {
    Change::Compact(Box::new(CompactParts {
        name: table.to_owned(),
        stub: Some(stub(&format!("{into}.stub"))),
        from: from.iter().map(|name| name.to_string()).collect(),
        into: vec![Part { num_rows: 3 * from.len() as u64, ..part(into) }],
        whole: None,
        created_at: NOW.to_owned(),
    }))
}

fn part_names(catalogue: &Catalogue, table: &str) -> Vec<String> {
    let parts = current(catalogue, table).unwrap().record().unwrap().parts().unwrap().unwrap();
    parts.into_iter().map(|part| part.filename).collect()
}

/// The bundle of the document, with all of it twice under disjoint names.
fn base() -> Arc<Catalogue> {
    let (mut items, mut metadata, mut snapshots) = (Vec::new(), serde_json::Map::new(), serde_json::Map::new());
    for names in [Names(""), Names("2")] {
        let [x, y, z, gone, orphan] = ["x", "y", "z", "gone", "orphan"].map(|name| names.of(name));
        let mut table = entry(&x, 1, true, &[]);
        table["parts"] = json!([part("p1"), part("p2")]);
        table["num_rows"] = json!(6);
        (table["columns"], table["dtypes"]) = (json!(["a"]), json!({"a": "int64"}));
        items.extend([table, entry(&y, 1, true, &[&x]), entry(&z, 1, true, &[])]);
        items.extend([entry(&x, 0, false, &[]), entry(&gone, 0, false, &[]), entry(&orphan, 0, false, &[])]);
        metadata.insert(names.of("k"), json!("before"));
        let versions = json!({&x: format!("{x}--r0"), &gone: format!("{gone}--r0")});
        snapshots.insert(names.of("s"), json!({"name": names.of("s"), "item_versions": versions}));
    }
    let top: Value = json!({
        "schema_version": 2, "revision": 5, "metadata": metadata, "items": items, "snapshots": snapshots,
    });
    parse(&top.to_string()).unwrap().catalogue
}

/// Both writers see the base; theirs commits first.
fn race(ours: Change, theirs: Change) -> CoreResult<(Arc<Catalogue>, Applied)> {
    let base = base();
    let mut set = ChangeSet::new(Arc::clone(&base));
    set.push(theirs);
    // As another process reads it.
    let head = through_text(replay(&set, &base, stamp("theirs"), NOW).unwrap().catalogue);
    let mut set = ChangeSet::new(base);
    set.push(ours);
    replay(&set, &head, stamp("ours"), NOW).map(|applied| (head, applied))
}

/// The matrix as it stands in the document: ours, theirs, outcome.
fn matrix() -> Vec<(String, String, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/design/002-merge-table.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<String>> = text
        .lines()
        .skip_while(|line| !line.starts_with("| ours \\ theirs | add"))
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('*').to_owned()).collect())
        .collect();
    let columns = &rows[0][1..];
    rows[2..]
        .iter()
        .flat_map(|row| {
            columns.iter().zip(&row[1..]).map(|(theirs, cell)| (row[0].clone(), theirs.clone(), cell.clone()))
        })
        .collect()
}

fn action(word: &str) -> &'static Action {
    ACTIONS.iter().find(|action| action.word == word).unwrap()
}

#[test]
fn every_cell_about_the_same_things() {
    let cells = matrix();
    assert_eq!(cells.len(), ACTIONS.len() * ACTIONS.len(), "the matrix has a row and a column for every action");
    let (names, base) = (Names(""), base());
    for (ours, theirs, cell) in cells {
        let (ours, theirs) = (action(&ours), action(&theirs));
        let title = format!("{} after {}", ours.word, theirs.word);
        let result = race((ours.change)(&names, &base, 1), (theirs.change)(&names, &base, 2));
        match (cell.as_str(), result) {
            ("=", Ok((_, applied))) => {
                let merged = through_text(applied.catalogue);
                assert!((ours.shows)(&names, &merged, 1), "{title}: our change is missing");
                assert!((theirs.shows)(&names, &merged, 2), "{title}: their change is missing");
                assert_eq!(merged.revision, 7, "{title}");
                assert!(merged.problems.is_empty(), "{title}: {:?}", merged.problems);
            }
            ("=", Err(error)) => panic!("{title}: {error}"),
            (key, Ok(_)) => panic!("{title}: should have been a conflict on {key}"),
            (name, Err(CoreError::Conflict { key, assumed, found, revision })) => {
                assert!(key.ends_with(&format!("'{name}'")), "{title}: a conflict on {key}");
                assert_ne!(assumed, found, "{title}");
                assert_eq!(revision, 6, "{title}");
            }
            (_, Err(error)) => panic!("{title}: {error}"),
        }
    }
}

#[test]
fn every_cell_about_different_things_merges() {
    let (ours_names, theirs_names, base) = (Names(""), Names("2"), base());
    for ours in ACTIONS {
        for theirs in ACTIONS {
            let title = format!("{} after {} of something else", ours.word, theirs.word);
            let result = race((ours.change)(&ours_names, &base, 1), (theirs.change)(&theirs_names, &base, 2));
            let (_, applied) = result.unwrap_or_else(|error| panic!("{title}: {error}"));
            let merged = through_text(applied.catalogue);
            assert!((ours.shows)(&ours_names, &merged, 1), "{title}: our change is missing");
            assert!((theirs.shows)(&theirs_names, &merged, 2), "{title}: their change is missing");
        }
    }
}

#[test]
fn a_conflict_says_what_was_seen_and_what_is_there() {
    let error = race(put("x", "a", &[], true), put("x", "b", &[], true)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "conflict on item 'x': this change was made for version x--r1, and the bundle now has version x--r6-theirs \
         (revision 6): refresh and try again"
    );
    let error = race(put("n", "a", &[], false), put("n", "b", &[], false)).unwrap_err();
    assert!(
        error.to_string().contains("nothing of that name") && error.to_string().contains("n--r6-theirs"),
        "{error}"
    );
    let error = race(set("k", Some(json!(1))), set("k", Some(json!(2)))).unwrap_err();
    assert!(error.to_string().contains("\"before\"") && error.to_string().contains("the value 2"), "{error}");
}

/// The table that two appends leave, whose own file was not a part yet.
fn first_appends(ours: &[(&str, &str)], theirs: &[(&str, &str)]) -> CoreResult<Arc<Catalogue>> {
    let mut items = vec![entry("t", 1, true, &[])];
    items[0]["columns"] = json!(["a"]);
    items[0]["dtypes"] = json!({"a": "int64"});
    let base = parse(
        &json!({"schema_version": 2, "revision": 1, "metadata": {}, "items": items, "snapshots": {}}).to_string(),
    );
    let base = base.unwrap().catalogue;
    let first = |file: &str, columns: &[(&str, &str)]| {
        let Change::Append(mut change) = append("t", file, columns) else { unreachable!() };
        change.base = Some(("t-1.json".to_owned(), part(&format!("base of {file}"))));
        let mut set = ChangeSet::new(Arc::clone(&base));
        set.push(Change::Append(change));
        set
    };
    let head = through_text(replay(&first("theirs", theirs), &base, stamp("theirs"), NOW)?.catalogue);
    Ok(through_text(replay(&first("ours", ours), &head, stamp("ours"), NOW)?.catalogue))
}

#[test]
fn the_first_of_two_appends_brings_the_file_along() {
    let merged = first_appends(&[("a", "int64")], &[("a", "int64")]).unwrap();
    assert_eq!(part_names(&merged, "t"), ["base of theirs", "theirs", "ours"]);
    let record = current(&merged, "t").unwrap().record().unwrap();
    assert_eq!((record.u64("num_rows"), record.u64("size_bytes")), (Some(9), Some(30)));
    assert_eq!((record.filename(), record.grown_from()), (Some("ours.stub"), Some("t--r1")));
    let files: Vec<String> = current(&merged, "t").unwrap().files().iter().map(ToString::to_string).collect();
    assert_eq!(files, ["artifacts/ours.stub", "parts/base of theirs", "parts/theirs", "parts/ours"]);
}

#[test]
fn columns_that_two_appends_add_are_both_there_unless_their_types_differ() {
    let merged = first_appends(&[("a", "int64"), ("b", "string")], &[("c", "double"), ("a", "int64")]).unwrap();
    let record = current(&merged, "t").unwrap().record().unwrap();
    assert_eq!((record.strings("columns"), record.u64("num_cols")), (vec!["a", "c", "b"], Some(3)));
    let error = first_appends(&[("b", "string")], &[("b", "double")]).unwrap_err();
    assert_eq!(error.code(), "conflict");
    assert!(error.to_string().contains("column \"b\" of type double"), "{error}");
}

/// A file that holds all of a table that was merged into one is what other programs see, until something is appended.
#[test]
fn a_table_that_was_merged_into_one_file_is_seen_by_others() {
    let whole = |change| match change {
        Change::Compact(compact) => {
            Change::Compact(Box::new(CompactParts { whole: Some(stub("all.parquet")), ..*compact }))
        }
        other => other,
    };
    let (_, applied) = race(whole(compact("x", &["p1", "p2"], "m")), set_other()).unwrap();
    let x = current(&applied.catalogue, "x").unwrap();
    assert_eq!((x.filename(), part_names(&applied.catalogue, "x")), (Some("all.parquet"), vec!["m".to_owned()]));
    let (_, applied) = race(whole(compact("x", &["p1", "p2"], "m")), append("x", "new", &[])).unwrap();
    let x = current(&applied.catalogue, "x").unwrap();
    assert_eq!(x.filename(), Some("m.stub"));
    assert_eq!(part_names(&applied.catalogue, "x"), ["m", "new"]);
    let Change::Compact(mut alone) = whole(compact("x", &["p1", "p2"], "m")) else { unreachable!() };
    alone.stub = None;
    let error = race(Change::Compact(alone), append("x", "new", &[])).unwrap_err();
    assert!(error.to_string().contains("all parts"), "{error}");
    let error = race(compact("x", &["p2", "p1"], "m"), set_other()).unwrap_err();
    assert_eq!(error.code(), "conflict", "parts that do not follow each other");
}

/// What new categories follow on must still be the end: others may have brought other ones.
#[test]
fn rows_that_have_to_follow_a_part_follow_no_other() {
    let after = |last: &str| match append("x", "ours", &[]) {
        Change::Append(append) => Change::Append(Box::new(AppendParts { after: Some(last.to_owned()), ..*append })),
        other => other,
    };
    let (_, applied) = race(after("p2"), set_other()).unwrap();
    assert_eq!(part_names(&applied.catalogue, "x"), ["p1", "p2", "ours"]);
    let error = race(after("p2"), append("x", "theirs", &[])).unwrap_err();
    assert_eq!(error.code(), "conflict");
    assert!(error.to_string().contains("ordered categories"), "{error}");
}

/// To overwrite is consent to replace the version that was seen. One that was added since was not.
#[test]
fn overwriting_does_not_replace_what_was_never_seen() {
    let error = race(put("n", "a", &[], true), put("n", "b", &[], false)).unwrap_err();
    assert_eq!(error.code(), "conflict");
}

#[test]
fn the_same_value_twice_is_no_conflict() {
    let (_, applied) = race(set("k", Some(json!({"a": 1}))), set("k", Some(json!({"a": 1})))).unwrap();
    assert_eq!(applied.catalogue.metadata_value("k"), Some(json!({"a": 1})));
}

#[test]
fn a_version_that_left_the_catalogue_meanwhile_is_asked_for_again() {
    let base = base();
    let (_, applied) =
        race(repoint("gone", old(&base, "gone")), Change::DeleteSnapshot { name: "s".to_owned() }).unwrap();
    let names: Vec<&str> = applied.reinserted.iter().map(|entry| entry.name()).collect();
    assert_eq!(names, ["gone"], "its payload must be looked for");
    let (_, applied) = race(snapshot("t", &base), put("x", "b", &[], true)).unwrap();
    let names: Vec<&str> = applied.reinserted.iter().map(|entry| entry.name()).collect();
    assert_eq!(names, ["x"], "its payload must be looked for");
}

/// One conflict refuses the whole of a batch.
#[test]
fn a_batch_is_all_or_nothing() {
    let base = base();
    let mut set = ChangeSet::new(Arc::clone(&base));
    set.push(put("x", "b", &[], true));
    let head = replay(&set, &base, stamp("theirs"), NOW).unwrap().catalogue;
    let mut set = ChangeSet::new(base);
    set.push(put("n", "a", &[], false));
    set.push(put("z", "a", &[], true));
    set.push(describe("x", "ours"));
    assert_eq!(replay(&set, &Arc::new(head), stamp("ours"), NOW).unwrap_err().code(), "conflict");
}

/// What a batch does to a key after its first change to it was made for its own state, not for the bundle's.
#[test]
fn changes_of_one_batch_build_upon_each_other() {
    let base = base();
    let mut set = ChangeSet::new(Arc::clone(&base));
    set.push(put("n", "a", &[], false));
    set.push(describe("n", "new"));
    set.push(Change::Rename { from: "n".to_owned(), to: "m".to_owned() });
    set.push(put("n", "again", &["m"], false));
    set.push(Change::Delete { name: "x".to_owned() });
    set.push(put("x", "anew", &[], false));
    let mut theirs = ChangeSet::new(Arc::clone(&base));
    theirs.push(set_other());
    let head = Arc::new(replay(&theirs, &base, stamp("theirs"), NOW).unwrap().catalogue);
    let merged = replay(&set, &head, stamp("ours"), NOW).unwrap().catalogue;
    assert_eq!(current(&merged, "m").unwrap().record().unwrap().description(), Some("new"));
    assert_eq!(current(&merged, "n").unwrap().record().unwrap().inputs(), ["m"]);
    assert!(has_file(&merged, "x", "anew"));
    let mut ids: Vec<&str> = merged.entries().filter_map(|entry| entry.version_id()).collect();
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count, "an id was given twice");
}

fn set_other() -> Change {
    put("z", "other", &[], true)
}
