//! Walking through a table in chunks of one size.

use std::collections::VecDeque;

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchReader};
use arrow::datatypes::{Int64Type, SchemaRef};
use arrow::error::ArrowError;
use datafolio_handlers::{Joined, TableReadOptions};

use super::filter::Filtered;
use super::{Conditional, IterOptions};
use crate::bundle::DataFolio;
use crate::error::{Error, Result};

impl DataFolio {
    /// Walks through a table in the order in which it is stored, in chunks of exactly `chunk_size` rows; the last one has
    /// what is left. Memory holds a chunk and the pages that the next rows lie in, however large the table is.
    ///
    /// The iterator keeps to the version that it began with, whatever is written meanwhile.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchIterator};
    /// use datafolio::{AddOptions, Data, DataFolio, IterOptions};
    ///
    /// # fn main() -> datafolio::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let folio = DataFolio::create(dir.path().join("study"))?;
    /// # let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..25_000));
    /// # let batch = RecordBatch::try_from_iter([("id", column)]).unwrap();
    /// # let schema = batch.schema();
    /// # let table = RecordBatchIterator::new([Ok(batch)], schema);
    /// # folio.add("variants", Data::Table(Box::new(table)), AddOptions::new())?;
    /// let mut sizes = Vec::new();
    /// for chunk in folio.iter_table("variants", &IterOptions::new().columns(["id"]))? {
    ///     sizes.push(chunk?.num_rows());
    /// }
    /// assert_eq!(sizes, [10_000, 10_000, 5_000]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// A chunk size of 0; rows that end before they begin; as [`DataFolio::read_table`].
    pub fn iter_table(&self, name: &str, options: &IterOptions) -> Result<TableChunks> {
        if let Some(folio) = self.checking(options.verification) {
            return folio.iter_table(name, options);
        }
        if options.chunk_size == 0 {
            return Err(Error::Invalid(format!(
                "a chunk of table '{name}' needs at least one row, and 0 are asked for"
            )));
        }
        if let Some(end) = options.end_row.filter(|end| *end < options.start_row) {
            let start = options.start_row;
            return Err(Error::Invalid(format!("table '{name}': rows from {start} to {end} end before they begin")));
        }
        let record = self.table_record(name, options.version.as_deref())?;
        if let Some(condition) = &options.filter {
            let wanted = Conditional {
                condition,
                columns: options.columns.as_deref(),
                rows: options.start_row..options.end_row.unwrap_or(u64::MAX),
                offset: 0,
                limit: None,
            };
            let rows = Source::Filtered(Box::new(self.filter_table(&record, &wanted)?));
            return Ok(TableChunks::new(rows, options.chunk_size, options.start_row));
        }
        let mut part = TableReadOptions::default();
        part.columns = options.columns.clone();
        part.offset = options.start_row;
        part.limit = options.end_row.map(|end| end.saturating_sub(options.start_row));
        part.batch_rows = options.chunk_size;
        part.threads = self.settings().threads;
        let rows = Source::All(self.open_table(&record, &part)?);
        Ok(TableChunks::new(rows, options.chunk_size, options.start_row))
    }
}

/// Where the rows of the chunks come from.
enum Source {
    /// The table.
    All(Box<dyn RecordBatchReader + Send>),
    /// Those of its rows that a condition holds for.
    Filtered(Box<Filtered>),
}

impl Source {
    fn schema(&self) -> SchemaRef {
        match self {
            Self::All(reader) => reader.schema(),
            Self::Filtered(rows) => rows.schema(),
        }
    }

    /// The next rows; with a condition, their numbers as well.
    fn next(&mut self) -> std::result::Result<Option<Pending>, ArrowError> {
        Ok(match self {
            Self::All(reader) => reader.next().transpose()?.map(|batch| Pending { batch, numbers: None }),
            Self::Filtered(rows) => {
                rows.next_numbered().transpose()?.map(|(batch, numbers)| Pending { batch, numbers: Some(numbers) })
            }
        })
    }
}

/// Rows that were read and not given yet.
struct Pending {
    batch: RecordBatch,
    numbers: Option<ArrayRef>,
}

impl Pending {
    /// The first rows, and the others if there are any.
    fn split(self, count: usize) -> (Self, Option<Self>) {
        let rows = self.batch.num_rows();
        if count >= rows {
            return (self, None);
        }
        let part = |start, length| Self {
            batch: self.batch.slice(start, length),
            numbers: self.numbers.as_ref().map(|numbers| numbers.slice(start, length)),
        };
        (part(0, count), Some(part(count, rows - count)))
    }
}

/// The chunks of a table: record batches of one size.
pub struct TableChunks {
    rows: Source,
    schema: SchemaRef,
    chunk_size: usize,
    /// Fewer rows than a chunk, but for those of the last batch.
    pending: VecDeque<Pending>,
    pending_rows: usize,
    joined: Joined,
    position: u64,
    ended: bool,
}

impl TableChunks {
    fn new(rows: Source, chunk_size: usize, position: u64) -> Self {
        let schema = rows.schema();
        Self {
            rows,
            schema,
            chunk_size,
            pending: VecDeque::new(),
            pending_rows: 0,
            joined: Joined::default(),
            position,
            ended: false,
        }
    }

    /// The columns of every chunk.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    /// The row of the table behind the last one that was given: where [`IterOptions::start_row`] goes on.
    pub fn position(&self) -> u64 {
        self.position
    }

    fn read_chunk(&mut self) -> std::result::Result<Option<RecordBatch>, ArrowError> {
        while self.pending_rows < self.chunk_size {
            let Some(next) = self.rows.next()? else { break };
            self.pending_rows += next.batch.num_rows();
            self.pending.push_back(next);
        }
        if self.pending_rows == 0 {
            return Ok(None);
        }
        let rows = self.pending_rows.min(self.chunk_size);
        let (mut taken, mut left) = (Vec::new(), rows);
        while left > 0 {
            let Some(next) = self.pending.pop_front() else { break };
            let (first, rest) = next.split(left);
            left -= first.batch.num_rows();
            if let Some(rest) = rest {
                self.pending.push_front(rest);
            }
            taken.push(first);
        }
        self.pending_rows -= rows;
        self.position = match taken.last().and_then(|last| last.numbers.as_ref()) {
            Some(numbers) => last_number(numbers).map_or(self.position, |last| last + 1),
            None => self.position + rows as u64,
        };
        // A batch that is a chunk as it came is given as it is.
        Ok(Some(match taken.as_slice() {
            [only] => only.batch.clone(),
            several => {
                let batches: Vec<RecordBatch> = several.iter().map(|pending| pending.batch.clone()).collect();
                self.joined.concat(&self.schema, &batches)?
            }
        }))
    }
}

/// The last of the numbers of rows.
fn last_number(numbers: &ArrayRef) -> Option<u64> {
    numbers.as_primitive_opt::<Int64Type>()?.values().last().map(|number| number.unsigned_abs())
}

impl Iterator for TableChunks {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.read_chunk();
        self.ended = !matches!(next, Ok(Some(_)));
        next.map_err(Into::into).transpose()
    }
}

impl std::fmt::Debug for TableChunks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableChunks")
            .field("chunk_size", &self.chunk_size)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatchIterator};
    use arrow::datatypes::Int64Type;

    use super::*;

    fn reader(sizes: &[i64]) -> Box<dyn RecordBatchReader + Send> {
        let mut next = 0;
        let batches: Vec<_> = sizes
            .iter()
            .map(|size| {
                let column: ArrayRef = Arc::new(Int64Array::from_iter_values(next..next + size));
                next += size;
                RecordBatch::try_from_iter([("n", column)]).unwrap()
            })
            .collect();
        let schema = batches[0].schema();
        Box::new(RecordBatchIterator::new(batches.into_iter().map(Ok), schema))
    }

    #[test]
    fn chunks_are_of_one_size_whatever_the_batches_are() {
        for sizes in [&[7, 0, 3, 11, 1, 2][..], &[24], &[8, 8, 8], &[1; 24], &[4, 20]] {
            for chunk_size in [1, 5, 8, 24, 100] {
                let mut chunks = TableChunks::new(Source::All(reader(sizes)), chunk_size, 100);
                let (mut values, mut rows) = (Vec::new(), Vec::new());
                while let Some(chunk) = chunks.next().map(Result::unwrap) {
                    rows.push(chunk.num_rows());
                    values.extend(chunk.column(0).as_primitive::<Int64Type>().values().iter().copied());
                    assert_eq!(chunks.position(), 100 + values.len() as u64);
                }
                assert_eq!(values, (0..24).collect::<Vec<_>>(), "{sizes:?} {chunk_size}");
                let (last, full) = rows.split_last().unwrap();
                assert!(full.iter().all(|rows| *rows == chunk_size) && *last <= chunk_size && *last > 0);
            }
        }
        assert!(TableChunks::new(Source::All(reader(&[0])), 3, 0).next().is_none());
    }
}
