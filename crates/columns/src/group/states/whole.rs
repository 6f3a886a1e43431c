//! Counts by group, and exact sums of whole numbers.

use crate::block::{Number, YES};
use crate::simd::{Loop, vectorised};

const FEW: usize = 512;
const COPIES: usize = 4;

/// How many rows of each group there are.
#[derive(Debug, Default)]
pub(super) struct Counts {
    counts: Vec<u64>,
    /// Those of the last rows where groups are many: half as many bytes, more of which are in the cache.
    running: Vec<[u32; 1]>,
    /// How many rows the running counts have taken.
    rows: usize,
}

impl Counts {
    pub(super) fn grow(&mut self, groups: usize) {
        if groups > self.counts.len() {
            self.counts.resize(groups, 0);
        }
    }

    pub(super) fn add(&mut self, groups: &[u32], mask: Option<&[u8]>) {
        if self.counts.len() <= FEW && groups.len() > FEW {
            let mut copies = vec![[0_u32; COPIES]; self.counts.len()];
            vectorised(Count { groups, mask, counts: &mut copies });
            self.counts
                .iter_mut()
                .zip(&copies)
                .for_each(|(count, copies)| *count += copies.iter().map(|c| u64::from(*c)).sum::<u64>());
            return;
        }
        if self.rows + groups.len() > u32::MAX as usize {
            self.flush();
        }
        self.rows += groups.len();
        self.running.resize(self.counts.len(), [0]);
        vectorised(Count { groups, mask, counts: &mut self.running });
    }

    fn flush(&mut self) {
        self.rows = 0;
        for (count, running) in self.counts.iter_mut().zip(&mut self.running) {
            *count += std::mem::take(running).map(u64::from).into_iter().sum::<u64>();
        }
    }

    pub(super) fn merge(&mut self, other: &mut Self, mapping: impl Iterator<Item = (usize, usize)>) {
        other.flush();
        for (there, here) in mapping {
            if let (Some(count), Some(other)) = (self.counts.get_mut(here), other.counts.get(there)) {
                *count += other;
            }
        }
    }

    pub(super) fn counts(&mut self) -> &[u64] {
        self.flush();
        &self.counts
    }

    pub(super) fn memory(&self) -> usize {
        self.counts.capacity() * 8 + self.running.capacity() * 4
    }
}

/// Counts in so many copies, which rows take in turn: where groups are few, rows of the same one need not wait for each other.
struct Count<'v, const C: usize> {
    groups: &'v [u32],
    mask: Option<&'v [u8]>,
    counts: &'v mut [[u32; C]],
}

impl<const C: usize> Loop for Count<'_, C> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { groups, mask, counts } = self;
        match mask {
            None => {
                // Pieces of a fixed length, whose rows follow each other without a look at how many there are.
                let (pieces, rest) = groups.as_chunks::<C>();
                for groups in pieces {
                    for (copy, group) in groups.iter().enumerate() {
                        if let Some(count) = counts.get_mut(*group as usize) {
                            count[copy] += 1;
                        }
                    }
                }
                for group in rest {
                    if let Some(count) = counts.get_mut(*group as usize) {
                        count[0] += 1;
                    }
                }
            }
            Some(mask) => {
                let ((pieces, rest), (masks, rest_mask)) = (groups.as_chunks::<C>(), mask.as_chunks::<C>());
                for (groups, mask) in pieces.iter().zip(masks) {
                    for (copy, (group, mask)) in groups.iter().zip(mask).enumerate() {
                        if let Some(count) = counts.get_mut(*group as usize) {
                            count[copy] += u32::from(mask & 1);
                        }
                    }
                }
                for (group, mask) in rest.iter().zip(rest_mask) {
                    if let Some(count) = counts.get_mut(*group as usize) {
                        count[0] += u32::from(mask & 1);
                    }
                }
            }
        }
    }
}

/// Counts and exact sums.
#[derive(Debug, Default)]
pub(super) struct WholeSums {
    sums: Vec<(i128, u64)>,
}

impl WholeSums {
    pub(super) fn grow(&mut self, groups: usize) {
        if groups > self.sums.len() {
            self.sums.resize(groups, (0, 0));
        }
    }

    pub(super) fn add<T: Number>(&mut self, values: &[T], groups: &[u32], mask: Option<&[u8]>) {
        // A block of numbers of up to 32 bits cannot go beyond 64.
        if T::BITS < 64 && self.sums.len() <= FEW && values.len() > FEW {
            let mut copies = vec![[(0_i64, 0_u64); COPIES]; self.sums.len()];
            vectorised(Add { values, groups, mask, sums: &mut copies });
            for ((sum, count), copies) in self.sums.iter_mut().zip(&copies) {
                *sum += i128::from(copies.iter().map(|copy| copy.0).sum::<i64>());
                *count += copies.iter().map(|copy| copy.1).sum::<u64>();
            }
            return;
        }
        for (row, (value, group)) in values.iter().zip(groups).enumerate() {
            if mask.is_none_or(|mask| mask.get(row) == Some(&YES))
                && let Some((sum, count)) = self.sums.get_mut(*group as usize)
            {
                let (low, high) = value.halves();
                *sum += (i128::from(high) << 32) + i128::from(low);
                *count += 1;
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self, mapping: impl Iterator<Item = (usize, usize)>) {
        for (there, here) in mapping {
            if let (Some(here), Some(there)) = (self.sums.get_mut(here), other.sums.get(there)) {
                here.0 += there.0;
                here.1 += there.1;
            }
        }
    }

    /// Sums and counts.
    pub(super) fn sums(&self) -> &[(i128, u64)] {
        &self.sums
    }

    pub(super) fn memory(&self) -> usize {
        self.sums.capacity() * size_of::<(i128, u64)>()
    }
}

struct Add<'v, T> {
    values: &'v [T],
    groups: &'v [u32],
    mask: Option<&'v [u8]>,
    sums: &'v mut [[(i64, u64); COPIES]],
}

impl<T: Number> Loop for Add<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { values, groups, mask, sums } = self;
        for (at, (values, groups)) in values.chunks(COPIES).zip(groups.chunks(COPIES)).enumerate() {
            for (copy, (value, group)) in values.iter().zip(groups).enumerate() {
                let there = mask.is_none_or(|mask| mask.get(at * COPIES + copy) == Some(&YES));
                if let Some(sums) = sums.get_mut(*group as usize) {
                    sums[copy].0 += if there { value.narrow() } else { 0 };
                    sums[copy].1 += u64::from(there);
                }
            }
        }
    }
}
