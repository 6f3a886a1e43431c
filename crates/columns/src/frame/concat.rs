//! Frames one below the other, and the rows of a frame as a source of others.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::batches::Reading;
use super::{Frame, Origin};
use crate::error::ColumnsResult;
use crate::expr::{Expr, col};
use crate::pass::PassOptions;
use crate::source::{Batches, ConcatSource, Source};

impl Frame {
    /// The rows of frames one below the other, which are told apart by name and not by place: a column that one of them lacks is missing in
    /// its rows, and types are widened where they can be. Virtual columns become columns that are computed when they are read; filters
    /// take a pass that finds the rows, of which the number is kept, 8 bytes each.
    ///
    /// # Errors
    /// Where a column has types in two frames that have none in common; those of filters.
    ///
    /// ```
    /// # use datafolio_columns::{Frame, col};
    /// # use arrow::array::{Int64Array, RecordBatch};
    /// # let x = std::sync::Arc::new(Int64Array::from(vec![1, 2, 3])) as _;
    /// # let batch = RecordBatch::try_from_iter([("x", x)])?;
    /// # let frame = Frame::from_batches(batch.schema(), vec![batch])?;
    /// let both = Frame::concat(&[frame.clone(), frame.filter(col("x").greater(1))?])?;
    /// assert_eq!(both.compute(&["count()"])?[0].as_i128(), Some(5));
    /// # Ok::<(), datafolio_columns::ColumnsError>(())
    /// ```
    pub fn concat(frames: &[Self]) -> ColumnsResult<Self> {
        let sources = frames.iter().map(Self::to_source).collect::<ColumnsResult<Vec<_>>>()?;
        let origins: BTreeSet<Origin> = frames.iter().flat_map(|frame| frame.origins.iter().cloned()).collect();
        Ok(Self::new(Arc::new(ConcatSource::new(sources, false)?)).with_origins(origins))
    }

    /// The rows that pass the filter, with all columns, as a source of their own.
    ///
    /// # Errors
    /// Those of expressions and of the filter.
    pub fn to_source(&self) -> ColumnsResult<Arc<dyn Source>> {
        let frame = match self.filter {
            None => self.clone(),
            Some(_) => self.taken(self.passing(&PassOptions::default())?)?,
        };
        let own = frame.source.schema();
        let plain = frame.rows == (0..frame.source.rows())
            && own.fields().len() == frame.names.len()
            && frame.names.iter().enumerate().all(|(place, name)| {
                own.field(place).name() == &**name && frame.place_of(&col(name.clone())) == Some(place)
            });
        if plain {
            return Ok(frame.source);
        }
        let schema = frame.arrow_schema()?;
        Ok(Arc::new(FrameSource { frame, schema }))
    }
}

/// The rows of a frame without a filter.
#[derive(Debug)]
struct FrameSource {
    frame: Frame,
    schema: SchemaRef,
}

impl FrameSource {
    /// The columns in these places, by name.
    fn columns(&self, places: &[usize]) -> Vec<(Arc<str>, Expr)> {
        let names = places.iter().filter_map(|place| self.frame.names.get(*place));
        names.map(|name| (name.clone(), col(name.clone()))).collect()
    }
}

impl Source for FrameSource {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn rows(&self) -> u64 {
        self.frame.rows.end - self.frame.rows.start
    }

    fn name(&self) -> String {
        self.frame.source.name()
    }

    fn tasks(&self, rows: Range<u64>, target: u64) -> Vec<Range<u64>> {
        let first = self.frame.rows.start;
        let tasks = self.frame.source.tasks(rows.start + first..rows.end + first, target);
        tasks.into_iter().map(|task| task.start - first..task.end - first).collect()
    }

    fn read(&self, rows: Range<u64>, columns: &[usize]) -> ColumnsResult<Batches<'_>> {
        let reading = Reading::new(&self.frame, &self.columns(columns))?;
        let first = self.frame.rows.start;
        let batches = reading.task(rows.start + first..rows.end + first)?;
        Ok(Box::new(batches.into_iter().map(Ok)))
    }

    fn check(&self) -> ColumnsResult<()> {
        self.frame.source.check()
    }

    fn fingerprint(&self, columns: &[usize]) -> Option<String> {
        let reading = Reading::new(&self.frame, &self.columns(columns)).ok()?;
        let own = self.frame.source.fingerprint(reading.columns_read())?;
        Some(format!("{own} {:?} {} {columns:?}", self.frame.rows, self.frame.state()))
    }
}
