//! What goes into a bundle and comes out of it.

use std::any::Any;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchIterator, RecordBatchReader};
use arrow::error::ArrowError;
use chrono::{DateTime, Utc};
use datafolio_storage::Source;
use serde_json::Value;

use crate::formats::InferredTable;
use crate::npy::NpyArray;

/// A value of any item type. Adding takes one, reading gives one; a handler recognises the kind that is its own.
#[non_exhaustive]
pub enum Data {
    /// A stream of Arrow record batches; never held in memory as a whole.
    Table(Box<dyn RecordBatchReader + Send>),
    /// The rows of a text file, whose types are found as they are read (adding only; reading gives [`Data::Table`]).
    InferredTable(InferredTable),
    /// A Parquet file to be taken over byte for byte (adding only; reading gives [`Data::Table`]).
    ParquetFile(PathBuf),
    /// A table that lies elsewhere (adding only; reading gives [`Data::Table`]).
    Reference(Reference),
    /// An array.
    Array(NpyArray),
    /// A `.npy` file to be taken over byte for byte, never held in memory (adding only; reading gives [`Data::Array`]).
    ArrayFile(PathBuf),
    /// A JSON value.
    Json(Value),
    /// An instant.
    Timestamp(DateTime<Utc>),
    /// A file to be kept as it is (adding).
    File(PathBuf),
    /// The bytes of an artifact or model (reading).
    Payload(Arc<dyn Source>),
    /// A model (adding).
    Model(Model),
    /// A value of a type that someone else's handler knows.
    Custom(Box<dyn Any + Send>),
}

/// A table outside the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Local path, `file://` URL or cloud URL of a file or directory. A relative local path is taken from the current
    /// directory when the reference is made.
    pub path: String,
    /// `parquet`, `csv`, `arrow`, ...
    pub table_format: String,
    /// Number of rows, where the caller knows it.
    pub num_rows: Option<u64>,
    /// Version of the table in its own system (Delta), where it has one and is to be read as it was then.
    pub version: Option<i64>,
    /// The same by a time: of a Delta table the last version of then or before.
    pub timestamp: Option<DateTime<Utc>>,
}

/// A fitted model as an opaque file. Nothing here ever unpickles it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// The file that holds it.
    pub file: PathBuf,
    /// `joblib`, `skops`, `onnx`, `pickle` or `pt`; `None` takes it from the extension.
    pub format: Option<String>,
    /// Class of the model, as text.
    pub model_type: Option<String>,
}

impl Data {
    /// What kind of value this is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Table(_) | Self::InferredTable(_) => "a table",
            Self::ParquetFile(_) => "a Parquet file",
            Self::Reference(_) => "a reference",
            Self::Array(_) => "an array",
            Self::ArrayFile(_) => "a .npy file",
            Self::Json(_) => "a JSON value",
            Self::Timestamp(_) => "a timestamp",
            Self::File(_) => "a file",
            Self::Payload(_) => "a payload",
            Self::Model(_) => "a model",
            Self::Custom(_) => "a custom value",
        }
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(reader) => write!(f, "Table({:?})", reader.schema()),
            Self::InferredTable(table) => table.fmt(f),
            Self::ParquetFile(path) => write!(f, "ParquetFile({path:?})"),
            Self::Reference(reference) => reference.fmt(f),
            Self::Array(array) => array.fmt(f),
            Self::ArrayFile(path) => write!(f, "ArrayFile({path:?})"),
            Self::Json(value) => write!(f, "Json({value})"),
            Self::Timestamp(instant) => write!(f, "Timestamp({instant})"),
            Self::File(path) => write!(f, "File({path:?})"),
            Self::Payload(source) => source.fmt(f),
            Self::Model(model) => model.fmt(f),
            Self::Custom(_) => f.write_str("Custom(..)"),
        }
    }
}

impl From<RecordBatch> for Data {
    fn from(batch: RecordBatch) -> Self {
        let schema = batch.schema();
        let batches: Vec<Result<RecordBatch, ArrowError>> = vec![Ok(batch)];
        Self::Table(Box::new(RecordBatchIterator::new(batches, schema)))
    }
}

impl From<Box<dyn RecordBatchReader + Send>> for Data {
    fn from(reader: Box<dyn RecordBatchReader + Send>) -> Self {
        Self::Table(reader)
    }
}

impl From<NpyArray> for Data {
    fn from(array: NpyArray) -> Self {
        Self::Array(array)
    }
}

impl From<Value> for Data {
    fn from(value: Value) -> Self {
        Self::Json(value)
    }
}

impl From<DateTime<Utc>> for Data {
    fn from(instant: DateTime<Utc>) -> Self {
        Self::Timestamp(instant)
    }
}

/// A path is always a file to keep as it is; a string is always JSON.
impl From<&Path> for Data {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<Model> for Data {
    fn from(model: Model) -> Self {
        Self::Model(model)
    }
}

impl From<Reference> for Data {
    fn from(reference: Reference) -> Self {
        Self::Reference(reference)
    }
}
