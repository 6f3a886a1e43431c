//! Parquet files.

use std::path::Path;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::guard::{Batches, GuardedReader, decoder_error, guarded};
use super::input::{Meter, TableFile};
use super::{BATCH_BYTES, ImportOptions, bad, check_names, projection};
use crate::error::HandlerResult;

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
    let file = TableFile::open(path)?;
    let builder = builder(&file)?;
    Ok(ParquetFacts {
        num_rows: num_rows(&builder),
        schema: builder.schema().clone(),
        row_groups: builder.metadata().num_row_groups(),
        size: file.size,
    })
}

type Builder = ParquetRecordBatchReaderBuilder<std::fs::File>;

fn num_rows(builder: &Builder) -> u64 {
    u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0)
}

fn builder(file: &TableFile) -> HandlerResult<Builder> {
    guarded(&file.path, || {
        let builder = Builder::try_new(file.handle()?)
            .map_err(|error| decoder_error(&file.path, "is truncated, damaged or not a Parquet file", error))?;
        if builder.metadata().file_metadata().num_rows() < 0 {
            return Err(bad(&file.path, "is damaged: its footer tells a negative number of rows"));
        }
        Ok(builder)
    })
}

pub(super) fn open(file: TableFile, options: &ImportOptions) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
    let mut builder = builder(&file)?;
    check_names(&file.path, builder.schema())?;
    let names = builder.schema().fields().iter().map(|field| field.name().as_str());
    let wanted = projection(&file.path, names, options)?;
    if let Some(wanted) = &wanted {
        let mask = ProjectionMask::roots(builder.parquet_schema(), wanted.iter().copied());
        builder = builder.with_projection(mask);
    }
    let rows = num_rows(&builder);
    // Rows can be large (embeddings, documents): as many as fit the limit of a batch, by the average of the file.
    let unpacked: u64 =
        builder.metadata().row_groups().iter().map(|group| group.total_byte_size().max(0).unsigned_abs()).sum();
    let fitting = (BATCH_BYTES as u64).saturating_mul(rows).checked_div(unpacked).unwrap_or(u64::MAX);
    let fitting = usize::try_from(fitting).unwrap_or(usize::MAX).max(1);
    let batch_size = options.batch_size.max(1).min(fitting);
    let meter = Meter::new(options.progress.as_ref(), file.size, 0, 1);
    let reader = guarded(&file.path, || {
        builder.with_batch_size(batch_size).build().map_err(|error| decoder_error(&file.path, "is damaged", error))
    })?;
    let path = file.path.clone();
    let order = wanted.as_deref().and_then(order_of);
    let schema = match &order {
        Some(order) => {
            SchemaRef::new(reader.schema().project(order).map_err(|error| decoder_error(&path, "is damaged", error))?)
        }
        None => reader.schema(),
    };
    Ok(Box::new(GuardedReader::new(&path, schema, ParquetBatches { reader, order, file, meter, rows, read: 0 })))
}

/// The decoder gives columns in the order of the file: where each wanted one is among them, unless that is the order.
fn order_of(wanted: &[usize]) -> Option<Vec<usize>> {
    let mut sorted = wanted.to_vec();
    sorted.sort_unstable();
    if sorted == wanted {
        return None;
    }
    Some(wanted.iter().map(|place| sorted.partition_point(|before| before < place)).collect())
}

struct ParquetBatches {
    reader: ParquetRecordBatchReader,
    /// The order of the wanted columns, where it is not that of the file.
    order: Option<Vec<usize>>,
    file: TableFile,
    meter: Meter,
    rows: u64,
    read: u64,
}

impl Batches for ParquetBatches {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        let Some(batch) = self.reader.next() else {
            if self.read != self.rows {
                let reason = format!("is damaged: its footer tells {} rows, and it holds {}", self.rows, self.read);
                return Err(bad(&self.file.path, reason));
            }
            self.meter.tell(self.file.size);
            return Ok(None);
        };
        let batch = batch.map_err(|error| decoder_error(&self.file.path, "is damaged", error))?;
        self.read += batch.num_rows() as u64;
        // The reader jumps about in the file; the share of the rows says how far it is.
        let share = u128::from(self.file.size) * u128::from(self.read) / u128::from(self.rows.max(1));
        self.meter.tell(u64::try_from(share).unwrap_or(self.file.size));
        match &self.order {
            Some(order) => {
                batch.project(order).map(Some).map_err(|error| decoder_error(&self.file.path, "is damaged", error))
            }
            None => Ok(Some(batch)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};
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
}
