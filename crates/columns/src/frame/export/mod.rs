//! The rows of a frame as files. A file appears under its name when it is whole, or not at all.

mod dictionaries;
mod flat;
mod npy;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::csv;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::{FileWriter, StreamWriter};
use arrow::json::writer::{LineDelimited, WriterBuilder};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use self::dictionaries::Dictionaries;
use super::open::{OpenOptions, Paths};
use super::{Frame, FrameBatches};
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::col;
use crate::hdf5::{Hdf5WriteOptions, Hdf5Writer, Rows, Target};
use crate::pass::PassOptions;

/// What a file of a frame's rows is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportFormat {
    /// An Arrow IPC file, which is mapped when it is opened.
    Arrow,
    /// An Arrow IPC stream.
    ArrowStream,
    /// Parquet, compressed with Zstandard.
    Parquet,
    /// HDF5 in the layout of Vaex.
    Hdf5(Hdf5WriteOptions),
    /// Comma-separated values with a line of names. Vectors and lists become text.
    Csv,
    /// A JSON object on each line.
    JsonLines,
    /// A `.npy` file of one column.
    Npy,
}

impl ExportFormat {
    /// The format that the ending of a name stands for.
    ///
    /// # Errors
    /// Where it stands for none.
    pub fn of_path(path: &Path) -> ColumnsResult<Self> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
        Ok(match ending.as_str() {
            "arrow" | "feather" | "ipc" => Self::Arrow,
            "arrows" => Self::ArrowStream,
            "parquet" | "pq" => Self::Parquet,
            "hdf5" | "h5" => Self::Hdf5(Hdf5WriteOptions::default()),
            "csv" => Self::Csv,
            "jsonl" | "ndjson" => Self::JsonLines,
            "npy" => Self::Npy,
            _ => {
                return Err(ColumnsError::option(format!(
                    "the ending of '{}' stands for no format: .arrow, .arrows, .feather, .parquet, .hdf5, .csv, .jsonl and .npy do",
                    path.display()
                )));
            }
        })
    }
}

/// How rows are written to a file.
#[derive(Debug, Clone, Default)]
pub struct ExportOptions {
    /// What the file is; none for what its ending says.
    pub format: Option<ExportFormat>,
    /// Threads, progress and cancellation. Formats that need to know more than the rows tell one by one (HDF5, `.npy`, and Arrow files
    /// with dictionaries) go through the rows more than once, and tell of each time.
    pub pass: PassOptions,
}

/// Copies the rows of files to a file of another format, for repeated work: an Arrow file is mapped and used as it lies.
///
/// What was begun and not finished is begun anew: nothing of it is left.
///
/// # Errors
/// Those of [`Frame::open`] and [`Frame::export`].
pub fn convert(
    from: impl Into<Paths>,
    open: &OpenOptions,
    to: impl AsRef<Path>,
    options: &ExportOptions,
) -> ColumnsResult<u64> {
    Frame::open_with(from, open)?.export_with(to, options)
}

impl Frame {
    /// Writes the rows that pass the filter to a file, whose ending says what it is. Says how many there were.
    ///
    /// # Errors
    /// Those of [`to_batches`](Self::to_batches), of columns that the format cannot hold, and of the file system. Nothing is left
    /// then, and a file that was there is as it was.
    pub fn export(&self, path: impl AsRef<Path>) -> ColumnsResult<u64> {
        self.export_with(path, &ExportOptions::default())
    }

    /// Writes the rows that pass the filter to a file, with options.
    ///
    /// # Errors
    /// Those of [`export`](Self::export), and [`Cancelled`](ColumnsError::Cancelled).
    pub fn export_with(&self, path: impl AsRef<Path>, options: &ExportOptions) -> ColumnsResult<u64> {
        let path = path.as_ref();
        let format = match &options.format {
            Some(format) => format.clone(),
            None => ExportFormat::of_path(path)?,
        };
        let job = Job { frame: self, path, pass: &options.pass };
        match format {
            ExportFormat::Arrow => job.arrow_file(),
            ExportFormat::ArrowStream => job.arrow_stream(),
            ExportFormat::Parquet => job.parquet(),
            ExportFormat::Hdf5(options) => job.hdf5(options),
            ExportFormat::Csv => job.csv(),
            ExportFormat::JsonLines => job.json_lines(),
            ExportFormat::Npy => job.npy(),
        }
    }
}

/// What is to be written where.
struct Job<'j> {
    frame: &'j Frame,
    path: &'j Path,
    pass: &'j PassOptions,
}

type Output = BufWriter<File>;

impl Job<'_> {
    fn batches(&self) -> ColumnsResult<FrameBatches> {
        self.frame.to_batches(self.pass)
    }

    fn io(&self, error: std::io::Error) -> ColumnsError {
        ColumnsError::io("write", self.path, error)
    }

    /// Writes a file under a temporary name, and brings it under its own when all is on the disk.
    fn written<T>(&self, write: impl FnOnce(Output) -> ColumnsResult<(T, Output)>) -> ColumnsResult<T> {
        let target = Target::create(self.path)?;
        let file = target.file.try_clone().map_err(|error| self.io(error))?;
        let (value, mut output) = write(BufWriter::with_capacity(1 << 20, file))?;
        output.flush().map_err(|error| self.io(error))?;
        drop(output);
        target.commit()?;
        Ok(value)
    }

    /// An error of a writer: where the file system failed, that is what is told.
    fn failed(&self, error: arrow::error::ArrowError) -> ColumnsError {
        match error {
            arrow::error::ArrowError::IoError(_, source) => self.io(source),
            other => other.into(),
        }
    }

    fn arrow_file(&self) -> ColumnsResult<u64> {
        // A file has one dictionary for each column, and parts of a frame may have others.
        let dictionaries = Dictionaries::gather(self.frame, self.pass)?;
        let batches = self.batches()?;
        let schema = dictionaries.schema(&batches.schema());
        self.written(|output| {
            let mut writer = FileWriter::try_new(output, &schema).map_err(|error| self.failed(error))?;
            let mut rows = 0;
            for batch in batches {
                let batch = dictionaries.applied(&batch?, &schema)?;
                rows += batch.num_rows() as u64;
                writer.write(&batch).map_err(|error| self.failed(error))?;
            }
            writer.finish().map_err(|error| self.failed(error))?;
            Ok((rows, writer.into_inner().map_err(|error| self.failed(error))?))
        })
    }

    fn arrow_stream(&self) -> ColumnsResult<u64> {
        let batches = self.batches()?;
        let schema = batches.schema();
        self.written(|output| {
            let mut writer = StreamWriter::try_new(output, &schema).map_err(|error| self.failed(error))?;
            let rows = each(batches, |batch| writer.write(batch).map_err(|error| self.failed(error)))?;
            writer.finish().map_err(|error| self.failed(error))?;
            Ok((rows, writer.into_inner().map_err(|error| self.failed(error))?))
        })
    }

    fn parquet(&self) -> ColumnsResult<u64> {
        let batches = self.batches()?;
        let schema = batches.schema();
        let failed = |error: ParquetError| match error {
            ParquetError::External(source) => match source.downcast::<std::io::Error>() {
                Ok(source) => self.io(*source),
                Err(other) => ColumnsError::Source(other),
            },
            other => ColumnsError::option(format!("cannot write '{}': {other}", self.path.display())),
        };
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        self.written(|output| {
            let mut writer = ArrowWriter::try_new(output, schema, Some(properties)).map_err(failed)?;
            let rows = each(batches, |batch| writer.write(batch).map_err(failed))?;
            Ok((rows, writer.into_inner().map_err(failed)?))
        })
    }

    fn csv(&self) -> ColumnsResult<u64> {
        let batches = self.batches()?;
        let schema = flat::schema(&batches.schema());
        self.written(|output| {
            let mut writer = csv::WriterBuilder::new().with_header(true).build(output);
            // The names, also where there are no rows.
            writer.write(&RecordBatch::new_empty(schema.clone())).map_err(|error| self.failed(error))?;
            let rows =
                each(batches, |batch| writer.write(&flat::batch(batch, &schema)?).map_err(|error| self.failed(error)))?;
            Ok((rows, writer.into_inner()))
        })
    }

    fn json_lines(&self) -> ColumnsResult<u64> {
        let batches = self.batches()?;
        self.written(|output| {
            let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(output);
            let rows = each(batches, |batch| writer.write(batch).map_err(|error| self.failed(error)))?;
            writer.finish().map_err(|error| self.failed(error))?;
            Ok((rows, writer.into_inner()))
        })
    }

    fn hdf5(&self, options: Hdf5WriteOptions) -> ColumnsResult<u64> {
        let rows = FrameRows {
            frame: self.frame,
            schema: self.frame.arrow_schema()?,
            rows: self.frame.count_rows(self.pass)?,
            pass: self.pass,
        };
        let mut writer = Hdf5Writer::create(self.path, options)?;
        // The rows tell of their progress themselves.
        writer.layout(&rows, None)?;
        let columns = rows.schema.fields().len();
        writer.write(&rows, 1 << 16, columns, 1, None)?;
        writer.finish()?;
        Ok(rows.rows)
    }
}

/// Hands all batches to a writer, and counts their rows.
fn each(batches: FrameBatches, mut write: impl FnMut(&RecordBatch) -> ColumnsResult<()>) -> ColumnsResult<u64> {
    let mut rows = 0;
    for batch in batches {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        write(&batch)?;
    }
    Ok(rows)
}

/// The rows of a frame, as the HDF5 writer walks them.
struct FrameRows<'f> {
    frame: &'f Frame,
    schema: SchemaRef,
    rows: u64,
    pass: &'f PassOptions,
}

impl Rows for FrameRows<'_> {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn batches(
        &self,
        columns: &[usize],
    ) -> ColumnsResult<Box<dyn Iterator<Item = ColumnsResult<RecordBatch>> + Send + '_>> {
        let names = columns.iter().filter_map(|column| self.frame.names.get(*column));
        let columns: Vec<_> = names.map(|name| (name.clone(), col(name.clone()))).collect();
        Ok(Box::new(self.frame.batches_of(&columns, self.pass)?))
    }
}

/// A field as text that may be missing.
fn text_field(field: &arrow::datatypes::Field) -> arrow::datatypes::FieldRef {
    Arc::new(field.clone().with_data_type(arrow::datatypes::DataType::LargeUtf8).with_nullable(true))
}
