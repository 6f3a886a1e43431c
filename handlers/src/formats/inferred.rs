//! Tables whose column types are a guess that is confirmed while they are read.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatchReader;
use arrow::datatypes::SchemaRef;

use super::dataset::{open_tables, open_tables_guessing};
use super::detect::Found;
use super::input::TableFile;
use super::table_files::TableFiles;
use super::{ImportOptions, TableFormat, csv, json_lines, open_table};
use crate::error::HandlerResult;

type Reader = Box<dyn RecordBatchReader + Send>;

/// So many bytes of text are looked at for a guess.
const GUESSED_FROM: u64 = 4 << 20;
/// Most rows of a batch: these are worked on while the next are read, so that the first should not let wait.
const BATCH_ROWS: usize = 16_384;

/// What can be read again.
enum Source {
    File(PathBuf),
    Files(TableFiles),
}

/// The rows of a text file, or of several, with the column types of its first rows. Who can begin anew, as adding a table can, needs to read
/// such a file only once, unless a later value shows that a column is of another type.
///
/// What comes out is what [`open_table`] and [`open_tables`] give: the types that hold all values.
pub struct InferredTable {
    source: Source,
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
        let small = small(options);
        let rows = match found.format {
            TableFormat::JsonLines => json_lines::open_guessing(file, found, &small, from, &misjudged)?,
            _ => csv::open_guessing(file, found, &small, from, &misjudged)?,
        };
        Ok(Self { source: Source::File(path), options: options.clone(), rows, misjudged })
    }

    /// JSON lines in several files.
    pub(super) fn of_files(files: &TableFiles, options: &ImportOptions) -> HandlerResult<Self> {
        Self::guess_of_files(files, options, GUESSED_FROM)
    }

    fn guess_of_files(files: &TableFiles, options: &ImportOptions, from: u64) -> HandlerResult<Self> {
        let misjudged = Arc::new(AtomicBool::new(false));
        let rows = open_tables_guessing(files, &small(options), from, &misjudged)?;
        Ok(Self { source: Source::Files(files.clone()), options: options.clone(), rows, misjudged })
    }

    /// The columns, as far as the first rows tell.
    pub fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    /// The file, or what the files were found by.
    pub fn path(&self) -> &Path {
        match &self.source {
            Source::File(path) => path,
            Source::Files(files) => &files.place,
        }
    }

    /// Gives the rows to `take`. When their types turn out to be wrong, what it has done is void, and it is called again with
    /// all rows and the types that hold all values.
    ///
    /// # Errors
    /// As [`open_table`] and [`open_tables`]; what `take` fails with.
    pub fn read_with<T>(self, mut take: impl FnMut(Reader) -> HandlerResult<T>) -> HandlerResult<T> {
        match take(self.rows) {
            Err(_) if self.misjudged.load(Ordering::Relaxed) => take(match &self.source {
                Source::File(path) => open_table(path, &self.options)?,
                Source::Files(files) => open_tables(files, &self.options)?,
            }),
            result => result,
        }
    }
}

/// The options, with batches that do not let wait.
fn small(options: &ImportOptions) -> ImportOptions {
    ImportOptions { batch_size: options.batch_size.min(BATCH_ROWS), ..options.clone() }
}

impl fmt::Debug for InferredTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InferredTable").field("path", &self.path()).field("schema", &self.schema()).finish()
    }
}

#[cfg(test)]
mod tests;
