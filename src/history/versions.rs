//! All versions of an item that the bundle still knows.

use std::sync::Arc;

use datafolio_core::history::HistoryEntry;
use datafolio_core::{Entry, fingerprint, patch, versions_in};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::bundle::DataFolio;
use crate::error::Result;
use crate::history::names::Names;
use crate::history::rebuild;
use crate::history::walk::Walk;

/// One version of an item.
#[derive(Debug, Clone, Serialize)]
pub struct VersionInfo {
    /// The version's id.
    pub version: String,
    /// The revision that made it current, where the history still says.
    pub revision: Option<u64>,
    /// When its payload was written.
    pub created_at: Option<String>,
    /// Whether it is the current version.
    pub current: bool,
    /// The snapshots that hold it.
    pub snapshots: Vec<String>,
    /// Whether its files are there; another program may have deleted those of versions that no snapshot holds.
    pub available: bool,
    /// All fields of its entry.
    pub record: Map<String, Value>,
}

/// Versions with the revision that made them current, each once.
#[derive(Debug, Default)]
struct Found(Vec<(Option<u64>, Arc<Entry>)>);

impl Found {
    fn add(&mut self, revision: Option<u64>, entry: &Arc<Entry>) {
        let is_same = |known: &Entry| known.name() == entry.name() && known.token() == entry.token();
        match self.0.iter_mut().find(|(_, known)| is_same(known)) {
            Some((known, _)) => *known = revision.or(*known),
            None => self.0.push((revision, Arc::clone(entry))),
        }
    }
}

impl DataFolio {
    /// The versions of an item, newest first: the current one, those that snapshots hold, and those in the history, also
    /// under the names that the item had before it was renamed.
    ///
    /// # Errors
    /// [`CoreError::ItemNotFound`](datafolio_core::CoreError::ItemNotFound) when no kept revision has the item.
    pub fn versions(&self, name: &str) -> Result<Vec<VersionInfo>> {
        let state = self.state();
        let catalogue = state.catalogue();
        let mut found = Found::default();
        if let Some(entry) = catalogue.current.get(name) {
            found.add(None, entry);
        }
        self.add_past_versions(name, &mut found)?;
        for entry in catalogue.versions_of(name) {
            found.add(None, entry);
        }
        if found.0.is_empty() {
            catalogue.item(name)?;
        }
        let current = catalogue.current.get(name);
        let infos = found.0.into_iter().map(|(revision, entry)| {
            let is_current = current.is_some_and(|current| current.token() == entry.token());
            self.version_info(revision, &entry, is_current && entry.name() == name)
        });
        infos.collect()
    }

    fn version_info(&self, revision: Option<u64>, entry: &Arc<Entry>, current: bool) -> Result<VersionInfo> {
        let state = self.state();
        let version = entry.token();
        let kept = state.catalogue().versions_of(entry.name()).find(|other| other.token() == version);
        let snapshots = kept.map(|kept| state.catalogue().pinning(kept).map(str::to_owned).collect());
        let record = entry.record()?;
        // Without the checksums of its blocks it is read as a whole.
        let mut available = true;
        for payload in entry.payloads() {
            available &= self.storage().stat(&payload)?.is_some();
        }
        Ok(VersionInfo {
            revision,
            created_at: record.created_at().map(str::to_owned),
            current,
            snapshots: snapshots.unwrap_or_default(),
            available,
            record: record.fields().clone(),
            version,
        })
    }

    /// The versions that each commit which changed the item left, newest first. Of each state only the entry is kept.
    fn add_past_versions(&self, name: &str, found: &mut Found) -> Result<()> {
        let state = self.state();
        let storage = self.storage().as_ref();
        let mut names = Names::of(name);
        let mut text = state.commit_ref().map(|_| state.published.text.to_string());
        for step in Walk::from_head(storage, &state)? {
            let Ok(entry) = step else {
                text = None;
                continue;
            };
            if names.touched_by(&entry.changes) {
                if text.is_none() {
                    let published = rebuild::from_checkpoint(storage, &entry.commit_ref());
                    text = published.ok().map(|published| published.text.to_string());
                }
                for entry_of_item in names.now().filter_map(|name| current_in(text.as_deref()?, &entry, name)) {
                    found.add(Some(entry.revision), &entry_of_item);
                }
            }
            names.before(&entry.changes);
            text = match (text, &entry.patch) {
                (Some(text), Some(splices)) => patch::revert(&text, splices).ok(),
                _ => None,
            };
        }
        Ok(())
    }
}

/// The current version of an item in the text that a commit published.
fn current_in(text: &str, entry: &HistoryEntry, name: &str) -> Option<Arc<Entry>> {
    if fingerprint(text) != entry.catalogue {
        return None;
    }
    versions_in(text, name).ok()?.into_iter().rfind(Entry::is_current).map(Arc::new)
}
