//! The worked example of `docs/spec/format.md`: a bundle that the library made, with all that is random or of this machine
//! replaced by fixed text of the same length. What it shows is itself a bundle that the library opens and verifies.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datafolio::core::history::{CommitRef, HistoryEntry, HistoryFile};
use datafolio::core::patch::diff_texts;
use datafolio::core::{CatalogueFiles, Published, SealCheck, encode, parse_catalogue};
use datafolio::{AddOptions, DataFolio, OpenOptions, SnapshotOptions, VerifyOptions};
use serde_json::json;

use super::pages;

/// Makes the bundle of the example. Returns the text of `items.json` after each commit.
fn make(path: &Path) -> Vec<String> {
    let metadata = json!({"experiment": "café"}).as_object().unwrap().clone();
    let folio = OpenOptions::new().metadata(metadata).create(path).unwrap();
    let mut texts = Vec::new();
    let mut note = || texts.push(fs::read_to_string(path.join("items.json")).unwrap());
    note();
    let id: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let kind: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "b"]));
    let cells = RecordBatch::try_from_iter([("cell_id", id), ("kind", kind)]).unwrap();
    folio.add("cells", cells, AddOptions::new().description("One row per cell")).unwrap();
    note();
    folio.add("params", json!({"rate": 0.1}), AddOptions::new().inputs(["cells"])).unwrap();
    note();
    let tags = vec!["baseline".to_owned()];
    folio.create_snapshot("v1", SnapshotOptions { tags, capture_git: false, ..Default::default() }).unwrap();
    note();
    folio.add("params", json!({"rate": 0.2}), AddOptions::new().overwrite().inputs(["cells"])).unwrap();
    note();
    folio.add("params", json!({"rate": 0.3}), AddOptions::new().overwrite().inputs(["cells"])).unwrap();
    note();
    texts
}

/// Gives every random or local text a fixed one of the same length. Lengths matter: history entries hold byte offsets.
struct Placeholders {
    texts: BTreeMap<String, String>,
}

impl Placeholders {
    fn apply(&self, text: &str) -> String {
        self.texts.iter().fold(text.to_owned(), |text, (found, shown)| text.replace(found, shown))
    }

    fn add(&mut self, found: &str, shown: &str) {
        assert_eq!(found.len(), shown.len(), "{found} and {shown}");
        self.texts.insert(found.to_owned(), shown.to_owned());
    }
}

/// The same bundle without anything random, in another directory. Returns the text of `items.json` after each commit.
fn normalised(from: &Path, texts: &[String], to: &Path) -> Vec<String> {
    let mut entries: Vec<HistoryEntry> = Vec::new();
    let mut with_copy: Vec<u64> = Vec::new();
    for file in fs::read_dir(from.join("history")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name == "published" {
            continue;
        }
        match CommitRef::from_file_name(name).unwrap() {
            (_, HistoryFile::Entry) => {
                entries.push(HistoryEntry::parse("entry", &fs::read_to_string(&path).unwrap()).unwrap());
            }
            (commit, HistoryFile::Checkpoint) => with_copy.push(commit.revision),
        }
    }
    entries.sort_by_key(|entry| entry.revision);
    let places = placeholders(texts, &entries);

    fs::create_dir_all(to.join("history")).unwrap();
    let mut shown: Vec<Published> = Vec::new();
    for (text, entry) in texts.iter().zip(&entries) {
        let published = resealed(&places.apply(text), shown.last());
        let mut entry = entry.clone();
        entry.commit.id = places.apply(&entry.commit.id);
        if let Some(parent) = &mut entry.parent {
            parent.id = places.apply(&parent.id);
        }
        entry.timestamp = places.apply(&entry.timestamp);
        for (field, value) in
            [("user", json!("ada")), ("host", json!("laptop")), ("pid", json!(4711)), ("program", json!("datafolio"))]
        {
            entry.writer[field] = value;
        }
        for released in &mut entry.released {
            released.version = places.apply(&released.version);
            released.files.iter_mut().for_each(|file| *file = places.apply(file));
        }
        for change in &mut entry.changes.items {
            change.from = change.from.as_deref().map(|version| places.apply(version));
            change.to = change.to.as_deref().map(|version| places.apply(version));
        }
        entry.catalogue = published.fingerprint();
        entry.patch = entry.patch.as_ref().and(shown.last()).map(|before| diff_texts(before, &published));
        let commit = entry.commit_ref();
        fs::write(to.join(commit.entry_path().unwrap().as_str()), entry.encode()).unwrap();
        if with_copy.contains(&entry.revision) {
            fs::write(to.join(commit.checkpoint_path().unwrap().as_str()), published.text.as_str()).unwrap();
        }
        shown.push(published);
    }
    let texts: Vec<String> = shown.iter().map(|published| published.text.to_string()).collect();
    let note = fs::read_to_string(from.join("history/published")).unwrap();
    fs::write(to.join("history/published"), places.apply(&note)).unwrap();
    fs::write(to.join("items.json"), texts.last().unwrap()).unwrap();
    copy_payloads(from, to, &places);
    texts
}

fn placeholders(texts: &[String], entries: &[HistoryEntry]) -> Placeholders {
    let mut places = Placeholders { texts: BTreeMap::new() };
    for entry in entries {
        let (id, shown) = (&entry.commit.id, entry.revision.to_string());
        places.add(id, &shown.repeat(32));
        // In version ids.
        let revision = entry.revision;
        places.add(&format!("--r{revision}-{}", &id[..6]), &format!("--r{revision}-{}", shown.repeat(6)));
    }
    for text in texts {
        for found in pieces(text, "\"20", 32) {
            let time = &found[1..];
            // Whatever was noted for a commit gets the second of that commit.
            let second = entries.iter().take_while(|entry| entry.timestamp.as_str() < time).count() + 1;
            places.add(time, &format!("2026-11-21T09:30:{second:02}.000001+00:00"));
        }
        for (stem, letter) in [("cells--", "c"), ("params--", "p")] {
            for found in pieces(text, stem, 10) {
                let known = places.texts.keys().filter(|known| known.starts_with(stem)).count();
                if !places.texts.contains_key(found) {
                    places.add(found, &format!("{stem}{}{}", letter.repeat(9), known + 2));
                }
            }
        }
    }
    places
}

/// The catalogue with the seal that its text has now. Entries that the state before has too are shared with it, as they
/// are between the states of a handle.
fn resealed(text: &str, before: Option<&Published>) -> Published {
    let files = CatalogueFiles { items: text.to_owned().into(), ..CatalogueFiles::default() };
    let mut catalogue = (*parse_catalogue(&files, SealCheck::Skipped).unwrap().catalogue).clone();
    if let Some(before) = before {
        let old: Vec<_> = before.catalogue.entries().cloned().collect();
        let known = |entry: &Arc<datafolio::core::Entry>| {
            old.iter().find(|known| known.text() == entry.text()).unwrap_or(entry).clone()
        };
        catalogue.current = catalogue.current.values().map(known).collect();
        catalogue.retired = catalogue.retired.iter().map(known).collect();
        for (name, snapshot) in &mut catalogue.snapshots {
            if let Some(known) = before.catalogue.snapshots.get(name) {
                *snapshot = Arc::clone(known);
            }
        }
    }
    encode(catalogue)
}

/// The stretches of a text that begin with `start`, with `length` bytes more.
fn pieces<'a>(text: &'a str, start: &'a str, length: usize) -> impl Iterator<Item = &'a str> {
    text.match_indices(start).filter_map(move |(at, _)| {
        let end = if start == "\"20" { at + 1 + length } else { at + start.len() + length };
        let piece = text.get(at..end)?;
        let is_time = || piece.ends_with("+00:00") && piece.as_bytes().get(11) == Some(&b'T');
        let is_name = || piece[start.len()..].bytes().all(|c| c.is_ascii_lowercase() || (b'2'..=b'7').contains(&c));
        (if start == "\"20" { is_time() } else { is_name() }).then_some(piece)
    })
}

fn copy_payloads(from: &Path, to: &Path, places: &Placeholders) {
    for dir in ["tables", "models", "artifacts"] {
        fs::create_dir_all(to.join(dir)).unwrap();
        for file in fs::read_dir(from.join(dir)).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            // The file of a version that only the history names has its name in the earlier texts.
            fs::copy(&path, to.join(dir).join(places.apply(&name))).unwrap();
        }
    }
}

fn tree(root: &Path) -> String {
    let mut lines = Vec::new();
    for dir in ["", "artifacts", "history", "models", "tables"] {
        let mut names: Vec<String> =
            fs::read_dir(root.join(dir)).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        for name in names.iter().filter(|name| root.join(dir).join(name).is_file()) {
            lines.push(if dir.is_empty() { name.clone() } else { format!("{dir}/{name}") });
        }
        if names.is_empty() {
            lines.push(format!("{dir}/"));
        }
    }
    lines.join("\n")
}

#[test]
fn the_worked_example_of_the_format() {
    let dir = tempfile::tempdir().unwrap();
    let (made, shown) = (dir.path().join("made"), dir.path().join("shown"));
    let texts = make(&made);
    let texts = normalised(&made, &texts, &shown);

    // What the page shows is a bundle: seals, history and hashes fit.
    let folio = DataFolio::open(&shown).unwrap();
    let report = folio.verify(&VerifyOptions::default()).unwrap();
    assert!(report.is_clean() && report.commits == texts.len(), "{report:?}");
    for (index, text) in texts.iter().enumerate() {
        let past = folio.at_revision(index as u64 + 1).unwrap();
        assert_eq!(encode((*past.catalogue()).clone()).text.as_str(), text);
    }

    let page = pages::root().join("docs/spec/format.md");
    for name in ["CONTENTS.md", "README.md", "items.json.lock"] {
        assert!(made.join(name).is_file());
        fs::write(shown.join(name), "").unwrap();
    }
    pages::check_generated(&page, "tree", &format!("```text\n{}\n```\n", tree(&shown)));
    pages::check_generated(&page, "items.json", &format!("```json\n{}\n```\n", texts.last().unwrap()));
    let entry = fs::read_to_string(shown.join(format!("history/0000000006-{}.json", "6".repeat(32)))).unwrap();
    pages::check_generated(&page, "history entry", &format!("```json\n{entry}\n```\n"));
}
