//! Rows from anywhere, in any number, of any columns; and what is shared with the mapping.

use arrow::array::{Array, AsArray, types};

use super::{Hdf5Table, all, fixture, open, unmapped};
use crate::error::ColumnsError;

/// Files with all kinds of columns, and pieces of them that begin at no multiple of 8.
#[test]
fn pieces_are_parts_of_the_whole() {
    for name in [
        "../hdf5/foreign.hdf5",
        "arrow_nulls.hdf5",
        "bigendian.hdf5",
        "chunked.hdf5",
        "datetime.hdf5",
        "dictionary.hdf5",
        "masked.hdf5",
        "rows_9.hdf5",
        "strings.hdf5",
        "strings_i64.hdf5",
        "vectors.hdf5",
        "vectors_be.hdf5",
    ] {
        let table = open(name);
        let in_pieces = Hdf5Table::open(fixture(name), &unmapped()).unwrap();
        let rows = table.rows();
        let whole = all(&table, 0..rows).unwrap();
        assert_eq!(whole, all(&in_pieces, 0..rows).unwrap(), "{name}");
        for (start, end) in
            [(0, 1), (1, 2), (1, 9), (3, 8), (5, 5), (7, 53), (8, 16), (11, 33), (47, 53), (0, 0), (53, 53)]
        {
            let (start, end) = (start.min(rows), end.min(rows));
            let slice = whole.slice(start as usize, (end - start) as usize);
            for table in [&table, &in_pieces] {
                let piece = all(table, start..end).unwrap();
                for array in piece.columns() {
                    array.to_data().validate_full().unwrap();
                }
                assert_eq!(piece, slice, "{name} {start}..{end}");
            }
        }
    }
}

#[test]
fn columns_are_chosen_by_place() {
    let table = open("numeric.hdf5");
    let batch = table.read(2..5, &[5, 1]).unwrap();
    assert_eq!(batch.schema().fields().iter().map(|field| field.name()).collect::<Vec<_>>(), ["uint16", "int16"]);
    let none = table.read(2..5, &[]).unwrap();
    assert_eq!((none.num_rows(), none.num_columns()), (3, 0));
    assert!(table.read(0..54, &[0]).is_err_and(|error| matches!(error, ColumnsError::InvalidOption { .. })));
    #[allow(clippy::reversed_empty_ranges)]
    let backwards = table.read(5..3, &[0]);
    assert!(backwards.is_err());
    assert!(table.read(0..1, &[14]).is_err());
}

/// What lies in one piece, in order and aligned is not copied: two reads give the same address, and a part of the rows one
/// as far from it as they are.
#[test]
fn aligned_columns_are_shared_with_the_mapping() {
    let table = open("../hdf5/aligned.hdf5");
    let [f8, i2, s, t] = [0, 1, 2, 3];
    let address = |rows: std::ops::Range<u64>, column: usize| {
        let batch = table.read(rows, &[column]).unwrap();
        let data = batch.column(0).to_data();
        let buffer = data.buffers().last().unwrap();
        buffer.as_ptr() as usize + if column == s { 0 } else { data.offset() }
    };
    for (column, width) in [(f8, 8), (i2, 2), (s, 2), (t, 8)] {
        let whole = address(0..100, column);
        assert_eq!(address(0..100, column), whole);
        assert_eq!(address(13..40, column), whole + 13 * width, "column {column}");
    }
    // The offset in the file, modulo the page that a mapping begins at.
    assert_eq!(address(0..100, f8) % 64, 0);
    let pieces = Hdf5Table::open(fixture("../hdf5/aligned.hdf5"), &unmapped()).unwrap();
    let read = || pieces.read(0..100, &[f8]).unwrap();
    let (a, b) = (read(), read());
    assert_ne!(a.column(0).to_data().buffers()[0].as_ptr(), b.column(0).to_data().buffers()[0].as_ptr());
    assert_eq!(a, table.read(0..100, &[f8]).unwrap());
}

/// Arrays outlive the table that they were read from.
#[test]
fn arrays_keep_the_mapping() {
    let batch = {
        let table = open("../hdf5/aligned.hdf5");
        all(&table, 10..20).unwrap()
    };
    assert_eq!(batch.column(0).as_primitive::<types::Float64Type>().value(3), 13.0 / 4.0);
    assert_eq!(batch.column(2).as_string::<i32>().value(9), "ab");
}

#[test]
fn many_threads_read_at_once() {
    let table = open("../hdf5/foreign.hdf5");
    let whole = all(&table, 0..table.rows()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let (table, whole) = (&table, &whole);
            scope.spawn(move || {
                for round in 0..20 {
                    let start = (thread * 3 + round) % table.rows();
                    let piece = all(table, start..table.rows()).unwrap();
                    assert_eq!(piece, whole.slice(start as usize, piece.num_rows()));
                }
            });
        }
    });
}
