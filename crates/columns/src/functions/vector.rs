//! Vectors: components, slices, and what is computed over them.
//!
//! Sums over an axis have NumPy's types (`float32` stays `float32`, whole numbers become `int64` or `uint64`), and are added up in
//! 64 bits. Products, norms and distances are computed in 64 bits and are `float64`.

use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::{Axis, Expr, Kind};
use crate::kernels::components::{self, AxisOf, Over};
use crate::kernels::distances::{self, Norm, Pair};
use crate::plan::{Call, Function, Operand, Planner};
use crate::types::{Int, Type};
use crate::value::Value;

pub(super) static FUNCTIONS: &[Function] = &[
    Function {
        name: "sum",
        arguments: &["v", "axis?"],
        about: "The sum of the components of a vector over an axis, of which the rows are 0.",
        bind: |call| over(call, Over::Sum),
    },
    Function {
        name: "mean",
        arguments: &["v", "axis?"],
        about: "The mean of the components of a vector over an axis.",
        bind: |call| over(call, Over::Mean),
    },
    Function {
        name: "min",
        arguments: &["v", "axis?"],
        about: "The least component of a vector over an axis; NaN where one is.",
        bind: |call| over(call, Over::Least),
    },
    Function {
        name: "max",
        arguments: &["v", "axis?"],
        about: "The greatest component of a vector over an axis; NaN where one is.",
        bind: |call| over(call, Over::Greatest),
    },
    Function {
        name: "std",
        arguments: &["v", "axis?", "ddof?"],
        about: "The standard deviation of the components of a vector over an axis.",
        bind: std,
    },
    Function {
        name: "array_sum",
        arguments: &["v", "axis?"],
        about: "The sum of the components of a vector, of all axes or of one.",
        bind: array_sum,
    },
    Function {
        name: "dot",
        arguments: &["a", "b"],
        about: "The sum of the products of the components of two vectors.",
        bind: |call| pair(call, Pair::Dot),
    },
    Function { name: "dotp", arguments: &["a", "b"], about: "The same as dot.", bind: |call| pair(call, Pair::Dot) },
    Function {
        name: "dot_product",
        arguments: &["a", "b"],
        about: "The same as dot; both may be lists of expressions.",
        bind: |call| pair(call, Pair::Dot),
    },
    Function {
        name: "cosine",
        arguments: &["a", "b"],
        about: "The cosine of the angle between two vectors; NaN where one has no length.",
        bind: |call| pair(call, Pair::Cosine),
    },
    Function {
        name: "l2",
        arguments: &["a", "b"],
        about: "The Euclidean distance of two vectors.",
        bind: |call| pair(call, Pair::Distance),
    },
    Function {
        name: "norm",
        arguments: &["v", "ord?"],
        about: "The length of a vector; with ord=1 the sum of the sizes of its components, with ord=inf the greatest.",
        bind: norm,
    },
    Function {
        name: "stack",
        arguments: &["values", "more*"],
        about: "Several values of a row as one vector.",
        bind: stack,
    },
    Function {
        name: "getitem",
        arguments: &["v", "at"],
        about: "A component of a vector, from the end where negative.",
        bind: getitem,
    },
];

/// `v[:, 1]`, `v[:, 2:5]`.
pub(crate) fn index(planner: &mut Planner<'_>, vector: Operand, axes: &[Axis], expr: &Expr) -> ColumnsResult<Operand> {
    let Type::Vector(element, shape) = &vector.type_ else {
        return Err(ColumnsError::mismatch(
            expr,
            format!("{} has no components; rows are chosen by filtering the frame", vector.type_),
        ));
    };
    if axes.len() > shape.len() {
        let reason =
            format!("{} has {} axes beside the rows, and {} are taken of it", vector.type_, shape.len(), axes.len());
        return Err(ColumnsError::mismatch(expr, reason));
    }
    let mut places = vec![0];
    let mut left = Vec::new();
    for (at, length) in shape.iter().enumerate() {
        let positions = match axes.get(at) {
            None => 0..*length,
            Some(Axis::At(position)) => {
                let place = from_start(*position, *length).filter(|place| place < length).ok_or_else(|| {
                    ColumnsError::mismatch(
                        expr,
                        format!("there is no component {position} of {length}; the first is 0, the last -1"),
                    )
                })?;
                place..place + 1
            }
            Some(Axis::Slice(from, to)) => {
                let limit = |position: Option<i64>, otherwise: usize| match position {
                    None => otherwise,
                    Some(position) => from_start(position, *length).unwrap_or(0).min(*length),
                };
                limit(*from, 0)..limit(*to, *length)
            }
        };
        if positions.is_empty() {
            return Err(ColumnsError::mismatch(expr, format!("the slice takes no component of {length}")));
        }
        if !matches!(axes.get(at), Some(Axis::At(_))) {
            left.push(positions.len());
        }
        places =
            places.iter().flat_map(|place| positions.clone().map(move |position| place * length + position)).collect();
    }
    let (single, type_) = match left.is_empty() {
        true => (true, element.as_ref().clone()),
        false => (false, Type::Vector(element.clone(), left.into())),
    };
    let name = format!("components {places:?} {single}");
    let node = planner.compute(name, components::picked(places, single), vec![vector.node], type_, expr)?;
    Ok(planner.computed(node, expr))
}

/// A position that is counted from the end where negative; none before the start.
fn from_start(position: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    usize::try_from(if position < 0 { position.checked_add(length)? } else { position }).ok()
}

fn getitem(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let at = call.integer(1)?.ok_or_else(|| call.wrong(1, "a whole number is expected"))?;
    let vector = call.operand(0)?;
    let expr = call.expr.clone();
    index(call.planner, vector, &[Axis::At(at)], &expr)
}

fn over(call: &mut Call<'_, '_>, what: Over) -> ColumnsResult<Operand> {
    let v = call.operand(0)?;
    if !matches!(v.type_, Type::Vector(..)) {
        let hint = match what {
            Over::Least => "; of several columns it is minimum(a, b), and of all rows an aggregation of the frame",
            Over::Greatest => "; of several columns it is maximum(a, b), and of all rows an aggregation of the frame",
            _ => "; of all rows it is an aggregation of the frame",
        };
        return Err(call.wrong_type(&v, &format!("vectors{hint}")));
    }
    match call.integer(1)? {
        Some(axis) => over_axis(call, &v, axis, what),
        None => {
            Err(call.wrong(1, "is missing; axis=1 is for each row, and without axis it is an aggregation of the frame"))
        }
    }
}

fn std(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let ddof = call.integer(2)?.unwrap_or(0);
    over(call, Over::Deviation(ddof as f64))
}

fn array_sum(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let v = call.operand(0)?;
    let Type::Vector(element, shape) = &v.type_ else { return Err(call.wrong_type(&v, "vectors")) };
    match call.integer(1)? {
        Some(axis) => over_axis(call, &v, axis, Over::Sum),
        // All components lie in one line.
        None => {
            let flat = Type::Vector(element.clone(), [shape.iter().product()].into());
            over_axis(call, &Operand { type_: flat, ..v }, 1, Over::Sum)
        }
    }
}

fn over_axis(call: &mut Call<'_, '_>, v: &Operand, axis: i64, what: Over) -> ColumnsResult<Operand> {
    let Type::Vector(element, shape) = &v.type_ else { return Err(call.wrong_type(v, "vectors")) };
    let at = from_start(axis, shape.len() + 1).filter(|at| (1..=shape.len()).contains(at)).ok_or_else(|| {
        let reason = match axis {
            0 => "axis 0 is the rows; over these it is an aggregation of the frame".to_owned(),
            _ => format!("{} has no axis {axis}; its components lie along axes 1 to {}", v.type_, shape.len()),
        };
        call.wrong(1, &reason)
    })?;
    let (before, after) = shape.split_at(at - 1);
    let (length, after) = after.split_first().map_or((1, after), |(length, after)| (*length, after));
    if length == 0 {
        return Err(call.wrong(0, "there are no components"));
    }
    let axis = AxisOf { outer: before.iter().product(), length, inner: after.iter().product() };
    let computed_in = match (what, element.as_ref()) {
        (Over::Least | Over::Greatest, element) => element.clone(),
        (_, element) if element.is_float() => element.clone(),
        (Over::Sum, Type::Int(int)) if !int.signed() => Type::Int(Int::U64),
        (Over::Sum, _) => Type::INT64,
        _ => Type::Float64,
    };
    // The shape of the node is that of the operand, or the same in one line.
    let kernel = components::over(what, axis, shape.len() == 1);
    let left: Vec<usize> = before.iter().chain(after).copied().collect();
    let type_ = match left.is_empty() {
        true => computed_in.clone(),
        false => Type::Vector(Box::new(computed_in.clone()), left.into()),
    };
    let x = call.cast(v, &Type::Vector(Box::new(computed_in), shape.clone()))?;
    call.compute(&format!("{what:?} {axis:?}"), &[&x], type_, move |arguments| kernel(arguments))
}

/// Vectors with floating-point components: a column, or a list of values or of expressions.
fn vectors(call: &mut Call<'_, '_>, at: usize) -> ColumnsResult<Operand> {
    let Some(expr) = call.given(at).cloned() else { return Err(call.wrong(at, "is missing")) };
    let listed = match &*expr.kind {
        Kind::List(items) => items.iter().map(|item| call.value_of(item)).collect::<ColumnsResult<Vec<_>>>().ok(),
        _ => match call.value_of(&expr) {
            Ok(Value::List(values)) => Some(values),
            _ => None,
        },
    };
    let operand = match (listed, &*expr.kind) {
        (Some(values), _) => {
            // Of one type, in which they are computed with.
            let floats = values.iter().map(|value| value.as_f64().map(Value::Float)).collect::<Option<Vec<_>>>();
            let floats = floats
                .filter(|floats| !floats.is_empty())
                .ok_or_else(|| call.wrong(at, "a list of numbers is expected"))?;
            call.planner.literal(Value::List(floats), &expr)?
        }
        (None, Kind::List(items)) => stacked(call, items, &expr)?,
        _ => call.operand(at)?,
    };
    let Type::Vector(element, shape) = &operand.type_ else {
        return Err(call.wrong_type(&operand, "vectors and lists of numbers"));
    };
    let element = if element.is_float() { element.as_ref().clone() } else { Type::Float64 };
    let type_ = Type::Vector(Box::new(element), shape.clone());
    call.cast(&operand, &type_)
}

fn pair(call: &mut Call<'_, '_>, what: Pair) -> ColumnsResult<Operand> {
    let (a, b) = (vectors(call, 0)?, vectors(call, 1)?);
    let (Type::Vector(_, x), Type::Vector(_, y)) = (&a.type_, &b.type_) else {
        return Err(call.wrong_type(&a, "vectors"));
    };
    if x != y || x.len() != 1 {
        let reason = format!("vectors of the same width are expected, and these are {} and {}", a.type_, b.type_);
        return Err(call.wrong(1, &reason));
    }
    let kernel = distances::pair(what);
    call.compute(&format!("{what:?}"), &[&a, &b], Type::Float64, move |arguments| kernel(arguments))
}

fn norm(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let what = match call.value(1)? {
        None | Some(Value::Null | Value::Int(2)) => Norm::Two,
        Some(Value::Int(1)) => Norm::One,
        Some(Value::Float(value)) if value == f64::INFINITY => Norm::Greatest,
        Some(_) => return Err(call.wrong(1, "1, 2 or inf is expected")),
    };
    let v = vectors(call, 0)?;
    let kernel = distances::norm(what);
    call.compute(&format!("{what:?}"), &[&v], Type::Float64, move |arguments| kernel(arguments))
}

fn stack(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let given: Vec<Expr> = (0..call.count()).filter_map(|at| call.given(at).cloned()).collect();
    let items = match given.first().map(|first| &*first.kind) {
        Some(Kind::List(items)) if given.len() == 1 => items.clone(),
        _ => given,
    };
    let expr = call.expr.clone();
    stacked(call, &items, &expr)
}

fn stacked(call: &mut Call<'_, '_>, items: &[Expr], expr: &Expr) -> ColumnsResult<Operand> {
    let operands: Vec<Operand> = items.iter().map(|item| call.planner.operand(item)).collect::<ColumnsResult<_>>()?;
    let (nodes, type_) = call.planner.unify(&operands, expr)?;
    let element = match &type_ {
        Type::Bool => type_,
        type_ if type_.is_number() => type_.clone(),
        _ => {
            return Err(ColumnsError::mismatch(
                expr,
                format!("a vector has numbers as components, and these are {type_}"),
            ));
        }
    };
    let vector = Type::Vector(Box::new(element), [nodes.len()].into());
    let node = call.planner.compute("stack".to_owned(), components::stacked(), nodes, vector, expr)?;
    Ok(call.planner.computed(node, expr))
}
