//! Collecting garbage never removes what anything needs: random operations beside a reference model.
//!
//! Several writers work on one bundle. Some have staged files and commit later, after collections of any grace period have
//! come between. After each collection everything current, held by a snapshot or kept is read, byte for byte.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use datafolio::core::history::HistoryFile;
use datafolio::storage::LocalStorage;
use datafolio::{AddOptions, Batch, DataFolio, GcOptions, OpenOptions, Severity, VerifyOptions};
use datafolio_testkit::faults::{Fault, Injector};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use super::workload::strict_gc;
use super::{at_length, scratch};
use crate::support::history_file;

/// What is done next. Numbers choose among names, writers or revisions.
#[derive(Debug, Clone)]
enum Op {
    Put(u8),
    Delete(u8),
    Rename(u8, u8),
    Describe(u8),
    Snapshot(u8),
    DeleteSnapshot(u8),
    Restore(u8),
    Undo(u8),
    /// A writer stages a file and does not commit yet.
    Stage(usize, u8),
    /// It does.
    Publish(usize),
    /// Revisions to keep, the grace period over or not, and the step at which the process dies.
    Collect {
        keep: u32,
        patient: bool,
        dies: Option<usize>,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let (name, label, writer) = (0..4u8, 0..3u8, 0..WRITERS);
    prop_oneof![
        6 => name.clone().prop_map(Op::Put),
        2 => name.clone().prop_map(Op::Delete),
        1 => (name.clone(), name.clone()).prop_map(|(from, to)| Op::Rename(from, to)),
        1 => name.clone().prop_map(Op::Describe),
        2 => label.clone().prop_map(Op::Snapshot),
        2 => label.clone().prop_map(Op::DeleteSnapshot),
        2 => label.prop_map(Op::Restore),
        2 => (0..6u8).prop_map(Op::Undo),
        2 => (writer.clone(), name).prop_map(|(writer, name)| Op::Stage(writer, name)),
        2 => writer.prop_map(Op::Publish),
        4 => (1..6u32, any::<bool>(), prop::option::weighted(0.4, 0..60usize))
            .prop_map(|(keep, patient, dies)| Op::Collect { keep, patient, dies }),
    ]
}

const WRITERS: usize = 2;
type Items = BTreeMap<String, u64>;

/// What the bundle must hold: the values of its items at each revision, and in each snapshot.
#[derive(Debug, Default, Clone)]
struct Model {
    revisions: BTreeMap<u64, Items>,
    snapshots: BTreeMap<String, Items>,
    /// Older ones need not be kept any more.
    oldest: u64,
}

struct Bundle {
    root: std::path::PathBuf,
    folio: DataFolio,
    model: Model,
    next: u64,
}

impl Bundle {
    fn items(&self) -> Items {
        self.model.revisions.last_key_value().map(|(_, items)| items.clone()).unwrap_or_default()
    }

    /// Remembers what a commit has made, as the operation itself says, and checks that the bundle says the same.
    fn made(&mut self, items: Items) {
        assert_eq!(read(&self.folio), Ok(items.clone()));
        self.model.revisions.insert(self.folio.revision(), items);
    }

    fn run(&mut self, op: &Op) {
        let mut items = self.items();
        let (item, snapshot) = (|n: &u8| format!("i{n}"), |n: &u8| format!("s{n}"));
        let folio = &self.folio;
        folio.refresh().unwrap();
        match op {
            Op::Put(name) => {
                self.next += 1;
                folio.add(&item(name), json!(self.next), AddOptions::new().overwrite()).unwrap();
                items.insert(item(name), self.next);
            }
            Op::Delete(name) if items.remove(&item(name)).is_some() => drop(folio.delete(&[item(name)]).unwrap()),
            Op::Rename(from, to) if items.contains_key(&item(from)) && !items.contains_key(&item(to)) => {
                folio.rename(&item(from), &item(to)).unwrap();
                let value = items.remove(&item(from)).unwrap();
                items.insert(item(to), value);
            }
            Op::Describe(name) if items.contains_key(&item(name)) => {
                self.next += 1;
                folio.update_item(&item(name), Some(&format!("text {}", self.next)), None).unwrap();
            }
            Op::Snapshot(label) if !self.model.snapshots.contains_key(&snapshot(label)) => {
                folio.create_snapshot(&snapshot(label), super::workload::plain()).unwrap();
                self.model.snapshots.insert(snapshot(label), items.clone());
            }
            Op::DeleteSnapshot(label) if self.model.snapshots.remove(&snapshot(label)).is_some() => {
                folio.delete_snapshot(&snapshot(label)).unwrap();
            }
            Op::Restore(label) => match self.model.snapshots.get(&snapshot(label)) {
                Some(held) => {
                    folio.restore_snapshot(&snapshot(label)).unwrap();
                    items.clone_from(held);
                }
                None => return,
            },
            Op::Undo(back) => return self.undo(u64::from(*back)),
            _ => return,
        }
        self.made(items);
    }

    /// What cannot be undone any more is refused; what can is what it was before.
    fn undo(&mut self, back: u64) {
        let revision = self.folio.revision().saturating_sub(back);
        let before = self.folio.revision();
        match self.folio.undo(Some(revision)) {
            Ok(_) => {
                let (Ok(items), snapshots) = (read(&self.folio), held(&self.folio)) else {
                    panic!("what undoing revision {revision} made cannot be read");
                };
                if back == 0 {
                    assert_eq!(items, self.model.revisions[&(revision - 1)], "undoing the latest commit");
                }
                self.model.snapshots = snapshots;
                self.made(items);
            }
            Err(error) => {
                let codes = ["cannot-undo", "revision-not-found", "payload-gone", "snapshot-exists", "item-exists"];
                assert!(codes.contains(&error.code()), "{}: {error}", error.code());
                assert_eq!(self.folio.revision(), before);
            }
        }
    }

    fn collect(&mut self, keep: u32, patient: bool, dies: Option<usize>) {
        let grace = if patient { Duration::from_secs(3600) } else { Duration::ZERO };
        let options =
            GcOptions { apply: true, grace: Some(grace), retention_days: Some(0), retention_revisions: Some(keep) };
        let newest = *self.model.revisions.last_key_value().unwrap().0;
        self.model.oldest = self.model.oldest.max(newest.saturating_sub(u64::from(keep) - 1));
        match dies {
            None => {
                let report = self.folio.gc(&options).unwrap();
                assert!(report.oldest_kept_revision <= self.model.oldest.max(1), "{report:?}");
                assert!(report.lost_versions.is_empty(), "{report:?}");
            }
            Some(step) => {
                let injector = Injector::new();
                let storage = LocalStorage::open(&self.root).unwrap().with_observer(injector.clone());
                let folio = OpenOptions::new().open_storage(Arc::new(storage)).unwrap();
                injector.arm(step, Fault::From(Fault::EIO));
                let _ = folio.gc(&options);
            }
        }
        self.check();
    }

    /// Reads all that is promised.
    fn check(&self) {
        let folio = DataFolio::open(&self.root).unwrap();
        assert_eq!(read(&folio), Ok(self.items()));
        assert_eq!(held(&folio), self.model.snapshots);
        for (revision, items) in self.model.revisions.range(self.model.oldest..) {
            let past = folio.at_revision(*revision).unwrap_or_else(|error| panic!("revision {revision}: {error}"));
            assert_eq!(read(&past).as_ref(), Ok(items), "revision {revision}");
        }
        let report = folio.verify(&VerifyOptions::default()).unwrap();
        let bad: Vec<_> = report.findings.iter().filter(|found| found.severity > Severity::Warning).collect();
        assert!(bad.is_empty(), "{bad:?}");
        assert!(folio.log(usize::MAX).unwrap().breaks.is_empty());
    }
}

fn read(folio: &DataFolio) -> Result<Items, String> {
    let names: Vec<String> = folio.catalogue().current.keys().map(ToString::to_string).collect();
    let value = |name: &String| folio.get_json(name).map(|value| value.as_u64().unwrap());
    names
        .into_iter()
        .map(|name| value(&name).map(|value| (name.clone(), value)).map_err(|error| format!("{name}: {error}")))
        .collect()
}

fn held(folio: &DataFolio) -> BTreeMap<String, Items> {
    let names = folio.catalogue().snapshots.keys().cloned().collect::<Vec<_>>();
    names.into_iter().map(|name| (name.clone(), read(&folio.load_snapshot(&name).unwrap()).unwrap())).collect()
}

/// A file that a writer has staged, what it holds, and whether a collection without grace came since.
struct Staged<'a> {
    batch: Batch<'a>,
    item: String,
    value: u64,
    /// What the writer saw under the name.
    seen: Option<String>,
    collected: bool,
}

fn version(folio: &DataFolio, item: &str) -> Option<String> {
    folio.catalogue().current.get(item).map(|entry| entry.text().to_string())
}

fn play(root: &Path, ops: &[Op]) {
    let folio = DataFolio::create(root).unwrap();
    let writers: Vec<DataFolio> = (0..WRITERS).map(|_| DataFolio::open(root).unwrap()).collect();
    let mut staged: Vec<Option<Staged<'_>>> = (0..WRITERS).map(|_| None).collect();
    let mut bundle = Bundle { root: root.to_owned(), folio, model: Model::default(), next: 0 };
    bundle.made(Items::new());
    for op in ops {
        match op {
            Op::Stage(writer, name) if staged[*writer].is_none() => {
                let (folio, item) = (&writers[*writer], format!("i{name}"));
                folio.refresh().unwrap();
                bundle.next += 1;
                let mut batch = folio.batch().unwrap();
                batch.add(&item, json!(bundle.next), AddOptions::new().overwrite()).unwrap();
                let seen = version(folio, &item);
                staged[*writer] = Some(Staged { batch, item, value: bundle.next, seen, collected: false });
            }
            Op::Publish(writer) => {
                let Some(Staged { batch, item, value, seen, collected }) = staged[*writer].take() else { continue };
                bundle.folio.refresh().unwrap();
                let conflicts = version(&bundle.folio, &item) != seen;
                match batch.commit() {
                    Ok(_) => {
                        assert!(!conflicts && !collected, "{item} was committed");
                        bundle.folio.refresh().unwrap();
                        let mut items = bundle.items();
                        items.insert(item, value);
                        bundle.made(items);
                    }
                    Err(error) if conflicts => assert_eq!(error.code(), "conflict", "{error}"),
                    Err(error) => {
                        assert!(collected, "{error}");
                        assert_eq!(error.code(), "staged-gone", "{error}");
                    }
                }
            }
            Op::Collect { keep, patient, dies } => {
                bundle.collect(*keep, *patient, *dies);
                for staged in staged.iter_mut().flatten() {
                    // Of a collection that died nobody knows how far it came.
                    let there = files_of(root, &staged.item, staged.value);
                    staged.collected |= !there;
                }
            }
            other => bundle.run(other),
        }
    }
    drop(staged);
    bundle.folio.refresh().unwrap();
    bundle.check();
}

/// Whether a file with this value lies in the bundle.
fn files_of(root: &Path, item: &str, value: u64) -> bool {
    let files = std::fs::read_dir(root.join("artifacts")).unwrap();
    files.map(|file| file.unwrap()).any(|file| {
        file.file_name().to_string_lossy().starts_with(&format!("{item}--"))
            && std::fs::read_to_string(file.path()).unwrap() == value.to_string()
    })
}

/// Sequences of operations, some thousands in all; a hundred thousand at full length.
#[test]
fn nothing_that_is_needed_is_collected() {
    let cases = if at_length() { 2000 } else { 80 };
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&prop::collection::vec(op(), 1..100), |ops| {
        let dir = scratch();
        play(&dir.path().join("bundle"), &ops);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// A power failure kept the entries of the history and not the files that they promise: nothing had been synced in between.
#[test]
fn the_history_is_durable_before_files_are_deleted() {
    let dir = scratch();
    let root = dir.path().join("bundle");
    let folio = DataFolio::create(&root).unwrap();
    for n in 0..5 {
        folio.add("x", json!(n), AddOptions::new().overwrite()).unwrap();
    }
    let injector = Injector::new();
    let storage = LocalStorage::open(&root).unwrap().with_observer(injector.clone());
    let folio = OpenOptions::new().open_storage(Arc::new(storage)).unwrap();
    injector.disarm();
    folio.gc(&strict_gc()).unwrap();
    let steps = injector.steps();
    let unlinks = |dir: &str| -> Vec<usize> {
        (0..steps.len()).filter(|n| steps[*n].contains("Unlink") && steps[*n].contains(dir)).collect()
    };
    let (last, first) = (*unlinks("history/").last().unwrap(), unlinks("artifacts/")[0]);
    let synced = steps[last..first].iter().any(|step| step.contains("FsyncDir") && step.contains("history"));
    assert!(last < first && synced, "{:?}", &steps[last..=first]);
}

/// Somebody put an older catalogue in the place of the head. What had been committed since was collected, and nothing was left
/// to repair from.
#[test]
fn the_history_above_an_older_catalogue_stays() {
    let dir = scratch();
    let root = dir.path().join("bundle");
    let folio = DataFolio::create(&root).unwrap();
    folio.add("x", json!(0), AddOptions::new()).unwrap();
    let older = std::fs::read(root.join("items.json")).unwrap();
    for n in 1..4 {
        folio.set_metadata("k", n).unwrap();
    }
    let newest = std::fs::read(root.join("items.json")).unwrap();
    std::fs::write(root.join("items.json"), older).unwrap();
    let folio = DataFolio::open(&root).unwrap();
    folio.gc(&strict_gc()).unwrap();
    std::fs::write(root.join("items.json"), newest).unwrap();
    let folio = DataFolio::open(&root).unwrap();
    assert_eq!(folio.at_revision(4).unwrap().metadata()["k"], 2);

    // What a writer left that died before it published its commit is garbage like any other.
    let sound = std::fs::read(root.join("items.json")).unwrap();
    folio.add("never", json!(1), AddOptions::new()).unwrap();
    std::fs::write(root.join("items.json"), sound).unwrap();
    let folio = DataFolio::open(&root).unwrap();
    let report = folio.gc(&strict_gc()).unwrap();
    assert!(report.history.iter().any(|path| path.starts_with("history/0000000006-")), "{report:?}");
    assert!(report.payloads[0].starts_with("artifacts/never--"), "{report:?}");
}

/// A history may end at a repair, which brings a full copy and leads back to what was there before.
#[test]
fn a_history_may_end_at_a_repair() {
    let dir = scratch();
    let root = dir.path().join("bundle");
    let folio = DataFolio::create(&root).unwrap();
    for n in 0..4 {
        folio.add("x", json!(n), AddOptions::new().overwrite()).unwrap();
    }
    let parent = history_file(&folio, 5, HistoryFile::Entry);
    std::fs::write(root.join("items.json"), "{").unwrap();
    datafolio::repair(&root, &Default::default()).unwrap();
    std::fs::remove_file(parent).unwrap();
    let folio = DataFolio::open(&root).unwrap();
    folio.add("x", json!(9), AddOptions::new().overwrite()).unwrap();
    let log = folio.log(100).unwrap();
    assert_eq!((log.len(), log.breaks.len()), (2, 0), "{log:?}");
    assert!(folio.verify(&VerifyOptions::default()).unwrap().is_clean());
}
