//! Whole numbers, of which no result wraps around.

use std::sync::Arc;

use super::sides::zip;
use crate::block::{Buffer, Fault, Lane, Number, YES};
use crate::expr::Binary;

/// Whole numbers of one width.
pub(super) trait Integer: Number + Eq {
    fn plus(self, other: Self) -> (Self, bool);
    fn minus(self, other: Self) -> (Self, bool);
    fn times(self, other: Self) -> (Self, bool);
    /// Rounded down; none for a divisor of zero, or where the quotient does not fit.
    fn quotient(self, other: Self) -> Option<Self>;
    /// With the sign of the divisor.
    fn rest(self, other: Self) -> Option<Self>;
    fn raised(self, power: u32) -> Option<Self>;
    fn exponent(self) -> Option<u32>;
    fn negated(self) -> (Self, bool);
    fn inverted(self) -> Self;
    fn bits(self, operator: Binary, other: Self) -> Self;
    fn shifted(self, operator: Binary, by: Self) -> Option<Self>;
    /// Whether the product of any of these is sure to fit. Used where the exact test is no vector instruction.
    fn products_fit(a: &[Self], b: &[Self]) -> bool;
}

macro_rules! integers {
    ($($type:ident $signed:expr, $wide:ident;)*) => {$(
        impl Integer for $type {
            #[inline(always)]
            fn plus(self, other: Self) -> (Self, bool) {
                self.overflowing_add(other)
            }

            #[inline(always)]
            fn minus(self, other: Self) -> (Self, bool) {
                self.overflowing_sub(other)
            }

            #[inline(always)]
            fn times(self, other: Self) -> (Self, bool) {
                // In a wider type, in which a vector of products is tested at once.
                let product = $wide::from(self) * $wide::from(other);
                (product as Self, product != $wide::from(product as Self))
            }

            #[inline(always)]
            fn quotient(self, other: Self) -> Option<Self> {
                let quotient = self.checked_div(other)?;
                #[allow(unused_comparisons, reason = "one body for signed and unsigned")]
                let below = $signed && self % other != 0 && (self < 0) != (other < 0);
                Some(if below { quotient - 1 } else { quotient })
            }

            #[inline(always)]
            fn rest(self, other: Self) -> Option<Self> {
                if other == 0 {
                    return None;
                }
                let rest = self.wrapping_rem(other);
                #[allow(unused_comparisons, reason = "one body for signed and unsigned")]
                let below = $signed && rest != 0 && (rest < 0) != (other < 0);
                Some(if below { rest + other } else { rest })
            }

            #[inline(always)]
            fn raised(self, power: u32) -> Option<Self> {
                self.checked_pow(power)
            }

            fn exponent(self) -> Option<u32> {
                u32::try_from(self).ok()
            }

            #[inline(always)]
            fn negated(self) -> (Self, bool) {
                self.overflowing_neg()
            }

            #[inline(always)]
            fn inverted(self) -> Self {
                !self
            }

            #[inline(always)]
            fn bits(self, operator: Binary, other: Self) -> Self {
                match operator {
                    Binary::And => self & other,
                    Binary::Or => self | other,
                    _ => self ^ other,
                }
            }

            #[inline(always)]
            fn shifted(self, operator: Binary, by: Self) -> Option<Self> {
                let by = u32::try_from(by).ok().filter(|by| *by < Self::BITS)?;
                match operator {
                    Binary::ShiftRight => Some(self >> by),
                    // What is shifted out must have been no digit.
                    _ => Some(self << by).filter(|shifted| shifted >> by == self),
                }
            }

            fn products_fit(a: &[Self], b: &[Self]) -> bool {
                // Of 32 bits and less, the test in the loop is cheap.
                size_of::<Self>() == 8 && {
                    let greatest = |values: &[Self]| values.iter().fold(0.0_f64, |most, value| most.max((*value as f64).abs()));
                    greatest(a) * greatest(b) < 9.0e18
                }
            }
        }
    )*};
}
integers! {
    i8 true, i32;
    i16 true, i32;
    i32 true, i64;
    i64 true, i128;
    u8 false, u32;
    u16 false, u32;
    u32 false, u64;
    u64 false, u128;
}

/// `+ - * // % **` of whole numbers.
pub(super) fn binary<'a, T: Integer>(
    operator: Binary,
    a: &[T],
    b: &[T],
    constants: (bool, bool),
    valid: Option<&[u8]>,
) -> Lane<'a> {
    let (x, y) = ((a, constants.0), (b, constants.1));
    let reason = |what: &'static str| move |a: T, b: T| format!("{a:?} {} {b:?} {what} {}", operator.as_str(), T::TYPE);
    match operator {
        Binary::Add => overflowing(x, y, T::plus, valid, reason("is too large for")),
        Binary::Subtract => overflowing(x, y, T::minus, valid, reason("is too large or small for")),
        Binary::Multiply if T::products_fit(a, b) => Lane::new(T::values(zip(x, y, |a: T, b: T| a.times(b).0))),
        Binary::Multiply => overflowing(x, y, T::times, valid, reason("is too large for")),
        Binary::FloorDivide => partial(x, y, T::quotient, valid, reason("has no result of type")),
        Binary::Modulo => partial(x, y, T::rest, valid, reason("has no result of type")),
        _ => partial(
            x,
            y,
            |a: T, b: T| b.exponent().and_then(|power| a.raised(power)),
            valid,
            reason("has no result of type"),
        ),
    }
}

/// `x ** power`.
pub(super) fn power<'a, T: Integer>(values: Buffer<'a, T>, power: u32, valid: Option<&[u8]>) -> Lane<'a> {
    match power {
        1 => Lane::new(T::values(values)),
        2 => binary(Binary::Multiply, &values, &values, (false, false), valid),
        _ => {
            let one = [T::default()];
            let reason = move |a: T, _: T| format!("{a:?} ** {power} is too large for {}", T::TYPE);
            partial((&values, false), (&one, true), |a, _| a.raised(power), valid, reason)
        }
    }
}

/// `-x`.
pub(super) fn negate<'a, T: Integer>(values: &[T], valid: Option<&[u8]>) -> Lane<'a> {
    let one = [T::default()];
    let reason = |a: T, _: T| format!("-({a:?}) is no value of {}", T::TYPE);
    overflowing((values, false), (&one, true), |a, _| a.negated(), valid, reason)
}

/// `|x|`.
pub(super) fn absolute<'a, T: Integer>(values: &[T], valid: Option<&[u8]>) -> Lane<'a> {
    let one = [T::default()];
    let reason = |a: T, _: T| format!("{a:?} without its sign is no value of {}", T::TYPE);
    let f = |a: T, _: T| if a < T::default() { a.negated() } else { (a, false) };
    overflowing((values, false), (&one, true), f, valid, reason)
}

/// `<< >>`.
pub(super) fn shift<'a, T: Integer>(
    operator: Binary,
    a: &[T],
    b: &[T],
    constants: (bool, bool),
    valid: Option<&[u8]>,
) -> Lane<'a> {
    let reason = move |a: T, b: T| format!("{a:?} {} {b:?} has no result of type {}", operator.as_str(), T::TYPE);
    partial((a, constants.0), (b, constants.1), |a, b| a.shifted(operator, b), valid, reason)
}

type Side<'s, T> = (&'s [T], bool);

/// A computation that says whether it wrapped around: first for all rows at once, and row by row only where one did.
fn overflowing<'a, T: Integer>(
    a: Side<'_, T>,
    b: Side<'_, T>,
    f: impl Fn(T, T) -> (T, bool),
    valid: Option<&[u8]>,
    reason: impl Fn(T, T) -> String,
) -> Lane<'a> {
    let values = zip(a, b, |a, b| f(a, b).0);
    let wrapped = zip(a, b, |a, b| u8::from(f(a, b).1));
    if wrapped.iter().fold(0, |any, one| any | one) == 0 {
        return Lane::new(T::values(values));
    }
    faulty(values, a, b, |a, b| f(a, b).1, valid, reason)
}

/// A computation that has no result for some operands.
fn partial<'a, T: Integer>(
    a: Side<'_, T>,
    b: Side<'_, T>,
    f: impl Fn(T, T) -> Option<T>,
    valid: Option<&[u8]>,
    reason: impl Fn(T, T) -> String,
) -> Lane<'a> {
    let values = zip(a, b, |a, b| f(a, b).unwrap_or_default());
    let missing = zip(a, b, |a, b| u8::from(f(a, b).is_none()));
    if missing.iter().fold(0, |any, one| any | one) == 0 {
        return Lane::new(T::values(values));
    }
    faulty(values, a, b, |a, b| f(a, b).is_none(), valid, reason)
}

/// The rows that have no result, of those that have operands.
fn faulty<'a, T: Integer>(
    values: Buffer<'a, T>,
    a: Side<'_, T>,
    b: Side<'_, T>,
    fails: impl Fn(T, T) -> bool,
    valid: Option<&[u8]>,
    reason: impl Fn(T, T) -> String,
) -> Lane<'a> {
    let at = |(values, constant): Side<'_, T>, row: usize| {
        values.get(if constant { 0 } else { row }).copied().unwrap_or_default()
    };
    let has_operands = |row: usize| valid.is_none_or(|valid| valid.get(row) == Some(&YES));
    let rows: Vec<u8> =
        (0..values.len()).map(|row| if has_operands(row) && fails(at(a, row), at(b, row)) { YES } else { 0 }).collect();
    let fault = rows.iter().position(|row| *row == YES).map(|first| {
        let reason = reason(at(a, first), at(b, first));
        Arc::new(Fault { rows, reason, node: None })
    });
    Lane { fault, ..Lane::new(T::values(values)) }
}
