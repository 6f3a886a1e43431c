//! Aggregations that are asked for one by one and computed together.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Frame;
use crate::aggregate::Aggregate;
use crate::error::ColumnsResult;
use crate::pass::PassOptions;
use crate::value::Value;

/// Aggregations of a frame that wait to be computed together.
///
/// ```
/// # use datafolio_columns::{Frame, agg, col};
/// # use arrow::array::{Float64Array, RecordBatch};
/// # let x = std::sync::Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0, 6.0])) as _;
/// # let batch = RecordBatch::try_from_iter([("x", x)])?;
/// # let frame = Frame::from_batches(batch.schema(), vec![batch])?;
/// let mut batch = frame.batch();
/// let mean = batch.add(agg::mean(col("x")));
/// let large = batch.add(agg::count(col("x")).selection(col("x").greater(2)));
/// let answers = batch.execute()?;
/// assert_eq!(answers.get(mean).and_then(|mean| mean.as_f64()), Some(3.0));
/// assert_eq!(answers.get(large).and_then(|large| large.as_f64()), Some(2.0));
/// # Ok::<(), datafolio_columns::ColumnsError>(())
/// ```
#[derive(Debug)]
pub struct Batch<'f> {
    frame: &'f Frame,
    aggregates: Vec<Aggregate>,
    id: u64,
}

/// An aggregation of a [`Batch`], by which its answer is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Promise {
    batch: u64,
    place: usize,
}

/// What came of a [`Batch`].
#[derive(Debug, Clone)]
pub struct Answers {
    values: Vec<Value>,
    batch: u64,
}

impl Frame {
    /// A batch of aggregations, with none so far.
    pub fn batch(&self) -> Batch<'_> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Batch { frame: self, aggregates: Vec::new(), id: NEXT.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Batch<'_> {
    /// Adds an aggregation.
    pub fn add(&mut self, aggregate: Aggregate) -> Promise {
        self.aggregates.push(aggregate);
        Promise { batch: self.id, place: self.aggregates.len() - 1 }
    }

    /// Computes all of them in one pass.
    ///
    /// # Errors
    /// Those of [`Frame::aggregate`].
    pub fn execute(self) -> ColumnsResult<Answers> {
        self.execute_with(&PassOptions::default())
    }

    /// Computes all of them with options.
    ///
    /// # Errors
    /// Those of [`Frame::aggregate_with`].
    pub fn execute_with(self, options: &PassOptions) -> ColumnsResult<Answers> {
        Ok(Answers { values: self.frame.aggregate_with(&self.aggregates, options)?, batch: self.id })
    }
}

impl Answers {
    /// The answer to an aggregation; none where it was added to another batch.
    pub fn get(&self, promise: Promise) -> Option<&Value> {
        self.values.get(promise.place).filter(|_| promise.batch == self.batch)
    }
}
