//! Values as values of another type, and as text.

use crate::error::{ColumnsError, ColumnsResult};
pub(super) use crate::kernels::convert::Errors;
use crate::kernels::convert::convert;
use crate::kernels::printf::Format;
use crate::plan::{Call, Function, Operand};
use crate::types::Type;

pub(super) static FUNCTIONS: &[Function] = &[
    Function {
        name: "astype",
        arguments: &["x", "dtype", "errors?"],
        about: "The value as one of another type; errors=\"null\" makes what does not fit missing, \"saturate\" the nearest that fits, and NaN missing.",
        bind: astype,
    },
    Function {
        name: "to_string",
        arguments: &["x"],
        about: "The value as text, numbers as Python writes them.",
        bind: to_string,
    },
    Function {
        name: "format",
        arguments: &["x", "format"],
        about: "The value as text by a printf format, as \"%05d\" or \"%.2f\".",
        bind: format,
    },
];

/// The type that an argument names, if there is one.
pub(super) fn type_argument(call: &Call<'_, '_>, at: usize) -> ColumnsResult<Option<Type>> {
    let Some(name) = call.text(at)? else { return Ok(None) };
    match Type::from_name(&name) {
        Some(type_) => Ok(Some(type_)),
        None => Err(call.wrong(
            at,
            &format!("there is no type '{name}'; there are bool, int8 to int64, uint8 to uint64, float32, float64, str, date, datetime64[ns] and timedelta64[ns], the last two with any unit"),
        )),
    }
}

/// An operand as values of another type. Of a vector, the components are.
pub(super) fn cast_to(call: &mut Call<'_, '_>, x: &Operand, type_: &Type, errors: Errors) -> ColumnsResult<Operand> {
    let target = match (&x.type_, type_) {
        (Type::Vector(_, shape), element) if element.is_number() || *element == Type::Bool => {
            Type::Vector(Box::new(element.clone()), shape.clone())
        }
        // The unit is named, and the zone stays.
        (Type::Instant(_, zone @ Some(_)), Type::Instant(unit, None)) => Type::Instant(*unit, zone.clone()),
        _ => type_.clone(),
    };
    if x.type_ == target || x.type_ == Type::Null {
        return call.cast(x, &target);
    }
    let Some(kernel) = convert(&x.type_, &target, errors) else {
        let hint = match (&x.type_, &target) {
            (Type::Instant(..), Type::Instant(..)) => "; give it a zone with `dt_tz_localize`",
            (Type::Duration(_), Type::Duration(_)) => "; months and years differ in length",
            (Type::Float32 | Type::Float64, Type::Instant(..) | Type::Duration(_)) => "; cast it to int64 first",
            (Type::Vector(..), _) => "; take a component, as in v[:, 0]",
            _ => "",
        };
        return Err(ColumnsError::mismatch(&call.expr, format!("there is no cast from {} to {target}{hint}", x.type_)));
    };
    let x = Operand { literal: None, ..x.clone() };
    call.compute(&format!("cast {target} {errors:?}"), &[&x], target, move |arguments| kernel(arguments))
}

fn astype(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let x = call.operand(0)?;
    let type_ = type_argument(call, 1)?.ok_or_else(|| call.wrong(1, "the name of a type is expected"))?;
    let errors = match call.text(2)?.as_deref() {
        None | Some("strict") => Errors::Strict,
        Some("null") => Errors::Null,
        Some("saturate") => Errors::Saturate,
        Some(_) => return Err(call.wrong(2, "\"strict\", \"null\" or \"saturate\" is expected")),
    };
    cast_to(call, &x, &type_, errors)
}

fn to_string(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let x = call.operand(0)?;
    cast_to(call, &x, &Type::Text, Errors::Strict)
}

fn format(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let text = call.needed_text(1)?;
    let format = Format::parse(&text).map_err(|reason| call.wrong(1, &reason))?;
    let x = call.operand(0)?;
    let type_ = match &x.type_ {
        // Other values are written as text first.
        _ if format.takes_text() => Type::Text,
        Type::Int(_) if format.takes_whole() => x.type_.clone(),
        Type::Bool if format.takes_whole() => Type::INT64,
        _ if format.takes_whole() => return Err(call.wrong_type(&x, &format!("whole numbers with '{text}'"))),
        Type::Float32 | Type::Float64 | Type::Int(_) | Type::Bool | Type::Null => Type::Float64,
        _ => return Err(call.wrong_type(&x, &format!("numbers with '{text}'"))),
    };
    let x = cast_to(call, &x, &type_, Errors::Strict)?;
    let kernel = format.kernel();
    call.compute(&format!("{text:?}"), &[&x], Type::Text, move |arguments| kernel(arguments))
}
