//! Which columns of a Parquet file get a dictionary.
//!
//! Every column begins with one unless it is told not to, and gives it up when it has grown to a megabyte: for numbers that
//! hardly repeat that is a megabyte more in every row group, and the time that it took to find out.

use arrow::array::{Array, RecordBatch};
use parquet::schema::types::{ColumnPath, SchemaDescriptor};

use super::leaves::{bytes, held, numbers};

/// Values of the beginning that are looked at.
const LOOKED_AT: usize = 16_384;
/// The share of these that must be different. Of eight bytes each, drawn evenly, that are some 131,000 different values: the
/// dictionary that is given up.
const SHARE: f64 = 15.0 / 16.0;
/// Bits that hashes of values set; the values are far fewer.
const BITS: usize = 1 << 17;
/// Of a column with nulls so many values at least tell something.
const ENOUGH: usize = 1_024;

/// The columns of numbers, dates and the like, and of vectors of them, whose first values are nearly all different.
pub(super) fn useless(parquet: &SchemaDescriptor, first: &[RecordBatch]) -> Vec<ColumnPath> {
    let mut bits = vec![0_u64; BITS / 64];
    let useless = (0..parquet.num_columns()).filter(|leaf| {
        bits.fill(0);
        let (mut looked_at, mut seen) = (0, 0);
        for batch in first {
            let Some(values) = numbers(parquet, *leaf, batch) else { return false };
            let values = values.slice(0, values.len().min(LOOKED_AT - looked_at));
            looked_at += values.len();
            let Some(values) = held(values) else { return false };
            note(&values, &mut bits);
            seen += values.len();
        }
        seen >= looked_at.min(ENOUGH) && different(&bits) > SHARE * seen as f64
    });
    useless.map(|leaf| parquet.column(leaf).path().clone()).collect()
}

/// Sets a bit for each value.
fn note(values: &dyn Array, bits: &mut [u64]) {
    let width = values.data_type().primitive_width().unwrap_or(1);
    for value in bytes(values).chunks_exact(width) {
        let mut hash = 0_u64;
        for part in value.chunks(8) {
            let mut bytes = [0; 8];
            bytes[..part.len()].copy_from_slice(part);
            hash = (hash ^ u64::from_le_bytes(bytes)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            hash ^= hash >> 32;
        }
        let bit = (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 47) as usize;
        if let Some(word) = bits.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
    }
}

/// How many different values have set these bits, as far as chance tells: some fall on the same ones.
fn different(bits: &[u64]) -> f64 {
    let set: u32 = bits.iter().map(|word| word.count_ones()).sum();
    let free = 1.0 - f64::from(set) / BITS as f64;
    -(BITS as f64) * free.ln()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, Decimal128Array, FixedSizeListArray, Float64Array, Int16Array, Int32Array, Int64Array, StringArray,
    };
    use arrow::datatypes::{DataType, Field};
    use parquet::arrow::ArrowSchemaConverter;

    use super::*;

    #[test]
    fn numbers_that_hardly_repeat_get_none() {
        let n = 16_384_i64;
        let mixed = |row: i64| row.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed());
        let numbers = Int32Array::from_iter_values((0..2 * n).map(|row| mixed(row) as i32));
        let element = Arc::new(Field::new("element", DataType::Int32, false));
        let vectors = FixedSizeListArray::new(element, 2, Arc::new(numbers), None);
        let columns: Vec<(&str, ArrayRef, bool)> = vec![
            ("counted", Arc::new(Int64Array::from_iter_values(0..n)), true),
            ("random", Arc::new(Float64Array::from_iter_values((0..n).map(|row| mixed(row) as f64))), true),
            ("wide", Arc::new(Decimal128Array::from_iter_values((0..n).map(|row| i128::from(row) << 70))), true),
            ("of a thousand", Arc::new(Int32Array::from_iter_values((0..n).map(|row| (row % 1000) as i32))), false),
            ("half", Arc::new(Int64Array::from_iter_values((0..n).map(|row| mixed(row / 2)))), false),
            ("narrow", Arc::new(Int16Array::from_iter_values((0..n).map(|row| row as i16))), false),
            ("text", Arc::new(StringArray::from_iter_values((0..n).map(|row| row.to_string()))), false),
            ("vectors", Arc::new(vectors), true),
            ("one in three", Arc::new(Int64Array::from_iter((0..n).map(|row| (row % 3 == 0).then_some(row)))), true),
            ("seldom", Arc::new(Int64Array::from_iter((0..n).map(|row| (row % 99 == 0).then_some(row)))), false),
            ("never", Arc::new(Int64Array::from_iter((0..n).map(|_| None))), false),
            ("constant", Arc::new(Int64Array::from_iter_values((0..n).map(|_| 7))), false),
        ];
        let expected: Vec<&str> = columns.iter().filter(|column| column.2).map(|column| column.0).collect();
        let whole =
            RecordBatch::try_from_iter(columns.iter().map(|(name, column, _)| (*name, column.clone()))).unwrap();
        let parquet = ArrowSchemaConverter::new().convert(&whole.schema()).unwrap();
        let useless = |first: &[RecordBatch]| -> Vec<String> {
            useless(&parquet, first).iter().map(|path| path.parts()[0].clone()).collect()
        };
        assert_eq!(useless(std::slice::from_ref(&whole)), expected);
        // In parts, of which the last is not looked at.
        let parts = [whole.slice(0, 5), whole.slice(5, 10_000), whole.slice(10_005, 6_379), whole.slice(0, 9)];
        assert_eq!(useless(&parts), expected);
        assert!(useless(&[]).is_empty());
    }
}
