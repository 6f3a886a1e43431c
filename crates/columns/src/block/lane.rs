//! What one expression has in one block of rows.

use std::sync::Arc;

use super::{Buffer, Texts, YES};
use crate::types::{Int, Type};
use crate::value::Value;

/// The values of an expression in a block: one for each row, or one for all of them.
#[derive(Debug, Clone)]
pub(crate) struct Lane<'a> {
    pub(crate) values: Values<'a>,
    /// Which rows have a value; none where all have.
    pub(crate) valid: Option<Buffer<'a, u8>>,
    /// Whether there is one value, which stands for all rows.
    pub(crate) constant: bool,
    /// Rows that could not be computed. It matters only if such a row is used.
    pub(crate) fault: Option<Arc<Fault>>,
}

/// Rows that have no result: a division by zero, a number that is too large.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// Where it happened, as masks are: [`YES`] in rows without a result.
    pub(crate) rows: Vec<u8>,
    /// What happened in the first of them.
    pub(crate) reason: String,
    /// The number of the node of the plan, once it is known.
    pub(crate) node: Option<usize>,
}

/// Values by how they lie in memory. Rows without a value hold anything.
#[derive(Debug, Clone)]
pub(crate) enum Values<'a> {
    /// No row has a value.
    Null,
    /// `0x00` or [`YES`].
    Bool(Buffer<'a, u8>),
    I8(Buffer<'a, i8>),
    I16(Buffer<'a, i16>),
    I32(Buffer<'a, i32>),
    /// Instants and durations too.
    I64(Buffer<'a, i64>),
    U8(Buffer<'a, u8>),
    U16(Buffer<'a, u16>),
    U32(Buffer<'a, u32>),
    U64(Buffer<'a, u64>),
    F32(Buffer<'a, f32>),
    F64(Buffer<'a, f64>),
    Text(Texts<'a>),
    /// So many numbers in every row, one row after the other.
    Vector(Box<Values<'a>>, usize),
    /// What is carried along and not computed with.
    Carried(arrow::array::ArrayRef),
}

impl<'a> Lane<'a> {
    /// Values of which every row has one.
    pub(crate) fn new(values: Values<'a>) -> Self {
        Self { values, valid: None, constant: false, fault: None }
    }

    /// Values of which the rows of a mask have one.
    pub(crate) fn with_valid(values: Values<'a>, valid: Option<Buffer<'a, u8>>) -> Self {
        Self { values, valid, constant: false, fault: None }
    }

    /// One value for all rows, of the given type, into which the value fits.
    pub(crate) fn constant(value: &Value, type_: &Type) -> Option<Lane<'static>> {
        let values = match (value, type_) {
            (Value::Null, _) => {
                let valid = Some(Buffer::from(vec![0]));
                return Some(Lane { values: Values::empty(type_, 1)?, valid, constant: true, fault: None });
            }
            (Value::Bool(value), Type::Bool) => Values::Bool(vec![if *value { YES } else { 0 }].into()),
            (Value::Text(text), Type::Text) => Values::Text(Texts::one(text)),
            (Value::Instant(ticks, ..), Type::Instant(..)) | (Value::Duration(ticks, _), Type::Duration(_)) => {
                Values::I64(vec![*ticks].into())
            }
            (Value::List(values), Type::Vector(element, shape)) if shape.iter().product::<usize>() == values.len() => {
                // A vector has all of its components.
                let components = Lane::of_values(values, element).filter(|lane| lane.valid.is_none())?;
                Values::Vector(Box::new(components.values), values.len())
            }
            (_, Type::Float64) => Values::F64(vec![value.as_f64()?].into()),
            (_, Type::Float32) => Values::F32(vec![value.as_f64()? as f32].into()),
            (_, Type::Int(int)) => {
                let value = match value {
                    Value::Bool(value) => i128::from(*value),
                    value => value.as_i128()?,
                };
                match int {
                    Int::I8 => Values::I8(vec![value.try_into().ok()?].into()),
                    Int::I16 => Values::I16(vec![value.try_into().ok()?].into()),
                    Int::I32 => Values::I32(vec![value.try_into().ok()?].into()),
                    Int::I64 => Values::I64(vec![value.try_into().ok()?].into()),
                    Int::U8 => Values::U8(vec![value.try_into().ok()?].into()),
                    Int::U16 => Values::U16(vec![value.try_into().ok()?].into()),
                    Int::U32 => Values::U32(vec![value.try_into().ok()?].into()),
                    Int::U64 => Values::U64(vec![value.try_into().ok()?].into()),
                }
            }
            _ => return None,
        };
        Some(Lane { values, valid: None, constant: true, fault: None })
    }

    /// Whether a row has a value.
    pub(crate) fn is_valid(&self, row: usize) -> bool {
        let row = if self.constant { 0 } else { row };
        !matches!(self.values, Values::Null) && self.valid.as_ref().is_none_or(|valid| valid.get(row) == Some(&YES))
    }

    /// Which rows have a value, written out for `rows` rows; none where all have.
    pub(crate) fn valid_rows(&self, rows: usize) -> Option<Buffer<'a, u8>> {
        match (&self.values, &self.valid, self.constant) {
            (Values::Null, ..) => Some(vec![0; rows].into()),
            (_, None, _) => None,
            (_, Some(valid), false) => Some(valid.clone()),
            (_, Some(valid), true) => (valid.first() != Some(&YES)).then(|| vec![0; rows].into()),
        }
    }

    /// The value of a row. Its type says whether a number is an instant.
    pub(crate) fn value(&self, row: usize, type_: &Type) -> Value {
        let row = if self.constant { 0 } else { row };
        if !self.is_valid(row) {
            return Value::Null;
        }
        self.values.value(row, type_)
    }

    /// The same values for every row by itself: what was one for all is repeated.
    pub(crate) fn spread(self, rows: usize) -> Self {
        if !self.constant {
            return self;
        }
        let valid = self.valid_rows(rows);
        Self { values: self.values.repeated(rows), valid, constant: false, fault: self.fault }
    }

    /// Only the rows of a mask, of which so many are [`YES`].
    pub(crate) fn compact(&self, mask: &[u8], kept: usize) -> Self {
        if self.constant {
            return Self { fault: None, ..self.clone() };
        }
        let rows: Vec<usize> = yes_rows(mask, kept);
        let valid = self.valid.as_ref().map(|valid| valid.gathered(&rows));
        Self { values: self.values.gathered(&rows), valid, constant: false, fault: None }
    }

    /// A lane that outlives the chunk.
    pub(crate) fn into_static(self) -> Lane<'static> {
        Lane {
            values: self.values.into_static(),
            valid: self.valid.map(Buffer::into_static),
            constant: self.constant,
            fault: self.fault,
        }
    }
}

impl<T: Copy> Buffer<'_, T> {
    pub(crate) fn gathered<'b>(&self, rows: &[usize]) -> Buffer<'b, T> {
        let values: &[T] = self;
        rows.iter().filter_map(|row| values.get(*row).copied()).collect::<Vec<_>>().into()
    }
}

/// The places of the rows of a mask.
pub(crate) fn yes_rows(mask: &[u8], kept: usize) -> Vec<usize> {
    let mut rows = Vec::with_capacity(kept);
    rows.extend(mask.iter().enumerate().filter(|(_, byte)| **byte == YES).map(|(row, _)| row));
    rows
}

/// Which rows have a value in both.
pub(crate) fn both_valid<'a>(a: Option<Buffer<'a, u8>>, b: Option<Buffer<'a, u8>>) -> Option<Buffer<'a, u8>> {
    match (a, b) {
        (None, one) | (one, None) => one,
        (Some(a), Some(b)) => {
            let (mut mask, other) = match a.try_into_vec() {
                Ok(a) => (a, b),
                Err(a) => (b.into_vec(), a),
            };
            mask.iter_mut().zip(other.iter()).for_each(|(a, b)| *a &= b);
            Some(mask.into())
        }
    }
}

/// Runs `$body` with `$buffer` bound to the buffer of numbers, whatever their type.
macro_rules! with_numbers {
    ($values:expr, $buffer:ident => $body:expr, _ => $else:expr) => {
        match $values {
            $crate::block::Values::I8($buffer) => $body,
            $crate::block::Values::I16($buffer) => $body,
            $crate::block::Values::I32($buffer) => $body,
            $crate::block::Values::I64($buffer) => $body,
            $crate::block::Values::U8($buffer) => $body,
            $crate::block::Values::U16($buffer) => $body,
            $crate::block::Values::U32($buffer) => $body,
            $crate::block::Values::U64($buffer) => $body,
            $crate::block::Values::F32($buffer) => $body,
            $crate::block::Values::F64($buffer) => $body,
            #[allow(unreachable_patterns, reason = "some callers have an arm of their own before")]
            _ => $else,
        }
    };
}
pub(crate) use with_numbers;

impl<'a> Values<'a> {
    /// Values of a type, none of which counts; nothing for what is only carried.
    pub(crate) fn empty(type_: &Type, rows: usize) -> Option<Values<'static>> {
        Some(match type_ {
            Type::Null => Values::Null,
            Type::Bool => Values::Bool(vec![0; rows].into()),
            Type::Int(Int::I8) => Values::I8(vec![0; rows].into()),
            Type::Int(Int::I16) => Values::I16(vec![0; rows].into()),
            Type::Int(Int::I32) => Values::I32(vec![0; rows].into()),
            Type::Int(Int::I64) | Type::Instant(..) | Type::Duration(_) => Values::I64(vec![0; rows].into()),
            Type::Int(Int::U8) => Values::U8(vec![0; rows].into()),
            Type::Int(Int::U16) => Values::U16(vec![0; rows].into()),
            Type::Int(Int::U32) => Values::U32(vec![0; rows].into()),
            Type::Int(Int::U64) => Values::U64(vec![0; rows].into()),
            Type::Float32 => Values::F32(vec![0.0; rows].into()),
            Type::Float64 => Values::F64(vec![0.0; rows].into()),
            Type::Text => Values::Text(Texts::empty(rows)),
            Type::Vector(element, shape) => {
                let width = shape.iter().product();
                Values::Vector(Box::new(Self::empty(element, rows * width)?), width)
            }
            Type::Other(_) => return None,
        })
    }

    /// The value at a place; it has one.
    pub(crate) fn value(&self, row: usize, type_: &Type) -> Value {
        match (self, type_) {
            (Self::Bool(values), _) => values.get(row).map_or(Value::Null, |byte| Value::Bool(*byte == YES)),
            (Self::I64(values), Type::Instant(unit, zone)) => {
                values.get(row).map_or(Value::Null, |ticks| Value::Instant(*ticks, *unit, zone.clone()))
            }
            (Self::I64(values), Type::Duration(unit)) => {
                values.get(row).map_or(Value::Null, |ticks| Value::Duration(*ticks, *unit))
            }
            (Self::Text(texts), _) => texts.get(row).map_or(Value::Null, Value::from),
            (Self::Vector(values, width), Type::Vector(element, shape)) => {
                let mut components: Vec<Value> =
                    (row * width..(row + 1) * width).map(|at| values.value(at, element)).collect();
                for length in shape.iter().skip(1).rev() {
                    components = components.chunks((*length).max(1)).map(|inner| Value::List(inner.to_vec())).collect();
                }
                Value::List(components)
            }
            (numbers, _) => with_numbers!(numbers, buffer => {
                buffer.get(row).map_or(Value::Null, |number| super::Number::value(*number))
            }, _ => Value::Null),
        }
    }

    /// The values at these places.
    pub(crate) fn gathered(&self, rows: &[usize]) -> Values<'a> {
        macro_rules! gather {
            ($($variant:ident)*) => {
                match self {
                    $(Self::$variant(buffer) => Values::$variant(buffer.gathered(rows)),)*
                    Self::Null => Values::Null,
                    Self::Text(texts) => Values::Text(texts.gathered(rows)),
                    Self::Vector(values, width) => {
                        let places: Vec<usize> = rows.iter().flat_map(|row| row * width..(row + 1) * width).collect();
                        Values::Vector(Box::new(values.gathered(&places)), *width)
                    }
                    Self::Carried(array) => {
                        let places = arrow::array::UInt32Array::from_iter_values(rows.iter().map(|row| *row as u32));
                        // Places come from this block, so there is nothing that could fail.
                        Values::Carried(arrow::compute::take(array, &places, None).unwrap_or_else(|_| array.slice(0, 0)))
                    }
                }
            };
        }
        gather!(Bool I8 I16 I32 I64 U8 U16 U32 U64 F32 F64)
    }

    /// The first value, as often as there are rows.
    pub(crate) fn repeated(&self, rows: usize) -> Values<'a> {
        self.gathered(&vec![0; rows])
    }

    pub(crate) fn into_static(self) -> Values<'static> {
        macro_rules! own {
            ($($variant:ident)*) => {
                match self {
                    $(Self::$variant(buffer) => Values::$variant(buffer.into_static()),)*
                    Self::Null => Values::Null,
                    Self::Text(texts) => Values::Text(texts.into_static()),
                    Self::Vector(values, width) => Values::Vector(Box::new(values.into_static()), width),
                    Self::Carried(array) => Values::Carried(array),
                }
            };
        }
        own!(Bool I8 I16 I32 I64 U8 U16 U32 U64 F32 F64)
    }
}
