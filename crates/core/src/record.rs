//! The record of one item version: a JSON object with known and unknown fields, in the order in which they were written.

use std::fmt;

use indexmap::IndexMap;
use serde_json::{Map, Value};

/// The fields of one entry of the catalogue.
///
/// The record keeps every field it was read with, known or not, in order; the methods read the known ones and treat a
/// field of the wrong type as absent.
#[derive(Clone, PartialEq, Default)]
pub struct ItemRecord(Map<String, Value>);

impl ItemRecord {
    /// A record of these fields.
    pub fn new(fields: Map<String, Value>) -> Self {
        Self(fields)
    }

    /// All fields.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.0
    }

    /// All fields, to change.
    pub fn fields_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.0
    }

    /// The fields by value.
    pub fn into_fields(self) -> Map<String, Value> {
        self.0
    }

    /// One field.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field)
    }

    /// One field, when it is a string.
    pub fn str(&self, field: &str) -> Option<&str> {
        self.0.get(field).and_then(Value::as_str)
    }

    /// One field, when it is a number without sign or fraction.
    pub fn u64(&self, field: &str) -> Option<u64> {
        self.0.get(field).and_then(Value::as_u64)
    }

    /// One field, when it is a list of strings; other elements are left out.
    pub fn strings(&self, field: &str) -> Vec<&str> {
        match self.0.get(field) {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// The item's name (`""` when the entry has none, which the catalogue refuses).
    pub fn name(&self) -> &str {
        self.str("name").unwrap_or("")
    }

    /// The item type.
    pub fn item_type(&self) -> &str {
        self.str("item_type").unwrap_or("")
    }

    /// Payload file, relative to the directory of the item type.
    pub fn filename(&self) -> Option<&str> {
        self.str("filename")
    }

    /// The version's id; entries written by 1.x have none.
    pub fn version_id(&self) -> Option<&str> {
        self.str("version_id")
    }

    /// The description; `None` when it has none or an empty one.
    pub fn description(&self) -> Option<&str> {
        self.str("description").filter(|text| !text.is_empty())
    }

    /// When this version's payload was written.
    pub fn created_at(&self) -> Option<&str> {
        self.str("created_at")
    }

    /// Whether the item is archived.
    pub fn is_archived(&self) -> bool {
        self.0.get("archived").and_then(Value::as_bool).unwrap_or(false)
    }

    /// Whether this is the item's current version; an absent field means that it is.
    pub fn is_current(&self) -> bool {
        self.0.get("is_current").and_then(Value::as_bool).unwrap_or(true)
    }

    /// Names of the items it was made from: `inputs`, and the `models` that 1.x listed beside them; each name once.
    pub fn inputs(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for name in self.strings("inputs").into_iter().chain(self.strings("models")) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The versions of inputs that were recorded, by name.
    pub fn input_versions(&self) -> IndexMap<String, String> {
        let Some(Value::Object(versions)) = self.0.get("input_versions") else { return IndexMap::new() };
        let texts = versions.iter().filter_map(|(name, version)| Some((name.clone(), version.as_str()?.to_owned())));
        texts.collect()
    }

    /// Drops the recorded versions of items that are no inputs any more. A program that does not know `input_versions` can
    /// change the inputs and leave it as it was; an input without a recorded version is one whose version is not known.
    pub fn forget_former_inputs(&mut self) {
        let Some(Value::Object(versions)) = self.0.get("input_versions") else { return };
        let inputs = self.inputs();
        let known: Map<String, Value> = versions
            .iter()
            .filter(|(name, version)| inputs.contains(&name.as_str()) && version.is_string())
            .map(|(name, version)| (name.clone(), version.clone()))
            .collect();
        self.set("input_versions", (!known.is_empty()).then_some(Value::Object(known)));
    }

    /// Sets a field, or removes it for `None`.
    pub fn set(&mut self, field: &str, value: Option<Value>) {
        match value {
            Some(value) => {
                self.0.insert(field.to_owned(), value);
            }
            None => {
                self.0.shift_remove(field);
            }
        }
    }
}

impl fmt::Debug for ItemRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter()).finish()
    }
}
