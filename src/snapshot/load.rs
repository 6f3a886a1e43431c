//! Looking at snapshots and opening them.

use std::path::Path;
use std::sync::Arc;

use datafolio_core::{Catalogue, CommitStamp, CoreError, Entry, Snapshot, json};
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::bundle::state::State;
use crate::bundle::{DataFolio, Mode};
use crate::error::{Error, Result};

/// What is known of a snapshot.
#[derive(Debug, Clone, Serialize)]
pub struct SnapshotInfo {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub timestamp: String,
    /// What it is for.
    pub description: Option<String>,
    /// Labels.
    pub tags: Vec<String>,
    /// How many items it holds.
    pub num_items: usize,
    /// Items whose version is lost: another program deleted it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost_items: Vec<String>,
    /// Items that lie outside the bundle and may have changed since.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mutable_references: Vec<String>,
    /// All its fields as the catalogue has them.
    pub fields: Map<String, Value>,
    /// Why it cannot be read, in a list of all; it is empty then, and can be deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
}

impl DataFolio {
    /// All snapshots, newest first. One that cannot be read says why, and does not hide the others.
    ///
    /// # Errors
    /// None of its own.
    pub fn list_snapshots(&self) -> Result<Vec<SnapshotInfo>> {
        let state = self.state();
        let names: Vec<&String> = state.catalogue().snapshots.keys().collect();
        let of = |name: &String| info(state.catalogue(), name).unwrap_or_else(|error| damaged(name, &error));
        let mut list: Vec<SnapshotInfo> = names.into_iter().rev().map(of).collect();
        list.sort_by(|a, b| b.timestamp.cmp(&a.timestamp));
        Ok(list)
    }

    /// The newest snapshot, `None` when there is none.
    ///
    /// # Errors
    /// When one that was made later cannot be read: it is not passed over without a word.
    pub fn newest_snapshot(&self) -> Result<Option<SnapshotInfo>> {
        let state = self.state();
        let place = |name: &str| state.catalogue().snapshots.get_index_of(name);
        let list = self.list_snapshots()?;
        let newest = list.iter().find(|info| info.damage.is_none());
        let is_later = |info: &&SnapshotInfo| {
            info.damage.is_some() && newest.is_none_or(|newest| place(&info.name) > place(&newest.name))
        };
        match list.iter().find(is_later) {
            Some(damaged) => self.snapshot_info(&damaged.name).map(Some),
            None => Ok(newest.cloned()),
        }
    }

    /// What is known of one snapshot.
    ///
    /// # Errors
    /// [`CoreError::SnapshotNotFound`].
    pub fn snapshot_info(&self, name: &str) -> Result<SnapshotInfo> {
        info(self.state().catalogue(), name)
    }

    /// Opens a snapshot for reading: its items, and the metadata as it was.
    ///
    /// # Errors
    /// [`CoreError::SnapshotNotFound`]. A version that is lost is an error when it is asked for; the others can be read.
    pub fn load_snapshot(&self, name: &str) -> Result<DataFolio> {
        let state = self.state();
        let catalogue = state.catalogue();
        let snapshot = Arc::clone(catalogue.snapshot(name)?);
        let record = snapshot.record()?;
        let (entries, lost) = held(catalogue, name)?;
        let mut past = Catalogue::empty();
        past.revision = catalogue.revision;
        past.commit = catalogue.commit.as_ref().map(|stamp| CommitStamp { id: stamp.id.clone(), parent: None });
        for (key, value) in record.metadata().into_iter().flatten() {
            past.metadata.insert(key.clone(), json::pretty(value, 4).into());
        }
        for entry in entries.into_values() {
            past.current.insert(entry);
        }
        Ok(self.detached(State::detached(past, lost), Mode::Snapshot(snapshot)))
    }

    /// Opens a snapshot of a bundle for reading.
    ///
    /// # Errors
    /// As [`DataFolio::open`] and [`DataFolio::load_snapshot`].
    pub fn open_snapshot(path: impl AsRef<Path>, name: &str) -> Result<DataFolio> {
        DataFolio::open_read_only(path)?.load_snapshot(name)
    }
}

/// The versions that a snapshot holds, made current, and what is lost of it.
#[expect(clippy::type_complexity, reason = "two maps, found and lost, that exist only between here and the callers")]
pub(crate) fn held(
    catalogue: &Catalogue,
    name: &str,
) -> Result<(IndexMap<String, Arc<Entry>>, IndexMap<String, CoreError>)> {
    let mut entries = IndexMap::new();
    let mut lost = IndexMap::new();
    for (item, found) in catalogue.snapshot_entries(name)? {
        match found.and_then(|entry| entry.with_currency(true)) {
            Ok(entry) => drop(entries.insert(item, entry)),
            Err(error) => drop(lost.insert(item, error)),
        }
    }
    Ok((entries, lost))
}

fn info(catalogue: &Catalogue, name: &str) -> Result<SnapshotInfo> {
    let snapshot: &Arc<Snapshot> = catalogue.snapshot(name)?;
    let record = snapshot.record()?;
    let mut lost_items = Vec::new();
    let mut mutable_references = Vec::new();
    for (item, found) in catalogue.snapshot_entries(name)? {
        match found {
            Err(_) => lost_items.push(item),
            Ok(entry) if entry.item_type() == datafolio_core::item_type::REFERENCED_TABLE => {
                mutable_references.push(item);
            }
            Ok(_) => {}
        }
    }
    Ok(SnapshotInfo {
        name: name.to_owned(),
        timestamp: record.timestamp().unwrap_or_default().to_owned(),
        description: record.description().map(str::to_owned),
        tags: record.tags().into_iter().map(str::to_owned).collect(),
        num_items: record.item_versions.len(),
        lost_items,
        mutable_references,
        fields: record.fields.clone(),
        damage: None,
    })
}

fn damaged(name: &str, error: &Error) -> SnapshotInfo {
    SnapshotInfo {
        name: name.to_owned(),
        timestamp: String::new(),
        description: None,
        tags: Vec::new(),
        num_items: 0,
        lost_items: Vec::new(),
        mutable_references: Vec::new(),
        fields: Map::new(),
        damage: Some(error.to_string()),
    }
}
