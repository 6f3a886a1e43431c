//! Stages: files that others write become a table in one commit.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int64Array, LargeStringArray, NullArray, RecordBatch, StringArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Int8Type, Int32Type, Int64Type, Schema};
use datafolio::columns::{Value, agg, col};
use datafolio::{AddOptions, AppendOptions, DataFolio, GcOptions, Stage, StageOptions, VerifyOptions};

use super::{sample, write_parquet};
use crate::support::{copy_dir, new_bundle, reopen, table};

fn read(folio: &DataFolio, name: &str) -> RecordBatch {
    let rows = folio.get_table(name).unwrap();
    let schema = rows.schema();
    concat_batches(&schema, &rows.map(Result::unwrap).collect::<Vec<_>>()).unwrap()
}

fn put(stage: &Stage, name: &str, rows: &RecordBatch) -> PathBuf {
    let path = Path::new(&stage.path).join(name);
    write_parquet(&path, rows);
    path
}

fn is_clean(folio: &DataFolio) -> bool {
    folio.verify(&VerifyOptions { read_data: true, ..VerifyOptions::default() }).unwrap().is_clean()
}

/// Payloads that no version names.
fn left_behind(folio: &DataFolio) -> usize {
    let all = GcOptions { grace: Some(Duration::ZERO), ..GcOptions::default() };
    folio.gc(&all).unwrap().payloads.len()
}

/// The rows follow each other by the numbers in the names, whatever the engines leave beside them.
#[test]
fn files_of_workers_become_one_table() {
    let (_dir, folio) = new_bundle();
    folio.add("raw", serde_json::json!([1]), AddOptions::new()).unwrap();
    let raw = folio.item_info("raw").unwrap().version;
    let stage = folio.stage_table("scores", &StageOptions::new().inputs(["raw"]).description("of all")).unwrap();
    // What the workers read is the version of then.
    folio.add("raw", serde_json::json!([2]), AddOptions::new().overwrite()).unwrap();
    for part in [10, 9, 0] {
        put(&stage, &format!("part.{part}.parquet"), &sample(part * 1000..part * 1000 + 500));
    }
    put(&stage, "sub/part.1.parquet", &sample(0..0));
    put(&stage, "_temporary/0/part.5.parquet", &sample(5000..5500));
    fs::write(Path::new(&stage.path).join("_SUCCESS"), "").unwrap();
    fs::write(Path::new(&stage.path).join(".part.0.parquet.crc"), "crc").unwrap();
    assert!(!folio.contains("scores"));
    let listed = folio.stages().unwrap();
    assert_eq!((listed.len(), listed[0].files, &listed[0].id), (1, 4, &stage.id));
    let inode = fs::metadata(Path::new(&stage.path).join("part.9.parquet")).unwrap();
    let done = folio.commit_stage(&stage.id, Some(1500)).unwrap();
    assert_eq!((done.files, done.rewritten, done.rows, done.num_rows), (3, 0, 1500, 1500));
    let expected = [sample(0..500), sample(9000..9500), sample(10_000..10_500)];
    assert_eq!(read(&folio, "scores"), concat_batches(&expected[0].schema(), &expected).unwrap());
    let info = folio.item_info("scores").unwrap();
    assert_eq!((info.description(), info.version.as_str()), (Some("of all"), done.version.as_str()));
    assert_eq!(info.record["inputs"], serde_json::json!(["raw"]));
    assert_eq!(info.record["input_versions"]["raw"].as_str(), Some(raw.as_str()));
    assert!(!Path::new(&folio.location()).join("stages").exists() && folio.stages().unwrap().is_empty());
    assert_eq!(folio.get_table_paths("scores").unwrap().len(), 3);
    let parts = folio.table_parts("scores").unwrap();
    assert_eq!(parts.iter().map(|part| part.rows).collect::<Vec<_>>(), [Some(500); 3]);
    // No byte of them was copied.
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let taken = folio.get_table_paths("scores").unwrap();
        assert!(taken.iter().any(|path| fs::metadata(path).unwrap().ino() == inode.ino()), "{taken:?}");
    }
    assert!(is_clean(&folio) && left_behind(&folio) == 0);
    // A table of one file is one that every program reads.
    let stage = folio.stage_table("one", &StageOptions::new()).unwrap();
    put(&stage, "a.parquet", &sample(0..10));
    folio.commit_stage(&stage.id, None).unwrap();
    assert!(folio.get_table_path("one").unwrap().contains("/tables/"));
    assert_eq!(read(&folio, "one"), sample(0..10));
    assert!(is_clean(&folio) && left_behind(&folio) == 0);
}

/// Types that hold the same values are brought to the form that the table has; columns come in any order.
#[test]
fn files_are_added_to_a_table_in_its_form() {
    let (_dir, folio) = new_bundle();
    folio.add("log", table(3), AddOptions::new()).unwrap();
    let stage = folio.stage_table("log", &StageOptions::new().append()).unwrap();
    let ids = |from: i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values(from..from + 2)) };
    let long: ArrayRef = Arc::new(LargeStringArray::from(vec!["c", "d"]));
    let dictionary: ArrayRef = Arc::new(["e", "f"].into_iter().collect::<DictionaryArray<Int32Type>>());
    let plain: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let batch = |columns: [(&str, ArrayRef); 2]| {
        RecordBatch::try_from_iter_with_nullable(columns.map(|(n, c)| (n, c, false))).unwrap()
    };
    put(&stage, "1.parquet", &batch([("name", plain), ("id", ids(10))]));
    put(&stage, "2.parquet", &batch([("id", ids(20)), ("name", long)]));
    put(&stage, "3.parquet", &batch([("id", ids(30)), ("name", dictionary)]));
    let done = folio.commit_stage(&stage.id, None).unwrap();
    // The first has its columns in another order.
    assert_eq!((done.files, done.rewritten, done.rows, done.num_rows), (3, 3, 6, 9));
    let rows = read(&folio, "log");
    assert_eq!(rows.column(0).as_primitive::<Int64Type>().values().as_ref(), [0, 1, 2, 10, 11, 20, 21, 30, 31]);
    let names: Vec<_> = rows.column(1).as_string::<i32>().iter().flatten().collect();
    assert_eq!(names, ["row 0", "row 1", "row 2", "a", "b", "c", "d", "e", "f"]);
    // Whoever reads the files, by whatever means.
    let frame = folio.frame("log").unwrap().filter(col("name").equal("a")).unwrap();
    assert_eq!(frame.aggregate(&[agg::sum(col("id"))]).unwrap()[0], Value::Int(10));
    #[cfg(feature = "sql")]
    {
        let options = datafolio::QueryOptions::new();
        let found = folio.query("SELECT id FROM log WHERE name IN ('a', 'd') ORDER BY id", &options).unwrap();
        let found: Vec<i64> =
            found.flat_map(|batch| batch.unwrap().column(0).as_primitive::<Int64Type>().values().to_vec()).collect();
        assert_eq!(found, [10, 21]);
    }
    assert!(is_clean(&folio) && left_behind(&folio) == 0);
    // A further column, of some of the files.
    let stage = folio.stage_table("log", &StageOptions::new().append().evolve()).unwrap();
    put(&stage, "1.parquet", &table(1));
    let more: ArrayRef = Arc::new(Int64Array::from(vec![7]));
    let wider = table(1).columns().to_vec();
    let wider = [("id", wider[0].clone()), ("name", wider[1].clone()), ("more", more)];
    put(&stage, "2.parquet", &RecordBatch::try_from_iter(wider).unwrap());
    let done = folio.commit_stage(&stage.id, None).unwrap();
    assert_eq!(done.num_rows, 11);
    let rows = read(&folio, "log");
    assert_eq!(rows.column_by_name("more").unwrap().null_count(), 10);
    assert!(is_clean(&folio) && left_behind(&folio) == 0);
}

/// What cannot become a table is said by its file; nothing is committed, nothing stays behind, and the stage is as it was.
#[test]
fn what_does_not_fit_is_refused_as_a_whole() {
    let (dir, folio) = new_bundle();
    folio.add("log", table(3), AddOptions::new()).unwrap();
    let good = sample(0..2000);
    let whole = dir.path().join("whole.parquet");
    write_parquet(&whole, &good);
    let whole = fs::read(&whole).unwrap();
    let cases: &[(&str, &[u8], &str)] = &[
        ("cut.parquet", &whole[..whole.len() - 9], "cut.parquet"),
        ("text.parquet", b"no Parquet at all", "text.parquet"),
        ("empty.parquet", b"", "empty.parquet"),
        ("rest.csv", b"a\n1\n", "rest.csv is not called .parquet"),
        ("day=1/x.parquet", &whole, "lacks the column \"day\""),
    ];
    for (name, bytes, words) in cases {
        let stage = folio.stage_table("t", &StageOptions::new()).unwrap();
        put(&stage, "1.parquet", &good);
        let bad = Path::new(&stage.path).join(name);
        fs::create_dir_all(bad.parent().unwrap()).unwrap();
        fs::write(&bad, bytes).unwrap();
        let error = folio.commit_stage(&stage.id, None).unwrap_err();
        assert!(error.code() == "stage-refused" && error.to_string().contains(words), "{name}: {error}");
        assert!(!folio.contains("t") && left_behind(&folio) == 0, "{name}");
        fs::remove_file(&bad).unwrap();
        assert_eq!(folio.commit_stage(&stage.id, Some(1)).unwrap_err().code(), "stage-refused");
        assert_eq!(folio.commit_stage(&stage.id, Some(2000)).unwrap().rows, 2000, "{name}");
        folio.delete(&["t"]).unwrap();
    }
    let nothing = folio.stage_table("t", &StageOptions::new()).unwrap();
    assert!(folio.commit_stage(&nothing.id, None).unwrap_err().to_string().contains("no Parquet file"));
    // Columns of another type, among files that fit.
    put(&nothing, "1.parquet", &good);
    put(&nothing, "2.parquet", &table(5));
    let error = folio.commit_stage(&nothing.id, None).unwrap_err();
    assert!(error.code() == "schema-mismatch" && error.to_string().contains("2.parquet"), "{error}");
    let stage = folio.stage_table("log", &StageOptions::new().append()).unwrap();
    put(&stage, "1.parquet", &table(5));
    put(&stage, "2.parquet", &good);
    let before = folio.revision();
    assert_eq!(folio.commit_stage(&stage.id, None).unwrap_err().code(), "schema-mismatch");
    assert_eq!((folio.revision(), folio.stages().unwrap().len()), (before, 2));
    assert_eq!(folio.abort_stage(&stage.id).unwrap().files, 2);
    for id in [stage.id.as_str(), "none"] {
        assert_eq!(folio.commit_stage(id, None).unwrap_err().code(), "stage-not-found");
        assert_eq!(folio.abort_stage(id).unwrap_err().code(), "stage-not-found");
    }
    for hostile in ["", "..", "a/b", ".", "../tables", "C:x"] {
        let error = folio.abort_stage(hostile).unwrap_err();
        assert!(matches!(error.code(), "invalid-argument" | "unsafe-path"), "{hostile}: {error}");
    }
    assert!(left_behind(&folio) == 0 && is_clean(&folio));
}

/// Whoever is quicker wins, and the other is told.
#[test]
fn what_was_replaced_meanwhile_is_a_conflict() {
    let (_dir, folio) = new_bundle();
    folio.add("t", table(3), AddOptions::new()).unwrap();
    assert_eq!(folio.stage_table("t", &StageOptions::new()).unwrap_err().code(), "item-exists");
    let stage = folio.stage_table("t", &StageOptions::new().overwrite()).unwrap();
    let new = folio.stage_table("u", &StageOptions::new()).unwrap();
    put(&stage, "1.parquet", &sample(0..10));
    put(&new, "1.parquet", &sample(0..10));
    folio.add("t", table(4), AddOptions::new().overwrite()).unwrap();
    folio.add("u", table(4), AddOptions::new()).unwrap();
    assert_eq!(folio.commit_stage(&stage.id, None).unwrap_err().code(), "conflict");
    assert_eq!(folio.commit_stage(&new.id, None).unwrap_err().code(), "item-exists");
    assert_eq!(folio.stages().unwrap().len(), 2);
    let again = folio.stage_table("t", &StageOptions::new().overwrite()).unwrap();
    put(&again, "1.parquet", &sample(0..10));
    folio.commit_stage(&again.id, None).unwrap();
    assert_eq!(read(&folio, "t"), sample(0..10));
    folio.add("json", serde_json::json!(1), AddOptions::new()).unwrap();
    assert_eq!(folio.stage_table("json", &StageOptions::new().append()).unwrap_err().code(), "wrong-type");
}

/// A process may have died between the commit and the removal of the files.
#[test]
fn a_stage_that_was_committed_is_not_committed_twice() {
    let (dir, folio) = new_bundle();
    folio.add("log", table(3), AddOptions::new()).unwrap();
    for (name, append, files) in [("log", true, 2), ("new", false, 1), ("several", false, 2)] {
        let options = if append { StageOptions::new().append() } else { StageOptions::new() };
        let stage = folio.stage_table(name, &options).unwrap();
        (0..files).for_each(|n| drop(put(&stage, &format!("{n}.parquet"), &table(5))));
        let kept = dir.path().join(name);
        copy_dir(Path::new(&stage.path), &kept);
        let note = format!("{}.json", stage.path);
        let text = fs::read(&note).unwrap();
        let first = folio.commit_stage(&stage.id, None).unwrap();
        copy_dir(&kept, Path::new(&stage.path));
        fs::write(&note, text).unwrap();
        let (revision, again) = (folio.revision(), folio.commit_stage(&stage.id, None).unwrap());
        assert!(again.was_committed && !first.was_committed);
        assert_eq!((again.num_rows, again.version), (first.num_rows, first.version), "{name}");
        assert_eq!(folio.revision(), revision);
        assert!(!Path::new(&stage.path).exists());
    }
    assert!(is_clean(&folio) && left_behind(&folio) == 0);
}

/// A note that somebody has damaged, or that a later release wrote.
#[test]
fn notes_that_cannot_be_read_are_told_and_can_be_aborted() {
    let (_dir, folio) = new_bundle();
    for (text, words) in [("{", "damaged"), ("{\"format\": 1}", "damaged"), ("later", "format 2")] {
        let stage = folio.stage_table("t", &StageOptions::new()).unwrap();
        let note = PathBuf::from(format!("{}.json", stage.path));
        let text = match text {
            "later" => fs::read_to_string(&note).unwrap().replace("\"format\": 1", "\"format\": 2"),
            text => text.to_owned(),
        };
        fs::write(&note, text).unwrap();
        put(&stage, "1.parquet", &table(1));
        let error = folio.commit_stage(&stage.id, None).unwrap_err();
        assert!(error.code() == "stage-refused" && error.to_string().contains(words), "{error}");
        assert!(folio.stages().unwrap().is_empty());
        assert_eq!(folio.abort_stage(&stage.id).unwrap().files, 1);
    }
}

/// Rows are added once, whatever happens to the table in between, and however many commit the same stage.
#[test]
fn rows_of_a_stage_are_added_once_whatever_comes_between() {
    let (dir, folio) = new_bundle();
    folio.add("log", table(3), AddOptions::new()).unwrap();
    let stage = folio.stage_table("log", &StageOptions::new().append().description("all of it")).unwrap();
    put(&stage, "1.parquet", &table(5));
    let (kept, note) = (dir.path().join("kept"), format!("{}.json", stage.path));
    copy_dir(Path::new(&stage.path), &kept);
    let text = fs::read(&note).unwrap();
    let other = reopen(&folio);
    let done = std::thread::scope(|scope| {
        let first = scope.spawn(|| folio.commit_stage(&stage.id, None));
        let second = scope.spawn(|| other.commit_stage(&stage.id, None));
        [first.join().unwrap(), second.join().unwrap()]
    });
    // One of them may find nothing any more.
    let committed = done.iter().filter(|done| done.as_ref().is_ok_and(|done| !done.was_committed)).count();
    assert_eq!(committed, 1, "{done:?}");
    folio.refresh().unwrap();
    assert_eq!(folio.item_info("log").unwrap().description(), Some("all of it"));
    folio.append_table("log", table(1), AppendOptions::new()).unwrap();
    folio.compact("log").unwrap();
    #[cfg(feature = "sql")]
    folio.delete_rows("log", "id = 4").unwrap();
    let rows = folio.table_info("log").unwrap().rows;
    copy_dir(&kept, Path::new(&stage.path));
    fs::write(&note, text).unwrap();
    assert!(folio.commit_stage(&stage.id, None).unwrap().was_committed);
    assert_eq!(folio.table_info("log").unwrap().rows, rows);
    // Another table of the name is not what the stage was begun for.
    let stage = folio.stage_table("log", &StageOptions::new().append()).unwrap();
    put(&stage, "1.parquet", &table(5));
    folio.add("log", table(3), AddOptions::new().overwrite()).unwrap();
    assert_eq!(folio.commit_stage(&stage.id, None).unwrap_err().code(), "conflict");
    assert!(is_clean(&folio));
}

/// Columns that only some files have values in, or that have an order of their own.
#[test]
fn columns_of_all_files_are_looked_at() {
    let (_dir, folio) = new_bundle();
    let stage = folio.stage_table("t", &StageOptions::new()).unwrap();
    let batch = |column: ArrayRef| RecordBatch::try_from_iter_with_nullable([("x", column, true)]).unwrap();
    put(&stage, "1.parquet", &batch(Arc::new(NullArray::new(2))));
    put(&stage, "2.parquet", &batch(Arc::new(Int64Array::from(vec![Some(1), None]))));
    folio.commit_stage(&stage.id, Some(4)).unwrap();
    assert_eq!(
        read(&folio, "t").column(0).as_primitive::<Int64Type>().iter().collect::<Vec<_>>(),
        [None, None, Some(1), None]
    );
    // A file without rows has no say in what the columns are.
    let stage = folio.stage_table("t", &StageOptions::new().append().evolve()).unwrap();
    put(&stage, "1.parquet", &batch(Arc::new(Int64Array::from(vec![5]))));
    put(&stage, "2.parquet", &sample(0..0));
    folio.commit_stage(&stage.id, None).unwrap();
    assert_eq!(read(&folio, "t").num_rows(), 5);
    // Ordered categories, in more than one file.
    let keys = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
    let field = Field::new("c", keys, true).with_dict_is_ordered(true);
    let ordered = |values: [&str; 2]| {
        let column: ArrayRef = Arc::new(values.into_iter().collect::<DictionaryArray<Int8Type>>());
        RecordBatch::try_new(Arc::new(Schema::new(vec![field.clone()])), vec![column]).unwrap()
    };
    let stage = folio.stage_table("c", &StageOptions::new()).unwrap();
    put(&stage, "1.parquet", &ordered(["a", "b"]));
    folio.commit_stage(&stage.id, None).unwrap();
    let stage = folio.stage_table("c", &StageOptions::new().append()).unwrap();
    put(&stage, "1.parquet", &ordered(["a", "b"]));
    put(&stage, "2.parquet", &ordered(["b", "a"]));
    let error = folio.commit_stage(&stage.id, None).unwrap_err();
    assert!(error.code() == "stage-refused" && error.to_string().contains("ordered"), "{error}");
    assert!(is_clean(&folio));
}

/// Links are no files of a bundle, and are not passed over.
#[cfg(unix)]
#[test]
fn links_in_a_stage_are_refused() {
    let (dir, folio) = new_bundle();
    let outside = dir.path().join("outside.parquet");
    write_parquet(&outside, &table(5));
    let stage = folio.stage_table("t", &StageOptions::new()).unwrap();
    put(&stage, "1.parquet", &table(5));
    let link = Path::new(&stage.path).join("2.parquet");
    std::os::unix::fs::symlink(&outside, &link).unwrap();
    let error = folio.commit_stage(&stage.id, None).unwrap_err();
    assert!(error.code() == "stage-refused" && error.to_string().contains("2.parquet"), "{error}");
    fs::remove_file(&link).unwrap();
    assert_eq!(folio.commit_stage(&stage.id, None).unwrap().rows, 5);
    assert!(outside.exists());
}
