//! CONTENTS.md, which follows the catalogue without holding anybody up.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use datafolio::storage::{IoObserver, IoOp, IoStep, LocalStorage, Permit};
use datafolio::{AddOptions, DataFolio, OpenOptions};
use serde_json::json;

use super::scratch;

/// Notes the steps, and does something once before a certain one.
#[derive(Default)]
struct Watch {
    steps: Mutex<Vec<String>>,
    before: Mutex<Option<(&'static str, Job)>>,
}

type Job = Box<dyn FnOnce() + Send>;

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watch")
    }
}

impl IoObserver for Watch {
    fn before(&self, step: &IoStep<'_>) -> io::Result<Permit> {
        let kind = match (step.op, step.to.unwrap_or(step.path)) {
            (IoOp::Lock, _) => "lock",
            (IoOp::Rename, "items.json") => "commit",
            (IoOp::Rename, "CONTENTS.md") => "page",
            _ => return Ok(Permit::all()),
        };
        self.steps.lock().unwrap().push(kind.to_owned());
        let committed = self.steps.lock().unwrap().iter().any(|step| step == "commit");
        let job = self.before.lock().unwrap().take_if(|(at, _)| *at == kind && committed);
        if let Some((_, job)) = job {
            job();
        }
        Ok(Permit::all())
    }
}

fn watched(root: &Path) -> (DataFolio, Arc<Watch>) {
    let watch = Arc::new(Watch::default());
    let storage = LocalStorage::open(root).unwrap().with_observer(watch.clone());
    (OpenOptions::new().open_storage(Arc::new(storage)).unwrap(), watch)
}

/// A bundle whose catalogue is too large for its page to be written with every commit.
fn large_bundle(root: &Path) {
    let folio = DataFolio::create(root).unwrap();
    folio.set_metadata("padding", "x".repeat(150_000)).unwrap();
    drop(folio);
    assert!(std::fs::metadata(root.join("items.json")).unwrap().len() > 128 * 1024);
}

fn page(root: &Path) -> String {
    std::fs::read_to_string(root.join("CONTENTS.md")).unwrap()
}

fn age_page(root: &Path) {
    let page = std::fs::File::options().write(true).open(root.join("CONTENTS.md")).unwrap();
    page.set_modified(SystemTime::now() - Duration::from_secs(3)).unwrap();
}

#[test]
fn the_page_of_a_large_bundle_is_not_written_under_the_lock_of_the_commit() {
    let dir = scratch();
    let root = dir.path().join("bundle");
    large_bundle(&root);
    age_page(&root);
    let (folio, watch) = watched(&root);
    let other = root.clone();
    // When the lock is asked for again, another writer can have it.
    let job: Job = Box::new(move || {
        DataFolio::open(other).unwrap().add("theirs", json!(1), AddOptions::new()).unwrap();
    });
    *watch.before.lock().unwrap() = Some(("lock", job));
    folio.add("ours", json!(1), AddOptions::new()).unwrap();
    let steps = watch.steps.lock().unwrap().clone();
    let commit = steps.iter().position(|step| step == "commit").unwrap();
    assert!(steps[commit + 1..].starts_with(&["lock".to_owned()]), "{steps:?}");
    // The page of the other's commit, which came later, is not replaced by an older one.
    assert!(!steps.contains(&"page".to_owned()), "{steps:?}");
    assert!(page(&root).contains("| theirs |") && page(&root).contains("**4**"), "{}", page(&root));
    drop(folio);
    assert!(page(&root).contains("| ours |") && page(&root).contains("**4**"), "{}", page(&root));
}

#[test]
fn a_process_of_one_commit_leaves_the_page_of_a_large_bundle_alone_when_it_is_young() {
    let dir = scratch();
    let root = dir.path().join("bundle");
    large_bundle(&root);
    let (folio, watch) = watched(&root);
    folio.add("first", json!(1), AddOptions::new()).unwrap();
    assert!(!watch.steps.lock().unwrap().contains(&"page".to_owned()));
    assert!(!page(&root).contains("| first |"));
    // It is right when the writers stop, and an old one is renewed at once.
    drop(folio);
    assert!(page(&root).contains("| first |"));
    age_page(&root);
    let folio = DataFolio::open(&root).unwrap();
    folio.add("second", json!(1), AddOptions::new()).unwrap();
    assert!(page(&root).contains("| second |"));
}

#[test]
fn the_page_is_right_when_many_writers_have_stopped() {
    for padding in [10, 150_000] {
        let dir = scratch();
        let root = dir.path().join("bundle");
        DataFolio::create(&root).unwrap().set_metadata("padding", "x".repeat(padding)).unwrap();
        std::thread::scope(|scope| {
            for who in 0..4 {
                let root = &root;
                scope.spawn(move || {
                    for n in 0..10 {
                        // As a shell script does it: a handle for each.
                        let folio = DataFolio::open(root).unwrap();
                        folio.add(&format!("item-{who}-{n}"), json!(n), AddOptions::new()).unwrap();
                    }
                });
            }
        });
        let page = page(&root);
        assert!(page.contains("**42**"), "{page}");
        assert_eq!(page.matches("| item-").count(), 40);
    }
}
