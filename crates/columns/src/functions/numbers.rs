//! Functions of numbers that keep their type, or take several: abs, sign, round, clip, minimum, maximum, arctan2, hypot.

use std::sync::Arc;

use crate::block::{Buffer, Fault, Lane, Number, Values, YES, both_valid, with_numbers};
use crate::error::ColumnsResult;
use crate::kernels::{map, zip};
use crate::plan::{Arguments, Call, Function, Operand};
use crate::types::Type;

pub(super) static FUNCTIONS: &[Function] = &[
    Function { name: "abs", arguments: &["x"], about: "The number without its sign.", bind: abs },
    Function {
        name: "sign",
        arguments: &["x"],
        about: "-1, 0 or 1, as the number is negative, zero or positive.",
        bind: sign,
    },
    Function {
        name: "round",
        arguments: &["x", "decimals?"],
        about: "The number rounded to so many decimals, 0 unless they are given; what lies half-way goes to the even one.",
        bind: round,
    },
    Function {
        name: "minimum",
        arguments: &["x", "y"],
        about: "The lesser of two; NaN where one of them is.",
        bind: minimum,
    },
    Function {
        name: "maximum",
        arguments: &["x", "y"],
        about: "The greater of two; NaN where one of them is.",
        bind: maximum,
    },
    Function {
        name: "clip",
        arguments: &["x", "min?", "max?"],
        about: "The nearest value that is neither below the one nor above the other.",
        bind: clip,
    },
    Function {
        name: "arctan2",
        arguments: &["y", "x"],
        about: "The angle of the point (x, y), in radians from -pi to pi.",
        bind: |call| of_two_floats(call, f32::atan2, f64::atan2),
    },
    Function {
        name: "hypot",
        arguments: &["x", "y"],
        about: "The distance of the point (x, y) from (0, 0).",
        bind: |call| of_two_floats(call, f32::hypot, f64::hypot),
    },
    Function {
        name: "isfinite",
        arguments: &["x"],
        about: "Whether it is neither NaN nor infinite.",
        bind: |call| test(call, f64::is_finite),
    },
    Function {
        name: "isinf",
        arguments: &["x"],
        about: "Whether it is infinite.",
        bind: |call| test(call, f64::is_infinite),
    },
];

fn number(call: &mut Call<'_, '_>, at: usize) -> ColumnsResult<Operand> {
    let operand = call.operand(at)?;
    match &operand.type_ {
        Type::Bool => call.cast(&operand, &Type::INT64),
        Type::Null => call.cast(&operand, &Type::Float64),
        type_ if type_.is_number() || matches!(type_, Type::Duration(_)) => Ok(operand),
        _ => Err(call.wrong_type(&operand, "a number")),
    }
}

fn abs(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let operand = number(call, 0)?;
    let type_ = operand.type_.clone();
    call.compute("", &[&operand], type_, |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let valid = lane.valid;
        macro_rules! signed {
            ($($variant:ident)*) => {
                match lane.values {
                    Values::F32(values) => Lane::new(Values::F32(map(&values, f32::abs))),
                    Values::F64(values) => Lane::new(Values::F64(map(&values, f64::abs))),
                    $(Values::$variant(values) => {
                        let counts = |row: usize| valid.as_ref().is_none_or(|valid| valid.get(row) == Some(&YES));
                        let fault = fault_where(&values, |row, value| counts(row) && value.checked_abs().is_none(), |value| {
                            format!("the absolute value of {value} is too large for {}", Number::value(value).type_of())
                        });
                        Lane { fault, ..Lane::new(Values::$variant(map(&values, |value| value.wrapping_abs()))) }
                    })*
                    unsigned => Lane::new(unsigned),
                }
            };
        }
        let result = signed!(I8 I16 I32 I64);
        Ok(Lane { valid, ..result })
    })
}

/// Rows without result.
fn fault_where<T: Number>(
    values: &Buffer<'_, T>,
    fails: impl Fn(usize, T) -> bool,
    reason: impl Fn(T) -> String,
) -> Option<Arc<Fault>> {
    let first = values.iter().enumerate().find(|(row, value)| fails(*row, **value))?;
    let rows = values.iter().enumerate().map(|(row, value)| if fails(row, *value) { YES } else { 0 }).collect();
    Some(Arc::new(Fault { rows, reason: reason(*first.1), node: None }))
}

fn sign(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let operand = number(call, 0)?;
    let type_ = operand.type_.clone();
    call.compute("", &[&operand], type_, |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let values = match &lane.values {
            Values::F32(values) => {
                Values::F32(map(values, |x: f32| if x == 0.0 || x.is_nan() { x } else { x.signum() }))
            }
            Values::F64(values) => {
                Values::F64(map(values, |x: f64| if x == 0.0 || x.is_nan() { x } else { x.signum() }))
            }
            Values::I8(values) => Values::I8(map(values, i8::signum)),
            Values::I16(values) => Values::I16(map(values, i16::signum)),
            Values::I32(values) => Values::I32(map(values, i32::signum)),
            Values::I64(values) => Values::I64(map(values, i64::signum)),
            Values::U8(values) => Values::U8(map(values, |x: u8| x.min(1))),
            Values::U16(values) => Values::U16(map(values, |x: u16| x.min(1))),
            Values::U32(values) => Values::U32(map(values, |x: u32| x.min(1))),
            Values::U64(values) => Values::U64(map(values, |x: u64| x.min(1))),
            _ => Values::Null,
        };
        Ok(Lane::with_valid(values, lane.valid))
    })
}

fn round(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let decimals = call.integer(1)?.unwrap_or(0);
    let operand = number(call, 0)?;
    if matches!(operand.type_, Type::Int(_)) && decimals >= 0 {
        return Ok(operand);
    }
    let decimals = i32::try_from(decimals).map_err(|_| call.wrong(1, "so many decimals there are not"))?;
    // A power of ten, by which is multiplied or, of whole tens, divided: that is how NumPy rounds.
    let power = 10.0_f64.powi(decimals.abs());
    let kernel: crate::plan::Kernel = Arc::new(move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let values = match &lane.values {
            Values::F32(values) => {
                let power = power as f32;
                Values::F32(match decimals {
                    0 => map(values, f32::round_ties_even),
                    1.. => map(values, |x: f32| (x * power).round_ties_even() / power),
                    _ => map(values, |x: f32| (x / power).round_ties_even() * power),
                })
            }
            Values::F64(values) => Values::F64(match decimals {
                0 => map(values, f64::round_ties_even),
                1.. => map(values, |x: f64| (x * power).round_ties_even() / power),
                _ => map(values, |x: f64| (x / power).round_ties_even() * power),
            }),
            _ => Values::Null,
        };
        Ok(Lane::with_valid(values, lane.valid))
    });
    let operand = match operand.type_ {
        Type::Float32 => operand,
        _ => call.cast(&operand, &Type::Float64)?,
    };
    let type_ = operand.type_.clone();
    call.compute(&decimals.to_string(), &[&operand], type_, move |arguments| kernel(arguments))
}

#[derive(Clone, Copy)]
enum Pick {
    Least,
    Greatest,
}

fn minimum(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let operands = [call.operand(0)?, call.operand(1)?];
    picked(call, &operands, Pick::Least)
}

fn maximum(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let operands = [call.operand(0)?, call.operand(1)?];
    picked(call, &operands, Pick::Greatest)
}

fn clip(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let mut operand = call.operand(0)?;
    if let Some(least) = call.optional(1)?.filter(|least| least.type_ != Type::Null) {
        operand = picked(call, &[operand, least], Pick::Greatest)?;
    }
    if let Some(most) = call.optional(2)?.filter(|most| most.type_ != Type::Null) {
        operand = picked(call, &[operand, most], Pick::Least)?;
    }
    Ok(operand)
}

/// The lesser or the greater of two numbers, instants or durations.
fn picked(call: &mut Call<'_, '_>, operands: &[Operand; 2], pick: Pick) -> ColumnsResult<Operand> {
    let expr = call.expr.clone();
    let (nodes, type_) = call.planner.unify(operands, &expr)?;
    if !(type_.is_number() || matches!(type_, Type::Instant(..) | Type::Duration(_))) {
        return Err(call.wrong_type(&operands[0], "numbers, instants or durations"));
    }
    let [a, b] = nodes.as_slice() else { return Err(call.wrong(0, "is missing")) };
    let (a, b) = (call.planner.computed(*a, &expr), call.planner.computed(*b, &expr));
    let name = match pick {
        Pick::Least => "least",
        Pick::Greatest => "greatest",
    };
    call.compute(name, &[&a, &b], type_, move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let (a, b) = (arguments.next(), arguments.next());
        let valid = both_valid(a.valid_rows(rows), b.valid_rows(rows));
        fn of<'a, T: Number>(a: &Buffer<'a, T>, b: &Values<'a>, constants: (bool, bool), pick: Pick) -> Values<'a> {
            let Some(b) = T::of(b) else { return Values::Null };
            let (a, b) = ((&**a, constants.0), (&**b, constants.1));
            // A comparison with NaN is false, so that one is taken where it is on either side.
            T::values(match pick {
                Pick::Least => zip(a, b, |a: T, b: T| if a < b || !a.is_number() { a } else { b }),
                Pick::Greatest => zip(a, b, |a: T, b: T| if a > b || !a.is_number() { a } else { b }),
            })
        }
        let constants = (a.constant, b.constant);
        let values = with_numbers!(&a.values, x => of(x, &b.values, constants, pick), _ => Values::Null);
        Ok(Lane::with_valid(values, valid))
    })
}

fn of_two_floats(
    call: &mut Call<'_, '_>,
    single: fn(f32, f32) -> f32,
    double: fn(f64, f64) -> f64,
) -> ColumnsResult<Operand> {
    let operands = [number(call, 0)?, number(call, 1)?];
    let expr = call.expr.clone();
    let (_, common) = call.planner.unify(&operands, &expr)?;
    let type_ = if common == Type::Float32 { common } else { Type::Float64 };
    let (a, b) = (call.cast(&operands[0], &type_)?, call.cast(&operands[1], &type_)?);
    call.compute("", &[&a, &b], type_, move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let (a, b) = (arguments.next(), arguments.next());
        let valid = both_valid(a.valid_rows(rows), b.valid_rows(rows));
        let values = match (&a.values, &b.values) {
            (Values::F32(x), Values::F32(y)) => Values::F32(zip((x, a.constant), (y, b.constant), single)),
            (Values::F64(x), Values::F64(y)) => Values::F64(zip((x, a.constant), (y, b.constant), double)),
            _ => Values::Null,
        };
        Ok(Lane::with_valid(values, valid))
    })
}

/// A test of numbers; whole ones pass as they are.
fn test(call: &mut Call<'_, '_>, holds: fn(f64) -> bool) -> ColumnsResult<Operand> {
    let operand = number(call, 0)?;
    let mask = move |value: f64| if holds(value) { YES } else { 0 };
    call.compute("", &[&operand], Type::Bool, move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let values = with_numbers!(&lane.values, values => Values::Bool(map(values, |value| mask(Number::float(value)))), _ => Values::Null);
        Ok(Lane::with_valid(values, lane.valid))
    })
}
