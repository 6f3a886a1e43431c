//! Tags of the catalogue's state.

use std::fs;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::new_storage;
use crate::conformance::{done, path};
use crate::local::LocalStorage;
use crate::observe::{IoObserver, IoOp, IoStep, Permit};
use crate::storage::Storage;

/// Writers that do not rename are not ours, but a tag sees what they do.
#[test]
fn a_file_written_in_place_has_changed() {
    let (dir, storage) = new_storage();
    let at = path("items.json");
    let tag = done(storage.publish(&at, b"12345", None));
    let file = dir.path().join("items.json");
    fs::OpenOptions::new().append(true).open(&file).unwrap().write_all(b"6").unwrap();
    assert!(!storage.is_unchanged(&at, &tag).unwrap());
    let (_, tag) = storage.read_tagged(&at, 10).unwrap().unwrap();
    // The time of the last write can be put back; that of the last change cannot.
    let modified = fs::metadata(&file).unwrap().modified().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    fs::write(&file, b"abcdef").unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_modified(modified).unwrap();
    assert!(!storage.is_unchanged(&at, &tag).unwrap());
}

/// A network file system answers a look from memory for some seconds, and asks the server when a file is opened.
#[test]
fn whether_the_catalogue_has_changed_is_found_out_by_opening_it() {
    let dir = tempfile::TempDir::new().unwrap();
    let at = path("items.json");
    let steps = Arc::new(Steps::default());
    let storage = LocalStorage::open(dir.path()).unwrap().with_observer(steps.clone());
    let tag = done(storage.publish(&at, b"1", None));
    steps.0.lock().unwrap().clear();
    assert!(storage.is_unchanged(&at, &tag).unwrap());
    done(storage.publish(&at, b"2", Some(&tag)));
    let of_catalogue: Vec<IoOp> =
        steps.0.lock().unwrap().iter().filter(|(_, path)| path == "items.json").map(|(op, _)| *op).collect();
    assert_eq!(of_catalogue, [IoOp::Open, IoOp::Open, IoOp::Open]);
}

#[derive(Debug, Default)]
struct Steps(Mutex<Vec<(IoOp, String)>>);

impl IoObserver for Steps {
    fn before(&self, step: &IoStep<'_>) -> io::Result<Permit> {
        self.0.lock().unwrap().push((step.op, step.path.to_owned()));
        Ok(Permit::all())
    }
}

/// Without the open file that a tag keeps, the inode number of a removed file is given to the next one.
#[test]
fn a_tag_keeps_its_inode_number_from_coming_back() {
    let (_dir, storage) = new_storage();
    let at = path("items.json");
    let tag = done(storage.publish(&at, b"x", None));
    let inode = |token: &str| token.split(':').nth(1).unwrap().to_owned();
    for _ in 0..200 {
        storage.replace(&at, b"x").unwrap();
        let (_, other) = storage.read_tagged(&at, 1).unwrap().unwrap();
        assert_ne!(inode(other.token()), inode(tag.token()));
    }
}

#[test]
fn a_reader_sees_whole_states_only() {
    let (dir, storage) = new_storage();
    let at = path("items.json");
    storage.replace(&at, &[0; 50_000]).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let writer = LocalStorage::open(dir.path()).unwrap();
            for round in 1..300_usize {
                writer.replace(&at, &vec![round as u8; 50_000 + round]).unwrap();
            }
            stop.store(true, Ordering::Relaxed);
        });
        while !stop.load(Ordering::Relaxed) {
            let (bytes, _) = storage.read_tagged(&at, 1_000_000).unwrap().unwrap();
            assert!(bytes.len() >= 50_000 && bytes.iter().all(|byte| *byte == bytes[0]));
            assert_eq!((bytes.len() - 50_000) as u8, bytes[0]);
        }
    });
}

/// A huge file that is all hole is refused before memory is asked for.
#[test]
fn sizes_are_not_believed() {
    let (dir, storage) = new_storage();
    fs::File::create(dir.path().join("hole")).unwrap().set_len(1 << 43).unwrap();
    assert_eq!(storage.read(&path("hole"), 1 << 30).unwrap_err().code(), "too-large");
    assert!(storage.read(&path("hole"), u64::MAX).is_err());
}

#[test]
fn errors_say_what_where_and_why() {
    let (dir, storage) = new_storage();
    let error = storage.read(&path("tables/a.parquet"), 1).unwrap_err().to_string();
    assert!(error.contains("tables/a.parquet") && error.contains(&*storage.location()), "{error}");
    assert_eq!(storage.location(), fs::canonicalize(dir.path()).unwrap().display().to_string());
}
