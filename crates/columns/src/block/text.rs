//! Texts of a block.

use std::sync::Arc;

use super::Buffer;
use crate::source::next_dictionary;

/// Texts, as they lie in Arrow: one after the other, with the places where each begins.
#[derive(Debug, Clone)]
pub(crate) enum Texts<'a> {
    /// With offsets of 32 bits into the bytes; one more than there are texts.
    Short(Buffer<'a, i32>, Buffer<'a, u8>),
    /// With offsets of 64 bits.
    Long(Buffer<'a, i64>, Buffer<'a, u8>),
    /// Numbers of texts of a dictionary, which all blocks of a chunk share. Rows without a value have any number.
    Codes(Buffer<'a, i32>, Arc<Dictionary<'a>>),
}

/// Texts of which many rows have the same.
#[derive(Debug)]
pub(crate) struct Dictionary<'a> {
    pub(crate) texts: Texts<'a>,
    /// Which of them is a text at all.
    pub(crate) valid: Option<Buffer<'a, u8>>,
    /// Tells dictionaries apart: the same number, the same texts.
    pub(crate) id: u64,
}

impl<'a> Dictionary<'a> {
    /// A dictionary with a number of its own.
    pub(crate) fn new(texts: Texts<'a>, valid: Option<Buffer<'a, u8>>) -> Self {
        Self { texts, valid, id: next_dictionary() }
    }
}

impl<'a> Texts<'a> {
    /// A single text.
    pub(crate) fn one(text: &str) -> Texts<'static> {
        let mut builder = TextBuilder::with_capacity(1, text.len());
        builder.push(text);
        builder.finish()
    }

    /// So many texts of no letters.
    pub(crate) fn empty(rows: usize) -> Texts<'static> {
        Texts::Long(vec![0; rows + 1].into(), Vec::new().into())
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Short(offsets, _) => offsets.len().saturating_sub(1),
            Self::Long(offsets, _) => offsets.len().saturating_sub(1),
            Self::Codes(codes, _) => codes.len(),
        }
    }

    /// The bytes of a text: UTF-8, which is checked where chunks are made.
    #[inline]
    pub(crate) fn bytes(&self, row: usize) -> Option<&[u8]> {
        match self {
            Self::Short(offsets, bytes) => bytes.get(*offsets.get(row)? as usize..*offsets.get(row + 1)? as usize),
            Self::Long(offsets, bytes) => bytes.get(*offsets.get(row)? as usize..*offsets.get(row + 1)? as usize),
            Self::Codes(codes, dictionary) => dictionary.texts.bytes(usize::try_from(*codes.get(row)?).ok()?),
        }
    }

    /// A text; none where there is no such row. Rows without a value have any text.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<&str> {
        // What a mapped file holds may change under us, so bytes are never taken for UTF-8 unchecked.
        std::str::from_utf8(self.bytes(row)?).ok()
    }

    /// The texts at these places.
    pub(crate) fn gathered(&self, rows: &[usize]) -> Texts<'a> {
        if let Self::Codes(codes, dictionary) = self {
            return Texts::Codes(codes.gathered(rows), dictionary.clone());
        }
        let mut builder = TextBuilder::with_capacity(rows.len(), 0);
        for row in rows {
            builder.push(self.get(*row).unwrap_or_default());
        }
        builder.finish()
    }

    pub(crate) fn into_static(self) -> Texts<'static> {
        match self {
            Self::Short(offsets, bytes) => Texts::Short(offsets.into_static(), bytes.into_static()),
            Self::Long(offsets, bytes) => Texts::Long(offsets.into_static(), bytes.into_static()),
            Self::Codes(codes, dictionary) => {
                let texts = dictionary.texts.clone().into_static();
                let valid = dictionary.valid.clone().map(Buffer::into_static);
                Texts::Codes(codes.into_static(), Arc::new(Dictionary { texts, valid, id: dictionary.id }))
            }
        }
    }
}

/// Makes texts, one after the other.
#[derive(Debug)]
pub(crate) struct TextBuilder {
    offsets: Vec<i64>,
    bytes: Vec<u8>,
}

impl TextBuilder {
    /// Room for so many texts with so many bytes.
    pub(crate) fn with_capacity(texts: usize, bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(texts + 1);
        offsets.push(0);
        Self { offsets, bytes: Vec::with_capacity(bytes) }
    }

    /// The next text.
    pub(crate) fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.offsets.push(self.bytes.len() as i64);
    }

    /// The next text, piece by piece: what `write` puts behind the last one.
    pub(crate) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.offsets.push(self.bytes.len() as i64);
    }

    /// The texts.
    pub(crate) fn finish(self) -> Texts<'static> {
        Texts::Long(self.offsets.into(), self.bytes.into())
    }
}
