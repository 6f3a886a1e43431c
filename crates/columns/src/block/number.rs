//! The numbers that values are made of.

use arrow::datatypes::{
    ArrowNativeType, ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::{Buffer, Values};
use crate::types::{Int, Type};
use crate::value::Value;

/// A type of numbers, as it lies in memory. Instants and durations are `i64`.
pub(crate) trait Number: ArrowNativeType + PartialOrd + Default + Send + Sync + 'static {
    /// Arrow's name for it.
    type Arrow: ArrowPrimitiveType<Native = Self>;
    /// Its name in expressions.
    const TYPE: Type;
    /// Whether it is a floating-point number.
    const FLOAT: bool;

    /// Values of this type.
    fn values(buffer: Buffer<'_, Self>) -> Values<'_>;
    /// The values, if they are of this type.
    fn of<'v, 'a>(values: &'v Values<'a>) -> Option<&'v Buffer<'a, Self>>;
    /// The values, if they are of this type.
    fn take(values: Values<'_>) -> Option<Buffer<'_, Self>>;
    /// The nearest floating-point number.
    fn float(self) -> f64;
    /// As a single value.
    fn value(self) -> Value;
    /// Whether it is a number at all.
    fn is_number(self) -> bool;
    /// The bits in the order of the values: NaN comes last, and -0.0 before 0.0.
    fn ordered_bits(self) -> u64;
    /// The value of such bits.
    fn from_ordered_bits(bits: u64) -> Self;
    /// A whole number of up to 32 bits.
    fn narrow(self) -> i64;
    /// A whole number of 64 bits as its low 32 and the signed rest.
    fn halves(self) -> (u64, i64);
    /// Bits of a value.
    const BITS: u32 = (size_of::<Self>() * 8) as u32;
}

macro_rules! numbers {
    ($($native:ident $bits:ident $variant:ident $arrow:ident $type:expr, $float:expr, $unsigned:expr, |$value:ident| $single:expr,
       |$o:ident| $ordered:expr, |$b:ident| $back:expr;)*) => {$(
        impl Number for $native {
            type Arrow = $arrow;
            const TYPE: Type = $type;
            const FLOAT: bool = $float;

            fn values(buffer: Buffer<'_, Self>) -> Values<'_> {
                Values::$variant(buffer)
            }

            fn of<'v, 'a>(values: &'v Values<'a>) -> Option<&'v Buffer<'a, Self>> {
                match values {
                    Values::$variant(buffer) => Some(buffer),
                    _ => None,
                }
            }

            fn take(values: Values<'_>) -> Option<Buffer<'_, Self>> {
                match values {
                    Values::$variant(buffer) => Some(buffer),
                    _ => None,
                }
            }

            #[inline(always)]
            fn float(self) -> f64 {
                self as f64
            }

            #[inline(always)]
            fn narrow(self) -> i64 {
                self as i64
            }

            #[inline(always)]
            fn halves(self) -> (u64, i64) {
                let rest = if $unsigned { ((self as u64) >> 32) as i64 } else { (self as i64) >> 32 };
                (self as u64 & 0xFFFF_FFFF, rest)
            }

            fn value(self) -> Value {
                let $value = self;
                $single
            }

            #[inline(always)]
            #[allow(clippy::eq_op, reason = "NaN is what is not equal to itself, and vector code compares")]
            fn is_number(self) -> bool {
                !$float || self == self
            }

            #[inline(always)]
            fn ordered_bits(self) -> u64 {
                let $o = self;
                u64::from($ordered)
            }

            #[inline(always)]
            fn from_ordered_bits(bits: u64) -> Self {
                let $b = bits as $bits;
                $back
            }
        }
    )*};
}

numbers! {
    i8 u8 I8 Int8Type Type::Int(Int::I8), false, false, |v| Value::Int(v.into()), |v| (v as u8) ^ (1 << 7), |b| (b ^ (1 << 7)) as i8;
    i16 u16 I16 Int16Type Type::Int(Int::I16), false, false, |v| Value::Int(v.into()), |v| (v as u16) ^ (1 << 15), |b| (b ^ (1 << 15)) as i16;
    i32 u32 I32 Int32Type Type::Int(Int::I32), false, false, |v| Value::Int(v.into()), |v| (v as u32) ^ (1 << 31), |b| (b ^ (1 << 31)) as i32;
    i64 u64 I64 Int64Type Type::Int(Int::I64), false, false, |v| Value::Int(v.into()), |v| (v as u64) ^ (1 << 63), |b| (b ^ (1 << 63)) as i64;
    u8 u8 U8 UInt8Type Type::Int(Int::U8), false, true, |v| Value::Int(v.into()), |v| v, |b| b;
    u16 u16 U16 UInt16Type Type::Int(Int::U16), false, true, |v| Value::Int(v.into()), |v| v, |b| b;
    u32 u32 U32 UInt32Type Type::Int(Int::U32), false, true, |v| Value::Int(v.into()), |v| v, |b| b;
    u64 u64 U64 UInt64Type Type::Int(Int::U64), false, true, |v| Value::Int(v.into()), |v| v, |b| b;
    f32 u32 F32 Float32Type Type::Float32, true, false, |v| Value::Float(v.into()), |v| {
        // The bits of negative numbers run backwards. All NaN are one, above infinity.
        let bits = if v.is_nan() { f32::NAN.to_bits() } else { v.to_bits() };
        bits ^ (((bits as i32) >> 31) as u32 | (1 << 31))
    }, |b| f32::from_bits(if b >> 31 == 1 { b ^ (1 << 31) } else { !b });
    f64 u64 F64 Float64Type Type::Float64, true, false, |v| Value::Float(v), |v| {
        let bits = if v.is_nan() { f64::NAN.to_bits() } else { v.to_bits() };
        bits ^ (((bits as i64) >> 63) as u64 | (1 << 63))
    }, |b| f64::from_bits(if b >> 63 == 1 { b ^ (1 << 63) } else { !b });
}
