//! The loops that look up which numbers the values of a block have.

use super::table::{NONE, Table};
use crate::block::Number;
use crate::simd::Loop;

/// Whole numbers of a short range, whose numbers lie at their places.
#[derive(Debug, Clone)]
pub(super) struct Range {
    pub(super) first: u64,
    pub(super) numbers: Vec<u32>,
}

/// As many bytes of a word as a text has.
#[inline(always)]
pub(crate) fn low_bytes(length: usize) -> u64 {
    match length {
        0 => 0,
        length => u64::MAX >> (64 - 8 * length.min(8) as u32),
    }
}

/// Looks values up by their places in a range. Answers whether all were there.
pub(super) struct LookUp<'v, T> {
    pub(super) values: &'v [T],
    pub(super) range: &'v Range,
    pub(super) numbers: &'v mut [u32],
}

impl<T: Number> Loop for LookUp<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        let (first, places) = (self.range.first, self.range.numbers.as_slice());
        let mut greatest = 0;
        for (value, found) in self.values.iter().zip(self.numbers) {
            let place = value.ordered_bits().wrapping_sub(first) as usize;
            let number = match places.get(place) {
                Some(number) => *number,
                None => NONE,
            };
            greatest = if number > greatest { number } else { greatest };
            *found = number;
        }
        greatest != NONE
    }
}

/// Where a text begins or ends.
pub(crate) trait Offset: Copy {
    fn place(self) -> usize;
}

impl Offset for i32 {
    #[inline(always)]
    fn place(self) -> usize {
        self as usize
    }
}

impl Offset for i64 {
    #[inline(always)]
    fn place(self) -> usize {
        self as usize
    }
}

/// Looks texts of up to eight bytes up, which are loaded as one word where eight bytes can be read. Answers whether all were found.
pub(super) struct FindShort<'v, O> {
    pub(super) offsets: &'v [O],
    pub(super) ends: &'v [O],
    pub(super) bytes: &'v [u8],
    pub(super) table: &'v Table,
    pub(super) numbers: &'v mut [u32],
}

impl<O: Offset> Loop for FindShort<'_, O> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        let Self { offsets, ends, bytes, table, numbers } = self;
        let mut all = true;
        for ((start, end), found) in offsets.iter().zip(ends).zip(numbers) {
            let start = start.place();
            let length = end.place().wrapping_sub(start);
            let mut number = NONE;
            if length <= 8
                && let Some(word) = bytes.get(start..start.wrapping_add(8))
                && let Ok(word) = <[u8; 8]>::try_from(word)
            {
                let key = u64::from_le_bytes(word) & low_bytes(length);
                number = table.find_key(key, length as u32);
            }
            all &= number != NONE;
            *found = number;
        }
        all
    }
}
