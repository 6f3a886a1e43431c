//! Tables of all types.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::NullBuffer;
use arrow::datatypes::*;
use half::f16;

/// Whether a row has a value.
fn there(row: usize) -> bool {
    row % 5 != 1 && row % 7 != 6
}

fn text(row: usize) -> String {
    match row % 6 {
        0 => String::new(),
        1 => "plain".to_owned(),
        2 => format!("ünï cödé {row} 漢字"),
        3 => "🦀, \"quoted\"\n".to_owned(),
        4 => "nul\0inside".to_owned(),
        _ => "x".repeat(row % 50),
    }
}

fn vectors(values: ArrayRef, length: i32, rows: impl Iterator<Item = bool>, nullable: bool) -> ArrayRef {
    let field = Arc::new(Field::new("item", values.data_type().clone(), nullable));
    let nulls = nullable.then(|| NullBuffer::from_iter(rows));
    Arc::new(FixedSizeListArray::new(field, length, values, nulls))
}

/// Rows from one to another, of all types that can be written.
pub(super) fn all_types(start: usize, end: usize) -> RecordBatch {
    let rows = || start..end;
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    let mut add = |name: &str, array: ArrayRef, nullable: bool| {
        fields.push(Field::new(name, array.data_type().clone(), nullable));
        arrays.push(array);
    };
    macro_rules! numbers {
        ($($name:literal $type:ty, $native:ty, $value:expr;)*) => {$(
            let value: fn(usize) -> $native = $value;
            let full = PrimitiveArray::<$type>::from_iter_values(rows().map(value));
            let holes: PrimitiveArray<$type> = rows().map(|row| there(row).then(|| value(row))).collect();
            add($name, Arc::new(full), false);
            add(concat!($name, " with holes"), Arc::new(holes), true);
        )*};
    }
    numbers! {
        "int8" Int8Type, i8, |row| [i8::MIN, -1, 0, 1, i8::MAX][row % 5];
        "int16" Int16Type, i16, |row| [i16::MIN, -1, 0, 1, i16::MAX][row % 5];
        "int32" Int32Type, i32, |row| [i32::MIN, -1, 0, 1, i32::MAX][row % 5];
        "int64" Int64Type, i64, |row| [i64::MIN, -1, 0, 1, i64::MAX][row % 5];
        "uint8" UInt8Type, u8, |row| [0, 1, u8::MAX][row % 3];
        "uint16" UInt16Type, u16, |row| [0, 258, u16::MAX][row % 3];
        "uint32" UInt32Type, u32, |row| [0, 258, u32::MAX][row % 3];
        "uint64" UInt64Type, u64, |row| [0, 258, u64::MAX][row % 3];
        "float16" Float16Type, f16, |row| [f16::NAN, f16::MIN, f16::from_f32(0.1), f16::INFINITY][row % 4];
        "float32" Float32Type, f32, |row| [f32::NAN, f32::MIN, 0.1, -0.0, f32::NEG_INFINITY][row % 5];
        "float64" Float64Type, f64, |row| [f64::NAN, f64::MIN, 0.1, -0.0, f64::INFINITY][row % 5];
        "seconds" TimestampSecondType, i64, |row| row as i64 * 86_399 - 1_000_000;
        "millis" TimestampMillisecondType, i64, |row| row as i64 * 86_399;
        "micros" TimestampMicrosecondType, i64, |row| row as i64 * -86_399;
        "nanos" TimestampNanosecondType, i64, |row| row as i64 * 1_234_567_891_234;
        "date32" Date32Type, i32, |row| row as i32 * 100 - 3000;
        "date64" Date64Type, i64, |row| (row as i64 * 100 - 3000) * 86_400_000;
        "d_seconds" DurationSecondType, i64, |row| row as i64 - 5;
        "d_millis" DurationMillisecondType, i64, |row| row as i64 - 5;
        "d_micros" DurationMicrosecondType, i64, |row| row as i64 - 5;
        "d_nanos" DurationNanosecondType, i64, |row| row as i64 - 5;
    }
    add("bool", Arc::new(BooleanArray::from_iter(rows().map(|row| Some(row % 3 == 0)))), false);
    add(
        "bool with holes",
        Arc::new(BooleanArray::from_iter(rows().map(|row| there(row).then_some(row % 3 == 0)))),
        true,
    );
    add("nullable without holes", Arc::new(Int32Array::from_iter_values(rows().map(|row| row as i32))), true);

    add("utf8", Arc::new(StringArray::from_iter_values(rows().map(text))), false);
    let holes = || rows().map(|row| there(row).then(|| text(row)));
    add("utf8 with holes", Arc::new(StringArray::from_iter(holes())), true);
    add("large", Arc::new(LargeStringArray::from_iter(holes())), true);
    add("view", Arc::new(StringViewArray::from_iter(holes())), true);
    add("empty", Arc::new(StringArray::from_iter_values(rows().map(|_| ""))), false);
    add("nothing", Arc::new(StringArray::from_iter(rows().map(|_| None::<&str>))), true);

    let floats = |width: usize| -> ArrayRef {
        Arc::new(Float32Array::from_iter_values(rows().flat_map(|row| (0..width).map(move |at| (row * at) as f32))))
    };
    add("vector", vectors(floats(3), 3, rows().map(there), false), false);
    add("vector with holes", vectors(floats(5), 5, rows().map(there), true), true);
    let inner =
        Int16Array::from_iter(rows().flat_map(|row| (0..6).map(move |at| there(row + at).then_some(at as i16))));
    let inner = vectors(Arc::new(inner), 3, rows().flat_map(|row| [there(row), true]), true);
    add("matrix", vectors(inner, 2, rows().map(|row| there(row + 3)), true), true);
    let flags = BooleanArray::from_iter(rows().flat_map(|row| [Some(row % 2 == 0), Some(true)]));
    add("flags", vectors(Arc::new(flags), 2, rows().map(there), false), false);

    add("ünï, cödé", Arc::new(Int8Array::from_iter_values(rows().map(|row| row as i8))), false);
    add("a b.c", Arc::new(Int8Array::from_iter_values(rows().map(|row| row as i8))), false);
    add("日本", Arc::new(UInt16Array::from_iter_values(rows().map(|row| row as u16))), false);
    described(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap())
}

fn described(batch: RecordBatch) -> RecordBatch {
    let schema = batch.schema();
    let metadata = |pairs: &[(&str, &str)]| -> HashMap<String, String> {
        pairs.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect()
    };
    let long = "very long ".repeat(10_000);
    let fields = schema.fields().iter().map(|field| match field.name().as_str() {
        "float32" => field.as_ref().clone().with_metadata(metadata(&[("unit", "km / s"), ("ucd", "phys.veloc")])),
        "float64" => field.as_ref().clone().with_metadata(metadata(&[("description", "größer als ½")])),
        "utf8" => field.as_ref().clone().with_metadata(metadata(&[("description", &long)])),
        _ => field.as_ref().clone(),
    });
    RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), batch.columns().to_vec()).unwrap()
}

/// Rows whose dictionaries differ from those of other batches.
pub(super) fn dictionaries(start: usize, end: usize) -> RecordBatch {
    let rows = || start..end;
    let words = ["b", "a", "", "ü", "c", "d"];
    let plain: DictionaryArray<Int8Type> = rows().map(|row| Some(words[row % (1 + start % 6)])).collect();
    let holes: DictionaryArray<Int16Type> = rows().map(|row| there(row).then(|| words[row % 6])).collect();
    // A missing value in the dictionary, a value twice, and one that is not used.
    let values: ArrayRef =
        Arc::new(LargeStringArray::from(vec![Some("x"), None, Some("y"), Some("x"), Some("unused")]));
    let inside =
        DictionaryArray::<UInt8Type>::new(UInt8Array::from_iter_values(rows().map(|row| row as u8 % 4)), values);
    let values: ArrayRef = Arc::new(Float64Array::from(vec![0.5 + start as f64, -1.0]));
    let floats = DictionaryArray::<Int32Type>::new(
        Int32Array::from_iter(rows().map(|row| there(row).then_some(row as i32 % 2))),
        values,
    );
    let values: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![start as i64, 1_000_000_000_000]));
    let times =
        DictionaryArray::<Int64Type>::new(Int64Array::from_iter_values(rows().map(|row| row as i64 % 2)), values);
    // More values in all than the type of the codes can tell apart.
    let many: DictionaryArray<Int8Type> = rows()
        .map(|row| Some(format!("value {row}")))
        .map(|text| text.unwrap())
        .collect::<Vec<_>>()
        .iter()
        .map(String::as_str)
        .collect();
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("plain", Arc::new(plain), false),
        ("holes", Arc::new(holes), true),
        ("inside", Arc::new(inside), true),
        ("floats", Arc::new(floats), true),
        ("times", Arc::new(times), false),
        ("many", Arc::new(many), false),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}
