//! What a stage is about, in a file beside the directory that the workers write to: some engines empty that first.

use datafolio_core::{RelPath, time};
use datafolio_handlers::file_stem;
use datafolio_storage::{Storage, StorageError};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::StageOptions;
use crate::error::{Error, Result};
use crate::history::chain;

/// The directory that stages lie in.
pub(crate) const STAGES: &str = "stages";
const EXTENSION: &str = ".json";
const FORMAT: u32 = 1;
const LARGEST: u64 = 1 << 20;

/// What becomes of the files of a stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum StageMode {
    /// A new table.
    #[default]
    Create,
    /// A new version of a table, or a new one.
    Overwrite,
    /// Further rows of a table, or a new one.
    Append,
}

/// The note of a stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Note {
    format: u32,
    pub(super) stage: String,
    pub(super) item: String,
    pub(super) mode: StageMode,
    #[serde(default)]
    pub(super) evolve: bool,
    /// The version that the table had; of one to be added to, the one that all versions since have in common but for added rows.
    #[serde(default)]
    pub(super) base: Option<String>,
    #[serde(default)]
    pub(super) description: Option<String>,
    /// Names of the items that the files are made from, and their versions.
    #[serde(default)]
    pub(super) inputs: IndexMap<String, Option<String>>,
    pub(super) created_at: String,
}

impl Note {
    pub(super) fn new(
        item: &str,
        options: &StageOptions,
        inputs: IndexMap<String, Option<String>>,
        base: Option<String>,
    ) -> Result<Self> {
        let stem = file_stem(item);
        let stem = stem.rsplit('/').next().unwrap_or_default();
        let random = chain::new_commit_id()?;
        Ok(Self {
            format: FORMAT,
            stage: format!("{stem}--{}", random.get(..12).unwrap_or(&random)),
            item: item.to_owned(),
            mode: options.mode,
            evolve: options.evolve,
            base,
            description: options.description.clone(),
            inputs,
            created_at: time::to_iso(time::now()),
        })
    }

    pub(super) fn dir(&self) -> Result<RelPath> {
        dir_of(&self.stage)
    }

    pub(super) fn write(&self, storage: &dyn Storage) -> Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Error::Invalid(error.to_string()))?;
        if text.len() as u64 > LARGEST {
            let reason = "the description and the inputs of a stage are too long: give them to the table afterwards";
            return Err(Error::Invalid(reason.to_owned()));
        }
        chain::write_new(storage, &note_of(&self.stage)?, &text)
    }

    /// Reads the note of a stage.
    ///
    /// # Errors
    /// [`Error::StageNotFound`]; [`Error::StageRefused`] for a note that cannot be read.
    pub(super) fn read(storage: &dyn Storage, id: &str) -> Result<Self> {
        let text = match storage.read(&note_of(id)?, LARGEST) {
            Err(StorageError::NotFound { .. }) => return Err(not_found(storage, id)),
            read => read?,
        };
        let refused = |reason: String| Error::StageRefused { stage: id.to_owned(), reason };
        let note: Self = serde_json::from_slice(&text)
            .map_err(|error| refused(format!("its note is damaged ({error}): abort it, and stage the table again")))?;
        if note.format != FORMAT {
            return Err(refused(format!("its note has format {}, and this release knows {FORMAT}", note.format)));
        }
        if note.stage != id {
            return Err(refused(format!("its note is that of stage '{}'", note.stage)));
        }
        Ok(note)
    }

    /// The names of the items that the files are made from.
    pub(super) fn input_names(&self) -> Vec<String> {
        self.inputs.keys().cloned().collect()
    }

    pub(super) fn input_versions(&self) -> IndexMap<String, String> {
        self.inputs.iter().filter_map(|(name, version)| Some((name.clone(), version.clone()?))).collect()
    }
}

/// The note of a stage.
pub(super) fn note_of(id: &str) -> Result<RelPath> {
    Ok(RelPath::parse(&format!("{}{EXTENSION}", dir_of(id)?))?)
}

/// The stage that a path in [`STAGES`] belongs to.
pub(crate) fn stage_of(path: &RelPath) -> Option<&str> {
    let (id, below) = path
        .as_str()
        .strip_prefix(STAGES)?
        .strip_prefix('/')
        .map(|rest| rest.split_once('/').map_or((rest, None), |(id, below)| (id, Some(below))))?;
    match below {
        Some(_) => Some(id),
        None => id.strip_suffix(EXTENSION),
    }
}

/// The directory of a stage.
pub(super) fn dir_of(id: &str) -> Result<RelPath> {
    let is_name = !id.is_empty() && !id.starts_with(['.', '_']) && !id.contains(['/', '\\']);
    match is_name.then(|| RelPath::portable(&format!("{STAGES}/{id}"))) {
        Some(path) => Ok(path?),
        None => Err(Error::Invalid(format!("{id:?} is no name of a stage: `stages` lists them"))),
    }
}

pub(super) fn not_found(storage: &dyn Storage, id: &str) -> Error {
    Error::StageNotFound { stage: id.to_owned(), location: storage.location() }
}
