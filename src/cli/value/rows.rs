//! Rows of a table: chosen, and written in the formats that other programs read.

use std::io::{self, Write};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::csv::WriterBuilder as CsvBuilder;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::writer::FileWriter;
use arrow::json::writer::{JsonArray, JsonFormat, LineDelimited, WriterBuilder as JsonBuilder};
use clap::ValueEnum;
use datafolio_core::ErrorCategory;
use datafolio_handlers::{HandlerError, arrow_field_type_name, column_places, unmarked, write_parquet};

use super::super::failure::{Failure, Outcome};
use super::times::refuse_without_text;
use crate::error::Error;
use crate::text::printable;

/// A stream of rows.
pub(in crate::cli) type Rows = Box<dyn RecordBatchReader + Send>;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum RowFormat {
    /// Comma-separated values, with the names of the columns in the first line.
    Csv,
    /// Tab-separated values.
    Tsv,
    /// One JSON object a line.
    Jsonl,
    /// A JSON array of objects.
    Json,
    /// Parquet.
    Parquet,
    /// An Arrow IPC file.
    Arrow,
}

/// How rows come out of a command: for people, or as they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Form {
    /// A list for people
    Table,
    /// Comma-separated values
    Csv,
    /// Tab-separated values
    Tsv,
    /// One JSON object a line
    Jsonl,
    /// One JSON array
    Json,
    /// Parquet
    Parquet,
    /// An Arrow IPC file
    Arrow,
}

impl Form {
    /// How rows are written; `None` where they are shown.
    pub(in crate::cli) fn row_format(self) -> Option<RowFormat> {
        Some(match self {
            Self::Table => return None,
            Self::Csv => RowFormat::Csv,
            Self::Tsv => RowFormat::Tsv,
            Self::Jsonl => RowFormat::Jsonl,
            Self::Json => RowFormat::Json,
            Self::Parquet => RowFormat::Parquet,
            Self::Arrow => RowFormat::Arrow,
        })
    }
}

/// The extensions of files that rows are written to, for messages.
pub(in crate::cli) const EXTENSIONS: &str = "*.parquet, *.csv, *.tsv, *.jsonl, *.json or *.arrow";

impl RowFormat {
    /// The format of a file, by its extension in lower case.
    pub(in crate::cli) fn of_extension(extension: &str) -> Option<Self> {
        Some(match extension {
            "parquet" | "pq" => Self::Parquet,
            "csv" => Self::Csv,
            "tsv" | "tab" => Self::Tsv,
            "jsonl" | "ndjson" => Self::Jsonl,
            "json" => Self::Json,
            "arrow" | "feather" | "ipc" => Self::Arrow,
            _ => return None,
        })
    }
}

/// Which part of a table is wanted.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Part {
    /// The table, as errors name it.
    pub(in crate::cli) table: String,
    /// These columns, in this order; empty for all.
    pub(in crate::cli) columns: Vec<String>,
    /// At most so many rows.
    pub(in crate::cli) limit: Option<usize>,
}

/// The wanted part of a table.
///
/// # Errors
/// A column that the table does not have, or that is asked for twice.
pub(in crate::cli) fn part(rows: Rows, part: &Part) -> Outcome<Rows> {
    let schema = rows.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let columns = column_places(&part.table, &names, &part.columns)?;
    let columns = (!columns.is_empty()).then_some(columns);
    let schema = match &columns {
        Some(columns) => schema.project(columns).map_err(HandlerError::from)?.into(),
        None => schema,
    };
    Ok(Box::new(PartReader { rows, schema, columns, left: part.limit }))
}

struct PartReader {
    rows: Rows,
    schema: SchemaRef,
    columns: Option<Vec<usize>>,
    left: Option<usize>,
}

impl Iterator for PartReader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == Some(0) {
            return None;
        }
        let batch = match self.rows.next()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(error)),
        };
        let batch = match self.left.as_mut() {
            Some(left) => {
                let taken = batch.num_rows().min(*left);
                *left -= taken;
                batch.slice(0, taken)
            }
            None => batch,
        };
        Some(match &self.columns {
            Some(columns) => batch.project(columns),
            None => Ok(batch),
        })
    }
}

impl RecordBatchReader for PartReader {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

/// Writes rows, batch by batch, as Parquet with so many threads; returns how many there were. An error of `out` comes as [`Failure::Output`].
///
/// # Errors
/// Rows that cannot be read, values that the format cannot hold, errors of `out`.
pub(in crate::cli) fn write<W: Write + Send>(rows: Rows, format: RowFormat, threads: usize, out: W) -> Outcome<usize> {
    let mut out = Remember { out, failure: None };
    let rows = unmarked(rows);
    let written = match format {
        RowFormat::Csv => write_csv(rows, b',', &mut out),
        RowFormat::Tsv => write_csv(rows, b'\t', &mut out),
        RowFormat::Jsonl => write_json::<LineDelimited, _>(rows, &mut out),
        RowFormat::Json => {
            write_json::<JsonArray, _>(rows, &mut out).and_then(|count| Ok(writeln!(out).map(|()| count)?))
        }
        RowFormat::Parquet => write_parquet("result", rows, threads, &mut out)
            .map(|written| usize::try_from(written.rows).unwrap_or(usize::MAX))
            .map_err(Failure::from),
        RowFormat::Arrow => write_arrow(rows, &mut out),
    };
    match (written, out.failure) {
        (_, Some(failure)) => Err(Failure::Output(failure)),
        (written, None) => written,
    }
}

/// Keeps an error of writing as it was: the formats turn it into text.
struct Remember<W> {
    out: W,
    failure: Option<io::Error>,
}

impl<W> Remember<W> {
    fn keep<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let kind = error.kind();
            if kind != io::ErrorKind::Interrupted {
                self.failure.get_or_insert(error);
            }
            kind.into()
        })
    }
}

impl<W: Write> Write for Remember<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.out.write(bytes);
        self.keep(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.out.flush();
        self.keep(result)
    }
}

/// An error of reading the rows, or of a format that cannot hold them.
fn refused(error: ArrowError) -> Failure {
    Error::from(error).into()
}

fn write_csv<W: Write>(rows: Rows, delimiter: u8, out: &mut Remember<W>) -> Outcome<usize> {
    let schema = rows.schema();
    // Said before the first line, which would be there without any rows.
    if let Some(nested) = schema.fields().iter().find(|field| field.data_type().is_nested()) {
        let (of, name) = (arrow_field_type_name(nested), printable(nested.name()));
        let message = format!("the {of} values of column '{name}' have no CSV form");
        return Err(Failure::new("unsupported", ErrorCategory::Unsupported, message).hint("take JSON lines (jsonl)"));
    }
    let mut writer = CsvBuilder::new().with_header(true).with_delimiter(delimiter).build(out);
    let mut count = 0;
    for batch in rows {
        let batch = batch.map_err(refused)?;
        refuse_without_text(&batch, count)?;
        count += batch.num_rows();
        writer.write(&batch).map_err(refused)?;
    }
    if count == 0 {
        // The names of the columns come with the first batch.
        writer.write(&RecordBatch::new_empty(schema)).map_err(refused)?;
    }
    Ok(count)
}

fn write_json<F: JsonFormat, W: Write>(rows: Rows, out: &mut Remember<W>) -> Outcome<usize> {
    let mut writer = JsonBuilder::new().with_explicit_nulls(true).build::<_, F>(out);
    let mut count = 0;
    for batch in rows {
        let batch = batch.map_err(refused)?;
        refuse_without_text(&batch, count)?;
        count += batch.num_rows();
        writer.write(&batch).map_err(refused)?;
    }
    writer.finish().map_err(refused)?;
    Ok(count)
}

fn write_arrow<W: Write>(rows: Rows, out: &mut Remember<W>) -> Outcome<usize> {
    let mut writer = FileWriter::try_new(out, &rows.schema()).map_err(refused)?;
    let mut count = 0;
    for batch in rows {
        let batch = batch.map_err(refused)?;
        count += batch.num_rows();
        writer.write(&batch).map_err(refused)?;
    }
    writer.finish().map_err(refused)?;
    Ok(count)
}
