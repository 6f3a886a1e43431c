//! An array in memory.

use std::borrow::Cow;
use std::fmt;
use std::io::{Read, Write};

use super::NpyError;
use super::dtype::Dtype;
use super::element::Element;
use super::header::NpyHeader;

/// An array of any element type that numpy has, except Python objects; its bytes are as the file has them.
#[derive(Clone, PartialEq, Eq)]
pub struct NpyArray {
    header: NpyHeader,
    data: Vec<u8>,
}

impl NpyArray {
    /// An array of these bytes. `descr` is numpy's `dtype.str` (`<f4`) or, for a structured type, the text of its
    /// `dtype.descr`; `fortran_order` tells that the first index runs fastest in `data`.
    ///
    /// # Errors
    /// [`NpyError::ObjectDtype`], [`NpyError::UnknownDtype`], or [`NpyError::WrongLength`] when `data` is not what type
    /// and shape ask for.
    pub fn new(descr: &str, shape: &[u64], fortran_order: bool, data: Vec<u8>) -> Result<Self, NpyError> {
        Self::checked(NpyHeader::new(descr, shape, fortran_order)?, data)
    }

    /// An array of these elements, the last index running fastest. An empty shape is a single value.
    ///
    /// ```
    /// use datafolio_handlers::npy::NpyArray;
    ///
    /// let array = NpyArray::from_slice(&[2, 3], &[1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0])?;
    /// assert_eq!((array.dtype(), array.shape()), ("float32".to_owned(), &[2, 3][..]));
    /// # Ok::<(), datafolio_handlers::npy::NpyError>(())
    /// ```
    ///
    /// # Errors
    /// [`NpyError::WrongLength`] when the shape does not have as many elements.
    pub fn from_slice<T: Element>(shape: &[u64], elements: &[T]) -> Result<Self, NpyError> {
        let mut data = Vec::with_capacity(std::mem::size_of_val(elements));
        for element in elements {
            element.push(&mut data);
        }
        Self::new(T::DESCR, shape, false, data)
    }

    /// Reads a whole file of `size` bytes, which must be exactly header and data.
    ///
    /// # Errors
    /// As [`NpyHeader::read`]; [`NpyError::WrongLength`] when the file is longer or shorter than its header says, and
    /// [`NpyError::OutOfMemory`].
    pub fn read(reader: &mut dyn Read, size: u64) -> Result<Self, NpyError> {
        let header = NpyHeader::read(reader)?;
        header.check_file_size(size)?;
        // The size is that of a file which is there, so a small hostile header cannot ask for much memory.
        let length =
            usize::try_from(header.data_size()).map_err(|_| NpyError::OutOfMemory { size: header.data_size() })?;
        let mut data = Vec::new();
        data.try_reserve_exact(length).map_err(|_| NpyError::OutOfMemory { size: header.data_size() })?;
        data.resize(length, 0);
        reader.read_exact(&mut data)?;
        Ok(Self { header, data })
    }

    /// Writes the file, as numpy's `save` does.
    ///
    /// # Errors
    /// [`NpyError::Io`] when writing fails.
    pub fn write(&self, writer: &mut dyn Write) -> Result<(), NpyError> {
        writer.write_all(&self.header.to_bytes()?)?;
        writer.write_all(&self.data)?;
        Ok(())
    }

    fn checked(header: NpyHeader, data: Vec<u8>) -> Result<Self, NpyError> {
        if data.len() as u64 == header.data_size() {
            Ok(Self { header, data })
        } else {
            Err(header.wrong_length(data.len() as u64))
        }
    }

    /// Type, shape and order.
    pub fn header(&self) -> &NpyHeader {
        &self.header
    }

    /// Name of the element type as numpy shows it and the catalogue records it: `float32`, `<U3`, `datetime64[D]`,
    /// `[('a', '<i2'), ('b', '<f8')]`.
    pub fn dtype(&self) -> String {
        self.header.dtype().name()
    }

    /// The element type as a header has it: `<f4`, or the list of fields.
    pub fn descr(&self) -> String {
        self.header.dtype().descr()
    }

    /// Length of each dimension; empty for a single value.
    pub fn shape(&self) -> &[u64] {
        self.header.shape()
    }

    /// Whether the first index runs fastest in the bytes.
    pub fn fortran_order(&self) -> bool {
        self.header.fortran_order()
    }

    /// The elements' bytes, in the order and endianness of the file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.data
    }

    /// The elements' bytes by value.
    pub fn into_bytes(self) -> Vec<u8> {
        self.data
    }

    /// The elements' bytes with the last index running fastest; copied only when the file has them the other way.
    pub fn to_c_order_bytes(&self) -> Cow<'_, [u8]> {
        let shape = self.shape();
        if self.header.is_contiguous() || self.data.is_empty() {
            return Cow::Borrowed(&self.data);
        }
        // Lengths and strides fit: their product is the length of `data`, which is in memory and not empty.
        let item = self.header.dtype().item_size() as usize;
        let shape: Vec<usize> = shape.iter().map(|length| *length as usize).collect();
        let mut strides = vec![item; shape.len()];
        for axis in 1..shape.len() {
            strides[axis] = strides[axis - 1] * shape[axis - 1];
        }
        let mut out = Vec::with_capacity(self.data.len());
        let mut index = vec![0; shape.len()];
        let mut offset = 0;
        loop {
            out.extend_from_slice(&self.data[offset..offset + item]);
            // Counts up like an odometer: the last axis turns fastest.
            let mut axis = shape.len();
            loop {
                if axis == 0 {
                    return Cow::Owned(out);
                }
                axis -= 1;
                index[axis] += 1;
                offset += strides[axis];
                if index[axis] < shape[axis] {
                    break;
                }
                offset -= strides[axis] * shape[axis];
                index[axis] = 0;
            }
        }
    }

    /// The elements, with the last index running fastest, whatever order and endianness the file has.
    ///
    /// # Errors
    /// [`NpyError::WrongElement`] when the elements are of another type; nothing is converted.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>, NpyError> {
        self.header.decode(&self.to_c_order_bytes())
    }
}

impl NpyHeader {
    /// The elements that these bytes are, in the order of the bytes.
    ///
    /// # Errors
    /// [`NpyError::WrongElement`] when the elements are of another type.
    pub(crate) fn decode<T: Element>(&self, bytes: &[u8]) -> Result<Vec<T>, NpyError> {
        let wrong = || NpyError::WrongElement { found: self.dtype().name(), asked: T::NAME };
        let Dtype::Scalar(scalar) = self.dtype() else { return Err(wrong()) };
        if scalar.kind != T::KIND || scalar.size != size_of::<T>() as u64 {
            return Err(wrong());
        }
        bytes.chunks_exact(size_of::<T>()).map(|element| T::take(element, scalar.order).ok_or_else(wrong)).collect()
    }

    /// Whether the file has the elements with the last index running fastest.
    pub(crate) fn is_contiguous(&self) -> bool {
        !self.fortran_order() || self.shape().iter().filter(|length| **length != 1).count() < 2
    }

    /// Where in the file the element is that is at this place when the last index runs fastest.
    pub(crate) fn file_place(&self, place: u64) -> u64 {
        if self.is_contiguous() {
            return place;
        }
        let (mut place, mut found, mut stride) = (place, 0, self.len());
        for length in self.shape().iter().rev().map(|length| (*length).max(1)) {
            stride /= length;
            found += place % length * stride;
            place /= length;
        }
        found
    }

    /// Checks that a file of this size is exactly this header and its data.
    ///
    /// # Errors
    /// [`NpyError::WrongLength`].
    pub fn check_file_size(&self, size: u64) -> Result<(), NpyError> {
        if size == self.file_size() { Ok(()) } else { Err(self.wrong_length(size.saturating_sub(self.data_offset()))) }
    }

    fn wrong_length(&self, found: u64) -> NpyError {
        NpyError::WrongLength {
            dtype: self.dtype().name(),
            shape: self.shape().to_vec(),
            expected: self.data_size(),
            found,
        }
    }
}

/// Arrays are shown by type and shape: their bytes can be millions.
impl fmt::Debug for NpyArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NpyArray({}, {:?}", self.dtype(), self.shape())?;
        if self.fortran_order() {
            f.write_str(", fortran order")?;
        }
        f.write_str(")")
    }
}
