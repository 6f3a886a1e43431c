//! Values looked up in lists and pairs.

use crate::block::Lane;
use crate::error::{ColumnsError, ColumnsResult};
use crate::kernels::lookup::{Keys, Others, contains, key_bits, mapped};
use crate::plan::{Call, Function, Operand, with_literal};
use crate::types::{Int, Type};
use crate::value::Value;

use super::rounding::ticks;

pub(super) static FUNCTIONS: &[Function] = &[
    Function {
        name: "isin",
        arguments: &["x", "values", "use_hashmap?"],
        about: "Whether the value is one of a list, in which None stands for what is missing and nan for NaN.",
        bind: isin,
    },
    Function {
        name: "map",
        arguments: &["x", "mapper", "nan_value?", "missing_value?", "default_value?", "allow_missing?"],
        about: "What the value is the key of in pairs; a value without one has no result unless there is a default_value or allow_missing.",
        bind: map,
    },
];

/// The keys that values are looked up among, which must be of the operand's type.
fn keys_of(call: &Call<'_, '_>, at: usize, x: &Operand, values: &[Value]) -> ColumnsResult<Keys> {
    let missing = (0..).zip(values).filter(|(_, value)| value.is_null()).map(|(number, _)| number).last();
    let wrong = |value: &Value| call.wrong(at, &format!("{value} is no value that goes with {}", x.type_));
    let number = |value: &Value| matches!(value, Value::Null | Value::Int(_) | Value::Float(_) | Value::Bool(_));
    let bits: Vec<Option<u64>> = match &x.type_ {
        Type::Text => {
            if let Some(value) = values.iter().find(|value| !value.is_null() && value.as_str().is_none()) {
                return Err(wrong(value));
            }
            return Ok(Keys::of_texts(values.iter().map(Value::as_str), missing));
        }
        type_ if type_.is_number() || matches!(type_, Type::Bool | Type::Null) => {
            if let Some(value) = values.iter().find(|value| !number(value)) {
                return Err(wrong(value));
            }
            let type_ = if matches!(type_, Type::Bool | Type::Null) { &Type::Int(Int::U8) } else { type_ };
            values.iter().map(|value| key_bits(value, type_)).collect()
        }
        Type::Instant(unit, _) | Type::Duration(unit) => {
            let instants = matches!(x.type_, Type::Instant(..));
            let mut bits = Vec::with_capacity(values.len());
            for value in values {
                let fits = match value {
                    Value::Null => true,
                    Value::Instant(..) | Value::Text(_) => instants,
                    Value::Duration(..) => !instants,
                    _ => false,
                };
                if !fits {
                    return Err(wrong(value));
                }
                bits.push(ticks(value, *unit).and_then(|ticks| key_bits(&Value::from(ticks), &Type::INT64)));
            }
            bits
        }
        _ => return Err(call.wrong_type(x, "single values")),
    };
    Ok(Keys::of_numbers(&bits, missing))
}

fn isin(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let values = call.values(1)?;
    let x = call.operand(0)?;
    // How values are found is no question of what is found.
    call.flag(2)?;
    let kernel = contains(keys_of(call, 1, &x, &values)?);
    let list = Value::List(values);
    call.compute(&list.to_string(), &[&x], Type::Bool, move |arguments| kernel(arguments))
}

fn map(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let pairs = call.pairs(1)?;
    let x = call.operand(0)?;
    let (mut keys, mut results): (Vec<Value>, Vec<Value>) = pairs.into_iter().unzip();
    // A value that is given and is not None.
    let given = |at: usize| Ok::<_, ColumnsError>(call.value(at)?.filter(|value| !value.is_null()));
    let (nan, missing, default) = (given(2)?, given(3)?, given(4)?);
    let allow = call.flag(5)?.unwrap_or(false) || matches!(call.value(4)?, Some(Value::Null));
    let mut others = Others { missing: allow, ..Others::default() };
    if let Some(value) = missing.filter(|_| !keys.iter().any(Value::is_null)) {
        keys.push(Value::Null);
        results.push(value);
    }
    let number =
        |results: &[Value]| u32::try_from(results.len()).map_err(|_| call.wrong(1, "there are too many pairs"));
    if let Some(value) = nan {
        others.nan = Some(number(&results)?);
        results.push(value);
    }
    if let Some(value) = default {
        others.default = Some(number(&results)?);
        results.push(value);
    }
    let keys_key = format!("{} {others:?}", Value::List(keys.clone()));
    let keys = keys_of(call, 1, &x, &keys)?;
    let type_ = if results.is_empty() { Some(Type::Null) } else { type_of_all(&results) };
    let Some((lane, type_)) = type_.and_then(|type_| Some((Lane::of_values(&results, &type_)?, type_))) else {
        return Err(call.wrong(1, "the results are of different types; write all as numbers, or all as text"));
    };
    let kernel = mapped(keys, lane, others, x.type_.clone());
    let parameters = format!("{keys_key} {}", Value::List(results));
    call.compute(&parameters, &[&x], type_, move |arguments| kernel(arguments))
}

/// The type that values which are written out have in common. They become no nodes of the plan: each of those names the expression that
/// it is of, which is as long as all of the pairs together.
fn type_of_all(values: &[Value]) -> Option<Type> {
    let mut values = values.iter().map(|value| (value, value.type_of()));
    let first = values.next()?.1;
    values.try_fold(first, |type_, (value, own)| with_literal(&type_, value, &own))
}
