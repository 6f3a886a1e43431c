use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{
    Array, AsArray, BinaryArray, LargeBinaryArray, LargeStringArray, ListArray, RecordBatch, StringArray,
    StringViewArray,
};
use arrow::compute::cast;
use arrow::datatypes::{Field, Int32Type, Schema};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};

use super::super::test_files::{Counting, InMemory, assert_gives, assert_picks, encoded, joined};
use super::*;

const ROWS: usize = 2_345;

fn mixed(row: usize) -> usize {
    (row + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20
}

/// A column of each type and shape, of which every other one may have nulls and has none.
fn rows() -> RecordBatch {
    let numbers = || (0..ROWS).map(mixed);
    let words =
        ["", "a", "äöü€𝄞", "a text that is rather longer than sixteen bytes", "fifteen bytes..", "sixteen bytes..."];
    let names = || numbers().map(|number| format!("name{}", number % 100_000));
    // Up to 80 bytes, many of none, and some that are longer than a page.
    let long = || {
        numbers().enumerate().map(|(row, number)| match number % 200 {
            0 => "long".repeat(1_500 + row % 7),
            other => "text…".repeat(other % 12),
        })
    };
    let bytes = |number: usize| number.to_le_bytes()[..number % 9].to_vec();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(names())),
        Arc::new(StringArray::from_iter_values(names())),
        Arc::new(StringArray::from_iter_values(long())),
        Arc::new(LargeStringArray::from_iter_values(long())),
        Arc::new(StringArray::from_iter_values(numbers().map(|number| words[number % 6]))),
        Arc::new(StringArray::from_iter_values(numbers().map(|number| &words[3][..number % 40]))),
        Arc::new(StringArray::from_iter_values(numbers().map(|_| "the same"))),
        Arc::new(StringArray::from_iter_values(numbers().map(|_| ""))),
        Arc::new(BinaryArray::from_iter_values(numbers().map(bytes))),
        Arc::new(LargeBinaryArray::from_iter_values(numbers().map(|number| bytes(number % 1_000)))),
        // In runs, short and long.
        Arc::new(StringArray::from_iter_values((0..ROWS).map(|row| words[mixed(row / 30) % 6]))),
        Arc::new(StringArray::from_iter_values((0..ROWS).map(|row| "x".repeat(row / 700 * 9)))),
    ];
    let field = |(place, column): (usize, &ArrayRef)| {
        Field::new(format!("c{place}"), column.data_type().clone(), place % 2 > 0)
    };
    let fields: Vec<Field> = columns.iter().enumerate().map(field).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

/// Pages of 100 rows in row groups of 1,000, whose dictionaries have two kilobytes at most: the pages behind are plain.
fn properties() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_encoding(Encoding::PLAIN)
        .set_dictionary_page_size_limit(2_048)
        .set_data_page_row_count_limit(100)
        .set_write_batch_size(50)
        .set_max_row_group_row_count(Some(1_000))
}

/// As they are compressed, and of the versions that there are.
fn forms(of: impl Fn() -> WriterPropertiesBuilder) -> Vec<WriterPropertiesBuilder> {
    let compressions = [Compression::UNCOMPRESSED, Compression::ZSTD(ZstdLevel::default())];
    let versions = [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0];
    let all = compressions.into_iter().flat_map(|compression| versions.map(|version| (compression, version)));
    // The second version would have other encodings than are asked for.
    all.map(|(compression, version)| of().set_compression(compression).set_writer_version(version)).collect()
}

/// The columns that are read here, behind so many rows.
fn columns(bytes: &[u8], skipped: usize) -> Vec<Option<TextColumn>> {
    let file = SourceFile::new(Arc::new(InMemory(bytes.to_vec())));
    let footer = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).unwrap();
    let memory = Spare::for_arrays();
    let fields = footer.schema().fields().iter().enumerate();
    fields
        .map(|(leaf, field)| {
            let groups = footer.metadata().row_groups().iter().map(|group| InGroup { file: &file, group, leaf });
            TextColumn::new(&memory, field.data_type(), groups, skipped as u64)
        })
        .collect()
}

fn next(column: &mut TextColumn, rows: usize) -> Result<ArrayRef> {
    next_of(column, &[Run::of(rows)], rows)
}

/// The next texts as such, also where they come as places in a dictionary.
fn next_of(column: &mut TextColumn, runs: &[Run], rows: usize) -> Result<ArrayRef> {
    let array = column.next(runs, rows)?;
    Ok(if column.is_keyed() { cast(&array, &DataType::Utf8).unwrap() } else { array })
}

fn steps(column: &mut TextColumn, rows: usize, batch: usize) -> Result<Vec<ArrayRef>> {
    (0..rows).step_by(batch).map(|from| next(column, batch.min(rows - from))).collect()
}

#[test]
fn texts_are_those_that_were_written() {
    let rows = rows();
    let plain = || properties().set_dictionary_enabled(false);
    let in_dictionary = || properties().set_dictionary_page_size_limit(1 << 20);
    for (at, form) in
        [forms(properties), forms(plain), forms(in_dictionary), forms(in_dictionary)].into_iter().flatten().enumerate()
    {
        let is_keyed = at >= 12;
        let bytes = encoded(&rows, form);
        for batch in [1, 7, 100, 1_000, 5_000] {
            for skipped in [0, 1, 99, 100, 1_001, 2_344, 2_345] {
                for (place, column) in columns(&bytes, skipped).into_iter().enumerate() {
                    let mut column = column.unwrap_or_else(|| panic!("column {place} is not read here"));
                    if is_keyed {
                        column = column.keyed();
                        assert_eq!(column.is_keyed(), rows.column(place).data_type() == &DataType::Utf8);
                    }
                    let expected = rows.column(place).slice(skipped, ROWS - skipped);
                    let what = format!("column {place} behind {skipped} rows");
                    assert_gives(&expected, batch, &what, |count| next(&mut column, count));
                }
            }
        }
    }
}

#[test]
fn texts_of_rows_here_and_there_are_those_that_were_written() {
    let rows = rows();
    for form in
        [forms(properties), forms(|| properties().set_dictionary_page_size_limit(1 << 20))].into_iter().flatten()
    {
        let bytes = encoded(&rows, form);
        for every in [1, 3, 50, 101, 999] {
            for (place, column) in columns(&bytes, 5).into_iter().chain(columns(&bytes, 5)).enumerate() {
                let (is_keyed, place) = (place >= rows.num_columns(), place % rows.num_columns());
                let mut column = column.unwrap();
                column = if is_keyed { column.keyed() } else { column };
                let what = format!("column {place}, a row of {every}");
                assert_picks(&rows.column(place).slice(5, ROWS - 5), every, &what, |runs, count| {
                    next_of(&mut column, runs, count)
                });
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
    let plain = || properties().set_dictionary_enabled(false);
    assert_eq!(is_read(&all, properties().set_compression(Compression::SNAPPY)), none);
    assert_eq!(is_read(&all, plain().set_encoding(Encoding::DELTA_LENGTH_BYTE_ARRAY)), none);
    assert_eq!(is_read(&all, plain().set_encoding(Encoding::DELTA_BYTE_ARRAY)), none);
    // A dictionary for the first pages, and something else behind them.
    let mixed = properties().set_encoding(Encoding::DELTA_BYTE_ARRAY);
    assert!(!is_read(&all, mixed)[0]);
    let texts = || (0..ROWS).map(|row| row.to_string());
    let lists = (0..ROWS).map(|row| Some([Some(row as i32)]));
    let others: Vec<(&str, ArrayRef)> = vec![
        // In one row group of several.
        ("with a null", Arc::new(StringArray::from_iter(texts().map(|text| (text != "2000").then_some(text))))),
        ("views", Arc::new(StringViewArray::from_iter_values(texts()))),
        ("numbers", Arc::new(arrow::array::Int32Array::from_iter_values(0..ROWS as i32))),
        ("list", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists))),
    ];
    assert_eq!(is_read(&RecordBatch::try_from_iter(others).unwrap(), properties()), [false; 4]);
}

/// What the library makes of all rows of a column, where it gives them.
fn of_library(bytes: &[u8], place: usize) -> Option<ArrayRef> {
    let bytes = Bytes::copy_from_slice(bytes);
    let read = catch_unwind(AssertUnwindSafe(|| {
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).ok()?;
        let batches = builder.with_batch_size(5_000).build().ok()?.collect::<std::result::Result<Vec<_>, _>>().ok()?;
        Some(batches.first()?.column(place).clone())
    }));
    read.ok().flatten()
}

/// Whatever a byte becomes, nothing is read that does not belong to the column, and what comes is what the library makes of it.
#[test]
fn damaged_pages_are_an_error_or_what_the_library_reads() {
    const FEW: usize = 130;
    let all = rows();
    let (mut refused, mut compared, mut only_here, mut were_keyed) = (0, 0, 0, 0);
    for form in forms(|| properties().set_dictionary_page_size_limit(300)) {
        for place in [0, 4, 6, 8] {
            let whole = encoded(&all.slice(0, FEW).project(&[place]).unwrap(), form.clone());
            let footer =
                whole.len() - 8 - u32::from_le_bytes(whole[whole.len() - 8..][..4].try_into().unwrap()) as usize;
            for at in 4..footer {
                for bit in [0, 3, 7] {
                    let mut bytes = whole.clone();
                    bytes[at] ^= 1 << bit;
                    let keyed = columns(&bytes, 0).remove(0).unwrap().keyed();
                    were_keyed += usize::from(keyed.is_keyed());
                    for mut column in [columns(&bytes, 0).remove(0).unwrap(), keyed] {
                        let Ok(found) = steps(&mut column, FEW, 57) else {
                            refused += 1;
                            continue;
                        };
                        let found = joined(&found);
                        assert_eq!(found.len(), FEW);
                        let expected = of_library(&bytes, 0);
                        if expected.is_none() {
                            // Of some pages the library looks at indices behind the last value.
                            only_here += 1;
                            continue;
                        }
                        assert_eq!(Some(&found), expected.as_ref(), "bit {bit} of byte {at}");
                        compared += 1;
                    }
                }
            }
        }
    }
    assert!(refused > 1_000 && compared > 1_000, "{refused} flips were refused, {compared} compared");
    assert!(were_keyed > 500, "{were_keyed}");
    assert!(only_here < 20, "the library refuses {only_here} flips that are read here");
}

#[test]
fn bytes_that_are_no_utf8_are_refused_where_texts_are_wanted() {
    let texts = StringArray::from_iter_values((0..60).map(|row| ["<<", ">>"][row % 2]));
    let batch = RecordBatch::try_from_iter([("t", Arc::new(texts) as ArrayRef)]).unwrap();
    let as_bytes = |array: &ArrayRef| Arc::new(BinaryArray::from(array.as_string::<i32>().clone())) as ArrayRef;
    let bytes = RecordBatch::try_from_iter([("t", as_bytes(batch.column(0)))]).unwrap();
    for dictionary in [true, false] {
        for form in forms(|| properties().set_dictionary_enabled(dictionary)).into_iter().take(2) {
            let mut read = [&batch, &bytes].map(|batch| {
                // A letter of three bytes, of which two are in one text and one in the next.
                let mut file = encoded(batch, form.clone());
                let texts = |file: &[u8], of: &[u8]| {
                    file.windows(6).position(|window| window[..4] == [2, 0, 0, 0] && &window[4..] == of).unwrap() + 4
                };
                let (first, second) = (texts(&file, b"<<"), texts(&file, b">>"));
                file[first..first + 2].copy_from_slice(&[0xE2, 0x82]);
                file[second..second + 2].copy_from_slice(&[0xAC, b'x']);
                columns(&file, 0).remove(0).unwrap().next(&[Run::of(60)], 60)
            });
            let error = read[0].as_ref().map(drop).unwrap_err();
            assert!(error.to_string().contains("UTF-8") || error.to_string().contains("boundary"), "{error}");
            let found = std::mem::replace(&mut read[1], Err(damaged(""))).unwrap();
            assert_eq!(
                (found.as_binary::<i32>().value(0), found.as_binary::<i32>().value(1)),
                (&[0xE2, 0x82][..], &[0xAC, b'x'][..])
            );
        }
    }
}

#[test]
fn pages_before_the_first_wanted_row_are_not_looked_at_and_the_dictionary_is_read() {
    let all = rows();
    let read = Arc::new(AtomicU64::new(0));
    let whole = encoded(&all, properties());
    let file = SourceFile::new(Arc::new(Counting(InMemory(whole), Arc::clone(&read))));
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
                TextColumn::new(&memory, field.data_type(), groups, skipped).unwrap()
            };
            let expected = all.column(leaf).slice(1_000 + skipped as usize, 300);
            read.store(0, Ordering::Relaxed);
            assert_eq!(&open().next(&[Run::of(300)], 300).unwrap(), &expected);
            let without = read.swap(0, Ordering::Relaxed);
            assert_eq!(
                &open().at_page(pages).next(&[Run::of(300)], 300).unwrap(),
                &expected,
                "column {leaf} behind {skipped} rows"
            );
            let with = read.load(Ordering::Relaxed);
            // But for the header of the dictionary, which is read where a page has indices.
            assert!(with <= without + 256 && (skipped < 900 || with < without), "{with} and {without} bytes");
            let mut pages = pages.clone();
            pages.iter_mut().for_each(|page| page.offset += 1 << 40);
            assert_eq!(&open().at_page(&pages).next(&[Run::of(300)], 300).unwrap(), &expected);
        }
    }
}

/// Pages of pyarrow's, with their checksums, of both versions: plain, in dictionaries that end early, of one text, of bytes.
#[test]
fn pages_of_pyarrow_are_read_and_their_checksums_are_compared() {
    for version in [1, 2] {
        let path = format!("{}/tests/data/texts-checksums-{version}.parquet", env!("CARGO_MANIFEST_DIR"));
        let whole = std::fs::read(path).unwrap();
        let read = |bytes: &[u8]| {
            let columns =
                columns(bytes, 0).into_iter().map(|column| Ok(joined(&steps(&mut column.unwrap(), 400, 120)?)));
            columns.collect::<Result<Vec<_>>>()
        };
        let found = read(&whole).unwrap();
        for (place, found) in found.iter().enumerate() {
            assert_eq!(found, &of_library(&whole, place).unwrap(), "column {place}");
        }
        assert!(
            found[0].as_string::<i32>().iter().flatten().eq((0..400).map(|row| format!("name{}", row * 7919 % 1_000)))
        );
        assert!(found[3].as_binary::<i64>().iter().flatten().eq((0..400).map(|row| vec![row as u8; row % 20])));
        // Among the bytes of the first page, which are texts.
        let mut refused = 0;
        for at in 100..300 {
            let mut bytes = whole.clone();
            bytes[at] ^= 4;
            refused += usize::from(read(&bytes).is_err());
        }
        assert_eq!(refused, 200);
    }
}
