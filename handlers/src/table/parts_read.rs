//! Reading a table whose rows lie in several files of the bundle.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, RecordBatchReader, new_null_array};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafolio_core::ItemRecord;
use datafolio_storage::{Storage, Verification, VerifiedCache};

use super::keyed::with_keyed_texts;
use super::milliseconds::{stored, stored_type};
use super::{Decoders, Spread, TableReadOptions, places};
use crate::error::{HandlerError, HandlerResult};
use crate::guard::{Batches, GuardedReader};
use crate::handler::Item;
use crate::included_table::open_stored;
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
        files,
        wanted: Spread::new(TableReadOptions { decoders: opens_ahead.then(Decoders::default), ..part.clone() }),
        next: 0,
        current: None,
        upcoming: VecDeque::new(),
        opens_ahead,
        are_texts_keyed: part.are_texts_keyed,
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

struct PartBatches {
    schema: SchemaRef,
    files: Files,
    wanted: Spread,
    /// The file that was not looked at yet.
    next: usize,
    /// The rows of a file, by its place.
    current: Option<(usize, TableReader)>,
    /// Those of the files behind it, which are opened while this one is read: threads decode them where they would wait for it.
    upcoming: VecDeque<(usize, HandlerResult<TableReader>)>,
    opens_ahead: bool,
    are_texts_keyed: bool,
}

/// Files that are opened ahead have so many bytes together when they are decoded, or are one...
const AHEAD_BYTES: u64 = 1 << 20;
/// ...and are so many at most: each keeps its file open.
const AHEAD_FILES: usize = 16;

impl Batches for PartBatches {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        loop {
            if let Some((index, reader)) = &mut self.current
                && let Some(file) = self.files.list.get(*index)
            {
                match reader.next() {
                    Some(batch) => {
                        let batch = batch.map_err(|error| in_part(file, error.into()))?;
                        return self.conform(file, batch).map(Some);
                    }
                    None => self.current = None,
                }
            }
            let opened = self.upcoming.pop_front().or_else(|| self.open_next());
            let Some((index, reader)) = opened else { return Ok(None) };
            self.current = Some((index, reader?));
            self.open_ahead();
        }
    }
}

impl PartBatches {
    fn open_ahead(&mut self) {
        let mut bytes: u64 = self.upcoming.iter().map(|(index, _)| self.size_of(*index)).sum();
        while self.opens_ahead && bytes < AHEAD_BYTES && self.upcoming.len() < AHEAD_FILES {
            let Some(opened) = self.open_next() else { break };
            bytes = bytes.saturating_add(self.size_of(opened.0));
            self.upcoming.push_back(opened);
        }
    }

    /// About how many bytes a file has when it is decoded, of which compression may have left next to nothing.
    fn size_of(&self, index: usize) -> u64 {
        let Some(file) = self.files.list.get(index) else { return 0 };
        let values = file.rows.map(|rows| rows.saturating_mul(self.schema.fields().len() as u64));
        match (file.expected.size, values) {
            (Some(size), Some(values)) => size.max(values.saturating_mul(8)),
            _ => AHEAD_BYTES,
        }
    }

    /// Opens the next file that has rows which are wanted.
    fn open_next(&mut self) -> Option<(usize, HandlerResult<TableReader>)> {
        while !self.wanted.is_done() {
            let index = self.next;
            let file = self.files.list.get(index)?;
            self.next += 1;
            let rows = file.rows.unwrap_or_default();
            match self.wanted.next_file(|| Ok(rows)) {
                Err(error) => return Some((index, Err(error))),
                Ok(None) => {}
                Ok(Some(part)) => {
                    self.wanted.gave(part.wanted_rows(rows));
                    let reader = self.columns_of(file, part).and_then(|part| self.files.open(file, &part));
                    return Some((index, reader));
                }
            }
        }
        None
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
