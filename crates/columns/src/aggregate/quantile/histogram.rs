//! Counts of values by where in a window their bits lie.

use crate::block::{Number, YES};
use crate::simd::{Loop, vectorised};

/// Cells of a window: with four bytes each, a window takes 256 KiB.
const CELLS: usize = 1 << 16;

/// So many values are gathered and sorted rather than counted: 256 KiB.
pub(super) const GATHERED: u64 = 1 << 15;

/// A stretch of the bits of values, cut into cells of the same width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// Where it begins.
    pub(super) low: u64,
    /// Where it ends, inclusive.
    pub(super) high: u64,
    /// The binary logarithm of the width of a cell.
    shift: u32,
}

impl Window {
    /// From bits to bits, both inclusive.
    pub(super) fn new(low: u64, high: u64) -> Self {
        let bits = 64 - (high - low).leading_zeros();
        Self { low, high, shift: bits.saturating_sub(16) }
    }

    fn cells(&self) -> usize {
        ((self.high - self.low) >> self.shift) as usize + 1
    }

    /// The bits of a cell, both ends inclusive.
    fn cell(&self, cell: usize) -> (u64, u64) {
        let low = self.low + ((cell as u64) << self.shift);
        (low, low.saturating_add((1 << self.shift) - 1).min(self.high))
    }
}

/// What is known of the values in a window.
#[derive(Debug)]
pub(super) enum Found {
    /// How many there are in each cell, and beyond 32 bits.
    Counted { window: Window, counts: Vec<u32>, full: Vec<u64>, since: u64 },
    /// The bits themselves, where there are few.
    Gathered { window: Window, bits: Vec<u64> },
}

/// Where a rank was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The bits of the value.
    Exact(u64),
    /// The bits lie between these, both inclusive, where so many values are, of which it has this rank.
    Within { low: u64, high: u64, count: u64, rank: u64 },
}

impl Found {
    /// Counts the values of a window, or gathers them where there are few.
    pub(super) fn new(window: Window, expected: Option<u64>) -> Self {
        match expected {
            Some(expected) if expected <= GATHERED && window.shift > 0 => Self::Gathered { window, bits: Vec::new() },
            _ => Self::Counted { window, counts: vec![0; window.cells()], full: Vec::new(), since: 0 },
        }
    }

    /// Takes the values of a mask that lie in the window.
    pub(super) fn add<T: Number>(&mut self, values: &[T], mask: Option<&[u8]>) {
        match self {
            Self::Counted { window, counts, full, since } => {
                *since += values.len() as u64;
                if *since > u64::from(u32::MAX) {
                    flush(counts, full);
                    *since = values.len() as u64;
                }
                // The first window of a type has all values in it.
                if window.low == 0 && window.high >= u64::MAX >> (64 - T::BITS) {
                    count_all(values, mask, window.shift, counts);
                } else {
                    within(values, mask, *window, |bits| {
                        if let Some(count) = counts.get_mut(((bits - window.low) >> window.shift) as usize) {
                            *count += 1;
                        }
                    });
                }
            }
            Self::Gathered { window, bits: gathered } => within(values, mask, *window, |bits| gathered.push(bits)),
        }
    }

    /// Takes what another thread has found in the same window.
    pub(super) fn join(&mut self, other: Self) {
        match (self, other) {
            (Self::Counted { counts, full, since, .. }, Self::Counted { counts: mut others, full: mut more, .. }) => {
                flush(counts, full);
                *since = 0;
                flush(&mut others, &mut more);
                full.iter_mut().zip(more).for_each(|(a, b)| *a += b);
            }
            (Self::Gathered { bits, .. }, Self::Gathered { bits: others, .. }) => bits.extend(others),
            _ => {}
        }
    }

    /// How many values there are, and what [`place`](Self::place) looks in.
    pub(super) fn settle(&mut self) -> u64 {
        match self {
            Self::Counted { counts, full, since, .. } => {
                flush(counts, full);
                *since = 0;
                full.iter().sum()
            }
            Self::Gathered { bits, .. } => {
                bits.sort_unstable();
                bits.len() as u64
            }
        }
    }

    /// Leaves out the values that share a cell with these bits, and tells how many there were.
    pub(super) fn leave_out(&mut self, bits: u64) -> u64 {
        let Self::Counted { window, full, .. } = self else { return 0 };
        full.get_mut((bits.wrapping_sub(window.low) >> window.shift) as usize).map_or(0, std::mem::take)
    }

    /// Where the value of a rank is, counted from the least of the window; none where there are not so many.
    pub(super) fn place(&self, rank: u64) -> Option<Place> {
        match self {
            Self::Gathered { bits, .. } => bits.get(usize::try_from(rank).ok()?).copied().map(Place::Exact),
            Self::Counted { window, full, .. } => {
                let mut before = 0;
                let (cell, count) = full.iter().enumerate().find(|(_, count)| {
                    before += **count;
                    before > rank
                })?;
                let (low, high) = window.cell(cell);
                Some(if low == high {
                    Place::Exact(low)
                } else {
                    Place::Within { low, high, count: *count, rank: rank - (before - count) }
                })
            }
        }
    }
}

fn flush(counts: &mut [u32], full: &mut Vec<u64>) {
    full.resize(counts.len(), 0);
    full.iter_mut().zip(counts.iter_mut()).for_each(|(full, count)| *full += u64::from(std::mem::take(count)));
}

/// Counts all values of a mask by their upper bits.
fn count_all<T: Number>(values: &[T], mask: Option<&[u8]>, shift: u32, counts: &mut [u32]) {
    let Some(counts) = counts.first_chunk_mut::<CELLS>() else {
        return count_narrow(values, mask, counts);
    };
    let mut cells = [0_u16; 1024];
    for (at, values) in values.chunks(cells.len()).enumerate() {
        vectorised(Cells { values, shift, cells: &mut cells });
        let cells = cells.iter().take(values.len());
        match mask {
            None => cells.for_each(|cell| counts[usize::from(*cell)] += 1),
            Some(mask) => {
                let mask = mask.get(at * 1024..).unwrap_or_default();
                cells.zip(mask).for_each(|(cell, mask)| counts[usize::from(*cell)] += u32::from(*mask == YES));
            }
        }
    }
}

/// Counts values of eight bits.
fn count_narrow<T: Number>(values: &[T], mask: Option<&[u8]>, counts: &mut [u32]) {
    for (row, value) in values.iter().enumerate() {
        let there = mask.is_none_or(|mask| mask.get(row) == Some(&YES));
        if let Some(count) = counts.get_mut(value.ordered_bits() as usize) {
            *count += u32::from(there);
        }
    }
}

/// The upper bits of values.
struct Cells<'v, T> {
    values: &'v [T],
    shift: u32,
    cells: &'v mut [u16; 1024],
}

impl<T: Number> Loop for Cells<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        // The shift is what the width of the type makes it, and known to the compiler in each arm.
        let cells = self.cells.iter_mut().zip(self.values);
        match self.shift {
            48 => cells.for_each(|(cell, value)| *cell = (value.ordered_bits() >> 48) as u16),
            16 => cells.for_each(|(cell, value)| *cell = (value.ordered_bits() >> 16) as u16),
            shift => cells.for_each(|(cell, value)| *cell = (value.ordered_bits() >> shift) as u16),
        }
    }
}

/// Calls `see` with the bits of the values of a mask that lie in a window.
fn within<T: Number>(values: &[T], mask: Option<&[u8]>, window: Window, mut see: impl FnMut(u64)) {
    let mut masks = [0_u64; 64];
    for (at, values) in values.chunks(64 * masks.len()).enumerate() {
        let first = at * 64 * masks.len();
        let mask = mask.map(|mask| mask.get(first..).unwrap_or_default());
        vectorised(Inside { values, mask, window, masks: &mut masks });
        for (values, mut bits) in values.chunks(64).zip(masks) {
            while bits != 0 {
                if let Some(value) = values.get(bits.trailing_zeros() as usize) {
                    see(value.ordered_bits());
                }
                bits &= bits - 1;
            }
        }
    }
}

/// Which values of a mask lie in a window, a bit for each.
struct Inside<'v, T> {
    values: &'v [T],
    mask: Option<&'v [u8]>,
    window: Window,
    masks: &'v mut [u64; 64],
}

impl<T: Number> Loop for Inside<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (low, span) = (self.window.low, self.window.high - self.window.low);
        let (low32, span32) = (low as u32, span as u32);
        for (at, (values, bits)) in self.values.chunks(64).zip(self.masks).enumerate() {
            let mut inside = [0_u8; 64];
            // All of a window of narrower types lies within their bits, so that they are compared as such.
            if T::BITS <= 32 {
                inside.iter_mut().zip(values).for_each(|(inside, value)| {
                    *inside = u8::from((value.ordered_bits() as u32).wrapping_sub(low32) <= span32);
                });
            } else {
                inside.iter_mut().zip(values).for_each(|(inside, value)| {
                    *inside = u8::from(value.ordered_bits().wrapping_sub(low) <= span);
                });
            }
            if let Some(mask) = self.mask.and_then(|mask| mask.get(at * 64..)) {
                inside.iter_mut().zip(mask).for_each(|(inside, mask)| *inside &= mask & 1);
            }
            *bits = pack(&inside);
        }
    }
}

/// Bytes that are 0 or 1, as bits.
#[inline(always)]
fn pack(bytes: &[u8; 64]) -> u64 {
    let (eights, _) = bytes.as_chunks::<8>();
    let mut bits = 0;
    for (at, eight) in eights.iter().enumerate() {
        // Each product gathers the eight lowest bits in the highest byte.
        let byte = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits |= byte << (8 * at);
    }
    bits
}
