//! Parquet files that another program has written at the place of the bundle, before they become a table or a part of one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatchReader;
use arrow::datatypes::{Schema, SchemaRef};
use datafolio_storage::Source;
use serde_json::{Map, Value};

use crate::error::{HandlerError, HandlerResult};
use crate::guard::GuardedReader;
use crate::table::{ParquetFile, SourceFile, TableReadOptions, Written, check_schema};

/// Such a file, of which the footer was read.
pub struct ForeignParquet {
    shown: PathBuf,
    opened: ParquetFile,
}

impl ForeignParquet {
    /// Reads and checks the footer. `shown` is what messages call the file.
    ///
    /// # Errors
    /// [`HandlerError::BadFile`] for a file that is truncated, damaged or not Parquet, or whose columns no table can have.
    pub fn open(shown: &Path, source: Arc<dyn Source>) -> HandlerResult<Self> {
        let opened = ParquetFile::open(&shown.to_owned(), SourceFile::new(source), &TableReadOptions::default())?;
        check_schema(&opened.schema, |reason| HandlerError::BadFile { path: shown.to_owned(), reason })?;
        Ok(Self { shown: shown.to_owned(), opened })
    }

    /// Number of rows.
    pub fn rows(&self) -> u64 {
        self.opened.rows
    }

    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.opened.schema
    }

    /// Whether the file can be a part of a table with these columns as it is. The columns may come in another order. The order of
    /// categories is a matter of all files of a table, so that a column with one has to be looked through.
    pub fn is_of(&self, table: &Schema) -> bool {
        let found = self.opened.schema.fields();
        found.len() == table.fields().len()
            && found.iter().all(|field| {
                table.fields().find(field.name()).is_some_and(|(_, known)| {
                    field.data_type() == known.data_type()
                        && field.is_nullable() == known.is_nullable()
                        && field.dict_is_ordered() != Some(true)
                })
            })
    }

    /// The rows.
    ///
    /// # Errors
    /// As [`ForeignParquet::open`], for what is wrong behind the footer.
    pub fn read(self) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
        let (schema, batches) = self.opened.read(&self.shown, &TableReadOptions::default())?;
        Ok(Box::new(GuardedReader::new(&self.shown, schema, batches)))
    }
}

/// What an entry says of a table of Parquet files with these columns and so many rows.
pub fn parquet_table_fields(schema: &SchemaRef, rows: u64) -> Map<String, Value> {
    Written { schema: SchemaRef::clone(schema), rows }.fields("parquet")
}
