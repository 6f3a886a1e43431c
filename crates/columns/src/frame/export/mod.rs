//! The rows of a frame as files. A file appears under its name when it is whole, or not at all.

mod dictionaries;
mod flat;
mod npy;
mod partitions;
mod parts;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use self::dictionaries::Dictionaries;
pub use self::partitions::PartitionOptions;
pub use self::parts::{Parts, write_parts};
use self::writer::RowWriter;
pub(crate) use self::writer::failed;
use super::Frame;
use super::open::{OpenOptions, Paths};
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::col;
use crate::hdf5::{Hdf5WriteOptions, Hdf5Writer, Rows};
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
            ExportFormat::Hdf5(options) => job.hdf5(options),
            ExportFormat::Npy => job.npy(),
            format => job.rows(&format),
        }
    }

    /// Writes the rows that pass the filter to an HDF5 file without a name in a directory, and tells how many there are. It is gone once
    /// nobody has it open.
    ///
    /// # Errors
    /// Those of [`export_with`](Self::export_with).
    pub fn to_hdf5_file(
        &self,
        dir: &Path,
        options: &Hdf5WriteOptions,
        pass: &PassOptions,
    ) -> ColumnsResult<(File, u64)> {
        let mut writer = Hdf5Writer::unnamed(dir, options)?;
        let rows = Job { frame: self, path: dir, pass }.fill(&mut writer)?;
        Ok((writer.into_file()?, rows))
    }
}

/// What is to be written where.
struct Job<'j> {
    frame: &'j Frame,
    path: &'j Path,
    pass: &'j PassOptions,
}

impl Job<'_> {
    /// Formats that take rows as they come.
    fn rows(&self, format: &ExportFormat) -> ColumnsResult<u64> {
        // An Arrow file has one dictionary for each column, and parts of a frame may have others.
        let dictionaries = match format {
            ExportFormat::Arrow => Dictionaries::gather(self.frame, self.pass)?,
            _ => Dictionaries::default(),
        };
        let batches = self.frame.to_batches(self.pass)?;
        let schema = dictionaries.schema(&batches.schema());
        let mut writer = RowWriter::create(self.path, format, &schema)?;
        for batch in batches {
            writer.write(&dictionaries.applied(&batch?, &schema)?)?;
        }
        writer.finish()
    }

    fn hdf5(&self, options: Hdf5WriteOptions) -> ColumnsResult<u64> {
        let mut writer = Hdf5Writer::create(self.path, options)?;
        let rows = self.fill(&mut writer)?;
        writer.finish()?;
        Ok(rows)
    }

    fn fill(&self, writer: &mut Hdf5Writer) -> ColumnsResult<u64> {
        let rows = FrameRows {
            frame: self.frame,
            schema: self.frame.arrow_schema()?,
            rows: self.frame.count_rows(self.pass)?,
            pass: self.pass,
        };
        // The rows tell of their progress themselves.
        writer.layout(&rows, None)?;
        let columns = rows.schema.fields().len();
        writer.write(&rows, 1 << 16, columns, 1, None)?;
        Ok(rows.rows)
    }
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
