//! Guesses, confirmed and refuted.

mod json_lines;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;

use super::super::detect;
use super::*;
use crate::error::HandlerError;
use crate::formats::FilePlace;

/// Rows of a file of eight columns, several times what is looked at at once.
const ROWS: usize = 20_000;

fn whole(reader: Reader) -> HandlerResult<RecordBatch> {
    let schema = reader.schema();
    let batches = reader.collect::<Result<Vec<_>, _>>().map_err(HandlerError::from)?;
    Ok(concat_batches(&schema, &batches)?)
}

/// What a guess gives, how often the file was read for it, and what all rows give.
type Both = (HandlerResult<RecordBatch>, usize, HandlerResult<RecordBatch>);

fn both(text: &str, options: &ImportOptions) -> Both {
    both_of("x.csv", text.as_bytes(), options)
}

fn both_of(name: &str, text: &[u8], options: &ImportOptions) -> Both {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    let file = TableFile::open(&FilePlace::here(&path)).unwrap();
    let found = detect::resolve(&file, options).unwrap();
    let (guessed, passes) = taken(InferredTable::guess(file, &found, options, 1));
    (guessed, passes, open_table(&path, options).and_then(whole))
}

/// All rows of a guess, and how often they were asked for.
fn taken(table: HandlerResult<InferredTable>) -> (HandlerResult<RecordBatch>, usize) {
    let mut passes = 0;
    let guessed = table.and_then(|table| {
        table.read_with(|reader| {
            passes += 1;
            whole(reader)
        })
    });
    (guessed, passes)
}

/// Columns of these values, but for one value in one row.
fn file(usual: [&str; 8], odd: &str, column: usize, row: usize) -> String {
    let mut text = "a,b,c,d,e,f,g,h\n".to_owned();
    for n in 0..ROWS {
        let value = |at: usize| if (at, n) == (column, row) { odd } else { usual[at] };
        let values: Vec<&str> = (0..8).map(value).collect();
        text.push_str(&values.join(","));
        text.push('\n');
    }
    text
}

#[test]
fn a_guess_gives_the_types_that_all_rows_give() {
    let usual = ["1", "2.5", "true", "2024-01-31", "2024-01-31T12:00:00", "", "text", "+1"];
    let odd = [
        "1",
        "-1",
        "+1",
        "007",
        "1.5",
        "18446744073709551615",
        "99999999999999999999",
        "true",
        "2024-02-01",
        "2024-01-31T12:00:00.123456789",
        "2024-01-31T12:00:00Z",
        "9999-12-31",
        "NA",
        " 3 ",
        "inf",
        "word",
    ];
    let default = ImportOptions::default();
    let mut again = 0;
    for column in 0..8 {
        for odd in odd {
            let text = file(usual, odd, column, ROWS - 7);
            let (guessed, passes, exact) = both(&text, &default);
            assert_eq!(guessed.unwrap(), exact.unwrap(), "{odd} in column {column}");
            again += usize::from(passes == 2);
        }
    }
    // Most of these are of another type than the others of their column, and not of a string's.
    assert!((60..=100).contains(&again), "{again}");
}

#[test]
fn a_file_is_read_once_where_the_guess_is_right() {
    let usual = ["1", "2.5", "true", "2024-01-31", "2024-01-31T12:00:00", "", "text", "+1"];
    for (column, odd) in [(0, "-7"), (1, "3"), (6, "1"), (5, ""), (3, "NA")] {
        let (guessed, passes, exact) = both(&file(usual, odd, column, ROWS - 1), &ImportOptions::default());
        assert_eq!((guessed.unwrap(), passes), (exact.unwrap(), 1), "{odd} in column {column}");
    }
    let (guessed, passes, exact) = both("a,b\n1,x\n", &ImportOptions::default());
    assert_eq!((guessed.unwrap(), passes), (exact.unwrap(), 1));
}

#[test]
fn given_types_are_no_guess_and_errors_are_the_same() {
    let usual = ["1"; 8];
    let mut given = ImportOptions::default();
    given.types.insert("c".to_owned(), "int64".to_owned());
    for (text, options) in [
        (file(usual, "x", 2, ROWS - 1), &given),
        (file(usual, "1,1", 2, ROWS - 1), &ImportOptions::default()),
        (file(usual, "\"1", 2, ROWS - 1), &ImportOptions::default()),
        (file(usual, "\0", 2, ROWS - 1), &ImportOptions::default()),
    ] {
        let (guessed, _, exact) = both(&text, options);
        let (guessed, exact) = (guessed.unwrap_err().to_string(), exact.unwrap_err().to_string());
        assert_eq!(guessed, exact);
    }
}
