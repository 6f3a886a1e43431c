//! Rows that DuckDB cannot read by itself: Arrow files, directories with partitions, text, whatever gives record batches.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, RecordBatch, RecordBatchOptions, RecordBatchReader,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DataType, Field, Schema, SchemaRef, Time64NanosecondType, TimeUnit,
    TimestampNanosecondType,
};
use duckdb::core::DataChunkHandle;
use duckdb::vtab::{
    BindInfo, InitInfo, TableFunctionInfo, VTab, record_batch_to_duckdb_data_chunk, to_duckdb_logical_type_for_field,
};

use crate::error::SqlError;
use crate::ffi::{registered_at_bind, registered_at_init};
use crate::session::quote;

type Failure = Box<dyn Error + Send + Sync>;

/// Rows of one DuckDB chunk.
const CHUNK: usize = 2048;

/// A table that is streamed into a query. It may be opened more than once, as by a join of the table with itself.
pub trait Streamed: Send + Sync + fmt::Debug {
    /// Its columns.
    fn schema(&self) -> SchemaRef;

    /// How many rows it has, where that is known.
    fn rows(&self) -> Option<u64>;

    /// Opens these columns of it.
    ///
    /// # Errors
    /// When it cannot be read.
    fn open(&self, columns: &[String]) -> Result<Box<dyn RecordBatchReader + Send>, Failure>;
}

/// What a function of DuckDB gives the rows of.
#[derive(Debug, Clone)]
pub(crate) struct Registered {
    table: Arc<dyn Streamed>,
    /// The columns as DuckDB takes them.
    columns: Vec<Field>,
    /// The first error of the table, which DuckDB turns into text.
    failure: Arc<Mutex<Option<Failure>>>,
}

impl Registered {
    /// # Errors
    /// The column whose type DuckDB has nothing for.
    pub(crate) fn new(table: Arc<dyn Streamed>, failure: Arc<Mutex<Option<Failure>>>) -> Result<Self, String> {
        let mut columns: Vec<Field> = table.schema().fields().iter().map(|field| plain(field)).collect();
        // To count rows DuckDB asks for the first column, which is to be one that it can be given.
        columns.sort_by_key(|column| has_no_type(column.data_type()));
        for column in &columns {
            to_duckdb_logical_type_for_field(column)
                .map_err(|_| format!("column {:?} of type {} has no type in SQL", column.name(), column.data_type()))?;
        }
        Ok(Self { table, columns, failure })
    }

    fn keep(&self, error: Failure) -> Box<dyn Error> {
        let text = error.to_string();
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        text.into()
    }
}

/// What a query selects of a streamed table to have its columns in their order.
pub(crate) fn selected(table: &dyn Streamed) -> String {
    let schema = table.schema();
    match schema.fields().iter().any(|field| has_no_type(&plain_type(field.data_type()))) {
        false => "*".to_owned(),
        true => schema.fields().iter().map(|field| quote(field.name())).collect::<Vec<_>>().join(", "),
    }
}

/// Whether DuckDB has no type that holds such values: decimals of more than 38 digits, also within other values.
fn has_no_type(data_type: &DataType) -> bool {
    match data_type {
        DataType::Decimal256(_, _) => true,
        DataType::List(field) | DataType::FixedSizeList(field, _) | DataType::Map(field, _) => {
            has_no_type(field.data_type())
        }
        DataType::Struct(fields) => fields.iter().any(|field| has_no_type(field.data_type())),
        DataType::Union(fields, _) => fields.iter().any(|(_, field)| has_no_type(field.data_type())),
        _ => false,
    }
}

/// A column of a type that DuckDB takes, with the same values.
fn plain(field: &Field) -> Field {
    Field::new(field.name(), plain_type(field.data_type()), true)
}

fn plain_type(data_type: &DataType) -> DataType {
    let inner = |field: &Arc<Field>| Arc::new(plain(field));
    match data_type {
        DataType::Dictionary(_, values) => plain_type(values),
        DataType::RunEndEncoded(_, values) => plain_type(values.data_type()),
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Float16 => DataType::Float32,
        // As DuckDB takes a column that has nothing but missing values.
        DataType::Null => DataType::Int32,
        DataType::Decimal256(digits, scale) if *digits <= DECIMAL128_MAX_PRECISION && *scale >= 0 => {
            DataType::Decimal128(*digits, *scale)
        }
        // As DuckDB reads them from Parquet files.
        DataType::Duration(_) => DataType::Int64,
        DataType::Date64 => DataType::Timestamp(TimeUnit::Millisecond, None),
        DataType::Time32(_) => DataType::Time64(TimeUnit::Microsecond),
        DataType::Time64(_) => DataType::Time64(TimeUnit::Microsecond),
        DataType::Timestamp(_, Some(zone)) => DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::clone(zone))),
        DataType::List(field) | DataType::LargeList(field) | DataType::ListView(field) => DataType::List(inner(field)),
        DataType::FixedSizeList(field, size) => DataType::FixedSizeList(inner(field), *size),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect()),
        other => other.clone(),
    }
}

/// Gives the rows of a [`Streamed`].
pub(crate) struct StreamFunction;

/// Rows under way.
pub(crate) struct Rows {
    registered: Registered,
    state: Mutex<State>,
}

struct State {
    reader: Option<Box<dyn RecordBatchReader + Send>>,
    /// The columns that are wanted, as DuckDB takes them.
    columns: Vec<Field>,
    batch: Option<RecordBatch>,
}

impl VTab for StreamFunction {
    type InitData = Rows;
    type BindData = ();

    fn bind(bind: &BindInfo) -> Result<(), Box<dyn Error>> {
        let registered = registered_at_bind(bind).ok_or("a table function lost its table")?;
        for column in &registered.columns {
            bind.add_result_column(column.name(), to_duckdb_logical_type_for_field(column)?);
        }
        if let Some(rows) = registered.table.rows() {
            bind.set_cardinality(rows, true);
        }
        Ok(())
    }

    fn init(init: &InitInfo) -> Result<Rows, Box<dyn Error>> {
        let registered = registered_at_init(init).ok_or("a table function lost its table")?;
        let places = init.get_column_indices();
        let columns: Vec<Field> =
            places.iter().filter_map(|place| registered.columns.get(usize::try_from(*place).ok()?)).cloned().collect();
        let names: Vec<String> = columns.iter().map(|column| column.name().clone()).collect();
        let reader = registered.table.open(&names).map_err(|error| registered.keep(error))?;
        let state = Mutex::new(State { reader: Some(reader), columns, batch: None });
        Ok(Rows { registered, state })
    }

    fn func(function: &TableFunctionInfo<Self>, output: &mut DataChunkHandle) -> Result<(), Box<dyn Error>> {
        let rows = function.get_init_data();
        let mut state = rows.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.next_chunk() {
            Ok(Some(chunk)) if chunk.num_columns() == 0 => output.set_len(chunk.num_rows()),
            Ok(Some(chunk)) => record_batch_to_duckdb_data_chunk(&chunk, output)?,
            Ok(None) => output.set_len(0),
            Err(error) => return Err(rows.registered.keep(error)),
        }
        Ok(())
    }

    fn supports_pushdown() -> bool {
        true
    }
}

/// The same values in another type. DuckDB has times within zones and times of day in microseconds.
fn exact(name: &str, column: &ArrayRef, of: &DataType) -> Result<ArrayRef, Failure> {
    let failed =
        |reason: String| -> Failure { Box::new(SqlError::Failed { message: format!("column {name:?}: {reason}") }) };
    let is_finer = match column.data_type() {
        DataType::Timestamp(TimeUnit::Nanosecond, Some(_)) => {
            has_rest(column.as_primitive::<TimestampNanosecondType>())
        }
        DataType::Time64(TimeUnit::Nanosecond) => has_rest(column.as_primitive::<Time64NanosecondType>()),
        _ => false,
    };
    if is_finer {
        let kept = "SQL keeps microseconds of such times: leave the column out, or round it when the table is made";
        return Err(failed(format!("it has times with nanoseconds, and {kept}")));
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(column, of, &options).map_err(|error| failed(error.to_string()))
}

/// Whether a value is no whole number of microseconds.
fn has_rest<T: ArrowPrimitiveType<Native = i64>>(nanoseconds: &PrimitiveArray<T>) -> bool {
    nanoseconds.iter().flatten().any(|value| value % 1_000 != 0)
}

impl State {
    fn next_chunk(&mut self) -> Result<Option<RecordBatch>, Failure> {
        loop {
            if let Some(batch) = self.batch.take() {
                let rows = batch.num_rows().min(CHUNK);
                if rows < batch.num_rows() {
                    self.batch = Some(batch.slice(rows, batch.num_rows() - rows));
                }
                if rows > 0 {
                    return Ok(Some(batch.slice(0, rows)));
                }
            }
            let Some(reader) = &mut self.reader else { return Ok(None) };
            match reader.next() {
                Some(batch) => self.batch = Some(self.conform(&batch?)?),
                None => self.reader = None,
            }
        }
    }

    /// The batch in the types that DuckDB takes.
    fn conform(&self, batch: &RecordBatch) -> Result<RecordBatch, Failure> {
        let columns = batch.columns().iter().zip(&self.columns).map(|(column, field)| {
            if column.data_type() == field.data_type() {
                Ok(Arc::clone(column))
            } else {
                exact(field.name(), column, field.data_type())
            }
        });
        let columns: Vec<ArrayRef> = columns.collect::<Result<_, _>>()?;
        let schema = Arc::new(Schema::new(self.columns.clone()));
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
    }
}
