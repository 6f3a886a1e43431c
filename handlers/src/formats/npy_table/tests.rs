//! Tests of arrays as tables.

use arrow::array::{Array as _, AsArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{Float32Type, Int32Type, Int64Type, TimestampSecondType};

use std::fs::File;

use super::*;
use crate::HandlerError;
use crate::npy::NpyArray;

fn write(path: &std::path::Path, array: &NpyArray) {
    array.write(&mut File::create(path).unwrap()).unwrap();
}

fn read(files: &[std::path::PathBuf], batch_size: usize) -> HandlerResult<RecordBatch> {
    let options = ImportOptions { batch_size, ..ImportOptions::default() };
    let reader = open(&TableFiles::find(files, None)?, &options)?;
    let schema = reader.schema();
    let batches = reader.collect::<Result<Vec<_>, _>>().map_err(HandlerError::from)?;
    Ok(concat_batches(&schema, &batches)?)
}

#[test]
fn arrays_of_two_dimensions_are_vector_columns_in_any_order() {
    let dir = tempfile::tempdir().unwrap();
    let (vectors, ids) = (dir.path().join("emb.npy"), dir.path().join("id.npy"));
    // Rows 0 1 2 and 3 4 5, once row by row and once column by column.
    for (fortran, values) in [(false, [0, 1, 2, 3, 4, 5_i32]), (true, [0, 3, 1, 4, 2, 5])] {
        let bytes = values.iter().flat_map(|value| value.to_be_bytes()).collect();
        write(&vectors, &NpyArray::new(">i4", &[2, 3], fortran, bytes).unwrap());
        write(&ids, &NpyArray::from_slice(&[2], &[7_i64, 8]).unwrap());
        for batch_size in [1, 10] {
            let table = read(&[vectors.clone(), ids.clone()], batch_size).unwrap();
            assert_eq!(table.schema().field(0).name(), "emb");
            let lists = table.column(0).as_fixed_size_list();
            assert_eq!(lists.value(1).as_primitive::<Int32Type>().values(), &[3, 4, 5], "{fortran} {batch_size}");
            assert_eq!(table.column(1).as_primitive::<Int64Type>().values(), &[7, 8]);
        }
    }
    write(&ids, &NpyArray::from_slice(&[3], &[7_i64, 8, 9]).unwrap());
    let error = read(&[vectors, ids], 10).unwrap_err().to_string();
    assert!(error.contains("id.npy: has 3 rows, and the files before it have 2"), "{error}");
}

#[test]
fn the_fields_of_records_are_columns() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.npy");
    let descr = "[('t', '<M8[s]'), ('n', '<U2'), ('v', '<f4', (2,))]";
    let mut bytes = Vec::new();
    for (time, text, vector) in [(86_400_i64, "ab", [1.5_f32, 2.5]), (i64::MIN, "c", [3.5, 4.5])] {
        bytes.extend(time.to_le_bytes());
        let mut codes = text.chars().map(u32::from).chain([0, 0]);
        bytes.extend((0..2).flat_map(|_| codes.next().unwrap().to_le_bytes()));
        bytes.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
    }
    write(&path, &NpyArray::new(descr, &[2], false, bytes).unwrap());
    let table = read(&[path], 10).unwrap();
    let times = table.column(0).as_primitive::<TimestampSecondType>();
    assert_eq!((times.value(0), times.is_null(1)), (86_400, true));
    assert_eq!(table.column(1).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("ab"), Some("c")]);
    let vectors = table.column(2).as_fixed_size_list();
    assert_eq!(vectors.value(1).as_primitive::<Float32Type>().values(), &[3.5, 4.5]);
}

#[test]
fn arrays_that_are_no_columns() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.npy");
    for (descr, shape, size, expected) in [
        ("<f4", &[][..], 4, "single value"),
        ("<f4", &[1, 1, 1], 4, "3 dimensions"),
        ("<f4", &[2, 0], 0, "0 elements"),
        ("<c8", &[1], 8, "complex64"),
    ] {
        write(&path, &NpyArray::new(descr, shape, false, vec![0; size]).unwrap());
        let error = read(std::slice::from_ref(&path), 10).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("x.npy"), "{error}");
    }
}
