//! The writers of formats that take rows as they come.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::csv;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::writer::{FileWriter, StreamWriter};
use arrow::json::LineDelimitedWriter;
use arrow::json::writer::{LineDelimited, WriterBuilder};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::{ExportFormat, flat};
use crate::error::{ColumnsError, ColumnsResult};
use crate::hdf5::Target;

type Output = BufWriter<File>;

/// A file that rows are written to one batch after the other. It appears under its name when it is finished.
pub(super) struct RowWriter<'p> {
    path: &'p Path,
    target: Target,
    writer: Writer,
    rows: u64,
}

enum Writer {
    File(FileWriter<Output>),
    Stream(StreamWriter<Output>),
    Parquet(Box<ArrowWriter<Output>>),
    Csv(csv::Writer<Output>, SchemaRef),
    JsonLines(Box<LineDelimitedWriter<Output>>),
}

impl<'p> RowWriter<'p> {
    /// Makes the file.
    ///
    /// # Errors
    /// Those of the file system, and of formats that need to know more than rows tell one by one.
    pub(super) fn create(path: &'p Path, format: &ExportFormat, schema: &SchemaRef) -> ColumnsResult<Self> {
        let target = Target::create(path)?;
        let file = target.file.try_clone().map_err(|error| ColumnsError::io("write", path, error))?;
        let output = BufWriter::with_capacity(1 << 20, file);
        let of_arrow = |error| failed(error, path);
        let writer = match format {
            ExportFormat::Arrow => Writer::File(FileWriter::try_new(output, schema).map_err(of_arrow)?),
            ExportFormat::ArrowStream => Writer::Stream(StreamWriter::try_new(output, schema).map_err(of_arrow)?),
            ExportFormat::Parquet => {
                let zstd = Compression::ZSTD(ZstdLevel::default());
                let properties = WriterProperties::builder().set_compression(zstd).build();
                let writer = ArrowWriter::try_new(output, schema.clone(), Some(properties));
                Writer::Parquet(Box::new(writer.map_err(|error| of_parquet(error, path))?))
            }
            ExportFormat::Csv => {
                let schema = flat::schema(schema);
                let mut writer = csv::WriterBuilder::new().with_header(true).build(output);
                // The names, also where there are no rows.
                writer.write(&RecordBatch::new_empty(schema.clone())).map_err(of_arrow)?;
                Writer::Csv(writer, schema)
            }
            ExportFormat::JsonLines => Writer::JsonLines(Box::new(
                WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(output),
            )),
            ExportFormat::Hdf5(_) | ExportFormat::Npy => {
                return Err(ColumnsError::option(
                    "HDF5 and .npy files are not written in parts: choose Arrow, Parquet, CSV or JSON lines",
                ));
            }
        };
        Ok(Self { path, target, writer, rows: 0 })
    }

    /// Rows that were written.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> ColumnsResult<()> {
        self.rows += batch.num_rows() as u64;
        let path = self.path;
        match &mut self.writer {
            Writer::File(writer) => writer.write(batch).map_err(|error| failed(error, path)),
            Writer::Stream(writer) => writer.write(batch).map_err(|error| failed(error, path)),
            Writer::Parquet(writer) => writer.write(batch).map_err(|error| of_parquet(error, path)),
            Writer::Csv(writer, schema) => {
                writer.write(&flat::batch(batch, schema)?).map_err(|error| failed(error, path))
            }
            Writer::JsonLines(writer) => writer.write(batch).map_err(|error| failed(error, path)),
        }
    }

    /// Brings the file to the disk and under its name. Says how many rows it has.
    pub(super) fn finish(self) -> ColumnsResult<u64> {
        let path = self.path;
        let of_arrow = |error| failed(error, path);
        let mut output = match self.writer {
            Writer::File(mut writer) => {
                writer.finish().map_err(of_arrow)?;
                writer.into_inner().map_err(of_arrow)?
            }
            Writer::Stream(mut writer) => {
                writer.finish().map_err(of_arrow)?;
                writer.into_inner().map_err(of_arrow)?
            }
            Writer::Parquet(writer) => writer.into_inner().map_err(|error| of_parquet(error, path))?,
            Writer::Csv(writer, _) => writer.into_inner(),
            Writer::JsonLines(mut writer) => {
                writer.finish().map_err(of_arrow)?;
                writer.into_inner()
            }
        };
        output.flush().map_err(|error| ColumnsError::io("write", path, error))?;
        drop(output);
        self.target.commit()?;
        Ok(self.rows)
    }
}

/// An error of a writer: where the file system failed, that is what is told.
pub(crate) fn failed(error: ArrowError, path: &Path) -> ColumnsError {
    match error {
        ArrowError::IoError(_, source) => ColumnsError::io("write", path, source),
        ArrowError::ExternalError(source) => match source.downcast::<std::io::Error>() {
            Ok(source) => ColumnsError::io("write", path, *source),
            Err(source) => ColumnsError::Source(source),
        },
        other => other.into(),
    }
}

fn of_parquet(error: ParquetError, path: &Path) -> ColumnsError {
    match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(source) => ColumnsError::io("write", path, *source),
            Err(other) => ColumnsError::Source(other),
        },
        other => ColumnsError::option(format!("cannot write '{}': {other}", path.display())),
    }
}
