//! Arrays in NumPy's `.npy` files: one column, of numbers or of vectors.

mod header;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayData, ArrayRef, BooleanArray, FixedSizeListArray, RecordBatch, RecordBatchOptions, make_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, MutableBuffer, NullBuffer};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use self::header::{Header, Kind, Refused};
use super::{Batches, Source, file_fingerprint};
use crate::error::{ColumnsError, ColumnsResult};
use crate::store::Store;
use crate::types::Unit;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Longest header that is read, as NumPy itself reads it: those of plain arrays have a hundred characters.
const LONGEST: u64 = 10_000;

/// The array of a `.npy` file as a column, with the name of the file without its ending.
#[derive(Debug)]
pub struct NpySource {
    store: Store,
    schema: SchemaRef,
    header: Header,
    /// Where the values begin.
    start: u64,
    rows: u64,
    /// The dimensions of a row; none where a row is a number.
    inner: Vec<i32>,
    /// Bytes of a row.
    width: u64,
    fingerprint: Option<String>,
}

impl NpySource {
    /// Opens the file at `path`, mapped or to be read in pieces. `fingerprint` names its content, where that is known.
    ///
    /// # Errors
    /// Where the file is no `.npy` file, is too short for its array, or holds what is no column.
    pub fn open(path: impl AsRef<Path>, mapped: bool, fingerprint: Option<String>) -> ColumnsResult<Self> {
        let store = Store::open(path.as_ref(), mapped)?;
        let path = store.path();
        let damaged = |reason: String| ColumnsError::damaged(path, reason);
        let short = || damaged("is no .npy file, or ends within its header".to_owned());
        if store.length() < 10 {
            return Err(short());
        }
        let head = store.bytes(0, store.length().min(12))?;
        let head = head.as_slice();
        if !head.starts_with(MAGIC) {
            return Err(short());
        }
        let (at, length) = match head {
            [_, _, _, _, _, _, 1, 0, a, b, ..] => (10, u64::from(u16::from_le_bytes([*a, *b]))),
            [_, _, _, _, _, _, 2 | 3, 0, a, b, c, d] => (12, u64::from(u32::from_le_bytes([*a, *b, *c, *d]))),
            _ => return Err(damaged("is a .npy file of a version that is not known".to_owned())),
        };
        if length > LONGEST || at + length > store.length() {
            return Err(short());
        }
        let text = store.bytes(at, length)?;
        let text =
            std::str::from_utf8(text.as_slice()).map_err(|_| damaged("has a header that is no text".to_owned()))?;
        let header = Header::parse(text).map_err(|refused| match refused {
            Refused::Damaged(reason) => damaged(reason),
            Refused::Unsupported(reason) => ColumnsError::unsupported(path, reason),
        })?;
        let Some((rows, inner)) = header.shape.split_first() else {
            return Err(ColumnsError::unsupported(path, "holds a single value, which is no column"));
        };
        if header.fortran && !inner.is_empty() {
            return Err(ColumnsError::unsupported(
                path,
                "holds vectors whose rows do not lie together; save numpy.ascontiguousarray(array) instead",
            ));
        }
        let start = at + length;
        let width = inner.iter().try_fold(header.width as u64, |width, length| width.checked_mul(*length));
        let size = width.and_then(|width| rows.checked_mul(width)).filter(|size| *size <= store.length() - start);
        let (Some(width), Some(_)) = (width, size) else {
            return Err(damaged(format!(
                "ends before its array: {:?} values of {} bytes are to follow, and there are {} bytes",
                header.shape,
                header.width,
                store.length() - start
            )));
        };
        let inner = inner.iter().map(|length| i32::try_from(*length).ok().filter(|length| *length > 0));
        let Some(inner) = inner.collect::<Option<Vec<i32>>>() else {
            return Err(ColumnsError::unsupported(path, "holds vectors of no component, or of too many"));
        };
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("data").to_owned();
        let element = data_type(&header).map_err(|reason| ColumnsError::unsupported(path, reason))?;
        let type_ = inner
            .iter()
            .rev()
            .fold(element, |type_, length| DataType::FixedSizeList(Arc::new(Field::new("item", type_, true)), *length));
        let schema = Arc::new(Schema::new(vec![Field::new(name, type_, true)]));
        let rows = *rows;
        Ok(Self { schema, header, start, rows, inner, width, fingerprint, store })
    }

    fn array(&self, rows: Range<u64>) -> ColumnsResult<ArrayRef> {
        let count = (rows.end - rows.start) as usize;
        let bytes = self.store.bytes(self.start + rows.start * self.width, (rows.end - rows.start) * self.width)?;
        let bytes = if self.header.big { swapped(&bytes, self.header.width) } else { bytes };
        let elements = bytes.len() / self.header.width.max(1);
        let mut array = match self.header.kind {
            Kind::Bool => {
                let bits = BooleanBuffer::collect_bool(elements, |at| bytes.get(at).is_some_and(|byte| *byte != 0));
                Arc::new(BooleanArray::new(bits, None)) as ArrayRef
            }
            kind => {
                let type_ = data_type(&self.header).map_err(ColumnsError::option)?;
                let nulls = match kind {
                    Kind::Instant(_) | Kind::Duration(_) => not_a_time(&bytes, elements),
                    _ => None,
                };
                let data = ArrayData::builder(type_).len(elements).add_buffer(bytes).nulls(nulls).align_buffers(true);
                make_array(data.build()?)
            }
        };
        let mut length = elements;
        for width in self.inner.iter().rev() {
            length /= *width as usize;
            let field = Arc::new(Field::new("item", array.data_type().clone(), true));
            array = Arc::new(FixedSizeListArray::try_new(field, *width, array, None)?);
        }
        if array.len() != count || (!self.inner.is_empty() && length != count) {
            return Err(ColumnsError::damaged(self.store.path(), "has rows of another length than its header says"));
        }
        Ok(array)
    }
}

fn data_type(header: &Header) -> Result<DataType, String> {
    let unit = |unit: Unit| match unit {
        Unit::Second => Ok(TimeUnit::Second),
        Unit::Milli => Ok(TimeUnit::Millisecond),
        Unit::Micro => Ok(TimeUnit::Microsecond),
        Unit::Nano => Ok(TimeUnit::Nanosecond),
        other => Err(format!(
            "holds times in units of '{}', which Arrow does not have; save array.astype('datetime64[s]') or timedelta64[s]",
            other.as_str()
        )),
    };
    Ok(match (header.kind, header.width) {
        (Kind::Bool, _) => DataType::Boolean,
        (Kind::Signed, 1) => DataType::Int8,
        (Kind::Signed, 2) => DataType::Int16,
        (Kind::Signed, 4) => DataType::Int32,
        (Kind::Signed, _) => DataType::Int64,
        (Kind::Unsigned, 1) => DataType::UInt8,
        (Kind::Unsigned, 2) => DataType::UInt16,
        (Kind::Unsigned, 4) => DataType::UInt32,
        (Kind::Unsigned, _) => DataType::UInt64,
        (Kind::Float, 2) => DataType::Float16,
        (Kind::Float, 4) => DataType::Float32,
        (Kind::Float, _) => DataType::Float64,
        (Kind::Instant(ticks), _) => DataType::Timestamp(unit(ticks)?, None),
        (Kind::Duration(ticks), _) => DataType::Duration(unit(ticks)?),
    })
}

/// The values with their bytes the other way round.
fn swapped(bytes: &Buffer, width: usize) -> Buffer {
    let mut copy = MutableBuffer::with_capacity(bytes.len());
    copy.extend_from_slice(bytes.as_slice());
    copy.as_slice_mut().chunks_exact_mut(width.max(1)).for_each(<[u8]>::reverse);
    copy.into()
}

/// Which ticks are a time; none where all are. NumPy writes the least integer for what is none.
fn not_a_time(bytes: &Buffer, elements: usize) -> Option<NullBuffer> {
    let ticks = bytes.as_slice().as_chunks::<8>().0;
    let is_time = |tick: &[u8; 8]| i64::from_ne_bytes(*tick) != i64::MIN;
    if ticks.iter().all(is_time) {
        return None;
    }
    Some(NullBuffer::new(BooleanBuffer::collect_bool(elements, |at| ticks.get(at).is_some_and(is_time))))
}

impl Source for NpySource {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn name(&self) -> String {
        self.store.path().display().to_string()
    }

    fn read(&self, rows: Range<u64>, columns: &[usize]) -> ColumnsResult<Batches<'_>> {
        if rows.start > rows.end || rows.end > self.rows {
            return Err(ColumnsError::option(format!(
                "rows {} to {} of '{}' were asked for, and there are {}",
                rows.start,
                rows.end,
                self.name(),
                self.rows
            )));
        }
        self.store.check_length()?;
        let options = RecordBatchOptions::new().with_row_count(Some((rows.end - rows.start) as usize));
        let arrays = columns.iter().map(|_| self.array(rows.clone())).collect::<ColumnsResult<_>>()?;
        let schema = Arc::new(self.schema.project(columns)?);
        let batch = RecordBatch::try_new_with_options(schema, arrays, &options)?;
        Ok(Box::new(std::iter::once(Ok(batch))))
    }

    fn check(&self) -> ColumnsResult<()> {
        self.store.check_length()
    }

    fn fingerprint(&self, columns: &[usize]) -> Option<String> {
        file_fingerprint(&self.store, self.fingerprint.as_ref(), columns)
    }
}
