//! Places outside of a bundle.

use std::fmt;
use std::sync::Arc;

use crate::error::StorageResult;
use crate::storage::Storage;

/// Reaches places outside of a bundle by their addresses. Whoever opens the bundle says with which credentials.
pub trait OutsidePlaces: fmt::Debug + Send + Sync {
    /// The place that begins at an address, such as `s3://bucket/data`. Nothing is asked of it here.
    ///
    /// # Errors
    /// For an address of no store that is known, and for options that the store does not have.
    fn at(&self, address: &str, patience: Patience) -> StorageResult<Arc<dyn Storage>>;
}

/// How long an answer is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Patience {
    /// As for a bundle: what fails is tried again.
    Usual,
    /// Some seconds: for what can be done without.
    Short,
}
