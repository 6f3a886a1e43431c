//! One entry of the catalogue: a version of an item, as text, with the few fields that finding it needs.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::error::{CoreError, CoreResult};
use crate::item_type::payload_dir;
use crate::json::{RawJson, pretty};
use crate::parts::{PARTS_DIR, Part};
use crate::path::{RelPath, shorten};
use crate::record::ItemRecord;

/// Indentation of an entry in `items.json`.
pub(crate) const ENTRY_INDENT: usize = 4;

/// A version of an item in the catalogue.
///
/// An entry never changes; a change makes a new one. It keeps the text that it was read from, which is written back as it
/// is, and parses the rest of its fields only when someone asks: a bundle of 10,000 items opens without looking at most
/// of them.
pub struct Entry {
    text: RawJson,
    head: Head,
    record: OnceLock<CoreResult<Arc<ItemRecord>>>,
}

/// The fields of an entry that finding it needs.
#[derive(Deserialize, Debug)]
#[serde(expecting = "an object with the fields of an item")]
struct Head {
    name: Box<str>,
    #[serde(default)]
    item_type: Option<Box<str>>,
    #[serde(default)]
    version_id: Option<Box<str>>,
    #[serde(default)]
    filename: Option<Box<str>>,
    #[serde(default = "yes")]
    is_current: bool,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    in_snapshots: Vec<Box<str>>,
    #[serde(default)]
    parts: Option<IgnoredAny>,
}

fn yes() -> bool {
    true
}

/// Texts of an entry for people.
#[derive(Deserialize, Debug, Default, PartialEq, Eq)]
pub struct Described<'a> {
    /// What the item is.
    #[serde(borrow, default)]
    pub description: Option<Cow<'a, str>>,
    /// Where a table lies that is not in the bundle.
    #[serde(borrow, default)]
    pub path: Option<Cow<'a, str>>,
}

impl Entry {
    /// An entry as it stands in a catalogue.
    ///
    /// # Errors
    /// [`CoreError::DamagedEntry`] when it is no object with a name.
    pub fn parse(text: &str) -> CoreResult<Self> {
        match serde_json::from_str::<Head>(text) {
            Ok(head) => Ok(Self { text: text.into(), head, record: OnceLock::new() }),
            Err(error) => Err(CoreError::DamagedEntry { item: guess_name(text), reason: error.to_string() }),
        }
    }

    /// A new entry of these fields.
    ///
    /// # Errors
    /// [`CoreError::DamagedEntry`] when a known field has a wrong type.
    pub fn from_record(record: ItemRecord) -> CoreResult<Self> {
        let text = pretty(record.fields(), ENTRY_INDENT);
        let entry = Self::parse(&text)?;
        let _ = entry.record.set(Ok(Arc::new(record)));
        Ok(entry)
    }

    /// The item's name.
    pub fn name(&self) -> &str {
        &self.head.name
    }

    /// The item type, `""` when the entry has none.
    pub fn item_type(&self) -> &str {
        self.head.item_type.as_deref().unwrap_or("")
    }

    /// The version's id; entries of 1.x have none.
    pub fn version_id(&self) -> Option<&str> {
        self.head.version_id.as_deref()
    }

    /// Payload file, relative to the directory of the type.
    pub fn filename(&self) -> Option<&str> {
        self.head.filename.as_deref()
    }

    /// A number that is the same for entries of one type that name the same payload file, and nearly always another for
    /// others; 0 for an entry without a file.
    pub(crate) fn file_key(&self) -> u64 {
        let Some(filename) = self.filename() else { return 0 };
        // FNV-1a: a few bytes, often, and nobody gains by making two collide.
        let bytes = self.item_type().bytes().chain([0]).chain(filename.bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)).max(1)
    }

    /// Whether the entry says that it is the current version.
    pub fn is_current(&self) -> bool {
        self.head.is_current
    }

    /// Whether the item is archived.
    pub fn is_archived(&self) -> bool {
        self.head.archived
    }

    /// The snapshots that a 1.x entry lists for itself.
    pub fn in_snapshots(&self) -> impl Iterator<Item = &str> {
        self.head.in_snapshots.iter().map(AsRef::as_ref)
    }

    /// The text of the entry.
    pub fn text(&self) -> &RawJson {
        &self.text
    }

    /// Whether it is a table of several files.
    pub fn has_parts(&self) -> bool {
        self.head.parts.is_some()
    }

    /// The parts of a table of several files; none for all else, and for one whose list cannot be read.
    fn parts(&self) -> Vec<Part> {
        if !self.has_parts() {
            return Vec::new();
        }
        self.record().ok().and_then(|record| record.parts().ok().flatten()).unwrap_or_default()
    }

    /// Whether both are versions of one table that differ by what was appended or merged, and by nothing else.
    pub(crate) fn grows_with(&self, other: &Entry) -> bool {
        if self.name() != other.name() || !(self.has_parts() || other.has_parts()) {
            return false;
        }
        let (Ok(ours), Ok(theirs)) = (self.record(), other.record()) else { return false };
        ours.grown_from().is_some() && ours.grown_from() == theirs.grown_from()
    }

    /// The files of this version inside the bundle that must be there for it to be whole: its payload, and the parts of a
    /// table of several files. Paths that would lead out of the bundle are left out.
    pub fn payloads(&self) -> Vec<RelPath> {
        let Some(dir) = payload_dir(self.item_type()) else { return Vec::new() };
        let mut files: Vec<RelPath> =
            self.filename().and_then(|name| RelPath::in_dir(dir, name).ok()).into_iter().collect();
        files.extend(self.parts().iter().filter_map(|part| RelPath::in_dir(PARTS_DIR, &part.filename).ok()));
        files
    }

    /// The files of this version inside the bundle: its [payloads](Self::payloads) and what lies beside them.
    pub fn files(&self) -> Vec<RelPath> {
        let Some(dir) = payload_dir(self.item_type()) else { return Vec::new() };
        let path = |name: &str| RelPath::in_dir(dir, name).ok();
        let mut files = self.payloads();
        for part in self.parts() {
            files.extend(part.blocks_file().and_then(|name| RelPath::in_dir(PARTS_DIR, name).ok()));
        }
        // Most entries have no file of block checksums; their text tells without parsing it.
        if self.text.contains("\"blocks\"")
            && let Ok(record) = self.record()
        {
            let blocks = record.get("blocks").and_then(|blocks| blocks.get("filename")).and_then(Value::as_str);
            files.extend(blocks.and_then(path));
        }
        files
    }

    /// Whether another entry names the same payload file and says that its content is another one: then the file holds at
    /// most one of the two.
    pub fn contradicts(&self, other: &Entry) -> bool {
        if self.filename().is_none()
            || self.filename() != other.filename()
            || payload_dir(self.item_type()) != payload_dir(other.item_type())
        {
            return false;
        }
        let (Ok(ours), Ok(theirs)) = (self.record(), other.record()) else { return false };
        ["checksum", "sha256"].iter().any(|field| match (ours.str(field), theirs.str(field)) {
            (Some(ours), Some(theirs)) => !ours.eq_ignore_ascii_case(theirs),
            _ => false,
        })
    }

    /// All its fields.
    ///
    /// # Errors
    /// [`CoreError::DamagedEntry`] when the text is no JSON object, or is nested too deeply.
    pub fn record(&self) -> CoreResult<Arc<ItemRecord>> {
        self.record
            .get_or_init(|| {
                serde_json::from_str::<Map<String, Value>>(&self.text)
                    .map(|fields| Arc::new(ItemRecord::new(fields)))
                    .map_err(|error| CoreError::DamagedEntry {
                        item: self.head.name.to_string(),
                        reason: error.to_string(),
                    })
            })
            .clone()
    }

    /// What a page for people says of the version beside its name and type, as long as these are texts. Parsing these alone
    /// costs a fraction of parsing all fields, and nothing is kept of it.
    pub fn described(&self) -> Described<'_> {
        if let Ok(described) = serde_json::from_str(&self.text) {
            return described;
        }
        let record = self.record().ok();
        let text =
            |field: &str| record.as_ref().and_then(|record| record.str(field)).map(|text| Cow::Owned(text.to_owned()));
        Described { description: text("description"), path: text("path") }
    }

    /// What identifies the version to people and to snapshots: its id, else its checksum, else `v_` and its time.
    pub fn token(&self) -> String {
        if let Some(id) = self.version_id() {
            return id.to_owned();
        }
        match self.legacy_tokens() {
            (Some(checksum), _) => checksum,
            (None, Some(time)) => time,
            (None, None) => String::new(),
        }
    }

    /// The tokens that 1.x writes for a version: its checksum, and `v_` and its time.
    pub(crate) fn legacy_tokens(&self) -> (Option<String>, Option<String>) {
        match self.record() {
            Ok(record) => (
                record.str("checksum").map(str::to_owned),
                record.created_at().map(|created_at| format!("v_{created_at}")),
            ),
            Err(_) => (None, None),
        }
    }

    /// The entry as the current version of its item, or as an old one.
    ///
    /// # Errors
    /// [`CoreError::DamagedEntry`] when it has to be changed for that and cannot be read.
    pub fn with_currency(self: &Arc<Self>, current: bool) -> CoreResult<Arc<Self>> {
        if self.is_current() == current {
            return Ok(Arc::clone(self));
        }
        let mut record = (*self.record()?).clone();
        record.set("is_current", Some(current.into()));
        Ok(Arc::new(Self::from_record(record)?))
    }

    /// Whether another entry says the same.
    pub fn same_as(&self, other: &Entry) -> bool {
        if Arc::ptr_eq(&self.text, &other.text) || self.text == other.text {
            return true;
        }
        // Another program may have laid the same fields out differently.
        matches!((self.record(), other.record()), (Ok(a), Ok(b)) if a == b)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({:?} {:?})", self.name(), self.token())
    }
}

/// The name of an entry that cannot be read, for the message about it.
fn guess_name(text: &str) -> String {
    #[derive(Deserialize)]
    struct Named {
        name: Value,
    }
    match serde_json::from_str::<Named>(text) {
        Ok(Named { name: Value::String(name) }) => shorten(&name),
        _ => "(without a name)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_keeps_its_text_and_its_unknown_fields() {
        let text = "{\"name\": \"x\",\n \"item_type\": \"json_data\", \"novel\": [1, 2], \"version_id\": \"x--r3\"}";
        let entry = Entry::parse(text).unwrap();
        assert_eq!((entry.name(), entry.token().as_str(), entry.is_current()), ("x", "x--r3", true));
        assert_eq!(&**entry.text(), text);
        assert_eq!(entry.record().unwrap().get("novel"), Some(&serde_json::json!([1, 2])));
    }

    #[test]
    fn a_deeply_nested_entry_is_an_error_that_names_it() {
        let deep = format!("{{\"name\": \"deep\", \"x\": {}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        let entry = Entry::parse(&deep).unwrap();
        let error = entry.record().unwrap_err();
        assert_eq!(error.code(), "damaged-entry");
        assert!(error.to_string().contains("item 'deep'"), "{error}");
    }

    #[test]
    fn an_entry_with_a_wrong_type_is_an_error_that_names_it() {
        let error = Entry::parse(r#"{"name": "x", "filename": 7}"#).unwrap_err();
        assert!(error.to_string().contains("item 'x'"), "{error}");
        assert!(Entry::parse("[]").is_err());
        assert!(Entry::parse("{}").is_err());
    }
}
