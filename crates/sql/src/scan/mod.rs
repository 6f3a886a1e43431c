//! Conditions that are looked at here, without DuckDB: of the columns that a condition names all rows in question are read, and then the
//! rows that it holds for.
//!
//! Only conditions whose meaning is known to the last value are, so that nobody can tell from the rows who looked.

mod evaluate;
mod kept;
mod predicate;
mod slab;
#[cfg(test)]
mod tests;
mod typed;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{RecordBatch, RecordBatchReader};

pub use self::predicate::Predicate;
pub use self::typed::{Stage, Test};
use crate::control::QueryControl;
use crate::error::{SqlError, SqlResult};
use crate::fetch::{ByNumber, Fetched};
use crate::lanes::Lanes;
use crate::reader::{QueryReader, Stop, ahead_of, begin};
use crate::session::{Failure, Settings};

/// Rows that are looked through before the first of them are given, and at a time later on.
const FIRST_ROWS: u64 = 1 << 16;
const MOST_ROWS: u64 = 1 << 20;

/// Columns of a table whose rows are looked through.
pub trait Scannable: ByNumber {
    /// All rows of these numbers, of which none is behind the end.
    ///
    /// # Errors
    /// When the table cannot be read.
    fn stretch(&self, rows: Range<u64>) -> Result<Box<dyn RecordBatchReader + Send>, Failure>;

    /// Some of the columns, by their places.
    fn only(&self, places: &[usize]) -> Arc<dyn ByNumber>;
}

/// A table whose rows are looked through.
#[derive(Debug)]
pub struct Scan {
    /// The condition on them.
    pub test: Test,
    /// The columns that it looks at: those of each of its stages, in their order.
    pub asked: Vec<Arc<dyn Scannable>>,
    /// Those that are given.
    pub columns: Arc<dyn Scannable>,
    /// Whether [`ROW`](crate::ROW) follows these.
    pub is_numbered: bool,
    /// The rows of the table, in parts that are looked through side by side and given in turn.
    pub shares: Vec<Range<u64>>,
    /// Those among them that the condition may hold for, in ranges that ascend; `None` for all.
    pub in_question: Option<Vec<Range<u64>>>,
    /// Of those that it holds for, leave out so many, and give at most so many.
    pub offset: u64,
    /// `None` for all.
    pub limit: Option<u64>,
}

/// The rows of a table that a condition holds for, in the order of the table.
///
/// # Errors
/// [`SqlError::Failed`] where there are no threads to be had. Those of the table come with its rows.
pub fn scan(settings: &Settings, scan: Scan) -> SqlResult<QueryReader> {
    // Rows that are counted come from one thread.
    let is_counted = scan.offset > 0 || scan.limit.is_some();
    let parts = scan.shares.len().max(1);
    let width = if is_counted { 1 } else { settings.threads.unwrap_or(1).clamp(1, parts) };
    let lanes = Arc::new(Lanes::new(parts, width, ahead_of(settings, width)));
    settings.control.attach(&lanes, &[]);
    let columns: Arc<dyn ByNumber> = scan.columns.clone();
    let given = Fetched { columns, is_numbered: scan.is_numbered };
    let schema = given.schema();
    let scanning = Scanning {
        scan,
        given,
        lanes: Arc::clone(&lanes),
        control: settings.control.clone(),
        timeout: settings.timeout,
    };
    let scanning = Arc::new(scanning);
    let workers = (0..width).map(|_| {
        let scanning = Arc::clone(&scanning);
        move || scanning.work()
    });
    begin(settings, lanes, schema, workers.collect())
}

/// What the threads have in common.
struct Scanning {
    scan: Scan,
    given: Fetched,
    lanes: Arc<Lanes>,
    control: QueryControl,
    timeout: Option<Duration>,
}

/// The rows that are still to be left out, and to be given.
struct Counted {
    skip: u64,
    take: u64,
}

impl Counted {
    /// Those of a batch.
    fn of(&mut self, batch: &RecordBatch) -> RecordBatch {
        let rows = batch.num_rows() as u64;
        let skipped = self.skip.min(rows);
        self.skip -= skipped;
        let taken = self.take.min(rows - skipped);
        self.take -= taken;
        // Both fit: they are at most the rows of a batch in memory.
        batch.slice(skipped as usize, taken as usize)
    }
}

impl Scanning {
    /// Fills one part after the other.
    fn work(&self) {
        let mut counted = Counted { skip: self.scan.offset, take: self.scan.limit.unwrap_or(u64::MAX) };
        while let Some(lane) = self.lanes.claim() {
            match self.fill(lane, &mut counted) {
                Ok(true) => self.lanes.end(lane),
                Ok(false) => return,
                Err(stop) => {
                    self.lanes.push(lane, Err(stop));
                    return;
                }
            }
        }
    }

    /// Fills a part; `false` when nobody wants the rest of it.
    fn fill(&self, lane: usize, counted: &mut Counted) -> Result<bool, Stop> {
        let Range { mut start, end } = self.scan.shares.get(lane).cloned().unwrap_or_default();
        let mut step = if lane == 0 { FIRST_ROWS } else { MOST_ROWS };
        while start < end && counted.take > 0 {
            let rows = start..end.min(start.saturating_add(step));
            (start, step) = (rows.end, MOST_ROWS);
            let give = |batch: RecordBatch| {
                self.go_on()?;
                let batch = counted.of(&batch);
                let is_wanted = batch.num_rows() == 0 || self.lanes.push(lane, Ok(batch));
                Ok(is_wanted && counted.take > 0)
            };
            if !self.slab(rows, give)? {
                return Ok(counted.take == 0);
            }
        }
        Ok(true)
    }

    /// Whether the query has not been stopped.
    fn go_on(&self) -> Result<(), Stop> {
        match self.control.was_stopped() {
            true => Err(Stop::Sql(self.control.why(SqlError::Cancelled, self.timeout))),
            false => Ok(()),
        }
    }
}

type Rows = Result<Box<dyn RecordBatchReader + Send>, Failure>;
