//! Arrow IPC: the file form (Feather version 2) and the stream form.

use std::io::BufReader;

use arrow::array::RecordBatch;
use arrow::ipc::reader::{FileReader, StreamReader};

use super::input::{Counted, Meter, TableFile};
use super::{ImportOptions, Rows};
use crate::error::HandlerResult;
use crate::guard::{Batches, GuardedReader};
use crate::table::{Decoder, TableReadOptions, open_arrow};

pub(super) fn open(file: TableFile, options: &ImportOptions, part: &TableReadOptions) -> HandlerResult<Rows> {
    let meter = Meter::new(options.progress.as_ref(), file.size, 0, 1);
    let is_file_form = starts_as_file(&file)?;
    let open = |columns| {
        let handle = file.handle();
        Ok(if is_file_form {
            FileReader::try_new(BufReader::new(handle), columns).map(|reader| Box::new(reader) as Decoder)
        } else {
            let bytes = BufReader::with_capacity(128 << 10, Counted::new(handle, meter.clone()));
            StreamReader::try_new(bytes, columns).map(|reader| Box::new(reader) as Decoder)
        })
    };
    let (schema, batches) = open_arrow(&file.path, open, None, part).map_err(|error| file.cause_of(error))?;
    let path = file.path.clone();
    let batches = Split { batches, meter, file, batch_size: part.batch_rows.max(1), rest: None };
    Ok(Box::new(GuardedReader::new(&path, schema, batches)))
}

/// Whether it is the file form, which has its magic in front.
fn starts_as_file(file: &TableFile) -> HandlerResult<bool> {
    Ok(file.bytes_at(0, 6)? == b"ARROW1")
}

/// Cuts batches of the file that are larger than the caller wants.
struct Split<B> {
    batches: B,
    meter: Meter,
    file: TableFile,
    batch_size: usize,
    /// What is left of a large batch.
    rest: Option<RecordBatch>,
}

impl<B: Batches> Batches for Split<B> {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        let batch = match self.rest.take() {
            Some(batch) => Some(batch),
            None => {
                let batch = self.batches.next_batch();
                self.file.check_unchanged()?;
                batch?
            }
        };
        let Some(batch) = batch else {
            self.meter.tell(self.file.size);
            return Ok(None);
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
    use std::fs::File;
    use std::path::Path;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use arrow::ipc::writer::{FileWriter, StreamWriter};

    use super::*;
    use crate::error::HandlerError;
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

    /// Columns that are not wanted are not looked at: the text here is no UTF-8.
    #[test]
    fn only_the_wanted_columns_are_decoded() {
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
            let mut bytes = std::fs::read(path).unwrap();
            let at = bytes.windows(9).position(|bytes| bytes == b"value 123").unwrap();
            bytes[at] = 0xff;
            std::fs::write(path, bytes).unwrap();
            let error = read(path, &ImportOptions::default()).unwrap_err();
            assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
            let options = ImportOptions { columns: Some(vec!["n".into()]), ..Default::default() };
            assert_eq!(read(path, &options).unwrap()[0], batch.project(&[0]).unwrap());
        }
    }
}
