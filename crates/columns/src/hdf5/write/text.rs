//! Texts in each of Arrow's forms.

use arrow::array::{Array, GenericStringArray, LargeStringArray, OffsetSizeTrait, StringArray, StringViewArray};

/// An array of texts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Texts<'a> {
    Small(&'a StringArray),
    Large(&'a LargeStringArray),
    View(&'a StringViewArray),
}

impl<'a> Texts<'a> {
    /// The array as texts, if it is of texts.
    pub(super) fn of(array: &'a dyn Array) -> Option<Self> {
        let any = array.as_any();
        any.downcast_ref()
            .map(Self::Small)
            .or_else(|| any.downcast_ref().map(Self::Large))
            .or_else(|| any.downcast_ref().map(Self::View))
    }

    pub(super) fn len(self) -> usize {
        match self {
            Self::Small(array) => array.len(),
            Self::Large(array) => array.len(),
            Self::View(array) => array.len(),
        }
    }

    /// The text of a row, none if it is missing.
    pub(super) fn get(self, row: usize) -> Option<&'a str> {
        match self {
            Self::Small(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Large(array) => array.is_valid(row).then(|| array.value(row)),
            Self::View(array) => array.is_valid(row).then(|| array.value(row)),
        }
    }

    /// The bytes of all texts as they lie one after the other, where they do and none is missing.
    pub(super) fn joined(self) -> Option<&'a [u8]> {
        fn of<O: OffsetSizeTrait>(array: &GenericStringArray<O>) -> Option<&[u8]> {
            let (offsets, valid) = (array.value_offsets(), array.null_count() == 0);
            let (first, last) = (offsets.first()?.as_usize(), offsets.last()?.as_usize());
            array.value_data().get(first..last).filter(|_| valid)
        }
        match self {
            Self::Small(array) => of(array),
            Self::Large(array) => of(array),
            Self::View(_) => None,
        }
    }

    /// The bytes of all texts that are not missing.
    pub(super) fn total(self) -> u64 {
        match self.joined() {
            Some(bytes) => bytes.len() as u64,
            None => (0..self.len()).filter_map(|row| self.get(row)).map(|text| text.len() as u64).sum(),
        }
    }
}
