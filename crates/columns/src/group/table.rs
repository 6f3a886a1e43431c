//! Numbers for 64-bit keys, given in the order in which the keys are first seen.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// No number.
pub(crate) const NONE: u32 = u32::MAX;

/// Keys whose hashes all agree would make every search long, so which ones these are differs from process to process.
static FACTOR: LazyLock<u64> = LazyLock::new(|| (RandomState::new().hash_one(0_u8) ^ 0x9E37_79B9_7F4A_7C15) | 1);

/// A key with its number, in a quarter of a cache line.
#[derive(Debug, Clone, Copy)]
struct Slot {
    key: u64,
    /// What tells keys of the same 64 bits apart: the length of a text, or the group it belongs to.
    tag: u32,
    number: u32,
}

/// An open-addressing table with linear probing, at most half full.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    slots: Vec<Slot>,
    used: usize,
    /// How far a hash is shifted to be a place.
    shift: u32,
    factor: u64,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self::with_bits(10)
    }

    fn with_bits(bits: u32) -> Self {
        let slots = vec![Slot { key: 0, tag: 0, number: NONE }; 1 << bits];
        Self { slots, used: 0, shift: 64 - bits, factor: *FACTOR }
    }

    #[inline(always)]
    fn hash(&self, key: u64, tag: u32) -> u64 {
        // Numbers in floating point often differ in their high bits only, which a product alone would leave high.
        let mixed = key ^ (key >> 32) ^ (u64::from(tag) << 29);
        mixed.wrapping_mul(self.factor)
    }

    /// The number of a key, if it has one. `same` says whether the key of a number is the one that is meant, where its bits are.
    #[inline(always)]
    pub(crate) fn find(&self, key: u64, tag: u32, same: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.slots.len() - 1;
        let mut at = (self.hash(key, tag) >> self.shift) as usize & mask;
        loop {
            let slot = self.slots.get(at)?;
            if slot.number == NONE {
                return None;
            }
            if slot.key == key && slot.tag == tag && same(slot.number) {
                return Some(slot.number);
            }
            at = (at + 1) & mask;
        }
    }

    /// The number of a key that its bits and its tag tell, or [`NONE`].
    #[inline(always)]
    pub(crate) fn find_key(&self, key: u64, tag: u32) -> u32 {
        let (slots, mask) = (self.slots.as_slice(), self.slots.len() - 1);
        let mut at = (self.hash(key, tag) >> self.shift) as usize & mask;
        while let Some(slot) = slots.get(at) {
            if slot.number == NONE || (slot.key == key && slot.tag == tag) {
                return slot.number;
            }
            at = (at + 1) & mask;
        }
        NONE
    }

    /// The number of such a key, if it has one.
    pub(crate) fn get(&self, key: u64, tag: u32) -> Option<u32> {
        Some(self.find_key(key, tag)).filter(|number| *number != NONE)
    }

    /// Gives a key a number that it does not have yet.
    pub(crate) fn insert(&mut self, key: u64, tag: u32, number: u32) {
        if (self.used + 1) * 2 > self.slots.len() {
            let mut larger = Self::with_bits(64 - self.shift + 1);
            for slot in self.slots.iter().filter(|slot| slot.number != NONE) {
                larger.place(*slot);
            }
            larger.used = self.used;
            *self = larger;
        }
        self.place(Slot { key, tag, number });
        self.used += 1;
    }

    fn place(&mut self, slot: Slot) {
        let mask = self.slots.len() - 1;
        let mut at = (self.hash(slot.key, slot.tag) >> self.shift) as usize & mask;
        while let Some(there) = self.slots.get_mut(at) {
            if there.number == NONE {
                *there = slot;
                return;
            }
            at = (at + 1) & mask;
        }
    }

    /// Keys, tags and numbers, in no order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u64, u32, u32)> + '_ {
        self.slots.iter().filter(|slot| slot.number != NONE).map(|slot| (slot.key, slot.tag, slot.number))
    }

    /// Bytes that it takes.
    pub(crate) fn memory(&self) -> usize {
        self.slots.len() * size_of::<Slot>()
    }
}
