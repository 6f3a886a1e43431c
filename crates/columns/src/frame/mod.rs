//! Frames: columns of a source with what is computed of them, lazily.

mod aggregate;
mod answers;
mod batch;
mod batches;
mod columns;
mod components;
mod concat;
mod describe;
mod distinct;
mod export;
mod grid;
mod group;
mod open;
mod rows;
mod sample;
mod schema;
mod state;
#[cfg(test)]
mod tests;
mod top;
mod vaex_state;

use std::ops::Range;
use std::sync::Arc;

pub use batch::{Answers, Batch, Promise};
pub use batches::{FrameBatches, FrameReader};
pub use describe::ColumnSummary;
pub use distinct::ValueCounts;
pub(crate) use export::failed;
pub use export::{ExportFormat, ExportOptions, PartitionOptions, Parts, convert, write_parts};
pub use grid::{Axis, BinBy, Grid, GridAxis, Limits};
pub use group::{GroupBy, Key};
pub use open::{OpenOptions, Paths};
pub use schema::ColumnInfo;
pub use top::Metric;

use crate::error::ColumnsResult;
use crate::expr::Expr;
use crate::plan::{Column, Scope};
use crate::results::ResultCache;
use crate::source::Source;
use crate::types::Type;

/// Columns of a source, virtual columns, a filter and variables. Cheap to clone; nothing is computed before it is asked for.
///
/// ```
/// # use datafolio_columns::{Frame, agg, col};
/// # use arrow::array::{Float64Array, RecordBatch};
/// # let x = std::sync::Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0, 4.0])) as _;
/// # let batch = RecordBatch::try_from_iter([("x", x)])?;
/// let frame = Frame::from_batches(batch.schema(), vec![batch])?
///     .with_column("square", col("x").pow(2))
///     .filter(col("x").greater(1))?;
/// assert_eq!(frame.aggregate(&[agg::sum(col("square"))])?[0].as_f64(), Some(29.0));
/// # Ok::<(), datafolio_columns::ColumnsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Frame {
    source: Arc<dyn Source>,
    scope: Arc<Scope>,
    /// The names that are shown, in order.
    names: Arc<Vec<Arc<str>>>,
    filter: Option<Expr>,
    /// The rows of the source that the frame has, before the filter.
    rows: Range<u64>,
    /// Where answers are kept.
    results: Option<Arc<dyn ResultCache>>,
    origins: Arc<[Origin]>,
}

/// A version of something that rows come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// What it is called.
    pub name: String,
    /// Which version of it.
    pub version: String,
}

impl Frame {
    /// All columns and rows of a source.
    pub fn new(source: Arc<dyn Source>) -> Self {
        let schema = source.schema();
        let mut scope = Scope::default();
        for (place, field) in schema.fields().iter().enumerate() {
            let column = Column { place, type_: Type::of_arrow(field.data_type()) };
            scope.columns.insert(field.name().as_str().into(), column);
        }
        let names = scope.columns.keys().cloned().collect();
        let rows = 0..source.rows();
        Self {
            source,
            scope: Arc::new(scope),
            names: Arc::new(names),
            filter: None,
            rows,
            results: None,
            origins: Arc::new([]),
        }
    }

    /// Record batches in memory, which all have this schema.
    pub fn from_batches(
        schema: arrow::datatypes::SchemaRef,
        batches: Vec<arrow::array::RecordBatch>,
    ) -> ColumnsResult<Self> {
        Ok(Self::new(Arc::new(crate::source::BatchSource::new(schema, batches)?)))
    }

    /// Rows that can be read but once, as the result of a query. They are read here: what is larger than a quarter of the options' memory
    /// goes to a file in their spill directory, which is mapped, and gone with the last frame of it.
    ///
    /// Progress is told with 0 for all rows, since nobody knows how many there will be.
    ///
    /// # Errors
    /// Those of the reader and of the disk, and [`Cancelled`](crate::ColumnsError::Cancelled).
    pub fn from_reader(
        rows: impl arrow::array::RecordBatchReader,
        options: &crate::pass::PassOptions,
    ) -> ColumnsResult<Self> {
        Ok(Self::new(crate::source::spool(rows, options)?))
    }
}
