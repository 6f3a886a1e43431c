//! Bundles on object stores and web servers: [`Storage`] over the crate `object_store`.
//!
//! * [`Address`] is what a bundle is called: `s3://bucket/prefix`, `gs://`, `az://`, `https://`, `memory://`.
//! * [`open`] gives the storage of an address.
//!
//! The callers are not asynchronous: each request runs on threads of this crate's own while the caller waits.

#![forbid(unsafe_code)]

mod access;
mod address;
mod connect;
mod emulator;
mod fetch;
mod pending;
mod probe;
mod profile;
mod random;
mod runtime;
mod source;
mod storage;
#[cfg(test)]
mod tests;
mod translate;
mod upload;

use std::path::PathBuf;
use std::sync::Arc;

use datafolio_storage::{Storage, StorageOptions, StorageResult};

pub use access::Access;
pub use address::{Address, AddressError, Scheme};
pub use storage::ObjectStorage;

/// What the store of an address would be reached with. Nothing is asked of it.
///
/// # Errors
/// When an option is not one of this store, or a profile that is named is not there.
pub fn access(address: &Address, options: &StorageOptions) -> StorageResult<Access> {
    match address.scheme() {
        Scheme::Memory => Ok(Access {
            credentials: "none: it is in the memory of a process".to_owned(),
            endpoint: None,
            region: None,
        }),
        _ => Ok(ObjectStorage::new(address.clone(), options.clone(), None)?.access().clone()),
    }
}

/// The storage of an address. Nothing is asked of the store yet. A directory of the user's cache remembers which stores were
/// found to keep to the conditions of requests.
///
/// # Errors
/// When an option is not one of this store, or a profile that is named is not there; a prefix that can be no path.
pub fn open(
    address: &Address,
    options: &StorageOptions,
    cache_dir: Option<PathBuf>,
) -> StorageResult<Arc<dyn Storage>> {
    match address.scheme() {
        Scheme::Memory => Ok(Arc::new(storage::in_memory(address)?)),
        _ => Ok(Arc::new(ObjectStorage::new(address.clone(), options.clone(), cache_dir)?)),
    }
}
