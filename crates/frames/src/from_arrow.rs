//! Frames of Polars from record batches of Arrow.

use arrow::array::{ArrayRef, RecordBatch, RecordBatchReader};
use arrow::compute::cast;
use arrow::datatypes::{Field, Schema};
use polars::frame::DataFrame;
use polars::prelude::{Column, Field as PolarsColumn, Schema as PolarsSchema, Series};
use polars_arrow::datatypes::Field as PolarsField;

use crate::error::FramesResult;
use crate::ffi::{array_from_arrow, field_from_arrow};
use crate::types::for_polars;

/// Makes frames of the batches of one table.
#[derive(Debug, Clone)]
pub struct FrameBuilder {
    columns: Vec<(Field, PolarsField)>,
}

impl FrameBuilder {
    /// For batches of this schema.
    ///
    /// # Errors
    /// [`FramesError::Column`](crate::FramesError::Column) for a column whose type Polars does not have.
    pub fn new(schema: &Schema) -> FramesResult<Self> {
        let columns = for_polars(schema)?.into_iter().map(|field| {
            let polars = field_from_arrow(&field)?;
            Ok((field, polars))
        });
        Ok(Self { columns: columns.collect::<FramesResult<_>>()? })
    }

    /// The columns of the frames.
    pub fn schema(&self) -> PolarsSchema {
        self.columns.iter().map(|(_, field)| PolarsColumn::from(field)).collect()
    }

    /// A frame of these batches, each a chunk of its own.
    ///
    /// # Errors
    /// Values that their new type does not have, such as a decimal that is too long.
    pub fn frame(&self, batches: &[RecordBatch]) -> FramesResult<DataFrame> {
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        if rows == 0 {
            return Ok(DataFrame::empty_with_schema(&self.schema()));
        }
        let columns = self.columns.iter().enumerate().map(|(index, (field, polars))| {
            let chunks = batches.iter().filter(|batch| batch.num_rows() > 0).map(|batch| {
                let array = near(batch.column(index), field)?;
                Ok(array_from_arrow(&array, polars)?)
            });
            let series = Series::try_from((polars, chunks.collect::<FramesResult<Vec<_>>>()?))?;
            Ok(Column::from(series))
        });
        Ok(DataFrame::new(rows, columns.collect::<FramesResult<_>>()?)?)
    }
}

/// A column in the type that Polars has.
fn near(array: &ArrayRef, field: &Field) -> FramesResult<ArrayRef> {
    Ok(if array.data_type() == field.data_type() { ArrayRef::clone(array) } else { cast(array, field.data_type())? })
}

/// All rows of a stream as a frame, one chunk for each batch.
///
/// Numbers, dates, times and text in views stay in the memory that they were read into. Other text gets views of 16 bytes for
/// each value over the same characters; truth values, dictionaries, half-precision numbers and decimals of other widths
/// than 128 bits are written anew, and so are times in units that Polars does not have (seconds become milliseconds, times
/// of day nanoseconds).
///
/// A time zone that Polars does not know becomes UTC; the instants are the same. A dictionary of text becomes a `Categorical`,
/// or the `Enum` that it was written from; one of other values becomes these values. Metadata of columns is left out.
///
/// # Errors
/// As [`FrameBuilder::new`] and [`FrameBuilder::frame`]; what reading fails with.
pub fn data_frame(reader: Box<dyn RecordBatchReader + Send>) -> FramesResult<DataFrame> {
    let builder = FrameBuilder::new(&reader.schema())?;
    let batches = reader.collect::<Result<Vec<_>, _>>()?;
    builder.frame(&batches)
}
