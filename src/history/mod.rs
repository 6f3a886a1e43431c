//! The history of a bundle: every commit on record, every kept revision to be opened again.

pub(crate) mod chain;
mod log;
pub(crate) mod rebuild;
mod undo;
mod versions;

pub use log::LogEntry;
pub use versions::VersionInfo;
