//! Where a bundle lives.
//!
//! * [`Storage`] is the contract; [`LocalStorage`] keeps a bundle on a local disk (object stores are a crate of their own).
//! * [`StorageOptions`] are what an object store is reached with, beyond what the environment says.
//! * [`OutsidePlaces`] reaches what lies outside of the bundle.
//! * [`PayloadWriter`] writes an immutable file and computes SHA-256, MD5 and block checksums in the same pass.
//! * [`VerifiedSource`] reads a payload and checks what it touches; [`VerifiedCache`] remembers what was checked.
//! * [`Copies`] keeps local copies of payloads that lie on a store.
//! * [`ContentCache`] keeps what was found out of the bytes of payloads, for the next process.
//! * [`MemoryStorage`] keeps a bundle in memory, for tests.
//! * [`IoObserver`] lets a test number, fail and interrupt single steps of I/O.

#![forbid(unsafe_code)]

mod adopt;
mod blocks;
mod cache;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod content_cache;
mod copies;
mod error;
mod hash;
mod local;
mod memory;
mod observe;
mod options;
mod outside;
mod payload;
mod random;
mod reader;
mod storage;
mod verified;

pub use adopt::adopt_payload;
pub use blocks::{BLOCK_SIZE, SUFFIX as BLOCKS_SUFFIX};
pub use cache::VerifiedCache;
pub use content_cache::ContentCache;
pub use copies::{Copies, CopyInfo, Fetch};
pub use error::{StorageError, StorageResult};
pub use local::{LocalStorage, OutsideSource};
pub use memory::MemoryStorage;
pub use observe::{IoObserver, IoOp, IoStep, Permit};
pub use options::StorageOptions;
pub use outside::{OutsidePlaces, Patience};
pub use payload::{
    BlocksRef, Payload, PayloadWriter, copy_source, discard_payload, duplicate_payload, payload_arrived,
};
pub use reader::{SourceReader, hash_source};
pub use storage::{FileId, FileIdentity, FileInfo, Publish, Reread, Source, Staged, Storage, VersionTag, WriteLock};
pub use verified::{Expected, Verification, VerifiedSource};
