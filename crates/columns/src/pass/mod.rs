//! One pass over the rows, for everything that is asked for together.
//!
//! Rows are cut into tasks, which threads take one after the other. Each thread goes through its task block by block: first the
//! filter, then whatever the sinks want, computed once. What the threads have gathered is put together at the end.

mod options;
mod ordered;
mod run;
mod sink;

pub use options::{PassOptions, Progress};
pub(crate) use ordered::Ordered;
pub(crate) use run::{Live, Request, live_rows, run};
pub(crate) use sink::{AnySink, BlockView, Outcome, Output, Sink, SinkPlan, erased};
