//! Collecting garbage while others write.

use std::time::Duration;

use chrono::TimeDelta;
use datafolio::{AddOptions, Batch, GcOptions, VerifyOptions};
use serde_json::json;

use super::Remote;

/// Waits for what a batch has staged, which is on its way otherwise.
fn arrived(batch: &Batch<'_>, item: &str) {
    batch.seen().get_json(item).unwrap();
}

fn at_once() -> GcOptions {
    GcOptions { apply: true, grace: Some(Duration::ZERO), retention_days: Some(0), retention_revisions: Some(1) }
}

/// A writer that has uploaded and pauses: what it has uploaded is collected, however short the grace, and its commit fails and
/// names nothing that is gone. The next try works.
#[test]
fn what_a_paused_writer_has_staged_is_never_named_once_it_is_gone() {
    let remote = Remote::s3();
    let folio = remote.create("a");
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    let writer = remote.open("a");
    let mut batch = writer.batch().unwrap();
    batch.add("y", json!(2), AddOptions::new()).unwrap();
    arrived(&batch, "y");
    let report = folio.gc(&at_once()).unwrap();
    assert!(report.applied && report.payloads.iter().any(|path| path.contains("y--")), "{report:?}");
    let error = batch.commit().unwrap_err();
    assert_eq!(error.code(), "staged-gone", "{error}");
    writer.refresh().unwrap();
    assert!(!writer.contains("y"));
    writer.add("y", json!(2), AddOptions::new()).unwrap();
    let fresh = remote.open("a");
    assert_eq!(fresh.get_json("y").unwrap(), json!(2));
    assert!(fresh.verify(&VerifyOptions::default()).unwrap().is_clean());
}

/// Who only looks writes nothing.
#[test]
fn looking_for_garbage_writes_nothing() {
    let remote = Remote::s3();
    remote.create("a").add("x", json!(1), AddOptions::new()).unwrap();
    let folio = remote.options().read_only(true).open(remote.address("a")).unwrap();
    remote.server.take_requests();
    assert!(!folio.gc(&GcOptions::default()).unwrap().applied);
    folio.disk_usage().unwrap();
    let requests = remote.server.take_requests();
    assert!(requests.iter().all(|request| matches!(request.method.as_str(), "GET" | "HEAD")), "{requests:?}");
}

/// The age of files is told by the clock of the store, which gave them their times.
#[test]
fn grace_is_by_the_clock_of_the_store() {
    for hours in [-5, 5] {
        let remote = Remote::s3();
        remote.server.faults().set_clock_offset(TimeDelta::hours(hours));
        let folio = remote.create("a");
        folio.add("x", json!(1), AddOptions::new()).unwrap();
        let mut batch = folio.batch().unwrap();
        batch.add("y", json!(2), AddOptions::new()).unwrap();
        arrived(&batch, "y");
        let other = remote.open("a");
        let options = GcOptions { grace: Some(Duration::from_secs(3600)), ..at_once() };
        let report = other.gc(&options).unwrap();
        assert!(report.payloads.is_empty() && report.too_young > 0, "{hours}: {report:?}");
        batch.commit().unwrap();
        // An hour and a half later by that clock.
        let mut abandoned = folio.batch().unwrap();
        abandoned.add("z", json!(3), AddOptions::new()).unwrap();
        arrived(&abandoned, "z");
        std::mem::forget(abandoned);
        remote.server.faults().set_clock_offset(TimeDelta::hours(hours) + TimeDelta::minutes(90));
        let report = other.gc(&options).unwrap();
        assert!(report.payloads.len() == 1 && report.payloads[0].contains("z--"), "{hours}: {report:?}");
        assert_eq!(remote.open("a").get_json("y").unwrap(), json!(2));
    }
}

/// Writers and collections with no grace at all, at the same time: whatever is committed is there. The history reaches further back than
/// any writer can be behind: one that finds its own commits collected could not tell what became of them, and would say so.
#[test]
fn collections_among_writers_remove_nothing_that_is_named() {
    let remote = Remote::s3();
    remote.create("a");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let remote = &remote;
            scope.spawn(move || {
                let folio = remote.open("a");
                for number in 0..25 {
                    // What was collected under the writer is added again.
                    loop {
                        match folio.add(&format!("w{writer}"), json!(number), AddOptions::new().overwrite()) {
                            Ok(_) => break,
                            Err(error) => assert_eq!(error.code(), "staged-gone", "{error}"),
                        }
                    }
                }
            });
        }
        let remote = &remote;
        scope.spawn(move || {
            let folio = remote.open("a");
            for _ in 0..25 {
                folio.gc(&GcOptions { retention_revisions: Some(1000), ..at_once() }).unwrap();
            }
        });
    });
    let folio = remote.open("a");
    for writer in 0..4 {
        assert_eq!(folio.get_json(&format!("w{writer}")).unwrap(), json!(24));
    }
    let report = folio.verify(&VerifyOptions::default()).unwrap();
    assert!(report.is_clean(), "{report:?}");
}

/// What the head names under another name was not collected: nobody reads the history to find that out.
#[test]
fn a_rename_is_undone_without_a_look_at_all_of_the_history() {
    let remote = Remote::s3();
    let folio = remote.create("a");
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    for n in 0..30 {
        folio.set_metadata("n", n).unwrap();
    }
    folio.rename("x", "y").unwrap();
    remote.server.take_requests();
    folio.undo(None).unwrap();
    assert_eq!(folio.get_json("x").unwrap(), json!(1));
    let requests = remote.server.take_requests();
    let of_history = requests.iter().filter(|request| request.method == "GET" && request.key.contains("history/0"));
    assert!(of_history.count() < 6, "{requests:?}");
}
