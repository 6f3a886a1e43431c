//! The first rows of a result, and whether there are more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::rows::Rows;

/// Whether rows were left out. That is known when the others have been read.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Cut(Arc<AtomicBool>);

impl Cut {
    /// Whether rows were left out.
    pub(in crate::cli) fn was_made(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The first rows, at most so many; without a number all of them.
pub(in crate::cli) fn first(rows: Rows, limit: Option<usize>) -> (Rows, Cut) {
    let cut = Cut::default();
    match limit {
        None => (rows, cut),
        Some(left) => (Box::new(First { rows, left, cut: cut.clone() }), cut),
    }
}

struct First {
    rows: Rows,
    left: usize,
    cut: Cut,
}

impl Iterator for First {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.cut.was_made() {
            return None;
        }
        let batch = match self.rows.next()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(error)),
        };
        let taken = batch.num_rows().min(self.left);
        if taken < batch.num_rows() {
            self.cut.0.store(true, Ordering::Relaxed);
        }
        self.left -= taken;
        (taken > 0 || batch.num_rows() == 0).then(|| Ok(batch.slice(0, taken)))
    }
}

impl RecordBatchReader for First {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array, RecordBatchIterator};

    use super::*;

    #[test]
    fn rows_are_cut_where_there_are_more() {
        let batch = |values: Vec<i64>| {
            RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(values)) as ArrayRef)]).unwrap()
        };
        for (limit, count, is_cut) in [
            (None, 5, false),
            (Some(6), 5, false),
            (Some(5), 5, false),
            (Some(4), 4, true),
            (Some(2), 2, true),
            (Some(0), 0, true),
        ] {
            let batches = [batch(vec![1, 2]), batch(vec![]), batch(vec![3, 4, 5])];
            let schema = batches[0].schema();
            let rows = RecordBatchIterator::new(batches.into_iter().map(Ok), schema);
            let (rows, cut) = first(Box::new(rows), limit);
            let read: usize = rows.map(|batch| batch.unwrap().num_rows()).sum();
            assert_eq!((read, cut.was_made()), (count, is_cut), "{limit:?}");
        }
    }
}
