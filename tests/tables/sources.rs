//! Tables of many files: imported, and referenced where they lie.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Date64Array, Int64Array, RecordBatch, RecordBatchIterator};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Float32Type, Int64Type};
use datafolio::{
    AddOptions, Data, DataFolio, ErrorCategory, ImportOptions, IterOptions, OpenOptions, Reference, ReferenceState,
    Settings, TableOptions,
};

use super::{sample, write_parquet};
use crate::compat::peer::{Peer, Release, installed};
use crate::support::new_bundle;

fn whole(folio: &DataFolio, name: &str) -> RecordBatch {
    let reader = folio.read_table(name, &TableOptions::new()).unwrap();
    let schema = reader.schema();
    concat_batches(&schema, &reader.collect::<Result<Vec<_>, _>>().unwrap()).unwrap()
}

fn reference(path: &Path, format: &str) -> Reference {
    let path = path.to_str().unwrap().to_owned();
    Reference { path, table_format: format.to_owned(), num_rows: None, version: None, timestamp: None }
}

fn numbers(values: &[i64]) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
    RecordBatch::try_from_iter([("x", column)]).unwrap()
}

/// What pyarrow wrote in partitions is what it reads, whether it is imported or referenced, by directory or by pattern.
#[test]
fn partitions_that_pyarrow_wrote() {
    let (dir, folio) = new_bundle();
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    let place = dir.path().join("by year");
    let table = "pa.table({'n': list(range(8)), 'year': [2023, 2024] * 4, \
                 'city': ['a b', None, 'c/d', 'e%', 'f=g', 'a b', None, 'h']})";
    for format in ["parquet", "csv"] {
        let root = place.join(format);
        let written = format!(
            "(lambda pa, ds: [ds.write_dataset({table}, {root:?}, format='{format}', \
             partitioning=ds.partitioning(pa.schema([('year', pa.int64()), ('city', pa.string())]), flavor='hive')), \
             sorted([r['n'], r['year'], r['city']] for r in ds.dataset({root:?}, format='{format}', \
             partitioning='hive').to_table().to_pylist())][1])(__import__('pyarrow'), __import__('pyarrow.dataset').dataset)"
        );
        let theirs = peer.get(&written);
        let pattern = root.join(format!("year=*/**/*.{format}"));
        folio
            .import_table(&format!("{format}-directory"), &root, &ImportOptions::default(), AddOptions::new())
            .unwrap();
        folio
            .import_table(&format!("{format}-pattern"), &pattern, &ImportOptions::default(), AddOptions::new())
            .unwrap();
        for (name, path) in [("directory", &root), ("pattern", &pattern)] {
            let name = format!("{format}-{name}-reference");
            let info = folio.reference_table(&name, reference(path, format), AddOptions::new()).unwrap();
            assert_eq!((&info.record["num_rows"], &info.record["num_cols"]), (&8.into(), &3.into()), "{name}");
            assert_eq!(info.record["dtypes"]["city"], "string");
            let facts = folio.table_info(&name).unwrap();
            let of = |column: usize| {
                let of = &facts.column_facts[column];
                serde_json::json!([of.null_count, of.min, of.max, of.is_exact])
            };
            let is_counted = format == "parquet";
            assert_eq!(facts.rows, Some(8), "{name}");
            assert_eq!(of(1), serde_json::json!([is_counted.then_some(0), 2023, 2024, is_counted]), "{name}");
            assert_eq!(of(2), serde_json::json!([is_counted.then_some(2), "a b", "h", is_counted]), "{name}");
        }
        for name in ["directory", "pattern", "directory-reference", "pattern-reference"] {
            let table = whole(&folio, &format!("{format}-{name}"));
            let schema = table.schema();
            let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            assert_eq!(names, ["n", "year", "city"], "{format} {name}");
            let (n, year) = (table.column(0).as_primitive::<Int64Type>(), table.column(1).as_primitive::<Int64Type>());
            let city = table.column(2).as_string::<i32>();
            let mut ours: Vec<_> = (0..table.num_rows())
                .map(|row| serde_json::json!([n.value(row), year.value(row), city.iter().nth(row).unwrap()]))
                .collect();
            ours.sort_by_key(|row| row[0].as_i64());
            assert_eq!(serde_json::Value::from(ours), theirs, "{format} {name}");
        }
    }
}

/// The values of a file that tells no extremes may lie beyond those of all others.
#[test]
fn extremes_are_known_where_every_file_tells_them() {
    let (dir, folio) = new_bundle();
    write_parquet(&dir.path().join("d/a.parquet"), &numbers(&[100, 109]));
    folio.reference_table("t", reference(&dir.path().join("d"), "parquet"), AddOptions::new()).unwrap();
    let facts = |folio: &DataFolio| {
        let of = folio.table_info("t").unwrap().column_facts.remove(0);
        (of.min, of.max, of.is_exact)
    };
    assert_eq!(facts(&folio), (Some(100.into()), Some(109.into()), true));
    let silent = parquet::file::properties::WriterProperties::builder()
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None)
        .build();
    let file = fs::File::create(dir.path().join("d/b.parquet")).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, numbers(&[0]).schema(), Some(silent)).unwrap();
    writer.write(&numbers(&[0, 9])).unwrap();
    writer.close().unwrap();
    assert_eq!(facts(&folio), (None, None, false));
}

#[test]
fn an_array_that_numpy_wrote_becomes_a_column_of_vectors_that_pyarrow_reads() {
    let (dir, folio) = new_bundle();
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    let (vectors, ids) = (dir.path().join("emb.npy"), dir.path().join("id.npy"));
    peer.get(&format!(
        "(lambda np: [np.save({vectors:?}, np.arange(12, dtype='f4').reshape(4, 3)), np.save({ids:?}, np.arange(4))])(\
         __import__('numpy'))"
    ));
    folio.import_files("points", &[&ids, &vectors], &ImportOptions::default(), AddOptions::new()).unwrap();
    let table = whole(&folio, "points");
    assert!(matches!(table.schema().field(1).data_type(), DataType::FixedSizeList(_, 3)));
    let vector = table.column(1).as_fixed_size_list().value(2);
    assert_eq!(vector.as_primitive::<Float32Type>().values(), &[6.0, 7.0, 8.0]);
    let path = folio.get_table_path("points").unwrap();
    let found = peer.get(&format!(
        "(lambda t: [str(t.schema.field('emb').type), t['emb'].to_pylist()])(\
         __import__('pyarrow.parquet').parquet.read_table({path:?}))"
    ));
    let expected = serde_json::json!([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0], [9.0, 10.0, 11.0]]);
    assert!(found[0].as_str().unwrap().starts_with("fixed_size_list<") && found[1] == expected, "{found}");
}

/// Parquet has no dates in milliseconds, and a program that reads the file is to see more than numbers.
#[test]
fn dates_in_milliseconds_are_instants_to_pyarrow_duckdb_and_polars() {
    let (_dir, folio) = new_bundle();
    let Some(python) = installed("DATAFOLIO_PYTHON_TABLES", "tables", "Python with Ibis, Polars and pandas") else {
        return;
    };
    let dates: ArrayRef = Arc::new(Date64Array::from(vec![Some(1_706_659_200_000), None, Some(-1)]));
    let batch = RecordBatch::try_from_iter_with_nullable([("day", dates, true)]).unwrap();
    let table = Data::Table(Box::new(RecordBatchIterator::new([Ok(batch.clone())], batch.schema())));
    folio.add("t", table, AddOptions::new()).unwrap();
    assert_eq!(whole(&folio, "t"), batch);
    let path = folio.get_table_path("t").unwrap();
    let script = format!(
        "import duckdb, polars, pyarrow.parquet as parquet\n\
         table = parquet.read_table({path:?})\n\
         print(table.schema.field('day').type, [str(day) for day in table['day'].to_pylist()])\n\
         rows = duckdb.read_parquet({path:?})\n\
         print(rows.types[0], [str(row[0]) for row in rows.fetchall()])\n\
         frame = polars.read_parquet({path:?})\n\
         print(frame.schema['day'], [str(day) for day in frame['day'].to_list()])"
    );
    let output = Command::new(python).args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let days = "['2024-01-31 00:00:00', 'None', '1969-12-31 23:59:59.999000']";
    let expected = format!("timestamp[ms] {days}\nTIMESTAMP {days}\nDatetime(time_unit='ms', time_zone=None) {days}\n");
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}

#[test]
fn a_check_tells_which_files_of_a_reference_came_went_and_changed() {
    let (dir, folio) = new_bundle();
    let place = dir.path().join("parts");
    let file = |name: &str| place.join(name);
    for name in ["a.parquet", "b.parquet", "c.parquet"] {
        write_parquet(&file(name), &numbers(&[1, 2]));
    }
    folio.reference_table("t", reference(&place, "parquet"), AddOptions::new()).unwrap();
    let listed = ["a.parquet", "b.parquet", "c.parquet"].map(|name| file(name).to_str().unwrap().to_owned());
    assert_eq!(folio.get_table_paths("t").unwrap(), listed);
    assert_eq!(Path::new(&folio.get_table_path("t").unwrap()), place);
    let check = || folio.check_references::<&str>(None).unwrap().remove(0);
    assert_eq!((check().state, check().reason), (ReferenceState::Unchanged, None));

    // The same bytes in number and the same time: the content tells.
    let seen = fs::metadata(file("b.parquet")).unwrap();
    write_parquet(&file("b.parquet"), &numbers(&[1, 3]));
    assert_eq!(fs::metadata(file("b.parquet")).unwrap().len(), seen.len());
    let back = |name: &str| {
        let opened = fs::File::options().write(true).open(file(name)).unwrap();
        opened.set_modified(seen.modified().unwrap()).unwrap();
    };
    back("b.parquet");
    assert_eq!((check().state, check().modified), (ReferenceState::Changed, vec!["b.parquet".to_owned()]));

    fs::remove_file(file("a.parquet")).unwrap();
    write_parquet(&file("d.parquet"), &sample(0..3));
    let found = check();
    assert_eq!((found.added, found.removed), (vec!["d.parquet".to_owned()], vec!["a.parquet".to_owned()]));
    assert_eq!(found.schema_changes, ["id", "half", "name"].map(|name| format!("column {name:?} is new")));

    // What reads it says so, or refuses to.
    assert_eq!(folio.changed_inputs("t").unwrap().len(), 1);
    folio.get_table("t").unwrap();
    let mut settings = Settings::default();
    settings.set("changed_references", "refuse").unwrap();
    let strict = OpenOptions::new().settings(settings).open(folio.location()).unwrap();
    for error in [
        strict.get("t").map(drop).unwrap_err(),
        strict.get_table("t").map(drop).unwrap_err(),
        strict.iter_table("t", &IterOptions::new()).map(drop).unwrap_err(),
        strict.table_info("t").map(drop).unwrap_err(),
        strict.get_table_paths("t").map(drop).unwrap_err(),
        strict.frame("t").map(drop).unwrap_err(),
    ] {
        assert_eq!(error.code(), "reference-changed");
        assert!(error.to_string().contains("'t'"), "{error}");
    }
    #[cfg(feature = "sql")]
    {
        let query = || datafolio::QueryOptions::new();
        for error in [
            strict.query("SELECT count(*) FROM t", &query()).map(drop).unwrap_err(),
            strict.query_table("t", "SELECT count(*) FROM table", &query()).map(drop).unwrap_err(),
        ] {
            assert_eq!(error.code(), "reference-changed");
        }
        // SQL that may do anything is told when it names the table, and else not.
        let unrestricted = |sql: &str| strict.query_unrestricted(sql, &query()).map(drop);
        assert_eq!(unrestricted("CREATE TABLE kept AS SELECT * FROM T").unwrap_err().code(), "reference-changed");
        unrestricted("SELECT 1").unwrap();
        folio.add_view("v", "SELECT count(*) AS n FROM t", AddOptions::new()).unwrap();
        let strict = OpenOptions::new().settings(strict.settings().clone()).open(folio.location()).unwrap();
        assert_eq!(strict.get_table("v").map(drop).unwrap_err().code(), "reference-changed");
    }
    let again = folio.reference_table("t", reference(&place, "parquet"), AddOptions::new().overwrite());
    again.unwrap();
    OpenOptions::new().settings(strict.settings().clone()).open(folio.location()).unwrap().get_table("t").unwrap();

    fs::remove_dir_all(&place).unwrap();
    assert_eq!(check().state, ReferenceState::Gone);
    assert_eq!(folio.check_references(Some(&["none"])).unwrap_err().category(), ErrorCategory::NotFound);
    folio.add_json("j", 1, AddOptions::new()).unwrap();
    assert_eq!(folio.check_references(Some(&["j"])).unwrap_err().code(), "wrong-type");
    folio.reference_table("far", reference(Path::new("s3://bucket/x.parquet"), "parquet"), AddOptions::new()).unwrap();
    assert_eq!(folio.check_references(Some(&["far"])).unwrap()[0].state, ReferenceState::Unreachable);
}

/// Beyond 256 files the entry has their digest alone.
#[test]
fn a_reference_to_many_files_stays_small() {
    let (dir, folio) = new_bundle();
    let place = dir.path().join("many");
    fs::create_dir(&place).unwrap();
    for number in 0..300 {
        fs::write(place.join(format!("{number:03}.csv")), format!("n\n{number}\n")).unwrap();
    }
    let info = folio.reference_table("many", reference(&place, "csv"), AddOptions::new()).unwrap();
    assert_eq!((&info.record["num_rows"], &info.record["fingerprint"]["files"]), (&300.into(), &300.into()));
    assert!(info.record["fingerprint"].get("listing").is_none());
    let expected: Vec<i64> = (0..300).collect();
    assert_eq!(whole(&folio, "many").column(0).as_primitive::<Int64Type>().values(), expected.as_slice());
    fs::write(place.join("007.csv"), "n\n9\n").unwrap();
    assert_eq!(folio.check_references(Some(&["many"])).unwrap()[0].state, ReferenceState::Changed);
}

/// Rows of a file that someone writes to meanwhile may be of another table: there is an error, and it names the file.
#[test]
fn a_file_that_changes_while_it_is_read_is_an_error() {
    let (dir, folio) = new_bundle();
    let place = dir.path().join("parts");
    for (name, rows) in [("a.parquet", 0..25_000), ("b.parquet", 25_000..50_000)] {
        write_parquet(&place.join(name), &sample(rows));
    }
    folio.reference_table("t", reference(&place, "parquet"), AddOptions::new()).unwrap();
    for keep in [0, 1_000, u64::MAX] {
        let path = place.join("b.parquet");
        write_parquet(&path, &sample(25_000..50_000));
        let mut chunks = folio.iter_table("t", &IterOptions::new().chunk_size(1_000)).unwrap();
        for _ in 0..26 {
            chunks.next().unwrap().unwrap();
        }
        let file = fs::File::options().write(true).open(&path).unwrap();
        if keep == u64::MAX {
            std::io::Write::write_all(&mut &file, b"PAR1 and more").unwrap();
            file.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(5)).unwrap();
        } else {
            file.set_len(keep).unwrap();
        }
        let error = chunks.find_map(Result::err).expect("an error");
        assert!(error.to_string().contains("b.parquet"), "{keep}: {error}");
    }
}

/// Such tables are streamed into queries, with their partitions.
#[cfg(feature = "sql")]
#[test]
fn a_directory_with_partitions_is_queried_as_one_table() {
    let (dir, folio) = new_bundle();
    let place = dir.path().join("years");
    for (file, values) in
        [("year=2023/a.parquet", &[1, 2][..]), ("year=2023/b.parquet", &[3][..]), ("year=2024/a.parquet", &[4][..])]
    {
        write_parquet(&place.join(file), &numbers(values));
    }
    folio.reference_table("years", reference(&place, "parquet"), AddOptions::new()).unwrap();
    let sql = "SELECT year::BIGINT, sum(x)::BIGINT FROM years GROUP BY year ORDER BY year";
    let rows = folio.query(sql, &datafolio::QueryOptions::new()).unwrap();
    let batches: Vec<RecordBatch> = rows.map(Result::unwrap).collect();
    let column = |place: usize| batches[0].column(place).as_primitive::<Int64Type>().values().to_vec();
    assert_eq!((column(0), column(1)), (vec![2023, 2024], vec![6, 4]));
    let later = folio.read_table("years", &TableOptions::new().filter("year = 2024 AND x > 1")).unwrap();
    assert_eq!(later.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 1);
}

/// The same where DuckDB reads the file, which does not look at it a second time.
#[cfg(feature = "sql")]
#[test]
fn a_file_that_changes_while_it_is_queried_is_an_error() {
    let (dir, folio) = new_bundle();
    let path = dir.path().join("one.parquet");
    write_parquet(&path, &sample(0..50_000));
    folio.reference_table("t", reference(&path, "parquet"), AddOptions::new()).unwrap();
    // Someone has written to it; the bytes stay, so that what tells of it is not that they cannot be read.
    let change = |seconds: u64| {
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(seconds)).unwrap();
    };
    let mut rows = folio.query("SELECT * FROM t", &datafolio::QueryOptions::new()).unwrap();
    rows.next().unwrap().unwrap();
    change(5);
    let error = datafolio::Error::from(rows.find_map(Result::err).expect("an error"));
    assert_eq!(error.code(), "sql-file-changed");
    assert!(error.to_string().contains("one.parquet"), "{error}");
    assert!(rows.next().is_none());
    // So with a condition; and what is asked for afterwards is of the new file.
    let mut chunks = folio.iter_table("t", &IterOptions::new().filter("true")).unwrap();
    chunks.next().unwrap().unwrap();
    change(10);
    assert_eq!(chunks.find_map(Result::err).expect("an error").code(), "sql-file-changed");
    let rows = folio.query("SELECT * FROM t", &datafolio::QueryOptions::new()).unwrap();
    assert_eq!(rows.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 50_000);
}

/// Threads that open it later find nothing.
#[cfg(feature = "sql")]
#[test]
fn a_file_that_goes_while_it_is_queried_is_told() {
    let (dir, folio) = new_bundle();
    let path = dir.path().join("one.parquet");
    write_parquet(&path, &sample(0..6_400_000));
    folio.reference_table("t", reference(&path, "parquet"), AddOptions::new()).unwrap();
    let options = datafolio::QueryOptions::new().threads(2);
    let mut rows = folio.query("SELECT *, 1 AS one FROM t", &options).unwrap();
    rows.next().unwrap().unwrap();
    fs::remove_file(&path).unwrap();
    let error = datafolio::Error::from(rows.find_map(Result::err).expect("an error"));
    assert!(error.code() == "sql-file-changed" && error.to_string().contains("one.parquet"), "{error}");
}

/// The fields that 2.3 does not know do not keep it from reading a reference, and it keeps them.
#[test]
fn python_reads_a_reference_with_a_fingerprint() {
    let (dir, folio) = new_bundle();
    let path = dir.path().join("one.parquet");
    write_parquet(&path, &numbers(&[4, 5]));
    let made = folio.reference_table("one", reference(&path, "parquet"), AddOptions::new()).unwrap();
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    assert_eq!(peer.get("folio.get('one')['x'].tolist()"), serde_json::json!([4, 5]));
    peer.get("folio.update_item('one', description='seen') if hasattr(folio, 'update_item') else None");
    let again = DataFolio::open(folio.location()).unwrap();
    assert_eq!(again.item_info("one").unwrap().record["fingerprint"], made.record["fingerprint"]);
    assert_eq!(again.check_references::<&str>(None).unwrap()[0].state, ReferenceState::Unchanged);
}

/// The directory says less than the file: what the file says beyond that would be lost.
#[test]
fn a_partition_does_not_replace_what_a_file_says_otherwise() {
    use arrow::array::{Float64Array, StringArray, TimestampMicrosecondArray};
    let (dir, folio) = new_bundle();
    let columns: [(&str, ArrayRef, bool); 6] = [
        (
            "day=2024-01-01",
            Arc::new(TimestampMicrosecondArray::from(vec![1_704_110_400_000_000, 1_704_067_200_000_000])),
            false,
        ),
        ("day=2024-01-01", Arc::new(TimestampMicrosecondArray::from(vec![1_704_067_200_000_000; 2])), true),
        ("day=1", Arc::new(Float64Array::from(vec![1.5, 1.9])), false),
        ("day=1", Arc::new(Float64Array::from(vec![1.0, 1.0])), true),
        ("day=01", Arc::new(StringArray::from(vec!["01", "1"])), false),
        ("day=__HIVE_DEFAULT_PARTITION__", Arc::new(StringArray::from(vec!["abc", "q"])), false),
    ];
    for (number, (directory, column, is_same)) in columns.into_iter().enumerate() {
        let place = dir.path().join(number.to_string());
        let batch = RecordBatch::try_from_iter([("day", column)]).unwrap();
        write_parquet(&place.join(directory).join("a.parquet"), &batch);
        let name = format!("t{number}");
        let imported = folio.import_files(&name, &[&place], &ImportOptions::default(), AddOptions::new());
        match imported {
            Ok(_) => assert!(is_same, "{number}"),
            Err(error) => {
                assert!(!is_same && error.to_string().contains("other values than the directory"), "{number}: {error}")
            }
        }
    }
}
