//! What does a table cost that is larger than memory?
//!
//! Makes a table of 50 million rows and ten columns (`BENCH_ROWS`), walks through it, reads parts of it and queries it, beside
//! pyarrow, Polars and DuckDB doing the same with the same file (`benches/peer_tables.py`, with the Python that
//! `BENCH_PYTHON` names). `BENCH_PARTS` picks some of `walks,parts,queries,writes`. Run it with `make bench`; results belong into `docs/benchmarks.md`.
//!
//! Walks, parts and queries run in a process of their own, which may have less memory than the table takes: half the size of
//! its file, 600 MB at least (`BENCH_MEMORY`, in bytes). It is the limit of data that `prlimit` sets; without that program there is
//! none.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement prints its figures, and stops when it cannot be made"
)]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, RecordBatchIterator, RecordBatchReader,
    StringArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use datafolio::{AddOptions, Data, DataFolio, IterOptions, OpenOptions, Settings, TableOptions};

const BATCH: u64 = 65_536;
/// Rows that are written from memory, where there are more.
const MOST_WRITTEN: u64 = 10_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--measure") {
        return measure(&arguments[at + 1], Path::new(&arguments[at + 2]), arguments[at + 3].parse().unwrap());
    }
    // `cargo test --all-targets` runs benches too: nothing is measured there.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let rows = std::env::var("BENCH_ROWS").map_or(50_000_000, |rows| rows.parse().unwrap());
    let dir = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or_else(|| ".".into())).unwrap();
    let folio = DataFolio::create(dir.path().join("bundle")).unwrap();
    let ((), spent, peak) = measured(|| {
        drop(folio.add("big", Data::Table(Box::new(Rows { next: 0, rows })), AddOptions::new()).unwrap());
    });
    let path = folio.get_table_path("big").unwrap();
    let size = std::fs::metadata(&path).unwrap().len();
    println!("{rows} rows, {size} bytes");
    print("add", spent, peak);
    let wanted = std::env::var("BENCH_PARTS").unwrap_or_default();
    let has = |part: &str| wanted.is_empty() || wanted.split(',').any(|wanted| wanted == part);
    drop(folio);
    let limit = std::env::var("BENCH_MEMORY").map_or((size / 2).max(600 << 20), |bytes| bytes.parse().unwrap());
    println!("limit of memory: {} MB, size of the table: {} MB", limit >> 20, size >> 20);
    if cfg!(feature = "sql") && has("queries") {
        // What queries are compared with takes more memory than they may have.
        in_process("whole", dir.path(), rows, None);
    }
    for part in ["walks", "parts", "queries"].into_iter().filter(|part| has(part)) {
        in_process(part, dir.path(), rows, Some(limit));
    }
    if has("writes") {
        writes(dir.path(), rows.min(MOST_WRITTEN));
    }
    if let Some(python) = std::env::var_os("BENCH_PYTHON") {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peer_tables.py");
        assert!(Command::new(python).arg(script).arg(&path).arg(wanted).status().unwrap().success());
    }
}

/// Measures in a process of its own, which may have so many bytes of memory.
fn in_process(what: &str, dir: &Path, rows: u64, limit: Option<u64>) {
    let own = std::env::current_exe().unwrap();
    let has_prlimit = Command::new("prlimit").arg("--version").output().is_ok_and(|run| run.status.success());
    let mut command = match limit.filter(|_| has_prlimit) {
        Some(bytes) => {
            let mut command = Command::new("prlimit");
            // The stacks of threads count as data, whether or not they are in use: eight megabytes each, and DuckDB has some thirty.
            command.args(["--stack=2097152", &format!("--data={bytes}")]).arg(own);
            command
        }
        None => Command::new(own),
    };
    assert!(command.arg("--measure").arg(what).arg(dir).arg(rows.to_string()).status().unwrap().success(), "{what}");
}

fn measure(what: &str, dir: &Path, rows: u64) {
    // As for a user, who has a directory for what was checked before.
    let mut settings = Settings::default();
    settings.set("cache_dir", dir.join("cache").to_str().unwrap()).unwrap();
    let open = || OpenOptions::new().settings(settings.clone()).open(dir.join("bundle")).unwrap();
    match what {
        "walks" => walks(&open, rows),
        "parts" => parts(&open, rows),
        #[cfg(feature = "sql")]
        "queries" => queries(&open(), dir),
        "whole" => {
            let folio = open();
            let all = || folio.read_table("big", &TableOptions::new()).unwrap().collect::<Vec<_>>();
            let (batches, spent, peak) = measured(all);
            print(&format!("all of it in memory ({} batches)", batches.len()), spent, peak);
            std::fs::write(dir.join("whole"), peak.to_string()).unwrap();
        }
        _ => println!("{what}: not in this build"),
    }
}

fn walks(open: &impl Fn() -> DataFolio, rows: u64) {
    let (_, spent, peak) = measured(|| open().iter_table("big", &IterOptions::new()).unwrap().count());
    print("iter, all columns, chunks of 10000, never checked", spent, peak);
    for (what, columns) in [("iter, all columns", None), ("iter, two columns", Some(["id", "f1"]))] {
        for chunk_size in [10_000, 100_000] {
            let mut options = IterOptions::new().chunk_size(chunk_size);
            if let Some(columns) = columns {
                options = options.columns(columns);
            }
            let folio = open();
            let (count, spent, peak) = measured(|| {
                folio.iter_table("big", &options).unwrap().map(|chunk| chunk.unwrap().num_rows() as u64).sum::<u64>()
            });
            assert_eq!(count, rows);
            assert!(peak < 200 << 20, "{} MB", peak >> 20);
            print(&format!("{what}, chunks of {chunk_size}"), spent, peak);
        }
    }
}

/// Rows that lie in memory, as those of the peers do: encoded into a file, and added to a bundle.
fn writes(dir: &Path, rows: u64) {
    let schema = Rows { next: 0, rows }.schema();
    let batches: Vec<_> = Rows { next: 0, rows }.collect();
    let reader = || {
        let batches = batches.iter().map(|batch| Ok(batch.as_ref().unwrap().clone())).collect::<Vec<_>>();
        Box::new(RecordBatchIterator::new(batches, SchemaRef::clone(&schema)))
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    for threads in [1, threads] {
        let path = dir.join("encoded.parquet");
        let (_, spent, peak) = measured(|| {
            let mut file = std::fs::File::create(&path).unwrap();
            datafolio_handlers::write_parquet("t", reader(), threads, &mut file).unwrap()
        });
        let size = std::fs::metadata(&path).unwrap().len();
        print(&format!("encode {rows} rows, {threads} threads, {size} bytes"), spent, peak);
        std::fs::remove_file(path).unwrap();
    }
    let folio = DataFolio::create(dir.join("written")).unwrap();
    for name in ["first", "second", "third"] {
        let (_, spent, peak) = measured(|| folio.add(name, Data::Table(reader()), AddOptions::new()).unwrap());
        print(&format!("add {rows} rows"), spent, peak);
    }
}

fn parts(open: &impl Fn() -> DataFolio, rows: u64) {
    let part = TableOptions::new().offset(rows / 5 * 4).limit(5_000);
    let (found, spent, peak) = measured(|| open().read_table("big", &part).unwrap().collect::<Vec<_>>());
    print(&format!("get 5,000 rows at 80 %, all columns ({} batches)", found.len()), spent, peak);
    median("get 5,000 rows at 80 %, all columns", || {
        let rows: usize = open().read_table("big", &part).unwrap().map(|batch| batch.unwrap().num_rows()).sum();
        assert_eq!(rows, 5_000);
    });
    median("preview 10 rows", || assert_eq!(open().preview_table("big", 10).unwrap().num_rows(), 10));
    median("sample 1,000 rows", || {
        assert_eq!(open().sample_table("big", 1_000, 1, &TableOptions::new()).unwrap().num_rows(), 1_000);
    });
    median("table_info, cold", || assert_eq!(open().table_info("big").unwrap().rows, Some(rows)));
    let folio = open();
    median("table_info, again", || assert_eq!(folio.table_info("big").unwrap().rows, Some(rows)));
}

#[cfg(feature = "sql")]
fn queries(folio: &DataFolio, dir: &Path) {
    let options = datafolio::QueryOptions::new();
    first_queries(dir, "iter where id < 5,000", |folio| {
        let options = IterOptions::new().filter("id < 5000");
        folio.iter_table("big", &options).unwrap().for_each(|chunk| drop(chunk.unwrap()));
    });
    first_queries(dir, "query, one row", |folio| {
        folio.query_table("big", "SELECT max(id) FROM table", &options).unwrap().for_each(|batch| drop(batch.unwrap()));
    });
    let whole: u64 = std::fs::read_to_string(dir.join("whole")).unwrap().parse().unwrap();
    for (what, sql) in [
        ("query, nothing", "SELECT 1"),
        ("query, 1 % of rows", "SELECT * FROM table WHERE k < 10"),
        (
            "query, 1 % of rows by a text, two columns",
            "SELECT id, f1 FROM table WHERE s BETWEEN 'name10' AND 'name109999'",
        ),
        ("query, rows of a class, counted", "SELECT count(*) FROM table WHERE c = 'alpha'"),
        (
            "query, a list of 10 numbers",
            "SELECT id, f1 FROM table WHERE k IN (0, 9, 99, 101, 202, 303, 404, 505, 606, 999)",
        ),
        ("query, sum of groups", "SELECT c, sum(f1), count(*) FROM table GROUP BY c"),
        ("query, one row", "SELECT max(id) FROM table"),
    ] {
        let (rows, spent, peak) = measured(|| {
            let result = folio.query_table("big", sql, &options).unwrap();
            result.map(|batch| batch.unwrap().num_rows()).sum::<usize>()
        });
        print(&format!("{what} ({rows} rows)"), spent, peak);
        // Of a small table what DuckDB takes for itself is more.
        let is_little = what != "query, 1 % of rows" || whole < 1 << 30 || peak * 10 < whole;
        assert!(is_little, "{} MB of {} MB", peak >> 20, whole >> 20);
        median(what, || folio.query_table("big", sql, &options).unwrap().for_each(|batch| drop(batch.unwrap())));
    }
    let options = IterOptions::new().filter("k < 10");
    let (_, spent, peak) =
        measured(|| folio.iter_table("big", &options).unwrap().for_each(|chunk| drop(chunk.unwrap())));
    print("iter where k < 10", spent, peak);
}

/// The same work twice for someone whose machine has never checked the table: the first time its bytes are compared with its
/// hashes, as far as the work needs them.
#[cfg(feature = "sql")]
fn first_queries(dir: &Path, what: &str, work: impl Fn(&DataFolio)) {
    let cache = tempfile::tempdir_in(dir).unwrap();
    let mut settings = Settings::default();
    settings.set("cache_dir", cache.path().to_str().unwrap()).unwrap();
    for time in ["never checked", "checked as far as that needs"] {
        let folio = OpenOptions::new().settings(settings.clone()).open(dir.join("bundle")).unwrap();
        let ((), spent, peak) = measured(|| work(&folio));
        print(&format!("{what}, {time}"), spent, peak);
    }
}

/// Columns `id`, `f0` to `f3`, `k`, `d`, `s`, `c`, `b`.
struct Rows {
    next: u64,
    rows: u64,
}

impl Iterator for Rows {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (start, end) = (self.next, self.rows.min(self.next + BATCH));
        self.next = end;
        if start == end {
            return None;
        }
        // A number that looks random for each row and column.
        let random = |row: u64, column: u64| {
            let mut z = (row * 16 + column).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z ^ (z >> 29)
        };
        let float = |column: u64| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values(
                (start..end).map(|row| random(row, column) as f64 / u64::MAX as f64),
            ))
        };
        let classes = ["alpha", "beta", "gamma", "delta", "epsilon"];
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values((start..end).map(|row| row as i64))),
            float(0),
            float(1),
            float(2),
            float(3),
            Arc::new(Int32Array::from_iter_values((start..end).map(|row| (random(row, 4) % 1000) as i32))),
            Arc::new(Int64Array::from_iter_values((start..end).map(|row| (random(row, 5) % 1_000_000_000_000) as i64))),
            Arc::new(StringArray::from_iter_values(
                (start..end).map(|row| format!("name{}", random(row, 6) % 100_000)),
            )),
            Arc::new(StringArray::from_iter_values((start..end).map(|row| classes[(random(row, 7) % 5) as usize]))),
            Arc::new(BooleanArray::from_iter((start..end).map(|row| Some(random(row, 8) % 2 == 0)))),
        ];
        Some(RecordBatch::try_new(self.schema(), columns))
    }
}

impl RecordBatchReader for Rows {
    fn schema(&self) -> SchemaRef {
        let field = |(name, of): (&str, DataType)| Field::new(name, of, false);
        Arc::new(Schema::new(
            [
                ("id", DataType::Int64),
                ("f0", DataType::Float64),
                ("f1", DataType::Float64),
                ("f2", DataType::Float64),
                ("f3", DataType::Float64),
                ("k", DataType::Int32),
                ("d", DataType::Int64),
                ("s", DataType::Utf8),
                ("c", DataType::Utf8),
                ("b", DataType::Boolean),
            ]
            .map(field)
            .to_vec(),
        ))
    }
}

/// What work gives, how long it takes, and by how much the private memory of the process grows meanwhile.
fn measured<T>(work: impl FnOnce() -> T) -> (T, Duration, u64) {
    let before = private_memory();
    let (done, peak) = (AtomicBool::new(false), AtomicU64::new(before));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                peak.fetch_max(private_memory(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let begun = Instant::now();
        let result = work();
        let spent = begun.elapsed();
        done.store(true, Ordering::Relaxed);
        (result, spent, peak.load(Ordering::Relaxed).saturating_sub(before))
    })
}

fn private_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) << 10
}

fn print(what: &str, spent: Duration, peak: u64) {
    println!("| {what} | {:.3} s | {} MB |", spent.as_secs_f64(), peak >> 20);
}

fn median(what: &str, mut work: impl FnMut()) {
    let mut times: Vec<Duration> = (0..11)
        .map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed()
        })
        .collect();
    times.sort();
    println!("| {what}, median of 11 | {:.2} ms | |", times[5].as_secs_f64() * 1e3);
}
