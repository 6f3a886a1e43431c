//! The error of the public library: one type over those of the crates below, and what only a whole bundle can say.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use arrow::error::ArrowError;
use datafolio_columns::ColumnsError;
use datafolio_core::{CoreError, ErrorCategory};
use datafolio_handlers::formats::TableFormat;
use datafolio_handlers::{HandlerError, Misfit};
use datafolio_storage::StorageError;

use crate::settings::SettingsError;
use crate::table::ChangedReference;
use crate::text::{RandomnessError, shell_word};

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
    #[error("there is no table '{name}' in the bundle{}", meant(.suggestion.as_deref()))]
    NoSuchTable {
        /// The name.
        name: String,
        /// The table that was perhaps meant.
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

impl From<ColumnsError> for Error {
    /// The error of a source that is one of this library, or of a handler, is that error.
    fn from(error: ColumnsError) -> Self {
        match error {
            ColumnsError::Source(source) => source
                .downcast::<Self>()
                .map(|error| *error)
                .or_else(|source| source.downcast::<HandlerError>().map(|error| Self::Handler(*error)))
                .unwrap_or_else(|source| Self::Columns(ColumnsError::Source(source))),
            other => Self::Columns(other),
        }
    }
}

impl Error {
    /// What a caller can do about it.
    pub fn category(&self) -> ErrorCategory {
        match self {
            Self::NotABundle { .. }
            | Self::RevisionNotFound { .. }
            | Self::NoSuchTable { .. }
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

    /// A stable kebab-case code, one for each kind; codes are added and never changed.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotABundle { .. } => "not-a-bundle",
            Self::NoSuchTable { .. } => "table-not-found",
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

    /// What a person might do next, where that is known.
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        if let Some(item) = self.damaged_item() {
            let item = shell_word(item);
            return Some(Cow::Owned(format!(
                "`datafolio verify` lists all damage; an older version may be whole: `datafolio log {item} --versions`"
            )));
        }
        if self.is_denied() {
            return Some(Cow::Borrowed("look at the permissions of the file and of the directories that it lies in"));
        }
        match self {
            Self::CannotUndo { advice, .. } => Some(Cow::Owned(advice.clone())),
            Self::PayloadGone { item, .. } => Some(Cow::Owned(format!(
                "restore another version: `datafolio log {} --versions` shows which can be read",
                shell_word(item)
            ))),
            Self::NoSuchTable { name, .. } if TableFormat::from_path(Path::new(name)).is_some() => Some(Cow::Borrowed(
                "a query reads no files: `datafolio import` or `datafolio reference` brings one in, to be read by its name",
            )),
            #[cfg(feature = "sql")]
            Self::Sql(datafolio_sql::SqlError::Refused { refusal, .. }) => {
                refused::instead_of(*refusal).or_else(|| hint_of("sql-refused")).map(Cow::Borrowed)
            }
            Self::Handler(HandlerError::SchemaMismatch { item, misfit, .. }) => match misfit {
                Misfit::Missing => Some(Cow::Borrowed(
                    "add the column to the new rows, empty where nothing is known: --evolve lets the table get columns, and \
                     gives the new rows none",
                )),
                Misfit::New => Some(Cow::Borrowed(
                    "pass --evolve to let the table get the column, null in the rows that are there, or leave it out with \
                     --columns",
                )),
                Misfit::OtherType => Some(Cow::Owned(format!(
                    "cast the column: `datafolio info {}` shows the types of the table, which --evolve does not change",
                    shell_word(item)
                ))),
                Misfit::Null => Some(Cow::Borrowed("give it a value in every row")),
                _ => hint_of(self.code()).map(Cow::Borrowed),
            },
            Self::Storage(StorageError::TooLarge { path, .. }) if path == "items.json" => Some(Cow::Borrowed(
                "no catalogue is as large: `datafolio repair` puts it aside and goes back to the last good revision",
            )),
            Self::Handler(HandlerError::FileAlone { item, .. }) => Some(Cow::Owned(format!(
                "`datafolio export {} FILE` copies the file as it is; `item_path` names it",
                shell_word(item)
            ))),
            // A version that no release has given is damage.
            Self::Core(CoreError::UnknownSchema { .. }) if self.category() == ErrorCategory::Corrupt => {
                hint_of("damaged-catalogue").map(Cow::Borrowed)
            }
            _ => hint_of(self.code()).map(Cow::Borrowed),
        }
    }

    /// The item whose bytes are not what was recorded.
    fn damaged_item(&self) -> Option<&str> {
        match self {
            Self::Handler(HandlerError::Damaged { item, .. }) => Some(item),
            Self::Handler(HandlerError::Payload { item, source }) => {
                matches!(source, StorageError::Damaged { .. } | StorageError::NotFound { .. }).then_some(item)
            }
            _ => None,
        }
    }

    /// Whether the system did not allow it.
    fn is_denied(&self) -> bool {
        let source = match self {
            Self::File { source, .. } | Self::Handler(HandlerError::Io(source)) => source,
            Self::Storage(StorageError::Io { source, .. })
            | Self::Handler(
                HandlerError::Payload { source: StorageError::Io { source, .. }, .. }
                | HandlerError::Storage(StorageError::Io { source, .. }),
            ) => source,
            _ => return false,
        };
        source.kind() == io::ErrorKind::PermissionDenied
    }
}

/// What a person might do about errors of a code: the column "what to do" of `docs/reference/errors.md`, in the words of
/// the program.
fn meant(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!(" (did you mean '{name}'?)"))
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

/// An error of a query whose rows a handler was writing comes out again as what it was.
impl From<HandlerError> for Error {
    fn from(error: HandlerError) -> Self {
        #[cfg(feature = "sql")]
        if let HandlerError::Arrow(ArrowError::ExternalError(carried)) = error {
            return match carried.downcast::<datafolio_sql::SqlError>() {
                Ok(error) => (*error).into(),
                Err(carried) => Self::Handler(HandlerError::Arrow(ArrowError::ExternalError(carried))),
            };
        }
        Self::Handler(error)
    }
}

/// The error of a table that could not be streamed into a query comes out again as what it was.
#[cfg(feature = "sql")]
impl From<datafolio_sql::SqlError> for Error {
    fn from(error: datafolio_sql::SqlError) -> Self {
        match &error {
            datafolio_sql::SqlError::Table(failure) => match failure.take() {
                Some(source) => ArrowError::ExternalError(source).into(),
                None => Self::Sql(error),
            },
            _ => Self::Sql(error),
        }
    }
}

/// The error that a stream of rows carries: of the query, or of the table.
impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Self {
        let ArrowError::ExternalError(carried) = error else { return HandlerError::from(error).into() };
        let carried = match carried.downcast::<Self>() {
            Ok(error) => return *error,
            Err(carried) => carried,
        };
        // A stream that reads another one.
        match carried.downcast::<ArrowError>() {
            Ok(error) => (*error).into(),
            Err(carried) => HandlerError::from(ArrowError::ExternalError(carried)).into(),
        }
    }
}

/// What Polars gave up with, or the error of this library that it carries.
#[cfg(feature = "polars")]
impl From<datafolio_frames::FramesError> for Error {
    fn from(error: datafolio_frames::FramesError) -> Self {
        use datafolio_frames::FramesError;
        let source = match error.into_source() {
            Ok(source) => source,
            Err(FramesError::Arrow(error)) => return error.into(),
            Err(error) => return Self::Frames(error),
        };
        let source = match source.downcast::<Self>() {
            Ok(error) => return *error,
            Err(source) => source,
        };
        let source = match source.downcast::<FramesError>() {
            Ok(error) => return (*error).into(),
            Err(source) => source,
        };
        match source.downcast::<ArrowError>() {
            Ok(error) => (*error).into(),
            Err(source) => ArrowError::ExternalError(source).into(),
        }
    }
}

/// What collecting a lazy frame failed with.
#[cfg(feature = "polars")]
impl From<datafolio_frames::polars::error::PolarsError> for Error {
    fn from(error: datafolio_frames::polars::error::PolarsError) -> Self {
        datafolio_frames::FramesError::from(error).into()
    }
}

fn hint_of(code: &str) -> Option<&'static str> {
    Some(match code {
        "stage-not-found" => {
            "`datafolio stage list` shows those that are there; one that was committed or aborted is gone"
        }
        "stage-refused" => "the stage is as it was: put right what the message says and commit it again, or abort it",
        "access-denied" => "the message says which source of credentials was used; set others, or ask for the right",
        "diverged" => {
            "`datafolio pull` brings one that is behind forward; of two with commits of their own, `--include` sends single items"
        }
        "conditions-ignored" => "read from it, and write to a store that keeps to conditions",
        "invalid-store-option" => "correct it: options have the names of the crate object_store, and profile",
        "no-such-bucket" => "correct the address, or the endpoint and region that it is looked for at",
        "read-only-place" => "`datafolio copy` writes a bundle of your own",
        "store-unreachable" => {
            "try again; look at the network, and at the endpoint and region that the store is reached by"
        }
        "ambiguous-name" => "`datafolio rename` gives one of them another name",
        "sql-syntax" => {
            "the message names the place; a name with other characters than letters, digits and _ needs double quotes"
        }
        "sql-refused" => {
            "a query reads the tables of the bundle by name; `datafolio import` or `datafolio reference` brings files in"
        }
        "sql-unfit" => "`datafolio info ITEM` shows the columns of a table; texts stand in single quotes",
        "sql-parameters" => "give one value for each `?`, or a name for each `$name`",
        "sql-out-of-memory" => "raise the setting `memory`, or `spill_dir` and `spill_cap` for what does not fit",
        "sql-cancelled" | "sql-timed-out" => "ask for fewer rows or columns, or allow more time",
        "sql-no-time-zones" => "cast to TIMESTAMP, which is then in UTC, and add or subtract an INTERVAL",
        "sql-failed" => "correct the values or the expression that the message names",
        "sql-file-changed" => "ask again when nobody writes to it; `datafolio import` keeps a copy that nobody changes",
        "reference-changed" => {
            "bring the files back, reference them anew as they are now (`datafolio reference --overwrite`), or read them for once with `--setting changed_references=warn`"
        }
        "view-cycle" => {
            "`datafolio view NAME SQL --overwrite` gives one of them another text, or `datafolio rm` removes one"
        }
        "input-gone" => {
            "bring it back under that name, or give the text anew with --overwrite: `datafolio explain` shows the old one"
        }
        "table-not-found" => "`datafolio ls` shows the items of the bundle; `table` is the one that --table names",
        "ambiguous-data" => "change the handlers that the program registers: one of them must not recognise it",
        "arrow" | "parquet" => "correct the data as the message says",
        "bad-file" => "correct the file where the message says",
        "cancelled" => "write it again",
        "expression-syntax" => "correct the expression at the place that the message names",
        "invalid-option" => "the message says what would do",
        "unknown-column" | "unknown-function" => {
            "`datafolio info ITEM` shows the columns; names with spaces stand in backticks"
        }
        "type-mismatch" => {
            "the message says what was expected: astype(x, \"float64\") makes another type of an expression"
        }
        "recursive-column" => "give one of these columns another name",
        "no-result" => {
            "leave such rows out with a condition, or cast first: astype(x, \"int64\"), astype(x, \"float64\")"
        }
        "user-function-failed" => "the message is what the function said",
        "columns-io" | "columns-source" => "the message names the file, and what the system says of it",
        "damaged-columns" => "the message says what is wrong with the file: get or write it anew",
        "unsupported-columns" => "the message says what the file has, and what can be read or written instead",
        "bad-setting" | "unknown-setting" => {
            "`datafolio settings` shows the settings in force and where they come from"
        }
        "bad-settings-file" => "correct the line that the message names",
        "unreadable-settings-file" => "check the path in DATAFOLIO_CONFIG and the permissions of the file",
        "damaged-entry" => {
            "`datafolio repair` brings the entry back from the history, where that has one that can be read"
        }
        "broken-seal" | "damaged-catalogue" => {
            "`datafolio repair` goes back to the last good revision; `datafolio repair --accept` takes the file as it is"
        }
        "bundle-exists" => "open it, or choose another place",
        "cannot-undo" => {
            "`datafolio log` shows the revisions that can be undone; a later change of the same things is undone first"
        }
        "column-not-found" => "the message names those that are there",
        "commit-unknown" => "do not repeat it yet: look for the revision with `datafolio log`",
        "conflict" => "look at what the other writer did with `datafolio log`, then run the command again",
        "damaged-by-1x" => "`datafolio repair` brings them back from the history",
        "damaged-snapshot" => "items and other snapshots are whole; `datafolio snapshot delete` removes this one",
        "damaged-history" => "`datafolio repair` writes it again from what its neighbours say",
        "damaged-payload" | "missing-payload" | "damaged-item" => "`datafolio verify` lists all damage",
        "file-exists" => "choose another name",
        "frame-column" => "cast the column, or leave it out",
        "polars" => "correct the expression as the message says",
        "handler-failed" | "second-payload" => "look at the handler that the program registers: the message is its own",
        "needs-option" => "pass the option that the message names",
        "older-catalogue" => {
            "`datafolio repair --accept` stays with items.json as it is; to go to the last revision of the history, move \
             items.json away and run `datafolio repair`"
        }
        "option-not-taken" => "leave the option out",
        "revision-limit" => "copy it to a new bundle with `datafolio copy`",
        "staged-gone" => "make the change again; do not shorten `gc --grace` while others write",
        "unreadable-reference" => "correct the file that the message names, or reference another",
        "file-not-found" => "check the path",
        "invalid-argument" => "correct the argument as the message says",
        "invalid-item-name" => "use letters, digits, '.', '_' and '-', with '/' between the parts of a name",
        "invalid-snapshot-name" => "use letters, digits, '.', '_' and '-'",
        "invalid-value" => "correct the value or option as the message says",
        "io" => "look at the disk: the message has the file and the cause",
        "item-exists" => "pass --overwrite to replace it; the old version stays in the history",
        "item-not-found" => "`datafolio ls` shows what there is",
        "key-not-unique" => "name further columns as well, or compare rows as a whole, without a key",
        "item-type-taken" => "register one handler for each item type",
        "locked" => "wait for the other program, or raise lock_timeout",
        "lost-version" => "the other items of the snapshot can be read",
        "missing-reference" => "bring the file back, or reference its new place with `datafolio reference`",
        "missing-table-version" => {
            "reference a version that is there, with --version or without one, or restore the file"
        }
        "no-randomness" => "look at the system: every program needs random numbers",
        "not-a-bundle" => "create one with `datafolio init`, or name another with -f",
        "not-a-regular-file" => "put the file itself in its place; see who put there what does not belong",
        "not-durable" => "do not repeat it: it was done; look at the disk",
        "not-empty" => "choose an empty directory, or one that is not there yet",
        "payload-gone" => "restore another version: `datafolio log ITEM --versions` shows which can be read",
        "read-only" => "open the bundle itself for writing: a snapshot or earlier revision cannot be changed",
        "revision-not-found" => "`datafolio log` lists the revisions",
        "schema-mismatch" => "cast or add the column that the message names; --evolve lets a table get new ones",
        "snapshot-exists" => "choose another name, or remove that one: `datafolio snapshot delete NAME`",
        "snapshot-not-found" => "`datafolio snapshot list` shows what there is",
        "too-busy" => "run the command again",
        "too-large" => "see the limits in docs/spec/format.md",
        "unknown-item-type" => "the item is kept and can be copied; read it with the program that wrote it",
        "unknown-schema" => "use a newer release",
        "unrecognised-data" => "give a value of a known type, or keep it as a file",
        "unsafe-path" => "do not trust the bundle: see who wrote it",
        "unsupported" => "the message says what it needs",
        "version-not-found" => "`datafolio log ITEM --versions` lists them",
        "wrong-kind" => "give another value, or let the type be recognised",
        "wrong-type" => "`datafolio info ITEM` tells its type",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever looks an error up in the documentation, and whoever only sees the message, is told what to do.
    #[test]
    fn every_documented_error_has_a_hint() {
        let page = include_str!("../docs/reference/errors.md");
        let table = page.split("## Errors\n").nth(1).unwrap().split("\n## ").next().unwrap();
        let codes: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        assert!(codes.len() > 45, "{codes:?}");
        for code in codes.into_iter().filter(|code| *code != "lineage-cycle") {
            assert!(hint_of(code).is_some(), "{code} has no hint");
        }
    }

    #[test]
    fn hints_name_the_item_and_how_to_see_its_versions() {
        let error = Error::from(HandlerError::Damaged { item: "my item".to_owned(), reason: "x".to_owned() });
        assert!(error.hint().unwrap().ends_with("`datafolio log 'my item' --versions`"));
        let denied = StorageError::Io {
            action: "read",
            path: "items.json".to_owned(),
            location: "here".to_owned(),
            source: io::ErrorKind::PermissionDenied.into(),
        };
        assert!(Error::from(denied).hint().unwrap().contains("permissions"));
    }
}
