//! The rows of a version, batch by batch.

use std::ops::Range;
use std::sync::Arc;
use std::vec;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::arrow_reader::RowSelection;

use crate::conform::{Wanted, words};
use crate::data_file::{DataFile, FileBatches};
use crate::error::{DeltaError, DeltaResult};
use crate::partition;
use crate::place::TableFile;
use crate::table::{DeltaFile, DeltaTable};

/// Which rows and columns of a version are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOptions {
    /// These columns, in this order; `None` for all.
    pub columns: Option<Vec<String>>,
    /// Leave out this many rows at the start.
    pub offset: u64,
    /// At most this many rows; `None` for all.
    pub limit: Option<u64>,
    /// These rows alone, counted from 0 and ascending; then `offset` and `limit` do not count. `None` for all.
    pub rows: Option<Arc<[u64]>>,
    /// The rows of these ranges alone, which ascend and do not touch; then `offset`, `limit` and `rows` do not count. `None` for all.
    pub ranges: Option<Arc<[Range<u64>]>>,
    /// Most rows of a batch, which has fewer at the end of a file, and where rows are wide.
    pub batch_rows: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { columns: None, offset: 0, limit: None, rows: None, ranges: None, batch_rows: 16_384 }
    }
}

impl DeltaTable {
    /// Reads rows. One file is open at a time, and one batch of it is in memory; files without a wanted row are not opened where the
    /// log tells how many rows they have.
    ///
    /// # Errors
    /// For columns that the table does not have, and for a damaged log.
    pub fn read(self: &Arc<Self>, options: &ReadOptions) -> DeltaResult<DeltaRows> {
        let columns = self.named(options.columns.as_deref())?;
        let schema = Arc::new(Schema::new(columns.iter().map(|column| Arc::clone(&column.field)).collect::<Vec<_>>()));
        let partitions = self.partition_columns();
        let (mut stored, mut sources) = (Vec::new(), Vec::with_capacity(columns.len()));
        for column in columns {
            if partitions.contains(column.field.name()) {
                sources.push(Source::Partition(column));
            } else {
                sources.push(Source::Stored(stored.len()));
                stored.push(column);
            }
        }
        let wanted = match (&options.ranges, &options.rows) {
            (Some(ranges), _) => Rows::Ranges { ranges: Arc::clone(ranges), next: 0 },
            (None, Some(rows)) => Rows::Picked { rows: Arc::clone(rows), next: 0 },
            (None, None) => {
                let end = options.limit.map_or(u64::MAX, |limit| options.offset.saturating_add(limit));
                Rows::Range(options.offset..end)
            }
        };
        Ok(DeltaRows {
            table: Arc::clone(self),
            schema,
            stored: Arc::new(stored),
            sources,
            files: self.files()?.into_iter(),
            wanted,
            at: 0,
            batch_rows: options.batch_rows.max(1),
            open: None,
        })
    }
}

/// Where a column's values come from.
#[derive(Debug)]
enum Source {
    /// The file: which of its wanted columns.
    Stored(usize),
    /// The log.
    Partition(Wanted),
}

/// Rows of the table that are wanted.
#[derive(Debug)]
enum Rows {
    Range(Range<u64>),
    Picked {
        rows: Arc<[u64]>,
        next: usize,
    },
    /// `next` is the first that does not end before the file that comes next.
    Ranges {
        ranges: Arc<[Range<u64>]>,
        next: usize,
    },
}

impl Rows {
    /// Whether none is left at a row or behind it.
    fn is_done(&self, at: u64) -> bool {
        match self {
            Self::Range(range) => at >= range.end || range.is_empty(),
            Self::Picked { rows, next } => *next == rows.len(),
            Self::Ranges { ranges, next } => *next == ranges.len(),
        }
    }

    /// Whether a row of this one on could be wanted of a file with so many.
    fn wants(&self, at: u64, count: u64) -> bool {
        let end = at.saturating_add(count);
        if count == 0 {
            return false;
        }
        match self {
            Self::Range(range) => range.start < end && at < range.end,
            Self::Picked { rows, next } => rows.get(*next).is_some_and(|row| *row < end),
            Self::Ranges { ranges, next } => ranges.get(*next).is_some_and(|range| range.start < end),
        }
    }

    /// Those within a file that begins at a row and has so many, as ranges counted from its first.
    fn within(&mut self, at: u64, count: u64) -> Vec<Range<u64>> {
        let end = at.saturating_add(count);
        match self {
            Self::Range(range) => {
                let (start, end) = (range.start.max(at), range.end.min(end));
                (start < end).then(|| start - at..end - at).into_iter().collect()
            }
            Self::Picked { rows, next } => {
                let first = *next;
                *next += rows[first..].partition_point(|row| *row < end);
                let mut ranges: Vec<Range<u64>> = Vec::new();
                for row in rows[first..*next].iter().filter_map(|row| row.checked_sub(at)) {
                    match ranges.last_mut() {
                        Some(last) if last.end == row => last.end += 1,
                        _ => ranges.push(row..row + 1),
                    }
                }
                ranges
            }
            Self::Ranges { ranges, next } => {
                let mut found = Vec::new();
                while let Some(range) = ranges.get(*next).filter(|range| range.start < end) {
                    let (from, to) = (range.start.max(at), range.end.min(end));
                    if from < to {
                        found.push(from - at..to - at);
                    }
                    if range.end > end {
                        break;
                    }
                    *next += 1;
                }
                found
            }
        }
    }
}

/// The rows of a version that are wanted, batch by batch.
#[derive(Debug)]
pub struct DeltaRows {
    table: Arc<DeltaTable>,
    schema: SchemaRef,
    stored: Arc<Vec<Wanted>>,
    sources: Vec<Source>,
    files: vec::IntoIter<DeltaFile>,
    wanted: Rows,
    /// The row of the table at which the next file begins.
    at: u64,
    batch_rows: usize,
    open: Option<Open>,
}

/// The file that is being read.
#[derive(Debug)]
struct Open {
    batches: FileBatches,
    /// The values of the wanted partitions, in their order.
    partition: Vec<ArrayRef>,
}

impl DeltaRows {
    /// The columns that are given.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Opens a file, unless no row of it is wanted.
    fn open(&mut self, file: &DeltaFile) -> DeltaResult<Option<Open>> {
        if let Some(rows) = file.rows()
            && !self.wanted.wants(self.at, rows)
        {
            self.at = self.at.saturating_add(rows);
            return Ok(None);
        }
        let damaged = |reason: String| DeltaError::damaged(&file.path, reason);
        let data = DataFile::open(TableFile::open(self.table.place.as_ref(), &file.path, Some(file.size))?)?;
        let stored = data.rows()?;
        if let Some(told) = file.stored_rows.filter(|told| *told != stored) {
            return Err(damaged(format!("it has {stored} rows, and the log says {told}")));
        }
        let deleted = self.table.deleted_rows(file)?;
        if deleted.len() as u64 != file.deleted_rows || deleted.last().is_some_and(|row| *row >= stored) {
            return Err(damaged("the deletion vector does not fit its rows".to_owned()));
        }
        // As many as there are places in the vector, all different and below it.
        let count = stored.saturating_sub(file.deleted_rows);
        let ranges = self.wanted.within(self.at, count);
        self.at = self.at.saturating_add(count);
        if ranges.is_empty() {
            return Ok(None);
        }
        let is_all = deleted.is_empty() && matches!(ranges.as_slice(), [all] if *all == (0..stored));
        let selection = match is_all {
            true => None,
            false => {
                let stored = usize::try_from(stored).map_err(|_| damaged("it has too many rows".to_owned()))?;
                let ranges = physical(&ranges, &deleted).into_iter();
                // Below the number of rows, which fits.
                let ranges = ranges.map(|range| range.start as usize..range.end as usize);
                Some(RowSelection::from_consecutive_ranges(ranges, stored))
            }
        };
        let partitions = self.sources.iter().filter_map(|source| match source {
            Source::Partition(column) => Some(column),
            Source::Stored(_) => None,
        });
        let partition = partitions.map(|column| {
            partition::value(column.partition_of(file), column.field.data_type())
                .map_err(|reason| damaged(format!("its partition column {:?}: {reason}", column.field.name())))
        });
        let partition = partition.collect::<DeltaResult<Vec<_>>>()?;
        Ok(Some(Open { batches: data.read(&self.stored, selection, self.batch_rows)?, partition }))
    }

    fn next_batch(&mut self) -> DeltaResult<Option<RecordBatch>> {
        let version = self.table.version();
        loop {
            if let Some(open) = &mut self.open {
                match open.batches.next().transpose().map_err(|error| error.in_version(version))? {
                    Some(batch) if batch.num_rows() == 0 => continue,
                    Some(batch) => return complete(&self.schema, &self.sources, &open.partition, &batch).map(Some),
                    None => self.open = None,
                }
            }
            if self.wanted.is_done(self.at) {
                return Ok(None);
            }
            let Some(file) = self.files.next() else { return Ok(None) };
            self.open = self.open(&file).map_err(|error| error.in_version(version))?;
        }
    }
}

impl Iterator for DeltaRows {
    type Item = DeltaResult<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_batch().transpose()
    }
}

/// A batch of a file with the columns that the log has of it.
fn complete(
    schema: &SchemaRef,
    sources: &[Source],
    partition: &[ArrayRef],
    batch: &RecordBatch,
) -> DeltaResult<RecordBatch> {
    let damaged = |reason: String| DeltaError::damaged("a batch", reason);
    let rows = batch.num_rows();
    let mut partition = partition.iter();
    let mut columns = Vec::with_capacity(sources.len());
    for source in sources {
        columns.push(match source {
            Source::Stored(place) => ArrayRef::clone(batch.column(*place)),
            Source::Partition(_) => {
                let value = partition.next().ok_or_else(|| damaged("a partition without a value".to_owned()))?;
                partition::repeated(value, rows).map_err(damaged)?
            }
        });
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(SchemaRef::clone(schema), columns, &options)
        .map_err(|error| damaged(words(&error)))
}

/// Where rows lie in a file of which some are deleted: both ascending, the wanted ones counted without the deleted ones.
fn physical(wanted: &[Range<u64>], deleted: &[u64]) -> Vec<Range<u64>> {
    let mut found: Vec<Range<u64>> = Vec::new();
    // How many deleted rows lie before the one we are at.
    let mut before = 0;
    for range in wanted {
        let mut live = range.start;
        while live < range.end {
            while deleted.get(before).is_some_and(|row| *row <= live + before as u64) {
                before += 1;
            }
            let start = live + before as u64;
            let stop = deleted.get(before).copied().unwrap_or(u64::MAX);
            let length = (stop - start).min(range.end - live);
            match found.last_mut() {
                Some(last) if last.end == start => last.end += length,
                _ => found.push(start..start + length),
            }
            live += length;
        }
    }
    found
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "rows are told by lists of ranges, also of one")]
mod tests {
    use super::*;

    #[test]
    fn rows_lie_behind_deleted_ones() {
        let deleted = [0, 3, 4, 9];
        assert_eq!(physical(&[0..6], &deleted), [1..3, 5..9]);
        assert_eq!(physical(&[0..7], &deleted), [1..3, 5..9, 10..11]);
        assert_eq!(physical(&[1..3], &deleted), [2..3, 5..6]);
        assert_eq!(physical(&[0..1, 2..3, 6..8], &deleted), [1..2, 5..6, 10..12]);
        assert_eq!(physical(&[3..5], &[]), [3..5]);
        // Each against all rows written out.
        let live: Vec<u64> = (0..20).filter(|row| !deleted.contains(row)).collect();
        for start in 0..live.len() {
            for end in start + 1..=live.len() {
                let rows: Vec<u64> = physical(&[start as u64..end as u64], &deleted).into_iter().flatten().collect();
                assert_eq!(rows, live[start..end]);
            }
        }
    }

    #[test]
    fn wanted_rows_of_files() {
        let mut picked = Rows::Picked { rows: [1, 2, 5, 12].into(), next: 0 };
        assert!(picked.wants(0, 3) && !picked.wants(0, 1));
        assert_eq!(picked.within(0, 4), [1..3]);
        assert_eq!(picked.within(4, 4), [1..2]);
        assert!(!picked.wants(8, 4) && !picked.is_done(8));
        assert_eq!(picked.within(10, 10), [2..3]);
        assert!(picked.is_done(20));
        let mut ranges = Rows::Ranges { ranges: vec![1..3, 5..12, 14..15].into(), next: 0 };
        assert!(!ranges.wants(0, 1) && ranges.wants(0, 2) && !ranges.wants(0, 0));
        assert_eq!(ranges.within(0, 6), [1..3, 5..6]);
        assert_eq!(ranges.within(6, 5), [0..5]);
        assert_eq!(ranges.within(11, 0), []);
        assert_eq!(ranges.within(11, 1), [0..1]);
        assert!(!ranges.wants(12, 2) && !ranges.is_done(12));
        assert_eq!(ranges.within(14, 9), [0..1]);
        assert!(ranges.is_done(23));
        let mut range = Rows::Range(3..6);
        assert!(!range.wants(0, 3) && range.wants(2, 2) && !range.wants(6, 9));
        assert_eq!(range.within(0, 3), []);
        assert_eq!(range.within(2, 2), [1..2]);
        assert_eq!(range.within(4, 9), [0..2]);
        assert!(range.is_done(6) && !range.is_done(5));
    }
}
