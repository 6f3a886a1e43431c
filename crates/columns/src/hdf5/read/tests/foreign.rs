//! What h5py can write and Vaex does not: `tests-data/hdf5/foreign.py` makes the files.

use arrow::array::{Array, ArrayRef, AsArray, types};
use arrow::datatypes::{DataType, TimeUnit};

use super::{Hdf5Options, Hdf5Table, all, fixture, in_group, open, unmapped};
use crate::error::ColumnsError;

fn column(table: &Hdf5Table, name: &str) -> ArrayRef {
    all(table, 0..table.rows()).unwrap().column_by_name(name).unwrap().clone()
}

fn numbers<T: arrow::datatypes::ArrowPrimitiveType>(array: &ArrayRef) -> Vec<Option<T::Native>> {
    array.as_primitive::<T>().iter().collect()
}

#[test]
fn both_generations_of_the_format_read_alike() {
    let (early, latest) = (open("../hdf5/foreign.hdf5"), open("../hdf5/latest.hdf5"));
    assert_eq!(all(&early, 0..11).unwrap(), all(&latest, 0..11).unwrap());
    let pieces = Hdf5Table::open(fixture("../hdf5/latest.hdf5"), &unmapped()).unwrap();
    assert_eq!(all(&early, 3..11).unwrap(), all(&pieces, 3..11).unwrap());
}

/// The HDF5 crate does not know how HDF5 2.0 notes chunks; when it does, this fails and they can be read.
#[test]
fn chunks_of_the_newest_generation_are_refused() {
    let path = fixture("../hdf5/newest.hdf5");
    assert_eq!(Hdf5Table::open(&path, &Hdf5Options::default()).unwrap().rows(), 11);
    let error = Hdf5Table::open(&path, &in_group("chunked")).unwrap_err();
    assert!(matches!(error, ColumnsError::Unsupported { .. }) && error.to_string().contains("version 5"), "{error}");
}

#[test]
fn texts_of_a_fixed_length_lose_their_padding() {
    let table = open("../hdf5/foreign.hdf5");
    let cells = column(&table, "cells");
    let texts: Vec<_> = cells.as_string::<i32>().iter().take(5).flatten().collect();
    assert_eq!(texts, ["", "a", "é", "in\0ner", "0123456789"]);
    assert!(column(&table, "spaces").as_string::<i32>().iter().all(|text| text == Some("x y")));
    let pairs = column(&table, "cells2d");
    let pairs = pairs.as_fixed_size_list();
    assert_eq!(pairs.value(10).as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["a10", "b"]);
    for name in ["utf32", "utf32_flat", "text", "text_u4"] {
        let array = column(&table, name);
        let texts: Vec<_> = match array.data_type() {
            DataType::Utf8 => array.as_string::<i32>().iter().flatten().collect(),
            _ => array.as_string::<i64>().iter().flatten().collect(),
        };
        assert_eq!(texts, ["", "a", "é日", "🚀", "four", "", "a", "é日", "🚀", "four", ""], "{name}");
    }
}

/// Ticks of -5 to 5 with none at the fourth place, as days, or as seconds.
#[test]
fn calendar_units_become_dates() {
    let table = open("../hdf5/foreign.hdf5");
    let with_gap = |values: [i64; 11]| {
        values.into_iter().enumerate().map(|(at, value)| (at != 3).then_some(value)).collect::<Vec<_>>()
    };
    let days = |name: &str| {
        let array = column(&table, name);
        assert_eq!(array.data_type(), &DataType::Date32);
        numbers::<types::Date32Type>(&array).into_iter().map(|day| day.map(i64::from)).collect::<Vec<_>>()
    };
    let ticks = std::array::from_fn(|at| at as i64 - 5);
    // np.arange(-5, 6).astype('M8[Y]').astype('M8[D]').astype(int), and so on.
    assert_eq!(days("t_Y"), with_gap([-1826, -1461, -1096, 0, -365, 0, 365, 730, 1096, 1461, 1826]));
    assert_eq!(days("t_M"), with_gap([-153, -122, -92, 0, -31, 0, 31, 59, 90, 120, 151]));
    assert_eq!(days("t_W"), with_gap(ticks.map(|tick| tick * 7)));
    assert_eq!(days("t_D"), with_gap(ticks));
    for (name, scale) in [("t_h", 3600), ("t_m", 60), ("t_s", 1)] {
        let array = column(&table, name);
        assert_eq!(array.data_type(), &DataType::Timestamp(TimeUnit::Second, None));
        assert_eq!(numbers::<types::TimestampSecondType>(&array), with_gap(ticks.map(|tick| tick * scale)));
    }
    for (name, scale) in [("d_W", 604_800), ("d_D", 86_400), ("d_h", 3600), ("d_m", 60)] {
        let array = column(&table, name);
        assert_eq!(numbers::<types::DurationSecondType>(&array), with_gap(ticks.map(|tick| tick * scale)), "{name}");
    }
    assert_eq!(numbers::<types::TimestampMillisecondType>(&column(&table, "t_big")), with_gap(ticks));
    assert_eq!(numbers::<types::DurationMicrosecondType>(&column(&table, "d_us")), with_gap(ticks));
    let schema = table.schema();
    let noted = |name: &str| schema.field_with_name(name).unwrap().metadata().get("numpy_dtype").cloned();
    assert_eq!(noted("t_W").as_deref(), Some("datetime64[W]"));
    assert_eq!(noted("d_h").as_deref(), Some("timedelta64[h]"));
    assert_eq!(noted("t_s"), None);
    // 2^62 weeks lie under the mask.
    let masked = days("t_masked");
    assert_eq!(
        masked.iter().map(Option::is_none).collect::<Vec<_>>(),
        [1, 3, 7].iter().fold(vec![false; 11], |mut gaps, at| {
            gaps[*at] = true;
            gaps
        })
    );
    assert_eq!(masked[10], Some(35));
    let pairs = column(&table, "t2d");
    let pairs = pairs.as_fixed_size_list();
    assert_eq!(pairs.null_count(), 0);
    assert_eq!(pairs.value(3).null_count(), 2);
    assert_eq!(numbers::<types::Date32Type>(&pairs.value(4)), [Some(-1), Some(0)]);
}

#[test]
fn masks_of_any_kind_count() {
    let table = open("../hdf5/foreign.hdf5");
    let missing = |name: &str| {
        let array = column(&table, name);
        (0..11).filter(|row| array.is_null(*row)).collect::<Vec<_>>()
    };
    assert_eq!(missing("mask_int"), [0, 3, 6, 9]);
    assert_eq!(missing("mask_rows"), [0, 4, 8]);
    assert_eq!(missing("mask_wins"), [2]);
    assert_eq!(missing("bits2d"), [1, 3, 5, 7, 9]);
    assert_eq!(missing("codes"), [4]);
}

#[test]
fn enumerations_chunks_and_codes_are_read() {
    let table = open("../hdf5/foreign.hdf5");
    let truths = column(&table, "bool_u1");
    assert_eq!(truths.as_boolean().true_count(), 6);
    assert_eq!(column(&table, "colour").as_primitive::<types::Int16Type>().values()[..4], [0, 1, 2, 0]);
    assert_eq!(column(&table, "lzf").as_primitive::<types::UInt16Type>().value(10), 10);
    assert_eq!(column(&table, "compact").as_primitive::<types::Int32Type>().value(10), 70);
    let cubes = column(&table, "chunked2d");
    let cube = cubes.as_fixed_size_list().value(10);
    let row = cube.as_fixed_size_list().value(1);
    assert_eq!(row.as_primitive::<types::Float32Type>().values()[..], [63.0, 64.0, 65.0]);
    let codes = column(&table, "codes");
    let values = codes.as_any_dictionary();
    assert_eq!(values.values().as_primitive::<types::Float64Type>().values()[..], [2.5, -1.0]);
    assert_eq!(values.keys().as_primitive::<types::UInt8Type>().value(9), 1);
}

/// Each is refused with the file and the column, some when opened and some when read.
#[test]
fn what_cannot_be_read_is_refused() {
    let path = fixture("../hdf5/refused.hdf5");
    for (group, is_unsupported, text) in [
        ("months", true, "timedelta64[M]"),
        ("generic", true, "of type 'datetime64'"),
        ("far", true, "row 1"),
        ("compound", true, "compound"),
        ("complex", true, "it holds"),
        ("vlen", true, "variable length"),
        ("nothing", true, "not in this file"),
        ("lengths", false, "has 4 rows, and column 'x' has 3"),
        ("latin", false, "not UTF-8"),
        ("backwards", false, "offset at row 2"),
        ("beyond", false, "offset at row 2"),
        ("split", false, "not UTF-8"),
        ("no_offsets", false, "without offsets"),
        ("csr", true, "csr_matrix"),
        ("empty", false, "no values"),
        ("mask", false, "mask that does not fit"),
        ("codes", false, "wrong codes"),
        ("cycle", false, "more groups"),
    ] {
        for mapped in [true, false] {
            let options = Hdf5Options { mapped, ..in_group(group) };
            let error = Hdf5Table::open(&path, &options).and_then(|table| all(&table, 0..table.rows())).unwrap_err();
            assert_eq!(matches!(error, ColumnsError::Unsupported { .. }), is_unsupported, "{group}: {error}");
            assert_eq!(matches!(error, ColumnsError::Damaged { .. }), !is_unsupported, "{group}: {error}");
            assert!(error.to_string().contains(text), "{group}: {error}");
            assert!(error.to_string().contains("refused.hdf5"), "{group}: {error}");
        }
    }
}
