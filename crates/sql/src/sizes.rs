//! Functions whose arguments say how much they make: memory limits do not bound what a row of a query holds.

use serde_json::{Map, Value};

/// What such an argument may say at most.
const MOST: u64 = 999;

/// Why a call may make more than is good, where it may. `None` for functions that make no more than they are given.
pub(crate) fn unbounded(name: &str, call: &Map<String, Value>) -> Option<String> {
    let arguments = call.get("arguments").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let is_bounded = match name {
        "range" | "generate_series" => arguments.iter().all(is_small),
        // Longer lists repeat the third argument, which can be a list itself.
        "array_resize" | "list_resize" => {
            arguments.get(1).is_some_and(is_small) && arguments.get(2).is_none_or(|filling| constant(filling).is_some())
        }
        "bitstring" | "lpad" | "rpad" => arguments.get(1).is_some_and(is_small),
        _ => true,
    };
    let instead = match name {
        "range" | "generate_series" => ", or stands as a table: FROM range(1000000)",
        _ => "",
    };
    (!is_bounded).then(|| format!("{name} needs constant numbers of three digits at most{instead}"))
}

/// The literal that an argument is.
fn constant(argument: &Value) -> Option<&Map<String, Value>> {
    argument.get("expression")?.get("literal")?.as_object()
}

fn is_small(argument: &Value) -> bool {
    let text = |literal: &Map<String, Value>| Some(literal.get("text")?.as_str()?.replace('_', ""));
    let number = constant(argument).and_then(text).and_then(|text| text.parse::<i64>().ok());
    number.is_some_and(|number| number.unsigned_abs() <= MOST)
}
