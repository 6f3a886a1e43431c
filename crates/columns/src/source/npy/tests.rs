use arrow::array::{AsArray, PrimitiveArray};
use arrow::datatypes::{ArrowPrimitiveType, Float32Type, Int16Type, TimestampNanosecondType};
use proptest::prelude::*;

use super::*;

/// A file as NumPy's `save` writes it.
fn file(folder: &Path, name: &str, descr: &str, shape: &str, data: &[u8]) -> std::path::PathBuf {
    let mut text = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}");
    while (10 + text.len() + 1) % 64 != 0 {
        text.push(' ');
    }
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes.extend_from_slice(data);
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn read(source: &NpySource, rows: Range<u64>) -> ArrayRef {
    source.read(rows, &[0]).unwrap().next().unwrap().unwrap().column(0).clone()
}

fn values<T: ArrowPrimitiveType>(array: &ArrayRef) -> PrimitiveArray<T> {
    array.as_primitive::<T>().clone()
}

#[test]
fn numbers_vectors_and_times_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for mapped in [true, false] {
        // numpy.arange(5, dtype='>i2').tobytes()
        let path = file(folder.path(), "big.npy", "'>i2'", "(5,)", &[0, 0, 0, 1, 0, 2, 0, 3, 0, 4]);
        let source = NpySource::open(&path, mapped, None).unwrap();
        assert_eq!((source.schema().field(0).name().as_str(), source.rows()), ("big", 5));
        assert_eq!(values::<Int16Type>(&read(&source, 1..4)), PrimitiveArray::from(vec![1, 2, 3]));

        let data: Vec<u8> = (0..12).flat_map(|at| (at as f32 / 2.0).to_le_bytes()).collect();
        let path = file(folder.path(), "emb.npy", "'<f4'", "(4, 3)", &data);
        let source = NpySource::open(&path, mapped, None).unwrap();
        let vectors = read(&source, 2..4);
        assert_eq!(vectors.as_fixed_size_list().value_length(), 3);
        let inner = vectors.as_fixed_size_list().values().clone();
        assert_eq!(values::<Float32Type>(&inner).values(), &[3.0, 3.5, 4.0, 4.5, 5.0, 5.5]);

        let data: Vec<u8> = [0, i64::MIN, 7].iter().flat_map(|tick: &i64| tick.to_le_bytes()).collect();
        let path = file(folder.path(), "t.npy", "'<M8[ns]'", "(3,)", &data);
        let times = read(&NpySource::open(&path, mapped, None).unwrap(), 0..3);
        assert_eq!(values::<TimestampNanosecondType>(&times), PrimitiveArray::from(vec![Some(0), None, Some(7)]));

        let path = file(folder.path(), "b.npy", "'|b1'", "(3,)", &[1, 0, 2]);
        let truths = read(&NpySource::open(&path, mapped, None).unwrap(), 0..3);
        assert_eq!(*truths.as_boolean(), BooleanArray::from(vec![true, false, true]));

        let path = file(folder.path(), "none.npy", "'<f8'", "(0,)", &[]);
        assert_eq!(NpySource::open(&path, mapped, None).unwrap().rows(), 0);
    }
}

#[test]
fn what_is_short_or_no_column_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let said = |descr: &str, shape: &str, data: &[u8]| {
        let path = file(folder.path(), "x.npy", descr, shape, data);
        NpySource::open(path, true, None).unwrap_err().to_string()
    };
    assert!(said("'<f8'", "(3,)", &[0; 23]).contains("ends before its array"));
    assert!(said("'<f8'", "(18446744073709551615,)", &[0; 23]).contains("ends before its array"));
    assert!(said("'<f8'", "(4294967296, 4294967296)", &[0; 23]).contains("ends before its array"));
    assert!(said("'<f8'", "()", &[0; 8]).contains("a single value"));
    assert!(said("'<f8'", "(3, 0)", &[]).contains("no component"));
    assert!(said("'<M8[D]'", "(1,)", &[0; 8]).contains("astype"));
    assert!(said("[('a', '<f8')]", "(1,)", &[0; 8]).contains("several fields"));
    std::fs::write(folder.path().join("x.npy"), b"\x93NUMPY\x01\x00\xff\xff{").unwrap();
    assert!(NpySource::open(folder.path().join("x.npy"), true, None).unwrap_err().to_string().contains("header"));
}

proptest! {
    #[test]
    fn damaged_files_never_panic(changes in prop::collection::vec((0_usize..140, any::<u8>()), 1..5), mapped in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), "x.npy", "'<f4'", "(2, 3)", &[0; 24]);
        let mut bytes = std::fs::read(&path).unwrap();
        for (at, value) in changes {
            bytes[at] = value;
        }
        std::fs::write(&path, bytes).unwrap();
        if let Ok(source) = NpySource::open(&path, mapped, None) {
            for row in 0..source.rows() {
                let _ = source.read(row..row + 1, &[0]).map(|batches| batches.count());
            }
        }
    }
}
