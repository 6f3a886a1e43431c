//! The power fails after any step of the scripted workload (promise: what was acknowledged is there, and what is found is the
//! state before or after the operation that was under way).

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafolio::DataFolio;
use datafolio_testkit::power::Recorder;

use super::faults::expect_state;
use super::kills::works_again;
use super::workload::{STEPS, Session, states};
use super::{at_length, scratch};

/// How many images are made by default, and at full length.
const SOME: usize = 400;
const MANY: usize = 10_000;

#[test]
fn a_power_failure_after_any_step_loses_nothing_that_was_acknowledged() {
    let dir = scratch();
    let recorder = Recorder::new();
    let mut session = Session::observed(&dir.path().join("bundle"), recorder.clone());
    let states = states();
    // How much was recorded when each operation was acknowledged, and how far the log then went back.
    let (mut acknowledged, mut oldest) = (vec![0], vec![1]);
    for step in STEPS {
        session.run(step).unwrap_or_else(|error| panic!("{}: {error}", step.name));
        acknowledged.push(recorder.len());
        oldest.push(session.folio.as_ref().unwrap().log(usize::MAX).unwrap().last().unwrap().revision);
    }
    drop(session);

    let points = recorder.len() + 1;
    let wanted = if at_length() { MANY } else { SOME };
    // Every point has its turn before one has its second.
    let images: Vec<(usize, u64)> = match wanted < points {
        true => (0..wanted).map(|n| (n * points / wanted, (n % 5) as u64)).collect(),
        false => (0..wanted).map(|n| (n % points, (n / points) as u64)).collect(),
    };
    let one = |point: usize, seed: u64| -> Result<(), String> {
        let dir = scratch();
        let root = dir.path().join("bundle");
        std::fs::create_dir(&root).map_err(|error| error.to_string())?;
        recorder.image(point, seed, &root).map_err(|error| error.to_string())?;
        let done = acknowledged.partition_point(|at| *at <= point) - 1;
        let under_way = (acknowledged[done] < point && done < STEPS.len()).then_some(done + 1);
        let found = match (expect_state(&root, &states[done]), under_way) {
            (Ok(()), _) => done,
            (Err(before), None) => return Err(format!("not what was acknowledged: {before}")),
            (Err(before), Some(next)) => match expect_state(&root, &states[next]) {
                Ok(()) => next,
                Err(after) => return Err(format!("neither the state before: {before}\nnor the one after: {after}")),
            },
        };
        // What a collection has removed may be back, all of it or a part.
        let range = [oldest[0], oldest[under_way.unwrap_or(done)]];
        works_again(&root, &states[found], &range)?;
        DataFolio::open(&root).map(drop).map_err(|error| format!("cannot be opened: {error}"))
    };
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(&(point, seed)) = images.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(failure) = one(point, seed) {
                        let step = recorder.describe(point);
                        failures.lock().unwrap().push(format!("point {point}, seed {seed}, {step}: {failure}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    let shown = failures.iter().take(10).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {} images failed:\n{shown}", failures.len(), images.len());
    println!("{} images of {points} points", images.len());
}
