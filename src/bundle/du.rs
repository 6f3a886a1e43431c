//! How many bytes items, versions and snapshots take. A file counts once, whatever its names.

use std::collections::{HashMap, HashSet};

use datafolio_core::RelPath;
use indexmap::IndexMap;
use serde::Serialize;

use crate::bundle::files::Files;
use crate::bundle::gc::{GcOptions, PAYLOAD_DIRS};
use crate::bundle::state::file;
use crate::bundle::{DataFolio, gc};
use crate::error::{Error, Result};
use crate::history::LogBreak;
use crate::history::walk::Walk;

/// What a bundle takes on its storage.
#[derive(Debug, Clone, Default, Serialize)]
pub struct DiskUsage {
    /// Items, the largest first.
    pub items: Vec<ItemUsage>,
    /// For each snapshot the bytes it holds, and those that it alone holds.
    pub snapshots: IndexMap<String, SnapshotUsage>,
    /// Catalogue and history.
    pub catalogue_bytes: u64,
    /// All files of the bundle.
    pub total_bytes: u64,
    /// What gc would free now: nothing when the history that is to be kept is broken.
    pub reclaimable_bytes: u64,
    /// Commits whose entries in the history cannot be read: what only they tell is not counted for any item.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history_breaks: Vec<LogBreak>,
}

/// What one item takes.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ItemUsage {
    /// The item.
    pub name: String,
    /// Its current version.
    pub current_bytes: u64,
    /// All its versions, files that several of them share, or that have two names, counted once.
    pub total_bytes: u64,
    /// Its versions, the current one first.
    pub versions: Vec<VersionUsage>,
}

/// What one version of an item takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VersionUsage {
    /// The version's id, or another token of it where it has none.
    pub version: String,
    /// Its files.
    pub bytes: u64,
}

/// What one snapshot holds.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SnapshotUsage {
    /// All it holds.
    pub bytes: u64,
    /// What no other snapshot and no current item holds.
    pub unique_bytes: u64,
}

impl DataFolio {
    /// What the bundle takes, by item, version and snapshot.
    ///
    /// # Errors
    /// When the storage cannot be listed.
    pub fn disk_usage(&self) -> Result<DiskUsage> {
        let state = self.state();
        let storage = self.storage().as_ref();
        let mut infos = Vec::new();
        for dir in PAYLOAD_DIRS {
            infos.extend(storage.list(Some(&file(dir)?))?);
        }
        let sizes = Files::of(&infos);

        let mut items: IndexMap<String, (ItemUsage, HashSet<usize>)> = IndexMap::new();
        let mut add = |name: &str, version: String, files: Vec<RelPath>, current: bool| {
            let (usage, seen) = items.entry(name.to_owned()).or_default();
            name.clone_into(&mut usage.name);
            let bytes = sizes.size(&files);
            if usage.versions.iter().any(|known| known.version == version) {
                // It left the catalogue and came back.
                return;
            }
            if current {
                usage.current_bytes = bytes;
            }
            usage.versions.push(VersionUsage { version, bytes });
            usage.total_bytes += sizes.unseen(&files, seen);
        };
        for (index, entry) in state.catalogue().entries().enumerate() {
            add(entry.name(), entry.token(), entry.files(), index < state.catalogue().current.len());
        }
        let mut history_breaks = Vec::new();
        for step in Walk::from_head(storage, &state)? {
            let released = match step {
                Ok(entry) => entry.released,
                Err(found) => {
                    history_breaks.push(LogBreak::of(found));
                    continue;
                }
            };
            for released in released {
                let files = released.files.iter().filter_map(|path| RelPath::parse(path).ok()).collect();
                add(&released.item, released.version, files, false);
            }
        }
        let mut items: Vec<ItemUsage> = items.into_values().map(|(usage, _)| usage).collect();
        items.sort_by(|a, b| b.total_bytes.cmp(&a.total_bytes).then_with(|| a.name.cmp(&b.name)));

        let reclaimable_bytes = match self.find_garbage(&state, &GcOptions::default()) {
            Ok((garbage, _)) => garbage.bytes,
            Err(Error::Core(_)) if !history_breaks.is_empty() => 0,
            Err(error) => return Err(error),
        };
        let catalogue_bytes = state.published.text.len() as u64 + gc::history_bytes(storage)?;
        Ok(DiskUsage {
            items,
            snapshots: self.snapshot_usage(&sizes)?,
            catalogue_bytes,
            total_bytes: sizes.total() + catalogue_bytes,
            reclaimable_bytes,
            history_breaks,
        })
    }

    fn snapshot_usage(&self, sizes: &Files) -> Result<IndexMap<String, SnapshotUsage>> {
        let state = self.state();
        let catalogue = state.catalogue();
        let mut holders: HashMap<usize, usize> = HashMap::new();
        for entry in catalogue.current.values() {
            for file in entry.files().iter().filter_map(|path| sizes.file(path)) {
                *holders.entry(file).or_default() += 1;
            }
        }
        let mut held: IndexMap<String, Vec<RelPath>> = IndexMap::new();
        for name in catalogue.snapshots.keys() {
            let entries = catalogue.snapshot_entries(name)?;
            let files: Vec<RelPath> =
                entries.into_values().filter_map(|found| found.ok()).flat_map(|entry| entry.files()).collect();
            let different: HashSet<usize> = files.iter().filter_map(|path| sizes.file(path)).collect();
            for file in different {
                *holders.entry(file).or_default() += 1;
            }
            held.insert(name.clone(), files);
        }
        let usage = |files: Vec<RelPath>| {
            let is_unique = |path: &&RelPath| sizes.file(path).is_some_and(|file| holders.get(&file) == Some(&1));
            let unique_bytes = sizes.size(files.iter().filter(is_unique));
            SnapshotUsage { bytes: sizes.size(&files), unique_bytes }
        };
        Ok(held.into_iter().map(|(name, files)| (name, usage(files))).collect())
    }
}
