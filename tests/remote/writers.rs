//! Many writers of one bundle, and everything that can become of their requests.

use std::collections::{BTreeMap, BTreeSet};

use datafolio::{AddOptions, DataFolio, VerifyOptions};
use datafolio_testkit::object_server::FaultKind;
use serde_json::{Value, json};

use super::Remote;

const WRITERS: usize = 16;
const COMMITS: usize = 50;

/// The items of a batch are on their way together; what one of them fails with fails the batch, and nothing of it stays.
#[test]
fn items_of_a_batch_are_sent_together_and_all_of_them_arrive_or_none_is_there() {
    let remote = Remote::s3();
    let folio = remote.create("a");
    let large: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
    let file = remote.cache.path().join("large.bin");
    std::fs::write(&file, &large).unwrap();
    let mut batch = folio.batch().unwrap();
    remote.server.faults().set_latency(std::time::Duration::from_secs(1));
    for number in 0..8 {
        batch.add(&format!("x{number}"), json!({"number": number}), AddOptions::new()).unwrap();
    }
    let is_payload = |key: &str| key.contains("/artifacts/");
    let arrived = || remote.server.objects().iter().filter(|(key, _)| is_payload(key)).count();
    assert!(arrived() < 8, "each was waited for");
    // It is read as if it were there.
    assert_eq!(batch.seen().get_json("x7").unwrap()["number"], 7);
    remote.server.faults().clear();
    batch.add_typed("artifact", "large", datafolio::Data::File(file), AddOptions::new()).unwrap();
    batch.commit().unwrap();
    let fresh = remote.open("a");
    // Where Python DataFolio computes no MD5, it takes any for a mismatch.
    let record = fresh.item_info("x0").unwrap().record;
    assert!(record.contains_key("sha256") && !record.contains_key("checksum"), "{record:?}");
    (0..8).for_each(|number| assert_eq!(fresh.get_json(&format!("x{number}")).unwrap()["number"], number));
    assert!(fresh.verify(&VerifyOptions { read_data: true, ..VerifyOptions::default() }).unwrap().is_clean());

    let before = arrived();
    let mut batch = folio.batch().unwrap();
    batch.add("y0", json!(0), AddOptions::new()).unwrap();
    assert_eq!(batch.seen().get_json("y0").unwrap(), 0);
    remote.server.faults().set_deny_writes(true);
    (1..4).for_each(|number| batch.add(&format!("y{number}"), json!(number), AddOptions::new()).unwrap());
    let error = batch.commit().unwrap_err();
    assert!(error.code() == "access-denied" && error.to_string().contains("artifacts/y"), "{error}");
    remote.server.faults().clear();
    assert_eq!((remote.open("a").revision(), fresh.contains("y0")), (2, false));
    let mut batch = folio.batch().unwrap();
    (0..4).for_each(|number| batch.add(&format!("y{number}"), json!(number), AddOptions::new()).unwrap());
    batch.commit().unwrap();
    // All but what could not be taken back while writing was denied.
    assert!(arrived() <= before + 5);
    assert!(remote.open("a").verify(&VerifyOptions::default()).unwrap().is_clean());
}

/// Each writer adds items of its own; what was acknowledged is returned.
fn write(remote: &Remote, commits: usize) -> Vec<(String, u64)> {
    remote.create("shared");
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                scope.spawn(move || {
                    let folio = remote.open("shared");
                    let mut acknowledged = Vec::new();
                    for number in 0..commits {
                        let name = format!("w{writer}/{number}");
                        let info = folio
                            .add(&name, json!({"writer": writer, "number": number}), AddOptions::new())
                            .unwrap_or_else(|error| panic!("{name}: {error}"));
                        acknowledged.push((name, revision_of(&info.version)));
                    }
                    acknowledged
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    })
}

fn revision_of(version: &str) -> u64 {
    version.rsplit_once("--r").unwrap().1.split('-').next().unwrap().parse().unwrap()
}

/// All that was acknowledged is there, once, and the history has every revision.
fn check(remote: &Remote, acknowledged: &[(String, u64)], commits: usize) {
    remote.server.faults().clear();
    assert_eq!(acknowledged.len(), WRITERS * commits);
    let folio = remote.open("shared");
    let last = (WRITERS * commits) as u64 + 1;
    assert_eq!(folio.revision(), last);
    let revisions: BTreeSet<u64> = acknowledged.iter().map(|(_, revision)| *revision).collect();
    assert_eq!(revisions, (2..=last).collect());
    let log = folio.log(usize::MAX).unwrap();
    let logged: Vec<u64> = log.entries.iter().map(|entry| entry.revision).collect();
    assert_eq!(logged, (1..=last).rev().collect::<Vec<_>>());
    let by_revision: BTreeMap<u64, &str> =
        acknowledged.iter().map(|(name, revision)| (*revision, name.as_str())).collect();
    for entry in log.entries.iter().filter(|entry| entry.revision > 1) {
        assert_eq!(entry.changes.items.len(), 1);
        assert_eq!(entry.changes.items[0].name, by_revision[&entry.revision]);
    }
    for (name, _) in acknowledged.iter().step_by(7) {
        let value: Value = folio.get_json(name).unwrap();
        assert_eq!(format!("w{}/{}", value["writer"], value["number"]), *name);
    }
    let report = folio.verify(&VerifyOptions::default()).unwrap();
    assert!(report.is_clean(), "{report:?}");
}

#[test]
fn sixteen_writers_lose_nothing() {
    let remote = Remote::s3();
    let acknowledged = write(&remote, COMMITS);
    check(&remote, &acknowledged, COMMITS);
}

/// The same with one request in a hundred for each of the faults.
#[test]
fn sixteen_writers_lose_nothing_whatever_becomes_of_their_requests() {
    for remote in [Remote::s3(), Remote::google()] {
        let commits = if remote.google { 10 } else { COMMITS };
        for kind in [
            FaultKind::ErrorBefore,
            FaultKind::SlowDown,
            FaultKind::ErrorAfter,
            FaultKind::CutBefore,
            FaultKind::CutAfter,
            FaultKind::Conflict,
            FaultKind::Precondition,
            FaultKind::PreconditionAfter,
        ] {
            remote.server.faults().set_write_rate(kind, 10);
        }
        for kind in [FaultKind::ErrorBefore, FaultKind::SlowDown, FaultKind::CutBefore, FaultKind::ShortRead] {
            remote.server.faults().set_read_rate(kind, 10);
        }
        let acknowledged = write(&remote, commits);
        check(&remote, &acknowledged, commits);
    }
}

/// Writers of one item: each either makes its version or is told that another was first, and no version is lost.
#[test]
fn writers_of_one_item_are_told_who_was_first() {
    let remote = Remote::s3();
    let folio = remote.create("shared");
    folio.add("it", json!(-1), AddOptions::new()).unwrap();
    remote.server.faults().set_write_rate(FaultKind::ErrorAfter, 20);
    remote.server.faults().set_write_rate(FaultKind::PreconditionAfter, 20);
    let made: usize = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let remote = &remote;
                scope.spawn(move || {
                    let folio = remote.open("shared");
                    (0..20).filter(|number| is_made(&folio, writer * 100 + number)).count()
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).sum()
    });
    remote.server.faults().clear();
    assert_eq!(remote.open("shared").revision(), made as u64 + 2);
    assert!(made >= 20, "{made}");
}

fn is_made(folio: &DataFolio, value: usize) -> bool {
    match folio.add("it", json!(value), AddOptions::new().overwrite()) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.category(), datafolio::ErrorCategory::Conflict, "{error}");
            folio.refresh().unwrap();
            false
        }
    }
}
