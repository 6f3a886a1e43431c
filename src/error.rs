//! The error of the public library: one type over those of the crates below, and what only a whole bundle can say.

use std::path::PathBuf;

use datafolio_core::{CoreError, ErrorCategory};
use datafolio_handlers::HandlerError;
use datafolio_storage::StorageError;

use crate::settings::SettingsError;
use crate::text::RandomnessError;

/// What can go wrong with a bundle.
///
/// [`category`](Error::category) says what a caller can do about it, [`code`](Error::code) names the kind for programs, and
/// [`hint`](Error::hint) what a person might do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no bundle at this place.
    #[error("Not a DataFolio bundle: {location} has no items.json or metadata.json")]
    NotABundle {
        /// The place.
        location: String,
    },
    /// The place holds a bundle already.
    #[error("Bundle already exists at {location}")]
    BundleExists {
        /// The place.
        location: String,
    },
    /// The place holds other things.
    #[error("{location} exists and is no bundle: it holds other files")]
    NotEmpty {
        /// The place.
        location: String,
    },
    /// The handle cannot write.
    #[error("cannot {action}: the bundle is open read-only ({why})")]
    ReadOnly {
        /// What was asked for.
        action: String,
        /// Why it is read-only.
        why: String,
    },
    /// DataFolio 1.3 has written to a bundle of 2.x and dropped its metadata and snapshots.
    #[error(
        "{location} was written by DataFolio 1.3, which drops the metadata, snapshots and revision of newer bundles"
    )]
    DamagedBy1x {
        /// The bundle.
        location: String,
    },
    /// There is no such revision.
    #[error("revision {revision} is not kept: {reason}")]
    RevisionNotFound {
        /// The revision.
        revision: u64,
        /// Why it cannot be had.
        reason: String,
    },
    /// An item is of another type than was asked for.
    #[error("Item '{item}' is not {expected}: it is {found}")]
    WrongType {
        /// The item.
        item: String,
        /// What was asked for.
        expected: &'static str,
        /// Its type.
        found: String,
    },
    /// A commit cannot be undone.
    #[error("revision {revision} cannot be undone: {reason}")]
    CannotUndo {
        /// The revision.
        revision: u64,
        /// Why.
        reason: String,
    },
    /// An argument that is not acceptable.
    #[error("{0}")]
    Invalid(String),
    /// A version's payload is gone.
    #[error("version {version:?} of item '{item}' cannot be kept: its file {path} is gone")]
    PayloadGone {
        /// The item.
        item: String,
        /// The version.
        version: String,
        /// Its payload inside the bundle.
        path: String,
    },
    /// Other writers kept being faster.
    #[error("{location}: gave up after {tries} tries, other writers were faster each time")]
    TooBusy {
        /// The bundle.
        location: String,
        /// How often it was tried.
        tries: u32,
    },
    /// A local file outside the bundle cannot be read or written.
    #[error("cannot {action} {path}: {source}")]
    File {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The commit is in the catalogue, but the storage did not confirm that it would survive a crash of the machine.
    #[error("revision {revision} is visible, but it is not certain that it would survive a power failure: {source}")]
    NotDurable {
        /// The revision.
        revision: u64,
        /// The cause.
        #[source]
        source: StorageError,
    },
    /// The model refused.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A handler failed.
    #[error(transparent)]
    Handler(#[from] HandlerError),
    /// The settings are not acceptable.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The system gives no random numbers.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
}

/// Result of the public library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// What a caller can do about it.
    pub fn category(&self) -> ErrorCategory {
        match self {
            Self::NotABundle { .. } | Self::RevisionNotFound { .. } => ErrorCategory::NotFound,
            Self::BundleExists { .. } | Self::NotEmpty { .. } => ErrorCategory::Exists,
            Self::ReadOnly { .. } => ErrorCategory::ReadOnly,
            Self::DamagedBy1x { .. } | Self::PayloadGone { .. } => ErrorCategory::Corrupt,
            Self::WrongType { .. } | Self::Invalid(_) => ErrorCategory::InvalidInput,
            Self::CannotUndo { .. } => ErrorCategory::WrongState,
            Self::TooBusy { .. } => ErrorCategory::Conflict,
            Self::File { .. } | Self::NotDurable { .. } => ErrorCategory::Storage,
            Self::Core(error) => error.category(),
            Self::Storage(error) => error.category(),
            Self::Handler(error) => error.category(),
            Self::Settings(error) => error.category(),
            Self::Randomness(error) => error.category(),
        }
    }

    /// A stable kebab-case code, one for each kind; codes are added and never changed.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotABundle { .. } => "not-a-bundle",
            Self::BundleExists { .. } => "bundle-exists",
            Self::NotEmpty { .. } => "not-empty",
            Self::ReadOnly { .. } => "read-only",
            Self::DamagedBy1x { .. } => "damaged-by-1x",
            Self::RevisionNotFound { .. } => "revision-not-found",
            Self::WrongType { .. } => "wrong-type",
            Self::CannotUndo { .. } => "cannot-undo",
            Self::Invalid(_) => "invalid-argument",
            Self::PayloadGone { .. } => "payload-gone",
            Self::TooBusy { .. } => "too-busy",
            Self::File { .. } => "io",
            Self::NotDurable { .. } => "not-durable",
            Self::Core(error) => error.code(),
            Self::Storage(error) => error.code(),
            Self::Handler(error) => error.code(),
            Self::Settings(error) => error.code(),
            Self::Randomness(error) => error.code(),
        }
    }

    /// What a person might do next, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self.code() {
            "not-a-bundle" => Some("create one with `datafolio init`, or name another with -f"),
            "broken-seal" | "damaged-catalogue" | "damaged-entry" => Some(
                "`datafolio repair` goes back to the last good revision; `datafolio repair --accept` takes the file as it is",
            ),
            "damaged-by-1x" => Some("`datafolio repair` brings them back from the history"),
            "conflict" => Some("look at what the other writer did with `datafolio log`, then run the command again"),
            "locked" => Some("wait for the other program, or raise lock_timeout"),
            "item-exists" => Some("pass --overwrite to replace it; the old version stays in the history"),
            "damaged-payload" | "missing-payload" | "damaged-item" => {
                Some("`datafolio verify` lists all damage; an older version may be whole: `datafolio log NAME`")
            }
            _ => None,
        }
    }
}
