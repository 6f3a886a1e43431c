//! Record batches of Arrow from a frame of Polars.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, RecordBatchReader};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use polars::frame::DataFrame;
use polars::prelude::{CompatLevel, DataType as PolarsType, Series};
use polars::series::arrow_export::ToArrowConverter;
use polars::series::arrow_export::categorical::CategoricalToArrowConverter;
use polars_arrow::array::Array as PolarsArray;
use polars_arrow::datatypes::Field as PolarsField;

use crate::error::{FramesError, FramesResult};
use crate::ffi::{array_to_arrow, field_to_arrow};
use crate::types::{check_storable, has_categories};

/// Rows of a batch at most: text is copied for so many at a time.
const BATCH_ROWS: usize = 1 << 16;

/// A frame as a stream of record batches, without ever holding a second copy of it.
///
/// Numbers, dates, times, decimals and truth values stay where they are. Text and bytes are copied, batch by batch, from the
/// views of Polars into one run of memory each (`LargeUtf8`, `LargeBinary`): the form that every program reads. Text inside of
/// lists and structures is copied chunk by chunk. Categories are numbered anew, so that only those are there that some row
/// has.
///
/// # Errors
/// [`FramesError::Column`] for 128-bit integers, objects of Rust and what has no type.
pub fn record_batches(frame: DataFrame) -> FramesResult<FrameBatches> {
    let rows = frame.height();
    let columns = frame.into_columns().into_iter().map(|column| Exported::new(column.take_materialized_series()));
    let columns = columns.collect::<FramesResult<Vec<_>>>()?;
    let fields: Vec<FieldRef> = columns.iter().map(|column| FieldRef::clone(&column.field)).collect();
    Ok(FrameBatches { schema: Arc::new(Schema::new(fields)), columns, left: rows })
}

/// The rows of a frame, in batches that end where a chunk of some column ends.
pub struct FrameBatches {
    schema: SchemaRef,
    columns: Vec<Exported>,
    /// Rows that were not given yet.
    left: usize,
}

impl FrameBatches {
    fn next_batch(&mut self) -> FramesResult<RecordBatch> {
        let mut rows = self.left.min(BATCH_ROWS);
        for column in &mut self.columns {
            rows = rows.min(column.ready()?);
        }
        let columns = self.columns.iter_mut().map(|column| column.take(rows)).collect::<FramesResult<Vec<_>>>()?;
        self.left -= rows;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(SchemaRef::clone(&self.schema), columns, &options)?)
    }
}

impl Iterator for FrameBatches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let batch = self.next_batch();
        if batch.is_err() {
            self.left = 0;
        }
        Some(batch.map_err(|error| ArrowError::ExternalError(Box::new(error))))
    }
}

impl RecordBatchReader for FrameBatches {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}

impl std::fmt::Debug for FrameBatches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrameBatches").field("schema", &self.schema).field("left", &self.left).finish_non_exhaustive()
    }
}

/// A column on its way out.
struct Exported {
    name: String,
    data_type: PolarsType,
    /// What becomes of it.
    field: FieldRef,
    /// What Polars makes of a chunk: the same, or for text views that are still to be copied.
    passed: PolarsField,
    converter: ToArrowConverter,
    chunks: VecDeque<Box<dyn PolarsArray>>,
    /// What is left of the chunk that is given just now.
    current: Option<ArrayRef>,
    /// The categories of the chunk before, in a dictionary column.
    categories: Option<ArrayRef>,
}

impl Exported {
    fn new(series: Series) -> FramesResult<Self> {
        let (name, data_type) = (series.name().to_string(), series.dtype().clone());
        check_storable(&name, &data_type)?;
        let level = match data_type {
            PolarsType::String | PolarsType::Binary => CompatLevel::newest(),
            _ => CompatLevel::oldest(),
        };
        let field = field_to_arrow(&data_type.to_arrow_field(series.name().clone(), CompatLevel::oldest()))?;
        let mut categories = CategoricalToArrowConverter { converters: Default::default(), persist_remap: true };
        categories.initialize(&data_type);
        let mut column = Self {
            passed: data_type.to_arrow_field(series.name().clone(), level),
            field: Arc::new(field),
            converter: ToArrowConverter { skip_attach_pl_metadata: true, categorical_converter: categories },
            chunks: series.chunks().iter().filter(|chunk| !chunk.is_empty()).cloned().collect(),
            current: None,
            categories: None,
            name,
            data_type,
        };
        if has_categories(&column.data_type) && column.chunks.len() > 1 {
            // The converter numbers categories as they come. When it has seen all chunks, all batches have the same.
            for chunk in column.chunks.clone() {
                column.convert(chunk.as_ref())?;
            }
        }
        Ok(column)
    }

    fn convert(&mut self, chunk: &dyn PolarsArray) -> FramesResult<Box<dyn PolarsArray>> {
        Ok(self.converter.array_to_arrow(chunk, &self.data_type, Cow::Borrowed(&self.passed))?)
    }

    /// How many rows can be taken from one chunk.
    fn ready(&mut self) -> FramesResult<usize> {
        let current = match self.current.take() {
            Some(current) if !current.is_empty() => current,
            _ => {
                let chunk = self
                    .chunks
                    .pop_front()
                    .ok_or_else(|| FramesError::column(&self.name, "has fewer rows than the others of its frame"))?;
                let chunk = self.convert(chunk.as_ref())?;
                let array = array_to_arrow(chunk, &self.passed)?;
                self.with_known_categories(array)
            }
        };
        Ok(self.current.insert(current).len())
    }

    /// A dictionary over the same array of categories as the one before, where they are equal: whoever joins two batches need
    /// not compare them.
    fn with_known_categories(&mut self, array: ArrayRef) -> ArrayRef {
        let Some(dictionary) = array.as_any_dictionary_opt() else { return array };
        match &self.categories {
            Some(known) if known.to_data() == dictionary.values().to_data() => {
                dictionary.with_values(ArrayRef::clone(known))
            }
            _ => {
                self.categories = Some(ArrayRef::clone(dictionary.values()));
                array
            }
        }
    }

    /// The next rows, of which there are so many.
    fn take(&mut self, rows: usize) -> FramesResult<ArrayRef> {
        let current = self.current.take().filter(|current| current.len() >= rows);
        let current =
            current.ok_or_else(|| FramesError::column(&self.name, "has fewer rows than the others of its frame"))?;
        let taken = current.slice(0, rows);
        self.current = (rows < current.len()).then(|| current.slice(rows, current.len() - rows));
        let is_view = matches!(taken.data_type(), DataType::Utf8View | DataType::BinaryView);
        Ok(if is_view { cast(&taken, self.field.data_type())? } else { taken })
    }
}
