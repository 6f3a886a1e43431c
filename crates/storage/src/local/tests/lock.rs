//! The writers' lock, and what is done when it is taken.

use std::fs::{self, File, OpenOptions};
use std::time::{Duration, Instant};

use super::{names, new_storage};
use crate::error::StorageError;
use crate::local::LocalStorage;
use crate::storage::Storage;

fn is_locked(storage: &LocalStorage) -> bool {
    matches!(storage.lock(Duration::ZERO), Err(StorageError::Locked { .. }))
}

#[test]
fn a_second_handle_is_excluded_in_the_same_process() {
    let (dir, first) = new_storage();
    let second = LocalStorage::open(dir.path()).unwrap();
    let lock = first.lock(Duration::ZERO).unwrap();
    assert!(is_locked(&second));
    assert!(is_locked(&first));
    drop(lock);
    drop(second.lock(Duration::ZERO).unwrap());
    assert!(dir.path().join("items.json.lock").exists(), "the lock file stays");
}

#[test]
fn it_waits_as_long_as_it_was_told() {
    let (_dir, storage) = new_storage();
    let lock = storage.lock(Duration::ZERO).unwrap();
    let start = Instant::now();
    let error = storage.lock(Duration::from_millis(60)).unwrap_err();
    assert!(start.elapsed() >= Duration::from_millis(60));
    assert_eq!(error.code(), "locked");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| storage.lock(Duration::from_secs(30)).map(drop));
        std::thread::sleep(Duration::from_millis(30));
        drop(lock);
        waiting.join().unwrap().unwrap();
    });
}

/// Python's filelock takes the same advisory lock, whole-file, on its own descriptor; so does the standard library.
#[test]
fn it_is_the_lock_that_others_take() {
    let (dir, storage) = new_storage();
    let other = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(dir.path().join("items.json.lock"))
        .unwrap();
    other.lock().unwrap();
    assert!(is_locked(&storage));
    other.unlock().unwrap();
    let lock = storage.lock(Duration::ZERO).unwrap();
    assert!(other.try_lock().is_err());
    drop(lock);
    other.try_lock().unwrap();
}

/// A program that removes the lock file after use must not leave two writers with two locks.
#[test]
fn a_removed_lock_file_is_noticed() {
    let (dir, storage) = new_storage();
    let path = dir.path().join("items.json.lock");
    let other = File::create(&path).unwrap();
    other.lock().unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| storage.lock(Duration::from_secs(30)));
        std::thread::sleep(Duration::from_millis(30));
        fs::remove_file(&path).unwrap();
        let third = File::create(&path).unwrap();
        third.lock().unwrap();
        drop(other);
        std::thread::sleep(Duration::from_millis(60));
        assert!(!waiting.is_finished(), "the lock of a removed file was taken for the lock");
        drop(third);
        waiting.join().unwrap().unwrap();
    });
}

#[test]
fn temporary_files_of_killed_writers_are_removed_however_young_and_no_others() {
    let (dir, storage) = new_storage();
    let make = |name: &str| drop(File::create(dir.path().join(name)).unwrap());
    make(".items.json.abcdefghij.tmp");
    make(".README.md.abcdefghij.tmp");
    make(".CONTENTS.md.bbbbbbbbbb.tmp");
    make(".mine.tmp");
    make("items.json.abcdefghij.tmp");
    make(".items.json.ABCDEFGHIJ.tmp");
    // Python DataFolio's.
    make("tmpk3v1x_9a.tmp");
    fs::create_dir(dir.path().join(".items.json.cccccccccc.tmp")).unwrap();
    drop(storage.lock(Duration::ZERO).unwrap());
    let kept = [
        ".items.json.ABCDEFGHIJ.tmp",
        ".items.json.cccccccccc.tmp",
        ".mine.tmp",
        "items.json.abcdefghij.tmp",
        "items.json.lock",
        "tmpk3v1x_9a.tmp",
    ];
    assert_eq!(names(dir.path()), kept);
    // Once for each handle.
    make(".items.json.abcdefghij.tmp");
    drop(storage.lock(Duration::ZERO).unwrap());
    assert_eq!(names(dir.path()).len(), kept.len() + 1);
}
