//! The dictionary of the row group that is read, which is decoded once.

use std::sync::Arc;

use bytes::Bytes;

use super::page_header::{PLAIN, PLAIN_DICTIONARY, PageKind, RLE_DICTIONARY};
use super::pages::{PageValues, Pages, Result, damaged};

/// A dictionary that was read, and the number of its row group.
pub(super) struct OfGroup<T>(Option<(usize, Arc<T>)>);

impl<T> Default for OfGroup<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> OfGroup<T> {
    /// The dictionary of the row group in progress, which `make` makes of the bytes of its page and the number of its values.
    ///
    /// # Errors
    /// Those of the file and of `make`; where there is none, or one that is encoded otherwise than as values one after another.
    pub(super) fn get<V: PageValues>(
        &mut self,
        pages: &mut Pages<V>,
        make: impl FnOnce(&Bytes, usize) -> Result<T>,
    ) -> Result<Arc<T>> {
        if let Some((number, known)) = &self.0
            && *number == pages.number()
        {
            return Ok(Arc::clone(known));
        }
        let page = pages.dictionary()?;
        let PageKind::Dictionary { entries } = page.header.kind else {
            return Err(damaged("it has no dictionary"));
        };
        let held = pages.hold(&page)?;
        if !matches!(page.header.encoding, PLAIN | PLAIN_DICTIONARY | RLE_DICTIONARY) {
            return Err(damaged("its dictionary is encoded in a way that is not known"));
        }
        let made = Arc::new(make(&held, entries)?);
        self.0 = Some((pages.number(), Arc::clone(&made)));
        Ok(made)
    }
}
