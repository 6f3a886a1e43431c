//! SQL over the tables of a bundle.

#[cfg(feature = "sql")]
mod expose;
#[cfg(feature = "sql")]
mod frames;
#[cfg(feature = "sql")]
mod names;
#[cfg(feature = "sql")]
mod run;
#[cfg(not(feature = "sql"))]
mod without;

use std::time::Duration;

use datafolio_storage::Verification;

#[cfg(feature = "sql")]
pub(crate) use expose::{Exposer, ReadInput};

#[cfg(feature = "sql")]
pub use datafolio_sql::{ParamValue, Params, QueryControl, QueryReader, Refusal, SqlError};

/// What a query is given beside its text.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct QueryOptions {
    /// Values for `?`, `$1` or `$name`.
    #[cfg(feature = "sql")]
    pub params: Params,
    /// How many threads, 4096 at most; `None` as the settings say.
    pub threads: Option<usize>,
    /// Bytes of memory; `None` as the settings say. What needs more goes to the spill directory of the settings.
    pub memory: Option<u64>,
    /// How long it may take; `None` for as long as it wants.
    pub timeout: Option<Duration>,
    /// How the tables are compared with their recorded hashes before they are read; `None` as the settings say.
    pub verification: Option<Verification>,
    /// What watches it from the start, and stops it; the reader has one in any case.
    #[cfg(feature = "sql")]
    pub control: Option<QueryControl>,
    /// Frames that are tables of the query.
    #[cfg(feature = "sql")]
    pub frames: Vec<(String, datafolio_columns::Frame)>,
}

impl QueryOptions {
    /// Without values, as the settings say.
    pub fn new() -> Self {
        Self::default()
    }

    /// Values for `?` or `$1`, `$2`, ..., in order.
    #[cfg(feature = "sql")]
    pub fn params<V: Into<ParamValue>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        self.params = Params::Positional(values.into_iter().map(Into::into).collect());
        self
    }

    /// A value for `$name`; further calls give further ones.
    #[cfg(feature = "sql")]
    pub fn param(mut self, name: impl Into<String>, value: impl Into<ParamValue>) -> Self {
        self.params.add(name, value);
        self
    }

    /// At most this many threads.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// At most so many bytes of memory.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// What watches it from the start, and stops it: a query may take long before it has its first row.
    #[cfg(feature = "sql")]
    pub fn control(mut self, control: &QueryControl) -> Self {
        self.control = Some(control.clone());
        self
    }

    /// A frame as a table of the query, under this name, with its filter and its virtual columns. It goes before an item of that name.
    #[cfg(feature = "sql")]
    pub fn frame(mut self, name: impl Into<String>, frame: &datafolio_columns::Frame) -> Self {
        self.frames.push((name.into(), frame.clone()));
        self
    }

    /// Compares the tables with their recorded hashes to this degree before they are read, whatever the settings say.
    pub fn verification(mut self, verification: Verification) -> Self {
        self.verification = Some(verification);
        self
    }

    /// At most this long.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}
