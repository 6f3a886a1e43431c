//! One handle, many threads.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use datafolio::storage::{IoObserver, IoOp, IoStep, LocalStorage, Permit};
use datafolio::{AddOptions, DataFolio, OpenOptions};
use serde_json::{Value, json};

use super::scratch;

/// Halts one thread after a certain step, until it is told to go on.
#[derive(Debug)]
struct Halt {
    at: (IoOp, &'static str),
    armed: AtomicBool,
    halted: Mutex<Sender<()>>,
    go_on: Mutex<Receiver<()>>,
}

impl IoObserver for Halt {
    fn before(&self, _step: &IoStep<'_>) -> io::Result<Permit> {
        Ok(Permit::all())
    }

    fn after(&self, step: &IoStep<'_>) -> io::Result<()> {
        if (step.op, step.to.unwrap_or(step.path)) == self.at && self.armed.swap(false, Ordering::SeqCst) {
            self.halted.lock().unwrap().send(()).unwrap();
            self.go_on.lock().unwrap().recv().unwrap();
        }
        Ok(())
    }
}

/// While one thread has come to a certain step of its call, another makes its own.
fn amid(at: (IoOp, &'static str), one: impl FnOnce(&DataFolio) + Send, other: impl FnOnce(&DataFolio, &Path)) {
    let dir = scratch();
    let root = dir.path().join("bundle");
    DataFolio::create(&root).unwrap();
    let ((halted, is_halted), (go_on, may_go_on)) = (channel(), channel());
    let (halted, may_go_on) = (Mutex::new(halted), Mutex::new(may_go_on));
    let halt = Arc::new(Halt { at, armed: AtomicBool::new(false), halted, go_on: may_go_on });
    let storage = LocalStorage::open(&root).unwrap().with_observer(halt.clone());
    let folio = OpenOptions::new().open_storage(Arc::new(storage)).unwrap();
    DataFolio::open(&root).unwrap().add("theirs", json!(1), AddOptions::new()).unwrap();
    halt.armed.store(true, Ordering::SeqCst);
    std::thread::scope(|scope| {
        let one = scope.spawn(|| one(&folio));
        is_halted.recv().unwrap();
        other(&folio, &root);
        go_on.send(()).unwrap();
        one.join().unwrap();
    });
}

#[test]
fn a_refresh_that_was_overtaken_by_a_commit_does_not_go_back_in_time() {
    let refresh = |folio: &DataFolio| {
        folio.refresh().unwrap();
        assert!(folio.revision() == 3 && folio.contains("ours"), "{folio:?}");
    };
    amid((IoOp::Read, "items.json"), refresh, |folio, _| {
        folio.add("ours", json!(1), AddOptions::new()).unwrap();
        assert_eq!(folio.revision(), 3);
    });
}

/// The only moment at which this can be arranged every time is before the lock is released, when a program that takes no
/// lock can still come in.
#[test]
fn an_acknowledged_add_is_no_error_because_the_handle_has_seen_the_item_go() {
    let add = |folio: &DataFolio| {
        let info = folio.add("ours", json!(1), AddOptions::new()).unwrap();
        assert_eq!((info.name.as_str(), folio.contains("ours")), ("ours", false));
        let info = folio.add_json("again", json!(1), AddOptions::new()).unwrap();
        assert!(info.version.starts_with("again--r5-"), "{}", info.version);
    };
    amid((IoOp::Rename, "CONTENTS.md"), add, |folio, root| {
        let path = root.join("items.json");
        let mut catalogue: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        catalogue.as_object_mut().unwrap().remove("commit");
        catalogue["revision"] = json!(4);
        catalogue["items"] = json!([]);
        let temporary = root.join("items.json.theirs");
        std::fs::write(&temporary, catalogue.to_string()).unwrap();
        std::fs::rename(temporary, path).unwrap();
        folio.refresh().unwrap();
        assert!(!folio.contains("ours"));
    });
}

#[test]
fn the_revision_of_a_shared_handle_never_falls() {
    let dir = scratch();
    let folio = DataFolio::create(dir.path().join("bundle")).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                while !done.load(Ordering::SeqCst) {
                    folio.refresh().unwrap();
                    let now = folio.revision();
                    assert!(now >= last, "{now} after {last}");
                    last = now;
                }
            });
        }
        for n in 0..150 {
            folio.set_metadata("n", n).unwrap();
            let mine = folio.revision();
            assert!(mine >= n + 2, "{mine} after the commit of {}", n + 2);
        }
        done.store(true, Ordering::SeqCst);
    });
    assert_eq!(folio.revision(), 151);
}
