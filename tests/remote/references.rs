//! References to tables on stores: read where they lie.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, RecordBatchReader, StringArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafolio::columns::{Value, agg, col};
use datafolio::{
    AddOptions, DataFolio, ErrorCategory, IterOptions, Reference, ReferenceState, TableOptions, VerifyOptions,
};
use datafolio_testkit::object_server::ObjectServer;
use tempfile::TempDir;

use super::Remote;

/// A bundle of this machine, and a server that it refers to.
struct Setting {
    remote: Remote,
    dir: TempDir,
    folio: DataFolio,
}

impl Setting {
    fn new() -> Self {
        let (remote, dir) = (Remote::s3(), TempDir::new().unwrap());
        let folio = remote.options().create(dir.path().join("study")).unwrap();
        Self { remote, dir, folio }
    }

    fn server(&self) -> &ObjectServer {
        &self.remote.server
    }

    fn refer(&self, name: &str, key: &str, format: &str) -> serde_json::Map<String, serde_json::Value> {
        let added =
            self.folio.reference_table(name, reference(&format!("s3://bucket/{key}"), format), AddOptions::new());
        added.unwrap().record
    }

    fn read(&self, name: &str, options: &TableOptions) -> Vec<RecordBatch> {
        self.folio.read_table(name, options).unwrap().map(Result::unwrap).collect()
    }

    fn ints(&self, name: &str, column: &str) -> Vec<i64> {
        let batches = self.read(name, &TableOptions::new().columns([column]));
        let ints = |batch: &RecordBatch| {
            let ints = arrow::compute::cast(batch.column(0), &DataType::Int64).unwrap();
            ints.as_primitive::<Int64Type>().values().to_vec()
        };
        batches.iter().flat_map(ints).collect()
    }

    fn fetched(&self) -> (usize, u64) {
        let requests = self.server().take_requests();
        (requests.len(), requests.iter().map(|request| request.sent).sum())
    }
}

fn reference(path: &str, format: &str) -> Reference {
    Reference { path: path.to_owned(), table_format: format.to_owned(), num_rows: None, version: None, timestamp: None }
}

fn parquet(columns: Vec<(&str, ArrayRef)>, rows_of_a_group: usize) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let properties = parquet::file::properties::WriterProperties::builder()
        .set_max_row_group_row_count(Some(rows_of_a_group))
        .set_dictionary_enabled(false)
        .build();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn ids(values: std::ops::Range<i64>) -> Vec<u8> {
    parquet(vec![("id", Arc::new(Int64Array::from_iter_values(values)))], 1 << 20)
}

/// Numbers that nothing compresses.
fn noise(rows: usize, mut seed: u64) -> ArrayRef {
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 11) as f64 / (1_u64 << 53) as f64
    };
    Arc::new(Float64Array::from_iter_values((0..rows).map(|_| next())))
}

#[test]
fn of_a_file_what_is_asked_for_is_fetched() {
    const ROWS: usize = 1 << 20;
    let here = Setting::new();
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ROWS as i64));
    let columns = vec![("id", ids), ("a", noise(ROWS, 1)), ("b", noise(ROWS, 2)), ("c", noise(ROWS, 3))];
    let bytes = parquet(columns.clone(), ROWS / 8);
    let size = bytes.len() as u64;
    assert!(size > 24 << 20, "{size}");
    here.server().put("lake/all.parquet", &bytes);
    let record = here.refer("t", "lake/all.parquet", "parquet");
    let (_, bytes) = here.fetched();
    assert!(bytes < 3 << 20, "{bytes} bytes to refer");
    assert_eq!((&record["path"], &record["num_rows"]), (&"s3://bucket/lake/all.parquet".into(), &(ROWS as u64).into()));
    assert_eq!(record["is_directory"], false);
    assert_eq!(record["columns"], serde_json::json!(["id", "a", "b", "c"]));
    assert_eq!(record["fingerprint"]["bytes"], size);

    let info = here.folio.table_info("t").unwrap();
    assert_eq!((info.rows, info.parts[0].row_groups.len()), (Some(ROWS as u64), 8));
    assert_eq!(here.folio.get_table_path("t").unwrap(), "s3://bucket/lake/all.parquet");
    here.fetched();
    let options = TableOptions::new().columns(["b"]).offset(ROWS as u64 / 2 + 5).limit(3);
    let batch = arrow::compute::concat_batches(
        &here.folio.read_table("t", &options).unwrap().schema(),
        &here.read("t", &options),
    )
    .unwrap();
    let expected = columns[2].1.slice(ROWS / 2 + 5, 3);
    assert_eq!(batch.column(0), &expected);
    let (_, bytes) = here.fetched();
    assert!(bytes < 8 << 20, "{bytes} bytes for three rows");
    let sum: f64 = here
        .folio
        .iter_table("t", &IterOptions::new().columns(["c"]).chunk_size(100_000))
        .unwrap()
        .map(|chunk| chunk.unwrap().column(0).as_primitive::<Float64Type>().values().iter().sum::<f64>())
        .sum();
    let wanted: f64 = columns[3].1.as_primitive::<Float64Type>().values().iter().sum();
    assert!((sum - wanted).abs() < 1e-6 * wanted, "{sum} {wanted}");
    let (_, bytes) = here.fetched();
    assert!(bytes < size / 2, "{bytes} of {size} bytes for one of four columns");
    let mean = here.folio.frame("t").unwrap().filter(col("id").less(10)).unwrap();
    assert_eq!(mean.aggregate(&[agg::sum(col("id"))]).unwrap()[0], Value::Int(45));
}

#[test]
fn directories_patterns_and_other_formats() {
    let here = Setting::new();
    let server = here.server();
    server.put("lake/d/year=2023/a.parquet", &ids(0..3));
    server.put("lake/d/year=2024/b.parquet", &ids(3..7));
    server.put("lake/d/_SUCCESS", b"");
    server.put("lake/d/.hidden/x.parquet", b"none");
    server.put("lake/d/year=2024/_tmp.parquet", b"none");
    server.put("lake/d2/z.parquet", &ids(90..91));
    server.put("lake/text.csv", b"id,word\n1,a\n2,b\n");
    server.put("lake/odd [1].csv", b"id\n8\n");
    server.put("lake/parts/part-10.csv", b"id\n10\n");
    server.put("lake/parts/part-2.csv", b"id\n2\n");
    server.put("lake/parts/deep/part-3.csv", b"id\n3\n");
    let words = RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef),
        ("word", Arc::new(StringArray::from(vec!["a", "b"]))),
    ])
    .unwrap();
    let mut stream = Vec::new();
    let mut writer = arrow::ipc::writer::FileWriter::try_new(&mut stream, &words.schema()).unwrap();
    writer.write(&words).unwrap();
    writer.finish().unwrap();
    drop(writer);
    server.put("lake/words.arrow", &stream);

    // Whether it is a directory is found, and said of it.
    let record = here.refer("d", "lake/d", "parquet");
    assert_eq!((&record["is_directory"], &record["polars_only"]), (&true.into(), &true.into()));
    assert_eq!(record["columns"], serde_json::json!(["id", "year"]));
    assert_eq!(here.ints("d", "id"), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(here.ints("d", "year"), [2023, 2023, 2023, 2024, 2024, 2024, 2024]);
    here.refer("slash", "lake/d/", "parquet");
    assert_eq!(here.ints("slash", "id"), [0, 1, 2, 3, 4, 5, 6]);
    let record = here.refer("pattern", "lake/d/*/[ab].parquet", "parquet");
    assert_eq!(record["partitioning"], "hive");
    assert_eq!(here.ints("pattern", "year").len(), 7);
    here.refer("names", "lake/parts/part-*.csv", "csv");
    assert_eq!(here.ints("names", "id"), [10, 2]);
    here.refer("deep", "lake/**/part-*.csv", "csv");
    assert_eq!(here.ints("deep", "id"), [3, 10, 2]);
    here.refer("odd", "lake/odd [1].csv", "csv");
    assert_eq!(here.ints("odd", "id"), [8]);
    for (name, key, format) in [("csv", "lake/text.csv", "csv"), ("arrow", "lake/words.arrow", "arrow")] {
        here.refer(name, key, format);
        assert_eq!(here.ints(name, "id"), [1, 2]);
        let rows = here.read(name, &TableOptions::new());
        let words = arrow::compute::cast(rows[0].column(1), &DataType::Utf8).unwrap();
        assert_eq!(words.as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["a", "b"]);
    }
    #[cfg(feature = "sql")]
    {
        let found = here
            .folio
            .query("SELECT sum(d.id) AS s FROM d JOIN csv USING (id)", &datafolio::QueryOptions::new())
            .unwrap();
        let batches: Vec<RecordBatch> = found.map(Result::unwrap).collect();
        let sum = arrow::compute::cast(batches[0].column(0), &DataType::Int64).unwrap();
        assert_eq!(sum.as_primitive::<Int64Type>().value(0), 3);
    }
}

/// By a look at the listing: files that came, went and were written again, and nothing where nothing was.
#[test]
fn changes_are_told() {
    let here = Setting::new();
    let server = here.server();
    server.put("lake/d/a.parquet", &ids(0..3));
    server.put("lake/d/b.parquet", &ids(3..7));
    here.refer("d", "lake/d", "parquet");
    let check = || here.folio.check_references(None::<&[&str]>).unwrap().remove(0);
    assert_eq!((check().state, check().reason), (ReferenceState::Unchanged, None));
    // Whether a bundle is whole is told without a request.
    server.take_requests();
    let report = here.folio.verify(&VerifyOptions::default()).unwrap();
    assert!(report.is_clean() && report.findings[0].code == "not-checked", "{:?}", report.findings);
    assert!(report.findings[0].message.contains("datafolio verify --references"), "{:?}", report.findings);
    assert_eq!(server.take_requests().len(), 0);
    server.faults().set_clock_offset(chrono::TimeDelta::seconds(90));
    server.put("lake/d/a.parquet", &ids(5..8));
    let changed = check();
    assert_eq!((changed.state, changed.modified.as_slice()), (ReferenceState::Changed, &["a.parquet".to_owned()][..]));
    assert_eq!(here.ints("d", "id"), [5, 6, 7, 3, 4, 5, 6]);
    server.put("lake/d/c.parquet", &ids(0..1));
    server.remove("lake/d/b.parquet");
    let changed = check();
    assert_eq!(
        (changed.added.as_slice(), changed.removed.as_slice()),
        (&["c.parquet".to_owned()][..], &["b.parquet".to_owned()][..])
    );
    for file in ["a", "c"] {
        server.remove(&format!("lake/d/{file}.parquet"));
    }
    assert_eq!(check().state, ReferenceState::Gone);
    let error = here.folio.read_table("d", &TableOptions::new()).err().unwrap();
    assert!(error.to_string().contains("'d'") && error.to_string().contains("s3://bucket/lake/d"), "{error}");
    assert_eq!(error.category(), ErrorCategory::NotFound);
}

/// A store that does not answer keeps nobody from referring to what lies there, and is told from damage.
#[test]
fn stores_that_refuse_or_are_away() {
    let here = Setting::new();
    let server = here.server();
    server.put("lake/t.parquet", &ids(0..3));
    server.put("lake/bad.parquet", b"PAR1 and no more");
    server.faults().set_deny(true);
    let record = here.refer("t", "lake/t.parquet", "parquet");
    assert!(!record.contains_key("columns") && !record.contains_key("fingerprint"));
    let error = here.folio.read_table("t", &TableOptions::new()).err().unwrap();
    assert_eq!(error.category(), ErrorCategory::Storage, "{error}");
    assert!(error.to_string().contains("'t'") && !error.to_string().contains("secret"), "{error}");
    let check = here.folio.check_references(Some(&["t"])).unwrap().remove(0);
    assert_eq!(check.state, ReferenceState::Unreachable);
    server.faults().set_deny(false);
    assert_eq!(here.ints("t", "id"), [0, 1, 2]);
    // The listing is answered, and the bytes are not.
    let mut rows = here.folio.read_table("t", &TableOptions::new()).unwrap();
    drop(rows.next());
    server.faults().set_deny(true);
    let error = here.folio.table_info("t").unwrap_err();
    assert_eq!(error.category(), ErrorCategory::Storage, "{error}");
    server.faults().set_deny(false);
    // What is there and cannot be read is told when it is referred to.
    let bad = reference("s3://bucket/lake/bad.parquet", "parquet");
    let error = here.folio.reference_table("bad", bad, AddOptions::new()).unwrap_err();
    assert!(error.to_string().contains("truncated, damaged or not a Parquet file"), "{error}");
    let unknown = reference("ftp://host/t.parquet", "parquet");
    here.folio.reference_table("unknown", unknown, AddOptions::new()).unwrap();
    let error = here.folio.read_table("unknown", &TableOptions::new()).err().unwrap().to_string();
    assert!(error.contains("'unknown'") && error.contains("ftp"), "{error}");
}

#[test]
fn a_file_of_a_web_server() {
    let here = Setting::new();
    here.server().put("t.csv", b"id\n4\n5\n");
    here.server().put("My data.csv", b"id\n7\n");
    let address = |key: &str| format!("{}/bucket/{key}", here.server().endpoint());
    here.folio.reference_table("t", reference(&address("t.csv"), "csv"), AddOptions::new()).unwrap();
    assert_eq!(here.ints("t", "id"), [4, 5]);
    here.folio.reference_table("spaces", reference(&address("My%20data.csv"), "csv"), AddOptions::new()).unwrap();
    assert_eq!(here.ints("spaces", "id"), [7]);
    let parameters = reference(&address("t.csv?versionId=3"), "csv");
    here.folio.reference_table("parameters", parameters, AddOptions::new()).unwrap();
    let error = here.folio.read_table("parameters", &TableOptions::new()).err().unwrap().to_string();
    assert!(error.contains("parameters,") && error.contains("download it"), "{error}");
    let listed = reference(&address("dir/"), "csv");
    here.folio.reference_table("dir", listed, AddOptions::new()).unwrap();
    let error = here.folio.read_table("dir", &TableOptions::new()).err().unwrap().to_string();
    assert!(error.contains("does not list"), "{error}");
    here.folio.reference_table("none", reference(&address("none.csv"), "csv"), AddOptions::new()).unwrap();
    let error = here.folio.read_table("none", &TableOptions::new()).err().unwrap();
    assert_eq!(error.category(), ErrorCategory::NotFound, "{error}");
}

/// A bundle on a store refers to tables beside it, with its own options.
#[test]
fn from_a_bundle_on_a_store() {
    let remote = Remote::s3();
    remote.server.put("lake/t.parquet", &ids(0..4));
    let folio = remote.create("a");
    folio.reference_table("t", reference("s3://bucket/lake/t.parquet", "parquet"), AddOptions::new()).unwrap();
    drop(folio);
    let folio = remote.open("a");
    assert_eq!(folio.table_info("t").unwrap().rows, Some(4));
    // Those of another kind of store are not told what this one is reached with.
    let before = remote.server.take_requests().len();
    assert!(before > 0);
    folio.reference_table("web", reference("http://127.0.0.1:1/t.parquet", "parquet"), AddOptions::new()).unwrap();
    let error = folio.read_table("web", &TableOptions::new()).err().unwrap();
    assert_eq!(error.category(), ErrorCategory::Storage, "{error}");
}

#[cfg(feature = "delta")]
mod delta {
    use super::*;

    fn put_all(server: &ObjectServer, from: &Path, key: &str) {
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let key = format!("{key}/{}", entry.file_name().to_str().unwrap());
            match entry.path().is_dir() {
                true => put_all(server, &entry.path(), &key),
                false => server.put(&key, &fs::read(entry.path()).unwrap()),
            }
        }
    }

    fn tables() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/delta/tests-data/tables")
    }

    /// Every table of the fixtures has the same rows, or is refused in the same words, as from a directory.
    #[test]
    fn tables_of_every_kind() {
        let here = Setting::new();
        put_all(here.server(), &tables(), "lake");
        let mut compared = 0;
        for entry in fs::read_dir(tables()).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let add =
                |to: &str, path: &str| here.folio.reference_table(to, reference(path, "delta"), AddOptions::new());
            let there = add("there", &format!("s3://bucket/lake/{name}"));
            let local = add("local", entry.path().to_str().unwrap());
            match (there, local) {
                (Ok(there), Ok(local)) => {
                    for field in ["num_rows", "columns", "dtypes"] {
                        assert_eq!(there.record.get(field), local.record.get(field), "{name}");
                    }
                    let fingerprint =
                        |record: &serde_json::Map<String, serde_json::Value>| record["fingerprint"].clone();
                    assert_eq!(fingerprint(&there.record), fingerprint(&local.record), "{name}");
                    let rows = |table: &str| {
                        let rows = here.folio.read_table(table, &TableOptions::new()).unwrap();
                        let schema = rows.schema();
                        let batches: Vec<_> = rows.map(Result::unwrap).collect();
                        arrow::compute::concat_batches(&schema, &batches).unwrap()
                    };
                    assert_eq!(rows("there"), rows("local"), "{name}");
                    compared += 1;
                    here.folio.delete(&["there", "local"]).unwrap();
                }
                (Err(there), Err(local)) => {
                    let words = |error: datafolio::Error| error.to_string().rsplit(": ").next().unwrap().to_owned();
                    assert_eq!(words(there), words(local), "{name}");
                }
                (there, local) => panic!("{name}: {there:?} {local:?}"),
            }
        }
        assert!(compared >= 10, "{compared}");
    }

    /// What a log has never changes: it is fetched once, and listed each time. What was written lately may be written again without a trace.
    #[test]
    fn a_log_is_fetched_once() {
        let here = Setting::new();
        here.server().faults().set_clock_offset(chrono::TimeDelta::days(-1));
        put_all(here.server(), &tables().join("plain"), "lake/plain");
        here.server().faults().set_clock_offset(chrono::TimeDelta::zero());
        here.refer("t", "lake/plain", "delta");
        let of_log = || {
            let requests = here.server().take_requests();
            requests.iter().filter(|request| request.key.contains("_delta_log/0") && request.method == "GET").count()
        };
        here.read("t", &TableOptions::new());
        assert!(of_log() > 0);
        let rows = here.read("t", &TableOptions::new());
        assert_eq!((of_log(), here.read("t", &TableOptions::new())), (0, rows));
        let last = fs::read(tables().join("plain/_delta_log/00000000000000000001.json")).unwrap();
        here.server().put("lake/plain/_delta_log/00000000000000000004.json", &last);
        for _ in 0..2 {
            of_log();
            here.read("t", &TableOptions::new());
            assert!(of_log() > 0);
        }
        // The same name with another content, in a table that was made anew.
        here.server().faults().set_clock_offset(chrono::TimeDelta::days(-2));
        for (key, _) in here.server().objects() {
            here.server().remove(&key);
        }
        put_all(here.server(), &tables().join("plain"), "lake/plain");
        of_log();
        here.read("t", &TableOptions::new());
        assert!(of_log() > 0);
    }

    #[test]
    fn versions_and_changes() {
        let here = Setting::new();
        put_all(here.server(), &tables().join("plain"), "lake/plain");
        let version = |version| Reference { version, ..reference("s3://bucket/lake/plain", "delta") };
        let pinned = here.folio.reference_table("pinned", version(Some(1)), AddOptions::new()).unwrap();
        assert_eq!(pinned.record["version"], 1);
        here.refer("newest", "lake/plain", "delta");
        let rows = |name: &str| here.folio.table_info(name).unwrap().rows.unwrap();
        let (pinned, newest) = (rows("pinned"), rows("newest"));
        assert_ne!(pinned, newest);
        let check = |name: &str| here.folio.check_references(Some(&[name])).unwrap().remove(0).state;
        assert_eq!((check("pinned"), check("newest")), (ReferenceState::Unchanged, ReferenceState::Unchanged));
        // A commit of another program: the version before, once more.
        let last = fs::read(tables().join("plain/_delta_log/00000000000000000001.json")).unwrap();
        here.server().put("lake/plain/_delta_log/00000000000000000004.json", &last);
        assert_eq!((check("pinned"), check("newest")), (ReferenceState::Unchanged, ReferenceState::Changed));
        assert_eq!(rows("pinned"), pinned);
        // A file that was removed, as VACUUM does, is told as that, as of a directory.
        let objects = here.server().objects();
        let (gone, bytes) = objects.iter().find(|(key, _)| key.ends_with("parquet") && key.contains("plain/")).unwrap();
        here.server().remove(gone);
        let read = here.folio.read_table("newest", &TableOptions::new()).and_then(|rows| {
            rows.collect::<Result<Vec<_>, _>>().map_err(|error| datafolio::HandlerError::from(error).into())
        });
        let error = read.unwrap_err();
        assert_eq!(error.code(), "missing-table-version", "{error}");
        assert!(error.to_string().contains("'newest'"), "{error}");
        here.server().put(gone, bytes);
        let twice = TableOptions::new().columns(["id", "id"]);
        assert!(here.folio.read_table("newest", &twice).err().unwrap().to_string().contains("twice"));
        let missing = version(Some(9));
        let error = here.folio.reference_table("missing", missing, AddOptions::new()).unwrap_err();
        assert!(error.to_string().contains("no version 9") && error.to_string().contains("'missing'"), "{error}");
        let nothing = here.refer("nothing", "lake/none", "delta");
        assert!(!nothing.contains_key("columns"));
        let error = here.folio.table_info("nothing").unwrap_err();
        assert_eq!(error.category(), ErrorCategory::NotFound, "{error}");
        here.server().faults().set_deny(true);
        let error = here.folio.read_table("newest", &TableOptions::new()).err().unwrap();
        assert_eq!(error.category(), ErrorCategory::Storage, "{error}");
        let _ = here.dir.path();
    }
}

/// A derived table is out of date when the object that it was made from is another one, or gone; a store that does not answer does not
/// make it so, and is told.
#[cfg(feature = "sql")]
#[test]
fn what_was_derived_from_an_earlier_state_is_stale() {
    let setting = Setting::new();
    setting.server().put("data/a.parquet", &ids(0..100));
    setting.refer("ids", "data/a.parquet", "parquet");
    let folio = &setting.folio;
    folio.derive("sums", "SELECT sum(id) AS s FROM ids", &Default::default(), AddOptions::new()).unwrap();
    let stale = || -> Vec<String> {
        let found = folio.stale().unwrap();
        found.iter().flat_map(|item| item.reasons.iter().map(|reason| format!("{}: {reason}", item.name))).collect()
    };
    assert_eq!(stale(), [""; 0]);
    setting.server().put("data/a.parquet", &ids(0..101));
    assert_eq!(stale(), ["sums: the files of ids have changed"]);
    folio.rerun(&["sums"], Default::default()).unwrap();
    assert_eq!(stale(), [""; 0]);
    setting.server().faults().set_down(true);
    let found = stale();
    assert!(found.len() == 1 && found[0].contains("no good answer from the store (s3://bucket/data)"), "{found:?}");
    setting.server().faults().set_down(false);
    assert_eq!(stale(), [""; 0]);
}
