//! The files of a table read as one that is to be written: an Arrow file has one dictionary for each column, so those of all
//! files become one.

use std::slice::IterMut;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayData, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, RecordBatchReader, make_array,
};
use arrow::datatypes::{DataType, Field, SchemaRef};
use arrow::error::ArrowError;

use super::TableReadOptions;
use super::ordered::{listed, take_in};
use super::values::{DictionaryValues, most_values, too_many_values};
use crate::error::{HandlerError, HandlerResult};
use crate::guard::{Batches, GuardedReader};
use crate::handler::Item;
use crate::included_table::{is_parquet, open_stored, read_table};
use crate::stored_file::stored_files;

type TableReader = Box<dyn RecordBatchReader + Send>;

/// Opens a table of the bundle to write its rows anew. Row groups of Parquet have dictionaries of their own; of Arrow files the
/// dictionaries are collected first, from the first batch of each file.
///
/// # Errors
/// As [`read_table`](crate::read_table); [`HandlerError::Invalid`] when the values of all files are more than the keys of a column
/// can number, and when files contradict each other in the order of categories.
pub fn read_merged(item: &Item<'_>, options: &TableReadOptions) -> HandlerResult<TableReader> {
    let rows = read_table(item, options)?;
    if is_parquet(item) {
        return Ok(rows);
    }
    let schema = rows.schema();
    let mut columns: Vec<Column> =
        schema.fields().iter().enumerate().filter_map(|(place, field)| Column::of(place, field)).collect();
    if columns.is_empty() {
        return Ok(rows);
    }
    for file in stored_files(item.record())? {
        let first = open_stored(item, &file, &TableReadOptions::default())?.next().transpose()?;
        for column in &mut columns {
            if let Some(batch) = &first {
                column.collect(item.name(), batch)?;
            }
        }
    }
    columns.retain(|column| column.differs);
    if columns.is_empty() {
        return Ok(rows);
    }
    let name = item.name().to_owned();
    let merged = Merged { item: name.clone(), rows, schema: SchemaRef::clone(&schema), columns };
    Ok(Box::new(GuardedReader::blaming(name, schema, merged)))
}

/// A column that has dictionaries: it is one, or there are some within it.
struct Column {
    place: usize,
    name: String,
    dictionaries: Vec<Dictionary>,
    /// Whether the files have different ones, or one file does not have the column at all.
    differs: bool,
}

struct Dictionary {
    is_ordered: bool,
    /// How many values its keys can number.
    most: usize,
    /// Those of all files, as far as they were met.
    values: Option<DictionaryValues>,
}

impl Column {
    fn of(place: usize, field: &Field) -> Option<Self> {
        let mut dictionaries = Vec::new();
        dictionaries_of(field, &mut dictionaries);
        let name = field.name().clone();
        (!dictionaries.is_empty()).then_some(Self { place, name, dictionaries, differs: false })
    }

    /// Takes in the dictionaries of a file.
    fn collect(&mut self, item: &str, batch: &RecordBatch) -> HandlerResult<()> {
        let Some(array) = batch.column_by_name(&self.name) else {
            // Its rows are null, and have a dictionary without values.
            self.differs = true;
            return Ok(());
        };
        let mut found = Vec::new();
        values_of(&array.to_data(), &mut found);
        for (dictionary, found) in self.dictionaries.iter_mut().zip(found) {
            let Some(known) = &mut dictionary.values else {
                dictionary.values = Some(DictionaryValues::new(found)?);
                continue;
            };
            if known.values().to_data() == found.to_data() {
                continue;
            }
            self.differs = true;
            if !dictionary.is_ordered {
                known.extend(&found)?;
            } else if !take_in(known, &found)? {
                let reason = format!(
                    "the ordered categories of column '{}' are {} in one of its files, and {} in others",
                    self.name,
                    listed(&found),
                    listed(known.values())
                );
                return Err(HandlerError::Invalid { item: item.to_owned(), reason });
            }
            if known.values().len() > dictionary.most {
                return Err(too_many_values(item, &self.name, dictionary.most));
            }
        }
        Ok(())
    }

    /// The same column with keys of the values of all files; `None` for a value that was not met.
    fn number(&mut self, array: &ArrayRef) -> Result<Option<ArrayRef>, ArrowError> {
        let mut dictionaries = self.dictionaries.iter_mut();
        if array.as_any_dictionary_opt().is_some() {
            return match dictionaries.next().and_then(|dictionary| dictionary.values.as_mut()) {
                Some(values) => values.apply(array),
                None => Ok(Some(Arc::clone(array))),
            };
        }
        Ok(number_within(array.to_data(), &mut dictionaries)?.map(make_array))
    }
}

/// The dictionaries of a column, in the order in which the data has them.
fn dictionaries_of(field: &Field, found: &mut Vec<Dictionary>) {
    match field.data_type() {
        DataType::Dictionary(keys, _) => found.push(Dictionary {
            is_ordered: field.dict_is_ordered() == Some(true),
            most: most_values(keys),
            values: None,
        }),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _)
        | DataType::RunEndEncoded(_, field) => dictionaries_of(field, found),
        DataType::Struct(fields) => fields.iter().for_each(|field| dictionaries_of(field, found)),
        DataType::Union(fields, _) => fields.iter().for_each(|(_, field)| dictionaries_of(field, found)),
        _ => {}
    }
}

/// The values of the dictionaries in an array, in the same order.
fn values_of(data: &ArrayData, found: &mut Vec<ArrayRef>) {
    if matches!(data.data_type(), DataType::Dictionary(..)) {
        found.extend(data.child_data().first().cloned().map(make_array));
        return;
    }
    data.child_data().iter().for_each(|child| values_of(child, found));
}

/// The same array with other dictionaries.
fn number_within(data: ArrayData, dictionaries: &mut IterMut<'_, Dictionary>) -> Result<Option<ArrayData>, ArrowError> {
    if matches!(data.data_type(), DataType::Dictionary(..)) {
        let Some(values) = dictionaries.next().and_then(|dictionary| dictionary.values.as_mut()) else {
            return Ok(Some(data));
        };
        return Ok(values.apply(&make_array(data))?.map(|column| column.to_data()));
    }
    if data.child_data().is_empty() {
        return Ok(Some(data));
    }
    let mut children = Vec::with_capacity(data.child_data().len());
    for child in data.child_data() {
        let Some(child) = number_within(child.clone(), dictionaries)? else { return Ok(None) };
        children.push(child);
    }
    Ok(Some(data.into_builder().child_data(children).build()?))
}

struct Merged {
    item: String,
    rows: TableReader,
    schema: SchemaRef,
    columns: Vec<Column>,
}

impl Batches for Merged {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        let Some(batch) = self.rows.next().transpose()? else { return Ok(None) };
        let (_, mut columns, rows) = batch.into_parts();
        for column in &mut self.columns {
            let Some(array) = columns.get_mut(column.place) else { continue };
            *array = column.number(array)?.ok_or_else(|| {
                let reason = format!("a file of it has several dictionaries for column '{}'", column.name);
                HandlerError::Damaged { item: self.item.clone(), reason }
            })?;
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(Some(RecordBatch::try_new_with_options(SchemaRef::clone(&self.schema), columns, &options)?))
    }
}
