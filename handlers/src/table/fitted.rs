//! Rows that are added to a table: they get its columns, in its order and of its types.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, RecordBatchReader, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::columns::check_schema;
use super::milliseconds::stored;
use super::ordered::{Order, OrderedCategories};
use super::type_name::{arrow_field_type_name, arrow_type_name};
use crate::error::{HandlerError, HandlerResult, Misfit};
use crate::guard::{Batches, GuardedReader};

type TableReader = Box<dyn RecordBatchReader + Send>;

/// Rows for a table that has these columns. Their order may differ, and so may the form in which the same values are held
/// (texts with short or long offsets, dictionaries); all else is refused. With `evolve` columns that the table does not have
/// yet come behind the others. Ordered columns get the categories of the table, which `categories` are.
///
/// # Errors
/// [`HandlerError::SchemaMismatch`] for a column that is missing, of another type, or new without `evolve`; from the reader
/// also for a null where the table has none, and for categories in another order.
pub fn fit_rows(
    item: &str,
    table: &SchemaRef,
    rows: TableReader,
    evolve: bool,
    categories: &OrderedCategories,
) -> HandlerResult<TableReader> {
    let found = rows.schema();
    check_schema(&found, |reason| HandlerError::Invalid { item: item.to_owned(), reason })?;
    let mismatch = |column: &str, misfit: Misfit, reason: String| HandlerError::SchemaMismatch {
        item: item.to_owned(),
        column: column.to_owned(),
        misfit,
        reason,
    };
    let mut fields: Vec<Arc<Field>> = table.fields().iter().cloned().collect();
    // SQL does not tell such names apart: a table with both would be no table to it.
    let alike = |name: &str, others: &SchemaRef| {
        let is_alike = |field: &&Arc<Field>| field.name() != name && field.name().to_lowercase() == name.to_lowercase();
        others.fields().iter().find(is_alike).map(|field| field.name().clone())
    };
    for field in table.fields() {
        let Some((_, new)) = found.fields().find(field.name()) else {
            if let Some(other) = alike(field.name(), &found) {
                let reason = format!("the new rows have {other:?}, which differs in case: rename it there");
                return Err(mismatch(field.name(), Misfit::Case, reason));
            }
            let reason = "the table has it, and the new rows do not: give it to them, with nulls where it is not known";
            return Err(mismatch(field.name(), Misfit::Missing, reason.to_owned()));
        };
        if !holds_the_same(new.data_type(), field.data_type()) {
            let (of, known) = (arrow_field_type_name(new), arrow_field_type_name(field));
            return Err(mismatch(
                field.name(),
                Misfit::OtherType,
                format!("it is {of} in the new rows, and {known} in the table: cast it"),
            ));
        }
    }
    let known: HashSet<&str> = table.fields().iter().map(|field| field.name().as_str()).collect();
    for new in found.fields().iter().filter(|field| !known.contains(field.name().as_str())) {
        if let Some(other) = alike(new.name(), table) {
            let reason = format!(
                "the table has {other:?}, which differs in case alone, and SQL does not tell them apart: rename it"
            );
            return Err(mismatch(new.name(), Misfit::Case, reason));
        }
        if !evolve {
            let reason = "the table does not have it: leave it out, or let the table get it (`evolve`)".to_owned();
            return Err(mismatch(new.name(), Misfit::New, reason));
        }
        if new.data_type().is_null() {
            let reason = "it has no type, and no value that would tell one: cast it".to_owned();
            return Err(mismatch(new.name(), Misfit::OtherType, reason));
        }
        // The rows that are there have no value for it.
        fields.push(Arc::new(new.as_ref().clone().with_nullable(true)));
    }
    categories.begin();
    let orders = fields.iter().map(|field| {
        let DataType::Dictionary(keys, _) = field.data_type() else { return Ok(None) };
        let is_ordered = found.fields().find(field.name()).is_some_and(|(_, new)| new.dict_is_ordered() == Some(true));
        categories.order(item, field.name(), keys, is_ordered)
    });
    let orders = orders.collect::<HandlerResult<Vec<_>>>()?;
    let schema = Arc::new(Schema::new_with_metadata(fields, table.metadata().clone()));
    let fitted = Fitted { item: item.to_owned(), schema: schema.clone(), rows, orders };
    Ok(Box::new(GuardedReader::blaming(item.to_owned(), schema, fitted)))
}

struct Fitted {
    item: String,
    schema: SchemaRef,
    rows: TableReader,
    /// For each column the order of its categories, where it has one.
    orders: Vec<Option<Order>>,
}

impl Batches for Fitted {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        let Some(batch) = self.rows.next().transpose()? else { return Ok(None) };
        // A stream may be put together of frames that differ: each batch is looked at, and by the names of its columns.
        let given = batch.schema();
        if let Some(new) = given.fields().iter().find(|new| self.schema.fields().find(new.name()).is_none()) {
            return Err(mismatch(
                &self.item,
                new,
                Misfit::New,
                "a later batch has it, and the first one does not: give it to all of them, or to none",
            ));
        }
        let mut columns = Vec::with_capacity(self.orders.len());
        for (field, order) in self.schema.fields().iter().zip(&mut self.orders) {
            let Some(column) = batch.column_by_name(field.name()) else {
                let reason = "a later batch does not have it, and the first one does: give it to all of them";
                return Err(mismatch(&self.item, field, Misfit::Missing, reason));
            };
            if !holds_the_same(column.data_type(), field.data_type()) {
                let (of, known) = (arrow_type_name(column.data_type()), arrow_field_type_name(field));
                let reason = format!("it is {of} in a later batch of the new rows, and {known} in the table: cast it");
                return Err(mismatch(&self.item, field, Misfit::OtherType, &reason));
            }
            let mut column: ArrayRef = match column.data_type() {
                of if of == field.data_type() => column.clone(),
                DataType::Null => new_null_array(field.data_type(), column.len()),
                // A table in Parquet files has no seconds.
                _ => {
                    let too_far = |_| {
                        mismatch(
                            &self.item,
                            field,
                            Misfit::OtherType,
                            "a time in seconds is too far away for its milliseconds",
                        )
                    };
                    // What has no place in the type is an error, and no null.
                    let exactly = CastOptions { safe: false, ..CastOptions::default() };
                    cast_with_options(&stored(column).map_err(too_far)?, field.data_type(), &exactly)?
                }
            };
            if let Some(order) = order {
                column = order.fit(&column)?;
            }
            if !field.is_nullable() && column.null_count() > 0 {
                let reason = "it must have a value in every row, and a new row has none";
                return Err(mismatch(&self.item, field, Misfit::Null, reason));
            }
            columns.push(column);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(Some(RecordBatch::try_new_with_options(SchemaRef::clone(&self.schema), columns, &options)?))
    }
}

fn mismatch(item: &str, field: &Field, misfit: Misfit, reason: &str) -> HandlerError {
    let (item, column) = (item.to_owned(), field.name().clone());
    HandlerError::SchemaMismatch { item, column, misfit, reason: reason.to_owned() }
}

/// Whether two types hold the same values, in whatever form.
pub(super) fn holds_the_same(new: &DataType, table: &DataType) -> bool {
    use DataType::{
        Binary, BinaryView, Dictionary, FixedSizeList, LargeBinary, LargeList, LargeUtf8, List, Null, Struct, Time32,
        Timestamp, Utf8, Utf8View,
    };
    if new == table {
        return true;
    }
    match (new, table) {
        (Null, _) => true,
        (Dictionary(_, value), other) | (other, Dictionary(_, value)) => holds_the_same(value, other),
        (Utf8 | LargeUtf8 | Utf8View, Utf8 | LargeUtf8 | Utf8View) => true,
        (Binary | LargeBinary | BinaryView, Binary | LargeBinary | BinaryView) => true,
        (Timestamp(TimeUnit::Second, a), Timestamp(TimeUnit::Millisecond, b)) => a == b,
        (Time32(TimeUnit::Second), Time32(TimeUnit::Millisecond)) => true,
        (List(a) | LargeList(a), List(b) | LargeList(b)) => holds_the_same(a.data_type(), b.data_type()),
        (FixedSizeList(a, length), FixedSizeList(b, other)) => {
            length == other && holds_the_same(a.data_type(), b.data_type())
        }
        (Struct(a), Struct(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| a.name() == b.name() && holds_the_same(a.data_type(), b.data_type()))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        AsArray, DictionaryArray, Float64Array, Int32Array, Int64Array, LargeStringArray, RecordBatchIterator,
        StringArray, TimestampSecondArray,
    };
    use arrow::datatypes::{Int32Type, Int64Type, TimestampMillisecondType};

    use super::*;

    fn table() -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false), Field::new("name", DataType::Utf8, true)]))
    }

    fn fit(columns: Vec<(&str, ArrayRef)>, evolve: bool) -> HandlerResult<RecordBatch> {
        let batch =
            RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)));
        let batch = batch.unwrap();
        let schema = batch.schema();
        let rows = Box::new(RecordBatchIterator::new([Ok(batch)], schema));
        let mut fitted = fit_rows("t", &table(), rows, evolve, &OrderedCategories::default())?;
        Ok(fitted.next().unwrap()?)
    }

    fn ids(values: &[Option<i64>]) -> ArrayRef {
        Arc::new(Int64Array::from(values.to_vec()))
    }

    #[test]
    fn the_same_values_in_another_order_and_form() {
        let forms: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec!["a", "b"])),
            Arc::new(LargeStringArray::from(vec!["a", "b"])),
            Arc::new(["a", "b"].into_iter().collect::<DictionaryArray<Int32Type>>()),
        ];
        for names in forms {
            let batch = fit(vec![("name", names), ("id", ids(&[Some(1), Some(2)]))], false).unwrap();
            assert_eq!(batch.schema(), table());
            assert_eq!(batch.column(0).as_primitive::<Int64Type>().values(), &[1, 2]);
            assert_eq!(batch.column(1).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("a"), Some("b")]);
        }
        let nothing = fit(vec![("id", ids(&[Some(1)])), ("name", new_null_array(&DataType::Null, 1))], false).unwrap();
        assert_eq!(nothing.column(1).null_count(), 1);
    }

    /// Frames of an iterator may differ: what the first one has says nothing of the others.
    #[test]
    fn each_batch_is_fitted_by_the_names_and_types_of_its_own_columns() {
        let names = || Arc::new(StringArray::from(vec!["a"])) as ArrayRef;
        let first = [("id", ids(&[Some(1)])), ("name", names())];
        let then = |columns: Vec<(&str, ArrayRef)>| -> HandlerResult<RecordBatch> {
            let batch = |columns: Vec<(&str, ArrayRef)>| {
                let columns = columns.into_iter().map(|(name, column)| (name, column, true));
                RecordBatch::try_from_iter_with_nullable(columns).unwrap()
            };
            let batches = [batch(first.to_vec()), batch(columns)];
            let schema = batches[0].schema();
            let rows = Box::new(RecordBatchIterator::new(batches.map(Ok), schema));
            let mut fitted = fit_rows("t", &table(), rows, true, &OrderedCategories::default())?;
            assert_eq!(fitted.next().unwrap()?.num_rows(), 1);
            Ok(fitted.next().unwrap()?)
        };
        let turned = then(vec![("name", names()), ("id", ids(&[Some(77)]))]).unwrap();
        assert_eq!(turned.column(0).as_primitive::<Int64Type>().values(), &[77]);
        assert_eq!(turned.column(1).as_string::<i32>().value(0), "a");
        let half = || Arc::new(Float64Array::from(vec![2.9])) as ArrayRef;
        for (columns, column, misfit) in [
            (vec![("id", half()), ("name", names())], "id", Misfit::OtherType),
            (vec![("id", names()), ("name", ids(&[Some(1)]))], "id", Misfit::OtherType),
            (vec![("id", ids(&[Some(1)]))], "name", Misfit::Missing),
            (vec![("id", ids(&[Some(1)])), ("title", names())], "title", Misfit::New),
            (vec![("id", ids(&[Some(1)])), ("name", names()), ("lost", half())], "lost", Misfit::New),
        ] {
            match then(columns).unwrap_err() {
                HandlerError::SchemaMismatch { column: named, misfit: found, .. } => {
                    assert_eq!((named.as_str(), found), (column, misfit));
                }
                other => panic!("{other}"),
            }
        }
    }

    /// A table in Parquet files has its times in milliseconds.
    #[test]
    fn times_in_seconds_fit_those_in_milliseconds() {
        let zone = || Some("Europe/Berlin".into());
        let at = Field::new("at", DataType::Timestamp(TimeUnit::Millisecond, zone()), true);
        let table: SchemaRef = Arc::new(Schema::new(vec![at]));
        let fit = |values: Vec<i64>, zone: Option<Arc<str>>| -> HandlerResult<RecordBatch> {
            let column: ArrayRef = Arc::new(TimestampSecondArray::from(values).with_timezone_opt(zone));
            let batch = RecordBatch::try_from_iter([("at", column)]).unwrap();
            let schema = batch.schema();
            let rows = Box::new(RecordBatchIterator::new([Ok(batch)], schema));
            let mut rows = fit_rows("t", &table, rows, false, &OrderedCategories::default())?;
            Ok(rows.next().unwrap()?)
        };
        let fitted = fit(vec![7, -1], zone()).unwrap();
        assert_eq!(fitted.column(0).as_primitive::<TimestampMillisecondType>().values(), &[7_000, -1_000]);
        for error in [fit(vec![i64::MAX], zone()).unwrap_err(), fit(vec![7], None).unwrap_err()] {
            assert_eq!(error.code(), "schema-mismatch");
            assert!(error.to_string().contains("\"at\""), "{error}");
        }
    }

    #[test]
    fn what_does_not_fit_names_the_column() {
        let names = || Arc::new(StringArray::from(vec!["a"])) as ArrayRef;
        let id = || ids(&[Some(1)]);
        let extra = || Arc::new(Float64Array::from(vec![0.5])) as ArrayRef;
        let narrow = || Arc::new(Int32Array::from(vec![1])) as ArrayRef;
        let nothing = || new_null_array(&DataType::Null, 1);
        for (columns, evolve, column, misfit, says) in [
            (vec![("id", id())], false, "name", Misfit::Missing, "the new rows do not"),
            (vec![("id", narrow()), ("name", names())], true, "id", Misfit::OtherType, "int32"),
            (vec![("id", id()), ("name", names()), ("x", extra())], false, "x", Misfit::New, "evolve"),
            (vec![("id", id()), ("Name", names())], true, "name", Misfit::Case, "rename"),
            (vec![("id", id()), ("name", names()), ("ID", id())], false, "ID", Misfit::Case, "rename"),
            (vec![("id", id()), ("name", names()), ("x", nothing())], true, "x", Misfit::OtherType, "no type"),
            (vec![("id", ids(&[None])), ("name", names())], false, "id", Misfit::Null, "a new row has none"),
        ] {
            let error = fit(columns, evolve).unwrap_err();
            assert_eq!(error.code(), "schema-mismatch");
            assert!(matches!(error, HandlerError::SchemaMismatch { misfit: found, .. } if found == misfit), "{error}");
            let text = error.to_string();
            assert!(text.contains(&format!("{column:?}")) && text.contains(says) && text.contains("'t'"), "{text}");
        }
        let batch = fit(vec![("x", extra()), ("name", names()), ("id", id())], true).unwrap();
        let fields: Vec<_> = batch.schema().fields().iter().map(|f| (f.name().clone(), f.is_nullable())).collect();
        assert_eq!(fields, [("id".to_owned(), false), ("name".to_owned(), true), ("x".to_owned(), true)]);
    }
}
