//! Streams that are put together of frames: each batch has the columns of the first one, by their names.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, RecordBatchReader, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::TableReader;
use super::columns::{has_columns, is_same_type, other_columns};
use super::fitted::holds_the_same;
use super::milliseconds::stored;
use crate::error::{HandlerError, HandlerResult};
use crate::formats::quoted;

/// Rows that become a table. Their batches may have the columns in another order than was announced, and the same values in another form,
/// as frames of an iterator may: they are taken as rows that are added to a table are. A column that is missing, new or of another type is
/// [`HandlerError::Invalid`].
pub(crate) fn alike(item: &str, rows: TableReader) -> TableReader {
    Box::new(Alike { item: item.to_owned(), schema: rows.schema(), rows })
}

struct Alike {
    item: String,
    schema: SchemaRef,
    rows: TableReader,
}

impl Alike {
    fn fit(&self, batch: RecordBatch) -> HandlerResult<RecordBatch> {
        if has_columns(&self.schema, &batch) {
            return Ok(batch);
        }
        let invalid = |reason: String| HandlerError::Invalid { item: self.item.clone(), reason };
        if let Some(reason) = other_columns(&self.schema, batch.schema_ref(), fits) {
            return Err(invalid(reason));
        }
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for field in self.schema.fields() {
            let Some(column) = batch.column_by_name(field.name()) else { continue };
            let column = in_form(column, field.data_type())
                .map_err(|error| invalid(format!("column {} of a later batch: {error}", quoted(field.name()))))?;
            // Whether values may be missing is for the table to say, which has its own fields.
            let of = field.as_ref().clone().with_data_type(column.data_type().clone()).with_nullable(true);
            fields.push(of);
            columns.push(column);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let schema = Schema::new_with_metadata(fields, self.schema.metadata().clone());
        Ok(RecordBatch::try_new_with_options(Arc::new(schema), columns, &options)?)
    }
}

/// Whether a column of one type can have a place in one of another.
fn fits(new: &DataType, table: &DataType) -> bool {
    is_same_type(new, table) || holds_the_same(new, table)
}

/// The same values in the form of a type that they fit.
fn in_form(column: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    match column.data_type() {
        of if is_same_type(of, to) => Ok(Arc::clone(column)),
        DataType::Null => Ok(new_null_array(to, column.len())),
        _ => {
            // What has no place in the type is an error, and no null.
            let exactly = CastOptions { safe: false, ..CastOptions::default() };
            cast_with_options(&stored(column)?, to, &exactly)
        }
    }
}

impl Iterator for Alike {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.rows.next()?;
        Some(batch.and_then(|batch| self.fit(batch).map_err(|error| ArrowError::ExternalError(Box::new(error)))))
    }
}

impl RecordBatchReader for Alike {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{
        AsArray, Float64Array, Int64Array, LargeStringArray, RecordBatchIterator, StringArray, StructArray,
    };
    use arrow::datatypes::{Field, Int64Type};

    use super::*;

    fn ints(values: &[i64]) -> ArrayRef {
        Arc::new(Int64Array::from(values.to_vec()))
    }

    fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        let columns = columns.into_iter().map(|(name, column)| (name, column, true));
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    }

    /// A second batch behind one with the columns `a`, `b` and `s`.
    fn second(columns: Vec<(&str, ArrayRef)>) -> HandlerResult<RecordBatch> {
        let text: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
        let batches = [batch(vec![("a", ints(&[1])), ("b", ints(&[2])), ("s", text)]), batch(columns)];
        let schema = batches[0].schema();
        let mut rows = alike("t", Box::new(RecordBatchIterator::new(batches.map(Ok), schema)));
        assert_eq!(rows.next().unwrap().unwrap().num_rows(), 1);
        Ok(rows.next().unwrap()?)
    }

    #[test]
    fn columns_are_taken_by_their_names_and_in_the_form_of_the_first() {
        let long: ArrayRef = Arc::new(LargeStringArray::from(vec!["y"]));
        for text in [long, new_null_array(&DataType::Null, 1)] {
            let is_null = text.data_type() == &DataType::Null;
            let found = second(vec![("s", text), ("b", ints(&[20])), ("a", ints(&[10]))]).unwrap();
            let names: Vec<_> = found.schema().fields().iter().map(|field| field.name().clone()).collect();
            assert_eq!(names, ["a", "b", "s"]);
            assert_eq!(found.column(0).as_primitive::<Int64Type>().values(), &[10]);
            assert_eq!(found.column(1).as_primitive::<Int64Type>().values(), &[20]);
            let text = found.column(2).as_string::<i32>();
            assert_eq!((text.is_null(0), text.value(0)), (is_null, if is_null { "" } else { "y" }));
        }
    }

    /// Arrow takes them for one type, and the values of one field for those of another.
    #[test]
    fn fields_of_a_structure_in_another_order_are_another_type() {
        let of = |names: [&str; 2]| -> ArrayRef {
            let fields = names.map(|name| Arc::new(Field::new(name, DataType::Int64, true)));
            Arc::new(StructArray::from(fields.into_iter().zip([ints(&[1]), ints(&[2])]).collect::<Vec<_>>()))
        };
        let batches = [batch(vec![("a", of(["x", "y"]))]), batch(vec![("a", of(["y", "x"]))])];
        let schema = batches[0].schema();
        let mut rows = alike("t", Box::new(RecordBatchIterator::new(batches.map(Ok), schema)));
        assert!(rows.next().unwrap().is_ok());
        let error = rows.next().unwrap().unwrap_err().to_string();
        assert!(error.contains("column \"a\" is struct<y: int64, x: int64> in a later batch"), "{error}");
    }

    #[test]
    fn what_does_not_fit_names_the_column() {
        let text = || Arc::new(StringArray::from(vec!["y"])) as ArrayRef;
        let half = || Arc::new(Float64Array::from(vec![0.5])) as ArrayRef;
        for (columns, says) in [
            (
                vec![("b", ints(&[20])), ("a", half()), ("s", text())],
                "column \"a\" is double in a later batch, and int64",
            ),
            (vec![("b", ints(&[20])), ("a", ints(&[10]))], "does not have column \"s\""),
            (vec![("b", ints(&[20])), ("a", ints(&[10])), ("s", text()), ("c", half())], "has column \"c\""),
            (vec![("b", ints(&[20])), ("a", ints(&[10])), ("s", text()), ("b", ints(&[3]))], "two columns of one name"),
        ] {
            let error = second(columns).unwrap_err();
            assert!(matches!(error, HandlerError::Invalid { .. }) && error.to_string().contains(says), "{error}");
        }
    }
}
