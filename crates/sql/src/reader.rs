//! The result of a query, batch by batch.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use arrow::array::{RecordBatch, RecordBatchOptions, RecordBatchReader};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::error::ArrowError;
use duckdb::core::LogicalTypeId;
use duckdb::{Connection, Statement, ToSql};

use crate::concat::concat_rows;
use crate::control::{AGAIN, QueryControl};
use crate::database::{Database, Databases, Given, Stamped, changed};
use crate::error::{SqlError, SqlResult, TableFailure};
use crate::instants::with_casts;
use crate::lanes::Lanes;
use crate::params::{ParamValue, Params};
use crate::session::{Failure, Session, Settings, execute, share_of};
use crate::words::Quoted;

/// What marks a column of a result as one of whole numbers of 128 bits, such as sums of whole numbers: Arrow has them as decimals of 38
/// digits without a fraction, as it has columns of tables that are declared as such. Key and value of the column's metadata.
const WIDE_WHOLE_NUMBERS: (&str, &str) = (datafolio_core::SQL_TYPE, "HUGEINT");

/// DuckDB gives so many rows at a time.
const DUCKDB_ROWS: usize = 2_048;
/// And so many are put together.
const BATCH_ROWS: usize = 16_384;
/// DuckDB hands out what a condition leaves of each 2,048 rows, at a price for each piece. Where that is less than one row of so
/// many, the next parts have DuckDB gather their rows first, until one of them has more.
const SPARSE: usize = 8;
/// DuckDB does not count gathered rows among its memory. A part whose rows would all take more than so many times what may wait of
/// other parts is not gathered, however few are expected.
const GATHERED: usize = 4;
/// Bytes of rows that threads may be ahead of the reader, together; less where the query may take little memory.
const AHEAD: u64 = 64 << 20;

/// Why the rows end before their end.
#[derive(Debug)]
pub(crate) enum Stop {
    Sql(SqlError),
    /// An error of a table that is streamed into the query.
    Table(Failure),
}

/// The rows of a query. The query ends when this is dropped.
pub struct QueryReader {
    schema: SchemaRef,
    lanes: Arc<Lanes>,
    threads: Vec<JoinHandle<()>>,
    control: QueryControl,
    /// The database, and where it goes when the query is through.
    database: Option<Database>,
    given: Option<Given>,
    databases: Databases,
    /// Files as they were before the query began.
    watched: Stamped,
    /// Ends the clock.
    clock: Option<Sender<()>>,
}

impl QueryReader {
    /// What watches the query and stops it.
    pub fn control(&self) -> QueryControl {
        self.control.clone()
    }

    /// A file that has changed since the query began, told once.
    fn changed(&mut self) -> Option<SqlError> {
        let watched = std::mem::take(&mut self.watched);
        changed(&watched).map(|path| SqlError::FileChanged { path: path.to_owned() })
    }
}

/// Runs SQL, in threads of its own: DuckDB's statements cannot leave the one that made them. With shares it runs once over each
/// of them, several at a time.
pub(crate) fn start(
    settings: &Settings,
    session: Session,
    text: Quoted,
    params: Params,
    shares: Vec<Range<u64>>,
) -> SqlResult<QueryReader> {
    let Session { database, failure, given, watched } = session;
    let text = with_casts(text, &params);
    let parts = shares.len().max(1);
    let width = settings.threads.unwrap_or(1).clamp(1, parts);
    // With one thread nothing is ahead of anything.
    let ahead = if width > 1 { AHEAD.min(settings.memory.unwrap_or(u64::MAX) / 8) } else { 0 };
    let lanes = Arc::new(Lanes::new(parts, width, usize::try_from(ahead).unwrap_or(usize::MAX)));
    let control = settings.control.clone();
    let connections = (0..width).map(|_| database.connection.try_clone());
    let connections: Vec<Connection> =
        connections.collect::<Result<_, _>>().map_err(|error| SqlError::of_duckdb(&error))?;
    control.attach(&lanes, &connections);
    let clock = settings.timeout.map(|timeout| control.clock(timeout)).transpose()?;
    let (schema_sender, schemas) = channel();
    let run = Arc::new(Run {
        lanes: Arc::clone(&lanes),
        control: control.clone(),
        timeout: settings.timeout,
        failure,
        text,
        params,
        shares,
        gathers: AtomicBool::new(false),
        most_gathered: usize::try_from(ahead).unwrap_or(usize::MAX).saturating_mul(GATHERED),
    });
    let databases = settings.databases.clone();
    let mut reader = QueryReader {
        schema: SchemaRef::new(Schema::empty()),
        lanes,
        threads: Vec::with_capacity(width),
        control,
        database: Some(database),
        given,
        databases,
        watched,
        clock,
    };
    // Where there is no thread to be had, those that were not begun are dropped, and have left.
    let lefts: Vec<Left> = connections.iter().map(|_| Left(Arc::clone(&run.lanes))).collect();
    for (connection, left) in connections.into_iter().zip(lefts) {
        let (run, schema) = (Arc::clone(&run), schema_sender.clone());
        reader.threads.push(spawn("query", move || {
            run.work(&connection, &schema);
            // The connection goes before whoever waits for this thread goes on.
            drop((connection, run));
            drop(left);
        })?);
    }
    drop((schema_sender, run));
    reader.schema = match schemas.recv() {
        Ok(Ok(schema)) => schema,
        Ok(Err(Stop::Sql(error))) => return Err(error),
        Ok(Err(Stop::Table(error))) => return Err(SqlError::Table(TableFailure::new(error))),
        Err(_) => return Err(SqlError::Failed { message: "the thread of the query has ended".to_owned() }),
    };
    Ok(reader)
}

/// The columns of a result with names of their own: of several `x` the others become `x_1`, `x_2`, as in a view.
fn told_apart(schema: &SchemaRef) -> SchemaRef {
    let mut taken: HashSet<String> = HashSet::new();
    let all: HashSet<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    if all.len() == schema.fields().len() {
        return SchemaRef::clone(schema);
    }
    let fields = schema.fields().iter().map(|field| {
        let name = field.name();
        let mut own = name.clone();
        for number in 1.. {
            if !taken.contains(&own) && (own == *name || !all.contains(own.as_str())) {
                break;
            }
            own = format!("{name}_{number}");
        }
        taken.insert(own.clone());
        field.as_ref().clone().with_name(own)
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

/// The columns of a result, of which those of DuckDB's widest whole numbers are marked.
fn marked(schema: SchemaRef, statement: &Statement<'_>) -> SchemaRef {
    let is_wide = |at: usize| {
        *schema.field(at).data_type() == DataType::Decimal128(38, 0)
            && statement.column_logical_type(at).id() == LogicalTypeId::Hugeint
    };
    if !(0..schema.fields().len()).any(is_wide) {
        return schema;
    }
    let (key, value) = WIDE_WHOLE_NUMBERS;
    let fields = schema.fields().iter().enumerate().map(|(at, field)| match is_wide(at) {
        true => {
            let mark = HashMap::from([(key.to_owned(), value.to_owned())]);
            Arc::new(field.as_ref().clone().with_metadata(mark))
        }
        false => Arc::clone(field),
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> SqlResult<JoinHandle<T>> {
    let no_thread = |error| SqlError::Failed { message: format!("there is no thread to be had: {error}") };
    Builder::new().name(name.to_owned()).spawn(work).map_err(no_thread)
}

/// Tells that a thread fills no more, however it ends.
struct Left(Arc<Lanes>);

impl Drop for Left {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.break_off();
        }
        self.0.leave();
    }
}

struct Run {
    lanes: Arc<Lanes>,
    control: QueryControl,
    timeout: Option<Duration>,
    failure: Arc<Mutex<Option<Failure>>>,
    text: Quoted,
    params: Params,
    shares: Vec<Range<u64>>,
    /// Whether the next part gathers its rows, judging by one before it.
    gathers: AtomicBool,
    /// Bytes that all rows of a part that does may take.
    most_gathered: usize,
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
    fn work(&self, connection: &Connection, schema: &Sender<Result<SchemaRef, Stop>>) {
        while let Some(lane) = self.lanes.claim() {
            let schema = (lane == 0).then_some(schema);
            let mut has_schema = false;
            let tell = |columns: &SchemaRef| {
                has_schema = true;
                schema.is_none_or(|schema| schema.send(Ok(SchemaRef::clone(columns))).is_ok())
            };
            match self.fill(lane, connection, tell) {
                Ok(true) => self.lanes.end(lane),
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

    /// Fills a part; `false` when nobody wants the rest of it.
    fn fill(&self, lane: usize, connection: &Connection, tell: impl FnOnce(&SchemaRef) -> bool) -> Result<bool, Stop> {
        if let Some(share) = self.shares.get(lane) {
            execute(connection, &share_of(share)).map_err(|error| self.why(error))?;
        }
        let mut statement = connection.prepare(&self.text.text).map_err(|error| self.stop(&error, connection))?;
        if self.control.was_stopped() {
            return Err(self.why(SqlError::Cancelled));
        }
        let gathers = self.gathers.load(Ordering::Relaxed);
        let begun = match &self.params {
            Params::None => begin(&mut statement, [], gathers),
            Params::Positional(values) => begin(&mut statement, duckdb::params_from_iter(values), gathers),
            Params::Named(values) => {
                let values: Vec<(&str, &dyn ToSql)> =
                    values.iter().map(|(name, value): &(String, ParamValue)| (name.as_str(), value as _)).collect();
                begin(&mut statement, values.as_slice(), gathers)
            }
        };
        begun.map_err(|error| self.stop(&error, connection))?;
        if self.control.was_stopped() {
            return Err(self.why(SqlError::Cancelled));
        }
        let given = statement.schema();
        let columns = marked(told_apart(&given), &statement);
        if !tell(&columns) {
            return Ok(false);
        }
        let failed = |error: &ArrowError| Stop::Sql(SqlError::Failed { message: error.to_string() });
        let (mut held, mut rows) = (Vec::new(), 0);
        let part_rows = self.part_rows(lane);
        let mut all = Yield { looked_at: if gathers { part_rows } else { 0 }, ..Yield::default() };
        loop {
            // What was gathered comes without another look at that.
            if self.control.was_stopped() {
                return Err(self.why(SqlError::Cancelled));
            }
            let next =
                statement.step().map_err(|error| self.stop(&error, connection))?.map(|piece| RecordBatch::from(&piece));
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
                if !self.lanes.push(lane, Ok(batch)) {
                    return Ok(false);
                }
            }
            if ended {
                if all.rows > 0 {
                    self.gathers.store(all.gathers(part_rows, self.most_gathered), Ordering::Relaxed);
                }
                return Ok(true);
            }
        }
    }

    /// How many rows a part looks at: those of the last one, whose end need not be told, count as many as those before.
    fn part_rows(&self, lane: usize) -> usize {
        let share = self.shares.get(lane).filter(|share| share.end < u64::MAX).or_else(|| self.shares.first());
        share.map_or(0, |share| usize::try_from(share.end - share.start).unwrap_or(usize::MAX))
    }

    fn why(&self, error: SqlError) -> Stop {
        Stop::Sql(self.control.why(error, self.timeout))
    }

    fn stop(&self, error: &duckdb::Error, connection: &Connection) -> Stop {
        if let Some(failure) = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Stop::Table(failure);
        }
        self.why(SqlError::of_text(error, &self.text, connection))
    }
}

impl Iterator for QueryReader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.lanes.next();
        // DuckDB looks at a file when it opens it, and not again; what it cannot read may come of a change as well.
        let change = match &next {
            None | Some(Err(Stop::Sql(SqlError::Failed { .. }))) => self.changed(),
            _ => None,
        };
        let next = match change {
            Some(error) => Err(Stop::Sql(error)),
            None => next?,
        };
        let next = next.inspect(|batch| self.control.count(batch.num_rows()));
        Some(next.map_err(|stop| {
            ArrowError::ExternalError(match stop {
                Stop::Sql(error) => Box::new(error),
                Stop::Table(error) => error,
            })
        }))
    }
}

impl RecordBatchReader for QueryReader {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}

impl Drop for QueryReader {
    fn drop(&mut self) {
        self.lanes.close();
        // DuckDB forgets an interruption that comes between two steps of a query.
        let mut has_ended = self.lanes.wait_for_all(Duration::ZERO);
        while !has_ended {
            self.control.interrupt();
            has_ended = self.lanes.wait_for_all(AGAIN);
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        self.clock = None;
        self.control.detach();
        let (complete, parts) = self.lanes.complete();
        if let (Some(database), Some(given)) = (self.database.take(), self.given.take())
            && complete == parts
            && !self.control.was_stopped()
        {
            self.databases.keep(given, database);
        }
    }
}

impl fmt::Debug for QueryReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryReader").field("schema", &self.schema).finish_non_exhaustive()
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
