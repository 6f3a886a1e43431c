//! What is looked at here is what DuckDB finds.

#![allow(clippy::unwrap_used)]

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches, max, min};
use arrow::datatypes::{DataType, Int64Type, Schema};
use duckdb::Connection;

mod made;

use super::Test;
use super::texts::Answers;
use crate::condition::check_condition;
use crate::params::{ParamValue, Params};

/// Rows of all types that are compared here, with extremes and nulls.
const TABLE: &str = "CREATE TABLE t AS SELECT n, \
    list_extract([-128, -1, 0, 1, 5, 127, NULL], 1 + n % 7)::TINYINT AS i8, \
    list_extract([-32768, 0, 5, 32767, NULL], 1 + n % 5)::SMALLINT AS i16, \
    list_extract([-2147483648, -5, 0, 5, 2147483647, NULL], 1 + n % 6)::INTEGER AS i32, \
    list_extract([-9223372036854775808, -5, 5, 9007199254740993, 9223372036854775807, NULL], 1 + n % 6)::BIGINT AS i64, \
    list_extract([0, 5, 255, NULL], 1 + n % 4)::UTINYINT AS u8, \
    list_extract([0, 5, 4294967295, NULL], 1 + n % 4)::UINTEGER AS u32, \
    list_extract([0, 5, 18446744073709551615, NULL], 1 + n % 4)::UBIGINT AS u64, \
    list_extract(['-inf', '-5', '-0.0', '0', '0.1', '0.30000000000000004', '2.5', '5', '9007199254740992', '1e300', \
        'inf', 'nan', NULL], 1 + n % 13)::DOUBLE AS f64, \
    list_extract(['', 'a', 'A', 'ab', 'abcdefgh', 'abcdefghi', 'abcdefgz', 'b', 'é', 'zzzzzzzzzzzzzzzzzzzz', '5', NULL, \
        'aé€b', 'é€', 'É', '\u{212a}', 'x\u{130}', '%', 'a_', '!'], 1 + n % 20) AS text, \
    list_extract([true, false, NULL], 1 + n % 3) AS flag, \
    list_extract(['1969-12-31', '1970-01-01', '2024-02-29', '9999-12-31', NULL], 1 + n % 5)::DATE AS day, \
    list_extract(['1969-12-31 23:59:59.999999', '1970-01-01', '2024-02-29 10:00', '2024-02-29 10:00:00.5', NULL], \
        1 + n % 5)::TIMESTAMP AS moment, \
    list_extract([-7, -1, 0, 1, 5, 30, NULL], 1 + n % 7)::INTEGER AS s32, \
    list_extract([-1000000, 0, 3, 5, NULL, 999], 1 + n % 6)::BIGINT AS s64, \
    list_extract([0, 5, NULL, 11], 1 + n % 4)::SMALLINT AS s16, \
    list_extract(['nan', '0', NULL, '-0.0', '2.5', '-3', '1e-300', '1e300', '-inf', '5', '7.25'], 1 + n % 11)::DOUBLE \
        AS g64, \
    list_extract(['1970-01-01', '2024-02-28', NULL], 1 + n % 3)::DATE AS other_day, \
    list_extract(['1970-01-01 00:00:00.000001', '2024-02-29 10:00', NULL], 1 + n % 3)::TIMESTAMP AS other_moment \
    FROM range(1000) AS r(n)";

const COLUMNS: [&str; 12] = ["i8", "i16", "i32", "i64", "u8", "u32", "u64", "f64", "text", "flag", "day", "moment"];

const CONSTANTS: [&str; 39] = [
    "5",
    "-5",
    "0",
    "127",
    "128",
    "-129",
    "255",
    "4294967295",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "2.5",
    "0.1",
    "0.30000000000000004",
    "-0.0",
    "1e300",
    "5e0",
    "9007199254740992",
    "''",
    "'a'",
    "'abcdefgh'",
    "'abcdefghi'",
    "'é'",
    "'5'",
    "true",
    "'1970-01-01'",
    "DATE '2024-02-29'",
    "'2024-02-29 10:00'",
    "TIMESTAMP '2024-02-29 10:00:00.5'",
    "TIMESTAMP '1969-12-31 23:59:59.999999'",
    "'2024-02-29T10:00:00.500'",
    "'2024-2-9'",
    "DATE '9999-12-31'",
    "DATE '2024-02-29 10:00'",
    "'1970-01-01 00:00:01'::DATE",
    "'2024-02-30'",
    "NULL",
    "TIMESTAMPTZ '2024-02-29 10:00+00'",
];

/// What texts may look like, and the same with an escape.
const PATTERNS: [(&str, &str); 26] = [
    ("", "!%"),
    ("%", "%!%%"),
    ("_", "!_"),
    ("__", "_!_"),
    ("a", "!a"),
    ("a%", "a!%"),
    ("%a", "%!a"),
    ("%b%", "%!b%"),
    ("a_", "a!_%"),
    ("_b", "!é"),
    ("%_b%", "%!!%"),
    ("abcd%efgh", "abcd%!efgh"),
    ("abcd%efghi", "abcd!%efghi"),
    ("a%e%g%", "a%!%%"),
    ("a%e%_", "%!_%"),
    ("%gh_", "_!%"),
    ("%z%z", "%z%!z"),
    ("z%zz%zzz_zz%", "z%%z"),
    ("é", "é%"),
    ("%é_", "%é!_"),
    ("_é%", "__!%"),
    ("%\u{130}%", "%"),
    ("%i%", "%i"),
    ("k", "%k_"),
    ("_%_%_", "_%_%_%!_"),
    ("ABCDEFGH_", "a!"),
];

/// All conditions with one column.
fn simple() -> Vec<String> {
    let mut all = Vec::new();
    for column in COLUMNS {
        for (text, escaped) in PATTERNS {
            all.extend(["LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE"].map(|like| format!("{column} {like} '{text}'")));
            all.extend(["starts_with", "ends_with", "contains"].map(|name| format!("{name}({column}, '{text}')")));
            all.push(format!("{column} LIKE '{escaped}' ESCAPE '!'"));
        }
        all.extend([format!("{column} IS NULL"), format!("{column} IS NOT NULL"), column.to_owned()]);
        for constant in CONSTANTS {
            for comparison in ["<", "<=", "=", ">=", ">", "<>"] {
                all.push(format!("{column} {comparison} {constant}"));
            }
            all.push(format!("{constant} < {column}"));
            for other in ["5", "2.5", "'b'", "DATE '1970-01-01'"] {
                all.push(format!("{column} BETWEEN {constant} AND {other}"));
            }
            all.push(format!("{column} IN ({constant}, 5)"));
            all.push(format!("{column} IN ({constant}, 'b')"));
        }
    }
    all
}

/// Rows with texts as places in a dictionary.
fn keyed(rows: &RecordBatch) -> RecordBatch {
    let to = DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8));
    let column = |column: &ArrayRef| match column.data_type() {
        DataType::Utf8 => cast(column, &to).unwrap(),
        _ => column.clone(),
    };
    let names = rows.schema_ref().fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
    RecordBatch::try_from_iter(names.into_iter().zip(rows.columns().iter().map(column))).unwrap()
}

struct Judge {
    connection: Connection,
    rows: RecordBatch,
    schema: Schema,
}

impl Judge {
    fn new() -> Self {
        Self::of(TABLE)
    }

    /// One of the rows of this table, which is called `t`.
    fn of(table: &str) -> Self {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(table).unwrap();
        let mut statement = connection.prepare("FROM t").unwrap();
        let batches: Vec<RecordBatch> = statement.query_arrow([]).unwrap().collect();
        let rows = concat_batches(&batches[0].schema(), &batches).unwrap();
        let schema = rows.schema().as_ref().clone();
        drop(statement);
        Self { connection, rows, schema }
    }

    /// Whether a condition is looked at here; then it must hold for the same rows as in DuckDB.
    fn agrees(&self, condition: &str, params: &Params) -> bool {
        let Ok(checked) = check_condition(condition, params) else { return false };
        let ranges = |name: &str| {
            let numbers = cast(self.rows.column_by_name(name)?, &DataType::Int64).ok()?;
            let numbers = numbers.as_primitive::<Int64Type>();
            Some((min(numbers)?, max(numbers)?))
        };
        let test = checked.predicate.and_then(|predicate| Test::new(&predicate, &self.schema, "table", &ranges));
        let Some(test) = test else { return false };
        // Texts as they are and as places in a dictionary, in batches that share it and in one that has another.
        let masks = test.stages().iter().map(|stage| {
            let places = stage.columns().iter().map(|name| self.schema.index_of(name).unwrap());
            let rows = self.rows.project(&places.collect::<Vec<_>>()).unwrap();
            let holds = stage.holds(&rows, &mut Answers::default()).unwrap();
            let (all, mut answers) = (keyed(&rows), Answers::default());
            let parts = [all.slice(0, 300), all.slice(300, 333), keyed(&rows.slice(633, rows.num_rows() - 633))];
            let parts = parts.map(|rows| stage.holds(&rows, &mut answers).unwrap());
            let parts: Vec<bool> = parts.iter().flatten().collect();
            assert_eq!(parts, holds.iter().collect::<Vec<_>>(), "{condition} {params:?}");
            holds
        });
        let found = masks.reduce(|one, other| &one & &other).unwrap();
        let ours: Vec<i64> = found.set_indices().map(|at| at as i64).collect();
        let mut statement =
            self.connection.prepare(&format!("SELECT n FROM t AS \"table\" WHERE ({condition}) ORDER BY n")).unwrap();
        let batches: Vec<RecordBatch> = match params {
            Params::Positional(values) => statement.query_arrow(duckdb::params_from_iter(values)),
            _ => statement.query_arrow([]),
        }
        .unwrap_or_else(|error| panic!("{condition} {params:?}: {error}"))
        .collect();
        let theirs: Vec<i64> =
            batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values()).copied().collect();
        assert_eq!(ours, theirs, "{condition} {params:?}");
        true
    }
}

#[test]
fn comparisons_are_those_of_sql() {
    let judge = Judge::new();
    let all = simple();
    let known: Vec<&String> = all.iter().filter(|condition| judge.agrees(condition, &Params::None)).collect();
    // Of each column all comparisons with what is of its type.
    let counts = COLUMNS.map(|column| known.iter().filter(|condition| condition.contains(column)).count());
    assert!(counts.iter().all(|count| *count >= 10), "{COLUMNS:?}: {counts:?}");
}

#[test]
fn long_lists_are_those_of_sql() {
    let judge = Judge::new();
    let mut known = 0;
    // Of each type what there is, at its ends, between them and outside of them.
    for (columns, list) in [
        ("i8 i16 i32 i64", "-128, -5, 0, 1, 127"),
        ("i8 i16 i32", "5, 127, -32768, 32767, -1, 77, 78, 79, 80"),
        ("i32 i64", "2147483647, -2147483648, 7, 8, 9"),
        ("i64", "9007199254740993, 9223372036854775807, -9223372036854775808, 1, 2, 3"),
        ("u8 u32 u64", "0, 255, 6, 7, 8, 9"),
        ("u32 u64", "4294967295, 1, 2, 3, 4"),
        ("u64", "18446744073709551615, 9223372036854775808, 1, 2, 3"),
        ("f64", "-0.0, 2.5, 1e300, 9007199254740992.0, 0.1, 7.25"),
        ("f64", "0, 0.30000000000000004::DOUBLE, 5, 2.5, 7, 8, 9"),
        ("f64", "5, 0, 7, 8, 9"),
        ("text", "'', 'a', 'abcdefgh', 'zzzzzzzzzzzzzzzzzzzz', 'é', 'nowhere'"),
        ("text", "'ab', 'A', 'abcdefghi'"),
        ("flag", "true, true, true, true, true"),
        ("day", "'1969-12-31', '2024-02-29', '9999-12-31', '1970-01-02', '1970-01-03'"),
        ("day", "DATE '1970-01-01', DATE '1970-01-02', DATE '1970-01-03', DATE '1970-01-04', DATE '2024-02-29'"),
        ("moment", "'1969-12-31 23:59:59.999999', '2024-02-29 10:00', '1970-01-01', '1970-01-02', '1970-01-03'"),
    ] {
        for column in columns.split(' ') {
            for condition in [format!("{column} IN ({list})"), format!("{column} NOT IN ({list})")] {
                known += usize::from(judge.agrees(&condition, &Params::None));
            }
        }
    }
    assert!(known >= 40, "{known}");
}

#[test]
fn conditions_of_several_comparisons_are_those_of_sql() {
    let judge = Judge::new();
    let known: Vec<String> = simple().into_iter().filter(|condition| judge.agrees(condition, &Params::None)).collect();
    let mut state = 7_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..400 {
        let mut condition = known[next(known.len())].clone();
        for _ in 0..1 + next(3) {
            let other = &known[next(known.len())];
            condition = match next(4) {
                0 => format!("{condition} AND {other}"),
                1 => format!("({condition}) OR {other}"),
                2 => format!("NOT ({condition}) AND (NOT ({other}))"),
                _ => format!("({condition} OR NOT ({other}))"),
            };
        }
        assert!(judge.agrees(&condition, &Params::None), "{condition}");
    }
}

#[test]
fn values_are_compared_as_those_of_sql() {
    let judge = Judge::new();
    let values = [
        ParamValue::Int(5),
        ParamValue::Int(-5),
        ParamValue::Int(255),
        ParamValue::Int(i64::MAX.into()),
        ParamValue::Int(i64::MIN.into()),
        ParamValue::Int(u64::MAX.into()),
        ParamValue::Int(9_007_199_254_740_993),
        ParamValue::Float(0.1),
        ParamValue::Float(0.30000000000000004),
        ParamValue::Float(-0.0),
        ParamValue::Float(5.0),
        ParamValue::Text("abcdefgh".to_owned()),
        ParamValue::Text("5".to_owned()),
        ParamValue::Text("1970-01-01".to_owned()),
        ParamValue::Bool(true),
        ParamValue::Bool(false),
        ParamValue::Date(0),
        ParamValue::Timestamp(-1),
        ParamValue::Timestamp(0),
    ];
    let mut known = 0;
    for column in COLUMNS {
        for value in &values {
            for comparison in ["<", "<=", "=", ">=", ">", "<>"] {
                let params = Params::Positional(vec![value.clone()]);
                known += usize::from(judge.agrees(&format!("{column} {comparison} ?"), &params));
            }
            let params = Params::Positional(vec![value.clone(), value.clone()]);
            known += usize::from(judge.agrees(&format!("{column} BETWEEN ? AND ?"), &params));
            known += usize::from(judge.agrees(&format!("{column} IN (?, ?)"), &params));
        }
    }
    assert!(known > 300, "{known}");
}

/// What is computed of two numbers, and of one.
fn formulas() -> Vec<String> {
    let operands = ["s32", "s64", "s16", "f64", "g64", "i8", "i64", "u8", "5", "-2", "0", "2.5", "1e0", "1000"];
    let mut all: Vec<String> =
        ["s32", "s64", "f64", "i64", "i8"].iter().flat_map(|x| [format!("-{x}"), format!("abs({x})")]).collect();
    let functions =
        ["sqrt", "cbrt", "exp", "ln", "log", "log2", "log10", "floor", "ceil", "ceiling", "sin", "cos", "tan"];
    let functions = functions.into_iter().chain(["atan", "sinh", "cosh", "tanh"]);
    all.extend(functions.flat_map(|function| [format!("{function}(f64)"), format!("{function}(g64)")]));
    for left in ["s32", "s64", "s16", "f64", "g64", "i64", "5"] {
        for right in operands {
            all.extend(["+", "-", "*", "/", "%"].map(|operation| format!("{left} {operation} {right}")));
        }
    }
    all.extend(
        [
            "s32 + s16 * 2 - s64",
            "(f64 + g64) * (f64 - g64)",
            "(s32 + 1) / (s16 - 5)",
            "abs(f64 * -2) % 3",
            "abs(s32 - s16) % 7 + f64",
            "(s64 % 7) * 1000",
            "-(s32 * s32)",
            "s32 * 2147483647",
            "s64 * 9223372036854775807",
            "mod(s32, 5)",
            "add(s32, 5)",
            "multiply(f64, g64)",
            "@ (s32 - 5)",
            "u8 + s32",
            "i64 % 10",
            "i64 % -1",
            "s32 / 0",
            "f64 / 0",
            "f64 % 0",
            "f64 * 1",
            "g64 * 1.1",
            "s32 * 1.5",
            "f64 ** 2",
            "s32 ^ 3",
            "pow(f64, g64)",
            "power(2, s32)",
            "g64 ** 0.5",
            "sqrt(s32)",
            "floor(s32)",
            "ln(f64 * g64)",
        ]
        .map(str::to_owned),
    );
    all
}

#[test]
fn what_is_computed_is_that_of_sql() {
    let judge = Judge::new();
    let mut known = Vec::new();
    let others = ["0", "5", "0.5", "s32", "g64", "s64 + 1"];
    for (at, formula) in formulas().into_iter().enumerate() {
        // Each with some comparisons, and all of them with some.
        let comparisons = ["<", "<=", "=", ">=", ">", "<>"].into_iter().enumerate();
        let mut conditions: Vec<String> = comparisons
            .map(|(place, comparison)| format!("{formula} {comparison} {}", others[(at + place) % others.len()]))
            .collect();
        conditions.push(match at % 5 {
            0 => format!("{formula} BETWEEN -1 AND 5"),
            1 => format!("{formula} IN (0, 5, 10, -7)"),
            2 => format!("{formula} NOT IN (0.5, 5)"),
            3 => format!("5 <= {formula}"),
            _ => format!("NOT ({formula} < 2.5) AND s32 > 0"),
        });
        known.extend(conditions.into_iter().filter(|condition| judge.agrees(condition, &Params::None)));
    }
    // Nearly all that has no error, and none that has.
    assert!(known.len() > 1_500, "{}", known.len());
    for is_known in [
        "s32 + s16 * 2 - s64 = 5",
        "f64 / 0 < 5",
        "s32 / 0 < 5",
        "i64 % 10 = 5",
        "f64 * 1 < 0.5",
        "abs(s32) <> 5",
        "sqrt(f64) < 2",
    ] {
        assert!(judge.agrees(is_known, &Params::None), "{is_known}");
    }
    for is_not in
        ["i64 + 5 = 5", "i64 * s32 < 0", "-i8 < 0", "abs(i64) < 5", "s32 * 1.5 < 5", "s32 % s16 = 0", "u8 + s32 < 5"]
    {
        assert!(!judge.agrees(is_not, &Params::None), "{is_not}");
    }
}

#[test]
fn columns_compare_with_each_other_as_in_sql() {
    let judge = Judge::new();
    let columns =
        ["i8", "i16", "i32", "i64", "u8", "u32", "u64", "f64", "g64", "s32", "s64", "day", "other_day", "moment"];
    let mut known = 0;
    for left in columns {
        for right in columns.iter().chain(&["other_moment", "s16"]) {
            for comparison in ["<", "<=", "=", ">=", ">", "<>"] {
                known += usize::from(judge.agrees(&format!("{left} {comparison} {right}"), &Params::None));
            }
        }
    }
    assert!(known > 450, "{known}");
}
