//! Making a table of what the workers have written.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use datafolio_core::{Change, ItemRecord, PARTS, PARTS_DIR, Part, PutItem, RelPath, counted, item_type, time};
use datafolio_handlers::{ForeignParquet, HandlerError, file_stem, fit_rows, parquet_table_fields};
use datafolio_storage::{FileInfo, Payload, adopt_payload};
use serde::Serialize;
use serde_json::{Map, Value};

use super::note::{Note, StageMode};
use super::order::{below, files_of};
use super::target::{Target, check_current};
use crate::bundle::parallel::each;
use crate::bundle::{Batch, DataFolio, payload_fields};
use crate::error::{Error, Result};
use crate::table::append::{Place, column_types, number, part_of_payload};

/// The field of an entry, and of a part, that names the stage it came from: what was committed is not committed again.
const STAGE: &str = "stage";

/// Files of a store that are read at a time, whatever the number of processors.
const AT_ONCE: usize = 4;

/// What became of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CommittedStage {
    /// The stage, which is no longer there.
    pub id: String,
    /// The table.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Files of the stage that are its parts now.
    pub files: usize,
    /// Of these, files that were written anew, since their types are not in all the form that the table has them in.
    pub rewritten: usize,
    /// Rows of the stage.
    pub rows: u64,
    /// Bytes of the parts that they lie in.
    pub size_bytes: u64,
    /// How many rows the table has now.
    pub num_rows: u64,
}

impl DataFolio {
    /// Makes a table of all files of a stage, or adds them to one, in one commit: all of them or none. Their rows follow each other by
    /// the names of the files, numbers in these by their value. The files are not copied: what is read of them is their footers, and
    /// once all of it, for the hashes. Types that the table has in another form (texts with long offsets, dictionaries) are written
    /// anew.
    ///
    /// `rows` is how many there must be, where the caller knows: then a file that is not there is noticed.
    ///
    /// Made again after it was interrupted, it goes on; a stage that was committed is not committed twice.
    ///
    /// # Errors
    /// [`Error::StageNotFound`]; [`Error::StageRefused`] when there is no file, one that is not Parquet, is not whole or is still
    /// being written, or another number of rows; [`HandlerError::SchemaMismatch`] for columns that do not fit;
    /// [`CoreError::Conflict`] when the table has been replaced since the stage was begun. Then nothing is committed, and the stage
    /// stays as it is.
    pub fn commit_stage(&self, id: &str, rows: Option<u64>) -> Result<CommittedStage> {
        self.require_writable("commit a stage")?;
        self.refresh()?;
        let note = Note::read(self.storage().as_ref(), id)?;
        let dir = note.dir()?;
        let listed = self.storage().list(Some(&dir))?;
        let done = match self.committed_before(&note)? {
            Some(done) => done,
            None => {
                let files = files_of(&dir, listed.clone())
                    .map_err(|reason| Error::StageRefused { stage: id.to_owned(), reason })?;
                self.commit_files(&note, &dir, &files, rows)?
            }
        };
        if let Err(error) = self.remove_stage(id, &listed) {
            tracing::warn!(id, %error, "a stage that was committed stays behind: abort it");
        }
        Ok(done)
    }

    fn commit_files(
        &self,
        note: &Note,
        dir: &RelPath,
        files: &[FileInfo],
        rows: Option<u64>,
    ) -> Result<CommittedStage> {
        let mut batch = self.batch()?;
        let taken = batch.adopt(note, dir, files, rows)?;
        let state = batch.try_commit()?;
        let entry = state.item(&note.item)?;
        Ok(CommittedStage {
            version: entry.token(),
            num_rows: entry.record()?.u64("num_rows").unwrap_or_default(),
            ..taken
        })
    }

    /// What a stage became that was committed, and whose files were not all removed then.
    fn committed_before(&self, note: &Note) -> Result<Option<CommittedStage>> {
        let state = self.state();
        let Some(entry) = state.catalogue().current.get(note.item.as_str()) else { return Ok(None) };
        let record = entry.record()?;
        let is_of_stage = |part: &&Part| part.other.get(STAGE).and_then(Value::as_str) == Some(&*note.stage);
        let parts = record.parts()?.unwrap_or_default();
        let parts: Vec<&Part> = parts.iter().filter(is_of_stage).collect();
        if parts.is_empty() && record.str(STAGE) != Some(&*note.stage) {
            return Ok(None);
        }
        let num_rows = record.u64("num_rows").unwrap_or_default();
        let (rows, size_bytes) = match parts.is_empty() {
            true => (num_rows, record.u64("size_bytes").unwrap_or_default()),
            false => (parts.iter().map(|part| part.num_rows).sum(), parts.iter().map(|part| part.size_bytes).sum()),
        };
        Ok(Some(CommittedStage {
            id: note.stage.clone(),
            name: note.item.clone(),
            version: entry.token(),
            files: parts.len().max(1),
            rewritten: 0,
            rows,
            size_bytes,
            num_rows,
        }))
    }
}

/// A file of a stage that was taken over.
struct Taken {
    payload: Payload,
    rows: u64,
    columns: u64,
    is_rewritten: bool,
}

impl Batch<'_> {
    /// Takes the files of a stage over.
    fn adopt(&mut self, note: &Note, dir: &RelPath, files: &[FileInfo], rows: Option<u64>) -> Result<CommittedStage> {
        let refused = |reason: String| Error::StageRefused { stage: note.stage.clone(), reason };
        let current = self.catalogue().current.get(note.item.as_str()).cloned();
        check_current(note, current.as_ref(), self.catalogue().revision)?;
        let storage = Arc::clone(self.folio().storage());
        let opened = each(files, self.at_once(), |info| {
            ForeignParquet::open(Path::new(info.path.as_str()), storage.open_sized(&info.path, info.size)?).map_err(
                |error| match error {
                    HandlerError::BadFile { reason, .. } => {
                        refused(format!("{} {reason}; perhaps its writer is not done", below(dir, &info.path)))
                    }
                    other => other.into(),
                },
            )
        })?;
        let found = opened.iter().map(ForeignParquet::rows).fold(0_u64, u64::saturating_add);
        if let Some(expected) = rows.filter(|expected| *expected != found) {
            let files = counted(files.len(), "file");
            return Err(refused(format!("its {files} have {found} rows, and {expected} are expected")));
        }
        let target = Target::of(self.folio(), note, current.as_ref(), &opened)?;
        let mut wanted: Vec<(&FileInfo, ForeignParquet)> = files.iter().zip(opened).collect();
        match (found, &target.record) {
            // One file without rows tells the columns.
            (0, None) => wanted.truncate(1),
            _ => wanted.retain(|(_, file)| file.rows() > 0),
        }
        let place = match &target.record {
            None if wanted.len() == 1 => Place::Whole,
            _ => Place::Part,
        };
        if let (None, Place::Part, Some(field)) = (&target.record, place, target.ordered_column()) {
            return Err(refused(format!(
                "column {field:?} has ordered categories, of which several files may have several orders: write it as text, or one file"
            )));
        }
        let taken = self.take_over(note, dir, &target, wanted, place)?;
        let done = CommittedStage {
            id: note.stage.clone(),
            name: note.item.clone(),
            version: String::new(),
            files: taken.len(),
            rewritten: taken.iter().filter(|file| file.is_rewritten).count(),
            rows: found,
            size_bytes: taken.iter().map(|file| file.payload.size).sum(),
            num_rows: found,
        };
        match &target.record {
            Some(_) if taken.is_empty() => {}
            Some(record) => {
                let columns = column_types(&parquet_table_fields(&target.grown, found));
                let inputs = (note.input_names(), note.input_versions());
                let continues = target.categories.are_extended();
                self.append_parts(record, &target.schema, parts_of(note, &taken), columns, continues, inputs)?;
            }
            None => self.put_staged(note, &target.grown, &taken, place, found)?,
        }
        Ok(done)
    }

    /// How many files are worked on at a time.
    fn at_once(&self) -> usize {
        let threads = self.folio().settings().threads;
        if self.folio().storage().is_remote() { threads.max(AT_ONCE) } else { threads }
    }

    /// Makes payloads of the files: as they are, or written anew in the form that the table has.
    fn take_over(
        &mut self,
        note: &Note,
        dir: &RelPath,
        target: &Target,
        wanted: Vec<(&FileInfo, ForeignParquet)>,
        place: Place,
    ) -> Result<Vec<Taken>> {
        let storage = Arc::clone(self.folio().storage());
        let threads = self.folio().settings().threads;
        let stem = file_stem(&note.item).into_owned();
        let directory = if place == Place::Whole { "tables" } else { PARTS_DIR };
        let as_they_are: Vec<&(&FileInfo, ForeignParquet)> =
            wanted.iter().filter(|(_, file)| target.takes(file, place)).collect();
        let staged: Mutex<Vec<RelPath>> = Mutex::default();
        let adopted = each(&as_they_are, self.at_once(), |(info, file)| {
            let changed = || Error::StageRefused {
                stage: note.stage.clone(),
                reason: format!("{} was written to while it was taken over", below(dir, &info.path)),
            };
            let payload =
                adopt_payload(&storage, info, (directory, &stem, ".parquet"), threads)?.ok_or_else(changed)?;
            staged.lock().unwrap_or_else(PoisonError::into_inner).push(payload.path.clone());
            // A store tells times in seconds: that the bytes are those whose footer was looked at, only these tell.
            let again =
                ForeignParquet::open(Path::new(info.path.as_str()), storage.open_sized(&payload.path, payload.size)?);
            match again.is_ok_and(|again| again.rows() == file.rows() && again.schema() == file.schema()) {
                true => Ok(payload),
                false => Err(changed()),
            }
        });
        // Also those of which nothing comes: they go with the batch.
        staged.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().for_each(|path| self.keep_staged(path));
        let mut adopted = adopted?.into_iter();
        let mut like = ItemRecord::new(Map::new());
        like.set("name", Some(note.item.as_str().into()));
        like.set("table_format", target.record.as_ref().and_then(|record| record.get("table_format").cloned()));
        let mut taken = Vec::new();
        for (info, file) in wanted {
            if target.takes(&file, place) {
                let Some(payload) = adopted.next() else { break };
                self.folio().verified().remember_payload(storage.as_ref(), &payload)?;
                let (rows, columns) = (file.rows(), file.schema().fields().len() as u64);
                taken.push(Taken { payload, rows, columns, is_rewritten: false });
                continue;
            }
            let fitted = fit_rows(&note.item, &target.grown, file.read()?, note.evolve, &target.categories);
            let fitted = fitted.map_err(|error| in_file(below(dir, &info.path), error))?;
            let written = self.stage_table(&like, place, |write| write(fitted))?;
            let (rows, columns) = (number(&written, "num_rows"), number(&written, "num_cols"));
            taken.extend(written.payload.map(|payload| Taken { payload, rows, columns, is_rewritten: true }));
        }
        Ok(taken)
    }

    /// Puts the table that the files make.
    fn put_staged(&mut self, note: &Note, schema: &SchemaRef, taken: &[Taken], place: Place, rows: u64) -> Result<()> {
        let mut fields = parquet_table_fields(schema, rows);
        match (place, taken.first()) {
            (Place::Whole, Some(file)) => fields.extend(payload_fields(&file.payload)),
            _ => {
                let parts = parts_of(note, taken);
                fields.extend(self.write_stub(&note.item, &parts)?);
                fields.insert("size_bytes".to_owned(), parts.iter().map(|part| part.size_bytes).sum::<u64>().into());
                fields.insert(PARTS.to_owned(), serde_json::to_value(&parts).unwrap_or_default());
            }
        }
        fields.insert(STAGE.to_owned(), note.stage.as_str().into());
        let put = PutItem {
            name: note.item.clone(),
            item_type: item_type::INCLUDED_TABLE.to_owned(),
            fields,
            description: note.description.clone(),
            inputs: note.input_names(),
            input_versions: note.input_versions(),
            overwrite: note.mode != StageMode::Create,
            created_at: time::to_iso(time::now()),
        };
        self.change(Change::Put(put), format!("commit {} of stage {}", counted(taken.len(), "file"), note.stage))
    }
}

/// The parts that files have become.
fn parts_of(note: &Note, taken: &[Taken]) -> Vec<Part> {
    let parts = taken.iter().map(|file| {
        let mut part = part_of_payload(&file.payload, file.rows, file.columns);
        part.other.insert(STAGE.to_owned(), note.stage.as_str().into());
        part
    });
    parts.collect()
}

/// Names the file whose columns do not fit.
fn in_file(shown: &str, error: HandlerError) -> HandlerError {
    match error {
        HandlerError::SchemaMismatch { item, column, misfit, reason } => {
            HandlerError::SchemaMismatch { item, column, misfit, reason: format!("in {shown}: {reason}") }
        }
        other => other,
    }
}
