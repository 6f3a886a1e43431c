//! Casts and formats, against what Python 3.11 and NumPy 2.4.6 answer.

use std::sync::Arc;

use arrow::array::{
    BooleanArray, DictionaryArray, DurationSecondArray, Float32Array, Float64Array, Int64Array, RecordBatch,
    StringArray, TimestampSecondArray,
};
use arrow::datatypes::Int32Type;

use super::{batch, text, try_text, written};
use crate::value::Value;

fn texts_of(batch: &RecordBatch, expr: &str) -> Vec<String> {
    text(batch, expr).1.iter().map(|value| value.as_str().unwrap().to_owned()).collect()
}

/// `[format % value for value in values]` in Python.
#[test]
fn formats_are_pythons() {
    let whole = batch(vec![("x", Arc::new(Int64Array::from(vec![0, 42, -42, 123_456_789])))]);
    for (format, answers) in [
        ("%d", ["0", "42", "-42", "123456789"]),
        ("%5d", ["    0", "   42", "  -42", "123456789"]),
        ("%05d", ["00000", "00042", "-0042", "123456789"]),
        ("%-5d|", ["0    |", "42   |", "-42  |", "123456789|"]),
        ("%+d", ["+0", "+42", "-42", "+123456789"]),
        ("% d", [" 0", " 42", "-42", " 123456789"]),
        ("%x", ["0", "2a", "-2a", "75bcd15"]),
        ("%X", ["0", "2A", "-2A", "75BCD15"]),
        ("%#x", ["0x0", "0x2a", "-0x2a", "0x75bcd15"]),
        ("%o", ["0", "52", "-52", "726746425"]),
        ("%.4d", ["0000", "0042", "-0042", "123456789"]),
        ("%+06d", ["+00000", "+00042", "-00042", "+123456789"]),
        ("100%% %d!", ["100% 0!", "100% 42!", "100% -42!", "100% 123456789!"]),
        ("%s", ["0", "42", "-42", "123456789"]),
    ] {
        assert_eq!(texts_of(&whole, &format!("format(x, '{format}')")), answers, "{format}");
    }
    let floats = vec![0.0, 1.5, -2.675, 1e16, 1.5e-5, 123_456.789, f64::NAN, f64::NEG_INFINITY];
    let floats = batch(vec![("x", Arc::new(Float64Array::from(floats)))]);
    for (format, answers) in [
        (
            "%f",
            [
                "0.000000",
                "1.500000",
                "-2.675000",
                "10000000000000000.000000",
                "0.000015",
                "123456.789000",
                "nan",
                "-inf",
            ],
        ),
        ("%.2f", ["0.00", "1.50", "-2.67", "10000000000000000.00", "0.00", "123456.79", "nan", "-inf"]),
        (
            "%8.3f",
            [
                "   0.000",
                "   1.500",
                "  -2.675",
                "10000000000000000.000",
                "   0.000",
                "123456.789",
                "     nan",
                "    -inf",
            ],
        ),
        (
            "%08.2f",
            [
                "00000.00",
                "00001.50",
                "-0002.67",
                "10000000000000000.00",
                "00000.00",
                "123456.79",
                "00000nan",
                "-0000inf",
            ],
        ),
        (
            "%-9.1f|",
            [
                "0.0      |",
                "1.5      |",
                "-2.7     |",
                "10000000000000000.0|",
                "0.0      |",
                "123456.8 |",
                "nan      |",
                "-inf     |",
            ],
        ),
        ("%+.1f", ["+0.0", "+1.5", "-2.7", "+10000000000000000.0", "+0.0", "+123456.8", "+nan", "-inf"]),
        ("%.0f", ["0", "2", "-3", "10000000000000000", "0", "123457", "nan", "-inf"]),
        (
            "%e",
            [
                "0.000000e+00",
                "1.500000e+00",
                "-2.675000e+00",
                "1.000000e+16",
                "1.500000e-05",
                "1.234568e+05",
                "nan",
                "-inf",
            ],
        ),
        ("%.2E", ["0.00E+00", "1.50E+00", "-2.67E+00", "1.00E+16", "1.50E-05", "1.23E+05", "NAN", "-INF"]),
        ("%g", ["0", "1.5", "-2.675", "1e+16", "1.5e-05", "123457", "nan", "-inf"]),
        ("%.3g", ["0", "1.5", "-2.67", "1e+16", "1.5e-05", "1.23e+05", "nan", "-inf"]),
        ("%#.3g", ["0.00", "1.50", "-2.67", "1.00e+16", "1.50e-05", "1.23e+05", "nan", "-inf"]),
        ("%G", ["0", "1.5", "-2.675", "1E+16", "1.5E-05", "123457", "NAN", "-INF"]),
        ("%.10g", ["0", "1.5", "-2.675", "1e+16", "1.5e-05", "123456.789", "nan", "-inf"]),
        ("%5.1e", ["0.0e+00", "1.5e+00", "-2.7e+00", "1.0e+16", "1.5e-05", "1.2e+05", "  nan", " -inf"]),
    ] {
        assert_eq!(texts_of(&floats, &format!("x.format('{format}')")), answers, "{format}");
    }
    let strings = batch(vec![("x", Arc::new(StringArray::from(vec!["", "é", "abc", "日本語日本語"])))]);
    for (format, answers) in [
        ("%s", ["", "é", "abc", "日本語日本語"]),
        ("%5s|", ["     |", "    é|", "  abc|", "日本語日本語|"]),
        ("%-5s|", ["     |", "é    |", "abc  |", "日本語日本語|"]),
        ("%.2s", ["", "é", "ab", "日本"]),
        ("<%s>", ["<>", "<é>", "<abc>", "<日本語日本語>"]),
    ] {
        assert_eq!(texts_of(&strings, &format!("format(x, '{format}')")), answers, "{format}");
    }
    for (format, reason) in [
        ("none", "has no conversion"),
        ("%d %d", "several conversions"),
        ("%", "ends within its conversion"),
        ("%99999d", "more than 1000 characters"),
        ("%c", "has the conversion %c"),
        ("%d", "takes whole numbers with '%d', and this is string"),
        ("%f", "takes numbers with '%f', and this is string"),
    ] {
        let error = try_text(&strings, &format!("format(x, '{format}')")).unwrap_err().to_string();
        assert!(error.contains(reason), "{format}: {error}");
    }
}

/// `repr(value)` in Python, and `str(np.float32(value))`.
#[test]
fn numbers_are_written_as_python_writes_them() {
    let floats = [
        0.0,
        -0.0,
        1.0,
        0.1,
        1e15,
        1e16,
        1.5e16,
        1e-4,
        1e-5,
        1.5e-7,
        123_456_789.123,
        1e300,
        5e-324,
        1.0 / 3.0,
        9_007_199_254_740_994.0,
    ];
    let values = batch(vec![("x", Arc::new(Float64Array::from(floats.to_vec())))]);
    let answers = [
        "0.0",
        "-0.0",
        "1.0",
        "0.1",
        "1000000000000000.0",
        "1e+16",
        "1.5e+16",
        "0.0001",
        "1e-05",
        "1.5e-07",
        "123456789.123",
        "1e+300",
        "5e-324",
        "0.3333333333333333",
        "9007199254740994.0",
    ];
    assert_eq!(texts_of(&values, "to_string(x)"), answers);
    assert_eq!(text(&values, "to_string(x).astype('float64')").1, text(&values, "x").1);
    let narrow = batch(vec![(
        "x",
        Arc::new(Float32Array::from(vec![0.1, 1e16, 1e-5, 1.0 / 3.0, 3.4e38, f32::NAN, f32::INFINITY])),
    )]);
    assert_eq!(texts_of(&narrow, "x.astype('str')"), ["0.1", "1e+16", "1e-05", "0.33333334", "3.4e+38", "nan", "inf"]);
}

#[test]
fn what_does_not_fit_fails_is_missing_or_is_the_nearest() {
    let values = batch(vec![(
        "x",
        Arc::new(Float64Array::from(vec![
            Some(1.9),
            Some(-1.9),
            None,
            Some(300.0),
            Some(f64::NAN),
            Some(f64::NEG_INFINITY),
        ])),
    )]);
    assert_eq!(written(&values, "x.astype('int8', errors='null')"), "1 -1 None None None None");
    assert_eq!(written(&values, "x.astype('int8', errors='saturate')"), "1 -1 None 127 None -128");
    assert_eq!(written(&values, "x.astype('uint64', errors='saturate')"), "1 0 None 300 None 0");
    assert_eq!(written(&values, "x.astype('float32')"), "1.899999976158142 -1.899999976158142 None 300.0 nan -inf");
    assert_eq!(written(&values, "x.astype(bool)".replace("bool", "'bool'").as_str()), "True True None True True True");
    let error = try_text(&values, "x.astype('int8')").unwrap_err().to_string();
    assert!(error.starts_with("300.0 is no value of int8, in row 3"), "{error}");
    let whole = batch(vec![("i", Arc::new(Int64Array::from(vec![i64::MIN, -1, 0, 255, 256, i64::MAX])))]);
    assert_eq!(written(&whole, "i.astype('uint8', errors='null')"), "None None 0 255 None None");
    assert_eq!(written(&whole, "i.astype('uint8', errors='saturate')"), "0 0 0 255 255 255");
    assert_eq!(written(&whole, "i.astype('bool')"), "True True False True True True");
    assert_eq!(
        written(&whole, "i.astype('float64').astype('int64', errors='saturate')"),
        "-9223372036854775808 -1 0 255 256 9223372036854775807"
    );
    assert_eq!(
        written(&whole, "i.astype('float64').astype('int64', errors='null')"),
        "-9223372036854775808 -1 0 255 256 None"
    );
    let wide = batch(vec![("x", Arc::new(Float64Array::from(vec![1e39, -1e39, 1.0])))]);
    assert_eq!(written(&wide, "x.astype('float32', errors='null')"), "None None 1.0");
    assert_eq!(text(&wide, "x.astype('float32', errors='saturate')").1[0], Value::Float(f32::MAX.into()));
    let error = try_text(&wide, "x.astype('int7')").unwrap_err().to_string();
    assert!(error.contains("there is no type 'int7'"), "{error}");
}

#[test]
fn texts_are_read_as_they_stand() {
    let written_out = vec![
        Some("1"),
        Some("-300"),
        None,
        Some("+7"),
        Some(" 1"),
        Some("1.5"),
        Some("1e3"),
        Some("nan"),
        Some("True"),
        Some("99999999999999999999"),
        Some(""),
    ];
    let codes: DictionaryArray<Int32Type> = written_out.clone().into_iter().collect();
    let values = batch(vec![("s", Arc::new(StringArray::from(written_out))), ("d", Arc::new(codes))]);
    for column in ["s", "d"] {
        let check = |type_: &str, errors: &str, answers: &str| {
            assert_eq!(
                written(&values, &format!("{column}.astype('{type_}', errors='{errors}')")),
                answers,
                "{column} {type_}"
            );
        };
        check("int8", "null", "1 None None 7 None None None None None None None");
        check("int64", "null", "1 -300 None 7 None None None None None None None");
        check("float64", "null", "1.0 -300.0 None 7.0 None 1.5 1000.0 nan None 1e20 None");
        check("bool", "null", "True None None None None None None None True None None");
        let error = try_text(&values, &format!("{column}.astype('int64')")).unwrap_err().to_string();
        assert!(error.starts_with("\" 1\" is no value of int64, in row 4"), "{error}");
    }
    let large = batch(vec![("s", Arc::new(StringArray::from(vec!["1", "-300", "99999999999999999999"])))]);
    assert_eq!(written(&large, "s.astype('int8', errors='saturate')"), "1 -128 127");
    assert!(
        try_text(&batch(vec![("s", Arc::new(StringArray::from(vec!["x"])))]), "s.astype('int8', errors='saturate')")
            .is_err()
    );
    let truth = batch(vec![("c", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])))]);
    assert_eq!(written(&truth, "c.astype('str')"), "\"True\" \"False\" None");
    assert_eq!(written(&truth, "c.astype('float32')"), "1.0 0.0 None");
}

/// NumPy: `t.astype("datetime64[D]")`, and `str(t)`.
#[test]
fn instants_and_durations_are_cast() {
    let t = TimestampSecondArray::from(vec![Some(-1), Some(0), Some(1_580_515_199), None]);
    let zoned = t.clone().with_timezone("Europe/Paris");
    let d = DurationSecondArray::from(vec![Some(-1), Some(129_600), Some(90_061), None]);
    let values = batch(vec![("t", Arc::new(t)), ("z", Arc::new(zoned)), ("d", Arc::new(d))]);
    for (expr, answers) in [
        ("t.astype('int64')", "-1 0 1580515199 None"),
        ("t.astype('str')", "\"1969-12-31T23:59:59\" \"1970-01-01T00:00:00\" \"2020-01-31T23:59:59\" None"),
        ("z.astype('str')", "\"1969-12-31T23:59:59Z\" \"1970-01-01T00:00:00Z\" \"2020-01-31T23:59:59Z\" None"),
        ("t.astype('date').astype('str')", "\"1969-12-31\" \"1970-01-01\" \"2020-01-31\" None"),
        ("t.astype('datetime64[M]').astype('str')", "\"1969-12\" \"1970-01\" \"2020-01\" None"),
        ("t.astype('datetime64[Y]').astype('int64')", "-1 0 50 None"),
        ("t.astype('datetime64[W]').astype('int64')", "-1 0 2613 None"),
        ("t.astype('datetime64[M]').astype('datetime64[D]').astype('int64')", "-31 0 18262 None"),
        ("t.astype('datetime64[ms]').astype('int64')", "-1000 0 1580515199000 None"),
        ("t.astype('str').astype('datetime64[s]').astype('int64')", "-1 0 1580515199 None"),
        ("d.astype('timedelta64[D]').astype('int64')", "-1 1 1 None"),
        ("d.astype('str')", "\"-PT1S\" \"P1DT12H\" \"P1DT1H1M1S\" None"),
        ("d.astype('str').astype('timedelta64[s]').astype('int64')", "-1 129600 90061 None"),
        ("t.astype('int64').astype('datetime64[s]').astype('int64')", "-1 0 1580515199 None"),
    ] {
        assert_eq!(written(&values, expr), answers, "{expr}");
    }
    assert_eq!(text(&values, "z.astype('datetime64[ms]')").0.to_string(), "datetime64[ms, Europe/Paris]");
    assert_eq!(text(&values, "z.astype('datetime64[ms, UTC]')").0.to_string(), "datetime64[ms, UTC]");
    let late = batch(vec![("t", Arc::new(TimestampSecondArray::from(vec![20_000_000_000, 400_000_000_000])))]);
    assert_eq!(written(&late, "t.astype('datetime64[ns]', errors='null').astype('int64')"), "None None");
    assert!(try_text(&late, "t.astype('datetime64[ns]')").is_err());
    assert!(try_text(&late, "t.astype('str')").unwrap_err().to_string().contains("more than four digits"));
    assert_eq!(written(&late, "t.astype('str', errors='null')"), "\"2603-10-11T11:33:20\" None");
    let words = batch(vec![("s", Arc::new(StringArray::from(vec!["2020-01-31", "NaT", "2020-01-31T10:00:00+01:00"])))]);
    assert_eq!(written(&words, "s.astype('datetime64[s]').astype('int64')"), "1580428800 None 1580461200");
    for (expr, reason) in [
        ("t.astype('datetime64[s, UTC]')", "there is no cast"),
        ("t.astype('bool')", "there is no cast"),
        ("d.astype('timedelta64[M]')", "differ in length"),
    ] {
        let error = try_text(&values, expr).unwrap_err().to_string();
        assert!(error.contains(reason), "{expr}: {error}");
    }
}
