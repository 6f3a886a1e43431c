//! Tables as frames that are computed over.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
#[cfg(feature = "sql")]
use datafolio::ImportOptions;
use datafolio::columns::{Expr, Frame, PassOptions, Value, agg, col};
use datafolio::{AddOptions, AppendOptions, DataFolio};

use super::{ROWS, sample, with_tables};

fn text(expr: &str) -> Expr {
    Expr::parse(expr).unwrap()
}

fn asked(frame: &Frame) -> Vec<Value> {
    let odd = text("id % 2 == 1");
    frame
        .aggregate(&[
            agg::count_rows(),
            agg::sum(col("id")),
            agg::count(col("half")),
            agg::sum(col("half")),
            agg::count(col("name")).selection(text("name >= \"row 020000\"")),
            agg::mean(text("id * 2")).selection(odd),
        ])
        .unwrap()
}

/// Counted by hand: ids from 0, halves of all but every tenth from 3 on, names that are the ids with six digits.
fn expected(rows: i64) -> Vec<Value> {
    let sum = |rows: &mut dyn Iterator<Item = i64>| rows.sum::<i64>();
    let with_half = |row: &i64| row % 10 != 3;
    let odd = rows / 2;
    vec![
        Value::Int(rows.into()),
        Value::Int(sum(&mut (0..rows)).into()),
        Value::Int((0..rows).filter(with_half).count() as i128),
        Value::Float(sum(&mut (0..rows).filter(with_half)) as f64 / 2.0),
        Value::Int((rows - 20_000).max(0).into()),
        Value::Float(sum(&mut (0..rows).filter(|row| row % 2 == 1)) as f64 * 2.0 / odd as f64),
    ]
}

#[test]
fn a_frame_of_a_table_in_any_form_answers_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let folio = DataFolio::create(dir.path().join("bundle")).unwrap();
    for name in with_tables(&folio, dir.path()) {
        match folio.frame(name) {
            Ok(frame) => assert_eq!(asked(&frame), expected(ROWS), "{name}"),
            Err(error) => {
                assert!(folio.table_info(name).unwrap().rows.is_none(), "{name}: {error}");
                assert!(error.to_string().contains("how many rows"), "{name}: {error}");
            }
        }
    }
}

#[test]
fn a_frame_keeps_to_its_version_while_the_table_grows() {
    let dir = tempfile::tempdir().unwrap();
    let folio = DataFolio::create(dir.path().join("bundle")).unwrap();
    folio.add("t", sample(0..1_000), AddOptions::new()).unwrap();
    let before = folio.frame("t").unwrap().filter(col("id").greater_equal(0)).unwrap();
    let version = folio.item_info("t").unwrap().version;
    folio.append_table("t", sample(1_000..ROWS), AppendOptions::new()).unwrap();
    assert_eq!(asked(&before), expected(1_000));
    assert_eq!(asked(&folio.frame("t").unwrap()), expected(ROWS));
    assert_eq!(asked(&folio.frame_of_version("t", &version).unwrap()), expected(1_000));
}

#[test]
fn what_cannot_be_a_frame_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let folio = DataFolio::create(dir.path().join("bundle")).unwrap();
    folio.add("t", sample(0..10), AddOptions::new()).unwrap();
    let error = folio.frame("t").unwrap().aggregate(&[agg::sum(col("idd"))]).unwrap_err();
    assert_eq!(error.code(), "unknown-column");
    assert!(error.to_string().contains("did you mean `id`?"), "{error}");
    assert_eq!(folio.frame("none").unwrap_err().code(), "item-not-found");
}

/// What a query over the same rows says, in DuckDB.
#[cfg(feature = "sql")]
#[test]
fn a_frame_and_a_query_agree() {
    use arrow::array::AsArray;
    use arrow::datatypes::{Float64Type, Int64Type};

    let dir = tempfile::tempdir().unwrap();
    let folio = DataFolio::create(dir.path().join("bundle")).unwrap();
    let flights = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/flights.csv.gz");
    folio.import_table("flights", flights, &ImportOptions::default(), AddOptions::new()).unwrap();
    let frame = folio.frame("flights").unwrap().filter(text("(arr_delay > 0) & (carrier == \"UA\")")).unwrap();
    let answers = frame
        .aggregate(&[
            agg::count_rows(),
            agg::mean(text("(arr_delay - dep_delay) / air_time")),
            agg::std(text("distance / air_time * 60"), 0),
            agg::sum(text("distance * distance")),
        ])
        .unwrap();
    let sql = "SELECT count(*), avg((arr_delay - dep_delay) / air_time), stddev_pop(distance / air_time * 60), \
               sum(distance::BIGINT * distance)::BIGINT FROM flights WHERE arr_delay > 0 AND carrier = 'UA'";
    let batch = folio.query(sql, &datafolio::QueryOptions::new()).unwrap().next().unwrap().unwrap();
    assert_eq!(answers[0], Value::Int(batch.column(0).as_primitive::<Int64Type>().value(0).into()));
    for (column, answer) in [(1, &answers[1]), (2, &answers[2])] {
        let of_query = batch.column(column).as_primitive::<Float64Type>().value(0);
        assert!((answer.as_f64().unwrap() / of_query - 1.0).abs() < 1e-12, "{answer} and {of_query}");
    }
    assert_eq!(answers[3], Value::Int(batch.column(3).as_primitive::<Int64Type>().value(0).into()));
}

/// A table whose columns lie far apart in a mapped file, with one byte of the last one changed.
#[test]
fn of_a_mapped_table_what_is_touched_is_checked() {
    for format in ["arrow", "hdf5"] {
        let dir = tempfile::tempdir().unwrap();
        let folio = DataFolio::create(dir.path().join("bundle")).unwrap();
        let rows = 1_500_000_i64;
        let column = |step: i64| Arc::new(Int64Array::from_iter_values((0..rows).map(|row| row * step))) as ArrayRef;
        let batch = RecordBatch::try_from_iter([("a", column(1)), ("b", column(2)), ("c", column(3))]).unwrap();
        folio.add("t", batch.slice(0, 1_400_000), AddOptions::new().table_format(format)).unwrap();
        folio.append_table("t", batch.slice(1_400_000, 100_000), AppendOptions::new()).unwrap();
        let sum = |name: &str| folio.frame("t").unwrap().aggregate(&[agg::sum(col(name))]);
        assert_eq!(sum("b").unwrap(), [Value::Int(i128::from(rows * (rows - 1)))]);

        let path = folio.table_parts("t").unwrap()[0].path.clone().unwrap();
        assert_eq!(path.extension().unwrap(), format);
        let mut bytes = std::fs::read(&path).unwrap();
        // No other column has this number, and it is far from what describes the file.
        let needle = (3 * 500_001_i64).to_le_bytes();
        let at = bytes.windows(8).position(|window| window == needle).unwrap();
        bytes[at] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let folio = DataFolio::open(folio.location()).unwrap();
        let sum = |name: &str| folio.frame("t").unwrap().aggregate(&[agg::sum(col(name))]);
        assert_eq!(sum("a").unwrap(), [Value::Int(i128::from(rows * (rows - 1) / 2))]);
        let error = datafolio::Error::from(sum("c").unwrap_err());
        assert_eq!(error.category(), datafolio::ErrorCategory::Corrupt, "{error}");
        assert!(error.to_string().contains("\"t\"") || error.to_string().contains("'t'"), "{error}");
    }
}

#[test]
fn a_table_that_has_changed_is_not_answered_from_before() {
    let dir = tempfile::tempdir().unwrap();
    let folio = DataFolio::create(dir.path().join("bundle")).unwrap();
    for rows in [10, 20, 20_000] {
        folio.add("t", sample(0..rows), AddOptions::new().overwrite()).unwrap();
        for _ in 0..2 {
            let answers = folio.frame("t").unwrap().aggregate(&[agg::sum(col("id"))]).unwrap();
            assert_eq!(answers, [Value::Int(i128::from(rows * (rows - 1) / 2))]);
        }
    }
    folio.append_table("t", sample(20_000..20_010), AppendOptions::new()).unwrap();
    let answers = folio.frame("t").unwrap().aggregate(&[agg::count_rows(), agg::max(col("id"))]).unwrap();
    assert_eq!(answers, [Value::Int(20_010), Value::Int(20_009)]);
}

#[test]
fn a_frame_is_stored_with_what_it_was_made_of() {
    let dir = tempfile::tempdir().unwrap();
    let folio = DataFolio::create(dir.path().join("bundle")).unwrap();
    folio.add("t", sample(0..1_000), AddOptions::new()).unwrap();
    folio.add("u", sample(1_000..1_010), AddOptions::new()).unwrap();
    let version = folio.item_info("t").unwrap().version;
    let odd = folio.frame("t").unwrap().filter(text("id % 2 == 1")).unwrap().with_column("double", text("id * 2"));
    let both = Frame::concat(&[odd, folio.frame("u").unwrap()]).unwrap();
    // The frame keeps to what it has seen, and says so.
    folio.add("t", sample(0..5), AddOptions::new().overwrite()).unwrap();
    folio.add_frame("made", &both, AddOptions::new().table_format("arrow").description("odd ones")).unwrap();
    let info = folio.item_info("made").unwrap();
    assert_eq!(info.record["inputs"], serde_json::json!(["t", "u"]));
    assert_eq!(info.record["input_versions"]["t"], version);
    let answers = folio.frame("made").unwrap().aggregate(&[agg::count_rows(), agg::count(col("double"))]).unwrap();
    assert_eq!(answers, [Value::Int(510), Value::Int(500)]);

    // A table of its own rows, and rows without a result.
    let half = folio.frame("made").unwrap().filter(text("id < 500")).unwrap();
    folio.add_frame("made", &half, AddOptions::new().overwrite()).unwrap();
    let inputs = folio.item_info("made").unwrap().record.get("inputs").cloned();
    assert!(inputs.is_none_or(|inputs| inputs == serde_json::json!([])));
    let broken = folio.frame("made").unwrap().with_column("none", text("1 // (id - id)"));
    let error = folio.add_frame("broken", &broken, AddOptions::new()).unwrap_err();
    assert_eq!(error.code(), "no-result", "{error}");
    assert!(!folio.contains("broken"));
}

#[test]
fn a_batch_stores_frames_of_what_it_has_added_and_stops_when_told() {
    let dir = tempfile::tempdir().unwrap();
    let folio = DataFolio::create(dir.path().join("bundle")).unwrap();
    std::fs::write(dir.path().join("rows.csv"), "id,name\n1,a\n2,b\n3,c\n").unwrap();
    let mut batch = folio.batch().unwrap();
    batch
        .import_files("t", &[dir.path().join("rows.csv")], &datafolio::ImportOptions::default(), AddOptions::new())
        .unwrap();
    let seen = batch.seen();
    assert!(seen.is_read_only() && seen.contains("t") && !folio.contains("t"));
    let high = seen.frame("t").unwrap().filter(text("id > 1")).unwrap();
    let cancelled = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let pass = PassOptions { cancel: Some(cancelled), ..PassOptions::default() };
    let error = batch.add_frame("high", &high, AddOptions::new(), &pass).unwrap_err();
    assert_eq!(error.code(), "cancelled", "{error}");
    batch.add_frame("high", &high, AddOptions::new(), &PassOptions::default()).unwrap();
    batch.commit().unwrap();
    assert_eq!(folio.frame("high").unwrap().aggregate(&[agg::sum(col("id"))]).unwrap(), [Value::Int(5)]);
    let record = folio.item_info("high").unwrap().record;
    let version = folio.item_info("t").unwrap().version;
    assert_eq!((&record["inputs"], &record["input_versions"]["t"]), (&serde_json::json!(["t"]), &version.into()));
    // What the pass that was stopped had written is gone.
    let left = folio.gc(&datafolio::GcOptions::default()).unwrap();
    assert!(left.payloads.is_empty() && left.too_young == 0, "{left:?}");
}
