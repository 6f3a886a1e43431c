//! Values as values of another type.

use std::sync::Arc;

use super::sides::map;
use crate::block::with_numbers;
use crate::block::{Buffer, Fault, Lane, Number, Values, YES};
use crate::plan::{Arguments, Kernel};
use crate::types::{Int, Type, Unit};
use crate::value::Value;

/// What makes values of one type values of another that has all of them, or the nearest ones; none where there is no such.
///
/// Whole numbers become floating-point numbers by rounding, as in NumPy.
pub(crate) fn promotion(from: &Type, to: &Type) -> Option<Kernel> {
    let to = to.clone();
    match (from, &to) {
        (Type::Null, _) => Some(Arc::new(|mut arguments: Arguments<'_>| Ok(arguments.next()))),
        (Type::Bool, to) if to.is_number() => {
            let to = to.clone();
            Some(Arc::new(move |mut arguments: Arguments<'_>| {
                let lane = arguments.next();
                let Values::Bool(values) = &lane.values else { return Ok(lane) };
                Ok(Lane { values: number_values(&map(values, |value| value & 1), &to), ..lane })
            }))
        }
        (from, to) if from.is_number() && to.is_number() => {
            let to = to.clone();
            Some(Arc::new(move |mut arguments: Arguments<'_>| {
                let lane = arguments.next();
                let values = with_numbers!(&lane.values, values => number_values(values, &to), _ => Values::Null);
                Ok(Lane { values, ..lane })
            }))
        }
        (Type::Instant(a, _), Type::Instant(b, _)) => super::times::beginnings(*a, *b).or_else(|| finer(*a, *b)),
        (Type::Duration(a), Type::Duration(b)) => finer(*a, *b),
        (Type::Vector(from, shape), Type::Vector(element, other)) if shape == other => {
            promotion(from, element).map(super::vectors::map)
        }
        _ => None,
    }
}

/// Numbers of another type. A number that does not fit wraps, so callers see to it that all do.
fn number_values<'a, T: Number + Cast>(values: &[T], to: &Type) -> Values<'a> {
    match to {
        Type::Float64 => Values::F64(map(values, T::float)),
        Type::Float32 => Values::F32(map(values, T::single)),
        Type::Int(Int::I8) => Values::I8(map(values, |value| value.whole() as i8)),
        Type::Int(Int::I16) => Values::I16(map(values, |value| value.whole() as i16)),
        Type::Int(Int::I32) => Values::I32(map(values, |value| value.whole() as i32)),
        Type::Int(Int::I64) => Values::I64(map(values, |value| value.whole() as i64)),
        Type::Int(Int::U8) => Values::U8(map(values, |value| value.whole() as u8)),
        Type::Int(Int::U16) => Values::U16(map(values, |value| value.whole() as u16)),
        Type::Int(Int::U32) => Values::U32(map(values, |value| value.whole() as u32)),
        _ => Values::U64(map(values, T::whole)),
    }
}

/// Conversions as the language has them.
pub(crate) trait Cast: Copy {
    /// The low 64 bits of a whole number.
    fn whole(self) -> u64;
    /// The nearest `float32`.
    fn single(self) -> f32;
}

macro_rules! casts {
    ($($type:ident)*) => {$(
        impl Cast for $type {
            #[inline(always)]
            fn whole(self) -> u64 {
                self as u64
            }

            #[inline(always)]
            fn single(self) -> f32 {
                self as f32
            }
        }
    )*};
}
casts!(i8 i16 i32 i64 u8 u16 u32 u64 f32 f64);

/// Ticks of a finer unit. What does not fit has no result.
fn finer(from: Unit, to: Unit) -> Option<Kernel> {
    let factor = match (from, to) {
        _ if from == to => 1,
        (Unit::Year, Unit::Month) => 12,
        _ => {
            let (a, b) = (from.nanoseconds()?, to.nanoseconds()?);
            if a % b != 0 {
                return None;
            }
            a / b
        }
    };
    Some(Arc::new(move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let Values::I64(ticks) = &lane.values else { return Ok(lane) };
        let limit = i64::MAX / factor;
        let outside = |ticks: i64| ticks > limit || ticks < -limit;
        let rows: Vec<u8> = ticks
            .iter()
            .enumerate()
            .map(|(row, ticks)| if lane.is_valid(row) && outside(*ticks) { YES } else { 0 })
            .collect();
        let fault = rows.iter().position(|row| *row == YES).map(|first| {
            let ticks = ticks.get(first).copied().unwrap_or(0);
            let reason = format!("{ticks} {} is beyond what {} can count", from.as_str(), to.as_str());
            Arc::new(Fault { rows, reason, node: None })
        });
        let values: Buffer<'_, i64> = map(ticks, |ticks: i64| ticks.wrapping_mul(factor));
        Ok(Lane { fault, ..Lane::with_valid(Values::I64(values), lane.valid) })
    }))
}

/// The instant that a text names, in ticks of a unit.
pub(crate) fn instant_of_text(text: &str, unit: Unit, zone: Option<Arc<str>>) -> Result<Value, String> {
    match crate::expr::instant_of(text, Some(unit))? {
        Value::Instant(ticks, unit, found) => Ok(Value::Instant(ticks, unit, found.or(zone))),
        other => Ok(other),
    }
}
