//! Change sets: what a commit wants to change, and what it assumed when it was made.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::catalogue::Catalogue;
use crate::entry::Entry;
use crate::error::{CoreError, CoreResult};
use crate::json::RawJson;
use crate::parts::{AppendParts, CompactParts};
use crate::snapshot::Snapshot;

/// One change to the catalogue. Version ids are not part of it: they are given when the commit is made.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Change {
    /// Adds an item, or replaces its current version.
    Put(PutItem),
    /// Adds rows to a table as files of their own.
    Append(Box<AppendParts>),
    /// Replaces parts of a table by fewer with the same rows.
    Compact(Box<CompactParts>),
    /// Removes an item.
    Delete {
        /// The item.
        name: String,
    },
    /// Changes what is said of an item and not its content.
    Edit {
        /// The item.
        name: String,
        /// What changes.
        edit: ItemEdit,
    },
    /// Gives an item another name; items that were made from it follow.
    Rename {
        /// The name it has.
        from: String,
        /// The name it gets.
        to: String,
    },
    /// Makes items that list one name among their inputs list another: what follows a renaming that is undone.
    RenameInputs {
        /// The name they have.
        from: String,
        /// The name they get.
        to: String,
    },
    /// Makes an existing version the current one; `None` removes the item. Restoring and undoing are made of these.
    Repoint {
        /// The item.
        name: String,
        /// The version.
        entry: Option<Arc<Entry>>,
    },
    /// Sets a key of the metadata, or removes it.
    SetMetadata {
        /// The key.
        key: String,
        /// Its new value as JSON text.
        value: Option<RawJson>,
    },
    /// Makes a snapshot of the given versions.
    AddSnapshot {
        /// Its name.
        name: String,
        /// All its fields but `item_versions`.
        fields: Map<String, Value>,
        /// What it holds: the current versions that the handle sees.
        entries: Vec<Arc<Entry>>,
    },
    /// Puts a snapshot back that was deleted.
    RevertSnapshot {
        /// The snapshot as it was.
        snapshot: Arc<Snapshot>,
        /// The versions it holds.
        entries: Vec<Arc<Entry>>,
    },
    /// Removes a snapshot; versions that nothing else holds leave the catalogue.
    DeleteSnapshot {
        /// Its name.
        name: String,
    },
    /// Removes old versions that no snapshot holds, as Python DataFolio leaves them behind.
    DropOrphans,
}

/// A new version of an item.
#[derive(Debug, Clone, Default)]
pub struct PutItem {
    /// The item.
    pub name: String,
    /// Its type.
    pub item_type: String,
    /// The fields that belong to the type and its payload.
    pub fields: Map<String, Value>,
    /// `None` keeps the description of the version before, an empty text removes it.
    pub description: Option<String>,
    /// Names of the items it was made from.
    pub inputs: Vec<String>,
    /// The versions of these that the caller read.
    pub input_versions: IndexMap<String, String>,
    /// Whether a version that is there may be replaced.
    pub overwrite: bool,
    /// When the payload was written.
    pub created_at: String,
}

/// What can be changed of an item without touching its content. `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ItemEdit {
    /// An empty text removes the description.
    pub description: Option<String>,
    /// Empty removes the inputs. The versions that are given with the names are recorded beside them.
    pub inputs: Option<(Vec<String>, IndexMap<String, String>)>,
    /// Whether the item is archived.
    pub archived: Option<bool>,
}

/// What a change touches, and what two commits can be in conflict about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// An item.
    Item(String),
    /// A key of the metadata.
    Metadata(String),
    /// A snapshot.
    Snapshot(String),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Item(name) => write!(f, "item '{name}'"),
            Self::Metadata(key) => write!(f, "metadata key '{key}'"),
            Self::Snapshot(name) => write!(f, "snapshot '{name}'"),
        }
    }
}

/// What a key held when the change was made.
#[derive(Debug, Clone)]
pub enum Assumed {
    /// Nothing.
    Absent,
    /// This version.
    Item(Arc<Entry>),
    /// A table that grew out of the same version as this one, whatever was appended since.
    Table(Arc<Entry>),
    /// This value.
    Metadata(RawJson),
    /// This snapshot.
    Snapshot(Arc<Snapshot>),
}

impl Assumed {
    /// What a catalogue holds for a key.
    pub fn of(catalogue: &Catalogue, key: &Key) -> Self {
        let found = match key {
            Key::Item(name) => catalogue.current.get(name.as_str()).cloned().map(Self::Item),
            Key::Metadata(name) => catalogue.metadata.get(name).cloned().map(Self::Metadata),
            Key::Snapshot(name) => catalogue.snapshots.get(name).cloned().map(Self::Snapshot),
        };
        found.unwrap_or(Self::Absent)
    }

    /// Whether both are the same thing.
    pub fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Absent, Self::Absent) => true,
            (Self::Item(a), Self::Item(b)) => a.same_as(b),
            (Self::Table(a), Self::Item(b)) => a.same_as(b) || a.grows_with(b),
            (Self::Snapshot(a), Self::Snapshot(b)) => a.same_as(b),
            (Self::Metadata(a), Self::Metadata(b)) => {
                a == b
                    || matches!(
                        (serde_json::from_str::<Value>(a), serde_json::from_str::<Value>(b)),
                        (Ok(a), Ok(b)) if a == b
                    )
            }
            _ => false,
        }
    }
}

impl fmt::Display for Assumed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("nothing of that name"),
            Self::Item(entry) | Self::Table(entry) => write!(f, "version {}", entry.token()),
            Self::Metadata(text) => write!(f, "the value {}", crate::path::shorten(text)),
            Self::Snapshot(snapshot) => match snapshot.record() {
                Ok(record) => write!(f, "the snapshot of {}", record.timestamp().unwrap_or("an unknown time")),
                Err(_) => f.write_str("another snapshot"),
            },
        }
    }
}

/// Changes that are committed together or not at all.
#[derive(Debug, Clone)]
pub struct ChangeSet {
    base: Arc<Catalogue>,
    changes: Vec<Change>,
    assumptions: IndexMap<Key, Assumed>,
}

impl ChangeSet {
    /// An empty change set made by someone who sees this catalogue.
    pub fn new(base: Arc<Catalogue>) -> Self {
        Self { base, changes: Vec::new(), assumptions: IndexMap::new() }
    }

    /// The catalogue that its maker sees.
    pub fn base(&self) -> &Arc<Catalogue> {
        &self.base
    }

    /// Adds a change. What it assumes about the keys it touches is what the base holds, unless an earlier change of the
    /// same set has touched them.
    pub fn push(&mut self, change: Change) {
        let grows = matches!(change, Change::Append(_) | Change::Compact(_));
        for key in touched(&change) {
            let known = self.assumptions.get(&key);
            if known.is_some_and(|known| grows || !matches!(known, Assumed::Table(_))) {
                continue;
            }
            let assumed = match Assumed::of(&self.base, &key) {
                // That others append to it as well is no reason not to.
                Assumed::Item(entry) if grows => Assumed::Table(entry),
                other => other,
            };
            self.assumptions.insert(key, assumed);
        }
        self.changes.push(change);
    }

    /// The changes in order.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Checks every assumption against another state of the bundle.
    ///
    /// # Errors
    /// [`CoreError::Conflict`] for the first one that does not hold, with what was assumed and what was found;
    /// [`CoreError::RevisionLimit`] when no commit can follow that state.
    pub fn check(&self, head: &Catalogue) -> CoreResult<()> {
        head.next_revision()?;
        for (key, assumed) in &self.assumptions {
            let found = Assumed::of(head, key);
            if !assumed.same_as(&found) && !self.wants(key, &found) {
                return Err(CoreError::Conflict {
                    key: key.to_string(),
                    assumed: assumed.to_string(),
                    found: found.to_string(),
                    revision: head.revision,
                });
            }
        }
        Ok(())
    }

    /// Whether the other writer has already made exactly what this set wants of a metadata key.
    fn wants(&self, key: &Key, found: &Assumed) -> bool {
        let Key::Metadata(name) = key else { return false };
        let last = self.changes.iter().rev().find_map(|change| match change {
            Change::SetMetadata { key, value } if key == name => Some(value),
            _ => None,
        });
        match last {
            Some(Some(value)) => Assumed::Metadata(Arc::clone(value)).same_as(found),
            Some(None) => matches!(found, Assumed::Absent),
            None => false,
        }
    }
}

/// The keys that a change touches. A snapshot touches only its own name: it holds versions that its maker sees, whatever
/// became of the items since.
fn touched(change: &Change) -> Vec<Key> {
    match change {
        Change::Put(put) => vec![Key::Item(put.name.clone())],
        Change::Append(append) => vec![Key::Item(append.name.clone())],
        Change::Compact(compact) => vec![Key::Item(compact.name.clone())],
        Change::Delete { name } | Change::Edit { name, .. } | Change::Repoint { name, .. } => {
            vec![Key::Item(name.clone())]
        }
        Change::Rename { from, to } => vec![Key::Item(from.clone()), Key::Item(to.clone())],
        Change::SetMetadata { key, .. } => vec![Key::Metadata(key.clone())],
        Change::AddSnapshot { name, .. } | Change::DeleteSnapshot { name } => vec![Key::Snapshot(name.clone())],
        Change::RevertSnapshot { snapshot, .. } => vec![Key::Snapshot(snapshot.name().to_owned())],
        Change::DropOrphans | Change::RenameInputs { .. } => Vec::new(),
    }
}
