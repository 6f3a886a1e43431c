//! numpy's `.npy` files as tables: an array is a column, of vectors where it has two dimensions; the fields of a structured
//! array are columns each. Several files are columns side by side, each called as its file.

mod columns;
mod elements;

use std::io::{BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{FieldRef, Schema};
use datafolio_core::counted;
use datafolio_storage::SourceReader;

use self::columns::{Column, columns};
use super::input::{Meter, TableFile};
use super::{BATCH_BYTES, ImportOptions, Rows, TableFiles, bad, decoder_error, detect, quoted, some_rows};
use crate::error::HandlerResult;
use crate::guard::{Batches, GuardedReader};
use crate::npy::NpyHeader;
use crate::table::{TableReadOptions, places};

/// Opens files as columns side by side.
///
/// # Errors
/// [`HandlerError::BadFile`](crate::HandlerError::BadFile) for arrays that are no columns, of different lengths, or of one
/// name.
pub(super) fn open(files: &TableFiles, options: &ImportOptions) -> HandlerResult<Rows> {
    let arrays = files.files.iter().map(|source| {
        let file = TableFile::open(&source.place)?;
        let found = detect::resolve(&file, options)?;
        options.refuse_for(&file.path, found.format)?;
        Array::open(file)
    });
    rows(&files.place, arrays.collect::<HandlerResult<_>>()?, options, &options.part())
}

/// Opens one file.
///
/// # Errors
/// As [`open`].
pub(super) fn open_one(file: TableFile, options: &ImportOptions, part: &TableReadOptions) -> HandlerResult<Rows> {
    let place = file.path.clone();
    rows(&place, vec![Array::open(file)?], options, part)
}

fn rows(
    place: &std::path::Path,
    arrays: Vec<Array>,
    options: &ImportOptions,
    part: &TableReadOptions,
) -> HandlerResult<Rows> {
    let Some(rows) = arrays.first().map(|array| array.rows) else { return Err(bad(place, "names no file")) };
    let mut fields: Vec<FieldRef> = Vec::new();
    for array in &arrays {
        if array.rows != rows {
            let reason = format!("has {}, and the files before it have {rows}", counted(array.rows, "row"));
            return Err(bad(&array.file.path, reason));
        }
        for column in &array.columns {
            if fields.iter().any(|known| known.name() == column.field.name()) {
                let reason = format!("gives a second column {}", quoted(column.field.name()));
                return Err(bad(&array.file.path, reason));
            }
            fields.push(Arc::clone(&column.field));
        }
    }
    let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
    let order = match &part.columns {
        Some(wanted) => places(&place.to_owned(), &names, wanted)?,
        None => (0..names.len()).collect(),
    };
    let schema = Arc::new(Schema::new(fields).project(&order)?);
    let row_bytes: u64 = arrays.iter().map(|array| array.row_bytes).sum();
    let most = usize::try_from(BATCH_BYTES as u64 / row_bytes.max(1)).unwrap_or(usize::MAX).max(1);
    let size = arrays.iter().map(|array| array.file.size).sum();
    let batches = ArrayBatches {
        schema: Arc::clone(&schema),
        arrays,
        order,
        rows,
        next: 0,
        batch_rows: part.batch_rows.clamp(1, most),
        meter: Meter::new(options.progress.as_ref(), size, 0, 1),
        row_bytes,
    };
    let rows: Rows = Box::new(GuardedReader::new(place, schema, batches));
    Ok(if part.wants_all_rows() { rows } else { some_rows(place, rows, part) })
}

/// An open array.
struct Array {
    file: TableFile,
    handle: SourceReader,
    data_offset: u64,
    rows: u64,
    row_bytes: u64,
    /// Whether the first element of all rows comes before the second of any.
    by_columns: bool,
    columns: Vec<Column>,
}

impl Array {
    fn open(file: TableFile) -> HandlerResult<Self> {
        let mut handle = file.handle();
        let header = NpyHeader::read(&mut BufReader::new(&mut handle))
            .and_then(|header| header.check_file_size(file.size).map(|()| header))
            .map_err(|error| bad(&file.path, error.to_string()))?;
        let name = file.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let columns = columns(&name, &header).map_err(|reason| bad(&file.path, reason))?;
        let rows = header.shape().first().copied().unwrap_or_default();
        let width: u64 = header.shape().iter().skip(1).product();
        let row_bytes = header.dtype().item_size().saturating_mul(width);
        let by_columns = header.fortran_order() && header.shape().len() > 1;
        Ok(Self { handle, data_offset: header.data_offset(), rows, row_bytes, by_columns, columns, file })
    }

    /// The bytes of some rows, row by row.
    fn read(&mut self, first: u64, count: usize) -> std::io::Result<Vec<u8>> {
        let row = usize::try_from(self.row_bytes).map_err(std::io::Error::other)?;
        let mut bytes = vec![0; row * count];
        if !self.by_columns {
            self.handle.seek(SeekFrom::Start(self.data_offset + first * self.row_bytes))?;
            self.handle.read_exact(&mut bytes)?;
            return Ok(bytes);
        }
        let Some(size) = self.columns.first().and_then(|column| usize::try_from(column.scalar.size).ok()) else {
            return Ok(bytes);
        };
        let mut column = vec![0; size * count];
        for place in 0..row / size {
            let before = (place as u64 * self.rows + first) * size as u64;
            self.handle.seek(SeekFrom::Start(self.data_offset + before))?;
            self.handle.read_exact(&mut column)?;
            for (number, value) in column.chunks_exact(size).enumerate() {
                let at = number * row + place * size;
                bytes[at..at + size].copy_from_slice(value);
            }
        }
        Ok(bytes)
    }
}

struct ArrayBatches {
    schema: arrow::datatypes::SchemaRef,
    arrays: Vec<Array>,
    /// The places of the wanted columns.
    order: Vec<usize>,
    rows: u64,
    next: u64,
    batch_rows: usize,
    meter: Meter,
    row_bytes: u64,
}

impl Batches for ArrayBatches {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        let count = usize::try_from(self.rows - self.next).unwrap_or(usize::MAX).min(self.batch_rows);
        if count == 0 {
            return Ok(None);
        }
        let mut columns = Vec::new();
        for array in &mut self.arrays {
            let bytes = array.read(self.next, count);
            array.file.check_unchanged()?;
            let bytes = bytes.map_err(|error| bad(&array.file.path, format!("cannot be read: {error}")))?;
            let row = bytes.len() / count;
            for column in &array.columns {
                let made = column.make(&bytes, row).map_err(|reason| {
                    bad(&array.file.path, format!("column {}: {reason}", quoted(column.field.name())))
                })?;
                columns.push(made);
            }
        }
        self.next += count as u64;
        self.meter.tell(self.next.saturating_mul(self.row_bytes));
        let columns = self.order.iter().filter_map(|&place| columns.get(place).cloned()).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let path = self.arrays.first().map(|array| array.file.path.clone()).unwrap_or_default();
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map(Some)
            .map_err(|error| decoder_error(&path, "cannot be read", error))
    }
}

#[cfg(test)]
mod tests;
