//! How long does it take to get a CSV file into a bundle, and what does it cost that everything is hashed?
//!
//! Imports a real and a large generated file, beside pyarrow, Polars and pandas turning the same files into Parquet, and
//! beside Python DataFolio 2.3 adding them; and writes a payload, beside writing and fsyncing the same bytes, and beside
//! Python's hashlib. Run it with `make bench`; results belong into `docs/benchmarks.md`.
//!
//! `BENCH_DIR` says where the files go, `BENCH_CSV_MB` how large the generated one is.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement prints its figures, and stops when it cannot be made"
)]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use datafolio::{AddOptions, DataFolio, ImportOptions};
use datafolio_storage::{LocalStorage, PayloadWriter, Storage};

/// Size of the payload that is written.
const PAYLOAD: usize = 256 << 20;

fn main() {
    // `cargo test --all-targets` runs benches too: nothing is measured there.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let dir = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or_else(|| ".".into())).unwrap();
    let megabytes = std::env::var("BENCH_CSV_MB").ok().and_then(|text| text.parse().ok()).unwrap_or(300);
    println!("machine: {}", machine());
    let flights = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/flights.csv.gz");
    let large = dir.path().join("generated.csv");
    generate(&large, megabytes << 20);
    for (file, runs) in [(&flights, 3), (&large, 1)] {
        measure_import(dir.path(), file, runs);
    }
    fs::remove_file(&large).unwrap();
    measure_payload(dir.path());
}

/// One CSV file, by everybody.
fn measure_import(dir: &Path, file: &Path, runs: usize) {
    let bundle = dir.join("bundle");
    let folio = DataFolio::create(&bundle).unwrap();
    let mut rows = 0;
    let ours = median((0..runs).map(|_| {
        let started = Instant::now();
        let info = folio.import_table("t", file, &ImportOptions::default(), AddOptions::new().overwrite()).unwrap();
        rows = info.record["num_rows"].as_u64().unwrap();
        started.elapsed()
    }));
    fs::remove_dir_all(&bundle).unwrap();
    let size = fs::metadata(file).unwrap().len() as f64 / 1e6;
    println!("\n{}: {size:.1} MB, {rows} rows, median of {runs}", file.file_name().unwrap().display());
    println!("\n| | time | of datafolio's |");
    println!("| --- | ---: | ---: |");
    println!("| datafolio import | {} | 1.00 |", seconds(ours));
    match peer(&["import", &file.display().to_string(), &dir.join("peer").display().to_string(), &runs.to_string()]) {
        Some(times) => {
            for (name, time) in times {
                println!("| {name} | {} | {:.2} |", seconds(time), time.as_secs_f64() / ours.as_secs_f64());
            }
        }
        None => println!("| the peers | not measured | |"),
    }
}

/// Writing a payload: SHA-256, MD5 and block checksums, fsynced.
fn measure_payload(dir: &Path) {
    let bytes: Vec<u8> = numbers().flat_map(u64::to_le_bytes).take(1 << 20).collect();
    let times = PAYLOAD / bytes.len();
    let storage: Arc<dyn Storage> = Arc::new(LocalStorage::create(&dir.join("payloads")).unwrap());
    let ours = median((0..3).map(|_| {
        let started = Instant::now();
        let mut writer = PayloadWriter::create(&storage, "artifacts", "payload", ".bin").unwrap();
        (0..times).for_each(|_| writer.write_all(&bytes).unwrap());
        let payload = writer.finish().unwrap();
        let elapsed = started.elapsed();
        storage.delete(&payload.path).unwrap();
        elapsed
    }));
    let plain = median((0..3).map(|_| {
        let path = dir.join("plain");
        let started = Instant::now();
        let mut file = File::create(&path).unwrap();
        (0..times).for_each(|_| file.write_all(&bytes).unwrap());
        file.sync_all().unwrap();
        let elapsed = started.elapsed();
        fs::remove_file(&path).unwrap();
        elapsed
    }));
    let speed = |time: Duration| PAYLOAD as f64 / 1e6 / time.as_secs_f64();
    println!("\na payload of {} MiB, median of 3", PAYLOAD >> 20);
    println!("\n| | MB/s |");
    println!("| --- | ---: |");
    println!("| payload: SHA-256, MD5, block checksums, write, fsync | {:.0} |", speed(ours));
    println!("| write and fsync alone | {:.0} |", speed(plain));
    match peer(&["hash", &PAYLOAD.to_string()]) {
        Some(times) => times.iter().for_each(|(name, time)| println!("| {name} | {:.0} |", speed(*time))),
        None => println!("| Python's hashlib | not measured |"),
    }
}

/// Runs `peer_import.py`: names and times.
fn peer(arguments: &[&str]) -> Option<Vec<(String, Duration)>> {
    let python = PathBuf::from(std::env::var_os("DATAFOLIO_PEERS")?).join("df23/bin/python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peer_import.py");
    let output = Command::new(python).arg(script).args(arguments).output().ok()?;
    if !output.status.success() {
        println!("{}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let times = text.lines().filter_map(|line| {
        let (name, time) = line.split_once('\t')?;
        Some((name.to_owned(), Duration::from_secs_f64(time.parse().ok()?)))
    });
    Some(times.collect())
}

/// A table with columns of every type that is found in text, the same in each run.
fn generate(path: &Path, size: u64) {
    let mut out = BufWriter::new(File::create(path).unwrap());
    writeln!(out, "id,code,amount,share,day,at,is_open,city,note").unwrap();
    let cities = ["Ulm", "Bonn", "Nürnberg", "Halle (Saale)", "Frankfurt, Oder", "Köln"];
    let mut written = 0;
    for (id, number) in numbers().enumerate() {
        let part = |shift: u32, below: u64| (number >> shift) % below;
        let amount = if part(3, 20) == 0 { "NA".to_owned() } else { format!("{}.{:02}", part(5, 9000), part(9, 100)) };
        let line = format!(
            "{id},{:05},{amount},{:?},20{:02}-{:02}-{:02},2024-{:02}-{:02}T{:02}:{:02}:{:02}Z,{},\"{}\",text of row {number:x}\n",
            part(1, 100_000),
            part(11, 1 << 53) as f64 / (1_u64 << 53) as f64,
            part(13, 30),
            1 + part(17, 12),
            1 + part(19, 28),
            1 + part(23, 12),
            1 + part(29, 28),
            part(31, 24),
            part(37, 60),
            part(41, 60),
            number & 1 == 1,
            cities[part(43, 6) as usize],
        );
        out.write_all(line.as_bytes()).unwrap();
        written += line.len() as u64;
        if written >= size {
            break;
        }
    }
    out.flush().unwrap();
}

/// Numbers that look random (splitmix64).
fn numbers() -> impl Iterator<Item = u64> {
    let mut state = 0_u64;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times[times.len() / 2]
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1)).unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{model}, {cores} cores, {}", std::env::consts::OS)
}
