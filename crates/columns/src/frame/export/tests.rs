use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, StringArray};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::DataType;
use proptest::prelude::*;

use super::*;
use crate::expected::{check_columns, fixture};
use crate::{Expr, agg, lit};

/// Dictionaries as the texts that they stand for.
fn plain(batch: &RecordBatch) -> RecordBatch {
    let columns = batch
        .schema()
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, array)| match array.data_type() {
            DataType::Dictionary(..) | DataType::LargeUtf8 => {
                (field.name().clone(), cast(array, &DataType::Utf8).unwrap(), true)
            }
            _ => (field.name().clone(), array.clone(), true),
        })
        .collect::<Vec<_>>();
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn text(expr: &str) -> Expr {
    Expr::parse(expr).unwrap()
}

#[test]
fn every_fixture_of_the_query_table_is_the_same() {
    let text = std::fs::read_to_string(fixture("expected.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
    for file in
        ["table.hdf5", "table.arrow", "table.stream.arrow", "table.feather", "table.parquet", "table.zstd.parquet"]
    {
        for mapped in [true, false] {
            let options = OpenOptions { mapped, ..OpenOptions::default() };
            let frame = Frame::open_with(fixture(file), &options).unwrap();
            let batch = plain(&frame.collect().unwrap());
            check_columns(file, expected["files"][file]["columns"].as_array().unwrap(), &batch);
            // Computed, too: what Vaex says of the HDF5 file holds for all.
            let sums = frame.aggregate(&[agg::count_rows(), agg::sum(col("id")), agg::count(col("skey"))]).unwrap();
            assert_eq!(sums, [5000.into(), 12_497_536_i64.into(), 4447_i64.into()], "{file}");
        }
    }
}

#[test]
fn what_is_written_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let frame = Frame::open(fixture("table.zstd.parquet")).unwrap();
    let expected = plain(&frame.collect().unwrap());
    for name in ["t.arrow", "t.arrows", "t.parquet", "t.hdf5"] {
        let path = folder.path().join(name);
        assert_eq!(frame.export(&path).unwrap(), 5000, "{name}");
        let found = plain(&Frame::open(&path).unwrap().collect().unwrap());
        for (a, b) in found.columns().iter().zip(expected.columns()) {
            assert_eq!(format!("{a:?}"), format!("{b:?}"), "{name}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "{name}: something was left");
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn filters_and_computed_columns_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let frame = Frame::open(fixture("table.arrow")).unwrap().filter(text("cat == 7")).unwrap();
    let frame = frame.with_column("r", text("x + 1")).with_column("other", col("key"));
    let count = frame.count_rows(&PassOptions::default()).unwrap();
    let path = folder.path().join("some.arrow");
    assert_eq!(frame.export(&path).unwrap(), count);
    let back = Frame::open(&path).unwrap();
    assert_eq!(back.columns().last(), Some("other"));
    assert_eq!(back.collect().unwrap(), frame.collect().unwrap());
    assert_eq!(
        back.aggregate(&[agg::sum(text("r - x")), agg::count_rows()]).unwrap(),
        frame.aggregate(&[agg::sum(text("r - x")), agg::count_rows()]).unwrap(),
    );
}

#[test]
fn text_files_are_as_others_write_them() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = arrow::array::FixedSizeListArray::from_iter_primitive::<arrow::datatypes::Int32Type, _, _>(
        [Some([Some(1), Some(2)]), None, Some([Some(3), None])],
        2,
    );
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("a", Arc::new(Int64Array::from(vec![Some(1), None, Some(3)])) as ArrayRef, true),
        ("b", Arc::new(StringArray::from(vec![Some("x,y"), Some("say \"hi\""), None])), true),
        ("v", Arc::new(vectors), true),
    ])
    .unwrap();
    let frame = Frame::from_batches(batch.schema(), vec![batch]).unwrap();
    frame.export(folder.path().join("t.csv")).unwrap();
    let csv = std::fs::read_to_string(folder.path().join("t.csv")).unwrap();
    assert_eq!(csv, "a,b,v\n1,\"x,y\",\"[1, 2]\"\n,\"say \"\"hi\"\"\",\n3,,\"[3, null]\"\n");
    frame.export(folder.path().join("t.jsonl")).unwrap();
    let json = std::fs::read_to_string(folder.path().join("t.jsonl")).unwrap();
    assert_eq!(
        json,
        "{\"a\":1,\"b\":\"x,y\",\"v\":[1,2]}\n{\"a\":null,\"b\":\"say \\\"hi\\\"\",\"v\":null}\n{\"a\":3,\"b\":null,\"v\":[3,null]}\n"
    );
    let none = frame.filter(text("a > 5")).unwrap();
    assert_eq!(none.export(folder.path().join("t.csv")).unwrap(), 0);
    assert_eq!(std::fs::read_to_string(folder.path().join("t.csv")).unwrap(), "a,b,v\n");
}

#[test]
fn arrays_are_written_as_numpy_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let column = |array: ArrayRef| {
        let batch = RecordBatch::try_from_iter_with_nullable([("c", array, true)]).unwrap();
        Frame::from_batches(batch.schema(), vec![batch]).unwrap()
    };
    let path = folder.path().join("c.npy");
    column(Arc::new(Float64Array::from(vec![Some(1.5), None]))).export(&path).unwrap();
    // numpy.save of numpy.array([1.5, numpy.nan]) with NumPy 2.4 is these bytes.
    let mut bytes = b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }".to_vec();
    bytes.resize(127, b' ');
    bytes.push(b'\n');
    bytes.extend_from_slice(&1.5_f64.to_le_bytes());
    bytes.extend_from_slice(&f64::NAN.to_le_bytes());
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    let error = column(Arc::new(Int64Array::from(vec![Some(1), None]))).export(&path).unwrap_err().to_string();
    assert!(error.contains("fillmissing"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "what was there is gone");
    assert!(column(Arc::new(StringArray::from(vec!["x"]))).export(&path).is_err());
}

#[test]
fn a_stopped_export_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let frame = Frame::open(fixture("table.arrow")).unwrap();
    for name in ["t.arrow", "t.parquet", "t.hdf5", "t.csv"] {
        let told = Arc::new(AtomicU64::new(0));
        let seen = told.clone();
        let pass = PassOptions {
            progress: Some(Arc::new(move |done, total| {
                assert!(done <= total && total == 5000);
                seen.fetch_max(done, Ordering::Relaxed);
                false
            })),
            ..PassOptions::default()
        };
        let options = ExportOptions { pass, ..ExportOptions::default() };
        let result = frame.export_with(folder.path().join(name), &options);
        assert!(matches!(result, Err(ColumnsError::Cancelled)), "{name}: {result:?}");
        assert!(told.load(Ordering::Relaxed) > 0);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{name}");
    }
    let failing = frame.with_column("bad", text("id // (id - id)"));
    assert!(matches!(failing.export(folder.path().join("t.arrow")), Err(ColumnsError::NoResult { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(frame.export(folder.path().join("t.xyz")).unwrap_err().to_string().contains("stands for no format"));
}

#[test]
fn files_are_put_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let part = |name: &str, columns: Vec<(&str, ArrayRef)>| {
        let batch =
            RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
                .unwrap();
        Frame::from_batches(batch.schema(), vec![batch]).unwrap().export(folder.path().join(name)).unwrap();
    };
    part(
        "a.arrow",
        vec![("x", Arc::new(Int64Array::from(vec![1, 2]))), ("s", Arc::new(StringArray::from(vec!["p", "q"])))],
    );
    part("b.parquet", vec![("y", Arc::new(Int64Array::from(vec![7]))), ("x", Arc::new(Float64Array::from(vec![0.5])))]);
    let pattern = folder.path().join("*").to_str().unwrap().to_owned();
    let frame = Frame::open(pattern.as_str()).unwrap();
    let all = plain(&frame.collect().unwrap());
    assert_eq!(
        *all.column_by_name("x").unwrap().as_primitive::<arrow::datatypes::Float64Type>(),
        Float64Array::from(vec![1.0, 2.0, 0.5])
    );
    assert_eq!(
        *all.column_by_name("s").unwrap().as_string::<i32>(),
        StringArray::from(vec![Some("p"), Some("q"), None])
    );
    assert_eq!(all.column_by_name("y").unwrap().null_count(), 2);
    assert_eq!(
        frame.aggregate(&[agg::sum(col("x")), agg::count(col("y")), agg::count(col("s"))]).unwrap(),
        [3.5.into(), 1.into(), 2.into()]
    );
    let strict = OpenOptions { strict: true, ..OpenOptions::default() };
    assert!(Frame::open_with(pattern.as_str(), &strict).unwrap_err().to_string().contains("has a column 'y'"));
    part("c.arrow", vec![("x", Arc::new(StringArray::from(vec!["no"])))]);
    let error = Frame::open(pattern.as_str()).unwrap_err().to_string();
    assert!(
        error.contains("column 'x' is float64 in")
            && error.contains("string in")
            && error.contains("b.parquet")
            && error.contains("c.arrow"),
        "{error}"
    );
    assert!(Frame::open(folder.path().join("*.nothing")).unwrap_err().to_string().contains("no file is named like"));
    assert!(Frame::open(Vec::<std::path::PathBuf>::new()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Positions count the rows that pass, wherever batches and blocks end.
    #[test]
    fn rows_are_those_of_a_plain_count(
        sizes in prop::collection::vec(prop_oneof![0_i64..20, Just(4095), Just(4096), Just(4097)], 1..5),
        modulus in 1_i64..2000,
        filtered in any::<bool>(),
        start in 0_u64..9000,
        length in 0_u64..9000,
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let mut next = 0;
        let batches: Vec<RecordBatch> = sizes.iter().map(|size| {
            let array = Arc::new(Int64Array::from_iter_values(next..next + size)) as ArrayRef;
            next += size;
            RecordBatch::try_from_iter([("x", array)]).unwrap()
        }).collect();
        let schema = batches[0].schema();
        let mut frame = Frame::from_batches(schema.clone(), batches).unwrap();
        let mut naive: Vec<i64> = (0..next).collect();
        if filtered {
            frame = frame.filter((col("x") % lit(modulus)).less(lit(modulus.div_euclid(2).max(1)))).unwrap();
            naive.retain(|x| x % modulus < modulus.div_euclid(2).max(1));
        }
        let values = |frame: &Frame| frame.collect().unwrap().column(0).as_primitive::<arrow::datatypes::Int64Type>().values().to_vec();
        let count = naive.len() as u64;
        prop_assert_eq!(frame.count_rows(&PassOptions::default()).unwrap(), count);
        let (from, to) = (start.min(count) as usize, (start + length).min(count) as usize);
        let slice = frame.slice(start..start + length).unwrap();
        prop_assert_eq!(values(&slice), &naive[from..to]);
        prop_assert_eq!(slice.count_rows(&PassOptions::default()).unwrap(), (to - from) as u64);
        prop_assert_eq!(values(&frame.head(length).unwrap()), &naive[..(length.min(count)) as usize]);
        prop_assert_eq!(values(&frame.tail(length).unwrap()), &naive[(count.saturating_sub(length)) as usize..]);
        if count > 0 {
            let picks: Vec<u64> = picks.iter().map(|pick| pick.index(count as usize) as u64).collect();
            let expected: Vec<i64> = picks.iter().map(|pick| naive[*pick as usize]).collect();
            prop_assert_eq!(values(&frame.take(&picks).unwrap()), expected);
        }
        prop_assert!(frame.take(&[count]).is_err());
        let pass = PassOptions { threads: std::num::NonZero::new(3), ..PassOptions::default() };
        let parts: Vec<RecordBatch> = frame.to_batches(&pass).unwrap().collect::<ColumnsResult<_>>().unwrap();
        prop_assert_eq!(concat_batches(&schema, &parts).unwrap(), frame.collect().unwrap());
    }
}
