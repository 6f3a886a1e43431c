//! Files outside the bundle, opened as streams of record batches.
//!
//! [`open_table`] takes a Parquet, CSV, TSV, JSON lines or Arrow file and gives its rows batch by batch, in memory that
//! does not grow with the file. Text files are read twice: once to find the columns' types over all rows, once to give
//! the rows. [`table_data`] is for adding a table, which reads them once where their first rows tell the types of all.
//! [`TableFiles`] finds the files of a directory or pattern, and [`open_tables`] takes them as one table.
//!
//! # Types of text columns
//!
//! A column gets the narrowest type that holds *every* one of its values (whole numbers beyond 2^53 in a column
//! that also has fractions are rounded, as `float64` does):
//!
//! | values | type |
//! | --- | --- |
//! | `true` `True` `TRUE` `false` `False` `FALSE` | bool |
//! | integers | int64; uint64 when one needs it and none is negative; beyond that string |
//! | numbers, one of them with a point or exponent; `inf`, `NaN` | float64 |
//! | `2024-01-31` | date32 |
//! | `2024-01-31T12:30`, with a space for the `T`, seconds and fraction optional | timestamp\[us\], \[ns\] when digits need it |
//! | the same with `Z` or an offset on every value | timestamp\[us, UTC\] |
//! | anything else, mixtures of the above, and columns without a value | string |
//!
//! Integers with a leading zero or `+` (`007`, `+49...`) are codes, not numbers: their column stays a string. Quotes make
//! no difference to the type. Spaces around a number, date or bool are ignored; in strings they are kept. Missing values
//! ([`ImportOptions::null_values`]) become nulls in every column, so an integer column with gaps stays int64.
//!
//! [`ImportOptions::types`] overrides all this, in JSON lines as well. A value that the given type does not hold exactly is
//! an error: a fraction as integer, too many decimals, digits of a second that the unit does not have, a whole number that
//! a float does not hold. Fractions become the nearest float.

mod csv;
mod dataset;
mod detect;
mod file_place;
mod glob;
mod gzip;
mod hdf5;
mod hive;
mod inferred;
mod input;
mod ipc;
mod json_lines;
mod kept_failure;
mod npy_table;
mod options;
mod parquet_file;
mod table_files;
mod types;
mod widen;
mod zip_member;

use std::fmt;
use std::path::Path;

use arrow::array::{RecordBatch, RecordBatchReader};

use crate::data::Data;
use crate::error::{HandlerError, HandlerResult};
use crate::guard::{Batches, GuardedReader, words};
use crate::referenced_table::without_secrets;
use crate::table::{TableReadOptions, Window};

pub(crate) use datafolio_core::quoted;
pub(crate) use dataset::{layout, open_tables_part, rows_by_head};
pub(crate) use file_place::FilePlace;
pub(crate) use glob::is_pattern;
pub(crate) use hive::{partition_array, unescape as percent_decoded};
pub(crate) use types::deep_type;

pub use dataset::{open_tables, tables_data};
pub use inferred::InferredTable;
pub use options::{DEFAULT_NULL_VALUES, ImportOptions, Progress};
pub(crate) use parquet_file::look_into;
pub use parquet_file::{ParquetFacts, parquet_facts};
pub use table_files::TableFiles;
pub use types::{import_types, parse_type, types_within};

/// The rows of a table, batch by batch.
type Rows = Box<dyn RecordBatchReader + Send>;

/// A batch is given out when its values reach this size, however few rows it then has.
pub(crate) const BATCH_BYTES: usize = 32 << 20;
/// Longest record (CSV) or line (JSON lines). An unclosed quote makes the rest of a file one field, and this is where
/// reading it stops.
const MAX_RECORD: usize = 64 << 20;
/// Most columns of a text file: far more than any table has, and few enough to hold the state of each.
const MAX_COLUMNS: usize = 250_000;

/// How a table file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TableFormat {
    /// Apache Parquet.
    Parquet,
    /// Text, one record a line, fields separated by commas (or another given delimiter).
    Csv,
    /// Text, fields separated by tabs.
    Tsv,
    /// Text, one JSON object a line.
    JsonLines,
    /// Arrow IPC, file or stream; Feather version 2 is the file form.
    Arrow,
    /// numpy's `.npy`: a column, of vectors where the array has two dimensions.
    Npy,
    /// HDF5: a group of columns as Vaex writes them, or datasets of one length.
    Hdf5,
}

impl TableFormat {
    /// The format by its name, as a person or a record writes it.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "parquet" | "pq" => Self::Parquet,
            "csv" => Self::Csv,
            "tsv" | "tab" => Self::Tsv,
            "jsonl" | "ndjson" | "jsonlines" | "json_lines" => Self::JsonLines,
            "arrow" | "feather" | "ipc" => Self::Arrow,
            "npy" | "numpy" => Self::Npy,
            "hdf5" | "h5" => Self::Hdf5,
            _ => return None,
        })
    }

    /// Format and compression by the name of a file, in any case: `x.csv`, `x.CSV.gz`, `x.jsonl.zip`. Of `x.zip` only
    /// the compression is known, and of `x.txt` only that it is text: both give `None` here, and [`open_table`] looks
    /// into the file.
    pub fn from_path(path: &Path) -> Option<(Self, Compression)> {
        let (format, compression) = detect::by_name(path);
        Some((format?, compression))
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::JsonLines => "jsonl",
            Self::Arrow => "arrow",
            Self::Npy => "npy",
            Self::Hdf5 => "hdf5",
        }
    }
}

impl fmt::Display for TableFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a text file is wrapped in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Compression {
    /// Nothing.
    #[default]
    None,
    /// Gzip, one or more members.
    Gzip,
    /// A zip archive with one file in it.
    Zip,
}

/// Opens a table file as a stream of record batches.
///
/// What goes wrong while the rows are read comes as an [`ArrowError`](arrow::error::ArrowError) that carries a
/// [`HandlerError`]; `HandlerError::from` takes it out.
///
/// # Errors
/// [`HandlerError::FileNotFound`]; [`HandlerError::BadFile`] for a file that is not what it should be, with the line and
/// column where a text file breaks; [`HandlerError::NeedsOption`] when its name does not tell its format, or its fields
/// are separated by something else; [`HandlerError::OptionNotTaken`], [`HandlerError::UnknownColumn`] and
/// [`HandlerError::Invalid`] for options that do not fit the file; [`HandlerError::Unsupported`] for a URL.
pub fn open_table(path: &Path, options: &ImportOptions) -> HandlerResult<Rows> {
    refuse_url(path)?;
    open_part(&FilePlace::here(path), options, &options.part())
}

/// Opens the wanted part of one table file. `part` says which columns and how large the batches, not `options`. Of a Parquet
/// file only what holds the wanted rows is read, of others all up to the last wanted row.
///
/// # Errors
/// As [`open_table`].
pub(crate) fn open_part(place: &FilePlace, options: &ImportOptions, part: &TableReadOptions) -> HandlerResult<Rows> {
    let file = input::TableFile::open(place)?;
    let found = detect::resolve(&file, options)?;
    open_found(file, &found, options, part)
}

fn open_found(
    file: input::TableFile,
    found: &detect::Found,
    options: &ImportOptions,
    part: &TableReadOptions,
) -> HandlerResult<Rows> {
    options.refuse_for(&file.path, found.format)?;
    let path = file.path.clone();
    let all = ImportOptions { columns: part.columns.clone(), batch_size: part.batch_rows, ..options.clone() };
    let rows = match found.format {
        TableFormat::Parquet => return parquet_file::open(file, options, part),
        TableFormat::Arrow => return ipc::open(file, options, part),
        TableFormat::Npy => return npy_table::open_one(file, options, part),
        TableFormat::Hdf5 => return hdf5::open(file, options, part),
        TableFormat::Csv | TableFormat::Tsv => csv::open(file, found, &all)?,
        TableFormat::JsonLines => json_lines::open(file, found, &all)?,
    };
    Ok(if part.wants_all_rows() { rows } else { some_rows(&path, rows, part) })
}

/// The wanted rows of a file that has to be read from its start.
fn some_rows(path: &Path, rows: Rows, part: &TableReadOptions) -> Rows {
    struct Inner(Rows);

    impl Batches for Inner {
        fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
            Ok(self.0.next().transpose()?)
        }
    }

    let schema = rows.schema();
    let window = Window::new(Inner(rows), path.to_owned(), schema.clone(), None).with_part(part);
    Box::new(GuardedReader::new(path, schema, window))
}

/// The value to add for a table file: its rows, or the file as it is where it is Parquet, nothing is to be left out and the
/// caller keeps tables as Parquet.
///
/// # Errors
/// As [`open_table`]; what is wrong within a Parquet file that is taken as it is comes when it is added.
pub fn table_data(path: &Path, options: &ImportOptions, keeps_parquet: bool) -> HandlerResult<Data> {
    let (named, compression) = detect::by_name(path);
    let is_parquet = options.format.or(named) == Some(TableFormat::Parquet)
        && options.compression.unwrap_or(compression) == Compression::None;
    if keeps_parquet && is_parquet && options.columns.is_none() {
        refuse_url(path)?;
        options.refuse_for(path, TableFormat::Parquet)?;
        return Ok(Data::ParquetFile(path.to_owned()));
    }
    refuse_url(path)?;
    let file = input::TableFile::open(&FilePlace::here(path))?;
    let found = detect::resolve(&file, options)?;
    let is_text = matches!(found.format, TableFormat::Csv | TableFormat::Tsv | TableFormat::JsonLines);
    if is_text && options.infer_rows.is_none() {
        options.refuse_for(path, found.format)?;
        return Ok(Data::InferredTable(InferredTable::open(file, &found, options)?));
    }
    Ok(Data::Table(open_found(file, &found, options, &options.part())?))
}

/// An address is no file that is missing.
fn refuse_url(path: &Path) -> HandlerResult<()> {
    let text = path.to_string_lossy();
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if scheme.len() < 2 || !scheme.bytes().all(is_word) || path.exists() {
        return Ok(());
    }
    Err(HandlerError::Unsupported {
        what: format!("reading {}", without_secrets(&text)),
        needs: "a file on this machine: this release reads no URLs, so download it first".to_owned(),
    })
}

fn bad(path: &Path, reason: impl Into<String>) -> HandlerError {
    HandlerError::BadFile { path: path.to_owned(), reason: reason.into() }
}

fn invalid(path: &Path, reason: impl Into<String>) -> HandlerError {
    HandlerError::Invalid { item: path.display().to_string(), reason: reason.into() }
}

/// A decoder's own error about a file.
fn decoder_error(path: &Path, what: &str, error: impl fmt::Display) -> HandlerError {
    bad(path, format!("{what}: {}", words(error)))
}

#[cfg(test)]
mod tests;
