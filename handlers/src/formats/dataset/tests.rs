//! Tests of many files as one table.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatchReader};
use arrow::datatypes::Int64Type;
use parquet::arrow::ArrowWriter;

use std::path::Path;

use super::*;

fn write(root: &Path, name: &str, columns: &[(&str, ArrayRef)]) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let batch = RecordBatch::try_from_iter(columns.to_vec()).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn x(values: &[i64]) -> Vec<(&'static str, ArrayRef)> {
    vec![("x", Arc::new(Int64Array::from(values.to_vec())))]
}

fn open_at(place: &Path, options: &ImportOptions) -> HandlerResult<Rows> {
    open_tables(&TableFiles::find(&[place], options.format)?, options)
}

fn read(reader: HandlerResult<Box<dyn RecordBatchReader + Send>>) -> HandlerResult<RecordBatch> {
    let reader = reader?;
    let schema = reader.schema();
    let batches = reader.collect::<Result<Vec<_>, _>>()?;
    Ok(arrow::compute::concat_batches(&schema, &batches)?)
}

fn types(batch: &RecordBatch) -> Vec<String> {
    batch.schema().fields().iter().map(|field| format!("{}:{}", field.name(), field.data_type())).collect()
}

#[test]
fn partitions_are_columns_behind_those_of_the_files() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "year=2023/city=a%20b/p.parquet", &x(&[1, 2]));
    write(dir.path(), "year=2024/city=__HIVE_DEFAULT_PARTITION__/p.parquet", &x(&[3]));
    write(dir.path(), "_temporary/p.parquet", &x(&[9]));
    write(dir.path(), "year=2024/city=c/._p.parquet", &x(&[9]));
    let default = ImportOptions::default();
    let batch = read(open_at(dir.path(), &default)).unwrap();
    assert_eq!(types(&batch), ["x:Int64", "year:Int64", "city:Utf8"]);
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().values(), &[1, 2, 3]);
    assert_eq!(batch.column(1).as_primitive::<Int64Type>().values(), &[2023, 2023, 2024]);
    let cities: Vec<_> = batch.column(2).as_string::<i32>().iter().collect();
    assert_eq!(cities, [Some("a b"), Some("a b"), None]);
    let options = ImportOptions { columns: Some(vec!["year".into()]), ..Default::default() };
    let batch = read(open_at(dir.path(), &options)).unwrap();
    assert_eq!((types(&batch), batch.num_rows()), (vec!["year:Int64".to_owned()], 3));
    let options = ImportOptions { columns: Some(vec!["city".into(), "x".into()]), ..Default::default() };
    assert_eq!(types(&read(open_at(dir.path(), &options)).unwrap()), ["city:Utf8", "x:Int64"]);
    // A pattern gives the partitions from its first wildcard on.
    let batch = read(open_at(&dir.path().join("year=*/**/p.parquet"), &default)).unwrap();
    assert_eq!((types(&batch).join(" "), batch.num_rows()), ("x:Int64 year:Int64 city:Utf8".to_owned(), 3));
    let batch = read(open_at(&dir.path().join("year=2023/*/p.parquet"), &default)).unwrap();
    assert_eq!((types(&batch).join(" "), batch.num_rows()), ("x:Int64 city:Utf8".to_owned(), 2));
}

#[test]
fn a_partition_takes_the_place_of_a_column_that_says_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let mut columns = x(&[7, 7]);
    columns.push(("y", Arc::new(Int64Array::from(vec![5, 6]))));
    write(dir.path(), "x=7/p.parquet", &columns);
    let batch = read(open_at(dir.path(), &ImportOptions::default())).unwrap();
    assert_eq!(types(&batch), ["x:Int64", "y:Int64"]);
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().value(0), 7);
    write(dir.path(), "x=8/p.parquet", &columns);
    let error = read(open_at(dir.path(), &ImportOptions::default())).unwrap_err().to_string();
    assert!(error.contains("x=8/p.parquet") && error.contains("column \"x\" has other values"), "{error}");
}

#[test]
fn columns_go_by_their_names_and_types_are_widened() {
    let dir = tempfile::tempdir().unwrap();
    let ints = |values: Vec<i32>| Arc::new(arrow::array::Int32Array::from(values)) as ArrayRef;
    let floats = |values: Vec<f64>| Arc::new(arrow::array::Float64Array::from(values)) as ArrayRef;
    let text = |value: &str| Arc::new(arrow::array::StringArray::from(vec![value])) as ArrayRef;
    write(dir.path(), "a.parquet", &[("n", ints(vec![1])), ("old", text("x"))]);
    write(dir.path(), "b.parquet", &[("new", text("y")), ("n", floats(vec![2.5]))]);
    let batch = read(open_at(dir.path(), &ImportOptions::default())).unwrap();
    assert_eq!(types(&batch), ["n:Float64", "old:Utf8", "new:Utf8"]);
    assert_eq!(batch.column(0).as_primitive::<arrow::datatypes::Float64Type>().values(), &[1.0, 2.5]);
    assert_eq!(batch.column(1).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("x"), None]);
    assert_eq!(batch.column(2).as_string::<i32>().iter().collect::<Vec<_>>(), [None, Some("y")]);
    let options = ImportOptions { columns: Some(vec!["new".into()]), ..Default::default() };
    assert_eq!(read(open_at(dir.path(), &options)).unwrap().num_rows(), 2);
    write(dir.path(), "c.parquet", &[("n", text("three"))]);
    let error = read(open_at(dir.path(), &ImportOptions::default())).unwrap_err().to_string();
    let expected = "c.parquet: column \"n\" is Utf8, and Float64 in";
    assert!(error.contains(expected) && error.contains("a.parquet"), "{error}");
}

/// The type of a column of text is that of the values in all files, and a column without a value has no say.
#[test]
fn text_files_have_the_types_of_all_values() {
    for (format, a, b, list) in [
        ("csv", "n,t,d\n1,,2024-01-01\n", "t,n\n007,2.5\n", "Date32"),
        ("tsv", "n\tt\td\n1\t\t2024-01-01\n", "t\tn\n007\t2.5\n", "Date32"),
        ("jsonl", "{\"n\":1,\"t\":null,\"d\":[1]}\n", "{\"t\":\"007\",\"n\":2.5}\n", "List(Int64)"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [("p=1/a", a), ("p=2/b", b)] {
            let path = dir.path().join(format!("{name}.{format}"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let batch = read(open_at(dir.path(), &ImportOptions::default())).unwrap();
        let d = format!("d:{list}");
        assert_eq!(types(&batch), ["n:Float64", "t:Utf8", d.as_str(), "p:Int64"], "{format}");
        assert_eq!(batch.column(1).as_string::<i32>().iter().collect::<Vec<_>>(), [None, Some("007")]);
        assert_eq!(batch.column(2).null_count(), 1);
        for columns in [vec!["p"], vec!["p", "t"], vec!["d"], vec!["n", "p"]] {
            let columns: Vec<String> = columns.into_iter().map(str::to_owned).collect();
            let options = ImportOptions { columns: Some(columns.clone()), ..Default::default() };
            let part = read(open_at(dir.path(), &options)).unwrap();
            assert_eq!((part.num_rows(), part.num_columns()), (2, columns.len()), "{format} {columns:?}");
        }
        let mut options = ImportOptions::default();
        options.types.insert("n".to_owned(), "string".to_owned());
        let given = read(open_at(dir.path(), &options)).unwrap();
        assert_eq!(given.column(0).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("1"), Some("2.5")]);
    }
}

#[test]
fn a_bad_row_is_named_with_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.csv"), "a,b\n1,2\n").unwrap();
    std::fs::write(dir.path().join("b.csv"), "a,b\n1,2\n3\n").unwrap();
    let error = read(open_at(dir.path(), &ImportOptions::default())).unwrap_err().to_string();
    assert!(error.contains("b.csv: line 3"), "{error}");
    std::fs::write(dir.path().join("b.csv"), "a,b\n1,2\n3,x\n").unwrap();
    let mut options = ImportOptions::default();
    options.types.insert("b".to_owned(), "int64".to_owned());
    let error = read(open_at(dir.path(), &options)).unwrap_err().to_string();
    assert!(error.contains("b.csv: line 3") && error.contains("\"x\""), "{error}");
}

#[test]
fn what_makes_no_table() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let failure = |place: &Path| read(open_at(place, &ImportOptions::default())).unwrap_err();
    assert!(failure(dir.path()).to_string().contains("holds no table file"));
    assert_eq!(failure(&at("*.csv")).code(), "file-not-found");
    std::fs::write(at("a.csv"), "a\n1\n").unwrap();
    std::fs::write(at("notes.md"), "text").unwrap();
    std::fs::write(at("e.csv"), "").unwrap();
    assert!(failure(&at("*")).to_string().contains("e.csv: is empty"));
    std::fs::remove_file(at("e.csv")).unwrap();
    assert!(failure(&at("*")).to_string().contains("notes.md"), "a pattern names all that it matches");
    assert_eq!(read(open_at(dir.path(), &ImportOptions::default())).unwrap().num_rows(), 1, "a directory does not");
    std::fs::write(at("b.jsonl"), "{\"a\":1}\n").unwrap();
    let error = failure(dir.path()).to_string();
    assert!(error.contains("b.jsonl: is jsonl, and") && error.contains("a.csv is csv"), "{error}");
    let twice = TableFiles::find(&[at("a.csv"), at("*.csv")], None).unwrap_err().to_string();
    assert!(twice.contains("a.csv: is named twice"), "{twice}");
    // A name that is there is no pattern.
    std::fs::write(at("[a] 50%.csv"), "a\n5\n").unwrap();
    assert_eq!(read(open_at(&at("[a] 50%.csv"), &ImportOptions::default())).unwrap().num_rows(), 1);
}

#[test]
fn texts_of_any_form_go_together_and_other_partitions_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let text: ArrayRef = Arc::new(arrow::array::StringArray::from(vec!["a"]));
    let large: ArrayRef = Arc::new(arrow::array::LargeStringArray::from(vec!["b"]));
    write(dir.path(), "a.parquet", &[("s", text)]);
    write(dir.path(), "b.parquet", &[("s", large)]);
    assert_eq!(types(&read(open_at(dir.path(), &ImportOptions::default())).unwrap()), ["s:Utf8"]);
    write(dir.path(), "p=1/c.parquet", &x(&[1]));
    let error = read(open_at(dir.path(), &ImportOptions::default())).unwrap_err().to_string();
    assert!(error.contains("partitioned in another way"), "{error}");
}

/// Looking at each of thousands of files whenever their table is opened takes long; trusting what is not so any more is worse.
#[test]
fn what_files_say_is_remembered_until_they_change() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    let settle =
        |name: &str| std::fs::File::options().write(true).open(at(name)).unwrap().set_modified(long_ago).unwrap();
    let default = ImportOptions::default();
    let known = |name: &str| heads::known(&FilePlace::here(at(name)), &default);
    write(dir.path(), "a.parquet", &x(&[1, 2]));
    write(dir.path(), "b.parquet", &x(&[3]));
    settle("a.parquet");
    assert!(known("a.parquet").is_none());
    assert_eq!(read(open_at(dir.path(), &default)).unwrap().num_rows(), 3);
    assert_eq!(known("a.parquet").unwrap().rows, Some(2));
    // Of a file that was written just now the time may not tell the next change.
    assert!(known("b.parquet").is_none());
    settle("b.parquet");
    assert_eq!(read(open_at(dir.path(), &default)).unwrap().num_rows(), 3);
    let schemas = ["a.parquet", "b.parquet"].map(|name| known(name).unwrap().schema);
    assert!(Arc::ptr_eq(&schemas[0], &schemas[1]), "the same columns are in memory once");
    // Read as something else it is another file.
    let arrow = ImportOptions { format: Some(TableFormat::Arrow), ..ImportOptions::default() };
    assert!(heads::known(&FilePlace::here(at("a.parquet")), &arrow).is_none());
    let parts = ImportOptions { columns: Some(vec!["x".to_owned()]), ..ImportOptions::default() };
    assert_eq!(read(open_at(dir.path(), &parts)).unwrap().column(0).as_primitive::<Int64Type>().values(), &[1, 2, 3]);

    // Other rows and columns, as long as before and with the same time.
    #[cfg(unix)]
    {
        let size = |name: &str| std::fs::metadata(at(name)).unwrap().len();
        let before = size("a.parquet");
        write(dir.path(), "a.parquet", &[("y", Arc::new(Int64Array::from(vec![8, 9])))]);
        settle("a.parquet");
        assert_eq!(size("a.parquet"), before);
        assert!(known("a.parquet").is_none());
        assert_eq!(types(&read(open_at(dir.path(), &default)).unwrap()), ["y:Int64", "x:Int64"]);
    }
    std::fs::remove_file(at("b.parquet")).unwrap();
    assert_eq!(read(open_at(dir.path(), &default)).unwrap().num_rows(), 2);
}

/// Text is read twice: nothing would be shown for half of the time otherwise.
#[test]
fn progress_is_told_while_columns_are_looked_for() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.csv", "b.csv"] {
        std::fs::write(dir.path().join(name), "n\n1\n").unwrap();
    }
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let progress: crate::formats::Progress =
        Arc::new(move |done, total| heard.lock().unwrap().push((done, total.unwrap())));
    let options = ImportOptions { progress: Some(progress), ..Default::default() };
    let rows = open_at(dir.path(), &options).unwrap();
    assert_eq!(*told.lock().unwrap(), [(4, 16), (8, 16)]);
    assert_eq!(read(Ok(rows)).unwrap().num_rows(), 2);
    assert_eq!(*told.lock().unwrap(), [(4, 16), (8, 16), (12, 16), (16, 16)]);
}
