//! Tables of several files: the list of parts that an entry has, and how it grows.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{CoreError, CoreResult};
use crate::record::ItemRecord;

/// The field of an entry that lists the parts of its table.
pub const PARTS: &str = "parts";
/// The directory that parts lie in. No `filename` of an entry leads there: Python DataFolio deletes the files that it finds
/// in that field, and knows nothing of who else needs them.
pub const PARTS_DIR: &str = "parts";
/// The field of an entry that names the stages which its rows came from, the last of them: what was committed is not committed again.
pub const STAGES_TAKEN: &str = "stages";
/// How many of them are kept.
const MOST_STAGES: usize = 64;
/// The field of an entry that names the version which the table had before it first got a part.
const GROWN_FROM: &str = "grown_from";

/// One file of a table of several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Its name, relative to [`PARTS_DIR`].
    pub filename: String,
    /// SHA-256 of it, lower-case hex; a file that 1.x wrote may have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// MD5 of it, for a file without `sha256`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Number of rows.
    pub num_rows: u64,
    /// Number of columns: fewer than the table has in a part from before a column was added.
    pub num_cols: u64,
    /// Its file of block checksums, as in an entry; `filename` is relative to [`PARTS_DIR`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks: Option<Value>,
    /// Fields of later releases, kept as they are.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Part {
    /// The name of its file of block checksums.
    pub fn blocks_file(&self) -> Option<&str> {
        self.blocks.as_ref()?.get("filename")?.as_str()
    }
}

/// Rows that are added to a table as files of their own.
#[derive(Debug, Clone)]
pub struct AppendParts {
    /// The table.
    pub name: String,
    /// `filename`, `checksum` and `sha256` of the file that stands for the new version where programs look that know of no
    /// parts.
    pub stub: Map<String, Value>,
    /// The table's own file under another name, should it be a table of one file: that file's `filename`, and the part.
    pub base: Option<(String, Part)>,
    /// The new files, in the order of their rows.
    pub parts: Vec<Part>,
    /// The part that they have to follow: they have further ordered categories, and others may have added other ones. `None`
    /// where they may follow any.
    pub after: Option<String>,
    /// The columns of the new rows, with their types as `dtypes` has them.
    pub columns: Map<String, Value>,
    /// The stage that the files come from.
    pub stage: Option<String>,
    /// Further items that the table is made from now.
    pub inputs: Vec<String>,
    /// The versions of these that the caller read.
    pub input_versions: indexmap::IndexMap<String, String>,
    /// When the rows were written.
    pub created_at: String,
}

/// Parts of a table that are replaced by fewer with the same rows.
#[derive(Debug, Clone)]
pub struct CompactParts {
    /// The table.
    pub name: String,
    /// As in [`AppendParts`]; `None` where `whole` is to do, and what was appended meanwhile is a conflict.
    pub stub: Option<Map<String, Value>>,
    /// The file names of the parts that are replaced, which follow each other.
    pub from: Vec<String>,
    /// What takes their place.
    pub into: Vec<Part>,
    /// Fields of the entry should nothing else be left: those of a file that holds the whole table, for programs that know
    /// of no parts.
    pub whole: Option<Map<String, Value>>,
    /// When the files were written.
    pub created_at: String,
}

impl ItemRecord {
    /// The parts of a table of several files; `None` for all else.
    ///
    /// # Errors
    /// [`CoreError::DamagedEntry`] when they are not what they should be.
    pub fn parts(&self) -> CoreResult<Option<Vec<Part>>> {
        let Some(value) = self.get(PARTS) else { return Ok(None) };
        let damaged = |reason: String| CoreError::DamagedEntry { item: self.name().to_owned(), reason };
        let parts = Vec::<Part>::deserialize(value).map_err(|error| damaged(format!("field parts: {error}")))?;
        let mut names = HashSet::new();
        if let Some(twice) = parts.iter().find(|part| !names.insert(part.filename.as_str())) {
            return Err(damaged(format!("field parts: it lists {:?} twice", twice.filename)));
        }
        if total(&parts, |part| part.num_rows).is_none() || total(&parts, |part| part.size_bytes).is_none() {
            return Err(damaged("field parts: it counts more than there can be".to_owned()));
        }
        Ok(Some(parts))
    }

    /// The record without the files of block checksums, of its own file and of its parts: for where these are gone.
    pub fn without_blocks(&self) -> Self {
        let mut record = self.clone();
        record.set("blocks", None);
        if let Some(Value::Array(parts)) = self.get(PARTS) {
            let mut parts = parts.clone();
            for part in parts.iter_mut().filter_map(Value::as_object_mut) {
                part.shift_remove("blocks");
            }
            record.set(PARTS, Some(parts.into()));
        }
        record
    }

    /// The version that all versions since have in common but for parts that were added and merged.
    pub fn grown_from(&self) -> Option<&str> {
        self.str(GROWN_FROM).or_else(|| self.version_id())
    }

    /// The version is no longer one that differs from others by its parts alone.
    pub(crate) fn forget_growth(&mut self) {
        self.set(GROWN_FROM, None);
    }

    /// The record with these parts, standing for the version behind this one.
    fn grown(&self, parts: &[Part], stub: &Map<String, Value>, created_at: &str) -> Self {
        let mut record = self.clone();
        // The stub is a small file without any.
        record.set("blocks", None);
        for (field, value) in stub {
            record.set(field, Some(value.clone()));
        }
        record.set(PARTS, Some(serde_json::to_value(parts).unwrap_or_default()));
        record.set("size_bytes", total(parts, |part| part.size_bytes).map(Into::into));
        record.set("num_rows", total(parts, |part| part.num_rows).map(Into::into));
        record.set("created_at", Some(created_at.into()));
        record.set(GROWN_FROM, self.grown_from().map(Value::from));
        record
    }

    /// The record of the version that has these rows added.
    pub(crate) fn appended(&self, append: &AppendParts) -> CoreResult<Self> {
        let name = &append.name;
        let mut parts = match (self.parts()?, &append.base) {
            (Some(parts), _) => parts,
            (None, Some((file, part))) if self.filename() == Some(file.as_str()) => vec![part.clone()],
            (None, _) => return Err(other_rows(name, "the file that the table was")),
        };
        if let Some(after) = &append.after
            && parts.last().is_none_or(|last| last.filename != *after)
        {
            return Err(other_rows(name, "the last of its files, whose ordered categories the new rows continue"));
        }
        let mut stages: Vec<Value> = self.strings(STAGES_TAKEN).into_iter().map(Into::into).collect();
        if let Some(stage) = &append.stage {
            if stages.iter().any(|known| known.as_str() == Some(stage)) {
                return Err(other_rows(name, "a table without the rows of this stage"));
            }
            stages.push(stage.as_str().into());
            stages.drain(..stages.len().saturating_sub(MOST_STAGES));
        }
        parts.extend(append.parts.iter().cloned());
        let mut record = self.grown(&parts, &append.stub, &append.created_at);
        if append.stage.is_some() {
            record.set(STAGES_TAKEN, Some(stages.into()));
        }
        // It is not what its query gives any more.
        record.set("derived", None);
        let mut columns: Vec<Value> = self.strings("columns").into_iter().map(Into::into).collect();
        let mut types = match self.get("dtypes") {
            Some(Value::Object(types)) => types.clone(),
            _ => Map::new(),
        };
        for (column, of_type) in &append.columns {
            match types.get(column) {
                Some(known) if known == of_type => {}
                Some(known) => return Err(other_type(name, column, known, of_type)),
                None => {
                    columns.push(column.as_str().into());
                    types.insert(column.clone(), of_type.clone());
                }
            }
        }
        record.set("num_cols", Some(columns.len().into()));
        record.set("columns", Some(columns.into()));
        record.set("dtypes", Some(types.into()));
        Ok(record)
    }

    /// The record of the version whose parts were merged.
    pub(crate) fn compacted(&self, compact: &CompactParts) -> CoreResult<Self> {
        let mut parts = self.parts()?.unwrap_or_default();
        let run = |start: usize| {
            parts
                .get(start..start + compact.from.len())
                .is_some_and(|run| run.iter().zip(&compact.from).all(|(part, name)| part.filename == *name))
        };
        let Some(start) = (0..parts.len()).find(|start| run(*start)).filter(|_| !compact.from.is_empty()) else {
            return Err(other_rows(&compact.name, "the parts that were merged"));
        };
        parts.splice(start..start + compact.from.len(), compact.into.iter().cloned());
        let is_whole = parts.len() == compact.into.len();
        match compact.whole.as_ref().filter(|_| is_whole).or(compact.stub.as_ref()) {
            Some(stub) => {
                let mut record = self.grown(&parts, stub, &compact.created_at);
                record.set_rows_of(self);
                Ok(record)
            }
            None => Err(other_rows(&compact.name, "all parts of the table")),
        }
    }
}

/// The sum of a count over all parts; `None` when it cannot be counted.
fn total(parts: &[Part], count: impl Fn(&Part) -> u64) -> Option<u64> {
    parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(count(part)))
}

fn other_rows(name: &str, assumed: &str) -> CoreError {
    conflict(name, assumed.to_owned(), "other files".to_owned())
}

fn other_type(name: &str, column: &str, known: &Value, new: &Value) -> CoreError {
    let typed = |value: &Value| format!("column {column:?} of type {}", value.as_str().unwrap_or("unknown"));
    conflict(name, typed(new), typed(known))
}

/// The revision is filled in where it is known.
fn conflict(name: &str, assumed: String, found: String) -> CoreError {
    CoreError::Conflict { key: format!("item '{name}'"), assumed, found, revision: 0 }
}
