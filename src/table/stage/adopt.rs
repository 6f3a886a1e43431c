//! Making a table of what the workers have written.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use datafolio_core::{
    Change, CoreError, ItemRecord, PARTS, PARTS_DIR, Part, PutItem, RelPath, STAGES_TAKEN, counted, item_type, time,
};
use datafolio_handlers::{
    ForeignParquet, HandlerError, file_stem, fit_rows, parquet_table_fields, read_foreign_parquet,
};
use datafolio_storage::{FileInfo, Payload, adopt_payload};
use serde::Serialize;
use serde_json::Map;

use super::note::{Note, StageMode};
use super::order::{below, files_of, unlisted};
use super::target::{Target, check_current};
use crate::bundle::parallel::each;
use crate::bundle::{Batch, DataFolio, payload_fields};
use crate::error::{Error, Result};
use crate::table::parts::{Place, column_types, number, part_of_payload};

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
    /// Whether the stage had been committed before, and only what was left of it was removed now: then the four numbers that follow are 0.
    pub was_committed: bool,
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
            None => self.commit_files(&note, &dir, &listed, rows)?,
        };
        if let Err(error) = self.remove_committed(id, &listed) {
            tracing::warn!(id, %error, "a stage that was committed stays behind: abort it");
        }
        Ok(done)
    }

    fn commit_files(
        &self,
        note: &Note,
        dir: &RelPath,
        listed: &[FileInfo],
        rows: Option<u64>,
    ) -> Result<CommittedStage> {
        let refused = |reason: String| Error::StageRefused { stage: note.stage.clone(), reason };
        let files = files_of(dir, listed.to_vec()).map_err(refused)?;
        self.refuse_unlisted(note, dir, listed)?;
        let mut batch = self.batch()?;
        let taken = batch.adopt(note, dir, &files, rows)?;
        // Each was looked at after its own hash; until the last was, workers may have come to the first again.
        // (That they got a second name is no change of them.)
        let states = |infos: &[FileInfo]| -> Vec<_> {
            infos.iter().map(|info| (info.path.clone(), info.size, info.modified, info.id)).collect()
        };
        if states(&self.storage().list(Some(dir))?) != states(listed) {
            return self.unless_committed(
                note,
                refused("it was written to while it was committed: wait for its writers".to_owned()),
            );
        }
        let state = match batch.try_commit() {
            Ok(state) => state,
            Err(error @ Error::Core(CoreError::Conflict { .. } | CoreError::ItemExists { .. })) => {
                return self.unless_committed(note, error);
            }
            Err(error) => return Err(error),
        };
        let entry = state.item(&note.item)?;
        Ok(CommittedStage {
            version: entry.token(),
            num_rows: entry.record()?.u64("num_rows").unwrap_or_default(),
            ..taken
        })
    }

    /// Another process may have committed the same stage meanwhile: then nothing is wrong.
    fn unless_committed(&self, note: &Note, error: Error) -> Result<CommittedStage> {
        self.refresh()?;
        self.committed_before(note)?.ok_or(error)
    }

    /// Nothing is left out unsaid: what lies on a local disk and is no file that a bundle can have.
    fn refuse_unlisted(&self, note: &Note, dir: &RelPath, listed: &[FileInfo]) -> Result<()> {
        let storage = self.storage();
        let Some(place) = storage.local_path(dir) else { return Ok(()) };
        let known = listed.iter().filter_map(|info| storage.local_path(&info.path)).collect();
        let found = unlisted(&place, &known);
        match found.map_err(|source| Error::File { action: "read", path: place.clone(), source })? {
            None => Ok(()),
            Some(path) => Err(Error::StageRefused {
                stage: note.stage.clone(),
                reason: format!(
                    "{} is no regular file, or its name is no text, and would be left out: remove it, or write a file",
                    path.strip_prefix(&place).unwrap_or(&path).display()
                ),
            }),
        }
    }

    /// That a stage was committed, and not all of its files were removed then.
    fn committed_before(&self, note: &Note) -> Result<Option<CommittedStage>> {
        let state = self.state();
        let Some(entry) = state.catalogue().current.get(note.item.as_str()) else { return Ok(None) };
        let record = entry.record()?;
        if !record.strings(STAGES_TAKEN).contains(&&*note.stage) {
            return Ok(None);
        }
        Ok(Some(CommittedStage {
            id: note.stage.clone(),
            name: note.item.clone(),
            version: entry.token(),
            was_committed: true,
            files: 0,
            rewritten: 0,
            rows: 0,
            size_bytes: 0,
            num_rows: record.u64("num_rows").unwrap_or_default(),
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
        let footers = each(files, self.at_once(), |info| {
            let source = storage.open_sized(&info.path, info.size)?;
            ForeignParquet::of(Path::new(info.path.as_str()), source).map_err(|error| match error {
                HandlerError::BadFile { reason, .. } => {
                    refused(format!("{} {reason}; perhaps its writer is not done", below(dir, &info.path)))
                }
                other => other.into(),
            })
        })?;
        let found = footers.iter().map(|file| file.rows).fold(0_u64, u64::saturating_add);
        if let Some(expected) = rows.filter(|expected| *expected != found) {
            let files = counted(files.len(), "file");
            return Err(refused(format!("its {files} have {found} rows, and {expected} are expected")));
        }
        // A file without rows tells of columns where all are such.
        let mut wanted: Vec<(&FileInfo, ForeignParquet)> = files.iter().zip(footers).collect();
        match found {
            0 => wanted.truncate(1),
            _ => wanted.retain(|(_, file)| file.rows > 0),
        }
        let target = Target::of(self.folio(), note, current.as_ref(), wanted.iter().map(|(_, file)| file))?;
        if found == 0 && target.record.is_some() {
            wanted.clear();
        }
        let place = match &target.record {
            None if wanted.len() == 1 => Place::Whole,
            _ => Place::Part,
        };
        if let (2.., Some(field)) = (wanted.len(), target.ordered_column()) {
            return Err(refused(format!(
                "column {field:?} has ordered categories, of which several files may have several orders: write it as text, or one file"
            )));
        }
        let taken = self.take_over(note, dir, &target, wanted, place)?;
        let done = CommittedStage {
            id: note.stage.clone(),
            name: note.item.clone(),
            version: String::new(),
            was_committed: false,
            files: taken.len(),
            rewritten: taken.iter().filter(|file| file.is_rewritten).count(),
            rows: found,
            size_bytes: taken.iter().map(|file| file.payload.size).sum(),
            num_rows: found,
        };
        let Some(record) = &target.record else {
            self.put_staged(note, &target.grown, &taken, place, found)?;
            return Ok(done);
        };
        if !taken.is_empty() {
            let columns = column_types(&parquet_table_fields(&target.grown, found));
            let inputs = (note.input_names(), note.input_versions());
            let continues = target.categories.are_extended();
            self.append_parts(
                record,
                &target.schema,
                parts_of(&taken),
                columns,
                (continues, Some(&note.stage)),
                inputs,
            )?;
        }
        if let Some(text) = &note.description {
            self.update_item(&note.item, Some(text), None)?;
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
            let source = storage.open_sized(&payload.path, payload.size)?;
            match ForeignParquet::of(Path::new(info.path.as_str()), source).is_ok_and(|again| again == *file) {
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
                let (rows, columns) = (file.rows, file.schema.fields().len() as u64);
                taken.push(Taken { payload, rows, columns, is_rewritten: false });
                continue;
            }
            let source = storage.open_sized(&info.path, info.size)?;
            let rows = read_foreign_parquet(Path::new(info.path.as_str()), source)?;
            let fitted = fit_rows(&note.item, &target.for_file(&file), rows, note.evolve, &target.categories);
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
                let parts = parts_of(taken);
                fields.extend(self.write_stub(&note.item, &parts)?);
                fields.insert("size_bytes".to_owned(), parts.iter().map(|part| part.size_bytes).sum::<u64>().into());
                fields.insert(PARTS.to_owned(), serde_json::to_value(&parts).unwrap_or_default());
            }
        }
        fields.insert(STAGES_TAKEN.to_owned(), vec![note.stage.as_str()].into());
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
fn parts_of(taken: &[Taken]) -> Vec<Part> {
    taken.iter().map(|file| part_of_payload(&file.payload, file.rows, file.columns)).collect()
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
