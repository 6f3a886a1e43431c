//! CSV files as a whole: what they give, and where they break.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use arrow::array::{Array, AsArray, StringArray, make_array};
use arrow::datatypes::{Float64Type, Int64Type};
use arrow::util::display::array_value_to_string;
use proptest::prelude::*;

use super::*;
use crate::formats::open_table;

fn read_file(path: &Path, options: &ImportOptions) -> HandlerResult<Vec<RecordBatch>> {
    open_table(path, options)?.collect::<Result<_, _>>().map_err(HandlerError::from)
}

fn read(text: impl AsRef<[u8]>, options: &ImportOptions) -> HandlerResult<RecordBatch> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.csv");
    std::fs::write(&path, text).unwrap();
    let reader = open_table(&path, options)?;
    let schema = reader.schema();
    let batches = reader.collect::<Result<Vec<_>, _>>().map_err(HandlerError::from)?;
    Ok(arrow::compute::concat_batches(&schema, &batches).unwrap())
}

fn with(change: impl FnOnce(&mut ImportOptions)) -> ImportOptions {
    let mut options = ImportOptions::default();
    change(&mut options);
    options
}

fn reason(result: HandlerResult<impl std::fmt::Debug>) -> String {
    let text = result.unwrap_err().to_string();
    text.split_once(": ").map(|(_, reason)| reason.to_owned()).unwrap()
}

fn types(batch: &RecordBatch) -> Vec<String> {
    batch.schema().fields().iter().map(|field| format!("{}:{}", field.name(), field.data_type())).collect()
}

/// The rows as text, fields joined by `|`, nulls as `~`.
fn rows(batch: &RecordBatch) -> Vec<String> {
    let cell = |column: &dyn Array, row| {
        // Arrow writes a time only in a zone that is an offset.
        let column = match column.data_type() {
            DataType::Timestamp(unit, Some(zone)) if zone.as_ref() == "UTC" => {
                let data_type = DataType::Timestamp(*unit, Some("+00:00".into()));
                make_array(column.to_data().into_builder().data_type(data_type).build().unwrap())
            }
            _ => make_array(column.to_data()),
        };
        if column.is_null(row) { "~".to_owned() } else { array_value_to_string(&column, row).unwrap() }
    };
    (0..batch.num_rows())
        .map(|row| batch.columns().iter().map(|column| cell(column.as_ref(), row)).collect::<Vec<_>>().join("|"))
        .collect()
}

#[test]
fn a_table_with_everything() {
    let text = "\u{feff}id,code,share,when,at,ok,note,\r\n\
                1,007,0.5,2024-02-29,2024-02-29T12:30:00Z,true,\"a, \"\"quoted\"\" one\",x\r\n\
                \r\n\
                2,NA,,NA,2024-02-29 13:30:00.25+01:00,False,two\u{20}\u{20},\r\n\
                -3,\"01\",1e3,2024-03-01,null,NA,\"line\r\nbreak\",y";
    let batch = read(text, &ImportOptions::default()).unwrap();
    assert_eq!(
        types(&batch),
        [
            "id:Int64",
            "code:Utf8",
            "share:Float64",
            "when:Date32",
            "at:Timestamp(µs, \"UTC\")",
            "ok:Boolean",
            "note:Utf8",
            "column_8:Utf8"
        ]
    );
    assert_eq!(
        rows(&batch),
        [
            "1|007|0.5|2024-02-29|2024-02-29T12:30:00Z|true|a, \"quoted\" one|x",
            "2|~|~|~|2024-02-29T12:30:00.250Z|false|two  |~",
            "-3|01|1000.0|2024-03-01|~|~|line\r\nbreak|y"
        ]
    );
}

#[test]
fn dialects() {
    let batch = read("a;b\n'x;y';1\n", &with(|o| (o.delimiter, o.quote) = (Some(b';'), Some(b'\'')))).unwrap();
    assert_eq!(rows(&batch), ["x;y|1"]);
    let batch =
        read("# c,c,c\na,b\n#\n1,\"x\\\"y\"\n# the end", &with(|o| (o.comment, o.escape) = (Some(b'#'), Some(b'\\'))))
            .unwrap();
    assert_eq!(rows(&batch), ["1|x\"y"]);
    let batch = read("1,\"x\n2,y", &with(|o| (o.quote, o.has_header) = (None, false))).unwrap();
    assert_eq!(
        (types(&batch), rows(&batch)),
        (vec!["column_1:Int64".into(), "column_2:Utf8".into()], vec!["1|\"x".into(), "2|y".into()])
    );
    let batch = read("a,b\r1,2\r3,4\r", &ImportOptions::default()).unwrap();
    assert_eq!(rows(&batch), ["1|2", "3|4"]);
    let batch = read("a,b\n-,1\n.,2\n", &with(|o| o.null_values = Some(vec!["-".into(), ".".into()]))).unwrap();
    assert_eq!(rows(&batch), ["~|1", "~|2"]);
    assert!(reason(read("a,b\n", &with(|o| o.quote = Some(b',')))).contains("are both ','"));
    assert!(reason(read("a,b\n", &with(|o| o.delimiter = Some(0xe9)))).contains("ASCII"));
}

#[test]
fn text_files_by_their_content() {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [("x.txt", "a\tb\n1\t2,5\n"), ("y.txt", "a;b\n1;2,5\n"), ("z.tsv", "a\tb\n1\t2,5\n")] {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        assert_eq!(rows(&read_file(&path, &ImportOptions::default()).unwrap()[0]), ["1|2,5"], "{name}");
    }
}

#[test]
fn empty_and_almost_empty_files() {
    let default = ImportOptions::default();
    for text in ["", "\n\r\n\n", "\u{feff}"] {
        assert!(reason(read(text, &default)).contains("is empty"), "{text:?}");
    }
    let batch = read("a,b", &default).unwrap();
    assert_eq!((types(&batch), batch.num_rows()), (vec!["a:Utf8".into(), "b:Utf8".into()], 0));
    let batch = read("a,b\n,\n", &default).unwrap();
    assert_eq!((types(&batch), rows(&batch)), (vec!["a:Utf8".into(), "b:Utf8".into()], vec!["~|~".into()]));
    let batch = read("a\n1\n\n\"\"\n2", &default).unwrap();
    assert_eq!(rows(&batch), ["1", "~", "2"]);
}

#[test]
fn columns_and_types_given() {
    let text = "a,b,c,d\n007,1,2024-01-01,1.50\n8,NA,2024-01-02,2\n";
    let mut options = with(|o| o.columns = Some(vec!["d".into(), "a".into()]));
    for (name, text) in [("a", "int32"), ("d", "decimal(6, 2)"), ("b", "string"), ("c", "timestamp[ms, UTC]")] {
        options.types.insert(name.into(), text.into());
    }
    let batch = read(text, &options).unwrap();
    assert_eq!(types(&batch), ["d:Decimal128(6, 2)", "a:Int32"]);
    assert_eq!(rows(&batch), ["1.50|7", "2.00|8"]);
    options.columns = None;
    assert_eq!(
        rows(&read(text, &options).unwrap()),
        ["7|1|2024-01-01T00:00:00Z|1.50", "8|~|2024-01-02T00:00:00Z|2.00"]
    );
    options.columns = Some(vec!["e".into()]);
    assert!(reason(read(text, &options)).contains("no column \"e\"; it has \"a\", \"b\", \"c\", \"d\""));
    assert!(reason(read(text, &with(|o| drop(o.types.insert("e".into(), "int64".into()))))).contains("\"e\""));
    assert!(read(text, &with(|o| drop(o.types.insert("a".into(), "number".into())))).is_err());
}

#[test]
fn errors_tell_line_and_column() {
    let int = |name: &str| with(|o| drop(o.types.insert(name.into(), "int64".into())));
    let default = ImportOptions::default();
    for (text, options, expected) in [
        ("a,b\n1,2\n3\n", &default, "line 3: 1 field, where 2 are expected"),
        ("a,b\n\n\"x\n\ny\",2\n3,4,5\n", &default, "line 6: 3 fields, where 2 are expected"),
        ("a,b\n\"x\n\ny\",2\n\"z\n\",q\n", &int("b"), "line 6: column \"b\": \"q\" is not of type int64"),
        ("a,b\r\n\"x\r\ny\",2\r\n3,q", &int("b"), "line 4: column \"b\": \"q\""),
        ("a,b\r1,2\r3,q\r", &int("b"), "line 3: column \"b\": \"q\""),
        ("a,b\r\"x\r\ry\",1\r2\r", &default, "line 5: 1 field, where 2 are expected"),
        ("a,b\n\"\r\",\"\ny\"\n1,q", &int("b"), "line 3: column \"b\": \"\\ny\""),
        ("a,b,c\n\"\r\",\"\ny\",q\n", &int("c"), "line 4: column \"c\": \"q\""),
        ("a,b\n\"x\r\",q\n", &int("b"), "line 3: column \"b\": \"q\""),
        ("a,b\n\"x\r\n\r\",q\n", &int("b"), "line 4: column \"b\": \"q\""),
        ("a,b\n\"x\r\",\"\r\n\r\0\"\n", &default, "line 5: a NUL byte"),
        ("a,b\n\"\r\n\n\r\",1\n2\n", &default, "line 6: 1 field"),
        ("a,a\n1,2\n", &default, "line 1: two columns are called \"a\""),
        ("column_2,\n1,2\n", &default, "line 1: two columns are called \"column_2\""),
        ("a,b\n1,2\n3,\"x\n\n\n", &default, "line 3: a quote is opened here and never closed"),
        ("a,b\n1,\"x\ny\0\"\n", &default, "line 3: a NUL byte"),
        (
            "a;b\n1;2\n",
            &default,
            "line 1: one column called \"a;b\": if the fields are separated by ';', give that as the",
        ),
        (
            "a\tb\n1\t2\n",
            &default,
            "line 1: one column called \"a\\tb\": if the fields are separated by '\\t', give the format tsv",
        ),
    ] {
        let found = reason(read(text, options));
        assert!(found.starts_with(expected), "{found:?} for {text:?}");
    }
    for (bytes, line) in [(&b"a,b\n1,2\n\"\n\",\xff\n"[..], 4), (b"a,b\n1,2\n\xc3,\xa9\n", 3), (b"\xff,b\n", 1)] {
        let found = reason(read(bytes, &default));
        assert!(found.starts_with(&format!("line {line}: not valid UTF-8")), "{found}");
    }
    let mut options = int("n");
    options.comment = Some(b'#');
    let mut text = "# about\nn,s\n".to_owned();
    for number in 0..100_000 {
        text.push_str(&format!("{number},\"a\nb\"\n{}", if number % 7 == 0 { "#\n\n" } else { "" }));
    }
    let line = text.lines().count() + 1;
    text.push_str(&"9".repeat(100));
    text.push_str(",x\n");
    let found = reason(read(&text, &options));
    assert!(found.starts_with(&format!("line {line}: column \"n\": \"999")) && found.len() < 150, "{found}");
}

#[test]
fn a_value_behind_the_looked_at_rows_must_fit() {
    let text = "a\n1\n2\nx\n";
    assert_eq!(types(&read(text, &ImportOptions::default()).unwrap()), ["a:Utf8"]);
    let found = reason(read(text, &with(|o| o.infer_rows = Some(2))));
    assert!(found.starts_with("line 4: column \"a\": \"x\""), "{found}");
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(text).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn file(dir: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn compressed_files() {
    let dir = tempfile::tempdir().unwrap();
    let default = ImportOptions::default();
    let text = b"a,b\n1,x\n2,y\n".to_vec();
    let mut twice = gzip(&text);
    twice.extend(gzip(b"3,z\n"));
    let mac = [("__MACOSX/._t.csv", &b"junk"[..]), ("sub/t.csv", &text)];
    for (name, bytes, count) in [
        ("x.csv.gz", twice, 3),
        ("X.CSV.ZIP", zip(&mac), 2),
        ("t.zip", zip(&[("t.csv", &text)]), 2),
        ("not-by-name.csv", gzip(&text), 2),
    ] {
        let batches = read_file(&file(&dir, name, &bytes), &default).unwrap();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), count, "{name}");
    }
    let found = reason(read_file(&file(&dir, "two.csv.zip", &zip(&[("t.csv", &text), ("u.csv", &text)])), &default));
    assert!(found.contains("2 files") && found.contains("\"t.csv\", \"u.csv\""), "{found}");
    assert!(reason(read_file(&file(&dir, "no.csv.zip", &zip(&[])), &default)).contains("no file"));
    assert!(reason(read_file(&file(&dir, "plain.csv.gz", &text), &default)).contains("not gzip"));
    let found = reason(read_file(&file(&dir, "comma.zip", &zip(&[("t.tsv", &text)])), &default));
    assert!(found.ends_with("if the fields are separated by ',', give the format csv"), "{found}");
    let found = reason(read_file(&file(&dir, "late.csv.gz", &gzip(b"a,b\n\"1\n\",2\n3\n")), &default));
    assert!(found.starts_with("line 4: "), "{found}");
}

#[test]
fn nothing_but_zeros_may_follow_gzip_data() {
    let dir = tempfile::tempdir().unwrap();
    let default = ImportOptions::default();
    let with = |rest: &[u8]| file(&dir, "x.csv.gz", &[&gzip(b"a\n1\n"), rest].concat());
    for zeros in [1, 512, 300_000] {
        assert_eq!(read_file(&with(&vec![0; zeros]), &default).unwrap()[0].num_rows(), 1);
    }
    assert_eq!(read_file(&with(&gzip(b"2\n")), &default).unwrap()[0].num_rows(), 2);
    for rest in
        [&b"garbage"[..], b"\0\0x", b"\x1f\x8c", b"\x1f\x8b\x01 no deflate", &[&[0], &gzip(b"2\n")[..]].concat()]
    {
        let found = reason(read_file(&with(rest), &default));
        assert!(found.ends_with("bytes follow the gzip data"), "{found} {rest:?}");
    }
    let packed = gzip(b"2\n");
    for length in 1..packed.len() {
        let found = reason(read_file(&with(&packed[..length]), &default));
        assert!(found.contains("truncated"), "{found} {length}");
    }
}

#[test]
fn damaged_compression_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let default = ImportOptions::default();
    let text: String = (0..20_000).fold("a,b\n".to_owned(), |text, n| text + &format!("{n},{}\n", n * 7919 % 10_007));
    let packed = gzip(text.as_bytes());
    let found = reason(read_file(&file(&dir, "x.csv.gz", &packed[..packed.len() / 2]), &default));
    assert!(found.contains("truncated"), "{found}");
    let whole = zip(&[("x.csv", text.as_bytes())]);
    let found = reason(read_file(&file(&dir, "cut.csv.zip", &whole[..whole.len() / 2]), &default));
    assert!(found.contains("zip archive"), "{found}");
    // The CRC stands 16 bytes into the entry of the directory, the size 24 bytes.
    let directory = whole.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    for (offset, expected) in [(16, "CRC"), (24, "than the archive says")] {
        let mut bytes = whole.clone();
        bytes[directory + offset] ^= 1;
        let found = reason(read_file(&file(&dir, "crc.csv.zip", &bytes), &default));
        assert!(found.contains(expected), "{found}");
    }
    for at in (0..whole.len()).step_by(whole.len() / 300) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x41;
        let _ = read_file(&file(&dir, "flip.csv.zip", &bytes), &default);
    }
    // Encrypted: the flag in both headers.
    let mut bytes = whole.clone();
    bytes[6] |= 1;
    bytes[directory + 8] |= 1;
    assert!(reason(read_file(&file(&dir, "secret.csv.zip", &bytes), &default)).contains("encrypted"));
}

#[test]
fn very_wide_and_very_long() {
    let names: Vec<String> = (0..100_000).map(|n| format!("c{n}")).collect();
    let text = format!("{}\n{}\n", names.join(","), vec!["1"; 100_000].join(","));
    let batch = read(text, &ImportOptions::default()).unwrap();
    assert_eq!((batch.num_columns(), batch.num_rows()), (100_000, 1));
    let wide = ",".repeat(MAX_COLUMNS + 5);
    assert!(reason(read(&wide, &ImportOptions::default())).contains("more than 250000"));
    let long = "a".repeat(65 << 20);
    for (text, line) in [(format!("{long},b\n1,2\n"), 1), (format!("a,b\n1,2\n\n3,{long}"), 4), (long, 1)] {
        let found = reason(read(text, &ImportOptions::default()));
        assert!(found.starts_with(&format!("line {line}: a record of more than 64 MiB")), "{found:.100}");
    }
    let long = format!("a,b\n1,\"{}", "x\n".repeat(crate::formats::MAX_RECORD / 2 + 1000));
    let found = reason(read(long, &ImportOptions::default()));
    assert!(found.starts_with("line 2: a quote is opened here and not closed within 64 MiB"), "{found}");
}

#[test]
fn batches_have_the_wanted_size_and_progress_reaches_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let text: String = (0..10_000).fold("a,b\n".to_owned(), |text, n| text + &format!("{n},x\n"));
    let path = file(&dir, "x.csv", text.as_bytes());
    let told = std::sync::Arc::new(Mutex::new(Vec::new()));
    let sink = told.clone();
    let options = with(|o| {
        o.batch_size = 3000;
        o.progress = Some(std::sync::Arc::new(move |read, total| sink.lock().unwrap().push((read, total))));
    });
    let batches = read_file(&path, &options).unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [3000, 3000, 3000, 1000]);
    let sum: i64 = batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).sum();
    assert_eq!(sum, 10_000 * 9_999 / 2);
    let size = text.len() as u64;
    assert_eq!(told.lock().unwrap().last(), Some(&(2 * size, Some(2 * size))));
}

#[test]
fn a_file_that_changes_meanwhile_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(&dir, "x.csv", b"a\n1\n2\n");
    let reader = open_table(&path, &ImportOptions::default()).unwrap();
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"3\n").unwrap();
    let result: Result<Vec<_>, _> = reader.collect();
    assert!(HandlerError::from(result.unwrap_err()).to_string().contains("was changed while it was read"));
}

#[test]
fn what_is_not_a_table_file() {
    let dir = tempfile::tempdir().unwrap();
    let default = ImportOptions::default();
    assert!(matches!(open_table(&dir.path().join("none.csv"), &default), Err(HandlerError::FileNotFound { .. })));
    assert!(reason(open_table(dir.path(), &default).map(drop)).contains("is a directory"));
    assert!(reason(open_table(Path::new("/dev/null"), &default).map(drop)).contains("not a regular file"));
    for (name, bytes, expected) in [
        ("x.csv", &b"PAR1........PAR1"[..], "it is a Parquet file"),
        ("x.csv", b"ARROW1\0\0....", "it is an Arrow file"),
        ("x.csv", b"\xff\xfea\0,\0b\0", "UTF-16"),
        ("x.csv", b"\x28\xb5\x2f\xfd...", "zstd"),
        ("x.xlsx", b"PK\x03\x04", "not a readable zip archive"),
        ("x.dat", b"a,b\n", "does not tell its format"),
        ("x.parquet.gz", &gzip(b"x"), "cannot be read compressed"),
    ] {
        let found = reason(open_table(&file(&dir, name, bytes), &default).map(drop));
        assert!(found.contains(expected), "{name}: {found}");
    }
    // A text that begins like a Parquet file is a text.
    assert_eq!(types(&read("PAR1,b\n1,2\n", &default).unwrap()), ["PAR1:Int64", "b:Int64"]);
}

proptest! {
    /// Whatever strings a table holds, they come back, however the writer quotes them.
    #[test]
    fn strings_come_back(table in prop::collection::vec(prop::array::uniform3("[a-c,\"\n\r \u{e9}0-9.-]{0,6}"), 1..40), quote_all: bool) {
        let mut text = "x,y,z\r\n".to_owned();
        for row in &table {
            let cells: Vec<String> = row
                .iter()
                .map(|cell| {
                    let must = cell.contains([',', '"', '\n', '\r']);
                    if must || quote_all { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.clone() }
                })
                .collect();
            text.push_str(&cells.join(","));
            text.push_str("\r\n");
        }
        let options = with(|o| {
            o.null_values = Some(Vec::new());
            for name in ["x", "y", "z"] {
                o.types.insert(name.into(), "string".into());
            }
        });
        let batch = read(&text, &options).unwrap();
        prop_assert_eq!(batch.num_rows(), table.len());
        for (place, column) in batch.columns().iter().enumerate() {
            let column: &StringArray = column.as_string();
            for (row, value) in column.iter().enumerate() {
                prop_assert_eq!(value, Some(table[row][place].as_str()));
            }
        }
    }

    /// Where Arrow's own splitter takes a text, it splits it alike.
    #[test]
    fn splits_as_arrow_does(text in "([ab1,\"\n\r#\\\\]{0,80})", header: bool) {
        let text = format!("p,q\n{text}");
        let schema = Arc::new(Schema::new(vec![Field::new("p", DataType::Utf8, true), Field::new("q", DataType::Utf8, true)]));
        let arrow = arrow::csv::ReaderBuilder::new(schema.clone()).with_header(header).build(text.as_bytes()).unwrap();
        let Ok(theirs) = arrow.collect::<Result<Vec<_>, _>>() else { return Ok(()) };
        let theirs = arrow::compute::concat_batches(&schema, &theirs).unwrap();
        let names = if header { ["p", "q"] } else { ["column_1", "column_2"] };
        let options = with(|o| {
            o.has_header = header;
            o.null_values = Some(vec![String::new()]);
            for name in names {
                o.types.insert(name.into(), "string".into());
            }
        });
        match read(&text, &options) {
            Ok(ours) => prop_assert_eq!(rows(&ours), rows(&theirs)),
            Err(error) => prop_assert!(error.to_string().contains("never closed"), "{}", error),
        }
    }

    /// Whatever bytes a file holds: rows or an error.
    #[test]
    fn any_bytes(bytes in prop::collection::vec(prop_oneof![Just(b','), Just(b'"'), Just(b'\n'), any::<u8>()], 0..200)) {
        let _ = read(&bytes, &ImportOptions::default());
    }

    /// Numbers written in full come back exactly.
    #[test]
    fn numbers_come_back(ints in prop::collection::vec(any::<i64>(), 1..20), floats in prop::collection::vec(any::<f64>(), 20)) {
        let mut text = "i,f\n".to_owned();
        for (int, float) in ints.iter().zip(&floats) {
            text.push_str(&format!("{int},{float:?}\n"));
        }
        let options = with(|o| {
            o.null_values = Some(Vec::new());
            o.types.insert("f".into(), "double".into());
        });
        let batch = read(&text, &options).unwrap();
        let (read_ints, read_floats) = (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Float64Type>());
        for row in 0..batch.num_rows() {
            prop_assert_eq!(read_ints.value(row), ints[row]);
            let (found, expected) = (read_floats.value(row), floats[row]);
            prop_assert!(found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan()));
        }
    }
}
