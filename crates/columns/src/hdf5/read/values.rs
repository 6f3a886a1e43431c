//! Rows of a column as an Arrow array.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayData, ArrayRef, BooleanArray, FixedSizeListArray, make_array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::datatypes::DataType;

use super::column::{Column, Kind, item};
use super::text::{cells, utf32};
use crate::error::{ColumnsError, ColumnsResult};
use crate::source::RawTexts;
use crate::store::Store;

impl Column {
    /// Some rows.
    pub(super) fn read(&self, store: &Store, rows: Range<u64>) -> ColumnsResult<ArrayRef> {
        let label = &self.label;
        let start = rows.start;
        let vector = !self.inner.is_empty();
        let nulls = self.missing.nulls(store, label, rows.clone(), vector)?;
        let elements = self.inner.iter().fold(1_usize, |elements, length| elements * *length as usize);
        let count = (rows.end - rows.start) as usize * elements;
        let row_of = |at: usize| start + (at / elements) as u64;
        let values: ArrayRef = match &self.kind {
            Kind::Numbers(arrow) => {
                fixed(arrow.clone(), count, self.data.numbers(store, label, rows)?, nulls.elements)?
            }
            Kind::Times(ticks, arrow) => {
                let numbers = self.data.numbers(store, label, rows)?;
                // Where a whole row is missing, what is stored in it need not be times at all.
                let spread = nulls.elements.or_else(|| nulls.rows.as_ref().map(|rows| rows.expand(elements)));
                let (values, nulls) = ticks.convert(label, numbers, spread, row_of)?;
                fixed(arrow.clone(), count, values, nulls)?
            }
            Kind::Bools => {
                let bytes = self.data.bytes(store, label, rows)?;
                let bits = BooleanBuffer::collect_bool(count, |at| bytes[at] != 0);
                Arc::new(BooleanArray::new(bits, nulls.elements))
            }
            Kind::Texts(texts) => texts.read(store, label, &self.data, rows, nulls.elements)?,
            Kind::Cells(padding) => {
                let width = self.data.element.bytes();
                let bytes = self.data.bytes(store, label, rows)?;
                cells(label, &bytes, width, *padding, nulls.elements.as_ref(), row_of)?
            }
            Kind::Utf32(characters) => {
                // Cells may have a dimension of their own, or lie one after another.
                let per_row = (*characters * 4 / (self.data.row_elements() * self.data.element.bytes())) as u64;
                let bytes = self.data.numbers(store, label, rows.start * per_row..rows.end * per_row)?;
                utf32(label, &bytes, *characters, nulls.elements.as_ref(), start)?
            }
            Kind::Codes { codes, values, read } => {
                let dictionary = match read.get() {
                    Some(dictionary) => dictionary.clone(),
                    None => {
                        let dictionary = values.read(store, 0..values.rows)?;
                        read.get_or_init(|| dictionary).clone()
                    }
                };
                // Copied: codes are checked once, and must not become others by what is written to the file later.
                let numbers = Buffer::from_slice_ref(self.data.numbers(store, label, rows)?.as_slice());
                let type_ = DataType::Dictionary(Box::new(codes.clone()), Box::new(dictionary.data_type().clone()));
                let data = ArrayData::builder(type_)
                    .len(count)
                    .nulls(nulls.elements)
                    .add_buffer(numbers)
                    .add_child_data(dictionary.to_data())
                    .build();
                make_array(data.map_err(|error| label.damaged(format_args!("has wrong codes: {error}")))?)
            }
        };
        if values.len() != count {
            return Err(label.damaged(format_args!("gives {} values for {count}", values.len())));
        }
        self.lists(values, nulls.rows)
    }

    /// Some rows as a pass takes them: texts as they lie in the file.
    pub(super) fn read_raw(&self, store: &Store, rows: Range<u64>) -> ColumnsResult<Option<RawTexts>> {
        let Kind::Texts(texts) = &self.kind else { return Ok(None) };
        if !self.inner.is_empty() {
            return Ok(None);
        }
        let nulls = self.missing.nulls(store, &self.label, rows.clone(), false)?;
        texts.raw(store, &self.label, &self.data, rows, nulls.elements)
    }

    /// Elements as nested lists of the row's dimensions.
    fn lists(&self, mut values: ArrayRef, rows: Option<NullBuffer>) -> ColumnsResult<ArrayRef> {
        for (depth, length) in self.inner.iter().enumerate().rev() {
            let nulls = rows.clone().filter(|_| depth == 0);
            let field = item(values.data_type().clone());
            values = Arc::new(FixedSizeListArray::try_new(field, *length, values, nulls)?);
        }
        Ok(values)
    }
}

/// An array of values of a fixed width.
fn fixed(type_: DataType, count: usize, values: Buffer, nulls: Option<NullBuffer>) -> Result<ArrayRef, ColumnsError> {
    let data = ArrayData::builder(type_).len(count).nulls(nulls).add_buffer(values).build()?;
    Ok(make_array(data))
}
