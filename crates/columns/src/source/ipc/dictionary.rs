//! Dictionaries of columns: read when they are first asked for, one array for all batches that have the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, new_empty_array};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Field};

use super::decode::Decoder;
use super::layout::Layout;
use super::message;
use super::walk::DictionaryPlace;
use crate::error::{ColumnsError, ColumnsResult};
use crate::source::next_dictionary;
use crate::store::Store;

/// The dictionaries of a file or a stream.
#[derive(Debug)]
pub(super) struct Dictionaries {
    places: Vec<DictionaryPlace>,
    /// The values, and the number that tells them apart.
    read: Mutex<HashMap<Key, (ArrayRef, u64)>>,
}

/// A dictionary's number in the file, and the place of the message that began it, if any did.
type Key = (i64, Option<usize>);

impl Dictionaries {
    pub(super) fn new(places: Vec<DictionaryPlace>) -> Self {
        Self { places, read: Mutex::default() }
    }

    /// The dictionary that a batch has, which came after so many messages. What a stream adds later to the same dictionary is part
    /// of it already.
    pub(super) fn get(
        &self,
        store: &Store,
        id: i64,
        values: &DataType,
        order: usize,
    ) -> ColumnsResult<(ArrayRef, u64)> {
        let mut own = self.places.iter().enumerate().filter(|(_, place)| place.id == id);
        let begin = own.by_ref().filter(|(_, place)| !place.delta && place.order < order).last().map(|(at, _)| at);
        let known = |read: &HashMap<_, (ArrayRef, u64)>| read.get(&(id, begin)).cloned();
        if let Some(found) = known(&self.read.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(found);
        }
        let array = self.values(store, id, values, begin)?;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have read it meanwhile, and there is to be one array.
        Ok(read.entry((id, begin)).or_insert_with(|| (array, next_dictionary())).clone())
    }

    fn values(&self, store: &Store, id: i64, values: &DataType, begin: Option<usize>) -> ColumnsResult<ArrayRef> {
        let Some(begin) = begin else {
            if self.places.iter().any(|place| place.id == id) {
                let reason = format!("adds to dictionary {id} before it begins");
                return Err(ColumnsError::damaged(store.path(), reason));
            }
            // A column without any value has no dictionary.
            return Ok(new_empty_array(values));
        };
        let later = self.places.iter().skip(begin + 1).filter(|place| place.id == id).take_while(|place| place.delta);
        let parts = self.places.get(begin).into_iter().chain(later);
        let arrays = parts.map(|place| self.part(store, place, values)).collect::<ColumnsResult<Vec<_>>>()?;
        match arrays.as_slice() {
            [one] => Ok(one.clone()),
            several => Ok(concat(&several.iter().map(|array| &**array).collect::<Vec<_>>())?),
        }
    }

    fn part(&self, store: &Store, place: &DictionaryPlace, values: &DataType) -> ColumnsResult<ArrayRef> {
        let header = message::header(store, &place.place.header)?;
        let message = message::parse(store, &header)?;
        let Some(batch) = message.header_as_dictionary_batch().and_then(|batch| batch.data()) else {
            return Err(ColumnsError::damaged(store.path(), format!("has nothing in dictionary {}", place.id)));
        };
        let field = Arc::new(Field::new("dictionary", values.clone(), true));
        let fields = [field];
        let layout = Layout::new(store, &batch, message.version(), &place.place.body, &fields)?;
        let rows = usize::try_from(layout.rows).unwrap_or(usize::MAX);
        // Dictionaries within dictionaries come before them.
        let decoder = Decoder::new(store, Arc::new(layout), self, usize::MAX);
        let [field] = &fields;
        decoder.field(field, 0, 0..rows)
    }
}
