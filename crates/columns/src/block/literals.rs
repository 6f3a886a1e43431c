//! Lanes of values that are written out.

use super::{Lane, Number, TextBuilder, Values, YES};
use crate::types::{Int, Type};
use crate::value::Value;

impl Lane<'static> {
    /// These values, each in a row of its own; nothing where one of them is no value of the type.
    pub(crate) fn of_values(values: &[Value], type_: &Type) -> Option<Self> {
        let lane = match type_ {
            Type::Null => Values::Null,
            Type::Text => {
                let mut builder = TextBuilder::with_capacity(values.len(), 0);
                for value in values.iter() {
                    builder.push(if value.is_null() { "" } else { value.as_str()? });
                }
                Values::Text(builder.finish())
            }
            Type::Bool => {
                let bools = values.iter().map(|value| match value {
                    Value::Null | Value::Bool(false) => Some(0),
                    Value::Bool(true) => Some(YES),
                    _ => None,
                });
                Values::Bool(bools.collect::<Option<Vec<u8>>>()?.into())
            }
            Type::Int(Int::I8) => numbers::<i8>(values, type_)?,
            Type::Int(Int::I16) => numbers::<i16>(values, type_)?,
            Type::Int(Int::I32) => numbers::<i32>(values, type_)?,
            Type::Int(Int::I64) | Type::Instant(..) | Type::Duration(_) => numbers::<i64>(values, type_)?,
            Type::Int(Int::U8) => numbers::<u8>(values, type_)?,
            Type::Int(Int::U16) => numbers::<u16>(values, type_)?,
            Type::Int(Int::U32) => numbers::<u32>(values, type_)?,
            Type::Int(Int::U64) => numbers::<u64>(values, type_)?,
            Type::Float32 => numbers::<f32>(values, type_)?,
            Type::Float64 => numbers::<f64>(values, type_)?,
            Type::Vector(..) | Type::Other(_) => return None,
        };
        let missing = values.iter().any(Value::is_null);
        let valid = missing
            .then(|| values.iter().map(|value| if value.is_null() { 0 } else { YES }).collect::<Vec<_>>().into());
        Some(Self::with_valid(lane, valid))
    }
}

fn numbers<T: Number>(values: &[Value], type_: &Type) -> Option<Values<'static>> {
    let number = |value: &Value| T::of(&Lane::constant(value, type_)?.values)?.first().copied();
    Some(T::values(values.iter().map(number).collect::<Option<Vec<_>>>()?.into()))
}
