//! Catalogues as text, and changes to them.

use std::sync::Arc;

use datafolio_core::{
    Catalogue, CatalogueFiles, Change, CommitStamp, CoreResult, Entry, ItemEdit, Published, PutItem, SealCheck, encode,
    parse_catalogue,
};
use serde_json::{Map, Value, json};

/// Reads a catalogue.
pub(crate) fn parse(text: &str) -> CoreResult<Published> {
    parse_catalogue(
        &CatalogueFiles { items: Arc::new(text.to_owned()), metadata: None, snapshots: None },
        SealCheck::Required,
    )
}

/// An entry of a JSON value.
pub(crate) fn entry(name: &str, revision: u64, current: bool, inputs: &[&str]) -> Value {
    let mut entry = json!({
        "name": name,
        "item_type": "json_data",
        "filename": format!("{name}-{revision}.json"),
        "created_at": "2026-11-21T05:14:32+00:00",
        "description": format!("{name} of revision {revision}"),
        "version_id": format!("{name}--r{revision}"),
        "is_current": current,
    });
    if !inputs.is_empty() {
        entry["inputs"] = json!(inputs);
    }
    entry
}

/// A new version of an item.
pub(crate) fn put(name: &str, file: &str, inputs: &[&str], overwrite: bool) -> Change {
    let mut fields = Map::new();
    fields.insert("filename".to_owned(), file.into());
    Change::Put(PutItem {
        name: name.to_owned(),
        item_type: "json_data".to_owned(),
        fields,
        inputs: inputs.iter().map(|&name| name.to_owned()).collect(),
        overwrite,
        created_at: "2026-11-21T06:00:00+00:00".to_owned(),
        ..PutItem::default()
    })
}

/// An edit of an item.
pub(crate) fn describe(name: &str, text: &str) -> Change {
    let edit = ItemEdit { description: Some(text.to_owned()), ..ItemEdit::default() };
    Change::Edit { name: name.to_owned(), edit }
}

/// Sets or removes a metadata key.
pub(crate) fn set(key: &str, value: Option<Value>) -> Change {
    Change::SetMetadata {
        key: key.to_owned(),
        value: value.map(|value| datafolio_core::json::pretty(&value, 4).into()),
    }
}

/// A snapshot of all that a catalogue has.
pub(crate) fn snapshot(name: &str, seen: &Catalogue) -> Change {
    let fields = json!({"name": name, "timestamp": "2026-11-21T06:00:00+00:00", "metadata_snapshot": {}});
    Change::AddSnapshot {
        name: name.to_owned(),
        fields: fields.as_object().unwrap().clone(),
        entries: seen.current.values().cloned().collect(),
    }
}

/// Makes a version current.
pub(crate) fn repoint(name: &str, entry: Option<&Arc<Entry>>) -> Change {
    Change::Repoint { name: name.to_owned(), entry: entry.cloned() }
}

pub(crate) fn stamp(id: &str) -> CommitStamp {
    CommitStamp { id: id.to_owned(), parent: None }
}

pub(crate) const NOW: &str = "2026-11-21T07:00:00+00:00";

/// As it would be written and read again.
pub(crate) fn through_text(catalogue: Catalogue) -> Arc<Catalogue> {
    parse(&encode(catalogue).text).unwrap().catalogue
}
