//! Batches of one of many files, brought into the form of the table.

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, SchemaRef};

use crate::error::HandlerResult;
use crate::formats::hive::{Partitions, partition_array};
use crate::formats::table_files::TableSource;
use crate::formats::widen::widen;
use crate::formats::{bad, decoder_error, quoted};

/// Gives a batch of one file the columns of the table.
pub(super) fn conform(
    schema: &SchemaRef,
    file: &TableSource,
    partitions: &Partitions,
    batch: &RecordBatch,
) -> HandlerResult<RecordBatch> {
    let rows = batch.num_rows();
    let columns = schema.fields().iter().map(|field| {
        let column = batch.column_by_name(field.name());
        let Some(value) = partitions.get(field.name()) else {
            let Some(column) = column else { return Ok(new_null_array(field.data_type(), rows)) };
            return widen(column, field.data_type()).map_err(|reason| {
                let name = quoted(field.name());
                bad(file.path(), format!("column {name} cannot become {}: {reason}", field.data_type()))
            });
        };
        let values = partition_array(field.data_type(), value.as_deref(), rows);
        if let Some(column) = column
            && !same_values(column, &values, value.as_deref())
        {
            let name = quoted(field.name());
            let reason = format!(
                "column {name} has other values than the directory {}={}: leave one of them out",
                field.name(),
                value.as_deref().unwrap_or("(missing)")
            );
            return Err(bad(file.path(), reason));
        }
        Ok(values)
    });
    let columns = columns.collect::<HandlerResult<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options)
        .map_err(|error| decoder_error(file.path(), "cannot be read", error))
}

/// Whether a column says what a partition says: its values, and not only what is left of them as the partition's type.
fn same_values(column: &ArrayRef, partition: &ArrayRef, text: Option<&str>) -> bool {
    let same = |a: &ArrayRef, b: &ArrayRef| not_distinct(a, b).is_ok_and(|same| same.true_count() == a.len());
    let exact = CastOptions { safe: false, ..CastOptions::default() };
    let of = |column: &ArrayRef, of: &DataType| cast_with_options(column, of, &exact);
    if matches!(column.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
        let text = partition_array(&DataType::Utf8, text, column.len());
        return of(column, &DataType::Utf8).is_ok_and(|column| same(&column, &text));
    }
    let Ok(as_partition) = of(column, partition.data_type()) else { return false };
    same(&as_partition, partition) && of(&as_partition, column.data_type()).is_ok_and(|back| same(&back, column))
}
