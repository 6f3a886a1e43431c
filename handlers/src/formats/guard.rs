//! Readers of other crates, shut in.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::bad;
use crate::error::{HandlerError, HandlerResult};

/// Runs a decoder of another crate on bytes that nobody vouches for.
///
/// The decoders of Arrow and Parquet check most of what they read, but damaged bytes still lead some of them into an
/// assertion or an index out of bounds. Such a panic says that the file is damaged, and must not end a program that was
/// merely asked to read it. Nothing that the decoder touched is used again after it, hence `AssertUnwindSafe`.
pub(super) fn guarded<T>(path: &Path, work: impl FnOnce() -> HandlerResult<T>) -> HandlerResult<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result,
        Err(panic) => Err(bad(path, format!("is damaged: its decoder failed: {}", panic_text(panic.as_ref())))),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("")
}

/// Gives the batches of one file.
pub(super) trait Batches: Send {
    /// The next batch, `None` at the end.
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>>;
}

/// A file's batches as Arrow knows them: every error is a [`HandlerError`] in an [`ArrowError`], and after one, or after
/// the last batch, there is nothing more.
pub(super) struct GuardedReader<B> {
    path: PathBuf,
    schema: SchemaRef,
    /// `None` once it has ended or failed.
    batches: Option<B>,
}

impl<B: Batches> GuardedReader<B> {
    pub(super) fn new(path: &Path, schema: SchemaRef, batches: B) -> Self {
        Self { path: path.to_owned(), schema, batches: Some(batches) }
    }

    fn close(&mut self) {
        let batches = self.batches.take();
        // Dropping a decoder that has just panicked can panic as well.
        let _ = catch_unwind(AssertUnwindSafe(move || drop(batches)));
    }
}

impl<B: Batches> Iterator for GuardedReader<B> {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batches = self.batches.as_mut()?;
        match guarded(&self.path, || batches.next_batch()) {
            Ok(Some(batch)) => Some(Ok(batch)),
            Ok(None) => {
                self.close();
                None
            }
            Err(error) => {
                self.close();
                Some(Err(ArrowError::ExternalError(Box::new(error))))
            }
        }
    }
}

impl<B: Batches> RecordBatchReader for GuardedReader<B> {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

/// A decoder's own error about a file.
pub(super) fn decoder_error(path: &Path, what: &str, error: impl std::fmt::Display) -> HandlerError {
    // The prefixes name the library's error kinds, which tell a user nothing.
    let text = error.to_string();
    let mut text = text.as_str();
    for prefix in
        ["Parquet error: ", "Parquet argument error: ", "Arrow: ", "Ipc error: ", "Parser error: ", "External: "]
    {
        text = text.strip_prefix(prefix).unwrap_or(text);
    }
    bad(path, format!("{what}: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let error = guarded::<()>(Path::new("x.parquet"), || panic!("index 7 out of bounds")).unwrap_err();
        assert!(matches!(&error, HandlerError::BadFile { .. }));
        assert!(error.to_string().contains("index 7"), "{error}");
    }
}
