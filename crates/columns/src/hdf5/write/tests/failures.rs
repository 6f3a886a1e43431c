//! What is refused, what fails midway, and that nothing is left of it.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::*;
use arrow::datatypes::*;

use super::table::all_types;
use super::*;
use crate::{ColumnsError, ColumnsResult};

fn writer(path: &Path) -> Hdf5Writer {
    Hdf5Writer::create(path, Hdf5WriteOptions::default()).unwrap()
}

#[test]
fn calls_out_of_turn_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.hdf5");
    let rows = vec![all_types(0, 20)];
    let mut twice = writer(&path);
    let error = twice.write(&rows, 8, 1, 0, None).unwrap_err().to_string();
    assert!(error.contains("layout must be called before write"), "{error}");
    twice.layout(&rows, None).unwrap();
    let error = twice.layout(&rows, None).unwrap_err().to_string();
    assert!(error.contains("layout was called before"), "{error}");
    twice.write(&rows, 8, 1, 0, None).unwrap();
    let error = twice.write(&rows, 8, 1, 0, None).unwrap_err().to_string();
    assert!(error.contains("written before"), "{error}");
    assert!(!path.exists());
    twice.finish().unwrap();
    assert!(path.exists());
    writer(&path).finish().unwrap_err();
    let mut unwritten = writer(&path);
    unwritten.layout(&rows, None).unwrap();
    unwritten.finish().unwrap_err();
    assert_eq!(listed(place.path()), ["t.hdf5"]);
}

#[test]
fn tables_without_rows_or_columns_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.hdf5");
    for (rows, what) in [(vec![], "no columns"), (vec![all_types(0, 0)], "no rows")] {
        let error = writer(&path).layout(&rows, None).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
    assert!(listed(place.path()).is_empty());
}

#[test]
fn types_without_a_place_are_refused_with_advice() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.hdf5");
    let item = |type_| Arc::new(Field::new("item", type_, true));
    for (type_, advice) in [
        (DataType::Decimal128(10, 2), "float64"),
        (DataType::Binary, "string"),
        (DataType::List(item(DataType::Int8)), "fixed-size list"),
        (DataType::Struct(vec![Field::new("x", DataType::Int8, true)].into()), "each of its fields"),
        (DataType::Time64(TimeUnit::Nanosecond), "duration"),
        (DataType::Timestamp(TimeUnit::Second, Some("UTC".into())), "without time zone"),
        (DataType::Interval(IntervalUnit::DayTime), "duration"),
        (DataType::Null, "type that has values"),
        (DataType::FixedSizeList(item(DataType::Utf8), 2), "vectors must be of numbers"),
        (DataType::FixedSizeList(item(DataType::Decimal128(10, 2)), 2), "float64"),
        (DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Binary)), "string"),
    ] {
        let array = new_null_array(&type_, 2);
        let rows = vec![RecordBatch::try_from_iter([("fine", array.clone()), ("odd one", array)]).unwrap()];
        let error = writer(&path).layout(&rows, None).unwrap_err();
        assert!(matches!(error, ColumnsError::Unsupported { .. }), "{error:?}");
        let error = error.to_string();
        assert!(error.contains(advice) && error.contains("'fine'"), "{error}");
    }
    assert!(listed(place.path()).is_empty());
}

/// Rows that are others from some walk on, or fail.
struct Fickle<F: Fn(usize) -> ColumnsResult<Vec<RecordBatch>> + Sync> {
    rows: u64,
    first: Vec<RecordBatch>,
    walks: AtomicUsize,
    later: F,
}

impl<F: Fn(usize) -> ColumnsResult<Vec<RecordBatch>> + Sync> Rows for Fickle<F> {
    fn schema(&self) -> SchemaRef {
        self.first[0].schema()
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn batches(
        &self,
        columns: &[usize],
    ) -> ColumnsResult<Box<dyn Iterator<Item = ColumnsResult<RecordBatch>> + Send + '_>> {
        let columns = columns.to_vec();
        let walk = self.walks.fetch_add(1, Ordering::SeqCst);
        let batches = if walk == 0 { self.first.clone() } else { (self.later)(walk)? };
        Ok(Box::new(batches.into_iter().map(move |batch| Ok(batch.project(&columns)?))))
    }
}

fn fickle(first: RecordBatch, later: impl Fn(usize) -> ColumnsResult<Vec<RecordBatch>> + Sync) -> ColumnsError {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.hdf5");
    fs::write(&path, "what was there").unwrap();
    let rows = Fickle { rows: first.num_rows() as u64, first: vec![first], walks: AtomicUsize::new(0), later };
    let mut writer = writer(&path);
    writer.layout(&rows, None).unwrap();
    let error = writer.write(&rows, 8, 1, 3, None).unwrap_err();
    assert_eq!(listed(place.path()), ["t.hdf5"]);
    let again = writer.write(&rows, 8, 1, 0, None).unwrap_err().to_string();
    assert!(again.contains("an earlier call failed"), "{again}");
    assert_eq!(fs::read(&path).unwrap(), b"what was there");
    error
}

#[test]
fn rows_that_are_not_those_of_layout_are_refused() {
    let texts = |texts: Vec<Option<&str>>| {
        RecordBatch::try_from_iter_with_nullable([("s", Arc::new(StringArray::from(texts)) as ArrayRef, true)]).unwrap()
    };
    let numbers = |numbers: Vec<Option<i32>>| {
        RecordBatch::try_from_iter_with_nullable([("n", Arc::new(Int32Array::from(numbers)) as ArrayRef, true)])
            .unwrap()
    };
    let (full, hole) = (vec![Some("a"), Some("bc")], vec![Some("abc"), None]);
    let (one, other) = (numbers(vec![Some(1), Some(2)]), numbers(vec![Some(1), None]));
    let words = |text: &'static str| {
        let array: DictionaryArray<Int8Type> = vec![text, text].into_iter().collect();
        RecordBatch::try_from_iter([("d", Arc::new(array) as ArrayRef)]).unwrap()
    };
    for (first, later, reason) in [
        (texts(full.clone()), vec![texts(vec![Some("a"), Some("bcd")])], "has become longer"),
        (texts(full.clone()), vec![texts(vec![Some("a"), Some("b")])], "has become shorter"),
        (texts(full.clone()), vec![texts(hole)], "misses a text"),
        (texts(full.clone()), vec![texts(full.clone()), texts(full.clone())], "more rows"),
        (texts(full.clone()), vec![], "0 rows"),
        (one.clone(), vec![other], "misses a value"),
        (one.clone(), vec![one.slice(0, 1)], "there are 1 row, and"),
        (one, vec![texts(full)], "of type"),
        (words("a"), vec![words("b")], "values in its dictionary"),
    ] {
        let error = fickle(first, |_| Ok(later.clone())).to_string();
        assert!(error.contains(reason) && error.contains("the same rows"), "{reason}: {error}");
    }
}

#[test]
fn rows_that_fail_midway_leave_nothing() {
    let batch = all_types(0, 100);
    let error = fickle(batch.clone(), |walk| match walk {
        0..20 => Ok(vec![batch.clone()]),
        _ => Err(ColumnsError::Source("the source is gone".into())),
    });
    assert!(matches!(error, ColumnsError::Source(_)), "{error:?}");
}

#[test]
fn a_panic_of_the_rows_leaves_nothing() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.hdf5");
    let batch = all_types(0, 100);
    let rows = Fickle { rows: 100, first: vec![batch], walks: AtomicUsize::new(0), later: |_| panic!("on purpose") };
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut writer = writer(&path);
        writer.layout(&rows, None).unwrap();
        writer.write(&rows, 8, 1, 2, None)
    }));
    assert!(caught.is_err());
    assert!(listed(place.path()).is_empty());
}

#[test]
fn progress_grows_to_one_and_can_stop() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.hdf5");
    let rows = vec![all_types(0, 100), all_types(100, 200)];
    let told = Mutex::new(Vec::new());
    let tell = |share: f64| {
        told.lock().unwrap().push(share);
        true
    };
    let mut whole = writer(&path);
    for pass in 0..2 {
        match pass {
            0 => whole.layout(&rows, Some(&tell)).unwrap(),
            _ => whole.write(&rows, 16, 2, 3, Some(&tell)).unwrap(),
        }
        let told = std::mem::take(&mut *told.lock().unwrap());
        assert!(told.is_sorted() && told.last() == Some(&1.0) && told.len() > 2, "{told:?}");
    }
    drop(whole);
    assert!(listed(place.path()).is_empty());
    for threads in [0, 3] {
        let mut stopped = writer(&path);
        stopped.layout(&rows, None).unwrap();
        let error = stopped.write(&rows, 16, 2, threads, Some(&|share| share < 0.5)).unwrap_err();
        assert!(matches!(error, ColumnsError::Cancelled), "{error:?}");
        assert!(listed(place.path()).is_empty());
        let error = writer(&path).layout(&rows, Some(&|_| false)).unwrap_err();
        assert!(matches!(error, ColumnsError::Cancelled), "{error:?}");
        assert!(listed(place.path()).is_empty());
    }
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("nowhere/t.hdf5");
    let error = Hdf5Writer::create(&path, Hdf5WriteOptions::default()).unwrap_err().to_string();
    assert!(error.contains("nowhere"), "{error}");
}

/// A full disk, played by a limit on the size of files: this test runs itself under one.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_nothing() {
    const PLACE: &str = "DATAFOLIO_TEST_FULL_DISK";
    if let Some(place) = std::env::var_os(PLACE) {
        let path = Path::new(&place).join("t.hdf5");
        let rows = vec![all_types(0, 20_000)];
        let error = written(&path, &rows, Hdf5WriteOptions::default(), Pace(1000, 3, 2)).unwrap_err();
        assert!(matches!(error, ColumnsError::Io { .. }), "{error:?}");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("t.hdf5"), "what was there").unwrap();
    let output = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 256; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["a_full_disk_leaves_nothing", "--nocapture"])
        .env(PLACE, place.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    assert_eq!(listed(place.path()), ["t.hdf5"]);
    assert_eq!(fs::read(place.path().join("t.hdf5")).unwrap(), b"what was there");
}
