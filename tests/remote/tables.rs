//! Tables on a store: what is fetched of them, and when.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, RecordBatchIterator, RecordBatchReader};
use arrow::datatypes::{DataType, Field, Schema};
use datafolio::columns::{Value, agg, col};
use datafolio::{AddOptions, DataFolio, IterOptions, TableOptions};

use super::Remote;

const ROWS: i64 = 1_000_000;

/// Four columns of 8 MB each that nothing compresses.
fn rows(first: i64) -> Box<dyn RecordBatchReader + Send> {
    let names = ["a", "b", "c", "d"];
    let mut fields = vec![Field::new("id", DataType::Int64, false)];
    fields.extend(names.map(|name| Field::new(name, DataType::Float64, false)));
    let schema = Arc::new(Schema::new(fields));
    let mut seed = first as u64 + 1;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 11) as f64 / (1u64 << 53) as f64
    };
    let batches: Vec<_> = (0..10)
        .map(|part| {
            let ids = Int64Array::from_iter_values(first + part * (ROWS / 10)..first + (part + 1) * (ROWS / 10));
            let mut columns: Vec<ArrayRef> = vec![Arc::new(ids)];
            columns.extend(
                names.map(|_| Arc::new(Float64Array::from_iter_values((0..ROWS / 10).map(|_| random()))) as ArrayRef),
            );
            Ok(RecordBatch::try_new(schema.clone(), columns).unwrap())
        })
        .collect();
    Box::new(RecordBatchIterator::new(batches, schema))
}

fn with_table(remote: &Remote) -> u64 {
    let folio = remote.create("a");
    folio.add_table("t", rows(0), AddOptions::new()).unwrap();
    drop(folio);
    let stored = remote.server.objects();
    let size = stored.iter().find(|(key, _)| key.ends_with(".parquet")).unwrap().1.len() as u64;
    remote.server.take_requests();
    size
}

fn fetched(remote: &Remote) -> (usize, u64) {
    let requests = remote.server.take_requests();
    (requests.len(), requests.iter().map(|request| request.sent).sum())
}

fn sum(folio: &DataFolio, column: &str) -> (u64, f64) {
    let options = IterOptions::new().columns([column]);
    let mut found = (0, 0.0);
    for chunk in folio.iter_table("t", &options).unwrap() {
        let chunk = chunk.unwrap();
        let values = chunk.column(0).as_any().downcast_ref::<Float64Array>().unwrap();
        found.0 += values.len() as u64;
        found.1 += values.iter().flatten().sum::<f64>();
    }
    found
}

/// A condition reads its own columns, and of the others what it holds for.
#[cfg(feature = "sql")]
#[test]
fn a_condition_fetches_its_columns_and_the_rows_that_it_holds_for() {
    let remote = Remote::s3();
    let size = with_table(&remote);
    for (condition, columns, most) in
        [("a < 0.00001", &["id", "a"][..], size * 2 / 5), ("id BETWEEN 700000 AND 700100", &["id", "b"], size / 5)]
    {
        let folio = remote.open("a");
        remote.server.take_requests();
        let options = TableOptions::new().filter(condition).columns(columns.iter().copied());
        let rows: usize = folio.read_table("t", &options).unwrap().map(|batch| batch.unwrap().num_rows()).sum();
        let (count, bytes) = fetched(&remote);
        assert!(rows > 0 && rows < 200, "{condition}: {rows}");
        assert!(bytes < most && count < 60, "{condition}: {count} requests, {bytes} of {size} bytes");
    }
}

/// Facts come from the footer; a column is fetched without the others; a few rows without the rest.
#[test]
fn reading_a_part_fetches_a_part() {
    let remote = Remote::s3();
    let size = with_table(&remote);
    assert!(size > 30 << 20, "{size}");
    let folio = remote.open("a");
    fetched(&remote);
    assert_eq!(folio.table_info("t").unwrap().rows, Some(ROWS as u64));
    let (count, bytes) = fetched(&remote);
    assert!(count <= 4 && bytes < 4 << 20, "facts: {count} requests, {bytes} bytes");
    // One column of five.
    let (rows, total) = sum(&folio, "c");
    assert_eq!(rows, ROWS as u64);
    assert!((total / ROWS as f64 - 0.5).abs() < 0.01);
    let (count, bytes) = fetched(&remote);
    assert!(bytes < size * 2 / 5, "one column: {bytes} of {size} bytes");
    assert!(count < 60, "one column: {count} requests");
    let options = TableOptions::new().offset(500_000).limit(10);
    let few: Vec<_> = folio.read_table("t", &options).unwrap().collect::<Result<_, _>>().unwrap();
    let ids = few[0].column(0).as_any().downcast_ref::<Int64Array>().unwrap();
    assert_eq!(ids.value(0), 500_000);
    let (count, bytes) = fetched(&remote);
    assert!(bytes < size / 3, "ten rows: {count} requests, {bytes} of {size} bytes");
    // All of it: each byte about once.
    let options = IterOptions::default();
    assert_eq!(
        folio.iter_table("t", &options).unwrap().map(|chunk| chunk.unwrap().num_rows()).sum::<usize>(),
        ROWS as usize
    );
    let (count, bytes) = fetched(&remote);
    assert!(bytes < size * 3 / 2 && count < 120, "all: {count} requests, {bytes} of {size} bytes");
}

/// Frames and SQL work on a copy: fetched once, and from then on nothing is asked of the store but whether the catalogue has changed.
#[test]
fn computing_fetches_a_table_once() {
    let remote = Remote::s3();
    let size = with_table(&remote);
    let folio = remote.open("a");
    fetched(&remote);
    let mean = |folio: &DataFolio| {
        let answers = folio.frame("t").unwrap().aggregate(&[agg::mean(col("c"))]).unwrap();
        match answers[0] {
            Value::Float(mean) => mean,
            ref other => panic!("{other:?}"),
        }
    };
    let first = mean(&folio);
    assert!((first - 0.5).abs() < 0.01);
    let (_, bytes) = fetched(&remote);
    assert!(bytes >= size && bytes < size * 6 / 5, "{bytes} of {size}");
    assert_eq!(mean(&folio), first);
    assert_eq!(fetched(&remote).0, 0);
    // Another process.
    let warm = remote.open("a");
    assert_eq!(mean(&warm), first);
    assert_eq!(sum(&warm, "c").0, ROWS as u64);
    let requests = remote.server.take_requests();
    let shown: Vec<_> = requests.iter().map(|request| (request.method.as_str(), request.status)).collect();
    assert_eq!(shown, [("GET", 304)], "{requests:?}");
    #[cfg(feature = "sql")]
    {
        let mut answer = warm.query_table("t", "SELECT count(*) FROM t WHERE c > 0.5", &Default::default()).unwrap();
        let batch = answer.next().unwrap().unwrap();
        let count = batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap().value(0);
        assert!((490_000..510_000).contains(&count), "{count}");
        assert_eq!(fetched(&remote).0, 0);
    }
    let path = warm.item_path("t").unwrap();
    assert!(path.starts_with(remote.cache.path()), "{}", path.display());
    assert_eq!(warm.get_table_path("t").unwrap().split("/tables/").next(), Some(warm.location().as_str()));
}

/// Appending, old versions and snapshots work as on a disk.
#[test]
fn tables_grow_and_snapshots_keep_what_they_saw() {
    let remote = Remote::s3();
    with_table(&remote);
    let folio = remote.open("a");
    folio.create_snapshot("v1", Default::default()).unwrap();
    folio.append_table("t", rows(ROWS), Default::default()).unwrap();
    assert_eq!(folio.table_info("t").unwrap().rows, Some(2 * ROWS as u64));
    let before = remote.open("a").load_snapshot("v1").unwrap();
    assert_eq!(before.table_info("t").unwrap().rows, Some(ROWS as u64));
    folio.compact("t").unwrap();
    assert_eq!(sum(&remote.open("a"), "b").0, 2 * ROWS as u64);
    assert_eq!(sum(&before, "b").0, ROWS as u64);
    assert!(folio.verify(&Default::default()).unwrap().is_clean());
}
