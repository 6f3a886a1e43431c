//! Arrays: files taken over as they are, and elements read from where they lie.

use std::fs;
use std::sync::Arc;

use datafolio_core::ItemRecord;
use datafolio_handlers::npy::NpyArray;
use datafolio_handlers::{
    Data, Handler, HandlerResult, Item, NumpyArray, Sink, WriteOptions, open_array, payload_path,
};
use datafolio_storage::{MemoryStorage, Storage, Verification, VerifiedCache};
use datafolio_testkit::handler_suite::record;
use serde_json::json;
use tempfile::TempDir;

fn store(data: Data) -> HandlerResult<(Arc<dyn Storage>, ItemRecord)> {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let draft = NumpyArray.write(data, &WriteOptions::default(), &mut Sink::new(&storage, "numpy_array", "a"))?;
    assert!(draft.payload.is_some());
    Ok((storage, record("numpy_array", "a", &draft)))
}

fn file_of(array: &NpyArray) -> Vec<u8> {
    let mut bytes = Vec::new();
    array.write(&mut bytes).unwrap();
    bytes
}

#[test]
fn an_npy_file_is_taken_over_byte_for_byte() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("a.npy");
    // Version 2.0 of the format, which is not what is written for so short a header.
    let mut bytes =
        b"\x93NUMPY\x02\x00\x74\x00\x00\x00{'descr': '>i2', 'fortran_order': True, 'shape': (2, 2), }".to_vec();
    bytes.resize(127, b' ');
    bytes.push(b'\n');
    bytes.extend([0, 1, 0, 2, 0, 3, 0, 4]);
    fs::write(&path, &bytes).unwrap();
    let (storage, record) = store(Data::ArrayFile(path.clone())).unwrap();
    assert_eq!(storage.read(&payload_path(&record).unwrap(), 1 << 20).unwrap(), bytes);
    assert_eq!((record.get("shape"), record.get("dtype")), (Some(&json!([2, 2])), Some(&json!(">i2"))));
    // A file that is longer or shorter than its header says, or is no array, does not get in.
    for length in [0, 5, 127, bytes.len() - 1] {
        fs::write(&path, &bytes[..length]).unwrap();
        let error = store(Data::ArrayFile(path.clone())).unwrap_err();
        assert_eq!(error.code(), "bad-file");
        assert!(error.to_string().contains("a.npy"), "{error}");
    }
    bytes.push(0);
    fs::write(&path, &bytes).unwrap();
    assert_eq!(store(Data::ArrayFile(path)).unwrap_err().code(), "bad-file");
}

#[test]
fn elements_come_in_the_same_order_whatever_the_order_of_the_file() {
    let numbers: Vec<i32> = (0..24).collect();
    let in_c = NpyArray::from_slice(&[2, 3, 4], &numbers).unwrap();
    // Element (i, j, k) is 12 i + 4 j + k; with the first index fastest it stands at i + 2 j + 6 k.
    let mut bytes = vec![0; 96];
    for (i, j, k) in (0..2).flat_map(|i| (0..3).flat_map(move |j| (0..4).map(move |k| (i, j, k)))) {
        let (number, place) = (12 * i + 4 * j + k, (i + 2 * j + 6 * k) as usize * 4);
        bytes[place..place + 4].copy_from_slice(&i32::to_le_bytes(number));
    }
    let in_fortran = NpyArray::new("<i4", &[2, 3, 4], true, bytes).unwrap();
    for array in [in_c, in_fortran] {
        let (storage, record) = store(array.into()).unwrap();
        let cache = VerifiedCache::disabled();
        let stored = open_array(&Item::new(&record, &storage, Verification::Touched, &cache)).unwrap();
        assert_eq!(stored.elements::<i32>(0..24).unwrap(), numbers);
        assert_eq!(stored.elements::<i32>(5..9).unwrap(), [5, 6, 7, 8]);
        assert_eq!(stored.elements::<i32>(22..1 << 40).unwrap(), [22, 23]);
        assert_eq!(stored.elements::<i32>(1 << 40..1 << 41).unwrap(), [0_i32; 0]);
        assert_eq!(stored.elements::<f32>(0..1).unwrap_err().code(), "invalid-value");
    }
}

#[test]
fn the_file_of_a_stored_array_is_what_was_written() {
    let array = NpyArray::from_slice(&[3], &[1.5_f64, 2.5, 3.5]).unwrap();
    let expected = file_of(&array);
    let (storage, record) = store(array.into()).unwrap();
    let cache = VerifiedCache::disabled();
    let stored = open_array(&Item::new(&record, &storage, Verification::Touched, &cache)).unwrap();
    let mut bytes = vec![0; expected.len()];
    assert_eq!(stored.source().size(), expected.len() as u64);
    stored.source().read_exact_at(&mut bytes, 0).unwrap();
    assert_eq!(bytes, expected);
}
