//! Commits, and checkpoints in JSON: a line for each action.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{BufReader, Cursor};
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use delta_kernel::engine_data::FilteredEngineData;
use delta_kernel::expressions::PredicateRef;
use delta_kernel::schema::{SchemaRef, StructType};
use delta_kernel::{
    EngineData, FileDataReadResultIterator, FileMeta, FileSize, JsonHandler, KernelError, KernelResult,
    KernelResultIterator,
};
use url::Url;

use super::data::Batch;
use super::or_error;
use super::parquet::size_of;
use super::shape::Shape;
use crate::conform::words;
use crate::error::{DeltaError, DeltaResult};
use crate::escapes::without_halves;
use crate::place::{Place, TableFile, below_root};
use crate::types::arrow_fields;

/// Actions that are decoded at once.
const BATCH_ACTIONS: usize = 1024;
/// Commits that are open at once: each is small, and a request elsewhere.
const FILES_AHEAD: usize = 16;

pub(super) struct Json(pub(super) Arc<dyn Place>);

fn arrow_schema(schema: &StructType) -> DeltaResult<Schema> {
    let fields = arrow_fields(schema).map_err(|kind| DeltaError::Unsupported(format!("type {kind} in the log")))?;
    Ok(Schema::new(fields))
}

impl Json {
    /// Opens a file. What is a request elsewhere is made at once.
    fn open(&self, meta: &FileMeta) -> DeltaResult<(TableFile, Url)> {
        let file = TableFile::open(self.0.as_ref(), &below_root(&meta.location)?, size_of(meta))?;
        file.will_read(&[Range { start: 0, end: file.size() }]);
        Ok((file, meta.location.clone()))
    }

    /// The actions of a file, batch by batch.
    fn read((file, url): (TableFile, Url), shape: &Arc<Shape>) -> DeltaResult<FileDataReadResultIterator> {
        let name = file.name.clone();
        let damaged = move |error: ArrowError| DeltaError::damaged(&name, words(&error));
        let bytes = file.read_all()?;
        let bytes = match without_halves(&bytes) {
            Cow::Borrowed(_) => bytes,
            Cow::Owned(made) => made.into(),
        };
        let reader = ReaderBuilder::new(Arc::new(arrow_schema(&shape.stored)?))
            .with_batch_size(BATCH_ACTIONS)
            .with_coerce_primitive(true)
            .build(BufReader::new(Cursor::new(bytes)))
            .map_err(&damaged)?;
        let (shape, address) = (Arc::clone(shape), url.to_string());
        Ok(Box::new(reader.map(move |batch| {
            let batch = shape.complete(&batch.map_err(&damaged)?, &address)?;
            Ok(Box::new(Batch(batch)) as Box<dyn EngineData>)
        })))
    }
}

impl JsonHandler for Json {
    /// For texts within the log, such as statistics, which nobody asks for here.
    fn parse_json(&self, _texts: Box<dyn EngineData>, _schema: SchemaRef) -> KernelResult<Box<dyn EngineData>> {
        Err(KernelError::unsupported("JSON within the log"))
    }

    fn read_json_files(
        &self,
        files: &[FileMeta],
        schema: SchemaRef,
        _predicate: Option<PredicateRef>,
    ) -> KernelResult<FileDataReadResultIterator> {
        let shape = Arc::new(Shape::of(&schema)?);
        let reader = Self(Arc::clone(&self.0));
        let files = files.to_vec();
        let mut next = files.into_iter();
        let mut open = VecDeque::with_capacity(FILES_AHEAD);
        let files = std::iter::from_fn(move || {
            while open.len() < FILES_AHEAD
                && let Some(meta) = next.next()
            {
                open.push_back(reader.open(&meta));
            }
            open.pop_front()
        });
        Ok(Box::new(files.flat_map(move |file| or_error(file.and_then(|file| Self::read(file, &shape))))))
    }

    fn write_json_file(
        &self,
        _path: &Url,
        _data: KernelResultIterator<'_, FilteredEngineData>,
        _overwrite: bool,
    ) -> KernelResult<FileSize> {
        Err(KernelError::unsupported("writing"))
    }
}
