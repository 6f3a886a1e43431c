//! A snapshot as the catalogue keeps it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::error::{CoreError, CoreResult};
use crate::json::{RawJson, pretty};

/// Indentation of a snapshot in `items.json`.
pub(crate) const SNAPSHOT_INDENT: usize = 4;

/// A named, immutable map from item to version, with what was known when it was made.
pub struct Snapshot {
    name: String,
    text: RawJson,
    parsed: OnceLock<CoreResult<Arc<SnapshotRecord>>>,
}

/// The fields of a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotRecord {
    /// Item name to token: a version id, or what 1.x wrote in its place.
    pub item_versions: IndexMap<String, String>,
    /// All fields as they stand, `item_versions` among them.
    pub fields: Map<String, Value>,
}

impl Snapshot {
    /// A snapshot as it stands in a catalogue.
    pub fn parse(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: text.into(), parsed: OnceLock::new() }
    }

    /// A new snapshot of these fields.
    pub fn from_fields(name: &str, fields: &Map<String, Value>) -> Self {
        Self::parse(name, &pretty(fields, SNAPSHOT_INDENT))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of its fields.
    pub fn text(&self) -> &RawJson {
        &self.text
    }

    /// Its fields.
    ///
    /// # Errors
    /// [`CoreError::DamagedSnapshot`] when they are no object with a map of versions.
    pub fn record(&self) -> CoreResult<Arc<SnapshotRecord>> {
        self.parsed.get_or_init(|| self.parse_record().map(Arc::new)).clone()
    }

    fn parse_record(&self) -> CoreResult<SnapshotRecord> {
        let damaged = |reason: String| CoreError::DamagedSnapshot { name: self.name.clone(), reason };
        let fields: Map<String, Value> =
            serde_json::from_str(&self.text).map_err(|error| damaged(error.to_string()))?;
        let mut item_versions = IndexMap::new();
        match fields.get("item_versions") {
            Some(Value::Object(map)) => {
                for (item, token) in map {
                    let Value::String(token) = token else {
                        return Err(damaged(format!("the version of item {item:?} is no text")));
                    };
                    item_versions.insert(item.clone(), token.clone());
                }
            }
            Some(_) => return Err(damaged("item_versions is no map".to_owned())),
            None => {}
        }
        Ok(SnapshotRecord { item_versions, fields })
    }

    /// Whether another snapshot says the same.
    pub fn same_as(&self, other: &Snapshot) -> bool {
        self.text == other.text || matches!((self.record(), other.record()), (Ok(a), Ok(b)) if a.fields == b.fields)
    }
}

impl SnapshotRecord {
    /// When it was made.
    pub fn timestamp(&self) -> Option<&str> {
        self.fields.get("timestamp").and_then(Value::as_str)
    }

    /// What it was made for.
    pub fn description(&self) -> Option<&str> {
        self.fields.get("description").and_then(Value::as_str)
    }

    /// Its labels.
    pub fn tags(&self) -> Vec<&str> {
        match self.fields.get("tags") {
            Some(Value::Array(tags)) => tags.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// The bundle's metadata as it was.
    pub fn metadata(&self) -> Option<&Map<String, Value>> {
        self.fields.get("metadata_snapshot").and_then(Value::as_object)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot({:?})", self.name)
    }
}
