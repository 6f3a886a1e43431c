//! Record batches one after another.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;

/// Several batches as one. Categories stay as they are, also those that no row has, wherever the batches have the same ones, or
/// some the first of others: Arrow by itself keeps those of a few rows that are in use, in another order.
///
/// # Errors
/// Arrow's: batches with other columns, more categories than the keys can number.
pub fn concat_rows(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<RecordBatch, ArrowError> {
    let is_dictionary = |index: &usize| matches!(schema.field(*index).data_type(), DataType::Dictionary(..));
    let dictionaries: Vec<usize> = (0..schema.fields().len()).filter(is_dictionary).collect();
    if batches.len() < 2 || dictionaries.is_empty() {
        return concat_batches(schema, batches);
    }
    let mut columns: Vec<Vec<ArrayRef>> = batches.iter().map(|batch| batch.columns().to_vec()).collect();
    for index in dictionaries {
        let Some(all) = longest(batches, index) else { continue };
        for columns in &mut columns {
            if let Some(column) = columns.get_mut(index)
                && let Some(dictionary) = column.as_any_dictionary_opt()
            {
                *column = dictionary.with_values(Arc::clone(&all));
            }
        }
    }
    let rows = columns.into_iter().map(|columns| RecordBatch::try_new(Arc::clone(schema), columns));
    concat_batches(schema, &rows.collect::<Result<Vec<_>, _>>()?)
}

/// The categories of the batch that has most, where those of all others are the first of them.
fn longest(batches: &[RecordBatch], index: usize) -> Option<ArrayRef> {
    let values = batches.iter().map(|batch| Some(batch.columns().get(index)?.as_any_dictionary_opt()?.values()));
    let values = values.collect::<Option<Vec<&ArrayRef>>>()?;
    let all = *values.iter().max_by_key(|values| values.len())?;
    let begins = |some: &&ArrayRef| Arc::ptr_eq(some, all) || some.to_data() == all.slice(0, some.len()).to_data();
    values.iter().all(begins).then(|| Arc::clone(all))
}

#[cfg(test)]
mod tests {
    use arrow::array::{DictionaryArray, Int8Array, StringArray};
    use arrow::datatypes::{Field, Schema};

    use super::*;

    #[test]
    fn categories_keep_their_order_and_those_without_a_row() {
        let batch = |values: &[&str], keys: &[i8]| {
            let values: ArrayRef = Arc::new(StringArray::from(values.to_vec()));
            let column: ArrayRef = Arc::new(DictionaryArray::new(Int8Array::from(keys.to_vec()), values));
            let field = Field::new("size", column.data_type().clone(), true).with_dict_is_ordered(true);
            RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column]).unwrap()
        };
        let (first, second) = (batch(&["low", "middle", "high"], &[2, 0]), batch(&["low", "middle"], &[1]));
        let all = concat_rows(&first.schema(), &[second.clone(), first.clone()]).unwrap();
        let column = all.column(0).as_any_dictionary();
        assert_eq!(column.values().as_string::<i32>(), &StringArray::from(vec!["low", "middle", "high"]));
        assert_eq!(column.normalized_keys(), [1, 2, 0]);
        // Others are put together as Arrow does.
        let other = batch(&["none", "low"], &[0]);
        let all = concat_rows(&first.schema(), &[first, other]).unwrap();
        let text = arrow::compute::cast(all.column(0), &DataType::Utf8).unwrap();
        assert_eq!(text.as_string::<i32>(), &StringArray::from(vec!["high", "low", "none"]));
    }
}
