//! What was found out of tables, kept for as long as the process runs, and for the next one.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use datafolio_core::ItemRecord;
use datafolio_handlers::{FileFacts, TableFacts, stored_files, table_facts};
use datafolio_storage::{ContentCache, Verification};

use super::content::content_of;
use super::statistics::TableStatistics;
use crate::bundle::DataFolio;
use crate::error::Result;
use crate::view::view_of;

/// Facts and statistics of tables by their content, which tells all there is to know of them. Those of references are not
/// kept: their files may change.
#[derive(Debug, Default)]
pub(crate) struct KnownFacts {
    facts: Mutex<HashMap<String, Arc<TableFacts>>>,
    disk: ContentCache,
}

/// What a key begins with. The number changes whenever a release finds out something else, or writes it otherwise.
const FACTS: &str = "facts 1";
const STATISTICS: &str = "statistics 2";

impl KnownFacts {
    /// Most tables that are remembered in memory; the first ones of a larger bundle are as good as any others.
    const MOST: usize = 1024;

    /// In the directory of the cache, within so many bytes.
    pub(crate) fn new(dir: Option<PathBuf>, bytes: u64) -> Self {
        Self { facts: Mutex::default(), disk: ContentCache::new(dir).capped(bytes) }
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
        if known.len() < Self::MOST {
            known.insert(content.to_owned(), Arc::clone(facts));
        }
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
        if let Some(view) = view_of(record)? {
            return Ok(Arc::new(TableFacts::of_schema(view.schema(record.name())?)));
        }
        let item = self.handler_item(record);
        let Some(content) = content_of(record) else { return Ok(Arc::new(table_facts(&item)?)) };
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

    /// The files of a table, with where they lie.
    pub(super) fn placed_files(&self, record: &ItemRecord, facts: &TableFacts) -> Vec<FileFacts> {
        let mut files = facts.files.clone();
        if content_of(record).is_some()
            && let Ok(stored) = stored_files(record)
        {
            let item = self.handler_item(record);
            for (file, stored) in files.iter_mut().zip(&stored) {
                file.path = item.local_path_of(stored);
            }
        }
        files
    }
}
