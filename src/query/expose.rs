//! What DuckDB is given to read: files that were checked, and streams of what it cannot read by itself.

use std::sync::Arc;

use arrow::array::RecordBatchReader;
use arrow::datatypes::SchemaRef;
use datafolio_core::{ItemRecord, item_type};
use datafolio_handlers::{Item, TableReadOptions, plain_parquet_files, read_table, stored_files};
use datafolio_sql::{Relation, Streamed};
use datafolio_storage::{Storage, Verification, VerifiedCache};

use crate::bundle::DataFolio;
use crate::error::Result;

impl DataFolio {
    /// A table as a relation of DuckDB. DuckDB does not notice flipped bits, so a file that was not checked on this machine is
    /// checked now, unless that is turned off.
    pub(crate) fn relation(&self, record: &Arc<ItemRecord>) -> Result<Relation> {
        let item = self.handler_item(record);
        if let Some(paths) = plain_parquet_files(&item)? {
            if item.record().item_type() != item_type::REFERENCED_TABLE && item.verification() != Verification::Off {
                for file in stored_files(record)? {
                    item.open_file(&file)?.verify_rest().map_err(|source| {
                        datafolio_handlers::HandlerError::Payload { item: item.name().to_owned(), source }
                    })?;
                }
            }
            return Ok(Relation::Parquet(paths));
        }
        Ok(Relation::Stream(Arc::new(self.stream(record)?)))
    }

    /// A table as a stream of rows.
    pub(crate) fn stream(&self, record: &Arc<ItemRecord>) -> Result<TableStream> {
        let item = self.handler_item(record);
        let schema = read_table(&item, &TableReadOptions::default())?.schema();
        Ok(TableStream {
            record: Arc::clone(record),
            storage: Arc::clone(self.storage()),
            verification: item.verification(),
            verified: self.verified().clone(),
            schema,
        })
    }
}

/// A table that is read here, and streamed into a query.
#[derive(Debug)]
pub(crate) struct TableStream {
    record: Arc<ItemRecord>,
    storage: Arc<dyn Storage>,
    verification: Verification,
    verified: VerifiedCache,
    schema: SchemaRef,
}

impl Streamed for TableStream {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn rows(&self) -> Option<u64> {
        // What an entry says of a file that others write is no more than a guess.
        (self.record.item_type() != item_type::REFERENCED_TABLE).then(|| self.record.count("num_rows")).flatten()
    }

    fn open(
        &self,
        columns: &[String],
    ) -> std::result::Result<Box<dyn RecordBatchReader + Send>, Box<dyn std::error::Error + Send + Sync>> {
        let item = Item::new(&self.record, &self.storage, self.verification, &self.verified);
        let mut part = TableReadOptions::default();
        part.columns = Some(columns.to_vec());
        Ok(read_table(&item, &part)?)
    }
}
