//! The rows of a frame as record batches.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, RecordBatchReader, new_empty_array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{concat, concat_batches, filter};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::Frame;
use crate::block::{BLOCK, Chunk, YES, array_of_lane, count_yes, data_type};
use crate::error::{ColumnsError, ColumnsResult, Place};
use crate::expr::{Expr, Kind, col};
use crate::pass::{Live, Ordered, PassOptions, live_rows};
use crate::plan::{Evaluator, NodeId, Plan, Planner};
use crate::source::Source;
use crate::types::Type;

/// Bytes of the rows of a task, roughly.
const TASK_BYTES: u64 = 16 << 20;
/// The most rows of a task.
const TASK_ROWS: u64 = 64 * BLOCK as u64;

/// The rows of a frame that pass its filter, in order, computed ahead by several threads.
///
/// Columns of the source come as they are, computed ones in the Arrow type of their values, texts as `LargeUtf8`.
#[derive(Debug)]
pub struct FrameBatches {
    schema: SchemaRef,
    results: Ordered<ColumnsResult<Vec<RecordBatch>>>,
    waiting: VecDeque<RecordBatch>,
    tasks: Arc<Vec<Range<u64>>>,
    /// How many tasks are done.
    done: usize,
    rows: Range<u64>,
    options: PassOptions,
    failed: bool,
}

impl FrameBatches {
    /// The columns.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// Takes what the next task came to.
    fn take(&mut self) -> Option<ColumnsResult<()>> {
        let task = self.results.next()?;
        self.done += 1;
        let stopped = self.options.cancelled() || {
            let end = self.tasks.get(self.done.saturating_sub(1)).map_or(self.rows.end, |task| task.end);
            let total = self.rows.end - self.rows.start;
            self.options.progress.as_ref().is_some_and(|progress| !progress(end - self.rows.start, total))
        };
        Some(match task {
            _ if stopped => Err(ColumnsError::Cancelled),
            Ok(batches) => {
                self.waiting.extend(batches);
                Ok(())
            }
            Err(error) => Err(error),
        })
    }
}

impl Iterator for FrameBatches {
    type Item = ColumnsResult<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            if let Some(batch) = self.waiting.pop_front() {
                return Some(Ok(batch));
            }
            match self.take()? {
                Ok(()) => {}
                Err(error) => {
                    self.failed = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

/// The rows of a frame for readers that take errors of Arrow.
#[derive(Debug)]
pub struct FrameReader(FrameBatches);

impl Iterator for FrameReader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.0.next()?.map_err(|error| ArrowError::ExternalError(Box::new(error))))
    }
}

impl RecordBatchReader for FrameReader {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }
}

impl Frame {
    /// The rows that pass the filter, with all columns, as a reader of record batches, as other libraries take them.
    ///
    /// # Errors
    /// Those of [`to_batches`](Self::to_batches).
    pub fn to_reader(&self, options: &PassOptions) -> ColumnsResult<FrameReader> {
        Ok(FrameReader(self.to_batches(options)?))
    }

    /// The rows that pass the filter, with these columns, as a reader of record batches.
    ///
    /// # Errors
    /// Those of [`to_batches`](Self::to_batches), and of a column that there is not.
    pub fn reader_of<S: AsRef<str>>(&self, names: &[S], options: &PassOptions) -> ColumnsResult<FrameReader> {
        let columns: Vec<(Arc<str>, Expr)> =
            names.iter().map(|name| (Arc::from(name.as_ref()), col(name.as_ref()))).collect();
        Ok(FrameReader(self.batches_of(&columns, options)?))
    }

    /// The rows that pass the filter, with all columns, as record batches.
    ///
    /// # Errors
    /// Those of expressions, here; those of rows without a result and of the source, when batches are taken.
    pub fn to_batches(&self, options: &PassOptions) -> ColumnsResult<FrameBatches> {
        let columns: Vec<(Arc<str>, Expr)> = self.names.iter().map(|name| (name.clone(), col(name.clone()))).collect();
        self.batches_of(&columns, options)
    }

    /// The rows that pass the filter, with the values of expressions under names of their own, as record batches.
    ///
    /// # Errors
    /// Those of [`to_batches`](Self::to_batches).
    pub fn evaluate<N: Into<Arc<str>>>(
        &self,
        columns: impl IntoIterator<Item = (N, Expr)>,
        options: &PassOptions,
    ) -> ColumnsResult<FrameBatches> {
        let columns: Vec<(Arc<str>, Expr)> = columns.into_iter().map(|(name, expr)| (name.into(), expr)).collect();
        self.batches_of(&columns, options)
    }

    /// All rows that pass the filter as one batch in memory.
    ///
    /// # Errors
    /// Those of [`to_batches`](Self::to_batches).
    pub fn collect(&self) -> ColumnsResult<RecordBatch> {
        let batches = self.to_batches(&PassOptions::default())?;
        let schema = batches.schema();
        let batches: Vec<RecordBatch> = batches.collect::<ColumnsResult<_>>()?;
        Ok(concat_batches(&schema, &batches)?)
    }

    /// The schema of what [`to_batches`](Self::to_batches) gives.
    ///
    /// # Errors
    /// Those of expressions.
    pub fn arrow_schema(&self) -> ColumnsResult<SchemaRef> {
        let columns: Vec<(Arc<str>, Expr)> = self.names.iter().map(|name| (name.clone(), col(name.clone()))).collect();
        Ok(Reading::new(self, &columns)?.schema)
    }

    pub(super) fn batches_of(
        &self,
        columns: &[(Arc<str>, Expr)],
        options: &PassOptions,
    ) -> ColumnsResult<FrameBatches> {
        self.source.check()?;
        let reading = Reading::new(self, columns)?;
        let schema = reading.schema.clone();
        let tasks = Arc::new(self.source.tasks(self.rows.clone(), reading.rows_of_task()));
        let (cut, cancel) = (tasks.clone(), options.cancel.clone());
        let results = Ordered::new(tasks.len(), options.threads(), move |task| {
            // Nobody waits for what comes after a cancellation.
            if cancel.as_ref().is_some_and(|cancel| cancel.load(std::sync::atomic::Ordering::Relaxed)) {
                return Err(ColumnsError::Cancelled);
            }
            reading.task(cut.get(task).cloned().unwrap_or_default())
        });
        let (rows, options) = (self.rows.clone(), options.clone());
        Ok(FrameBatches { schema, results, waiting: VecDeque::new(), tasks, done: 0, rows, options, failed: false })
    }
}

/// What the rows of a frame are made of.
#[derive(Debug)]
pub(super) struct Reading {
    source: Arc<dyn Source>,
    plan: Plan,
    filter: Option<NodeId>,
    columns: Vec<Column>,
    /// What is read of the source: the columns of the plan, and after them those that are only handed on.
    read: Vec<usize>,
    schema: SchemaRef,
}

#[derive(Debug)]
enum Column {
    /// A column of the source as it is, by its place among those that are read.
    Read(usize),
    /// What a node computes.
    Computed(NodeId, Type, DataType),
}

impl Reading {
    pub(super) fn new(frame: &Frame, columns: &[(Arc<str>, Expr)]) -> ColumnsResult<Self> {
        let own = frame.source.schema();
        let mut planner = Planner::new(&frame.scope);
        let filter = frame.filter.as_ref().map(|filter| planner.bind_condition(filter)).transpose()?;
        let mut bound = Vec::with_capacity(columns.len());
        let mut fields = Vec::with_capacity(columns.len());
        for (name, expr) in columns {
            if let Some(place) = frame.place_of(expr) {
                let field = own.field(place).clone().with_name(&**name);
                bound.push(Err(place));
                fields.push(field);
                continue;
            }
            let node = planner.bind(expr)?;
            let type_ = planner.type_of(node);
            let Some(arrow) = data_type(&type_) else {
                return Err(ColumnsError::TypeMismatch {
                    place: Place::of(expr),
                    reason: format!("'{name}' is {type_}, which Arrow has no type for; cast it with `astype`"),
                });
            };
            fields.push(Field::new(&**name, arrow.clone(), true));
            bound.push(Ok((node, type_, arrow)));
        }
        let plan = planner.finish();
        let mut read = plan.columns.clone();
        let columns = bound.into_iter().map(|column| match column {
            Ok((node, type_, arrow)) => Column::Computed(node, type_, arrow),
            Err(place) => Column::Read(read.iter().position(|other| *other == place).unwrap_or_else(|| {
                read.push(place);
                read.len() - 1
            })),
        });
        let columns = columns.collect();
        let schema = Arc::new(Schema::new_with_metadata(fields, own.metadata().clone()));
        Ok(Self { source: frame.source.clone(), plan, filter, columns, read, schema })
    }

    /// What tells only which rows pass.
    pub(super) fn of_filter(frame: &Frame) -> ColumnsResult<Self> {
        Self::new(frame, &[])
    }

    /// So many rows that they take about [`TASK_BYTES`].
    fn rows_of_task(&self) -> u64 {
        let width: u64 = self.schema.fields().iter().map(|field| width_of(field.data_type())).sum();
        let blocks = TASK_BYTES / width.max(1) / BLOCK as u64;
        (blocks.max(1) * BLOCK as u64).min(TASK_ROWS)
    }

    /// The columns of the source that are read.
    pub(super) fn columns_read(&self) -> &[usize] {
        &self.read
    }

    /// The rows of a task that pass.
    pub(super) fn task(&self, rows: Range<u64>) -> ColumnsResult<Vec<RecordBatch>> {
        let mut first = rows.start;
        let mut found = Vec::new();
        for batch in self.source.read(rows, &self.read)? {
            let batch = batch?;
            let count = batch.num_rows() as u64;
            found.extend(self.batch(&batch, first)?);
            first += count;
        }
        Ok(found)
    }

    /// Which rows of a task pass, a byte each.
    pub(super) fn mask(&self, rows: Range<u64>) -> ColumnsResult<Vec<u8>> {
        let mut first = rows.start;
        let mut mask = Vec::with_capacity((rows.end - rows.start) as usize);
        for batch in self.source.read_raw(rows, &self.plan.columns)? {
            let batch = batch?;
            let chunk = Chunk::raw(&batch)?;
            let mut evaluator = Evaluator::new(&self.plan, &chunk);
            self.live(&mut evaluator, batch.rows, first, |_, live, rows| {
                push(&mut mask, live, rows);
                Ok(())
            })?;
            first += batch.rows as u64;
        }
        Ok(mask)
    }

    /// Goes through the blocks of a chunk with the rows of each that pass.
    fn live<'p, 'a>(
        &'p self,
        evaluator: &mut Evaluator<'p, 'a>,
        rows: usize,
        first: u64,
        mut block: impl FnMut(&mut Evaluator<'p, 'a>, &Live, Range<usize>) -> ColumnsResult<()>,
    ) -> ColumnsResult<()> {
        let mut start = 0;
        while start < rows {
            let end = (start + BLOCK).min(rows);
            evaluator.block(start..end);
            let live = match self.filter {
                None => Live::All,
                Some(filter) => live_rows(evaluator, filter, &Live::All, end - start, first + start as u64)?,
            };
            block(evaluator, &live, start..end)?;
            start = end;
        }
        Ok(())
    }

    fn batch(&self, batch: &RecordBatch, first: u64) -> ColumnsResult<Option<RecordBatch>> {
        let rows = batch.num_rows();
        let Some(leaves) = batch.columns().get(..self.plan.columns.len()) else { return Ok(None) };
        let chunk = Chunk::new(leaves, rows)?;
        let mut evaluator = Evaluator::new(&self.plan, &chunk);
        let mut mask = Vec::with_capacity(if self.filter.is_some() { rows } else { 0 });
        let mut computed: Vec<Vec<ArrayRef>> = self.columns.iter().map(|_| Vec::new()).collect();
        self.live(&mut evaluator, rows, first, |evaluator, live, block| {
            if self.filter.is_some() {
                push(&mut mask, live, block.clone());
            }
            let live = match live {
                Live::None => return Ok(()),
                Live::All => None,
                Live::Some(mask) => Some(mask.as_slice()),
            };
            let kept = live.map_or(block.len(), count_yes);
            for (column, arrays) in self.columns.iter().zip(&mut computed) {
                let Column::Computed(node, type_, _) = column else { continue };
                let lane = evaluator.lane(*node)?;
                evaluator.check(&lane, live, first + block.start as u64)?;
                let lane = live.map_or(lane.clone(), |mask| lane.compact(mask, kept));
                arrays.push(array_of_lane(lane, kept, type_)?);
            }
            Ok(())
        })?;
        let kept = if self.filter.is_some() { count_yes(&mask) } else { rows };
        if kept == 0 {
            return Ok(None);
        }
        let mask = (kept < rows)
            .then(|| BooleanArray::new(BooleanBuffer::collect_bool(rows, |row| mask.get(row) == Some(&YES)), None));
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (column, parts) in self.columns.iter().zip(computed) {
            arrays.push(match (column, &mask) {
                (Column::Read(place), mask) => match (batch.columns().get(*place), mask) {
                    (Some(array), Some(mask)) => filter(array, mask)?,
                    (Some(array), None) => array.clone(),
                    (None, _) => {
                        return Err(ColumnsError::option("a column was not read; this is a defect of datafolio"));
                    }
                },
                (Column::Computed(_, _, arrow), _) => match parts.as_slice() {
                    [] => new_empty_array(arrow),
                    [one] => one.clone(),
                    several => concat(&several.iter().map(|array| &**array).collect::<Vec<_>>())?,
                },
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(kept));
        Ok(Some(RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)?))
    }
}

/// Adds the rows of a block to a mask.
fn push(mask: &mut Vec<u8>, live: &Live, rows: Range<usize>) {
    match live {
        Live::All => mask.resize(mask.len() + rows.len(), YES),
        Live::None => mask.resize(mask.len() + rows.len(), 0),
        Live::Some(live) => mask.extend_from_slice(live),
    }
}

/// Bytes of a value; a guess where they differ.
fn width_of(type_: &DataType) -> u64 {
    match type_ {
        DataType::FixedSizeList(item, length) => {
            width_of(item.data_type()).saturating_mul(u64::try_from(*length).unwrap_or(0))
        }
        DataType::FixedSizeBinary(width) => u64::try_from(*width).unwrap_or(0),
        DataType::Dictionary(keys, _) => width_of(keys),
        DataType::Struct(fields) => fields.iter().map(|field| width_of(field.data_type())).sum(),
        DataType::Boolean | DataType::Null => 1,
        other => other.primitive_width().map_or(32, |width| width as u64),
    }
}

impl Frame {
    /// The column of the source that an expression is nothing else than.
    pub(super) fn place_of(&self, expr: &Expr) -> Option<usize> {
        let mut expr = expr;
        // A column that is another name for another, and so on; a circle is an error that binding tells.
        for _ in 0..100 {
            let Kind::Name(name) = &*expr.kind else { return None };
            match self.scope.virtuals.get(name) {
                Some(definition) => expr = definition,
                None => return self.scope.columns.get(name).map(|column| column.place),
            }
        }
        None
    }
}
