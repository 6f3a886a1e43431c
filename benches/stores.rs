//! What work on an object store costs where every request takes 30 ms: requests, bytes and time, for a handle on a machine that has not
//! seen the bundle (cold) and on one that has (warm).
//!
//! Python DataFolio 2.3 is asked the same where it is installed. The server runs in this process; its latency is what counts here, not how fast it is. Run it with `make bench`; results belong
//! into `docs/benchmarks.md`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement prints its figures, and stops when it cannot be made"
)]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, RecordBatchIterator, RecordBatchReader};
use arrow::datatypes::{DataType, Field, Schema};
use datafolio::columns::{agg, col};
use datafolio::{
    AddOptions, DataFolio, DescribeOptions, IterOptions, OpenOptions, Settings, StorageOptions, TableOptions,
};
use datafolio_testkit::object_server::ObjectServer;
use serde_json::json;
use tempfile::TempDir;

/// What is asked, and how.
type Asked = (&'static str, fn(&DataFolio));

const LATENCY: Duration = Duration::from_millis(30);
const ROWS: i64 = 2_000_000;

fn main() {
    let server = ObjectServer::start();
    let cache = TempDir::new().expect("a directory");
    let folio = options(&server, cache.path()).create("s3://bucket/study").expect("a bundle");
    folio.add_table("t", rows(), AddOptions::new()).expect("a table");
    for item in 0..200 {
        folio.add(&format!("item-{item}"), json!(item), AddOptions::new()).expect("an item");
    }
    drop(folio);
    server.faults().set_latency(LATENCY);
    println!("{} rows of 8 columns, 200 other items, {} ms for each request\n", ROWS, LATENCY.as_millis());
    println!("| what | cold: requests | MB | ms | warm: requests | MB | ms |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let asked: [Asked; 10] = [
        ("open", |_| {}),
        ("ls", |folio| assert_eq!(folio.items(true).len(), 201)),
        ("describe", |folio| assert!(!folio.describe(&DescribeOptions::default()).expect("a text").is_empty())),
        ("table_info", |folio| assert_eq!(folio.table_info("t").expect("facts").rows, Some(ROWS as u64))),
        ("preview of 10 rows", |folio| assert_eq!(folio.preview_table("t", 10).expect("rows").num_rows(), 10)),
        ("one column of 8, walked through", |folio| {
            let chunks = folio.iter_table("t", &IterOptions::new().columns(["c"])).expect("chunks");
            assert_eq!(chunks.map(|chunk| chunk.expect("rows").num_rows()).sum::<usize>(), ROWS as usize);
        }),
        ("a filter of 1 %, two columns of 8", |folio| {
            let part = TableOptions::new().filter("c < 0.01").columns(["id", "c"]);
            let rows = folio.read_table("t", &part).expect("rows").map(|batch| batch.expect("rows").num_rows());
            assert!((15_000..25_000).contains(&rows.sum::<usize>()));
        }),
        ("a frame's mean", |folio| {
            folio.frame("t").expect("a frame").aggregate(&[agg::mean(col("c"))]).expect("a mean");
        }),
        ("add a small item", |folio| {
            folio.add("new", json!(1), AddOptions::new().overwrite()).expect("a commit");
        }),
        ("20 items in a batch", |folio| {
            let mut batch = folio.batch().expect("a batch");
            for item in 0..20 {
                batch.add(&format!("more-{item}"), json!(item), AddOptions::new().overwrite()).expect("an item");
            }
            batch.commit().expect("a commit");
        }),
    ];
    for (what, ask) in asked {
        let fresh = TempDir::new().expect("a directory");
        let cold = measure(&server, fresh.path(), ask);
        let warm = measure(&server, fresh.path(), ask);
        println!("| {what} | {cold} | {warm} |");
    }
    beside(&server, &asked.map(|(what, _)| what));
}

/// The same questions to Python DataFolio 2.3, over a bundle of its own on the same server.
fn beside(server: &ObjectServer, questions: &[&str]) {
    let Some(python) = std::env::var_os("DATAFOLIO_PEERS").map(|peers| Path::new(&peers).join("df23/bin/python"))
    else {
        println!("\nPython DataFolio 2.3 is not measured: DATAFOLIO_PEERS does not say where it is");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peer_stores.py");
    let home = TempDir::new().expect("a directory");
    let ask = |question: &str| -> String {
        server.take_requests();
        let asked = Command::new(&python).arg(&script).arg(server.endpoint()).arg(home.path()).arg(question).output();
        let output = asked.expect("Python of the peers");
        let told = String::from_utf8_lossy(&output.stdout);
        let told = told.lines().last().filter(|_| output.status.success());
        let taken = told.unwrap_or_else(|| panic!("{question}: {}", String::from_utf8_lossy(&output.stderr)));
        let requests = server.take_requests();
        let bytes: u64 = requests.iter().map(|request| request.sent + request.received).sum();
        format!("{} | {:.2} | {taken}", requests.len(), bytes as f64 / 1e6)
    };
    server.faults().set_latency(Duration::ZERO);
    ask("build");
    server.faults().set_latency(LATENCY);
    println!("\n| Python DataFolio 2.3 | requests | MB | ms |");
    println!("| --- | --- | --- | --- |");
    for question in questions {
        println!("| {question} | {} |", ask(question));
    }
}

/// Opens the bundle anew and asks; as the cells of a table.
fn measure(server: &ObjectServer, cache: &Path, ask: fn(&DataFolio)) -> String {
    server.take_requests();
    let start = Instant::now();
    let folio = options(server, cache).open("s3://bucket/study").expect("a bundle");
    ask(&folio);
    let taken = start.elapsed();
    let requests = server.take_requests();
    let bytes: u64 = requests.iter().map(|request| request.sent + request.received).sum();
    format!("{} | {:.2} | {}", requests.len(), bytes as f64 / 1e6, taken.as_millis())
}

fn options(server: &ObjectServer, cache: &Path) -> OpenOptions {
    let mut settings = Settings::default();
    settings.cache_dir = Some(cache.to_owned());
    let reached = StorageOptions::new()
        .with("endpoint", server.endpoint())
        .with("access_key_id", "key")
        .with("secret_access_key", "secret")
        .with("region", "here");
    OpenOptions::new().settings(settings).storage_options(reached)
}

fn rows() -> Box<dyn RecordBatchReader + Send> {
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let mut fields = vec![Field::new("id", DataType::Int64, false)];
    fields.extend(names.map(|name| Field::new(name, DataType::Float64, false)));
    let schema = Arc::new(Schema::new(fields));
    let mut seed = 1u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 11) as f64 / (1u64 << 53) as f64
    };
    let of = schema.clone();
    let batches = (0..20).map(move |part| {
        let ids = Int64Array::from_iter_values(part * (ROWS / 20)..(part + 1) * (ROWS / 20));
        let mut columns: Vec<ArrayRef> = vec![Arc::new(ids)];
        columns.extend(
            names.map(|_| Arc::new(Float64Array::from_iter_values((0..ROWS / 20).map(|_| random()))) as ArrayRef),
        );
        RecordBatch::try_new(of.clone(), columns)
    });
    Box::new(RecordBatchIterator::new(batches, schema))
}
