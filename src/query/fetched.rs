//! Rows that are read here by the numbers that a query gives.

use std::sync::Arc;

use arrow::array::RecordBatchReader;
use arrow::datatypes::SchemaRef;
use datafolio_core::{ItemRecord, item_type};
use datafolio_sql::{ByNumber, Relation};

use super::expose::TableStream;
use crate::bundle::DataFolio;
use crate::error::Result;

/// Columns of a table.
#[derive(Debug)]
pub(crate) struct FetchedColumns {
    table: TableStream,
    names: Vec<String>,
    schema: SchemaRef,
}

impl DataFolio {
    /// Columns of a table, for a query that numbers its rows, where that pays. The schema is the one that they are to have.
    ///
    /// DuckDB reads a column here and there no more slowly, and of several less fast than they are read here. A file that others write could be
    /// replaced meanwhile, and the numbers be those of the one before.
    pub(crate) fn fetched(
        &self,
        record: &Arc<ItemRecord>,
        relation: &Relation,
        schema: SchemaRef,
    ) -> Result<Option<Arc<dyn ByNumber>>> {
        let is_own = record.item_type() != item_type::REFERENCED_TABLE;
        if !is_own || !matches!(relation, Relation::Parquet(_)) || schema.fields().len() < 2 {
            return Ok(None);
        }
        let names = schema.fields().iter().map(|field| field.name().clone()).collect();
        Ok(Some(Arc::new(FetchedColumns { table: self.stream(record)?, names, schema })))
    }
}

impl ByNumber for FetchedColumns {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn rows(
        &self,
        numbers: Arc<[u64]>,
    ) -> std::result::Result<Box<dyn RecordBatchReader + Send>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.table.rows(&self.names, numbers)?)
    }
}
