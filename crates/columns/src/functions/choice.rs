//! Choices by conditions, and by lists of values.

use std::collections::HashSet;
use std::sync::Arc;

use crate::block::{Lane, Number, Values, YES, with_numbers};
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::{self, lit};
use crate::kernels::{choice, map};
use crate::plan::{Arguments, Call, Function, Kernel, Operand};
use crate::types::Type;
use crate::value::Value;

pub(super) static FUNCTIONS: &[Function] = &[
    Function {
        name: "where",
        arguments: &["condition", "x", "y"],
        about: "The one value where a condition is true, the other one elsewhere.",
        bind: |call| {
            let condition = condition(call, 0)?;
            let (yes, no) = (call.operand(1)?, call.operand(2)?);
            chosen(call, condition, yes, no)
        },
    },
    Function {
        name: "case",
        arguments: &["conditions_and_values*"],
        about: "The value behind the first condition that is true; the last value where none is.",
        bind: case,
    },
    Function {
        name: "between",
        arguments: &["x", "low", "high"],
        about: "Whether it lies between two values, or is one of them.",
        bind: |call| {
            let given: Vec<_> = (0..3).filter_map(|at| call.given(at).cloned()).collect();
            match given.as_slice() {
                [x, low, high] => call.planner.operand(&x.between(low.clone(), high.clone())),
                _ => Err(call.wrong(0, "is missing")),
            }
        },
    },
    Function {
        name: "map",
        arguments: &["x", "values", "default_value?"],
        about: "The value that stands behind this one in braces; the default, or nothing, for others.",
        bind: mapped,
    },
    Function {
        name: "isin",
        arguments: &["x", "values", "use_hashmap?"],
        about: "Whether it is one of the values. None and NaN in the list stand for themselves.",
        bind: isin,
    },
];

fn condition(call: &mut Call<'_, '_>, at: usize) -> ColumnsResult<Operand> {
    let operand = call.operand(at)?;
    match operand.type_ {
        Type::Bool => Ok(operand),
        Type::Null => call.cast(&operand, &Type::Bool),
        _ => Err(call.wrong_type(&operand, "a condition")),
    }
}

fn chosen(call: &mut Call<'_, '_>, condition: Operand, yes: Operand, no: Operand) -> ColumnsResult<Operand> {
    let expr = call.expr.clone();
    let (values, type_) = call.planner.unify(&[yes, no], &expr)?;
    let nodes = std::iter::once(condition.node).chain(values).collect();
    let kernel: Kernel = Arc::new(|mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let condition = arguments.next().spread(rows);
        let (yes, no) = (arguments.next(), arguments.next());
        let fault = condition.fault.clone();
        let Values::Bool(truth) = condition.values else { return Ok(no.spread(rows)) };
        let mut mask = truth.into_vec();
        if let Some(valid) = &condition.valid {
            mask.iter_mut().zip(valid.iter()).for_each(|(truth, valid)| *truth &= valid);
        }
        let mut lane = choice::pick(&mask, yes, no, rows);
        lane.fault = crate::block::Fault::both(lane.fault, fault);
        Ok(lane)
    });
    let node = call.planner.compute_with("where".to_owned(), kernel, nodes, type_, &expr, false)?;
    Ok(call.planner.computed(node, &expr))
}

fn case(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let count = call.count();
    if count.is_multiple_of(2) {
        return Err(call.wrong(0, "conditions and values take turns, with a value at the end"));
    }
    let mut result = call.operand(count - 1)?;
    for at in (0..count - 1).step_by(2).rev() {
        let condition = condition(call, at)?;
        let value = call.operand(at + 1)?;
        result = chosen(call, condition, value, result)?;
    }
    Ok(result)
}

fn mapped(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let Some(x) = call.given(0).cloned() else { return Err(call.wrong(0, "is missing")) };
    let mut arguments = Vec::new();
    for (key, value) in call.pairs(1)? {
        let holds = match &key {
            Value::Null => x.call("ismissing", []),
            Value::Float(key) if key.is_nan() => x.call("isnan", []),
            key => x.equal(lit(key.clone())),
        };
        arguments.extend([holds, lit(value)]);
    }
    arguments.push(call.given(2).cloned().unwrap_or_else(|| lit(Value::Null)));
    call.planner.operand(&expr::call("case", arguments))
}

/// What is looked for.
#[derive(Debug)]
enum Wanted {
    Numbers { words: HashSet<u64>, nan: bool, missing: bool },
    Texts { texts: HashSet<Vec<u8>>, missing: bool },
    Bools { yes: bool, no: bool, missing: bool },
}

fn isin(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let operand = call.operand(0)?;
    let values = call.values(1)?;
    let missing = values.iter().any(Value::is_null);
    let present: Vec<&Value> = values.iter().filter(|value| !value.is_null()).collect();
    let unlike = |value: &Value| {
        ColumnsError::mismatch(&call.expr, format!("{value} is never among values of type {}", operand.type_))
    };
    let wanted = match &operand.type_ {
        Type::Text => {
            let texts = present.iter().map(|value| match value {
                Value::Text(text) => Ok(text.as_bytes().to_vec()),
                other => Err(unlike(other)),
            });
            Wanted::Texts { texts: texts.collect::<ColumnsResult<_>>()?, missing }
        }
        Type::Bool => {
            if let Some(other) = present.iter().find(|value| !matches!(value, Value::Bool(_))) {
                return Err(unlike(other));
            }
            Wanted::Bools {
                yes: present.contains(&&Value::Bool(true)),
                no: present.contains(&&Value::Bool(false)),
                missing,
            }
        }
        Type::Null => Wanted::Bools { yes: false, no: false, missing },
        type_ => {
            let mut words = HashSet::new();
            let mut nan = false;
            for value in present {
                match (value, type_) {
                    (Value::Float(value), _) if value.is_nan() => nan = true,
                    // A text that is written out beside instants is read as one.
                    (Value::Text(text), Type::Instant(unit, zone)) => {
                        match crate::kernels::cast::instant_of_text(text, *unit, zone.clone()) {
                            Ok(Value::Instant(ticks, ..)) => _ = words.insert(ticks.ordered_bits()),
                            Ok(_) => {}
                            Err(reason) => return Err(ColumnsError::mismatch(&call.expr, reason)),
                        }
                    }
                    (Value::Int(_) | Value::Float(_) | Value::Bool(_), type_) if type_.is_number() => {
                        // What the type cannot hold is none of its values.
                        words.extend(word_of(value, type_));
                    }
                    (Value::Instant(..), Type::Instant(..)) | (Value::Duration(..), Type::Duration(_)) => {
                        match Lane::constant(value, type_).map(|lane| lane.values) {
                            Some(Values::I64(ticks)) if value.type_of() == *type_ => {
                                words.extend(ticks.iter().map(|ticks| ticks.ordered_bits()));
                            }
                            _ => return Err(unlike(value)),
                        }
                    }
                    _ => return Err(unlike(value)),
                }
            }
            if !(type_.is_number() || matches!(type_, Type::Instant(..) | Type::Duration(_))) {
                return Err(call.wrong_type(&operand, "numbers, texts, truth values, instants or durations"));
            }
            Wanted::Numbers { words, nan, missing }
        }
    };
    let list: Vec<String> = values.iter().map(ToString::to_string).collect();
    call.compute(&list.join(","), &[&operand], Type::Bool, move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let lane = arguments.next().spread(rows);
        Ok(Lane::new(Values::Bool(found(&wanted, &lane, rows).into())))
    })
}

/// The bits of a value among those of a type, if it is one of its values.
fn word_of(value: &Value, type_: &Type) -> Option<u64> {
    let exact = match (value, type_) {
        (Value::Float(float), Type::Int(_)) if float.fract() == 0.0 && float.abs() < 1e19 => Value::Int(*float as i128),
        (Value::Float(float), Type::Float32) if f64::from(*float as f32) != *float => return None,
        (value, _) => value.clone(),
    };
    let lane = Lane::constant(&exact, type_)?;
    let back = lane.value(0, type_);
    let same = back.as_f64() == exact.as_f64();
    with_numbers!(&lane.values, values => values.first().filter(|_| same).map(|value| word(*value)), _ => None)
}

/// Bits by which a number is told from others. Both zeros are one.
#[inline(always)]
fn word<T: Number>(number: T) -> u64 {
    if number == T::default() { T::default().ordered_bits() } else { number.ordered_bits() }
}

fn found(wanted: &Wanted, lane: &Lane<'_>, rows: usize) -> Vec<u8> {
    let mask = |truth: bool| if truth { YES } else { 0 };
    let missing = match wanted {
        Wanted::Numbers { missing, .. } | Wanted::Texts { missing, .. } | Wanted::Bools { missing, .. } => *missing,
    };
    let mut found: Vec<u8> = match (wanted, &lane.values) {
        (Wanted::Texts { texts, .. }, Values::Text(of)) => {
            (0..rows).map(|row| mask(texts.contains(of.bytes(row).unwrap_or_default()))).collect()
        }
        (Wanted::Bools { yes, no, .. }, Values::Bool(values)) => {
            values.iter().map(|value| mask(if *value == YES { *yes } else { *no })).collect()
        }
        (Wanted::Numbers { words, nan, .. }, values) => {
            // A few values are compared one by one, which is a vector instruction; of many a set is asked.
            let few: Vec<u64> = words.iter().copied().take(9).collect();
            with_numbers!(values, values => {
                if few.len() <= 8 {
                    map(values, |value| mask(if value.is_number() {
                        let word = word(value);
                        few.iter().fold(false, |any, one| any | (*one == word))
                    } else {
                        *nan
                    })).into_vec()
                } else {
                    values.iter().map(|value| mask(if value.is_number() { words.contains(&word(*value)) } else { *nan })).collect()
                }
            }, _ => vec![0; rows])
        }
        _ => vec![0; rows],
    };
    if let Some(valid) = lane.valid_rows(rows) {
        found.iter_mut().zip(valid.iter()).for_each(|(found, valid)| {
            *found = if *valid == YES { *found } else { mask(missing) };
        });
    }
    found
}
