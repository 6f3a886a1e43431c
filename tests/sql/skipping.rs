//! Rows that the files of a table rule out by what they record are not read, and no others are left out.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Date32Array, Float64Array, Int64Array, RecordBatch, RecordBatchReader, StringArray,
    TimestampMillisecondArray,
};
use arrow::datatypes::Int64Type;
use arrow::temporal_conversions::{date32_to_datetime, timestamp_ms_to_datetime};
use datafolio::{
    AddOptions, AppendOptions, Condition, DataFolio, IterOptions, ParamValue, QueryOptions, TableOptions, Verification,
};

use super::data;
use crate::support::new_bundle;
use crate::support::reads::{checking, destroy_pages};

/// One row group of some twenty pages.
const ROWS: i64 = 400_000;
const MINUTE: i64 = 60_000;

/// `n` counts the rows; all else ascends with it, with gaps and with values that compare with nothing.
fn rows(range: std::ops::Range<i64>) -> RecordBatch {
    let all = || range.clone();
    let id: ArrayRef = Arc::new(all().map(|n| (n % 1_000 != 7).then_some(n)).collect::<Int64Array>());
    let third = |n: i64| if n % 997 == 0 { f64::NAN } else { n as f64 / 3.0 };
    let x: ArrayRef = Arc::new(all().map(|n| (n % 991 != 0).then(|| third(n))).collect::<Float64Array>());
    let small: ArrayRef = Arc::new(Int64Array::from_iter_values(all().map(|n| n % 7)));
    let name: ArrayRef = Arc::new(StringArray::from_iter_values(all().map(name_of)));
    let day: ArrayRef = Arc::new(Date32Array::from_iter_values(all().map(|n| (n / 1_000) as i32)));
    let at: ArrayRef = Arc::new(TimestampMillisecondArray::from_iter_values(all().map(|n| n * MINUTE)));
    let zoned = TimestampMillisecondArray::from_iter_values(all().map(|n| n * MINUTE)).with_timezone("Europe/Berlin");
    let zoned: ArrayRef = Arc::new(zoned);
    let n: ArrayRef = Arc::new(Int64Array::from_iter_values(all()));
    let long: ArrayRef = Arc::new(StringArray::from_iter_values(all().map(long_name_of)));
    let columns = [
        ("n", n),
        ("id", id),
        ("x", x),
        ("small", small),
        ("name", name),
        ("long", long),
        ("day", day),
        ("moment", at),
        ("zoned", zoned),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

fn name_of(n: i64) -> String {
    format!("row {n:07}")
}

/// Longer than what footers keep of texts.
fn long_name_of(n: i64) -> String {
    format!("a text that begins as all others do, and goes on for longer than is kept: {n:07}")
}

/// The bundle as one sees it who compares nothing with hashes.
fn unchecked(folio: &DataFolio) -> DataFolio {
    checking(Verification::Off).open(folio.location()).unwrap()
}

/// A condition that is as true as another, and more than comparisons with constants.
fn computed(condition: &str) -> String {
    format!("({condition}) AND n + 0 = n")
}

fn found(reader: Box<dyn RecordBatchReader + Send>) -> Result<Vec<i64>, datafolio::Error> {
    let mut found = Vec::new();
    for batch in reader {
        found.extend(batch?.column_by_name("n").unwrap().as_primitive::<Int64Type>().values().iter().copied());
    }
    Ok(found)
}

#[test]
fn pages_that_a_condition_rules_out_are_not_read() {
    let (_dir, folio) = new_bundle();
    folio.add("t", data(&rows(0..ROWS)), AddOptions::new()).unwrap();
    destroy_pages(&folio.item_path("t").unwrap(), |_, _, rows| rows.start == 0);
    let folio = unchecked(&folio);
    let read_as =
        |condition: &str| folio.read_table("t", &TableOptions::new().filter(condition).columns(["n"])).and_then(found);
    // What is computed is looked at by DuckDB.
    let read = |condition: &str| {
        let (here, there) = (read_as(condition), read_as(&computed(condition)));
        assert_eq!(here.as_ref().ok(), there.as_ref().ok(), "{condition}");
        here
    };
    for condition in [
        "n < 5000".to_owned(),
        "5000 > table.n AND small = small".to_owned(),
        "n BETWEEN -3 AND 4999".to_owned(),
        "day <= DATE '1970-01-05'".to_owned(),
        format!("name < '{}'", name_of(5_000)),
        "moment < '1970-01-04 11:20:00' AND n < (SELECT 5000)".to_owned(),
        "zoned < TIMESTAMPTZ '1970-01-04 12:20:00+01'".to_owned(),
        "zoned < '1970-01-04 11:20:00Z'".to_owned(),
        "'1970-01-04T13:20:00+02:00'::TIMESTAMP WITH TIME ZONE > zoned".to_owned(),
    ] {
        assert_eq!(read(&condition).unwrap(), (0..5_000).collect::<Vec<_>>(), "{condition}");
    }
    let day = |days| ParamValue::Date(days);
    for (condition, value) in [
        ("n < ?", ParamValue::from(5_000)),
        ("n <= ?", 4_999.5.into()),
        ("name < ?", name_of(5_000).into()),
        ("day <= ?", day(4)),
        ("moment < ?", ParamValue::Timestamp(5_000 * MINUTE * 1_000)),
    ] {
        let condition = Condition::new(condition).values([value]);
        let read = folio.read_table("t", &TableOptions::new().filter(condition.clone()).columns(["n"])).and_then(found);
        assert_eq!(read.unwrap(), (0..5_000).collect::<Vec<_>>(), "{condition:?}");
    }
    assert_eq!(read("x < 1000 AND NOT isnan(x)").unwrap().last(), Some(&2_999));
    assert_eq!(read("id = 4999").unwrap(), [4_999]);
    for condition in [
        "n IN (4, 4999)",
        "table.id IN (4, 4999, -1000000, 500000) AND x > 1",
        "x < 5000 AND name IN ('row 0000004', 'row 0004999', 'none')",
        "day IN (DATE '1970-01-05', DATE '1970-01-01') AND n % 4995 = 4",
        "zoned IN ('1970-01-01 00:04:00+00', '1970-01-04 11:19:00Z')",
        "zoned IN (TIMESTAMPTZ '1970-01-01 01:04:00+01', TIMESTAMPTZ '1970-01-04 11:19:00+00')",
    ] {
        assert_eq!(read(condition).unwrap_or_else(|error| panic!("{condition}: {error}")), [4, 4_999], "{condition}");
    }
    for condition in
        ["n >= 390000", "n < 5000 OR n = 390000", "abs(n) < 5000", "x > 130000", "n IN (4, 390000)", "n NOT IN (4)"]
    {
        assert!(read(condition).is_err(), "{condition}");
    }
}

/// Numbers for a test, the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    /// A condition on one column, about a row somewhere.
    fn comparison(&mut self, n: i64) -> String {
        let constant = match self.below(10) {
            0 => ("id", n.to_string()),
            1 => ("id", format!("{n}.5")),
            2 => ("x", format!("{:.3}", n as f64 / 3.0)),
            3 => ("name", format!("'{}'", name_of(n))),
            4 => ("long", format!("'{}'", long_name_of(n))),
            7 => return format!("id IN ({n}, {}, {}.0, {})", n + 90_000, n + 5, n / 2),
            8 => return format!("name IN ('{}', '{}')", name_of(n), name_of(n / 3)),
            9 => ("zoned", format!("TIMESTAMPTZ '{}+00'", timestamp_ms_to_datetime(n * MINUTE).unwrap())),
            5 => ("day", format!("DATE '{}'", date32_to_datetime((n / 1_000) as i32).unwrap().date())),
            _ => ("moment", format!("'{}'", timestamp_ms_to_datetime(n * MINUTE).unwrap())),
        };
        let operator = self.of(&["<", "<=", "=", ">=", ">"]);
        match self.below(4) {
            0 => format!("{} {operator} {}", constant.1, constant.0),
            _ => format!("{} {operator} {}", constant.0, constant.1),
        }
    }

    fn condition(&mut self) -> String {
        let n = self.below(420_000) as i64;
        let first = self.comparison(n);
        match self.below(5) {
            0 => first,
            1 => format!("{first} AND small = {}", self.below(8)),
            2 => format!("n >= {n} AND {}", self.comparison(n + 2_000)),
            3 => format!("{first} OR id = 3"),
            _ => format!("n BETWEEN {n} AND {} AND ({first})", n + self.below(40_000) as i64),
        }
    }
}

#[test]
fn conditions_find_the_same_rows_whatever_is_skipped() {
    let (_dir, folio) = new_bundle();
    folio.add("t", data(&rows(0..ROWS)), AddOptions::new()).unwrap();
    folio.append_table("t", rows(ROWS..420_000), AppendOptions::new().without_compaction()).unwrap();
    let mut dice = Dice(7);
    for handle in [unchecked(&folio), folio] {
        for _ in 0..60 {
            let condition = dice.condition();
            let sql = format!("SELECT n FROM table WHERE {}", computed(&condition));
            let expected = handle.query_table("t", &sql, &QueryOptions::new()).unwrap();
            let expected = found(Box::new(expected)).unwrap();
            let condition = if dice.below(2) == 0 { condition } else { computed(&condition) };
            let all = handle.read_table("t", &TableOptions::new().filter(&condition)).unwrap();
            assert_eq!(found(all).unwrap(), expected, "{condition}");
            let part = TableOptions::new().filter(&condition).offset(3).limit(10).columns(["n"]);
            let some: Vec<i64> = expected.iter().copied().skip(3).take(10).collect();
            assert_eq!(found(handle.read_table("t", &part).unwrap()).unwrap(), some, "{condition}");
            let range = 150_000..399_000;
            let chunks = IterOptions::new().filter(&condition).rows(range.clone()).columns(["n"]);
            let mut within = Vec::new();
            for chunk in handle.iter_table("t", &chunks).unwrap() {
                within.extend(chunk.unwrap().column(0).as_primitive::<Int64Type>().values().iter().copied());
            }
            let some: Vec<i64> = expected.iter().copied().filter(|n| range.contains(&(*n as u64))).collect();
            assert_eq!(within, some, "{condition}");
        }
    }
}

/// What is given as a value is compared in its own type: a text beside a day, a fraction beside whole numbers.
#[test]
fn conditions_with_values_find_the_rows_that_a_query_finds() {
    let (_dir, folio) = new_bundle();
    folio.add("t", data(&rows(0..ROWS)), AddOptions::new()).unwrap();
    let mut dice = Dice(11);
    for _ in 0..40 {
        let n = dice.below(420_000) as i64;
        let day = date32_to_datetime((n / 1_000) as i32).unwrap().date().to_string();
        let value = match dice.below(8) {
            0 => ("id", ParamValue::from(n)),
            1 => ("id", (n as f64 + 0.5).into()),
            2 => ("x", (n as f64 / 3.0).into()),
            3 => ("x", (n / 3).into()),
            4 => ("name", name_of(n).into()),
            5 => ("day", ParamValue::Date((n / 1_000) as i32)),
            6 => ("day", day.into()),
            _ => ("moment", ParamValue::Timestamp(n * MINUTE * 1_000)),
        };
        let operator = dice.of(&["<", "<=", "=", ">=", ">"]);
        let sql = format!("{} {operator} $value AND small IN ($small, 3)", value.0);
        let values = [("value", value.1), ("small", ParamValue::from(5))];
        let query = QueryOptions::new().param(values[0].0, values[0].1.clone()).param(values[1].0, values[1].1.clone());
        let text = format!("SELECT n FROM table WHERE {}", computed(&sql));
        let expected = folio.query_table("t", &text, &query).unwrap();
        let sql = if dice.below(2) == 0 { sql } else { computed(&sql) };
        let condition = values.into_iter().fold(Condition::new(&sql), |all, (name, value)| all.value(name, value));
        let read = folio.read_table("t", &TableOptions::new().filter(condition.clone())).unwrap();
        assert_eq!(found(read).unwrap(), found(Box::new(expected)).unwrap(), "{condition:?}");
    }
}

/// The table that a subquery looks at is all of it, also where few of its rows are read.
#[test]
fn a_subquery_sees_rows_that_the_condition_rules_out() {
    let (_dir, folio) = new_bundle();
    folio.add("t", data(&rows(0..ROWS)), AddOptions::new()).unwrap();
    let folio = unchecked(&folio);
    let condition = "n < 10 AND n * 100000 < (SELECT max(n) FROM table)";
    let read = folio.read_table("t", &TableOptions::new().filter(condition)).unwrap();
    assert_eq!(found(read).unwrap(), [0, 1, 2, 3]);
}

/// SQL compares the three of a BETWEEN in one type: where that is one of fractions, whole numbers that lie close are the same one.
#[test]
fn the_ends_of_a_range_are_compared_in_one_type() {
    let (_dir, folio) = new_bundle();
    const LARGE: i64 = 1 << 53;
    for n in [LARGE, LARGE + 1] {
        let number: ArrayRef = Arc::new(Int64Array::from(vec![n]));
        let fraction: ArrayRef = Arc::new(Float64Array::from(vec![1e300]));
        let part = RecordBatch::try_from_iter([("n", number), ("x", fraction)]).unwrap();
        folio.append_table("t", part, AppendOptions::new().without_compaction()).unwrap();
    }
    for condition in [
        "n BETWEEN 9007199254740993 AND 1e300",
        "n BETWEEN 9007199254740993 AND x",
        "n BETWEEN 9007199254740993 AND '1e300'::DOUBLE",
        "n BETWEEN 9007199254740993 AND 9007199254740993",
    ] {
        let expected =
            folio.query_table("t", &format!("SELECT n FROM table WHERE ({condition}) OR false"), &QueryOptions::new());
        let read = folio.read_table("t", &TableOptions::new().filter(condition)).unwrap();
        let expected = found(Box::new(expected.unwrap())).unwrap();
        assert_eq!(found(read).unwrap(), expected, "{condition}");
        assert_eq!(expected.len(), if condition.ends_with('3') { 1 } else { 2 }, "{condition}");
    }
}
