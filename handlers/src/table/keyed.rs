//! Columns of texts that are given as their file has them, as places in its dictionaries: whoever compares texts looks at each of a
//! dictionary once.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray, UInt32Array};
use arrow::buffer::{Buffer, ScalarBuffer};
use arrow::compute::concat;
use arrow::datatypes::{DataType, FieldRef, Schema};
use bytes::Bytes;

use super::dictionary::Dictionary;
use super::known_texts::keyed_array;
use super::pages::{Result, damaged};

/// What texts become that are given so.
pub fn keyed_texts() -> DataType {
    DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8))
}

/// A schema in which the texts of some columns are given so: of those that have a place among `found`.
pub(super) fn with_keyed_texts(schema: &Schema, found: &[FieldRef]) -> Schema {
    let keyed = keyed_texts();
    let is_keyed = |field: &FieldRef| found.iter().any(|one| one.name() == field.name() && one.data_type() == &keyed);
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 if is_keyed(field) => Arc::new(field.as_ref().clone().with_data_type(keyed.clone())),
        _ => Arc::clone(field),
    });
    Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone())
}

/// The texts that the rows of one array have places among.
#[derive(Default)]
pub(super) struct KeyedTexts {
    /// Those of each dictionary, one behind the other.
    values: Vec<ArrayRef>,
    count: usize,
    last: Option<(Arc<Dictionary>, u32)>,
}

impl KeyedTexts {
    /// Where the texts of a dictionary begin, which are behind the others where they are not there yet.
    ///
    /// # Errors
    /// For more texts than there are places, and for a dictionary whose texts do not fit an array.
    pub(super) fn dictionary(&mut self, dictionary: &Arc<Dictionary>) -> Result<u32> {
        if let Some((last, start)) = &self.last
            && Arc::ptr_eq(last, dictionary)
        {
            return Ok(*start);
        }
        let start = self.add(dictionary.values()?)?;
        self.last = Some((Arc::clone(dictionary), start));
        Ok(start)
    }

    /// Puts texts behind the others, and says where they begin.
    ///
    /// # Errors
    /// For more texts than there are places.
    pub(super) fn add(&mut self, texts: ArrayRef) -> Result<u32> {
        let start = self.count;
        self.count += texts.len();
        self.values.push(texts);
        // One place behind them all is one as well.
        u32::try_from(self.count).map_err(|_| damaged("its dictionaries have too many texts"))?;
        Ok(start as u32)
    }

    /// The array of these places, of which each has four bytes.
    ///
    /// # Errors
    /// For places without a text, and for texts that do not fit an array.
    pub(super) fn finish(self, places: Bytes) -> Result<ArrayRef> {
        let texts = match self.values.as_slice() {
            [texts] => Arc::clone(texts),
            [] => Arc::new(StringArray::from(Vec::<&str>::new())),
            several => concat(&several.iter().map(AsRef::as_ref).collect::<Vec<&dyn Array>>())?,
        };
        let places = UInt32Array::new(ScalarBuffer::from(Buffer::from(places)), None);
        Ok(Arc::new(keyed_array(places, texts)?))
    }
}
