//! Which versions of a table are compared, and how their rows are told apart.

use datafolio_core::Catalogue;
use datafolio_storage::Verification;

use crate::error::{Error, Result};

/// A state of a table: by what it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableState {
    /// A version, by its id, as [`DataFolio::versions`](crate::DataFolio::versions) lists them.
    Version(String),
    /// The version that was current at a revision.
    Revision(u64),
    /// The version that a snapshot holds.
    Snapshot(String),
}

impl TableState {
    /// Reads a state as people write it: the name of a snapshot, a revision (`12` or `r12`), or the id of a version. Where a word
    /// could be two of them, `snapshot:NAME`, `revision:12` or `version:ID` says which.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a number that is both a revision and the name of a snapshot, and for what follows `revision:` and
    /// is none.
    pub fn parse(text: &str, catalogue: &Catalogue) -> Result<Self> {
        let number = |text: &str| text.strip_prefix('r').unwrap_or(text).parse::<u64>().ok();
        if let Some(name) = text.strip_prefix("snapshot:") {
            return Ok(Self::Snapshot(name.to_owned()));
        }
        if let Some(id) = text.strip_prefix("version:") {
            return Ok(Self::Version(id.to_owned()));
        }
        if let Some(text) = text.strip_prefix("revision:") {
            let none = || Error::Invalid(format!("'{text}' is no revision: write a number, such as revision:12"));
            return number(text).map(Self::Revision).ok_or_else(none);
        }
        match (catalogue.snapshots.contains_key(text), number(text)) {
            (true, Some(revision)) => Err(Error::Invalid(format!(
                "'{text}' is a revision and a snapshot: write revision:{revision} or snapshot:{text}"
            ))),
            (true, None) => Ok(Self::Snapshot(text.to_owned())),
            (false, Some(revision)) => Ok(Self::Revision(revision)),
            (false, None) => Ok(Self::Version(text.to_owned())),
        }
    }
}

/// What is compared with what; by default the current version with the one before it, row by row as a whole.
///
/// ```
/// use datafolio::{DiffOptions, TableState};
///
/// let options = DiffOptions::new().from(TableState::Snapshot("v1.0".to_owned())).key(["id"]);
/// assert!(options.to.is_none());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiffOptions {
    /// The earlier state; `None` for the version before the later one.
    pub from: Option<TableState>,
    /// The later state; `None` for the current version.
    pub to: Option<TableState>,
    /// The columns whose values say which rows are the same one, before and after. Without any, a row is its values: rows are
    /// added and removed, and none is changed.
    pub key: Vec<String>,
    /// How what is read is compared with its recorded hashes; `None` as the settings say.
    pub verification: Option<Verification>,
}

impl DiffOptions {
    /// The current version and the one before it, without a key.
    pub fn new() -> Self {
        Self::default()
    }

    /// The earlier state.
    pub fn from(mut self, state: TableState) -> Self {
        self.from = Some(state);
        self
    }

    /// The later state.
    pub fn to(mut self, state: TableState) -> Self {
        self.to = Some(state);
        self
    }

    /// The columns that tell rows apart.
    pub fn key<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.key = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Compares what is read with its recorded hashes to this degree, whatever the settings say.
    pub fn verification(mut self, verification: Verification) -> Self {
        self.verification = Some(verification);
        self
    }
}
