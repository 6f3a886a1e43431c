//! Places where workers of other programs write the files of a table, which one commit then takes over.

mod adopt;
mod note;
mod order;
mod target;

use std::fs;
use std::path::Path;

use datafolio_core::ErrorCategory;
use datafolio_storage::FileInfo;
use indexmap::IndexMap;
use serde::Serialize;

pub use adopt::CommittedStage;
use note::Note;
pub use note::StageMode;
pub(crate) use note::{STAGES, stage_of};

use super::parts::require_own_table;
use crate::bundle::DataFolio;
use crate::bundle::state::file;
use crate::error::Result;

/// What becomes of the files of a stage.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct StageOptions {
    /// Whether they are a new table, take the place of one, or are added to one.
    pub mode: StageMode,
    /// With [`StageMode::Append`]: columns that only the new files have come into the table.
    pub evolve: bool,
    /// The description of the table; `None` keeps that of a table that is there.
    pub description: Option<String>,
    /// Names of the items that the files are made from. The versions of them that the handle sees are recorded.
    pub inputs: Vec<String>,
}

impl StageOptions {
    /// The files become a new table.
    pub fn new() -> Self {
        Self::default()
    }

    /// The files take the place of the table that has the name, or become a new one.
    pub fn overwrite(mut self) -> Self {
        self.mode = StageMode::Overwrite;
        self
    }

    /// The rows of the files are added to the table that has the name, or become a new one.
    pub fn append(mut self) -> Self {
        self.mode = StageMode::Append;
        self
    }

    /// Columns that only the new files have come into the table.
    pub fn evolve(mut self) -> Self {
        self.evolve = true;
        self
    }

    /// A description.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Names of the items that the files are made from.
    pub fn inputs<I: IntoIterator<Item = S>, S: Into<String>>(mut self, names: I) -> Self {
        self.inputs = names.into_iter().map(Into::into).collect();
        self
    }
}

/// A place where workers write Parquet files that are to become a table, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stage {
    /// What the stage is called from here on.
    pub id: String,
    /// The table.
    pub name: String,
    /// Where the workers write: a directory, or an address on a store.
    pub path: String,
    /// What becomes of the files.
    pub mode: StageMode,
    /// The items that they are made from, with the versions that were read.
    pub inputs: IndexMap<String, Option<String>>,
    /// When it was begun.
    pub created_at: String,
    /// The Parquet files that are there.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// What went with a stage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AbortedStage {
    /// The stage.
    pub id: String,
    /// Files of workers that were removed.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl DataFolio {
    /// Begins a stage: a place below the bundle where the workers of Dask, Ray, Spark or whatever else write Parquet files of any
    /// names, each its own. Nobody sees them before [`commit_stage`](Self::commit_stage) makes a table of all of them.
    ///
    /// # Errors
    /// [`ItemExists`](datafolio_core::CoreError::ItemExists) for a new table of a name that is taken; a name that is not allowed;
    /// [`Error::WrongType`](crate::Error::WrongType) when the rows are to be added to something that is no table of the bundle's own;
    /// [`Error::ReadOnly`](crate::Error::ReadOnly).
    pub fn stage_table(&self, name: &str, options: &StageOptions) -> Result<Stage> {
        self.require_writable("begin a stage")?;
        let state = self.state();
        let current = state.catalogue().current.get(name);
        match (options.mode, current) {
            (StageMode::Create, Some(_)) => {
                return Err(datafolio_core::CoreError::ItemExists { name: name.to_owned() }.into());
            }
            (StageMode::Append, Some(entry)) => require_own_table(&*entry.record()?)?,
            (_, Some(_)) => {}
            (_, None) => datafolio_core::name::check_item_name(name)?,
        }
        let versions = options.inputs.iter().map(|input| {
            let version = state.catalogue().current.get(input.as_str()).map(|entry| entry.token());
            (input.clone(), version)
        });
        let note = Note::new(name, options, versions.collect(), target::base_of(options.mode, current)?)?;
        let storage = self.storage().as_ref();
        storage.make_dir(&file(STAGES)?)?;
        storage.make_dir(&note.dir()?)?;
        note.write(storage)?;
        self.seen_stage(note, &[])
    }

    /// The stages that were begun and neither committed nor aborted, the oldest first.
    ///
    /// # Errors
    /// When the storage cannot be listed. What has a note that cannot be read is told to the log.
    pub fn stages(&self) -> Result<Vec<Stage>> {
        let storage = self.storage().as_ref();
        let mut files: IndexMap<String, Vec<FileInfo>> = IndexMap::new();
        for info in storage.list(Some(&file(STAGES)?))? {
            if let Some(id) = stage_of(&info.path).map(str::to_owned) {
                files.entry(id).or_default().push(info);
            }
        }
        let mut stages = Vec::new();
        for (id, files) in files {
            match Note::read(storage, &id) {
                Ok(note) => stages.push(self.seen_stage(note, &files)?),
                Err(error) if error.category() == ErrorCategory::Storage => return Err(error),
                Err(error) => tracing::warn!(%id, %error, "what lies in stages is no stage"),
            }
        }
        stages.sort_by(|a, b| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id)));
        Ok(stages)
    }

    /// Removes a stage with all that workers have written there.
    ///
    /// # Errors
    /// [`Error::StageNotFound`](crate::Error::StageNotFound); when something cannot be removed, and then it can be tried again.
    pub fn abort_stage(&self, id: &str) -> Result<AbortedStage> {
        self.require_writable("abort a stage")?;
        let storage = self.storage().as_ref();
        let dir = note::dir_of(id)?;
        let files = storage.list(Some(&dir))?;
        if files.is_empty() && storage.stat(&note::note_of(id)?)?.is_none() {
            return Err(note::not_found(storage, id));
        }
        // The note first: what is left of a stage that is aborted is none that could be committed.
        storage.delete(&note::note_of(id)?)?;
        self.remove_files(&files)?;
        if let Some(path) = storage.local_path(&dir) {
            // What is listed are files: what workers leave of directories, links and the like goes as well.
            let _ = fs::remove_dir_all(path);
        }
        self.remove_if_empty()?;
        let bytes = files.iter().map(|info| info.size).sum();
        Ok(AbortedStage { id: id.to_owned(), files: files.len(), bytes })
    }

    /// Removes what was committed of a stage, its note last: until then it is known to have been one. What came since stays.
    fn remove_committed(&self, id: &str, files: &[FileInfo]) -> Result<()> {
        let storage = self.storage().as_ref();
        self.remove_files(files)?;
        if let Some(path) = storage.local_path(&note::dir_of(id)?) {
            remove_empty(&path);
        }
        storage.delete(&note::note_of(id)?)?;
        self.remove_if_empty()
    }

    fn remove_files(&self, files: &[FileInfo]) -> Result<()> {
        Ok(files.iter().try_for_each(|info| self.storage().delete(&info.path))?)
    }

    /// Removes the directory of all stages where it has none.
    fn remove_if_empty(&self) -> Result<()> {
        if let Some(stages) = self.storage().local_path(&file(STAGES)?) {
            let _ = fs::remove_dir(stages);
        }
        Ok(())
    }

    fn seen_stage(&self, note: Note, files: &[FileInfo]) -> Result<Stage> {
        let dir = note.dir()?;
        let path = match self.storage().local_path(&dir) {
            Some(path) => path.to_string_lossy().into_owned(),
            None => self.address_of(&dir),
        };
        let (mut count, mut bytes) = (0, 0);
        for info in files.iter().filter(|info| order::is_parquet(&dir, &info.path)) {
            (count, bytes) = (count + 1, bytes + info.size);
        }
        Ok(Stage {
            id: note.stage,
            name: note.item,
            path,
            mode: note.mode,
            inputs: note.inputs,
            created_at: note.created_at,
            files: count,
            bytes,
        })
    }
}

/// Removes a directory, and those in it, as far as they are empty.
fn remove_empty(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_empty(&entry.path());
        }
    }
    // One that is not empty holds what came too late.
    let _ = fs::remove_dir(dir);
}
