//! Where a query puts what does not fit into memory.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{SqlError, SqlResult};

/// What the name of a query's directory begins with; the number of the process and one of its own follow.
const PREFIX: &str = "query-";

/// A directory of one query, removed with all that is in it when the query ends.
#[derive(Debug)]
pub(crate) struct SpillDir(PathBuf);

impl SpillDir {
    /// Chooses a directory. DuckDB makes it when it needs it, which most queries never do.
    ///
    /// # Errors
    /// When the parent cannot be made.
    pub(crate) fn create(parent: &Path) -> SqlResult<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let failed = |error| SqlError::Failed {
            message: format!("the spill directory {} cannot be made: {error}", parent.display()),
        };
        fs::create_dir_all(parent).map_err(failed)?;
        sweep(parent);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Ok(Self(parent.join(format!("{PREFIX}{}-{number}", std::process::id()))))
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

/// Removes what processes have left that were killed. Where it cannot be told whether a process lives, its directories stay.
fn sweep(parent: &Path) {
    let processes = Path::new("/proc");
    if !processes.join(std::process::id().to_string()).exists() {
        return;
    }
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split_once('-')?.0.parse::<u32>().ok());
        if process.is_some_and(|process| !processes.join(process.to_string()).exists()) {
            remove(&entry.path());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn directories_of_the_dead_are_removed_and_no_others() {
        let parent = std::env::temp_dir().join(format!("datafolio-spill-test-{}", std::process::id()));
        let living = format!("{PREFIX}{}-7", std::process::id());
        let dead = format!("{PREFIX}{}-0", u32::MAX);
        for name in [&living, &dead, "query-of-someone", "other"] {
            fs::create_dir_all(parent.join(name).join("deep")).unwrap();
        }
        let dir = SpillDir::create(&parent).unwrap();
        fs::create_dir(dir.path()).unwrap();
        let mut left: Vec<_> = fs::read_dir(&parent).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        let own = dir.path().file_name().unwrap().to_owned();
        let has_proc = Path::new("/proc/self").exists();
        assert_eq!(left.iter().any(|name| name.to_str() == Some(&dead)), !has_proc);
        assert!(left.contains(&own) && left.iter().any(|name| name.to_str() == Some(&living)));
        drop(dir);
        assert!(!parent.join(own).exists() && parent.join("query-of-someone").exists());
        fs::remove_dir_all(&parent).unwrap();
    }
}
