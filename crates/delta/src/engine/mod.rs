//! What the kernel asks of whoever uses it: reading files of the log. Nothing is written.
//!
//! The kernel's own engine would bring object stores with a C library for cryptography; this one reads through a
//! [`Place`], so the kernel reads tables as the rest of this library reads files.

pub(crate) mod data;
mod evaluate;
mod json;
mod parquet;
mod shape;
mod storage;

use std::sync::Arc;

use delta_kernel::{
    Engine, EvaluationHandler, FileDataReadResultIterator, JsonHandler, ParquetHandler, StorageHandler,
};

use crate::error::DeltaResult;
use crate::place::Place;

/// An engine for one table.
#[derive(Clone)]
pub(crate) struct PlaceEngine {
    storage: Arc<storage::Storage>,
    json: Arc<json::Json>,
    parquet: Arc<parquet::Parquet>,
}

impl PlaceEngine {
    pub(crate) fn new(place: &Arc<dyn Place>) -> Self {
        Self {
            storage: Arc::new(storage::Storage(Arc::clone(place))),
            json: Arc::new(json::Json(Arc::clone(place))),
            parquet: Arc::new(parquet::Parquet(Arc::clone(place))),
        }
    }
}

impl Engine for PlaceEngine {
    fn evaluation_handler(&self) -> Arc<dyn EvaluationHandler> {
        Arc::new(evaluate::Evaluation)
    }

    fn storage_handler(&self) -> Arc<dyn StorageHandler> {
        Arc::<storage::Storage>::clone(&self.storage)
    }

    fn json_handler(&self) -> Arc<dyn JsonHandler> {
        Arc::<json::Json>::clone(&self.json)
    }

    fn parquet_handler(&self) -> Arc<dyn ParquetHandler> {
        Arc::<parquet::Parquet>::clone(&self.parquet)
    }
}

/// The actions of a file, or the error that takes their place.
fn or_error(read: DeltaResult<FileDataReadResultIterator>) -> FileDataReadResultIterator {
    read.unwrap_or_else(|error| Box::new(std::iter::once(Err(error.into()))))
}
