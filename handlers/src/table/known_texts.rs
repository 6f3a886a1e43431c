//! Arrays of texts that were looked at before, and of places among such.
#![allow(
    unsafe_code,
    reason = "to look at each copy of a text of a dictionary again takes a twentieth of the time of reading, and to look at \
              its places one by one a seventh of the time of comparing them"
)]

use arrow::array::{Array, ArrayRef, DictionaryArray, GenericByteArray, UInt32Array};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow::datatypes::{ArrowNativeType, ByteArrayType, UInt32Type};

use super::pages::{Result, damaged};

/// An array of texts, one behind the other, of which these are the ends and the bytes.
///
/// # Errors
/// Where there are fewer bytes, or another number of nulls.
///
/// # Safety
/// Of an array of texts each must be UTF-8 by itself.
pub(super) unsafe fn array_of<T: ByteArrayType>(
    ends: OffsetBuffer<T::Offset>,
    values: Buffer,
    nulls: Option<NullBuffer>,
) -> Result<GenericByteArray<T>> {
    let has_nulls_for_all = nulls.as_ref().is_none_or(|nulls| nulls.len() + 1 == ends.len());
    match ends.last().as_usize() <= values.len() && has_nulls_for_all {
        // SAFETY: the ends ascend, as all of their kind do, and lie within the bytes; that the texts are UTF-8 is for the caller to see to.
        true => Ok(unsafe { GenericByteArray::new_unchecked(ends, values, nulls) }),
        false => Err(damaged("its texts are shorter than their ends tell")),
    }
}

/// An array of places among texts.
///
/// # Errors
/// Where a place has no text.
pub(super) fn keyed_array(places: UInt32Array, texts: ArrayRef) -> Result<DictionaryArray<UInt32Type>> {
    let most = places.values().iter().fold(0, |most, place| most.max(*place));
    if !places.is_empty() && most as usize >= texts.len() {
        return Err(damaged("a row has a text that its dictionary does not have"));
    }
    // SAFETY: each place is that of one of the texts.
    Ok(unsafe { DictionaryArray::new_unchecked(places, texts) })
}
