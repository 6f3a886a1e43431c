//! Types of values in expressions, and which type two of them have in common.
//!
//! The rules are NumPy's, made explicit: a column's width counts, a number that is written out does not, unless it does not
//! fit. `int32 + float32` is `float64`, `float32 * 2` stays `float32`, `uint8 + 100` stays `uint8` (and is refused where it
//! overflows), `int64 + uint64` is `float64`, an integer divided by an integer is `float64`.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};

/// What a tick of an instant or a duration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// A calendar year.
    Year,
    /// A calendar month.
    Month,
    /// Seven days.
    Week,
    /// A day.
    Day,
    /// An hour.
    Hour,
    /// A minute.
    Minute,
    /// A second.
    Second,
    /// 10⁻³ seconds.
    Milli,
    /// 10⁻⁶ seconds.
    Micro,
    /// 10⁻⁹ seconds.
    Nano,
}

impl Unit {
    /// NumPy's letters for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Year => "Y",
            Self::Month => "M",
            Self::Week => "W",
            Self::Day => "D",
            Self::Hour => "h",
            Self::Minute => "m",
            Self::Second => "s",
            Self::Milli => "ms",
            Self::Micro => "us",
            Self::Nano => "ns",
        }
    }

    /// The unit that NumPy's letters stand for.
    pub fn from_letters(letters: &str) -> Option<Self> {
        [
            Self::Year,
            Self::Month,
            Self::Week,
            Self::Day,
            Self::Hour,
            Self::Minute,
            Self::Second,
            Self::Milli,
            Self::Micro,
            Self::Nano,
        ]
        .into_iter()
        .find(|unit| unit.as_str() == letters)
    }

    /// How many nanoseconds a tick is; none for calendar units, whose ticks differ in length.
    pub fn nanoseconds(self) -> Option<i64> {
        Some(match self {
            Self::Year | Self::Month => return None,
            Self::Week => 7 * 86_400_000_000_000,
            Self::Day => 86_400_000_000_000,
            Self::Hour => 3_600_000_000_000,
            Self::Minute => 60_000_000_000,
            Self::Second => 1_000_000_000,
            Self::Milli => 1_000_000,
            Self::Micro => 1_000,
            Self::Nano => 1,
        })
    }
}

/// The type of the values of an expression.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Type {
    /// Nothing but missing values.
    Null,
    /// True or false.
    Bool,
    /// A whole number.
    Int(Int),
    /// A 32-bit floating-point number.
    Float32,
    /// A 64-bit floating-point number.
    Float64,
    /// UTF-8 text.
    Text,
    /// Ticks since 1970-01-01T00:00:00, with the zone that it is shown in. Dates are instants of a day.
    Instant(Unit, Option<Arc<str>>),
    /// A number of ticks.
    Duration(Unit),
    /// As many numbers in every row. The shape is of a row.
    Vector(Box<Type>, Arc<[usize]>),
    /// What is carried from file to file but not computed with, by its name.
    Other(Arc<str>),
}

/// Whole numbers by width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say all there is")]
pub enum Int {
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
}

impl Int {
    const ALL: [Self; 8] = [Self::I8, Self::I16, Self::I32, Self::I64, Self::U8, Self::U16, Self::U32, Self::U64];

    /// Bits of a value.
    pub fn bits(self) -> u32 {
        match self {
            Self::I8 | Self::U8 => 8,
            Self::I16 | Self::U16 => 16,
            Self::I32 | Self::U32 => 32,
            Self::I64 | Self::U64 => 64,
        }
    }

    /// Whether there are negative values.
    pub fn signed(self) -> bool {
        matches!(self, Self::I8 | Self::I16 | Self::I32 | Self::I64)
    }

    /// The least and the greatest value.
    pub fn range(self) -> (i128, i128) {
        match self.signed() {
            true => (-(1_i128 << (self.bits() - 1)), (1_i128 << (self.bits() - 1)) - 1),
            false => (0, (1_i128 << self.bits()) - 1),
        }
    }

    /// The narrowest type that holds all values of both; none for `int64` with `uint64`.
    fn common(self, other: Self) -> Option<Self> {
        if self.signed() == other.signed() {
            return Some(if self.bits() >= other.bits() { self } else { other });
        }
        let (signed, unsigned) = if self.signed() { (self, other) } else { (other, self) };
        let bits = signed.bits().max(unsigned.bits() * 2);
        Self::ALL.into_iter().find(|int| int.signed() && int.bits() == bits)
    }
}

impl Type {
    /// `int64`.
    pub const INT64: Self = Self::Int(Int::I64);

    /// Whether it is a whole or a floating-point number.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Int(_) | Self::Float32 | Self::Float64)
    }

    /// Whether it is a floating-point number.
    pub fn is_float(&self) -> bool {
        matches!(self, Self::Float32 | Self::Float64)
    }

    /// Whether its values have an order.
    pub fn is_ordered(&self) -> bool {
        matches!(
            self,
            Self::Bool
                | Self::Int(_)
                | Self::Float32
                | Self::Float64
                | Self::Text
                | Self::Instant(..)
                | Self::Duration(_)
        )
    }

    /// The type that the values of both have in common, as NumPy promotes them; none where there is none, or where values would
    /// have to be written in another way (numbers as text, say).
    pub fn common(&self, other: &Self) -> Option<Self> {
        if self == other {
            return Some(self.clone());
        }
        Some(match (self, other) {
            (Self::Null, type_) | (type_, Self::Null) => type_.clone(),
            (Self::Bool, type_) | (type_, Self::Bool) if type_.is_number() => type_.clone(),
            (Self::Int(a), Self::Int(b)) => a.common(*b).map_or(Self::Float64, Self::Int),
            (Self::Int(int), Self::Float32) | (Self::Float32, Self::Int(int)) => {
                // A float32 holds whole numbers of up to 24 bits.
                if int.bits() <= 16 { Self::Float32 } else { Self::Float64 }
            }
            (a, b) if a.is_number() && b.is_number() => Self::Float64,
            (Self::Instant(a, zone), Self::Instant(b, other_zone)) if zone == other_zone => {
                Self::Instant((*a).max(*b), zone.clone())
            }
            (Self::Duration(a), Self::Duration(b)) => Self::Duration((*a).max(*b)),
            (Self::Vector(a, shape), Self::Vector(b, other_shape)) if shape == other_shape => {
                Self::Vector(Box::new(a.common(b)?), shape.clone())
            }
            _ => return None,
        })
    }

    /// The type of the values of an Arrow array. What is not computed with keeps Arrow's name for it.
    pub fn of_arrow(data_type: &DataType) -> Self {
        let unit = |unit: &TimeUnit| match unit {
            TimeUnit::Second => Unit::Second,
            TimeUnit::Millisecond => Unit::Milli,
            TimeUnit::Microsecond => Unit::Micro,
            TimeUnit::Nanosecond => Unit::Nano,
        };
        match data_type {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Bool,
            DataType::Int8 => Self::Int(Int::I8),
            DataType::Int16 => Self::Int(Int::I16),
            DataType::Int32 => Self::Int(Int::I32),
            DataType::Int64 => Self::Int(Int::I64),
            DataType::UInt8 => Self::Int(Int::U8),
            DataType::UInt16 => Self::Int(Int::U16),
            DataType::UInt32 => Self::Int(Int::U32),
            DataType::UInt64 => Self::Int(Int::U64),
            // Computed with as the next wider one, which has all of its values.
            DataType::Float16 | DataType::Float32 => Self::Float32,
            DataType::Float64 => Self::Float64,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Dictionary(_, values) if Self::of_arrow(values) == Self::Text => Self::Text,
            DataType::Date32 => Self::Instant(Unit::Day, None),
            DataType::Date64 => Self::Instant(Unit::Milli, None),
            DataType::Timestamp(ticks, zone) => Self::Instant(unit(ticks), zone.clone()),
            DataType::Duration(ticks) => Self::Duration(unit(ticks)),
            DataType::FixedSizeList(field, width) => match Self::of_arrow(field.data_type()) {
                element if element.is_number() || element == Self::Bool => {
                    let width = usize::try_from(*width).unwrap_or(0);
                    Self::Vector(Box::new(element), Arc::from([width]))
                }
                Self::Vector(element, inner) => {
                    let width = usize::try_from(*width).unwrap_or(0);
                    Self::Vector(element, std::iter::once(width).chain(inner.iter().copied()).collect())
                }
                _ => Self::Other(data_type.to_string().into()),
            },
            other => Self::Other(other.to_string().into()),
        }
    }

    /// The type as NumPy names it, from such a name.
    pub fn from_name(name: &str) -> Option<Self> {
        let unit_of = |name: &str, prefix: &str| {
            Unit::from_letters(name.strip_prefix(prefix)?.strip_prefix('[')?.strip_suffix(']')?)
        };
        Some(match name {
            "bool" => Self::Bool,
            "int8" => Self::Int(Int::I8),
            "int16" => Self::Int(Int::I16),
            "int32" => Self::Int(Int::I32),
            "int64" | "int" => Self::Int(Int::I64),
            "uint8" => Self::Int(Int::U8),
            "uint16" => Self::Int(Int::U16),
            "uint32" => Self::Int(Int::U32),
            "uint64" => Self::Int(Int::U64),
            "float32" => Self::Float32,
            "float64" | "float" => Self::Float64,
            "str" | "string" | "large_string" | "text" => Self::Text,
            "date" => Self::Instant(Unit::Day, None),
            _ if name.contains(", ") => {
                let (unit, zone) = name.strip_suffix(']')?.strip_prefix("datetime64[")?.split_once(", ")?;
                Self::Instant(Unit::from_letters(unit)?, Some(zone.into()))
            }
            _ => match (unit_of(name, "datetime64"), unit_of(name, "timedelta64")) {
                (Some(unit), _) => Self::Instant(unit, None),
                (_, Some(unit)) => Self::Duration(unit),
                _ => return None,
            },
        })
    }
}

impl fmt::Display for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}int{}", if self.signed() { "" } else { "u" }, self.bits())
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("bool"),
            Self::Int(int) => int.fmt(f),
            Self::Float32 => f.write_str("float32"),
            Self::Float64 => f.write_str("float64"),
            Self::Text => f.write_str("string"),
            Self::Instant(unit, None) => write!(f, "datetime64[{}]", unit.as_str()),
            Self::Instant(unit, Some(zone)) => write!(f, "datetime64[{}, {zone}]", unit.as_str()),
            Self::Duration(unit) => write!(f, "timedelta64[{}]", unit.as_str()),
            Self::Vector(element, shape) => {
                write!(f, "{element}[")?;
                for (at, length) in shape.iter().enumerate() {
                    write!(f, "{}{length}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Other(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `np.promote_types` of NumPy 2.4 answers.
    #[test]
    fn types_are_promoted_as_numpy_does() {
        for (a, b, common) in [
            ("int8", "uint8", "int16"),
            ("int32", "uint32", "int64"),
            ("int64", "uint64", "float64"),
            ("int8", "uint64", "float64"),
            ("uint8", "uint32", "uint32"),
            ("int16", "float32", "float32"),
            ("uint16", "float32", "float32"),
            ("int32", "float32", "float64"),
            ("int64", "float32", "float64"),
            ("float32", "float64", "float64"),
            ("bool", "uint8", "uint8"),
            ("datetime64[s]", "datetime64[ns]", "datetime64[ns]"),
            ("timedelta64[D]", "timedelta64[h]", "timedelta64[h]"),
        ] {
            let (left, right) = (Type::from_name(a).unwrap(), Type::from_name(b).unwrap());
            assert_eq!(left.common(&right).unwrap().to_string(), common, "{a} with {b}");
            assert_eq!(right.common(&left).unwrap().to_string(), common, "{b} with {a}");
        }
        assert_eq!(Type::Text.common(&Type::INT64), None);
        assert_eq!(Type::Bool.common(&Type::Text), None);
    }
}
