//! Casts: values as values of a type that may not have all of them.

use std::sync::Arc;

use super::reals::fault_of;
use super::sides::map;
use super::written;
use crate::block::{Buffer, Lane, Number, TextBuilder, Texts, Values, YES, both_valid, with_numbers};
use crate::expr::{nanoseconds, ticks_of};
use crate::plan::{Arguments, Kernel};
use crate::types::{Int, Type, Unit};

/// What becomes of a value that the type does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errors {
    /// The row has no result.
    Strict,
    /// The row is missing.
    Null,
    /// The row has the nearest value there is. NaN is near none and becomes missing; a text that is no such value has no result.
    Saturate,
}

/// What casts values of a type to another; none where no cast is meant.
pub(crate) fn convert(from: &Type, to: &Type, errors: Errors) -> Option<Kernel> {
    let kernel = match (from, to) {
        (Type::Vector(from, _), Type::Vector(to, _)) => return convert(from, to, errors).map(super::vectors::map),
        (from, Type::Text) if is_written(from) => to_text(from.clone(), errors),
        (Type::Text, to) if *to != Type::Text && is_written(to) => of_text(to.clone(), errors),
        (from, Type::Bool) if from.is_number() => to_bool(),
        (Type::Bool, to) if to.is_number() => super::cast::promotion(from, to)?,
        (from, to) if from.is_number() && to.is_number() => to_number(from.clone(), to.clone(), errors),
        // Ticks are numbers.
        (Type::Instant(..) | Type::Duration(_), to) if to.is_number() => to_number(Type::INT64, to.clone(), errors),
        (from @ (Type::Int(_) | Type::Bool), Type::Instant(..) | Type::Duration(_)) => {
            to_number(from.clone(), Type::INT64, errors)
        }
        (Type::Instant(a, zone), Type::Instant(b, other)) if zone.is_some() == other.is_some() => {
            to_unit(*a, *b, true, errors)
        }
        (Type::Duration(a), Type::Duration(b)) => {
            let calendar = |unit: &Unit| unit.nanoseconds().is_none();
            if calendar(a) != calendar(b) {
                return None;
            }
            to_unit(*a, *b, false, errors)
        }
        _ => return None,
    };
    Some(kernel)
}

/// Whether there is a way to write values of a type as text.
fn is_written(type_: &Type) -> bool {
    matches!(type_, Type::Bool | Type::Text | Type::Instant(..) | Type::Duration(_)) || type_.is_number()
}

/// The lane of values of which those in `bad` are none of the type.
fn finished<'a>(
    values: Values<'a>,
    valid: Option<Buffer<'a, u8>>,
    bad: &[u8],
    missing: bool,
    reason: impl Fn(usize) -> String,
) -> Lane<'a> {
    if bad.iter().fold(0, |any, byte| any | byte) == 0 {
        return Lane::with_valid(values, valid);
    }
    if missing {
        let good = map(bad, |byte: u8| !byte);
        return Lane::with_valid(values, both_valid(valid, Some(good)));
    }
    let fault = fault_of(bad.to_vec(), valid.as_deref(), reason);
    Lane { fault, ..Lane::with_valid(values, valid) }
}

fn to_bool() -> Kernel {
    Arc::new(|mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let values = with_numbers!(&lane.values, values => {
            // NaN is not zero.
            Values::Bool(map(values, |value| if value.float() == 0.0 { 0 } else { YES }))
        }, _ => Values::Null);
        Ok(Lane { values, ..lane })
    })
}

fn to_number(from: Type, to: Type, errors: Errors) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let saturate = errors == Errors::Saturate;
        macro_rules! cast {
            ($($variant:ident)*; $values:ident => $whole:expr) => {
                match &lane.values {
                    $(Values::$variant($values) => $whole,)*
                    Values::Bool(values) => {
                        let values = map(values, |value: u8| value & 1);
                        whole_to_number(&values, &to, saturate)
                    }
                    Values::F32(values) => float_to_number(values, &to, saturate),
                    Values::F64(values) => float_to_number(values, &to, saturate),
                    _ => return Ok(Lane::new(Values::Null)),
                }
            };
        }
        let (values, bad) = cast!(I8 I16 I32 I64 U8 U16 U32 U64; values => whole_to_number(values, &to, saturate));
        let reason = |row: usize| format!("{} is no value of {to}", lane.values.value(row, &from));
        // What saturating leaves over is NaN.
        Ok(finished(values, lane.valid.clone(), &bad, errors != Errors::Strict, reason))
    })
}

/// Numbers of another type, and which of them are none of it.
type Cast<'a> = (Values<'a>, Buffer<'a, u8>);

/// The whole numbers of a type.
trait Whole: Number {
    const LEAST: Self;
    const GREATEST: Self;
    /// The nearest value.
    fn of_float(value: f64) -> Self;
}

macro_rules! wholes {
    ($($type:ident)*) => {$(
        impl Whole for $type {
            const LEAST: Self = $type::MIN;
            const GREATEST: Self = $type::MAX;

            #[inline(always)]
            fn of_float(value: f64) -> Self {
                value as $type
            }
        }
    )*};
}
wholes!(i8 i16 i32 i64 u8 u16 u32 u64);

/// Runs `$body` with `$target` as the type of whole numbers.
macro_rules! for_whole {
    ($int:expr, $target:ident => $body:expr) => {
        match $int {
            Int::I8 => {
                type $target = i8;
                $body
            }
            Int::I16 => {
                type $target = i16;
                $body
            }
            Int::I32 => {
                type $target = i32;
                $body
            }
            Int::I64 => {
                type $target = i64;
                $body
            }
            Int::U8 => {
                type $target = u8;
                $body
            }
            Int::U16 => {
                type $target = u16;
                $body
            }
            Int::U32 => {
                type $target = u32;
                $body
            }
            Int::U64 => {
                type $target = u64;
                $body
            }
        }
    };
}

fn whole_to_number<'a, S>(values: &[S], to: &Type, saturate: bool) -> Cast<'a>
where
    S: Number
        + TryInto<i8>
        + TryInto<i16>
        + TryInto<i32>
        + TryInto<i64>
        + TryInto<u8>
        + TryInto<u16>
        + TryInto<u32>
        + TryInto<u64>,
{
    match to {
        Type::Float32 => (Values::F32(map(values, |value| value.float() as f32)), Vec::new().into()),
        Type::Int(int) => for_whole!(int, Target => whole_to_whole::<S, Target>(values, saturate)),
        _ => (Values::F64(map(values, S::float)), Vec::new().into()),
    }
}

fn whole_to_whole<'a, S: Number + TryInto<T>, T: Whole>(values: &[S], saturate: bool) -> Cast<'a> {
    let nearest = |value: S| match value.try_into() {
        Ok(value) => value,
        Err(_) if value < S::default() => T::LEAST,
        Err(_) => T::GREATEST,
    };
    let bad = if saturate {
        Vec::new().into()
    } else {
        map(values, |value: S| if TryInto::<T>::try_into(value).is_ok() { 0 } else { YES })
    };
    (T::values(map(values, nearest)), bad)
}

fn float_to_number<'a, S: Number + Into<f64>>(values: &[S], to: &Type, saturate: bool) -> Cast<'a> {
    match to {
        Type::Float32 => {
            let beyond = |value: S| {
                let value: f64 = value.into();
                value.is_finite() && !(value as f32).is_finite()
            };
            let bad =
                if saturate { Vec::new().into() } else { map(values, |value| if beyond(value) { YES } else { 0 }) };
            let nearest = |value: S| {
                let value: f64 = value.into();
                if value.is_finite() { value.clamp(f32::MIN.into(), f32::MAX.into()) as f32 } else { value as f32 }
            };
            (Values::F32(map(values, nearest)), bad)
        }
        Type::Int(int) => {
            let (least, greatest) = int.range();
            // Both are powers of two, or 0, and thus the same as floating-point numbers.
            let (least, end) = (least as f64, (greatest + 1) as f64);
            let bad = map(values, |value: S| {
                let whole = Into::<f64>::into(value).trunc();
                let fits = if saturate { !whole.is_nan() } else { whole >= least && whole < end };
                if fits { 0 } else { YES }
            });
            let values =
                for_whole!(int, Target => Target::values(map(values, |value: S| Target::of_float(value.into()))));
            (values, bad)
        }
        _ => (Values::F64(map(values, |value: S| value.into())), Vec::new().into()),
    }
}

/// Instants or durations in ticks of another unit. Of a coarser one, the tick that they lie in.
fn to_unit(from: Unit, to: Unit, instants: bool, errors: Errors) -> Kernel {
    let ratio = from.nanoseconds().zip(to.nanoseconds());
    let one = move |ticks: i64| -> Option<i64> {
        match ratio {
            Some((a, b)) if a >= b && a % b == 0 => ticks.checked_mul(a / b),
            Some((a, b)) if b % a == 0 => Some(ticks.div_euclid(b / a)),
            _ if from == to => Some(ticks),
            _ if instants => ticks_of(nanoseconds(ticks, from)?, to),
            _ if from == Unit::Year => ticks.checked_mul(12),
            _ => Some(ticks.div_euclid(12)),
        }
    };
    Arc::new(move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let Values::I64(ticks) = &lane.values else { return Ok(Lane::new(Values::Null)) };
        let nearest = |ticks: i64| one(ticks).unwrap_or(if ticks < 0 { -i64::MAX } else { i64::MAX });
        let values = map(ticks, nearest);
        let bad = match errors {
            Errors::Saturate => Vec::new().into(),
            _ => map(ticks, |ticks| if one(ticks).is_some() { 0 } else { YES }),
        };
        let reason = |row: usize| {
            let ticks = ticks.get(row).copied().unwrap_or_default();
            format!("{ticks} {} is beyond what {} can count", from.as_str(), to.as_str())
        };
        Ok(finished(Values::I64(values), lane.valid.clone(), &bad, errors == Errors::Null, reason))
    })
}

fn to_text(from: Type, errors: Errors) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let lane = arguments.next();
        let mut builder = TextBuilder::with_capacity(rows, rows * 8);
        let mut bad = vec![0; rows];
        match (&lane.values, &from) {
            (Values::Text(_), _) => return Ok(lane),
            (Values::Bool(values), _) => {
                values.iter().for_each(|value| builder.push(if *value == YES { "True" } else { "False" }))
            }
            (Values::I64(ticks), Type::Instant(unit, zone)) => {
                for (ticks, bad) in ticks.iter().zip(&mut bad) {
                    builder.push_with(|text| {
                        if !written::write_instant(text, *ticks, *unit, zone.is_some()) {
                            *bad = YES;
                        }
                    });
                }
            }
            (Values::I64(ticks), Type::Duration(unit)) => {
                ticks.iter().for_each(|ticks| builder.push_with(|text| written::write_duration(text, *ticks, *unit)));
            }
            (Values::F32(values), _) => {
                values.iter().for_each(|value| builder.push_with(|text| written::write_float(text, *value)));
            }
            (Values::F64(values), _) => {
                values.iter().for_each(|value| builder.push_with(|text| written::write_float(text, *value)));
            }
            (values, _) => with_numbers!(values, values => {
                values.iter().for_each(|value| builder.push_with(|text| {
                    // Memory takes whatever is written.
                    let _ = std::io::Write::write_fmt(text, format_args!("{value:?}"));
                }));
            }, _ => return Ok(Lane::new(Values::Null))),
        }
        let reason = |row: usize| format!("{} has a year of more than four digits", lane.values.value(row, &from));
        Ok(finished(Values::Text(builder.finish()), lane.valid.clone(), &bad, errors == Errors::Null, reason))
    })
}

/// Values that texts are, which are not trimmed.
fn of_text(to: Type, errors: Errors) -> Kernel {
    let missing = errors == Errors::Null;
    let saturate = errors == Errors::Saturate;
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let lane = arguments.next();
        let Values::Text(texts) = lane.values else { return Ok(lane) };
        Ok(each_text(&texts, lane.valid, rows, |texts, valid, rows| {
            let one = Parse { texts, valid, rows, missing, to: &to };
            match &to {
                Type::Bool => one.lane(written::read_bool, Values::Bool),
                Type::Float32 => one.lane(|text| text.parse::<f32>().ok(), Values::F32),
                Type::Float64 => one.lane(|text| text.parse::<f64>().ok(), Values::F64),
                Type::Int(int) => for_whole!(int, Target => one.lane(
                    |text| if saturate { saturated::<Target>(text) } else { text.parse::<Target>().ok() },
                    Target::values,
                )),
                Type::Instant(unit, _) => one.lane(|text| written::read_instant(text, *unit), Values::I64),
                Type::Duration(unit) => one.lane(|text| written::read_duration(text, *unit), Values::I64),
                _ => Lane::new(Values::Null),
            }
        }))
    })
}

/// The nearest whole number to one that is written out, however long it is.
fn saturated<T: Whole + std::str::FromStr>(text: &str) -> Option<T> {
    if let Ok(value) = text.parse() {
        return Some(value);
    }
    let (negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    number.then_some(if negative { T::LEAST } else { T::GREATEST })
}

/// Texts to be read as values of a type.
struct Parse<'t, 'a> {
    texts: &'t Texts<'a>,
    valid: Option<Buffer<'a, u8>>,
    rows: usize,
    missing: bool,
    to: &'t Type,
}

impl<'a> Parse<'_, 'a> {
    fn lane<T: Copy + Default + 'a>(
        self,
        read: impl Fn(&str) -> Option<T>,
        values: impl Fn(Buffer<'a, T>) -> Values<'a>,
    ) -> Lane<'a> {
        let time = matches!(self.to, Type::Instant(..) | Type::Duration(_));
        let (mut bad, mut none) = (vec![0; self.rows], None);
        let mut found = Vec::with_capacity(self.rows);
        for (row, bad) in bad.iter_mut().enumerate() {
            let text = self.texts.get(row);
            let value = text.and_then(&read);
            if value.is_none() {
                if time && text == Some("NaT") {
                    none.get_or_insert_with(|| vec![YES; self.rows])[row] = 0;
                } else {
                    *bad = YES;
                }
            }
            found.push(value.unwrap_or_default());
        }
        let valid = both_valid(self.valid, none.map(Into::into));
        let reason = |row: usize| {
            let text = self.texts.get(row).unwrap_or_default();
            let text: String = text.chars().take(60).collect();
            format!("{} is no value of {}", crate::value::Value::from(text), self.to)
        };
        finished(values(found.into()), valid, &bad, self.missing, reason)
    }
}

/// What is computed of texts: once for each text of a dictionary that has no more of them than there are rows.
pub(super) fn each_text<'a>(
    texts: &Texts<'a>,
    valid: Option<Buffer<'a, u8>>,
    rows: usize,
    f: impl Fn(&Texts<'a>, Option<Buffer<'a, u8>>, usize) -> Lane<'a>,
) -> Lane<'a> {
    let Texts::Codes(codes, dictionary) = texts else { return f(texts, valid, rows) };
    let count = dictionary.texts.len();
    if count == 0 || count > rows {
        return f(texts, valid, rows);
    }
    let known = f(&dictionary.texts, dictionary.valid.clone(), count);
    // Rows without a value have any code.
    let places: Vec<usize> =
        codes.iter().map(|code| usize::try_from(*code).ok().filter(|code| *code < count).unwrap_or(0)).collect();
    if known.fault.is_some() {
        // Which row fails first, and whether any does, only the rows can tell.
        return f(texts, valid, rows);
    }
    let valid = both_valid(valid, known.valid.as_ref().map(|valid| valid.gathered(&places)));
    Lane::with_valid(known.values.gathered(&places), valid)
}
