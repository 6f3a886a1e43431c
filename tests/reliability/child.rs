//! Work that is done in a process of its own, so that it can be killed or run beside others.
//!
//! The child is this very test binary, run with the one test below. That needs no second program to be built and found,
//! and the job can call everything that the tests can. Without the variable the test does nothing.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use datafolio_testkit::faults::{Fault, Injector};

use super::workload::{STEPS, Session};
use super::{apart, torture};

const JOB: &str = "DATAFOLIO_TEST_JOB";

/// Starts a child. The words of the job say what it does.
pub(super) fn spawn(job: &[&str]) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "reliability::child::run", "--nocapture", "--test-threads=1"])
        .env(JOB, job.join("\n"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn run() {
    let Ok(job) = std::env::var(JOB) else { return };
    let words: Vec<&str> = job.split('\n').collect();
    match words[..] {
        ["fault", root, k, n, how] => fault(Path::new(root), k.parse().unwrap(), n.parse().unwrap(), how),
        ["migrate", root, n, how] => migrate(Path::new(root), n.parse().unwrap(), how),
        ["repair", root, n, how] => repair(Path::new(root), n.parse().unwrap(), how),
        ["copy", root, target, n, how] => copy(Path::new(root), Path::new(target), n.parse().unwrap(), how),
        ["write", root, acks, who, count, what] => {
            torture::write(Path::new(root), Path::new(acks), who, count.parse().unwrap(), what);
        }
        _ => panic!("no such job: {words:?}"),
    }
}

/// Runs one operation of the workload and dies at one of its steps.
fn fault(root: &Path, k: usize, n: usize, how: &str) {
    let mut session = Session::new(root);
    session.injector.arm(n, death(how));
    session.run(&STEPS[k]).unwrap();
}

/// Makes the first commit to a bundle of 1.x and dies at one of its steps.
fn migrate(root: &Path, n: usize, how: &str) {
    let session = Session::new(root);
    session.injector.arm(n, death(how));
    super::kills::first_commit(&session).unwrap();
}

/// Repairs a bundle and dies at one of the steps.
fn repair(root: &Path, n: usize, how: &str) {
    let injector = Injector::new();
    injector.arm(n, death(how));
    apart::observed_repair(root, &injector).unwrap();
}

/// Copies a bundle and dies at one of the steps.
fn copy(root: &Path, target: &Path, n: usize, how: &str) {
    let injector = Injector::new();
    injector.arm(n, death(how));
    apart::observed_copy(root, target, &injector).unwrap();
}

fn death(how: &str) -> Fault {
    match how {
        "before" => Fault::KillBefore,
        "after" => Fault::KillAfter,
        "tear" => Fault::Tear,
        other => panic!("no such fault: {other}"),
    }
}
