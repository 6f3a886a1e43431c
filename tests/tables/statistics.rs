//! Statistics of columns, against those of other programs and against what was worked out by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array, Float64Array,
    Int64Array, ListArray, NullArray, RecordBatch, RecordBatchIterator, StringArray, Time32SecondArray,
    TimestampMillisecondArray, UInt64Array,
};
use arrow::datatypes::{Int32Type, Int64Type};
use datafolio::{
    AddOptions, AppendOptions, ColumnStatistics, Data, DataFolio, ImportOptions, OpenOptions, Reference, Settings,
    StatisticsOptions, TableStatistics, Verification,
};
use serde_json::{Value, json};

use super::{ROWS, sample, with_tables, write_parquet};
use crate::support::new_bundle;

fn describe(folio: &DataFolio, name: &str) -> TableStatistics {
    folio.describe_table(name, &StatisticsOptions::new()).unwrap()
}

fn column<'a>(statistics: &'a TableStatistics, name: &str) -> &'a ColumnStatistics {
    statistics.columns.iter().find(|column| column.name == name).unwrap()
}

fn quantiles(column: &ColumnStatistics) -> Vec<Value> {
    column.quantiles.iter().map(|quantile| quantile.value.clone()).collect()
}

fn top(column: &ColumnStatistics) -> Vec<(Value, u64)> {
    column.top.iter().map(|top| (top.value.clone(), top.count)).collect()
}

fn add(folio: &DataFolio, name: &str, batch: &RecordBatch) {
    let reader = RecordBatchIterator::new([Ok(batch.clone())], batch.schema());
    folio.add(name, Data::Table(Box::new(reader)), AddOptions::new()).unwrap();
}

/// The expected values are those of pandas 3.1.1 on the same file: `count`, `isna().sum()`, `nunique`, `min`, `max`, `mean`,
/// `std`, `quantile` (whose neighbours `lower` and `higher` agree here) and `value_counts`.
#[test]
fn flights_are_described_as_pandas_does() {
    let (_dir, folio) = new_bundle();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/flights.csv.gz");
    folio.import_table("flights", &file, &ImportOptions::default(), AddOptions::new()).unwrap();
    let statistics = describe(&folio, "flights");
    assert_eq!((statistics.rows, statistics.columns.len()), (336_776, 19));
    assert_eq!(statistics.version, folio.item_info("flights").unwrap().version);
    let numbers = [
        ("dep_delay", 8_255, 527, 12.639_070_257_304_708, 40.210_060_892_129_95, [-43, -5, -2, 11, 1301], (-5, 24_821)),
        (
            "distance",
            0,
            214,
            1_039.912_603_629_712_3,
            733.233_033_323_677_7,
            [17, 502, 872, 1389, 4983],
            (2475, 11_262),
        ),
        ("flight", 0, 3844, 1_971.923_619_854_146_4, 1_632.471_938_139_315_4, [1, 553, 1496, 3465, 8500], (15, 968)),
        ("air_time", 9430, 509, 150.686_460_198_077_87, 93.688_304_659_009_9, [20, 82, 129, 192, 695], (42, 2552)),
    ];
    for (name, nulls, distinct, mean, std, quartiles, most) in numbers {
        let found = column(&statistics, name);
        assert_eq!((found.count, found.null_count), (336_776 - nulls, nulls), "{name}");
        let exact = found.distinct.unwrap();
        assert!(exact.is_exact && (exact.count, exact.low, exact.high) == (distinct, distinct, distinct), "{name}");
        assert_eq!(found.mean.as_ref().and_then(Value::as_f64), Some(mean), "{name}");
        assert!((found.std.unwrap() / std - 1.0).abs() < 1e-12, "{name}: {:?}", found.std);
        assert_eq!(quantiles(found), quartiles.map(Value::from), "{name}");
        assert_eq!((found.quantile_error, found.top_error, found.nan_count), (Some(0.0), Some(0), None));
        assert_eq!((found.min.clone(), found.max.clone()), (Some(quartiles[0].into()), Some(quartiles[4].into())));
        assert_eq!(top(found)[0], (most.0.into(), most.1), "{name}");
    }
    let carrier = column(&statistics, "carrier");
    assert_eq!((carrier.min.clone(), carrier.max.clone()), (Some("9E".into()), Some("YV".into())));
    let most = [("UA", 58_665), ("B6", 54_635), ("EV", 54_173), ("DL", 48_110), ("AA", 32_729)];
    assert_eq!(top(carrier), most.map(|(name, count)| (name.into(), count)));
    let tailnum = column(&statistics, "tailnum");
    assert_eq!((tailnum.null_count, tailnum.distinct.unwrap().count), (2512, 4043));
    assert_eq!(top(tailnum)[0], ("N725MQ".into(), 575));
    assert!(tailnum.quantiles.is_empty() && tailnum.mean.is_none() && tailnum.quantile_error.is_none());
    let hour = column(&statistics, "time_hour");
    assert_eq!(hour.distinct.unwrap().count, 6936);
    assert_eq!(hour.max, Some("2014-01-01T04:00:00Z".into()));
    assert_eq!(quantiles(hour)[2], "2013-07-03T14:00:00Z");
    assert!(hour.mean.as_ref().unwrap().as_str().unwrap().starts_with("2013-07-03T09:22:54"), "{:?}", hour.mean);
}

/// Six rows of every type, with nulls, NaN, infinite numbers and both zeros.
fn types() -> RecordBatch {
    let dictionary: DictionaryArray<Int32Type> =
        [Some("x"), None, Some("y"), Some("x"), Some("x"), None].into_iter().collect();
    let lists = [Some(vec![Some(1)]), None, Some(vec![]), Some(vec![Some(1)]), None, None];
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "f64",
            Arc::new(Float64Array::from(vec![Some(1.5), None, Some(f64::NAN), Some(-0.0), Some(0.0), Some(f64::NAN)])),
        ),
        ("f32", Arc::new(Float32Array::from(vec![0.1, 0.1, 0.3, f32::INFINITY, f32::NEG_INFINITY, f32::NAN]))),
        ("u64", Arc::new(UInt64Array::from(vec![u64::MAX, u64::MAX, u64::MAX - 1, 0, 0, 7]))),
        ("decimal", {
            let values = Decimal128Array::from(vec![Some(150), Some(-25), None, Some(150), Some(1), Some(24)]);
            Arc::new(values.with_precision_and_scale(10, 2).unwrap())
        }),
        ("wide", {
            let values = vec![Some(12_345_678_901_234_567_890_123_456_789), None, Some(-1), Some(5), None, None];
            Arc::new(Decimal128Array::from(values).with_precision_and_scale(30, 2).unwrap())
        }),
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(true), Some(true), None]))),
        ("day", Arc::new(Date32Array::from(vec![Some(0), Some(2), Some(2), Some(10), None, None]))),
        ("time", Arc::new(Time32SecondArray::from(vec![3600, 0, 60, 60, 60, 86_399]))),
        ("at", {
            let values = TimestampMillisecondArray::from(vec![0, 1, 1000, 1000, 2000, 3001]);
            Arc::new(values.with_timezone("UTC"))
        }),
        ("word", Arc::new(dictionary)),
        (
            "bytes",
            Arc::new(BinaryArray::from_opt_vec(vec![Some(b"a"), Some(b""), None, Some(b"\xff\x00"), Some(b"a"), None])),
        ),
        ("list", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists))),
        ("nothing", Arc::new(NullArray::new(6))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

#[test]
fn every_type_is_described_by_what_it_has() {
    let (_dir, folio) = new_bundle();
    add(&folio, "types", &types());
    let found = describe(&folio, "types");
    let of = |name: &str| column(&found, name);
    let counts = |name: &str| {
        let column = of(name);
        (column.count, column.null_count, column.nan_count, column.distinct.map(|distinct| distinct.count))
    };
    let extremes = |name: &str| (of(name).min.clone().unwrap_or_default(), of(name).max.clone().unwrap_or_default());
    assert_eq!(counts("f64"), (5, 1, Some(2), Some(2)));
    assert_eq!((extremes("f64"), of("f64").mean.clone()), ((json!(0.0), json!(1.5)), Some(json!(0.5))));
    // The variance of 1.5, 0 and 0 is 0.75.
    assert!((of("f64").std.unwrap() - 0.75_f64.sqrt()).abs() < 1e-15);
    assert_eq!(top(of("f64")), [(json!(0.0), 2), (json!(1.5), 1)]);
    assert_eq!(counts("f32"), (6, 0, Some(1), Some(4)));
    assert_eq!(extremes("f32"), (json!("-inf"), json!("inf")));
    assert_eq!((of("f32").mean.clone(), of("f32").std), (None, None));
    assert_eq!(quantiles(of("f32")), [json!("-inf"), json!(0.1), json!(0.1), json!(0.3), json!("inf")]);
    assert_eq!(counts("u64"), (6, 0, None, Some(4)));
    assert_eq!(extremes("u64"), (json!(0), json!(u64::MAX)));
    assert_eq!(top(of("u64")), [(json!(0), 2), (json!(u64::MAX), 2), (json!(7), 1), (json!(u64::MAX - 1), 1)]);
    // 1.50, -0.25, 1.50, 0.01 and 0.24 are 3.00 together.
    assert_eq!((counts("decimal"), of("decimal").mean.clone()), ((5, 1, None, Some(4)), Some(json!(0.6))));
    assert_eq!(extremes("decimal"), (json!(-0.25), json!(1.5)));
    // More digits than a JSON number keeps.
    assert_eq!(extremes("wide"), (json!("-0.01"), json!("123456789012345678901234567.89")));
    assert_eq!(counts("flag"), (4, 2, None, Some(2)));
    assert_eq!(
        (extremes("flag"), of("flag").mean.clone(), of("flag").std),
        ((json!(false), json!(true)), Some(json!(0.75)), None)
    );
    assert!(of("flag").quantiles.is_empty());
    assert_eq!(extremes("day"), (json!("1970-01-01"), json!("1970-01-11")));
    // Days 0, 2, 2, 10: three and a half, to the day below.
    assert_eq!((of("day").mean.clone(), of("day").std), (Some(json!("1970-01-04")), None));
    assert_eq!(extremes("time"), (json!("00:00:00"), json!("23:59:59")));
    assert_eq!(quantiles(of("time"))[2], "00:01:00");
    assert_eq!(extremes("at"), (json!("1970-01-01T00:00:00Z"), json!("1970-01-01T00:00:03.001Z")));
    assert_eq!(of("at").mean, Some(json!("1970-01-01T00:00:01.167Z")));
    assert_eq!((counts("word"), top(of("word"))), ((4, 2, None, Some(2)), vec![(json!("x"), 3), (json!("y"), 1)]));
    assert_eq!((counts("bytes"), extremes("bytes")), ((4, 2, None, Some(3)), (json!(""), json!("ff00"))));
    assert_eq!(top(of("bytes"))[0], (json!("61"), 2));
    assert_eq!((counts("list"), counts("nothing")), ((3, 3, None, None), (0, 6, None, None)));
    assert!(of("list").min.is_none() && of("list").top.is_empty() && of("list").top_error.is_none());

    add(&folio, "empty", &types().slice(0, 0));
    for column in describe(&folio, "empty").columns {
        assert_eq!(
            (column.count, column.null_count, &column.min, &column.mean),
            (0, 0, &None, &None),
            "{}",
            column.name
        );
        assert!(column.quantiles.is_empty() && column.top.is_empty() && column.std.is_none());
    }
}

#[test]
fn every_form_of_a_table_is_described_alike_by_any_number_of_threads() {
    let (dir, folio) = new_bundle();
    let names = with_tables(&folio, dir.path());
    let expected = describe(&folio, names[0]);
    let id = column(&expected, "id");
    // More different values than are counted one by one.
    let distinct = id.distinct.unwrap();
    let rows = ROWS as u64;
    assert!(!distinct.is_exact && (distinct.low..=distinct.high).contains(&rows), "{distinct:?}");
    assert!(distinct.low > rows * 9 / 10 && distinct.high < rows * 11 / 10, "{distinct:?}");
    assert_eq!(
        (id.min.clone(), id.max.clone(), id.mean.clone()),
        (Some(0.into()), Some((ROWS - 1).into()), Some((12_499.5).into()))
    );
    let (error, values) = (id.quantile_error.unwrap(), quantiles(id));
    for (share, value) in [0.0, 0.25, 0.5, 0.75, 1.0].iter().zip(&values) {
        let rank = value.as_f64().unwrap() / ROWS as f64;
        assert!((rank - share).abs() <= error + 2.0 / ROWS as f64 && error < 0.002, "{share}: {value}");
    }
    assert_eq!((&values[0], &values[4]), (&json!(0), &json!(ROWS - 1)));
    assert_eq!(column(&expected, "half").null_count, rows / 10);
    for threads in [1, 4] {
        let mut settings = Settings::default();
        settings.threads = threads;
        let folio = OpenOptions::new().settings(settings).open(folio.location()).unwrap();
        for name in names {
            let found = describe(&folio, name);
            assert_eq!(found.rows, expected.rows, "{name}");
            for (found, expected) in found.columns.iter().zip(&expected.columns) {
                let all = |column: &ColumnStatistics| {
                    (column.count, column.null_count, column.distinct, column.min.clone(), column.max.clone())
                };
                assert_eq!(all(found), all(expected), "{name}");
                let mean = |column: &ColumnStatistics| column.mean.as_ref().and_then(Value::as_f64).unwrap_or_default();
                assert!((mean(found) - mean(expected)).abs() < 1e-9, "{name}");
            }
        }
    }
}

#[test]
fn columns_versions_quantiles_and_numbers_of_values_can_be_chosen() {
    let (dir, folio) = new_bundle();
    with_tables(&folio, dir.path());
    let first = folio.item_info("parquet").unwrap().version;
    add_over(&folio, "parquet", &sample(0..10));
    let options = StatisticsOptions::new().columns(["half", "id"]).quantiles([0.9, 0.1]).top(2);
    let found = folio.describe_table("parquet", &options).unwrap();
    assert_eq!(found.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["half", "id"]);
    // Of 0 to 9, and of their halves without that of 3: 0 .5 1 2 2.5 3 3.5 4 4.5.
    assert_eq!(
        (quantiles(&found.columns[1]), quantiles(&found.columns[0])),
        (vec![json!(8), json!(0)], vec![json!(4.5), json!(0.0)])
    );
    assert_eq!(top(&found.columns[1]), [(json!(0), 1), (json!(1), 1)]);
    let earlier = folio.describe_table("parquet", &StatisticsOptions::new().version(&first)).unwrap();
    assert_eq!((earlier.rows, earlier.version), (ROWS as u64, first));
    #[cfg(feature = "sql")]
    {
        let some = folio.describe_table("one_file", &StatisticsOptions::new().filter("id >= 24990")).unwrap();
        assert_eq!((some.rows, column(&some, "id").min.clone()), (10, Some(24_990.into())));
    }
    let fails = |options| folio.describe_table("parquet", &options).unwrap_err().to_string();
    for wrong in [-0.1, 1.1, f64::NAN] {
        assert!(fails(StatisticsOptions::new().quantiles([0.5, wrong])).contains("from 0 to 1"), "{wrong}");
    }
    assert!(fails(StatisticsOptions::new().top(1_001)).contains("at most 1000"));
    assert!(fails(StatisticsOptions::new().columns(["idd"])).contains("idd"));
    assert!(folio.describe_table("none", &StatisticsOptions::new()).is_err());
}

fn add_over(folio: &DataFolio, name: &str, batch: &RecordBatch) {
    let reader = RecordBatchIterator::new([Ok(batch.clone())], batch.schema());
    folio.add(name, Data::Table(Box::new(reader)), AddOptions::new().overwrite()).unwrap();
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => files.extend(files_below(&entry.path())),
            false => files.push(entry.path()),
        }
    }
    files
}

/// What was found out outlives the process, and belongs to the bytes: the file may even be gone. A reference is looked at anew.
#[test]
fn facts_and_statistics_are_kept_on_disk_by_content() {
    let (dir, folio) = new_bundle();
    with_tables(&folio, dir.path());
    let cache = dir.path().join("cache");
    let open = |verification| {
        let mut settings = Settings::default();
        (settings.cache_dir, settings.verification) = (Some(cache.clone()), verification);
        OpenOptions::new().settings(settings).open(folio.location()).unwrap()
    };
    // Bytes that are not compared with their hashes are no ground for an answer that others are given.
    let unchecked = open(Verification::Off);
    describe(&unchecked, "streamed");
    unchecked.table_info("streamed").unwrap();
    assert_eq!(files_below(&cache.join("tables")).len(), 0);

    let first = open(Verification::Touched);
    let (statistics, info) = (describe(&first, "streamed"), first.table_info("streamed").unwrap());
    assert_eq!(files_below(&cache.join("tables")).len(), 2);
    describe(&first, "one_file");
    first.table_info("directory").unwrap();
    assert_eq!(files_below(&cache.join("tables")).len(), 2);

    // The same bytes under another name.
    let payload = folio.item_path("streamed").unwrap();
    folio.add("twin", Data::ParquetFile(payload.clone()), AddOptions::new()).unwrap();
    let twin = folio.item_path("twin").unwrap();
    let (kept, elsewhere) = (fs::read(&payload).unwrap(), dir.path().join("elsewhere"));
    fs::write(&elsewhere, &kept).unwrap();
    fs::remove_file(&payload).unwrap();
    let second = open(Verification::Touched);
    assert_eq!(describe(&second, "streamed"), statistics);
    let again = second.table_info("streamed").unwrap();
    assert_eq!(serde_json::to_value(&again).unwrap(), serde_json::to_value(&info).unwrap());
    assert_eq!(again.schema, info.schema);
    let other = second.table_info("twin").unwrap();
    assert_eq!((other.parts[0].path.clone(), other.name.as_str()), (Some(twin), "twin"));
    assert_eq!(describe(&second, "twin").name, "twin");
    // Other options are another question.
    assert!(second.describe_table("streamed", &StatisticsOptions::new().top(3)).is_err());

    // Damaged entries are none, and are written again.
    for file in files_below(&cache.join("tables")) {
        let mut bytes = fs::read(&file).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&file, bytes).unwrap();
    }
    let third = open(Verification::Touched);
    assert!(third.table_info("streamed").is_err());
    assert!(third.describe_table("streamed", &StatisticsOptions::new()).is_err());
    fs::copy(&elsewhere, &payload).unwrap();
    assert_eq!(describe(&third, "streamed").columns[0].distinct, statistics.columns[0].distinct);
    fs::remove_file(&payload).unwrap();
    assert_eq!(describe(&open(Verification::Touched), "streamed").rows, statistics.rows);

    // A reference whose file changes.
    let path = dir.path().join("changing.parquet");
    write_parquet(&path, &sample(0..10));
    let target = path.to_str().unwrap().to_owned();
    let reference =
        Reference { path: target, table_format: "parquet".to_owned(), num_rows: None, version: None, timestamp: None };
    folio.add("changing", reference, AddOptions::new()).unwrap();
    let fourth = open(Verification::Touched);
    assert_eq!((describe(&fourth, "changing").rows, fourth.table_info("changing").unwrap().rows), (10, Some(10)));
    write_parquet(&path, &sample(0..20));
    assert_eq!((describe(&fourth, "changing").rows, fourth.table_info("changing").unwrap().rows), (20, Some(20)));
}

#[test]
fn damage_is_an_error_and_no_statistic() {
    let (_dir, folio) = new_bundle();
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(
        (0..200_000).map(|id: i64| id.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed())),
    ));
    let words: ArrayRef = Arc::new(StringArray::from_iter_values((0..200_000).map(|row| format!("{:x}", row * 7919))));
    add(&folio, "table", &RecordBatch::try_from_iter([("id", ids), ("word", words)]).unwrap());
    crate::support::flip_a_bit(&folio.item_path("table").unwrap());
    let error = folio.describe_table("table", &StatisticsOptions::new()).unwrap_err();
    assert_eq!(error.category(), datafolio::ErrorCategory::Corrupt, "{error}");
}

/// They were other ones each time: the sketch tossed coins.
#[test]
fn estimates_are_the_same_each_time_and_wherever_batches_end() {
    let (dir, folio) = new_bundle();
    // 300,000 different values in an order that is none, some of them often.
    let values = (0..400_000_i64).map(|row| if row % 4 == 0 { row % 32 } else { row * 7_368_787 % 400_009 });
    let values: Vec<i64> = values.collect();
    let number: ArrayRef = Arc::new(Int64Array::from(values.clone()));
    let word: ArrayRef = Arc::new(StringArray::from_iter_values(values.iter().map(|value| format!("w{}", value / 2))));
    let batch = RecordBatch::try_from_iter([("number", number), ("word", word)]).unwrap();
    add(&folio, "whole", &batch);
    for (start, rows) in [(0, 100_003), (100_003, 7), (100_010, 299_990)] {
        folio.append_table("parts", batch.slice(start, rows), AppendOptions::new().without_compaction()).unwrap();
    }
    write_parquet(&dir.path().join("t.parquet"), &batch);
    let reference = Reference {
        path: dir.path().join("t.parquet").to_str().unwrap().to_owned(),
        table_format: "parquet".to_owned(),
        num_rows: None,
        version: None,
        timestamp: None,
    };
    // Of a reference nothing is kept: it is read each time.
    folio.add("read", reference, AddOptions::new()).unwrap();
    let options = StatisticsOptions::new().quantiles((0..=20).map(|share| f64::from(share) / 20.0)).top(20);
    let columns = |name: &str, threads: usize| {
        let mut settings = Settings::default();
        (settings.threads, settings.cache_dir) = (threads, None);
        let folio = OpenOptions::new().settings(settings).open(folio.location()).unwrap();
        folio.describe_table(name, &options).unwrap().columns
    };
    let expected = columns("read", 1);
    assert!(!expected[0].distinct.unwrap().is_exact && !expected[1].distinct.unwrap().is_exact);
    let mut sorted = values;
    sorted.sort_unstable();
    let error = expected[0].quantile_error.unwrap();
    assert!(error > 0.0 && error < 0.001, "{error}");
    for quantile in &expected[0].quantiles {
        let value = quantile.value.as_i64().unwrap();
        let below = sorted.partition_point(|other| *other < value) as f64 / 400_000.0;
        let up_to = sorted.partition_point(|other| *other <= value) as f64 / 400_000.0;
        let error = error + 1e-5;
        assert!(below <= quantile.at + error && quantile.at <= up_to + error, "{quantile:?}: {below} to {up_to}");
    }
    for (name, threads) in [("read", 1), ("read", 4), ("whole", 1), ("parts", 1), ("parts", 4)] {
        let found = columns(name, threads);
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(
                (&found.quantiles, &found.top),
                (&expected.quantiles, &expected.top),
                "{name}, {threads} threads"
            );
            assert_eq!((found.distinct, found.top_error), (expected.distinct, expected.top_error), "{name}");
        }
    }
}
