//! The second pass: several columns at once, and several threads.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use arrow::datatypes::Schema;

use crate::error::{ColumnsError, ColumnsResult};

use super::Progress;
use super::column::ColumnWriter;
use super::plan::Column;
use super::rows::{Rows, walk};
use super::stream::Sink;

/// Counts what is done, tells it, and stops everyone when asked to.
pub(super) struct Meter<'a> {
    total: u64,
    done: Mutex<u64>,
    stopped: AtomicBool,
    progress: Option<Progress<'a>>,
}

impl<'a> Meter<'a> {
    pub(super) fn new(total: u64, progress: Option<Progress<'a>>) -> Self {
        Self { total, done: Mutex::new(0), stopped: AtomicBool::new(false), progress }
    }

    /// So much more is done.
    pub(super) fn add(&self, more: u64) -> ColumnsResult<()> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(ColumnsError::Cancelled);
        }
        // Held while telling: nobody hears of less after more.
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += more;
        let share = if self.total == 0 { 1.0 } else { (*done as f64 / self.total as f64).min(1.0) };
        match self.progress {
            Some(progress) if !progress(share) => {
                self.stop();
                Err(ColumnsError::Cancelled)
            }
            _ => Ok(()),
        }
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

/// At which pace rows are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Rows at once.
    pub(super) chunk: usize,
    /// Columns at once.
    pub(super) columns: usize,
    /// Threads at once; with none, the caller's.
    pub(super) threads: usize,
}

/// Writes all rows of all columns.
pub(super) fn fill(
    sink: Sink<'_>,
    rows: &dyn Rows,
    schema: &Schema,
    columns: &[Column],
    pace: Pace,
    meter: &Meter<'_>,
) -> ColumnsResult<()> {
    let groups: Vec<&[Column]> = columns.chunks(pace.columns.max(1)).collect();
    let (next, failure) = (AtomicUsize::new(0), Mutex::new(None));
    let work = || {
        while let Some(columns) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = group(sink, rows, schema, columns, pace.chunk, meter) {
                // The first is the reason, the others were stopped by it.
                failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                meter.stop();
                return;
            }
        }
    };
    match pace.threads.min(groups.len()) {
        0 | 1 => work(),
        threads => thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                if let Err(panic) = worker.join() {
                    meter.stop();
                    resume_unwind(panic);
                }
            }
        }),
    }
    failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

fn group(
    sink: Sink<'_>,
    rows: &dyn Rows,
    schema: &Schema,
    columns: &[Column],
    chunk: usize,
    meter: &Meter<'_>,
) -> ColumnsResult<()> {
    let indices: Vec<usize> = columns.iter().map(|column| column.index).collect();
    let mut writers = Vec::with_capacity(columns.len());
    for column in columns {
        writers.push(ColumnWriter::new(Sink { column: &column.name, ..sink }, &column.layout)?);
    }
    walk(sink.path, rows, schema, &indices, chunk, |arrays| {
        for (writer, array) in writers.iter_mut().zip(arrays) {
            writer.write(array)?;
        }
        let length = arrays.first().map_or(0, |array| array.len() as u64);
        meter.add(length * columns.len() as u64)
    })?;
    writers.into_iter().try_for_each(ColumnWriter::finish)
}
