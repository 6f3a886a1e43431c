//! The loops over the numbers of a block: sums, powers of differences, extremes.

use crate::block::{Number, YES, count_yes};
use crate::simd::{Loop, vectorised};

/// Running values side by side, so that none waits for the one before.
const LANES: usize = 32;

/// 2³².
const HALF: f64 = 4_294_967_296.0;

/// Counts and sums floating-point numbers that are no NaN.
pub(super) fn float_sum<T: Number>(values: &[T], mask: Option<&[u8]>) -> (u64, f64) {
    // A NaN among the values makes the sum NaN, so that one that is finite needs no second look.
    let sum = vectorised(Plain { values, mask });
    if sum.is_finite() {
        return (mask.map_or(values.len(), count_yes) as u64, sum);
    }
    vectorised(Careful { values, mask })
}

/// Counts and sums whole numbers, exactly.
pub(super) fn whole_sum<T: Number>(values: &[T], mask: Option<&[u8]>) -> (u64, i128) {
    let sum = vectorised(Whole { values, mask });
    (mask.map_or(values.len(), count_yes) as u64, sum)
}

/// Sums of the first four powers of differences from a value, of the numbers that are no NaN. Of the third and fourth only where
/// `higher`. Of whole numbers, the value is a whole number, and differences are exact before they are rounded once.
pub(super) fn powers<T: Number>(values: &[T], mask: Option<&[u8]>, base: f64, higher: bool, nan: bool) -> [f64; 4] {
    match (higher, nan) {
        (false, false) => vectorised(Powers::<T, false, false> { values, mask, base }),
        (false, true) => vectorised(Powers::<T, false, true> { values, mask, base }),
        (true, false) => vectorised(Powers::<T, true, false> { values, mask, base }),
        (true, true) => vectorised(Powers::<T, true, true> { values, mask, base }),
    }
}

/// The least and the greatest number that is no NaN; none where there is no number.
pub(in crate::aggregate) fn extremes<T: Number>(values: &[T], mask: Option<&[u8]>) -> Option<(T, T)> {
    let seed = match mask {
        None => values.iter().find(|value| value.is_number()),
        Some(mask) => {
            values.iter().zip(mask).find(|(value, mask)| **mask == YES && value.is_number()).map(|(value, _)| value)
        }
    };
    Some(vectorised(Extremes { values, mask, seed: *seed? }))
}

/// Adds up sums side by side.
#[inline(always)]
fn pairwise(mut sums: [f64; LANES]) -> f64 {
    let mut width = LANES / 2;
    while width > 0 {
        for at in 0..width {
            sums[at] += sums[at + width];
        }
        width /= 2;
    }
    sums[0]
}

/// Calls `$body` with `$at`, `$value` and `$mask` for all values, [`LANES`] side by side.
macro_rules! side_by_side {
    ($self:ident, |$at:ident, $value:ident, $there:ident| $body:expr) => {{
        let (chunks, rest) = $self.values.as_chunks::<LANES>();
        match $self.mask {
            None => {
                let $there = true;
                for chunk in chunks {
                    for $at in 0..LANES {
                        let $value = chunk[$at];
                        $body;
                    }
                }
                for ($at, value) in rest.iter().enumerate() {
                    let $value = *value;
                    $body;
                }
            }
            Some(mask) => {
                let (masks, rest_mask) = mask.as_chunks::<LANES>();
                for (chunk, mask) in chunks.iter().zip(masks) {
                    for $at in 0..LANES {
                        let ($value, $there) = (chunk[$at], mask[$at] == YES);
                        $body;
                    }
                }
                for ($at, (value, mask)) in rest.iter().zip(rest_mask).enumerate() {
                    let ($value, $there) = (*value, *mask == YES);
                    $body;
                }
            }
        }
    }};
}

/// Sums all floating-point numbers of a mask.
struct Plain<'v, T> {
    values: &'v [T],
    mask: Option<&'v [u8]>,
}

impl<T: Number> Loop for Plain<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        let mut sums = [0.0; LANES];
        side_by_side!(self, |at, value, there| sums[at] += if there { value.float() } else { 0.0 });
        pairwise(sums)
    }
}

/// Counts and sums the floating-point numbers of a mask that are no NaN.
struct Careful<'v, T> {
    values: &'v [T],
    mask: Option<&'v [u8]>,
}

impl<T: Number> Loop for Careful<'_, T> {
    type Output = (u64, f64);

    #[inline(always)]
    fn run(self) -> (u64, f64) {
        let mut sums = [0.0; LANES];
        let mut counts = [0_u32; LANES];
        side_by_side!(self, |at, value, there| {
            let there = there & value.is_number();
            sums[at] += if there { value.float() } else { 0.0 };
            counts[at] += u32::from(there);
        });
        (counts.iter().map(|count| u64::from(*count)).sum(), pairwise(sums))
    }
}

/// Sums the whole numbers of a mask.
struct Whole<'v, T> {
    values: &'v [T],
    mask: Option<&'v [u8]>,
}

impl<T: Number> Loop for Whole<'_, T> {
    type Output = i128;

    #[inline(always)]
    fn run(self) -> i128 {
        // In 64 bits a block of up to 32 bits each cannot overflow; wider ones are summed in two halves.
        if T::BITS < 64 {
            let mut sums = [0_i64; LANES];
            side_by_side!(self, |at, value, there| sums[at] += if there { value.narrow() } else { 0 });
            i128::from(sums.iter().sum::<i64>())
        } else {
            let (mut low, mut high) = ([0_u64; LANES], [0_i64; LANES]);
            side_by_side!(self, |at, value, there| {
                let (bits, sign) = value.halves();
                low[at] += if there { bits } else { 0 };
                high[at] += if there { sign } else { 0 };
            });
            (i128::from(high.iter().sum::<i64>()) << 32) + i128::from(low.iter().sum::<u64>())
        }
    }
}

/// Sums of powers of differences; see [`powers`].
struct Powers<'v, T, const HIGHER: bool, const NAN: bool> {
    values: &'v [T],
    mask: Option<&'v [u8]>,
    base: f64,
}

impl<T: Number, const HIGHER: bool, const NAN: bool> Loop for Powers<'_, T, HIGHER, NAN> {
    type Output = [f64; 4];

    #[inline(always)]
    fn run(self) -> [f64; 4] {
        let base = self.base;
        let high = (base / HALF).floor();
        let low = base - high * HALF;
        let (mut first, mut second) = ([0.0; LANES], [0.0; LANES]);
        let (mut third, mut fourth) = ([0.0; LANES], [0.0; LANES]);
        side_by_side!(self, |at, value, there| {
            let difference = if T::FLOAT {
                value.float() - base
            } else if T::BITS < 64 {
                value.narrow() as f64 - base
            } else {
                let (bits, sign) = value.halves();
                (sign as f64 - high) * HALF + (bits as i64 as f64 - low)
            };
            let there = there & (!NAN | value.is_number());
            let difference = if there { difference } else { 0.0 };
            let square = difference * difference;
            first[at] += difference;
            second[at] += square;
            if HIGHER {
                third[at] += square * difference;
                fourth[at] += square * square;
            }
        });
        [pairwise(first), pairwise(second), pairwise(third), pairwise(fourth)]
    }
}

/// The least and the greatest of the numbers of a mask, of which `seed` is one.
struct Extremes<'v, T> {
    values: &'v [T],
    mask: Option<&'v [u8]>,
    seed: T,
}

impl<T: Number> Loop for Extremes<'_, T> {
    type Output = (T, T);

    #[inline(always)]
    fn run(self) -> (T, T) {
        let (mut least, mut greatest) = ([self.seed; LANES], [self.seed; LANES]);
        // No comparison with NaN is true.
        side_by_side!(self, |at, value, there| {
            let value = if there { value } else { self.seed };
            least[at] = if value < least[at] { value } else { least[at] };
            greatest[at] = if value > greatest[at] { value } else { greatest[at] };
        });
        let least = least.into_iter().fold(self.seed, |a, b| if b < a { b } else { a });
        (least, greatest.into_iter().fold(self.seed, |a, b| if b > a { b } else { a }))
    }
}
