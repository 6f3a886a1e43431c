//! Many processes write to one bundle at once (promise: every acknowledged commit is there, and revisions have neither gap
//! nor repeat). `DATAFOLIO_TORTURE=16x200` sets the number of processes and of commits each; the default is small.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use datafolio::{AddOptions, CommitKind, DataFolio, GcOptions, VerifyOptions};
use serde_json::json;

use super::child::spawn;
use super::workload::strict_gc;
use super::{at_length, scratch};

/// Processes and commits of each.
fn size() -> (usize, usize) {
    let text = std::env::var("DATAFOLIO_TORTURE").unwrap_or_default();
    match text.split_once('x') {
        Some((processes, commits)) => (processes.parse().unwrap(), commits.parse().unwrap()),
        None => (4, 50),
    }
}

/// What a writer was told: its commit is there.
#[derive(Debug)]
struct Acknowledged {
    revision: u64,
    item: String,
}

/// The work of one process: `own` adds items that nobody else touches, `shared` adds one to the same number as all others;
/// `paced-own` and `paced-shared` do so and leave others time.
pub(super) fn write(root: &Path, acks: &Path, who: &str, count: u64, what: &str) {
    let folio = DataFolio::open(root).unwrap();
    let go = root.with_file_name("go");
    let (is_paced, what) = what.strip_prefix("paced-").map_or((false, what), |what| (true, what));
    let mut acks = std::fs::File::options().create(true).append(true).open(acks).unwrap();
    let mut acknowledge = |item: &str| {
        // One write, so that being killed cannot leave half a line.
        acks.write_all(format!("{} {item}\n", folio.revision()).as_bytes()).unwrap();
    };
    // All begin together, however long it took to start them.
    while !go.exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    for n in 0..count {
        if is_paced {
            std::thread::sleep(Duration::from_millis(80));
        }
        match what {
            "own" => {
                let name = format!("{who}/n{n}");
                folio.add(&name, json!({"who": who, "n": n}), AddOptions::new()).unwrap();
                acknowledge(&name);
            }
            "shared" => {
                loop {
                    let next = folio.get_json("counter").unwrap().as_u64().unwrap() + 1;
                    match folio.add("counter", json!(next), AddOptions::new().overwrite()) {
                        Ok(_) => break,
                        Err(error) if error.code() == "conflict" => folio.refresh().unwrap(),
                        Err(error) => panic!("{error}"),
                    }
                }
                acknowledge("counter");
            }
            other => panic!("no such work: {other}"),
        }
    }
}

struct Field {
    _dir: tempfile::TempDir,
    root: PathBuf,
    acks: PathBuf,
}

impl Field {
    /// On a real disk, whose syncs give the writers time to get in each other's way.
    fn new() -> Self {
        Self::below(tempfile::tempdir().unwrap())
    }

    fn below(dir: tempfile::TempDir) -> Self {
        let (root, acks) = (dir.path().join("bundle"), dir.path().join("acks"));
        std::fs::create_dir(&acks).unwrap();
        DataFolio::create(&root).unwrap();
        Self { _dir: dir, root, acks }
    }

    fn writer(&self, who: &str, count: usize, what: &str) -> Child {
        let acks = self.acks.join(who);
        spawn(&["write", self.root.to_str().unwrap(), acks.to_str().unwrap(), who, &count.to_string(), what])
    }

    fn acknowledged(&self) -> Vec<Acknowledged> {
        let mut all = Vec::new();
        for file in std::fs::read_dir(&self.acks).unwrap() {
            for line in std::fs::read_to_string(file.unwrap().path()).unwrap().lines() {
                let (revision, item) = line.split_once(' ').unwrap();
                all.push(Acknowledged { revision: revision.parse().unwrap(), item: item.to_owned() });
            }
        }
        all
    }

    /// Every acknowledged commit stands in the log, under its own revision, and no revision is missing or stands twice.
    /// Where another program wrote, one entry may stand for several of its revisions.
    fn check_log(&self, folio: &DataFolio) {
        let log = folio.log(usize::MAX).unwrap();
        let mut expected = folio.revision();
        let mut items: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
        for (index, entry) in log.iter().enumerate() {
            assert_eq!(entry.revision, expected, "{:?}", entry.operation);
            let next = log.get(index + 1).map_or(0, |next| next.revision);
            assert!(next < entry.revision, "revision {next} stands twice");
            expected = if entry.kind == CommitKind::External { next } else { entry.revision - 1 };
            let changed = entry.changes.items.iter().map(|change| change.name.as_str());
            items.insert(entry.revision, changed.collect());
        }
        assert_eq!(expected, 0, "the log ends early");
        for ack in self.acknowledged() {
            let changed = items.get(&ack.revision).unwrap_or_else(|| panic!("{ack:?} is not in the log"));
            assert!(changed.contains(ack.item.as_str()), "{ack:?} changed {changed:?}");
        }
    }

    fn check_whole(&self, folio: &DataFolio) {
        let report = folio.verify(&VerifyOptions::default()).unwrap();
        assert!(report.is_clean(), "{:?}", report.findings);
    }
}

/// Lets writers begin, and waits for them.
fn run_together(field: &Field, writers: Vec<Child>) {
    std::thread::sleep(Duration::from_millis(50));
    std::fs::write(field.root.with_file_name("go"), "").unwrap();
    finish(writers);
}

fn finish(children: Vec<Child>) {
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn writers_of_different_items_lose_nothing() {
    let field = Field::new();
    let (processes, commits) = size();
    let start = Instant::now();
    run_together(&field, (0..processes).map(|n| field.writer(&format!("w{n}"), commits, "own")).collect());
    println!("{processes} x {commits} commits to distinct items: {:.1} s", start.elapsed().as_secs_f64());
    let folio = DataFolio::open(&field.root).unwrap();
    assert_eq!(field.acknowledged().len(), processes * commits);
    assert_eq!(folio.revision() as usize, 1 + processes * commits);
    field.check_log(&folio);
    for n in 0..processes {
        for i in 0..commits {
            assert_eq!(folio.get_json(&format!("w{n}/n{i}")).unwrap(), json!({"who": format!("w{n}"), "n": i}));
        }
    }
    field.check_whole(&folio);
}

#[test]
fn writers_of_one_item_that_retry_lose_nothing() {
    let field = Field::new();
    let (processes, commits) = size();
    let folio = DataFolio::open(&field.root).unwrap();
    folio.add("counter", json!(0), AddOptions::new()).unwrap();
    let start = Instant::now();
    run_together(&field, (0..processes).map(|n| field.writer(&format!("w{n}"), commits, "shared")).collect());
    println!("{processes} x {commits} commits to one item: {:.1} s", start.elapsed().as_secs_f64());
    folio.refresh().unwrap();
    assert_eq!(folio.get_json("counter").unwrap(), processes * commits);
    assert_eq!(folio.revision() as usize, 2 + processes * commits);
    assert_eq!(field.acknowledged().len(), processes * commits);
    field.check_log(&folio);
    field.check_whole(&folio);
    // Every one of the values can still be read.
    let (newest, oldest) = (folio.revision(), 2);
    for revision in (oldest..=newest).rev().step_by((newest as usize / 20).max(1)) {
        assert_eq!(folio.at_revision(revision).unwrap().get_json("counter").unwrap(), revision - oldest);
    }
}

const PYTHON_WRITER: &str = r#"
import os, sys, time
import datafolio
root, acks, stop = sys.argv[1:]
folio = datafolio.DataFolio(root)
with open(acks, "a", buffering=1) as done:
    n = 0
    while not os.path.exists(stop):
        try:
            folio.add(f"python/n{n}", {"n": n})
        except datafolio.ConcurrentWriteError:
            folio.refresh()
            continue
        done.write(f"python/n{n}\n")
        n += 1
        time.sleep(0.01)
"#;

/// Lets writers work while Python DataFolio writes items of its own, and looks whether all is there of either. `before` is how
/// many revisions there were.
fn beside_python(field: &Field, before: usize, what: &str) -> Option<DataFolio> {
    let python = crate::compat::peer::Release::V2_3.python()?;
    let (processes, commits) = size();
    let (acks, stop) = (field.acks.with_file_name("python"), field.acks.with_file_name("stop"));
    let other = Command::new(python)
        .args(["-c", PYTHON_WRITER])
        .args([&field.root, &acks, &stop])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while !acks.exists() && started.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(20));
    }
    run_together(field, (0..processes).map(|n| field.writer(&format!("w{n}"), commits, what)).collect());
    std::fs::write(&stop, "").unwrap();
    finish(vec![other]);

    let theirs = std::fs::read_to_string(&acks).unwrap();
    assert!(theirs.lines().count() > 2, "the other program hardly came to write");
    let folio = DataFolio::open(&field.root).unwrap();
    for (n, name) in theirs.lines().enumerate() {
        assert_eq!(folio.get_json(name).unwrap(), json!({"n": n}));
    }
    assert_eq!(field.acknowledged().len(), processes * commits);
    for ack in field.acknowledged() {
        folio.get_json(&ack.item).unwrap();
    }
    assert_eq!(folio.revision() as usize, before + processes * commits + theirs.lines().count());
    // So that what they wrote last is on record too.
    folio.set_metadata("done", true).unwrap();
    field.check_log(&folio);
    field.check_whole(&folio);
    println!("{what}: {} commits of ours between {} of theirs", processes * commits, theirs.lines().count());
    Some(folio)
}

/// Python DataFolio drops the name of the last commit whenever it writes. The next commit of ours has to find out by itself
/// what it follows: not what its own handle saw last, for others have committed since.
#[test]
fn writers_beside_python_lose_nothing_of_either() {
    beside_python(&Field::new(), 1, "paced-own");
}

/// Whoever retries has to see what others have counted, though the catalogue was last written by a program that knows no commits.
#[test]
fn writers_of_one_item_beside_python_count_right() {
    let field = Field::new();
    DataFolio::open(&field.root).unwrap().add("counter", json!(0), AddOptions::new()).unwrap();
    let (processes, commits) = size();
    if let Some(folio) = beside_python(&field, 2, "paced-shared") {
        assert_eq!(folio.get_json("counter").unwrap(), processes * commits);
    }
}

/// Writers die at random moments, several at work at once.
#[test]
fn writers_that_are_killed_at_random_lose_nothing_that_was_acknowledged() {
    /// A bundle that has grown takes so long to open that writers would die before they wrote.
    const EACH: usize = 40;
    let kills = if at_length() { 2000 } else { 80 };
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    for _ in 0..kills / EACH {
        let field = Field::below(if at_length() { tempfile::tempdir().unwrap() } else { scratch() });
        std::fs::write(field.root.with_file_name("go"), "").unwrap();
        // On a busy machine writers need longer to begin.
        let mut patience = 5;
        for n in 0..EACH {
            let before = field.acknowledged().len();
            let mut children: Vec<Child> =
                (0..2).map(|m| field.writer(&format!("w{n}-{m}"), 1_000_000, "own")).collect();
            std::thread::sleep(Duration::from_millis(patience + random(60)));
            for child in &mut children {
                child.kill().unwrap();
                child.wait().unwrap();
            }
            if field.acknowledged().len() == before {
                patience += 5;
            }
            let folio = DataFolio::open(&field.root).unwrap();
            folio.add(&format!("between/n{n}"), json!(n), AddOptions::new()).unwrap();
        }
        let folio = DataFolio::open(&field.root).unwrap();
        check_killed(&field, &folio);
        // Nothing but what the dead have staged is there to be collected.
        folio.gc(&GcOptions { retention_days: None, retention_revisions: None, ..strict_gc() }).unwrap();
        check_killed(&field, &folio);
    }
}

fn check_killed(field: &Field, folio: &DataFolio) {
    let acknowledged = field.acknowledged();
    for ack in &acknowledged {
        folio.get_json(&ack.item).unwrap_or_else(|error| panic!("{ack:?}: {error}"));
    }
    field.check_log(folio);
    field.check_whole(folio);
    assert!(!acknowledged.is_empty(), "no writer lived long enough");
}
