//! What hdf5-pure reads is what was written.

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use hdf5_pure::{AttrValue, File, Group, Layout};

use super::table::{all_types, dictionaries};
use super::*;

fn checked(group: &Group, datasets: &mut usize, length: u64) {
    for (name, dataset) in group.iter_datasets().unwrap() {
        *datasets += 1;
        match dataset.layout().unwrap() {
            Layout::Contiguous { address: Some(address), size } => {
                assert_eq!(address % 64, 0, "{name}");
                assert!(size > 0 && address + size <= length, "{name}");
            }
            Layout::Contiguous { address: None, size } => assert_eq!(size, 0, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
        dataset.datatype().unwrap();
        dataset.attrs().unwrap();
    }
    for (_, group) in group.iter_groups().unwrap() {
        checked(&group, datasets, length);
    }
}

#[test]
fn every_structure_is_understood_and_every_dataset_aligned() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.hdf5");
    for (batches, fewest) in [(vec![all_types(0, 100), all_types(100, 333)], 80), (vec![dictionaries(0, 50)], 12)] {
        written(&path, &batches, Hdf5WriteOptions::default(), Pace(64, 4, 2)).unwrap();
        let file = File::open_streaming(&path).unwrap();
        let mut datasets = 0;
        checked(&file.root(), &mut datasets, fs::metadata(&path).unwrap().len());
        assert!(datasets > fewest, "{datasets}");
        let columns = file.group("/table/columns").unwrap();
        let names: Vec<String> = batches[0]
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .filter(|name| !name.contains(','))
            .collect();
        match columns.attrs().unwrap().get("column_order") {
            Some(AttrValue::VarLenString(order)) => assert_eq!(*order, names.join(",")),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn values_are_equal() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.hdf5");
    let batch = all_types(0, 333);
    for byte_order in [ByteOrder::Little, ByteOrder::Big] {
        written(&path, &vec![batch.clone()], options("/table", byte_order), Pace(64, 4, 2)).unwrap();
        let file = File::open_streaming(&path).unwrap();
        let raw = file.dataset("/table/columns/int64/data").unwrap().read_raw().unwrap();
        let values = batch["int64"].as_primitive::<Int64Type>().values();
        let decode = if byte_order == ByteOrder::Big { i64::from_be_bytes } else { i64::from_le_bytes };
        let read: Vec<i64> = raw.as_chunks::<8>().0.iter().map(|bytes| decode(*bytes)).collect();
        assert_eq!(read, values.as_ref());
        let texts = batch["utf8 with holes"].as_string::<i32>();
        let raw = file.dataset("/table/columns/utf8 with holes/data").unwrap().read_raw().unwrap();
        let all: String = texts.iter().flatten().collect();
        assert_eq!(raw, all.as_bytes());
        let bitmap = file.dataset("/table/columns/utf8 with holes/null_bitmap").unwrap().read_raw().unwrap();
        for row in 0..texts.len() {
            assert_eq!(bitmap[row / 8] >> (row % 8) & 1 == 1, texts.is_valid(row), "row {row}");
        }
    }
}
