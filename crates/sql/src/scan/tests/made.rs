//! What is made of texts, and what dates, moments and numbers have, is what DuckDB makes of them.

use arrow::array::{AsArray, StringArray};
use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use duckdb::Connection;

use super::super::made::made_of;
use super::Judge;
use crate::looks::TextFunction;
use crate::params::Params;

/// Days at the ends of months, years, centuries, and of the calendar.
const TABLE: &str = "CREATE TABLE t AS SELECT n, \
    list_extract(['', 'a', 'A', 'aB', 'ABC', 'abcdefgh', 'ÄÖ', 'äö', 'é', 'ß', 'ŉx', 'İ', 'Σας', 'ǅ', '€a€', '👍🏽', 'ﬁ', NULL], \
        1 + n % 18) AS name, \
    list_extract(['abc', 'ABC', 'a', NULL, 'abcdef', 'ABCDEFGH', ''], 1 + n % 7) AS code, \
    list_extract(['1970-01-01', '1969-12-31', '2000-02-29', '2000-12-31', '1900-02-28', '1900-03-01', '2023-12-31', '2024-01-01', \
        '2024-02-29', '2024-12-31', '0001-01-01', '0001-12-31 (BC)', '9999-12-31', '5881580-07-10', '5877642-06-25 (BC)', \
        'infinity', '-infinity', NULL, '2024-06-30'], 1 + n % 19)::DATE AS day, \
    list_extract(['1970-01-01', '1969-12-31 23:59:59.999999', '2024-02-29 10:59:59', '2024-02-29 00:00:00', \
        '2024-02-28 23:59:59.999999', '2024-03-01', '1900-03-01 07:08:09', '0001-01-01', '0044-03-15 (BC) 12:00', 'infinity', \
        '-infinity', NULL, '294247-01-10 04:00:54.775806', '2023-01-01 00:00:00.000001'], 1 + n % 14)::TIMESTAMP AS moment, \
    list_extract(['0', '-0.0', '0.5', '1.5', '2.5', '-0.5', '-2.5', '0.005', '1.005', '2.675', '1234.5678', '-1234.5678', '49.99', \
        '50', '1e300', '-1e300', '1e-300', 'inf', '-inf', 'nan', NULL, '0.01', '0.014999999999999999'], 1 + n % 23)::DOUBLE AS x, \
    (n % 30)::INTEGER AS k \
    FROM range(20000) AS r(n)";

fn known<'a>(judge: &Judge, conditions: impl IntoIterator<Item = &'a String>) -> usize {
    conditions.into_iter().filter(|condition| judge.agrees(condition, &Params::None)).count()
}

#[test]
fn texts_are_made_as_in_sql() {
    let judge = Judge::of(TABLE);
    let mut all = Vec::new();
    for of in [
        "lower(name)",
        "UPPER(name)",
        "lcase(code)",
        "ucase(code)",
        "lower(upper(name))",
        "left(name, 1)",
        "left(name, 0)",
    ]
    .into_iter()
    .chain(["substring(name, 2, 1)", "substr(name, 1, 3)", "substring(name, 2)", "upper(left(code, 3))"])
    {
        for text in ["", "a", "A", "abc", "ABC", "äö", "ÄÖ", "ss", "ß", "i", "σας", "ǆ", "€", "👍", "ab", "ABCDEFGH"]
        {
            let other = &all.len() % 6;
            let comparison = ["=", "<>", "<", "<=", ">", ">="][other];
            all.push(format!("{of} = '{text}'"));
            all.push(format!("'{text}' {comparison} {of}"));
            all.push(format!("{of} LIKE '%{text}_'"));
            all.push(format!("NOT starts_with({of}, '{text}')"));
            all.push(format!("{of} BETWEEN 'B' AND '{text}'"));
            all.push(format!("{of} IN ('{text}', 'aB', 'abc')"));
            all.push(format!("{of} NOT IN ('{text}', 'x') OR k < 3"));
        }
    }
    assert_eq!(known(&judge, &all), all.len());
    for is_not in ["lower(name, 1) = 'a'", "left(name, -1) = 'a'", "substring(name, 0, 2) = 'a'", "lower(name) = code"]
        .into_iter()
        .chain(["lower(k) = '5'", "lower(name) = 5", "left(name, k) = 'a'", "lower(name) COLLATE NOCASE = 'A'"])
    {
        assert!(!judge.agrees(is_not, &Params::None), "{is_not}");
    }
}

#[test]
fn each_character_has_the_case_that_it_has_in_sql() {
    let connection = Connection::open_in_memory().unwrap();
    let text = "SELECT chr(i::INTEGER) AS c, lower(c), upper(c) FROM range(1, 1114112) AS r(i) WHERE i NOT BETWEEN 55296 AND 57343";
    let mut statement = connection.prepare(text).unwrap();
    let batches: Vec<RecordBatch> = statement.query_arrow([]).unwrap().collect();
    let rows = concat_batches(&batches[0].schema(), &batches).unwrap();
    let column = |at: usize| rows.column(at).as_string::<i32>();
    let differ = |function, theirs: &StringArray| {
        let ours = made_of(function, column(0)).unwrap();
        let pairs = column(0).iter().zip(ours.iter().zip(theirs));
        let others = pairs.filter(|(_, (ours, theirs))| ours != theirs);
        others
            .map(|(of, (_, theirs))| {
                format!("{:x} {}", u32::from(of.unwrap().chars().next().unwrap()), theirs.unwrap())
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(differ(TextFunction::Lower, column(1)), Vec::<String>::new());
    assert_eq!(differ(TextFunction::Upper, column(2)), Vec::<String>::new());
}

#[test]
fn what_texts_and_times_have_is_that_of_sql() {
    let judge = Judge::of(TABLE);
    let mut all = Vec::new();
    for of in ["length(name)", "strlen(name)", "char_length(code)", "len(name) * 2 - strlen(code)"] {
        all.extend(
            ["= 1", "< 3", "<> 2", ">= k", "BETWEEN 1 AND 4", "IN (0, 3)", "+ 1 > 2"]
                .map(|rest| format!("{of} {rest}")),
        );
    }
    for column in ["day", "moment"] {
        let parts = ["year", "quarter", "month", "day", "dayofmonth", "dayofyear", "dayofweek", "weekday", "isodow"];
        let named = parts.map(|part| format!("{part}({column})")).into_iter();
        let parts = ["year", "MONTH", "doy", "dow", "isodow", "day", "quarter"];
        let parts = parts.map(|part| format!("date_part('{part}', {column})")).into_iter();
        let extracted = [format!("extract(year FROM {column})"), format!("EXTRACT(DOY FROM {column})")];
        for of in named.chain(parts).chain(extracted) {
            for rest in
                ["= 1", "= 2024", "< 3", "> 6", "<= k", "BETWEEN 2 AND 2023", "IN (1, 59, 60, 366, 1970, 0, 7)", "<> 4"]
            {
                all.push(format!("{of} {rest}"));
            }
            all.push(format!("{of} % 2 = 1"));
            all.extend(["< -290308", "= -5700000", "<> -5700000", ">= -290308"].map(|rest| format!("{of} {rest}")));
            all.push(format!("-5000000 >= {of} OR {of} = 294247"));
        }
        for date in ["'2024-02-29'", "DATE '1970-01-01'", "'1969-12-31'", "'0001-01-01'"] {
            for comparison in ["=", "<", "<=", ">", ">=", "<>"] {
                all.push(format!("{column}::DATE {comparison} {date}"));
            }
            all.push(format!("{date} < CAST({column} AS DATE)"));
            all.push(format!("{column}::DATE BETWEEN {date} AND DATE '2024-02-29'"));
            all.push(format!("{column}::date IN ({date}, '2023-12-31')"));
        }
    }
    for part in ["hour", "minute", "second"] {
        all.extend(["= 0", "= 59", "> 8", "< k", "IN (10, 23, 12)"].map(|rest| format!("{part}(moment) {rest}")));
    }
    let unknown: Vec<_> = all.iter().filter(|condition| !judge.agrees(condition, &Params::None)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    for is_not in [
        "hour(day) = 0",
        "year(name) = 1",
        "length(k) = 1",
        "moment::DATE = 5",
        "TRY_CAST(moment AS DATE) = '2024-02-29'",
    ]
    .into_iter()
    .chain([
        "name::DATE = '2024-02-29'",
        "day::DATE = TIMESTAMP '2024-02-29 10:00'",
        "date_part('epoch', day) = 0",
    ]) {
        assert!(!judge.agrees(is_not, &Params::None), "{is_not}");
    }
}

#[test]
fn numbers_are_rounded_as_in_sql() {
    let judge = Judge::of(TABLE);
    let mut all = Vec::new();
    for digits in ["", ", 0", ", 1", ", 2", ", 3", ", 17", ", 400", ", -1", ", -2", ", -400"] {
        for rest in ["= 0", "= 2.68", "= 0.01", "> 1", "<= x", "IN (1, 2, 3, -1, -3, 0.5, 1234.57, 50)", "* 2 < 5"] {
            all.push(format!("round(x{digits}) {rest}"));
        }
        all.push(format!("round(x / 3{digits}) <> 0.2"));
    }
    assert_eq!(known(&judge, &all), all.len());
    for is_not in
        ["round(k, 1) = 2", "round(k) = 2", "round(x, k) = 2", "round(x, 2.5) = 2", "round(length(name), -1) = 10"]
    {
        assert!(!judge.agrees(is_not, &Params::None), "{is_not}");
    }
}
