//! Memory for the pages of a file and for the arrays that come of them, one after the other.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, TryLockError};

use arrow::buffer::MutableBuffer;
use bytes::Bytes;

/// Buffers that were in use. The next page or array goes into one of them: it need not be cleared or be given by the system anew, and
/// may still be in the cache of the processor.
///
/// All files of a process share them, also those that are opened later: a megabyte that the system gives anew, page by page, takes as long as
/// decoding one.
#[derive(Debug, Clone)]
pub(super) struct Spare {
    kept: Arc<Mutex<Kept>>,
    /// Bytes that are kept at most...
    most: usize,
    /// ...and bytes of a buffer that is kept.
    largest: usize,
}

#[derive(Debug, Default)]
struct Kept {
    /// The one that was in use last is behind the others.
    buffers: VecDeque<MutableBuffer>,
    bytes: usize,
}

/// Bytes of an array that is kept for all.
pub(super) const LARGEST_ARRAY: usize = 4 << 20;
/// A buffer may be so many times as long as what is wanted, and this much longer.
const TIMES: usize = 4;
const LONGER: usize = 64 << 10;

impl Spare {
    /// For pages, which are a megabyte at most as a rule.
    pub(super) fn for_pages() -> Self {
        static PAGES: LazyLock<Spare> = LazyLock::new(|| Spare::new(8 << 20, 1 << 20));
        PAGES.clone()
    }

    /// For the columns of batches: as many as wait for whoever reads them.
    pub(super) fn for_arrays() -> Self {
        static ARRAYS: LazyLock<Spare> = LazyLock::new(|| Spare::new(16 << 20, LARGEST_ARRAY));
        ARRAYS.clone()
    }

    /// For someone alone: so many bytes are kept, and buffers of so many.
    pub(super) fn new(most: usize, largest: usize) -> Self {
        Self { kept: Arc::default(), most, largest }
    }

    /// Bytes that `fill` fills, all of them: what they are before is anything. They begin where a number of any width may.
    ///
    /// # Errors
    /// Those of `fill`.
    pub(super) fn filled<E>(&self, length: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Bytes, E> {
        let kept = self.take(length);
        let mut page = Page { buffer: kept.unwrap_or_else(|| zeroed(length)), length, spare: self.clone() };
        fill(&mut page.buffer.as_slice_mut()[..length])?;
        Ok(Bytes::from_owner(page))
    }

    /// Bytes of which nobody knows yet how many there will be.
    pub(super) fn growing(&self) -> Growing {
        Growing(Page { buffer: zeroed(0), length: 0, spare: self.clone() })
    }

    fn take(&self, length: usize) -> Option<MutableBuffer> {
        let mut kept = try_locked(&self.kept)?;
        let fitting = length..=length.saturating_mul(TIMES).saturating_add(LONGER);
        let at = kept.buffers.iter().rposition(|buffer| fitting.contains(&buffer.len()))?;
        let buffer = kept.buffers.remove(at)?;
        kept.bytes -= buffer.len();
        Some(buffer)
    }

    fn give_back(&self, buffer: MutableBuffer) {
        if buffer.is_empty() || buffer.len() > self.largest.min(self.most) {
            return;
        }
        let Some(mut kept) = try_locked(&self.kept) else { return };
        kept.bytes += buffer.len();
        kept.buffers.push_back(buffer);
        // Of another size than is wanted now, perhaps.
        let mut oldest = Vec::new();
        while kept.bytes > self.most
            && let Some(buffer) = kept.buffers.pop_front()
        {
            kept.bytes -= buffer.len();
            oldest.push(buffer);
        }
        // The system takes its time to have them back.
        drop(kept);
    }
}

/// What threads keep for each other; `None` while another one looks. Nobody waits: in a process that was forked meanwhile it would be for ever.
pub(super) fn try_locked<T>(kept: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match kept.try_lock() {
        Ok(kept) => Some(kept),
        Err(TryLockError::Poisoned(kept)) => Some(kept.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

fn zeroed(length: usize) -> MutableBuffer {
    MutableBuffer::from_len_zeroed(length)
}

/// Bytes that become more. Those that nobody has filled yet are anything.
pub(super) struct Growing(Page);

impl Growing {
    /// All that there is room for.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.0.buffer.as_slice_mut()
    }

    /// Makes room for so many bytes, of which the first `used` stay as they are.
    #[cold]
    pub(super) fn grow(&mut self, used: usize, length: usize) {
        let before = self.0.buffer.len();
        if length <= before {
            return;
        }
        // Where it is not enough, much is missing as a rule.
        let length = length.max(before + before / 2);
        let mut longer = self.0.spare.take(length).unwrap_or_else(|| zeroed(length));
        longer.as_slice_mut()[..used].copy_from_slice(&self.0.buffer.as_slice()[..used]);
        self.0.spare.give_back(std::mem::replace(&mut self.0.buffer, longer));
    }

    /// The first bytes, so many.
    pub(super) fn finish(self, length: usize) -> Bytes {
        let mut page = self.0;
        page.length = length.min(page.buffer.len());
        Bytes::from_owner(page)
    }
}

/// A buffer that goes back when nobody has its bytes any more.
struct Page {
    buffer: MutableBuffer,
    length: usize,
    spare: Spare,
}

impl AsRef<[u8]> for Page {
    fn as_ref(&self) -> &[u8] {
        &self.buffer.as_slice()[..self.length]
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.spare.give_back(std::mem::replace(&mut self.buffer, zeroed(0)));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_their_bytes_while_somebody_has_them() {
        let spare = Spare::new(8 << 20, 1 << 20);
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
        assert_eq!(address.align_offset(16), 0, "it does not begin where a number may");
        drop(first);
        assert_ne!(page(10, 3).unwrap().as_ptr(), address, "a part of it is still in use");
        assert_eq!((part.as_ref(), second.as_ref()), ([1; 10].as_slice(), [2; 10].as_slice()));
        drop(part);
        let third = page(500, 4).unwrap();
        assert_eq!((third.as_ptr(), third.len()), (address, 500));
        assert_eq!(page(600, 5).unwrap().as_ref(), [5; 600]);
        // A page that cannot be read, and those that are too many or too large, leave nothing behind that is not counted.
        spare.filled(7, |_| Err("gone")).unwrap_err();
        let pages: Vec<Bytes> = (0..20).map(|_| page(1 << 20, 6).unwrap()).collect();
        drop((pages, third, page((1 << 20) + 1, 7)));
        let kept = spare.kept.lock().unwrap();
        assert_eq!(kept.bytes, kept.buffers.iter().map(MutableBuffer::len).sum::<usize>());
        assert!(kept.bytes <= 8 << 20 && kept.buffers.iter().all(|buffer| buffer.len() <= 1 << 20));
        assert!(kept.buffers.len() > 5, "what was in use last is kept");
        drop(kept);
        // A few bytes do not hold a megabyte.
        let small = page(10, 8).unwrap();
        let before = spare.kept.lock().unwrap().bytes;
        drop(small);
        assert!(spare.kept.lock().unwrap().bytes <= before + 10 * TIMES + LONGER);
    }
    #[test]
    fn bytes_that_become_more_keep_what_they_are() {
        let spare = Spare::new(8 << 20, 1 << 20);
        let mut growing = spare.growing();
        growing.grow(0, 100);
        growing.room()[..100].fill(7);
        growing.grow(100, 101);
        assert!(growing.room().len() >= 150, "where it is not enough, much is missing");
        growing.grow(150, 20);
        growing.room()[100..150].fill(8);
        let bytes = growing.finish(150);
        assert_eq!(bytes.as_ref(), [[7; 100].as_slice(), &[8; 50]].concat());
        drop(bytes);
        // Those that were too few and those that were enough, and none of which nothing was made.
        drop(spare.growing());
        let kept = spare.kept.lock().unwrap();
        let lengths: Vec<usize> = kept.buffers.iter().map(MutableBuffer::len).collect();
        assert!(lengths.len() == 2 && kept.bytes == lengths.iter().sum::<usize>(), "{lengths:?}");
    }
}
