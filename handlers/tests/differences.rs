//! Numbers of 32 bits that a file stores as differences, where rows before the wanted ones are passed over.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int32Array, Int64Array, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use datafolio_handlers::{Data, Handler, IncludedTable, Item, Sink, TableReadOptions, WriteOptions, read_table};
use datafolio_storage::{MemoryStorage, Storage, Verification, VerifiedCache};
use datafolio_testkit::handler_suite::record;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection, RowSelector};
use parquet::basic::Encoding;
use parquet::file::properties::WriterProperties;
use tempfile::TempDir;

use crate::encoded;

const ROWS: i32 = 2_000;
/// Forty equal differences of this, whose sum 32 bits do not hold, though each value is one.
const STEP: i32 = 100_663_296;

fn value(row: i32) -> i32 {
    // The product alone is more than 32 bits hold.
    i32::MIN.wrapping_add((row % 40).wrapping_mul(STEP))
}

/// Pages of 40 rows in row groups of 600; `n` is the number of the row.
fn file() -> Vec<u8> {
    let columns: [(&str, ArrayRef); 2] = [
        ("x", Arc::new(Int32Array::from_iter_values((0..ROWS).map(value)))),
        ("n", Arc::new(Int64Array::from_iter_values((0..ROWS).map(i64::from)))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::DELTA_BINARY_PACKED)
        .set_data_page_row_count_limit(40)
        .set_write_batch_size(20)
        .set_max_row_group_row_count(Some(600));
    encoded(&batch, properties)
}

/// When this fails, the library can do it, and what is done here to avoid it is not needed any more.
#[test]
fn the_library_cannot_pass_over_such_numbers() {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(file())).unwrap();
    let selection = RowSelection::from(vec![RowSelector::skip(39), RowSelector::select(1)]);
    let mut reader = builder.with_row_selection(selection).build().unwrap();
    let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| reader.next().unwrap().is_ok()));
    assert!(!read.unwrap_or(false));
}

#[test]
fn rows_behind_such_numbers_are_read() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("steps.parquet");
    std::fs::write(&path, file()).unwrap();
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let mut sink = Sink::new(&storage, "included_table", "steps");
    let draft = IncludedTable.write(Data::ParquetFile(path), &WriteOptions::default(), &mut sink).unwrap();
    let record = record("included_table", "steps", &draft);
    let cache = VerifiedCache::disabled();
    let read = |part: &TableReadOptions| {
        let reader = read_table(&Item::new(&record, &storage, Verification::Touched, &cache), part).unwrap();
        let mut found = Vec::new();
        for batch in reader {
            let batch = batch.unwrap();
            assert!(batch.num_rows() <= part.batch_rows);
            let x = batch.column_by_name("x").unwrap().as_primitive::<Int32Type>().values().to_vec();
            let n = batch.column_by_name("n").unwrap().as_primitive::<Int64Type>().values().to_vec();
            found.extend(x.into_iter().zip(n));
        }
        found
    };
    let expected = |rows: &[i32]| rows.iter().map(|row| (value(*row), i64::from(*row))).collect::<Vec<_>>();
    for threads in [1, 2] {
        for batch_rows in [7, 64, 10_000] {
            let mut part = TableReadOptions::default();
            (part.threads, part.batch_rows) = (threads, batch_rows);
            assert_eq!(read(&part), expected(&(0..ROWS).collect::<Vec<_>>()));
            for (offset, limit) in [(0, 1), (38, 3), (39, 1), (99, 200), (599, 2), (640, 1_000), (1_999, 5), (2_000, 1)]
            {
                (part.offset, part.limit) = (offset, Some(limit));
                let rows: Vec<i32> = (0..ROWS).skip(offset as usize).take(limit as usize).collect();
                assert_eq!(read(&part), expected(&rows), "{offset} {limit}");
            }
            (part.offset, part.limit) = (639, None);
            assert_eq!(read(&part), expected(&(639..ROWS).collect::<Vec<_>>()));
            (part.offset, part.columns) = (0, Some(vec!["n".to_owned(), "x".to_owned()]));
            for rows in [vec![], vec![39], vec![38, 39, 40, 1_239, 1_999], vec![700, 701, 1_810]] {
                part.rows = Some(rows.iter().map(|row| *row as u64).collect());
                assert_eq!(read(&part), expected(&rows), "{rows:?}");
            }
        }
    }
}
