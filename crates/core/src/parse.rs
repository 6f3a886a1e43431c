//! Reading a catalogue from the text of `items.json` (and, for 1.x, the files beside it).

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::catalogue::{Catalogue, CommitStamp, Layout, SCHEMA_VERSION};
use crate::encode::{Published, Span};
use crate::entry::Entry;
use crate::error::{CoreError, CoreResult};
use crate::fingerprint::{fingerprint, seal_of};
use crate::json::RawJson;
use crate::path::shorten;
use crate::snapshot::Snapshot;

/// Largest revision that is believed, and the last that a commit can make.
pub(crate) const MAX_REVISION: u64 = i64::MAX as u64;

/// The files of a catalogue as they lie on disk.
#[derive(Debug, Clone, Default)]
pub struct CatalogueFiles {
    /// `items.json`.
    pub items: Arc<String>,
    /// `metadata.json`, where there is one (1.x).
    pub metadata: Option<String>,
    /// `snapshots.json`, where there is one (1.x).
    pub snapshots: Option<String>,
}

/// How strictly the seal of a catalogue is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealCheck {
    /// A catalogue that does not match its seal is an error.
    Required,
    /// The seal is not looked at: for repair, which takes a catalogue as it is.
    Skipped,
}

/// Reads a catalogue.
///
/// # Errors
/// [`CoreError::DamagedCatalogue`], [`CoreError::DamagedEntry`], [`CoreError::BrokenSeal`], or [`CoreError::UnknownSchema`]
/// for a format from the future.
pub fn parse_catalogue(files: &CatalogueFiles, seal: SealCheck) -> CoreResult<Published> {
    let items = strip_bom(&files.items);
    let damaged = |error: serde_json::Error| damaged("items.json", error.to_string());
    match items.trim_start().bytes().next() {
        None => return Err(damaged_text("items.json", "it is empty")),
        Some(b'[') => {
            let list: Vec<&RawValue> = serde_json::from_str(items).map_err(damaged)?;
            return parse_v1(files, &list);
        }
        Some(b'{') => {}
        Some(_) => return Err(damaged_text("items.json", "it is no JSON object")),
    }
    let top: RawMap<'_> = serde_json::from_str(items).map_err(damaged)?;
    let schema = match top.get("schema_version") {
        None => 0,
        Some(raw) => schema_version(raw)?,
    };
    if !(0..=SCHEMA_VERSION).contains(&schema) {
        return Err(CoreError::UnknownSchema { found: schema, known: SCHEMA_VERSION });
    }
    let list: Vec<&RawValue> = match top.get("items") {
        None => return Err(damaged_text("items.json", "it has no field items")),
        Some(raw) => {
            serde_json::from_str(raw.get()).map_err(|error| self::damaged("items.json", format!("items: {error}")))?
        }
    };
    // Before the layout is believed: a damaged schema_version would make it look like that of 1.x.
    if seal == SealCheck::Required && is_sealed(&top) && seal_of(items) != Some(&fingerprint(items)) {
        return Err(CoreError::BrokenSeal);
    }
    if schema < 2 {
        return parse_v1(files, &list);
    }
    // The catalogue of a large bundle is not copied just for a byte order mark that hardly any has.
    let text = if items.len() == files.items.len() { Arc::clone(&files.items) } else { Arc::new(items.to_owned()) };
    parse_v2(text, items, &top, &list)
}

/// The versions of one item in the text of a catalogue of 2.x, in order, without reading the rest of it.
///
/// # Errors
/// [`CoreError::DamagedCatalogue`] when the text is no catalogue; [`CoreError::DamagedEntry`].
pub fn versions_in(text: &str, name: &str) -> CoreResult<Vec<Entry>> {
    #[derive(Deserialize)]
    struct Items<'a> {
        #[serde(borrow)]
        items: Vec<&'a RawValue>,
    }
    let top: Items<'_> =
        serde_json::from_str(strip_bom(text)).map_err(|error| damaged("items.json", error.to_string()))?;
    // Most entries do not have the name in their text, as it is or with escapes, and need not be parsed.
    let may_be_it = |raw: &&RawValue| raw.get().contains(name) || raw.get().contains('\\');
    let entries = top.items.into_iter().filter(may_be_it).map(|raw| Entry::parse(raw.get()));
    entries.filter(|entry| entry.as_ref().map_or(true, |entry| entry.name() == name)).collect()
}

/// Whether one of our commits wrote it. Its stamp is recognised by its look as well, should its name be damaged.
fn is_sealed(top: &RawMap<'_>) -> bool {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the look of it counts")]
    struct Sealed<'a> {
        #[serde(borrow)]
        id: Cow<'a, str>,
        #[serde(borrow)]
        parent: Option<Cow<'a, str>>,
        #[serde(borrow)]
        seal: Cow<'a, str>,
    }
    let known = ["schema_version", "revision", "metadata", "items", "snapshots"];
    (top.0.iter()).filter(|(key, _)| !known.contains(&key.as_ref())).any(|(key, raw)| {
        key == "commit" || (raw.get().len() < 512 && serde_json::from_str::<Sealed<'_>>(raw.get()).is_ok())
    })
}

fn parse_v2(text: Arc<String>, items: &str, top: &RawMap<'_>, list: &[&RawValue]) -> CoreResult<Published> {
    let mut catalogue = Catalogue::empty();
    for (key, raw) in &top.0 {
        match key.as_ref() {
            "schema_version" | "items" => {}
            "revision" => catalogue.revision = revision(raw)?,
            "commit" => catalogue.commit = Some(parse_stamp(raw)?),
            "metadata" => catalogue.metadata = parse_raw_object("items.json", "metadata", raw)?,
            "snapshots" => {
                for (name, text) in parse_raw_object("items.json", "snapshots", raw)? {
                    let snapshot = Arc::new(Snapshot::parse(&name, &text));
                    catalogue.snapshots.insert(name, snapshot);
                }
            }
            _ => {
                catalogue.extra.insert(key.to_string(), raw.get().into());
            }
        }
    }
    let mut spans = Vec::with_capacity(list.len());
    let base = items.as_ptr() as usize;
    let mut entries = Vec::with_capacity(list.len());
    for (index, raw) in list.iter().enumerate() {
        if let Some(problem) = stray(index, raw) {
            catalogue.problems.push(problem);
            continue;
        }
        let entry = Arc::new(entry_at(index, raw)?);
        let start = raw.get().as_ptr() as usize - base;
        spans.push(Span::of_entry(&entry, Range { start, end: start + raw.get().len() }));
        entries.push(entry);
    }
    place(&mut catalogue, entries);
    if !catalogue.problems.is_empty() {
        // Some entries are not those of the text: the catalogue does not keep alive what a span would name.
        spans.clear();
    }
    Ok(Published { catalogue: Arc::new(catalogue), text, spans })
}

fn parse_v1(files: &CatalogueFiles, list: &[&RawValue]) -> CoreResult<Published> {
    let mut catalogue = Catalogue::empty();
    catalogue.layout = Layout::V1;
    let mut entries = Vec::with_capacity(list.len());
    for (index, raw) in list.iter().enumerate() {
        match stray(index, raw) {
            Some(problem) => catalogue.problems.push(problem),
            None => entries.push(Arc::new(entry_at(index, raw)?)),
        }
    }
    if entries.is_empty() && !list.is_empty() {
        return Err(damaged_text("items.json", "it is a list without a single item"));
    }
    place(&mut catalogue, entries);
    if let Some(text) = &files.metadata {
        catalogue.metadata = parse_object_text("metadata.json", strip_bom(text))?;
    }
    if let Some(text) = &files.snapshots {
        let top: RawMap<'_> =
            serde_json::from_str(strip_bom(text)).map_err(|error| damaged("snapshots.json", error.to_string()))?;
        if let Some(raw) = top.get("snapshots") {
            for (name, text) in parse_raw_object("snapshots.json", "snapshots", raw)? {
                let snapshot = Arc::new(Snapshot::parse(&name, &text));
                catalogue.snapshots.insert(name, snapshot);
            }
        }
    }
    Ok(Published { catalogue: Arc::new(catalogue), text: Arc::clone(&files.items), spans: Vec::new() })
}

/// What is wrong with an element of `items` that is no entry at all. It can hide no item, so the others are read; what is
/// an object may be a damaged entry, and is an error.
fn stray(index: usize, raw: &RawValue) -> Option<String> {
    let text = raw.get().trim_start();
    (!text.starts_with('{')).then(|| {
        let number = index + 1;
        format!("items.json: element {number} of items is no item but {}; the next commit leaves it out", shorten(text))
    })
}

/// An entry; what is wrong with one is said with its place, since its name may be what is damaged.
fn entry_at(index: usize, raw: &RawValue) -> CoreResult<Entry> {
    Entry::parse(raw.get()).map_err(|error| match error {
        CoreError::DamagedEntry { item, reason } => {
            CoreError::DamagedEntry { item, reason: format!("element {} of items: {reason}", index + 1) }
        }
        other => other,
    })
}

/// Sorts entries into current and retired ones. Of two that both claim to be current, the later one is, as in 2.x.
fn place(catalogue: &mut Catalogue, entries: Vec<Arc<Entry>>) {
    for entry in entries {
        if !entry.is_current() {
            catalogue.retired.push(entry);
        } else if let Some(earlier) = catalogue.current.insert(entry) {
            catalogue.problems.push(format!(
                "item {:?} has two current versions; the later one is taken, {:?} is kept as an old version",
                earlier.name(),
                earlier.token()
            ));
            // Written back as it was, it would be the later one next time.
            catalogue.retired.push(earlier.with_currency(false).unwrap_or(earlier));
        }
    }
}

/// `schema_version` as 2.x reads it, which is Python's `int(value or 0)`: a number, or a text that is one; what is empty
/// counts as 0.
fn schema_version(raw: &RawValue) -> CoreResult<i64> {
    let refuse = || damaged("items.json", "schema_version is no whole number".to_owned());
    let whole = |text: &str| {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        match text.parse() {
            Ok(number) => Ok(number),
            // So large that only its sign still matters.
            Err(_) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(if text.starts_with('-') { i64::MIN } else { i64::MAX })
            }
            Err(_) => Err(refuse()),
        }
    };
    match serde_json::from_str(raw.get()) {
        Ok(Value::Null | Value::Bool(false)) => Ok(0),
        Ok(Value::Bool(true)) => Ok(1),
        Ok(Value::String(text)) if text.is_empty() => Ok(0),
        Ok(Value::String(text)) => whole(text.trim()),
        Ok(Value::Number(_)) => {
            let text = raw.get().trim();
            // `2.0` is a whole number as well.
            let (before, after) = text.split_once('.').unwrap_or((text, ""));
            if after.bytes().all(|byte| byte == b'0') { whole(before) } else { Err(refuse()) }
        }
        _ => Err(refuse()),
    }
}

/// The revision; null counts as 0, as in 2.x.
fn revision(raw: &RawValue) -> CoreResult<u64> {
    let number: Option<u64> =
        serde_json::from_str(raw.get()).map_err(|_| damaged("items.json", "revision is no whole number".to_owned()))?;
    match number.unwrap_or(0) {
        number if number <= MAX_REVISION => Ok(number),
        _ => Err(damaged("items.json", "revision is larger than any bundle can come to".to_owned())),
    }
}

fn parse_stamp(raw: &RawValue) -> CoreResult<CommitStamp> {
    #[derive(Deserialize)]
    struct Stamp {
        id: String,
        #[serde(default)]
        parent: Option<String>,
    }
    let stamp: Stamp =
        serde_json::from_str(raw.get()).map_err(|error| damaged("items.json", format!("commit: {error}")))?;
    Ok(CommitStamp { id: stamp.id, parent: stamp.parent })
}

fn parse_raw_object(file: &str, field: &str, raw: &RawValue) -> CoreResult<IndexMap<String, RawJson>> {
    if raw.get() == "null" {
        return Ok(IndexMap::new());
    }
    parse_object_text(file, raw.get()).map_err(|error| match error {
        CoreError::DamagedCatalogue { file, reason } => {
            CoreError::DamagedCatalogue { file, reason: format!("{field}: {reason}") }
        }
        other => other,
    })
}

fn parse_object_text(file: &str, text: &str) -> CoreResult<IndexMap<String, RawJson>> {
    let map: RawMap<'_> = serde_json::from_str(text).map_err(|error| damaged(file, error.to_string()))?;
    Ok(map.0.into_iter().map(|(key, raw)| (key.into_owned(), raw.get().into())).collect())
}

fn damaged(file: &str, reason: String) -> CoreError {
    CoreError::DamagedCatalogue { file: file.to_owned(), reason }
}

fn damaged_text(file: &str, reason: &str) -> CoreError {
    damaged(file, reason.to_owned())
}

fn strip_bom(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// A JSON object whose values are left as text, in order.
struct RawMap<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> RawMap<'a> {
    fn get(&self, key: &str) -> Option<&'a RawValue> {
        // Of two fields of the same name, JSON readers take the last.
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, raw)| *raw)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RawMap<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<'a>(std::marker::PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Fields<'a> {
            type Value = RawMap<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<RawMap<'a>, A::Error> {
                let mut fields = Vec::new();
                while let Some((key, value)) = access.next_entry::<CowStr<'a>, &'a RawValue>()? {
                    fields.push((key.0, value));
                }
                Ok(RawMap(fields))
            }
        }
        deserializer.deserialize_map(Fields(std::marker::PhantomData))
    }
}

/// A key borrowed from the text where it has no escapes.
#[derive(Deserialize)]
struct CowStr<'a>(#[serde(borrow)] Cow<'a, str>);
