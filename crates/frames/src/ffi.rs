//! The one place with unsafe code: arrays pass between Arrow and Polars through the Arrow C data interface.

#![allow(
    unsafe_code,
    reason = "the C data interface is structures of pointers, of which each side has a type of its own"
)]

use std::mem::{align_of, size_of, transmute};

use arrow::array::{Array, ArrayRef, make_array};
use arrow::datatypes::Field;
use arrow::error::ArrowError;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi, to_ffi};
use polars::error::PolarsResult;
use polars_arrow::array::Array as PolarsArray;
use polars_arrow::datatypes::Field as PolarsField;
use polars_arrow::ffi::{
    ArrowArray, ArrowSchema, export_array_to_c, export_field_to_c, import_array_from_c, import_field_from_c,
};

use crate::error::carry;

// Both sides have the structures of the C data interface, `#[repr(C)]` and with the same fields in the same order, and free
// what is in them by calling its `release`. So a value of one type is one of the other.
const _: () = assert!(size_of::<FFI_ArrowArray>() == size_of::<ArrowArray>());
const _: () = assert!(align_of::<FFI_ArrowArray>() == align_of::<ArrowArray>());
const _: () = assert!(size_of::<FFI_ArrowSchema>() == size_of::<ArrowSchema>());
const _: () = assert!(align_of::<FFI_ArrowSchema>() == align_of::<ArrowSchema>());

/// The structure of a field of Polars, for Arrow.
fn schema_to_arrow(field: &PolarsField) -> FFI_ArrowSchema {
    // SAFETY: both are the structure `ArrowSchema` of the C data interface. It is moved: Polars forgets it, and Arrow
    // releases it through the function that Polars put there.
    unsafe { transmute::<ArrowSchema, FFI_ArrowSchema>(export_field_to_c(field)) }
}

/// A field of Polars as one of Arrow, with its metadata. No name in it may have a zero byte.
pub(crate) fn field_to_arrow(field: &PolarsField) -> Result<Field, ArrowError> {
    Field::try_from(&schema_to_arrow(field))
}

/// A field of Arrow as one of Polars, with its metadata.
pub(crate) fn field_from_arrow(field: &Field) -> PolarsResult<PolarsField> {
    let schema = FFI_ArrowSchema::try_from(field).map_err(carry)?;
    // SAFETY: as in `schema_to_arrow`, the other way round.
    let schema = unsafe { transmute::<FFI_ArrowSchema, ArrowSchema>(schema) };
    // SAFETY: Arrow has just made the structure, from a valid field.
    unsafe { import_field_from_c(&schema) }
}

/// An array of Polars as one of Arrow, over the same buffers. The field says the type of the array.
pub(crate) fn array_to_arrow(array: Box<dyn PolarsArray>, field: &PolarsField) -> Result<ArrayRef, ArrowError> {
    debug_assert_eq!(array.dtype(), field.dtype());
    // SAFETY: both are the structure `ArrowArray` of the C data interface. It is moved, and keeps the array alive until Arrow
    // has released it.
    let array = unsafe { transmute::<ArrowArray, FFI_ArrowArray>(export_array_to_c(array)) };
    // SAFETY: Polars has made both structures from a valid array and its type.
    let data = unsafe { from_ffi(array, &schema_to_arrow(field)) }?;
    Ok(make_array(data))
}

/// An array of Arrow as one of Polars, over the same buffers. The field has the type of the array.
pub(crate) fn array_from_arrow(array: &ArrayRef, field: &PolarsField) -> PolarsResult<Box<dyn PolarsArray>> {
    let (array, _) = to_ffi(&array.to_data()).map_err(carry)?;
    // SAFETY: as in `array_to_arrow`, the other way round.
    let array = unsafe { transmute::<FFI_ArrowArray, ArrowArray>(array) };
    // SAFETY: Arrow has just made the structure from a valid array, whose type `field_from_arrow` has made of its own.
    unsafe { import_array_from_c(array, field.dtype().clone()) }
}
