//! Every I/O step of a scripted workload fails once, in every way (promise: an error is reported, nothing is published, and
//! the same handle works again).

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafolio::{DataFolio, Error, ErrorCategory, GcOptions, OpenOptions, VerifyOptions};
use datafolio_testkit::faults::Fault;
use tempfile::TempDir;

use super::workload::{STEPS, Session, states, strict_gc};
use super::{at_length, scratch};
use crate::support::copy_dir;
use crate::support::model::{Model, visible_state};

/// The bundle before each operation, and after the last.
pub(super) struct Prepared {
    dir: TempDir,
    pub(super) states: Vec<Model>,
    /// How many I/O steps each operation has.
    pub(super) counts: Vec<usize>,
    /// How far the log goes back before each operation, and after the last.
    pub(super) oldest: Vec<u64>,
}

impl Prepared {
    /// Runs the workload once without a fault, and holds the model against it.
    pub(super) fn new() -> Self {
        let dir = scratch();
        let states = states();
        let (mut counts, mut oldest) = (Vec::new(), vec![1]);
        let root = dir.path().join("work/bundle");
        // As where the copies are, so that there are as many steps.
        std::fs::create_dir(dir.path().join("work")).unwrap();
        for (k, step) in STEPS.iter().enumerate() {
            copy_bundle(&root, &dir.path().join(k.to_string()));
            // A handle of its own, as the ones with a fault will have.
            let mut session = Session::new(&root);
            session.injector.disarm();
            session.run(step).unwrap_or_else(|error| panic!("{}: {error}", step.name));
            counts.push(session.injector.steps().len());
            assert!(
                k > 0 || session.injector.steps()[..2] == ["Mkdir \"\"", "FsyncDir \"..\""],
                "its directory is made first"
            );
            drop(session);
            let folio = DataFolio::open(&root).unwrap();
            assert_eq!(visible_state(&folio).unwrap(), states[k + 1], "after {}", step.name);
            oldest.push(folio.log(usize::MAX).unwrap().last().unwrap().revision);
        }
        Self { dir, states, counts, oldest }
    }

    /// A copy of the bundle as it is before an operation, in a directory of its own.
    pub(super) fn before(&self, k: usize) -> (TempDir, PathBuf) {
        let dir = scratch();
        let root = dir.path().join("bundle");
        copy_bundle(&self.dir.path().join(k.to_string()), &root);
        (dir, root)
    }
}

fn copy_bundle(from: &Path, to: &Path) {
    if from.exists() {
        copy_dir(from, to);
    }
}

/// Runs `job` for every operation and every step of it, on all processors, and reports all failures together.
pub(super) fn for_every_step(
    prepared: &Prepared,
    stride: usize,
    job: impl Fn(usize, usize) -> Result<(), String> + Sync,
) {
    let all: Vec<(usize, usize)> =
        prepared.counts.iter().enumerate().flat_map(|(k, count)| (0..*count).map(move |n| (k, n))).collect();
    let all: Vec<(usize, usize)> = all.into_iter().step_by(stride).collect();
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(&(k, n)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(failure) = job(k, n) {
                        failures.lock().unwrap().push(format!("{}, step {n}: {failure}", STEPS[k].name));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} of {} failed:\n{}", failures.len(), all.len(), first_lines(&failures));
}

fn first_lines(failures: &[String]) -> String {
    let mut sorted = failures.to_vec();
    sorted.sort();
    let of_step = |line: &String| line.split(',').next().map(str::to_owned);
    let mut shown: Vec<String> = Vec::new();
    for line in sorted {
        if shown.iter().filter(|other| of_step(other) == of_step(&line)).count() < 4 {
            shown.push(line);
        }
    }
    shown.join("\n")
}

/// One operation with a fault at one step, then the rest of the workload with the same handle.
fn one_fault(prepared: &Prepared, k: usize, n: usize, fault: Fault, whole: bool) -> Result<(), String> {
    let (_dir, root) = prepared.before(k);
    let mut session = Session::new(&root);
    session.injector.arm(n, fault);
    let result = session.run(&STEPS[k]);
    let fired = session.injector.fired().unwrap_or_default();
    session.injector.disarm();
    let at = |what: &str| format!("{fired}: {what}");

    let published = match &result {
        Ok(()) => true,
        Err(error) if error.code() == "not-durable" => true,
        Err(Error::CommitUnknown { revision, .. }) => {
            if !matches!(fault, Fault::From(_) | Fault::AfterApplyThenFrom(_)) {
                return Err(at("the catalogue could have been read to see what became of the commit"));
            }
            // As the hint says: look, and do not repeat what is there.
            let is_there = DataFolio::open(&root).is_ok_and(|folio| folio.revision() == *revision);
            if let (true, Some(folio)) = (is_there, &session.folio) {
                folio.refresh().map_err(|error| at(&format!("cannot be refreshed: {error}")))?;
            }
            is_there
        }
        Err(error) => {
            if error.category() != ErrorCategory::Storage {
                return Err(at(&format!("the error is no storage error: {} {error}", error.code())));
            }
            false
        }
    };
    let must_succeed = matches!(fault, Fault::Short | Fault::Once(Fault::EINTR));
    if must_succeed && result.is_err() {
        return Err(at(&format!("{result:?} although nothing was lost")));
    }
    expect_state(&root, &prepared.states[k + usize::from(published)]).map_err(|found| at(&found))?;
    // A collection that was interrupted has left what the next one will find.
    if matches!(fault, Fault::Once(_) | Fault::AfterApply(_)) && STEPS[k].name != "collect garbage" {
        nothing_left(&root).map_err(|left| at(&left))?;
    }

    if !published {
        if k == 0 {
            // Also by the door that looks whether the directory is empty.
            let again = root.with_file_name("again");
            copy_bundle(&root, &again);
            DataFolio::create(&again).map_err(|error| at(&format!("cannot be created again: {error}")))?;
        }
        session.run(&STEPS[k]).map_err(|error| at(&format!("a second try fails: {error}")))?;
    }
    if session.folio.is_none() {
        session.reopen();
    }
    let last = if whole { STEPS.len() } else { (k + 2).min(STEPS.len()) };
    for step in &STEPS[k + 1..last] {
        session.run(step).map_err(|error| at(&format!("{} fails afterwards: {error}", step.name)))?;
    }
    let seen = visible_state(session.folio.as_ref().unwrap()).map_err(|error| at(&error))?;
    if seen != prepared.states[last] {
        return Err(at(&format!("the handle sees {seen:?}\ninstead of {:?}", prepared.states[last])));
    }
    drop(session);
    expect_state(&root, &prepared.states[last]).map_err(|found| at(&found))?;
    // Whatever was left behind goes: in the bundle's own directory with the next handle that takes the lock.
    DataFolio::open(&root).unwrap().gc(&strict_gc()).map_err(|error| at(&format!("gc: {error}")))?;
    nothing_left(&root).map_err(|left| at(&left))?;
    expect_state(&root, &prepared.states[last]).map_err(|found| at(&found))
}

/// Opens the bundle anew and compares all of it.
pub(super) fn expect_state(root: &Path, expected: &Model) -> Result<(), String> {
    let folio = match DataFolio::open_read_only(root) {
        Err(error) if error.code() == "not-a-bundle" && expected.revision == 0 => return Ok(()),
        other => other.map_err(|error| format!("cannot be opened: {error}"))?,
    };
    let found = visible_state(&folio)?;
    if found != *expected {
        return Err(format!("found {found:?}\ninstead of {expected:?}"));
    }
    let report = folio.verify(&VerifyOptions::default()).map_err(|error| format!("cannot be verified: {error}"))?;
    match report.is_clean() {
        true => Ok(()),
        false => Err(format!("verify finds {:?}", report.findings)),
    }
}

/// That there is no file which nothing needs.
fn nothing_left(root: &Path) -> Result<(), String> {
    let in_root: Vec<String> = match std::fs::read_dir(root) {
        Ok(entries) => entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect(),
        Err(_) => return Ok(()),
    };
    if let Some(name) = in_root.iter().find(|name| name.ends_with(".tmp")) {
        return Err(format!("{name} is left behind"));
    }
    let Ok(folio) = OpenOptions::new().read_only(true).open(root) else { return Ok(()) };
    let all = GcOptions { grace: Some(std::time::Duration::ZERO), ..GcOptions::default() };
    let report = folio.gc(&all).map_err(|error| format!("gc: {error}"))?;
    match (&report.payloads[..], &report.history[..]) {
        ([], []) => Ok(()),
        left => Err(format!("left behind: {left:?}")),
    }
}

/// Every step and the whole workload after each takes many minutes, and is what `make torture` does. By default one step in
/// `stride` has the fault, and the whole workload follows after one in eight of these.
fn check(fault: Fault, stride: usize) {
    let prepared = Prepared::new();
    let (stride, every) = if at_length() { (1, 1) } else { (stride, 8) };
    for_every_step(&prepared, stride, |k, n| one_fault(&prepared, k, n, fault, n % every == 0));
}

#[test]
fn an_error_at_any_step_is_reported_and_publishes_nothing() {
    check(Fault::Once(Fault::EIO), 2);
}

#[test]
fn no_space_and_no_quota_at_any_step_are_reported_and_publish_nothing() {
    check(Fault::Once(Fault::ENOSPC), 7);
    check(Fault::Once(Fault::EDQUOT), 11);
}

#[test]
fn a_signal_at_any_step_and_short_writes_are_no_errors() {
    check(Fault::Once(Fault::EINTR), 5);
    check(Fault::Short, 17);
}

#[test]
fn a_disk_that_is_full_from_any_step_on_loses_nothing_and_works_again_with_space() {
    check(Fault::Full, 5);
    check(Fault::ShortThenFull, 7);
}

/// As over a network: what was asked for was done, and the answer was lost.
#[test]
fn a_lost_answer_at_any_step_deletes_nothing_that_was_published() {
    check(Fault::AfterApply(Fault::EIO), 3);
}

#[test]
fn a_connection_that_breaks_before_the_answer_of_any_step_deletes_nothing_that_was_published() {
    check(Fault::AfterApplyThenFrom(Fault::EIO), 3);
}

#[test]
fn a_disk_that_is_gone_from_any_step_on_loses_nothing_and_works_again_when_it_is_back() {
    check(Fault::From(Fault::EIO), 3);
}
