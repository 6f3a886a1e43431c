//! Parquet files that another program has written at the place of the bundle, before they become a table or a part of one.

use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatchReader;
use arrow::datatypes::{Schema, SchemaRef};
use datafolio_storage::Source;
use serde_json::{Map, Value};

use crate::error::{HandlerError, HandlerResult};
use crate::guard::GuardedReader;
use crate::table::{ParquetFile, SourceFile, TableReadOptions, Written, check_schema};

/// What the footer of such a file says.
#[derive(Debug, Clone, PartialEq)]
pub struct ForeignParquet {
    /// Number of rows.
    pub rows: u64,
    /// The columns.
    pub schema: SchemaRef,
}

impl ForeignParquet {
    /// Reads and checks the footer. `shown` is what messages call the file.
    ///
    /// # Errors
    /// [`HandlerError::BadFile`] for a file that is truncated, damaged or not Parquet, or whose columns no table can have.
    pub fn of(shown: &Path, source: Arc<dyn Source>) -> HandlerResult<Self> {
        let opened = open(shown, source)?;
        Ok(Self { rows: opened.rows, schema: opened.schema })
    }

    /// Whether the file can be a part of a table with these columns as it is. The order of categories is a matter of all files of a
    /// table, so that a column with one has to be looked through.
    pub fn is_of(&self, table: &Schema) -> bool {
        let found = self.schema.fields();
        found.len() == table.fields().len()
            && found.iter().zip(table.fields()).all(|(field, known)| {
                field.name() == known.name()
                    && field.data_type() == known.data_type()
                    && field.is_nullable() == known.is_nullable()
                    && [field, known].iter().all(|field| field.dict_is_ordered() != Some(true))
            })
    }
}

/// The rows of such a file.
///
/// # Errors
/// As [`ForeignParquet::of`], and for what is wrong behind the footer.
pub fn read_foreign_parquet(shown: &Path, source: Arc<dyn Source>) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
    let shown = shown.to_owned();
    let (schema, batches) = open(&shown, source)?.read(&shown, &TableReadOptions::default())?;
    Ok(Box::new(GuardedReader::new(&shown, schema, batches)))
}

fn open(shown: &Path, source: Arc<dyn Source>) -> HandlerResult<ParquetFile> {
    let opened = ParquetFile::open(&shown.to_owned(), SourceFile::new(source), &TableReadOptions::default())?;
    check_schema(&opened.schema, |reason| HandlerError::BadFile { path: shown.to_owned(), reason })?;
    Ok(opened)
}

/// What an entry says of a table of Parquet files with these columns and so many rows.
pub fn parquet_table_fields(schema: &SchemaRef, rows: u64) -> Map<String, Value> {
    Written { schema: SchemaRef::clone(schema), rows }.fields("parquet")
}
