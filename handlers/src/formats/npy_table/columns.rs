//! The columns that an array gives: itself, or the fields of its records.

use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeListArray};
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};

use super::elements::elements;
use crate::formats::quoted;
use crate::npy::{Dtype, NpyHeader, Scalar};

/// A column that an array gives.
pub(super) struct Column {
    pub(super) field: FieldRef,
    pub(super) scalar: Scalar,
    /// Where in a row it begins.
    offset: usize,
    /// Elements of a vector; `None` for single values.
    vector: Option<i32>,
}

impl Column {
    /// Its values in rows of so many bytes.
    pub(super) fn make(&self, bytes: &[u8], row: usize) -> Result<ArrayRef, String> {
        let size = usize::try_from(self.scalar.size).map_err(|error| error.to_string())?;
        let width = self.vector.map_or(Ok(1), usize::try_from).map_err(|error| error.to_string())? * size;
        let own: std::borrow::Cow<'_, [u8]> = match (self.offset, width == row) {
            (0, true) => bytes.into(),
            (offset, _) => bytes.chunks_exact(row).flat_map(|row| &row[offset..offset + width]).copied().collect(),
        };
        match self.field.data_type() {
            DataType::FixedSizeList(element, length) => {
                let values = elements(&self.scalar, element.data_type(), &own)?;
                let list = FixedSizeListArray::try_new(Arc::clone(element), *length, values, None);
                list.map(|list| Arc::new(list) as ArrayRef).map_err(|error| error.to_string())
            }
            data_type => elements(&self.scalar, data_type, &own),
        }
    }
}

/// The columns that an array gives, or why it is none.
pub(super) fn columns(name: &str, header: &NpyHeader) -> Result<Vec<Column>, String> {
    let shape = header.shape();
    let column = |name: &str, dtype: &Dtype, vector: &[u64], offset: u64| {
        let Dtype::Scalar(scalar) = dtype else {
            return Err(format!("field {} is a record of its own, which no column of a table is", quoted(name)));
        };
        let element = element_type(scalar).ok_or_else(|| {
            format!("column {}: elements of type {} have no form in a table", quoted(name), dtype.name())
        })?;
        let vector = match vector {
            [] => None,
            [length] => Some(
                i32::try_from(*length)
                    .ok()
                    .filter(|length| *length > 0)
                    .ok_or_else(|| format!("column {}: its vectors have {length} elements", quoted(name)))?,
            ),
            _ => {
                return Err(format!(
                    "column {}: an array of {} dimensions; a column takes one or two: reshape it",
                    quoted(name),
                    vector.len() + 1
                ));
            }
        };
        let data_type = match vector {
            Some(length) => DataType::FixedSizeList(Arc::new(Field::new_list_field(element, true)), length),
            None => element,
        };
        let offset = usize::try_from(offset).map_err(|error| error.to_string())?;
        Ok(Column { field: Arc::new(Field::new(name, data_type, true)), scalar: scalar.clone(), offset, vector })
    };
    match header.dtype() {
        _ if shape.is_empty() => Err("holds a single value, which is no column of a table".to_owned()),
        dtype @ Dtype::Scalar(_) => Ok(vec![column(name, dtype, &shape[1..], 0)?]),
        Dtype::Structured(_) if shape.len() > 1 => {
            Err("is an array of records in several dimensions; a table takes one: reshape it".to_owned())
        }
        Dtype::Structured(fields) => {
            let (mut found, mut offset) = (Vec::new(), 0);
            for field in fields {
                if !field.name.is_empty() {
                    found.push(column(&field.name, &field.dtype, &field.shape, offset)?);
                }
                offset += field.dtype.item_size() * field.shape.iter().product::<u64>();
            }
            if found.is_empty() { Err("has records without fields".to_owned()) } else { Ok(found) }
        }
    }
}

/// The Arrow type of an element.
fn element_type(scalar: &Scalar) -> Option<DataType> {
    Some(match (scalar.kind, scalar.size, scalar.unit.as_deref()) {
        ('b', 1, _) => DataType::Boolean,
        ('i', 1, _) => DataType::Int8,
        ('i', 2, _) => DataType::Int16,
        ('i', 4, _) => DataType::Int32,
        ('i', 8, _) => DataType::Int64,
        ('u', 1, _) => DataType::UInt8,
        ('u', 2, _) => DataType::UInt16,
        ('u', 4, _) => DataType::UInt32,
        ('u', 8, _) => DataType::UInt64,
        ('f', 2, _) => DataType::Float16,
        ('f', 4, _) => DataType::Float32,
        ('f', 8, _) => DataType::Float64,
        ('U', size, _) if size > 0 => DataType::Utf8,
        ('S', size, _) if size > 0 => DataType::Binary,
        ('M', 8, Some("D")) => DataType::Date32,
        ('M', 8, Some("s")) => DataType::Timestamp(TimeUnit::Second, None),
        ('M', 8, Some("ms")) => DataType::Timestamp(TimeUnit::Millisecond, None),
        ('M', 8, Some("us")) => DataType::Timestamp(TimeUnit::Microsecond, None),
        ('M', 8, Some("ns")) => DataType::Timestamp(TimeUnit::Nanosecond, None),
        _ => return None,
    })
}
