//! Arrow IPC files (Feather of version 2 is one) and streams.
//!
//! Opening reads the footer and the header of each message (a stream: one walk from header to header), and no value. Each read
//! decodes just its rows: buffers are cut before anything is made of them, so that a record batch of many gigabytes costs what is
//! asked of it. Every place and length is checked against the file. Compressed batches are decoded as a whole.

mod codec;
mod decode;
mod dictionary;
mod layout;
mod message;
#[cfg(test)]
mod tests;
mod walk;

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;

use self::decode::Decoder;
use self::dictionary::Dictionaries;
use self::walk::{BatchPlace, walk};
use super::{Batches, RawBatch, RawBatches, Source, even_tasks, file_fingerprint};
use crate::error::{ColumnsError, ColumnsResult};
use crate::store::{Guard, Store};

/// The rows of an Arrow IPC file or stream.
#[derive(Debug)]
pub struct IpcSource {
    store: Store,
    schema: SchemaRef,
    batches: Vec<BatchPlace>,
    dictionaries: Dictionaries,
    rows: u64,
    fingerprint: Option<String>,
}

impl IpcSource {
    /// Opens the file at `path`, mapped or to be read in pieces. `fingerprint` names its content, where that is known.
    ///
    /// # Errors
    /// Where the file is no Arrow IPC, or its headers point outside of it.
    pub fn open(path: impl AsRef<Path>, mapped: bool, fingerprint: Option<String>) -> ColumnsResult<Self> {
        Self::of_store(Store::open(path.as_ref(), mapped)?, fingerprint)
    }

    /// Maps a file that is open already, and asks `guard` before anything of it is used. Errors call it by `path`.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), and of the guard.
    pub fn guarded(file: File, path: &Path, guard: Guard, fingerprint: Option<String>) -> ColumnsResult<Self> {
        Self::of_store(Store::of_file(file, path, true, Some(guard))?, fingerprint)
    }

    fn of_store(store: Store, fingerprint: Option<String>) -> ColumnsResult<Self> {
        let found = walk(&store)?;
        let rows = found.batches.last().map_or(0, |batch| batch.start + batch.rows);
        let dictionaries = Dictionaries::new(found.dictionaries);
        Ok(Self { store, schema: found.schema, batches: found.batches, dictionaries, rows, fingerprint })
    }

    /// The batches that have some of these rows, with the rows of each that are meant.
    fn parts(&self, rows: Range<u64>) -> ColumnsResult<impl Iterator<Item = (&BatchPlace, Range<usize>)> + Send + '_> {
        if rows.start > rows.end || rows.end > self.rows {
            return Err(ColumnsError::option(format!(
                "rows {} to {} of '{}' were asked for, and there are {}",
                rows.start,
                rows.end,
                self.name(),
                self.rows
            )));
        }
        self.store.check_length()?;
        let first = self.batches.partition_point(|batch| batch.start + batch.rows <= rows.start);
        let batches = self.batches.iter().skip(first).take_while({
            let end = rows.end;
            move |batch| batch.start < end
        });
        Ok(batches.filter(|batch| batch.rows > 0).map(move |batch| {
            let from = rows.start.max(batch.start) - batch.start;
            let to = rows.end.min(batch.start + batch.rows) - batch.start;
            (batch, from as usize..to as usize)
        }))
    }

    fn decoder<'s>(&'s self, batch: &'s BatchPlace) -> ColumnsResult<Decoder<'s>> {
        let layout = batch.layout(&self.store, &self.schema)?;
        Ok(Decoder::new(&self.store, layout, &self.dictionaries, batch.order))
    }
}

impl Source for IpcSource {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn name(&self) -> String {
        self.store.path().display().to_string()
    }

    fn tasks(&self, rows: Range<u64>, target: u64) -> Vec<Range<u64>> {
        let mut tasks: Vec<Range<u64>> = Vec::new();
        for batch in &self.batches {
            let part = rows.start.max(batch.start)..rows.end.min(batch.start + batch.rows);
            if part.start >= part.end {
                continue;
            }
            // Many small batches make one task, and what is compressed is not decoded twice.
            match tasks.last_mut().filter(|last| part.end - last.start <= target) {
                Some(last) => last.end = part.end,
                None if batch.compressed => tasks.push(part),
                None => tasks.extend(even_tasks(part, target)),
            }
        }
        tasks
    }

    fn read(&self, rows: Range<u64>, columns: &[usize]) -> ColumnsResult<Batches<'_>> {
        let schema = Arc::new(self.schema.project(columns)?);
        let columns = columns.to_vec();
        Ok(Box::new(self.parts(rows)?.map(move |(batch, rows)| {
            let decoder = self.decoder(batch)?;
            let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
            let arrays = columns.iter().map(|column| decoder.column(&self.schema, *column, rows.clone()));
            Ok(RecordBatch::try_new_with_options(schema.clone(), arrays.collect::<ColumnsResult<_>>()?, &options)?)
        })))
    }

    fn read_raw(&self, rows: Range<u64>, columns: &[usize]) -> ColumnsResult<RawBatches<'_>> {
        let columns = columns.to_vec();
        Ok(Box::new(self.parts(rows)?.map(move |(batch, rows)| {
            let decoder = self.decoder(batch)?;
            let raw = columns.iter().map(|column| decoder.raw_column(&self.schema, *column, rows.clone()));
            Ok(RawBatch { columns: raw.collect::<ColumnsResult<_>>()?, rows: rows.len() })
        })))
    }

    fn check(&self) -> ColumnsResult<()> {
        self.store.check_length()
    }

    fn fingerprint(&self, columns: &[usize]) -> Option<String> {
        file_fingerprint(&self.store, self.fingerprint.as_ref(), columns)
    }
}
