//! What others do between two requests of a commit, or of a collection of garbage: each moment of it is tried.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use datafolio::{AddOptions, AppendOptions, DataFolio, GcOptions, OpenOptions, TableOptions, VerifyOptions};
use datafolio_testkit::simulated_store::{SimulatedStore, Weather};
use serde_json::json;
use tempfile::TempDir;

use super::settings_in;

type Turn = (usize, Box<dyn Fn() + Send + Sync>);

/// A store on which others have a turn before each request, and what they do before the requests of these numbers.
fn with_turns(turns: Vec<Turn>, store: &SimulatedStore) -> Arc<AtomicUsize> {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    store.set_turn(move |_| {
        let request = counted.fetch_add(1, Ordering::Relaxed);
        turns.iter().filter(|(at, _)| *at == request).for_each(|(_, act)| act());
    });
    store.set_weather(Weather { interleaved: 100, ..Weather::default() });
    requests
}

fn everything() -> GcOptions {
    GcOptions { apply: true, grace: Some(Duration::ZERO), retention_days: Some(0), retention_revisions: Some(1) }
}

/// A bundle on a simulated store with a table of three parts and a value that was replaced, and another handle of it.
fn simulated(cache: &TempDir) -> (SimulatedStore, DataFolio, DataFolio) {
    let store = SimulatedStore::new(1);
    let options = || OpenOptions::new().settings(settings_in(cache.path()));
    let folio = options().create_storage(Arc::new(store.clone())).unwrap();
    for number in 0..3 {
        folio.append_table("t", row(number), AppendOptions::new().without_compaction()).unwrap();
    }
    folio.add("r", json!(1), AddOptions::new()).unwrap();
    folio.add("r", json!(2), AddOptions::new().overwrite()).unwrap();
    folio.add("s", json!(3), AddOptions::new()).unwrap();
    let other = options().open_storage(Arc::new(store.clone())).unwrap();
    (store, folio, other)
}

fn row(number: i64) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![number]));
    RecordBatch::try_from_iter([("n", column)]).unwrap()
}

fn is_whole(folio: &DataFolio, case: &str) {
    let folio = folio.refresh().map(|()| folio).unwrap();
    let report = folio.verify(&VerifyOptions { read_data: true, ..VerifyOptions::default() }).unwrap();
    assert!(report.is_clean(), "{case}: {:?}", report.findings);
}

/// Rows are appended while the parts of a table are merged, and all that nothing names yet is collected at any moment after: what was
/// merged is named by the commit, or is gone and not named.
#[test]
fn what_a_later_try_takes_over_is_not_collected() {
    let cache = TempDir::new().unwrap();
    let (mut made, mut refused) = (0, 0);
    for (append_at, collect_at) in (0..40).flat_map(|append_at| (append_at..40).map(move |at| (append_at, at))) {
        let (store, folio, other) = simulated(&cache);
        let other = Arc::new(other);
        let (appends, collects) = (Arc::clone(&other), Arc::clone(&other));
        let append =
            move || drop(appends.append_table("t", row(3), AppendOptions::new().without_compaction()).unwrap());
        let collect = move || drop(collects.gc(&everything()));
        let requests = with_turns(vec![(append_at, Box::new(append)), (collect_at, Box::new(collect))], &store);
        match folio.compact("t") {
            Ok(_) => made += 1,
            Err(error) => {
                // What it was about to read or to copy may be collected as well.
                let codes = ["staged-gone", "conflict", "missing-payload"];
                assert!(codes.contains(&error.code()), "{append_at} {collect_at}: {} {error}", error.code());
                refused += 1;
            }
        }
        store.calm_down();
        is_whole(&other, &format!("{append_at} {collect_at}"));
        let rows: usize =
            other.read_table("t", &TableOptions::new()).unwrap().map(|batch| batch.unwrap().num_rows()).sum();
        let has_appended = requests.load(Ordering::Relaxed) > append_at;
        assert_eq!(rows, 3 + usize::from(has_appended), "{append_at} {collect_at}");
    }
    assert!(made > 0 && refused > 0, "{made} made, {refused} refused");
}

/// An old version is brought back at any moment of a collection that removes it: it is there, or the one who brings it back is told.
#[test]
fn what_comes_back_is_not_collected() {
    let cache = TempDir::new().unwrap();
    let (mut made, mut refused) = (0, 0);
    for at in 0..60 {
        let (store, folio, other) = simulated(&cache);
        let revision = other.log(usize::MAX).unwrap().iter().find(|entry| entry.touches("r")).unwrap().revision;
        let (other, told) = (Arc::new(other), Arc::new(Mutex::new(None)));
        let (undoes, tells) = (Arc::clone(&other), Arc::clone(&told));
        let undo = move || *tells.lock().unwrap() = Some(undoes.undo(Some(revision)).map(drop));
        let _requests = with_turns(vec![(at, Box::new(undo))], &store);
        let _ = folio.gc(&everything());
        store.calm_down();
        match told.lock().unwrap().take() {
            None => continue,
            Some(Ok(())) => {
                made += 1;
                other.refresh().unwrap();
                assert_eq!(other.get_json("r").unwrap(), json!(1), "{at}");
            }
            Some(Err(error)) => {
                let codes = ["payload-gone", "revision-not-found", "damaged-history", "cannot-undo"];
                assert!(codes.contains(&error.code()), "{at}: {} {error}", error.code());
                refused += 1;
            }
        }
        is_whole(&other, &at.to_string());
    }
    assert!(made > 0 && refused > 0, "{made} made, {refused} refused");
}
