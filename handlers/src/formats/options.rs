//! What a caller may say about a file that is to be read.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::{Compression, TableFormat};
use crate::error::{HandlerError, HandlerResult};
use crate::table::TableReadOptions;

/// Called now and then while a file is read: bytes of the file read so far, and how many there will be. A text file that is
/// read twice counts twice; that it has to be may turn out only on the way.
pub type Progress = Arc<dyn Fn(u64, Option<u64>) + Send + Sync>;

/// What stands for a missing value in a CSV or TSV file unless the caller says otherwise.
pub const DEFAULT_NULL_VALUES: [&str; 10] = ["", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "null", "NULL", "None"];

/// How to read a table file. The default takes everything from the file. An option that the file's format has no use for
/// (a delimiter for Parquet) is refused.
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
    /// What stands for a missing value, in every column, quoted or not; in JSON lines any plain value that is written so
    /// (`-99` is the number and the string). `None` is [`DEFAULT_NULL_VALUES`] in CSV and TSV, where `NaN` is a missing
    /// value as in pandas, and nothing but `null` in JSON lines.
    pub null_values: Option<Vec<String>>,
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

impl ImportOptions {
    /// The part of a table that this asks for: all rows of some columns.
    pub(super) fn part(&self) -> TableReadOptions {
        TableReadOptions { columns: self.columns.clone(), batch_rows: self.batch_size, ..TableReadOptions::default() }
    }

    /// Refuses what was given and files of this format have no use for: it would be ignored without a word.
    pub(super) fn refuse_for(&self, path: &Path, format: TableFormat) -> HandlerResult<()> {
        let default = Self::default();
        let is_csv = matches!(format, TableFormat::Csv | TableFormat::Tsv);
        let is_text = is_csv || format == TableFormat::JsonLines;
        let options = [
            ("delimiter", self.delimiter != default.delimiter, is_csv),
            ("has_header", self.has_header != default.has_header, is_csv),
            ("quote", self.quote != default.quote, is_csv),
            ("escape", self.escape != default.escape, is_csv),
            ("comment", self.comment != default.comment, is_csv),
            ("null_values", self.null_values != default.null_values, is_text),
            ("types", self.types != default.types, is_text),
        ];
        match options.into_iter().find(|(_, is_given, is_taken)| *is_given && !is_taken) {
            Some((option, ..)) => {
                Err(HandlerError::OptionNotTaken { path: path.to_owned(), option, format: format.as_str() })
            }
            None => Ok(()),
        }
    }
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
            null_values: None,
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
