//! Loops over one or two lanes of numbers, each with a value for every row or one for all.

use crate::block::Buffer;
use crate::simd::{Loop, vectorised};

/// A loop over one slice.
struct Map<'v, T, F> {
    values: &'v [T],
    f: F,
}

// Loops write into room that is not zeroed first, which would take a quarter of the time of a cheap one; and they are plain, since
// iterators like `map` and `collect` are not sure to be inlined into the functions that are compiled for certain processors.
#[allow(unsafe_code, reason = "the two loops that fill the room of a new vector")]
impl<T: Copy, R: Copy, F: Fn(T) -> R> Loop for Map<'_, T, F> {
    type Output = Vec<R>;

    #[inline(always)]
    fn run(self) -> Vec<R> {
        let rows = self.values.len();
        let mut out = Vec::with_capacity(rows);
        for (slot, value) in out.spare_capacity_mut().iter_mut().zip(self.values) {
            slot.write((self.f)(*value));
        }
        // SAFETY: there is room for `rows` values, and as many were written.
        unsafe { out.set_len(rows) };
        out
    }
}

/// A loop that writes over its slice.
struct MapInPlace<'v, T, F> {
    values: &'v mut [T],
    f: F,
}

impl<T: Copy, F: Fn(T) -> T> Loop for MapInPlace<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for value in self.values {
            *value = (self.f)(*value);
        }
    }
}

/// Two slices of the same length.
struct Both<'v, T, U, F> {
    a: &'v [T],
    b: &'v [U],
    f: F,
}

#[allow(unsafe_code, reason = "the two loops that fill the room of a new vector")]
impl<T: Copy, U: Copy, R: Copy, F: Fn(T, U) -> R> Loop for Both<'_, T, U, F> {
    type Output = Vec<R>;

    #[inline(always)]
    fn run(self) -> Vec<R> {
        let rows = self.a.len().min(self.b.len());
        let mut out = Vec::with_capacity(rows);
        for ((slot, a), b) in out.spare_capacity_mut().iter_mut().zip(self.a).zip(self.b) {
            slot.write((self.f)(*a, *b));
        }
        // SAFETY: there is room for `rows` values, and as many were written.
        unsafe { out.set_len(rows) };
        out
    }
}

/// Every value.
pub(crate) fn map<'a, T: Copy, R: Copy>(values: &[T], f: impl Fn(T) -> R) -> Buffer<'a, R> {
    vectorised(Map { values, f }).into()
}

/// Every value of a buffer, in the same memory where nobody else holds it.
pub(super) fn map_owned<'a, T: Copy>(values: Buffer<'a, T>, f: impl Fn(T) -> T) -> Buffer<'a, T> {
    match values.try_into_vec() {
        Ok(mut values) => {
            vectorised(MapInPlace { values: &mut values, f });
            values.into()
        }
        Err(values) => map(&values, f),
    }
}

/// Every pair of values. A constant is one value, and stands beside every row of the other.
pub(crate) fn zip<'a, T: Copy, U: Copy, R: Copy>(
    a: (&[T], bool),
    b: (&[U], bool),
    f: impl Fn(T, U) -> R,
) -> Buffer<'a, R> {
    match (a, b) {
        ((a, false), (b, true)) => match b.first().copied() {
            Some(b) => vectorised(Map { values: a, f: move |a| f(a, b) }).into(),
            None => Vec::new().into(),
        },
        ((a, true), (b, false)) => match a.first().copied() {
            Some(a) => vectorised(Map { values: b, f: move |b| f(a, b) }).into(),
            None => Vec::new().into(),
        },
        ((a, _), (b, _)) => vectorised(Both { a, b, f }).into(),
    }
}
