//! Tests of [`LocalStorage`], by subject.

#![cfg(unix)] // They make links and pipes.

mod faults;
mod links;
mod lock;
mod state;

use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;

use super::{LocalStorage, portable, unix};
use crate::conformance::{self, Place};
use crate::observe::Watch;

/// A storage in a new temporary directory.
pub(super) fn new_storage() -> (TempDir, LocalStorage) {
    let dir = TempDir::new().unwrap();
    let storage = LocalStorage::open(dir.path()).unwrap();
    (dir, storage)
}

/// The storage as it is on Unix systems without Linux' calls.
fn open_walking(root: &Path) -> LocalStorage {
    let root = root.canonicalize().unwrap();
    let dir = Arc::new(unix::UnixDirectory::open_walking(&root).unwrap());
    LocalStorage::new(super::place::Place::new(root, dir, Watch::default()))
}

/// The storage as it is on systems without Unix' calls.
fn open_portable(root: &Path) -> LocalStorage {
    let root = root.canonicalize().unwrap();
    let dir = Arc::new(portable::PortableDirectory::open(&root).unwrap());
    LocalStorage::new(super::place::Place::new(root, dir, Watch::default()))
}

/// All names in a directory, sorted.
pub(super) fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn place(open: fn(&Path) -> LocalStorage) -> Place {
    let dir = TempDir::new().unwrap();
    Place::new(open(dir.path()), open(dir.path()), dir)
}

#[test]
fn conforms() {
    conformance::all(&|| place(|root| LocalStorage::open(root).unwrap()));
    conformance::all(&|| place(open_walking));
}

/// Content is all that identifies a file there, so that a change back to the same bytes is none.
#[test]
fn the_portable_way_conforms() {
    let make: conformance::MakePlace<'_> = &|| place(open_portable);
    conformance::absent_and_present(make);
    conformance::create_is_exclusive(make);
    conformance::dropped_files_are_gone(make);
    conformance::nested_paths(make);
    conformance::list_is_complete_and_ordered(make);
    conformance::delete_of_missing_and_present(make);
    conformance::too_large_is_refused(make);
    conformance::sources_read_anywhere(make);
    conformance::replace_needs_no_state(make);
    conformance::publish_creates_once(make);
    conformance::publish_wins_or_loses(make);
    conformance::locks_can_be_taken_again(make);
    conformance::writers_lose_no_update(make);
}
