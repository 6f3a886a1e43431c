//! The writer of columns of fixed width: numbers, booleans, times, and vectors of them.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::Date32Type;

use crate::error::ColumnsResult;

use super::faults;
use super::kind::{Element, bits_of, bytes_of, flattened};
use super::plan::Missing;
use super::stream::{Bits, Sink, Stream};

/// How many values are turned into bytes at once.
const BLOCK: usize = 16 * 1024;

enum Marks<'a> {
    Never,
    Filled,
    Bitmap(Bits<'a>),
    Mask(Stream<'a>),
}

/// The writer of one column.
pub(super) struct FixedWriter<'a> {
    sink: Sink<'a>,
    element: Element,
    swaps: bool,
    data: Stream<'a>,
    marks: Marks<'a>,
    block: Vec<u8>,
}

impl<'a> FixedWriter<'a> {
    pub(super) fn new(sink: Sink<'a>, element: Element, swaps: bool, data: Stream<'a>, missing: &Missing) -> Self {
        let marks = match missing {
            Missing::Never => Marks::Never,
            Missing::Filled => Marks::Filled,
            Missing::Bitmap(region) => Marks::Bitmap(Bits::new(sink, *region)),
            Missing::Mask(region) => Marks::Mask(Stream::new(sink, *region)),
        };
        Self { sink, element, swaps, data, marks, block: Vec::new() }
    }

    /// Writes the next rows.
    pub(super) fn write(&mut self, array: &ArrayRef) -> ColumnsResult<()> {
        let (values, nulls) = flattened(array)?;
        match (&mut self.marks, &nulls) {
            (Marks::Never, Some(_)) => {
                return Err(faults::column_changed(self.sink, "misses a value, and layout saw none missing"));
            }
            (Marks::Never | Marks::Filled, _) => {}
            (Marks::Bitmap(bits), Some(nulls)) => bits.extend(nulls.iter())?,
            (Marks::Bitmap(bits), None) => bits.extend(std::iter::repeat_n(true, values.len()))?,
            (Marks::Mask(mask), nulls) => {
                let mut start = 0;
                while start < values.len() {
                    let length = BLOCK.min(values.len() - start);
                    self.block.clear();
                    match nulls {
                        Some(nulls) => {
                            self.block.extend(nulls.slice(start, length).iter().map(|valid| u8::from(!valid)))
                        }
                        None => self.block.resize(length, 0),
                    }
                    mask.write(&self.block)?;
                    start += length;
                }
            }
        }
        self.values(&values, nulls.as_ref())
    }

    fn values(&mut self, values: &ArrayRef, nulls: Option<&NullBuffer>) -> ColumnsResult<()> {
        let width = self.element.width();
        let sink = self.sink;
        let stranger = || faults::column_changed(sink, "has got another type since layout");
        let bytes = match self.element {
            Element::Bool | Element::Date => None,
            _ => Some(bytes_of(values, width).ok_or_else(stranger)?),
        };
        if let (Some(bytes), None, false) = (&bytes, nulls, self.swaps) {
            return self.data.write(bytes);
        }
        let bits = if self.element == Element::Bool { Some(bits_of(values).ok_or_else(stranger)?) } else { None };
        let days = values.as_primitive_opt::<Date32Type>();
        let filler = self.element.filler();
        let mut start = 0;
        while start < values.len() {
            let length = BLOCK.min(values.len() - start);
            self.block.clear();
            if let Some(bytes) = &bytes {
                self.block.extend_from_slice(&bytes[start * width..(start + length) * width]);
            } else if let Some(bits) = &bits {
                self.block.extend(bits.slice(start, length).iter().map(u8::from));
            } else {
                let days = days.and_then(|days| days.values().get(start..start + length)).ok_or_else(stranger)?;
                self.block.extend(days.iter().flat_map(|day| i64::from(*day).to_ne_bytes()));
            }
            if let Some(nulls) = nulls {
                let nulls = nulls.slice(start, length);
                let places = self.block.chunks_exact_mut(width).zip(nulls.iter());
                places.filter(|(_, valid)| !valid).for_each(|(value, _)| value.copy_from_slice(&filler[..width]));
            }
            if self.swaps {
                self.block.chunks_exact_mut(width).for_each(<[u8]>::reverse);
            }
            self.data.write(&self.block)?;
            start += length;
        }
        Ok(())
    }

    /// Writes what is left.
    pub(super) fn finish(self) -> ColumnsResult<()> {
        self.data.finish()?;
        match self.marks {
            Marks::Never | Marks::Filled => Ok(()),
            Marks::Bitmap(bits) => bits.finish(),
            Marks::Mask(mask) => mask.finish(),
        }
    }
}
