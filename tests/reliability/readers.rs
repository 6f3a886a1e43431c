//! A handle sees one revision, whatever others commit meanwhile.

use datafolio::{AddOptions, DataFolio, GcOptions, VerifyOptions};
use serde_json::json;

use super::scratch;
use super::workload::plain;
use crate::support::model::visible_state;
use crate::support::table;

#[test]
fn a_reader_reads_its_revision_unchanged_through_300_commits_and_a_collection() {
    let dir = scratch();
    let folio = DataFolio::create(dir.path().join("bundle")).unwrap();
    for n in 0..5 {
        folio.add(&format!("t{n}"), table(10 + n), AddOptions::new().description("first")).unwrap();
        folio.add(&format!("j{n}"), json!(n), AddOptions::new()).unwrap();
    }
    folio.create_snapshot("s", plain()).unwrap();
    let reader = DataFolio::open_read_only(folio.location()).unwrap();
    let expected = visible_state(&reader).unwrap();

    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut rounds = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                assert_eq!(visible_state(&reader).unwrap(), expected);
                rounds += 1;
            }
            rounds
        });
        for n in 0..300 {
            match n % 5 {
                0 => drop(folio.add(&format!("t{}", n % 3), table(n), AddOptions::new().overwrite()).unwrap()),
                1 => folio.set_metadata("n", n).unwrap(),
                2 => drop(folio.add(&format!("new{n}"), json!(n), AddOptions::new()).unwrap()),
                3 => folio.update_item("j4", Some(&format!("{n}")), None).unwrap(),
                _ => drop(folio.delete(&[format!("new{}", n - 2)]).unwrap()),
            }
        }
        // With the retention that everyone has.
        let collect = GcOptions { apply: true, grace: Some(std::time::Duration::ZERO), ..GcOptions::default() };
        folio.gc(&collect).unwrap();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(reading.join().unwrap() > 2);
    });
    assert_eq!(visible_state(&reader).unwrap(), expected);
    assert_eq!(reader.revision(), 12);
    assert_eq!(visible_state(&folio.at_revision(12).unwrap()).unwrap().items, expected.items);
    reader.refresh().unwrap();
    assert_eq!(reader.revision(), 312);
    assert!(reader.verify(&VerifyOptions::default()).unwrap().is_clean());
}
