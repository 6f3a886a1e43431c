//! How the numbers of a row group are packed.
//!
//! Measurements with all their digits become hardly smaller by compression, which takes most of the time of writing them, and
//! undoing it most of that of reading. Whole numbers that seldom repeat (ids, instants, hashes) are as small as differences of a few bits,
//! which are undone several times as fast. The first rows of each row group tell: a column that begins with noise in one may
//! have zeros in the next.

use arrow::array::{Array, RecordBatch};
use parquet::basic::{Compression, Encoding, Type as Physical};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::SchemaDescriptor;

use super::leaves::{bytes, held, numbers};

/// Values that are tried, of as many places of the rows as there are pieces.
const TRIED: usize = 4_096;
const PIECES: usize = 4;
/// A compressed part of so much of the plain one is not worth it: what disks and networks take less of is less than what
/// processors take more of.
const SHARE: f64 = 0.92;
/// Differences may take so much of what compression leaves.
const DIFFERENCES: f64 = 1.05;
/// Values of which all differences have the same number of bits.
const BLOCK: usize = 32;
/// The level of the files.
const LEVEL: i32 = 1;

/// How a column is packed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Packing {
    /// As the file says.
    Compressed,
    Plain,
    /// And whether compression makes them smaller yet.
    Differences {
        compressed: bool,
    },
}

/// How a row group that begins with these rows is encoded; `None` for the way of the file.
pub(super) fn properties_of(
    file: &WriterProperties,
    parquet: &SchemaDescriptor,
    first: &RecordBatch,
) -> Option<WriterProperties> {
    let mut builder = None;
    for leaf in 0..parquet.num_columns() {
        let path = parquet.column(leaf).path().clone();
        // Where values repeat, it is the places in a dictionary that are stored.
        if file.dictionary_enabled(&path) || !matches!(file.compression(&path), Compression::ZSTD(_)) {
            continue;
        }
        let packing = packing_of(parquet, leaf, first);
        if packing == Packing::Compressed {
            continue;
        }
        let mut changed = builder.take().unwrap_or_else(|| file.clone().into_builder());
        if let Packing::Differences { .. } = packing {
            changed = changed.set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
        }
        if packing != (Packing::Differences { compressed: true }) {
            changed = changed.set_column_compression(path, Compression::UNCOMPRESSED);
        }
        builder = Some(changed);
    }
    builder.map(|builder| builder.build())
}

fn packing_of(parquet: &SchemaDescriptor, leaf: usize, first: &RecordBatch) -> Packing {
    let Some(all) = numbers(parquet, leaf, first) else { return Packing::Compressed };
    let width = all.data_type().primitive_width().unwrap_or_default();
    let (mut plain, mut bits) = (Vec::new(), 0);
    for piece in 0..PIECES {
        let values = all.slice(all.len() / PIECES * piece, (all.len() / PIECES).min(TRIED / PIECES));
        let Some(values) = held(values) else { return Packing::Compressed };
        let piece = bytes(&values);
        bits += match width {
            4 => bits_of_differences(piece.chunks_exact(4).map(|value| i64::from(i32::from_le_bytes(array(value))))),
            _ => bits_of_differences(piece.chunks_exact(8).map(|value| i64::from_le_bytes(array(value)))),
        };
        plain.extend(piece);
    }
    // Of few values nothing can be told.
    if plain.len() < TRIED {
        return Packing::Compressed;
    }
    let Ok(packed) = zstd::bulk::compress(&plain, LEVEL) else { return Packing::Compressed };
    let whole = match parquet.column(leaf).physical_type() {
        Physical::INT32 => width == 4,
        Physical::INT64 => width == 8,
        _ => false,
    };
    let is_noise = |size: f64| size > SHARE * plain.len() as f64;
    let differences = bits as f64 / 8.0;
    if whole && differences <= DIFFERENCES * packed.len() as f64 && !is_noise(differences) {
        // Differences of a few bits are regular: those of numbers that count up have none at all.
        return Packing::Differences { compressed: bits < plain.len() / width * 4 };
    }
    if is_noise(packed.len() as f64) { Packing::Plain } else { Packing::Compressed }
}

fn array<const N: usize>(value: &[u8]) -> [u8; N] {
    value.try_into().unwrap_or([0; N])
}

/// Bits that the differences of numbers take, each block with as many as its widest, beside a byte that says so.
fn bits_of_differences(values: impl Iterator<Item = i64>) -> usize {
    let (mut before, mut least, mut greatest, mut held, mut bits) = (None, i64::MAX, i64::MIN, 0, 0);
    let widest = |least: i64, greatest: i64| 64 - greatest.wrapping_sub(least).leading_zeros() as usize;
    for value in values {
        if let Some(before) = before {
            let difference = value.wrapping_sub(before);
            (least, greatest, held) = (least.min(difference), greatest.max(difference), held + 1);
        }
        before = Some(value);
        if held == BLOCK {
            bits += BLOCK * widest(least, greatest) + 8;
            (least, greatest, held) = (i64::MAX, i64::MIN, 0);
        }
    }
    if held > 0 { bits + BLOCK * widest(least, greatest) + 8 } else { bits }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, FixedSizeListArray, Float64Array, Int64Array};
    use arrow::datatypes::{DataType, Field};
    use parquet::arrow::ArrowSchemaConverter;

    use super::*;

    fn mixed(row: i64) -> i64 {
        let mut z = row.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed());
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9_u64.cast_signed());
        z ^ (z >> 27)
    }

    fn packing(column: ArrayRef) -> Packing {
        let batch = RecordBatch::try_from_iter([("x", column)]).unwrap();
        let parquet = ArrowSchemaConverter::new().convert(&batch.schema()).unwrap();
        let file = WriterProperties::builder().set_dictionary_enabled(false);
        let file = file.set_compression(Compression::ZSTD(parquet::basic::ZstdLevel::default())).build();
        let packing = packing_of(&parquet, 0, &batch);
        let path = parquet.column(0).path().clone();
        let of_group = properties_of(&file, &parquet, &batch);
        let (compression, encoding) = match &of_group {
            Some(of_group) => (of_group.compression(&path), of_group.encoding(&path)),
            None => (file.compression(&path), file.encoding(&path)),
        };
        let is_plain = matches!(packing, Packing::Plain | Packing::Differences { compressed: false });
        assert_eq!(compression == Compression::UNCOMPRESSED, is_plain);
        let differences = matches!(packing, Packing::Differences { .. });
        assert_eq!(encoding, differences.then_some(Encoding::DELTA_BINARY_PACKED));
        packing
    }

    #[test]
    fn noise_is_stored_as_it_is_and_whole_numbers_as_differences() {
        use Packing::{Compressed, Differences, Plain};
        let n = 16_384;
        let unit = |row: i64| mixed(row) as f64 / i64::MAX as f64;
        let floats =
            |value: &dyn Fn(i64) -> f64| -> ArrayRef { Arc::new(Float64Array::from_iter_values((0..n).map(value))) };
        let whole =
            |value: &dyn Fn(i64) -> i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values((0..n).map(value))) };
        assert_eq!(packing(floats(&unit)), Plain);
        let with_nulls = Float64Array::from_iter((0..n).map(|row| (row % 3 > 0).then(|| unit(row))));
        assert_eq!(packing(Arc::new(with_nulls)), Plain);
        assert_eq!(packing(floats(&|row| (unit(row) * 100.0).round() / 100.0)), Compressed);
        // Noise at the beginning alone.
        assert_eq!(packing(floats(&|row| if row < 4_096 { unit(row) } else { 0.0 })), Compressed);
        assert_eq!(packing(Arc::new(Float64Array::from_iter_values((0..100).map(unit)))), Compressed, "too few");
        assert_eq!(packing(whole(&|row| row)), Differences { compressed: true });
        assert_eq!(packing(whole(&|row| row * 1_000_000 + mixed(row) % 1_000)), Differences { compressed: false });
        assert_eq!(packing(whole(&|row| mixed(row) % 1_000_000)), Differences { compressed: false });
        assert_eq!(packing(whole(&mixed)), Plain);
        // Few far apart among many that repeat.
        assert_eq!(packing(whole(&|row| if row % 32 == 0 { mixed(row) } else { 0 })), Compressed);
        let words = (0..n).map(|row| format!("{:x}", mixed(row)));
        assert_eq!(packing(Arc::new(arrow::array::StringArray::from_iter_values(words))), Compressed);
        let numbers = Float64Array::from_iter_values((0..n).map(unit));
        let field = Arc::new(Field::new("element", DataType::Float64, false));
        assert_eq!(packing(Arc::new(FixedSizeListArray::new(field, 8, Arc::new(numbers), None))), Plain);
    }
}
