//! The history of a bundle: every commit on record, every kept revision to be opened again.

pub(crate) mod ahead;
pub(crate) mod chain;
pub(crate) mod external;
mod log;
mod names;
pub(crate) mod overwritten;
pub(crate) mod rebuild;
pub(crate) mod undo;
mod versions;
pub(crate) mod walk;

pub use log::{Log, LogBreak, LogEntry};
pub use undo::Undone;
pub use versions::VersionInfo;
