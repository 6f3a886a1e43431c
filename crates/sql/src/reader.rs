//! The result of a query, batch by batch.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use duckdb::{Connection, InterruptHandle, ToSql};

use crate::error::{SqlError, SqlResult};
use crate::params::{ParamValue, Params};
use crate::session::{Failure, Settings};
use crate::spill::SpillDir;

/// Batches that wait for whoever reads them.
const WAITING: usize = 1;
/// DuckDB gives 2,048 rows at a time; so many are put together.
const BATCH_ROWS: usize = 16_384;

/// How often a query whose time is over is told to stop.
const AGAIN: Duration = Duration::from_millis(50);

type Next = Result<RecordBatch, Stop>;

/// Why the rows end before their end.
#[derive(Debug)]
enum Stop {
    Sql(SqlError),
    /// An error of a table that is streamed into the query.
    Table(Failure),
}

/// Watches a query, and stops it.
#[derive(Clone)]
pub struct QueryControl {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    interrupt: OnceLock<Arc<InterruptHandle>>,
    progress: OnceLock<duckdb::ProgressHandle>,
    cancelled: AtomicBool,
    timed_out: AtomicBool,
}

impl QueryControl {
    /// Stops the query: its rows end with [`SqlError::Cancelled`].
    pub fn cancel(&self) {
        self.shared.cancelled.store(true, Ordering::SeqCst);
        self.interrupt();
    }

    fn interrupt(&self) {
        if let Some(handle) = self.shared.interrupt.get() {
            handle.interrupt();
        }
    }

    /// How much of the query is done, in percent, where DuckDB can tell.
    pub fn progress(&self) -> Option<f64> {
        self.shared.progress.get().and_then(|handle| handle.query_progress().percentage())
    }

    fn was_stopped(&self) -> bool {
        self.shared.cancelled.load(Ordering::SeqCst) || self.shared.timed_out.load(Ordering::SeqCst)
    }

    /// The error to tell, where an interruption was asked for.
    fn why(&self, error: SqlError, timeout: Option<Duration>) -> SqlError {
        if self.shared.timed_out.load(Ordering::SeqCst) {
            return SqlError::TimedOut { after: timeout.unwrap_or_default() };
        }
        if self.shared.cancelled.load(Ordering::SeqCst) {
            return SqlError::Cancelled;
        }
        error
    }
}

impl fmt::Debug for QueryControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryControl").field("progress", &self.progress()).finish_non_exhaustive()
    }
}

/// The rows of a query. The query ends when this is dropped.
pub struct QueryReader {
    schema: SchemaRef,
    batches: Option<Receiver<Next>>,
    thread: Option<JoinHandle<()>>,
    control: QueryControl,
    /// Ends the clock.
    _clock: Option<Sender<()>>,
}

impl QueryReader {
    /// What watches the query and stops it.
    pub fn control(&self) -> QueryControl {
        self.control.clone()
    }
}

/// Opens a connection and runs SQL on it, in a thread of its own: DuckDB's statements cannot leave the one that made them.
pub(crate) fn start(
    settings: &Settings,
    sql: String,
    params: Params,
    open: impl FnOnce(&Arc<Mutex<Option<Failure>>>, Option<&Path>) -> SqlResult<Connection>,
) -> SqlResult<QueryReader> {
    let control = QueryControl { shared: Arc::default() };
    let failure: Arc<Mutex<Option<Failure>>> = Arc::default();
    let spill = settings.spill_dir.as_deref().map(SpillDir::create).transpose()?;
    let connection = open(&failure, spill.as_ref().map(SpillDir::path))?;
    let _ = control.shared.interrupt.set(connection.interrupt_handle());
    if connection.set_query_progress_tracking(true).is_ok() {
        let _ = control.shared.progress.set(connection.progress_handle());
    }
    let clock = settings.timeout.map(|timeout| clock(control.clone(), timeout)).transpose()?;
    let (sender, batches) = sync_channel(WAITING);
    let (schema_sender, schemas) = channel();
    let run = Run { control: control.clone(), timeout: settings.timeout, failure };
    let work = move || {
        // The directory goes when the connection has let go of its files.
        let _spill = spill;
        run.work(&connection, &sql, &params, &schema_sender, &sender);
        drop(connection);
    };
    let thread = spawn("query", work)?;
    let schema = match schemas.recv() {
        Ok(Ok(schema)) => schema,
        stopped => {
            let _ = thread.join();
            return Err(match stopped {
                Ok(Err(Stop::Sql(error))) => error,
                Ok(Err(Stop::Table(error))) => SqlError::Failed { message: error.to_string() },
                _ => SqlError::Failed { message: "the thread of the query has ended".to_owned() },
            });
        }
    };
    Ok(QueryReader { schema, batches: Some(batches), thread: Some(thread), control, _clock: clock })
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> SqlResult<JoinHandle<()>> {
    let no_thread = |error| SqlError::Failed { message: format!("there is no thread to be had: {error}") };
    Builder::new().name(name.to_owned()).spawn(work).map_err(no_thread)
}

/// Stops the query when its time is over, unless the sender is dropped before.
fn clock(control: QueryControl, timeout: Duration) -> SqlResult<Sender<()>> {
    let (sender, ended) = channel::<()>();
    spawn("query clock", move || {
        // DuckDB forgets an interruption that comes between two steps of a query, so it is told until it has ended.
        let mut wait = timeout;
        while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
            control.shared.timed_out.store(true, Ordering::SeqCst);
            control.interrupt();
            wait = AGAIN;
        }
    })?;
    Ok(sender)
}

struct Run {
    control: QueryControl,
    timeout: Option<Duration>,
    failure: Arc<Mutex<Option<Failure>>>,
}

impl Run {
    fn work(
        &self,
        connection: &Connection,
        sql: &str,
        params: &Params,
        schema: &Sender<Result<SchemaRef, Stop>>,
        batches: &SyncSender<Next>,
    ) {
        let mut statement = match connection.prepare(sql) {
            Ok(statement) => statement,
            Err(error) => return drop(schema.send(Err(self.stop(&error)))),
        };
        let stream = match params {
            Params::None => statement.stream_arrow([]),
            Params::Positional(values) => statement.stream_arrow(duckdb::params_from_iter(values)),
            Params::Named(values) => {
                let values: Vec<(&str, &dyn ToSql)> =
                    values.iter().map(|(name, value): &(String, ParamValue)| (name.as_str(), value as _)).collect();
                statement.stream_arrow(values.as_slice())
            }
        };
        let mut stream = match stream {
            Ok(stream) => stream,
            Err(error) => return drop(schema.send(Err(self.stop(&error)))),
        };
        if self.control.was_stopped() {
            return drop(schema.send(Err(Stop::Sql(self.control.why(SqlError::Cancelled, self.timeout)))));
        }
        let columns = stream.get_schema();
        if schema.send(Ok(SchemaRef::clone(&columns))).is_err() {
            return;
        }
        let (mut held, mut rows) = (Vec::new(), 0);
        loop {
            let next = stream.next();
            let ended = !matches!(next, Some(Ok(_)));
            match next {
                Some(Ok(batch)) => {
                    rows += batch.num_rows();
                    held.push(batch);
                }
                Some(Err(error)) => return drop(batches.send(Err(self.stop(&error)))),
                // A query that was interrupted may end as if it had no more rows.
                None if self.control.was_stopped() => {
                    let error = self.control.why(SqlError::Cancelled, self.timeout);
                    return drop(batches.send(Err(Stop::Sql(error))));
                }
                None => {}
            }
            if rows >= BATCH_ROWS || (ended && rows > 0) {
                let batch = match held.as_slice() {
                    [batch] => Ok(batch.clone()),
                    held => concat_batches(&columns, held)
                        .map_err(|error| Stop::Sql(SqlError::Failed { message: error.to_string() })),
                };
                held.clear();
                rows = 0;
                // Nobody wants more once the receiver is gone.
                if batches.send(batch).is_err() {
                    return;
                }
            }
            if ended {
                return;
            }
        }
    }

    fn stop(&self, error: &duckdb::Error) -> Stop {
        if let Some(failure) = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Stop::Table(failure);
        }
        Stop::Sql(self.control.why(SqlError::of_duckdb(error), self.timeout))
    }
}

impl Iterator for QueryReader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.batches.as_ref()?.recv() {
            Ok(Ok(batch)) => Some(Ok(batch)),
            Ok(Err(stop)) => {
                self.batches = None;
                Some(Err(ArrowError::ExternalError(match stop {
                    Stop::Sql(error) => Box::new(error),
                    Stop::Table(error) => error,
                })))
            }
            Err(_) => {
                self.batches = None;
                None
            }
        }
    }
}

impl RecordBatchReader for QueryReader {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}

impl Drop for QueryReader {
    fn drop(&mut self) {
        if self.batches.take().is_some() {
            self.control.interrupt();
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for QueryReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryReader").field("schema", &self.schema).finish_non_exhaustive()
    }
}
