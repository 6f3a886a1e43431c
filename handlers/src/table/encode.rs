//! Encoding the columns of a row group, several at a time.
//!
//! Threads take whole columns of a step of rows, those first that took longest before. What a column becomes depends on its
//! values and on nothing else, so that a table gives the same file whatever the number of threads.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, Scope};
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{FieldRef, SchemaRef};
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::Result;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::SchemaDescriptor;

use super::packing::properties_of;

/// Steps of fewer rows are encoded without help.
const ALONE: usize = 1024;

/// The columns of the row group in progress, and who encodes them.
pub(super) struct Encoder {
    schema: SchemaRef,
    parquet: SchemaDescriptor,
    /// How the file is encoded, and what makes a row group like that.
    properties: WriterPropertiesPtr,
    factory: ArrowRowGroupWriterFactory,
    /// How many leaves each column has: one, unless it is nested.
    leaves: Vec<usize>,
    columns: Vec<Mutex<Column>>,
    turn: Mutex<Turn>,
    changed: Condvar,
}

/// A column of the row group.
#[derive(Default)]
struct Column {
    leaves: Vec<ArrowColumnWriter>,
    /// What the leaves have become.
    chunks: Vec<ArrowColumnChunk>,
    spent: Duration,
}

/// What is done with every column.
#[derive(Clone)]
enum Step {
    Encode(Arc<RecordBatch>),
    Close,
}

/// What has become of a column, which includes a panic.
type Done = std::thread::Result<Result<()>>;

/// The step in progress.
#[derive(Default)]
struct Turn {
    step: Option<Step>,
    /// The columns, in the order in which they are taken.
    order: Vec<usize>,
    /// The first of these that nobody has taken.
    next: usize,
    /// Threads that have taken one.
    active: usize,
    /// The first column that did not come about.
    failure: Option<Done>,
    has_ended: bool,
}

/// What the row group takes so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Size {
    /// Bytes in the file, as estimated.
    pub(super) encoded: usize,
    /// Bytes in memory.
    pub(super) memory: usize,
}

impl Encoder {
    /// For this file.
    pub(super) fn new<W: Write + Send>(schema: SchemaRef, file: &SerializedFileWriter<W>) -> Self {
        let parquet = file.schema_descr().clone();
        let mut leaves = vec![0; schema.fields().len()];
        for leaf in 0..parquet.num_columns() {
            if let Some(count) = leaves.get_mut(parquet.get_column_root_idx(leaf)) {
                *count += 1;
            }
        }
        let columns = leaves.iter().map(|_| Mutex::default()).collect();
        let order = (0..leaves.len()).collect();
        let turn = Mutex::new(Turn { order, ..Turn::default() });
        let factory = ArrowRowGroupWriterFactory::new(file, SchemaRef::clone(&schema));
        let properties = Arc::clone(file.properties());
        Self { schema, parquet, properties, factory, leaves, columns, turn, changed: Condvar::new() }
    }

    /// Begins a row group whose first rows are these.
    pub(super) fn begin(&self, number: usize, first: &RecordBatch) -> Result<()> {
        let writers = match properties_of(&self.properties, &self.parquet, first) {
            Some(of_group) => {
                // A factory has the properties of a file; this one is never written.
                let file =
                    SerializedFileWriter::new(std::io::sink(), self.parquet.root_schema_ptr(), Arc::new(of_group))?;
                ArrowRowGroupWriterFactory::new(&file, SchemaRef::clone(&self.schema)).create_column_writers(number)?
            }
            None => self.factory.create_column_writers(number)?,
        };
        let mut writers = writers.into_iter();
        for (column, leaves) in self.columns.iter().zip(&self.leaves) {
            lock(column).leaves = writers.by_ref().take(*leaves).collect();
        }
        Ok(())
    }

    /// Starts threads that help, as long as what this gives is kept. Where none is to be had, it goes without.
    pub(super) fn start<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, helpers: usize) -> Helpers<'scope> {
        for _ in 0..helpers.min(self.columns.len().saturating_sub(1)) {
            let _ = Builder::new().name("encode".to_owned()).spawn_scoped(scope, || self.help());
        }
        Helpers(self)
    }

    /// Encodes rows, and waits until that is done.
    pub(super) fn encode(&self, rows: RecordBatch) -> Result<()> {
        self.step(Step::Encode(Arc::new(rows)))
    }

    /// Ends the row group, whose columns are given in order.
    pub(super) fn finish(&self) -> Result<Vec<ArrowColumnChunk>> {
        self.step(Step::Close)?;
        let columns: Vec<Column> = self.columns.iter().map(|column| std::mem::take(&mut *lock(column))).collect();
        self.turn().order.sort_by_key(|index| std::cmp::Reverse(columns.get(*index).map(|column| column.spent)));
        Ok(columns.into_iter().flat_map(|column| column.chunks).collect())
    }

    fn step(&self, step: Step) -> Result<()> {
        // Few rows are encoded before others have woken up.
        let is_large = !matches!(&step, Step::Encode(rows) if rows.num_rows() < ALONE);
        {
            let mut turn = self.turn();
            (turn.step, turn.next) = (Some(step), 0);
        }
        if is_large {
            self.changed.notify_all();
        }
        let mut turn = self.work(self.turn(), false);
        while turn.active > 0 {
            turn = self.changed.wait(turn).unwrap_or_else(PoisonError::into_inner);
        }
        turn.step = None;
        let failure = turn.failure.take();
        drop(turn);
        failure.map_or(Ok(()), |failure| failure.unwrap_or_else(|panic| resume_unwind(panic)))
    }

    pub(super) fn size(&self) -> Size {
        let mut size = Size::default();
        for column in &self.columns {
            for leaf in &lock(column).leaves {
                size.encoded += leaf.get_estimated_total_bytes();
                size.memory += leaf.memory_size();
            }
        }
        size
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        lock(&self.turn)
    }

    /// What a helping thread does.
    fn help(&self) {
        let mut turn = self.turn();
        loop {
            turn = self.work(turn, true);
            if turn.has_ended {
                return;
            }
            turn = self.changed.wait(turn).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Works on columns, as long as there are some that nobody has taken.
    fn work<'a>(&'a self, mut turn: MutexGuard<'a, Turn>, helps: bool) -> MutexGuard<'a, Turn> {
        while let (Some(step), Some(&index)) = (turn.step.clone(), turn.order.get(turn.next)) {
            turn.next += 1;
            turn.active += 1;
            drop(turn);
            // A panic is told by the thread that waits for this one, and has touched nothing but the column.
            let done = catch_unwind(AssertUnwindSafe(|| self.column(index, &step)));
            turn = self.turn();
            turn.active -= 1;
            if !matches!(done, Ok(Ok(()))) {
                turn.next = turn.order.len();
                turn.failure.get_or_insert(done);
            }
            // The thread that hands out the steps waits for its helpers alone.
            if helps && turn.active == 0 {
                self.changed.notify_all();
            }
        }
        turn
    }

    fn column(&self, index: usize, step: &Step) -> Result<()> {
        let (Some(column), Some(field)) = (self.columns.get(index), self.schema.fields().get(index)) else {
            return Ok(());
        };
        let mut column = lock(column);
        let begun = Instant::now();
        match step {
            Step::Encode(rows) => column.write(field, rows.column(index))?,
            Step::Close => column.close()?,
        }
        column.spent += begun.elapsed();
        Ok(())
    }
}

impl Column {
    fn write(&mut self, field: &FieldRef, values: &ArrayRef) -> Result<()> {
        let leaves = compute_leaves(field, values)?;
        leaves.iter().zip(&mut self.leaves).try_for_each(|(leaf, writer)| writer.write(leaf))
    }

    fn close(&mut self) -> Result<()> {
        self.chunks = self.leaves.drain(..).map(ArrowColumnWriter::close).collect::<Result<_>>()?;
        Ok(())
    }
}

/// Threads that help an encoder. They end when this is dropped.
pub(super) struct Helpers<'a>(&'a Encoder);

impl Drop for Helpers<'_> {
    fn drop(&mut self) {
        self.0.turn().has_ended = true;
        self.0.changed.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
