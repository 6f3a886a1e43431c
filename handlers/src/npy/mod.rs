//! Arrays in numpy's `.npy` format, versions 1.0, 2.0 and 3.0.
//!
//! [`NpyArray`] is an array in memory, its bytes as the file has them; [`NpyHeader`] is what a file says of its array,
//! readable without the data. Arrays of Python objects are refused: they are pickles, and reading one can run any code.

mod array;
mod dtype;
mod element;
mod header;
mod literal;

pub use array::NpyArray;
pub use dtype::{ByteOrder, Dtype, Field, Scalar};
pub use element::Element;
pub use header::NpyHeader;

/// What can be wrong with an array or its file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NpyError {
    /// The bytes are no `.npy` file.
    #[error("not a .npy file that can be read: {reason}")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// The elements are Python objects.
    #[error("object arrays hold pickles, which are neither written nor read: convert to a concrete type")]
    ObjectDtype,
    /// The element type is not known.
    #[error("unknown element type {descr}")]
    UnknownDtype {
        /// The type as it was found.
        descr: String,
    },
    /// The number of elements or bytes is not what type and shape ask for.
    #[error("type {dtype} and shape {shape:?} need {expected} bytes of data, and there are {found}")]
    WrongLength {
        /// Name of the element type.
        dtype: String,
        /// The shape.
        shape: Vec<u64>,
        /// Bytes that it needs.
        expected: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// The elements are of another type than was asked for.
    #[error("the array has elements of type {found}, not {asked}")]
    WrongElement {
        /// The type of the array.
        found: String,
        /// The type that was asked for.
        asked: &'static str,
    },
    /// There is not enough memory.
    #[error("an array of {size} bytes does not fit in memory")]
    OutOfMemory {
        /// Bytes that it needs.
        size: u64,
    },
    /// Reading or writing failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

#[cfg(test)]
mod tests;
