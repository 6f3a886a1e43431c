//! The guard of decoders, for files outside the bundle.

use std::fmt;
use std::path::Path;

use super::bad;
use crate::error::{HandlerError, HandlerResult};
use crate::guard;

pub(super) use crate::guard::{Batches, GuardedReader};

/// Runs a decoder of another crate on this file.
pub(super) fn guarded<T>(path: &Path, work: impl FnOnce() -> HandlerResult<T>) -> HandlerResult<T> {
    guard::guarded(&path.to_owned(), work)
}

/// A decoder's own error about a file.
pub(super) fn decoder_error(path: &Path, what: &str, error: impl fmt::Display) -> HandlerError {
    bad(path, format!("{what}: {}", guard::words(error)))
}
