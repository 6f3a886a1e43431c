//! From the layout of DataFolio 1.x to that of 2.x.

use std::sync::Arc;

use serde_json::Value;

use crate::catalogue::{Catalogue, Layout};
use crate::entry::Entry;
use crate::json::pretty;
use crate::snapshot::Snapshot;

/// The same state in the layout of 2.x.
///
/// Payload files keep their names and snapshots their tokens, as in 2.x. Beyond what 2.x does, every version that a
/// snapshot holds gets the snapshot's token as its `version_id`: then every release finds it, also where the token is a
/// time (which 2.x cannot find otherwise) or where two versions have the same checksum. Entries that cannot be parsed are
/// kept as they are.
pub(crate) fn to_v2(catalogue: &Catalogue) -> Catalogue {
    let tokens = pinned_tokens(catalogue);
    let convert = |entry: &Arc<Entry>, current: bool| {
        let token = tokens.iter().find(|(pinned, _)| Arc::ptr_eq(pinned, entry)).map(|(_, token)| token);
        migrated(entry, current, token).unwrap_or_else(|| Arc::clone(entry))
    };
    let mut new = catalogue.clone();
    new.layout = Layout::V2;
    new.current = new.current.values().map(|entry| convert(entry, true)).collect();
    for entry in &mut new.retired {
        *entry = convert(entry, false);
    }
    // The files beside items.json are indented less deeply than what becomes of them.
    for text in new.metadata.values_mut() {
        if let Ok(value) = serde_json::from_str::<Value>(text) {
            *text = pretty(&value, 4).into();
        }
    }
    for snapshot in new.snapshots.values_mut() {
        if let Ok(record) = snapshot.record() {
            *snapshot = Arc::new(Snapshot::from_fields(snapshot.name(), &record.fields));
        }
    }
    new
}

/// The versions that snapshots hold, with the token of the first snapshot that holds each; a token that two versions of an
/// item share goes to the first of them.
fn pinned_tokens(catalogue: &Catalogue) -> Vec<(Arc<Entry>, String)> {
    let resolver = catalogue.resolver();
    let mut tokens: Vec<(Arc<Entry>, String)> = Vec::new();
    for (name, snapshot) in &catalogue.snapshots {
        let Ok(record) = snapshot.record() else { continue };
        for (item, token) in &record.item_versions {
            let Ok(entry) = resolver.resolve(name, item, token) else { continue };
            let taken = |(other, used): &(Arc<Entry>, String)| {
                Arc::ptr_eq(other, entry) || (other.name() == entry.name() && used == token)
            };
            if entry.version_id().is_none() && !tokens.iter().any(taken) {
                tokens.push((Arc::clone(entry), token.clone()));
            }
        }
    }
    tokens
}

fn migrated(entry: &Arc<Entry>, current: bool, token: Option<&String>) -> Option<Arc<Entry>> {
    let mut record = (*entry.record().ok()?).clone();
    record.set("in_snapshots", None);
    record.set("is_current", None);
    if let Some(token) = token {
        record.set("version_id", Some(token.clone().into()));
    }
    record.set("is_current", Some(current.into()));
    Entry::from_record(record).ok().map(Arc::new)
}
