//! Where a query puts what does not fit into memory.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// What the name of a query's directory begins with; where its process runs, the number of that, and one of its own follow.
const PREFIX: &str = "query-";
/// A directory of another machine in which nothing was written for so long is of a query that has ended.
const ABANDONED: Duration = Duration::from_hours(7 * 24);

/// A directory of one query, removed with all that is in it when the query ends.
#[derive(Debug)]
pub(crate) struct SpillDir(PathBuf);

impl SpillDir {
    /// Chooses a directory. DuckDB makes it when it needs it, which most queries never do.
    ///
    /// # Errors
    /// When the parent cannot be made.
    pub(crate) fn create(parent: &Path) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        fs::create_dir_all(parent)?;
        sweep(parent);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Ok(Self(parent.join(format!("{PREFIX}{:016x}-{}-{number}", here(), std::process::id()))))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SpillDir {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

fn remove(dir: &Path) {
    if let Err(error) = fs::remove_dir_all(dir)
        && error.kind() != ErrorKind::NotFound
    {
        tracing::warn!(%error, dir = %dir.display(), "a spill directory was not removed");
    }
}

/// Among which processes the numbers of processes mean something: those of this machine and container. A cache directory can be
/// shared with others.
fn here() -> u64 {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in host.bytes().chain(namespace.to_string_lossy().bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

/// Removes what processes have left that were killed. Where it cannot be told whether a process lives, its directories stay
/// until they are old.
fn sweep(parent: &Path) {
    let processes = Path::new("/proc");
    let knows_processes = processes.join(std::process::id().to_string()).exists();
    let here = format!("{:016x}", here());
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let parts = || {
            let mut parts = name.to_str()?.strip_prefix(PREFIX)?.split('-');
            Some((parts.next()?, parts.next()?.parse::<u32>().ok()?))
        };
        let Some((place, process)) = parts() else { continue };
        let has_ended = match place == here && knows_processes {
            true => !processes.join(process.to_string()).exists(),
            false => last_written(&entry.path()).is_some_and(|time| time.elapsed().is_ok_and(|age| age > ABANDONED)),
        };
        if has_ended {
            remove(&entry.path());
        }
    }
}

/// When something in a directory was last written.
fn last_written(dir: &Path) -> Option<SystemTime> {
    let mut newest = fs::metadata(dir).ok()?.modified().ok()?;
    for entry in fs::read_dir(dir).ok()? {
        let entry = entry.ok()?;
        let facts = entry.metadata().ok()?;
        newest = newest.max(if facts.is_dir() { last_written(&entry.path())? } else { facts.modified().ok()? });
    }
    Some(newest)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn directories_of_the_dead_are_removed_and_no_others() {
        let parent = std::env::temp_dir().join(format!("datafolio-spill-test-{}", std::process::id()));
        let here = here();
        let living = format!("{PREFIX}{here:016x}-{}-7", std::process::id());
        let dead = format!("{PREFIX}{here:016x}-{}-0", u32::MAX);
        let elsewhere = format!("{PREFIX}{:016x}-{}-0", !here, u32::MAX);
        let long_ago = format!("{PREFIX}{:016x}-{}-1", !here, u32::MAX);
        for name in [&living, &dead, &elsewhere, &long_ago, "query-of-someone", "other"] {
            fs::create_dir_all(parent.join(name).join("deep")).unwrap();
        }
        for name in [long_ago.clone(), format!("{long_ago}/deep")] {
            let long = SystemTime::now() - 2 * ABANDONED;
            fs::File::open(parent.join(name)).unwrap().set_modified(long).unwrap();
        }
        let dir = SpillDir::create(&parent).unwrap();
        fs::create_dir(dir.path()).unwrap();
        let mut left: Vec<_> = fs::read_dir(&parent).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        let own = dir.path().file_name().unwrap().to_owned();
        let has_proc = Path::new("/proc/self").exists();
        assert_eq!(left.iter().any(|name| name.to_str() == Some(&dead)), !has_proc);
        let is_left = |wanted: &str| left.iter().any(|name| name.to_str() == Some(wanted));
        assert!(left.contains(&own) && is_left(&living) && is_left(&elsewhere) && !is_left(&long_ago));
        drop(dir);
        assert!(!parent.join(own).exists() && parent.join("query-of-someone").exists());
        fs::remove_dir_all(&parent).unwrap();
    }
}
