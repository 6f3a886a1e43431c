//! What the bundle promises when disks fill up, processes die, writers race and bytes rot.

#![allow(clippy::print_stdout, reason = "what was left out, and how long the rest took")]

mod apart;
mod child;
mod corpora;
mod damage;
mod damaged_entries;
mod disk;
mod faults;
mod garbage;
#[cfg(unix)] // Links and pipes in the place of files, made by programs that every Unix has; so the next one.
mod hostile;
#[cfg(unix)]
mod hostile_parts;
mod kills;
mod mending;
mod outcomes;
mod oversized;
mod pages;
mod power;
mod put_back;
mod races;
mod readers;
mod regressions;
mod repair;
mod threads;
mod torture;
#[cfg(unix)] // What these two set up.
mod trap;
mod workload;

use std::path::PathBuf;

use tempfile::TempDir;

/// A directory in memory, where the system has one: these tests make thousands of bundles, and none has to outlive them.
fn scratch() -> TempDir {
    let memory = PathBuf::from("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}

/// Whether the tests run at full length (`make torture`), which takes many minutes.
fn at_length() -> bool {
    std::env::var_os("DATAFOLIO_TORTURE").is_some()
}
