//! Operands: bound expressions, and values that are written out and take the type of what they stand beside.

use super::NodeId;
use crate::expr::Expr;
use crate::types::Type;
use crate::value::Value;

/// A bound expression.
#[derive(Debug, Clone)]
pub(crate) struct Operand {
    pub(crate) node: NodeId,
    pub(crate) type_: Type,
    /// The value, if it is written out or a variable. Its width does not count.
    pub(crate) literal: Option<Value>,
    pub(crate) expr: Expr,
}

/// The type that all of the operands have in common. A number that is written out takes the type of the others, if it fits.
pub(crate) fn common_type<'o>(operands: impl Iterator<Item = &'o Operand> + Clone) -> Option<Type> {
    let mut strong: Option<Type> = None;
    for operand in operands.clone().filter(|operand| operand.literal.is_none()) {
        strong = Some(match strong {
            None => operand.type_.clone(),
            Some(type_) => type_.common(&operand.type_)?,
        });
    }
    let mut common = strong;
    for operand in operands {
        let Some(value) = &operand.literal else { continue };
        common = Some(match common {
            None => operand.type_.clone(),
            Some(type_) => with_literal(&type_, value, &operand.type_)?,
        });
    }
    common
}

/// The type that values of a type have in common with one that is written out, which has `own` by itself.
pub(crate) fn with_literal(type_: &Type, value: &Value, own: &Type) -> Option<Type> {
    Some(match (type_, value) {
        (_, Value::Null) => type_.clone(),
        (Type::Null, _) => own.clone(),
        (Type::Bool, Value::Bool(_)) | (Type::Text, Value::Text(_)) => type_.clone(),
        (Type::Bool, Value::Int(_) | Value::Float(_)) => own.clone(),
        (Type::Int(int), Value::Int(number)) => {
            let (least, greatest) = int.range();
            if (least..=greatest).contains(number) { type_.clone() } else { type_.common(own)? }
        }
        (Type::Int(_), Value::Bool(_)) => type_.clone(),
        (Type::Int(_), Value::Float(_)) => Type::Float64,
        (Type::Float32 | Type::Float64, Value::Int(_) | Value::Float(_) | Value::Bool(_)) => type_.clone(),
        // A date that is written as text is read as one.
        (Type::Instant(..), Value::Text(_)) => type_.clone(),
        (Type::Instant(unit, zone), Value::Instant(_, other, None)) => Type::Instant((*unit).max(*other), zone.clone()),
        (Type::Vector(element, shape), Value::Int(_) | Value::Float(_) | Value::Bool(_)) => {
            Type::Vector(Box::new(with_literal(element, value, own)?), shape.clone())
        }
        _ => type_.common(own)?,
    })
}
