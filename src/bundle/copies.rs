//! Copies of a bundle's payloads on this machine, where the bundle lies on a store.

use datafolio_core::item_type;
use datafolio_handlers::stored_files;
use datafolio_storage::Copies;
use serde::Serialize;

use crate::bundle::DataFolio;
use crate::error::Result;
use crate::settings::Settings;

/// What was fetched into the cache.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Prefetched {
    /// Files that are in the cache now, also those that were before.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Items of which not all is in the cache: larger than it may be, or without a recorded hash.
    pub not_kept: Vec<String>,
}

impl Settings {
    /// The copies of payloads that lie on stores, in `cache_dir`, within `cache_cap`.
    pub fn copies(&self) -> Copies {
        Copies::new(self.cache_dir.as_ref().map(|dir| dir.join("payloads")), self.cache_cap)
    }
}

impl DataFolio {
    /// Fetches the files of items into the cache, or those of all current items: they are read from there afterwards, also when
    /// the store is out of reach. Does nothing for a bundle in a directory.
    ///
    /// # Errors
    /// When there is no such item; what the store refuses; a payload that is not what was recorded; a cache that cannot be written.
    pub fn prefetch(&self, items: &[&str]) -> Result<Prefetched> {
        let mut done = Prefetched::default();
        if !self.storage().is_remote() {
            return Ok(done);
        }
        let state = self.state();
        let names: Vec<String> = match items {
            [] => state.catalogue().current.keys().map(str::to_owned).collect(),
            some => some.iter().map(|name| (*name).to_owned()).collect(),
        };
        for name in names {
            let record = self.record(&name)?;
            if record.item_type() == item_type::REFERENCED_TABLE || record.filename().is_none() {
                continue;
            }
            let mut is_whole = true;
            for file in stored_files(&record)? {
                match self.handler_item(&record).keep_copy_of(&file)? {
                    Some(_) => {
                        done.files += 1;
                        done.bytes += file.expected.size.unwrap_or(0);
                    }
                    None => is_whole = false,
                }
            }
            if !is_whole {
                done.not_kept.push(name);
            }
        }
        Ok(done)
    }
}
