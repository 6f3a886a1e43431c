//! Reading a table whose rows lie in several files of the bundle.

use std::collections::{HashSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, RecordBatchReader, new_null_array};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafolio_core::ItemRecord;
use datafolio_storage::{Storage, Verification, VerifiedCache};

use super::joint::{can_be_joint, read_joint};
use super::keyed::with_keyed_texts;
use super::milliseconds::{stored, stored_type};
use super::parquet_read::ParquetFile;
use super::payload::open_parquet;
use super::source::SourceFile;
use super::{Decoders, Spread, TableReadOptions, places};
use crate::error::{HandlerError, HandlerResult};
use crate::guard::{Batches, GuardedReader, InPayload};
use crate::handler::Item;
use crate::included_table::{open_stored, source_of};
use crate::stored_file::{StoredFile, files_with_columns, stored_files};

type TableReader = Box<dyn RecordBatchReader + Send>;

/// Opens a part of a table of several files.
///
/// # Errors
/// As [`read_table`](crate::read_table), with the name of the part.
pub(crate) fn read_parts(item: &Item<'_>, part: &TableReadOptions) -> HandlerResult<TableReader> {
    let name = item.name().to_owned();
    let files = Files::of(item)?;
    let mut schema = files.schema()?;
    if let Some(wanted) = &part.columns {
        let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let places = places(&name, &columns, wanted)?;
        schema = Arc::new(schema.project(&places).map_err(HandlerError::from)?);
    }
    let opens_ahead = part.threads > 1;
    let batches = PartBatches {
        schema: schema.clone(),
        wanted: Spread::new(TableReadOptions { decoders: opens_ahead.then(Decoders::default), ..part.clone() }),
        next: 0,
        planned: VecDeque::new(),
        are_joint: files.can_be_joint() && part.rows.is_none(),
        current: None,
        upcoming: VecDeque::new(),
        opens_ahead,
        are_texts_keyed: part.are_texts_keyed,
        files,
    };
    Ok(Box::new(GuardedReader::blaming(name, schema, batches)))
}

/// The files of a table, and what it takes to open one after the item is out of sight.
struct Files {
    record: ItemRecord,
    storage: Arc<dyn Storage>,
    verification: Verification,
    cache: VerifiedCache,
    list: Vec<StoredFile>,
    /// Those that tell the columns.
    with_columns: Vec<StoredFile>,
    /// The table's columns, in order.
    columns: Vec<String>,
}

impl Files {
    fn of(item: &Item<'_>) -> HandlerResult<Self> {
        let list = stored_files(item.record())?;
        if list.is_empty() {
            return Err(item.damaged("its entry lists no part"));
        }
        Ok(Self {
            record: item.record().clone(),
            storage: Arc::clone(item.storage()),
            verification: item.verification(),
            cache: item.cache().clone(),
            with_columns: files_with_columns(item.record())?,
            columns: item.record().strings("columns").into_iter().map(str::to_owned).collect(),
            list,
        })
    }

    fn open(&self, file: &StoredFile, part: &TableReadOptions) -> HandlerResult<TableReader> {
        let item = Item::new(&self.record, &self.storage, self.verification, &self.cache);
        open_stored(&item, file, part).map_err(|error| in_part(file, error))
    }

    /// Whether files of this table may be read together: on a store each is asked for what is wanted of it before.
    fn can_be_joint(&self) -> bool {
        self.record.str("table_format").is_none_or(|format| format == "parquet") && !self.storage.is_remote()
    }

    /// Opens a file that is to be read with others, whose errors are kept with those of `first`.
    fn open_joint(
        &self,
        file: &StoredFile,
        part: &TableReadOptions,
        first: Option<&SourceFile>,
    ) -> HandlerResult<(InPayload, ParquetFile)> {
        let item = Item::new(&self.record, &self.storage, self.verification, &self.cache);
        let source = source_of(&item, file, part)?.among(file.path.as_str(), first);
        open_parquet(item.name(), source, file.rows, part)
    }

    fn schema_of(&self, file: &StoredFile) -> HandlerResult<SchemaRef> {
        Ok(self.open(file, &TableReadOptions::default())?.schema())
    }

    /// Whether a file has all columns of the table. They only ever get more, and a part keeps those that it was written with.
    fn is_complete(&self, file: &StoredFile) -> bool {
        file.columns == Some(self.columns.len() as u64)
    }

    /// The columns of the table: those of a file that has all of them, else of as many files as it takes.
    fn schema(&self) -> HandlerResult<SchemaRef> {
        let mut failed = None;
        for file in self.with_columns.iter().rev().filter(|file| self.is_complete(file)) {
            // A part that is damaged is told of when its rows are wanted; the others have the same columns.
            match self.schema_of(file).and_then(|schema| self.in_order(&[schema])) {
                Ok(schema) => return Ok(schema),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            Some(error) => Err(error),
            None => {
                let schemas = self.with_columns.iter().rev().map(|file| self.schema_of(file));
                self.in_order(&schemas.collect::<HandlerResult<Vec<_>>>()?)
            }
        }
    }

    /// The columns of the table, each from the first of these that has it.
    fn in_order(&self, schemas: &[SchemaRef]) -> HandlerResult<SchemaRef> {
        let mut found: Vec<Option<Arc<Field>>> = vec![None; self.columns.len()];
        for (name, found) in self.columns.iter().zip(&mut found) {
            *found = schemas.iter().find_map(|schema| schema.fields().find(name)).map(|(_, field)| field.clone());
        }
        let missing = self.columns.iter().zip(&found).find(|(_, found)| found.is_none());
        if let Some((name, _)) = missing {
            let item = self.record.name().to_owned();
            return Err(HandlerError::Damaged { item, reason: format!("no part of it has the column {name:?}") });
        }
        let fields: Vec<Arc<Field>> = found.into_iter().flatten().collect();
        let metadata = schemas.first().map(|schema| schema.metadata().clone()).unwrap_or_default();
        Ok(Arc::new(Schema::new_with_metadata(fields, metadata)))
    }
}

/// Names the part that is damaged.
pub(crate) fn in_part(file: &StoredFile, error: HandlerError) -> HandlerError {
    match error {
        HandlerError::Damaged { item, reason } => {
            HandlerError::Damaged { item, reason: format!("part {}: {reason}", file.path) }
        }
        other => other,
    }
}

/// Names the parts of which one is damaged, where the error does not say which.
fn in_one_of(first: &StoredFile, last: &StoredFile, error: HandlerError) -> HandlerError {
    match error {
        HandlerError::Damaged { item, reason } if !reason.starts_with("part ") => {
            let reason = format!("one of its parts from {} to {}: {reason}", first.path, last.path);
            HandlerError::Damaged { item, reason }
        }
        other => other,
    }
}

struct PartBatches {
    schema: SchemaRef,
    files: Files,
    wanted: Spread,
    /// The file that was not looked at yet.
    next: usize,
    /// What is wanted of files that were looked at and not opened.
    planned: VecDeque<(usize, HandlerResult<TableReadOptions>)>,
    /// Whether files are read together where they can be.
    are_joint: bool,
    current: Option<(Opened, TableReader)>,
    /// Those of the files behind it, which are opened while this one is read: threads decode them where they would wait for it.
    upcoming: VecDeque<(Opened, HandlerResult<TableReader>)>,
    opens_ahead: bool,
    are_texts_keyed: bool,
}

/// Which files were opened: one, or several that are read as one.
#[derive(Debug, Clone)]
struct Opened(Range<usize>);

/// Files that are opened ahead have so many bytes together when they are decoded, or are one...
const AHEAD_BYTES: u64 = 1 << 20;
/// ...and are so many at most: each keeps its file open.
const AHEAD_FILES: usize = 16;
/// As many are read together.
const JOINT_FILES: usize = 16;

impl Batches for PartBatches {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        loop {
            if let Some((Opened(files), reader)) = &mut self.current
                && let Some(file) = self.files.list.get(files.start)
            {
                match reader.next() {
                    Some(batch) => {
                        let last = self.files.list.get(files.end - 1);
                        let named = |error| match last.filter(|_| files.len() > 1) {
                            Some(last) => in_one_of(file, last, error),
                            None => in_part(file, error),
                        };
                        let batch = batch.map_err(|error| named(error.into()))?;
                        return self.conform(file, batch).map(Some);
                    }
                    None => self.current = None,
                }
            }
            let opened = self.upcoming.pop_front().or_else(|| self.open_next());
            let Some((files, reader)) = opened else { return Ok(None) };
            self.current = Some((files, reader?));
            self.open_ahead();
        }
    }
}

impl PartBatches {
    fn open_ahead(&mut self) {
        let all = || self.upcoming.iter().map(|(files, _)| files);
        let (mut bytes, mut files): (u64, usize) =
            (all().map(|files| self.size_of(files)).sum(), all().map(|files| files.0.len()).sum());
        while self.opens_ahead && bytes < AHEAD_BYTES && files < AHEAD_FILES {
            let Some(opened) = self.open_next() else { break };
            bytes = bytes.saturating_add(self.size_of(&opened.0));
            files += opened.0.0.len();
            self.upcoming.push_back(opened);
        }
    }

    /// About how many bytes files have when they are decoded, of which compression may have left next to nothing.
    fn size_of(&self, files: &Opened) -> u64 {
        let of = |file: &StoredFile| {
            let values = file.rows.map(|rows| rows.saturating_mul(self.schema.fields().len() as u64));
            match (file.expected.size, values) {
                (Some(size), Some(values)) => size.max(values.saturating_mul(8)),
                _ => AHEAD_BYTES,
            }
        };
        let files = self.files.list.get(files.0.clone()).unwrap_or_default();
        files.iter().map(of).fold(0, u64::saturating_add)
    }

    /// What is wanted of the next file that has rows which are wanted.
    fn next_wanted(&mut self) -> Option<(usize, HandlerResult<TableReadOptions>)> {
        if let Some(planned) = self.planned.pop_front() {
            return Some(planned);
        }
        while !self.wanted.is_done() {
            let index = self.next;
            let rows = self.files.list.get(index)?.rows.unwrap_or_default();
            self.next += 1;
            match self.wanted.next_file(|| Ok(rows)) {
                Err(error) => return Some((index, Err(error))),
                Ok(None) => {}
                Ok(Some(part)) => {
                    self.wanted.gave(part.wanted_rows(rows));
                    return Some((index, Ok(part)));
                }
            }
        }
        None
    }

    /// Opens the next file that has rows which are wanted, or several.
    fn open_next(&mut self) -> Option<(Opened, HandlerResult<TableReader>)> {
        if let Some(joint) = self.open_joint() {
            return Some(joint);
        }
        let (index, part) = self.next_wanted()?;
        let file = self.files.list.get(index)?;
        let reader = part.and_then(|part| self.columns_of(file, part)).and_then(|part| self.files.open(file, &part));
        Some((Opened(index..index + 1), reader))
    }

    /// Opens files that follow each other and can be read as one; `None` where there are no two.
    fn open_joint(&mut self) -> Option<(Opened, HandlerResult<TableReader>)> {
        if !self.are_joint {
            return None;
        }
        let mut run: Vec<(usize, HandlerResult<TableReadOptions>)> = Vec::new();
        while run.len() < JOINT_FILES
            && let Some(next) = self.next_wanted()
        {
            run.push(next);
        }
        let opened = self.join(&run);
        let count = opened.as_ref().map_or(0, |(Opened(files), _)| files.len());
        for left in run.into_iter().skip(count).rev() {
            self.planned.push_front(left);
        }
        opened
    }

    /// As many of these as can be read as one, from the first on.
    fn join(
        &mut self,
        run: &[(usize, HandlerResult<TableReadOptions>)],
    ) -> Option<(Opened, HandlerResult<TableReader>)> {
        let (start, part) = run.first().and_then(|(index, part)| Some((*index, part.as_ref().ok()?)))?;
        let names = part.columns.as_ref().unwrap_or(&self.files.columns);
        let fitting = run.iter().enumerate().map_while(|(number, (index, part))| {
            let file = self.files.list.get(*index).filter(|file| self.files.is_complete(file))?;
            (*index == start + number).then_some((file, part.as_ref().ok()?))
        });
        let fitting: Vec<_> = fitting.collect();
        let (mut files, mut rows): (Vec<(InPayload, ParquetFile)>, u64) = (Vec::new(), 0);
        for (file, part) in fitting.iter().filter(|_| fitting.len() > 1) {
            let first = files.first().map(|(blame, _)| blame.file.clone());
            // Why it is not to be opened is told when its turn comes.
            let Ok(opened) = self.files.open_joint(file, part, first.as_ref()) else { break };
            if files.is_empty() && !can_be_joint(&opened.1, names) {
                // What is not for this one is not for others.
                self.are_joint = false;
                return None;
            }
            rows = rows.saturating_add(part.wanted_rows(opened.1.rows));
            files.push(opened);
        }
        if files.len() < 2 {
            return None;
        }
        let blame = files.first()?.0.clone();
        let files: Vec<ParquetFile> = files.into_iter().map(|(_, file)| file).collect();
        let reader = read_joint(&blame, &files, names, part, (part.offset, rows)).transpose();
        self.are_joint = reader.is_some();
        Some((Opened(start..start + files.len()), reader?))
    }

    /// What is read of a file: of the wanted columns those that it has.
    fn columns_of(&self, file: &StoredFile, part: TableReadOptions) -> HandlerResult<TableReadOptions> {
        let Some(wanted) = part.columns.as_ref().filter(|_| !self.files.is_complete(file)) else { return Ok(part) };
        let schema = self.files.schema_of(file)?;
        let known: HashSet<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let columns = wanted.iter().filter(|name| known.contains(name.as_str())).cloned().collect();
        Ok(TableReadOptions { columns: Some(columns), ..part })
    }

    /// Gives a batch of one file the columns of the table; what it does not have is null.
    fn conform(&self, file: &StoredFile, batch: RecordBatch) -> HandlerResult<RecordBatch> {
        let schema = match self.are_texts_keyed {
            true => Arc::new(with_keyed_texts(&self.schema, batch.schema_ref().fields())),
            false => SchemaRef::clone(&self.schema),
        };
        if batch.schema_ref() == &schema {
            return Ok(batch);
        }
        let rows = batch.num_rows();
        let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
            Some(column) if column.data_type() == field.data_type() => Ok(column.clone()),
            // A file that another program wrote, before others were appended to it.
            Some(column) if stored_type(column.data_type()) == *field.data_type() => {
                stored(column).map_err(|error| format!("its column {:?}: {error}", field.name()))
            }
            Some(column) => {
                Err(format!("its column {:?} is {}, not {}", field.name(), column.data_type(), field.data_type()))
            }
            None if field.is_nullable() => Ok(new_null_array(field.data_type(), rows)),
            None => Err(format!("it has no column {:?}", field.name())),
        });
        let damaged =
            |reason| in_part(file, HandlerError::Damaged { item: self.files.record.name().to_owned(), reason });
        let columns = columns.collect::<Result<Vec<_>, _>>().map_err(damaged)?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(schema, columns, &options).map_err(|error| damaged(error.to_string()))
    }
}
