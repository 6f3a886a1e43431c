//! Parquet files.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::input::{Meter, TableFile};
use super::{FilePlace, ImportOptions, Rows};
use crate::error::HandlerResult;
use crate::guard::{Batches, GuardedReader};
use crate::table::{ParquetFile, SourceFile, TableReadOptions};

/// What a Parquet file says of itself in its footer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ParquetFacts {
    /// Number of rows.
    pub num_rows: u64,
    /// The columns, as Arrow sees them.
    pub schema: SchemaRef,
    /// Number of row groups.
    pub row_groups: usize,
    /// Size of the file in bytes.
    pub size: u64,
}

/// Reads the footer of a Parquet file.
///
/// # Errors
/// [`HandlerError::FileNotFound`](crate::HandlerError::FileNotFound), and
/// [`HandlerError::BadFile`](crate::HandlerError::BadFile) for a file that is truncated, damaged or not Parquet.
pub fn parquet_facts(path: &Path) -> HandlerResult<ParquetFacts> {
    facts(&TableFile::open(&FilePlace::here(path))?)
}

/// Looks into a file that may lie on a store: gives its name for messages, its bytes, and how many there are.
pub(crate) fn look_into<T>(
    place: &FilePlace,
    look: impl FnOnce(&PathBuf, SourceFile, u64) -> HandlerResult<T>,
) -> HandlerResult<T> {
    let file = TableFile::open(place)?;
    look(&file.path, file.source(), file.size).map_err(|error| file.cause_of(error))
}

/// The footer of an open file.
pub(super) fn facts(file: &TableFile) -> HandlerResult<ParquetFacts> {
    let opened = ParquetFile::open(&file.path, file.source(), &TableReadOptions::default());
    let opened = opened.map_err(|error| file.cause_of(error))?;
    let row_groups = opened.metadata().num_row_groups();
    Ok(ParquetFacts { num_rows: opened.rows, schema: opened.schema, row_groups, size: file.size })
}

pub(super) fn open(file: TableFile, options: &ImportOptions, part: &TableReadOptions) -> HandlerResult<Rows> {
    let opened = ParquetFile::open(&file.path, file.source(), part).map_err(|error| file.cause_of(error))?;
    let rows = part.wanted_rows(opened.rows);
    let (schema, batches) = opened.read(&file.path, part)?;
    let meter = Meter::new(options.progress.as_ref(), file.size, 0, 1);
    let path = file.path.clone();
    let batches = Metered { batches, meter, file, rows, read: 0 };
    Ok(Box::new(GuardedReader::new(&path, schema, batches)))
}

/// Tells how far reading has come, and that the file is still the one that was opened. The decoder jumps about in the file; the share of the rows says how far it is.
struct Metered<B> {
    batches: B,
    meter: Meter,
    file: TableFile,
    rows: u64,
    read: u64,
}

impl<B: Batches> Batches for Metered<B> {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        let batch = self.batches.next_batch();
        // What someone wrote meanwhile may be of another table, and an error may come of it.
        self.file.check_unchanged()?;
        let batch = batch?;
        self.read = batch.as_ref().map_or(self.rows, |batch| self.read.saturating_add(batch.num_rows() as u64));
        let share = u128::from(self.file.size) * u128::from(self.read) / u128::from(self.rows.max(1));
        self.meter.tell(if self.read >= self.rows {
            self.file.size
        } else {
            u64::try_from(share).unwrap_or(self.file.size)
        });
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Array, ArrayRef, Int64Array, StringArray};
    use parquet::arrow::ArrowWriter;

    use super::*;
    use crate::formats::open_table;

    fn sample(path: &Path, rows: i64) {
        let columns: [(&str, ArrayRef); 2] = [
            ("n", Arc::new(Int64Array::from_iter_values(0..rows))),
            ("s", Arc::new(StringArray::from_iter_values((0..rows).map(|n| format!("value {n}"))))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    #[test]
    fn columns_batches_and_facts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.parquet");
        sample(&path, 1000);
        let facts = parquet_facts(&path).unwrap();
        assert_eq!((facts.num_rows, facts.row_groups, facts.schema.fields().len()), (1000, 1, 2));
        let options = ImportOptions { columns: Some(vec!["s".to_owned()]), batch_size: 300, ..Default::default() };
        let batches: Vec<_> = open_table(&path, &options).unwrap().map(Result::unwrap).collect();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [300, 300, 300, 100]);
        assert_eq!(batches[0].schema().field(0).name(), "s");
        let options = ImportOptions { columns: Some(vec!["s".into(), "n".into()]), ..Default::default() };
        let batches: Vec<_> = open_table(&path, &options).unwrap().map(Result::unwrap).collect();
        assert_eq!(batches[0].schema().field(0).name(), "s");
        assert_eq!(batches[0].column(1).as_ref(), &Int64Array::from_iter_values(0..1000));
        let options = ImportOptions { columns: Some(vec!["t".to_owned()]), ..Default::default() };
        let error = open_table(&path, &options).err().unwrap().to_string();
        assert!(error.contains(r#"no column "t"; it has "n", "s""#), "{error}");
    }

    #[test]
    fn damaged_files_are_errors() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.parquet");
        sample(&path, 1000);
        let whole = std::fs::read(&path).unwrap();
        for length in [0, 3, 8, 100, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            let error = open_table(&path, &ImportOptions::default()).err().unwrap().to_string();
            assert!(error.contains("truncated, damaged or not a Parquet file"), "{error}");
        }
        // Every byte flipped in turn: an error or rows, never a panic and never a wait.
        for at in 0..whole.len().min(1500) {
            let mut bytes = whole.clone();
            let at = whole.len() - 1 - at * (whole.len() / 1500).max(1);
            bytes[at] ^= 1 << (at % 8);
            std::fs::write(&path, &bytes).unwrap();
            if let Ok(reader) = open_table(
                &path,
                &ImportOptions { format: Some(crate::formats::TableFormat::Parquet), ..Default::default() },
            ) {
                reader.for_each(drop);
            }
        }
    }

    /// Rows of an embedding are thousands of bytes each: a batch is bounded in bytes, not in rows alone.
    #[test]
    fn batches_of_wide_rows_are_small() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.parquet");
        // The first row group is of narrow rows, so an average over the file says little of the second.
        let batch = |rows: usize, width: usize| {
            let values = (0..rows).map(|row| format!("{row:>width$}"));
            let column: ArrayRef = Arc::new(StringArray::from_iter_values(values));
            RecordBatch::try_from_iter([("s", column)]).unwrap()
        };
        let narrow = batch(400_000, 6);
        let mut writer = ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), narrow.schema(), None).unwrap();
        writer.write(&narrow).unwrap();
        writer.flush().unwrap();
        writer.write(&batch(3000, 30_000)).unwrap();
        writer.close().unwrap();
        let mut rows = 0;
        for batch in open_table(&path, &ImportOptions::default()).unwrap() {
            let batch = batch.unwrap();
            let bytes = batch.column(0).to_data().get_slice_memory_size().unwrap();
            assert!(bytes <= 34 << 20, "{bytes} bytes in a batch of {} rows", batch.num_rows());
            rows += batch.num_rows();
        }
        assert_eq!(rows, 403_000);
    }
}
