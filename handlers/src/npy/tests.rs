//! What numpy saves is read, what is written is what numpy saves, and no bytes make the reader panic.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// Arrays saved by numpy 2.4.6; `make_npy_arrays.py` beside the file wrote it.
fn saved_by_numpy() -> Vec<Value> {
    serde_json::from_str(include_str!("../../tests/data/npy_arrays.json")).unwrap()
}

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn read(bytes: &[u8]) -> Result<NpyArray, NpyError> {
    NpyArray::read(&mut &bytes[..], bytes.len() as u64)
}

fn written(array: &NpyArray) -> Vec<u8> {
    let mut bytes = Vec::new();
    array.write(&mut bytes).unwrap();
    bytes
}

/// A file with this header text, version 1.0, and this much data.
fn file(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + data, 7);
    bytes
}

#[test]
fn arrays_saved_by_numpy_are_read_and_written_again_byte_for_byte() {
    for case in saved_by_numpy() {
        let bytes = hex(&case["file"]);
        let array = read(&bytes).unwrap();
        assert_eq!(array.dtype(), case["name"].as_str().unwrap());
        assert_eq!(array.header().dtype().code(), case["str"].as_str().unwrap());
        assert_eq!(serde_json::json!(array.shape()), case["shape"]);
        assert_eq!(array.to_c_order_bytes().as_ref(), hex(&case["c_order"]), "{array:?}");
        assert_eq!(written(&array), bytes, "{array:?}");
        let header = NpyHeader::read(&mut &bytes[..]).unwrap();
        assert_eq!((header.file_size(), &header), (bytes.len() as u64, array.header()));
        let again =
            NpyArray::new(&array.descr(), array.shape(), array.fortran_order(), array.as_bytes().to_vec()).unwrap();
        assert_eq!(again, array);
    }
}

#[test]
fn elements_keep_their_values_whatever_the_byte_order() {
    fn round_trip<T: Element + PartialEq + std::fmt::Debug>(elements: &[T], name: &str) {
        let array = NpyArray::from_slice(&[elements.len() as u64], elements).unwrap();
        assert_eq!(array.dtype(), name);
        assert_eq!(read(&written(&array)).unwrap().to_vec::<T>().unwrap(), elements);
    }
    round_trip(&[i8::MIN, -1, i8::MAX], "int8");
    round_trip(&[i16::MIN, -1, i16::MAX], "int16");
    round_trip(&[i32::MIN, -1, i32::MAX], "int32");
    round_trip(&[i64::MIN, -1, i64::MAX], "int64");
    round_trip(&[0, u8::MAX], "uint8");
    round_trip(&[0, u16::MAX], "uint16");
    round_trip(&[0, u32::MAX], "uint32");
    round_trip(&[0, u64::MAX], "uint64");
    round_trip(&[f32::MIN_POSITIVE, -0.5, f32::INFINITY], "float32");
    round_trip(&[f64::MIN_POSITIVE, -0.5, f64::INFINITY], "float64");
    round_trip(&[true, false], "bool");
    let big = NpyArray::new(">i4", &[2, 2], true, [1_i32, 2, 3, 4].map(i32::to_be_bytes).concat()).unwrap();
    assert_eq!(big.to_vec::<i32>().unwrap(), [1, 3, 2, 4]);
    assert!(matches!(big.to_vec::<u32>(), Err(NpyError::WrongElement { .. })));
    assert!(matches!(big.to_vec::<i64>(), Err(NpyError::WrongElement { .. })));
    let empty = NpyArray::from_slice::<f64>(&[0, 3], &[]).unwrap();
    assert!(read(&written(&empty)).unwrap().to_vec::<f64>().unwrap().is_empty());
    let scalar = NpyArray::from_slice(&[], &[1.5]).unwrap();
    assert_eq!(read(&written(&scalar)).unwrap().to_vec::<f64>().unwrap(), [1.5]);
}

#[test]
fn objects_are_refused_at_any_depth() {
    for descr in ["'|O'", "'O'", "[('a', '<i4'), ('b', '|O')]", "[('a', [('b', '|O', (2,))])]"] {
        let bytes = file(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (1,), }}\n"), 8);
        let error = read(&bytes).unwrap_err();
        assert!(matches!(error, NpyError::ObjectDtype), "{descr}");
        assert!(error.to_string().contains("object arrays hold pickles"));
    }
    assert!(matches!(NpyArray::new("|O", &[1], false, vec![0; 8]), Err(NpyError::ObjectDtype)));
}

#[test]
fn size_must_be_exactly_header_and_data() {
    let array = NpyArray::from_slice(&[2, 2], &[1.0, 2.0, 3.0, 4.0]).unwrap();
    let bytes = written(&array);
    for length in 0..bytes.len() {
        assert!(read(&bytes[..length]).is_err(), "{length}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(matches!(read(&longer), Err(NpyError::WrongLength { expected: 32, found: 33, .. })));
    assert!(matches!(NpyArray::from_slice(&[3], &[1_u8, 2]), Err(NpyError::WrongLength { expected: 3, found: 2, .. })));
}

#[test]
fn shapes_that_overflow_are_refused() {
    for shape in [
        "(18446744073709551615, 2)",
        "(4294967296, 4294967296)",
        "(9223372036854775807,)",
        "(0, 18446744073709551615, 3)",
        "(9223372036854775808, 0)",
        "(0, 4294967296, 4294967296)",
        "(-1,)",
        "(1.0,)",
        "3",
        "[3]",
    ] {
        let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n");
        assert!(matches!(read(&file(&header, 8)), Err(NpyError::Malformed { .. })), "{shape}");
    }
    // A huge shape in a small file asks for no memory.
    let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }\n";
    assert!(matches!(read(&file(header, 8)), Err(NpyError::WrongLength { .. })));
    // No elements, however long the other dimensions of an array can be.
    let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 4000000000, 3), }\n";
    assert!(read(&file(header, 0)).unwrap().header().is_empty());
}

#[test]
fn headers_that_numpy_would_not_write_are_refused() {
    for header in [
        "{'descr': '<f8', 'fortran_order': False}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'more': 1}",
        "{'descr': '<f8', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': 0, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} + x",
        "[]",
        "",
    ] {
        assert!(matches!(read(&file(header, 8)), Err(NpyError::Malformed { .. })), "{header}");
    }
    for descr in [
        "''",
        "'<'",
        "'<f'",
        "'f8'",
        "'<f3'",
        "'|f8'",
        "'=f8'",
        "'<x8'",
        "'<M8[q]'",
        "'<f8[s]'",
        "'<M8[s'",
        "'<U99999999999'",
        "7",
        "('<f8', (2,))",
        "[('a',)]",
        "[('a', '<f8', 'x')]",
        "[('a', '<f8'), ('a', '<f4')]",
        "[('a', '<f8', (4294967296, 4294967296))]",
    ] {
        let header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (1,)}}");
        assert!(matches!(read(&file(&header, 8)), Err(NpyError::UnknownDtype { .. })), "{descr}");
    }
    assert!(read(b"\x93NUMPY\x04\x00").is_err());
    assert!(read(b"\x93NUMPY\x02\x00\xff\xff\xff\xff").is_err());
    assert!(read(b"PK\x03\x04").is_err());
}

#[test]
fn long_headers_take_the_version_that_they_need() {
    let descr = |name: &str| {
        format!("[{}]", (0..3000).map(|i| format!("('{name}_{i:05}', '<f8')")).collect::<Vec<_>>().join(", "))
    };
    for (name, version) in [("column", 2), ("größe", 2), ("日本", 3)] {
        let array = NpyArray::new(&descr(name), &[1], false, vec![1; 24000]).unwrap();
        let bytes = written(&array);
        assert_eq!((bytes[6], array.header().data_offset() % 64), (version, 0), "{name}");
        assert_eq!(read(&bytes).unwrap(), array);
    }
    let too_long = descr(&"x".repeat(400));
    assert!(matches!(NpyArray::new(&too_long, &[1], false, vec![1; 24000]), Err(NpyError::Malformed { .. })));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes);
    }

    #[test]
    fn arbitrary_header_text_never_panics(text in "[\\[\\](){}'\":, <>|OfiuUSVMm0-9a-zTFL\\\\]{0,200}") {
        let _ = read(&file(&text, 16));
        let _ = Dtype::parse(&text);
    }

    #[test]
    fn mutated_files_never_panic_and_never_change_size(
        case in 0_usize..60,
        changes in proptest::collection::vec((0_usize..200, any::<u8>()), 1..4),
    ) {
        let cases = saved_by_numpy();
        let mut bytes = hex(&cases[case % cases.len()]["file"]);
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        if let Ok(array) = read(&bytes) {
            prop_assert_eq!(array.as_bytes().len() as u64 + array.header().data_offset(), bytes.len() as u64);
            let _ = array.to_c_order_bytes();
            let _ = array.dtype();
            let _ = array.to_vec::<f64>();
            // What was read can be written and is read again as the same array, perhaps under a header of another length.
            let again = read(&written(&array)).unwrap();
            prop_assert_eq!(again.as_bytes(), array.as_bytes());
            prop_assert_eq!(again.dtype(), array.dtype());
        }
    }
}
