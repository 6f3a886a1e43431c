//! Record batches of one result as one.

use std::sync::Arc;

use arrow::array::{Array, ArrayData, ArrayRef, RecordBatch, RecordBatchOptions, make_array};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;

/// Several batches as one. DuckDB gives all values of an ENUM with each batch, in the order by which they compare: they stay as
/// they are, also within lists and structures. Arrow by itself keeps those that rows have, in another order, or each several times.
///
/// # Errors
/// Arrow's.
pub(crate) fn concat_rows(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<RecordBatch, ArrowError> {
    let Some((first, rest)) = batches.split_first() else { return concat_batches(schema, batches) };
    let first_data: Vec<Option<ArrayData>> = first.columns().iter().map(with_dictionary).collect();
    if rest.is_empty() || first_data.iter().all(Option::is_none) {
        return concat_batches(schema, batches);
    }
    let shared = rest.iter().map(|batch| {
        let columns = batch.columns().iter().zip(&first_data).map(|(column, first)| match first {
            Some(first) => Ok(make_array(sharing(column.to_data(), first)?)),
            None => Ok(Arc::clone(column)),
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>, ArrowError>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(batch.schema(), columns, &options)
    });
    let all = [Ok(first.clone())].into_iter().chain(shared);
    concat_batches(schema, &all.collect::<Result<Vec<_>, _>>()?)
}

/// The data of a column that is a dictionary, or has some within it.
fn with_dictionary(column: &ArrayRef) -> Option<ArrayData> {
    fn has_dictionary(data: &ArrayData) -> bool {
        matches!(data.data_type(), DataType::Dictionary(..)) || data.child_data().iter().any(has_dictionary)
    }
    Some(column.to_data()).filter(has_dictionary)
}

/// The same data with the dictionaries of other data, where they have the same values: Arrow knows by their place in memory that
/// they are the same.
fn sharing(data: ArrayData, first: &ArrayData) -> Result<ArrayData, ArrowError> {
    let is_dictionary = matches!(data.data_type(), DataType::Dictionary(..));
    let children = data.child_data().iter().zip(first.child_data()).map(|(child, first)| match is_dictionary {
        true if child == first => Ok(first.clone()),
        true => Ok(child.clone()),
        false => sharing(child.clone(), first),
    });
    let children = children.collect::<Result<Vec<_>, _>>()?;
    match children.is_empty() {
        true => Ok(data),
        false => data.into_builder().child_data(children).build(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{AsArray, DictionaryArray, Int64Array, ListArray, StringArray, UInt8Array};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::{Field, UInt8Type};

    use super::*;

    #[test]
    fn values_of_an_enum_stay_in_their_order() {
        let batch = |keys: &[u8]| {
            let values: ArrayRef = Arc::new(StringArray::from(vec!["low", "middle", "high", "never"]));
            let sizes: ArrayRef = Arc::new(DictionaryArray::new(UInt8Array::from(keys.to_vec()), values));
            let item = Arc::new(Field::new("item", sizes.data_type().clone(), true));
            let offsets = OffsetBuffer::from_lengths(vec![1; keys.len()]);
            let lists: ArrayRef = Arc::new(ListArray::new(item, offsets, Arc::clone(&sizes), None));
            let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(keys.iter().map(|key| i64::from(*key))));
            RecordBatch::try_from_iter([("id", ids), ("size", sizes), ("sizes", lists)]).unwrap()
        };
        let batches = [batch(&[2, 0]), batch(&[1]), batch(&[2, 2, 0])];
        let all = concat_rows(&batches[0].schema(), &batches).unwrap();
        assert_eq!(all, batch(&[2, 0, 1, 2, 2, 0]));
        let within = Arc::clone(all.column(2).as_list::<i32>().values());
        for column in [all.column(1), &within] {
            let column = column.as_dictionary::<UInt8Type>();
            let values = column.values().as_string::<i32>();
            assert_eq!(values, &StringArray::from(vec!["low", "middle", "high", "never"]));
            assert_eq!(column.keys().values(), &[2, 0, 1, 2, 2, 0]);
        }
        assert_eq!(concat_rows(&batches[0].schema(), &[]).unwrap().num_rows(), 0);
    }
}
