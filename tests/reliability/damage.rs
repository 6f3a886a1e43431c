//! Bits rot (promise: damage is noticed, never passes for data, and costs at most the last commit).

use std::path::{Path, PathBuf};

use datafolio::{AddOptions, DataFolio, ErrorCategory, NpyArray, RepairOptions, Severity, VerifyOptions, repair};
use serde_json::json;

use super::workload::plain;
use super::{at_length, scratch};
use crate::support::model::{Model, digest, visible_state};
use crate::support::table;

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }
}

fn bundle() -> (tempfile::TempDir, PathBuf) {
    let dir = scratch();
    let root = dir.path().join("bundle");
    let folio = DataFolio::create(&root).unwrap();
    let file = dir.path().join("notes.txt");
    std::fs::write(&file, "some notes that will rot").unwrap();
    folio.add("parquet", table(400), AddOptions::new()).unwrap();
    folio.add("arrow", table(400), AddOptions::new().table_format("arrow")).unwrap();
    folio.add("hdf5", table(400), AddOptions::new().table_format("hdf5")).unwrap();
    let values: Vec<f64> = (0..40_000).map(|n| f64::from(n).sin()).collect();
    folio.add("blocks", NpyArray::from_slice(&[40_000], &values).unwrap(), AddOptions::new()).unwrap();
    folio.add("array", NpyArray::from_slice(&[3], &[1i32, 2, 3]).unwrap(), AddOptions::new()).unwrap();
    folio.add("json", json!({"rate": 0.125, "list": [1, 2, 3]}), AddOptions::new()).unwrap();
    let instant = "2024-01-15T10:30:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    folio.add("instant", instant, AddOptions::new()).unwrap();
    folio.add("file", file.as_path(), AddOptions::new()).unwrap();
    folio.create_snapshot("s", plain()).unwrap();
    folio.add("json", json!({"rate": 0.25}), AddOptions::new().overwrite()).unwrap();
    (dir, root)
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    files
}

/// What is done to the bytes of a file.
type Alteration = Box<dyn FnOnce(&mut Vec<u8>)>;

/// Alters a file, looks, and puts it right again.
fn with_altered(path: &Path, alter: impl FnOnce(&mut Vec<u8>), look: impl FnOnce()) {
    let original = std::fs::read(path).unwrap();
    let mut altered = original.clone();
    alter(&mut altered);
    std::fs::write(path, &altered).unwrap();
    look();
    std::fs::write(path, &original).unwrap();
}

/// Each item is read with default settings: what comes out is the right value or an error of the category of damage.
fn read_all(root: &Path, expected: &Model, what: &str) -> Vec<String> {
    let folio = DataFolio::open(root).unwrap();
    let mut damaged = Vec::new();
    for (name, item) in &expected.items {
        match folio.get(name).map(digest) {
            Ok(Ok(value)) => assert_eq!(value, item.value, "{what}: a wrong value of {name}"),
            Ok(Err(_)) => damaged.push(name.clone()),
            Err(error) => {
                assert_eq!(error.category(), ErrorCategory::Corrupt, "{what}: {error}");
                damaged.push(name.clone());
            }
        }
    }
    damaged
}

#[test]
fn a_flipped_bit_in_any_payload_never_passes_for_data() {
    let (_dir, root) = bundle();
    let expected = visible_state(&DataFolio::open(&root).unwrap()).unwrap();
    let flips = if at_length() { 2000 } else { 25 };
    let mut random = Random(0x1234_5678_9abc_def1);
    let mut files = files_below(&root.join("tables"));
    files.extend(files_below(&root.join("artifacts")));
    assert!(files.iter().any(|path| path.to_string_lossy().ends_with(".blocks")) || files.len() > 8, "{files:?}");
    for path in files {
        for _ in 0..flips {
            let size = usize::try_from(path.metadata().unwrap().len()).unwrap();
            let (at, bit) = (random.below(size), random.below(8));
            let what = format!("{} byte {at} bit {bit}", path.display());
            with_altered(
                &path,
                |bytes| bytes[at] ^= 1 << bit,
                || {
                    read_all(&root, &expected, &what);
                    let report = DataFolio::open(&root).unwrap().verify(&VerifyOptions::default()).unwrap();
                    let name = path.file_name().unwrap().to_string_lossy().into_owned();
                    let item = name.split("--").next().unwrap();
                    let named = |finding: &datafolio::Finding| {
                        finding.severity == Severity::Damage && finding.item.as_deref() == Some(item)
                    };
                    assert!(report.findings.iter().any(named), "{what}: verify finds {:?}", report.findings);
                },
            );
        }
    }
}

#[test]
fn a_payload_cut_short_extended_swapped_or_gone_is_noticed() {
    let (_dir, root) = bundle();
    let expected = visible_state(&DataFolio::open(&root).unwrap()).unwrap();
    let folio = DataFolio::open(&root).unwrap();
    for name in expected.items.keys() {
        let path = folio.item_path(name).unwrap();
        let other = expected.items.keys().map(|name| folio.item_path(name).unwrap()).find(|other| *other != path);
        let other = std::fs::read(other.unwrap()).unwrap();
        let alterations: [(&str, Alteration); 4] = [
            ("cut", Box::new(|bytes| bytes.truncate(bytes.len() / 2))),
            ("emptied", Box::new(Vec::clear)),
            ("extended", Box::new(|bytes| bytes.extend([0; 3]))),
            ("swapped", Box::new(move |bytes| *bytes = other)),
        ];
        for (what, alter) in alterations {
            with_altered(&path, alter, || {
                let damaged = read_all(&root, &expected, &format!("{name} {what}"));
                assert_eq!(damaged, [name.as_str()], "{what}");
                let report = DataFolio::open(&root).unwrap().verify(&VerifyOptions::default()).unwrap();
                assert!(report.findings.iter().any(|finding| finding.item.as_ref() == Some(name)), "{name} {what}");
            });
        }
        let aside = path.with_extension("aside");
        std::fs::rename(&path, &aside).unwrap();
        assert!(DataFolio::open(&root).unwrap().get(name).is_err(), "{name}");
        assert!(!DataFolio::open(&root).unwrap().verify(&VerifyOptions::default()).unwrap().is_clean(), "{name}");
        std::fs::rename(&aside, &path).unwrap();
    }
    assert!(folio.verify(&VerifyOptions::default()).unwrap().is_clean());
}

/// Whatever happened to it, repairing brings all of it back, since the history has the last commit too; and the damaged
/// file is kept.
fn check_repair(root: &Path, expected: &Model, damaged: Option<&[u8]>, what: &str) {
    let error = DataFolio::open(root).err().unwrap_or_else(|| panic!("{what}: opens as if nothing were wrong"));
    match damaged {
        Some(_) => assert_eq!(error.category(), ErrorCategory::Corrupt, "{what}: {error}"),
        None => assert_eq!(error.code(), "not-a-bundle", "{what}"),
    }
    let report = repair(root, &RepairOptions::default()).unwrap_or_else(|error| panic!("{what}: {error}"));
    let folio = DataFolio::open(root).unwrap();
    let found = visible_state(&folio).unwrap();
    assert_eq!(found, Model { revision: found.revision, ..expected.clone() }, "{what}: {report:?}");
    // The revision is above every one that the damaged text names too: a digit of a version id may have been hit.
    let named = format!("--r{}-", found.revision - 1);
    let is_named = damaged.is_some_and(|text| String::from_utf8_lossy(text).contains(&named));
    assert!(
        found.revision == expected.revision + 1 || (found.revision > expected.revision && is_named),
        "{what}: {report:?}"
    );
    if let Some(damaged) = damaged {
        let kept = root.join(&report.kept_aside[0]);
        assert_eq!(std::fs::read(kept).unwrap(), damaged, "{what}");
    }
    assert!(folio.verify(&VerifyOptions::default()).unwrap().is_clean(), "{what}");
    folio.add("afterwards", json!(1), AddOptions::new()).unwrap();
    assert_eq!(folio.at_revision(2).unwrap().list(false).included_tables, ["parquet"], "{what}");
    let again = repair(root, &RepairOptions::default()).unwrap();
    assert_eq!((again.problem, again.action), (None, None), "{what}");
}

#[test]
fn a_damaged_catalogue_is_refused_and_repaired_without_loss() {
    let (_dir, root) = bundle();
    let expected = visible_state(&DataFolio::open(&root).unwrap()).unwrap();
    let path = root.join("items.json");
    let sound = std::fs::read(&path).unwrap();
    let mut random = Random(0xfeed_beef_1234_5677);
    let mut copy = 0;
    let mut damage = |bytes: Option<Vec<u8>>, what: &str| {
        copy += 1;
        let dir = root.with_file_name(format!("copy{copy}"));
        crate::support::copy_dir(&root, &dir);
        match &bytes {
            Some(bytes) => std::fs::write(dir.join("items.json"), bytes).unwrap(),
            None => std::fs::remove_file(dir.join("items.json")).unwrap(),
        }
        check_repair(&dir, &expected, bytes.as_deref(), what);
    };
    for _ in 0..if at_length() { 2000 } else { 40 } {
        let (at, bit) = (random.below(sound.len()), random.below(8));
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << bit;
        damage(Some(bytes), &format!("byte {at} bit {bit}"));
    }
    for length in [0, 1, 20, 200, sound.len() / 2, sound.len() - 2, sound.len() - 1] {
        damage(Some(sound[..length].to_vec()), &format!("cut to {length}"));
    }
    damage(Some(vec![0; sound.len()]), "zeros");
    damage(None, "deleted");
}

#[test]
fn a_damaged_or_missing_history_entry_costs_old_revisions_alone() {
    let (_dir, root) = bundle();
    let expected = visible_state(&DataFolio::open(&root).unwrap()).unwrap();
    let newest = expected.revision;
    for (index, path) in files_below(&root.join("history")).into_iter().enumerate() {
        for how in ["flipped", "cut", "gone"] {
            let dir = root.with_file_name(format!("history-{index}-{how}"));
            crate::support::copy_dir(&root, &dir);
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let target = dir.join("history").join(&name);
            let mut bytes = std::fs::read(&target).unwrap();
            match how {
                "flipped" => {
                    let middle = bytes.len() / 2;
                    bytes[middle] ^= 4;
                    std::fs::write(&target, &bytes).unwrap();
                }
                "cut" => std::fs::write(&target, &bytes[..bytes.len() / 2]).unwrap(),
                _ => std::fs::remove_file(&target).unwrap(),
            }
            let what = format!("{name} {how}");
            let folio = DataFolio::open(&dir).unwrap();
            assert_eq!(visible_state(&folio).unwrap(), expected, "{what}");
            // Nothing is lost with the note of what was published last.
            let hit: u64 = if name == "published" { 0 } else { name[..10].parse().unwrap() };
            for revision in 1..=newest {
                match folio.at_revision(revision) {
                    Ok(past) => assert_eq!(past.revision(), revision, "{what}"),
                    Err(error) => {
                        assert!(revision <= hit, "{what}: revision {revision}: {error}");
                        assert!(
                            matches!(error.category(), ErrorCategory::Corrupt | ErrorCategory::NotFound),
                            "{what}: {error}"
                        );
                    }
                }
            }
            folio.add("next", json!(1), AddOptions::new()).unwrap_or_else(|error| panic!("{what}: {error}"));
            folio.add("next", json!(2), AddOptions::new().overwrite()).unwrap();
            assert_eq!(folio.at_revision(newest + 1).unwrap().get_json("next").unwrap(), 1, "{what}");
            // Nothing that is kept goes, and nothing on a guess.
            let _ = folio.gc(&super::workload::strict_gc());
            for (name, item) in &expected.items {
                assert_eq!(digest(folio.get(name).unwrap()).unwrap(), item.value, "{what}");
            }
            assert!(folio.load_snapshot("s").unwrap().get_json("json").is_ok(), "{what}");
        }
    }
}
