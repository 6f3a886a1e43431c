//! Arrow IPC: the file form (Feather version 2) and the stream form.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};

use super::guard::{Batches, GuardedReader, decoder_error, guarded};
use super::input::{Counted, Meter, TableFile};
use super::{ImportOptions, bad, check_names, projection};
use crate::error::{HandlerError, HandlerResult};

pub(super) fn open(file: TableFile, options: &ImportOptions) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
    let path = file.path.clone();
    guarded(&path, || {
        let meter = Meter::new(options.progress.as_ref(), file.size, 0, 1);
        let reader = open_reader(&file, meter.clone())?;
        let schema = reader.schema();
        check_names(&path, &schema)?;
        let wanted = projection(&path, schema.fields().iter().map(|field| field.name().as_str()), options)?;
        let schema = match &wanted {
            Some(wanted) => {
                SchemaRef::new(schema.project(wanted).map_err(|error| decoder_error(&path, "is damaged", error))?)
            }
            None => schema,
        };
        let rest = None;
        let batches = IpcBatches { file, reader, wanted, meter, batch_size: options.batch_size.max(1), rest };
        Ok(Box::new(GuardedReader::new(&path, schema, batches)) as Box<dyn RecordBatchReader + Send>)
    })
}

fn open_reader(file: &TableFile, meter: Meter) -> HandlerResult<Reader> {
    let mut head = Vec::with_capacity(6);
    let mut handle = file.handle()?;
    let io_error = |error: std::io::Error| bad(&file.path, format!("cannot be read: {error}"));
    (&mut handle).take(6).read_to_end(&mut head).map_err(io_error)?;
    handle.seek(SeekFrom::Start(0)).map_err(io_error)?;
    let opened = if head == b"ARROW1" {
        FileReader::try_new(BufReader::new(handle), None).map(|reader| Reader::File(Box::new(reader)))
    } else {
        let bytes = BufReader::with_capacity(128 << 10, Counted::new(handle, meter));
        StreamReader::try_new(bytes, None).map(|reader| Reader::Stream(Box::new(reader)))
    };
    opened.map_err(|error| damaged(file, error, "is truncated, damaged or not an Arrow file"))
}

/// Buffers compressed with LZ4 or Zstandard need a feature of the Arrow library.
fn damaged(file: &TableFile, error: ArrowError, what: &str) -> HandlerError {
    let text = error.to_string();
    if text.contains("IPC decompression requires") || text.contains("ipc_compression") {
        return HandlerError::Unsupported {
            what: format!("{}: reading a compressed Arrow file", file.path.display()),
            needs: "a build with Arrow compression; or write the file uncompressed or as Parquet".to_owned(),
        };
    }
    decoder_error(&file.path, what, text)
}

enum Reader {
    File(Box<FileReader<BufReader<File>>>),
    Stream(Box<StreamReader<BufReader<Counted<File>>>>),
}

impl Reader {
    fn schema(&self) -> SchemaRef {
        match self {
            Self::File(reader) => reader.schema(),
            Self::Stream(reader) => reader.schema(),
        }
    }

    fn next(&mut self) -> Option<Result<RecordBatch, ArrowError>> {
        match self {
            Self::File(reader) => reader.next(),
            Self::Stream(reader) => reader.next(),
        }
    }
}

struct IpcBatches {
    file: TableFile,
    reader: Reader,
    wanted: Option<Vec<usize>>,
    meter: Meter,
    batch_size: usize,
    /// What is left of a batch of the file that is larger than the caller wants.
    rest: Option<RecordBatch>,
}

impl Batches for IpcBatches {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        let batch = match self.rest.take() {
            Some(batch) => batch,
            None => match self.reader.next() {
                None => {
                    self.meter.tell(self.file.size);
                    return Ok(None);
                }
                Some(batch) => {
                    let batch = batch.map_err(|error| damaged(&self.file, error, "is truncated or damaged"))?;
                    match &self.wanted {
                        Some(wanted) => batch
                            .project(wanted)
                            .map_err(|error| decoder_error(&self.file.path, "is damaged", error))?,
                        None => batch,
                    }
                }
            },
        };
        if batch.num_rows() <= self.batch_size {
            return Ok(Some(batch));
        }
        self.rest = Some(batch.slice(self.batch_size, batch.num_rows() - self.batch_size));
        Ok(Some(batch.slice(0, self.batch_size)))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use arrow::ipc::writer::{FileWriter, StreamWriter};

    use super::*;
    use crate::formats::{TableFormat, open_table};

    fn sample() -> RecordBatch {
        let columns: [(&str, ArrayRef); 2] = [
            ("n", Arc::new(Int64Array::from_iter_values(0..500))),
            ("s", Arc::new(StringArray::from_iter_values((0..500).map(|n| format!("value {n}"))))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    fn read(path: &Path, options: &ImportOptions) -> HandlerResult<Vec<RecordBatch>> {
        open_table(path, options)?.collect::<Result<_, _>>().map_err(HandlerError::from)
    }

    #[test]
    fn file_and_stream() {
        let dir = tempfile::tempdir().unwrap();
        let batch = sample();
        let (file, stream) = (dir.path().join("x.feather"), dir.path().join("x.arrow"));
        let mut writer = FileWriter::try_new(File::create(&file).unwrap(), &batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        let mut writer = StreamWriter::try_new(File::create(&stream).unwrap(), &batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        for path in [&file, &stream] {
            assert_eq!(read(path, &ImportOptions::default()).unwrap(), std::slice::from_ref(&batch));
            let options = ImportOptions { columns: Some(vec!["s".into()]), batch_size: 200, ..Default::default() };
            let batches = read(path, &options).unwrap();
            assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [200, 200, 100]);
            assert_eq!(batches[2], batch.project(&[1]).unwrap().slice(400, 100));
        }
        // Cut or flipped anywhere: an error or rows, never a panic.
        for path in [&file, &stream] {
            let whole = std::fs::read(path).unwrap();
            let options = ImportOptions { format: Some(TableFormat::Arrow), ..Default::default() };
            for at in (0..whole.len()).step_by(37) {
                std::fs::write(path, &whole[..at]).unwrap();
                let _ = read(path, &options);
                let mut bytes = whole.clone();
                bytes[at] ^= 0x55;
                std::fs::write(path, &bytes).unwrap();
                let _ = read(path, &options);
            }
        }
    }

    #[test]
    fn feather_version_1_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.feather");
        std::fs::write(&path, b"FEA1 and so on FEA1").unwrap();
        let error = read(&path, &ImportOptions::default()).unwrap_err().to_string();
        assert!(error.contains("version 1"), "{error}");
    }
}
