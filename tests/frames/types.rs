//! Every type of Polars as a table, and every type of a table in Polars.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal256Array, DictionaryArray, Int32Array, Int64Array, IntervalMonthDayNanoArray,
    RecordBatch, StringArray, Time32SecondArray, TimestampSecondArray,
};
use arrow::datatypes::{DataType as ArrowType, Field, Int32Type, IntervalMonthDayNano, Schema};
use datafolio::polars::prelude::*;
use datafolio::{AddOptions, Data, DataFolio, Error, IterOptions, TableOptions};
use serde_json::json;

use crate::compat::peer::Release;
use crate::support::new_bundle;

/// What `tests/data/polars/write.py` has written with Python Polars 2.1.
fn written_by_python() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/polars/written_by_2_1.parquet"))
}

/// The same frame, made here.
fn every_type() -> DataFrame {
    let numbers = df!(
        "flag" => [Some(true), None, Some(false)],
        "i8" => [Some(1_i32), None, Some(-128)],
        "u64" => [Some(0_u64), None, Some(u64::MAX)],
        "f16" => [Some(0.5_f64), None, Some(-2.0)],
        "f64" => [Some(0.1_f64), None, Some(f64::INFINITY)],
        "text" => [Some("short"), None, Some("a text that is longer than twelve bytes")],
        "bytes" => [Some(&b"\x00\xff"[..]), None, Some(&b"a run of bytes longer than twelve"[..])],
        "date" => [Some(18_321_i32), None, Some(-1)],
        "time" => [Some(86_399_999_999_000_i64), None, Some(0)],
        "ms" => [Some(1_577_836_800_000_i64), None, Some(-315_619_200_000)],
        "zoned" => [Some(1_593_554_400_000_000_i64), None, Some(1_577_833_200_000_000)],
        "duration" => [Some(1_000_000_i64), None, Some(-86_400_000_000)],
        "decimal" => [Some("1.50"), None, Some("-99999999.99")],
        "category" => [Some("b"), None, Some("a")],
        "level" => [Some("high"), None, Some("low")],
    )
    .unwrap();
    let berlin = TimeZone::opt_try_new(Some("Europe/Berlin")).unwrap();
    let levels = FrozenCategories::new(["low", "middle", "high"]).unwrap();
    let casts = [
        ("i8", DataType::Int8),
        ("f16", DataType::Float16),
        ("date", DataType::Date),
        ("time", DataType::Time),
        ("ms", DataType::Datetime(TimeUnit::Milliseconds, None)),
        ("zoned", DataType::Datetime(TimeUnit::Microseconds, berlin)),
        ("duration", DataType::Duration(TimeUnit::Microseconds)),
        ("decimal", DataType::Decimal(10, 2)),
        ("category", DataType::from_categories(Categories::global())),
        ("level", DataType::from_frozen_categories(levels)),
    ];
    let casts = casts.map(|(name, data_type)| col(name).cast(data_type));
    let mut frame = numbers.lazy().with_columns(casts).collect().unwrap();

    let inner = |values: Vec<Option<i64>>| Series::new("".into(), values);
    let list = Series::new("list".into(), [Some(inner(vec![Some(1), None])), None, Some(inner(vec![]))]);
    let inner = |values: Vec<Option<&str>>| Series::new("".into(), values);
    let words = [
        Some(inner(vec![Some("one"), Some("a word that is longer than twelve bytes")])),
        None,
        Some(inner(vec![None])),
    ];
    let words = Series::new("words".into(), words);
    let inner = |values: [f64; 2]| Series::new("".into(), values);
    let pair = Series::new("pair".into(), [Some(inner([1.0, 2.0])), None, Some(inner([3.0, 4.0]))]);
    let pair = pair.cast(&DataType::Array(Box::new(DataType::Float64), 2)).unwrap();
    let x = Series::new("x".into(), [Some(1_i64), None, None]);
    let name = Series::new("name".into(), [Some("p"), None, None]);
    let point = StructChunked::from_series("point".into(), 3, [x, name].iter()).unwrap();
    let is_point = BooleanChunked::new("".into(), [true, false, true]);
    let point = point.into_series();
    let none = Series::full_null("point".into(), 3, point.dtype());
    let point = point.zip_with(&is_point, &none).unwrap();
    for series in [list, words, pair, point] {
        frame.with_column(series.into_column()).unwrap();
    }
    frame
}

fn assert_same(found: &DataFrame, expected: &DataFrame, what: &str) {
    assert_eq!(found.schema(), expected.schema(), "{what}");
    for (found, expected) in found.columns().iter().zip(expected.columns()) {
        let (found, expected) = (found.as_materialized_series(), expected.as_materialized_series());
        assert!(found.equals_missing(expected), "{what}: {found:?} is not {expected:?}");
    }
}

#[test]
fn what_python_polars_has_written_is_the_frame_that_it_was() {
    let (_dir, folio) = new_bundle();
    folio.add("theirs", Data::ParquetFile(written_by_python().to_owned()), AddOptions::new()).unwrap();
    assert_same(&folio.read_polars("theirs", &TableOptions::new()).unwrap(), &every_type(), "written by Python");
}

#[test]
fn every_type_comes_back_as_it_was_in_every_format() {
    let (_dir, folio) = new_bundle();
    let frame = every_type();
    for format in ["parquet", "arrow"] {
        let info = folio.add_polars(format, frame.clone(), AddOptions::new().table_format(format)).unwrap();
        assert_eq!(info.item_type, "included_table");
        assert_eq!(info.record.get("dataframe_library"), Some(&json!("polars")), "{format}");
        assert_eq!(info.record.get("num_rows"), Some(&json!(3)));
        assert_same(&folio.read_polars(format, &TableOptions::new()).unwrap(), &frame, format);
        let part = TableOptions::new().columns(["level", "i8"]).offset(1).limit(1);
        let expected = frame.select(["level", "i8"]).unwrap().slice(1, 1);
        assert_same(&folio.read_polars(format, &part).unwrap(), &expected, format);
    }
    // What other readers of Arrow get: text in the form that all of them know.
    let batch = folio.preview_table("parquet", 3).unwrap();
    assert_eq!(batch.column_by_name("text").unwrap().as_string::<i64>().value(0), "short");
    assert_eq!(batch.column_by_name("i8").unwrap().data_type(), &ArrowType::Int8);
    let decimal = batch.column_by_name("decimal").unwrap();
    assert_eq!(decimal.data_type(), &ArrowType::Decimal128(10, 2));
    assert_eq!(decimal.as_primitive::<arrow::datatypes::Decimal128Type>().value(2), -9_999_999_999);
}

#[test]
fn python_polars_reads_what_was_written_here() {
    let Some(python) = Release::V2_3.python() else { return };
    let (_dir, folio) = new_bundle();
    folio.add_polars("ours", every_type(), AddOptions::new()).unwrap();
    let code = "import sys, polars\n\
                ours, theirs = [polars.read_parquet(path) for path in sys.argv[1:]]\n\
                assert ours.schema == theirs.schema, (ours.schema, theirs.schema)\n\
                assert ours.equals(theirs), (ours, theirs)";
    let output = Command::new(python)
        .args(["-c", code])
        .arg(folio.get_table_path("ours").unwrap())
        .arg(written_by_python())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn chunks_that_do_not_align_are_stored_without_being_joined() {
    let (_dir, folio) = new_bundle();
    let part = |from: i64, to: i64| {
        let id = Series::new("id".into(), (from..to).collect::<Vec<_>>());
        let word: Vec<String> = (from..to).map(|id| format!("word {}", id % 7)).collect();
        let word = Series::new("word".into(), word);
        let kind = word.cast(&DataType::from_categories(Categories::global())).unwrap().with_name("kind".into());
        [id, word, kind]
    };
    let [mut id, mut word, mut kind] = part(0, 3);
    for (from, to) in [(3, 4), (4, 70_000), (70_000, 200_000)] {
        let [more, _, more_kind] = part(from, to);
        id.append(&more).unwrap();
        kind.append(&more_kind).unwrap();
    }
    let [_, more, _] = part(3, 200_000);
    word.append(&more).unwrap();
    assert_eq!((id.n_chunks(), word.n_chunks()), (4, 2));
    let frame = DataFrame::new(200_000, vec![id.into_column(), word.into_column(), kind.into_column()]).unwrap();
    for format in ["parquet", "arrow"] {
        folio.add_polars(format, frame.clone(), AddOptions::new().table_format(format)).unwrap();
        let found = folio.read_polars(format, &TableOptions::new()).unwrap();
        assert!(found.equals_missing(&frame), "{format}");
        let chunks = folio.iter_polars(format, &IterOptions::new().chunk_size(60_000)).unwrap();
        let chunks: Vec<DataFrame> = chunks.map(Result::unwrap).collect();
        assert_eq!(chunks.iter().map(DataFrame::height).collect::<Vec<_>>(), [60_000, 60_000, 60_000, 20_000]);
        assert!(chunks[3].equals_missing(&frame.slice(180_000, 20_000)));
    }
    // Only categories that some row has.
    let batch = folio.preview_table("arrow", 1).unwrap();
    assert_eq!(batch.column_by_name("kind").unwrap().as_any_dictionary().values().len(), 7);
}

#[test]
fn frames_without_rows_or_columns() {
    let (_dir, folio) = new_bundle();
    let empty = every_type().clear();
    folio.add_polars("empty", empty.clone(), AddOptions::new()).unwrap();
    assert_same(&folio.read_polars("empty", &TableOptions::new()).unwrap(), &empty, "no rows");
    let nothing = folio.add_polars("nothing", DataFrame::empty_with_height(3), AddOptions::new());
    assert!(nothing.unwrap_err().to_string().contains("without columns"));
}

fn add_columns(folio: &DataFolio, name: &str, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    folio.add(name, batch, AddOptions::new().table_format("arrow")).unwrap();
}

#[test]
fn types_that_polars_lacks_become_the_nearest_one() {
    let (_dir, folio) = new_bundle();
    let offset = TimestampSecondArray::from(vec![1_577_836_800]).with_timezone("+05:30");
    let numbers = Arc::new(Int64Array::from(vec![10, 20]));
    let wide = Decimal256Array::from(vec![arrow::datatypes::i256::from_i128(-125)]).with_precision_and_scale(20, 2);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("seconds", Arc::new(TimestampSecondArray::from(vec![1_577_836_800]))),
        ("offset", Arc::new(offset)),
        ("clock", Arc::new(Time32SecondArray::from(vec![3_661]))),
        ("coded", Arc::new(DictionaryArray::<Int32Type>::try_new(Int32Array::from(vec![1]), numbers).unwrap())),
        ("wide", Arc::new(wide.unwrap())),
    ];
    add_columns(&folio, "odd", columns);
    let found = folio.read_polars("odd", &TableOptions::new()).unwrap();
    let utc = TimeZone::opt_try_new(Some("UTC")).unwrap();
    let expected = df!(
        "seconds" => [1_577_836_800_000_i64],
        "offset" => [1_577_836_800_000_i64],
        "clock" => [3_661_000_000_000_i64],
        "coded" => [20_i64],
        "wide" => ["-1.25"],
    );
    let casts = [
        ("seconds", DataType::Datetime(TimeUnit::Milliseconds, None)),
        ("offset", DataType::Datetime(TimeUnit::Milliseconds, utc)),
        ("clock", DataType::Time),
        ("wide", DataType::Decimal(20, 2)),
    ];
    let casts = casts.map(|(name, data_type)| col(name).cast(data_type));
    assert_same(&found, &expected.unwrap().lazy().with_columns(casts).collect().unwrap(), "odd types");
}

#[test]
fn a_column_without_a_counterpart_is_named() {
    let (_dir, folio) = new_bundle();
    let months = IntervalMonthDayNanoArray::from(vec![IntervalMonthDayNano::new(1, 2, 3)]);
    let good: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    add_columns(&folio, "spans", vec![("good", good), ("span", Arc::new(months))]);
    let error = folio.read_polars("spans", &TableOptions::new()).unwrap_err();
    assert_eq!((error.code(), error.category().as_str()), ("frame-column", "invalid-input"));
    assert!(error.to_string().contains("'span'") && error.hint().is_some(), "{error}");
    assert!(folio.scan_polars("spans", &TableOptions::new()).is_err());
    assert_eq!(folio.read_polars("spans", &TableOptions::new().columns(["good"])).unwrap().height(), 1);

    let wide = Series::new("wide".into(), [1_i64]).cast(&DataType::Int128).unwrap();
    let frame = DataFrame::new(1, vec![wide.into_column()]).unwrap();
    let error = folio.add_polars("wide", frame, AddOptions::new()).unwrap_err();
    assert!(error.code() == "frame-column" && error.to_string().contains("'wide'"), "{error}");
    let frame = df!("zero\0byte" => [1]).unwrap();
    assert_eq!(folio.add_polars("zero", frame, AddOptions::new()).unwrap_err().code(), "frame-column");
    assert!(matches!(folio.read_polars("wide", &TableOptions::new()), Err(Error::Core(_))));
}

/// Polars would stop the program on these.
#[test]
fn metadata_that_a_stranger_wrote_stops_nothing() {
    let (_dir, folio) = new_bundle();
    let keys = Int32Array::from(vec![0, 1, 0]);
    let values = Arc::new(StringArray::from(vec!["a", "b"]));
    let column: ArrayRef = Arc::new(DictionaryArray::<Int32Type>::try_new(keys, values).unwrap());
    for (name, key, value) in [
        ("too_long", "_PL_ENUM_VALUES2", "99;a"),
        ("twice", "_PL_ENUM_VALUES", "1;a1;a"),
        ("no_number", "_PL_CATEGORICAL2", "x;y"),
        ("no_type", "_PL_CATEGORICAL2", "0;0;u99;"),
        ("extension", "ARROW:extension:name", "polars.object"),
    ] {
        let metadata = HashMap::from([(key.to_owned(), value.to_owned())]);
        let field = Field::new("kind", column.data_type().clone(), true).with_metadata(metadata);
        let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column.clone()]).unwrap();
        folio.add(name, batch, AddOptions::new()).unwrap();
        let frame = folio.read_polars(name, &TableOptions::new()).unwrap();
        let kind = frame.column("kind").unwrap().cast(&DataType::String).unwrap();
        assert_eq!(kind.str().unwrap().iter().flatten().collect::<Vec<_>>(), ["a", "b", "a"], "{name}");
        assert_eq!(folio.scan_polars(name, &TableOptions::new()).unwrap().collect().unwrap().height(), 3);
    }
}
