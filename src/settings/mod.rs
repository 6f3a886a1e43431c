//! Settings: how many threads, how much memory, where caches lie, how long things are kept.
//!
//! A library does not read its user's environment behind the caller's back: opening a bundle uses the settings it is
//! given, and [`Settings::load`] is the one call that looks at files and variables. Later sources win: defaults, the
//! configuration file, environment variables, what the caller sets with [`Settings::set`].
//!
//! Every setting is one row of [`KEYS`]; `docs/reference/settings.md` is the same table for people.

mod error;
mod key;
mod parse;
#[cfg(all(feature = "cli", feature = "sql"))]
pub(crate) use parse::{parse_duration, parse_size};
mod source;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use datafolio_storage::{StorageOptions, Verification};

pub use error::SettingsError;
#[cfg(feature = "sql")]
pub(crate) use key::MOST_THREADS;
pub use key::{KEYS, Key};
pub(crate) use source::physical_memory;

/// Memory that is assumed when neither the settings nor the system say how much there is.
const MEMORY_UNKNOWN: u64 = 4 << 30;

/// How much memory work may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// So many bytes.
    Bytes(u64),
    /// A share of the memory of the machine, 1 to 100.
    Percent(u8),
}

impl Memory {
    /// In bytes, on a machine with so much memory.
    pub fn of(self, total: u64) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            // Divided first: a product could exceed the range.
            Self::Percent(share) => total / 100 * u64::from(share),
        }
    }
}

/// What reading a reference does whose files are not those that were referenced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangedReferences {
    /// It reads them as they are now; [`DataFolio::changed_inputs`](crate::DataFolio::changed_inputs) tells who asks.
    Warn,
    /// It fails.
    Refuse,
}

/// Whether output for terminals is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// When the output is a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Where the value of a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The configuration file, by its path.
    File(String),
    /// An environment variable, by its name.
    Variable(&'static str),
    /// The caller, by an option or argument.
    Option,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {path}"),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Option => f.write_str("option"),
        }
    }
}

/// One setting as [`Settings::describe`] shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its name.
    pub key: &'static str,
    /// Its value, in words that [`Settings::set`] accepts; empty for a directory that is not known.
    pub value: String,
    /// Where the value came from.
    pub origin: Origin,
}

/// All settings. The fields can be read and changed directly; [`Settings::set`] also remembers where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Threads for reading, writing and queries, at least 1.
    pub threads: usize,
    /// Memory for queries; what needs more goes to `spill_dir`.
    pub memory: Memory,
    /// Where records of verified payloads are kept, and what was found out of tables; `None` when the user has no such place.
    pub cache_dir: Option<PathBuf>,
    /// Most bytes that the cache holds.
    pub cache_cap: u64,
    /// Where work goes that exceeds `memory`; `None` when the user has no such place.
    pub spill_dir: Option<PathBuf>,
    /// Most bytes that spilled work takes.
    pub spill_cap: u64,
    /// When payloads are compared with their recorded hashes.
    pub verification: Verification,
    /// What reading a reference does whose files are not those that were referenced.
    pub changed_references: ChangedReferences,
    /// How long to wait for another writer.
    pub lock_timeout: Duration,
    /// Age below which garbage collection leaves files alone that nothing names.
    pub gc_grace: Duration,
    /// Days for which every revision is kept.
    pub retention_days: u32,
    /// Number of latest revisions that are kept, however old.
    pub retention_revisions: u32,
    /// Whether output for terminals is coloured.
    pub color: Color,
    /// What object stores are reached with, beyond what the environment says. No file or variable sets these: they may hold
    /// secrets.
    pub storage_options: StorageOptions,
    /// One for each key, in the order of [`KEYS`].
    origins: [Origin; KEYS.len()],
}

impl Default for Settings {
    /// The defaults, without directories: where these lie depends on the user, whom [`Settings::load`] asks about.
    fn default() -> Self {
        Self {
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            memory: Memory::Percent(50),
            cache_dir: None,
            cache_cap: 10 << 30,
            spill_dir: None,
            spill_cap: 50 << 30,
            verification: Verification::Touched,
            changed_references: ChangedReferences::Warn,
            lock_timeout: Duration::from_secs(30),
            gc_grace: Duration::from_secs(7 * 24 * 3600),
            retention_days: 30,
            retention_revisions: 20,
            color: Color::Auto,
            storage_options: StorageOptions::new(),
            origins: [const { Origin::Default }; KEYS.len()],
        }
    }
}

impl Settings {
    /// The memory limit in bytes on this machine.
    pub fn memory_bytes(&self) -> u64 {
        match self.memory {
            Memory::Bytes(bytes) => bytes,
            share @ Memory::Percent(_) => share.of(physical_memory().unwrap_or(MEMORY_UNKNOWN)),
        }
    }

    /// Sets one value from text, as an option of a program does.
    ///
    /// A relative directory is taken from the working directory.
    ///
    /// # Errors
    /// [`SettingsError::UnknownKey`] and [`SettingsError::BadValue`].
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), SettingsError> {
        let found = Key::find(key, &Origin::Option)?;
        self.apply(found, value, None, Origin::Option)
    }

    /// Where the value of a setting came from; `None` for a name that is no setting.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        KEYS.iter().position(|known| known.name == key).and_then(|index| self.origins.get(index))
    }

    /// Every setting with its value and where that came from.
    pub fn describe(&self) -> Vec<Described> {
        (KEYS.iter().zip(&self.origins))
            .map(|(key, origin)| Described { key: key.name, value: self.value(key.name), origin: origin.clone() })
            .collect()
    }
}

#[cfg(test)]
mod tests;
