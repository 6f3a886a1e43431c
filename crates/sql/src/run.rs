//! The work of the threads of a query: each runs the statement over one part of the table after the other.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use duckdb::{Connection, Statement, ToSql};

use crate::concat::concat_rows;
use crate::control::QueryControl;
use crate::error::SqlError;
use crate::fetch::{Fetch, Fetching};
use crate::lanes::Lanes;
use crate::params::{ParamValue, Params};
use crate::reader::Stop;
use crate::result_schema::{marked, told_apart};
use crate::session::{Failure, execute, share_of};
use crate::words::Quoted;

/// DuckDB gives so many rows at a time.
const DUCKDB_ROWS: usize = 2_048;
/// And so many are put together.
const BATCH_ROWS: usize = 16_384;
/// DuckDB hands out what a condition leaves of each 2,048 rows, at a price for each piece. Where that is less than one row of so
/// many, the next parts have DuckDB gather their rows first, until one of them has more.
const SPARSE: usize = 8;
/// Rows are fetched where fewer are wanted than one of so many.
const DENSE: usize = 5;
/// Parts with more rows than this do not have the numbers of all their rows in memory, and no parts are run over as one that
/// have more together.
const MOST_NUMBERED: usize = 8 << 20;

/// What the threads have in common.
pub(crate) struct Run {
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) control: QueryControl,
    pub(crate) timeout: Option<Duration>,
    pub(crate) failure: Arc<Mutex<Option<Failure>>>,
    pub(crate) text: Quoted,
    pub(crate) params: Params,
    pub(crate) shares: Vec<Range<u64>>,
    /// Where the columns of rows come from that are few, if not from DuckDB.
    pub(crate) fetch: Option<Fetch>,
    /// Whether the next part has many, judging by one before it.
    pub(crate) is_dense: AtomicBool,
    /// Whether one before it had few.
    pub(crate) is_sparse: AtomicBool,
    /// Whether the next part gathers its rows, in the same way.
    pub(crate) gathers: AtomicBool,
    /// Bytes of a row of those that were given.
    pub(crate) row_bytes: AtomicUsize,
    /// Bytes that all rows of a part that gathers them may take.
    pub(crate) most_gathered: usize,
}

/// What a statement runs over at a time.
#[derive(Debug, Clone)]
struct Part {
    /// The lane that takes what it gives.
    lane: usize,
    /// `None` for all rows of the table.
    rows: Option<Range<u64>>,
    /// How many those are; 0 where that is not known.
    count: usize,
}

/// What became of a part whose rows were to be fetched.
enum Filled {
    /// All that is wanted of it was given; `false` when nobody wants the rest.
    All(bool),
    /// It has too many.
    Nothing,
}

/// What a part has given.
#[derive(Debug, Clone, Copy, Default)]
struct Yield {
    /// Rows that the condition looked at.
    looked_at: usize,
    rows: usize,
    bytes: usize,
}

impl Yield {
    /// Whether parts of so many rows are to gather theirs, if they are like this one.
    fn gathers(&self, part_rows: usize, most: usize) -> bool {
        let row = self.bytes / self.rows.max(1);
        self.rows > 0 && self.rows < self.looked_at / SPARSE && row.saturating_mul(part_rows) <= most
    }
}

/// Runs a statement: its rows come while it goes, or are gathered before.
fn begin(statement: &mut Statement<'_>, params: impl duckdb::Params, gathers: bool) -> duckdb::Result<()> {
    if gathers { statement.execute(params).map(drop) } else { statement.stream_arrow(params).map(drop) }
}

impl Run {
    /// Fills one part after the other. The schema is that of the first.
    pub(crate) fn work(&self, connection: &Connection, schema: &Sender<Result<SchemaRef, Stop>>) {
        while let Some(lanes) = self.lanes.claim_some(|first| self.at_once(first)) {
            let lane = lanes.start;
            let part = self.part(&lanes);
            let schema = (lane == 0).then_some(schema);
            let mut has_schema = false;
            let tell = |columns: &SchemaRef| {
                has_schema = true;
                schema.is_none_or(|schema| schema.send(Ok(SchemaRef::clone(columns))).is_ok())
            };
            match self.fill(&part, connection, tell) {
                Ok(true) => lanes.for_each(|lane| self.lanes.end(lane)),
                Ok(false) => return,
                Err(stop) => {
                    match schema.filter(|_| !has_schema) {
                        Some(schema) => drop(schema.send(Err(stop))),
                        None => drop(self.lanes.push(lane, Err(stop))),
                    }
                    return;
                }
            }
        }
    }

    /// How many parts from this one on a statement runs over at once: each time it is planned anew, and opens the files. Where few
    /// rows are found, that takes as long as to look at those of a part.
    fn at_once(&self, first: usize) -> usize {
        if !self.is_sparse.load(Ordering::Relaxed) {
            return 1;
        }
        let most = match self.gathers.load(Ordering::Relaxed) {
            true => self.most_gathered / self.row_bytes.load(Ordering::Relaxed).max(1),
            false => usize::MAX,
        };
        let (mut rows, mut end) = (0_usize, None);
        let following = (first..).zip(self.shares.iter().skip(first)).take_while(|(lane, share)| {
            rows = rows.saturating_add(self.rows_of(*lane));
            let follows = end.replace(share.end).is_none_or(|end| end == share.start);
            follows && rows <= MOST_NUMBERED.min(most)
        });
        following.count()
    }

    /// What some lanes, of which the first is to take it all, stand for.
    fn part(&self, lanes: &Range<usize>) -> Part {
        let shares = self.shares.get(lanes.clone()).unwrap_or_default();
        let rows = shares.first().zip(shares.last()).map(|(first, last)| first.start..last.end);
        let count = lanes.clone().fold(0_usize, |count, lane| count.saturating_add(self.rows_of(lane)));
        Part { lane: lanes.start, rows, count }
    }

    /// How many rows a share has: the last one, whose end need not be told, counts as the first.
    fn rows_of(&self, lane: usize) -> usize {
        let share = self.shares.get(lane).filter(|share| share.end < u64::MAX).or_else(|| self.shares.first());
        share.map_or(0, |share| usize::try_from(share.end - share.start).unwrap_or(usize::MAX))
    }

    /// Fills a part; `false` when nobody wants the rest of it.
    fn fill(&self, part: &Part, connection: &Connection, tell: impl FnOnce(&SchemaRef) -> bool) -> Result<bool, Stop> {
        if let Some(rows) = &part.rows {
            execute(connection, &share_of(rows)).map_err(|error| self.why(error))?;
        }
        let Some(fetch) = self.fetch.as_ref().filter(|_| !self.is_dense.load(Ordering::Relaxed)) else {
            return self.fill_whole(part, connection, tell);
        };
        // Numbers take little memory. Whether there are few is seen soonest where they come while the statement goes.
        let gathers = self.is_sparse.load(Ordering::Relaxed) && (1..=MOST_NUMBERED).contains(&part.count);
        let mut statement = self.begun(&fetch.text, connection, gathers)?;
        if !tell(&fetch.given.schema()) {
            return Ok(false);
        }
        match self.fill_fetched(part, &mut statement, connection, fetch)? {
            Filled::All(is_wanted) => Ok(is_wanted),
            Filled::Nothing => {
                drop(statement);
                self.is_dense.store(true, Ordering::Relaxed);
                self.fill_whole(part, connection, |_| true)
            }
        }
    }

    /// A statement that runs: its rows come while it goes, or were gathered.
    fn begun<'a>(&self, text: &Quoted, connection: &'a Connection, gathers: bool) -> Result<Statement<'a>, Stop> {
        let stop = |error: &duckdb::Error| self.stop(error, text, connection);
        let mut statement = connection.prepare(&text.text).map_err(|error| stop(&error))?;
        if self.control.was_stopped() {
            return Err(self.why(SqlError::Cancelled));
        }
        let begun = match &self.params {
            Params::None => begin(&mut statement, [], gathers),
            Params::Positional(values) => begin(&mut statement, duckdb::params_from_iter(values), gathers),
            Params::Named(values) => {
                let values: Vec<(&str, &dyn ToSql)> =
                    values.iter().map(|(name, value): &(String, ParamValue)| (name.as_str(), value as _)).collect();
                begin(&mut statement, values.as_slice(), gathers)
            }
        };
        begun.map_err(|error| stop(&error))?;
        if self.control.was_stopped() {
            return Err(self.why(SqlError::Cancelled));
        }
        Ok(statement)
    }

    /// Fills a part with what DuckDB gives; `false` when nobody wants the rest of it.
    fn fill_whole(
        &self,
        part: &Part,
        connection: &Connection,
        tell: impl FnOnce(&SchemaRef) -> bool,
    ) -> Result<bool, Stop> {
        let part_rows = part.count;
        let gathers = self.gathers.load(Ordering::Relaxed);
        let statement = self.begun(&self.text, connection, gathers)?;
        let given = statement.schema();
        let columns = self.columns_of(&given, &statement);
        if !tell(&columns) {
            return Ok(false);
        }
        let failed = |error: &ArrowError| Stop::Sql(SqlError::Failed { message: error.to_string() });
        let (mut held, mut rows) = (Vec::new(), 0);
        let mut all = Yield { looked_at: if gathers { part_rows } else { 0 }, ..Yield::default() };
        loop {
            // What was gathered comes without another look at that.
            if self.control.was_stopped() {
                return Err(self.why(SqlError::Cancelled));
            }
            let next = statement.step().map_err(|error| self.stop(&error, &self.text, connection))?;
            let next = next.map(|piece| RecordBatch::from(&piece));
            let ended = next.is_none();
            match next {
                Some(batch) => {
                    rows += batch.num_rows();
                    all.rows += batch.num_rows();
                    all.looked_at += if gathers { 0 } else { DUCKDB_ROWS };
                    held.push(batch);
                }
                // A query that was interrupted may end as if it had no more rows.
                None if self.control.was_stopped() => return Err(self.why(SqlError::Cancelled)),
                None => {}
            }
            if rows >= BATCH_ROWS || (ended && rows > 0) {
                let batch = match held.as_slice() {
                    [batch] => batch.clone(),
                    held => concat_rows(&given, held).map_err(|error| failed(&error))?,
                };
                let batch = match SchemaRef::clone(&columns) == given {
                    true => batch,
                    false => {
                        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
                        RecordBatch::try_new_with_options(
                            SchemaRef::clone(&columns),
                            batch.columns().to_vec(),
                            &options,
                        )
                        .map_err(|error| failed(&error))?
                    }
                };
                held.clear();
                rows = 0;
                all.bytes += batch.get_array_memory_size();
                if !self.lanes.push(part.lane, Ok(batch)) {
                    return Ok(false);
                }
            }
            if ended {
                if let Some(row_bytes) = all.bytes.checked_div(all.rows) {
                    self.row_bytes.store(row_bytes, Ordering::Relaxed);
                    self.gathers.store(all.gathers(part_rows, self.most_gathered), Ordering::Relaxed);
                }
                self.found(all.rows, part_rows);
                return Ok(true);
            }
        }
    }

    /// The columns that are given out of those of a statement: as those of parts that are fetched, where they are the same.
    fn columns_of(&self, given: &SchemaRef, statement: &Statement<'_>) -> SchemaRef {
        let types =
            |schema: &SchemaRef| schema.fields().iter().map(|field| field.data_type().clone()).collect::<Vec<_>>();
        match self.fetch.as_ref().map(|fetch| fetch.given.schema()) {
            Some(fetched) if types(&fetched) == types(given) => fetched,
            _ => marked(told_apart(given), statement),
        }
    }

    /// Says for the next parts how many rows one had of so many.
    fn found(&self, rows: usize, part_rows: usize) {
        let is_dense = rows > part_rows / DENSE;
        self.is_dense.store(is_dense, Ordering::Relaxed);
        self.is_sparse.store(!is_dense, Ordering::Relaxed);
    }

    /// Fills a part with the rows whose numbers a statement gives, unless the first of them show that there are many.
    fn fill_fetched(
        &self,
        part: &Part,
        statement: &mut Statement<'_>,
        connection: &Connection,
        fetch: &Fetch,
    ) -> Result<Filled, Stop> {
        let (mut fetching, mut rows) = (Fetching::new(fetch), 0);
        let start = part.rows.as_ref().map_or(0, |rows| rows.start);
        loop {
            let piece = statement.step().map_err(|error| self.stop(&error, &fetch.text, connection))?;
            // A query that was interrupted may end as if it had no more rows.
            if self.control.was_stopped() {
                return Err(self.why(SqlError::Cancelled));
            }
            let is_enough = match &piece {
                Some(piece) => {
                    let numbers = RecordBatch::from(piece);
                    rows += numbers.num_rows();
                    fetching.add(&numbers)?
                }
                None => true,
            };
            if is_enough && rows == fetching.numbers() && fetching.are_dense(start, DENSE) {
                return Ok(Filled::Nothing);
            }
            let give = |batch| match self.control.was_stopped() {
                true => Err(self.why(SqlError::Cancelled)),
                false => Ok(self.lanes.push(part.lane, Ok(batch))),
            };
            if is_enough && !fetching.give(give)? {
                return Ok(Filled::All(false));
            }
            if piece.is_none() {
                self.found(rows, part.count);
                return Ok(Filled::All(true));
            }
        }
    }

    fn why(&self, error: SqlError) -> Stop {
        Stop::Sql(self.control.why(error, self.timeout))
    }

    fn stop(&self, error: &duckdb::Error, text: &Quoted, connection: &Connection) -> Stop {
        if let Some(failure) = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Stop::Table(failure);
        }
        self.why(SqlError::of_text(error, text, connection))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_that_fit_are_gathered() {
        let given = Yield { looked_at: 1 << 20, rows: 10_000, bytes: 1_000_000 };
        assert!(given.gathers(1 << 20, 256 << 20));
        assert!(!Yield { rows: 200_000, bytes: 20_000_000, ..given }.gathers(1 << 20, 256 << 20), "many");
        assert!(!Yield { bytes: 10_000_000, ..given }.gathers(1 << 20, 256 << 20), "rows of a kilobyte");
        assert!(!given.gathers(1 << 30, 256 << 20), "a part that large");
        assert!(!given.gathers(1 << 20, 0), "no memory");
        assert!(!Yield::default().gathers(1 << 20, 256 << 20), "nothing to judge by");
    }
}
