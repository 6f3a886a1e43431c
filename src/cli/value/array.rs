//! Arrays as text.

use std::cell::RefCell;
use std::io::{self, Write};
use std::ops::Range;

use datafolio_core::ErrorCategory;
use datafolio_handlers::StoredArray;
use datafolio_handlers::npy::Element;
use serde::ser::{Error as _, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Number, Value, json};

use super::super::failure::{Failure, Outcome};
use super::super::output::Output;

/// How many elements a preview shows along each of the last two dimensions.
const SHOWN: u64 = 10;

/// Most empty lists that are written for an array without elements: its shape can ask for billions.
const EMPTY_LISTS: u64 = 1_000_000;

/// How many elements are in memory at a time.
const CHUNK: u64 = 256 << 10;

/// Elements as JSON, and those that JSON has no number for (`inf`, `-inf`, `nan`) as a text, which no other element is.
type Values = Box<dyn Iterator<Item = Value>>;

/// The elements at these places; `None` for types that have no JSON form.
fn elements(array: &StoredArray, places: Range<u64>) -> Outcome<Option<Values>> {
    // A float32 reads as what it prints as, not as the digits of the double that is nearest to it.
    let single = |x: f32| number(x.to_string().parse().unwrap_or_else(|_| f64::from(x)));
    Ok(match array.header().dtype().name().as_str() {
        "float64" => Some(of::<f64>(array, places, number)?),
        "float32" => Some(of::<f32>(array, places, single)?),
        "bool" => Some(of::<bool>(array, places, Value::from)?),
        "int8" => Some(of::<i8>(array, places, Value::from)?),
        "int16" => Some(of::<i16>(array, places, Value::from)?),
        "int32" => Some(of::<i32>(array, places, Value::from)?),
        "int64" => Some(of::<i64>(array, places, Value::from)?),
        "uint8" => Some(of::<u8>(array, places, Value::from)?),
        "uint16" => Some(of::<u16>(array, places, Value::from)?),
        "uint32" => Some(of::<u32>(array, places, Value::from)?),
        "uint64" => Some(of::<u64>(array, places, Value::from)?),
        _ => None,
    })
}

fn number(x: f64) -> Value {
    let name = if x.is_nan() {
        "nan"
    } else if x > 0.0 {
        "inf"
    } else {
        "-inf"
    };
    Number::from_f64(x).map_or_else(|| name.into(), Value::Number)
}

fn of<T: Element + 'static>(
    array: &StoredArray,
    places: Range<u64>,
    value: impl Fn(T) -> Value + 'static,
) -> Outcome<Values> {
    Ok(Box::new(array.elements::<T>(places)?.into_iter().map(value)))
}

/// All elements of an array, the last index running fastest, of which a chunk is in memory.
struct Stream<'a> {
    array: &'a StoredArray,
    chunk: Values,
    /// The place behind the chunk.
    next: u64,
}

impl<'a> Stream<'a> {
    /// # Errors
    /// An element type without a text form.
    fn of(array: &'a StoredArray) -> Outcome<Self> {
        match elements(array, 0..0)? {
            Some(chunk) => Ok(Self { array, chunk, next: 0 }),
            None => {
                let name = array.header().dtype().name();
                Err(unsupported(format!("elements of type {name} are not shown as text")))
            }
        }
    }

    /// # Errors
    /// An element that cannot be read, or is not there.
    fn next(&mut self) -> Outcome<Value> {
        if let Some(value) = self.chunk.next() {
            return Ok(value);
        }
        let places = self.next..self.next.saturating_add(CHUNK);
        self.next = places.end;
        self.chunk = elements(self.array, places)?.unwrap_or_else(|| Box::new(std::iter::empty()));
        self.chunk.next().ok_or_else(|| Failure::defect("an array has fewer elements than its shape".to_owned()))
    }
}

fn unsupported(message: String) -> Failure {
    Failure::new("unsupported", ErrorCategory::Unsupported, message)
        .hint("`datafolio export ITEM FILE.npy` writes them to a file")
}

/// An array as nested lists, whose elements are read while the lists are written.
struct Nested<'a> {
    stream: RefCell<Stream<'a>>,
    /// What went wrong with the elements: the writer of JSON knows errors of its own kind only.
    failure: RefCell<Option<Failure>>,
}

impl<'a> Nested<'a> {
    /// # Errors
    /// An element type without a JSON form; more empty lists than anyone wants to see.
    fn of(array: &'a StoredArray) -> Outcome<Self> {
        if !lists_are_few(array) {
            let shape = array.header().shape();
            return Err(unsupported(format!("an array of shape {shape:?} would be too many empty lists")));
        }
        Ok(Self { stream: RefCell::new(Stream::of(array)?), failure: RefCell::new(None) })
    }

    /// The lists of an array or a part of it that has this shape, from the next element on.
    fn lists<'b>(&'b self, shape: &'b [u64]) -> Lists<'a, 'b> {
        Lists { nested: self, shape }
    }

    /// Why writing failed: because of the elements, or of what they were written to.
    fn failure(&self, error: serde_json::Error) -> Failure {
        self.failure.take().unwrap_or_else(|| Failure::Output(io::Error::from(error)))
    }
}

/// The lists of an array or of a part of it.
struct Lists<'a, 'b> {
    nested: &'b Nested<'a>,
    shape: &'b [u64],
}

impl Serialize for Lists<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some((length, rest)) = self.shape.split_first() else {
            let next = self.nested.stream.borrow_mut().next();
            return match next {
                // What is no number in JSON is null there, as in JavaScript.
                Ok(Value::String(_)) => serializer.serialize_unit(),
                Ok(value) => value.serialize(serializer),
                Err(failure) => {
                    self.nested.failure.replace(Some(failure));
                    Err(S::Error::custom("an element cannot be read"))
                }
            };
        };
        let mut list = serializer.serialize_seq(usize::try_from(*length).ok())?;
        for _ in 0..*length {
            list.serialize_element(&self.nested.lists(rest))?;
        }
        list.end()
    }
}

/// Whether the nested lists of an array are not many more than its elements.
fn lists_are_few(array: &StoredArray) -> bool {
    let header = array.header();
    let before_empty = header.shape().iter().take_while(|length| **length != 0);
    !header.is_empty() || before_empty.fold(1_u64, |lists, length| lists.saturating_mul(*length)) <= EMPTY_LISTS
}

/// Writes the array as nested lists on one line.
///
/// # Errors
/// An element type without a JSON form; more empty lists than anyone wants to see; elements that cannot be read; a reader
/// that has gone.
pub(in crate::cli) fn write_json(array: &StoredArray, out: &mut dyn Write) -> Outcome {
    let nested = Nested::of(array)?;
    write_line(&nested, array.header().shape(), out)
}

/// Writes each row as lists on a line of its own.
///
/// # Errors
/// As [`write_json`].
pub(in crate::cli) fn write_json_lines(array: &StoredArray, out: &mut dyn Write) -> Outcome {
    let nested = Nested::of(array)?;
    match array.header().shape() {
        [] => write_line(&nested, &[], out),
        [length, row @ ..] => (0..*length).try_for_each(|_| write_line(&nested, row, out)),
    }
}

fn write_line(nested: &Nested<'_>, shape: &[u64], out: &mut dyn Write) -> Outcome {
    serde_json::to_writer(&mut *out, &nested.lists(shape)).map_err(|error| nested.failure(error))?;
    Ok(out.write_all(b"\n")?)
}

/// Writes an array of one or two dimensions as CSV without header.
///
/// # Errors
/// More dimensions, an element type without a text form, elements that cannot be read, a reader that has gone.
pub(in crate::cli) fn write_csv(array: &StoredArray, delimiter: char, out: &mut dyn Write) -> Outcome {
    let columns = match array.header().shape() {
        [] | [_] => 1,
        [_, columns] => *columns,
        shape => return Err(Failure::usage(format!("an array of shape {shape:?} has no rows and columns"))),
    };
    let mut stream = Stream::of(array)?;
    for place in 1..=array.header().len() {
        write!(out, "{}", text(&stream.next()?))?;
        match place % columns {
            0 => writeln!(out)?,
            _ => write!(out, "{delimiter}")?,
        }
    }
    Ok(())
}

/// Writes the array as `--json` shows it; what has no JSON form has no data there.
///
/// # Errors
/// Elements that cannot be read, a reader that has gone.
pub(in crate::cli) fn show_json(array: &StoredArray, out: &mut Output) -> Outcome {
    #[derive(Serialize)]
    struct Shown<'a> {
        dtype: String,
        shape: &'a [u64],
        data: Lists<'a, 'a>,
    }

    let header = array.header();
    let (dtype, shape) = (header.dtype().name(), header.shape());
    let nested = match Nested::of(array) {
        Ok(nested) => nested,
        Err(Failure::Own { code: "unsupported", .. }) => {
            // The JSON says what there is; why it has no elements, the error stream.
            out.warn(format_args!(
                "elements of type {dtype} have no JSON form: `datafolio export` writes them to a .npy file"
            ));
            return out.json(&json!({"dtype": dtype, "shape": shape, "data": null}));
        }
        Err(failure) => return Err(failure),
    };
    let shown = Shown { dtype, shape, data: nested.lists(shape) };
    // Numbers and the names of their types drive no terminal.
    serde_json::to_writer_pretty(out.raw(), &shown).map_err(|error| nested.failure(error))?;
    out.line("")
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
        let Some(values) = elements(array, start..start + columns.min(SHOWN))? else {
            return out.line("(elements of this type are not shown as text)");
        };
        let mut shown: Vec<String> = values.map(|value| text(&value)).collect();
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
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafolio_handlers::npy::NpyArray;
    use datafolio_handlers::{Handler, Item, NumpyArray, Sink, WriteOptions, open_array, payload_path};
    use datafolio_storage::{MemoryStorage, Storage, Verification, VerifiedCache};
    use datafolio_testkit::handler_suite::record;

    use super::*;

    fn stored(array: NpyArray) -> StoredArray {
        let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
        let mut sink = Sink::new(&storage, "numpy_array", "a");
        let draft = NumpyArray.write(array.into(), &WriteOptions::default(), &mut sink).unwrap();
        let record = record("numpy_array", "a", &draft);
        open_array(&Item::new(&record, &storage, Verification::Touched, &VerifiedCache::disabled())).unwrap()
    }

    fn of<T: Element>(shape: &[u64], elements: &[T]) -> StoredArray {
        stored(NpyArray::from_slice(shape, elements).unwrap())
    }

    fn written(write: impl FnOnce(&mut Vec<u8>) -> Outcome) -> Outcome<String> {
        let mut bytes = Vec::new();
        write(&mut bytes).map(|()| String::from_utf8(bytes).unwrap())
    }

    fn json_of(array: &StoredArray) -> Outcome<Value> {
        let text = written(|out| write_json(array, out))?;
        assert!(text.ends_with('\n') && text.lines().count() == 1, "{text}");
        Ok(serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn arrays_become_nested_lists() {
        let array = of(&[2, 3], &[1.5_f32, 0.1, f32::NAN, 4.0, 5.0, 6.0]);
        assert_eq!(json_of(&array).unwrap(), json!([[1.5, 0.1, null], [4.0, 5.0, 6.0]]));
        assert_eq!(json_of(&of(&[], &[7_u8])).unwrap(), json!(7));
        assert_eq!(json_of(&of::<i64>(&[0, 3], &[])).unwrap(), json!([]));
        assert_eq!(json_of(&of::<i64>(&[2, 0], &[])).unwrap(), json!([[], []]));
        let array = of(&[2, 1, 2], &[true, false, true, true]);
        assert_eq!(json_of(&array).unwrap(), json!([[[true, false]], [[true, true]]]));
    }

    #[test]
    fn rows_become_lines() {
        let lines = |array: &StoredArray| written(|out| write_json_lines(array, out)).unwrap();
        let csv = |array: &StoredArray| written(|out| write_csv(array, ';', out)).unwrap();
        let array = of(&[2, 2], &[1.5, f64::NAN, 3.0, 4.0]);
        assert_eq!((lines(&array).as_str(), csv(&array).as_str()), ("[1.5,null]\n[3.0,4.0]\n", "1.5;nan\n3.0;4.0\n"));
        let array = of(&[2], &[1, -2_i8]);
        assert_eq!((lines(&array).as_str(), csv(&array).as_str()), ("1\n-2\n", "1\n-2\n"));
        let array = of(&[], &[7_u8]);
        assert_eq!((lines(&array).as_str(), csv(&array).as_str()), ("7\n", "7\n"));
        let array = of::<u8>(&[3, 0], &[]);
        assert_eq!((lines(&array).as_str(), csv(&array).as_str()), ("[]\n[]\n[]\n", ""));
        assert!(written(|out| write_csv(&of(&[1, 1, 1], &[1_u8]), ',', out)).is_err());
    }

    /// Lists begin and end where the shape says, and not where a chunk does.
    #[test]
    fn an_array_of_several_chunks_is_read_in_order() {
        let (rows, columns) = (CHUNK / 1000 * 2 + 7, 1000);
        let numbers: Vec<u32> = (0..(rows * columns) as u32).collect();
        let bytes = (0..columns).flat_map(|j| (0..rows).flat_map(move |i| ((i * columns + j) as u32).to_le_bytes()));
        let in_fortran = NpyArray::new("<u4", &[rows, columns], true, bytes.collect()).unwrap();
        for array in [of(&[rows, columns], &numbers), stored(in_fortran)] {
            let text = written(|out| write_json(&array, out)).unwrap();
            let found: Vec<Vec<u32>> = serde_json::from_str(&text).unwrap();
            assert!(found.iter().flatten().eq(&numbers) && found.iter().all(|row| row.len() == 1000));
        }
    }

    #[test]
    fn elements_that_cannot_be_read_are_the_error_that_is_told() {
        let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
        let mut sink = Sink::new(&storage, "numpy_array", "a");
        let array = NpyArray::from_slice(&[CHUNK * 2], &vec![1_u8; CHUNK as usize * 2]).unwrap();
        let draft = NumpyArray.write(array.into(), &WriteOptions::default(), &mut sink).unwrap();
        let record = record("numpy_array", "a", &draft);
        let path = payload_path(&record).unwrap();
        let mut bytes = storage.read(&path, u64::MAX).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        storage.replace(&path, &bytes).unwrap();
        let array = open_array(&Item::new(&record, &storage, Verification::Touched, &VerifiedCache::disabled()));
        let failure = array.map_err(Failure::from).and_then(|array| written(|out| write_json(&array, out)));
        assert_eq!(failure.unwrap_err().code(), "damaged-payload");
    }

    #[test]
    fn billions_of_empty_lists_are_not_written() {
        let array = of::<f64>(&[4_000_000_000, 0], &[]);
        assert_eq!(json_of(&array).unwrap_err().code(), "unsupported");
        assert_eq!(written(|out| write_json_lines(&array, out)).unwrap_err().code(), "unsupported");
        let array = of::<f64>(&[0, 4_000_000_000], &[]);
        assert_eq!(json_of(&array).unwrap(), json!([]));
    }
}
