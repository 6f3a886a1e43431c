//! Tables: read in part, walked through, sampled, described, and handed to other programs.

mod chunks;
#[cfg(feature = "sql")]
mod filter;
#[cfg(not(feature = "sql"))]
#[path = "no_filter.rs"]
mod filter;
mod info;
mod paths;
mod read;
mod sample;

pub use chunks::{DEFAULT_CHUNK_SIZE, IterOptions, TableChunks};
pub(crate) use info::KnownFacts;
#[cfg(feature = "sql")]
pub(crate) use read::is_table;

pub use info::{TableColumn, TableInfo, TablePart};
pub use paths::TablePaths;
pub use read::TableOptions;
