//! Files of a table that have two names: they count once, and a new name is not old.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use datafolio::{AppendOptions, DataFolio, GcOptions, SnapshotOptions};

use super::sample;
use crate::support::{new_bundle, reopen, rows};

fn plain() -> AppendOptions {
    AppendOptions::new().without_compaction()
}

/// The files of tables, by all their names.
fn files(folio: &DataFolio) -> Vec<PathBuf> {
    let below = |dir: &str| fs::read_dir(Path::new(&folio.location()).join(dir)).into_iter().flatten();
    ["tables", "parts"].into_iter().flat_map(below).map(|entry| entry.unwrap().path()).collect()
}

/// Bytes of files, those of several names once.
fn bytes(files: &[PathBuf]) -> u64 {
    let mut seen = HashSet::new();
    let facts = files.iter().map(|file| fs::metadata(file).unwrap());
    facts.filter(|facts| seen.insert(facts.ino())).map(|facts| facts.len()).sum()
}

#[test]
fn a_file_with_two_names_takes_its_bytes_once() {
    let (_dir, folio) = new_bundle();
    folio.append_table("t", sample(0..5_000), plain()).unwrap();
    folio.create_snapshot("first", SnapshotOptions::default()).unwrap();
    folio.append_table("t", sample(5_000..5_001), plain()).unwrap();
    folio.append_table("t", sample(5_001..5_002), plain()).unwrap();
    folio.compact("t").unwrap();
    let all = files(&folio);
    let inodes: HashSet<u64> = all.iter().map(|file| fs::metadata(file).unwrap().ino()).collect();
    assert_eq!(all.len() - inodes.len(), 2, "the first file and the one of all rows have two names");

    let usage = folio.disk_usage().unwrap();
    assert_eq!(usage.total_bytes - usage.catalogue_bytes, bytes(&all));
    assert_eq!(usage.items[0].total_bytes, bytes(&all));
    let whole = fs::metadata(folio.get_table_path("t").unwrap()).unwrap().len();
    assert_eq!((usage.items[0].current_bytes, usage.items[0].versions[0].bytes), (whole, whole));
    // Beside the snapshot only the history has the first file.
    let version = usage.snapshots["first"].clone();
    assert!(version.bytes > 0 && version.unique_bytes == version.bytes, "{version:?}");
    folio.undo(None).unwrap();
    let version = folio.disk_usage().unwrap().snapshots["first"].clone();
    assert_eq!(version.unique_bytes, 0, "the current version has it as a part");
}

#[test]
fn gc_frees_a_file_with_its_last_name() {
    let (_dir, folio) = new_bundle();
    folio.append_table("t", sample(0..5_000), plain()).unwrap();
    folio.append_table("t", sample(5_000..5_001), plain()).unwrap();
    folio.append_table("t", sample(5_001..5_002), plain()).unwrap();
    let mut options =
        GcOptions { apply: false, grace: Some(Duration::ZERO), retention_days: Some(0), retention_revisions: Some(1) };
    // The name in `tables` is no longer needed, and the rows are.
    let before = files(&folio);
    let report = folio.gc(&options).unwrap();
    assert!(report.payloads.iter().any(|path| path.starts_with("tables/") && path.ends_with(".parquet")), "{report:?}");
    let history: u64 =
        report.history.iter().map(|path| fs::metadata(Path::new(&folio.location()).join(path)).unwrap().len()).sum();
    let size = bytes(&before);
    options.apply = true;
    folio.gc(&options).unwrap();
    assert_eq!(report.bytes - history, size - bytes(&files(&folio)));
    assert_eq!(rows(&reopen(&folio), "t"), 5_002);
}

/// The second name of an old file looked as old as the file, and was taken before the commit came.
#[test]
fn gc_leaves_the_new_name_of_an_old_file() {
    let (_dir, folio) = new_bundle();
    folio.append_table("t", sample(0..10), plain()).unwrap();
    let path = folio.get_table_path("t").unwrap();
    let long_ago = SystemTime::now() - Duration::from_secs(30 * 24 * 3600);
    fs::File::options().write(true).open(&path).unwrap().set_modified(long_ago).unwrap();
    let mut batch = folio.batch().unwrap();
    batch.append_table("t", sample(10..15), plain()).unwrap();
    let options = GcOptions { apply: true, grace: Some(Duration::from_secs(3600)), ..GcOptions::default() };
    let report = reopen(&folio).gc(&options).unwrap();
    assert_eq!(report.payloads, Vec::<String>::new());
    batch.commit().unwrap();
    assert_eq!(rows(&reopen(&folio), "t"), 15);
}

/// DataFolio 2.3 takes files that it does not know for left over. A copy does without the checksums of blocks then.
#[test]
fn a_copy_does_without_the_block_checksums_that_are_gone() {
    let (dir, folio) = new_bundle();
    folio.append_table("t", sample(0..200_000), plain()).unwrap();
    folio.append_table("t", sample(200_000..200_001), plain()).unwrap();
    let parts = folio.item_info("t").unwrap().record["parts"].clone();
    let checksums = |part: &serde_json::Value| part["blocks"]["filename"].as_str().map(str::to_owned);
    let gone = parts.as_array().unwrap().iter().find_map(checksums).expect("a part with checksums of its blocks");
    let removed = files(&folio).into_iter().find(|file| file.ends_with(&gone)).unwrap();
    fs::remove_file(removed).unwrap();
    let copy = reopen(&folio).copy(dir.path().join("copy"), &datafolio::CopyOptions::default()).unwrap();
    assert_eq!(rows(&copy, "t"), rows(&folio, "t"));
    assert!(copy.verify(&datafolio::VerifyOptions::default()).unwrap().is_clean());
    assert!(
        copy.item_info("t").unwrap().record["parts"].as_array().unwrap().iter().all(|part| checksums(part).is_none())
    );
}
