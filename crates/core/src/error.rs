//! What can go wrong with names, records and catalogues, and the categories that every datafolio error falls into.

use std::fmt;

/// What a caller can do about an error. Every error of every datafolio crate has exactly one category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCategory {
    /// The bundle, item, version, snapshot or file is not there.
    NotFound,
    /// Something of that name is there already.
    Exists,
    /// Another writer changed the same thing first; refresh, look, and try again.
    Conflict,
    /// The handle cannot write.
    ReadOnly,
    /// The value, name or option is not acceptable.
    InvalidInput,
    /// The bundle or item is in a state that does not allow this.
    WrongState,
    /// The file system or object store refused or failed.
    Storage,
    /// Bytes are damaged: they are not what was recorded.
    Corrupt,
    /// This build, or this release, cannot do it.
    Unsupported,
    /// A defect in datafolio itself.
    Internal,
}

impl ErrorCategory {
    /// The category as a stable kebab-case word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Exists => "exists",
            Self::Conflict => "conflict",
            Self::ReadOnly => "read-only",
            Self::InvalidInput => "invalid-input",
            Self::WrongState => "wrong-state",
            Self::Storage => "storage",
            Self::Corrupt => "corrupt",
            Self::Unsupported => "unsupported",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for ErrorCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Errors of names, paths, records and the catalogue model.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CoreError {
    /// A name that cannot be given to an item.
    #[error("invalid item name {name:?}: {reason}")]
    InvalidItemName {
        /// The name as given.
        name: String,
        /// Which rule it breaks.
        reason: String,
    },
    /// A name that cannot be given to a snapshot.
    #[error("Invalid snapshot name {name:?}: {reason}")]
    InvalidSnapshotName {
        /// The name as given.
        name: String,
        /// Which rule it breaks.
        reason: String,
    },
    /// Text that should be a path inside the bundle and is not.
    #[error("unsafe path {path:?}: {reason}")]
    UnsafePath {
        /// The text as found.
        path: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// `items.json` (or a file beside it) is not a catalogue.
    #[error("{file} is damaged: {reason}")]
    DamagedCatalogue {
        /// File name inside the bundle.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The hash recorded in the catalogue is not the hash of the catalogue.
    #[error("items.json does not match its own seal: it was damaged, or edited by hand")]
    BrokenSeal,
    /// The catalogue was written by a later format, or has a version that is none.
    #[error("items.json has schema_version {found}, {}", describe_schema(*.found, *.known))]
    UnknownSchema {
        /// The version in the file.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// A file of the history was written by a later format.
    #[error("{file} has the format {found}, and this release knows {known}: open the bundle with a newer datafolio")]
    UnknownHistory {
        /// Where it lies inside the bundle.
        file: String,
        /// The format of the file.
        found: u32,
        /// The one known here.
        known: u32,
    },
    /// One entry of the catalogue cannot be read.
    #[error("item '{item}': its entry in items.json is damaged: {reason}")]
    DamagedEntry {
        /// Name of the item, as far as it could be read.
        item: String,
        /// What is wrong with the entry.
        reason: String,
    },
    /// One snapshot of the catalogue cannot be read; the others, and the items, can.
    #[error("snapshot {name:?}: its entry in items.json is damaged: {reason}")]
    DamagedSnapshot {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A history entry cannot be read or does not fit its neighbours.
    #[error("{file} is damaged: {reason}")]
    DamagedHistory {
        /// File name inside the bundle.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The bundle has the last revision that can be counted.
    #[error("the bundle has revision {revision}, and no further one can be counted: copy it to a new bundle")]
    RevisionLimit {
        /// The revision it has.
        revision: u64,
    },
    /// There is no such item.
    #[error("Item '{name}' not found")]
    ItemNotFound {
        /// The name that was asked for.
        name: String,
    },
    /// There is no such version of the item.
    #[error("version {version:?} of item '{name}' not found")]
    VersionNotFound {
        /// The item.
        name: String,
        /// The version that was asked for.
        version: String,
    },
    /// There is no such snapshot.
    #[error("Snapshot '{name}' not found")]
    SnapshotNotFound {
        /// The name that was asked for.
        name: String,
    },
    /// A snapshot names a version whose entry is gone.
    #[error("snapshot '{snapshot}': version {token:?} of item '{item}' is lost: no entry of the catalogue has it")]
    LostVersion {
        /// The snapshot.
        snapshot: String,
        /// The item.
        item: String,
        /// What the snapshot recorded for it.
        token: String,
    },
    /// The name is taken.
    #[error("Item '{name}' already exists")]
    ItemExists {
        /// The name.
        name: String,
    },
    /// The snapshot name is taken.
    #[error("Snapshot '{name}' already exists")]
    SnapshotExists {
        /// The name.
        name: String,
    },
    /// Another writer changed the same thing since this handle last looked.
    #[error(
        "conflict on {key}: this change was made for {assumed}, and the bundle now has {found} (revision {revision}): refresh and try again"
    )]
    Conflict {
        /// The item, metadata key or snapshot.
        key: String,
        /// What the handle last saw.
        assumed: String,
        /// What is there now.
        found: String,
        /// Revision of the catalogue that was found.
        revision: u64,
    },
}

/// What a version that is not known here can be.
fn describe_schema(found: i64, known: i64) -> String {
    match found < 0 {
        true => format!("which is none that any release writes (this one knows versions up to {known}): it is damaged"),
        false => format!("and this release knows versions up to {known}: open the bundle with a newer datafolio"),
    }
}

impl CoreError {
    /// What a caller can do about it.
    pub fn category(&self) -> ErrorCategory {
        match self {
            Self::InvalidItemName { .. } | Self::InvalidSnapshotName { .. } => ErrorCategory::InvalidInput,
            Self::UnsafePath { .. }
            | Self::DamagedCatalogue { .. }
            | Self::BrokenSeal
            | Self::DamagedEntry { .. }
            | Self::DamagedSnapshot { .. }
            | Self::DamagedHistory { .. }
            | Self::LostVersion { .. } => ErrorCategory::Corrupt,
            // No release, older or newer, writes a negative one.
            Self::UnknownSchema { found, .. } if *found < 0 => ErrorCategory::Corrupt,
            Self::UnknownSchema { .. } | Self::UnknownHistory { .. } => ErrorCategory::Unsupported,
            Self::ItemNotFound { .. } | Self::VersionNotFound { .. } | Self::SnapshotNotFound { .. } => {
                ErrorCategory::NotFound
            }
            Self::ItemExists { .. } | Self::SnapshotExists { .. } => ErrorCategory::Exists,
            Self::Conflict { .. } => ErrorCategory::Conflict,
            Self::RevisionLimit { .. } => ErrorCategory::WrongState,
        }
    }

    /// A stable kebab-case code, one for each kind; codes are added and never changed.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidItemName { .. } => "invalid-item-name",
            Self::InvalidSnapshotName { .. } => "invalid-snapshot-name",
            Self::UnsafePath { .. } => "unsafe-path",
            Self::DamagedCatalogue { .. } => "damaged-catalogue",
            Self::BrokenSeal => "broken-seal",
            Self::UnknownSchema { .. } => "unknown-schema",
            Self::UnknownHistory { .. } => "unknown-history",
            Self::DamagedEntry { .. } => "damaged-entry",
            Self::DamagedSnapshot { .. } => "damaged-snapshot",
            Self::DamagedHistory { .. } => "damaged-history",
            Self::ItemNotFound { .. } => "item-not-found",
            Self::VersionNotFound { .. } => "version-not-found",
            Self::SnapshotNotFound { .. } => "snapshot-not-found",
            Self::LostVersion { .. } => "lost-version",
            Self::ItemExists { .. } => "item-exists",
            Self::SnapshotExists { .. } => "snapshot-exists",
            Self::Conflict { .. } => "conflict",
            Self::RevisionLimit { .. } => "revision-limit",
        }
    }
}

/// Result of this crate.
pub type CoreResult<T> = Result<T, CoreError>;
