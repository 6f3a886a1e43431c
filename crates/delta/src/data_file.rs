//! One Parquet file of a table, decoded batch by batch.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType as Arrow, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::basic::Type as Physical;
use parquet::errors::ParquetError;
use parquet::file::metadata::PageIndexPolicy;

use crate::conform::{Wanted, words};
use crate::error::{DeltaError, DeltaResult};
use crate::place::TableFile;

/// A batch has at most about so many bytes, however many rows were asked for.
const BATCH_BYTES: u64 = 32 << 20;

/// An open data file or checkpoint.
#[derive(Debug)]
pub(crate) struct DataFile {
    file: TableFile,
    metadata: ArrowReaderMetadata,
}

/// The columns of a file, as the table's types are told from Parquet's: what Arrow's writers note beside them does not count.
pub(crate) fn arrow_schema_of(file: &TableFile) -> DeltaResult<SchemaRef> {
    Ok(SchemaRef::clone(load(file)?.schema()))
}

fn options() -> ArrowReaderOptions {
    ArrowReaderOptions::new().with_skip_arrow_metadata(true).with_page_index_policy(PageIndexPolicy::Optional)
}

fn damaged(file: &TableFile, error: &ParquetError) -> DeltaError {
    file.fails(words(error))
}

fn load(file: &TableFile) -> DeltaResult<ArrowReaderMetadata> {
    ArrowReaderMetadata::load(file, options()).map_err(|error| damaged(file, &error))
}

impl DataFile {
    /// Opens a file and reads its footer.
    pub(crate) fn open(file: TableFile) -> DeltaResult<Self> {
        let metadata = load(&file)?;
        Ok(Self { metadata: in_microseconds(&file, metadata)?, file })
    }

    /// How many rows it has, deleted ones too.
    pub(crate) fn rows(&self) -> DeltaResult<u64> {
        let rows = self.metadata.metadata().file_metadata().num_rows();
        u64::try_from(rows)
            .map_err(|_| DeltaError::damaged(&self.file.name, "its footer has a negative number of rows"))
    }

    /// Reads columns, of the selected rows alone.
    pub(crate) fn read(
        self,
        wanted: &Arc<Vec<Wanted>>,
        rows: Option<RowSelection>,
        batch_rows: usize,
    ) -> DeltaResult<FileBatches> {
        let fields = self.metadata.schema().fields();
        let found: Vec<Option<usize>> = wanted.iter().map(|wanted| wanted.place(fields)).collect();
        // The decoder gives columns in the order of the file.
        let mut decoded: Vec<usize> = found.iter().flatten().copied().collect();
        decoded.sort_unstable();
        decoded.dedup();
        let places = found.iter().map(|place| place.and_then(|place| decoded.binary_search(&place).ok())).collect();
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), decoded);
        let batch_rows = self.batch_rows(&mask, batch_rows);
        // Pages of rows that are not wanted are passed over, and what lies between two wanted ones is told by nobody.
        let stretches = if rows.is_none() { self.stretches(&mask) } else { Vec::new() };
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.file.clone(), self.metadata)
            .with_projection(mask)
            .with_batch_size(batch_rows);
        if let Some(rows) = rows {
            builder = builder.with_row_selection(rows);
        }
        self.file.will_read(&stretches);
        let reader = builder.build().map_err(|error| damaged(&self.file, &error))?;
        let schema = Arc::new(Schema::new(wanted.iter().map(|wanted| Arc::clone(&wanted.field)).collect::<Vec<_>>()));
        Ok(FileBatches { file: self.file, reader, schema, wanted: Arc::clone(wanted), places })
    }

    /// Where the columns lie in the file, row group by row group.
    fn stretches(&self, mask: &ProjectionMask) -> Vec<Range<u64>> {
        let groups = self.metadata.metadata().row_groups().iter();
        let chunks = groups.flat_map(|group| {
            let columns = group.columns().iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf));
            columns.map(|(_, column)| {
                // Negative in a damaged footer.
                let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
                let (start, length) = (start.max(0).unsigned_abs(), column.compressed_size().max(0).unsigned_abs());
                start..start.saturating_add(length)
            })
        });
        chunks.collect()
    }

    /// Fewer rows than asked for where they are wide.
    fn batch_rows(&self, mask: &ProjectionMask, asked: usize) -> usize {
        let widest = self.metadata.metadata().row_groups().iter().map(|group| {
            let columns = group.columns().iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf));
            let bytes: u64 = columns.map(|(_, column)| column.uncompressed_size().max(0).unsigned_abs()).sum();
            bytes / group.num_rows().max(1).unsigned_abs()
        });
        let widest = widest.max().unwrap_or(0).max(1);
        usize::try_from(BATCH_BYTES / widest).unwrap_or(usize::MAX).min(asked).max(1)
    }
}

/// Times in the oldest form of Parquet are read as microseconds at once: by way of nanoseconds, years beyond 2262 would be lost.
fn in_microseconds(file: &TableFile, metadata: ArrowReaderMetadata) -> DeltaResult<ArrowReaderMetadata> {
    let leaves = metadata.parquet_schema().columns();
    let are_old: Vec<bool> = leaves.iter().map(|leaf| leaf.physical_type() == Physical::INT96).collect();
    if !are_old.contains(&true) {
        return Ok(metadata);
    }
    let mut are_old = are_old.into_iter();
    let fields = metadata.schema().fields().iter().map(|field| field_in_microseconds(field, &mut are_old));
    let schema = Schema::new(fields.collect::<Vec<_>>());
    let options = options().with_schema(Arc::new(schema));
    ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options).map_err(|error| damaged(file, &error))
}

/// A field whose leaves, in the order of the file, are such times or are not.
fn field_in_microseconds(field: &FieldRef, are_old: &mut impl Iterator<Item = bool>) -> FieldRef {
    let mut inner = |field: &FieldRef| field_in_microseconds(field, are_old);
    let kind = match field.data_type() {
        Arrow::Struct(fields) => Arrow::Struct(fields.iter().map(inner).collect()),
        Arrow::List(item) => Arrow::List(inner(item)),
        Arrow::LargeList(item) => Arrow::LargeList(inner(item)),
        Arrow::Map(entries, sorted) => Arrow::Map(inner(entries), *sorted),
        leaf => match (leaf, are_old.next()) {
            (Arrow::Timestamp(_, zone), Some(true)) => Arrow::Timestamp(TimeUnit::Microsecond, zone.clone()),
            (leaf, _) => leaf.clone(),
        },
    };
    Arc::new(Field::clone(field).with_data_type(kind))
}

/// The rows of a file, as the table's columns.
#[derive(Debug)]
pub(crate) struct FileBatches {
    file: TableFile,
    reader: ParquetRecordBatchReader,
    schema: SchemaRef,
    wanted: Arc<Vec<Wanted>>,
    /// Where each wanted column is in what the decoder gives.
    places: Vec<Option<usize>>,
}

impl FileBatches {
    fn fit(&self, batch: &RecordBatch) -> Result<RecordBatch, String> {
        let columns = self.wanted.iter().zip(&self.places).map(|(wanted, place)| match place {
            Some(place) => wanted.fit(batch.column(*place)),
            None => wanted.missing(batch.num_rows()),
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(SchemaRef::clone(&self.schema), columns, &options)
            .map_err(|error| words(&error))
    }
}

impl Iterator for FileBatches {
    type Item = DeltaResult<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.reader.next()?.map_err(|error| words(&error));
        let batch = batch.and_then(|batch| self.fit(&batch));
        Some(batch.map_err(|reason| self.file.fails(reason)))
    }
}
