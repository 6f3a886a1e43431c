//! Signs, rounding, limits, and numbers sorted into bins.

use crate::error::ColumnsResult;
use crate::expr::Kind;
use crate::kernels::bins::{self, Bins, Side};
use crate::kernels::reals::{self, Extreme};
use crate::plan::{Call, Function, Operand};
use crate::types::{Type, Unit};
use crate::value::Value;

use super::math::{componentwise, pair};

pub(super) static FUNCTIONS: &[Function] = &[
    Function { name: "abs", arguments: &["x"], about: "A number or a duration without its sign.", bind: abs },
    Function { name: "sign", arguments: &["x"], about: "-1, 0 or 1; NaN for NaN.", bind: sign },
    Function {
        name: "floor",
        arguments: &["x"],
        about: "The greatest whole number that is not greater.",
        bind: |call| whole(call, f32::floor, f64::floor),
    },
    Function {
        name: "ceil",
        arguments: &["x"],
        about: "The least whole number that is not less.",
        bind: |call| whole(call, f32::ceil, f64::ceil),
    },
    Function {
        name: "trunc",
        arguments: &["x"],
        about: "The number without the digits after the point.",
        bind: |call| whole(call, f32::trunc, f64::trunc),
    },
    Function {
        name: "rint",
        arguments: &["x"],
        about: "The nearest whole number, and of two the even one.",
        bind: |call| whole(call, f32::round_ties_even, f64::round_ties_even),
    },
    Function {
        name: "round",
        arguments: &["x", "decimals?"],
        about: "Rounded to so many digits after the point, halves to the even digit.",
        bind: round,
    },
    Function {
        name: "clip",
        arguments: &["x", "min?", "max?"],
        about: "The nearest value that is neither less than `min` nor greater than `max`.",
        bind: clip,
    },
    Function {
        name: "minimum",
        arguments: &["a", "b", "more*"],
        about: "The least of some values; NaN where one is.",
        bind: |call| extreme(call, Extreme::Minimum),
    },
    Function {
        name: "maximum",
        arguments: &["a", "b", "more*"],
        about: "The greatest of some values; NaN where one is.",
        bind: |call| extreme(call, Extreme::Maximum),
    },
    Function {
        name: "fmin",
        arguments: &["a", "b", "more*"],
        about: "The least of some values, of which NaN is none.",
        bind: |call| extreme(call, Extreme::MinimumNumber),
    },
    Function {
        name: "fmax",
        arguments: &["a", "b", "more*"],
        about: "The greatest of some values, of which NaN is none.",
        bind: |call| extreme(call, Extreme::MaximumNumber),
    },
    Function {
        name: "digitize",
        arguments: &["x", "bins", "right?"],
        about: "The number of the bin that a value lies in, 0 before the first edge.",
        bind: digitize,
    },
    Function {
        name: "searchsorted",
        arguments: &["x", "values", "side?"],
        about: "Where a value would be put into sorted values.",
        bind: searchsorted,
    },
];

/// Whole and floating-point numbers as they are; truth values count as 0 and 1.
fn number_type(type_: &Type) -> Option<Type> {
    match type_ {
        Type::Bool => Some(Type::INT64),
        Type::Null => Some(Type::Float64),
        Type::Vector(element, shape) => Some(Type::Vector(Box::new(number_type(element)?), shape.clone())),
        type_ if type_.is_number() => Some(type_.clone()),
        _ => None,
    }
}

fn numbers(call: &mut Call<'_, '_>, at: usize) -> ColumnsResult<Operand> {
    let x = call.operand(at)?;
    let type_ = number_type(&x.type_).ok_or_else(|| call.wrong_type(&x, "numbers"))?;
    call.cast(&x, &type_)
}

/// Whether they are whole numbers, or vectors of these.
fn is_whole(type_: &Type) -> bool {
    match type_ {
        Type::Vector(element, _) => is_whole(element),
        type_ => matches!(type_, Type::Int(_)),
    }
}

fn abs(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let x = call.operand(0)?;
    let x = if matches!(x.type_, Type::Duration(_)) { x } else { numbers(call, 0)? };
    let type_ = x.type_.clone();
    componentwise(call, "", &x, type_, reals::absolute())
}

fn sign(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let x = numbers(call, 0)?;
    let type_ = x.type_.clone();
    componentwise(call, "", &x, type_, reals::sign())
}

fn whole(
    call: &mut Call<'_, '_>,
    single: impl Fn(f32) -> f32 + Copy + Send + Sync + 'static,
    double: impl Fn(f64) -> f64 + Copy + Send + Sync + 'static,
) -> ColumnsResult<Operand> {
    let x = numbers(call, 0)?;
    if is_whole(&x.type_) {
        return Ok(x);
    }
    let type_ = x.type_.clone();
    componentwise(call, "", &x, type_, reals::floats(single, double))
}

fn round(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let x = numbers(call, 0)?;
    let decimals =
        i32::try_from(call.integer(1)?.unwrap_or(0)).map_err(|_| call.wrong(1, "so many digits has no number"))?;
    let kernel = match (is_whole(&x.type_), decimals) {
        (true, 0..) => return Ok(x),
        (true, digits) => reals::round_integers(digits.unsigned_abs()),
        (false, decimals) => reals::round(decimals),
    };
    let type_ = x.type_.clone();
    componentwise(call, &decimals.to_string(), &x, type_, kernel)
}

/// Types whose values have an order, and vectors of these.
fn ordered_type(type_: &Type) -> Option<Type> {
    (type_.is_ordered() || *type_ == Type::Null).then(|| type_.clone())
}

const ORDERED: &str = "values of one type that has an order";

fn extreme(call: &mut Call<'_, '_>, which: Extreme) -> ColumnsResult<Operand> {
    let mut found = call.operand(0)?;
    for next in call.operands(1)? {
        found = pair(call, "", [&found, &next], ordered_type, reals::extreme(which), ORDERED)?;
    }
    Ok(found)
}

fn clip(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let mut found = call.operand(0)?;
    for (at, which, parameters) in [(1, Extreme::Maximum, "min"), (2, Extreme::Minimum, "max")] {
        // `None` is no limit.
        let limit = call.optional(at)?.filter(|limit| limit.literal != Some(Value::Null));
        if let Some(limit) = limit {
            found = pair(call, parameters, [&found, &limit], ordered_type, reals::extreme(which), ORDERED)?;
        }
    }
    Ok(found)
}

/// `digitize(x, bins, right=False)`, as NumPy has it: `bins[i - 1] <= x < bins[i]`, or with `right` `bins[i - 1] < x <= bins[i]`.
fn digitize(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let side = if call.flag(2)?.unwrap_or(false) { Side::Left } else { Side::Right };
    sorted_into(call, 0, 1, side, true)
}

/// `searchsorted(x, values, side="left")`; the other way round, as NumPy has it, the first is the list.
fn searchsorted(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let side = match call.text(2)?.as_deref() {
        None | Some("left") => Side::Left,
        Some("right") => Side::Right,
        Some(_) => return Err(call.wrong(2, "\"left\" or \"right\" is expected")),
    };
    let list = |at: usize| call.given(at).is_some_and(|expr| matches!(&*expr.kind, Kind::List(_)));
    let (x, values) = if list(0) && !list(1) { (1, 0) } else { (0, 1) };
    sorted_into(call, x, values, side, false)
}

/// The places of values among the edges of bins, which may also run downwards where `reversible`.
fn sorted_into(
    call: &mut Call<'_, '_>,
    x: usize,
    edges: usize,
    side: Side,
    reversible: bool,
) -> ColumnsResult<Operand> {
    let values = call.values(edges)?;
    let x = call.operand(x)?;
    let whole =
        matches!(x.type_, Type::Int(_) | Type::Bool) && values.iter().all(|value| matches!(value, Value::Int(_)));
    let (found, type_) = match &x.type_ {
        Type::Instant(unit, _) => (
            values.iter().map(|value| ticks(value, *unit)).collect::<Option<Vec<_>>>().map(Bins::Whole),
            x.type_.clone(),
        ),
        Type::Duration(unit) => (
            values.iter().map(|value| ticks(value, *unit)).collect::<Option<Vec<_>>>().map(Bins::Whole),
            x.type_.clone(),
        ),
        // 64 bits without a sign are more than `int64` has.
        type_ if whole && *type_ != Type::Int(crate::types::Int::U64) => {
            let edges = values.iter().map(|value| value.as_i128().and_then(|value| i64::try_from(value).ok()));
            (edges.collect::<Option<Vec<_>>>().map(Bins::Whole), Type::INT64)
        }
        type_ if type_.is_number() || matches!(type_, Type::Bool | Type::Null) => {
            (values.iter().map(Value::as_f64).collect::<Option<Vec<_>>>().map(Bins::Float), Type::Float64)
        }
        _ => return Err(call.wrong_type(&x, "numbers, instants or durations")),
    };
    let Some(found) = found else {
        return Err(call.wrong(edges, &format!("values that go with {} are expected", x.type_)));
    };
    let (bins, reversed) = match (found.rising(), found.reversed()) {
        (true, _) => (found, false),
        (false, turned) if reversible && turned.rising() => (turned, true),
        _ => return Err(call.wrong(edges, "the values must be sorted")),
    };
    let x = call.cast(&x, &type_)?;
    let parameters = format!("{bins:?} {side:?} {reversed}");
    call.compute(&parameters, &[&x], Type::INT64, bins::places(bins, side, reversed))
}

/// A value as ticks of a unit; none where it is no instant or duration that is a whole number of them.
pub(super) fn ticks(value: &Value, unit: Unit) -> Option<i64> {
    let (ticks, from) = match value {
        Value::Instant(ticks, from, _) | Value::Duration(ticks, from) => (*ticks, *from),
        Value::Text(text) => match crate::kernels::cast::instant_of_text(text, unit, None).ok()? {
            Value::Instant(ticks, ..) => (ticks, unit),
            _ => return None,
        },
        _ => return None,
    };
    if from == unit {
        return Some(ticks);
    }
    let (from, to) = (i128::from(from.nanoseconds()?), i128::from(unit.nanoseconds()?));
    let nanoseconds = i128::from(ticks) * from;
    i64::try_from(nanoseconds / to).ok().filter(|_| nanoseconds % to == 0)
}
