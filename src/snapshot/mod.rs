//! Snapshots: named, immutable states of a bundle, which cost no copy of data.

mod compare;
mod create;
mod export;
mod load;
mod reproduce;
mod restore;

pub(crate) use compare::RESERVED;
pub use compare::{DiffFromSnapshot, SnapshotComparison};
pub use create::SnapshotOptions;
pub use export::ExportOptions;
pub use load::SnapshotInfo;
