//! A table of numbers with how often each occurs.

/// Numbers of 64 bits with their counts, by open addressing.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    /// Numbers and counts. A count of zero is an empty slot.
    slots: Vec<(u64, u64)>,
    len: usize,
    /// By how much a hash is shifted to be the number of a slot.
    shift: u32,
}

/// A hash whose upper bits are the better ones.
#[inline(always)]
pub(super) fn hash(key: u64) -> u64 {
    (key ^ (key >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

impl Default for Counts {
    fn default() -> Self {
        Self::with_slots(64)
    }
}

impl Counts {
    /// A power of two of slots.
    fn with_slots(slots: usize) -> Self {
        Self { slots: vec![(0, 0); slots], len: 0, shift: 64 - slots.trailing_zeros() }
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes that the table takes.
    pub(super) fn memory(&self) -> usize {
        self.slots.len() * size_of::<(u64, u64)>()
    }

    /// Counts a number `count` times; at least once.
    #[inline(always)]
    pub(super) fn add(&mut self, key: u64, count: u64) {
        let mask = self.slots.len() - 1;
        let mut at = (hash(key) >> self.shift) as usize;
        while let Some(slot) = self.slots.get_mut(at) {
            if slot.0 == key && slot.1 != 0 {
                slot.1 += count;
                return;
            }
            if slot.1 == 0 {
                *slot = (key, count);
                self.len += 1;
                break;
            }
            at = (at + 1) & mask;
        }
        if self.len * 2 > self.slots.len() {
            self.grow();
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        // As long as it is small, a table that is not larger than it must be stays in the first cache.
        let times = if self.slots.len() < 1 << 12 { 2 } else { 4 };
        let mut larger = Self::with_slots(self.slots.len() * times);
        for (key, count) in self.entries() {
            larger.add(key, count);
        }
        *self = larger;
    }

    /// Every number with its count.
    pub(super) fn entries(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.slots.iter().copied().filter(|(_, count)| *count != 0)
    }
}
