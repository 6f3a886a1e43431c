//! Where a bundle lives.
//!
//! * [`Storage`] is the contract; [`LocalStorage`] keeps it on a local disk.
//! * [`PayloadWriter`] writes an immutable file and computes SHA-256, MD5 and block checksums in the same pass.
//! * [`VerifiedSource`] reads a payload and checks what it touches.

mod error;
mod payload;
mod storage;

pub use error::{StorageError, StorageResult};
pub use payload::{BlocksRef, Payload};
pub use storage::{FileIdentity, FileInfo, Publish, Source, Staged, Storage, VersionTag, WriteLock};
