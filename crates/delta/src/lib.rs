//! Delta Lake tables, read.
//!
//! [`DeltaTable::open`] opens a version of a table: the newest, one by its number, or that of a time. It tells its columns and files, and
//! [`DeltaTable::read`] gives its rows as Arrow record batches: rows that deletion vectors take are left out, columns are found by
//! name or id as the table maps them, those that older files lack are null, and narrower types are widened. [`DeltaTable::bounds`] tells
//! between what the values of each file lie, by the log alone.
//!
//! What the log of a table means is known by `delta_kernel`, which this crate alone names. Files are read through a [`Place`], and
//! nothing is ever written.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use datafolio_delta::{DeltaTable, LocalPlace, Pick, ReadOptions};
//!
//! let table = Arc::new(DeltaTable::open(Arc::new(LocalPlace::new("/data/flights")), Pick::Version(3))?);
//! for batch in table.read(&ReadOptions::default())? {
//!     println!("{} rows", batch?.num_rows());
//! }
//! # Ok::<(), datafolio_delta::DeltaError>(())
//! ```

mod conform;
mod cut;
mod data_file;
mod engine;
mod error;
mod escapes;
mod log;
mod partition;
mod place;
mod rows;
mod statistics;
mod table;
mod time;
mod types;

pub use error::{DeltaError, DeltaResult};
pub use place::{Listed, LocalPlace, OpenFile, Place};
pub use rows::{DeltaRows, ReadOptions};
pub use statistics::ColumnBounds;
pub use table::{DeltaFile, DeltaTable, Pick, log_of};
