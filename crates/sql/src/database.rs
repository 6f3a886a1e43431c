//! Databases in memory: opened, opened ahead, and kept for the same query again.
//!
//! DuckDB takes some 20 ms of a processor to open a database, nearly all of it to make its own functions known, and no setting
//! shortens that. What one query was given cannot be taken back from its database, so another query never gets it, unless it is
//! given the very same.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::SystemTime;

use duckdb::Connection;

use crate::error::SqlResult;
use crate::ffi::{RawDatabase, open};
use crate::reader::spawn;
use crate::session::{Settings, execute};
use crate::spill::SpillDir;

/// A database, and where it puts what does not fit into memory.
#[derive(Debug)]
pub(crate) struct Database {
    // The connection goes first: it has files in the directory.
    pub(crate) connection: Connection,
    _raw: RawDatabase,
    spill: Option<SpillDir>,
}

/// What a database is opened with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Opening {
    threads: Option<usize>,
    memory: Option<u64>,
    spill_dir: Option<PathBuf>,
    spill_cap: Option<u64>,
}

impl Opening {
    /// For a query over these shares: several have threads of their own that do all of their work, and a thread of DuckDB that
    /// took some away would leave one spinning until it is done.
    pub(crate) fn of(settings: &Settings, shares: &[Range<u64>]) -> Self {
        Self {
            threads: if shares.len() > 1 { Some(1) } else { settings.threads },
            memory: settings.memory,
            spill_dir: settings.spill_dir.clone(),
            spill_cap: settings.spill_cap,
        }
    }

    pub(crate) fn open(&self) -> SqlResult<Database> {
        // Most queries need none.
        let spill = self.spill_dir.as_deref().and_then(|parent| match SpillDir::create(parent) {
            Ok(dir) => Some(dir),
            Err(error) => {
                tracing::warn!(dir = %parent.display(), %error, "queries have memory alone: their directory cannot be made");
                None
            }
        });
        // Without a directory, DuckDB would take the one that the program happens to run in.
        let dir = spill.as_ref().map_or_else(String::new, |dir| dir.path().to_string_lossy().into_owned());
        let mut settings = vec![
            ("allow_community_extensions", "false".to_owned()),
            ("autoinstall_known_extensions", "false".to_owned()),
            ("autoload_known_extensions", "false".to_owned()),
            ("allow_persistent_secrets", "false".to_owned()),
            // What is not there, and where in the text, without a guess at words.
            ("errors_as_json", "true".to_owned()),
            ("temp_directory", dir),
        ];
        settings.extend(self.threads.map(|threads| ("threads", threads.max(1).to_string())));
        settings.extend(self.memory.map(|memory| ("memory_limit", format!("{memory}B"))));
        let cap = self.spill_cap.filter(|_| spill.is_some());
        settings.extend(cap.map(|cap| ("max_temp_directory_size", format!("{cap}B"))));
        let (connection, raw) = open(&settings)?;
        // A query that runs over shares opens the files once for each of them: reading their footers each time would take longer than
        // the rows of a large table.
        execute(&connection, "SET GLOBAL parquet_metadata_cache = true")?;
        Ok(Database { connection, _raw: raw, spill })
    }
}

/// Files as they were once: size and time, where they can be told.
pub(crate) type Stamped = Vec<(PathBuf, Option<(u64, SystemTime)>)>;

/// The first of these files that is another one by now. Of one that is gone whoever has it open reads what it was.
pub(crate) fn changed(files: &Stamped, has_failed: bool) -> Option<&Path> {
    // One that is gone was read to its end, unless it was not.
    let is_changed = |path: &Path, before: &Option<(u64, SystemTime)>| match (before, stamp(path)) {
        (Some(before), Some(now)) => *before != now,
        (Some(_), None) => has_failed,
        (None, _) => false,
    };
    files.iter().find(|(path, before)| is_changed(path, before)).map(|(path, _)| path.as_path())
}

/// What a database was given: the statements that made it ready, and the files as they were then.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Given {
    opening: Opening,
    script: Vec<String>,
    files: Stamped,
}

impl Given {
    pub(crate) fn new<'a>(opening: Opening, script: Vec<String>, files: impl Iterator<Item = &'a PathBuf>) -> Self {
        let files = files.map(|path| (path.clone(), stamp(path))).collect();
        Self { opening, script, files }
    }

    pub(crate) fn script(&self) -> &[String] {
        &self.script
    }

    pub(crate) fn files(&self) -> &Stamped {
        &self.files
    }
}

/// Size and time of a file.
fn stamp(path: &Path) -> Option<(u64, SystemTime)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

/// Databases for queries to come, at most one of each kind: the one of the last query, for the same query again, and from the
/// second query on one that nobody has used. They go with the last clone of this.
///
/// A process that was forked has the memory of these and none of their threads: it leaves them alone, and opens its own for each query.
#[derive(Debug, Clone)]
pub struct Databases(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The process that they were opened in.
    process: u32,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Whether a database was opened before: a program that asks once needs no second one.
    has_opened: bool,
    used: Option<(Given, Database)>,
    spare: Option<(Opening, JoinHandle<SqlResult<Database>>)>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let is_forked = self.is_forked();
        let Kept { used, spare, .. } = std::mem::take(self.kept.get_mut().unwrap_or_else(PoisonError::into_inner));
        if is_forked {
            // Closing them would wait for threads that are in another process.
            std::mem::forget((used, spare));
            return;
        }
        // A thread within DuckDB must not outlive the program.
        if let Some((_, thread)) = spare {
            let _ = thread.join();
        }
    }
}

impl Inner {
    fn is_forked(&self) -> bool {
        self.process != std::process::id()
    }
}

impl Default for Databases {
    fn default() -> Self {
        Self(Arc::new(Inner { process: std::process::id(), kept: Mutex::default() }))
    }
}

impl Databases {
    /// What is kept here; `None` in a process that was forked, where another one may have held the lock for ever.
    fn kept(&self) -> Option<MutexGuard<'_, Kept>> {
        (!self.0.is_forked()).then(|| self.0.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// One that was given just this.
    pub(crate) fn same(&self, given: &Given) -> Option<Database> {
        self.kept()?.used.take_if(|(had, _)| had == given).map(|(_, database)| database)
    }

    /// One that was given nothing, and from the second time on another one in the background.
    pub(crate) fn fresh(&self, opening: &Opening) -> SqlResult<Database> {
        let spare = {
            let Some(mut kept) = self.kept() else { return opening.open() };
            let spare = kept.spare.take();
            if std::mem::replace(&mut kept.has_opened, true) {
                let next = opening.clone();
                kept.spare = spawn("next database", move || next.open()).ok().map(|thread| (opening.clone(), thread));
            }
            spare
        };
        match spare {
            Some((of, thread)) if of == *opening => thread.join().unwrap_or_else(|_| opening.open()),
            Some((_, thread)) => {
                drop(thread.join());
                opening.open()
            }
            None => opening.open(),
        }
    }

    /// Keeps one whose query has ended, unless it has put files on the disk.
    pub(crate) fn keep(&self, given: Given, database: Database) {
        if database.spill.as_ref().is_some_and(|dir| dir.path().exists()) {
            return;
        }
        let before = match self.kept() {
            Some(mut kept) => kept.used.replace((given, database)),
            None => return,
        };
        // Closing it takes its time, and nobody need wait for the lock.
        drop(before);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn opening(threads: usize) -> Opening {
        Opening { threads: Some(threads), memory: None, spill_dir: None, spill_cap: None }
    }

    fn mark(database: &Database) {
        database.connection.execute_batch("CREATE TABLE mark (x INTEGER)").unwrap();
    }

    fn is_marked(database: &Database) -> bool {
        database.connection.prepare("SELECT * FROM mark").is_ok()
    }

    #[test]
    fn only_the_same_again_gets_a_database_that_was_used() {
        let databases = Databases::default();
        let path = std::env::temp_dir().join(format!("datafolio-databases-test-{}", std::process::id()));
        std::fs::write(&path, "one").unwrap();
        let given = |threads, view: &str| Given::new(opening(threads), vec![view.to_owned()], [&path].into_iter());
        let used = databases.fresh(&opening(1)).unwrap();
        mark(&used);
        databases.keep(given(1, "a"), used);
        assert!(databases.same(&given(2, "a")).is_none() && databases.same(&given(1, "b")).is_none());
        let again = databases.same(&given(1, "a")).unwrap();
        assert!(is_marked(&again));
        assert!(databases.same(&given(1, "a")).is_none(), "two queries never have one at the same time");
        databases.keep(given(1, "a"), again);
        std::fs::write(&path, "longer").unwrap();
        assert!(databases.same(&given(1, "a")).is_none(), "the file has changed");
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn from_the_second_on_one_is_opened_ahead() {
        let databases = Databases::default();
        let has_spare = |databases: &Databases| databases.kept().unwrap().spare.is_some();
        let first = databases.fresh(&opening(1)).unwrap();
        mark(&first);
        assert!(!has_spare(&databases));
        for threads in [1, 1, 2] {
            assert!(!is_marked(&databases.fresh(&opening(threads)).unwrap()));
            assert!(has_spare(&databases));
        }
    }
}
