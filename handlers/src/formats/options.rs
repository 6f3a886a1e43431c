//! What a caller may say about a file that is to be read.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{Compression, TableFormat};

/// Called now and then while a file is read: bytes of the file read so far, and how many there will be. A text file is
/// read twice and counts twice.
pub type Progress = Arc<dyn Fn(u64, Option<u64>) + Send + Sync>;

/// What stands for a missing value in a text file unless the caller says otherwise.
pub const DEFAULT_NULL_VALUES: [&str; 10] = ["", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "null", "NULL", "None"];

/// How to read a table file. The default takes everything from the file.
#[derive(Clone)]
#[non_exhaustive]
pub struct ImportOptions {
    /// The format; `None` takes it from the file's name, or its first bytes where the name says nothing.
    pub format: Option<TableFormat>,
    /// The compression of a text file; `None` takes it from the name and the first bytes.
    pub compression: Option<Compression>,
    /// What separates fields; `None` is a comma for CSV and a tab for TSV. ASCII.
    pub delimiter: Option<u8>,
    /// Whether the first record holds the names of the columns. Without, they are `column_1`, `column_2`, ...
    pub has_header: bool,
    /// What fields with delimiters or line ends in them are wrapped in; doubled, it stands for itself. `None`: nothing is.
    pub quote: Option<u8>,
    /// What makes the next character of a quoted field stand for itself, besides doubling the quote.
    pub escape: Option<u8>,
    /// Lines that begin with it are skipped.
    pub comment: Option<u8>,
    /// What stands for a missing value, in every column, quoted or not. See [`DEFAULT_NULL_VALUES`]: as in pandas, `NaN`
    /// is a missing value.
    pub null_values: Vec<String>,
    /// Types of columns, instead of what is found: `int64`, `float64`, `string`, `bool`, `date`, `timestamp[us, UTC]` and
    /// more (see [`parse_type`](super::parse_type)).
    pub types: BTreeMap<String, String>,
    /// The columns to read, in this order; `None` is all, in the order of the file.
    pub columns: Option<Vec<String>>,
    /// Most rows of one batch.
    pub batch_size: usize,
    /// How many rows of a text file are looked at to find the columns' types; `None` is all of them. With fewer, a later
    /// value that does not fit is an error.
    pub infer_rows: Option<u64>,
    /// Is told how far reading has come.
    pub progress: Option<Progress>,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            format: None,
            compression: None,
            delimiter: None,
            has_header: true,
            quote: Some(b'"'),
            escape: None,
            comment: None,
            null_values: DEFAULT_NULL_VALUES.iter().map(|&text| text.to_owned()).collect(),
            types: BTreeMap::new(),
            columns: None,
            batch_size: 65_536,
            infer_rows: None,
            progress: None,
        }
    }
}

impl fmt::Debug for ImportOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportOptions")
            .field("format", &self.format)
            .field("compression", &self.compression)
            .field("delimiter", &self.delimiter.map(char::from))
            .field("has_header", &self.has_header)
            .field("quote", &self.quote.map(char::from))
            .field("escape", &self.escape.map(char::from))
            .field("comment", &self.comment.map(char::from))
            .field("null_values", &self.null_values)
            .field("types", &self.types)
            .field("columns", &self.columns)
            .field("batch_size", &self.batch_size)
            .field("infer_rows", &self.infer_rows)
            .field("progress", &self.progress.is_some())
            .finish()
    }
}
