//! Files of the logs of Delta tables that were read from stores: a query opens its table several times, and what such a log has never
//! changes.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::SystemTime;

use bytes::Bytes;
use datafolio_storage::Storage;

use crate::file_state::FileState;

/// Bytes of files that are kept of one table: its last commits, and not what a checkpoint has of many.
const MOST: usize = 8 << 20;
/// A file that is larger is read again.
const LARGEST: u64 = 1 << 20;

/// What was listed and read of the log of one table.
#[derive(Debug, Default)]
pub(super) struct LogFiles(Mutex<Files>);

#[derive(Debug, Default)]
struct Files {
    /// The state in which each file was listed last, where a change of it would show.
    listed: HashMap<String, FileState>,
    read: HashMap<String, (FileState, Bytes)>,
    bytes: usize,
}

impl LogFiles {
    /// Those of the table in a place of a store, which others who reach it in the same way have as well.
    pub(super) fn of(store: &Arc<dyn Storage>) -> Arc<Self> {
        type Known = Mutex<Vec<(Weak<dyn Storage>, Arc<LogFiles>)>>;
        static KNOWN: LazyLock<Known> = LazyLock::new(Mutex::default);
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(store, _)| store.strong_count() > 0);
        let this = Arc::downgrade(store);
        if let Some((_, files)) = known.iter().find(|(other, _)| other.ptr_eq(&this)) {
            return Arc::clone(files);
        }
        let files = Arc::new(Self::default());
        known.push((this, Arc::clone(&files)));
        files
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Before it is listed anew: what is not listed then is gone.
    pub(super) fn begin_list(&self) {
        self.files().listed.clear();
    }

    /// Notes how a file was listed.
    pub(super) fn saw(&self, path: &str, size: u64, modified: SystemTime) {
        let state = FileState::of_object(Path::new(path), size, modified);
        let mut files = self.files();
        match size <= LARGEST && state.is_settled_for_good() {
            true => drop(files.listed.insert(path.to_owned(), state)),
            false => drop(files.listed.remove(path)),
        }
    }

    /// What was read of a file, if it still is as it was then.
    pub(super) fn get(&self, path: &str) -> Option<Bytes> {
        let files = self.files();
        let (state, bytes) = files.read.get(path)?;
        (files.listed.get(path) == Some(state)).then(|| bytes.clone())
    }

    /// Keeps what was read of a file, all of it.
    pub(super) fn keep(&self, path: &str, bytes: &Bytes) {
        let mut files = self.files();
        let Some(state) = files.listed.get(path).filter(|state| state.size() == bytes.len() as u64).cloned() else {
            return;
        };
        if files.bytes + bytes.len() > MOST {
            (files.read, files.bytes) = (HashMap::new(), 0);
        }
        files.bytes += bytes.len();
        if let Some((_, before)) = files.read.insert(path.to_owned(), (state, bytes.clone())) {
            files.bytes -= before.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use datafolio_storage::MemoryStorage;

    use super::*;

    #[test]
    fn what_has_changed_is_not_known() {
        let store: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
        let files = LogFiles::of(&store);
        let (then, bytes) = (SystemTime::now() - Duration::from_secs(3600), Bytes::from_static(b"abc"));
        files.keep("a", &bytes);
        assert_eq!(files.get("a"), None, "it was not listed");
        files.saw("a", 3, then);
        files.keep("a", &bytes);
        assert_eq!(LogFiles::of(&store).get("a"), Some(bytes.clone()));
        let other: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
        assert_eq!(LogFiles::of(&other).get("a"), None);
        // Written again, or so lately that it may be without a trace.
        for (size, modified) in [(3, then + Duration::from_secs(1)), (4, then), (3, SystemTime::now())] {
            files.saw("a", size, modified);
            assert_eq!(files.get("a"), None);
        }
        files.saw("a", 3, then);
        assert_eq!(files.get("a"), Some(bytes.clone()));
        files.keep("a", &Bytes::from_static(b"ab"));
        assert_eq!(files.get("a"), Some(bytes), "that was not all of it");
        files.begin_list();
        assert_eq!(files.get("a"), None, "it is gone");
    }

    #[test]
    fn so_much_is_kept() {
        let store: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
        let (files, then) = (LogFiles::of(&store), SystemTime::now() - Duration::from_secs(3600));
        let large = Bytes::from(vec![0; LARGEST as usize]);
        for number in 0..100 {
            let path = number.to_string();
            files.saw(&path, LARGEST, then);
            files.keep(&path, &large);
            assert!(files.get(&path).is_some());
            let held: usize = files.files().read.values().map(|(_, bytes)| bytes.len()).sum();
            assert!(held <= MOST && held == files.files().bytes);
        }
        files.saw("larger", LARGEST + 1, then);
        files.keep("larger", &Bytes::from(vec![0; LARGEST as usize + 1]));
        assert_eq!(files.get("larger"), None);
    }
}
