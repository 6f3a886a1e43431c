//! Lazy frames: what they read, and that they give what eager ones give.

use arrow::array::RecordBatchReader;
use datafolio::polars::prelude::*;
use datafolio::{AddOptions, AppendOptions, Data, DataFolio, Error, TableOptions, Verification};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use tempfile::TempDir;

use super::{ROWS, number, sample};
use crate::support::reads::{Reads, checking, destroy_pages};
use crate::support::{flip_a_bit, new_bundle};

/// The sample as a Parquet file of several row groups, as an Arrow file, and referenced.
fn with_samples() -> (TempDir, DataFolio) {
    let (dir, folio) = new_bundle();
    let path = dir.path().join("sample.parquet");
    let batches = datafolio::frames::record_batches(sample()).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(10_000)).build();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batches.schema(), Some(properties)).unwrap();
    for batch in batches {
        writer.write(&batch.unwrap()).unwrap();
    }
    writer.close().unwrap();
    folio.add("parquet", Data::ParquetFile(path), AddOptions::new()).unwrap();
    folio.add_polars("arrow", sample(), AddOptions::new().table_format("arrow")).unwrap();
    (dir, folio)
}

/// Questions that a reader can answer in part: by columns, conditions and the first rows.
type Question = fn(LazyFrame) -> LazyFrame;

fn questions() -> Vec<(&'static str, Question)> {
    vec![
        ("all", |frame| frame),
        ("columns", |frame| frame.select([col("word"), col("id")])),
        ("number", |frame| frame.filter(col("id").gt_eq(number(49_990)))),
        ("turned", |frame| frame.filter(number(20).gt(col("id"))).select([col("word")])),
        ("range", |frame| frame.filter(col("id").gt(number(19_995)).and(col("id").lt(number(20_005))))),
        ("float below", |frame| frame.filter(col("third").lt(lit(10.0)))),
        ("float above", |frame| frame.filter(col("third").gt(lit(16_600.0)))),
        ("text", |frame| frame.filter(col("word").eq(lit("word 031415 of the sample")))),
        ("quotes", |frame| frame.filter(col("word").eq(lit("o'word\"")))),
        ("null", |frame| frame.filter(col("score").is_null()).select([col("id"), col("score")])),
        ("not null", |frame| frame.filter(col("score").is_not_null().and(col("id").lt(number(15))))),
        ("either", |frame| frame.filter(col("id").lt(number(3)).or(col("score").eq(number(14))))),
        ("not", |frame| frame.filter(col("id").gt(number(100)).not())),
        ("among", |frame| {
            let some = Series::new("".into(), [7_i64, 40_001]);
            frame.filter(col("id").is_in(lit(some).implode(true), false))
        }),
        ("between", |frame| frame.filter(col("id").is_between(number(5), number(9), ClosedInterval::Right))),
        ("computed", |frame| frame.filter((col("id") % number(1_000)).eq(number(1)))),
        ("half of it in SQL", |frame| {
            frame.filter(col("id").lt(number(2_000)).and((col("id") % number(500)).eq(number(1))))
        }),
        ("date", |frame| frame.filter(col("day").eq(lit(499).cast(DataType::Date)))),
        ("head", |frame| frame.limit(5)),
        ("head of a filter", |frame| frame.filter(col("id").gt(number(12_345))).limit(5)),
        ("filter of a head", |frame| frame.limit(50).filter(col("score").gt(number(100)))),
        ("slice", |frame| frame.slice(30_000, 10)),
        ("tail", |frame| frame.tail(3)),
        ("count", |frame| frame.select([len()])),
        ("count of a filter", |frame| frame.filter(col("id").lt(number(10))).select([len()])),
        ("sum", |frame| frame.filter(col("id").lt(number(1_000))).select([col("score").sum(), col("third").max()])),
        ("groups", |frame| {
            frame.group_by([col("day")]).agg([col("score").mean(), len()]).sort(["day"], Default::default()).limit(7)
        }),
        ("first of a sort", |frame| {
            let sorted = frame.filter(col("id").lt(number(30_000))).sort(["score", "id"], Default::default());
            sorted.select([col("id"), col("score")]).limit(3)
        }),
        ("filter after select", |frame| {
            frame.select([(col("id") * number(2)).alias("twice")]).filter(col("twice").gt(number(99_990)))
        }),
        ("nothing", |frame| frame.filter(col("id").lt(number(0)))),
        ("twice the same table", |frame| {
            let other = frame.clone().filter(col("id").lt(number(30))).select([col("id"), col("score").alias("other")]);
            frame.join(other, [col("id")], [col("id")], JoinArgs::new(JoinType::Inner)).sort(["id"], Default::default())
        }),
    ]
}

#[test]
fn a_lazy_frame_gives_what_an_eager_one_gives() {
    let (_dir, folio) = with_samples();
    let eager = sample();
    for name in ["parquet", "arrow"] {
        for (what, question) in questions() {
            let lazy = question(folio.scan_polars(name, &TableOptions::new()).unwrap()).collect();
            let lazy = lazy.unwrap_or_else(|error| panic!("{name} {what}: {error}"));
            let expected = question(eager.clone().lazy()).collect().unwrap();
            assert_eq!(lazy.schema(), expected.schema(), "{name} {what}");
            assert!(lazy.equals_missing(&expected), "{name} {what}: {} rows of {}", lazy.height(), expected.height());
        }
    }
}

#[cfg(feature = "sql")]
#[test]
fn a_table_of_several_parts_is_one_frame() {
    let (_dir, folio) = new_bundle();
    folio.add_polars("grown", sample().slice(0, 20_000), AddOptions::new()).unwrap();
    let rows: Box<dyn RecordBatchReader + Send> =
        Box::new(datafolio::frames::record_batches(sample().slice(20_000, 30_000)).unwrap());
    folio.append_table("grown", rows, AppendOptions::new()).unwrap();
    assert!(folio.read_polars("grown", &TableOptions::new()).unwrap().equals_missing(&sample()));
    let lazy = folio.scan_polars("grown", &TableOptions::new()).unwrap();
    let some = lazy.filter(col("id").is_between(number(19_999), number(20_000), ClosedInterval::Both));
    assert!(some.collect().unwrap().equals_missing(&sample().slice(19_999, 2)));
}

#[test]
fn a_part_of_a_table_is_a_lazy_frame_too() {
    let (_dir, folio) = with_samples();
    let part = TableOptions::new().columns(["id", "score"]).offset(40_000).limit(10);
    let expected = sample().select(["id", "score"]).unwrap().slice(40_000, 10);
    for name in ["parquet", "arrow"] {
        let lazy = folio.scan_polars(name, &part).unwrap();
        assert!(lazy.clone().collect().unwrap().equals_missing(&expected), "{name}");
        // A condition is one on the part, not the part one of what the condition leaves.
        let some = lazy.clone().filter(col("id").gt(number(40_006))).collect().unwrap();
        assert!(some.equals_missing(&expected.slice(7, 3)), "{name}");
        assert_eq!(lazy.limit(3).collect().unwrap().height(), 3);
    }
    let error = folio.scan_polars("parquet", &TableOptions::new().columns(["idd"])).err().unwrap();
    assert!(error.to_string().contains("idd"), "{error}");
}

#[cfg(feature = "sql")]
#[test]
fn a_condition_in_sql_and_one_of_polars_hold_together() {
    let (_dir, folio) = with_samples();
    let some = folio.scan_polars("parquet", &TableOptions::new().filter("id < 100 AND score IS NULL")).unwrap();
    let found = some.filter(col("id").gt(number(80))).select([col("id")]).collect().unwrap();
    let ids = |frame: &DataFrame| -> Vec<i64> { frame.column("id").unwrap().i64().unwrap().iter().flatten().collect() };
    assert_eq!(ids(&found), [83, 93]);
    // A comment ends with its own condition.
    let some = folio.scan_polars("parquet", &TableOptions::new().filter("id < 100 -- a comment")).unwrap();
    assert_eq!(ids(&some.filter(col("id").gt(number(97))).collect().unwrap()), [98, 99]);
}

/// NaN is above all numbers for Polars, and the statistics of a file do not tell that there are some.
#[test]
fn no_condition_loses_a_row_that_polars_would_keep() {
    let (_dir, folio) = new_bundle();
    let numbers = df!("x" => [1.0_f64, f64::NAN, -0.0, 0.0], "y" => [0.1_f32, f32::NAN, 0.2, 0.3]).unwrap();
    folio.add_polars("numbers", numbers.clone(), AddOptions::new()).unwrap();
    let upper = df!("a" => [1, 2], "A" => [2, 1]).unwrap();
    folio.add_polars("upper", upper.clone(), AddOptions::new()).unwrap();
    let conditions = [
        col("x").gt(lit(5.0)),
        col("x").gt_eq(lit(1.0)),
        col("x").neq(lit(1.0)),
        col("x").eq(lit(0.0)),
        col("x").lt_eq(lit(0.0)),
        col("x").lt(lit(f64::NAN)),
        col("y").eq(lit(0.1_f32)),
        col("y").lt(lit(0.2)),
        col("y").eq(lit(0.1)),
    ];
    for condition in conditions {
        let found = folio.scan_polars("numbers", &TableOptions::new()).unwrap().filter(condition.clone());
        let found = found.collect().unwrap();
        let expected = numbers.clone().lazy().filter(condition.clone()).collect().unwrap();
        assert!(found.equals_missing(&expected), "{condition:?}: {} rows of {}", found.height(), expected.height());
    }
    let found = folio.scan_polars("upper", &TableOptions::new()).unwrap().filter(col("A").gt(lit(1)));
    assert!(found.collect().unwrap().equals(&upper.slice(0, 1)));
}

#[test]
fn only_the_columns_and_the_first_rows_that_are_asked_for_are_read() {
    let (_dir, folio) = with_samples();
    let (reads, folio) = Reads::of(&folio);
    let count = |question: &dyn Fn(LazyFrame) -> LazyFrame| {
        let lazy = question(folio.scan_polars("parquet", &TableOptions::new()).unwrap());
        let before = reads.count();
        let rows = lazy.collect().unwrap().height();
        (reads.count() - before, rows)
    };
    let (all, rows) = count(&|frame| frame);
    assert_eq!(rows, ROWS as usize);
    let (one_column, _) = count(&|frame| frame.select([col("score")]));
    let (computed, _) = count(&|frame| frame.select([(col("score") + number(1)).sum()]));
    let (head, rows) = count(&|frame| frame.limit(10));
    assert_eq!(rows, 10);
    assert!(one_column * 2 < all && computed == one_column && head * 2 < all, "{all} {one_column} {computed} {head}");
    // Nothing is read before the result is asked for.
    let before = reads.count();
    let lazy = folio.scan_polars("parquet", &TableOptions::new()).unwrap();
    let opened = reads.count() - before;
    drop(lazy.select([col("id")]).filter(col("id").gt(number(1))));
    assert_eq!(reads.count() - before, opened);
}

/// Row groups whose statistics rule a condition of Polars out are not read, and the columns that it does not use are not either.
#[cfg(feature = "sql")]
#[test]
fn what_a_condition_of_polars_rules_out_is_not_read() {
    let (_dir, folio) = with_samples();
    let id = folio.table_info("parquet").unwrap().column_names.iter().position(|name| name == "id").unwrap();
    destroy_pages(&folio.item_path("parquet").unwrap(), |group, column, _| group == 4 && column == id);
    let folio = checking(Verification::Off).open(folio.location()).unwrap();
    let scan = || folio.scan_polars("parquet", &TableOptions::new()).unwrap();
    let last = scan().filter(col("id").gt_eq(number(49_995))).select([col("id")]).collect().unwrap();
    assert_eq!(last.height(), 5);
    for question in [
        scan().filter(col("id").gt_eq(number(39_999))).select([col("id")]),
        scan().filter(col("id").gt_eq(number(49_995))),
    ] {
        assert!(question.collect().is_err());
    }
}

#[test]
fn a_lazy_frame_keeps_to_its_version_and_outlives_the_handle() {
    let (dir, folio) = new_bundle();
    folio.add_polars("numbers", df!("n" => [1, 2]).unwrap(), AddOptions::new()).unwrap();
    let lazy = folio.scan_polars("numbers", &TableOptions::new()).unwrap();
    folio.add_polars("numbers", df!("n" => [3]).unwrap(), AddOptions::new().overwrite()).unwrap();
    let later = folio.scan_polars("numbers", &TableOptions::new()).unwrap();
    drop(folio);
    assert_eq!(lazy.collect().unwrap(), df!("n" => [1, 2]).unwrap());
    assert_eq!(later.collect().unwrap(), df!("n" => [3]).unwrap());
    drop(dir);
}

#[test]
fn damage_comes_out_of_polars_as_what_it_is() {
    let (_dir, folio) = new_bundle();
    folio.add_polars("numbers", sample(), AddOptions::new()).unwrap();
    let path = folio.get_table_path("numbers").unwrap();
    let folio = checking(Verification::Full).open(folio.location()).unwrap();
    let lazy = folio.scan_polars("numbers", &TableOptions::new()).unwrap();
    flip_a_bit(path.as_ref());
    for question in [lazy.clone(), lazy.filter(col("id").gt(number(5)))] {
        let error = Error::from(question.collect().unwrap_err());
        assert_eq!((error.code(), error.category().as_str()), ("damaged-payload", "corrupt"), "{error}");
    }
}
