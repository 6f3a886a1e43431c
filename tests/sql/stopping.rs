//! Queries that take too long, or too much.

use std::time::{Duration, Instant};

use datafolio::{
    Condition, DataFolio, Error, IterOptions, OpenOptions, QueryControl, QueryOptions, Settings, StatisticsOptions,
    TableOptions,
};

use super::{rows, with_numbers};

const ENDLESS: &str = "SELECT count(*) FROM range(10000000000) a, range(10000000000) b WHERE a.range + b.range = 3";

#[test]
fn a_query_is_stopped_by_the_clock() {
    let (_dir, folio) = with_numbers();
    let begun = Instant::now();
    let options = QueryOptions::new().timeout(Duration::from_millis(200));
    let error = folio.query(ENDLESS, &options).and_then(rows).unwrap_err();
    assert_eq!(error.code(), "sql-timed-out", "{error}");
    assert!(error.to_string().contains("0.2 s"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(20));
    let recursive = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r";
    let error = folio.query(recursive, &options).and_then(rows).unwrap_err();
    assert_eq!(error.code(), "sql-timed-out", "{error}");
}

#[test]
fn a_query_is_cancelled_from_another_thread_and_by_letting_go_of_it() {
    let (_dir, folio) = with_numbers();
    // The rows begin at once, and would never end.
    let sql = "SELECT a.range FROM range(10000000000) a";
    let reader = folio.query(sql, &QueryOptions::new()).unwrap();
    let control = reader.control();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        control.cancel();
    });
    let mut error = None;
    for batch in reader {
        if let Err(found) = batch {
            error = Some(datafolio::Error::from(found));
        }
    }
    stopper.join().unwrap();
    assert_eq!(error.unwrap().code(), "sql-cancelled");
    let mut reader = folio.query(sql, &QueryOptions::new()).unwrap();
    assert!(reader.next().unwrap().is_ok());
    drop(reader);
}

#[test]
fn the_search_for_the_rows_of_a_condition_is_cancelled_before_it_finds_one() {
    let (_dir, folio) = with_numbers();
    let begun = Instant::now();
    let searches: [fn(&DataFolio, Condition) -> datafolio::Result<()>; 3] = [
        |folio, condition| {
            let rows = folio.read_table("numbers", &TableOptions::new().filter(condition))?;
            rows.into_iter().try_for_each(|batch| batch.map(drop).map_err(Error::from))
        },
        |folio, condition| {
            let mut chunks = folio.iter_table("numbers", &IterOptions::new().filter(condition))?;
            chunks.try_for_each(|chunk| chunk.map(drop))
        },
        |folio, condition| folio.describe_table("numbers", &StatisticsOptions::new().filter(condition)).map(drop),
    ];
    for search in searches {
        let control = QueryControl::new();
        let condition = Condition::new(format!("id < -({ENDLESS})")).control(&control);
        let stopper = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            control.cancel();
        });
        let error = search(&folio, condition).unwrap_err();
        stopper.join().unwrap();
        assert_eq!(error.code(), "sql-cancelled", "{error}");
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn what_does_not_fit_goes_to_the_spill_directory_or_is_an_error() {
    let (dir, folio) = with_numbers();
    let spill = dir.path().join("spill");
    let mut settings = Settings::default();
    settings.set("spill_dir", spill.to_str().unwrap()).unwrap();
    let folio = |settings: &Settings| -> DataFolio {
        OpenOptions::new().settings(settings.clone()).open(folio.location()).unwrap()
    };
    let sql = "SELECT count(*), sum(length(s)) FROM (SELECT range::VARCHAR || 'xxxxxxxxxxxxxxxxxxxxxxxxx' s FROM range(6000000) \
               ORDER BY hash(range))";
    let options = QueryOptions::new().memory(128 << 20).threads(2);
    let found = rows(folio(&settings).query(sql, &options).unwrap()).unwrap();
    assert_eq!(found[0][0], 6_000_000);
    // Nothing stays there.
    assert!(std::fs::read_dir(&spill).map_or(true, |mut files| files.next().is_none()));
    settings.set("spill_cap", "0").unwrap();
    let error = folio(&settings).query(sql, &options).and_then(rows).unwrap_err();
    assert_eq!(error.code(), "sql-out-of-memory", "{error}");
    // Its advice is for whoever can change settings in SQL.
    assert!(!error.to_string().contains("SET "), "{error}");
    // DuckDB's own place for it would be where the program happens to run.
    assert!(!std::path::Path::new(".tmp").exists());
}
