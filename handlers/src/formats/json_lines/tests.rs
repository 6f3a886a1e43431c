//! JSON lines files as a whole: what they give, and where they break.

use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow::util::display::array_value_to_string;
use proptest::prelude::*;

use super::*;
use crate::formats::open_table;

fn read(text: &[u8], options: &ImportOptions) -> HandlerResult<Vec<RecordBatch>> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.jsonl");
    std::fs::write(&path, text).unwrap();
    open_table(Path::new(&path), options)?.collect::<Result<_, _>>().map_err(HandlerError::from)
}

fn error(text: &[u8], options: &ImportOptions) -> String {
    let error = read(text, options).unwrap_err().to_string();
    error.split_once(": ").map(|(_, reason)| reason.to_owned()).unwrap()
}

fn types(batch: &RecordBatch) -> Vec<String> {
    batch.schema().fields().iter().map(|field| format!("{} {}", field.name(), field.data_type())).collect()
}

#[test]
fn types_over_the_whole_file() {
    let text = b"\xef\xbb\xbf{\"a\": 1, \"b\": null, \"s\": \"x\", \"m\": 1}\r\n\n  \n{\"a\": 2.5, \"b\": true, \"m\": \"two\", \"u\": 18446744073709551615}\n{\"n\": {\"x\": [1, 2], \"y\": null}, \"e\": null}";
    let batches = read(text, &ImportOptions::default()).unwrap();
    assert_eq!(
        types(&batches[0]),
        [
            "a Float64",
            "b Boolean",
            "s Utf8",
            "m Utf8",
            "u UInt64",
            "n Struct(\"x\": List(Int64), \"y\": Utf8)",
            "e Utf8"
        ]
    );
    assert_eq!(batches[0].num_rows(), 3);
    for (column, row, expected) in [(4, 1, "18446744073709551615"), (3, 0, "1"), (3, 1, "two"), (0, 0, "1.0")] {
        assert_eq!(array_value_to_string(batches[0].column(column), row).unwrap(), expected);
    }
}

#[test]
fn columns_and_types_given() {
    let mut options = ImportOptions { columns: Some(vec!["b".into(), "a".into()]), ..Default::default() };
    options.types.insert("a".into(), "string".into());
    let batches = read(b"{\"a\": 1, \"b\": 2, \"c\": {}}\n", &options).unwrap();
    assert_eq!(types(&batches[0]), ["b Int64", "a Utf8"]);
    options.types.insert("a".into(), "timestamp[us, UTC]".into());
    let batches = read(b"{\"a\": \"2024-01-01T01:00:00+01:00\", \"b\": 2}\n", &options).unwrap();
    let times = batches[0].column(1).as_primitive::<TimestampMicrosecondType>();
    assert_eq!((times.value(0), times.timezone()), (1_704_067_200_000_000, Some("UTC")));
    options.types.insert("z".into(), "string".into());
    assert!(error(b"{\"a\": 1, \"b\": 2}\n", &options).contains("\"z\""));
}

#[test]
fn errors_tell_the_line() {
    let default = ImportOptions::default();
    for (text, expected) in [
        (&b""[..], "is empty"),
        (b"\n\n", "is empty"),
        (b"[{\"a\": 1}]\n", "line 1: not a JSON object: this file is JSON, but not JSON lines"),
        (b"{\n\"a\": 1\n}\n", "line 1: the object does not end in this line"),
        (b"{\"a\": 1}\n\n{\"a\": }\n", "line 3: not JSON: expected value (character 7)"),
        (b"{\"a\": 1}\n{\"a\": \"\xff\"}\n", "line 2: not JSON: not valid UTF-8 (character 8)"),
        (b"{\"a\": 1}\n{\"a\": 2\n", "line 2: not JSON: EOF while parsing an object (character 7)"),
        (
            b"{\"a\": {\"b\": 1}}\n{\"a\": {\"b\": [1]}}\n",
            "line 2: column \"a.b\": a list here, and a plain value before it",
        ),
        (b"{\"a\": [1, 2, {\"c\": 1}]}\n", "line 1: column \"a\": an object here, and a plain value before it"),
        (b"{\"a\": \"\\ud800\"}\n", "line 1: column \"a\": not JSON: "),
        (b"{\"a\": {}}\n", "column \"a\" holds nothing but empty objects"),
        (b"{\"a\": 1}{\"a\": 2}\n", "line 1: not JSON: trailing characters"),
    ] {
        let found = error(text, &default);
        assert!(found.starts_with(expected), "{found:?} for {:?}", String::from_utf8_lossy(text));
    }
}

#[test]
fn integers_of_any_size_keep_their_digits() {
    let text = b"{\"a\": 12345678901234567890123, \"b\": [18446744073709551615, -1], \"c\": 1e400}\n{\"a\": 1, \"b\": [], \"c\": 2}\n";
    let batches = read(text, &ImportOptions::default()).unwrap();
    assert_eq!(types(&batches[0]), ["a Utf8", "b List(Utf8)", "c Utf8"]);
    for (column, row, expected) in
        [(0, 0, "12345678901234567890123"), (0, 1, "1"), (1, 0, "[18446744073709551615, -1]"), (2, 0, "1e400")]
    {
        assert_eq!(array_value_to_string(batches[0].column(column), row).unwrap(), expected);
    }
}

#[test]
fn a_name_that_an_object_has_twice_is_refused_with_its_line() {
    let default = ImportOptions::default();
    for (text, column) in [
        (&b"{\"a\": 1}\n{\"a\": 1, \"a\": 2}\n"[..], "a"),
        (b"{\"a\": 1}\n{\"a\": null, \"\\u0061\": null}\n", "a"),
        (b"{\"n\": {\"a\": 1}}\n{\"n\": {\"b\": 1, \"a\": 1, \"a\": \"x\"}}\n", "n.a"),
        (b"{\"n\": [{\"a\": 1}]}\n{\"n\": [{\"a\": 1}, {\"a\": 1}, {\"a\": 1, \"a\": 1}]}\n", "n.a"),
    ] {
        let found = error(text, &default);
        assert!(found.starts_with(&format!("line 2: column \"{column}\": the object has two")), "{found}");
    }
    let late = error(b"{\"a\": 1}\n{\"a\": 1, \"a\": 2}\n", &ImportOptions { infer_rows: Some(1), ..default });
    assert!(late.starts_with("line 2: column \"a\": the object has two"), "{late}");
}

#[test]
fn given_null_values_are_null_in_json_at_any_depth() {
    let nulls = |texts: &[&str]| ImportOptions {
        null_values: Some(texts.iter().map(|&text| text.to_owned()).collect()),
        ..Default::default()
    };
    let text = b"{\"a\": -99, \"-99\": \"-99\", \"l\": [1, -99, {\"x\": 1}.x]}\n";
    assert!(error(text, &nulls(&["-99"])).contains("not JSON"));
    let text = b"{\"a\": -99, \"-99\": \"-99\", \"l\": [1, -99], \"o\": {\"x\": \"\\u004eA\", \"y\": true}}\n{\"a\": 5, \"-99\": \"NaN\", \"l\": [-9], \"o\": {\"x\": \"N\", \"y\": false}}\n";
    let batches = read(text, &nulls(&["-99", "NA", "true"])).unwrap();
    assert_eq!(types(&batches[0]), ["a Int64", "-99 Utf8", "l List(Int64)", "o Struct(\"x\": Utf8, \"y\": Boolean)"]);
    let shown = |column: usize, row| array_value_to_string(batches[0].column(column), row).unwrap();
    assert_eq!([shown(0, 0), shown(1, 0), shown(2, 0), shown(3, 0)], ["", "", "[1, ]", "{x: , y: }"]);
    assert_eq!([shown(0, 1), shown(1, 1), shown(2, 1), shown(3, 1)], ["5", "NaN", "[-9]", "{x: N, y: false}"]);
    let mut options = nulls(&["-99"]);
    options.types.insert("a".into(), "uint8".into());
    let batches = read(b"{\"a\": -99}\n{\"a\": 7}\n", &options).unwrap();
    assert_eq!((batches[0].column(0).null_count(), types(&batches[0])), (1, vec!["a UInt8".to_owned()]));
    // Without them only null is null.
    let batches = read(b"{\"a\": \"NA\"}\n", &ImportOptions::default()).unwrap();
    assert_eq!(batches[0].column(0).null_count(), 0);
}

#[test]
fn a_late_value_that_does_not_fit_tells_its_line() {
    let mut text = String::new();
    for number in 0..1000 {
        text.push_str(&format!("{{\"a\": {number}}}\n\n"));
    }
    let start = text.clone();
    for late in ["1.7", "true", "[1]", "18446744073709551615", "12345678901234567890123"] {
        let text = format!("{start}{{\"a\": {late}}}\n");
        let found = error(text.as_bytes(), &ImportOptions { infer_rows: Some(10), ..Default::default() });
        assert!(found.starts_with("line 2001: column \"a\": "), "{late}: {found}");
    }
    text.push_str("{\"a\": \"x\"}\n{\"a\": 5}\n");
    let options = ImportOptions { infer_rows: Some(10), ..Default::default() };
    let found = error(text.as_bytes(), &options);
    assert!(found.starts_with("line 2001: "), "{found}");
    let found =
        error(b"{\"a\": 1}\n{\"a\": 1, \"b\": 2}\n", &ImportOptions { infer_rows: Some(1), ..Default::default() });
    assert!(found.starts_with("line 2: ") && found.contains('b'), "{found}");
}

proptest! {
    /// Whatever text a file holds: rows or an error.
    #[test]
    fn any_text(text in "(\\{(\"[ab]\":[\\[\\]{}:,\"ab\\\\u019.eE+-]{0,6},?){0,3}\\}?\n){0,4}", limit in 1_u64..3, has_nulls: bool) {
        let options = ImportOptions {
            infer_rows: Some(limit),
            null_values: has_nulls.then(|| vec!["1".to_owned(), "a".to_owned()]),
            ..Default::default()
        };
        let _ = read(text.as_bytes(), &options);
    }

    /// Numbers written in full come back exactly, whether the type is given or found.
    #[test]
    fn numbers_come_back(ints in prop::collection::vec(any::<i64>(), 1..20), floats in prop::collection::vec(-1e300_f64..1e300, 20), is_given: bool) {
        let mut text = String::new();
        for (int, float) in ints.iter().zip(&floats) {
            text.push_str(&format!("{{\"i\": {int}, \"n\": {{\"f\": {float:?}}}, \"f\": {float:?}}}\n"));
        }
        let mut options = ImportOptions::default();
        if is_given {
            options.types.insert("i".into(), "int64".into());
            options.types.insert("f".into(), "float64".into());
        }
        let batches = read(text.as_bytes(), &options).unwrap();
        prop_assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().values(), &ints[..]);
        let nested = batches[0].column(1).as_struct().column(0).as_primitive::<Float64Type>();
        let flat = batches[0].column(2).as_primitive::<Float64Type>();
        for (row, float) in floats[..ints.len()].iter().enumerate() {
            prop_assert_eq!((nested.value(row).to_bits(), flat.value(row).to_bits()), (float.to_bits(), float.to_bits()));
        }
    }
}
