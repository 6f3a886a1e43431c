use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{
    Array, AsArray, Date32Array, Decimal128Array, DurationSecondArray, Float32Array, Float64Array, Int32Array,
    Int64Array, ListArray, RecordBatch, StringArray, Time32MillisecondArray, Time64NanosecondArray,
    TimestampMicrosecondArray, UInt32Array, UInt64Array,
};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Field, Int64Type, Schema};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};

use super::super::pages::HEADER;
use super::super::test_files::{Counting, InMemory, assert_gives, assert_picks, encoded};
use super::*;

const ROWS: usize = 2_345;

fn mixed(row: usize) -> i64 {
    (row as i64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed())
}

/// A column of each type, of which every other one may have nulls and has none.
fn rows() -> RecordBatch {
    let numbers = || (0..ROWS).map(mixed);
    let short = || numbers().map(|number| (number >> 32) as i32);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(BooleanArray::from_iter(numbers().map(|number| Some(number & 64 > 0)))),
        Arc::new(BooleanArray::from_iter(numbers().map(|number| Some(number & 256 > 0)))),
        Arc::new(Int64Array::from_iter_values(numbers())),
        Arc::new(UInt64Array::from_iter_values(numbers().map(i64::cast_unsigned))),
        Arc::new(Float64Array::from_iter_values(numbers().map(|number| number as f64))),
        Arc::new(Float32Array::from_iter_values(numbers().map(|number| number as f32))),
        Arc::new(Int32Array::from_iter_values(short())),
        Arc::new(UInt32Array::from_iter_values(short().map(i32::cast_unsigned))),
        Arc::new(Date32Array::from_iter_values(short())),
        Arc::new(Time32MillisecondArray::from_iter_values(short().map(|number| number.rem_euclid(86_400_000)))),
        Arc::new(Time64NanosecondArray::from_iter_values(numbers().map(|number| number.rem_euclid(86_400)))),
        Arc::new(TimestampMicrosecondArray::from_iter_values(numbers()).with_timezone("UTC")),
        Arc::new(DurationSecondArray::from_iter_values(numbers())),
    ];
    let field = |(place, column): (usize, &ArrayRef)| {
        Field::new(format!("c{place}"), column.data_type().clone(), place % 2 > 0)
    };
    let fields: Vec<Field> = columns.iter().enumerate().map(field).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

/// Pages of 100 rows in row groups of 1,000.
fn properties() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::PLAIN)
        .set_data_page_row_count_limit(100)
        .set_write_batch_size(50)
        .set_max_row_group_row_count(Some(1_000))
}

/// The same columns with forty values each.
fn few(rows: &RecordBatch) -> RecordBatch {
    let places = UInt64Array::from_iter_values((0..ROWS).map(|row| (row * row % 1_601 % 40) as u64));
    take_record_batch(rows, &places).unwrap()
}

/// Numbers in dictionaries; those that do not fit stand behind them as they are.
fn in_dictionaries() -> WriterPropertiesBuilder {
    properties().set_dictionary_enabled(true).set_dictionary_page_size_limit(1_500)
}

/// Whole numbers that are so many bits more than the one before, or a bit less: of each width a column, whose blocks have other widths.
fn ascending() -> RecordBatch {
    let mut columns: Vec<ArrayRef> = Vec::new();
    for bits in 0..=64_u32 {
        let more = |row: usize| {
            let bits = if row / 300 % 3 == 1 { bits / 2 } else { bits };
            let most = u64::MAX.checked_shr(64 - bits).unwrap_or(0);
            (mixed(row).cast_unsigned() & most).wrapping_sub(7)
        };
        let mut last = u64::from(bits) << 60;
        let mut next = |row| {
            last = last.wrapping_add(more(row));
            last
        };
        let numbers: Vec<u64> = (0..ROWS).map(&mut next).collect();
        let short = numbers.iter().map(|number| *number as i32);
        columns.push(match bits % 4 {
            0 if bits <= 32 => Arc::new(Int32Array::from_iter_values(short)),
            1 if bits <= 33 => Arc::new(UInt32Array::from_iter_values(short.map(i32::cast_unsigned))),
            2 => Arc::new(UInt64Array::from(numbers)),
            _ => Arc::new(Int64Array::from_iter_values(numbers.into_iter().map(u64::cast_signed))),
        });
    }
    let names = (0..columns.len()).map(|place| format!("c{place}"));
    let named = names.zip(columns).enumerate().map(|(place, (name, column))| (name, column, place % 2 > 0));
    RecordBatch::try_from_iter_with_nullable(named).unwrap()
}

fn as_differences() -> WriterPropertiesBuilder {
    properties().set_encoding(Encoding::DELTA_BINARY_PACKED).set_data_page_row_count_limit(450)
}

/// The columns that are read here, behind so many rows.
fn columns(bytes: &[u8], skipped: usize) -> Vec<Option<PlainColumn>> {
    let file = SourceFile::new(Arc::new(InMemory(bytes.to_vec())));
    let footer = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).unwrap();
    let memory = Spare::for_arrays();
    let fields = footer.schema().fields().iter().enumerate();
    fields
        .map(|(leaf, field)| {
            let groups = footer.metadata().row_groups().iter().map(|group| InGroup { file: &file, group, leaf });
            PlainColumn::new(&memory, field.data_type(), groups, skipped as u64)
        })
        .collect()
}

#[test]
fn values_are_those_that_were_written() {
    let rows = rows();
    let mut files = Vec::new();
    for compression in [Compression::UNCOMPRESSED, Compression::ZSTD(parquet::basic::ZstdLevel::default())] {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            for (rows, properties) in
                [(&rows, properties()), (&rows, in_dictionaries()), (&few(&rows), in_dictionaries())]
            {
                let properties = properties.set_compression(compression).set_writer_version(version);
                files.push((encoded(rows, properties), rows.clone()));
            }
        }
    }
    files.push((encoded(&rows, properties().set_write_page_header_statistics(true)), rows.clone()));
    let whole = rows.project(&[2, 3, 6, 7, 8, 9, 10, 11, 12]).unwrap();
    for rows in [whole, ascending()] {
        files.push((encoded(&rows, as_differences()), rows));
    }
    for (bytes, rows) in files {
        for batch in [1, 7, 100, 1_000, 5_000] {
            for skipped in [0, 1, 99, 100, 1_001, 2_344, 2_345] {
                for (place, column) in columns(&bytes, skipped).into_iter().enumerate() {
                    let mut column = column.unwrap_or_else(|| panic!("column {place} is not read here"));
                    let expected = rows.column(place).slice(skipped, ROWS - skipped);
                    let what = format!("column {place} behind {skipped} rows");
                    assert_gives(&expected, batch, &what, |count| column.next(&[Run::of(count)], count));
                }
            }
        }
    }
}

#[test]
fn values_of_rows_here_and_there_are_those_that_were_written() {
    let rows = rows();
    let forms = [
        (&rows, properties()),
        (&rows, in_dictionaries()),
        (&few(&rows), in_dictionaries()),
        (&ascending(), as_differences()),
    ];
    for compression in [Compression::UNCOMPRESSED, Compression::ZSTD(parquet::basic::ZstdLevel::default())] {
        for (rows, properties) in forms.clone() {
            let bytes = encoded(rows, properties.set_compression(compression));
            for every in [1, 3, 50, 101, 999] {
                for (place, column) in columns(&bytes, 5).into_iter().enumerate() {
                    let mut column = column.unwrap();
                    let what = format!("column {place}, a row of {every}");
                    assert_picks(&rows.column(place).slice(5, ROWS - 5), every, &what, |runs, count| {
                        column.next(runs, count)
                    });
                }
            }
        }
    }
}

#[test]
fn what_is_stored_otherwise_is_left_to_the_library() {
    let is_read = |batch: &RecordBatch, properties: WriterPropertiesBuilder| {
        columns(&encoded(batch, properties), 0).iter().map(Option::is_some).collect::<Vec<_>>()
    };
    let all = rows();
    let none = vec![false; all.num_columns()];
    assert_eq!(is_read(&all, properties().set_compression(Compression::SNAPPY)), none);
    let whole = all.project(&[2, 3, 6]).unwrap();
    assert_eq!(is_read(&whole, properties().set_encoding(Encoding::DELTA_BINARY_PACKED)), [true; 3]);
    assert_eq!(is_read(&whole, properties().set_encoding(Encoding::BYTE_STREAM_SPLIT)), [false; 3]);
    assert_eq!(is_read(&whole, in_dictionaries()), [true; 3]);
    // In one row group of several.
    let first = Int64Array::from_iter((0..ROWS).map(|row| (row != 2_000).then_some(1)));
    let lists = (0..ROWS).map(|row| Some([Some(row as i64)]));
    let others: Vec<(&str, ArrayRef)> = vec![
        ("with a null", Arc::new(first)),
        ("text", Arc::new(StringArray::from_iter_values((0..ROWS).map(|row| row.to_string())))),
        ("decimal", Arc::new(Decimal128Array::from_iter_values((0..ROWS as i128).map(|row| row << 70)))),
        ("list", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists))),
    ];
    let others = RecordBatch::try_from_iter(others).unwrap();
    assert_eq!(is_read(&others, properties()), [false; 4]);
}

/// Whatever a byte becomes, nothing is read that does not belong to the column, and as many values come as are wanted or an error.
#[test]
fn damaged_pages_are_an_error_or_other_values() {
    let all = rows();
    let two = |first: usize| all.slice(0, 260).project(&[first, first + 1]).unwrap();
    let mut refused = 0;
    for compression in [Compression::UNCOMPRESSED, Compression::ZSTD(parquet::basic::ZstdLevel::default())] {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            for (batch, properties) in [
                (two(0), properties()),
                (two(2), properties()),
                (few(&all).slice(0, 260).project(&[2, 6]).unwrap(), in_dictionaries()),
                (ascending().slice(0, 260).project(&[4, 64]).unwrap(), as_differences()),
            ] {
                let whole = encoded(&batch, properties.set_compression(compression).set_writer_version(version));
                let footer =
                    whole.len() - 8 - u32::from_le_bytes(whole[whole.len() - 8..][..4].try_into().unwrap()) as usize;
                for at in 4..footer {
                    for bit in [0, 3, 7] {
                        let mut bytes = whole.clone();
                        bytes[at] ^= 1 << bit;
                        for column in columns(&bytes, 0).into_iter().flatten() {
                            let mut column = column;
                            let read = [100, 160].map(|count| {
                                column.next(&[Run::of(count)], count).map(|array| assert_eq!(array.len(), count))
                            });
                            refused += usize::from(read.iter().any(|read| read.is_err()));
                        }
                    }
                }
            }
        }
    }
    assert!(refused > 500, "only {refused} flips were refused");
}

#[test]
fn pages_before_the_first_wanted_row_are_not_looked_at_where_the_file_tells_where_pages_are() {
    let all = rows();
    let read = Arc::new(AtomicU64::new(0));
    let file = SourceFile::new(Arc::new(Counting(InMemory(encoded(&all, properties())), Arc::clone(&read))));
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let footer = ArrowReaderMetadata::load(&file, options).unwrap();
    let index = footer.metadata().page_index().unwrap();
    let memory = Spare::for_arrays();
    for (leaf, field) in footer.schema().fields().iter().enumerate() {
        let pages = index.offset_index(1, leaf).unwrap().page_locations();
        for skipped in [0, 99, 100, 950, 999] {
            let open = || {
                let groups =
                    footer.metadata().row_groups()[1..].iter().map(|group| InGroup { file: &file, group, leaf });
                PlainColumn::new(&memory, field.data_type(), groups, skipped).unwrap()
            };
            let expected = all.column(leaf).slice(1_000 + skipped as usize, 300);
            read.store(0, Ordering::Relaxed);
            assert_eq!(
                &open().at_page(pages).next(&[Run::of(300)], 300).unwrap(),
                &expected,
                "column {leaf} behind {skipped} rows"
            );
            // Three pages and a part of one, headers included.
            assert!(
                read.load(Ordering::Relaxed) < 5 * (100 * 8 + 2 * HEADER as u64),
                "{read:?} bytes of column {leaf}"
            );
            // What tells of other places is as if it were not there.
            let wrong = |change: fn(&mut PageLocation)| {
                let mut pages = pages.clone();
                pages.iter_mut().for_each(change);
                open().at_page(&pages).next(&[Run::of(300)], 300).unwrap()
            };
            assert_eq!(&open().at_page(&[]).next(&[Run::of(300)], 300).unwrap(), &expected);
            assert_eq!(&wrong(|page| page.offset = -1), &expected);
            assert_eq!(&wrong(|page| page.offset += 1 << 40), &expected);
            assert_eq!(&wrong(|page| page.first_row_index = -1), &expected);
        }
    }
}

/// A page of pyarrow's, with its checksum.
#[test]
fn checksums_of_pages_are_compared() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/plain-checksums.parquet");
    let whole = std::fs::read(path).unwrap();
    let read = |bytes: &[u8]| {
        let columns = columns(bytes, 0).into_iter().map(|column| column.unwrap().next(&[Run::of(50)], 50));
        columns.collect::<Result<Vec<_>>>()
    };
    let found = read(&whole).unwrap();
    assert!(found[0].as_primitive::<Int64Type>().values().iter().copied().eq((0..50).map(|row| row * row)));
    assert!(found[1].as_boolean().iter().eq((0..50).map(|row| Some(row % 3 == 0))));
    // Among the bytes of the first page, which are numbers.
    let mut refused = 0;
    for at in 100..300 {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        refused += usize::from(read(&bytes).is_err());
    }
    assert_eq!(refused, 200);
}

/// Differences in the blocks of other writers, of 128 and of 2,048 numbers: row numbers, any numbers, steps, moments.
#[test]
fn differences_of_other_writers_are_read() {
    let file = |writer: &str| {
        std::fs::read(format!("{}/tests/data/differences-{writer}.parquet", env!("CARGO_MANIFEST_DIR"))).unwrap()
    };
    // The library does not read the other one: it has least differences of more than 32 bits, which carry nothing into numbers of 32.
    let library = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(file("pyarrow"))).unwrap().build().unwrap();
    let expected: RecordBatch = library.map(std::result::Result::unwrap).next().unwrap();
    assert_eq!((expected.num_columns(), expected.num_rows()), (5, 700));
    for writer in ["pyarrow", "duckdb"] {
        let whole = file(writer);
        for (place, column) in columns(&whole, 3).into_iter().enumerate() {
            let mut column = column.unwrap_or_else(|| panic!("column {place} of {writer} is not read here"));
            let expected = expected.column(place).slice(3, 697);
            assert_gives(&expected, 61, &format!("{writer}, {place}"), |count| column.next(&[Run::of(count)], count));
        }
        let ids = columns(&whole, 0).remove(0).unwrap().next(&[Run::of(700)], 700).unwrap();
        assert!(ids.as_primitive::<Int64Type>().values().iter().copied().eq(0..700));
    }
}
