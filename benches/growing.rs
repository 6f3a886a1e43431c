//! What does it cost to let a table grow?
//!
//! Appends 1,000 rows to a large table (`BENCH_ROWS`, 10 million; set it to 100000000 where there is room for 5 GB) and to one of 1,000 rows; then appends 100 rows as often as
//! `BENCH_APPENDS` says (10,000) from four processes at once, and reads what came of it beside the same rows in one file. Run it
//! with `make bench`; results belong into `docs/benchmarks.md`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement prints its figures, and stops when it cannot be made"
)]

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, RecordBatchIterator, StringArray};
use datafolio::{AddOptions, AppendOptions, Data, DataFolio, IterOptions};

const WRITERS: u64 = 4;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--append") {
        let number = |index: usize| arguments[at + index].parse().unwrap();
        return append(&arguments[at + 1], number(2), number(3));
    }
    // `cargo test --all-targets` runs benches too: nothing is measured there.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let dir = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or_else(|| ".".into())).unwrap();
    let folio = DataFolio::create(dir.path().join("bundle")).unwrap();
    one_append(&folio, number("BENCH_ROWS", 10_000_000));
    many_appends(&folio, number("BENCH_APPENDS", 10_000));
}

fn rows(from: u64, count: u64) -> RecordBatch {
    let numbers = from..from + count;
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers.clone().map(|n| n as i64)));
    let value: ArrayRef = Arc::new(Float64Array::from_iter_values(numbers.clone().map(|n| (n as f64).sin())));
    let word: ArrayRef = Arc::new(StringArray::from_iter_values(numbers.map(|n| format!("word {}", n % 1_000))));
    RecordBatch::try_from_iter_with_nullable([("id", id, true), ("value", value, true), ("word", word, true)]).unwrap()
}

/// The same append to a large table and to a small one, in turn.
fn one_append(folio: &DataFolio, large: u64) {
    const STEP: u64 = 1 << 16;
    const TIMES: usize = 25;
    for (name, count) in [("large", large), ("small", 1_000)] {
        let batches = (0..count.div_ceil(STEP)).map(move |step| Ok(rows(step * STEP, STEP.min(count - step * STEP))));
        let reader = RecordBatchIterator::new(batches, rows(0, 0).schema());
        folio.add(name, Data::Table(Box::new(reader)), AddOptions::new()).unwrap();
    }
    let mut spent = [Vec::new(), Vec::new()];
    for _ in 0..TIMES {
        for (name, spent) in ["large", "small"].into_iter().zip(&mut spent) {
            let batch = rows(0, 1_000);
            let started = Instant::now();
            folio.append_table(name, batch, AppendOptions::new().without_compaction()).unwrap();
            spent.push(started.elapsed());
        }
    }
    let [to_large, to_small] = spent.map(median);
    println!("append 1,000 rows to a table of {large} rows: {:.1} ms", ms(to_large));
    println!("append 1,000 rows to a table of 1,000 rows: {:.1} ms", ms(to_small));
}

/// Appends from several processes at once, and what reading costs afterwards.
fn many_appends(folio: &DataFolio, appends: u64) {
    let started = Instant::now();
    let program = std::env::current_exe().unwrap();
    let each = appends / WRITERS;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let words = [folio.location(), (writer * each).to_string(), each.to_string()];
            Command::new(&program).arg("--append").args(words).spawn().unwrap()
        })
        .collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    let spent = started.elapsed();
    folio.refresh().unwrap();
    let info = folio.table_info("log").unwrap();
    assert_eq!(info.rows, Some(each * WRITERS * 100), "appended rows are missing");
    println!(
        "{} appends of 100 rows from {WRITERS} processes: {:.1} s, {:.1} ms each, {} files",
        each * WRITERS,
        spent.as_secs_f64(),
        ms(spent) / (each * WRITERS) as f64,
        info.parts.len()
    );
    let read = || {
        let started = Instant::now();
        let open = DataFolio::open(folio.location()).unwrap();
        let chunks = open.iter_table("log", &IterOptions::new().chunk_size(100_000)).unwrap();
        let count: usize = chunks.map(|chunk| chunk.unwrap().num_rows()).sum();
        assert_eq!(count as u64, each * WRITERS * 100);
        started.elapsed()
    };
    let grown = median((0..9).map(|_| read()).collect());
    folio.compact("log").unwrap();
    let whole = median((0..9).map(|_| read()).collect());
    println!("read all of it: {:.1} ms, as one file {:.1} ms", ms(grown), ms(whole));
}

/// The work of one process.
fn append(bundle: &str, first: u64, count: u64) {
    let folio = DataFolio::open(bundle).unwrap();
    for index in first..first + count {
        folio.append_table("log", rows(index * 100, 100), AppendOptions::new()).unwrap();
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
