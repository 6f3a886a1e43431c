//! Batches stay below 32 MB, however small the file has made the rows.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, FixedSizeListArray, Float64Array, Int64Array, RecordBatch, RecordBatchIterator,
    StringArray,
};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use datafolio_core::ItemRecord;
use datafolio_handlers::{Data, Handler, IncludedTable, Item, Sink, TableReadOptions, WriteOptions, read_table};
use datafolio_storage::{MemoryStorage, Storage, Verification, VerifiedCache};
use datafolio_testkit::handler_suite::record;

/// And a little for where the first text begins, and for bits that share a byte.
const BATCH_BYTES: usize = (32 << 20) + 64;

fn mixed(row: i64) -> i64 {
    row.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed())
}

/// Rows of 74 bytes or so, packed in all ways: differences, noise, dictionaries of numbers and of texts, bits, texts of a letter.
fn packed(start: i64, end: i64) -> RecordBatch {
    let rows = || start..end;
    let long = ["a text that is rather long, and comes again", "another one, which is as long as the first is"];
    let columns: [(&str, ArrayRef); 6] = [
        ("id", Arc::new(Int64Array::from_iter_values(rows()))),
        ("noise", Arc::new(Float64Array::from_iter_values(rows().map(|row| mixed(row) as f64)))),
        ("few", Arc::new(Int64Array::from_iter_values(rows().map(|row| row % 3)))),
        ("long", Arc::new(StringArray::from_iter_values(rows().map(|row| long[(row % 2) as usize])))),
        ("letter", Arc::new(StringArray::from_iter_values(rows().map(|row| if row % 2 == 0 { "x" } else { "" })))),
        ("flag", Arc::new(BooleanArray::from_iter(rows().map(|row| Some(row % 5 == 0))))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Letters alone: what tells where each ends is longer than they are.
fn letters(start: i64, end: i64) -> RecordBatch {
    let letters = StringArray::from_iter_values((start..end).map(|row| if row % 2 == 0 { "x" } else { "" }));
    RecordBatch::try_from_iter([("letter", Arc::new(letters) as ArrayRef)]).unwrap()
}

/// A vector of 64 KB in each row.
fn wide(start: i64, end: i64) -> RecordBatch {
    const WIDTH: i32 = 8_192;
    let of = Arc::new(Field::new("element", DataType::Float64, false));
    let all = (start * i64::from(WIDTH)..end * i64::from(WIDTH)).map(|place| (place % 1_000) as f64);
    let vectors = FixedSizeListArray::new(of, WIDTH, Arc::new(Float64Array::from_iter_values(all)), None);
    RecordBatch::try_from_iter([("vector", Arc::new(vectors) as ArrayRef)]).unwrap()
}

fn bytes_of(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(|column| column.to_data().get_slice_memory_size().unwrap()).sum()
}

fn write(storage: &Arc<dyn Storage>, name: &str, data: Data) -> ItemRecord {
    let mut sink = Sink::new(storage, "included_table", name).with_threads(2);
    let draft = IncludedTable.write(data, &WriteOptions::default(), &mut sink).unwrap();
    record("included_table", name, &draft)
}

#[test]
fn batches_stay_below_their_bound_while_they_are_read_and_written() {
    type Make = fn(i64, i64) -> RecordBatch;
    let tables: [(&str, Make, i64, i64); 3] =
        [("packed", packed, 1_300_000, 65_536), ("letters", letters, 9_000_000, 65_536), ("wide", wide, 1_100, 64)];
    for (name, make, rows, step) in tables {
        let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
        let batches = (0..rows).step_by(step as usize).map(move |start| Ok(make(start, rows.min(start + step))));
        let stream = RecordBatchIterator::new(batches, make(0, 0).schema());
        let stored = write(&storage, name, Data::Table(Box::new(stream)));
        let cache = VerifiedCache::disabled();
        let item = Item::new(&stored, &storage, Verification::Touched, &cache);
        for threads in [1, 2] {
            let mut part = TableReadOptions::default();
            (part.threads, part.batch_rows) = (threads, usize::MAX);
            let sizes: Vec<usize> = read_table(&item, &part).unwrap().map(|batch| bytes_of(&batch.unwrap())).collect();
            let most = sizes.iter().max().copied().unwrap_or_default();
            assert!(most <= BATCH_BYTES, "{name}: a batch has {most} bytes");
            assert!(most > BATCH_BYTES / 2, "{name}: no batch has more than {most} bytes");
        }
        // As they are read, they are written: without a batch that is longer.
        let mut part = TableReadOptions::default();
        (part.threads, part.batch_rows) = (2, usize::MAX);
        let reader = read_table(&item, &part).unwrap();
        let schema: Arc<Schema> = reader.schema();
        let bounded = reader.map(|batch| match batch {
            Ok(batch) if bytes_of(&batch) > BATCH_BYTES => {
                Err(ArrowError::MemoryError(format!("{}", bytes_of(&batch))))
            }
            other => other,
        });
        let again = write(&storage, "again", Data::Table(Box::new(RecordBatchIterator::new(bounded, schema))));
        assert_eq!(stored.get("num_rows"), again.get("num_rows"));
    }
}
