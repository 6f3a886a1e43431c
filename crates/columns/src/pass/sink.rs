//! What takes the blocks of a pass.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::RecordBatch;

use crate::block::{Lane, count_yes};
use crate::error::{ColumnsError, ColumnsResult};
use crate::plan::NodeId;
use crate::value::Value;

/// What a sink sees of a block.
#[derive(Debug)]
pub(crate) struct BlockView<'b, 'a> {
    /// What it asked for, in its order.
    pub(crate) lanes: &'b [Lane<'a>],
    /// Which rows count; none where all do. There is at least one.
    pub(crate) live: Option<&'b [u8]>,
    /// How many rows the block has, counted or not.
    pub(crate) rows: usize,
    /// The number of the first row.
    pub(crate) first_row: u64,
}

impl<'a> BlockView<'_, 'a> {
    /// Which rows count and have a value in a lane; none where all do.
    pub(crate) fn valid(&self, lane: &Lane<'a>) -> Option<Vec<u8>> {
        let valid = lane.valid_rows(self.rows);
        match (self.live, valid) {
            (None, None) => None,
            (Some(live), None) => Some(live.to_vec()),
            (None, Some(valid)) => Some(valid.into_vec()),
            (Some(live), Some(valid)) => Some(live.iter().zip(valid.iter()).map(|(a, b)| a & b).collect()),
        }
    }

    /// How many rows count.
    pub(crate) fn count(&self) -> usize {
        self.live.map_or(self.rows, count_yes)
    }
}

/// Gathers something of all blocks. Implemented for what is gathered, with [`erased`] for the pass.
pub(crate) trait Sink: Debug + Send + Sync + 'static {
    /// What a thread gathers.
    type Part: Send + 'static;

    /// Where a thread begins.
    fn start(&self) -> ColumnsResult<Self::Part>;

    /// Takes a block. Blocks of a task come in order, tasks in any order that rises in each thread.
    fn block(&self, part: &mut Self::Part, block: &BlockView<'_, '_>) -> ColumnsResult<()>;

    /// Puts what another thread has gathered to it.
    fn merge(&self, part: &mut Self::Part, other: Self::Part) -> ColumnsResult<()>;

    /// What comes of it.
    fn finish(&self, part: Self::Part) -> ColumnsResult<Outcome>;
}

/// What comes of a pass.
#[derive(Debug)]
pub(crate) enum Outcome {
    Done(Output),
    /// It takes another pass, for which the nodes of the plan are the same.
    Again(Arc<dyn AnySink>),
}

/// What was asked for.
#[derive(Debug, Clone)]
pub(crate) enum Output {
    Value(Value),
    Batch(RecordBatch),
}

/// A sink with what it looks at.
#[derive(Debug, Clone)]
pub(crate) struct SinkPlan {
    pub(crate) sink: Arc<dyn AnySink>,
    /// The nodes whose lanes it takes.
    pub(crate) inputs: Vec<NodeId>,
    /// The condition that rows must fulfil beside the filter.
    pub(crate) selection: Option<NodeId>,
}

/// A sink whose parts are of any type.
pub(crate) trait AnySink: Debug + Send + Sync {
    fn start(&self) -> ColumnsResult<Box<dyn Any + Send>>;
    fn block(&self, part: &mut (dyn Any + Send), block: &BlockView<'_, '_>) -> ColumnsResult<()>;
    fn finish(&self, parts: Vec<Box<dyn Any + Send>>) -> ColumnsResult<Outcome>;
}

/// The sink for a pass.
pub(crate) fn erased<S: Sink>(sink: S) -> Arc<dyn AnySink> {
    Arc::new(Erased(sink))
}

#[derive(Debug)]
struct Erased<S>(S);

impl<S: Sink> AnySink for Erased<S> {
    fn start(&self) -> ColumnsResult<Box<dyn Any + Send>> {
        Ok(Box::new(self.0.start()?))
    }

    fn block(&self, part: &mut (dyn Any + Send), block: &BlockView<'_, '_>) -> ColumnsResult<()> {
        match part.downcast_mut::<S::Part>() {
            Some(part) => self.0.block(part, block),
            None => Err(mixed_up()),
        }
    }

    fn finish(&self, parts: Vec<Box<dyn Any + Send>>) -> ColumnsResult<Outcome> {
        let mut all: Option<S::Part> = None;
        for part in parts {
            let part = *part.downcast::<S::Part>().map_err(|_| mixed_up())?;
            match &mut all {
                None => all = Some(part),
                Some(all) => self.0.merge(all, part)?,
            }
        }
        let all = match all {
            Some(all) => all,
            None => self.0.start()?,
        };
        self.0.finish(all)
    }
}

fn mixed_up() -> ColumnsError {
    ColumnsError::option("the parts of two questions were mixed up; this is a defect of datafolio, please report it")
}
