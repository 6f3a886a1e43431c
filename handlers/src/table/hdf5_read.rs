//! Reading tables from HDF5 files, in the bundle and outside of it.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafolio_columns::hdf5::{Hdf5Options, Hdf5Table};
use datafolio_columns::source::Guard;
use datafolio_columns::{ColumnsError, ColumnsResult};
use datafolio_core::counted;
use datafolio_storage::{Source, StorageError, VerifiedSource};

use super::columns::places;
use super::window::Window;
use super::{TableReadOptions, TableReader};
use crate::error::{HandlerError, HandlerResult};
use crate::formats::BATCH_BYTES;
use crate::guard::{Batches, Blame, GuardedReader, guarded};
use crate::handler::Item;
use crate::stored_file::StoredFile;

/// Bytes that are copied at once where a payload is no file of this machine.
const PIECE: usize = 1 << 20;

/// The rows of a table that are wanted, batch by batch.
pub(crate) struct Hdf5Batches {
    table: Hdf5Table,
    columns: Vec<usize>,
    rows: Range<u64>,
    batch_rows: u64,
}

impl Hdf5Batches {
    /// Of rows that are picked one by one all are given, of others those that are wanted. A batch takes no more than `batch_bytes` of a file
    /// of `size` bytes, or is a row.
    pub(crate) fn new<B: Blame>(
        blame: &B,
        table: Hdf5Table,
        part: &TableReadOptions,
        (size, batch_bytes): (u64, u64),
    ) -> HandlerResult<Self> {
        let schema = table.schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let columns = match &part.columns {
            Some(wanted) => places(blame, &names, wanted)?,
            None => (0..names.len()).collect(),
        };
        let all = table.rows();
        let rows = match &part.rows {
            Some(_) => 0..all,
            None => {
                let start = part.offset.min(all);
                start..part.limit.map_or(all, |limit| start.saturating_add(limit).min(all))
            }
        };
        let most = (batch_bytes / (size / all.max(1)).max(1)).max(1);
        Ok(Self { table, columns, rows, batch_rows: (part.batch_rows as u64).clamp(1, most) })
    }

    /// The columns that are given.
    pub(crate) fn schema(&self) -> HandlerResult<SchemaRef> {
        Ok(Arc::new(self.table.schema().project(&self.columns)?))
    }

    /// The number of the row that comes next, and of all rows of the table.
    pub(crate) fn position(&self) -> (u64, u64) {
        (self.rows.start, self.table.rows())
    }

    /// The next rows.
    pub(crate) fn read(&mut self) -> ColumnsResult<Option<RecordBatch>> {
        if self.rows.is_empty() {
            return Ok(None);
        }
        let end = self.rows.start.saturating_add(self.batch_rows).min(self.rows.end);
        let batch = self.table.read(self.rows.start..end, &self.columns)?;
        self.rows.start = end;
        Ok(Some(batch))
    }
}

/// Opens an HDF5 file of an item.
pub(crate) fn read_hdf5(item: &Item<'_>, file: &StoredFile, part: &TableReadOptions) -> HandlerResult<TableReader> {
    let blame = item.name().to_owned();
    // Read in pieces: mapped, a file that somebody cuts would end the process.
    let (table, size) = guarded(&blame, || open_stored_hdf5(item, file, false))?;
    let batches = Hdf5Batches::new(&blame, table, part, (size, BATCH_BYTES as u64))?;
    let schema = batches.schema()?;
    let batches = StoredBatches { item: blame.clone(), batches };
    let window = Window::new(batches, blame.clone(), schema.clone(), None);
    let window = if part.rows.is_some() { window.with_part(part) } else { window };
    Ok(Box::new(GuardedReader::blaming(blame, schema, window)))
}

/// The table in an HDF5 file of an item, and the bytes of the file. Whatever is used of it is compared before with what was recorded.
///
/// # Errors
/// [`HandlerError::Payload`] and [`HandlerError::Damaged`]; where something is used, the former as
/// [`ColumnsError::Source`](datafolio_columns::ColumnsError::Source).
pub fn open_stored_hdf5(item: &Item<'_>, file: &StoredFile, mapped: bool) -> HandlerResult<(Hdf5Table, u64)> {
    // A copy that is made of what lies on a store is what is opened then.
    let path = item.local_copy_of(file)?.unwrap_or_default();
    let source = item.open_file(file)?;
    let size = source.size();
    let name = item.name().to_owned();
    let damage = move |source| HandlerError::Payload { item: name.clone(), source };
    let options = Hdf5Options { group: None, mapped };
    let table = match source.mappable_file() {
        Some(open) => {
            let open = open.map_err(&damage)?;
            let guard: Guard = Arc::new(move |offset, length| {
                source.check(offset, length).map_err(|error| Box::new(damage(error)) as _)
            });
            Hdf5Table::guarded(open, &path, &options, guard)
        }
        None => Hdf5Table::of_file(copied(source.as_ref()).map_err(damage)?, &path, &options),
    };
    let table = table.map_err(|error| of_stored(item.name(), error))?;
    match file.rows.filter(|rows| *rows != table.rows()) {
        None => Ok((table, size)),
        Some(rows) => {
            let rows = counted(rows, "row");
            Err(item.damaged(format!("its entry records {rows}, and its file has {}", table.rows())))
        }
    }
}

/// The bytes of a payload in a file without a name.
fn copied(source: &VerifiedSource) -> Result<File, StorageError> {
    let failed = |error: io::Error| StorageError::Io {
        action: "copy to a temporary file",
        path: source.path().to_string(),
        location: std::env::temp_dir().display().to_string(),
        source: error,
    };
    let mut file = tempfile::tempfile().map_err(failed)?;
    let mut piece = vec![0; PIECE];
    for start in (0..source.size()).step_by(PIECE) {
        let length = (source.size() - start).min(PIECE as u64) as usize;
        source.read_exact_at(&mut piece[..length], start)?;
        file.write_all(&piece[..length]).map_err(failed)?;
    }
    Ok(file)
}

struct StoredBatches {
    item: String,
    batches: Hdf5Batches,
}

impl Batches for StoredBatches {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        self.batches.read().map_err(|error| of_stored(&self.item, error))
    }
}

/// What went wrong with the file of an item.
fn of_stored(item: &str, error: ColumnsError) -> HandlerError {
    let item = item.to_owned();
    match error {
        ColumnsError::Source(source) => match source.downcast::<HandlerError>() {
            Ok(error) => *error,
            Err(other) => HandlerError::Damaged { item, reason: other.to_string() },
        },
        error => HandlerError::Damaged { item, reason: reason_of(error) },
    }
}

/// What is wrong with a file, without its name.
pub(crate) fn reason_of(error: ColumnsError) -> String {
    match error {
        ColumnsError::Damaged { reason, .. } | ColumnsError::Unsupported { reason, .. } => reason,
        ColumnsError::Io { action, source, .. } => format!("cannot {action} it: {source}"),
        other => other.to_string(),
    }
}
