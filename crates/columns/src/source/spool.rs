//! Rows that come once, kept where they can be read again.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::compute::BatchCoalescer;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;

use super::{BatchSource, IpcSource, Source};
use crate::error::{ColumnsError, ColumnsResult};
use crate::frame::failed;
use crate::pass::PassOptions;

/// Rows of a batch: readers give what suits them, which may be a few.
const BATCH_ROWS: usize = 1 << 16;

/// Reads all rows. What is no more than `memory` bytes stays in memory; more goes to a file without a name in the spill directory, which
/// is mapped, and gone with the last frame of it, whatever happens.
pub(crate) fn spool(rows: impl RecordBatchReader, options: &PassOptions) -> ColumnsResult<Arc<dyn Source>> {
    let schema = rows.schema();
    let mut spool = Spool { schema: schema.clone(), waiting: Vec::new(), bytes: 0, file: None, options };
    // Dictionaries of several batches need not fit into one: such batches stay as they come.
    let has_dictionary = schema.fields().iter().any(|field| has_dictionary(field.data_type()));
    let mut coalescer = BatchCoalescer::new(schema, BATCH_ROWS).with_biggest_coalesce_batch_size(Some(BATCH_ROWS / 2));
    let mut done = 0;
    for batch in rows {
        let batch = batch.map_err(of_reader)?;
        done += batch.num_rows() as u64;
        if has_dictionary {
            spool.push(batch)?;
        } else {
            coalescer.push_batch(batch)?;
        }
        while let Some(batch) = coalescer.next_completed_batch() {
            spool.push(batch)?;
        }
        let goes_on = options.progress.as_ref().is_none_or(|progress| progress(done, 0));
        if options.cancelled() || !goes_on {
            return Err(ColumnsError::Cancelled);
        }
    }
    coalescer.finish_buffered_batch()?;
    while let Some(batch) = coalescer.next_completed_batch() {
        spool.push(batch)?;
    }
    spool.finish()
}

fn has_dictionary(of: &DataType) -> bool {
    match of {
        DataType::Dictionary(..) => true,
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => has_dictionary(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_dictionary(field.data_type())),
        _ => false,
    }
}

/// The error of what rows are read from, as itself.
pub(crate) fn of_reader(error: ArrowError) -> ColumnsError {
    match error {
        ArrowError::ExternalError(source) => match source.downcast::<ColumnsError>() {
            Ok(error) => *error,
            Err(source) => ColumnsError::Source(source),
        },
        other => other.into(),
    }
}

struct Spool<'o> {
    schema: SchemaRef,
    waiting: Vec<RecordBatch>,
    bytes: u64,
    file: Option<(PathBuf, StreamWriter<BufWriter<File>>)>,
    options: &'o PassOptions,
}

impl Spool<'_> {
    fn push(&mut self, batch: RecordBatch) -> ColumnsResult<()> {
        if self.file.is_none() {
            self.bytes += batch.get_array_memory_size() as u64;
            self.waiting.push(batch);
            if self.bytes > self.options.memory() / 4 {
                self.begin_file()?;
            }
            return Ok(());
        }
        self.write(&batch)
    }

    fn begin_file(&mut self) -> ColumnsResult<()> {
        let dir = self.options.spill.clone().unwrap_or_else(std::env::temp_dir);
        // A directory of the cache is made when it is first needed.
        let made = std::fs::create_dir_all(&dir).and_then(|()| tempfile::tempfile_in(&dir));
        let file = made.map_err(|error| ColumnsError::io("make a file for rows in", &dir, error))?;
        // A stream, in which a dictionary may take the place of another.
        let writer = StreamWriter::try_new(BufWriter::with_capacity(1 << 20, file), &self.schema)
            .map_err(|error| failed(error, &dir))?;
        self.file = Some((dir, writer));
        for batch in std::mem::take(&mut self.waiting) {
            self.write(&batch)?;
        }
        Ok(())
    }

    fn write(&mut self, batch: &RecordBatch) -> ColumnsResult<()> {
        match &mut self.file {
            Some((dir, writer)) => writer.write(batch).map_err(|error| failed(error, dir)),
            None => Ok(()),
        }
    }

    fn finish(self) -> ColumnsResult<Arc<dyn Source>> {
        let Some((dir, mut writer)) = self.file else {
            return Ok(Arc::new(BatchSource::new(self.schema, self.waiting)?));
        };
        writer.finish().map_err(|error| failed(error, &dir))?;
        let mut output = writer.into_inner().map_err(|error| failed(error, &dir))?;
        let io = |error| ColumnsError::io("write rows to", &dir, error);
        output.flush().map_err(io)?;
        let file = output.into_inner().map_err(|error| io(error.into_error()))?;
        // Nobody but this process can open what has no name, so nothing need be checked.
        let unchanged = Arc::new(|_, _| Ok(()));
        Ok(Arc::new(IpcSource::guarded(file, &dir, unchanged, None)?))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        ArrayRef, AsArray, DictionaryArray, Int64Array, RecordBatchIterator, StringArray, new_null_array,
    };
    use arrow::datatypes::{Field, Int8Type, Schema};

    use super::*;
    use crate::{Frame, Keep, agg, col};

    /// Batches of a few rows, each with a dictionary of its own.
    fn batches(count: i64) -> Vec<RecordBatch> {
        let batch = |number: i64| {
            let rows = number * 100..number * 100 + 100;
            let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.clone()));
            let texts: ArrayRef = Arc::new(StringArray::from_iter(
                rows.clone().map(|row| (row % 7 != 0).then(|| format!("text number {row}"))),
            ));
            let names: Vec<String> = rows.map(|row| format!("{} of {number}", row % 3)).collect();
            let names: ArrayRef =
                Arc::new(names.iter().map(|name| Some(name.as_str())).collect::<DictionaryArray<Int8Type>>());
            RecordBatch::try_from_iter_with_nullable([("id", ids, false), ("text", texts, true), ("name", names, true)])
                .unwrap()
        };
        (0..count).map(batch).collect()
    }

    fn reader(batches: Vec<RecordBatch>) -> impl RecordBatchReader {
        let schema = batches[0].schema();
        RecordBatchIterator::new(batches.into_iter().map(Ok), schema)
    }

    #[test]
    fn rows_are_the_same_in_memory_and_in_a_file() {
        // All dictionaries together would not fit into the 8 bits of their codes.
        let given = batches(2_000);
        let narrow = [0, 1];
        let dir = tempfile::tempdir().unwrap();
        for (memory, is_file) in [(u64::MAX, false), (64 << 10, true)] {
            let options = PassOptions {
                memory: Some(memory),
                spill: Some(dir.path().join("made/when/needed")),
                ..PassOptions::default()
            };
            let frame = Frame::from_reader(reader(given.clone()), &options).unwrap();
            assert_eq!(dir.path().join("made").exists(), is_file);
            let asked = [
                agg::sum(col("id")),
                agg::count(col("text")),
                agg::nunique(col("text"), Keep::NEITHER),
                agg::nunique(col("name"), Keep::NEITHER),
            ];
            let answers = frame.aggregate(&asked).unwrap();
            let texts = (0..200_000).filter(|row| row % 7 != 0).count() as i128;
            assert_eq!(answers[0].as_i128(), Some(200_000 * 199_999 / 2));
            assert_eq!((answers[1].as_i128(), answers[2].as_i128()), (Some(texts), Some(texts)));
            assert_eq!(answers[3].as_i128(), Some(6_000));
            let rows: Vec<RecordBatch> =
                frame.to_batches(&PassOptions::default()).unwrap().collect::<ColumnsResult<_>>().unwrap();
            let together = |batches: &[RecordBatch]| {
                let batches: Vec<_> = batches.iter().map(|batch| batch.project(&narrow).unwrap()).collect();
                arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap()
            };
            let (rows, expected) = (together(&rows), together(&given));
            assert_eq!(rows.column(0), expected.column(0));
            assert_eq!(
                arrow::compute::cast(rows.column(1), &DataType::Utf8).unwrap().as_string::<i32>(),
                expected.column(1).as_string::<i32>()
            );
            // Nothing of it can be seen.
            if is_file {
                assert_eq!(std::fs::read_dir(dir.path().join("made/when/needed")).unwrap().count(), 0);
            }
        }
    }

    #[test]
    fn errors_of_the_reader_and_of_the_disk_are_told_as_such() {
        let schema = Arc::new(Schema::new(vec![Field::new("x", DataType::Int64, true)]));
        let batch = RecordBatch::try_new(schema.clone(), vec![new_null_array(&DataType::Int64, 10)]).unwrap();
        let fails = [Ok(batch.clone()), Err(ArrowError::ExternalError("the rows ended".into()))];
        let error = Frame::from_reader(RecordBatchIterator::new(fails, schema.clone()), &PassOptions::default());
        assert_eq!(error.unwrap_err().to_string(), "the rows ended");
        let fails = [Err(ArrowError::ExternalError(Box::new(ColumnsError::Cancelled)))];
        let error = Frame::from_reader(RecordBatchIterator::new(fails, schema.clone()), &PassOptions::default());
        assert!(matches!(error.unwrap_err(), ColumnsError::Cancelled));
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("no-directory");
        std::fs::write(&file, "x").unwrap();
        let options = PassOptions { memory: Some(0), spill: Some(file.clone()), ..PassOptions::default() };
        let error = Frame::from_reader(reader(vec![batch]), &options).unwrap_err();
        assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
        // No rows at all.
        let empty = Frame::from_reader(RecordBatchIterator::new([], schema), &options).unwrap();
        assert_eq!(empty.aggregate(&[agg::count_rows()]).unwrap()[0].as_i128(), Some(0));
    }
}
