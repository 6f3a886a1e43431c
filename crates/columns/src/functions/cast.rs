//! Values as values of another type.

use crate::error::ColumnsResult;
use crate::kernels::convert::{Misfit, conversion};
use crate::plan::{Call, Function, Operand};
use crate::types::Type;

pub(super) static FUNCTIONS: &[Function] = &[
    Function {
        name: "astype",
        arguments: &["x", "type", "errors?"],
        about: "The same as values of a type. Those that it does not have are an error once they are used; with errors=\"null\" they are \
                missing, with errors=\"saturate\" the nearest value of the type.",
        bind: astype,
    },
    Function {
        name: "to_string",
        arguments: &["x"],
        about: "The value as text.",
        bind: |call| {
            let operand = call.operand(0)?;
            converted(call, operand, &Type::Text, Misfit::Fault)
        },
    },
];

fn astype(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let name = call.needed_text(1)?;
    let misfit = match call.text(2)?.as_deref() {
        None | Some("raise") => Misfit::Fault,
        Some("null") => Misfit::Missing,
        Some("saturate") => Misfit::Nearest,
        Some(_) => return Err(call.wrong(2, "there are \"raise\", \"null\" and \"saturate\"")),
    };
    let operand = call.operand(0)?;
    let wanted = Type::from_name(&name).ok_or_else(|| {
        call.wrong(1, "there are bool, int8 to int64, uint8 to uint64, float32, float64, str, date, datetime64[ns], timedelta64[s] and so on")
    })?;
    let wanted = match (&operand.type_, wanted) {
        // The zone of an instant stays.
        (Type::Instant(_, zone), Type::Instant(unit, None)) => Type::Instant(unit, zone.clone()),
        (Type::Vector(_, shape), element) if !matches!(element, Type::Text) => {
            Type::Vector(Box::new(element), shape.clone())
        }
        (_, wanted) => wanted,
    };
    converted(call, operand, &wanted, misfit)
}

fn converted(call: &mut Call<'_, '_>, operand: Operand, wanted: &Type, misfit: Misfit) -> ColumnsResult<Operand> {
    if operand.type_ == *wanted {
        return Ok(Operand { literal: None, ..operand });
    }
    let Some(kernel) = conversion(&operand.type_, wanted, misfit) else {
        return Err(call.wrong_type(&operand, &format!("what can be made {wanted}")));
    };
    call.compute(&format!("{wanted} {misfit:?}"), &[&operand], wanted.clone(), move |arguments| kernel(arguments))
}
