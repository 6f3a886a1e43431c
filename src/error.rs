//! The error of the public library: one type over those of the crates below, and what only a whole bundle can say.

use std::path::PathBuf;

use datafolio_columns::ColumnsError;
use datafolio_core::{CoreError, ErrorCategory, Place};
use datafolio_handlers::HandlerError;
use datafolio_storage::StorageError;

use crate::settings::SettingsError;
use crate::table::ChangedReference;
use crate::text::RandomnessError;

mod carried;
mod hint;
#[cfg(feature = "sql")]
mod refused;

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
    /// A query names a table that the bundle does not have.
    #[error("there is no table '{name}' in the bundle{}", aside(*.place, .suggestion.as_deref()))]
    NoSuchTable {
        /// The name.
        name: String,
        /// Where it stands in the query, when that is known.
        place: Option<Place>,
        /// The table that was perhaps meant.
        suggestion: Option<String>,
    },
    /// A query names a table of a snapshot that the bundle does not have.
    #[error("there is no snapshot '{name}' in the bundle{}", aside(*.place, .suggestion.as_deref()))]
    NoSuchSchema {
        /// The name.
        name: String,
        /// Where it stands in the query, when that is known.
        place: Option<Place>,
        /// The snapshot that was perhaps meant.
        suggestion: Option<String>,
    },
    /// Views that are made from themselves.
    #[error("view '{}' is made from itself: {}", .path.first().map_or("", String::as_str), around(.path))]
    ViewCycle {
        /// The views, each of which reads the next one; the last one reads the first.
        path: Vec<String>,
    },
    /// A reference whose files are not those that were referenced, where the settings refuse these.
    #[error("{0}, which the settings refuse (changed_references)")]
    ReferenceChanged(ChangedReference),
    /// What a view or a derived table reads is not there any more.
    #[error("'{item}' reads '{input}', which {}", became(.renamed_to.as_deref()))]
    InputGone {
        /// The view or derived table.
        item: String,
        /// The name in its text.
        input: String,
        /// The name that the item has now, where it was renamed.
        renamed_to: Option<String>,
    },
    /// A name in a query that stands for several things.
    #[error("'{name}' can be {candidates}: SQL does not tell upper from lower case in the names of {what}")]
    AmbiguousName {
        /// The name.
        name: String,
        /// What it is a name of.
        what: &'static str,
        /// All that it can be.
        candidates: String,
    },
    /// Columns that are to tell the rows of a table apart, and do not.
    #[error(
        "({key}) does not tell the rows of table '{item}' apart: in version {version} {count} of its values occur more than \
         once, such as {example}"
    )]
    KeyNotUnique {
        /// The table.
        item: String,
        /// The version.
        version: String,
        /// The columns.
        key: String,
        /// How many values of the key occur more than once.
        count: u64,
        /// One of them.
        example: String,
    },
    /// A query that cannot be run, or not to its end.
    #[cfg(feature = "sql")]
    #[error(transparent)]
    Sql(datafolio_sql::SqlError),
    /// A table that cannot become a frame of Polars, or a frame that cannot become a table.
    #[cfg(feature = "polars")]
    #[error(transparent)]
    Frames(datafolio_frames::FramesError),
    /// DataFolio 1.3 has written to a bundle of 2.x and dropped its metadata and snapshots.
    #[error(
        "{location} was written by DataFolio 1.3, which drops the metadata, snapshots and revision of newer bundles"
    )]
    DamagedBy1x {
        /// The bundle.
        location: String,
    },
    /// An older catalogue was put in the place of the head, and no state may have all that was committed.
    #[error(
        "items.json, of revision {revision}, does not follow from {later} of the history: an older catalogue was put in \
         its place, and {why}"
    )]
    OlderCatalogue {
        /// The revision of the catalogue.
        revision: u64,
        /// The revisions that it does not follow from, in words.
        later: String,
        /// Why none of the states can be chosen without giving something up.
        why: &'static str,
    },
    /// Two bundles have gone different ways.
    #[error("{location} cannot be brought to the state of the other bundle: {reason}")]
    Diverged {
        /// The bundle that was to be brought forward.
        location: String,
        /// How they stand to each other.
        reason: String,
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
        /// What can be done instead.
        advice: String,
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
    /// A file that was staged for a commit was collected before it came.
    #[error(
        "{path} was removed before the commit: it was staged longer ago than the grace period of gc; add the item again"
    )]
    StagedGone {
        /// The file inside the bundle.
        path: String,
    },
    /// There is no such stage.
    #[error("there is no stage '{stage}' ({location})")]
    StageNotFound {
        /// Its name.
        stage: String,
        /// The bundle.
        location: String,
    },
    /// What lies in a stage cannot become a table.
    #[error("stage '{stage}' cannot be committed: {reason}")]
    StageRefused {
        /// Its name.
        stage: String,
        /// What is wrong.
        reason: String,
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
    /// The storage failed while the catalogue was being replaced, and it cannot be read again to see what became of it. The
    /// commit may be there; its files are kept.
    #[error(
        "it is not known whether the commit {commit} was made as revision {revision} (items.json cannot be read): {source}"
    )]
    CommitUnknown {
        /// The revision that it would be.
        revision: u64,
        /// The id of the commit.
        commit: String,
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
    Handler(HandlerError),
    /// Columns of a file could not be read or written.
    #[error(transparent)]
    Columns(ColumnsError),
    /// The settings are not acceptable.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The system gives no random numbers.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
}

/// Result of the public library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What an ambiguous name in SQL is a name of: items, which can be renamed, and not snapshots.
pub(crate) const ITEMS: &str = "items";

/// What was read, or `None` where it is gone or damaged. Where the storage does not tell, nothing is given up for it.
///
/// # Errors
/// Those of the storage.
pub(crate) fn readable<T>(read: Result<T>) -> Result<Option<T>> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.category() == ErrorCategory::Storage => Err(error),
        Err(_) => Ok(None),
    }
}

impl Error {
    /// Whether a commit that ended with it is there, or may be.
    pub(crate) fn may_be_committed(&self) -> bool {
        matches!(self, Self::NotDurable { .. } | Self::CommitUnknown { .. })
    }

    /// What a caller can do about it.
    pub fn category(&self) -> ErrorCategory {
        match self {
            Self::NotABundle { .. }
            | Self::RevisionNotFound { .. }
            | Self::NoSuchTable { .. }
            | Self::NoSuchSchema { .. }
            | Self::StageNotFound { .. }
            | Self::InputGone { .. } => ErrorCategory::NotFound,
            #[cfg(feature = "sql")]
            Self::Sql(error) => error.category(),
            #[cfg(feature = "polars")]
            Self::Frames(error) => error.category(),
            Self::BundleExists { .. } | Self::NotEmpty { .. } => ErrorCategory::Exists,
            Self::ReadOnly { .. } => ErrorCategory::ReadOnly,
            Self::DamagedBy1x { .. } | Self::PayloadGone { .. } => ErrorCategory::Corrupt,
            Self::WrongType { .. } | Self::AmbiguousName { .. } | Self::KeyNotUnique { .. } | Self::Invalid(_) => {
                ErrorCategory::InvalidInput
            }
            Self::CannotUndo { .. }
            | Self::OlderCatalogue { .. }
            | Self::ViewCycle { .. }
            | Self::ReferenceChanged(_)
            | Self::StageRefused { .. } => ErrorCategory::WrongState,
            Self::StagedGone { .. } | Self::TooBusy { .. } | Self::Diverged { .. } => ErrorCategory::Conflict,
            Self::File { .. } | Self::NotDurable { .. } | Self::CommitUnknown { .. } => ErrorCategory::Storage,
            Self::Core(error) => error.category(),
            Self::Storage(error) => error.category(),
            Self::Handler(error) => error.category(),
            Self::Columns(error) => error.category(),
            Self::Settings(error) => error.category(),
            Self::Randomness(error) => error.category(),
        }
    }

    /// The same of a query that its reader has not written, so that a place in it says nothing.
    #[cfg(feature = "sql")]
    pub(crate) fn without_place(self) -> Self {
        match self {
            Self::NoSuchTable { name, suggestion, .. } => Self::NoSuchTable { name, place: None, suggestion },
            Self::NoSuchSchema { name, suggestion, .. } => Self::NoSuchSchema { name, place: None, suggestion },
            Self::Sql(error) => Self::Sql(error.without_place()),
            other => other,
        }
    }

    /// A stable kebab-case code, one for each kind; codes are added and never changed.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotABundle { .. } => "not-a-bundle",
            Self::NoSuchTable { .. } => "table-not-found",
            Self::NoSuchSchema { .. } => "snapshot-not-found",
            Self::ViewCycle { .. } => "view-cycle",
            Self::ReferenceChanged(_) => "reference-changed",
            Self::InputGone { .. } => "input-gone",
            Self::AmbiguousName { .. } => "ambiguous-name",
            Self::KeyNotUnique { .. } => "key-not-unique",
            #[cfg(feature = "sql")]
            Self::Sql(error) => error.code(),
            #[cfg(feature = "polars")]
            Self::Frames(error) => error.code(),
            Self::BundleExists { .. } => "bundle-exists",
            Self::NotEmpty { .. } => "not-empty",
            Self::ReadOnly { .. } => "read-only",
            Self::DamagedBy1x { .. } => "damaged-by-1x",
            Self::OlderCatalogue { .. } => "older-catalogue",
            Self::Diverged { .. } => "diverged",
            Self::RevisionNotFound { .. } => "revision-not-found",
            Self::WrongType { .. } => "wrong-type",
            Self::CannotUndo { .. } => "cannot-undo",
            Self::Invalid(_) => "invalid-argument",
            Self::PayloadGone { .. } => "payload-gone",
            Self::StagedGone { .. } => "staged-gone",
            Self::StageNotFound { .. } => "stage-not-found",
            Self::StageRefused { .. } => "stage-refused",
            Self::TooBusy { .. } => "too-busy",
            Self::File { .. } => "io",
            Self::NotDurable { .. } => "not-durable",
            Self::CommitUnknown { .. } => "commit-unknown",
            Self::Core(error) => error.code(),
            Self::Storage(error) => error.code(),
            Self::Handler(error) => error.code(),
            Self::Columns(error) => error.code(),
            Self::Settings(error) => error.code(),
            Self::Randomness(error) => error.code(),
        }
    }
}

/// Where a name stands, and the one that was perhaps meant.
fn aside(place: Option<Place>, suggestion: Option<&str>) -> String {
    let place = place.map(|place| place.to_string());
    let meant = suggestion.map(|name| format!("did you mean '{name}'?"));
    match (place, meant) {
        (None, None) => String::new(),
        (Some(one), None) | (None, Some(one)) => format!(" ({one})"),
        (Some(place), Some(meant)) => format!(" ({place}; {meant})"),
    }
}

fn around(path: &[String]) -> String {
    let names: Vec<&str> = path.iter().chain(path.first()).map(String::as_str).collect();
    names.join(" -> ")
}

fn became(renamed_to: Option<&str>) -> String {
    match renamed_to {
        Some(name) => format!("is called '{name}' now: the text still has the old name"),
        None => "is not in the bundle any more".to_owned(),
    }
}
