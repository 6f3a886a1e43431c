//! What differs between two states of a bundle, by name.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::catalogue::Catalogue;
use crate::change::Key;
use crate::entry::Entry;

/// What differs between two states.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Items whose current version differs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ItemChange>,
    /// Keys of the metadata whose value differs; `updated_at` changes with every commit and is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<String>,
    /// Snapshots that were added, `+name`, or removed, `-name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub snapshots: Vec<String>,
}

/// What became of one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemChange {
    /// The item's name; after a renaming, the new one.
    pub name: String,
    /// `added`, `removed`, `replaced` (another content), `edited` (the same content) or `renamed`.
    pub change: String,
    /// The version before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The version after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The name before, when it was another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<String>,
}

impl Difference {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.metadata.is_empty() && self.snapshots.is_empty()
    }

    /// The keys that were touched.
    pub fn keys(&self) -> Vec<Key> {
        let mut keys = Vec::new();
        for item in &self.items {
            keys.push(Key::Item(item.name.clone()));
            keys.extend(item.renamed_from.iter().map(|name| Key::Item(name.clone())));
        }
        keys.extend(self.metadata.iter().map(|key| Key::Metadata(key.clone())));
        keys.extend(self.snapshots.iter().filter_map(|name| Some(Key::Snapshot(name.get(1..)?.to_owned()))));
        keys
    }
}

/// Compares two states of one bundle.
pub fn difference(before: &Catalogue, after: &Catalogue) -> Difference {
    Difference {
        items: item_changes(before, after),
        metadata: metadata_changes(before, after),
        snapshots: snapshot_changes(before, after),
    }
}

fn item_changes(before: &Catalogue, after: &Catalogue) -> Vec<ItemChange> {
    let mut changes = Vec::new();
    // Most commits leave most items in their places: those are passed over without a search.
    let differing = before.current.differing(&after.current);
    let mut removed: Vec<&Arc<Entry>> =
        differing.iter().filter_map(|(old, _)| *old).filter(|old| !after.current.contains_key(old.name())).collect();
    for entry in differing.iter().filter_map(|(_, new)| *new) {
        let name = entry.name();
        match before.current.get(name) {
            Some(old) if Arc::ptr_eq(old, entry) || old.same_as(entry) => {}
            Some(old) => changes.push(ItemChange {
                name: name.to_string(),
                change: if same_content(old, entry) { "edited" } else { "replaced" }.to_owned(),
                from: Some(old.token()),
                to: Some(entry.token()),
                renamed_from: None,
            }),
            None => {
                let source = removed.iter().position(|old| same_content(old, entry)).map(|index| removed.remove(index));
                changes.push(ItemChange {
                    name: name.to_string(),
                    change: if source.is_some() { "renamed" } else { "added" }.to_owned(),
                    from: source.map(|old| old.token()),
                    to: Some(entry.token()),
                    renamed_from: source.map(|old| old.name().to_owned()),
                });
            }
        }
    }
    changes.extend(removed.into_iter().map(|old| ItemChange {
        name: old.name().to_owned(),
        change: "removed".to_owned(),
        from: Some(old.token()),
        to: None,
        renamed_from: None,
    }));
    changes
}

/// Whether two versions are of the same content: the same payload file, or for items without one the same target.
pub(crate) fn same_content(a: &Entry, b: &Entry) -> bool {
    if a.item_type() != b.item_type() {
        return false;
    }
    match (a.filename(), b.filename()) {
        (Some(a), Some(b)) => a == b,
        (None, None) => match (a.record(), b.record()) {
            (Ok(a), Ok(b)) => a.get("path") == b.get("path") && a.created_at() == b.created_at(),
            _ => false,
        },
        _ => false,
    }
}

fn metadata_changes(before: &Catalogue, after: &Catalogue) -> Vec<String> {
    let differs = |key: &&String| before.metadata.get(*key) != after.metadata.get(*key);
    let mut keys: Vec<String> = after.metadata.keys().filter(differs).cloned().collect();
    keys.extend(before.metadata.keys().filter(|key| !after.metadata.contains_key(*key)).cloned());
    keys.retain(|key| key != "updated_at");
    keys
}

fn snapshot_changes(before: &Catalogue, after: &Catalogue) -> Vec<String> {
    let mut changes: Vec<String> = Vec::new();
    for (name, snapshot) in &after.snapshots {
        match before.snapshots.get(name) {
            None => changes.push(format!("+{name}")),
            Some(old) if Arc::ptr_eq(old, snapshot) || old.same_as(snapshot) => {}
            Some(_) => changes.extend([format!("-{name}"), format!("+{name}")]),
        }
    }
    changes
        .extend(before.snapshots.keys().filter(|name| !after.snapshots.contains_key(*name)).map(|n| format!("-{n}")));
    changes
}

/// The item versions of two snapshots, sorted into what Python DataFolio's comparisons list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct VersionComparison {
    /// In the second only.
    pub added_items: Vec<String>,
    /// In the first only.
    pub removed_items: Vec<String>,
    /// In both, with another version.
    pub modified_items: Vec<String>,
    /// In both, with the same version.
    pub shared_items: Vec<String>,
}

/// Compares two maps from item to version.
pub fn compare_versions(before: &HashMap<String, String>, after: &HashMap<String, String>) -> VersionComparison {
    let mut result = VersionComparison::default();
    for (name, version) in after {
        match before.get(name) {
            None => result.added_items.push(name.clone()),
            Some(old) if old == version => result.shared_items.push(name.clone()),
            Some(_) => result.modified_items.push(name.clone()),
        }
    }
    result.removed_items.extend(before.keys().filter(|name| !after.contains_key(*name)).cloned());
    for list in
        [&mut result.added_items, &mut result.removed_items, &mut result.modified_items, &mut result.shared_items]
    {
        list.sort_unstable();
    }
    result
}
