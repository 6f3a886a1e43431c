//! The rows of a table as they are to be: some of them gone, or with new values. All others are what our own reader gives, so that nothing
//! of them passes through SQL, which does not have all types.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{
    Array, AsArray, BooleanArray, BooleanBufferBuilder, RecordBatch, RecordBatchOptions, RecordBatchReader, UInt32Array,
};
use arrow::compute::{concat, filter_record_batch, not, take};
use arrow::datatypes::{Int64Type, SchemaRef};
use arrow::error::ArrowError;
use datafolio_handlers::{HandlerError, Misfit};
use datafolio_sql::QueryReader;

use super::assign::assigned;

/// What becomes of the rows that are picked.
#[derive(Debug, Clone)]
pub(super) enum Picks {
    /// They go.
    Go,
    /// These columns get the values that stand behind their numbers.
    Get(Vec<usize>),
}

/// The rows of a table without, or with new values in, those that a query picks.
pub(super) struct ChangedRows {
    item: String,
    rows: Box<dyn RecordBatchReader + Send>,
    /// The number of the next row.
    next: u64,
    picked: QueryReader,
    /// What was read ahead of the rows.
    ahead: Option<RecordBatch>,
    /// The last number that was picked.
    last: Option<i64>,
    picks: Picks,
    /// How many rows were picked.
    changed: Arc<AtomicU64>,
}

impl ChangedRows {
    /// `picked` gives the numbers of rows, ascending, and new values behind them; how many they were is added to `changed`.
    pub(super) fn new(
        item: &str,
        rows: Box<dyn RecordBatchReader + Send>,
        picked: QueryReader,
        picks: Picks,
        changed: Arc<AtomicU64>,
    ) -> Self {
        Self { item: item.to_owned(), rows, next: 0, picked, ahead: None, last: None, picks, changed }
    }

    /// What was picked of the rows before this one.
    fn picked_before(&mut self, end: i64) -> Result<Vec<RecordBatch>, ArrowError> {
        let mut found = Vec::new();
        loop {
            let batch = match self.ahead.take() {
                Some(batch) => batch,
                None => match self.picked.next() {
                    Some(batch) => batch?,
                    None => return Ok(found),
                },
            };
            let numbers = numbers(&batch)?;
            let mine = numbers.partition_point(|number| *number < end);
            for number in &numbers[..mine] {
                if self.last.is_some_and(|last| last >= *number) {
                    return Err(ArrowError::ComputeError("rows were picked out of their order".to_owned()));
                }
                self.last = Some(*number);
            }
            if mine < batch.num_rows() {
                self.ahead = Some(batch.slice(mine, batch.num_rows() - mine));
            }
            if mine > 0 {
                found.push(batch.slice(0, mine));
            }
            if self.ahead.is_some() {
                return Ok(found);
            }
        }
    }

    fn change(&mut self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let start = self.next;
        self.next = start.saturating_add(batch.num_rows() as u64);
        let picked = self.picked_before(i64::try_from(self.next).unwrap_or(i64::MAX))?;
        if picked.is_empty() {
            return Ok(batch.clone());
        }
        let mut places = Vec::new();
        for piece in &picked {
            for number in numbers(piece)? {
                let place = u64::try_from(*number).ok().and_then(|number| number.checked_sub(start));
                let beyond = || ArrowError::ComputeError("a row was picked that is not there".to_owned());
                places.push(usize::try_from(place.ok_or_else(beyond)?).map_err(|_| beyond())?);
            }
        }
        self.changed.fetch_add(places.len() as u64, Ordering::Relaxed);
        let flags = flags(&places, batch.num_rows());
        match &self.picks {
            // What has no rows still has its categories.
            Picks::Go if places.len() == batch.num_rows() => Ok(batch.slice(0, 0)),
            Picks::Go => filter_record_batch(batch, &not(&flags)?),
            Picks::Get(columns) => self.assign(batch, &flags, &picked, &places, columns),
        }
    }

    /// Puts new values into the columns that are set.
    fn assign(
        &self,
        batch: &RecordBatch,
        flags: &BooleanArray,
        picked: &[RecordBatch],
        places: &[usize],
        set: &[usize],
    ) -> Result<RecordBatch, ArrowError> {
        let schema = batch.schema();
        let mut columns = batch.columns().to_vec();
        let mut from: Vec<Option<u32>> = vec![None; batch.num_rows()];
        for (number, place) in (0_u32..).zip(places) {
            if let Some(from) = from.get_mut(*place) {
                *from = Some(number);
            }
        }
        let from = UInt32Array::from(from);
        for (at, place) in set.iter().enumerate() {
            let field = schema.field(*place);
            let values: Vec<&dyn Array> = picked.iter().map(|piece| piece.column(at + 1).as_ref()).collect();
            let new = take(&concat(&values)?, &from, None)?;
            let column =
                assigned(flags, &new, &columns[*place], field).map_err(|reason| self.mismatch(field.name(), reason))?;
            if !field.is_nullable() && column.null_count() > 0 {
                let reason = "it must have a value in every row, and a new value is null".to_owned();
                return Err(self.mismatch(field.name(), reason));
            }
            columns[*place] = column;
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(schema, columns, &options)
    }

    fn mismatch(&self, column: &str, reason: String) -> ArrowError {
        let (item, column, misfit) = (self.item.clone(), column.to_owned(), Misfit::NewValue);
        ArrowError::ExternalError(Box::new(HandlerError::SchemaMismatch { item, column, misfit, reason }))
    }
}

/// The numbers of the rows of a batch that were picked.
fn numbers(picked: &RecordBatch) -> Result<&[i64], ArrowError> {
    let column = picked.columns().first().and_then(|column| column.as_primitive_opt::<Int64Type>());
    let column = column.ok_or_else(|| ArrowError::SchemaError("rows without numbers".to_owned()))?;
    Ok(column.values())
}

/// Which of so many rows are at these places.
fn flags(places: &[usize], rows: usize) -> BooleanArray {
    let mut flags = BooleanBufferBuilder::new(rows);
    flags.append_n(rows, false);
    places.iter().filter(|place| **place < rows).for_each(|place| flags.set_bit(*place, true));
    BooleanArray::new(flags.finish(), None)
}

impl Iterator for ChangedRows {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = match self.rows.next()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(error)),
        };
        Some(self.change(&batch))
    }
}

impl RecordBatchReader for ChangedRows {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
}
