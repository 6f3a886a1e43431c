//! A race that is lost at a chosen moment, every time.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafolio::storage::{IoObserver, IoOp, IoStep, LocalStorage, Permit};
use datafolio::{AddOptions, CommitKind, DataFolio, OpenOptions, VerifyOptions};
use serde_json::json;

use super::regressions::write_as_another_program;
use super::scratch;

/// Another program, one that does not take the lock, writes while our new catalogue is about to be put in its place.
#[derive(Debug)]
struct Intruder {
    root: PathBuf,
    armed: AtomicBool,
}

impl IoObserver for Intruder {
    fn before(&self, step: &IoStep<'_>) -> io::Result<Permit> {
        let ours_is_written = step.op == IoOp::Fsync && step.path.starts_with(".items.json.");
        if ours_is_written && self.armed.swap(false, Ordering::Relaxed) {
            write_as_another_program(&self.root, "theirs");
        }
        Ok(Permit::all())
    }
}

#[test]
fn a_program_that_takes_no_lock_is_noticed_and_neither_change_is_lost() {
    let dir = scratch();
    let root = dir.path().join("bundle");
    DataFolio::create(&root).unwrap();
    let intruder = Arc::new(Intruder { root: root.clone(), armed: AtomicBool::new(true) });
    let storage = LocalStorage::open(&root).unwrap().with_observer(intruder.clone());
    let folio = OpenOptions::new().open_storage(Arc::new(storage)).unwrap();
    folio.add("ours", json!("ours"), AddOptions::new()).unwrap();
    assert!(!intruder.armed.load(Ordering::Relaxed), "it came to write");

    let folio = DataFolio::open(&root).unwrap();
    assert_eq!((folio.get_json("ours").unwrap(), folio.get_json("theirs").unwrap()), (json!("ours"), json!("theirs")));
    let log: Vec<(u64, CommitKind)> =
        folio.log(10).unwrap().into_iter().map(|entry| (entry.revision, entry.kind)).collect();
    assert_eq!(log, [(3, CommitKind::Commit), (2, CommitKind::External), (1, CommitKind::Commit)]);
    assert!(folio.verify(&VerifyOptions::default()).unwrap().is_clean());

    // When it changes the same thing, ours is a conflict and leaves nothing behind.
    let files = || crate::support::model::visible_state(&DataFolio::open(&root).unwrap()).unwrap();
    write_as_another_program(&root, "other");
    intruder.armed.store(true, Ordering::Relaxed);
    let storage = LocalStorage::open(&root).unwrap().with_observer(intruder.clone());
    let folio = OpenOptions::new().open_storage(Arc::new(storage)).unwrap();
    let before = files();
    let error = folio.add("theirs", json!("ours"), AddOptions::new().overwrite()).unwrap_err();
    assert_eq!(error.code(), "conflict", "{error}");
    assert_eq!(files().items["theirs"], before.items["theirs"]);
}
