//! Functions whose arguments say how much they make: memory limits do not bound what a row of a query holds.

use serde_json::{Map, Value};

/// What such an argument may say at most.
const MOST: u64 = 999;
/// How many values a sample may have: by default they are 8,192.
const SAMPLE: u64 = 9_999;

/// Functions that apply an aggregate function to a list: its name is their second argument, and those behind it are its own.
const AGGREGATING: [&str; 4] = ["array_aggr", "array_aggregate", "list_aggr", "list_aggregate"];

/// The arguments of a call.
pub(crate) fn arguments(call: &Map<String, Value>) -> Vec<&Value> {
    call.get("arguments").and_then(Value::as_array).into_iter().flatten().collect()
}

/// The name of the aggregate function that a call applies to a list, in lower case, and its arguments; an empty name where the
/// text does not say it.
pub(crate) fn applied<'a>(name: &str, arguments: &[&'a Value]) -> Option<(String, Vec<&'a Value>)> {
    if !AGGREGATING.contains(&name) {
        return None;
    }
    let literal = arguments.get(1).and_then(|argument| constant(argument));
    let literal = literal.filter(|literal| literal.get("kind").is_some_and(|kind| kind == "STRING"));
    let applied = literal.and_then(|literal| literal.get("text")?.as_str()).unwrap_or_default().to_ascii_lowercase();
    let given = arguments.iter().take(1).chain(arguments.iter().skip(2)).copied();
    Some((applied, given.collect()))
}

/// Why a call may make more than is good, where it may. `None` for functions that make no more than they are given.
pub(crate) fn unbounded(name: &str, arguments: &[&Value]) -> Option<String> {
    let is_small = |place: usize| arguments.get(place).is_some_and(|argument| is_at_most(argument, MOST));
    let is_bounded = match name {
        "range" | "generate_series" => arguments.iter().all(|argument| is_at_most(argument, MOST)),
        // Longer lists repeat the third argument, which can be a list itself.
        "array_resize" | "list_resize" => {
            is_small(1) && arguments.get(2).is_none_or(|filling| constant(filling).is_some())
        }
        "approx_top_k" | "bitstring" | "lpad" | "rpad" => is_small(1),
        "equi_width_bins" => is_small(2),
        "reservoir_quantile" => {
            let is_size = |place: usize, argument: &Value| place == 2 || is_named(argument, "sample_size");
            let mut sizes = arguments.iter().enumerate().filter(|(place, argument)| is_size(*place, argument));
            sizes.all(|(_, argument)| is_at_most(argument, SAMPLE))
        }
        // Each group has a bit for every number between the smallest and the largest, which without them are those of the column.
        "bitstring_agg" => match arguments {
            [_, least, most] => match (number(least), number(most)) {
                (Some(least), Some(most)) => most.abs_diff(least) <= MOST,
                _ => false,
            },
            _ => false,
        },
        _ => true,
    };
    let needs = match name {
        "range" | "generate_series" => {
            "constant numbers of three digits at most, or stands as a table: FROM range(1000000)"
        }
        "reservoir_quantile" => "a constant size of its sample, of four digits at most",
        "bitstring_agg" => {
            "a constant smallest and largest value, 999 apart at most, behind the column: bitstring_agg(x, 0, 999)"
        }
        _ => "constant numbers of three digits at most",
    };
    (!is_bounded).then(|| format!("{name} needs {needs}"))
}

/// The literal that an argument is.
fn constant(argument: &Value) -> Option<&Map<String, Value>> {
    argument.get("expression")?.get("literal")?.as_object()
}

fn is_named(argument: &Value, name: &str) -> bool {
    argument.get("name").and_then(Value::as_str).is_some_and(|given| given.eq_ignore_ascii_case(name))
}

fn number(argument: &Value) -> Option<i64> {
    constant(argument)?.get("text")?.as_str()?.replace('_', "").parse().ok()
}

fn is_at_most(argument: &Value, most: u64) -> bool {
    number(argument).is_some_and(|number| number.unsigned_abs() <= most)
}

/// Whether a format is a text of the query itself that makes no text much longer than the values: memory limits do not bound it.
pub(crate) fn is_short_format(call: &Map<String, Value>) -> bool {
    let first = call.get("arguments").and_then(|arguments| arguments.get(0)?.get("expression")?.get("literal"));
    let Some(format) = first.and_then(|literal| literal.get("text")).and_then(Value::as_str) else { return false };
    let is_long = |digits: &str| digits.len() > 3;
    // A width can be one of the values as well.
    let (mut open, mut nested) = (0, false);
    for c in format.replace("{{", "").chars() {
        match c {
            '{' => open += 1,
            '}' => open = 0,
            _ => {}
        }
        nested |= open > 1 || c == '*';
    }
    !nested && !format.split(|c: char| !c.is_ascii_digit()).any(is_long)
}
