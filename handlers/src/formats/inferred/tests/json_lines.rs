//! Guesses of the columns of JSON lines.

use std::io::Write;
use std::sync::Mutex;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::formats::{Progress, tables_data};

/// Rows of a file, three batches of which are not looked at for the guess.
const ROWS: usize = 300;

/// Values of columns, but for one value in one row.
const USUAL: [&str; 8] =
    ["1", "2.5", "true", "\"x\"", "null", "[1, 2]", "{\"x\": 1, \"y\": [{\"z\": null}]}", "18446744073709551615"];

fn small_batches() -> ImportOptions {
    ImportOptions { batch_size: 100, ..ImportOptions::default() }
}

fn file(odd: &str, column: usize, row: usize) -> String {
    let line = |n: usize| {
        let value = |at: usize| if (at, n) == (column, row) { odd } else { USUAL[at] };
        let values: Vec<String> = (0..USUAL.len()).map(|at| format!("\"c{at}\": {}", value(at))).collect();
        format!("{{{}}}\n", values.join(", "))
    };
    (0..ROWS).map(line).collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

/// What was read, and how much there will be.
type Told = Arc<Mutex<Vec<(u64, Option<u64>)>>>;

/// Options that count what is read of the file: told are the bytes of all passes together.
fn counting() -> (ImportOptions, Told) {
    let told = Told::default();
    let heard = Arc::clone(&told);
    let progress: Progress = Arc::new(move |done, total| heard.lock().unwrap().push((done, total)));
    (ImportOptions { progress: Some(progress), ..small_batches() }, told)
}

#[test]
fn a_late_value_gives_the_types_that_all_lines_give() {
    let odd = [
        "1",
        "-1",
        "1.5",
        "18446744073709551615",
        "99999999999999999999",
        "true",
        "\"word\"",
        "null",
        "[3]",
        "[null]",
        "[1.5]",
        "[[1]]",
        "{\"x\": 2}",
        "{\"x\": \"two\"}",
        "{\"w\": 2}",
        "{\"y\": [{\"z\": 1}, {\"u\": 2}]}",
        "{}",
        "1, \"late\": 1",
        "null, \"late\": null",
    ];
    let mut again = 0;
    for column in 0..USUAL.len() {
        for odd in odd {
            let (guessed, passes, exact) = both_of("x.jsonl", file(odd, column, ROWS - 7).as_bytes(), &small_batches());
            match (guessed, exact) {
                (Ok(guessed), Ok(exact)) => assert_eq!(guessed, exact, "{odd} in column {column}"),
                // A list and a plain value make no column together, however they are read.
                (guessed, exact) => assert_eq!(
                    guessed.unwrap_err().to_string(),
                    exact.unwrap_err().to_string(),
                    "{odd} in column {column}"
                ),
            }
            again += usize::from(passes == 2);
        }
    }
    // The others are refused, or are of the type of their column.
    assert!((40..=60).contains(&again), "{again}");
}

#[test]
fn a_file_is_read_once_where_the_guess_is_right() {
    for (column, odd) in [(0, "-7"), (1, "3"), (2, "null"), (3, "5"), (4, "null"), (5, "[]"), (6, "{\"y\": null}")] {
        for (name, text) in
            [("x.jsonl", file(odd, column, ROWS - 1).into_bytes()), ("x.jsonl.gz", gzip(&file(odd, column, ROWS - 1)))]
        {
            let (options, told) = counting();
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(name);
            std::fs::write(&path, &text).unwrap();
            let opened = TableFile::open(&FilePlace::here(&path)).unwrap();
            let found = detect::resolve(&opened, &options).unwrap();
            let (guessed, passes) = taken(InferredTable::guess(opened, &found, &options, 1));
            let size = text.len() as u64;
            assert_eq!(*told.lock().unwrap(), [(size, Some(size))], "{odd} in column {column} of {name}");
            assert_eq!((guessed.unwrap(), passes), (open_table(&path, &small_batches()).and_then(whole).unwrap(), 1));
        }
    }
}

#[test]
fn lines_that_were_looked_at_come_once_in_batches_of_any_size() {
    let text: String = (0..ROWS).map(|n| format!("{}{{\"n\": {n}}}\n", "\n".repeat(n % 3))).collect();
    for (batch_size, from) in [(1, 100), (7, 1), (100, 1000), (1000, 100), (1000, 1 << 20)] {
        let options = ImportOptions { batch_size, ..ImportOptions::default() };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.jsonl");
        std::fs::write(&path, &text).unwrap();
        let opened = TableFile::open(&FilePlace::here(&path)).unwrap();
        let found = detect::resolve(&opened, &options).unwrap();
        let (guessed, passes) = taken(InferredTable::guess(opened, &found, &options, from));
        assert_eq!((guessed.unwrap(), passes), (open_table(&path, &options).and_then(whole).unwrap(), 1));
    }
}

#[test]
fn what_the_first_lines_lack_the_others_may_have() {
    let mut given = small_batches();
    given.types.insert("late".to_owned(), "int32".to_owned());
    let picked = ImportOptions { columns: Some(vec!["late".to_owned()]), ..small_batches() };
    let late = file("1, \"late\": 1", 0, ROWS - 1);
    let empty = format!("{{}}\n{}", file("1", 0, 0));
    let hollow = format!("{{\"o\": {{}}}}\n{}{{\"o\": {{\"x\": 1}}}}\n", file("1", 0, 0));
    for (text, options) in [(&late, &given), (&late, &picked), (&empty, &small_batches()), (&hollow, &small_batches())]
    {
        let (guessed, passes, exact) = both_of("x.jsonl", text.as_bytes(), options);
        assert_eq!((guessed.unwrap(), passes), (exact.unwrap(), 1));
    }
    // Of columns that are not read, nothing matters but that they are JSON.
    let picked = ImportOptions { columns: Some(vec!["c1".to_owned()]), ..small_batches() };
    let (guessed, passes, exact) = both_of("x.jsonl", file("[], \"late\": 1", 0, ROWS - 1).as_bytes(), &picked);
    assert_eq!((guessed.unwrap(), passes), (exact.unwrap(), 1));
}

#[test]
fn errors_are_those_of_two_passes() {
    let mut given = small_batches();
    given.types.insert("c0".to_owned(), "int64".to_owned());
    for (odd, options) in [
        ("\"x\"", &given),
        ("1.5", &given),
        ("[1]", &given),
        ("1, \"c0\": 1", &small_batches()),
        ("1}", &small_batches()),
        ("[1]", &small_batches()),
        ("1, \"o\": {}", &small_batches()),
    ] {
        let (guessed, _, exact) = both_of("x.jsonl", file(odd, 0, ROWS - 1).as_bytes(), options);
        assert_eq!(guessed.unwrap_err().to_string(), exact.unwrap_err().to_string(), "{odd}");
    }
    for text in ["", "\n", "{}\n", "[1]\n", "{\n}\n"] {
        let (guessed, _, exact) = both_of("x.jsonl", text.as_bytes(), &small_batches());
        assert_eq!(guessed.unwrap_err().to_string(), exact.unwrap_err().to_string(), "{text:?}");
    }
}

/// Three files in two partitions, the last line of which has this value in the column `a`.
fn directory(last: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("p=1/a.jsonl", "{\"a\": 1}\n{\"a\": 2}\n".to_owned()),
        ("p=1/b.jsonl", "\n{\"a\": 3}\n".to_owned()),
        ("p=2/c.jsonl", format!("{{\"a\": 4}}\n{{\"a\": {last}}}\n")),
    ] {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
}

#[test]
fn several_files_have_the_types_that_all_lines_give() {
    for (last, reads) in [
        ("5", 1),
        ("null", 1),
        ("5.5", 2),
        ("\"x\"", 2),
        ("5, \"b\": {\"c\": []}", 2),
        ("[5]", 1),
        ("5}", 1),
        // A column that is a partition as well is an error, and only all lines tell it.
        ("5, \"p\": 2", 1),
    ] {
        let dir = directory(last);
        let files = TableFiles::find(&[dir.path()], None).unwrap();
        let exact = open_tables(&files, &ImportOptions::default()).and_then(whole).map_err(|error| error.to_string());
        // The guess ends within a file, at the end of one, and behind them all.
        for from in [1, 10, 18, 1000] {
            let (guessed, passes) = taken(InferredTable::guess_of_files(&files, &ImportOptions::default(), from));
            assert_eq!(guessed.map_err(|error| error.to_string()), exact, "{last} from {from}");
            assert!(passes <= reads, "{last} from {from}: {passes}");
        }
    }
}

/// The errors on such columns, and on those that are partitions as well, say that leaving them out helps.
#[test]
fn columns_that_no_table_can_have_are_left_out_of_several_files_too() {
    let dir = directory("5, \"p\": 2, \"odd\": [1]}\n{\"a\": null, \"odd\": {}");
    let files = TableFiles::find(&[dir.path()], None).unwrap();
    assert!(open_tables(&files, &ImportOptions::default()).is_err());
    let options = ImportOptions { columns: Some(vec!["a".to_owned()]), ..ImportOptions::default() };
    let exact = open_tables(&files, &options).and_then(whole).unwrap();
    assert_eq!((exact.num_rows(), exact.num_columns()), (6, 1));
    for from in [1, 1000] {
        let (guessed, passes) = taken(InferredTable::guess_of_files(&files, &options, from));
        assert_eq!((guessed.unwrap(), passes), (exact.clone(), 1));
    }
}

#[test]
fn several_files_are_not_looked_through_where_the_guess_is_right() {
    let dir = directory("\"changed before it is read\"");
    let files = TableFiles::find(&[dir.path()], None).unwrap();
    let options = ImportOptions { columns: Some(vec!["p".to_owned(), "a".to_owned()]), ..ImportOptions::default() };
    let guess = InferredTable::guess_of_files(&files, &options, 1).unwrap();
    std::fs::write(dir.path().join("p=2/c.jsonl"), "{\"a\": 4}\n").unwrap();
    let (guessed, passes) = taken(Ok(guess));
    assert_eq!((guessed.unwrap(), passes), (open_tables(&files, &options).and_then(whole).unwrap(), 1));
    assert!(matches!(tables_data(&files, &options).unwrap(), crate::Data::InferredTable(_)));
}
