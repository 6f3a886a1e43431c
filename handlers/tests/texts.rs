//! Columns of texts: what is read of them, in whatever part, is what the Parquet library reads.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, LargeStringArray, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use datafolio_handlers::{Data, Handler, IncludedTable, Item, Sink, TableReadOptions, WriteOptions, read_table};
use datafolio_storage::{MemoryStorage, Storage, Verification, VerifiedCache};
use datafolio_testkit::handler_suite::record;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::properties::{WriterProperties, WriterVersion};
use tempfile::TempDir;

use crate::encoded;

const ROWS: usize = 4_000;

/// Texts of many lengths, few and many different ones, with nulls and without.
fn rows() -> RecordBatch {
    let mixed = |row: usize| (row + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let names = || (0..ROWS).map(move |row| format!("name{}", mixed(row) % 100_000));
    let few = ["", "a", "äöü", "rather longer than sixteen bytes"];
    let columns: [(&str, ArrayRef); 6] = [
        ("names", Arc::new(StringArray::from_iter_values(names()))),
        ("few", Arc::new(StringArray::from_iter_values((0..ROWS).map(|row| few[mixed(row) % 4])))),
        ("one", Arc::new(LargeStringArray::from_iter_values((0..ROWS).map(|_| "one")))),
        ("long", Arc::new(StringArray::from_iter_values((0..ROWS).map(|row| "long ".repeat(mixed(row) % 300))))),
        ("bytes", Arc::new(BinaryArray::from_iter_values((0..ROWS).map(|row| vec![row as u8; row % 21])))),
        (
            "nulls",
            Arc::new(StringArray::from_iter(names().enumerate().map(|(row, name)| (row % 3 > 0).then_some(name)))),
        ),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Pages of 150 rows in row groups of 1,500. Dictionaries end in the middle of a row group, and plain pages follow.
fn file(version: WriterVersion, compression: Compression) -> Vec<u8> {
    let rows = rows();
    let properties = WriterProperties::builder()
        .set_writer_version(version)
        .set_compression(compression)
        .set_encoding(parquet::basic::Encoding::PLAIN)
        .set_dictionary_page_size_limit(4_096)
        .set_data_page_row_count_limit(150)
        .set_write_batch_size(50)
        .set_max_row_group_row_count(Some(1_500));
    encoded(&rows, properties)
}

#[test]
fn texts_are_those_that_the_library_reads() {
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for compression in [Compression::UNCOMPRESSED, Compression::ZSTD(Default::default()), Compression::SNAPPY] {
            let bytes = bytes::Bytes::from(file(version, compression));
            let library = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap().build().unwrap();
            let library: Vec<RecordBatch> = library.map(Result::unwrap).collect();
            let library = concat_batches(&library[0].schema(), &library).unwrap();
            assert_eq!(library, rows());
            assert_parts_are_those_of(&library, &bytes);
        }
    }
}

fn assert_parts_are_those_of(expected: &RecordBatch, file: &[u8]) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("texts.parquet");
    std::fs::write(&path, file).unwrap();
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let mut sink = Sink::new(&storage, "included_table", "texts");
    let draft = IncludedTable.write(Data::ParquetFile(path), &WriteOptions::default(), &mut sink).unwrap();
    let record = record("included_table", "texts", &draft);
    let cache = VerifiedCache::disabled();
    let read = |part: &TableReadOptions| {
        let reader = read_table(&Item::new(&record, &storage, Verification::Touched, &cache), part).unwrap();
        let schema = reader.schema();
        let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
        assert!(batches.iter().all(|batch| batch.num_rows() <= part.batch_rows));
        concat_batches(&schema, &batches).unwrap()
    };
    for threads in [1, 2] {
        for batch_rows in [7, 150, 1_024, 100_000] {
            let mut part = TableReadOptions::default();
            (part.threads, part.batch_rows) = (threads, batch_rows);
            assert_eq!(&read(&part), expected);
            for (offset, limit) in [(0, 1), (149, 2), (1_499, 2), (1_650, 1_500), (3_999, 5), (4_000, 1)] {
                (part.offset, part.limit) = (offset as u64, Some(limit));
                let there = (ROWS - offset).min(limit as usize);
                assert_eq!(read(&part), expected.slice(offset, there), "{offset} {limit}");
            }
            (part.offset, part.limit) = (0, None);
            part.columns = Some(vec!["bytes".to_owned(), "names".to_owned()]);
            let two = expected.project(&[4, 0]).unwrap();
            assert_eq!(read(&part), two);
            part.rows = Some([3, 149, 150, 1_700, 3_999].into());
            let of = |row: usize| two.slice(row, 1);
            let some = [of(3), of(149), of(150), of(1_700), of(3_999)];
            assert_eq!(read(&part), concat_batches(&two.schema(), &some).unwrap());
        }
    }
}
