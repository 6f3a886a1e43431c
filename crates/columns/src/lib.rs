//! Columns of files as Arrow arrays, and expressions over columns.
//!
//! * [`hdf5`]: tables in HDF5 files, in the layout of Vaex: [`Hdf5Table`](hdf5::Hdf5Table) reads them, mapped where their values lie
//!   as Arrow wants them, and [`Hdf5Writer`](hdf5::Hdf5Writer) writes them.
//! * [`Expr`]: what is to be computed of columns, made with operators in Rust or read from text in Python's syntax.
//! * [`Type`] and [`Value`]: the types of values in expressions, with NumPy's promotion.
//!
//! This crate knows nothing of bundles. It is the only one beside the `ffi.rs` of others with unsafe code: the mapping of files.

mod aggregate;
mod block;
mod error;
mod expr;
mod frame;
mod functions;
mod group;
pub mod hdf5;
mod kernels;
mod pass;
mod plan;
mod simd;
pub mod source;
mod types;
mod value;

pub use aggregate::{Aggregate, Keep, agg};
pub use error::{ColumnsError, ColumnsResult, Place, Span};
pub use expr::{Case, Expr, When, call, call_with, col, lit, when};
pub use frame::{Answers, Batch, Frame, Metric, Promise, ValueCounts};
pub use pass::{PassOptions, Progress};
pub use types::{Int, Type, Unit};
pub use value::Value;
