//! Arithmetic of numbers of the same type.
//!
//! Floating-point numbers follow IEEE 754: dividing by zero gives infinity or NaN. Whole numbers that overflow, or are divided by
//! zero, have no result, and it is an error to use such a row.

use std::sync::Arc;

use super::integers::{self, Integer};
use super::sides::{map_owned, zip};
use crate::block::{Buffer, Lane, Number, Values, both_valid};
use crate::expr::Binary;
use crate::plan::{Arguments, Kernel};

/// Runs `$float` for floating-point numbers and `$integer` for whole ones.
macro_rules! by_kind {
    ($values:expr, float $f:ident => $float:expr, integer $i:ident => $integer:expr) => {
        match $values {
            Values::F32($f) => $float,
            Values::F64($f) => $float,
            Values::I8($i) => $integer,
            Values::I16($i) => $integer,
            Values::I32($i) => $integer,
            Values::I64($i) => $integer,
            Values::U8($i) => $integer,
            Values::U16($i) => $integer,
            Values::U32($i) => $integer,
            Values::U64($i) => $integer,
            other => Lane::new(other),
        }
    };
}

/// `+ - * / // % **` of two lanes of the same type.
pub(crate) fn binary(operator: Binary) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let (a, b) = (arguments.next(), arguments.next());
        Ok(binary_lanes(operator, a, b, rows))
    })
}

pub(super) fn binary_lanes<'a>(operator: Binary, a: Lane<'a>, b: Lane<'a>, rows: usize) -> Lane<'a> {
    let valid = both_valid(a.valid_rows(rows), b.valid_rows(rows));
    if matches!(a.values, Values::Null) || matches!(b.values, Values::Null) {
        return Lane::new(Values::Null);
    }
    let (constants, other) = ((a.constant, b.constant), b.values);
    let lane = by_kind!(a.values,
        float x => match Number::take(other) {
            Some(y) => Lane::new(Number::values(floats(operator, x, y, constants))),
            None => Lane::new(Values::Null),
        },
        integer x => match Number::take(other) {
            Some(y) => integers::binary(operator, &x, &y, constants, valid.as_deref()),
            None => Lane::new(Values::Null),
        }
    );
    Lane { valid, ..lane }
}

/// Floating-point numbers.
trait Float:
    Number
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
{
    fn floor(self) -> Self;
    fn modulo(self, other: Self) -> Self;
    fn rest(self, other: Self) -> Self;
    fn power(self, other: Self) -> Self;
    fn root(self) -> Self;
    const ONE: Self;
}

macro_rules! floats {
    ($($type:ident)*) => {$(
        impl Float for $type {
            #[inline(always)]
            fn floor(self) -> Self {
                $type::floor(self)
            }

            /// Python's: the sign is that of the divisor.
            #[inline(always)]
            fn modulo(self, other: Self) -> Self {
                let rest = self % other;
                if rest == 0.0 {
                    (0.0 as $type).copysign(other)
                } else if (rest < 0.0) != (other < 0.0) {
                    rest + other
                } else {
                    rest
                }
            }

            /// The sign is that of the dividend.
            #[inline(always)]
            fn rest(self, other: Self) -> Self {
                self % other
            }

            #[inline(always)]
            fn power(self, other: Self) -> Self {
                self.powf(other)
            }

            #[inline(always)]
            fn root(self) -> Self {
                self.sqrt()
            }

            const ONE: Self = 1.0;
        }
    )*};
}
floats!(f32 f64);

fn floats<'a, T: Float>(
    operator: Binary,
    a: Buffer<'a, T>,
    b: Buffer<'a, T>,
    constants: (bool, bool),
) -> Buffer<'a, T> {
    match operator {
        Binary::Add => in_place(a, b, constants, |a, b| a + b),
        Binary::Subtract => in_place(a, b, constants, |a, b| a - b),
        Binary::Multiply => in_place(a, b, constants, |a, b| a * b),
        Binary::Divide => in_place(a, b, constants, |a, b| a / b),
        Binary::FloorDivide => in_place(a, b, constants, |a, b| {
            // As Python: the quotient that belongs to its remainder, which rounding the plain quotient may miss by one. What is
            // taken off is the remainder of the sign of `a`, so that nothing overflows.
            let rest = a.rest(b);
            let whole = (a - rest) / b;
            let differ = (rest.float() < 0.0) != (b.float() < 0.0);
            let quotient = if rest.float() != 0.0 && differ { whole - T::ONE } else { whole };
            let floor = quotient.floor();
            if quotient - floor > T::ONE / (T::ONE + T::ONE) {
                floor + T::ONE
            } else if b.float() == 0.0 {
                a / b
            } else {
                floor
            }
        }),
        Binary::Modulo => in_place(a, b, constants, |a, b| a.modulo(b)),
        _ => in_place(a, b, constants, |a, b| a.power(b)),
    }
}

/// Into the memory of an operand that nobody else holds, so that a chain of operators stays in the first cache.
fn in_place<'a, T: Copy>(
    a: Buffer<'a, T>,
    b: Buffer<'a, T>,
    constants: (bool, bool),
    f: impl Fn(T, T) -> T,
) -> Buffer<'a, T> {
    match constants {
        (false, true) => match b.first().copied() {
            Some(b) => map_owned(a, move |a| f(a, b)),
            None => a,
        },
        (true, false) => match a.first().copied() {
            Some(a) => map_owned(b, move |b| f(a, b)),
            None => b,
        },
        _ => zip((&a, constants.0), (&b, constants.1), f),
    }
}

/// The power of floating-point numbers that is a plain loop: `x ** 2`, `x ** 0.5` and the like, as NumPy has them.
pub(crate) fn fixed_power(power: f64) -> Option<Kernel> {
    fn apply<'a, T: Float>(values: Buffer<'a, T>, power: f64) -> Lane<'a> {
        Lane::new(T::values(match power {
            2.0 => map_owned(values, |x| x * x),
            0.5 => map_owned(values, T::root),
            -1.0 => map_owned(values, |x| T::ONE / x),
            0.0 => map_owned(values, |_| T::ONE),
            _ => values,
        }))
    }
    if ![2.0, 0.5, -1.0, 0.0, 1.0].contains(&power) {
        return None;
    }
    Some(Arc::new(move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let valid = lane.valid;
        let result = match lane.values {
            Values::F32(values) => apply(values, power),
            Values::F64(values) => apply(values, power),
            other => Lane::new(other),
        };
        Ok(Lane { valid, ..result })
    }))
}

/// Whole numbers to the same power.
pub(crate) fn fixed_integer_power(power: u32) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let valid = lane.valid;
        let result = by_kind!(lane.values, float f => Lane::new(Number::values(f)), integer i => integers::power(i, power, valid.as_deref()));
        Ok(Lane { valid, ..result })
    })
}

/// `-x`.
pub(crate) fn negate() -> Kernel {
    Arc::new(|mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let valid = lane.valid;
        let result = match lane.values {
            Values::F32(values) => Lane::new(Values::F32(map_owned(values, |x| -x))),
            Values::F64(values) => Lane::new(Values::F64(map_owned(values, |x| -x))),
            other => {
                by_kind!(other, float f => Lane::new(Number::values(f)), integer i => integers::negate(&i, valid.as_deref()))
            }
        };
        Ok(Lane { valid, ..result })
    })
}

/// `~x` of whole numbers.
pub(crate) fn invert() -> Kernel {
    Arc::new(|mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let valid = lane.valid;
        let result = by_kind!(lane.values,
            float f => Lane::new(Number::values(f)),
            integer i => Lane::new(Number::values(map_owned(i, Integer::inverted))));
        Ok(Lane { valid, ..result })
    })
}

/// `& | ^` of whole numbers.
pub(crate) fn bits(operator: Binary) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let (a, b) = (arguments.next(), arguments.next());
        let valid = both_valid(a.valid_rows(rows), b.valid_rows(rows));
        let (constants, other) = ((a.constant, b.constant), b.values);
        let lane = by_kind!(a.values,
        float f => Lane::new(Number::values(f)),
        integer x => match Number::take(other) {
            Some(y) => Lane::new(Number::values(in_place(x, y, constants, |a, b| Integer::bits(a, operator, b)))),
            None => Lane::new(Values::Null),
        });
        Ok(Lane { valid, ..lane })
    })
}

/// `<< >>` of whole numbers.
pub(crate) fn shift(operator: Binary) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let (a, b) = (arguments.next(), arguments.next());
        let valid = both_valid(a.valid_rows(rows), b.valid_rows(rows));
        let (constants, other) = ((a.constant, b.constant), b.values);
        let lane = by_kind!(a.values,
        float f => Lane::new(Number::values(f)),
        integer x => match Number::take(other) {
            Some(y) => integers::shift(operator, &x, &y, constants, valid.as_deref()),
            None => Lane::new(Values::Null),
        });
        Ok(Lane { valid, ..lane })
    })
}
