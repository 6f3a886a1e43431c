//! Tables that grow, and whose parts are merged.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Date64Array, Float64Array, Int64Array, RecordBatch, StringArray, UInt64Array,
};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::Int64Type;
use datafolio::{
    AddOptions, AppendOptions, CopyOptions, Data, DataFolio, GcOptions, IterOptions, OpenOptions, Settings,
    SnapshotOptions, TableOptions, VerifyOptions,
};

use super::ROWS;
use crate::support::{flip_a_bit, new_bundle, reopen};

/// Rows of the sample table, any of which may have no value.
fn sample(rows: std::ops::Range<i64>) -> RecordBatch {
    let rows = super::sample(rows);
    let schema = rows.schema();
    let names = schema.fields().iter().map(|field| field.name().as_str());
    RecordBatch::try_from_iter_with_nullable(
        names.zip(rows.columns()).map(|(name, column)| (name, column.clone(), true)),
    )
    .unwrap()
}

fn all(folio: &DataFolio, table: &str, options: &TableOptions) -> RecordBatch {
    let reader = folio.read_table(table, options).unwrap();
    let schema = reader.schema();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

fn ids(folio: &DataFolio, table: &str) -> Vec<i64> {
    let batch = all(folio, table, &TableOptions::new().columns(["id"]));
    batch.column(0).as_primitive::<Int64Type>().values().to_vec()
}

fn plain() -> AppendOptions {
    AppendOptions::new().without_compaction()
}

fn files(folio: &DataFolio, dir: &str) -> Vec<String> {
    let entries = std::fs::read_dir(Path::new(&folio.location()).join(dir));
    let names = entries.into_iter().flatten().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn an_append_creates_the_table_and_then_adds_files() {
    let (_dir, folio) = new_bundle();
    let first = folio.append_table("t", sample(0..10), plain().description("grows")).unwrap();
    assert!(first.created);
    assert_eq!((first.rows, first.num_rows, first.parts), (10, 10, 1));
    assert!(folio.get_table_path("t").unwrap().ends_with(".parquet"));
    let second = folio.append_table("t", sample(10..15), plain()).unwrap();
    assert_eq!((second.created, second.rows, second.num_rows, second.parts), (false, 5, 15, 2));
    assert_eq!(all(&folio, "t", &TableOptions::new()), sample(0..15));
    let info = folio.table_info("t").unwrap();
    assert_eq!((info.rows, info.parts.len(), info.columns), (Some(15), 2, 3));
    let id = info.column_facts.iter().find(|column| column.name == "id").unwrap();
    assert_eq!((&id.min, &id.max), (&Some(0.into()), &Some(14.into())));
    let record = folio.item_info("t").unwrap().record;
    assert_eq!(record["description"], "grows");
    assert_eq!((&record["num_rows"], &record["num_cols"]), (&15.into(), &3.into()));
    // The same through another handle, and the old rows through the old version.
    let versions = reopen(&folio).versions("t").unwrap();
    assert_eq!(versions.len(), 2);
    let before = TableOptions::new().version(&versions[1].version);
    assert_eq!(all(&reopen(&folio), "t", &before), sample(0..10));
    assert!(folio.verify(&VerifyOptions::default()).unwrap().findings.is_empty());
    let error = folio.get_table_path("t").unwrap_err().to_string();
    assert!(error.contains("2 files") && error.contains("compact"), "{error}");
    let paths = folio.get_table_paths("t").unwrap();
    assert!(paths.iter().all(|path| Path::new(path).is_file()), "{paths:?}");
    let error = folio.item_path("t").unwrap_err().to_string();
    assert!(error.contains("2 files"), "{error}");
}

#[test]
fn no_rows_change_nothing() {
    let (_dir, folio) = new_bundle();
    folio.append_table("t", sample(0..3), plain()).unwrap();
    let (revision, before) = (folio.revision(), files(&folio, "tables"));
    let nothing = folio.append_table("t", sample(0..0), plain()).unwrap();
    assert_eq!((nothing.rows, nothing.num_rows, nothing.parts), (0, 3, 1));
    assert_eq!((folio.revision(), files(&folio, "tables")), (revision, before));
    assert_eq!(files(&folio, "parts"), Vec::<String>::new());
}

/// The file that is there is neither read nor copied: it gets a second name.
#[cfg(unix)]
#[test]
fn the_first_append_links_the_file_that_is_there() {
    use std::os::unix::fs::MetadataExt;
    let (_dir, folio) = new_bundle();
    folio.append_table("t", sample(0..ROWS), plain()).unwrap();
    let path = folio.get_table_path("t").unwrap();
    let inode = std::fs::metadata(&path).unwrap().ino();
    folio.append_table("t", sample(ROWS..ROWS + 1), plain()).unwrap();
    let first = folio.get_table_paths("t").unwrap()[0].clone();
    assert_ne!(first, path);
    assert_eq!(std::fs::metadata(first).unwrap().ino(), inode);
}

#[test]
fn snapshots_and_undo_see_the_rows_of_their_time() {
    let (_dir, folio) = new_bundle();
    folio.append_table("t", sample(0..10), plain()).unwrap();
    folio.append_table("t", sample(10..20), plain()).unwrap();
    folio.create_snapshot("before", SnapshotOptions::default()).unwrap();
    folio.append_table("t", sample(20..30), plain()).unwrap();
    folio.compact("t").unwrap();
    assert_eq!(ids(&folio, "t"), (0..30).collect::<Vec<_>>());
    let snapshot = folio.load_snapshot("before").unwrap();
    assert_eq!(ids(&snapshot, "t"), (0..20).collect::<Vec<_>>());
    folio.undo(None).unwrap();
    assert_eq!(folio.table_info("t").unwrap().parts.len(), 3);
    folio.append_table("t", sample(30..31), plain()).unwrap();
    folio.undo(None).unwrap();
    assert_eq!(ids(&folio, "t"), (0..30).collect::<Vec<_>>());
    folio.append_table("t", sample(40..41), plain()).unwrap();
    assert_eq!(ids(&folio, "t").last(), Some(&40));
    assert!(folio.verify(&VerifyOptions::default()).unwrap().findings.is_empty());
}

#[test]
fn compacting_makes_one_file_and_keeps_rows_and_order() {
    let (dir, folio) = new_bundle();
    let names = super::with_tables(&folio, dir.path());
    assert!(names.contains(&"parts"));
    for name in ["parts", "arrow_parts"] {
        let done = folio.compact(name).unwrap();
        assert_eq!((done.parts_before, done.parts_after, done.rows), (4, 1, ROWS as u64));
        assert_eq!(all(&folio, name, &TableOptions::new()).columns(), sample(0..ROWS).columns(), "{name}");
        let path = folio.get_table_path(name).unwrap();
        assert!(path.contains("/tables/") || path.contains("/parts/"), "{path}");
        let again = folio.compact(name).unwrap();
        assert_eq!((again.parts_before, again.parts_after, again.rows), (1, 1, 0));
        folio.append_table(name, sample(ROWS..ROWS + 5), plain()).unwrap();
        assert_eq!(all(&folio, name, &TableOptions::new()).columns(), sample(0..ROWS + 5).columns(), "{name}");
    }
    assert_eq!(folio.compact("parquet").unwrap().parts_after, 1);
    let error = folio.compact("directory").unwrap_err();
    assert_eq!(error.code(), "wrong-type");
    assert!(error.to_string().contains("import it first"), "{error}");
    assert_eq!(folio.append_table("text", sample(0..1), plain()).unwrap_err().code(), "wrong-type");
}

#[test]
fn small_parts_are_merged_when_they_pile_up() {
    let (_dir, folio) = new_bundle();
    let mut reports = 0;
    for row in 0..100 {
        let done = folio.append_table("t", sample(row..row + 1), AppendOptions::new()).unwrap();
        reports += usize::from(done.compacted.is_some());
    }
    assert_eq!(all(&folio, "t", &TableOptions::new()), sample(0..100));
    let parts = folio.table_info("t").unwrap().parts.len();
    assert!(parts < 16, "{parts} parts");
    assert!(reports > 5, "{reports}");
    let done = folio.compact("t").unwrap();
    assert_eq!((done.parts_after, done.rows), (1, 100));
    assert_eq!(all(&folio, "t", &TableOptions::new()), sample(0..100));
}

fn with_extra(rows: std::ops::Range<i64>) -> RecordBatch {
    let even: ArrayRef = Arc::new(BooleanArray::from_iter(rows.clone().map(|row| Some(row % 2 == 0))));
    let rows = sample(rows);
    let column = |name: &str| rows.column_by_name(name).unwrap().clone();
    RecordBatch::try_from_iter([
        ("even", even),
        ("name", column("name")),
        ("id", column("id")),
        ("half", column("half")),
    ])
    .unwrap()
}

#[test]
fn a_new_column_is_null_in_the_rows_before() {
    let (_dir, folio) = new_bundle();
    for format in ["parquet", "arrow", "hdf5"] {
        let start = || plain().table_format(format);
        folio.append_table(format, sample(0..5), start()).unwrap();
        let error = folio.append_table(format, with_extra(5..8), start()).unwrap_err();
        assert_eq!(error.code(), "schema-mismatch");
        assert!(error.to_string().contains("\"even\""), "{error}");
        let done = folio.append_table(format, with_extra(5..8), start().evolve()).unwrap();
        assert_eq!(done.new_columns, ["even"]);
        let batch = all(&folio, format, &TableOptions::new());
        let names: Vec<_> = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names, ["id", "half", "name", "even"]);
        let even: Vec<_> = batch.column(3).as_boolean().iter().collect();
        assert_eq!(even, [None, None, None, None, None, Some(false), Some(true), Some(false)]);
        assert_eq!(batch.project(&[0, 1, 2]).unwrap(), sample(0..8));
        let some = TableOptions::new().columns(["even", "id"]).offset(4).limit(2);
        let batch = all(&folio, format, &some);
        assert_eq!(batch.column(1).as_primitive::<Int64Type>().values(), &[4, 5]);
        assert_eq!(batch.column(0).as_boolean().iter().collect::<Vec<_>>(), [None, Some(false)]);
        // Rows that do not know of it are refused, as are those of another type.
        let error = folio.append_table(format, sample(8..9), start().evolve()).unwrap_err();
        assert!(error.to_string().contains("\"even\""), "{error}");
        folio.compact(format).unwrap();
        assert_eq!(all(&folio, format, &TableOptions::new()).num_rows(), 8);
    }
    let facts = folio.table_info("parquet").unwrap().column_facts;
    assert_eq!(facts[3].null_count, Some(5));
}

#[test]
fn a_column_that_differs_in_case_alone_is_refused() {
    let (_dir, folio) = new_bundle();
    folio.append_table("t", sample(0..5), plain()).unwrap();
    let renamed = |from: &str, to: &str, keep: bool| {
        let batch = sample(5..6);
        let schema = batch.schema();
        let fields = schema.fields().iter().map(|field| {
            let name = if field.name() == from { to } else { field.name() };
            (name.to_owned(), batch.column_by_name(field.name()).unwrap().clone())
        });
        let mut columns: Vec<(String, ArrayRef)> = fields.collect();
        if keep {
            columns.push((from.to_owned(), batch.column_by_name(from).unwrap().clone()));
        }
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let error = folio.append_table("t", renamed("half", "Half", true), plain().evolve()).unwrap_err();
    assert_eq!(error.code(), "schema-mismatch");
    assert!(error.to_string().contains("\"half\", which differs in case alone"), "{error}");
    let error = folio.append_table("t", renamed("half", "HALF", false), plain()).unwrap_err();
    assert!(error.to_string().contains("\"half\"") && error.to_string().contains("\"HALF\""), "{error}");
    assert_eq!(all(&folio, "t", &TableOptions::new()), sample(0..5));
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_is_left() {
    let (_dir, folio) = new_bundle();
    folio.append_table("t", sample(0..5), plain()).unwrap();
    let before = (folio.revision(), files(&folio, "tables"));
    let id: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
    let rows = sample(5..6);
    let wrong =
        RecordBatch::try_from_iter([("id", id), ("half", rows.column(1).clone()), ("name", rows.column(2).clone())]);
    let error = folio.append_table("t", wrong.unwrap(), plain().evolve()).unwrap_err();
    assert_eq!((error.code(), error.category().as_str()), ("schema-mismatch", "invalid-input"));
    let text = error.to_string();
    assert!(text.contains("'t'") && text.contains("\"id\"") && text.contains("int64"), "{text}");
    let error = folio.append_table("t", serde_json::json!([1]), plain()).unwrap_err();
    assert_eq!(error.code(), "wrong-kind");
    folio.add("j", serde_json::json!([1]), AddOptions::new()).unwrap();
    assert_eq!(folio.append_table("j", sample(0..1), plain()).unwrap_err().code(), "wrong-type");
    assert_eq!(folio.revision(), before.0 + 1);
    assert_eq!(files(&folio, "tables"), before.1);
    assert_eq!(files(&folio, "parts"), Vec::<String>::new());
}

#[test]
fn two_writers_who_see_the_same_both_land() {
    let (_dir, folio) = new_bundle();
    // Both create it.
    let other = reopen(&folio);
    folio.append_table("t", sample(0..5), plain()).unwrap();
    let second = other.append_table("t", sample(5..9), plain()).unwrap();
    assert_eq!((second.created, second.num_rows, second.parts), (false, 9, 2));
    assert_eq!(ids(&other, "t"), (0..9).collect::<Vec<_>>());
    // Both append, one after the other has merged.
    folio.append_table("t", sample(9..12), plain()).unwrap();
    other.compact("t").unwrap();
    folio.append_table("t", sample(12..13), plain()).unwrap();
    other.refresh().unwrap();
    assert_eq!(ids(&other, "t"), (0..13).collect::<Vec<_>>());
    // What was replaced meanwhile is not appended to.
    other.add("t", sample(0..2), AddOptions::new().overwrite()).unwrap();
    assert_eq!(folio.append_table("t", sample(13..14), plain()).unwrap_err().code(), "conflict");
    folio.refresh().unwrap();
    assert_eq!(ids(&folio, "t"), [0, 1]);
    // The first append to a table of one file, twice.
    other.append_table("t", sample(2..3), plain()).unwrap();
    folio.append_table("t", sample(3..4), plain()).unwrap();
    assert_eq!(ids(&folio, "t"), [0, 1, 2, 3]);
    assert!(folio.verify(&VerifyOptions::default()).unwrap().findings.is_empty());
}

#[test]
fn a_damaged_part_is_named() {
    let (_dir, folio) = new_bundle();
    folio.append_table("t", sample(0..2000), plain()).unwrap();
    folio.append_table("t", sample(2000..4000), plain()).unwrap();
    let path = folio.get_table_paths("t").unwrap()[1].clone();
    let name = Path::new(&path).file_name().unwrap().to_str().unwrap().to_owned();
    let whole = std::fs::read(&path).unwrap();
    for damage in ["flip", "cut", "remove"] {
        match damage {
            "flip" => flip_a_bit(Path::new(&path)),
            "cut" => std::fs::write(&path, &whole[..whole.len() / 2]).unwrap(),
            _ => std::fs::remove_file(&path).unwrap(),
        }
        let fresh = reopen(&folio);
        let read = || -> datafolio::Result<usize> {
            let mut rows = 0;
            for batch in fresh.get_table("t")? {
                rows += batch?.num_rows();
            }
            Ok(rows)
        };
        let error = read().unwrap_err();
        assert_eq!(error.category().as_str(), "corrupt", "{damage}: {error}");
        assert!(error.to_string().contains(&name) && error.to_string().contains("'t'"), "{damage}: {error}");
        // The same where both files are read as one.
        let columns = TableOptions::new().columns(["id", "name"]);
        let joint = reopen(&folio).read_table("t", &columns).and_then(|batches| {
            let rows = batches.map(|batch| Ok(batch.map_err(datafolio::Error::from)?.num_rows()));
            rows.sum::<datafolio::Result<usize>>()
        });
        let error = joint.unwrap_err();
        assert_eq!(error.category().as_str(), "corrupt", "{damage}: {error}");
        assert!(error.to_string().contains(&name) && error.to_string().contains("'t'"), "{damage}: {error}");
        // Rows of the others can still be read.
        let first = all(&fresh, "t", &TableOptions::new().limit(10));
        assert_eq!(first, sample(0..10), "{damage}");
        let report = fresh.verify(&VerifyOptions::default()).unwrap();
        assert!(report.findings.iter().any(|finding| finding.item.as_deref() == Some("t")), "{damage}: {report:?}");
        std::fs::write(&path, &whole).unwrap();
    }
    assert_eq!(ids(&reopen(&folio), "t").len(), 4000);
}

#[test]
fn copies_have_all_parts_and_gc_takes_those_that_nothing_needs() {
    let (dir, folio) = new_bundle();
    for start in [0, 10, 20] {
        folio.append_table("t", sample(start..start + 10), plain()).unwrap();
    }
    let copy = folio.copy(dir.path().join("copy"), &CopyOptions::default()).unwrap();
    assert_eq!(ids(&copy, "t"), (0..30).collect::<Vec<_>>());
    assert!(copy.verify(&VerifyOptions::default()).unwrap().findings.is_empty());
    copy.append_table("t", sample(30..31), plain()).unwrap();
    assert_eq!(ids(&copy, "t").len(), 31);
    let usage = folio.disk_usage().unwrap();
    let of_table = usage.items.iter().find(|item| item.name == "t").unwrap();
    assert_eq!(of_table.versions.len(), 3);
    assert!(of_table.versions[0].bytes > of_table.versions[2].bytes);
}

#[test]
fn inputs_of_appended_rows_are_added_to_those_of_the_table() {
    let (_dir, folio) = new_bundle();
    folio.add("a", serde_json::json!(1), AddOptions::new()).unwrap();
    folio.add("b", serde_json::json!(2), AddOptions::new()).unwrap();
    folio.append_table("t", sample(0..1), plain().inputs(["a"])).unwrap();
    folio.append_table("t", sample(1..2), plain().inputs(["b", "a"])).unwrap();
    let record = folio.item_info("t").unwrap().record;
    assert_eq!(record["inputs"], serde_json::json!(["a", "b"]));
    assert_eq!(record["input_versions"].as_object().unwrap().len(), 2);
}

#[test]
fn a_batch_adds_and_appends_in_one_commit() {
    let (_dir, folio) = new_bundle();
    let mut batch = folio.batch().unwrap();
    batch.append_table("t", sample(0..2), plain()).unwrap();
    batch.append_table("t", sample(2..4), plain()).unwrap();
    batch.append_table("t", sample(4..5), plain()).unwrap();
    batch.commit().unwrap();
    assert_eq!(folio.revision(), 2);
    assert_eq!(ids(&folio, "t"), [0, 1, 2, 3, 4]);
    // The file that the batch itself superseded, and its stubs, are gone.
    assert_eq!((files(&folio, "tables").len(), files(&folio, "parts").len()), (1, 3));
    let id: ArrayRef = Arc::new(Int64Array::from(vec![5]));
    let mut batch = folio.batch().unwrap();
    batch.append_table("t", sample(5..6), plain()).unwrap();
    batch.append_table("t", RecordBatch::try_from_iter([("id", id)]).unwrap(), plain()).unwrap_err();
    drop(batch);
    assert_eq!((files(&folio, "tables").len(), files(&folio, "parts").len()), (1, 3));
}

/// Several writers, each with a handle of its own, and merging by the way.
#[test]
fn appends_from_many_threads_all_land_once() {
    let (_dir, folio) = new_bundle();
    let (writers, each) = (4, 20);
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let folio = reopen(&folio);
            scope.spawn(move || {
                for n in 0..each {
                    let row = writer * each + n;
                    folio.append_table("t", sample(row..row + 1), AppendOptions::new()).unwrap();
                }
            });
        }
    });
    folio.refresh().unwrap();
    let mut found = ids(&folio, "t");
    // Each writer's rows are in its order.
    for writer in 0..writers {
        let own: Vec<i64> = found.iter().copied().filter(|row| row / each == writer).collect();
        assert!(own.is_sorted(), "{own:?}");
    }
    found.sort_unstable();
    assert_eq!(found, (0..writers * each).collect::<Vec<_>>());
    let parts = folio.table_info("t").unwrap().parts.len();
    assert!(parts < 40, "{parts}");
    assert!(folio.verify(&VerifyOptions::default()).unwrap().findings.is_empty());
}

/// Merging leaves parts that only old versions need, which go with them.
#[test]
fn gc_takes_parts_that_only_expired_versions_had() {
    let (_dir, folio) = new_bundle();
    for start in [0, 10, 20] {
        folio.append_table("t", sample(start..start + 10), plain()).unwrap();
    }
    folio.compact("t").unwrap();
    folio.append_table("t", sample(30..31), plain()).unwrap();
    assert_eq!(files(&folio, "parts").len(), 5);
    let everything = GcOptions {
        apply: true,
        grace: Some(std::time::Duration::ZERO),
        retention_days: Some(0),
        retention_revisions: Some(2),
    };
    folio.gc(&everything).unwrap();
    // The revision before the last append is kept, and is the file that compacting made.
    assert_eq!((files(&folio, "parts").len(), files(&folio, "tables").len()), (2, 2));
    assert_eq!(ids(&folio, "t").len(), 31);
    assert!(folio.verify(&VerifyOptions::default()).unwrap().findings.is_empty());
}

/// Without that, every chunk of a file behind the first is cut in two and put together again.
#[test]
fn batches_of_several_files_go_on_as_if_they_were_one() {
    let (_dir, folio) = new_bundle();
    for rows in [0..10_000, 10_000..300_000, 300_000..300_007] {
        folio.append_table("t", sample(rows), plain()).unwrap();
    }
    let mut end = 0;
    let ends: Vec<usize> = folio
        .read_table("t", &TableOptions::new())
        .unwrap()
        .map(|batch| {
            end += batch.unwrap().num_rows();
            end
        })
        .collect();
    let steps = (1..=18).map(|n| n * 16_384).filter(|step| ends.contains(step)).count();
    assert_eq!((steps, end, ends.len()), (18, 300_007, 1 + 18 + 2), "{ends:?}");
    assert_eq!(ids(&folio, "t"), (0..300_007).collect::<Vec<_>>());
}

/// Files that are read as one: chunks of all sizes, and parts of the table, are those of its rows. A file that is not enough for the chunk
/// that another has begun is no end.
#[test]
fn chunks_reach_over_several_files() {
    const ALL: i64 = 460_500;
    /// No column has a null, and each file has dictionaries of its own.
    fn rows(rows: std::ops::Range<i64>) -> RecordBatch {
        let word = |row: i64| format!("word {} of {}", row % 7, row / 230_000);
        let columns: [(&str, ArrayRef); 6] = [
            ("id", Arc::new(Int64Array::from_iter_values(rows.clone()))),
            ("noise", Arc::new(Float64Array::from_iter_values(rows.clone().map(|row| (row as f64).sin())))),
            ("few", Arc::new(Float64Array::from_iter_values(rows.clone().map(|row| (row / 1_000 % 9) as f64)))),
            ("even", Arc::new(BooleanArray::from_iter(rows.clone().map(|row| Some(row % 2 == 0))))),
            ("day", Arc::new(Date64Array::from_iter_values(rows.clone().map(|row| row * 40_000)))),
            ("word", Arc::new(StringArray::from_iter_values(rows.map(word)))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
    }
    let (_dir, folio) = new_bundle();
    for part in [0..250_000, 250_000..460_000, 460_000..460_100, 460_100..460_101, 460_101..ALL] {
        folio.append_table("t", rows(part), plain()).unwrap();
    }
    let expected = rows(0..ALL);
    for threads in ["1", "2"] {
        let mut settings = Settings::default();
        settings.set("threads", threads).unwrap();
        let folio = OpenOptions::new().settings(settings).open(folio.location()).unwrap();
        for (size, chunks) in [(1_000_000, 1), (460_000, 2), (400_000, 2), (240_000, 2), (100_001, 5), (7_777, 60)] {
            let options = IterOptions::new().chunk_size(size);
            let found: Vec<RecordBatch> = folio.iter_table("t", &options).unwrap().map(Result::unwrap).collect();
            assert_eq!(found.len(), chunks);
            assert!(found.iter().take(chunks - 1).all(|chunk| chunk.num_rows() == size));
            assert_eq!(concat_batches(&expected.schema(), &found).unwrap(), expected, "chunks of {size}");
        }
        for (offset, limit) in [(0, 250_001), (249_999, 3), (131_072, 328_929), (300_000, 160_400), (460_099, 2)] {
            let part = all(&folio, "t", &TableOptions::new().offset(offset).limit(limit));
            assert_eq!(part, expected.slice(offset as usize, limit as usize), "{limit} behind {offset}");
        }
        let two = all(&folio, "t", &TableOptions::new().columns(["word", "id"]).offset(249_990).limit(20));
        assert_eq!(two, expected.slice(249_990, 20).project(&[5, 0]).unwrap());
        let found = all(&folio, "t", &TableOptions::new().filter("word = 'word 3 of 1' AND even"));
        let wanted: Vec<u64> = (230_000..460_000).filter(|row| row % 14 == 10).collect();
        assert_eq!(found, take_record_batch(&expected, &UInt64Array::from(wanted)).unwrap());
    }
}

/// Where rows are long a batch has few of them, also the first one of files behind others.
#[test]
fn batches_of_long_rows_are_short_in_every_file() {
    const LENGTH: usize = 64 << 10;
    let (_dir, folio) = new_bundle();
    let rows = |count: usize| {
        let texts = StringArray::from_iter_values((0..count).map(|row| ["a", "b", "c"][row % 3].repeat(LENGTH)));
        RecordBatch::try_from_iter_with_nullable([("text", Arc::new(texts) as ArrayRef, true)]).unwrap()
    };
    // More files than are read together, and behind them many rows that would fill up a batch of short ones.
    for count in [1; 16].into_iter().chain([450, 450]) {
        folio.append_table("t", rows(count), plain()).unwrap();
    }
    let batches = folio.read_table("t", &TableOptions::new()).unwrap().map(|batch| batch.unwrap().num_rows());
    let batches: Vec<usize> = batches.collect();
    assert_eq!(batches.iter().sum::<usize>(), 916);
    assert!(batches.iter().all(|rows| rows * LENGTH <= 32 << 20), "{batches:?}");
}

/// Row groups of the first file that nobody wants a row of are passed, also where more files follow.
#[test]
fn parts_of_a_table_begin_anywhere_in_its_first_file() {
    let (dir, folio) = new_bundle();
    let rows = sample(0..60_000).project(&[0, 2]).unwrap();
    let file = dir.path().join("first.parquet");
    super::write_parquet(&file, &rows.slice(0, 50_000));
    folio.add("t", Data::ParquetFile(file), AddOptions::new()).unwrap();
    for start in [50_000, 59_000] {
        folio.append_table("t", rows.slice(start, if start == 50_000 { 9_000 } else { 1_000 }), plain()).unwrap();
    }
    for offset in [0, 9_999, 10_000, 25_000, 49_999, 50_000, 58_999, 59_000] {
        let part = all(&folio, "t", &TableOptions::new().offset(offset as u64));
        assert_eq!(part.columns(), rows.slice(offset, 60_000 - offset).columns(), "from {offset} on");
    }
}

/// Each file has few enough categories for its keys, and all of them together have not: what would not be read is not merged.
#[test]
fn files_whose_categories_do_not_fit_together_are_not_merged() {
    use arrow::array::{DictionaryArray, Int8Array};
    let (_dir, folio) = new_bundle();
    let batch = |file: usize| {
        let values: ArrayRef = Arc::new(StringArray::from_iter_values((0..100).map(|n| format!("{}", file * 30 + n))));
        let keys = Int8Array::from_iter_values(0..100);
        let column: ArrayRef = Arc::new(DictionaryArray::new(keys, values));
        RecordBatch::try_from_iter_with_nullable([("c", column, true)]).unwrap()
    };
    for file in 0..20 {
        folio.append_table("t", batch(file), AppendOptions::new()).unwrap();
    }
    let count = |folio: &DataFolio| {
        folio.read_table("t", &TableOptions::new()).unwrap().map(|b| b.unwrap().num_rows()).sum::<usize>()
    };
    assert_eq!(count(&folio), 2_000);
    let error = folio.compact("t").unwrap_err();
    assert!(error.to_string().contains("more than 127 different values"), "{error}");
    assert_eq!(count(&reopen(&folio)), 2_000);
    assert!(folio.verify(&VerifyOptions::default()).unwrap().is_clean());
}
