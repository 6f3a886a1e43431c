//! What is missing, and what stands for it.

use crate::error::ColumnsResult;
use crate::kernels::{choice, missing};
use crate::plan::{Call, Function, Operand};
use crate::types::Type;

pub(super) static FUNCTIONS: &[Function] = &[
    Function {
        name: "ismissing",
        arguments: &["x"],
        about: "Whether the value is missing.",
        bind: |call| test(call, false, true, false),
    },
    Function {
        name: "isnan",
        arguments: &["x"],
        about: "Whether the value is NaN, which what is missing is not.",
        bind: |call| test(call, true, false, false),
    },
    Function {
        name: "isna",
        arguments: &["x"],
        about: "Whether the value is missing or NaN.",
        bind: |call| test(call, true, true, false),
    },
    Function {
        name: "notmissing",
        arguments: &["x"],
        about: "Whether the value is not missing.",
        bind: |call| test(call, false, true, true),
    },
    Function {
        name: "notnan",
        arguments: &["x"],
        about: "Whether the value is not NaN, as what is missing is not.",
        bind: |call| test(call, true, false, true),
    },
    Function {
        name: "notna",
        arguments: &["x"],
        about: "Whether the value is neither missing nor NaN.",
        bind: |call| test(call, true, true, true),
    },
    Function {
        name: "fillna",
        arguments: &["x", "value", "fill_nan?", "fill_masked?"],
        about: "The value, or another where it is missing or NaN.",
        bind: fillna,
    },
    Function {
        name: "fillmissing",
        arguments: &["x", "value"],
        about: "The value, or another where it is missing.",
        bind: |call| fill(call, false, true),
    },
    Function {
        name: "fillnan",
        arguments: &["x", "value"],
        about: "The value, or another where it is NaN.",
        bind: |call| fill(call, true, false),
    },
    Function {
        name: "coalesce",
        arguments: &["values*"],
        about: "The first of some values that is not missing.",
        bind: coalesce,
    },
];

fn test(call: &mut Call<'_, '_>, nan: bool, absent: bool, negated: bool) -> ColumnsResult<Operand> {
    let x = call.operand(0)?;
    let kernel = missing::test(nan, absent, negated);
    call.compute("", &[&x], Type::Bool, move |arguments| kernel(arguments))
}

fn fillna(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let nan = call.flag(2)?.unwrap_or(true);
    let absent = call.flag(3)?.unwrap_or(true);
    fill(call, nan, absent)
}

fn fill(call: &mut Call<'_, '_>, nan: bool, absent: bool) -> ColumnsResult<Operand> {
    let operands = [call.operand(0)?, call.operand(1)?];
    first_present(call, &operands, nan, absent)
}

fn coalesce(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let operands = call.operands(0)?;
    if operands.is_empty() {
        return Err(call.wrong(0, "at least one is expected"));
    }
    first_present(call, &operands, false, true)
}

fn first_present(call: &mut Call<'_, '_>, operands: &[Operand], nan: bool, absent: bool) -> ColumnsResult<Operand> {
    let expr = call.expr.clone();
    let (nodes, type_) = call.planner.unify(operands, &expr)?;
    let kernel = choice::first_present(nan, absent);
    let name = format!("first present {nan} {absent}");
    // The values that stand in matter only where they do.
    let node = call.planner.compute_with(name, kernel, nodes, type_, &expr, false)?;
    Ok(call.planner.computed(node, &expr))
}
