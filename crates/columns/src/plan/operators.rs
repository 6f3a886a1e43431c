//! What operators mean for operands of which types.

use super::operand::Operand;
use super::{NodeId, Planner};
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::{Binary, Expr, Unary};
use crate::kernels::{arithmetic, compare, logic, texts, times, vectors};
use crate::types::{Int, Type, Unit};
use crate::value::Value;

/// An operator before an operand.
pub(super) fn unary(
    planner: &mut Planner<'_>,
    operator: Unary,
    operand: Operand,
    expr: &Expr,
) -> ColumnsResult<Operand> {
    let literal = match (operator, &operand.literal) {
        (Unary::Plus, literal) => literal.clone(),
        (Unary::Minus, Some(Value::Int(value))) => Some(Value::Int(-value)),
        (Unary::Minus, Some(Value::Float(value))) => Some(Value::Float(-value)),
        (Unary::Minus, Some(Value::Duration(ticks, unit))) => {
            ticks.checked_neg().map(|ticks| Value::Duration(ticks, *unit))
        }
        _ => None,
    };
    if let Some(literal) = literal {
        return planner.literal(literal, expr);
    }
    let type_ = operand.type_.clone();
    let wrong = |what: &str| ColumnsError::mismatch(expr, format!("{what}, and this is {type_}"));
    let (kernel, name) = match operator {
        Unary::Plus if type_.is_number() => return Ok(operand),
        Unary::Plus => return Err(wrong("only numbers have a sign")),
        Unary::Minus => match &type_ {
            Type::Int(_) | Type::Float32 | Type::Float64 | Type::Duration(_) | Type::Null => {
                (arithmetic::negate(), "negate")
            }
            Type::Vector(..) => (vectors::map(arithmetic::negate()), "negate"),
            _ => return Err(wrong("only numbers and durations have a sign")),
        },
        Unary::Not => match &type_ {
            Type::Bool | Type::Null => (logic::not(), "not"),
            Type::Int(_) => (arithmetic::invert(), "not"),
            _ => return Err(wrong("`~` takes a condition or a whole number")),
        },
    };
    let node = planner.compute(name.to_owned(), kernel, vec![operand.node], type_, expr)?;
    Ok(planner.computed(node, expr))
}

/// An operator between two operands.
pub(super) fn binary(
    planner: &mut Planner<'_>,
    operator: Binary,
    left: Operand,
    right: Operand,
    expr: &Expr,
) -> ColumnsResult<Operand> {
    // Numbers that are both written out are one number, which has no width either.
    if let (Some(a), Some(b)) = (&left.literal, &right.literal)
        && let Some(value) = folded(operator, a, b)
    {
        return planner.literal(value, expr);
    }
    let node = match operator {
        _ if operator.compares() => comparison(planner, operator, &left, &right, expr)?,
        Binary::And | Binary::Or | Binary::Xor => bits(planner, operator, &left, &right, expr)?,
        Binary::ShiftLeft | Binary::ShiftRight => shift(planner, operator, &left, &right, expr)?,
        _ => arithmetic_of(planner, operator, &left, &right, expr)?,
    };
    Ok(planner.computed(node, expr))
}

/// What two numbers that are written out make; nothing where it is to be computed as with columns.
fn folded(operator: Binary, a: &Value, b: &Value) -> Option<Value> {
    let value = match (operator, a, b) {
        (Binary::Add, Value::Int(a), Value::Int(b)) => Value::Int(a.checked_add(*b)?),
        (Binary::Subtract, Value::Int(a), Value::Int(b)) => Value::Int(a.checked_sub(*b)?),
        (Binary::Multiply, Value::Int(a), Value::Int(b)) => Value::Int(a.checked_mul(*b)?),
        (Binary::Power, Value::Int(a), Value::Int(b)) => Value::Int(a.checked_pow(u32::try_from(*b).ok()?)?),
        (Binary::Add, ..) => Value::Float(numbers(a)? + numbers(b)?),
        (Binary::Subtract, ..) => Value::Float(numbers(a)? - numbers(b)?),
        (Binary::Multiply, ..) => Value::Float(numbers(a)? * numbers(b)?),
        (Binary::Divide, ..) => Value::Float(numbers(a)? / numbers(b)?),
        (Binary::Power, ..) => Value::Float(numbers(a)?.powf(numbers(b)?)),
        _ => return None,
    };
    match value {
        Value::Int(value) if i64::try_from(value).is_err() && u64::try_from(value).is_err() => None,
        value => Some(value),
    }
}

fn numbers(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        _ => None,
    }
}

/// The error of operands that an operator does not take.
fn refused(operator: Binary, left: &Operand, right: &Operand, expr: &Expr, hint: &str) -> ColumnsError {
    ColumnsError::mismatch(expr, format!("`{}` takes no {} with {}{hint}", operator.as_str(), left.type_, right.type_))
}

fn comparison(
    planner: &mut Planner<'_>,
    operator: Binary,
    left: &Operand,
    right: &Operand,
    expr: &Expr,
) -> ColumnsResult<NodeId> {
    let name = format!("compare {}", operator.as_str());
    // No type holds all values of both of these, so they are compared as they are.
    if let (Type::Int(a), Type::Int(b)) = (&left.type_, &right.type_) {
        let literal = left.literal.is_some() || right.literal.is_some();
        if !literal && a.signed() != b.signed() && (*a == Int::U64 || *b == Int::U64) {
            let kernel = compare::integers(operator);
            return planner.compute(name, kernel, vec![left.node, right.node], Type::Bool, expr);
        }
    }
    let operands = [left.clone(), right.clone()];
    let (nodes, type_) = planner.unify(&operands, expr).map_err(|_| {
        let hint = match (&left.type_, &right.type_) {
            (Type::Text, other) | (other, Type::Text) if other.is_number() => {
                "; write the number without quotes, or cast the text with `astype`"
            }
            _ => "",
        };
        refused(operator, left, right, expr, hint)
    })?;
    let equality = matches!(operator, Binary::Equal | Binary::NotEqual);
    let kernel = match &type_ {
        Type::Text => compare::texts(operator),
        Type::Vector(..) | Type::Other(_) => {
            return Err(refused(operator, left, right, expr, "; compare components, as in v[:, 0]"));
        }
        Type::Null | Type::Bool => compare::bools(operator),
        _ if equality || type_.is_ordered() => compare::numbers(operator),
        _ => return Err(refused(operator, left, right, expr, "")),
    };
    planner.compute(name, kernel, nodes, Type::Bool, expr)
}

fn bits(
    planner: &mut Planner<'_>,
    operator: Binary,
    left: &Operand,
    right: &Operand,
    expr: &Expr,
) -> ColumnsResult<NodeId> {
    let condition = |type_: &Type| matches!(type_, Type::Bool | Type::Null);
    match (&left.type_, &right.type_) {
        (a, b) if condition(a) && condition(b) => {
            let nodes = vec![planner.cast(left, &Type::Bool)?, planner.cast(right, &Type::Bool)?];
            // Whether a row without result matters may depend on the other side, so the kernel sees to faults itself.
            planner.compute_with(
                format!("logic {}", operator.as_str()),
                logic::binary(operator),
                nodes,
                Type::Bool,
                expr,
                false,
            )
        }
        (Type::Int(_), Type::Int(_)) => {
            let (nodes, type_) = planner.unify(&[left.clone(), right.clone()], expr)?;
            let Type::Int(_) = type_ else {
                return Err(refused(operator, left, right, expr, "; cast one of them"));
            };
            planner.compute(format!("bits {}", operator.as_str()), arithmetic::bits(operator), nodes, type_, expr)
        }
        (Type::Bool, Type::Int(_)) | (Type::Int(_), Type::Bool) => Err(refused(
            operator,
            left,
            right,
            expr,
            &format!(
                "; `{}` binds tighter than a comparison: write (a > 1) {} (b > 2)",
                operator.as_str(),
                operator.as_str()
            ),
        )),
        _ => Err(refused(operator, left, right, expr, "")),
    }
}

fn shift(
    planner: &mut Planner<'_>,
    operator: Binary,
    left: &Operand,
    right: &Operand,
    expr: &Expr,
) -> ColumnsResult<NodeId> {
    match (&left.type_, &right.type_) {
        (Type::Int(_), Type::Int(_)) => {
            let (nodes, type_) = planner.unify(&[left.clone(), right.clone()], expr)?;
            planner.compute(format!("shift {}", operator.as_str()), arithmetic::shift(operator), nodes, type_, expr)
        }
        _ => Err(refused(operator, left, right, expr, "; whole numbers are shifted")),
    }
}

fn arithmetic_of(
    planner: &mut Planner<'_>,
    operator: Binary,
    left: &Operand,
    right: &Operand,
    expr: &Expr,
) -> ColumnsResult<NodeId> {
    match (&left.type_, &right.type_) {
        (Type::Text, _) | (_, Type::Text) if operator == Binary::Add => {
            let (nodes, type_) = planner.unify(&[left.clone(), right.clone()], expr).map_err(|_| {
                refused(operator, left, right, expr, "; make a text of the other with `astype(\"str\")`")
            })?;
            planner.compute("concatenate".to_owned(), texts::concatenate(), nodes, type_, expr)
        }
        (Type::Instant(..) | Type::Duration(_), _) | (_, Type::Instant(..) | Type::Duration(_)) => {
            of_times(planner, operator, left, right, expr)
        }
        (Type::Vector(..), _) | (_, Type::Vector(..)) => of_vectors(planner, operator, left, right, expr),
        _ => of_numbers(planner, operator, left, right, expr),
    }
}

/// The type that arithmetic of numbers has.
fn number_type(operator: Binary, common: Type, left: &Operand, right: &Operand) -> Option<Type> {
    Some(match common {
        Type::Null => Type::Float64,
        // Truth values count as 0 and 1.
        Type::Bool if operator == Binary::Divide => Type::Float64,
        Type::Bool => Type::INT64,
        Type::Int(_) if operator == Binary::Divide => Type::Float64,
        // A negative power of a whole number is none.
        Type::Int(_) if operator == Binary::Power && matches!(right.literal, Some(Value::Int(power)) if power < 0) => {
            Type::Float64
        }
        Type::Int(int) => {
            // A number that is written out takes the width of the column; beside a variable it may be wider.
            let _ = left;
            Type::Int(int)
        }
        Type::Float32 | Type::Float64 => common,
        _ => return None,
    })
}

fn of_numbers(
    planner: &mut Planner<'_>,
    operator: Binary,
    left: &Operand,
    right: &Operand,
    expr: &Expr,
) -> ColumnsResult<NodeId> {
    let wrong = || refused(operator, left, right, expr, "");
    let common = super::operand::common_type([left, right].into_iter()).ok_or_else(wrong)?;
    let type_ = number_type(operator, common, left, right).ok_or_else(wrong)?;
    if operator == Binary::Power {
        if let (Type::Float32 | Type::Float64, Some(power)) = (&type_, right.literal.as_ref().and_then(Value::as_f64))
            && let Some(kernel) = arithmetic::fixed_power(power)
        {
            let base = planner.cast(left, &type_)?;
            return planner.compute(format!("power {power}"), kernel, vec![base], type_, expr);
        }
        if let (Type::Int(_), Some(Value::Int(power))) = (&type_, &right.literal)
            && let Ok(power) = u32::try_from(*power)
        {
            let base = planner.cast(left, &type_)?;
            let kernel = arithmetic::fixed_integer_power(power);
            return planner.compute(format!("power {power}"), kernel, vec![base], type_, expr);
        }
    }
    let nodes = vec![planner.cast(left, &type_)?, planner.cast(right, &type_)?];
    planner.compute(format!("arithmetic {}", operator.as_str()), arithmetic::binary(operator), nodes, type_, expr)
}

fn of_vectors(
    planner: &mut Planner<'_>,
    operator: Binary,
    left: &Operand,
    right: &Operand,
    expr: &Expr,
) -> ColumnsResult<NodeId> {
    let wrong = || refused(operator, left, right, expr, "; vectors take numbers, and vectors of the same width");
    let element = |operand: &Operand| match &operand.type_ {
        Type::Vector(element, _) => Operand { type_: element.as_ref().clone(), ..operand.clone() },
        _ => operand.clone(),
    };
    let shape = match (&left.type_, &right.type_) {
        (Type::Vector(_, a), Type::Vector(_, b)) if a != b => return Err(wrong()),
        (Type::Vector(_, shape), _) | (_, Type::Vector(_, shape)) => shape.clone(),
        _ => return Err(wrong()),
    };
    let elements = [element(left), element(right)];
    let common = super::operand::common_type(elements.iter()).ok_or_else(wrong)?;
    let type_ = number_type(operator, common, &elements[0], &elements[1]).ok_or_else(wrong)?;
    let vector = Type::Vector(Box::new(type_.clone()), shape);
    let mut nodes = Vec::new();
    for operand in [left, right] {
        let target = if matches!(operand.type_, Type::Vector(..)) { &vector } else { &type_ };
        nodes.push(planner.cast(operand, target)?);
    }
    let kernel = vectors::zip(arithmetic::binary(operator));
    planner.compute(format!("vectors {}", operator.as_str()), kernel, nodes, vector, expr)
}

/// Instants and durations: sums, differences, multiples and ratios.
fn of_times(
    planner: &mut Planner<'_>,
    operator: Binary,
    left: &Operand,
    right: &Operand,
    expr: &Expr,
) -> ColumnsResult<NodeId> {
    let fixed = |unit: Unit| unit.nanoseconds().is_some();
    let calendar = matches!((&left.type_, &right.type_), (Type::Instant(..), Type::Duration(unit)) if !fixed(*unit));
    let hint = match calendar {
        true => "; months and years differ in length; `dt_add_months(x, n)` adds them",
        false => "; instants have differences, and take durations",
    };
    let wrong = || refused(operator, left, right, expr, hint);
    match (&left.type_, operator, &right.type_) {
        (Type::Instant(a, zone), Binary::Add | Binary::Subtract, Type::Duration(b)) if fixed(*a) == fixed(*b) => {
            let unit = (*a).max(*b);
            let (instant, duration) = (Type::Instant(unit, zone.clone()), Type::Duration(unit));
            let nodes = vec![planner.cast(left, &instant)?, planner.cast(right, &duration)?];
            planner.compute(
                format!("arithmetic {}", operator.as_str()),
                arithmetic::binary(operator),
                nodes,
                instant,
                expr,
            )
        }
        (Type::Duration(_), Binary::Add, Type::Instant(..)) => of_times(planner, operator, right, left, expr),
        (Type::Instant(a, zone), Binary::Subtract, Type::Instant(b, other)) if fixed(*a) == fixed(*b) => {
            if zone.is_some() != other.is_some() {
                return Err(wrong());
            }
            let unit = (*a).max(*b);
            let nodes = vec![
                planner.cast(left, &Type::Instant(unit, zone.clone()))?,
                planner.cast(right, &Type::Instant(unit, other.clone()))?,
            ];
            planner.compute("arithmetic -".to_owned(), arithmetic::binary(operator), nodes, Type::Duration(unit), expr)
        }
        (Type::Duration(a), Binary::Add | Binary::Subtract | Binary::Modulo, Type::Duration(b)) => {
            let type_ = Type::Duration((*a).max(*b));
            let nodes = vec![planner.cast(left, &type_)?, planner.cast(right, &type_)?];
            planner.compute(
                format!("arithmetic {}", operator.as_str()),
                arithmetic::binary(operator),
                nodes,
                type_,
                expr,
            )
        }
        (Type::Duration(a), Binary::Divide | Binary::FloorDivide, Type::Duration(b)) => {
            let type_ = Type::Duration((*a).max(*b));
            let nodes = vec![planner.cast(left, &type_)?, planner.cast(right, &type_)?];
            let (kernel, result) = match operator {
                Binary::Divide => (times::ratio(), Type::Float64),
                _ => (arithmetic::binary(operator), Type::INT64),
            };
            planner.compute(format!("durations {}", operator.as_str()), kernel, nodes, result, expr)
        }
        (Type::Duration(_), Binary::Multiply | Binary::FloorDivide | Binary::Divide, number) if number.is_number() => {
            let type_ = left.type_.clone();
            let whole = matches!(number, Type::Int(_)) && operator != Binary::Divide;
            let node = planner.cast(right, if whole { &Type::INT64 } else { &Type::Float64 })?;
            let kernel = if whole { arithmetic::binary(operator) } else { times::scaled(operator) };
            planner.compute(format!("durations {}", operator.as_str()), kernel, vec![left.node, node], type_, expr)
        }
        (number, Binary::Multiply, Type::Duration(_)) if number.is_number() => {
            of_times(planner, operator, right, left, expr)
        }
        _ => Err(wrong()),
    }
}
