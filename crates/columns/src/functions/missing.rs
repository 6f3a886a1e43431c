//! What is missing, and what is NaN: tests, and values in their place.

use std::sync::Arc;

use crate::block::{Buffer, Lane, Number, Values, YES};
use crate::error::ColumnsResult;
use crate::kernels::{choice, map};
use crate::plan::{Arguments, Call, Function, Kernel, Operand};
use crate::types::Type;

pub(super) static FUNCTIONS: &[Function] = &[
    Function {
        name: "ismissing",
        arguments: &["x"],
        about: "Whether there is no value. NaN is one.",
        bind: |call| test(call, true, false, true),
    },
    Function {
        name: "isnan",
        arguments: &["x"],
        about: "Whether it is NaN. What is missing is not.",
        bind: |call| test(call, false, true, true),
    },
    Function {
        name: "isna",
        arguments: &["x"],
        about: "Whether it is missing or NaN.",
        bind: |call| test(call, true, true, true),
    },
    Function {
        name: "notmissing",
        arguments: &["x"],
        about: "Whether there is a value.",
        bind: |call| test(call, true, false, false),
    },
    Function {
        name: "notnan",
        arguments: &["x"],
        about: "Whether it is anything but NaN.",
        bind: |call| test(call, false, true, false),
    },
    Function {
        name: "notna",
        arguments: &["x"],
        about: "Whether it is neither missing nor NaN.",
        bind: |call| test(call, true, true, false),
    },
    Function {
        name: "fillna",
        arguments: &["x", "value", "fill_nan?", "fill_masked?"],
        about: "The value given, where it is missing or NaN.",
        bind: |call| {
            let (nan, missing) = (call.flag(2)?.unwrap_or(true), call.flag(3)?.unwrap_or(true));
            fill(call, missing, nan)
        },
    },
    Function {
        name: "fillmissing",
        arguments: &["x", "value"],
        about: "The value given, where it is missing.",
        bind: |call| fill(call, true, false),
    },
    Function {
        name: "fillnan",
        arguments: &["x", "value"],
        about: "The value given, where it is NaN.",
        bind: |call| fill(call, false, true),
    },
    Function {
        name: "coalesce",
        arguments: &["x", "others*"],
        about: "The first of the values that is not missing.",
        bind: |call| {
            let mut result = call.operand(0)?;
            for other in call.operands(1)? {
                result = filled(call, result, other, true, false)?;
            }
            Ok(result)
        },
    },
];

/// Rows that are missing, or NaN, as a mask.
fn absent(lane: &Lane<'_>, rows: usize, missing: bool, nan: bool) -> Vec<u8> {
    let mut mask = vec![0; rows];
    let valid = lane.valid_rows(rows);
    if nan {
        let numbers: Option<Buffer<'_, u8>> = match &lane.values {
            Values::F32(values) => Some(map(values, |value: f32| if value.is_number() { 0 } else { YES })),
            Values::F64(values) => Some(map(values, |value: f64| if value.is_number() { 0 } else { YES })),
            _ => None,
        };
        if let Some(numbers) = numbers {
            mask.copy_from_slice(&numbers);
            if let Some(valid) = &valid {
                mask.iter_mut().zip(valid.iter()).for_each(|(nan, valid)| *nan &= valid);
            }
        }
    }
    if let Some(valid) = valid.filter(|_| missing) {
        mask.iter_mut().zip(valid.iter()).for_each(|(absent, valid)| *absent |= !valid);
    }
    mask
}

fn test(call: &mut Call<'_, '_>, missing: bool, nan: bool, wanted: bool) -> ColumnsResult<Operand> {
    let operand = call.operand(0)?;
    call.compute("", &[&operand], Type::Bool, move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let lane = arguments.next().spread(rows);
        let mut mask = absent(&lane, rows, missing, nan);
        if !wanted {
            mask.iter_mut().for_each(|byte| *byte = !*byte);
        }
        Ok(Lane::new(Values::Bool(mask.into())))
    })
}

fn fill(call: &mut Call<'_, '_>, missing: bool, nan: bool) -> ColumnsResult<Operand> {
    let (operand, value) = (call.operand(0)?, call.operand(1)?);
    filled(call, operand, value, missing, nan)
}

fn filled(
    call: &mut Call<'_, '_>,
    operand: Operand,
    value: Operand,
    missing: bool,
    nan: bool,
) -> ColumnsResult<Operand> {
    let expr = call.expr.clone();
    let (nodes, type_) = call.planner.unify(&[operand, value], &expr)?;
    let name = format!("fill {missing} {nan}");
    let kernel: Kernel = Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let (lane, value) = (arguments.next().spread(rows), arguments.next());
        let mask = absent(&lane, rows, missing, nan);
        Ok(choice::pick(&mask, value, lane, rows))
    });
    // A row without result in what is not taken does not matter.
    let node = call.planner.compute_with(name, kernel, nodes, type_, &expr, false)?;
    Ok(call.planner.computed(node, &expr))
}
