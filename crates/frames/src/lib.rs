//! Polars: frames out of Arrow record batches and into them, and lazy frames over a table that something else reads.
//!
//! This is the only crate that names Polars. It knows nothing of bundles: the library hands it streams of record batches, and
//! a [`TableSource`] for what is to be read lazily.
//!
//! Polars has an Arrow implementation of its own. Arrays pass between the two through the Arrow C data interface, and their
//! buffers stay where they are wherever both have the same layout: numbers, times, decimals, text in views, lists and
//! structures of these. What is copied is told at [`data_frame`] and [`record_batches`].

mod condition;
mod error;
mod ffi;
mod from_arrow;
mod metadata;
mod scan;
#[cfg(test)]
mod tests;
mod to_arrow;
mod types;

pub use polars;

pub use error::{FramesError, FramesResult};
pub use from_arrow::{FrameBuilder, data_frame};
pub use scan::{Part, TableSource, scan};
pub use to_arrow::{FrameBatches, record_batches};

/// What catalogues call the library that such a table came from.
pub const LIBRARY: &str = "polars";
