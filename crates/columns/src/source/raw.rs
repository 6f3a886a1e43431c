//! Rows as a pass takes them: texts and codes as they lie in the file, before anything is said of them that a file could break.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, make_array};
use arrow::buffer::{Buffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowNativeType, DataType};

use crate::error::ColumnsResult;

/// Some rows of some columns.
#[derive(Debug)]
pub struct RawBatch {
    /// The columns, in the order that they were asked for.
    pub columns: Vec<RawColumn>,
    /// How many rows there are.
    pub rows: usize,
}

/// Batches of rows, one after the other.
pub type RawBatches<'s> = Box<dyn Iterator<Item = ColumnsResult<RawBatch>> + Send + 's>;

/// Some rows of a column.
#[derive(Debug)]
pub enum RawColumn {
    /// An array that is whole in Arrow's sense.
    Array(ArrayRef),
    /// Texts as they lie in the file.
    Texts(RawTexts),
    /// Codes for the texts of a dictionary.
    Codes(RawCodes),
}

/// Texts in Arrow's layout. The offsets rise and stay within the bytes, and these are UTF-8, unless the file is written to meanwhile.
#[derive(Debug)]
pub struct RawTexts {
    /// Where each text begins, and where the last one ends.
    pub offsets: RawOffsets,
    /// The bytes of all texts, and perhaps of others.
    pub bytes: Buffer,
    /// Which rows have a text; none where all have.
    pub nulls: Option<NullBuffer>,
}

/// Offsets of texts.
#[derive(Debug)]
pub enum RawOffsets {
    /// Of 32 bits.
    Short(ScalarBuffer<i32>),
    /// Of 64 bits.
    Long(ScalarBuffer<i64>),
}

/// Codes for the texts of a dictionary, within it unless the file is written to meanwhile.
#[derive(Debug)]
pub struct RawCodes {
    /// Whole numbers of any width.
    pub codes: ArrayRef,
    /// The texts.
    pub dictionary: ArrayRef,
    /// Tells dictionaries apart: the same number, the same texts, for as long as the program runs.
    pub id: u64,
}

impl RawBatch {
    /// The columns of a batch that is whole in Arrow's sense.
    pub fn of(batch: &RecordBatch) -> Self {
        let columns = batch.columns().iter().map(|array| RawColumn::Array(array.clone())).collect();
        Self { columns, rows: batch.num_rows() }
    }
}

/// A number that no other dictionary has.
pub(crate) fn next_dictionary() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// The numbers of dictionaries that a source hands out again and again as the same array.
#[derive(Debug, Default)]
pub(crate) struct Dictionaries(std::sync::Mutex<std::collections::VecDeque<(Address, ArrayRef, u64)>>);

/// Where an array of texts lies: no other that lives at the same time lies there.
type Address = [usize; 4];

impl Dictionaries {
    /// The most that are kept. What was forgotten gets another number when it comes again.
    const KEPT: usize = 64;

    /// A batch whose dictionaries have the numbers that they had before.
    pub(crate) fn numbered(&self, batch: &RecordBatch) -> RawBatch {
        let columns = batch.columns().iter().map(|array| self.numbered_column(array)).collect();
        RawBatch { columns, rows: batch.num_rows() }
    }

    /// A column whose dictionary, if it has one, has the number that it had before.
    pub(crate) fn numbered_column(&self, array: &ArrayRef) -> RawColumn {
        let dictionary = array.as_any_dictionary_opt();
        match dictionary.and_then(|dictionary| Some((dictionary, address(dictionary.values())?))) {
            Some((dictionary, address)) => {
                let id = self.number(address, dictionary.values());
                let codes = make_array(dictionary.keys().to_data());
                RawColumn::Codes(RawCodes { codes, dictionary: dictionary.values().clone(), id })
            }
            None => RawColumn::Array(array.clone()),
        }
    }

    fn number(&self, address: Address, values: &ArrayRef) -> u64 {
        let mut known = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // What is kept here stays alive, so that no other array can take its place in memory.
        if let Some((.., id)) = known.iter().find(|(other, ..)| *other == address) {
            return *id;
        }
        let id = next_dictionary();
        if known.len() >= Self::KEPT {
            known.pop_front();
        }
        known.push_back((address, values.clone(), id));
        id
    }
}

/// Where texts lie; nothing for what are no texts with offsets.
fn address(values: &ArrayRef) -> Option<Address> {
    let nulls = values.nulls().map_or(0, |nulls| nulls.validity().as_ptr() as usize + nulls.offset());
    let offsets = match values.data_type() {
        DataType::Utf8 => values.as_string::<i32>().value_offsets().as_ptr() as usize,
        DataType::LargeUtf8 => values.as_string::<i64>().value_offsets().as_ptr() as usize,
        _ => return None,
    };
    let bytes = match values.data_type() {
        DataType::Utf8 => values.as_string::<i32>().value_data().as_ptr() as usize,
        _ => values.as_string::<i64>().value_data().as_ptr() as usize,
    };
    Some([values.len(), offsets, bytes, nulls])
}

/// Whether the bytes between offsets, which [hold](offsets_hold), are texts.
pub(crate) fn texts_hold<T: ArrowNativeType>(offsets: &[T], bytes: &[u8]) -> bool {
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else { return false };
    let Some(between) = bytes.get(first.as_usize()..last.as_usize()) else { return false };
    // Of what is ASCII, as most columns are, each part is a text.
    between.is_ascii()
        || std::str::from_utf8(between).is_ok_and(|text| {
            let first = first.as_usize();
            offsets.iter().all(|offset| text.is_char_boundary(offset.as_usize() - first))
        })
}

/// Whether offsets rise from something that is not negative and end within so many bytes.
pub(crate) fn offsets_hold<T: ArrowNativeType + PartialOrd>(offsets: &[T], bytes: usize) -> bool {
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else { return false };
    let inside = *first >= T::default() && last.to_usize().is_some_and(|last| last <= bytes);
    // Without a branch for each pair, so that the compiler makes vector code of it.
    let falls = offsets.iter().zip(offsets.iter().skip(1)).fold(false, |falls, (a, b)| falls | (a > b));
    inside && !falls
}
