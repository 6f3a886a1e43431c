//! Arrays of texts that were looked at before.
#![allow(
    unsafe_code,
    reason = "to look at each copy of a text of a dictionary again takes a twentieth of the time of reading"
)]

use arrow::array::GenericByteArray;
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::datatypes::{ArrowNativeType, ByteArrayType};

use super::pages::{Result, damaged};

/// An array of texts, one behind the other, of which these are the ends and the bytes.
///
/// # Errors
/// Where there are fewer bytes.
///
/// # Safety
/// Of an array of texts each must be UTF-8 by itself.
pub(super) unsafe fn array_of<T: ByteArrayType>(
    ends: OffsetBuffer<T::Offset>,
    values: Buffer,
) -> Result<GenericByteArray<T>> {
    match ends.last().as_usize() <= values.len() {
        // SAFETY: the ends ascend, as all of their kind do, and lie within the bytes; that the texts are UTF-8 is for the caller to see to.
        true => Ok(unsafe { GenericByteArray::new_unchecked(ends, values, None) }),
        false => Err(damaged("its texts are shorter than their ends tell")),
    }
}
