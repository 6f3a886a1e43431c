//! Rows that do not fit: written to files by the hash of their keys, and read back one part after the other.

use std::fmt;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt32Array, UInt64Array};
use arrow::compute::concat_batches;
use arrow::datatypes::{Schema, SchemaRef, UInt64Type};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use tempfile::TempDir;

use super::column::hash_rows;
use super::state::RowNumbers;
use crate::block::{Lane, array_of_lane};
use crate::error::{ColumnsError, ColumnsResult};
use crate::types::Type;

/// Parts of the hashes.
pub(super) const PARTS: usize = 32;
/// Bits of a hash that tell its part.
const BITS: u32 = 5;
/// How often a part may be cut again.
pub(super) const DEEPEST: u32 = 6;
/// Rows that wait for each part.
const WAITING: usize = 2048;

/// Which part a hash belongs to, where rows are cut for the first time, the second and so on.
pub(super) fn part_of(hash: u64, level: u32) -> usize {
    (hash >> (64 - BITS * (level + 1))) as usize & (PARTS - 1)
}

/// A directory that is made when the first row is written, and gone with the last that knows of it, whatever happens.
#[derive(Debug, Default)]
pub(crate) struct Store {
    within: Option<PathBuf>,
    made: Mutex<(Option<TempDir>, u64)>,
}

impl Store {
    /// Within a directory, or within that of the system for temporary files.
    pub(crate) fn new(within: Option<PathBuf>) -> Self {
        Self { within, made: Mutex::default() }
    }

    /// The path of a new file.
    fn path(&self) -> ColumnsResult<PathBuf> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let directory = match made.0.take() {
            Some(directory) => directory,
            None => {
                let within = self.within.clone().unwrap_or_else(std::env::temp_dir);
                tempfile::Builder::new()
                    .prefix("datafolio-groups-")
                    .tempdir_in(&within)
                    .map_err(|error| ColumnsError::io("make a directory for groups in", &within, error))?
            }
        };
        made.1 += 1;
        let path = directory.path().join(made.1.to_string());
        made.0 = Some(directory);
        Ok(path)
    }
}

/// Rows on their way to the files of their parts.
#[derive(Debug)]
pub(super) struct Writers {
    store: Arc<Store>,
    /// The types of the lanes as they are written.
    types: Vec<Type>,
    keys: usize,
    level: u32,
    parts: Vec<Part>,
}

#[derive(Default)]
struct Part {
    waiting: Vec<RecordBatch>,
    rows: usize,
    file: Option<(PathBuf, StreamWriter<BufWriter<File>>)>,
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.file.as_ref().map(|(path, _)| path);
        f.debug_struct("Part").field("rows", &self.rows).field("path", &path).finish_non_exhaustive()
    }
}

/// Files of each part.
pub(super) type Files = Vec<Vec<PathBuf>>;

impl Writers {
    /// For lanes of these types, of which the first are so many keys.
    pub(super) fn new(store: Arc<Store>, types: &[Type], keys: usize, level: u32) -> Self {
        // Instants and durations lie as ticks, which have units that Arrow has no name for.
        let plain = |type_: &Type| match type_ {
            Type::Instant(..) | Type::Duration(_) => Type::INT64,
            other => other.clone(),
        };
        let parts = (0..PARTS).map(|_| Part::default()).collect();
        Self { store, types: types.iter().map(plain).collect(), keys, level, parts }
    }

    /// Takes the rows of a block.
    pub(super) fn add(&mut self, lanes: &[Lane<'_>], count: usize, rows: RowNumbers<'_>) -> ColumnsResult<()> {
        let mut hashes = vec![0; count];
        for lane in lanes.iter().take(self.keys) {
            hash_rows(lane, &mut hashes);
        }
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(lanes.len() + 1);
        for (lane, type_) in lanes.iter().zip(&self.types) {
            arrays.push(array_of_lane(lane.clone(), count, type_)?);
        }
        arrays.push(Arc::new(UInt64Array::from_iter_values((0..count).map(|row| rows.get(row)))));
        let named = arrays.into_iter().enumerate().map(|(at, array)| (at.to_string(), array, true));
        let batch = RecordBatch::try_from_iter_with_nullable(named)?;
        let mut places: Vec<Vec<u32>> = vec![Vec::new(); PARTS];
        for (row, hash) in hashes.iter().enumerate() {
            if let Some(places) = places.get_mut(part_of(*hash, self.level)) {
                places.push(row as u32);
            }
        }
        for (part, places) in self.parts.iter_mut().zip(places) {
            if !places.is_empty() {
                part.rows += places.len();
                part.waiting.push(arrow::compute::take_record_batch(&batch, &UInt32Array::from(places))?);
            }
            if part.rows >= WAITING {
                part.write(&self.store)?;
            }
        }
        Ok(())
    }

    /// The files, with all rows.
    pub(super) fn finish(mut self) -> ColumnsResult<Files> {
        self.parts
            .iter_mut()
            .map(|part| {
                part.write(&self.store)?;
                let Some((path, mut writer)) = part.file.take() else { return Ok(Vec::new()) };
                writer.finish()?;
                Ok(vec![path])
            })
            .collect()
    }
}

impl Part {
    fn write(&mut self, store: &Store) -> ColumnsResult<()> {
        let Some(schema) = self.waiting.first().map(RecordBatch::schema) else { return Ok(()) };
        let batch = concat_batches(&schema, &self.waiting)?;
        self.waiting.clear();
        self.rows = 0;
        let writer = match &mut self.file {
            Some((_, writer)) => writer,
            None => {
                let path = store.path()?;
                let file = File::create(&path).map_err(|error| ColumnsError::io("write groups to", &path, error))?;
                let writer = StreamWriter::try_new(BufWriter::new(file), &schema)?;
                &mut self.file.insert((path, writer)).1
            }
        };
        Ok(writer.write(&batch)?)
    }
}

/// Reads the rows of a file, and takes it away.
pub(super) fn read(path: &Path, mut take: impl FnMut(&RecordBatch, &[u64]) -> ColumnsResult<()>) -> ColumnsResult<()> {
    let file = File::open(path).map_err(|error| ColumnsError::io("read groups from", path, error))?;
    for batch in StreamReader::try_new(BufReader::new(file), None)? {
        let batch = batch?;
        let last = batch.num_columns().saturating_sub(1);
        let rows = batch.column(last).as_primitive::<UInt64Type>().values().to_vec();
        let lanes: SchemaRef =
            Arc::new(Schema::new(batch.schema().fields().iter().take(last).cloned().collect::<Vec<_>>()));
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let lanes =
            RecordBatch::try_new_with_options(lanes, batch.columns().iter().take(last).cloned().collect(), &options)?;
        take(&lanes, &rows)?;
    }
    std::fs::remove_file(path).map_err(|error| ColumnsError::io("take away", path, error))
}
