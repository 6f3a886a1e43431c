//! What differs between snapshots, and between a snapshot and now.

use std::collections::HashMap;
use std::sync::Arc;

use datafolio_core::{Catalogue, Entry, VersionComparison, compare_versions};
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::bundle::DataFolio;
use crate::error::{Error, Result};

/// What differs between two snapshots.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SnapshotComparison {
    /// Items by what became of them.
    #[serde(flatten)]
    pub items: VersionComparison,
    /// Keys of the metadata whose value differs: before and after.
    pub metadata_changes: IndexMap<String, (Value, Value)>,
}

/// What differs between a snapshot and the state that the handle sees.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DiffFromSnapshot {
    /// The snapshot.
    pub snapshot_name: String,
    /// Items that are there now and were not then.
    pub added_items: Vec<String>,
    /// Items that were there then and are not now.
    pub removed_items: Vec<String>,
    /// Items with another version.
    pub modified_items: Vec<String>,
    /// Items with the same version.
    pub unchanged_items: Vec<String>,
    /// Keys of the user's metadata whose value differs: then and now.
    pub metadata_changes: IndexMap<String, (Value, Value)>,
}

/// Metadata that every commit changes, or that says who wrote the bundle: no change of the user's.
pub(crate) const RESERVED: [&str; 3] = ["created_at", "updated_at", "_datafolio"];

impl DataFolio {
    /// Compares two snapshots.
    ///
    /// # Errors
    /// [`CoreError::SnapshotNotFound`](datafolio_core::CoreError::SnapshotNotFound).
    pub fn compare_snapshots(&self, before: &str, after: &str) -> Result<SnapshotComparison> {
        let state = self.state();
        let catalogue = state.catalogue();
        let mut identities = Identities::default();
        let items = compare_versions(&identities.of(catalogue, before)?, &identities.of(catalogue, after)?);
        let nothing = Map::new();
        let (a, b) = (catalogue.snapshot(before)?.record()?, catalogue.snapshot(after)?.record()?);
        let metadata_changes =
            metadata_changes(a.metadata().unwrap_or(&nothing), b.metadata().unwrap_or(&nothing), &[]);
        Ok(SnapshotComparison { items, metadata_changes })
    }

    /// Compares the state that the handle sees with a snapshot, the newest one when none is named.
    ///
    /// # Errors
    /// [`CoreError::SnapshotNotFound`](datafolio_core::CoreError::SnapshotNotFound); [`Error::Invalid`] when the bundle has
    /// no snapshots.
    pub fn diff_from_snapshot(&self, name: Option<&str>) -> Result<DiffFromSnapshot> {
        let state = self.state();
        let catalogue = state.catalogue();
        let name = match name {
            Some(name) => name.to_owned(),
            None => self
                .newest_snapshot()?
                .map(|snapshot| snapshot.name)
                .ok_or_else(|| Error::Invalid("the bundle has no snapshots to compare with".to_owned()))?,
        };
        let mut identities = Identities::default();
        let then = identities.of(catalogue, &name)?;
        let now = catalogue.current.values().map(|entry| (entry.name().to_owned(), identities.entry(entry))).collect();
        let VersionComparison { added_items, removed_items, modified_items, shared_items } =
            compare_versions(&then, &now);
        let record = catalogue.snapshot(&name)?.record()?;
        let nothing = Map::new();
        let metadata_changes =
            metadata_changes(record.metadata().unwrap_or(&nothing), &catalogue.metadata_object(), &RESERVED);
        Ok(DiffFromSnapshot {
            snapshot_name: name,
            added_items,
            removed_items,
            modified_items,
            unchanged_items: shared_items,
            metadata_changes,
        })
    }
}

/// Gives each version one name, whatever the snapshots of different releases called it: what they recorded leads to an
/// entry, and the same entry is the same version. A version that is lost goes by what the snapshot recorded.
#[derive(Debug, Default)]
struct Identities(HashMap<*const Entry, String>);

impl Identities {
    fn entry(&mut self, entry: &Arc<Entry>) -> String {
        let next = self.0.len();
        self.0.entry(Arc::as_ptr(entry)).or_insert_with(|| format!("entry {next}")).clone()
    }

    fn of(&mut self, catalogue: &Catalogue, snapshot: &str) -> Result<HashMap<String, String>> {
        let record = catalogue.snapshot(snapshot)?.record()?;
        let resolver = catalogue.resolver();
        let mut versions = HashMap::new();
        for (item, token) in &record.item_versions {
            let identity = match resolver.resolve(snapshot, item, token) {
                Ok(entry) => self.entry(entry),
                Err(_) => format!("lost {token}"),
            };
            versions.insert(item.clone(), identity);
        }
        Ok(versions)
    }
}

fn metadata_changes(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    without: &[&str],
) -> IndexMap<String, (Value, Value)> {
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.retain(|key| !without.contains(&key.as_str()));
    let value = |map: &Map<String, Value>, key: &String| map.get(key).cloned().unwrap_or(Value::Null);
    keys.into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|key| (key.clone(), (value(before, key), value(after, key))))
        .collect()
}
