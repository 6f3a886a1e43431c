use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array, Int16Array,
    Int32Array, Int64Array, LargeStringArray, RecordBatch, StringArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt8Array, UInt16Array, UInt32Array,
    UInt64Array,
};

use super::*;

#[test]
fn formats_by_name() {
    for (name, expected) in [
        ("a.parquet", Some((TableFormat::Parquet, Compression::None))),
        ("a.PQ", Some((TableFormat::Parquet, Compression::None))),
        ("a.b.csv", Some((TableFormat::Csv, Compression::None))),
        ("a.Csv.GZ", Some((TableFormat::Csv, Compression::Gzip))),
        ("a.tab.zip", Some((TableFormat::Tsv, Compression::Zip))),
        ("a.ndjson", Some((TableFormat::JsonLines, Compression::None))),
        ("a.feather", Some((TableFormat::Arrow, Compression::None))),
        ("csv", None),
        ("a.json", None),
        ("a.txt", None),
        ("a.zip", None),
        ("", None),
    ] {
        assert_eq!(TableFormat::from_path(&Path::new("/x.csv/y").join(name)), expected, "{name}");
    }
    for format in [TableFormat::Parquet, TableFormat::Csv, TableFormat::Tsv, TableFormat::JsonLines, TableFormat::Arrow]
    {
        assert_eq!(TableFormat::from_name(&format.to_string()), Some(format));
    }
}

#[test]
fn what_a_format_has_no_use_for_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    type Set = fn(&mut ImportOptions);
    let change: [(&str, Set); 7] = [
        ("delimiter", |options| options.delimiter = Some(b';')),
        ("has_header", |options| options.has_header = false),
        ("quote", |options| options.quote = None),
        ("escape", |options| options.escape = Some(b'\\')),
        ("comment", |options| options.comment = Some(b'#')),
        ("null_values", |options| options.null_values = Some(vec!["-".to_owned()])),
        ("types", |options| drop(options.types.insert("a".to_owned(), "int64".to_owned()))),
    ];
    for (name, text, taken) in [
        ("x.parquet", "PAR1", &[][..]),
        ("x.arrow", "ARROW1\0\0", &[]),
        ("x.jsonl", "{\"a\": 1}\n", &["null_values", "types"]),
        ("x.csv", "a;b\n1;2\n", &["delimiter", "has_header", "quote", "escape", "comment", "null_values", "types"]),
    ] {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        for (option, set) in change {
            let mut options = ImportOptions::default();
            set(&mut options);
            // Neither of the two ways in lets it pass.
            let results = [open_table(&path, &options).map(drop), table_data(&path, &options, true).map(drop)];
            for result in results {
                let refused = match &result {
                    Err(HandlerError::OptionNotTaken { option, .. }) => Some(*option),
                    _ => None,
                };
                assert_eq!(refused, (!taken.contains(&option)).then_some(option), "{name} {option}: {result:?}");
            }
        }
    }
}

#[test]
fn a_packed_parquet_file_is_to_be_unpacked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.parquet.gz");
    std::fs::write(&path, [0x1f, 0x8b, 8, 0]).unwrap();
    let error = table_data(&path, &ImportOptions::default(), true).unwrap_err().to_string();
    assert!(error.contains("unpack it first"), "{error}");
}

#[test]
fn a_url_is_no_missing_file() {
    let default = ImportOptions::default();
    for address in ["https://user:secret@example.org/x.csv?sig=secret", "s3://bucket/x.parquet"] {
        for result in [
            open_table(Path::new(address), &default).map(drop),
            table_data(Path::new(address), &default, true).map(drop),
        ] {
            let error = result.unwrap_err();
            assert_eq!(error.code(), "unsupported");
            let text = error.to_string();
            assert!(text.contains("this release reads no URLs") && !text.contains("secret"), "{text}");
        }
    }
    assert_eq!(open_table(Path::new("a/b:c.csv"), &default).err().unwrap().code(), "file-not-found");
}

/// Values of one type: the type's name, what takes part in the column, and what it does not hold.
type TypeCase = (&'static str, ArrayRef, &'static [&'static str], &'static [&'static str]);

/// Seconds since 1970 of 2024-02-29T12:30:00Z, as `date -u -d ... +%s` prints them.
const LEAP_DAY: i64 = 1_709_209_800;

fn every_type() -> Vec<TypeCase> {
    let stamp = LEAP_DAY * 1_000;
    let texts: &[&str] = &["1.50", "true", "007", "12345678901234567890123"];
    vec![
        ("int8", Arc::new(Int8Array::from(vec![-128, 127])), &["-128", "127"], &["128", "1.7", "1.0", "1e1", "x"]),
        ("int16", Arc::new(Int16Array::from(vec![-32768])), &["-32768"], &["32768", "0.5"]),
        ("int32", Arc::new(Int32Array::from(vec![2_147_483_647])), &["2147483647"], &["2147483648", "true"]),
        (
            "int64",
            Arc::new(Int64Array::from(vec![i64::MIN])),
            &["-9223372036854775808"],
            &["9223372036854775808", "1.7"],
        ),
        ("uint8", Arc::new(UInt8Array::from(vec![255])), &["255"], &["256", "-1"]),
        ("uint16", Arc::new(UInt16Array::from(vec![65_535])), &["65535"], &["65536", "-1"]),
        ("uint32", Arc::new(UInt32Array::from(vec![4_294_967_295])), &["4294967295"], &["4294967296", "1.5"]),
        (
            "uint64",
            Arc::new(UInt64Array::from(vec![u64::MAX])),
            &["18446744073709551615"],
            &["18446744073709551616", "-1"],
        ),
        (
            "float32",
            Arc::new(Float32Array::from(vec![16_777_216.0, 0.1, -3.5e10, 16_777_218.0])),
            &["16777216", "0.1", "-3.5e10", "16777218"],
            &["16777217", "-16777217", "1e39", "true", "x"],
        ),
        (
            "float64",
            Arc::new(Float64Array::from(vec![9_007_199_254_740_992.0, 1e23, 100_000_000_000_000_000_000.0])),
            &["9007199254740992", "1e23", "100000000000000000000"],
            &["9007199254740993", "12345678901234567890123", "1e400"],
        ),
        (
            "bool",
            Arc::new(BooleanArray::from(vec![true, false, true, false])),
            &["true", "false", "1", "0"],
            &["2", "1.0", "yes"],
        ),
        ("string", Arc::new(StringArray::from(texts.to_vec())), texts, &[]),
        ("large_string", Arc::new(LargeStringArray::from(texts.to_vec())), texts, &[]),
        // 19,782 days lie between 1970-01-01 and 2024-02-29: 54 years of 365, and 13 leap days, 31 + 28 days of 2024.
        (
            "date",
            Arc::new(Date32Array::from(vec![54 * 365 + 13 + 31 + 28])),
            &["2024-02-29"],
            &["2023-02-29", "2024-02-29T00:00:00", "1.7", "19782"],
        ),
        (
            "timestamp[s]",
            Arc::new(TimestampSecondArray::from(vec![LEAP_DAY])),
            &["2024-02-29T12:30:00"],
            &["2024-02-29T12:30:00.5", "1.7", "1709209800", "2024-02-29T12:30:00Z"],
        ),
        (
            "timestamp[ms]",
            Arc::new(TimestampMillisecondArray::from(vec![stamp + 123])),
            &["2024-02-29T12:30:00.123000"],
            &["2024-02-29T12:30:00.123456789", "1.7"],
        ),
        (
            "timestamp[us]",
            Arc::new(TimestampMicrosecondArray::from(vec![stamp * 1_000 + 123_456])),
            &["2024-02-29 12:30:00.123456"],
            &["2024-02-29T12:30:00.123456789", "1.7"],
        ),
        (
            "timestamp[ns]",
            Arc::new(TimestampNanosecondArray::from(vec![stamp * 1_000_000 + 123_456_789])),
            &["2024-02-29T12:30:00.123456789"],
            &["3000-01-01T00:00:00", "1.7"],
        ),
        (
            "timestamp[us, UTC]",
            Arc::new(TimestampMicrosecondArray::from(vec![stamp * 1_000, stamp * 1_000]).with_timezone("UTC")),
            &["2024-02-29T13:30:00+01:00", "2024-02-29 12:30:00"],
            &["2024-02-29T12:30:00.1234567Z", "1.7"],
        ),
        (
            "timestamp[ms, Europe/Berlin]",
            Arc::new(TimestampMillisecondArray::from(vec![stamp]).with_timezone("Europe/Berlin")),
            &["2024-02-29T13:30:00+01:00"],
            &["2024-02-29T12:30:00", "1.7"],
        ),
        (
            "decimal(5, 2)",
            Arc::new(Decimal128Array::from(vec![125, -99_999, 100, 150]).with_precision_and_scale(5, 2).unwrap()),
            &["1.25", "-999.99", "1", "1.500"],
            &["1.255", "1000", "1e2", "x"],
        ),
    ]
}

/// Reads one column of these values, each on a line of its own: `None` is null.
fn read_values(format: TableFormat, of_type: &str, values: &[Option<&str>]) -> HandlerResult<ArrayRef> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(format!("x.{format}"));
    let is_json = |text: &str| serde_json::from_str::<serde_json::Value>(text).is_ok() && !text.starts_with(['[', '{']);
    let line = |value: &Option<&str>| match (format, value) {
        (TableFormat::JsonLines, None) => "{\"a\": null, \"b\": 1}".to_owned(),
        (TableFormat::JsonLines, Some(text)) if is_json(text) => format!("{{\"a\": {text}}}"),
        (TableFormat::JsonLines, Some(text)) => format!("{{\"a\": {}}}", serde_json::json!(text)),
        (_, value) => format!("{},1", value.unwrap_or_default()),
    };
    let lines: Vec<String> = values.iter().map(line).collect();
    let header = if format == TableFormat::Csv { "a,b\n" } else { "{\"b\": 1}\n" };
    std::fs::write(&path, format!("{header}{}\n", lines.join("\n"))).unwrap();
    let mut options = ImportOptions { columns: Some(vec!["a".to_owned()]), ..Default::default() };
    options.types.insert("a".to_owned(), of_type.to_owned());
    let reader = open_table(&path, &options)?;
    let schema = reader.schema();
    let batches = reader.collect::<Result<Vec<_>, _>>()?;
    let batch = arrow::compute::concat_batches(&schema, &batches)?;
    // The first line of JSON stands for the header.
    Ok(batch.column(0).slice(usize::from(format == TableFormat::JsonLines), values.len()))
}

#[test]
fn a_value_is_what_the_given_type_holds_exactly_or_an_error_with_its_line() {
    for (of_type, expected, values, misfits) in every_type() {
        assert_eq!(&parse_type(of_type).unwrap(), expected.data_type());
        for format in [TableFormat::Csv, TableFormat::JsonLines] {
            let mut with_null: Vec<Option<&str>> = values.iter().copied().map(Some).collect();
            let found = read_values(format, of_type, &with_null).unwrap();
            assert_eq!(&found, &expected, "{format} {of_type}");
            with_null.push(None);
            let found = read_values(format, of_type, &with_null).unwrap();
            assert_eq!((found.null_count(), &found.slice(0, values.len())), (1, &expected), "{format} {of_type}");
            for misfit in misfits {
                let error = read_values(format, of_type, &[Some(values[0]), Some(misfit)]);
                let error = error.expect_err(&format!("{format} {of_type} {misfit}")).to_string();
                assert!(
                    error.contains("line 3: column \"a\": ") && error.contains(misfit),
                    "{of_type} {misfit}: {error}"
                );
            }
        }
    }
}

#[test]
fn lists_and_objects_are_of_no_given_type() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.jsonl");
    for (text, expected) in [
        ("{\"a\": 1}\n{\"a\": [1]}\n", "line 2: column \"a\": a list, where"),
        ("{\"a\": 1}\n{\"a\": {\"b\": 1}}\n", "line 2: column \"a\": an object, where"),
    ] {
        std::fs::write(&path, text).unwrap();
        let mut options = ImportOptions::default();
        options.types.insert("a".into(), "string".into());
        let error = open_table(&path, &options).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// As many lists around a number, and as many structs.
fn nested(depth: usize) -> [String; 2] {
    [
        format!("{{\"a\": {}1{}}}\n", "[".repeat(depth), "]".repeat(depth)),
        format!("{{\"a\": {}1{}}}\n", "{\"b\": ".repeat(depth), "}".repeat(depth)),
    ]
}

#[test]
fn a_type_that_is_nested_too_deeply_is_refused_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.jsonl");
    for text in nested(types::MAX_TYPE_DEPTH) {
        std::fs::write(&path, text).unwrap();
        let schema = open_table(&path, &ImportOptions::default()).unwrap().schema();
        assert_eq!(deep_type(&schema), None);
        let deeper = arrow::datatypes::Field::new("b", schema.field(0).data_type().clone(), true);
        let deeper = arrow::datatypes::DataType::Struct(vec![deeper].into());
        let deeper = arrow::datatypes::Schema::new(vec![arrow::datatypes::Field::new("a", deeper, true)]);
        assert!(deep_type(&deeper).unwrap().contains("more than 32 levels"));
    }
    for text in nested(types::MAX_TYPE_DEPTH + 1).into_iter().chain(nested(100_000)) {
        std::fs::write(&path, format!("{{\"b\": 1}}\n{text}")).unwrap();
        let error = open_table(&path, &ImportOptions::default()).err().unwrap().to_string();
        assert!(error.contains("line 2: column \"a") && error.contains("more than 32 levels"), "{error:.300}");
    }
    // Left out, it does no harm.
    std::fs::write(&path, nested(100).concat().replace("{\"a\"", "{\"b\": 1, \"a\"")).unwrap();
    let options = ImportOptions { columns: Some(vec!["b".to_owned()]), ..Default::default() };
    let batches: Vec<RecordBatch> = open_table(&path, &options).unwrap().map(Result::unwrap).collect();
    assert_eq!(batches[0].column(0).as_ref(), &Int64Array::from(vec![1, 1]));
}
