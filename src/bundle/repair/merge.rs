//! Putting together what the history knows of a bundle and what another release has left in its place.

use std::collections::HashMap;
use std::sync::Arc;

use datafolio_core::{Catalogue, Entry, Snapshot, json, time};
use serde_json::{Map, Value};

use crate::error::Result;

/// How two states are put together.
pub(super) struct Rules<'a> {
    /// Whether the later state has all that was current: then an item that it does not have was deleted.
    pub(super) is_whole: bool,
    /// Whether the version of the earlier state may stay current where the later state does not have the item.
    pub(super) may_stay: &'a dyn Fn(&Entry) -> bool,
    /// What the name of a later snapshot gets when an earlier one has it.
    pub(super) suffix: &'a str,
    /// The revision of the repair, for the ids of versions that need one.
    pub(super) revision: u64,
}

/// The later state with all that it has lost of the earlier one: metadata, snapshots, and the versions that these hold.
pub(super) fn merge(before: &Catalogue, found: &Catalogue, rules: &Rules<'_>) -> Result<Catalogue> {
    // In the layout of 2.x, without what 1.x writes into every entry.
    let found = found.in_layout_2();
    let mut merged = before.clone();
    let mut ids = Ids { before, revision: rules.revision, given: HashMap::new() };
    let stays = |entry: &&Arc<Entry>| !rules.is_whole && (rules.may_stay)(entry);
    merged.current = before.current.values().filter(stays).cloned().collect();
    for entry in found.current.values() {
        merged.current.insert(ids.settle(entry)?);
    }
    merged.retired.clear();
    let of_found: Vec<Arc<Entry>> = found.retired.iter().map(|entry| ids.settle(entry)).collect::<Result<_>>()?;
    // Old versions as they were found (1.3 renames files), then those that were dropped and a snapshot holds.
    let pinned = before.current.values().filter(|entry| before.is_pinned(entry));
    for entry in of_found.iter().chain(&before.retired).chain(pinned) {
        let is_current = merged.current.get(entry.name()).is_some_and(|current| same_version(current, entry));
        if !is_current && !merged.retired.iter().any(|old| same_version(old, entry)) {
            let known = before.retired.iter().find(|old| old.same_as(entry)).unwrap_or(entry);
            merged.retired.push(known.with_currency(false)?);
        }
    }
    for (name, snapshot) in &found.snapshots {
        let snapshot = ids.renamed_in(snapshot);
        let mut free = name.clone();
        while let Some(taken) = merged.snapshots.get(&free) {
            if taken.same_as(&snapshot) {
                break;
            }
            free.push_str(rules.suffix);
        }
        merged.snapshots.insert(free.clone(), Arc::new(Snapshot::parse(&free, snapshot.text())));
    }
    for (key, text) in &found.metadata {
        if !["created_at", "updated_at", "_datafolio"].contains(&key.as_str()) {
            merged.metadata.insert(key.clone(), Arc::clone(text));
        }
    }
    Ok(merged)
}

/// Version ids of the later state. Its writer had lost the revision and counted again, or edited in place: then an id means
/// another version than it does in the earlier state, whose snapshots hold it.
struct Ids<'a> {
    before: &'a Catalogue,
    revision: u64,
    /// New ids by name and id.
    given: HashMap<(String, String), String>,
}

impl Ids<'_> {
    /// The version as it can stand beside those of the earlier state.
    fn settle(&mut self, entry: &Arc<Entry>) -> Result<Arc<Entry>> {
        let Some(old) = self.before.versions_of(entry.name()).find(|old| same_version(old, entry)) else {
            return Ok(Arc::clone(entry));
        };
        let old = old.with_currency(entry.is_current())?;
        if old.same_as(entry) {
            return Ok(old);
        }
        let Some(id) = entry.version_id() else { return Ok(Arc::clone(entry)) };
        let mut record = (*entry.record()?).clone();
        let new = format!("{}--r{}-{}", entry.name(), self.revision, &json::sha256(entry.text())[..6]);
        self.given.insert((entry.name().to_owned(), id.to_owned()), new.clone());
        record.set("version_id", Some(new.into()));
        Ok(Arc::new(Entry::from_record(record)?))
    }

    /// A snapshot of the later state with the ids that its versions have now.
    fn renamed_in(&self, snapshot: &Arc<Snapshot>) -> Arc<Snapshot> {
        let Ok(record) = snapshot.record() else { return Arc::clone(snapshot) };
        let mut fields = record.fields.clone();
        let Some(Value::Object(versions)) = fields.get_mut("item_versions") else { return Arc::clone(snapshot) };
        let mut is_changed = false;
        for (item, token) in versions.iter_mut() {
            let id = token.as_str().unwrap_or_default().to_owned();
            if let Some(new) = self.given.get(&(item.clone(), id)) {
                *token = new.clone().into();
                is_changed = true;
            }
        }
        match is_changed {
            true => Arc::new(Snapshot::from_fields(snapshot.name(), &fields)),
            false => Arc::clone(snapshot),
        }
    }
}

fn same_version(a: &Entry, b: &Entry) -> bool {
    a.name() == b.name() && a.token() == b.token()
}

/// Holds old versions in snapshots of our own, the newest of each item in the first one, so that no clean-up of any release
/// deletes them: those that no snapshot holds and that the earlier state did not have. A snapshot must have held each, and
/// nobody knows any more which. How many they are.
pub(super) fn hold_unpinned(state: &mut Catalogue, before: Option<&Catalogue>) -> usize {
    let mut versions = state.orphans();
    versions.retain(|entry| !before.is_some_and(|before| before.retired.iter().any(|old| same_version(old, entry))));
    let mut layers: Vec<Map<String, Value>> = Vec::new();
    for entry in versions.iter().rev() {
        let token = entry.token().into();
        match layers.iter_mut().find(|layer| !layer.contains_key(entry.name())) {
            Some(layer) => drop(layer.insert(entry.name().to_owned(), token)),
            None => layers.push([(entry.name().to_owned(), token)].into_iter().collect()),
        }
    }
    let metadata = state.metadata_object();
    let mut number = 0;
    for layer in layers {
        let name = loop {
            number += 1;
            let name = if number == 1 { "recovered".to_owned() } else { format!("recovered-{number}") };
            if !state.snapshots.contains_key(&name) {
                break name;
            }
        };
        let mut fields = Map::new();
        fields.insert("name".to_owned(), name.clone().into());
        fields.insert("timestamp".to_owned(), time::to_iso(time::now()).into());
        fields.insert("item_versions".to_owned(), Value::Object(layer));
        fields.insert("metadata_snapshot".to_owned(), Value::Object(metadata.clone()));
        fields.insert("tags".to_owned(), vec!["recovered"].into());
        fields.insert("description".to_owned(), "Old versions whose snapshots are lost".into());
        let snapshot = Snapshot::from_fields(&name, &fields);
        state.snapshots.insert(name, Arc::new(snapshot));
    }
    versions.len()
}
