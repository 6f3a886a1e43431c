//! Texts of attributes, which HDF5 keeps apart in collections, so that they may be of any length.

/// The least that the HDF5 library reads a collection as.
const LEAST: usize = 4096;
/// How large a collection becomes before another is begun.
const FULL: usize = 64 * 1024;
/// Before the first object.
const HEADER: usize = 16;

/// Where a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    /// The collection; none for the empty text, which is kept nowhere.
    pub(super) collection: Option<usize>,
    /// Its number in it.
    pub(super) index: u32,
    /// Its bytes.
    pub(super) length: u32,
}

/// The collections.
#[derive(Debug, Default)]
pub(super) struct Heap {
    collections: Vec<Vec<u8>>,
    /// Texts in the last.
    objects: u16,
}

impl Heap {
    /// Keeps a text; none if it is longer than HDF5 can say.
    pub(super) fn keep(&mut self, text: &str) -> Option<Kept> {
        let length = u32::try_from(text.len()).ok()?;
        if length == 0 {
            return Some(Kept { collection: None, index: 0, length });
        }
        let full = |last: &Vec<u8>| last.len() + HEADER + text.len() > FULL && last.len() > HEADER;
        if self.objects == u16::MAX || self.collections.last().is_none_or(full) {
            self.collections.push(vec![0; HEADER]);
            self.objects = 0;
        }
        let collection = self.collections.len().checked_sub(1)?;
        let bytes = self.collections.last_mut()?;
        self.objects += 1;
        bytes.extend_from_slice(&self.objects.to_le_bytes());
        // Referred to once.
        bytes.extend_from_slice(&1_u16.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&u64::from(length).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        Some(Kept { collection: Some(collection), index: u32::from(self.objects), length })
    }

    /// The collections as they are written.
    pub(super) fn finish(self) -> Vec<Vec<u8>> {
        let mut collections = self.collections;
        for bytes in &mut collections {
            // What is left is object 0, whose size counts its own header.
            let used = bytes.len();
            let size = (used + HEADER).max(LEAST);
            bytes.resize(size, 0);
            let free = (size - used) as u64;
            bytes[used + 8..used + 16].copy_from_slice(&free.to_le_bytes());
            bytes[..8].copy_from_slice(b"GCOL\x01\0\0\0");
            bytes[8..16].copy_from_slice(&(size as u64).to_le_bytes());
        }
        collections
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collections_are_full_to_the_byte() {
        let mut heap = Heap::default();
        let long = "x".repeat(200_000);
        let kept: Vec<Kept> = ["", "a", &long, "b", &long].iter().map(|text| heap.keep(text).unwrap()).collect();
        assert_eq!(kept[0].collection, None);
        assert_eq!(kept[1], Kept { collection: Some(0), index: 1, length: 1 });
        assert_eq!(kept[2].collection, Some(1));
        assert_eq!(kept[3].collection, Some(2));
        for bytes in heap.finish() {
            let mut at = HEADER;
            while at < bytes.len() {
                let index = u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap());
                let size = u64::from_le_bytes(bytes[at + 8..at + 16].try_into().unwrap()) as usize;
                at += if index == 0 { size } else { HEADER + size.next_multiple_of(8) };
            }
            assert_eq!(at, bytes.len());
            assert!(bytes.len() >= LEAST);
        }
    }
}
