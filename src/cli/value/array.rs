//! Arrays as text.

use std::ops::Range;

use datafolio_handlers::StoredArray;
use datafolio_handlers::npy::{Element, NpyArray};
use serde_json::{Number, Value, json};

use super::super::failure::{Failure, Outcome};
use super::super::output::Output;

/// How many elements a preview shows along each of the last two dimensions.
const SHOWN: u64 = 10;

/// Most empty lists that are written for an array without elements: its shape can ask for billions.
const EMPTY_LISTS: u64 = 1_000_000;

/// Elements as JSON, of whatever reads them; `None` for types that have no JSON form. What is not finite is `null`.
fn elements(read: &impl Elements) -> Outcome<Option<Vec<Value>>> {
    // A float32 reads as what it prints as, not as the digits of the double that is nearest to it.
    let single = |x: f32| x.to_string().parse().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number);
    Ok(match read.dtype().as_str() {
        "float64" => Some(of::<f64>(read, Value::from)?),
        "float32" => Some(of::<f32>(read, single)?),
        "bool" => Some(of::<bool>(read, Value::from)?),
        "int8" => Some(of::<i8>(read, Value::from)?),
        "int16" => Some(of::<i16>(read, Value::from)?),
        "int32" => Some(of::<i32>(read, Value::from)?),
        "int64" => Some(of::<i64>(read, Value::from)?),
        "uint8" => Some(of::<u8>(read, Value::from)?),
        "uint16" => Some(of::<u16>(read, Value::from)?),
        "uint32" => Some(of::<u32>(read, Value::from)?),
        "uint64" => Some(of::<u64>(read, Value::from)?),
        _ => None,
    })
}

fn of<T: Element>(read: &impl Elements, value: impl Fn(T) -> Value) -> Outcome<Vec<Value>> {
    Ok(read.read::<T>()?.into_iter().map(value).collect())
}

/// Something that elements are read of, the last index running fastest.
trait Elements {
    fn dtype(&self) -> String;

    fn read<T: Element>(&self) -> Outcome<Vec<T>>;
}

/// All of an array.
impl Elements for &NpyArray {
    fn dtype(&self) -> String {
        NpyArray::dtype(self)
    }

    fn read<T: Element>(&self) -> Outcome<Vec<T>> {
        self.to_vec()
            .map_err(|error| Failure::new("unsupported", datafolio_core::ErrorCategory::Unsupported, error.to_string()))
    }
}

/// Some of an array that stays in the bundle.
impl Elements for (&StoredArray, Range<u64>) {
    fn dtype(&self) -> String {
        self.0.header().dtype().name()
    }

    fn read<T: Element>(&self) -> Outcome<Vec<T>> {
        Ok(self.0.elements(self.1.clone())?)
    }
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
/// An element type without a JSON form; more empty lists than anyone wants to see.
pub(in crate::cli) fn to_json(array: &NpyArray) -> Outcome<Value> {
    if !lists_are_few(array) {
        let message = format!("an array of shape {:?} would be too many empty lists", array.shape());
        return Err(Failure::new("unsupported", datafolio_core::ErrorCategory::Unsupported, message)
            .hint("`datafolio export ITEM FILE.npy` writes it to a file"));
    }
    let values = elements(&array)?.ok_or_else(|| unsupported(array))?;
    Ok(nested(&shape(array), &mut values.into_iter()))
}

/// Whether the nested lists of an array are not many more than its elements.
fn lists_are_few(array: &NpyArray) -> bool {
    let before_empty = array.shape().iter().take_while(|length| **length != 0);
    !array.header().is_empty() || before_empty.fold(1_u64, |lists, length| lists.saturating_mul(*length)) <= EMPTY_LISTS
}

fn nested(shape: &[usize], values: &mut impl Iterator<Item = Value>) -> Value {
    match shape {
        [] => values.next().unwrap_or_default(),
        [length] => values.take(*length).collect(),
        [length, rest @ ..] => (0..*length).map(|_| nested(rest, values)).collect(),
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
    let values = elements(&array)?.ok_or_else(|| unsupported(array))?;
    for row in values.chunks(columns.max(1)) {
        let cells: Vec<String> = row.iter().map(text).collect();
        out.line(cells.join(&delimiter.to_string()))?;
    }
    Ok(())
}

/// As `--json` shows an array; what has no JSON form has no data there.
///
/// # Errors
/// Elements that cannot be read.
pub(in crate::cli) fn json(array: &NpyArray) -> Outcome<Value> {
    let data = if lists_are_few(array) { elements(&array)? } else { None };
    let data = data.map(|values| nested(&shape(array), &mut values.into_iter()));
    Ok(json!({"dtype": array.dtype(), "shape": array.shape(), "data": data}))
}

/// Shows type, shape and the first elements, and reads no others.
///
/// # Errors
/// Elements that cannot be read, a reader that has gone.
pub(in crate::cli) fn show(array: &StoredArray, out: &mut Output) -> Outcome {
    let header = array.header();
    out.line(format_args!("array of {}, shape {:?}", header.dtype().name(), header.shape()))?;
    let (rows, columns) = match header.shape() {
        [_, .., columns] if *columns > 0 => (header.len() / columns, *columns),
        _ => (1, header.len()),
    };
    for row in 0..rows.min(SHOWN) {
        let start = row * columns;
        let Some(values) = elements(&(array, start..start + columns.min(SHOWN)))? else { return Ok(()) };
        let mut shown: Vec<String> = values.iter().map(text).collect();
        if columns > SHOWN {
            shown.push(format!("... ({} more)", columns - SHOWN));
        }
        out.line(format_args!("[{}]", shown.join(", ")))?;
    }
    if rows > SHOWN {
        out.line(format_args!("... ({} more rows of {columns})", rows - SHOWN))?;
    }
    Ok(())
}

fn text(value: &Value) -> String {
    if value.is_null() { "nan".to_owned() } else { value.to_string() }
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

    #[test]
    fn billions_of_empty_lists_are_not_written() {
        let array = NpyArray::from_slice::<f64>(&[4_000_000_000, 0], &[]).unwrap();
        assert!(to_json(&array).is_err());
        assert_eq!(json(&array).unwrap()["data"], Value::Null);
        let array = NpyArray::from_slice::<f64>(&[0, 4_000_000_000], &[]).unwrap();
        assert_eq!(to_json(&array).unwrap(), json!([]));
    }
}
