//! The numbers that a leaf of a Parquet file holds.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{filter, is_not_null};
use arrow::datatypes::DataType;
use parquet::schema::types::SchemaDescriptor;

/// Narrower values repeat in any row group.
const WIDE: usize = 4;

/// The values of a leaf in these rows, where it is a column of numbers, dates and the like of four bytes or more, or of vectors
/// of them, none of which is null.
pub(super) fn numbers(parquet: &SchemaDescriptor, leaf: usize, rows: &RecordBatch) -> Option<ArrayRef> {
    let column = rows.columns().get(parquet.get_column_root_idx(leaf))?;
    let values = match column.data_type() {
        DataType::FixedSizeList(..) if column.null_count() == 0 => {
            ArrayRef::clone(column.as_fixed_size_list().values())
        }
        _ => ArrayRef::clone(column),
    };
    values.data_type().primitive_width().filter(|width| *width >= WIDE).map(|_| values)
}

/// Those of them that are not null: nulls take no place in the file.
pub(super) fn held(values: ArrayRef) -> Option<ArrayRef> {
    match values.null_count() {
        0 => Some(values),
        _ => is_not_null(&values).and_then(|held| filter(&values, &held)).ok(),
    }
}

/// Their bytes, those below nulls included.
pub(super) fn bytes(values: &dyn Array) -> Vec<u8> {
    let width = values.data_type().primitive_width().unwrap_or_default();
    let data = values.to_data();
    let all = data.buffers().first().map_or(&[][..], |buffer| buffer.as_slice());
    let start = data.offset() * width;
    all.get(start..start + data.len() * width).unwrap_or_default().to_vec()
}
