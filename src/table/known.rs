//! What was found out of tables, kept for as long as the process runs, and for the next one.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use datafolio_columns::{MemoryResults, ResultCache};
use datafolio_core::ItemRecord;
use datafolio_handlers::{FileFacts, Item, TableFacts, reference_files_state, stored_files, table_facts};
use datafolio_storage::{ContentCache, Verification};

use super::content::content_of;
use super::statistics::TableStatistics;
use crate::bundle::DataFolio;
use crate::error::Result;
use crate::view::is_view;

/// Facts and statistics of tables by their content, which tells all there is to know of them; facts of references by the state of
/// their files, which may change.
#[derive(Debug, Default)]
pub(crate) struct KnownFacts {
    facts: Mutex<HashMap<String, Arc<TableFacts>>>,
    disk: ContentCache,
    answers: Arc<Answers>,
}

/// Answers of frames, for as long as the process runs, and for the next one.
#[derive(Debug)]
struct Answers {
    memory: MemoryResults,
    disk: ContentCache,
}

/// Bytes of answers that are kept in memory.
const ANSWERS: usize = 16 << 20;

impl Default for Answers {
    fn default() -> Self {
        Self { memory: MemoryResults::new(ANSWERS), disk: ContentCache::default() }
    }
}

impl ResultCache for Answers {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.memory.get(key).or_else(|| {
            let answer = self.disk.get(key)?;
            self.memory.put(key, &answer);
            Some(answer)
        })
    }

    fn put(&self, key: &str, answer: &[u8]) {
        self.memory.put(key, answer);
        self.disk.put(key, answer);
    }
}

/// What a key begins with. The number changes whenever a release finds out something else, or writes it otherwise.
const FACTS: &str = "facts 3";
const STATISTICS: &str = "statistics 2";

impl KnownFacts {
    /// Most tables that are remembered in memory; then any of them makes room for the next.
    const MOST: usize = 1024;

    /// In the directory of the cache, within so many bytes.
    pub(crate) fn new(dir: Option<PathBuf>, bytes: u64) -> Self {
        let disk = ContentCache::new(dir).capped(bytes);
        let answers = Arc::new(Answers { disk: disk.clone(), ..Answers::default() });
        Self { facts: Mutex::default(), disk, answers }
    }

    /// Where answers of frames are kept.
    pub(super) fn answers(&self) -> Arc<dyn ResultCache> {
        self.answers.clone()
    }

    fn facts(&self, content: &str, uses_disk: bool) -> Option<Arc<TableFacts>> {
        let known = self.facts.lock().unwrap_or_else(PoisonError::into_inner).get(content).cloned();
        known.or_else(|| {
            let bytes = uses_disk.then(|| self.disk.get(&format!("{FACTS} {content}")))??;
            let facts = Arc::new(TableFacts::from_bytes(&bytes)?);
            self.remember(content, &facts);
            Some(facts)
        })
    }

    fn keep_facts(&self, content: &str, facts: &Arc<TableFacts>, uses_disk: bool) {
        self.remember(content, facts);
        if uses_disk && let Ok(bytes) = facts.to_bytes() {
            self.disk.put(&format!("{FACTS} {content}"), &bytes);
        }
    }

    fn remember(&self, content: &str, facts: &Arc<TableFacts>) {
        let mut known = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= Self::MOST
            && let Some(any) = known.keys().next().cloned()
        {
            known.remove(&any);
        }
        known.insert(content.to_owned(), Arc::clone(facts));
    }

    /// The statistics of a content that were made with these options.
    pub(super) fn statistics(&self, content: &str, options: &str) -> Option<TableStatistics> {
        serde_json::from_slice(&self.disk.get(&format!("{STATISTICS} {content} {options}"))?).ok()
    }

    pub(super) fn keep_statistics(&self, content: &str, options: &str, statistics: &TableStatistics) {
        if let Ok(bytes) = serde_json::to_vec(statistics) {
            self.disk.put(&format!("{STATISTICS} {content} {options}"), &bytes);
        }
    }
}

impl DataFolio {
    /// What a version's content is known by, where what is found out of it may be kept: only of bytes that were compared with
    /// their hashes.
    pub(super) fn kept_content(&self, record: &ItemRecord) -> Option<String> {
        content_of(record).filter(|_| self.settings().verification != Verification::Off)
    }

    /// What the footers of a table say, read once for each content. Files that are known by their content have no path here:
    /// see [`DataFolio::placed_files`].
    pub(super) fn facts_of(&self, record: &ItemRecord) -> Result<Arc<TableFacts>> {
        if is_view(record) {
            return Ok(Arc::new(TableFacts::of_schema(self.view_schema(record)?)));
        }
        let item = self.handler_item(record);
        let Some(content) = content_of(record) else { return self.facts_of_reference(&item) };
        let uses_disk = self.settings().verification != Verification::Off;
        let facts = match self.known_facts().facts(&content, uses_disk) {
            Some(facts) => facts,
            None => {
                let mut facts = table_facts(&item)?;
                // The same bytes may lie in several places.
                facts.files.iter_mut().for_each(|file| file.path = None);
                let facts = Arc::new(facts);
                self.known_facts().keep_facts(&content, &facts, uses_disk);
                facts
            }
        };
        Ok(facts)
    }

    /// The same of what is not known by its content: files that others write are asked anew unless nothing of them has changed.
    fn facts_of_reference(&self, item: &Item<'_>) -> Result<Arc<TableFacts>> {
        let of_files = || reference_files_state(item).map(|state| format!("reference {state}"));
        let state = of_files();
        if let Some(facts) = state.as_ref().and_then(|state| self.known_facts().facts(state, true)) {
            return Ok(facts);
        }
        let facts = Arc::new(table_facts(item)?);
        // Of files that have changed meanwhile nobody knows which state the facts are of.
        if let Some(state) = state.filter(|state| Some(state) == of_files().as_ref()) {
            self.known_facts().keep_facts(&state, &facts, true);
        }
        Ok(facts)
    }

    /// The files of a table, with where they lie: on this machine, or at an address.
    pub(super) fn placed_files(&self, record: &ItemRecord, facts: &TableFacts) -> Vec<FileFacts> {
        let mut files = facts.files.clone();
        if content_of(record).is_some()
            && let Ok(stored) = stored_files(record)
        {
            let item = self.handler_item(record);
            for (file, stored) in files.iter_mut().zip(&stored) {
                file.path = match self.storage().is_remote() {
                    true => Some(PathBuf::from(self.address_of(&stored.path))),
                    false => item.local_path_of(stored),
                };
            }
        }
        files
    }
}

// Elsewhere nobody tells the state of a file that is written again with the time it had.
#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::thread::sleep;
    use std::time::{Duration, SystemTime};

    use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchIterator};
    use datafolio_handlers::{Reference, write_parquet};
    use serde_json::json;

    use super::*;
    use crate::{AddOptions, OpenOptions, Settings};

    /// Rows, in a file with a time of long ago.
    fn write(path: &Path, values: &[i64]) {
        let column: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
        let batch = RecordBatch::try_from_iter([("x", column)]).unwrap();
        let schema = batch.schema();
        let rows = Box::new(RecordBatchIterator::new([Ok(batch)], schema));
        let mut file = fs::File::create(path).unwrap();
        write_parquet("t", rows, 1, &mut file).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
    }

    #[test]
    fn facts_of_a_reference_are_kept_until_one_of_its_files_changes() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("place");
        fs::create_dir(&place).unwrap();
        let (first, second) = (place.join("a.parquet"), place.join("b.parquet"));
        write(&first, &[1, 2]);
        write(&second, &[3]);
        let mut settings = Settings::default();
        settings.cache_dir = Some(dir.path().join("cache"));
        let open = || OpenOptions::new().settings(settings.clone());
        let folio = open().create(dir.path().join("study")).unwrap();
        let path = place.to_str().unwrap().to_owned();
        let reference =
            Reference { path, table_format: "parquet".to_owned(), num_rows: None, version: None, timestamp: None };
        folio.add("t", reference, AddOptions::new()).unwrap();
        let facts = |folio: &DataFolio| folio.facts_of(&folio.table_record("t", None).unwrap()).unwrap();
        let told = |facts: &TableFacts| (facts.rows, facts.columns[0].min.clone());
        // Files whose times were set just now may be written again without a trace.
        assert!(!Arc::ptr_eq(&facts(&folio), &facts(&folio)));
        let settle = || sleep(Duration::from_millis(2_100));
        settle();
        let known = facts(&folio);
        assert_eq!(told(&known), (Some(3), Some(json!(1))));
        assert!(Arc::ptr_eq(&known, &facts(&folio)));
        // Another process.
        let other = open().open(dir.path().join("study")).unwrap();
        assert_eq!(facts(&other), known);

        // As long as before, and with the time that it had.
        let seen = fs::metadata(&first).unwrap();
        write(&first, &[7, 8]);
        fs::File::options().write(true).open(&first).unwrap().set_modified(seen.modified().unwrap()).unwrap();
        assert_eq!(seen.len(), fs::metadata(&first).unwrap().len());
        for _ in 0..2 {
            assert_eq!(told(&facts(&folio)), (Some(3), Some(json!(3))));
            assert_eq!(told(&facts(&other)), (Some(3), Some(json!(3))));
            settle();
        }
        fs::remove_file(&second).unwrap();
        assert_eq!(told(&facts(&folio)), (Some(2), Some(json!(7))));
        fs::remove_file(&first).unwrap();
        assert!(folio.facts_of(&folio.table_record("t", None).unwrap()).is_err());
    }
}
