//! All versions of an item that the bundle still knows.

use std::sync::Arc;

use datafolio_core::{CatalogueFiles, Entry, Published, SealCheck, parse_catalogue, patch};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::bundle::DataFolio;
use crate::error::Result;
use crate::history::chain::Walk;
use crate::history::rebuild;

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

impl DataFolio {
    /// The versions of an item, newest first: the current one, those that snapshots hold, and those in the history.
    ///
    /// # Errors
    /// [`CoreError::ItemNotFound`](datafolio_core::CoreError::ItemNotFound) when no kept revision has the item.
    pub fn versions(&self, name: &str) -> Result<Vec<VersionInfo>> {
        let state = self.state();
        let catalogue = state.catalogue();
        let mut found: Vec<(Option<u64>, Arc<Entry>)> = Vec::new();
        let mut add = |revision: Option<u64>, entry: &Arc<Entry>| match found
            .iter_mut()
            .find(|(_, known)| known.token() == entry.token())
        {
            Some((known, _)) => *known = revision.or(*known),
            None => found.push((revision, Arc::clone(entry))),
        };
        if let Some(entry) = catalogue.current.get(name) {
            add(None, entry);
        }
        for (revision, past) in self.past_states_of(name)? {
            if let Some(entry) = past.catalogue.current.get(name) {
                add(Some(revision), entry);
            }
        }
        for entry in catalogue.versions_of(name) {
            add(None, entry);
        }
        if found.is_empty() {
            catalogue.item(name)?;
        }
        let current = catalogue.current.get(name).map(|entry| entry.token());
        found.into_iter().map(|(revision, entry)| self.version_info(revision, &entry, current.as_deref())).collect()
    }

    fn version_info(&self, revision: Option<u64>, entry: &Arc<Entry>, current: Option<&str>) -> Result<VersionInfo> {
        let state = self.state();
        let version = entry.token();
        let kept = state.catalogue().versions_of(entry.name()).find(|other| other.token() == version);
        let snapshots = kept.map(|kept| state.catalogue().pinning(kept).map(str::to_owned).collect());
        let record = entry.record()?;
        let mut available = true;
        for file in entry.files() {
            available &= self.storage().stat(&file)?.is_some();
        }
        Ok(VersionInfo {
            revision,
            created_at: record.created_at().map(str::to_owned),
            current: current == Some(version.as_str()),
            snapshots: snapshots.unwrap_or_default(),
            available,
            record: record.fields().clone(),
            version,
        })
    }

    /// The states right after each commit that changed an item, newest first. A break in the history ends the walk.
    fn past_states_of(&self, name: &str) -> Result<Vec<(u64, Published)>> {
        let state = self.state();
        let storage = self.storage().as_ref();
        let mut text = state.commit_ref().map(|_| state.published.text.to_string());
        let mut states = Vec::new();
        for entry in Walk::from_head(storage, &state)? {
            let Ok(entry) = entry else { break };
            let touched = entry.changes.items.iter().any(|c| c.name == name || c.renamed_from.as_deref() == Some(name));
            if touched {
                let published = match &text {
                    Some(text) => {
                        let files = CatalogueFiles { items: text.clone(), metadata: None, snapshots: None };
                        parse_catalogue(&files, SealCheck::Required).ok()
                    }
                    None => rebuild::from_checkpoint(storage, &entry.commit_ref()).ok(),
                };
                states.extend(published.map(|published| (entry.revision, published)));
            }
            text = match (text, &entry.patch) {
                (Some(text), Some(splices)) => patch::revert(&text, splices).ok(),
                _ => None,
            };
        }
        Ok(states)
    }
}
