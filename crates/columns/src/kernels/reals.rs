//! Functions of floating-point numbers, and those that whole numbers have as well.

use std::sync::Arc;

use super::integers;
use super::sides::{map, map_owned, zip};
use crate::block::{Buffer, Fault, Lane, TextBuilder, Texts, Values, YES, both_valid};
use crate::plan::{Arguments, Kernel};

/// What a function makes of every floating-point number, in a loop of vector instructions.
pub(crate) fn floats(
    single: impl Fn(f32) -> f32 + Copy + Send + Sync + 'static,
    double: impl Fn(f64) -> f64 + Copy + Send + Sync + 'static,
) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let values = match lane.values {
            Values::F32(values) => Values::F32(map_owned(values, single)),
            Values::F64(values) => Values::F64(map_owned(values, double)),
            other => other,
        };
        Ok(Lane { values, ..lane })
    })
}

/// What a function makes of every pair of floating-point numbers of one width.
pub(crate) fn pairs(
    single: impl Fn(f32, f32) -> f32 + Copy + Send + Sync + 'static,
    double: impl Fn(f64, f64) -> f64 + Copy + Send + Sync + 'static,
) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let (a, b) = (arguments.next(), arguments.next());
        let valid = both_valid(a.valid_rows(rows), b.valid_rows(rows));
        let values = match (&a.values, &b.values) {
            (Values::F32(x), Values::F32(y)) => Values::F32(zip((x, a.constant), (y, b.constant), single)),
            (Values::F64(x), Values::F64(y)) => Values::F64(zip((x, a.constant), (y, b.constant), double)),
            _ => Values::Null,
        };
        Ok(Lane::with_valid(values, valid))
    })
}

/// Whether a floating-point number is of a kind. Whole numbers are what `otherwise` says.
pub(crate) fn tests(
    single: impl Fn(f32) -> bool + Copy + Send + Sync + 'static,
    double: impl Fn(f64) -> bool + Copy + Send + Sync + 'static,
    otherwise: bool,
) -> Kernel {
    let mask = |truth: bool| if truth { YES } else { 0 };
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let lane = arguments.next();
        let values = match &lane.values {
            Values::Null => return Ok(Lane::new(Values::Null)),
            Values::F32(values) => map(values, |value| mask(single(value))),
            Values::F64(values) => map(values, |value| mask(double(value))),
            _ => vec![mask(otherwise); rows].into(),
        };
        Ok(Lane { values: Values::Bool(values), ..lane })
    })
}

/// Runs `$body` for whole numbers of any width.
macro_rules! with_integers {
    ($values:expr, $buffer:ident: $variant:ident => $body:expr, $other:ident => $else:expr) => {
        with_integers!(@ $values, $buffer $variant $body, $other $else, I8 I16 I32 I64 U8 U16 U32 U64)
    };
    (@ $values:expr, $buffer:ident $variant:ident $body:expr, $other:ident $else:expr, $($name:ident)*) => {
        match $values {
            $(Values::$name($buffer) => { use Values::$name as $variant; $body })*
            $other => $else,
        }
    };
}

/// `|x|`. The least whole number of a signed type has none.
pub(crate) fn absolute() -> Kernel {
    Arc::new(|mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let valid = lane.valid;
        let result = match lane.values {
            Values::F32(values) => Lane::new(Values::F32(map_owned(values, f32::abs))),
            Values::F64(values) => Lane::new(Values::F64(map_owned(values, f64::abs))),
            Values::I8(values) => integers::absolute(&values, valid.as_deref()),
            Values::I16(values) => integers::absolute(&values, valid.as_deref()),
            Values::I32(values) => integers::absolute(&values, valid.as_deref()),
            Values::I64(values) => integers::absolute(&values, valid.as_deref()),
            other => Lane::new(other),
        };
        Ok(Lane { valid, ..result })
    })
}

/// -1, 0 or 1. That of NaN is NaN.
pub(crate) fn sign() -> Kernel {
    fn float<T: Copy + PartialOrd + From<i8>>(x: T) -> T {
        let zero = T::from(0);
        if x > zero {
            T::from(1)
        } else if x < zero {
            T::from(-1)
        } else if x == zero {
            zero
        } else {
            x
        }
    }
    Arc::new(|mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let values = match lane.values {
            Values::F32(values) => Values::F32(map_owned(values, float)),
            Values::F64(values) => Values::F64(map_owned(values, float)),
            Values::I8(values) => Values::I8(map_owned(values, i8::signum)),
            Values::I16(values) => Values::I16(map_owned(values, i16::signum)),
            Values::I32(values) => Values::I32(map_owned(values, i32::signum)),
            Values::I64(values) => Values::I64(map_owned(values, i64::signum)),
            Values::U8(values) => Values::U8(map_owned(values, |x| x.min(1))),
            Values::U16(values) => Values::U16(map_owned(values, |x| x.min(1))),
            Values::U32(values) => Values::U32(map_owned(values, |x| x.min(1))),
            Values::U64(values) => Values::U64(map_owned(values, |x| x.min(1))),
            other => other,
        };
        Ok(Lane { values, ..lane })
    })
}

/// Rounded to so many digits after the point, or before it where negative; halves to the even digit, as NumPy does.
pub(crate) fn round(decimals: i32) -> Kernel {
    if decimals == 0 {
        return floats(f32::round_ties_even, f64::round_ties_even);
    }
    let power = 10.0_f64.powi(decimals.unsigned_abs().min(400) as i32);
    // A number that is too large to be scaled has no digits there.
    let double = move |x: f64| {
        let scaled = if decimals > 0 { x * power } else { x / power }.round_ties_even();
        let rounded = if decimals > 0 { scaled / power } else { scaled * power };
        if scaled.is_finite() && rounded.is_finite() { rounded } else { x }
    };
    let narrow = power as f32;
    let single = move |x: f32| {
        let scaled = if decimals > 0 { x * narrow } else { x / narrow }.round_ties_even();
        let rounded = if decimals > 0 { scaled / narrow } else { scaled * narrow };
        if scaled.is_finite() && rounded.is_finite() { rounded } else { x }
    };
    // Beyond the powers that the type has, every number is 0 before the point, and itself after it.
    match (decimals, power.is_finite(), narrow.is_finite()) {
        (_, true, true) => floats(single, double),
        (..0, true, false) => floats(|x| if x.is_finite() { 0.0 } else { x }, double),
        (..0, ..) => floats(|x| if x.is_finite() { 0.0 } else { x }, |x| if x.is_finite() { 0.0 } else { x }),
        (_, true, _) => floats(|x| x, double),
        _ => floats(|x| x, |x| x),
    }
}

/// Whole numbers rounded to so many digits before the point.
pub(crate) fn round_integers(digits: u32) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let lane = arguments.next();
        let valid = lane.valid_rows(rows);
        // No type has 39 digits, so beyond that every number is rounded to 0.
        let power = 10_i128.checked_pow(digits.min(38)).unwrap_or(i128::MAX);
        let rounded = move |value: i128| {
            let (quotient, rest) = (value.div_euclid(power), value.rem_euclid(power));
            let up = rest > power - rest || (rest == power - rest && quotient % 2 != 0);
            (quotient + i128::from(up)) * power
        };
        with_integers!(lane.values, values: Variant => {
            let mut missing = vec![0; values.len()];
            let result: Vec<_> = values
                .iter()
                .zip(&mut missing)
                .map(|(value, missing)| match rounded(i128::from(*value)).try_into() {
                    Ok(value) => value,
                    Err(_) => { *missing = YES; *value }
                })
                .collect();
            let reason = |row: usize| {
                let value = values.get(row).copied().unwrap_or_default();
                format!("{value} rounded to {digits} digits before the point is too large for its type")
            };
            let fault = fault_of(missing, valid.as_deref(), reason);
            Ok(Lane { fault, ..Lane::with_valid(Variant(result.into()), valid) })
        }, other => Ok(Lane::with_valid(other, valid)))
    })
}

/// The fault of rows that have operands and no result.
pub(super) fn fault_of(
    mut rows: Vec<u8>,
    valid: Option<&[u8]>,
    reason: impl Fn(usize) -> String,
) -> Option<Arc<Fault>> {
    if let Some(valid) = valid {
        rows.iter_mut().zip(valid).for_each(|(row, valid)| *row &= valid);
    }
    let first = rows.iter().position(|row| *row == YES)?;
    Some(Arc::new(Fault { rows, reason: reason(first), node: None }))
}

/// Which of two values is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extreme {
    /// The lesser, or NaN where one is.
    Minimum,
    /// The greater, or NaN where one is.
    Maximum,
    /// The lesser, and NaN only where both are.
    MinimumNumber,
    /// The greater, and NaN only where both are.
    MaximumNumber,
}

impl Extreme {
    /// Whether it is the lesser one.
    fn least(self) -> bool {
        matches!(self, Self::Minimum | Self::MinimumNumber)
    }
}

/// The lesser or the greater of two values of the same type.
pub(crate) fn extreme(which: Extreme) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let (a, b) = (arguments.next(), arguments.next());
        let valid = both_valid(a.valid_rows(rows), b.valid_rows(rows));
        let constants = (a.constant, b.constant);
        macro_rules! extremes {
            ($($variant:ident)*) => {
                match (&a.values, &b.values) {
                    (Values::F32(x), Values::F32(y)) => Values::F32(extreme_floats(which, (x, constants.0), (y, constants.1))),
                    (Values::F64(x), Values::F64(y)) => Values::F64(extreme_floats(which, (x, constants.0), (y, constants.1))),
                    (Values::Text(x), Values::Text(y)) => Values::Text(extreme_texts(which, (x, constants.0), (y, constants.1), rows)),
                    $((Values::$variant(x), Values::$variant(y)) => {
                        let (x, y) = ((&**x, constants.0), (&**y, constants.1));
                        Values::$variant(if which.least() { zip(x, y, Ord::min) } else { zip(x, y, Ord::max) })
                    })*
                    _ => Values::Null,
                }
            };
        }
        Ok(Lane::with_valid(extremes!(Bool I8 I16 I32 I64 U8 U16 U32 U64), valid))
    })
}

#[allow(clippy::eq_op, reason = "only NaN is unequal to itself")]
fn extreme_floats<'a, T: Copy + PartialOrd>(which: Extreme, a: (&[T], bool), b: (&[T], bool)) -> Buffer<'a, T> {
    match which {
        Extreme::Minimum => zip(a, b, |a, b| if a < b || a != a { a } else { b }),
        Extreme::Maximum => zip(a, b, |a, b| if a > b || a != a { a } else { b }),
        Extreme::MinimumNumber => zip(a, b, |a, b| if a <= b || b != b { a } else { b }),
        Extreme::MaximumNumber => zip(a, b, |a, b| if a >= b || b != b { a } else { b }),
    }
}

fn extreme_texts(which: Extreme, a: (&Texts<'_>, bool), b: (&Texts<'_>, bool), rows: usize) -> Texts<'static> {
    let mut builder = TextBuilder::with_capacity(rows, rows * 16);
    let at = |side: (&Texts<'_>, bool), row: usize| if side.1 { 0 } else { row };
    for row in 0..rows {
        let (a, b) = (a.0.get(at(a, row)).unwrap_or_default(), b.0.get(at(b, row)).unwrap_or_default());
        builder.push(if (a <= b) == which.least() { a } else { b });
    }
    builder.finish()
}
