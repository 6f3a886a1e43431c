//! Sums of floating-point numbers by group, and of powers of differences.
//!
//! Every group has a small row of running sums. Where groups are few, there are several copies of it, which rows take in turn, so
//! that an addition need not wait for that of the row before. Every some ten thousand rows the running sums go to the totals:
//! sums by Neumaier's compensated summation, moments by the formulas of Chan, Golub and LeVeque. Differences are taken from a value
//! of the group itself and, after the first time, from its mean. So the error of a sum is that of adding up so many
//! values at most, however many rows there are, and a large mean costs a variance no digits.

use crate::aggregate::Part;
use crate::block::{Number, YES};
use crate::simd::{Loop, vectorised};

/// Running sums of a group in a row of `N` numbers: count and sum (2), count, differences, their squares and what they are taken
/// from (4), and their third and fourth powers too (8).
#[derive(Debug)]
pub(super) struct Sums<const N: usize> {
    /// Copies of a group lie side by side.
    running: Vec<[f64; N]>,
    copies: usize,
    groups: usize,
    totals: Vec<Part>,
    /// Rows that the running sums have taken.
    rows: usize,
}

/// With so many groups at most, each has copies.
const FEW: usize = 512;
const COPIES: usize = 4;
/// Rows after which running sums go to the totals, unless groups are many.
const WINDOW: usize = 65_536;
/// The place of what differences are taken from.
const SHIFT: usize = 3;

impl<const N: usize> Sums<N> {
    pub(super) fn new() -> Self {
        Self { running: Vec::new(), copies: COPIES, groups: 0, totals: Vec::new(), rows: 0 }
    }

    const fn order() -> u32 {
        match N {
            2 => 1,
            4 => 2,
            _ => 4,
        }
    }

    pub(super) fn grow(&mut self, groups: usize) {
        if groups <= self.groups {
            return;
        }
        if groups > FEW && self.copies > 1 {
            self.flush();
            let kept: Vec<[f64; N]> = self.running.iter().copied().step_by(self.copies).collect();
            self.running = kept;
            self.copies = 1;
        }
        let mut bare = [0.0; N];
        if N > 2 {
            bare[SHIFT] = f64::NAN;
        }
        self.groups = groups;
        self.running.resize(groups * self.copies, bare);
    }

    /// Takes the values of the rows of a mask that are no NaN. Answers how many there are.
    pub(super) fn add<T: Number>(&mut self, values: &[T], groups: &[u32], mask: Option<&[u8]>) -> usize {
        let copies = self.copies;
        let taken = match (mask, copies) {
            (None, COPIES) => {
                vectorised(Add::<T, N, COPIES, false> { values, groups, mask: &[], running: &mut self.running })
            }
            (None, _) => vectorised(Add::<T, N, 1, false> { values, groups, mask: &[], running: &mut self.running }),
            (Some(mask), COPIES) => {
                vectorised(Add::<T, N, COPIES, true> { values, groups, mask, running: &mut self.running })
            }
            (Some(mask), _) => vectorised(Add::<T, N, 1, true> { values, groups, mask, running: &mut self.running }),
        };
        self.rows += values.len();
        let first = self.totals.is_empty() && N > 2;
        if self.rows >= (16 * self.groups).max(if first { 4096 } else { WINDOW }) {
            self.flush();
        }
        taken
    }

    /// Adds the running sums to the totals.
    fn flush(&mut self) {
        self.rows = 0;
        self.totals.resize_with(self.groups, Part::default);
        for (copies, total) in self.running.chunks_mut(self.copies).zip(&mut self.totals) {
            for copy in copies.iter_mut() {
                if copy[0] > 0.0 {
                    total.join(&part_of(copy), Self::order());
                }
            }
            let mean = total.center();
            for copy in copies {
                let shift = if N > 2 && total.count() > 0 && mean.is_finite() {
                    mean
                } else {
                    copy.get(SHIFT).copied().unwrap_or(0.0)
                };
                *copy = [0.0; N];
                if let Some(place) = copy.get_mut(SHIFT) {
                    *place = shift;
                }
            }
        }
    }

    pub(super) fn merge(&mut self, other: &mut Self, mapping: impl Iterator<Item = (usize, usize)>) {
        self.flush();
        other.flush();
        for (there, here) in mapping {
            if let (Some(total), Some(other)) = (self.totals.get_mut(here), other.totals.get(there)) {
                total.join(other, Self::order());
            }
        }
    }

    /// What is known of each group.
    pub(super) fn totals(&mut self) -> &[Part] {
        self.flush();
        &self.totals
    }

    pub(super) fn memory(&self) -> usize {
        self.running.capacity() * size_of::<[f64; N]>() + self.groups * size_of::<Part>()
    }
}

/// Running sums as moments.
fn part_of<const N: usize>(running: &[f64; N]) -> Part {
    let n = running[0];
    match N {
        2 => Part::of_sum(n as u64, running[1]),
        _ => {
            let shift = if running[SHIFT].is_nan() { 0.0 } else { running[SHIFT] };
            let higher = if N > 4 { [running[N - 4], running[N - 3]] } else { [0.0; 2] };
            Part::of_differences(n as u64, shift, [running[1], running[2], higher[0], higher[1]])
        }
    }
}

/// Adds values to the running sums of their groups.
struct Add<'v, T, const N: usize, const C: usize, const MASKED: bool> {
    values: &'v [T],
    groups: &'v [u32],
    mask: &'v [u8],
    running: &'v mut [[f64; N]],
}

impl<T: Number, const N: usize, const C: usize, const MASKED: bool> Loop for Add<'_, T, N, C, MASKED> {
    type Output = usize;

    #[inline(always)]
    fn run(self) -> usize {
        let Self { values, groups, mask, running } = self;
        // Pieces of a fixed length, whose rows follow each other without a look at how many there are.
        let ((pieces, rest), (piece_groups, rest_groups)) = (values.as_chunks::<C>(), groups.as_chunks::<C>());
        let (mut at, mut taken) = (0, 0);
        // No closure, which would not be compiled for the processor that the loop is.
        for (values, groups) in pieces.iter().zip(piece_groups) {
            for (copy, (value, group)) in values.iter().zip(groups).enumerate() {
                let there = !MASKED || mask.get(at + copy) == Some(&YES);
                taken += usize::from(add_one::<T, N, C>(running, *value, *group, copy, there));
            }
            at += C;
        }
        for (copy, (value, group)) in rest.iter().zip(rest_groups).enumerate() {
            let there = !MASKED || mask.get(at + copy) == Some(&YES);
            taken += usize::from(add_one::<T, N, C>(running, *value, *group, copy, there));
        }
        taken
    }
}

/// Adds the value of a row to a copy of the running sums of its group, if it is there and no NaN. Answers whether it is.
#[inline(always)]
fn add_one<T: Number, const N: usize, const C: usize>(
    running: &mut [[f64; N]],
    value: T,
    group: u32,
    copy: usize,
    there: bool,
) -> bool {
    if !there || T::FLOAT && !value.is_number() {
        return false;
    }
    let first = group as usize * C;
    let Some(sums) = running.get_mut(first + copy) else { return false };
    let value = value.float();
    let mut more = [0.0; N];
    more[0] = 1.0;
    if N == 2 {
        more[1] = value;
    } else {
        if sums[SHIFT].is_nan() {
            add_first(running.get_mut(first..first + C).unwrap_or_default(), copy, value);
            return true;
        }
        let difference = value - sums[SHIFT];
        let square = difference * difference;
        more[1] = difference;
        more[2] = square;
        if N > 4 {
            more[N - 4] = square * difference;
            more[N - 3] = square * square;
        }
    }
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum += more;
    }
    true
}

/// Adds a value to a copy of a group that has nothing to take differences from: the first finite number is that.
#[cold]
fn add_first<const N: usize>(copies: &mut [[f64; N]], copy: usize, value: f64) {
    for sums in copies.iter_mut().filter(|_| value.is_finite()) {
        if let Some(shift) = sums.get_mut(SHIFT) {
            *shift = value;
        }
    }
    let Some(sums) = copies.get_mut(copy) else { return };
    sums[0] += 1.0;
    if !value.is_finite() {
        let powers = [value, value * value];
        sums.iter_mut().skip(1).zip(powers).for_each(|(sum, power)| *sum += power);
        if N > 4 {
            sums[N - 4] += value * powers[1];
            sums[N - 3] += powers[1] * powers[1];
        }
    }
}
