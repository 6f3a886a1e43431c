//! The result of a query, batch by batch.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::mpsc::{Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use duckdb::Connection;

use crate::control::{AGAIN, QueryControl};
use crate::database::{Database, Databases, Given, Stamped, changed};
use crate::error::{SqlError, SqlResult, TableFailure};
use crate::fetch::Fetch;
use crate::instants::with_casts;
use crate::lanes::Lanes;
use crate::params::Params;
use crate::run::Run;
use crate::session::{Failure, Session, Settings};
use crate::words::Quoted;

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
    fn changed(&mut self, has_failed: bool) -> Option<SqlError> {
        let watched = std::mem::take(&mut self.watched);
        changed(&watched, has_failed).map(|path| SqlError::FileChanged { path: path.to_owned() })
    }
}

/// Runs SQL, in threads of its own: DuckDB's statements cannot leave the one that made them. With shares it runs once over each
/// of them, several at a time. The rows of parts in which few are found are fetched, where that is given.
pub(crate) fn start(
    settings: &Settings,
    session: Session,
    text: Quoted,
    params: Params,
    shares: Vec<Range<u64>>,
    fetch: Option<Fetch>,
) -> SqlResult<QueryReader> {
    let Session { database, failure, given, watched } = session;
    let text = with_casts(text, &params);
    let fetch = fetch.map(|fetch| Fetch { text: with_casts(fetch.text, &params), ..fetch });
    let parts = shares.len().max(1);
    let width = settings.threads.unwrap_or(1).clamp(1, parts);
    let ahead = ahead_of(settings, width);
    let lanes = Arc::new(Lanes::new(parts, width, ahead));
    let connections = (0..width).map(|_| database.connection.try_clone());
    let connections: Vec<Connection> =
        connections.collect::<Result<_, _>>().map_err(|error| SqlError::of_duckdb(&error))?;
    settings.control.attach(&lanes, &connections);
    let (schema_sender, schemas) = channel();
    let run = Arc::new(Run {
        lanes: Arc::clone(&lanes),
        control: settings.control.clone(),
        timeout: settings.timeout,
        failure,
        text,
        params,
        shares,
        fetch,
        is_dense: AtomicBool::new(false),
        is_sparse: AtomicBool::new(false),
        gathers: AtomicBool::new(false),
        row_bytes: AtomicUsize::new(0),
        most_gathered: ahead.saturating_mul(GATHERED),
    });
    let workers = connections.into_iter().map(|connection| {
        let (run, schema) = (Arc::clone(&run), schema_sender.clone());
        move || {
            run.work(&connection, &schema);
            // The connection goes before whoever waits for this thread goes on.
            drop((connection, run));
        }
    });
    let workers = workers.collect();
    drop((schema_sender, run));
    let mut reader = begin(settings, lanes, SchemaRef::new(Schema::empty()), workers)?;
    (reader.database, reader.given, reader.watched) = (Some(database), given, watched);
    reader.schema = match schemas.recv() {
        Ok(Ok(schema)) => schema,
        Ok(Err(Stop::Sql(error))) => return Err(error),
        Ok(Err(Stop::Table(error))) => return Err(SqlError::Table(TableFailure::new(error))),
        Err(_) => return Err(SqlError::Failed { message: "the thread of the query has ended".to_owned() }),
    };
    Ok(reader)
}

/// Bytes of rows that so many threads may be ahead of whoever reads. With one nothing is ahead of anything.
pub(crate) fn ahead_of(settings: &Settings, threads: usize) -> usize {
    let ahead = if threads > 1 { AHEAD.min(settings.memory.unwrap_or(u64::MAX) / 8) } else { 0 };
    usize::try_from(ahead).unwrap_or(usize::MAX)
}

/// Has threads fill lanes, each with its share of the work.
pub(crate) fn begin(
    settings: &Settings,
    lanes: Arc<Lanes>,
    schema: SchemaRef,
    workers: Vec<impl FnOnce() + Send + 'static>,
) -> SqlResult<QueryReader> {
    let control = settings.control.clone();
    let clock = settings.timeout.map(|timeout| control.clock(timeout)).transpose()?;
    let mut reader = QueryReader {
        schema,
        lanes,
        threads: Vec::with_capacity(workers.len()),
        control,
        database: None,
        given: None,
        databases: settings.databases.clone(),
        watched: Vec::new(),
        clock,
    };
    // Where there is no thread to be had, those that were not begun are dropped, and have left.
    let lefts: Vec<Left> = workers.iter().map(|_| Left(Arc::clone(&reader.lanes))).collect();
    for (work, left) in workers.into_iter().zip(lefts) {
        reader.threads.push(spawn("query", move || {
            work();
            drop(left);
        })?);
    }
    Ok(reader)
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

impl Iterator for QueryReader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.lanes.next();
        // DuckDB looks at a file when it opens it, and not again; what it cannot read may come of a change as well.
        let change = match &next {
            Some(Ok(_) | Err(Stop::Sql(SqlError::Cancelled | SqlError::TimedOut { .. }))) => None,
            None => self.changed(false),
            Some(Err(_)) => self.changed(true),
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
