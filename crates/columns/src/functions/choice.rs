//! Choices: which of several values a row has.

use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::Expr;
use crate::kernels::choice;
use crate::plan::{Call, Function, Operand};
use crate::types::Type;
use crate::value::Value;

use super::cast::{Errors, cast_to, type_argument};

pub(super) static FUNCTIONS: &[Function] = &[
    Function {
        name: "where",
        arguments: &["condition", "x", "y", "dtype?"],
        about: "`x` where a condition is true, and `y` where it is false or unknown.",
        bind: bind_where,
    },
    Function {
        name: "case",
        arguments: &["condition", "value", "more*"],
        about: "The value behind the first condition that is true, and the last value where none is.",
        bind: case,
    },
    Function {
        name: "between",
        arguments: &["x", "low", "high"],
        about: "Whether a value lies between two others, or is one of them.",
        bind: between,
    },
];

fn bind_where(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let condition = condition(call, 0)?;
    let operands = [call.operand(1)?, call.operand(2)?];
    let expr = call.expr.clone();
    let (values, type_) = call.planner.unify(&operands, &expr)?;
    let nodes = [condition].into_iter().chain(values).collect();
    let node = call.planner.compute_with("where".to_owned(), choice::first_true(), nodes, type_, &expr, false)?;
    let found = call.planner.computed(node, &expr);
    match type_argument(call, 3)? {
        None => Ok(found),
        Some(type_) => cast_to(call, &found, &type_, Errors::Strict),
    }
}

fn case(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let count = call.count();
    let (mut conditions, mut values) = (Vec::new(), Vec::new());
    for at in (0..count / 2).map(|pair| pair * 2) {
        conditions.push(condition(call, at)?);
        values.push(call.operand(at + 1)?);
    }
    let expr = call.expr.clone();
    // Without a last value, there is none where no condition is true.
    values.push(if count % 2 == 1 { call.operand(count - 1)? } else { call.planner.literal(Value::Null, &expr)? });
    let (nodes, type_) = call.planner.unify(&values, &expr)?;
    let last = nodes.last().copied();
    let nodes =
        conditions.into_iter().zip(nodes).flat_map(|(condition, value)| [condition, value]).chain(last).collect();
    let node = call.planner.compute_with("case".to_owned(), choice::first_true(), nodes, type_, &expr, false)?;
    Ok(call.planner.computed(node, &expr))
}

/// The node of an argument that is a condition.
fn condition(call: &mut Call<'_, '_>, at: usize) -> ColumnsResult<usize> {
    let operand = call.operand(at)?;
    match operand.type_ {
        Type::Bool | Type::Null => Ok(call.cast(&operand, &Type::Bool)?.node),
        _ => Err(call.wrong_type(&operand, "a condition, which is true or false")),
    }
}

fn between(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let given = |at: usize| {
        call.given(at).cloned().ok_or_else(|| ColumnsError::mismatch(&call.expr, "a limit is missing".to_owned()))
    };
    let (x, low, high) = (given(0)?, given(1)?, given(2)?);
    let mut expr = Expr::between(&x, low, high);
    (expr.span, expr.text) = (call.expr.span, call.expr.text.clone());
    call.planner.operand(&expr)
}
