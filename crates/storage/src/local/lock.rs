//! The writers' lock.

use std::fs::{File, TryLockError};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::place::Place;
use crate::error::{StorageError, StorageResult};
use crate::observe::IoOp;
use crate::random;
use crate::storage::WriteLock;

/// The file that Python DataFolio 2.x locks as well. The call must be the same too: `flock`, which the standard library
/// uses on Unix, not the record locks of `fcntl`.
pub(super) const LOCK_FILE: &str = "items.json.lock";

/// Longest and shortest time between two tries, in milliseconds.
const LONGEST_WAIT: u64 = 20;
const SHORTEST_WAIT: u64 = 1;

/// The lock, held until it is dropped: closing the file releases it, also when the process dies.
#[derive(Debug)]
pub(super) struct LocalLock {
    _file: File,
}

impl WriteLock for LocalLock {}

/// Takes the lock, trying for at most `timeout`. The system's own waiting call knows no time limit.
pub(super) fn acquire(place: &Arc<Place>, timeout: Duration) -> StorageResult<LocalLock> {
    let start = Instant::now();
    let mut longest = SHORTEST_WAIT;
    let mut file = open(place)?;
    let mut first = true;
    loop {
        // However often it is tried, it is one step: how many steps an operation has must not depend on who else is at work.
        let tried = if first { place.step(IoOp::Lock, LOCK_FILE, || try_lock(&file)) } else { try_lock(&file) };
        first = false;
        match tried {
            Ok(true) if is_current(place, &file)? => return Ok(LocalLock { _file: file }),
            // The lock of a file that someone removed in the meantime excludes nobody.
            Ok(true) => file = open(place)?,
            Ok(false) => {}
            Err(error) => return Err(place.error("lock", LOCK_FILE, error)),
        }
        let left = timeout.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Err(StorageError::Locked { location: place.location.clone(), seconds: timeout.as_secs_f64() });
        }
        let wait = SHORTEST_WAIT + random::below(longest);
        std::thread::sleep(left.min(Duration::from_millis(wait)));
        longest = (longest * 2).min(LONGEST_WAIT);
    }
}

/// Whether nobody else held it. A process that this one is just starting holds what is open here until it runs its program.
fn try_lock(file: &File) -> std::io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn open(place: &Place) -> StorageResult<File> {
    place
        .step(IoOp::Lock, LOCK_FILE, || place.dir.open_lock_file(LOCK_FILE))
        .map_err(|error| place.error("lock", LOCK_FILE, error))
}

/// Whether the open lock file still is the one that others will find under its name. We never remove it, but other
/// programs, some releases of Python's `filelock` among them, do.
fn is_current(place: &Place, file: &File) -> StorageResult<bool> {
    let compare = || {
        let held = place.dir.facts_of(file)?;
        match place.dir.facts(LOCK_FILE) {
            Ok(found) => Ok(found.same_file(&held)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    };
    compare().map_err(|error| place.error("lock", LOCK_FILE, error))
}
