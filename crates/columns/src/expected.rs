//! What Vaex read from the fixtures, and whether arrays are the same.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, types};
use arrow::datatypes::{DataType, Field, TimeUnit};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A file that Vaex or h5py wrote.
pub(crate) fn fixture(name: &str) -> std::path::PathBuf {
    std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests-data/vaex").join(name)
}

/// The values of a column as `expected.json` writes and hashes them.
#[derive(Default)]
struct Said {
    values: Vec<Value>,
    bytes: Vec<u8>,
    missing: u64,
}

/// The type as Vaex names it.
fn dtype(field: &Field) -> String {
    fn name(type_: &DataType, arrow: bool) -> String {
        let unit = |unit: &TimeUnit| match unit {
            TimeUnit::Second => "s",
            TimeUnit::Millisecond => "ms",
            TimeUnit::Microsecond => "us",
            TimeUnit::Nanosecond => "ns",
        };
        match type_ {
            DataType::Boolean => "bool".to_owned(),
            DataType::Utf8 | DataType::LargeUtf8 => "string".to_owned(),
            DataType::Timestamp(at, None) if arrow => format!("timestamp[{}]", unit(at)),
            DataType::Timestamp(at, None) => format!("datetime64[{}]", unit(at)),
            DataType::Duration(at) => format!("timedelta64[{}]", unit(at)),
            DataType::FixedSizeList(item, _) => name(item.data_type(), arrow),
            DataType::Dictionary(codes, values) => {
                format!("dictionary<values={}, indices={}, ordered=0>", name(values, true), name(codes, true))
            }
            other => format!("{other:?}").to_lowercase(),
        }
    }
    field.metadata().get("numpy_dtype").cloned().unwrap_or_else(|| name(field.data_type(), false))
}

fn float(value: f64) -> Value {
    match value {
        value if value.is_nan() => json!("NaN"),
        f64::INFINITY => json!("Infinity"),
        f64::NEG_INFINITY => json!("-Infinity"),
        value => json!(value),
    }
}

/// One value; bytes of what it is are added to `bytes`.
fn value(array: &ArrayRef, row: usize, noted: Option<&str>, bytes: &mut Vec<u8>) -> Value {
    if let DataType::FixedSizeList(_, _) = array.data_type() {
        let inner = array.as_fixed_size_list().value(row);
        return (0..inner.len()).map(|at| value(&inner, at, noted, bytes)).collect();
    }
    if let Some(dictionary) = array.as_any_dictionary_opt() {
        if array.is_null(row) {
            bytes.push(0);
            return Value::Null;
        }
        return value(dictionary.values(), dictionary.normalized_keys()[row], noted, bytes);
    }
    if array.is_null(row) {
        bytes.push(0);
        return Value::Null;
    }
    bytes.push(1);
    macro_rules! number {
        ($type:ty) => {{
            let value = array.as_primitive::<$type>().value(row);
            bytes.extend_from_slice(&value.to_le_bytes());
            json!(value)
        }};
    }
    let mut ticks = |value: i64| {
        bytes.extend_from_slice(&value.to_le_bytes());
        json!(value)
    };
    match array.data_type() {
        DataType::Int8 => number!(types::Int8Type),
        DataType::Int16 => number!(types::Int16Type),
        DataType::Int32 => number!(types::Int32Type),
        DataType::Int64 => number!(types::Int64Type),
        DataType::UInt8 => number!(types::UInt8Type),
        DataType::UInt16 => number!(types::UInt16Type),
        DataType::UInt32 => number!(types::UInt32Type),
        DataType::UInt64 => number!(types::UInt64Type),
        DataType::Float16 => {
            let value = array.as_primitive::<types::Float16Type>().value(row);
            let hashed = if value.is_nan() { half::f16::from_bits(0x7e00) } else { value };
            bytes.extend_from_slice(&hashed.to_le_bytes());
            float(value.to_f64())
        }
        DataType::Float32 => {
            let value = array.as_primitive::<types::Float32Type>().value(row);
            let hashed = if value.is_nan() { f32::from_bits(0x7fc0_0000) } else { value };
            bytes.extend_from_slice(&hashed.to_le_bytes());
            float(value.into())
        }
        DataType::Float64 => {
            let value = array.as_primitive::<types::Float64Type>().value(row);
            let hashed = if value.is_nan() { f64::from_bits(0x7ff8_0000_0000_0000) } else { value };
            bytes.extend_from_slice(&hashed.to_le_bytes());
            float(value)
        }
        DataType::Boolean => {
            let value = array.as_boolean().value(row);
            bytes.push(value.into());
            json!(value)
        }
        DataType::Utf8 | DataType::LargeUtf8 => {
            let text = match array.data_type() {
                DataType::Utf8 => array.as_string::<i32>().value(row),
                _ => array.as_string::<i64>().value(row),
            };
            bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
            json!(text)
        }
        // Back to the unit of the file.
        DataType::Date32 => ticks(array.as_primitive::<types::Date32Type>().value(row).into()),
        DataType::Timestamp(_, None) | DataType::Duration(_) => {
            let raw = array.to_data().buffers()[0].typed_data::<i64>()[array.offset() + row];
            let scale = match noted.and_then(|name| name.split_once('[')).map(|(_, unit)| unit) {
                Some("m]") => 60,
                Some("h]") => 3_600,
                Some("D]") => 86_400,
                _ => 1,
            };
            assert_eq!(raw % scale, 0);
            ticks(raw / scale)
        }
        other => panic!("{other}"),
    }
}

fn said(array: &ArrayRef, field: &Field) -> Said {
    let mut said = Said::default();
    for row in 0..array.len() {
        let noted = field.metadata().get("numpy_dtype").map(String::as_str);
        let value = value(array, row, noted, &mut said.bytes);
        said.missing += u64::from(value.is_null());
        said.values.push(value);
    }
    said
}

/// Numbers are equal whichever way they are written.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Number(a), Value::Number(b)) => a == b || (a.is_f64() || b.is_f64()) && a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

/// Compares the columns of a batch with what `expected.json` says of them.
pub(crate) fn check_columns(key: &str, list: &[Value], batch: &RecordBatch) {
    let schema = batch.schema();
    for (column, field) in list.iter().zip(schema.fields()) {
        let name = format!("{key} {}", field.name());
        let array = batch.column_by_name(field.name()).unwrap();
        let said = said(array, field);
        assert_eq!(dtype(field), column["dtype"].as_str().unwrap(), "{name}");
        assert_eq!(said.missing, column["missing"].as_u64().unwrap(), "{name}");
        let count = said.values.len();
        for (part, values) in [("values", &said.values[..]), ("head", &said.values[..5.min(count)])] {
            if let Some(wanted) = column.get(part) {
                assert!(equal(&json!(values), wanted), "{name}: {part} {values:?}, not {wanted}");
            }
        }
        if let Some(tail) = column.get("tail") {
            assert!(equal(&json!(said.values[count - 5..]), tail), "{name}: tail");
        }
        let mut hasher = Sha256::new();
        hasher.update(&said.bytes);
        let digest: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, column["sha256"].as_str().unwrap(), "{name}");
        let shape: Vec<_> =
            column["row_shape"].as_array().into_iter().flatten().map(|at| at.as_i64().unwrap()).collect();
        let mut lists = Vec::new();
        let mut type_ = field.data_type();
        while let DataType::FixedSizeList(item, length) = type_ {
            lists.push(i64::from(*length));
            type_ = item.data_type();
        }
        assert_eq!(lists, shape, "{name}");
    }
}
