//! Whole numbers of a short range as keys: a row's group is the place of its key in the range, and no table is asked.
//!
//! Places become groups at the end, together with those of the blocks whose keys did not all have one.

use crate::block::{Lane, Number, with_numbers};
use crate::simd::{Loop, vectorised};

/// So many places there are; a power of two.
const PLACES: usize = 512;
/// Of these so many are below the least key of the first block.
const BELOW: u64 = PLACES as u64 / 8;
/// Blocks that may have keys without a place, before no more are looked at.
const MISSES: u32 = 8;
/// No row.
const UNSEEN: u64 = u64::MAX;

#[derive(Debug)]
pub(super) struct Direct {
    /// The key of the first place, by its ordered bits.
    first: Option<u64>,
    /// 1 for each place that a row has.
    seen: [u8; PLACES],
    /// How many there are of these.
    known: usize,
    /// One more than the last of them.
    top: usize,
    first_rows: Vec<u64>,
    misses: u32,
}

impl Direct {
    pub(super) fn new() -> Self {
        Self { first: None, seen: [0; PLACES], known: 0, top: 0, first_rows: vec![UNSEEN; PLACES], misses: 0 }
    }

    /// Writes the place of each row's key, if all rows have one. `row_of` tells the number of a row of the block.
    pub(super) fn encode(
        &mut self,
        lane: &Lane<'_>,
        rows: usize,
        row_of: impl Fn(usize) -> u64,
        places: &mut Vec<u32>,
    ) -> bool {
        if self.misses >= MISSES || lane.constant || lane.valid.is_some() || rows == 0 {
            return false;
        }
        places.resize(rows, 0);
        let all = with_numbers!(&lane.values, values => {
            let least = || values.iter().map(|value| value.ordered_bits()).min().unwrap_or(0);
            let first = *self.first.get_or_insert_with(|| least().saturating_sub(BELOW));
            values.len() == rows && vectorised(Places { values, first, places })
        }, _ => false);
        if !all {
            self.misses += 1;
            return false;
        }
        let known = vectorised(Mark { places, seen: &mut self.seen });
        if known > self.known {
            self.known = known;
            for (row, place) in places.iter().enumerate() {
                if let Some(first) = self.first_rows.get_mut(*place as usize).filter(|first| **first == UNSEEN) {
                    *first = row_of(row);
                }
            }
            self.top = self.seen.iter().rposition(|seen| *seen == 1).map_or(0, |last| last + 1);
        }
        true
    }

    /// One more than the greatest place that a row has had.
    pub(super) fn top(&self) -> usize {
        self.top
    }

    /// The places that rows have had: each with the ordered bits of its key and the row that it was first seen in.
    pub(super) fn places(&self) -> impl Iterator<Item = (usize, u64, u64)> + '_ {
        let first = self.first.unwrap_or(0);
        let places = self.first_rows.iter().enumerate().filter(|(_, row)| **row != UNSEEN);
        // Places are counted past the greatest number, too.
        places.map(move |(place, row)| (place, first.wrapping_add(place as u64), *row))
    }
}

/// Writes places in a range. Answers whether all are inside.
struct Places<'v, T> {
    values: &'v [T],
    first: u64,
    places: &'v mut [u32],
}

impl<T: Number> Loop for Places<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        let Self { values, first, places } = self;
        let mut any = 0;
        for (value, found) in values.iter().zip(places) {
            let place = value.ordered_bits().wrapping_sub(first);
            any |= place;
            *found = place as u32;
        }
        any < PLACES as u64
    }
}

/// Marks places as seen. Answers how many are.
struct Mark<'v> {
    places: &'v [u32],
    seen: &'v mut [u8; PLACES],
}

impl Loop for Mark<'_> {
    type Output = usize;

    #[inline(always)]
    fn run(self) -> usize {
        let Self { places, seen } = self;
        for place in places {
            seen[*place as usize % PLACES] = 1;
        }
        let mut known = 0_u32;
        for seen in seen.iter() {
            known += u32::from(*seen);
        }
        known as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Values;

    fn encode(direct: &mut Direct, keys: &[i32]) -> Option<Vec<u32>> {
        let mut places = Vec::new();
        let lane = Lane::new(Values::I32(keys.to_vec().into()));
        direct.encode(&lane, keys.len(), |row| 1_000 + row as u64, &mut places).then_some(places)
    }

    #[test]
    fn keys_of_a_short_range_have_places() {
        let mut direct = Direct::new();
        let below = BELOW as u32;
        assert_eq!(encode(&mut direct, &[-5, 3, -5]), Some(vec![below, below + 8, below]));
        assert_eq!(encode(&mut direct, &[-69, 442]), Some(vec![0, PLACES as u32 - 1]));
        // One beyond either end.
        assert_eq!(encode(&mut direct, &[-70, 0]), None);
        assert_eq!(encode(&mut direct, &[0, 443]), None);
        assert_eq!(encode(&mut direct, &[i32::MIN, i32::MAX]), None);
        assert_eq!(direct.top(), PLACES);
        let bits = |key: i32| key.ordered_bits();
        let places: Vec<_> = direct.places().collect();
        let below = below as usize;
        let expected = [
            (0, bits(-69), 1_000),
            (below, bits(-5), 1_000),
            (below + 8, bits(3), 1_001),
            (PLACES - 1, bits(442), 1_001),
        ];
        assert_eq!(places, expected);
    }

    #[test]
    fn places_go_on_behind_the_greatest_number() {
        let mut direct = Direct::new();
        for keys in [[i64::MAX; 2], [i64::MIN, i64::MIN + 3]] {
            let lane = Lane::new(Values::I64(keys.to_vec().into()));
            assert!(direct.encode(&lane, 2, |row| row as u64, &mut Vec::new()));
        }
        let keys: Vec<u64> = direct.places().map(|(_, bits, _)| bits).collect();
        assert_eq!(keys, [i64::MAX, i64::MIN, i64::MIN + 3].map(Number::ordered_bits));
    }

    #[test]
    fn keys_that_lie_far_apart_are_given_up() {
        let mut direct = Direct::new();
        assert!(encode(&mut direct, &[0, 1]).is_some());
        for _ in 0..MISSES {
            assert!(encode(&mut direct, &[0, 100_000]).is_none());
        }
        assert!(encode(&mut direct, &[0, 1]).is_none(), "no more are looked at");
    }
}
