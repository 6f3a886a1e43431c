//! Stages on a store: the workers' files are copied by the store itself.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use chrono::TimeDelta;
use datafolio::{GcOptions, StageOptions, VerifyOptions};
use datafolio_testkit::object_server::FaultKind;
use parquet::arrow::ArrowWriter;

use super::Remote;

fn parquet(from: i64) -> Vec<u8> {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(from..from + 50_000));
    let batch = RecordBatch::try_from_iter([("x", column)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn files_on_a_store_become_a_table_without_being_sent_again() {
    for remote in [Remote::s3(), Remote::google()] {
        let folio = remote.create("a");
        let stage = folio.stage_table("t", &StageOptions::new()).unwrap();
        assert_eq!(stage.path, format!("{}/stages/{}", remote.address("a"), stage.id));
        let place = |name: &str| format!("{}/{name}", stage.path.split_once("bucket/").unwrap().1);
        for part in 0..3 {
            remote.server.put(&place(&format!("part-{part}.parquet")), &parquet(part * 50_000));
        }
        remote.server.take_requests();
        let done = folio.commit_stage(&stage.id, Some(150_000)).unwrap();
        assert_eq!((done.files, done.rewritten), (3, 0));
        let sent: usize = remote.server.take_requests().iter().map(|request| request.received as usize).sum();
        assert!(sent < parquet(0).len(), "{sent} bytes were sent");
        let fresh = remote.open("a");
        assert_eq!(fresh.table_info("t").unwrap().rows, Some(150_000));
        let parts = fresh.table_parts("t").unwrap();
        let shown = parts[0].path.as_ref().unwrap().to_string_lossy().into_owned();
        assert!(shown.starts_with(&format!("{}/parts/t--", remote.address("a"))), "{shown}");
        assert!(fresh.verify(&VerifyOptions { read_data: true, ..VerifyOptions::default() }).unwrap().is_clean());
        assert!(!remote.server.objects().iter().any(|(key, _)| key.contains("/stages/")));
    }
}

/// A store that fails in the middle leaves the stage as it was, and no version names what is not there.
#[test]
fn a_commit_of_a_stage_that_fails_can_be_made_again() {
    let remote = Remote::s3();
    remote.create("a");
    let quick = remote.storage_options().with("max_retries", "0");
    let folio = remote.options().storage_options(quick).open(remote.address("a")).unwrap();
    let stage = folio.stage_table("t", &StageOptions::new()).unwrap();
    let dir = stage.path.split_once("bucket/").unwrap().1;
    for part in 0..3 {
        remote.server.put(&format!("{dir}/part-{part}.parquet"), &parquet(part * 50_000));
    }
    for (kind, method, key) in [
        (FaultKind::ErrorBefore, "GET", "part-1.parquet"),
        (FaultKind::ErrorBefore, "PUT", "parts/t--"),
        (FaultKind::ErrorBefore, "GET", "parts/t--"),
    ] {
        remote.server.faults().next(kind, Some(method), key);
        let Err(error) = folio.commit_stage(&stage.id, None) else { panic!("{method} {key}") };
        assert_eq!(remote.server.faults().waiting(), 0, "{method} {key}: no such request: {error}");
        assert!(!remote.open("a").contains("t") && folio.stages().unwrap()[0].files == 3, "{method} {key}");
    }
    assert_eq!(folio.commit_stage(&stage.id, None).unwrap().rows, 150_000);
    assert!(remote.open("a").verify(&VerifyOptions::default()).unwrap().is_clean());
}

/// Workers may be at a stage for days; nobody comes back to one that was left for weeks.
#[test]
fn a_stage_that_nobody_writes_to_goes_after_a_week() {
    let remote = Remote::s3();
    let folio = remote.create("a");
    let stage = folio.stage_table("t", &StageOptions::new()).unwrap();
    let gc = |days: i64| {
        remote.server.faults().set_clock_offset(TimeDelta::days(days));
        let options = GcOptions { apply: true, grace: Some(Duration::ZERO), ..GcOptions::default() };
        folio.gc(&options).unwrap();
        folio.stages().unwrap().len()
    };
    assert_eq!(gc(6), 1);
    let dir = stage.path.split_once("bucket/").unwrap().1;
    remote.server.put(&format!("{dir}/part-1.parquet"), &parquet(0));
    assert_eq!((gc(12), gc(14)), (1, 0));
}
