//! Pushing and pulling between a directory and a store.

use datafolio::{AddOptions, DataFolio, TransferControl, TransferOptions, VerifyOptions};
use datafolio_testkit::object_server::FaultKind;
use serde_json::json;
use tempfile::TempDir;

use super::Remote;

fn all() -> TransferOptions {
    TransferOptions::default()
}

/// A bundle in a directory that reaches the store of the test.
fn local(remote: &Remote, dir: &TempDir) -> DataFolio {
    let folio = remote.options().create(dir.path().join("study")).unwrap();
    folio.add("params", json!({"rate": 0.1}), AddOptions::new()).unwrap();
    let large = dir.path().join("large.bin");
    std::fs::write(&large, (0..600_000u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>()).unwrap();
    folio.add_file("large", &large, AddOptions::new()).unwrap();
    folio.create_snapshot("v1", Default::default()).unwrap();
    folio.add("params", json!({"rate": 0.2}), AddOptions::new().overwrite()).unwrap();
    folio
}

fn is_whole(folio: &DataFolio) {
    let report = folio.verify(&VerifyOptions { read_data: true, ..VerifyOptions::default() }).unwrap();
    assert!(report.is_clean(), "{report:?}");
}

/// What arrives is the same bundle: its snapshots and every revision of its history.
#[test]
fn a_bundle_that_is_pushed_is_the_same_bundle_there() {
    let (remote, dir) = (Remote::s3(), TempDir::new().unwrap());
    let folio = local(&remote, &dir);
    let done = folio.push(remote.address("a"), &all()).unwrap();
    assert_eq!(done.revision, 5);
    let there = remote.open("a");
    assert_eq!(there.get_json("params").unwrap(), json!({"rate": 0.2}));
    assert_eq!(there.load_snapshot("v1").unwrap().get_json("params").unwrap(), json!({"rate": 0.1}));
    for revision in 1..=5 {
        assert_eq!(
            there.at_revision(revision).unwrap().catalogue().current.len(),
            folio.at_revision(revision).unwrap().catalogue().current.len()
        );
    }
    is_whole(&there);
    // Nothing has changed: nothing is sent.
    remote.server.take_requests();
    assert_eq!(folio.push(remote.address("a"), &all()).unwrap().files, 0);
    assert!(remote.server.take_requests().iter().all(|request| request.method == "GET"));
    // What is new goes over, and nothing else.
    folio.add("more", json!(1), AddOptions::new()).unwrap();
    let done = folio.push(remote.address("a"), &all()).unwrap();
    assert_eq!((done.files, done.revision), (2, 6), "{done:?}");
    // And back again.
    let other = remote.options().open_or_create(dir.path().join("other")).unwrap();
    assert_eq!(other.pull(remote.address("a"), &all()).unwrap_err().code(), "diverged");
    let mirror = dir.path().join("mirror");
    remote.open("a").push(&mirror, &all()).unwrap();
    let mirror = remote.options().open(&mirror).unwrap();
    remote.open("a").add("theirs", json!(2), AddOptions::new()).unwrap();
    assert_eq!(mirror.pull(remote.address("a"), &all()).unwrap().revision, 7);
    assert_eq!(mirror.get_json("theirs").unwrap(), json!(2));
    is_whole(&mirror);
}

/// A bundle that is behind is told so, and two that have parted are not brought together; single items still go over.
#[test]
fn bundles_that_have_parted_are_left_as_they_are() {
    let (remote, dir) = (Remote::s3(), TempDir::new().unwrap());
    let folio = local(&remote, &dir);
    folio.push(remote.address("a"), &all()).unwrap();
    remote.open("a").add("theirs", json!(2), AddOptions::new()).unwrap();
    let error = folio.push(remote.address("a"), &all()).unwrap_err();
    assert!(error.code() == "diverged" && error.to_string().contains("ahead"), "{error}");
    folio.add("ours", json!(3), AddOptions::new()).unwrap();
    let error = folio.push(remote.address("a"), &all()).unwrap_err();
    assert!(error.code() == "diverged" && error.to_string().contains("does not follow"), "{error}");
    let only = || TransferOptions { include: Some(vec!["ours".to_owned()]), ..all() };
    assert_eq!(folio.push(remote.address("a"), &only()).unwrap().files, 1);
    assert_eq!(remote.open("a").get_json("ours").unwrap(), json!(3));
    assert_eq!(folio.push(remote.address("a"), &only()).unwrap().present, 1);
    folio.add("ours", json!(4), AddOptions::new().overwrite()).unwrap();
    assert_eq!(folio.push(remote.address("a"), &only()).unwrap_err().code(), "invalid-argument");
    folio.push(remote.address("a"), &TransferOptions { overwrite: true, ..only() }).unwrap();
    assert_eq!(remote.open("a").get_json("ours").unwrap(), json!(4));
    is_whole(&remote.open("a"));
    // A snapshot goes over with what it holds, and without what is current.
    let snapshots = TransferOptions { snapshots: Some(vec!["v1".to_owned()]), ..all() };
    let done = folio.push(remote.address("s"), &snapshots).unwrap();
    assert_eq!(done.files, 3);
    let there = remote.open("s");
    assert!(there.items(true).is_empty());
    let (ours, theirs) = (folio.load_snapshot("v1").unwrap(), there.load_snapshot("v1").unwrap());
    assert_eq!(theirs.get_json("params").unwrap(), json!({"rate": 0.1}));
    assert_eq!(theirs.item_info("large").unwrap().version, ours.item_info("large").unwrap().version);
    is_whole(&there);
    assert_eq!(folio.push(remote.address("s"), &snapshots).unwrap().present, 1);
    there.delete_snapshot("v1").unwrap();
    there.create_snapshot("v1", Default::default()).unwrap();
    assert_eq!(folio.push(remote.address("s"), &snapshots).unwrap_err().code(), "invalid-argument");
    // Items of which one is not there: nothing of the others stays behind.
    let of_a = || remote.server.objects().iter().filter(|(key, _)| key.contains("/a/")).count();
    let before = of_a();
    let some = TransferOptions { include: Some(vec!["large".to_owned(), "none".to_owned()]), ..all() };
    folio.push(remote.address("b"), &some).unwrap_err();
    folio.push(remote.address("a"), &some).unwrap_err();
    assert_eq!(of_a(), before);
    // Nor a bundle that was made for them.
    assert!(!remote.server.objects().iter().any(|(key, _)| key.contains("/b/")));
    folio.push(dir.path().join("b"), &some).unwrap_err();
    assert!(!dir.path().join("b").exists());
    // Nobody makes a bundle below the address of a web server.
    let web = format!("{}/bucket/runs/c", remote.server.endpoint());
    assert_eq!(folio.push(&web, &all()).unwrap_err().code(), "read-only-place");
    assert_eq!(remote.options().create(&web).unwrap_err().code(), "read-only-place");
    // What a store is reached with is none of its options.
    assert_eq!(remote.options().open_or_create(&web).unwrap_err().code(), "invalid-store-option");
    let without = remote.options().storage_options(Default::default());
    assert_eq!(without.open_or_create(&web).unwrap_err().code(), "not-a-bundle");
}

/// A push that fails on its way shows nothing, and the next one sends only what is lacking.
#[test]
fn what_was_interrupted_goes_on_where_it_ended() {
    for key in ["history/0000000003", "items.json"] {
        let (remote, dir) = (Remote::s3(), TempDir::new().unwrap());
        local(&remote, &dir);
        let quick = remote.storage_options().with("max_retries", "0");
        let folio = remote.options().storage_options(quick).open(dir.path().join("study")).unwrap();
        // More often than anybody tries.
        for _ in 0..40 {
            remote.server.faults().next(FaultKind::ErrorBefore, Some("PUT"), key);
        }
        folio.push(remote.address("a"), &all()).unwrap_err();
        remote.server.faults().clear();
        assert_eq!(remote.options().open(remote.address("a")).unwrap_err().code(), "not-a-bundle", "{key}");
        let done = folio.push(remote.address("a"), &all()).unwrap();
        assert!(done.present >= 3, "{key}: {done:?}");
        is_whole(&remote.open("a"));
    }
}

/// A file that is damaged here does not arrive there.
#[test]
fn damage_is_not_sent_on() {
    let (remote, dir) = (Remote::s3(), TempDir::new().unwrap());
    let folio = local(&remote, &dir);
    let path = folio.item_path("large").unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[2_000_000] ^= 1;
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    let error = folio.push(remote.address("a"), &all()).unwrap_err();
    assert_eq!(error.category(), datafolio::ErrorCategory::Corrupt, "{error}");
    assert!(!remote.server.objects().iter().any(|(key, _)| key.contains("large") && !key.ends_with(".blocks")));
}

/// What watches a push is told how far it is, and stops it: nothing is to be seen there then, and what has gone over is not sent again.
#[test]
fn a_transfer_is_watched_and_stopped() {
    let (remote, dir) = (Remote::s3(), TempDir::new().unwrap());
    let folio = local(&remote, &dir);
    let control = TransferControl::new();
    assert_eq!(control.progress(), None);
    control.cancel();
    let watched = |control: &TransferControl| TransferOptions { control: Some(control.clone()), ..all() };
    for options in [watched(&control), TransferOptions { include: Some(vec!["large".to_owned()]), ..watched(&control) }]
    {
        assert_eq!(folio.push(remote.address("a"), &options).unwrap_err().code(), "cancelled");
        assert_eq!(control.progress(), Some(0.0));
    }
    assert_eq!(remote.server.objects(), []);
    // In the middle: as soon as something has gone over.
    remote.server.faults().set_latency(std::time::Duration::from_millis(200));
    let control = TransferControl::new();
    std::thread::scope(|scope| {
        let push = scope.spawn(|| folio.push(remote.address("b"), &watched(&control)));
        while control.bytes() == 0 {
            std::thread::yield_now();
        }
        control.cancel();
        assert_eq!(push.join().unwrap().unwrap_err().code(), "cancelled");
    });
    remote.server.faults().clear();
    assert!(control.progress().is_some_and(|part| part > 0.0 && part < 1.0), "{control:?}");
    assert_eq!(remote.options().open(remote.address("b")).unwrap_err().code(), "not-a-bundle");
    // To its end: all that is sent is counted, and nothing else.
    let control = TransferControl::new();
    let done = folio.push(remote.address("c"), &watched(&control)).unwrap();
    assert_eq!((control.progress(), control.bytes()), (Some(1.0), done.bytes));
    let control = TransferControl::new();
    let only = TransferOptions { include: Some(vec!["params".to_owned(), "large".to_owned()]), ..watched(&control) };
    folio.push(remote.address("d"), &only).unwrap();
    assert_eq!(control.progress(), Some(1.0));
    is_whole(&remote.open("c"));
}
