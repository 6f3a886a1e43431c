use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, FixedSizeListArray, Float32Array, Int8Array, Int32Array,
    Int64Array, LargeStringArray, ListArray, NullArray, RecordBatch, StringArray, StringViewArray, StructArray,
    UInt16Array,
};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Field, Int8Type, Int32Type};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{DictionaryHandling, FileWriter, IpcWriteOptions, StreamWriter};
use proptest::prelude::*;

use super::*;
use crate::expected::fixture;
use crate::source::{RawColumn, RawOffsets};

/// All columns of some rows.
fn read(source: &IpcSource, rows: Range<u64>) -> ColumnsResult<RecordBatch> {
    let columns: Vec<usize> = (0..source.schema().fields().len()).collect();
    let batches: Vec<RecordBatch> = source.read(rows, &columns)?.collect::<ColumnsResult<_>>()?;
    Ok(concat_batches(&source.schema(), &batches)?)
}

/// Reads everything that there is, in every way.
fn read_all(path: &Path, mapped: bool) -> ColumnsResult<RecordBatch> {
    let source = IpcSource::open(path, mapped, None)?;
    let columns: Vec<usize> = (0..source.schema().fields().len()).collect();
    for task in source.tasks(0..source.rows(), 1000) {
        for batch in source.read_raw(task, &columns)? {
            batch?;
        }
    }
    read(&source, 0..source.rows())
}

/// Rows of every kind of column that is read.
fn rows(count: i32, shift: i32) -> RecordBatch {
    let values = || (shift..shift + count).map(|row| (row % 5 != 2).then_some(row));
    let texts = || values().map(|value| value.map(|value| "ä".repeat(value as usize % 40) + &value.to_string()));
    let keys = Int32Array::from_iter(values().map(|value| value.map(|value| value % 3)));
    let codes =
        DictionaryArray::<Int32Type>::try_new(keys, Arc::new(StringArray::from(vec!["red", "green", "blue"]))).unwrap();
    let item = Arc::new(Field::new("item", DataType::Float32, true));
    let inner = Arc::new(Float32Array::from_iter((0..count * 3).map(|at| (at % 7 != 0).then_some(at as f32 / 2.0))));
    let vectors = FixedSizeListArray::try_new(item, 3, inner, None).unwrap();
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(
        values().map(|value| value.map(|value| (0..value % 4).map(Some).collect::<Vec<_>>())),
    );
    let fields = StructArray::from(vec![
        (Arc::new(Field::new("a", DataType::Int32, true)), Arc::new(Int32Array::from_iter(values())) as ArrayRef),
        (Arc::new(Field::new("b", DataType::Utf8, true)), Arc::new(StringArray::from_iter(texts())) as ArrayRef),
    ]);
    RecordBatch::try_from_iter_with_nullable(
        [
            ("number", Arc::new(Int64Array::from_iter_values((shift..shift + count).map(i64::from))) as ArrayRef),
            ("missing", Arc::new(UInt16Array::from_iter(values().map(|value| value.map(|value| value as u16))))),
            ("truth", Arc::new(BooleanArray::from_iter(values().map(|value| value.map(|value| value % 3 == 0))))),
            ("text", Arc::new(StringArray::from_iter(texts()))),
            ("large", Arc::new(LargeStringArray::from_iter(texts()))),
            ("view", Arc::new(StringViewArray::from_iter(texts()))),
            ("code", Arc::new(codes)),
            ("vector", Arc::new(vectors)),
            ("list", Arc::new(lists)),
            ("fields", Arc::new(fields)),
            ("nothing", Arc::new(NullArray::new(count as usize))),
        ]
        .into_iter()
        .map(|(name, array)| (name, array, true)),
    )
    .unwrap()
}

fn write(path: &Path, batches: &[RecordBatch], options: IpcWriteOptions, stream: bool) {
    let file = std::fs::File::create(path).unwrap();
    let schema = batches[0].schema();
    if stream {
        let mut writer = StreamWriter::try_new_with_options(file, &schema, options).unwrap();
        batches.iter().for_each(|batch| writer.write(batch).unwrap());
        writer.finish().unwrap();
    } else {
        let mut writer = FileWriter::try_new_with_options(file, &schema, options).unwrap();
        batches.iter().for_each(|batch| writer.write(batch).unwrap());
        writer.finish().unwrap();
    }
}

#[test]
fn what_was_written_is_read_whichever_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.arrow");
    let batches = [rows(3000, 0), rows(0, 0), rows(1, 3000), rows(4097, 3001)];
    let expected = concat_batches(&batches[0].schema(), &batches).unwrap();
    for compression in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
        for stream in [false, true] {
            let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
            write(&path, &batches, options, stream);
            for mapped in [true, false] {
                let source = IpcSource::open(&path, mapped, None).unwrap();
                assert_eq!(source.schema(), expected.schema());
                assert_eq!(source.rows(), 7098);
                assert_eq!(read_all(&path, mapped).unwrap(), expected, "{compression:?} {stream} {mapped}");
                for (start, end) in [(0, 1), (2999, 3002), (7, 4001), (5000, 5000), (7097, 7098), (7098, 7098)] {
                    let part = read(&source, start..end).unwrap();
                    assert_eq!(part, expected.slice(start as usize, (end - start) as usize), "{start} {end}");
                }
                assert!(read(&source, 0..7099).is_err());
            }
        }
    }
}

#[test]
fn mapped_values_are_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.arrow");
    write(&path, &[rows(5000, 0)], IpcWriteOptions::default(), false);
    let source = IpcSource::open(&path, true, None).unwrap();
    let address = |rows: Range<u64>, column: usize| match source
        .read_raw(rows, &[column])
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .columns
        .remove(0)
    {
        RawColumn::Array(array) => array.to_data().buffers()[0].as_ptr() as usize,
        RawColumn::Texts(texts) => match texts.offsets {
            RawOffsets::Short(offsets) => offsets.as_ptr() as usize,
            RawOffsets::Long(offsets) => offsets.as_ptr() as usize,
        },
        RawColumn::Codes(codes) => codes.codes.to_data().buffers()[0].as_ptr() as usize,
    };
    for (column, width) in [(0, 8), (3, 4), (4, 8), (6, 4)] {
        assert_eq!(address(1000..1001, column), address(0..5000, column) + 1000 * width, "{column}");
    }
}

#[test]
fn batches_that_have_the_same_dictionary_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.arrow");
    let of = |texts: &[&str], codes: &[i8]| {
        let values = Arc::new(StringArray::from_iter_values(texts));
        let array = DictionaryArray::<Int8Type>::try_new(Int8Array::from(codes.to_vec()), values).unwrap();
        RecordBatch::try_from_iter([("code", Arc::new(array) as ArrayRef)]).unwrap()
    };
    let batches = [of(&["a", "b"], &[0, 1]), of(&["a", "b", "c"], &[2, 0]), of(&["x"], &[0]), of(&["x"], &[0, 0])];
    let options = IpcWriteOptions::default().with_dictionary_handling(DictionaryHandling::Delta);
    write(&path, &batches, options.clone(), true);
    let source = IpcSource::open(&path, true, None).unwrap();
    let raw: Vec<RawBatch> = source.read_raw(0..7, &[0]).unwrap().collect::<ColumnsResult<_>>().unwrap();
    let ids: Vec<u64> = raw
        .iter()
        .map(|batch| match &batch.columns[0] {
            RawColumn::Codes(codes) => codes.id,
            other => panic!("{other:?}"),
        })
        .collect();
    // What was added to a dictionary is part of it for all.
    assert!(ids[0] == ids[1] && ids[1] != ids[2] && ids[2] == ids[3], "{ids:?}");
    let texts = arrow::compute::cast(read(&source, 0..7).unwrap().column(0), &DataType::Utf8).unwrap();
    assert_eq!(*texts, StringArray::from(vec!["a", "b", "c", "a", "x", "x", "x"]));
    // A file may add to a dictionary.
    write(&path, &batches[..2], options, false);
    let texts = arrow::compute::cast(read_all(&path, true).unwrap().column(0), &DataType::Utf8).unwrap();
    assert_eq!(*texts, StringArray::from(vec!["a", "b", "c", "a"]));
}

#[test]
fn small_batches_are_one_task_and_large_ones_several() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.arrow");
    let sizes = [10, 20, 30, 500, 10, 10];
    let batches: Vec<RecordBatch> = sizes.iter().map(|size| rows(*size, 0)).collect();
    write(&path, &batches, IpcWriteOptions::default(), false);
    let source = IpcSource::open(&path, true, None).unwrap();
    assert_eq!(source.tasks(0..580, 100), [0..60, 60..100, 100..200, 200..300, 300..400, 400..500, 500..580]);
    assert_eq!(source.tasks(5..15, 100), std::slice::from_ref(&(5..15)));
    assert_eq!(source.tasks(0..0, 100), Vec::<Range<u64>>::new());
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD)).unwrap();
    write(&path, &batches, options, false);
    assert_eq!(IpcSource::open(&path, true, None).unwrap().tasks(0..580, 100), [0..60, 60..560, 560..580]);
}

#[test]
fn a_file_that_is_cut_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.arrow");
    for mapped in [true, false] {
        write(&path, &[rows(5000, 0)], IpcWriteOptions::default(), false);
        let source = IpcSource::open(&path, mapped, None).unwrap();
        source.check().unwrap();
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
        let said = source.check().unwrap_err().to_string();
        assert!(said.contains("was cut while it was open"), "{said}");
        assert!(read(&source, 0..1).is_err());
        let said = IpcSource::open(&path, mapped, None).unwrap_err().to_string();
        assert!(said.contains("was cut off: its footer is missing"), "{said}");
    }
}

#[test]
fn what_is_no_arrow_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.arrow");
    let cases: [(&[u8], &str); 6] = [
        (b"", "neither an Arrow file nor"),
        (b"ARROW1", "footer is missing"),
        (b"ARROW1\0\0\0\0\0\0ARROW1", "has a footer that cannot be read"),
        (b"FEA1 and more of it", "Feather of version 1"),
        (b"hello, this is no Arrow", "neither an Arrow file nor"),
        (&[0xFF; 64], "neither an Arrow file nor"),
    ];
    for (bytes, said) in cases {
        std::fs::write(&path, bytes).unwrap();
        for mapped in [true, false] {
            let error = IpcSource::open(&path, mapped, None).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}

#[test]
fn a_text_that_is_no_utf_8_is_an_error_where_it_is_among_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.arrow");
    let texts = Arc::new(StringArray::from_iter_values((0..100).map(|row| format!("needle{row}")))) as ArrayRef;
    write(&path, &[RecordBatch::try_from_iter([("text", texts)]).unwrap()], IpcWriteOptions::default(), false);
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(8).position(|window| window == b"needle50").unwrap();
    bytes[at] = 0xFF;
    std::fs::write(&path, bytes).unwrap();
    let source = IpcSource::open(&path, true, None).unwrap();
    let raw = |rows| source.read_raw(rows, &[0]).and_then(|batches| batches.collect::<ColumnsResult<Vec<_>>>());
    read(&source, 0..50).unwrap();
    assert_eq!(raw(0..50).unwrap()[0].rows, 50);
    for error in [read(&source, 50..51).unwrap_err(), raw(0..100).unwrap_err()] {
        assert!(error.to_string().contains("has a damaged column 'text'"), "{error}");
    }
}

#[test]
fn fixtures_are_read_as_vaex_reads_them() {
    let text = std::fs::read_to_string(fixture("expected.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
    for file in ["table.arrow", "table.stream.arrow", "table.feather"] {
        for mapped in [true, false] {
            let batch = read_all(&fixture(file), mapped).unwrap();
            let columns = expected["files"][file]["columns"].as_array().unwrap();
            assert_eq!(columns.len(), batch.num_columns());
            crate::expected::check_columns(file, columns, &batch);
        }
    }
}

/// Files to damage: plain and compressed, file and stream.
fn victims() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.arrow");
    let mut victims = Vec::new();
    for compression in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
        for stream in [false, true] {
            let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
            write(&path, &[rows(50, 0), rows(13, 50)], options, stream);
            victims.push(std::fs::read(&path).unwrap());
        }
    }
    victims
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Whatever bytes are changed, there is an error or an answer, and no panic.
    #[test]
    fn damaged_files_never_panic(
        victim in 0_usize..6,
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![Just(0_u8), Just(1), Just(0x7F), Just(0x80), Just(0xFF), any::<u8>()], 1_usize..9), 1..4),
        cut in prop::option::weighted(0.1, any::<prop::sample::Index>()),
        mapped in any::<bool>(),
    ) {
        static VICTIMS: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
        let mut bytes = VICTIMS.get_or_init(victims)[victim].clone();
        for (at, value, length) in changes {
            let at = at.index(bytes.len());
            let end = (at + length).min(bytes.len());
            bytes[at..end].fill(value);
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.arrow");
        std::fs::write(&path, bytes).unwrap();
        if let Ok(source) = IpcSource::open(&path, mapped, None) {
            let columns = source.schema().fields().len();
            // Rows that are claimed without a byte behind them are not asked for here.
            let end = source.rows().min(100);
            for column in 0..columns {
                for task in source.tasks(0..end, 40) {
                    if let Ok(batches) = source.read(task.clone(), &[column]) {
                        batches.for_each(|batch| drop(batch.map(|batch| format!("{batch:?}"))));
                    }
                    if let Ok(batches) = source.read_raw(task, &[column]) {
                        batches.for_each(|batch| drop(batch.map(|batch| format!("{batch:?}"))));
                    }
                }
            }
        }
    }

    #[test]
    fn stretches_are_those_of_the_whole(start in 0_u64..4200, length in 0_u64..4200, stream in any::<bool>()) {
        static FILES: std::sync::OnceLock<(tempfile::TempDir, RecordBatch)> = std::sync::OnceLock::new();
        let (folder, expected) = FILES.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let batches = [rows(13, 0), rows(4095, 13), rows(64, 4108)];
            write(&folder.path().join("file"), &batches, IpcWriteOptions::default(), false);
            write(&folder.path().join("stream"), &batches, IpcWriteOptions::default(), true);
            let all = concat_batches(&batches[0].schema(), &batches).unwrap();
            (folder, all)
        });
        let source = IpcSource::open(folder.path().join(if stream { "stream" } else { "file" }), true, None).unwrap();
        let end = (start + length).min(4172);
        let start = start.min(end);
        let part = read(&source, start..end).unwrap();
        prop_assert_eq!(part, expected.slice(start as usize, (end - start) as usize));
        let places = arrow::array::UInt64Array::from_iter_values(start..end);
        prop_assert_eq!(read(&source, start..end).unwrap(), take_record_batch(expected, &places).unwrap());
    }
}
