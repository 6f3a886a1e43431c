//! What the log tells of the values in files, against these values.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{Array, ArrayRef, RecordBatch, make_comparator};
use arrow::compute::{SortOptions, concat_batches};
use arrow::datatypes::DataType;
use arrow::util::display::array_value_to_string;
use serde_json::Value;

use datafolio_delta::{
    ColumnBounds, DeltaError, DeltaFile, DeltaTable, Listed, LocalPlace, OpenFile, Pick, Place, ReadOptions,
};

use crate::{data, ids, open};

/// A directory whose data files are counted when they are opened.
#[derive(Debug)]
struct Counted {
    place: LocalPlace,
    opened: AtomicUsize,
    names: Mutex<Vec<String>>,
}

impl Place for Counted {
    fn list(&self, directory: &str) -> io::Result<Vec<Listed>> {
        self.place.list(directory)
    }

    fn open(&self, path: &str, size: Option<u64>) -> io::Result<Box<dyn OpenFile>> {
        if !path.starts_with("_delta_log") {
            self.opened.fetch_add(1, Ordering::Relaxed);
            self.names.lock().unwrap().push(path.to_owned());
        }
        self.place.open(path, size)
    }

    fn is_there(&self) -> io::Result<bool> {
        self.place.is_there()
    }
}

fn counted(name: &str, pick: Pick) -> (Arc<Counted>, Arc<DeltaTable>) {
    let place = LocalPlace::new(data("tables").join(name));
    let place = Arc::new(Counted { place, opened: AtomicUsize::new(0), names: Mutex::default() });
    let table = DeltaTable::open(Arc::<Counted>::clone(&place), pick).unwrap();
    (place, Arc::new(table))
}

/// All that the log tells of the columns of a table, by its files.
fn told(table: &DeltaTable) -> (Vec<DeltaFile>, Vec<(String, ColumnBounds)>) {
    let files = table.files_with_statistics().unwrap();
    let names: Vec<&str> = table.schema().fields().iter().map(|field| field.name().as_str()).collect();
    let bounds = table.bounds(&files, &names).unwrap();
    assert!(bounds.iter().all(|bounds| bounds.mins.len() == files.len() && bounds.maxes.len() == files.len()));
    (files, names.into_iter().map(str::to_owned).zip(bounds).collect())
}

fn is_nan(values: &ArrayRef, row: usize) -> bool {
    values.data_type().is_floating() && array_value_to_string(values, row).unwrap() == "NaN"
}

/// Every file of every table has the values that its statistics say, be they cut, of deleted rows or of a narrower type.
#[test]
fn bounds_hold_for_the_rows_of_each_file() {
    let expected: Vec<Value> = serde_json::from_str(&fs::read_to_string(data("expected.json")).unwrap()).unwrap();
    let (mut known, mut exact) = (0, 0);
    for seen in expected {
        let (name, version) = (seen["table"].as_str().unwrap(), seen["version"].as_u64().unwrap());
        let table = open(name, Pick::Version(version)).unwrap();
        let (files, columns) = told(&table);
        let mut start = 0;
        for (place, file) in files.iter().enumerate() {
            let rows = table.rows_of(file).unwrap();
            let ranges = Some(std::iter::once(start..start + rows).collect());
            let batches = table.read(&ReadOptions { ranges, ..ReadOptions::default() }).unwrap();
            let batches: Vec<RecordBatch> = batches.map(Result::unwrap).collect();
            let batch = concat_batches(table.schema(), &batches).unwrap();
            assert_eq!(batch.num_rows() as u64, rows);
            start += rows;
            for ((column, bounds), values) in columns.iter().zip(batch.columns()) {
                let about = format!("{name} {version} {file:?} {column}");
                let nulls = (0..values.len()).filter(|row| values.is_null(*row)).count() as u64;
                if let Some(count) = bounds.null_counts[place] {
                    assert_eq!(count, nulls, "{about}");
                }
                assert!(!bounds.are_all_null[place] || nulls == rows, "{about}");
                let with_value = |row: &usize| values.is_valid(*row) && !is_nan(values, *row);
                for (extreme, is_beyond) in
                    [(&bounds.mins, std::cmp::Ordering::Less), (&bounds.maxes, std::cmp::Ordering::Greater)]
                {
                    if extreme.is_null(place) {
                        assert!(!bounds.are_exact[place], "{about}");
                        continue;
                    }
                    known += 1;
                    let compare = make_comparator(values, extreme, SortOptions::default()).unwrap();
                    let is_zero = |values: &ArrayRef, row| {
                        values.data_type().is_floating()
                            && array_value_to_string(values, row).unwrap().trim_matches('-') == "0.0"
                    };
                    for row in (0..values.len()).filter(with_value) {
                        let is_signed_zero = is_zero(values, row) && is_zero(extreme, place);
                        assert!(compare(row, place) != is_beyond || is_signed_zero, "{about} {extreme:?}");
                    }
                    if bounds.are_exact[place] && rows > 0 {
                        exact += 1;
                        let is_attained = |row: usize| {
                            compare(row, place).is_eq() || (is_zero(values, row) && is_zero(extreme, place))
                        };
                        assert!((0..values.len()).filter(with_value).any(is_attained), "{about} {extreme:?}");
                    }
                }
            }
        }
    }
    assert!(known > 600 && exact > 400, "{known} {exact}");
}

/// Statistics that are not taken for what they are not.
#[test]
fn what_is_cut_or_damaged_is_told() {
    let (_, table) = counted("noted", Pick::Version(2));
    let (files, columns) = told(&table);
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["a", "b", "c", "d", "e", "f", "g", "h"].map(|name| format!("{name}.parquet")));
    let shown = |column: &str, place: usize| {
        let bounds = &columns.iter().find(|(name, _)| name == column).unwrap().1;
        let text = |values: &ArrayRef| values.is_valid(place).then(|| array_value_to_string(values, place).unwrap());
        (text(&bounds.mins), text(&bounds.maxes), bounds.null_counts[place], bounds.are_exact[place])
    };
    let known = |min: &str, max: &str, nulls, is_exact| (Some(min.to_owned()), Some(max.to_owned()), nulls, is_exact);
    assert_eq!(shown("id", 0), known("0", "9", Some(0), true));
    // The rows at its ends are deleted.
    assert_eq!(shown("id", 4), known("30", "39", Some(0), false));
    assert_eq!((shown("gap", 3).2, shown("gap", 0).2), (None, Some(10)));
    assert_eq!(shown("at", 0), known("1969-12-31T23:59:49.998001Z", "1969-12-31T23:59:58.999999Z", Some(0), false));
    assert_eq!(shown("x", 1), (Some("1.25".to_owned()), None, Some(0), false));
    let cut = "a text that is longer than what ";
    assert_eq!(shown("text", 0), known(cut, &format!("{cut}\u{10ffff}"), Some(2), false));
    assert_eq!(shown("text", 1), (Some(cut.to_owned()), None, Some(2), false));
    for file in 5..8 {
        for (column, bounds) in &columns {
            assert_eq!(shown(column, file), (None, None, None, false));
            assert!(!bounds.are_all_null[file]);
        }
    }
}

#[test]
fn columns_are_known_by_their_names_in_the_files() {
    let (_, table) = counted("mapped_bounds", Pick::Newest);
    let (_, columns) = told(&table);
    let shown: Vec<(&str, String, String)> = columns
        .iter()
        .map(|(name, bounds)| {
            let text = |values: &ArrayRef| array_value_to_string(values, 1).unwrap();
            (name.as_str(), text(&bounds.mins), text(&bounds.maxes))
        })
        .collect();
    let expected = [("id", "10", "14"), ("a", "110", "114"), ("b", "186", "190")];
    assert_eq!(shown, expected.map(|(name, min, max)| (name, min.to_owned(), max.to_owned())));
}

#[test]
fn partitions_have_one_value() {
    let (place, table) = counted("partitioned", Pick::Newest);
    let (files, columns) = told(&table);
    for (name, bounds) in &columns {
        let is_partition = table.partition_columns().contains(name);
        for file in 0..files.len() {
            assert!(bounds.null_counts[file].is_some(), "{name}");
            let has_value = bounds.mins.is_valid(file);
            assert!(has_value || bounds.are_all_null[file], "{name}");
            assert!(!is_partition || bounds.are_exact[file] == has_value, "{name}");
        }
    }
    let nulls = |name: &str| {
        columns.iter().find(|(column, _)| column == name).unwrap().1.null_counts.iter().flatten().sum::<u64>()
    };
    assert_eq!((nulls("text"), nulls("day"), nulls("n"), nulls("id")), (2, 1, 0, 0));
    assert_eq!(place.opened.load(Ordering::Relaxed), 0);
    let error = table.bounds(&files, &["nope"]).unwrap_err();
    assert!(matches!(error, DeltaError::UnknownColumn { .. }), "{error:?}");
    let nested = open("plain", Pick::Version(0)).unwrap();
    let files = nested.files_with_statistics().unwrap();
    let bounds = nested.bounds(&files, &["place", "tags", "counts", "bytes"]).unwrap();
    assert!(bounds.iter().all(|bounds| bounds.mins.null_count() == files.len() && !bounds.are_exact[0]));
    assert!(bounds[..3].iter().all(|bounds| bounds.null_counts == [None]));
    assert_eq!(bounds[3].mins.data_type(), &DataType::Binary);
}

/// Of ranges of rows, the files between them are not opened; rows are those of the whole.
#[test]
fn ranges_of_rows_open_no_other_file() {
    for (name, version) in [("bounded", 5), ("noted", 1), ("deleted", 3), ("partitioned", 0)] {
        let whole = ids(&open(name, Pick::Version(version)).unwrap(), &ReadOptions::default());
        let all = whole.len() as u64;
        for ranges in
            [vec![], vec![0..1; 1], vec![0..all; 1], vec![1..3, all - 2..all], vec![2..4, 5..6, all - 1..all + 7]]
        {
            let (place, table) = counted(name, Pick::Version(version));
            let mut end = 0;
            let mut needed = Vec::new();
            for file in table.files().unwrap() {
                let start = end;
                end += file.rows().unwrap();
                if ranges.iter().any(|range| range.start.max(start) < range.end.min(end)) {
                    needed.push(file.path);
                }
            }
            let expected = ranges.iter().flat_map(Clone::clone).filter_map(|row| whole.get(row as usize).copied());
            for batch_rows in [1, 1_000] {
                place.names.lock().unwrap().clear();
                let options = ReadOptions { ranges: Some(ranges.clone().into()), batch_rows, ..ReadOptions::default() };
                assert_eq!(ids(&table, &options), expected.clone().collect::<Vec<_>>(), "{name} {ranges:?}");
                let opened = place.names.lock().unwrap().clone();
                let opened: Vec<String> = opened.into_iter().filter(|file| !file.ends_with(".bin")).collect();
                assert_eq!(opened, needed, "{name} {ranges:?}");
            }
        }
    }
}

#[test]
fn a_column_that_is_asked_for_twice_is_told_twice() {
    let table = open("bounded", Pick::Newest).unwrap();
    let files = table.files_with_statistics().unwrap();
    let bounds = table.bounds(&files, &["id", "day", "id"]).unwrap();
    assert_eq!(bounds[0].mins.null_count(), 0);
    assert_eq!((&bounds[2].mins, &bounds[2].maxes), (&bounds[0].mins, &bounds[0].maxes));
    assert_eq!(bounds[2].null_counts, bounds[0].null_counts);
}
