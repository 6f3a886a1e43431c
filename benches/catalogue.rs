//! How much does the size of a bundle cost?
//!
//! Opens bundles of 100 and 10,000 items and commits to them, beside writing and fsyncing the same bytes by hand, and beside
//! Python DataFolio 2.3 doing the same on the same machine. Run it with `make bench`; results belong into
//! `docs/benchmarks.md`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement prints its figures, and stops when it cannot be made"
)]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use datafolio::{AddOptions, DataFolio};
use serde_json::json;

const SIZES: [usize; 2] = [100, 10_000];
const COMMITS: usize = 21;

fn main() {
    // `cargo test --all-targets` runs benches too: nothing is measured there.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let dir = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or_else(|| ".".into())).unwrap();
    println!("machine: {}", machine());
    let mut rows = Vec::new();
    for items in SIZES {
        let path = dir.path().join(format!("bundle-{items}"));
        build(&path, items);
        let catalogue = path.join("items.json");
        let bytes = fs::metadata(&catalogue).unwrap().len();
        let open = median((0..COMMITS).map(|_| {
            let started = Instant::now();
            let folio = DataFolio::open(&path).unwrap();
            assert_eq!(folio.catalogue().current.len(), items);
            started.elapsed()
        }));
        let folio = DataFolio::open(&path).unwrap();
        let commit = median((0..COMMITS).map(|n| {
            let started = Instant::now();
            folio.add("bench", json!(n), AddOptions::new().overwrite()).unwrap();
            started.elapsed()
        }));
        let floor = median((0..COMMITS).map(|_| write_and_fsync(dir.path(), &fs::read(&catalogue).unwrap())));
        rows.push((items, bytes, open, commit, floor));
    }
    println!("\n| items | items.json | open | commit | write + fsync + rename of the same bytes |");
    println!("| ---: | ---: | ---: | ---: | ---: |");
    for (items, bytes, open, commit, floor) in &rows {
        println!("| {items} | {bytes} B | {} | {} | {} |", ms(*open), ms(*commit), ms(*floor));
    }
    let (small, open, large, floor) = (rows[0].3, rows[1].2, rows[1].3, rows[1].4);
    let allowed = small + floor.mul_f64(1.5);
    println!("\nopening {} items: {} (bound 50 ms)", rows[1].0, ms(open));
    println!(
        "commit to {} items: {}; bound {} = commit to {} items + 1.5 x writing the same bytes",
        rows[1].0,
        ms(large),
        ms(allowed),
        rows[0].0
    );
    peer(dir.path());
}

/// A bundle of small JSON items, with entries as long as those of ordinary tables.
fn build(path: &Path, items: usize) {
    let folio = DataFolio::create(path).unwrap();
    let mut batch = folio.batch().unwrap();
    for n in 0..items - 1 {
        let description = format!("value {n} of a bundle with many items, described as people describe them");
        batch.add(&format!("group{}/item{n}", n % 20), json!(n), AddOptions::new().description(description)).unwrap();
    }
    batch.add("bench", json!(null), AddOptions::new()).unwrap();
    batch.commit().unwrap();
}

/// What any safe replacement of the file has to do at least.
fn write_and_fsync(dir: &Path, bytes: &[u8]) -> Duration {
    let started = Instant::now();
    let temporary = dir.join("floor.tmp");
    let mut file = File::create(&temporary).unwrap();
    file.write_all(bytes).unwrap();
    file.sync_all().unwrap();
    fs::rename(&temporary, dir.join("floor")).unwrap();
    File::open(dir).unwrap().sync_all().unwrap();
    started.elapsed()
}

/// Python DataFolio 2.3: the same items, the same measurements.
fn peer(dir: &Path) {
    let Some(python) = std::env::var_os("DATAFOLIO_PEERS").map(|peers| Path::new(&peers).join("df23/bin/python"))
    else {
        println!("\nPython DataFolio 2.3: not measured, DATAFOLIO_PEERS is not set (`make bench` sets it)");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peer_catalogue.py");
    for items in SIZES {
        let status =
            Command::new(&python).arg(&script).arg(dir.join(format!("peer-{items}"))).arg(items.to_string()).status();
        if !status.is_ok_and(|status| status.success()) {
            println!("Python DataFolio 2.3: could not be measured with {}", python.display());
            return;
        }
    }
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times[times.len() / 2]
}

fn ms(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}

fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1)).unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{model}, {cores} cores, {}", std::env::consts::OS)
}
