//! What a table is and where it lies.

use std::path::Path;

use arrow::datatypes::DataType;
use datafolio::{AddOptions, ColumnFacts, Reference, TablePaths};
use serde_json::{Value, json};

use super::{ROWS, with_tables};
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
        let counted = (name != "text").then_some(ROWS as u64);
        assert_eq!((info.rows, info.columns), (counted, 3), "{name}");
        assert_eq!(info.column_names, ["id", "half", "name"]);
        assert_eq!(info.parts.len(), if name == "directory" || name.ends_with("parts") { 4 } else { 1 });
        assert_eq!(info.parts.iter().map(|part| part.rows).sum::<Option<u64>>(), counted);
        assert!(info.parts.iter().all(|part| part.path.as_ref().unwrap().is_file()));
        assert_eq!(folio.table_parts(name).unwrap().len(), info.parts.len());
        if !matches!(name, "arrow" | "hdf5" | "text" | "arrow_parts" | "hdf5_parts") {
            let half = &info.column_facts[1];
            assert_eq!(
                (half.null_count, half.min.clone(), half.max.clone()),
                (Some(2_500), Some(json!(0.0)), Some(json!(12_499.5)))
            );
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
    // It keeps no one from the other tables.
    let all = folio.get_all_table_paths().unwrap();
    assert_eq!(all["gone"], TablePaths::One("/nowhere/gone.parquet".to_owned()));
    assert_eq!(all["parquet"], TablePaths::One(folio.get_table_path("parquet").unwrap()));
    std::fs::remove_file(folio.item_path("parquet").unwrap()).unwrap();
    assert_eq!(folio.get_table_path("parquet").unwrap_err().code(), "missing-payload");
}
