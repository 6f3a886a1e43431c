//! Decoders of other crates, shut in: damaged bytes are an error that names whose bytes they are, whatever the decoders do.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Once;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;

use crate::error::{HandlerError, HandlerResult};
use crate::table::{SourceFile, check_schema};

// A decoder that panics on damaged bytes would end the whole program, and a bundle may come from anyone.
#[cfg(panic = "abort")]
compile_error!(
    "datafolio-handlers catches the panics of Parquet and Arrow decoders on damaged files, which needs `panic = \"unwind\"`: \
     remove `panic = \"abort\"` from the profile"
);

/// Whose bytes a decoder works on, and so whose name an error bears.
pub(crate) trait Blame: Send + Sync + fmt::Debug {
    /// The name of the item or file.
    fn name(&self) -> String;

    /// The bytes are damaged; `reason` says how.
    fn damaged(&self, reason: String) -> HandlerError;

    /// The bytes are not even of this form (`a Parquet file`), or so damaged that it does not show.
    fn unreadable(&self, form: &str, reason: String) -> HandlerError;

    /// What was asked of the bytes does not fit them.
    fn invalid(&self, reason: String) -> HandlerError;

    /// A column was asked for that the table does not have.
    fn unknown_column(&self, name: &str, known: &[&str]) -> HandlerError {
        let known = known.iter().map(|&name| name.to_owned()).collect();
        HandlerError::UnknownColumn { table: self.name(), column: name.to_owned(), known }
    }

    /// Looks at the columns before any is picked.
    fn check_columns(&self, _schema: &Schema) -> HandlerResult<()> {
        Ok(())
    }
}

/// A file outside the bundle.
impl Blame for PathBuf {
    fn name(&self) -> String {
        self.display().to_string()
    }

    fn damaged(&self, reason: String) -> HandlerError {
        HandlerError::BadFile { path: self.clone(), reason: format!("is damaged: {reason}") }
    }

    fn unreadable(&self, form: &str, reason: String) -> HandlerError {
        HandlerError::BadFile { path: self.clone(), reason: format!("is truncated, damaged or not {form}: {reason}") }
    }

    fn invalid(&self, reason: String) -> HandlerError {
        HandlerError::Invalid { item: self.display().to_string(), reason }
    }

    /// A file that is to become an item can still be corrected; one that is an item already is read as it is.
    fn check_columns(&self, schema: &Schema) -> HandlerResult<()> {
        check_schema(schema, |reason| HandlerError::BadFile { path: self.clone(), reason })
    }
}

/// An item, by its name.
impl Blame for String {
    fn name(&self) -> String {
        self.clone()
    }

    fn damaged(&self, reason: String) -> HandlerError {
        HandlerError::Damaged { item: self.clone(), reason }
    }

    fn unreadable(&self, form: &str, reason: String) -> HandlerError {
        self.damaged(format!("it cannot be read as {form}: {reason}"))
    }

    fn invalid(&self, reason: String) -> HandlerError {
        HandlerError::Invalid { item: self.clone(), reason }
    }
}

/// The payload of an item. Decoders turn an error of the storage into text; the error itself is what is told.
#[derive(Debug, Clone)]
pub(crate) struct InPayload {
    pub(crate) item: String,
    pub(crate) file: SourceFile,
}

impl Blame for InPayload {
    fn name(&self) -> String {
        self.item.clone()
    }

    fn damaged(&self, reason: String) -> HandlerError {
        let item = self.item.clone();
        match self.file.take_failure() {
            Some(source) => HandlerError::Payload { item, source },
            None => HandlerError::Damaged { item, reason },
        }
    }

    fn unreadable(&self, form: &str, reason: String) -> HandlerError {
        self.damaged(format!("it cannot be read as {form}: {reason}"))
    }

    fn invalid(&self, reason: String) -> HandlerError {
        HandlerError::Invalid { item: self.item.clone(), reason }
    }
}

/// Runs a decoder of another crate on bytes that nobody vouches for.
///
/// The decoders of Arrow and Parquet check most of what they read, but damaged bytes still lead some of them into an
/// assertion or an index out of bounds. Such a panic says that the bytes are damaged, and must not end a program that was
/// merely asked to read them. Nothing that the decoder touched is used again after it, hence `AssertUnwindSafe`.
pub(crate) fn guarded<T>(blame: &dyn Blame, work: impl FnOnce() -> HandlerResult<T>) -> HandlerResult<T> {
    let _inside = Inside::enter();
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result,
        Err(panic) => Err(blame.damaged(format!("its bytes cannot be decoded: {}", panic_text(panic.as_ref())))),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("the decoder gave up")
}

/// What the libraries put before an error to name its kind, as often as it was handed on.
const KINDS: [&str; 7] =
    ["Parquet error: ", "Parquet argument error: ", "Arrow: ", "Ipc error: ", "Parser error: ", "External: ", "EOF: "];

/// A decoder's error in its own words, without the kinds of errors that a library has: they tell a user nothing.
pub(crate) fn words(error: impl fmt::Display) -> String {
    let text = error.to_string();
    let mut text = text.as_str();
    while let Some(rest) = KINDS.iter().find_map(|kind| text.strip_prefix(kind)) {
        text = rest;
    }
    text.to_owned()
}

thread_local! {
    /// How many guards this thread is inside of.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Marks this thread as one whose panics are caught.
struct Inside;

impl Inside {
    fn enter() -> Self {
        DEPTH.set(DEPTH.get() + 1);
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Keeps quiet about the panics of decoders that meet damaged bytes.
///
/// This crate catches such a panic and returns an error, but Rust calls the panic hook first, and the default hook prints
/// a message that looks like a crash. This installs a hook that says nothing of panics which are caught here, and leaves
/// all others to the hook that was there before. The hook belongs to the program, so nothing installs this unasked. Further
/// calls do nothing.
pub fn quiet_decoder_panics() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if DEPTH.get() == 0 {
                previous(info);
            }
        }));
    });
}

/// Gives the batches of one table.
pub(crate) trait Batches: Send {
    /// The next batch, `None` at the end.
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>>;
}

/// A table's batches as Arrow knows them: every error is a [`HandlerError`] inside of [`ArrowError::ExternalError`], which
/// `HandlerError::from` takes out again, and after one, or after the last batch, there is nothing more.
pub(crate) struct GuardedReader<B> {
    blame: Box<dyn Blame>,
    schema: SchemaRef,
    /// `None` once it has ended or failed.
    batches: Option<B>,
}

impl<B: Batches> GuardedReader<B> {
    /// The batches of a file outside the bundle.
    pub(crate) fn new(path: &Path, schema: SchemaRef, batches: B) -> Self {
        Self::blaming(path.to_owned(), schema, batches)
    }

    /// The batches of bytes that this answers for.
    pub(crate) fn blaming(blame: impl Blame + 'static, schema: SchemaRef, batches: B) -> Self {
        Self { blame: Box::new(blame), schema, batches: Some(batches) }
    }

    fn close(&mut self) {
        let batches = self.batches.take();
        // Dropping a decoder that has just panicked can panic as well; there is nobody left to tell.
        let _ = guarded(self.blame.as_ref(), move || {
            drop(batches);
            Ok(())
        });
    }
}

impl<B: Batches> Iterator for GuardedReader<B> {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batches = self.batches.as_mut()?;
        let next = guarded(self.blame.as_ref(), || batches.next_batch());
        if !matches!(next, Ok(Some(_))) {
            self.close();
        }
        next.map_err(|error| ArrowError::ExternalError(Box::new(error))).transpose()
    }
}

impl<B: Batches> RecordBatchReader for GuardedReader<B> {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let error = guarded::<()>(&PathBuf::from("x.parquet"), || panic!("index 7 out of bounds")).unwrap_err();
        assert!(matches!(&error, HandlerError::BadFile { .. }));
        assert!(error.to_string().contains("index 7"), "{error}");
        assert_eq!(DEPTH.get(), 0);
    }

    #[test]
    fn the_kinds_of_a_library_are_left_out_of_messages() {
        assert_eq!(words("Parquet error: External: bad page"), "bad page");
        assert_eq!(words("Parquet argument error: Parquet error: bad page"), "bad page");
        assert_eq!(words("no prefix: here"), "no prefix: here");
    }

    /// The hook is the program's: it hears of every panic but those of decoders.
    #[test]
    fn only_panics_that_are_caught_here_are_quiet() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static HEARD: AtomicUsize = AtomicUsize::new(0);
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| match info.payload_as_str() {
            Some("counted") => drop(HEARD.fetch_add(1, Ordering::Relaxed)),
            _ => before(info),
        }));
        let decode = || guarded::<()>(&PathBuf::from("x.parquet"), || panic!("counted")).is_err();
        assert!(decode());
        assert_eq!(HEARD.load(Ordering::Relaxed), 1, "nobody asked for quiet yet");
        quiet_decoder_panics();
        quiet_decoder_panics();
        assert!(decode());
        assert_eq!(HEARD.load(Ordering::Relaxed), 1);
        assert!(catch_unwind(|| panic!("counted")).is_err());
        assert!(std::thread::spawn(|| panic!("counted")).join().is_err());
        assert_eq!(HEARD.load(Ordering::Relaxed), 3);
    }
}
