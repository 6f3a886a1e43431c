//! The header of a `.npy` file: type, shape and order of the elements that follow it.

use std::io::Read;

use super::NpyError;
use super::dtype::{Dtype, shape_of, tuple};
use super::literal::{Literal, parse};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Longest header that is read. numpy's own limit is 10,000 characters; structured types of many fields need more.
const MAX_HEADER: usize = 1 << 20;
/// Data starts at a multiple of this, as numpy writes it, so that a mapped file is aligned for any element type.
const ALIGN: usize = 64;
/// numpy leaves room for the length of the growing axis to reach this many digits without moving the data.
const GROWTH_DIGITS: usize = 21;

/// What the header of a `.npy` file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NpyHeader {
    dtype: Dtype,
    fortran_order: bool,
    shape: Vec<u64>,
    elements: u64,
    data_size: u64,
    data_offset: u64,
}

impl NpyHeader {
    /// A header for new data.
    ///
    /// # Errors
    /// [`NpyError::UnknownDtype`] or [`NpyError::ObjectDtype`] for `descr`, [`NpyError::Malformed`] when the shape
    /// overflows.
    pub fn new(descr: &str, shape: &[u64], fortran_order: bool) -> Result<Self, NpyError> {
        let mut header = Self::checked(Dtype::parse(descr)?, fortran_order, shape.to_vec(), 0)?;
        header.data_offset = header.to_bytes()?.len() as u64;
        Ok(header)
    }

    /// Reads a header, and nothing after it: facts about an array without its data.
    ///
    /// # Errors
    /// [`NpyError::Malformed`] for what is not a `.npy` header, [`NpyError::ObjectDtype`] for arrays of pickles,
    /// [`NpyError::UnknownDtype`], and [`NpyError::Io`] when reading fails.
    pub fn read(reader: &mut dyn Read) -> Result<Self, NpyError> {
        let mut start = [0; 8];
        fill(reader, &mut start)?;
        if &start[..6] != MAGIC {
            return Err(malformed("it does not start with the magic of a .npy file"));
        }
        let (major, minor) = (start[6], start[7]);
        if !matches!(major, 1..=3) || minor != 0 {
            return Err(malformed(format!("format version {major}.{minor} is not known (1.0, 2.0 and 3.0 are)")));
        }
        let mut length = [0; 4];
        let length_size = if major == 1 { 2 } else { 4 };
        fill(reader, &mut length[..length_size])?;
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_HEADER {
            return Err(malformed(format!("the header has {length} bytes, more than the {MAX_HEADER} that are read")));
        }
        let mut bytes = vec![0; length];
        fill(reader, &mut bytes)?;
        let text = if major == 3 {
            String::from_utf8(bytes).map_err(|_| malformed("the header is not UTF-8"))?
        } else {
            // Versions 1.0 and 2.0 are Latin-1, whose bytes are the first 256 characters of Unicode.
            bytes.into_iter().map(char::from).collect()
        };
        let (dtype, fortran_order, shape) = facts(&text)?;
        Self::checked(dtype, fortran_order, shape, (8 + length_size + length) as u64)
    }

    fn checked(dtype: Dtype, fortran_order: bool, shape: Vec<u64>, data_offset: u64) -> Result<Self, NpyError> {
        // numpy has no more dimensions than these; a bound keeps hostile headers cheap.
        if shape.len() > 64 {
            return Err(malformed("the shape has more than 64 dimensions"));
        }
        // As numpy counts it: a length of 0 makes an array empty, and does not make the others any smaller.
        let largest = shape.iter().filter(|length| **length != 0).try_fold(dtype.item_size().max(1), |size, length| {
            size.checked_mul(*length).filter(|size| *size <= i64::MAX as u64)
        });
        if largest.is_none() {
            return Err(malformed("the shape is larger than any array can be"));
        }
        // Neither overflows: with a length of 0 both are 0, and without they are at most what was just bounded.
        let elements = shape.iter().fold(1_u64, |product, length| product.saturating_mul(*length));
        let elements = if shape.contains(&0) { 0 } else { elements };
        let data_size = elements.saturating_mul(dtype.item_size());
        Ok(Self { dtype, fortran_order, shape, elements, data_size, data_offset })
    }

    /// The header as numpy's `save` writes it: version 1.0 unless its length needs 2.0 or its text 3.0.
    ///
    /// # Errors
    /// [`NpyError::Malformed`] when it would be longer than what is read back.
    pub fn to_bytes(&self) -> Result<Vec<u8>, NpyError> {
        let order = if self.fortran_order { "True" } else { "False" };
        let mut text = format!(
            "{{'descr': {}, 'fortran_order': {order}, 'shape': {}, }}",
            self.dtype.descr_source(),
            tuple(&self.shape)
        );
        let growing = if self.fortran_order { self.shape.last() } else { self.shape.first() };
        if let Some(length) = growing {
            text.push_str(&" ".repeat(GROWTH_DIGITS.saturating_sub(length.to_string().len())));
        }
        let latin: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
        let padded = |length: usize, prefix: usize| length + 1 + (ALIGN - (prefix + length + 1) % ALIGN);
        let (version, body) = match latin {
            Some(body) if padded(body.len(), 10) < 1 << 16 => (1, body),
            Some(body) => (2, body),
            None => (3, text.into_bytes()),
        };
        let prefix = if version == 1 { 10 } else { 12 };
        let length = padded(body.len(), prefix);
        if length > MAX_HEADER {
            return Err(malformed(format!("the header would have {length} bytes, more than {MAX_HEADER}")));
        }
        let mut bytes = Vec::with_capacity(prefix + length);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[version, 0]);
        // Lengths below 2^16 and 2^20 were just checked.
        bytes.extend_from_slice(&(length as u32).to_le_bytes()[..prefix - 8]);
        bytes.extend_from_slice(&body);
        bytes.resize(prefix + length - 1, b' ');
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Type of the elements.
    pub fn dtype(&self) -> &Dtype {
        &self.dtype
    }

    /// Whether the first index runs fastest.
    pub fn fortran_order(&self) -> bool {
        self.fortran_order
    }

    /// Length of each dimension; empty for a single value.
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// Number of elements.
    pub fn len(&self) -> u64 {
        self.elements
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.elements == 0
    }

    /// Bytes of all elements.
    pub fn data_size(&self) -> u64 {
        self.data_size
    }

    /// Where the elements start in the file.
    pub fn data_offset(&self) -> u64 {
        self.data_offset
    }

    /// Bytes of the whole file.
    pub fn file_size(&self) -> u64 {
        self.data_offset.saturating_add(self.data_size)
    }
}

/// The three entries that a header must have, and no other.
fn facts(text: &str) -> Result<(Dtype, bool, Vec<u64>), NpyError> {
    let Literal::Dict(entries) = parse(text)? else { return Err(malformed("the header is no dictionary")) };
    let (mut descr, mut order, mut shape) = (None, None, None);
    for (key, value) in &entries {
        let slot = match key {
            Literal::Str(key) if key == "descr" => &mut descr,
            Literal::Str(key) if key == "fortran_order" => &mut order,
            Literal::Str(key) if key == "shape" => &mut shape,
            _ => return Err(malformed("the header has an entry other than descr, fortran_order and shape")),
        };
        if slot.replace(value).is_some() {
            return Err(malformed("the header has an entry twice"));
        }
    }
    let (Some(descr), Some(order), Some(shape)) = (descr, order, shape) else {
        return Err(malformed("the header lacks one of descr, fortran_order and shape"));
    };
    let Literal::Bool(order) = order else { return Err(malformed("fortran_order is neither True nor False")) };
    let shape = shape_of(shape).ok_or_else(|| malformed("the shape is no tuple of lengths"))?;
    Ok((Dtype::from_literal(descr)?, *order, shape))
}

fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> Result<(), NpyError> {
    reader.read_exact(buffer).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => malformed("the file ends inside the header"),
        _ => NpyError::Io(error),
    })
}

fn malformed(reason: impl Into<String>) -> NpyError {
    NpyError::Malformed { reason: reason.into() }
}
