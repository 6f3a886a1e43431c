//! Plans: what is to be computed for every block, each expression once.
//!
//! Binding ties expressions to the columns of a source, finds the types, and makes one graph of all that is asked for. An
//! expression that occurs twice is one node, also where it was written in another way.

mod bind;
mod call;
mod evaluate;
mod operand;
mod operators;
mod scope;

use std::fmt;
use std::sync::Arc;

pub(crate) use bind::{Planner, USER};
pub(crate) use call::{Bind, Call, Function};
pub(crate) use evaluate::Evaluator;
pub(crate) use operand::{Operand, common_type, with_literal};
pub(crate) use scope::{Column, Scope, nearest};

use crate::block::Lane;
use crate::error::{ColumnsResult, Place};
use crate::types::Type;

/// The number of a node. Arguments have lower numbers than what is computed of them.
pub(crate) type NodeId = usize;

/// All that is to be computed of a block.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) nodes: Vec<Node>,
    /// The columns of the source that are read, by their places in its schema. Leaves name places in this list.
    pub(crate) columns: Vec<usize>,
}

/// One expression of a plan.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    pub(crate) type_: Type,
    /// How many others are computed of it, sinks and conditions among them.
    pub(crate) uses: usize,
    /// What it was written as.
    pub(crate) place: Place,
}

/// Where the values of a node come from.
pub(crate) enum NodeKind {
    /// A column, by its place in [`Plan::columns`].
    Column(usize),
    /// The same value for all rows.
    Constant(Lane<'static>),
    /// A computation of other nodes.
    Compute {
        kernel: Kernel,
        arguments: Vec<NodeId>,
        /// Whether rows that could not be computed in an argument are without result here too. A choice sees to it itself.
        passes_faults: bool,
    },
}

/// What computes a node: from lanes with a row for each of the block, or constants, to a lane.
pub(crate) type Kernel = Arc<dyn for<'a> Fn(Arguments<'a>) -> ColumnsResult<Lane<'a>> + Send + Sync>;

/// The arguments of a kernel. They are never all constant.
#[derive(Debug)]
pub(crate) struct Arguments<'a> {
    lanes: std::vec::IntoIter<Lane<'a>>,
    /// How many rows the block has.
    pub(crate) rows: usize,
}

impl<'a> Arguments<'a> {
    pub(crate) fn new(lanes: Vec<Lane<'a>>, rows: usize) -> Self {
        Self { lanes: lanes.into_iter(), rows }
    }

    /// The next argument.
    pub(crate) fn next(&mut self) -> Lane<'a> {
        // Binding has counted the arguments.
        self.lanes.next().unwrap_or(Lane::new(crate::block::Values::Null))
    }

    /// All that are left.
    pub(crate) fn rest(&mut self) -> Vec<Lane<'a>> {
        self.lanes.by_ref().collect()
    }
}

impl fmt::Debug for NodeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(column) => write!(f, "Column({column})"),
            Self::Constant(lane) => write!(f, "Constant({lane:?})"),
            Self::Compute { arguments, .. } => write!(f, "Compute({arguments:?})"),
        }
    }
}
