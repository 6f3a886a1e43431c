//! Values as values of a type that may not have them: what `astype` does.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::block::{Fault, Lane, Number, TextBuilder, Values, YES, with_numbers};
use crate::expr::instant_of;
use crate::plan::{Arguments, Kernel};
use crate::types::{Int, Type, Unit};
use crate::value::Value;

/// What becomes of a value that the type does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// Its row has no result, which is an error once it is used.
    Fault,
    /// It is missing.
    Missing,
    /// It is the nearest value of the type; what is no number at all is zero.
    Nearest,
}

/// What makes values of one type values of another; none where there is no meaning in it.
pub(crate) fn conversion(from: &Type, to: &Type, misfit: Misfit) -> Option<Kernel> {
    let ticks = |type_: &Type| matches!(type_, Type::Instant(..) | Type::Duration(_));
    match (from, to) {
        (Type::Bool | Type::Int(_) | Type::Float32 | Type::Float64, Type::Int(int)) => Some(to_int(*int, misfit)),
        // Ticks, as NumPy gives them.
        (from, Type::Int(int)) if ticks(from) => Some(to_int(*int, misfit)),
        (from, Type::Bool) if from.is_number() => Some(to_bool()),
        (Type::Text, Type::Int(_) | Type::Float32 | Type::Float64 | Type::Bool | Type::Instant(..)) => {
            Some(parsed(to.clone(), misfit))
        }
        (_, Type::Text) if from.is_ordered() => Some(written(from.clone())),
        (Type::Float64, Type::Float32) => super::cast::promotion(from, to),
        (Type::Instant(a, _), Type::Instant(b, _)) | (Type::Duration(a), Type::Duration(b)) => {
            super::cast::promotion(from, to).or_else(|| super::times::coarser(*a, *b))
        }
        (Type::Int(_), Type::Instant(..) | Type::Duration(_)) => super::cast::promotion(from, &Type::INT64),
        (Type::Vector(from, shape), Type::Vector(to, other)) if shape == other => {
            conversion(from, to, misfit).map(super::vectors::map)
        }
        _ => super::cast::promotion(from, to),
    }
}

/// The rows of a lane that have a value, and fail a test, as what becomes of them.
fn with_misfits<'a>(
    lane: Lane<'a>,
    values: Values<'a>,
    bad: Vec<u8>,
    misfit: Misfit,
    reason: impl Fn(usize) -> String,
) -> Lane<'a> {
    let mut bad = bad;
    if let Some(valid) = lane.valid_rows(bad.len()) {
        bad.iter_mut().zip(valid.iter()).for_each(|(bad, valid)| *bad &= valid);
    }
    let Some(first) = bad.iter().position(|row| *row == YES) else { return Lane::with_valid(values, lane.valid) };
    match misfit {
        Misfit::Nearest => Lane::with_valid(values, lane.valid),
        Misfit::Fault => {
            let fault = Some(Arc::new(Fault { rows: bad, reason: reason(first), node: None }));
            Lane { fault, ..Lane::with_valid(values, lane.valid) }
        }
        Misfit::Missing => {
            let fits = bad.iter().map(|row| !row).collect::<Vec<u8>>().into();
            Lane::with_valid(values, crate::block::both_valid(lane.valid, Some(fits)))
        }
    }
}

fn to_int(int: Int, misfit: Misfit) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let mut bad = Vec::new();
        macro_rules! to {
            ($values:expr, $variant:ident $native:ident) => {{
                let (least, greatest) = (i128::from($native::MIN), i128::from($native::MAX));
                let mut found = Vec::with_capacity($values.len());
                for value in $values {
                    let whole = value.whole_number();
                    let fits = whole.is_some_and(|whole| (least..=greatest).contains(&whole));
                    bad.push(if fits { 0 } else { YES });
                    found.push(whole.unwrap_or(0).clamp(least, greatest) as $native);
                }
                Values::$variant(found.into())
            }};
        }
        macro_rules! of {
            ($values:expr) => {
                match int {
                    Int::I8 => to!($values, I8 i8),
                    Int::I16 => to!($values, I16 i16),
                    Int::I32 => to!($values, I32 i32),
                    Int::I64 => to!($values, I64 i64),
                    Int::U8 => to!($values, U8 u8),
                    Int::U16 => to!($values, U16 u16),
                    Int::U32 => to!($values, U32 u32),
                    Int::U64 => to!($values, U64 u64),
                }
            };
        }
        let values = match &lane.values {
            Values::Bool(bytes) => {
                let ones: Vec<u8> = bytes.iter().map(|byte| byte & 1).collect();
                of!(ones.iter().copied())
            }
            numbers => with_numbers!(numbers, values => of!(values.iter().copied()), _ => Values::Null),
        };
        let original = lane.values.clone();
        let reason = |row: usize| {
            let value =
                with_numbers!(&original, values => values.get(row).map(|value| Number::value(*value)), _ => None);
            format!("{} is no value of {int}", value.unwrap_or(Value::Null))
        };
        Ok(with_misfits(lane, values, bad, misfit, reason))
    })
}

/// Numbers as whole ones, without what is behind the point.
trait Whole: Copy {
    fn whole_number(self) -> Option<i128>;
}

macro_rules! whole {
    ($($type:ident)*) => {$(
        impl Whole for $type {
            #[inline(always)]
            fn whole_number(self) -> Option<i128> {
                Some(i128::from(self))
            }
        }
    )*};
}
whole!(i8 i16 i32 i64 u8 u16 u32 u64);

macro_rules! whole_of_float {
    ($($type:ident)*) => {$(
        impl Whole for $type {
            #[inline(always)]
            fn whole_number(self) -> Option<i128> {
                // Infinities become the ends of the range, which no type of 64 bits has.
                (!self.is_nan()).then_some(self as i128)
            }
        }
    )*};
}
whole_of_float!(f32 f64);

fn to_bool() -> Kernel {
    Arc::new(|mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let values = with_numbers!(&lane.values, values => {
            Values::Bool(super::map(values, |value| if Number::float(value) == 0.0 { 0 } else { YES }))
        }, _ => Values::Null);
        Ok(Lane::with_valid(values, lane.valid))
    })
}

/// Texts read as values, exactly as they stand.
fn parsed(to: Type, misfit: Misfit) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let lane = arguments.next();
        let Values::Text(texts) = lane.values.clone() else { return Ok(lane) };
        let mut bad = Vec::with_capacity(rows);
        macro_rules! read {
            ($variant:ident, $default:expr, |$text:ident| $parse:expr) => {{
                let mut found = Vec::with_capacity(rows);
                for row in 0..rows {
                    let $text = texts.get(row).unwrap_or_default();
                    let value = $parse;
                    bad.push(if value.is_some() { 0 } else { YES });
                    found.push(value.unwrap_or($default));
                }
                Values::$variant(found.into())
            }};
        }
        let values = match &to {
            Type::Bool => read!(Bool, 0, |text| match text {
                "True" | "true" | "1" => Some(YES),
                "False" | "false" | "0" => Some(0),
                _ => None,
            }),
            Type::Float32 => read!(F32, 0.0, |text| text.parse().ok()),
            Type::Float64 => read!(F64, 0.0, |text| text.parse().ok()),
            Type::Int(Int::I8) => read!(I8, 0, |text| text.parse().ok()),
            Type::Int(Int::I16) => read!(I16, 0, |text| text.parse().ok()),
            Type::Int(Int::I32) => read!(I32, 0, |text| text.parse().ok()),
            Type::Int(Int::I64) => read!(I64, 0, |text| text.parse().ok()),
            Type::Int(Int::U8) => read!(U8, 0, |text| text.parse().ok()),
            Type::Int(Int::U16) => read!(U16, 0, |text| text.parse().ok()),
            Type::Int(Int::U32) => read!(U32, 0, |text| text.parse().ok()),
            Type::Int(Int::U64) => read!(U64, 0, |text| text.parse().ok()),
            Type::Instant(unit, _) => read!(I64, 0, |text| instant(text, *unit)),
            _ => Values::Null,
        };
        let reason = |row: usize| format!("'{}' is no value of {to}", texts.get(row).unwrap_or_default());
        Ok(with_misfits(lane, values, bad, misfit, reason))
    })
}

fn instant(text: &str, unit: Unit) -> Option<i64> {
    match instant_of(text, Some(unit)) {
        Ok(Value::Instant(ticks, ..)) => Some(ticks),
        _ => None,
    }
}

/// Values as text: numbers as Python writes them, instants as ISO 8601 has them.
fn written(from: Type) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let lane = arguments.next();
        let mut builder = TextBuilder::with_capacity(rows, rows * 8);
        let mut text = String::new();
        for row in 0..rows {
            text.clear();
            if lane.is_valid(row) {
                let _ = match lane.values.value(row, &from) {
                    Value::Text(value) => text.write_str(&value),
                    Value::Instant(ticks, unit, _) => super::times::write_instant(&mut text, ticks, unit),
                    Value::Duration(ticks, unit) => write!(text, "{ticks} {}", unit.as_str()),
                    value => write!(text, "{value}"),
                };
            }
            builder.push(&text);
        }
        Ok(Lane::with_valid(Values::Text(builder.finish()), lane.valid))
    })
}
