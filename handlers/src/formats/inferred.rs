//! Tables whose column types are a guess that is confirmed while they are read.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatchReader;
use arrow::datatypes::SchemaRef;

use super::detect::Found;
use super::input::TableFile;
use super::{ImportOptions, csv, open_table};
use crate::error::HandlerResult;

type Reader = Box<dyn RecordBatchReader + Send>;

/// So many bytes of text are looked at for a guess.
const GUESSED_FROM: u64 = 4 << 20;
/// Most rows of a batch: these are worked on while the next are read, so that the first should not let wait.
const BATCH_ROWS: usize = 16_384;

/// The rows of a text file with the column types of its first rows. Who can begin anew, as adding a table can, needs to read
/// such a file only once, unless a later value shows that a column is of another type.
///
/// What comes out is what [`open_table`] gives: the types that hold all values.
pub struct InferredTable {
    path: PathBuf,
    options: ImportOptions,
    rows: Reader,
    misjudged: Arc<AtomicBool>,
}

impl InferredTable {
    pub(super) fn open(file: TableFile, found: &Found, options: &ImportOptions) -> HandlerResult<Self> {
        Self::guess(file, found, options, GUESSED_FROM)
    }

    fn guess(file: TableFile, found: &Found, options: &ImportOptions, from: u64) -> HandlerResult<Self> {
        let path = file.path.clone();
        let misjudged = Arc::new(AtomicBool::new(false));
        let small = ImportOptions { batch_size: options.batch_size.min(BATCH_ROWS), ..options.clone() };
        let rows = csv::open_guessing(file, found, &small, from, &misjudged)?;
        Ok(Self { path, options: options.clone(), rows, misjudged })
    }

    /// The columns, as far as the first rows tell.
    pub fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the rows to `take`. When their types turn out to be wrong, what it has done is void, and it is called again with
    /// all rows and the types that hold all values.
    ///
    /// # Errors
    /// As [`open_table`]; what `take` fails with.
    pub fn read_with<T>(self, mut take: impl FnMut(Reader) -> HandlerResult<T>) -> HandlerResult<T> {
        match take(self.rows) {
            Err(_) if self.misjudged.load(Ordering::Relaxed) => take(open_table(&self.path, &self.options)?),
            result => result,
        }
    }
}

impl fmt::Debug for InferredTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InferredTable").field("path", &self.path).field("schema", &self.schema()).finish()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::RecordBatch;
    use arrow::compute::concat_batches;

    use super::super::detect;
    use super::*;
    use crate::error::HandlerError;

    /// Rows of a file of eight columns, several times what is looked at at once.
    const ROWS: usize = 20_000;

    fn whole(reader: Reader) -> HandlerResult<RecordBatch> {
        let schema = reader.schema();
        let batches = reader.collect::<Result<Vec<_>, _>>().map_err(HandlerError::from)?;
        Ok(concat_batches(&schema, &batches)?)
    }

    /// What a guess gives, how often the file was read for it, and what all rows give.
    fn both(text: &str, options: &ImportOptions) -> (HandlerResult<RecordBatch>, usize, HandlerResult<RecordBatch>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        std::fs::write(&path, text).unwrap();
        let file = TableFile::open(&path).unwrap();
        let found = detect::resolve(&file, options).unwrap();
        let mut passes = 0;
        let guessed = InferredTable::guess(file, &found, options, 1).and_then(|table| {
            table.read_with(|reader| {
                passes += 1;
                whole(reader)
            })
        });
        (guessed, passes, open_table(&path, options).and_then(whole))
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
}
