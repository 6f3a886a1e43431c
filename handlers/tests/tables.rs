//! Tables: what is recorded of them, how the files are laid out, and reading parts of them.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, DictionaryArray, Int64Array, RecordBatch, RecordBatchIterator, RecordBatchReader, StringArray,
};
use arrow::datatypes::{DataType, Field, Int8Type, Int64Type, Schema};
use datafolio_core::ItemRecord;
use datafolio_handlers::formats::{ImportOptions, open_table};
use datafolio_handlers::{
    Data, Handler, HandlerError, HandlerResult, IncludedTable, Item, Sink, TableReadOptions, WriteOptions, read_table,
};
use datafolio_storage::{LocalStorage, MemoryStorage, Storage, Verification, VerifiedCache};
use datafolio_testkit::handler_suite::record;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::file::metadata::PageIndexPolicy;
use serde_json::json;
use tempfile::TempDir;

struct Stored {
    _dir: TempDir,
    storage: Arc<dyn Storage>,
    record: ItemRecord,
}

fn store(data: Data, options: &WriteOptions) -> HandlerResult<Stored> {
    let dir = TempDir::new()?;
    let storage: Arc<dyn Storage> = Arc::new(LocalStorage::create(dir.path())?);
    let mut sink = Sink::new(&storage, "included_table", "t");
    let draft = IncludedTable.write(data, options, &mut sink)?;
    let record = record("included_table", "t", &draft);
    Ok(Stored { _dir: dir, storage, record })
}

impl Stored {
    fn open(&self, options: &TableReadOptions) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
        let cache = VerifiedCache::disabled();
        let verification = Verification::Touched;
        read_table(&Item::new(&self.record, &self.storage, verification, &cache), options)
    }

    fn path(&self) -> std::path::PathBuf {
        self.storage.local_path(&datafolio_handlers::payload_path(&self.record).unwrap()).unwrap()
    }
}

fn format(table_format: &str) -> WriteOptions {
    let mut options = WriteOptions::default();
    options.table_format = Some(table_format.to_owned());
    options
}

/// Rows `0..rows` in batches, with columns `n` (the row's number), `text` and `half`.
fn counted(rows: i64, batch_rows: usize) -> Data {
    let schema = Arc::new(Schema::new(vec![
        Field::new("n", DataType::Int64, false),
        Field::new("text", DataType::Utf8, true),
        Field::new("half", DataType::Int64, true),
    ]));
    let make = schema.clone();
    let batches = (0..rows).step_by(batch_rows).map(move |start| {
        let numbers: Vec<i64> = (start..rows.min(start + batch_rows as i64)).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(numbers.clone())),
            Arc::new(numbers.iter().map(|n| (n % 3 > 0).then(|| format!("row {n}"))).collect::<StringArray>()),
            Arc::new(numbers.iter().map(|n| Some(n / 2)).collect::<Int64Array>()),
        ];
        RecordBatch::try_new(make.clone(), columns)
    });
    Data::Table(Box::new(RecordBatchIterator::new(batches, schema)))
}

#[test]
fn the_entry_has_the_fields_of_datafolio_in_their_order() {
    let mut options = WriteOptions::default();
    options.dataframe_library = Some("polars".to_owned());
    let stored = store(counted(10, 4), &options).unwrap();
    let size = std::fs::metadata(stored.path()).unwrap().len();
    let fields: Vec<&str> = stored.record.fields().keys().map(String::as_str).skip(2).take(8).collect();
    let order = [
        "table_format",
        "is_directory",
        "num_rows",
        "num_cols",
        "columns",
        "dtypes",
        "size_bytes",
        "dataframe_library",
    ];
    assert_eq!(fields, order);
    for (field, expected) in [
        ("table_format", json!("parquet")),
        ("is_directory", json!(false)),
        ("num_rows", json!(10)),
        ("num_cols", json!(3)),
        ("columns", json!(["n", "text", "half"])),
        ("dtypes", json!({"n": "int64", "text": "string", "half": "int64"})),
        ("size_bytes", json!(size)),
        ("dataframe_library", json!("polars")),
    ] {
        assert_eq!(stored.record.get(field), Some(&expected), "{field}");
    }
}

#[test]
fn parquet_is_laid_out_for_skipping() {
    let stored = store(counted(1_000_000, 100_000), &WriteOptions::default()).unwrap();
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let builder =
        ParquetRecordBatchReaderBuilder::try_new_with_options(File::open(stored.path()).unwrap(), options).unwrap();
    let metadata = builder.metadata();
    let rows: Vec<i64> = metadata.row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(rows, [491_520, 491_520, 16_960]);
    for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
        assert!(matches!(column.compression(), Compression::ZSTD(_)));
        assert!(column.statistics().is_some());
        assert!(column.offset_index_offset().is_some() && column.column_index_offset().is_some());
    }
    assert!(metadata.file_metadata().key_value_metadata().unwrap().iter().any(|entry| entry.key == "ARROW:schema"));
}

#[test]
fn arrow_files_can_be_mapped() {
    let stored = store(counted(100_000, 1_000), &format("arrow")).unwrap();
    assert!(stored.path().extension().is_some_and(|suffix| suffix == "arrow"));
    let bytes = std::fs::read(stored.path()).unwrap();
    // Small batches become large ones, and each buffer starts at a multiple of 64 bytes: the numbers 0, 1, 2, ... of the
    // first column lie in the file as they are.
    let reader = arrow::ipc::reader::FileReader::try_new(std::io::Cursor::new(&bytes), None).unwrap();
    assert_eq!(reader.num_batches(), 1);
    let column: Vec<u8> = (0..100_000_i64).flat_map(i64::to_le_bytes).collect();
    let at = bytes.windows(64).position(|window| window == &column[..64]).unwrap();
    assert_eq!(at % 64, 0);
    assert_eq!(&bytes[at..at + column.len()], column);
}

#[test]
fn parts_of_a_table_are_what_the_whole_has_there() {
    let rows = 1_200_000;
    for table_format in ["parquet", "arrow", "hdf5"] {
        let stored = store(counted(rows, 50_000), &format(table_format)).unwrap();
        for (offset, limit) in [
            (0, None),
            (0, Some(0)),
            (0, Some(1)),
            (491_519, Some(2)),
            (491_520, Some(1)),
            (600_000, Some(500_000)),
            (1_199_999, None),
            (1_200_000, None),
            (9_999_999, Some(5)),
        ] {
            let mut options = TableReadOptions::default();
            options.columns = Some(vec!["half".to_owned(), "n".to_owned()]);
            (options.offset, options.limit) = (offset, limit);
            let reader = stored.open(&options).unwrap();
            let schema = reader.schema();
            let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            assert_eq!(names, ["half", "n"]);
            let mut expected = offset as i64;
            for batch in reader {
                let batch = batch.unwrap();
                let (half, n) =
                    (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Int64Type>());
                for (half, n) in half.values().iter().zip(n.values()) {
                    assert_eq!((*half, *n), (expected / 2, expected), "{table_format} {offset} {limit:?}");
                    expected += 1;
                }
            }
            let end = rows.min((offset as i64).saturating_add(limit.map_or(i64::MAX, |limit: u64| limit as i64)));
            assert_eq!(expected, end.max(offset as i64), "{table_format} {offset} {limit:?}");
        }
        for (columns, code) in [(vec!["m"], "column-not-found"), (vec!["n", "n"], "invalid-value")] {
            let mut options = TableReadOptions::default();
            options.columns = Some(columns.iter().map(ToString::to_string).collect());
            let error = stored.open(&options).err().unwrap();
            assert_eq!(error.code(), code, "{error}");
        }
    }
}

/// HDF5 files are read through a file, which a storage need not have.
#[test]
fn tables_are_read_where_there_are_no_files() {
    for table_format in ["parquet", "arrow", "hdf5"] {
        let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
        let mut sink = Sink::new(&storage, "included_table", "t");
        let draft = IncludedTable.write(counted(100_000, 4_000), &format(table_format), &mut sink).unwrap();
        let record = record("included_table", "t", &draft);
        let cache = VerifiedCache::disabled();
        let item = Item::new(&record, &storage, Verification::Touched, &cache);
        let mut options = TableReadOptions::default();
        (options.offset, options.limit) = (99_990, None);
        options.columns = Some(vec!["n".to_owned()]);
        let rows: Vec<i64> = read_table(&item, &options)
            .unwrap()
            .flat_map(|batch| batch.unwrap().column(0).as_primitive::<Int64Type>().values().to_vec())
            .collect();
        assert_eq!(rows, (99_990..100_000).collect::<Vec<i64>>(), "{table_format}");
    }
}

#[test]
fn an_entry_that_counts_other_rows_is_damaged() {
    for table_format in ["parquet", "arrow", "hdf5"] {
        for rows in [9, 11] {
            let mut stored = store(counted(10, 4), &format(table_format)).unwrap();
            stored.record.set("num_rows", Some(json!(rows)));
            let read = stored
                .open(&TableReadOptions::default())
                .and_then(|reader| reader.collect::<Result<Vec<_>, _>>().map_err(HandlerError::from));
            assert_eq!(read.unwrap_err().code(), "damaged-item", "{table_format} {rows}");
        }
    }
}

#[test]
fn categories_that_change_between_batches_are_one_set_in_parquet_and_refused_in_arrow() {
    let batch = |values: [&str; 2]| {
        let column: DictionaryArray<Int8Type> = values.into_iter().collect();
        RecordBatch::try_from_iter([("c", Arc::new(column) as ArrayRef)]).unwrap()
    };
    let data = |second| {
        let batches = vec![Ok(batch(["a", "b"])), Ok(batch(second))];
        Data::Table(Box::new(RecordBatchIterator::new(batches, batch(["a", "b"]).schema())))
    };
    let values = |stored: Stored| {
        let mut found = Vec::new();
        for batch in stored.open(&TableReadOptions::default()).unwrap() {
            let column = arrow::compute::cast(batch.unwrap().column(0), &DataType::Utf8).unwrap();
            found.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
        }
        found
    };
    assert_eq!(values(store(data(["c", "a"]), &format("parquet")).unwrap()), ["a", "b", "c", "a"]);
    assert_eq!(values(store(data(["a", "b"]), &format("arrow")).unwrap()), ["a", "b", "a", "b"]);
    let error = store(data(["c", "a"]), &format("arrow")).err().unwrap();
    assert_eq!(error.code(), "invalid-value", "{error}");
}

#[test]
fn tables_of_unknown_form_are_not_guessed_at() {
    let mut stored = store(counted(3, 3), &WriteOptions::default()).unwrap();
    stored.record.set("table_format", Some(json!("lance")));
    assert_eq!(stored.open(&TableReadOptions::default()).err().unwrap().code(), "unsupported");
    stored.record.set("table_format", Some(json!("parquet")));
    // A table of several parts has at least one.
    stored.record.set("parts", Some(json!([])));
    assert_eq!(stored.open(&TableReadOptions::default()).err().unwrap().code(), "damaged-item");
}

#[test]
fn metadata_of_schema_and_columns_survives() {
    let metadata =
        |key: &str| std::collections::HashMap::from([(key.to_owned(), "{\"index_columns\": []}".to_owned())]);
    let field = Field::new("n", DataType::Int64, true).with_metadata(metadata("unit"));
    let schema = Arc::new(Schema::new(vec![field]).with_metadata(metadata("pandas")));
    for table_format in ["parquet", "arrow"] {
        let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(Int64Array::from(vec![1, 2]))]).unwrap();
        let stored = store(batch.into(), &format(table_format)).unwrap();
        let reader = stored.open(&TableReadOptions::default()).unwrap();
        assert_eq!(reader.schema(), schema, "{table_format}");
        for batch in reader {
            assert_eq!(batch.unwrap().schema(), schema, "{table_format}");
        }
    }
}

/// Parquet itself forgets the order of categories, and those without rows.
#[test]
fn categories_keep_their_order_and_their_unused_ones() {
    let categories: ArrayRef = Arc::new(StringArray::from(vec!["low", "middle", "high", "never"]));
    let data_type = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
    let field = Field::new("c", data_type, true).with_dict_is_ordered(true);
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true), field]));
    let batch = |keys: Vec<Option<i8>>, categories: &ArrayRef| {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter(keys.iter().map(|key| key.map(i64::from))));
        let column = DictionaryArray::<Int8Type>::try_new(keys.into(), categories.clone()).unwrap();
        RecordBatch::try_new(schema.clone(), vec![numbers, Arc::new(column)]).unwrap()
    };
    let table = |batches: Vec<RecordBatch>| {
        Data::Table(Box::new(RecordBatchIterator::new(batches.into_iter().map(Ok), schema.clone())))
    };
    // More rows than a row group has, so that the second one starts with another value than the first.
    let keys = |first: i8| [first, 0, 1].into_iter().map(Some).chain([None]).cycle().take(300_000).collect::<Vec<_>>();
    for (table_format, from_outside) in [("parquet", false), ("arrow", false), ("parquet", true), ("arrow", true)] {
        let batches = vec![batch(keys(2), &categories), batch(keys(1), &categories)];
        let stored = store(table(batches.clone()), &format(table_format)).unwrap();
        let columns = Some(vec!["c".to_owned(), "n".to_owned()]);
        let reader = if from_outside {
            // Importing a file that a bundle wrote.
            let mut options = ImportOptions::default();
            options.columns = columns;
            open_table(&stored.path(), &options).unwrap()
        } else {
            let mut options = TableReadOptions::default();
            options.columns = columns;
            stored.open(&options).unwrap()
        };
        assert_eq!(reader.schema().field(0).dict_is_ordered(), Some(true));
        assert!(reader.schema().metadata().is_empty());
        let mut rows = 0;
        for read in reader {
            let read = read.unwrap();
            let column = read.column(0).as_dictionary::<Int8Type>();
            assert_eq!(column.values(), &categories, "{table_format}");
            let numbers = read.column(1).as_primitive::<Int64Type>();
            assert!(column.keys().iter().map(|key| key.map(i64::from)).eq(numbers.iter()), "{table_format}");
            rows += read.num_rows();
        }
        assert_eq!(rows, 600_000);
    }
    // Further categories at the end are an extension; another order is a contradiction.
    let fewer: ArrayRef = categories.slice(0, 2);
    let stored = store(table(vec![batch(keys(1), &fewer), batch(keys(2), &categories)]), &format("parquet")).unwrap();
    let first = stored.open(&TableReadOptions::default()).unwrap().next().unwrap().unwrap();
    assert_eq!(first.column(1).as_dictionary::<Int8Type>().values(), &categories);
    let other: ArrayRef = Arc::new(StringArray::from(vec!["high", "middle", "low"]));
    let error =
        store(table(vec![batch(keys(2), &categories), batch(keys(2), &other)]), &format("parquet")).err().unwrap();
    assert_eq!(error.code(), "invalid-value", "{error}");
}

/// Beyond a thousand columns the file has no dictionaries; what the columns are does not change with that.
#[test]
fn categories_are_the_same_in_a_table_of_many_columns() {
    let categories: ArrayRef = Arc::new(StringArray::from(vec!["low", "middle", "high", "never"]));
    let keys = vec![Some(2), None, Some(0), Some(1)];
    let category: ArrayRef = Arc::new(DictionaryArray::<Int8Type>::try_new(keys.into(), categories).unwrap());
    for columns in [10, 1_100, 10_100] {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
        let named = (1..columns).map(|i| (format!("n{i}"), numbers.clone()));
        let batch = RecordBatch::try_from_iter(named.chain([("c".to_owned(), category.clone())])).unwrap();
        let stored = store(batch.clone().into(), &format("parquet")).unwrap();
        let read = stored.open(&TableReadOptions::default()).unwrap().next().unwrap().unwrap();
        assert_eq!(read.columns(), batch.columns(), "{columns}");
        let values = read.column_by_name("c").unwrap().as_dictionary::<Int8Type>().values();
        assert_eq!(values, category.as_dictionary::<Int8Type>().values(), "{columns}");
    }
}
