//! Conditions that are looked at here, without DuckDB: of the columns that a condition names all rows in question are read, and then the
//! rows that it holds for.
//!
//! Only conditions whose meaning is known to the last value are, so that nobody can tell from the rows who looked.

mod computed;
mod evaluate;
mod kept;
mod lists;
mod made;
mod pattern;
mod predicate;
mod properties;
mod slab;
#[cfg(test)]
mod tests;
mod texts;
mod typed;
mod within;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchReader};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

pub use self::predicate::Predicate;
pub use self::typed::{Ranges, Stage, Test};
use crate::control::QueryControl;
use crate::error::{SqlError, SqlResult};
use crate::fetch::{ByNumber, Fetched, failed};
use crate::lanes::Lanes;
use crate::reader::{QueryReader, Stop, ahead_of, begin};
use crate::session::{Failure, Settings};

/// Rows that are looked through before the first of them are given, and at a time later on.
const FIRST_ROWS: u64 = 1 << 16;
const MOST_ROWS: u64 = 1 << 20;

/// Columns of a table whose rows are looked through.
pub trait Scannable: ByNumber {
    /// All rows of these numbers, of which none is behind the end. For a condition, a batch may have texts as places in a dictionary (of 32
    /// bits, without a sign), each of which is looked at once then.
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
    let width = if is_counted { 1 } else { settings.threads.unwrap_or(1) };
    let scanning = Scanning::new(settings, scan, width);
    let schema = scanning.given.schema();
    scanning.begin(settings, schema, width, Scanning::work)
}

/// How many rows of a table a condition holds for: one row, with a column of this name. What else is said of columns and rows does not count.
///
/// # Errors
/// As [`scan`].
pub fn count(settings: &Settings, scan: Scan, name: &str) -> SqlResult<QueryReader> {
    let width = settings.threads.unwrap_or(1);
    let schema = Arc::new(Schema::new(vec![Field::new(name, DataType::Int64, true)]));
    let scanning = Scanning::new(settings, scan, width);
    let counting = Arc::new(Counting { parts: AtomicUsize::new(scanning.lanes.complete().1), rows: AtomicU64::new(0) });
    let of = SchemaRef::clone(&schema);
    scanning.begin(settings, schema, width, move |scanning| scanning.count_all(&counting, &of))
}

/// What was counted so far, and how many parts are still to be counted.
struct Counting {
    parts: AtomicUsize,
    rows: AtomicU64,
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
    fn new(settings: &Settings, scan: Scan, threads: usize) -> Self {
        let columns: Arc<dyn ByNumber> = scan.columns.clone();
        let given = Fetched { columns, is_numbered: scan.is_numbered };
        let parts = scan.shares.len().max(1);
        let width = threads.clamp(1, parts);
        let lanes = Arc::new(Lanes::new(parts, width, ahead_of(settings, width)));
        Self { scan, given, lanes, control: settings.control.clone(), timeout: settings.timeout }
    }

    /// Has so many threads do their share of the work.
    fn begin(
        self,
        settings: &Settings,
        schema: SchemaRef,
        threads: usize,
        work: impl Fn(&Self) + Clone + Send + 'static,
    ) -> SqlResult<QueryReader> {
        let lanes = Arc::clone(&self.lanes);
        settings.control.attach(&lanes, &[]);
        let width = threads.clamp(1, lanes.complete().1);
        let this = Arc::new(self);
        let workers = (0..width).map(|_| {
            let (this, work) = (Arc::clone(&this), work.clone());
            move || work(&this)
        });
        begin(settings, lanes, schema, workers.collect())
    }

    /// Counts one part after the other; who has the last one gives the number.
    fn count_all(&self, counting: &Counting, schema: &SchemaRef) {
        while let Some(lane) = self.lanes.claim() {
            let counted = self.steps(lane).try_fold(0, |all, rows| {
                self.go_on()?;
                Ok(all + self.count(rows)?)
            });
            let next = counted.and_then(|rows: u64| {
                let all = counting.rows.fetch_add(rows, Ordering::SeqCst) + rows;
                // Whoever comes last has seen what all others have added.
                let is_last = counting.parts.fetch_sub(1, Ordering::SeqCst) == 1;
                let batch = || {
                    let count: ArrayRef = Arc::new(Int64Array::from(vec![all.cast_signed()]));
                    RecordBatch::try_new(SchemaRef::clone(schema), vec![count])
                };
                is_last.then(batch).transpose().map_err(|error| failed(&error.to_string()))
            });
            match next {
                Ok(None) => self.lanes.end(lane),
                Ok(Some(batch)) => {
                    if !self.lanes.push(lane, Ok(batch)) {
                        return;
                    }
                    self.lanes.end(lane);
                }
                Err(stop) => {
                    self.lanes.push(lane, Err(stop));
                    return;
                }
            }
        }
    }

    /// The rows of a part in stretches that are looked through at a time.
    fn steps(&self, lane: usize) -> impl Iterator<Item = Range<u64>> + use<> {
        let Range { start, end } = self.scan.shares.get(lane).cloned().unwrap_or_default();
        let first = if lane == 0 { FIRST_ROWS } else { MOST_ROWS };
        let next =
            move |rows: &Range<u64>| (rows.end < end).then(|| rows.end..end.min(rows.end.saturating_add(MOST_ROWS)));
        let first = (start < end).then(|| start..end.min(start.saturating_add(first)));
        std::iter::successors(first, next)
    }

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
        for rows in self.steps(lane) {
            if counted.take == 0 {
                break;
            }
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

    /// An error where the query was stopped.
    fn go_on(&self) -> Result<(), Stop> {
        match self.control.was_stopped() {
            true => Err(Stop::Sql(self.control.why(SqlError::Cancelled, self.timeout))),
            false => Ok(()),
        }
    }
}

type Rows = Result<Box<dyn RecordBatchReader + Send>, Failure>;
