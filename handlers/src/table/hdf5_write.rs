//! Writing tables as HDF5 files in the layout of Vaex.

use std::io::{Seek, Write};
use std::num::NonZeroUsize;
use std::path::Path;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use datafolio_columns::hdf5::{Hdf5Options, Hdf5Table, Hdf5WriteOptions};
use datafolio_columns::{ColumnsError, Frame, PassOptions};

use super::columns::{Written, refuse_other_columns};
use super::hdf5_read::reason_of;
use crate::error::{HandlerError, HandlerResult};

/// Memory for rows that wait to be laid out, of which a quarter is kept before they go to a file.
const MEMORY: u64 = 256 << 20;

/// Writes a stream of batches. The layout needs to know all rows before the first is written: what is more than fits in some memory waits in
/// a file without a name in `scratch`, where the HDF5 file is made that is then copied to its place.
pub(crate) fn write_hdf5(
    item: &str,
    reader: Box<dyn RecordBatchReader + Send>,
    threads: usize,
    scratch: &Path,
    sink: &mut (dyn Write + Send),
) -> HandlerResult<Written> {
    let failed = |error| of_rows(item, error);
    let pass = PassOptions {
        threads: NonZeroUsize::new(threads),
        memory: Some(MEMORY),
        spill: Some(scratch.to_owned()),
        ..PassOptions::default()
    };
    let schema = reader.schema();
    let frame = Frame::from_reader(SameColumns { item: item.to_owned(), schema, reader }, &pass).map_err(failed)?;
    if frame.columns().next().is_none() || frame.count_rows(&pass).map_err(failed)? == 0 {
        let reason = "the layout of Vaex has no table without rows or columns: store it as parquet or arrow".to_owned();
        return Err(HandlerError::Invalid { item: item.to_owned(), reason });
    }
    std::fs::create_dir_all(scratch)?;
    let (mut file, rows) = frame.to_hdf5_file(scratch, &Hdf5WriteOptions::default(), &pass).map_err(failed)?;
    // What a reader finds is what is recorded: the layout has no time zones of columns, for example, and no lists.
    let table = Hdf5Table::of_file(file.try_clone()?, scratch, &Hdf5Options::default()).map_err(failed)?;
    let schema = table.schema();
    file.rewind()?;
    std::io::copy(&mut file, sink)?;
    Ok(Written { schema, rows })
}

/// Rows whose batches have the columns that were announced.
struct SameColumns {
    item: String,
    schema: SchemaRef,
    reader: Box<dyn RecordBatchReader + Send>,
}

impl Iterator for SameColumns {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = match self.reader.next()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(error)),
        };
        let same = refuse_other_columns(&self.item, &self.schema, &batch);
        Some(same.map(|()| batch).map_err(|error| ArrowError::ExternalError(Box::new(error))))
    }
}

impl RecordBatchReader for SameColumns {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

/// An error of the rows, as itself where it came from their reader.
fn of_rows(item: &str, error: ColumnsError) -> HandlerError {
    match error {
        ColumnsError::Source(source) => match source.downcast::<HandlerError>() {
            Ok(error) => *error,
            Err(source) => HandlerError::Arrow(ArrowError::ExternalError(source)),
        },
        ColumnsError::Io { source, .. } => source.into(),
        error => HandlerError::Invalid { item: item.to_owned(), reason: reason_of(error) },
    }
}
