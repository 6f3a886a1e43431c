//! How fast are questions to columns, beside loops written by hand and beside the peers?
//!
//! Makes a table of `BENCH_ROWS` rows (50 million) in HDF5, Arrow and Parquet under `BENCH_DIR`, where it is kept for the next run, and asks
//! the questions of `spec`: of the floors in `columns/floors.rs`, of the engine, and of the peers in `BENCH_PYTHON` (Polars, DuckDB,
//! pyarrow) and `BENCH_VAEX_PYTHON` (Vaex). `BENCH_ONLY` names a part of the questions that floors and engine are asked. Run it with `make bench`; results belong into `docs/benchmarks.md`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    unsafe_code,
    reason = "a measurement prints its figures, and stops when it cannot be made; floors choose vector instructions as the engine does"
)]

#[path = "columns/floors.rs"]
mod floors;
#[path = "columns/table.rs"]
mod table;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datafolio_columns::{Axis, Expr, Frame, Keep, Limits, Metric, ValueCounts, agg};

use table::Columns;

/// Best of so many runs.
const TIMES: usize = 5;

fn main() {
    // `cargo test --all-targets` runs benches too: nothing is measured there.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let rows: usize = std::env::var("BENCH_ROWS").map_or(50_000_000, |text| text.parse().unwrap());
    let dir = std::env::var("BENCH_DIR").unwrap_or_else(|_| std::env::temp_dir().to_string_lossy().into_owned());
    let dir = std::path::Path::new(&dir).join(format!("columns-{rows}"));
    table::make(&dir, rows);
    let mut results = Results::default();
    hand_written(&Columns::open(&dir), &mut results);
    engine(&dir, &mut results);
    for (peer, python) in [
        ("polars", "BENCH_PYTHON"),
        ("duckdb", "BENCH_PYTHON"),
        ("pyarrow", "BENCH_PYTHON"),
        ("vaex", "BENCH_VAEX_PYTHON"),
    ] {
        match std::env::var(python) {
            Ok(python) => ask_peer(peer, &python, &dir, &mut results),
            Err(_) => println!("{peer} is not measured: {python} names no Python that has it"),
        }
    }
    results.print();
}

/// Seconds and megabytes by question and by who was asked.
#[derive(Default)]
struct Results {
    order: Vec<String>,
    by_question: BTreeMap<String, BTreeMap<String, (f64, f64)>>,
}

impl Results {
    fn note(&mut self, question: &str, who: &str, seconds: f64, megabytes: f64) {
        if !self.order.iter().any(|known| known == question) {
            self.order.push(question.to_owned());
        }
        self.by_question.entry(question.to_owned()).or_default().insert(who.to_owned(), (seconds, megabytes));
    }

    /// A row for each question: the engine, its ratio to the floor, and how many times as long the peers take.
    fn print(&self) {
        println!("| question | engine | of the floor | memory | polars | duckdb | pyarrow | vaex |");
        println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        for question in &self.order {
            let of = |who: &str| self.by_question[question].get(who).copied();
            let Some((engine, memory)) = of("engine") else { continue };
            let floor = of("floor").map_or("-".to_owned(), |(floor, _)| format!("{:.2}", engine / floor));
            let peers: Vec<String> = ["polars", "duckdb", "pyarrow", "vaex"]
                .iter()
                .map(|peer| {
                    of(peer)
                        .map_or("-".to_owned(), |(seconds, memory)| format!("{:.1}x, {memory:.0} MB", seconds / engine))
                })
                .collect();
            println!("| {question} | {:.4} s | {floor} | {memory:.0} MB | {} |", engine, peers.join(" | "));
        }
    }
}

/// The best time of several, and by how much private memory grew at most.
fn measured<T>(work: impl Fn() -> T) -> (f64, f64, T) {
    let before = private_memory();
    let (stop, most) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(before)));
    let watcher = std::thread::spawn({
        let (stop, most) = (stop.clone(), most.clone());
        move || {
            while !stop.load(Ordering::Relaxed) {
                most.fetch_max(private_memory(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    });
    let mut best = f64::INFINITY;
    let mut answer = None;
    for _ in 0..TIMES {
        let started = Instant::now();
        let found = black_box(work());
        best = best.min(started.elapsed().as_secs_f64());
        answer = Some(found);
    }
    stop.store(true, Ordering::Relaxed);
    watcher.join().unwrap();
    let grown = most.load(Ordering::Relaxed).saturating_sub(before) as f64 / 1024.0;
    (best, grown, answer.unwrap())
}

/// Whether `BENCH_ONLY` lets a question be asked.
fn asked(question: &str) -> bool {
    std::env::var("BENCH_ONLY").map_or(true, |only| question.contains(&only))
}

/// RssAnon in KiB.
fn private_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("RssAnon"));
    line.and_then(|line| line.split_whitespace().nth(1)).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

fn hand_written(columns: &Columns, results: &mut Results) {
    let (x, y, v, cat) = (columns.f32("x"), columns.f32("y"), columns.f64("vx"), columns.i32("cat"));
    let (offsets, bytes) = columns.texts("key");
    let ids = columns.i64("id");
    let mut floor = |question: &str, work: &dyn Fn() -> String| {
        if !asked(question) {
            return;
        }
        let (seconds, memory, answer) = measured(work);
        println!("floor\t{question}\t{seconds:.4}\t{answer}");
        results.note(question, "floor", seconds, memory);
    };
    floor("mean of expression", &|| floors::mean_of_expression(x, y).to_string());
    floor("filtered sum", &|| floors::filtered_sum(x, cat, v).to_string());
    floor("groupby 100 integers", &|| floors::group_by_category(cat, x).len().to_string());
    floor("groupby 1,000 texts", &|| floors::group_by_word(offsets, bytes, x).len().to_string());
    floor("value counts of texts", &|| floors::count_words(offsets, bytes, x.len()).len().to_string());
    floor("histogram 256 x 256", &|| floors::histogram(x, y).iter().sum::<u64>().to_string());
    floor("median", &|| floors::median(x).to_string());
    floor("distinct integers", &|| floors::distinct(ids).to_string());
    let target: Vec<f32> = (0..table::WIDTH).map(|at| at as f32 / table::WIDTH as f32).collect();
    let vectors = columns.vectors();
    floor("top ten by dot product", &|| {
        format!("{:?}", floors::nearest(vectors, &target, vectors.len() / table::WIDTH))
    });
}

fn engine(dir: &std::path::Path, results: &mut Results) {
    let frame: Frame = table::frame(dir);
    let text = |text: &str| Expr::parse(text).unwrap();
    let mut ask = |question: &str, work: &dyn Fn() -> String| {
        if !asked(question) {
            return;
        }
        let (seconds, memory, answer) = measured(work);
        println!("engine\t{question}\t{seconds:.4}\t{answer}");
        results.note(question, "engine", seconds, memory);
    };
    let value = |aggregate: datafolio_columns::Aggregate| frame.aggregate(&[aggregate]).unwrap()[0].to_string();
    ask("mean of expression", &|| value(agg::mean(text("(x * y) ** 2"))));
    ask("filtered sum", &|| value(agg::sum(text("vx")).selection(text("(x > 0) & (cat == 7)"))));
    let rows = |batch: arrow::array::RecordBatch| batch.num_rows().to_string();
    ask("groupby 100 integers", &|| {
        let wanted = [("m", agg::mean(text("x"))), ("s", agg::std(text("x"), 0)), ("c", agg::count_rows())];
        rows(frame.group_by([text("cat")]).agg(wanted).unwrap())
    });
    ask("groupby 1,000 texts", &|| {
        rows(frame.group_by([text("key")]).agg([("s", agg::sum(text("x"))), ("c", agg::count_rows())]).unwrap())
    });
    ask("value counts of texts", &|| rows(frame.value_counts(text("key"), &ValueCounts::default()).unwrap()));
    ask("histogram 256 x 256", &|| {
        let axis = |name: &str| Axis::new(text(name), Limits::Given(-4.0, 4.0), 256);
        let grid = frame.bin_by([axis("x"), axis("y")]).agg([("c", agg::count_rows())]).unwrap();
        let counts = grid.column("c").unwrap().as_primitive::<Int64Type>();
        counts.values().iter().sum::<i64>().to_string()
    });
    ask("median", &|| value(agg::median(text("x"))));
    ask("distinct integers", &|| value(agg::nunique(text("id"), Keep::NEITHER)));
    let vectors = Frame::open(dir.join("vectors.hdf5")).unwrap();
    let target: Vec<f64> = (0..table::WIDTH).map(|at| at as f64 / table::WIDTH as f64).collect();
    let name = vectors.columns().next().unwrap().to_owned();
    ask("top ten by dot product", &|| rows(vectors.nearest(text(&name), &target, 10, Metric::Dot, &[]).unwrap()));
    ask("filter that keeps 1 %", &|| value(agg::mean(text("vx")).selection(text("y > 2.3263"))));
    ask("mean with nulls", &|| value(agg::mean(text("n"))));
    ask("twenty aggregates", &|| {
        let twenty: Vec<_> = ["x", "y", "vx", "cat"]
            .iter()
            .flat_map(|name| {
                let expr = text(name);
                [
                    agg::count(expr.clone()),
                    agg::sum(expr.clone()),
                    agg::mean(expr.clone()),
                    agg::std(expr.clone(), 0),
                    agg::var(expr, 0),
                ]
            })
            .collect();
        frame.aggregate(&twenty).unwrap().len().to_string()
    });
}

fn ask_peer(peer: &str, python: &str, dir: &std::path::Path, results: &mut Results) {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peer_columns.py");
    let output = Command::new(python).arg(program).arg(peer).arg(dir).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        println!("{peer} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    for line in text.lines() {
        println!("{peer}\t{line}");
        let mut words = line.split('\t');
        let (Some(question), Some(seconds), Some(memory)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        if let (Ok(seconds), Ok(memory)) = (seconds.parse(), memory.parse()) {
            results.note(question, peer, seconds, memory);
        }
    }
}
