//! How much does the size of a bundle cost?
//!
//! Opens bundles of 100 and 10,000 items and commits to them, beside writing and fsyncing the same bytes by hand, and beside
//! Python DataFolio 2.3 doing the same on the same machine. Run it with `make bench`; results belong into
//! `docs/benchmarks.md`. It says whether the bounds hold, and fails where one is exceeded by more than [`TOLERANCE`].

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement prints its figures, and stops when it cannot be made"
)]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use datafolio::{AddOptions, DataFolio};
use serde_json::json;

const SIZES: [usize; 2] = [100, 10_000];
const ROUNDS: usize = 31;
/// Longest that opening a large bundle may take.
const OPEN_BOUND: Duration = Duration::from_millis(50);
/// By which share medians of one machine differ from run to run: what exceeds a bound by less is told, and is no failure.
const TOLERANCE: f64 = 0.15;

fn main() -> ExitCode {
    // `cargo test --all-targets` runs benches too: nothing is measured there.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let dir = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or_else(|| ".".into())).unwrap();
    println!("machine: {}", machine());
    let mut bundles = SIZES.map(|items| Measured::new(dir.path(), items));
    // One after the other in each round: a disk that is busy for a while is busy for all of them.
    for round in 0..ROUNDS {
        for bundle in &mut bundles {
            bundle.measure(round);
        }
    }
    println!(
        "\n| items | items.json | open | commit | open, commit, close | write + fsync + rename of the same bytes |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
    for bundle in &mut bundles {
        let [open, commit, session, floor] =
            [&mut bundle.open, &mut bundle.commit, &mut bundle.session, &mut bundle.floor]
                .map(|times| ms(median(times)));
        println!("| {} | {} B | {open} | {commit} | {session} | {floor} |", bundle.items, bundle.bytes);
    }
    let [small, large] = &mut bundles;
    println!();
    let opens = is_within(&format!("opening {} items", large.items), median(&mut large.open), OPEN_BOUND);
    let allowed = median(&mut small.commit) + median(&mut large.floor).mul_f64(1.5);
    let of = format!("a commit to {} items (one to {} and 1.5 x writing the same bytes)", large.items, small.items);
    let commits = is_within(&of, median(&mut large.commit), allowed);
    // A process that makes one commit has no bound: it opens the bundle, and closes it.
    println!("open, commit, close with {} items: {}", large.items, ms(median(&mut large.session)));
    peer(dir.path());
    if opens && commits { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Says whether a bound holds; `false` where it is exceeded by more than the tolerance.
fn is_within(what: &str, taken: Duration, bound: Duration) -> bool {
    let share = taken.as_secs_f64() / bound.as_secs_f64() - 1.0;
    let verdict = match share {
        share if share <= 0.0 => "HOLDS".to_owned(),
        share if share <= TOLERANCE => format!("EXCEEDED by {:.0} %, within the tolerance", share * 100.0),
        share => format!("EXCEEDED by {:.0} %", share * 100.0),
    };
    println!("bound of {what}: {} of {}: {verdict}", ms(taken), ms(bound));
    share <= TOLERANCE
}

/// Two bundles of a size, and how long things took with them: one that a handle keeps open and commits to, and one that is
/// opened for each commit.
struct Measured {
    dir: PathBuf,
    path: PathBuf,
    other: PathBuf,
    items: usize,
    bytes: u64,
    folio: DataFolio,
    open: Vec<Duration>,
    commit: Vec<Duration>,
    session: Vec<Duration>,
    floor: Vec<Duration>,
}

impl Measured {
    fn new(dir: &Path, items: usize) -> Self {
        let path = dir.join(format!("bundle-{items}"));
        let other = dir.join(format!("other-{items}"));
        build(&path, items);
        build(&other, items);
        let bytes = fs::metadata(path.join("items.json")).unwrap().len();
        let folio = DataFolio::open(&path).unwrap();
        let [open, commit, session, floor] = Default::default();
        Self { dir: dir.to_owned(), path, other, items, bytes, folio, open, commit, session, floor }
    }

    /// Each thing once.
    fn measure(&mut self, round: usize) {
        self.open.push(timed(|| {
            let folio = DataFolio::open(&self.other).unwrap();
            assert_eq!(folio.catalogue().current.len(), self.items);
        }));
        self.session.push(timed(|| {
            let folio = DataFolio::open(&self.other).unwrap();
            folio.add("bench", json!([round]), AddOptions::new().overwrite()).unwrap();
        }));
        self.commit.push(timed(|| {
            self.folio.add("bench", json!(round), AddOptions::new().overwrite()).unwrap();
        }));
        let text = fs::read(self.path.join("items.json")).unwrap();
        self.floor.push(timed(|| write_and_fsync(&self.dir, &text)));
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
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
fn write_and_fsync(dir: &Path, bytes: &[u8]) {
    let temporary = dir.join("floor.tmp");
    let mut file = File::create(&temporary).unwrap();
    file.write_all(bytes).unwrap();
    file.sync_all().unwrap();
    fs::rename(&temporary, dir.join("floor")).unwrap();
    File::open(dir).unwrap().sync_all().unwrap();
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

fn median(times: &mut [Duration]) -> Duration {
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
