//! Memory for the pages of a file, one after the other.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Buffers that are kept at most...
const MOST: usize = 8;
/// ...unless they are larger than this: pages are not.
const LARGEST: usize = 1 << 20;

/// Buffers that pages were read into. The next page goes into one of them: it need not be cleared, and may still be in the cache of the
/// processor.
#[derive(Debug, Clone, Default)]
pub(super) struct Spare(Arc<Mutex<Vec<Vec<u8>>>>);

impl Spare {
    /// Bytes that `read` fills, all of them.
    ///
    /// # Errors
    /// Those of `read`.
    pub(super) fn filled<E>(&self, length: usize, read: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Bytes, E> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut page = Page { buffer: kept.unwrap_or_default(), length, spare: self.clone() };
        if page.buffer.len() < length {
            page.buffer.resize(length, 0);
        }
        read(&mut page.buffer[..length])?;
        Ok(Bytes::from_owner(page))
    }
}

/// A buffer that goes back when nobody has its bytes any more.
struct Page {
    buffer: Vec<u8>,
    length: usize,
    spare: Spare,
}

impl AsRef<[u8]> for Page {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let mut kept = self.spare.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MOST && self.buffer.len() <= LARGEST {
            kept.push(std::mem::take(&mut self.buffer));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_their_bytes_while_somebody_has_them() {
        let spare = Spare::default();
        let page = |length: usize, byte: u8| {
            spare.filled(length, |buffer| {
                assert_eq!(buffer.len(), length);
                buffer.fill(byte);
                Ok::<_, ()>(())
            })
        };
        let first = page(1_000, 1).unwrap();
        let second = page(10, 2).unwrap();
        let part = first.slice(990..);
        let address = first.as_ptr();
        drop(first);
        assert_ne!(page(10, 3).unwrap().as_ptr(), address, "a part of it is still in use");
        assert_eq!((part.as_ref(), second.as_ref()), ([1; 10].as_slice(), [2; 10].as_slice()));
        drop(part);
        let third = page(500, 4).unwrap();
        assert_eq!((third.as_ptr(), third.len()), (address, 500));
        assert_eq!(page(600, 5).unwrap().as_ref(), [5; 600]);
        // A page that cannot be read, and those that are too many or too large, leave nothing behind that is not counted.
        spare.filled(7, |_| Err("gone")).unwrap_err();
        let pages: Vec<Bytes> = (0..20).map(|_| page(10, 6).unwrap()).collect();
        drop((pages, third, page(LARGEST + 1, 7)));
        let kept = spare.0.lock().unwrap();
        assert!(kept.len() <= MOST && kept.iter().all(|buffer| buffer.len() <= LARGEST));
    }
}
