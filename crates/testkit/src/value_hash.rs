//! Hashes of values, independent of how they are stored: the Rust form of `tests/data/fixtures/HASH_METHOD.md`.

use std::fmt::Write;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatchReader};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
    DurationSecondType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow::error::ArrowError;
use datafolio_handlers::npy::NpyArray;
use md5::Md5;
use sha2::{Digest, Sha256};

const SEPARATOR: char = '\u{1f}';
const NULL: &str = "\\N";

/// The `values_sha256` of a table.
///
/// # Errors
/// When reading fails, or a column has a type that the method does not define.
pub fn table_sha256(reader: impl RecordBatchReader) -> Result<String, ArrowError> {
    let mut hash = Sha256::new();
    let names: Vec<String> = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
    hash.update(names.join(&SEPARATOR.to_string()));
    hash.update("\n");
    let mut line = String::new();
    for batch in reader {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            line.clear();
            for (index, column) in batch.columns().iter().enumerate() {
                if index > 0 {
                    line.push(SEPARATOR);
                }
                cell(column, row, &mut line)?;
            }
            line.push('\n');
            hash.update(&line);
        }
    }
    Ok(hex(&hash.finalize()))
}

/// The `values_sha256` of an array.
pub fn array_sha256(array: &NpyArray) -> String {
    let shape: Vec<String> = array.shape().iter().map(u64::to_string).collect();
    let mut hash = Sha256::new();
    hash.update(format!("{}|{}|", array.header().dtype().code(), shape.join(",")));
    hash.update(array.to_c_order_bytes());
    hex(&hash.finalize())
}

/// SHA-256 of bytes, lower-case hex.
pub fn bytes_sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// MD5 of bytes, lower-case hex.
pub fn bytes_md5(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn cell(column: &ArrayRef, row: usize, out: &mut String) -> Result<(), ArrowError> {
    if column.is_null(row) || column.data_type() == &DataType::Null {
        out.push_str(NULL);
        return Ok(());
    }
    match column.data_type() {
        DataType::Boolean => out.push_str(if column.as_boolean().value(row) { "true" } else { "false" }),
        DataType::Int8 => number::<Int8Type>(column, row, out),
        DataType::Int16 => number::<Int16Type>(column, row, out),
        DataType::Int32 => number::<Int32Type>(column, row, out),
        DataType::Int64 => number::<Int64Type>(column, row, out),
        DataType::UInt8 => number::<UInt8Type>(column, row, out),
        DataType::UInt16 => number::<UInt16Type>(column, row, out),
        DataType::UInt32 => number::<UInt32Type>(column, row, out),
        DataType::UInt64 => number::<UInt64Type>(column, row, out),
        DataType::Float16 => float(column.as_primitive::<Float16Type>().value(row).to_f64(), out),
        DataType::Float32 => float(column.as_primitive::<Float32Type>().value(row).into(), out),
        DataType::Float64 => float(column.as_primitive::<Float64Type>().value(row), out),
        DataType::Utf8 => text(column.as_string::<i32>().value(row), out)?,
        DataType::LargeUtf8 => text(column.as_string::<i64>().value(row), out)?,
        DataType::Utf8View => text(column.as_string_view().value(row), out)?,
        DataType::Binary => binary(column.as_binary::<i32>().value(row), out),
        DataType::LargeBinary => binary(column.as_binary::<i64>().value(row), out),
        DataType::Date32 => prefixed('d', column.as_primitive::<Date32Type>().value(row).into(), out),
        DataType::Timestamp(unit, _) => prefixed('t', nanoseconds(column, row, *unit, true), out),
        DataType::Duration(unit) => prefixed('D', nanoseconds(column, row, *unit, false), out),
        DataType::Dictionary(..) => {
            let dictionary = column.as_any_dictionary();
            let key = dictionary.normalized_keys()[row];
            cell(dictionary.values(), key, out)?;
        }
        DataType::List(_) => list(&column.as_list::<i32>().value(row), out)?,
        DataType::LargeList(_) => list(&column.as_list::<i64>().value(row), out)?,
        DataType::FixedSizeList(..) => list(&column.as_fixed_size_list().value(row), out)?,
        DataType::Struct(fields) => {
            out.push('{');
            for (index, (field, values)) in fields.iter().zip(column.as_struct().columns()).enumerate() {
                if index > 0 {
                    out.push(',');
                }
                text(field.name(), out)?;
                out.push(':');
                cell(values, row, out)?;
            }
            out.push('}');
        }
        other => return Err(ArrowError::NotYetImplemented(format!("value hash of {other}"))),
    }
    Ok(())
}

fn number<T: ArrowPrimitiveType>(column: &ArrayRef, row: usize, out: &mut String)
where
    T::Native: std::fmt::Display,
{
    let _ = write!(out, "{}", column.as_primitive::<T>().value(row));
}

fn float(value: f64, out: &mut String) {
    if value.is_nan() {
        out.push_str(NULL);
    } else {
        let _ = write!(out, "f{:016x}", value.to_bits());
    }
}

fn text(value: &str, out: &mut String) -> Result<(), ArrowError> {
    out.push_str(&serde_json::to_string(value).map_err(|error| ArrowError::ExternalError(Box::new(error)))?);
    Ok(())
}

fn binary(value: &[u8], out: &mut String) {
    out.push('x');
    out.push_str(&hex(value));
}

fn prefixed(prefix: char, value: i128, out: &mut String) {
    let _ = write!(out, "{prefix}{value}");
}

fn list(values: &ArrayRef, out: &mut String) -> Result<(), ArrowError> {
    out.push('[');
    for index in 0..values.len() {
        if index > 0 {
            out.push(',');
        }
        cell(values, index, out)?;
    }
    out.push(']');
    Ok(())
}

fn nanoseconds(column: &ArrayRef, row: usize, unit: TimeUnit, instant: bool) -> i128 {
    fn value<T: ArrowPrimitiveType<Native = i64>>(column: &ArrayRef, row: usize) -> i128 {
        column.as_primitive::<T>().value(row).into()
    }
    match (unit, instant) {
        (TimeUnit::Second, true) => value::<TimestampSecondType>(column, row) * 1_000_000_000,
        (TimeUnit::Millisecond, true) => value::<TimestampMillisecondType>(column, row) * 1_000_000,
        (TimeUnit::Microsecond, true) => value::<TimestampMicrosecondType>(column, row) * 1_000,
        (TimeUnit::Nanosecond, true) => value::<TimestampNanosecondType>(column, row),
        (TimeUnit::Second, false) => value::<DurationSecondType>(column, row) * 1_000_000_000,
        (TimeUnit::Millisecond, false) => value::<DurationMillisecondType>(column, row) * 1_000_000,
        (TimeUnit::Microsecond, false) => value::<DurationMicrosecondType>(column, row) * 1_000,
        (TimeUnit::Nanosecond, false) => value::<DurationNanosecondType>(column, row),
    }
}
