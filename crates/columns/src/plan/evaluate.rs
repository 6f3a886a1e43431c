//! Computes the nodes of a plan for a block.

use std::ops::Range;
use std::sync::Arc;

use super::{Arguments, NodeId, NodeKind, Plan};
use crate::block::{Chunk, Fault, Lane, Values};
use crate::error::{ColumnsError, ColumnsResult};

/// The nodes of a plan, computed as they are asked for, for one block after the other.
#[derive(Debug)]
pub(crate) struct Evaluator<'p, 'a> {
    plan: &'p Plan,
    chunk: &'a Chunk<'a>,
    rows: Range<usize>,
    lanes: Vec<Option<Lane<'a>>>,
    waiting: Vec<NodeId>,
}

impl<'p, 'a> Evaluator<'p, 'a> {
    /// An evaluator over a chunk, which has the columns of the plan.
    pub(crate) fn new(plan: &'p Plan, chunk: &'a Chunk<'a>) -> Self {
        Self { plan, chunk, rows: 0..0, lanes: vec![None; plan.nodes.len()], waiting: Vec::new() }
    }

    /// Goes to a block.
    pub(crate) fn block(&mut self, rows: Range<usize>) {
        self.chunk.prefetch(rows.end..rows.end + rows.len());
        self.rows = rows;
        self.lanes.iter_mut().for_each(|lane| *lane = None);
    }

    /// What a node has in this block. Lanes are cheap to clone.
    pub(crate) fn lane(&mut self, node: NodeId) -> ColumnsResult<Lane<'a>> {
        // Not by recursion: what operators in Rust have made may be deeper than the stack.
        self.waiting.push(node);
        while let Some(next) = self.waiting.last().copied() {
            if self.known(next).is_some() {
                self.waiting.pop();
                continue;
            }
            let Some(description) = self.plan.nodes.get(next) else { return Ok(Lane::new(Values::Null)) };
            let lane = match &description.kind {
                NodeKind::Column(column) => {
                    self.chunk.block(*column, self.rows.clone()).unwrap_or(Lane::new(Values::Null))
                }
                NodeKind::Constant(lane) => lane.clone(),
                NodeKind::Compute { kernel, arguments, passes_faults } => {
                    let before = self.waiting.len();
                    for argument in arguments {
                        if self.known(*argument).is_none() {
                            self.waiting.push(*argument);
                        }
                    }
                    if self.waiting.len() > before {
                        continue;
                    }
                    let lanes: Vec<Lane<'a>> = arguments.iter().filter_map(|argument| self.used(*argument)).collect();
                    let mut lane = run(kernel, lanes, self.rows.len(), *passes_faults)
                        .map_err(|error| error.at_node(&description.place))?;
                    if let Some(fault) = lane.fault.as_mut().filter(|fault| fault.node.is_none()) {
                        Arc::make_mut(fault).node = Some(next);
                    }
                    lane
                }
            };
            if let Some(slot) = self.lanes.get_mut(next) {
                *slot = Some(lane);
            }
            self.waiting.pop();
        }
        Ok(self.used(node).unwrap_or(Lane::new(Values::Null)))
    }

    /// The lane of a node for one of those that are computed of it. The last one gets it for itself, and may write over it.
    fn used(&mut self, node: NodeId) -> Option<Lane<'a>> {
        let slot = self.lanes.get_mut(node)?;
        let once = self.plan.nodes.get(node).is_some_and(|description| description.uses <= 1);
        if once { slot.take() } else { slot.clone() }
    }

    fn known(&self, node: NodeId) -> Option<&Lane<'a>> {
        self.lanes.get(node)?.as_ref()
    }

    /// The error of rows that have no result and are among the rows of a mask; nothing where none of them is.
    pub(crate) fn check(&self, lane: &Lane<'a>, live: Option<&[u8]>, first_row: u64) -> ColumnsResult<()> {
        let Some(fault) = &lane.fault else { return Ok(()) };
        let row = match live {
            None => fault.rows.iter().position(|row| *row != 0),
            Some(live) => fault.rows.iter().zip(live).position(|(row, live)| row & live != 0),
        };
        let Some(row) = row else { return Ok(()) };
        let place = fault.node.and_then(|node| self.plan.nodes.get(node)).map(|node| node.place.clone());
        Err(ColumnsError::NoResult {
            place: place.unwrap_or_default(),
            row: Some(first_row + row as u64),
            reason: fault.reason.clone(),
        })
    }
}

fn run<'a>(
    kernel: &super::Kernel,
    mut lanes: Vec<Lane<'a>>,
    rows: usize,
    passes_faults: bool,
) -> ColumnsResult<Lane<'a>> {
    let constant = !lanes.is_empty() && lanes.iter().all(|lane| lane.constant);
    if constant {
        // One row is computed, and stands for all.
        lanes.iter_mut().for_each(|lane| lane.constant = false);
        let lane = kernel(Arguments::new(lanes, 1))?;
        return Ok(Lane { constant: true, ..lane });
    }
    let mut faults: Option<Arc<Fault>> = None;
    if passes_faults {
        for lane in &mut lanes {
            faults = Fault::both(faults, lane.fault.take());
        }
    }
    let mut lane = kernel(Arguments::new(lanes, rows))?;
    lane.fault = Fault::both(faults, lane.fault);
    Ok(lane)
}

impl Fault {
    /// Rows that are without result in either.
    pub(crate) fn both(a: Option<Arc<Self>>, b: Option<Arc<Self>>) -> Option<Arc<Self>> {
        match (a, b) {
            (None, one) | (one, None) => one,
            (Some(a), Some(b)) => {
                let mut both = a.as_ref().clone();
                both.rows.iter_mut().zip(&b.rows).for_each(|(a, b)| *a |= b);
                Some(Arc::new(both))
            }
        }
    }
}
