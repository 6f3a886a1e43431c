//! Copying a bundle, or some of its items, into a new one.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafolio_core::history::{HISTORY_DIR, HistoryFile};
use datafolio_core::{Catalogue, Change, Entry, PARTS_DIR, RelPath, SealCheck, counted, item_type};
use datafolio_handlers::{StoredFile, all_files};
use datafolio_storage::{Source, Storage, StorageError, Verification, VerifiedSource, copy_source};
use indexmap::IndexSet;
use serde_json::{Map, Value};

use crate::bundle::batch::check_metadata;
use crate::bundle::lineage_of;
use crate::bundle::place::Place;
use crate::bundle::state::{State, file, load};
use crate::bundle::{DataFolio, OpenOptions, TransferControl};
use crate::error::{Error, Result};
use crate::history::chain;

/// What is copied.
#[derive(Debug, Clone, Default)]
pub struct CopyOptions {
    /// Only these items, and of them those that are archived only with `include_archived`, as in Python DataFolio.
    pub include: Option<Vec<String>>,
    /// All items but these. Not together with `include`.
    pub exclude: Option<Vec<String>>,
    /// With `include`: also everything that the items were made from, as far as it is there.
    pub follow_lineage: bool,
    /// Archived items too, which otherwise stay behind however they came to be meant.
    pub include_archived: bool,
    /// Keys to set in the metadata of the copy.
    pub metadata_updates: Map<String, Value>,
    /// Appends `-adjective-colour-noun` to the name of the copy.
    pub random_suffix: bool,
}

impl DataFolio {
    /// Copies current versions into a new bundle, without snapshots or history. Every file is checked as it is copied.
    ///
    /// When it fails, nothing is left behind, and it can be tried again. A process that is killed leaves a bundle without
    /// items, and files that it names nothing of: its directory can be deleted.
    ///
    /// # Errors
    /// [`ItemNotFound`](datafolio_core::CoreError::ItemNotFound) for an item to include or exclude that is not there; a
    /// target that exists, or lies in this bundle; a missing or damaged file.
    pub fn copy(&self, target: impl AsRef<Path>, options: &CopyOptions) -> Result<DataFolio> {
        let target = target.as_ref();
        let was_there = match Place::of(target) {
            Place::Local(path) => {
                if lies_in(&path, Path::new(&self.location())) {
                    let (target, location) = (path.display(), self.location());
                    return Err(Error::Invalid(format!(
                        "{target} lies in the bundle that is to be copied, {location}"
                    )));
                }
                !options.random_suffix && path.is_dir()
            }
            Place::Remote(_) => false,
        };
        let state = self.state();
        let names = names_to_copy(&state, options)?;
        let copy = self.options_of_copy(options).random_suffix(options.random_suffix).create(target)?;
        self.fill(copy, &state, &names, was_there)
    }

    /// Copies into a new bundle in a storage of the caller's, which keeps what is there beside it; a random suffix is not for it.
    ///
    /// # Errors
    /// As [`DataFolio::copy`].
    pub fn copy_storage(&self, target: Arc<dyn Storage>, options: &CopyOptions) -> Result<DataFolio> {
        let state = self.state();
        let names = names_to_copy(&state, options)?;
        let copy = self.options_of_copy(options).create_storage(target)?;
        self.fill(copy, &state, &names, true)
    }

    /// How a copy is created: with the metadata of this bundle, and known by the same types.
    fn options_of_copy(&self, options: &CopyOptions) -> OpenOptions {
        let mut metadata = self.metadata();
        for (key, value) in &options.metadata_updates {
            metadata.insert(key.clone(), value.clone());
        }
        OpenOptions::new().metadata(metadata).settings(self.settings().clone()).registry(self.registry().clone())
    }

    /// Fills a new bundle. When that fails, nothing of it is left but a directory that was there before.
    fn fill(&self, copy: DataFolio, state: &State, names: &[String], was_there: bool) -> Result<DataFolio> {
        let mut written = Vec::new();
        let filled = copy.once(|batch| {
            for name in names {
                let entry = state.item(name)?;
                let copied = self.copy_entry(&copy, entry, &mut written, &TransferControl::default())?;
                batch.change(Change::Repoint { name: name.clone(), entry: Some(copied) }, String::new())?;
            }
            batch.name(format!("copy {} from {}", counted(names.len(), "item"), self.location()));
            Ok(())
        });
        match filled {
            Ok(()) => Ok(copy),
            Err(error) => {
                if !error.may_be_committed() {
                    let entries = names.iter().filter_map(|name| state.item(name).ok());
                    let tried: Vec<RelPath> = entries.flat_map(|entry| entry.files()).collect();
                    if let Err(left) = discard(copy, &written, &tried, was_there) {
                        tracing::warn!(error = %left, "what a copy that failed had written stays behind");
                    }
                }
                Err(error)
            }
        }
    }

    /// Copies the files of a version; the entry stays as it is, but for references relative to this bundle.
    pub(crate) fn copy_entry(
        &self,
        copy: &DataFolio,
        entry: &Arc<Entry>,
        written: &mut Vec<Written>,
        control: &TransferControl,
    ) -> Result<Arc<Entry>> {
        let record = entry.record()?;
        if entry.item_type() == item_type::REFERENCED_TABLE {
            let item = self.handler_item(&record);
            let path = record.str("path").unwrap_or_default();
            let is_relative = !path.contains("://") && !Path::new(path).is_absolute();
            if let Some(absolute) = item.outside_path(path).filter(|_| is_relative) {
                let mut moved = (*record).clone();
                moved.set("path", Some(format!("file://{}", absolute.display()).into()));
                return Ok(Arc::new(Entry::from_record(moved)?));
            }
        }
        if entry.filename().is_none() {
            return Ok(Arc::clone(entry));
        }
        let (entry, record) = match self.blocks_are_gone(&record)? {
            true => {
                let without = record.without_blocks();
                (Arc::new(Entry::from_record(without.clone())?), Arc::new(without))
            }
            false => (Arc::clone(entry), record),
        };
        let damage =
            |source: StorageError| datafolio_handlers::HandlerError::Payload { item: entry.name().to_owned(), source };
        for StoredFile { path, expected, .. } in all_files(&record)? {
            let blocks = expected.blocks.as_ref().map(|(blocks, _)| blocks.clone());
            let source = VerifiedSource::open(self.storage(), &path, expected, Verification::Full, self.verified())
                .map_err(damage)?;
            written.extend(copy_file(&control.counted(&source), copy.storage().as_ref(), &path)?);
            if let Some(blocks) = blocks {
                let source = self.storage().open(&blocks).map_err(damage)?;
                written.extend(copy_file(source.as_ref(), copy.storage().as_ref(), &blocks)?);
            }
        }
        Ok(entry)
    }
}

/// Removes a bundle that was just created and could not be filled: its own files, and the directories that are empty then, also those
/// that were made for files which were not written. Once someone else has committed to it, it is theirs.
fn discard(copy: DataFolio, written: &[Written], tried: &[RelPath], keep_directory: bool) -> Result<()> {
    let storage = Arc::clone(copy.storage());
    // Who comes to commit waits, and finds no bundle then. (A store has no lock: there it can be lost, if it comes between these two.)
    let _lock = storage.lock(copy.settings().lock_timeout)?;
    if load(storage.as_ref(), SealCheck::Required)?.catalogue().revision != copy.revision() {
        return Ok(());
    }
    drop(copy);
    // The catalogue first: without it there is no bundle.
    storage.delete(&file("items.json")?)?;
    for (commit, kind) in chain::files(storage.as_ref())? {
        storage.delete(&match kind {
            HistoryFile::Entry => commit.entry_path()?,
            HistoryFile::Checkpoint => commit.checkpoint_path()?,
        })?;
    }
    for Written { path, .. } in written {
        storage.delete(path)?;
    }
    for name in ["README.md", "CONTENTS.md", "items.json.lock", chain::PUBLISHED] {
        storage.delete(&file(name)?)?;
    }
    let mut directories: IndexSet<RelPath> = IndexSet::new();
    for path in tried {
        directories.extend(std::iter::successors(path.parent(), RelPath::parent));
    }
    directories.sort_by_key(|path| std::cmp::Reverse(path.segments().count()));
    for name in ["tables", "models", "artifacts", PARTS_DIR, HISTORY_DIR] {
        directories.insert(file(name)?);
    }
    let mut directories: Vec<PathBuf> = directories.iter().filter_map(|path| storage.local_path(path)).collect();
    if !keep_directory {
        directories
            .extend(storage.local_path(&file("items.json")?).as_deref().and_then(Path::parent).map(PathBuf::from));
    }
    for directory in directories {
        // One that is not empty holds what is not ours.
        let _ = std::fs::remove_dir(directory);
    }
    Ok(())
}

/// A file that a copy has written.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) path: RelPath,
    pub(crate) size: u64,
}

/// Copies an open file to a path of another storage. A file that is there already belongs to another version that shares
/// it, and is not ours to take away again.
fn copy_file(source: &dyn Source, target: &dyn Storage, path: &RelPath) -> Result<Option<Written>> {
    match copy_source(source, target, path) {
        Err(StorageError::AlreadyExists { .. }) => Ok(None),
        other => other.map(|()| Some(Written { path: path.clone(), size: source.size() })).map_err(Error::from),
    }
}

/// Whether a path, which need not be there yet, lies in a directory.
fn lies_in(path: &Path, dir: &Path) -> bool {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let there = absolute.ancestors().find_map(|above| std::fs::canonicalize(above).ok());
    there.is_some_and(|there| there.starts_with(dir))
}

/// Whether a path is that of a file of the bundle's own, or in a directory of its own. Beside these a user may put what they like.
#[cfg(feature = "cli")]
pub(crate) fn is_the_bundles_own(path: &Path, dir: &Path) -> bool {
    const FILES: [&str; 6] =
        ["items.json", "items.json.lock", "metadata.json", "snapshots.json", "README.md", "CONTENTS.md"];
    const DIRS: [&str; 5] = ["tables", "models", "artifacts", "parts", "history"];
    let files = FILES.iter().map(|name| dir.join(name));
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let there = absolute.parent().and_then(|parent| parent.canonicalize().ok()).zip(absolute.file_name());
    let there = there.map_or(absolute.clone(), |(parent, name)| parent.join(name));
    files.into_iter().any(|file| file == there) || DIRS.iter().any(|name| lies_in(path, &dir.join(name)))
}

/// The items to copy, where the metadata can be copied with them.
fn names_to_copy(state: &State, options: &CopyOptions) -> Result<Vec<String>> {
    let names = selected(state.catalogue(), options)?;
    check_metadata(state.catalogue())?;
    Ok(names)
}

/// The items that the options mean, in the order of the catalogue.
fn selected(catalogue: &Catalogue, options: &CopyOptions) -> Result<Vec<String>> {
    let all = || {
        let entries = catalogue.current.values();
        entries.filter(|entry| options.include_archived || !entry.is_archived()).map(|entry| entry.name().to_owned())
    };
    if options.include.is_some() && options.exclude.is_some() {
        return Err(Error::Invalid("Cannot specify both include and exclude".to_owned()));
    }
    // A name that is misspelt would otherwise copy nothing, or what was to stay behind.
    for name in options.include.iter().chain(&options.exclude).flatten() {
        catalogue.item(name)?;
    }
    match (&options.include, &options.exclude) {
        (None, None) => Ok(all().collect()),
        (None, Some(exclude)) => Ok(all().filter(|name| !exclude.contains(name)).collect()),
        (Some(include), _) => {
            let mut wanted: HashSet<&str> = include.iter().map(String::as_str).collect();
            let lineage = options.follow_lineage.then(|| lineage_of(catalogue));
            if let Some(lineage) = &lineage {
                wanted.extend(include.iter().flat_map(|name| lineage.upstream(name).unwrap_or_default()));
            }
            Ok(all().filter(|name| wanted.contains(name.as_str())).collect())
        }
    }
}
