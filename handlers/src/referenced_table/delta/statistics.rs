//! What the log of a Delta table tells of its values: which rows a condition can hold for, and the facts of the columns.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatchReader};
use datafolio_delta::{ColumnBounds, DeltaError, DeltaFile, DeltaTable, ReadOptions};

use super::DeltaTarget;
use crate::error::HandlerResult;
use crate::guard::guarded;
use crate::page_rows::{RowsWithin, ValueSpan, joined};
use crate::table::TableReadOptions;
use crate::table_facts::{ColumnFacts, extreme, json_value};

/// So many files are looked at together at most, and at least, and of all columns so many bounds, which are in memory at once.
const FILES: usize = 4_096;
const FEWEST_FILES: usize = 16;
const BOUNDS: usize = 1 << 18;

impl DeltaTarget {
    /// The rows of files that may have values within all of these spans. How many rows a file has stands in the log; where it does not, its
    /// footer is read.
    pub(crate) fn rows_within(&self, spans: &[ValueSpan]) -> HandlerResult<RowsWithin> {
        let table = self.table()?;
        let mut columns: Vec<&str> = spans.iter().map(|span| span.column.as_str()).collect();
        columns.sort_unstable();
        columns.dedup();
        // Which of the columns each span is of; they have all of them.
        let of_spans: Vec<usize> =
            spans.iter().filter_map(|span| columns.binary_search(&span.column.as_str()).ok()).collect();
        let (found, all) = guarded(&self.named.path, || {
            let within = || -> Result<_, DeltaError> {
                let files = table.files_with_statistics()?;
                let bounds = table.bounds(&files, &columns)?;
                let (mut found, mut start) = (Vec::new(), 0_u64);
                for (place, file) in files.iter().enumerate() {
                    let end = start.saturating_add(table.rows_of(file)?);
                    let may_hold = |(span, column): (&ValueSpan, &usize)| {
                        let Some(bounds) = bounds.get(*column) else { return true };
                        // What is null compares with nothing.
                        !bounds.are_all_null[place] && span.may_hold(&bounds.mins, &bounds.maxes, place)
                    };
                    if spans.iter().zip(&of_spans).all(may_hold) {
                        found.push(start..end);
                    }
                    start = end;
                }
                Ok((found, start))
            };
            within().map_err(|error| self.named.told(error))
        })?;
        let in_groups = found.iter().map(|rows| rows.end - rows.start).sum();
        Ok(RowsWithin { rows: joined(found.into_iter()), in_groups, all, is_unchecked: false })
    }

    /// Reads the rows of ranges, which ascend and do not touch: files between them are not opened.
    pub(in crate::referenced_table) fn open_ranges(
        &self,
        part: &TableReadOptions,
        ranges: Arc<[Range<u64>]>,
    ) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
        self.read(part, ReadOptions { ranges: Some(ranges), ..Self::options(part) })
    }

    /// What the statistics of all files say of the columns, where each of them says something.
    pub(super) fn column_facts(&self, table: &DeltaTable, files: &[DeltaFile]) -> HandlerResult<Vec<ColumnFacts>> {
        let columns: Vec<&str> = table.schema().fields().iter().map(|field| field.name().as_str()).collect();
        let mut seen: Vec<Seen> = columns.iter().map(|_| Seen::default()).collect();
        for files in files.chunks((BOUNDS / columns.len().max(1)).clamp(FEWEST_FILES, FILES)) {
            let bounds =
                guarded(&self.named.path, || table.bounds(files, &columns).map_err(|error| self.named.told(error)))?;
            for (seen, bounds) in seen.iter_mut().zip(&bounds) {
                files.iter().enumerate().for_each(|(place, file)| seen.add(file, bounds, place));
                seen.settle();
            }
        }
        let fields = table.schema().fields().iter().zip(seen);
        Ok(fields.map(|(field, seen)| seen.told(ColumnFacts::unknown(field))).collect())
    }
}

/// What the files that were looked at so far say of a column.
#[derive(Debug)]
struct Seen {
    nulls: Option<u64>,
    mins: Vec<ArrayRef>,
    maxes: Vec<ArrayRef>,
    /// Whether no file with values is without bounds.
    is_known: bool,
    is_exact: bool,
}

impl Default for Seen {
    fn default() -> Self {
        Self { nulls: Some(0), mins: Vec::new(), maxes: Vec::new(), is_known: true, is_exact: true }
    }
}

impl Seen {
    fn add(&mut self, file: &DeltaFile, bounds: &ColumnBounds, place: usize) {
        if file.rows() == Some(0) {
            return;
        }
        self.nulls = self.nulls.zip(bounds.null_counts[place]).map(|(one, other)| one.saturating_add(other));
        if bounds.are_all_null[place] {
            return;
        }
        self.is_known &= bounds.mins.is_valid(place) && bounds.maxes.is_valid(place);
        // A file whose rows nobody has counted may have none.
        self.is_exact &= bounds.are_exact[place] && file.rows().is_some();
        if self.is_known {
            self.mins.push(bounds.mins.slice(place, 1));
            self.maxes.push(bounds.maxes.slice(place, 1));
        }
    }

    /// Keeps the smallest and the largest of what there is.
    fn settle(&mut self) {
        self.mins = extreme(self.mins.iter(), false).into_iter().collect();
        self.maxes = extreme(self.maxes.iter(), true).into_iter().collect();
    }

    fn told(self, unknown: ColumnFacts) -> ColumnFacts {
        let value = |found: &[ArrayRef]| {
            // JSON has no infinity.
            found.first().filter(|_| self.is_known).and_then(json_value).filter(|value| !value.is_null())
        };
        let (min, max) = (value(&self.mins), value(&self.maxes));
        let is_exact = self.is_exact && self.is_known && min.is_some() && max.is_some();
        ColumnFacts { null_count: self.nulls, min, max, is_exact, ..unknown }
    }
}
