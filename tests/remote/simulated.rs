//! Writers on a store whose requests are lost, late, carried out twice and mixed with those of others, from thousands of seeds.
//!
//! `DATAFOLIO_SIMULATED_SEEDS=20000` runs the long form; `DATAFOLIO_SIMULATED_SEED=7` runs that one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use datafolio::{AddOptions, AppendOptions, DataFolio, Error, GcOptions, OpenOptions, TableOptions, VerifyOptions};
use datafolio_testkit::simulated_store::{SimulatedStore, Weather};
use serde_json::json;
use tempfile::TempDir;

use super::settings_in;

const WRITERS: usize = 3;
const STEPS: usize = 12;
/// What others do in between, at most.
const TURNS: usize = 30;

/// What became of a change, as its writer was told.
#[derive(Debug, Clone, Copy)]
enum Told {
    Made,
    NotMade,
    Unknown,
}

impl Told {
    fn of<T>(result: Result<T, Error>) -> Self {
        match result {
            Ok(_) => Self::Made,
            Err(error) if error.code() == "commit-unknown" => Self::Unknown,
            Err(_) => Self::NotMade,
        }
    }

    /// Whether it may be there so many times.
    fn allows(self, times: usize) -> bool {
        match self {
            Self::Made => times == 1,
            Self::NotMade => times == 0,
            Self::Unknown => times <= 1,
        }
    }
}

/// The writers, and what they were told.
struct Writers {
    store: SimulatedStore,
    folios: Vec<DataFolio>,
    /// Who is in the middle of something.
    busy: Mutex<BTreeSet<usize>>,
    items: Mutex<BTreeMap<String, Told>>,
    rows: Mutex<BTreeMap<i64, Told>>,
    /// What was said of the snapshot when it was made, and when it was deleted.
    snapshots: Mutex<BTreeMap<String, (Told, Option<Told>)>>,
    /// How others that work on the store are set.
    options: OpenOptions,
    /// Whether some collections leave next to no history.
    is_short: bool,
}

fn row(number: i64) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![number]));
    RecordBatch::try_from_iter([("n", column)]).unwrap()
}

impl Writers {
    /// One of them does something, if it is not in the middle of something else.
    fn act(&self, number: u64) {
        let writer = (number % WRITERS as u64) as usize;
        if !self.busy.lock().unwrap().insert(writer) {
            return;
        }
        let folio = &self.folios[writer];
        match self.store.draw(18) {
            0..=4 => self.add(folio, writer, Told::of),
            5..=7 => self.append(folio, Told::of),
            8 | 9 => self.collect(folio),
            10 => self.snapshot(folio, writer, Told::of),
            11 => {
                let is_there = |(_, deleted): &(Told, Option<Told>)| deleted.is_none();
                let mut all = self.snapshots.lock().unwrap();
                let found = all.iter_mut().find(|(_, told)| is_there(told));
                let name = found.map(|(name, (_, deleted))| {
                    *deleted = Some(Told::Unknown);
                    name.clone()
                });
                drop(all);
                if let Some(name) = name {
                    let told = Told::of(folio.delete_snapshot(&name));
                    self.snapshots.lock().unwrap().entry(name).and_modify(|(_, deleted)| *deleted = Some(told));
                }
            }
            // It makes other files of the same rows.
            12 => drop(folio.compact("t")),
            13 => drop(folio.refresh()),
            // Whichever value it has, it can be read.
            14 => drop(folio.add("r", json!(self.store.draw(1000)), AddOptions::new().overwrite())),
            15 => {
                let log = folio.log(usize::MAX).unwrap_or_default();
                let made: Vec<u64> = log.iter().filter(|made| made.touches("r")).map(|made| made.revision).collect();
                if let Some(revision) = made.get(self.store.draw(made.len() as u64) as usize) {
                    let _ = folio.undo(Some(*revision));
                }
            }
            // Somebody else, who is killed in the middle of it.
            _ => {
                let store = self.store.mortal(self.store.draw(40));
                if let Ok(folio) = self.options.clone().open_storage(Arc::new(store)) {
                    match self.store.draw(5) {
                        0 => self.add(&folio, writer, |_| Told::Unknown),
                        1 => self.append(&folio, |_| Told::Unknown),
                        2 => self.snapshot(&folio, writer, |_| Told::Unknown),
                        _ => self.collect(&folio),
                    }
                }
            }
        }
        self.busy.lock().unwrap().remove(&writer);
    }

    fn add(&self, folio: &DataFolio, writer: usize, told: impl Fn(Result<(), Error>) -> Told) {
        let name = format!("w{writer}-{}", self.items.lock().unwrap().len());
        self.items.lock().unwrap().insert(name.clone(), Told::Unknown);
        let told = told(folio.add(&name, json!(name), AddOptions::new()).map(drop));
        self.items.lock().unwrap().insert(name, told);
    }

    fn append(&self, folio: &DataFolio, told: impl Fn(Result<(), Error>) -> Told) {
        let number = self.rows.lock().unwrap().len() as i64;
        self.rows.lock().unwrap().insert(number, Told::Unknown);
        let told = told(folio.append_table("t", row(number), AppendOptions::new().without_compaction()).map(drop));
        self.rows.lock().unwrap().insert(number, told);
    }

    fn snapshot(&self, folio: &DataFolio, writer: usize, told: impl Fn(Result<(), Error>) -> Told) {
        let name = format!("s{writer}-{}", self.snapshots.lock().unwrap().len());
        // Nobody deletes it before it is made.
        self.snapshots.lock().unwrap().insert(name.clone(), (Told::Unknown, Some(Told::NotMade)));
        let told = told(folio.create_snapshot(&name, Default::default()).map(drop));
        self.snapshots.lock().unwrap().insert(name, (told, None));
    }

    fn collect(&self, folio: &DataFolio) {
        let mut options = GcOptions { apply: true, grace: Some(Duration::ZERO), ..GcOptions::default() };
        if self.is_short && self.store.draw(2) == 0 {
            (options.retention_days, options.retention_revisions) = (Some(0), Some(1));
        }
        // What it could not do, the next one does.
        let _ = folio.gc(&options);
    }
}

fn weather(store: &SimulatedStore) -> Weather {
    // On some days one thing alone goes wrong, on others everything.
    let rate = |of: u64| if store.draw(2) == 0 { 0 } else { store.draw(of) };
    Weather {
        answer_lost: rate(12),
        lost: rate(12),
        late: rate(12),
        twice: rate(12),
        unreadable: rate(4),
        interleaved: rate(30),
    }
}

/// Tells what was asked of a store, where that came to nothing good: a seed alone need not bring it back, as the library draws numbers too.
struct Story(SimulatedStore);

impl Drop for Story {
    #[allow(clippy::print_stderr, reason = "it belongs to the message of a panic")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0.story());
        }
    }
}

/// Gives how many changes were told to be made, and how many whose fate was not known.
fn run(seed: u64, cache: &TempDir) -> (usize, usize) {
    let store = SimulatedStore::new(seed);
    let _story = Story(store.clone());
    let options = || OpenOptions::new().settings(settings_in(cache.path()));
    let first = options().create_storage(Arc::new(store.clone())).unwrap();
    first.append_table("t", row(-1), AppendOptions::new()).unwrap();
    let folios = (0..WRITERS).map(|_| options().open_storage(Arc::new(store.clone())).unwrap()).collect();
    let is_short = seed % 2 == 1;
    let writers = Arc::new(Writers {
        store: store.clone(),
        folios,
        busy: Mutex::default(),
        items: Mutex::default(),
        rows: Mutex::default(),
        snapshots: Mutex::default(),
        options: options(),
        is_short,
    });
    let others = Arc::downgrade(&writers);
    // A collection asks for every entry of the history: without an end, others would make more of them meanwhile than it reads.
    let turns = AtomicUsize::new(0);
    store.set_turn(move |number| {
        if let Some(writers) = others.upgrade()
            && turns.fetch_add(1, Ordering::Relaxed) < TURNS
        {
            writers.act(number);
        }
    });
    store.set_weather(weather(&store));
    for _ in 0..STEPS {
        writers.act(store.draw(u64::MAX));
    }
    store.calm_down();

    let folio = options().open_storage(Arc::new(store)).unwrap();
    for (name, told) in &*writers.items.lock().unwrap() {
        let is_there = folio.contains(name);
        assert!(told.allows(usize::from(is_there)), "seed {seed}: {name} is there: {is_there}, and was {told:?}");
        if is_there {
            let value = folio.get_json(name).unwrap_or_else(|error| panic!("seed {seed}: {name}, {told:?}: {error}"));
            assert_eq!(value, json!(name), "seed {seed}");
        }
    }
    let mut found: BTreeMap<i64, usize> = BTreeMap::new();
    for batch in folio.read_table("t", &TableOptions::new()).unwrap_or_else(|error| panic!("seed {seed}: {error}")) {
        let batch = batch.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        batch.column(0).as_primitive::<Int64Type>().values().iter().for_each(|n| *found.entry(*n).or_default() += 1);
    }
    assert_eq!(found.remove(&-1), Some(1), "seed {seed}");
    for (number, told) in &*writers.rows.lock().unwrap() {
        let times = found.remove(number).unwrap_or_default();
        assert!(told.allows(times), "seed {seed}: row {number} is there {times} times, and was {told:?}");
    }
    assert!(found.is_empty(), "seed {seed}: {found:?}");
    if folio.contains("r") {
        folio.get_json("r").unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
    for (name, (made, deleted)) in &*writers.snapshots.lock().unwrap() {
        let is_there = folio.list_snapshots().unwrap().iter().any(|snapshot| snapshot.name == *name);
        let times = usize::from(is_there);
        let may_be = match deleted {
            None | Some(Told::NotMade) => made.allows(times),
            Some(Told::Made) => !is_there,
            Some(Told::Unknown) => !is_there || !matches!(made, Told::NotMade),
        };
        assert!(may_be, "seed {seed}: snapshot {name} is there: {is_there}, made {made:?}, deleted {deleted:?}");
    }
    let log = folio.log(usize::MAX).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let revisions: Vec<u64> = log.entries.iter().map(|entry| entry.revision).collect();
    assert_eq!(revisions[0], folio.revision(), "seed {seed}");
    assert!(revisions.windows(2).all(|pair| pair[0] == pair[1] + 1), "seed {seed}: {revisions:?}");
    assert!(is_short || revisions.last() == Some(&1), "seed {seed}: {revisions:?}");
    let report = folio.verify(&VerifyOptions { read_data: true, ..VerifyOptions::default() });
    let report = report.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    assert!(report.is_clean(), "seed {seed}: {:?}", report.findings);
    // Whoever was there all along goes on.
    for (number, writer) in writers.folios.iter().enumerate() {
        let mut added = writer.add(&format!("after-{number}"), json!(1), AddOptions::new());
        // Nothing is left that would tell what became of it, since a store answers a condition that does not hold as it does the
        // second of two that were the same.
        if is_short && added.as_ref().is_err_and(|error| error.code() == "commit-unknown") {
            added = writer.add(&format!("after-{number}"), json!(1), AddOptions::new());
        }
        assert!(added.is_ok(), "seed {seed}: {}", added.unwrap_err());
    }
    let (items, rows) = (writers.items.lock().unwrap(), writers.rows.lock().unwrap());
    let count = |of: fn(&Told) -> bool| items.values().chain(rows.values()).filter(|told| of(told)).count();
    (count(|told| matches!(told, Told::Made)), count(|told| matches!(told, Told::Unknown)))
}

/// What a writer was told holds: what was made is there, once, and readable; what was not made never comes. The history has no gap, and
/// nothing that anybody names was collected.
#[test]
fn what_a_writer_is_told_holds_whatever_becomes_of_requests() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    if let Some(seed) = number("DATAFOLIO_SIMULATED_SEED") {
        run(seed, &TempDir::new().unwrap());
        return;
    }
    let seeds = number("DATAFOLIO_SIMULATED_SEEDS").unwrap_or(400);
    // Most of the time is spent waiting, as after an answer that was lost.
    const SIDE_BY_SIDE: u64 = 32;
    let (made, unknown) = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..SIDE_BY_SIDE)
            .map(|first| {
                scope.spawn(move || {
                    let cache = TempDir::new().unwrap();
                    let seeds = (first..seeds).step_by(SIDE_BY_SIDE as usize);
                    seeds.map(|seed| run(seed, &cache)).fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
                })
            })
            .collect();
        let told = runs.into_iter().map(|run| run.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        told.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
    });
    // Most get through, and some do not know.
    assert!(made as u64 > seeds * 5 && unknown > 0, "{made} made, {unknown} unknown");
}
