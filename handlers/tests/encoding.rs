//! Parquet files are encoded by several threads, and are the same with any number of them.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date64Array, DictionaryArray, Float64Array, Int8Array, Int64Array, ListArray,
    RecordBatch, RecordBatchIterator, RecordBatchReader, StringArray, StructArray, Time32SecondArray,
    TimestampSecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::concat_batches;
use arrow::datatypes::{
    DataType, Field, Int64Type, Schema, SchemaRef, Time32MillisecondType, TimeUnit, TimestampMillisecondType,
};
use arrow::error::ArrowError;
use bytes::Bytes;
use datafolio_handlers::formats::{ImportOptions, open_table};
use datafolio_handlers::{HandlerError, write_parquet};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Rows with columns of several leaves, texts that repeat and texts that do not.
fn rows(start: i64, count: i64) -> RecordBatch {
    let numbers = || start..start + count;
    let lists = numbers().map(|n| (n % 5 != 0).then(|| (0..n % 4).map(move |k| Some(n * k))));
    let parts: Vec<(Arc<Field>, ArrayRef)> = vec![
        (Arc::new(Field::new("a", DataType::Int64, false)), Arc::new(Int64Array::from_iter_values(numbers()))),
        (
            Arc::new(Field::new("b", DataType::Utf8, false)),
            Arc::new(StringArray::from_iter_values(numbers().map(|n| format!("b{}", n % 7)))),
        ),
    ];
    RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from_iter_values(numbers())) as ArrayRef),
        ("x", Arc::new(Float64Array::from_iter(numbers().map(|n| (n % 11 != 0).then(|| (n as f64).sin()))))),
        ("list", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists))),
        ("parts", Arc::new(StructArray::from(parts))),
        ("text", Arc::new(StringArray::from_iter_values(numbers().map(|n| format!("text number {n}"))))),
    ])
    .unwrap()
}

fn reader(batches: Vec<Result<RecordBatch, ArrowError>>) -> Box<dyn RecordBatchReader + Send> {
    let schema: SchemaRef = rows(0, 1).schema();
    Box::new(RecordBatchIterator::new(batches, schema))
}

fn encoded(batches: &[RecordBatch], threads: usize) -> Vec<u8> {
    let mut file = Vec::new();
    let written = write_parquet("t", reader(batches.iter().cloned().map(Ok).collect()), threads, &mut file).unwrap();
    assert_eq!(written.rows, batches.iter().map(|batch| batch.num_rows() as u64).sum::<u64>());
    file
}

#[test]
fn the_file_is_the_same_whatever_the_number_of_threads() {
    // Of one row, of fewer than are worth a thread, and of more than one row group.
    for sizes in [vec![], vec![1], vec![10, 0, 20_000], vec![100_000, 7, 450_000, 16_384, 5]] {
        let mut start = 0;
        let batches: Vec<RecordBatch> = sizes
            .iter()
            .map(|count| {
                start += count;
                rows(start - count, *count)
            })
            .collect();
        let alone = encoded(&batches, 1);
        for threads in [2, 3, 8] {
            assert!(encoded(&batches, threads) == alone, "{sizes:?}, {threads} threads");
        }
        let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(alone)).unwrap();
        let groups = builder.metadata().num_row_groups();
        assert_eq!(groups, usize::try_from(start).unwrap().div_ceil(491_520), "{sizes:?}");
        let found: Vec<RecordBatch> = builder.build().unwrap().map(Result::unwrap).collect();
        let schema = rows(0, 1).schema();
        assert_eq!(concat_batches(&schema, &found).unwrap(), concat_batches(&schema, &batches).unwrap());
    }
}

/// Parquet has no seconds: a program that reads the file would see numbers without a unit.
#[test]
fn times_in_seconds_are_stored_as_times() {
    let times = || TimestampSecondArray::from(vec![Some(1), None, Some(-3)]);
    let clock = Time32SecondArray::from(vec![Some(5), None, Some(86_399)]);
    let offsets = OffsetBuffer::from_lengths([2, 0, 1]);
    let item = Arc::new(Field::new("item", DataType::Timestamp(TimeUnit::Second, None), true));
    let list = ListArray::new(Arc::clone(&item), offsets, Arc::new(times()), None);
    let inside = StructArray::from(vec![(item, Arc::new(times()) as ArrayRef)]);
    let batch = RecordBatch::try_from_iter([
        ("at", Arc::new(times()) as ArrayRef),
        ("zoned", Arc::new(times().with_timezone("+05:30"))),
        ("clock", Arc::new(clock)),
        ("list", Arc::new(list)),
        ("inside", Arc::new(inside)),
    ])
    .unwrap();
    let schema = batch.schema();
    let mut file = Vec::new();
    let reader = Box::new(RecordBatchIterator::new([Ok(batch)], schema));
    let written = write_parquet("t", reader, 2, &mut file).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(file)).unwrap();
    for column in builder.parquet_schema().columns() {
        assert!(column.logical_type_ref().is_some(), "{}", column.name());
    }
    let found: Vec<RecordBatch> = builder.build().unwrap().map(Result::unwrap).collect();
    assert_eq!(found[0].schema().fields(), written.schema.fields());
    let millis = |column: &ArrayRef| column.as_primitive::<TimestampMillisecondType>().iter().collect::<Vec<_>>();
    for column in [found[0].column(0), found[0].column(1), found[0].column(3).as_list::<i32>().values()] {
        assert_eq!(millis(column), [Some(1_000), None, Some(-3_000)]);
    }
    assert_eq!(millis(found[0].column(4).as_struct().column(0)), [Some(1_000), None, Some(-3_000)]);
    assert_eq!(
        found[0].column(1).data_type(),
        &DataType::Timestamp(TimeUnit::Millisecond, Some("+05:30".into())),
        "the zone is kept"
    );
    let clock = found[0].column(2).as_primitive::<Time32MillisecondType>();
    assert_eq!(clock.iter().collect::<Vec<_>>(), [Some(5_000), None, Some(86_399_000)]);
}

/// Parquet has dates in days alone: a program that reads the file would see numbers without a unit.
#[test]
fn dates_in_milliseconds_are_instants_to_others_and_come_back_as_dates() {
    const DAY: i64 = 86_400_000;
    let dates = || Date64Array::from(vec![Some(19_000 * DAY), None, Some(-DAY), Some(5 * DAY + 1)]);
    let item = Arc::new(Field::new("item", DataType::Date64, true));
    let list = ListArray::new(Arc::clone(&item), OffsetBuffer::from_lengths([2, 0, 1, 1]), Arc::new(dates()), None);
    let inside = StructArray::from(vec![
        (Arc::new(Field::new("n", DataType::Int64, true)), Arc::new(Int64Array::from(vec![1, 2, 3, 4])) as ArrayRef),
        (Arc::new(Field::new("days", list.data_type().clone(), true)), Arc::new(list.clone()) as ArrayRef),
    ]);
    let keys = Int8Array::from(vec![Some(1), None, Some(0), Some(1)]);
    let often = DictionaryArray::new(keys, Arc::new(Date64Array::from(vec![DAY, 0])));
    let kept = HashMap::from([("unit".to_owned(), "day".to_owned())]);
    let columns: [ArrayRef; 5] = [
        Arc::new(dates()),
        Arc::new(list),
        Arc::new(inside),
        Arc::new(often),
        Arc::new(Int64Array::from(vec![1, 2, 3, 4])),
    ];
    let fields = columns.iter().zip(["day", "list", "inside", "often", "n"]).map(|(column, name)| {
        let field = Field::new(name, column.data_type().clone(), true);
        if name == "day" { field.with_metadata(kept.clone()) } else { field }
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns.to_vec()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    let reader = Box::new(RecordBatchIterator::new([Ok(batch.clone())], Arc::clone(&schema)));
    let mut file = std::fs::File::create(&path).unwrap();
    let written = write_parquet("t", reader, 2, &mut file).unwrap();
    assert_eq!(written.schema, schema);

    let builder = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(&path).unwrap()).unwrap();
    for column in builder.parquet_schema().columns() {
        let is_number = column.name() == "n";
        assert_eq!(column.logical_type_ref().is_some(), !is_number, "{}", column.path());
    }
    let found: Vec<RecordBatch> = builder.build().unwrap().map(Result::unwrap).collect();
    let instants = found[0].column(0).as_primitive::<TimestampMillisecondType>();
    assert!(instants.iter().eq(dates().iter()));

    for columns in [None, Some(vec!["often".to_owned(), "day".to_owned()])] {
        let expected = match &columns {
            None => batch.clone(),
            Some(_) => batch.project(&[3, 0]).unwrap(),
        };
        let mut options = ImportOptions::default();
        options.columns = columns;
        let rows = open_table(&path, &options).unwrap();
        assert_eq!(rows.schema(), expected.schema());
        assert_eq!(rows.map(Result::unwrap).collect::<Vec<_>>(), [expected]);
    }
}

#[test]
fn a_time_that_milliseconds_do_not_reach_names_its_column() {
    let far: [ArrayRef; 2] = [
        Arc::new(TimestampSecondArray::from(vec![0, i64::MAX / 1_000 + 1])),
        Arc::new(Time32SecondArray::from(vec![0, i32::MAX])),
    ];
    for (column, threads) in far.into_iter().zip([1, 3]) {
        let batch = RecordBatch::try_from_iter([("far", column)]).unwrap();
        let schema = batch.schema();
        let reader = Box::new(RecordBatchIterator::new([Ok(batch)], schema));
        let error = write_parquet("t", reader, threads, &mut Vec::new()).unwrap_err();
        assert!(matches!(error, HandlerError::Invalid { .. }), "{error}");
        assert!(error.to_string().contains("\"far\"") && error.to_string().contains("milliseconds"), "{error}");
    }
}

#[test]
fn wide_rows_make_row_groups_of_fewer_rows() {
    // No compression makes little of it.
    let wide = |n: u64| {
        let mut state = n + 1;
        let mut letter = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(b'0' + (state % 64) as u8)
        };
        let values: Vec<String> = (0..8).map(|_| (0..1 << 20).map(|_| letter()).collect()).collect();
        RecordBatch::try_from_iter([("text", Arc::new(StringArray::from(values)) as ArrayRef)]).unwrap()
    };
    for threads in [1, 4] {
        let batches: Vec<_> = (0..16).map(|n| Ok(wide(n))).collect();
        let schema = wide(0).schema();
        let mut file = Vec::new();
        write_parquet("t", Box::new(RecordBatchIterator::new(batches, schema)), threads, &mut file).unwrap();
        let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(file)).unwrap();
        let groups = builder.metadata().row_groups();
        let rows: Vec<i64> = groups.iter().map(|group| group.num_rows()).collect();
        assert!(rows.len() >= 2 && rows.iter().sum::<i64>() == 128, "{rows:?}");
        assert!(groups.iter().all(|group| group.compressed_size() <= 80 << 20), "{rows:?}");
    }
}

/// Takes some bytes, and no more.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or_else(|| io::Error::other("no space left"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn errors_end_all_threads_and_are_told() {
    for threads in [1, 2, 4] {
        let batches: Vec<_> = (0..40).map(|n| Ok(rows(n * 50_000, 50_000))).collect();
        let error = write_parquet("t", reader(batches), threads, &mut Full(1 << 20)).unwrap_err();
        assert!(error.to_string().contains("no space left"), "{threads}: {error}");

        let mut batches: Vec<_> = (0..20).map(|n| Ok(rows(n * 50_000, 50_000))).collect();
        batches.push(Err(ArrowError::ParseError("row 7 is no number".to_owned())));
        let error = write_parquet("t", reader(batches), threads, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("row 7"), "{threads}: {error}");

        let other = RecordBatch::try_from_iter([("other", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]).unwrap();
        let batches = vec![Ok(rows(0, 50_000)), Ok(other)];
        let error = write_parquet("t", reader(batches), threads, &mut Vec::new()).unwrap_err();
        assert!(matches!(error, HandlerError::Invalid { .. }), "{threads}: {error}");
    }
}

#[test]
fn a_reader_that_panics_does_not_leave_threads_waiting() {
    for threads in [1, 3] {
        let schema = rows(0, 1).schema();
        let batches = (0..10).map(|n| if n < 5 { Ok(rows(n * 50_000, 50_000)) } else { panic!("in the reader") });
        let reader = Box::new(RecordBatchIterator::new(batches, schema));
        let written = std::panic::catch_unwind(|| write_parquet("t", reader, threads, &mut Vec::new()));
        assert_eq!(written.unwrap_err().downcast_ref::<&str>(), Some(&"in the reader"));
    }
}
