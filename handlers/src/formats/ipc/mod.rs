//! Arrow IPC: the file form (Feather version 2) and the stream form.

mod lengths;

use std::io::BufReader;

use arrow::array::RecordBatch;
use arrow::ipc::reader::{FileReader, StreamReader};

use super::input::{Counted, Meter, TableFile};
use super::{ImportOptions, Rows};
use crate::error::HandlerResult;
use crate::guard::{Batches, GuardedReader};
use crate::table::{Decoder, TableReadOptions, open_arrow};
use lengths::{batch_lengths, batches_before};

pub(super) fn open(file: TableFile, options: &ImportOptions, part: &TableReadOptions) -> HandlerResult<Rows> {
    let meter = Meter::new(options.progress.as_ref(), file.size, 0, 1);
    let is_file_form = starts_as_file(&file)?;
    // What lies before the first wanted row is passed over.
    let (batches, rows) = match is_file_form && part.offset > 0 && part.rows.is_none() {
        true => batches_before(&file, part.offset).map_err(|error| file.cause_of(error))?,
        false => (0, 0),
    };
    let open = |columns| {
        let handle = file.handle();
        Ok(if is_file_form {
            FileReader::try_new(BufReader::new(handle), columns).and_then(|mut reader| {
                if batches > 0 {
                    reader.set_index(batches)?;
                }
                Ok(Box::new(reader) as Decoder)
            })
        } else {
            let bytes = BufReader::with_capacity(128 << 10, Counted::new(handle, meter.clone()));
            StreamReader::try_new(bytes, columns).map(|reader| Box::new(reader) as Decoder)
        })
    };
    let part = TableReadOptions { offset: part.offset - rows, ..part.clone() };
    let (schema, batches) = open_arrow(&file.path, open, None, &part).map_err(|error| file.cause_of(error))?;
    let path = file.path.clone();
    let batches = Split { batches, meter, file, batch_size: part.batch_rows.max(1), rest: None };
    Ok(Box::new(GuardedReader::new(&path, schema, batches)))
}

/// The number of rows, where the headers of a file tell it soon enough.
///
/// # Errors
/// [`HandlerError::BadFile`](crate::HandlerError::BadFile) for a file that is truncated or damaged.
pub(super) fn rows(file: &TableFile) -> HandlerResult<Option<u64>> {
    let lengths = batch_lengths(file, starts_as_file(file)?).map_err(|error| file.cause_of(error))?;
    Ok(lengths.map(|lengths| lengths.into_iter().fold(0, u64::saturating_add)))
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

    /// Ten batches of different lengths, one of them without rows.
    const LENGTHS: [usize; 10] = [3, 50, 0, 1, 60, 100, 7, 9, 20, 250];

    /// The rows in batches of these lengths, in either form.
    fn written(dir: &Path, rows: &RecordBatch, lengths: &[usize]) -> [std::path::PathBuf; 2] {
        let paths = [dir.join("x.feather"), dir.join("x.arrow")];
        let mut file = FileWriter::try_new(File::create(&paths[0]).unwrap(), &rows.schema()).unwrap();
        let mut stream = StreamWriter::try_new(File::create(&paths[1]).unwrap(), &rows.schema()).unwrap();
        let mut start = 0;
        for length in lengths {
            file.write(&rows.slice(start, *length)).unwrap();
            stream.write(&rows.slice(start, *length)).unwrap();
            start += length;
        }
        file.finish().unwrap();
        stream.finish().unwrap();
        paths
    }

    fn read(path: &Path, options: &ImportOptions) -> HandlerResult<Vec<RecordBatch>> {
        open_table(path, options)?.collect::<Result<_, _>>().map_err(HandlerError::from)
    }

    #[test]
    fn file_and_stream() {
        let dir = tempfile::tempdir().unwrap();
        let batch = sample();
        let [file, stream] = written(dir.path(), &batch, &[500]);
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
    fn rows_are_told_by_the_headers_of_batches() {
        let dir = tempfile::tempdir().unwrap();
        for path in written(dir.path(), &sample(), &LENGTHS) {
            let open = |path: &Path| TableFile::open(&crate::formats::FilePlace::here(path)).unwrap();
            assert_eq!(rows(&open(&path)).unwrap(), Some(500));
            // Cut or flipped anywhere: an error or a number, never a panic.
            let whole = std::fs::read(&path).unwrap();
            for at in (0..whole.len()).step_by(37) {
                std::fs::write(&path, &whole[..at]).unwrap();
                let _ = rows(&open(&path));
                let mut bytes = whole.clone();
                bytes[at] ^= 0x55;
                std::fs::write(&path, &bytes).unwrap();
                let _ = rows(&open(&path));
            }
            std::fs::write(&path, &whole[..whole.len() - 30]).unwrap();
            let found = rows(&open(&path));
            match path.extension().unwrap() == "feather" {
                true => assert!(found.unwrap_err().to_string().contains("footer")),
                false => assert!(found.unwrap_err().to_string().contains("cut off")),
            }
        }
    }

    /// Values that nobody wants are not looked at: those before the first wanted row are damaged here.
    #[test]
    fn batches_before_the_first_wanted_row_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let [file, _] = written(dir.path(), &sample(), &LENGTHS);
        let all = sample();
        let some = |offset, limit| {
            let part = TableReadOptions { offset, limit: Some(limit), ..TableReadOptions::default() };
            let place = crate::formats::FilePlace::here(&file);
            let rows = crate::formats::open_part(&place, &ImportOptions::default(), &part)?;
            let schema = rows.schema();
            let batches = rows.collect::<Result<Vec<_>, _>>().map_err(HandlerError::from)?;
            Ok::<_, HandlerError>(arrow::compute::concat_batches(&schema, &batches).unwrap())
        };
        for (offset, limit) in [(0, 5), (2, 60), (53, 1), (54, 60), (249, 3), (250, 250), (499, 5), (500, 5), (900, 1)]
        {
            let rows = 500_usize.saturating_sub(offset).min(limit);
            let expected = all.slice(offset.min(500), rows);
            assert_eq!(some(offset as u64, limit as u64).unwrap(), expected, "{offset} {limit}");
        }
        let mut bytes = std::fs::read(&file).unwrap();
        let at = bytes.windows(8).position(|bytes| bytes == b"value 33").unwrap();
        bytes[at] = 0xff;
        std::fs::write(&file, bytes).unwrap();
        assert!(some(20, 1).is_err());
        assert_eq!(some(60, 100).unwrap(), all.slice(60, 100));
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
        let [file, stream] = written(dir.path(), &batch, &[500]);
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
