//! Contexts of zstd, which are used again: to make one takes as long as to decompress a small page, and a table may lie in many files.

use std::sync::Mutex;

use zstd::bulk::Decompressor;

use super::pages::Result;
use super::spare::try_locked;

/// Contexts that are kept, of some 100 KB each.
const MOST: usize = 16;

static KEPT: Mutex<Vec<Decompressor<'static>>> = Mutex::new(Vec::new());

/// A context for the pages of a column, from the first that is compressed on.
#[derive(Default)]
pub(super) struct Decompress(Option<Decompressor<'static>>);

impl Decompress {
    /// Decompresses all of a page to where it is wanted, and says how long it is.
    ///
    /// # Errors
    /// For bytes that are no frame of zstd, or are longer than what they are put into.
    pub(super) fn to(&mut self, page: &[u8], to: &mut [u8]) -> Result<usize> {
        let context = match &mut self.0 {
            Some(context) => context,
            none => none.insert(match try_locked(&KEPT).and_then(|mut kept| kept.pop()) {
                Some(context) => context,
                None => Decompressor::new()?,
            }),
        };
        Ok(context.decompress_to_buffer(page, to)?)
    }
}

impl Drop for Decompress {
    fn drop(&mut self) {
        if let Some(context) = self.0.take()
            && let Some(mut kept) = try_locked(&KEPT)
            && kept.len() < MOST
        {
            kept.push(context);
        }
    }
}
