//! Which columns of a Parquet file get a dictionary.
//!
//! Every column begins with one unless it is told not to, and gives it up when it has grown to a megabyte: for numbers that
//! hardly repeat that is a megabyte more in every row group, and the time that it took to find out.

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::Schema;

/// Narrower values repeat in any row group.
const WIDE: usize = 4;
/// Values of the beginning that are looked at.
const LOOKED_AT: usize = 16_384;
/// The share of these that must be different. Of eight bytes each, drawn evenly, that are some 131,000 different values: the
/// dictionary that is given up.
const SHARE: f64 = 15.0 / 16.0;
/// Bits that hashes of values set; the values are far fewer.
const BITS: usize = 1 << 17;

/// The columns of numbers, dates and the like whose first values are nearly all different.
pub(super) fn useless(schema: &Schema, first: &[RecordBatch]) -> Vec<usize> {
    let mut bits = vec![0_u64; BITS / 64];
    let width = |index: usize| schema.field(index).data_type().primitive_width().filter(|width| *width >= WIDE);
    let columns = (0..schema.fields().len()).filter_map(|index| Some((index, width(index)?)));
    let useless = columns.filter(|(index, width)| {
        bits.fill(0);
        let mut seen = 0;
        for batch in first {
            let rows = batch.num_rows().min(LOOKED_AT - seen);
            if let Some(column) = batch.columns().get(*index) {
                note(&column.slice(0, rows), *width, &mut bits);
            }
            seen += rows;
        }
        different(&bits) > SHARE * seen as f64
    });
    useless.map(|(index, _)| index).collect()
}

/// Sets a bit for each value.
fn note(column: &dyn Array, width: usize, bits: &mut [u64]) {
    let data = column.to_data();
    let values = data.buffers().first().map_or(&[][..], |buffer| buffer.as_slice());
    let values = values.get(data.offset() * width..).unwrap_or_default();
    for value in values.chunks_exact(width).take(data.len()) {
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

    use arrow::array::{ArrayRef, Decimal128Array, Float64Array, Int16Array, Int32Array, Int64Array, StringArray};

    use super::*;

    #[test]
    fn numbers_that_hardly_repeat_get_none() {
        let n = 16_384_i64;
        let mixed = |row: i64| row.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed());
        let columns: Vec<(&str, ArrayRef, bool)> = vec![
            ("counted", Arc::new(Int64Array::from_iter_values(0..n)), true),
            ("random", Arc::new(Float64Array::from_iter_values((0..n).map(|row| mixed(row) as f64))), true),
            ("wide", Arc::new(Decimal128Array::from_iter_values((0..n).map(|row| i128::from(row) << 70))), true),
            ("of a thousand", Arc::new(Int32Array::from_iter_values((0..n).map(|row| (row % 1000) as i32))), false),
            ("half", Arc::new(Int64Array::from_iter_values((0..n).map(|row| mixed(row / 2)))), false),
            ("narrow", Arc::new(Int16Array::from_iter_values((0..n).map(|row| row as i16))), false),
            ("text", Arc::new(StringArray::from_iter_values((0..n).map(|row| row.to_string()))), false),
            ("constant", Arc::new(Int64Array::from_iter_values((0..n).map(|_| 7))), false),
        ];
        let expected: Vec<usize> = (0..columns.len()).filter(|index| columns[*index].2).collect();
        let whole =
            RecordBatch::try_from_iter(columns.iter().map(|(name, column, _)| (*name, column.clone()))).unwrap();
        let schema = whole.schema();
        assert_eq!(useless(&schema, std::slice::from_ref(&whole)), expected);
        // In parts, of which the last is not looked at.
        let parts = [whole.slice(0, 5), whole.slice(5, 10_000), whole.slice(10_005, 6_379), whole.slice(0, 9)];
        assert_eq!(useless(&schema, &parts), expected);
        assert!(useless(&schema, &[]).is_empty());
    }
}
