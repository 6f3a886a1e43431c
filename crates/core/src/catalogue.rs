//! The catalogue: all current and pinned versions, the metadata and the snapshots of a bundle at one revision.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::entry::Entry;
use crate::error::{CoreError, CoreResult};
use crate::items::Items;
use crate::json::RawJson;
use crate::migrate;
use crate::parse::MAX_REVISION;
use crate::snapshot::Snapshot;

/// The newest `schema_version` that this release knows.
pub const SCHEMA_VERSION: i64 = 2;

/// How a catalogue is laid out on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `items.json` with metadata and snapshots in files beside it: DataFolio 1.x.
    V1,
    /// One `items.json`: DataFolio 2.x, and what is written here.
    V2,
}

/// What a commit of ours leaves in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitStamp {
    /// The commit's own random id.
    pub id: String,
    /// The id of the commit before, `None` for the first.
    pub parent: Option<String>,
}

/// The state of a bundle at one revision.
///
/// A catalogue is a value: a change makes another one, which shares all entries that did not change.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// The layout it was read from.
    pub layout: Layout,
    /// Counts the commits; 0 for a bundle of 1.x.
    pub revision: u64,
    /// Who wrote it, when it was us.
    pub commit: Option<CommitStamp>,
    /// The user's metadata and the keys that the format reserves.
    pub metadata: IndexMap<String, RawJson>,
    /// Current versions by item name, in the order in which the names came to be.
    pub current: Items,
    /// Versions that are not current, in the order in which they were retired.
    pub retired: Vec<Arc<Entry>>,
    /// Snapshots by name, oldest first.
    pub snapshots: IndexMap<String, Arc<Snapshot>>,
    /// Top-level fields that are not known here, kept as they are.
    pub extra: IndexMap<String, RawJson>,
    /// What is wrong with it and could be read around.
    pub problems: Vec<String>,
    /// Whether the bundle beside it says that 1.x has put this catalogue, or the one it was made from, in the place of a
    /// later one of 2.x.
    pub overwritten_by_1x: bool,
}

impl Catalogue {
    /// The catalogue of a new bundle, before its first commit.
    pub fn empty() -> Self {
        Self {
            layout: Layout::V2,
            revision: 0,
            commit: None,
            metadata: IndexMap::new(),
            current: Items::default(),
            retired: Vec::new(),
            snapshots: IndexMap::new(),
            extra: IndexMap::new(),
            problems: Vec::new(),
            overwritten_by_1x: false,
        }
    }

    /// The current version of an item.
    ///
    /// # Errors
    /// [`CoreError::ItemNotFound`].
    pub fn item(&self, name: &str) -> CoreResult<&Arc<Entry>> {
        self.current.get(name).ok_or_else(|| CoreError::ItemNotFound { name: name.to_owned() })
    }

    /// A snapshot.
    ///
    /// # Errors
    /// [`CoreError::SnapshotNotFound`].
    pub fn snapshot(&self, name: &str) -> CoreResult<&Arc<Snapshot>> {
        self.snapshots.get(name).ok_or_else(|| CoreError::SnapshotNotFound { name: name.to_owned() })
    }

    /// All entries, current ones first.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.current.values().chain(&self.retired)
    }

    /// All versions of one item that the catalogue has, the current one first.
    pub fn versions_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Arc<Entry>> {
        self.current.get(name).into_iter().chain(self.retired.iter().filter(move |entry| entry.name() == name))
    }

    /// The metadata as a JSON object. A value that cannot be parsed (nested too deeply) is left out.
    pub fn metadata_object(&self) -> Map<String, Value> {
        self.metadata
            .iter()
            .filter_map(|(key, text)| serde_json::from_str(text).ok().map(|value| (key.clone(), value)))
            .collect()
    }

    /// The keys of the metadata whose value cannot be read (nested too deeply, a number that is none), and why.
    pub fn unreadable_metadata(&self) -> Vec<(&str, String)> {
        unreadable(&self.metadata)
    }

    /// The top-level fields that are not known here and cannot be read (nested too deeply), and why.
    pub fn unreadable_extra(&self) -> Vec<(&str, String)> {
        unreadable(&self.extra)
    }

    /// One value of the metadata.
    pub fn metadata_value(&self, key: &str) -> Option<Value> {
        self.metadata.get(key).and_then(|text| serde_json::from_str(text).ok())
    }

    /// The same state in layout 2, as the first commit to a bundle of 1.x makes it.
    pub fn in_layout_2(&self) -> Self {
        match self.layout {
            Layout::V1 => migrate::to_v2(self),
            Layout::V2 => self.clone(),
        }
    }

    /// The version of one item that a snapshot of this name means by a token; [`Catalogue::resolver`] is for many of them.
    pub(crate) fn resolve<'a>(&'a self, snapshot: &str, item: &'a str, token: &str) -> Option<&'a Arc<Entry>> {
        let versions: Vec<&Arc<Entry>> = self.versions_of(item).collect();
        resolve_among(&versions, snapshot, token)
    }

    /// Finds versions by what snapshots recorded for them.
    pub fn resolver(&self) -> Resolver<'_> {
        let mut by_name: HashMap<&str, Vec<&Arc<Entry>>> = HashMap::new();
        for entry in self.entries() {
            by_name.entry(entry.name()).or_default().push(entry);
        }
        Resolver { by_name }
    }

    /// The versions that a snapshot holds, by item name.
    ///
    /// # Errors
    /// [`CoreError::SnapshotNotFound`]; [`CoreError::DamagedCatalogue`] when the snapshot cannot be read. A version that
    /// is lost is an `Err` in its place: it is never replaced by another one.
    pub fn snapshot_entries(&self, name: &str) -> CoreResult<IndexMap<String, CoreResult<Arc<Entry>>>> {
        let record = self.snapshot(name)?.record()?;
        let resolver = self.resolver();
        Ok(record
            .item_versions
            .iter()
            .map(|(item, token)| (item.clone(), resolver.resolve(name, item, token).map(Arc::clone)))
            .collect())
    }

    /// Whether a snapshot holds this entry.
    pub fn is_pinned(&self, entry: &Arc<Entry>) -> bool {
        self.pinning(entry).next().is_some()
    }

    /// Names of the snapshots that hold this entry.
    pub fn pinning<'a>(&'a self, entry: &'a Arc<Entry>) -> impl Iterator<Item = &'a str> {
        let mut versions: Option<Vec<&Arc<Entry>>> = None;
        self.snapshots.iter().filter_map(move |(name, snapshot)| {
            let record = snapshot.record().ok()?;
            let token = record.item_versions.get(entry.name())?;
            let versions = versions.get_or_insert_with(|| self.versions_of(entry.name()).collect());
            let found = resolve_among(versions, name, token)?;
            Arc::ptr_eq(found, entry).then_some(name.as_str())
        })
    }

    /// Entries that are neither current nor held by a snapshot: what a deleted snapshot leaves behind in 2.x.
    pub fn orphans(&self) -> Vec<Arc<Entry>> {
        if self.retired.is_empty() {
            return Vec::new();
        }
        let resolver = self.resolver();
        let mut pinned: Vec<*const Entry> = Vec::new();
        for (name, snapshot) in &self.snapshots {
            // A snapshot that cannot be read may hold anything: then nothing is an orphan.
            let Ok(record) = snapshot.record() else { return Vec::new() };
            for (item, token) in &record.item_versions {
                if let Ok(entry) = resolver.resolve(name, item, token) {
                    pinned.push(Arc::as_ptr(entry));
                }
            }
        }
        pinned.sort_unstable();
        self.retired.iter().filter(|entry| pinned.binary_search(&Arc::as_ptr(entry)).is_err()).cloned().collect()
    }

    /// Whether this is what DataFolio 1.3 leaves of a 2.x bundle that it has written to: versions with ids, or a history,
    /// and no revision, metadata or snapshots to go with them. It stays so when 2.x writes afterwards.
    pub fn is_damaged_by_1x(&self) -> bool {
        self.overwritten_by_1x
            || (self.layout == Layout::V1 && self.entries().any(|entry| entry.version_id().is_some()))
    }

    /// Whether the metadata that every release gives a new bundle is missing, as it is after 1.3 has begun it anew.
    pub fn lacks_first_metadata(&self) -> bool {
        !["created_at", "_datafolio"].iter().any(|key| self.metadata.contains_key(*key))
    }

    /// Whether a catalogue of 2.x without its first metadata has lost what was here before: the snapshots of the last state
    /// that is known; where none is, those that held its old versions. Where there was none to be lost, somebody has cleared
    /// the metadata, as 2.x allows.
    pub fn has_lost_snapshots(&self, before: Option<&Self>) -> bool {
        let is_here = |(name, old): (&String, &Arc<Snapshot>)| self.snapshots.get(name).is_some_and(|s| s.same_as(old));
        match before {
            Some(before) => {
                let had_some = !before.lacks_first_metadata() && !before.snapshots.is_empty();
                had_some && !before.snapshots.iter().any(is_here)
            }
            // 1.3 drops the revision too, and 2.x counts from 1 again, below what the ids of versions name; when it has counted
            // past these, what 1.3 has added still has no id.
            None => {
                let is_of_1x = |entry: &Arc<Entry>| match entry.version_id() {
                    Some(id) => revision_of(id).is_some_and(|made| made > self.revision),
                    None => true,
                };
                self.entries().any(is_of_1x) && self.orphans().iter().any(|entry| entry.version_id().is_some())
            }
        }
    }

    /// The revision of the next commit.
    ///
    /// # Errors
    /// [`CoreError::RevisionLimit`].
    pub fn next_revision(&self) -> CoreResult<u64> {
        match self.revision {
            revision if revision < MAX_REVISION => Ok(revision + 1),
            revision => Err(CoreError::RevisionLimit { revision }),
        }
    }
}

/// The revision that a version id names, in the form that 2.x and we write: `name--r7`, with more behind it.
fn revision_of(version_id: &str) -> Option<u64> {
    let (_, number) = version_id.rsplit_once("--r")?;
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number.get(..end)?.parse().ok()
}

/// The fields whose value cannot be read, and why.
fn unreadable(fields: &IndexMap<String, RawJson>) -> Vec<(&str, String)> {
    let flaw = |text: &RawJson| serde_json::from_str::<Value>(text).err().map(|error| error.to_string());
    fields.iter().filter_map(|(key, text)| Some((key.as_str(), flaw(text)?))).collect()
}

/// Finds versions by token, for many questions about one catalogue.
#[derive(Debug)]
pub struct Resolver<'a> {
    by_name: HashMap<&'a str, Vec<&'a Arc<Entry>>>,
}

impl<'a> Resolver<'a> {
    /// The entry that a snapshot means by a token.
    ///
    /// # Errors
    /// [`CoreError::LostVersion`] when no entry has it.
    pub fn resolve(&self, snapshot: &str, item: &str, token: &str) -> CoreResult<&'a Arc<Entry>> {
        self.by_name.get(item).and_then(|versions| resolve_among(versions, snapshot, token)).ok_or_else(|| {
            CoreError::LostVersion {
                snapshot: snapshot.to_owned(),
                item: item.to_owned(),
                token: crate::path::shorten(token),
            }
        })
    }

    /// All versions of an item.
    pub fn versions(&self, item: &str) -> &[&'a Arc<Entry>] {
        self.by_name.get(item).map_or(&[], Vec::as_slice)
    }
}

/// Looks for a token among the versions of one item: by id; else by what 1.x recorded, first among the entries that list
/// the snapshot, then among all, old versions before the current one. The order reads around the releases that confuse a
/// later version with a pinned one because both have the same checksum.
fn resolve_among<'a>(versions: &[&'a Arc<Entry>], snapshot: &str, token: &str) -> Option<&'a Arc<Entry>> {
    let legacy = |entry: &Arc<Entry>| {
        let (checksum, time) = entry.legacy_tokens();
        checksum.as_deref() == Some(token) || time.as_deref() == Some(token)
    };
    let versions = || versions.iter().copied();
    versions()
        .find(|entry| entry.version_id() == Some(token))
        .or_else(|| versions().find(|entry| entry.in_snapshots().any(|name| name == snapshot) && legacy(entry)))
        .or_else(|| versions().find(|entry| !entry.is_current() && legacy(entry)))
        .or_else(|| versions().find(|entry| legacy(entry)))
}
