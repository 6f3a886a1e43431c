//! Checkpoints.

use std::sync::Arc;

use delta_kernel::expressions::PredicateRef;
use delta_kernel::schema::{SchemaRef, StructType};
use delta_kernel::table_features::ColumnMappingMode;
use delta_kernel::{
    EngineData, FileDataReadResultIterator, FileMeta, FileSize, KernelError, KernelResult, KernelResultIteratorStatic,
    ParquetFooter, ParquetHandler,
};
use url::Url;

use super::data::Batch;
use super::or_error;
use super::shape::Shape;
use crate::conform::Wanted;
use crate::data_file::{DataFile, arrow_schema_of};
use crate::error::DeltaResult;
use crate::place::{Place, TableFile, below_root};
use crate::types::delta_fields;

/// Actions that are decoded at once.
const BATCH_ACTIONS: usize = 1024;

pub(super) struct Parquet(pub(super) Arc<dyn Place>);

impl Parquet {
    /// The actions of a file, batch by batch.
    fn read(
        &self,
        meta: &FileMeta,
        shape: &Arc<Shape>,
        wanted: &Arc<Vec<Wanted>>,
    ) -> DeltaResult<FileDataReadResultIterator> {
        let file = DataFile::open(TableFile::open(self.0.as_ref(), &below_root(&meta.location)?, size_of(meta))?)?;
        let batches = file.read(wanted, None, BATCH_ACTIONS)?;
        let (shape, address) = (Arc::clone(shape), meta.location.to_string());
        Ok(Box::new(batches.map(move |batch| {
            let batch = shape.complete(&batch?, &address)?;
            Ok(Box::new(Batch(batch)) as Box<dyn EngineData>)
        })))
    }
}

/// The size of a file, where the kernel has it from a listing.
pub(super) fn size_of(file: &FileMeta) -> Option<u64> {
    Some(file.size).filter(|size| *size > 0)
}

impl ParquetHandler for Parquet {
    fn read_parquet_files(
        &self,
        files: &[FileMeta],
        schema: SchemaRef,
        _predicate: Option<PredicateRef>,
    ) -> KernelResult<FileDataReadResultIterator> {
        let shape = Arc::new(Shape::of(&schema)?);
        let wanted = Arc::new(Wanted::of(&shape.stored, ColumnMappingMode::None)?);
        let files = files.to_vec();
        let reader = Self(Arc::clone(&self.0));
        Ok(Box::new(files.into_iter().flat_map(move |file| or_error(reader.read(&file, &shape, &wanted)))))
    }

    fn write_parquet_file(
        &self,
        _location: Url,
        _data: KernelResultIteratorStatic<Box<dyn EngineData>>,
    ) -> KernelResult<FileSize> {
        Err(KernelError::unsupported("writing"))
    }

    fn read_parquet_footer(&self, file: &FileMeta) -> KernelResult<ParquetFooter> {
        let file = TableFile::open(self.0.as_ref(), &below_root(&file.location)?, size_of(file))?;
        let fields = delta_fields(arrow_schema_of(&file)?.fields())?;
        Ok(ParquetFooter { schema: Arc::new(StructType::try_new(fields)?) })
    }
}
