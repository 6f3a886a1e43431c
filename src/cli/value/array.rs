//! Arrays as text.

use datafolio_handlers::npy::{Element, NpyArray};
use serde_json::{Number, Value, json};

use super::super::failure::{Failure, Outcome};
use super::super::output::Output;

/// How many elements a preview shows along each of the last two dimensions.
const SHOWN: usize = 10;

/// The elements in order, the last index running fastest; `None` for types that have no JSON form. What is not finite is
/// `null`.
fn elements(array: &NpyArray) -> Option<Vec<Value>> {
    fn of<T: Element>(array: &NpyArray, value: impl Fn(T) -> Value) -> Option<Vec<Value>> {
        Some(array.to_vec::<T>().ok()?.into_iter().map(value).collect())
    }
    // A float32 reads as what it prints as, not as the digits of the double that is nearest to it.
    let single = |x: f32| x.to_string().parse().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number);
    of::<f64>(array, Value::from)
        .or_else(|| of::<i64>(array, Value::from))
        .or_else(|| of::<f32>(array, single))
        .or_else(|| of::<i32>(array, Value::from))
        .or_else(|| of::<bool>(array, Value::from))
        .or_else(|| of::<u8>(array, Value::from))
        .or_else(|| of::<i8>(array, Value::from))
        .or_else(|| of::<i16>(array, Value::from))
        .or_else(|| of::<u16>(array, Value::from))
        .or_else(|| of::<u32>(array, Value::from))
        .or_else(|| of::<u64>(array, Value::from))
}

fn unsupported(array: &NpyArray) -> Failure {
    let message = format!("elements of type {} are not shown as text", array.dtype());
    Failure::new("unsupported", datafolio_core::ErrorCategory::Unsupported, message)
        .hint("`datafolio export ITEM FILE.npy` writes them to a file")
}

/// The shape in numbers of this machine.
fn shape(array: &NpyArray) -> Vec<usize> {
    array.shape().iter().map(|length| usize::try_from(*length).unwrap_or(usize::MAX)).collect()
}

/// The array as nested lists.
///
/// # Errors
/// An element type without a JSON form.
pub(in crate::cli) fn to_json(array: &NpyArray) -> Outcome<Value> {
    let values = elements(array).ok_or_else(|| unsupported(array))?;
    Ok(nested(&shape(array), &values))
}

fn nested(shape: &[usize], values: &[Value]) -> Value {
    match shape {
        [] => values.first().cloned().unwrap_or_default(),
        [_] => Value::from(values),
        [length, rest @ ..] => {
            let size = values.len().checked_div(*length).unwrap_or(0);
            (0..*length).map(|at| nested(rest, values.get(at * size..(at + 1) * size).unwrap_or_default())).collect()
        }
    }
}

/// Writes an array of one or two dimensions as CSV without header.
///
/// # Errors
/// More dimensions, an element type without a text form, a reader that has gone.
pub(in crate::cli) fn write_csv(array: &NpyArray, delimiter: char, out: &mut Output) -> Outcome {
    let columns = match shape(array)[..] {
        [] | [_] => 1,
        [_, columns] => columns,
        _ => return Err(Failure::usage(format!("an array of shape {:?} has no rows and columns", array.shape()))),
    };
    let values = elements(array).ok_or_else(|| unsupported(array))?;
    for row in values.chunks(columns.max(1)) {
        let cells: Vec<String> =
            row.iter().map(|value| if value.is_null() { "nan".to_owned() } else { value.to_string() }).collect();
        out.line(cells.join(&delimiter.to_string()))?;
    }
    Ok(())
}

/// As `--json` shows an array.
pub(in crate::cli) fn json(array: &NpyArray) -> Value {
    let data = elements(array).map(|values| nested(&shape(array), &values));
    json!({"dtype": array.dtype(), "shape": array.shape(), "data": data})
}

/// Shows type, shape and the first elements.
pub(in crate::cli) fn show(array: &NpyArray, out: &mut Output) -> Outcome {
    out.line(format_args!("array of {}, shape {:?}", array.dtype(), array.shape()))?;
    let Some(values) = elements(array) else { return Ok(()) };
    let shape = shape(array);
    let columns = match shape[..] {
        [.., columns] if shape.len() > 1 => columns.max(1),
        _ => {
            out.line(format_args!("[{}]", cut(&values)))?;
            return Ok(());
        }
    };
    let rows = values.len() / columns;
    for row in values.chunks(columns).take(SHOWN) {
        out.line(format_args!("[{}]", cut(row)))?;
    }
    if rows > SHOWN {
        out.line(format_args!("... ({} more rows of {columns})", rows - SHOWN))?;
    }
    Ok(())
}

fn cut(values: &[Value]) -> String {
    let shown: Vec<String> =
        values.iter().take(SHOWN).map(|v| if v.is_null() { "nan".to_owned() } else { v.to_string() }).collect();
    let text = shown.join(", ");
    if values.len() > SHOWN { format!("{text}, ... ({} more)", values.len() - SHOWN) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_become_nested_lists() {
        let array = NpyArray::from_slice(&[2, 3], &[1.5_f32, 0.1, f32::NAN, 4.0, 5.0, 6.0]).unwrap();
        assert_eq!(to_json(&array).unwrap(), json!([[1.5, 0.1, null], [4.0, 5.0, 6.0]]));
        assert_eq!(to_json(&NpyArray::from_slice(&[], &[7_u8]).unwrap()).unwrap(), json!(7));
        assert_eq!(to_json(&NpyArray::from_slice::<i64>(&[0, 3], &[]).unwrap()).unwrap(), json!([]));
        assert_eq!(to_json(&NpyArray::from_slice::<i64>(&[2, 0], &[]).unwrap()).unwrap(), json!([[], []]));
        assert_eq!(
            to_json(&NpyArray::from_slice(&[2, 1, 2], &[true, false, true, true]).unwrap()).unwrap(),
            json!([[[true, false]], [[true, true]]])
        );
    }
}
