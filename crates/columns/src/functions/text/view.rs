//! The texts of a block, checked once.

use std::borrow::Cow;

use crate::block::{Texts, YES};
use crate::error::{ColumnsError, ColumnsResult};

/// Texts that lie one behind the other in one stretch of UTF-8, so that a loop need check nothing again.
#[derive(Debug)]
pub(super) struct View<'v> {
    text: Cow<'v, str>,
    /// Where each text begins in the stretch, and where the last one ends; never empty.
    offsets: Vec<usize>,
    ascii: bool,
}

impl<'v> View<'v> {
    /// The texts of a lane, of which the rows of a mask count.
    ///
    /// # Errors
    /// Where a text that counts is none: a mapped file was written to.
    pub(super) fn of(texts: &'v Texts<'_>, valid: Option<&[u8]>) -> ColumnsResult<Self> {
        let lying = match texts {
            Texts::Short(offsets, bytes) => Self::lying(offsets.iter().map(|offset| *offset as usize).collect(), bytes),
            Texts::Long(offsets, bytes) => Self::lying(offsets.iter().map(|offset| *offset as usize).collect(), bytes),
            Texts::Codes(..) => None,
        };
        match lying {
            Some(view) => Ok(view),
            None => Self::gathered(texts, valid),
        }
    }

    /// Texts as they lie in memory; nothing where they are not in order, or one of them is no UTF-8.
    fn lying(mut offsets: Vec<usize>, bytes: &'v [u8]) -> Option<Self> {
        let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
        let rising = offsets.windows(2).fold(true, |rising, pair| rising & (pair[0] <= pair[1]));
        let text = std::str::from_utf8(bytes.get(first..last)?).ok().filter(|_| rising)?;
        offsets.iter_mut().for_each(|offset| *offset -= first);
        if offsets.is_empty() {
            offsets.push(0);
        }
        let ascii = text.is_ascii();
        let whole = ascii || offsets.iter().all(|offset| text.is_char_boundary(*offset));
        whole.then_some(Self { text: Cow::Borrowed(text), offsets, ascii })
    }

    /// Texts put one behind the other.
    fn gathered(texts: &Texts<'_>, valid: Option<&[u8]>) -> ColumnsResult<Self> {
        let (mut text, mut offsets) = (String::new(), Vec::with_capacity(texts.len() + 1));
        offsets.push(0);
        for row in 0..texts.len() {
            if valid.is_none_or(|valid| valid.get(row) == Some(&YES)) {
                text.push_str(texts.get(row).ok_or_else(|| {
                    ColumnsError::option(
                        "the texts of a column changed while they were read; is its file being written to?",
                    )
                })?);
            }
            offsets.push(text.len());
        }
        Ok(Self { ascii: text.is_ascii(), text: Cow::Owned(text), offsets })
    }

    /// How many texts there are.
    pub(super) fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Whether all characters are ASCII, so that each is a byte.
    pub(super) fn ascii(&self) -> bool {
        self.ascii
    }

    /// All texts, one behind the other.
    pub(super) fn whole(&self) -> &str {
        &self.text
    }

    /// Where each text begins in [`whole`](Self::whole), and where the last one ends.
    pub(super) fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// The texts.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.offsets.windows(2).map(|pair| self.text.get(pair[0]..pair[1]).unwrap_or_default())
    }

    /// Calls `each` with the row and the place in [`whole`](Self::whole) of each occurrence of a text that is not empty, from left to
    /// right, none over another. `each` says whether to go on in the same row, or with the next one.
    pub(super) fn occurrences(&self, finder: &memchr::memmem::Finder<'_>, mut each: impl FnMut(usize, usize) -> Next) {
        let (bytes, length) = (self.text.as_bytes(), finder.needle().len());
        let end_of = |row: usize| self.offsets.get(row + 1).copied().unwrap_or(bytes.len());
        let (mut at, mut row) = (0, 0);
        while let Some(found) = bytes.get(at..).and_then(|rest| finder.find(rest)) {
            let start = at + found;
            while end_of(row) <= start {
                row += 1;
            }
            // What begins in one text and ends in another is none, and neither is anything further right in the first.
            at = match start + length <= end_of(row) {
                false => end_of(row),
                true => match each(row, start) {
                    Next::Here => start + length,
                    Next::Row => end_of(row),
                },
            };
        }
    }
}

/// Where to look for the next occurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Behind this one.
    Here,
    /// In the next row.
    Row,
}
