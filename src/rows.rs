//! Some of the rows of a stream, and no more of them than there is room for.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch, RecordBatchReader};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use crate::error::Error;

/// A stream of rows.
pub(crate) type Rows = Box<dyn RecordBatchReader + Send>;

/// The rows of these numbers.
pub(crate) struct Picked {
    reader: Rows,
    rows: Arc<[u64]>,
    /// The first of them that was not given yet.
    next: usize,
    /// The number of the next row of the stream.
    start: u64,
}

impl Picked {
    pub(crate) fn new(reader: Rows, rows: Arc<[u64]>) -> Self {
        Self { reader, rows, next: 0, start: 0 }
    }
}

impl Iterator for Picked {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = match self.reader.next()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(error)),
        };
        let end = self.start + batch.num_rows() as u64;
        let mask: BooleanArray = (self.start..end)
            .map(|row| {
                let is_wanted = self.rows.get(self.next) == Some(&row);
                self.next += usize::from(is_wanted);
                Some(is_wanted)
            })
            .collect();
        self.start = end;
        Some(filter_record_batch(&batch, &mask))
    }
}

impl RecordBatchReader for Picked {
    fn schema(&self) -> SchemaRef {
        self.reader.schema()
    }
}

/// The rows from one on, up to a number of them.
pub(crate) struct Stretch {
    reader: Rows,
    /// Rows that are still to be passed over.
    before: u64,
    /// Rows that are still to be given.
    left: u64,
}

impl Stretch {
    pub(crate) fn new(reader: Rows, offset: u64, limit: Option<u64>) -> Self {
        Self { reader, before: offset, left: limit.unwrap_or(u64::MAX) }
    }
}

impl Iterator for Stretch {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        // Nothing behind the last one is read.
        while self.left > 0 {
            let batch = match self.reader.next()? {
                Ok(batch) => batch,
                Err(error) => return Some(Err(error)),
            };
            let rows = batch.num_rows() as u64;
            let skipped = rows.min(self.before);
            self.before -= skipped;
            let given = (rows - skipped).min(self.left);
            if given > 0 {
                self.left -= given;
                return Some(Ok(batch.slice(skipped as usize, given as usize)));
            }
        }
        None
    }
}

impl RecordBatchReader for Stretch {
    fn schema(&self) -> SchemaRef {
        self.reader.schema()
    }
}

/// Rows up to as many bytes as a setting allows.
pub(crate) struct Capped<R> {
    rows: R,
    left: u64,
    what: &'static str,
    setting: &'static str,
}

impl<R> Capped<R> {
    /// `what` needs the room that `setting` bounds.
    pub(crate) fn new(rows: R, bytes: u64, what: &'static str, setting: &'static str) -> Self {
        Self { rows, left: bytes, what, setting }
    }
}

impl<R: RecordBatchReader> Iterator for Capped<R> {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = match self.rows.next()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(error)),
        };
        Some(match self.left.checked_sub(batch.get_array_memory_size() as u64) {
            Some(left) => {
                self.left = left;
                Ok(batch)
            }
            None => {
                let (what, setting) = (self.what, self.setting);
                let message = format!("{what} needs more room than the setting {setting} allows: raise it");
                Err(ArrowError::ExternalError(Box::new(Error::Invalid(message))))
            }
        })
    }
}

impl<R: RecordBatchReader> RecordBatchReader for Capped<R> {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatchIterator};
    use arrow::datatypes::Int64Type;

    use super::*;

    fn rows() -> Rows {
        let batch = |values: std::ops::Range<i64>| {
            let column: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
            RecordBatch::try_from_iter([("x", column)]).unwrap()
        };
        let schema = batch(0..0).schema();
        Box::new(RecordBatchIterator::new([0..3, 3..3, 3..10].map(batch).map(Ok), schema))
    }

    fn values(reader: impl Iterator<Item = std::result::Result<RecordBatch, ArrowError>>) -> Vec<i64> {
        reader.flat_map(|batch| batch.unwrap().column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
    }

    #[test]
    fn stretches_and_numbers_of_rows() {
        for (offset, limit, expected) in [
            (0, None, 0..10),
            (2, None, 2..10),
            (2, Some(3), 2..5),
            (3, Some(0), 0..0),
            (9, Some(7), 9..10),
            (10, None, 0..0),
            (u64::MAX, Some(u64::MAX), 0..0),
        ] {
            assert_eq!(
                values(Stretch::new(rows(), offset, limit)),
                expected.collect::<Vec<i64>>(),
                "{offset} {limit:?}"
            );
        }
        assert_eq!(values(Picked::new(rows(), [0, 2, 3, 9, 12].into())), [0, 2, 3, 9]);
    }

    #[test]
    fn what_has_no_room_is_told_with_the_setting() {
        assert_eq!(values(Capped::new(rows(), 1 << 20, "it", "the_cap")).len(), 10);
        let error = Capped::new(rows(), 0, "it", "the_cap").next().unwrap().unwrap_err();
        assert!(error.to_string().contains("the_cap"), "{error}");
    }
}
