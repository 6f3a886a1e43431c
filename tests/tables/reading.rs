//! Parts, chunks and samples of a table.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, IntervalMonthDayNanoArray, RecordBatch, UnionArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Int64Type, IntervalMonthDayNano, UnionFields};
use datafolio::{
    AddOptions, DataFolio, Error, ErrorCategory, IterOptions, OpenOptions, Settings, StatisticsOptions, TableOptions,
    Verification,
};
use serde_json::json;

use super::{ROWS, sample, with_tables};
use crate::support::reads::{Reads, destroy_pages};
use crate::support::{flip_a_bit, new_bundle, reopen};

fn ids(batch: &RecordBatch) -> Vec<i64> {
    batch.column_by_name("id").unwrap().as_primitive::<Int64Type>().values().to_vec()
}

fn read(folio: &DataFolio, name: &str, options: &TableOptions) -> RecordBatch {
    let reader = folio.read_table(name, options).unwrap();
    let schema = reader.schema();
    concat_batches(&schema, &reader.map(Result::unwrap).collect::<Vec<_>>()).unwrap()
}

#[test]
fn any_part_of_any_table_is_read() {
    let (dir, folio) = new_bundle();
    let all = sample(0..ROWS);
    for name in with_tables(&folio, dir.path()) {
        for (offset, limit) in [
            (0, 0),
            (0, 1),
            (9_998, 3),
            (9_999, 1),
            (10_000, 10_000),
            (19_999, 2),
            (24_990, 100),
            (0, ROWS as u64),
            (24_999, 1),
            (25_000, 1),
            (u64::MAX, u64::MAX),
        ] {
            let got = read(&folio, name, &TableOptions::new().offset(offset).limit(limit).columns(["name", "id"]));
            let start = (offset as usize).min(all.num_rows());
            let expected = all.slice(start, (limit as usize).min(all.num_rows() - start)).project(&[2, 0]).unwrap();
            assert_eq!(got.columns(), expected.columns(), "{name} {offset} {limit}");
            assert_eq!(got.schema().field(0).name(), "name");
        }
        assert_eq!(ids(&read(&folio, name, &TableOptions::new().offset(24_000))), (24_000..ROWS).collect::<Vec<_>>());
        assert_eq!(read(&folio, name, &TableOptions::new()).columns(), all.columns(), "{name}");
    }
}

#[test]
fn chunks_have_the_size_that_was_asked_for_and_can_be_resumed() {
    let (dir, folio) = new_bundle();
    for name in with_tables(&folio, dir.path()) {
        for chunk_size in [1_000, 7_777, 10_000, 100_000] {
            let mut chunks = folio.iter_table(name, &IterOptions::new().chunk_size(chunk_size)).unwrap();
            let first = chunks.next().unwrap().unwrap();
            assert_eq!(first.num_rows(), chunk_size.min(ROWS as usize), "{name}");
            let position = chunks.position();
            drop(chunks);
            let rest = IterOptions::new().chunk_size(chunk_size).start_row(position).columns(["id"]);
            let rest: Vec<_> = folio.iter_table(name, &rest).unwrap().map(Result::unwrap).collect();
            let mut got = ids(&first);
            rest.iter().for_each(|chunk| got.extend(ids(chunk)));
            assert_eq!(got, (0..ROWS).collect::<Vec<_>>(), "{name} {chunk_size}");
            if let Some((last, full)) = rest.split_last() {
                assert!(full.iter().all(|chunk| chunk.num_rows() == chunk_size));
                assert!(last.num_rows() > 0 && last.num_columns() == 1);
            }
        }
        assert_eq!(folio.iter_table(name, &IterOptions::new().start_row(1 << 40)).unwrap().count(), 0);
        let error = folio.iter_table(name, &IterOptions::new().chunk_size(0)).unwrap_err();
        assert!(error.to_string().contains("at least one row"), "{error}");
        let error = folio.iter_table(name, &IterOptions::new().columns(["id", "nmae"])).unwrap_err();
        assert!(error.to_string().contains("nmae") && error.to_string().contains("name"), "{error}");
        let error = folio.iter_table(name, &IterOptions::new().columns(["id", "id"])).unwrap_err();
        assert!(error.to_string().contains("twice"), "{error}");
    }
}

#[test]
fn workers_share_a_table_without_overlap() {
    let (dir, folio) = new_bundle();
    for name in with_tables(&folio, dir.path()) {
        for workers in [1, 2, 3, 7] {
            let mut got = Vec::new();
            for range in folio.split_table(name, workers).unwrap() {
                for chunk in folio.iter_table(name, &IterOptions::new().rows(range)).unwrap() {
                    got.extend(ids(&chunk.unwrap()));
                }
            }
            assert_eq!(got, (0..ROWS).collect::<Vec<_>>(), "{name} {workers}");
        }
        assert!(folio.split_table(name, 0).is_err());
    }
    // Half of 25,000 rows in groups of 10,000: the cut is moved to where a group begins.
    assert_eq!(folio.split_table("parquet", 2).unwrap(), [0..10_000, 10_000..25_000]);
    // The rows of the text were counted when it was referenced, and it is another one now.
    let mut text = std::fs::File::options().append(true).open(dir.path().join("sample.csv")).unwrap();
    std::io::Write::write_all(&mut text, b"25000,1.0,last\n").unwrap();
    let error = folio.split_table("text", 3).unwrap_err();
    assert!(error.to_string().contains("whose rows are not counted"), "{error}");
    let info = folio.table_info("text").unwrap();
    assert_eq!((info.rows, info.changed_references[0].name.as_str()), (None, "text"));
    assert!(folio.table_info("parquet").unwrap().changed_references.is_empty());
}

#[test]
fn only_the_pages_and_columns_of_a_part_are_read() {
    let (dir, folio) = new_bundle();
    with_tables(&folio, dir.path());
    let part = TableOptions::new().offset(20_000).limit(5);
    let (reads, counted) = Reads::of(&folio);
    let count = |options: &TableOptions| {
        let before = reads.count();
        read(&counted, "parquet", options);
        reads.count() - before
    };
    let all = count(&TableOptions::new());
    let (one_column, few_rows) = (count(&TableOptions::new().columns(["id"])), count(&part));
    assert!(one_column * 2 < all && few_rows * 3 < all, "{all} {one_column} {few_rows}");

    // The first pages of the third row group, of two columns.
    let columns = folio.table_info("parquet").unwrap().column_names;
    let wanted = |column: usize| ["id", "name"].contains(&columns[column].as_str());
    destroy_pages(&folio.item_path("parquet").unwrap(), |group, column, rows| {
        group == 2 && rows.start == 0 && wanted(column)
    });
    let found = read(&counted, "parquet", &part.clone().columns(["name", "id"]));
    assert_eq!(ids(&found), [20_000, 20_001, 20_002, 20_003, 20_004]);
    for options in [part, TableOptions::new().columns(["id"]), TableOptions::new().columns(["id"]).offset(22_000)] {
        let broken = counted.read_table("parquet", &options).map(|mut rows| rows.any(|batch| batch.is_err()));
        assert!(broken.unwrap_or(true), "{options:?}");
    }
}

#[test]
fn samples_are_rows_of_the_table_and_the_same_for_a_seed() {
    let (dir, folio) = new_bundle();
    let all = sample(0..ROWS);
    let options = TableOptions::new().columns(["name", "id"]);
    let mut drawn = Vec::new();
    for name in with_tables(&folio, dir.path()) {
        let got = folio.sample_table(name, 50, 7, &options).unwrap();
        let rows = ids(&got);
        assert_eq!(rows.len(), 50, "{name}");
        assert!(rows.is_sorted_by(|a, b| a < b), "{rows:?}");
        for (index, row) in rows.iter().enumerate() {
            let expected = all.slice(*row as usize, 1).project(&[2, 0]).unwrap();
            assert_eq!(got.slice(index, 1).columns(), expected.columns(), "{name}");
        }
        drawn.push(rows);
        assert_eq!(folio.sample_table(name, 30_000, 7, &options).unwrap().num_rows(), ROWS as usize);
        let last = folio.sample_table(name, 5, 7, &TableOptions::new().offset(24_996)).unwrap();
        assert_eq!(ids(&last), [24_996, 24_997, 24_998, 24_999], "{name}");
        assert_eq!(folio.sample_table(name, 0, 7, &options).unwrap().num_rows(), 0);
    }
    assert!(drawn.windows(2).all(|pair| pair[0] == pair[1]));
    assert_ne!(drawn[0], ids(&folio.sample_table("parquet", 50, 8, &options).unwrap()));
}

#[test]
fn a_chunk_iterator_keeps_to_the_version_that_it_began_with() {
    let (dir, folio) = new_bundle();
    with_tables(&folio, dir.path());
    let before = folio.item_info("streamed").unwrap().version;
    let mut chunks = folio.iter_table("streamed", &IterOptions::new()).unwrap();
    let first = chunks.next().unwrap().unwrap();
    let small = sample(0..3);
    let reader = arrow::array::RecordBatchIterator::new([Ok(small.clone())], small.schema());
    folio.add("streamed", datafolio::Data::Table(Box::new(reader)), AddOptions::new().overwrite()).unwrap();
    let rows: usize = chunks.map(|chunk| chunk.unwrap().num_rows()).sum();
    assert_eq!(first.num_rows() + rows, ROWS as usize);
    assert_eq!(folio.preview_table("streamed", 10).unwrap().num_rows(), 3);
    let old = TableOptions::new().version(before).offset(24_999);
    assert_eq!(ids(&read(&folio, "streamed", &old)), [24_999]);
}

/// Arrow files hold values as they are: one that is changed is read as another, unless it is compared with what was recorded.
#[test]
fn checking_can_be_chosen_for_one_call() {
    const VALUE: i64 = 0x1122_3344_5566_7788;
    let (_dir, folio) = new_bundle();
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1, VALUE]));
    let batch = RecordBatch::try_from_iter([("n", column)]).unwrap();
    folio.add("t", batch, AddOptions::new().table_format("arrow")).unwrap();
    let path = folio.item_path("t").unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(8).position(|window| window == VALUE.to_le_bytes()).unwrap();
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).unwrap();

    let last = |batch: &RecordBatch| batch.column(0).as_primitive::<Int64Type>().value(1);
    let read = |folio: &DataFolio, verification: Option<Verification>| -> Vec<Result<i64, Error>> {
        let mut part = TableOptions::new();
        let mut walk = IterOptions::new();
        let mut statistics = StatisticsOptions::new();
        if let Some(verification) = verification {
            part = part.verification(verification);
            walk = walk.verification(verification);
            statistics = statistics.verification(verification);
        }
        let read = || -> Result<i64, Error> { Ok(last(&folio.read_table("t", &part)?.next().unwrap()?)) };
        let walk = || -> Result<i64, Error> { Ok(last(&folio.iter_table("t", &walk)?.next().unwrap()?)) };
        let sample = || -> Result<i64, Error> { Ok(last(&folio.sample_table("t", 2, 1, &part)?)) };
        let most = || -> Result<i64, Error> {
            let column = folio.describe_table("t", &statistics)?.columns.remove(0);
            Ok(column.max.unwrap().as_i64().unwrap())
        };
        vec![read(), walk(), sample(), most()]
    };
    let touched = reopen(&folio);
    let mut settings = Settings::default();
    settings.verification = Verification::Off;
    let off = OpenOptions::new().settings(settings).open(folio.location()).unwrap();
    for (folio, verification, checks) in [
        (&touched, None, true),
        (&touched, Some(Verification::Off), false),
        (&touched, Some(Verification::Touched), true),
        (&touched, Some(Verification::Full), true),
        (&off, None, false),
        (&off, Some(Verification::Touched), true),
        (&off, Some(Verification::Full), true),
    ] {
        for (index, found) in read(folio, verification).into_iter().enumerate() {
            match (found, checks) {
                (Ok(value), false) => assert_eq!(value, VALUE ^ 1, "{verification:?} {index}"),
                (Err(error), true) => assert_eq!(error.category(), ErrorCategory::Corrupt, "{error}"),
                (found, _) => panic!("{verification:?} {index}: {found:?}"),
            }
        }
    }
}

#[test]
fn what_is_no_table_or_damaged_is_an_error() {
    let (dir, folio) = new_bundle();
    folio.add("params", json!({}), AddOptions::new()).unwrap();
    for error in [
        folio.iter_table("params", &IterOptions::new()).unwrap_err(),
        folio.preview_table("params", 1).unwrap_err(),
        folio.table_info("params").unwrap_err(),
        folio.get_table_path("params").unwrap_err(),
        folio.sample_table("params", 1, 1, &TableOptions::new()).unwrap_err(),
        folio.split_table("params", 1).unwrap_err(),
    ] {
        assert_eq!(error.code(), "wrong-type", "{error}");
    }
    assert_eq!(folio.preview_table("tabel", 1).unwrap_err().code(), "item-not-found");
    with_tables(&folio, dir.path());
    for name in ["parquet", "streamed", "arrow", "hdf5"] {
        flip_a_bit(&folio.item_path(name).unwrap());
        let chunks = folio.iter_table(name, &IterOptions::new());
        let error = chunks.and_then(|chunks| chunks.collect::<Result<Vec<_>, _>>()).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        assert_eq!(error.category(), datafolio::ErrorCategory::Corrupt, "{error}");
    }
}

/// The message names the column and the way out; as an Arrow file the table is kept.
#[test]
fn types_that_parquet_has_nothing_for_are_told_by_their_columns() {
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let fields = UnionFields::try_new([0], [Field::new("n", DataType::Int64, true)]).unwrap();
    let union = UnionArray::try_new(fields, vec![0_i8, 0].into(), None, vec![Arc::clone(&ids)]).unwrap();
    let lengths = IntervalMonthDayNanoArray::from(vec![IntervalMonthDayNano::new(1, 2, 3); 2]);
    for (name, column, of) in
        [("either", Arc::new(union) as ArrayRef, "union"), ("length", Arc::new(lengths) as ArrayRef, "interval")]
    {
        let (_dir, folio) = new_bundle();
        let batch = RecordBatch::try_from_iter([("id", Arc::clone(&ids)), (name, column)]).unwrap();
        let error = folio.add("t", batch.clone(), AddOptions::new()).unwrap_err();
        assert_eq!(error.code(), "invalid-value", "{error}");
        let text = error.to_string();
        assert!(text.contains(&format!("t: column {name:?} is")) && text.contains(of), "{text}");
        assert!(!folio.contains("t"));
        folio.add("t", batch.clone(), AddOptions::new().table_format("arrow")).unwrap();
        assert_eq!(read(&folio, "t", &TableOptions::new()), batch);
    }
}
