//! Numbers as bits in the order of the values, of any type.

use crate::block::{Number, Values, YES};
use crate::types::{Int, Type};
use crate::value::Value;

/// Runs `$body` with `$native` being the type of numbers that values of a type lie in memory as, and `$else` for all others.
macro_rules! with_native {
    ($type:expr, $native:ident => $body:expr, _ => $else:expr) => {
        match $type {
            $crate::types::Type::Int($crate::types::Int::I8) => {
                type $native = i8;
                $body
            }
            $crate::types::Type::Int($crate::types::Int::I16) => {
                type $native = i16;
                $body
            }
            $crate::types::Type::Int($crate::types::Int::I32) => {
                type $native = i32;
                $body
            }
            $crate::types::Type::Int($crate::types::Int::U8) => {
                type $native = u8;
                $body
            }
            $crate::types::Type::Int($crate::types::Int::U16) => {
                type $native = u16;
                $body
            }
            $crate::types::Type::Int($crate::types::Int::U32) => {
                type $native = u32;
                $body
            }
            $crate::types::Type::Int($crate::types::Int::U64) => {
                type $native = u64;
                $body
            }
            $crate::types::Type::Int($crate::types::Int::I64)
            | $crate::types::Type::Instant(..)
            | $crate::types::Type::Duration(_) => {
                type $native = i64;
                $body
            }
            $crate::types::Type::Float32 => {
                type $native = f32;
                $body
            }
            $crate::types::Type::Float64 => {
                type $native = f64;
                $body
            }
            _ => $else,
        }
    };
}

pub(super) use with_native;

/// The value of such bits. Of truth values, they are 0 or 1.
pub(crate) fn value_of_bits(bits: u64, type_: &Type) -> Value {
    match type_ {
        Type::Bool => Value::Bool(bits != 0),
        Type::Instant(unit, zone) => Value::Instant(i64::from_ordered_bits(bits), *unit, zone.clone()),
        Type::Duration(unit) => Value::Duration(i64::from_ordered_bits(bits), *unit),
        _ => with_native!(type_, N => N::from_ordered_bits(bits).value(), _ => Value::Null),
    }
}

/// The values of such bits, one for each row.
pub(crate) fn values_of_bits(bits: impl Iterator<Item = u64>, type_: &Type) -> Values<'static> {
    match type_ {
        Type::Bool => Values::Bool(bits.map(|bits| if bits == 0 { 0 } else { YES }).collect::<Vec<_>>().into()),
        _ => with_native!(
            type_,
            N => N::values(bits.map(N::from_ordered_bits).collect::<Vec<_>>().into()),
            _ => Values::Null
        ),
    }
}

/// The bits of NaN; none where there is no NaN.
pub(crate) fn nan_bits(type_: &Type) -> Option<u64> {
    match type_ {
        Type::Float32 => Some(f32::NAN.ordered_bits()),
        Type::Float64 => Some(f64::NAN.ordered_bits()),
        _ => None,
    }
}

/// How many bits values of a type have; none where they are no numbers in memory.
pub(crate) fn width_of(type_: &Type) -> Option<u32> {
    Some(match type_ {
        Type::Bool => 8,
        Type::Int(int) => Int::bits(*int),
        Type::Float32 => 32,
        Type::Float64 | Type::Instant(..) | Type::Duration(_) => 64,
        _ => return None,
    })
}
