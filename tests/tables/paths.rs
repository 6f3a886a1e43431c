//! What a table is and where it lies.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, DurationMicrosecondArray, RecordBatch, RecordBatchIterator};
use arrow::datatypes::DataType;
use datafolio::{AddOptions, ColumnFacts, Data, IterOptions, Reference, TablePaths};
use serde_json::{Value, json};

use super::{ROWS, sample, with_tables};
use crate::compat::peer::{Peer, Release};
use crate::support::new_bundle;

/// Nulls, smallest and largest value and bytes of a column, in pyarrow's words.
const COLUMN: &str = "lambda m, c: (lambda chunks: [sum(k.statistics.null_count for k in chunks), \
    *((min(k.statistics.min for k in chunks), max(k.statistics.max for k in chunks)) \
    if all(k.statistics.has_min_max for k in chunks) else (None, None)), \
    sum(k.total_compressed_size for k in chunks)])([m.row_group(g).column(c) for g in range(m.num_row_groups)])";

#[test]
fn facts_are_those_that_pyarrow_finds_in_the_footer() {
    let (dir, folio) = new_bundle();
    with_tables(&folio, dir.path());
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    for name in ["parquet", "streamed"] {
        let info = folio.table_info(name).unwrap();
        let path = folio.get_table_path(name).unwrap();
        let found = peer.get(&format!(
            "(lambda m, f: [m.num_rows, m.num_columns, m.num_row_groups, \
             [m.row_group(g).num_rows for g in range(m.num_row_groups)], [f(m, c) for c in range(m.num_columns)]])(\
             __import__('pyarrow.parquet').parquet.read_metadata({path:?}), {COLUMN})"
        ));
        // pyarrow 26 does not know the order of floats that the file names, and so gives no extremes of them.
        let known = |column: &ColumnFacts, value: &Option<Value>| match column.arrow_type.as_str() {
            "double" => Value::Null,
            _ => value.clone().into(),
        };
        let columns = info.column_facts.iter().map(|column| {
            let (min, max) = (known(column, &column.min), known(column, &column.max));
            json!([column.null_count, min, max, column.compressed_bytes])
        });
        let columns: Vec<Value> = columns.collect();
        let groups = &info.parts[0].row_groups;
        assert_eq!(found, json!([info.rows, info.columns, info.row_groups, groups, columns]), "{name}");
        assert_eq!(info.size_bytes, std::fs::metadata(&path).unwrap().len());
        assert_eq!(info.dtypes, *json!({"id": "int64", "half": "double", "name": "string"}).as_object().unwrap());
    }
}

#[test]
fn every_form_of_table_has_facts() {
    let (dir, folio) = new_bundle();
    for name in with_tables(&folio, dir.path()) {
        let info = folio.table_info(name).unwrap();
        assert_eq!((info.rows, info.columns), (Some(ROWS as u64), 3), "{name}");
        assert_eq!(info.column_names, ["id", "half", "name"]);
        assert_eq!(info.parts.len(), if name == "directory" || name.ends_with("parts") { 4 } else { 1 });
        assert_eq!(info.parts.iter().map(|part| part.rows).sum::<Option<u64>>(), info.rows);
        assert!(info.parts.iter().all(|part| part.path.as_ref().unwrap().is_file()));
        assert_eq!(folio.table_parts(name).unwrap().len(), info.parts.len());
        if !matches!(name, "arrow" | "hdf5" | "text" | "arrow_parts" | "hdf5_parts") {
            let half = &info.column_facts[1];
            assert_eq!(
                (half.null_count, half.min.clone(), half.max.clone(), half.is_exact),
                (Some(2_500), Some(json!(0.0)), Some(json!(12_499.5)), true)
            );
        } else {
            // These formats have no statistics in their heads.
            let half = &info.column_facts[1];
            assert_eq!((half.null_count, &half.min, half.is_exact), (None, &None, false));
        }
        assert_eq!(
            info.created_at.as_ref().unwrap(),
            folio.item_info(name).unwrap().record["created_at"].as_str().unwrap()
        );
        assert_eq!(info.schema.field(2).data_type(), &DataType::Utf8, "{name}");
        if name == "streamed" {
            assert_eq!(info.compression, ["zstd"]);
            let logical: Vec<Option<&str>> =
                info.column_facts.iter().map(|facts| facts.logical_type.as_deref()).collect();
            assert_eq!(logical, [Some("INT64"), Some("DOUBLE"), Some("BYTE_ARRAY (String)")]);
        }
        let shown = serde_json::to_value(&info).unwrap();
        assert_eq!(shown["column_names"], json!(["id", "half", "name"]));
    }
}

#[test]
fn referenced_arrow_and_hdf5_files_tell_their_rows_and_are_shared_out() {
    let (dir, folio) = new_bundle();
    with_tables(&folio, dir.path());
    let all = sample(0..ROWS);
    for (item, format) in [("arrow", "arrow"), ("hdf5", "hdf5")] {
        let name = format!("outside_{format}");
        let path = folio.get_table_path(item).unwrap();
        let reference =
            Reference { path, table_format: format.to_owned(), num_rows: None, version: None, timestamp: None };
        let added = folio.reference_table(&name, reference, AddOptions::new()).unwrap();
        assert_eq!(added.record["num_rows"], ROWS);
        assert_eq!(folio.table_info(&name).unwrap().rows, Some(ROWS as u64));
        let mut row = 0;
        for range in folio.split_table(&name, 3).unwrap() {
            for chunk in folio.iter_table(&name, &IterOptions::new().rows(range)).unwrap() {
                let chunk = chunk.unwrap();
                assert_eq!(chunk.columns(), all.slice(row, chunk.num_rows()).columns(), "{name} {row}");
                row += chunk.num_rows();
            }
        }
        assert_eq!(row, ROWS as usize);
    }
}

/// Parquet has no durations, and its footer has their extremes all the same.
#[test]
fn durations_have_extremes() {
    let (_dir, folio) = new_bundle();
    let values = [Some(90_061_000_000), None, Some(-1_500_000), Some(0)];
    let column: ArrayRef = Arc::new(DurationMicrosecondArray::from(values.to_vec()));
    let batch = RecordBatch::try_from_iter_with_nullable([("took", column, true)]).unwrap();
    let rows = RecordBatchIterator::new([Ok(batch.clone())], batch.schema());
    folio.add("t", Data::Table(Box::new(rows)), AddOptions::new()).unwrap();
    let info = folio.table_info("t").unwrap();
    let took = &info.column_facts[0];
    assert_eq!((took.null_count, took.is_exact), (Some(1), true));
    // A day, an hour, a minute and a second.
    let shown = |value: &Option<Value>| value.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
    assert_eq!((shown(&took.min), shown(&took.max)), ("-PT1.5S".to_owned(), "PT90061S".to_owned()));
}

#[test]
fn paths_are_absolute_and_there() {
    let (dir, folio) = new_bundle();
    let names = with_tables(&folio, dir.path());
    for name in names {
        if name.ends_with("parts") {
            let paths = folio.get_table_paths(name).unwrap();
            assert_eq!(paths.len(), 4);
            assert!(paths.iter().all(|path| Path::new(path).is_absolute() && Path::new(path).exists()), "{paths:?}");
            assert_eq!(folio.get_all_table_paths().unwrap()[name], TablePaths::Several(paths));
            continue;
        }
        let path = folio.get_table_path(name).unwrap();
        assert!(Path::new(&path).is_absolute() && Path::new(&path).exists(), "{path}");
        let paths = folio.get_table_paths(name).unwrap();
        if Path::new(&path).is_dir() {
            // Of a reference to a directory the files, in the order of their rows.
            let files = folio.table_parts(name).unwrap().into_iter().filter_map(|part| part.path);
            assert_eq!(paths, files.map(|file| file.to_str().unwrap().to_owned()).collect::<Vec<_>>());
            assert!(paths.len() > 1 && paths.iter().all(|file| Path::new(file).is_file()), "{paths:?}");
        } else {
            assert_eq!(paths, std::slice::from_ref(&path));
        }
        assert_eq!(folio.get_all_table_paths().unwrap()[name], TablePaths::One(path));
    }
    folio.add("params", json!(1), AddOptions::new()).unwrap();
    folio.archive(&["text"]).unwrap();
    let all = folio.get_all_table_paths().unwrap();
    assert_eq!(
        all.keys().collect::<Vec<_>>(),
        ["parquet", "streamed", "arrow", "hdf5", "one_file", "directory", "parts", "arrow_parts", "hdf5_parts"]
    );

    let reference = |path: &str| Reference {
        path: path.to_owned(),
        table_format: "parquet".to_owned(),
        num_rows: None,
        version: None,
        timestamp: None,
    };
    folio.add("far", reference("s3://me:secret@bucket/far.parquet"), AddOptions::new()).unwrap();
    let far = folio.get_table_path("far").unwrap();
    assert!(far.starts_with("s3://") && !far.contains("secret"), "{far}");
    folio.add("gone", reference("/nowhere/gone.parquet"), AddOptions::new()).unwrap();
    assert_eq!(folio.get_table_path("gone").unwrap_err().code(), "missing-reference");
    // A pattern is no path: what it names now are.
    let directory = folio.get_table_path("directory").unwrap();
    folio.add("pattern", reference(&format!("{directory}/p*.parquet")), AddOptions::new()).unwrap();
    let files = folio.get_table_paths("directory").unwrap();
    assert_eq!(folio.get_table_paths("pattern").unwrap(), files);
    assert_eq!(folio.get_all_table_paths().unwrap()["pattern"], TablePaths::Several(files.clone()));
    let error = folio.get_table_path("pattern").unwrap_err().to_string();
    assert!(error.contains("4 files: get_table_paths (`datafolio path`) lists them, and import"), "{error}");
    let one = files[0].replace(".parquet", ".par*");
    folio.add("one", reference(&one), AddOptions::new()).unwrap();
    assert_eq!(folio.get_table_path("one").unwrap(), files[0]);
    folio.add("none", reference(&format!("{directory}/*.none")), AddOptions::new()).unwrap();
    assert_eq!(folio.get_table_path("none").unwrap_err().code(), "missing-reference");
    assert_eq!(folio.get_all_table_paths().unwrap()["none"], TablePaths::One(format!("{directory}/*.none")));
    // It keeps no one from the other tables.
    let all = folio.get_all_table_paths().unwrap();
    assert_eq!(all["gone"], TablePaths::One("/nowhere/gone.parquet".to_owned()));
    assert_eq!(all["parquet"], TablePaths::One(folio.get_table_path("parquet").unwrap()));
    std::fs::remove_file(folio.item_path("parquet").unwrap()).unwrap();
    assert_eq!(folio.get_table_path("parquet").unwrap_err().code(), "missing-payload");
}
