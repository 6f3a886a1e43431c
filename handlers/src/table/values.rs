//! The values of a dictionary column, each with its place, and columns that are numbered by them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, UInt64Array, make_array};
use arrow::compute::{cast, concat, take};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::row::{OwnedRow, RowConverter, SortField};

use crate::error::HandlerError;

/// The values of one column, and the place of each.
#[derive(Debug)]
pub struct DictionaryValues {
    values: ArrayRef,
    converter: RowConverter,
    places: HashMap<OwnedRow, i64>,
    /// The dictionary that the last batch had, and the places of its values: batches of a row group share one.
    last: Option<(ArrayRef, ArrayRef)>,
}

impl DictionaryValues {
    /// These values, each at its place.
    ///
    /// # Errors
    /// Values of a type that Arrow does not compare by rows.
    pub fn new(values: ArrayRef) -> Result<Self, ArrowError> {
        let converter = RowConverter::new(vec![SortField::new(values.data_type().clone())])?;
        let rows = converter.convert_columns(std::slice::from_ref(&values))?;
        let places = rows.iter().map(|row| row.owned()).zip(0..).collect();
        Ok(Self { values, converter, places, last: None })
    }

    /// All of them, in order.
    pub fn values(&self) -> &ArrayRef {
        &self.values
    }

    /// Takes in those of these values that are not there yet, behind the others.
    ///
    /// # Errors
    /// Values of another type.
    pub fn extend(&mut self, found: &ArrayRef) -> Result<(), ArrowError> {
        let rows = self.converter.convert_columns(std::slice::from_ref(found))?;
        let mut new: Vec<u64> = Vec::new();
        let mut next = self.values.len() as i64;
        for (index, row) in rows.iter().enumerate() {
            // Missing values can have an entry of their own; without one they are missing keys.
            if found.is_valid(index)
                && let Entry::Vacant(place) = self.places.entry(row.owned())
            {
                place.insert(next);
                new.push(index as u64);
                next += 1;
            }
        }
        if !new.is_empty() {
            let new = take(found.as_ref(), &UInt64Array::from(new), None)?;
            self.values = concat(&[self.values.as_ref(), new.as_ref()])?;
            self.last = None;
        }
        Ok(())
    }

    /// A dictionary column with keys of these values; `None` where a row has a value that is none of them, or whose place its keys cannot tell.
    ///
    /// # Errors
    /// Values of another type.
    pub fn apply(&mut self, column: &ArrayRef) -> Result<Option<ArrayRef>, ArrowError> {
        let Some(dictionary) = column.as_any_dictionary_opt() else { return Ok(Some(Arc::clone(column))) };
        let found = dictionary.values();
        let places = match &self.last {
            Some((known, places)) if Arc::ptr_eq(known, found) => Arc::clone(places),
            _ => {
                let places = cast(&self.places_of(found)?, dictionary.keys().data_type())?;
                self.last = Some((Arc::clone(found), Arc::clone(&places)));
                places
            }
        };
        let keys = take(&places, dictionary.keys(), None)?.to_data();
        if keys.null_count() > column.logical_null_count() {
            return Ok(None);
        }
        let data = keys.into_builder().data_type(column.data_type().clone()).add_child_data(self.values.to_data());
        Ok(Some(make_array(data.build()?)))
    }

    /// The place of each value; null for what is none of these. A batch that reaches over two row groups has a dictionary
    /// that the decoder has built anew, where missing values can have an entry of their own.
    ///
    /// # Errors
    /// Values of another type.
    pub fn places_of(&self, found: &ArrayRef) -> Result<Int64Array, ArrowError> {
        let rows = self.converter.convert_columns(std::slice::from_ref(found))?;
        Ok(rows.iter().map(|row| self.places.get(&row.owned()).copied()).collect())
    }
}

/// How many values the keys of a dictionary can number.
pub(super) fn most_values(keys: &DataType) -> usize {
    match keys {
        DataType::Int8 => i8::MAX as usize,
        DataType::UInt8 => u8::MAX as usize,
        DataType::Int16 => i16::MAX as usize,
        DataType::UInt16 => u16::MAX as usize,
        _ => usize::MAX,
    }
}

/// What is said when there are more.
pub(super) fn too_many_values(item: &str, column: &str, most: usize) -> HandlerError {
    let reason = format!(
        "the batches of column '{column}' have more than {most} different values together, and its keys can number no more: \
         give it wider keys, or make it text"
    );
    HandlerError::Invalid { item: item.to_owned(), reason }
}
