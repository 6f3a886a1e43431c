//! Columns of files as Arrow arrays, and expressions over columns.
//!
//! * [`hdf5`]: tables in HDF5 files, in the layout of Vaex: [`Hdf5Table`](hdf5::Hdf5Table) reads them, mapped where their values lie
//!   as Arrow wants them, and [`Hdf5Writer`](hdf5::Hdf5Writer) writes them.
//! * [`Expr`]: what is to be computed of columns, made with operators in Rust or read from text in Python's syntax.
//! * [`Type`] and [`Value`]: the types of values in expressions, with NumPy's promotion.
//!
//! * [`Frame`]: rows of a [`Source`](source::Source) with virtual columns, a filter, variables and selections; what is asked of it is
//!   computed in blocks, by all processors, in one pass. [`agg`] has what can be asked of all rows, or of each group.
//! * [`transform`]: scalers and encoders, fitted to one frame and applied to others, with their state as JSON.
//!
//! This crate knows nothing of bundles. It has unsafe code in three places: the mapping of files, the loops for certain processors
//! (`simd.rs`), and the two loops that fill a new vector (`kernels/sides.rs`).

mod aggregate;
mod block;
mod error;
#[cfg(test)]
mod expected;
mod expr;
mod frame;
mod functions;
mod group;
pub mod hdf5;
mod kernels;
mod pass;
#[cfg(test)]
mod peers;
mod plan;
mod results;
mod simd;
pub mod source;
mod store;
pub mod transform;
mod types;
mod value;

pub use aggregate::{Aggregate, Keep, agg};
pub use error::{ColumnsError, ColumnsResult, Place, Span};
pub use expr::{Case, Expr, When, call, call_with, col, lit, when};
pub use frame::{
    Answers, Axis, Batch, BinBy, ColumnInfo, ColumnSummary, ExportFormat, ExportOptions, Frame, FrameBatches,
    FrameReader, Grid, GridAxis, GroupBy, Key, Limits, Metric, OpenOptions, Origin, PartitionOptions, Parts, Paths,
    Promise, ValueCounts, convert, write_parts,
};
pub use functions::{FunctionInfo, functions};
pub use pass::{PassOptions, Progress};
pub use results::{MemoryResults, ResultCache};
pub use types::{Int, Type, Unit};
pub use value::Value;
